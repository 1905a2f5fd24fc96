//! Tokens in the database: a digest each, never the token. They are looked up for every request, so that what another
//! process changes counts from the next request on.

use crate::auth::Digest;
use crate::store::{clock, found};
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub id: i64,
    pub user_id: String,
    pub name: String,
    /// Its first letters; empty where they were not kept.
    pub prefix: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// `good`, `expired` or `revoked`.
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now => "expired",
            _ => "good",
        }
    }
}

fn from_row(row: &Row) -> rusqlite::Result<Token> {
    Ok(Token {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        name: row.get("name")?,
        prefix: row.get("prefix")?,
        created_at: Timestamp(row.get("created_at")?),
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(Timestamp),
        revoked_at: row.get::<_, Option<i64>>("revoked_at")?.map(Timestamp),
    })
}

/// Whose token it is, if it is good at `now`.
pub fn user_of(connection: &Connection, digest: &Digest, now: Timestamp) -> rusqlite::Result<Option<String>> {
    found(
        connection
            .prepare_cached(
                "SELECT t.user_id FROM tokens t JOIN users u ON u.id = t.user_id
                 WHERE t.digest = :digest AND t.revoked_at IS NULL AND u.removed_at IS NULL
                     AND (t.expires_at IS NULL OR t.expires_at > :now)",
            )?
            .query_row(named_params! { ":digest": digest, ":now": now.0 }, |row| row.get(0)),
    )
}

/// Whether there ever was one.
pub fn any(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM tokens)", [], |row| row.get(0))
}

/// The user must be known.
pub fn create(
    connection: &Connection,
    user_id: &str,
    name: &str,
    (prefix, digest): (&str, &Digest),
    expires_at: Option<Timestamp>,
) -> rusqlite::Result<Token> {
    let now = clock::tick(connection)?;
    connection.query_row(
        "INSERT INTO tokens (user_id, name, prefix, digest, created_at, expires_at)
         VALUES (:user, :name, :prefix, :digest, :now, :expires) RETURNING *",
        named_params! {
            ":user": user_id, ":name": name, ":prefix": prefix, ":digest": digest, ":now": now,
            ":expires": expires_at.map(|at| at.0),
        },
        from_row,
    )
}

/// Oldest first.
pub fn list(connection: &Connection) -> rusqlite::Result<Vec<Token>> {
    connection.prepare("SELECT * FROM tokens ORDER BY id")?.query_map([], from_row)?.collect()
}

/// `None` if there is no such token.
pub fn revoke(connection: &Connection, id: i64) -> rusqlite::Result<Option<Token>> {
    let now = clock::tick(connection)?;
    found(connection.query_row(
        "UPDATE tokens SET revoked_at = coalesce(revoked_at, :now) WHERE id = :id RETURNING *",
        named_params! { ":id": id, ":now": now },
        from_row,
    ))
}
