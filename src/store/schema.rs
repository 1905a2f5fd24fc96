//! How a file gets the cache's tables: a new one all at once, an older one by the migrations that came after it. `PRAGMA
//! user_version` tells which those are; a file with a higher one than we know is a newer anyt's, and is left alone.

use crate::failpoint::hit;
use rusqlite::{Connection, TransactionBehavior};

/// The tables as they are now: first the specification's, in its order and with its columns; those behind them are ours
/// (docs/architecture.md). Times of server rows are the server's text; `*_us` columns hold the same instants as microseconds
/// since 1970, because text with different zones does not sort. (A comment in the file would be in the program too.)
///
/// * every kind of row: `number` orders names; `deleted_at`: deleted here, not yet on the server; `remote`: the server's row as
///   JSON, while operations on it are queued; `made_by`: the create that makes a row that exists only here; `unknown`: members
///   of the server's row that no field describes, as JSON; `below_read`: when the lists below it were read one by one, by this
///   machine's clock;
/// * `tasks`: `labels` is a JSON array of names, `estimate` hours;
/// * `sync_queue`: `entity_id` is the server's id, or the op_id of the create that makes the row; `op_id` a UUID, the
///   Idempotency-Key of a create; `identifier` the row's, for people and request paths; `other` of a link the other end, as
///   entity_id; `replaces` of a create the gone row that it makes again; `server` and `account` whom it is meant for; `answer`
///   the server's row as JSON, until it is laid. What ends in `_v2` is anyt 0.1.0's (moved.rs);
/// * `sync_log`: `detail` is the error, or what a policy decided;
/// * `artifacts`: `content` is that of an artifact that is made here, until the server has it; `contents`: contents.rs;
/// * `sends`: the requests that were sent: `sent` are the values, as JSON; `version` of an update what it was sent for;
///   `highest_number` of a create the highest number known then; `replied_us` when it was answered; `reply` done, refused, not
///   done, NULL: not known;
/// * `conflicts`: the inbox; `remote` is the server's row as JSON, NULL: deleted there;
/// * `renames`: names that provisional rows had before the server gave them another;
/// * `staged_*`: what a pull has fetched, until the sync's end (staging.rs).
pub(super) const TABLES: &str = include_str!("schema.sql");

/// From each older version to the next, oldest first: from 1. One that has been released is never edited; changes are
/// appended, and made in schema.sql too.
pub(super) const MIGRATIONS: [&str; 7] = [V2, V3, V4, V5, V6, V7, V8];

const VERSION: i64 = MIGRATIONS.len() as i64 + 1;

/// What is queued for one task is looked for once per operation of a sync.
const V2: &str = "CREATE INDEX queue_by_task ON sync_queue(entity_id, synced)";

/// The engine of two ideas: states of operations, the requests that were sent, staging in tables, the inbox by kind.
/// `entity_id` holds the server's id, or the op_id of the create that makes the row; rows that exist only here say which
/// create makes them. What 0.1.0 had queued is rewritten by `moved`, which reads the columns that end in `_v2`.
const V3: &str = "
ALTER TABLE tasks ADD COLUMN made_by TEXT;
CREATE UNIQUE INDEX tasks_by_maker ON tasks(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX tasks_overlaid ON tasks(id) WHERE remote IS NOT NULL;

ALTER TABLE sync_queue ADD COLUMN state TEXT NOT NULL DEFAULT 'queued';
ALTER TABLE sync_queue ADD COLUMN other TEXT;         -- of a link: the other end, as entity_id
ALTER TABLE sync_queue ADD COLUMN other_name TEXT;
ALTER TABLE sync_queue ADD COLUMN replaces INTEGER;   -- of a create: the gone row that it makes again
ALTER TABLE sync_queue ADD COLUMN server TEXT;        -- which server and account it is meant for
ALTER TABLE sync_queue ADD COLUMN account TEXT;
ALTER TABLE sync_queue ADD COLUMN answer TEXT;        -- the server's row as JSON, until it is laid
ALTER TABLE sync_queue RENAME COLUMN depends_on_id TO depends_on_id_v2;
ALTER TABLE sync_queue RENAME COLUMN depends_on TO depends_on_v2;
ALTER TABLE sync_queue RENAME COLUMN uncertain TO uncertain_v2;
UPDATE sync_queue SET state = CASE WHEN synced = 1 THEN 'done' ELSE 'v2' END;
INSERT OR REPLACE INTO sync_metadata (key, value)
  SELECT 'queue_mark', 'v2' WHERE EXISTS (SELECT 1 FROM sync_queue WHERE synced = 0);
DELETE FROM sync_metadata WHERE key = 'journal_folded';
CREATE INDEX renames_by_task ON renames(task_id);
CREATE INDEX queue_rejected ON sync_queue(entity_id) WHERE state = 'rejected';
CREATE INDEX queue_by_other ON sync_queue(other) WHERE other IS NOT NULL;
CREATE INDEX queue_by_remote ON sync_queue(remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX queue_by_replaced ON sync_queue(replaces) WHERE replaces IS NOT NULL;

CREATE TABLE sends (
  id INTEGER PRIMARY KEY,
  op_id TEXT NOT NULL,
  at_us INTEGER NOT NULL,              -- microseconds since 1970, this machine's clock
  sent TEXT NOT NULL,                  -- JSON: the values
  version INTEGER NOT NULL,            -- of an update: what it was sent for
  highest_number INTEGER NOT NULL,     -- of a create: the highest number known then
  replied_us INTEGER,                  -- when it was answered
  reply TEXT,                          -- done, refused, not done; NULL: not known
  message TEXT
);
CREATE INDEX sends_by_operation ON sends(op_id);

CREATE TABLE staged_tasks (
  id INTEGER PRIMARY KEY, project_id INTEGER, workspace_id INTEGER, identifier TEXT, title TEXT, description TEXT,
  status TEXT, priority INTEGER, assignee_id TEXT, version INTEGER, created_at TEXT, updated_at TEXT, synced_at TEXT,
  number INTEGER, uid TEXT, assignee_type TEXT, assigned_coding_agent TEXT, labels TEXT, phase TEXT, estimate REAL,
  parent_id INTEGER, goal_id INTEGER, implementation_plan TEXT, checklist TEXT, creator_id TEXT, started_at TEXT,
  completed_at TEXT, canceled_at TEXT, archived_at TEXT, deleted_at TEXT, created_us INTEGER, updated_us INTEGER
);
CREATE TABLE staged_gone (kind TEXT, id INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE staged_links (workspace_id INTEGER, kind TEXT, name TEXT, other TEXT,
  PRIMARY KEY (workspace_id, kind, name, other)) WITHOUT ROWID;
CREATE TABLE staged_walks (workspace_id INTEGER PRIMARY KEY, walk TEXT NOT NULL);

ALTER TABLE conflicts RENAME TO conflicts_v2;
CREATE TABLE conflicts (
  entity_type TEXT NOT NULL,
  entity_id INTEGER NOT NULL,
  workspace_id INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  remote TEXT,                         -- the server's row as JSON; NULL: deleted there
  found_at TEXT NOT NULL,
  PRIMARY KEY (entity_type, entity_id)
) WITHOUT ROWID;
INSERT INTO conflicts SELECT 'task', task_id, workspace_id, identifier, remote, found_at FROM conflicts_v2 WHERE task_id > 0;
DROP TABLE conflicts_v2;
";

/// Comments. `tasks.below_read`: when the lists below the task were read one by one, microseconds of this machine's clock;
/// a task that is written anew forgets it. Every workspace is asked again: what it has told does not hold the comments.
const V4: &str = "
CREATE TABLE comments (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL, content TEXT,
  author_id TEXT, author_name TEXT, mentioned_users TEXT NOT NULL DEFAULT '[]', created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, number INTEGER NOT NULL, uid TEXT, version INTEGER NOT NULL,
  deleted_at TEXT, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, remote TEXT, made_by TEXT
);
CREATE INDEX comments_by_task ON comments(task_id, created_us);
CREATE INDEX comments_by_author ON comments(author_id, created_us) WHERE author_name IS NOT NULL;
CREATE UNIQUE INDEX comments_by_maker ON comments(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX comments_overlaid ON comments(id) WHERE remote IS NOT NULL;
CREATE TABLE staged_comments (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER, identifier TEXT, content TEXT, author_id TEXT,
  author_name TEXT, mentioned_users TEXT, created_at TEXT, updated_at TEXT, synced_at TEXT, number INTEGER, uid TEXT,
  version INTEGER, deleted_at TEXT, created_us INTEGER, updated_us INTEGER
);
ALTER TABLE tasks ADD COLUMN below_read INTEGER;
DELETE FROM sync_metadata WHERE key LIKE 'state:%';
";

/// Labels and projects as kinds that are changed here.
const V5: &str = "
ALTER TABLE labels ADD COLUMN identifier TEXT NOT NULL DEFAULT '';
ALTER TABLE labels ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE labels ADD COLUMN uid TEXT;
ALTER TABLE labels ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE labels ADD COLUMN deleted_at TEXT;
ALTER TABLE labels ADD COLUMN created_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE labels ADD COLUMN updated_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE labels ADD COLUMN remote TEXT;
ALTER TABLE labels ADD COLUMN made_by TEXT;
UPDATE labels SET identifier = name, number = id, updated_at = coalesce(updated_at, created_at);
CREATE UNIQUE INDEX labels_by_maker ON labels(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX labels_overlaid ON labels(id) WHERE remote IS NOT NULL;
CREATE TABLE staged_labels (
  id INTEGER PRIMARY KEY, workspace_id INTEGER, identifier TEXT, name TEXT, color TEXT, description TEXT, created_at TEXT,
  updated_at TEXT, synced_at TEXT, number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER,
  updated_us INTEGER
);

ALTER TABLE projects ADD COLUMN identifier TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN uid TEXT;
ALTER TABLE projects ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN deleted_at TEXT;
ALTER TABLE projects ADD COLUMN created_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN updated_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN lead_id TEXT;
ALTER TABLE projects ADD COLUMN start_date TEXT;
ALTER TABLE projects ADD COLUMN target_date TEXT;
ALTER TABLE projects ADD COLUMN color TEXT;
ALTER TABLE projects ADD COLUMN icon TEXT;
ALTER TABLE projects ADD COLUMN remote TEXT;
ALTER TABLE projects ADD COLUMN made_by TEXT;
UPDATE projects SET identifier = name, number = id;
CREATE UNIQUE INDEX projects_by_maker ON projects(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX projects_overlaid ON projects(id) WHERE remote IS NOT NULL;
CREATE TABLE staged_projects (
  id INTEGER PRIMARY KEY, workspace_id INTEGER, identifier TEXT, name TEXT, description TEXT, status TEXT, lead_id TEXT,
  start_date TEXT, target_date TEXT, color TEXT, icon TEXT, created_at TEXT, updated_at TEXT, synced_at TEXT,
  number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER, updated_us INTEGER
);
DELETE FROM sync_metadata WHERE key LIKE 'state:%';
";

/// Attempts and artifacts; their tables were never filled before. `content` is that of an artifact that is made here, until
/// the server has it. Every workspace is asked again.
const V6: &str = "
DROP TABLE artifacts;
DROP TABLE attempts;
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL, status TEXT,
  failure_type TEXT, failure_message TEXT, cost_tokens INTEGER, wall_clock_ms INTEGER, notes TEXT,
  executed_by_coding_agent TEXT, actor_id TEXT, actor_type TEXT, started_at TEXT, ended_at TEXT, artifacts_count INTEGER,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, number INTEGER NOT NULL, uid TEXT,
  version INTEGER NOT NULL, deleted_at TEXT, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, remote TEXT,
  made_by TEXT, below_read INTEGER
);
CREATE INDEX attempts_by_task ON attempts(task_id, created_us);
CREATE UNIQUE INDEX attempts_by_maker ON attempts(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX attempts_overlaid ON attempts(id) WHERE remote IS NOT NULL;
CREATE TABLE staged_attempts (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER, identifier TEXT, status TEXT, failure_type TEXT,
  failure_message TEXT, cost_tokens INTEGER, wall_clock_ms INTEGER, notes TEXT, executed_by_coding_agent TEXT,
  actor_id TEXT, actor_type TEXT, started_at TEXT, ended_at TEXT, artifacts_count INTEGER, created_at TEXT,
  updated_at TEXT, synced_at TEXT, number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER,
  updated_us INTEGER
);
CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY, attempt_id INTEGER, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL, name TEXT,
  type TEXT, mime_type TEXT, content TEXT, size_bytes INTEGER, preview TEXT, uri TEXT, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, number INTEGER NOT NULL, uid TEXT, version INTEGER NOT NULL,
  deleted_at TEXT, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, remote TEXT, made_by TEXT
);
CREATE INDEX artifacts_by_attempt ON artifacts(attempt_id, created_us);
CREATE UNIQUE INDEX artifacts_by_maker ON artifacts(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX artifacts_overlaid ON artifacts(id) WHERE remote IS NOT NULL;
CREATE TABLE staged_artifacts (
  id INTEGER PRIMARY KEY, attempt_id INTEGER, workspace_id INTEGER, identifier TEXT, name TEXT, type TEXT,
  mime_type TEXT, content TEXT, size_bytes INTEGER, preview TEXT, uri TEXT, created_at TEXT, updated_at TEXT,
  synced_at TEXT, number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER, updated_us INTEGER
);
DELETE FROM sync_metadata WHERE key LIKE 'state:%';
";

/// Members of the server's rows that no field describes, as JSON. They come with the next listing of everything.
const V7: &str = "
ALTER TABLE tasks ADD COLUMN unknown TEXT;
ALTER TABLE staged_tasks ADD COLUMN unknown TEXT;
ALTER TABLE projects ADD COLUMN unknown TEXT;
ALTER TABLE staged_projects ADD COLUMN unknown TEXT;
ALTER TABLE labels ADD COLUMN unknown TEXT;
ALTER TABLE staged_labels ADD COLUMN unknown TEXT;
ALTER TABLE comments ADD COLUMN unknown TEXT;
ALTER TABLE staged_comments ADD COLUMN unknown TEXT;
ALTER TABLE attempts ADD COLUMN unknown TEXT;
ALTER TABLE staged_attempts ADD COLUMN unknown TEXT;
ALTER TABLE artifacts ADD COLUMN unknown TEXT;
ALTER TABLE staged_artifacts ADD COLUMN unknown TEXT;
DELETE FROM sync_metadata WHERE key LIKE 'state:%' OR key LIKE 'listed:%';
";

/// Contents of artifacts that were asked for (contents.rs).
const V8: &str = "
CREATE TABLE contents (id INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, kept_us INTEGER NOT NULL, content TEXT NOT NULL);
";

/// Why a file cannot be used as a cache.
pub enum Unusable {
    /// Its version is higher than ours.
    Newer(i64),
    /// It has tables, and they are not ours.
    Foreign,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Unusable {
        Unusable::Sqlite(error)
    }
}

/// Brings a database to the newest version. True when it was empty before.
pub fn migrate(db: &mut Connection) -> Result<bool, Unusable> {
    match version(db) {
        Ok(VERSION) => return Ok(false),
        // Somebody else may be migrating, between the two things that were read: look again once the lock is ours.
        Ok(_) | Err(Unusable::Foreign) => {}
        Err(other) => return Err(other),
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let missing = if found == 0 { &[TABLES][..] } else { &MIGRATIONS[found as usize - 1..] };
    missing.iter().try_for_each(|tables| transaction.execute_batch(tables))?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    hit("cache.migrate.before");
    transaction.commit()?;
    hit("cache.migrate.after");
    Ok(found == 0)
}

/// A file of ours that needs no migration.
pub fn is_current(db: &Connection) -> bool {
    version(db).is_ok_and(|version| version == VERSION)
}

/// A file's version, from 0, which is an empty file, to ours.
fn version(db: &Connection) -> Result<i64, Unusable> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if !(0..=VERSION).contains(&found) {
        return Err(Unusable::Newer(found));
    }
    // Other programs count their versions from 0 as well.
    let (empty, ours): (bool, bool) =
        db.query_row("SELECT count(*) = 0, coalesce(max(name = 'sync_queue'), 0) FROM sqlite_schema", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let usable = if found == 0 { empty } else { ours };
    if usable { Ok(found) } else { Err(Unusable::Foreign) }
}
