//! Brings the waiting changes of a row and the server's newest row together where that needs a decision: asks, or lets a
//! policy choose, and turns the choice into changes of the queue (docs/sync.md "choose").

use super::choose::{Choice, Chosen, choose};
use super::plan::{Entity, Meant};
use super::relate::{Difference, Related, all_lost, beside, relate};
use super::report::Cause;
use super::report::{Decision, Event, Question, Resolution};
use super::run::Run;
use super::sighting::Sighting;
use super::{Engine, Mode, Policy};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Field, Kept, Operation, Row, Shape, State, Target, Value};
use crate::names::Known;
use crate::store::{Change, Conflict};
use std::ops::ControlFlow;

/// One question, with what it is about.
struct Dispute {
    cause: Cause,
    chain: Vec<usize>,
    id: i64,
    row: Option<Row>,
    differences: Vec<Difference>,
}

impl Engine<'_> {
    /// What the pull has brought meets what waits.
    pub(super) fn meet_pulled(&mut self, run: &mut Run) -> Result<()> {
        if let Mode::Force(agreed) = self.options.mode.clone() {
            run.end.exactly = true;
            self.choose_to_drop(run, agreed.as_ref());
        } else {
            self.decide_pulled(run)?;
        }
        hit("sync.pulled");
        self.tell_pulled(run)
    }

    /// After a pull: every row with waiting changes meets what was read of it. The decisions are one transaction at the
    /// end: a person who stops before takes the earlier answers back.
    fn decide_pulled(&mut self, run: &mut Run) -> Result<()> {
        let mut decided = Decided::default();
        let entities = run.plan.entities_with_changes();
        // Who is asked is told how often.
        if self.options.policy == Policy::Ask && !self.options.dry_run {
            for entity in &entities {
                run.questions.1 += usize::from(self.dispute(run, entity, None)?.is_some());
            }
        }
        for entity in entities {
            if let Some(dispute) = self.dispute(run, &entity, Some(&mut decided))?
                && !self.decide(run, &entity, dispute, &mut decided)?
            {
                return Err(self.stop(&decided));
            }
        }
        self.carry_out(run, decided)
    }

    /// What is in dispute about a row, if anything is. What is settled without a question goes to `decided`.
    fn dispute(&mut self, run: &mut Run, entity: &Entity, decided: Option<&mut Decided>) -> Result<Option<Dispute>> {
        let to_send = run.plan.chain(entity);
        let mut chain = run.plan.all_of(entity);
        // What was rejected is decided about with the rest.
        let rejected = |op: &Operation| matches!(op.state, State::Rejected(_)) && op.shape == Shape::Update;
        chain.retain(|at| to_send.contains(at) || rejected(&run.plan.ops[*at]));
        let Some(first) = chain.first().copied() else { return Ok(None) };
        if self.is_left_out(run, first) {
            return Ok(None);
        }
        let op = run.plan.ops[first].clone();
        let Meant::Server { id, .. } = run.plan.meant(self.store, op.kind.ends, &op.target, &op.name)? else {
            return Ok(None);
        };
        let Some(look) = self.look(run, op.kind, id)? else { return Ok(None) };
        let operations = self.operations(run, &chain)?;
        if operations.iter().any(|op| names_what_is_sent(run, op)) {
            // Whether it has arrived can be told once that is found: the push asks.
            return Ok(None);
        }
        let deletes = operations.iter().any(|op| op.shape == Shape::Delete);
        let Some(row) = look.row else {
            let known = self.store.server_row(op.kind, id)?;
            let differences = all_lost(&operations);
            let dispute = Dispute { cause: Cause::DeletedThere, chain, id, row: known, differences };
            return Ok((!deletes).then_some(dispute));
        };
        match relate(&operations, operations.len(), &row, self.options.merge) {
            Related::Clashes(differences) => {
                let cause = if deletes { Cause::DeletedHere } else { Cause::Changed };
                Ok(Some(Dispute { cause, chain, id, row: Some(row), differences }))
            }
            Related::Ready { .. } | Related::Holds if decided.is_none() => Ok(None),
            related => {
                decided.into_iter().for_each(|decided| decided.settled(op.kind, id));
                if let Related::Ready { set, merged } = related
                    && !set.is_empty()
                {
                    self.tell_merged(run, &row, merged)?;
                }
                Ok(None)
            }
        }
    }

    /// Asks about one dispute and collects what the choice changes. False: stop.
    fn decide(&mut self, run: &mut Run, entity: &Entity, dispute: Dispute, decided: &mut Decided) -> Result<bool> {
        let operations = self.operations(run, &dispute.chain)?;
        let choice = self.ask(run, &dispute, &operations)?;
        if choice == Choice::Stop {
            return Ok(false);
        }
        if let Choice::Edited(values) = &choice {
            // Typed text is written down before anything else can go wrong.
            let edited = Operation {
                op_id: String::new(),
                set: values.clone(),
                shape: Shape::Update,
                target: Target::Server(dispute.id),
                state: State::Queued,
                sends: Vec::new(),
                ..operations[0].clone()
            };
            let kept = Kept { reason: "edited", row: None, operations: vec![edited] };
            decided.drafts.extend(self.store.discard(&[kept])?);
        }
        let chosen = choose(dispute.cause, &operations, dispute.row.as_ref(), &dispute.differences, &choice);
        run.reported.insert((operations[0].kind.name, dispute.id));
        if chosen.wait {
            self.put_in_inbox(run, entity, &dispute, &operations[0], decided);
            return Ok(true);
        }
        decided.settled(operations[0].kind, dispute.id);
        run.summary.resolved += 1;
        run.summary.accepted_remote += usize::from(choice == Choice::Remote);
        self.reporter.tell(Event::Resolved(match choice {
            Choice::Remote => Resolution::AcceptedRemote,
            Choice::Edited(_) => Resolution::Edited,
            _ => Resolution::KeptLocal,
        }));
        decided.take(chosen, &dispute, &choice);
        Ok(true)
    }

    fn put_in_inbox(
        &mut self,
        run: &mut Run,
        entity: &Entity,
        dispute: &Dispute,
        first: &Operation,
        decided: &mut Decided,
    ) {
        let identifier = dispute.row.as_ref().map_or_else(|| first.name.clone(), |row| row.name.clone());
        decided.change.conflicts.push(Conflict {
            kind: first.kind,
            id: dispute.id,
            workspace_id: first.workspace_id,
            name: identifier.clone(),
            remote: if dispute.cause == Cause::DeletedThere { None } else { dispute.row.clone() },
            found_at: crate::time::Timestamp::now().rfc3339(),
        });
        run.plan.leave_undecided(entity.clone());
        run.summary.waiting += 1;
        self.reporter.tell(match self.options.dry_run {
            true => Event::WouldAsk { identifier },
            false => Event::Waiting { identifier },
        });
    }

    /// The policy's choice, or the person's.
    fn ask(&mut self, run: &mut Run, dispute: &Dispute, operations: &[Operation]) -> Result<Choice> {
        if self.options.dry_run {
            return Ok(Choice::Skip);
        }
        let first = &operations[0];
        let name = dispute.row.as_ref().map_or(&first.name, |row| &row.name).clone();
        let (choice, word) = match self.options.policy {
            Policy::Local => (Choice::Local, "kept local"),
            Policy::Remote => (Choice::Remote, "accepted remote"),
            Policy::Skip => (Choice::Skip, "left for later"),
            Policy::Ask => {
                let Decision { choice, for_all } = self.question(run, dispute, first, &name)?;
                let word = match &choice {
                    Choice::Local => "kept local",
                    Choice::Remote => "accepted remote",
                    Choice::Edited(_) => "edited",
                    Choice::Skip | Choice::Stop => "left for later",
                };
                if for_all {
                    self.options.policy = match choice {
                        Choice::Local => Policy::Local,
                        Choice::Remote => Policy::Remote,
                        Choice::Skip => Policy::Skip,
                        Choice::Edited(_) | Choice::Stop => Policy::Ask,
                    };
                }
                (choice, word)
            }
        };
        run.summary.notes.push(format!("{name}: {word}"));
        Ok(choice)
    }

    fn question(&mut self, run: &mut Run, dispute: &Dispute, first: &Operation, name: &str) -> Result<Decision> {
        let shown = self.store.row(first.kind, dispute.id)?;
        let title = dispute.row.as_ref().or(shown.as_ref()).map_or_else(String::new, |row| row.title().to_string());
        let known = self.store.server_row(first.kind, dispute.id)?.filter(|_| !self.options.merge);
        let beside = match (&known, &dispute.row) {
            (Some(known), Some(row)) => beside(known, row, &dispute.differences),
            _ => Vec::new(),
        };
        let remote_version = match (&dispute.row, dispute.cause) {
            (Some(row), Cause::Changed | Cause::DeletedHere) => row.version,
            _ => first.seen_version + 1,
        };
        self.reporter.tell(Event::Asking);
        run.summary.asked = true;
        run.questions.0 += 1;
        let (number, all) = run.questions;
        let names = Known { store: &*self.store, workspace_id: first.workspace_id };
        let decision = self.prompter.conflict(&Question {
            identifier: name,
            title: &title,
            changed_at: dispute.row.as_ref().map_or("", |row| &row.updated_at),
            cause: dispute.cause,
            local_version: first.seen_version,
            remote_version,
            differences: &dispute.differences,
            beside: &beside,
            // Those of the push were not foreseen.
            place: if number <= all { (number, all) } else { (0, 0) },
            names: &names,
        })?;
        // While a person thought, others went on working.
        run.plan.age();
        Ok(decision)
    }

    /// A conflict that only the push has found: decided and written at once.
    pub(super) fn ask_while_pushing(
        &mut self,
        run: &mut Run,
        entity: &Entity,
        cause: Cause,
        sighting: &Sighting,
    ) -> Result<ControlFlow<()>> {
        let mut decided = Decided::default();
        let chain = run.plan.chain(entity);
        let operations = self.operations(run, &chain)?;
        let first = &operations[0];
        let id = match run.plan.meant(self.store, first.kind.ends, &first.target, &first.name)? {
            Meant::Server { id, .. } => id,
            _ => return Ok(ControlFlow::Continue(())),
        };
        let (row, differences) = match cause {
            Cause::DeletedThere => (self.store.server_row(first.kind, id)?, all_lost(&operations)),
            _ => (sighting.row.clone(), in_the_end(&operations, &sighting.differences)),
        };
        if !self.decide(run, entity, Dispute { cause, chain, id, row, differences }, &mut decided)? {
            run.summary.stopped = Some(self.stop(&decided));
            return Ok(ControlFlow::Break(()));
        }
        self.carry_out(run, decided)?;
        Ok(ControlFlow::Continue(()))
    }

    /// The run ends and takes its decisions back. What somebody has typed meanwhile is not lost with them.
    fn stop(&mut self, decided: &Decided) -> Error {
        for number in &decided.drafts {
            self.reporter.tell(Event::Note(format!("What you edited is kept: anyt sync restore {number}")));
        }
        Error::interrupted()
    }

    /// Writes the decisions, and tells the plan of them.
    pub(super) fn carry_out(&mut self, run: &mut Run, decided: Decided) -> Result<()> {
        if self.options.dry_run || decided.change == Change::default() {
            return Ok(());
        }
        let mut change = decided.change;
        if !change.settled.is_empty() {
            let inbox = self.store.conflicts()?;
            change
                .settled
                .retain(|(kind, id)| inbox.iter().any(|conflict| conflict.kind == *kind && conflict.id == *id));
        }
        if change == Change::default() {
            return Ok(());
        }
        let written = self.store.change(|_| Ok(change))?;
        for op in written.amended {
            run.plan.amend(op);
        }
        for (op_id, why) in written.dropped {
            run.plan.set_state(&op_id, State::Dropped(why));
        }
        for op in written.put {
            run.plan.add(self.store, op)?;
        }
        // What was typed is in the queue now.
        self.store.mark_restored(&decided.drafts)?;
        Ok(())
    }

    /// Settles conflicts of the inbox without a server; the next sync sends the result.
    pub(super) fn resolve(&mut self, run: &mut Run, wanted: &[(&'static crate::model::Kind, i64)]) -> Result<()> {
        let mut decided = Decided::default();
        let merge = self.options.merge;
        let mut conflicts = self.store.conflicts()?;
        conflicts.retain(|one| wanted.iter().any(|(kind, id)| *kind == one.kind && *id == one.id));
        run.questions.1 = conflicts.len();
        for conflict in conflicts {
            let entity = (conflict.kind.name, Target::Server(conflict.id));
            let chain = run.plan.operations(&run.plan.all_of(&entity));
            // A conflict where both sides changed other fields was found under `--no-merge`, and stays one.
            self.options.merge = merge && conflict.remote.as_ref().is_none_or(|row| overlaps(&chain, row));
            run.plan.saw_stored(&conflict);
            if let Some(dispute) = self.dispute(run, &entity, Some(&mut decided))?
                && !self.decide(run, &entity, dispute, &mut decided)?
            {
                return Err(self.stop(&decided));
            }
        }
        self.options.merge = merge;
        self.carry_out(run, decided)
    }
}

/// Differences that were found for the first operations of a chain, with what the whole chain comes to: that is what is
/// decided about.
fn in_the_end(chain: &[Operation], differences: &[Difference]) -> Vec<Difference> {
    let last = |field: Field| chain.iter().rev().find_map(|operation| operation.set.get(field));
    let whole = |one: &Difference| Difference { local: last(one.field).unwrap_or(&one.local).clone(), ..one.clone() };
    differences.iter().map(whole).collect()
}

/// What a stored conflict is about: its cause and the fields in dispute.
pub fn describe_conflict(chain: &[Operation], remote: Option<&Row>) -> (Cause, Vec<Difference>) {
    let deletes = chain.iter().any(|op| op.shape == Shape::Delete);
    let Some(row) = remote else { return (Cause::DeletedThere, all_lost(chain)) };
    let cause = if deletes { Cause::DeletedHere } else { Cause::Changed };
    match relate(chain, chain.len(), row, overlaps(chain, row)) {
        Related::Clashes(differences) => (cause, differences),
        _ => (cause, Vec::new()),
    }
}

/// A reference to a row whose create may have arrived.
fn names_what_is_sent(run: &Run, operation: &Operation) -> bool {
    operation.set.values().any(|value| matches!(value, Value::MadeBy(op_id) if run.plan.is_sent(op_id)))
}

/// Both sides changed the same field.
fn overlaps(chain: &[Operation], row: &Row) -> bool {
    matches!(relate(chain, chain.len(), row, true), Related::Clashes(_))
}

/// Decisions of one phase, to be written in one transaction.
#[derive(Default)]
pub(super) struct Decided {
    pub change: Change,
    /// Entries of discarded.jsonl that keep what was typed in an editor.
    drafts: Vec<i64>,
}

impl Decided {
    fn settled(&mut self, kind: &'static crate::model::Kind, id: i64) {
        self.change.settled.push((kind, id));
    }

    fn take(&mut self, chosen: Chosen, dispute: &Dispute, choice: &Choice) {
        let Chosen { amended, dropped, create, kept, remove_row, .. } = chosen;
        self.change.amended.extend(amended);
        self.change.dropped.extend(dropped);
        self.change.put.extend(create);
        self.change.kept.extend(kept);
        let kind = dispute.row.as_ref().map(|row| row.kind);
        if remove_row && let Some(kind) = kind {
            self.change.removed_rows.push((kind, dispute.id));
        }
        if *choice == Choice::Remote && dispute.cause != Cause::DeletedThere {
            self.change.rows.extend(dispute.row.clone());
        }
    }
}
