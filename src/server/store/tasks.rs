//! Single tasks: reading, creating, changing, deleting. Every change raises the version by one and takes an instant of
//! its own from the clock.

use crate::input::whole_number;
use crate::problem::{Outcome, Problem};
use crate::store::workspaces::{self, Workspace};
use crate::store::{clock, existing, labels};
use anyt::model;
use anyt::time::Timestamp;
use miniserde::json;
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

/// What `from_row` reads. CROSS JOIN keeps SQLite from starting anywhere but at the tasks.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT t.*, w.identifier AS workspace_identifier, w.name AS workspace_name, p.name AS project_name,
                 p.color AS project_color, p.icon AS project_icon,
                 (SELECT json_group_array(l.name ORDER BY c.position) FROM task_labels c
                  JOIN labels l ON l.id = c.label_id WHERE c.task_id = t.id) AS labels
             FROM tasks t CROSS JOIN workspaces w ON w.id = t.workspace_id CROSS JOIN projects p ON p.id = t.project_id ",
            $rest
        )
    };
}

fn from_row(row: &Row) -> rusqlite::Result<Task> {
    let time = |column: &str| row.get::<_, Option<i64>>(column).map(|at| at.map(|at| Timestamp(at).rfc3339()));
    let instant = |column: &str| row.get(column).map(|at| Timestamp(at).rfc3339());
    let (id, number) = (row.get("id")?, row.get("number")?);
    let workspace_identifier: String = row.get("workspace_identifier")?;
    let labels: String = row.get("labels")?;
    Ok(Task {
        task: model::Task {
            id,
            workspace_id: row.get("workspace_id")?,
            project_id: row.get("project_id")?,
            identifier: format!("{workspace_identifier}-{number}"),
            number,
            uid: Some(uid(id)),
            title: row.get("title")?,
            description: row.get("description")?,
            status: row.get("status")?,
            priority: row.get("priority")?,
            owner_id: row.get("owner_id")?,
            assignee_type: row.get("assignee_type")?,
            assigned_coding_agent: row.get("assigned_coding_agent")?,
            labels: json::from_str(&labels).unwrap_or_default(),
            phase: row.get("phase")?,
            estimate: row.get("estimate")?,
            parent_id: row.get("parent_id")?,
            goal_id: row.get("goal_id")?,
            implementation_plan: row.get("implementation_plan")?,
            checklist: row.get("checklist")?,
            creator_id: row.get("creator_id")?,
            version: row.get("version")?,
            started_at: time("started_at")?,
            completed_at: time("completed_at")?,
            canceled_at: time("canceled_at")?,
            archived_at: time("archived_at")?,
            created_at: instant("created_at")?,
            updated_at: instant("updated_at")?,
            deleted_at: time("deleted_at")?,
        },
        workspace_identifier,
        workspace_name: row.get("workspace_name")?,
        project_name: row.get("project_name")?,
        project_color: row.get("project_color")?,
        project_icon: row.get("project_icon")?,
        review: Review {
            status: row.get("plan_review_status")?,
            at: row.get::<_, Option<i64>>("plan_reviewed_at")?.map(Timestamp),
            by: row.get("plan_reviewed_by")?,
        },
    })
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

/// These tasks, in this order, tombstones too.
pub fn by_ids(connection: &Connection, ids: &[i64]) -> Outcome<Vec<Task>> {
    let mut statement = connection.prepare_cached(select!("WHERE t.id = :id"))?;
    let tasks = ids.iter().map(|id| statement.query_row(named_params! { ":id": id }, from_row));
    Ok(tasks.collect::<rusqlite::Result<_>>()?)
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
