//! The words every other module speaks: kinds of things described as data (`kind`, and one file per kind), their rows and
//! values, and the operations that change them. No SQL, no HTTP, no terminal. Names and values are those of api.md 3.

pub mod artifact;
pub mod attempt;
pub mod comment;
pub mod dependency;
mod id;
pub mod kind;
pub mod label;
pub mod normal_form;
mod operation;
pub mod project;
mod row;
pub mod task;
mod value;

pub use id::new_op_id;
pub use kind::{Field, Kind};
pub use operation::{Condition, Kept, Operation, Send, SendReply, Shape, State, Target};
pub use project::Project;
pub use row::Row;
pub use value::{Patch, Value, folded, patch_from_json, patch_to_json};

/// Every kind that operations change. One that is below another comes after it: so they are pulled and named.
pub static KINDS: [&Kind; 7] = [
    &project::PROJECT,
    &label::LABEL,
    &task::TASK,
    &dependency::DEPENDENCY,
    &comment::COMMENT,
    &attempt::ATTEMPT,
    &artifact::ARTIFACT,
];

/// The kind of this name: the `entity_type` column of `sync_queue`.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.name == name)
}

/// The running number in a task identifier: 42 in `DEV-42`; 0 where there is none.
pub fn number_of(identifier: &str) -> i64 {
    identifier.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    pub id: i64,
    pub identifier: String,
    pub name: String,
    pub description: Option<String>,
    /// Numbers given to tasks so far; it never goes down except when a server is restored from a backup.
    pub task_counter: Option<i64>,
    /// An opaque text that changes whenever anything in the workspace changes, where the server gives one.
    pub state: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// A whole list as a server gave it. What could not be read is left out and named; then a row that is not in it may be
/// there all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// What is wrong with each row that was left out.
    pub broken: Vec<String>,
}

impl<T> Listed<T> {
    pub fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }
}

impl<T> From<Vec<T>> for Listed<T> {
    fn from(items: Vec<T>) -> Listed<T> {
        Listed { items, broken: Vec::new() }
    }
}

/// Who a credential belongs to (`GET /v1/auth`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user_id: String,
    pub email: Option<String>,
    pub role: Option<String>,
}
