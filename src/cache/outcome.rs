//! Everything a sync changes in the cache, applied in one transaction: it happened or it did not (design.md "The sync").

use super::answers::{apply_answers, renumber};
use super::conflicts::{self, StoredConflict};
use super::entities::{
    forget_server, forget_workspace, put_workspace, replace_labels, replace_members, replace_projects,
};
use super::log::{self, Direction};
use super::overlay::{put_server_row, remove_task, renew, renew_for};
use super::tasks::{columns, read};
use super::{Cache, queue, set_metadata};
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::{Label, Member, Operation, Project, Task, Workspace};
use miniserde::json;
use rusqlite::{Connection, named_params};
use std::collections::BTreeSet;

/// What the server said to one operation.
#[derive(Debug, Clone)]
pub struct Answer {
    pub operation: Operation,
    /// The task after it, where the answer has one.
    pub task: Option<Task>,
}

/// What one workspace's pull brought beside its staged tasks.
#[derive(Debug, Default)]
pub struct Pulled {
    pub workspace_id: i64,
    pub projects: Vec<Project>,
    /// `None`: the server has no such kind; what is cached stays.
    pub members: Option<Vec<Member>>,
    pub labels: Option<Vec<Label>>,
    /// The dependency graph was fetched and is staged whole.
    pub dependencies: bool,
    /// The workspace's tasks were listed in full.
    pub listing: Option<Listing>,
    /// The new cursor: the largest `updated_at` received and the task that had it.
    pub cursor: Option<(String, i64)>,
}

/// A full listing.
#[derive(Debug, Default)]
pub struct Listing {
    /// RFC 3339, this machine's clock.
    pub at: String,
    /// Tasks the server has and did not list.
    pub unlisted: usize,
}

#[derive(Debug, Default)]
pub struct LogRow {
    pub changes: usize,
    pub conflicts: usize,
    pub errors: usize,
    pub detail: Option<String>,
}

/// All that a sync decided.
#[derive(Debug, Default)]
pub struct Outcome {
    pub workspaces: Vec<Workspace>,
    pub pulled: Vec<Pulled>,
    /// Workspaces that could not be read.
    pub left_out: Vec<i64>,
    /// Workspaces that are gone; their tasks are staged as gone.
    pub left: Vec<i64>,
    /// Remove every server task of the pulled workspaces that is not staged (`sync --force`).
    pub exactly: bool,
    /// Forget what another server told first.
    pub afresh: bool,
    pub answers: Vec<Answer>,
    /// Operations that a merge or an error changed.
    pub rewritten: Vec<Operation>,
    /// Operations that a decision took out of the queue.
    pub dropped: Vec<Operation>,
    /// Tasks whose conflict was accepted as "deleted there": they go once nothing is queued for them.
    pub let_go: Vec<i64>,
    /// Tasks whose id the server gives to another one.
    pub replaced: BTreeSet<i64>,
    /// Server rows to show now that nothing is queued over them.
    pub accepted: Vec<Task>,
    pub conflicts: Vec<StoredConflict>,
    /// Tasks whose inbox entry is settled.
    pub settled: Vec<i64>,
    /// Creates whose provisional name nobody has seen: they are sent before their command says anything.
    pub unannounced: BTreeSet<String>,
    pub metadata: Vec<(String, String)>,
    pub pull_log: Option<LogRow>,
    pub push_log: Option<LogRow>,
}

impl Outcome {
    /// The workspaces of which only what is staged stays.
    pub fn made_exact(&self) -> Vec<i64> {
        self.pulled.iter().filter(|_| self.exactly).map(|pulled| pulled.workspace_id).collect()
    }
}

/// Counts of what the staged rows change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub new: usize,
    pub updated: usize,
    pub deleted: usize,
}

impl Totals {
    pub fn changes(&self) -> usize {
        self.new + self.updated + self.deleted
    }
}

impl Cache {
    /// What the staged rows will change. Tasks in `reported` are announced elsewhere and not counted. `exactly`: the
    /// workspaces whose server tasks go that are not staged.
    pub fn count_staged(&self, reported: &BTreeSet<i64>, exactly: &[i64]) -> Result<Totals> {
        count_staged(&self.db, reported, exactly).map_err(|e| self.error(e))
    }

    /// Applies everything in one transaction. Gives the provisional tasks that had to give up their number to the
    /// server: old and new identifier. The staging area must be attached.
    pub fn apply(&mut self, outcome: &Outcome, now: &str) -> Result<Vec<(String, String)>> {
        self.write(|db| {
            if outcome.afresh {
                forget_server(db)?;
            }
            let mut renamed = false;
            for workspace in &outcome.workspaces {
                renamed |= has_another_prefix(db, workspace)?;
                put_workspace(db, workspace, now)?;
            }
            outcome.left.iter().try_for_each(|workspace| forget_workspace(db, *workspace))?;
            hit("cache.apply.workspaces");
            // Before the server's rows, which say what is true where ours no longer counts.
            drop_operations(db, outcome)?;
            apply_tasks(db, outcome, now)?;
            hit("cache.apply.tasks");
            for pulled in &outcome.pulled {
                apply_kinds(db, pulled, now)?;
            }
            hit("cache.apply.kinds");
            apply_answers(db, &outcome.answers, &outcome.unannounced, now)?;
            apply_queue(db, outcome, now)?;
            if renamed {
                // Also what was queued while the sync ran.
                queue::take_names(db)?;
            }
            hit("cache.apply.queue");
            let renumbered = renumber(db, now)?;
            renew_pending(db)?;
            hit("cache.apply.overlay");
            for (key, value) in &outcome.metadata {
                set_metadata(db, key, value)?;
            }
            let logs = [(Direction::Pull, &outcome.pull_log), (Direction::Push, &outcome.push_log)];
            for (direction, row) in logs {
                if let Some(row) = row {
                    log::append(db, direction, now, row)?;
                }
            }
            Ok(renumbered)
        })
    }

    /// Folds in what an interrupted run had already been told by the server (the journal's `answered`).
    pub fn fold_answers(&mut self, answers: &[Answer], now: &str) -> Result<()> {
        self.write(|db| {
            apply_answers(db, answers, &BTreeSet::new(), now)?;
            renumber(db, now)?;
            renew_pending(db)
        })
    }
}

fn count_staged(db: &Connection, reported: &BTreeSet<i64>, exactly: &[i64]) -> rusqlite::Result<Totals> {
    let reported = json::to_string(&reported.iter().copied().collect::<Vec<i64>>());
    let number = |row: &rusqlite::Row| row.get::<_, i64>(0).map(|count| count.max(0) as usize);
    let count = |sql: &str| db.prepare_cached(sql)?.query_row(named_params! {":reported": reported}, number);
    let new = count(
        "SELECT count(*) FROM staging.tasks s WHERE s.deleted_at IS NULL AND s.id NOT IN (SELECT id FROM main.tasks) \
         AND s.id NOT IN (SELECT value FROM json_each(:reported)) AND s.id NOT IN (SELECT id FROM staging.gone)",
    )?;
    let updated = count(
        "SELECT count(*) FROM staging.tasks s JOIN main.tasks t ON t.id = s.id WHERE s.deleted_at IS NULL \
         AND (t.version <> s.version OR t.updated_at <> s.updated_at) \
         AND s.id NOT IN (SELECT value FROM json_each(:reported)) AND s.id NOT IN (SELECT id FROM staging.gone)",
    )?;
    let gone = count(
        "SELECT count(*) FROM main.tasks WHERE (id IN (SELECT id FROM staging.tasks WHERE deleted_at IS NOT NULL) \
         OR id IN (SELECT id FROM staging.gone)) AND id NOT IN (SELECT value FROM json_each(:reported))",
    )?;
    let absent = db
        .prepare_cached(
            "SELECT count(*) FROM main.tasks WHERE id > 0 AND workspace_id IN (SELECT value FROM json_each(:exactly)) \
             AND id NOT IN (SELECT id FROM staging.tasks) AND id NOT IN (SELECT id FROM staging.gone) \
             AND id NOT IN (SELECT value FROM json_each(:reported))",
        )?
        .query_row(named_params! {":reported": reported, ":exactly": json::to_string(exactly)}, number)?;
    Ok(Totals { new, updated, deleted: gone + absent })
}

/// Moves the staged rows over. A task with queued operations keeps them: only its server row changes.
fn apply_tasks(db: &Connection, outcome: &Outcome, now: &str) -> rusqlite::Result<()> {
    if outcome.pulled.is_empty() && outcome.left.is_empty() {
        return Ok(());
    }
    let held: Vec<Task> = db
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM staging.tasks WHERE deleted_at IS NULL AND id IN (SELECT id FROM main.tasks WHERE remote IS NOT NULL)"
        ))?
        .query_map([], read)?
        .collect::<rusqlite::Result<_>>()?;
    for task in held {
        // An edit of the task that was waits for its decision, and is not an edit of this one.
        if !outcome.replaced.contains(&task.id) || queue::pending_of(db, task.id)?.is_empty() {
            put_server_row(db, &task, now)?;
        }
    }
    db.prepare_cached(concat!(
        "INSERT OR REPLACE INTO main.tasks (",
        columns!(),
        ", synced_at) SELECT ",
        columns!(),
        ", synced_at FROM staging.tasks s WHERE s.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM main.tasks t \
         WHERE t.id = s.id AND (t.remote IS NOT NULL \
         OR (NOT :exactly AND t.version = s.version AND t.updated_at = s.updated_at \
         AND t.identifier = s.identifier)))"
    ))?
    .execute(named_params! {":exactly": outcome.exactly})?;
    let mut gone: Vec<i64> = ids(
        db,
        "SELECT id FROM main.tasks WHERE id IN (SELECT id FROM staging.tasks WHERE deleted_at IS NOT NULL) \
         OR id IN (SELECT id FROM staging.gone)",
    )?;
    let absent = db
        .prepare_cached(
            "SELECT id FROM main.tasks WHERE id > 0 AND id NOT IN (SELECT id FROM staging.tasks) \
             AND workspace_id IN (SELECT value FROM json_each(:exactly))",
        )?
        .query_map(named_params! {":exactly": json::to_string(&outcome.made_exact())}, |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    gone.extend(absent);
    for id in gone {
        // An edit that waits for its conflict's decision keeps its task in sight.
        if queue::pending_of(db, id)?.is_empty() {
            remove_task(db, id)?;
        }
    }
    Ok(())
}

fn ids(db: &Connection, sql: &str) -> rusqlite::Result<Vec<i64>> {
    db.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn apply_kinds(db: &Connection, pulled: &Pulled, now: &str) -> rusqlite::Result<()> {
    let workspace = pulled.workspace_id;
    replace_projects(db, workspace, &pulled.projects, now)?;
    if let Some(members) = &pulled.members {
        replace_members(db, workspace, members, now)?;
    }
    if let Some(labels) = &pulled.labels {
        replace_labels(db, workspace, labels, now)?;
    }
    if pulled.dependencies {
        replace_dependencies(db, workspace, now)?;
    }
    if let Some(Listing { at, unlisted }) = &pulled.listing {
        set_metadata(db, &format!("listed:{workspace}"), at)?;
        set_metadata(db, &format!("unlisted:{workspace}"), &unlisted.to_string())?;
    }
    if let Some((updated_at, task)) = &pulled.cursor {
        set_metadata(db, &format!("cursor:{workspace}"), updated_at)?;
        set_metadata(db, &format!("cursor_task:{workspace}"), &task.to_string())?;
    }
    Ok(())
}

/// Makes the dependencies between a workspace's server tasks those of the staged graph; rows that stay are not touched.
fn replace_dependencies(db: &Connection, workspace_id: i64, now: &str) -> rusqlite::Result<()> {
    let workspace = named_params! {":workspace": workspace_id};
    db.prepare_cached("DELETE FROM staging.edge_ids")?.execute([])?;
    db.prepare_cached(
        "INSERT OR IGNORE INTO staging.edge_ids SELECT a.id, b.id FROM staging.edges e \
         JOIN main.tasks a ON a.workspace_id = e.workspace_id AND a.identifier = e.task AND a.id > 0 \
         JOIN main.tasks b ON b.workspace_id = e.workspace_id AND b.identifier = e.depends_on AND b.id > 0 \
         WHERE e.workspace_id = :workspace",
    )?
    .execute(workspace)?;
    db.prepare_cached(
        "DELETE FROM main.task_dependencies WHERE task_id IN (SELECT id FROM main.tasks WHERE workspace_id = :workspace AND id > 0) \
         AND depends_on_id > 0 AND NOT EXISTS (SELECT 1 FROM staging.edge_ids e \
         WHERE e.task_id = task_dependencies.task_id AND e.depends_on_id = task_dependencies.depends_on_id)",
    )?
    .execute(workspace)?;
    db.prepare_cached(
        "INSERT OR IGNORE INTO main.task_dependencies (task_id, depends_on_id, created_at, synced_at) \
         SELECT task_id, depends_on_id, :now, :now FROM staging.edge_ids",
    )?
    .execute(named_params! {":now": now})
    .map(drop)
}

fn has_another_prefix(db: &Connection, workspace: &Workspace) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM workspaces WHERE id = :id AND identifier <> :identifier")?
        .exists(named_params! {":id": workspace.id, ":identifier": workspace.identifier})
}

fn drop_operations(db: &Connection, outcome: &Outcome) -> rusqlite::Result<()> {
    outcome.dropped.iter().try_for_each(|operation| queue::remove(db, &operation.op_id))?;
    outcome.dropped.iter().rev().try_for_each(|operation| renew_for(db, operation))
}

fn apply_queue(db: &Connection, outcome: &Outcome, now: &str) -> rusqlite::Result<()> {
    for operation in &outcome.rewritten {
        // Another process may have taken it back meanwhile.
        let waiting = db
            .prepare_cached("SELECT 1 FROM sync_queue WHERE op_id = :op_id AND synced = 0")?
            .exists(named_params! {":op_id": operation.op_id})?;
        if waiting {
            queue::put(db, operation)?;
        }
    }
    for id in &outcome.let_go {
        if queue::pending_of(db, *id)?.is_empty() {
            remove_task(db, *id)?;
        }
    }
    outcome.accepted.iter().try_for_each(|task| put_server_row(db, task, now))?;
    outcome.settled.iter().try_for_each(|task| conflicts::remove(db, *task))?;
    outcome.conflicts.iter().try_for_each(|conflict| conflicts::put(db, conflict))?;
    conflicts::forget_settled(db)
}

/// Lays every queued operation, also those queued while this sync ran, over the new rows.
fn renew_pending(db: &Connection) -> rusqlite::Result<()> {
    let mut done = BTreeSet::new();
    for operation in queue::pending(db)? {
        let task_itself = operation.kind.entity_type() == "task";
        if !task_itself || done.insert(operation.task_id) {
            renew_for(db, &operation)?;
        }
    }
    // Rows whose last operation went with this outcome show the server's row again.
    let settled = db
        .prepare_cached(
            "SELECT id FROM tasks WHERE remote IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sync_queue \
             WHERE synced = 0 AND entity_type = 'task' AND entity_id = CAST(tasks.id AS TEXT))",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    settled.into_iter().try_for_each(|id| renew(db, id))
}
