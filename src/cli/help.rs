//! Help texts: the command table as text, as wide as its reader has it and at most 100 columns.

use super::command::{Argument, Command, Flag};
use super::table::{FIELDS, GLOBAL, JSON, JSONL, ROOT};
use super::tree::{full_name, walk};
use crate::error::{Error, Result};

/// Columns of a help text, at least and at most.
const WIDTHS: (usize, usize) = (40, 100);

/// The help of the command along `path` (`["task", "create"]`; empty: anyt itself) for a terminal of so many columns.
/// `Error::Usage` if there is none.
pub fn help_text(path: &[impl AsRef<str>], columns: Option<usize>) -> Result<String> {
    let width = columns.unwrap_or(WIDTHS.1).clamp(WIDTHS.0, WIDTHS.1);
    let path = walk(path).map_err(|(_, word)| Error::usage(format!("unknown command '{word}'")))?;
    let command = path[path.len() - 1];
    let summary = format!("{}{}", command.summary, aliases(command));
    let mut text = format!("{}\n", wrap(&summary, width).join("\n"));
    text.push_str(&format!("\nUsage: {}\n", wrap(&usage_line(&path), width - 7).join("\n       ")));
    if command.id.is_some() && !command.subcommands.is_empty() {
        text.push_str(&format!("       {} COMMAND\n", full_name(&path)));
    }
    for paragraph in command.description.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        text.push_str(&format!("\n{}\n", wrap(paragraph, width).join("\n")));
    }
    let commands: Vec<_> =
        command.shown().map(|sub| (sub.name.to_string(), format!("{}{}", sub.summary, aliases(sub)))).collect();
    section(&mut text, "Commands", &commands, width);
    section(&mut text, "Arguments", &command.arguments.iter().map(argument_row).collect::<Vec<_>>(), width);
    section(&mut text, "Flags", &flag_rows(own_flags(command)), width);
    match path.len() {
        1 => section(&mut text, "Flags of every command", &flag_rows(global_flags()), width),
        _ => text.push_str(&global_summary(width)),
    }
    if !command.examples.is_empty() {
        text.push_str("\nExamples:\n");
        for example in command.examples {
            text.push_str(&format!("  # {}\n  {}\n", example.what, example.line));
        }
    }
    text.push_str(&format!("\nSee also: {}\n", see_also(&path)));
    Ok(text)
}

/// `anyt 0.2.0`.
pub fn version_text() -> String {
    format!("anyt {}", env!("CARGO_PKG_VERSION"))
}

/// `anyt task create [FLAGS] TITLE`.
pub fn usage_line(path: &[&Command]) -> String {
    let command = path[path.len() - 1];
    let mut line = full_name(path);
    if own_flags(command).next().is_some() || path.len() == 1 {
        line.push_str(" [FLAGS]");
    }
    if command.id.is_none() {
        line.push_str(" COMMAND");
    }
    for flag in command.flags.iter().filter(|flag| flag.required) {
        line.push_str(&format!(" --{} {}", flag.long, flag.value));
    }
    for argument in command.arguments {
        line.push_str(&format!(" {}", argument.usage()));
    }
    line
}

/// Flags of every command that are explained with those that print data.
const DATA: [Flag; 3] = [JSON, FIELDS, JSONL];

/// The flags explained with the command itself.
pub fn own_flags(command: &Command) -> impl Iterator<Item = &Flag> {
    command.flags.iter().chain(DATA.iter().filter(|_| command.data))
}

/// The flags explained once for all commands.
pub fn global_flags() -> impl Iterator<Item = &'static Flag> {
    GLOBAL.iter().filter(|flag| DATA.iter().all(|data| data.long != flag.long))
}

fn aliases(command: &Command) -> String {
    match command.aliases {
        [] => String::new(),
        aliases => format!(" (alias {})", aliases.join(", ")),
    }
}

fn argument_row(argument: &Argument) -> (String, String) {
    (argument.usage(), argument.help.to_string())
}

fn flag_rows<'a>(flags: impl Iterator<Item = &'a Flag>) -> Vec<(String, String)> {
    flags.map(|flag| (flag.usage(), flag.full_help())).collect()
}

fn global_summary(width: usize) -> String {
    let names: Vec<String> = global_flags().map(|flag| format!("--{}", flag.long)).collect();
    let lines = wrap(&format!("{}; see: anyt --help", names.join(", ")), width - 2);
    format!("\nFlags of every command:\n  {}\n", lines.join("\n  "))
}

fn see_also(path: &[&Command]) -> String {
    match path {
        [_] => String::from("man anyt, anyt help COMMAND"),
        [_, group, ..] if !group.subcommands.is_empty() => format!("man anyt-{}", group.name),
        _ => format!("man {}", ROOT.name),
    }
}

/// Rows of a name and its text, the texts in one column.
fn section(text: &mut String, title: &str, rows: &[(String, String)], width: usize) {
    if rows.is_empty() {
        return;
    }
    // Names wider than a third get a line of their own.
    let widest = width / 3;
    let column = rows.iter().map(|(name, _)| name.len()).filter(|name| *name <= widest).max().unwrap_or(8) + 4;
    text.push_str(&format!("\n{title}:\n"));
    for (name, help) in rows {
        let lines = wrap(help, width - column);
        let mut name = format!("  {name}");
        if name.len() > column - 2 {
            text.push_str(&format!("{name}\n"));
            name = String::new();
        }
        for line in lines {
            text.push_str(&format!("{name:column$}{line}\n"));
            name.clear();
        }
    }
}

/// Lines of at most `width` characters, broken at spaces; a longer word stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}
