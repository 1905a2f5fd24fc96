//! Storing tasks that bring their own numbers and times.

use crate::problem::Outcome;
use crate::store::labels;
use rusqlite::{Connection, named_params};

/// A task as an import has it; times are microseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub number: i64,
    pub title: String,
    pub description: Option<String>,
    pub status: String,
    pub priority: i64,
    pub labels: Vec<String>,
    pub owner: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub completed_at: Option<i64>,
    pub deleted_at: Option<i64>,
}

/// Whether the workspace has had tasks.
pub fn has_tasks(connection: &Connection, workspace_id: i64) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM tasks WHERE workspace_id = :workspace)",
        named_params! { ":workspace": workspace_id },
        |row| row.get(0),
    )
}

/// Returns the task's id.
pub fn insert(
    connection: &Connection,
    (workspace_id, project_id): (i64, i64),
    task: &Imported,
    creator_id: &str,
) -> Outcome<i64> {
    connection
        .prepare_cached(
            "INSERT INTO tasks (workspace_id, project_id, number, title, description, status, priority, owner_id,
                 assignee_type, creator_id, completed_at, created_at, updated_at, deleted_at)
             VALUES (:workspace, :project, :number, :title, :description, :status, :priority, :owner,
                 'human', :creator, :completed, :created, :updated, :deleted)",
        )?
        .execute(named_params! {
            ":workspace": workspace_id, ":project": project_id, ":number": task.number, ":title": task.title,
            ":description": task.description, ":status": task.status, ":priority": task.priority,
            ":owner": task.owner, ":creator": creator_id, ":completed": task.completed_at,
            ":created": task.created_at, ":updated": task.updated_at, ":deleted": task.deleted_at,
        })?;
    let id = connection.last_insert_rowid();
    labels::assign(connection, workspace_id, id, &task.labels)?;
    Ok(id)
}
