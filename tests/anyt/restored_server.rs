//! P4 where names and versions mean something else than they did: a server put back to a backup, on which a colleague then
//! makes new tasks under the old numbers, and servers that do not look at `If-Match`. Whatever is written, with a pull or
//! without one, never lands on somebody else's work in silence.
//!
//! Fails without the look at a task before it is changed (`send_update`, `send_delete`), the comparison of ids in
//! `task_of`, or `is_another_task`.

use crate::common::json::{self, Look};
use crate::common::scripted::{Quirks, Scripted};
use crate::common::synced::{assert_converged, titles};
use crate::common::{ALICE, Run, Sandbox, Server, synced};

/// DEV-1 and DEV-2 are old; Alice has DEV-3 cached. The server forgets it, and Bob makes another DEV-3.
fn stage() -> (Server, Sandbox) {
    let mut server = Server::start();
    server.bob().add_task("One");
    server.bob().add_task("Two");
    let backup = server.remember();
    server.bob().add_task("Alice's old one");
    let sandbox = Sandbox::new();
    sandbox.sign_in(&server);
    sandbox.anyt(&["sync"]).ok();
    server.go_back(&backup);
    server.restart_later(120);
    assert_eq!(server.bob().add_task("Bob's new one"), "DEV-3");
    server.bob().edit_task("DEV-3", r#"{"description":"three hours of work"}"#);
    (server, sandbox)
}

#[track_caller]
fn assert_untouched(server: &Server, run: &Run) {
    let task = server.bob().task("DEV-3").unwrap_or_else(|| panic!("Bob's task is gone\n{run}"));
    let seen = (task.text("title"), task.text("description"), task.text("status"));
    assert_eq!(seen, ("Bob's new one", "three hours of work", "backlog"), "{run}");
    let edges = server.bob().get(&(server.bob().tasks("DEV-2") + "/dependencies")).1;
    assert!(!json::to_string(&edges).contains("DEV-3"), "{run}\n{}", json::to_string(&edges));
}

#[test]
fn nothing_lands_on_another_task_of_the_same_name() {
    for write in [
        &["task", "rm", "DEV-3", "--force"][..],
        &["task", "update", "DEV-3", "--title", "Ours", "-d", "Ours"],
        &["task", "done", "DEV-3"],
        &["task", "note", "DEV-3", "-m", "Ours"],
        &["task", "dep", "add", "DEV-2", "--on", "DEV-3"],
    ] {
        for way in [&[][..], &["sync", "--push", "--no-input"], &["sync", "--no-input"]] {
            let (server, sandbox) = stage();
            let run = if way.is_empty() {
                sandbox.anyt(write).run()
            } else {
                let offline: Vec<&str> = write.iter().chain(&["--offline"]).copied().collect();
                sandbox.anyt(&offline).ok();
                sandbox.anyt(way).run()
            };
            assert_untouched(&server, &run);
        }
    }
}

/// Kept, the edit becomes a task of its own.
#[test]
fn an_edit_of_the_task_that_was_is_a_question() {
    let (server, sandbox) = stage();
    sandbox.anyt(&["task", "update", "DEV-3", "--title", "Ours", "--offline"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    sandbox.anyt(&["sync", "--no-input", "--resolve", "local"]).ok();
    let titles: Vec<String> = server.bob().all_tasks().iter().map(|task| task.text("title").to_string()).collect();
    assert!(titles.contains(&"Ours".into()) && titles.contains(&"Bob's new one".into()), "{titles:?}");
    assert_eq!(sandbox.pending(), 0);
}

/// A server that never answers 409: the colleague's change is seen before ours is sent.
#[test]
fn a_server_that_does_not_look_at_if_match() {
    for direct in [true, false] {
        let server = Scripted::start(Quirks { ignores_if_match: true, ..Quirks::c() });
        server.add_task(&json::parse(r#"{"title":"One","description":"old"}"#));
        let sandbox = Sandbox::new();
        sandbox.sign_in_at(&server.url(), ALICE);
        sandbox.anyt(&["sync"]).ok();
        server.change_task("DEV-1", &json::parse(r#"{"title":"Theirs","description":"their long text"}"#));
        let write = |args: &[&str]| {
            if direct {
                return sandbox.anyt(args).run();
            }
            let offline: Vec<&str> = args.iter().chain(&["--offline"]).copied().collect();
            sandbox.anyt(&offline).ok();
            sandbox.anyt(&["sync", "--push", "--no-input"]).run()
        };
        let noted = write(&["task", "note", "DEV-1", "-m", "ours"]).code(0);
        let task = server.task("DEV-1").expect("it is there");
        assert!(task.text("description").starts_with("their long text\n"), "{noted}\n{}", task.text("description"));
        server.change_task("DEV-1", &json::parse(r#"{"title":"Theirs again"}"#));
        let retitled = write(&["task", "update", "DEV-1", "--title", "Ours"]).code(3);
        assert_eq!(server.task("DEV-1").expect("it is there").text("title"), "Theirs again", "{retitled}");
    }
}

/// As many tasks and the same counter as before, and somebody has edited the task that the cursor came from: it is there, in
/// another form. What else was rolled back is found all the same.
#[test]
fn a_backup_behind_an_edited_task_is_noticed() {
    let mut server = Server::start();
    server.bob().add_task("One");
    server.bob().add_task("Two");
    let backup = server.remember();
    // Beyond what is read again of the time before the cursor.
    server.restart_later(60);
    server.bob().edit_task("DEV-1", r#"{"title":"One, since"}"#);
    server.bob().edit_task("DEV-2", r#"{"status":"active"}"#);
    let sandbox = Sandbox::new();
    sandbox.sign_in(&server);
    sandbox.anyt(&["sync"]).ok();
    server.go_back(&backup);
    server.restart_later(120);
    server.bob().edit_task("DEV-2", r#"{"status":"done"}"#);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(sandbox.cached_task("DEV-1").text("title"), "One");
    assert_eq!(sandbox.cached_task("DEV-2").text("status"), "done");
}

/// A server put back to yesterday: what was made since is gone, its numbers are handed out again. The cache follows, and
/// what is queued here arrives.
#[test]
fn a_server_restored_from_a_backup() {
    let (mut server, proxy, sandbox) = synced(&["One", "Two", "Three"]);
    for n in 4..=6 {
        server.bob().add_task(&format!("Old {n}"));
    }
    let backup = server.remember();
    server.bob().edit_task("DEV-1", r#"{"title":"One, since"}"#);
    for n in 7..=8 {
        server.bob().add_task(&format!("Since {n}"));
    }
    server.bob().delete(&server.bob().tasks("DEV-2"));
    sandbox.anyt(&["sync"]).ok();
    assert_converged(&server, &sandbox);
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-3", "--title", "Three, mine", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-1", "--phase", "mine", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-8", "--title", "Since 8, mine", "--offline"]).ok();

    server.go_back(&backup);
    sandbox.anyt(&["sync", "--no-input", "--resolve", "local"]).ok();
    sandbox.anyt(&["sync", "--no-input", "--resolve", "local"]).ok();
    let wanted = ["Mine", "Old 4", "Old 5", "Old 6", "One", "Since 8, mine", "Three, mine", "Two"];
    assert_eq!(titles(&server.alice().all_tasks()), wanted);
    assert_eq!(server.alice().task("DEV-1").expect("it is there").text("phase"), "mine");
    assert_converged(&server, &sandbox);
    assert_eq!(sandbox.pending(), 0);
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(proxy.writes().len(), 0);
}

/// Nothing queued, and other tasks under the old ids and numbers at the same versions.
#[test]
fn a_restored_server_that_hands_its_numbers_out_again() {
    let (mut server, _proxy, sandbox) = synced(&["One", "Two", "Three"]);
    let backup = server.remember();
    server.bob().add_task("Before");
    server.bob().add_task("Before, too");
    sandbox.anyt(&["sync"]).ok();
    server.go_back(&backup);
    server.bob().add_task("After");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&sandbox.cached_tasks()), ["After", "One", "Three", "Two"]);
    assert_converged(&server, &sandbox);
}

/// An edit of ours on a task that the server has forgotten must not land on the one that got its number: same id, same
/// name, same version. Fails without `stands_on` in `reconcile`.
#[test]
fn an_edit_does_not_follow_a_number_to_another_task() {
    let (mut server, _proxy, sandbox) = synced(&["One", "Two", "Three"]);
    let backup = server.remember();
    server.bob().add_task("Before");
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "update", "DEV-4", "--title", "Before, mine", "--offline"]).ok();
    server.go_back(&backup);
    server.bob().add_task("After");
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    assert_eq!(titles(&server.alice().all_tasks()), ["After", "One", "Three", "Two"]);
    assert_eq!(sandbox.pending(), 1);
}

/// More than half of a workspace missing without a word is not believed, until somebody says so.
#[test]
fn a_mass_of_deletions_is_asked_about() {
    let (mut server, _proxy, sandbox) = synced(&["One", "Two", "Three"]);
    let backup = server.remember();
    for n in 0..15 {
        server.bob().add_task(&format!("Since {n}"));
    }
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    server.go_back(&backup);
    let before = titles(&sandbox.cached_tasks());
    let run = sandbox.anyt(&["sync", "--no-input"]).code(1);
    assert!(run.stderr.contains("--accept-deletes") && run.stderr.contains("15 of 18"), "{run}");
    assert_eq!(titles(&sandbox.cached_tasks()), before);
    assert_eq!(titles(&server.alice().all_tasks()), ["One", "Three", "Two"], "nothing was sent");
    sandbox.anyt(&["sync", "--no-input", "--accept-deletes"]).ok();
    assert_eq!(titles(&sandbox.cached_tasks()), ["Mine", "One", "Three", "Two"]);
    assert_converged(&server, &sandbox);
}

/// The server has forgotten a task, and gives its id to one that is made here before the next pull: what was lost is kept.
#[test]
fn an_own_task_in_the_place_of_a_lost_one_keeps_that() {
    let (mut server, _proxy, sandbox) = synced(&["One"]);
    let backup = server.remember();
    server.bob().add_task("Lost there");
    sandbox.anyt(&["sync"]).ok();
    server.go_back(&backup);
    server.restart_later(120);
    sandbox.anyt(&["task", "create", "Mine"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    let kept = sandbox.read("state/anyt/dev/discarded.jsonl");
    assert!(kept.contains("Lost there") && kept.contains("lost by the server"), "{kept}");
}
