//! What a decision about a clash changes (decision table 2.5). A policy is a choice made without a question. Pure: gives
//! the changes of the queue, for the store to carry out in one transaction.

use super::next::Cause;
use super::relate::Difference;
use crate::model::{Operation, Patch, Row};

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

/// What is kept so that it can be brought back (discarded.jsonl).
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// `resolved`, `overruled`, `edited`
    pub reason: &'static str,
    /// The server's row, where that is what is kept.
    pub row: Option<Row>,
    /// Restoring queues these, under new ids.
    pub operations: Vec<Operation>,
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
/// known, if any.
pub fn choose(
    cause: Cause,
    chain: &[Operation],
    row: Option<&Row>,
    differences: &[Difference],
    choice: &Choice,
) -> Chosen {
    let _ = (cause, chain, row, differences, choice);
    todo!()
}
