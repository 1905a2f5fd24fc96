//! An operation in words and as a document of `--json`.

use crate::document::{integer, object, optional, text};
use crate::model::kind::Identity;
use crate::model::task::{TASK, TITLE};
use crate::model::{self, Field, Operation, Shape, State, Target, Value as FieldValue, patch_to_json};
use crate::names::{Names, shown};
use crate::store::Store;
use crate::ui::{sanitise, width};
use miniserde::json::Value;

/// `Create: DEV-43`, `Update: DEV-43 (status)`: how the queue is listed.
pub fn describe(operation: &Operation) -> String {
    let called = operation.kind.called(&operation.name);
    let name = sanitise::line(&called);
    let other = || sanitise::line(operation.other_name.as_deref().unwrap_or("-"));
    match (operation.shape, operation.kind.identity) {
        (Shape::Create, _) => format!("Create: {name}"),
        (Shape::Delete, _) => format!("Delete: {name}"),
        (Shape::Update, Identity::Id) if operation.set.is_empty() => format!("Update: {name}"),
        (Shape::Update, _) => {
            let words: Vec<&str> = operation.set.keys().map(|field| field.word).collect();
            format!("Update: {name} ({})", words.join(", "))
        }
        (Shape::Link, _) => format!("Add dependency: {name} on {}", other()),
        (Shape::Unlink, _) => format!("Remove dependency: {name} on {}", other()),
    }
}

/// The title of the row that it is about, for people; empty for what has none.
pub fn title(store: &Store, operation: &Operation) -> String {
    if let (Shape::Create, Some(FieldValue::Text(title))) = (operation.shape, operation.set.get(TITLE)) {
        return title.clone();
    }
    let ends = model::kind(operation.kind.ends).unwrap_or(operation.kind);
    let row = store.row_of(ends, &operation.target).ok().flatten();
    row.filter(|row| row.kind == &TASK).map_or_else(String::new, |row| row.title().to_string())
}

/// What becomes of it, for people.
pub fn state(operation: &Operation) -> String {
    match &operation.state {
        State::Rejected(error) => format!("refused: {error}"),
        State::Sent => "sent, answer unknown; checked at the next sync".into(),
        State::Answered(_) | State::Done => "sent".into(),
        State::Dropped(why) => format!("dropped: {why}"),
        State::Queued => "waiting".into(),
    }
}

/// An operation of which nothing is known: what the items of a list of operations have.
pub fn any_operation() -> Operation {
    Operation::new(&TASK, Shape::Create)
}

/// An operation as `--json` lists it: what the queue has of it, and the words of its line.
pub fn to_json(operation: &Operation) -> Value {
    let error = match &operation.state {
        State::Rejected(error) => Some(error.clone()),
        _ => None,
    };
    let id = |target: &Target| match target {
        Target::Server(id) => integer(*id),
        Target::MadeBy(op_id) => object([("made_by", text(op_id))]),
    };
    object([
        ("number", integer(operation.seq)),
        ("op_id", text(&operation.op_id)),
        ("operation", text(operation.shape.word())),
        ("entity_type", text(operation.kind.name)),
        ("workspace_id", integer(operation.workspace_id)),
        ("entity_id", id(&operation.target)),
        ("identifier", text(&operation.name)),
        ("depends_on_id", operation.other.as_ref().map_or(Value::Null, id)),
        ("depends_on", optional(&operation.other_name)),
        (
            "payload",
            object([
                ("base_version", integer(operation.seen_version)),
                ("base", patch_to_json(&operation.base)),
                ("set", patch_to_json(&operation.set)),
            ]),
        ),
        ("created_at", text(&operation.created_at)),
        ("error", optional(&error)),
        ("state", text(state(operation))),
        ("description", text(describe(operation))),
    ])
}

/// What becomes of a row when the creation of what it refers to is dropped.
pub fn orphaned(orphan: &Operation) -> String {
    let what: Vec<&str> = orphan.set.keys().map(|field| field.word).collect();
    format!("{} loses its {}", sanitise::line(&orphan.name), what.join(", "))
}

/// A value of a field on one line.
pub fn one_line(field: Field, value: &FieldValue, names: &dyn Names) -> String {
    width::truncate(&sanitise::line(&shown(field, value, names)), 60)
}
