//! Nothing is destroyed unasked: every command of the table that destroys asks at a terminal, and where nobody can answer
//! it refuses and names the flag that answers in advance.

use crate::common::Dispute;
use crate::common::pty::Terminal;
use crate::common::{Exit, Sandbox};
use anyt::cli::{self, Command};

/// The commands that destroy, with what they are tried with here. One that is new in the table needs a line.
const SCENES: &[(&[&str], &[&str])] = &[
    (&["task", "rm"], &["DEV-1"]),
    (&["task", "rm"], &[]),
    (&["task", "rm"], &["DEV-1", "DEV-2", "--offline"]),
    (&["task", "rm"], &["DEV-1", "--json"]),
    (&["task", "rm"], &["--where", "status=backlog", "--offline"]),
    (&["task", "update"], &["--where", "status=backlog", "-p", "1"]),
    (&["task", "edit"], &["--where", "status=backlog,search=Task", "--title", "Same", "--json"]),
    (&["task", "done"], &["--where", "status=backlog"]),
    (&["comment", "rm"], &["DEV-1", "1"]),
    (&["label", "rm"], &["ours"]),
    (&["project", "rm"], &["Ours"]),
    (&["env", "remove"], &["dev"]),
    (&["env", "add"], &["dev", "http://127.0.0.1:1"]),
    (&["sync", "queue", "drop"], &["--all"]),
    (&["sync"], &["--force"]),
    (&["undo"], &["1"]),
];

/// Words that destroy. These commands with such a name destroy nothing that is anywhere else: a link can be made again, a
/// token is still known to the server.
const WORDS: &[&str] = &["rm", "remove", "delete", "drop", "clear", "purge", "logout"];
const HARMLESS: &[&str] = &["task dep rm", "auth logout"];

fn below(path: &[&'static str], command: &'static Command, found: &mut Vec<(Vec<&'static str>, &'static Command)>) {
    for sub in command.subcommands {
        let path = [path, &[sub.name]].concat();
        below(&path, sub, found);
        found.push((path, sub));
    }
}

/// What earlier versions took as the answer in advance is still one.
#[test]
fn the_older_words_for_yes_are_taken() {
    let dispute = Dispute::about(2);
    for yes in ["-y", "--yes", "-f", "--force"] {
        dispute.mine("DEV-2", &["--priority", "2"]);
        dispute.alice.anyt(&["sync", "queue", "drop", "--all", yes]).ok();
    }
    assert_eq!(dispute.alice.pending(), 0);
    dispute.alice.anyt(&["task", "rm", "DEV-1", "-y"]).ok();
}

#[test]
fn every_command_that_destroys_says_so_in_the_table_and_is_tried_here() {
    let mut commands = Vec::new();
    below(&[], &cli::ROOT, &mut commands);
    for (path, command) in commands {
        let name = path.join(" ");
        let destroys = !command.destroys.is_empty();
        assert!(!destroys || command.flag(command.destroys).is_some(), "'{name}' has no --{}", command.destroys);
        assert!(!destroys || SCENES.iter().any(|(scene, _)| *scene == path), "'{name}' is not tried here");
        let force = command.flags.iter().any(|flag| flag.long == "force");
        let named = command.names().any(|word| WORDS.contains(&word)) && !HARMLESS.contains(&name.as_str());
        assert_eq!(destroys, force || named, "'{name}': does it destroy?");
    }
}

/// Two tasks on the server and here, the first one picked, one made by us, and one change that waits.
fn scene() -> Dispute {
    let dispute = Dispute::about(2);
    dispute.alice.anyt(&["task", "create", "Ours"]).ok();
    dispute.alice.anyt(&["comment", "add", "DEV-1", "-m", "Ours"]).ok();
    dispute.alice.anyt(&["label", "create", "ours"]).ok();
    dispute.alice.anyt(&["project", "create", "Ours"]).ok();
    dispute.alice.anyt(&["task", "pick", "DEV-1"]).ok();
    dispute.mine("DEV-2", &["--priority", "2"]);
    dispute
}

/// All that a person has: files that are no database, tasks, what waits, and the server's tasks.
fn holdings(dispute: &Dispute) -> (Vec<String>, String) {
    let sandbox: &Sandbox = &dispute.alice;
    let files = ["config/anyt/config.json", "state/anyt/dev/queue.jsonl", "work/.anyt/active_task.json"];
    let files = files.iter().map(|file| std::fs::read_to_string(sandbox.path(file)).unwrap_or_default()).collect();
    let list = |args: &[&str]| sandbox.anyt(args).run().stdout;
    let served: Vec<String> = dispute.bob().all_tasks().iter().map(crate::common::json::to_string).collect();
    let seen = [
        list(&["task", "list", "--all", "--json"]),
        list(&["sync", "queue", "--json"]),
        list(&["env", "list"]),
        list(&["comment", "list", "DEV-1"]),
        list(&["label", "list"]),
        list(&["project", "list"]),
        served.join("\n"),
    ];
    (files, seen.join("\n"))
}

#[test]
fn where_nobody_can_answer_nothing_is_destroyed() {
    for (path, args) in SCENES {
        let dispute = scene();
        let before = holdings(&dispute);
        let words = [*path, *args].concat();
        let flag = cli::ROOT.subcommands.iter().find(|command| command.name == path[0]);
        let flag =
            path[1..].iter().fold(flag, |command, word| command?.subcommand(word)).expect("it is there").destroys;
        let flag = format!("--{flag}");
        let run = |more: &[&str]| dispute.alice.anyt(&[&words[..], more].concat());
        for no in [
            run(&[]),
            run(&[]).stdin("n\n"),
            run(&[]).stdin("\n"),
            run(&[]).stdin("perhaps"),
            run(&[]).stdin_closed(),
            run(&["--no-input"]).stdin("y\n"),
        ] {
            let refused = no.code(1);
            assert!(refused.stderr.contains(&flag), "{refused}");
            assert!(refused.stderr_lines().len() == 1, "{refused}");
            assert_eq!(holdings(&dispute), before, "{refused}");
        }
        // A pipe that says yes answers only what the specification pipes an answer into.
        if *path != ["sync"] {
            for stdin in [run(&[]).stdin("y\n"), run(&[]).stdin_endless("y"), run(&[]).stdin_silent()] {
                let refused = stdin.code(1);
                assert!(refused.stderr.contains(&flag), "{refused}");
                assert_eq!(holdings(&dispute), before, "{refused}");
            }
        }
        let done = run(&[&flag, "--no-input"]).ok();
        assert_ne!(holdings(&dispute), before, "{done}");
    }
}

#[test]
fn at_a_terminal_only_a_yes_destroys() {
    for (path, args) in SCENES {
        let words = [*path, *args].concat();
        let dispute = scene();
        let before = holdings(&dispute);
        for (keys, exit) in [("n\r", 1), ("\r", 1), ("\x04", 1), ("\x03", 130)] {
            let mut terminal = Terminal::anyt(&dispute.alice, &words);
            terminal.expect("? [y/N]: ").send(keys);
            let session = terminal.end();
            assert_eq!(session.exit, Exit::Code(exit), "{words:?} {keys:?}\n{}", session.screen);
            assert_eq!(holdings(&dispute), before, "{words:?} {keys:?}\n{}", session.screen);
        }
        let mut terminal = Terminal::anyt(&dispute.alice, &words);
        terminal.expect("? [y/N]: ").send("y\r");
        let session = terminal.end();
        assert_eq!(session.exit, Exit::Code(0), "{words:?}\n{}", session.screen);
        assert_ne!(holdings(&dispute), before, "{words:?}\n{}", session.screen);
    }
}
