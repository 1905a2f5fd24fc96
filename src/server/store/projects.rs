//! Projects (api.md 3.2).

use crate::problem::Outcome;
use crate::store::{clock, existing, found, tasks};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    pub id: i64,
    pub workspace_id: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub fields: Fields,
}

/// What a caller may set. In a change, `None` leaves the field as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    pub name: Option<String>,
    pub description: Option<String>,
    pub status: Option<String>,
    pub lead_id: Option<String>,
    pub start_date: Option<String>,
    pub target_date: Option<String>,
    pub color: Option<String>,
    pub icon: Option<String>,
}

fn from_row(row: &Row) -> rusqlite::Result<Project> {
    Ok(Project {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
        fields: Fields {
            name: row.get("name")?,
            description: row.get("description")?,
            status: row.get("status")?,
            lead_id: row.get("lead_id")?,
            start_date: row.get("start_date")?,
            target_date: row.get("target_date")?,
            color: row.get("color")?,
            icon: row.get("icon")?,
        },
    })
}

/// Live projects, oldest first, and how many there are.
pub fn list(
    connection: &Connection,
    workspace_id: i64,
    status: Option<&str>,
    page: Page,
) -> Outcome<(Vec<Project>, i64)> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM projects
         WHERE workspace_id = :workspace AND deleted_at IS NULL AND (:status IS NULL OR status = :status)
         ORDER BY id LIMIT :limit OFFSET :offset",
    )?;
    let arguments = named_params! {
        ":workspace": workspace_id, ":status": status, ":limit": page.limit, ":offset": page.offset,
    };
    let items = statement.query_map(arguments, from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM projects
             WHERE workspace_id = :workspace AND deleted_at IS NULL AND (:status IS NULL OR status = :status)",
        )?
        .query_row(named_params! { ":workspace": workspace_id, ":status": status }, |row| row.get(0))?;
    Ok((items, total))
}

pub fn find(connection: &Connection, workspace_id: i64, id: i64) -> rusqlite::Result<Option<Project>> {
    found(
        connection
            .prepare_cached(
                "SELECT * FROM projects WHERE id = :id AND workspace_id = :workspace AND deleted_at IS NULL",
            )?
            .query_row(named_params! { ":id": id, ":workspace": workspace_id }, from_row),
    )
}

pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<Project> {
    existing(find(connection, workspace_id, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows), "project", id)
}

pub fn oldest(connection: &Connection, workspace_id: i64) -> Outcome<Option<Project>> {
    let (items, _) = list(connection, workspace_id, None, Page { limit: 1, offset: 0 })?;
    Ok(items.into_iter().next())
}

/// `fields.name` is given; the status is `active` unless given.
pub fn create(connection: &Connection, workspace_id: i64, fields: &Fields) -> Outcome<Project> {
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "INSERT INTO projects (workspace_id, name, description, status, lead_id, start_date, target_date, color, icon,
             created_at, updated_at)
         VALUES (:workspace, :name, :description, coalesce(:status, 'active'), :lead, :start, :target, :color, :icon,
             :now, :now)
         RETURNING *",
        named_params! {
            ":workspace": workspace_id, ":name": fields.name, ":description": fields.description,
            ":status": fields.status, ":lead": fields.lead_id, ":start": fields.start_date,
            ":target": fields.target_date, ":color": fields.color, ":icon": fields.icon, ":now": now,
        },
        from_row,
    )?)
}

pub fn update(connection: &Connection, id: i64, fields: &Fields) -> Outcome<Project> {
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "UPDATE projects SET name = coalesce(:name, name), description = coalesce(:description, description),
             status = coalesce(:status, status), lead_id = coalesce(:lead, lead_id),
             start_date = coalesce(:start, start_date), target_date = coalesce(:target, target_date),
             color = coalesce(:color, color), icon = coalesce(:icon, icon), updated_at = :now
         WHERE id = :id RETURNING *",
        named_params! {
            ":id": id, ":name": fields.name, ":description": fields.description,
            ":status": fields.status, ":lead": fields.lead_id, ":start": fields.start_date,
            ":target": fields.target_date, ":color": fields.color, ":icon": fields.icon, ":now": now,
        },
        from_row,
    )?)
}

/// Deletes the project and its live tasks, each a tombstone with an instant of its own. Returns how many tasks.
pub fn delete(connection: &Connection, id: i64) -> Outcome<i64> {
    let began = clock::tick(connection)?;
    let doomed = connection
        .prepare("SELECT id FROM tasks WHERE project_id = :id AND deleted_at IS NULL")?
        .query_map(named_params! { ":id": id }, |row| row.get::<_, i64>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for task in &doomed {
        tasks::delete(connection, *task)?;
    }
    let now = clock::tick(connection)?;
    connection.execute(
        "UPDATE projects SET deleted_at = :now, updated_at = :now, deletion_began = :began WHERE id = :id",
        named_params! { ":id": id, ":now": now, ":began": began },
    )?;
    Ok(doomed.len() as i64)
}

/// A deleted project: its id, name, workspace's identifier.
pub type Deleted = (i64, String, String);

/// Deleted projects of that name or id, in one workspace or in all.
pub fn deleted(connection: &Connection, name: &str, workspace_id: Option<i64>) -> rusqlite::Result<Vec<Deleted>> {
    let mut statement = connection.prepare(
        "SELECT p.id, p.name, w.identifier FROM projects p JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.deleted_at IS NOT NULL AND (p.name = :name OR CAST(p.id AS TEXT) = :name)
             AND (:workspace IS NULL OR w.id = :workspace)
         ORDER BY p.id",
    )?;
    let arguments = named_params! { ":name": name, ":workspace": workspace_id };
    statement.query_map(arguments, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// Takes a deletion back, also that of the tasks which went with the project. Returns how many.
pub fn restore(connection: &Connection, id: i64) -> rusqlite::Result<i64> {
    // A project deleted by an older server has no such instant; its tasks stay deleted.
    let gone = connection
        .prepare(
            "SELECT t.id FROM projects p JOIN tasks t ON t.project_id = p.id AND t.deleted_at >= p.deletion_began
             WHERE p.id = :id ORDER BY t.id",
        )?
        .query_map(named_params! { ":id": id }, |row| row.get::<_, i64>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for task in &gone {
        tasks::restore(connection, *task)?;
    }
    let now = clock::tick(connection)?;
    connection.execute(
        "UPDATE projects SET deleted_at = NULL, deletion_began = NULL, updated_at = :now WHERE id = :id",
        named_params! { ":id": id, ":now": now },
    )?;
    Ok(gone.len() as i64)
}
