//! Finding things in the table: commands along a path of words, all of them, those with a page of their own; flags.

use super::command::{Command, Flag};
use super::table::{GLOBAL, ROOT};

impl Command {
    /// This command's flag or a global one, by one of its long names.
    pub fn flag(&self, long: &str) -> Option<&'static Flag> {
        self.flags.iter().chain(GLOBAL).find(|flag| flag.answers_to(long))
    }

    pub fn short_flag(&self, short: char) -> Option<&'static Flag> {
        let mut known = self.flags.iter().chain(GLOBAL);
        known
            .clone()
            .find(|flag| flag.short == Some(short))
            .or_else(|| known.find(|flag| flag.alias.starts_with(short)))
    }
}

/// The commands along a path of words, from the root on: `["task", "add"]` gives anyt, task, create.
/// An error is the commands found and the word that is none of theirs.
pub fn walk(words: &[impl AsRef<str>]) -> Result<Vec<&'static Command>, (Vec<&'static Command>, String)> {
    let mut path = vec![&ROOT];
    for word in words {
        match path[path.len() - 1].subcommand(word.as_ref()) {
            Some(command) => path.push(command),
            None => return Err((path, word.as_ref().to_string())),
        }
    }
    Ok(path)
}

/// `anyt task create`.
pub fn full_name(path: &[&Command]) -> String {
    path.iter().map(|command| command.name).collect::<Vec<_>>().join(" ")
}

/// Every command people are shown, with its path from the root, in the order of the table, groups before their
/// commands.
pub fn everything() -> Vec<Vec<&'static Command>> {
    fn below(path: Vec<&'static Command>, found: &mut Vec<Vec<&'static Command>>) {
        found.push(path.clone());
        for command in path[path.len() - 1].shown() {
            below([path.clone(), vec![command]].concat(), found);
        }
    }
    let mut found = Vec::new();
    below(vec![&ROOT], &mut found);
    found
}

/// The groups that have a man page of their own.
pub fn groups() -> impl Iterator<Item = &'static Command> {
    ROOT.shown().filter(|command| !command.subcommands.is_empty())
}
