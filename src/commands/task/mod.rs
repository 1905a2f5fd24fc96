//! `anyt task`: reading tasks from the cache, and changing them here and on the server.

mod change;
mod dependency;
mod fields;
mod list;
mod overview;
mod picked;
mod plan;
mod show;
mod table;
mod written;

pub use change::{create, done, note, remove, update};
pub use dependency::{depend, dependencies};
pub use list::list;
pub use overview::{board, next, summary};
pub use picked::{active, pick, unpick};
pub use plan::{approve, request_changes, submit};
pub use show::{open, show};
pub use written::edit;

use crate::document::shown_row;
use crate::model::Row;
use crate::model::task::TASK;
use crate::store::ShownRow;
use miniserde::json::Value;

/// A task of which nothing is known: what the items of a list of tasks have.
fn any_task() -> Value {
    shown_to_json(&ShownRow::settled(Row::new(&TASK)))
}

/// A task in a list as `--json` prints it, which is also marked as blocked while it depends on an open task.
fn shown_to_json(shown: &ShownRow) -> Value {
    let mut document = shown_row(&shown.row, shown.pending);
    if let Value::Object(members) = &mut document {
        members.insert("blocked".to_string(), Value::Bool(shown.blocked));
    }
    document
}
