//! The journal: the queue's second home, and the record of what the server has already accepted (design.md "The
//! journal"). Append-only JSON lines, each with a checksum; a torn or foreign line is passed over.
//!
//! It answers two questions after a crash: what has the server already taken (nothing is sent twice), and what was
//! queued if cache.db is gone (nothing is lost). Local writers append while a sync runs, so every access takes the
//! journal's own short lock.

use crate::document::{self, as_text, member, object, text};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::lock::LockFile;
use crate::model::{Operation, Task, Uncertain};
use crate::time::Timestamp;
use miniserde::json::{self, Value};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A new or changed operation, after its row was committed.
    Queued(Operation),
    /// A request is about to leave.
    Sending { op_id: String, uncertain: Uncertain },
    /// The server has carried it out; `task` is what it answered, where it answered a task.
    Answered { op_id: String, task: Option<Box<Task>> },
    /// It will never be sent.
    Dropped { op_id: String },
}

impl Entry {
    pub fn op_id(&self) -> &str {
        match self {
            Entry::Queued(operation) => &operation.op_id,
            Entry::Sending { op_id, .. } | Entry::Answered { op_id, .. } | Entry::Dropped { op_id } => op_id,
        }
    }

    fn to_json(&self) -> Value {
        let at = text(Timestamp::now().rfc3339());
        match self {
            Entry::Queued(operation) => {
                object([("kind", text("queued")), ("at", at), ("operation", document::operation_to_json(operation))])
            }
            Entry::Sending { op_id, uncertain } => object([
                ("kind", text("sending")),
                ("at", at),
                ("op_id", text(op_id)),
                ("uncertain", document::uncertain_to_json(uncertain)),
            ]),
            Entry::Answered { op_id, task } => object([
                ("kind", text("answered")),
                ("at", at),
                ("op_id", text(op_id)),
                ("task", task.as_ref().map_or(Value::Null, |task| Value::Object(document::task_to_json(task)))),
            ]),
            Entry::Dropped { op_id } => object([("kind", text("dropped")), ("at", at), ("op_id", text(op_id))]),
        }
    }

    fn from_json(value: &Value) -> Option<Entry> {
        let op_id = || as_text(member(value, "op_id"));
        Some(match as_text(member(value, "kind"))?.as_str() {
            "queued" => Entry::Queued(document::operation_from_json(member(value, "operation")?)?),
            "sending" => Entry::Sending {
                op_id: op_id()?,
                uncertain: document::uncertain_from_json(member(value, "uncertain")?),
            },
            "answered" => Entry::Answered {
                op_id: op_id()?,
                task: document::task_from_json(member(value, "task")?).map(Box::new),
            },
            "dropped" => Entry::Dropped { op_id: op_id()? },
            _ => return None,
        })
    }
}

/// One line: `{"crc":N,"entry":{…}}`. The checksum is over the entry's JSON text.
pub fn encode(entry: &Entry) -> String {
    let entry = json::to_string(&entry.to_json());
    format!("{{\"crc\":{},\"entry\":{entry}}}\n", crc32(entry.as_bytes()))
}

/// `None` for a line that is torn, damaged or of a kind we do not know.
pub fn decode(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line).ok()?;
    let body = line.strip_prefix("{\"crc\":")?;
    let (crc, rest) = body.split_once(",\"entry\":")?;
    let entry = rest.strip_suffix('}')?;
    if crc.parse() != Ok(crc32(entry.as_bytes())) {
        return None;
    }
    Entry::from_json(&document::parse(entry))
}

/// CRC-32 (IEEE 802.3), bit by bit: lines are short and few.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// How long an access waits for another process's append or compaction.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Journal {
    path: PathBuf,
}

impl Journal {
    pub fn at(path: &Path) -> Journal {
        Journal { path: path.to_path_buf() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every readable line, oldest first.
    pub fn read(&self) -> Result<Vec<Entry>> {
        Ok(self.bytes()?.split(|byte| *byte == b'\n').filter_map(decode).collect())
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::io("read", &self.path, error)),
        }
    }

    /// A run was interrupted: there is more than operations that wait. A quick look without parsing; the words cannot
    /// occur inside a value, where the quotes would be escaped.
    pub fn tells_of_a_run(&self) -> Result<bool> {
        let bytes = self.bytes()?;
        let has = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
        Ok(has(b"\"kind\":\"answered\"") || has(b"\"kind\":\"dropped\"") || has(b"\"kind\":\"sending\""))
    }

    /// Makes sure that an append can work, before anything else is changed: the folder and the file exist and can be
    /// written.
    pub fn prepare(&self) -> Result<()> {
        self.locked(|| self.open().map(drop))
    }

    /// Appends lines. `durable`: they are on the disk when this returns.
    pub fn append(&self, entries: &[Entry], durable: bool) -> Result<()> {
        let lines: String = entries.iter().map(encode).collect();
        self.locked(|| {
            hit("journal.append.before");
            let mut file = self.open()?;
            let io = |e| Error::io("write", &self.path, e);
            // A torn tail must not swallow the next line.
            let torn = file.seek(SeekFrom::End(0)).map_err(io)? > 0 && {
                let mut last = [0];
                file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(io)?;
                last != *b"\n"
            };
            let lines = if torn { format!("\n{lines}") } else { lines };
            file.write_all(lines.as_bytes()).map_err(io)?;
            hit("journal.append.written");
            if durable {
                file.sync_data().map_err(io)?;
                hit("journal.append.synced");
            }
            Ok(())
        })
    }

    /// Replaces the journal by what `keep` gives, called under the journal's lock, so that a line appended meanwhile is
    /// either seen by `keep` (its row is committed first) or appended afterwards. Nothing to keep empties the file.
    pub fn compact(&self, keep: impl FnOnce() -> Result<Vec<Entry>>) -> Result<()> {
        self.locked(|| {
            hit("journal.compact.before");
            let entries = keep()?;
            if entries.is_empty() && self.bytes()?.is_empty() {
                return Ok(());
            }
            let fresh = self.path.with_extension("jsonl.new");
            let io = |e| Error::io("write", &fresh, e);
            let _ = std::fs::remove_file(&fresh);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(io)?;
            file.write_all(entries.iter().map(encode).collect::<String>().as_bytes()).map_err(io)?;
            hit("journal.compact.written");
            file.sync_data().map_err(io)?;
            hit("journal.compact.flushed");
            std::fs::rename(&fresh, &self.path).map_err(|e| Error::io("replace", &self.path, e))?;
            hit("journal.compact.renamed");
            sync_folder(&self.path);
            hit("journal.compact.synced");
            Ok(())
        })
    }

    fn open(&self) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|e| Error::io("open", &self.path, e))
    }

    fn locked<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|e| Error::io("create the folder", folder, e))?;
        }
        let _held = LockFile::open(&self.path.with_extension("lock"))?.hold(PATIENCE)?;
        work()
    }
}

/// Makes a rename durable. A file system that cannot sync folders is no reason to fail: the rename itself happened.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Field, Kind, Patch, Value};

    fn operation(op_id: &str) -> Operation {
        Operation {
            op_id: op_id.into(),
            kind: Kind::UpdateTask,
            workspace_id: 1,
            task_id: 7,
            identifier: "DEV-7".into(),
            depends_on: None,
            base_version: 3,
            base: Patch::from([(Field::Title, Value::Text("a \"kind\":\"answered\" title".into()))]),
            set: Patch::from([(Field::Labels, Value::Set(vec!["ünï".into()])), (Field::Estimate, Value::Number(2.5))]),
            created_at: "2025-10-16T10:00:00.000000Z".into(),
            uncertain: None,
            error: None,
        }
    }

    #[test]
    fn lines_round_trip_and_damage_is_seen() {
        let entry = Entry::Queued(operation("a"));
        let line = encode(&entry);
        assert_eq!(decode(line.trim_end().as_bytes()), Some(entry));
        for at in 0..line.len() - 1 {
            let mut damaged = line.trim_end().as_bytes().to_vec();
            damaged[at] ^= 1;
            assert_ne!(decode(&damaged), Some(Entry::Queued(operation("a"))), "byte {at}");
            assert_eq!(decode(&line.as_bytes()[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn crc_is_the_standard_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_torn_tail_costs_only_itself() {
        let folder = std::env::temp_dir().join(format!("anyt-journal-{}", std::process::id()));
        let journal = Journal::at(&folder.join("journal.jsonl"));
        journal.append(&[Entry::Queued(operation("a"))], true).expect("append");
        let whole = std::fs::read(journal.path()).expect("read");
        std::fs::write(journal.path(), &whole[..whole.len() - 9]).expect("tear");
        journal.append(&[Entry::Queued(operation("b")), Entry::Dropped { op_id: "b".into() }], false).expect("append");
        let ids: Vec<String> = journal.read().expect("read").iter().map(|entry| entry.op_id().to_string()).collect();
        assert_eq!(ids, ["b", "b"]);
        assert!(journal.tells_of_a_run().expect("read"));
        journal.compact(|| Ok(vec![Entry::Queued(operation("b"))])).expect("compact");
        assert!(!journal.tells_of_a_run().expect("read"), "a title that looks like an entry is none");
        journal.compact(|| Ok(Vec::new())).expect("compact");
        assert_eq!(std::fs::read(journal.path()).expect("read"), b"");
        let _ = std::fs::remove_dir_all(folder);
    }
}
