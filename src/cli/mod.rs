//! The command line: one table of commands and flags (`table/`), and everything that is read from it: the parser, the
//! help texts, the man pages and the shell completions. It opens no file, knows no terminal and runs no command; only
//! `generate` writes files, and only where it is told to.

mod command;
mod complaint;
mod completions;
mod generate;
mod help;
mod invocation;
mod man;
mod nearest;
mod parse;
mod table;
mod tree;

pub use command::{Accepts, Argument, Command, Example, Flag, Id, Needed, Refused};
pub use generate::{completion, page, write_documents};
pub use help::{help_text, version_text};
pub use invocation::Invocation;
pub use parse::parse;
pub use table::reference::EXIT_CODES;
pub use table::{GLOBAL, ROOT};
