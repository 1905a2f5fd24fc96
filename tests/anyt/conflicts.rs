//! Issue 4 points 2, 4 and 6: the question, its answers through a pipe and at a terminal, deletions on either side,
//! dependencies and parents that changed, and policies. P4: whatever loses is in `discarded/` first. P6: nothing hangs.

use crate::common;
use crate::common::json::{self, Look, Value};
use crate::common::pty::Terminal;
use crate::common::{Dispute, Exit, Run};

/// What the specification's question must say about a title.
#[track_caller]
fn assert_asked(run: &Run) {
    for line in ["⚠ Conflict detected for DEV-1:", "  title: Task 1 → local Mine, remote Theirs", "  Choice [1-3]:"]
    {
        assert!(run.stdout.contains(line), "no {line:?}\n{run}");
    }
}

#[track_caller]
fn title_of(operation: &Value) -> &str {
    operation.text("operation.payload.set.title")
}

#[test]
fn one_keeps_local_and_raises_the_version() {
    let dispute = Dispute::over_a_title();
    let run = dispute.sync(&[]).stdin("1\n").ok();
    assert_asked(&run);
    assert!(run.stdout.contains("✓ Resolved conflict (kept local)\n"), "{run}");
    assert_eq!(dispute.both("DEV-1", "title"), ("Mine".into(), "Mine".into()));
    assert_eq!(dispute.served("DEV-1").int("version"), 3);
    assert_eq!(dispute.proxy.writes()[0].header("If-Match"), Some("2"), "with the remote's version");
    dispute.assert_settled();
    let lost = dispute.discarded();
    assert_eq!((lost.len(), lost[0].text("remote.title"), lost[0].text("reason")), (1, "Theirs", "overruled"));
    dispute.alice.anyt(&["sync", "restore", "--last"]).ok();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), "Theirs".into()), "what lost was brought back");
    dispute.assert_settled();
}

#[test]
fn two_accepts_remote_and_drops_ours() {
    let dispute = Dispute::over_a_title();
    let run = dispute.sync(&[]).stdin("2\n").ok();
    assert_asked(&run);
    assert!(run.stdout.ends_with("✓ Resolved conflict (accepted remote)\n✓ Synced 1 task\n"), "{run}");
    assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), "Theirs".into()));
    assert_eq!(dispute.proxy.writes().len(), 0);
    dispute.assert_settled();
    let lost = dispute.discarded();
    assert_eq!((lost.len(), title_of(&lost[0])), (1, "Mine"));
    // Brought back, it is the same edit of an older version: asked about again, never laid over in silence.
    dispute.alice.anyt(&["sync", "restore", "--last"]).ok();
    dispute.sync(&["--no-input"]).code(3);
    dispute.sync(&[]).stdin("1\n").ok();
    assert_eq!(dispute.both("DEV-1", "title"), ("Mine".into(), "Mine".into()));
    dispute.assert_settled();
}

#[test]
fn three_edits() {
    let dispute = Dispute::over_a_title();
    let editor = dispute.alice.write("work/editor", "#!/bin/sh\necho 'title: Ours together' > \"$1\"\n");
    dispute.alice.set_env("EDITOR", &format!("sh {}", editor.display()));
    let run = dispute.sync(&[]).stdin("3\n").ok();
    assert!(run.stdout.contains("✓ Resolved conflict (edited)\n"), "{run}");
    assert_eq!(dispute.both("DEV-1", "title"), ("Ours together".into(), "Ours together".into()));
    dispute.assert_settled();
    let lost = dispute.discarded();
    let kept: Vec<&str> = lost.iter().map(title_of).collect();
    assert!(kept.contains(&"Mine") && kept.contains(&"Theirs"), "an edit replaces both: {kept:?}");
}

#[test]
fn d_shows_all_and_asks_again_and_s_leaves_it() {
    let dispute = Dispute::about(1);
    let long = |word: &str| (0..30).map(|n| format!("{word} {n} ünï 🦀\n")).collect::<String>();
    dispute.mine("DEV-1", &["--description", &long("mine")]);
    let theirs = json::object([("description", json::string(long("theirs")))]);
    dispute.theirs("DEV-1", &json::to_string(&theirs));
    let run = dispute.sync(&[]).stdin("d\ns\n").code(3);
    assert!(run.stdout.contains("more lines, d shows all\n"), "{run}");
    assert!(
        run.stdout.contains("      + mine 29 ünï 🦀\n") && run.stdout.contains("      + theirs 29 ünï 🦀\n"),
        "{run}"
    );
    assert!(run.stderr.contains("DEV-1: the conflict waits for a decision: anyt sync resolve DEV-1"), "{run}");
    assert_eq!(dispute.inbox(), ["DEV-1"]);
}

/// As many lines as a text may have, all of them rewritten on both sides: every command answers at once.
#[test]
fn two_rewritten_texts_are_a_conflict_at_once() {
    let dispute = Dispute::about(1);
    let long = |word: &str| (0..50_000).map(|n| format!("{word} {n}\n")).collect::<String>();
    let described = |word: &str| json::to_string(&json::object([("description", json::string(long(word)))]));
    dispute.theirs("DEV-1", &described("base"));
    dispute.sync(&[]).ok();
    let typed = ["task", "update", "DEV-1", "--offline", "--description", "-"];
    dispute.alice.anyt(&typed).stdin(long("mine")).ok();
    dispute.theirs("DEV-1", &described("their"));
    let limit = std::time::Duration::from_secs(20);
    let asked = dispute.sync(&[]).stdin("d\ns\n").code(3);
    assert!(asked.stdout.contains("lines and 50000: too long to show line by line)"), "{}", asked.stdout);
    assert!(asked.elapsed < limit, "{:?}", asked.elapsed);
    let listed = dispute.alice.anyt(&["sync", "conflicts"]).ok();
    assert!(listed.elapsed < limit, "{:?}", listed.elapsed);
}

#[test]
fn an_exclamation_mark_decides_all_that_remain() {
    for (answer, title) in [("1!\n", "Mine"), ("2!\n", "Theirs"), ("2\n1!\n", "Mine")] {
        let dispute = Dispute::about(3);
        dispute.over_titles(&[1, 2, 3]);
        let run = dispute.sync(&[]).stdin(answer).ok();
        assert_eq!(run.stdout.matches("✓ Resolved conflict").count(), 3, "{run}");
        for name in ["DEV-2", "DEV-3"] {
            assert_eq!(dispute.both(name, "title"), (title.into(), title.into()), "{answer:?}");
        }
        dispute.assert_settled();
        assert_eq!(dispute.discarded().len(), 3, "{answer:?}");
        let log = dispute.alice.anyt(&["sync", "log", "-v"]).ok();
        assert!(log.stdout.contains("DEV-3: "), "what a standing answer decided is in the log\n{log}");
    }
}

/// `q` rolls the whole pull back, also what was answered before it.
#[test]
fn q_leaves_the_cache_as_it_was() {
    let dispute = Dispute::about(4);
    dispute.over_titles(&[1, 2, 3]);
    dispute.bob().delete(&dispute.bob().tasks("DEV-3"));
    dispute.theirs("DEV-4", r#"{"title":"New there"}"#);
    let before = dispute.cache();
    for answers in ["q\n", "1\nq\n", "2\n1\nq\n", "2\n2\nq\n"] {
        let run = dispute.sync(&[]).stdin(answers).code(130);
        assert_eq!(dispute.cache(), before, "{answers:?}\n{run}");
    }
    // The deleted task is asked about last, so that creating it again must not outlive a `q` after it.
    let dispute = Dispute::about(3);
    dispute.over_titles(&[1, 2]);
    dispute.bob().delete(&dispute.bob().tasks("DEV-1"));
    let before = dispute.cache();
    let run = dispute.sync(&[]).stdin("1\nq\n").code(130);
    assert_eq!(dispute.cache(), before, "{run}");
    assert_eq!(dispute.proxy.writes().len(), 0);
    dispute.sync(&[]).stdin("1\n1\n").ok();
    dispute.assert_settled();
}

/// Whatever stands on stdin: it ends, it misreads nothing, and what was not answered waits in the inbox.
#[test]
fn no_input_hangs_or_is_misread() {
    const PUSH: &str = "refs/heads/main 67890 refs/heads/main 12345\nrefs/heads/2 1 refs/heads/2 2\n";
    type Feed = fn(common::run::Invocation) -> common::run::Invocation;
    let cases: [(&str, Feed, bool); 6] = [
        ("closed", |run| run.stdin_closed(), false),
        ("/dev/null", |run| run, false),
        ("a pre-push hook's ref list", |run| run.stdin(PUSH), false),
        ("three answers that are none", |run| run.stdin("4\n\nyes\n1\n"), false),
        ("no line end", |run| run.stdin(vec![b'1'; 100_000]), false),
        ("yes 2", |run| run.stdin_endless("2"), true),
    ];
    for (case, feed, answered) in cases {
        let dispute = Dispute::over_a_title();
        let run = feed(dispute.sync(&[])).run();
        assert_eq!(run.exit, Exit::Code(if answered { 0 } else { 3 }), "{case}\n{run}");
        let title = if answered { "Theirs" } else { "Mine" };
        assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), title.into()), "{case}");
        assert_eq!(dispute.inbox().len(), usize::from(!answered), "{case}");
        assert_eq!(dispute.discarded().len(), usize::from(answered), "{case}: nothing loses without an answer");
    }
}

#[test]
fn endless_answers_that_decide_nothing_end_too() {
    let dispute = Dispute::over_a_title();
    dispute.alice.set_env("EDITOR", "false");
    for answer in ["d", "3", "x", "y"] {
        dispute.sync(&[]).stdin_endless(answer).code(3);
    }
    // An editor that reads the answers' pipe would read for ever.
    dispute.alice.set_env("EDITOR", "sh -c 'cat > /dev/null; exit 1' sh");
    dispute.sync(&[]).stdin_endless("3").code(3);
    assert_eq!(dispute.inbox(), ["DEV-1"]);
}

#[test]
fn no_input_asks_nothing() {
    let dispute = Dispute::over_a_title();
    let run = dispute.sync(&["--no-input"]).stdin("1\n").code(3);
    assert!(!run.stdout.contains("Choice"), "{run}");
    let quiet = dispute.sync(&["-q", "--no-input"]).code(3);
    assert_eq!(quiet.stdout, "", "{quiet}");
    assert!(quiet.stderr.contains("1 conflict is waiting for a decision"), "{quiet}");
}

#[test]
fn a_terminal_answers_like_a_pipe() {
    for (keys, exit, title) in
        [("1\r", 0, "Mine"), ("2\r", 0, "Theirs"), ("x\rd\r1\r", 0, "Mine"), ("q\r", 130, "Theirs")]
    {
        let dispute = Dispute::over_a_title();
        let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
        terminal.expect("Choice [1-3]: ").send(keys);
        let session = terminal.end();
        assert_eq!((session.exit, session.restored), (Exit::Code(exit), true), "{keys:?}\n{}", session.screen);
        assert_eq!(dispute.served("DEV-1").text("title"), title, "{keys:?}");
    }
    let dispute = Dispute::over_a_title();
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
    // Ctrl-D: the end of input.
    terminal.expect("Choice [1-3]: ").send("\x04");
    assert_eq!(terminal.end().exit, Exit::Code(3));
    assert_eq!(dispute.inbox(), ["DEV-1"]);
}

// Deletions.

#[test]
fn edited_here_deleted_there() {
    for (answer, wanted) in [("1\n", Some("DEV-3")), ("2\n", None)] {
        let dispute = Dispute::about(2);
        dispute.theirs("DEV-1", r#"{"description":"All of it","labels":["a"],"priority":1}"#);
        dispute.sync(&[]).ok();
        dispute.mine("DEV-1", &["--title", "Mine", "--status", "active"]);
        dispute.alice.anyt(&["task", "note", "DEV-1", "-m", "and a note", "--offline"]).ok();
        dispute.bob().delete(&dispute.bob().tasks("DEV-1"));
        dispute.sync(&["--no-input"]).code(3);
        assert_eq!(dispute.inbox(), ["DEV-1"]);
        assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Mine", "the edit stays in sight");
        let run = dispute.sync(&[]).stdin(answer).ok();
        assert!(run.stdout.contains("  Remote version: deleted\n"), "{run}");
        match wanted {
            Some(name) => {
                let task = dispute.served(name);
                assert_eq!((task.text("title"), task.text("status"), task.int("priority")), ("Mine", "active", 1));
                assert!(task.text("description").starts_with("All of it\n"), "{}", task.text("description"));
                assert!(task.text("description").contains("and a note"));
                assert_eq!(task.items("labels").len(), 1);
            }
            None => {
                assert_eq!(dispute.bob().all_tasks().len(), 1);
                assert_eq!(title_of(&dispute.discarded()[0]), "Mine");
            }
        }
        dispute.alice.anyt(&["task", "show", "DEV-1"]).code(1);
        dispute.assert_settled();
    }
}

/// The edit that was let go with its task can still become that task again.
#[test]
fn an_edit_let_go_with_its_task_comes_back_whole() {
    let dispute = Dispute::about(1);
    dispute.theirs("DEV-1", r#"{"description":"All of it"}"#);
    dispute.sync(&[]).ok();
    dispute.mine("DEV-1", &["--status", "active"]);
    dispute.bob().delete(&dispute.bob().tasks("DEV-1"));
    dispute.sync(&[]).stdin("2\n").ok();
    dispute.alice.anyt(&["sync", "restore", "--last"]).ok();
    dispute.sync(&[]).stdin("1\n").ok();
    let task = dispute.served("DEV-2");
    assert_eq!((task.text("title"), task.text("status"), task.text("description")), ("Task 1", "active", "All of it"));
    dispute.assert_settled();
}

#[test]
fn deleted_here_edited_there() {
    for (answer, exists) in [("1\n", false), ("2\n", true)] {
        let dispute = Dispute::about(2);
        dispute.alice.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
        dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
        dispute.sync(&["--no-input"]).code(3);
        let listed = dispute.alice.anyt(&["sync", "conflicts"]).ok();
        assert!(listed.stdout.contains("DEV-1: deleted here, changed on the server\n  title: "), "{listed}");
        let run = dispute.sync(&[]).stdin(answer).ok();
        assert!(run.stdout.contains("  Local version: deleted\n"), "{run}");
        assert_eq!(dispute.bob().task("DEV-1").is_some(), exists, "{run}");
        dispute.assert_settled();
        if exists {
            assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Theirs");
        } else {
            assert_eq!(dispute.discarded()[0].text("remote.title"), "Theirs");
            dispute.alice.anyt(&["sync", "restore", "--last"]).ok();
            dispute.sync(&["--no-input"]).ok();
            assert_eq!(dispute.served("DEV-3").text("title"), "Theirs", "what they wrote is a task again");
            dispute.assert_settled();
        }
    }
}

/// A change that does not touch what we knew is no reason to ask before a delete.
#[test]
fn a_delete_is_asked_once_for_the_same_values() {
    let dispute = Dispute::about(2);
    dispute.alice.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    dispute.sync(&["--no-input"]).code(3);
    dispute.alice.anyt(&["sync", "resolve", "DEV-1", "--local"]).ok();
    // The version moves, the values that were asked about stay.
    dispute.theirs("DEV-1", r#"{"priority":1}"#);
    dispute.theirs("DEV-1", r#"{"priority":0}"#);
    dispute.sync(&["--no-input"]).ok();
    assert!(dispute.bob().task("DEV-1").is_none());
    dispute.assert_settled();
}

#[test]
fn deleted_on_both_sides_is_no_question() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--title", "Mine"]);
    dispute.alice.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
    dispute.bob().delete(&dispute.bob().tasks("DEV-1"));
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.proxy.writes().len(), 0);
    dispute.assert_settled();
}

// Parents and dependencies.

fn depend(dispute: &Dispute, task: &str, on: &str) {
    dispute.alice.anyt(&["task", "dep", "add", task, "--on", on, "--offline"]).ok();
}

fn bob_depends(dispute: &Dispute, task: &str, on: &str) {
    let path = format!("{}/dependencies", dispute.bob().tasks(task));
    let body = json::object([("depends_on", json::string(on))]);
    let (status, answer) = dispute.bob().post(&path, &body);
    assert!((200..300).contains(&status), "{}", json::to_string(&answer));
}

/// Everywhere a person looks, and in what a person types, a task is called by its name: its id is another one's number.
#[test]
fn parents_have_names() {
    let dispute = Dispute::about(0);
    let bob = dispute.bob();
    let (status, ops) = bob.post("/v1/workspaces", &json::parse(r#"{"name":"Ops","identifier":"OPS"}"#));
    assert_eq!(status, 201);
    let ops = format!("/v1/workspaces/{}", ops.int("id"));
    let project = bob.post(&format!("{ops}/projects"), &json::parse(r#"{"name":"Machines"}"#)).1.int("id");
    for title in ["In OPS 1", "In OPS 2"] {
        bob.post(&format!("{ops}/tasks"), &json::parse(&format!(r#"{{"title":"{title}","project_id":{project}}}"#)));
    }
    (1..=4).for_each(|number| drop(bob.add_task(&format!("Task {number}"))));
    dispute.sync(&[]).ok();
    let id = |name: &str| dispute.served(name).int("id");
    assert_eq!(id("DEV-2"), 4, "what 4 must not mean");
    dispute.alice.anyt(&["task", "create", "New parent", "-w", "DEV", "--offline"]).ok().says("DEV-5");
    dispute.mine("DEV-1", &["--parent", "DEV-5"]);
    dispute.theirs("DEV-1", &format!(r#"{{"parent_id":{}}}"#, id("DEV-3")));
    let editor = "cp \"$1\" seen; echo \"parent: $TYPED\" > \"$1\"\n";
    let editor = dispute.alice.write("work/editor", editor);
    dispute.alice.set_env("EDITOR", &format!("sh {}", editor.display()));
    let run = dispute.sync(&["--pull"]).env("TYPED", "99").stdin("d\n3\ns\n").code(3);
    assert!(run.stdout.contains("    parent: - → local DEV-5, remote DEV-3\n"), "{run}");
    assert!(run.stdout.contains("    local:  DEV-5\n    remote: DEV-3\n"), "{run}");
    assert!(run.stdout.contains("Not edited: line 1: `99` is no task that is known here"), "{run}");
    assert!(dispute.alice.read("work/seen").contains("\nparent: DEV-5\n=======\nparent: DEV-3\n"));
    for (shown, line) in [
        (&["sync", "conflicts"][..], "  parent: - → local DEV-5, remote DEV-3\n"),
        (&["sync", "queue", "show", "DEV-1"], "  parent: - → DEV-5\n"),
    ] {
        dispute.alice.anyt(shown).ok().says(line);
    }
    let json = dispute.alice.anyt(&["sync", "conflicts", "--json"]).ok().json();
    assert_eq!(json.int("data.items.0.fields.0.remote"), id("DEV-3"), "programs get the ids");
    // Nothing can take a parent away.
    dispute.sync(&["--pull"]).env("TYPED", "-").stdin("3\ns\n").code(3).says("no way to clear the parent");
    dispute.sync(&[]).env("TYPED", "4").stdin("3\n").ok();
    assert_eq!(dispute.served("DEV-1").int("parent_id"), id("DEV-4"));
}

#[test]
fn a_parent_that_vanished_is_named_and_holds_up_nothing_else() {
    let dispute = Dispute::about(3);
    dispute.mine("DEV-1", &["--parent", "DEV-2"]);
    dispute.mine("DEV-3", &["--title", "Goes on"]);
    dispute.bob().delete(&dispute.bob().tasks("DEV-2"));
    let run = dispute.sync(&["--no-input"]).code(6);
    assert!(run.stderr.contains("DEV-1 was not sent: DEV-2 is gone\n"), "{run}");
    assert_eq!(dispute.served("DEV-3").text("title"), "Goes on");
    dispute.alice.anyt(&["sync", "queue", "drop", "1", "--yes"]).ok();
    dispute.sync(&["--no-input"]).ok();
    dispute.assert_settled();
}

#[test]
fn a_dependency_that_vanished_is_refused_with_the_servers_words() {
    let dispute = Dispute::about(3);
    depend(&dispute, "DEV-1", "DEV-2");
    dispute.mine("DEV-3", &["--title", "Goes on"]);
    dispute.bob().delete(&dispute.bob().tasks("DEV-2"));
    let run = dispute.sync(&["--no-input"]).code(6);
    assert!(run.stderr.contains("DEV-1 was not sent: "), "{run}");
    assert_eq!(dispute.served("DEV-3").text("title"), "Goes on");
    dispute.alice.anyt(&["sync", "queue", "drop", "1", "--yes"]).ok();
    dispute.sync(&["--no-input"]).ok();
    dispute.assert_settled();
}

#[test]
fn both_add_or_remove_the_same_dependency() {
    let dispute = Dispute::about(3);
    depend(&dispute, "DEV-1", "DEV-2");
    bob_depends(&dispute, "DEV-1", "DEV-2");
    dispute.sync(&["--no-input"]).ok();
    let listed = dispute.alice.anyt(&["task", "dep", "list", "DEV-1", "--json"]).ok().json();
    assert_eq!(listed.items("data.depends_on").len(), 1);
    dispute.assert_settled();
    dispute.alice.anyt(&["task", "dep", "rm", "DEV-1", "--on", "DEV-2", "--offline"]).ok();
    dispute.bob().delete(&format!("{}/dependencies/DEV-2", dispute.bob().tasks("DEV-1")));
    dispute.sync(&["--no-input"]).ok();
    let listed = dispute.alice.anyt(&["task", "dep", "list", "DEV-1", "--json"]).ok().json();
    assert_eq!(listed.items("data.depends_on").len(), 0);
    dispute.assert_settled();
}

#[test]
fn a_dependency_that_became_circular_is_refused() {
    let dispute = Dispute::about(2);
    depend(&dispute, "DEV-1", "DEV-2");
    bob_depends(&dispute, "DEV-2", "DEV-1");
    let run = dispute.sync(&["--no-input"]).code(6);
    assert!(run.stderr.contains("DEV-1 was not sent: a circular dependency: DEV-2 already depends on DEV-1"), "{run}");
    let queue = dispute.alice.anyt(&["sync", "queue"]).ok();
    assert!(queue.stdout.contains("refused: a circular dependency"), "{queue}");
    dispute.alice.anyt(&["sync", "queue", "drop", "1", "--yes"]).ok();
    dispute.sync(&["--no-input"]).ok();
    let listed = dispute.alice.anyt(&["task", "dep", "list", "DEV-1", "--json"]).ok().json();
    assert_eq!((listed.items("data.depends_on").len(), listed.items("data.blocks").len()), (0, 1));
    dispute.assert_settled();
}

// Policies.

#[test]
fn policies_decide_without_asking_and_the_log_says_so() {
    for (policy, title, exit, word) in [
        ("local", "Mine", 0, "kept local"),
        ("remote", "Theirs", 0, "accepted remote"),
        ("skip", "Theirs", 3, "left for later"),
    ] {
        for by_config in [false, true] {
            let dispute = Dispute::over_a_title();
            let flags: &[&str] = if by_config { &[] } else { &["--resolve", policy] };
            if by_config {
                dispute.alice.configure("sync", json::object([("resolve", json::string(policy))]));
            }
            let run = dispute.sync(flags).stdin("q\n").code(exit);
            assert!(!run.stdout.contains("Choice"), "{run}");
            assert_eq!(dispute.served("DEV-1").text("title"), title, "{policy}");
            let log = dispute.alice.anyt(&["sync", "log", "-v"]).ok();
            assert!(log.stdout.contains(&format!("DEV-1: {word}")), "{log}");
            assert_eq!(dispute.discarded().len(), usize::from(exit == 0), "{policy}");
            if exit == 0 {
                dispute.assert_settled();
            }
        }
    }
}

/// Without a pull the question comes from the push, and its decision is in the log all the same.
#[test]
fn a_policy_of_a_push_is_logged_too() {
    let dispute = Dispute::over_a_title();
    dispute.sync(&["--push", "--resolve", "local"]).ok();
    assert_eq!(dispute.served("DEV-1").text("title"), "Mine");
    let log = dispute.alice.anyt(&["sync", "log", "-v"]).ok();
    assert!(log.stdout.contains("DEV-1: kept local"), "{log}");
}
