//! API keys (api.md 2.16). Members have keys of their own; admins see and revoke everybody's.

use crate::auth;
use crate::http::Response;
use crate::input::Body;
use crate::problem::{Outcome, Problem};
use crate::routes::Call;
use crate::store::api_keys::{self as stored, ApiKey};
use crate::store::members;
use crate::store::roles::Role;
use crate::store::secrets;
use crate::token;
use crate::wire::{Json, object};
use anyt::time::Timestamp;
use miniserde::json::Value;

const PERMISSIONS: [&str; 3] = ["read", "write", "execute"];

fn to_json(key: ApiKey) -> Value {
    let is_active = key.expires_at.is_none_or(|end| end > Timestamp::now());
    object([
        ("id", key.id.json()),
        ("workspace_id", key.workspace_id.json()),
        ("name", key.name.json()),
        ("key_prefix", key.prefix.json()),
        ("permissions", key.permissions.json()),
        ("is_active", is_active.json()),
        ("last_used_at", key.last_used_at.json()),
        ("expires_at", key.expires_at.json()),
        ("created_by", key.user_id.json()),
        ("created_at", key.created_at.json()),
    ])
}

/// Whose keys the caller may see and revoke; `None`: everybody's.
fn reach<'a>(call: &'a Call, workspace_id: i64) -> Outcome<Option<&'a str>> {
    let role = members::role_in(call.connection, workspace_id, call.user())?;
    Ok(if role >= Some(Role::Admin) { None } else { Some(call.user()) })
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let keys = stored::list(call.connection, workspace.id, reach(call, workspace.id)?)?;
    Ok(Response::json(200, &keys.into_iter().map(to_json).collect::<Vec<_>>().json()))
}

/// The only time that the key is shown.
pub fn create(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let key = token::make_key()?;
    let salt = secrets::salt(call.connection, &token::random_bytes::<16>()?)?;
    let wanted = ApiKey {
        id: 0,
        workspace_id: workspace.id,
        user_id: call.user().to_string(),
        name: body.name("name")?.to_string(),
        prefix: token::prefix(&key).to_string(),
        permissions: permissions(&body)?,
        created_at: Timestamp(0),
        expires_at: expiry(&body)?,
        last_used_at: None,
    };
    let made = stored::create(call.connection, &wanted, &auth::digest(&salt, key.as_bytes()))?;
    Ok(Response::json(201, &object([("key", key.json()), ("api_key", to_json(made))])))
}

/// Each word once; without any, what most agents need.
fn permissions(body: &Body) -> Outcome<Vec<String>> {
    let Some(given) = body.texts("permissions")? else { return Ok(vec!["read".into(), "write".into()]) };
    if let Some(word) = given.iter().find(|word| !PERMISSIONS.contains(&word.as_str())) {
        return Err(Problem::invalid("permissions", format!("'{word}' is none of {}", PERMISSIONS.join(", "))));
    }
    if given.is_empty() {
        return Err(Problem::invalid("permissions", "must not be empty"));
    }
    Ok(PERMISSIONS.iter().filter(|word| given.iter().any(|given| given == *word)).map(ToString::to_string).collect())
}

fn expiry(body: &Body) -> Outcome<Option<Timestamp>> {
    let Some(text) = body.text("expires_at")? else { return Ok(None) };
    match Timestamp::parse(text) {
        Some(at) if at > Timestamp::now() => Ok(Some(at)),
        Some(_) => Err(Problem::invalid("expires_at", "is over")),
        None => Err(Problem::invalid("expires_at", format!("'{text}' is not an ISO 8601 time"))),
    }
}

pub fn revoke(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let id = call.id(1, "API key")?;
    stored::revoke(call.connection, workspace.id, id, reach(call, workspace.id)?)?;
    Ok(Response::no_content())
}
