//! Completion of the names that the cache knows, in the real shells, and documents for those who have only the program.

use crate::common::run::Invocation;
use crate::common::skip::skip;
use crate::common::{Dispute, Run};
use std::path::Path;
use std::time::Duration;

/// Names that a shell would carry out if it evaluated them, and others that need quotes.
const HOSTILE: &[&str] = &["$(touch owned)", "`touch owned`", "a b", "x;touch owned"];

fn scene() -> Dispute {
    let dispute = Dispute::about(12);
    let labels = HOSTILE.join(",");
    dispute.alice.anyt(&["task", "create", "Tag\tged: one", "--labels", &format!("bug,{labels}")]).ok();
    dispute.alice.anyt(&["sync"]).ok();
    for label in HOSTILE.iter().chain(&["bug", "blue"]) {
        let body = crate::common::json::object([("name", crate::common::json::string(*label))]);
        let status = dispute.server.alice().post(&format!("{}/labels", dispute.bob().workspace()), &body).0;
        assert!(status < 300 || status == 409, "{status}");
    }
    dispute.alice.anyt(&["sync"]).ok();
    dispute.mine("DEV-3", &["--priority", "1"]);
    dispute
}

fn complete(dispute: &Dispute, args: &[&str]) -> Vec<String> {
    let run = dispute.alice.anyt(&[&["complete"], args].concat()).ok();
    run.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default().to_string()).collect()
}

#[test]
fn the_cache_completes_names() {
    let dispute = scene();
    dispute.proxy.go_down();
    assert_eq!(complete(&dispute, &["tasks", "DEV-1"]), ["DEV-1", "DEV-10", "DEV-11", "DEV-12", "DEV-13"]);
    assert_eq!(complete(&dispute, &["tasks", "dev-12"]), ["dev-12"]);
    assert_eq!(complete(&dispute, &["tasks", "1"]), ["1", "10", "11", "12", "13"]);
    assert_eq!(complete(&dispute, &["tasks"])[0], "DEV-13");
    assert_eq!(complete(&dispute, &["tasks", "OPS-"]), [""; 0]);
    assert_eq!(complete(&dispute, &["environments"]), ["dev"]);
    assert_eq!(complete(&dispute, &["workspaces", "d"]), ["DEV"]);
    assert_eq!(complete(&dispute, &["labels", "b"]), ["blue", "bug"]);
    assert_eq!(complete(&dispute, &["owners", "m"]), ["me"]);
    assert_eq!(complete(&dispute, &["operations"]), ["2"]);
    assert_eq!(complete(&dispute, &["log"]), ["2", "1"]);
    let line = dispute.alice.anyt(&["complete", "tasks", "13"]).ok();
    assert_eq!(line.stdout, "13\tTag\\tged: one\n");
    dispute.alice.anyt(&["complete", "nonsense"]).code(2);
}

/// The program under test as `anyt`, for scripts that call it.
fn shell(dispute: &Dispute, name: &str, args: &[&str]) -> Option<Invocation> {
    let path = std::env::var("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join(name).is_file()) {
        skip(&format!("completing in {name}: it is not here"));
        return None;
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_anyt")).parent().expect("a folder");
    let run = dispute.alice.program(Path::new("/usr/bin/env"), &[&[name], args].concat());
    Some(run.env("PATH", &format!("{}:{path}", folder.display())))
}

#[track_caller]
fn assert_unharmed(dispute: &Dispute, run: &Run) {
    assert!(!dispute.alice.path("work/owned").exists(), "a name was evaluated\n{run}");
}

const CASES: &[(&[&str], &[&str])] = &[
    (&["anyt", "task", "show", "DEV-1"], &["DEV-1", "DEV-10", "DEV-11", "DEV-12", "DEV-13"]),
    (&["anyt", "task", "done", "dev-12"], &["dev-12"]),
    (&["anyt", "task", "list", "--labels", "bu"], &["bug"]),
    (&["anyt", "task", "list", "--labels", "ui,b"], &["ui,blue", "ui,bug"]),
    (&["anyt", "task", "dep", "add", "1", "--on", "2,13"], &["2,13"]),
    (&["anyt", "--env", "d"], &["dev"]),
    (&["anyt", "env", "switch", ""], &["dev"]),
    (&["anyt", "sync", "queue", "drop", ""], &["2"]),
    (&["anyt", "undo", ""], &["2", "1"]),
    (&["anyt", "project", "use", "dev"], &["development"]),
];

#[test]
fn bash_completes_names() {
    let dispute = scene();
    let tab = "source <(anyt completion bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _anyt; \
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    for (words, expected) in CASES {
        let Some(run) = shell(&dispute, "bash", &[&["--norc", "-c", tab, "tab"], *words].concat()) else { return };
        let run = run.ok();
        assert_eq!((run.stdout_lines().as_slice(), run.stderr.as_str()), (*expected, ""), "{words:?}");
    }
    let words = ["anyt", "task", "list", "--labels", ""];
    let run = shell(&dispute, "bash", &[&["--norc", "-c", tab, "tab"], &words[..]].concat()).expect("it is here").ok();
    assert!(run.stdout.contains("a\\ b\n") && run.stdout.contains("x\\;touch\\ owned\n"), "{run}");
    assert_unharmed(&dispute, &run);
}

#[test]
fn fish_completes_names() {
    let dispute = scene();
    let tab = "anyt completion fish | source; complete -C $argv[1] | string replace -r '\\t.*' ''; true";
    for (words, expected) in CASES {
        let Some(run) = shell(&dispute, "fish", &["-N", "-c", tab, &words.join(" ")]) else { return };
        let run = run.ok();
        let mut offered = run.stdout_lines();
        // fish puts what matches best first.
        offered.sort_by_key(|name| expected.iter().position(|one| one == name));
        assert_eq!((offered.as_slice(), run.stderr.as_str()), (*expected, ""), "{words:?}");
    }
    let run = shell(&dispute, "fish", &["-N", "-c", tab, "anyt task list --labels "]).expect("it is here").ok();
    assert_unharmed(&dispute, &run);
}

/// What `_describe` is given, as zsh would be without a terminal to show it on.
#[test]
fn zsh_completes_names() {
    let dispute = scene();
    let tab = "compdef() { }; source <(anyt completion zsh) 2>/dev/null; compset() { PREFIX=${PREFIX##*,} }; \
        _describe() { print -rl -- \"${(@P)3}\" }; PREFIX=$1; shift; _anyt_known \"$@\"";
    for (args, expected) in [
        (&["DEV-13", "tasks"][..], &["DEV-13:Tag\\tged: one"][..]),
        (&["ui,bu", "labels", "list"], &["bug:"]),
        (&["", "operations"], &["2:Update: DEV-3 (priority) Task 3"]),
    ] {
        let Some(run) = shell(&dispute, "zsh", &[&["-f", "-c", tab, "tab"], args].concat()) else { return };
        let run = run.run();
        assert_eq!(run.stdout_lines(), expected, "{run}");
    }
    let run = shell(&dispute, "zsh", &["-f", "-c", tab, "tab", "", "labels"]).expect("it is here").run();
    assert!(run.stdout.contains("$(touch owned):\n"), "{run}");
    assert_unharmed(&dispute, &run);
}

#[test]
fn a_hundred_thousand_tasks_are_completed_in_no_time() {
    let dispute = Dispute::about(1);
    let cache = rusqlite::Connection::open(dispute.alice.cache_db()).expect("it is there");
    let many = "INSERT INTO tasks (id, project_id, workspace_id, identifier, number, title, status, priority, version, \
        created_at, updated_at, synced_at, created_us, updated_us) WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 \
        FROM n WHERE i < 100000) SELECT 100000 + i, t.project_id, t.workspace_id, 'DEV-' || i, i, 'Title ' || i, 'todo', 0, \
        1, t.created_at, t.updated_at, t.synced_at, t.created_us, t.updated_us + i FROM n, tasks t WHERE t.number = 1";
    cache.execute_batch(many).expect("ours");
    for word in ["", "DEV-", "DEV-9", "77"] {
        let fastest = (0..5).map(|_| dispute.alice.anyt(&["complete", "tasks", word]).ok().elapsed).min();
        let run = dispute.alice.anyt(&["complete", "tasks", word]).ok();
        assert_eq!(run.stdout_lines().len(), 200, "{word}");
        // This is not the optimised program, and it is started by a test.
        assert!(fastest.is_some_and(|time| time < Duration::from_millis(60)), "{word}: {fastest:?}");
    }
}

#[test]
fn documents_come_out_of_the_program() {
    let dispute = Dispute::about(0);
    for (args, file) in [
        (&["man"][..], "man/anyt.1"),
        (&["man", "anyt"], "man/anyt.1"),
        (&["man", "task"], "man/anyt-task.1"),
        (&["man", "anyt-task"], "man/anyt-task.1"),
        (&["completion", "zsh"], "completions/_anyt"),
    ] {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert_eq!(dispute.alice.anyt(args).ok().stdout, std::fs::read_to_string(committed).expect("committed"));
    }
    dispute.alice.anyt(&["completion", "csh"]).code(2).warns("bash, zsh and fish");
}
