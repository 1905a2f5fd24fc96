//! Projects (api.md 2.4).

use crate::http::Response;
use crate::input::{Body, one_of};
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::preferences;
use crate::store::projects::{self as stored, Fields, Project};
use crate::wire::{self, Json, object};
use miniserde::json::Value;

const STATUSES: [&str; 4] = ["active", "paused", "completed", "canceled"];

pub fn to_json(project: Project) -> Value {
    let fields = project.fields;
    object([
        ("id", project.id.json()),
        ("workspace_id", project.workspace_id.json()),
        ("name", fields.name.json()),
        ("description", fields.description.json()),
        ("status", fields.status.json()),
        ("lead_id", fields.lead_id.json()),
        ("start_date", fields.start_date.json()),
        ("target_date", fields.target_date.json()),
        ("color", fields.color.json()),
        ("icon", fields.icon.json()),
        ("created_at", project.created_at.json()),
        ("updated_at", project.updated_at.json()),
        ("deleted_at", Value::Null),
        ("is_demo", false.json()),
        ("external_repo_id", Value::Null),
        ("external_repo", Value::Null),
    ])
}

fn fields(body: &Body) -> Outcome<Fields> {
    let text = |name: &str| body.about(name).map(|text| text.map(str::to_string));
    Ok(Fields {
        name: body.new_name("name")?.map(str::to_string),
        description: text("description")?,
        status: body.word("status", &STATUSES)?.map(str::to_string),
        lead_id: text("lead_id")?,
        start_date: text("start_date")?,
        target_date: text("target_date")?,
        color: text("color")?,
        icon: text("icon")?,
    })
}

/// The project of the path: its second argument, in the workspace of the first.
pub fn named(call: &Call) -> Outcome<Project> {
    stored::get(call.connection, call.workspace()?.id, call.id(1, "project")?)
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let status = call.query.text("status").map(|word| one_of("status", word, &STATUSES)).transpose()?;
    let (items, total) = stored::list(call.connection, workspace.id, status, part)?;
    Ok(Response::json(200, &wire::page(items.into_iter().map(to_json).collect(), total, part)))
}

pub fn create(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    body.name("name")?;
    let project = stored::create(call.connection, workspace.id, &fields(&body)?)?;
    let note = Note::new("project", project.id, "created");
    note.with("name", project.fields.name.clone().json()).write(call, workspace.id)?;
    Ok(Response::json(201, &to_json(project)))
}

/// The project of the caller's preferences if it is in this workspace, else the workspace's first; 404 if there is none.
pub fn current(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let wanted = preferences::get(call.connection, call.user())?.and_then(|preferences| preferences.project_id);
    let preferred = match wanted {
        Some(id) => stored::find(call.connection, workspace.id, id)?,
        None => None,
    };
    let project = match preferred {
        Some(project) => Some(project),
        None => stored::oldest(call.connection, workspace.id)?,
    };
    let project = project.ok_or_else(|| Problem::new(404, "the workspace has no project"))?;
    Ok(Response::json(200, &to_json(project)))
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(named(call)?)))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let project = named(call)?;
    let fields = fields(&call.body()?)?;
    let new = stored::update(call.connection, project.id, &fields)?;
    let mut note = Note::new("project", project.id, "updated");
    for (field, old, new) in
        [("name", project.fields.name, &new.fields.name), ("status", project.fields.status, &new.fields.status)]
    {
        if old != *new {
            note = note.change(field, old.json(), new.clone().json());
        }
    }
    note.write(call, new.workspace_id)?;
    Ok(Response::json(200, &to_json(new)))
}

pub fn delete(call: &Call) -> Outcome<Response> {
    let project = named(call)?;
    let deleted = stored::delete(call.connection, project.id)?;
    let note = Note::new("project", project.id, "deleted");
    note.with("tasks_deleted", deleted.json()).write(call, project.workspace_id)?;
    let body = object([
        ("deleted", true.json()),
        ("project_id", project.id.json()),
        ("tasks_deleted", deleted.json()),
        ("failed_tasks", 0.json()),
    ]);
    Ok(Response::json(200, &body))
}
