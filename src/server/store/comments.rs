//! Comments on tasks (api.md 3.9).

use crate::problem::Outcome;
use crate::store::{clock, existing, page};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    pub id: i64,
    pub task_id: i64,
    pub task_identifier: String,
    pub author_id: String,
    pub content: String,
    pub mentioned_users: Vec<String>,
    pub created_at: Timestamp,
    /// Set when it was edited.
    pub updated_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

fn from_row(row: &Row) -> rusqlite::Result<Comment> {
    let (prefix, number): (String, i64) = (row.get("prefix")?, row.get("number")?);
    let mentioned: String = row.get("mentioned_users")?;
    Ok(Comment {
        id: row.get("id")?,
        task_id: row.get("task_id")?,
        task_identifier: format!("{prefix}-{number}"),
        author_id: row.get("author_id")?,
        content: row.get("content")?,
        mentioned_users: miniserde::json::from_str(&mentioned).unwrap_or_default(),
        created_at: Timestamp(row.get("created_at")?),
        updated_at: row.get::<_, Option<i64>>("updated_at")?.map(Timestamp),
        deleted_at: row.get::<_, Option<i64>>("deleted_at")?.map(Timestamp),
    })
}

/// Oldest first, and how many there are.
pub fn list(connection: &Connection, task_id: i64, page: Page) -> Outcome<(Vec<Comment>, i64)> {
    let mut statement = connection.prepare_cached(
        "SELECT c.*, w.identifier AS prefix, t.number FROM comments c
         JOIN tasks t ON t.id = c.task_id JOIN workspaces w ON w.id = t.workspace_id
         WHERE c.task_id = :task AND c.deleted_at IS NULL ORDER BY c.id LIMIT :limit OFFSET :offset",
    )?;
    let arguments = named_params! { ":task": task_id, ":limit": page.limit, ":offset": page.offset };
    let items = page::rows(&mut statement, arguments, from_row)?;
    let total = connection
        .prepare_cached("SELECT count(*) FROM comments WHERE task_id = :task AND deleted_at IS NULL")?
        .query_row(named_params! { ":task": task_id }, |row| row.get(0))?;
    Ok((items, total))
}

/// Those on live tasks of a workspace that changed at `since` (microseconds) or later, in that order; deleted ones where
/// they are asked for. And how many there are.
pub fn changed(
    connection: &Connection,
    workspace_id: i64,
    since: i64,
    deleted: bool,
    page: Page,
) -> Outcome<(Vec<Comment>, i64)> {
    const MATCHING: &str = "FROM comments c JOIN tasks t ON t.id = c.task_id JOIN workspaces w ON w.id = t.workspace_id
         WHERE t.workspace_id = :workspace AND t.deleted_at IS NULL AND (:deleted OR c.deleted_at IS NULL)
             AND coalesce(c.deleted_at, c.updated_at, c.created_at) >= :since";
    let mut statement = connection.prepare_cached(&format!(
        "SELECT c.*, w.identifier AS prefix, t.number {MATCHING}
         ORDER BY coalesce(c.deleted_at, c.updated_at, c.created_at), c.id LIMIT :limit OFFSET :offset"
    ))?;
    let arguments = named_params! {
        ":workspace": workspace_id, ":deleted": deleted, ":since": since, ":limit": page.limit, ":offset": page.offset,
    };
    let items = statement.query_map(arguments, from_row)?.collect::<rusqlite::Result<_>>()?;
    let total = connection
        .prepare_cached(&format!("SELECT count(*) {MATCHING}"))?
        .query_row(named_params! { ":workspace": workspace_id, ":deleted": deleted, ":since": since }, |row| {
            row.get(0)
        })?;
    Ok((items, total))
}

/// How many there are, and when the last one was made.
pub fn summary(connection: &Connection, task_id: i64) -> Outcome<(i64, Option<Timestamp>)> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*), (SELECT created_at FROM comments WHERE task_id = :task AND deleted_at IS NULL
                 ORDER BY id DESC LIMIT 1)
             FROM comments WHERE task_id = :task AND deleted_at IS NULL",
        )?
        .query_row(named_params! { ":task": task_id }, |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(Timestamp)))
        })?)
}

/// A comment on a live task of the workspace.
pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<Comment> {
    let comment = connection
        .prepare_cached(
            "SELECT c.*, w.identifier AS prefix, t.number FROM comments c
             JOIN tasks t ON t.id = c.task_id JOIN workspaces w ON w.id = t.workspace_id
             WHERE c.id = :id AND c.deleted_at IS NULL AND t.workspace_id = :workspace AND t.deleted_at IS NULL",
        )?
        .query_row(named_params! { ":id": id, ":workspace": workspace_id }, from_row);
    existing(comment, "comment", id)
}

/// Returns the new comment's id.
pub fn create(
    connection: &Connection,
    task_id: i64,
    author_id: &str,
    content: &str,
    mentioned_users: &Vec<String>,
    parent_id: Option<i64>,
) -> Outcome<i64> {
    let now = clock::tick(connection)?;
    connection.execute(
        "INSERT INTO comments (task_id, author_id, content, mentioned_users, parent_id, created_at)
         VALUES (:task, :author, :content, :mentioned, :parent, :now)",
        named_params! {
            ":task": task_id, ":author": author_id, ":content": content,
            ":mentioned": miniserde::json::to_string(mentioned_users), ":parent": parent_id, ":now": now,
        },
    )?;
    Ok(connection.last_insert_rowid())
}

/// `None` leaves a field as it is.
pub fn update(
    connection: &Connection,
    id: i64,
    content: Option<&str>,
    mentioned_users: Option<&Vec<String>>,
) -> Outcome<()> {
    let now = clock::tick(connection)?;
    connection.execute(
        "UPDATE comments SET content = coalesce(:content, content),
             mentioned_users = coalesce(:mentioned, mentioned_users), updated_at = :now
         WHERE id = :id",
        named_params! {
            ":id": id, ":content": content, ":mentioned": mentioned_users.map(miniserde::json::to_string), ":now": now,
        },
    )?;
    Ok(())
}

/// Makes a tombstone of it, without its text.
pub fn delete(connection: &Connection, id: i64) -> Outcome<()> {
    let now = clock::tick(connection)?;
    connection.execute(
        "UPDATE comments SET content = '', mentioned_users = '[]', deleted_at = :now WHERE id = :id",
        named_params! { ":id": id, ":now": now },
    )?;
    Ok(())
}
