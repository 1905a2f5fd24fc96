//! Settling conflicts of the inbox without a server.

use super::decide::Decider;
use super::discard::Discard;
use super::journal::Journal;
use super::merge::{self, Difference};
use super::plan::Plan;
use super::report::{Clash, Prompter, Reporter, Summary};
use super::{Options, Policy, record, recover};
use crate::cache::{Cache, Outcome, StoredConflict};
use crate::error::Result;
use crate::model::{Kind, Operation, Task};
use crate::time::Timestamp;

/// Settles stored conflicts. The caller holds the environment's lock.
pub struct Settler<'a> {
    pub cache: &'a mut Cache,
    pub journal: &'a Journal,
    pub discard: &'a Discard,
    pub prompter: &'a mut dyn Prompter,
    pub reporter: &'a mut dyn Reporter,
    pub policy: Policy,
    pub merge: bool,
}

impl Settler<'_> {
    /// Decides each of `wanted`; the next sync sends the result.
    pub fn settle(self, wanted: &[StoredConflict]) -> Result<Summary> {
        recover::recover(self.cache, self.journal)?;
        let mut plan = Plan::new(self.cache.pending()?, self.cache.conflicts()?, None);
        let mut summary = Summary::default();
        let mut options = Options { policy: self.policy, ..Options::default() };
        let mut decider = Decider {
            cache: self.cache,
            journal: self.journal,
            discard: self.discard,
            prompter: self.prompter,
            reporter: self.reporter,
            options: &mut options,
        };
        for conflict in wanted {
            let chain = decider.cache.pending_of(conflict.task_id)?;
            decider.options.merge =
                self.merge && conflict.remote.as_ref().is_none_or(|remote| overlaps(&chain, remote));
            decider.reconcile(&mut plan, &mut summary, conflict.task_id, conflict.remote.clone())?;
        }
        decider.carry_out(&mut plan)?;
        let now = Timestamp::now().rfc3339();
        let mut outcome = Outcome::default();
        let drafts = std::mem::take(&mut plan.drafts);
        plan.into_outcome(&mut outcome, &now);
        record::apply(self.cache, self.journal, self.journal.hold()?, self.reporter, &outcome, &now)?;
        self.discard.release(&drafts);
        Ok(summary)
    }
}

/// What a stored conflict is about: its kind and the fields in dispute.
pub fn describe_conflict(cache: &Cache, conflict: &StoredConflict) -> Result<(Clash, Vec<Difference>)> {
    let chain = cache.pending_of(conflict.task_id)?;
    let deleted_here = chain.iter().any(|operation| operation.kind == Kind::DeleteTask);
    Ok(match &conflict.remote {
        None => (Clash::DeletedThere, merge::all_lost(&chain)),
        Some(remote) if deleted_here => (Clash::DeletedHere, merge::since_deleted(&chain, remote)),
        Some(remote) => (Clash::Changed, merge::rebase(&chain, remote, overlaps(&chain, remote)).differences),
    })
}

/// Both sides changed the same field. A conflict where they did not was found under `--no-merge`, and stays one.
fn overlaps(chain: &[Operation], remote: &Task) -> bool {
    !merge::rebase(chain, remote, true).differences.is_empty()
}
