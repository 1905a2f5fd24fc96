//! `discarded.jsonl`: what was dropped or lost a conflict, texts typed in an editor, rows that a restored server no longer
//! has. Append-only lines with numbers, flushed before the edit goes; `anyt sync restore` reads it. Bounded by age and size.

use super::{ACCOUNT, Discarded, Result, SERVER, Store, metadata};
use crate::document::{self, as_integer, as_text, integer, member, object, optional, text};
use crate::error::Error;
use crate::failpoint::hit;
use crate::sync::choose::Kept;
use crate::time::Timestamp;
use miniserde::json::{self, Value};
use rusqlite::Connection;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// Entries stay at least so long, and the file is not shortened below the size.
const KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);
const SHORTENED_FROM: u64 = 64 << 20;

/// A line ends with its number: `…,"number":12}` and a line feed.
const TAIL: u64 = 40;

/// Appends entries, flushed. The caller holds the cache's write lock. Gives their numbers.
pub(super) fn keep(db: &Connection, path: &Path, kept: &[Kept]) -> Result<Vec<i64>> {
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let identity = |key| metadata(db, key).map_err(|e| Error::failure(format!("the cache cannot be read: {e}")));
    let (server, account) = (identity(SERVER)?, identity(ACCOUNT)?);
    let at = Timestamp::now();
    shorten(path, at)?;
    let first = last_number(path)? + 1;
    let numbers: Vec<i64> = (first..).take(kept.len()).collect();
    let lines: String =
        kept.iter().zip(&numbers).map(|(kept, number)| line(kept, *number, at, &server, &account)).collect();
    append(path, &lines)?;
    hit("store.discarded.appended");
    Ok(numbers)
}

fn line(kept: &Kept, number: i64, at: Timestamp, server: &Option<String>, account: &Option<String>) -> String {
    let operations =
        kept.operations.iter().map(|op| Value::Object(document::operation_to_json(op))).collect::<json::Array>();
    let row = kept.row.as_ref().map_or(Value::Null, |row| Value::Object(document::row_to_json(row)));
    let kind = kept.row.as_ref().map_or(Value::Null, |row| text(row.kind.name));
    let entry = object([
        ("at", text(at.rfc3339())),
        ("reason", text(kept.reason)),
        ("server", optional(server)),
        ("account", optional(account)),
        ("kind", kind),
        ("row", row),
        ("operations", Value::Array(operations)),
    ]);
    numbered(&entry, number)
}

fn numbered(entry: &Value, number: i64) -> String {
    let text = json::to_string(entry);
    format!("{},\"number\":{number}}}\n", &text[..text.len() - 1])
}

fn append(path: &Path, lines: &str) -> Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let before = file.seek(SeekFrom::End(0))?;
        let done = file.write_all(lines.as_bytes()).and_then(|()| file.sync_all());
        if done.is_err() {
            let _ = file.set_len(before);
        }
        done
    };
    write().map_err(|e| Error::io("write", path, e))
}

/// The number of the last line; 0 for no file.
fn last_number(path: &Path) -> Result<i64> {
    crate::pipe::refuse(path)?;
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    let mut tail = || -> std::io::Result<Option<i64>> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let number = text.strip_suffix("}\n").and_then(|text| text.rsplit_once("\"number\":"));
        Ok(number.and_then(|(_, number)| number.parse().ok()))
    };
    match tail().map_err(|e| Error::io("read", path, e))? {
        Some(number) => Ok(number),
        // A line was cut: count what is there.
        None => Ok(read(path)?.iter().map(|entry| entry.number).max().unwrap_or(0)),
    }
}

/// Every readable entry, oldest first.
fn read(path: &Path) -> Result<Vec<Discarded>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    let mut entries: Vec<Discarded> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let value = document::parse(line);
        if let Some(Value::Array(numbers)) = member(&value, "restored") {
            let at = as_text(member(&value, "at"));
            for number in numbers.iter().filter_map(|number| as_integer(Some(number))) {
                if let Ok(found) = entries.binary_search_by_key(&number, |entry| entry.number) {
                    entries[found].restored = at.clone();
                }
            }
            continue;
        }
        entries.extend(entry(&value));
    }
    Ok(entries)
}

fn entry(value: &Value) -> Option<Discarded> {
    let operations = match member(value, "operations")? {
        Value::Array(operations) => operations.iter().filter_map(document::operation_from_json_to_restore).collect(),
        _ => return None,
    };
    let kind = as_text(member(value, "kind")).and_then(|kind| crate::model::kind(&kind));
    Some(Discarded {
        number: as_integer(member(value, "number"))?,
        at: as_text(member(value, "at"))?,
        reason: as_text(member(value, "reason"))?,
        server: as_text(member(value, "server")),
        account: as_text(member(value, "account")),
        row: kind.and_then(|kind| document::row_from_json(kind, member(value, "row")?)),
        operations,
        restored: None,
    })
}

/// Old entries go once the file is large.
fn shorten(path: &Path, now: Timestamp) -> Result<()> {
    if std::fs::metadata(path).map_or(0, |found| found.len()) < SHORTENED_FROM {
        return Ok(());
    }
    let oldest = now.minus(KEPT_FOR).rfc3339();
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let is_new = |line: &&[u8]| {
        let value = std::str::from_utf8(line).map(document::parse).unwrap_or(Value::Null);
        as_text(member(&value, "at")).is_some_and(|at| at >= oldest)
    };
    let kept: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').filter(is_new).collect();
    crate::replace::replace(path, &kept.concat())
}

impl Store {
    /// Newest first.
    pub fn discarded(&self) -> Result<Vec<Discarded>> {
        let mut entries = read(&self.files.discarded)?;
        entries.reverse();
        Ok(entries)
    }

    /// Keeps what is about to be given up, or was typed. Gives the entries' numbers.
    pub fn discard(&mut self, kept: &[Kept]) -> Result<Vec<i64>> {
        let path = self.files.discarded.clone();
        self.locked(|db| keep(db, &path, kept))
    }

    /// Says that entries are queued again.
    pub fn mark_restored(&mut self, numbers: &[i64]) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let path = self.files.discarded.clone();
        self.locked(|_| {
            let list = numbers.iter().map(|number| integer(*number)).collect();
            let line = object([("at", text(Timestamp::now().rfc3339())), ("restored", Value::Array(list))]);
            append(&path, &numbered(&line, last_number(&path)?))
        })
    }
}
