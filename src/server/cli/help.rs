//! Help texts of at most 100 columns.

use super::table::{COMMANDS, Command, EVERYWHERE, Flag, SERVE};

const WIDTH: usize = 100;

const END: &str = "
The first line on standard output says where it listens. A fresh database that is served without a
token makes one and prints it, once, on the second line; the database keeps a digest of it, never
the token. Tokens also come from the environment variable ANYT_SERVER_TOKEN, as words.

See also: man anyt-server, anyt-server COMMAND --help
";

pub fn of_everything() -> String {
    let mut text = String::from(
        "anyt-server - a self-hosted AnyTask server on one SQLite file\n\n\
         Usage: anyt-server [OPTIONS]\n       anyt-server COMMAND [OPTIONS] [ARGUMENT]\n\nOptions:\n",
    );
    text += &rows(SERVE.flags.iter().chain(EVERYWHERE).map(flag_row));
    text += "\nCommands, which work on the database also while the server runs unless they say otherwise:\n";
    text += &rows(shown().map(command_row));
    text + END
}

pub fn of_group(group: &str) -> String {
    let commands: Vec<&Command> = shown().filter(|command| command.words.split(' ').next() == Some(group)).collect();
    let usages: Vec<String> = commands.iter().map(|command| command.usage()).collect();
    format!("Usage: {}\n\n{}", usages.join("\n       "), rows(commands.into_iter().map(command_row)))
}

pub fn of_command(command: &Command) -> String {
    format!("{}\n\nUsage: {}\n\nOptions:\n{}", command.help, command.usage(), rows(command.all_flags().map(flag_row)))
}

/// Every command and option, a line each.
pub fn words() -> String {
    let flags = COMMANDS.iter().filter(|command| !command.is_hidden()).flat_map(Command::all_flags);
    let mut words: Vec<String> = flags.map(|flag| format!("--{}", flag.long)).collect();
    words.extend(shown().map(|command| command.words.to_string()));
    words.sort();
    words.dedup();
    words.join("\n") + "\n"
}

pub fn shown() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| !command.is_hidden() && !command.words.is_empty())
}

fn flag_row(flag: &Flag) -> (String, String) {
    let default = if flag.default.is_empty() { String::new() } else { format!(" [default: {}]", flag.default) };
    (flag.usage(), format!("{}{default}", flag.help))
}

fn command_row(command: &Command) -> (String, String) {
    let name = [command.words].iter().chain(command.arguments).copied().collect::<Vec<_>>().join(" ");
    (name, command.help.to_string())
}

/// Names, and their texts in one column.
fn rows(rows: impl Iterator<Item = (String, String)>) -> String {
    let rows: Vec<(String, String)> = rows.collect();
    let column = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 4;
    let mut text = String::new();
    for (name, help) in rows {
        let mut name = format!("  {name}");
        let mut line = String::new();
        for word in help.split(' ') {
            if !line.is_empty() && column + line.len() + 1 + word.len() > WIDTH {
                text += &format!("{name:column$}{line}\n");
                name.clear();
                line.clear();
            }
            line += if line.is_empty() { "" } else { " " };
            line += word;
        }
        text += &format!("{name:column$}{line}\n");
    }
    text
}
