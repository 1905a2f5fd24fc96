//! From words to an `Invocation`: lexopt splits them, the table says what they mean. Every error is one line that
//! names what was typed, and a hint with the nearest thing that exists. Nothing is read but the arguments.

use super::command::{Argument, Command, Flag, Id, Needed};
use super::complaint::{missing, see, shown, takes_no_value, unexpected, unknown_command, unknown_flag};
use super::invocation::Invocation;
use super::nearest::nearest;
use super::table::ROOT;
use super::tree::{full_name, walk};
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
            Err(lexopt::Error::UnexpectedValue { option, .. }) => return Err(takes_no_value(&self.path, &option)),
            Err(error) => return Err(Error::usage(error.to_string()).hint(see(&self.path))),
        };
        match token {
            (Some(flag), spelling) => Ok(Some(Token::Flag(flag, spelling))),
            (None, spelling) => Err(unknown_flag(&self.path, &spelling)),
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
            let hint = nearest(&word, choices).map_or(see(&self.path), |near| format!("did you mean {near}?"));
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
        let next = text(next.ok_or_else(|| missing().hint(see(&self.path)))?)?;
        if next == "--" || self.is_a_flag(&next) {
            return Err(missing().hint(format!("if '{0}' is the value: --{1}={0}", shown(&next), flag.long)));
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
                return Err(unknown_flag(&self.path, &format!("--{}", flag.long)));
            }
            if let Some((other, _)) = self.flags.iter().find(|(other, _)| flag.not_with.contains(&other.long)) {
                let message = format!("--{} and --{} contradict each other", flag.long, other.long);
                return Err(Error::usage(message).hint(see(&self.path)));
            }
        }
        let given = |long| self.flags.iter().any(|(flag, _)| flag.long == long);
        match self.command().flags.iter().find(|flag| flag.required && !given(flag.long)) {
            Some(flag) => Err(missing(&self.path, &format!("--{} {}", flag.long, flag.value))),
            None => Ok(()),
        }
    }

    fn check_arguments(&self) -> Result<()> {
        let expected = self.command().arguments;
        if let Some(absent) = expected.iter().skip(self.arguments.len()).find(|argument| self.is_needed(argument)) {
            return Err(missing(&self.path, &absent.usage()));
        }
        let takes_all = expected.last().is_some_and(|argument| argument.many);
        if let Some(word) = self.arguments.get(expected.len()).filter(|_| !takes_all) {
            return Err(unexpected(&self.path, word));
        }
        for (argument, word) in expected.iter().zip(&self.arguments) {
            if let Some((flag, _)) = self.flags.iter().find(|(flag, _)| argument.not_with.contains(&flag.long)) {
                let message = format!("'{}' and --{} contradict each other", shown(word), flag.long);
                return Err(Error::usage(message).hint(see(&self.path)));
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
}

fn text(word: OsString) -> Result<String> {
    word.into_string().map_err(|word| {
        let lossy = shown(&word.to_string_lossy());
        Error::usage(format!("argument '{lossy}' is not valid UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits at blanks; `_` in a word stands for a blank.
    fn read(line: &str) -> Result<Invocation> {
        parse(line.split_whitespace().map(|word| OsString::from(word.replace('_', " "))))
    }

    /// The message and the advice.
    fn refusal(line: &str) -> String {
        let error = read(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        let text = format!("{error} ({})", error.advice().unwrap_or_default());
        assert!(!text.contains('\n'), "{text}");
        text
    }

    #[test]
    fn commands_and_their_aliases() {
        for (line, id) in [
            ("sync", Id::Sync),
            ("sync status", Id::SyncStatus),
            ("sync queue", Id::SyncQueue),
            ("sync queue show 3", Id::SyncQueueShow),
            ("task add x", Id::TaskCreate),
            ("task ls", Id::TaskList),
            ("task edit 4", Id::TaskEdit),
            ("task delete 4", Id::TaskRm),
            ("env use dev", Id::EnvSwitch),
            ("env rm dev", Id::EnvRemove),
            ("ws list", Id::WorkspaceList),
            ("active", Id::Active),
            ("-V", Id::Version),
            ("task create --version", Id::Version),
            ("", Id::Usage),
            ("-q task", Id::Usage),
        ] {
            assert_eq!(read(line).expect(line).id(), id, "{line}");
        }
    }

    #[test]
    fn help_is_about_the_command_it_stands_with() {
        for (line, path) in [
            ("--help", ""),
            ("task -h", "task"),
            ("task add x --offline -h", "task create"),
            ("help task add", "task create"),
            ("-h sync queue drop", "sync queue drop"),
            ("sync --help status", "sync status"),
        ] {
            let invocation = read(line).expect(line);
            assert_eq!((invocation.id(), invocation.arguments().join(" ").as_str()), (Id::Help, path), "{line}");
        }
    }

    #[test]
    fn flags_stand_anywhere_and_values_may_be_negative() {
        let invocation = read("--env dev -v task -q create -p -2 -v Fix_it --json -w=OPS").expect("valid");
        assert_eq!(invocation.arguments(), ["Fix it"]);
        assert_eq!((invocation.value("env"), invocation.value("workspace")), (Some("dev"), Some("OPS")));
        assert_eq!((invocation.value("priority"), invocation.count("verbose")), (Some("-2"), 2));
        assert!(invocation.has("json") && invocation.has("quiet") && !invocation.has("offline"));
        for line in
            ["task update 4 -p=-2", "task update 4 -p-2", "task update --priority -2 4", "task edit 4 --priority=-2"]
        {
            assert_eq!(read(line).expect(line).given("priority"), Some("-2"), "{line}");
        }
    }

    #[test]
    fn defaults_lists_numbers_and_what_was_typed() {
        let invocation = read("task list --status todo --labels a,b --labels ,c --sort title").expect("valid");
        assert_eq!((invocation.value("limit"), invocation.given("limit")), (Some("50"), None));
        assert_eq!((invocation.number("limit"), invocation.given("sort")), (Some(50), Some("title")));
        assert_eq!(invocation.items("labels"), Some(vec!["a", "b", "c"]));
        assert_eq!(invocation.items("owner"), None);
        let invocation = read("task list --status cancelled,inprogress --order desc --order asc").expect("valid");
        assert_eq!((invocation.value("status"), invocation.value("order")), (Some("canceled,active"), Some("asc")));
    }

    #[test]
    fn two_dashes_end_the_flags() {
        assert_eq!(read("task create --offline -- --json").expect("valid").arguments(), ["--json"]);
        assert_eq!(read("task note -m=-- -- 4").expect("valid").value("message"), Some("--"));
        assert_eq!(read("task create x -d -").expect("valid").value("description"), Some("-"));
    }

    #[test]
    fn refusals_name_what_was_typed_and_what_is_near() {
        for (line, expected) in [
            (
                "task create --ofline x",
                "unknown flag --ofline for 'anyt task create' (did you mean --offline? see: anyt task create --help)",
            ),
            ("taks", "unknown command 'taks' (did you mean task? see: anyt --help)"),
            ("logout", "unknown command 'logout' (did you mean anyt auth logout? see: anyt --help)"),
            ("sync statsu", "unknown command 'statsu' for 'anyt sync' (did you mean status? see: anyt sync --help)"),
            ("help taks", "unknown command 'taks' (did you mean task? see: anyt --help)"),
            ("task pick", "missing ID for 'anyt task pick' (usage: anyt task pick [FLAGS] ID)"),
            (
                "task create Fix it",
                "unexpected argument 'it' for 'anyt task create' (quote text that has spaces in it; see: anyt task create --help)",
            ),
            ("task list --sort", "missing value BY for --sort of 'anyt task list' (see: anyt task list --help)"),
            (
                "task edit 4 --title --offline",
                "missing value TEXT for --title of 'anyt task edit' (if '--offline' is the value: --title=--offline)",
            ),
            ("task list --json=yes", "--json of 'anyt task list' takes no value (see: anyt task list --help)"),
            ("task list -q=yes", "-q of 'anyt task list' takes no value (see: anyt task list --help)"),
            ("task edit 4 -p 7", "invalid value '7' for -p: one of: -2, -1, 0, 1, 2 (see: anyt task edit --help)"),
            (
                "task list --limit -1",
                "invalid value '-1' for --limit: a whole number, 0 or more (see: anyt task list --help)",
            ),
            ("sync --pull status", "unknown flag --pull for 'anyt sync status' (see: anyt sync status --help)"),
            (
                "task dep add 4",
                "missing --on A,B for 'anyt task dep add' (usage: anyt task dep add [FLAGS] --on A,B [ID])",
            ),
            ("sync queue drop --all 1", "'1' and --all contradict each other (see: anyt sync queue drop --help)"),
            ("sync queue retry 2 --all", "'2' and --all contradict each other (see: anyt sync queue retry --help)"),
            ("sync restore FILE --last", "'FILE' and --last contradict each other (see: anyt sync restore --help)"),
            ("sync resolve --local --edit", "--local and --edit contradict each other (see: anyt sync resolve --help)"),
            (
                "task --offline create x",
                "unknown flag --offline for 'anyt task' (flags come after the command; see: anyt task --help)",
            ),
        ] {
            assert_eq!(refusal(line), expected);
        }
        assert!(refusal("task list --status dnoe").ends_with("(did you mean done?)"));
        assert!(refusal("task \u{1b}[2J").contains("\\u{1b}"));
    }

    #[test]
    fn one_of_two_ways_to_say_it_is_enough() {
        assert!(refusal("project create").starts_with("missing NAME|--name"));
        assert!(refusal("sync queue retry").starts_with("missing ID...|--all"));
        assert!(read("project create -n x").is_ok() && read("sync queue retry --all").is_ok());
    }

    #[test]
    fn a_token_on_the_command_line_is_refused_and_not_repeated() {
        for line in [
            "auth login --token-value s3cret",
            "auth login --token=s3cret",
            "auth login s3cret",
            "auth login --agent-key-value=s3cret",
            "auth login --tokn=s3cret",
            "auth login --agent-key=s3cret",
        ] {
            assert!(!refusal(line).contains("s3cret"), "{}", refusal(line));
        }
        assert!(refusal("auth login --token-value x").contains("other users of this machine can read a command line"));
    }

    #[cfg(unix)]
    #[test]
    fn arguments_that_are_not_utf_8_are_refused() {
        use std::os::unix::ffi::OsStringExt;
        for words in [["task", "create"].as_slice(), &["task", "create", "--title"], &["--env"]] {
            let words = words.iter().map(OsString::from).chain([OsString::from_vec(vec![b'a', 0xff])]);
            assert_eq!(parse(words).expect_err("not UTF-8").exit_code(), 2);
        }
    }

    #[test]
    #[should_panic(expected = "no command has a flag --ofline")]
    fn a_flag_that_is_not_in_the_table_is_a_programming_error() {
        let _ = read("health").expect("valid").has("ofline");
    }
}
