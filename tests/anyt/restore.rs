//! `sync restore`: what was thrown away comes back as what it was, once, and on the task that it was about; and what is
//! dropped leaves the rest of the queue meaning what it meant.

use crate::common::json::{self, Look};
use crate::common::proxy::{Gate, What, When};
use crate::common::pty::Terminal;
use crate::common::{Dispute, Exit, synced};

#[test]
fn names_are_given_again_and_edits_do_not_follow_them() {
    let dispute = Dispute::about(0);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "create", "A", "--offline"]).ok();
    alice(&["task", "update", "DEV-1", "--status", "done", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "2", "--yes"]).ok();
    alice(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
    alice(&["task", "create", "B, not done at all", "--offline"]).ok();
    let refused = alice(&["sync", "restore", "--last"]).code(1);
    assert!(refused.stderr.contains("no longer here; nothing was restored"), "{refused}");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-1").text("status"), "backlog");
}

/// The task was sent meanwhile and got another name: it is found by the operation that made it.
#[test]
fn an_edit_of_a_task_that_was_sent_since_finds_it() {
    let dispute = Dispute::about(0);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "create", "Mine", "--offline"]).ok();
    alice(&["task", "update", "DEV-1", "--status", "done", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "2", "--yes"]).ok();
    dispute.bob().add_task("Bob's");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-2").text("title"), "Mine");
    alice(&["sync", "restore", "--last"]).ok();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-2").text("status"), "done");
    assert_eq!(dispute.served("DEV-1").text("status"), "backlog");
    dispute.assert_settled();
}

#[test]
fn nothing_is_restored_twice() {
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "create", "Mine", "--offline"]).ok();
    alice(&["task", "dep", "add", "DEV-2", "--on", "DEV-1", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "--all", "--yes"]).ok();
    let listed = alice(&["sync", "restore", "--list", "--json"]).ok().json();
    let number = listed.items("data.items")[0].int("number").to_string();
    alice(&["sync", "restore", &number]).ok().says("✓ Queued 2 operations again");
    alice(&["sync", "restore", &number]).ok().warns("2 operations restored before, and not again");
    alice(&["sync", "restore", "--last"]).code(1);
    dispute.sync(&["--no-input"]).ok();
    alice(&["sync", "restore", &number]).ok().warns("2 operations restored before, and not again");
    let shown = alice(&["sync", "restore", "--list"]).ok();
    assert!(shown.stdout.contains("(restored)"), "{shown}");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.bob().all_tasks().len(), 2);
    dispute.assert_settled();
}

/// The later change of a chain stands on what the server has once the earlier one is dropped.
#[test]
fn dropping_one_change_of_a_chain_is_no_conflict() {
    for dropped in ["1", "2"] {
        let dispute = Dispute::about(1);
        dispute.mine("DEV-1", &["--status", "todo"]);
        dispute.mine("DEV-1", &["--status", "active", "--priority", "1"]);
        dispute.mine("DEV-1", &["--status", "done"]);
        dispute.alice.anyt(&["sync", "queue", "drop", dropped, "--yes"]).ok();
        let synced = dispute.sync(&["--no-input"]).ok();
        assert_eq!(dispute.served("DEV-1").text("status"), "done", "{synced}");
        dispute.assert_settled();
    }
}

/// A dependency of the server's is there again when all that was queued about it is dropped, at once or one by one.
#[test]
fn what_was_done_to_a_dependency_and_undone_is_dropped_whole() {
    for (drops, there) in [(&["--all"][..], true), (&["--all"], false), (&["3", "2"], true), (&["2", "1"], false)] {
        let dispute = Dispute::about(2);
        let depend = |what: &str, flags: &[&str]| {
            dispute.alice.anyt(&[&["task", "dep", what, "DEV-1", "--on", "DEV-2"], flags].concat()).ok();
        };
        if there {
            depend("add", &[]);
            depend("rm", &["--offline"]);
            depend("add", &["--offline"]);
        } else {
            depend("add", &["--offline"]);
            depend("rm", &["--offline"]);
        }
        for which in drops {
            dispute.alice.anyt(&["sync", "queue", "drop", which, "--yes"]).ok();
        }
        let listed = dispute.alice.anyt(&["task", "dep", "list", "DEV-1", "--json"]).ok().json();
        assert_eq!(listed.items("data.depends_on").len(), usize::from(there), "{drops:?}");
        dispute.assert_settled();
    }
}

/// The question was about the status. The description was not asked about, and is sent.
#[test]
fn accepting_the_remote_gives_up_what_was_asked_about() {
    for way in ["asked", "policy", "inbox"] {
        let dispute = Dispute::about(1);
        dispute.mine("DEV-1", &["--status", "active", "--description", "My text"]);
        dispute.theirs("DEV-1", r#"{"status":"done"}"#);
        match way {
            "asked" => drop(dispute.sync(&[]).stdin("2\n").ok()),
            "policy" => drop(dispute.sync(&["--no-input", "--resolve", "remote"]).ok()),
            _ => {
                dispute.sync(&["--no-input"]).code(3);
                dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--remote"]).ok();
                dispute.sync(&["--no-input"]).ok();
            }
        }
        assert_eq!(dispute.both("DEV-1", "status"), ("done".into(), "done".into()), "{way}");
        assert_eq!(dispute.both("DEV-1", "description"), ("My text".into(), "My text".into()), "{way}");
        dispute.assert_settled();
        let kept = dispute.discarded();
        let lost: Vec<String> = kept.iter().map(|one| json::to_string(one.at("operation"))).collect();
        assert!(lost.len() == 1 && lost[0].contains("active") && !lost[0].contains("My text"), "{way}: {lost:?}");
    }
}

/// What is queued while the question of a force sync stands was not agreed to, and stays.
#[test]
fn force_sets_aside_what_was_agreed_to() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--status", "active"]);
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync", "--force"]);
    terminal.expect("1 queued operation will be discarded").expect("Continue? [y/N]: ");
    dispute.alice.anyt(&["task", "create", "Meanwhile", "--offline"]).ok();
    terminal.send("y\r");
    let run = terminal.end();
    assert!(
        run.exit == Exit::Code(0) && run.screen.contains("1 operation discarded; bring it back: anyt sync restore 1"),
        "{}",
        run.screen
    );
    assert_eq!(dispute.alice.pending(), 1);
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(
        (dispute.served("DEV-1").text("status"), dispute.served("DEV-2").text("title")),
        ("backlog", "Meanwhile")
    );
}

/// What is queued for it while the question stands is not lost with the answer, and not left behind without its task.
#[test]
fn what_was_changed_meanwhile_is_not_dropped() {
    for meanwhile in [&["task", "update", "DEV-1", "-p", "2"][..], &["task", "create", "Child", "--parent", "DEV-1"]] {
        let dispute = Dispute::about(0);
        dispute.alice.anyt(&["task", "create", "Mine", "--offline"]).ok();
        let mut terminal = Terminal::anyt(&dispute.alice, &["sync", "queue", "drop", "1"]);
        terminal.expect("Drop 1 operation? [y/N]: ");
        dispute.alice.anyt(&[meanwhile, &["--offline"]].concat()).ok();
        terminal.send("y\r");
        let run = terminal.end();
        assert_eq!((run.exit, dispute.alice.pending()), (Exit::Code(1), 2), "{}", run.screen);
        assert!(run.screen.contains("was changed meanwhile; nothing was dropped"), "{}", run.screen);
        assert!(dispute.discarded().is_empty());
        dispute.sync(&["--no-input"]).ok();
        dispute.assert_settled();
    }
}

/// A force sync takes along what was queued for a task that it sets aside: while its question stands, and while it runs.
#[test]
fn force_takes_along_what_was_queued_for_it_meanwhile() {
    let dispute = Dispute::about(0);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    let names = ["DEV-1", "DEV-2"];
    alice(&["task", "create", "Parent", "--offline"]).ok();
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync", "--force"]);
    terminal.expect("Continue? [y/N]: ");
    alice(&["task", "update", "DEV-1", "-p", "2", "--offline"]).ok();
    let gate = Gate::new();
    dispute.proxy.fault(When::ending("GET", "/workspaces"), What::StallReply(gate.clone()));
    terminal.send("y\r");
    gate.wait_for_somebody();
    alice(&["task", "update", "DEV-1", "--phase", "two", "--offline"]).ok();
    alice(&["task", "create", "Child", "--parent", "DEV-1", "--offline"]).ok();
    gate.open();
    let run = terminal.end();
    assert!(run.screen.contains("3 operations discarded; bring them back: anyt sync restore 1"), "{}", run.screen);
    assert!(run.screen.contains("DEV-2 loses its parent"), "{}", run.screen);
    assert_eq!(dispute.alice.pending(), 1);
    alice(&["sync", "restore", "--last"]).ok();
    dispute.sync(&["--no-input"]).ok();
    let tasks = names.map(|name| dispute.served(name));
    let parent = tasks.iter().find(|task| task.text("title") == "Parent").expect("it is back");
    assert_eq!((parent.int("priority"), parent.text("phase")), (2, "two"));
    let child = tasks.iter().find(|task| task.text("title") == "Child").expect("it stayed");
    assert_eq!(child.int("parent_id"), parent.int("id"));
    dispute.assert_settled();
}

/// Provisional ids are given again also within one restore: a reference means what it meant when it was thrown away.
#[test]
fn a_restored_task_is_never_its_own_parent_and_takes_no_edit_of_another() {
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "create", "P", "--offline"]).ok();
    alice(&["task", "create", "C", "--parent", "DEV-2", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "2", "--yes"]).ok();
    alice(&["sync", "queue", "drop", "1", "--yes"]).ok();
    let files = alice(&["sync", "restore", "--list", "--json"]).ok().json();
    let names: Vec<String> = files.items("data.items").iter().map(|one| one.int("number").to_string()).collect();
    alice(&["sync", "restore", &names[1]]).code(1).warns("no longer here; nothing was restored");
    alice(&["sync", "restore", &names[0]]).ok();
    alice(&["sync", "restore", &names[1]]).ok();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-3").int("parent_id"), dispute.served("DEV-2").int("id"));

    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "create", "A", "--offline"]).ok();
    alice(&["task", "create", "B", "--offline"]).ok();
    alice(&["task", "update", "DEV-2", "--phase", "of A", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "2", "3", "--yes"]).ok();
    dispute.sync(&["--no-input"]).ok();
    alice(&["sync", "restore", "--last"]).ok();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-2").text("phase"), "of A");
    assert_eq!(dispute.served("DEV-3").text("title"), "B");
    dispute.assert_settled();
}

/// A parent that is given up is none for its children any more. That is said, kept with it, and restored with it.
#[test]
fn children_get_a_dropped_parent_back() {
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    let parents =
        || ["DEV-1", "DEV-3", "DEV-4"].map(|name| json::as_int(dispute.alice.cached_task(name).at("parent_id")));
    let family = || {
        alice(&["task", "create", "Parent", "--offline"]).ok();
        alice(&["task", "create", "Child", "--parent", "DEV-2", "--offline"]).ok();
        alice(&["task", "create", "Grandchild", "--parent", "DEV-3", "--offline"]).ok();
        alice(&["task", "update", "DEV-1", "--parent", "DEV-2", "-p", "2", "--offline"]).ok();
    };
    family();
    let meant = parents();
    let dropped = alice(&["sync", "queue", "drop", "1", "--yes"]).ok().says("  DEV-3 loses its parent\n");
    let dropped = dropped.says("  DEV-1 loses its parent\n");
    assert!(!dropped.stdout.contains("DEV-4"), "{dropped}");
    assert_eq!(parents(), [None, None, meant[2]]);
    alice(&["sync", "restore", "--last"]).ok();
    assert_eq!(dispute.alice.pending(), 6, "the create, and the parents of two");
    dispute.sync(&["--no-input"]).ok();
    let parent = dispute.bob().all_tasks().into_iter().find(|task| task.text("title") == "Parent").expect("it is back");
    let id = |name: &str| json::as_int(dispute.served(name).at("parent_id"));
    assert_eq!([id("DEV-1"), id("DEV-2")], [Some(parent.int("id")); 2], "two children");
    dispute.assert_settled();

    // A child that is gone by then does not keep its parent from coming back.
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "create", "Parent", "--offline"]).ok();
    alice(&["task", "create", "Child", "--parent", "DEV-2", "--offline"]).ok();
    alice(&["task", "create", "Other", "--parent", "DEV-2", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "1", "--yes"]).ok();
    alice(&["task", "rm", "DEV-3", "--force", "--offline"]).ok();
    alice(&["sync", "restore", "--last"]).ok().says("✓ Queued 2 operations again");

    // Deleting it says as much.
    let name = dispute
        .alice
        .cached_tasks()
        .iter()
        .find(|task| task.text("title") == "Parent")
        .map(|task| task.text("identifier").to_string());
    let deleted = alice(&["task", "rm", &name.expect("it is back"), "--force", "--offline"]).ok();
    assert!(deleted.stdout.contains("loses its parent\n"), "{deleted}");
}

/// That a file was restored is in the file, and in the cache until then: neither a wiped cache nor a history that has been
/// forgotten lets it be queued again.
#[test]
fn a_file_remembers_that_it_was_restored() {
    for killed in [false, true] {
        let dispute = Dispute::about(0);
        let alice = |args: &[&str]| dispute.alice.anyt(args);
        let forget = || std::fs::remove_dir_all(dispute.alice.path("cache/anyt")).expect("it is there");
        alice(&["task", "create", "Mine", "--offline"]).ok();
        alice(&["sync", "queue", "drop", "1", "--yes"]).ok();
        let number = "1";
        let restore = alice(&["sync", "restore", "--last"]);
        if killed {
            assert_eq!(restore.env("ANYT_FAILPOINT", "restore.queued").run().exit, Exit::Signal(9));
            let refused = alice(&["sync", "restore", "--last"]).code(1);
            assert!(refused.stderr.contains("everything that was discarded has been restored"), "{refused}");
            // The wiped cache is filled again from queue.jsonl, and knows it.
            forget();
            alice(&["sync", "restore", number]).ok().warns("1 operation restored before, and not again");
        } else {
            restore.ok();
        }
        dispute.sync(&["--no-input"]).ok();
        forget();
        dispute.sync(&["--no-input"]).ok();
        alice(&["sync", "restore", "--list"]).ok().says("dropped (restored)");
        let refused = alice(&["sync", "restore", "--last"]).code(1);
        assert!(refused.stderr.contains("everything that was discarded has been restored"), "{refused}");
        alice(&["sync", "restore", number]).ok().warns("1 operation restored before, and not again");
        dispute.sync(&["--no-input"]).ok();
        assert_eq!(dispute.bob().all_tasks().len(), 1);
        dispute.assert_settled();
    }
}

#[test]
fn what_is_no_entry_is_not_restored() {
    let dispute = Dispute::about(0);
    dispute.alice.anyt(&["sync", "restore", "--list"]).ok().says("Nothing was discarded");
    for name in ["1", "nosuch"] {
        let run = dispute.alice.anyt(&["sync", "restore", name]).code(1);
        assert!(run.stderr.contains(&format!("there is no entry {name}")) && run.stderr.contains("--list"), "{run}");
    }
    dispute.alice.anyt(&["sync", "restore", "--last"]).code(1).warns("nothing was discarded");
}

/// An operation's id goes into a request's header: one that is none of ours is not restored.
#[test]
fn what_is_restored_is_named_as_we_name_it() {
    let dispute = Dispute::about(0);
    dispute.alice.anyt(&["task", "create", "Mine", "--offline"]).ok();
    dispute.alice.anyt(&["sync", "queue", "drop", "1", "--yes"]).ok();
    let file = dispute.alice.path("state/anyt/dev/discarded.jsonl");
    let id = dispute.discarded()[0].text("operation.op_id").to_string();
    let content = std::fs::read_to_string(&file).expect("our own file");
    std::fs::write(&file, content.replace(&id, "a\\nb")).expect("our own file");
    dispute.alice.anyt(&["sync", "restore", "1"]).run();
    assert_eq!(dispute.alice.pending(), 0);
}

/// Killed between what is kept and the queue: the edit is still queued, and the entry stands in nobody's way.
#[test]
fn an_entry_whose_operation_is_still_queued_is_passed_over() {
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    alice(&["task", "update", "DEV-1", "--status", "done", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "1", "--yes"]).ok();
    alice(&["task", "update", "DEV-1", "-p", "2", "--offline"]).ok();
    let pending = dispute.alice.pending();
    let killed =
        alice(&["sync", "queue", "drop", "2", "--yes"]).env("ANYT_FAILPOINT", "store.discarded.appended").run();
    assert_eq!((killed.exit, dispute.alice.pending()), (Exit::Signal(9), pending));
    alice(&["sync", "restore", "2"]).ok().warns("1 operation restored before, and not again");
    alice(&["sync", "restore", "--last"]).ok().says("Queued 1 operation again");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!((dispute.served("DEV-1").text("status"), dispute.served("DEV-1").int("priority")), ("done", 2));
}

/// What cannot be read of it is said, and the file is nobody else's again.
#[test]
fn damaged_lines_are_said() {
    let (_server, _proxy, sandbox) = synced(&["One"]);
    for title in ["First", "Second"] {
        sandbox.anyt(&["task", "create", title, "--offline"]).ok();
        sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
    }
    let file = "state/anyt/dev/discarded.jsonl";
    let text = sandbox.read(file).replacen("\"operations\":[", "\"operations\":", 1);
    sandbox.write(file, text);
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(sandbox.path(file), open_to_all).expect("our own file");
    let run = sandbox.anyt(&["sync", "restore", "--list"]).ok().warns("1 line cannot be read");
    assert!(run.stdout.contains("#2"), "{run}");
    sandbox.anyt(&["task", "create", "Third", "--offline"]).ok();
    sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
    let mode = std::fs::metadata(sandbox.path(file)).expect("it is there").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    sandbox.anyt(&["sync", "restore", "--list"]).ok();
}

/// A change that waits is newer than what is to come back.
#[test]
fn nothing_is_restored_over_a_newer_change() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "First", "--offline"]).ok();
    sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Second", "--offline"]).ok();
    let run = sandbox.anyt(&["sync", "restore", "--last"]).code(1);
    assert!(run.stderr.contains("DEV-1 has a newer title that waits"), "{run}");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(server.bob().task("DEV-1").expect("live").text("title"), "Second");
    sandbox.anyt(&["sync", "restore", "--list"]).ok().says("title");
}

/// A text that comes back takes in what was queued for it while it was away, whatever came first.
#[test]
fn a_restored_note_takes_the_others_in() {
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    for note in ["one", "two", "three"] {
        alice(&["task", "note", "DEV-1", "-m", note, "--offline"]).ok();
    }
    alice(&["sync", "queue", "drop", "2", "--yes"]).ok();
    alice(&["sync", "restore", "--last"]).ok();
    alice(&["task", "note", "DEV-1", "-m", "four", "--offline"]).ok();
    alice(&["sync", "queue", "drop", "1", "--yes"]).ok();
    alice(&["task", "note", "DEV-1", "-m", "five", "--offline"]).ok();
    alice(&["sync", "restore", "--last"]).ok();
    dispute.sync(&["--no-input"]).ok();
    let served = dispute.served("DEV-1");
    let notes: Vec<&str> = served.text("description").lines().filter_map(|line| line.strip_prefix("- ")).collect();
    for note in ["one", "two", "three", "four", "five"] {
        assert_eq!(notes.iter().filter(|known| **known == note).count(), 1, "{note} in {notes:?}");
    }
    dispute.assert_settled();
}

/// Given up before the task was on the server, and back when something waits for it under the server's id.
#[test]
fn a_note_from_before_the_task_was_sent_takes_the_others_in() {
    let (server, _proxy, sandbox) = synced(&["Zero"]);
    sandbox.anyt(&["task", "create", "One", "--offline"]).ok();
    sandbox.anyt(&["task", "note", "DEV-2", "-m", "given up", "--offline"]).ok();
    sandbox.anyt(&["sync", "queue", "drop", "2", "--yes"]).ok();
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "note", "DEV-2", "-m", "waits", "--offline"]).ok();
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    let notes = |text: &str| ["given up", "waits"].map(|note| text.contains(note));
    assert_eq!(notes(&sandbox.anyt(&["task", "show", "DEV-2"]).ok().stdout), [true, true]);
    sandbox.anyt(&["sync"]).ok();
    let task = server.bob().task("DEV-2").expect("live");
    assert_eq!(notes(task.text("description")), [true, true], "{task:?}");
}
