//! Decisions about a task that one side deleted and the other one changed: recreate or let go (design.md "Merge and
//! conflicts").

use super::decide::Decider;
use super::local;
use super::merge;
use super::plan::Plan;
use super::record::record;
use super::report::{Choice, Clash, Resolution, Summary};
use crate::cache::Change;
use crate::error::Result;
use crate::model::{Field, Kind, Operation, Patch, Task, Value};
use crate::time::Timestamp;

impl Decider<'_> {
    /// Our delete meets a change of theirs.
    pub(super) fn deleted_here(
        &mut self,
        plan: &mut Plan,
        summary: &mut Summary,
        task_id: i64,
        remote: &Task,
    ) -> Result<()> {
        let indices = plan.chain(task_id);
        let chain = plan.operations(&indices);
        let differences = merge::since_deleted(&chain, remote);
        let choice = if differences.is_empty() {
            Choice::Local
        } else {
            self.ask(remote, Clash::DeletedHere, chain[0].base_version, remote.version, &differences, summary)?
        };
        match choice {
            Choice::Stop => return Err(self.stop(plan)),
            Choice::Skip => self.put_in_inbox(plan, summary, &chain[0], Some(remote)),
            Choice::Remote | Choice::Edited(_) => {
                self.discard.operations("resolved", self.cache, &local::renewed(chain)?)?;
                indices.iter().for_each(|index| plan.drop_entry(*index));
                plan.accepted.push(remote.clone());
                summary.accepted_remote += 1;
                self.resolved(plan, summary, task_id, Resolution::AcceptedRemote);
            }
            Choice::Local => {
                if !differences.is_empty() {
                    let create = local::creation(remote.workspace_id, &creation_set(remote))?;
                    let identifier = remote.identifier.clone();
                    self.discard.overruled(self.cache, remote, &Operation { identifier, ..create })?;
                }
                let mut chain = chain;
                for operation in &mut chain {
                    // What came before a delete that stands need not be sent.
                    operation.set.clear();
                    operation.base_version = remote.version;
                    // These values were decided about: they are no reason to ask again.
                    operation.base = whole(remote);
                }
                plan.replace(&indices, chain);
                if differences.is_empty() {
                    plan.settle(task_id);
                } else {
                    self.resolved(plan, summary, task_id, Resolution::KeptLocal);
                }
            }
        }
        Ok(())
    }

    /// The task is gone on the server; ours changed it, or deleted it too.
    pub(super) fn deleted_there(
        &mut self,
        plan: &mut Plan,
        summary: &mut Summary,
        task_id: i64,
        known: Option<&Task>,
    ) -> Result<()> {
        let indices = plan.chain(task_id);
        let chain = plan.operations(&indices);
        let Some(first) = chain.first() else { return Ok(()) };
        if chain.iter().any(|operation| operation.kind == Kind::DeleteTask) {
            indices.iter().for_each(|index| plan.drop_entry(*index));
            plan.let_go.push(task_id);
            plan.settle(task_id);
            return Ok(());
        }
        let mut task = match known {
            Some(known) => known.clone(),
            None => {
                let cached = self.cache.projects(first.workspace_id)?.first().map(|project| project.id);
                let pulled = plan.projects.get(&first.workspace_id).copied();
                stand_in(first, pulled.or(cached).unwrap_or(0))
            }
        };
        let differences = merge::all_lost(&chain);
        let (local_version, remote_version) = (first.base_version, first.base_version + 1);
        match self.ask(&task, Clash::DeletedThere, local_version, remote_version, &differences, summary)? {
            Choice::Stop => return Err(self.stop(plan)),
            Choice::Skip => {
                self.put_in_inbox(plan, summary, first, None);
                return Ok(());
            }
            Choice::Remote => {
                // The task goes with its edits: what it was lies in the first one's base, or nothing could restore it.
                let mut lost = local::renewed(chain)?;
                lost[0].base = whole(&task);
                self.discard.operations("resolved", self.cache, &lost)?;
                indices.iter().for_each(|index| plan.drop_entry(*index));
                plan.let_go.push(task_id);
                summary.accepted_remote += 1;
                self.resolved(plan, summary, task_id, Resolution::AcceptedRemote);
            }
            // The cache was lost, and no project is known yet to make the task in: the next run knows one.
            Choice::Local | Choice::Edited(_) if task.project_id == 0 => {
                self.put_in_inbox(plan, summary, first, None);
                return Ok(());
            }
            choice => {
                chain.iter().for_each(|operation| task.apply(&operation.set));
                let resolution = match choice {
                    Choice::Edited(values) => {
                        task.apply(&values);
                        Resolution::Edited
                    }
                    _ => Resolution::KeptLocal,
                };
                plan.reborn.push((indices, task));
                plan.let_go.push(task_id);
                self.resolved(plan, summary, task_id, resolution);
            }
        }
        Ok(())
    }

    /// Turns the changes of a task that is gone into the creation of a new one. Written down at once, in one step: the
    /// provisional id must be taken before another process takes it, and dying now must not create the task twice.
    pub(super) fn create_again(&mut self, plan: &mut Plan, indices: &[usize], task: &Task) -> Result<()> {
        let mut removed = plan.operations(indices);
        let create = local::creation(task.workspace_id, &creation_set(task))?;
        let change = record(self.cache, self.journal, |queue| {
            let create = local::name_provisional(queue, create, prefix(&task.identifier))?;
            let mut put = vec![create.clone()];
            // What else names the task follows it, queued anew behind its creation.
            for operation in queue.pending()? {
                let mut renewed = operation.clone();
                if renewed.follow(task.id, create.task_id, &create.identifier)
                    && !removed.iter().any(|gone| gone.op_id == operation.op_id)
                {
                    // A creation that may have arrived keeps what it is known by, and waits for the next run.
                    if renewed.kind == Kind::CreateTask && renewed.uncertain.is_some() {
                        put.push(renewed);
                        continue;
                    }
                    renewed.op_id = local::new_op_id()?;
                    put.push(renewed);
                    removed.push(operation);
                }
            }
            Ok(Change { put, removed })
        })?;
        for gone in &change.removed {
            plan.forget_operation(&gone.op_id);
        }
        change.put.into_iter().for_each(|operation| plan.take_over(operation));
        Ok(())
    }
}

/// Every field of a task.
fn whole(task: &Task) -> Patch {
    Field::ALL.into_iter().map(|field| (field, task.get(field))).collect()
}

/// Every field a creation may set (api.md 3.3), without those that are empty.
fn creation_set(task: &Task) -> Patch {
    Field::ALL
        .into_iter()
        .filter(|field| *field != Field::CodingAgent)
        .map(|field| (field, task.get(field)))
        .filter(|(_, value)| *value != Value::Null)
        .collect()
}

/// A task of which only a queued change is known, because the cache was lost.
fn stand_in(operation: &Operation, project_id: i64) -> Task {
    let mut task = Task {
        id: operation.task_id,
        project_id,
        workspace_id: operation.workspace_id,
        identifier: operation.identifier.clone(),
        title: operation.identifier.clone(),
        status: "backlog".into(),
        created_at: Timestamp::now().rfc3339(),
        ..Task::default()
    };
    task.apply(&operation.base);
    task
}

fn prefix(identifier: &str) -> &str {
    identifier.rsplit_once('-').map_or(identifier, |(prefix, _)| prefix)
}
