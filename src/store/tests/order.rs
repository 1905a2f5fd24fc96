//! Transitions name the state they saw; history and discarded.jsonl are bounded.

use super::home::{Home, a_send, create, drop_ops, link, now, queue, server_row, update};
use crate::model::{Kept, SendReply, State, Target};
use crate::store::{Change, End, Store};
use crate::time::Timestamp;

fn state(store: &Store, op_id: &str) -> &'static str {
    store.operation(op_id).expect("readable").map_or("forgotten", |op| op.state.word())
}

fn count(store: &Store, sql: &str) -> i64 {
    store.db.query_row(sql, [], |row| row.get(0)).expect("readable")
}

#[test]
fn what_was_dropped_meanwhile_is_not_sent() {
    let home = Home::synced(&[1]);
    let (mut store, mut other) = (home.open(), home.open());
    let ops = queue(&mut store, &[create("a"), create("b")]);
    drop_ops(&mut other, &[&ops[1].op_id]);
    let ids = [&*ops[0].op_id, &*ops[1].op_id];
    assert!(!store.commit_sent(&ids, &a_send(&ops[0]), true).expect("readable"));
    assert_eq!(ids.map(|op_id| state(&store, op_id)), ["queued", "dropped"], "all of them or none");
    assert_eq!(count(&store, "SELECT count(*) FROM sends"), 0);
    assert!(!store.commit_transition(&ops[1].op_id, &State::Queued, &State::Done).expect("readable"));
}

#[test]
fn what_was_answered_is_neither_dropped_nor_amended() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let op = queue(&mut store, &[create("a")]).remove(0);
    store.commit_sent(&[&op.op_id], &a_send(&op), true).expect("written");
    let answer = State::Answered(Some(Box::new(server_row(2, "a"))));
    store.commit_reply(&[&op.op_id], Some(&SendReply::Done), &answer).expect("written");
    drop_ops(&mut store, &[&op.op_id]);
    store.change(|_| Ok(Change { amended: vec![op.clone()], ..Change::default() })).expect("nothing to do");
    assert_eq!(state(&store, &op.op_id), "answered");
    assert_eq!(store.settle_answers(&now()).expect("applied"), 1);
    assert_eq!(state(&store, &op.op_id), "done");
    assert_eq!(store.settle_answers(&now()).expect("nothing"), 0);
}

#[test]
fn a_request_that_was_turned_away_leaves_the_operation_queued() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let op = queue(&mut store, &[create("a")]).remove(0);
    store.commit_sent(&[&op.op_id], &a_send(&op), false).expect("written");
    store.commit_reply(&[&op.op_id], Some(&SendReply::NotDone), &State::Queued).expect("written");
    let found = store.waiting().expect("readable").remove(0);
    assert_eq!((found.state, found.sends[0].reply.clone()), (State::Queued, Some(SendReply::NotDone)));
}

/// Also while something waits, apart from what that refers to.
#[test]
fn settled_operations_are_bounded() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let made = queue(&mut store, &[create("made")]).remove(0);
    store.commit_sent(&[&made.op_id], &a_send(&made), true).expect("written");
    let answer = State::Answered(Some(Box::new(server_row(2, "made"))));
    store.commit_reply(&[&made.op_id], Some(&SendReply::Done), &answer).expect("written");
    store.end(&End::default(), &now()).expect("applied");
    queue(&mut store, &[link(Target::Server(1), Target::MadeBy(made.op_id.clone()))]);
    let other = queue(&mut store, &[update(Target::Server(1), "other")]).remove(0);
    store.commit_transition(&other.op_id, &State::Queued, &State::Done).expect("written");
    store.db.execute_batch("UPDATE sync_queue SET synced_at = '2020-01-01T00:00:00Z' WHERE synced = 1").expect("ours");
    store.end(&End::default(), &now()).expect("applied");
    assert_eq!([&*made.op_id, &*other.op_id].map(|op_id| state(&store, op_id)), ["done", "forgotten"]);
    assert_eq!(count(&store, "SELECT count(*) FROM sends"), 1);

    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) \
        INSERT INTO sync_queue (op_id, operation, entity_type, workspace_id, entity_id, identifier, payload, created_at, \
        state, synced, synced_at) SELECT 'x' || i, 'update', 'task', 1, '1', 'DEV-1', '{}', :now, 'done', 1, :now FROM n";
    store.db.execute(many, rusqlite::named_params! {":now": now()}).expect("ours");
    store.end(&End::default(), &now()).expect("applied");
    assert_eq!(count(&store, "SELECT count(*) FROM sync_queue WHERE synced = 1"), 4_001);
    assert_eq!((state(&store, &made.op_id), state(&store, "x6000")), ("done", "done"));
}

/// The newest 200 keep their texts, up to 64 KiB each: they can be undone.
#[test]
fn settled_operations_keep_texts_only_to_be_undone() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let op = queue(&mut store, &[create(&"long ".repeat(20_000))]).remove(0);
    store.commit_sent(&[&op.op_id], &a_send(&op), true).expect("written");
    let answer = State::Answered(Some(Box::new(server_row(2, "long"))));
    store.commit_reply(&[&op.op_id], Some(&SendReply::Done), &answer).expect("written");
    store.end(&End::default(), &now()).expect("applied");
    let bytes = "SELECT sum(length(payload) + length(coalesce(answer, ''))) + (SELECT sum(length(sent)) FROM sends) FROM sync_queue";
    assert!(count(&store, bytes) < 100);
    for number in 0..202 {
        let title = format!("{number} {}", "long ".repeat(1000));
        let op = queue(&mut store, &[update(Target::Server(1), &title)]).remove(0);
        store.commit_transition(&op.op_id, &State::Queued, &State::Done).expect("written");
    }
    assert_eq!(count(&store, "SELECT count(*) FROM sync_queue WHERE length(payload) > 400"), 200);
    assert_eq!(count(&store, "SELECT min(id) FROM sync_queue WHERE length(payload) > 400"), 4);
}

fn kept(reason: &'static str, title: &str) -> Kept {
    Kept { reason, row: Some(server_row(1, title)), operations: Vec::new() }
}

#[test]
fn discarded_entries_are_numbered_and_say_when_they_were_restored() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    assert_eq!(store.discard(&[kept("resolved", "one"), kept("overruled", "two")]).expect("written"), [1, 2]);
    store.mark_restored(&[1]).expect("written");
    // A line that was cut by a crash costs itself.
    let mut text = std::fs::read_to_string(&home.files.discarded).expect("there");
    text.push_str("{\"at\":\"2026");
    std::fs::write(&home.files.discarded, text).expect("ours");
    assert_eq!(store.discard(&[kept("resolved", "three")]).expect("written"), [3]);
    let entries = store.discarded().expect("readable");
    let found: Vec<_> = entries.iter().map(|entry| (entry.number, &*entry.reason, entry.restored.is_some())).collect();
    assert_eq!(found, [(3, "resolved", false), (2, "overruled", false), (1, "resolved", true)]);
}

#[test]
fn discarded_jsonl_is_bounded() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let large = "x".repeat(8 << 20);
    for number in 1..=9 {
        assert_eq!(store.discard(&[kept("resolved", &large)]).expect("written"), [number]);
    }
    let length = std::fs::metadata(&home.files.discarded).expect("there").len();
    assert!(length < 64 << 20, "{length}");
    let entries = store.discarded().expect("readable");
    assert!(entries[0].reason.contains("older entries removed"), "{}", entries[0].reason);
    assert_eq!((entries[1].number, entries.len()), (9, 7));
}

/// A create that may have arrived is looked for when it comes back from discarded.jsonl.
#[test]
fn a_sent_create_is_kept_as_sent() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let op = queue(&mut store, &[create("a")]).remove(0);
    store.commit_sent(&[&op.op_id], &a_send(&op), true).expect("written");
    let op = store.waiting().expect("readable").remove(0);
    let operations =
        vec![crate::model::Operation { state: State::Rejected("may have become DEV-2".into()), ..op.clone() }];
    let kept = vec![Kept { reason: "dropped", row: None, operations }];
    let dropped = vec![(op.op_id.clone(), "by hand".to_string())];
    store.change(|_| Ok(Change { kept, dropped, ..Change::default() })).expect("dropped");
    let back = store.discarded().expect("readable").remove(0).operations.remove(0);
    assert_eq!(back.state, State::Sent);
    let put = vec![back];
    store.change(|_| Ok(Change { put, ..Change::default() })).expect("queued again");
    let again = store.waiting().expect("readable").remove(0);
    assert_eq!((again.state, again.sends.len()), (State::Sent, 1));
    assert!(again.sends[0].at <= Timestamp::now());
}
