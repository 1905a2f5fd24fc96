//! Changes made here: checked and queued in one transaction with their effect on what is shown. No network. Base values,
//! numbers and refusals (cycles, conditions) are decided inside the transaction that queues.

use crate::error::Result;
use crate::model::{Condition, Kind, Operation, Patch, Row};
use crate::store::Store;

/// What a command has queued.
#[derive(Debug, Clone, Default)]
pub struct Queued {
    pub operations: Vec<Operation>,
    /// They were refused before and are sent as they are now.
    pub amended: bool,
}

/// Queues the creation of a row.
pub fn create(store: &mut Store, kind: &'static Kind, workspace_id: i64, set: &Patch) -> Result<Queued> {
    let _ = (store, kind, workspace_id, set);
    todo!()
}

/// Queues an update with the fields that differ from what is shown; nothing when none does. `make` sees the row as it is
/// in the transaction that queues. A change of what the server refused is written into the refused operations.
pub fn update(
    store: &mut Store,
    row: &Row,
    condition: Option<Condition>,
    make: impl FnOnce(&Row) -> Result<Patch>,
) -> Result<Queued> {
    let _ = (store, row, condition, make);
    todo!()
}

pub struct Dropped {
    pub number: Option<i64>,
    pub operations: Vec<Operation>,
}
pub fn drop_operations(
    _store: &mut Store,
    _reason: &'static str,
    _chosen: &std::collections::BTreeSet<String>,
) -> Result<Dropped> {
    todo!()
}
pub fn delete(_: &mut Store, _: &Row, _: bool) -> Result<Queued> {
    todo!()
}
pub fn link(_: &mut Store, _: &Row, _: &Row, _: bool) -> Result<Queued> {
    todo!()
}
