//! What the terminal is like: too short for a list, without UTF-8, narrow; and the key that ends a fetch.

use crate::common::faults::{Gate, What, When};
use crate::common::json::Look;
use crate::common::pty::Terminal;
use crate::common::{Dispute, Exit, Sandbox};
use anyt::cli;

/// A pager that writes down what it gets and what it knows.
fn with_pager(alice: &Sandbox) {
    alice.write("work/pager", "env >pager-env; cat >paged; echo PAGED; exit $1");
    alice.set_env("ANYT_PAGER", "sh pager 0");
}

#[test]
fn what_does_not_fit_goes_to_the_pager() {
    let dispute = Dispute::about(60);
    let alice = &dispute.alice;
    with_pager(alice);
    let session = Terminal::anyt(alice, &["task", "list"]).end();
    assert_eq!((session.exit, session.restored), (Exit::Code(0), true));
    let footer = session.screen.find("50 of 60 tasks").expect("the footer is there");
    assert!(session.screen.find("PAGED").expect("it ran") < footer, "{}", session.screen);
    let paged = alice.read("work/paged");
    assert!(paged.lines().count() == 51 && paged.contains("\u{1b}[1mID"), "{paged}");
    let known = alice.read("work/pager-env");
    assert!(known.contains("LESS=FRX\n") && !known.contains("ANYT_AUTH_TOKEN"), "{known}");
    alice.set_env("PAGER", "cat");
    for args in
        [&["task", "list", "--limit", "5"][..], &["task", "list", "--no-pager"], &["task", "list", "--json"], &["sync"]]
    {
        let session = Terminal::anyt(alice, args).end();
        assert!(session.exit == Exit::Code(0) && !session.screen.contains("PAGED"), "{args:?}\n{}", session.screen);
    }
    // Not in a pipe, whatever is set.
    assert!(!alice.anyt(&["task", "list"]).ok().stdout.contains("PAGED"));
}

#[test]
fn a_pager_that_is_missing_or_leaves_early_loses_nothing() {
    let dispute = Dispute::about(60);
    let alice = &dispute.alice;
    for pager in ["no-such-pager", "no-such-pager -x | cat", "", "cat"] {
        alice.set_env("ANYT_PAGER", pager);
        let session = Terminal::anyt(alice, &["task", "list", "--limit", "0"]).end();
        assert_eq!(session.exit, Exit::Code(0), "{pager}\n{}", session.screen);
        if !pager.contains('|') {
            assert!(session.screen.contains("Task 60"), "{pager}\n{}", session.screen);
        }
    }
    alice.set_env("ANYT_PAGER", "true");
    let session = Terminal::anyt(alice, &["task", "list", "--limit", "0"]).end();
    assert_eq!((session.exit, session.screen.as_str()), (Exit::Code(0), ""));
}

#[test]
fn a_locale_without_utf8_gets_ascii() {
    let dispute = Dispute::over_a_title();
    dispute.alice.set_env("LANG", "C");
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
    terminal.expect("! Conflict detected for DEV-1:").expect("title: Task 1 > local Mine").expect("Choice").send("2\r");
    let session = terminal.end();
    assert!(session.screen.contains("+ Synced") && session.screen.is_ascii(), "{}", session.screen);
    // A pipe is for programs: it has what it always had.
    assert!(dispute.alice.anyt(&["sync"]).ok().stdout.contains("✓ Synced 0 tasks"));
}

#[test]
fn help_fits_every_terminal() {
    for width in [40, 60, 80, 200] {
        for path in [&[][..], &["task", "list"], &["sync"], &["login"]] {
            let help = cli::help_text(path, Some(width)).unwrap();
            let examples = help.find("\nExamples:").unwrap_or(help.len());
            for line in help[..examples].lines() {
                // A word that is longer has a line of its own.
                assert!(line.len() <= width.min(100) || !line.trim().contains(' '), "{width}: {line}");
            }
        }
    }
}

#[test]
fn a_question_says_which_one_of_how_many_it_is() {
    let dispute = Dispute::about(3);
    dispute.over_titles(&[1, 2, 3]);
    let run = dispute.sync(&[]).stdin("2\n2\n2\n").ok();
    for place in ["1 of 3 (?", "2 of 3 (?", "3 of 3 (?"] {
        assert!(run.stdout.contains(place), "{place}\n{run}");
    }
    for name in ["DEV-1", "DEV-2"] {
        dispute.mine(name, &["--title", "Mine again"]);
        dispute.theirs(name, r#"{"title":"Theirs again"}"#);
    }
    dispute.sync(&["--no-input"]).code(3);
    dispute.alice.anyt(&["sync", "resolve"]).stdin("1\n1\n").ok().says("2 of 2 (?");
}

/// As `date` has it, in summer and winter, with a file and with a rule.
#[test]
fn times_on_screen_are_local() {
    let dispute = Dispute::about(1);
    let alice = &dispute.alice;
    for zone in [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "UTC",
    ] {
        for time in ["1985-07-01T12:00:00Z", "2026-01-15T23:30:00Z", "2026-07-15T23:30:00Z", "2044-10-30T00:30:00Z"] {
            let cache = rusqlite::Connection::open(alice.cache_db()).unwrap();
            cache.execute("UPDATE tasks SET created_at = ?1", [time]).unwrap();
            drop(cache);
            let date =
                alice.program(std::path::Path::new("/bin/date"), &["-d", time, "+%Y-%m-%d %H:%M"]).env("TZ", zone).ok();
            let list = ["task", "list", "--columns", "created", "--no-header"];
            assert_eq!(alice.anyt(&list).env("TZ", zone).ok().stdout, date.stdout, "{zone} {time}");
            let json = alice.anyt(&["task", "list", "--json"]).env("TZ", zone).ok().json();
            assert_eq!(json.text("data.items.0.created_at"), time);
        }
    }
}

#[test]
fn ctrl_c_during_a_fetch_says_what_is_kept() {
    let dispute = Dispute::about(2);
    let gate = Gate::new();
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    dispute.proxy.fault(When::ending("GET", "/tasks"), What::StallRequest(gate.clone()));
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
    gate.wait_for_somebody();
    terminal
        .send("\x03")
        .expect("anyt: interrupted (what was fetched is kept, what waits stays queued; go on: anyt sync)");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(130), true), "{}", session.screen);
    gate.open();
    dispute.proxy.reset();
    dispute.sync(&[]).ok();
    dispute.assert_settled();
}
