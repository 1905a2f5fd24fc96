//! What the generations of servers leave out of a row, or word differently (api.md 3.3, 3.14). The only place that knows a
//! field by its name.

use crate::model::comment::CONTENT;
use crate::model::task::{PROJECT, STATUS, TITLE, canonical_status};
use crate::model::{Field, Patch, Value};
use miniserde::json;

/// The older word for the status `active`.
const OLDER: &str = "inprogress";

/// Fields that every generation has in every row: without one of them an answer is not what it seems.
pub(super) fn is_required(field: Field) -> bool {
    [TITLE, PROJECT, CONTENT].contains(&field)
}

/// What a field that was left out reads as.
pub(super) fn absent(field: Field) -> Value {
    match field.name {
        name if name == STATUS.name => Value::Text("backlog".into()),
        name if name == crate::model::task::PRIORITY.name => Value::Int(0),
        _ => Value::Null,
    }
}

/// One word for what generations call differently.
pub(super) fn canonical(field: Field, text: String) -> String {
    if field == STATUS && canonical_status(&text) != text { canonical_status(&text).to_string() } else { text }
}

/// The row says that this server has the older word.
pub(super) fn says_older_word(row: &json::Value) -> bool {
    matches!(super::wire::member(row, STATUS.name), Some(json::Value::String(word)) if word == OLDER)
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
