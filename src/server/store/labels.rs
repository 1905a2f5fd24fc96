//! Labels, and which task carries which. A task may name a label that does not exist yet: it is made. Names are compared
//! exactly. Renaming or deleting a label changes the tasks that carry it, so that clients pull them.

use crate::problem::{Outcome, Problem};
use crate::store::{clock, existing, tasks};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub id: i64,
    pub workspace_id: i64,
    pub name: String,
    pub color: Option<String>,
    pub description: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn from_row(row: &Row) -> rusqlite::Result<Label> {
    Ok(Label {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        name: row.get("name")?,
        color: row.get("color")?,
        description: row.get("description")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
    })
}

pub fn list(connection: &Connection, workspace_id: i64, page: Page) -> Outcome<(Vec<Label>, i64)> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM labels WHERE workspace_id = :workspace ORDER BY id LIMIT :limit OFFSET :offset",
    )?;
    let arguments = named_params! { ":workspace": workspace_id, ":limit": page.limit, ":offset": page.offset };
    let items = statement.query_map(arguments, from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let total = connection
        .prepare_cached("SELECT count(*) FROM labels WHERE workspace_id = :workspace")?
        .query_row(named_params! { ":workspace": workspace_id }, |row| row.get(0))?;
    Ok((items, total))
}

pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<Label> {
    let label = connection
        .prepare_cached("SELECT * FROM labels WHERE workspace_id = :workspace AND id = :id")?
        .query_row(named_params! { ":workspace": workspace_id, ":id": id }, from_row);
    existing(label, "label", id)
}

pub fn create(
    connection: &Connection,
    workspace_id: i64,
    name: &str,
    color: Option<&str>,
    description: Option<&str>,
) -> Outcome<Label> {
    refuse_taken(connection, workspace_id, name, 0)?;
    let now = clock::tick(connection)?;
    Ok(connection
        .prepare_cached(
            "INSERT INTO labels (workspace_id, name, color, description, created_at, updated_at)
             VALUES (:workspace, :name, :color, :description, :now, :now) RETURNING *",
        )?
        .query_row(
            named_params! {
                ":workspace": workspace_id, ":name": name, ":color": color, ":description": description, ":now": now,
            },
            from_row,
        )?)
}

pub fn update(
    connection: &Connection,
    label: &Label,
    name: Option<&str>,
    color: Option<&str>,
    description: Option<&str>,
) -> Outcome<Label> {
    if let Some(name) = name.filter(|name| *name != label.name) {
        refuse_taken(connection, label.workspace_id, name, label.id)?;
        touch_carriers(connection, label.id)?;
    }
    let now = clock::tick(connection)?;
    Ok(connection.query_row(
        "UPDATE labels SET name = coalesce(:name, name), color = coalesce(:color, color),
             description = coalesce(:description, description), updated_at = :now
         WHERE id = :id RETURNING *",
        named_params! { ":id": label.id, ":name": name, ":color": color, ":description": description, ":now": now },
        from_row,
    )?)
}

pub fn delete(connection: &Connection, id: i64) -> Outcome<()> {
    touch_carriers(connection, id)?;
    connection.execute("DELETE FROM task_labels WHERE label_id = :id", named_params! { ":id": id })?;
    connection.execute("DELETE FROM labels WHERE id = :id", named_params! { ":id": id })?;
    Ok(())
}

/// A label by which tasks are chosen, and how many have it, deleted ones too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carried {
    pub id: i64,
    pub tasks: i64,
}

/// The labels of these names, the rarest first; `None` when there is one that nobody has made.
pub fn carried(connection: &Connection, workspace_id: i64, names: &[String]) -> Outcome<Option<Vec<Carried>>> {
    let mut statement = connection.prepare_cached(
        "SELECT l.id, coalesce((SELECT sum(number) FROM label_counts WHERE label_id = l.id), 0) FROM labels l
         WHERE l.workspace_id = :workspace AND l.name = :name",
    )?;
    let mut labels = Vec::with_capacity(names.len());
    for name in names {
        let label = statement.query_row(named_params! { ":workspace": workspace_id, ":name": name }, |row| {
            Ok(Carried { id: row.get(0)?, tasks: row.get(1)? })
        });
        let Some(label) = crate::store::found(label)? else { return Ok(None) };
        labels.push(label);
    }
    labels.sort_by_key(|label| label.tasks);
    Ok(Some(labels))
}

/// The names of the task's labels, in their order.
fn of_task(connection: &Connection, task_id: i64) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT l.name FROM task_labels c JOIN labels l ON l.id = c.label_id WHERE c.task_id = :task
             ORDER BY c.position",
        )?
        .query_map(named_params! { ":task": task_id }, |row| row.get(0))?
        .collect()
}

/// Gives the task exactly these labels, in this order; names given twice count once.
pub fn assign(connection: &Connection, workspace_id: i64, task_id: i64, names: &[String]) -> Outcome<()> {
    if of_task(connection, task_id)? == names {
        return Ok(());
    }
    connection
        .prepare_cached("DELETE FROM task_labels WHERE task_id = :task")?
        .execute(named_params! { ":task": task_id })?;
    for (position, name) in names.iter().enumerate() {
        let label = of_name(connection, workspace_id, name)?;
        connection
            .prepare_cached(
                "INSERT INTO task_labels (task_id, label_id, position) VALUES (:task, :label, :position)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(named_params! { ":task": task_id, ":label": label, ":position": position as i64 })?;
    }
    Ok(())
}

/// The id of the label of that name, made if need be.
fn of_name(connection: &Connection, workspace_id: i64, name: &str) -> Outcome<i64> {
    let id = connection
        .prepare_cached("SELECT id FROM labels WHERE workspace_id = :workspace AND name = :name")?
        .query_row(named_params! { ":workspace": workspace_id, ":name": name }, |row| row.get(0));
    match crate::store::found(id)? {
        Some(id) => Ok(id),
        None => Ok(create(connection, workspace_id, name, None, None)?.id),
    }
}

fn refuse_taken(connection: &Connection, workspace_id: i64, name: &str, but: i64) -> Outcome<()> {
    let taken = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM labels WHERE workspace_id = :workspace AND name = :name AND id <> :but)",
        )?
        .query_row(named_params! { ":workspace": workspace_id, ":name": name, ":but": but }, |row| {
            row.get::<_, bool>(0)
        })?;
    if taken { Err(Problem::conflict("label-exists", format!("there is a label {name} already"))) } else { Ok(()) }
}

fn touch_carriers(connection: &Connection, id: i64) -> Outcome<()> {
    let mut statement = connection.prepare_cached("SELECT task_id FROM task_labels WHERE label_id = :id")?;
    let carriers = statement
        .query_map(named_params! { ":id": id }, |row| row.get::<_, i64>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    carriers.into_iter().try_for_each(|task| tasks::touch(connection, task).map_err(Problem::from))
}
