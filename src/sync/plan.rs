//! The waiting operations as one run holds them: read once, each with its state, and what was seen of the rows they are
//! about. The store is the truth; every transition is committed there and then told to the plan.

use super::relate;
use crate::error::Result;
use crate::gather::Gather;
use crate::model::kind::Identity;
use crate::model::{Field, Kind, Operation, Row, Shape, State, Target};
use crate::store::{Conflict, Resolved, Store};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

/// A row that operations are about, whatever it is called by now.
pub(super) type Entity = (&'static str, Target);

/// What is known of a row in this run: read by it, or cached.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// `None`: it is gone.
    pub row: Option<Row>,
    /// When it was asked for by its name; `None`: it came with a pull, or in an answer, or is the cached row.
    pub fetched: Option<Instant>,
    /// The row's whole chain was related to it (or to the row before our own answer) and nothing is in dispute.
    pub undisputed: bool,
}

#[derive(Default)]
pub(super) struct Plan {
    pub ops: Vec<Operation>,
    by_id: HashMap<String, usize>,
    /// Per operation: the row it is about.
    entities: Vec<Entity>,
    /// Per entity the indices of its creates, updates and deletes, oldest first.
    chains: HashMap<Entity, Vec<usize>>,
    /// The deletes among them.
    deletes: HashMap<Entity, Vec<usize>>,
    /// What a MadeBy target, or a row made again, has come to: server id and name.
    made: HashMap<String, Made>,
    /// The server ids in `made`.
    made_ids: HashSet<(&'static str, i64)>,
    /// Per kind and workspace the highest number that a create of this run was given.
    highest_made: HashMap<(&'static str, i64), i64>,
    /// Server ids that a waiting create makes again.
    replaced: BTreeMap<(&'static str, i64), String>,
    /// The ops to be sent in this run; `None`: all.
    scope: Option<BTreeSet<usize>>,
    pub looks: HashMap<(&'static str, i64), Look>,
    /// Entities nothing more is sent for in this run.
    held: BTreeSet<Entity>,
    undecided: BTreeSet<Entity>,
    /// Rows that are to be read before anything is said of them.
    unknown: BTreeSet<(&'static str, i64)>,
    /// Of a dry run: operations taken as done.
    assumed: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Made {
    pub id: i64,
    pub name: String,
}

/// What a target of an operation means at this moment.
#[derive(Debug, Clone)]
pub(super) enum Meant {
    Server { id: i64, name: String },
    Pending(String),
    Gone(String),
}

impl Plan {
    pub fn new(store: &Store, ops: Vec<Operation>) -> Result<Plan> {
        let replaced = ops.iter().filter_map(|op| Some(((op.kind.name, op.replaces?), op.op_id.clone()))).gather();
        let mut plan = Plan { replaced, ..Plan::default() };
        for op in ops {
            plan.add(store, op)?;
        }
        Ok(plan)
    }

    /// An operation that is queued behind the others.
    pub fn add(&mut self, store: &Store, op: Operation) -> Result<()> {
        if let Some(id) = op.replaces {
            self.replaced.insert((op.kind.name, id), op.op_id.clone());
        }
        let index = self.ops.len();
        self.by_id.insert(op.op_id.clone(), index);
        let entity = self.entity(store, op.kind, &op.target)?;
        if op.kind.identity == Identity::Id {
            self.chains.entry(entity.clone()).or_default().push(index);
            if op.shape == Shape::Delete {
                self.deletes.entry(entity.clone()).or_default().push(index);
            }
        }
        self.entities.push(entity);
        if let Some(scope) = &mut self.scope {
            scope.insert(index);
        }
        self.ops.push(op);
        Ok(())
    }

    /// Sends only these operations and what they need: earlier ones on the same row, the creates of rows they name.
    pub fn restrict(&mut self, only: &BTreeSet<String>) {
        let mut todo: Vec<usize> = only.iter().filter_map(|op_id| self.by_id.get(op_id).copied()).collect();
        let mut scope = BTreeSet::new();
        while let Some(index) = todo.pop() {
            if !scope.insert(index) {
                continue;
            }
            let op = &self.ops[index];
            for (_, target) in op.needs() {
                if let Target::MadeBy(op_id) = &target
                    && let Some(create) = self.by_id.get(op_id)
                {
                    todo.push(*create);
                }
            }
            if op.kind.identity == Identity::Id {
                let before = self.chains.get(&self.entities[index]).map_or(&[][..], |chain| &chain[..]);
                todo.extend(before.iter().filter(|earlier| **earlier < index && !self.stands_apart(**earlier, index)));
            }
        }
        self.scope = Some(scope);
    }

    /// What was rejected of other fields of the row does not concern a later update.
    fn stands_apart(&self, earlier: usize, later: usize) -> bool {
        let (earlier, later) = (&self.ops[earlier], &self.ops[later]);
        matches!(earlier.state, State::Rejected(_))
            && earlier.shape == Shape::Update
            && later.shape == Shape::Update
            && !shares_a_field(earlier, later)
    }

    pub fn is_in_scope(&self, index: usize) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.contains(&index))
    }

    /// One name for a row through the whole run: the create that makes it, if that waits, else the server's id.
    fn entity(&self, store: &Store, kind: &'static Kind, target: &Target) -> Result<Entity> {
        let target = match target {
            Target::Server(id) => match self.replaced.get(&(kind.ends, *id)) {
                Some(op_id) => Target::MadeBy(op_id.clone()),
                None => target.clone(),
            },
            Target::MadeBy(op_id) if self.by_id.contains_key(op_id) => target.clone(),
            Target::MadeBy(_) => match store.resolve(kind.ends, target)? {
                Resolved::Server { id, .. } => Target::Server(id),
                _ => target.clone(),
            },
        };
        Ok((kind.name, target))
    }

    pub fn entity_of(&self, index: usize) -> &Entity {
        &self.entities[index]
    }

    /// The updates and deletes of an operation's row that still wait, from `index` on, without those that were rejected.
    pub fn chain_from(&self, index: usize) -> Vec<usize> {
        self.from(index).collect()
    }

    fn from(&self, index: usize) -> impl Iterator<Item = usize> {
        let chain = self.chains.get(&self.entities[index]).map_or(&[][..], |chain| chain);
        let from = chain.partition_point(|at| *at < index);
        chain[from..].iter().copied().filter(|at| self.is_to_be_sent(*at))
    }

    /// A delete of its row waits behind an operation.
    pub fn delete_follows(&self, index: usize) -> bool {
        let deletes = self.deletes.get(&self.entities[index]).map_or(&[][..], |deletes| deletes);
        deletes.iter().any(|at| *at >= index && self.is_to_be_sent(*at))
    }

    /// The waiting updates and deletes of a row, oldest first, without those that were rejected.
    pub fn chain(&self, entity: &Entity) -> Vec<usize> {
        let chain = self.chains.get(entity).map_or(&[][..], |chain| chain);
        chain.iter().copied().filter(|at| self.is_to_be_sent(*at)).collect()
    }

    fn is_to_be_sent(&self, at: usize) -> bool {
        let op = &self.ops[at];
        matches!(op.shape, Shape::Update | Shape::Delete) && matches!(op.state, State::Queued | State::Sent)
    }

    /// Every waiting operation of a row, rejected ones and the create included.
    pub fn all_of(&self, entity: &Entity) -> Vec<usize> {
        let waits = |at: &usize| self.ops[*at].state.waits();
        self.chains.get(entity).map_or_else(Vec::new, |chain| chain.iter().copied().filter(waits).collect())
    }

    pub fn operations(&self, indices: &[usize]) -> Vec<Operation> {
        indices.iter().map(|at| self.ops[*at].clone()).collect()
    }

    /// Rows with waiting updates or deletes, in the order of the queue.
    pub fn entities_with_changes(&self) -> Vec<Entity> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (at, op) in self.ops.iter().enumerate() {
            if matches!(op.shape, Shape::Update | Shape::Delete) && op.state.waits() {
                let entity = &self.entities[at];
                if seen.insert(entity) {
                    found.push(entity.clone());
                }
            }
        }
        found
    }

    /// Updates of the server's row wait.
    pub fn is_changed(&self, kind: &'static str, id: i64) -> bool {
        let chain = self.chains.get(&(kind, Target::Server(id))).map_or(&[][..], |chain| chain);
        chain.iter().any(|at| self.ops[*at].shape == Shape::Update && self.ops[*at].state.waits())
    }

    /// Links that name a row, and are to go when it is cancelled.
    pub fn links_to(&self, op_id: &str) -> Vec<usize> {
        let target = Target::MadeBy(op_id.to_string());
        let names = |op: &Operation| op.target == target || op.other.as_ref() == Some(&target);
        let link = |op: &Operation| matches!(op.shape, Shape::Link | Shape::Unlink) && op.state.waits();
        (0..self.ops.len()).filter(|at| link(&self.ops[*at]) && names(&self.ops[*at])).collect()
    }

    pub fn hold(&mut self, entity: Entity) {
        self.held.insert(entity);
    }

    /// A question about the row waits for a person.
    pub fn leave_undecided(&mut self, entity: Entity) {
        self.undecided.insert(entity.clone());
        self.hold(entity);
    }

    pub fn is_undecided(&self, index: usize) -> bool {
        self.undecided.contains(&self.entities[index])
    }

    /// What was known of the row no longer counts: a request said so.
    pub fn forget(&mut self, kind: &'static Kind, id: i64) {
        self.looks.remove(&(kind.name, id));
        self.unknown.insert((kind.name, id));
    }

    pub fn is_unknown(&self, kind: &'static Kind, id: i64) -> bool {
        self.unknown.contains(&(kind.name, id))
    }

    /// An operation as a decision has changed it.
    pub fn amend(&mut self, op: Operation) {
        if let Some(at) = self.by_id.get(&op.op_id) {
            self.ops[*at] = op;
        }
    }

    pub fn is_sent(&self, op_id: &str) -> bool {
        self.by_id.get(op_id).is_some_and(|at| self.ops[*at].state == State::Sent)
    }

    pub fn set_state(&mut self, op_id: &str, state: State) {
        if let Some(at) = self.by_id.get(op_id) {
            self.ops[*at].state = state;
        }
    }

    /// Time has passed since the rows were read: they are read again before they are changed.
    pub fn age(&mut self) {
        self.looks.values_mut().for_each(|look| look.fetched = None);
    }

    /// The server's row of a stored conflict, as it was when the conflict was found.
    pub fn saw_stored(&mut self, conflict: &Conflict) {
        let look = Look { row: conflict.remote.clone(), fetched: None, undisputed: false };
        self.saw(conflict.kind, conflict.id, look);
    }

    pub fn saw(&mut self, kind: &'static Kind, id: i64, look: Look) {
        self.unknown.remove(&(kind.name, id));
        self.looks.insert((kind.name, id), look);
    }

    pub fn is_held(&self, entity: &Entity) -> bool {
        self.held.contains(entity)
    }

    /// An earlier operation of the row was rejected and concerns this one.
    pub fn waits_behind_rejected(&self, entity: &Entity, index: usize) -> bool {
        let op = &self.ops[index];
        self.chains.get(entity).is_some_and(|chain| {
            chain.iter().take_while(|at| **at < index).any(|at| {
                let earlier = &self.ops[*at];
                matches!(earlier.state, State::Rejected(_))
                    && (earlier.shape != Shape::Update || op.shape != Shape::Update || shares_a_field(earlier, op))
            })
        })
    }

    /// A row was made by a create of ours.
    pub fn made(&mut self, op_id: &str, row: &Row) {
        self.made_ids.insert((row.kind.name, row.id));
        let highest = self.highest_made.entry((row.kind.name, row.workspace_id)).or_default();
        *highest = (*highest).max(row.number());
        let made = Made { id: row.id, name: row.name.clone() };
        self.made.insert(op_id.to_string(), made);
    }

    pub fn has_made(&self, row: &Row) -> bool {
        self.made_ids.contains(&(row.kind.name, row.id))
    }

    /// The ids of a kind's rows that creates of this run were given.
    pub fn made_ids(&self, kind: &'static Kind) -> impl Iterator<Item = i64> {
        self.made_ids.iter().filter(|(name, _)| *name == kind.name).map(|(_, id)| *id)
    }

    /// The highest number that a create of this run was given in the workspace.
    pub fn highest_made(&self, kind: &'static Kind, workspace_id: i64) -> i64 {
        self.highest_made.get(&(kind.name, workspace_id)).copied().unwrap_or(0)
    }

    /// Of a dry run: takes it that the server would have said yes.
    pub fn assume(&mut self, index: usize) {
        self.assumed.insert(index);
    }

    /// Of a dry run: changes a row that it would have made. There is nothing yet that it could be compared with.
    pub fn is_of_assumed(&self, index: usize) -> bool {
        let op = &self.ops[index];
        let create = match &op.target {
            Target::MadeBy(op_id) => Some(op_id),
            Target::Server(id) => self.replaced.get(&(op.kind.name, *id)),
        };
        let create = create.and_then(|op_id| self.by_id.get(op_id));
        op.kind.identity == Identity::Id && create.is_some_and(|at| *at != index && self.assumed.contains(at))
    }

    /// `kind`: the name of the kind of row that is meant. `name`: what it was called when the operation was queued.
    pub fn meant(&self, store: &Store, kind: &'static str, target: &Target, name: &str) -> Result<Meant> {
        if let Target::Server(id) = target
            && let Some(op_id) = self.replaced.get(&(kind, *id))
        {
            return self.meant(store, kind, &Target::MadeBy(op_id.clone()), name);
        }
        let op_id = match target {
            Target::Server(id) => {
                let look = self.looks.get(&(kind, *id)).and_then(|look| look.row.as_ref());
                let known = match (look, crate::model::kind(kind)) {
                    (Some(row), _) => Some(row.name.clone()),
                    (None, Some(kind)) => store.name_of(kind, *id)?,
                    (None, None) => None,
                };
                return Ok(Meant::Server { id: *id, name: known.unwrap_or_else(|| name.to_string()) });
            }
            Target::MadeBy(op_id) => op_id,
        };
        if let Some(made) = self.made.get(op_id) {
            return Ok(Meant::Server { id: made.id, name: made.name.clone() });
        }
        if let Some(at) = self.by_id.get(op_id).filter(|at| self.assumed.contains(at)) {
            return Ok(Meant::Server { id: 0, name: self.ops[*at].name.clone() });
        }
        Ok(match store.resolve(kind, target)? {
            // What the create was called is no name of the row: the server may have given it another one.
            Resolved::Server { id, name } => return self.meant(store, kind, &Target::Server(id), &name),
            Resolved::Pending { name, .. } => Meant::Pending(name),
            Resolved::Gone { name } => Meant::Gone(name),
        })
    }

    /// An operation with those behind it that go as one request with it.
    pub fn group_from(&self, index: usize) -> Vec<usize> {
        let size = relate::group(self.from(index).map(|at| &self.ops[at]));
        self.from(index).take(size).collect()
    }
}

fn shares_a_field(one: &Operation, other: &Operation) -> bool {
    let names = |field: &Field| other.set.contains_key(field);
    one.set.keys().any(names)
}
