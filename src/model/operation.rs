//! What is queued: an operation on one row, its state, and the requests that were sent for it.

use super::kind::{Change, Identity, Kind, Type};
use super::{Field, Patch, Row, Value};
use crate::time::Timestamp;

/// What an operation does. A description says which of them a kind has: `Identity::Id` has Create, Update and Delete,
/// `Identity::Pair` has Link and Unlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Create,
    Link,
    Unlink,
    Update,
    Delete,
}

impl Shape {
    pub const ALL: [Shape; 5] = [Shape::Create, Shape::Link, Shape::Unlink, Shape::Update, Shape::Delete];

    /// The `operation` column of `sync_queue`.
    pub fn word(self) -> &'static str {
        match self {
            Shape::Create | Shape::Link => "create",
            Shape::Update => "update",
            Shape::Delete | Shape::Unlink => "delete",
        }
    }

    /// The inverse of `word` for a kind.
    pub fn parse(word: &str, kind: &Kind) -> Option<Shape> {
        match (word, kind.identity) {
            ("create", Identity::Id) => Some(Shape::Create),
            ("create", Identity::Pair) => Some(Shape::Link),
            ("update", Identity::Id) => Some(Shape::Update),
            ("delete", Identity::Id) => Some(Shape::Delete),
            ("delete", Identity::Pair) => Some(Shape::Unlink),
            _ => None,
        }
    }
}

/// Which row is meant. Never a number or a name: those are given twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The server's id.
    Server(i64),
    /// The row that the create operation with this id makes.
    MadeBy(String),
}

impl Target {
    /// The `entity_id` column of `sync_queue`: the server's id, or the op_id of the create.
    pub fn to_text(&self) -> String {
        match self {
            Target::Server(id) => id.to_string(),
            Target::MadeBy(op_id) => op_id.clone(),
        }
    }

    pub fn parse(text: &str) -> Target {
        text.parse().map_or_else(|_| Target::MadeBy(text.to_string()), Target::Server)
    }

    /// The target as the value of a reference field.
    pub fn to_value(&self) -> Value {
        match self {
            Target::Server(id) => Value::Int(*id),
            Target::MadeBy(op_id) => Value::MadeBy(op_id.clone()),
        }
    }

    pub fn of_value(value: &Value) -> Option<Target> {
        match value {
            Value::Int(id) => Some(Target::Server(*id)),
            Value::MadeBy(op_id) => Some(Target::MadeBy(op_id.clone())),
            _ => None,
        }
    }
}

/// What is to hold on the server when the operation is sent (`--if-match`); else it is dropped, exit code 7.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Condition {
    pub version: Option<i64>,
    pub fields: Patch,
}

impl Condition {
    pub fn holds(&self, row: &Row) -> bool {
        self.version.is_none_or(|version| version == row.version)
            && self.fields.iter().all(|(field, value)| row.get(field).same(value))
    }
}

/// One queued change.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// UUID made when it was queued; the `Idempotency-Key` of a create.
    pub op_id: String,
    /// `sync_queue.id`: its place in the order, and the number people name it by; 0 before it is queued.
    pub seq: i64,
    pub kind: &'static Kind,
    pub shape: Shape,
    pub workspace_id: i64,
    /// The row it changes; of a create `MadeBy` its own op_id; of a link the dependent row.
    pub target: Target,
    /// Of a link: the row depended on.
    pub other: Option<Target>,
    /// What the target was called when the operation was queued, for people.
    pub name: String,
    pub other_name: Option<String>,
    /// The server version that `base` was read at; 0 for a row that had none.
    pub seen_version: i64,
    /// Values of the changed fields before the change; every changeable field for a delete.
    pub base: Patch,
    /// Values after the change; every given field for a create.
    pub set: Patch,
    pub condition: Option<Condition>,
    /// Of a delete: the rows that its row depended on, and those that depended on it, for an undo.
    pub links: [Vec<Target>; 2],
    /// Of a create: the id of a row that is gone on the server, which this create makes again. Whatever names that row
    /// means this one.
    pub replaces: Option<i64>,
    /// RFC 3339, this machine's clock.
    pub created_at: String,
    /// Which server (origin) and account it is meant for; `None`: not known when it was queued.
    pub server: Option<String>,
    pub account: Option<String>,
    pub state: State,
    /// Its requests, oldest first.
    pub sends: Vec<Send>,
}

impl Operation {
    /// A queued one that says nothing yet, about no row.
    pub fn new(kind: &'static Kind, shape: Shape) -> Operation {
        Operation {
            op_id: String::new(),
            seq: 0,
            kind,
            shape,
            workspace_id: 0,
            target: Target::Server(0),
            other: None,
            name: String::new(),
            other_name: None,
            seen_version: 0,
            base: Patch::new(),
            set: Patch::new(),
            condition: None,
            links: Default::default(),
            replaces: None,
            created_at: String::new(),
            server: None,
            account: None,
            state: State::Queued,
            sends: Vec::new(),
        }
    }
}

/// What became of an operation (docs/architecture.md "The two ideas").
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    Queued,
    /// At least one request that may have been carried out. Whether a process is still at it, the lock says.
    Sent,
    /// The server has carried it out; its row, where it answered one, is not laid yet.
    Answered(Option<Box<Row>>),
    /// The server, or this client, said no, in these words.
    Rejected(String),
    Done,
    /// Given up: why, in words.
    Dropped(String),
}

impl State {
    /// The `state` column of `sync_queue`.
    pub fn word(&self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Sent => "sent",
            State::Answered(_) => "answered",
            State::Rejected(_) => "rejected",
            State::Done => "done",
            State::Dropped(_) => "dropped",
        }
    }

    /// It is to be sent, or looked for, or decided about.
    pub fn waits(&self) -> bool {
        matches!(self, State::Queued | State::Sent | State::Rejected(_))
    }
}

/// One request for an operation, written down before its first byte leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Send {
    pub at: Timestamp,
    /// The values that were sent.
    pub sent: Patch,
    /// Of an update: the version it was sent for; 0 where that is not known.
    pub version: i64,
    /// Of a create: the highest number known in the workspace then; what it made got a higher one.
    pub highest_number: i64,
    /// What came back: `None` while nothing did, or nothing that tells.
    pub reply: Option<SendReply>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SendReply {
    /// It was carried out.
    Done,
    /// The server said no (409, 4xx) in these words; for links, where 409 also means "exists", it does not settle it.
    Refused(String),
    /// Certainly not carried out: it never reached the server, or was turned away at the door.
    NotDone,
}

impl Operation {
    /// Of a field: the value before the change, and after it.
    pub fn change_of(&self, field: Field) -> Option<(&Value, &Value)> {
        Some((self.base.get(field).unwrap_or(&Value::Null), self.set.get(field)?))
    }

    /// Every row it needs, with the name of its kind: its target unless it makes it, the other end, and what its reference
    /// fields name.
    pub fn needs(&self) -> Vec<(&'static str, Target)> {
        let own = (self.shape != Shape::Create).then(|| (self.kind.ends, self.target.clone()));
        let other = self.other.clone().map(|other| (self.kind.ends, other));
        let references = self.set.iter().filter_map(|(field, value)| match field.ty {
            Type::Reference(kind) => Some((kind, Target::of_value(value)?)),
            _ => None,
        });
        own.into_iter().chain(other).chain(references).collect()
    }

    /// Of a create: the rows that the new one cannot be without, each with the name of its kind.
    pub fn stands_on(&self) -> impl Iterator<Item = (&'static str, Target)> {
        let created = self.set.iter().filter(|_| self.shape == Shape::Create);
        created.filter_map(|(field, value)| match (field.ty, field.change) {
            (Type::Reference(kind), Change::Placed | Change::Needed) => Some((kind, Target::of_value(value)?)),
            _ => None,
        })
    }

    /// When the last request that may have been carried out left.
    pub fn last_send(&self) -> Option<&Send> {
        self.sends.iter().rev().find(|send| send.reply != Some(SendReply::NotDone))
    }
}

/// What is kept so that it can be brought back (discarded.jsonl).
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// `resolved` (ours lost), `overruled` (the server's lost), `edited` (typed, and not yet queued).
    pub reason: &'static str,
    /// The server's row, where that is what is kept.
    pub row: Option<Row>,
    /// Restoring queues these, under new ids.
    pub operations: Vec<Operation>,
}
