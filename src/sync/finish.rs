//! What an operation comes to without a request.

use super::Engine;
use super::Mode;
use super::plan::Look;
use super::relate::not_taken;
use super::report::Event;
use super::run::Run;
use super::sighting::Sighting;
use super::transitions::Outcome;
use crate::error::{Error, Result};
use crate::model::{Field, Kept, Operation, Patch, Row, SendReply, Shape, State, Target, Value};
use crate::store::Change;
use std::time::Instant;

impl Engine<'_> {
    /// Commits what an operation came to without a request.
    pub(super) fn finish(&mut self, run: &mut Run, index: usize, outcome: Outcome, sighting: &Sighting) -> Result<()> {
        let op = run.plan.ops[index].clone();
        let said = || {
            op.sends.iter().rev().find_map(|send| match &send.reply {
                Some(SendReply::Refused(message)) => Some(message.clone()),
                _ => None,
            })
        };
        match outcome {
            Outcome::Done => self.found_done(run, index, op, sighting),
            Outcome::Cancelled => self.cancel(run, index),
            Outcome::ConditionFailed => self.condition_failed(run, index, &op, sighting),
            Outcome::MayHaveBecome => {
                // What was answered in words was not lost.
                let said = if sighting.situation.refused { said() } else { None };
                let happened = said.unwrap_or_else(|| "its answer was lost".into());
                let message = format!(
                    "{happened}; it may have become {}: if so: anyt sync queue drop, else: anyt sync queue retry",
                    sighting.names
                );
                self.reject(run, index, message)
            }
            Outcome::NeedIsGone => self.reject(run, index, format!("{} is gone", sighting.need)),
            Outcome::Refused => self.reject(run, index, said().unwrap_or_else(|| "the server refused it".into())),
        }
    }

    /// What was to be done is so already.
    fn found_done(&mut self, run: &mut Run, index: usize, op: Operation, sighting: &Sighting) -> Result<()> {
        let row = sighting.row.clone().map(Box::new);
        if let (Shape::Create, Some(row)) = (op.shape, &row) {
            let look = Look { row: Some((**row).clone()), fetched: None, undisputed: false };
            run.plan.saw(op.kind, row.id, look);
            self.leave_or_keep(run, index, row)?;
            // Nobody has changed it yet: what differs was not taken, or it is a twin that another machine has made.
            if row.version == 1 && !self.options.dry_run {
                let set = self.with_ids(run, op.clone())?.set;
                self.compare_answer(&op, &set, row)?;
            }
        }
        let group = if op.shape == Shape::Update { sighting.group.clone() } else { vec![index] };
        for at in &group {
            self.becomes(run, *at, State::Answered(row.clone()))?;
        }
        if let (Shape::Update, Some(row)) = (op.shape, &row) {
            self.pass_on(run, &group, &Default::default(), row)?;
        }
        if !self.options.dry_run {
            self.tell_done(run, &op, row.as_deref());
        } else if op.state == State::Sent {
            let name = row.map_or_else(|| op.name.clone(), |row| row.name);
            self.reporter.tell(Event::WouldAdopt { operation: Box::new(op.clone()), name });
            run.summary.would_adopt.push(op);
        }
        Ok(())
    }

    fn condition_failed(&mut self, run: &mut Run, index: usize, op: &Operation, sighting: &Sighting) -> Result<()> {
        let found = sighting.row.as_ref().map_or_else(String::new, |row| format!("version {}", row.version));
        let why = format!("the condition does not hold: the server has {found}");
        let identifier = op.name.clone();
        run.summary.conditions_failed += 1;
        run.summary.first_error.get_or_insert_with(|| format!("{identifier}: {why}"));
        let is_own = matches!(&self.options.mode, Mode::Write(own) if own.contains(&op.op_id));
        if !is_own && !self.options.dry_run {
            // Whoever typed it is not there to see that it failed; an earlier command may have queued it.
            let kept = Kept { reason: "condition", row: None, operations: vec![op.clone()] };
            self.store.discard(&[kept])?;
        }
        self.becomes(run, index, State::Dropped(why.clone()))?;
        if !is_own && matches!(self.options.mode, Mode::Write(_)) {
            self.note(format!("{identifier} was not sent: {why}; what was typed is kept: anyt sync restore --last"));
        }
        self.reporter.tell(Event::Refused { identifier, message: why });
        Ok(())
    }

    pub(super) fn reject(&mut self, run: &mut Run, index: usize, message: String) -> Result<()> {
        self.becomes(run, index, State::Rejected(message.clone()))?;
        self.tell_rejected(run, index, message);
        Ok(())
    }

    /// A transition without a request, committed and then told to the plan.
    pub(super) fn becomes(&mut self, run: &mut Run, index: usize, state: State) -> Result<()> {
        let op = &run.plan.ops[index];
        if !self.options.dry_run && !self.store.commit_transition(&op.op_id, &op.state, &state)? {
            return Err(changed_meanwhile(op));
        }
        if let (Shape::Create, State::Answered(Some(row))) = (op.shape, &state) {
            let op_id = op.op_id.clone();
            run.plan.made(&op_id, row);
        }
        run.plan.ops[index].state = state;
        Ok(())
    }

    /// The row that a create has found instead of making it may be somebody else's (`Kind::unique`). It has no version:
    /// what it says stands, and what was to be made is kept. Changes that wait behind the create are made, and what they
    /// overrule is kept.
    fn leave_or_keep(&mut self, run: &mut Run, index: usize, row: &Row) -> Result<()> {
        let op = self.with_ids(run, run.plan.ops[index].clone())?;
        let differs = not_taken(&op.set, row);
        if !op.kind.unique || differs.is_empty() || self.options.dry_run {
            return Ok(());
        }
        self.pass_on(run, &[index], &op.set, row)?;
        let later: Vec<Operation> = run.plan.operations(&run.plan.chain_from(index));
        let (mut set, mut ours_goes, mut theirs_goes) = (Values::default(), Values::default(), Values::default());
        for (field, ours, theirs) in &differs {
            match later.iter().rev().find_map(|one| one.set.get(*field)) {
                None if *theirs != Value::Null => ours_goes.put(field, theirs, ours),
                None if later.iter().all(|one| one.shape == Shape::Update) => set.put(field, theirs, ours),
                Some(last) if *theirs != Value::Null => theirs_goes.put(field, last, theirs),
                _ => {}
            }
        }
        let update = |values: Values, target: Target| Operation {
            shape: Shape::Update,
            op_id: String::new(),
            target,
            seen_version: row.version,
            base: values.base,
            set: values.set,
            state: State::Queued,
            sends: Vec::new(),
            ..op.clone()
        };
        let mut change = Change::default();
        for (what, goes) in [("stands; yours is kept", ours_goes), ("was overruled, and is kept", theirs_goes)] {
            if goes.set.is_empty() {
                continue;
            }
            let (name, fields) = (op.kind.called(&row.name), goes.set.keys().map(|field| field.word));
            let fields = fields.collect::<Vec<_>>().join(", ");
            let operations = vec![update(goes, Target::Server(row.id))];
            change.kept.push(Kept { reason: "overruled", row: Some(row.clone()), operations });
            let note = format!("{name} was on the server already; its {fields} there {what}: anyt sync restore --list");
            self.note(note);
        }
        if !set.set.is_empty() {
            change.put.push(update(set, op.target.clone()));
        }
        for put in self.store.change(|_| Ok(change))?.put {
            run.plan.add(self.store, put)?;
        }
        let look = Look { row: Some(row.clone()), fetched: Some(Instant::now()), undisputed: false };
        run.plan.saw(op.kind, row.id, look);
        Ok(())
    }

    /// A create that certainly made nothing, and whose row is deleted in the end: everything about it goes.
    fn cancel(&mut self, run: &mut Run, index: usize) -> Result<()> {
        let op_id = run.plan.ops[index].op_id.clone();
        let mut goes = run.plan.all_of(&run.plan.entity_of(index).clone());
        goes.extend(run.plan.links_to(&op_id));
        for at in goes {
            self.becomes(run, at, State::Dropped("it was deleted before it was sent".into()))?;
        }
        Ok(())
    }
}

/// The fields of an update, before and after.
#[derive(Default)]
struct Values {
    base: Patch,
    set: Patch,
}

impl Values {
    fn put(&mut self, field: Field, before: &Value, after: &Value) {
        self.base.insert(field, before.clone());
        self.set.insert(field, after.clone());
    }
}

/// Somebody else changed an operation that this run holds: only possible while the lock was not held.
pub(super) fn changed_meanwhile(op: &Operation) -> Error {
    Error::failure(format!("{} was changed by another process meanwhile", op.name)).hint("run it again: anyt sync")
}
