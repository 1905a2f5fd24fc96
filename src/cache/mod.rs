//! The cache: one SQLite file per environment holding a copy of the server's tasks, the queue of local changes, the
//! log and the cursors (tables: `schema`). All SQL of the client is below this folder. It knows no network.
//!
//! A row of `tasks` is what the user should see: the server's row with the queued operations laid over it. While
//! operations are queued, `tasks.remote` keeps the server's row, so the picture can be made anew from the two at any
//! time (`overlay`): after a sync, after a dropped operation, after a settled conflict.

mod answers;
mod conflicts;
mod entities;
mod log;
mod outcome;
mod overlay;
mod queue;
mod schema;
mod staging;
mod tasks;

pub use conflicts::StoredConflict;
pub use log::{Direction, LogEntry};
pub use outcome::{Answer, Listing, LogRow, Outcome, Pulled, Totals};
pub use queue::{Change, Queueing};
pub use tasks::{Filter, Sort, TaskRow};

use crate::error::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, named_params};
use schema::Unusable;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const FOLDED: &str = "journal_folded";

/// `sync_metadata` keys: the server and the account that filled the cache, or that its queue is meant for.
pub const SERVER: &str = "server";
pub const ACCOUNT: &str = "account";

/// How long a local write waits for another's commit. A commit takes milliseconds; nobody holds the write lock across
/// a request or a prompt.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Cache {
    db: Connection,
    path: PathBuf,
    /// Device and number of the file that was opened.
    inode: (u64, u64),
}

impl Cache {
    /// Opens the cache at `path`, making folder (0700) and file (0600) if there are none.
    ///
    /// # Errors
    /// A file that is no database, one of a newer anyt, a symlink, a folder that cannot be written: nothing is changed.
    pub fn open(path: &Path) -> Result<Cache> {
        create_private(path)?;
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        // SQLITE_OPEN_NOFOLLOW refuses a symlink anywhere in the path, and only the file itself is ours to judge.
        let real = path.canonicalize().map_err(|e| Error::io("open", path, e))?;
        let inode = inode(&real).map_err(|e| Error::io("open", path, e))?;
        let attempt = || -> Result<Cache, Unusable> {
            let mut db = Connection::open_with_flags(&real, flags)?;
            db.busy_timeout(BUSY_TIMEOUT)?;
            // The server's rows may point at what it no longer lists (api.md 7), so the references are not enforced.
            db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL")?;
            schema::migrate(&mut db)?;
            // Whoever made the file may have died before this; while somebody else is in it, a later run does it.
            if !is_wal(&db)? {
                let _ = db.execute_batch("PRAGMA journal_mode = WAL");
            }
            Ok(Cache { db, path: real.clone(), inode })
        };
        attempt().map_err(|unusable| match unusable {
            Unusable::Newer(version) => Error::failure(format!(
                "{} was made by a newer anyt (version {version}); it was left alone",
                path.display()
            ))
            .hint("upgrade anyt"),
            Unusable::Foreign => {
                let path = path.display();
                Error::failure(format!("{path} is another program's database; it was left alone"))
                    .hint(move_away(&path))
            }
            Unusable::Sqlite(error) => sqlite_error(path, error),
        })
    }

    /// The journal was never folded into this file: it may be new because the old one was lost. Remembered in the file
    /// itself, since whoever made it may not have been able to fold (a sync was at work).
    pub fn is_fresh(&self) -> Result<bool> {
        Ok(self.metadata(FOLDED)?.is_none())
    }

    /// The journal has been folded in.
    pub fn set_folded(&self) -> Result<()> {
        self.set_metadata(FOLDED, "1")
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that was opened is still the one that others find. Somebody may wipe `~/.cache` at any time.
    pub fn is_in_place(&self) -> bool {
        inode(&self.path).is_ok_and(|inode| inode == self.inode)
    }

    pub fn metadata(&self, key: &str) -> Result<Option<String>> {
        self.db
            .prepare_cached("SELECT value FROM sync_metadata WHERE key = :key")
            .and_then(|mut query| query.query_row(named_params! {":key": key}, |row| row.get(0)).optional())
            .map_err(|e| self.error(e))
    }

    pub fn set_metadata(&self, key: &str, value: &str) -> Result<()> {
        set_metadata(&self.db, key, value).map_err(|e| self.error(e))
    }

    fn error(&self, error: rusqlite::Error) -> Error {
        sqlite_error(&self.path, error)
    }

    /// Runs `work` in one write transaction: all of it or nothing.
    fn write<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let run = |db: &mut Connection| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            crate::failpoint::hit("cache.commit.before");
            transaction.commit()?;
            crate::failpoint::hit("cache.commit.after");
            Ok(value)
        };
        run(&mut self.db).map_err(|e| sqlite_error(&self.path, e))
    }
}

fn inode(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

fn is_wal(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).map(|mode| mode == "wal")
}

fn set_metadata(db: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO sync_metadata (key, value) VALUES (:key, :value) ON CONFLICT(key) DO UPDATE SET value = :value",
    )?
    .execute(named_params! {":key": key, ":value": value})
    .map(drop)
}

/// Makes the file with mode 0600 before SQLite sees it, so that -wal and -shm inherit that mode.
fn create_private(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| Error::io("create the folder", folder, e))?;
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => return tighten(path, &found),
        Ok(_) => {
            return Err(Error::failure(format!("{} is not a regular file; it was left alone", path.display())));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("open", path, error)),
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io("create", path, error)),
    }
}

/// A file of ours that others may read or write, with what SQLite keeps beside it, becomes private.
fn tighten(path: &Path, found: &std::fs::Metadata) -> Result<()> {
    if found.mode() & 0o077 == 0 || found.uid() != rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("make private", Path::new(&name), error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn sqlite_error(path: &Path, error: rusqlite::Error) -> Error {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            Error::failure(format!("{path} is not a database; it was left alone")).hint(move_away(&path))
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            Error::failure(format!("{path} is damaged: {error}")).hint(move_away(&path))
        }
        Some(ErrorCode::DiskFull) => Error::failure(format!("no room left on the disk of {path}"))
            .hint("nothing was changed; make room and run it again"),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::failure(format!("{path} cannot be written: {error}")).hint("nothing was changed")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { pid: None, age: None },
        Some(ErrorCode::SystemIoFailure) => Error::failure(format!("{path} cannot be read or written: {error}"))
            .hint("nothing was changed; is the disk full?"),
        // Ours are all the tables, the rows and the statements: one that does not fit was not made by an anyt.
        None | Some(ErrorCode::Unknown) => Error::failure(format!("{path} is damaged: {error}")).hint(move_away(&path)),
        Some(_) => Error::failure(format!("{path}: {error}")),
    }
}

fn move_away(path: &std::path::Display) -> String {
    format!("move it away and run anyt sync: queued work is restored from the journal; mv {path} {path}.old")
}
