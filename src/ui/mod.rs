//! The terminal: everything that is printed, asked or edited goes through here, and nothing else in the program
//! touches stdin, stdout or stderr. It knows words and columns; it knows no SQL, no HTTP and no command.
//!
//! Two promises live here. Remote text is data (P8): whatever a caller hands to `Output::line`, `say`, `warn`,
//! `error`, to a `Table` or to a question is sanitised on the way out; only `Output::raw` is not. And nothing waits
//! for ever (P6): a question that nobody can see or answer is answered by `Answer::End` at once.

pub mod conflict;
mod difference;
mod draft;
pub mod editor;
mod escapes;
pub mod form;
mod hidden;
pub mod interrupt;
mod launch;
pub mod markdown;
pub mod output;
mod pager;
pub mod prompt;
pub mod relay;
pub mod sanitise;
pub mod table;
mod typed;
pub mod width;

pub use editor::Editor;
pub use launch::browse;
pub use output::{ColorChoice, Output, OutputOptions, Style};
pub use prompt::{Answer, Input};
pub use table::{Column, Table};
