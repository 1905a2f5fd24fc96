//! One try against each fault: a read says what is wrong, a write says whether it may have been done, and everything
//! ends within the time-out.

use super::*;
use crate::sync::remote::{Remote, RemoteError};

const SECOND: Duration = Duration::from_secs(1);

/// The same fault met by a read and by a write.
fn both(fault: impl Fn() -> Reply) -> (RemoteError, RemoteError) {
    let read = Server::play(vec![fault()]);
    let read = within(4 * SECOND, || client(&read).task(1, "DEV-42")).expect_err("a read");
    let write = Server::play(vec![fault()]);
    let write = within(4 * SECOND, || client(&write).create_task(&operation(), &title("Fix"))).expect_err("a write");
    (read, write)
}

fn is_uncertain(error: &RemoteError) -> bool {
    matches!(error, RemoteError::Uncertain(_))
}

#[test]
fn nobody_listens() {
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let http = open(options(&format!("http://{gone}")));
    let refused = RemoteError::Unreachable(format!("cannot reach http://{gone}: connection refused"));
    assert_eq!(http.task(1, "DEV-42"), Err(refused.clone()));
    assert_eq!(http.create_task(&operation(), &title("Fix")), Err(refused));
}

#[test]
fn no_such_host() {
    let http = open(options("https://anyt.invalid"));
    let error = http.create_task(&operation(), &title("Fix")).expect_err("no host");
    assert!(matches!(error, RemoteError::Unreachable(_)), "{error:?}");
}

#[test]
fn no_tls_on_the_other_side_is_unreachable_even_for_a_write() {
    for fault in [Reply::Reset, Reply::Greeting(b"220 mail.example ESMTP\r\n"), Reply::Silence] {
        let server = Server::play(vec![fault]);
        let http = open(options(&server.url.replace("http:", "https:")));
        let error = within(4 * SECOND, || http.create_task(&operation(), &title("Fix"))).expect_err("no TLS");
        assert!(matches!(error, RemoteError::Unreachable(_)), "{error:?}");
    }
}

#[test]
fn a_connection_that_ends_without_an_answer() {
    for fault in [|| Reply::Close, || Reply::Reset] {
        let (read, write) = both(fault);
        assert!(matches!(read, RemoteError::Unreachable(_)), "{read:?}");
        assert!(is_uncertain(&write), "{write:?}");
    }
}

#[test]
fn a_server_that_says_nothing() {
    let (read, write) = both(|| Reply::Silence);
    assert!(read.message().ends_with("did not answer within 2 s"), "{read:?}");
    assert!(matches!(read, RemoteError::Unreachable(_)), "{read:?}");
    assert!(is_uncertain(&write), "{write:?}");
}

#[test]
fn a_server_that_drips() {
    let whole = answer(200, "", TASK);
    let at_the_body = whole.len() - TASK.len();
    for start in [0, at_the_body] {
        let (at_once, rest) = whole.split_at(start);
        let (read, write) = both(|| Reply::Drip(at_once.to_vec(), rest.to_vec(), Duration::from_millis(100)));
        assert!(matches!(read, RemoteError::Unreachable(_)), "{read:?}");
        assert!(is_uncertain(&write), "{write:?}");
    }
}

#[test]
fn bodies_that_are_no_answer() {
    let cut = &TASK[..TASK.len() - 20];
    let longer = TASK.len() + 10;
    let faults: Vec<(&str, Vec<u8>)> = vec![
        ("a web page", answer(200, "Content-Type: text/html\r\n", "<!DOCTYPE html><title>Login</title>")),
        ("cut-off JSON", answer(200, "", cut)),
        ("cut off by length", format!("HTTP/1.1 200 OK\r\nContent-Length: {longer}\r\n\r\n{TASK}").into_bytes()),
        ("length too short", format!("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{TASK}").into_bytes()),
        ("a chunk cut off", format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{TASK}").into_bytes()),
        ("no length, cut off", format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{cut}").into_bytes()),
        ("nothing", answer(200, "", "")),
        ("204", b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ("another object", answer(200, "", r#"{"hello":"world"}"#)),
        ("an array", answer(200, "", "[]")),
        ("not UTF-8", [&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"[..], &[0x1f, 0x8b]].concat()),
        ("no HTTP", b"220 mail.example ESMTP\r\n\r\n".to_vec()),
        ("a refusing envelope", answer(200, "", r#"{"success":false,"data":null,"message":"no"}"#)),
    ];
    for (name, bytes) in faults {
        let (read, write) = both(|| Reply::Bytes(bytes.clone()));
        assert!(matches!(read, RemoteError::Malformed(_)), "{name}: {read:?}");
        assert!(is_uncertain(&write), "{name}: {write:?}");
    }
}

#[test]
fn answers_without_end() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    for (bytes, what) in [(&b"HTTP/1.1 200 OK\r\nX: y"[..], "headers"), (interim, "interim answers")] {
        let server = Server::play(vec![Reply::Endless(bytes)]);
        let error = within(4 * SECOND, || client(&server).task(1, "DEV-42")).expect_err(what);
        assert!(matches!(error, RemoteError::Malformed(_) | RemoteError::Unreachable(_)), "{what}: {error:?}");
    }
}

#[test]
fn a_body_is_read_up_to_64_mib() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", u64::MAX / 2);
    let mut bytes = head.into_bytes();
    bytes.resize((64 << 20) + 100_000, b' ');
    let server = Server::play(vec![Reply::Bytes(bytes)]);
    let http = open(Options { timeout: 30 * SECOND, ..options(&server.url) });
    let error = http.task(1, "DEV-42").expect_err("endless");
    assert!(matches!(&error, RemoteError::Malformed(words) if words.contains("64 MiB")), "{error:?}");
}

#[test]
fn statuses_sort_by_what_may_be_done_next() {
    let problem = r#"{"title":"T","status":400,"detail":"the words","current_version":9}"#;
    let words = || "the words".to_string();
    let refused = |status| RemoteError::Refused { status, message: words() };
    for (status, read, write) in [
        (400, refused(400), refused(400)),
        (401, RemoteError::Unauthorized(words()), RemoteError::Unauthorized(words())),
        (403, RemoteError::Forbidden(words()), RemoteError::Forbidden(words())),
        (405, refused(405), refused(405)),
        (
            409,
            RemoteError::Conflict { current_version: Some(9), message: words() },
            RemoteError::Conflict { current_version: Some(9), message: words() },
        ),
        (422, refused(422), refused(422)),
        (500, RemoteError::Unavailable(words()), RemoteError::Uncertain(words())),
        (502, RemoteError::Unavailable(words()), RemoteError::Uncertain(words())),
        (503, RemoteError::Unavailable(words()), RemoteError::Uncertain(words())),
        (504, RemoteError::Unavailable(words()), RemoteError::Uncertain(words())),
    ] {
        let (got_read, got_write) = both(|| json(status, problem));
        assert_eq!((got_read, got_write), (read, write), "{status}");
    }
    for status in [404, 410] {
        let server = Server::answers(&[(status, problem), (status, problem), (status, problem)]);
        let http = client(&server);
        assert_eq!(http.task(1, "DEV-42"), Ok(None));
        assert_eq!(http.delete_task(1, "DEV-42"), Err(RemoteError::NotFound(words())));
        assert_eq!(http.workspaces(), Err(RemoteError::NotFound(words())));
    }
}

#[test]
fn a_refusal_whose_body_is_cut_off_is_still_that_refusal() {
    let server = Server::play(vec![Reply::Bytes(b"HTTP/1.1 422 X\r\nContent-Length: 99\r\n\r\n{".to_vec())]);
    let error = client(&server).create_task(&operation(), &title("Fix")).expect_err("422");
    assert_eq!(error, RemoteError::Refused { status: 422, message: "422 Unprocessable Entity".into() });
}

#[test]
fn deletes_need_no_body_but_take_no_web_page_for_an_answer() {
    for (body, done) in [("", true), (r#"{"success":true,"data":null}"#, true), ("<html>", false)] {
        let server = Server::answers(&[(200, body)]);
        let result = client(&server).delete_task(1, "DEV-42");
        assert_eq!(result.is_ok(), done, "{body}");
        assert!(done || is_uncertain(&result.expect_err("a page")), "{body}");
    }
}

#[test]
fn a_foreign_ca_file_is_read_at_the_first_request_only() {
    let http = open(Options { ca_file: Some("/nonexistent/ca.pem".into()), ..options("https://anyt.invalid") });
    let error = http.task(1, "DEV-42").expect_err("no file");
    assert!(matches!(&error, RemoteError::Unreachable(words) if words.contains("/nonexistent/ca.pem")), "{error:?}");
}
