//! What is lost when operations are dropped: those that cannot be sent without them, the parent of rows that stay, and
//! the base of later changes. One pass over the queue.

use super::Engine;
use super::report::Event;
use super::run::Run;
use crate::error::{Error, Result};
use crate::gather::Gather;
use crate::model::kind::Type;
use crate::model::{Field, Kept, Operation, Patch, Shape, State, Target, Value, new_op_id};
use crate::store::{Change, Resolved, Store};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DropPlan {
    /// Dropped whole: what was chosen, and everything about a row whose creation is among it.
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
pub struct Rows(BTreeMap<(&'static str, Target), Target>);

impl Rows {
    /// As the store has them now.
    pub fn of(store: &Store) -> Result<Rows> {
        let mut rows = BTreeMap::new();
        for operation in store.waiting()? {
            let (kind, target) = (operation.kind.ends, &operation.target);
            let row = match store.resolve(kind, target)? {
                Resolved::Server { id, .. } => Target::Server(id),
                Resolved::Pending { op_id, .. } => Target::MadeBy(op_id),
                Resolved::Gone { .. } => continue,
            };
            rows.insert((kind, target.clone()), row);
        }
        Ok(Rows(rows))
    }

    fn row(&self, operation: &Operation) -> Target {
        let target = &operation.target;
        self.0.get(&(operation.kind.ends, target.clone())).unwrap_or(target).clone()
    }
}

impl DropPlan {
    /// What dropping the operations with the ids `chosen` means while `waiting` is the queue, oldest first.
    ///
    /// # Errors
    /// The operating system has no random numbers to give.
    pub fn of(waiting: &[Operation], chosen: &BTreeSet<String>, rows: &Rows) -> Result<DropPlan> {
        let made = |create: &Operation| {
            let kind = create.kind.name;
            [Some((kind, create.target.clone())), create.replaces.map(|id| (kind, Target::Server(id)))]
        };
        let mut unmade: BTreeSet<(&'static str, Target)> = waiting
            .iter()
            .filter(|one| one.shape == Shape::Create && chosen.contains(&one.op_id))
            .flat_map(made)
            .flatten()
            .gather();
        let mut before = Before { values: BTreeMap::new(), rows };
        let mut plan = DropPlan::default();
        let mut orphans: BTreeMap<(Target, Field), (&Operation, &Value)> = BTreeMap::new();
        for operation in waiting {
            let ends = [Some(&operation.target), operation.other.as_ref()];
            let mut ends = ends.into_iter().flatten().map(|end| (operation.kind.ends, end.clone()));
            if chosen.contains(&operation.op_id)
                || ends.any(|end| unmade.contains(&end))
                || operation.stands_on().any(|row| unmade.contains(&row))
            {
                if operation.shape == Shape::Create {
                    unmade.extend(made(operation).into_iter().flatten());
                }
                before.forget(operation, &|_, _| true);
                plan.operations.push(operation.clone());
                continue;
            }
            let kept = before.forget(operation, &|field, value| {
                let Type::Reference(kind) = field.ty else { return false };
                Target::of_value(value).is_some_and(|target| unmade.contains(&(kind, target)))
            });
            for (field, value) in &operation.set {
                let key = (rows.row(operation), *field);
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

    /// What becomes of the queue. `why` is written down with each operation that is dropped.
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

impl Engine<'_> {
    /// `--force`: what was agreed to be set aside. The end of the run drops it.
    pub(super) fn choose_to_drop(&self, run: &mut Run, agreed: Option<&BTreeSet<String>>) {
        let chosen: BTreeSet<String> = match agreed {
            Some(agreed) => agreed.clone(),
            None => run.plan.ops.iter().map(|op| op.op_id.clone()).gather(),
        };
        if !chosen.is_empty() && !self.options.dry_run {
            run.force = Some(chosen);
        }
    }

    /// Drops it, and tells what became of rows that named what is dropped.
    pub(super) fn drop_chosen(&mut self, run: &mut Run) -> Result<()> {
        let Some(chosen) = run.force.take() else { return Ok(()) };
        let (plan, number) = drop_operations(self.store, "force", &chosen)?;
        for orphan in &plan.orphans {
            self.reporter.tell(Event::Note(format!("{} loses its parent", orphan.name)));
        }
        if let Some(number) = number {
            run.summary.discarded = Some((number, plan.operations.len()));
        }
        Ok(())
    }
}

/// Drops what `plan` says, after it has been written to discarded.jsonl. Gives the entry's number.
///
/// # Errors
/// Something was queued for it, or it changed, since the plan was made: nothing is dropped.
pub fn drop_planned(store: &mut Store, plan: &DropPlan) -> Result<Option<i64>> {
    let rows = Rows::of(store)?;
    let chosen = plan.operations.iter().map(|operation| operation.op_id.clone()).gather();
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
    fn forget(&mut self, operation: &Operation, is_lost: &dyn Fn(Field, &Value) -> bool) -> Operation {
        let target = self.rows.row(operation);
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
        links: Default::default(),
        replaces: None,
        state: State::Queued,
        sends: Vec::new(),
        ..operation.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::model::dependency::DEPENDENCY;
    use crate::model::task::{PARENT, STATUS, TASK, TITLE};

    fn operation(op_id: &str, kind: &'static Kind, shape: Shape, target: Target) -> Operation {
        Operation { op_id: op_id.into(), workspace_id: 1, target, name: op_id.into(), ..Operation::new(kind, shape) }
    }

    fn create(op_id: &str, set: Patch) -> Operation {
        Operation { set, ..operation(op_id, &TASK, Shape::Create, Target::MadeBy(op_id.into())) }
    }

    fn update(op_id: &str, target: Target, field: Field, base: Value, value: Value) -> Operation {
        let (base, set) = (Patch::from([(field, base)]), Patch::from([(field, value)]));
        Operation { base, set, ..operation(op_id, &TASK, Shape::Update, target) }
    }

    fn plan(waiting: &[Operation], chosen: &[&str], rows: &Rows) -> DropPlan {
        DropPlan::of(waiting, &chosen.iter().map(ToString::to_string).collect(), rows).expect("random numbers")
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn ids(operations: &[Operation]) -> Vec<&str> {
        operations.iter().map(|one| one.op_id.as_str()).collect()
    }

    /// What the chain stood on is handed on, also where its operations spell their row in two ways.
    #[test]
    fn a_later_change_stands_on_the_base_of_the_dropped_one() {
        let made = Target::MadeBy("c".into());
        let rows = Rows(BTreeMap::from([((TASK.name, made.clone()), Target::Server(7))]));
        let waiting = [
            update("1", made, STATUS, text("backlog"), text("todo")),
            update("2", Target::Server(7), STATUS, text("todo"), text("active")),
            update("3", Target::Server(7), STATUS, text("active"), text("done")),
        ];
        let plan = plan(&waiting, &["1", "2"], &rows);
        assert_eq!(ids(&plan.operations), ["1", "2"]);
        assert_eq!(plan.amended, [update("3", Target::Server(7), STATUS, text("backlog"), text("done"))]);
        assert!(plan.orphans.is_empty() && plan.emptied.is_empty());
    }

    #[test]
    fn everything_about_a_row_goes_with_its_create() {
        let (parent, other) = (Target::MadeBy("p".into()), Target::Server(9));
        let mut link = operation("l", &DEPENDENCY, Shape::Link, other.clone());
        link.other = Some(parent.clone());
        let waiting = [
            create("p", Patch::from([(TITLE, text("Parent"))])),
            update("u", parent.clone(), TITLE, text("Parent"), text("P")),
            link,
            update("elsewhere", other, TITLE, text("a"), text("b")),
        ];
        let plan = plan(&waiting, &["p"], &Rows::default());
        assert_eq!(ids(&plan.operations), ["p", "u", "l"]);
        assert!(plan.amended.is_empty() && plan.orphans.is_empty());
    }

    /// A child stays without its parent, and gets it back with it.
    #[test]
    fn children_lose_a_dropped_parent() {
        let parent = Target::MadeBy("p".into()).to_value();
        let waiting = [
            create("p", Patch::from([(TITLE, text("Parent"))])),
            create("child", Patch::from([(TITLE, text("Child")), (PARENT, parent.clone())])),
            update("adopt", Target::Server(4), PARENT, Value::Int(3), parent.clone()),
            update("left", Target::Server(5), PARENT, Value::Null, parent.clone()),
            update("again", Target::Server(5), PARENT, parent.clone(), Value::Int(8)),
        ];
        let plan = plan(&waiting, &["p"], &Rows::default());
        assert_eq!(ids(&plan.operations), ["p"]);
        assert_eq!(ids(&plan.emptied), ["adopt", "left"]);
        let amended: Vec<_> = plan.amended.iter().map(|one| (one.op_id.as_str(), one.set.get(PARENT))).collect();
        assert_eq!(amended, [("child", None), ("again", Some(&Value::Int(8)))]);
        assert_eq!(plan.amended[1].base.get(PARENT), Some(&Value::Null));
        let mut back: Vec<_> =
            plan.orphans.iter().map(|one| (one.target.to_text(), one.base[PARENT].clone())).collect();
        back.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(back, [("4".to_string(), Value::Int(3)), ("child".to_string(), Value::Null)]);
        assert!(plan.orphans.iter().all(|one| one.set[PARENT] == parent));
        assert_eq!(plan.kept("dropped").operations.len(), 3);
    }
}
