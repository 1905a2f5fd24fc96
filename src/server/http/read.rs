//! Reading requests off a connection, under deadlines and limits. What could be understood in two ways (both a length
//! and chunks, two lengths, folded headers) is refused: behind a proxy that reads it the other way it would be an attack.

use super::{BODY_LIMIT, Request};
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long a connection may lie idle between requests.
const IDLE: Duration = Duration::from_secs(75);

/// How long a request may take to arrive once it has begun.
const ARRIVAL: Duration = Duration::from_secs(60);

/// Request line and headers together, in bytes.
const HEAD_LIMIT: u64 = 64 << 10;

/// Why there is no request.
pub enum Refusal {
    /// Answer with this and close: where the next request would begin is unknown.
    Status(u16, &'static str),
    /// Nobody is there to be answered any more.
    Gone(Option<Error>),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Refusal::Status(408, "the request did not arrive in time"),
            _ => Refusal::Gone(Some(error)),
        }
    }
}

const MALFORMED: Refusal = Refusal::Status(400, "this is not an HTTP request");

/// A stream whose reads all together end at a deadline.
pub struct Patient<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Patient<'_> {
    pub fn until(stream: &TcpStream, patience: Duration) -> Patient<'_> {
        Patient { stream, deadline: Instant::now() + patience }
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

/// What a head says about the body after it.
#[derive(Debug, PartialEq)]
enum Framing {
    Length(u64),
    Chunked,
}

pub struct Reader<'a> {
    input: BufReader<Patient<'a>>,
}

impl<'a> Reader<'a> {
    pub fn new(stream: &'a TcpStream) -> Reader<'a> {
        Reader { input: BufReader::new(Patient::until(stream, IDLE)) }
    }

    /// The next request, with its body unless that is too long.
    pub fn request(&mut self) -> Result<Request, Refusal> {
        self.wait(IDLE);
        match self.input.fill_buf() {
            // Idle for too long, or closed between requests: nobody asked anything.
            Ok([]) | Err(_) => return Err(Refusal::Gone(None)),
            Ok(_) => self.wait(ARRIVAL),
        }
        let mut request = head(&mut (&mut self.input).take(HEAD_LIMIT))?;
        let framing = framing(&request)?;
        if matches!(framing, Framing::Length(length) if length > BODY_LIMIT as u64) {
            return Ok(request);
        }
        if request.header("Expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            let mut stream = self.input.get_ref().stream;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = match framing {
            Framing::Length(length) => Some(exactly(&mut self.input, length)?),
            Framing::Chunked => chunks(&mut self.input)?,
        };
        Ok(request)
    }

    fn wait(&mut self, patience: Duration) {
        self.input.get_mut().deadline = Instant::now() + patience;
    }
}

/// One line without its end; `None` when the input ended before the line did.
fn line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Refusal> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}

fn head(input: &mut std::io::Take<impl BufRead>) -> Result<Request, Refusal> {
    let next = |input: &mut std::io::Take<_>| match line(input)? {
        Some(line) => Ok(line),
        None if input.limit() == 0 => Err(Refusal::Status(431, "the request's head is too long")),
        None => Err(Refusal::Gone(None)),
    };
    let mut first = next(input)?;
    // Some clients end a body with a line break that is no part of it (RFC 9112, 2.2).
    if first.is_empty() {
        first = next(input)?;
    }
    let (mut request, is_old) = request_line(&first).ok_or(MALFORMED)?;
    loop {
        let text = next(input)?;
        if text.is_empty() {
            break;
        }
        request.headers.push(header_line(&text).ok_or(MALFORMED)?);
    }
    if is_old && !request.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("keep-alive")) {
        request.headers.insert(0, ("Connection".into(), "close".into()));
    }
    Ok(request)
}

/// The request line, and whether it is of HTTP/1.0.
fn request_line(line: &[u8]) -> Option<(Request, bool)> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_old = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ => return None,
    };
    if words.next().is_some() || method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    // A proxy's form: http://host/path.
    let target = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: method.to_string(),
        path: path.to_string(),
        query: query.to_string(),
        headers: Vec::new(),
        body: None,
    };
    Some((request, is_old))
}

fn header_line(line: &[u8]) -> Option<(String, String)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_name = |byte: &u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte);
    let good = !name.is_empty() && name.iter().all(is_name);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
    good.then(|| (text(name), text(value)))
}

fn framing(request: &Request) -> Result<Framing, Refusal> {
    let all = |name: &str| {
        let wanted = request.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        wanted.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    match (all("Transfer-Encoding").as_slice(), all("Content-Length").as_slice()) {
        ([], []) => Ok(Framing::Length(0)),
        ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            length.parse().map(Framing::Length).map_err(|_| MALFORMED)
        }
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        ([_], []) => Err(Refusal::Status(501, "only chunked transfer coding is understood")),
        _ => Err(MALFORMED),
    }
}

/// The next `length` bytes; memory grows with what arrives, not with what was announced.
fn exactly(input: &mut impl Read, length: u64) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(Refusal::Gone(None)) }
}

/// A chunked body; `None` when it grows too long.
fn chunks(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Refusal> {
    let mut body = Vec::new();
    loop {
        let size = short_line(input)?;
        let digits = size.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let size = size.filter(|_| !digits.starts_with(b"+")).ok_or(MALFORMED)?;
        if size == 0 {
            // Trailers say nothing that is of use here.
            while !short_line(input)?.is_empty() {}
            return Ok(Some(body));
        }
        if size > (BODY_LIMIT - body.len()) as u64 {
            return Ok(None);
        }
        body.append(&mut exactly(input, size)?);
        if !short_line(input)?.is_empty() {
            return Err(MALFORMED);
        }
    }
}

fn short_line(input: &mut impl BufRead) -> Result<Vec<u8>, Refusal> {
    line(&mut input.take(HEAD_LIMIT))?.ok_or(Refusal::Gone(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Request, Framing), u16> {
        let status = |refusal: Refusal| match refusal {
            Refusal::Status(status, _) => status,
            Refusal::Gone(_) => 0,
        };
        let request = head(&mut text.as_bytes().take(HEAD_LIMIT)).map_err(status)?;
        let framing = framing(&request).map_err(status)?;
        Ok((request, framing))
    }

    #[test]
    fn reads_heads() {
        let (request, framing) =
            parse("\r\nPOST /a/b?c=d HTTP/1.1\r\nhost:x\r\nX-A:  b c \r\nContent-Length: 12\r\n\r\n").unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str(), request.query.as_str()), ("POST", "/a/b", "c=d"));
        assert_eq!((request.header("x-a"), framing), (Some("b c"), Framing::Length(12)));
        let (proxied, _) = parse("GET http://h:1/p HTTP/1.1\n\n").unwrap();
        assert_eq!(proxied.path, "/p");
        let (old, _) = parse("GET / HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!(old.header("Connection"), Some("close"));
        let chunked = parse("PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n").unwrap();
        assert_eq!(chunked.1, Framing::Chunked);
    }

    #[test]
    fn refuses_what_is_ambiguous_or_endless() {
        for (text, status) in [
            ("GET /\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\n\r\n", 400),
            ("GET / x HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nA: b\r\n", 0),
        ] {
            assert_eq!(parse(text).err(), Some(status), "{text}");
        }
        assert_eq!(parse(&format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000))).err(), Some(431));
    }

    #[test]
    fn reads_chunks() {
        let body = |text: &str| chunks(&mut text.as_bytes()).ok().flatten();
        assert_eq!(
            body("3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n").as_deref(),
            Some(&b"abc0123456789"[..])
        );
        for broken in ["", "3\r\nab", "3\r\nabcd\r\n0\r\n\r\n", "x\r\n", "-1\r\n", "+1\r\na\r\n", "ffffffff\r\n"] {
            assert_eq!(body(broken), None, "{broken}");
        }
    }
}
