//! `anyt sync restore`: queues again what a force sync, a resolution or `queue drop` threw away, and shows texts that were
//! typed in an editor and could not be used.

use super::Session;
use super::context::EnvContext;
use super::describe::describe;
use super::reporter::plural;
use crate::document::{integer, list as list_of, object, text};
use crate::error::{Error, Result};
use crate::model::task::{DESCRIPTION, TASK};
use crate::model::{Kept, Row, State, Value as FieldValue};
use crate::store::{Discarded, Store};
use crate::sync::restore::{Restored, is_whole, restore};
use crate::time::Timestamp;
use crate::ui::{Column, Table};
use miniserde::json::Value;

pub fn run(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open(session)?;
    let entries = ctx.store.discarded()?;
    let (damaged, path) = ctx.store.damaged_discarded()?;
    if damaged > 0 {
        let lines = plural(damaged, "line");
        session.out.warn(&format!("{damaged} {lines} cannot be read, and stay where they are: {}", path.display()))?;
    }
    if session.call.has("list") || (session.call.arguments().is_empty() && !session.call.has("last")) {
        return list(session, &ctx.store, &entries);
    }
    let entry = match session.call.arguments().first() {
        Some(typed) => numbered(&entries, typed)?,
        None => last(&ctx.store, &entries)?,
    };
    if let Some(typed) = typed_text(entry) {
        return show_text(session, entry, typed);
    }
    let Restored { operations, known, without } = restore(&mut ctx.store, entry)?;
    if entry.restored.is_none()
        && let Err(error) = ctx.store.mark_restored(&[entry.number])
    {
        session.out.warn(&format!("it is queued again, but discarded.jsonl does not say so: {error}"))?;
    }
    for operation in &operations {
        session.out.say(&format!("  {}", describe(operation)))?;
    }
    let count = operations.len();
    if !without.is_empty() {
        session.out.warn(&format!("{} comes back: what that names is no longer here", without.join(", ")))?;
    }
    if known > 0 {
        session.out.warn(&format!("{known} {} restored before, and not again", plural(known, "operation")))?;
    }
    session.answer(
        || object([("restored", integer(count as i64)), ("known", integer(known as i64))]),
        |out| match count {
            0 => out.say("Nothing to queue again"),
            _ => out.say(&format!("✓ Queued {count} {} again; send them: anyt sync", plural(count, "operation"))),
        },
    )
}

/// A text that was typed about a conflict and could not be used, as an entry of discarded.jsonl: the description of a row
/// that has nothing else but its name.
pub fn keep_text(store: &mut Store, identifier: &str, text: &str) -> Result<String> {
    let mut row = Row::new(&TASK);
    row.name = identifier.to_string();
    row.set(DESCRIPTION, FieldValue::Text(text.to_string()));
    let kept = Kept { reason: "edited", row: Some(row), operations: Vec::new() };
    let number = store.discard(&[kept])?.first().copied().unwrap_or(0);
    Ok(format!("anyt sync restore {number}"))
}

fn typed_text(entry: &Discarded) -> Option<&str> {
    entry.row.as_ref().filter(|_| entry.reason == "edited" && entry.operations.is_empty())?.description()
}

fn show_text(session: &mut Session, entry: &Discarded, typed: &str) -> Result<()> {
    let about = entry.row.as_ref().map_or("", |row| row.name.as_str());
    session.out.say(&format!("Text typed about {about} that could not be used:"))?;
    session.answer(
        || object([("identifier", text(about)), ("text", text(typed))]),
        |out| typed.lines().try_for_each(|line| out.line(line)),
    )
}

fn numbered<'a>(entries: &'a [Discarded], typed: &str) -> Result<&'a Discarded> {
    let number: Option<i64> = typed.trim_start_matches('#').parse().ok();
    entries.iter().find(|entry| Some(entry.number) == number).ok_or_else(|| {
        Error::not_found(format!("there is no entry {typed}")).hint("see what was discarded: anyt sync restore --list")
    })
}

/// The newest entry that was not restored yet.
fn last<'a>(store: &Store, entries: &'a [Discarded]) -> Result<&'a Discarded> {
    for entry in entries.iter().filter(|entry| !entry.operations.is_empty()) {
        if !is_restored(store, entry)? {
            return Ok(entry);
        }
    }
    Err(Error::failure(if entries.is_empty() {
        "nothing was discarded in this environment"
    } else {
        "everything that was discarded has been restored"
    }))
}

/// The entry says so; or everything that was dropped with it is queued or was sent: whoever restored it died before saying
/// so.
fn is_restored(store: &Store, entry: &Discarded) -> Result<bool> {
    if entry.restored.is_some() {
        return Ok(true);
    }
    for operation in entry.operations.iter().filter(|_| is_whole(entry)) {
        match store.operation(&operation.op_id)?.map(|operation| operation.state) {
            None | Some(State::Dropped(_)) => return Ok(false),
            Some(_) => {}
        }
    }
    Ok(is_whole(entry) && !entry.operations.is_empty())
}

/// What an entry keeps, where that is not a change of ours that was dropped.
fn what(entry: &Discarded) -> &'static str {
    match entry.reason.as_str() {
        "overruled" => ": the server's version",
        "edited" => ": edited by hand, never sent",
        "not taken" => ": not taken by the server as it was sent",
        "lost" => ": lost by the server",
        _ => "",
    }
}

fn lines(entry: &Discarded) -> Vec<String> {
    if let Some(row) = entry.row.as_ref().filter(|_| entry.operations.is_empty()) {
        let title = if row.title().is_empty() { String::new() } else { format!(" '{}'", row.title()) };
        return vec![format!("{}{title}", row.name)];
    }
    entry.operations.iter().map(describe).collect()
}

fn list(session: &mut Session, store: &Store, entries: &[Discarded]) -> Result<()> {
    let mut items = Vec::new();
    for entry in entries {
        let restored = is_restored(store, entry)?;
        // What was edited by hand and then used was kept in case the run ended before: it is in the queue, or was sent.
        if !(restored && entry.reason == "edited") {
            items.push((entry, lines(entry), restored));
        }
    }
    let document = |(entry, lines, restored): &(&Discarded, Vec<String>, bool)| {
        object([
            ("number", integer(entry.number)),
            ("at", text(&entry.at)),
            ("reason", text(&entry.reason)),
            ("operations", Value::Array(lines.iter().map(text).collect())),
            ("restored", Value::Bool(*restored)),
        ])
    };
    session.item(|| document(&(&Discarded::default(), Vec::new(), false)));
    session.answer(
        || list_of(items.iter().map(document).collect()),
        |out| {
            if items.is_empty() {
                return out.line("Nothing was discarded");
            }
            let mut table = Table::new([
                Column::left("#").whole(),
                Column::left("WHEN"),
                Column::left("WHY"),
                Column::left("OPERATION"),
            ]);
            let now = Timestamp::now();
            for (entry, lines, restored) in &items {
                let when = Timestamp::parse(&entry.at).map_or_else(String::new, |at| at.ago(now));
                let why = format!("{}{}", entry.reason, if *restored { " (restored)" } else { "" });
                for (at, line) in lines.iter().enumerate() {
                    let line = format!("{line}{}", what(entry));
                    let number = format!("#{}", entry.number);
                    table.row(if at == 0 { [number.as_str(), &when, &why, &line] } else { ["", "", "", &line] });
                }
            }
            table.print(out)?;
            out.say("Queue one again: anyt sync restore N, or the newest: anyt sync restore --last")
        },
    )
}
