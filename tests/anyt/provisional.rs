//! Issue 4 point 8: tasks made offline have a number of their own until the server gives one. Whoever takes that number,
//! everything that was queued about the task, its name in this directory and what people type follow.

use crate::common;
use crate::common::json::{self, Look};
use crate::common::proxy::{What, When};
use crate::common::{Dispute, Exit};

/// Two tasks made offline beside three of the server: DEV-4 and DEV-5, with everything queued about them that can be.
/// DEV-4 is the one picked here.
fn offline() -> Dispute {
    let dispute = Dispute::about(3);
    let anyt = |args: &[&str]| drop(dispute.alice.anyt(args).ok());
    anyt(&["task", "create", "First", "--offline"]);
    anyt(&["task", "create", "Second", "--parent", "DEV-4", "--offline"]);
    anyt(&["task", "update", "DEV-4", "--status", "active", "--offline"]);
    anyt(&["task", "note", "DEV-4", "-m", "noted offline", "--offline"]);
    anyt(&["task", "dep", "add", "DEV-5", "--on", "DEV-4", "--offline"]);
    anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-5", "--offline"]);
    anyt(&["task", "update", "DEV-2", "--parent", "DEV-4", "--offline"]);
    anyt(&["task", "pick", "DEV-4", "--offline"]);
    dispute
}

fn picked(dispute: &Dispute) -> String {
    json::parse(&dispute.alice.read("work/.anyt/active_task.json")).text("identifier").to_string()
}

/// The server has what was made offline under these two names, with all that was queued about it.
#[track_caller]
fn assert_all_followed(dispute: &Dispute, first: &str, second: &str) {
    let task = dispute.served(first);
    assert_eq!((task.text("title"), task.text("status")), ("First", "active"));
    assert!(task.text("description").contains("noted offline"), "{}", task.text("description"));
    for child in [second, "DEV-2"] {
        assert_eq!(dispute.served(child).int("parent_id"), task.int("id"), "the parent of {child}");
    }
    assert_eq!(dispute.served(second).text("title"), "Second");
    for (from, to) in [(second, first), ("DEV-1", second)] {
        let (_, needs) = dispute.bob().get(&format!("{}/dependencies", dispute.bob().tasks(from)));
        assert!(json::to_string(&needs).contains(&format!("\"{to}\"")), "{from} on {to}: {}", json::to_string(&needs));
        let listed = dispute.alice.anyt(&["task", "dep", "list", from, "--json"]).ok().json();
        assert_eq!(listed.text("data.depends_on.0.identifier"), to, "in the cache");
    }
    dispute.assert_settled();
}

#[test]
fn a_number_nobody_took_stays() {
    let dispute = offline();
    let run = dispute.sync(&["--no-input"]).ok();
    assert!(run.stdout.contains("  - Created: DEV-4\n  - Created: DEV-5\n"), "{run}");
    assert_eq!(picked(&dispute), "DEV-4");
    assert_all_followed(&dispute, "DEV-4", "DEV-5");
}

#[test]
fn a_colleague_took_the_numbers() {
    let dispute = offline();
    (0..2).for_each(|_| drop(dispute.bob().add_task("Bob's")));
    let run = dispute.sync(&["--no-input"]).ok();
    assert!(run.stdout.contains("  - Created: DEV-6 (was DEV-4)\n  - Created: DEV-7 (was DEV-5)\n"), "{run}");
    assert_eq!(picked(&dispute), "DEV-6");
    assert_all_followed(&dispute, "DEV-6", "DEV-7");
    let asked = dispute.alice.anyt(&["task", "show", "DEV-4"]).ok();
    assert!(asked.stdout.contains("Bob's"), "{asked}");
    assert!(asked.stderr.contains("the task created here as DEV-4 is now DEV-6"), "{asked}");
}

/// A pull alone sees that the number is gone: the task is renumbered here and later sent under the server's number.
#[test]
fn a_pull_renumbers_and_a_later_push_renames_again() {
    let dispute = offline();
    dispute.bob().add_task("Bob's");
    let pulled = dispute.sync(&["--pull", "--no-input"]).ok();
    assert!(pulled.stdout.contains("  DEV-4 is now DEV-6, until it is sent\n"), "{pulled}");
    assert_eq!(picked(&dispute), "DEV-6");
    let listed = dispute.alice.anyt(&["task", "dep", "list", "DEV-5", "--json"]).ok().json();
    assert_eq!(listed.text("data.depends_on.0.identifier"), "DEV-6");
    let asked = dispute.alice.anyt(&["task", "update", "DEV-4", "--priority", "1", "--offline"]).code(1);
    asked.warns("DEV-4 names two tasks").warns("created here as DEV-4 and now DEV-6").warns("the server's is t_4");
    dispute.alice.anyt(&["task", "update", "t_4", "--priority", "1", "--offline"]).ok();
    let run = dispute.sync(&["--no-input"]).ok();
    assert!(run.stdout.contains("  - Created: DEV-5 (was DEV-6)\n  - Created: DEV-6 (was DEV-5)\n"), "{run}");
    assert_eq!(picked(&dispute), "DEV-5");
    assert_all_followed(&dispute, "DEV-5", "DEV-6");
    assert_eq!(dispute.served("DEV-4").int("priority"), 1, "what was typed meant the server's task");
}

/// The name goes over with a command's own write as well, not only with a sync.
#[test]
fn a_direct_write_carries_the_picked_task_along() {
    let dispute = offline();
    dispute.bob().add_task("Bob's");
    dispute.alice.anyt(&["task", "update", "DEV-4", "--status", "done"]).ok();
    let first = dispute.bob().all_tasks().into_iter().find(|task| task.text("title") == "First").expect("it was sent");
    assert_eq!((first.text("identifier"), first.text("status")), ("DEV-5", "done"));
    assert_eq!(picked(&dispute), "DEV-5");
}

/// The create arrived, its answer did not, and a colleague's task came between: the pair is told apart.
#[test]
fn a_lost_answer_renames_too() {
    let dispute = offline();
    dispute.bob().add_task("Bob's");
    dispute.proxy.fault(When::first("POST", ""), What::DropReply);
    dispute.sync(&["--no-input"]).run();
    dispute.proxy.reset();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(picked(&dispute), "DEV-5");
    assert_all_followed(&dispute, "DEV-5", "DEV-6");
}

/// A run that was killed after the server's answer: whoever opens the cache next finds the name changed.
#[test]
fn a_crash_after_the_answer_renames_too() {
    let dispute = offline();
    dispute.bob().add_task("Bob's");
    let gate = common::proxy::Gate::new();
    dispute.proxy.fault(When::first("PATCH", ""), What::StallRequest(gate.clone()));
    let syncing = dispute.sync(&["--no-input"]).spawn();
    gate.wait_for_somebody();
    assert_eq!(syncing.kill().exit, Exit::Signal(9));
    dispute.proxy.reset();
    dispute.alice.anyt(&["task", "list"]).ok();
    // Without a name given, the command is about the picked task: the one made here, not Bob's.
    let shown = dispute.alice.anyt(&["task", "show", "--json"]).ok().json();
    assert_eq!(shown.text("data.title"), "First");
    dispute.sync(&["--no-input"]).ok();
    assert_all_followed(&dispute, "DEV-5", "DEV-6");
}

#[test]
fn what_was_never_sent_cancels_out() {
    let dispute = Dispute::about(2);
    let anyt = |args: &[&str]| dispute.alice.anyt(args).ok();
    let shown = || dispute.alice.anyt(&["task", "list", "--all", "--limit", "0", "--json"]).ok().stdout;
    let before = shown();
    anyt(&["task", "create", "Short-lived", "-d", "text", "--offline"]);
    anyt(&["task", "update", "DEV-3", "--status", "active", "--offline"]);
    anyt(&["task", "note", "DEV-3", "-m", "noted", "--offline"]);
    anyt(&["task", "dep", "add", "DEV-3", "--on", "DEV-1", "--offline"]);
    anyt(&["task", "dep", "add", "DEV-2", "--on", "DEV-3", "--offline"]);
    let removed = anyt(&["task", "rm", "DEV-3", "--force", "--offline"]);
    assert!(removed.stdout.contains("✓ Deleted DEV-3 (it was never sent)\n"), "{removed}");
    assert_eq!((shown(), dispute.alice.pending()), (before, 0));
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.proxy.writes().len(), 0, "{:?}", dispute.proxy.writes());
    // Its number is free again.
    anyt(&["task", "create", "Next", "--offline"]).says("✓ Created DEV-3 (queued for sync)");
}

/// A task that was to be the child of one that cancelled out is no child: nothing is sent for that.
#[test]
fn a_parent_that_cancelled_out_is_nobodys_parent() {
    let dispute = Dispute::about(2);
    let anyt = |args: &[&str]| dispute.alice.anyt(args).ok();
    anyt(&["task", "create", "Parent", "--offline"]);
    anyt(&["task", "create", "Child", "--parent", "DEV-3", "--offline"]);
    anyt(&["task", "update", "DEV-1", "--parent", "DEV-3", "--offline"]);
    anyt(&["task", "update", "DEV-2", "--parent", "DEV-3", "--status", "done", "--offline"]);
    anyt(&["task", "rm", "DEV-3", "--force", "--offline"]);
    for name in ["DEV-1", "DEV-2", "DEV-4"] {
        assert!(matches!(dispute.alice.cached_task(name).at("parent_id"), json::Value::Null), "{name}");
    }
    dispute.sync(&["--no-input"]).ok();
    let sent: Vec<String> =
        dispute.proxy.writes().iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
    assert_eq!(sent.len(), 2, "the child's creation and DEV-2's status: {sent:?}");
    assert_eq!(dispute.served("DEV-2").text("status"), "done");
    dispute.assert_settled();
}

/// A task whose creation is under way has perhaps arrived: its delete is sent, nothing cancels out.
#[test]
fn what_is_being_sent_does_not_cancel_out() {
    let dispute = Dispute::about(1);
    dispute.alice.anyt(&["task", "create", "Under way", "--offline"]).ok();
    let gate = common::proxy::Gate::new();
    dispute.proxy.fault(When::first("POST", ""), What::StallReply(gate.clone()));
    let syncing = dispute.sync(&["--no-input"]).spawn();
    gate.wait_for_somebody();
    dispute.alice.anyt(&["task", "rm", "DEV-2", "--force", "--offline"]).ok();
    gate.open();
    syncing.wait(common::run::TIMEOUT).ok();
    dispute.sync(&["--no-input"]).ok();
    assert!(dispute.bob().task("DEV-2").is_none());
    assert_eq!(dispute.bob().all_tasks().len(), 1);
    dispute.assert_settled();
}

/// DEV-4 was shown for ours, became a colleague's, and ours is DEV-5 now: the name alone deletes neither.
#[test]
fn a_name_that_a_real_task_had_leads_nowhere_else() {
    for offline in [true, false] {
        let dispute = Dispute::about(3);
        dispute.alice.anyt(&["task", "create", "Ours", "--offline"]).ok();
        dispute.bob().add_task("Bob's DEV-4");
        dispute.sync(&["--no-input"]).ok().says("Created: DEV-5 (was DEV-4)");
        let rm: &[&str] = if offline { &["task", "rm", "4", "-f", "--offline"] } else { &["task", "rm", "4", "-f"] };
        dispute.alice.anyt(rm).code(1).warns("DEV-4 names two tasks");
        assert!(dispute.bob().task("DEV-4").is_some());
        let uid: &[&str] =
            if offline { &["task", "rm", "t_4", "-f", "--offline"] } else { &["task", "rm", "t_4", "-f"] };
        dispute.alice.anyt(uid).ok().says("Deleted DEV-4");
        dispute.alice.anyt(rm).code(1).warns("there is no task DEV-4");
        dispute.sync(&["--no-input"]).ok();
        dispute.alice.anyt(rm).code(1).warns("there is no task DEV-4");
        assert_eq!(dispute.served("DEV-5").text("title"), "Ours");
    }
}
