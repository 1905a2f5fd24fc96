//! `anyt undo`: what waits is given up, what was sent is followed by its inverse, and nobody's later change goes with it.

use crate::common::json::{self, Look};
use crate::common::pty::Terminal;
use crate::common::{Dispute, Exit, Run};

fn anyt(dispute: &Dispute, args: &[&str]) -> Run {
    dispute.alice.anyt(args).run()
}

fn title(dispute: &Dispute, name: &str) -> (String, String) {
    dispute.both(name, "title")
}

#[test]
fn what_was_not_sent_is_given_up() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--title", "Mine"]);
    dispute.mine("DEV-2", &["--priority", "2"]);
    let undone = anyt(&dispute, &["undo"]).ok();
    assert_eq!(undone.stdout, "Undoing operation 2: Update: DEV-2 (priority)\n✓ Undone: DEV-2 (it was never sent)\n");
    assert_eq!(dispute.alice.cached_task("DEV-2").int("priority"), 0);
    anyt(&dispute, &["undo"]).ok().says("Undoing operation 1");
    assert_eq!((dispute.alice.pending(), title(&dispute, "DEV-1").1.as_str()), (0, "Task 1"));
    anyt(&dispute, &["undo"]).code(1).warns("there is nothing to undo");
    assert_eq!(dispute.discarded().len(), 2, "it can be restored");
    // What cannot be sent without it goes with it, and that is asked.
    dispute.alice.anyt(&["task", "create", "New", "--offline"]).ok();
    dispute.mine("DEV-3", &["--priority", "1"]);
    let number = anyt(&dispute, &["log", "--json"]).json().items("data.items")[1].int("number").to_string();
    let refused = anyt(&dispute, &["undo", &number]).code(1);
    assert!(refused.stderr.contains("--force"), "{refused}");
    anyt(&dispute, &["undo", &number, "--force"]).ok();
    assert_eq!(dispute.alice.pending(), 0);
    dispute.assert_settled();
}

#[test]
fn what_was_sent_returns_where_nobody_changed_it_since() {
    let dispute = Dispute::about(2);
    let long = "x".repeat(3000);
    anyt(&dispute, &["task", "update", "1", "--title", "Mine", "-d", &long, "--owner", "alice", "--labels", "a,b"])
        .ok();
    anyt(&dispute, &["task", "update", "1", "--status", "done"]).ok();
    dispute.theirs("DEV-1", r#"{"priority":2,"labels":["a","b","theirs"]}"#);
    anyt(&dispute, &["undo"]).ok().says("✓ Updated DEV-1\n");
    assert_eq!(dispute.served("DEV-1").text("status"), "backlog");
    anyt(&dispute, &["undo"]).ok();
    let task = dispute.served("DEV-1");
    assert_eq!((task.text("title"), task.int("priority")), ("Task 1", 2));
    assert_eq!(json::to_string(task.at("labels")), r#"["theirs"]"#);
    let is_empty = |name| json::as_text(task.at(name)).unwrap_or_default().is_empty();
    assert!(is_empty("description") && is_empty("owner_id"), "{}", json::to_string(&task));
    dispute.sync(&["--no-input"]).ok();
    dispute.assert_settled();
    let log = anyt(&dispute, &["log"]).ok();
    assert_eq!(log.stdout.lines().filter(|line| line.ends_with("  undone")).count(), 4, "{log}");
    anyt(&dispute, &["undo"]).code(1).warns("there is nothing to undo");
    // An undo is undone by its number.
    anyt(&dispute, &["undo", "4"]).ok();
    assert_eq!(dispute.served("DEV-1").text("title"), "Mine");
}

#[test]
fn what_somebody_changed_since_is_asked_about() {
    let dispute = Dispute::about(1);
    anyt(&dispute, &["task", "update", "1", "--title", "Mine"]).ok();
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    for seen in [false, true] {
        if seen {
            dispute.sync(&["--no-input"]).run();
        }
        let run = anyt(&dispute, &["undo", "1"]);
        assert_eq!(run.exit, Exit::Code(3), "{run}");
        assert_eq!(title(&dispute, "DEV-1").0, "Theirs", "{run}");
        dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--remote"]).ok();
        dispute.sync(&["--no-input"]).ok();
    }
    let mut terminal = Terminal::anyt(&dispute.alice, &["undo", "1"]);
    terminal.expect("Choice [1-3]: ").send("1\r");
    assert_eq!(terminal.end().exit, Exit::Code(0));
    assert_eq!(title(&dispute, "DEV-1").0, "Task 1");
}

/// A note is taken out from between others.
#[test]
fn a_note_is_taken_out() {
    let dispute = Dispute::about(1);
    anyt(&dispute, &["task", "note", "1", "-m", "First"]).ok();
    anyt(&dispute, &["task", "note", "1", "-m", "Wrong"]).ok();
    let with = dispute.served("DEV-1").text("description").to_string();
    dispute.theirs(
        "DEV-1",
        &format!(r#"{{"description":{}}}"#, json::to_string(&json::string(format!("# Head\n\n{with}")))),
    );
    anyt(&dispute, &["undo"]).ok();
    let text = dispute.served("DEV-1").text("description").to_string();
    assert!(text.contains("# Head") && text.contains("First") && !text.contains("Wrong"), "{text}");
}

#[test]
fn a_created_task_is_deleted_and_a_deleted_one_created_again() {
    let dispute = Dispute::about(1);
    anyt(
        &dispute,
        &["task", "create", "Ours", "-d", "text", "-p", "2", "--labels", "a", "--parent", "1", "--owner", "alice"],
    )
    .ok();
    anyt(&dispute, &["undo"]).code(1).warns("--force");
    anyt(&dispute, &["undo", "--force"]).ok().says("✓ Deleted DEV-2\n");
    assert!(dispute.bob().task("DEV-2").is_none());
    // The undo of that, by its number.
    anyt(&dispute, &["undo", "2"]).ok().says("✓ Created DEV-3\n");
    let task = dispute.served("DEV-3");
    assert_eq!((task.text("title"), task.text("description"), task.int("priority")), ("Ours", "text", 2));
    assert_eq!((json::to_string(task.at("labels")), task.text("owner_id")), (r#"["a"]"#.into(), "alice"));
    assert_eq!(task.int("parent_id"), dispute.served("DEV-1").int("id"));
    anyt(&dispute, &["undo", "2"]).code(1).warns("DEV-2 is here again");
    // Deleted by the command, once sent and once queued.
    anyt(&dispute, &["task", "rm", "3", "-f"]).ok();
    anyt(&dispute, &["undo", "--offline"]).ok().says("(queued for sync)\n");
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-4").text("description"), "text");
    dispute.assert_settled();
}

/// A task is what it depends on, and what waits for it, as much as its text.
#[test]
fn a_deleted_task_comes_back_with_its_dependencies() {
    for offline in [false, true] {
        let dispute = Dispute::about(4);
        for (task, on) in [("1", "2"), ("2", "3"), ("4", "2")] {
            anyt(&dispute, &["task", "dep", "add", task, "--on", on]).ok();
        }
        anyt(&dispute, &["task", "rm", "2", "--force"]).ok();
        // What is gone as well is not linked to.
        anyt(&dispute, &["task", "rm", "4", "--force"]).ok();
        let undo = ["undo", "4", "--offline"];
        anyt(&dispute, &undo[..if offline { 3 } else { 2 }]).ok().says("✓ Created DEV-5");
        let linked = || {
            let list = anyt(&dispute, &["task", "dep", "list", "5", "--json"]).json();
            let names = |side: &str| -> Vec<String> {
                list.items(side).iter().map(|one| one.text("identifier").to_string()).collect()
            };
            (names("data.depends_on"), names("data.blocks"))
        };
        let wanted = (vec!["DEV-3".to_string()], vec!["DEV-1".to_string()]);
        assert_eq!(linked(), wanted);
        dispute.sync(&["--no-input"]).ok();
        assert_eq!(linked(), wanted);
        let (_, needs) = dispute.bob().get(&format!("{}/dependencies", dispute.bob().tasks("DEV-5")));
        assert_eq!(needs.text("0.identifier"), "DEV-3");
        dispute.assert_settled();
    }
}

#[test]
fn a_task_that_somebody_went_on_with_is_not_deleted_unasked() {
    let dispute = Dispute::about(1);
    anyt(&dispute, &["task", "create", "Ours"]).ok();
    anyt(&dispute, &["task", "update", "2", "--priority", "1"]).ok();
    dispute.theirs("DEV-2", r#"{"description":"their work"}"#);
    dispute.sync(&["--no-input"]).ok();
    let run = anyt(&dispute, &["undo", "1", "--force"]);
    assert_eq!(run.exit, Exit::Code(3), "{run}");
    assert!(dispute.bob().task("DEV-2").is_some(), "{run}");
}

#[test]
fn dependencies_and_a_server_out_of_reach() {
    let dispute = Dispute::about(2);
    let needs = || anyt(&dispute, &["task", "dep", "list", "1", "--json"]).json().items("data.depends_on").len();
    anyt(&dispute, &["task", "dep", "add", "1", "--on", "2"]).ok();
    anyt(&dispute, &["undo"]).ok();
    assert_eq!(needs(), 0);
    anyt(&dispute, &["undo", "2"]).ok();
    assert_eq!(needs(), 1);
    anyt(&dispute, &["task", "update", "1", "--title", "Mine"]).ok();
    dispute.proxy.go_down();
    anyt(&dispute, &["undo"]).ok().says("queued for sync: the server is out of reach");
    assert_eq!(title(&dispute, "DEV-1"), ("Mine".into(), "Task 1".into()));
    dispute.proxy.come_back();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(title(&dispute, "DEV-1").0, "Task 1");
    dispute.assert_settled();
}

#[test]
fn the_log_is_of_a_task_or_of_all() {
    let dispute = Dispute::about(2);
    anyt(&dispute, &["log"]).ok().says("Nothing was changed from here");
    anyt(&dispute, &["task", "update", "1", "--title", "Mine"]).ok();
    anyt(&dispute, &["task", "update", "2", "--title", "Mine"]).ok();
    anyt(&dispute, &["task", "create", "New", "--offline"]).ok();
    dispute.mine("DEV-3", &["--priority", "1"]);
    let numbers = |args: &[&str]| -> Vec<i64> {
        let list = anyt(&dispute, &[&["log", "--json"], args].concat()).json();
        list.items("data.items").iter().map(|item| item.int("number")).collect()
    };
    assert_eq!(
        (numbers(&[]), numbers(&["-n", "2"]), numbers(&["1"]), numbers(&["3"])),
        (vec![4, 3, 2, 1], vec![4, 3], vec![1], vec![4, 3])
    );
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(numbers(&["3"]), [4, 3]);
    anyt(&dispute, &["undo", "99"]).code(1).warns("there is no operation '99'");
    let newer = anyt(&dispute, &["task", "update", "1", "--title", "Newer"]).ok();
    let refused = anyt(&dispute, &["undo", "1"]).code(1);
    assert!(
        refused.stderr.contains("operation 5 changed the title after it (undo that first: anyt undo 5)"),
        "{newer}{refused}"
    );
}
