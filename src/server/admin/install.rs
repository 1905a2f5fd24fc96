//! Files that must appear whole or not at all: backups, and a database that takes another's place.

use crate::store::integrity::{self, State};
use crate::store::schema;
use anyt::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file on its way, beside its place, mode 0600. It is removed unless it is finished.
pub struct Half {
    path: PathBuf,
}

impl Half {
    /// Makes the empty file; what an earlier attempt has left goes.
    pub fn begin(target: &Path) -> Result<Half> {
        let path = with_suffix(target, ".part");
        clear(&path);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|error| Error::io("make", &path, error))?;
        Ok(Half { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// On the disk, then in its place.
    pub fn finish(self, target: &Path) -> Result<()> {
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(|error| Error::io("sync", &self.path, error))?;
        std::fs::rename(&self.path, target).map_err(|error| Error::io("rename to", target, error))?;
        sync_folder(target)
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        clear(&self.path);
    }
}

/// A database and its companions.
fn clear(path: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let _ = std::fs::remove_file(with_suffix(path, suffix));
    }
}

pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_path_buf();
    path.as_mut_os_string().push(suffix);
    path
}

/// Whether the file is a whole database of anyt-server that this program can serve; its schema.
pub fn verify(path: &Path) -> Result<i64> {
    let connection = schema::open_as_it_is(path)?;
    let failed = |error: rusqlite::Error| Error::failure(format!("cannot read {}: {error}", path.display()));
    match integrity::full(&connection).map_err(failed)? {
        State::Whole => connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed),
        State::Damaged(faults) => Err(Error::failure(format!("{} is damaged: {faults}", path.display()))),
        State::Unknown => Err(Error::failure(format!("the check of {} was interrupted", path.display()))),
    }
}

/// Puts a finished file in the place of the database. What was there stays beside it under another name, which is
/// returned. Only under the server's lock.
pub fn replace_database(half: Half, database: &Path) -> Result<Option<PathBuf>> {
    keep_owner(half.path(), database)?;
    let old = database.exists().then(|| set_aside(database)).transpose()?;
    half.finish(database)?;
    Ok(old)
}

/// A server under another account has to be able to open it: whoever administers as root makes files of root.
fn keep_owner(file: &Path, database: &Path) -> Result<()> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let model = std::fs::metadata(database).or_else(|_| std::fs::metadata(folder));
    let (model, own) = match (model, std::fs::metadata(file)) {
        (Ok(model), Ok(own)) => (model, own),
        _ => return Ok(()),
    };
    if (model.uid(), model.gid()) != (own.uid(), own.gid()) && own.uid() == 0 {
        std::os::unix::fs::chown(file, Some(model.uid()), Some(model.gid()))
            .map_err(|error| Error::io("change the owner of", file, error))?;
    }
    Ok(())
}

/// A second name for the old database and its log before the log goes: at no moment is it nowhere.
fn set_aside(database: &Path) -> Result<PathBuf> {
    let aside = (1..)
        .map(|number| with_suffix(database, &format!(".replaced-{number}")))
        .find(|path| !path.exists())
        .expect("numbers go on");
    for suffix in ["", "-wal"] {
        let from = with_suffix(database, suffix);
        if from.exists() {
            let to = with_suffix(&aside, suffix);
            let kept = std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(drop));
            kept.map_err(|error| Error::io("keep", &from, error))?;
        }
    }
    sync_folder(database)?;
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(with_suffix(database, suffix));
    }
    Ok(aside)
}

fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Error::io("sync the folder", folder, error))
}
