//! Brings the queued changes of a task and the server's newest row together: merges what does not overlap, asks about
//! the rest, and writes the answer into the plan (design.md "Merge and conflicts").

use super::discard::{self, Discard};
use super::journal::Journal;
use super::local;
use super::merge::{self, Difference, Side};
use super::plan::Plan;
use super::report::{Choice, Clash, Decision, Event, Prompter, Question, Reporter, Resolution, Summary};
use super::{Options, Policy};
use crate::cache::{Cache, StoredConflict};
use crate::error::{Error, Result};
use crate::model::{Field, Kind, Operation, Patch, Task};
use crate::names::Known;

/// Those who take part in a decision. It needs no server, so a stored conflict can be settled without one.
pub(super) struct Decider<'a> {
    pub cache: &'a mut Cache,
    pub journal: &'a Journal,
    pub discard: &'a Discard,
    pub prompter: &'a mut dyn Prompter,
    pub reporter: &'a mut dyn Reporter,
    pub options: &'a mut Options,
}

impl Decider<'_> {
    /// After a pull: every task with queued changes meets what was staged for it.
    pub(super) fn decide_pulled(&mut self, plan: &mut Plan, summary: &mut Summary) -> Result<()> {
        for task_id in plan.tasks_with_changes() {
            let newest = if let Some(staged) = self.cache.staged_task(task_id)? {
                Some(Some(staged).filter(|task| task.deleted_at.is_none()))
            } else if self.cache.is_staged_gone(task_id)? {
                Some(None)
            } else if let Some(stored) = plan.inbox.get(&task_id) {
                Some(stored.remote.clone())
            } else {
                self.cache.server_task(task_id)?.map(Some)
            };
            if let Some(newest) = newest {
                self.reconcile(plan, summary, task_id, newest)?;
            }
        }
        self.carry_out(plan)
    }

    /// Queues what decisions create again. Only now, after the last question, because it is written down at once and a
    /// person who stops the run takes the earlier answers back too.
    pub(super) fn carry_out(&mut self, plan: &mut Plan) -> Result<()> {
        std::mem::take(&mut plan.reborn).iter().try_for_each(|(indices, task)| self.create_again(plan, indices, task))
    }

    /// Moves the waiting changes of one task onto `remote` (`None`: deleted there), asking where that needs a decision.
    pub(super) fn reconcile(
        &mut self,
        plan: &mut Plan,
        summary: &mut Summary,
        task_id: i64,
        remote: Option<Task>,
    ) -> Result<()> {
        let known = self.cache.server_task(task_id)?;
        let other = |remote: &Task| known.as_ref().is_some_and(|known| remote.is_another_than(known));
        let remote = match remote {
            Some(remote) if other(&remote) => {
                plan.replaced.insert(task_id);
                None
            }
            remote => remote,
        };
        plan.seen.insert(task_id, remote.clone());
        match remote {
            None => self.deleted_there(plan, summary, task_id, known.as_ref()),
            Some(remote) => {
                if is_another_row(known.as_ref(), &remote) {
                    plan.forget_version(task_id);
                }
                take_what_arrived(plan, task_id, &remote);
                let chain = plan.operations(&plan.chain(task_id));
                match chain.first() {
                    None => {
                        plan.settle(task_id);
                        Ok(())
                    }
                    // A server put back to a backup hands a version out again, for other values or another task.
                    Some(first) if first.base_version == remote.version && merge::stands_on(&chain, &remote) => {
                        plan.settle(task_id);
                        Ok(())
                    }
                    Some(_) if chain.iter().any(|operation| operation.kind == Kind::DeleteTask) => {
                        self.deleted_here(plan, summary, task_id, &remote)
                    }
                    Some(_) => self.changed_on_both_sides(plan, summary, task_id, &remote, known.as_ref()),
                }
            }
        }
    }

    fn changed_on_both_sides(
        &mut self,
        plan: &mut Plan,
        summary: &mut Summary,
        task_id: i64,
        remote: &Task,
        known: Option<&Task>,
    ) -> Result<()> {
        let indices = plan.chain(task_id);
        let chain = plan.operations(&indices);
        let rebased = merge::rebase(&chain, remote, self.options.merge);
        if rebased.differences.is_empty() {
            let fields = merged_fields(&rebased.merged, known, remote);
            if fields.iter().any(|(_, side)| *side != Side::Yours) && rebased.chain.iter().any(|op| !op.set.is_empty())
            {
                plan.reported.insert(task_id);
                summary.notes.push(format!("{}: merged", remote.identifier));
                self.reporter.tell(Event::Merged { identifier: remote.identifier.clone(), fields });
            }
            plan.replace(&indices, rebased.chain);
            plan.settle(task_id);
            return Ok(());
        }
        let local_version = chain[0].base_version;
        let choice = self.ask(remote, Clash::Changed, local_version, remote.version, &rebased.differences, summary)?;
        let resolution = match choice {
            Choice::Stop => return Err(self.stop(plan)),
            Choice::Skip => {
                self.put_in_inbox(plan, summary, &chain[0], Some(remote));
                return Ok(());
            }
            // What was not asked about is not given up with the rest.
            Choice::Remote => {
                let lost = local::renewed(merge::only(&chain, &rebased.differences))?;
                self.discard.operations("resolved", self.cache, &lost)?;
                let mut settled = rebased.chain;
                merge::settle(&mut settled, &rebased.differences, &Patch::new());
                if settled.iter().all(|operation| operation.set.is_empty()) {
                    plan.accepted.push(remote.clone());
                }
                plan.replace(&indices, settled);
                summary.accepted_remote += 1;
                Resolution::AcceptedRemote
            }
            Choice::Local | Choice::Edited(_) => {
                let (values, resolution) = match choice {
                    Choice::Edited(values) => (values, Resolution::Edited),
                    _ => (locals(&rebased.differences), Resolution::KeptLocal),
                };
                let bring_back = local::giving_back(remote, &rebased.differences, &values)?;
                self.discard.overruled(self.cache, remote, &bring_back)?;
                let mut settled = rebased.chain;
                merge::settle(&mut settled, &rebased.differences, &values);
                if resolution == Resolution::Edited {
                    let lost = local::renewed(merge::only(&chain, &rebased.differences))?;
                    self.discard.operations("resolved", self.cache, &lost)?;
                    let edited = local::renewed(settled.clone())?;
                    plan.drafts.push(self.discard.operations(discard::EDITED, self.cache, &edited)?);
                }
                plan.replace(&indices, settled);
                resolution
            }
        };
        self.resolved(plan, summary, task_id, resolution);
        Ok(())
    }

    /// The run ends and takes its decisions back. What somebody has typed meanwhile is not lost with them.
    pub(super) fn stop(&mut self, plan: &Plan) -> Error {
        for draft in &plan.drafts {
            let name = draft.file_name().unwrap_or_default().to_string_lossy();
            self.reporter.tell(Event::Note(format!("What you edited is kept: anyt sync restore {name}")));
        }
        Error::interrupted()
    }

    pub(super) fn resolved(&mut self, plan: &mut Plan, summary: &mut Summary, task_id: i64, resolution: Resolution) {
        for index in plan.chain(task_id) {
            // What was refused once is sent as it was decided now.
            let entry = &mut plan.entries[index];
            entry.changed |= entry.operation.error.take().is_some();
        }
        plan.reported.insert(task_id);
        plan.settle(task_id);
        summary.resolved += 1;
        self.reporter.tell(Event::Resolved(resolution));
    }

    pub(super) fn put_in_inbox(
        &mut self,
        plan: &mut Plan,
        summary: &mut Summary,
        first: &Operation,
        remote: Option<&Task>,
    ) {
        plan.inbox.insert(
            first.task_id,
            StoredConflict {
                task_id: first.task_id,
                workspace_id: first.workspace_id,
                identifier: first.identifier.clone(),
                remote: remote.cloned(),
                found_at: plan.inbox.get(&first.task_id).map_or_else(String::new, |known| known.found_at.clone()),
            },
        );
        plan.held.insert(first.task_id);
        plan.reported.insert(first.task_id);
        summary.waiting += 1;
        let identifier = first.identifier.clone();
        self.reporter.tell(match self.options.dry_run {
            true => Event::WouldAsk { identifier },
            false => Event::Waiting { identifier },
        });
    }

    /// The policy's choice, or the person's.
    pub(super) fn ask(
        &mut self,
        task: &Task,
        clash: Clash,
        local_version: i64,
        remote_version: i64,
        differences: &[Difference],
        summary: &mut Summary,
    ) -> Result<Choice> {
        if self.options.dry_run {
            return Ok(Choice::Skip);
        }
        let (choice, word) = match self.options.policy {
            Policy::Local => (Choice::Local, "kept local"),
            Policy::Remote => (Choice::Remote, "accepted remote"),
            Policy::Skip => (Choice::Skip, "left for later"),
            Policy::Ask => {
                let identifier = &task.identifier;
                let title = &task.title;
                let names = &Known { cache: &*self.cache, workspace_id: task.workspace_id };
                let known = self.cache.server_task(task.id)?.filter(|_| !self.options.merge);
                let beside = &beside(known.as_ref(), task, differences);
                let question =
                    Question { identifier, title, clash, local_version, remote_version, differences, beside, names };
                self.reporter.tell(Event::Asking);
                summary.asked = true;
                let Decision { choice, for_all } = self.prompter.conflict(&question)?;
                let word = match &choice {
                    Choice::Local => "kept local",
                    Choice::Remote => "accepted remote",
                    Choice::Edited(_) => "edited",
                    Choice::Skip | Choice::Stop => "left for later",
                };
                summary.notes.push(format!("{}: {word}", task.identifier));
                if for_all {
                    self.options.policy = match choice {
                        Choice::Local => Policy::Local,
                        Choice::Remote => Policy::Remote,
                        Choice::Skip => Policy::Skip,
                        Choice::Edited(_) | Choice::Stop => Policy::Ask,
                    };
                }
                return Ok(choice);
            }
        };
        summary.notes.push(format!("{}: {word}", task.identifier));
        Ok(choice)
    }
}

/// A server that was restored from a backup gives a version twice: the same number with another time is another row.
fn is_another_row(known: Option<&Task>, remote: &Task) -> bool {
    known.is_some_and(|known| known.version == remote.version && known.updated_at != remote.updated_at)
}

/// An update whose answer was lost and whose values the server holds has arrived. What was sent may be a later form of it
/// than the queue's: a run that was killed had merged it.
fn take_what_arrived(plan: &mut Plan, task_id: i64, remote: &Task) {
    let Some(first) = plan.chain(task_id).first().copied() else { return };
    let operation = &plan.entries[first].operation;
    let Some(sent) = operation.uncertain.as_ref().filter(|_| operation.kind == Kind::UpdateTask) else { return };
    if !sent.set.is_empty() && sent.set.iter().all(|(field, value)| remote.get(*field).reads_as(value)) {
        plan.answer(first, Some(remote.clone()));
        let rest = plan.chain(task_id);
        let rebased = merge::rebase(&plan.operations(&rest), remote, true);
        if rebased.differences.is_empty() {
            plan.replace(&rest, rebased.chain);
        }
    }
}

fn locals(differences: &[Difference]) -> Patch {
    differences.iter().map(|difference| (difference.field, difference.local.clone())).collect()
}

/// Whose value each changed field has, for `✓ Merged DEV-42 (status yours, description theirs)`.
fn merged_fields(merged: &[(Field, Side)], known: Option<&Task>, remote: &Task) -> Vec<(Field, Side)> {
    let mut fields = merged.to_vec();
    if let Some(known) = known {
        let theirs = Field::ALL.into_iter().filter(|field| known.get(*field) != remote.get(*field));
        for field in theirs {
            if !fields.iter().any(|(name, _)| *name == field) {
                fields.push((field, Side::Theirs));
            }
        }
    }
    fields
}

/// What the server changed since `known` beside the fields in dispute.
fn beside(known: Option<&Task>, remote: &Task, differences: &[Difference]) -> Vec<Difference> {
    let Some(known) = known else { return Vec::new() };
    let others = Field::ALL.into_iter().filter(|field| differences.iter().all(|known| known.field != *field));
    let both = others.map(|field| (field, known.get(field), remote.get(field)));
    both.filter(|(_, base, remote)| base != remote)
        .map(|(field, base, remote)| Difference { field, local: base.clone(), base, remote })
        .collect()
}
