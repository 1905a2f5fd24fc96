//! `anyt sync status` and `anyt sync log`.

use super::Session;
use super::context::EnvContext;
use super::describe::describe;
use super::session::Effort;
use crate::document::{integer, list as list_of, object, optional, text};
use crate::error::{Error, Result};
use crate::model::{Operation, State};
use crate::store::LogEntry;
use crate::time::{Timestamp, parse_span};
use crate::ui::{Column, Output, Table};
use miniserde::json::Value;

/// Operations listed before the rest is only counted.
const LISTED: usize = 20;

pub fn run(session: &mut Session) -> Result<u8> {
    let ctx = EnvContext::open(session)?;
    let pending = ctx.store.waiting()?;
    let conflicts = ctx.store.conflicts()?;
    let last = ctx.store.metadata("last_sync")?.and_then(|text| Timestamp::parse(&text));
    let now = Timestamp::now();
    let limits = limits(session, pending.len(), last, now);
    let connection = if limits.is_some() { None } else { connection(session, &ctx)? };
    let refused = pending.iter().filter(|operation| refusal(operation).is_some()).count();
    session.answer(
        || {
            let operations = pending.iter().map(|operation| text(describe(operation))).collect();
            object([
                ("environment", text(ctx.env.name.to_string())),
                ("pending", integer(pending.len() as i64)),
                ("operations", Value::Array(operations)),
                ("refused", integer(refused as i64)),
                ("conflicts", Value::Array(conflicts.iter().map(|c| text(&c.name)).collect())),
                ("last_sync", last.map_or(Value::Null, |last| text(last.rfc3339()))),
                ("connection", connection.map_or(Value::Null, |(word, _)| text(word))),
            ])
        },
        |out| {
            if let Some(limits) = &limits {
                return if limits.is_ok() { out.say("ok") } else { Ok(()) };
            }
            out.line(&format!("Pending operations: {}", pending.len()))?;
            for operation in pending.iter().take(LISTED) {
                let refused = refusal(operation).map_or_else(String::new, |error| format!(": refused: {error}"));
                out.line(&format!("  - {}{refused}", describe(operation)))?;
            }
            if pending.len() > LISTED {
                out.line(&format!("  ... and {} more: anyt sync queue", pending.len() - LISTED))?;
            }
            if !conflicts.is_empty() {
                out.line("")?;
                out.line(&format!("Conflicts waiting: {}", conflicts.len()))?;
                conflicts.iter().try_for_each(|conflict| out.line(&format!("  - {}", conflict.name)))?;
            }
            out.line("")?;
            out.line(&format!("Last sync: {}", last.map_or_else(|| "never".to_string(), |last| last.ago(now))))?;
            connection.map_or(Ok(()), |(word, sign)| show_connection(out, word, sign))
        },
    )?;
    limits.unwrap_or(Ok(())).map(|()| 0)
}

fn refusal(operation: &Operation) -> Option<&str> {
    match &operation.state {
        State::Rejected(message) => Some(message),
        _ => None,
    }
}

fn show_connection(out: &mut Output, word: &str, sign: &str) -> Result<()> {
    let capital: String = word[..1].to_ascii_uppercase() + &word[1..];
    out.line(&format!("Connection: {capital}{sign}"))
}

/// `--max-age` and `--max-pending`: whether they are kept, where one was given. The answer is the exit code, and no socket
/// is opened.
fn limits(session: &Session, pending: usize, last: Option<Timestamp>, now: Timestamp) -> Option<Result<()>> {
    let max_age = session.call.given("max-age").and_then(parse_span);
    let max_pending = session.call.number("max-pending");
    if max_age.is_none() && max_pending.is_none() {
        return None;
    }
    let mut broken = Vec::new();
    if let Some(max_age) = max_age {
        match last {
            None => broken.push("it was never synced".to_string()),
            Some(last) if last.age(now) > max_age => broken.push(format!("the last sync was {}", last.ago(now))),
            Some(_) => {}
        }
    }
    if max_pending.is_some_and(|max| pending as u64 > max) {
        broken.push(format!("{pending} operations are pending"));
    }
    let kept = broken.is_empty();
    Some(if kept { Ok(()) } else { Err(Error::failure(broken.join(", ")).hint("run: anyt sync")) })
}

/// Whether the server answers, asked with a deadline of a second. Nobody is asked while a sync is at work, or under
/// `--offline` and `--quiet`.
fn connection(session: &mut Session, ctx: &EnvContext) -> Result<Option<(&'static str, &'static str)>> {
    if session.call.has("offline") || session.call.has("quiet") {
        return Ok(None);
    }
    // Where no lock can be made nothing holds it either.
    if !ctx.lock().and_then(|lock| lock.is_free()).unwrap_or(true) {
        return Ok(Some(("syncing", "")));
    }
    let http = session.http(&ctx.env, None, Effort::Probe)?;
    Ok(Some(if http.health().is_ok() { ("online", " ✓") } else { ("offline", " ✗") }))
}

pub fn log(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open(session)?;
    let limit = session.call.number("limit").and_then(|limit| u32::try_from(limit).ok()).unwrap_or(20);
    let entries = ctx.store.log(if limit == 0 { u32::MAX } else { limit })?;
    let verbose = session.call.count("verbose") > 0;
    let document = |entry: &LogEntry| {
        object([
            ("direction", text(&entry.direction)),
            ("synced_at", text(&entry.synced_at)),
            ("changes", integer(entry.changes)),
            ("conflicts", integer(entry.conflicts)),
            ("errors", integer(entry.errors)),
            ("detail", optional(&entry.detail)),
        ])
    };
    session.item(|| document(&LogEntry::default()));
    session.answer(
        || list_of(entries.iter().map(document).collect()),
        |out| {
            if entries.is_empty() {
                return out.warn("nothing was synced yet; run: anyt sync");
            }
            let mut table = Table::new([
                Column::left("WHEN"),
                Column::left("DIRECTION"),
                Column::right("CHANGES"),
                Column::right("CONFLICTS"),
                Column::right("ERRORS"),
                Column::left(if verbose { "DETAIL" } else { "" }),
            ]);
            for entry in &entries {
                let when = Timestamp::on_screen(&entry.synced_at);
                let numbers = [entry.changes, entry.conflicts, entry.errors].map(|number| number.to_string());
                let detail = entry.detail.as_deref().filter(|_| verbose || entry.errors > 0).unwrap_or("");
                table.row([&when, &entry.direction, &numbers[0], &numbers[1], &numbers[2], detail]);
            }
            table.print(out)
        },
    )
}
