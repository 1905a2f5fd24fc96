//! The engine: pull, push, merge, conflict, journal, report (design.md "The sync"). It knows a `Remote`, the cache, a
//! `Prompter` and a `Reporter`; it knows no terminal and no HTTP.
//!
//! A run reads the queue once into a `Plan`, lets pull, decisions and push change that plan, and hands the result to
//! `Cache::apply`, which makes all of it one transaction. Requests and questions come before that transaction.

mod decide;
mod deleted;
pub mod discard;
pub mod journal;
pub mod local;
mod look;
pub mod loss;
mod lost;
mod mend;
pub mod merge;
mod pager;
mod plan;
mod pull;
mod push;
pub mod record;
pub mod recover;
pub mod remote;
pub mod report;
mod send;
pub mod settle;

use crate::cache::{ACCOUNT, Cache, Direction, LogRow, Outcome, Pulled, SERVER, Totals};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::Account;
use crate::time::Timestamp;
use decide::Decider;
use discard::Discard;
use journal::Journal;
use loss::Loss;
use plan::Plan;
use remote::{Remote, RemoteError};
use report::{Event, Prompter, Reporter, Summary};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

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
    pub pull: bool,
    pub push: bool,
    /// Throw the queue away (kept in `discarded/`) and make the cache equal the server.
    pub force: bool,
    /// With `force`: throw away only these operations; `None`: all.
    pub set_aside: Option<BTreeSet<String>>,
    /// Merge changes to different fields without asking.
    pub merge: bool,
    pub policy: Policy,
    /// Believe a listing that lacks more than half of a workspace.
    pub accept_deletes: bool,
    /// Tasks asked for at a time.
    pub page_size: u32,
    /// Send only these operations and what they need (a command's own write).
    pub only: Option<BTreeSet<String>>,
    /// Show what would happen; change nothing on either side.
    pub dry_run: bool,
    /// Forget what is cached: it is another server's. Set by the engine.
    pub(crate) afresh: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            pull: true,
            push: true,
            force: false,
            set_aside: None,
            merge: true,
            policy: Policy::Ask,
            accept_deletes: false,
            page_size: 100,
            only: None,
            dry_run: false,
            afresh: false,
        }
    }
}

/// One run's collaborators. The caller holds the environment's lock.
pub struct Engine<'a> {
    pub cache: &'a mut Cache,
    pub journal: &'a Journal,
    pub discard: &'a Discard,
    pub remote: &'a dyn Remote,
    pub prompter: &'a mut dyn Prompter,
    pub reporter: &'a mut dyn Reporter,
    /// Whose credential it is, where the caller has asked already.
    pub account: Option<Option<Account>>,
    pub options: Options,
}

impl Engine<'_> {
    /// Runs once. What the server accepted is in the cache even when an error is in the summary.
    ///
    /// # Errors
    /// A pull that failed, a refused identity, a person who stopped: the cache is as it was.
    pub fn run(&mut self) -> Result<Summary> {
        // The holder of the lock that we waited for may have been killed.
        recover::recover(self.cache, self.journal)?;
        let direction = if self.options.pull { Direction::Pull } else { Direction::Push };
        let result = self.check_identity().and_then(|metadata| {
            self.cache.begin_staging()?;
            let result = self.staged(metadata);
            self.cache.end_staging();
            result
        });
        if let Err(error) = &result
            && !self.options.dry_run
            && self.options.only.is_none()
        {
            // The log row is a courtesy; the error itself is what matters.
            let _ = self.cache.log_failure(direction, &Timestamp::now().rfc3339(), &error.to_string());
        }
        result
    }

    fn staged(&mut self, metadata: Vec<(String, String)>) -> Result<Summary> {
        let mut plan = Plan::new(self.cache.pending()?, self.cache.conflicts()?, self.options.only.as_ref());
        let (exactly, afresh) = (self.options.force, self.options.afresh);
        let mut outcome = Outcome { metadata, exactly, afresh, ..Outcome::default() };
        let mut summary = Summary::default();
        let mut refusal = None;
        if self.options.pull {
            self.reporter.tell(Event::Fetching);
            plan.pulled = Some(Instant::now());
            refusal = self.pull(&mut outcome)?;
            plan.leave_out(&outcome.left_out);
            self.follow_names(&mut plan)?;
            plan.projects = first_projects(&outcome);
            if self.options.force {
                self.throw_away(&mut plan);
            } else {
                self.decider().decide_pulled(&mut plan, &mut summary)?;
                if summary.asked {
                    // What was seen before somebody thought about a question is old.
                    plan.seen.clear();
                }
            }
            hit("sync.pulled");
            summary.fetched = self.cache.count_staged_live()?;
            let totals = if self.options.afresh {
                Totals { new: summary.fetched, ..Totals::default() }
            } else {
                self.cache.count_staged(&plan.reported, &outcome.made_exact())?
            };
            summary.pulled = totals;
            self.reporter.tell(Event::Pulled(totals));
        }
        self.send_and_commit(plan, outcome, &mut summary, refusal).map_err(|e| after_sending(e, summary.pushed))?;
        Ok(summary)
    }

    fn send_and_commit(
        &mut self,
        mut plan: Plan,
        outcome: Outcome,
        summary: &mut Summary,
        refusal: Option<Error>,
    ) -> Result<()> {
        if self.options.push && !self.options.force {
            self.reporter.tell(Event::Pushing);
            self.push(&mut plan, summary)?;
            hit("sync.pushed");
        }
        summary.stopped = summary.stopped.take().or(refusal);
        if self.options.dry_run {
            return Ok(());
        }
        self.commit(plan, outcome, summary)
    }

    /// Applies everything in one transaction, then shortens the journal.
    fn commit(&mut self, mut plan: Plan, mut outcome: Outcome, summary: &mut Summary) -> Result<()> {
        let now = Timestamp::now().rfc3339();
        let drafts = std::mem::take(&mut plan.drafts);
        plan.into_outcome(&mut outcome, &now);
        outcome.unannounced = self.options.only.clone().unwrap_or_default();
        let whole_sync = self.options.only.is_none();
        if whole_sync && summary.stopped.is_none() {
            outcome.metadata.push(("last_sync".into(), now.clone()));
        }
        let conflicts = summary.resolved + summary.waiting;
        let detail = (!summary.notes.is_empty()).then(|| summary.notes.join("; "));
        let pulls = whole_sync && self.options.pull;
        if pulls {
            outcome.pull_log = Some(LogRow {
                changes: summary.pulled.changes() + summary.accepted_remote,
                conflicts,
                errors: 0,
                detail: detail.clone(),
            });
        }
        if self.options.push
            && !self.options.force
            && (!whole_sync || summary.pushed + summary.failed > 0 || !self.options.pull)
        {
            outcome.push_log = Some(LogRow {
                changes: summary.pushed,
                // The pull's row tells of them where there is one.
                conflicts: if pulls { 0 } else { conflicts },
                errors: summary.failed + usize::from(summary.stopped.is_some()),
                detail: summary.first_error.clone().or(detail.filter(|_| !pulls)),
            });
        }
        // From here on nobody queues anything.
        let held = self.journal.hold()?;
        if self.options.force {
            self.set_aside(&mut outcome, summary)?;
        }
        for (from, to) in record::apply(self.cache, self.journal, held, self.reporter, &outcome, &now)? {
            self.reporter.tell(Event::Renumbered { from: from.clone(), to: to.clone() });
            summary.renames.push((from, to));
        }
        self.discard.release(&drafts);
        Ok(())
    }

    fn decider(&mut self) -> Decider<'_> {
        Decider {
            cache: self.cache,
            journal: self.journal,
            discard: self.discard,
            prompter: self.prompter,
            reporter: self.reporter,
            options: &mut self.options,
        }
    }

    /// The cache remembers which server and account filled it. Another one behind the same environment gets a cache of
    /// its own, made with the commit, but never the operations that were meant for the first.
    fn check_identity(&mut self) -> Result<Vec<(String, String)>> {
        let origin = self.remote.origin();
        let account = match self.account.take() {
            Some(account) => account,
            None => self.remote.account().map_err(|e| self.fatal(e))?,
        };
        let account = account.map(|account| account.user_id);
        let known_origin = self.cache.metadata(SERVER)?;
        let known_account = self.cache.metadata(ACCOUNT)?;
        let other_server = known_origin.as_ref().is_some_and(|known| *known != origin);
        let other_account = known_account.is_some() && account.is_some() && known_account != account;
        if other_server || other_account {
            let waiting = self.cache.count_pending()?;
            if waiting > 0 {
                return Err(other_identity(waiting, known_origin, known_account, &origin, account.as_deref()));
            }
            if !self.options.pull || self.options.dry_run {
                return Err(
                    Error::failure("the cache was filled from another server or account").hint("run: anyt sync")
                );
            }
            self.options.afresh = true;
        }
        let mut metadata = vec![(SERVER.to_string(), origin)];
        metadata.extend(account.map(|account| (ACCOUNT.to_string(), account)));
        Ok(metadata)
    }

    /// `--force`: what was agreed to be set aside goes out of the plan.
    fn throw_away(&mut self, plan: &mut Plan) {
        let agreed = |op_id: &String| self.options.set_aside.as_ref().is_none_or(|agreed| agreed.contains(op_id));
        let goes: Vec<usize> =
            (0..plan.entries.len()).filter(|index| agreed(&plan.entries[*index].operation.op_id)).collect();
        if goes.is_empty() || self.options.dry_run {
            return;
        }
        goes.into_iter().for_each(|index| plan.drop_entry(index));
        plan.settle_all();
    }

    /// `--force`: writes what is set aside to `discarded/`, with what was queued until now for tasks that are not created.
    fn set_aside(&mut self, outcome: &mut Outcome, summary: &mut Summary) -> Result<()> {
        let loss = Loss::of(&self.cache.pending()?, &outcome.dropped)?;
        if loss.operations.is_empty() {
            return Ok(());
        }
        let meanwhile = loss.operations.len().saturating_sub(outcome.dropped.len());
        if meanwhile > 0 {
            let note = format!("{meanwhile} queued meanwhile for a task that is set aside, and set aside with it");
            self.reporter.tell(Event::Note(note));
        }
        for orphan in &loss.orphans {
            self.reporter.tell(Event::Note(format!("{} loses its parent, which is set aside", orphan.identifier)));
        }
        summary.discarded = Some((self.discard.loss("force", self.cache, &loss)?, loss.operations.len()));
        outcome.dropped = loss.change.removed;
        outcome.rewritten.extend(loss.change.put);
        Ok(())
    }

    /// A remote error that ends the run, as the program's error.
    fn fatal(&self, error: RemoteError) -> Error {
        remote::to_error(error, &self.remote.origin())
    }
}

/// What a run that failed has sent is on the server all the same, and in the journal, from which the next one takes it.
fn after_sending(error: Error, sent: usize) -> Error {
    if sent == 0 {
        return error;
    }
    let changes = if sent == 1 { "change" } else { "changes" };
    let taken = format!("the server has taken {sent} {changes}, which the journal keeps");
    match error {
        Error::Failure { .. } | Error::Io { .. } => {
            Error::failure(error.to_string()).hint(format!("{taken}; once that is mended, run: anyt sync"))
        }
        other => other.if_interrupted(format!("{taken}; the rest stays queued: anyt sync")),
    }
}

/// Per workspace the project a task can be made again in, when its own was never known here.
fn first_projects(outcome: &Outcome) -> BTreeMap<i64, i64> {
    let first = |pulled: &Pulled| Some((pulled.workspace_id, pulled.projects.first()?.id));
    outcome.pulled.iter().filter_map(first).collect()
}

fn other_identity(
    waiting: usize,
    known_origin: Option<String>,
    known_account: Option<String>,
    origin: &str,
    account: Option<&str>,
) -> Error {
    let who = |origin: &str, account: Option<&str>| match account {
        Some(account) => format!("{origin} as {account}"),
        None => origin.to_string(),
    };
    let before = who(known_origin.as_deref().unwrap_or("another server"), known_account.as_deref());
    Error::failure(format!(
        "{waiting} queued operation{} meant for {before}, but this environment is now {}; nothing was sent",
        if waiting == 1 { " was" } else { "s were" },
        who(origin, account)
    ))
    .hint("go back to that server or account, or set the queue aside: anyt sync queue drop --all")
}
