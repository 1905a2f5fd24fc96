//! One request: written down before its first byte leaves, and what came back before the next one.

use super::Engine;
use super::driver::Pass;
use super::finish::changed_meanwhile;
use super::plan::Meant;
use super::remote::{RemoteError, Reply, Request, to_error};
use super::run::Run;
use super::sighting::Sighting;
use super::transitions::{Becomes, Effect, after_reply};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::gather::Gather;
use crate::model::{Operation, Patch, Row, Send, SendReply, Shape, State, Target};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

impl Engine<'_> {
    /// Sends one operation, or the group that goes as one request. `Continue`: it is to be looked at anew.
    pub(super) fn send(&mut self, run: &mut Run, index: usize, sighting: Sighting) -> Result<ControlFlow<Pass>> {
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
            && let Some(row) = sighting.row.as_ref().filter(|_| !sighting.undisputed)
        {
            self.tell_merged(run, row, sighting.merged.clone())?;
        }
        hit("push.request.before");
        let came = of_this_request(run, &op, &sighting, self.request(run, &op, &set, &sighting)?);
        hit("push.request.after");
        self.replied(run, &group, &set, &sighting, came)
    }

    /// Commits what came back.
    fn replied(
        &mut self,
        run: &mut Run,
        group: &[usize],
        set: &Patch,
        sighting: &Sighting,
        came: Reply,
    ) -> Result<ControlFlow<Pass>> {
        let op = run.plan.ops[group[0]].clone();
        let (becomes, effect) = after_reply(op.shape, &came);
        let before = run.came(group[0]).and_then(|came| came.before.clone()).unwrap_or(State::Queued);
        let (state, said) = state_after(before, becomes, &came);
        let ids: Vec<&str> = group.iter().map(|at| run.plan.ops[*at].op_id.as_str()).collect();
        run.taken = usize::from(becomes == Becomes::Done);
        self.store.commit_reply(&ids, said.as_ref(), &state)?;
        run.taken = 0;
        hit("push.answered");
        for at in group {
            let before = run.came_of(*at).before.take();
            let op = &mut run.plan.ops[*at];
            op.state = match becomes {
                Becomes::Before | Becomes::LookAgain => before.unwrap_or(State::Queued),
                _ => state.clone(),
            };
            if let Some(send) = op.sends.last_mut() {
                send.reply = said.clone();
            }
        }
        match becomes {
            Becomes::Done => self.done(run, group, &op, set, sighting, &state)?,
            Becomes::Rejected => {
                let message = message(&came);
                self.tell_rejected(run, group[0], message);
            }
            Becomes::Sent | Becomes::LookAgain => {
                self.look_again(run, group[0], &op)?;
                if let (Reply::Gone(_), Target::Server(id)) = (&came, &op.target) {
                    // A write does not meet a replica: that the row is gone is no older read.
                    run.said_gone.insert((op.kind.name, *id));
                }
            }
            Becomes::Before => {}
        }
        Ok(match self.ends_run(run, group[0], effect, came) {
            true => ControlFlow::Break(Pass::Stop),
            // It is told already.
            false if becomes == Becomes::Rejected => ControlFlow::Break(Pass::Over),
            // Where it is done, the driver finds it settled.
            false => ControlFlow::Continue(()),
        })
    }

    /// What was known of the row no longer counts.
    fn look_again(&mut self, run: &mut Run, index: usize, op: &Operation) -> Result<()> {
        let came = run.came_of(index);
        (came.link, came.search) = (None, None);
        if let Meant::Server { id, .. } = run.plan.meant(self.store, op.kind.ends, &op.target, &op.name)?
            && matches!(op.shape, Shape::Update | Shape::Delete)
        {
            run.plan.forget(op.kind, id);
        }
        Ok(())
    }

    /// Whether the run ends with this reply, and what it then ends with.
    fn ends_run(&mut self, run: &mut Run, index: usize, effect: Effect, came: Reply) -> bool {
        let trips = run.breaker.count(index, run.plan.ops[index].workspace_id, &came);
        let origin = self.remote().origin();
        let error = match came {
            Reply::Lost { message, until } => {
                if let Some(until) = until {
                    run.next_allowed = Some(until);
                }
                Some(Error::unreachable(message))
            }
            Reply::OutOfReach(message) => Some(Error::unreachable(message)),
            Reply::Limited { until, message } => Some(to_error(RemoteError::Limited { until, message }, &origin)),
            Reply::Unauthorized(message) => Some(to_error(RemoteError::Unauthorized(message), &origin)),
            _ => None,
        };
        let Some(error) = error else { return false };
        run.summary.first_error.get_or_insert_with(|| error.to_string());
        if effect == Effect::Stop || trips {
            run.summary.stopped = Some(error);
            return true;
        }
        run.came_of(index).lost_answer.get_or_insert(error);
        false
    }

    /// Which numbers were given before the push: a lost create is looked for above them.
    pub(super) fn know_highest(&mut self, run: &mut Run) -> Result<()> {
        let creates = run.plan.ops.iter().filter(|op| op.shape == Shape::Create);
        let made: BTreeMap<_, _> = creates.map(|op| ((op.kind.name, op.workspace_id), op.kind)).gather();
        for ((name, workspace), kind) in made {
            run.highest.insert((name, workspace), self.store.highest_known_number(kind, workspace)?);
        }
        Ok(())
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
            run.came_of(*at).before = Some(before);
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
fn of_this_request(run: &Run, op: &Operation, sighting: &Sighting, came: Reply) -> Reply {
    let looked_at = sighting.row.as_ref();
    match came {
        Reply::Done(Some(row)) if is_about_another(run, op, looked_at, &row) => {
            let message = format!("the server's answer to {} was about {}", op.name, row.name);
            Reply::Lost { message, until: None }
        }
        Reply::Conflict { current_version, message } => {
            let another = current_version.filter(|now| looked_at.is_none_or(|row| row.version != *now));
            Reply::Conflict { current_version: another, message }
        }
        came => came,
    }
}

fn is_about_another(run: &Run, op: &Operation, looked_at: Option<&Row>, answer: &Row) -> bool {
    match op.shape {
        Shape::Update => looked_at.is_some_and(|asked| asked.id != answer.id),
        Shape::Create => run.plan.has_made(answer),
        Shape::Delete | Shape::Link | Shape::Unlink => false,
    }
}

/// The operation's state after a reply, and what its request came to.
fn state_after(before: State, becomes: Becomes, came: &Reply) -> (State, Option<SendReply>) {
    match becomes {
        Becomes::Done => {
            let row = match came {
                Reply::Done(row) => row.clone(),
                _ => None,
            };
            (State::Answered(row), Some(SendReply::Done))
        }
        Becomes::Rejected => (State::Rejected(message(came)), Some(SendReply::Refused(message(came)))),
        Becomes::Sent => match came {
            Reply::Lost { .. } => (State::Sent, None),
            _ => (State::Sent, Some(SendReply::Refused(message(came)))),
        },
        Becomes::Before | Becomes::LookAgain => (before, Some(SendReply::NotDone)),
    }
}

fn message(came: &Reply) -> String {
    match came {
        Reply::Done(_) => String::new(),
        Reply::Gone(message)
        | Reply::Conflict { message, .. }
        | Reply::Refused { message, .. }
        | Reply::Forbidden(message)
        | Reply::OutOfReach(message)
        | Reply::Limited { message, .. }
        | Reply::Unauthorized(message)
        | Reply::Lost { message, .. } => message.clone(),
    }
}
