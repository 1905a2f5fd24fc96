//! One request: sent, repeated where that is safe, followed where it is redirected within the server (`judge.rs` says what
//! came back means). The rule everything here serves: a write is repeated only when it is certain that
//! nothing was done, or when the server has promised that a repeat does nothing.

mod judge;

use super::agent::{Line, Setup};
use super::ahead::Ahead;
use super::answer::{self, Answer, Fault, Kind};
use super::backoff::Budget;
use super::proxy::{self, Env};
use super::trouble::Trouble;
use super::{Options, Patience, Verbose, problem};
use crate::origin::{Base, Origin, Scheme};
use crate::secret::Secret;
use crate::sync::remote::Capabilities;
use crate::time::Timestamp;
use judge::{Failure, refused};
use std::cell::{Cell, OnceCell, RefCell};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use ureq::http::{HeaderName, HeaderValue, Method, Request, header};

/// Redirects followed within one try.
const MOST_REDIRECTS: usize = 3;
/// How often a write is sent, where a repeat is safe at all. Whoever sends many of them counts the failures.
const WRITE_TRIES: u32 = 2;

/// A request, apart from where and as whom.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query, escaped: `/v1/workspaces?page=1`.
    pub(super) target: String,
    pub(super) body: Option<String>,
    /// `Idempotency-Key`.
    pub(super) key: Option<String>,
    /// `If-Match`: the task's version as a plain integer (api.md 1.10).
    pub(super) if_match: Option<i64>,
    /// Without the credential.
    pub(super) anonymous: bool,
}

impl Call {
    pub(super) fn new(method: Method, target: impl Into<String>) -> Call {
        Call { method, target: target.into(), body: None, key: None, if_match: None, anonymous: false }
    }

    pub(super) fn is_read(&self) -> bool {
        self.method == Method::GET
    }
}

pub(super) struct Transport {
    base: Base,
    secret: Option<Secret>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    timeout: Duration,
    patience: Patience,
    until: Option<Instant>,
    verbose: Option<Verbose>,
    line: OnceCell<Line>,
    /// A read that was begun before it is asked for.
    ahead: RefCell<Option<Ahead>>,
    honours_keys: Cell<bool>,
    /// The server's clock and ours when it answered last.
    clocks: Cell<Option<(Timestamp, Timestamp)>>,
    /// The headers as they came last, and what they say.
    declared: RefCell<Option<(String, Capabilities)>>,
}

impl Transport {
    /// Opens and reads nothing but the environment.
    pub(super) fn new(options: Options, env: Env) -> crate::error::Result<Transport> {
        let base = Base::parse(&options.base_url)?;
        base.refuse_clear_text(options.allow_insecure_http)?;
        let variable = || env("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Transport {
            proxy: proxy::url_for(&base.origin, env),
            // A plain http server has no use for roots: a stale variable must not get in its way.
            ca_file: options.ca_file.or_else(variable).filter(|_| base.origin.scheme() == Scheme::Https),
            base,
            secret: options.secret,
            timeout: options.timeout,
            patience: options.patience,
            until: options.until,
            verbose: options.verbose,
            line: OnceCell::new(),
            ahead: RefCell::new(None),
            honours_keys: Cell::new(false),
            clocks: Cell::new(None),
            declared: RefCell::new(None),
        })
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.base.origin
    }

    /// What the server has declared so far.
    pub(super) fn declared(&self) -> Option<Capabilities> {
        self.declared.borrow().as_ref().map(|(_, capabilities)| capabilities.clone())
    }

    pub(super) fn clocks(&self) -> Option<(Timestamp, Timestamp)> {
        self.clocks.get()
    }

    pub(super) fn time_limit(&self) -> Duration {
        self.timeout
    }

    /// Sends until there is a 2xx, the patience ends or another try would not be safe. A write is repeated once at most.
    /// Once a try has ended in doubt, only a success settles it: whatever a later try meets, the first one may have been
    /// carried out.
    pub(super) fn send(&self, call: &Call) -> Result<Answer, Trouble> {
        let tries = if call.is_read() { self.patience.tries } else { self.patience.tries.min(WRITE_TRIES) };
        let left = self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let mut budget = Budget::new(Patience { tries, total: self.patience.total.min(left) });
        let mut doubt = None;
        loop {
            let failure = match self.try_once(call, budget.limit(self.timeout.min(left))) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if doubt.is_none() && matches!(failure.trouble, Trouble::Lost { .. }) {
                doubt = Some(failure.trouble.clone());
            }
            match budget.pause(failure.again) {
                Some(pause) => {
                    self.say(|| format!("again in {} ms: {}", pause.as_millis(), failure.trouble.message()));
                    std::thread::sleep(pause);
                }
                None => return Err(doubt.unwrap_or(failure.trouble)),
            }
        }
    }

    /// One try within `limit`, redirects included.
    fn try_once(&self, call: &Call, limit: Duration) -> Result<Answer, Failure> {
        let deadline = Instant::now() + limit;
        let mut target = format!("{}{}", self.base.prefix, call.target);
        let mut hops = 0;
        loop {
            let full = hops == 0 && limit == self.timeout;
            let left = (!full).then(|| deadline.saturating_duration_since(Instant::now()));
            let answer = self.exchange(call, &target, left).map_err(|fault| self.failed(call, fault))?;
            if !(300..400).contains(&answer.status) {
                return self.judge(call, answer, hops > 0);
            }
            target = self.redirected(call, &target, &answer)?;
            hops += 1;
            if hops > MOST_REDIRECTS {
                return Err(refused(answer.status, "it redirects in circles".into()));
            }
        }
    }

    /// One request and its answer, within `left` or the whole time-out; nothing is interpreted.
    fn exchange(&self, call: &Call, target: &str, left: Option<Duration>) -> Result<Answer, Fault> {
        let line = self.line().map_err(Fault::before_sending)?;
        match self.run(line, call, target, left) {
            // That a kept connection had gone says nothing about the server. For a write it leaves a doubt.
            Err(fault) if fault.kind == Kind::HungUp && !line.mark.connected() && (call.is_read() || !fault.sent) => {
                self.run(line, call, target, left)
            }
            result => result,
        }
    }

    /// One request, noted and measured.
    fn run(&self, line: &Line, call: &Call, target: &str, left: Option<Duration>) -> Result<Answer, Fault> {
        let ahead = self.ahead.take().and_then(|ahead| ahead.take(target)).filter(|_| call.is_read());
        let (started, result) = match ahead {
            Some(found) => found,
            None => {
                let request = self.request(call, target)?;
                line.mark.clear();
                (Instant::now(), answer::exchange(&line.agent, request, call.body.as_deref(), left))
            }
        };
        let result = result.map_err(|broken| Fault::after(broken, line.mark.sent(), self.timeout));
        self.say(|| {
            let outcome = match &result {
                Ok(answer) => format!("{}, {} bytes", answer.status, answer.body.len()),
                Err(fault) => fault.message.clone(),
            };
            format!("{} {}{target}: {outcome} in {} ms", call.method, self.base.origin, started.elapsed().as_millis())
        });
        if let Ok(answer) = &result {
            self.hear(answer);
        }
        result
    }

    /// Begins a read that will be asked for next.
    pub(super) fn prefetch(&self, call: &Call) {
        let target = format!("{}{}", self.base.prefix, call.target);
        if let (Some(line), Ok(request)) = (self.line.get(), self.request(call, &target)) {
            line.mark.clear();
            *self.ahead.borrow_mut() = Ahead::start(line.agent.clone(), request, target);
        }
    }

    /// Takes note of what the server says that it can do. It counts only while both headers arrive: a program on the way
    /// that takes one of them out may take out what the requests rely on as well.
    fn hear(&self, answer: &Answer) {
        if let Some(theirs) = answer.date() {
            self.clocks.set(Some((theirs, Timestamp::now())));
        }
        if answer.honours_keys {
            self.honours_keys.set(true);
        }
        let Some(text) = &answer.capabilities else { return };
        let said = answer.honours_keys.then_some(text);
        if self.declared.borrow().as_ref().map(|(known, _)| known) != said {
            *self.declared.borrow_mut() = said.map(|text| (text.clone(), Capabilities::parse(text)));
        }
    }

    fn request(&self, call: &Call, target: &str) -> Result<Request<()>, Fault> {
        let mut builder = Request::builder().method(&call.method).uri(format!("{}{target}", self.base.origin));
        if let (Some(secret), false) = (&self.secret, call.anonymous) {
            let (name, value) = credential(secret)?;
            builder = builder.header(name, value);
        }
        if call.body.is_some() {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &call.key {
            builder = builder.header("idempotency-key", key);
        }
        if let Some(version) = call.if_match {
            builder = builder.header(header::IF_MATCH, version);
        }
        builder.body(()).map_err(|error| Fault::before_sending(format!("no request can be made of this: {error}")))
    }

    fn line(&self) -> Result<&Line, String> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let built = Line::build(&Setup {
            authority: self.base.origin.authority(),
            proxy: self.proxy.as_deref(),
            ca_file: self.ca_file.as_deref(),
            timeout: self.timeout,
        })?;
        Ok(self.line.get_or_init(|| built))
    }

    pub(super) fn scrub(&self, text: &str) -> String {
        self.secret.as_ref().map_or_else(|| text.to_string(), |secret| secret.scrub(text))
    }

    fn say(&self, line: impl FnOnce() -> String) {
        if let Some(verbose) = &self.verbose {
            verbose(&problem::one_line(&self.scrub(&line())));
        }
    }
}

/// The header for a credential (api.md 1.2), marked so that nothing prints it.
fn credential(secret: &Secret) -> Result<(HeaderName, HeaderValue), Fault> {
    let (name, text) = if secret.is_agent_key() {
        (HeaderName::from_static("x-api-key"), secret.expose().to_string())
    } else {
        (header::AUTHORIZATION, format!("Bearer {}", secret.expose()))
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Fault::before_sending("the token holds characters that no header can carry".into()))?;
    value.set_sensitive(true);
    Ok((name, value))
}
