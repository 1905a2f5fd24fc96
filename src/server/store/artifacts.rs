//! What attempts leave behind (api.md 3.8).

use crate::problem::Outcome;
use crate::store::{attempts, clock, existing, page};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    pub id: i64,
    pub attempt_id: i64,
    pub kind: String,
    pub name: String,
    pub mime_type: Option<String>,
    /// A JSON object.
    pub extra_metadata: Option<String>,
    pub size_bytes: i64,
    pub preview: String,
    pub created_at: Timestamp,
}

/// Everything but the content.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT f.id, f.attempt_id, f.type, f.name, f.mime_type, f.extra_metadata, f.size_bytes, f.preview,
                 f.created_at
             FROM artifacts f ",
            $rest
        )
    };
}

fn from_row(row: &Row) -> rusqlite::Result<Artifact> {
    Ok(Artifact {
        id: row.get("id")?,
        attempt_id: row.get("attempt_id")?,
        kind: row.get("type")?,
        name: row.get("name")?,
        mime_type: row.get("mime_type")?,
        extra_metadata: row.get("extra_metadata")?,
        size_bytes: row.get("size_bytes")?,
        preview: row.get("preview")?,
        created_at: Timestamp(row.get("created_at")?),
    })
}

/// Oldest first, and how many there are.
pub fn list(connection: &Connection, attempt_id: i64, page: Page) -> Outcome<(Vec<Artifact>, i64)> {
    let mut statement = connection
        .prepare_cached(select!("WHERE f.attempt_id = :attempt ORDER BY f.id LIMIT :limit OFFSET :offset"))?;
    let arguments = named_params! { ":attempt": attempt_id, ":limit": page.limit, ":offset": page.offset };
    let items = page::rows(&mut statement, arguments, from_row)?;
    let total = connection
        .prepare_cached("SELECT count(*) FROM artifacts WHERE attempt_id = :attempt")?
        .query_row(named_params! { ":attempt": attempt_id }, |row| row.get(0))?;
    Ok((items, total))
}

/// Those of live tasks of a workspace that were made at `since` (microseconds) or later, in that order, and how many there are.
pub fn made(connection: &Connection, workspace_id: i64, since: i64, page: Page) -> Outcome<(Vec<Artifact>, i64)> {
    let mut statement = connection.prepare_cached(select!(
        "JOIN attempts a ON a.id = f.attempt_id JOIN tasks t ON t.id = a.task_id
         WHERE f.created_at >= :since AND t.workspace_id = :workspace AND t.deleted_at IS NULL
         ORDER BY f.created_at, f.id LIMIT :limit OFFSET :offset"
    ))?;
    let arguments = named_params! {
        ":workspace": workspace_id, ":since": since, ":limit": page.limit, ":offset": page.offset,
    };
    let items = page::rows(&mut statement, arguments, from_row)?;
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM artifacts f JOIN attempts a ON a.id = f.attempt_id JOIN tasks t ON t.id = a.task_id
             WHERE f.created_at >= :since AND t.workspace_id = :workspace AND t.deleted_at IS NULL",
        )?
        .query_row(named_params! { ":workspace": workspace_id, ":since": since }, |row| row.get(0))?;
    Ok((items, total))
}

/// An artifact of a live task of the workspace.
pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<Artifact> {
    let artifact = connection
        .prepare_cached(select!(
            "JOIN attempts a ON a.id = f.attempt_id JOIN tasks t ON t.id = a.task_id
             WHERE f.id = :id AND t.workspace_id = :workspace AND t.deleted_at IS NULL"
        ))?
        .query_row(named_params! { ":id": id, ":workspace": workspace_id }, from_row);
    existing(artifact, "artifact", id)
}

pub fn content(connection: &Connection, id: i64) -> Outcome<String> {
    let content = connection
        .prepare_cached("SELECT content FROM artifacts WHERE id = :id")?
        .query_row(named_params! { ":id": id }, |row| row.get(0));
    existing(content, "artifact", id)
}

/// `artifact.id` and `artifact.created_at` are not read. Returns the new id.
pub fn create(connection: &Connection, artifact: &Artifact, content: &str) -> Outcome<i64> {
    let now = clock::tick(connection)?;
    connection
        .prepare_cached(
            "INSERT INTO artifacts (attempt_id, type, name, mime_type, extra_metadata, size_bytes, preview, content,
                 created_at)
             VALUES (:attempt, :type, :name, :mime, :extra, :size, :preview, :content, :now)",
        )?
        .execute(named_params! {
            ":attempt": artifact.attempt_id, ":type": artifact.kind, ":name": artifact.name,
            ":mime": artifact.mime_type, ":extra": artifact.extra_metadata, ":size": artifact.size_bytes,
            ":preview": artifact.preview, ":content": content, ":now": now,
        })?;
    let id = connection.last_insert_rowid();
    attempts::touch(connection, artifact.attempt_id, now)?;
    Ok(id)
}
