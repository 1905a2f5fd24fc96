//! `discarded/`: every edit that a force sync, a resolution or `queue drop` threw away, one file each, written and
//! flushed before the edit goes.

use super::loss::Loss;
use crate::cache::{ACCOUNT, Cache, SERVER};
use crate::document::{self, as_text, member, object, optional, text};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Kind, Operation, Task};
use crate::pipe::Patience;
use crate::time::Timestamp;
use miniserde::json::{self, Value};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The reason of a file that keeps the server's version of a task.
pub const OVERRULED: &str = "overruled";

/// The reason of a line that keeps the parent which a task lost with the parent's creation.
const ORPHANED: &str = "orphaned";

/// The reason of a file that keeps what somebody typed in an editor until the cache has it.
pub const EDITED: &str = "edited";

/// In the line that says when a file was restored.
const RESTORED: &str = "restored";

/// Bytes. No queue comes near this; what is larger is not read.
const LARGEST: usize = 1 << 30;

/// Only regular files are read, and those keep nobody waiting.
const NO_PATIENCE: Patience = Patience { for_a_writer: Duration::ZERO, for_all: Duration::ZERO };

pub struct Discard {
    folder: PathBuf,
}

impl Discard {
    pub fn at(folder: &Path) -> Discard {
        Discard { folder: folder.to_path_buf() }
    }

    /// Keeps operations of ours, which are or were in the queue of `cache`. `reason` is a word for the file's name:
    /// `resolved`, `edited`.
    pub fn operations(&self, reason: &str, cache: &Cache, operations: &[Operation]) -> Result<PathBuf> {
        self.write(reason, cache, operations.iter().map(|operation| Record { reason, remote: Value::Null, operation }))
    }

    /// Keeps what is lost with operations that are given up. `reason`: `force`, `dropped`.
    pub fn loss(&self, reason: &str, cache: &Cache, loss: &Loss) -> Result<PathBuf> {
        let record = |reason, operation| Record { reason, remote: Value::Null, operation };
        let given_up = loss.operations.iter().map(|operation| record(reason, operation));
        let orphans = loss.orphans.iter().map(|operation| record(ORPHANED, operation));
        self.write(reason, cache, given_up.chain(orphans))
    }

    /// Keeps the server's version of a task that ours overrules, with the operation that brings it back.
    pub fn overruled(&self, cache: &Cache, task: &Task, bring_back: &Operation) -> Result<PathBuf> {
        let remote = Value::Object(document::task_to_json(task));
        self.write(OVERRULED, cache, [Record { reason: OVERRULED, remote, operation: bring_back }].into_iter())
    }

    fn write<'a>(&self, reason: &str, cache: &Cache, records: impl Iterator<Item = Record<'a>>) -> Result<PathBuf> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|e| Error::io("create the folder", &self.folder, e))?;
        let at = Timestamp::now().rfc3339();
        let (server, account) = (optional(&cache.metadata(SERVER)?), optional(&cache.metadata(ACCOUNT)?));
        let pending = cache.pending()?;
        let makers = makers(&pending);
        let lines: String = records
            .map(|Record { reason, remote, operation }| {
                let line = [
                    ("at", text(&at)),
                    ("reason", text(reason)),
                    ("server", server.clone()),
                    ("account", account.clone()),
                    ("remote", remote),
                    ("made_by", made_by(operation, &makers)),
                    ("operation", document::operation_to_json(operation)),
                ];
                format!("{}\n", json::to_string(&object(line)))
            })
            .collect();
        let stamp: String = at.chars().filter(char::is_ascii_alphanumeric).collect();
        for attempt in 0..1000 {
            let path = self.folder.join(format!("{stamp}-{reason}-{attempt}.jsonl"));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut file) => {
                    hit("discard.created");
                    let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_all());
                    hit("discard.synced");
                    return written.map(|()| path.clone()).map_err(|error| {
                        let _ = std::fs::remove_file(&path);
                        Error::io("write", &path, error)
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("create", &path, error)),
            }
        }
        Err(Error::failure(format!("{} is full of files of this instant", self.folder.display())))
    }

    /// What these files kept is in the cache now. One that cannot be removed keeps a copy, which does no harm.
    pub fn release(&self, files: &[PathBuf]) {
        for file in files {
            let _ = std::fs::remove_file(file);
        }
    }

    /// The files, newest first.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", &self.folder, error)),
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        files.sort_by(|a, b| b.cmp(a));
        Ok(files)
    }

    /// Says at the end of a file that what it keeps is queued again.
    pub fn mark_restored(path: &Path) -> Result<()> {
        let line = json::to_string(&object([(RESTORED, text(Timestamp::now().rfc3339()))]));
        let append = || {
            let mut file = OpenOptions::new().append(true).open(path)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()
        };
        append().map_err(|e| Error::io("write", path, e))
    }
}

/// A file of `discarded/`.
pub struct Discarded {
    /// Operations of ours, or the one that brings back what the server had.
    pub kept: Vec<Kept>,
    /// What it was written for.
    pub reason: Option<String>,
    /// When it was restored.
    pub restored: Option<String>,
}

impl Discarded {
    /// # Errors
    /// Not a regular file, larger than any of ours, or a line that is none of ours.
    pub fn read(path: &Path) -> Result<Discarded> {
        crate::pipe::refuse(path)?;
        let foreign = || Error::failure(format!("{} is not a file of discarded operations", path.display()));
        let content = crate::pipe::read(path, LARGEST, NO_PATIENCE)?;
        let content = String::from_utf8(content).map_err(|_| foreign())?;
        let mut file = Discarded { kept: Vec::new(), reason: None, restored: None };
        for line in content.lines().map(document::parse) {
            if let Some(restored) = as_text(member(&line, RESTORED)) {
                file.restored = Some(restored);
                continue;
            }
            file.kept.push(Kept::from_json(&line).ok_or_else(foreign)?);
            file.reason = file.reason.or(as_text(member(&line, "reason")));
        }
        Ok(file)
    }
}

/// A line to be written.
struct Record<'a> {
    reason: &'a str,
    remote: Value,
    operation: &'a Operation,
}

/// An operation that was thrown away, and what is needed to mean the same by it later.
pub struct Kept {
    pub operation: Operation,
    /// What it was meant for.
    pub server: Option<String>,
    pub account: Option<String>,
    /// Per provisional task that it names: the operation that makes the task. Provisional ids and names are given again.
    pub made_by: BTreeMap<i64, String>,
    /// It was not given up itself: the task lost its parent, whose creation was.
    pub is_orphan: bool,
}

impl Kept {
    /// `None` for what is no line of ours: an operation's id goes into a request's header.
    fn from_json(line: &Value) -> Option<Kept> {
        let operation = member(line, "operation").and_then(document::operation_from_json)?;
        if operation.op_id.is_empty() || !operation.op_id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return None;
        }
        let made_by = match member(line, "made_by") {
            Some(Value::Object(made_by)) => {
                made_by.iter().filter_map(|(id, op_id)| Some((id.parse().ok()?, as_text(Some(op_id))?))).collect()
            }
            _ => BTreeMap::new(),
        };
        Some(Kept {
            operation,
            server: as_text(member(line, "server")),
            account: as_text(member(line, "account")),
            made_by,
            is_orphan: as_text(member(line, "reason")).as_deref() == Some(ORPHANED),
        })
    }
}

/// Per provisional task: the operation that makes it.
type Makers<'a> = BTreeMap<i64, &'a str>;

fn makers(pending: &[Operation]) -> Makers<'_> {
    let creates = pending.iter().filter(|operation| operation.kind == Kind::CreateTask);
    creates.map(|create| (create.task_id, create.op_id.as_str())).collect()
}

/// `Kept::made_by` of an operation.
fn made_by(operation: &Operation, makers: &Makers) -> Value {
    let named = operation.tasks().into_iter();
    Value::Object(named.filter_map(|id| Some((id.to_string(), text(*makers.get(&id)?)))).collect())
}
