//! Sends the queue in order (design.md "The sync", PUSH). Each request is written to the journal before it leaves and
//! its answer before the next one; an operation whose answer never came is checked before it is sent again.

use super::Engine;
use super::journal::Entry;
use super::look::parent_of;
use super::lost::{Found, STUCK};
use super::merge;
use super::plan::{Fate, Plan};
use super::remote::{RemoteError, to_error};
use super::report::{Event, Summary};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Field, Kind, Operation, Patch, Task, Uncertain, Value};
use std::time::Instant;

/// How often one operation is tried again after a version difference or a lost answer, before it is left queued.
const ROUNDS: usize = 5;

/// What came of one operation.
pub(super) enum Sent {
    /// Done on the server.
    Done(Option<Box<Task>>),
    /// It changed, was dropped or went to the inbox: look at the plan again.
    Again,
    /// It stays queued with this message; the rest of the queue goes on.
    Refused(String),
    /// Its answer was lost: it stays queued until a later run has checked it. The rest goes on, unless that happens to
    /// several in a row.
    Later(Error),
    /// It stays queued, and so does everything after it.
    Stop(Error),
}

impl Engine<'_> {
    pub(super) fn push(&mut self, plan: &mut Plan, summary: &mut Summary) -> Result<()> {
        let mut index = 0;
        // Decisions add operations at the end, so the length is looked at anew.
        while index < plan.entries.len() {
            if let Some(stop) = self.push_one(plan, summary, index)? {
                summary.stopped = Some(stop);
                break;
            }
            index += 1;
        }
        Ok(())
    }

    /// Sends one operation until it is settled. Gives the error that ends the run, if one does.
    fn push_one(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize) -> Result<Option<Error>> {
        if let Some(message) = self.parked(plan, index) {
            if plan.cancels_out(index) {
                return Ok(None);
            }
            self.refused(plan, summary, index, message);
            return Ok(None);
        }
        let began = Instant::now();
        for _ in 0..ROUNDS {
            let entry = &plan.entries[index];
            if entry.fate != Fate::Waiting || !entry.in_scope {
                return Ok(None);
            }
            if self.must_wait(plan, index) {
                self.hold(plan, summary, index);
                return Ok(None);
            }
            if self.options.dry_run {
                self.would_send(plan, summary, index);
                return Ok(None);
            }
            match self.send(plan, summary, index)? {
                Sent::Done(task) => {
                    plan.put_off = None;
                    self.done(plan, summary, index, task)?;
                    return Ok(None);
                }
                Sent::Again => {}
                Sent::Refused(message) => {
                    plan.put_off = None;
                    self.refused(plan, summary, index, message);
                    return Ok(None);
                }
                Sent::Later(error) => return Ok(self.put_off(plan, summary, index, began, error)),
                Sent::Stop(error) => {
                    summary.first_error.get_or_insert_with(|| error.to_string());
                    return Ok(Some(error));
                }
            }
        }
        if plan.entries[index].fate == Fate::Waiting {
            let name = plan.entries[index].operation.identifier.clone();
            let message = format!("{name} kept changing on the server; it is sent again with the next sync");
            return Ok(self.put_off(plan, summary, index, began, Error::unreachable(message)));
        }
        Ok(None)
    }

    /// What the server said when it refused the operation in an earlier run. It is not sent again until somebody says
    /// so (`sync queue retry`), or mends it.
    fn parked(&self, plan: &Plan, index: usize) -> Option<String> {
        let entry = &plan.entries[index];
        let due = entry.fate == Fate::Waiting && entry.in_scope;
        entry.operation.error.clone().filter(|_| due)
    }

    /// A dry run takes it that the server would have said yes: what waits for the operation would be sent as well.
    fn would_send(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize) {
        let operation = plan.entries[index].operation.clone();
        plan.answer(index, None);
        self.reporter.tell(Event::WouldSend(Box::new(operation.clone())));
        summary.would_send.push(operation);
    }

    fn send(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize) -> Result<Sent> {
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

    /// Writes the answer to the journal, flushed, and lets later operations of the plan follow it.
    fn done(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize, task: Option<Box<Task>>) -> Result<()> {
        hit("push.request.after");
        summary.pushed += 1;
        let operation = plan.entries[index].operation.clone();
        let answered = Entry::Answered { op_id: operation.op_id.clone(), task: task.clone() };
        self.journal.append(&[answered], true)?;
        hit("push.answered");
        plan.answer(index, task.as_deref().cloned());
        let identifier = task.as_ref().map_or_else(|| operation.identifier.clone(), |task| task.identifier.clone());
        self.reporter.tell(match operation.kind {
            Kind::CreateTask => {
                let was = (identifier != operation.identifier).then(|| operation.identifier.clone());
                summary.renames.extend(was.clone().map(|was| (was, identifier.clone())));
                Event::Created { identifier, was }
            }
            Kind::UpdateTask => Event::Updated { identifier },
            Kind::DeleteTask => Event::Deleted { identifier },
            Kind::AddDependency => Event::DependencyAdded { identifier, depends_on: target_name(plan, &operation) },
            Kind::RemoveDependency => {
                Event::DependencyRemoved { identifier, depends_on: target_name(plan, &operation) }
            }
        });
        if let Some(task) = &task {
            self.say_what_was_not_taken(&operation, task);
        }
        if let Some(task) = task {
            follow(plan, &operation, &task);
        }
        Ok(())
    }

    /// A server that does not know a field may pass it over in silence (api.md 7). Texts it may write in its own way.
    fn say_what_was_not_taken(&mut self, operation: &Operation, task: &Task) {
        let passed_over = [Field::Status, Field::Priority, Field::Labels, Field::Owner, Field::Phase, Field::Estimate];
        let differs = |field: &Field| operation.set.get(field).is_some_and(|value| !task.get(*field).reads_as(value));
        let words: Vec<&str> = passed_over.into_iter().filter(differs).map(Field::word).collect();
        if !words.is_empty() {
            let note = format!("{}: the server did not take the {}", task.identifier, words.join(", "));
            self.reporter.tell(Event::Note(note));
        }
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

    fn refused(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize, message: String) {
        let entry = &mut plan.entries[index];
        entry.operation.error = Some(message.clone());
        entry.changed = true;
        let identifier = entry.operation.identifier.clone();
        let task_id = entry.operation.task_id;
        if entry.operation.kind.entity_type() == "task" {
            plan.held.insert(task_id);
        }
        summary.failed += 1;
        summary.first_error.get_or_insert_with(|| format!("{identifier}: {message}"));
        self.reporter.tell(Event::Refused { identifier, message });
    }

    /// The operation's task, or one it points at, is not settled.
    fn must_wait(&self, plan: &Plan, index: usize) -> bool {
        let operation = &plan.entries[index].operation;
        let target = operation.depends_on.as_ref().map(|(id, _)| *id);
        let parent = parent_of(operation);
        let unmade = |id: i64| id < 0 && !plan.created.contains_key(&id) && is_queued_create(plan, id);
        let own_create = operation.kind == Kind::CreateTask;
        (operation.kind.entity_type() == "task" && plan.held.contains(&operation.task_id))
            || (!own_create && unmade(operation.task_id))
            || target.is_some_and(unmade)
            || parent.is_some_and(unmade)
    }

    fn hold(&mut self, plan: &mut Plan, summary: &mut Summary, index: usize) {
        let operation = &plan.entries[index].operation;
        // What waits for a decision is reported as that.
        if !plan.inbox.contains_key(&operation.task_id) {
            summary.held += 1;
            let identifier = operation.identifier.clone();
            self.reporter.tell(Event::Held { identifier });
        }
    }
}

/// The server said no, or was never reached: nothing is uncertain, unless an earlier request had left too.
fn nothing_was_done(plan: &mut Plan, index: usize) {
    let entry = &mut plan.entries[index];
    entry.operation.uncertain = entry.uncertain_before.clone();
}

/// Later operations on the same task have now seen the server's new row.
fn follow(plan: &mut Plan, operation: &Operation, task: &Task) {
    if operation.kind == Kind::CreateTask {
        plan.task_created(operation.task_id, task);
    }
    plan.look(task.id, Some(task.clone()));
    let rest: Vec<usize> = plan.chain(task.id);
    // A server may write a text in its own way (line ends, blanks): what it answers is what was made of ours.
    for field in operation.set.keys() {
        let next = rest.iter().find(|index| plan.entries[**index].operation.base.contains_key(field));
        if let Some(next) = next {
            plan.entries[*next].operation.base.insert(*field, task.get(*field));
        }
    }
    let rebased = merge::rebase(&plan.operations(&rest), task, true);
    if rebased.differences.is_empty() {
        plan.replace(&rest, rebased.chain);
    }
    // A delete has no fields to rebase; it has seen this version too.
    for index in plan.chain(task.id) {
        let entry = &mut plan.entries[index];
        if entry.operation.kind == Kind::DeleteTask && entry.operation.base_version == operation.base_version {
            entry.operation.base_version = task.version;
            entry.changed = true;
        }
    }
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

fn is_queued_create(plan: &Plan, task_id: i64) -> bool {
    plan.waiting().any(|entry| entry.operation.kind == Kind::CreateTask && entry.operation.task_id == task_id)
}

fn target_name(plan: &Plan, operation: &Operation) -> String {
    operation
        .depends_on
        .as_ref()
        .map(|(id, name)| plan.server_name(*id, name).map_or_else(|| name.clone(), |(_, name)| name))
        .unwrap_or_default()
}
