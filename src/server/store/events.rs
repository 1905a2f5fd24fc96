//! What has happened, newest last (api.md 3.10). An event is written in the transaction of the change it tells of.

use crate::problem::Outcome;
use crate::store::{clock, existing};
use crate::wire::Page;
use anyt::time::Timestamp;
use miniserde::json::{self, Value};
use rusqlite::{Connection, Row, ToSql, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: i64,
    pub workspace_id: i64,
    pub actor_id: String,
    pub actor_type: String,
    pub entity_type: String,
    pub entity_id: String,
    pub event_type: String,
    pub changes: Option<String>,
    pub extra_metadata: Option<String>,
    pub coding_agent: Option<String>,
    pub created_at: Timestamp,
}

/// An event that is to be written. Texts are JSON objects.
pub struct New<'a> {
    pub workspace_id: i64,
    pub task_id: Option<i64>,
    pub actor: (&'a str, &'a str),
    pub entity: (&'a str, &'a str),
    pub event_type: &'a str,
    pub changes: Option<&'a Value>,
    pub extra_metadata: Option<&'a Value>,
    pub coding_agent: Option<&'a str>,
}

/// Which events. `None` lets everything through; times are microseconds and inclusive.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub entity_type: Option<String>,
    pub entity_id: Option<String>,
    pub event_type: Option<String>,
    pub actor_id: Option<String>,
    pub coding_agent: Option<String>,
    pub since: Option<i64>,
    pub until: Option<i64>,
}

fn from_row(row: &Row) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        actor_id: row.get("actor_id")?,
        actor_type: row.get("actor_type")?,
        entity_type: row.get("entity_type")?,
        entity_id: row.get("entity_id")?,
        event_type: row.get("event_type")?,
        changes: row.get("changes")?,
        extra_metadata: row.get("extra_metadata")?,
        coding_agent: row.get("coding_agent")?,
        created_at: Timestamp(row.get("created_at")?),
    })
}

pub fn record(connection: &Connection, event: &New) -> Outcome<()> {
    let now = clock::tick(connection)?;
    connection
        .prepare_cached(
            "INSERT INTO events (workspace_id, task_id, actor_id, actor_type, entity_type, entity_id, event_type, changes,
                 extra_metadata, coding_agent, created_at)
             VALUES (:workspace, :task, :actor, :actor_type, :entity_type, :entity, :event, :changes, :extra, :agent, :now)",
        )?
        .execute(named_params! {
            ":workspace": event.workspace_id, ":task": event.task_id, ":actor": event.actor.0,
            ":actor_type": event.actor.1, ":entity_type": event.entity.0, ":entity": event.entity.1,
            ":event": event.event_type, ":changes": event.changes.map(json::to_string),
            ":extra": event.extra_metadata.map(json::to_string), ":agent": event.coding_agent, ":now": now,
        })?;
    Ok(())
}

/// Newest first, and how many match.
pub fn list(connection: &Connection, workspace_id: i64, filter: &Filter, page: Page) -> Outcome<(Vec<Event>, i64)> {
    let mut conditions = String::from("workspace_id = ?");
    let mut values: Vec<&dyn ToSql> = vec![&workspace_id];
    let texts = [
        ("entity_type", &filter.entity_type),
        ("entity_id", &filter.entity_id),
        ("event_type", &filter.event_type),
        ("actor_id", &filter.actor_id),
        ("coding_agent", &filter.coding_agent),
    ];
    for (column, value) in texts {
        if let Some(value) = value {
            conditions += &format!(" AND {column} = ?");
            values.push(value);
        }
    }
    for (condition, value) in [(" AND created_at >= ?", &filter.since), (" AND created_at <= ?", &filter.until)] {
        if let Some(value) = value {
            conditions += condition;
            values.push(value);
        }
    }
    read(connection, &conditions, values, page)
}

/// Those of a task's history, newest first, and how many there are.
pub fn of_task(connection: &Connection, task_id: i64, page: Page) -> Outcome<(Vec<Event>, i64)> {
    read(connection, "task_id = ?", vec![&task_id], page)
}

/// `conditions` are words of this file, with the values in the order of the marks.
fn read(connection: &Connection, conditions: &str, values: Vec<&dyn ToSql>, page: Page) -> Outcome<(Vec<Event>, i64)> {
    let total = connection
        .prepare_cached(&format!("SELECT count(*) FROM events WHERE {conditions}"))?
        .query_row(values.as_slice(), |row| row.get(0))?;
    let window: [&dyn ToSql; 2] = [&page.limit, &page.offset];
    let values: Vec<&dyn ToSql> = values.into_iter().chain(window).collect();
    let sql = format!("SELECT * FROM events WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?");
    let mut statement = connection.prepare_cached(&sql)?;
    let items = statement.query_map(values.as_slice(), from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok((items, total))
}

pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<Event> {
    let event = connection
        .prepare_cached("SELECT * FROM events WHERE id = :id AND workspace_id = :workspace")?
        .query_row(named_params! { ":id": id, ":workspace": workspace_id }, from_row);
    existing(event, "event", id)
}
