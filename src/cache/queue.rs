//! `sync_queue`: the operations that wait to be sent, in the order they were made.

use super::{Cache, conflicts, overlay};
use crate::document;
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Kind, Operation, Task};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::path::Path;
use std::time::Duration;

macro_rules! columns {
    () => {
        "op_id, operation, entity_type, workspace_id, entity_id, identifier, depends_on_id, depends_on, payload, \
         created_at, uncertain, error"
    };
}

fn read(row: &Row) -> rusqlite::Result<Operation> {
    let (operation, entity_type): (String, String) = (row.get(1)?, row.get(2)?);
    let kind = Kind::parse(&operation, &entity_type)
        .ok_or_else(|| unknown(format!("operation '{operation} {entity_type}'")))?;
    let payload = document::parse(&row.get::<_, String>(8)?);
    let patch = |name| document::member(&payload, name).map(crate::model::patch_from_json).unwrap_or_default();
    let target: Option<i64> = row.get(6)?;
    let entity_id: String = row.get(4)?;
    Ok(Operation {
        op_id: row.get(0)?,
        kind,
        workspace_id: row.get(3)?,
        task_id: entity_id.parse().map_err(|_| unknown(format!("task '{entity_id}'")))?,
        identifier: row.get(5)?,
        depends_on: target.zip(row.get(7)?),
        base_version: document::as_integer(document::member(&payload, "base_version")).unwrap_or(0),
        base: patch("base"),
        set: patch("set"),
        created_at: row.get(9)?,
        uncertain: row.get::<_, Option<String>>(10)?.map(|text| document::uncertain_from_json(&document::parse(&text))),
        error: row.get(11)?,
    })
}

/// The error of a row that no anyt has written.
fn unknown(what: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(format!("the queue has an unknown {what}").into())
}

/// Every operation that was not sent yet, oldest first.
pub(super) fn pending(db: &Connection) -> rusqlite::Result<Vec<Operation>> {
    db.prepare_cached(concat!("SELECT ", columns!(), " FROM sync_queue WHERE synced = 0 ORDER BY id"))?
        .query_map([], read)?
        .collect()
}

pub(super) fn pending_of(db: &Connection, task_id: i64) -> rusqlite::Result<Vec<Operation>> {
    db.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " FROM sync_queue WHERE synced = 0 AND entity_type = 'task' AND entity_id = :task ORDER BY id"
    ))?
    .query_map(named_params! {":task": task_id.to_string()}, read)?
    .collect()
}

/// Gives what waits the names that its tasks have now.
pub(super) fn take_names(db: &Connection) -> rusqlite::Result<()> {
    for (id, name) in [("CAST(entity_id AS INTEGER)", "identifier"), ("depends_on_id", "depends_on")] {
        db.execute(
            &format!(
                "UPDATE sync_queue SET {name} = (SELECT identifier FROM tasks WHERE id = {id}) \
                 WHERE synced = 0 AND {id} > 0 AND EXISTS (SELECT 1 FROM tasks WHERE id = {id})"
            ),
            [],
        )?;
    }
    Ok(())
}

/// What the newest queued operation on a dependency does.
pub(super) fn newest_on_dependency(db: &Connection, task_id: i64, target: i64) -> rusqlite::Result<Option<Kind>> {
    let operation: Option<String> = db
        .prepare_cached(
            "SELECT operation FROM sync_queue WHERE synced = 0 AND entity_type = 'dependency' AND entity_id = :task \
             AND depends_on_id = :target ORDER BY id DESC LIMIT 1",
        )?
        .query_row(named_params! {":task": task_id.to_string(), ":target": target}, |row| row.get(0))
        .optional()?;
    Ok(operation.and_then(|operation| Kind::parse(&operation, "dependency")))
}

/// Adds an operation, or writes a changed one over its row; its place in the order stays.
pub(super) fn put(db: &Connection, operation: &Operation) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO sync_queue (op_id, operation, entity_type, workspace_id, entity_id, identifier, depends_on_id, \
         depends_on, payload, created_at, uncertain, error) VALUES (:op_id, :operation, :entity_type, :workspace, \
         :entity, :identifier, :target_id, :target, :payload, :created_at, :uncertain, :error) \
         ON CONFLICT(op_id) DO UPDATE SET operation = :operation, entity_type = :entity_type, entity_id = :entity, \
         identifier = :identifier, depends_on_id = :target_id, depends_on = :target, payload = :payload, \
         uncertain = :uncertain, error = :error WHERE synced = 0",
    )?
    .execute(named_params! {
        ":op_id": operation.op_id, ":operation": operation.kind.operation(),
        ":entity_type": operation.kind.entity_type(), ":workspace": operation.workspace_id,
        ":entity": operation.task_id.to_string(), ":identifier": operation.identifier,
        ":target_id": operation.depends_on.as_ref().map(|(id, _)| *id),
        ":target": operation.depends_on.as_ref().map(|(_, identifier)| identifier),
        ":payload": json::to_string(&document::payload_to_json(operation)), ":created_at": operation.created_at,
        ":uncertain": operation.uncertain.as_ref().map(|u| json::to_string(&document::uncertain_to_json(u))),
        ":error": operation.error,
    })
    .map(drop)
}

/// The task an operation's row names now, and the one it is to depend on.
pub(super) fn named_tasks(db: &Connection, op_id: &str) -> rusqlite::Result<Option<(i64, Option<i64>)>> {
    db.prepare_cached("SELECT CAST(entity_id AS INTEGER), depends_on_id FROM sync_queue WHERE op_id = :op_id")?
        .query_row(named_params! {":op_id": op_id}, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Takes an operation out. A conflict of which nothing is queued any more goes with it.
pub(super) fn remove(db: &Connection, op_id: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM sync_queue WHERE op_id = :op_id AND synced = 0")?
        .execute(named_params! {":op_id": op_id})?;
    db.prepare_cached(
        "DELETE FROM conflicts WHERE NOT EXISTS (SELECT 1 FROM sync_queue \
         WHERE synced = 0 AND entity_type = 'task' AND entity_id = CAST(conflicts.task_id AS TEXT))",
    )?
    .execute([])
    .map(drop)
}

/// How long operations that the server has taken stay as history.
const HISTORY: Duration = Duration::from_secs(30 * 86_400);

/// Marks an operation as taken by the server (spec "mark as synced").
pub(super) fn mark_synced(db: &Connection, op_id: &str, remote_id: Option<i64>, now: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE sync_queue SET synced = 1, synced_at = :now, remote_id = :remote, error = NULL, uncertain = NULL \
         WHERE op_id = :op_id",
    )?
    .execute(named_params! {":op_id": op_id, ":remote": remote_id, ":now": now})
    .map(drop)
}

/// Forgets what was taken longer ago than history goes.
pub(super) fn forget_old(db: &Connection, now: &str) -> rusqlite::Result<()> {
    let Some(now) = Timestamp::parse(now) else { return Ok(()) };
    db.prepare_cached("DELETE FROM sync_queue WHERE synced = 1 AND synced_at < :oldest")?
        .execute(named_params! {":oldest": now.minus(HISTORY).rfc3339()})
        .map(drop)
}

impl Cache {
    /// Every operation that was not sent yet, oldest first.
    pub fn pending(&self) -> Result<Vec<Operation>> {
        pending(&self.db).map_err(|e| self.error(e))
    }

    pub fn count_pending(&self) -> Result<usize> {
        self.db
            .prepare_cached("SELECT count(*) FROM sync_queue WHERE synced = 0")
            .and_then(|mut query| query.query_row([], |row| row.get::<_, i64>(0)))
            .map(|count| count.max(0) as usize)
            .map_err(|e| self.error(e))
    }

    /// The queued operations on one task itself (not its dependencies), oldest first.
    pub fn pending_of(&self, task_id: i64) -> Result<Vec<Operation>> {
        pending_of(&self.db, task_id).map_err(|e| self.error(e))
    }

    /// Changes the queue as `make` decides and lays the result over the tasks it touches, in one transaction. `make`
    /// runs once the write lock is held, so what it reads stays true until the change is committed.
    pub fn queue(&mut self, make: impl FnOnce(&Queueing) -> Result<Change>) -> Result<Change> {
        let mut refused = None;
        let change = self.write(|db| {
            let change = make(&Queueing { db }).unwrap_or_else(|error| {
                refused = Some(error);
                Change::default()
            });
            change.removed.iter().try_for_each(|operation| remove(db, &operation.op_id))?;
            hit("cache.queue.removed");
            change.put.iter().try_for_each(|operation| put(db, operation))?;
            hit("cache.queue.put");
            change
                .removed
                .iter()
                .rev()
                .chain(&change.put)
                .try_for_each(|operation| overlay::renew_for(db, operation))?;
            if !change.removed.is_empty() {
                conflicts::forget_settled(db)?;
            }
            Ok(change)
        })?;
        refused.map_or(Ok(change), Err)
    }

    /// Server ids of tasks that creates of ours have been answered with: a lost create is none of them.
    pub fn answered_ids(&self, workspace_id: i64) -> Result<Vec<i64>> {
        self.db
            .prepare_cached(
                "SELECT remote_id FROM sync_queue WHERE synced = 1 AND operation = 'create' AND entity_type = 'task' \
                 AND remote_id IS NOT NULL AND workspace_id = :workspace",
            )
            .and_then(|mut query| {
                query.query_map(named_params! {":workspace": workspace_id}, |row| row.get(0))?.collect()
            })
            .map_err(|e| self.error(e))
    }

    /// The task an operation is about, id and identifier as they are now: a created one has others once the server has it,
    /// and a provisional one may have had to give up its number. `None` when the operation is gone.
    pub fn task_of_operation(&self, op_id: &str) -> Result<Option<(i64, String)>> {
        self.db
            .prepare_cached("SELECT CAST(entity_id AS INTEGER), identifier FROM sync_queue WHERE op_id = :op_id")
            .and_then(|mut query| {
                query.query_row(named_params! {":op_id": op_id}, |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .map_err(|e| self.error(e))
    }

    /// The operation is known here: pending, or already taken by the server.
    pub fn knows(&self, op_id: &str) -> Result<bool> {
        self.db
            .prepare_cached("SELECT 1 FROM sync_queue WHERE op_id = :op_id")
            .and_then(|mut query| query.query_row(named_params! {":op_id": op_id}, |_| Ok(())).optional())
            .map(|found| found.is_some())
            .map_err(|e| self.error(e))
    }
}

/// Operations to add (or to write over their rows) and operations to take out of the queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    pub put: Vec<Operation>,
    pub removed: Vec<Operation>,
}

/// The cache as seen from inside the transaction that queues something.
pub struct Queueing<'a> {
    db: &'a Connection,
}

impl Queueing<'_> {
    pub fn task(&self, id: i64) -> Result<Option<Task>> {
        super::tasks::by_id(self.db, id).map_err(|e| self.error(e))
    }

    /// The task that a create operation has made or will make.
    pub fn task_made_by(&self, op_id: &str) -> Result<Option<Task>> {
        let id = self.db.query_row(
            "SELECT CASE synced WHEN 1 THEN remote_id ELSE CAST(entity_id AS INTEGER) END FROM sync_queue \
             WHERE op_id = :op_id AND operation = 'create' AND entity_type = 'task'",
            named_params! {":op_id": op_id},
            |row| row.get::<_, Option<i64>>(0),
        );
        let id = id.optional().map_err(|e| self.error(e))?.flatten();
        id.map_or(Ok(None), |id| self.task(id))
    }

    /// The live task that bore this name first: a provisional one may have got another since.
    pub fn task_once_called(&self, workspace_id: i64, identifier: &str) -> Result<Option<Task>> {
        let id = self.db.query_row(
            "SELECT id FROM tasks WHERE workspace_id = :workspace AND deleted_at IS NULL AND (identifier = :name \
             OR id IN (SELECT task_id FROM renames WHERE workspace_id = :workspace AND old_identifier = :name)) \
             ORDER BY identifier = :name LIMIT 1",
            named_params! {":workspace": workspace_id, ":name": identifier},
            |row| row.get(0),
        );
        let id = id.optional().map_err(|e| self.error(e))?;
        id.map_or(Ok(None), |id| self.task(id))
    }

    pub fn pending_of(&self, task_id: i64) -> Result<Vec<Operation>> {
        pending_of(self.db, task_id).map_err(|e| self.error(e))
    }

    pub fn pending(&self) -> Result<Vec<Operation>> {
        pending(self.db).map_err(|e| self.error(e))
    }

    /// One of these is in the queue already.
    pub fn has_one_of(&self, operations: &[Operation]) -> Result<bool> {
        let has = |operation: &Operation| named_tasks(self.db, &operation.op_id).map(|found| found.is_some());
        operations.iter().try_fold(false, |found, operation| Ok(found || has(operation)?)).map_err(|e| self.error(e))
    }

    /// An id for a provisional task, below every one in use, also by operations whose task is gone.
    pub fn provisional_id(&self) -> Result<i64> {
        let id = self.db.query_row(
            "SELECT min(0, coalesce((SELECT min(id) FROM tasks), 0), \
             coalesce((SELECT min(CAST(entity_id AS INTEGER)) FROM sync_queue), 0)) - 1",
            [],
            |row| row.get(0),
        );
        id.map_err(|e| self.error(e))
    }

    /// The next free task number of a workspace, as far as is known here.
    pub fn next_number(&self, workspace_id: i64) -> Result<i64> {
        super::tasks::highest_number(self.db, workspace_id).map(|highest| highest + 1).map_err(|e| self.error(e))
    }

    fn error(&self, error: rusqlite::Error) -> Error {
        super::sqlite_error(Path::new(self.db.path().unwrap_or("cache.db")), error)
    }
}
