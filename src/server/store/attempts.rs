//! Attempts of agents at tasks (api.md 3.7).

use crate::problem::Outcome;
use crate::store::{clock, existing, page};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub id: i64,
    pub task_id: i64,
    pub task_identifier: String,
    pub actor_id: String,
    pub actor_type: String,
    pub started_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub coding_agent: Option<String>,
    pub state: State,
    pub artifacts: i64,
}

/// What changes while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub status: String,
    pub ended_at: Option<Timestamp>,
    pub failure_class: Option<String>,
    pub failure_message: Option<String>,
    pub cost_tokens: Option<i64>,
    pub wall_clock_ms: Option<i64>,
    /// A JSON object.
    pub extra_metadata: Option<String>,
}

fn from_row(row: &Row) -> rusqlite::Result<Attempt> {
    let (prefix, number): (String, i64) = (row.get("prefix")?, row.get("number")?);
    Ok(Attempt {
        id: row.get("id")?,
        task_id: row.get("task_id")?,
        task_identifier: format!("{prefix}-{number}"),
        actor_id: row.get("actor_id")?,
        actor_type: row.get("actor_type")?,
        started_at: Timestamp(row.get("started_at")?),
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
        coding_agent: row.get("coding_agent")?,
        state: State {
            status: row.get("status")?,
            ended_at: row.get::<_, Option<i64>>("ended_at")?.map(Timestamp),
            failure_class: row.get("failure_class")?,
            failure_message: row.get("failure_message")?,
            cost_tokens: row.get("cost_tokens")?,
            wall_clock_ms: row.get("wall_clock_ms")?,
            extra_metadata: row.get("extra_metadata")?,
        },
        artifacts: row.get("artifacts")?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.*, w.identifier AS prefix, t.number,
                 (SELECT count(*) FROM artifacts f WHERE f.attempt_id = a.id) AS artifacts
             FROM attempts a JOIN tasks t ON t.id = a.task_id JOIN workspaces w ON w.id = t.workspace_id ",
            $rest
        )
    };
}

/// Newest first, and how many there are.
pub fn list(connection: &Connection, task_id: i64, agent: Option<&str>, page: Page) -> Outcome<(Vec<Attempt>, i64)> {
    let mut statement = connection.prepare_cached(select!(
        "WHERE a.task_id = :task AND (:agent IS NULL OR a.coding_agent = :agent)
         ORDER BY a.id DESC LIMIT :limit OFFSET :offset"
    ))?;
    let arguments = named_params! { ":task": task_id, ":agent": agent, ":limit": page.limit, ":offset": page.offset };
    let items = page::rows(&mut statement, arguments, from_row)?;
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM attempts WHERE task_id = :task AND (:agent IS NULL OR coding_agent = :agent)",
        )?
        .query_row(named_params! { ":task": task_id, ":agent": agent }, |row| row.get(0))?;
    Ok((items, total))
}

/// Those at live tasks of a workspace that changed at `since` (microseconds) or later, in that order, and how many there are.
pub fn changed(connection: &Connection, workspace_id: i64, since: i64, page: Page) -> Outcome<(Vec<Attempt>, i64)> {
    let mut statement = connection.prepare_cached(select!(
        "WHERE a.updated_at >= :since AND t.workspace_id = :workspace AND t.deleted_at IS NULL
         ORDER BY a.updated_at, a.id LIMIT :limit OFFSET :offset"
    ))?;
    let arguments = named_params! {
        ":workspace": workspace_id, ":since": since, ":limit": page.limit, ":offset": page.offset,
    };
    let items = page::rows(&mut statement, arguments, from_row)?;
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM attempts a JOIN tasks t ON t.id = a.task_id
             WHERE a.updated_at >= :since AND t.workspace_id = :workspace AND t.deleted_at IS NULL",
        )?
        .query_row(named_params! { ":workspace": workspace_id, ":since": since }, |row| row.get(0))?;
    Ok((items, total))
}

/// An attempt at a live task of the workspace.
pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<Attempt> {
    let attempt = connection
        .prepare_cached(select!("WHERE a.id = :id AND t.workspace_id = :workspace AND t.deleted_at IS NULL"))?
        .query_row(named_params! { ":id": id, ":workspace": workspace_id }, from_row);
    existing(attempt, "attempt", id)
}

/// Returns the new attempt's id.
pub fn start(
    connection: &Connection,
    task_id: i64,
    (actor_id, actor_type): (&str, &str),
    coding_agent: Option<&str>,
    extra_metadata: Option<&str>,
) -> Outcome<i64> {
    let now = clock::tick(connection)?;
    connection
        .prepare_cached(
            "INSERT INTO attempts (task_id, actor_id, actor_type, started_at, status, coding_agent, extra_metadata,
                 created_at, updated_at)
             VALUES (:task, :actor, :type, :now, 'running', :agent, :extra, :now, :now)",
        )?
        .execute(named_params! {
            ":task": task_id, ":actor": actor_id, ":type": actor_type, ":agent": coding_agent,
            ":extra": extra_metadata, ":now": now,
        })?;
    Ok(connection.last_insert_rowid())
}

/// Its artifacts have changed.
pub fn touch(connection: &Connection, id: i64, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE attempts SET updated_at = :now WHERE id = :id")?
        .execute(named_params! { ":id": id, ":now": now })
        .map(drop)
}

pub fn save(connection: &Connection, attempt: &Attempt) -> Outcome<()> {
    let (state, now) = (&attempt.state, clock::tick(connection)?);
    connection
        .prepare_cached(
            "UPDATE attempts SET status = :status, ended_at = :ended, failure_class = :class,
                 failure_message = :message, cost_tokens = :tokens, wall_clock_ms = :time, extra_metadata = :extra,
                 coding_agent = :agent, updated_at = :now
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": attempt.id, ":status": state.status, ":ended": state.ended_at.map(|at| at.0),
            ":class": state.failure_class, ":message": state.failure_message, ":tokens": state.cost_tokens,
            ":time": state.wall_clock_ms, ":extra": state.extra_metadata, ":agent": attempt.coding_agent,
            ":now": now,
        })?;
    Ok(())
}
