//! `discarded.jsonl`: what was dropped or lost a conflict, texts typed in an editor, rows that a restored server no longer
//! has. Append-only lines with numbers, flushed before the edit goes; `anyt sync restore` reads it. Bounded by age and size.

use super::{ACCOUNT, Discarded, Result, SERVER, Store, metadata};
use crate::document::{self, as_integer, as_text, integer, member, object, optional, text};
use crate::error::Error;
use crate::failpoint::hit;
use crate::gather::Gather;
use crate::model::{Kept, Operation, Row, Shape, State};
use crate::time::Timestamp;
use miniserde::json::{self, Value};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// From this size on entries older than this go; where that is not enough, the oldest until so much is left.
const SHORTENED_FROM: u64 = 64 << 20;
const KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);
const SHORTENED_TO: usize = 48 << 20;

/// A line ends with its number: `…,"number":12}` and a line feed.
const TAIL: u64 = 40;

/// An entry to be written.
#[derive(Clone)]
pub(super) struct Entry {
    pub at: String,
    pub reason: String,
    pub server: Option<String>,
    pub account: Option<String>,
    pub row: Option<Row>,
    pub operations: Vec<Operation>,
    pub restored: Option<String>,
    /// The file of anyt 0.1.0 that it was.
    pub moved_from: Option<String>,
}

impl Entry {
    pub fn new(reason: &str) -> Entry {
        Entry {
            at: Timestamp::now().rfc3339(),
            reason: reason.to_string(),
            server: None,
            account: None,
            row: None,
            operations: Vec::new(),
            restored: None,
            moved_from: None,
        }
    }

    fn line(&self, number: i64) -> String {
        let operations = self.operations.iter().map(|op| Value::Object(document::operation_to_json(op)));
        let row = self.row.as_ref().map_or(Value::Null, |row| Value::Object(document::row_to_json(row)));
        let kind = self.row.as_ref().map_or(Value::Null, |row| text(row.kind.name));
        let mut entry = document::members([
            ("at", text(&self.at)),
            ("reason", text(&self.reason)),
            ("server", optional(&self.server)),
            ("account", optional(&self.account)),
            ("kind", kind),
            ("row", row),
            ("operations", Value::Array(operations.collect())),
        ]);
        let more = [("restored", &self.restored), ("moved_from", &self.moved_from)];
        entry.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_string(), text(value.as_ref()?)))));
        numbered(&Value::Object(entry), number)
    }
}

/// Appends what a change gives up, flushed. The caller holds the cache's write lock. Gives the entries' numbers.
pub(super) fn keep(db: &Connection, path: &Path, kept: &[Kept]) -> Result<Vec<i64>> {
    let entry = |kept: &Kept| Entry {
        row: kept.row.clone(),
        operations: kept.operations.iter().map(as_it_was).collect(),
        ..Entry::new(kept.reason)
    };
    append_entries(db, path, &kept.iter().map(entry).collect::<Vec<_>>())
}

/// A create that may have been carried out is kept as sent, whatever was said of it later: it is looked for once more.
fn as_it_was(op: &Operation) -> Operation {
    let may_have_arrived = op.shape == Shape::Create && op.sends.iter().any(|send| send.reply.is_none());
    let state = if may_have_arrived { State::Sent } else { op.state.clone() };
    Operation { state, ..op.clone() }
}

/// Appends entries; what they are meant for is what the cache is, unless they say it.
pub(super) fn append_entries(db: &Connection, path: &Path, entries: &[Entry]) -> Result<Vec<i64>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let identity = |key| metadata(db, key).map_err(|e| Error::failure(format!("the cache cannot be read: {e}")));
    let (server, account) = (identity(SERVER)?, identity(ACCOUNT)?);
    let removed = shorten(path, Timestamp::now())?;
    let first = last_number(path)? + 1;
    let numbers: Vec<i64> = (first..).take(entries.len()).collect();
    let mut lines = String::new();
    for (entry, number) in entries.iter().zip(&numbers) {
        let (server, account) = (entry.server.clone().or(server.clone()), entry.account.clone().or(account.clone()));
        lines.push_str(&Entry { server, account, ..entry.clone() }.line(*number));
    }
    if removed > 0 {
        let words = format!("{removed} older entries removed, because discarded.jsonl was larger than 64 MiB");
        lines.push_str(&Entry::new(&words).line(first + numbers.len() as i64));
    }
    append(path, &lines)?;
    hit("store.discarded.appended");
    Ok(numbers)
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
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        crate::replace::keep_private(&file);
        let before = file.seek(SeekFrom::End(0))?;
        let torn = before > 0 && {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            last != *b"\n"
        };
        let lines = if torn { format!("\n{lines}") } else { lines.to_string() };
        let done = file.write_all(lines.as_bytes()).and_then(|()| file.sync_all());
        if done.is_err() {
            let _ = file.set_len(before);
        }
        done.map(|()| before == 0)
    };
    let is_new = write().map_err(|e| Error::io("write", path, e))?;
    if is_new { crate::replace::sync_folder(path) } else { Ok(()) }
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
        None => Ok(read(path)?.0.iter().map(|entry| entry.number).max().unwrap_or(0)),
    }
}

/// Every readable entry, oldest first, and how many lines are none.
fn read(path: &Path) -> Result<(Vec<Discarded>, usize)> {
    let mut entries: Vec<Discarded> = Vec::new();
    let mut damaged = 0;
    for line in lines(path)? {
        let value = parse(&line);
        let Some(Value::Array(numbers)) = member(&value, "restored") else {
            let found = entry(&value);
            damaged += usize::from(found.is_none());
            entries.extend(found);
            continue;
        };
        let at = as_text(member(&value, "at"));
        for number in numbers.iter().filter_map(|number| as_integer(Some(number))) {
            if let Ok(found) = entries.binary_search_by_key(&number, |entry| entry.number) {
                entries[found].restored = at.clone();
            }
        }
    }
    Ok((entries, damaged))
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
        restored: as_text(member(value, "restored")),
    })
}

/// The files of anyt 0.1.0 that are entries now.
pub(super) fn moved_files(path: &Path) -> Result<BTreeSet<String>> {
    Ok(lines(path)?.iter().filter_map(|line| as_text(member(&parse(line), "moved_from"))).gather())
}

/// Old entries go once the file is large. Gives how many went.
fn shorten(path: &Path, now: Timestamp) -> Result<usize> {
    if std::fs::metadata(path).map_or(0, |found| found.len()) < SHORTENED_FROM {
        return Ok(0);
    }
    let oldest = now.minus(KEPT_FOR).rfc3339();
    let all = lines(path)?;
    let is_new = |line: &&Vec<u8>| as_text(member(&parse(line), "at")).is_some_and(|at| at >= oldest);
    let mut left: Vec<&Vec<u8>> = all.iter().filter(is_new).collect();
    let mut size: usize = left.iter().map(|line| line.len()).sum();
    if size as u64 >= SHORTENED_FROM {
        let too_much = left.iter().position(|line| {
            size -= line.len();
            size <= SHORTENED_TO
        });
        left.drain(..=too_much.unwrap_or(0));
    }
    let removed = all.len() - left.len();
    let content: Vec<u8> = left.into_iter().flatten().copied().collect();
    crate::replace::replace(path, &content)?;
    hit("store.discarded.shortened");
    Ok(removed)
}

/// The lines of the file with their ends; none for no file.
fn lines(path: &Path) -> Result<Vec<Vec<u8>>> {
    crate::pipe::refuse(path)?;
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// A line that was cut says nothing.
fn parse(line: &[u8]) -> Value {
    std::str::from_utf8(line).map(document::parse).unwrap_or(Value::Null)
}

impl Store {
    /// Newest first.
    pub fn discarded(&self) -> Result<Vec<Discarded>> {
        let (mut entries, _) = read(&self.files.discarded)?;
        entries.reverse();
        Ok(entries)
    }

    /// Lines of discarded.jsonl that are no entries: how many, and of which file.
    pub fn damaged_discarded(&self) -> Result<(usize, &Path)> {
        Ok((read(&self.files.discarded)?.1, &self.files.discarded))
    }

    /// Keeps what is about to be given up, or was typed. Gives the entries' numbers.
    pub fn discard(&mut self, kept: &[Kept]) -> Result<Vec<i64>> {
        let path = self.files.discarded.clone();
        self.transact(|db| Ok(keep(db, &path, kept)?))
    }

    /// Says that entries are queued again.
    pub fn mark_restored(&mut self, numbers: &[i64]) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let path = self.files.discarded.clone();
        self.transact(|_| {
            let list = numbers.iter().map(|number| integer(*number)).collect();
            let line = object([("at", text(Timestamp::now().rfc3339())), ("restored", Value::Array(list))]);
            Ok(append(&path, &numbered(&line, last_number(&path)?))?)
        })
    }
}
