//! What the engine needs of a server, with no word of HTTP: reads that may fail, sends that have a reply, and what the
//! server can do. `api::Http` is the real one; tests play their own (`fake`).

use crate::error::Error;
use crate::model::{Account, Kind, Listed, Member, Patch, Row, Shape, Workspace};
use crate::time::Timestamp;
use std::time::Duration;

pub use crate::model::Edge;

pub type RemoteResult<T> = Result<T, RemoteError>;

/// How a read failed, sorted by what may be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum RemoteError {
    /// Nothing of AnyTask was reached: no connection, no name, no TLS, a proxy's 407, 511, a redirect to another host.
    OutOfReach(String),
    /// 401: no credential or one the server does not know.
    Unauthorized(String),
    /// 403.
    Forbidden(String),
    /// 404 or 410 as a problem document.
    NotFound(String),
    /// 404 or 410 on a web page: perhaps of a program on the way, while the server is away. Never a deletion.
    Page(String),
    /// Any other 4xx: the server understood and will not.
    Refused { status: u16, message: String },
    /// 429 or 503 with a longer wait asked for than this run may take.
    Limited { until: Timestamp, message: String },
    /// 5xx, a cut connection or a time-out, after retries.
    Unavailable(String),
    /// The answer is longer than is read: ask for less.
    TooLarge(String),
    /// A success whose body is not what api.md describes: HTML, cut-off JSON, a missing field.
    Malformed(String),
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// 2xx that was read; the row where the answer has one.
    Done(Option<Box<Row>>),
    /// 404, 410 as a problem document.
    Gone(String),
    /// 409.
    Conflict { current_version: Option<i64>, message: String },
    /// Any other 4xx.
    Refused { status: u16, message: String },
    /// 403.
    Forbidden(String),
    /// Nothing of AnyTask was reached: refused connection, DNS, TLS, 407, 511, a redirect to another host, a login page
    /// to which a redirect led.
    OutOfReach(String),
    /// 429.
    Limited { until: Timestamp, message: String },
    /// 401.
    Unauthorized(String),
    /// It may have been carried out: time-out, reset, 5xx, 408, 303, a page with 404, a 2xx that cannot be read.
    /// `until`: the server asked to wait (503 with Retry-After).
    Lost { message: String, until: Option<Timestamp> },
}

/// One write.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub kind: &'static Kind,
    pub shape: Shape,
    /// The `Idempotency-Key` of a POST.
    pub op_id: &'a str,
    pub workspace_id: i64,
    /// The row's name as the server has it now, for the path; empty for a create.
    pub name: &'a str,
    /// The row's id; 0 for a create.
    pub id: i64,
    /// The row that it is below: id, and name as the server has it now.
    pub below: Option<(i64, &'a str)>,
    /// Of a link: the other end's name.
    pub other: &'a str,
    /// Holds the server's ids only.
    pub set: &'a Patch,
    /// Sent as `If-Match`.
    pub version: Option<i64>,
}

/// A page of a kind's rows to ask for, ordered by `updated_at`, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// RFC 3339; whether the server takes it as inclusive is unknown (api.md 7).
    pub updated_after: Option<String>,
    pub limit: u32,
    pub offset: u32,
    /// Ask for tombstones too. A server that does not know the parameter may ignore or refuse it.
    pub include_deleted: bool,
    /// Only the rows below this one: its id, and its name as the server has it now. They come in the server's order.
    pub below: Option<(i64, String)>,
}

#[derive(Debug, Clone, Default)]
pub struct Page {
    pub items: Vec<Row>,
    /// Rows that could not be read: what is wrong with each, with its name where that could be read.
    pub unreadable: Vec<Unreadable>,
    /// As the server counts it; whether that is all matches or this page is unknown (api.md 7).
    pub total: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    pub id: Option<i64>,
    pub message: String,
}

/// What a server honours: declared in its `AnyTask-Capabilities` header, or learned, and kept per server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// How long an `Idempotency-Key` is declared to live.
    pub keys: Option<Duration>,
    /// `If-Match` on PATCH is honoured.
    pub if_match: bool,
    /// Deleted rows are listed with `include_deleted=true`.
    pub tombstones: bool,
    /// `updated_after` is honoured.
    pub updated_after: bool,
    /// Lists come in the order asked for.
    pub sorted: bool,
    /// Reads are never older than an answer.
    pub consistent: bool,
    /// The largest page the server gave, rows; 0: not known.
    pub max_page: u32,
}

impl Capabilities {
    /// As in the header `AnyTask-Capabilities`: `keys=2592000, if-match, tombstones, updated-after, sort=updated_at,
    /// consistent, max-page=100`. Words that are not known are passed over.
    pub fn parse(text: &str) -> Capabilities {
        let mut capabilities = Capabilities::default();
        for word in text.split(',') {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "keys" => capabilities.keys = value.parse().ok().map(Duration::from_secs),
                "if-match" => capabilities.if_match = true,
                "tombstones" => capabilities.tombstones = true,
                "updated-after" => capabilities.updated_after = true,
                "sort" => capabilities.sorted = value == "updated_at",
                "consistent" => capabilities.consistent = true,
                "max-page" => capabilities.max_page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        capabilities
    }

    /// The inverse of `parse`.
    pub fn to_text(&self) -> String {
        let words = [
            self.keys.map(|life| format!("keys={}", life.as_secs())),
            self.if_match.then(|| "if-match".into()),
            self.tombstones.then(|| "tombstones".into()),
            self.updated_after.then(|| "updated-after".into()),
            self.sorted.then(|| "sort=updated_at".into()),
            self.consistent.then(|| "consistent".into()),
            (self.max_page > 0).then(|| format!("max-page={}", self.max_page)),
        ];
        words.into_iter().flatten().collect::<Vec<String>>().join(", ")
    }

    /// Some of it can only be said by the server, not be learned from its lists.
    pub fn is_declared(&self) -> bool {
        self.keys.is_some() || self.if_match || self.tombstones || self.consistent
    }
}

/// A server, as one account of it sees it. Collections the server does not have (404) are `None`.
pub trait Remote {
    /// `scheme://host:port`, for messages and for telling one server from another.
    fn origin(&self) -> String;
    /// What the server has declared in its answers so far; `None` before the first answer, or where it declares nothing.
    fn declared(&self) -> Option<Capabilities>;
    /// How long an answer is waited for: also how long a request may be on its way.
    fn time_limit(&self) -> Duration;
    /// What the server's clock showed with its last answer, and what ours did; `None` where it does not say.
    fn clocks(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }
    /// `GET /v1/auth`; `None` on servers without it.
    fn account(&self) -> RemoteResult<Option<Account>>;
    fn workspaces(&self) -> RemoteResult<Listed<Workspace>>;
    /// Whether this account has the workspace: not when the server answers 403, 404 or 410 for it.
    fn has_workspace(&self, workspace_id: i64) -> RemoteResult<bool>;
    fn members(&self, workspace_id: i64) -> RemoteResult<Option<Listed<Member>>>;
    /// All rows of a kind that is known by names; `None` where there is no such thing.
    fn named(&self, kind: &'static Kind, workspace_id: i64) -> RemoteResult<Option<Listed<Row>>>;
    fn rows(&self, kind: &'static Kind, workspace_id: i64, query: &Query) -> RemoteResult<Page>;
    /// The same page will be asked for next: it may be fetched meanwhile.
    fn prefetch(&self, _kind: &'static Kind, _workspace_id: i64, _query: &Query) {}
    /// `None` when it does not exist (404, 410). By name (`DEV-42`).
    fn row(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> RemoteResult<Option<Row>>;
    /// The same by its uid, whatever it is called and wherever it is now; `None` also on a server that is not asked that way.
    fn row_by_uid(&self, kind: &'static Kind, uid: &str) -> RemoteResult<Option<Row>>;
    /// All links of a workspace; `None` where there is no such thing.
    fn links(&self, kind: &'static Kind, workspace_id: i64) -> RemoteResult<Option<Listed<Edge>>>;
    /// The names that one row links to; `None` where there is no such list.
    fn links_of(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> RemoteResult<Option<Vec<String>>>;
    /// One try. Never sends `null` (api.md 1.6).
    fn send(&self, request: &Request) -> Reply;
}

/// The error of a write that is not queued. `look`: how to see whether it was carried out, where that is not known.
pub fn to_write_error(error: RemoteError, origin: &str, look: &str) -> Error {
    match error {
        RemoteError::OutOfReach(message) => Error::unreachable(message).hint("nothing was sent; try again"),
        RemoteError::Unavailable(message)
        | RemoteError::Page(message)
        | RemoteError::Malformed(message)
        | RemoteError::TooLarge(message) => {
            Error::unreachable(message).hint(format!("it may have been carried out; see: {look}"))
        }
        error => to_error(error, origin),
    }
}

/// A read error that ends a command, as the program's error.
pub fn to_error(error: RemoteError, origin: &str) -> Error {
    match error {
        RemoteError::OutOfReach(message) | RemoteError::Unavailable(message) | RemoteError::Page(message) => {
            Error::unreachable(message)
        }
        RemoteError::Limited { until, message } => {
            Error::Wait { until, message: format!("{origin} asks to wait until {} UTC: {message}", until.minute()) }
        }
        RemoteError::Unauthorized(message) => {
            Error::sign_in(format!("{origin} does not accept the credential: {message}"))
        }
        RemoteError::Forbidden(message) => Error::sign_in(format!("{origin} does not allow this: {message}"))
            .hint("is it the right account? anyt auth whoami; another one: anyt auth login"),
        RemoteError::NotFound(message) => Error::failure(format!("{origin}: not found: {message}")),
        RemoteError::Refused { status, message } => {
            Error::failure(format!("{origin} refused the request ({status}): {message}"))
        }
        RemoteError::Malformed(message) | RemoteError::TooLarge(message) => {
            let message = message.strip_prefix(&format!("{origin}: ")).unwrap_or(&message);
            Error::failure(format!("{origin} gave an answer that is not AnyTask's: {message}"))
                .hint("nothing was changed")
        }
    }
}
