//! What somebody types in the first days, and what is answered: the next step, in the words of this program.

use crate::common::json::Look;
use crate::common::pty::Terminal;
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
    let flag = anyt(&dispute, &["task", "update", "1", "-m", "x"]).code(2);
    assert!(flag.stderr.contains("unknown flag -m") && !flag.stderr.contains("if it is the id"), "{flag}");
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

/// A person may be an agent, which no list of members names: it is said, and done.
#[test]
fn an_owner_that_nobody_is_is_named_in_a_write() {
    let dispute = Dispute::about(1);
    let said = "no member 'bobby' is known in DEV; there are: ";
    anyt(&dispute, &["task", "update", "1", "--owner", "bobby"]).ok().warns(said);
    // Once it owns something here it is known.
    assert_eq!(anyt(&dispute, &["task", "create", "x", "--owner", "bobby", "--offline"]).ok().stderr, "");
    anyt(&dispute, &["task", "create", "x", "--owner", "bobbby", "--offline"]).ok().warns("no member 'bobbby'");
    for (name, line) in [("new", "title: x\nowner: bobbbby"), ("old", "owner: bobbbbby"), ("mine", "owner: me")] {
        dispute.alice.write(&format!("work/{name}"), format!("---\n{line}\n---\n"));
    }
    anyt(&dispute, &["task", "create", "-F", "new"]).ok().warns("no member 'bobbbby'");
    anyt(&dispute, &["task", "edit", "1", "-F", "old"]).ok().warns("no member 'bobbbbby'");
    assert_eq!(anyt(&dispute, &["task", "update", "1", "-F", "mine"]).ok().stderr, "");
    for known in ["bob", "me", ""] {
        assert_eq!(anyt(&dispute, &["task", "update", "1", "--owner", known]).ok().stderr, "", "{known}");
    }
    // Where no members are known, nobody is unknown.
    let never = Sandbox::new();
    never.sign_in(&dispute.server);
    assert_eq!(never.anyt(&["task", "create", "x", "--owner", "bobby", "--offline"]).ok().stderr, "");
}

#[test]
fn a_label_with_a_sign_is_answered_with_the_flag_for_it() {
    let dispute = Dispute::about(1);
    for (args, flag) in [
        (&["update", "1", "--labels", "+bug"][..], "(to add one: --add-labels bug)"),
        (&["update", "1", "--labels", "ui,-bug"], "(to remove one: --remove-labels bug)"),
        (&["create", "x", "--labels", "+bug"], "(to add one: --labels bug)"),
        (&["update", "1", "--labels", "+"], "'+' is not a label (to add one: --add-labels NAME)"),
        (&["update", "1", "--labels=-"], "'-' is not a label (to remove one: --remove-labels NAME)"),
    ] {
        anyt(&dispute, &[&["task"], args].concat()).code(2).warns(flag);
    }
    assert_eq!(dispute.alice.pending(), 0);
}

#[test]
fn what_waits_below_a_task_counts_for_it() {
    let dispute = Dispute::about(4);
    let pending = || {
        let list = anyt(&dispute, &["task", "list", "--pending", "--jsonl", "--sort", "identifier"]).ok().stdout;
        list.lines().map(|line| crate::common::json::parse(line).text("identifier").to_string()).collect::<Vec<_>>()
    };
    assert_eq!(pending(), [""; 0]);
    anyt(&dispute, &["comment", "add", "1", "-m", "x", "--offline"]).ok();
    anyt(&dispute, &["attempt", "start", "2"]).ok();
    anyt(&dispute, &["attempt", "start", "3", "--offline"]).ok();
    dispute.alice.write("work/log", "x");
    anyt(&dispute, &["artifact", "add", "DEV-2@1", "log", "--offline"]).ok();
    assert_eq!(pending(), ["DEV-1", "DEV-2", "DEV-3"]);
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(pending(), [""; 0]);
}

/// Columns without tasks leave their room to those that have some.
#[test]
fn a_board_cuts_no_title_that_has_room() {
    let dispute = Dispute::about(1);
    let title = "A title of some forty-odd columns, not more";
    anyt(&dispute, &["task", "update", "1", "--title", title]).ok();
    let session = Terminal::anyt(&dispute.alice, &["board"]).end();
    assert!(session.screen.contains(&format!("DEV-1 {title}")), "{}", session.screen);
}

#[test]
fn the_words_of_other_tools_lead_to_ours() {
    let person = Sandbox::new();
    for (words, ours) in [
        (&["push"][..], "anyt sync --push"),
        (&["pull", "--mine"], "anyt sync --pull"),
        (&["commit", "-m", "x"], "anyt sync"),
        (&["search", "login"], "anyt task list --search"),
        (&["ls"], "anyt task list"),
        (&["add", "Buy milk"], "anyt task create"),
        (&["task", "new", "Buy milk"], "anyt task create"),
        (&["pul"], "did you mean anyt sync --pull?"),
        (&["puhs"], "did you mean anyt sync --push?"),
        (&["sync", "pul"], "did you mean anyt sync --pull?"),
        (&["lst"], "did you mean anyt task list?"),
        (&["satus"], "did you mean anyt sync status, anyt auth status?"),
        (&["crate", "x"], "did you mean anyt task create, "),
        (&["tsak", "list"], "did you mean task?"),
        (&["task", "lst"], "did you mean list?"),
        (&["task", "list", "--asignee", "bob"], "did you mean --owner?"),
        (&["task", "list", "--assignee", "bob"], "did you mean --owner?"),
        (&["task", "list", "--lables", "x"], "did you mean --labels?"),
        (&["task", "list", "--state=done"], "did you mean --status?"),
        (&["comment", "new"], "anyt comment --help"),
    ] {
        let run = person.anyt(words).code(2);
        assert!(run.stderr.contains(ours), "{run}");
        assert_eq!(run.stderr.contains("did you mean"), words[0] != "comment", "{run}");
    }
}

#[test]
fn a_task_that_is_made_again_comes_without_what_was_below_it() {
    let dispute = Dispute::about(1);
    anyt(&dispute, &["task", "rm", "1", "--force"]).ok();
    let undone = anyt(&dispute, &["undo", "--force"]).ok();
    assert!(undone.stdout.contains("Delete: DEV-1; its comments and attempts do not come back\n"), "{undone}");
}

#[test]
fn environments_say_where_they_do_not_count_and_what_stays() {
    let dispute = Dispute::about(1);
    anyt(&dispute, &["env", "add", "far", "https://tasks.example.com"]).ok();
    let tied = anyt(&dispute, &["env", "use", "far"]).ok();
    assert!(tied.stderr.contains("this directory is tied to http://"), "{tied}");
    assert_eq!(anyt(&dispute, &["env", "use", "dev"]).ok().stderr, "");
    anyt(&dispute, &["task", "create", "x", "--offline"]).ok();
    let removed = anyt(&dispute, &["env", "remove", "dev", "--force"]).ok();
    let [cache, state] = ["cache", "state"].map(|folder| dispute.alice.path(&format!("{folder}/anyt/dev")));
    let said = format!("  What was fetched and queued stays in {} and {}\n", cache.display(), state.display());
    assert!(removed.stdout.ends_with(&said) && cache.exists() && state.exists(), "{removed}");
}
