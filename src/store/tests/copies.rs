//! Caches and state folders that are lost, older, or put back: nothing that waits is lost, and it counts as sent.

use super::home::{Home, a_send, create, drop_ops, queue, text, titles, update, waiting};
use crate::model::{State, Target};
use crate::store::{Change, End, Notice};

const SENT: &str = "sent";

#[test]
fn a_wiped_cache() {
    let home = Home::synced(&[1, 2]);
    queue(&mut home.open(), &[create("new"), update(Target::Server(1), "changed")]);
    home.remove("cache");
    let mut store = home.open();
    assert_eq!(store.notices(), [Notice::Restored(2)]);
    assert_eq!(waiting(&store), [("new".to_string(), SENT), ("changed".to_string(), SENT)]);
    let sends = store.waiting().expect("readable")[0].sends.clone();
    assert!(!sends.is_empty() && sends.iter().all(|send| send.reply.is_none()));
    drop(store);
    assert_eq!(home.open().notices(), [], "said once");
}

#[test]
fn an_older_cache() {
    let home = Home::synced(&[1]);
    let first = queue(&mut home.open(), &[create("first")]).remove(0);
    home.copy("cache", "older");
    let mut store = home.open();
    drop_ops(&mut store, &[&first.op_id]);
    queue(&mut store, &[create("second")]);
    drop(store);
    home.copy("older", "cache");
    let mut store = home.open();
    assert_eq!(store.notices(), [Notice::Restored(1)]);
    // The older cache has one that was given up since: it comes back rather than another is lost.
    assert_eq!(waiting(&store), [("first".to_string(), SENT), ("second".to_string(), SENT)]);
    let names: Vec<String> = titles(&store);
    assert_eq!(names, ["DEV-1 from the server", "DEV-2 first", "DEV-3 second"], "no name twice");
}

#[test]
fn a_lost_state_folder() {
    let home = Home::synced(&[1]);
    queue(&mut home.open(), &[create("new")]);
    home.remove("state");
    let store = home.open();
    assert_eq!(waiting(&store), [("new".to_string(), SENT)]);
    assert_eq!(home.queue_text().lines().count(), 1, "the spare copy is there again");
}

#[test]
fn an_older_state_folder() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let first = queue(&mut store, &[create("first")]).remove(0);
    home.copy("state", "older");
    drop_ops(&mut store, &[&first.op_id]);
    queue(&mut store, &[create("second")]);
    drop(store);
    home.copy("older", "state");
    let mut store = home.open();
    assert_eq!(waiting(&store), [("second".to_string(), SENT)], "the cache knows that the first was settled");
    assert_eq!(store.notices(), []);
}

#[test]
fn an_older_state_folder_under_an_open_store() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    queue(&mut store, &[create("first")]);
    home.copy("state", "older");
    queue(&mut store, &[create("second")]);
    home.copy("older", "state");
    queue(&mut store, &[create("third")]);
    let mut expected: Vec<(String, &str)> = ["first", "second"].map(|title| (title.to_string(), SENT)).into();
    expected.push(("third".to_string(), "queued"));
    assert_eq!(waiting(&store), expected);
    assert_eq!(home.queue_text().lines().count(), 3);
    drop(store);
    assert_eq!(waiting(&home.open()), expected);
}

/// Nothing here can tell: that is what the look before a create's first sending is for.
#[test]
fn a_home_put_back_whole() {
    let home = Home::synced(&[1]);
    queue(&mut home.open(), &[create("new")]);
    home.copy("cache", "older_cache");
    home.copy("state", "older_state");
    let mut store = home.open();
    let op = store.waiting().expect("readable").remove(0);
    assert!(store.commit_sent(&[&op.op_id], &a_send(&op), true).expect("written"));
    drop(store);
    home.copy("older_cache", "cache");
    home.copy("older_state", "state");
    let mut store = home.open();
    assert_eq!((waiting(&store), store.notices()), (vec![("new".to_string(), "queued")], vec![]));
}

#[test]
fn a_cache_unlinked_while_open() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    queue(&mut store, &[create("first")]);
    home.remove("cache");
    let second = queue(&mut store, &[create("second")]);
    assert!(store.is_in_place());
    drop(store);
    let store = home.open();
    let waits = waiting(&store);
    let mut found: Vec<&str> = waits.iter().map(|(title, _)| title.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["first", "second"], "written into the file that others find");
    assert!(store.operation(&second[0].op_id).expect("readable").is_some());
}

#[test]
fn an_end_in_a_cache_that_nobody_finds_is_refused() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    queue(&mut store, &[create("first")]);
    let before = home.queue_text();
    home.remove("cache");
    assert!(store.end(&End::default(), &super::home::now()).is_err());
    assert_eq!(home.queue_text(), before);
}

#[test]
fn unreadable_lines_are_set_aside() {
    let home = Home::synced(&[1]);
    queue(&mut home.open(), &[create("first"), create("second")]);
    let text = home.queue_text();
    let (first, second) = text.split_once('\n').expect("two lines");
    std::fs::write(&home.files.queue, format!("{first}\n{{\"damaged\n{}", &second[..second.len() - 5])).expect("ours");
    home.remove("cache");
    let mut store = home.open();
    let notices = store.notices();
    assert!(matches!(notices[..], [Notice::SetAside(2, _), Notice::Restored(1)]), "{notices:?}");
    assert_eq!(waiting(&store), [("first".to_string(), SENT)]);
    let aside = std::fs::read_to_string(home.files.queue.with_extension("jsonl.damaged")).expect("it is there");
    assert_eq!(aside.lines().count(), 2);
}

#[test]
fn a_torn_last_line_costs_only_itself() {
    let home = Home::synced(&[1]);
    queue(&mut home.open(), &[create("first")]);
    let whole = home.queue_text();
    for cut in [1, 2, 30, whole.len() - 1] {
        std::fs::write(&home.files.queue, &whole[..whole.len() - cut]).expect("ours");
        let store = home.open();
        assert_eq!(waiting(&store), [("first".to_string(), SENT)], "cut by {cut}");
        assert_eq!(home.queue_text().lines().count(), 1);
    }
}

/// What the server has answered is not in the file, and the cache that had the answer is gone: it is looked for.
#[test]
fn an_answer_in_a_lost_cache() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let op = queue(&mut store, &[create("new")]).remove(0);
    store.commit_sent(&[&op.op_id], &a_send(&op), true).expect("written");
    let row = super::home::server_row(2, "new");
    store
        .commit_reply(&[&op.op_id], Some(&crate::model::SendReply::Done), &State::Answered(Some(Box::new(row))))
        .expect("written");
    drop(store);
    home.remove("cache");
    assert_eq!(waiting(&home.open()), [("new".to_string(), SENT)]);
}

#[test]
fn amended_and_dropped_operations_are_in_the_copy_as_they_are() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let mut ops = queue(&mut store, &[create("first"), create("second"), create("third")]);
    let mut amended = ops.remove(0);
    amended.set.insert(crate::model::task::TITLE, text("first again"));
    store.change(|_| Ok(Change { amended: vec![amended], ..Change::default() })).expect("amended");
    drop_ops(&mut store, &[&ops[0].op_id]);
    drop(store);
    home.remove("cache");
    assert_eq!(waiting(&home.open()), [("first again".to_string(), SENT), ("third".to_string(), SENT)]);
}

#[test]
fn a_damaged_cache_is_moved_aside_and_made_anew() {
    let home = Home::synced(&[1]);
    queue(&mut home.open(), &[create("new")]);
    let mut bytes = std::fs::read(&home.files.cache).expect("it is there");
    bytes[100..].fill(0xA5);
    std::fs::write(&home.files.cache, &bytes).expect("ours");
    let mut store = home.open();
    let notices = store.notices();
    assert!(matches!(notices[..], [Notice::Damaged(_), Notice::Restored(1)]), "{notices:?}");
    assert_eq!(waiting(&store), [("new".to_string(), SENT)]);
}
