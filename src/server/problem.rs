//! Everything that can go wrong with a request, as an RFC 7807 problem document (api.md 1.7). A problem is an answer:
//! whoever returns one has changed nothing, because the request's transaction is rolled back with it.

use crate::http::{Response, reason};
use crate::log;
use crate::store::roles::Role;
use crate::wire::{Json, object};
use miniserde::json::Value;

pub type Outcome<T> = Result<T, Problem>;

#[derive(Debug, Clone)]
pub struct Problem {
    pub status: u16,
    /// The last part of `type`, so that programs can tell two problems of one status apart; empty for none.
    pub kind: &'static str,
    pub detail: String,
    /// Further members of the document.
    pub members: Vec<(&'static str, Value)>,
    /// Headers of the answer.
    pub headers: Vec<(&'static str, String)>,
}

impl Problem {
    pub fn new(status: u16, detail: impl Into<String>) -> Problem {
        Problem { status, kind: "", detail: detail.into(), members: Vec::new(), headers: Vec::new() }
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Problem {
        self.headers.push((name, value.into()));
        self
    }

    /// 401: nobody the server knows is asking.
    pub fn unknown_caller() -> Problem {
        Problem::new(401, "a valid token is required").with_header("WWW-Authenticate", "Bearer realm=\"anyt-server\"")
    }

    /// 503: not now.
    pub fn busy(detail: impl Into<String>) -> Problem {
        Problem::new(503, detail).with_header("Retry-After", "1")
    }

    /// 404: there is no such thing, or the caller may not know that there is.
    pub fn missing(what: &str, name: &str) -> Problem {
        Problem::new(404, format!("{what} {name} not found"))
    }

    /// 403: the caller is a member, and this takes more.
    pub fn forbidden(role: Role, least: Role) -> Problem {
        let (role, least) = (role.word(), least.word());
        Problem { kind: "role", ..Problem::new(403, format!("this takes the role {least}; yours is {role}")) }
    }

    /// 409 other than a version conflict.
    pub fn conflict(kind: &'static str, detail: impl Into<String>) -> Problem {
        Problem { kind, ..Problem::new(409, detail) }
    }

    /// 422 with the field named in `errors`.
    pub fn invalid(field: &str, message: impl Into<String>) -> Problem {
        let message = message.into();
        let error = object([("field", field.json()), ("message", message.as_str().json())]);
        Problem {
            kind: "validation",
            members: vec![("errors", vec![error].json())],
            ..Problem::new(422, format!("{field}: {message}"))
        }
    }

    /// 409 of an `If-Match` that is not the stored version; `conflicts` are the fields that would change.
    pub fn version_conflict(current: i64, provided: i64, conflicts: Vec<Value>) -> Problem {
        Problem {
            kind: "version-conflict",
            members: vec![
                ("current_version", current.json()),
                ("provided_version", provided.json()),
                ("conflicts", conflicts.json()),
            ],
            ..Problem::new(409, format!("the task is at version {current}, not {provided}"))
        }
    }

    pub fn into_response(self, path: &str) -> Response {
        let mut kind = String::from("about:blank");
        if !self.kind.is_empty() {
            kind = format!("urn:anyt:problem:{}", self.kind);
        }
        let mut document = vec![
            ("type", kind.json()),
            ("title", reason(self.status).json()),
            ("status", i64::from(self.status).json()),
            ("detail", self.detail.json()),
            ("instance", path.json()),
        ];
        document.extend(self.members);
        Response { headers: self.headers, ..Response::problem(self.status, &object(document)) }
    }
}

impl From<rusqlite::Error> for Problem {
    /// The database's trouble is the server's, never the caller's: 507 for a full disk, 503 while another process holds
    /// the file, else 500. The text goes to whoever runs the server.
    fn from(error: rusqlite::Error) -> Problem {
        log::event(&format!("database: {error}"));
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Problem::new(507, "the server's disk is full"),
            Some(rusqlite::ErrorCode::OperationInterrupted) => Problem::busy("the database took too long, try again"),
            Some(rusqlite::ErrorCode::DatabaseBusy) => Problem::busy("the database is busy, try again"),
            _ => Problem::new(500, "the server's database failed"),
        }
    }
}
