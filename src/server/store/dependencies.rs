//! Dependencies: a task depends on another of the same workspace. They form no circle. Those of deleted tasks stay
//! stored and are shown no more. A dependency is no field of a task: it does not change the task's version.

use crate::model;
use crate::problem::{Outcome, Problem};
use crate::store::clock;
use crate::store::task_list::{self, Filter};
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

/// The other end of a dependency.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub id: i64,
    pub identifier: String,
    pub title: String,
    pub status: String,
    pub priority: i64,
}

fn from_row(row: &Row) -> rusqlite::Result<End> {
    let (prefix, number): (String, i64) = (row.get("prefix")?, row.get("number")?);
    Ok(End {
        id: row.get("id")?,
        identifier: format!("{prefix}-{number}"),
        title: row.get("title")?,
        status: row.get("status")?,
        priority: row.get("priority")?,
    })
}

/// The live tasks that this one depends on.
pub fn of(connection: &Connection, task_id: i64) -> Outcome<Vec<End>> {
    let mut statement = connection.prepare_cached(
        "SELECT t.id, w.identifier AS prefix, t.number, t.title, t.status, t.priority
         FROM dependencies d JOIN tasks t ON t.id = d.depends_on_id JOIN workspaces w ON w.id = t.workspace_id
         WHERE d.task_id = :task AND t.deleted_at IS NULL ORDER BY t.number",
    )?;
    Ok(statement.query_map(named_params! { ":task": task_id }, from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The live tasks that depend on this one.
pub fn on(connection: &Connection, task_id: i64) -> Outcome<Vec<End>> {
    let mut statement = connection.prepare_cached(
        "SELECT t.id, w.identifier AS prefix, t.number, t.title, t.status, t.priority
         FROM dependencies d JOIN tasks t ON t.id = d.task_id JOIN workspaces w ON w.id = t.workspace_id
         WHERE d.depends_on_id = :task AND t.deleted_at IS NULL ORDER BY t.number",
    )?;
    Ok(statement.query_map(named_params! { ":task": task_id }, from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// 400 for a task and itself, 409 for a dependency that is there or would close a circle. Returns when it was made.
pub fn add(connection: &Connection, task: &model::Task, depends_on: &model::Task) -> Outcome<Timestamp> {
    let (from, to) = (&task.identifier, &depends_on.identifier);
    if task.id == depends_on.id {
        return Err(Problem {
            kind: "self-dependency",
            ..Problem::new(400, format!("{from} cannot depend on itself"))
        });
    }
    if exists(connection, task.id, depends_on.id)? {
        return Err(Problem::conflict("dependency-exists", format!("{from} depends on {to} already")));
    }
    if reaches(connection, depends_on.id, task.id)? {
        let detail = format!("a circular dependency: {to} already depends on {from}");
        return Err(Problem::conflict("circular-dependency", detail));
    }
    let now = clock::tick(connection)?;
    connection
        .prepare_cached("INSERT INTO dependencies (task_id, depends_on_id, created_at) VALUES (:task, :to, :now)")?
        .execute(named_params! { ":task": task.id, ":to": depends_on.id, ":now": now })?;
    Ok(Timestamp(now))
}

pub fn remove(connection: &Connection, task: &model::Task, depends_on: &model::Task) -> Outcome<()> {
    let removed = connection.execute(
        "DELETE FROM dependencies WHERE task_id = :task AND depends_on_id = :to",
        named_params! { ":task": task.id, ":to": depends_on.id },
    )?;
    if removed == 0 {
        return Err(Problem::missing("dependency", &format!("{} on {}", task.identifier, depends_on.identifier)));
    }
    Ok(())
}

fn exists(connection: &Connection, task: i64, to: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM dependencies WHERE task_id = :task AND depends_on_id = :to)")?
        .query_row(named_params! { ":task": task, ":to": to }, |row| row.get(0))
}

/// Whether `from` depends on `to`, directly or through others. Deleted tasks in between count: they cannot come back,
/// but an edge through one was a promise when it was made, and refusing less would depend on the order of deletions.
fn reaches(connection: &Connection, from: i64, to: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "WITH RECURSIVE reach (id) AS (
                 SELECT :from UNION SELECT d.depends_on_id FROM reach JOIN dependencies d ON d.task_id = reach.id)
             SELECT EXISTS (SELECT 1 FROM reach WHERE id = :to)",
        )?
        .query_row(named_params! { ":from": from, ":to": to }, |row| row.get(0))
}

/// Live tasks and the dependencies between them: identifiers, the dependent task first.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    pub nodes: Vec<End>,
    pub edges: Vec<(String, String)>,
}

/// Tasks of a graph that shows also those without any dependency. In a larger one they would be nearly all of it, and say
/// nothing: clients look for the ends of edges.
const MOST_SINGLE_NODES: i64 = 1_000;

macro_rules! nodes {
    ($condition:literal) => {
        concat!(
            "SELECT t.id, w.identifier AS prefix, t.number, t.title, t.status, t.priority
             FROM tasks t CROSS JOIN workspaces w ON w.id = t.workspace_id
             WHERE t.workspace_id = :workspace AND t.deleted_at IS NULL
                 AND (:project IS NULL OR t.project_id = :project) ",
            $condition,
            " ORDER BY t.number"
        )
    };
}

/// The graph of a workspace or of one of its projects.
pub fn graph(connection: &Connection, workspace_id: i64, project_id: Option<i64>) -> Outcome<Graph> {
    let arguments = named_params! { ":workspace": workspace_id, ":project": project_id };
    let wanted = Filter { project: project_id, ..Filter::default() };
    let sql = if task_list::count(connection, workspace_id, &wanted)? <= MOST_SINGLE_NODES {
        nodes!("")
    } else {
        nodes!("AND t.id IN (SELECT task_id FROM dependencies UNION SELECT depends_on_id FROM dependencies)")
    };
    let mut statement = connection.prepare_cached(sql)?;
    let nodes = statement.query_map(arguments, from_row)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT w.identifier || '-' || f.number, w.identifier || '-' || t.number
         FROM dependencies d CROSS JOIN tasks f ON f.id = d.task_id CROSS JOIN tasks t ON t.id = d.depends_on_id
         CROSS JOIN workspaces w ON w.id = f.workspace_id
         WHERE f.workspace_id = :workspace AND f.deleted_at IS NULL AND t.deleted_at IS NULL
             AND (:project IS NULL OR (f.project_id = :project AND t.project_id = :project))
         ORDER BY f.number, t.number",
    )?;
    let edges =
        statement.query_map(arguments, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    Ok(Graph { nodes, edges })
}

/// A task as the order of execution sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    pub id: i64,
    pub identifier: String,
    /// Hours; 0 for none.
    pub estimate: f64,
}

/// Tasks, and the dependencies between them: ids, the dependent task first.
pub type Plan = (Vec<Work>, Vec<(i64, i64)>);

/// Live tasks of a workspace or of one of its projects, and the dependencies of the workspace.
/// Without those that are over, unless `everything`.
pub fn work(connection: &Connection, workspace_id: i64, project_id: Option<i64>, everything: bool) -> Outcome<Plan> {
    let arguments = named_params! { ":workspace": workspace_id, ":project": project_id, ":everything": everything };
    let mut statement = connection.prepare_cached(
        "SELECT t.id, w.identifier || '-' || t.number, coalesce(t.estimate, 0.0)
         FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
         WHERE t.workspace_id = :workspace AND t.deleted_at IS NULL AND (:project IS NULL OR t.project_id = :project)
             AND (:everything OR t.status NOT IN ('done', 'canceled', 'archived'))
         ORDER BY t.priority DESC, t.number",
    )?;
    let work = |row: &Row| Ok(Work { id: row.get(0)?, identifier: row.get(1)?, estimate: row.get(2)? });
    let tasks = statement.query_map(arguments, work)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT d.task_id, d.depends_on_id FROM tasks f JOIN dependencies d ON d.task_id = f.id
         WHERE f.workspace_id = :workspace AND f.deleted_at IS NULL ORDER BY 1, 2",
    )?;
    let edges = statement
        .query_map(named_params! { ":workspace": workspace_id }, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((tasks, edges))
}
