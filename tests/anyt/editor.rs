//! Issue 4 point 3 and its SIGINT lines: what an editor may do to us, and what Ctrl-C does at the prompt, in the editor
//! and during a request. Nothing is lost, the cache is as before, the terminal is as it was, the next sync is fine.

use crate::common;
use crate::common::deadline::wait_until;
use crate::common::json::{self, Look};
use crate::common::proxy::{Gate, What, When};
use crate::common::pty::Terminal;
use crate::common::run::TIMEOUT;
use crate::common::{Dispute, Exit};
use std::time::Duration;

/// Makes `script`, which has the file as `$1`, the editor.
fn edit_by(dispute: &Dispute, script: &str) {
    let path = dispute.alice.write("work/editor", script);
    dispute.alice.set_env("VISUAL", &format!("sh {}", path.display()));
}

fn with_editor(script: &str) -> Dispute {
    let dispute = Dispute::over_a_title();
    edit_by(&dispute, script);
    dispute
}

/// No temporary file outlives its editor.
#[track_caller]
fn assert_tidy(dispute: &Dispute) {
    let left: Vec<_> = std::fs::read_dir(dispute.alice.path("tmp")).expect("our own folder").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Whatever an editor does wrong: its reason is said, the question comes again, and the next answer counts.
#[test]
fn a_bad_edit_leads_back_to_the_question() {
    for (script, reason) in [
        ("exit 1", "the editor ended with exit code 1"),
        ("kill -9 $$", "the editor was ended by signal 9"),
        ("kill -INT $$; sleep 9", "the editor was ended by signal 2"),
        ("no-such-command-at-all", "the editor was not found"),
        (":", "nothing was changed"),
        (": > \"$1\"", "the file is empty"),
        ("rm \"$1\"", "the editor removed the file"),
        ("rm -r \"$(dirname \"$1\")\"", "the editor removed the file"),
        ("rm \"$1\"; mkdir \"$1\"", "cannot read the edited file"),
        ("rm \"$1\"; mkfifo \"$1\"", "cannot read the edited file"),
        ("printf 'title: \\377\\376' > \"$1\"", "the edited file is not UTF-8"),
        ("sed -i 's/Mine/Ours/' \"$1\"", "the mark `<<<<<<< local` is still there"),
        ("echo 'title:' > \"$1\"", "title must not be empty"),
        ("echo 'status: done' > \"$1\"", "`status: done` is no field of this conflict"),
        ("sed -i '/title/d; /^[<=>]/d' \"$1\"", "title is gone"),
        ("head -c 20000000 /dev/zero | tr '\\0' x > \"$1\"", "the edited file is too large"),
    ] {
        let dispute = with_editor(script);
        let run = dispute.sync(&[]).stdin("3\n2\n").ok();
        // Some reasons begin with the line they are about.
        let says_why = |line: &str| line.starts_with("  Not edited: ") && line.contains(reason);
        assert!(run.stdout.lines().any(says_why), "{script}: no {reason:?}\n{run}");
        assert_eq!(run.stdout.matches("Choice [1-3]:").count(), 2, "{run}");
        assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), "Theirs".into()), "{script}");
        assert_tidy(&dispute);
    }
}

/// The texts that could not be used, as discarded.jsonl keeps them.
fn drafts(dispute: &Dispute) -> Vec<String> {
    let kept = dispute.discarded().into_iter();
    let texts = kept.filter(|one| one.text("reason") == "edited" && matches!(one.at("operation"), json::Value::Null));
    texts.map(|one| one.text("remote.description").to_string()).collect()
}

/// However an edit fails, what was typed is there at the next try, and afterwards where the question said.
#[test]
fn what_was_typed_is_not_lost() {
    for (script, typed) in [
        ("sed -i 's/Mine/Typed/' \"$1\"; exit 1", "Typed"),
        ("sed -i 's/Mine/Typed/' \"$1\"; kill -9 $$", "Typed"),
        ("sed -i 's/Mine/Typed/' \"$1\"", "Typed"),
        ("printf 'title: caf\\351 Typed\\n' > \"$1\"", "caf\u{fffd} Typed"),
    ] {
        let dispute = with_editor(&format!("cat \"$1\" >> seen\ngrep -q Typed \"$1\" && exit 1\n{script}\n"));
        let run = dispute.sync(&[]).stdin("3\n3\ns\n").code(3);
        let kept = drafts(&dispute);
        assert_eq!(kept.len(), 1, "{script}\n{run}");
        let place = "; what was typed is kept: anyt sync restore 1";
        assert_eq!(run.stdout.matches(place).count(), 2, "{script}\n{run}");
        assert!(dispute.alice.read("work/seen").contains(typed), "{script}: not shown again");
        assert!(kept[0].contains("Typed"), "{script}");
        dispute.alice.anyt(&["sync", "restore", "1"]).ok().says("Typed");
        assert_tidy(&dispute);
    }
    // Kept also when it was used in the end.
    let dispute =
        with_editor("grep -q Typed \"$1\" && exec sed -i '/^[<=>]/d; /Theirs/d' \"$1\"\nsed -i s/Mine/Typed/ \"$1\"\n");
    dispute.sync(&[]).stdin("3\n3\n").ok();
    assert_eq!(dispute.served("DEV-1").text("title"), "Typed");
    assert_eq!(drafts(&dispute).len(), 1);
}

/// stdout is one JSON document whatever an editor prints.
#[test]
fn an_editor_does_not_print_into_the_document() {
    let dispute = with_editor("echo I am an editor; echo 'title: Edited' > \"$1\"");
    let run = dispute.sync(&["--json"]).stdin("3\n").ok();
    assert_eq!(run.json().int("data.resolved"), 1, "{run}");
    assert!(run.stderr.contains("I am an editor"), "{run}");
}

#[test]
fn a_status_that_is_none_is_refused() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--status", "active", "--priority", "1"]);
    dispute.theirs("DEV-1", r#"{"status":"done","priority":2}"#);
    edit_by(&dispute, "printf 'status: finished\\npriority: 1\\n' > \"$1\"");
    let run = dispute.sync(&[]).stdin("3\ns\n").code(3);
    assert!(
        run.stdout.contains("  Not edited: line 1: `finished` is no status; one of backlog, todo, active"),
        "{run}"
    );
    edit_by(&dispute, "printf 'priority: -1\\nstatus: in progress\\n' > \"$1\"");
    dispute.sync(&[]).stdin("3\ns\n").code(3).says("Not edited");
    edit_by(&dispute, "printf 'priority: -1\\nstatus: blocked\\n' > \"$1\"");
    dispute.sync(&[]).stdin("3\n").ok();
    let task = dispute.served("DEV-1");
    assert_eq!((task.text("status"), task.int("priority")), ("blocked", -1));
    dispute.assert_settled();
}

/// The order of the README, each one's name in the title it writes.
#[test]
fn visual_then_editor_then_config() {
    let dispute = Dispute::over_a_title();
    for (name, config) in [("VISUAL", false), ("EDITOR", false), ("config", true)] {
        let path = dispute.alice.write(&format!("work/{name}"), format!("echo 'title: by {name}' > \"$1\"\n"));
        let command = format!("sh {}", path.display());
        if config {
            dispute.alice.configure("editor", json::string(command));
        } else {
            dispute.alice.set_env(name, &command);
        }
    }
    for name in ["VISUAL", "EDITOR", "config"] {
        dispute.mine("DEV-1", &["--title", &format!("Mine for {name}")]);
        dispute.theirs("DEV-1", &format!(r#"{{"title":"Theirs for {name}"}}"#));
        dispute.sync(&[]).stdin("3\n").ok();
        assert_eq!(dispute.served("DEV-1").text("title"), format!("by {name}"));
        dispute.alice.set_env(name, "");
    }
    // No editor at all, and no terminal on which vi would talk to somebody.
    dispute.alice.configure("editor", json::string(""));
    dispute.over_titles(&[1]);
    dispute.sync(&[]).stdin("3\ns\n").code(3).says("Not edited: there is no editor; set VISUAL or EDITOR");
}

/// Long text comes with markers only where both changed the same lines, everything else merged already.
#[test]
fn long_text_is_edited_between_markers() {
    let dispute = Dispute::about(1);
    let text = |at: &[(usize, &str)]| -> String {
        let line = |n| {
            at.iter().find(|(k, _)| *k == n).map_or(format!("line {n} ünï 漢 🦀"), |(_, text)| text.to_string())
        };
        (0..400).map(line).collect::<Vec<_>>().join("\n")
    };
    let described = |text: &str| json::to_string(&json::object([("description", json::string(text))]));
    assert!(text(&[]).len() > 7000);
    dispute.theirs("DEV-1", &described(&text(&[])));
    dispute.sync(&[]).ok();
    dispute.mine("DEV-1", &["--description", &text(&[(7, "mine"), (100, "only mine")])]);
    dispute.theirs("DEV-1", &described(&text(&[(7, "theirs"), (300, "only theirs")])));
    let copy = dispute.alice.path("work/seen");
    edit_by(
        &dispute,
        &format!(
            "cp \"$1\" '{}'\nsed -i -e '/^<<<<<<</d' -e '/^|||||||/,/^=======/d' -e '/^>>>>>>>/d' \"$1\"\n",
            copy.display()
        ),
    );
    dispute.sync(&[]).stdin("3\n").ok();
    let seen = dispute.alice.read("work/seen");
    assert!(
        seen.contains("<<<<<<< local\nmine\n||||||| before\nline 7 ünï 漢 🦀\n=======\ntheirs\n>>>>>>> remote\n"),
        "{}",
        &seen[..900]
    );
    assert!(seen.contains("\nonly mine\n") && seen.contains("\nonly theirs\n"));
    let wanted = text(&[(7, "mine\ntheirs"), (100, "only mine"), (300, "only theirs")]);
    assert_eq!(dispute.both("DEV-1", "description"), (wanted.clone(), wanted));
    dispute.assert_settled();
}

/// What was not touched goes back as it was: characters that are shown as escapes, and line ends.
#[test]
fn an_edit_leaves_the_other_lines_alone() {
    for (mine, wanted) in [
        ("שלום\u{200f} (v2)\nsecond line\nx", "שלום\u{200f} (v2)\nSECOND line\nx"),
        ("one\r\nsecond line\r\nthree", "one\r\nSECOND line\r\nthree"),
    ] {
        let dispute = Dispute::about(1);
        dispute.mine("DEV-1", &["--description", mine, "--labels", "a"]);
        dispute.theirs("DEV-1", r#"{"description":"theirs"}"#);
        edit_by(&dispute, "sed -i -e '/^<<<<<<</d' -e '/^|||||||/,/^>>>>>>>/d' -e s/second/SECOND/ \"$1\"");
        dispute.sync(&[]).stdin("3\n").ok();
        assert_eq!(dispute.both("DEV-1", "description"), (wanted.into(), wanted.into()));
    }
}

#[test]
fn what_was_edited_survives_a_failed_push() {
    let dispute = with_editor("echo 'title: Edited' > \"$1\"");
    dispute.proxy.fault(When::first("PATCH", "").always(), What::GoDown);
    let failed = dispute.sync(&[]).stdin("3\n").code(5);
    assert!(failed.stdout.contains("✓ Resolved conflict (edited)"), "{failed}");
    assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Edited");
    dispute.proxy.reset();
    dispute.proxy.come_back();
    let sent = dispute.sync(&["--no-input"]).ok();
    assert!(!sent.stdout.contains("Conflict"), "{sent}");
    assert_eq!(dispute.served("DEV-1").text("title"), "Edited");
    dispute.assert_settled();
}

/// The run that a text was edited in may be stopped at a later question: the cache is as before, and the text can be had
/// back. It may be killed once everything is decided: what was edited is what waits. After a run that ended well nothing of it is left to restore.
#[test]
fn what_was_edited_survives_a_run_that_was_stopped_or_killed() {
    for killed in [false, true] {
        let dispute = Dispute::about(2);
        dispute.over_titles(&[1, 2]);
        edit_by(&dispute, "echo 'title: Edited' > \"$1\"");
        let before = dispute.cache();
        let named = if killed {
            let run = dispute.sync(&[]).env("ANYT_FAILPOINT", "sync.pulled").stdin("3\n1\n").run();
            assert_eq!(run.exit, Exit::Signal(9), "{run}");
            assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Edited");
            let again = dispute.sync(&["--no-input"]).ok();
            assert!(!again.stdout.contains("Conflict"), "{again}");
            assert_eq!(dispute.both("DEV-1", "title"), ("Edited".into(), "Edited".into()));
            dispute.assert_settled();
            continue;
        } else {
            let run = dispute.sync(&[]).stdin("3\nq\n").code(130);
            let told =
                run.stderr.lines().find_map(|line| line.split("What you edited is kept: anyt sync restore ").nth(1));
            told.unwrap_or_else(|| panic!("nobody said where the text is\n{run}")).to_string()
        };
        assert_eq!(dispute.cache(), before);
        let listed = dispute.alice.anyt(&["sync", "restore", "--list"]).ok();
        assert!(listed.stdout.contains("Update: DEV-1 (title): edited by hand, never sent"), "{listed}");
        dispute.alice.anyt(&["sync", "restore", &named]).ok().says("✓ Queued 1 operation again");
        let asked = dispute.sync(&[]).stdin("1\n1\n").ok();
        assert!(asked.stdout.contains("title: Task 1 → local Edited, remote Theirs"), "{asked}");
        assert_eq!(dispute.both("DEV-1", "title"), ("Edited".into(), "Edited".into()));
        dispute.assert_settled();
    }
    let dispute = with_editor("echo 'title: Edited' > \"$1\"");
    dispute.sync(&[]).stdin("3\n").ok();
    let listed = dispute.alice.anyt(&["sync", "restore", "--list"]).ok();
    assert!(!listed.stdout.contains("edited"), "what was used is not offered again\n{listed}");
}

#[test]
fn the_editor_sees_no_token_and_a_private_file() {
    let dispute = with_editor("env > seen; stat -c %a \"$1\" \"$(dirname \"$1\")\" >> seen; exit 1");
    dispute.sync(&[]).stdin("3\ns\n").code(3);
    let seen = dispute.alice.read("work/seen");
    assert!(!seen.contains(common::ALICE) && !seen.contains("ANYT_AUTH_TOKEN"), "{seen}");
    assert!(seen.ends_with("600\n700\n"), "{seen}");
}

// SIGINT.

/// After an interruption everything is as before, and the next sync goes through.
#[track_caller]
fn assert_unharmed(dispute: &Dispute, before: &str) {
    assert_eq!(dispute.cache(), before);
    assert_eq!(dispute.served("DEV-1").text("title"), "Theirs");
    assert_tidy(dispute);
    dispute.sync(&[]).stdin("1\n").ok();
    assert_eq!(dispute.both("DEV-1", "title"), ("Mine".into(), "Mine".into()));
    dispute.assert_settled();
}

#[test]
fn ctrl_c_at_the_prompt() {
    let dispute = Dispute::over_a_title();
    let before = dispute.cache();
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
    terminal.expect("Choice [1-3]: ").send("\x03");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(130), true), "{}", session.screen);
    assert_unharmed(&dispute, &before);
}

/// Who interrupts a question is told what became of what they had asked for, and what to type next.
#[test]
fn ctrl_c_at_any_question_says_what_was_kept() {
    let dispute = Dispute::over_a_title();
    let before = dispute.cache();
    for (args, question, said) in [
        (&["sync"][..], "Choice [1-3]: ", "nothing was changed; what is queued stays: anyt sync"),
        (&["sync", "--force"], "Continue? [y/N]: ", "nothing was changed; what is queued stays: anyt sync"),
        (&["task", "rm", "DEV-2"], "Delete DEV-2 'Task 2'? [y/N]: ", "nothing was changed"),
        (&["sync", "queue", "drop", "--all"], "[y/N]: ", "nothing was changed"),
        (&["auth", "login"], "Token: ", "nothing was changed"),
    ] {
        let mut terminal = Terminal::anyt(&dispute.alice, args);
        terminal.expect(question).send("\x03").expect(&format!("\r\nanyt: interrupted ({said})\r\n"));
        let session = terminal.end();
        assert_eq!((session.exit, session.restored), (Exit::Code(130), true), "{}", session.screen);
    }
    assert_unharmed(&dispute, &before);
    dispute.over_titles(&[2]);
    dispute.sync(&["--no-input"]).code(3);
    for keys in ["\x03", "q\r"] {
        let mut terminal = Terminal::anyt(&dispute.alice, &["sync", "resolve"]);
        let said = "interrupted (nothing was changed; the conflicts wait: anyt sync resolve)";
        terminal.expect("Choice [1-3]: ").send(keys).expect(said);
        assert_eq!(terminal.end().exit, Exit::Code(130));
    }
    assert_eq!(dispute.inbox(), ["DEV-2"]);
}

/// A question of one task ends the whole command; what was sent before it stays sent, and is said.
#[test]
fn ctrl_c_at_a_question_of_one_of_several_tasks() {
    let dispute = Dispute::about(3);
    dispute.theirs("DEV-2", r#"{"title":"Theirs"}"#);
    let mut terminal =
        Terminal::anyt(&dispute.alice, &["task", "update", "DEV-1", "DEV-2", "DEV-3", "--title", "Mine"]);
    terminal.expect("Choice [1-3]: ").send("\x03");
    terminal.expect("Updated DEV-1").expect("anyt: interrupted (DEV-2 stays as it was)");
    assert_eq!(terminal.end().exit, Exit::Code(130));
    let titles = ["DEV-1", "DEV-2", "DEV-3"].map(|name| dispute.served(name).text("title").to_string());
    assert_eq!(titles, ["Mine", "Theirs", "Task 3"]);
    assert_eq!(dispute.alice.pending(), 0);
}

#[test]
fn sigint_while_a_pipe_is_awaited() {
    let dispute = Dispute::over_a_title();
    let before = dispute.cache();
    let syncing = dispute.sync(&[]).stdin_silent().spawn();
    wait_until("the question is asked", Duration::from_secs(30), || syncing.stdout_so_far().contains("Choice [1-3]:"));
    syncing.interrupt();
    syncing.wait(TIMEOUT).code(130);
    assert_unharmed(&dispute, &before);
}

/// Ctrl-C belongs to the editor. One that dies of it leads back to the question, where Ctrl-C ends the sync; a terminal
/// that the editor left raw is put right.
#[test]
fn ctrl_c_in_the_editor() {
    let dispute = with_editor("stty -echo -icanon; echo editing; exec sleep 60");
    let before = dispute.cache();
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
    terminal.expect("Choice [1-3]: ").send("3\r");
    terminal.expect("editing").send("\x03");
    terminal.expect("Not edited: the editor was ended by signal 2").expect("Choice [1-3]: ").send("\x03");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(130), true), "{}", session.screen);
    assert_unharmed(&dispute, &before);
}

/// An editor that uses Ctrl-C itself goes on, and so does the sync.
#[test]
fn ctrl_c_that_the_editor_handles() {
    let dispute =
        with_editor("trap 'echo \"title: Edited\" > \"$1\"; exit 0' INT\necho editing\nwhile :; do sleep 1; done\n");
    let mut terminal = Terminal::anyt(&dispute.alice, &["sync"]);
    terminal.expect("Choice [1-3]: ").send("3\r");
    terminal.expect("editing").send("\x03");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(0), true), "{}", session.screen);
    assert_eq!(dispute.served("DEV-1").text("title"), "Edited");
    dispute.assert_settled();
}

/// SIGTERM that is meant for anyt alone: the editor ends too, what it wrote is kept, nothing else is left behind.
#[test]
fn sigterm_while_an_editor_runs() {
    for editor in ["sh", "nice -n 1 sh"] {
        let dispute = Dispute::over_a_title();
        let before = dispute.cache();
        let script = "trap 'echo ended > ended; exit 0' TERM\necho 'title: Half' > \"$1\"\necho > began\nwhile :; do sleep 0.1; done\n";
        let path = dispute.alice.write("work/editor", script);
        dispute.alice.set_env("VISUAL", &format!("{editor} {}", path.display()));
        let syncing = dispute.sync(&[]).stdin("3\n1\n").spawn();
        let there = |name: &str| dispute.alice.path(&format!("work/{name}")).exists();
        wait_until("the editor is there", Duration::from_secs(30), || there("began"));
        syncing.terminate();
        let run = syncing.wait(TIMEOUT);
        assert_eq!(run.exit, Exit::Signal(15), "{run}");
        assert!(there("ended"), "{run}");
        assert_eq!(drafts(&dispute), ["title: Half\n"], "{run}");
        std::fs::remove_file(dispute.alice.path("work/editor")).expect("our own file");
        assert_unharmed(&dispute, &before);
    }
}

/// A request of the pull, and one of the push that the server has not seen and has seen.
#[test]
fn sigint_during_a_request() {
    for (when, pulling, seen_by_server) in [
        (When::ending("GET", "/tasks"), true, false),
        (When::first("PATCH", ""), false, false),
        (When::first("PATCH", "").after(0), false, true),
    ] {
        let dispute = Dispute::over_a_title();
        let before = dispute.cache();
        let gate = Gate::new();
        let stall = if seen_by_server { What::StallReply(gate.clone()) } else { What::StallRequest(gate.clone()) };
        dispute.proxy.fault(when, stall);
        let syncing = dispute.sync(&["--resolve", "local"]).spawn();
        gate.wait_for_somebody();
        syncing.interrupt();
        syncing.wait(TIMEOUT).code(130);
        if pulling {
            assert_eq!(dispute.cache(), before);
        }
        assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Mine", "seen by the server: {seen_by_server}");
        assert_eq!(dispute.alice.pending(), 1);
        dispute.proxy.reset();
        // A request that was let through the gate may arrive only now; what was decided stands either way.
        dispute.sync(&["--resolve", "local"]).ok();
        assert_eq!(dispute.both("DEV-1", "title"), ("Mine".into(), "Mine".into()));
        dispute.assert_settled();
    }
}
