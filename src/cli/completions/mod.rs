//! Shell completions: the command table as bash, zsh and fish scripts. They complete commands, flags and fixed values;
//! the names of tasks and the like are asked of `anyt complete`. What that prints comes from servers: no script evaluates it.

mod bash;
mod fish;
mod zsh;

pub use bash::script as bash;
pub use fish::script as fish;
pub use zsh::script as zsh;

use super::command::{Command, Flag};
use super::help::{global_flags, own_flags};

/// The flags to offer after a command: its own, then the global ones.
fn flags(command: &'static Command) -> impl Iterator<Item = &'static Flag> {
    own_flags(command).chain(global_flags())
}

/// Text between single quotes of a POSIX shell or zsh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
