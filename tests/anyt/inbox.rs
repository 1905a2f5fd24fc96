//! Issue 4 points 5 and 7: conflicts that wait are listed and settled offline, and the next sync sends the result; a
//! forced sync throws nothing away for good.

use crate::common;
use crate::common::json::{self, Look};
use crate::common::{Dispute, Exit, synced};

/// A title conflict that waits.
fn waiting(numbers: &[usize]) -> Dispute {
    let dispute = Dispute::about(3);
    dispute.over_titles(numbers);
    dispute.sync(&["--no-input"]).code(3);
    dispute.proxy.reset();
    dispute
}

#[test]
fn the_inbox_shows_base_local_and_remote() {
    let dispute = waiting(&[1, 3]);
    let listed = dispute.alice.anyt(&["sync", "conflicts"]).ok();
    assert_eq!(
        listed.stdout,
        "DEV-1: changed on both sides\n  title: Task 1 → local Mine, remote Theirs\n\
         DEV-3: changed on both sides\n  title: Task 3 → local Mine, remote Theirs\n\
         Settle them: anyt sync resolve\n"
    );
    let document = dispute.alice.anyt(&["sync", "conflicts", "--json"]).ok().json();
    let first = document.at("data.items.0");
    assert_eq!((document.int("data.count"), first.int("remote_version")), (2, 2));
    let sides = ["field", "base", "local", "remote"].map(|side| first.text(&format!("fields.0.{side}")).to_string());
    assert_eq!(sides, ["title", "Task 1", "Mine", "Theirs"]);
    let status = dispute.alice.anyt(&["sync", "status", "--offline"]).ok();
    assert!(status.stdout.contains("Conflicts waiting: 2\n  - DEV-1\n  - DEV-3\n"), "{status}");
    assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Mine", "what waits is what is shown");
    assert_eq!(dispute.proxy.log().len(), 0);
}

/// Each way of settling, with the server gone; the next sync sends what was decided and asks nothing.
#[test]
fn resolve_settles_without_a_server() {
    for (flags, stdin, title, lost) in [
        (&["--local"][..], "", "Mine", vec!["Theirs"]),
        (&["--remote"], "", "Theirs", vec!["Mine"]),
        (&["--edit"], "", "Edited", vec!["Theirs", "Mine"]),
        (&[], "1\n", "Mine", vec!["Theirs"]),
        (&[], "2\n", "Theirs", vec!["Mine"]),
        (&[], "3\n", "Edited", vec!["Theirs", "Mine"]),
    ] {
        let mut dispute = waiting(&[1]);
        let editor = dispute.alice.write("work/editor", "echo 'title: Edited' > \"$1\"\n");
        dispute.alice.set_env("VISUAL", &format!("sh {}", editor.display()));
        dispute.server.stop();
        let args: Vec<&str> = ["sync", "resolve", "DEV-1"].iter().chain(flags).copied().collect();
        let run = dispute.alice.anyt(&args).stdin(stdin).ok();
        assert!(run.stdout.contains("✓ Resolved conflict ("), "{run}");
        let sends = run.stdout.ends_with("  The next sync sends the result: anyt sync\n");
        assert_eq!(sends, title != "Theirs", "said where there is something to send\n{run}");
        assert_eq!(dispute.proxy.log().len(), 0, "{flags:?}");
        assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), title, "{flags:?}");
        assert!(dispute.inbox().is_empty(), "{flags:?}");
        // What was typed is kept too, until it is in the queue.
        let kept = dispute.discarded().into_iter().filter(|one| one.text("reason") != "edited");
        let kept: Vec<String> = kept.map(|one| one.text("operation.payload.set.title").to_string()).collect();
        assert_eq!(kept, lost, "{flags:?}");
        dispute.server.resume();
        dispute.sync(&["--no-input"]).ok();
        assert_eq!(dispute.both("DEV-1", "title"), (title.into(), title.into()), "{flags:?}");
        dispute.assert_settled();
    }
}

#[test]
fn a_flag_decides_all_only_when_all_is_said() {
    let dispute = waiting(&[1, 2, 3]);
    let refused = dispute.alice.anyt(&["sync", "resolve", "--remote"]).code(2);
    assert!(refused.stderr.contains("--all"), "{refused}");
    dispute.alice.anyt(&["sync", "resolve", "DEV-2", "dev-3", "--local"]).ok();
    assert_eq!(dispute.inbox(), ["DEV-1"]);
    dispute.alice.anyt(&["sync", "resolve", "--all", "--remote"]).ok();
    assert!(dispute.inbox().is_empty());
    dispute.alice.anyt(&["sync", "resolve"]).ok().says("No conflict is waiting");
    dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--local"]).code(1).warns("no conflict of DEV-1 is waiting");
    dispute.sync(&["--no-input"]).ok();
    let titles = ["DEV-1", "DEV-2", "DEV-3"].map(|name| dispute.served(name).text("title").to_string());
    assert_eq!(titles, ["Theirs", "Mine", "Mine"]);
    dispute.assert_settled();
}

#[test]
fn resolve_without_answers_leaves_everything_as_it_was() {
    let dispute = waiting(&[1, 2]);
    let before = dispute.cache();
    dispute.alice.anyt(&["sync", "resolve", "--no-input"]).code(3);
    dispute.alice.anyt(&["sync", "resolve"]).stdin_closed().code(3);
    dispute.alice.anyt(&["sync", "resolve"]).stdin("1\nq\n").code(130);
    assert_eq!(dispute.cache(), before);
}

/// The server went on while the conflict waited: what is asked is the newest version, and what was settled about the
/// older one is not asked again unless its values changed.
#[test]
fn a_remote_that_moved_on_starts_the_merge_again() {
    let dispute = waiting(&[1]);
    dispute.theirs("DEV-1", r#"{"title":"Theirs again","priority":2}"#);
    let run = dispute.sync(&[]).stdin("s\n").code(3);
    let shown = "  Remote version: 3\n    Theirs again, changed there ";
    assert!(run.stdout.contains(shown), "{run}");
    assert!(run.stdout.contains("    title: Task 1 → local Mine, remote Theirs again\n"), "{run}");
    let listed = dispute.alice.anyt(&["sync", "conflicts", "--json"]).ok().json();
    assert_eq!(listed.int("data.items.0.remote_version"), 3);
    dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--local"]).ok();
    // Other fields move: no question. The settled one moves: it is asked again, from its new value.
    dispute.theirs("DEV-1", r#"{"status":"active"}"#);
    dispute.sync(&["--no-input", "--pull"]).ok();
    dispute.theirs("DEV-1", r#"{"title":"Once more"}"#);
    let run = dispute.sync(&[]).stdin("s\n").code(3);
    assert!(run.stdout.contains("  title: Theirs again → local Mine, remote Once more\n"), "{run}");
    // The conflict goes by itself when the server comes to hold our value.
    dispute.theirs("DEV-1", r#"{"title":"Mine"}"#);
    dispute.sync(&["--no-input"]).ok();
    assert!(dispute.inbox().is_empty());
    dispute.assert_settled();
}

#[test]
fn settled_values_are_not_asked_about_twice() {
    let dispute = waiting(&[1]);
    dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--local"]).ok();
    // The send fails; the decision stays.
    dispute.proxy.fault(common::proxy::When::first("PATCH", "").always(), common::proxy::What::status(500, &[]));
    let failed = dispute.sync(&[]).stdin("2\n").run();
    assert_ne!(failed.exit, Exit::Code(0), "{failed}");
    assert!(!failed.stdout.contains("Conflict detected"), "{failed}");
    dispute.proxy.reset();
    let sent = dispute.sync(&[]).stdin("2\n").ok();
    assert!(!sent.stdout.contains("Conflict detected"), "{sent}");
    assert_eq!(dispute.served("DEV-1").text("title"), "Mine");
    dispute.assert_settled();
}

/// What waited can be given up; then nothing is in dispute any more.
#[test]
fn dropping_the_operation_drops_its_conflict() {
    let dispute = waiting(&[1]);
    dispute.alice.anyt(&["sync", "queue", "drop", "DEV-1", "--yes"]).ok();
    assert!(dispute.inbox().is_empty());
    assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Theirs");
    dispute.assert_settled();
}

#[test]
fn json_says_what_was_settled_and_nothing_else() {
    let dispute = waiting(&[1, 2]);
    let run = dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--remote", "--json"]).ok();
    assert_eq!(run.json().int("data.resolved"), 1, "{run}");
    let synced = dispute.sync(&["--no-input", "--json"]).run();
    assert_eq!((synced.exit, synced.json().int("data.conflicts_waiting")), (Exit::Code(3), 1), "{synced}");
}

// Force.

#[test]
fn force_says_what_it_throws_away_and_restore_brings_it_back() {
    let dispute = Dispute::about(3);
    dispute.alice.anyt(&["task", "create", "Offline one", "-d", "text", "--offline"]).ok();
    dispute.mine("DEV-4", &["--priority", "2"]);
    dispute.alice.anyt(&["task", "dep", "add", "DEV-4", "--on", "DEV-2", "--offline"]).ok();
    dispute.alice.anyt(&["task", "rm", "DEV-3", "--force", "--offline"]).ok();
    dispute.over_titles(&[1]);
    let before = dispute.cache();
    // Nobody to ask, or a no: nothing happens.
    for stdin in ["", "n\n"] {
        let refused = dispute.sync(&["--force"]).stdin(stdin).code(1);
        assert!(refused.stderr.contains("--yes"), "{refused}");
        assert!(refused.stdout.contains("  5 queued operations will be discarded"), "{refused}");
    }
    assert_eq!((dispute.cache(), dispute.discarded().len()), (before, 0));
    let forced = dispute.sync(&["--force"]).stdin("y\n").ok();
    assert!(forced.stdout.contains("✓ Force synced 3 tasks\n"), "{forced}");
    assert!(dispute.alice.anyt(&["task", "show", "DEV-4"]).run().exit == Exit::Code(1));
    assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Theirs");
    dispute.assert_settled();
    let kinds: Vec<String> = dispute
        .discarded()
        .iter()
        .map(|one| format!("{} {}", one.text("reason"), one.text("operation.operation")))
        .collect();
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    let listed = dispute.alice.anyt(&["sync", "restore", "--list"]).ok();
    let lines: Vec<&str> = listed.stdout.lines().map(str::trim).collect();
    assert!(lines[1].ends_with("force  Create: DEV-4") && lines[2] == "Update: DEV-4 (priority)", "{listed}");
    // Meanwhile a colleague has taken the number.
    dispute.bob().add_task("Bob's");
    dispute.sync(&["--no-input"]).ok();
    let restored = dispute.alice.anyt(&["sync", "restore", "--last"]).ok();
    assert!(restored.stdout.contains("✓ Queued 5 operations again; send them: anyt sync\n"), "{restored}");
    let sent = dispute.sync(&[]).stdin("1\n").ok();
    assert!(sent.stdout.contains("Created: DEV-5"), "{sent}");
    let task = dispute.served("DEV-5");
    assert_eq!((task.text("title"), task.text("description"), task.int("priority")), ("Offline one", "text", 2));
    assert_eq!(dispute.served("DEV-4").text("title"), "Bob's");
    assert_eq!(dispute.served("DEV-1").text("title"), "Mine");
    assert!(dispute.bob().task("DEV-3").is_none());
    let needs = dispute.alice.anyt(&["task", "dep", "list", "DEV-5", "--json"]).ok().json();
    assert_eq!(needs.text("data.depends_on.0.identifier"), "DEV-2");
    dispute.assert_settled();
}

/// A forced sync drops our half of what both did; the server's half stays.
#[test]
fn force_makes_dependencies_those_of_the_server() {
    let dispute = Dispute::about(3);
    for (task, on) in [("DEV-1", "DEV-2"), ("DEV-3", "DEV-1")] {
        dispute.alice.anyt(&["task", "dep", "add", task, "--on", on, "--offline"]).ok();
    }
    let body = json::object([("depends_on", json::string("DEV-2"))]);
    let (status, _) = dispute.bob().post(&format!("{}/dependencies", dispute.bob().tasks("DEV-1")), &body);
    assert_eq!(status, 201);
    dispute.sync(&["--force", "--yes"]).ok();
    let count = |task: &str| {
        let listed = dispute.alice.anyt(&["task", "dep", "list", task, "--json"]).ok().json();
        listed.items("data.depends_on").len()
    };
    assert_eq!((count("DEV-1"), count("DEV-3")), (1, 0));
    dispute.assert_settled();
}

#[test]
fn force_settles_waiting_conflicts() {
    let dispute = waiting(&[1]);
    dispute.sync(&["--force", "--yes", "--no-input"]).ok();
    assert!(dispute.inbox().is_empty());
    assert_eq!(dispute.discarded()[0].text("operation.payload.set.title"), "Mine");
    dispute.assert_settled();
}

/// A forced sync that cannot fetch has thrown nothing away.
#[test]
fn force_that_fails_changes_nothing() {
    let dispute = waiting(&[1]);
    let before = dispute.cache();
    dispute.proxy.fault(common::proxy::When::ending("GET", "/tasks"), common::proxy::What::Html);
    let failed = dispute.sync(&["--force", "--yes"]).run();
    assert_eq!(failed.exit, Exit::Code(5), "a web page is out of reach\n{failed}");
    assert_eq!((dispute.cache(), dispute.discarded().len()), (before, 0));
}

/// A dry run says what would be asked and sent, and leaves nothing that could be settled.
#[test]
fn a_dry_run_says_what_would_be_asked() {
    let dispute = Dispute::over_a_title();
    dispute.mine("DEV-2", &["--status", "done"]);
    let before = dispute.cache();
    let run = dispute.sync(&["--dry-run"]).run();
    assert!(run.stdout.contains("  - Would ask about: DEV-1\n"), "{run}");
    assert!(run.stdout.contains("  - Would send: Update: DEV-2 (status)\n"), "{run}");
    assert!(!run.stdout.contains("Would send: Update: DEV-1") && !run.stderr.contains("sync resolve DEV-1"), "{run}");
    assert_eq!(dispute.cache(), before);
}

/// What is made and changed at once meets nobody's change.
#[test]
fn a_dry_run_of_what_is_new_asks_nothing() {
    let (_server, _proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["attempt", "run", "1", "--offline", "--", "true"]).ok();
    sandbox.anyt(&["task", "create", "Two", "--offline"]).ok();
    sandbox.anyt(&["task", "note", "DEV-2", "-m", "text", "--offline"]).ok();
    let dry = sandbox.anyt(&["sync", "--dry-run"]).ok();
    assert_eq!(dry.stdout.matches("Would send").count(), 4, "{dry}");
    assert_eq!(sandbox.pending(), 4);
}

/// What the server has refused is not sent, and what waits for it neither: a dry run says so as the real one does, and
/// one that only pulls would send nothing. As JSON it names what would be sent.
#[test]
fn a_dry_run_says_what_would_be_held() {
    let dispute = Dispute::about(2);
    dispute.alice.anyt(&["task", "create", "Refused", "--offline"]).ok();
    dispute.proxy.fault(common::proxy::When::ending("POST", "/tasks"), common::proxy::What::status(422, &[]));
    dispute.sync(&["--no-input"]).code(6);
    dispute.alice.anyt(&["task", "create", "Its child", "--parent", "DEV-3", "--offline"]).ok();
    dispute.alice.anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-3", "--offline"]).ok();
    dispute.alice.anyt(&["task", "create", "Fine", "--offline"]).ok();
    dispute.alice.anyt(&["task", "create", "Child", "--parent", "DEV-5", "--offline"]).ok();
    dispute.mine("DEV-2", &["--status", "done"]);
    let before = dispute.cache();

    let json = dispute.sync(&["--dry-run", "--json"]).code(6).json();
    let sent = json.items("data.would_send");
    let described: Vec<&str> = sent.iter().map(|one| one.text("description")).collect();
    assert_eq!(described, ["Create: DEV-5", "Create: DEV-6", "Update: DEV-2 (status)"]);
    assert!(sent.iter().all(|one| !one.text("op_id").is_empty()) && sent[0].text("identifier") == "DEV-5");
    assert_eq!((json.int("data.refused"), json.int("data.held")), (1, 2));
    let dry = dispute.sync(&["--dry-run"]).code(6);
    assert_eq!(dry.stdout.matches("Would send").count(), 3, "{dry}");
    assert_eq!(dispute.cache(), before);
    let pulling = dispute.sync(&["--dry-run", "--pull"]).ok();
    assert!(!pulling.stdout.contains("Would send"), "{pulling}");
    let pulling = dispute.sync(&["--dry-run", "--pull", "--json"]).ok().json();
    assert_eq!(pulling.items("data.would_send").len(), 0);

    let real = dispute.sync(&["--no-input"]).code(6);
    assert_eq!(real.stderr, dry.stderr);
    assert_eq!(dispute.alice.pending(), 3);
}

/// Every way of writing a task's name, and what the log says of decisions afterwards.
#[test]
fn a_conflict_is_called_as_its_task_is_and_the_log_tells_what_was_decided() {
    for name in ["DEV-1", "dev-1", "dev1", "1"] {
        let dispute = Dispute::over_a_title();
        dispute.sync(&["--no-input"]).code(3);
        dispute.alice.anyt(&["sync", "resolve", name, "--local"]).ok();
    }
    let dispute = Dispute::over_a_title();
    dispute.mine("DEV-2", &["--status", "done"]);
    dispute.theirs("DEV-2", r#"{"priority":2}"#);
    dispute.sync(&[]).stdin("2\n").ok();
    dispute.over_titles(&[3]);
    dispute.sync(&["--no-input", "--resolve", "local"]).ok();
    let log = dispute.alice.anyt(&["sync", "log", "--verbose"]).ok();
    for decision in ["DEV-1: accepted remote", "DEV-2: merged (status yours, priority theirs)", "DEV-3: kept local"] {
        assert!(log.stdout.contains(decision), "no {decision:?}\n{log}");
    }
}
