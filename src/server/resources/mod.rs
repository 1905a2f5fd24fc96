//! One file per resource of api.md section 2: reads the request, calls the store, writes the JSON. No SQL, no sockets.

pub mod api_keys;
pub mod artifacts;
pub mod attempts;
pub mod coding_agents;
pub mod comments;
pub mod dependencies;
pub mod elsewhere;
pub mod events;
pub mod execution;
pub mod goals;
pub mod labels;
pub mod members;
pub mod plans;
pub mod projects;
pub mod pull_requests;
pub mod service;
pub mod suggest;
pub mod task_input;
pub mod task_views;
pub mod tasks;
pub mod users;
pub mod workspaces;

use miniserde::json::{self, Value};

/// JSON that the store keeps as text; `null` for none.
fn stored_json(text: Option<String>) -> Value {
    text.and_then(|text| json::from_str(&text).ok()).unwrap_or(Value::Null)
}
