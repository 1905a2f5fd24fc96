//! `sends`: the requests that were sent for operations, and what came of each.

use super::run;
use crate::document;
use crate::model::kind::Kind;
use crate::model::{Operation, Send, SendReply, State, patch_from_json, patch_to_json};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, named_params};
use std::collections::HashMap;

fn read_send(row: &rusqlite::Row, kind: &'static Kind) -> rusqlite::Result<Send> {
    let (reply, message): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    Ok(Send {
        at: Timestamp(row.get(1)?),
        sent: patch_from_json(kind, &document::parse(&row.get::<_, String>(2)?)),
        version: row.get(3)?,
        highest_number: row.get(4)?,
        reply: match reply.as_deref() {
            Some("done") => Some(SendReply::Done),
            Some("refused") => Some(SendReply::Refused(message.unwrap_or_default())),
            Some("not done") => Some(SendReply::NotDone),
            _ => None,
        },
    })
}

fn reply_word(reply: &SendReply) -> &'static str {
    match reply {
        SendReply::Done => "done",
        SendReply::Refused(_) => "refused",
        SendReply::NotDone => "not done",
    }
}

/// Reads the requests of each.
pub(super) fn with_sends(db: &Connection, mut ops: Vec<Operation>) -> rusqlite::Result<Vec<Operation>> {
    if ops.iter().all(|op| op.state == State::Queued) && ops.len() < 2 {
        // A single one: its own sends, which a queued one has where it was turned away before, without reading the others'.
        return ops.into_iter().map(|op| one_with_sends(db, op)).collect();
    }
    let places: HashMap<String, usize> = ops.iter().enumerate().map(|(at, op)| (op.op_id.clone(), at)).collect();
    let mut query = db.prepare_cached(
        "SELECT op_id, at_us, sent, version, highest_number, reply, message FROM sends \
         WHERE op_id IN (SELECT op_id FROM sync_queue WHERE synced = 0) ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(at) = places.get(&row.get::<_, String>(0)?) {
            let send = read_send(row, ops[*at].kind)?;
            ops[*at].sends.push(send);
        }
    }
    Ok(ops)
}

pub(super) fn one_with_sends(db: &Connection, mut op: Operation) -> rusqlite::Result<Operation> {
    let kind = op.kind;
    op.sends = db
        .prepare_cached(
            "SELECT op_id, at_us, sent, version, highest_number, reply, message FROM sends WHERE op_id = ?1 ORDER BY id",
        )?
        .query_map([&op.op_id], |row| read_send(row, kind))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(op)
}

pub(super) fn put_send(db: &Connection, op_id: &str, send: &Send) -> rusqlite::Result<()> {
    let message = match &send.reply {
        Some(SendReply::Refused(message)) => Some(message),
        _ => None,
    };
    run(
        db,
        "INSERT INTO sends (op_id, at_us, sent, version, highest_number, reply, message) \
         VALUES (:op_id, :at, :sent, :version, :highest, :reply, :message)",
        named_params! {
            ":op_id": op_id, ":at": send.at.0, ":sent": json::to_string(&patch_to_json(&send.sent)),
            ":version": send.version, ":highest": send.highest_number, ":reply": send.reply.as_ref().map(reply_word),
            ":message": message,
        },
    )
    .map(drop)
}

/// The requests of an operation that is queued as it was. One that may have been sent, nobody knows when, counts as sent now.
pub(super) fn put_sends(db: &Connection, op: &Operation) -> rusqlite::Result<()> {
    op.sends.iter().try_for_each(|send| put_send(db, &op.op_id, send))?;
    let known = || db.prepare_cached("SELECT 1 FROM sends WHERE op_id = ?1")?.exists([&op.op_id]);
    if op.state == State::Sent && !known()? {
        let (at, sent) = (Timestamp::now(), op.set.clone());
        put_send(db, &op.op_id, &Send { at, sent, version: op.seen_version, highest_number: 0, reply: None })?;
    }
    Ok(())
}

pub(super) fn put_reply(db: &Connection, op_id: &str, reply: &SendReply) -> rusqlite::Result<()> {
    let message = match reply {
        SendReply::Refused(message) => Some(message),
        _ => None,
    };
    run(
        db,
        "UPDATE sends SET reply = :reply, message = :message, replied_us = :now \
         WHERE id = (SELECT max(id) FROM sends WHERE op_id = :op_id)",
        named_params! {
            ":op_id": op_id, ":reply": reply_word(reply), ":message": message, ":now": Timestamp::now().0,
        },
    )
    .map(drop)
}
