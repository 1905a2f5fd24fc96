//! Attempts (api.md 2.11). Choices where the contract leaves it open: `notes` are kept in `extra_metadata`; metadata is
//! added to what is there; an attempt that has ended can be changed and not finished again (409).

use crate::http::Response;
use crate::input::{Body, one_of};
use crate::model;
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::stored_json;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::attempts::{self as stored, Attempt};
use crate::store::{clock, tasks};
use crate::wire::{self, Json, object};
use anyt::time::Timestamp;
use miniserde::json::{self, Number, Object, Value};

const STATUSES: [&str; 4] = ["running", "success", "failed", "aborted"];

const FAILURES: [&str; 7] =
    ["test_fail", "tool_error", "context_limit", "rate_limit", "permission", "timeout", "unknown"];

/// Those that every client knows that has attempts.
const CODING_AGENTS: [&str; 4] = ["claude_code", "codex", "gemini_cli", "cursor"];

fn to_json(attempt: Attempt) -> Value {
    let state = attempt.state;
    object([
        ("id", attempt.id.json()),
        ("task_id", attempt.task_id.json()),
        ("task_identifier", attempt.task_identifier.json()),
        ("actor_id", attempt.actor_id.json()),
        ("actor_type", attempt.actor_type.json()),
        ("started_at", attempt.started_at.json()),
        ("ended_at", state.ended_at.json()),
        ("status", state.status.json()),
        ("failure_class", state.failure_class.json()),
        ("failure_message", state.failure_message.json()),
        ("cost_tokens", state.cost_tokens.json()),
        ("wall_clock_ms", state.wall_clock_ms.json()),
        ("extra_metadata", stored_json(state.extra_metadata)),
        ("created_at", attempt.created_at.json()),
        ("updated_at", attempt.updated_at.json()),
        ("artifacts_count", attempt.artifacts.json()),
        ("executed_by_coding_agent", attempt.coding_agent.json()),
    ])
}

fn task(call: &Call) -> Outcome<model::Task> {
    Ok(tasks::get(call.connection, &call.workspace()?, call.argument(1))?.task)
}

/// The attempt of the path: its second argument, in the workspace of the first.
pub fn named(call: &Call) -> Outcome<Attempt> {
    stored::get(call.connection, call.workspace()?.id, call.id(1, "attempt")?)
}

pub fn list(call: &Call) -> Outcome<Response> {
    let task = task(call)?;
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let agent = call.query.text("executed_by_coding_agent");
    let (items, total) = stored::list(call.connection, task.id, agent, part)?;
    Ok(Response::json(200, &wire::page(items.into_iter().map(to_json).collect(), total, part)))
}

/// Those of a whole workspace, by what changed: no published client asks for it.
pub fn list_of_workspace(call: &Call) -> Outcome<Response> {
    let (workspace, part) = (call.workspace()?, call.query.page(PER_PAGE, MOST_PER_PAGE)?);
    let since = call.query.instant("updated_after")?.unwrap_or(i64::MIN);
    let (items, total) = stored::changed(call.connection, workspace.id, since, part)?;
    Ok(Response::json(200, &wire::page(items.into_iter().map(to_json).collect(), total, part)))
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(named(call)?)))
}

pub fn start(call: &Call) -> Outcome<Response> {
    let task = task(call)?;
    let body = call.body()?;
    let agent = body.word("executed_by_coding_agent", &CODING_AGENTS)?;
    let metadata = metadata(None, &body)?;
    let actor = (call.user(), call.caller.kind());
    let id = stored::start(call.connection, task.id, actor, agent, metadata.as_deref())?;
    let note = Note::new("attempt", id, "started").on_task(task.id).by_coding_agent(agent);
    note.write(call, task.workspace_id)?;
    Ok(Response::json(201, &to_json(stored::get(call.connection, task.workspace_id, id)?)))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let mut attempt = named(call)?;
    let body = call.body()?;
    if let Some(status) = body.word("status", &STATUSES)? {
        attempt.state.status = status.into();
    }
    if let Some(agent) = body.word("executed_by_coding_agent", &CODING_AGENTS)? {
        attempt.coding_agent = Some(agent.into());
    }
    let ended = body.instant("ended_at")?;
    let is_over = attempt.state.status != "running";
    change(&mut attempt, &body)?;
    attempt.state.ended_at = match ended.or(attempt.state.ended_at) {
        None if is_over => Some(Timestamp(clock::tick(call.connection)?)),
        other => other,
    };
    keep(call, attempt, "updated")
}

pub fn finish(call: &Call) -> Outcome<Response> {
    let mut attempt = named(call)?;
    let body = call.body()?;
    let status = body.text("status")?.ok_or_else(|| Problem::invalid("status", "is required"))?;
    let status = one_of("status", status, &STATUSES[1..])?;
    change(&mut attempt, &body)?;
    if attempt.state.status != "running" {
        let detail = format!("attempt {} has ended with {} already", attempt.id, attempt.state.status);
        return Err(Problem::conflict("attempt-ended", detail));
    }
    attempt.state.status = status.into();
    attempt.state.ended_at = Some(Timestamp(clock::tick(call.connection)?));
    keep(call, attempt, "finished")
}

/// What updating and finishing have in common.
fn change(attempt: &mut Attempt, body: &Body) -> Outcome<()> {
    let state = &mut attempt.state;
    if let Some(class) = body.word("failure_class", &FAILURES)? {
        state.failure_class = Some(class.into());
    }
    if let Some(message) = body.text("failure_message")? {
        state.failure_message = Some(message.into());
    }
    state.cost_tokens = body.amount("cost_tokens")?.or(state.cost_tokens);
    state.wall_clock_ms = body.amount("wall_clock_ms")?.or(state.wall_clock_ms);
    state.extra_metadata = metadata(state.extra_metadata.take(), body)?;
    Ok(())
}

fn keep(call: &Call, attempt: Attempt, event: &'static str) -> Outcome<Response> {
    let workspace = call.workspace()?;
    stored::save(call.connection, &attempt)?;
    let note = Note::new("attempt", attempt.id, event)
        .on_task(attempt.task_id)
        .by_coding_agent(attempt.coding_agent.as_deref())
        .with("status", attempt.state.status.as_str().json());
    note.write(call, workspace.id)?;
    Ok(Response::json(200, &to_json(stored::get(call.connection, workspace.id, attempt.id)?)))
}

/// The metadata that is there with what the body adds; `null` adds nothing. Members that clients know have their type: one
/// of another makes the attempt unreadable for them.
fn metadata(known: Option<String>, body: &Body) -> Outcome<Option<String>> {
    let mut all = match stored_json(known) {
        Value::Object(known) => known,
        _ => Object::new(),
    };
    for (name, value) in body.object("extra_metadata")?.into_iter().flatten() {
        if !matches!(value, Value::Null) {
            let fits = match name.as_str() {
                "model_used" | "execution_environment" | "agent_version" | "notes" => matches!(value, Value::String(_)),
                "temperature" => matches!(value, Value::Number(_)),
                "context_length"
                | "max_tokens"
                | "input_tokens"
                | "output_tokens"
                | "cache_read_tokens"
                | "cache_creation_tokens" => matches!(value, Value::Number(Number::I64(_) | Number::U64(_))),
                _ => true,
            };
            if !fits {
                return Err(Problem::invalid("extra_metadata", format!("{name} has the wrong type")));
            }
            all.insert(name.clone(), value.clone());
        }
    }
    if let Some(notes) = body.text("notes")? {
        all.insert("notes".into(), notes.json());
    }
    Ok(if all.is_empty() { None } else { Some(json::to_string(&Value::Object(all))) })
}
