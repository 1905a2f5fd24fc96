//! `anyt attempt run`: a command as an attempt, its log, its signals, its terminal; killed anywhere and left to a silent server.

use super::attempts::{artifacts, assert_same, cached, served};
use crate::common::deadline::wait_until;
use crate::common::json::{self, Look};
use crate::common::proxy::{Gate, What, When};
use crate::common::pty::Terminal;
use crate::common::run::TIMEOUT;
use crate::common::{ALICE, Exit, synced};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

/// For what waits for nobody. Far below the time-out of a request.
const SOON: Duration = Duration::from_secs(15);

/// The command has the variables that anyt has. What it prints of them is on the screen, and nowhere else.
#[test]
fn a_log_holds_no_token() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    let token = "anyt_alice_token_of_a_variable";
    let run = sandbox.anyt(&["attempt", "run", "DEV-1", "--offline", "--", "env"]).env("ANYT_AUTH_TOKEN", token).ok();
    assert!(run.stdout.contains(token), "{run}");
    sandbox.anyt(&["sync"]).ok();
    let log = &artifacts(&server.bob(), 1)[0].1;
    assert!(log.contains("ANYT_AUTH_TOKEN=(redacted)\n") && !log.contains(token), "{log}");
    // So with the stored one.
    sandbox.anyt(&["attempt", "run", "DEV-1", "--", "echo", ALICE]).ok().says(ALICE);
    assert_eq!(artifacts(&server.bob(), 2)[0].1, "(redacted)\n");
}

/// How it ended cannot be written down (here: somebody else has the cache for too long): the next run does that, as it does
/// after a kill.
#[test]
fn an_end_that_cannot_be_recorded_is_found_by_the_next_run() {
    let (_server, _proxy, sandbox) = synced(&["One"]);
    let args = ["attempt", "run", "DEV-1", "--offline", "--", "sh", "-c", "echo here; exec sleep 100"];
    let running = sandbox.anyt(&args).spawn();
    wait_until("the command runs", TIMEOUT, || running.stdout_so_far() == "here\n");
    let cache = rusqlite::Connection::open(sandbox.cache_db()).expect("the cache");
    cache.execute_batch("BEGIN IMMEDIATE").expect("nobody writes now");
    kill_process(Pid::from_raw(i32::try_from(running.pid()).expect("a pid")).expect("a pid"), Signal::TERM)
        .expect("it runs");
    let run = running.wait(TIMEOUT);
    let said = "the command ended with 143; the next 'anyt attempt run' finishes DEV-1@new-1 as aborted";
    assert!(run.exit == Exit::Code(143) && run.stderr.contains(said), "{run}");
    cache.execute_batch("ROLLBACK").expect("ours");
    let next = sandbox.anyt(&["attempt", "run", "DEV-1", "--offline", "--", "true"]).ok();
    assert!(
        next.stderr.contains("DEV-1@new-1: its run left no record of how it ended; it is finished as aborted"),
        "{next}"
    );
}

#[test]
fn a_command_is_run_as_an_attempt() {
    let (server, proxy, sandbox) = synced(&["One"]);
    let script = "cat; echo seen >&2; exit 3";
    let run = sandbox
        .anyt(&["attempt", "run", "DEV-1", "--failure", "test_fail", "--notes", "n", "--", "sh", "-c", script])
        .stdin("typed\n")
        .code(3);
    assert_eq!(run.stdout, "typed\n", "stdout is the command's: {run}");
    assert!(run.stderr.contains("seen\n") && run.stderr.contains("✗ Failed attempt DEV-1@1\n"), "{run}");
    let (_, attempt) = server.bob().get(&format!("{}/attempts/1", server.bob().workspace()));
    let said = [attempt.text("status"), attempt.text("failure_class"), attempt.text("failure_message")];
    assert_eq!(said, ["failed", "test_fail", "exit code 3"]);
    assert!(json::as_int(attempt.at("wall_clock_ms")).is_some());
    let log = &artifacts(&server.bob(), 1)[0];
    assert!(log.0 == "log" && log.1.contains("typed\n") && log.1.contains("seen\n"), "{log:?}");
    // A long log keeps its end; a quiet command leaves none.
    sandbox.anyt(&["attempt", "run", "DEV-1", "--", "seq", "30000"]).ok();
    let log = &artifacts(&server.bob(), 2)[0].1;
    assert!(log.starts_with('[') && log.len() < 66_000 && log.ends_with("\n29999\n30000\n"), "{}", log.len());
    sandbox.anyt(&["attempt", "run", "DEV-1", "--", "true"]).ok();
    sandbox.anyt(&["attempt", "run", "DEV-1", "--no-log", "--", "echo", "x"]).ok();
    assert_eq!((artifacts(&server.bob(), 3).len(), artifacts(&server.bob(), 4).len()), (0, 0));
    let missing = sandbox.anyt(&["attempt", "run", "DEV-1", "--", "no-such-program"]).code(127);
    assert!(missing.stderr.contains("cannot start no-such-program"), "{missing}");
    let json = sandbox.anyt(&["attempt", "run", "DEV-1", "--json", "--", "echo", "x"]).ok();
    assert!(json.stderr.starts_with("x\n") && json.json().text("data.status") == "success", "{json}");
    let statuses: Vec<String> = served(&server.bob(), "DEV-1").iter().map(|line| line[3..].to_string()).collect();
    assert_eq!(statuses, ["failed 0", "success 0", "success 0", "success 0", "aborted 0", "success 0"]);
    assert_same(&server, &proxy, &sandbox, "DEV-1");
    // Without a network it is the same, and waits.
    proxy.go_down();
    sandbox.anyt(&["attempt", "run", "DEV-1", "--", "sh", "-c", "echo off; exit 9"]).code(9);
    sandbox.anyt(&["attempt", "run", "DEV-1", "--offline", "--", "echo", "offline"]).ok();
    proxy.come_back();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(artifacts(&server.bob(), 7), [("log".into(), "off\n".into())]);
    assert_eq!(served(&server.bob(), "DEV-1")[6..], ["@7 failed 0", "@8 success 0"]);
    assert_same(&server, &proxy, &sandbox, "DEV-1");
}

#[test]
fn signals_reach_the_command_and_the_attempt_is_aborted() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let (server, proxy, sandbox) = synced(&["One"]);
        let running = sandbox.anyt(&["attempt", "run", "DEV-1", "--", "sh", "-c", "echo here; exec sleep 100"]).spawn();
        wait_until("the command runs", TIMEOUT, || running.stdout_so_far() == "here\n");
        let pid = Pid::from_raw(i32::try_from(running.pid()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("it runs");
        let run = running.wait(TIMEOUT);
        assert_eq!(run.exit, Exit::Code(code), "{run}");
        assert_eq!(served(&server.bob(), "DEV-1"), ["@1 aborted 0"]);
        assert_eq!(artifacts(&server.bob(), 1), [("log".into(), "here\n".into())]);
        assert_same(&server, &proxy, &sandbox, "DEV-1");
    }
}

/// What a command leaves running keeps its output open: nobody waits for that.
#[test]
fn a_daemon_that_stays_is_not_waited_for() {
    let (_server, _proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["attempt", "run", "DEV-1", "--", "sh", "-c", "sleep 30 & echo done"]).ok().says("done\n");
}

/// The command has the person's terminal: it reads from it and writes to one, with Ctrl-C as its own.
#[test]
fn the_command_has_the_terminal() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    let script = "test -t 0 && test -t 1 && test -t 2 && stty size <&1; read word; echo \"got $word\"; exit 4";
    let mut terminal = Terminal::anyt(&sandbox, &["attempt", "run", "DEV-1", "--", "sh", "-c", script]);
    terminal.expect("24 80").send("it\r").expect("got it");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(4), true));
    let log = &artifacts(&server.bob(), 1)[0].1;
    assert_eq!(log, "24 80\ngot it\n");
    let script = "trap 'echo caught; exit 5' INT; echo ready; while :; do read line; done";
    let mut terminal = Terminal::anyt(&sandbox, &["attempt", "run", "DEV-1", "--", "sh", "-c", script]);
    terminal.expect("ready").send("\x03").expect("caught");
    assert_eq!(terminal.end().exit, Exit::Code(5));
    assert_eq!(served(&server.bob(), "DEV-1"), ["@1 failed 0", "@2 aborted 0"]);
}

/// Killed at each of its steps, with the network and without, it leaves nothing, or an attempt that the next run finishes.
#[test]
fn killed_anywhere_the_next_run_finishes_the_attempt() {
    let places = [
        "attempt.marked",
        "attempt.started",
        "push.request.after",
        "push.answered",
        "store.end.committed",
        "attempt.ended",
        "attempt.logged",
        "attempt.finished",
    ];
    for place in places {
        for offline in [false, true] {
            if offline && !place.starts_with("attempt.") {
                continue;
            }
            let (server, proxy, sandbox) = synced(&["One"]);
            let flag: &[&str] = if offline { &["--offline"] } else { &[] };
            let args = [&["attempt", "run", "DEV-1"], flag, &["--", "echo", "out"]].concat();
            let run = sandbox.anyt(&args).env("ANYT_FAILPOINT", place).run();
            assert_eq!(run.exit, Exit::Signal(9), "{place}: {run}");
            let run = sandbox.anyt(&args).ok();
            let left = place != "attempt.marked" && place != "attempt.finished";
            assert_eq!(run.stderr.contains("its run left no record of how it ended"), left, "{place}: {run}");
            sandbox.anyt(&args).ok();
            sandbox.anyt(&["sync", "--no-input"]).ok();
            let first = match place {
                "attempt.marked" => vec![],
                "attempt.finished" => vec!["success 0"],
                _ => vec!["aborted 0"],
            };
            let wanted = [first, vec!["success 0", "success 0"]].concat();
            let statuses: Vec<String> = served(&server.bob(), "DEV-1").iter().map(|line| line[3..].into()).collect();
            assert_eq!(statuses, wanted, "{place}, offline {offline}");
            assert_same(&server, &proxy, &sandbox, "DEV-1");
            let left = std::fs::read_dir(sandbox.path("state/anyt/dev/runs")).expect("our own folder").count();
            assert_eq!(left, 0, "{place}");
        }
    }
}

/// The cache is wiped after the kill: what waited comes back with its spare copy, and the run's marker still names it.
#[test]
fn killed_and_wiped_the_next_run_finishes_the_attempt() {
    for offline in [true, false] {
        let (server, proxy, sandbox) = synced(&["One"]);
        let flag: &[&str] = if offline { &["--offline"] } else { &[] };
        if !offline {
            proxy.go_down();
        }
        let args = [&["attempt", "run", "DEV-1"], flag, &["--", "echo", "out"]].concat();
        let run = sandbox.anyt(&args).env("ANYT_FAILPOINT", "attempt.ended").run();
        assert_eq!(run.exit, Exit::Signal(9), "{run}");
        proxy.come_back();
        std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("our own folder");
        sandbox.anyt(&["sync", "--no-input"]).ok();
        sandbox
            .anyt(&["attempt", "run", "DEV-1", "--", "true"])
            .ok()
            .warns("DEV-1@1: its run left no record of how it ended");
        assert_eq!(served(&server.bob(), "DEV-1"), ["@1 aborted 0", "@2 success 0"]);
        assert_same(&server, &proxy, &sandbox, "DEV-1");
    }
}

/// What the server refuses to start is not run.
#[test]
fn a_refused_start_runs_nothing() {
    let (_server, proxy, sandbox) = synced(&["One"]);
    proxy.fault(When::ending("POST", "/start"), What::status(403, &[]));
    let run = sandbox.anyt(&["attempt", "run", "DEV-1", "--", "echo", "ran"]).code(1);
    assert!(run.stdout.is_empty() && run.stderr.contains("refused it"), "{run}");
    assert_eq!(sandbox.pending(), 0);
    sandbox.anyt(&["attempt", "run", "DEV-1", "--", "true"]).ok();
    assert_eq!(cached(&sandbox, "DEV-1"), ["@1 success 0"]);
}

/// A server that is silent, from the first request on or to the start alone, keeps nobody's command from starting. What was
/// not delivered, or may have been, goes with the end, once.
#[test]
fn a_silent_server_does_not_keep_the_command_from_starting() {
    for (keys, method, path) in [(true, "GET", "/auth"), (true, "POST", "/start"), (false, "POST", "/start")] {
        for arrives in [true, false] {
            let (server, proxy, sandbox) = synced(&["One"]);
            if !keys {
                proxy.hide_idempotency();
            }
            sandbox.set_env("ANYT_TIMEOUT", "60");
            let gate = Gate::new();
            let stall = if arrives { What::StallReply(gate.clone()) } else { What::StallRequest(gate.clone()) };
            proxy.fault(When::is(move |seen| seen.method == method && seen.target.contains(path)).always(), stall);
            let script = "mkfifo go && echo here && read word <go";
            let running = sandbox.anyt(&["attempt", "run", "DEV-1", "--", "sh", "-c", script]).spawn();
            wait_until("the command runs", SOON, || running.stdout_so_far() == "here\n");
            assert!(running.stderr_so_far().contains("did not answer within 2 s"), "{}", running.stderr_so_far());
            proxy.forget_faults();
            gate.open();
            sandbox.write("work/go", "on\n");
            let run = running.wait(TIMEOUT).ok();
            let case = format!("keys {keys}, {method} {path}, arrives {arrives}: {run}");
            assert!(run.stderr.contains("✓ Finished attempt DEV-1@1\n"), "{case}");
            sandbox.anyt(&["sync", "--no-input"]).ok();
            assert_eq!(served(&server.bob(), "DEV-1"), ["@1 success 0"], "{case}");
            assert_eq!(artifacts(&server.bob(), 1), [("log".into(), "here\n".into())], "{case}");
            assert_same(&server, &proxy, &sandbox, "DEV-1");
        }
    }
}

/// A run that goes on is not taken for dead.
#[test]
fn a_run_that_goes_on_is_left_alone() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    let running =
        sandbox.anyt(&["attempt", "run", "DEV-1", "--", "sh", "-c", "echo here; exec cat"]).stdin_silent().spawn();
    wait_until("the command runs", TIMEOUT, || running.stdout_so_far() == "here\n");
    let second = sandbox.anyt(&["attempt", "run", "DEV-1", "--", "true"]).ok();
    assert!(!second.stderr.contains("killed"), "{second}");
    assert_eq!(served(&server.bob(), "DEV-1"), ["@1 running 0", "@2 success 0"]);
    drop(running.kill());
    sandbox
        .anyt(&["attempt", "run", "DEV-1", "--", "true"])
        .ok()
        .warns("DEV-1@1: its run left no record of how it ended");
    assert_eq!(served(&server.bob(), "DEV-1")[0], "@1 aborted 0");
}
