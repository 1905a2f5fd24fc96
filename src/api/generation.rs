//! What the generations of servers leave out of a row, or word differently (api.md 3.3, 3.14). The only place that knows a
//! field by its name.

use super::members::Members;
use crate::model::attempt;
use crate::model::comment::CONTENT;
use crate::model::label::LABEL;
use crate::model::project;
use crate::model::task::{PRIORITY, PROJECT, STATUS, TITLE, canonical_status};
use crate::model::{Field, Kind, Patch, Value};
use crate::sync::remote::Request;
use miniserde::json;

/// The older word for the status `active`.
const OLDER: &str = "inprogress";

/// Fields that every generation has in every row: without one of them an answer is not what it seems.
pub(super) fn is_required(field: Field) -> bool {
    [TITLE, PROJECT, CONTENT].contains(&field)
}

/// Whether its list is asked for by `page` rather than `offset` (api.md 1.5).
pub(super) fn has_numbered_pages(kind: &Kind) -> bool {
    kind == &project::PROJECT
}

/// A create of a label names its workspace in the body once more (api.md 2.7).
pub(super) fn names_its_workspace(request: &Request) -> Option<(&'static str, json::Value)> {
    (request.kind == &LABEL).then(|| ("workspace_id", crate::document::integer(request.workspace_id)))
}

/// The object of a row that a field is in, and of the body of an update; a create has it beside the others (api.md 2.11, 3.7).
pub(super) fn inside(field: Field) -> Option<&'static str> {
    (field == attempt::NOTES).then_some("extra_metadata")
}

/// What a field that was left out reads as.
pub(super) fn absent(field: Field) -> Value {
    match field {
        field if field == STATUS => Value::Text("backlog".into()),
        field if field == project::STATUS => Value::Text("active".into()),
        field if field == attempt::STATUS => Value::Text("running".into()),
        field if field == PRIORITY => Value::Int(0),
        _ => Value::Null,
    }
}

/// One word for what generations call differently.
pub(super) fn canonical(field: Field, text: String) -> String {
    if field == STATUS && canonical_status(&text) != text { canonical_status(&text).to_string() } else { text }
}

/// The row says that this server has the older word.
pub(super) fn says_older_word(row: &Members) -> bool {
    row.says(STATUS.name, OLDER)
}

/// The patch sets the one value that has two words.
pub(super) fn has_older_word(set: &Patch) -> bool {
    matches!(set.get(STATUS), Some(Value::Text(word)) if word == "active")
}

/// The value as an older server words it.
pub(super) fn older(field: Field, value: &Value) -> Option<Value> {
    let active = field == STATUS && matches!(value, Value::Text(word) if word == "active");
    active.then(|| Value::Text(OLDER.into()))
}
