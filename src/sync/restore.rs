//! Queues again what a force sync, a resolution, a drop or an interrupted edit put into discarded.jsonl.

use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::kind::{Place, Type};
use crate::model::{self, Operation, Send, SendReply, Shape, State, Target, Value, new_op_id};
use crate::origin::is_same_server;
use crate::store::{ACCOUNT, Change, Discarded, Queueing, SERVER, Store};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What came of it.
pub struct Restored {
    pub operations: Vec<Operation>,
    /// Operations of the entry that are queued or were sent already.
    pub known: usize,
}

/// Queues the operations of an entry. Those that are queued again or were sent already are passed over.
///
/// # Errors
/// They were made for another server or account, or name a row that is gone: nothing is restored.
pub fn restore(store: &mut Store, entry: &Discarded) -> Result<Restored> {
    refuse_strangers(store, entry)?;
    if entry.restored.is_some() {
        return Ok(Restored { operations: Vec::new(), known: entry.operations.len() });
    }
    let mut fresh = Vec::new();
    let mut new_ids = BTreeMap::new();
    for kept in &entry.operations {
        if let Some(operation) = as_new(store, entry, kept)? {
            new_ids.insert(Target::MadeBy(kept.op_id.clone()), Target::MadeBy(operation.op_id.clone()));
            fresh.push(operation);
        }
    }
    let known = entry.operations.len() - fresh.len();
    for operation in &mut fresh {
        rename_targets(operation, &new_ids);
    }
    let change = store.change(|queue| {
        let mut put: Vec<Operation> = Vec::new();
        for mut operation in fresh {
            refuse_over_newer(queue, &operation, Timestamp::parse(&entry.at))?;
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
    Ok(Restored { operations: change.put, known })
}

/// A change that was queued after something was given up is newer, and would be undone by it.
fn refuse_over_newer(queue: &Queueing, operation: &Operation, given_up: Option<Timestamp>) -> Result<()> {
    if operation.shape != Shape::Update {
        return Ok(());
    }
    let mut waiting = queue.waiting_of(operation.kind, &operation.target)?;
    waiting.retain(|other| Timestamp::parse(&other.created_at) > given_up && other.op_id != operation.op_id);
    let shared = operation.set.keys().copied().find(|field| waiting.iter().any(|newer| newer.set.contains_key(*field)));
    let Some(field) = shared else { return Ok(()) };
    let words = format!("{} has a newer {} that waits; nothing was restored", operation.name, field.word);
    Err(Error::failure(words).hint("send it first: anyt sync; then this again"))
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
    ["dropped", "force"].contains(&entry.reason.as_str())
}

/// The operation as it is queued again; `None`: it is already. What was dropped keeps its id, which is the key of a create
/// that may have arrived; what stays known for something else is repeated under a new one.
fn as_new(store: &Store, entry: &Discarded, kept: &Operation) -> Result<Option<Operation>> {
    let known = store.operation(&kept.op_id)?;
    // The entry does not say what was sent; the cache still knows it.
    let sends = known.as_ref().map_or(&[][..], |operation| &operation.sends);
    let is_open = |send: &Send| !matches!(send.reply, Some(SendReply::NotDone | SendReply::Refused(_)));
    let may_have_arrived = kept.shape == Shape::Create && sends.iter().chain(&kept.sends).any(is_open);
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
    let made = |target: &Target| before.iter().any(|one| one.shape == Shape::Create && one.target == *target);
    for (name, target) in operation.needs() {
        let (Some(kind), false) = (model::kind(name), made(&target)) else { continue };
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

/// It does nothing but refer to what comes back with it.
fn gives_back(operation: &Operation, restored: &[Operation]) -> bool {
    let is_restored = |value: &Value| {
        Target::of_value(value).is_some_and(|target| restored.iter().any(|create| create.target == target))
    };
    operation.shape == Shape::Update && !operation.set.is_empty() && operation.set.values().all(is_restored)
}
