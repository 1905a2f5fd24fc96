//! Tasks that are written in an editor or come from a file, and many that are changed at once.

use crate::common::json::{self, Look};
use crate::common::pty::Terminal;
use crate::common::{ALICE, Dispute, Exit};

/// Makes `script`, which has the file as `$1`, the editor.
fn edit_by(dispute: &Dispute, script: &str) {
    let path = dispute.alice.write("work/editor", script);
    dispute.alice.set_env("VISUAL", &format!("sh {}", path.display()));
}

#[test]
fn only_what_was_changed_in_the_editor_is_sent() {
    let dispute = Dispute::about(2);
    let alice = &dispute.alice;
    edit_by(
        &dispute,
        "cp \"$1\" form; sed -i 's/^title: .*/title: New title/; s/^priority: 0/priority: 2/' \"$1\"; echo Text >> \"$1\"",
    );
    alice.anyt(&["task", "edit", "1"]).ok().says("✓ Updated DEV-1");
    let form = alice.read("work/form");
    assert!(form.starts_with("---\n#") && form.contains("\ntitle: Task 1\nstatus: backlog\n"), "{form}");
    let patch = String::from_utf8_lossy(&dispute.proxy.writes().last().expect("a request").body).into_owned();
    assert_eq!(json::parse(&patch).text("title"), "New title");
    assert!(patch.contains("\"description\":\"Text\"") && !patch.contains("status"), "{patch}");
    // Unchanged, and a field of another kind; without a network too.
    edit_by(&dispute, ":");
    let unchanged = alice.anyt(&["task", "edit", "1"]).ok();
    assert!(unchanged.stdout.contains("nothing was changed"), "{unchanged}");
    edit_by(&dispute, "sed -i 's/^labels:.*/labels: new, \"a, b\"/; s/^owner:.*/owner: me/' \"$1\"");
    alice.anyt(&["task", "edit", "2", "--offline"]).ok().says("queued for sync");
    let task = alice.cached_task("DEV-2");
    assert_eq!((task.items("labels").len(), task.text("owner_id")), (2, "alice"));
    // An empty file changes nothing and says so.
    edit_by(&dispute, ": > \"$1\"");
    alice.anyt(&["task", "edit", "1"]).code(1).warns("nothing was written (nothing was changed)");
    for args in [
        &["task", "edit", "1", "2"][..],
        &["task", "edit", "1", "-F", "x", "-p", "1"],
        &["task", "edit", "--where", "all"],
    ] {
        alice.anyt(args).code(2).is_one_line_of_error();
    }
}

#[test]
fn a_text_that_cannot_be_used_is_kept_or_mended() {
    let dispute = Dispute::about(1);
    let alice = &dispute.alice;
    edit_by(&dispute, "sed -i 's/^status: .*/status: soon/' \"$1\"; echo Precious >> \"$1\"");
    let bad = alice.anyt(&["task", "edit", "1"]).code(2).warns("line 4: `soon` is no status");
    let kept = bad.stderr.split("the text is kept: anyt ").nth(1).expect("it is named").lines().next().unwrap();
    let words: Vec<&str> = kept.split(' ').collect();
    let text = alice.anyt(&words).ok().stdout;
    assert!(text.contains("status: soon") && text.contains("Precious"), "{text}");
    // Mended in a file, it is taken.
    let mended: String = text.lines().skip(1).map(|line| format!("{}\r\n", line.replace("soon", "done"))).collect();
    alice.write("work/task.md", format!("\u{feff}{mended}"));
    alice.anyt(&["task", "edit", "1", "-F", "task.md"]).ok();
    assert_eq!(dispute.served("DEV-1").text("description"), "Precious");
    // At a terminal the editor opens again on it.
    edit_by(
        &dispute,
        "grep -q soon \"$1\" && sed -i 's/soon/todo/' \"$1\" || sed -i 's/^status: .*/status: soon/' \"$1\"",
    );
    let mut terminal = Terminal::anyt(alice, &["task", "edit", "1"]);
    terminal.expect("Edit it again? [y/N]: ").send("y\r");
    let session = terminal.end();
    assert_eq!(session.exit, Exit::Code(0), "{}", session.screen);
    assert_eq!(dispute.served("DEV-1").text("status"), "todo");
}

/// What comes while somebody writes is not overwritten unseen.
#[test]
fn a_change_that_came_meanwhile_is_not_overwritten() {
    let dispute = Dispute::about(1);
    // An editor sees no token.
    let anyt = format!("ANYT_AUTH_TOKEN={ALICE} {}", env!("CARGO_BIN_EXE_anyt"));
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    edit_by(&dispute, &format!("{anyt} sync -q; sed -i 's/^title: .*/title: Mine/' \"$1\""));
    let run = dispute.alice.anyt(&["task", "edit", "1"]).code(1).warns("the title of DEV-1 was changed meanwhile");
    assert!(run.stderr.contains("the text is kept: anyt sync restore"), "{run}");
    assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), "Theirs".into()));
    // Another field is nobody's loss.
    edit_by(&dispute, &format!("{anyt} sync -q; sed -i 's/^priority: .*/priority: 2/' \"$1\""));
    dispute.theirs("DEV-1", r#"{"title":"Theirs again"}"#);
    dispute.alice.anyt(&["task", "edit", "1"]).ok();
    assert_eq!((dispute.both("DEV-1", "title").0, dispute.served("DEV-1").int("priority")), ("Theirs again".into(), 2));
}

#[test]
fn a_task_without_a_title_is_written_in_the_editor() {
    let dispute = Dispute::about(1);
    let alice = &dispute.alice;
    alice.anyt(&["task", "create"]).code(2).warns("the title is missing");
    edit_by(&dispute, "sed -i 's/^title:.*/title: Written/' \"$1\"; printf 'Line 1\\nLine 2\\n' >> \"$1\"");
    let terminal = Terminal::anyt(alice, &["task", "create", "-p", "1", "--labels", "a"]);
    let session = terminal.end();
    assert_eq!(session.exit, Exit::Code(0), "{}", session.screen);
    let task = dispute.served("DEV-2");
    assert_eq!((task.text("title"), task.text("description")), ("Written", "Line 1\nLine 2"));
    assert_eq!((task.int("priority"), task.items("labels").len()), (1, 1));
    edit_by(&dispute, ":");
    let session = Terminal::anyt(alice, &["task", "create"]).end();
    assert!(session.exit == Exit::Code(1) && session.screen.contains("no task was created"), "{}", session.screen);
    // From a file: with a form, with a text alone, from standard input, offline.
    alice.write("work/form.md", "---\ntitle: From a form\nstatus: todo\n---\n\nBody\n");
    alice.anyt(&["task", "create", "Named", "-F", "-"]).stdin("\u{feff}One\r\nTwo\r\n").ok();
    alice.anyt(&["task", "create", "-F", "form.md", "--offline"]).ok();
    let text = |name: &str, field: &str| alice.cached_task(name).text(field).to_string();
    assert_eq!((text("DEV-4", "title"), text("DEV-4", "description")), ("From a form".into(), "Body".into()));
    assert_eq!((text("DEV-3", "title"), text("DEV-3", "description")), ("Named".into(), "One\nTwo".into()));
    alice.write("work/none.md", "Only text");
    alice.anyt(&["task", "create", "-F", "none.md"]).code(2).warns("none.md: the title is empty");
    alice.anyt(&["task", "create", "-F", "missing.md"]).code(1).warns("missing.md");
}

#[test]
fn many_tasks_are_changed_at_once_after_a_question() {
    let dispute = Dispute::about(25);
    let alice = &dispute.alice;
    alice.anyt(&["task", "update", "1", "2", "3", "--labels", "old", "--status", "todo"]).ok();
    let change =
        ["task", "update", "--where", "status=todo,label=old", "--add-labels", "new", "--remove-labels", "old"];
    let refused = alice.anyt(&change).code(1).warns("--force");
    assert!(refused.stderr.contains("nothing was changed") && refused.stderr_lines().len() == 1, "{refused}");
    let mut terminal = Terminal::anyt(alice, &change);
    terminal.expect("  DEV-1 Task 1").expect("Change 3 tasks? [y/N]: ").send("y\r");
    let session = terminal.end();
    assert_eq!(session.exit, Exit::Code(0), "{}", session.screen);
    assert_eq!(json::to_string(dispute.served("DEV-3").at("labels")), r#"["new"]"#);
    let none = alice.anyt(&change).ok().warns("no task matches");
    assert_eq!(none.stdout, "", "{none}");
    // Many are listed as far as a screen goes.
    let mut terminal = Terminal::anyt(alice, &["task", "done", "--where", "all"]);
    terminal.expect("  ... and 5 more").expect("Change 25 tasks? [y/N]: ").send("n\r");
    assert_eq!(terminal.end().exit, Exit::Code(1));
    let done = alice.anyt(&["task", "done", "--where", "label=new", "--force", "--offline", "--json"]).ok().json();
    assert_eq!((done.int("data.count"), alice.pending()), (3, 3));
    for filter in ["colour=red", "status=soon", "limit=3", "", "status=todo,,"] {
        alice.anyt(&["task", "update", "--where", filter, "-p", "1", "--force"]).code(2).is_one_line_of_error();
    }
    alice.anyt(&["task", "update", "1", "--where", "all", "-p", "1"]).code(2);
    assert_eq!(alice.pending(), 3);
}

/// All are queued or none.
#[test]
fn what_fails_for_one_is_queued_for_none() {
    let dispute = Dispute::about(3);
    let alice = &dispute.alice;
    // DEV-1 below each of them: one of them is below DEV-1.
    alice.anyt(&["task", "update", "3", "--parent", "1"]).ok();
    alice.anyt(&["task", "update", "1", "2", "--parent", "3", "--offline"]).code(1);
    assert_eq!(alice.pending(), 0);
}
