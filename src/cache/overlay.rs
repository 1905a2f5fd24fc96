//! The picture people see: the server's rows with the queued operations laid over them.

use super::queue::{newest_on_dependency, pending_of};
use super::tasks::{by_id, write, write_into};
use crate::document;
use crate::model::{Kind, Operation, Task, number_of};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, OptionalExtension, named_params};

/// Makes everything an operation touches anew from the server's row and what is queued now.
pub(super) fn renew_for(db: &Connection, operation: &Operation) -> rusqlite::Result<()> {
    match operation.kind {
        Kind::CreateTask | Kind::UpdateTask | Kind::DeleteTask => renew(db, operation.task_id),
        Kind::AddDependency | Kind::RemoveDependency => renew_dependency(db, operation),
    }
}

/// Makes the row of one task anew.
pub(super) fn renew(db: &Connection, task_id: i64) -> rusqlite::Result<()> {
    let operations = pending_of(db, task_id)?;
    let Some(server_row) = server_row(db, task_id)? else {
        return renew_provisional(db, task_id, &operations);
    };
    let now = Timestamp::now().rfc3339();
    let mut shown = server_row.clone();
    for operation in &operations {
        match operation.kind {
            Kind::DeleteTask => shown.deleted_at = Some(operation.created_at.clone()),
            _ => shown.apply(&operation.set),
        }
    }
    write(db, write_into!("tasks"), &shown, &now)?;
    if !operations.is_empty() {
        keep_server_row(db, &server_row)?;
    }
    Ok(())
}

/// The server's row of a task; `None` for a task the server does not have.
pub(super) fn server_row(db: &Connection, task_id: i64) -> rusqlite::Result<Option<Task>> {
    if task_id < 0 {
        return Ok(None);
    }
    let kept: Option<Option<String>> = db
        .prepare_cached("SELECT remote FROM tasks WHERE id = :id")?
        .query_row(named_params! {":id": task_id}, |row| row.get(0))
        .optional()?;
    match kept {
        None => Ok(None),
        Some(Some(text)) => Ok(document::task_from_json(&document::parse(&text))),
        Some(None) => by_id(db, task_id),
    }
}

fn keep_server_row(db: &Connection, task: &Task) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE tasks SET remote = :remote WHERE id = :id")?
        .execute(named_params! {
            ":id": task.id, ":remote": json::to_string(&json::Value::Object(document::task_to_json(task)))
        })
        .map(drop)
}

/// Makes `task` the server's row; what is shown is renewed later.
pub(super) fn put_server_row(db: &Connection, task: &Task, now: &str) -> rusqlite::Result<()> {
    write(db, write_into!("tasks"), task, now)?;
    if pending_of(db, task.id)?.is_empty() { Ok(()) } else { keep_server_row(db, task) }
}

/// A task that exists only here is its create operation and what came after it. Without a create it is gone.
fn renew_provisional(db: &Connection, task_id: i64, operations: &[Operation]) -> rusqlite::Result<()> {
    let Some(create) = operations.iter().find(|operation| operation.kind == Kind::CreateTask) else {
        // A positive id without a row: the cache was lost, and the next pull brings the task.
        return if task_id < 0 { remove_task(db, task_id) } else { Ok(()) };
    };
    let mut task = Task {
        id: task_id,
        workspace_id: create.workspace_id,
        identifier: create.identifier.clone(),
        number: number_of(&create.identifier),
        status: "backlog".into(),
        created_at: create.created_at.clone(),
        updated_at: create.created_at.clone(),
        ..Task::default()
    };
    for operation in operations {
        match operation.kind {
            Kind::DeleteTask => task.deleted_at = Some(operation.created_at.clone()),
            _ => task.apply(&operation.set),
        }
    }
    write(db, write_into!("tasks"), &task, &Timestamp::now().rfc3339())
}

pub(super) fn remove_task(db: &Connection, task_id: i64) -> rusqlite::Result<()> {
    let id = named_params! {":id": task_id};
    // Whoever asks for this name again means the task that had it last, not one that was once shown under it.
    db.prepare_cached(
        "DELETE FROM renames WHERE EXISTS (SELECT 1 FROM tasks WHERE id = :id AND id > 0 \
         AND workspace_id = renames.workspace_id AND identifier = renames.old_identifier)",
    )?
    .execute(id)?;
    db.prepare_cached("DELETE FROM tasks WHERE id = :id")?.execute(id)?;
    db.prepare_cached("DELETE FROM task_dependencies WHERE task_id = :id OR depends_on_id = :id")?.execute(id)?;
    // A provisional id is given again, and must not bring the names of this task along.
    db.prepare_cached("DELETE FROM renames WHERE task_id = :id AND task_id < 0")?.execute(id)?;
    db.prepare_cached("DELETE FROM conflicts WHERE task_id = :id")?.execute(id).map(drop)
}

/// Shows a dependency as the newest queued operation on it wants it. Where none is queued any more, the oldest that was
/// taken back tells: it left the opposite of what was there, so what was taken back is renewed from the newest on.
fn renew_dependency(db: &Connection, operation: &Operation) -> rusqlite::Result<()> {
    let Some((target, _)) = &operation.depends_on else { return Ok(()) };
    let queued = newest_on_dependency(db, operation.task_id, *target)?;
    let adds = |kind: Kind| kind == Kind::AddDependency;
    let wanted = queued.map_or(!adds(operation.kind), adds);
    set_dependency(db, operation.task_id, *target, wanted, &operation.created_at)
}

pub(super) fn set_dependency(db: &Connection, task: i64, target: i64, wanted: bool, now: &str) -> rusqlite::Result<()> {
    if wanted {
        db.prepare_cached(
            "INSERT OR IGNORE INTO task_dependencies (task_id, depends_on_id, created_at, synced_at) \
             VALUES (:task, :target, :now, :now)",
        )?
        .execute(named_params! {":task": task, ":target": target, ":now": now})
        .map(drop)
    } else {
        db.prepare_cached("DELETE FROM task_dependencies WHERE task_id = :task AND depends_on_id = :target")?
            .execute(named_params! {":task": task, ":target": target})
            .map(drop)
    }
}
