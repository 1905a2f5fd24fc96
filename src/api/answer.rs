//! What came back from one request, whole and bounded, or the fault in its place. ureq's errors end here: above, there
//! are only answers and faults.

use super::backoff;
use crate::time::Timestamp;
use std::io;
use std::time::Duration;
use ureq::http::{HeaderMap, Request, Response, header};
use ureq::{Agent, Body, Error, Timeout};

/// Bytes of a body that are read at most.
const LONGEST_BODY: u64 = 64 << 20;

/// An answer with its body read to the end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    /// `Idempotency-Key-Honoured: true`, which anyt-server puts on every answer.
    pub(super) honours_keys: bool,
    /// `AnyTask-Capabilities`, as it came.
    pub(super) capabilities: Option<String>,
    /// Its `Content-Type` says that it is JSON.
    pub(super) is_json: bool,
    pub(super) body: Vec<u8>,
    retry_after: Option<String>,
    date: Option<String>,
}

impl Answer {
    /// What the server's clock showed.
    pub(super) fn date(&self) -> Option<Timestamp> {
        Timestamp::parse_http_date(self.date.as_deref()?)
    }

    /// The pause the server asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        backoff::retry_after(self.retry_after.as_deref()?, self.date.as_deref())
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// No connection, or nothing came in time.
    Silence,
    /// The other side ended the connection before an answer began.
    HungUp,
    /// An answer came, but cut off or not HTTP.
    Garbled,
    /// An answer came that is longer than is read.
    TooLong,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Fault {
    /// Bytes of the request left this machine.
    pub(super) sent: bool,
    pub(super) kind: Kind,
    /// Another try would end the same way.
    pub(super) permanent: bool,
    pub(super) message: String,
}

impl Fault {
    /// Nothing left this machine, and nothing will.
    pub(super) fn before_sending(message: String) -> Fault {
        Fault { sent: false, kind: Kind::Silence, permanent: true, message }
    }

    /// `sent` as measured; `timeout` for the words.
    pub(super) fn after(broken: Broken, sent: bool, timeout: Duration) -> Fault {
        let Broken { error, in_body } = broken;
        let fault = |kind, permanent, message: &str| Fault { sent, kind, permanent, message: message.into() };
        let io = |error: &io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof if in_body => fault(Kind::Garbled, false, "the answer was cut off"),
            io::ErrorKind::UnexpectedEof => fault(Kind::HungUp, false, "the connection was closed without an answer"),
            io::ErrorKind::ConnectionRefused => fault(Kind::Silence, false, "connection refused"),
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                fault(Kind::HungUp, false, "the connection was reset")
            }
            io::ErrorKind::InvalidData if !sent => certificate(error),
            _ => fault(Kind::Silence, false, plain(&error.to_string())),
        };
        match &error {
            Error::Timeout(Timeout::Resolve) => fault(Kind::Silence, false, "its name could not be looked up in time"),
            Error::Timeout(Timeout::Connect) => fault(Kind::Silence, false, "it could not be connected to in time"),
            Error::Timeout(_) => {
                let seconds = timeout.as_secs_f64();
                fault(Kind::Silence, false, &format!("it did not answer within {seconds} s"))
            }
            Error::HostNotFound => fault(Kind::Silence, false, "there is no such host"),
            Error::Io(error) => io(error),
            Error::Rustls(error) => fault(Kind::Silence, true, &format!("no secure connection: {error}")),
            Error::Tls(words) => fault(Kind::Silence, true, &format!("no secure connection: {words}")),
            Error::BodyExceedsLimit(_) => fault(Kind::TooLong, true, "the answer does not end (more than 64 MiB)"),
            Error::LargeResponseHeader(..) => fault(Kind::Garbled, true, "the headers of the answer do not end"),
            Error::Protocol(_) | Error::Http(_) => fault(Kind::Garbled, true, "the answer is not HTTP"),
            Error::ConnectProxyFailed(words) => fault(Kind::Silence, false, &format!("the proxy refused: {words}")),
            other => fault(Kind::Silence, false, plain(&other.to_string())),
        }
    }
}

fn certificate(error: &io::Error) -> Fault {
    let message = format!("no secure connection: {error} (is the CA a private one? --ca-file FILE)");
    Fault { sent: false, kind: Kind::Silence, permanent: true, message }
}

/// An error's words without the operating system's number.
fn plain(words: &str) -> &str {
    let words = words.strip_prefix("io: ").unwrap_or(words);
    words.split(" (os error").next().unwrap_or(words)
}

/// ureq's error, and whether it came after the headers of an answer.
pub(super) struct Broken {
    error: Error,
    in_body: bool,
}

/// Sends a request and reads the whole answer within the agent's deadline, or within `limit`. The body of a refusal
/// is only words: when it does not arrive, the status stands alone.
pub(super) fn exchange(
    agent: &Agent,
    request: Request<()>,
    body: Option<&str>,
    limit: Option<Duration>,
) -> Result<Answer, Broken> {
    let mut response = match body {
        Some(text) => run(agent, request.map(|()| text), limit),
        None => run(agent, request, limit),
    }
    .map_err(|error| Broken { error, in_body: false })?;
    let status = response.status().as_u16();
    let length =
        text(response.headers(), header::CONTENT_LENGTH.as_str()).and_then(|length| length.trim().parse().ok());
    if status < 300 && length.is_some_and(|length: u64| length > LONGEST_BODY) {
        return Err(Broken { error: Error::BodyExceedsLimit(LONGEST_BODY), in_body: true });
    }
    let read = response.body_mut().with_config().limit(LONGEST_BODY).read_to_vec();
    let body = match read {
        Err(_) if status >= 300 => Vec::new(),
        read => read.map_err(|error| Broken { error, in_body: true })?,
    };
    let text = |name: &str| text(response.headers(), name);
    Ok(Answer {
        status,
        location: text(header::LOCATION.as_str()),
        honours_keys: text("idempotency-key-honoured").is_some_and(|word| word.trim().eq_ignore_ascii_case("true")),
        capabilities: text("anytask-capabilities"),
        is_json: text(header::CONTENT_TYPE.as_str()).is_some_and(|kind| kind.to_ascii_lowercase().contains("json")),
        retry_after: text(header::RETRY_AFTER.as_str()),
        date: text(header::DATE.as_str()),
        body,
    })
}

/// A limit of one request's own costs the agent's cached TLS set-up, so it is given only where it differs.
fn run(
    agent: &Agent,
    request: Request<impl ureq::AsSendBody>,
    limit: Option<Duration>,
) -> Result<Response<Body>, Error> {
    match limit {
        None => agent.run(request),
        limit => agent.run(agent.configure_request(request).timeout_global(limit).build()),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_string)
}
