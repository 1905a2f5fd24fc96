//! The Remote over HTTP (api.md): transport with retries and deadlines, endpoints, lenient reading of JSON, problem
//! documents. It promises that a credential goes to the configured origin only, that every call ends in bounded time,
//! and that a write is repeated once at most, and only where nothing was done or the server honours `Idempotency-Key`.
//! It knows no cache, no queue and no terminal.

mod addresses;
mod agent;
mod ahead;
mod answer;
mod backoff;
mod body;
mod endpoints;
mod generation;
mod lists;
mod members;
mod pages;
mod problem;
mod proxy;
mod sent;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod trouble;
mod wire;

use crate::error::Result;
use crate::secret::Secret;
use crate::sync::remote::{RemoteError, RemoteResult};
use miniserde::json::{self, Value};
use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use transport::{Call, Transport};
use wire::Read;

/// Where the server is, who asks, and how long anybody waits.
pub struct Options {
    /// As in the config: `https://api.anyt.dev`.
    pub base_url: String,
    pub secret: Option<Secret>,
    /// Lets the credential travel over plain http to a server that is not on this machine.
    pub allow_insecure_http: bool,
    /// Certificates in PEM form that take the place of the bundled roots; else those of `SSL_CERT_FILE`.
    pub ca_file: Option<PathBuf>,
    /// For one whole request: name, connection, sending and the last byte of the answer.
    pub timeout: Duration,
    pub patience: Patience,
    /// No request of them all is waited for beyond this.
    pub until: Option<Instant>,
    /// Takes a line about each request (`-v`), without the secret.
    pub verbose: Option<Verbose>,
}

/// Takes one line.
pub type Verbose = Box<dyn Fn(&str)>;

/// How often, and for how long in all, one request is tried. `tries: 1` is no retry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    pub tries: u32,
    /// From the first try on, pauses included. It bounds retries only: the first try has its whole time-out.
    pub total: Duration,
}

/// What a server says about itself (api.md 2.1); no word of it can be relied on.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthInfo {
    pub status: String,
    pub timestamp: Option<String>,
    pub version: Option<String>,
    pub database: Option<String>,
}

/// A server, over HTTP. For one thread.
pub struct Http {
    transport: Transport,
    /// The server has the older words (api.md 3.14).
    older_words: Cell<bool>,
    /// The server answered 400 or 422 to `include_deleted`.
    refuses_include_deleted: Cell<bool>,
}

impl Http {
    /// Checks the URL and looks at the proxy variables. Opens nothing and reads no file: a CA file is read at the first
    /// request.
    ///
    /// # Errors
    /// `Usage` for a URL that cannot be used, `Failure` for clear text to another machine.
    pub fn new(options: Options) -> Result<Http> {
        Http::with_env(options, &|name| std::env::var(name).ok())
    }

    fn with_env(options: Options, env: proxy::Env) -> Result<Http> {
        Ok(Http {
            transport: Transport::new(options, env)?,
            older_words: Cell::new(false),
            refuses_include_deleted: Cell::new(false),
        })
    }

    /// The JSON answer to a read of what is shown and never sent back.
    fn read(&self, call: &Call) -> RemoteResult<Value> {
        let answer = self.transport.send(call)?;
        lenient(&answer.body).map_err(|words| self.malformed(&words))
    }

    fn malformed(&self, words: &str) -> RemoteError {
        RemoteError::Malformed(self.describe(words))
    }

    /// `http://127.0.0.1:8000: task DEV-1 has no 'id'`, one line, without secrets.
    fn describe(&self, words: &str) -> String {
        problem::one_line(&self.transport.scrub(&format!("{}: {words}", self.transport.origin())))
    }
}

/// The same, with U+FFFD in the place of what is half a character.
fn lenient(body: &[u8]) -> Read<Value> {
    document(body).or_else(|words| {
        let mended = crate::json::with_whole_characters(&String::from_utf8_lossy(body));
        document(mended.as_bytes()).map_err(|_| words)
    })
}

/// A body as JSON, or what it is instead.
fn document(body: &[u8]) -> Read<Value> {
    parse(json_text(std::str::from_utf8(body).map_err(|_| "the answer is not JSON in UTF-8")?)?)
}

/// A body without what may be around it, where it may be JSON.
fn json_text(text: &str) -> Read<&str> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("the answer is empty".into());
    }
    if text.starts_with('<') {
        return Err("the answer is a web page, not JSON (a login page or a proxy on the way?)".into());
    }
    Ok(text)
}

fn parse(text: &str) -> Read<Value> {
    if crate::json::is_too_deep(text) {
        return Err("the answer is nested too deeply".into());
    }
    json::from_str(text).map_err(|_| "the answer is not JSON, or was cut off".into())
}
