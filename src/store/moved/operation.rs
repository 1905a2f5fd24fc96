//! An operation of anyt 0.1.0: it names its tasks by id, negative while they are provisional, and has at most one request
//! whose answer is not known. Here it becomes one that names them by the create that makes them, with its sends.

use crate::document::{self, as_integer, as_text, member};
use crate::model::kind::Type;
use crate::model::{Operation, Patch, Send, Shape, State, Target, Value};
use crate::time::Timestamp;
use miniserde::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// 0.1.0 wrote down until when a request may still arrive: its time and so much.
const IN_FLIGHT: Duration = Duration::from_secs(10);

/// Stands for the create of a task that is not known; no operation has this id.
const UNKNOWN: &str = "0-unknown";

/// Per provisional id: the create that makes the row.
pub(super) type Makers = BTreeMap<i64, String>;

/// The columns, or the members of a line.
pub(super) struct Parts {
    pub op_id: String,
    pub operation: String,
    pub entity_type: String,
    pub workspace_id: i64,
    pub task_id: i64,
    pub identifier: String,
    pub depends_on: Option<(i64, String)>,
    pub payload: json::Value,
    pub created_at: String,
    pub uncertain: json::Value,
    pub error: Option<String>,
}

impl Parts {
    /// `None` for what is no line of ours: an operation's id goes into a request's header.
    pub fn from_json(value: &json::Value) -> Option<Parts> {
        let get = |name| member(value, name);
        let op_id = as_text(get("op_id"))?;
        if op_id.is_empty() || !op_id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return None;
        }
        Some(Parts {
            op_id,
            operation: as_text(get("operation"))?,
            entity_type: as_text(get("entity_type"))?,
            workspace_id: as_integer(get("workspace_id"))?,
            task_id: as_integer(get("task_id"))?,
            identifier: as_text(get("identifier"))?,
            depends_on: as_integer(get("depends_on_id")).zip(as_text(get("depends_on"))),
            payload: get("payload")?.clone(),
            created_at: as_text(get("created_at"))?,
            uncertain: get("uncertain").cloned().unwrap_or(json::Value::Null),
            error: as_text(get("error")),
        })
    }

    pub fn is_create(&self) -> bool {
        self.operation == "create" && self.entity_type == "task"
    }

    /// `None` for a kind or an operation that no anyt knows.
    pub fn convert(self, makers: &Makers) -> Option<Operation> {
        let kind = crate::model::kind(&self.entity_type)?;
        let shape = Shape::parse(&self.operation, kind)?;
        let target = match shape {
            Shape::Create => Target::MadeBy(self.op_id.clone()),
            _ => target(self.task_id, makers),
        };
        let (other, other_name) = match self.depends_on {
            Some((id, name)) => (Some(self::target(id, makers)), Some(name)),
            None => (None, None),
        };
        let mut op = Operation {
            op_id: self.op_id,
            workspace_id: self.workspace_id,
            target,
            other,
            name: self.identifier,
            other_name,
            created_at: self.created_at,
            ..Operation::new(kind, shape)
        };
        document::read_payload(&mut op, &self.payload);
        refer(&mut op.base, makers);
        refer(&mut op.set, makers);
        op.sends.extend(send(&self.uncertain, &op));
        op.state = state(&op, self.error);
        Some(op)
    }
}

fn state(op: &Operation, error: Option<String>) -> State {
    let unknown = Target::MadeBy(UNKNOWN.into());
    match error {
        Some(words) => State::Rejected(words),
        None if op.target == unknown || op.other.as_ref() == Some(&unknown) => {
            State::Rejected("the task it belongs to was never created".into())
        }
        None if op.sends.is_empty() => State::Queued,
        None => State::Sent,
    }
}

fn target(id: i64, makers: &Makers) -> Target {
    if id > 0 {
        return Target::Server(id);
    }
    Target::MadeBy(makers.get(&id).cloned().unwrap_or_else(|| UNKNOWN.to_string()))
}

/// Provisional ids in reference fields become the creates; one whose create is gone goes.
fn refer(patch: &mut Patch, makers: &Makers) {
    patch.retain(|field, value| match (field.ty, &*value) {
        (Type::Reference(_), Value::Int(id)) if *id < 0 => match makers.get(id) {
            Some(op_id) => {
                *value = Value::MadeBy(op_id.clone());
                true
            }
            None => false,
        },
        _ => true,
    });
}

/// The request whose answer is not known.
pub(super) fn send(uncertain: &json::Value, op: &Operation) -> Option<Send> {
    if !matches!(uncertain, json::Value::Object(_)) {
        return None;
    }
    let number = |name| as_integer(member(uncertain, name)).unwrap_or(0);
    let sent = member(uncertain, "set").map(|set| crate::model::patch_from_json(op.kind, set)).unwrap_or_default();
    let until = as_text(member(uncertain, "until")).and_then(|until| Timestamp::parse(&until));
    let at = until.map(|until| until.minus(IN_FLIGHT)).or_else(|| Timestamp::parse(&op.created_at));
    Some(Send {
        at: at.unwrap_or_else(Timestamp::now),
        sent: if sent.is_empty() { op.set.clone() } else { sent },
        version: number("version"),
        highest_number: number("after_number"),
        reply: None,
    })
}
