//! The database file: opening it safely, and the tables. Times are integer microseconds since 1970, so that filters
//! and sorting go by instant whatever the text form was.

use anyt::error::{Error, Result};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// `PRAGMA user_version` of the newest schema this program knows.
const VERSION: i64 = 1;

/// `PRAGMA application_id`: "anyS". Another program's database is refused rather than filled with tables.
const APPLICATION: i64 = 0x616e_7953;

/// How long another process may hold the file before a request fails.
pub const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(4);

const TABLES: &str = "
CREATE TABLE clock (last INTEGER NOT NULL);
INSERT INTO clock VALUES (0);

CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE tokens (digest BLOB PRIMARY KEY, user_id TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    owner_id TEXT NOT NULL,
    task_counter INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
);

CREATE TABLE members (
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) WITHOUT ROWID;

CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    lead_id TEXT,
    start_date TEXT,
    target_date TEXT,
    color TEXT,
    icon TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
);
CREATE INDEX projects_by_workspace ON projects (workspace_id, id);

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    priority INTEGER NOT NULL,
    owner_id TEXT,
    assignee_type TEXT NOT NULL,
    assigned_coding_agent TEXT,
    phase TEXT,
    estimate REAL,
    parent_id INTEGER REFERENCES tasks (id),
    implementation_plan TEXT,
    checklist TEXT,
    creator_id TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    started_at INTEGER,
    completed_at INTEGER,
    canceled_at INTEGER,
    archived_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE (workspace_id, number)
);
CREATE INDEX tasks_by_update ON tasks (workspace_id, updated_at, id);
CREATE INDEX tasks_by_parent ON tasks (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_by_project ON tasks (project_id);

CREATE TABLE labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    color TEXT,
    description TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace_id, name)
);

CREATE TABLE task_labels (
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    label_id INTEGER NOT NULL REFERENCES labels (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (task_id, label_id)
) WITHOUT ROWID;
CREATE INDEX task_labels_by_label ON task_labels (label_id);

CREATE TABLE dependencies (
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    depends_on_id INTEGER NOT NULL REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (task_id, depends_on_id)
) WITHOUT ROWID;
CREATE INDEX dependencies_by_target ON dependencies (depends_on_id);

CREATE TABLE comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    author_id TEXT NOT NULL,
    content TEXT NOT NULL,
    mentioned_users TEXT NOT NULL,
    parent_id INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
CREATE INDEX comments_by_task ON comments (task_id, id);

CREATE TABLE preferences (
    user_id TEXT PRIMARY KEY,
    workspace_id INTEGER REFERENCES workspaces (id),
    project_id INTEGER REFERENCES projects (id),
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency (
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
";

/// Where the data lives.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    Memory,
    File(PathBuf),
}

/// Opens or makes the database. A file is made with mode 0600; SQLite gives its companions (`-wal`, `-shm`) the same.
/// Refused: what is no database, another program's database, one of a newer anyt-server.
pub fn open(location: &Location) -> Result<Connection> {
    let connection = match location {
        Location::Memory => Connection::open_in_memory().map_err(|error| Error::failure(error.to_string()))?,
        Location::File(path) => {
            make_private(path)?;
            Connection::open(path).map_err(|error| cannot_use(location, &error))?
        }
    };
    match prepare(&connection) {
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

/// `Some` is why the database is not ours to use; it is untouched then.
fn prepare(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    if tables > 0 && application != APPLICATION {
        return Ok(Some("it is the database of another program".into()));
    }
    if version > VERSION {
        return Ok(Some(format!("it was made by a newer anyt-server (schema {version}, this one knows {VERSION})")));
    }
    // FULL: a write that was answered survives a power cut, not only a crash.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    connection.set_prepared_statement_cache_capacity(128);
    if tables == 0 {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES}
             PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    }
    Ok(None)
}
