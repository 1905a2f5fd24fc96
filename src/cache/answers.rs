//! What the server's answers change: operations are done, and tasks get the ids and names the server gave them.

use super::outcome::Answer;
use super::overlay::{put_server_row, remove_task, renew, set_dependency};
use super::queue;
use super::tasks::{by_id, highest_number};
use crate::failpoint::hit;
use crate::model::{Kind, Task};
use rusqlite::{Connection, named_params};
use std::collections::{BTreeMap, BTreeSet};

/// What the server has said to operations: first the tasks it made get their ids, everywhere at once, then each answer.
pub(super) fn apply_answers(
    db: &Connection,
    answers: &[Answer],
    unannounced: &BTreeSet<String>,
    now: &str,
) -> rusqlite::Result<()> {
    let mut made = BTreeMap::new();
    for Answer { operation, task } in answers {
        if let (Kind::CreateTask, Some(task)) = (operation.kind, task) {
            give_server_id(db, operation.task_id, task)?;
            made.insert(operation.task_id, (task.id, task.identifier.clone()));
            if !unannounced.contains(&operation.op_id) {
                remember_name(db, task.workspace_id, &operation.identifier, task.id, &task.identifier, now)?;
            }
        }
    }
    rename_in_queue(db, &made)?;
    answers.iter().try_for_each(|answer| apply_answer(db, answer, now))?;
    queue::forget_old(db, now)
}

fn apply_answer(db: &Connection, answer: &Answer, now: &str) -> rusqlite::Result<()> {
    hit("cache.apply.answer");
    let operation = &answer.operation;
    // The task may have got its server id in this very outcome: the queue's row followed it.
    let (task_id, target) = queue::named_tasks(db, &operation.op_id)?.unwrap_or((operation.task_id, None));
    match operation.kind {
        Kind::CreateTask => {
            queue::mark_synced(db, &operation.op_id, answer.task.as_ref().map(|task| task.id), now)?;
            answer.task.as_ref().map_or(Ok(()), |task| put_server_row(db, task, now))
        }
        Kind::UpdateTask => {
            queue::mark_synced(db, &operation.op_id, Some(task_id), now)?;
            answer.task.as_ref().map_or(Ok(()), |task| put_server_row(db, task, now))
        }
        Kind::DeleteTask => {
            queue::mark_synced(db, &operation.op_id, Some(task_id), now)?;
            remove_task(db, task_id)
        }
        Kind::AddDependency | Kind::RemoveDependency => {
            queue::mark_synced(db, &operation.op_id, None, now)?;
            target.map_or(Ok(()), |target| {
                set_dependency(db, task_id, target, operation.kind == Kind::AddDependency, now)
            })
        }
    }
}

/// A provisional task became a server task: every row that pointed at its negative id follows.
fn give_server_id(db: &Connection, old_id: i64, task: &Task) -> rusqlite::Result<()> {
    let moved = named_params! {":old": old_id, ":new": task.id};
    // The cache may hold the task already: a pull brought it before its lost answer was understood.
    if by_id(db, task.id)?.is_some() {
        db.prepare_cached("DELETE FROM tasks WHERE id = :old")?.execute(named_params! {":old": old_id})?;
    } else {
        db.prepare_cached("UPDATE tasks SET id = :new WHERE id = :old")?.execute(moved)?;
    }
    db.prepare_cached("UPDATE tasks SET parent_id = :new WHERE parent_id = :old")?.execute(moved)?;
    db.prepare_cached("UPDATE OR IGNORE task_dependencies SET task_id = :new WHERE task_id = :old")?.execute(moved)?;
    db.prepare_cached("UPDATE OR IGNORE task_dependencies SET depends_on_id = :new WHERE depends_on_id = :old")?
        .execute(moved)?;
    db.prepare_cached("UPDATE OR REPLACE conflicts SET task_id = :new WHERE task_id = :old")?.execute(moved)?;
    db.prepare_cached("UPDATE OR REPLACE renames SET task_id = :new WHERE task_id = :old")?.execute(moved).map(drop)
}

/// Lets every queued operation follow tasks that got another id or name: id → id and identifier now. The queue is gone
/// through once, however many tasks there are.
fn rename_in_queue(db: &Connection, moved: &BTreeMap<i64, (i64, String)>) -> rusqlite::Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    for mut operation in queue::pending(db)? {
        let mut followed = false;
        for old in operation.tasks() {
            if let Some((id, identifier)) = moved.get(&old) {
                followed |= operation.follow(old, *id, identifier);
            }
        }
        if followed {
            queue::put(db, &operation)?;
        }
    }
    Ok(())
}

fn remember_name(db: &Connection, workspace: i64, old: &str, task: i64, new: &str, now: &str) -> rusqlite::Result<()> {
    if old == new {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO renames (workspace_id, old_identifier, task_id, renamed_at) VALUES (:workspace, :old, :task, :now)",
    )?
    .execute(named_params! {":workspace": workspace, ":old": old, ":task": task, ":now": now})
    .map(drop)
}

/// Gives provisional tasks whose identifier the server has taken the next free numbers.
pub(super) fn renumber(db: &Connection, now: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let taken: Vec<(i64, i64, String)> = db
        .prepare_cached(
            "SELECT p.id, p.workspace_id, p.identifier FROM tasks p JOIN tasks s ON s.workspace_id = p.workspace_id \
             AND s.identifier = p.identifier AND s.id > 0 WHERE p.id < 0 ORDER BY p.number",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let (mut free, mut moved, mut renumbered) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (id, workspace, old) in &taken {
        let highest = match free.get(workspace) {
            Some(highest) => *highest,
            None => highest_number(db, *workspace)?,
        };
        free.insert(*workspace, highest + 1);
        let prefix = old.rsplit_once('-').map_or(old.as_str(), |(prefix, _)| prefix);
        let new = format!("{prefix}-{}", highest + 1);
        moved.insert(*id, (*id, new.clone()));
        renumbered.push((old.clone(), new));
    }
    rename_in_queue(db, &moved)?;
    for ((id, workspace, _), (old, new)) in taken.iter().zip(&renumbered) {
        renew(db, *id)?;
        remember_name(db, *workspace, old, *id, new, now)?;
    }
    Ok(renumbered)
}
