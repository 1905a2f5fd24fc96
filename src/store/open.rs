//! Opening an environment's files: private, migrated, compared with the spare copy; a damaged cache is moved aside and made
//! anew.

use super::schema::{self, Unusable};
use super::{Files, Notice, Result, Store, moved, spare};
use crate::error::Error;
use crate::paths::create_private_dir;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a local write waits for another's commit. A commit takes milliseconds; nobody holds the write lock across
/// a request or a prompt.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl Store {
    /// Opens an environment's store: makes or migrates cache.db, compares its mark with queue.jsonl, moves an older anyt's
    /// files over. Takes no lock but SQLite's own.
    ///
    /// # Errors
    /// A file that is no database, one of a newer anyt, a symlink: nothing is changed. A cache that cannot be written can be
    /// read; each change of it is an error.
    pub fn open(files: &Files) -> Result<Store> {
        let mut notices = Vec::new();
        let opened = match connect(&files.cache) {
            Err(Failed::Damaged(_)) => {
                notices.push(Notice::Damaged(move_aside(&files.cache)?));
                connect(&files.cache)
            }
            opened => opened,
        };
        let (db, path, inode) = match opened {
            // Who only reads needs no writing: a read-only home, somebody else's cache.
            Err(Failed::ReadOnly(error)) => {
                let (db, path, inode) = connect_read_only(&files.cache).ok_or(error)?;
                return Ok(Store { db, path, inode, files: files.clone(), notices, is_durable: true });
            }
            opened => opened.map_err(Failed::into_error)?,
        };
        let mut store = Store { db, path, inode, files: files.clone(), notices, is_durable: true };
        match store.compare() {
            // Who only reads needs no spare copy. Each change, and each run of the engine, compares again before anything
            // is written.
            Err(Error::Io { path, source, .. })
                if files.queue.parent().is_some_and(|folder| path.starts_with(folder) || folder.starts_with(&path)) =>
            {
                store.notices.push(Notice::NoSpareCopy(format!("{}: {source}", path.display())));
            }
            compared => compared?,
        }
        Ok(store)
    }

    /// The cache as it is, for who only looks: nothing is made, migrated or compared. `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read: damaged, or another version's.
    pub fn look(files: &Files) -> Result<Option<Store>> {
        if !files.cache.exists() {
            return Ok(None);
        }
        let (db, path, inode) = connect_read_only(&files.cache).ok_or_else(|| {
            Error::failure(format!("{} is damaged, or another version's", files.cache.display()))
                .hint("the next command mends it, or says why not: anyt sync status")
        })?;
        Ok(Some(Store { db, path, inode, files: files.clone(), notices: Vec::new(), is_durable: true }))
    }

    /// Reads every row there is, and gives their number.
    pub fn read_through(&self) -> Result<usize> {
        let read = || -> rusqlite::Result<usize> {
            let mut count = 0;
            let mut tables = self.db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
            let mut names = tables.query([])?;
            while let Some(name) = names.next()? {
                let name: String = name.get(0)?;
                let mut table = self.db.prepare(&format!("SELECT * FROM \"{name}\""))?;
                let last = table.column_count() - 1;
                let mut rows = table.query([])?;
                while let Some(row) = rows.next()? {
                    row.get_ref(last)?;
                    count += 1;
                }
            }
            Ok(count)
        };
        read().map_err(|e| self.error(e))
    }

    /// queue.jsonl has what waits.
    pub fn is_copied(&self) -> Result<bool> {
        Ok(spare::mark(&self.db).map_err(|e| self.error(e))? == spare::tail(&self.files.queue)?)
    }

    /// What opening had to say, once.
    pub fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The file that was opened is still the one that others find.
    pub fn is_in_place(&self) -> bool {
        inode(&self.path).is_ok_and(|inode| inode == self.inode)
    }

    /// Opens the file that is there now. What was in the other one is compared with queue.jsonl.
    pub(super) fn open_again(&mut self) -> Result<()> {
        let store = Store::open(&self.files)?;
        let notices = std::mem::take(&mut self.notices);
        *self = store;
        self.notices.splice(..0, notices);
        Ok(())
    }

    pub(super) fn open_again_if_replaced(&mut self) -> Result<()> {
        if self.is_in_place() { self.compare() } else { self.open_again() }
    }

    /// Mark and queue.jsonl agree, or are made to; an older anyt's files are moved over.
    pub fn compare(&mut self) -> Result<()> {
        let mark = spare::mark(&self.db).map_err(|e| self.error(e))?;
        let moves = mark == moved::UNMOVED || moved::is_needed(&self.files);
        if !moves && mark == spare::tail(&self.files.queue)? {
            return Ok(());
        }
        let files = self.files.clone();
        let held = if moves { moved::hold(&files)? } else { None };
        self.set_durable(true)?;
        // Another process may have done it while we waited for the lock: each looks again.
        let notices = self
            .transact(|db| Ok(if moves { moved::move_over(db, &files)? } else { spare::agree(db, &files.queue)? }))?;
        if moves {
            moved::clean_up(&files)?;
        }
        drop(held);
        self.notices.extend(notices);
        Ok(())
    }
}

/// Why a file could not be opened.
enum Failed {
    /// SQLite says that it is damaged.
    Damaged(Error),
    /// It cannot be written here.
    ReadOnly(Error),
    Other(Error),
}

impl Failed {
    fn into_error(self) -> Error {
        match self {
            Failed::Damaged(error) | Failed::ReadOnly(error) | Failed::Other(error) => error,
        }
    }
}

type Connected = (Connection, PathBuf, (u64, u64));

/// The cache as it is on the disk. Without a -wal in WAL mode, where reading would make one, and without shared memory for it,
/// it is read as a file that nobody changes, which it is only while there is no -wal.
fn connect_read_only(path: &Path) -> Option<Connected> {
    let real = path.canonicalize().ok()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let open = |name: &Path| {
        let db = Connection::open_with_flags(name, flags).ok()?;
        db.busy_timeout(BUSY_TIMEOUT).ok()?;
        schema::is_current(&db).then_some(db)
    };
    let mut wal = real.clone().into_os_string();
    wal.push("-wal");
    let unchanged = || {
        let is_empty = std::fs::metadata(&wal).map_or(true, |found| found.len() == 0);
        let name = real.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        is_empty.then(|| open(Path::new(&format!("file:{name}?immutable=1")))).flatten()
    };
    let is_at_rest = !Path::new(&wal).exists() && is_wal_file(&real);
    let db = if is_at_rest { unchanged() } else { open(&real).or_else(unchanged) }?;
    let inode = inode(&real).ok()?;
    Some((db, real, inode))
}

fn connect(path: &Path) -> std::result::Result<Connected, Failed> {
    create_private(path).map_err(|error| match &error {
        Error::Io { source, .. }
            if matches!(source.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) =>
        {
            Failed::ReadOnly(error)
        }
        _ => Failed::Other(error),
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // SQLITE_OPEN_NOFOLLOW refuses a symlink anywhere in the path, and only the file itself is ours to judge.
    let real = path.canonicalize().map_err(|e| Failed::Other(Error::io("open", path, e)))?;
    let inode = inode(&real).map_err(|e| Failed::Other(Error::io("open", path, e)))?;
    let attempt = || -> std::result::Result<Connection, Unusable> {
        let mut db = Connection::open_with_flags(&real, flags)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.set_prepared_statement_cache_capacity(64);
        db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL")?;
        // Plans do not depend on what is bound; otherwise a statement with LIMIT :n is prepared again each time it is run.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        schema::migrate(&mut db)?;
        make_wal(&db)?;
        Ok(db)
    };
    match attempt() {
        Ok(db) => Ok((db, real, inode)),
        Err(Unusable::Newer(version)) => Err(Failed::Other(
            Error::failure(format!(
                "{} was made by a newer anyt (version {version}); it was left alone",
                path.display()
            ))
            .hint("upgrade anyt"),
        )),
        Err(Unusable::Foreign) => {
            let shown = path.display();
            Err(Failed::Other(
                Error::failure(format!("{shown} is another program's database; it was left alone"))
                    .hint(move_away(&shown)),
            ))
        }
        Err(Unusable::Sqlite(error)) => {
            let code = error.sqlite_error_code();
            let error = sqlite_error(path, error);
            Err(match code {
                Some(ErrorCode::DatabaseCorrupt) => Failed::Damaged(error),
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                    Failed::ReadOnly(error)
                }
                _ => Failed::Other(error),
            })
        }
    }
}

/// WAL, or where the file system or the kernel does not allow it (a network file system, no shared memory) a rollback
/// journal. A process that made the file may have died before this; while another is in it, a later run does it.
fn make_wal(db: &Connection) -> rusqlite::Result<()> {
    if is_wal(db)? {
        return Ok(());
    }
    let wal = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    let usable = wal.is_ok_and(|mode| mode == "wal")
        && db.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(())).is_ok();
    if !usable {
        let _ = db.execute_batch("PRAGMA journal_mode = TRUNCATE");
    }
    Ok(())
}

/// The damaged cache with what SQLite keeps beside it. What waits is in queue.jsonl, the rest on the server.
fn move_aside(path: &Path) -> Result<PathBuf> {
    let name = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = name(".damaged");
    for suffix in ["-wal", "-shm", ""] {
        let mut to = aside.as_os_str().to_owned();
        to.push(suffix);
        match std::fs::rename(name(suffix), PathBuf::from(to)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("move aside", path, error));
            }
            _ => {}
        }
    }
    Ok(aside)
}

pub(super) fn removed_meanwhile() -> Error {
    Error::failure("the cache was removed meanwhile; nothing was changed in its place")
        .hint("what waits is kept; run: anyt sync")
}

pub(super) fn inode(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// Bytes 18 and 19 of the file (<https://www.sqlite.org/fileformat2.html>): 2 for WAL.
fn is_wal_file(path: &Path) -> bool {
    let mut header = [0; 20];
    std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut header).is_ok()) && header[18] == 2
}

fn is_wal(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).map(|mode| mode == "wal")
}

/// Makes the file with mode 0600 before SQLite sees it, so that -wal and -shm inherit that mode.
fn create_private(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        create_private_dir(folder)?;
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

pub(super) fn sqlite_error(path: &Path, error: rusqlite::Error) -> Error {
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
    format!("move it away and run anyt sync: what waits is restored from queue.jsonl; mv {path} {path}.old")
}
