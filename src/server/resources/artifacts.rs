//! Artifacts of attempts (api.md 2.12). Choices where the contract leaves it open: content is text, of any length that a
//! request may have; `uri` is the path of its download; a download is a JSON string for clients that accept JSON, as
//! the published ones do, and else an attachment of plain text, whatever `mime_type` says, so that no browser runs what an
//! agent has left.

use crate::http::Response;
use crate::limits;
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::resources::{attempts, stored_json};
use crate::routes::Call;
use crate::store::artifacts::{self as stored, Artifact};
use crate::wire::{self, Json, object};
use anyt::time::Timestamp;
use miniserde::json::{self, Value};

/// Characters of the preview.
const PREVIEW: usize = 200;

fn to_json(artifact: Artifact, workspace_id: i64) -> Value {
    object([
        ("id", artifact.id.json()),
        ("attempt_id", artifact.attempt_id.json()),
        ("type", artifact.kind.json()),
        ("name", artifact.name.json()),
        ("uri", format!("/v1/workspaces/{workspace_id}/artifacts/{}/download", artifact.id).json()),
        ("size_bytes", artifact.size_bytes.json()),
        ("mime_type", artifact.mime_type.json()),
        ("preview", artifact.preview.json()),
        ("extra_metadata", stored_json(artifact.extra_metadata)),
        ("created_at", artifact.created_at.json()),
    ])
}

pub fn list(call: &Call) -> Outcome<Response> {
    let attempt = attempts::named(call)?;
    let workspace = call.workspace()?.id;
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let (items, total) = stored::list(call.connection, attempt.id, part)?;
    let items = items.into_iter().map(|artifact| to_json(artifact, workspace)).collect();
    Ok(Response::json(200, &wire::page(items, total, part)))
}

/// Those of a whole workspace, by when they were made: no published client asks for it.
pub fn list_of_workspace(call: &Call) -> Outcome<Response> {
    let (workspace, part) = (call.workspace()?.id, call.query.page(PER_PAGE, MOST_PER_PAGE)?);
    let since = call.query.instant("updated_after")?.unwrap_or(i64::MIN);
    let (items, total) = stored::made(call.connection, workspace, since, part)?;
    let items = items.into_iter().map(|artifact| to_json(artifact, workspace)).collect();
    Ok(Response::json(200, &wire::page(items, total, part)))
}

pub fn create(call: &Call) -> Outcome<Response> {
    let attempt = attempts::named(call)?;
    let workspace = call.workspace()?.id;
    let body = call.body()?;
    let content = body.text("content")?.ok_or_else(|| Problem::invalid("content", "is required"))?;
    let mime_type = body.text("mime_type")?.map(|text| limits::title("mime_type", text)).transpose()?;
    let metadata = body.object("extra_metadata")?.map(|object| json::to_string(&Value::Object(object.clone())));
    let artifact = Artifact {
        id: 0,
        attempt_id: attempt.id,
        kind: body.name("type")?.into(),
        name: body.name("name")?.into(),
        mime_type: mime_type.map(str::to_string),
        extra_metadata: metadata,
        size_bytes: content.len() as i64,
        preview: content.chars().take(PREVIEW).collect(),
        created_at: Timestamp(0),
    };
    let id = stored::create(call.connection, &artifact, content)?;
    let note = Note::new("artifact", id, "created").on_task(attempt.task_id);
    note.with("name", artifact.name.json()).write(call, workspace)?;
    Ok(Response::json(201, &to_json(stored::get(call.connection, workspace, id)?, workspace)))
}

fn named(call: &Call) -> Outcome<Artifact> {
    stored::get(call.connection, call.workspace()?.id, call.id(1, "artifact")?)
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(named(call)?, call.workspace()?.id)))
}

pub fn download(call: &Call) -> Outcome<Response> {
    let content = stored::content(call.connection, named(call)?.id)?;
    if call.request.header("Accept").is_some_and(|accept| accept.contains("application/json")) {
        return Ok(Response::json(200, &content.json()));
    }
    let response = Response::text("text/plain; charset=utf-8", content);
    Ok(response.with_header("Content-Disposition", "attachment").with_header("X-Content-Type-Options", "nosniff"))
}
