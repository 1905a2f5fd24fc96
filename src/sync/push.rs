//! Sends the queue in order (design.md "The sync", PUSH). Each request (`send`) is written to the journal before it leaves
//! and its answer before the next one; an operation whose answer never came is checked before it is sent again.

use super::Engine;
use super::journal::Entry;
use super::look::parent_of;
use super::merge;
use super::plan::{Fate, Plan};
use super::report::{Event, Summary};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Field, Kind, Operation, Task};
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
