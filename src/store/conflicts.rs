//! The inbox: rows whose waiting operations wait for a person's decision (docs/sync.md).

use super::{Conflict, Result, Store, run};
use crate::document;
use crate::model::{Kind, Operation, Target};
use miniserde::json;
use rusqlite::{Connection, named_params};

impl Store {
    /// Oldest first.
    pub fn conflicts(&self) -> Result<Vec<Conflict>> {
        self.db
            .prepare_cached(
                "SELECT entity_type, entity_id, workspace_id, identifier, remote, found_at FROM conflicts \
                 ORDER BY found_at, entity_id",
            )
            .and_then(|mut query| query.query_map([], read)?.filter_map(Result::transpose).collect())
            .map_err(|e| self.error(e))
    }

    pub fn count_conflicts(&self) -> Result<usize> {
        self.db
            .query_row("SELECT count(*) FROM conflicts", [], |row| row.get::<_, i64>(0))
            .map(|count| count.max(0) as usize)
            .map_err(|e| self.error(e))
    }
}

fn read(row: &rusqlite::Row) -> rusqlite::Result<Option<Conflict>> {
    let Some(kind) = crate::model::kind(&row.get::<_, String>(0)?) else { return Ok(None) };
    let remote: Option<String> = row.get(4)?;
    Ok(Some(Conflict {
        kind,
        id: row.get(1)?,
        workspace_id: row.get(2)?,
        name: row.get(3)?,
        remote: remote.and_then(|text| document::row_from_json(kind, &document::parse(&text))),
        found_at: row.get(5)?,
    }))
}

pub(super) fn put(db: &Connection, conflict: &Conflict) -> rusqlite::Result<()> {
    let remote = conflict.remote.as_ref().map(|row| json::to_string(&json::Value::Object(document::row_to_json(row))));
    run(db, "INSERT INTO conflicts (entity_type, entity_id, workspace_id, identifier, remote, found_at) \
         VALUES (:kind, :id, :workspace, :name, :remote, :found_at) \
         ON CONFLICT(entity_type, entity_id) DO UPDATE SET remote = :remote, identifier = :name", named_params! {
        ":kind": conflict.kind.name, ":id": conflict.id, ":workspace": conflict.workspace_id, ":name": conflict.name,
        ":remote": remote, ":found_at": conflict.found_at,
    })
    .map(drop)
}

pub(super) fn remove(db: &Connection, kind: &Kind, id: i64) -> rusqlite::Result<()> {
    run(
        db,
        "DELETE FROM conflicts WHERE entity_type = :kind AND entity_id = :id",
        named_params! {":kind": kind.name, ":id": id},
    )
    .map(drop)
}

/// A conflict is about waiting operations and goes with the last of them.
pub(super) fn forget_settled(db: &Connection) -> rusqlite::Result<()> {
    run(
        db,
        "DELETE FROM conflicts WHERE NOT EXISTS (SELECT 1 FROM sync_queue q WHERE q.synced = 0 \
         AND q.entity_type = conflicts.entity_type AND q.entity_id = CAST(conflicts.entity_id AS TEXT))",
        [],
    )
    .map(drop)
}

/// The same for the row of one operation that was dropped.
pub(super) fn forget_if_settled(db: &Connection, op: &Operation) -> rusqlite::Result<()> {
    let Target::Server(id) = op.target else { return Ok(()) };
    run(
        db,
        "DELETE FROM conflicts WHERE entity_type = :kind AND entity_id = :id AND NOT EXISTS \
         (SELECT 1 FROM sync_queue WHERE synced = 0 AND entity_type = :kind AND entity_id = :text)",
        named_params! {":kind": op.kind.name, ":id": id, ":text": id.to_string()},
    )
    .map(drop)
}
