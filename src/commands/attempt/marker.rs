//! Which attempts `anyt attempt run` is at: a locked file for each, named by the operation that starts it. The kernel frees
//! the lock of a process that dies, whatever it dies of; so the next run finds what a dead one has left.

use crate::commands::context::EnvContext;
use crate::error::{Error, Result};
use crate::lock::{Held, LockFile, OTHER_COMMAND};
use crate::paths::create_private_dir;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// A file without a holder's name is one that is just being made, for so long.
const BEING_MADE: Duration = Duration::from_secs(60);

/// Held while the run goes on; the file goes when it is dropped.
pub struct Marker {
    path: PathBuf,
    #[expect(dead_code, reason = "dropping it frees the lock")]
    held: Held,
}

impl Marker {
    pub fn new(ctx: &EnvContext, op_id: &str) -> Result<Marker> {
        let folder = ctx.runs_dir();
        create_private_dir(&folder)?;
        let path = folder.join(op_id);
        let held = LockFile::open(&path)?.hold(OTHER_COMMAND)?;
        Ok(Marker { path, held })
    }

    /// Leaves the file where it is: how the run ended could not be written down, and the next one finds it dead.
    pub fn stay(self) {
        std::mem::forget(self);
    }

    /// The operations that started attempts whose runs are dead, each with its marker, which is ours now.
    pub fn of_the_dead(ctx: &EnvContext) -> Result<Vec<(String, Marker)>> {
        let folder = ctx.runs_dir();
        let mut dead = Vec::new();
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(dead),
            entries => entries.map_err(|error| Error::io("read", &folder, error))?,
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let young = entry.metadata().is_ok_and(|file| {
                let age = file.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
                file.len() == 0 && age.is_none_or(|age| age < BEING_MADE)
            });
            if !young && let Some(held) = LockFile::open(&path)?.try_hold()? {
                dead.push((name, Marker { path, held }));
            }
        }
        Ok(dead)
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
