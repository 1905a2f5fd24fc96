//! `anyt task`: reading tasks from the cache, and changing them here and on the server.

mod change;
pub(super) mod deliver;
mod dependency;
pub(super) mod fields;
mod list;
mod picked;
pub(super) mod report;
mod show;

pub use change::{create, done, note, remove, update};
pub use dependency::{depend, dependencies};
pub use list::list;
pub use picked::{active, pick, unpick};
pub use show::show;

use crate::document::row_to_json;
use crate::model::Row;
use miniserde::json::Value;

/// A row as `--json` prints it: the API's members and `pending`, true while changes of it wait to be sent.
pub(super) fn to_json(row: &Row, pending: bool) -> Value {
    let mut members = row_to_json(row);
    members.insert("pending".to_string(), Value::Bool(pending));
    Value::Object(members)
}
