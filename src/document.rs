//! Tasks and operations as JSON documents: what `--json` prints, what the journal and `discarded/` keep, and the
//! server's row beside a task with queued operations. Member names are the API's (api.md 3.3).

use crate::model::{Kind, Operation, Task, Uncertain, patch_from_json, patch_to_json};
use crate::time::Timestamp;
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

pub fn task_to_json(task: &Task) -> Object {
    let integer_or_null = |value: Option<i64>| value.map_or(Value::Null, integer);
    let members = [
        ("id", integer(task.id)),
        ("workspace_id", integer(task.workspace_id)),
        ("project_id", integer(task.project_id)),
        ("identifier", text(&task.identifier)),
        ("number", integer(task.number)),
        ("uid", optional(&task.uid)),
        ("title", text(&task.title)),
        ("description", optional(&task.description)),
        ("status", text(&task.status)),
        ("priority", integer(task.priority)),
        ("owner_id", optional(&task.owner_id)),
        ("assignee_type", optional(&task.assignee_type)),
        ("assigned_coding_agent", optional(&task.assigned_coding_agent)),
        ("labels", Value::Array(task.labels.iter().map(text).collect())),
        ("phase", optional(&task.phase)),
        ("estimate", task.estimate.map_or(Value::Null, |hours| Value::Number(Number::F64(hours)))),
        ("parent_id", integer_or_null(task.parent_id)),
        ("goal_id", integer_or_null(task.goal_id)),
        ("implementation_plan", optional(&task.implementation_plan)),
        ("checklist", optional(&task.checklist)),
        ("creator_id", optional(&task.creator_id)),
        ("version", integer(task.version)),
        ("started_at", optional(&task.started_at)),
        ("completed_at", optional(&task.completed_at)),
        ("canceled_at", optional(&task.canceled_at)),
        ("archived_at", optional(&task.archived_at)),
        ("created_at", text(&task.created_at)),
        ("updated_at", text(&task.updated_at)),
        ("deleted_at", optional(&task.deleted_at)),
    ];
    members.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// The inverse of `task_to_json`. `None` when one of the members every task has is missing.
pub fn task_from_json(value: &Value) -> Option<Task> {
    let get = |name| member(value, name);
    Some(Task {
        id: as_integer(get("id"))?,
        workspace_id: as_integer(get("workspace_id"))?,
        project_id: as_integer(get("project_id"))?,
        identifier: as_text(get("identifier"))?,
        number: as_integer(get("number"))?,
        uid: as_text(get("uid")),
        title: as_text(get("title"))?,
        description: as_text(get("description")),
        status: as_text(get("status"))?,
        priority: as_integer(get("priority"))?,
        owner_id: as_text(get("owner_id")),
        assignee_type: as_text(get("assignee_type")),
        assigned_coding_agent: as_text(get("assigned_coding_agent")),
        labels: match get("labels") {
            Some(Value::Array(items)) => items.iter().filter_map(|item| as_text(Some(item))).collect(),
            _ => Vec::new(),
        },
        phase: as_text(get("phase")),
        estimate: as_number(get("estimate")),
        parent_id: as_integer(get("parent_id")),
        goal_id: as_integer(get("goal_id")),
        implementation_plan: as_text(get("implementation_plan")),
        checklist: as_text(get("checklist")),
        creator_id: as_text(get("creator_id")),
        version: as_integer(get("version"))?,
        started_at: as_text(get("started_at")),
        completed_at: as_text(get("completed_at")),
        canceled_at: as_text(get("canceled_at")),
        archived_at: as_text(get("archived_at")),
        created_at: as_text(get("created_at"))?,
        updated_at: as_text(get("updated_at"))?,
        deleted_at: as_text(get("deleted_at")),
    })
}

/// The `payload` column of `sync_queue`: all that a three-way merge needs (design.md "Merge and conflicts").
pub fn payload_to_json(operation: &Operation) -> Value {
    object([
        ("base_version", integer(operation.base_version)),
        ("base", patch_to_json(&operation.base)),
        ("set", patch_to_json(&operation.set)),
    ])
}

pub fn uncertain_to_json(uncertain: &Uncertain) -> Value {
    object([
        ("after_number", integer(uncertain.after_number)),
        ("version", integer(uncertain.version)),
        ("set", patch_to_json(&uncertain.set)),
        ("until", uncertain.until.map_or(Value::Null, |until| text(until.rfc3339()))),
    ])
}

pub fn uncertain_from_json(value: &Value) -> Uncertain {
    Uncertain {
        after_number: as_integer(member(value, "after_number")).unwrap_or(0),
        version: as_integer(member(value, "version")).unwrap_or(0),
        set: member(value, "set").map(patch_from_json).unwrap_or_default(),
        until: as_text(member(value, "until")).and_then(|until| Timestamp::parse(&until)),
    }
}

pub fn operation_to_json(operation: &Operation) -> Value {
    let (target, name) = match &operation.depends_on {
        Some((id, identifier)) => (integer(*id), text(identifier)),
        None => (Value::Null, Value::Null),
    };
    object([
        ("op_id", text(&operation.op_id)),
        ("operation", text(operation.kind.operation())),
        ("entity_type", text(operation.kind.entity_type())),
        ("workspace_id", integer(operation.workspace_id)),
        ("task_id", integer(operation.task_id)),
        ("identifier", text(&operation.identifier)),
        ("depends_on_id", target),
        ("depends_on", name),
        ("payload", payload_to_json(operation)),
        ("created_at", text(&operation.created_at)),
        ("uncertain", operation.uncertain.as_ref().map_or(Value::Null, uncertain_to_json)),
        ("error", optional(&operation.error)),
    ])
}

pub fn operation_from_json(value: &Value) -> Option<Operation> {
    let get = |name| member(value, name);
    let payload = get("payload")?;
    Some(Operation {
        op_id: as_text(get("op_id"))?,
        kind: Kind::parse(&as_text(get("operation"))?, &as_text(get("entity_type"))?)?,
        workspace_id: as_integer(get("workspace_id"))?,
        task_id: as_integer(get("task_id"))?,
        identifier: as_text(get("identifier"))?,
        depends_on: as_integer(get("depends_on_id")).zip(as_text(get("depends_on"))),
        base_version: as_integer(member(payload, "base_version"))?,
        base: patch_from_json(member(payload, "base")?),
        set: patch_from_json(member(payload, "set")?),
        created_at: as_text(get("created_at"))?,
        uncertain: match get("uncertain") {
            Some(value @ Value::Object(_)) => Some(uncertain_from_json(value)),
            _ => None,
        },
        error: as_text(get("error")),
    })
}

/// Parses text that we wrote ourselves; `Null` for anything that is no JSON.
pub fn parse(text: &str) -> Value {
    json::from_str(text).unwrap_or(Value::Null)
}
