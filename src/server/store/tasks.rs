//! Single tasks: reading, creating, changing, deleting. Every change raises the version by one and takes an instant of
//! its own from the clock.

use crate::input::whole_number;
use crate::model;
use crate::problem::{Outcome, Problem};
use crate::store::page::Room;
use crate::store::workspaces::{self, Workspace};
use crate::store::{clock, existing, labels};
use anyt::time::Timestamp;
use miniserde::json;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row, named_params};

/// A task with what clients want to know of its surroundings.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub task: model::Task,
    pub workspace_identifier: String,
    pub workspace_name: String,
    pub project_name: String,
    pub project_color: Option<String>,
    pub project_icon: Option<String>,
    pub review: Review,
}

/// What was said of the implementation plan (client 0.9.1).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Review {
    /// `pending`, `approved`, `changes_requested`.
    pub status: Option<String>,
    pub at: Option<Timestamp>,
    pub by: Option<String>,
}

/// What `from_row` reads, in this order. CROSS JOIN keeps SQLite from starting anywhere but at the tasks.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.number, t.workspace_id, t.project_id, t.title, t.description, t.status, t.priority, t.owner_id,
                 t.assignee_type, t.assigned_coding_agent, t.phase, t.estimate, t.parent_id, t.goal_id,
                 t.implementation_plan, t.checklist, t.creator_id, t.version, t.started_at, t.completed_at, t.canceled_at,
                 t.archived_at, t.created_at, t.updated_at, t.deleted_at, w.identifier, w.name, p.name, p.color, p.icon,
                 t.plan_review_status, t.plan_reviewed_at, t.plan_reviewed_by,
                 (SELECT json_group_array(l.name ORDER BY c.position) FROM task_labels c
                  JOIN labels l ON l.id = c.label_id WHERE c.task_id = t.id)
             FROM tasks t CROSS JOIN workspaces w ON w.id = t.workspace_id CROSS JOIN projects p ON p.id = t.project_id ",
            $rest
        )
    };
}

/// A row's columns one after the other: to find each by its name takes longer than to read it.
struct InOrder<'a> {
    row: &'a Row<'a>,
    at: usize,
}

impl InOrder<'_> {
    fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.at += 1;
        self.row.get(self.at - 1)
    }

    fn time(&mut self) -> rusqlite::Result<String> {
        self.next().map(|at| Timestamp(at).rfc3339())
    }

    fn time_if_any(&mut self) -> rusqlite::Result<Option<String>> {
        self.next::<Option<i64>>().map(|at| at.map(|at| Timestamp(at).rfc3339()))
    }
}

fn from_row(row: &Row) -> rusqlite::Result<Task> {
    let mut columns = InOrder { row, at: 0 };
    let (id, number) = (columns.next()?, columns.next()?);
    // Fields are evaluated as they are written.
    let mut task = model::Task {
        id,
        number,
        uid: Some(uid(id)),
        workspace_id: columns.next()?,
        project_id: columns.next()?,
        title: columns.next()?,
        description: columns.next()?,
        status: columns.next()?,
        priority: columns.next()?,
        owner_id: columns.next()?,
        assignee_type: columns.next()?,
        assigned_coding_agent: columns.next()?,
        phase: columns.next()?,
        estimate: columns.next()?,
        parent_id: columns.next()?,
        goal_id: columns.next()?,
        implementation_plan: columns.next()?,
        checklist: columns.next()?,
        creator_id: columns.next()?,
        version: columns.next()?,
        started_at: columns.time_if_any()?,
        completed_at: columns.time_if_any()?,
        canceled_at: columns.time_if_any()?,
        archived_at: columns.time_if_any()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        deleted_at: columns.time_if_any()?,
        identifier: String::new(),
        labels: Vec::new(),
    };
    let workspace_identifier: String = columns.next()?;
    task.identifier = format!("{workspace_identifier}-{number}");
    let mut row = Task {
        task,
        workspace_identifier,
        workspace_name: columns.next()?,
        project_name: columns.next()?,
        project_color: columns.next()?,
        project_icon: columns.next()?,
        review: Review {
            status: columns.next()?,
            at: columns.next::<Option<i64>>()?.map(Timestamp),
            by: columns.next()?,
        },
    };
    let labels: String = columns.next()?;
    row.task.labels = json::from_str(&labels).unwrap_or_default();
    Ok(row)
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The global short id: the task's id in base 62. It is no secret; membership decides who may follow it.
pub fn uid(id: i64) -> String {
    let mut rest = id.unsigned_abs();
    let mut digits = Vec::new();
    while rest > 0 || digits.is_empty() {
        digits.push(DIGITS[(rest % 62) as usize]);
        rest /= 62;
    }
    digits.reverse();
    format!("t_{}", String::from_utf8_lossy(&digits))
}

/// The inverse of `uid`.
pub fn id_of_uid(uid: &str) -> Option<i64> {
    uid.strip_prefix("t_").filter(|digits| !digits.is_empty())?.bytes().try_fold(0_i64, |id, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        id.checked_mul(62)?.checked_add(digit as i64)
    })
}

/// A live task, wherever it is.
pub fn by_id(connection: &Connection, id: i64) -> Outcome<Task> {
    let task = connection
        .prepare_cached(select!("WHERE t.id = :id AND t.deleted_at IS NULL AND w.deleted_at IS NULL"))?
        .query_row(named_params! { ":id": id }, from_row);
    existing(task, "task", id)
}

/// These tasks, in this order, tombstones too, as far as they fit into one answer.
pub fn by_ids(connection: &Connection, ids: &[i64]) -> Outcome<Vec<Task>> {
    let mut statement = connection.prepare_cached(select!("WHERE t.id = :id"))?;
    let (mut room, mut tasks) = (Room::new(), Vec::with_capacity(ids.len()));
    for id in ids {
        let task = statement.query_row([id], |row| room.takes(row).then(|| from_row(row)).transpose())?;
        let Some(task) = task else { break };
        tasks.push(task);
    }
    Ok(tasks)
}

/// A live task of the workspace by what stands for it in a path: `DEV-42` in any case, or its id.
pub fn get(connection: &Connection, workspace: &Workspace, name: &str) -> Outcome<Task> {
    match (whole_number("task", name), number_of(workspace, name)) {
        (Ok(id), _) => existing(
            connection
                .prepare_cached(select!("WHERE t.id = :id AND t.workspace_id = :workspace AND t.deleted_at IS NULL"))?
                .query_row(named_params! { ":id": id, ":workspace": workspace.id }, from_row),
            "task",
            name,
        ),
        (_, Some(number)) => existing(
            connection
                .prepare_cached(select!(
                    "WHERE t.number = :number AND t.workspace_id = :workspace AND t.deleted_at IS NULL"
                ))?
                .query_row(named_params! { ":number": number, ":workspace": workspace.id }, from_row),
            "task",
            name,
        ),
        _ => Err(Problem::missing("task", name)),
    }
}

fn number_of(workspace: &Workspace, identifier: &str) -> Option<i64> {
    let (prefix, number) = identifier.rsplit_once('-')?;
    prefix.eq_ignore_ascii_case(&workspace.identifier).then(|| whole_number("task", number).ok())?
}

/// Stores a new task under the workspace's next number and returns its id; the fields of `task` that the server
/// decides (id, number, version, times of creation and change) are not read.
pub fn create(connection: &Connection, task: &model::Task, creator_id: &str) -> Outcome<i64> {
    let number = workspaces::next_number(connection, task.workspace_id)?;
    let now = clock::tick(connection)?;
    connection
        .prepare_cached(
            "INSERT INTO tasks (workspace_id, number, creator_id, created_at, updated_at, project_id, title, description,
                 status, priority, owner_id, assignee_type, assigned_coding_agent, phase, estimate, parent_id, goal_id,
                 implementation_plan, checklist, started_at, completed_at, canceled_at, archived_at)
             VALUES (:workspace, :number, :creator, :now, :now, :project, :title, :description,
                 :status, :priority, :owner, :assignee, :agent, :phase, :estimate, :parent, :goal,
                 :plan, :checklist, :started, :completed, :canceled, :archived)",
        )?
        .execute(named_params! {
            ":workspace": task.workspace_id, ":number": number, ":creator": creator_id, ":now": now,
            ":project": task.project_id, ":title": task.title, ":description": task.description,
            ":status": task.status, ":priority": task.priority, ":owner": task.owner_id,
            ":assignee": task.assignee_type.as_deref().unwrap_or("human"), ":agent": task.assigned_coding_agent,
            ":phase": task.phase, ":estimate": task.estimate, ":parent": task.parent_id, ":goal": task.goal_id,
            ":plan": task.implementation_plan, ":checklist": task.checklist,
            ":started": micros(&task.started_at), ":completed": micros(&task.completed_at),
            ":canceled": micros(&task.canceled_at), ":archived": micros(&task.archived_at),
        })?;
    let id = connection.last_insert_rowid();
    labels::assign(connection, task.workspace_id, id, &task.labels)?;
    Ok(id)
}

/// Stores the changeable fields of a task and its review under a new version.
pub fn save(connection: &Connection, row: &Task) -> Outcome<()> {
    let (task, review) = (&row.task, &row.review);
    connection
        .prepare_cached(
            "UPDATE tasks SET project_id = :project, title = :title, description = :description, status = :status,
                 priority = :priority, owner_id = :owner, assignee_type = :assignee, assigned_coding_agent = :agent,
                 phase = :phase, estimate = :estimate, parent_id = :parent, goal_id = :goal,
                 implementation_plan = :plan, checklist = :checklist, started_at = :started,
                 completed_at = :completed, canceled_at = :canceled, archived_at = :archived,
                 plan_review_status = :review, plan_reviewed_at = :reviewed, plan_reviewed_by = :reviewer,
                 version = version + 1, updated_at = :now
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": task.id, ":project": task.project_id, ":title": task.title, ":description": task.description,
            ":status": task.status, ":priority": task.priority, ":owner": task.owner_id,
            ":assignee": task.assignee_type.as_deref().unwrap_or("human"), ":agent": task.assigned_coding_agent,
            ":phase": task.phase, ":estimate": task.estimate, ":parent": task.parent_id, ":goal": task.goal_id,
            ":plan": task.implementation_plan, ":checklist": task.checklist,
            ":started": micros(&task.started_at), ":completed": micros(&task.completed_at),
            ":canceled": micros(&task.canceled_at), ":archived": micros(&task.archived_at),
            ":review": review.status, ":reviewed": review.at.map(|at| at.0), ":reviewer": review.by,
            ":now": clock::tick(connection)?,
        })?;
    labels::assign(connection, task.workspace_id, task.id, &task.labels)
}

fn micros(time: &Option<String>) -> Option<i64> {
    time.as_deref().and_then(Timestamp::parse).map(|at| at.0)
}

/// Raises the version: something about the task has changed.
pub fn touch(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let now = clock::tick(connection)?;
    connection
        .prepare_cached("UPDATE tasks SET version = version + 1, updated_at = :now WHERE id = :id")?
        .execute(named_params! { ":id": id, ":now": now })
        .map(drop)
}

/// Makes a tombstone of it. Its dependencies and comments stay stored and are shown no more.
pub fn delete(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    touch(connection, id)?;
    connection
        .prepare_cached("UPDATE tasks SET deleted_at = updated_at WHERE id = :id")?
        .execute(named_params! { ":id": id })
        .map(drop)
}

/// Makes a tombstone a live task again, under a new version.
pub fn restore(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    touch(connection, id)?;
    connection
        .prepare_cached("UPDATE tasks SET deleted_at = NULL WHERE id = :id")?
        .execute(named_params! { ":id": id })
        .map(drop)
}

/// Whether `ancestor` is `id` itself or above it.
pub fn descends(connection: &Connection, id: i64, ancestor: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "WITH RECURSIVE above (id) AS (
                 SELECT :id UNION SELECT t.parent_id FROM above JOIN tasks t ON t.id = above.id
                 WHERE t.parent_id IS NOT NULL)
             SELECT EXISTS (SELECT 1 FROM above WHERE id = :ancestor)",
        )?
        .query_row(named_params! { ":id": id, ":ancestor": ancestor }, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_round_trip() {
        assert_eq!(uid(123), "t_1z");
        for id in [1, 61, 62, 5_722, i64::MAX] {
            assert_eq!(id_of_uid(&uid(id)), Some(id));
        }
        for wrong in ["", "t_", "1Z", "t_ü", "t_zzzzzzzzzzzzzzzz"] {
            assert_eq!(id_of_uid(wrong), None, "{wrong}");
        }
    }
}
