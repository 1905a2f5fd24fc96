//! Issue 4 point 1: what two people changed is brought together without a question where it can be, and reported. And
//! the version races of a push.

use crate::common;
use crate::common::json::{self, Look};
use crate::common::proxy::{Gate, What, When};
use crate::common::pty::Terminal;
use crate::common::run::TIMEOUT;
use crate::common::{Dispute, Exit};
use anyt::notes;

#[test]
fn different_fields_merge_without_a_question_and_it_is_said() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--status", "done"]);
    dispute.theirs("DEV-1", r#"{"description":"Theirs"}"#);
    let synced = dispute.sync(&["--no-input"]).ok();
    assert!(synced.stdout.contains("✓ Merged DEV-1 (status yours, description theirs)\n"), "{synced}");
    assert_eq!(dispute.both("DEV-1", "status"), ("done".into(), "done".into()));
    assert_eq!(dispute.both("DEV-1", "description"), ("Theirs".into(), "Theirs".into()));
    dispute.assert_settled();
    assert_eq!(dispute.discarded().len(), 0, "nothing lost, so nothing is kept");
}

/// Several queued updates of one task are one change of it.
#[test]
fn a_chain_of_edits_merges_as_one() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--status", "todo"]);
    dispute.mine("DEV-1", &["--status", "active", "--priority", "1"]);
    dispute.mine("DEV-1", &["--status", "done"]);
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    dispute.sync(&["--no-input"]).ok().says("✓ Merged DEV-1 (status yours, priority yours, title theirs)");
    let task = dispute.served("DEV-1");
    assert_eq!((task.text("status"), task.int("priority"), task.text("title")), ("done", 1, "Theirs"));
    dispute.assert_settled();
}

#[test]
fn labels_merge_as_sets() {
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"labels":["kept","goes","old"]}"#);
    dispute.sync(&[]).ok();
    dispute.mine("DEV-1", &["--add-labels", "mine,new", "--remove-labels", "goes"]);
    dispute.theirs("DEV-1", r#"{"labels":["kept","goes","theirs","new"]}"#);
    dispute.sync(&["--no-input"]).ok().says("✓ Merged DEV-1 (labels both)");
    let mut labels: Vec<String> =
        dispute.served("DEV-1").items("labels").iter().filter_map(json::as_text).map(String::from).collect();
    labels.sort();
    assert_eq!(labels, ["kept", "mine", "new", "theirs"]);
    dispute.assert_settled();
}

#[test]
fn long_texts_merge_by_line() {
    let lines = |change: &[(usize, &str)]| -> String {
        let line = |n: usize| {
            let changed = change.iter().find(|(at, _)| *at == n).map(|(_, text)| text.to_string());
            changed.unwrap_or_else(|| format!("Zeile {n}: ünïcode 漢字 🦀 {}", "x".repeat(n % 40)))
        };
        (0..180).map(line).collect::<Vec<_>>().join("\n")
    };
    let dispute = Dispute::about(1);
    let described = |text: &str| json::to_string(&json::object([("description", json::string(text))]));
    assert!(lines(&[]).len() > 7000);
    dispute.theirs("DEV-1", &described(&lines(&[])));
    dispute.sync(&[]).ok();
    dispute.mine("DEV-1", &["--description", &lines(&[(3, "mein 3 😀"), (179, "mein Ende")])]);
    dispute.theirs("DEV-1", &described(&lines(&[(0, "ihr Anfang"), (90, "ihre\nMitte")])));
    dispute.sync(&["--no-input"]).ok().says("✓ Merged DEV-1 (description both)");
    let wanted = lines(&[(3, "mein 3 😀"), (179, "mein Ende"), (0, "ihr Anfang"), (90, "ihre\nMitte")]);
    assert_eq!(dispute.both("DEV-1", "description"), (wanted.clone(), wanted));
    dispute.assert_settled();
}

/// Notes are a log: two people who each add one want both. Whoever syncs first, the result is the same.
#[test]
fn notes_of_two_people_are_both_kept() {
    for described in ["", "About"] {
        let dispute = Dispute::about(1);
        dispute.theirs("DEV-1", &json::to_string(&json::object([("description", json::string(described))])));
        dispute.sync(&[]).ok();
        dispute.alice.anyt(&["task", "note", "DEV-1", "-m", "Mine", "--offline"]).ok();
        dispute.alice.anyt(&["task", "done", "DEV-1", "-n", "Done by me", "--offline"]).ok();
        let theirs = notes::add(described, "2020-01-01 12:00", "Note", "Theirs, and earlier");
        dispute.theirs("DEV-1", &json::to_string(&json::object([("description", json::string(&theirs))])));
        dispute.sync(&["--no-input"]).ok().says("✓ Merged DEV-1 (status yours, description both)");
        let (served, cached) = dispute.both("DEV-1", "description");
        assert_eq!(served, cached);
        assert!(served.starts_with(&theirs), "{served}");
        let order: Vec<usize> =
            ["Theirs, and earlier", "- Mine", "- Done by me"].iter().filter_map(|note| served.find(note)).collect();
        assert!(order.len() == 3 && order.is_sorted(), "{served}");
        assert_eq!(served.matches("## Events").count(), 1, "{served}");
        dispute.assert_settled();
    }
}

#[test]
fn the_same_value_on_both_sides_is_no_question_and_no_request() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--status", "done", "--priority", "2"]);
    dispute.theirs("DEV-1", r#"{"status":"done","priority":2}"#);
    let synced = dispute.sync(&["--no-input"]).ok();
    assert!(!synced.stdout.contains("Conflict"), "{synced}");
    assert_eq!(dispute.proxy.writes().len(), 0, "{:?}", dispute.proxy.writes());
    dispute.assert_settled();
}

/// The specification's own words: when versions differ, ask.
#[test]
fn without_merging_every_version_difference_is_asked() {
    for by_config in [false, true] {
        let dispute = Dispute::about(1);
        dispute.mine("DEV-1", &["--status", "done"]);
        dispute.theirs("DEV-1", r#"{"description":"Theirs"}"#);
        let mut flags = vec!["--no-merge"];
        if by_config {
            dispute.alice.configure("sync", json::parse(r#"{"merge":false}"#));
            flags.clear();
        }
        let asked = dispute.sync(&flags).stdin("1\n").ok();
        assert!(asked.stdout.contains("⚠ Conflict detected for DEV-1:"), "{asked}");
        assert!(asked.stdout.contains("  status: backlog → local done, remote backlog\n"), "{asked}");
        assert_eq!(dispute.both("DEV-1", "status"), ("done".into(), "done".into()));
        assert_eq!(dispute.both("DEV-1", "description"), ("Theirs".into(), "Theirs".into()), "not ours to overwrite");
        dispute.assert_settled();
    }
}

/// In the editor it is a text without marks then, good as it is. What only the server changed is said beside it.
#[test]
fn without_merging_an_edit_may_be_left_as_it_is() {
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"description":"a\nb\nc\nd"}"#);
    dispute.sync(&[]).ok();
    dispute.mine("DEV-1", &["--description", "A\nb\nc\nd"]);
    dispute.theirs("DEV-1", r#"{"description":"a\nb\nc\nD","priority":2}"#);
    dispute.alice.set_env("EDITOR", "cp -t .");
    let edited = dispute.sync(&["--no-merge"]).stdin("3\n").ok();
    assert!(edited.stdout.contains("    priority: 0 → remote 2 (stays either way)\n"), "{edited}");
    assert!(edited.stdout.contains("✓ Resolved conflict (edited)"), "{edited}");
    let seen = dispute.alice.read("work/DEV-1.md");
    assert!(!seen.contains("marks") && seen.contains("\nA\nb\nc\nD\n"), "{seen}");
    assert_eq!(dispute.both("DEV-1", "description"), ("A\nb\nc\nD".into(), "A\nb\nc\nD".into()));
    assert_eq!(dispute.served("DEV-1").int("priority"), 2);
    dispute.assert_settled();
}

/// A question that only `--no-merge` asks can wait in the inbox too, with its fields, and is settled as it was asked.
#[test]
fn a_conflict_without_overlap_keeps_its_fields_in_the_inbox() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--status", "done"]);
    dispute.theirs("DEV-1", r#"{"description":"Theirs"}"#);
    dispute.sync(&["--no-merge", "--no-input"]).code(3);
    let listed = dispute.alice.anyt(&["sync", "conflicts", "--json"]).ok().json();
    assert_eq!(listed.text("data.items.0.fields.0.field"), "status");
    dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--remote"]).ok().says("✓ Resolved conflict (accepted remote)");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.both("DEV-1", "status"), ("backlog".into(), "backlog".into()));
    dispute.assert_settled();
}

/// Bob is faster than the push: the proxy holds Alice's request until he has changed the task.
fn race(dispute: &Dispute, flags: &[&str], stdin: &str, bob: impl Fn()) -> common::Run {
    let gate = Gate::new();
    dispute.proxy.fault(When::first("PATCH", ""), What::StallRequest(gate.clone()));
    let syncing = dispute.sync(flags).stdin(stdin).spawn();
    gate.wait_for_somebody();
    bob();
    gate.open();
    syncing.wait(TIMEOUT)
}

#[test]
fn a_409_during_the_push_merges_or_asks() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--title", "Mine"]);
    let merged = race(&dispute, &["--no-input"], "", || dispute.theirs("DEV-1", r#"{"priority":2}"#)).ok();
    assert!(merged.stdout.contains("✓ Merged DEV-1 (title yours, priority theirs)\n"), "{merged}");
    assert_eq!((dispute.served("DEV-1").text("title"), dispute.served("DEV-1").int("priority")), ("Mine", 2));
    let sent: Vec<Option<String>> =
        dispute.proxy.writes().iter().map(|one| one.header("If-Match").map(String::from)).collect();
    assert_eq!(sent, [Some("1".to_string()), Some("2".to_string())], "each update says which version it is of");
    assert_eq!(dispute.proxy.writes().iter().filter_map(|one| one.status).collect::<Vec<_>>(), [409, 200]);
    dispute.assert_settled();

    dispute.proxy.reset();
    dispute.mine("DEV-2", &["--title", "Mine"]);
    let asked = race(&dispute, &[], "1\n", || dispute.theirs("DEV-2", r#"{"title":"Theirs"}"#)).ok();
    assert!(
        asked.stdout.contains("⚠ Conflict detected for DEV-2:\n  Local version: 1\n  Remote version: 2\n"),
        "{asked}"
    );
    assert!(asked.stdout.contains("✓ Resolved conflict (kept local)\n"), "{asked}");
    assert!(asked.stdout.starts_with("↑ Pushing local changes...\n⚠ Conflict"), "found while sending\n{asked}");
    assert!(!asked.stdout.contains("Fetching"), "{asked}");
    assert_eq!((dispute.served("DEV-2").text("title"), dispute.served("DEV-2").int("version")), ("Mine", 3));
    assert_eq!(dispute.discarded()[0].text("remote.title"), "Theirs");
    dispute.assert_settled();
}

#[test]
fn a_409_that_nobody_answers_waits_in_the_inbox() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--title", "Mine"]);
    dispute.mine("DEV-2", &["--title", "Also mine"]);
    race(&dispute, &["--no-input"], "", || dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#)).code(3);
    assert_eq!(dispute.inbox(), ["DEV-1"]);
    assert_eq!(dispute.served("DEV-1").text("title"), "Theirs");
    assert_eq!(dispute.served("DEV-2").text("title"), "Also mine", "the rest of the queue goes on");
}

#[test]
fn a_race_that_never_ends_is_given_up_and_the_edit_stays_queued() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--title", "Mine"]);
    let conflict = common::http::Message::reply(
        409,
        "application/problem+json",
        r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"again"}"#,
    );
    dispute.proxy.fault(When::first("PATCH", "").always(), What::Answer(conflict));
    let tired = dispute.sync(&["--no-input"]).code(5);
    assert!(tired.stderr.contains("kept changing"), "{tired}");
    let tries = dispute.proxy.writes().len();
    assert!((2..=10).contains(&tries), "{tries} tries");
    dispute.proxy.reset();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.both("DEV-1", "title"), ("Mine".into(), "Mine".into()));
    dispute.assert_settled();
}

/// A command's own write meets Bob's change in the same way as a sync does.
#[test]
fn a_direct_write_merges_too() {
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"description":"Theirs"}"#);
    dispute.alice.anyt(&["task", "update", "DEV-1", "--status", "done", "--no-input"]).ok().says("✓ Updated DEV-1");
    let task = dispute.served("DEV-1");
    assert_eq!((task.text("status"), task.text("description")), ("done", "Theirs"));
    dispute.sync(&[]).ok();
    dispute.assert_settled();
}

#[test]
fn a_direct_write_that_loses_does_not_say_it_was_made() {
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    let mut terminal = Terminal::anyt(&dispute.alice, &["task", "update", "DEV-1", "--title", "Mine"]);
    terminal.expect("Choice [1-3]: ").send("2\r");
    let shown = terminal.end();
    assert_eq!(shown.exit, Exit::Code(0), "{}", shown.screen);
    assert!(shown.screen.contains("✓ Resolved conflict (accepted remote)"), "{}", shown.screen);
    assert!(!shown.screen.contains("✓ Updated DEV-1"), "{}", shown.screen);
    assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), "Theirs".into()), "the cache has what was chosen");
}
