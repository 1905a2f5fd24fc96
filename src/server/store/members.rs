//! Members of workspaces (api.md 3.6). Roles are words: this server lets every member do everything but delete the
//! workspace.

use crate::problem::{Outcome, Problem};
use crate::store::{clock, existing};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

pub const OWNER_ROLE: &str = "admin";
pub const ROLE: &str = "contributor";

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub workspace_id: i64,
    pub user_id: String,
    pub role: String,
    pub created_at: Timestamp,
}

fn from_row(row: &Row) -> rusqlite::Result<Member> {
    Ok(Member {
        workspace_id: row.get("workspace_id")?,
        user_id: row.get("user_id")?,
        role: row.get("role")?,
        created_at: Timestamp(row.get("created_at")?),
    })
}

pub fn list(connection: &Connection, workspace_id: i64, page: Page) -> Outcome<(Vec<Member>, i64)> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM members WHERE workspace_id = :workspace ORDER BY created_at, user_id LIMIT :limit OFFSET :offset",
    )?;
    let arguments = named_params! { ":workspace": workspace_id, ":limit": page.limit, ":offset": page.offset };
    let items = statement.query_map(arguments, from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let total = connection
        .prepare_cached("SELECT count(*) FROM members WHERE workspace_id = :workspace")?
        .query_row(named_params! { ":workspace": workspace_id }, |row| row.get(0))?;
    Ok((items, total))
}

/// Makes the user a member unless it is one.
pub fn ensure(connection: &Connection, workspace_id: i64, user_id: &str, role: &str) -> rusqlite::Result<bool> {
    // A start that changes nothing moves no clock: clients keep what they have.
    let is_member = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM members WHERE workspace_id = :workspace AND user_id = :user)")?
        .query_row(named_params! { ":workspace": workspace_id, ":user": user_id }, |row| row.get(0))?;
    if is_member {
        return Ok(false);
    }
    let now = clock::tick(connection)?;
    let added = connection
        .prepare_cached(
            "INSERT INTO members (workspace_id, user_id, role, created_at) VALUES (:workspace, :user, :role, :now)
             ON CONFLICT DO NOTHING",
        )?
        .execute(named_params! { ":workspace": workspace_id, ":user": user_id, ":role": role, ":now": now })?;
    Ok(added == 1)
}

pub fn get(connection: &Connection, workspace_id: i64, user_id: &str) -> Outcome<Member> {
    let member = connection
        .prepare_cached("SELECT * FROM members WHERE workspace_id = :workspace AND user_id = :user")?
        .query_row(named_params! { ":workspace": workspace_id, ":user": user_id }, from_row);
    existing(member, "member", user_id)
}

pub fn add(connection: &Connection, workspace_id: i64, user_id: &str, role: &str) -> Outcome<Member> {
    if !ensure(connection, workspace_id, user_id, role)? {
        return Err(Problem::conflict("member-exists", format!("{user_id} is a member already")));
    }
    get(connection, workspace_id, user_id)
}

pub fn set_role(connection: &Connection, workspace_id: i64, user_id: &str, role: &str) -> Outcome<Member> {
    let member = connection.query_row(
        "UPDATE members SET role = :role WHERE workspace_id = :workspace AND user_id = :user RETURNING *",
        named_params! { ":workspace": workspace_id, ":user": user_id, ":role": role },
        from_row,
    );
    existing(member, "member", user_id)
}

pub fn remove(connection: &Connection, workspace_id: i64, user_id: &str) -> Outcome<()> {
    let removed = connection.execute(
        "DELETE FROM members WHERE workspace_id = :workspace AND user_id = :user",
        named_params! { ":workspace": workspace_id, ":user": user_id },
    )?;
    if removed == 0 { Err(Problem::missing("member", user_id)) } else { Ok(()) }
}
