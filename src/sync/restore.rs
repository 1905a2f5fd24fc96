//! Queues again what a force sync, a resolution, a drop or an interrupted edit put into discarded.jsonl.

use super::relate::{Merged, merge};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::gather::Gather;
use crate::model::kind::{Place, Type};
use crate::model::{self, Operation, Send, SendReply, Shape, State, Target, Value, new_op_id};
use crate::origin::is_same_server;
use crate::store::{ACCOUNT, Change, Discarded, Queueing, SERVER, Store};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What came of it.
pub struct Restored {
    pub operations: Vec<Operation>,
    /// Operations of the entry that are queued, were sent, or say nothing new.
    pub known: usize,
    /// What comes back without something that it named and that is not here: "DEV-7 without its parent".
    pub without: Vec<String>,
}

/// Queues the operations of an entry. Those that are queued again or were sent already are passed over.
///
/// # Errors
/// They were made for another server or account, or name a row that is gone: nothing is restored.
pub fn restore(store: &mut Store, entry: &Discarded) -> Result<Restored> {
    refuse_strangers(store, entry)?;
    if entry.restored.is_some() {
        return Ok(Restored { operations: Vec::new(), known: entry.operations.len(), without: Vec::new() });
    }
    let mut fresh = Vec::new();
    let mut new_ids = BTreeMap::new();
    for kept in &entry.operations {
        if let Some(operation) = as_new(store, entry, kept)? {
            new_ids.insert(Target::MadeBy(kept.op_id.clone()), Target::MadeBy(operation.op_id.clone()));
            fresh.push(operation);
        }
    }
    for operation in &mut fresh {
        rename_targets(operation, &new_ids);
    }
    let elsewhere = dropped_creates(store, entry)?;
    let mut without = Vec::new();
    let change = store.change(|queue| {
        let mut put: Vec<Operation> = Vec::new();
        for mut operation in fresh {
            if !is_whole(entry) || operation.shape == Shape::Delete {
                refuse_over_newer(queue, &operation, Timestamp::parse(&entry.at))?;
            } else if !beside_waiting(queue, &mut operation, &put)? {
                continue;
            }
            without.extend(lose_parents(queue, &mut operation, &put, &elsewhere)?);
            match find_again(queue, &mut operation, &put)? {
                None => put.push(operation),
                // Only the parent comes back; nobody dropped the row that is gone with this entry.
                Some(_) if gives_back(&operation, &put) => {}
                Some(kind) => {
                    let gone = format!("a {kind} that these changes are about is no longer here; nothing was restored");
                    return Err(Error::failure(gone));
                }
            }
        }
        Ok(Change { put, ..Change::default() })
    })?;
    hit("restore.queued");
    let known = entry.operations.len() - change.put.len();
    Ok(Restored { operations: change.put, known, without })
}

/// A change that was queued after something was given up is newer, and would be undone by it.
fn refuse_over_newer(queue: &Queueing, operation: &Operation, given_up: Option<Timestamp>) -> Result<()> {
    let is_delete = operation.shape == Shape::Delete;
    if !is_delete && operation.shape != Shape::Update {
        return Ok(());
    }
    let mut waiting = queue.waiting_of(operation.kind, &operation.target)?;
    waiting.retain(|other| Timestamp::parse(&other.created_at) > given_up && other.op_id != operation.op_id);
    let shared = operation.set.keys().copied().find(|field| waiting.iter().any(|newer| newer.set.contains_key(*field)));
    match shared {
        Some(field) => Err(a_newer(&operation.name, field.word)),
        None if is_delete && !waiting.is_empty() => Err(a_newer(&operation.name, "change")),
        None => Ok(()),
    }
}

fn a_newer(name: &str, what: &str) -> Error {
    Error::failure(format!("{name} has a newer {what} that waits; nothing was restored"))
        .hint("send it first: anyt sync; then this again")
}

/// What waits for the same fields is not undone by what comes back: a text takes both in, of other values the one that
/// waits stands and is named. False: everything of it is there already.
fn beside_waiting(queue: &Queueing, operation: &mut Operation, before: &[Operation]) -> Result<bool> {
    if operation.shape != Shape::Update {
        return Ok(true);
    }
    let mut waiting = queue.waiting_of(operation.kind, &operation.target)?;
    waiting.retain(|other| other.op_id != operation.op_id);
    let Some(shown) = queue.row_of(operation.kind, &operation.target)? else { return Ok(true) };
    for (field, set) in operation.set.clone() {
        if !waiting.iter().any(|other| other.set.contains_key(field)) {
            continue;
        }
        let base = operation.base.get(field).cloned().unwrap_or(Value::Null);
        // What comes back before it is not shown yet.
        let earlier = before.iter().rev().filter(|earlier| earlier.target == operation.target);
        let earlier = earlier.filter_map(|earlier| earlier.set.get(field)).next();
        let now = earlier.unwrap_or_else(|| shown.get(field)).clone();
        match merge(field, &base, &set, &now) {
            Merged::Ours => {}
            Merged::Theirs => {
                operation.set.remove(field);
                operation.base.remove(field);
            }
            Merged::Both(both) => {
                operation.set.insert(field, both);
                operation.base.insert(field, now);
            }
            Merged::Conflict => return Err(a_newer(&operation.name, field.word)),
        }
    }
    Ok(!operation.set.is_empty())
}

/// What was made for one server or account says nothing that another one should be told.
fn refuse_strangers(store: &Store, entry: &Discarded) -> Result<()> {
    let same_account = |then: &str, now: &str| then == now;
    for (then, now, same) in [
        (&entry.server, store.metadata(SERVER)?, &is_same_server as &dyn Fn(&str, &str) -> bool),
        (&entry.account, store.metadata(ACCOUNT)?, &same_account),
    ] {
        if let (Some(then), Some(now)) = (then, now)
            && !same(then, &now)
        {
            return Err(Error::failure(format!(
                "these changes were made for {then}, and this environment is {now} now; nothing was restored"
            )));
        }
    }
    Ok(())
}

/// The entry keeps operations that were dropped as they were.
pub fn is_whole(entry: &Discarded) -> bool {
    ["dropped", "force", "refused"].contains(&entry.reason.as_str())
}

/// The operation as it is queued again; `None`: it is already. What was dropped keeps its id, which is the key of a create
/// that may have arrived; what stays known for something else is repeated under a new one.
fn as_new(store: &Store, entry: &Discarded, kept: &Operation) -> Result<Option<Operation>> {
    let known = store.operation(&kept.op_id)?;
    // The entry does not say what was sent; the cache still knows it.
    let sends = known.as_ref().map_or(&[][..], |operation| &operation.sends);
    let is_open = |send: &Send| !matches!(send.reply, Some(SendReply::NotDone | SendReply::Refused(_)));
    let may_have_arrived =
        kept.shape == Shape::Create && (kept.state == State::Sent || sends.iter().chain(&kept.sends).any(is_open));
    let op_id = match known.as_ref().map(|operation| &operation.state) {
        _ if kept.op_id.is_empty() => new_op_id()?,
        None | Some(State::Dropped(_)) => kept.op_id.clone(),
        Some(_) if is_whole(entry) => return Ok(None),
        Some(_) => new_op_id()?,
    };
    let state = if may_have_arrived { State::Sent } else { State::Queued };
    let created_at = Timestamp::now().rfc3339();
    Ok(Some(Operation { op_id, seq: 0, state, created_at, condition: None, ..kept.clone() }))
}

fn rename_targets(operation: &mut Operation, new_ids: &BTreeMap<Target, Target>) {
    let renamed = |target: &Target| new_ids.get(target).cloned();
    if let Some(target) = renamed(&operation.target) {
        operation.target = target;
    }
    if let Some(other) = operation.other.as_ref().and_then(renamed) {
        operation.other = Some(other);
    }
    for (field, value) in operation.set.iter_mut().chain(&mut operation.base) {
        if matches!(field.ty, Type::Reference(_))
            && let Some(target) = Target::of_value(value).as_ref().and_then(renamed)
        {
            *value = target.to_value();
        }
    }
}

/// Gives the operation the names that its rows have now. Each of them is here or is made by one of `before`; else the kind
/// of the first that is gone.
fn find_again(queue: &Queueing, operation: &mut Operation, before: &[Operation]) -> Result<Option<&'static str>> {
    for (name, target) in operation.needs() {
        let (Some(kind), false) = (model::kind(name), is_made_by(before, &target)) else { continue };
        match queue.row_of(kind, &target)? {
            Some(row) if !row.is_live() => return Ok(Some(name)),
            // A cache that was made anew does not know them until the next sync; the server does.
            None if matches!((kind.place, &target), (Place::Named(_), Target::Server(_))) => {}
            None => return Ok(Some(name)),
            Some(row) if operation.other.as_ref() == Some(&target) => operation.other_name = Some(row.name),
            Some(row) if operation.target == target => operation.name = row.name,
            Some(_) => {}
        }
    }
    Ok(None)
}

/// The creates that other entries would bring back.
fn dropped_creates(store: &Store, entry: &Discarded) -> Result<BTreeSet<Target>> {
    let others = store.discarded()?.into_iter().filter(|other| other.number != entry.number);
    let creates = others.flat_map(|other| other.operations).filter(|one| one.shape == Shape::Create);
    Ok(creates.map(|create| create.target).gather())
}

/// A row that is made again comes back also where the row above it is gone, or was made under a name that a lost cache
/// knew. One that another entry would bring back is to come first.
fn lose_parents(
    queue: &Queueing,
    create: &mut Operation,
    before: &[Operation],
    elsewhere: &BTreeSet<Target>,
) -> Result<Vec<String>> {
    let mut lost = Vec::new();
    if create.shape != Shape::Create {
        return Ok(lost);
    }
    for (field, value) in create.set.clone() {
        let (Type::Reference(name), Some(target)) = (field.ty, Target::of_value(&value)) else { continue };
        if name != create.kind.name || is_made_by(before, &target) || elsewhere.contains(&target) {
            continue;
        }
        if !queue.row_of(create.kind, &target)?.is_some_and(|row| row.is_live()) {
            create.set.remove(field);
            lost.push(format!("{} without its {}", create.name, field.word));
        }
    }
    Ok(lost)
}

fn is_made_by(creates: &[Operation], target: &Target) -> bool {
    creates.iter().any(|one| one.shape == Shape::Create && one.target == *target)
}

/// It does nothing but refer to what comes back with it.
fn gives_back(operation: &Operation, restored: &[Operation]) -> bool {
    let is_restored = |value: &Value| {
        Target::of_value(value).is_some_and(|target| restored.iter().any(|create| create.target == target))
    };
    operation.shape == Shape::Update && !operation.set.is_empty() && operation.set.values().all(is_restored)
}
