//! A change of what the server rejected: the operations that wait say what is wanted now, instead of another one that
//! would wait behind them for ever. Pure.

use crate::model::{Operation, Patch, Row, Shape, State};

/// The operations of `chain` (those on `row`, oldest first) that change so that they come to `set`, ready to be sent.
/// `None`: nothing that was rejected is about it, or a request of theirs may have arrived. A rejected creation is about
/// everything.
pub(super) fn amend_rejected(chain: &[Operation], row: &Row, set: &Patch) -> Option<Vec<Operation>> {
    let is_rejected = |operation: &Operation| matches!(operation.state, State::Rejected(_));
    let concerned = |operation: &Operation| {
        operation.shape == Shape::Create || set.keys().any(|field| operation.set.contains_key(field))
    };
    let first = chain.iter().position(|operation| is_rejected(operation) && concerned(operation))?;
    let before = &chain[first..];
    if before.iter().any(|operation| operation.state == State::Sent) {
        return None;
    }
    let mut now = before.to_vec();
    now[0].state = State::Queued;
    for (field, value) in set {
        let mut stands_on = None;
        for operation in now.iter_mut().filter(|operation| operation.set.contains_key(field)) {
            operation.set.insert(field, value.clone());
            operation.state = State::Queued;
            if let Some(earlier) = stands_on.replace(value.clone()) {
                operation.base.insert(field, earlier);
            }
        }
        if stands_on.is_none() {
            now[0].set.insert(field, value.clone());
            if now[0].shape == Shape::Update {
                now[0].base.insert(field, row.get(field).clone());
            }
        }
    }
    let changed = now.into_iter().zip(before).filter(|(now, before)| now != *before);
    Some(changed.map(|(now, _)| now).collect())
}
