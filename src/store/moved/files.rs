//! The folders of anyt 0.1.0: each file of discarded/ becomes one entry of discarded.jsonl, each text of drafts/ another. An
//! entry says which file it was, so that an interrupted move does not bring it twice.

use super::operation::{Makers, Parts};
use crate::document::{self, as_text, member};
use crate::error::{Error, Result};
use crate::gather::Gather;
use crate::model::task::{DESCRIPTION, TASK};
use crate::model::{Operation, Row, State, Value as FieldValue};
use crate::store::Files;
use crate::store::discarded::{Entry, append_entries, moved_files};
use crate::time::Timestamp;
use miniserde::json::Value;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Entries that are written at a time.
const AT_A_TIME: usize = 100;

/// Bytes. What is larger was not written by anyt.
const LARGEST: u64 = 1 << 30;

/// Where files that cannot be read stay.
pub(super) fn left_in(folder: &Path) -> PathBuf {
    folder.with_extension("old")
}

/// Writes the entries. Gives how many, and how many files could not be read.
pub(super) fn move_over(db: &Connection, files: &Files) -> Result<(usize, usize)> {
    let names = old_files(files)?;
    if names.is_empty() {
        return Ok((0, 0));
    }
    let known = moved_files(&files.discarded)?;
    let (mut count, mut unreadable) = (0, 0);
    for some in names.chunks(AT_A_TIME) {
        let mut entries = Vec::new();
        for old in some.iter().filter(|old| !known.contains(&old.name)) {
            match old.read() {
                Some(entry) => entries.push(entry),
                None => unreadable += 1,
            }
        }
        count += entries.len();
        append_entries(db, &files.discarded, &entries)?;
    }
    Ok((count, unreadable))
}

/// Removes what has its entry; what could not be read stays, in folders under other names.
pub(super) fn remove_moved(files: &Files) -> Result<()> {
    let known = moved_files(&files.discarded)?;
    for old in old_files(files)?.iter().filter(|old| known.contains(&old.name)) {
        std::fs::remove_file(&old.path).map_err(|e| Error::io("remove", &old.path, e))?;
    }
    for folder in [&files.old_discarded, &files.old_drafts] {
        if std::fs::remove_dir(folder).is_err() && folder.symlink_metadata().is_ok() {
            std::fs::rename(folder, left_in(folder)).map_err(|e| Error::io("move aside", folder, e))?;
        }
    }
    Ok(())
}

struct OldFile {
    path: PathBuf,
    /// `discarded/NAME` or `drafts/NAME`.
    name: String,
    is_draft: bool,
}

/// The files, oldest first.
fn old_files(files: &Files) -> Result<Vec<OldFile>> {
    let mut found: Vec<OldFile> = Vec::new();
    for (folder, extension, is_draft) in [(&files.old_discarded, "jsonl", false), (&files.old_drafts, "md", true)] {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("read", folder, error)),
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_some_and(|found| found == extension) {
                let stem = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
                let name = format!("{}/{}", stem(folder).unwrap_or_default(), stem(&path).unwrap_or_default());
                let before = |other: &OldFile| (other.is_draft, &other.name) < (is_draft, &name);
                found.insert(found.partition_point(before), OldFile { path, name, is_draft });
            }
        }
    }
    Ok(found)
}

impl OldFile {
    /// `None` for what cannot be read.
    fn read(&self) -> Option<Entry> {
        let found = std::fs::symlink_metadata(&self.path).ok()?;
        if !found.is_file() || found.len() > LARGEST {
            return None;
        }
        let bytes = std::fs::read(&self.path).ok()?;
        if self.is_draft {
            let written = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let at = written.and_then(|at| i64::try_from(at.as_micros()).ok()).map_or_else(Timestamp::now, Timestamp);
            return Some(self.draft(&String::from_utf8_lossy(&bytes), at));
        }
        self.discarded(std::str::from_utf8(&bytes).ok()?)
    }

    /// `DEV-42-0123456789abcdef.md`: a text that was typed about a task.
    fn draft(&self, typed: &str, at: Timestamp) -> Entry {
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let mut row = Row::new(&TASK);
        row.name = stem.rsplit_once('-').map_or(stem.as_str(), |(name, _)| name).to_string();
        row.set(DESCRIPTION, FieldValue::Text(typed.to_string()));
        Entry { at: at.rfc3339(), row: Some(row), moved_from: Some(self.name.clone()), ..Entry::new("edited") }
    }

    fn discarded(&self, text: &str) -> Option<Entry> {
        let mut entry = Entry { moved_from: Some(self.name.clone()), ..Entry::new("") };
        let lines: Vec<Value> = text.lines().map(document::parse).collect();
        let makers = makers(&lines);
        for line in &lines {
            if let Some(at) = as_text(member(line, "restored")) {
                entry.restored = Some(at);
                continue;
            }
            let mut own = makers.clone();
            if let Some(Value::Object(given)) = member(line, "made_by") {
                let given = given.iter().filter_map(|(id, op_id)| Some((id.parse().ok()?, as_text(Some(op_id))?)));
                own.extend(given);
            }
            entry.operations.push(as_it_was(Parts::from_json(member(line, "operation")?)?.convert(&own)?));
            if entry.reason.is_empty() {
                entry.reason = as_text(member(line, "reason"))?;
                entry.at = as_text(member(line, "at"))?;
                (entry.server, entry.account) = (as_text(member(line, "server")), as_text(member(line, "account")));
            }
            entry.row = entry.row.or_else(|| document::row_from_json(&TASK, member(line, "remote")?));
        }
        (!entry.operations.is_empty()).then_some(entry)
    }
}

/// The creates of a file make the rows that its other lines name.
fn makers(lines: &[Value]) -> Makers {
    let creates = lines.iter().filter_map(|line| Parts::from_json(member(line, "operation")?)).filter(Parts::is_create);
    creates.map(|create| (create.task_id, create.op_id)).gather()
}

/// What was rejected is queued anew when it is restored.
fn as_it_was(mut op: Operation) -> Operation {
    if matches!(op.state, State::Rejected(_)) {
        op.state = if op.sends.is_empty() { State::Queued } else { State::Sent };
    }
    op
}
