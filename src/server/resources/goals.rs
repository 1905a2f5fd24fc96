//! Goals (api.md 2.18): kept and shown. Breaking one down into tasks takes a model, which this server has none of.

use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::stored_json;
use crate::routes::Call;
use crate::store::goals::{self as stored, Goal};
use crate::store::projects;
use crate::wire::{Json, object};
use miniserde::json::{self, Object, Value};

fn to_json(goal: Goal) -> Value {
    let context = match stored_json(goal.context) {
        Value::Null => Value::Object(Object::new()),
        context => context,
    };
    object([
        ("id", goal.id.json()),
        ("workspace_id", goal.workspace_id.json()),
        ("project_id", goal.project_id.json()),
        ("number", goal.number.json()),
        ("identifier", goal.identifier.json()),
        ("title", goal.title.json()),
        ("description", goal.description.json()),
        ("context", context),
        ("status", goal.status.json()),
        ("creator_id", goal.creator_id.json()),
        ("created_at", goal.created_at.json()),
        ("updated_at", goal.updated_at.json()),
    ])
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let goals = stored::list(call.connection, workspace.id, call.query.text("status_filter"))?;
    Ok(Response::json(200, &goals.into_iter().map(to_json).collect::<Vec<_>>().json()))
}

pub fn create(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?.id;
    let body = call.body()?;
    let (title, project) = (body.name("title")?, body.required_int("project_id")?);
    if projects::find(call.connection, workspace, project)?.is_none() {
        return Err(Problem::invalid("project_id", format!("the workspace has no project with id {project}")));
    }
    let context = body.object("context")?.map(|context| json::to_string(&Value::Object(context.clone())));
    let text = (title, body.text("description")?);
    let id = stored::create(call.connection, (workspace, project), text, context.as_deref(), call.user())?;
    Note::new("goal", id, "created").with("title", title.json()).write(call, workspace)?;
    Ok(Response::json(201, &to_json(stored::get(call.connection, workspace, id)?)))
}

fn named(call: &Call) -> Outcome<Goal> {
    stored::get(call.connection, call.workspace()?.id, call.id(1, "goal")?)
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(named(call)?)))
}

pub fn delete(call: &Call) -> Outcome<Response> {
    let goal = named(call)?;
    stored::delete(call.connection, goal.id)?;
    Note::new("goal", goal.id, "deleted").write(call, goal.workspace_id)?;
    Ok(Response::no_content())
}
