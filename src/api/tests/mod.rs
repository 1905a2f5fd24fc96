//! The real client against a server that plays a script: canned bytes, one reply per connection. Everything the
//! network and a server can do wrong, and what the client makes of it.

mod contract;
mod faults;
mod pooling;
mod retries;
mod secrets;

use super::{Http, Options, Patience};
use crate::model::task::{PROJECT, TASK as TASKS, TITLE};
use crate::model::{Patch, Row, Shape, Value};
use crate::secret::Secret;
use crate::sync::remote::{Remote, RemoteResult, Reply as Said, Request};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What the server does with one connection.
pub(super) enum Reply {
    /// Reads a request, writes these bytes, closes.
    Bytes(Vec<u8>),
    /// Several requests on one connection, each answered; then it reads one more and closes without a word.
    KeepAlive(Vec<Vec<u8>>),
    /// Reads a request and closes.
    Close,
    /// Takes the connection and closes with bytes unread, which resets it.
    Reset,
    /// Reads a request and says nothing until the test is over.
    Silence,
    /// Reads a request, writes the first bytes at once and the others one by one at this interval.
    Drip(Vec<u8>, Vec<u8>, Duration),
    /// Writes these bytes unasked, then reads until the client goes.
    Greeting(&'static [u8]),
    /// Reads a request and writes until the client has had enough.
    Endless(&'static [u8]),
}

/// A listener on a free loopback port with its script. When the script is over, connections are refused.
pub(super) struct Server {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<String>>>,
    closed: Arc<(Mutex<usize>, Condvar)>,
    over: Arc<(Mutex<bool>, Condvar)>,
    worker: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn play(script: Vec<Reply>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let closed = Arc::new((Mutex::new(0), Condvar::new()));
        let worker = {
            let (seen, over, closed) = (seen.clone(), over.clone(), closed.clone());
            thread::spawn(move || {
                thread::scope(|scope| {
                    for reply in script {
                        let (stream, _) = listener.accept().expect("a connection");
                        if *over.0.lock().expect("not poisoned") {
                            return;
                        }
                        // A client that neither speaks nor hangs up fails the test instead of stopping it.
                        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
                        let (seen, over, closed) = (&seen, &over, &closed);
                        scope.spawn(move || {
                            serve(stream, reply, seen, over);
                            *closed.0.lock().expect("not poisoned") += 1;
                            closed.1.notify_all();
                        });
                    }
                    drop(listener);
                });
            })
        };
        Server { url, seen, closed, over, worker: Some(worker) }
    }

    /// One JSON answer per connection.
    pub(super) fn answers(bodies: &[(u16, &str)]) -> Server {
        Server::play(bodies.iter().map(|(status, body)| json(*status, body)).collect())
    }

    /// Waits until the server has closed so many connections.
    pub(super) fn until_closed(&self, count: usize) {
        let closed = self.closed.0.lock().expect("not poisoned");
        let _closed = self.closed.1.wait_while(closed, |closed| *closed < count).expect("not poisoned");
    }

    /// The requests so far: head and body as they came.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("not poisoned").clone()
    }
}

impl Drop for Server {
    /// Ends the script wherever it is: a silent connection lets go, a waiting accept is woken.
    fn drop(&mut self) {
        *self.over.0.lock().expect("not poisoned") = true;
        self.over.1.notify_all();
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        let played = self.worker.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(played, Some(Ok(()))), "the scripted server failed");
        }
    }
}

fn serve(mut stream: TcpStream, reply: Reply, seen: &Mutex<Vec<String>>, over: &(Mutex<bool>, Condvar)) {
    let note = |request: String| seen.lock().expect("not poisoned").push(request);
    if let Reply::Reset = reply {
        let mut first = [0];
        // One byte read and the rest unread: closing then sends a reset.
        let _ = stream.read(&mut first);
        let _ = stream.peek(&mut first);
        return note(String::new());
    }
    if let Reply::Greeting(bytes) = reply {
        let _ = stream.write_all(bytes);
        while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
        return;
    }
    let Some(request) = read_request(&mut stream) else { return };
    note(request);
    match reply {
        Reply::Bytes(bytes) => drop(stream.write_all(&bytes)),
        Reply::KeepAlive(answers) => {
            for bytes in answers {
                let _ = stream.write_all(&bytes);
                match read_request(&mut stream) {
                    Some(request) => note(request),
                    None => return,
                }
            }
        }
        Reply::Close | Reply::Reset | Reply::Greeting(_) => {}
        Reply::Silence => {
            let held = over.0.lock().expect("not poisoned");
            let _over = over.1.wait_while(held, |over| !*over).expect("not poisoned");
        }
        Reply::Drip(at_once, bytes, interval) => {
            let _ = stream.write_all(&at_once);
            for byte in bytes {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                thread::sleep(interval);
            }
        }
        Reply::Endless(bytes) => while stream.write_all(bytes).is_ok() {},
    }
}

/// Head and body of a request, or `None` when the client went away.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// An answer with a body after which the connection stays open.
pub(super) fn kept(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The last answer of a connection, with a body and further header lines (each ending in CRLF).
pub(super) fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let framing = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    format!("HTTP/1.1 {status} X\r\n{framing}{headers}\r\n{body}").into_bytes()
}

pub(super) fn json(status: u16, body: &str) -> Reply {
    Reply::Bytes(answer(status, "Content-Type: application/json\r\n", body))
}

/// A client with a user token, a time-out of 2 s and no retries.
pub(super) fn options(url: &str) -> Options {
    Options {
        base_url: url.to_string(),
        secret: Some(Secret::new("anyt_canary")),
        allow_insecure_http: false,
        ca_file: None,
        timeout: Duration::from_secs(2),
        patience: Patience { tries: 1, total: Duration::ZERO },
        until: None,
        verbose: None,
    }
}

pub(super) fn open(options: Options) -> Http {
    Http::with_env(options, &|_| None).expect("a usable server")
}

pub(super) fn client(server: &Server) -> Http {
    open(options(&server.url))
}

/// A client that tries three times within five seconds.
pub(super) fn patient(server: &Server) -> Http {
    let patience = Patience { tries: 3, total: Duration::from_secs(5) };
    open(Options { patience, ..options(&server.url) })
}

pub(super) const TASK: &str = r#"{"id":7,"workspace_id":1,"project_id":2,"number":42,"identifier":"DEV-42","title":"Fix",
    "status":"todo","priority":0,"version":5,"created_at":"2025-10-16T10:00:00Z","updated_at":"2025-10-16T10:00:00Z"}"#;

pub(super) fn title(text: &str) -> Patch {
    Patch::from([(TITLE, Value::Text(text.into())), (PROJECT, Value::Int(2))])
}

/// A task, a create, an update and a delete of it.
pub(super) fn get(http: &Http) -> RemoteResult<Option<Row>> {
    http.row(&TASKS, 1, "DEV-42")
}

fn request<'a>(shape: Shape, set: &'a Patch) -> Request<'a> {
    let name = if shape == Shape::Create { "" } else { "DEV-42" };
    let version = (shape == Shape::Update).then_some(5);
    Request {
        kind: &TASKS,
        shape,
        op_id: "8c5f4f0e-0001",
        workspace_id: 1,
        name,
        other: "",
        set,
        version,
        id: 0,
        below: None,
    }
}

pub(super) fn post(http: &Http) -> Said {
    http.send(&request(Shape::Create, &title("Fix")))
}

pub(super) fn patch(http: &Http, set: &Patch) -> Said {
    http.send(&request(Shape::Update, set))
}

pub(super) fn delete(http: &Http) -> Said {
    http.send(&request(Shape::Delete, &Patch::new()))
}

pub(super) fn is_done(said: &Said) -> bool {
    matches!(said, Said::Done(_))
}

pub(super) fn is_lost(said: &Said) -> bool {
    matches!(said, Said::Lost { .. })
}

/// What `action` gives, and that it took no longer than `most`.
pub(super) fn within<T>(most: Duration, action: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = action();
    let took = started.elapsed();
    assert!(took <= most, "it took {took:?}, more than {most:?}");
    result
}
