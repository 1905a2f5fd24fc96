//! One sync at a time per environment: an advisory lock on a file, which the kernel frees when its holder dies. The
//! file says who holds it, for those who find it taken.

use crate::error::{Error, Result};
use crate::time::Timestamp;
use fd_lock::{RwLock, RwLockWriteGuard};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An opened lock file, not held yet.
pub struct LockFile {
    file: RwLock<File>,
    path: PathBuf,
}

/// Held until dropped.
pub struct Held<'a>(#[allow(dead_code)] RwLockWriteGuard<'a, File>);

/// How often a waiting process looks again. fd-lock has no timed wait.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl LockFile {
    /// Opens (and makes, mode 0600) the file; its folder must exist.
    pub fn open(path: &Path) -> Result<LockFile> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|e| Error::io("open", path, e))?;
        Ok(LockFile { file: RwLock::new(file), path: path.to_path_buf() })
    }

    /// Takes the lock, waiting at most `patience`.
    ///
    /// # Errors
    /// `Error::Busy` with the holder's pid and the time since it took the lock.
    pub fn hold(&mut self, patience: Duration) -> Result<Held<'_>> {
        let deadline = Instant::now() + patience;
        // The borrow checker cannot see that a guard returned from a loop ends the loop, so waiting is done first.
        while !self.is_free()? {
            if Instant::now() >= deadline {
                return Err(self.busy());
            }
            std::thread::sleep(LOOK_AGAIN.min(deadline.saturating_duration_since(Instant::now())));
        }
        let holder = read_holder(&self.path);
        let path = self.path.clone();
        match self.file.try_write() {
            Ok(mut guard) => {
                write_holder(&mut guard).map_err(|e| Error::io("write", &path, e))?;
                Ok(Held(guard))
            }
            // Taken in the instant between the two calls.
            Err(_) => Err(busy(holder)),
        }
    }

    /// Takes the lock if nobody has it.
    pub fn try_hold(&mut self) -> Result<Option<Held<'_>>> {
        match self.hold(Duration::ZERO) {
            Ok(held) => Ok(Some(held)),
            Err(Error::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Nobody holds the lock at this instant.
    pub fn is_free(&mut self) -> Result<bool> {
        match self.file.try_write() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(Error::io("lock", &self.path, error)),
        }
    }

    /// The error that names the present holder.
    pub fn busy(&self) -> Error {
        busy(read_holder(&self.path))
    }
}

fn busy(holder: Option<(u32, Duration)>) -> Error {
    Error::Busy { pid: holder.map(|(pid, _)| pid), age: holder.map(|(_, age)| age) }
}

/// `PID RFC3339` on one line.
fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{} {}", std::process::id(), Timestamp::now().rfc3339())
}

fn read_holder(path: &Path) -> Option<(u32, Duration)> {
    let mut text = String::new();
    File::open(path).ok()?.take(100).read_to_string(&mut text).ok()?;
    let (pid, since) = text.trim_end().split_once(' ')?;
    Some((pid.parse().ok()?, Timestamp::parse(since)?.age(Timestamp::now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it() {
        let path = std::env::temp_dir().join(format!("anyt-lock-{}", std::process::id()));
        let (mut first, mut second) = (LockFile::open(&path).expect("open"), LockFile::open(&path).expect("open"));
        let held = first.hold(Duration::ZERO).expect("free");
        match second.hold(Duration::ZERO) {
            Err(Error::Busy { pid: Some(pid), age: Some(age) }) => {
                assert_eq!(pid, std::process::id());
                assert!(age < Duration::from_secs(5));
            }
            other => panic!("{:?}", other.map(drop)),
        }
        drop(held);
        assert!(second.try_hold().expect("readable").is_some());
        let _ = std::fs::remove_file(path);
    }
}
