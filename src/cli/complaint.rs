//! What is wrong with a command line, in one line that names what was typed, and a hint: the nearest thing that exists
//! or where to read on. `path` is always the commands read so far, from the root on.

use super::command::Command;
use super::help::usage_line;
use super::nearest::nearest;
use super::table::GLOBAL;
use super::tree::{everything, full_name};
use crate::error::Error;

fn last<'a>(path: &[&'a Command]) -> &'a Command {
    path[path.len() - 1]
}

/// Where to read on.
pub fn see(path: &[&Command]) -> String {
    format!("see: {} --help", full_name(path))
}

pub fn takes_no_value(path: &[&Command], option: &str) -> Error {
    Error::usage(format!("{option} of '{}' takes no value", full_name(path))).hint(see(path))
}

pub fn missing(path: &[&Command], what: &str) -> Error {
    let hint = format!("usage: {}", usage_line(path));
    Error::usage(format!("missing {what} for '{}'", full_name(path))).hint(hint)
}

pub fn unexpected(path: &[&Command], word: &str) -> Error {
    let name = full_name(path);
    let command = last(path);
    if let (true, Some(refused)) = (command.secretive, command.refused.first()) {
        return Error::usage(format!("unexpected argument for '{name}': {}", refused.because)).hint(refused.instead);
    }
    let quote = match command.arguments.last() {
        None => "",
        // A name: what comes too much is no rest of a text.
        Some(one) if !one.completes.is_empty() => &format!("it takes one {}, run it for each; ", one.name),
        Some(_) => "quote text that has spaces in it; ",
    };
    Error::usage(format!("unexpected argument '{}' for '{name}'", shown(word))).hint(format!("{quote}{}", see(path)))
}

/// `spelling` comes with its dashes and without a value, which may be a secret.
pub fn unknown_flag(path: &[&Command], spelling: &str) -> Error {
    let name = full_name(path);
    let long = spelling.trim_start_matches('-');
    let command = last(path);
    if let Some(refused) = command.refused.iter().find(|refused| spelling == format!("--{}", refused.long)) {
        return Error::usage(format!("there is no {spelling}: {}", refused.because)).hint(refused.instead);
    }
    let error = Error::usage(format!("unknown flag {} for '{name}'", shown(spelling)));
    let known = command.flags.iter().chain(GLOBAL).map(|flag| flag.long);
    match nearest(long, known).filter(|_| spelling.starts_with("--")) {
        Some(near) => error.hint(format!("did you mean --{near}? {}", see(path))),
        None if command.id.is_none() && is_known_below(command, long) => {
            error.hint(format!("flags come after the command; {}", see(path)))
        }
        // A title or a message may begin with a dash.
        None => match command.arguments.first().filter(|argument| argument.completes.is_empty()) {
            Some(argument) => error.hint(format!(
                "if it is the {}: {name} -- '{}'; {}",
                argument.name.to_lowercase(),
                shown(spelling),
                see(path)
            )),
            None => error.hint(see(path)),
        },
    }
}

fn is_known_below(command: &Command, long: &str) -> bool {
    command
        .subcommands
        .iter()
        .any(|sub| sub.flags.iter().any(|flag| flag.answers_to(long)) || is_known_below(sub, long))
}

/// What other tools call it, and what it is here.
const HABITS: &[(&str, &str)] = &[
    ("add", "anyt task create"),
    ("new", "anyt task create"),
    ("ls", "anyt task list"),
    ("list", "anyt task list"),
    ("search", "anyt task list --search"),
    ("find", "anyt task list --search"),
    ("close", "anyt task done"),
    ("push", "anyt sync --push"),
    ("pull", "anyt sync --pull"),
    ("fetch", "anyt sync --pull"),
    ("commit", "anyt sync"),
];

/// `path` is where the word was looked for. What habit means is suggested first, then its neighbours, then the same word
/// elsewhere.
pub fn unknown_command(path: &[&'static Command], word: &str) -> Error {
    let name = full_name(path);
    let command = last(path);
    let names = command.shown().flat_map(Command::names);
    let message = match path {
        [_] => format!("unknown command '{}'", shown(word)),
        _ if command.subcommands.is_empty() => format!("'{name}' has no command '{}'", shown(word)),
        _ => format!("unknown command '{}' for '{name}'", shown(word)),
    };
    let elsewhere: Vec<String> = everything()
        .iter()
        .filter(|path| path.len() > 2 && path[path.len() - 1].answers_to(word))
        .map(|path| full_name(path))
        .take(4)
        .collect();
    let habit = HABITS.iter().find(|(typed, line)| *typed == word && line.starts_with(&name));
    let suggestion = match habit.map(|(_, line)| *line).or_else(|| nearest(word, names)) {
        Some(near) => format!("did you mean {near}? "),
        None if path.len() == 1 && !elsewhere.is_empty() => format!("did you mean {}? ", elsewhere.join(", ")),
        None => String::new(),
    };
    Error::usage(message).hint(format!("{suggestion}see: {name} --help"))
}

/// A typed word as it may stand in a one-line message: control characters escaped, cut off at 60 characters.
pub fn shown(word: &str) -> String {
    let plain = |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() };
    let mut text: String = word.chars().take(60).map(plain).collect();
    if word.chars().nth(60).is_some() {
        text.push_str("...");
    }
    text
}
