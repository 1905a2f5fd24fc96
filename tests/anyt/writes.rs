//! A command's own write is an operation like any other (docs/sync.md): sent at once; out of reach it is queued, which is a
//! success; and what must not be queued leaves nothing behind but what may have arrived.

use crate::common::deadline::wait_until;
use crate::common::faults::{Seen, What, When};
use crate::common::json::{self, Look};
use crate::common::proxy::Gate;
use crate::common::pty::Terminal;
use crate::common::run::TIMEOUT;
use crate::common::{Dispute, Exit, Run, synced};
use std::time::Duration;

/// What a queued write says: the task on standard output, the reason on standard error, and `queued` in the document.
#[test]
fn a_queued_write_is_a_success() {
    let dispute = Dispute::about(1);
    dispute.proxy.go_down();
    let created = dispute.alice.anyt(&["task", "create", "Kept"]).ok();
    assert_eq!(created.stdout, "✓ Created DEV-2 (queued for sync: the server is out of reach)\n");
    assert!(created.stderr_lines().len() == 1 && created.stderr.contains("anyt sync"), "{created}");
    let document = dispute.alice.anyt(&["task", "done", "DEV-1", "--json"]).ok().json();
    assert!(json::to_string(document.at("data.queued")) == "true", "{}", json::to_string(&document));
    assert!(json::to_string(document.at("success")) == "true", "{}", json::to_string(&document));
    let document = dispute.alice.anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-2", "--json"]).ok().json();
    assert!(json::to_string(document.at("data.queued")) == "true", "{}", json::to_string(&document));
    assert_eq!(dispute.alice.pending(), 3);
    dispute.proxy.come_back();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-1").text("status"), "done");
    let sent = dispute.alice.anyt(&["task", "done", "DEV-2", "--json"]).ok().json();
    assert!(json::to_string(sent.at("data.queued")) == "false", "{}", json::to_string(&sent));
    dispute.assert_settled();
}

/// Creates arrive and nothing comes back, also to questions about them.
fn lose_answers(dispute: &Dispute, fault: What) {
    dispute.proxy.fault(When::ending("POST", "/tasks").always(), fault);
    let look = |seen: &Seen| seen.method == "GET" && !seen.target.ends_with("/auth");
    dispute.proxy.fault(When::is(look).always(), What::status(500, &[]));
}

/// The same command run again by a script does not make a second task: the first one succeeded.
#[test]
fn a_create_whose_answer_was_lost_is_kept_and_found() {
    let dispute = Dispute::about(0);
    lose_answers(&dispute, What::DropReply);
    let run = dispute.alice.anyt(&["task", "create", "Once"]).ok();
    assert!(run.stdout.contains("queued for sync") && run.stderr.contains("may have arrived"), "{run}");
    dispute.proxy.reset();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.bob().all_tasks().len(), 1);
    dispute.assert_settled();
}

/// `--no-queue`: nothing of it stays, unless it may have arrived; then it is kept, and said.
#[test]
fn what_must_not_be_queued_is_not() {
    let gone = |run: Run, dispute: &Dispute| {
        assert_eq!((run.exit, dispute.alice.pending()), (Exit::Code(5), 0), "{run}");
    };
    let dispute = Dispute::about(1);
    dispute.proxy.fault(When::first("PATCH", "").always(), What::status(429, &[("Retry-After", "3600")]));
    gone(dispute.alice.anyt(&["task", "done", "DEV-1", "--no-queue"]).run(), &dispute);
    let dispute = Dispute::about(1);
    dispute.proxy.go_down();
    gone(dispute.alice.anyt(&["task", "done", "DEV-1", "--no-queue"]).run(), &dispute);
    assert_eq!(dispute.alice.cached_task("DEV-1").text("status"), "backlog");

    for fault in [What::status(500, &[]), What::DropReply] {
        let dispute = Dispute::about(0);
        lose_answers(&dispute, fault);
        let run = dispute.alice.anyt(&["task", "create", "Perhaps", "--no-queue"]).code(5);
        assert!(run.stderr.contains("it may have arrived, so it is kept"), "{run}");
        assert_eq!(dispute.alice.pending(), 1, "{run}");
        dispute.proxy.reset();
        dispute.sync(&["--no-input"]).ok();
        assert_eq!(dispute.bob().all_tasks().len(), 1);
        dispute.assert_settled();
    }
}

/// Of every kind of change: whatever the server answered with, what stays is only what may have arrived, and it is said.
#[test]
fn only_what_may_have_arrived_is_kept() {
    let turned_away = [What::status(403, &[]), What::status(422, &[]), What::status(429, &[("Retry-After", "3600")])];
    let lost = [What::status(500, &[]), What::status(502, &[]), What::ResetAfterRequestBytes(20), What::DropReply];
    for (args, method) in [
        (&["task", "update", "DEV-1", "--title", "Mine", "--no-queue"][..], "PATCH"),
        (&["task", "rm", "DEV-1", "-f", "--no-queue"], "DELETE"),
        (&["task", "create", "Mine", "--no-queue"], "POST"),
        (&["task", "dep", "add", "DEV-1", "--on", "DEV-2", "--no-queue"], "POST"),
    ] {
        for (fault, may_have_arrived) in
            turned_away.iter().map(|fault| (fault, false)).chain(lost.iter().map(|fault| (fault, true)))
        {
            let dispute = Dispute::about(2);
            dispute.proxy.fault(When::ending(method, "").always(), fault.clone());
            let run = dispute.alice.anyt(args).run();
            let kept = run.stderr.contains("it may have arrived, so it is kept");
            assert_eq!(dispute.alice.pending(), usize::from(kept), "{args:?} {fault:?}\n{run}");
            assert!(!kept || (may_have_arrived && run.exit == Exit::Code(5)), "{fault:?}\n{run}");
            assert!(may_have_arrived || run.exit != Exit::Code(0), "{fault:?}\n{run}");
            dispute.proxy.reset();
            if kept {
                dispute.sync(&["--no-input"]).ok();
            } else if !may_have_arrived {
                assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Task 1", "{run}");
                assert_eq!(dispute.alice.cached_tasks().len(), 2, "{run}");
                dispute.alice.set_env("ANYT_CLOCK_SKEW", "7200");
            }
            dispute.assert_settled();
            assert!(dispute.bob().all_tasks().len() <= 3);
        }
    }
}

#[test]
fn a_conflict_that_must_not_be_queued_is_dropped() {
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    let run = dispute.alice.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--no-queue", "--no-input"]).code(3);
    assert!(run.stderr.contains("both sides changed it; nothing was changed"), "{run}");
    assert_eq!((dispute.alice.pending(), dispute.inbox().len()), (0, 0), "{run}");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), "Theirs".into()));
    dispute.assert_settled();
}

/// What is piped into a command that writes is somebody else's data: it is not read as an answer.
#[test]
fn a_write_reads_no_answer_from_a_pipe() {
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    dispute.alice.anyt(&["task", "update", "DEV-1", "--title", "Mine"]).stdin("1\n").code(3);
    assert_eq!(dispute.served("DEV-1").text("title"), "Theirs");
    assert_eq!(dispute.inbox(), ["DEV-1"]);
    // A person is asked.
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    let mut terminal = Terminal::anyt(&dispute.alice, &["task", "update", "DEV-1", "--title", "Mine"]);
    terminal.expect("Choice [1-3]: ").send("1\r");
    assert_eq!(terminal.end().exit, Exit::Code(0));
    assert_eq!(dispute.served("DEV-1").text("title"), "Mine");
}

/// `--if-match` holds where the change is sent, also later; it fails with a code of its own and leaves nothing queued.
#[test]
fn a_condition_travels_with_the_change() {
    let update = |title: &'static str, more: &'static [&'static str]| {
        [&["task", "update", "DEV-1", "--title", title, "--if-match", "1"], more].concat()
    };
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"priority":2}"#);
    let run = dispute.alice.anyt(&update("Mine", &[])).code(7);
    assert!(run.stderr.contains("DEV-1 is not at version 1"), "{run}");
    assert_eq!((dispute.alice.pending(), dispute.served("DEV-1").text("title").to_string()), (0, "Task 1".into()));

    let dispute = Dispute::about(1);
    dispute.alice.anyt(&update("Mine", &["--offline"])).ok();
    dispute.theirs("DEV-1", r#"{"priority":2}"#);
    dispute.sync(&["--no-input"]).code(7);
    assert_eq!(dispute.both("DEV-1", "title"), ("Task 1".into(), "Task 1".into()));
    dispute.assert_settled();

    // What the cache knows by then needs no server; what holds is sent.
    let known = dispute.alice.anyt(&update("Mine", &["--offline"])).code(7);
    assert!(known.stderr.contains("DEV-1 is at version 2 here"), "{known}");
    assert_eq!(dispute.alice.pending(), 0);
    dispute.alice.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--if-match", "2"]).ok();
    assert_eq!(dispute.served("DEV-1").text("title"), "Mine");
    dispute.assert_settled();
}

/// A circle would wait for itself for ever. The cached graph tells, with what is queued.
#[test]
fn circles_are_refused() {
    let dispute = Dispute::about(3);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "dep", "add", "DEV-1", "--on", "DEV-2"]).ok();
    alice(&["task", "dep", "add", "DEV-2", "--on", "DEV-3", "--offline"]).ok();
    let run = alice(&["task", "dep", "add", "DEV-3", "--on", "DEV-1", "--offline"]).code(1);
    assert!(run.stderr.contains("DEV-1 depends on DEV-3 already, itself or through others"), "{run}");
    alice(&["task", "dep", "add", "DEV-3", "--on", "DEV-3", "--offline"]).code(2);

    alice(&["task", "create", "Child", "--parent", "DEV-1", "--offline"]).ok();
    alice(&["task", "create", "Grandchild", "--parent", "DEV-4", "--offline"]).ok();
    let run = alice(&["task", "update", "DEV-1", "--parent", "DEV-5", "--offline"]).code(1);
    assert!(run.stderr.contains("DEV-5 is below DEV-1 already"), "{run}");
    alice(&["task", "update", "DEV-1", "--parent", "DEV-1", "--offline"]).code(2);
    dispute.sync(&["--no-input"]).ok();
    dispute.assert_settled();
}

/// The server gave the name to a colleague's task: nobody who types it can mean both.
#[test]
fn a_name_of_two_tasks_changes_neither() {
    let dispute = Dispute::about(0);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "create", "Mine", "--offline"]).ok();
    dispute.bob().add_task("Theirs");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-2").text("title"), "Mine");
    for args in [
        &["task", "rm", "DEV-1", "-f"][..],
        &["task", "done", "DEV-1"],
        &["task", "update", "DEV-1", "-p", "2", "--offline"],
        &["task", "dep", "add", "DEV-2", "--on", "DEV-1"],
        &["task", "create", "Child", "--parent", "DEV-1"],
    ] {
        let run = alice(args).code(1);
        assert!(
            run.stderr.contains("'Theirs' on the server, and 'Mine', created here as DEV-1 and now DEV-2"),
            "{run}"
        );
    }
    assert_eq!((dispute.bob().all_tasks().len(), dispute.alice.pending()), (2, 0));
    alice(&["task", "show", "DEV-1"]).ok().says("Theirs").warns("the task created here as DEV-1 is now DEV-2");
    let uid = dispute.served("DEV-1").text("uid").to_string();
    alice(&["task", "done", &uid]).ok();
    alice(&["task", "rm", "DEV-2", "-f"]).ok();
    assert_eq!(dispute.served("DEV-1").text("status"), "done");
}

/// One label, typed with composed characters or without.
#[test]
fn a_label_is_one_in_either_spelling() {
    let dispute = Dispute::about(2);
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "update", "DEV-1", "--labels", composed]).ok();
    dispute.sync(&["--no-input"]).ok();
    alice(&["task", "update", "DEV-2", "--add-labels", decomposed]).ok();
    assert_eq!(
        json::to_string(dispute.served("DEV-2").at("labels")),
        json::to_string(dispute.served("DEV-1").at("labels"))
    );
    let listed = alice(&["task", "list", "--labels", decomposed, "--json"]).ok().json();
    assert_eq!(listed.int("data.total"), 2);
    alice(&["task", "update", "DEV-1", "--remove-labels", decomposed]).ok();
    assert_eq!(dispute.served("DEV-1").items("labels").len(), 0);
}

/// Nobody who typed it sees a sync fail: what was typed is kept.
#[test]
fn a_text_whose_condition_fails_in_a_sync_is_kept() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["task", "update", "DEV-1", "-d", "A long text", "--if-match", "1", "--offline"]).ok();
    server.bob().edit_task("DEV-1", r#"{"title":"Theirs"}"#);
    sandbox.anyt(&["sync", "--no-input"]).code(7);
    assert_eq!(sandbox.pending(), 0);
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    let task = server.bob().task("DEV-1").expect("live");
    assert_eq!((task.text("title"), task.text("description")), ("Theirs", "A long text"));
}

/// A sync of the same home drops what a command has just queued and waits to send: the command does not say that it is done.
#[test]
fn what_another_run_drops_is_no_success() {
    let (server, proxy, sandbox) = synced(&["One"]);
    let gate = Gate::new();
    proxy.fault(When::ending("GET", "/workspaces"), What::StallReply(gate.clone()));
    let syncing = sandbox.anyt(&["sync", "--no-input"]).spawn();
    gate.wait_for_somebody();
    server.bob().edit_task("DEV-1", r#"{"title":"Theirs"}"#);
    let writing = sandbox.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--if-match", "1"]).spawn();
    wait_until("it is queued", Duration::from_secs(10), || sandbox.pending() == 1);
    gate.open();
    let run = writing.wait(TIMEOUT);
    syncing.wait(TIMEOUT);
    // On a machine that is too busy the sync takes longer than it is waited for: then it is queued.
    assert!(run.exit == Exit::Code(7) || run.stdout.contains("queued"), "{run}");
    assert_eq!(server.bob().task("DEV-1").expect("live").text("title"), "Theirs");
    assert_eq!(sandbox.pending(), 0);
}

/// What cannot be sent for a fault of the disk is out of the queue again, so that a second try makes no second task.
#[test]
fn a_disk_that_fails_leaves_nothing_queued_unsaid() {
    for file in ["sync.lock", "discarded.jsonl"] {
        let (server, proxy, sandbox) = synced(&["One"]);
        let path = sandbox.queue_file().with_file_name(file);
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir(&path).expect("our own folder");
        // One that is refused has a text to keep.
        if file == "discarded.jsonl" {
            proxy.fault(When::ending("POST", "/tasks"), What::status(422, &[]));
        }
        let run = sandbox.anyt(&["task", "create", "New"]).code(1);
        std::fs::remove_dir(&path).expect("our own folder");
        let waits = sandbox.pending();
        assert!(waits == 0 || run.stderr.contains("it stays queued"), "{file}: {waits} wait\n{run}");
        assert!(!run.stderr.contains("nothing was changed") || waits == 0, "{file}: {waits} wait\n{run}");
        sandbox.anyt(&["sync"]).run();
        assert!(server.bob().all_tasks().len() <= 2, "{file}\n{run}");
    }
}
