//! A change of what the server rejected: the operations that wait say what is wanted now, instead of another one that
//! would wait behind them for ever. Pure.

use crate::model::kind::Change;
use crate::model::{Operation, Patch, Row, Shape, State};

/// The operations of `chain` (those on `row`, oldest first) that change so that they come to `set`, ready to be sent.
/// `None`: nothing that was rejected is about it, or a request of theirs may have arrived. A rejected creation is about
/// everything but what only an update takes.
pub(super) fn amend_rejected(chain: &[Operation], row: &Row, set: &Patch) -> Option<Vec<Operation>> {
    let is_rejected = |operation: &Operation| matches!(operation.state, State::Rejected(_));
    let made = set.keys().all(|field| field.change != Change::UpdateOnly);
    let concerned = |operation: &Operation| {
        (operation.shape == Shape::Create && made) || set.keys().any(|field| operation.set.contains_key(field))
    };
    let first = chain.iter().position(|operation| is_rejected(operation) && concerned(operation))?;
    let before = &chain[first..];
    let may_be_there = |operation: &Operation| operation.last_send().is_some_and(|send| send.reply.is_none());
    if before.iter().any(|operation| operation.state == State::Sent || may_be_there(operation)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{CODING_AGENT, PRIORITY, STATUS, TASK, TITLE};
    use crate::model::{Target, Value};

    fn operation(op_id: &str, shape: Shape, base: Patch, set: Patch, state: State) -> Operation {
        Operation {
            op_id: op_id.into(),
            workspace_id: 1,
            target: Target::Server(7),
            name: "DEV-7".into(),
            seen_version: 1,
            base,
            set,
            state,
            ..Operation::new(&TASK, shape)
        }
    }

    fn status(before: &str, after: &str, state: State) -> Operation {
        let text = |text: &str| Value::Text(text.into());
        operation(
            after,
            Shape::Update,
            Patch::from([(STATUS, text(before))]),
            Patch::from([(STATUS, text(after))]),
            state,
        )
    }

    fn wanted(word: &str) -> Patch {
        Patch::from([(STATUS, Value::Text(word.into()))])
    }

    #[test]
    fn a_rejected_change_says_what_is_wanted_now() {
        let (row, no) = (Row::new(&TASK), State::Rejected("no".into()));
        let chain = [status("backlog", "odd", no.clone()), status("odd", "todo", State::Queued)];
        let now = amend_rejected(&chain, &row, &wanted("done")).expect("it is about the same field");
        let said: Vec<_> = now.iter().map(|one| (one.base[STATUS].to_string(), one.set[STATUS].to_string())).collect();
        assert_eq!(said, [("backlog".into(), "done".into()), ("done".into(), "done".into())]);
        assert!(now.iter().all(|one| one.state == State::Queued));
        // Another field stays where it is; a request that may have arrived is not rewritten.
        let title = Patch::from([(TITLE, Value::Text("t".into()))]);
        assert_eq!(amend_rejected(&chain, &row, &title), None);
        let doubtful = [status("backlog", "odd", no), status("odd", "todo", State::Sent)];
        assert_eq!(amend_rejected(&doubtful, &row, &wanted("done")), None);
    }

    #[test]
    fn a_rejected_create_takes_every_change() {
        let set = Patch::from([(TITLE, Value::Text("t".into()))]);
        let chain = [operation("c", Shape::Create, Patch::new(), set, State::Rejected("no".into()))];
        let priority = Patch::from([(PRIORITY, Value::Int(2))]);
        let now = amend_rejected(&chain, &Row::new(&TASK), &priority).expect("a create is about everything");
        assert_eq!((now[0].set.len(), now[0].base.len(), &now[0].state), (2, 0, &State::Queued));
        // But for what no create takes.
        let agent = Patch::from([(CODING_AGENT, Value::Text("codex".into()))]);
        assert_eq!(amend_rejected(&chain, &Row::new(&TASK), &agent), None);
    }
}
