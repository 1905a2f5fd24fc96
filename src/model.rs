//! The words every other module speaks: workspaces, projects, tasks, their fields, and the operations that change
//! them. No SQL, no HTTP, no terminal. Field names and enum values are those of api.md section 3.

use crate::time::Timestamp;
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

/// The running number in a task identifier: 42 in `DEV-42`; 0 where there is none.
pub fn number_of(identifier: &str) -> i64 {
    identifier.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    pub id: i64,
    pub identifier: String,
    pub name: String,
    pub description: Option<String>,
    /// Numbers given to tasks so far; it never goes down except when a server is restored from a backup.
    pub task_counter: Option<i64>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: i64,
    pub workspace_id: i64,
    pub name: String,
    pub description: Option<String>,
    pub status: String,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub id: i64,
    pub workspace_id: i64,
    pub name: String,
    pub color: Option<String>,
    pub description: Option<String>,
    pub created_at: String,
    pub updated_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub workspace_id: i64,
    pub user_id: String,
    pub role: String,
    pub created_at: String,
}

/// A dependency of the graph: `task` depends on `depends_on`, both identifiers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub task: String,
    pub depends_on: String,
}

/// Who a credential belongs to (`GET /v1/auth`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user_id: String,
    pub email: Option<String>,
    pub role: Option<String>,
}

/// A task as the server has it, or as it will be once our queued operations are through.
/// Times are kept as the text they came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Task {
    /// The server's id; negative while the task exists only here (provisional).
    pub id: i64,
    pub workspace_id: i64,
    pub project_id: i64,
    /// `DEV-42`; provisional tasks carry the next free number.
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
    /// Grows with every change on the server; 0 while provisional (api.md 1.10).
    pub version: i64,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    pub canceled_at: Option<String>,
    pub archived_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    /// Set on a tombstone, and on a task deleted here whose delete is still queued.
    pub deleted_at: Option<String>,
}

impl Task {
    pub fn is_provisional(&self) -> bool {
        self.id < 0
    }

    /// A server that was restored from a backup gives ids and names twice. When a task was made never changes, but it may
    /// be written down to the second in one place and to the millisecond in another.
    pub fn is_another_than(&self, known: &Task) -> bool {
        let (known, this) = (Timestamp::parse(&known.created_at), Timestamp::parse(&self.created_at));
        known.zip(this).is_some_and(|(known, this)| {
            let whole_seconds = known.0 % 1_000_000 == 0 || this.0 % 1_000_000 == 0;
            known.0.abs_diff(this.0) > if whole_seconds { 1_000_000 } else { 1_000 }
        })
    }

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

/// What an operation does, and to what kind of thing: the `operation` and `entity_type` columns of `sync_queue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    CreateTask,
    UpdateTask,
    DeleteTask,
    AddDependency,
    RemoveDependency,
}

impl Kind {
    pub fn operation(self) -> &'static str {
        match self {
            Kind::CreateTask | Kind::AddDependency => "create",
            Kind::UpdateTask => "update",
            Kind::DeleteTask | Kind::RemoveDependency => "delete",
        }
    }

    pub fn entity_type(self) -> &'static str {
        match self {
            Kind::CreateTask | Kind::UpdateTask | Kind::DeleteTask => "task",
            Kind::AddDependency | Kind::RemoveDependency => "dependency",
        }
    }

    pub fn parse(operation: &str, entity_type: &str) -> Option<Kind> {
        [Kind::CreateTask, Kind::UpdateTask, Kind::DeleteTask, Kind::AddDependency, Kind::RemoveDependency]
            .into_iter()
            .find(|kind| kind.operation() == operation && kind.entity_type() == entity_type)
    }
}

/// One queued change.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// UUID made when it was queued; the `Idempotency-Key` of a create.
    pub op_id: String,
    pub kind: Kind,
    pub workspace_id: i64,
    /// The task it changes; for a dependency the dependent task. Negative while that task is provisional.
    pub task_id: i64,
    /// The task's identifier when the operation was queued or last renumbered: for people and for request paths.
    pub identifier: String,
    /// For a dependency: the task depended on, id and identifier.
    pub depends_on: Option<(i64, String)>,
    /// The server version that `base` was read at; 0 for a task that had none.
    pub base_version: i64,
    /// Values of the changed fields before the change; every field of the task for a delete.
    pub base: Patch,
    /// Values after the change; every given field for a create.
    pub set: Patch,
    /// RFC 3339, this machine's clock.
    pub created_at: String,
    /// A request for it left this machine and no answer was recorded: check before it is sent again.
    pub uncertain: Option<Uncertain>,
    /// The server's last refusal.
    pub error: Option<String>,
}

impl Operation {
    /// Every task it names: the one it changes, the one depended on, the new parent and the one before.
    pub fn tasks(&self) -> Vec<i64> {
        let parent = |patch: &Patch| match patch.get(&Field::Parent) {
            Some(Value::Int(parent)) => Some(*parent),
            _ => None,
        };
        let target = self.depends_on.as_ref().map(|(id, _)| *id);
        [Some(self.task_id), target, parent(&self.set), parent(&self.base)].into_iter().flatten().collect()
    }

    /// Points everything that named the task `old` at the id and the name it has now. True when something did.
    pub fn follow(&mut self, old: i64, id: i64, identifier: &str) -> bool {
        let mut named = self.task_id == old;
        if named {
            (self.task_id, self.identifier) = (id, identifier.to_string());
        }
        if let Some((target, name)) = &mut self.depends_on
            && *target == old
        {
            (*target, *name) = (id, identifier.to_string());
            named = true;
        }
        for patch in [&mut self.set, &mut self.base] {
            if patch.get(&Field::Parent) == Some(&Value::Int(old)) {
                patch.insert(Field::Parent, Value::Int(id));
                named = true;
            }
        }
        named
    }
}

/// What is known of a request whose answer never came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Uncertain {
    /// The highest task number known in the workspace when it was sent: a create of ours got a higher one.
    pub after_number: i64,
    /// Of an update: the version it was sent for; 0 where that was not written down.
    pub version: i64,
    /// The values that were sent.
    pub set: Patch,
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
    fn a_task_gives_back_what_was_set() {
        let mut task = Task::default();
        let patch = Patch::from([
            (Field::Labels, Value::Set(vec!["b".into(), "a".into()])),
            (Field::Estimate, Value::Number(1.5)),
            (Field::Owner, Value::Text("u1".into())),
            (Field::Parent, Value::Int(7)),
        ]);
        task.apply(&patch);
        assert!(patch.iter().all(|(field, value)| task.get(*field) == *value));
        assert_eq!(patch_from_json(&patch_to_json(&patch)), patch);
    }

    #[test]
    fn sets_have_no_order_and_nothing_equals_empty() {
        assert_eq!(Value::Set(vec!["a".into(), "b".into()]), Value::Set(vec!["b".into(), "a".into()]));
        assert_eq!(Value::Null, Value::Text(String::new()));
        assert_ne!(Value::Null, Value::Int(0));
    }
}
