//! Members of workspaces (api.md 3.6) and their roles.

use crate::problem::{Outcome, Problem};
use crate::store::roles::Role;
use crate::store::{clock, existing, found, users};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub workspace_id: i64,
    pub user_id: String,
    pub role: Role,
    pub created_at: Timestamp,
}

/// A word that a hand has written into the database counts as the weakest.
fn role(word: &str) -> Role {
    Role::parse(word).unwrap_or(Role::Viewer)
}

fn from_row(row: &Row) -> rusqlite::Result<Member> {
    Ok(Member {
        workspace_id: row.get("workspace_id")?,
        user_id: row.get("user_id")?,
        role: role(&row.get::<_, String>("role")?),
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

/// Makes the user a member unless it is one, also after a removal. Whether it was none.
pub fn ensure(connection: &Connection, workspace_id: i64, user_id: &str, role: Role) -> rusqlite::Result<bool> {
    // A start that changes nothing moves no clock: clients keep what they have.
    let is_member = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM members WHERE workspace_id = :workspace AND user_id = :user)")?
        .query_row(named_params! { ":workspace": workspace_id, ":user": user_id }, |row| row.get(0))?;
    if is_member {
        return Ok(false);
    }
    users::ensure(connection, user_id)?;
    let now = clock::tick(connection)?;
    let added = connection
        .prepare_cached(
            "INSERT INTO members (workspace_id, user_id, role, created_at) VALUES (:workspace, :user, :role, :now)
             ON CONFLICT DO NOTHING",
        )?
        .execute(named_params! { ":workspace": workspace_id, ":user": user_id, ":role": role.word(), ":now": now })?;
    connection
        .prepare_cached("DELETE FROM removed_members WHERE workspace_id = :workspace AND user_id = :user")?
        .execute(named_params! { ":workspace": workspace_id, ":user": user_id })?;
    Ok(added == 1)
}

/// Whether the user was removed from this workspace and not added again.
pub fn was_removed(connection: &Connection, workspace_id: i64, user_id: &str) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM removed_members WHERE workspace_id = :workspace AND user_id = :user)",
        named_params! { ":workspace": workspace_id, ":user": user_id },
        |row| row.get(0),
    )
}

/// The user's role in a live workspace; `None` where it has no business.
pub fn role_in(connection: &Connection, workspace_id: i64, user_id: &str) -> rusqlite::Result<Option<Role>> {
    let word = connection
        .prepare_cached(
            "SELECT m.role FROM members m JOIN workspaces w ON w.id = m.workspace_id
             WHERE m.workspace_id = :workspace AND m.user_id = :user AND w.deleted_at IS NULL",
        )?
        .query_row(named_params! { ":workspace": workspace_id, ":user": user_id }, |row| row.get::<_, String>(0));
    Ok(found(word)?.map(|word| role(&word)))
}

/// Whether somebody else is an owner too.
fn has_other_owner(connection: &Connection, workspace_id: i64, user_id: &str) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM members
             WHERE workspace_id = :workspace AND user_id <> :user AND role = 'owner')",
        named_params! { ":workspace": workspace_id, ":user": user_id },
        |row| row.get(0),
    )
}

/// A live workspace with other members in which nobody else is an owner: its identifier.
pub fn last_owned(connection: &Connection, user_id: &str) -> rusqlite::Result<Option<String>> {
    found(connection.query_row(
        "SELECT w.identifier FROM members m JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL
         WHERE m.user_id = :user AND m.role = 'owner'
             AND EXISTS (SELECT 1 FROM members o WHERE o.workspace_id = m.workspace_id AND o.user_id <> :user)
             AND NOT EXISTS (SELECT 1 FROM members o
                 WHERE o.workspace_id = m.workspace_id AND o.user_id <> :user AND o.role = 'owner')
         ORDER BY w.id LIMIT 1",
        named_params! { ":user": user_id },
        |row| row.get(0),
    ))
}

/// 409 for the last owner: a workspace that nobody can manage would be lost.
fn may_leave(connection: &Connection, member: &Member) -> Outcome<()> {
    if member.role == Role::Owner && !has_other_owner(connection, member.workspace_id, &member.user_id)? {
        let user = &member.user_id;
        return Err(Problem::conflict("owner", format!("{user} is the last owner; make somebody else one first")));
    }
    Ok(())
}

/// `workspaces.owner_id` names an owner, the one who has been a member for longest when its own has left.
fn name_owner(connection: &Connection, workspace_id: i64) -> rusqlite::Result<()> {
    let now = clock::tick(connection)?;
    connection
        .execute(
            "UPDATE workspaces SET updated_at = :now, owner_id = (SELECT user_id FROM members
                 WHERE workspace_id = :workspace AND role = 'owner' ORDER BY created_at, user_id LIMIT 1)
             WHERE id = :workspace
                 AND EXISTS (SELECT 1 FROM members WHERE workspace_id = :workspace AND role = 'owner')
                 AND NOT EXISTS (SELECT 1 FROM members
                 WHERE workspace_id = :workspace AND user_id = owner_id AND role = 'owner')",
            named_params! { ":workspace": workspace_id, ":now": now },
        )
        .map(drop)
}

pub fn get(connection: &Connection, workspace_id: i64, user_id: &str) -> Outcome<Member> {
    let member = connection
        .prepare_cached("SELECT * FROM members WHERE workspace_id = :workspace AND user_id = :user")?
        .query_row(named_params! { ":workspace": workspace_id, ":user": user_id }, from_row);
    existing(member, "member", user_id)
}

pub fn add(connection: &Connection, workspace_id: i64, user_id: &str, role: Role) -> Outcome<Member> {
    if !ensure(connection, workspace_id, user_id, role)? {
        return Err(Problem::conflict("member-exists", format!("{user_id} is a member already")));
    }
    get(connection, workspace_id, user_id)
}

pub fn set_role(connection: &Connection, workspace_id: i64, user_id: &str, role: Role) -> Outcome<Member> {
    let member = get(connection, workspace_id, user_id)?;
    if role != Role::Owner {
        may_leave(connection, &member)?;
    }
    connection.execute(
        "UPDATE members SET role = :role WHERE workspace_id = :workspace AND user_id = :user",
        named_params! { ":workspace": workspace_id, ":user": user_id, ":role": role.word() },
    )?;
    name_owner(connection, workspace_id)?;
    get(connection, workspace_id, user_id)
}

/// A removed member stays removed until a person adds it again.
pub fn remove(connection: &Connection, workspace_id: i64, user_id: &str) -> Outcome<()> {
    may_leave(connection, &get(connection, workspace_id, user_id)?)?;
    let now = clock::tick(connection)?;
    Ok(leave(connection, workspace_id, user_id, now)?)
}

/// Ends every membership of the user, also where it was the last owner.
pub fn leave_all(connection: &Connection, user_id: &str) -> rusqlite::Result<()> {
    let now = clock::tick(connection)?;
    let workspaces = connection
        .prepare("SELECT workspace_id FROM members WHERE user_id = :user")?
        .query_map(named_params! { ":user": user_id }, |row| row.get::<_, i64>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for workspace in workspaces {
        leave(connection, workspace, user_id, now)?;
    }
    Ok(())
}

fn leave(connection: &Connection, workspace_id: i64, user_id: &str, now: i64) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM members WHERE workspace_id = :workspace AND user_id = :user",
        named_params! { ":workspace": workspace_id, ":user": user_id },
    )?;
    connection.execute(
        "INSERT INTO removed_members (workspace_id, user_id, removed_at) VALUES (:workspace, :user, :now)
         ON CONFLICT DO NOTHING",
        named_params! { ":workspace": workspace_id, ":user": user_id, ":now": now },
    )?;
    name_owner(connection, workspace_id)
}
