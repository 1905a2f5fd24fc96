//! Which workspace and project a user works in (api.md 4.3).

use crate::problem::Outcome;
use crate::store::{clock, found};
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Preferences {
    pub workspace_id: Option<i64>,
    pub project_id: Option<i64>,
    pub updated_at: Timestamp,
}

fn from_row(row: &Row) -> rusqlite::Result<Preferences> {
    Ok(Preferences {
        workspace_id: row.get("workspace_id")?,
        project_id: row.get("project_id")?,
        updated_at: Timestamp(row.get("updated_at")?),
    })
}

pub fn get(connection: &Connection, user_id: &str) -> Outcome<Option<Preferences>> {
    Ok(found(
        connection
            .prepare_cached("SELECT * FROM preferences WHERE user_id = :user")?
            .query_row(named_params! { ":user": user_id }, from_row),
    )?)
}

/// A project is kept only together with its workspace, so choosing another workspace forgets it.
pub fn set(connection: &Connection, user_id: &str, workspace_id: i64, project_id: Option<i64>) -> Outcome<Preferences> {
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "INSERT INTO preferences (user_id, workspace_id, project_id, updated_at)
         VALUES (:user, :workspace, :project, :now)
         ON CONFLICT (user_id) DO UPDATE SET
             project_id = CASE WHEN :project IS NULL AND workspace_id = :workspace THEN project_id ELSE :project END,
             workspace_id = :workspace, updated_at = :now
         RETURNING *",
        named_params! { ":user": user_id, ":workspace": workspace_id, ":project": project_id, ":now": now },
        from_row,
    )?)
}

pub fn clear(connection: &Connection, user_id: &str) -> Outcome<()> {
    connection.execute("DELETE FROM preferences WHERE user_id = :user", named_params! { ":user": user_id })?;
    Ok(())
}
