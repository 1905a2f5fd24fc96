//! Killed at every failpoint of a life of the store: what was confirmed is there, and nothing is queued that was sent.

use super::home::{
    DEV, Home, a_send, child, create, drop_ops, files, is_child, now, queue, server_row, titles, update, waiting,
    workspace,
};
use crate::model::{SendReply, State, Target};
use crate::store::{End, Pulled, Store, Walk};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

const CHILD: &str = "store::tests::kills::a_life";

/// The steps of a life, each confirmed in the file `progress` when it is done.
#[test]
fn a_life() {
    let Some(root) = is_child() else { return };
    let confirm = |step: &str| {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(root.join("progress")).expect("ours");
        writeln!(file, "{step}").expect("ours");
    };
    let mut store = Store::open(&files(&root)).expect("a usable store");
    let ops = queue(&mut store, &[create("a"), create("b"), create("c"), update(Target::Server(1), "changed")]);
    confirm("queued");
    drop_ops(&mut store, &[&ops[1].op_id]);
    confirm("dropped");
    store.commit_sent(&[&ops[0].op_id], &a_send(&ops[0]), true).expect("written");
    confirm("sent");
    let answer = State::Answered(Some(Box::new(server_row(2, "a"))));
    store.commit_reply(&[&ops[0].op_id], Some(&SendReply::Done), &answer).expect("written");
    let walk = Walk { began: now(), done: true, ..Walk::default() };
    store.stage(DEV, &[server_row(3, "theirs")], &walk).expect("staged");
    store.end(&an_end(), &now()).expect("applied");
    confirm("ended");
    queue(&mut store, &[create("d")]);
    confirm("queued d");
}

fn an_end() -> End {
    let pulled = vec![Pulled { workspace_id: DEV, ..Pulled::default() }];
    End { workspaces: vec![workspace()], pulled, ..End::default() }
}

#[test]
fn killed_anywhere() {
    let traced = Home::synced(&[1]);
    let trace = traced.folder.path("trace");
    assert!(child(CHILD, traced.folder.root(), &[("ANYT_FAILPOINT_TRACE", &trace.to_string_lossy())]).success());
    let hits = std::fs::read_to_string(&trace).expect("failpoints were hit");
    let names: BTreeSet<String> = numbered(hits.lines());
    assert!(names.len() > 15, "{names:?}");
    for name in &names {
        let home = Home::synced(&[1]);
        let ended = child(CHILD, home.folder.root(), &[("ANYT_FAILPOINT", name)]);
        assert!(!ended.success(), "{name} was not hit");
        let progress = std::fs::read_to_string(home.folder.path("progress")).unwrap_or_default();
        let mut store = home.open();
        check(name, &store, &progress);
        check_whole_end(name, &store, &home.files.cache);
        // The next run ends what the dead one began.
        store.settle_answers(&now()).expect("applied");
        store.end(&an_end(), &now()).expect("applied");
        check(name, &store, &progress);
        assert_whole(name, &home.files.cache);
        drop(store);
        assert_eq!(home.open().notices(), [], "{name}: mark and file agree");
    }
}

/// `name:1`, `name:2`, … as they were hit.
fn numbered<'a>(hits: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut counts = std::collections::BTreeMap::new();
    hits.filter(|name| name.starts_with("store."))
        .map(|name| {
            let count = counts.entry(name).or_insert(0);
            *count += 1;
            format!("{name}:{count}")
        })
        .collect()
}

fn check(name: &str, store: &Store, progress: &str) {
    let done = |step: &str| progress.lines().any(|line| line == step);
    let waits = waiting(store);
    let shown = titles(store);
    let has = |title: &str| shown.iter().filter(|line| line.ends_with(&format!(" {title}"))).count();
    let state = |title: &str| waits.iter().find(|(waits, _)| waits == title).map(|(_, state)| *state);
    if done("queued") {
        assert_eq!((has("a"), has("c"), has("changed")), (1, 1, 1), "{name}: {shown:?}");
        assert!(state("c").is_some() && state("changed").is_some(), "{name}: {waits:?}");
    }
    if done("dropped") {
        assert_eq!((has("b"), state("b")), (0, None), "{name}");
    }
    if done("sent") {
        assert!(state("a").is_none_or(|state| state == "sent"), "{name}: {waits:?}");
    }
    if done("ended") {
        assert_eq!((state("a"), has("theirs")), (None, 1), "{name}: {waits:?}");
    }
    if done("queued d") {
        assert_eq!((has("d"), state("d").is_some()), (1, true), "{name}");
    }
    let names: BTreeSet<&str> = shown.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names.len(), shown.len(), "{name}: a name twice in {shown:?}");
}

/// What was pulled and what was answered are applied together or not at all.
fn check_whole_end(name: &str, store: &Store, cache: &Path) {
    let db = rusqlite::Connection::open(cache).expect("it is there");
    let done = "SELECT EXISTS (SELECT 1 FROM sync_queue WHERE state = 'done')";
    let laid: bool = db.query_row(done, [], |row| row.get(0)).expect("our table");
    let pulled = titles(store).iter().any(|line| line.ends_with(" theirs"));
    assert_eq!(laid, pulled, "{name}: half of an end");
}

fn assert_whole(name: &str, cache: &Path) {
    let db = rusqlite::Connection::open(cache).expect("it is there");
    let found: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("readable");
    assert_eq!(found, "ok", "{name}");
}
