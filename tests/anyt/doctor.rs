//! `anyt doctor`: every trouble has its line and its remedy, and looking changes nothing.

use crate::common::json::{self, Look, Value};
use crate::common::{Dispute, Run, Sandbox};
use std::os::unix::fs::PermissionsExt;

/// The findings of a run as `check state: detail (remedy)`.
fn findings(run: &Run) -> Vec<String> {
    let line = |one: &Value| {
        let remedy = json::as_text(one.at("remedy")).map_or_else(String::new, |remedy| format!(" ({remedy})"));
        format!("{} {}: {}{remedy}", one.text("check"), one.text("state"), one.text("detail"))
    };
    run.json().items("data.items").iter().map(line).collect()
}

#[track_caller]
fn assert_found(sandbox: &Sandbox, exit: i32, line: &str, remedy: &str) {
    let before = sandbox.snapshot();
    let run = sandbox.anyt(&["doctor", "--json"]).code(exit);
    let found = findings(&run);
    assert!(found.iter().any(|found| found.starts_with(line) && found.contains(remedy)), "{line}\n{found:#?}");
    assert_eq!(sandbox.snapshot().changed_since(&before), Vec::<String>::new(), "{line}");
    let human = sandbox.anyt(&["doctor"]).code(exit);
    assert_eq!(human.stdout.lines().count(), found.len(), "{human}");
}

#[test]
fn where_all_is_well_it_says_so_and_changes_nothing() {
    let dispute = Dispute::about(2);
    let alice = &dispute.alice;
    let before = alice.snapshot();
    let run = alice.anyt(&["doctor", "--json"]).ok();
    let found = findings(&run);
    for check in [
        "anyt",
        "config",
        "environment",
        "folders",
        "token",
        "server",
        "clock",
        "account",
        "cache",
        "queue",
        "conflicts",
        "lock",
        "log",
    ] {
        assert!(found.iter().any(|line| line.starts_with(&format!("{check} ok: "))), "{check}\n{found:#?}");
    }
    assert_eq!(alice.snapshot().changed_since(&before), Vec::<String>::new());
    dispute.proxy.reset();
    let offline = findings(&alice.anyt(&["doctor", "--offline", "--json"]).ok());
    assert!(dispute.proxy.log().is_empty() && offline.len() == found.len() - 3, "{offline:#?}");
}

#[test]
fn every_trouble_has_its_line_and_its_remedy() {
    let dispute = Dispute::about(2);
    let alice = &dispute.alice;
    let healthy = |damage: &dyn Fn(&Sandbox)| {
        let twin = alice.twin();
        damage(&twin);
        twin
    };
    let config = "config/anyt/config.json";
    let sql = |twin: &Sandbox, sql: &str| {
        rusqlite::Connection::open(twin.cache_db()).unwrap().execute_batch(sql).unwrap();
    };
    assert_found(&healthy(&|twin| drop(twin.write(config, "{"))), 1, "config fail: damaged ", "mend it with an editor");
    assert_found(
        &healthy(&|twin| twin.configure("sync", json::parse(r#"{"merge":"no"}"#))),
        0,
        "config warn: ",
        "sync.merge takes true or false",
    );
    assert_found(&healthy(&|twin| drop(twin.write(config, "{}"))), 1, "environment fail: ", "anyt login URL");
    assert_found(
        &healthy(&|twin| twin.set_env("ANYT_AUTH_TOKEN", "")),
        4,
        "token fail: not signed in",
        "anyt auth login",
    );
    let wrong = healthy(&|twin| twin.set_env("ANYT_AUTH_TOKEN", "anyt_no"));
    assert_found(&wrong, 4, "account fail: ", "the credential came from ANYT_AUTH_TOKEN: correct it, or");
    assert_found(
        &healthy(&|twin| drop(std::fs::remove_file(twin.cache_db()))),
        0,
        "cache warn: nothing was fetched yet",
        "(anyt sync)",
    );
    assert_found(
        &healthy(&|twin| {
            let mut bytes = std::fs::read(twin.cache_db()).unwrap();
            let length = bytes.len();
            bytes[8192..length].fill(0x55);
            std::fs::write(twin.cache_db(), bytes).unwrap();
        }),
        1,
        "cache fail: ",
        "anyt sync",
    );
    let old = "UPDATE sync_metadata SET value = '2020-01-01T00:00:00Z' WHERE key = 'last_sync'";
    assert_found(&healthy(&|twin| sql(twin, old)), 0, "cache warn: ", "days ago (anyt sync)");
    assert_found(
        &healthy(&|twin| drop(twin.write("state/anyt/dev/queue.jsonl", "something\n"))),
        0,
        "queue warn: 0 changes queued, 0 refused; queue.jsonl differs",
        "anyt sync",
    );
    let failed = "INSERT INTO sync_log (direction, synced_at, changes, conflicts, errors, detail) \
                  VALUES ('pull', '2026-01-01T00:00:00Z', 0, 0, 2, 'out of reach')";
    assert_found(
        &healthy(&|twin| sql(twin, failed)),
        0,
        "log warn: the last pull had 2 errors: out of reach",
        "anyt sync",
    );
    let ahead = healthy(&|twin| twin.set_env("ANYT_CLOCK_SKEW", "300"));
    assert_found(&ahead, 0, "clock warn: ", "s ahead of the server's");
    let hooked = healthy(&|twin| drop(twin.write("work/.git/hooks/post-merge", "anyt sync -q --no-input\n")));
    assert_found(&hooked, 0, "hooks warn: ", "chmod +x ");
    let hook = hooked.path("work/.git/hooks/post-merge");
    // One that nobody writes into is not waited for.
    let pipe = std::process::Command::new("mkfifo").arg(hook.with_file_name("pipe")).status();
    assert!(pipe.expect("mkfifo").success());
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_found(&hooked, 0, "hooks ok: ", "post-merge calls anyt");
    dispute.proxy.go_down();
    assert_found(&healthy(&|_| ()), 5, "server fail: ", "--offline");
}

#[test]
fn what_waits_is_counted_and_who_is_at_work_is_named() {
    let dispute = Dispute::over_a_title();
    let alice = &dispute.alice;
    assert_found(alice, 0, "queue ok: 1 change queued, 0 refused", "");
    alice.anyt(&["sync", "--no-input"]).code(3);
    assert_found(alice, 0, "conflicts warn: 1 wait", "anyt sync resolve");
    let path = alice.path("state/anyt/dev/sync.lock");
    let held = anyt::lock::LockFile::open(&path).and_then(|lock| lock.hold(std::time::Duration::ZERO)).unwrap();
    assert_found(alice, 0, &format!("lock ok: process {} is at work", std::process::id()), "");
    drop(held);
    // Who was killed leaves its name, and no lock.
    std::fs::write(&path, "1 2026-01-01T00:00:00Z\n").unwrap();
    assert_found(alice, 0, "lock ok: free", "");
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let person = Sandbox::new();
    person.anyt(&["env", "add", "dev", &format!("http://{}", silent.local_addr().unwrap())]).ok();
    person.set_env("ANYT_AUTH_TOKEN", "anyt_x");
    let run = person.anyt(&["doctor"]).env("ANYT_TIMEOUT", "1").code(5);
    assert!(run.elapsed < std::time::Duration::from_secs(10), "{run}");
}
