//! API keys (api.md 3.13): a digest each, never the key. A key acts for its user, in one workspace.

use crate::auth::Digest;
use crate::problem::{Outcome, Problem};
use crate::store::{clock, found};
use anyt::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct ApiKey {
    pub id: i64,
    pub workspace_id: i64,
    pub user_id: String,
    pub name: String,
    pub prefix: String,
    pub permissions: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
}

fn from_row(row: &Row) -> rusqlite::Result<ApiKey> {
    let permissions: String = row.get("permissions")?;
    Ok(ApiKey {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        user_id: row.get("user_id")?,
        name: row.get("name")?,
        prefix: row.get("prefix")?,
        // What cannot be read permits nothing.
        permissions: json::from_str(&permissions).unwrap_or_default(),
        created_at: Timestamp(row.get("created_at")?),
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(Timestamp),
        last_used_at: row.get::<_, Option<i64>>("last_used_at")?.map(Timestamp),
    })
}

/// The key of that digest, if it is good at `now`.
pub fn good(connection: &Connection, digest: &Digest, now: Timestamp) -> rusqlite::Result<Option<ApiKey>> {
    found(
        connection
            .prepare_cached(
                "SELECT k.* FROM api_keys k JOIN users u ON u.id = k.user_id
                 WHERE k.digest = :digest AND k.revoked_at IS NULL AND u.removed_at IS NULL
                     AND (k.expires_at IS NULL OR k.expires_at > :now)",
            )?
            .query_row(named_params! { ":digest": digest, ":now": now.0 }, from_row),
    )
}

/// Keys of the workspace that were not revoked, oldest first: this user's, or everybody's.
pub fn list(connection: &Connection, workspace_id: i64, user_id: Option<&str>) -> Outcome<Vec<ApiKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM api_keys
         WHERE workspace_id = :workspace AND revoked_at IS NULL AND (:user IS NULL OR user_id = :user) ORDER BY id",
    )?;
    let rows = statement.query_map(named_params! { ":workspace": workspace_id, ":user": user_id }, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Keeps that the key was used at this instant.
pub fn note_use(connection: &Connection, id: i64, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, :at), :at) WHERE id = :id")?
        .execute(named_params! { ":id": id, ":at": at.0 })
        .map(drop)
}

/// `key.id` and the times but `key.expires_at` are not read.
pub fn create(connection: &Connection, key: &ApiKey, digest: &Digest) -> Outcome<ApiKey> {
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "INSERT INTO api_keys (workspace_id, user_id, name, prefix, digest, permissions, created_at, expires_at)
         VALUES (:workspace, :user, :name, :prefix, :digest, :permissions, :now, :expires) RETURNING *",
        named_params! {
            ":workspace": key.workspace_id, ":user": key.user_id, ":name": key.name, ":prefix": key.prefix,
            ":digest": digest, ":permissions": json::to_string(&key.permissions), ":now": now,
            ":expires": key.expires_at.map(|at| at.0),
        },
        from_row,
    )?)
}

/// 404 for a key that is not this user's, or not there; `None` may revoke everybody's.
pub fn revoke(connection: &Connection, workspace_id: i64, id: i64, user_id: Option<&str>) -> Outcome<()> {
    let now = clock::tick(connection)?;
    let revoked = connection.execute(
        "UPDATE api_keys SET revoked_at = :now
         WHERE id = :id AND workspace_id = :workspace AND revoked_at IS NULL AND (:user IS NULL OR user_id = :user)",
        named_params! { ":id": id, ":workspace": workspace_id, ":user": user_id, ":now": now },
    )?;
    if revoked == 0 { Err(Problem::missing("API key", &id.to_string())) } else { Ok(()) }
}
