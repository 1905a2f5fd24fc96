//! What can go wrong on the way, when it does, and the gate that holds a request until the test lets it go.

use super::http::Message;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A request as a fault's condition sees it.
pub struct Seen<'a> {
    /// Position since the proxy's start, or since its `reset`.
    pub n: usize,
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    pub request: &'a Message,
}

type Condition = Box<dyn Fn(&Seen) -> bool + Send>;

/// When a fault happens.
pub struct When {
    condition: Condition,
    /// How many matching requests pass before, and how many then meet the fault.
    skip: usize,
    times: usize,
}

impl When {
    /// The nth request of all, counting from 0.
    pub fn at(n: usize) -> When {
        When::is(move |seen| seen.n == n)
    }

    /// The first request with this method (`""`: any) whose path starts with `prefix`.
    pub fn first(method: &'static str, prefix: &str) -> When {
        let prefix = prefix.to_string();
        When::is(move |seen| (method.is_empty() || seen.method == method) && seen.target.starts_with(&prefix))
    }

    /// The first request with this method whose path, without the query, ends so: `/tasks`, `/labels`.
    pub fn ending(method: &'static str, suffix: &str) -> When {
        let suffix = suffix.to_string();
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_string();
        When::is(move |seen| (method.is_empty() || seen.method == method) && path(seen.target).ends_with(&suffix))
    }

    /// The first request of which `condition` is true.
    pub fn is(condition: impl Fn(&Seen) -> bool + Send + 'static) -> When {
        When { condition: Box::new(condition), skip: 0, times: 1 }
    }

    /// Not the first such request but the one after `skip` of them.
    pub fn after(mut self, skip: usize) -> When {
        self.skip = skip;
        self
    }

    pub fn times(mut self, times: usize) -> When {
        self.times = times;
        self
    }

    pub fn always(self) -> When {
        self.times(usize::MAX)
    }

    /// Whether the fault happens to this request; counts.
    pub(super) fn happens(&mut self, seen: &Seen) -> bool {
        if self.times == 0 || !(self.condition)(seen) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times -= 1;
        true
    }
}

/// What goes wrong. "Forwarded" means that the server has processed the request.
#[derive(Debug, Clone)]
pub enum What {
    /// Not forwarded: connections are refused from now on until `Proxy::come_back`; this one is reset.
    GoDown,
    /// The first n bytes are forwarded, then both sides are reset.
    ResetAfterRequestBytes(usize),
    /// Forwarded; n bytes of the reply come back, then a reset.
    ResetAfterReplyBytes(usize),
    /// Forwarded; the connection is closed without a byte of the reply.
    DropReply,
    /// Not forwarded until the gate opens.
    StallRequest(Gate),
    /// Forwarded; the reply waits for the gate.
    StallReply(Gate),
    /// Not forwarded: this answer instead.
    Answer(Message),
    /// Forwarded; this answer instead of the server's: a gateway that lost it.
    AnswerAfter(Message),
    /// Forwarded; half of the body comes, then the connection is closed.
    TruncatedBody,
    /// Forwarded; the reply claims half of its length and sends all of it.
    WrongLength,
    /// Not forwarded: a login page with status 200.
    Html,
    /// Forwarded; the reply comes twice.
    DuplicateReply,
    /// Forwarded; a list's first item is missing, as when an earlier page's item went away meanwhile.
    PageSkips,
    /// Forwarded; a list's first item comes twice, as when an item was put before it meanwhile.
    PageRepeats,
}

impl What {
    /// 429, 500, 502, 503 with a problem document and headers of choice (`Retry-After`).
    pub fn status(status: u16, headers: &[(&str, &str)]) -> What {
        let body = format!(r#"{{"type":"about:blank","title":"Injected fault","status":{status},"detail":null}}"#);
        let reply = Message::reply(status, "application/problem+json", body);
        What::Answer(headers.iter().fold(reply, |reply, (name, value)| reply.with_header(name, value)))
    }
}

#[derive(Default)]
struct GateState {
    waiting: usize,
    open: bool,
}

/// Holds those who pass until it is opened. Copies are the same gate.
#[derive(Clone, Default)]
pub struct Gate {
    shared: Arc<(Mutex<GateState>, Condvar)>,
    /// It opens by itself after so long.
    limit: Option<Duration>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    pub fn new() -> Gate {
        Gate::default()
    }

    /// A pause rather than a gate: for servers that are slow.
    pub fn pause(limit: Duration) -> Gate {
        Gate { limit: Some(limit), ..Gate::default() }
    }

    pub fn open(&self) {
        self.shared.0.lock().expect("no thread panics holding it").open = true;
        self.shared.1.notify_all();
    }

    /// Returns when a request stands before the gate: the moment to look at what others can do meanwhile.
    #[track_caller]
    pub fn wait_for_somebody(&self) {
        let state = self.shared.0.lock().expect("no thread panics holding it");
        let waited = self.shared.1.wait_timeout_while(state, Duration::from_secs(30), |state| state.waiting == 0);
        assert!(!waited.expect("no thread panics holding it").1.timed_out(), "no request came to the gate");
    }

    pub(super) fn pass(&self) {
        let mut state = self.shared.0.lock().expect("no thread panics holding it");
        state.waiting += 1;
        self.shared.1.notify_all();
        let limit = self.limit.unwrap_or(Duration::from_secs(600));
        let waited = self.shared.1.wait_timeout_while(state, limit, |state| !state.open);
        waited.expect("no thread panics holding it").0.waiting -= 1;
    }
}
