//! `anyt artifact`: what attempts leave, listed from the cache; contents are read from the server once, and kept.

use super::attempt::attempt_named;
use super::context::EnvContext;
use super::deliver::write_mode;
use super::report::{bring, report};
use super::session::Effort;
use super::typed::{LONGEST_TEXT, SILENCE};
use super::{Session, below};
use crate::document::{shown_row, text};
use crate::error::{Error, Result};
use crate::model::artifact::{ARTIFACT, ATTEMPT, CONTENT, MIME_TYPE, NAME, PREVIEW_TEXT, SIZE, TYPE};
use crate::model::{Patch, Row, Value};
use crate::pipe::{self, Patience};
use crate::store::ShownRow;
use crate::sync::edits;
use crate::sync::remote::{RemoteError, to_error};
use crate::time::Timestamp;
use crate::ui::{Column, Output, Table, sanitise};
use miniserde::json;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

/// Bytes of a request that a server takes without being told to take more, less what is around the content.
const LONGEST: usize = (1 << 20) - (4 << 10);

const WAIT: Patience = Patience { for_a_writer: Duration::from_secs(10), for_all: SILENCE };

pub fn add(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let arguments = session.call.arguments().to_vec();
    let attempt = attempt_named(session, &ctx, &arguments[0])?;
    below::refuse_absent(&ctx, &ARTIFACT, attempt.workspace_id)?;
    let file = Path::new(&arguments[1]);
    let from_stdin = arguments[1] == "-";
    let content = if from_stdin { pipe::stdin(LONGEST_TEXT, SILENCE)? } else { pipe::read(file, LONGEST_TEXT, WAIT)? };
    let named = match from_stdin {
        true => "stdin".into(),
        false => file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let name = session.call.given("name").map_or(named, |name| name.trim().to_string());
    let kind = session.call.value("type").unwrap_or_default().trim().to_string();
    if name.is_empty() || kind.is_empty() {
        return Err(Error::usage("the artifact's name and type must not be empty"));
    }
    let set = made(&attempt, name, &kind, content, session.call.given("mime-type"))?;
    let mode = write_mode(session, &ctx)?;
    let queued = edits::create(&mut ctx.store, &ARTIFACT, attempt.workspace_id, &set)?;
    let change = bring(session, &mut ctx, &mode, "Added", None, &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

/// The values of an artifact of `attempt`.
///
/// # Errors
/// The content is no text, or longer than a server takes.
pub fn made(attempt: &Row, name: String, kind: &str, content: Vec<u8>, mime_type: Option<&str>) -> Result<Patch> {
    let content = String::from_utf8(content)
        .map_err(|_| Error::failure(format!("{name} is not text in UTF-8, which is all that an artifact can hold")))?;
    let length = json::to_string(&content).len();
    if length > LONGEST {
        return Err(Error::failure(format!("{name} takes {length} bytes as JSON; an artifact can have {LONGEST}")));
    }
    let mut set = Patch::from([
        (NAME, Value::Text(name)),
        (TYPE, Value::Text(kind.to_string())),
        (CONTENT, Value::Text(content)),
        (ATTEMPT, Value::Int(attempt.id)),
    ]);
    set.extend(mime_type.map(|mime_type| (MIME_TYPE, Value::Text(mime_type.to_string()))));
    Ok(set)
}

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments()[0].clone();
    let attempt = attempt_named(session, &ctx, &typed)?;
    below::list(session, &ctx, &ARTIFACT, &attempt, print)
}

/// The artifacts, a line each.
pub fn print(out: &mut Output, rows: &[ShownRow]) -> Result<()> {
    let mut table = Table::new([
        Column::left("ARTIFACT").whole(),
        Column::left(""),
        Column::left("TYPE"),
        Column::left("NAME"),
        Column::right("BYTES"),
    ]);
    for ShownRow { row, pending, .. } in rows {
        let size = row.int(SIZE).map_or_else(String::new, |size| size.to_string());
        let mark = if *pending { "*" } else { "" };
        table.row([&row.name, mark, row.text(TYPE).unwrap_or(""), row.text(NAME).unwrap_or(""), &size]);
    }
    table.print(out)
}

pub fn show(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let row = artifact_named(session, &ctx)?;
    let pending = ctx.store.is_pending(row.kind, row.id)?;
    session.answer(
        || shown_row(&row, pending),
        |out| {
            let mark = if pending { " (waits for sync)" } else { "" };
            out.line(&format!("{}: {}{mark}", row.name, row.text(NAME).unwrap_or("")))?;
            for field in [TYPE, MIME_TYPE, SIZE] {
                if *row.get(field) != Value::Null {
                    out.line(&format!("{}: {}", field.word, row.get(field)))?;
                }
            }
            out.line(&format!("created: {}", Timestamp::with_age(&row.created_at)))?;
            match row.text(PREVIEW_TEXT).filter(|preview| !preview.is_empty()) {
                Some(preview) => out.raw(&format!("\n{}\n", sanitise::text(preview.trim_end()))),
                None => Ok(()),
            }
        },
    )
}

pub fn get(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open_here(session)?;
    let row = artifact_named(session, &ctx)?;
    let content = content(session, &mut ctx, &row)?;
    if let Some(file) = session.call.given("output") {
        let path = Path::new(file);
        std::fs::write(path, &content).map_err(|error| Error::io("write", path, error))?;
        return session.answer(|| shown_row(&row, row.is_provisional()), |out| out.say(&format!("✓ Wrote {file}")));
    }
    session.answer(
        || {
            let mut document = shown_row(&row, row.is_provisional());
            if let json::Value::Object(members) = &mut document {
                members.insert("content".into(), text(&content));
            }
            document
        },
        |out| match std::io::stdout().is_terminal() {
            true => out.raw(&sanitise::text(&content)),
            false => out.raw(&content),
        },
    )
}

/// The content of an artifact that waits here or was read before; else the server's, which is then kept.
fn content(session: &mut Session, ctx: &mut EnvContext, row: &Row) -> Result<String> {
    if let Some(content) = row.text(CONTENT) {
        return Ok(content.to_string());
    }
    if let Some(content) = ctx.store.content(row)? {
        return Ok(content);
    }
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let found = http.content(&ARTIFACT, row.workspace_id, row.id).map_err(|error| not_read(error, &ctx.env.origin))?;
    let content = found.ok_or_else(|| Error::failure(format!("{} is no longer on the server", row.name)))?;
    // A copy for later: a cache that cannot be written now costs nobody the content.
    let _ = ctx.store.keep_content(row, &content);
    Ok(content)
}

/// Why a content is not there.
fn not_read(error: RemoteError, origin: &str) -> Error {
    match to_error(error, origin) {
        error @ Error::Unreachable { .. } => {
            error.hint("its content is not in the cache; once it was read, it is kept")
        }
        error => error,
    }
}

/// `DEV-42@7/3`, or the server's id.
fn artifact_named(session: &Session, ctx: &EnvContext) -> Result<Row> {
    let typed = &session.call.arguments()[0];
    if let Some(row) = below::by_id(ctx, &ARTIFACT, typed)? {
        return Ok(row);
    }
    let Some((attempt, number)) = typed.rsplit_once(ARTIFACT.mark()) else {
        return Err(Error::usage(format!("'{typed}' names no artifact")).hint("for example: DEV-42@7/3"));
    };
    below::numbered(ctx, &ARTIFACT, &attempt_named(session, ctx, attempt)?, number)
}
