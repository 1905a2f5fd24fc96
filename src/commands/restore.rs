//! `anyt sync restore`: queues again what a force sync, a resolution or `queue drop` threw away.

use super::Session;
use super::screen::{describe, plural};
use super::workbench::Workbench;
use crate::document::{integer, object, text};
use crate::error::{Error, Result};
use crate::sync::discard::{Discard, EDITED, OVERRULED};
use crate::sync::local;
use miniserde::json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub fn run(session: &mut Session) -> Result<()> {
    let mut bench = Workbench::open(session)?;
    let files = bench.discard.files()?;
    if session.call.has("list") || (session.call.arguments().is_empty() && !session.call.has("last")) {
        return list(session, &files);
    }
    let path = match session.call.arguments().first() {
        Some(typed) => named(&files, typed),
        None => files.first().cloned(),
    };
    let path = path.ok_or_else(|| Error::failure("nothing was thrown away in this environment"))?;
    let operations = Discard::read(&path)?;
    let _held = bench.lock()?.hold(Duration::from_secs(1))?;
    let queued = local::restore(&mut bench.cache, &bench.journal, operations)?;
    for operation in &queued {
        session.out.say(&format!("  {}", describe(operation)))?;
    }
    let count = queued.len();
    session.answer(
        || object([("restored", integer(count as i64))]),
        |out| out.say(&format!("✓ Queued {count} {} again; send them: anyt sync", plural(count, "operation"))),
    )
}

/// What a file keeps, where that is not a change of ours that was given up.
fn kept(path: &Path) -> &'static str {
    match Discard::reason(path).as_deref() {
        Some(OVERRULED) => ": the server's version",
        Some(EDITED) => ": edited by hand, never sent",
        _ => "",
    }
}

/// A file by its path, or by its name in the discarded folder.
fn named(files: &[PathBuf], typed: &str) -> Option<PathBuf> {
    let by_name = files.iter().find(|path| path.file_name().is_some_and(|name| name == typed));
    by_name.cloned().or_else(|| Some(PathBuf::from(typed)))
}

fn list(session: &mut Session, files: &[PathBuf]) -> Result<()> {
    let described: Vec<(&Path, Vec<String>)> = files
        .iter()
        .map(|path| {
            let operations = Discard::read(path).unwrap_or_default();
            (path.as_path(), operations.iter().map(describe).collect())
        })
        .collect();
    session.answer(
        || {
            let items = described
                .iter()
                .map(|(path, lines)| {
                    object([
                        ("file", text(path.display().to_string())),
                        ("reason", Discard::reason(path).map_or(Value::Null, text)),
                        ("operations", Value::Array(lines.iter().map(text).collect())),
                    ])
                })
                .collect();
            object([("items", Value::Array(items))])
        },
        |out| {
            if described.is_empty() {
                return out.line("Nothing was thrown away");
            }
            for (path, lines) in &described {
                out.line(&path.display().to_string())?;
                let what = kept(path);
                lines.iter().try_for_each(|line| out.line(&format!("  {line}{what}")))?;
            }
            out.say("Queue one again: anyt sync restore FILE, or the newest: anyt sync restore --last")
        },
    )
}
