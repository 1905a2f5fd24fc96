//! A command line that was understood: which command, which flags, which arguments. Values are those the table allows.

use super::command::{Command, Flag, Id};
use super::table::{GLOBAL, ROOT};

#[derive(Debug)]
pub struct Invocation {
    pub(super) id: Id,
    pub(super) command: &'static Command,
    /// In the order they were typed.
    pub(super) flags: Vec<(&'static Flag, Option<String>)>,
    pub(super) arguments: Vec<String>,
}

impl Invocation {
    pub fn id(&self) -> Id {
        self.id
    }

    /// The flag that answers the question before something is destroyed; empty when the command destroys nothing.
    pub fn destroys(&self) -> &'static str {
        self.command.destroys
    }

    /// It only shows what there is, at any length: a pager may show it.
    pub fn reads(&self) -> bool {
        use Id::*;
        matches!(
            self.id,
            Help | TaskList
                | TaskShow
                | TaskDepList
                | CommentList
                | Next
                | Summary
                | Board
                | Log
                | SyncLog
                | SyncQueue
                | SyncConflicts
        )
    }

    /// Was the flag typed? Flags are named by their long name without dashes, here and below. A name that is nowhere in
    /// the table is a programming error.
    pub fn has(&self, flag: &str) -> bool {
        self.count(flag) > 0
    }

    /// How many times the flag was typed: `-vv` is 2.
    pub fn count(&self, flag: &str) -> usize {
        self.typed(flag).count()
    }

    /// The last value typed, or the flag's default.
    pub fn value(&self, flag: &str) -> Option<&str> {
        self.given(flag).or_else(|| self.command.flag(flag)?.default)
    }

    /// The last value typed by the user.
    pub fn given(&self, flag: &str) -> Option<&str> {
        self.typed(flag).last()?
    }

    /// Every value typed by the user, in their order.
    pub fn values(&self, flag: &str) -> impl Iterator<Item = &str> {
        self.typed(flag).flatten()
    }

    /// `value` of a flag that accepts a `Number`.
    pub fn number(&self, flag: &str) -> Option<u64> {
        self.value(flag)?.parse().ok()
    }

    /// The parts of a comma-separated value without surrounding blanks and empty parts, over all times the flag was
    /// typed: `--labels a,b --labels c` is a, b, c. `None` when it was not typed.
    pub fn items(&self, flag: &str) -> Option<Vec<&str>> {
        let parts = self.typed(flag).flatten().flat_map(|value| value.split(',')).map(str::trim);
        self.has(flag).then(|| parts.filter(|part| !part.is_empty()).collect())
    }

    /// The words that are neither command nor flag. For `Id::Help` and `Id::Usage` the path of the command to explain.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    fn typed(&self, name: &str) -> impl Iterator<Item = Option<&str>> {
        debug_assert!(is_in_the_table(name), "no command has a flag --{name}");
        let flags = self.flags.iter().filter(move |(flag, _)| flag.long == name);
        flags.map(|(_, value)| value.as_deref())
    }
}

fn is_in_the_table(long: &str) -> bool {
    fn below(command: &Command, long: &str) -> bool {
        command.flags.iter().any(|flag| flag.long == long)
            || command.subcommands.iter().any(|command| below(command, long))
    }
    GLOBAL.iter().any(|flag| flag.long == long) || below(&ROOT, long)
}
