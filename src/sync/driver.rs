//! The driver: executes the steps that `next` gives and commits each transition before and after a request (docs/sync.md).
//! Dry run, push, write, resolve and force are sets of steps it may execute.

use super::breaker::Breaker;
use super::candidates::Found;
use super::next::{Seen, Step, Why, next};
use super::observe::Epoch;
use super::plan::Plan;
use super::remote::{Capabilities, Remote, RemoteError, to_error};
use super::report::{Event, Summary};
use super::sighting::Sighting;
use super::{Engine, Mode};
use crate::error::{Error, Result};
use crate::model::{Kind, Row, Shape, State, Value};
use crate::origin::is_same_server;
use crate::store::End;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How often one operation is sent in one run, and how often its row is looked at.
const SENDS: u32 = 2;
const LOOKS: u32 = 5;

/// One run's state beside the plan.
#[derive(Default)]
pub(super) struct Run {
    pub plan: Plan,
    pub end: End,
    pub summary: Summary,
    pub caps: Capabilities,
    pub account: Option<String>,
    pub breaker: Breaker,
    /// Rows that merges and conflicts report on their own.
    pub reported: BTreeSet<(&'static str, i64)>,
    /// What was found for creates whose answer was lost, by operation: when the search began, and what it found.
    pub searches: BTreeMap<usize, (Timestamp, Found)>,
    /// Questions that were put to a person, of how many before the push.
    pub questions: (usize, usize),
    /// Of links that were sent: what the server shows.
    pub links: BTreeMap<usize, Seen>,
    pub epoch: Epoch,
    /// What an operation was before the request that is under way.
    pub before: BTreeMap<usize, State>,
    /// Rows read one by one, by kind and id; `None`: gone.
    pub read: BTreeMap<(&'static str, i64), (&'static Kind, Option<Row>)>,
    /// Per kind and workspace the highest number known when the push began.
    pub highest: BTreeMap<(&'static str, i64), i64>,
    /// When the server lets us come back, where it said so with a lost answer.
    pub next_allowed: Option<Timestamp>,
    /// Answers that were lost, by operation: what the run ends with, though it went on, if one is not settled by then.
    pub lost: BTreeMap<usize, Error>,
    /// Operations that the server has just carried out, until that is written down.
    pub taken: usize,
    /// Rows of which a write was answered that they are gone.
    pub said_gone: BTreeSet<(&'static str, i64)>,
    /// Rows that could not be read, by id: they are there.
    pub unreadable: BTreeSet<i64>,
    /// With `--force`: the operations to be set aside in the end.
    pub force: Option<BTreeSet<String>>,
    /// Per kind and workspace: when its lists were last read to find lost creates.
    pub listed: BTreeMap<(&'static str, i64), Timestamp>,
    /// Per kind and workspace the rows of our account that the pull brought, for creates that may have been sent before.
    pub recent: BTreeMap<(&'static str, i64), Vec<Row>>,
}

impl Run {
    pub(super) fn new(plan: Plan) -> Run {
        Run { plan, ..Run::default() }
    }
}

/// What one operation came to in this pass.
enum Pass {
    Settled,
    /// A sent create: nothing can be said before this time.
    Wait(Timestamp),
    /// It needs what may still be made.
    Later,
    /// The run ends.
    Stop,
}

impl Engine<'_> {
    pub(super) fn remote(&self) -> &dyn Remote {
        self.remote.expect("only Mode::Resolve runs without a server, and asks it nothing")
    }

    /// Sends the queue in order, each operation until it is settled; those that have to wait come last, with what waits for
    /// an operation that is not settled.
    pub(super) fn push(&mut self, run: &mut Run) -> Result<()> {
        let (mut until, mut later) = (Timestamp(0), Vec::new());
        let mut index = 0;
        // Decisions add operations at the end, so the length is looked at anew.
        while index < run.plan.ops.len() {
            self.reporter.tell(Event::Progress { sending: true, done: index, of: run.plan.ops.len() });
            match self.push_one(run, index, true)? {
                Pass::Settled => {}
                Pass::Wait(time) => {
                    until = until.max(time);
                    later.push(index);
                }
                Pass::Later => later.push(index),
                Pass::Stop => return Ok(()),
            }
            index += 1;
        }
        if later.is_empty() {
            return Ok(());
        }
        self.sleep_until(until);
        for index in later {
            if let Pass::Stop = self.push_one(run, index, false)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn sleep_until(&mut self, until: Timestamp) {
        let left = Timestamp::now().age(until);
        if !left.is_zero() {
            let seconds = left.as_secs() + 1;
            self.note(format!("what was sent before may still arrive; looking again in {seconds} s"));
            crate::time::sleep(left);
        }
    }

    /// Executes steps for one operation until it is settled or held. `again`: there is a second pass, for what waits for a
    /// row that may still be made.
    fn push_one(&mut self, run: &mut Run, index: usize, again: bool) -> Result<Pass> {
        let (mut sends, mut looks) = (0, 0);
        loop {
            if let Some(pass) = self.stays(run, index) {
                return Ok(pass);
            }
            if self.options.dry_run && run.plan.is_of_assumed(index) {
                self.would_send(run, index);
                return Ok(Pass::Settled);
            }
            self.find_pulled(run, index)?;
            let sighting = self.sighting(run, index)?;
            let (_, step) = next(&sighting.situation);
            match step {
                Step::Send => sends += 1,
                Step::Fetch | Step::Search => looks += 1,
                _ => {}
            }
            if sends > SENDS || looks > LOOKS {
                self.put_off(run, index);
                return Ok(Pass::Settled);
            }
            if let ControlFlow::Break(pass) = self.take(step, run, index, again, sighting)? {
                return Ok(pass);
            }
        }
    }

    /// What is settled, or waits for something that this run does not bring.
    fn stays(&mut self, run: &mut Run, index: usize) -> Option<Pass> {
        if !run.plan.ops[index].state.waits() || !run.plan.is_in_scope(index) || self.is_left_out(run, index) {
            return Some(Pass::Settled);
        }
        let entity = run.plan.entity_of(index);
        let held = run.plan.is_held(entity) || run.plan.waits_behind_rejected(entity, index);
        if held || self.is_meant_elsewhere(run, index) {
            self.held(run, index);
            return Some(Pass::Settled);
        }
        None
    }

    /// One step. Afterwards the operation is looked at anew, or it has had its turn.
    fn take(
        &mut self,
        step: Step,
        run: &mut Run,
        index: usize,
        again: bool,
        sighting: Sighting,
    ) -> Result<ControlFlow<Pass>> {
        let pass = match step {
            Step::Send if self.options.dry_run => {
                self.would_send(run, index);
                Pass::Settled
            }
            Step::Send if self.hold_made_already(run, index)? => Pass::Settled,
            Step::Send => match self.send(run, index, sighting)? {
                ControlFlow::Break(()) => Pass::Stop,
                ControlFlow::Continue(()) if matches!(run.plan.ops[index].state, State::Rejected(_)) => Pass::Settled,
                ControlFlow::Continue(()) => return Ok(ControlFlow::Continue(())),
            },
            Step::Fetch | Step::Search => {
                let read = match step {
                    Step::Fetch => self.fetch(run, index, &sighting)?,
                    _ => self.search(run, index)?,
                };
                match read {
                    Ok(()) => return Ok(ControlFlow::Continue(())),
                    Err(error) => self.stop_at(run, error),
                }
            }
            Step::Wait if matches!(self.options.mode, Mode::Write(_)) || self.options.dry_run => Pass::Settled,
            Step::Wait => Pass::Wait(sighting.settled_at),
            Step::Ask(cause) => {
                let entity = run.plan.entity_of(index).clone();
                let asked = self.ask_while_pushing(run, &entity, cause, &sighting)?;
                return Ok(asked.map_break(|()| Pass::Stop));
            }
            Step::Hold(Why::Waits) if again => Pass::Later,
            Step::Hold(Why::Waits) => {
                self.held(run, index);
                Pass::Settled
            }
            Step::Hold(Why::Rejected) => {
                self.rejected_before(run, index);
                Pass::Settled
            }
            Step::Finish(outcome) => {
                self.finish(run, index, outcome, &sighting)?;
                Pass::Settled
            }
        };
        Ok(ControlFlow::Break(pass))
    }

    /// A create that was never sent, and whose row the pull has brought all the same: a home was put back whole. True: it is
    /// held and named.
    fn hold_made_already(&mut self, run: &mut Run, index: usize) -> Result<bool> {
        let Some(row) = self.made_already(run, index)? else { return Ok(false) };
        let message = format!(
            "the server has {} with the same words, made after this was queued: if it is that one: anyt sync queue drop, else: anyt sync queue retry",
            row.name
        );
        self.reject(run, index, message)?;
        Ok(true)
    }

    pub(super) fn is_left_out(&self, run: &Run, index: usize) -> bool {
        let workspace = run.plan.ops[index].workspace_id;
        run.end.left_out.contains(&workspace) || run.breaker.leaves_out(workspace)
    }

    fn stop_at(&mut self, run: &mut Run, error: RemoteError) -> Pass {
        let error = to_error(error, &self.remote().origin());
        run.summary.first_error.get_or_insert_with(|| error.to_string());
        run.summary.stopped = Some(error);
        Pass::Stop
    }

    /// Nothing more is sent for the row in this run. The run ends with what was lost, or says that the row kept changing.
    fn put_off(&mut self, run: &mut Run, index: usize) {
        let name = run.plan.ops[index].name.clone();
        let message = format!("{name} kept changing on the server; it is sent again with the next sync");
        run.lost.entry(index).or_insert_with(|| Error::unreachable(message));
        run.plan.hold(run.plan.entity_of(index).clone());
    }

    /// An operation that was meant for another server or account waits until that is there again.
    fn is_meant_elsewhere(&self, run: &Run, index: usize) -> bool {
        let op = &run.plan.ops[index];
        let other_server = op.server.as_ref().is_some_and(|server| !is_same_server(server, &self.remote().origin()));
        let other_account = op.account.as_ref().zip(run.account.as_ref()).is_some_and(|(meant, here)| meant != here);
        other_server || other_account
    }

    fn would_send(&mut self, run: &mut Run, index: usize) {
        let op = run.plan.ops[index].clone();
        run.plan.assume(index);
        self.reporter.tell(Event::WouldSend(Box::new(op.clone())));
        run.summary.would_send.push(op);
    }

    pub(super) fn note(&mut self, note: String) {
        self.reporter.tell(Event::Note(note));
    }

    fn held(&mut self, run: &mut Run, index: usize) {
        // What waits for a decision is reported as that.
        if !run.plan.is_undecided(index) {
            run.summary.held += 1;
            let identifier = run.plan.ops[index].name.clone();
            self.reporter.tell(Event::Held { identifier });
        }
    }

    /// What the server said no to in an earlier run is not sent again until somebody says so, or amends it.
    fn rejected_before(&mut self, run: &mut Run, index: usize) {
        let op = &run.plan.ops[index];
        let State::Rejected(message) = &op.state else { return };
        let message = message.clone();
        self.tell_rejected(run, index, message);
    }

    pub(super) fn tell_rejected(&mut self, run: &mut Run, index: usize, message: String) {
        let op = &run.plan.ops[index];
        run.summary.failed += 1;
        run.summary.first_error.get_or_insert_with(|| format!("{}: {message}", op.name));
        // The number of a new row may be another's by now, in this very run.
        let identifier = match op.set.values().next() {
            Some(Value::Text(words)) if op.shape == Shape::Create => format!("the new {} '{words}'", op.kind.name),
            _ => op.name.clone(),
        };
        self.reporter.tell(Event::Refused { identifier, message });
    }
}
