//! What is queued: an operation on one task, and what is known of a request for it whose answer never came.

use super::{Field, Patch, Value};
use crate::time::Timestamp;

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
    /// Refused, and certainly not done.
    pub fn is_parked(&self) -> bool {
        self.error.is_some() && self.uncertain.is_none()
    }

    /// Both name a field.
    pub fn shares_a_field(&self, other: &Operation) -> bool {
        self.set.keys().any(|field| other.set.contains_key(field))
    }

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
    /// Of a create: until when, by this machine's clock, the request may still be on its way to where it is carried out.
    pub until: Option<Timestamp>,
}
