//! Goals: plain rows (api.md 2.18). Their numbers are their own, `DEV-G3`, and are given once.

use crate::problem::Outcome;
use crate::store::{clock, existing, page};
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    pub id: i64,
    pub workspace_id: i64,
    pub project_id: i64,
    pub number: i64,
    pub identifier: String,
    pub title: String,
    pub description: Option<String>,
    /// A JSON object.
    pub context: Option<String>,
    pub status: String,
    pub creator_id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn from_row(row: &Row) -> rusqlite::Result<Goal> {
    let (prefix, number): (String, i64) = (row.get("prefix")?, row.get("number")?);
    Ok(Goal {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        project_id: row.get("project_id")?,
        number,
        identifier: format!("{prefix}-G{number}"),
        title: row.get("title")?,
        description: row.get("description")?,
        context: row.get("context")?,
        status: row.get("status")?,
        creator_id: row.get("creator_id")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
    })
}

/// Oldest first.
pub fn list(connection: &Connection, workspace_id: i64, status: Option<&str>) -> Outcome<Vec<Goal>> {
    let mut statement = connection.prepare_cached(
        "SELECT g.*, w.identifier AS prefix FROM goals g JOIN workspaces w ON w.id = g.workspace_id
         WHERE g.workspace_id = :workspace AND g.deleted_at IS NULL AND (:status IS NULL OR g.status = :status)
         ORDER BY g.number LIMIT 1000",
    )?;
    Ok(page::rows(&mut statement, named_params! { ":workspace": workspace_id, ":status": status }, from_row)?)
}

pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<Goal> {
    let goal = connection
        .prepare_cached(
            "SELECT g.*, w.identifier AS prefix FROM goals g JOIN workspaces w ON w.id = g.workspace_id
             WHERE g.id = :id AND g.workspace_id = :workspace AND g.deleted_at IS NULL",
        )?
        .query_row(named_params! { ":id": id, ":workspace": workspace_id }, from_row);
    existing(goal, "goal", id)
}

/// Returns the new goal's id.
pub fn create(
    connection: &Connection,
    (workspace_id, project_id): (i64, i64),
    (title, description): (&str, Option<&str>),
    context: Option<&str>,
    creator_id: &str,
) -> Outcome<i64> {
    let now = clock::tick(connection)?;
    connection.execute(
        "INSERT INTO goals (workspace_id, project_id, number, title, description, context, status, creator_id,
             created_at, updated_at)
         VALUES (:workspace, :project,
             (SELECT coalesce(max(number), 0) + 1 FROM goals WHERE workspace_id = :workspace),
             :title, :description, :context, 'active', :creator, :now, :now)",
        named_params! {
            ":workspace": workspace_id, ":project": project_id, ":title": title, ":description": description,
            ":context": context, ":creator": creator_id, ":now": now,
        },
    )?;
    Ok(connection.last_insert_rowid())
}

/// Makes a tombstone of it; tasks that came from it keep its id.
pub fn delete(connection: &Connection, id: i64) -> Outcome<()> {
    let now = clock::tick(connection)?;
    connection.execute(
        "UPDATE goals SET deleted_at = :now, updated_at = :now WHERE id = :id",
        named_params! { ":id": id, ":now": now },
    )?;
    Ok(())
}
