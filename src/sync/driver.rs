//! The driver: executes the steps that `next` gives and commits each transition before and after a request (docs/sync.md).
//! Dry run, push, write, resolve and force are sets of steps it may execute.

use super::plan::Plan;
use super::remote::{Remote, RemoteError, to_error};
use super::report::{Event, Summary};
use super::run::Run;
use super::sighting::Sighting;
use super::transitions::{Step, Why, next};
use super::{Engine, Mode, NEXT_ALLOWED, door};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::origin::is_same_server;
use crate::store::Direction;
use crate::time::Timestamp;
use std::ops::ControlFlow;

/// How often one operation is sent in one run, and how often its row is looked at.
const SENDS: u32 = 2;
const LOOKS: u32 = 5;

/// What one operation came to in this pass.
pub(super) enum Pass {
    /// Nothing more in this run: it is settled, waits for something that the run does not bring, or has been put off.
    Over,
    /// A sent create: nothing can be said before this time.
    Wait(Timestamp),
    /// It needs what may still be made.
    Later,
    /// The run ends.
    Stop,
}

impl Engine<'_> {
    /// Runs once. What the server accepted is in the store even when an error is in the summary (`stopped`). What became
    /// of an operation is its state in the store.
    ///
    /// # Errors
    /// A pull that failed, a refused identity, a person who stopped: the rows are as they were.
    pub fn run(&mut self) -> Result<Summary> {
        let result = self.run_once();
        if let Err(error) = &result
            && !self.options.dry_run
            && matches!(self.options.mode, Mode::Sync | Mode::Pull | Mode::Push | Mode::Force(_))
        {
            let direction = if self.options.mode.pulls() { Direction::Pull } else { Direction::Push };
            // The log row is a courtesy; the error itself is what matters.
            let _ = self.store.log_failure(direction, &Timestamp::now().rfc3339(), &error.to_string());
        }
        result
    }

    fn run_once(&mut self) -> Result<Summary> {
        self.store.compare()?;
        self.store.settle_answers(&Timestamp::now().rfc3339())?;
        if let Mode::Resolve(wanted) = self.options.mode.clone() {
            let mut run = Run::new(Plan::new(self.store, self.store.waiting()?)?);
            self.resolve(&mut run, &wanted)?;
            return Ok(run.summary);
        }
        let door = self.door()?;
        let mut run = Run { caps: door.capabilities, account: door.account, ..Run::default() };
        run.end.metadata = door.metadata;
        run.end.afresh = door.afresh;
        let mut refusal = None;
        if self.options.mode.pulls() {
            self.reporter.tell(Event::Fetching);
            refusal = self.pull(&mut run)?;
        }
        run.plan = Plan::new(self.store, self.store.waiting()?)?;
        if let Mode::Write(only) = &self.options.mode {
            run.plan.restrict(only);
        }
        if self.options.mode.pulls() {
            self.meet_pulled(&mut run)?;
        }
        // A server that asked to be left alone during the pull is left alone.
        if self.options.mode.pushes() && !matches!(refusal, Some(Error::Wait { .. })) {
            self.reporter.tell(Event::Pushing);
            self.know_highest(&mut run)?;
            let pushed = self.push(&mut run);
            let taken = run.summary.pushed + run.taken;
            pushed.map_err(|error| after_sending(error, taken))?;
            hit("sync.pushed");
        }
        let in_doubt = run.first_unsettled();
        run.summary.stopped = run.summary.stopped.take().or(in_doubt).or(refusal);
        if !self.options.dry_run {
            let taken = run.summary.pushed;
            self.end(&mut run).map_err(|error| after_sending(error, taken))?;
        }
        Ok(run.summary)
    }

    /// Applies everything in one transaction.
    fn end(&mut self, run: &mut Run) -> Result<()> {
        let now = Timestamp::now().rfc3339();
        self.drop_chosen(run)?;
        for ((_, id), (kind, row)) in std::mem::take(&mut run.read) {
            match row {
                Some(row) => run.end.read.push(row),
                None => run.end.gone.push((kind, id)),
            }
        }
        self.tell_lost(run);
        let whole = !matches!(self.options.mode, Mode::Write(_));
        if whole && run.summary.stopped.is_none() {
            run.end.metadata.push(("last_sync".into(), now.clone()));
        }
        run.end.metadata.push((door::CAPABILITIES.into(), door::to_text(&run.caps)));
        if let Some(until) = run.next_allowed {
            run.end.metadata.push((NEXT_ALLOWED.into(), until.rfc3339()));
        }
        if let Mode::Write(ops) = &self.options.mode {
            run.end.unannounced = ops.clone();
        }
        run.end.logs = self.logs(run);
        for (from, to) in self.store.end(&run.end, &now)? {
            self.reporter.tell(Event::Renumbered { from: from.clone(), to: to.clone() });
            run.summary.renames.push((from, to));
        }
        for notice in self.store.notices() {
            self.reporter.tell(Event::Note(notice.to_string()));
        }
        Ok(())
    }

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
                Pass::Over => {}
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
                return Ok(Pass::Over);
            }
            // Of a sent create alone.
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
                return Ok(Pass::Over);
            }
            if let ControlFlow::Break(pass) = self.take(step, run, index, again, sighting)? {
                return Ok(pass);
            }
        }
    }

    /// What is settled, or waits for something that this run does not bring.
    fn stays(&mut self, run: &mut Run, index: usize) -> Option<Pass> {
        if !run.plan.ops[index].state.waits() || !run.plan.is_in_scope(index) || self.is_left_out(run, index) {
            return Some(Pass::Over);
        }
        let entity = run.plan.entity_of(index);
        let held = run.plan.is_held(entity) || run.plan.waits_behind_rejected(entity, index);
        if held || self.is_meant_elsewhere(run, index) {
            self.held(run, index);
            return Some(Pass::Over);
        }
        None
    }

    /// One step. `Continue`: the operation is looked at anew, which may find it settled (`stays`).
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
                Pass::Over
            }
            Step::Send => {
                if !self.reject_made_already(run, index)? {
                    return self.send(run, index, sighting);
                }
                Pass::Over
            }
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
            Step::Wait if matches!(self.options.mode, Mode::Write(_)) || self.options.dry_run => Pass::Over,
            Step::Wait => Pass::Wait(sighting.settled_at),
            Step::Ask(cause) => {
                let entity = run.plan.entity_of(index).clone();
                let asked = self.ask_while_pushing(run, &entity, cause, &sighting)?;
                return Ok(asked.map_break(|()| Pass::Stop));
            }
            Step::Hold(Why::Waits) if again => Pass::Later,
            Step::Hold(Why::Waits) => {
                self.held(run, index);
                Pass::Over
            }
            Step::Hold(Why::Rejected) => {
                self.rejected_before(run, index);
                Pass::Over
            }
            Step::Finish(outcome) => {
                self.finish(run, index, outcome, &sighting)?;
                Pass::Over
            }
        };
        Ok(ControlFlow::Break(pass))
    }

    /// A create that was never sent, and whose row the pull has brought all the same: a home was put back whole. True: it is
    /// rejected, and the row named.
    fn reject_made_already(&mut self, run: &mut Run, index: usize) -> Result<bool> {
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
        run.came_of(index).lost_answer.get_or_insert_with(|| Error::unreachable(message));
        run.plan.hold(run.plan.entity_of(index).clone());
    }

    /// An operation that was meant for another server or account waits until that is there again.
    fn is_meant_elsewhere(&self, run: &Run, index: usize) -> bool {
        let op = &run.plan.ops[index];
        let other_server = op.server.as_ref().is_some_and(|server| !is_same_server(server, &self.remote().origin()));
        let other_account = op.account.as_ref().zip(run.account.as_ref()).is_some_and(|(meant, here)| meant != here);
        other_server || other_account
    }
}

/// What a run that failed has sent is on the server all the same, and in the store, from which the next one takes it.
fn after_sending(error: Error, sent: usize) -> Error {
    if sent == 0 {
        return error;
    }
    let changes = if sent == 1 { "change" } else { "changes" };
    let stay = if sent == 1 { "it is" } else { "they are" };
    let taken = format!("the server has taken {sent} {changes}; {stay} not lost");
    match error {
        Error::Failure { .. } | Error::Io { .. } => {
            Error::failure(error.to_string()).hint(format!("{taken}; once that is put right, run: anyt sync"))
        }
        other => other.if_interrupted(format!("{taken}; the rest stays queued: anyt sync")),
    }
}
