//! The inverse of an operation that this machine made. What waits is given up; what was sent becomes a new operation on what
//! we wrote: it restores the values where nobody changed them since, and asks as every change does where somebody did.

use super::drop_plan::{DropPlan, Rows, drop_planned};
use super::edits::{self, Queued, aimed_at, blank};
use crate::error::{Error, Result};
use crate::gather::Gather;
use crate::model::dependency::DEPENDENCY;
use crate::model::kind::{Change as Changing, Identity, Type};
use crate::model::{Kind, Operation, Patch, Row, Shape, State, Target, Value};
use crate::store::{Change, Resolved, Store};
use std::collections::BTreeSet;

/// `sync_metadata`: the operations that were undone and those that undid them, newest last.
const UNDONE: &str = "undone";
const UNDONE_KEPT: usize = 500;

/// What undoes an operation.
#[derive(Debug)]
pub enum Inverse {
    /// It was not sent: it and what cannot be sent without it are given up.
    Cancel(DropPlan),
    /// The values before, on those that we wrote.
    Update {
        row: Row,
        set: Patch,
        base: Patch,
    },
    /// The row that it made, and what we wrote into it.
    Delete {
        row: Row,
        base: Patch,
    },
    /// A create of the row that it deleted, and its links to those other rows that are still here.
    Again(Box<Operation>, [Vec<Row>; 2]),
    Link {
        row: Row,
        other: Row,
        add: bool,
    },
}

/// The operations that were undone, or undid one.
pub fn undone(store: &Store) -> Result<BTreeSet<String>> {
    Ok(store.metadata(UNDONE)?.unwrap_or_default().split_whitespace().map(str::to_string).gather())
}

/// Remembers that an operation was undone, and by which.
pub fn mark(store: &Store, op_ids: &[String]) -> Result<()> {
    let known = store.metadata(UNDONE)?.unwrap_or_default();
    let mut all: Vec<&str> = known.split_whitespace().collect();
    all.extend(op_ids.iter().map(String::as_str));
    let surplus = all.len().saturating_sub(UNDONE_KEPT);
    store.set_metadata(UNDONE, &all[surplus..].join(" "))
}

/// The undo came to nothing.
pub fn unmark(store: &Store, op_ids: &[String]) -> Result<()> {
    let known = store.metadata(UNDONE)?.unwrap_or_default();
    let left: Vec<&str> = known.split_whitespace().filter(|known| !op_ids.iter().any(|id| id == known)).collect();
    store.set_metadata(UNDONE, &left.join(" "))
}

/// How an operation can be undone now.
///
/// # Errors
/// It cannot: why, for people.
pub fn inverse(store: &Store, op: &Operation, undone: &BTreeSet<String>) -> Result<Inverse> {
    match &op.state {
        State::Queued | State::Rejected(_) => {
            let chosen = BTreeSet::from([op.op_id.clone()]);
            Ok(Inverse::Cancel(DropPlan::of(&store.waiting()?, &chosen, &Rows::of(store)?)?))
        }
        State::Sent | State::Answered(_) => {
            Err(Error::failure("its answer is not known yet").hint("find out first: anyt sync"))
        }
        State::Dropped(_) => Err(Error::failure("it was dropped").hint("see: anyt sync restore --list")),
        State::Done => done(store, op, undone),
    }
}

fn done(store: &Store, op: &Operation, undone: &BTreeSet<String>) -> Result<Inverse> {
    if let (Identity::Pair, Some(other)) = (op.kind.identity, &op.other) {
        let ends = crate::model::kind(op.kind.ends).unwrap_or(op.kind);
        let (row, other) = (live(store, ends, &op.target, op)?, live(store, ends, other, op)?);
        return Ok(Inverse::Link { row, other, add: op.shape == Shape::Unlink });
    }
    if op.set.is_empty() && op.base.is_empty() {
        return Err(Error::failure("what it changed is no longer kept"));
    }
    match op.shape {
        Shape::Create => created(store, op),
        Shape::Delete => deleted(store, op),
        _ => updated(store, op, undone),
    }
}

fn live(store: &Store, kind: &'static Kind, target: &Target, op: &Operation) -> Result<Row> {
    let row = store.row_of(kind, target)?.filter(Row::is_live);
    row.ok_or_else(|| Error::failure(format!("{} is no longer here", op.name)))
}

fn updated(store: &Store, op: &Operation, undone: &BTreeSet<String>) -> Result<Inverse> {
    let row = live(store, op.kind, &op.target, op)?;
    let later = store.made_later(op)?;
    if let Some((newer, field)) = later
        .iter()
        .filter(|newer| newer.shape == Shape::Update && !undone.contains(&newer.op_id))
        .find_map(|newer| Some((newer, op.set.keys().find(|field| newer.set.contains_key(*field))?)))
    {
        return Err(Error::failure(format!("operation {} changed the {} after it", newer.seq, field.word))
            .hint(format!("undo that first: anyt undo {}", newer.seq)));
    }
    let mut set = Patch::new();
    for field in op.set.keys() {
        let before = op.base.get(field).cloned().unwrap_or(Value::Null);
        let before = match (before, field.change, field.ty) {
            (Value::Null, Changing::Free, Type::Words) => Value::Set(Vec::new()),
            (Value::Null, Changing::Free, _) => Value::Text(String::new()),
            (Value::Null, ..) => {
                return Err(Error::failure(format!("the API has no way to clear the {}", field.word)));
            }
            (value, ..) => value,
        };
        if !row.get(field).same(&before) {
            set.insert(*field, before);
        }
    }
    if set.is_empty() {
        return Err(Error::failure(format!("{} has the values from before it", row.name)));
    }
    let base = op.set.iter().filter(|(field, _)| set.contains_key(*field)).map(|(f, v)| (*f, v.clone())).gather();
    Ok(Inverse::Update { row, set, base })
}

fn created(store: &Store, op: &Operation) -> Result<Inverse> {
    if !op.kind.shapes.contains(&Shape::Delete) {
        return Err(Error::failure(format!("the API has no way to delete an {}", op.kind.name)));
    }
    let row = live(store, op.kind, &op.target, op)?;
    // As we wrote it: a field that somebody else has filled since is asked about.
    let mut wrote = Row::new(op.kind);
    wrote.apply(&op.set);
    (op.kind.defaults)(&mut wrote);
    for later in store.made_later(op)? {
        wrote.apply(&later.set);
    }
    Ok(Inverse::Delete { row, base: wrote.changeable() })
}

fn deleted(store: &Store, op: &Operation) -> Result<Inverse> {
    let Target::Server(id) = op.target else {
        return Err(Error::failure(format!("{} was never on the server", op.name)));
    };
    let is_again = matches!(store.resolve(op.kind.name, &op.target)?, Resolved::Server { id: now, .. } if now != id)
        || matches!(store.resolve(op.kind.name, &op.target)?, Resolved::Pending { .. });
    if is_again || store.row(op.kind, id)?.is_some_and(|row| row.is_live()) {
        return Err(Error::failure(format!("{} is here again", op.name)));
    }
    let mut create = blank(store, op.kind, Shape::Create)?;
    create.target = Target::MadeBy(create.op_id.clone());
    (create.workspace_id, create.replaces) = (op.workspace_id, Some(id));
    create.set = op.base.clone();
    create.set.retain(|field, value| field.change != Changing::UpdateOnly && *value != Value::Null);
    let mut links = <[Vec<Row>; 2]>::default();
    for (rows, targets) in links.iter_mut().zip(&op.links) {
        for target in targets {
            rows.extend(store.row_of(op.kind, target)?.filter(Row::is_live));
        }
    }
    Ok(Inverse::Again(Box::new(create), links))
}

/// Queues the inverse. Gives what is queued; nothing where operations that waited were given up, which are in
/// discarded.jsonl then.
pub fn carry_out(store: &mut Store, inverse: Inverse) -> Result<Queued> {
    let operation = match inverse {
        Inverse::Cancel(plan) => {
            drop_planned(store, &plan)?;
            return Ok(Queued::default());
        }
        Inverse::Link { row, other, add } => return edits::link(store, &row, &other, add),
        Inverse::Again(create, links) => return again(store, *create, links),
        Inverse::Update { row, set, base } => {
            Operation { set, base, ..aimed(blank(store, row.kind, Shape::Update)?, &row) }
        }
        Inverse::Delete { row, base } => Operation { base, ..aimed(blank(store, row.kind, Shape::Delete)?, &row) },
    };
    let change = store.change(|queue| {
        let mut operation = operation;
        if let Target::Server(id) = operation.target {
            let row = queue.row(operation.kind, id)?.filter(Row::is_live);
            let row = row.ok_or_else(|| Error::failure(format!("{} was deleted meanwhile", operation.name)))?;
            operation.target = queue.target(&row)?;
        }
        Ok(Change { put: vec![operation], ..Change::default() })
    })?;
    Ok(Queued { operations: change.put, amended: false })
}

/// Queues the create, and behind it the links of what it makes.
fn again(store: &mut Store, create: Operation, [needs, blocks]: [Vec<Row>; 2]) -> Result<Queued> {
    let mut links = Vec::new();
    for (other, is_needed) in needs.iter().map(|row| (row, true)).chain(blocks.iter().map(|row| (row, false))) {
        links.push((blank(store, &DEPENDENCY, Shape::Link)?, other, is_needed));
    }
    let made = create.target.clone();
    let change = store.change(|queue| {
        let mut put = vec![create];
        for (link, other, is_needed) in links {
            let theirs = queue.target(other)?;
            let (target, end) = if is_needed { (made.clone(), theirs) } else { (theirs, made.clone()) };
            let (workspace_id, name) = (other.workspace_id, other.name.clone());
            // The end that is made gets its name where it is queued.
            put.push(Operation {
                workspace_id,
                target,
                other: Some(end),
                other_name: Some(name.clone()),
                name,
                ..link
            });
        }
        Ok(Change { put, ..Change::default() })
    })?;
    Ok(Queued { operations: change.put, amended: false })
}

/// The version is not the one that the values are of.
fn aimed(operation: Operation, row: &Row) -> Operation {
    Operation { seen_version: 0, ..aimed_at(operation, row, Target::Server(row.id)) }
}
