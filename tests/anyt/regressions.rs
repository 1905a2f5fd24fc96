//! Ways in which an edit was once lost, doubled or misdirected. Each test is named after what it protects.

use crate::common::json::{self, Look, Value};
use crate::common::proxy::{Gate, Proxy, What, When};
use crate::common::run::{Running, TIMEOUT};
use crate::common::scripted::{Quirks, Scripted};
use crate::common::{ALICE, Sandbox};

/// A server with these tasks, a proxy before it, and a person who has synced.
fn stage(quirks: Quirks, titles: &[&str]) -> (Scripted, Proxy, Sandbox) {
    let server = Scripted::start(quirks);
    for title in titles {
        server.add_task(&json::object([("title", json::string(*title))]));
    }
    let proxy = Proxy::before_address(server.address());
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    sandbox.set_env("ANYT_TIMEOUT", "1");
    sandbox.anyt(&["sync"]).ok();
    proxy.reset();
    (server, proxy, sandbox)
}

fn titled(server: &Scripted, title: &str) -> Vec<Value> {
    server.live_tasks().into_iter().filter(|task| task.text("title") == title).collect()
}

/// The queue's row must follow the task that its create made, also when the edit itself changes in the same run.
#[test]
fn an_edit_of_a_new_task_that_is_refused_stays_with_the_task() {
    let (server, proxy, sandbox) = stage(Quirks::c(), &["One"]);
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-2", "--priority", "2", "--offline"]).ok();
    proxy.fault(When::first("PATCH", ""), What::status(422, &[]));
    sandbox.anyt(&["sync", "--no-input"]).code(6);
    sandbox.anyt(&["sync", "queue", "retry", "--all"]).ok();
    assert_eq!(sandbox.cached_task("DEV-2").int("priority"), 2, "what waits is shown");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titled(&server, "Mine")[0].int("priority"), 2);
}

#[test]
fn an_edit_of_a_new_task_survives_a_lost_answer() {
    for fault in [What::DropReply, What::ResetAfterRequestBytes(40)] {
        let (server, proxy, sandbox) = stage(Quirks::c(), &["One"]);
        sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-2", "--priority", "2", "--offline"]).ok();
        proxy.fault(When::first("PATCH", "").times(2), fault);
        sandbox.anyt(&["sync", "--no-input"]).run();
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(titled(&server, "Mine")[0].int("priority"), 2);
        assert_eq!(sandbox.pending(), 0);
    }
}

/// A create whose answer is lost with its process: it is on the server, and only sent here.
fn lose_an_answer(proxy: &Proxy, sandbox: &Sandbox) {
    let gate = Gate::new();
    proxy.fault(When::first("POST", ""), What::StallReply(gate.clone()));
    sandbox.set_env("ANYT_TIMEOUT", "60");
    let syncing = sandbox.anyt(&["sync", "--no-input"]).spawn();
    gate.wait_for_somebody();
    syncing.kill();
    gate.open();
}

#[test]
fn a_task_whose_create_and_delete_are_settled_in_one_run_is_gone_here_too() {
    for crash in [false, true] {
        let (server, proxy, sandbox) = stage(Quirks::c(), &["One"]);
        sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
        lose_an_answer(&proxy, &sandbox);
        sandbox.anyt(&["task", "rm", "DEV-2", "--force", "--offline"]).ok();
        if crash {
            sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", "push.answered:2").run();
        } else {
            sandbox.anyt(&["sync", "--no-input"]).ok();
        }
        assert_eq!(titled(&server, "Mine").len(), 0);
        assert_eq!(sandbox.cached_tasks().len(), 1, "crash: {crash}");
        assert_eq!(sandbox.pending(), 0);
    }
}

/// After a crash the server's task and a provisional one must not answer to the same name.
#[test]
fn two_tasks_never_share_a_name_after_a_crash() {
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    sandbox.anyt(&["task", "create", "First", "--offline"]).ok();
    sandbox.anyt(&["task", "create", "Second", "--offline"]).ok();
    server.world().counter = 2;
    sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", "push.answered").run();
    let names = || {
        let mut names: Vec<String> =
            sandbox.cached_tasks().iter().map(|task| task.text("identifier").to_string()).collect();
        names.sort();
        names
    };
    // The answer is written down; the next run lays its row.
    assert_eq!(names(), ["DEV-1", "DEV-2", "DEV-3"]);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(names(), ["DEV-1", "DEV-3", "DEV-4"]);
}

/// What an edit is derived from is read where it is queued: nobody comes in between.
#[test]
fn notes_written_at_the_same_time_are_all_kept() {
    let (_server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    let note = |n: usize| sandbox.anyt(&["task", "note", "DEV-1", "-m", &format!("note <{n}>"), "--offline"]).spawn();
    let writers: Vec<Running> = (0..12).map(note).collect();
    writers.into_iter().for_each(|writer| drop(writer.wait(TIMEOUT).ok()));
    let description = sandbox.cached_task("DEV-1").text("description").to_string();
    let lost: Vec<usize> = (0..12).filter(|n| !description.contains(&format!("note <{n}>"))).collect();
    assert_eq!(lost, Vec::<usize>::new());
}

#[test]
fn a_note_does_not_overwrite_what_arrived_while_its_command_waited() {
    let (server, proxy, sandbox) = stage(Quirks::c(), &["One"]);
    let gate = Gate::new();
    proxy.fault(When::first("GET", "/v1/auth"), What::StallRequest(gate.clone()));
    sandbox.set_env("ANYT_TIMEOUT", "60");
    let noting = sandbox.anyt(&["task", "note", "DEV-1", "-m", "ours"]).spawn();
    gate.wait_for_somebody();
    server.change_task("DEV-1", &json::parse(r#"{"description":"theirs"}"#));
    sandbox.anyt(&["sync", "--no-input"]).ok();
    gate.open();
    noting.wait(TIMEOUT).ok();
    let description = server.task("DEV-1").expect("live").text("description").to_string();
    assert!(description.contains("theirs") && description.contains("ours"), "{description}");
}

/// An empty workspace has no cursor; a create that got lost there is looked for all the same.
#[test]
fn a_lost_create_in_an_empty_workspace_is_not_sent_twice() {
    let (server, proxy, sandbox) = stage(Quirks::c(), &[]);
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    proxy.fault(When::first("POST", ""), What::DropReply);
    sandbox.anyt(&["sync", "--push", "--no-input"]).run();
    sandbox.anyt(&["sync", "--push", "--no-input"]).run();
    assert_eq!(titled(&server, "Mine").len(), 1);
}

#[test]
fn a_lost_create_is_not_sent_twice_after_the_cache_was_wiped() {
    let (server, proxy, sandbox) = stage(Quirks::c(), &["One"]);
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    lose_an_answer(&proxy, &sandbox);
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is there");
    sandbox.anyt(&["sync", "--push", "--no-input"]).run();
    assert_eq!(titled(&server, "Mine").len(), 1);
}

/// Provisional ids are used again once they are free, so they must not be what a restored edit is aimed by.
#[test]
fn a_restored_edit_goes_to_its_own_task() {
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    sandbox.anyt(&["task", "create", "First", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-2", "--priority", "2", "--offline"]).ok();
    sandbox.anyt(&["sync", "queue", "drop", "2", "--yes"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    sandbox.anyt(&["task", "create", "Second", "--offline"]).ok();
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titled(&server, "Second")[0].int("priority"), 0, "another task's edit");
    assert_eq!(titled(&server, "First")[0].int("priority"), 2);
    assert_eq!(sandbox.pending(), 0);
}

/// The cache knows a newer row than the edit was made on: a server that ignores If-Match would not object.
#[test]
fn an_edit_in_conflict_is_not_pushed_past_the_decision() {
    let (server, _proxy, sandbox) = stage(Quirks { ignores_if_match: true, ..Quirks::c() }, &["One"]);
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Ours", "--offline"]).ok();
    server.change_task("DEV-1", &json::parse(r#"{"title":"Theirs"}"#));
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    sandbox.anyt(&["sync", "--push", "--no-input"]).run();
    assert_eq!(server.task("DEV-1").expect("live").text("title"), "Theirs");
    sandbox.anyt(&["task", "update", "DEV-1", "--priority", "2", "--no-input"]).run();
    assert_eq!(server.task("DEV-1").expect("live").text("title"), "Theirs");
}

#[test]
fn a_conflict_goes_with_the_edits_it_is_about() {
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Ours", "--offline"]).ok();
    server.change_task("DEV-1", &json::parse(r#"{"title":"Theirs"}"#));
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    sandbox.anyt(&["sync", "queue", "drop", "DEV-1", "--yes"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    let waiting = sandbox.anyt(&["sync", "conflicts", "--json"]).ok().json();
    assert_eq!(waiting.int("data.count"), 0);
}

/// A clock that was wrong for a while must not hide what is changed afterwards.
#[test]
fn a_row_from_the_future_hides_no_change() {
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One", "Two"]);
    server.change_task("DEV-2", &json::parse(r#"{"title":"Two, tomorrow"}"#));
    for task in server.world().tasks.values_mut() {
        if task["identifier"].to_owned_text() == "DEV-2" {
            task.insert("updated_at".into(), json::string("2199-01-01T00:00:00Z"));
        }
    }
    sandbox.anyt(&["sync", "--no-input"]).ok();
    server.change_task("DEV-1", &json::parse(r#"{"title":"One, changed"}"#));
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(sandbox.cached_task("DEV-1").text("title"), "One, changed");
}

/// A server whose rows change without a new version (a label is renamed) is still what a forced sync makes the cache.
#[test]
fn a_forced_sync_takes_every_row_anew() {
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    for task in server.world().tasks.values_mut() {
        task.insert("phase".into(), json::string("renamed"));
    }
    sandbox.anyt(&["sync", "--force", "--yes"]).ok();
    assert_eq!(sandbox.cached_task("DEV-1").text("phase"), "renamed");
}

/// Sending the first dependency makes server tasks of all three; the second one has to follow.
#[test]
fn one_command_on_several_provisional_tasks_reaches_all_of_them() {
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    for title in ["A", "B", "C"] {
        sandbox.anyt(&["task", "create", title, "--offline"]).ok();
    }
    sandbox.anyt(&["task", "dep", "add", "DEV-2", "--on", "DEV-3,DEV-4"]).ok();
    assert_eq!(server.world().edges.len(), 2);
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    sandbox.anyt(&["task", "create", "Parent", "--offline"]).ok();
    sandbox.anyt(&["task", "create", "Child", "--parent", "DEV-2", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-3", "DEV-2", "--priority", "2"]).ok();
    assert_eq!(titled(&server, "Parent")[0].int("priority"), 2);
}

/// A server that was restored from a backup gives a version twice: the same number is not the same row.
#[test]
fn a_version_that_is_given_twice_overwrites_nobody() {
    let (server, _proxy, sandbox) = stage(Quirks::c(), &["One"]);
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Ours", "--offline"]).ok();
    server.change_task("DEV-1", &json::parse(r#"{"title":"Theirs"}"#));
    for task in server.world().tasks.values_mut() {
        task.insert("version".into(), json::int(1));
    }
    for args in [&["sync", "--no-input"][..], &["sync", "--no-input"], &["sync", "--push", "--no-input"]] {
        sandbox.anyt(args).code(3);
        assert_eq!(server.task("DEV-1").expect("live").text("title"), "Theirs");
    }
    sandbox.anyt(&["sync", "resolve", "DEV-1", "--local"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(server.task("DEV-1").expect("live").text("title"), "Ours");
}

trait OwnedText {
    fn to_owned_text(&self) -> String;
}

impl OwnedText for Value {
    fn to_owned_text(&self) -> String {
        json::as_text(self).unwrap_or_default().to_string()
    }
}
