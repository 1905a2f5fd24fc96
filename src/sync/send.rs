//! One request: written down before its first byte leaves.

use super::Engine;
use super::driver::Run;
use super::finish::changed_meanwhile;
use super::remote::{Reply, Request};
use super::sighting::Sighting;
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::{Operation, Patch, Row, Send, Shape, State, Target};
use crate::time::Timestamp;
use std::ops::ControlFlow;

impl Engine<'_> {
    /// Sends one operation, or the group that goes as one request. Whether the run goes on then.
    pub(super) fn send(&mut self, run: &mut Run, index: usize, sighting: Sighting) -> Result<ControlFlow<()>> {
        let op = run.plan.ops[index].clone();
        let group = if sighting.group.is_empty() { vec![index] } else { sighting.group.clone() };
        let set = if op.shape == Shape::Update { sighting.set.clone() } else { self.with_ids(run, op.clone())?.set };
        let send = Send {
            at: Timestamp::now(),
            sent: set.clone(),
            version: sighting.row.as_ref().map_or(0, |row| row.version),
            highest_number: if op.shape == Shape::Create { self.highest_number(run, &op)? } else { 0 },
            reply: None,
        };
        self.write_down(run, &group, &send)?;
        if op.shape == Shape::Update
            && let Some(row) = sighting.row.as_ref().filter(|_| !sighting.ours)
        {
            self.tell_merged(run, row, sighting.merged.clone())?;
        }
        hit("push.request.before");
        let reply = of_this_request(run, &op, &sighting, self.request(run, &op, &set, &sighting)?);
        hit("push.request.after");
        self.replied(run, &group, &set, &sighting, reply)
    }

    fn highest_number(&self, run: &Run, op: &Operation) -> Result<i64> {
        if let Some(first) = op.sends.first() {
            // The first request may be the one that arrived.
            return Ok(first.highest_number);
        }
        let known = run.highest.get(&(op.kind.name, op.workspace_id)).copied().unwrap_or(0);
        Ok(known.max(run.plan.highest_made(op.kind, op.workspace_id)))
    }

    fn write_down(&mut self, run: &mut Run, group: &[usize], send: &Send) -> Result<()> {
        let ops = &run.plan.ops;
        // A repeat is harmless where it is looked for first, or where the key is honoured.
        let durable = ops[group[0]].shape == Shape::Create && run.caps.keys.is_none();
        let ids: Vec<&str> = group.iter().map(|at| ops[*at].op_id.as_str()).collect();
        if !self.store.commit_sent(&ids, send, durable)? {
            return Err(changed_meanwhile(&ops[group[0]]));
        }
        for at in group {
            let op = &mut run.plan.ops[*at];
            let before = std::mem::replace(&mut op.state, State::Sent);
            op.sends.push(send.clone());
            run.before.insert(*at, before);
        }
        Ok(())
    }

    fn request(&self, run: &Run, op: &Operation, set: &Patch, sighting: &Sighting) -> Result<Reply> {
        let (name, other) = match op.shape {
            Shape::Create => (String::new(), String::new()),
            Shape::Link | Shape::Unlink => self.ends(run, op)?,
            Shape::Update | Shape::Delete => {
                (sighting.row.as_ref().map_or_else(|| op.name.clone(), |row| row.name.clone()), String::new())
            }
        };
        let version = sighting.row.as_ref().map(|row| row.version).filter(|version| *version > 0);
        let workspace_id = sighting.row.as_ref().map_or(op.workspace_id, |row| row.workspace_id);
        let below = op.kind.below().and_then(|field| match op.shape {
            Shape::Create => set.get(field),
            _ => sighting.row.as_ref().map(|row| row.get(field)),
        });
        let below = match below.and_then(Target::of_value) {
            Some(target) => self.below(run, op.kind, &target)?,
            None => None,
        };
        Ok(self.remote().send(&Request {
            kind: op.kind,
            shape: op.shape,
            op_id: &op.op_id,
            workspace_id,
            name: &name,
            id: sighting.row.as_ref().map_or(0, |row| row.id),
            below: below.as_ref().map(|(id, name)| (*id, name.as_str())),
            other: &other,
            set,
            version: version.filter(|_| matches!(op.shape, Shape::Update | Shape::Delete)),
        }))
    }
}

/// The reply to what was asked. An answer about another row than the request's belongs to another request: what this one came
/// to is not known. A 409 that tells the version that was looked at is about something else than the version.
fn of_this_request(run: &Run, op: &Operation, sighting: &Sighting, reply: Reply) -> Reply {
    let looked_at = sighting.row.as_ref();
    match reply {
        Reply::Done(Some(row)) if is_about_another(run, op, looked_at, &row) => {
            let message = format!("the server's answer to {} was about {}", op.name, row.name);
            Reply::Lost { message, until: None }
        }
        Reply::Conflict { current_version, message } => {
            let another = current_version.filter(|now| looked_at.is_none_or(|row| row.version != *now));
            Reply::Conflict { current_version: another, message }
        }
        reply => reply,
    }
}

fn is_about_another(run: &Run, op: &Operation, looked_at: Option<&Row>, answer: &Row) -> bool {
    match op.shape {
        Shape::Update => looked_at.is_some_and(|asked| asked.id != answer.id),
        Shape::Create => run.plan.has_made(answer),
        Shape::Delete | Shape::Link | Shape::Unlink => false,
    }
}
