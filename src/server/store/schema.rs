//! The database file: opening it safely. Its tables are those of `migrations`. Times are integer microseconds since 1970,
//! so that filters and sorting go by instant whatever the text form was.

use super::migrations;
use anyt::error::{Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `PRAGMA application_id`: "anyS". Another program's database is refused rather than filled with tables.
const APPLICATION: i64 = 0x616e_7953;

/// How long another process may hold the file before a request fails.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(4);

/// Where the data lives.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    Memory,
    File(PathBuf),
}

/// How long administration waits for a busy server.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which schema a file may have that is opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Age {
    /// Any; an older one is brought up to date.
    Any,
    /// Only the newest: somebody else may be using the file.
    Newest,
}

/// Opens or makes the database, and brings an older one up to date. A file is made with mode 0600; SQLite gives its companions (`-wal`, `-shm`) the same.
/// Refused: what is no database, another program's database, one of a newer anyt-server.
pub fn open(location: &Location, age: Age) -> Result<Connection> {
    let connection = match location {
        Location::Memory => Connection::open_in_memory().map_err(|error| Error::failure(error.to_string()))?,
        Location::File(path) => {
            make_private(path)?;
            Connection::open(path).map_err(|error| cannot_use(location, &error))?
        }
    };
    match prepare(&connection, age) {
        Ok(None) => Ok(connection),
        Ok(Some(reason)) => Err(Error::failure(format!("cannot use {}: {reason}", location.name()))),
        Err(error) => Err(cannot_use(location, &error)),
    }
}

/// A further connection to a database that `open` has opened: it only reads.
pub fn open_reader(location: &Location) -> Result<Connection> {
    let Location::File(path) = location else {
        return Err(Error::failure("a database in memory has one connection"));
    };
    let prepare = |connection: &Connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(128);
        connection.execute_batch("PRAGMA query_only = ON")
    };
    let connection = Connection::open(path).map_err(|error| cannot_use(location, &error))?;
    prepare(&connection).map_err(|error| cannot_use(location, &error))?;
    Ok(connection)
}

/// A database of any schema that this program knows, to look at: it is not brought up to date, and a server may be
/// writing to it.
pub fn open_as_it_is(path: &Path) -> Result<Connection> {
    let location = Location::File(path.to_path_buf());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_use(&location, &error))?;
    let foreign = connection.busy_timeout(PATIENCE).and_then(|()| strange(&connection));
    match foreign.map_err(|error| cannot_use(&location, &error))? {
        None => Ok(connection),
        Some(reason) => Err(Error::failure(format!("cannot use {}: {reason}", location.name()))),
    }
}

/// An empty database, without tables, in an empty file.
pub fn make(path: &Path) -> Result<Connection> {
    let location = Location::File(path.to_path_buf());
    let connection = Connection::open(path).map_err(|error| cannot_use(&location, &error))?;
    let done = connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION}"));
    done.map(|()| connection).map_err(|error| cannot_use(&location, &error))
}

impl Location {
    /// The size of the write-ahead log in bytes; 0 where there is none.
    pub fn log_size(&self) -> u64 {
        let Location::File(path) = self else { return 0 };
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        std::fs::metadata(log).map_or(0, |file| file.len())
    }

    fn name(&self) -> String {
        match self {
            Location::Memory => ":memory:".into(),
            Location::File(path) => path.display().to_string(),
        }
    }
}

fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    opened.map(drop).map_err(|source| Error::io("open the database", path, source))
}

fn cannot_use(location: &Location, error: &rusqlite::Error) -> Error {
    let reason = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => "it is not a database".to_string(),
        Some(rusqlite::ErrorCode::DatabaseBusy) => "another process is using it".to_string(),
        _ => error.to_string(),
    };
    Error::failure(format!("cannot use {}: {reason}", location.name()))
}

fn number(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.query_row(sql, [], |row| row.get(0))
}

/// Why the file is no database of this program or an older one.
fn strange(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema")?;
    if tables > 0 && number(connection, "PRAGMA application_id")? != APPLICATION {
        return Ok(Some("it is the database of another program".into()));
    }
    let (version, newest) = (number(connection, "PRAGMA user_version")?, migrations::newest());
    let newer = format!("it was made by a newer anyt-server (schema {version}, this one knows {newest})");
    Ok((version > newest).then_some(newer))
}

/// `Some` is why the database is not ours to use; it is untouched then.
fn prepare(connection: &Connection, age: Age) -> rusqlite::Result<Option<String>> {
    connection.busy_timeout(if age == Age::Any { BUSY_TIMEOUT } else { PATIENCE })?;
    if let Some(reason) = strange(connection)? {
        return Ok(Some(reason));
    }
    let (version, newest) = (number(connection, "PRAGMA user_version")?, migrations::newest());
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema")?;
    if version < newest && age == Age::Newest {
        return Ok(Some(format!(
            "its schema is {version} and this anyt-server needs {newest}; the server upgrades it when it starts"
        )));
    }
    if tables > 0 && version < newest && !is_alone(connection)? {
        return Ok(Some(format!(
            "an upgrade from schema {version} to {newest} needs it alone; stop the other process"
        )));
    }
    // FULL: a write that was answered survives a power cut, not only a crash.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    connection.set_prepared_statement_cache_capacity(128);
    if tables == 0 {
        connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION}"))?;
    }
    migrations::run(connection, newest)?;
    Ok(None)
}

/// Whether no other process has the database open, an older anyt-server for example, which knows no lock but SQLite's.
fn is_alone(connection: &Connection) -> rusqlite::Result<bool> {
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    let alone = match connection.execute_batch("BEGIN EXCLUSIVE; COMMIT") {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => false,
        other => other.map(|()| true)?,
    };
    // The lock goes with the next use of the file.
    connection.execute_batch("PRAGMA locking_mode = NORMAL; BEGIN; SELECT count(*) FROM sqlite_schema; COMMIT")?;
    Ok(alone)
}
