//! The whole surface: every command of the table is explained, documented, completed and answers in JSON; every exit code and
//! every error code of docs/json.md comes out of a run.

use crate::common::faults::{What, When};
use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::{Dispute, Exit, Run};
use anyt::cli::{self, Command};
use std::collections::BTreeSet;

fn below(path: &[&'static str], command: &'static Command, found: &mut Vec<(Vec<&'static str>, &'static Command)>) {
    for sub in command.shown() {
        let path = [path, &[sub.name]].concat();
        below(&path, sub, found);
        if sub.id.is_some() {
            found.push((path, sub));
        }
    }
}

fn commands() -> Vec<(Vec<&'static str>, &'static Command)> {
    let mut found = Vec::new();
    below(&[], &cli::ROOT, &mut found);
    found
}

#[test]
fn every_command_is_explained_documented_and_completed() {
    let person = crate::common::Sandbox::new();
    let print = |args: &[&str]| person.anyt(args).ok().stdout;
    let completions = [print(&["completion", "bash"]), print(&["completion", "zsh"]), print(&["completion", "fish"])];
    for (path, command) in commands() {
        let name = path.join(" ");
        let help = print(&[&["help"], &path[..]].concat());
        assert!(help.starts_with(command.summary) && help.contains(&format!("Usage: anyt {name}")), "{help}");
        assert_eq!(print(&[&path[..], &["--help"]].concat()), help, "{name}");
        let is_group = !cli::ROOT.subcommand(path[0]).expect("it is there").subcommands.is_empty();
        let page = if is_group { print(&["man", path[0]]) } else { print(&["man"]) };
        let section = page.replace("\\-", "-");
        assert!(section.contains(&format!("anyt {name}")), "'{name}' has no section in its man page");
        for (script, shell) in completions.iter().zip(["bash", "zsh", "fish"]) {
            let last = path.last().expect("a command has a name");
            assert!(script.contains(last), "{shell} does not complete '{name}'");
            for flag in command.flags {
                assert!(script.contains(flag.long), "{shell} does not complete --{} of '{name}'", flag.long);
            }
        }
    }
}

/// What a command is called with here, where it needs something.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("task create", &["Made"]),
    ("task update", &["1", "-p", "1"]),
    ("task edit", &["1", "-F", "task.md"]),
    ("task show", &["1"]),
    ("task done", &["2"]),
    ("task note", &["1", "-m", "Noted"]),
    ("task rm", &["3", "--force"]),
    ("task dep add", &["1", "--on", "2"]),
    ("task dep rm", &["1", "--on", "2"]),
    ("task dep list", &["1"]),
    ("task pick", &["1"]),
    ("comment add", &["1", "-m", "Said"]),
    ("comment list", &["1"]),
    ("comment edit", &["1", "1", "-m", "Written"]),
    ("comment rm", &["1", "1", "--force"]),
    ("label create", &["ours"]),
    ("label update", &["ours", "--name", "yours"]),
    ("label rm", &["ours", "--force"]),
    ("project create", &["Ours"]),
    ("workspace use", &["DEV"]),
    ("workspace switch", &["DEV"]),
    ("project use", &["1"]),
    ("env add", &["other", "http://127.0.0.1:9"]),
    ("env switch", &["dev"]),
    ("env remove", &["other", "--force"]),
    ("config get", &["sync.merge"]),
    ("config set", &["sync.merge", "true"]),
    ("config unset", &["sync.merge"]),
    ("sync queue drop", &["--all", "--force"]),
    ("sync queue retry", &["--all"]),
];
/// They print texts.
const TEXTS: &[&str] = &["help", "version", "man", "completion"];

#[test]
fn every_command_answers_in_one_json_document() {
    let dispute = Dispute::about(3);
    dispute.alice.write("work/task.md", "Text\n");
    for (path, _) in commands() {
        let name = path.join(" ");
        if TEXTS.contains(&name.as_str()) {
            continue;
        }
        let given = ARGUMENTS.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, given)| given);
        let run = dispute.alice.anyt(&[&path[..], given, &["--json", "--no-input"]].concat()).run();
        let document = run.json();
        let is_success = json::to_string(document.at("success"));
        assert_eq!(is_success, (run.exit == Exit::Code(0)).to_string(), "{run}");
        assert_eq!(run.stdout.lines().count(), 1, "{run}");
        if let items @ Value::Array(_) = document.at("data.items") {
            let Value::Array(items) = items else { unreachable!("it is one") };
            assert_eq!(document.int("data.count"), items.len() as i64, "{run}");
        }
        let wrong = dispute.alice.anyt(&[&path[..], &["--json", "--no-such-flag"]].concat()).code(2);
        assert_eq!(wrong.json().text("error.code"), "usage", "{wrong}");
    }
    let group = dispute.alice.anyt(&["task", "--json"]).code(2);
    assert_eq!(group.json().text("error.code"), "usage", "{group}");
}

/// The runs that bring out each code: exit code and code.
fn produced() -> Vec<(u8, String, Run)> {
    let mut all = Vec::new();
    let mut keep = |run: Run| {
        let Exit::Code(exit) = run.exit else { panic!("{run}") };
        let code = if exit == 0 { String::new() } else { run.json().text("error.code").to_string() };
        all.push((u8::try_from(exit).expect("an exit code"), code, run));
    };
    let dispute = Dispute::over_a_title();
    let anyt = |args: &[&str]| dispute.alice.anyt(&[args, &["--json"]].concat());
    keep(anyt(&["task", "list"]).run());
    keep(anyt(&["task", "create"]).run());
    keep(anyt(&["task", "show", "99"]).run());
    keep(anyt(&["task", "rm", "1"]).run());
    keep(anyt(&["task", "edit", "2", "-F", "missing.md"]).run());
    keep(anyt(&["sync", "status", "--max-pending", "0"]).run());
    keep(anyt(&["task", "list"]).env("ANYT_CONFIG_DIR", "work/none").env("ANYT_AUTH_TOKEN", "").run());
    keep(anyt(&["sync"]).env("ANYT_AUTH_TOKEN", "").run());
    keep(anyt(&["task", "update", "2", "-p", "1", "--if-match", "77"]).run());
    keep(anyt(&["sync"]).stdin("q\n").run());
    keep(anyt(&["sync", "--no-input"]).run());
    let path = dispute.alice.path("state/anyt/dev/sync.lock");
    let held = anyt::lock::LockFile::open(&path).and_then(|lock| lock.hold(std::time::Duration::ZERO)).expect("free");
    keep(anyt(&["sync"]).run());
    drop(held);
    let refuses = || What::status(422, &[]);
    dispute.proxy.fault(When::first("PATCH", "").always(), refuses());
    keep(anyt(&["task", "update", "2", "--title", "x"]).run());
    dispute.mine("DEV-2", &["--title", "y"]);
    dispute.sync(&["--resolve", "skip"]).run();
    dispute.alice.anyt(&["sync", "resolve", "--all", "--remote"]).ok();
    keep(anyt(&["sync"]).run());
    dispute.proxy.reset();
    dispute.alice.anyt(&["sync", "queue", "drop", "--all", "--force"]).ok();
    dispute.theirs("DEV-3", r#"{"title":"Broken"}"#);
    let list = format!("{}/tasks", dispute.bob().workspace());
    let broken = json::to_string(&dispute.bob().get(&list).1).replace(r#""title":"Broken""#, r#""titel":0"#);
    let answer = What::Answer(Message::reply(200, "application/json", broken));
    dispute.proxy.fault(When::ending("GET", "/tasks").times(1), answer);
    keep(anyt(&["sync", "--no-input"]).run());
    dispute.proxy.reset();
    dispute.proxy.fault(When::first("GET", "").always(), What::status(429, &[("Retry-After", "3600")]));
    keep(anyt(&["sync"]).run());
    let other = Dispute::about(1);
    other.proxy.go_down();
    keep(other.alice.anyt(&["sync", "--json"]).run());
    all
}

#[test]
fn every_exit_code_and_every_error_code_comes_out_of_a_run() {
    let produced = produced();
    let documented = include_str!("../../docs/json.md").lines().filter(|line| line.starts_with("| `"));
    let mut codes: BTreeSet<(u8, String)> = BTreeSet::new();
    for line in documented {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        for code in cells[1].split(", ") {
            for exit in cells[2].split(", ") {
                codes.insert((exit.parse().expect("an exit code"), code.trim_matches('`').to_string()));
            }
        }
    }
    for (exit, code) in &codes {
        let is_there = produced.iter().any(|one| one.0 == *exit && one.1 == *code);
        let seen: Vec<String> = produced.iter().map(|one| format!("{} {}: {}", one.0, one.1, one.2.command)).collect();
        assert!(is_there, "{exit} {code} is not produced\n{seen:#?}");
    }
    for (exit, code, run) in &produced {
        assert!(
            *exit == 0 || codes.contains(&(*exit, code.clone())),
            "docs/json.md does not have {exit} {code}\n{run}"
        );
    }
    let exits: BTreeSet<u8> = produced.iter().map(|one| one.0).collect();
    let known: BTreeSet<u8> = anyt_exit_codes().iter().map(|(code, _)| code.parse().expect("an exit code")).collect();
    assert_eq!(exits, known);
}

fn anyt_exit_codes() -> &'static [(&'static str, &'static str)] {
    cli::EXIT_CODES
}
