//! `--import`: JSON lines, one task each (`number, title, description, status, priority, labels, owner, depends_on
//! (numbers), created_at, updated_at, completed_at, deleted_at`). All or nothing: the caller's transaction is rolled back
//! on the first bad line. Only into a workspace that never had a task, because numbers are given once.

use crate::input::Body;
use crate::problem::{Outcome, Problem};
use crate::resources::task_input;
use crate::store::import::{self as stored, Imported};
use crate::store::roles::Role;
use crate::store::workspaces::{self, Workspace};
use crate::store::{clock, dependencies, members};
use anyt::error::{Error, Result};
use anyt::model::{self, Value};
use anyt::time::Timestamp;
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};
use std::io::BufRead;

/// Why an import failed; no line for what is no line's fault.
#[derive(Debug)]
pub struct Fault {
    line: Option<usize>,
    reason: String,
}

impl Fault {
    /// `source` is what was to be imported; `None` where nothing was.
    pub fn into_error(self, source: Option<&str>) -> Error {
        let reason = self.reason;
        Error::failure(match (source.map(|name| if name == "-" { "standard input" } else { name }), self.line) {
            (Some(source), Some(line)) => format!("{source}, line {line}: {reason}; nothing was imported"),
            (Some(source), None) => format!("cannot import {source}: {reason}"),
            (None, _) => reason,
        })
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault { line: None, reason: error.to_string() }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Fault {
        Fault { line: None, reason: problem.detail }
    }
}

/// Imports every line and returns how many tasks there were. People who own tasks become members; each task's creator is
/// its owner, or `creator` where it has none.
pub fn run(
    connection: &Connection,
    workspace: &Workspace,
    project_id: i64,
    creator: &str,
    lines: &mut dyn BufRead,
) -> std::result::Result<usize, Fault> {
    if stored::has_tasks(connection, workspace.id)? {
        let reason = format!("workspace {} has tasks already; import into a fresh database", workspace.identifier);
        return Err(Fault { line: None, reason });
    }
    let mut ids: HashMap<i64, model::Task> = HashMap::new();
    let mut wanted: Vec<(usize, i64, Vec<i64>)> = Vec::new();
    let mut people = BTreeSet::new();
    let (mut latest, mut highest) = (0, 0);
    for (index, text) in lines.split(b'\n').enumerate() {
        let line = index + 1;
        let fault = |reason: String| Fault { line: Some(line), reason };
        let text = text.map_err(|error| fault(error.to_string()))?;
        if text.trim_ascii().is_empty() {
            continue;
        }
        let (task, depends_on) = parse(&text).map_err(|problem| fault(problem.detail))?;
        if ids.contains_key(&task.number) {
            return Err(fault(format!("number {} was there before", task.number)));
        }
        let owner = task.owner.clone();
        let id = stored::insert(connection, (workspace.id, project_id), &task, owner.as_deref().unwrap_or(creator))
            .map_err(|problem| fault(problem.detail))?;
        latest = latest.max(task.updated_at);
        highest = highest.max(task.number);
        people.extend(owner);
        if !depends_on.is_empty() {
            wanted.push((line, task.number, depends_on));
        }
        ids.insert(task.number, end(workspace, id, task.number));
    }
    for (line, number, targets) in wanted {
        for target in targets {
            depend(connection, &ids, number, target)
                .map_err(|problem| Fault { line: Some(line), reason: problem.detail })?;
        }
    }
    for person in people {
        members::ensure(connection, workspace.id, &person, Role::Member)?;
    }
    workspaces::pass_number(connection, workspace.id, highest)?;
    clock::pass(connection, latest)?;
    Ok(ids.len())
}

/// As much of a task as a dependency needs.
fn end(workspace: &Workspace, id: i64, number: i64) -> model::Task {
    model::Task { id, identifier: format!("{}-{number}", workspace.identifier), ..model::Task::default() }
}

fn depend(connection: &Connection, ids: &HashMap<i64, model::Task>, number: i64, target: i64) -> Outcome<()> {
    let unknown = || Problem::invalid("depends_on", format!("there is no task number {target}"));
    dependencies::add(connection, &ids[&number], ids.get(&target).ok_or_else(unknown)?).map(drop)
}

fn parse(line: &[u8]) -> Outcome<(Imported, Vec<i64>)> {
    let body = Body::parse(line)?;
    let number = body.required_int("number")?;
    if number < 1 {
        return Err(Problem::invalid("number", "must be at least 1"));
    }
    let Value::Set(labels) = task_input::labels(body.texts("labels")?.unwrap_or_default())? else {
        return Err(Problem::invalid("labels", "must be a list of strings"));
    };
    let created_at = instant(&body, "created_at")?.ok_or_else(|| Problem::invalid("created_at", "is required"))?;
    let text = |name: &str| body.text(name).map(|text| text.map(str::to_string));
    let task = Imported {
        number,
        title: body.name("title")?.to_string(),
        description: text("description")?,
        status: task_input::status(body.text("status")?.unwrap_or("backlog"))?.to_string(),
        priority: task_input::priority(body.int("priority")?.unwrap_or(0))?,
        labels,
        owner: text("owner")?.filter(|owner| !owner.is_empty()),
        created_at,
        updated_at: instant(&body, "updated_at")?.unwrap_or(created_at),
        completed_at: instant(&body, "completed_at")?,
        deleted_at: instant(&body, "deleted_at")?,
    };
    let mut depends_on = body.ints("depends_on")?.unwrap_or_default();
    depends_on.sort_unstable();
    depends_on.dedup();
    Ok((task, depends_on))
}

fn instant(body: &Body, name: &str) -> Outcome<Option<i64>> {
    let read = |text: &str| {
        Timestamp::parse(text)
            .map(|at| at.0)
            .ok_or_else(|| Problem::invalid(name, format!("'{text}' is not an ISO 8601 time")))
    };
    body.text(name)?.map(read).transpose()
}

/// Where the lines come from: a file, or standard input for `-`.
pub fn open(source: &str) -> Result<Box<dyn BufRead>> {
    if source == "-" {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let path = std::path::Path::new(source);
    let file = std::fs::File::open(path).map_err(|error| Error::io("read", path, error))?;
    Ok(Box::new(std::io::BufReader::new(file)))
}
