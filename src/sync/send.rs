//! One request: what is looked at before it, the line in the journal, and what each kind of answer means for it.

use super::Engine;
use super::journal::Entry;
use super::lost::{Found, STUCK};
use super::plan::{Fate, Plan};
use super::push::Sent;
use super::remote::{RemoteError, to_error};
use super::report::Summary;
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::{Field, Kind, Patch, Uncertain, Value};
use std::time::Instant;

impl Engine<'_> {
    pub(super) fn send(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize) -> Result<Sent> {
        match plan.entries[index].operation.kind {
            Kind::CreateTask => self.send_create(plan, index),
            Kind::UpdateTask => self.send_update(plan, summary, index),
            Kind::DeleteTask => self.send_delete(plan, summary, index),
            Kind::AddDependency | Kind::RemoveDependency => self.send_dependency(plan, index),
        }
    }

    fn send_create(&mut self, plan: &mut Plan, index: usize) -> Result<Sent> {
        let operation = plan.entries[index].operation.clone();
        if let Some(failed) = self.refuse_another_parent(plan, index) {
            return Ok(failed);
        }
        let set = resolve_parent(plan, &operation.set);
        if operation.uncertain.is_some() && !self.remote.honours_idempotency_key() {
            match self.find_arrived(plan, &operation, &set)? {
                Found::One(task) => return Ok(Sent::Done(Some(task))),
                Found::None => {}
                Found::Several(names) | Found::Alike(names) => {
                    return Ok(Sent::Refused(format!(
                        "its answer was lost, and it may have become {names}: if so: anyt sync queue drop, else: anyt sync queue retry"
                    )));
                }
                Found::Unknown(error) => return Ok(Sent::Stop(error)),
            }
        }
        // A repeat keeps the older bound: the first request may be the one that arrived.
        let after_number = match &operation.uncertain {
            Some(uncertain) => uncertain.after_number,
            None => self.highest_number(plan, operation.workspace_id)?,
        };
        let until = Some(self.arrives_until(STUCK));
        self.about_to_send(plan, index, Uncertain { after_number, version: 0, set: set.clone(), until })?;
        let sent = Instant::now();
        match self.remote.create_task(&operation, &set) {
            Ok(task) if operation.uncertain.is_some() => Ok(Sent::Done(Some(Box::new(self.answered_again(task)?)))),
            Ok(task) => Ok(Sent::Done(Some(Box::new(task)))),
            Err(RemoteError::Uncertain(message)) => self.create_lost(plan, index, &set, sent.elapsed(), message),
            Err(error) => Ok(self.failed(plan, index, error)),
        }
    }

    fn send_update(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize) -> Result<Sent> {
        let operation = plan.entries[index].operation.clone();
        let Some((task_id, identifier)) = plan.server_name(operation.task_id, &operation.identifier) else {
            return Ok(Sent::Refused("the task it changes was never created".into()));
        };
        // Nothing is changed that this run has not seen as it is: servers may not look at If-Match, and one that was put
        // back to a backup may mean another task by the name.
        let version = operation.base_version;
        if !plan.has_just_seen(task_id, version) {
            return self.look_again(plan, summary, index, task_id, &identifier);
        }
        if let Some(failed) = self.refuse_another_parent(plan, index) {
            return Ok(failed);
        }
        let set = resolve_parent(plan, &operation.set);
        self.about_to_send(plan, index, Uncertain { version, set: set.clone(), ..Uncertain::default() })?;
        match self.remote.update_task(operation.workspace_id, &identifier, &set, version) {
            Ok(task) => Ok(Sent::Done(Some(Box::new(task)))),
            Err(RemoteError::Conflict { .. } | RemoteError::NotFound(_)) => {
                nothing_was_done(plan, index);
                self.look_again(plan, summary, index, task_id, &identifier)
            }
            Err(RemoteError::Uncertain(message)) => {
                let first_time = self.note_lost(plan, index);
                match self.look_again(plan, summary, index, task_id, &identifier)? {
                    Sent::Again if !first_time && plan.entries[index].fate == Fate::Waiting => {
                        Ok(Sent::Later(self.lost_error(message)))
                    }
                    other => Ok(other),
                }
            }
            Err(error) => Ok(self.failed(plan, index, error)),
        }
    }

    fn send_delete(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize) -> Result<Sent> {
        let operation = plan.entries[index].operation.clone();
        let Some((task_id, identifier)) = plan.server_name(operation.task_id, &operation.identifier) else {
            return Ok(Sent::Done(None));
        };
        // DELETE takes no If-Match (api.md 7), so the task is looked at right before it.
        if let Some(None) = plan.seen.get(&task_id) {
            return Ok(Sent::Done(None));
        }
        if !plan.has_just_looked(task_id, operation.base_version) {
            return self.look_again(plan, summary, index, task_id, &identifier);
        }
        self.about_to_send(plan, index, Uncertain::default())?;
        match self.remote.delete_task(operation.workspace_id, &identifier) {
            Ok(()) | Err(RemoteError::NotFound(_)) => Ok(Sent::Done(None)),
            Err(RemoteError::Uncertain(message)) => {
                let first_time = self.note_lost(plan, index);
                match self.task_of(operation.workspace_id, task_id, &identifier) {
                    Ok(None) => Ok(Sent::Done(None)),
                    Ok(Some(_)) if !first_time => Ok(Sent::Later(self.lost_error(message))),
                    Ok(Some(task)) => {
                        plan.look(task_id, Some(task));
                        Ok(Sent::Again)
                    }
                    Err(error) => Ok(self.failed(plan, index, error)),
                }
            }
            Err(error) => Ok(self.failed(plan, index, error)),
        }
    }

    fn send_dependency(&mut self, plan: &mut Plan, index: usize) -> Result<Sent> {
        let operation = plan.entries[index].operation.clone();
        let Some((target, target_name)) = &operation.depends_on else {
            return Ok(Sent::Refused("it names no task to depend on".into()));
        };
        let ends =
            plan.server_name(operation.task_id, &operation.identifier).zip(plan.server_name(*target, target_name));
        let Some(((task_id, task), (target_id, depends_on))) = ends else {
            return Ok(Sent::Refused("a task it names was never created".into()));
        };
        for (id, name) in [(task_id, &task), (target_id, &depends_on)] {
            match self.is_still_called(plan, operation.workspace_id, id, name) {
                Ok(true) => {}
                Ok(false) => return Ok(Sent::Refused(format!("{name} is gone"))),
                Err(error) => return Ok(self.failed(plan, index, error)),
            }
        }
        self.about_to_send(plan, index, Uncertain::default())?;
        let workspace = operation.workspace_id;
        let adding = operation.kind == Kind::AddDependency;
        let answer = if adding {
            self.remote.add_dependency(&operation, &task, &depends_on)
        } else {
            self.remote.remove_dependency(workspace, &task, &depends_on)
        };
        let error = match answer {
            Ok(()) => return Ok(Sent::Done(None)),
            Err(RemoteError::NotFound(_)) if !adding => return Ok(Sent::Done(None)),
            Err(error) => error,
        };
        // Existing and circular are both a 409 (api.md 7), and a lost answer says nothing: what is there tells.
        let look =
            matches!(error, RemoteError::Conflict { .. } | RemoteError::Uncertain(_) | RemoteError::Refused { .. });
        if look && let Ok(Some(is_there)) = self.depends(workspace, &task, &depends_on) {
            if is_there == adding {
                return Ok(Sent::Done(None));
            }
            if matches!(error, RemoteError::Uncertain(_)) && self.note_lost(plan, index) {
                return Ok(Sent::Again);
            }
        }
        Ok(self.failed(plan, index, error))
    }

    /// Writes to the journal, flushed, what is about to leave.
    fn about_to_send(&mut self, plan: &mut Plan, index: usize, uncertain: Uncertain) -> Result<()> {
        let entry = &mut plan.entries[index];
        let op_id = entry.operation.op_id.clone();
        self.journal.append(&[Entry::Sending { op_id, uncertain: uncertain.clone() }], true)?;
        hit("push.request.before");
        // Until the answer is there, this is what a later run has to know.
        entry.operation.uncertain = Some(uncertain);
        entry.changed = true;
        Ok(())
    }

    /// Sorts a failure: does it concern this operation, or the whole run?
    pub(super) fn failed(&mut self, plan: &mut Plan, index: usize, error: RemoteError) -> Sent {
        let certain = !matches!(error, RemoteError::Uncertain(_) | RemoteError::Malformed(_));
        if certain {
            nothing_was_done(plan, index);
        }
        let said_no = matches!(error, RemoteError::Refused { .. } | RemoteError::NotFound(_));
        if said_no && plan.entries[index].operation.kind == Kind::CreateTask {
            // It was looked for before it was sent again, or the key would have been answered: nor has the first one.
            plan.entries[index].operation.uncertain = None;
        }
        if let RemoteError::Uncertain(message) = error {
            return Sent::Later(self.lost_error(message));
        }
        if error.stops_the_run() || matches!(error, RemoteError::Forbidden(_)) {
            return Sent::Stop(to_error(error, &self.remote.origin()));
        }
        Sent::Refused(error.message().to_string())
    }
}

/// The server said no, or was never reached: nothing is uncertain, unless an earlier request had left too.
fn nothing_was_done(plan: &mut Plan, index: usize) {
    let entry = &mut plan.entries[index];
    entry.operation.uncertain = entry.uncertain_before.clone();
}

/// The set as it is sent: the parent under the server's id. A parent that was deleted here before it was ever sent is
/// left out.
fn resolve_parent(plan: &Plan, set: &Patch) -> Patch {
    let mut set = set.clone();
    if let Some(Value::Int(parent)) = set.get(&Field::Parent).cloned()
        && parent < 0
    {
        match plan.created.get(&parent) {
            Some(task) => set.insert(Field::Parent, Value::Int(task.id)),
            None => set.remove(&Field::Parent),
        };
    }
    set
}
