//! P1 and P2 where the cache and the journal are not of one mind: the cache was wiped under a command that has it open, an
//! older one was put back, or lines of the journal are damaged.

mod common;

use common::deadline::wait_until;
use common::json::Look;
use common::proxy::{Gate, What, When};
use common::run::TIMEOUT;
use common::{Server, synced};
use rustix::process::{Pid, Signal, kill_process};

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
    proxy.fault(When::ending("GET", "/tasks"), What::StallReply(gate.clone()));
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

/// A backup of `~/.cache` alone, or a write-ahead log that was lost. The journal knows better.
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
        assert_eq!((sandbox.pending(), sandbox.read("state/anyt/dev/journal.jsonl")), (0, String::new()));
    }
}

/// What cannot be read is kept and said, not thrown away; the rest is folded in.
#[test]
fn damaged_lines_are_set_aside() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    for title in ["Damaged", "Windows", "Whole"] {
        sandbox.anyt(&["task", "create", title, "--offline"]).ok();
    }
    let journal = sandbox.read("state/anyt/dev/journal.jsonl");
    let lines = journal.lines().map(|line| match line {
        line if line.contains("Damaged") => line.replace("Damaged", "damaged") + "\n",
        line if line.contains("Windows") => format!("{line}\r\n"),
        line => format!("{line}\n"),
    });
    let torn = r#"{"crc":1,"entry":{"kind":"que"#;
    sandbox.write("state/anyt/dev/journal.jsonl", lines.collect::<String>() + torn);
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is ours");
    let run = sandbox.anyt(&["sync", "queue"]).ok().warns("1 line of the journal could not be read");
    let aside = sandbox.read("state/anyt/dev/journal.jsonl.damaged");
    assert!(aside.contains("damaged") && aside.lines().count() == 1, "{aside}\n{run}");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server), ["One", "Whole", "Windows"]);
}
