//! What is lost when operations are given up: those that cannot be sent without them, the parent of tasks that stay, and
//! the ground that later changes stood on. One pass over the queue; nothing is changed here.

use crate::cache::Change;
use crate::error::Result;
use crate::model::{Field, Kind, Operation, Patch, Value};
use crate::sync::local::new_op_id;
use std::collections::{BTreeMap, BTreeSet};

pub struct Loss {
    /// Given up whole: what was chosen, and everything about a task whose creation is among it.
    pub operations: Vec<Operation>,
    /// Per task that stays without the parent it was to have: the update that gives it back.
    pub orphans: Vec<Operation>,
    /// What becomes of the queue.
    pub(super) change: Change,
}

impl Loss {
    /// What giving up `chosen` means while `pending` is the queue, oldest first.
    ///
    /// # Errors
    /// The operating system has no random numbers to give.
    pub fn of(pending: &[Operation], chosen: &[Operation]) -> Result<Loss> {
        let chosen_ids: BTreeSet<&str> = chosen.iter().map(|operation| operation.op_id.as_str()).collect();
        let created = |operation: &&Operation| operation.kind == Kind::CreateTask;
        let unmade: BTreeSet<i64> = chosen.iter().filter(created).map(|create| create.task_id).collect();
        let mut before = Before::default();
        let (mut loss, mut orphans) = (Loss::nothing(), BTreeMap::new());
        for operation in pending {
            let needs = [Some(operation.task_id), operation.depends_on.as_ref().map(|(target, _)| *target)];
            if chosen_ids.contains(operation.op_id.as_str()) || needs.iter().flatten().any(|id| unmade.contains(id)) {
                before.forget(operation, |_, _| true);
                loss.operations.push(operation.clone());
                continue;
            }
            let is_lost = |field, value: &Value| {
                field == Field::Parent && matches!(value, Value::Int(parent) if unmade.contains(parent))
            };
            let kept = before.forget(operation, is_lost);
            match (operation.set.get(&Field::Parent), kept.set.get(&Field::Parent)) {
                (Some(parent), None) => drop(orphans.insert(operation.task_id, (operation, parent))),
                (_, Some(_)) => drop(orphans.remove(&operation.task_id)),
                (None, None) => {}
            }
            if kept.kind == Kind::UpdateTask && kept.set.is_empty() {
                loss.change.removed.push(operation.clone());
            } else if kept != *operation {
                loss.change.put.push(kept);
            }
        }
        loss.change.removed.extend(loss.operations.iter().cloned());
        for (operation, parent) in orphans.into_values() {
            loss.orphans.push(giving_parent(operation, parent, before.value(operation.task_id, Field::Parent))?);
        }
        Ok(loss)
    }

    fn nothing() -> Loss {
        Loss { operations: Vec::new(), orphans: Vec::new(), change: Change::default() }
    }
}

/// Per task and field: what was there before the changes that are lost.
#[derive(Default)]
struct Before(BTreeMap<(i64, Field), Value>);

impl Before {
    /// An operation without the values that are lost, standing on what was there before those that were lost earlier.
    fn forget(&mut self, operation: &Operation, is_lost: impl Fn(Field, &Value) -> bool) -> Operation {
        let mut kept = operation.clone();
        for (field, base) in &mut kept.base {
            if let Some(before) = self.0.get(&(operation.task_id, *field)) {
                *base = before.clone();
            }
        }
        for (field, value) in &operation.set {
            let key = (operation.task_id, *field);
            if is_lost(*field, value) {
                kept.set.remove(field);
                let base = kept.base.remove(field).unwrap_or(Value::Null);
                self.0.entry(key).or_insert(base);
            } else {
                self.0.remove(&key);
            }
        }
        kept
    }

    fn value(&self, task_id: i64, field: Field) -> Value {
        self.0.get(&(task_id, field)).cloned().unwrap_or(Value::Null)
    }
}

/// The update of the task of `operation` that gives it back the parent that it loses.
fn giving_parent(operation: &Operation, parent: &Value, before: Value) -> Result<Operation> {
    Ok(Operation {
        op_id: new_op_id()?,
        kind: Kind::UpdateTask,
        base: Patch::from([(Field::Parent, before)]),
        set: Patch::from([(Field::Parent, parent.clone())]),
        uncertain: None,
        error: None,
        ..operation.clone()
    })
}
