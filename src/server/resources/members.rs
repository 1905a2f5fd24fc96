//! Members and assignees (api.md 2.8, 2.9).

use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::agent_configs::{self, AgentConfig};
use crate::store::members::{self as stored, Member};
use crate::store::roles::Role;
use crate::wire::{self, Json, Page, object};
use miniserde::json::Value;

fn to_json(member: Member) -> Value {
    object([
        ("workspace_id", member.workspace_id.json()),
        ("user_id", member.user_id.json()),
        ("role", member.role.word().json()),
        ("created_at", member.created_at.json()),
    ])
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let (items, total) = stored::list(call.connection, workspace.id, part)?;
    Ok(Response::json(200, &wire::page(items.into_iter().map(to_json).collect(), total, part)))
}

/// Owners alone make owners, and take that away.
fn may_grant(call: &Call, workspace_id: i64, roles: &[Role]) -> Outcome<()> {
    let mine = stored::role_in(call.connection, workspace_id, call.user())?;
    if roles.contains(&Role::Owner) && mine != Some(Role::Owner) {
        return Err(Problem::new(403, "only an owner may decide about owners"));
    }
    Ok(())
}

pub fn add(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let role = body.new_name("role")?.map_or(Ok(Role::Member), Role::of_body)?;
    may_grant(call, workspace.id, &[role])?;
    let member = stored::add(call.connection, workspace.id, body.name("user_id")?, role)?;
    let note = Note::new("member", &member.user_id, "added");
    note.with("role", role.word().json()).write(call, workspace.id)?;
    Ok(Response::json(201, &to_json(member)))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let role = Role::of_body(body.name("role")?)?;
    let member = stored::get(call.connection, workspace.id, call.argument(1))?;
    may_grant(call, workspace.id, &[member.role, role])?;
    let note = Note::new("member", &member.user_id, "updated");
    let note = note.change("role", member.role.word().json(), role.word().json());
    let member = stored::set_role(call.connection, workspace.id, &member.user_id, role)?;
    note.write(call, workspace.id)?;
    Ok(Response::json(200, &to_json(member)))
}

pub fn remove(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let member = stored::get(call.connection, workspace.id, call.argument(1))?;
    may_grant(call, workspace.id, &[member.role])?;
    stored::remove(call.connection, workspace.id, &member.user_id)?;
    Note::new("member", &member.user_id, "removed").write(call, workspace.id)?;
    Ok(Response::no_content())
}

pub fn assignees(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let (members, _) = stored::list(call.connection, workspace.id, Page { limit: -1, offset: 0 })?;
    let agents = agent_configs::list(call.connection, (workspace.id, ""))?;
    let agent = |config: AgentConfig| {
        object([
            ("name", config.display_name.unwrap_or_else(|| config.agent_type.clone()).json()),
            ("agent_type", config.agent_type.json()),
            ("type", "coding_agent".json()),
            ("is_enabled", config.is_enabled.json()),
        ])
    };
    let user = |member: Member| object([("id", member.user_id.json()), ("type", "user".json())]);
    let body = object([
        ("users", members.into_iter().map(user).collect::<Vec<_>>().json()),
        ("agents", Vec::<Value>::new().json()),
        ("coding_agents", agents.into_iter().map(agent).collect::<Vec<_>>().json()),
    ]);
    Ok(Response::json(200, &body))
}
