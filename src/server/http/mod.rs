//! HTTP/1.1 over plain sockets: a thread for each connection, whole requests in, whole answers out. It knows no path and
//! no database.
//!
//! By hand, because what a server of strangers needs is not in the small libraries: tiny_http 0.12 was tried and let new
//! connections wait behind stalled ones (its thread pool counts a woken thread as idle), stopped accepting for good
//! when file descriptors ran out, and has no time-outs. Here a stalled client costs its own thread until a deadline, the
//! number of connections is bounded, and running out of descriptors passes. An answer is one write on a socket without
//! Nagle's algorithm, so that nothing waits for a delayed acknowledgement.

mod read;
mod write;

use anyt::error::{Error, Result};
use miniserde::json::{self, Value};
use read::{Reader, Refusal};
use std::io::{ErrorKind, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
pub use write::{CAPABILITIES, reason};

/// The largest request body in bytes; a longer one is answered with 413.
pub const BODY_LIMIT: usize = 16 << 20;

/// More connections than this at a time are closed unanswered.
const MOST_CONNECTIONS: usize = 500;

/// How long one write may wait for a client that does not read.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long, and how many bytes, are read and thrown away before a connection with unread input is closed. Closing at
/// once would reset it, and the client might never see the answer that says why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 64 << 20;

#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: String,
    /// As it stood in the request line: no query, still percent-encoded.
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
    /// `None` when it was longer than `BODY_LIMIT`.
    pub body: Option<Vec<u8>>,
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
    /// Empty for 204.
    pub body: String,
}

impl Response {
    pub fn json(status: u16, body: &Value) -> Response {
        Response { status, media_type: "application/json", body: json::to_string(body) }
    }

    pub fn problem(status: u16, body: &Value) -> Response {
        Response { media_type: "application/problem+json", ..Response::json(status, body) }
    }

    pub fn no_content() -> Response {
        Response { status: 204, media_type: "application/json", body: String::new() }
    }
}

/// Whoever answers: requests, and what was no request (a status of the 400s and 500s with words for it).
pub trait Answer: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> Response;
    fn refuse(&self, status: u16, reason: &str) -> Response;
}

pub struct Listener {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Listener {
    /// Binds the address; clients wait in the kernel until `serve`.
    pub fn bind(address: SocketAddr) -> Result<Listener> {
        let cannot = |error: std::io::Error| Error::failure(format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Listener { listener, address })
    }

    /// Answers for ever.
    pub fn serve(&self, service: Arc<impl Answer>) -> ! {
        let connections = Arc::new(AtomicUsize::new(0));
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => {
                    pause_after(&error);
                    continue;
                }
            };
            let place = Place::take(&connections);
            if place.number > MOST_CONNECTIONS {
                continue;
            }
            let service = Arc::clone(&service);
            let started = std::thread::Builder::new().spawn(move || {
                let _place = place;
                // A broken connection is its client's affair: what it asked for before is done.
                let _ = converse(&stream, &*service);
            });
            if let Err(error) = started {
                pause_after(&error);
            }
        }
    }
}

/// A client that gave up while it waited is nothing; else (no descriptors, no memory) some connection must end first.
fn pause_after(error: &std::io::Error) {
    if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) {
        eprintln!("anyt-server: cannot take a connection: {error}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One of the connections; given back when it ends, however it ends.
struct Place {
    all: Arc<AtomicUsize>,
    number: usize,
}

impl Place {
    fn take(all: &Arc<AtomicUsize>) -> Place {
        let number = all.fetch_add(1, Ordering::Relaxed) + 1;
        Place { all: Arc::clone(all), number }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers one request after the other until the client has enough.
fn converse(stream: &TcpStream, service: &impl Answer) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE_PATIENCE))?;
    let mut reader = Reader::new(stream);
    loop {
        match reader.request() {
            Ok(request) => {
                let keep = request.body.is_some() && keeps(&request);
                write::response(stream, &service.answer(&request), request.method == "HEAD", keep)?;
                if !keep {
                    return linger(stream);
                }
            }
            Err(Refusal::Status(status, reason)) => {
                write::response(stream, &service.refuse(status, reason), false, false)?;
                return linger(stream);
            }
            Err(Refusal::Gone(error)) => return error.map_or(Ok(()), Err),
        }
    }
}

/// HTTP/1.0 does not reach here as such: `read` adds `Connection: close` where that is its default.
fn keeps(request: &Request) -> bool {
    !request.header("Connection").is_some_and(|value| value.to_ascii_lowercase().contains("close"))
}

fn linger(stream: &TcpStream) -> std::io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let reader = read::Patient::until(stream, LINGER);
    std::io::copy(&mut reader.take(LINGER_BYTES), &mut std::io::sink()).map(drop)
}
