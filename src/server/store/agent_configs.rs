//! Settings of coding agents (api.md 2.18): the workspace's, or one user's in it.

use crate::problem::{Outcome, Problem};
use crate::store::{clock, existing};
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct AgentConfig {
    pub id: i64,
    pub workspace_id: i64,
    /// `None` for the workspace's own.
    pub user_id: Option<String>,
    pub agent_type: String,
    pub display_name: Option<String>,
    pub is_enabled: bool,
    /// A JSON object.
    pub config: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What to change; `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct Change<'a> {
    pub display_name: Option<&'a str>,
    pub is_enabled: Option<bool>,
    pub config: Option<&'a str>,
}

/// Whose settings: a workspace, and the user, empty for the workspace's own.
pub type Place<'a> = (i64, &'a str);

fn from_row(row: &Row) -> rusqlite::Result<AgentConfig> {
    Ok(AgentConfig {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        user_id: Some(row.get::<_, String>("user_id")?).filter(|user| !user.is_empty()),
        agent_type: row.get("agent_type")?,
        display_name: row.get("display_name")?,
        is_enabled: row.get("is_enabled")?,
        config: row.get("config")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
    })
}

pub fn list(connection: &Connection, (workspace_id, user_id): Place) -> Outcome<Vec<AgentConfig>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM coding_agent_configs WHERE workspace_id = :workspace AND user_id = :user ORDER BY agent_type",
    )?;
    let rows = statement.query_map(named_params! { ":workspace": workspace_id, ":user": user_id }, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub fn get(connection: &Connection, (workspace_id, user_id): Place, agent: &str) -> Outcome<AgentConfig> {
    let config = connection
        .prepare_cached(
            "SELECT * FROM coding_agent_configs
             WHERE workspace_id = :workspace AND user_id = :user AND agent_type = :agent",
        )?
        .query_row(named_params! { ":workspace": workspace_id, ":user": user_id, ":agent": agent }, from_row);
    existing(config, "settings of", agent)
}

/// Makes the settings if there are none.
pub fn put(
    connection: &Connection,
    (workspace_id, user_id): Place,
    agent: &str,
    change: &Change,
) -> Outcome<AgentConfig> {
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "INSERT INTO coding_agent_configs (workspace_id, user_id, agent_type, display_name, is_enabled, config,
             created_at, updated_at)
         VALUES (:workspace, :user, :agent, :name, coalesce(:enabled, 1), :config, :now, :now)
         ON CONFLICT (workspace_id, user_id, agent_type) DO UPDATE SET display_name = coalesce(:name, display_name),
             is_enabled = coalesce(:enabled, is_enabled), config = coalesce(:config, config), updated_at = :now
         RETURNING *",
        named_params! {
            ":workspace": workspace_id, ":user": user_id, ":agent": agent, ":name": change.display_name,
            ":enabled": change.is_enabled, ":config": change.config, ":now": now,
        },
        from_row,
    )?)
}

pub fn delete(connection: &Connection, (workspace_id, user_id): Place, agent: &str) -> Outcome<()> {
    let deleted = connection.execute(
        "DELETE FROM coding_agent_configs WHERE workspace_id = :workspace AND user_id = :user AND agent_type = :agent",
        named_params! { ":workspace": workspace_id, ":user": user_id, ":agent": agent },
    )?;
    if deleted == 0 { Err(Problem::missing("settings of", agent)) } else { Ok(()) }
}
