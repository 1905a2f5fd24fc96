//! The move from anyt 0.1.0: its queue stood in the cache and in a journal, what was given up in a folder of files. Rows of the
//! cache that its schema's migration has marked `v2` are rewritten, the journal is folded in, files of `discarded/` and
//! `drafts/` become entries. The old files go last: a start that is killed anywhere is completed by the next one, which
//! finds what is there already under its operation id.

use super::{ACCOUNT, Files, Notice, Result, SERVER, discarded, metadata, open, overlay, queue, set_metadata, spare};
use crate::document::{self, as_integer, as_text, member};
use crate::error::Error;
use crate::failpoint::hit;
use crate::model::{Operation, Patch, Row, Send, Shape, State, Target, Value, patch_from_json, task::TASK};
use crate::sync::choose::Kept;
use crate::time::Timestamp;
use miniserde::json::Value as Json;
use rusqlite::{Connection, named_params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Something of 0.1.0 is still there.
pub(super) fn is_needed(files: &Files) -> bool {
    files.old_journal.exists() || files.old_discarded.exists() || files.old_drafts.exists()
}

/// What the old journal says of one operation.
#[derive(Default)]
struct Story {
    queued: Option<Json>,
    sending: Option<Json>,
    answered: Option<Json>,
    dropped: bool,
}

/// Moves everything over, in the caller's transaction. Doing it twice changes nothing more.
pub(super) fn move_over(db: &Connection, files: &Files) -> Result<Vec<Notice>> {
    let stories = read_journal(&files.old_journal)?;
    let sqlite = |e| open::sqlite_error(&files.cache, e);
    if let Some((server, account)) = &stories.meant {
        spare::meant_for(db, Some(server), account.as_deref()).map_err(sqlite)?;
    }
    let queued = rewrite_rows(db, stories).map_err(sqlite)?;
    hit("store.moved.queue");
    let kept = read_discarded(files)?;
    let count = kept.len();
    if metadata(db, MOVED).map_err(sqlite)?.is_none() {
        discarded::keep(db, &files.discarded, &kept)?;
        // The entries are flushed; killed before the commit, the next start writes them once more.
        set_metadata(db, MOVED, "1").map_err(sqlite)?;
    }
    hit("store.moved.discarded");
    if queued == 0 && count == 0 {
        return Ok(Vec::new());
    }
    spare::rewrite(db, &files.queue)?;
    Ok(vec![Notice::MovedOver { queued, discarded: count }])
}

/// Metadata key: files of `discarded/` are entries now.
const MOVED: &str = "moved_discarded";

/// Removes the old files, when the move is committed.
pub(super) fn clean_up(files: &Files) -> Result<()> {
    for path in [&files.old_journal, &files.old_discarded, &files.old_drafts] {
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove", path, error)),
            _ => hit("store.moved.removed"),
        }
    }
    Ok(())
}

struct Stories {
    by_id: BTreeMap<String, Story>,
    order: Vec<String>,
    meant: Option<(String, Option<String>)>,
}

/// Lines `{"crc":N,"entry":{…}}`; one that cannot be read says nothing.
fn read_journal(path: &Path) -> Result<Stories> {
    let mut stories = Stories { by_id: BTreeMap::new(), order: Vec::new(), meant: None };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(stories),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let value = document::parse(line.trim());
        let Some(entry) = member(&value, "entry") else { continue };
        let text = |name| as_text(member(entry, name));
        let kind = text("kind").unwrap_or_default();
        if kind == "meant" {
            stories.meant = text("server").map(|server| (server, text("account")));
            continue;
        }
        let operation = member(entry, "operation");
        let Some(op_id) = text("op_id").or_else(|| as_text(operation.and_then(|op| member(op, "op_id")))) else {
            continue;
        };
        if !stories.by_id.contains_key(&op_id) {
            stories.order.push(op_id.clone());
        }
        let story = stories.by_id.entry(op_id).or_default();
        match kind.as_str() {
            "queued" => {
                story.queued = operation.cloned();
                story.dropped = false;
            }
            "sending" => story.sending = member(entry, "uncertain").cloned(),
            "answered" => story.answered = Some(member(entry, "task").cloned().unwrap_or(Json::Null)),
            "dropped" => story.dropped = true,
            _ => {}
        }
    }
    Ok(stories)
}

/// Old rows, and operations that only the journal has, become operations of today. Gives how many wait.
fn rewrite_rows(db: &Connection, mut stories: Stories) -> rusqlite::Result<usize> {
    let mut old = old_rows(db)?;
    for op_id in &stories.order {
        let known = old.iter().any(|op| op.op_id == *op_id) || queue::by_op_id(db, op_id)?.is_some();
        let story = &stories.by_id[op_id];
        if !known
            && !story.dropped
            && let Some(op) = story.queued.as_ref().and_then(old_from_json)
        {
            old.push(op);
        }
    }
    let makers: BTreeMap<i64, String> = old
        .iter()
        .filter(|op| op.operation == "create" && op.entity_type == "task")
        .map(|op| (op.task_id, op.op_id.clone()))
        .collect();
    for (id, op_id) in &makers {
        db.prepare_cached("UPDATE tasks SET made_by = :op_id WHERE id = :id AND id < 0")?
            .execute(named_params! {":op_id": op_id, ":id": id})?;
    }
    let mut count = 0;
    for old in old {
        let story = stories.by_id.remove(&old.op_id).unwrap_or_default();
        if story.dropped {
            db.execute("UPDATE sync_queue SET state = 'dropped', synced = 1 WHERE op_id = ?1", [&old.op_id])?;
            continue;
        }
        count += 1;
        put(db, &old, &story, &makers)?;
    }
    if count > 0 {
        overlay::renumber(db, &Timestamp::now().rfc3339())?;
        overlay::renew_all(db)?;
    }
    Ok(count)
}

/// An operation as 0.1.0 wrote it.
struct Old {
    op_id: String,
    operation: String,
    entity_type: String,
    workspace_id: i64,
    task_id: i64,
    identifier: String,
    other_id: Option<i64>,
    other: Option<String>,
    payload: Json,
    created_at: String,
    uncertain: Option<Json>,
    error: Option<String>,
}

fn old_rows(db: &Connection) -> rusqlite::Result<Vec<Old>> {
    let parsed = |text: Option<String>| text.map(|text| document::parse(&text));
    db.prepare_cached(
        "SELECT op_id, operation, entity_type, workspace_id, CAST(entity_id AS INTEGER), identifier, depends_on_id_v2, \
         depends_on_v2, payload, created_at, uncertain_v2, error FROM sync_queue WHERE state = 'v2' ORDER BY id",
    )?
    .query_map([], |row| {
        Ok(Old {
            op_id: row.get(0)?,
            operation: row.get(1)?,
            entity_type: row.get(2)?,
            workspace_id: row.get(3)?,
            task_id: row.get(4)?,
            identifier: row.get(5)?,
            other_id: row.get(6)?,
            other: row.get(7)?,
            payload: document::parse(&row.get::<_, String>(8)?),
            created_at: row.get(9)?,
            uncertain: parsed(row.get(10)?),
            error: row.get(11)?,
        })
    })?
    .collect()
}

fn old_from_json(value: &Json) -> Option<Old> {
    let get = |name| member(value, name);
    Some(Old {
        op_id: as_text(get("op_id"))?,
        operation: as_text(get("operation"))?,
        entity_type: as_text(get("entity_type"))?,
        workspace_id: as_integer(get("workspace_id"))?,
        task_id: as_integer(get("task_id"))?,
        identifier: as_text(get("identifier"))?,
        other_id: as_integer(get("depends_on_id")),
        other: as_text(get("depends_on")),
        payload: get("payload")?.clone(),
        created_at: as_text(get("created_at"))?,
        uncertain: get("uncertain").filter(|value| matches!(value, Json::Object(_))).cloned(),
        error: as_text(get("error")),
    })
}

fn put(db: &Connection, old: &Old, story: &Story, makers: &BTreeMap<i64, String>) -> rusqlite::Result<()> {
    let Some(mut op) = today(old, makers) else {
        db.execute("DELETE FROM sync_queue WHERE op_id = ?1 AND state = 'v2'", [&old.op_id])?;
        return Ok(());
    };
    op.server = metadata(db, SERVER)?;
    op.account = metadata(db, ACCOUNT)?;
    // The row goes and comes again under the same number.
    let seq: Option<i64> = rusqlite::OptionalExtension::optional(
        db.prepare_cached("SELECT id FROM sync_queue WHERE op_id = ?1")?.query_row([&op.op_id], |row| row.get(0)),
    )?;
    db.execute("DELETE FROM sync_queue WHERE op_id = ?1", [&op.op_id])?;
    let doubt = story.sending.as_ref().or(old.uncertain.as_ref());
    if doubt.is_some() && story.answered.is_none() && op.state == State::Queued {
        op.state = State::Sent;
    }
    queue::put(db, &op)?;
    if let Some(seq) = seq {
        db.execute("UPDATE sync_queue SET id = ?1 WHERE op_id = ?2", rusqlite::params![seq, op.op_id])?;
    }
    if let Some(doubt) = doubt {
        queue::put_send(db, &op.op_id, &send(doubt, &op, makers))?;
    }
    if let Some(task) = &story.answered {
        let row = document::row_from_json(&TASK, task).map(Box::new);
        queue::transition(db, &op.op_id, &op.state.clone(), &State::Answered(row))?;
    }
    Ok(())
}

fn today(old: &Old, makers: &BTreeMap<i64, String>) -> Option<Operation> {
    let kind = crate::model::kind(&old.entity_type)?;
    let shape = Shape::parse(&old.operation, kind)?;
    let target = |id: i64| match makers.get(&id) {
        Some(op_id) => Target::MadeBy(op_id.clone()),
        None => Target::Server(id),
    };
    let patch = |name| member(&old.payload, name).map(|value| with_makers(&TASK, value, makers)).unwrap_or_default();
    Some(Operation {
        op_id: old.op_id.clone(),
        seq: 0,
        kind,
        shape,
        workspace_id: old.workspace_id,
        target: if shape == Shape::Create { Target::MadeBy(old.op_id.clone()) } else { target(old.task_id) },
        other: old.other_id.map(target),
        name: old.identifier.clone(),
        other_name: old.other.clone(),
        seen_version: as_integer(member(&old.payload, "base_version")).unwrap_or(0),
        base: patch("base"),
        set: patch("set"),
        condition: None,
        replaces: None,
        created_at: old.created_at.clone(),
        server: None,
        account: None,
        state: match (&old.error, &old.uncertain) {
            (Some(words), _) => State::Rejected(words.clone()),
            (None, Some(_)) => State::Sent,
            (None, None) => State::Queued,
        },
        sends: Vec::new(),
    })
}

/// A patch whose references to rows that were made here name the create.
fn with_makers(kind: &'static crate::model::Kind, value: &Json, makers: &BTreeMap<i64, String>) -> Patch {
    let mut patch = patch_from_json(kind, value);
    for (field, value) in &mut patch {
        if let (crate::model::kind::Type::Reference("task"), Value::Int(id)) = (field.ty, &*value)
            && let Some(op_id) = makers.get(id)
        {
            *value = Value::MadeBy(op_id.clone());
        }
    }
    patch
}

fn send(doubt: &Json, op: &Operation, makers: &BTreeMap<i64, String>) -> Send {
    let number = |name| as_integer(member(doubt, name)).unwrap_or(0);
    let until = as_text(member(doubt, "until")).and_then(|until| Timestamp::parse(&until));
    Send {
        at: until.or_else(|| Timestamp::parse(&op.created_at)).unwrap_or_else(Timestamp::now),
        sent: member(doubt, "set").map(|value| with_makers(op.kind, value, makers)).unwrap_or_default(),
        version: number("version"),
        highest_number: number("after_number"),
        reply: None,
    }
}

/// The files of `discarded/` that were not restored yet, oldest first, each as one entry; and texts of `drafts/`.
fn read_discarded(files: &Files) -> Result<Vec<Kept>> {
    let mut kept = Vec::new();
    for path in listed(&files.old_discarded)? {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let lines: Vec<Json> = text.lines().map(document::parse).collect();
        if lines.iter().any(|line| member(line, "restored").is_some()) {
            continue;
        }
        let olds: Vec<Old> = lines.iter().filter_map(|line| old_from_json(member(line, "operation")?)).collect();
        let makers: BTreeMap<i64, String> =
            olds.iter().filter(|op| op.operation == "create").map(|op| (op.task_id, op.op_id.clone())).collect();
        let operations: Vec<Operation> = olds.iter().filter_map(|old| today(old, &makers)).collect();
        let row = lines.iter().find_map(|line| document::row_from_json(&TASK, member(line, "remote")?));
        if !operations.is_empty() {
            kept.push(Kept { reason: "moved", row, operations });
        }
    }
    for path in listed(&files.old_drafts)? {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut row = Row { name, ..Row::new(&TASK) };
        row.set(crate::model::task::DESCRIPTION, Value::Text(text));
        kept.push(Kept { reason: "edited", row: Some(row), operations: Vec::new() });
    }
    Ok(kept)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", folder, error)),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}
