//! The fields of a task that people change, and their values.

use miniserde::json;
use std::collections::BTreeMap;
use std::fmt;

/// Task statuses in the order of a task's life (api.md 3.14, generations C and D).
pub const STATUSES: [&str; 7] = ["backlog", "todo", "active", "blocked", "done", "canceled", "archived"];

/// Lowest and highest priority (api.md 3.14).
pub const PRIORITIES: std::ops::RangeInclusive<i64> = -2..=2;

/// One word for each status, whatever generation of server it came from: `inprogress` and `in_progress` are `active`,
/// `cancelled` is `canceled`. Words that no generation knows stay as they are: a newer server is no error.
pub fn canonical_status(word: &str) -> &str {
    match word {
        "inprogress" | "in_progress" => "active",
        "cancelled" => "canceled",
        other => other,
    }
}

/// A field of a task that somebody may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    Title,
    Description,
    Status,
    Priority,
    Owner,
    AssigneeType,
    CodingAgent,
    Labels,
    Phase,
    Estimate,
    Parent,
    Project,
    Plan,
    Checklist,
}

impl Field {
    pub const ALL: [Field; 14] = [
        Field::Title,
        Field::Status,
        Field::Priority,
        Field::Owner,
        Field::Labels,
        Field::Phase,
        Field::Estimate,
        Field::Parent,
        Field::Project,
        Field::AssigneeType,
        Field::CodingAgent,
        Field::Description,
        Field::Plan,
        Field::Checklist,
    ];

    /// The member's name in the API's JSON (api.md 3.3).
    pub fn name(self) -> &'static str {
        match self {
            Field::Title => "title",
            Field::Description => "description",
            Field::Status => "status",
            Field::Priority => "priority",
            Field::Owner => "owner_id",
            Field::AssigneeType => "assignee_type",
            Field::CodingAgent => "assigned_coding_agent",
            Field::Labels => "labels",
            Field::Phase => "phase",
            Field::Estimate => "estimate",
            Field::Parent => "parent_id",
            Field::Project => "project_id",
            Field::Plan => "implementation_plan",
            Field::Checklist => "checklist",
        }
    }

    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The word people see and type: `owner` rather than `owner_id`.
    pub fn word(self) -> &'static str {
        match self {
            Field::Owner => "owner",
            Field::Parent => "parent",
            Field::Project => "project",
            Field::Plan => "plan",
            Field::AssigneeType => "assignee type",
            Field::CodingAgent => "coding agent",
            other => other.name(),
        }
    }

    /// Long text that merges line by line.
    pub fn is_prose(self) -> bool {
        matches!(self, Field::Description | Field::Plan | Field::Checklist)
    }
}

/// The value of one field.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Text(String),
    Int(i64),
    Number(f64),
    /// Label names: a set, kept in the order it was given.
    Set(Vec<String>),
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
            (Value::Int(a), Value::Number(b)) | (Value::Number(b), Value::Int(a)) => *a as f64 == *b,
            (Value::Set(a), Value::Set(b)) => {
                a.iter().all(|label| b.contains(label)) && b.iter().all(|label| a.contains(label))
            }
            _ => false,
        }
    }
}

impl Value {
    /// Equal but for the white space that servers may write in their own way: line ends, blanks at the ends or doubled.
    pub fn reads_as(&self, other: &Value) -> bool {
        let (Value::Text(one), Value::Text(other)) = (self, other) else { return self == other };
        one.split_whitespace().eq(other.split_whitespace())
    }

    pub(super) fn to_text(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub fn to_json(&self) -> json::Value {
        match self {
            Value::Null => json::Value::Null,
            Value::Text(text) => json::Value::String(text.clone()),
            Value::Int(number) => json::Value::Number(json::Number::I64(*number)),
            Value::Number(number) => json::Value::Number(json::Number::F64(*number)),
            Value::Set(labels) => json::Value::Array(labels.iter().cloned().map(json::Value::String).collect()),
        }
    }

    /// `None` for booleans and objects, which no field has.
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
            json::Value::Bool(_) | json::Value::Object(_) => return None,
        })
    }
}

impl fmt::Display for Value {
    /// As people write it: labels with commas between them, nothing as `-`. A label that would read as something else
    /// stands in quotes, where a quote is written twice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("-"),
            Value::Text(text) => f.write_str(text),
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

/// A patch as a JSON object under the API's names.
pub fn patch_to_json(patch: &Patch) -> json::Value {
    json::Value::Object(patch.iter().map(|(field, value)| (field.name().to_string(), value.to_json())).collect())
}

/// The inverse of `patch_to_json`; members that are no task field are passed over.
pub fn patch_from_json(value: &json::Value) -> Patch {
    match value {
        json::Value::Object(object) => object
            .iter()
            .filter_map(|(name, value)| Some((Field::from_name(name)?, Value::from_json(value)?)))
            .collect(),
        _ => Patch::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_round_trip() {
        for field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(field));
        }
    }

    #[test]
    fn sets_have_no_order_and_nothing_equals_empty() {
        assert_eq!(Value::Set(vec!["a".into(), "b".into()]), Value::Set(vec!["b".into(), "a".into()]));
        assert_eq!(Value::Null, Value::Text(String::new()));
        assert_ne!(Value::Null, Value::Int(0));
    }
}
