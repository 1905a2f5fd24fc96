//! The journal: the queue's second home, and the record of what the server has already accepted (design.md "The
//! journal"). Append-only JSON lines, each with a checksum; a torn or foreign line is passed over.
//!
//! It answers two questions after a crash: what has the server already taken (nothing is sent twice), and what was
//! queued if cache.db is gone (nothing is lost). Local writers append while a sync runs, so every access takes the
//! journal's own short lock.

use crate::document::{self, as_text, member, object, text};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::lock::{Held, LockFile};
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
    /// Which server, and which account of it, the operations are meant for. The first line of a journal that has any.
    Meant { server: String, account: Option<String> },
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
    /// The operation a line is about.
    pub fn op_id(&self) -> Option<&str> {
        match self {
            Entry::Meant { .. } => None,
            Entry::Queued(operation) => Some(&operation.op_id),
            Entry::Sending { op_id, .. } | Entry::Answered { op_id, .. } | Entry::Dropped { op_id } => Some(op_id),
        }
    }

    fn to_json(&self) -> Value {
        let at = text(Timestamp::now().rfc3339());
        match self {
            Entry::Meant { server, account } => object([
                ("kind", text("meant")),
                ("at", at),
                ("server", text(server)),
                ("account", document::optional(account)),
            ]),
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
            "meant" => {
                Entry::Meant { server: as_text(member(value, "server"))?, account: as_text(member(value, "account")) }
            }
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

/// Bytes at a line's beginning that hold checksum, time and kind.
const HEAD: usize = 128;

/// In the head of the line that says what the others are meant for.
const MEANT: &[u8] = b"\"kind\":\"meant\"";

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
        Ok(self.bytes()?.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter_map(decode).collect())
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        crate::pipe::refuse(&self.path)?;
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::io("read", &self.path, error)),
        }
    }

    /// Nothing waits, and nothing was interrupted.
    pub fn is_empty(&self) -> bool {
        std::fs::metadata(&self.path).map_or(true, |found| found.len() == 0)
    }

    /// A run was interrupted: there is more than operations that wait. A quick look without parsing, because every command
    /// takes it: at the beginnings of lines, where the kind is. Inside a value its quotes would be escaped.
    pub fn tells_of_a_run(&self) -> Result<bool> {
        let tells = |line: &[u8]| {
            let head = &line[..line.len().min(HEAD)];
            let has = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
            has(b"\"kind\":\"answered\"") || has(b"\"kind\":\"dropped\"") || has(b"\"kind\":\"sending\"")
        };
        Ok(self.bytes()?.split(|byte| *byte == b'\n').any(tells))
    }

    /// Takes the journal, so that nobody else appends to it or shortens it meanwhile. Everybody who also changes the cache
    /// takes the journal first: in this order two never wait for each other. Fails where an append could not work.
    pub fn hold(&self) -> Result<Writer> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|e| Error::io("create the folder", folder, e))?;
        }
        crate::pipe::refuse(&self.path)?;
        let held = LockFile::open(&self.path.with_extension("lock"))?.hold(PATIENCE)?;
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&self.path);
        let file = open.map_err(|e| Error::io("open", &self.path, e))?;
        let length = file.metadata().map_err(|e| Error::io("open", &self.path, e))?.len();
        Ok(Writer { file, path: self.path.clone(), length, held })
    }

    /// Appends lines. `durable`: they are on the disk when this returns.
    pub fn append(&self, entries: &[Entry], durable: bool) -> Result<()> {
        self.hold()?.append(entries, durable)
    }
}

/// The journal, taken by `Journal::hold` until this is dropped.
pub struct Writer {
    file: File,
    path: PathBuf,
    /// Bytes it had when it was taken.
    length: u64,
    #[expect(dead_code, reason = "its drop is what gives the journal back")]
    held: Held,
}

/// A place in the journal for lines that are still to be written.
pub struct Room {
    at: u64,
    lines: String,
}

impl Writer {
    /// Appends lines. `durable`: they are on the disk when this returns.
    pub fn append(&mut self, entries: &[Entry], durable: bool) -> Result<()> {
        hit("journal.append.before");
        let lines = lines(entries);
        let at = self.after_torn_tail()?;
        self.write(at, &lines)?;
        if durable {
            self.file.sync_data().map_err(|e| Error::io("write", &self.path, e))?;
            hit("journal.append.synced");
        }
        Ok(())
    }

    /// Makes room for lines by blank ones of the same length: a disk that is full says so now, while nothing is changed
    /// yet, and whoever dies before the room is filled leaves lines that say nothing.
    pub fn make_room(&mut self, entries: &[Entry]) -> Result<Room> {
        let lines = lines(entries);
        let at = self.after_torn_tail()?;
        let blank = "\n".repeat(lines.len());
        let made = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(blank.as_bytes()));
        made.map_err(|e| Error::io("write", &self.path, e))?;
        hit("journal.room.made");
        Ok(Room { at, lines })
    }

    /// Writes the lines that room was made for.
    pub fn fill(&mut self, room: &Room) -> Result<()> {
        hit("journal.append.before");
        self.write(room.at, &room.lines)
    }

    /// The first line says what the others are meant for. What cannot be read does not.
    pub fn says_what_it_is_meant_for(&mut self) -> bool {
        let mut head = [0; HEAD];
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read(&mut head)).unwrap_or(0);
        head[..read].windows(MEANT.len()).any(|window| window == MEANT)
    }

    /// Forgets everything written since the journal was taken. What cannot be cut off says less than it could, as a
    /// crash at this instant would have it.
    pub fn take_back(&mut self) {
        let _ = self.file.set_len(self.length);
    }

    /// Replaces the journal by these lines. Nothing to keep empties the file. Lines that are whole and cannot be read,
    /// because they were damaged or are a later version's, are kept in a file beside it; gives their number.
    pub fn replace(mut self, entries: &[Entry]) -> Result<usize> {
        hit("journal.compact.before");
        let io = |e| Error::io("write", &self.path, e);
        if entries.is_empty() && self.file.metadata().map_err(io)?.len() == 0 {
            return Ok(0);
        }
        let damaged = self.set_damaged_aside()?;
        let fresh = self.path.with_extension("jsonl.new");
        let io = |e| Error::io("write", &fresh, e);
        let _ = std::fs::remove_file(&fresh);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(io)?;
        file.write_all(lines(entries).as_bytes()).map_err(io)?;
        hit("journal.compact.written");
        file.sync_data().map_err(io)?;
        hit("journal.compact.flushed");
        std::fs::rename(&fresh, &self.path).map_err(|e| Error::io("replace", &self.path, e))?;
        hit("journal.compact.renamed");
        sync_folder(&self.path);
        hit("journal.compact.synced");
        Ok(damaged)
    }

    /// A line that was torn by a crash does not end as one, and was never confirmed: it is no damage.
    fn set_damaged_aside(&mut self) -> Result<usize> {
        let mut bytes = Vec::new();
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_end(&mut bytes));
        read.map_err(|e| Error::io("read", &self.path, e))?;
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let damaged: Vec<&[u8]> =
            lines.filter(|line| line.trim_ascii().ends_with(b"}") && decode(line.trim_ascii()).is_none()).collect();
        if !damaged.is_empty() {
            let path = self.path.with_extension("jsonl.damaged");
            let open = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
            open.and_then(|mut file| file.write_all(&damaged.concat()).and_then(|()| file.sync_all()))
                .map_err(|e| Error::io("write", &path, e))?;
        }
        Ok(damaged.len())
    }

    fn write(&mut self, at: u64, lines: &str) -> Result<()> {
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(lines.as_bytes()));
        written.map_err(|e| Error::io("write", &self.path, e))?;
        hit("journal.append.written");
        Ok(())
    }

    /// Where the next line begins. A torn tail gets the line end it lacks, so that it swallows nothing.
    fn after_torn_tail(&mut self) -> Result<u64> {
        let io = |e| Error::io("write", &self.path, e);
        let end = self.file.seek(SeekFrom::End(0)).map_err(io)?;
        if end == 0 {
            return Ok(0);
        }
        let mut last = [0];
        self.file.seek(SeekFrom::End(-1)).and_then(|_| self.file.read_exact(&mut last)).map_err(io)?;
        if last == *b"\n" {
            return Ok(end);
        }
        self.file.write_all(b"\n").map_err(io)?;
        Ok(end + 1)
    }
}

fn lines(entries: &[Entry]) -> String {
    entries.iter().map(encode).collect()
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
        let ids: Vec<String> =
            journal.read().expect("read").iter().filter_map(|entry| entry.op_id().map(String::from)).collect();
        assert_eq!(ids, ["b", "b"]);
        assert!(journal.tells_of_a_run().expect("read"));
        journal.hold().and_then(|held| held.replace(&[Entry::Queued(operation("b"))])).expect("replace");
        assert!(!journal.tells_of_a_run().expect("read"), "a title that looks like an entry is none");
        journal.hold().and_then(|held| held.replace(&[])).expect("replace");
        assert_eq!(std::fs::read(journal.path()).expect("read"), b"");
        let _ = std::fs::remove_dir_all(folder);
    }
}
