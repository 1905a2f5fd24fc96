//! The queue of anyt 0.1.0: rows of `sync_queue` in the old columns, and what its journal knows beyond them.

use super::journal::{History, Journal};
use super::operation::{Makers, Parts, send};
use crate::document;
use crate::gather::Gather;
use crate::model::{Operation, Row, Send, SendReply, State, Target};
use crate::store::{ACCOUNT, SERVER, metadata, overlay, queue, run, sends, set_metadata};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, named_params};
use std::collections::BTreeMap;

/// Rewrites the rows and folds the journal in. Gives the number of operations that wait and were moved.
pub(super) fn move_over(db: &Connection, journal: Journal) -> rusqlite::Result<usize> {
    remember_identity(db, &journal)?;
    let identity = (metadata(db, SERVER)?, metadata(db, ACCOUNT)?);
    let rows = old_rows(db)?;
    let mut makers: Makers =
        rows.iter().filter(|row| row.is_create()).map(|row| (row.task_id, row.op_id.clone())).gather();
    let mut moved = BTreeMap::new();
    for row in rows {
        let op_id = row.op_id.clone();
        let op = row.convert(&makers).ok_or_else(|| unknown(&op_id))?;
        write(db, &op, &identity)?;
        moved.insert(op_id, op);
    }
    name_makers(db, &makers)?;
    let restored = fold(db, journal, &mut makers, &mut moved, &identity)?;
    for op in moved.values() {
        for send in &op.sends {
            sends::put_send(db, &op.op_id, send)?;
        }
    }
    restored.iter().try_for_each(|op| overlay::renew_for(db, op))?;
    overlay::renumber(db, &Timestamp::now().rfc3339())?;
    overlay::renew_all(db)?;
    Ok(moved.len())
}

/// A new cache does not know yet which server and account the queue that it gets back is meant for.
fn remember_identity(db: &Connection, journal: &Journal) -> rusqlite::Result<()> {
    let Some((server, account)) = &journal.meant else { return Ok(()) };
    if metadata(db, SERVER)?.is_none() {
        set_metadata(db, SERVER, server)?;
        if let Some(account) = account {
            set_metadata(db, ACCOUNT, account)?;
        }
    }
    Ok(())
}

fn old_rows(db: &Connection) -> rusqlite::Result<Vec<Parts>> {
    db.prepare(
        "SELECT op_id, operation, entity_type, workspace_id, CAST(entity_id AS INTEGER), identifier, depends_on_id_v2, \
         depends_on_v2, payload, created_at, uncertain_v2, error FROM sync_queue WHERE synced = 0 AND state = 'v2' ORDER BY id",
    )?
    .query_map([], |row| {
        let depends_on: Option<i64> = row.get(6)?;
        let uncertain: Option<String> = row.get(10)?;
        Ok(Parts {
            op_id: row.get(0)?,
            operation: row.get(1)?,
            entity_type: row.get(2)?,
            workspace_id: row.get(3)?,
            task_id: row.get(4)?,
            identifier: row.get(5)?,
            depends_on: depends_on.zip(row.get(7)?),
            payload: document::parse(&row.get::<_, String>(8)?),
            created_at: row.get(9)?,
            uncertain: uncertain.map_or(json::Value::Null, |text| document::parse(&text)),
            error: row.get(11)?,
        })
    })?
    .collect()
}

/// The error of a row that no anyt has written.
fn unknown(op_id: &str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(format!("the queue has an unknown operation '{op_id}'").into())
}

type Identity = (Option<String>, Option<String>);

fn write(db: &Connection, op: &Operation, identity: &Identity) -> rusqlite::Result<()> {
    let error = match &op.state {
        State::Rejected(words) => Some(words),
        _ => None,
    };
    run(
        db,
        "UPDATE sync_queue SET entity_id = :target, other = :other, other_name = :other_name, payload = :payload, \
         state = :state, error = :error, server = :server, account = :account, depends_on_id_v2 = NULL, \
         depends_on_v2 = NULL, uncertain_v2 = NULL WHERE op_id = :op_id AND state = 'v2'",
        named_params! {
            ":op_id": op.op_id, ":target": op.target.to_text(), ":other": op.other.as_ref().map(Target::to_text),
            ":other_name": op.other_name, ":payload": json::to_string(&document::payload_to_json(op)),
            ":state": op.state.word(), ":error": error, ":server": identity.0, ":account": identity.1,
        },
    )
    .map(drop)
}

/// Provisional rows say which create makes them; one whose create is gone goes.
fn name_makers(db: &Connection, makers: &Makers) -> rusqlite::Result<()> {
    for (id, op_id) in makers {
        run(
            db,
            "UPDATE tasks SET made_by = :op_id WHERE id = :id AND made_by IS NULL",
            named_params! {":id": id, ":op_id": op_id},
        )?;
    }
    db.execute("DELETE FROM tasks WHERE id < 0 AND made_by IS NULL", []).map(drop)
}

/// What the journal says and the cache does not: operations of a cache that was lost, and what became of requests of a run
/// that was interrupted. Gives the operations that were only in the journal.
fn fold(
    db: &Connection,
    journal: Journal,
    makers: &mut Makers,
    moved: &mut BTreeMap<String, Operation>,
    identity: &Identity,
) -> rusqlite::Result<Vec<Operation>> {
    let mut restored = Vec::new();
    for history in journal.histories {
        let History { op_id, queued, sending, answered, dropped } = history;
        // Lines come in the order of the queue: a create before what names its row.
        if let Some(create) = queued.as_ref().filter(|parts| parts.is_create()) {
            makers.insert(create.task_id, op_id.clone());
        }
        // Moved just now, its sends not written yet; or known here since an earlier move.
        let fresh = moved.get(&op_id).cloned();
        let known = if fresh.is_some() { None } else { queue::by_op_id(db, &op_id)? };
        let (op, is_fresh) = match (fresh, known, queued) {
            (Some(op), ..) => (op, true),
            (None, Some(op), _) if op.state.waits() => (op, false),
            (None, None, Some(parts)) if !dropped => {
                let Some(mut op) = parts.convert(makers) else { continue };
                (op.server, op.account) = identity.clone();
                op.seq = queue::put(db, &op)?;
                restored.push(op.clone());
                (op, true)
            }
            _ => continue,
        };
        let last = sending.as_ref().and_then(|sending| send(sending, &op));
        let op = became(db, op, last, answered, dropped, is_fresh)?;
        if is_fresh && op.state.waits() {
            moved.insert(op_id, op);
        } else {
            moved.remove(&op_id);
        }
    }
    Ok(restored)
}

/// What became of one operation: carried out, dropped, or sent and not answered.
fn became(
    db: &Connection,
    mut op: Operation,
    last: Option<Send>,
    answered: Option<Option<Row>>,
    dropped: bool,
    is_fresh: bool,
) -> rusqlite::Result<Operation> {
    let to = match (answered, dropped, &last) {
        (Some(row), ..) => State::Answered(row.map(Box::new)),
        (None, true, _) => State::Dropped("dropped by an older anyt".into()),
        (None, false, Some(_)) if op.state == State::Queued => State::Sent,
        (None, false, _) => op.state.clone(),
    };
    queue::transition(db, &op.op_id, &op.state, &to)?;
    if let Some(mut last) = last
        && !op.sends.iter().any(|send| send.at == last.at)
    {
        last.reply = matches!(to, State::Answered(_)).then_some(SendReply::Done);
        if is_fresh && to.waits() {
            // Later than what the row says: 0.1.0 wrote the row at the end of its run.
            op.sends = vec![last];
        } else {
            sends::put_send(db, &op.op_id, &last)?;
        }
    }
    op.state = to;
    Ok(op)
}
