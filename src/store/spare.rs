//! `queue.jsonl`: a spare copy of what waits, for the day on which the cache is gone. One line per waiting operation; the
//! cache's `queue_mark` is the id of the last line. The file is changed only while the cache's write lock is held, inside
//! the transaction that changes the queue. It says nothing of requests and needs no folding.
//!
//! When mark and file differ (a wiped or older cache, a lost or older state folder, a kill in between), what waits is the
//! union of both, less what the cache knows as settled, and all of it counts as sent: it is looked for before it is sent.

use super::{Change, Notice, overlay, queue, set_metadata};
use crate::document::{self, as_text, member};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Operation, Send, State};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::Connection;
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub(super) const MARK: &str = "queue_mark";

/// A line ends with its id, so that the last one can be read without the rest: `…,"line":"0123456789abcdef"}` and a line
/// feed.
const TAIL: usize = 28;

/// What a write has done, to be undone if the commit fails.
pub(super) struct Appended {
    path: PathBuf,
    /// Bytes before; `None`: the file was replaced, and is a subset of what the cache still has.
    length: Option<u64>,
}

impl Appended {
    pub fn cut_back(self) {
        if let Some(length) = self.length
            && let Ok(file) = OpenOptions::new().write(true).open(&self.path)
        {
            // Left longer, the file differs from the mark and is compared by the next command.
            let _ = file.set_len(length);
        }
    }
}

/// The id of the file's last line; empty for no file or an empty one, `?` for a line that was cut.
pub(super) fn tail(path: &Path) -> Result<String> {
    crate::pipe::refuse(path)?;
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    let mut read = || -> std::io::Result<String> {
        let length = file.seek(SeekFrom::End(0))?;
        if length == 0 {
            return Ok(String::new());
        }
        let mut bytes = vec![0; TAIL.min(length as usize)];
        file.seek(SeekFrom::End(-(bytes.len() as i64)))?;
        file.read_exact(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let id = text.strip_suffix("\"}\n").and_then(|text| text.rsplit_once("\"line\":\"")).map(|(_, id)| id);
        Ok(id.map_or_else(|| "?".to_string(), ToString::to_string))
    };
    read().map_err(|e| Error::io("read", path, e))
}

fn line(op: &Operation, id: &str) -> String {
    let text = json::to_string(&json::Value::Object(document::operation_to_json(op)));
    format!("{},\"line\":\"{id}\"}}\n", &text[..text.len() - 1])
}

fn line_id() -> Result<String> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|e| Error::failure(format!("no random numbers from the system: {e}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes what a change has done to the queue; the mark goes into the same transaction. Mark and file agreed before.
pub(super) fn append(db: &Connection, path: &Path, change: &Change) -> Result<Appended> {
    if !change.dropped.is_empty() {
        return rewrite(db, path);
    }
    let ops: Vec<&Operation> = change.amended.iter().chain(&change.put).collect();
    let length = std::fs::metadata(path).map_or(0, |found| found.len());
    let written = Appended { path: path.to_path_buf(), length: Some(length) };
    if ops.is_empty() {
        return Ok(written);
    }
    let id = line_id()?;
    let text: String = ops.iter().map(|op| line(op, &id)).collect();
    let append = || {
        make_folder(path)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        crate::replace::keep_private(&file);
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data())
    };
    let done = append().map_err(|e| Error::io("write", path, e)).and_then(|()| {
        if length == 0 {
            crate::replace::sync_folder(path)?;
        }
        hit("store.spare.appended");
        set_metadata(db, MARK, &id).map_err(|e| failed(db, e))
    });
    match done {
        Ok(()) => Ok(written),
        Err(error) => {
            written.cut_back();
            Err(error)
        }
    }
}

/// Replaces the file by what waits.
pub(super) fn rewrite(db: &Connection, path: &Path) -> Result<Appended> {
    let (id, text) = content(db).map_err(|e| failed(db, e))??;
    replace(path, &text)?;
    hit("store.spare.rewritten");
    set_metadata(db, MARK, &id).map_err(|e| failed(db, e))?;
    Ok(Appended { path: path.to_path_buf(), length: None })
}

/// The same once operations are settled. A file that cannot be replaced keeps lines of what is settled; mark and file agree
/// all the same, and the next sync tries again.
pub(super) fn shorten(db: &Connection, path: &Path) -> Result<Option<Notice>> {
    let waits = || db.prepare_cached("SELECT 1 FROM sync_queue WHERE synced = 0 LIMIT 1")?.exists([]);
    let mark = mark(db).map_err(|e| failed(db, e))?;
    if mark.is_empty() && !waits().map_err(|e| failed(db, e))? {
        return Ok(None);
    }
    let (id, text) = content(db).map_err(|e| failed(db, e))??;
    if let Err(error) = replace(path, &text) {
        return Ok(Some(Notice::NotShortened(error.to_string())));
    }
    hit("store.spare.rewritten");
    set_metadata(db, MARK, &id).map_err(|e| failed(db, e))?;
    Ok(None)
}

/// The lines of what waits, and the id of the last.
fn content(db: &Connection) -> rusqlite::Result<Result<(String, String)>> {
    let ops = queue::waiting(db)?;
    if ops.is_empty() {
        return Ok(Ok((String::new(), String::new())));
    }
    Ok(line_id().map(|id| {
        let text = ops.iter().map(|op| line(op, &id)).collect();
        (id, text)
    }))
}

fn replace(path: &Path, text: &str) -> Result<()> {
    if text.is_empty() && !path.exists() {
        return Ok(());
    }
    make_folder(path).map_err(|e| Error::io("write", path, e))?;
    crate::replace::clear_leftovers(path);
    crate::replace::replace(path, text.as_bytes())
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| DirBuilder::new().recursive(true).mode(0o700).create(folder))
}

fn failed(db: &Connection, error: rusqlite::Error) -> Error {
    super::open::sqlite_error(Path::new(db.path().unwrap_or("cache.db")), error)
}

/// The id of the last line, as the cache knows it.
pub(super) fn mark(db: &Connection) -> rusqlite::Result<String> {
    super::metadata(db, MARK).map(Option::unwrap_or_default)
}

/// Mark and file say the same, or are made to. The caller holds the write lock.
pub(super) fn agree(db: &Connection, path: &Path) -> Result<Vec<Notice>> {
    if mark(db).map_err(|e| failed(db, e))? == tail(path)? { Ok(Vec::new()) } else { reconcile(db, path) }
}

/// Mark and file differ: the union of both waits, less what is settled, and all of it counts as sent. The caller holds the
/// write lock.
pub(super) fn reconcile(db: &Connection, path: &Path) -> Result<Vec<Notice>> {
    let notices = take_unknown(db, path)?;
    let now = Timestamp::now();
    let count_all = || -> rusqlite::Result<()> {
        for mut op in queue::waiting(db)?.into_iter().filter(|op| op.state == State::Queued) {
            count_as_sent(db, &mut op, now)?;
        }
        overlay::renumber(db, &now.rfc3339())?;
        overlay::renew_all(db)
    };
    count_all().map_err(|e| failed(db, e))?;
    hit("store.spare.reconciled");
    rewrite(db, path)?;
    Ok(notices)
}

/// Operations of the file that the cache does not know wait again, and count as sent.
pub(super) fn take_unknown(db: &Connection, path: &Path) -> Result<Vec<Notice>> {
    let (lines, damaged) = read(path)?;
    let mut notices = Vec::new();
    if !damaged.is_empty() {
        notices.push(Notice::SetAside(damaged.len(), set_aside(path, &damaged)?));
    }
    let now = Timestamp::now();
    let mut restored = 0;
    let take = || -> rusqlite::Result<()> {
        for mut op in lines {
            if !queue::knows(db, &op.op_id)? {
                meant_for(db, op.server.as_deref(), op.account.as_deref())?;
                count_as_sent(db, &mut op, now)?;
                overlay::renew_for(db, &op)?;
                restored += 1;
            }
        }
        Ok(())
    };
    take().map_err(|e| failed(db, e))?;
    if restored > 0 {
        notices.push(Notice::Restored(restored));
    }
    Ok(notices)
}

/// A cache that was lost does not know which server and account it was of: what waits says it.
pub(super) fn meant_for(db: &Connection, server: Option<&str>, account: Option<&str>) -> rusqlite::Result<()> {
    for (key, value) in [(super::SERVER, server), (super::ACCOUNT, account)] {
        if let Some(value) = value
            && super::metadata(db, key)?.is_none()
        {
            set_metadata(db, key, value)?;
        }
    }
    Ok(())
}

/// A request for it may have left at any time since it was queued, the last one just now.
fn count_as_sent(db: &Connection, op: &mut Operation, now: Timestamp) -> rusqlite::Result<()> {
    if op.state == State::Queued {
        op.state = State::Sent;
    }
    op.seq = queue::put(db, op)?;
    if op.state != State::Sent {
        return Ok(());
    }
    let queued = Timestamp::parse(&op.created_at).filter(|queued| *queued < now);
    for at in queued.into_iter().chain([now]) {
        let send = Send { at, sent: op.set.clone(), version: op.seen_version, highest_number: 0, reply: None };
        queue::put_send(db, &op.op_id, &send)?;
    }
    Ok(())
}

/// The operations of the file, the last line of each; and the lines that cannot be read.
fn read(path: &Path) -> Result<(Vec<Operation>, Vec<Vec<u8>>)> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    let (mut ops, mut damaged): (Vec<Operation>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let Some(op) = operation(line) else {
            damaged.push(line.to_vec());
            continue;
        };
        match places.get(&op.op_id) {
            Some(place) => ops[*place] = op,
            None => {
                places.insert(op.op_id.clone(), ops.len());
                ops.push(op);
            }
        }
    }
    Ok((ops, damaged))
}

/// `None` for a line that was cut or damaged.
fn operation(line: &[u8]) -> Option<Operation> {
    let value = document::parse(std::str::from_utf8(line).ok()?);
    as_text(member(&value, "line"))?;
    document::operation_from_json(&value)
}

/// Keeps lines that cannot be read in a file beside this one.
pub(super) fn set_aside(path: &Path, lines: &[Vec<u8>]) -> Result<PathBuf> {
    let aside = path.with_extension("jsonl.damaged");
    let append = || {
        make_folder(&aside)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&aside)?;
        for line in lines {
            file.write_all(line)?;
            file.write_all(b"\n")?;
        }
        file.sync_all()
    };
    append().map_err(|e| Error::io("write", &aside, e))?;
    Ok(aside)
}
