//! As much of HTTP/1.1 as the tests need to speak it themselves, so that no test trusts the client's own transport:
//! messages with `Content-Length` or chunked bodies, one request a connection.

use super::json::{self, Value};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long the tests' own requests wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub type Headers = Vec<(String, String)>;

/// A request or a reply. `start` is its first line.
#[derive(Debug, Clone)]
pub struct Message {
    pub start: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Message {
    pub fn reply(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Message {
        Message {
            start: format!("HTTP/1.1 {status} {}", reason(status)),
            headers: vec![("Content-Type".into(), media_type.into())],
            body: body.into(),
        }
    }

    pub fn json(status: u16, body: &Value) -> Message {
        Message::reply(status, "application/json", json::to_string(body))
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Message {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// Path and query of a request, as they were sent.
    pub fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// Status code of a reply.
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The message as it travels, framed by `Content-Length` whatever framing it came with.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_claiming(self.body.len())
    }

    /// The same with a `Content-Length` of our choice: a lie, unless it is the body's length.
    pub fn bytes_claiming(&self, length: usize) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.start).into_bytes();
        for (name, value) in self.headers.iter().filter(|(name, _)| !is_framing(name)) {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let bodiless = self.start.starts_with("HTTP/") && self.status() == 204;
        if !bodiless && (self.start.starts_with("HTTP/") || !self.body.is_empty()) {
            bytes.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Reads one message. `Ok(None)` when the other side closed before its first byte.
pub fn read(from: &mut impl BufRead) -> io::Result<Option<Message>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if from.read_until(b'\n', &mut head)? == 0 {
            return if head.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
    let (start, headers) = parse_head(&head);
    let mut body = Vec::new();
    let is_reply = start.starts_with("HTTP/");
    if find(&headers, "Transfer-Encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        read_chunks(from, &mut body)?;
    } else if let Some(length) = find(&headers, "Content-Length").and_then(|value| value.parse::<usize>().ok()) {
        body.resize(length, 0);
        from.read_exact(&mut body)?;
    } else if is_reply && !start.contains(" 204") && !start.contains(" 304") {
        from.read_to_end(&mut body)?;
    }
    Ok(Some(Message { start, headers, body }))
}

/// First line and headers of a head that ends with an empty line.
pub fn parse_head(head: &[u8]) -> (String, Headers) {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let start = lines.next().unwrap_or_default().to_string();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_string(), value.trim().to_string()))
        .collect();
    (start, headers)
}

pub fn find<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn read_chunks(from: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let digits = line.trim().split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(digits, 16).map_err(|_| io::Error::other("a chunk without a size"))?;
        let start = body.len();
        body.resize(start + size, 0);
        from.read_exact(&mut body[start..])?;
        from.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn is_framing(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
}

/// One request on a connection of its own.
pub fn exchange(to: SocketAddr, request: &Message) -> io::Result<Message> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request.bytes())?;
    read(&mut BufReader::new(stream))?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// A JSON request with a bearer token; the answer's status and JSON (`null` for an empty or foreign body).
pub fn call(to: SocketAddr, token: &str, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
    let body = body.map(json::to_string).unwrap_or_default();
    let headers = [
        ("Host", to.to_string()),
        ("Connection", "close".into()),
        ("Accept", "application/json".into()),
        ("Content-Type", "application/json".into()),
        ("Authorization", format!("Bearer {token}")),
    ];
    let request = Message {
        start: format!("{method} {target} HTTP/1.1"),
        headers: headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
        body: body.into_bytes(),
    };
    let reply = exchange(to, &request).unwrap_or_else(|error| panic!("{method} {target}: {error}"));
    (reply.status(), json::try_parse(&reply.text()).unwrap_or(Value::Null))
}

/// A query's parameters, decoded.
pub fn query(target: &str) -> Vec<(String, String)> {
    let Some((_, query)) = target.split_once('?') else { return Vec::new() };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decoded(k), decoded(v))).collect()
}

/// `%2C` and `+` undone.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Other",
    }
}
