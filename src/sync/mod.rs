//! The engine: pull, decide, push, merge (docs/sync.md). It knows a `Remote`, the `Store`, a
//! `Prompter` and a `Reporter`; it knows no terminal, no HTTP and no SQL.
//!
//! What to do is decided by pure functions without I/O: `observe`, `relate`, `candidates`, `next`, `reply`, `choose`. The
//! driver executes the steps and commits each transition before and after a request.

mod amend;
mod answered;
mod believe;
mod breaker;
mod brought;
pub mod candidates;
pub mod choose;
pub mod decide;
mod door;
mod driver;
pub mod drop_plan;
pub mod edits;
#[cfg(test)]
pub mod fake;
mod fetch;
mod finish;
mod listing;
mod missing;
pub mod next;
pub mod observe;
mod pager;
mod plan;
mod pull;
pub mod pull_lists;
pub mod relate;
pub mod remote;
pub mod reply;
pub mod report;
pub mod restore;
mod search;
mod send;
mod sighting;
#[cfg(test)]
mod tests;
pub mod undo;

use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::gather::Gather;
use crate::model::kind::Identity;
use crate::model::{Account, KINDS, Kind, Shape};
use crate::store::{Direction, LogRow, Store, Totals};
use crate::time::Timestamp;
use driver::Run;
use plan::Plan;
use remote::Remote;
use report::{Event, Prompter, Reporter, Summary};
use std::collections::{BTreeMap, BTreeSet};

/// Which steps the driver may execute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// Pull, then push.
    #[default]
    Sync,
    Pull,
    Push,
    /// A command's own write: these operations (op_ids) and what they need, without a pull.
    Write(BTreeSet<String>),
    /// Settle these conflicts of the inbox, without a server.
    Resolve(Vec<(&'static Kind, i64)>),
    /// Drop the queue (kept in discarded.jsonl) and make the cache equal the server. `None`: all that waits; else only
    /// these op_ids.
    Force(Option<BTreeSet<String>>),
}

impl Mode {
    pub(super) fn pulls(&self) -> bool {
        matches!(self, Mode::Sync | Mode::Pull | Mode::Force(_))
    }

    pub(super) fn pushes(&self) -> bool {
        matches!(self, Mode::Sync | Mode::Push | Mode::Write(_))
    }

    /// The cache is to equal the server, whatever it holds.
    pub(super) fn is_force(&self) -> bool {
        matches!(self, Mode::Force(_))
    }
}

/// Who decides a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    #[default]
    Ask,
    Local,
    Remote,
    /// Into the inbox.
    Skip,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub mode: Mode,
    /// Merge changes to different fields without asking.
    pub merge: bool,
    pub policy: Policy,
    /// List everything, also what has not changed since it was listed.
    pub full: bool,
    /// Believe a listing that lacks more than half of a workspace.
    pub accept_deletes: bool,
    /// Rows asked for at a time.
    pub page_size: u32,
    /// Show what would happen; change nothing on either side.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mode: Mode::Sync,
            merge: true,
            policy: Policy::Ask,
            full: false,
            accept_deletes: false,
            page_size: 100,
            dry_run: false,
        }
    }
}

/// One run's collaborators. The caller holds the environment's lock.
pub struct Engine<'a> {
    pub store: &'a mut Store,
    /// `None` only for `Mode::Resolve`.
    pub remote: Option<&'a dyn Remote>,
    pub prompter: &'a mut dyn Prompter,
    pub reporter: &'a mut dyn Reporter,
    /// Whose credential it is, where the caller has asked already.
    pub account: Option<Option<Account>>,
    pub options: Options,
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
        let in_doubt = first_unsettled(&mut run);
        run.summary.stopped = run.summary.stopped.take().or(in_doubt).or(refusal);
        if !self.options.dry_run {
            let taken = run.summary.pushed;
            self.end(&mut run).map_err(|error| after_sending(error, taken))?;
        }
        Ok(run.summary)
    }

    /// What the pull has brought meets what waits.
    fn meet_pulled(&mut self, run: &mut Run) -> Result<()> {
        if let Mode::Force(agreed) = self.options.mode.clone() {
            run.end.exactly = true;
            self.choose_to_drop(run, agreed.as_ref());
        } else {
            self.decide_pulled(run)?;
        }
        hit("sync.pulled");
        run.summary.fetched = self.store.count_staged_live(pull::LISTED)?;
        let exactly: Vec<i64> = match run.end.exactly {
            true => run.end.pulled.iter().map(|pulled| pulled.workspace_id).collect(),
            false => Vec::new(),
        };
        let at_first = run.end.afresh || self.store.metadata("last_sync")?.is_none_or(|at| at.is_empty());
        for kind in KINDS.into_iter().filter(|kind| kind.identity == Identity::Id) {
            let of_it = run.reported.iter().filter(|(name, _)| *name == kind.name);
            let reported: BTreeSet<i64> = of_it.map(|(_, id)| *id).gather();
            let totals = match (kind == pull::LISTED, run.end.afresh) {
                (true, true) => Totals { new: run.summary.fetched, ..Totals::default() },
                (true, false) => self.store.count_staged(kind, &reported, &exactly)?,
                // At first everything is new, and tasks are what is counted.
                (false, _) if at_first => Totals::default(),
                (false, _) => self.store.count_staged(kind, &reported, &[])?,
            };
            run.summary.pulled.add(totals);
            run.summary.pulled_others |= kind != pull::LISTED && totals.changes() > 0;
            self.reporter.tell(Event::Pulled(kind, totals));
        }
        Ok(())
    }

    fn know_highest(&mut self, run: &mut Run) -> Result<()> {
        let creates = run.plan.ops.iter().filter(|op| op.shape == Shape::Create);
        let made: BTreeMap<_, _> = creates.map(|op| ((op.kind.name, op.workspace_id), op.kind)).gather();
        for ((name, workspace), kind) in made {
            run.highest.insert((name, workspace), self.store.highest_known_number(kind, workspace)?);
        }
        Ok(())
    }

    /// `--force`: what was agreed to be set aside. The end of the run drops it.
    fn choose_to_drop(&self, run: &mut Run, agreed: Option<&BTreeSet<String>>) {
        let chosen: BTreeSet<String> = match agreed {
            Some(agreed) => agreed.clone(),
            None => run.plan.ops.iter().map(|op| op.op_id.clone()).gather(),
        };
        if !chosen.is_empty() && !self.options.dry_run {
            run.force = Some(chosen);
        }
    }

    /// Applies everything in one transaction.
    fn end(&mut self, run: &mut Run) -> Result<()> {
        let now = Timestamp::now().rfc3339();
        if let Some(chosen) = run.force.take() {
            let (plan, number) = drop_plan::drop_operations(self.store, "force", &chosen)?;
            for orphan in &plan.orphans {
                self.reporter.tell(Event::Note(format!("{} loses its parent", orphan.name)));
            }
            if let Some(number) = number {
                run.summary.discarded = Some((number, plan.operations.len()));
            }
        }
        for ((_, id), (kind, row)) in std::mem::take(&mut run.read) {
            match row {
                Some(row) => run.end.read.push(row),
                None => run.end.gone.push((kind, id)),
            }
        }
        self.say_what_is_lost(run);
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

    /// A server that was put back to a backup has lost rows that this cache still had.
    fn say_what_is_lost(&mut self, run: &mut Run) {
        let count = run.end.lost.len();
        if count > 0 {
            if !self.options.mode.pulls() {
                run.end.metadata.push((pull::WENT_BACK.into(), Timestamp::now().rfc3339()));
            }
            let what =
                if count == 1 { "a row that it has lost is" } else { &format!("{count} rows that it has lost are") };
            let note =
                format!("the server was put back to an earlier state: {what} kept here: anyt sync restore --list");
            self.note(note);
        }
    }

    /// One row of `sync_log` a direction; a command's own write is no sync.
    fn logs(&self, run: &Run) -> Vec<(Direction, LogRow)> {
        let summary = &run.summary;
        let conflicts = summary.resolved + summary.waiting;
        let detail = (!summary.notes.is_empty()).then(|| summary.notes.join("; "));
        let mut logs = Vec::new();
        let pulls = self.options.mode.pulls();
        if pulls {
            let changes = summary.pulled.changes() + summary.accepted_remote;
            let errors = summary.unreadable.len();
            logs.push((Direction::Pull, LogRow { changes, conflicts, errors, detail: detail.clone() }));
        }
        let pushed = summary.pushed + summary.failed > 0 || self.options.mode == Mode::Push;
        if pushed && matches!(self.options.mode, Mode::Sync | Mode::Push) {
            let row = LogRow {
                changes: summary.pushed,
                // The pull's row tells of them where there is one.
                conflicts: if pulls { 0 } else { conflicts },
                errors: summary.failed + usize::from(summary.stopped.is_some()),
                detail: summary.first_error.clone().or(detail.filter(|_| !pulls)),
            };
            logs.push((Direction::Push, row));
        }
        logs
    }
}

/// The error with which an answer was lost, of an operation that is still in doubt.
fn first_unsettled(run: &mut Run) -> Option<Error> {
    let index = run.lost.keys().copied().find(|index| run.plan.ops[*index].state.waits())?;
    run.lost.remove(&index)
}

/// Metadata key: RFC 3339, when the server lets us come back.
pub const NEXT_ALLOWED: &str = "next_allowed_at";

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
