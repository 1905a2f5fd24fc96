//! What is written about the command line: the table is consistent, help texts fit a terminal, and the committed man
//! pages and completions are those the binary generates and work where they are read.

use crate::common::skip::skip;
use anyt::cli::{self, Command, Flag, Id};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output, Stdio};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs anyt without HOME or anything else of the tester's environment: documents need none of it.
fn anyt(args: &[&str]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_anyt")).args(args).env_clear().output().expect("anyt runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Every command, hidden ones too, with its path below anyt.
fn commands() -> Vec<(Vec<&'static str>, &'static Command)> {
    let mut found: Vec<(Vec<&str>, &Command)> = vec![(vec![], &cli::ROOT)];
    let mut next = 0;
    while let Some((path, command)) = found.get(next).cloned() {
        found.extend(command.subcommands.iter().map(|sub| ([&path[..], &[sub.name]].concat(), sub)));
        next += 1;
    }
    found
}

/// The program a test needs, or a line that says that it is missing and what is not tested for that.
fn present(program: &str, purpose: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    if !found {
        skip(&format!("{purpose}, because there is no {program} here"));
    }
    found
}

fn files_below(root: &Path, folders: &[&str]) -> BTreeMap<PathBuf, String> {
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| (path.strip_prefix(root).expect("below").into(), std::fs::read_to_string(&path).expect("text")))
        .collect()
}

#[test]
fn committed_documents_are_the_generated_ones() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("docs-{}", std::process::id()));
    let output = anyt(&["generate", folder.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let generated = files_below(&folder, &["man", "completions"]);
    std::fs::remove_dir_all(&folder).expect("removed");
    let mut committed = files_below(repository(), &["man", "completions"]);
    // Those of the server have tests of their own, tests/server/packaging.rs.
    committed.retain(|path, _| !path.to_string_lossy().contains("anyt-server"));
    assert_eq!(committed.keys().collect::<Vec<_>>(), generated.keys().collect::<Vec<_>>(), "run make docs");
    for (path, text) in &generated {
        assert!(committed[path] == *text, "{} is out of date: run make docs", path.display());
    }
}

#[test]
fn the_table_contradicts_itself_nowhere() {
    let mut ids: Vec<Id> = Vec::new();
    for (path, command) in commands() {
        let name = path.join(" ");
        assert!(!command.summary.is_empty() && !command.summary.ends_with('.'), "summary of '{name}'");
        assert!(command.id.is_some() || !command.subcommands.is_empty(), "'{name}' can be run or holds others");
        assert!(command.arguments.is_empty() || command.subcommands.is_empty(), "'{name}' takes arguments or commands");
        if let Some(id) = command.id {
            assert!(!ids.contains(&id), "{id:?} is used twice");
            ids.push(id);
        }
        let words: Vec<&str> = command.subcommands.iter().flat_map(Command::names).collect();
        assert_unique(&words, &name);
        assert_arguments(command, &name);
        let flags: Vec<&Flag> = command.flags.iter().chain(cli::GLOBAL).collect();
        assert_unique(&flags.iter().map(|flag| flag.long).collect::<Vec<_>>(), &name);
        assert_unique(&flags.iter().filter_map(|flag| flag.short).collect::<Vec<_>>(), &name);
        for flag in flags {
            assert_flag(flag, command, &name);
        }
    }
}

fn assert_unique<T: PartialEq + std::fmt::Debug>(names: &[T], place: &str) {
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name), "{name:?} is there twice in '{place}'");
    }
}

/// Only the last argument may take all words, and none may be needed after one that is not.
fn assert_arguments(command: &Command, name: &str) {
    for pair in command.arguments.windows(2) {
        assert!(!pair[0].many, "{} of '{name}' swallows {}", pair[0].name, pair[1].name);
        assert!(pair[0].needed == cli::Needed::Yes || pair[1].needed != cli::Needed::Yes, "arguments of '{name}'");
    }
    for argument in command.arguments {
        assert!(!argument.name.is_empty() && !argument.help.is_empty(), "an argument of '{name}'");
        let unless = if let cli::Needed::Unless(flag) = argument.needed { Some(flag) } else { None };
        for flag in argument.not_with.iter().copied().chain(unless) {
            assert!(command.flag(flag).is_some(), "{} of '{name}' names --{flag}", argument.name);
        }
    }
}

fn assert_flag(flag: &Flag, command: &Command, name: &str) {
    let place = format!("--{} of '{name}'", flag.long);
    assert!(flag.long.len() > 1 && flag.long.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{place}: its name");
    assert!(!flag.help.is_empty() && !flag.help.ends_with('.'), "{place}: its help");
    assert_eq!(flag.is_switch(), flag.value.is_empty(), "{place}: a value has a name and a switch has none");
    if let Some(default) = flag.default {
        assert_eq!(flag.accepts.check(default), Ok(default.to_string()), "{place}: its default");
    }
    for other in flag.not_with {
        assert!(command.flag(other).is_some(), "{place}: contradicts --{other}, which is not there");
    }
}

#[test]
fn every_example_can_be_parsed() {
    for (path, command) in commands() {
        for line in command.examples.iter().flat_map(|example| split_commands(example.line)) {
            let words = line.into_iter().map(std::ffi::OsString::from);
            let parsed = cli::parse(words).unwrap_or_else(|error| panic!("example of '{}': {error}", path.join(" ")));
            assert_ne!(parsed.id(), Id::Usage, "an example of '{}'", path.join(" "));
        }
    }
}

/// The calls of anyt in a line of shell, as their words without `anyt`; quotes and redirections as examples use them.
fn split_commands(line: &str) -> Vec<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(|word| word.replace(';', " ;"))),
            _ => words.push(part.to_string()),
        }
    }
    let words: Vec<&str> = words
        .iter()
        .flat_map(|word| match word.strip_suffix(" ;") {
            Some(word) => vec![word, ";"],
            None => vec![word.as_str()],
        })
        .collect();
    let calls = words.split(|word| ["&&", ";", "|"].contains(word)).filter(|call| call.first() == Some(&"anyt"));
    calls.map(|call| call[1..].iter().take_while(|word| **word != "<").map(|word| word.to_string()).collect()).collect()
}

#[test]
fn help_is_there_at_every_level_and_fits_a_terminal() {
    for (path, command) in commands() {
        let help = cli::help_text(&path, None).expect("a help text");
        for line in help.lines() {
            assert!(line.is_ascii() && line.len() <= 100 && line.trim_end() == line, "help of {path:?}: {line:?}");
        }
        assert_eq!(help.contains("\n      --json"), command.data, "--json in the help of {path:?}");
        if !command.hidden {
            let output = anyt(&[&path[..], &["--help"]].concat());
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), help.as_str()));
            assert_eq!(text(&anyt(&[&["help"], &path[..]].concat()).stdout), help);
        }
    }
}

#[test]
fn a_group_alone_explains_itself_on_stderr() {
    for args in [&[][..], &["task"], &["task", "dep"]] {
        let output = anyt(args);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
        assert_eq!(text(&output.stderr), cli::help_text(args, None).expect("a help text"));
    }
}

#[test]
fn every_group_has_examples() {
    for command in cli::ROOT.subcommands.iter().filter(|command| !command.subcommands.is_empty()) {
        assert!((2..=4).contains(&command.examples.len()), "examples of {}", command.name);
    }
}

#[test]
fn man_pages_have_their_sections_and_render_without_warnings() {
    let sections =
        ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"];
    let groff = present("groff", "rendering the man pages");
    for (path, page) in files_below(repository(), &["man"]) {
        for section in sections {
            assert!(page.contains(&format!("\n.SH \"{section}\"\n")), "{section} of {}", path.display());
        }
        if groff {
            let output = Process::new("groff").args(["-man", "-ww", "-Tascii"]).arg(repository().join(&path)).output();
            let output = output.expect("groff runs");
            assert_eq!(text(&output.stderr), "", "{}", path.display());
            assert!(output.status.success() && output.stdout.len() > 1000);
        }
    }
}

#[test]
fn completions_are_valid_scripts() {
    for (shell, file) in [("bash", "anyt.bash"), ("zsh", "_anyt"), ("fish", "anyt.fish")] {
        if present(shell, &format!("reading completions/{file}")) {
            let file = repository().join("completions").join(file);
            let output = Process::new(shell).arg("-n").arg(file).output().expect("the shell runs");
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{shell}");
        }
    }
}

/// What is typed, the last word being completed, and what is offered for it.
const COMPLETED: &[(&[&str], &[&str])] = &[
    (&["anyt", "task", "cr"], &["create"]),
    (&["anyt", "--env", "task", "ws", ""], &["create", "current", "list", "show", "switch", "use"]),
    (&["anyt", "sync", "que"], &["queue"]),
    (&["anyt", "sync", "queue", "d"], &["drop"]),
    (&["anyt", "task", "add", "--off"], &["--offline"]),
    (&["anyt", "task", "list", "--status", "a"], &["active", "archived"]),
    (&["anyt", "task", "ls", "--status", "done,b"], &["done,backlog", "done,blocked"]),
    (&["anyt", "sync", "--resolve", ""], &["local", "remote", "skip"]),
    (&["anyt", "--color", "n"], &["never"]),
    (&["anyt", "help", "task", "cr"], &["create"]),
    (&["anyt", "gen"], &[]),
];

#[test]
fn bash_completes() {
    if !present("bash", "completing in bash") {
        return;
    }
    let script = repository().join("completions/anyt.bash");
    let equals = [(&["anyt", "sync", "--resolve", "=", "r"][..], &["remote"][..])];
    for (words, expected) in COMPLETED.iter().copied().chain(equals) {
        // Sourced, then called as bash calls it when TAB is typed; `complete -p` says which function that is.
        let tab = "source \"$0\"; [[ $(complete -p anyt) == *'-F _anyt anyt' ]] || exit 9; \
            COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _anyt; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let output =
            Process::new("bash").args(["--norc", "-c", tab]).arg(&script).args(words).stdin(Stdio::null()).output();
        assert_offers(&output.expect("bash runs"), expected, words);
    }
}

#[test]
fn fish_completes() {
    if !present("fish", "completing in fish") {
        return;
    }
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fish");
    std::fs::create_dir_all(&home).expect("a home");
    for (words, expected) in COMPLETED {
        let line = words.join(" ");
        let tab = "source $argv[1]; complete -C $argv[2] | string replace -r '\\t.*' ''";
        let script = repository().join("completions/anyt.fish");
        let output = Process::new("fish").args(["-N", "-c", tab]).arg(script).arg(line).env("HOME", &home).output();
        assert_offers(&output.expect("fish runs"), expected, words);
    }
}

fn assert_offers(output: &Output, expected: &[&str], words: &[&str]) {
    let mut offers: Vec<&str> = text(&output.stdout).lines().filter(|line| !line.is_empty()).collect();
    offers.sort_unstable();
    assert_eq!((text(&output.stderr), offers.as_slice()), ("", expected), "{words:?}");
}
