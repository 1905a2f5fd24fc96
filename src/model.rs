//! The words every other module speaks: workspaces, projects, tasks; their fields (`value`), and the operations that
//! change them (`operation`). No SQL, no HTTP, no terminal. Names and values are those of api.md section 3.

mod operation;
mod value;

pub use operation::{Kind, Operation, Uncertain};
pub use value::{Field, PRIORITIES, Patch, STATUSES, Value, canonical_status, patch_from_json, patch_to_json};

use crate::time::Timestamp;

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

/// Microseconds by which the clocks of one server may differ.
const CLOCKS_DIFFER: u64 = 60_000_000;

/// Characters of a uid that is not made of the id.
const RANDOM: usize = 20;

impl Task {
    pub fn is_provisional(&self) -> bool {
        self.id < 0
    }

    /// A server that was restored from a backup gives ids and names twice. A uid tells them apart: one that differs in any
    /// case, one that is the same where it is too long to be made of the id. And so does when a task was made, which
    /// never changes, though the answer to a create may have it from another clock.
    pub fn is_another_than(&self, known: &Task) -> bool {
        if let (Some(known), Some(this)) = (&known.uid, &self.uid)
            && (known != this || this.len() >= RANDOM)
        {
            return known != this;
        }
        let (known, this) = (Timestamp::parse(&known.created_at), Timestamp::parse(&self.created_at));
        known.zip(this).is_some_and(|(known, this)| known.0.abs_diff(this.0) > CLOCKS_DIFFER)
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
