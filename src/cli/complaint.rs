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
    let known = command.flags.iter().chain(GLOBAL).flat_map(|flag| [flag.long, flag.alias]);
    let habits = || FLAG_HABITS.iter().filter(|(_, flag)| command.flag(flag).is_some());
    let near = nearest(long, known.chain(habits().map(|(typed, _)| *typed)));
    let near = near.map(|near| habits().find(|(typed, _)| *typed == near).map_or(near, |(_, flag)| flag));
    match near.filter(|_| spelling.starts_with("--")) {
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

/// What other tools call a flag, and what it is here.
const FLAG_HABITS: &[(&str, &str)] = &[("assignee", "owner"), ("state", "status"), ("body", "description")];

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
/// elsewhere, then what both mean by a word that is nearly the same.
pub fn unknown_command(path: &[&'static Command], word: &str) -> Error {
    let name = full_name(path);
    let command = last(path);
    let names = command.shown().flat_map(Command::names);
    let message = match path {
        [_] => format!("unknown command '{}'", shown(word)),
        _ if command.subcommands.is_empty() => format!("'{name}' has no command '{}'", shown(word)),
        _ => format!("unknown command '{}' for '{name}'", shown(word)),
    };
    let habits = || HABITS.iter().filter(|(_, line)| line.starts_with(&name));
    let habit = |word: &str| habits().find(|(typed, _)| *typed == word).map(|(_, line)| line.to_string());
    let below = everything().into_iter().filter(|found| path.len() == 1 && found.len() > 2);
    let below: Vec<_> = below.map(|path| (last(&path), full_name(&path))).collect();
    let elsewhere = |word: &str| {
        let same = below.iter().filter(|(command, _)| command.answers_to(word)).map(|(_, name)| name.as_str());
        Some(same.take(4).collect::<Vec<_>>().join(", ")).filter(|same| !same.is_empty())
    };
    let nearly = || {
        let words = habits().map(|(typed, _)| *typed).chain(below.iter().flat_map(|(command, _)| command.names()));
        nearest(word, words).and_then(|near| habit(near).or_else(|| elsewhere(near)))
    };
    let near = || nearest(word, names).map(str::to_string);
    let meant = habit(word).or_else(near).or_else(|| elsewhere(word)).or_else(nearly);
    let suggestion = meant.map_or_else(String::new, |meant| format!("did you mean {meant}? "));
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
