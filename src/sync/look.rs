//! Looks before a write: what the server holds now of the tasks that a request is about to name.

use super::Engine;
use super::plan::Plan;
use super::push::Sent;
use super::remote::RemoteResult;
use super::report::Summary;
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::{Field, Operation, Task, Value};
use std::time::Instant;

impl Engine<'_> {
    /// Reads the task anew and lets the decision of `reconcile` change the plan.
    pub(super) fn look_again(
        &mut self,
        plan: &mut Plan,
        summary: &mut Summary,
        index: usize,
        task_id: i64,
        identifier: &str,
    ) -> Result<Sent> {
        let workspace = plan.entries[index].operation.workspace_id;
        match self.task_of(workspace, task_id, identifier) {
            Ok(remote) => {
                hit("push.looked");
                plan.looked.insert(task_id, Instant::now());
                let mut decider = self.decider();
                decider.reconcile(plan, summary, task_id, remote)?;
                decider.carry_out(plan)?;
                Ok(Sent::Again)
            }
            Err(error) => Ok(self.failed(plan, index, error)),
        }
    }

    /// Tasks may have other names now, all of a workspace when its prefix was changed. Requests are sent under those that
    /// the pull brought: under the old ones the tasks would seem to be gone.
    pub(super) fn follow_names(&self, plan: &mut Plan) -> Result<()> {
        for entry in &mut plan.entries {
            for id in entry.operation.tasks() {
                let Some(task) = self.cache.staged_task(id)?.filter(|task| !self.is_another(task)) else { continue };
                let before = entry.operation.clone();
                entry.operation.follow(id, id, &task.identifier);
                entry.changed |= entry.operation != before;
            }
        }
        for conflict in plan.inbox.values_mut() {
            if let Some(task) = self.cache.staged_task(conflict.task_id)?.filter(|task| !self.is_another(task)) {
                conflict.identifier = task.identifier;
            }
        }
        Ok(())
    }

    /// What becomes of an operation whose new parent's id means another task now. Of one that is gone the server tells.
    pub(super) fn refuse_another_parent(&mut self, plan: &mut Plan, index: usize) -> Option<Sent> {
        let operation = &plan.entries[index].operation;
        let parent = parent_of(operation).filter(|parent| *parent > 0)?;
        let known = self.cache.server_task(parent).ok().flatten()?;
        let now = if self.options.pull {
            Ok(self.cache.staged_task(parent).ok().flatten())
        } else {
            self.remote.task(operation.workspace_id, &known.identifier)
        };
        match now {
            Ok(Some(task)) if task.id == parent && task.is_another_than(&known) => {
                Some(Sent::Refused(format!("its parent {} is gone", known.identifier)))
            }
            Ok(_) => None,
            Err(error) => Some(self.failed(plan, index, error)),
        }
    }

    /// The server's row of a task. Its name, or even its id, may have gone to another one when the server was put back to
    /// a backup.
    pub(super) fn task_of(&self, workspace_id: i64, task_id: i64, identifier: &str) -> RemoteResult<Option<Task>> {
        let task = self.remote.task(workspace_id, identifier)?;
        Ok(task.filter(|task| task.id == task_id && !self.is_another(task)))
    }

    /// Whether the server has the dependency; `None` where it shows none.
    pub(super) fn depends(&self, workspace_id: i64, task: &str, depends_on: &str) -> RemoteResult<Option<bool>> {
        if let Some(names) = self.remote.dependencies_of(workspace_id, task)? {
            return Ok(Some(names.iter().any(|name| name == depends_on)));
        }
        let edges = self.remote.dependencies(workspace_id)?;
        Ok(edges.map(|edges| edges.iter().any(|edge| edge.task == task && edge.depends_on == depends_on)))
    }

    /// What cannot be read from the cache is as good as not known.
    fn is_another(&self, task: &Task) -> bool {
        self.cache.server_task(task.id).ok().flatten().is_some_and(|known| task.is_another_than(&known))
    }

    /// The name that a request will use still means the task: as the pull has shown, or as the server says now.
    pub(super) fn is_still_called(
        &self,
        plan: &mut Plan,
        workspace_id: i64,
        task_id: i64,
        name: &str,
    ) -> RemoteResult<bool> {
        if let Some(seen) = plan.seen.get(&task_id) {
            return Ok(seen.is_some());
        }
        if self.options.pull {
            let staged = self.cache.staged_task(task_id).ok().flatten();
            let gone = self.cache.is_staged_gone(task_id).unwrap_or(false);
            return Ok(!gone && !staged.is_some_and(|task| task.deleted_at.is_some() || self.is_another(&task)));
        }
        let task = self.task_of(workspace_id, task_id, name)?;
        let found = task.is_some();
        plan.look(task_id, task);
        Ok(found)
    }
}

pub(super) fn parent_of(operation: &Operation) -> Option<i64> {
    match operation.set.get(&Field::Parent) {
        Some(Value::Int(id)) => Some(*id),
        _ => None,
    }
}
