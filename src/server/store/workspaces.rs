//! Workspaces (api.md 3.1). Only members see one.

use crate::problem::{Outcome, Problem};
use crate::store::roles::Role;
use crate::store::{clock, existing, found, members};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    pub id: i64,
    pub identifier: String,
    pub name: String,
    pub description: Option<String>,
    pub owner_id: String,
    pub task_counter: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn from_row(row: &Row) -> rusqlite::Result<Workspace> {
    Ok(Workspace {
        id: row.get("id")?,
        identifier: row.get("identifier")?,
        name: row.get("name")?,
        description: row.get("description")?,
        owner_id: row.get("owner_id")?,
        task_counter: row.get("task_counter")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
    })
}

/// The user's workspaces, or `only` that one if it is theirs, oldest first, and how many there are.
pub fn list(connection: &Connection, user_id: &str, only: Option<i64>, page: Page) -> Outcome<(Vec<Workspace>, i64)> {
    let mut statement = connection.prepare_cached(
        "SELECT w.* FROM workspaces w JOIN members m ON m.workspace_id = w.id AND m.user_id = :user
         WHERE w.deleted_at IS NULL AND (:only IS NULL OR w.id = :only) ORDER BY w.id LIMIT :limit OFFSET :offset",
    )?;
    let arguments = named_params! { ":user": user_id, ":only": only, ":limit": page.limit, ":offset": page.offset };
    let items = statement.query_map(arguments, from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM workspaces w JOIN members m ON m.workspace_id = w.id AND m.user_id = :user
             WHERE w.deleted_at IS NULL AND (:only IS NULL OR w.id = :only)",
        )?
        .query_row(named_params! { ":user": user_id, ":only": only }, |row| row.get(0))?;
    Ok((items, total))
}

/// 404 for a workspace that the user is no member of, as for one that does not exist.
pub fn of_member(connection: &Connection, id: i64, user_id: &str) -> Outcome<Workspace> {
    let workspace = connection
        .prepare_cached(
            "SELECT w.* FROM workspaces w JOIN members m ON m.workspace_id = w.id AND m.user_id = :user
             WHERE w.id = :id AND w.deleted_at IS NULL",
        )?
        .query_row(named_params! { ":id": id, ":user": user_id }, from_row);
    existing(workspace, "workspace", id)
}

/// Also a deleted one, as its identifier is taken for ever; with whether it is deleted.
pub fn by_identifier(connection: &Connection, identifier: &str) -> rusqlite::Result<Option<(Workspace, bool)>> {
    found(connection.query_row(
        "SELECT * FROM workspaces WHERE identifier = :identifier",
        named_params! { ":identifier": identifier },
        |row| Ok((from_row(row)?, row.get::<_, Option<i64>>("deleted_at")?.is_some())),
    ))
}

/// Also a deleted one.
pub fn by_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<(Workspace, bool)>> {
    found(connection.query_row("SELECT * FROM workspaces WHERE id = :id", named_params! { ":id": id }, |row| {
        Ok((from_row(row)?, row.get::<_, Option<i64>>("deleted_at")?.is_some()))
    }))
}

/// Every workspace, oldest first, with whether it is deleted.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<(Workspace, bool)>> {
    let mut statement = connection.prepare("SELECT * FROM workspaces ORDER BY id")?;
    let rows =
        statement.query_map([], |row| Ok((from_row(row)?, row.get::<_, Option<i64>>("deleted_at")?.is_some())))?;
    rows.collect()
}

/// Makes a workspace with its owner as first member. An identifier is taken for ever, also by a deleted workspace, so
/// that `DEV-42` never means two things on one server.
pub fn create(
    connection: &Connection,
    identifier: &str,
    name: &str,
    description: Option<&str>,
    owner_id: &str,
) -> Outcome<Workspace> {
    let taken = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM workspaces WHERE identifier = :identifier)",
        named_params! { ":identifier": identifier },
        |row| row.get::<_, bool>(0),
    )?;
    if taken {
        return Err(Problem::conflict("identifier-taken", format!("the identifier {identifier} is taken")));
    }
    let now = clock::tick(connection)?;
    let workspace = connection.query_row(
        "INSERT INTO workspaces (identifier, name, description, owner_id, created_at, updated_at)
         VALUES (:identifier, :name, :description, :owner, :now, :now) RETURNING *",
        named_params! {
            ":identifier": identifier, ":name": name, ":description": description, ":owner": owner_id, ":now": now,
        },
        from_row,
    )?;
    members::ensure(connection, workspace.id, owner_id, Role::Owner)?;
    Ok(workspace)
}

/// `None` leaves a field as it is.
pub fn update(connection: &Connection, id: i64, name: Option<&str>, description: Option<&str>) -> Outcome<Workspace> {
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "UPDATE workspaces SET name = coalesce(:name, name), description = coalesce(:description, description),
             updated_at = :now
         WHERE id = :id RETURNING *",
        named_params! { ":id": id, ":name": name, ":description": description, ":now": now },
        from_row,
    )?)
}

/// Hides the workspace and everything in it; nothing is lost.
pub fn delete(connection: &Connection, id: i64) -> Outcome<()> {
    let now = clock::tick(connection)?;
    connection.execute(
        "UPDATE workspaces SET deleted_at = :now, updated_at = :now WHERE id = :id",
        named_params! { ":id": id, ":now": now },
    )?;
    Ok(())
}

/// Takes a deletion back: everything is as it was.
pub fn restore(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let now = clock::tick(connection)?;
    connection
        .execute(
            "UPDATE workspaces SET deleted_at = NULL, updated_at = :now WHERE id = :id",
            named_params! { ":id": id, ":now": now },
        )
        .map(drop)
}

/// The next task number. Numbers are never given out twice.
pub fn next_number(connection: &Connection, id: i64) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("UPDATE workspaces SET task_counter = task_counter + 1 WHERE id = :id RETURNING task_counter")?
        .query_row(named_params! { ":id": id }, |row| row.get(0))
}

/// Raises the counter to at least `number`: imported tasks bring numbers of their own.
pub fn pass_number(connection: &Connection, id: i64, number: i64) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE workspaces SET task_counter = max(task_counter, :number) WHERE id = :id",
            named_params! { ":id": id, ":number": number },
        )
        .map(drop)
}
