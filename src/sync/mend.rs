//! A change of what the server refused: the operations that wait say what is wanted now, instead of another one that would
//! wait behind them for ever. No request of theirs may have arrived; the caller sees to it that none is on its way.

use crate::model::{Kind, Operation, Patch, Task};

/// The operations of `chain` (those on `task`, oldest first) that change so that they come to `set`, ready to be sent.
/// `None`: nothing that was refused is about it. A refused creation is about everything.
pub(super) fn mended(chain: &[Operation], task: &Task, set: &Patch) -> Option<Vec<Operation>> {
    let concerned = |operation: &Operation| {
        operation.kind == Kind::CreateTask || set.keys().any(|field| operation.set.contains_key(field))
    };
    let first = chain.iter().position(|operation| operation.is_parked() && concerned(operation))?;
    let before = &chain[first..];
    if before.iter().any(|operation| operation.uncertain.is_some()) {
        return None;
    }
    let mut now = before.to_vec();
    now[0].error = None;
    for (field, value) in set {
        let mut stands_on = None;
        for operation in now.iter_mut().filter(|operation| operation.set.contains_key(field)) {
            operation.set.insert(*field, value.clone());
            operation.error = None;
            if let Some(earlier) = stands_on.replace(value.clone()) {
                operation.base.insert(*field, earlier);
            }
        }
        if stands_on.is_none() {
            now[0].set.insert(*field, value.clone());
            if now[0].kind == Kind::UpdateTask {
                now[0].base.insert(*field, task.get(*field));
            }
        }
    }
    let changed = now.into_iter().zip(before).filter(|(now, before)| now != *before);
    Some(changed.map(|(now, _)| now).collect())
}
