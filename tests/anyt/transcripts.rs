//! Every transcript of spec/T7-2, line by line, on servers where its numbers are true.

use crate::common::json::{self, Look};
use crate::common::pty::Terminal;
use crate::common::scripted::{Quirks, Scripted};
use crate::common::transcript::{Extra, assert_shows};
use crate::common::{ALICE, Exit, Sandbox, Server};
use std::time::Duration;

/// A server whose workspace has so many tasks, and a person who has synced with it.
fn synced_with(tasks: usize) -> (Server, Sandbox) {
    let server = Server::start();
    let colleague = server.bob();
    for number in 1..=tasks {
        colleague.add_task(&format!("Task {number}"));
    }
    let sandbox = Sandbox::new();
    sandbox.sign_in(&server);
    sandbox.anyt(&["sync"]).ok();
    (server, sandbox)
}

/// What a person sees of a command that succeeds.
fn shown(sandbox: &Sandbox, args: &[&str], stdin: &str) -> String {
    sandbox.anyt(args).merged().stdin(stdin).ok().stdout
}

/// The transcript says `Updated: DEV-43`; a workspace that has a DEV-43 gives nobody DEV-42 any more, so here the
/// updated task is DEV-41. The two new tasks have numbers below it, as when a slow transaction commits late.
#[test]
fn sync_pulls_then_pushes() {
    let server = Scripted::start(Quirks::c());
    for number in (1..=41).filter(|number| ![7, 9].contains(number)) {
        server.world().counter = number - 1;
        server.add_task(&json::object([("title", json::string(format!("Task {number}")))]));
    }
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&server.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "create", "Fix bug", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-41", "--status", "done", "--offline"]).ok();
    for number in 1..=5 {
        server.change_task(&format!("DEV-{number}"), &json::parse(r#"{"priority":1}"#));
    }
    for number in [7, 9] {
        server.world().counter = number - 1;
        server.add_task(&json::parse(r#"{"title":"Late"}"#));
    }
    server.world().counter = 41;
    let transcript = "
↓ Fetching remote changes...
  - Pulled 5 updated tasks
  - Pulled 2 new tasks
↑ Pushing local changes...
  - Created: DEV-42
  - Updated: DEV-41
✓ Synced 9 tasks
";
    assert_shows(&shown(&sandbox, &["sync"], ""), transcript, Extra::Nothing);
}

#[test]
fn sync_pull_fetches_only() {
    let (server, sandbox) = synced_with(5);
    for number in 1..=4 {
        server.bob().edit_task(&format!("DEV-{number}"), r#"{"status":"active"}"#);
    }
    for title in ["a", "b", "c"] {
        server.bob().add_task(title);
    }
    sandbox.anyt(&["task", "update", "DEV-5", "--status", "done", "--offline"]).ok();
    let transcript = "
↓ Fetching remote changes...
✓ Pulled 7 changes
";
    assert_shows(&shown(&sandbox, &["sync", "--pull"], ""), transcript, Extra::Nothing);
    assert_eq!(sandbox.pending(), 1);
}

#[test]
fn sync_push_sends_only() {
    let (server, sandbox) = synced_with(3);
    server.bob().edit_task("DEV-3", r#"{"title":"Changed by Bob"}"#);
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-1", "--status", "done", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-2", "--priority", "2", "--offline"]).ok();
    let transcript = "
↑ Pushing local changes...
✓ Pushed 3 changes
";
    assert_shows(&shown(&sandbox, &["sync", "--push"], ""), transcript, Extra::Nothing);
    assert_eq!(json::as_text(sandbox.cached_task("DEV-3").at("title")), Some("Task 3"), "nothing was pulled");
}

#[test]
fn sync_force_asks_and_overwrites() {
    let (_server, sandbox) = synced_with(15);
    let transcript = "
⚠ This will overwrite local changes
Continue? [y/N]: y
↓ Fetching remote changes...
✓ Force synced 15 tasks
";
    assert_shows(&shown(&sandbox, &["sync", "--force"], "y\n"), transcript, Extra::Nothing);
}

const CONFLICT: &str = "
↓ Fetching remote changes...
⚠ Conflict detected for DEV-42:
  Local version: 5
  Remote version: 6

  Choose resolution:
  1. Keep local changes (overwrite remote)
  2. Accept remote changes (overwrite local)
  3. Edit manually

  Choice [1-3]: 2
✓ Resolved conflict (accepted remote)
✓ Synced 1 task
";

/// DEV-42 at version 5 here with another title queued, at version 6 there with a third one.
fn in_conflict() -> (Server, Sandbox) {
    let (server, sandbox) = synced_with(42);
    for priority in [1, 2, 1, 2] {
        server.bob().edit_task("DEV-42", &format!(r#"{{"priority":{priority}}}"#));
    }
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "update", "DEV-42", "--title", "Mine", "--offline"]).ok();
    server.bob().edit_task("DEV-42", r#"{"title":"Theirs"}"#);
    (server, sandbox)
}

#[test]
fn a_conflict_is_answered_through_a_pipe() {
    let (_server, sandbox) = in_conflict();
    assert_shows(&shown(&sandbox, &["sync"], "2\n"), CONFLICT, Extra::IndentedLines);
    assert_eq!(json::as_text(sandbox.cached_task("DEV-42").at("title")), Some("Theirs"));
    assert_eq!(sandbox.pending(), 0);
}

#[test]
fn a_conflict_is_answered_at_a_terminal() {
    let (_server, sandbox) = in_conflict();
    sandbox.set_env("NO_COLOR", "1");
    let mut terminal = Terminal::anyt(&sandbox, &["sync"]);
    terminal.expect("Choice [1-3]: ").send("2\r");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(0), true));
    assert_shows(&session.screen, CONFLICT, Extra::IndentedLines);
}

#[test]
fn offline_operations_are_queued_listed_and_sent() {
    let (mut server, sandbox) = synced_with(42);
    server.stop();
    let created = shown(&sandbox, &["task", "create", "Fix bug", "--offline"], "");
    assert_shows(&created, "✓ Created DEV-43 (queued for sync)", Extra::Nothing);
    let updated = shown(&sandbox, &["task", "update", "DEV-43", "--status", "done", "--offline"], "");
    assert_shows(&updated, "✓ Updated DEV-43 (queued for sync)", Extra::Nothing);
    let earlier = anyt::time::Timestamp::now().minus(Duration::from_secs(2 * 3600 + 60)).rfc3339();
    let cache = rusqlite::Connection::open(sandbox.cache_db()).unwrap();
    let changed = cache.execute("UPDATE sync_metadata SET value = ?1 WHERE key = 'last_sync'", [earlier]).unwrap();
    assert_eq!(changed, 1, "sync_metadata has last_sync, as the specification's schema says");
    drop(cache);
    let status = "
Pending operations: 2
  - Create: DEV-43
  - Update: DEV-43 (status)

Last sync: 2 hours ago
Connection: Offline ✗
";
    assert_shows(&shown(&sandbox, &["sync", "status"], ""), status, Extra::Nothing);
    server.resume();
    let synced = "
↑ Pushing local changes...
  - Created: DEV-43
  - Updated: DEV-43
✓ Synced 2 operations
";
    assert_shows(&shown(&sandbox, &["sync"], ""), synced, Extra::Nothing);
    let task = server.bob().task("DEV-43").expect("it was created");
    assert_eq!(json::as_text(task.at("status")), Some("done"));
}
