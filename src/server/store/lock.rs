//! One server on one file: a lock beside the database that the kernel frees when its holder dies. SQLite's own locks are
//! not enough, as it lets several processes in, and that is what administration needs.

use super::schema::Location;
use anyt::error::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The lock, until it is dropped.
pub struct Lock {
    #[expect(dead_code, reason = "its closing is what frees the lock")]
    file: Option<File>,
}

impl Lock {
    /// Takes the lock at once or not at all. Whoever reaches the database through a symbolic link finds the same lock.
    pub fn take(location: &Location) -> Result<Lock> {
        let Location::File(database) = location else { return Ok(Lock { file: None }) };
        let path = beside(database);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Error::io("open the lock", &path, error))?;
        keep_owner(&file, &path);
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(taken(database, &mut file)),
            Err(error) => return Err(Error::io("lock", &path, error.into())),
        }
        // For whoever finds it taken. What cannot be written there (a full disk) changes nothing about the lock.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock { file: Some(file) })
    }
}

/// Root administers what another account serves: that account has to be able to open the lock.
fn keep_owner(file: &File, path: &Path) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (Ok(own), Some(Ok(folder))) = (file.metadata(), path.parent().map(std::fs::metadata)) else { return };
    if own.uid() == 0 && folder.uid() != 0 {
        let _ = fchown(file, Some(folder.uid()), Some(folder.gid()));
    }
}

fn taken(database: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    let _ = file.take(20).read_to_string(&mut holder);
    let process = if holder.trim().is_empty() { String::new() } else { format!(", process {}", holder.trim()) };
    Error::failure(format!("cannot use {}: another anyt-server has it{process}", database.display()))
}

fn beside(database: &Path) -> PathBuf {
    let whole = std::fs::canonicalize(database);
    let parent = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut path = whole.unwrap_or_else(|_| match (std::fs::canonicalize(parent), database.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => database.to_path_buf(),
    });
    path.as_mut_os_string().push(".lock");
    path
}
