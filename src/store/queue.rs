//! `sync_queue`: the operations, in the order they were made, with their states and the requests that were sent for them.

use super::sends::{one_with_sends, with_sends};
use super::{Resolved, Result, Store, run};
use crate::document;
use crate::model::kind::Kind;
use crate::model::{Operation, Row, Shape, State, Target};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, OptionalExtension, named_params};

macro_rules! columns {
    () => {
        "id, op_id, operation, entity_type, workspace_id, entity_id, other, identifier, other_name, payload, replaces, \
         created_at, server, account, state, error, answer"
    };
}

fn read(row: &rusqlite::Row) -> rusqlite::Result<Operation> {
    let (operation, entity_type): (String, String) = (row.get(2)?, row.get(3)?);
    let kind = crate::model::kind(&entity_type).ok_or_else(|| unknown("kind", &entity_type))?;
    let shape = Shape::parse(&operation, kind).ok_or_else(|| unknown("operation", &operation))?;
    let words = |at| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
    let state: String = row.get(14)?;
    let mut op = Operation {
        seq: row.get(0)?,
        op_id: row.get(1)?,
        workspace_id: row.get(4)?,
        target: Target::parse(&row.get::<_, Option<String>>(5)?.unwrap_or_default()),
        other: row.get::<_, Option<String>>(6)?.map(|text| Target::parse(&text)),
        name: row.get(7)?,
        other_name: row.get(8)?,
        replaces: row.get(10)?,
        created_at: row.get(11)?,
        server: row.get(12)?,
        account: row.get(13)?,
        state: match state.as_str() {
            "queued" => State::Queued,
            "sent" => State::Sent,
            "rejected" => State::Rejected(words(15)?),
            "answered" => {
                let answer: Option<String> = row.get(16)?;
                State::Answered(
                    answer.and_then(|text| document::row_from_json(kind, &document::parse(&text))).map(Box::new),
                )
            }
            "done" => State::Done,
            "dropped" => State::Dropped(words(15)?),
            other => return Err(unknown("state", other)),
        },
        ..Operation::new(kind, shape)
    };
    document::read_payload(&mut op, &document::parse(&row.get::<_, String>(9)?));
    Ok(op)
}

/// The error of a row that no anyt has written.
fn unknown(what: &str, word: &str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(format!("the queue has an unknown {what} '{word}'").into())
}

/// Every operation that is to be sent, looked for or decided about, oldest first, with its sends.
pub(super) fn waiting(db: &Connection) -> rusqlite::Result<Vec<Operation>> {
    let ops = db
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM sync_queue WHERE synced = 0 AND state <> 'answered' ORDER BY id"
        ))?
        .query_map([], read)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    with_sends(db, ops)
}

/// Unsettled operations on one row (also answered ones, whose effect is not laid yet), oldest first, without sends.
pub(super) fn unsettled_of(db: &Connection, kind: &Kind, target: &Target) -> rusqlite::Result<Vec<Operation>> {
    db.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " FROM sync_queue WHERE synced = 0 AND entity_id = :target AND entity_type = :kind ORDER BY id"
    ))?
    .query_map(named_params! {":target": target.to_text(), ":kind": kind.name}, read)?
    .collect()
}

pub(super) fn waiting_of(db: &Connection, kind: &Kind, target: &Target) -> rusqlite::Result<Vec<Operation>> {
    let mut ops = unsettled_of(db, kind, target)?;
    ops.retain(|op| op.state.waits());
    ops.into_iter().map(|op| one_with_sends(db, op)).collect()
}

/// Among what waits for a row there is something that the server rejected.
pub(super) fn has_rejected(db: &Connection, kind: &Kind, target: &Target) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM sync_queue INDEXED BY queue_rejected \
         WHERE state = 'rejected' AND entity_id = :target AND entity_type = :kind",
    )?
    .exists(named_params! {":target": target.to_text(), ":kind": kind.name})
}

/// Answered operations that are not laid yet, oldest first.
pub(super) fn answered(db: &Connection) -> rusqlite::Result<Vec<Operation>> {
    db.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " FROM sync_queue WHERE synced = 0 AND state = 'answered' ORDER BY id"
    ))?
    .query_map([], read)?
    .collect()
}

pub(super) fn by_op_id(db: &Connection, op_id: &str) -> rusqlite::Result<Option<Operation>> {
    let op = db
        .prepare_cached(concat!("SELECT ", columns!(), " FROM sync_queue WHERE op_id = ?1"))?
        .query_row([op_id], read)
        .optional()?;
    op.map(|op| one_with_sends(db, op)).transpose()
}

pub(super) fn knows(db: &Connection, op_id: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM sync_queue WHERE op_id = ?1")?.exists([op_id])
}

/// Inserts an operation, or writes one over its row; its place in the order stays. Gives its place.
pub(super) fn put(db: &Connection, op: &Operation) -> rusqlite::Result<i64> {
    let error = match &op.state {
        State::Rejected(words) | State::Dropped(words) => Some(words),
        _ => None,
    };
    run(
        db,
        "INSERT INTO sync_queue (op_id, operation, entity_type, workspace_id, entity_id, other, identifier, other_name, \
         payload, replaces, created_at, server, account, state, error) VALUES (:op_id, :operation, :kind, :workspace, \
         :target, :other, :name, :other_name, :payload, :replaces, :created_at, :server, :account, :state, :error) \
         ON CONFLICT(op_id) DO UPDATE SET identifier = :name, other_name = :other_name, payload = :payload, \
         state = :state, error = :error, created_at = :created_at WHERE synced = 0 AND state <> 'answered'",
        named_params! {
            ":op_id": op.op_id, ":operation": op.shape.word(), ":kind": op.kind.name, ":workspace": op.workspace_id,
            ":target": op.target.to_text(), ":other": op.other.as_ref().map(Target::to_text), ":name": op.name,
            ":other_name": op.other_name, ":payload": json::to_string(&document::payload_to_json(op)),
            ":replaces": op.replaces, ":created_at": op.created_at, ":server": op.server, ":account": op.account,
            ":state": op.state.word(), ":error": error,
        },
    )?;
    db.prepare_cached("SELECT id FROM sync_queue WHERE op_id = ?1")?.query_row([&op.op_id], |row| row.get(0))
}

/// One that was dropped and is queued again takes its place at the end; what was sent for it stays known.
pub(super) fn forget_dropped(db: &Connection, op_id: &str) -> rusqlite::Result<()> {
    run(db, "DELETE FROM sync_queue WHERE op_id = ?1 AND state = 'dropped'", [op_id]).map(drop)
}

/// A transition from the state that was seen. False: it was another one by now.
pub(super) fn transition(db: &Connection, op_id: &str, from: &State, to: &State) -> rusqlite::Result<bool> {
    let words = match to {
        State::Rejected(words) | State::Dropped(words) => Some(words),
        _ => None,
    };
    let row: Option<&Row> = match to {
        State::Answered(row) => row.as_deref(),
        _ => None,
    };
    if matches!(to, State::Done | State::Dropped(_)) {
        return settle(db, op_id, from, to.word(), words);
    }
    let answer = row.map(|row| json::to_string(&json::Value::Object(document::row_to_json(row))));
    let changed = db
        .prepare_cached(
            "UPDATE sync_queue SET state = :to, error = :error, answer = :answer, \
             remote_id = coalesce(:remote, remote_id) WHERE op_id = :op_id AND state = :from AND synced = 0",
        )?
        .execute(named_params! {
            ":to": to.word(), ":error": words, ":answer": answer, ":remote": row.map(|row| row.id), ":op_id": op_id,
            ":from": from.word(),
        })?;
    Ok(changed == 1)
}

/// It waits to be sent, or to be sent again.
pub(super) fn can_be_sent(db: &Connection, op_id: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM sync_queue WHERE op_id = ?1 AND synced = 0 AND state IN ('queued', 'sent')")?
        .exists([op_id])
}

/// It becomes history. Its texts are on the server, or in discarded.jsonl: those of the newest 200 operations stay, so that
/// they can be undone, up to 64 KiB each.
fn settle(db: &Connection, op_id: &str, from: &State, to: &str, words: Option<&String>) -> rusqlite::Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE sync_queue SET state = :to, error = :error, synced = 1, synced_at = :now, answer = NULL, \
             payload = CASE WHEN octet_length(payload) > 400 AND (octet_length(payload) > 65536 OR \
             id <= (SELECT max(id) FROM sync_queue) - 200) THEN '{}' ELSE payload END WHERE op_id = :op_id AND state = :from AND synced = 0",
        )?
        .execute(named_params! {
            ":to": to, ":error": words, ":now": Timestamp::now().rfc3339(), ":op_id": op_id, ":from": from.word(),
        })?;
    if changed == 1 {
        run(db, "UPDATE sends SET sent = '{}' WHERE op_id = ?1", [op_id])?;
        // The newest can be undone; the texts of the one that is the newest no longer go.
        run(
            db,
            "UPDATE sync_queue SET payload = '{}' WHERE id = (SELECT id FROM sync_queue WHERE op_id = ?1) - 200 \
             AND synced = 1 AND octet_length(payload) > 400",
            [op_id],
        )?;
    }
    Ok(changed == 1)
}

/// What a target means: the server's id where there is one by now. `kind`: the name of the kind of row.
pub(super) fn resolve(db: &Connection, kind: &str, target: &Target) -> rusqlite::Result<Resolved> {
    let (sql, key) = match target {
        Target::Server(id) => (
            "SELECT op_id, state, remote_id, identifier FROM sync_queue WHERE replaces = ?1 AND entity_type = ?2 \
             AND state <> 'dropped' ORDER BY id DESC LIMIT 1",
            id.to_string(),
        ),
        Target::MadeBy(op_id) => {
            ("SELECT op_id, state, remote_id, identifier FROM sync_queue WHERE op_id = ?1 AND ?2 = ?2", op_id.clone())
        }
    };
    let found: Option<(String, String, Option<i64>, String)> = db
        .prepare_cached(sql)?
        .query_row([key.as_str(), kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    Ok(match (found, target) {
        (None, Target::Server(id)) => Resolved::Server { id: *id, name: String::new() },
        (None, Target::MadeBy(_)) => Resolved::Gone { name: "what it belongs to".into() },
        (Some((_, _, Some(id), name)), _) => Resolved::Server { id, name },
        (Some((op_id, state, None, name)), _) => match state.as_str() {
            "dropped" | "done" => Resolved::Gone { name },
            _ => Resolved::Pending { op_id, name },
        },
    })
}

impl Store {
    /// Every waiting operation (queued, sent, rejected), oldest first, with its sends.
    pub fn waiting(&self) -> Result<Vec<Operation>> {
        waiting(&self.db).map_err(|e| self.error(e))
    }

    pub fn count_waiting(&self) -> Result<usize> {
        self.db
            .prepare_cached("SELECT count(*) FROM sync_queue WHERE synced = 0 AND state <> 'answered'")
            .and_then(|mut query| query.query_row([], |row| row.get::<_, i64>(0)))
            .map(|count| count.max(0) as usize)
            .map_err(|e| self.error(e))
    }

    /// Every operation that is known, newest first, without its requests.
    pub fn operations(&self, limit: u32) -> Result<Vec<Operation>> {
        self.db
            .prepare_cached(concat!("SELECT ", columns!(), " FROM sync_queue ORDER BY id DESC LIMIT ?1"))
            .and_then(|mut query| query.query_map([limit], read)?.collect())
            .map_err(|e| self.error(e))
    }

    pub fn operation_numbered(&self, number: i64) -> Result<Option<Operation>> {
        self.db
            .prepare_cached(concat!("SELECT ", columns!(), " FROM sync_queue WHERE id = ?1"))
            .and_then(|mut query| query.query_row([number], read).optional())
            .map_err(|e| self.error(e))
    }

    /// What this machine did to a row, oldest first: what it is called in operations, and the server's id.
    pub fn operations_of(&self, kind: &'static Kind, target: &Target, id: i64) -> Result<Vec<Operation>> {
        self.about(kind, target.to_text(), Target::Server(id).to_text(), 0)
    }

    /// What this machine did to the row of an operation after it, oldest first: carried out or waiting.
    pub fn made_later(&self, op: &Operation) -> Result<Vec<Operation>> {
        let id = match resolve(&self.db, op.kind.name, &op.target).map_err(|e| self.error(e))? {
            Resolved::Server { id, .. } => Target::Server(id).to_text(),
            _ => String::new(),
        };
        let mut all = self.about(op.kind, op.target.to_text(), id, op.seq)?;
        all.retain(|one| !matches!(one.state, State::Dropped(_)));
        Ok(all)
    }

    fn about(&self, kind: &'static Kind, target: String, id: String, after: i64) -> Result<Vec<Operation>> {
        self.db
            .prepare_cached(concat!(
                "SELECT ",
                columns!(),
                " FROM sync_queue WHERE (entity_id IN (:target, :id) OR remote_id = CAST(:id AS INTEGER)) AND id > :after \
                 AND entity_type = :kind ORDER BY id"
            ))
            .and_then(|mut query| {
                let bound = named_params! {":target": target, ":id": id, ":after": after, ":kind": kind.name};
                query.query_map(bound, read)?.collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Also one that is settled.
    pub fn operation(&self, op_id: &str) -> Result<Option<Operation>> {
        by_op_id(&self.db, op_id).map_err(|e| self.error(e))
    }

    /// What a target means: the server's id, where it has one by now (a create done or answered; a row made again).
    pub fn resolve(&self, kind: &str, target: &Target) -> Result<Resolved> {
        resolve(&self.db, kind, target).map_err(|e| self.error(e))
    }
}
