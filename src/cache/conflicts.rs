//! The inbox: tasks whose queued operations wait for a person's decision (design.md "Merge and conflicts").

use super::Cache;
use crate::document;
use crate::error::Result;
use crate::model::Task;
use miniserde::json;
use rusqlite::{Connection, named_params};

/// A task that both sides changed, as the server had it when the conflict was found. Base and local values are in the
/// queued operations.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConflict {
    pub task_id: i64,
    pub workspace_id: i64,
    pub identifier: String,
    /// `None`: deleted there.
    pub remote: Option<Task>,
    /// RFC 3339, this machine's clock.
    pub found_at: String,
}

impl Cache {
    /// Oldest first.
    pub fn conflicts(&self) -> Result<Vec<StoredConflict>> {
        self.db
            .prepare_cached(
                "SELECT task_id, workspace_id, identifier, remote, found_at FROM conflicts ORDER BY found_at, task_id",
            )
            .and_then(|mut query| {
                query
                    .query_map([], |row| {
                        let remote: Option<String> = row.get(3)?;
                        Ok(StoredConflict {
                            task_id: row.get(0)?,
                            workspace_id: row.get(1)?,
                            identifier: row.get(2)?,
                            remote: remote.and_then(|text| document::task_from_json(&document::parse(&text))),
                            found_at: row.get(4)?,
                        })
                    })?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }

    pub fn count_conflicts(&self) -> Result<usize> {
        self.db
            .query_row("SELECT count(*) FROM conflicts", [], |row| row.get::<_, i64>(0))
            .map(|count| count.max(0) as usize)
            .map_err(|e| self.error(e))
    }
}

pub(super) fn put(db: &Connection, conflict: &StoredConflict) -> rusqlite::Result<()> {
    let remote =
        conflict.remote.as_ref().map(|task| json::to_string(&json::Value::Object(document::task_to_json(task))));
    db.prepare_cached(
        "INSERT INTO conflicts (task_id, workspace_id, identifier, remote, found_at) \
         VALUES (:task, :workspace, :identifier, :remote, :found_at) \
         ON CONFLICT(task_id) DO UPDATE SET remote = :remote, identifier = :identifier",
    )?
    .execute(named_params! {
        ":task": conflict.task_id, ":workspace": conflict.workspace_id, ":identifier": conflict.identifier,
        ":remote": remote, ":found_at": conflict.found_at,
    })
    .map(drop)
}

pub(super) fn remove(db: &Connection, task_id: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM conflicts WHERE task_id = :task")?
        .execute(named_params! {":task": task_id})
        .map(drop)
}

/// A conflict is about queued operations and goes with the last of them.
pub(super) fn forget_settled(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "DELETE FROM conflicts WHERE NOT EXISTS (SELECT 1 FROM sync_queue WHERE synced = 0 AND entity_type = 'task' \
         AND entity_id = CAST(conflicts.task_id AS TEXT))",
        [],
    )
    .map(drop)
}
