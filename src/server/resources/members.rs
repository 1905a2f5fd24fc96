//! Members and assignees (api.md 2.8, 2.9).

use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::members::{self as stored, Member};
use crate::wire::{self, Json, Page, object};
use miniserde::json::Value;

fn to_json(member: Member) -> Value {
    object([
        ("workspace_id", member.workspace_id.json()),
        ("user_id", member.user_id.json()),
        ("role", member.role.json()),
        ("created_at", member.created_at.json()),
    ])
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let (items, total) = stored::list(call.connection, workspace.id, part)?;
    Ok(Response::json(200, &wire::page(items.into_iter().map(to_json).collect(), total, part)))
}

pub fn add(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let role = body.new_name("role")?.unwrap_or(stored::ROLE);
    let member = stored::add(call.connection, workspace.id, body.name("user_id")?, role)?;
    Ok(Response::json(201, &to_json(member)))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let member = stored::set_role(call.connection, workspace.id, call.argument(1), body.name("role")?)?;
    Ok(Response::json(200, &to_json(member)))
}

/// The owner stays: a workspace that nobody can reach would be lost.
pub fn remove(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    if workspace.owner_id == call.argument(1) {
        return Err(Problem::conflict("owner", "the owner of a workspace stays its member"));
    }
    stored::remove(call.connection, workspace.id, call.argument(1))?;
    Ok(Response::no_content())
}

pub fn assignees(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let (members, _) = stored::list(call.connection, workspace.id, Page { limit: -1, offset: 0 })?;
    let user = |member: Member| object([("id", member.user_id.json()), ("type", "user".json())]);
    let body = object([
        ("users", members.into_iter().map(user).collect::<Vec<_>>().json()),
        ("agents", Vec::<Value>::new().json()),
        ("coding_agents", Vec::<Value>::new().json()),
    ]);
    Ok(Response::json(200, &body))
}
