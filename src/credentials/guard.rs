//! Reading a file that holds a secret: only a regular file, only ours, only under one name, and never waiting for a pipe.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// No secret of ours comes near this; what is larger is not read.
const LARGEST: u64 = 64 * 1024;

/// Whose file it may be and who else may read it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Written by anyt, holds ciphertext: ours; its mode does not matter.
    Ciphertext,
    /// Holds a key or passphrase: ours or root's, readable by nobody else.
    Key,
    /// Handed over by systemd, which gives the service access with an ACL that looks like a group bit: not for others.
    Systemd,
}

/// The file's content; `None` if there is no such file. `Error::SignIn` for a file that cannot be trusted, with the
/// command that mends it where one does.
pub fn read(path: &Path, guard: Guard) -> Result<Option<Vec<u8>>> {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if is_symlink(path) => return Err(refused(path, &format!("is a symbolic link ({error})"))),
        Err(source) => return Err(Error::io("open", path, source)),
    };
    inspect(&file, path, guard)?;
    let mut content = Vec::new();
    file.by_ref().take(LARGEST + 1).read_to_end(&mut content).map_err(|source| Error::io("read", path, source))?;
    if content.len() as u64 > LARGEST { Err(refused(path, "is too large")) } else { Ok(Some(content)) }
}

fn refused(path: &Path, why: &str) -> Error {
    Error::sign_in(format!("{} {why}; it was not read", path.display())).hint("put a plain file of yours in its place")
}

fn is_symlink(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // NONBLOCK: opening a FIFO would wait for somebody to write to it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(unix)]
fn inspect(file: &File, path: &Path, guard: Guard) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().map_err(|source| Error::io("look at", path, source))?;
    let us = rustix::process::geteuid().as_raw();
    let root_may = guard != Guard::Ciphertext && metadata.uid() == 0;
    if !metadata.is_file() {
        return Err(refused(path, "is not a regular file"));
    }
    if metadata.uid() != us && !root_may {
        return Err(refused(path, "belongs to another user"));
    }
    if metadata.nlink() != 1 {
        return Err(refused(path, "has a second name (a hard link)"));
    }
    let forbidden = match guard {
        Guard::Ciphertext => 0,
        Guard::Key => 0o077,
        Guard::Systemd => 0o007,
    };
    if metadata.mode() & forbidden != 0 {
        let message = format!("{} can be read by others (mode {:04o})", path.display(), metadata.mode() & 0o7777);
        return Err(Error::sign_in(message).hint(format!("chmod 600 {}", path.display())));
    }
    Ok(())
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

#[cfg(not(unix))]
fn inspect(_file: &File, _path: &Path, _guard: Guard) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;
    use crate::testing::Folder;

    fn refusal(path: &Path) -> String {
        let error = read(path, Guard::Key).unwrap_err();
        assert_eq!(error.exit_code(), 4, "{error}");
        format!("{error} ({})", error.advice().unwrap_or_default())
    }

    fn private(path: &Path) {
        std::fs::write(path, "k").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn only_a_plain_private_file_of_ours_is_read() {
        let folder = Folder::new();
        let key = folder.path("key");
        assert!(read(&key, Guard::Key).unwrap().is_none());
        private(&key);
        assert_eq!(read(&key, Guard::Key).unwrap().unwrap(), b"k");

        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refusal(&key).contains(&format!("chmod 600 {}", key.display())));
        assert!(read(&key, Guard::Ciphertext).is_ok());
        assert!(read(&key, Guard::Systemd).is_err());

        private(&key);
        std::fs::hard_link(&key, folder.path("second")).unwrap();
        assert!(refusal(&key).contains("hard link"));
        symlink("second", folder.path("link")).unwrap();
        assert!(refusal(&folder.path("link")).contains("symbolic link"));
        assert!(refusal(folder.root()).contains("not a regular file"));
    }

    #[test]
    fn a_pipe_is_refused_without_waiting_for_it() {
        let folder = Folder::new();
        let fifo = folder.path("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let (done, answer) = std::sync::mpsc::channel();
        std::thread::spawn(move || done.send(refusal(&fifo)));
        let refusal = answer.recv_timeout(std::time::Duration::from_secs(4)).expect("opening the pipe must not wait");
        assert!(refusal.contains("not a regular file"), "{refusal}");
    }

    #[test]
    fn a_file_of_somebody_else_is_refused() {
        let folder = Folder::new();
        let key = folder.path("key");
        private(&key);
        if chown(&key, Some(65_534), None).is_err() {
            println!("skipped: only root can give a file away");
            return;
        }
        assert!(refusal(&key).contains("another user"));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let folder = Folder::new();
        let key = folder.path("key");
        private(&key);
        std::fs::write(&key, vec![b'x'; 70_000]).unwrap();
        assert!(refusal(&key).contains("too large"));
    }
}
