//! A disk that is full, for the cache or for queue.jsonl: what was confirmed is there, and what was refused is not. A limit
//! on the size of files stands for the disk: it is the one that needs no mount.

use super::home::{Home, child, create, files, is_child, queue, titles, waiting};
use crate::model::task::DESCRIPTION;
use crate::model::{Operation, Value};
use crate::store::{Change, Store};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write;

/// Queues until a write fails, in a process whose files may not grow beyond `ANYT_STORE_LIMIT` bytes.
#[test]
fn one_that_hits_the_limit() {
    let Some(root) = is_child() else { return };
    // Without a handler the signal of the limit ends the process.
    let ignored = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(25, ignored).expect("SIGXFSZ can be handled");
    let limit: u64 = std::env::var("ANYT_STORE_LIMIT").expect("given").parse().expect("a number");
    let size: usize = std::env::var("ANYT_STORE_TEXT").expect("given").parse().expect("a number");
    let mut store = Store::open(&files(&root)).expect("a usable store");
    let hard = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: Some(limit), maximum: hard }).expect("lower is allowed");
    let mut confirmed = String::new();
    for number in 0..2000 {
        let put = vec![with_text(&number.to_string(), size)];
        match store.change(|_| Ok(Change { put, ..Change::default() })) {
            Ok(_) => confirmed.push_str(&format!("{number}\n")),
            Err(error) => {
                confirmed.push_str(&format!("error {error}\n"));
                break;
            }
        }
    }
    setrlimit(Resource::Fsize, Rlimit { current: hard, maximum: hard }).expect("up to the hard limit");
    let mut file = std::fs::File::create(root.join("confirmed")).expect("ours");
    file.write_all(confirmed.as_bytes()).expect("ours");
}

fn with_text(title: &str, size: usize) -> Operation {
    let mut op = create(title);
    op.set.insert(DESCRIPTION, Value::Text("x".repeat(size)));
    op
}

/// Gives the error.
fn fill(home: &Home, limit: u64, size: usize) -> String {
    let variables = [("ANYT_STORE_LIMIT", &*limit.to_string()), ("ANYT_STORE_TEXT", &*size.to_string())];
    assert!(child("store::tests::full::one_that_hits_the_limit", home.folder.root(), &variables).success());
    let confirmed = std::fs::read_to_string(home.folder.path("confirmed")).expect("it wrote");
    let (titles, error): (Vec<&str>, Vec<&str>) = confirmed.lines().partition(|line| !line.starts_with("error "));
    assert_eq!(error.len(), 1, "the limit was not hit");
    let mut store = home.open();
    let queued: Vec<String> = waiting(&store).into_iter().map(|(title, _)| title).collect();
    assert_eq!(queued, titles, "what was confirmed, and nothing else");
    assert_eq!(super::home::titles(&store).len(), titles.len());
    assert_eq!(home.queue_text().lines().count(), titles.len());
    assert_eq!(store.notices(), [], "mark and file agree");
    queue(&mut store, &[create("after")]);
    error[0].to_string()
}

/// The write-ahead log grows faster than the spare copy: the cache hits the limit.
#[test]
fn the_cache_is_full() {
    let home = Home::new();
    let error = fill(&home, 150_000, 10);
    assert!(error.contains("cache.db"), "{error}");
}

/// The spare copy is larger than the rest already: it hits the limit.
#[test]
fn queue_jsonl_is_full() {
    let home = Home::new();
    let mut store = home.open();
    let ops = queue(&mut store, &[with_text("large", 3_000_000)]);
    // What is settled is gone from the cache at once, and from the file with the next rewriting only.
    drop(store);
    let length = std::fs::metadata(&home.files.queue).expect("it is there").len();
    checkpoint(&home);
    let variables = [("ANYT_STORE_LIMIT", &*(length + 2_000).to_string()), ("ANYT_STORE_TEXT", "10")];
    assert!(child("store::tests::full::one_that_hits_the_limit", home.folder.root(), &variables).success());
    let confirmed = std::fs::read_to_string(home.folder.path("confirmed")).expect("it wrote");
    assert!(confirmed.contains("error cannot write") && confirmed.contains("queue.jsonl"), "{confirmed}");
    let count = confirmed.lines().count() - 1;
    let mut store = home.open();
    assert_eq!((store.notices(), waiting(&store).len()), (vec![], count + ops.len()));
    assert_eq!(titles(&store).len(), count + ops.len());
    assert_eq!(home.queue_text().lines().count(), count + ops.len());
}

/// Empties the write-ahead log, so that only the spare copy is large.
fn checkpoint(home: &Home) {
    let db = rusqlite::Connection::open(&home.files.cache).expect("it is there");
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("nobody else is in it");
}
