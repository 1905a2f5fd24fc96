//! HTTP in and out: the only file that knows tiny_http. It hands over whole requests and writes whole answers; it knows
//! no path and no database.
//!
//! Every request runs in a thread of its own, so that a client that sends its body slowly, or reads its answer slowly,
//! holds up nobody else. Nagle's algorithm is off: tiny_http writes head and body apart, and the second write would wait
//! some 40 ms for the client's delayed acknowledgement.

use anyt::error::{Error, Result};
use miniserde::json::{self, Value};
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The largest request body in bytes; a longer one is answered with 413.
pub const BODY_LIMIT: usize = 16 << 20;

pub struct Request {
    pub method: String,
    /// As it stood in the request line: no query, still percent-encoded.
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
    /// `None` when it was too long or did not arrive whole.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// The first header of that name, in any case, without surrounding blanks.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
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

pub struct Listener {
    server: tiny_http::Server,
    pub address: SocketAddr,
}

impl Listener {
    /// Binds the address; requests wait in the kernel until `serve`.
    pub fn bind(address: SocketAddr) -> Result<Listener> {
        let cannot = |error: &dyn std::fmt::Display| Error::failure(format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).map_err(|error| cannot(&error))?;
        switch_off_nagle(&listener).map_err(|error| cannot(&error))?;
        let address = listener.local_addr().map_err(|error| cannot(&error))?;
        let server = tiny_http::Server::from_listener(listener, None).map_err(|error| cannot(&error))?;
        Ok(Listener { server, address })
    }

    /// Answers requests until the listening socket fails.
    pub fn serve(&self, answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Error {
        let answer = Arc::new(answer);
        loop {
            let incoming = match self.server.recv() {
                Ok(incoming) => incoming,
                Err(error) => return Error::failure(format!("cannot accept connections any more: {error}")),
            };
            let answer = Arc::clone(&answer);
            let started = std::thread::Builder::new().spawn(move || exchange(incoming, &*answer));
            if let Err(error) = started {
                eprintln!("anyt-server: cannot start a thread: {error}");
            }
        }
    }
}

/// Accepted sockets inherit the option from the listening one, which the standard library can only set through the
/// stream type.
fn switch_off_nagle(listener: &TcpListener) -> std::io::Result<()> {
    TcpStream::from(OwnedFd::from(listener.try_clone()?)).set_nodelay(true)
}

fn exchange(mut incoming: tiny_http::Request, answer: &dyn Fn(&Request) -> Response) {
    let body = read_body(&mut incoming);
    let (path, query) = incoming.url().split_once('?').unwrap_or((incoming.url(), ""));
    let request = Request {
        method: incoming.method().as_str().to_string(),
        path: path.to_string(),
        query: query.to_string(),
        headers: incoming
            .headers()
            .iter()
            .map(|header| (header.field.as_str().to_string(), header.value.as_str().to_string()))
            .collect(),
        body,
    };
    let response = answer(&request);
    // A client that went away does not need its answer; what it asked for is done all the same.
    let _ = incoming.respond(encode(response));
}

fn read_body(incoming: &mut tiny_http::Request) -> Option<Vec<u8>> {
    if incoming.body_length().is_some_and(|length| length > BODY_LIMIT) {
        return None;
    }
    let mut body = Vec::new();
    let mut reader = incoming.as_reader().take(BODY_LIMIT as u64 + 1);
    (reader.read_to_end(&mut body).is_ok() && body.len() <= BODY_LIMIT).then_some(body)
}

fn encode(response: Response) -> tiny_http::Response<std::io::Cursor<Vec<u8>>> {
    let mut out = tiny_http::Response::from_data(response.body)
        .with_status_code(response.status)
        .with_chunked_threshold(usize::MAX);
    let mut add = |name: &str, value: &str| {
        out.add_header(tiny_http::Header::from_bytes(name, value).expect("constant ASCII headers"));
    };
    // Clients learn from this that they may repeat a POST whose answer they did not get.
    add("Idempotency-Key-Honoured", "true");
    if response.status != 204 {
        add("Content-Type", response.media_type);
    }
    out
}
