//! What the engine needs of a server, and how a request can fail, with no word of HTTP. `api::Http` is the real one;
//! tests may play their own.

use crate::error::Error;
use crate::model::{Account, Label, Member, Operation, Patch, Project, Task, Workspace};
use crate::time::Timestamp;
use std::time::Duration;

pub use crate::model::Edge;

pub type RemoteResult<T> = Result<T, RemoteError>;

/// How a request failed, sorted by what may be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum RemoteError {
    /// Nothing of the request reached a server: no connection, no name, no TLS. Safe to repeat.
    Unreachable(String),
    /// The request may have arrived and its answer did not (time-out, reset, cut-off or foreign answer to a write):
    /// what the server did is unknown.
    Uncertain(String),
    /// 401: no credential or one the server does not know.
    Unauthorized(String),
    /// 403.
    Forbidden(String),
    /// 404 or 410.
    NotFound(String),
    /// The same to a read, on a web page: perhaps of somebody on the way, while the server is away.
    Page(String),
    /// 409, with the server's version where it told it.
    Conflict { current_version: Option<i64>, message: String },
    /// Any other 4xx: the server understood and will not.
    Refused { status: u16, message: String },
    /// 429 or 503 with more patience asked for than this run has.
    Wait { until: Timestamp, message: String },
    /// 5xx to a read, after retries.
    Unavailable(String),
    /// A success whose body is not what api.md describes: HTML, cut-off JSON, a missing field.
    Malformed(String),
}

impl RemoteError {
    /// The network or the whole server is the trouble, so that going on with other operations is pointless.
    pub fn stops_the_run(&self) -> bool {
        !matches!(
            self,
            RemoteError::NotFound(_)
                | RemoteError::Conflict { .. }
                | RemoteError::Refused { .. }
                | RemoteError::Forbidden(_)
        )
    }

    pub fn message(&self) -> &str {
        match self {
            RemoteError::Unreachable(message)
            | RemoteError::Uncertain(message)
            | RemoteError::Unauthorized(message)
            | RemoteError::Forbidden(message)
            | RemoteError::NotFound(message)
            | RemoteError::Page(message)
            | RemoteError::Conflict { message, .. }
            | RemoteError::Refused { message, .. }
            | RemoteError::Wait { message, .. }
            | RemoteError::Unavailable(message)
            | RemoteError::Malformed(message) => message,
        }
    }
}

/// A page of tasks to ask for: ordered by `updated_at`, oldest first.
#[derive(Debug, Clone, Default)]
pub struct TaskQuery {
    /// RFC 3339; whether the server takes it as inclusive is unknown (api.md 7).
    pub updated_after: Option<String>,
    pub limit: u32,
    pub offset: u32,
    /// Ask for tombstones too. A server that does not know the parameter may ignore or refuse it.
    pub include_deleted: bool,
}

#[derive(Debug, Clone, Default)]
pub struct TaskPage {
    pub items: Vec<Task>,
    /// As the server counts it; whether that is all matches or this page is unknown (api.md 7).
    pub total: Option<i64>,
}

/// A server, as one account of it sees it. Collections the server does not have (404) are `None`.
pub trait Remote {
    /// `scheme://host:port`, for messages and for telling one server from another.
    fn origin(&self) -> String;
    /// The server keeps its promise of api.md 7 that is unknown elsewhere: a POST repeated with the same
    /// `Idempotency-Key` has no second effect. Known only once it has answered something.
    fn honours_idempotency_key(&self) -> bool;
    /// How long an answer is waited for.
    fn time_limit(&self) -> Duration;
    /// `GET /v1/auth`; `None` on servers without it.
    fn account(&self) -> RemoteResult<Option<Account>>;
    fn workspaces(&self) -> RemoteResult<Vec<Workspace>>;
    /// Whether this account has the workspace: not when the server answers 403, 404 or 410 for it.
    fn has_workspace(&self, workspace_id: i64) -> RemoteResult<bool>;
    fn projects(&self, workspace_id: i64) -> RemoteResult<Vec<Project>>;
    fn members(&self, workspace_id: i64) -> RemoteResult<Option<Vec<Member>>>;
    fn labels(&self, workspace_id: i64) -> RemoteResult<Option<Vec<Label>>>;
    fn tasks(&self, workspace_id: i64, query: &TaskQuery) -> RemoteResult<TaskPage>;
    /// `None` when it does not exist (404, 410).
    fn task(&self, workspace_id: i64, identifier: &str) -> RemoteResult<Option<Task>>;
    /// The workspace's dependency graph; `None` where there is no such thing.
    fn dependencies(&self, workspace_id: i64) -> RemoteResult<Option<Vec<Edge>>>;
    /// The identifiers of the tasks that one depends on; `None` where there is no such list.
    fn dependencies_of(&self, workspace_id: i64, identifier: &str) -> RemoteResult<Option<Vec<String>>>;
    /// One try, with the operation's id as `Idempotency-Key`. `set` holds the server's ids only.
    fn create_task(&self, operation: &Operation, set: &Patch) -> RemoteResult<Task>;
    /// One try with `If-Match`. Never sends `null` (api.md 1.6).
    fn update_task(&self, workspace_id: i64, identifier: &str, set: &Patch, version: i64) -> RemoteResult<Task>;
    fn delete_task(&self, workspace_id: i64, identifier: &str) -> RemoteResult<()>;
    fn add_dependency(&self, operation: &Operation, identifier: &str, depends_on: &str) -> RemoteResult<()>;
    fn remove_dependency(&self, workspace_id: i64, identifier: &str, depends_on: &str) -> RemoteResult<()>;
}

/// A remote error that ends a command, as the program's error.
pub fn to_error(error: RemoteError, origin: &str) -> Error {
    match error {
        RemoteError::Unreachable(message)
        | RemoteError::Unavailable(message)
        | RemoteError::Page(message)
        | RemoteError::Uncertain(message) => Error::unreachable(message),
        RemoteError::Wait { until, message } => {
            Error::Wait { until, message: format!("{origin} asks to wait until {} UTC: {message}", until.minute()) }
        }
        RemoteError::Unauthorized(message) => {
            Error::sign_in(format!("{origin} does not accept the credential: {message}"))
        }
        RemoteError::Forbidden(message) => Error::sign_in(format!("{origin} does not allow this: {message}"))
            .hint("is it the right account? anyt auth whoami; another one: anyt auth login"),
        RemoteError::NotFound(message) => Error::failure(format!("{origin}: not found: {message}")),
        RemoteError::Conflict { message, .. } => Error::failure(format!("{origin} reports a conflict: {message}")),
        RemoteError::Refused { status, message } => {
            Error::failure(format!("{origin} refused the request ({status}): {message}"))
        }
        RemoteError::Malformed(message) => {
            Error::failure(format!("{origin} gave an answer that is not AnyTask's: {message}; nothing was changed"))
        }
    }
}
