//! What is lost when operations are given up: those that cannot be sent without them, the parent of rows that stay, and
//! the base of later changes. One pass over the queue.

use super::choose::Kept;
use crate::error::{Error, Result};
use crate::model::kind::Type;
use crate::model::{Field, Operation, Patch, Shape, State, Target, Value, new_op_id};
use crate::store::{Change, Resolved, Store};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DropPlan {
    /// Given up whole: what was chosen, and everything about a row whose creation is among it.
    pub operations: Vec<Operation>,
    /// Per row that stays without what it was to refer to (its parent): the update that gives it back.
    pub orphans: Vec<Operation>,
    /// What stays, on another base or without the reference.
    amended: Vec<Operation>,
    /// Updates that have nothing left to change.
    emptied: Vec<Operation>,
}

/// Which targets mean the same row: an operation that was queued before its row had an id names the create that made it.
#[derive(Debug, Default)]
pub struct Rows(BTreeMap<Target, Target>);

impl Rows {
    /// As the store has them now.
    pub fn of(store: &Store) -> Result<Rows> {
        let mut rows = BTreeMap::new();
        for target in store.waiting()?.iter().map(|operation| &operation.target) {
            if let Resolved::Server { id, .. } = store.resolve(target)? {
                rows.insert(target.clone(), Target::Server(id));
            }
        }
        Ok(Rows(rows))
    }

    fn row(&self, target: &Target) -> Target {
        self.0.get(target).unwrap_or(target).clone()
    }
}

impl DropPlan {
    /// What giving up the operations with the ids `chosen` means while `waiting` is the queue, oldest first.
    ///
    /// # Errors
    /// The operating system has no random numbers to give.
    pub fn of(waiting: &[Operation], chosen: &BTreeSet<String>, rows: &Rows) -> Result<DropPlan> {
        let unmade: BTreeSet<Target> = waiting
            .iter()
            .filter(|one| one.shape == Shape::Create && chosen.contains(&one.op_id))
            .flat_map(|create| [Some(create.target.clone()), create.replaces.map(Target::Server)])
            .flatten()
            .collect();
        let mut before = Before { values: BTreeMap::new(), rows };
        let mut plan = DropPlan::default();
        let mut orphans: BTreeMap<(Target, Field), (&Operation, &Value)> = BTreeMap::new();
        for operation in waiting {
            let ends = [Some(&operation.target), operation.other.as_ref()];
            if chosen.contains(&operation.op_id) || ends.into_iter().flatten().any(|end| unmade.contains(end)) {
                before.forget(operation, |_, _| true);
                plan.operations.push(operation.clone());
                continue;
            }
            let kept = before.forget(operation, |field, value| {
                matches!(field.ty, Type::Reference(_))
                    && Target::of_value(value).is_some_and(|target| unmade.contains(&target))
            });
            for (field, value) in &operation.set {
                let key = (rows.row(&operation.target), *field);
                if kept.set.contains_key(field) {
                    orphans.remove(&key);
                } else {
                    orphans.insert(key, (operation, value));
                }
            }
            if kept.shape == Shape::Update && kept.set.is_empty() {
                plan.emptied.push(operation.clone());
            } else if kept != *operation {
                plan.amended.push(kept);
            }
        }
        for ((target, field), (operation, value)) in orphans {
            plan.orphans.push(giving_back(operation, field, value, before.value(&target, field))?);
        }
        Ok(plan)
    }

    /// What becomes of the queue. `why` is written down with each operation that is given up.
    pub fn change(&self, why: &str) -> Change {
        let given_up = self.operations.iter().map(|one| (one.op_id.clone(), why.to_string()));
        let emptied = self.emptied.iter().map(|one| (one.op_id.clone(), "what it referred to was dropped".to_string()));
        Change { dropped: given_up.chain(emptied).collect(), amended: self.amended.clone(), ..Change::default() }
    }

    /// What can be restored. The updates that give references back stand behind what makes the rows they refer to.
    pub fn kept(&self, reason: &'static str) -> Kept {
        Kept { reason, row: None, operations: self.operations.iter().chain(&self.orphans).cloned().collect() }
    }

    /// Two plans say the same about the queue; the updates of orphans have new ids each time.
    fn is_same_as(&self, other: &DropPlan) -> bool {
        (&self.operations, &self.amended, &self.emptied) == (&other.operations, &other.amended, &other.emptied)
    }
}

/// Drops what `plan` says, after it has been written to discarded.jsonl. Gives the entry's number.
///
/// # Errors
/// Something was queued for it, or it changed, since the plan was made: nothing is dropped.
pub fn drop_planned(store: &mut Store, plan: &DropPlan) -> Result<Option<i64>> {
    let rows = Rows::of(store)?;
    let chosen = plan.operations.iter().map(|operation| operation.op_id.clone()).collect();
    let kept = plan.kept("dropped");
    store.change(|queue| {
        let now = DropPlan::of(&queue.waiting()?, &chosen, &rows)?;
        if !now.is_same_as(plan) {
            return Err(Error::failure("what is to be dropped was changed meanwhile; nothing was dropped")
                .hint("see what it is now: anyt sync queue"));
        }
        Ok(Change { kept: vec![kept.clone()], ..plan.change("dropped by hand") })
    })?;
    number_of(store, &kept)
}

/// Drops the operations with these ids, and what hangs on them by now, as one entry of discarded.jsonl (`force`).
pub(super) fn drop_operations(
    store: &mut Store,
    reason: &'static str,
    chosen: &BTreeSet<String>,
) -> Result<(DropPlan, Option<i64>)> {
    let rows = Rows::of(store)?;
    let mut plan = DropPlan::default();
    store.change(|queue| {
        plan = DropPlan::of(&queue.waiting()?, chosen, &rows)?;
        let kept = if plan.operations.is_empty() { Vec::new() } else { vec![plan.kept(reason)] };
        Ok(Change { kept, ..plan.change(reason) })
    })?;
    let number = number_of(store, &plan.kept(reason))?;
    Ok((plan, number))
}

/// The number of the entry that has just been written.
fn number_of(store: &Store, kept: &Kept) -> Result<Option<i64>> {
    let Some(first) = kept.operations.first() else { return Ok(None) };
    let is_it = |one: &Operation| one.op_id == first.op_id;
    Ok(store.discarded()?.into_iter().find(|entry| entry.operations.iter().any(is_it)).map(|entry| entry.number))
}

/// Per row and field: what was there before the changes that are lost.
struct Before<'a> {
    values: BTreeMap<(Target, Field), Value>,
    rows: &'a Rows,
}

impl Before<'_> {
    /// An operation without the values that are lost, on the base of those that were lost earlier.
    fn forget(&mut self, operation: &Operation, is_lost: impl Fn(Field, &Value) -> bool) -> Operation {
        let target = self.rows.row(&operation.target);
        let mut kept = operation.clone();
        for (field, base) in &mut kept.base {
            if let Some(before) = self.values.get(&(target.clone(), *field)) {
                *base = before.clone();
            }
        }
        for (field, value) in &operation.set {
            let key = (target.clone(), *field);
            if is_lost(field, value) {
                kept.set.remove(field);
                let base = kept.base.remove(field).unwrap_or(Value::Null);
                self.values.entry(key).or_insert(base);
            } else {
                self.values.remove(&key);
            }
        }
        kept
    }

    fn value(&self, target: &Target, field: Field) -> Value {
        self.values.get(&(target.clone(), field)).cloned().unwrap_or(Value::Null)
    }
}

/// The update of the row of `operation` that gives it back what it was to refer to.
fn giving_back(operation: &Operation, field: Field, value: &Value, before: Value) -> Result<Operation> {
    Ok(Operation {
        op_id: new_op_id()?,
        seq: 0,
        shape: Shape::Update,
        base: Patch::from([(field, before)]),
        set: Patch::from([(field, value.clone())]),
        condition: None,
        replaces: None,
        state: State::Queued,
        sends: Vec::new(),
        ..operation.clone()
    })
}
