//! The fault proxy: stands before a server on a port of its own, keeps a log of what passes, and goes wrong when and
//! how it is told to. Nothing in it is left to chance or to time; only stalls wait, and only for the test.

use super::accept::{Acceptor, Door};
pub use super::faults::{Gate, Seen, What, When};
use super::http::{self, Headers, Message};
use super::json::{self, Array, Value};
use super::server::Server;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// One request that came, and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub n: usize,
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// The server's status; `None` while it was not asked or has not answered.
    pub upstream: Option<u16>,
    /// The status that the client was given the chance to see.
    pub status: Option<u16>,
}

impl Exchange {
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        http::find(&self.headers, name)
    }
}

#[derive(Default)]
struct State {
    next: usize,
    log: Vec<Exchange>,
    faults: Vec<(When, What)>,
    /// Headers that neither side gets to see.
    hidden: Vec<&'static str>,
    /// All gates ever set, so that no thread waits for a test that has ended.
    gates: Vec<Gate>,
}

struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics holding it")
    }
}

pub struct Proxy {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

impl Proxy {
    pub fn before(server: &Server) -> Proxy {
        Proxy::before_address(server.address())
    }

    pub fn before_address(upstream: SocketAddr) -> Proxy {
        let shared = Arc::new(Shared { upstream, state: Mutex::default() });
        let inner = shared.clone();
        let acceptor = Acceptor::start(move |stream, door| {
            // An error here is the client's going away: nobody is left to tell.
            let _ = Connection { stream, shared: &inner, door }.serve();
        });
        Proxy { acceptor, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.acceptor.door().address()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// From now on, also after a `reset`, the server behind is one that never heard of `Idempotency-Key`.
    pub fn hide_idempotency(&self) {
        self.hide("Idempotency-Key");
        self.hide("Idempotency-Key-Honoured");
    }

    /// Adds a fault. Of several that match a request the one added first happens.
    pub fn fault(&self, when: When, what: What) -> &Proxy {
        let mut state = self.shared.lock();
        if let What::StallRequest(gate) | What::StallReply(gate) = &what {
            state.gates.push(gate.clone());
        }
        state.faults.push((when, what));
        self
    }

    /// Neither side gets to see this header any more; the log keeps it. Outlives a `reset`.
    pub fn hide(&self, header: &'static str) {
        self.shared.lock().hidden.push(header);
    }

    /// From now on connections are refused.
    pub fn go_down(&self) {
        self.acceptor.door().close();
    }

    pub fn come_back(&self) {
        self.acceptor.door().open();
    }

    pub fn log(&self) -> Vec<Exchange> {
        self.shared.lock().log.clone()
    }

    /// Requests so far; those of a method (`""`: any) whose path starts so.
    pub fn count_requests(&self, method: &str, prefix: &str) -> usize {
        let matches = |one: &&Exchange| (method.is_empty() || one.method == method) && one.target.starts_with(prefix);
        self.shared.lock().log.iter().filter(matches).count()
    }

    /// What was sent to change something, whether or not it arrived.
    pub fn writes(&self) -> Vec<Exchange> {
        self.log().into_iter().filter(Exchange::is_write).collect()
    }

    /// Faults that have not happened yet will not. The log stays, and so does what stands before a gate.
    pub fn forget_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Forgets the log and the faults, opens the gates and counts from 0 again.
    pub fn reset(&self) {
        let mut state = self.shared.lock();
        let hidden = std::mem::take(&mut state.hidden);
        let old = std::mem::replace(&mut *state, State { hidden, ..State::default() });
        drop(state);
        old.gates.iter().for_each(Gate::open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.reset();
    }
}

/// How a connection goes on after a request.
#[derive(PartialEq)]
enum Next {
    /// It may carry another one.
    KeepAlive,
    Close,
}

/// A client's connection.
struct Connection<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    door: &'a Door,
}

impl Connection<'_> {
    fn serve(mut self) -> std::io::Result<()> {
        while let Some(request) = self.read_all_but_one_byte()? {
            let (n, what) = self.arrive(&request);
            if self.answer(n, request, what)? == Next::Close {
                break;
            }
        }
        Ok(())
    }

    /// Reads a request but leaves its last byte in the socket: to close a socket with something unread in it is what
    /// makes a reset of the closing.
    fn read_all_but_one_byte(&mut self) -> std::io::Result<Option<Message>> {
        let mut head = Vec::new();
        let mut byte = [0];
        loop {
            if self.stream.peek(&mut byte)? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
            if head.ends_with(b"\r\n\r\n") {
                break;
            }
            self.stream.read_exact(&mut byte)?;
        }
        let (start, headers) = http::parse_head(&head);
        assert!(http::find(&headers, "Transfer-Encoding").is_none(), "the proxy takes no chunked requests");
        let length = http::find(&headers, "Content-Length").map_or(Ok(0), str::parse::<usize>);
        let mut body = vec![0; length.map_err(std::io::Error::other)?];
        if let Some(last) = body.len().checked_sub(1) {
            self.stream.read_exact(&mut byte)?;
            self.stream.read_exact(&mut body[..last])?;
            if self.stream.peek(&mut body[last..])? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(Message { start, headers, body }))
    }

    /// Takes the byte left behind, after which closing is closing.
    fn take_last_byte(&mut self) -> std::io::Result<()> {
        self.stream.read_exact(&mut [0])
    }

    /// Logs the request and finds its fault.
    fn arrive(&self, request: &Message) -> (usize, Option<What>) {
        let mut state = self.shared.lock();
        let n = state.next;
        state.next += 1;
        let seen = Seen { n, method: request.method(), target: request.target(), request };
        let what = state.faults.iter_mut().find_map(|(when, what)| when.happens(&seen).then(|| what.clone()));
        state.log.push(Exchange {
            n,
            method: request.method().into(),
            target: request.target().into(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            upstream: None,
            status: None,
        });
        (n, what)
    }

    fn answer(&mut self, n: usize, request: Message, what: Option<What>) -> std::io::Result<Next> {
        match what {
            Some(What::GoDown) => {
                self.door.close();
                return Ok(Next::Close);
            }
            Some(What::ResetAfterRequestBytes(count)) => {
                let bytes = request.bytes();
                let mut upstream = TcpStream::connect(self.shared.upstream)?;
                upstream.write_all(&bytes[..count.min(bytes.len() - 1)])?;
                return Ok(Next::Close);
            }
            Some(What::ResetAfterReplyBytes(count)) => {
                let bytes = self.forward(n, &request)?.bytes();
                self.stream.write_all(&bytes[..count.min(bytes.len())])?;
                return Ok(Next::Close);
            }
            _ => self.take_last_byte()?,
        }
        let Some(what) = what else {
            let reply = self.forward(n, &request)?;
            return self.deliver(n, &request, &reply);
        };
        self.answer_whole(n, request, what)
    }

    /// The faults that take the request to its last byte.
    fn answer_whole(&mut self, n: usize, request: Message, what: What) -> std::io::Result<Next> {
        match what {
            What::StallRequest(gate) => {
                gate.pass();
                let reply = self.forward(n, &request)?;
                return self.deliver(n, &request, &reply);
            }
            What::Answer(reply) => return self.deliver(n, &request, &reply),
            What::Html => {
                let page = "<!DOCTYPE html>\n<html><title>Sign in</title><body>Please sign in.</body></html>\n";
                return self.deliver(n, &request, &Message::reply(200, "text/html; charset=utf-8", page));
            }
            _ => {}
        }
        let mut reply = self.forward(n, &request)?;
        match what {
            What::StallReply(gate) => gate.pass(),
            What::AnswerAfter(instead) => reply = instead,
            What::PageSkips => change_list(&mut reply, |items| drop((!items.is_empty()).then(|| items.remove(0)))),
            What::PageRepeats => change_list(&mut reply, |items| {
                let first = items.first().cloned();
                first.into_iter().for_each(|first| items.insert(0, first));
            }),
            What::TruncatedBody => {
                let bytes = reply.bytes();
                self.stream.write_all(&bytes[..bytes.len() - reply.body.len().div_ceil(2)])?;
                return Ok(Next::Close);
            }
            What::WrongLength => {
                self.stream.write_all(&reply.bytes_claiming(reply.body.len() / 2))?;
                return Ok(Next::Close);
            }
            // At once: one that comes later cannot be told from the next answer.
            What::DuplicateReply => {
                reply.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("connection"));
                self.stream.write_all(&[reply.bytes(), reply.bytes()].concat())?;
                return Ok(Next::KeepAlive);
            }
            // DropReply, and those that were dealt with before the request was forwarded.
            _ => return Ok(Next::Close),
        }
        self.deliver(n, &request, &reply)
    }

    fn forward(&self, n: usize, request: &Message) -> std::io::Result<Message> {
        let mut request = request.clone();
        let hidden = self.shared.lock().hidden.clone();
        let shown = |name: &str| !hidden.iter().any(|hidden| name.eq_ignore_ascii_case(hidden));
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("connection") && shown(name));
        let mut reply = http::exchange(self.shared.upstream, &request.with_header("Connection", "close"))?;
        reply.headers.retain(|(name, _)| shown(name));
        if let Some(entry) = self.shared.lock().log.iter_mut().find(|entry| entry.n == n) {
            entry.upstream = Some(reply.status());
        }
        Ok(reply)
    }

    fn deliver(&mut self, n: usize, request: &Message, reply: &Message) -> std::io::Result<Next> {
        let last = request.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if let Some(entry) = self.shared.lock().log.iter_mut().find(|entry| entry.n == n) {
            entry.status = Some(reply.status());
        }
        let mut reply = reply.clone();
        reply.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("connection"));
        self.stream.write_all(&reply.bytes())?;
        Ok(if last { Next::Close } else { Next::KeepAlive })
    }
}

/// Changes a list answer's items: a bare array or `items` of an object. Another answer stays as it is.
fn change_list(reply: &mut Message, change: impl FnOnce(&mut Array)) {
    let Some(mut body) = json::try_parse(&reply.text()) else { return };
    match &mut body {
        Value::Array(items) => change(items),
        Value::Object(members) => match members.get_mut("items") {
            Some(Value::Array(items)) => change(items),
            _ => return,
        },
        _ => return,
    }
    reply.body = json::to_string(&body).into_bytes();
}
