//! From words to an `Invocation`: lexopt splits them, the table says what they mean. Every error is one line that
//! names what was typed, and a hint with the nearest thing that exists. Nothing is read but the arguments.

use super::command::{Argument, Command, Flag, Id, Needed, everything, full_name, walk};
use super::invocation::Invocation;
use super::nearest::nearest;
use super::table::{GLOBAL, ROOT};
use crate::error::{Error, Result};
use lexopt::Arg;
use std::ffi::OsString;

/// Reads the words after the program's name (`std::env::args_os().skip(1)`). Errors are `Error::Usage`.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation> {
    let mut line = Line { words: lexopt::Parser::from_args(args), path: vec![&ROOT], flags: vec![], arguments: vec![] };
    while let Some(token) = line.next()? {
        match token {
            Token::Flag(flag, _) if flag.long == "help" => return line.help(),
            Token::Flag(flag, _) if flag.long == "version" => return Ok(line.invocation(Id::Version)),
            Token::Flag(flag, spelling) => {
                let value = line.value_of(flag, &spelling)?;
                line.flags.push((flag, value));
            }
            Token::Word(word) => line.word(word)?,
        }
    }
    line.finish()
}

/// A command line, half read.
struct Line {
    words: lexopt::Parser,
    path: Vec<&'static Command>,
    flags: Vec<(&'static Flag, Option<String>)>,
    arguments: Vec<String>,
}

enum Token {
    /// A flag and how it was spelled, `-d` or `--description`.
    Flag(&'static Flag, String),
    Word(String),
}

impl Line {
    fn command(&self) -> &'static Command {
        self.path[self.path.len() - 1]
    }

    fn next(&mut self) -> Result<Option<Token>> {
        let command = self.command();
        let token = match self.words.next() {
            Ok(None) => return Ok(None),
            Ok(Some(Arg::Value(word))) => return Ok(Some(Token::Word(text(word)?))),
            Ok(Some(Arg::Long(name))) => (command.flag(name), format!("--{name}")),
            Ok(Some(Arg::Short(letter))) => (command.short_flag(letter), format!("-{letter}")),
            Err(lexopt::Error::UnexpectedValue { option, .. }) => return Err(self.takes_no_value(&option)),
            Err(error) => return Err(Error::usage(error.to_string()).hint(self.see())),
        };
        match token {
            (Some(flag), spelling) => Ok(Some(Token::Flag(flag, spelling))),
            (None, spelling) => Err(self.unknown_flag(&spelling)),
        }
    }

    /// A command's name as long as the command has subcommands, an argument after that.
    fn word(&mut self, word: String) -> Result<()> {
        let command = self.command();
        if command.subcommands.is_empty() {
            self.arguments.push(word);
            return Ok(());
        }
        let found = command.subcommand(&word).ok_or_else(|| unknown_command(&self.path, &word))?;
        self.path.push(found);
        Ok(())
    }

    /// The flag's value, attached (`--title=x`, `-p-2`, `-p=-2`) or the next word, which may start with a dash but may
    /// not itself be a flag of this command: somebody forgot the value.
    fn value_of(&mut self, flag: &'static Flag, spelling: &str) -> Result<Option<String>> {
        if flag.is_switch() {
            return Ok(None);
        }
        let value = match self.words.optional_value() {
            Some(attached) => text(attached)?,
            None => self.next_word(flag, spelling)?,
        };
        let checked = flag.accepts.check(&value).map_err(|(word, right)| {
            let choices = flag.accepts.choices().iter().copied();
            let hint = nearest(&word, choices).map_or(self.see(), |near| format!("did you mean {near}?"));
            Error::usage(format!("invalid value '{}' for {spelling}: {right}", shown(&word))).hint(hint)
        })?;
        Ok(Some(checked))
    }

    fn next_word(&mut self, flag: &'static Flag, spelling: &str) -> Result<String> {
        let next = self.words.try_raw_args().and_then(|words| words.peek().map(|word| word.to_os_string()));
        let missing = || {
            let message = format!("missing value {} for {spelling} of '{}'", flag.value, full_name(&self.path));
            Error::usage(message)
        };
        let next = text(next.ok_or_else(|| missing().hint(self.see()))?)?;
        if next == "--" || self.is_a_flag(&next) {
            return Err(missing().hint(format!("if '{next}' is the value: --{}={next}", flag.long)));
        }
        self.words.value().map_err(|error| Error::usage(error.to_string()))?;
        Ok(next)
    }

    fn is_a_flag(&self, word: &str) -> bool {
        if let Some(long) = word.strip_prefix("--") {
            return self.command().flag(long.split('=').next().unwrap_or(long)).is_some();
        }
        let mut letters = word.strip_prefix('-').unwrap_or_default().chars();
        matches!((letters.next(), letters.next()), (Some(letter), None) if self.command().short_flag(letter).is_some())
    }

    /// `--help`: about the command so far and the words that lead on from it (`anyt --help task create`).
    fn help(mut self) -> Result<Invocation> {
        while let Ok(Some(Arg::Value(word))) = self.words.next() {
            match word.to_str().and_then(|word| self.path[self.path.len() - 1].subcommand(word)) {
                Some(command) => self.path.push(command),
                None => break,
            }
        }
        Ok(self.explain(Id::Help))
    }

    /// An invocation that explains the command of this line.
    fn explain(mut self, id: Id) -> Invocation {
        self.arguments = self.path[1..].iter().map(|command| command.name.to_string()).collect();
        self.invocation(id)
    }

    fn finish(self) -> Result<Invocation> {
        let command = self.command();
        let Some(id) = command.id else { return Ok(self.explain(Id::Usage)) };
        self.check_flags()?;
        self.check_arguments()?;
        if id == Id::Help {
            let path = walk(&self.arguments).map_err(|(path, word)| unknown_command(&path, &word))?;
            return Ok(Line { path, ..self }.explain(Id::Help));
        }
        Ok(self.invocation(id))
    }

    /// Flags of a command whose subcommand was named after them (`anyt sync --pull status`), contradictions, and what
    /// is missing.
    fn check_flags(&self) -> Result<()> {
        for (flag, _) in &self.flags {
            if self.command().flag(flag.long).is_none() {
                return Err(self.unknown_flag(&format!("--{}", flag.long)));
            }
            if let Some((other, _)) = self.flags.iter().find(|(other, _)| flag.not_with.contains(&other.long)) {
                let message = format!("--{} and --{} contradict each other", flag.long, other.long);
                return Err(Error::usage(message).hint(self.see()));
            }
        }
        let given = |long| self.flags.iter().any(|(flag, _)| flag.long == long);
        match self.command().flags.iter().find(|flag| flag.required && !given(flag.long)) {
            Some(flag) => Err(self.missing(&format!("--{} {}", flag.long, flag.value))),
            None => Ok(()),
        }
    }

    fn check_arguments(&self) -> Result<()> {
        let expected = self.command().arguments;
        let name = full_name(&self.path);
        if let Some(missing) = expected.iter().skip(self.arguments.len()).find(|argument| self.is_needed(argument)) {
            return Err(self.missing(&missing.usage()));
        }
        let takes_all = expected.last().is_some_and(|argument| argument.many);
        if let Some(surplus) = self.arguments.get(expected.len()).filter(|_| !takes_all) {
            return Err(self.surplus(surplus));
        }
        for (argument, word) in expected.iter().zip(&self.arguments) {
            if !argument.choices.is_empty() && !argument.choices.contains(&word.as_str()) {
                let right = argument.choices.join(", ");
                let message = format!("invalid {} '{}' for '{name}': one of: {right}", argument.name, shown(word));
                return Err(Error::usage(message).hint(self.see()));
            }
        }
        Ok(())
    }

    fn is_needed(&self, argument: &Argument) -> bool {
        match argument.needed {
            Needed::Yes => true,
            Needed::No => false,
            Needed::Unless(other) => !self.flags.iter().any(|(flag, _)| flag.long == other),
        }
    }

    fn invocation(self, id: Id) -> Invocation {
        Invocation { id, command: self.command(), flags: self.flags, arguments: self.arguments }
    }

    /// Where to read on.
    fn see(&self) -> String {
        format!("see: {} --help", full_name(&self.path))
    }

    fn takes_no_value(&self, option: &str) -> Error {
        Error::usage(format!("{option} of '{}' takes no value", full_name(&self.path))).hint(self.see())
    }

    fn missing(&self, what: &str) -> Error {
        let hint = format!("usage: {}", super::help::usage_line(&self.path));
        Error::usage(format!("missing {what} for '{}'", full_name(&self.path))).hint(hint)
    }

    fn surplus(&self, word: &str) -> Error {
        let name = full_name(&self.path);
        let command = self.command();
        if let (true, Some(refused)) = (command.secretive, command.refused.first()) {
            return Error::usage(format!("surplus argument for '{name}': {}", refused.because)).hint(refused.instead);
        }
        let quote = if command.arguments.is_empty() { "" } else { "quote text that has spaces in it; " };
        Error::usage(format!("surplus argument '{}' for '{name}'", shown(word))).hint(format!("{quote}{}", self.see()))
    }

    /// `spelling` comes with its dashes and without a value, which may be a secret.
    fn unknown_flag(&self, spelling: &str) -> Error {
        let name = full_name(&self.path);
        let long = spelling.trim_start_matches('-');
        let command = self.command();
        if let Some(refused) = command.refused.iter().find(|refused| spelling == format!("--{}", refused.long)) {
            return Error::usage(format!("there is no {spelling}: {}", refused.because)).hint(refused.instead);
        }
        let error = Error::usage(format!("unknown flag {} for '{name}'", shown(spelling)));
        let known = command.flags.iter().chain(GLOBAL).map(|flag| flag.long);
        match nearest(long, known).filter(|_| spelling.starts_with("--")) {
            Some(near) => error.hint(format!("did you mean --{near}? {}", self.see())),
            None if command.id.is_none() && is_known_below(command, long) => {
                error.hint(format!("flags come after the command; {}", self.see()))
            }
            None => error.hint(self.see()),
        }
    }
}

fn is_known_below(command: &Command, long: &str) -> bool {
    command.subcommands.iter().any(|sub| sub.flags.iter().any(|flag| flag.long == long) || is_known_below(sub, long))
}

/// `path` is where the word was looked for. Its neighbours are suggested first, then the same word elsewhere.
fn unknown_command(path: &[&'static Command], word: &str) -> Error {
    let name = full_name(path);
    let command = path[path.len() - 1];
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
    let suggestion = match nearest(word, names) {
        Some(near) => format!("did you mean {near}? "),
        None if path.len() == 1 && !elsewhere.is_empty() => format!("did you mean {}? ", elsewhere.join(", ")),
        None => String::new(),
    };
    Error::usage(message).hint(format!("{suggestion}see: {name} --help"))
}

fn text(word: OsString) -> Result<String> {
    word.into_string().map_err(|word| {
        let lossy = shown(&word.to_string_lossy());
        Error::usage(format!("argument '{lossy}' is not valid UTF-8"))
    })
}

/// A typed word as it may stand in a one-line message: control characters escaped, cut off at 60 characters.
fn shown(word: &str) -> String {
    let plain = |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() };
    let mut text: String = word.chars().take(60).map(plain).collect();
    if word.chars().nth(60).is_some() {
        text.push_str("...");
    }
    text
}
