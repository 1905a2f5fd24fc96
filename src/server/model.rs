//! A task as this server keeps it, and how a patch changes it.

use anyt::model::task::{
    ASSIGNEE_TYPE, CHECKLIST, CODING_AGENT, DESCRIPTION, ESTIMATE, LABELS, OWNER, PARENT, PHASE, PLAN, PRIORITY,
    PROJECT, STATUS, TITLE,
};
use anyt::model::{Field, Patch, Value};

/// Times are kept as the text they came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Task {
    pub id: i64,
    pub workspace_id: i64,
    pub project_id: i64,
    /// `DEV-42`
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
    pub fn apply(&mut self, patch: &Patch) {
        for (field, value) in patch {
            self.set(field, value);
        }
    }

    pub fn get(&self, field: Field) -> Value {
        let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::Text);
        match field {
            field if field == TITLE => Value::Text(self.title.clone()),
            field if field == STATUS => Value::Text(self.status.clone()),
            field if field == PRIORITY => Value::Int(self.priority),
            field if field == PROJECT => Value::Int(self.project_id),
            field if field == LABELS => Value::Set(self.labels.clone()),
            field if field == ESTIMATE => self.estimate.map_or(Value::Null, Value::Number),
            field if field == PARENT => self.parent_id.map_or(Value::Null, Value::Int),
            field if field == DESCRIPTION => text(&self.description),
            field if field == OWNER => text(&self.owner_id),
            field if field == ASSIGNEE_TYPE => text(&self.assignee_type),
            field if field == CODING_AGENT => text(&self.assigned_coding_agent),
            field if field == PHASE => text(&self.phase),
            field if field == PLAN => text(&self.implementation_plan),
            field if field == CHECKLIST => text(&self.checklist),
            _ => Value::Null,
        }
    }

    /// Sets one field. A value of the wrong type for the field leaves it as it is.
    fn set(&mut self, field: Field, value: &Value) {
        let text = match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        match (field, value) {
            (field, Value::Text(text)) if field == TITLE => self.title = text.clone(),
            (field, Value::Text(text)) if field == STATUS => self.status = text.clone(),
            (field, Value::Int(number)) if field == PRIORITY => self.priority = *number,
            (field, Value::Int(id)) if field == PROJECT => self.project_id = *id,
            (field, Value::Set(labels)) if field == LABELS => self.labels = labels.clone(),
            (field, Value::Null) if field == LABELS => self.labels = Vec::new(),
            (field, Value::Number(hours)) if field == ESTIMATE => self.estimate = Some(*hours),
            (field, Value::Int(hours)) if field == ESTIMATE => self.estimate = Some(*hours as f64),
            (field, _) if field == ESTIMATE => self.estimate = None,
            (field, Value::Int(id)) if field == PARENT => self.parent_id = Some(*id),
            (field, _) if field == PARENT => self.parent_id = None,
            (field, _) if field == DESCRIPTION => self.description = text,
            (field, _) if field == OWNER => self.owner_id = text,
            (field, _) if field == ASSIGNEE_TYPE => self.assignee_type = text,
            (field, _) if field == CODING_AGENT => self.assigned_coding_agent = text,
            (field, _) if field == PHASE => self.phase = text,
            (field, _) if field == PLAN => self.implementation_plan = text,
            (field, _) if field == CHECKLIST => self.checklist = text,
            _ => {}
        }
    }
}
