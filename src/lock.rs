//! One sync at a time per environment: an advisory lock on a file, which the kernel frees when its holder dies. The
//! file says who holds it, for those who find it taken.

use crate::error::{Error, Result};
use crate::time::Timestamp;
use fd_lock::RwLock;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An opened lock file, not held yet.
pub struct LockFile {
    file: RwLock<File>,
    path: PathBuf,
}

/// The lock, until it is dropped: closing the file frees it.
#[derive(Debug)]
pub struct Held {
    #[expect(dead_code, reason = "its closing is what frees the lock")]
    file: RwLock<File>,
    path: PathBuf,
}

impl Drop for Held {
    /// Nobody holds it now, so it names nobody. A failure leaves the name of a process that is gone, which is looked at
    /// only while somebody else holds the lock.
    fn drop(&mut self) {
        let _ = OpenOptions::new().write(true).truncate(true).open(&self.path);
    }
}

/// How long a command waits for another one's own write; a sync may take longer.
pub const OTHER_COMMAND: Duration = Duration::from_secs(1);

/// How often a waiting process looks again. fd-lock has no timed wait.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

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
    pub fn hold(mut self, patience: Duration) -> Result<Held> {
        // Longer than any clock goes is as long as it takes.
        let deadline = Instant::now().checked_add(patience);
        loop {
            match self.file.try_write() {
                // The guard borrows the file, which has to move into `Held`; forgotten, it leaves the lock taken.
                Ok(guard) => std::mem::forget(guard),
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                    return Err(Error::io("lock", &self.path, error));
                }
                Err(_) => {
                    let left = deadline.map_or(patience, |at| at.saturating_duration_since(Instant::now()));
                    if left.is_zero() {
                        return Err(busy(&self.path));
                    }
                    std::thread::sleep(LOOK_AGAIN.min(left));
                    continue;
                }
            }
            write_holder(&self.path).map_err(|e| Error::io("write", &self.path, e))?;
            return Ok(Held { file: self.file, path: self.path });
        }
    }

    /// Takes the lock if nobody has it.
    pub fn try_hold(self) -> Result<Option<Held>> {
        match self.hold(Duration::ZERO) {
            Ok(held) => Ok(Some(held)),
            Err(Error::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Nobody holds the lock at this instant. It is tried only where somebody is named: who wants it must not find it
    /// taken by one who only looks. The name that one who was killed has left goes with the first look.
    pub fn is_free(self) -> Result<bool> {
        Ok(read_holder(&self.path).is_none() || self.try_hold()?.is_some())
    }
}

/// Who holds the lock at this instant, and for how long. Changes nothing, not even what a process that was killed has left in
/// the file.
pub fn holder(path: &Path) -> Option<(u32, Duration)> {
    let named = read_holder(path)?;
    let file = RwLock::new(File::open(path).ok()?);
    let is_taken = file.try_read().is_err();
    is_taken.then_some(named)
}

/// The error that names the present holder. It writes its name just after it has taken the lock, so one look may come
/// too early.
fn busy(path: &Path) -> Error {
    let holder = (0..5).find_map(|look| {
        if look > 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        read_holder(path)
    });
    Error::Busy { pid: holder.map(|(pid, _)| pid), age: holder.map(|(_, age)| age) }
}

/// `PID RFC3339` on one line.
fn write_holder(path: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
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
        let open = || LockFile::open(&path).expect("open");
        let held = open().hold(Duration::ZERO).expect("free");
        match open().hold(Duration::ZERO) {
            Err(Error::Busy { pid: Some(pid), age: Some(age) }) => {
                assert_eq!(pid, std::process::id());
                assert!(age < Duration::from_secs(5));
            }
            other => panic!("{:?}", other.map(drop)),
        }
        assert!(!open().is_free().expect("readable"));
        drop(held);
        assert_eq!(std::fs::read(&path).expect("read"), b"");
        assert!(open().try_hold().expect("readable").is_some());
        let _ = std::fs::remove_file(path);
    }

    #[test]
    fn many_take_turns() {
        let path = std::env::temp_dir().join(format!("anyt-lock-turns-{}", std::process::id()));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        LockFile::open(&path).and_then(|lock| lock.hold(Duration::from_secs(30))).expect("a turn");
                    }
                });
            }
        });
        let _ = std::fs::remove_file(path);
    }
}
