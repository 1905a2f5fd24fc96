//! Reading and checking the fields of a task, for creation, update and bulk update alike. Everything is checked before
//! anything is written.

use crate::input::{Body, one_of};
use crate::limits;
use crate::model::{Field, PRIORITIES, Patch, STATUSES, Task, Value, canonical_status};
use crate::problem::{Outcome, Problem};
use crate::resources::plans;
use crate::store::tasks::Review;
use crate::store::{goals, projects, tasks};
use rusqlite::Connection;

const ASSIGNEE_TYPES: [&str; 2] = ["human", "agent"];

/// Those that every client generation knows; one it does not know makes a whole list unreadable for it (api.md 4.11).
pub const CODING_AGENTS: [&str; 3] = ["claude_code", "codex", "gemini_cli"];

/// The fields that the body gives. `task` has the workspace, and the id if it exists already.
pub fn patch(connection: &Connection, task: &Task, body: &Body) -> Outcome<Patch> {
    let mut patch = Patch::new();
    for field in Field::ALL {
        if let Some(value) = value(connection, task, body, field)? {
            patch.insert(field, value);
        }
    }
    Ok(patch)
}

fn value(connection: &Connection, task: &Task, body: &Body, field: Field) -> Outcome<Option<Value>> {
    let name = field.name();
    let text = |text: &str| Value::Text(text.to_string());
    Ok(match field {
        Field::Title => body.new_name(name)?.map(text),
        Field::Description | Field::Plan | Field::Checklist => body.text(name)?.map(text),
        Field::Phase => body.text(name)?.map(|phase| limits::title(name, phase)).transpose()?.map(text),
        Field::Status => body.text(name)?.map(status).transpose()?.map(text),
        Field::Priority => body.int(name)?.map(priority).transpose()?.map(Value::Int),
        // `null` is "leave it", so that an empty string is the only way to say "nobody".
        Field::Owner => {
            let owner = body.text(name)?.map(|owner| limits::title(name, owner)).transpose()?;
            owner.map(|owner| if owner.is_empty() { Value::Null } else { text(owner) })
        }
        Field::AssigneeType => body.word(name, &ASSIGNEE_TYPES)?.map(text),
        Field::CodingAgent => match body.text(name)? {
            Some("") => Some(Value::Null),
            other => other.map(|agent| one_of(name, agent, &CODING_AGENTS)).transpose()?.map(text),
        },
        Field::Labels => body.texts(name)?.map(labels).transpose()?,
        Field::Estimate => body.number(name)?.map(estimate).transpose()?,
        Field::Parent => body.int(name)?.map(|parent| parent_of(connection, task, parent)).transpose()?,
        Field::Project => body.int(name)?.map(|project| project_of(connection, task, project)).transpose()?,
    })
}

/// A status in this server's words.
pub fn status(word: &str) -> Outcome<&str> {
    one_of("status", canonical_status(word), &STATUSES)
}

pub fn priority(number: i64) -> Outcome<i64> {
    if PRIORITIES.contains(&number) {
        return Ok(number);
    }
    Err(Problem::invalid("priority", format!("{number} is not between -2 and 2")))
}

/// Label names: not blank, each once.
pub fn labels(names: Vec<String>) -> Outcome<Value> {
    limits::count("labels", names.len(), limits::LABELS)?;
    let mut set: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if name.trim().is_empty() {
            return Err(Problem::invalid("labels", "a label must not be blank"));
        }
        if !set.contains(&name) {
            set.push(name);
        }
    }
    Ok(Value::Set(set))
}

/// The goal that the body names; `None` leaves it.
pub fn goal(connection: &Connection, workspace_id: i64, body: &Body) -> Outcome<Option<i64>> {
    let Some(id) = body.int("goal_id")? else { return Ok(None) };
    match goals::get(connection, workspace_id, id) {
        Ok(_) => Ok(Some(id)),
        Err(problem) if problem.status >= 500 => Err(problem),
        Err(_) => Err(Problem::invalid("goal_id", format!("the workspace has no goal with id {id}"))),
    }
}

/// The review with what the body says of it.
pub fn review(known: Review, body: &Body) -> Outcome<Review> {
    Ok(Review {
        status: body.word("plan_review_status", &plans::STATUSES)?.map(str::to_string).or(known.status),
        at: body.instant("plan_reviewed_at")?.or(known.at),
        by: body.new_name("plan_reviewed_by")?.map(str::to_string).or(known.by),
    })
}

fn estimate(hours: f64) -> Outcome<Value> {
    if hours < 0.0 { Err(Problem::invalid("estimate", "must not be negative")) } else { Ok(Value::Number(hours)) }
}

fn parent_of(connection: &Connection, task: &Task, parent: i64) -> Outcome<Value> {
    let known = tasks::by_id(connection, parent).is_ok_and(|found| found.task.workspace_id == task.workspace_id);
    if !known {
        return Err(Problem::invalid("parent_id", format!("the workspace has no task with id {parent}")));
    }
    if tasks::descends(connection, parent, task.id)? {
        return Err(Problem::invalid("parent_id", "a task cannot be below itself"));
    }
    Ok(Value::Int(parent))
}

fn project_of(connection: &Connection, task: &Task, project: i64) -> Outcome<Value> {
    match projects::find(connection, task.workspace_id, project)? {
        Some(_) => Ok(Value::Int(project)),
        None => Err(Problem::invalid("project_id", format!("the workspace has no project with id {project}"))),
    }
}

/// Sets and clears the times that belong to statuses, for a task that has just got its status (api.md 4.7 leaves it open).
/// A task is started once, until it goes back to the backlog; archiving keeps what became of it.
pub fn stamp(task: &mut Task, now: &str) {
    let at = || Some(now.to_string());
    match task.status.as_str() {
        "backlog" | "todo" => task.started_at = None,
        "active" if task.started_at.is_none() => task.started_at = at(),
        _ => {}
    }
    if task.status == "archived" {
        task.archived_at = at();
        return;
    }
    task.archived_at = None;
    task.completed_at = (task.status == "done").then(at).flatten();
    task.canceled_at = (task.status == "canceled").then(at).flatten();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_the_status() {
        let mut task = Task::default();
        let mut go = |status: &str, now: &str| {
            task.status = status.into();
            stamp(&mut task, now);
            [&task.started_at, &task.completed_at, &task.canceled_at, &task.archived_at]
                .map(|at| at.clone().unwrap_or_default())
        };
        assert_eq!(go("active", "1"), ["1", "", "", ""]);
        assert_eq!(go("blocked", "2"), ["1", "", "", ""]);
        assert_eq!(go("active", "3"), ["1", "", "", ""]);
        assert_eq!(go("done", "4"), ["1", "4", "", ""]);
        assert_eq!(go("archived", "5"), ["1", "4", "", "5"]);
        assert_eq!(go("canceled", "6"), ["1", "", "6", ""]);
        assert_eq!(go("todo", "7"), ["", "", "", ""]);
    }
}
