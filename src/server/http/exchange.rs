//! One request and its answer: its name, what its head must say, its body under limits, a line in the log.

use super::connection::Shared;
use super::transit::{self, Share};
use super::{Admitted, Application, Request, Response, Target, encode, write};
use crate::log;
use crate::metrics::METRICS;
use anyt::time::Timestamp;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Version, header};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub type Answer = Result<hyper::Response<Full<Bytes>>, Infallible>;

/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(60);

/// How long threads may take when the server ends and everything has been answered.
pub const LAST_WORDS: Duration = Duration::from_secs(2);

/// What could not be admitted is counted under this.
const NOWHERE: Target = Target { method: "other", route: "none" };

/// A request that is being answered; counted until this is dropped.
struct InFlight;

impl InFlight {
    fn new() -> InFlight {
        METRICS.in_flight.add(1);
        InFlight
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        METRICS.in_flight.take(1);
    }
}

pub async fn answer<A: Application>(shared: &Shared<A>, peer: IpAddr, request: hyper::Request<Incoming>) -> Answer {
    let started = Instant::now();
    let (head, body) = request.into_parts();
    let request = request_of(&head, peer);
    let mut done = Done { started, request: summary(&request), user: None, target: NOWHERE, reason: None };
    let accepts_gzip = encode::is_wanted(request.header("Accept-Encoding"));
    let judged = check(&head)
        .map_err(|words| shared.application.refuse(400, words, &request.path))
        .and_then(|()| shared.application.admit(&request));
    let (response, is_last) = match judged {
        // The rest of the body is not read: the next request cannot be found behind it.
        Err(response) => (response, !body.is_end_stream()),
        Ok(Admitted { user, target, takes_body, ticket }) => {
            (done.user, done.target) = (user, target);
            let is_last = !takes_body && !body.is_end_stream();
            let mut share = Share::of_body();
            let body = if takes_body { read(body, shared.body_limit, &mut share).await } else { Ok(Vec::new()) };
            match body {
                Err((status, words)) => (shared.application.refuse(status, &words, &request.path), true),
                Ok(body) => {
                    let _in_flight = InFlight::new();
                    (shared.application.answer(ticket, Request { body, ..request }).await, is_last)
                }
            }
        }
    };
    let (mut response, encoded) = encode::encode(response, accepts_gzip).await;
    let only_reads = matches!(done.target.method, "GET");
    let encoded = match transit::send(encoded, !only_reads) {
        Some(encoded) => encoded,
        None => {
            let words = "too many long answers are on their way, try again";
            response = shared.application.refuse(503, words, &done.request.path).with_header("Retry-After", "1");
            std::mem::take(&mut response.body).into()
        }
    };
    done.log(&response, encoded.len());
    Ok(write::response(response, encoded, &done.request.id, is_last))
}

fn request_of(head: &hyper::http::request::Parts, peer: IpAddr) -> Request {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_string();
    Request {
        id: id(head.headers.get("X-Request-Id").map(text)),
        peer,
        method: head.method.as_str().to_string(),
        path: head.uri.path().to_string(),
        query: head.uri.query().unwrap_or_default().to_string(),
        headers: head.headers.iter().map(|(name, value)| (name.as_str().to_string(), text(value))).collect(),
        body: Vec::new(),
    }
}

/// The name that a proxy gave the request, else one of our own.
fn id(given: Option<String>) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = |id: &String| (1..=64).contains(&id.len()) && id.bytes().all(is_plain) && !id.starts_with("anyt_");
    if let Some(given) = given.filter(is_name) {
        return given;
    }
    static START: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Two runs of the server give no request the same name.
    let start = START.get_or_init(|| Timestamp::now().0.unsigned_abs());
    format!("{start:x}-{:x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What hyper leaves to its user: `Host` is there, once, and is one.
fn check(head: &hyper::http::request::Parts) -> Result<(), &'static str> {
    let hosts: Vec<_> = head.headers.get_all(header::HOST).iter().collect();
    match hosts.as_slice() {
        [] if head.version == Version::HTTP_10 => Ok(()),
        [host] if is_host(host.as_bytes()) => Ok(()),
        [] => Err("the header Host is missing"),
        [_] => Err("the header Host is not a host"),
        _ => Err("there is more than one header Host"),
    }
}

fn is_host(value: &[u8]) -> bool {
    let authority = hyper::http::uri::Authority::try_from(value);
    authority.is_ok_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

/// The whole body, or a status with words. `share` holds its bytes.
async fn read(body: Incoming, limit: usize, share: &mut Share) -> Result<Vec<u8>, (u16, String)> {
    let too_long = || (413, format!("the request body is longer than {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_long());
    }
    if body.is_end_stream() {
        return Ok(Vec::new());
    }
    let arrival = async {
        let (mut body, mut bytes) = (Limited::new(body, limit), Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
                true => too_long(),
                false => (400, "the request body is broken or was cut off".into()),
            })?;
            // Trailers say nothing to us.
            let Ok(data) = frame.into_data() else { continue };
            if !share.grow(data.len()) {
                return Err((503, "too many long bodies are on their way, try again".into()));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    };
    let late = || Err((408, "the request body did not arrive in time".into()));
    tokio::time::timeout(BODY, arrival).await.unwrap_or_else(|_| late())
}

/// What the log says about a request beside its answer.
struct Summary {
    id: String,
    peer: IpAddr,
    method: String,
    path: String,
    has_credential: bool,
}

fn summary(request: &Request) -> Summary {
    let has = |name: &str| request.header(name).is_some_and(|value| !value.is_empty());
    Summary {
        id: request.id.clone(),
        peer: request.peer,
        method: plain(&request.method, 16),
        path: without_tokens(&plain(&request.path, 300)),
        has_credential: has("X-API-Key") || has("Authorization"),
    }
}

/// Anybody can send words of any length, and characters that mean something to a terminal.
fn plain(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|letter| if letter.is_ascii_graphic() { letter } else { '?' }).collect()
}

/// A path that somebody pasted a token into.
fn without_tokens(path: &str) -> String {
    let hidden = |segment: &str| if segment.starts_with("anyt_") { "(token)".into() } else { segment.to_string() };
    path.split('/').map(hidden).collect::<Vec<_>>().join("/")
}

struct Done {
    started: Instant,
    request: Summary,
    user: Option<String>,
    target: Target,
    reason: Option<&'static str>,
}

impl Done {
    fn log(&mut self, response: &Response, bytes: usize) {
        let took = self.started.elapsed();
        METRICS.request((self.target.method, self.target.route, response.status), took);
        if response.status == 401 {
            METRICS.failed_sign_ins.add(1);
            self.reason = Some(if self.request.has_credential { "unknown-token" } else { "no-token" });
        }
        let Summary { id, peer, method, path, .. } = &self.request;
        let user = plain(self.user.as_deref().unwrap_or("-"), 100);
        let mut line = format!(
            "{} method={method} path={path} status={} ms={:.1} bytes={bytes} user={user} from={peer} request={id}",
            Timestamp::now().rfc3339(),
            response.status,
            took.as_secs_f64() * 1_000.0,
        );
        if let Some(reason) = self.reason {
            line += &format!(" sign-in=failed reason={reason}");
        }
        log::line(line);
    }
}

/// What was no request at all: hyper has answered it with a bare status.
pub fn log_refused(peer: IpAddr, error: &hyper::Error) {
    METRICS.request((NOWHERE.method, NOWHERE.route, 400), Duration::ZERO);
    log::line(format!("{} no request from={peer}: {error}", Timestamp::now().rfc3339()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_hosts() {
        for good in ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "x.example"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a/b", "user@host", "host:port:port", "\u{e9}"] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn names_of_requests_are_plain_and_differ() {
        assert_eq!(id(Some("proxy-1.a_b".into())), "proxy-1.a_b");
        for given in ["", "a b", "a\nb", &"x".repeat(65)] {
            let own = id(Some(given.into()));
            assert!(own.len() > 4 && own != id(None), "{own}");
        }
    }
}
