//! `anyt sync restore`: queues again what a force sync, a resolution or `queue drop` threw away.

use super::Session;
use super::screen::{describe, plural};
use super::workbench::Workbench;
use crate::cache::Cache;
use crate::document::{integer, object, optional, text};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::sync::discard::{Discard, Discarded, EDITED, OVERRULED};
use crate::sync::local;
use miniserde::json::Value;
use std::path::PathBuf;
use std::time::Duration;

pub fn run(session: &mut Session) -> Result<()> {
    let mut bench = Workbench::open(session)?;
    let files = bench.discard.files()?;
    if session.call.has("list") || (session.call.arguments().is_empty() && !session.call.has("last")) {
        return list(session, &bench.cache, &files);
    }
    let path = match session.call.arguments().first() {
        Some(typed) => named(&files, typed),
        None => last(&bench.cache, files)?,
    };
    if !path.exists() {
        return Err(Error::failure(format!("there is no file {}", path.display()))
            .hint("what was thrown away: anyt sync restore --list"));
    }
    let Discarded { kept, restored, .. } = Discarded::read(&path)?;
    if kept.is_empty() {
        return Err(Error::failure(format!("{} keeps nothing: its writing was interrupted", path.display()))
            .hint("what it was about is still queued: anyt sync queue"));
    }
    let _held = bench.lock()?.hold(Duration::from_secs(1))?;
    let all = kept.len();
    let queued = match restored {
        Some(_) => Vec::new(),
        None => local::restore(&mut bench.cache, &bench.journal, kept)?,
    };
    hit("restore.queued");
    if restored.is_none()
        && let Err(error) = Discard::mark_restored(&path)
    {
        session.out.warn(&format!("it is queued again, but its file does not say so: {error}"))?;
    }
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
fn last(cache: &Cache, files: Vec<PathBuf>) -> Result<PathBuf> {
    let mut restored = false;
    for path in files {
        // Of a file whose writing was interrupted the queue has kept everything: edits go after their file.
        let Some(file) = Discarded::read(&path).ok().filter(|file| !file.kept.is_empty()) else { continue };
        if !is_restored(cache, &file)? {
            return Ok(path);
        }
        restored = true;
    }
    Err(Error::failure(if restored {
        "everything that was thrown away has been restored"
    } else {
        "nothing was thrown away in this environment"
    }))
}

/// The file says so; or everything in it is queued or was sent: whoever restored it died before saying so.
fn is_restored(cache: &Cache, file: &Discarded) -> Result<bool> {
    if file.restored.is_some() {
        return Ok(true);
    }
    for kept in &file.kept {
        if !cache.knows(&kept.operation.op_id)? {
            return Ok(false);
        }
    }
    Ok(!file.kept.is_empty())
}

/// What a file keeps, where that is not a change of ours that was given up.
fn what(file: &Discarded) -> &'static str {
    match file.reason.as_deref() {
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

fn list(session: &mut Session, cache: &Cache, paths: &[PathBuf]) -> Result<()> {
    let mut files = Vec::new();
    for path in paths {
        let nothing = Discarded { kept: Vec::new(), reason: None, restored: None };
        let file = Discarded::read(path).unwrap_or(nothing);
        let lines: Vec<String> = file.kept.iter().map(|kept| describe(&kept.operation)).collect();
        let restored = is_restored(cache, &file)?;
        files.push((path, file, lines, restored));
    }
    session.answer(
        || {
            let items = files
                .iter()
                .map(|(path, file, lines, restored)| {
                    object([
                        ("file", text(path.display().to_string())),
                        ("reason", optional(&file.reason)),
                        ("operations", Value::Array(lines.iter().map(text).collect())),
                        ("restored", Value::Bool(*restored)),
                    ])
                })
                .collect();
            object([("items", Value::Array(items))])
        },
        |out| {
            if files.is_empty() {
                return out.line("Nothing was thrown away");
            }
            for (path, file, lines, restored) in &files {
                let state = match (restored, lines.is_empty()) {
                    (true, _) => " (restored)",
                    (_, true) => " (damaged or never finished)",
                    _ => "",
                };
                out.line(&format!("{}{state}", path.display()))?;
                let what = what(file);
                lines.iter().try_for_each(|line| out.line(&format!("  {line}{what}")))?;
            }
            out.say("Queue one again: anyt sync restore FILE, or the newest: anyt sync restore --last")
        },
    )
}
