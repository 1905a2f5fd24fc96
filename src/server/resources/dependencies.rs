//! Dependencies, dependents, the graph (api.md 2.6).

use crate::http::Response;
use crate::problem::Outcome;
use crate::resources::events::Note;
use crate::routes::Call;
use crate::store::dependencies::{self as stored, End, Graph};
use crate::store::{projects, tasks};
use crate::wire::{self, Json, Members, object};
use miniserde::json::Value;

fn end_to_json(end: End) -> Value {
    object([
        ("id", end.id.json()),
        ("identifier", end.identifier.json()),
        ("title", end.title.json()),
        ("status", end.status.json()),
        ("priority", end.priority.json()),
    ])
}

pub fn of(call: &Call) -> Outcome<Response> {
    let task = tasks::get(call.connection, &call.workspace()?, call.argument(1))?.task;
    let ends = stored::of(call.connection, task.id)?;
    Ok(Response::json(200, &ends.into_iter().map(end_to_json).collect::<Vec<_>>().json()))
}

pub fn on(call: &Call) -> Outcome<Response> {
    let task = tasks::get(call.connection, &call.workspace()?, call.argument(1))?.task;
    let ends = stored::on(call.connection, task.id)?;
    Ok(Response::json(200, &ends.into_iter().map(end_to_json).collect::<Vec<_>>().json()))
}

pub fn add(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let task = tasks::get(call.connection, &workspace, call.argument(1))?.task;
    let depends_on = tasks::get(call.connection, &workspace, call.body()?.name("depends_on")?)?.task;
    let created_at = stored::add(call.connection, &task, &depends_on)?;
    let note = Note::of_task(task.id, "dependency_added");
    note.with("depends_on", depends_on.identifier.as_str().json()).write(call, workspace.id)?;
    let body = object([
        ("task_id", task.identifier.json()),
        ("depends_on", depends_on.identifier.json()),
        ("blocked_by_status", depends_on.status.json()),
        ("created_at", created_at.json()),
    ]);
    Ok(Response::json(201, &body))
}

pub fn remove(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let task = tasks::get(call.connection, &workspace, call.argument(1))?.task;
    let depends_on = tasks::get(call.connection, &workspace, call.argument(2))?.task;
    stored::remove(call.connection, &task, &depends_on)?;
    let note = Note::of_task(task.id, "dependency_removed");
    note.with("depends_on", depends_on.identifier.json()).write(call, workspace.id)?;
    Ok(Response::no_content())
}

/// Of the workspace or of one of its projects; 404 for a project that is not there.
pub fn graph(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let project = call.query.int("project_id")?;
    if let Some(id) = project {
        projects::get(call.connection, workspace.id, id)?;
    }
    let Graph { nodes, edges } = stored::graph(call.connection, workspace.id, project)?;
    let mut out = String::new();
    let node = |node: &End, out: &mut String| {
        Members::write(out, |members| {
            members.add("id", &node.identifier);
            members.add("title", &node.title);
            members.add("status", &node.status);
            members.add("priority", node.priority);
        });
    };
    let edge = |(from, to): &(String, String), out: &mut String| {
        Members::write(out, |members| {
            members.add("from_task", from);
            members.add("to_task", to);
            members.add("blocking", true);
        });
    };
    Members::write(&mut out, |members| {
        members.add_written("nodes", |out| wire::write_list(&nodes, node, out));
        members.add_written("edges", |out| wire::write_list(&edges, edge, out));
    });
    Ok(Response::written(200, out))
}
