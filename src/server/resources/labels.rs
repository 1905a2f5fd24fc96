//! Labels (api.md 2.7).

use crate::http::Response;
use crate::problem::Outcome;
use crate::resources::events::Note;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::labels::{self as stored, Label};
use crate::wire::{self, Json, object};
use miniserde::json::Value;

fn to_json(label: Label) -> Value {
    object([
        ("id", label.id.json()),
        ("workspace_id", label.workspace_id.json()),
        ("name", label.name.json()),
        ("color", label.color.json()),
        ("description", label.description.json()),
        ("created_at", label.created_at.json()),
        ("updated_at", label.updated_at.json()),
    ])
}

/// The label of the path: its second argument, in the workspace of the first.
fn named(call: &Call) -> Outcome<Label> {
    stored::get(call.connection, call.workspace()?.id, call.id(1, "label")?)
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let (items, total) = stored::list(call.connection, workspace.id, part)?;
    Ok(Response::json(200, &wire::page(items.into_iter().map(to_json).collect(), total, part)))
}

pub fn create(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let (name, color, description) = (body.name("name")?, body.about("color")?, body.about("description")?);
    let label = stored::create(call.connection, workspace.id, name, color, description)?;
    Note::new("label", label.id, "created").with("name", name.json()).write(call, workspace.id)?;
    Ok(Response::json(201, &to_json(label)))
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(named(call)?)))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let label = named(call)?;
    let body = call.body()?;
    let (name, color, description) = (body.new_name("name")?, body.about("color")?, body.about("description")?);
    let new = stored::update(call.connection, &label, name, color, description)?;
    let mut note = Note::new("label", label.id, "updated");
    if new.name != label.name {
        note = note.change("name", label.name.json(), new.name.as_str().json());
    }
    note.write(call, label.workspace_id)?;
    Ok(Response::json(200, &to_json(new)))
}

pub fn delete(call: &Call) -> Outcome<Response> {
    let label = named(call)?;
    stored::delete(call.connection, label.id)?;
    Note::new("label", label.id, "deleted").with("name", label.name.json()).write(call, label.workspace_id)?;
    Ok(Response::no_content())
}
