//! Saved views of the task list: each a user's own, in one workspace (api.md 2.18). At most one is the default.

use crate::problem::{Outcome, Problem};
use crate::store::{clock, existing, page};
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    pub id: i64,
    pub workspace_id: i64,
    pub user_id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub fields: Fields,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    pub name: String,
    pub description: Option<String>,
    /// A JSON object.
    pub filters: String,
    pub is_default: bool,
    pub display_order: i64,
}

fn from_row(row: &Row) -> rusqlite::Result<TaskView> {
    Ok(TaskView {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        user_id: row.get("user_id")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
        fields: Fields {
            name: row.get("name")?,
            description: row.get("description")?,
            filters: row.get("filters")?,
            is_default: row.get("is_default")?,
            display_order: row.get("display_order")?,
        },
    })
}

/// In the order that the user gave them.
pub fn list(connection: &Connection, workspace_id: i64, user_id: &str) -> Outcome<Vec<TaskView>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM task_views WHERE workspace_id = :workspace AND user_id = :user ORDER BY display_order, id
         LIMIT 1000",
    )?;
    Ok(page::rows(&mut statement, named_params! { ":workspace": workspace_id, ":user": user_id }, from_row)?)
}

pub fn get(connection: &Connection, workspace_id: i64, user_id: &str, id: i64) -> Outcome<TaskView> {
    let view = connection
        .prepare_cached("SELECT * FROM task_views WHERE id = :id AND workspace_id = :workspace AND user_id = :user")?
        .query_row(named_params! { ":id": id, ":workspace": workspace_id, ":user": user_id }, from_row);
    existing(view, "task view", id)
}

pub fn default(connection: &Connection, workspace_id: i64, user_id: &str) -> Outcome<TaskView> {
    let view = connection
        .prepare_cached("SELECT * FROM task_views WHERE workspace_id = :workspace AND user_id = :user AND is_default")?
        .query_row(named_params! { ":workspace": workspace_id, ":user": user_id }, from_row);
    existing(view, "task view", "default")
}

/// Stores a view: a new one where `id` is `None`. 409 for a name that another view of the user has.
pub fn save(
    connection: &Connection,
    workspace_id: i64,
    user_id: &str,
    id: Option<i64>,
    fields: &Fields,
) -> Outcome<TaskView> {
    let taken: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM task_views
             WHERE workspace_id = :workspace AND user_id = :user AND name = :name AND id IS NOT :id)",
        named_params! { ":workspace": workspace_id, ":user": user_id, ":name": fields.name, ":id": id },
        |row| row.get(0),
    )?;
    if taken {
        return Err(Problem::conflict("view-exists", format!("there is a view {} already", fields.name)));
    }
    if fields.is_default {
        connection.execute(
            "UPDATE task_views SET is_default = 0 WHERE workspace_id = :workspace AND user_id = :user",
            named_params! { ":workspace": workspace_id, ":user": user_id },
        )?;
    }
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "INSERT INTO task_views (id, workspace_id, user_id, name, description, filters, is_default, display_order,
             created_at, updated_at)
         VALUES (:id, :workspace, :user, :name, :description, :filters, :default, :order, :now, :now)
         ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, filters = :filters,
             is_default = :default, display_order = :order, updated_at = :now
         RETURNING *",
        named_params! {
            ":id": id, ":workspace": workspace_id, ":user": user_id, ":name": fields.name,
            ":description": fields.description, ":filters": fields.filters, ":default": fields.is_default,
            ":order": fields.display_order, ":now": now,
        },
        from_row,
    )?)
}

pub fn delete(connection: &Connection, id: i64) -> Outcome<()> {
    connection.execute("DELETE FROM task_views WHERE id = :id", named_params! { ":id": id })?;
    Ok(())
}
