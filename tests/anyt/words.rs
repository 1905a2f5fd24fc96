//! What is said when something goes wrong: what was kept, where, and what to type next.

use crate::common::faults::{What, When};
use crate::common::json::{self, Look};
use crate::common::proxy::Gate;
use crate::common::pty::Terminal;
use crate::common::{ALICE, Dispute, Exit, Sandbox, Server};
use std::time::Duration;

/// In one line: how many changes wait, that they are kept, and the next step.
#[test]
fn a_sync_out_of_reach_says_what_is_kept() {
    let dispute = Dispute::about(2);
    dispute.proxy.go_down();
    let said = |count: usize, words: &str| {
        let run = dispute.sync(&["--no-input"]).code(5);
        run.is_one_line_of_error();
        assert!(run.stderr.ends_with(&format!(" ({words})\n")), "{count}: {run}");
        let document = dispute.sync(&["--json"]).code(5).json();
        assert_eq!(document.text("error.hint"), words);
    };
    said(0, "nothing waits to be sent; try again: anyt sync");
    dispute.mine("DEV-1", &["--title", "Mine"]);
    said(1, "1 change waits and is kept; send it later: anyt sync");
    dispute.mine("DEV-2", &["--title", "Mine"]);
    said(2, "2 changes wait and are kept; send them later: anyt sync");
    assert_eq!(dispute.alice.pending(), 2);
}

/// A login does not change what comes from a variable.
#[test]
fn a_credential_that_is_not_accepted_is_named_by_its_variable() {
    for name in ["ANYT_AUTH_TOKEN", "ANYT_AGENT_KEY", "ANYT_API_KEY"] {
        let dispute = Dispute::about(1);
        let person = &dispute.alice;
        let advice = format!("(the credential came from {name}: correct it, or unset it and run: anyt auth login)");
        for args in [&["sync"][..], &["task", "create", "x"], &["auth", "whoami"], &["task", "list", "--remote"]] {
            let wrong = if name == "ANYT_AGENT_KEY" { "anyt_agent_wrong" } else { "anyt_wrong" };
            let run = person.anyt(args).without_env("ANYT_AUTH_TOKEN").env(name, wrong).code(4);
            run.is_one_line_of_error();
            assert!(run.stderr.contains(&advice), "{run}");
        }
        let run = person.anyt(&["sync"]).without_env("ANYT_AUTH_TOKEN").env(name, "two words").code(4);
        assert!(run.stderr.contains(&advice), "{run}");
    }
}

#[test]
fn an_answer_of_something_else_names_the_address_once() {
    let dispute = Dispute::about(1);
    dispute.proxy.fault(When::ending("GET", "").always(), What::TruncatedBody);
    let run = dispute.sync(&["--no-input"]).code(1);
    assert!(run.stderr.contains("that is not AnyTask's: "), "{run}");
    assert_eq!(run.stderr.matches(&dispute.proxy.url()).count(), 1, "{run}");
    run.is_one_line_of_error();
    let stranger = Sandbox::new();
    let login = stranger.anyt(&["login", &dispute.proxy.url()]).stdin(ALICE).code(1);
    assert_eq!(login.stderr.matches("nothing was changed").count(), 1, "{login}");
    login.is_one_line_of_error();
}

#[test]
fn passphrases_that_differ_are_told_with_one_hint() {
    let (server, person) = (Server::start(), Sandbox::new());
    let mut terminal = Terminal::anyt(&person, &["login", &server.url(), "prod"]);
    terminal.expect("Token: ").send(&format!("{ALICE}\r"));
    for _ in 0..3 {
        terminal.expect("ew passphrase").send("one\r").expect("Repeat passphrase: ").send("another\r");
    }
    let session = terminal.end();
    let line = format!("the two passphrases differ (nothing was changed; try again: anyt login {} prod)", server.url());
    assert_eq!(session.exit, Exit::Code(2), "{}", session.screen);
    assert!(session.screen.contains(&line), "{}", session.screen);
}

/// Its number goes to the next new task in the same run, so it is called by its title.
#[test]
fn a_new_task_that_is_refused_is_called_by_its_title() {
    let dispute = Dispute::about(1);
    dispute.alice.anyt(&["task", "create", "First", "--offline"]).ok();
    dispute.alice.anyt(&["task", "create", "Second", "--offline"]).ok();
    dispute.proxy.fault(When::ending("POST", "/tasks"), What::status(422, &[]));
    let run = dispute.sync(&["--no-input"]).code(6);
    assert!(run.stdout.contains("Created: DEV-2 (was DEV-3)\n"), "{run}");
    assert!(run.stderr.contains("the new task 'First' was not sent: ") && !run.stderr.contains("DEV-2 was"), "{run}");
}

/// What the server refused, or what must not be queued, is kept with its text and named; so is a text from a pipe of a
/// command that failed before it had anything to queue.
#[test]
fn a_text_of_a_command_that_fails_is_kept() {
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args);
    dispute.proxy.fault(When::ending("POST", "/tasks"), What::status(422, &[]));
    let create = alice(&["task", "create", "Long", "-d", "-"]).stdin("one\ntwo\n").code(1);
    create.is_one_line_of_error();
    assert!(create.stderr.contains("(what you wrote is kept: anyt sync restore 1)"), "{create}");
    assert_eq!(dispute.alice.pending(), 0);
    alice(&["sync", "restore", "1"]).ok();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.served("DEV-2").text("description"), "one\ntwo");

    dispute.proxy.fault(When::first("PATCH", "").always(), What::status(422, &[]));
    let update = alice(&["task", "update", "1", "--title", "Typed"]).code(1);
    assert!(update.stderr.contains("kept: anyt sync restore"), "{update}");
    let status = alice(&["task", "update", "1", "--status", "done"]).code(1);
    assert!(!status.stderr.contains("restore"), "there is no text in it\n{status}");
    dispute.proxy.reset();

    let note = alice(&["task", "note", "1", "-m", "-"]).stdin("\u{feff}wise\r\nwords\r\n").env("ANYT_AUTH_TOKEN", "no");
    let note = note.code(4);
    let kept = note.stderr.lines().find_map(|line| line.split("is kept: anyt ").nth(1)).expect(&note.stderr);
    let shown = alice(&kept.split(' ').collect::<Vec<_>>()).ok();
    assert!(shown.stdout.ends_with("wise\nwords\n"), "{shown}");
}

#[test]
fn a_dry_run_says_what_is_done_already() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--title", "Mine"]);
    dispute.proxy.fault(When::first("PATCH", ""), What::DropReply);
    dispute.proxy.fault(When::ending("GET", "/tasks/DEV-1").always(), What::status(500, &[]));
    let lost = dispute.sync(&["--no-input"]).run();
    assert_ne!(lost.exit, Exit::Code(0), "{lost}");
    dispute.proxy.reset();
    let dry = dispute.sync(&["--dry-run"]).ok();
    assert!(dry.stdout.contains("  - Would find done: Update: DEV-1 (title)\n"), "{lost}{dry}");
    let document = dispute.sync(&["--dry-run", "--json"]).ok().json();
    assert_eq!(document.items("data.would_adopt").len(), 1);
    assert_eq!(dispute.alice.pending(), 1);
}

/// Nobody waits for a token or a text that does not end.
#[test]
fn what_is_piped_in_is_bounded() {
    let dispute = Dispute::about(1);
    let alice = |args: &[&str]| dispute.alice.anyt(args).stdin_endless("anyt_yes");
    let run = alice(&["auth", "login", "--store", "file"]).code(1);
    assert_eq!(run.stderr, "anyt: standard input is longer than 64 KiB\n");
    for args in
        [&["task", "create", "x", "-d", "-"][..], &["task", "note", "1", "-m", "-"], &["task", "done", "1", "-n", "-"]]
    {
        let run = alice(args).code(1);
        assert_eq!(run.stderr, "anyt: standard input is longer than 1024 KiB\n");
    }
}

/// An environment with changes that wait is not pointed elsewhere unasked, and never in silence.
#[test]
fn an_environment_that_exists_is_not_pointed_elsewhere_in_silence() {
    let dispute = Dispute::about(1);
    let elsewhere = ["env", "add", "dev", "http://127.0.0.1:1"];
    let moved = dispute.alice.anyt(&elsewhere).ok();
    let url = dispute.proxy.url();
    assert_eq!(
        moved.stderr,
        format!("anyt: warning: environment dev was {url} before; it is http://127.0.0.1:1 now\n")
    );
    dispute.alice.anyt(&["env", "add", "dev", &url]).ok();
    dispute.mine("DEV-1", &["--title", "Mine"]);
    let refused = dispute.alice.anyt(&elsewhere).code(1);
    assert!(refused.stderr.contains(&format!("dev is still {url}")) && refused.stderr.contains("--force"), "{refused}");
    dispute.alice.anyt(&["env", "add", "dev", &url]).ok();
}

/// After half a second a line on a terminal says how far a sync is, and is gone when it is done; elsewhere there is none.
#[test]
fn a_long_sync_says_how_far_it_is() {
    for at_terminal in [true, false] {
        let dispute = Dispute::about(0);
        (1..=6).for_each(|number| drop(dispute.bob().add_task(&format!("Task {number}"))));
        dispute.alice.configure("sync", json::parse(r#"{"page_size":2}"#));
        let slow = What::StallReply(Gate::pause(Duration::from_millis(600)));
        dispute.proxy.fault(When::ending("GET", "/tasks"), slow);
        if at_terminal {
            let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
            terminal.expect("\rFetching tasks 2 of 6\x1b[K").expect("\r\x1b[K").expect("Pulled 6 new tasks");
            let session = terminal.end();
            assert!(session.screen.ends_with("✓ Synced 6 tasks\r\n"), "{:?}", session.screen);
        } else {
            let run = dispute.sync(&[]).ok();
            assert_eq!((run.stdout.contains("Fetching tasks"), run.stderr.as_str()), (false, ""), "{run}");
        }
    }
}

#[test]
fn verbose_names_each_request_with_its_time() {
    let dispute = Dispute::about(1);
    let run = dispute.sync(&["-v"]).ok();
    let request = format!("GET {}/v1/auth: 200, ", dispute.proxy.url());
    // The account, and the workspaces with a state that is known.
    let timed = |line: &str| line.starts_with(&request) && line.contains(" bytes in ") && line.ends_with(" ms");
    assert!(run.stderr.lines().any(timed) && run.stderr_lines().len() == 2, "{run}");
}
