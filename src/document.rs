//! Rows as JSON documents: what `--json` prints, what queue.jsonl and discarded.jsonl keep, and the server's row beside one
//! with queued operations. Member names are the API's (api.md 3.3).

use crate::model::kind::Type;
use crate::model::{Kind, Row};
use miniserde::json::{self, Number, Object, Value};

pub fn text(value: impl Into<String>) -> Value {
    Value::String(value.into())
}

pub fn optional(value: &Option<String>) -> Value {
    value.clone().map_or(Value::Null, Value::String)
}

pub fn integer(value: i64) -> Value {
    Value::Number(Number::I64(value))
}

pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

pub fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object.get(name),
        _ => None,
    }
}

pub fn as_text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

pub fn as_integer(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Number(Number::I64(number))) => Some(*number),
        Some(Value::Number(Number::U64(number))) => i64::try_from(*number).ok(),
        _ => None,
    }
}

fn as_number(value: Option<&Value>) -> Option<f64> {
    match value {
        Some(Value::Number(Number::F64(number))) => Some(*number),
        other => as_integer(other).map(|number| number as f64),
    }
}

/// A row with everything it has, under the API's names; people's documents and our files are made of it.
pub fn row_to_json(row: &Row) -> Object {
    let mut object: Object = [
        ("id", integer(row.id)),
        ("workspace_id", integer(row.workspace_id)),
        ("identifier", text(&row.name)),
        ("number", integer(row.number())),
        ("uid", optional(&row.uid)),
        ("version", integer(row.version)),
        ("created_at", text(&row.created_at)),
        ("updated_at", text(&row.updated_at)),
        ("deleted_at", optional(&row.deleted_at)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_string(), value))
    .collect();
    for field in row.kind.fields {
        let value = match (row.get(field), field.ty) {
            (crate::model::Value::Null, Type::Words) => Value::Array(json::Array::new()),
            (value, _) => value.to_json(),
        };
        object.insert(field.name.to_string(), value);
    }
    object
}

/// The inverse of `row_to_json`. `None` when one of the members every row has is missing.
pub fn row_from_json(kind: &'static Kind, value: &Value) -> Option<Row> {
    let get = |name| member(value, name);
    let mut row = Row {
        id: as_integer(get("id"))?,
        workspace_id: as_integer(get("workspace_id"))?,
        name: as_text(get("identifier"))?,
        uid: as_text(get("uid")),
        version: as_integer(get("version"))?,
        created_at: as_text(get("created_at"))?,
        updated_at: as_text(get("updated_at"))?,
        deleted_at: as_text(get("deleted_at")),
        ..Row::new(kind)
    };
    for field in kind.fields {
        if let Some(value) = get(field.name).and_then(crate::model::Value::from_json) {
            row.set(field, value);
        }
    }
    Some(row)
}

/// Parses text that we wrote ourselves; `Null` for anything that is no JSON.
pub fn parse(text: &str) -> Value {
    json::from_str(text).unwrap_or(Value::Null)
}
