//! Replacing a small file as one step: whoever looks, and wherever the power goes, finds the old bytes or the new ones.
//! And the lock that lets only one anyt at a time do so.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::failpoint;

/// How long somebody else's change of a small file may take before we give up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does `work` while holding an exclusive lock on `lock_file`, which is made (0600) if it is missing and stays.
/// `Error::Failure` after 30 s of waiting.
pub fn exclusively<T>(lock_file: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    within(PATIENCE, lock_file, work)?.ok_or_else(|| {
        Error::failure(format!("another program has held {} for 30 s", lock_file.display()))
            .hint("nothing was changed; try again")
    })
}

/// The same without waiting; `None` if somebody else has the lock.
pub fn if_free<T>(lock_file: &Path, work: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    within(Duration::ZERO, lock_file, work)
}

fn within<T>(patience: Duration, lock_file: &Path, work: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let mut options = OpenOptions::new();
    not_through_links(private(options.read(true).write(true).create(true).truncate(false)));
    let file = options.open(lock_file).map_err(|source| Error::io("open the lock", lock_file, source))?;
    let mut lock = fd_lock::RwLock::new(file);
    let deadline = Instant::now() + patience;
    loop {
        match lock.try_write() {
            Ok(_held) => return work().map(Some),
            Err(busy) if busy.kind() == ErrorKind::WouldBlock => {}
            Err(source) => return Err(Error::io("lock", lock_file, source)),
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Gives `path` the new content. A symbolic link stays and its target is replaced; mode and owner stay; a new file gets
/// 0600.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    replace_checked(path, content, |_| Ok(()))
}

/// The same, with a look at the finished temporary file before it takes its place.
pub fn replace_checked(path: &Path, content: &[u8], check: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let target = target_of(path)?;
    let temporary = temporary_beside(&target)?;
    let result = write_new(&temporary, content, &target).and_then(|()| check(&temporary)).and_then(|()| {
        failpoint::hit("replace.written");
        std::fs::rename(&temporary, &target).map_err(|source| cannot_replace(&target, source))
    });
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
        return result;
    }
    failpoint::hit("replace.renamed");
    sync_folder(&target)
}

/// Makes a removal or a rename in the file's folder durable.
pub fn sync_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    // Some file systems cannot sync a folder; the rename is atomic all the same.
    File::open(folder).and_then(|folder| folder.sync_all()).or_else(|source| match source.kind() {
        ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied => Ok(()),
        _ => Err(Error::io("sync the folder", folder, source)),
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where a chain of symbolic links ends, whether or not there is a file yet.
pub fn target_of(path: &Path) -> Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..40 {
        match std::fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::failure(format!("{} is a symbolic link that leads nowhere", path.display())))
}

/// Removes the temporary files of attempts to replace `path` that crashed. Only under the lock of those who replace it:
/// one that is at work has such a file too.
pub fn clear_leftovers(path: &Path) {
    let Ok(target) = target_of(path) else { return };
    let prefix = temporary_prefix(&target);
    for entry in std::fs::read_dir(folder_of(&target)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let leftover = name.to_string_lossy().strip_prefix(&prefix).is_some_and(|rest| rest.ends_with(".tmp"));
        if leftover {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn temporary_prefix(target: &Path) -> String {
    format!(".{}.anyt-", target.file_name().unwrap_or_default().to_string_lossy())
}

/// A name beside the file that nobody uses.
fn temporary_beside(target: &Path) -> Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| Error::failure("the system gives no random numbers"))?;
    let name = format!("{}{:016x}.tmp", temporary_prefix(target), u64::from_le_bytes(random));
    Ok(folder_of(target).join(name))
}

/// A file of ours that somebody has opened to others is closed to them again, where the file system has modes.
pub fn keep_private(file: &File) {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
        let _ = file.set_permissions(Permissions::from_mode(0o600));
    }
}

/// Writes the temporary file: made by us, nobody else's to read, on the disk when this returns.
fn write_new(temporary: &Path, content: &[u8], old: &Path) -> Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true))
        .open(temporary)
        .map_err(|source| cannot_replace(old, source))?;
    let written = file.write_all(content).and_then(|()| keep_owner_and_mode(&file, old)).and_then(|()| file.sync_all());
    written.map_err(|source| cannot_replace(old, source))
}

#[cfg(unix)]
fn keep_owner_and_mode(new: &File, old: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let Ok(old) = std::fs::metadata(old) else { return Ok(()) };
    let ours = new.metadata()?;
    if (old.uid(), old.gid()) != (ours.uid(), ours.gid()) {
        let uid = (old.uid() != ours.uid()).then_some(old.uid());
        fchown(new, uid, Some(old.gid()))?;
    }
    new.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o777))
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_new: &File, _old: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Files that only their owner may read.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A lock is ours and in its place, or there is none: what a link points to is not made and not held.
fn not_through_links(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("flags of open are an int");
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
    }
    options
}

fn cannot_replace(path: &Path, source: std::io::Error) -> Error {
    if source.kind() == ErrorKind::ResourceBusy {
        return Error::failure(format!("cannot replace {}: it is a mount of its own", path.display()))
            .hint("nothing was changed; mount the folder instead of the file");
    }
    Error::io("replace", path, source)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::testing::Folder;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_private_and_an_old_one_keeps_its_mode() {
        let folder = Folder::new();
        let file = folder.path("a.json");
        replace(&file, b"1").unwrap();
        assert_eq!(mode(&file), 0o600);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
        replace(&file, b"2").unwrap();
        assert_eq!((mode(&file), std::fs::read(&file).unwrap()), (0o400, b"2".to_vec()));
    }

    #[test]
    fn a_link_stays_and_leftovers_go() {
        let folder = Folder::new();
        let (link, real) = (folder.path("link"), folder.path("real"));
        symlink("real", &link).unwrap();
        std::fs::write(folder.path(".real.anyt-00.tmp"), "crashed").unwrap();
        clear_leftovers(&link);
        replace(&link, b"through").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"through");
        assert_eq!(std::fs::read_dir(folder.root()).unwrap().count(), 2);
        symlink("loop", folder.path("loop")).unwrap();
        assert!(replace(&folder.path("loop"), b"x").is_err());
    }

    #[test]
    fn a_lock_is_held_by_one_and_never_through_a_link() {
        let folder = Folder::new();
        let lock = folder.path("lock");
        let inner = exclusively(&lock, || if_free(&lock, || Ok(1))).unwrap();
        assert_eq!((inner, if_free(&lock, || Ok(1)).unwrap()), (None, Some(1)));
        let link = folder.path("link");
        symlink("elsewhere", &link).unwrap();
        assert!(exclusively(&link, || Ok(())).is_err());
        assert!(!folder.path("elsewhere").exists());
    }

    #[test]
    fn a_failed_check_leaves_the_old_bytes_and_nothing_else() {
        let folder = Folder::new();
        let file = folder.path("a");
        std::fs::write(&file, "old").unwrap();
        assert!(replace_checked(&file, b"new", |_| Err(Error::failure("no"))).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.root()).unwrap().count(), 1);
    }
}
