//! The queue as one run sees it: every waiting operation with what becomes of it. Pull, decisions and push change the
//! plan; the commit turns it into an `Outcome`.

use crate::cache::{Answer, Outcome, StoredConflict};
use crate::model::{Kind, Operation, Task, Uncertain};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What was seen so long ago is looked at again before it is changed: somebody may have changed it since.
const A_MOMENT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// Not sent yet.
    Waiting,
    Answered(Option<Box<Task>>),
    Dropped,
    /// Gone from the queue before the commit.
    Forgotten,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub operation: Operation,
    pub fate: Fate,
    /// The operation differs from its row.
    pub changed: bool,
    /// To be sent in this run.
    pub in_scope: bool,
    /// What was uncertain about it before this run sent it.
    pub uncertain_before: Option<Uncertain>,
    /// Answers that were lost in this run.
    pub lost: u32,
}

#[derive(Default)]
pub struct Plan {
    pub entries: Vec<Entry>,
    /// The newest server row seen in this run, per task id; `None`: deleted there.
    pub seen: BTreeMap<i64, Option<Task>>,
    /// When this run asked for a task by its name, or was told of it in an answer.
    pub looked: BTreeMap<i64, Instant>,
    /// When the pull began whose rows are `seen`.
    pub pulled: Option<Instant>,
    /// Per workspace a project that the pull brought.
    pub projects: BTreeMap<i64, i64>,
    /// Inbox entries, old and new.
    pub inbox: BTreeMap<i64, StoredConflict>,
    /// Inbox entries that this run settled.
    pub settled: BTreeSet<i64>,
    /// Tasks that conflicts and merges report on their own.
    pub reported: BTreeSet<i64>,
    /// Tasks nothing more is sent for in this run.
    pub held: BTreeSet<i64>,
    /// Tasks let go after a delete there.
    pub let_go: Vec<i64>,
    /// Tasks whose id another one has now: the row that the pull brought stays.
    pub replaced: BTreeSet<i64>,
    /// Tasks gone on the server that a decision creates again, with the changes that the creation replaces.
    pub reborn: Vec<(Vec<usize>, Task)>,
    /// Server rows that were chosen over ours. A pull has staged them; a push has them only here.
    pub accepted: Vec<Task>,
    /// Provisional id → the task the server made of it.
    pub created: BTreeMap<i64, Task>,
    /// Since when nothing but operations that had to be put off were tried.
    pub put_off: Option<Instant>,
    /// Files that keep what was edited by hand, until the commit.
    pub drafts: Vec<PathBuf>,
}

impl Plan {
    pub fn new(operations: Vec<Operation>, inbox: Vec<StoredConflict>, only: Option<&BTreeSet<String>>) -> Plan {
        let scope = only.map(|only| closure(&operations, only));
        let entries = operations
            .into_iter()
            .map(|operation| Entry {
                in_scope: scope.as_ref().is_none_or(|scope| scope.contains(&operation.op_id)),
                uncertain_before: operation.uncertain.clone(),
                lost: 0,
                operation,
                fate: Fate::Waiting,
                changed: false,
            })
            .collect();
        let inbox = inbox.into_iter().map(|conflict| (conflict.task_id, conflict)).collect();
        Plan { entries, inbox, ..Plan::default() }
    }

    /// Nothing is sent to workspaces that could not be read.
    pub fn leave_out(&mut self, workspaces: &[i64]) {
        for entry in &mut self.entries {
            entry.in_scope &= !workspaces.contains(&entry.operation.workspace_id);
        }
    }

    pub fn waiting(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.fate == Fate::Waiting)
    }

    /// Tasks with waiting updates or deletes that the server knows, in queue order.
    pub fn tasks_with_changes(&self) -> Vec<i64> {
        let mut tasks = Vec::new();
        for entry in self.waiting() {
            let changes = matches!(entry.operation.kind, Kind::UpdateTask | Kind::DeleteTask);
            if changes && entry.operation.task_id > 0 && !tasks.contains(&entry.operation.task_id) {
                tasks.push(entry.operation.task_id);
            }
        }
        tasks
    }

    /// Indices of the waiting updates and deletes of one task, in queue order.
    pub fn chain(&self, task_id: i64) -> Vec<usize> {
        let belongs = |entry: &Entry| {
            entry.fate == Fate::Waiting
                && entry.operation.task_id == task_id
                && matches!(entry.operation.kind, Kind::UpdateTask | Kind::DeleteTask)
        };
        (0..self.entries.len()).filter(|index| belongs(&self.entries[*index])).collect()
    }

    pub fn operations(&self, indices: &[usize]) -> Vec<Operation> {
        indices.iter().map(|index| self.entries[*index].operation.clone()).collect()
    }

    /// Writes a rebased chain back. An update with nothing left to say is done: the server has it already.
    pub fn replace(&mut self, indices: &[usize], chain: Vec<Operation>) {
        for (index, operation) in indices.iter().zip(chain) {
            let entry = &mut self.entries[*index];
            let empty = operation.kind == Kind::UpdateTask && operation.set.is_empty();
            entry.changed |= entry.operation != operation;
            entry.uncertain_before = operation.uncertain.clone();
            entry.operation = operation;
            if empty {
                entry.fate = Fate::Dropped;
            }
        }
    }

    /// The version that the changes of a task were made on is no longer what the server means by it.
    pub fn forget_version(&mut self, task_id: i64) {
        for index in self.chain(task_id) {
            let entry = &mut self.entries[index];
            entry.operation.base_version = 0;
            entry.changed = true;
        }
    }

    pub fn drop_entry(&mut self, index: usize) {
        if self.entries[index].fate == Fate::Waiting {
            self.entries[index].fate = Fate::Dropped;
        }
    }

    /// Drops a create that was certainly not done, with all that is queued for its task, where the task is deleted in the
    /// end: while a sync was at work it could not be taken back at once.
    pub fn cancels_out(&mut self, index: usize) -> bool {
        let create = &self.entries[index].operation;
        let (task_id, unmade) = (create.task_id, create.kind == Kind::CreateTask && create.uncertain.is_none());
        let deleted = |entry: &Entry| entry.operation.kind == Kind::DeleteTask && entry.operation.task_id == task_id;
        let cancels = unmade && self.waiting().any(deleted);
        for at in 0..self.entries.len() {
            let operation = &self.entries[at].operation;
            let target = operation.depends_on.as_ref().map(|(target, _)| *target);
            if cancels && (operation.task_id == task_id || target == Some(task_id)) {
                self.drop_entry(at);
            }
        }
        cancels
    }

    /// The operation was taken out of the queue already.
    pub fn forget_operation(&mut self, op_id: &str) {
        for entry in self.entries.iter_mut().filter(|entry| entry.operation.op_id == op_id) {
            entry.fate = Fate::Forgotten;
        }
    }

    /// An operation that was queued while this run was under way, by the run itself.
    pub fn add(&mut self, operation: Operation) {
        let (fate, changed, in_scope, uncertain_before) = (Fate::Waiting, false, true, None);
        self.entries.push(Entry { operation, fate, changed, in_scope, uncertain_before, lost: 0 });
    }

    /// The same, unless the plan has it already: then this is its form now, and it must not be sent twice.
    pub fn take_over(&mut self, operation: Operation) {
        match self.entries.iter_mut().find(|entry| entry.operation.op_id == operation.op_id) {
            Some(entry) => entry.operation = operation,
            None => self.add(operation),
        }
    }

    pub fn answer(&mut self, index: usize, task: Option<Task>) {
        self.entries[index].fate = Fate::Answered(task.map(Box::new));
    }

    /// The task's conflict is settled, if there was one.
    pub fn settle(&mut self, task_id: i64) {
        if self.inbox.remove(&task_id).is_some() {
            self.settled.insert(task_id);
        }
    }

    pub fn settle_all(&mut self) {
        for task in self.inbox.keys().copied().collect::<Vec<_>>() {
            self.settle(task);
        }
    }

    /// The server's id and identifier for a task that may have been provisional. `None`: not created yet.
    pub fn server_name(&self, task_id: i64, identifier: &str) -> Option<(i64, String)> {
        if task_id > 0 {
            return Some((task_id, identifier.to_string()));
        }
        self.created.get(&task_id).map(|task| (task.id, task.identifier.clone()))
    }

    /// Says that the server made `task` of the provisional one: what waits for it in this plan follows, as the queue's
    /// rows do in the commit, so that a row which is written over by its operation keeps its task.
    pub fn task_created(&mut self, provisional: i64, task: &Task) {
        self.created.insert(provisional, task.clone());
        self.look(task.id, Some(task.clone()));
        for entry in self.entries.iter_mut().filter(|entry| entry.fate == Fate::Waiting) {
            entry.operation.follow(provisional, task.id, &task.identifier);
        }
    }

    /// The task as the server has it at this moment.
    pub fn look(&mut self, task_id: i64, task: Option<Task>) {
        self.seen.insert(task_id, task);
        self.looked.insert(task_id, Instant::now());
    }

    /// The server has the task in this version, as it was asked a moment ago.
    pub fn has_just_looked(&self, task_id: i64, version: i64) -> bool {
        self.was_seen(task_id, version, self.looked.get(&task_id))
    }

    /// The same, as far as a pull of a moment ago can tell.
    pub fn has_just_seen(&self, task_id: i64, version: i64) -> bool {
        self.was_seen(task_id, version, self.looked.get(&task_id).max(self.pulled.as_ref()))
    }

    fn was_seen(&self, task_id: i64, version: i64, at: Option<&Instant>) -> bool {
        let current = matches!(self.seen.get(&task_id), Some(Some(task)) if task.version == version);
        current && at.is_some_and(|at| at.elapsed() < A_MOMENT)
    }

    pub fn into_outcome(self, outcome: &mut Outcome, now: &str) {
        for entry in self.entries {
            match entry.fate {
                Fate::Answered(task) => {
                    outcome.answers.push(Answer { operation: entry.operation, task: task.map(|task| *task) });
                }
                Fate::Dropped => outcome.dropped.push(entry.operation),
                Fate::Waiting if entry.changed => outcome.rewritten.push(entry.operation),
                Fate::Waiting | Fate::Forgotten => {}
            }
        }
        outcome.let_go = self.let_go.into_iter().filter(|id| !self.replaced.contains(id)).collect();
        outcome.replaced = self.replaced;
        outcome.accepted = self.accepted;
        outcome.settled = self.settled.into_iter().collect();
        outcome.conflicts = self
            .inbox
            .into_values()
            .map(|conflict| StoredConflict {
                found_at: if conflict.found_at.is_empty() { now.to_string() } else { conflict.found_at.clone() },
                ..conflict
            })
            .collect();
    }
}

/// The operations named by `only` with all they need: earlier ones on the same task, and the creates of provisional
/// tasks they point at. What was refused of other fields of a task stays where it is.
fn closure(operations: &[Operation], only: &BTreeSet<String>) -> BTreeSet<String> {
    let mut wanted = only.clone();
    // From the newest to the oldest: what an operation needs was always queued before it.
    for (index, operation) in operations.iter().enumerate().rev() {
        if !wanted.contains(&operation.op_id) {
            continue;
        }
        let mut tasks: BTreeSet<i64> = BTreeSet::from([operation.task_id]);
        tasks.extend(operation.depends_on.as_ref().map(|(id, _)| *id));
        if let Some(crate::model::Value::Int(parent)) = operation.set.get(&crate::model::Field::Parent) {
            tasks.insert(*parent);
        }
        for earlier in &operations[..index] {
            let creates = earlier.kind == Kind::CreateTask && tasks.contains(&earlier.task_id);
            let same_task = earlier.task_id == operation.task_id && earlier.kind.entity_type() == "task";
            let updates = earlier.kind == Kind::UpdateTask && operation.kind == Kind::UpdateTask;
            let apart = updates && earlier.is_parked() && !earlier.shares_a_field(operation);
            if creates || (same_task && operation.kind.entity_type() == "task" && !apart) {
                wanted.insert(earlier.op_id.clone());
            }
        }
    }
    wanted
}
