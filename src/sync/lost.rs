//! Answers that never came: what is remembered of them, and how the task is found that a create may have made.

use super::Engine;
use super::plan::Plan;
use super::push::Sent;
use super::remote::{RemoteError, to_error};
use super::report::Summary;
use crate::error::{Error, Result};
use crate::model::{Field, Operation, Patch, Task, Value};

/// What a server holds of a create whose answer was lost.
pub(super) enum Found {
    None,
    One(Box<Task>),
    Several(String),
    /// The server could not be asked.
    Unknown(Error),
}

impl Engine<'_> {
    /// The answer to a create was lost. A server that honours the key is asked again; on another one the task may be
    /// there already, or may still appear when a request that is stuck on the way gets through: only a later run sends
    /// it again.
    pub(super) fn create_lost(&mut self, plan: &mut Plan, index: usize, set: &Patch, message: String) -> Result<Sent> {
        let first_time = self.note_lost(plan, index);
        if self.remote.honours_idempotency_key() {
            return Ok(if first_time { Sent::Again } else { Sent::Lost(self.lost_error(message)) });
        }
        let operation = plan.entries[index].operation.clone();
        Ok(match self.find_created(plan, &operation, set)? {
            Found::One(task) => Sent::Done(Some(task)),
            Found::None | Found::Several(_) => Sent::Lost(self.lost_error(message)),
            Found::Unknown(error) => Sent::Stop(error),
        })
    }

    /// Remembers that an answer was lost, for this run and, through the queue, for the next. True for the first time.
    pub(super) fn note_lost(&self, plan: &mut Plan, index: usize) -> bool {
        let entry = &mut plan.entries[index];
        entry.uncertain_before = entry.operation.uncertain.clone();
        entry.lost += 1;
        entry.lost == 1
    }

    pub(super) fn lost_error(&self, message: String) -> Error {
        to_error(RemoteError::Uncertain(message), &self.remote.origin())
    }

    /// Nothing more is sent for the task in this run, and the run ends with the error; the rest of the queue goes on,
    /// so that one operation that a server always fails at does not hold everything up.
    pub(super) fn lost(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize, error: Error) {
        plan.held.insert(plan.entries[index].operation.task_id);
        summary.first_error.get_or_insert_with(|| error.to_string());
        summary.stopped.get_or_insert(error);
    }

    pub(super) fn highest_number(&self, plan: &Plan, workspace_id: i64) -> Result<i64> {
        let created =
            plan.created.values().filter(|task| task.workspace_id == workspace_id).map(|task| task.number).max();
        Ok(self.cache.highest_known_number(workspace_id)?.max(created.unwrap_or(0)))
    }

    /// Looks for a task of ours that a create whose answer was lost has made.
    pub(super) fn find_created(&mut self, plan: &Plan, operation: &Operation, set: &Patch) -> Result<Found> {
        // What the pull staged may be older than the lost request.
        if let Err(error) = self.stage_all_changes(operation.workspace_id) {
            return Ok(Found::Unknown(error));
        }
        let account = self.remote.account().unwrap_or(None).map(|account| account.user_id);
        let Some(Value::Text(title)) = set.get(&Field::Title) else { return Ok(Found::None) };
        let Some(Value::Int(project)) = set.get(&Field::Project) else { return Ok(Found::None) };
        let after = operation.uncertain.as_ref().map_or(0, |uncertain| uncertain.after_number);
        let description = set.get(&Field::Description).cloned().unwrap_or(Value::Null);
        let mut found = self.cache.tasks_after(operation.workspace_id, after, *project, title)?;
        found.retain(|task| {
            let ours = task.creator_id.is_none() || account.is_none() || task.creator_id == account;
            // Servers may cut white space off a text.
            ours && trimmed(&task.get(Field::Description)) == trimmed(&description)
        });
        let taken = self.cache.answered_ids(operation.workspace_id)?;
        found.retain(|task| !taken.contains(&task.id) && !plan.created.values().any(|made| made.id == task.id));
        Ok(match found.len() {
            0 => Found::None,
            1 => Found::One(Box::new(found.remove(0))),
            _ => Found::Several(found.iter().map(|task| task.identifier.as_str()).collect::<Vec<_>>().join(", ")),
        })
    }
}

fn trimmed(value: &Value) -> &str {
    match value {
        Value::Text(text) => text.trim(),
        _ => "",
    }
}
