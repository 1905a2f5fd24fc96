//! What somebody types in the first days, and what is answered: the next step, in the words of this program.

use crate::common::json::Look;
use crate::common::{Dispute, Run, Sandbox};

fn anyt(dispute: &Dispute, args: &[&str]) -> Run {
    dispute.alice.anyt(args).run()
}

#[test]
fn before_the_first_login_every_hint_names_it() {
    let person = Sandbox::new();
    for args in [
        &["task", "list"][..],
        &["sync"],
        &["sync", "--all-environments"],
        &["env", "switch", "prod"],
        &["env", "list"],
    ] {
        let run = person.anyt(args).run();
        let said = format!("{}{}", run.stdout, run.stderr).to_lowercase();
        assert!(said.contains("sign in to a server: anyt login url"), "{run}");
    }
}

#[test]
fn an_empty_list_says_what_to_type() {
    let dispute = Dispute::about(0);
    let none = anyt(&dispute, &["task", "list"]).ok();
    assert_eq!(none.stderr, "No tasks in DEV yet. Create one: anyt task create TITLE\n");
    assert_eq!(anyt(&dispute, &["task", "list", "-q"]).ok().stderr, "");
    anyt(&dispute, &["task", "create", "One", "--offline"]).ok();
    anyt(&dispute, &["task", "done", "1", "--offline"]).ok();
    let closed = anyt(&dispute, &["task", "list"]).ok();
    assert_eq!(closed.stderr, "No open tasks in DEV. All of them: anyt task list --all\n");
    let filtered = anyt(&dispute, &["task", "list", "--all", "--status", "active"]).ok();
    assert_eq!(filtered.stderr, "anyt: warning: no task matches\n");
}

#[test]
fn a_man_page_that_is_not_there_is_answered_with_those_that_are() {
    let person = Sandbox::new();
    let unknown = person.anyt(&["man", "nosuch"]).code(2);
    assert!(
        unknown.stderr.starts_with("anyt: there is no man page 'nosuch' (there are: anyt, sync, task, "),
        "{unknown}"
    );
    assert_eq!(unknown.stderr_lines().len(), 1);
}

#[test]
fn several_ids_where_one_is_taken_are_no_unquoted_text() {
    let dispute = Dispute::about(2);
    let ids = anyt(&dispute, &["task", "show", "1", "2"]).code(2);
    assert!(
        ids.stderr.contains("unexpected argument '2' for 'anyt task show' (it takes one ID, run it for each; "),
        "{ids}"
    );
    anyt(&dispute, &["task", "create", "Buy", "milk"]).code(2).warns("quote text that has spaces in it");
}

/// The newest operation of a failed run cannot be undone: the one before it can be, and is named.
#[test]
fn an_undo_that_is_stuck_names_what_can_be_undone() {
    let dispute = Dispute::about(1);
    anyt(&dispute, &["task", "update", "1", "--priority", "2"]).ok();
    let number = anyt(&dispute, &["log", "--json"]).json().items("data.items")[0].int("number");
    anyt(&dispute, &["attempt", "run", "1", "--", "sh", "-c", "echo no; exit 3"])
        .code(3)
        .warns("✗ Failed attempt DEV-1@1");
    let stuck = anyt(&dispute, &["undo"]).code(1);
    let next = format!("(one before it can: anyt undo {number} (Update: DEV-1 (priority)))");
    assert!(stuck.stderr.contains("cannot be undone: ") && stuck.stderr.contains(&next), "{stuck}");
    anyt(&dispute, &["undo", &number.to_string()]).ok().says("✓ Updated DEV-1");
    let none = anyt(&dispute, &["undo"]).code(1);
    assert!(!none.stderr.contains("one before it can"), "{none}");
}

#[test]
fn lists_within_one_document_are_lines_too() {
    let dispute = Dispute::about(2);
    anyt(&dispute, &["task", "update", "2", "--status", "active"]).ok();
    let lines = |args: &[&str]| anyt(&dispute, args).ok().stdout;
    assert_eq!(
        lines(&["board", "--jsonl", "--fields", "identifier,list"]).replace('"', ""),
        "{identifier:DEV-2,list:active}\n{identifier:DEV-1,list:backlog}\n"
    );
    let summary = lines(&["summary", "--jsonl", "--fields", "list,status"]);
    assert_eq!(summary.lines().next(), Some(r#"{"list":"active","status":"active"}"#));
    assert!(summary.lines().all(|line| line.contains(r#""list":"#)), "{summary}");
}
