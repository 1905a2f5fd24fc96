//! What a terminal shows, to the byte: lists, a task, help and the question of a conflict on 40, 80 and 200 columns, in
//! UTF-8 and in C, with colours and without. The files are tests/golden/; `GOLDEN_WRITE=1` writes them.

use crate::common::pty::Terminal;
use crate::common::{Dispute, Exit};
use std::path::{Path, PathBuf};

/// A name for the file, what is run, and the answer to its question.
const SCENES: &[(&str, &[&str], &str)] = &[
    ("task-list", &["task", "list", "--sort", "identifier"], ""),
    ("task-show", &["task", "show", "2"], ""),
    ("help", &["task", "list", "--help"], ""),
    ("conflict", &["sync"], "q\r"),
];

/// Three tasks with all that makes a screen narrow, and a conflict.
fn scene() -> Dispute {
    let dispute = Dispute::about(3);
    let long = "A title that is longer than forty columns are wide, and that has Ümlaut";
    dispute.theirs(
        "DEV-2",
        &format!(r#"{{"title":"{long}","status":"active","owner_id":"alice","labels":["one","two"]}}"#),
    );
    dispute.theirs("DEV-2", r##"{"description":"# Heading\n\nText that goes on for longer than a line of eighty columns, so that it has to be wrapped somewhere.\n\n    code"}"##);
    dispute.alice.anyt(&["task", "dep", "add", "3", "--on", "2"]).ok();
    dispute.alice.anyt(&["sync"]).ok();
    dispute.mine("DEV-1", &["--title", "Mine, which is a title of more than twenty-four columns"]);
    dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
    dispute
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Times differ from run to run.
fn timeless(screen: &str) -> String {
    let mut text = String::new();
    for line in screen.replace("\r\n", "\n").split_inclusive('\n') {
        match line.split_once(" (20") {
            Some((before, _)) => text += &format!("{before} (TIME)\n"),
            None => text += line,
        }
    }
    text.replace('\u{1b}', "^[")
}

#[test]
fn screens_are_as_they_were() {
    let dispute = scene();
    let alice = &dispute.alice;
    alice.set_env("ANYT_PAGER", "");
    alice.set_env("TZ", "UTC");
    let mut differing = Vec::new();
    for (name, args, answer) in SCENES {
        for columns in [40, 80, 200] {
            for (locale, colour) in [("C.UTF-8", "always"), ("C.UTF-8", "never"), ("C", "never")] {
                alice.set_env("LANG", locale);
                let words = [&[env!("CARGO_BIN_EXE_anyt"), "--color", colour], *args].concat();
                let mut terminal = Terminal::wide(alice, columns, &words);
                if !answer.is_empty() {
                    terminal.expect("Choice [1-3]: ").send(answer);
                }
                let session = terminal.end();
                assert!(matches!(session.exit, Exit::Code(0 | 130)), "{}", session.screen);
                let file = folder().join(format!("{name}-{columns}-{locale}-{colour}.txt"));
                let shown = timeless(&session.screen);
                if std::env::var_os("GOLDEN_WRITE").is_some() {
                    std::fs::create_dir_all(folder()).expect("a folder");
                    std::fs::write(&file, &shown).expect("a file");
                }
                if std::fs::read_to_string(&file).unwrap_or_default() != shown {
                    differing.push(format!("{}\n{shown}", file.display()));
                }
                // A word that is longer, a command line and a terminal's own lines aside, all fits.
                let cut = |line: &str| line.replace("^[[1m", "").replace("^[[0m", "").chars().count();
                let fits = *name != "task-list" || shown.lines().all(|line| cut(line) <= usize::from(columns) + 14);
                assert!(fits, "{columns}\n{shown}");
            }
        }
    }
    assert!(differing.is_empty(), "differ:\n{}", differing.join("\n"));
}
