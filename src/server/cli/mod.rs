//! The command line: one table of commands and flags, and what is read from it: the parser, the help, the completions.
//! What the words mean is known elsewhere (`options`, `admin`).

mod completions;
mod help;
pub mod table;

use anyt::error::{Error, Result};
use lexopt::Arg;
use std::ffi::{OsStr, OsString};
use table::{COMMANDS, Command, Flag, Id, SERVE};

#[derive(Debug, PartialEq)]
pub enum Wish {
    /// Text to print.
    Say(String),
    Do(Line),
}

/// A command line that was understood.
#[derive(Debug, PartialEq)]
pub struct Line {
    pub id: Id,
    flags: Vec<(&'static str, OsString)>,
    arguments: Vec<OsString>,
}

impl Line {
    /// Whether a switch was given.
    pub fn has(&self, long: &str) -> bool {
        self.values(long).next().is_some()
    }

    /// The last value given.
    pub fn value(&self, long: &str) -> Option<&OsStr> {
        self.values(long).last()
    }

    /// `value` as text. Exit 2 if it is not UTF-8.
    pub fn text(&self, long: &str) -> Result<Option<&str>> {
        self.value(long).map(utf8).transpose()
    }

    pub fn values(&self, long: &str) -> impl Iterator<Item = &OsStr> {
        self.flags.iter().filter(move |(name, _)| *name == long).map(|(_, value)| value.as_os_str())
    }

    /// The command's argument; there are as many as the table says.
    pub fn argument(&self) -> &OsStr {
        self.arguments.first().map(OsString::as_os_str).unwrap_or_default()
    }

    pub fn argument_text(&self) -> Result<&str> {
        utf8(self.argument())
    }
}

pub fn utf8(text: &OsStr) -> Result<&str> {
    text.to_str().ok_or_else(|| Error::usage(format!("'{}' is not UTF-8", text.to_string_lossy())))
}

/// `arguments` begin with the program's name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Wish> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let mut words: Vec<OsString> = Vec::new();
    let mut flags: Vec<(&'static Flag, OsString)> = Vec::new();
    while let Some(argument) = parser.next().map_err(usage)? {
        let flag = match &argument {
            Arg::Value(word) => {
                words.push(word.clone());
                continue;
            }
            Arg::Long(name) => known().find(|flag| flag.long == *name),
            Arg::Short(letter) => known().find(|flag| flag.short() == Some(*letter)),
        };
        let Some(flag) = flag else { return Err(usage(argument.unexpected())) };
        match flag.long {
            "help" => return help(&words),
            "version" => return Ok(Wish::Say(concat!("anyt-server ", env!("CARGO_PKG_VERSION"), "\n").into())),
            _ if flag.value.is_empty() => flags.push((flag, OsString::new())),
            _ => flags.push((flag, parser.value().map_err(usage)?)),
        }
    }
    let (command, arguments) = command(&words)?;
    let strange = flags.iter().find(|(flag, _)| !command.all_flags().any(|own| own.long == flag.long));
    if let Some((flag, _)) = strange {
        return Err(wrong(command, format!("--{} is no option of '{}'", flag.long, name(command))));
    }
    if command.id == Id::Generate {
        return generate(&arguments);
    }
    let flags = flags.into_iter().map(|(flag, value)| (flag.long, value)).collect();
    Ok(Wish::Do(Line { id: command.id, flags, arguments }))
}

/// Every flag of the table; those of one name take the same kind of value.
fn known() -> impl Iterator<Item = &'static Flag> {
    COMMANDS.iter().flat_map(Command::all_flags)
}

/// The command that the first words name, and the words after it: as many as it takes.
fn command(words: &[OsString]) -> Result<(&'static Command, Vec<OsString>)> {
    if words.is_empty() {
        return Ok((&SERVE, Vec::new()));
    }
    let Some((command, rest)) = named(words) else {
        let text: Vec<_> = words.iter().take(2).map(|word| word.to_string_lossy()).collect();
        return Err(Error::usage(format!("unknown command '{}'", text.join(" "))).hint("see: anyt-server --help"));
    };
    if let Some(missing) = command.arguments.get(rest.len()) {
        return Err(wrong(command, format!("'{}' needs {missing}", name(command))));
    }
    if let Some(word) = rest.get(command.arguments.len()) {
        return Err(wrong(command, format!("unexpected argument '{}'", word.to_string_lossy())));
    }
    Ok((command, rest.to_vec()))
}

fn named(words: &[OsString]) -> Option<(&'static Command, &[OsString])> {
    COMMANDS.iter().filter(|command| command.id != Id::Serve).find_map(|command| {
        let length = command.words.split(' ').count();
        let (first, rest) = words.split_at_checked(length)?;
        first.iter().map(OsString::as_os_str).eq(command.words.split(' ').map(OsStr::new)).then_some((command, rest))
    })
}

/// Of the command, of those that begin with the words, or of everything.
fn help(words: &[OsString]) -> Result<Wish> {
    Ok(Wish::Say(match (named(words), words.first().and_then(|word| word.to_str())) {
        (Some((command, _)), _) => help::of_command(command),
        (None, Some(group)) if COMMANDS.iter().any(|command| command.words.split(' ').next() == Some(group)) => {
            help::of_group(group)
        }
        _ => help::of_everything(),
    }))
}

/// `bash`, `zsh`, `fish`; `words` is every command and option, `routes` every route with what it needs, a line each.
fn generate(arguments: &[OsString]) -> Result<Wish> {
    let what = arguments.first().and_then(|word| word.to_str()).unwrap_or_default();
    Ok(Wish::Say(match what {
        "bash" => completions::bash(),
        "zsh" => completions::zsh(),
        "fish" => completions::fish(),
        "words" => help::words(),
        "routes" => crate::routes::listing(),
        _ => return Err(Error::usage("generate takes bash, zsh, fish, words or routes")),
    }))
}

fn name(command: &Command) -> String {
    ["anyt-server", command.words].join(" ").trim_end().to_string()
}

fn wrong(command: &Command, message: String) -> Error {
    Error::usage(message).hint(format!("usage: {}", command.usage()))
}

pub fn usage(error: lexopt::Error) -> Error {
    Error::usage(error.to_string()).hint("see: anyt-server --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &[&str]) -> Result<Wish> {
        parse(["anyt-server"].iter().chain(words).map(OsString::from))
    }

    #[test]
    fn a_command_its_argument_and_flags_anywhere() {
        let Ok(Wish::Do(line)) = wish(&["--db", "x.db", "token", "create", "--name=laptop", "ann"]) else {
            panic!("not understood")
        };
        assert_eq!((line.id, line.argument()), (Id::TokenCreate, OsStr::new("ann")));
        assert_eq!((line.value("db"), line.value("name")), (Some(OsStr::new("x.db")), Some(OsStr::new("laptop"))));
        assert!(matches!(wish(&[]), Ok(Wish::Do(Line { id: Id::Serve, .. }))));
    }

    #[test]
    fn wrong_usage_is_exit_2() {
        for words in [
            &["user"][..],
            &["user", "add"],
            &["user", "add", "a", "b"],
            &["user", "list", "--role", "owner"],
            &["--role", "owner"],
            &["frobnicate"],
            &["token", "create", "ann", "--expires"],
            &["--listen=x", "--no-token=yes"],
            &["-x"],
        ] {
            assert_eq!(wish(words).expect_err("wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn help_is_about_the_words_before_it() {
        for (words, start) in [
            (&["--help"][..], "anyt-server - "),
            (&["user", "-h"], "Usage: anyt-server user add"),
            (&["user", "add", "--help"], "Add a user"),
        ] {
            let Ok(Wish::Say(text)) = wish(words) else { panic!("{words:?}") };
            assert!(text.starts_with(start), "{text}");
            assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        }
    }

    /// The parser reads flags before it knows the command.
    #[test]
    fn flags_of_one_name_are_of_one_kind() {
        for flag in known() {
            for other in known().filter(|other| other.long == flag.long) {
                assert_eq!((flag.value, flag.is_path), (other.value, other.is_path), "{}", flag.long);
            }
        }
    }
}
