//! `anyt task`: reading tasks from the cache, and changing them here and on the server.

mod change;
pub(super) mod deliver;
mod dependency;
pub(super) mod fields;
mod list;
mod overview;
mod picked;
mod plan;
pub(super) mod report;
mod show;
mod table;
mod undo;
mod written;

pub use change::{create, done, note, remove, update};
pub use dependency::{depend, dependencies};
pub use list::list;
pub use overview::{board, next, summary};
pub use picked::{active, pick, unpick};
pub use plan::{approve, request_changes, submit};
pub use show::{open, show};
pub use undo::{log, undo};
pub use written::edit;

use crate::document::row_to_json;
use crate::model::Row;
use crate::store::ShownRow;
use miniserde::json::Value;

/// A row as `--json` prints it: the API's members and `pending`, true while changes of it wait to be sent.
pub(super) fn to_json(row: &Row, pending: bool) -> Value {
    let mut members = row_to_json(row);
    members.insert("pending".to_string(), Value::Bool(pending));
    Value::Object(members)
}

/// The same of a task in a list, which is also marked as blocked while it depends on an open task.
fn shown_to_json(shown: &ShownRow) -> Value {
    let mut document = to_json(&shown.row, shown.pending);
    if let Value::Object(members) = &mut document {
        members.insert("blocked".to_string(), Value::Bool(shown.blocked));
    }
    document
}
