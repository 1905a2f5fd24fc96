//! P1 and P2 where cache.db and queue.jsonl are not of one mind: the cache was wiped, perhaps under a command that has it
//! open, is damaged, or an older or newer one; or lines of queue.jsonl are torn or damaged.

use crate::common;
use crate::common::deadline::wait_until;
use crate::common::json::Look;
use crate::common::proxy::{Gate, Proxy, What, When};
use crate::common::run::TIMEOUT;
use crate::common::{ALICE, Exit, Sandbox, Server, synced};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::path::Path;

fn titles(server: &Server) -> Vec<String> {
    let mut titles: Vec<_> = server.bob().all_tasks().iter().map(|task| task.text("title").to_string()).collect();
    titles.sort();
    titles
}

/// A sync waits for the lock with the cache open. By the time it gets the lock, that file is nobody's, and what was queued
/// in it has been sent. Fails without `is_in_place` in `recover`.
#[test]
fn a_cache_wiped_under_a_sync_that_waits_for_the_lock() {
    let (server, proxy, sandbox) = synced(&["One"]);
    proxy.hide_idempotency();
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    let gate = Gate::new();
    proxy.fault(When::ending("GET", "/workspaces"), What::StallReply(gate.clone()));
    let first = sandbox.anyt(&["sync", "--no-input"]).spawn();
    gate.wait_for_somebody();
    let second = sandbox.anyt(&["sync", "--no-input", "--wait", "30"]).spawn();
    let files = format!("/proc/{}/fd", second.pid());
    wait_until("the second sync has the cache open", TIMEOUT, || {
        let links = std::fs::read_dir(&files).into_iter().flatten().flatten();
        links.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file.ends_with("sync.lock"))
    });
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is ours");
    let pid = i32::try_from(second.pid()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, Signal::STOP).expect("our own process");
    first.kill();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    kill_process(pid, Signal::CONT).expect("our own process");
    let run = second.wait(TIMEOUT);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server), ["Mine", "One"], "{run}");
    assert_eq!(sandbox.pending(), 0);
}

/// A backup of `~/.cache` alone, or a write-ahead log that was lost. queue.jsonl knows better.
#[test]
fn an_older_cache_gets_what_was_queued_since() {
    for more in [false, true] {
        let (server, _proxy, sandbox) = synced(&["One"]);
        if more {
            sandbox.anyt(&["task", "update", "DEV-1", "--status", "active", "--offline"]).ok();
        }
        let old = std::fs::read(sandbox.cache_db()).expect("it is there");
        sandbox.anyt(&["task", "create", "Since", "--offline"]).ok();
        std::fs::write(sandbox.cache_db(), old).expect("it is ours");
        if !more {
            sandbox.anyt(&["sync", "queue"]).ok().says("Create: DEV-2");
        }
        let run = sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(titles(&server), ["One", "Since"], "{run}");
        assert_eq!((sandbox.pending(), sandbox.read("state/anyt/dev/queue.jsonl")), (0, String::new()));
    }
}

/// What cannot be read is kept and said, not thrown away; the rest waits again.
#[test]
fn damaged_lines_are_set_aside() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    for title in ["Damaged", "Windows", "Whole"] {
        sandbox.anyt(&["task", "create", title, "--offline"]).ok();
    }
    let copy = sandbox.read("state/anyt/dev/queue.jsonl");
    let lines = copy.lines().map(|line| match line {
        line if line.contains("Damaged") => line.replace("\"title\":\"Damaged", "\"title\":Damaged") + "\n",
        line if line.contains("Windows") => format!("{line}\r\n"),
        line => format!("{line}\n"),
    });
    let torn = r#"{"op_id":"0","operation":"cre"#;
    sandbox.write("state/anyt/dev/queue.jsonl", lines.collect::<String>() + torn);
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is ours");
    let run = sandbox.anyt(&["sync", "queue"]).ok().warns("2 lines of queue.jsonl could not be read");
    let aside = sandbox.read("state/anyt/dev/queue.jsonl.damaged");
    assert!(aside.contains("Damaged") && aside.contains(torn) && aside.lines().count() == 2, "{aside}\n{run}");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server), ["One", "Whole", "Windows"]);
}

/// Whatever the next command is, it finds the queue.
#[test]
fn a_wiped_cache_gets_its_queue_back_at_the_next_command() {
    for next in [
        &["task", "list"][..],
        &["sync", "queue"],
        &["sync", "status", "--offline"],
        &["task", "create", "After", "--offline"],
        &["sync", "--no-input"],
        &["task", "show", "DEV-4"],
    ] {
        let (server, _proxy, sandbox) = synced(&["One", "Two", "Three"]);
        sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-4", "--priority", "2", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-1", "--title", "Changed", "--offline"]).ok();
        sandbox.anyt(&["task", "rm", "DEV-2", "--force", "--offline"]).ok();
        sandbox.anyt(&["task", "dep", "add", "DEV-4", "--on", "DEV-3", "--offline"]).ok();
        std::fs::remove_dir_all(sandbox.path("cache")).expect("it is ours");
        let run = sandbox.anyt(next).ok().warns("restored");
        sandbox.anyt(&["sync", "--no-input"]).ok();
        let mut wanted = vec!["Changed", "Mine", "Three"];
        if next.contains(&"After") {
            wanted.insert(0, "After");
        }
        assert_eq!(titles(&server), wanted, "{run}");
        let mine = sandbox.cached_tasks().into_iter().find(|task| task.text("title") == "Mine").expect("it is there");
        assert_eq!(mine.int("priority"), 2, "{run}");
        let shown = sandbox.cached_task(mine.text("identifier"));
        assert_eq!(shown.items("depends_on").len(), 1, "{run}");
        assert_eq!(sandbox.pending(), 0);
    }
}

/// The cache is wiped while a sync of it stands before a stalled server: the next command has a new cache and cannot
/// take what queue.jsonl has, because the sync holds the lock. The queue is there afterwards all the same.
#[test]
fn a_cache_wiped_under_a_running_sync() {
    let (server, _proxy, sandbox) = synced(&["One", "Two", "Three"]);
    let proxy = Proxy::before(&server);
    let other = Sandbox::new();
    other.sign_in_at(&proxy.url(), ALICE);
    other.anyt(&["sync"]).ok();
    other.anyt(&["task", "create", "Queued", "--offline"]).ok();
    let gate = Gate::new();
    proxy.fault(When::ending("GET", "/workspaces"), What::StallReply(gate.clone()));
    let syncing = other.anyt(&["sync", "--no-input", "--pull"]).spawn();
    gate.wait_for_somebody();
    std::fs::remove_dir_all(other.path("cache/anyt")).expect("it is ours");
    other.anyt(&["task", "list"]).run();
    syncing.kill();
    gate.open();
    other.anyt(&["sync", "--no-input"]).ok();
    drop(sandbox);
    assert_eq!(titles(&server), ["One", "Queued", "Three", "Two"]);
}

/// A cache that was lost has no cursor, so there is nothing to ask "what is new?" by: a create whose reply is lost then
/// is looked for among all tasks. Fails without `stage_anew` (found by tests/anyt/convergence.rs, seed 2015).
#[test]
fn a_lost_reply_after_a_lost_cache_creates_nothing_twice() {
    let server = Server::start();
    let proxy = Proxy::before(&server);
    proxy.hide("Idempotency-Key");
    proxy.hide("Idempotency-Key-Honoured");
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    proxy.fault(When::ending("POST", "/tasks"), What::DropReply);
    sandbox.anyt(&["sync", "--push", "--no-input"]).run();
    sandbox.anyt(&["sync", "--push", "--no-input"]).ok();
    assert_eq!(titles(&server), ["Mine"]);
}

/// A damaged cache is made anew; for a file that is none the message says what to do. Both bring the queue back.
#[test]
fn a_damaged_cache_with_queued_work() {
    for damage in ["header", "pages", "cut off"] {
        let (server, _proxy, sandbox) = synced(&["One", "Two", "Three"]);
        sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-1", "--title", "Changed", "--offline"]).ok();
        let cache = sandbox.cache_db();
        let mut bytes = std::fs::read(&cache).expect("it is there");
        match damage {
            "header" => bytes[..100].fill(b'x'),
            "pages" => bytes[100..].fill(0xA5),
            _ => bytes.truncate(5000),
        }
        std::fs::write(&cache, &bytes).expect("it is ours");
        let run = sandbox.anyt(&["task", "list"]).run();
        if damage == "header" {
            // Perhaps it is somebody else's file.
            run.is_one_line_of_error();
            let words: Vec<&str> = run.stderr.split_whitespace().map(|word| word.trim_end_matches(')')).collect();
            let command = words.iter().position(|word| *word == "mv").unwrap_or_else(|| panic!("no command\n{run}"));
            let done = sandbox.program(Path::new("mv"), &words[command + 1..command + 3]).run();
            assert_eq!(done.exit, Exit::Code(0), "the command of the message\n{run}\n{done}");
        } else {
            assert!(run.stderr.contains("made anew"), "{damage}\n{run}");
        }
        let synced = sandbox.anyt(&["sync", "--no-input"]).ok();
        let said = run.stderr + &synced.stderr;
        assert!(said.contains("2 queued operations were restored"), "{damage}\n{said}");
        assert_eq!(titles(&server), ["Changed", "Mine", "Three", "Two"], "{damage}");
    }
}

#[test]
fn a_cache_of_a_newer_version_keeps_its_queue() {
    let (server, _proxy, sandbox) = synced(&["One", "Two", "Three"]);
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    let version = |number: i64| {
        let cache = rusqlite::Connection::open(sandbox.cache_db()).expect("it is there");
        cache.pragma_update(None, "user_version", number).expect("it is writable");
    };
    let known: i64 = rusqlite::Connection::open(sandbox.cache_db())
        .and_then(|cache| cache.query_row("PRAGMA user_version", [], |row| row.get(0)))
        .expect("it is there");
    version(9999);
    let copy = sandbox.read("state/anyt/dev/queue.jsonl");
    for args in [&["sync", "-q"][..], &["sync", "queue"], &["task", "list"], &["sync", "--force", "--yes", "-q"]] {
        sandbox.anyt(args).code(1).is_one_line_of_error();
    }
    assert_eq!(sandbox.read("state/anyt/dev/queue.jsonl"), copy);
    version(known);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server), ["Mine", "One", "Three", "Two"]);
}

/// Cut anywhere in its last line: with the cache nothing is missing, without it at most that line.
#[test]
fn a_torn_tail_of_the_spare_copy() {
    let (server, _proxy, prepared) = synced(&["One", "Two", "Three"]);
    prepared.anyt(&["task", "create", "First", "--offline"]).ok();
    let whole = std::fs::read(prepared.queue_file()).expect("it is there").len();
    prepared.anyt(&["task", "create", "Last", "--offline"]).ok();
    let copy = std::fs::read(prepared.queue_file()).expect("it is there");
    for cut in [whole + 1, whole + 30, copy.len() - 2, copy.len() - 1] {
        for wiped in [false, true] {
            let sandbox = prepared.twin();
            std::fs::write(sandbox.queue_file(), &copy[..cut]).expect("it is ours");
            if wiped {
                std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is ours");
            }
            sandbox.anyt(&["task", "list"]).ok();
            sandbox.anyt(&["task", "create", "After", "--offline", "--workspace", "DEV"]).run();
            let shown: BTreeSet<String> = sandbox
                .cached_tasks()
                .iter()
                .map(|task| task.text("title").to_string())
                .filter(|title| ["First", "Last"].contains(&title.as_str()))
                .collect();
            let all = !wiped || cut == copy.len() - 1;
            let wanted = if all { &["First", "Last"][..] } else { &["First"] };
            assert!(shown.iter().eq(wanted.iter()), "cut at {cut}, wiped {wiped}: {shown:?}");
            // The line after the torn one is whole.
            let before = sandbox.pending();
            std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is ours");
            assert_eq!(sandbox.pending(), before, "cut at {cut}, wiped {wiped}");
        }
    }
    drop(server);
}

/// The cache is wiped while a sync of it stands before a stalled server, work is queued into the new cache, and the sync
/// ends: it knows only its own file, and must not shorten queue.jsonl by what that says. Fails without `is_in_place` in
/// `recover::compact`.
#[test]
fn a_sync_of_a_wiped_cache_leaves_the_spare_copy_to_the_new_one() {
    let (server, ..) = synced(&["One", "Two", "Three"]);
    let proxy = Proxy::before(&server);
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "create", "Before", "--offline"]).ok();
    let gate = Gate::new();
    proxy.fault(When::ending("GET", "/workspaces"), What::StallReply(gate.clone()));
    let syncing = sandbox.anyt(&["sync", "--no-input"]).spawn();
    gate.wait_for_somebody();
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is ours");
    for title in ["One more", "Two more"] {
        sandbox.anyt(&["task", "create", title, "--offline"]).ok();
    }
    gate.open();
    syncing.wait(common::run::TIMEOUT);
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is ours");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server), ["Before", "One", "One more", "Three", "Two", "Two more"]);
}

/// A create has been carried out, and what names its row still waits: without the cache, queue.jsonl says which row that is.
#[test]
fn what_names_a_made_row_survives_without_the_cache() {
    let (server, proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["task", "create", "Parent", "--offline"]).ok();
    sandbox.anyt(&["task", "create", "Child", "--parent", "DEV-2", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-1", "--parent", "DEV-2", "--offline"]).ok();
    sandbox.anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-2", "--offline"]).ok();
    let made = std::sync::atomic::AtomicBool::new(false);
    let after_the_first = move |method: &str| method != "GET" && made.swap(true, std::sync::atomic::Ordering::SeqCst);
    proxy.fault(When::is(move |seen| after_the_first(seen.method)).always(), What::status(403, &[]));
    sandbox.anyt(&["sync", "--no-input"]).code(6);
    assert_eq!(sandbox.pending(), 3);
    std::fs::remove_dir_all(sandbox.path("cache")).expect("our own folder");
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).run();
    sandbox.anyt(&["sync", "queue", "retry", "--all"]).run();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!((sandbox.pending(), titles(&server)), (0, ["Child", "One", "Parent"].map(String::from).to_vec()));
    let parent =
        sandbox.cached_tasks().iter().find(|task| task.text("title") == "Parent").expect("it is there").int("id");
    for task in sandbox.cached_tasks().iter().filter(|task| task.text("title") != "Parent") {
        let shown = sandbox.cached_task(task.text("identifier"));
        assert_eq!(shown.int("parent_id"), parent, "{}", task.text("title"));
    }
    assert_eq!(sandbox.cached_task("DEV-1").items("depends_on").len(), 1);
}
