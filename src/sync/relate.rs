//! The three-way merge: what the waiting changes of one row and the server's row of it come to (docs/sync.md "Types"). Pure.
//!
//! The waiting updates of a row form a chain: the first one that sets a field holds the field's base, the last one its local
//! value. A merge is computed anew from these original bases and the newest row whenever it is asked for; nothing is
//! rewritten between. References of the chain are resolved to the server's ids by the caller.

mod field;
#[cfg(test)]
mod tests;

use crate::gather::Gather;
use crate::model::kind::Change;
use crate::model::{Field, Operation, Patch, Row, Shape, State, Value};
pub(super) use field::{Merged, merge};
use std::collections::BTreeMap;

/// A field that both sides changed, differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub field: Field,
    pub base: Value,
    pub local: Value,
    pub remote: Value,
}

/// Where the value of a merged field came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Yours,
    Theirs,
    /// Both changed it and both changes are in it.
    Both,
}

/// What a chain and a row come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Related {
    /// No field is in dispute, also after a merge. `set`: the values to send for the group (merged; what the row has
    /// already is left out). `merged`: whose value each field has that either side changed.
    Ready { set: Patch, merged: Vec<(Field, Side)> },
    /// The row has every value of the group's last request, or of the group.
    Holds,
    /// For a person or a policy to decide. With a delete in the chain: what changed since the delete's base.
    Clashes(Vec<Difference>),
}

/// `chain`: the waiting updates and deletes of one row, oldest first; its first `group` ones would go as one request.
/// `merge` false (`--no-merge`): every version difference is a difference.
pub fn relate(chain: &[Operation], group: usize, row: &Row, merge: bool) -> Related {
    let group = group.min(chain.len());
    // What has arrived has nothing more to say, and the rest of the chain was made on it.
    let arrived = chain.iter().take_while(|operation| has_arrived(operation, row)).count();
    let (chain, group) = (&chain[arrived..], &chain[arrived.min(group)..group]);
    if has_all(group, row) {
        return Related::Holds;
    }
    let fates = fates(chain, row, merge);
    let differences = if chain.iter().any(is_delete) { since_deleted(chain, row) } else { disputed(&fates, row) };
    if !differences.is_empty() || chain.iter().any(|operation| may_be_undone(operation, row)) {
        return Related::Clashes(differences);
    }
    let set = to_send(group, &fates, row);
    if set.is_empty() && !group.iter().any(is_delete) {
        return Related::Holds;
    }
    Related::Ready { set, merged: sides(&fates, row) }
}

/// How many of a chain's first operations go as one request: successive updates of the same fields, without conditions,
/// none of them a state machine (`status`); at least 1 (docs/sync.md). Either all are queued, or all were sent
/// with the same request.
pub fn group<'a>(chain: impl IntoIterator<Item = &'a Operation>) -> usize {
    let mut chain = chain.into_iter();
    let Some(first) = chain.next() else { return 1 };
    let joins = |next: &&Operation| {
        let made_here = |value: &Value| matches!(value, Value::MadeBy(_));
        may_share(next) && next.set.keys().eq(first.set.keys()) && !next.set.values().any(made_here)
    };
    let together = |next: &&Operation| match (&first.state, &next.state) {
        (State::Queued, State::Queued) => true,
        (State::Sent, State::Sent) => {
            first.last_send().map(|send| send.at) == next.last_send().map(|send| send.at) && first.last_send().is_some()
        }
        _ => false,
    };
    if !may_share(first) {
        return 1;
    }
    1 + chain.take_while(|next| joins(next) && together(next)).count()
}

fn may_share(operation: &Operation) -> bool {
    operation.shape == Shape::Update
        && operation.condition.is_none()
        && operation.set.keys().all(|field| field.name != "status")
}

/// What is lost when a row that is gone on the server takes the chain with it: each field's base and last local value,
/// the remote being nothing.
pub fn all_lost(chain: &[Operation]) -> Vec<Difference> {
    changes(chain).into_iter().map(|change| change.against(&Value::Null)).collect()
}

/// What the server changed beside the fields in dispute since `known`, for `--no-merge`. With no differences: everything
/// that it changed.
pub fn beside(known: &Row, row: &Row, differences: &[Difference]) -> Vec<Difference> {
    let others = row.kind.changeable().filter(|field| differences.iter().all(|asked| asked.field != *field));
    let changed = others.filter(|field| !known.get(field).same(row.get(field)));
    let as_difference = |field: Field| Difference {
        field,
        base: known.get(field).clone(),
        local: known.get(field).clone(),
        remote: row.get(field).clone(),
    };
    changed.map(as_difference).collect()
}

/// R1: the fields that were sent and that the row does not have: (field, what was sent, what the server has).
pub fn not_taken(sent: &Patch, row: &Row) -> Vec<(Field, Value, Value)> {
    let given_back = sent.iter().filter(|(field, _)| field.change != Change::Unread);
    let differs = given_back.filter(|(field, value)| !row.get(field).same(value));
    differs.map(|(field, value)| (*field, value.clone(), row.get(field).clone())).collect()
}

/// Bases that operations behind a finished group take over from it, by op_id: those of the fields that it did not send,
/// because the row's value stands. To the operations behind it is as if the group had not changed these fields, which is
/// how the chain as a whole was related. `sent`: the values of the group's request, if there was one.
pub fn carried_down(chain: &[Operation], group: usize, sent: &Patch) -> Vec<(String, Patch)> {
    let (group, behind) = chain.split_at(group.min(chain.len()));
    let mut carried: Vec<(String, Patch)> = Vec::new();
    for Changed { field, base, .. } in changes(group).into_iter().filter(|change| !sent.contains_key(change.field)) {
        let Some(next) = behind.iter().find(|operation| operation.set.contains_key(field)) else { continue };
        let base = base.clone();
        match carried.iter_mut().find(|(op_id, _)| *op_id == next.op_id) {
            Some((_, bases)) => drop(bases.insert(field, base)),
            None => carried.push((next.op_id.clone(), Patch::from([(field, base)]))),
        }
    }
    carried
}

/// What a chain makes of one field: the first base and the last value.
#[derive(Clone, Copy)]
pub(super) struct Changed<'a> {
    pub field: Field,
    pub base: &'a Value,
    pub local: &'a Value,
}

impl Changed<'_> {
    fn against(self, remote: &Value) -> Difference {
        let Changed { field, base, local } = self;
        Difference { field, base: base.clone(), local: local.clone(), remote: remote.clone() }
    }
}

static NOTHING: Value = Value::Null;

/// Everything the chain sets, in the order people are shown fields.
pub(super) fn changes(chain: &[Operation]) -> Vec<Changed<'_>> {
    let mut changes: BTreeMap<Field, Changed<'_>> = BTreeMap::new();
    for operation in chain {
        for (field, local) in &operation.set {
            let base = || operation.base.get(field).unwrap_or(&NOTHING);
            changes.entry(*field).or_insert_with(|| Changed { field, base: base(), local }).local = local;
        }
    }
    changes.into_values().collect()
}

pub(super) fn is_delete(operation: &Operation) -> bool {
    operation.shape == Shape::Delete
}

/// A sent update of which the row has every value that its last request had, or, of a text, every line that was added,
/// whatever others have written around it since.
fn has_arrived(operation: &Operation, row: &Row) -> bool {
    let Some(send) = unanswered(operation).filter(|_| operation.shape == Shape::Update) else { return false };
    let arrived = |(field, value): (&Field, &Value)| {
        let base = operation.base.get(field).unwrap_or(&NOTHING);
        field::reached(base, value, row.get(field)) || field::has_added(field, base, value, row.get(field))
    };
    !send.sent.is_empty() && send.sent.iter().all(arrived)
}

/// The row has every value of the group, or nothing is left of it.
fn has_all(group: &[Operation], row: &Row) -> bool {
    let reached = |change: Changed| field::reached(change.base, change.local, row.get(change.field));
    !group.iter().any(is_delete) && changes(group).into_iter().all(reached)
}

/// The last request of a sent operation that nothing is known of.
fn unanswered(operation: &Operation) -> Option<&crate::model::Send> {
    let sent = operation.state == State::Sent;
    operation.sends.iter().rev().find(|send| sent && send.reply.is_none())
}

/// A delete without an answer, of a row that is there in another version: it may have arrived, and somebody has brought
/// the row back.
fn may_be_undone(operation: &Operation, row: &Row) -> bool {
    is_delete(operation) && unanswered(operation).is_some_and(|send| send.version > 0 && send.version != row.version)
}

/// What becomes of a field of the chain.
struct Fate<'a> {
    change: Changed<'a>,
    merged: Merged,
}

fn fates<'a>(chain: &'a [Operation], row: &Row, merge: bool) -> Vec<Fate<'a>> {
    let doubtful = in_doubt(chain, row);
    let asks_all = !merge && !stands_on(chain, row);
    let fate = |change: Changed<'a>| {
        let Changed { field, base, local } = change;
        let merged = match field::merge(field, base, local, row.get(field)) {
            Merged::Both(_) | Merged::Ours if asks_all => Merged::Conflict,
            Merged::Ours if doubtful.contains(&field) && !local.same(base) => Merged::Conflict,
            // What was added may be there already, in other words.
            Merged::Both(_) if doubtful.contains(&field) && field.is_prose() => Merged::Conflict,
            other => other,
        };
        Fate { change, merged }
    };
    changes(chain).into_iter().map(fate).collect()
}

/// The row is what the chain was made on: its version where one was seen, and the value of every field that it changes.
fn stands_on(chain: &[Operation], row: &Row) -> bool {
    let seen = chain.first().map_or(0, |first| first.seen_version);
    (seen == 0 || seen == row.version) && changes(chain).iter().all(|change| row.get(change.field).same(change.base))
}

/// Fields of an update without an answer, where the row is as it was before: the request may have arrived, and somebody may
/// have taken it back. That makes two versions: of one that is only the next, the one change was somebody else's.
fn in_doubt(chain: &[Operation], row: &Row) -> Vec<Field> {
    let moved =
        |send: &&crate::model::Send| send.version > 0 && send.version != row.version && send.version + 1 != row.version;
    let updates = chain.iter().filter(|operation| operation.shape == Shape::Update);
    let moved = updates.filter_map(unanswered).filter(moved);
    moved.flat_map(|send| send.sent.keys().copied()).collect()
}

fn disputed(fates: &[Fate], row: &Row) -> Vec<Difference> {
    let disputed = fates.iter().filter(|fate| fate.merged == Merged::Conflict);
    disputed.map(|fate| fate.change.against(row.get(fate.change.field))).collect()
}

/// What the server changed after we deleted: our base (the whole row) against its row.
fn since_deleted(chain: &[Operation], row: &Row) -> Vec<Difference> {
    let Some(delete) = chain.iter().find(|operation| is_delete(operation)) else { return Vec::new() };
    let changes = changes(chain);
    let difference = |(field, local): (&Field, &Value)| {
        // A field that the chain itself had set before the delete is compared with what it was before that.
        let base = changes.iter().find(|change| change.field == *field).map_or(local, |change| change.base);
        let remote = row.get(field);
        let differs = !remote.same(base) && !remote.same(local);
        differs.then(|| Changed { field, base, local }.against(remote))
    };
    delete.base.iter().filter_map(difference).collect()
}

/// The values of the group's request. What the row has already is left out, and what only later operations of the chain
/// bring to a merge.
fn to_send(group: &[Operation], fates: &[Fate], row: &Row) -> Patch {
    let value = |Changed { field, base, local }: Changed| {
        let remote = row.get(field);
        let theirs = |fate: &Fate| fate.change.field == field && fate.merged == Merged::Theirs;
        if fates.iter().any(theirs) {
            return None;
        }
        let value = match field::merge(field, base, local, remote) {
            Merged::Ours => local.clone(),
            Merged::Both(value) => value,
            Merged::Theirs | Merged::Conflict => return None,
        };
        (!field::reached(base, &value, remote)).then_some((field, value))
    };
    changes(group).into_iter().filter_map(value).gather()
}

/// Whose value each field has that either side changed.
fn sides(fates: &[Fate], row: &Row) -> Vec<(Field, Side)> {
    let side = |fate: &Fate| {
        let Changed { field, base, local } = fate.change;
        let side = match fate.merged {
            Merged::Ours if local.same(base) && row.get(field).same(base) => return None,
            Merged::Ours => Side::Yours,
            Merged::Theirs => Side::Theirs,
            Merged::Both(_) => Side::Both,
            Merged::Conflict => return None,
        };
        Some((field, side))
    };
    fates.iter().filter_map(side).collect()
}
