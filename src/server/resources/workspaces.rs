//! Workspaces (api.md 2.3).

use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::routes::Call;
use crate::store::clock;
use crate::store::preferences;
use crate::store::workspaces::{self as stored, Workspace};
use crate::wire::{self, Json, object};
use miniserde::json::Value;

/// Clients never ask for a second page, so that the first must be a large one (api.md 4.11).
pub const PER_PAGE: i64 = 100;
pub const MOST_PER_PAGE: i64 = crate::limits::ROWS;

pub fn to_json(workspace: Workspace) -> Value {
    object([
        ("id", workspace.id.json()),
        ("identifier", workspace.identifier.json()),
        ("name", workspace.name.json()),
        ("description", workspace.description.json()),
        ("owner_id", workspace.owner_id.json()),
        ("task_counter", workspace.task_counter.json()),
        ("created_at", workspace.created_at.json()),
        ("updated_at", workspace.updated_at.json()),
        ("deleted_at", Value::Null),
    ])
}

/// The same with `state`: a text that changes whenever anything does, so that a client that has it already need not ask for
/// more. It is the database's clock: a change elsewhere costs a client a look, a change here is never missed.
fn to_json_with_state(workspace: Workspace, state: i64) -> Value {
    let mut value = to_json(workspace);
    if let Value::Object(members) = &mut value {
        members.insert("state".into(), state.to_string().json());
    }
    value
}

/// Up to ten ASCII letters, in upper case from here on (api.md 4.1). `None` for anything else.
pub fn identifier(text: &str) -> Option<String> {
    let fits = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    fits.then(|| text.to_ascii_uppercase())
}

/// The one workspace that an API key knows of.
fn only(call: &Call) -> Option<i64> {
    call.caller.key.as_ref().map(|key| key.workspace_id)
}

pub fn list(call: &Call) -> Outcome<Response> {
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let (items, total) = stored::list(call.connection, call.user(), only(call), part)?;
    let state = clock::last(call.connection)?;
    let items = items.into_iter().map(|workspace| to_json_with_state(workspace, state)).collect();
    Ok(Response::json(200, &wire::page(items, total, part)))
}

pub fn create(call: &Call) -> Outcome<Response> {
    let body = call.body()?;
    let name = body.name("name")?;
    let identifier = identifier(body.name("identifier")?)
        .ok_or_else(|| Problem::invalid("identifier", "must be 1 to 10 letters A to Z"))?;
    let workspace = stored::create(call.connection, &identifier, name, body.about("description")?, call.user())?;
    Note::new("workspace", workspace.id, "created").write(call, workspace.id)?;
    Ok(Response::json(201, &to_json(workspace)))
}

pub fn current(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(preferred(call)?)))
}

/// The workspace of the caller's preferences, else the first it is a member of; 404 if there is none.
pub fn preferred(call: &Call) -> Outcome<Workspace> {
    let wanted = preferences::get(call.connection, call.user())?.and_then(|preferences| preferences.workspace_id);
    match wanted.map(|id| call.workspace_of(id)) {
        Some(Ok(workspace)) => Ok(workspace),
        _ => {
            let (mine, _) = stored::list(call.connection, call.user(), only(call), wire::Page { limit: 1, offset: 0 })?;
            mine.into_iter().next().ok_or_else(|| Problem::new(404, "you are a member of no workspace"))
        }
    }
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(call.workspace()?)))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let (name, description) = (body.new_name("name")?, body.about("description")?);
    let new = stored::update(call.connection, workspace.id, name, description)?;
    let mut note = Note::new("workspace", workspace.id, "updated");
    if new.name != workspace.name {
        note = note.change("name", workspace.name.json(), new.name.as_str().json());
    }
    note.write(call, new.id)?;
    Ok(Response::json(200, &to_json(new)))
}

/// `anyt-server restore workspace` takes it back.
pub fn delete(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    stored::delete(call.connection, workspace.id)?;
    Note::new("workspace", workspace.id, "deleted").write(call, workspace.id)?;
    Ok(Response::no_content())
}
