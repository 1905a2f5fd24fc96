//! The value of a field, and patches: fields with their new values.

use super::kind::{Field, Kind};
use super::normal_form::composed;
use crate::gather::Gather;
use miniserde::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The value of one field.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Text(String),
    Int(i64),
    Number(f64),
    /// Label names: a set, kept in the order it was given.
    Set(Vec<String>),
    /// Of a reference field: the row that the create operation with this id makes.
    MadeBy(String),
}

/// Fields and their new values, in a fixed order.
pub type Patch = BTreeMap<Field, Value>;

impl PartialEq for Value {
    /// Sets are equal whatever their order; an absent text equals an empty one, because no server generation tells
    /// whether it keeps the difference (api.md 7).
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Null, Value::Text(text)) | (Value::Text(text), Value::Null) => text.is_empty(),
            (Value::Null, Value::Set(set)) | (Value::Set(set), Value::Null) => set.is_empty(),
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::MadeBy(a), Value::MadeBy(b)) => a == b,
            (Value::Int(a), Value::Number(b)) | (Value::Number(b), Value::Int(a)) => *a as f64 == *b,
            (Value::Set(a), Value::Set(b)) => {
                a.iter().all(|label| b.contains(label)) && b.iter().all(|label| a.contains(label))
            }
            _ => false,
        }
    }
}

impl Value {
    /// The one comparison of the engine: equal but for line ends, blanks at the ends of lines and of the text, and
    /// Unicode normalisation, which servers write in their own way. Values are stored as typed.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Text(one), Value::Text(other)) => one == other || folded(one) == folded(other),
            (Value::Null, Value::Text(text)) | (Value::Text(text), Value::Null) => text.trim().is_empty(),
            (Value::Set(one), Value::Set(other)) => {
                let fold = |set: &[String]| set.iter().map(|word| folded(word)).gather::<BTreeSet<_>>();
                self == &Value::Set(other.clone()) || fold(one) == fold(other)
            }
            _ => self == other,
        }
    }

    pub fn to_json(&self) -> json::Value {
        match self {
            Value::Null => json::Value::Null,
            Value::Text(text) => json::Value::String(text.clone()),
            Value::Int(number) => json::Value::Number(json::Number::I64(*number)),
            Value::Number(number) => json::Value::Number(json::Number::F64(*number)),
            Value::Set(labels) => json::Value::Array(labels.iter().cloned().map(json::Value::String).collect()),
            Value::MadeBy(op_id) => {
                let mut object = json::Object::new();
                object.insert("made_by".into(), json::Value::String(op_id.clone()));
                json::Value::Object(object)
            }
        }
    }

    /// `None` for booleans and other objects than `{"made_by": …}`, which no field has.
    pub fn from_json(value: &json::Value) -> Option<Value> {
        Some(match value {
            json::Value::Null => Value::Null,
            json::Value::String(text) => Value::Text(text.clone()),
            json::Value::Number(json::Number::I64(number)) => Value::Int(*number),
            json::Value::Number(json::Number::U64(number)) => Value::Int(i64::try_from(*number).ok()?),
            json::Value::Number(json::Number::F64(number)) => Value::Number(*number),
            json::Value::Array(items) => Value::Set(
                items
                    .iter()
                    .map(|item| match item {
                        json::Value::String(text) => Some(text.clone()),
                        _ => None,
                    })
                    .collect::<Option<Vec<String>>>()?,
            ),
            json::Value::Object(object) => match object.get("made_by") {
                Some(json::Value::String(op_id)) => Value::MadeBy(op_id.clone()),
                _ => return None,
            },
            json::Value::Bool(_) => return None,
        })
    }
}

impl fmt::Display for Value {
    /// As people write it: labels with commas between them, nothing as `-`. A label that would read as something else
    /// stands in quotes, where a quote is written twice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("-"),
            Value::Text(text) | Value::MadeBy(text) => f.write_str(text),
            Value::Int(number) => write!(f, "{number}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Set(labels) if labels.is_empty() => f.write_str("-"),
            Value::Set(labels) => {
                f.write_str(&labels.iter().map(|label| written(label)).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn written(label: &str) -> String {
    let plain = !label.contains(',') && !label.starts_with('"') && !["", "-"].contains(&label);
    if plain && label.trim() == label { label.to_string() } else { format!("\"{}\"", label.replace('"', "\"\"")) }
}

/// A text as it is compared: line ends as `\n`, no blanks at line ends or around the text, composed characters (NFC).
pub fn folded(text: &str) -> String {
    let lines = text.trim().split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n");
    if lines.is_ascii() { lines } else { composed(&lines) }
}

/// A patch as a JSON object under the API's names.
pub fn patch_to_json(patch: &Patch) -> json::Value {
    let mut object = json::Object::new();
    for (field, value) in patch {
        object.insert(field.name.to_string(), value.to_json());
    }
    json::Value::Object(object)
}

/// The inverse of `patch_to_json`; members that are no field of the kind are passed over.
pub fn patch_from_json(kind: &'static Kind, value: &json::Value) -> Patch {
    match value {
        json::Value::Object(object) => {
            object.iter().filter_map(|(name, value)| Some((kind.field(name)?, Value::from_json(value)?))).gather()
        }
        _ => Patch::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_no_order_and_nothing_equals_empty() {
        assert_eq!(Value::Set(vec!["a".into(), "b".into()]), Value::Set(vec!["b".into(), "a".into()]));
        assert_eq!(Value::Null, Value::Text(String::new()));
        assert_ne!(Value::Null, Value::Int(0));
    }

    #[test]
    fn line_ends_and_normal_forms_are_no_difference() {
        let text = |text: &str| Value::Text(text.into());
        assert!(text("a\r\nb \n").same(&text("a\nb")));
        assert!(text("Caf\u{e9}").same(&text("Cafe\u{301}")));
        assert!(Value::Set(vec!["\u{e9}".into()]).same(&Value::Set(vec!["e\u{301}".into()])));
        assert!(!text("a b").same(&text("a  b")));
        assert!(!text("a").same(&text("b")));
    }
}
