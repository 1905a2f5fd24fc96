//! The caller: who it is, what it prefers, its first workspace (api.md 2.1, 2.2).

use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::resources::{projects, workspaces};
use crate::routes::Call;
use crate::store;
use crate::store::preferences::{self as stored, Preferences};
use crate::store::projects::Fields;
use crate::store::roles::{Right, Role};
use crate::store::workspaces::Workspace;
use crate::wire::{Json, object};
use miniserde::json::Value;

pub fn auth(call: &Call) -> Outcome<Response> {
    let body = object([
        ("user_id", call.user().json()),
        ("email", Value::Null),
        ("role", if call.caller.is_agent { "agent" } else { "user" }.json()),
        ("authenticated", true.json()),
    ]);
    Ok(Response::json(200, &body))
}

/// The server knows no addresses: `email` is empty where the clients want a string. A user exists from its first
/// membership on.
pub fn me(call: &Call) -> Outcome<Response> {
    let workspace = workspaces::preferred(call)?;
    let since = store::members::get(call.connection, workspace.id, call.user())?.created_at;
    let body = object([
        ("id", call.user().json()),
        ("email", "".json()),
        ("name", call.user().json()),
        ("created_at", since.json()),
    ]);
    Ok(Response::json(200, &body))
}

/// The caller's workspace and project; makes what is missing.
pub fn init(call: &Call) -> Outcome<Response> {
    let mut is_new = false;
    let workspace = match workspaces::preferred(call) {
        Ok(workspace) => workspace,
        Err(_) => {
            is_new = true;
            call.caller.key_allows(Right::MakeWorkspace)?;
            first_workspace(call)?
        }
    };
    let project = match store::projects::oldest(call.connection, workspace.id)? {
        Some(project) => project,
        None => {
            is_new = true;
            let role = store::members::role_in(call.connection, workspace.id, call.user())?;
            if let Some(role) = role.filter(|role| *role < Role::Member) {
                return Err(Problem::forbidden(role, Role::Member));
            }
            let fields = default_project(&workspace.name);
            store::projects::create(call.connection, workspace.id, &fields)?
        }
    };
    let agent = stand_in(call, &workspace);
    let body = object([
        ("agent", agent),
        ("workspace", workspaces::to_json(workspace)),
        ("project", projects::to_json(project)),
        ("is_new_setup", is_new.json()),
    ]);
    Ok(Response::json(200, &body))
}

/// Clients 0.4.2 to 0.6.0 insist on an agent here. The server keeps none: this one stands for the caller.
fn stand_in(call: &Call, workspace: &Workspace) -> Value {
    object([
        ("id", workspace.id.json()),
        ("workspace_id", workspace.id.json()),
        ("agent_id", call.user().json()),
        ("name", call.user().json()),
        ("agent_type", "custom".json()),
        ("description", Value::Null),
        ("config", Value::Null),
        ("is_active", true.json()),
        ("created_by", call.user().json()),
        ("created_at", workspace.created_at.json()),
        ("updated_at", workspace.updated_at.json()),
        ("deleted_at", Value::Null),
    ])
}

/// The project that a workspace starts with, as the clients make it (api.md 4.3).
pub fn default_project(workspace_name: &str) -> Fields {
    Fields { name: Some(workspace_name.to_string()), description: Some("Default project".into()), ..Fields::default() }
}

/// `PER`, `PEA`, `PEB`, …: the first that is free.
fn first_workspace(call: &Call) -> Outcome<Workspace> {
    std::iter::once('R')
        .chain('A'..='Z')
        .map(|last| {
            let identifier = format!("PE{last}");
            let description = Some("Default personal workspace");
            store::workspaces::create(call.connection, &identifier, "Personal", description, call.user())
        })
        .find(Result::is_ok)
        .unwrap_or_else(|| Err(Problem::conflict("identifier-taken", "no identifier for a workspace is left")))
}

fn to_json(user: &str, preferences: Preferences) -> Value {
    object([
        ("user_id", user.json()),
        ("current_workspace_id", preferences.workspace_id.json()),
        ("current_project_id", preferences.project_id.json()),
        ("default_agent_id", Value::Null),
        ("updated_at", preferences.updated_at.json()),
    ])
}

pub fn preferences(call: &Call) -> Outcome<Response> {
    let preferences = stored::get(call.connection, call.user())?;
    Ok(Response::json(200, &preferences.map(|preferences| to_json(call.user(), preferences)).json()))
}

pub fn forget_preferences(call: &Call) -> Outcome<Response> {
    stored::clear(call.connection, call.user())?;
    Ok(Response::no_content())
}

pub fn prefer_workspace(call: &Call) -> Outcome<Response> {
    let workspace_id = call.body()?.required_int("workspace_id")?;
    let workspace = call.workspace_of(workspace_id)?;
    let preferences = stored::set(call.connection, call.user(), workspace.id, None)?;
    Ok(Response::json(200, &to_json(call.user(), preferences)))
}

pub fn prefer_project(call: &Call) -> Outcome<Response> {
    let body = call.body()?;
    let workspace_id = body.required_int("workspace_id")?;
    let project_id = body.required_int("project_id")?;
    let workspace = call.workspace_of(workspace_id)?;
    let project = store::projects::get(call.connection, workspace.id, project_id)?;
    let preferences = stored::set(call.connection, call.user(), workspace.id, Some(project.id))?;
    Ok(Response::json(200, &to_json(call.user(), preferences)))
}
