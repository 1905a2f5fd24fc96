//! What a reply comes to: written down before the next request, told, and passed on to what waits behind it.

use super::Engine;
use super::driver::Run;
use super::plan::{Look, Meant};
use super::relate::{carried_down, not_taken};
use super::remote::{Reply, to_error};
use super::reply::{Becomes, Effect};
use super::report::Event;
use super::sighting::Sighting;
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::gather::Gather;
use crate::model::{Kept, Operation, Patch, Row, SendReply, Shape, State, Target};
use std::ops::ControlFlow;

impl Engine<'_> {
    /// Commits what came back. Whether the run goes on then.
    pub(super) fn replied(
        &mut self,
        run: &mut Run,
        group: &[usize],
        set: &Patch,
        sighting: &Sighting,
        reply: Reply,
    ) -> Result<ControlFlow<()>> {
        let op = run.plan.ops[group[0]].clone();
        let (becomes, effect) = super::reply::reply(op.shape, op.kind.unique, &reply);
        let before = run.before.get(&group[0]).cloned().unwrap_or(State::Queued);
        let (state, said) = state_after(before, becomes, &reply);
        let ids: Vec<&str> = group.iter().map(|at| run.plan.ops[*at].op_id.as_str()).collect();
        run.taken = usize::from(becomes == Becomes::Done);
        self.store.commit_reply(&ids, said.as_ref(), &state)?;
        run.taken = 0;
        hit("push.answered");
        for at in group {
            let op = &mut run.plan.ops[*at];
            op.state = match becomes {
                Becomes::Before | Becomes::LookAgain => run.before.remove(at).unwrap_or(State::Queued),
                _ => state.clone(),
            };
            if let Some(send) = op.sends.last_mut() {
                send.reply = said.clone();
            }
        }
        match becomes {
            Becomes::Done => self.done(run, group, &op, set, sighting, &state)?,
            Becomes::Rejected => {
                let message = message(&reply);
                self.tell_rejected(run, group[0], message);
            }
            Becomes::Sent | Becomes::LookAgain => {
                self.look_again(run, group[0], &op)?;
                if let (Reply::Gone(_), Target::Server(id)) = (&reply, &op.target) {
                    // A write does not meet a replica: that the row is gone is no older read.
                    run.said_gone.insert((op.kind.name, *id));
                }
            }
            Becomes::Before => {}
        }
        Ok(self.ends_run(run, group[0], effect, reply))
    }

    /// What was known of the row no longer counts.
    fn look_again(&mut self, run: &mut Run, index: usize, op: &Operation) -> Result<()> {
        run.links.remove(&index);
        run.searches.remove(&index);
        if let Meant::Server { id, .. } = run.plan.meant(self.store, op.kind.ends, &op.target, &op.name)?
            && matches!(op.shape, Shape::Update | Shape::Delete)
        {
            run.plan.forget(op.kind, id);
        }
        Ok(())
    }

    /// Whether the run ends with this reply, and what it then ends with.
    fn ends_run(&mut self, run: &mut Run, index: usize, effect: Effect, reply: Reply) -> ControlFlow<()> {
        let trips = run.breaker.count(index, run.plan.ops[index].workspace_id, &reply);
        let origin = self.remote().origin();
        let error = match reply {
            Reply::Lost { message, until } => {
                if let Some(until) = until {
                    run.next_allowed = Some(until);
                }
                Some(Error::unreachable(message))
            }
            Reply::OutOfReach(message) => Some(Error::unreachable(message)),
            Reply::Limited { until, message } => {
                Some(to_error(super::remote::RemoteError::Limited { until, message }, &origin))
            }
            Reply::Unauthorized(message) => Some(to_error(super::remote::RemoteError::Unauthorized(message), &origin)),
            _ => None,
        };
        let Some(error) = error else { return ControlFlow::Continue(()) };
        run.summary.first_error.get_or_insert_with(|| error.to_string());
        if effect == Effect::Stop || trips {
            run.summary.stopped = Some(error);
            return ControlFlow::Break(());
        }
        run.lost.entry(index).or_insert(error);
        ControlFlow::Continue(())
    }

    /// R1: the server carried it out. What it answered is compared with what was sent.
    fn done(
        &mut self,
        run: &mut Run,
        group: &[usize],
        op: &Operation,
        set: &Patch,
        sighting: &Sighting,
        state: &State,
    ) -> Result<()> {
        let State::Answered(row) = state else { return Ok(()) };
        let row = row.as_deref();
        if let (Shape::Create, Some(row)) = (op.shape, row) {
            run.plan.made(&op.op_id, row);
            // A server that was put back gives the id of a row that it has lost: that is known only here now. What the
            // cache had before the create was sent for the first time is never the row that it made.
            let first = op.sends.len() == 1 && op.kind.versions;
            let known = self.store.server_row(op.kind, row.id)?;
            run.end.lost.extend(known.filter(|known| first || row.is_another_than(known)));
        }
        self.tell_done(run, op, row);
        match (op.shape, row) {
            (Shape::Create | Shape::Update, Some(row)) => {
                self.compare_answer(op, set, row)?;
                self.tell_jump(op, sighting.row.as_ref(), row);
                // The answer is newer than what was read, and is in the store.
                run.read.remove(&(op.kind.name, row.id));
                run.plan.saw(op.kind, row.id, Look { row: Some(row.clone()), fetched: None, undisputed: true });
                self.pass_on(run, group, set, row)?;
            }
            (Shape::Delete, _) => {
                if let Some(row) = &sighting.row {
                    run.plan.saw(op.kind, row.id, Look { row: None, fetched: None, undisputed: true });
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn tell_done(&mut self, run: &mut Run, op: &Operation, row: Option<&Row>) {
        run.summary.pushed += 1;
        let name = row.map_or_else(|| op.name.clone(), |row| row.name.clone());
        let was = (op.shape == Shape::Create && name != op.name).then(|| op.name.clone());
        run.summary.renames.extend(was.clone().map(|was| (was, name.clone())));
        let (name, other) = match self.ends(run, op) {
            Ok((name, other)) if matches!(op.shape, Shape::Link | Shape::Unlink) => (name, Some(other)),
            _ => (name, None),
        };
        self.reporter.tell(Event::Pushed { kind: op.kind, shape: op.shape, name, other, was });
    }

    /// A field that the server did not take, cut or rewrote is said, and what was typed is kept.
    fn compare_answer(&mut self, op: &Operation, set: &Patch, row: &Row) -> Result<()> {
        let differs = not_taken(set, row);
        if differs.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = differs.iter().map(|(field, ..)| field.word).collect();
        let typed: Patch = differs.iter().map(|(field, typed, _)| (*field, typed.clone())).gather();
        let base: Patch = differs.iter().map(|(field, _, has)| (*field, has.clone())).gather();
        let bring_back = Operation {
            shape: Shape::Update,
            target: Target::Server(row.id),
            name: row.name.clone(),
            seen_version: row.version,
            op_id: String::new(),
            base,
            set: typed,
            condition: None,
            links: Default::default(),
            replaces: None,
            state: State::Queued,
            sends: Vec::new(),
            ..op.clone()
        };
        let kept = Kept { reason: "not taken", row: None, operations: vec![bring_back] };
        let number = self.store.discard(&[kept])?.first().copied().unwrap_or(0);
        let what = words.join(", ");
        let note = format!(
            "{}: the server did not take the {what} as it was sent; what you wrote is kept: anyt sync restore {number}",
            row.name
        );
        self.note(note);
        Ok(())
    }

    /// Somebody wrote between what was seen and what was sent.
    fn tell_jump(&mut self, op: &Operation, seen: Option<&Row>, row: &Row) {
        if let Some(seen) = seen
            && op.shape == Shape::Update
            && row.version > seen.version + 1
            && seen.version > 0
        {
            let note = format!(
                "{}: the server went from version {} to {} with this change; somebody else changed it in the same moment",
                row.name, seen.version, row.version
            );
            self.reporter.tell(Event::Note(note));
        }
    }

    /// The waiting operations behind a finished group stand on what became of its fields: on what the server made of values
    /// that it did not take as they were sent, and on the group's own base where nothing was sent.
    pub(super) fn pass_on(&mut self, run: &mut Run, group: &[usize], sent: &Patch, row: &Row) -> Result<()> {
        let differs = not_taken(sent, row);
        if differs.is_empty() && sent.len() >= run.plan.ops[group[0]].set.len() {
            return Ok(());
        }
        let last = group.last().copied().unwrap_or_default();
        let mut behind = run.plan.chain_from(group[0]);
        behind.retain(|at| *at > last);
        if behind.is_empty() {
            return Ok(());
        }
        for (field, _, has) in differs {
            let next = behind.iter().copied().find(|at| run.plan.ops[*at].base.contains_key(field));
            if let Some(at) = next {
                self.rebase(run, at, Patch::from([(field, has)]), row.version)?;
            }
        }
        if sent.len() < run.plan.ops[group[0]].set.len() {
            let chain: Vec<usize> = group.iter().copied().chain(behind.iter().copied()).collect();
            let carried = carried_down(&run.plan.operations(&chain), group.len(), sent);
            for (op_id, bases) in carried {
                if let Some(at) = behind.iter().copied().find(|at| run.plan.ops[*at].op_id == op_id) {
                    self.rebase(run, at, bases, row.version)?;
                }
            }
        }
        Ok(())
    }

    fn rebase(&mut self, run: &mut Run, at: usize, bases: Patch, version: i64) -> Result<()> {
        let op = &mut run.plan.ops[at];
        op.base.extend(bases);
        if self.options.dry_run {
            return Ok(());
        }
        self.store.rebase(&op.op_id, &op.base, version)
    }
}

/// The operation's state after a reply, and what its request came to.
fn state_after(before: State, becomes: Becomes, reply: &Reply) -> (State, Option<SendReply>) {
    match becomes {
        Becomes::Done => {
            let row = match reply {
                Reply::Done(row) => row.clone(),
                _ => None,
            };
            (State::Answered(row), Some(SendReply::Done))
        }
        Becomes::Rejected => (State::Rejected(message(reply)), Some(SendReply::Refused(message(reply)))),
        Becomes::Sent => match reply {
            Reply::Lost { .. } => (State::Sent, None),
            _ => (State::Sent, Some(SendReply::Refused(message(reply)))),
        },
        Becomes::Before | Becomes::LookAgain => (before, Some(SendReply::NotDone)),
    }
}

fn message(reply: &Reply) -> String {
    match reply {
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
