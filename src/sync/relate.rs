//! The three-way merge: what the waiting changes of one row and the server's row of it come to (decision table 2.1). Pure.

use crate::model::{Field, Operation, Patch, Row, Value};

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
    let _ = (chain, group, row, merge);
    todo!()
}

/// How many of a chain's first operations go as one request: successive queued updates of the same fields, without
/// conditions, none of them a state machine (`status`); at least 1 (decision table 3.2, 7).
pub fn group(chain: &[Operation]) -> usize {
    let _ = chain;
    todo!()
}

/// What is lost when a row that is gone on the server takes the chain with it: each field's base and last local value,
/// the remote being nothing.
pub fn all_lost(chain: &[Operation]) -> Vec<Difference> {
    let _ = chain;
    todo!()
}

/// What the server changed beside the fields in dispute since `known`, for `--no-merge`.
pub fn beside(known: &Row, row: &Row, differences: &[Difference]) -> Vec<Difference> {
    let _ = (known, row, differences);
    todo!()
}

/// R1: the fields that were sent and that the row does not have: (field, what was sent, what the server has).
pub fn not_taken(sent: &Patch, row: &Row) -> Vec<(Field, Value, Value)> {
    let _ = (sent, row);
    todo!()
}
