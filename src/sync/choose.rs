//! What a decision about a clash changes (docs/sync.md "choose"). A policy is a choice made without a question. Pure: gives
//! the changes of the queue, for the store to carry out in one transaction.

use super::relate::{Difference, changes, is_delete};
use super::report::Cause;
use crate::gather::Gather;
use crate::model::kind::Change;
use crate::model::{Field, Kept, Operation, Patch, Row, Shape, State, Target, Value};

#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Local,
    Remote,
    /// Values for the differing fields.
    Edited(Patch),
    /// Into the inbox.
    Skip,
    /// End the run; nothing of this phase is changed.
    Stop,
}

/// The changes of the queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    /// Operations written over their rows (base, set, state changed).
    pub amended: Vec<Operation>,
    /// Given up: op_id and why.
    pub dropped: Vec<(String, String)>,
    /// A create that makes a row again (`replaces`), with no id yet: the store gives op_id, name and provisional row.
    pub create: Option<Operation>,
    pub kept: Vec<Kept>,
    /// The row goes: it was deleted there and that is accepted.
    pub remove_row: bool,
    /// The conflict goes to (or stays in) the inbox.
    pub wait: bool,
}

/// `chain`: the waiting updates and deletes of the row, oldest first. `row`: the server's; for `DeletedThere` the last one
/// known, if any. Operations that are to be queued anew have no op_id and no time yet; the store gives them.
pub fn choose(
    cause: Cause,
    chain: &[Operation],
    row: Option<&Row>,
    differences: &[Difference],
    choice: &Choice,
) -> Chosen {
    match (choice, cause, row) {
        // Q5
        (Choice::Stop, ..) => Chosen::default(),
        // Q4
        (Choice::Skip, ..) => waiting(),
        (_, Cause::Changed | Cause::DeletedHere, None) => waiting(),
        // Q1, Q2, Q3
        (Choice::Local, Cause::Changed, Some(row)) => keep_ours(chain, row, differences, None),
        (Choice::Edited(values), Cause::Changed, Some(row)) => keep_ours(chain, row, differences, Some(values)),
        (Choice::Remote, Cause::Changed, Some(row)) => take_theirs(chain, row, differences),
        (Choice::Local, Cause::DeletedThere, row) => make_again(chain, row, &Patch::new()),
        (Choice::Edited(values), Cause::DeletedThere, row) => make_again(chain, row, values),
        (Choice::Remote, Cause::DeletedThere, row) => let_go(chain, row),
        (Choice::Local, Cause::DeletedHere, Some(row)) => delete_all_the_same(chain, row, differences),
        // Nothing of a deletion can be edited: what is left is the server's row.
        (Choice::Remote | Choice::Edited(_), Cause::DeletedHere, Some(_)) => keep_the_row(chain),
    }
}

fn waiting() -> Chosen {
    Chosen { wait: true, ..Chosen::default() }
}

/// The disputed fields are set, on the server's values as their base, by the last operation that sets each.
fn keep_ours(chain: &[Operation], row: &Row, differences: &[Difference], edited: Option<&Patch>) -> Chosen {
    let ours = |difference: &Difference| match edited {
        None => difference.local.clone(),
        // A field that the person did not write takes the server's value.
        Some(values) => values.get(&difference.field).unwrap_or(&difference.remote).clone(),
    };
    let values: Patch = differences.iter().map(|difference| (difference.field, ours(difference))).gather();
    let mut settled = chain.to_vec();
    for Difference { field, remote, .. } in differences {
        let value = values.get(field).filter(|value| !value.same(remote));
        set_last(&mut settled, field, value, remote);
    }
    let mut chosen = Chosen::default();
    decided(&mut chosen, chain, settled, row, "a later change takes its place");
    chosen.kept.push(overruled(row, giving_back(&chain[0], row, differences, &values)));
    if edited.is_some() {
        chosen.kept.push(lost(only(chain, differences)));
    }
    chosen
}

/// What was not asked about is not given up with the rest.
fn take_theirs(chain: &[Operation], row: &Row, differences: &[Difference]) -> Chosen {
    let mut settled = chain.to_vec();
    for Difference { field, remote, .. } in differences {
        set_last(&mut settled, field, None, remote);
    }
    let mut chosen = Chosen { kept: vec![lost(only(chain, differences))], ..Chosen::default() };
    decided(&mut chosen, chain, settled, row, "the server's values were taken");
    chosen
}

/// The row is gone there: a new one with what was known of it and our changes takes its place.
fn make_again(chain: &[Operation], row: Option<&Row>, values: &Patch) -> Chosen {
    let Some(create) = row.map(|row| creation_of(chain, row, values)).filter(has_project) else { return waiting() };
    let kept = if values.is_empty() && !has_more(chain) { Vec::new() } else { vec![lost(renewed(chain))] };
    let dropped = all(chain, "replaced by a new creation");
    Chosen { dropped, create: Some(create), kept, remove_row: true, ..Chosen::default() }
}

fn let_go(chain: &[Operation], row: Option<&Row>) -> Chosen {
    // The whole row with our changes: nothing else could bring it back.
    let whole = row.filter(|_| !has_more(chain)).map(|row| creation_of(chain, row, &Patch::new()));
    let operations = whole.map_or_else(|| renewed(chain), |create| vec![create]);
    let kept = vec![Kept { reason: "resolved", row: row.cloned(), operations }];
    Chosen {
        dropped: all(chain, "its deletion on the server was accepted"),
        kept,
        remove_row: true,
        ..Chosen::default()
    }
}

fn delete_all_the_same(chain: &[Operation], row: &Row, differences: &[Difference]) -> Chosen {
    let mut chosen = Chosen::default();
    for operation in chain {
        if is_delete(operation) {
            // These values were decided about: they are no reason to ask again.
            let base = row.changeable();
            let amended = Operation { seen_version: row.version, base, ..requeued(operation) };
            chosen.amended.push(amended);
        } else {
            chosen.dropped.push((operation.op_id.clone(), "its row is deleted".into()));
        }
    }
    if !differences.is_empty() {
        let create = creation_of(&[], row, &Patch::new());
        chosen.kept.push(overruled(row, Operation { server: server_of(chain), account: account_of(chain), ..create }));
    }
    chosen
}

fn keep_the_row(chain: &[Operation]) -> Chosen {
    let dropped = all(chain, "the server's row was kept");
    Chosen { dropped, kept: vec![lost(renewed(chain))], ..Chosen::default() }
}

/// Writes what a chain was settled to: what is empty goes, the rest has seen the row and is sent as it is now.
fn decided(chosen: &mut Chosen, chain: &[Operation], settled: Vec<Operation>, row: &Row, why: &str) {
    for (before, after) in chain.iter().zip(settled) {
        if after.shape == Shape::Update && after.set.is_empty() {
            chosen.dropped.push((after.op_id, why.into()));
            continue;
        }
        let after = Operation { seen_version: row.version, ..requeued(&after) };
        if after != *before {
            chosen.amended.push(after);
        }
    }
}

/// A decision clears what the server said of the operation, and what is not known of its requests: it was made about a
/// row that was read later.
fn requeued(operation: &Operation) -> Operation {
    Operation { state: State::Queued, sends: Vec::new(), ..operation.clone() }
}

fn renewed(chain: &[Operation]) -> Vec<Operation> {
    chain.iter().map(requeued).collect()
}

/// The last operation that sets the field sets `value`, earlier steps are forgotten; or none sets it.
fn set_last(chain: &mut [Operation], field: Field, value: Option<&Value>, base: &Value) {
    let mut last = true;
    for operation in chain.iter_mut().rev().filter(|operation| operation.shape == Shape::Update) {
        if operation.set.remove(field).is_none() {
            continue;
        }
        operation.base.remove(field);
        if let Some(value) = value.filter(|_| last) {
            operation.set.insert(field, value.clone());
            operation.base.insert(field, base.clone());
        }
        last = false;
    }
}

/// What a chain says of the differing fields alone.
fn only(chain: &[Operation], differences: &[Difference]) -> Vec<Operation> {
    let differs = |field: Field| differences.iter().any(|difference| difference.field == field);
    let mut kept = renewed(chain);
    for operation in &mut kept {
        operation.set.retain(|field, _| differs(field));
        operation.base.retain(|field, _| differs(field));
    }
    kept.retain(|operation| !operation.set.is_empty());
    kept
}

fn lost(operations: Vec<Operation>) -> Kept {
    Kept { reason: "resolved", row: None, operations }
}

fn overruled(row: &Row, bring_back: Operation) -> Kept {
    Kept { reason: "overruled", row: Some(row.clone()), operations: vec![bring_back] }
}

fn all(chain: &[Operation], why: &str) -> Vec<(String, String)> {
    chain.iter().map(|operation| (operation.op_id.clone(), why.to_string())).collect()
}

fn server_of(chain: &[Operation]) -> Option<String> {
    chain.first().and_then(|first| first.server.clone())
}

fn account_of(chain: &[Operation]) -> Option<String> {
    chain.first().and_then(|first| first.account.clone())
}

/// An operation on a row that is not queued yet.
fn blank(shape: Shape, target: Target, row: &Row, chain: &[Operation]) -> Operation {
    Operation {
        workspace_id: row.workspace_id,
        target,
        name: row.name.clone(),
        seen_version: row.version,
        server: server_of(chain),
        account: account_of(chain),
        ..Operation::new(row.kind, shape)
    }
}

/// The update that gives the server's values back to a row where others were decided.
fn giving_back(first: &Operation, row: &Row, differences: &[Difference], decided: &Patch) -> Operation {
    let mut update = blank(Shape::Update, Target::Server(row.id), row, std::slice::from_ref(first));
    for Difference { field, remote, .. } in differences {
        update.base.insert(field, decided.get(field).unwrap_or(remote).clone());
        update.set.insert(field, remote.clone());
    }
    update
}

/// The create that makes a row as it was known, with the chain's changes and `values`.
fn creation_of(chain: &[Operation], row: &Row, values: &Patch) -> Operation {
    let mut whole = row.clone();
    changes(chain).into_iter().for_each(|change| whole.set(change.field, change.local.clone()));
    whole.apply(values);
    let mut set = whole.changeable();
    set.retain(|field, value| field.change != Change::UpdateOnly && *value != Value::Null);
    let create = blank(Shape::Create, Target::MadeBy(String::new()), row, chain);
    Operation { set, seen_version: 0, replaces: Some(row.id), ..create }
}

/// It says what no create takes.
fn has_more(chain: &[Operation]) -> bool {
    chain.iter().flat_map(|operation| operation.set.keys()).any(|field| field.change == Change::UpdateOnly)
}

/// Of a kind whose rows are in a project: which one is known.
fn has_project(create: &Operation) -> bool {
    let project = create.kind.field("project_id");
    project.is_none_or(|project| create.set.get(project).is_some_and(|value| *value != Value::Int(0)))
}

#[cfg(test)]
mod tests;
