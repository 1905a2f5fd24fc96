//! A task as the database has it, and its fields as requests set them. The client has descriptions of its own: a server is
//! not to follow when they change.

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
    fn to_text(&self) -> Option<String> {
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

/// A task.
/// Times are kept as the text they came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Task {
    pub id: i64,
    pub workspace_id: i64,
    pub project_id: i64,
    /// `DEV-42`.
    pub identifier: String,
    pub number: i64,
    pub uid: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub status: String,
    pub priority: i64,
    pub owner_id: Option<String>,
    pub assignee_type: Option<String>,
    pub assigned_coding_agent: Option<String>,
    pub labels: Vec<String>,
    pub phase: Option<String>,
    /// Hours.
    pub estimate: Option<f64>,
    pub parent_id: Option<i64>,
    pub goal_id: Option<i64>,
    pub implementation_plan: Option<String>,
    pub checklist: Option<String>,
    pub creator_id: Option<String>,
    /// Grows with every change (api.md 1.10).
    pub version: i64,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    pub canceled_at: Option<String>,
    pub archived_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    /// Set on a tombstone.
    pub deleted_at: Option<String>,
}

impl Task {
    pub fn get(&self, field: Field) -> Value {
        let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::Text);
        match field {
            Field::Title => Value::Text(self.title.clone()),
            Field::Description => text(&self.description),
            Field::Status => Value::Text(self.status.clone()),
            Field::Priority => Value::Int(self.priority),
            Field::Owner => text(&self.owner_id),
            Field::AssigneeType => text(&self.assignee_type),
            Field::CodingAgent => text(&self.assigned_coding_agent),
            Field::Labels => Value::Set(self.labels.clone()),
            Field::Phase => text(&self.phase),
            Field::Estimate => self.estimate.map_or(Value::Null, Value::Number),
            Field::Parent => self.parent_id.map_or(Value::Null, Value::Int),
            Field::Project => Value::Int(self.project_id),
            Field::Plan => text(&self.implementation_plan),
            Field::Checklist => text(&self.checklist),
        }
    }

    /// Sets one field. A value of the wrong kind for the field leaves it as it is.
    pub fn set(&mut self, field: Field, value: &Value) {
        match (field, value) {
            (Field::Title, Value::Text(text)) => self.title = text.clone(),
            (Field::Status, Value::Text(text)) => self.status = text.clone(),
            (Field::Priority, Value::Int(number)) => self.priority = *number,
            (Field::Project, Value::Int(id)) => self.project_id = *id,
            (Field::Labels, Value::Set(labels)) => self.labels = labels.clone(),
            (Field::Labels, Value::Null) => self.labels = Vec::new(),
            (Field::Description, value) => self.description = value.to_text(),
            (Field::Owner, value) => self.owner_id = value.to_text(),
            (Field::AssigneeType, value) => self.assignee_type = value.to_text(),
            (Field::CodingAgent, value) => self.assigned_coding_agent = value.to_text(),
            (Field::Phase, value) => self.phase = value.to_text(),
            (Field::Plan, value) => self.implementation_plan = value.to_text(),
            (Field::Checklist, value) => self.checklist = value.to_text(),
            (Field::Estimate, Value::Number(hours)) => self.estimate = Some(*hours),
            (Field::Estimate, Value::Int(hours)) => self.estimate = Some(*hours as f64),
            (Field::Estimate, _) => self.estimate = None,
            (Field::Parent, Value::Int(id)) => self.parent_id = Some(*id),
            (Field::Parent, _) => self.parent_id = None,
            _ => {}
        }
    }

    pub fn apply(&mut self, patch: &Patch) {
        for (field, value) in patch {
            self.set(*field, value);
        }
    }
}
