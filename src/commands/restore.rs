//! `anyt sync restore`: queues again what a force sync, a resolution or `queue drop` threw away.

use super::Session;
use super::screen::{describe, plural};
use super::workbench::Workbench;
use crate::cache::Cache;
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
        return list(session, &bench.cache, &files);
    }
    let path = match session.call.arguments().first() {
        Some(typed) => Some(named(&files, typed)),
        None => last(&bench.cache, files)?,
    };
    let path = path.ok_or_else(|| Error::failure("nothing was thrown away in this environment"))?;
    let kept = Discard::read(&path)?;
    if kept.is_empty() {
        return Err(Error::failure(format!("{} keeps nothing: its writing was interrupted", path.display()))
            .hint("what it was about is still queued: anyt sync queue"));
    }
    let _held = bench.lock()?.hold(Duration::from_secs(1))?;
    let all = kept.len();
    let queued = local::restore(&mut bench.cache, &bench.journal, kept)?;
    for operation in &queued {
        session.out.say(&format!("  {}", describe(operation)))?;
    }
    let (count, known) = (queued.len(), all - queued.len());
    if known > 0 {
        session.out.warn(&format!("{known} {} restored before, and not again", plural(known, "operation")))?;
    }
    session.answer(
        || object([("restored", integer(count as i64)), ("known", integer(known as i64))]),
        |out| out.say(&format!("✓ Queued {count} {} again; send them: anyt sync", plural(count, "operation"))),
    )
}

/// The newest whole file that was not restored yet.
fn last(cache: &Cache, files: Vec<PathBuf>) -> Result<Option<PathBuf>> {
    for file in files {
        if is_whole(&file) && !is_restored(cache, &file)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Of a file whose writing was interrupted the queue has kept everything: edits go after their file.
fn is_whole(file: &Path) -> bool {
    Discard::read(file).is_ok_and(|kept| !kept.is_empty())
}

/// Everything in the file is queued or was sent.
fn is_restored(cache: &Cache, file: &Path) -> Result<bool> {
    for kept in Discard::read(file).unwrap_or_default() {
        if !cache.knows(&kept.operation.op_id)? {
            return Ok(false);
        }
    }
    Ok(is_whole(file))
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
fn named(files: &[PathBuf], typed: &str) -> PathBuf {
    let by_name = files.iter().find(|path| path.file_name().is_some_and(|name| name == typed));
    by_name.cloned().unwrap_or_else(|| PathBuf::from(typed))
}

fn list(session: &mut Session, cache: &Cache, files: &[PathBuf]) -> Result<()> {
    let mut described: Vec<(&Path, Vec<String>, bool)> = Vec::new();
    for path in files {
        let kept = Discard::read(path).unwrap_or_default();
        let lines = kept.iter().map(|kept| describe(&kept.operation)).collect();
        described.push((path, lines, is_restored(cache, path)?));
    }
    session.answer(
        || {
            let items = described
                .iter()
                .map(|(path, lines, restored)| {
                    object([
                        ("file", text(path.display().to_string())),
                        ("reason", Discard::reason(path).map_or(Value::Null, text)),
                        ("operations", Value::Array(lines.iter().map(text).collect())),
                        ("restored", Value::Bool(*restored)),
                    ])
                })
                .collect();
            object([("items", Value::Array(items))])
        },
        |out| {
            if described.is_empty() {
                return out.line("Nothing was thrown away");
            }
            for (path, lines, restored) in &described {
                let state = match (restored, lines.is_empty()) {
                    (true, _) => " (restored)",
                    (_, true) => " (damaged or never finished)",
                    _ => "",
                };
                out.line(&format!("{}{state}", path.display()))?;
                let what = kept(path);
                lines.iter().try_for_each(|line| out.line(&format!("  {line}{what}")))?;
            }
            out.say("Queue one again: anyt sync restore FILE, or the newest: anyt sync restore --last")
        },
    )
}
