//! The people (and programs) this server knows. A user is a name; what lets it in is a token, an API key, or `--token`.
//! A removed user keeps what it wrote and is let in by nothing.

use crate::store::{clock, found, members};
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id: String,
    pub created_at: Timestamp,
    pub removed_at: Option<Timestamp>,
}

fn from_row(row: &Row) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get("id")?,
        created_at: Timestamp(row.get("created_at")?),
        removed_at: row.get::<_, Option<i64>>("removed_at")?.map(Timestamp),
    })
}

/// Makes the user known unless it is; a removed one stays removed.
pub fn ensure(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    // As `members::ensure`: what is known already moves no clock.
    if get(connection, id)?.is_some() {
        return Ok(());
    }
    let now = clock::tick(connection)?;
    connection
        .prepare_cached("INSERT INTO users (id, created_at) VALUES (:id, :now) ON CONFLICT DO NOTHING")?
        .execute(named_params! { ":id": id, ":now": now })
        .map(drop)
}

pub fn get(connection: &Connection, id: &str) -> rusqlite::Result<Option<User>> {
    found(
        connection
            .prepare_cached("SELECT * FROM users WHERE id = :id")?
            .query_row(named_params! { ":id": id }, from_row),
    )
}

pub fn is_removed(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    Ok(get(connection, id)?.is_some_and(|user| user.removed_at.is_some()))
}

/// By name.
pub fn list(connection: &Connection) -> rusqlite::Result<Vec<User>> {
    connection.prepare("SELECT * FROM users ORDER BY id")?.query_map([], from_row)?.collect()
}

/// Takes a removal back; the user's tokens and memberships stay gone.
pub fn readmit(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE users SET removed_at = NULL WHERE id = :id", named_params! { ":id": id }).map(drop)
}

/// Shuts the user out: no token is good any more and no workspace has it as a member.
pub fn remove(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    let now = clock::tick(connection)?;
    for statement in [
        "UPDATE users SET removed_at = :now WHERE id = :id",
        "UPDATE tokens SET revoked_at = :now WHERE user_id = :id AND revoked_at IS NULL",
        "UPDATE api_keys SET revoked_at = :now WHERE user_id = :id AND revoked_at IS NULL",
    ] {
        connection.execute(statement, named_params! { ":id": id, ":now": now })?;
    }
    members::leave_all(connection, id)
}
