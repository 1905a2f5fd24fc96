//! The stage itself: a comparison that always agrees, a run that is never killed or a terminal that is none would make
//! every other test worthless. (The fault proxy and the scripted server have files of their own.)

use crate::common;
use crate::common::deadline::wait_until;
use crate::common::json::{self, Look};
use crate::common::pty::Terminal;
use crate::common::transcript::{Extra, assert_shows};
use crate::common::{Exit, Sandbox, Server, backlog};
use std::path::Path;
use std::time::Duration;

fn sh(sandbox: &Sandbox, script: &str) -> common::run::Invocation {
    sandbox.program(Path::new("/bin/sh"), &["-c", script])
}

#[test]
fn a_run_has_nothing_of_the_testers_environment() {
    let sandbox = Sandbox::new();
    sandbox.set_env("MORE", "1");
    let run = sh(&sandbox, "env").ok();
    let mut names: Vec<_> = run.stdout.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    let wanted =
        "HOME LANG MORE PATH TERM TMPDIR XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR XDG_STATE_HOME";
    assert_eq!(names.join(" "), wanted);
}

#[test]
fn runs_are_fed_timed_and_killed() {
    let sandbox = Sandbox::new();
    assert_eq!(sh(&sandbox, "cat").stdin("a\nb\n").ok().stdout_lines(), ["a", "b"]);
    assert_eq!(sh(&sandbox, "cat").ok().stdout, "");
    assert_eq!(sh(&sandbox, "head -n 2").stdin_endless("2").ok().stdout, "2\n2\n");
    assert_eq!(sh(&sandbox, "cat 2>/dev/null").stdin_closed().run().exit, Exit::Code(1));
    assert_eq!(sh(&sandbox, "echo a; echo b >&2; echo c").merged().ok().stdout, "a\nb\nc\n");
    assert_eq!(sh(&sandbox, "exit 3").code(3).exit, Exit::Code(3));
    let running = sh(&sandbox, "echo here; exec cat").stdin_silent().spawn();
    wait_until("it has started", Duration::from_secs(10), || running.stdout_so_far() == "here\n");
    assert_eq!(running.kill().exit, Exit::Signal(9));
}

#[test]
fn a_run_that_hangs_fails_the_test_by_name() {
    let sandbox = Sandbox::new();
    let hangs = sh(&sandbox, "exec cat").stdin_silent().timeout(Duration::from_millis(50));
    let failure = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(hangs.run())));
    let message = failure.expect_err("it failed the test").downcast::<String>().expect("with a message");
    assert!(message.contains("`sh -c exec cat` was still running after 50ms and was killed"), "{message}");
}

#[test]
fn a_snapshot_tells_what_changed() {
    let sandbox = Sandbox::new();
    sandbox.write("work/a", "1");
    sandbox.write("work/b", "1");
    let before = sandbox.snapshot();
    assert_eq!(sandbox.snapshot().changed_since(&before), Vec::<String>::new());
    sandbox.write("work/a", "2");
    sandbox.write("cache/new", "secret");
    std::fs::remove_file(sandbox.path("work/b")).unwrap();
    let after = sandbox.snapshot();
    assert_eq!(after.changed_since(&before), ["cache/new", "work/a", "work/b"]);
    assert_eq!(after.files_containing("secret"), ["cache/new"]);
}

#[test]
fn a_sandbox_is_gone_afterwards() {
    let sandbox = Sandbox::new();
    let root = sandbox.path("");
    assert!(root.exists());
    drop(sandbox);
    assert!(!root.exists());
}

const TRANDEVIPT: &str = "
⚠ This will overwrite local changes
Continue? [y/N]: y
✓ Force synced 15 tasks
";

#[test]
fn a_transcript_agrees_with_and_without_echo() {
    for shown in [
        "⚠ This will overwrite local changes\nContinue? [y/N]: y\n✓ Force synced 15 tasks\n",
        "⚠ This will overwrite local changes\nContinue? [y/N]: \n✓ Force synced 15 tasks\n",
        "⚠ This will overwrite local changes\nContinue? [y/N]: ✓ Force synced 15 tasks\n",
        "⚠ This will overwrite local changes\r\nContinue? [y/N]: y\r\n✓ Force synced 15 tasks\r\n",
    ] {
        assert_shows(shown, TRANDEVIPT, Extra::Nothing);
    }
    assert_shows("a\n    title  x → y\nb\n", "\na\nb\n", Extra::IndentedLines);
}

#[test]
fn a_transcript_disagrees_when_a_line_is_missing_changed_added_or_moved() {
    for shown in ["a\n", "a\nB\n", "a\nx\nb\n", "b\na\n", "a\nb\nb\n", ""] {
        let disagrees = std::panic::catch_unwind(|| assert_shows(shown, "\na\nb\n", Extra::IndentedLines));
        assert!(disagrees.is_err(), "{shown:?} was taken for it");
    }
}

#[test]
fn a_terminal_is_one_and_types_what_it_is_told() {
    let sandbox = Sandbox::new();
    let script =
        "test -t 0 && test -t 1 && stty size </dev/tty; printf 'Name: '; read name; echo \"Hello, $name.\"; exit 5";
    let mut terminal = Terminal::program(&sandbox, &["/bin/sh", "-c", script]);
    terminal.expect("24 80").expect("Name: ").send("Ada\r").expect("Hello, Ada.");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(5), true));
}

#[test]
fn a_terminal_interrupts_and_tells_when_it_is_left_raw() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::program(&sandbox, &["/bin/sh", "-c", "echo ready; exec cat"]);
    terminal.expect("ready").send("\x03");
    assert_eq!(terminal.end().exit, Exit::Signal(2));
    let terminal = Terminal::program(&sandbox, &["/bin/sh", "-c", "stty -echo"]);
    assert!(!terminal.end().restored);
}

#[test]
fn the_real_server_keeps_its_port_and_its_data_over_a_kill() {
    let mut server = Server::start();
    let (status, workspaces) = server.alice().get("/v1/workspaces");
    assert_eq!((status, workspaces.text("items.0.identifier")), (200, "DEV"));
    let workspace = workspaces.int("items.0.id");
    let project = server.alice().get(&format!("/v1/workspaces/{workspace}/projects")).1.int("items.0.id");
    let tasks = format!("/v1/workspaces/{workspace}/tasks");
    let body = json::object([("title", json::string("kept")), ("project_id", json::int(project))]);
    assert_eq!(server.alice().post(&tasks, &body).0, 201);
    let address = server.address();
    server.restart();
    assert_eq!(server.address(), address);
    assert_eq!(server.bob().get(&tasks).1.text("items.0.title"), "kept");
    assert_eq!(server.user("anyt_nobody").get(&tasks).0, 401);
}

#[test]
fn the_backlog_is_imported_whole() {
    let (Some(stream), Some(tasks)) = (backlog::stream(), backlog::tasks()) else { return };
    let is_live = |task: &&json::Value| matches!(task.at("deleted_at"), json::Value::Null);
    assert_eq!((tasks.len(), tasks.iter().filter(is_live).count()), (backlog::ALL, backlog::LIVE));
    let server = Server::start_importing(stream);
    let served = server.alice().all_tasks();
    assert_eq!(served.len(), backlog::LIVE);
    for (task, served) in tasks.iter().filter(is_live).zip(&served) {
        let same = |field: &str| json::same(task.at(field), served.at(field));
        assert!(["number", "title", "status", "priority", "labels"].into_iter().all(same), "{}", task.int("number"));
    }
}

#[test]
fn a_twin_has_the_same_files_and_its_own_home() {
    let sandbox = Sandbox::new();
    sandbox.write("config/anyt/config.json", "{}");
    sandbox.set_env("MORE", "1");
    let twin = sandbox.twin();
    assert_eq!(twin.read("config/anyt/config.json"), "{}");
    twin.write("config/anyt/config.json", "changed");
    assert_eq!(sandbox.read("config/anyt/config.json"), "{}");
    assert_eq!(twin.env()["HOME"], twin.path("home").to_string_lossy());
    assert_eq!(twin.env()["MORE"], "1");
}
