//! P4 and P5 inside a run: what somebody changes between the pull and a request is seen before the request, and an answer
//! from before a change does not stand for what is there now.

use crate::common::http::Message;
use crate::common::json::{self, Look};
use crate::common::proxy::{Gate, What, When};
use crate::common::run::TIMEOUT;
use crate::common::synced;
use std::time::Duration;

/// The delete is for the task as it was. Not every server looks at the version of a DELETE, so that the task is looked at
/// right before.
#[test]
fn a_task_changed_while_a_sync_pushes_is_not_deleted_unseen() {
    let (server, proxy, sandbox) = synced(&["One", "Two"]);
    sandbox.anyt(&["task", "update", "DEV-2", "--status", "active", "--offline"]).ok();
    sandbox.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
    let gate = Gate::new();
    proxy.fault(When::first("PATCH", ""), What::StallRequest(gate.clone()));
    let sync = sandbox.anyt(&["sync", "--no-input"]).spawn();
    gate.wait_for_somebody();
    server.bob().edit_task("DEV-1", r#"{"title":"One, and I need it"}"#);
    gate.open();
    let run = sync.wait(TIMEOUT).code(3);
    assert_eq!(server.bob().task("DEV-1").expect("not deleted").text("title"), "One, and I need it", "{run}");
    assert_eq!(sandbox.pending(), 1, "the delete waits for a decision\n{run}");
}

/// Nor between that look and the request, on a server that looks at the version of a DELETE.
#[test]
fn a_task_changed_while_its_delete_is_on_the_way_is_not_deleted_unseen() {
    let (server, proxy, sandbox) = synced(&["One"]);
    for (title, command) in [("Needed", &["task", "rm", "DEV-1", "--force"][..]), ("Still", &["sync", "--no-input"])] {
        let gate = Gate::new();
        proxy.fault(When::first("DELETE", ""), What::StallRequest(gate.clone()));
        let run = sandbox.anyt(command).spawn();
        gate.wait_for_somebody();
        server.bob().edit_task("DEV-1", &format!(r#"{{"title":"{title}"}}"#));
        gate.open();
        let run = run.wait(TIMEOUT).code(3);
        assert_eq!(server.bob().task("DEV-1").expect("not deleted").text("title"), title, "{run}");
        assert_eq!(sandbox.pending(), 1, "the delete waits for a decision\n{run}");
        sandbox.anyt(&["sync", "--resolve", "remote"]).ok();
        sandbox.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
    }
}

/// On a server that does not look at `If-Match`, and the push takes its time.
#[test]
fn a_field_changed_while_a_sync_pushes_is_not_written_over_unseen() {
    let (server, proxy, sandbox) = synced(&["One", "Two"]);
    proxy.hide("If-Match");
    proxy.hide("AnyTask-Capabilities");
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "update", "DEV-2", "--status", "active", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--offline"]).ok();
    let pause = Gate::pause(Duration::from_millis(1500));
    proxy.fault(When::first("PATCH", ""), What::StallRequest(pause.clone()));
    let sync = sandbox.anyt(&["sync", "--no-input"]).spawn();
    pause.wait_for_somebody();
    server.bob().edit_task("DEV-1", r#"{"title":"Bob's"}"#);
    let run = sync.wait(TIMEOUT).code(3);
    assert_eq!(server.bob().task("DEV-1").expect("live").text("title"), "Bob's", "{run}");
}

/// A repeated create is answered with what was said the first time.
#[test]
fn an_answer_given_again_does_not_stand_for_what_is_there_now() {
    for deleted in [false, true] {
        let (server, _proxy, sandbox) = synced(&["One"]);
        sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
        sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", "push.request.after").run();
        let bob = server.bob();
        if deleted {
            assert_eq!(bob.delete(&bob.tasks("DEV-2")).0, 204);
        } else {
            bob.edit_task("DEV-2", r#"{"title":"Renamed by Bob"}"#);
        }
        let run = sandbox.anyt(&["sync", "--no-input"]).ok();
        let mut titles: Vec<_> = sandbox.cached_tasks().iter().map(|task| task.text("title").to_string()).collect();
        titles.sort();
        let wanted: &[&str] = if deleted { &["One"] } else { &["One", "Renamed by Bob"] };
        assert_eq!(titles, wanted, "{run}");
        assert_eq!((sandbox.pending(), bob.all_tasks().len()), (0, wanted.len()));
    }
}

/// A condition that an earlier command gave fails in a later command's own run: what was typed is kept.
#[test]
fn an_earlier_condition_that_fails_in_a_later_command_keeps_what_was_typed() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    server.bob().edit_task("DEV-1", r#"{"title":"Theirs"}"#);
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--if-match", "1", "--offline"]).ok();
    let run = sandbox.anyt(&["task", "note", "DEV-1", "-m", "text"]).run();
    assert!(run.stderr.contains("the condition does not hold"), "{run}");
    sandbox.anyt(&["sync", "restore", "--list"]).ok().says("Update: DEV-1 (title)");
    assert_eq!(server.bob().task("DEV-1").expect("live").text("title"), "Theirs");
}

/// A delete that the server refuses for another reason than the version ends, with the server's words.
#[test]
fn a_refusal_that_tells_the_same_version_is_no_change() {
    let (server, proxy, sandbox) = synced(&["One"]);
    let body = json::parse(r#"{"title":"Conflict","status":409,"detail":"it has children","current_version":1}"#);
    proxy.fault(When::is(|seen| seen.method == "DELETE").always(), What::Answer(Message::json(409, &body)));
    let run = sandbox.anyt(&["task", "rm", "DEV-1", "--force", "--no-queue"]).run();
    assert!(run.stderr.contains("it has children"), "{run}");
    assert_eq!(proxy.log().iter().filter(|seen| seen.method == "DELETE").count(), 1, "{run}");
    assert!(server.bob().task("DEV-1").is_some());
}
