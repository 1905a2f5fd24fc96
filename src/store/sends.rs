//! The driver's transitions, each one short transaction: a request is written down before its first byte leaves, and what
//! came of it before the next one.

use super::queue::{self, put_send, reply_word, transition};
use super::{Result, Store, run};
use crate::document;
use crate::model::{Kind, Patch, Send, SendReply, State};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, named_params};

impl Store {
    /// Commits `sent` and a row of `sends` for each operation. False: an operation was settled by now; nothing was
    /// written. `durable`: flushed, where a repeat is not harmless.
    pub fn commit_sent(&mut self, op_ids: &[&str], send: &Send, durable: bool) -> Result<bool> {
        self.set_durable(durable)?;
        self.write(|db| {
            for op_id in op_ids {
                if !queue::can_be_sent(db, op_id)? {
                    return Ok(false);
                }
            }
            for op_id in op_ids {
                transition(db, op_id, &State::Queued, &State::Sent)?;
                put_send(db, op_id, send)?;
            }
            Ok(true)
        })
    }

    /// Commits what the last request of each operation came to, and the operation's new state.
    pub fn commit_reply(&mut self, op_ids: &[&str], reply: Option<&SendReply>, state: &State) -> Result<()> {
        self.set_durable(false)?;
        self.write(|db| {
            for op_id in op_ids {
                if let Some(reply) = reply {
                    put_reply(db, op_id, reply)?;
                }
                transition(db, op_id, &State::Sent, state)?;
            }
            Ok(())
        })
    }

    /// A transition without a request, from the state it saw. False: it was another one by now.
    pub fn settle(&mut self, op_id: &str, from: &State, to: &State) -> Result<bool> {
        self.set_durable(false)?;
        self.write(|db| {
            let changed = transition(db, op_id, from, to)?;
            if changed
                && let State::Dropped(_) = to
                && let Some(op) = queue::by_op_id(db, op_id)?
            {
                super::overlay::renew_for(db, &op)?;
            }
            Ok(changed)
        })
    }

    /// Base values of a waiting operation where the server did not take what was sent before it (R1).
    pub fn rebase(&mut self, op_id: &str, base: &Patch, seen_version: i64) -> Result<()> {
        self.set_durable(false)?;
        self.write(|db| {
            let Some(mut op) = queue::by_op_id(db, op_id)? else { return Ok(()) };
            (op.base, op.seen_version) = (base.clone(), seen_version);
            run(
                db,
                "UPDATE sync_queue SET payload = :payload WHERE op_id = :op_id AND synced = 0",
                named_params! {
                    ":op_id": op_id, ":payload": json::to_string(&document::payload_to_json(&op)),
                },
            )
            .map(drop)
        })
    }

    /// When the server last answered a write of ours about the row.
    pub fn answered_at(&self, kind: &'static Kind, id: i64) -> Result<Option<Timestamp>> {
        self.db
            .prepare_cached(
                "SELECT max(s.replied_us) FROM sync_queue q CROSS JOIN sends s ON s.op_id = q.op_id \
                 WHERE (q.entity_id = :text OR q.remote_id = :id) AND q.entity_type = :kind \
                 AND q.state IN ('done', 'answered') AND s.reply = 'done'",
            )
            .and_then(|mut query| {
                let params = named_params! {":kind": kind.name, ":text": id.to_string(), ":id": id};
                query.query_row(params, |row| row.get(0))
            })
            .map(|at: Option<i64>| at.map(Timestamp))
            .map_err(|e| self.error(e))
    }

    /// Server ids that creates of ours were answered with.
    pub fn taken_ids(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<i64>> {
        self.db
            .prepare_cached(
                "SELECT remote_id FROM sync_queue WHERE operation = 'create' AND entity_type = :kind \
                 AND remote_id IS NOT NULL AND workspace_id = :workspace",
            )
            .and_then(|mut query| {
                query
                    .query_map(named_params! {":kind": kind.name, ":workspace": workspace_id}, |row| row.get(0))?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }
}

fn put_reply(db: &Connection, op_id: &str, reply: &SendReply) -> rusqlite::Result<()> {
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
