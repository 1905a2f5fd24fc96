//! Coding agents: which there are, and their settings in a workspace or of a user in it (api.md 2.18). The server runs none
//! of them: it keeps what their users want to have at hand.

use crate::dispatch::Service;
use crate::http::Response;
use crate::input::one_of;
use crate::problem::{Outcome, Problem};
use crate::resources::stored_json;
use crate::resources::task_input::CODING_AGENTS;
use crate::routes::Call;
use crate::store::agent_configs::{self as stored, AgentConfig, Change, Place};
use crate::wire::{Json, object};
use miniserde::json::{self, Number, Object, Value};

/// As the clients call them.
const NAMES: [&str; 3] = ["Claude Code", "Codex", "Gemini CLI"];

pub fn catalogue(_: &Service) -> Response {
    let entry = |(agent, name): (&str, &str)| {
        object([
            ("agent_type", agent.json()),
            ("name", name.json()),
            ("description", name.json()),
            ("website_url", Value::Null),
            ("documentation_url", Value::Null),
            ("supported_models", Vec::<String>::new().json()),
            ("features", Vec::<String>::new().json()),
        ])
    };
    let entries: Vec<Value> = CODING_AGENTS.into_iter().zip(NAMES).map(entry).collect();
    Response::json(200, &entries.json())
}

fn to_json(config: AgentConfig) -> Value {
    object([
        ("id", config.id.json()),
        ("workspace_id", config.workspace_id.json()),
        ("user_id", config.user_id.json()),
        ("agent_type", config.agent_type.json()),
        ("display_name", config.display_name.json()),
        ("is_enabled", config.is_enabled.json()),
        ("config", stored_json(config.config)),
        ("created_at", config.created_at.json()),
        ("updated_at", config.updated_at.json()),
    ])
}

fn of_workspace<'a>(call: &'a Call) -> Outcome<Place<'a>> {
    Ok((call.workspace()?.id, ""))
}

fn of_user<'a>(call: &'a Call) -> Outcome<Place<'a>> {
    Ok((call.workspace()?.id, call.user()))
}

pub fn list(call: &Call) -> Outcome<Response> {
    show_all(call, of_workspace(call)?)
}

pub fn list_own(call: &Call) -> Outcome<Response> {
    show_all(call, of_user(call)?)
}

pub fn get(call: &Call) -> Outcome<Response> {
    show(call, of_workspace(call)?)
}

pub fn get_own(call: &Call) -> Outcome<Response> {
    show(call, of_user(call)?)
}

pub fn put(call: &Call) -> Outcome<Response> {
    keep(call, of_workspace(call)?)
}

pub fn put_own(call: &Call) -> Outcome<Response> {
    keep(call, of_user(call)?)
}

pub fn delete(call: &Call) -> Outcome<Response> {
    discard(call, of_workspace(call)?)
}

pub fn delete_own(call: &Call) -> Outcome<Response> {
    discard(call, of_user(call)?)
}

fn show_all(call: &Call, place: Place) -> Outcome<Response> {
    let configs = stored::list(call.connection, place)?;
    Ok(Response::json(200, &configs.into_iter().map(to_json).collect::<Vec<_>>().json()))
}

/// The agent of the path. Python clients write an enumeration's member as they call it: `CodingAgentType.CLAUDE_CODE`.
fn agent(call: &Call) -> String {
    let word = call.argument(1);
    word.strip_prefix("CodingAgentType.").map_or_else(|| word.to_string(), str::to_ascii_lowercase)
}

fn show(call: &Call, place: Place) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(stored::get(call.connection, place, &agent(call))?)))
}

fn keep(call: &Call, place: Place) -> Outcome<Response> {
    let agent = agent(call);
    let agent = one_of("agent_type", &agent, &CODING_AGENTS)?;
    let body = call.body()?;
    let config = body.object("config")?.map(settings).transpose()?;
    let change = Change {
        display_name: body.new_name("display_name")?,
        is_enabled: body.bool("is_enabled")?,
        config: config.as_deref(),
    };
    Ok(Response::json(200, &to_json(stored::put(call.connection, place, agent, &change)?)))
}

/// Members that clients know have their type; `null` is none.
fn settings(object: &Object) -> Outcome<String> {
    let mut kept = Object::new();
    for (name, value) in object {
        let fits = match (name.as_str(), value) {
            (_, Value::Null) => continue,
            ("model" | "custom_system_prompt", value) => matches!(value, Value::String(_)),
            ("additional_args", Value::Array(items)) => items.iter().all(|item| matches!(item, Value::String(_))),
            ("additional_args", _) => false,
            ("timeout_seconds" | "max_retries", value) => {
                matches!(value, Value::Number(Number::I64(_) | Number::U64(_)))
            }
            ("environment_vars", value) => matches!(value, Value::Object(_)),
            _ => true,
        };
        if !fits {
            return Err(Problem::invalid("config", format!("{name} has the wrong type")));
        }
        kept.insert(name.clone(), value.clone());
    }
    Ok(json::to_string(&Value::Object(kept)))
}

fn discard(call: &Call, place: Place) -> Outcome<Response> {
    stored::delete(call.connection, place, &agent(call))?;
    Ok(Response::no_content())
}
