//! HTTP/1.1 by hyper: framing, keeping alive and `Expect` are the library's. What it leaves to its user is here: limits
//! of connections, bodies and times, an orderly end, what every answer says in its head. It knows no path and no
//! database.
//!
//! A connection costs a few kilobytes and no thread, so that thousands of idle or slow ones hold up nobody.

mod connection;
mod encode;
mod exchange;
mod listen;
mod places;
mod transit;
mod write;

pub use listen::{Limits, Listener};
#[cfg(test)]
pub use write::CAPABILITIES;
pub use write::reason;

use miniserde::json::{self, Value};
use std::net::IpAddr;

#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Names this request in its answer and in the log.
    pub id: String,
    pub peer: IpAddr,
    pub method: String,
    /// As it stood in the request line: no query, still percent-encoded.
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
    /// Empty until the request is admitted.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub status: u16,
    pub media_type: &'static str,
    /// Beyond those of every answer.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for 204 and 304.
    pub body: String,
}

impl Response {
    pub fn json(status: u16, body: &Value) -> Response {
        Response { status, body: json::to_string(body), ..Response::no_content() }
    }

    /// `body` is JSON already.
    pub fn written(status: u16, body: String) -> Response {
        Response { status, body, ..Response::no_content() }
    }

    pub fn problem(status: u16, body: &Value) -> Response {
        Response { media_type: "application/problem+json", ..Response::json(status, body) }
    }

    pub fn no_content() -> Response {
        Response { status: 204, media_type: "application/json", headers: Vec::new(), body: String::new() }
    }

    pub fn not_modified() -> Response {
        Response { status: 304, ..Response::no_content() }
    }

    pub fn text(media_type: &'static str, body: String) -> Response {
        Response { status: 200, media_type, body, ..Response::no_content() }
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }
}

/// A request that may go on to have its body read.
pub struct Admitted<T> {
    /// Who asks, for the log.
    pub user: Option<String>,
    pub target: Target,
    /// Otherwise the body is not read: what anybody may ask shall cost nothing.
    pub takes_body: bool,
    /// What the application wants to know again when the body is there.
    pub ticket: T,
}

/// Method and route in words of the application's own: what is counted by these cannot be made up by a client.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub method: &'static str,
    pub route: &'static str,
}

/// Whoever answers requests.
pub trait Application: Send + Sync + 'static {
    type Ticket: Send + 'static;

    /// Judges a request by its head. `Err` is the answer, and its body is never read.
    fn admit(&self, head: &Request) -> Result<Admitted<Self::Ticket>, Response>;

    fn answer(&self, ticket: Self::Ticket, request: Request) -> impl Future<Output = Response> + Send;

    /// The answer to what the transport could not take: a status of the 400s and 500s with words for it.
    fn refuse(&self, status: u16, words: &str, path: &str) -> Response;
}
