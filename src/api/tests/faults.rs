//! One try against each fault: a read says what is wrong, a write says whether it may have been done, and everything
//! ends within the time-out.

use super::*;
use crate::sync::remote::RemoteError;

const SECOND: Duration = Duration::from_secs(1);

/// The same fault met by a read and by a write.
fn both(fault: impl Fn() -> Reply) -> (RemoteError, Said) {
    let read = Server::play(vec![fault()]);
    let read = within(4 * SECOND, || get(&client(&read))).expect_err("a read");
    let write = Server::play(vec![fault()]);
    let write = within(4 * SECOND, || post(&client(&write)));
    (read, write)
}

#[test]
fn nobody_listens() {
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let http = open(options(&format!("http://{gone}")));
    let refused = format!("cannot reach http://{gone}: connection refused");
    assert_eq!(get(&http), Err(RemoteError::OutOfReach(refused.clone())));
    assert_eq!(post(&http), Said::OutOfReach(refused));
}

/// A time for all requests: with more tries left, and for the next request too.
#[test]
fn nothing_is_waited_for_beyond_the_time_for_all() {
    let server = Server::play(vec![Reply::Silence, Reply::Silence]);
    let patience = Patience { tries: 3, total: 5 * SECOND };
    let until = Some(Instant::now() + SECOND / 2);
    let http = open(Options { patience, until, ..options(&server.url) });
    assert!(within(SECOND, || get(&http)).is_err());
    let said = within(SECOND / 2, || post(&http));
    assert!(matches!(said, Said::OutOfReach(_) | Said::Lost { .. }), "{said:?}");
}

#[test]
fn no_such_host() {
    let http = open(options("https://anyt.invalid"));
    let said = post(&http);
    assert!(matches!(said, Said::OutOfReach(_)), "{said:?}");
}

#[test]
fn no_tls_on_the_other_side_is_unreachable_even_for_a_write() {
    for fault in [Reply::Reset, Reply::Greeting(b"220 mail.example ESMTP\r\n"), Reply::Silence] {
        let server = Server::play(vec![fault]);
        let http = open(options(&server.url.replace("http:", "https:")));
        let said = within(4 * SECOND, || post(&http));
        assert!(matches!(said, Said::OutOfReach(_)), "{said:?}");
    }
}

#[test]
fn a_connection_that_ends_without_an_answer() {
    for fault in [|| Reply::Close, || Reply::Reset] {
        let (read, write) = both(fault);
        assert!(matches!(read, RemoteError::Unavailable(_)), "{read:?}");
        assert!(is_lost(&write), "{write:?}");
    }
}

#[test]
fn a_server_that_says_nothing() {
    let (read, write) = both(|| Reply::Silence);
    assert!(format!("{read:?}").contains("did not answer within 2 s"), "{read:?}");
    assert!(matches!(read, RemoteError::Unavailable(_)), "{read:?}");
    assert!(is_lost(&write), "{write:?}");
}

#[test]
fn a_server_that_drips() {
    let whole = answer(200, "", TASK);
    let at_the_body = whole.len() - TASK.len();
    for start in [0, at_the_body] {
        let (at_once, rest) = whole.split_at(start);
        let (read, write) = both(|| Reply::Drip(at_once.to_vec(), rest.to_vec(), Duration::from_millis(100)));
        assert!(matches!(read, RemoteError::Unavailable(_)), "{read:?}");
        assert!(is_lost(&write), "{write:?}");
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
        match read {
            RemoteError::OutOfReach(_) => assert_eq!(name, "a web page"),
            read => assert!(matches!(read, RemoteError::Malformed(_)), "{name}: {read:?}"),
        }
        assert!(is_lost(&write), "{name}: {write:?}");
    }
}

#[test]
fn answers_without_end() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    for (bytes, what) in [(&b"HTTP/1.1 200 OK\r\nX: y"[..], "headers"), (interim, "interim answers")] {
        let server = Server::play(vec![Reply::Endless(bytes)]);
        let error = within(4 * SECOND, || get(&client(&server))).expect_err(what);
        assert!(matches!(error, RemoteError::Malformed(_) | RemoteError::Unavailable(_)), "{what}: {error:?}");
    }
}

#[test]
fn a_body_is_read_up_to_64_mib() {
    // Said beforehand, it need not be read; said with nothing, it is read that far.
    for (head, length) in
        [(format!("Content-Length: {}\r\n", (64 << 20) + 1), 0), (String::new(), (64 << 20) + 100_000)]
    {
        let mut bytes = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n").into_bytes();
        bytes.resize(bytes.len() + length, b' ');
        let server = Server::play(vec![Reply::Bytes(bytes)]);
        let http = open(Options { timeout: 30 * SECOND, ..options(&server.url) });
        let error = get(&http).expect_err("endless");
        assert!(matches!(&error, RemoteError::TooLarge(words) if words.contains("64 MiB")), "{error:?}");
    }
}

#[test]
fn statuses_sort_by_what_may_be_done_next() {
    let problem = r#"{"title":"T","status":400,"detail":"the words","current_version":9}"#;
    let words = || "the words".to_string();
    let refused =
        |status| (RemoteError::Refused { status, message: words() }, Said::Refused { status, message: words() });
    // With who answered, of which each test has its own.
    let said = || "SERVER answered: the words".to_string();
    let failed = || (RemoteError::Unavailable(said()), Said::Lost { message: said(), until: None });
    let conflict = Said::Conflict { current_version: Some(9), message: words() };
    for (status, expected) in [
        (400, refused(400)),
        (401, (RemoteError::Unauthorized(words()), Said::Unauthorized(words()))),
        (403, (RemoteError::Forbidden(words()), Said::Forbidden(words()))),
        (405, refused(405)),
        (409, (RemoteError::Refused { status: 409, message: words() }, conflict)),
        (422, refused(422)),
        (500, failed()),
        (502, failed()),
        (503, failed()),
        (504, failed()),
    ] {
        let seen = format!("{:?}", both(|| json(status, problem)));
        let seen = seen.split("http://127.0.0.1:").map(|part| match part.split_once(" answered") {
            Some((port, rest)) if port.parse::<u16>().is_ok() => format!("SERVER answered{rest}"),
            _ => part.to_string(),
        });
        assert_eq!(seen.collect::<String>(), format!("{expected:?}"), "{status}");
    }
    for status in [404, 410] {
        let server = Server::answers(&[(status, problem), (status, problem), (status, problem)]);
        let http = client(&server);
        assert_eq!(get(&http), Ok(None));
        assert_eq!(delete(&http), Said::Gone(words()));
        assert_eq!(http.workspaces(), Err(RemoteError::NotFound(words())));
    }
}

#[test]
fn a_refusal_whose_body_is_cut_off_is_still_that_refusal() {
    let server = Server::play(vec![Reply::Bytes(b"HTTP/1.1 422 X\r\nContent-Length: 99\r\n\r\n{".to_vec())]);
    let said = post(&client(&server));
    assert_eq!(said, Said::Refused { status: 422, message: "422 Unprocessable Entity".into() });
}

#[test]
fn deletes_need_no_body_but_take_no_web_page_for_an_answer() {
    for (body, done) in [("", true), (r#"{"success":true,"data":null}"#, true), ("<html>", false)] {
        let server = Server::answers(&[(200, body)]);
        let said = delete(&client(&server));
        assert_eq!((is_done(&said), is_lost(&said)), (done, !done), "{body}");
    }
}

#[test]
fn a_foreign_ca_file_is_read_at_the_first_request_only() {
    let http = open(Options { ca_file: Some("/nonexistent/ca.pem".into()), ..options("https://anyt.invalid") });
    let error = get(&http).expect_err("no file");
    assert!(matches!(&error, RemoteError::OutOfReach(words) if words.contains("/nonexistent/ca.pem")), "{error:?}");
}

/// R6: what stands on the way is not AnyTask, and says nothing about an operation.
#[test]
fn what_stands_on_the_way_is_out_of_reach() {
    for status in [407, 511] {
        let (read, write) = both(|| json(status, "<html>sign in</html>"));
        assert!(matches!(read, RemoteError::OutOfReach(_)), "{read:?}");
        assert!(matches!(write, Said::OutOfReach(_)), "{write:?}");
    }
    // A redirect within the server that leads to a page for people.
    let server = Server::play(vec![
        Reply::Bytes(answer(307, "Location: /login\r\n", "")),
        Reply::Bytes(answer(200, "Content-Type: text/html\r\n", "<html>sign in</html>")),
    ]);
    let said = post(&client(&server));
    assert!(matches!(said, Said::OutOfReach(_)), "{said:?}");
}

/// R9: a gateway that asks to wait may have passed the write on.
#[test]
fn a_pause_asked_of_a_write_is_kept() {
    let server = Server::play(vec![Reply::Bytes(answer(503, "Retry-After: 120\r\n", ""))]);
    let said = post(&client(&server));
    let Said::Lost { until: Some(until), .. } = said else { panic!("{said:?}") };
    let seconds = crate::time::Timestamp::now().age(until).as_secs();
    assert!((110..=120).contains(&seconds), "{seconds} s");
}
