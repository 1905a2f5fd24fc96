//! Connections: kept alive, stalled, too much, cut off; and kill -9.

use crate::harness::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Reads one answer off a connection that stays open.
fn read_answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the head of an answer");
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).expect("UTF-8");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("the body of an answer");
    head + &String::from_utf8(body).expect("UTF-8")
}

#[test]
fn a_kept_connection_does_not_stall() {
    let server = Server::new();
    for index in 0..60 {
        server.task(&format!("task {index}"), r#""description": "long enough for several segments""#);
    }
    let mut stream = server.connect();
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        let started = Instant::now();
        let request = format!("GET /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the connection is kept");
        assert!(read_answer(&mut stream).starts_with("HTTP/1.1 200"));
        fastest = fastest.min(started.elapsed());
    }
    // A delayed acknowledgement costs 40 ms every time; a busy machine is slow only now and then.
    assert!(fastest < Duration::from_millis(30), "{fastest:?}");
}

#[test]
fn stalled_clients_hold_up_nobody() {
    let server = Server::new();
    let head = format!(
        "POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nContent-Length: 5000\r\n\r\n{{\"title"
    );
    let stalled: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(head.as_bytes()).expect("half a request");
            stream
        })
        .collect();
    let unread: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET /v1/hea").expect("part of a head");
            stream
        })
        .collect();
    let started = Instant::now();
    assert_eq!(server.task("quick", "").status, 201);
    assert!(started.elapsed() < Duration::from_secs(2));
    drop((stalled, unread));
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 1, "half a request did nothing");
}

#[test]
fn a_body_that_is_too_long_is_413() {
    let server = Server::new();
    let mut stream = server.connect();
    let head = format!(
        "POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        (1 << 20) + 1
    );
    stream.write_all(head.as_bytes()).expect("a head");
    assert!(read_answer(&mut stream).starts_with("HTTP/1.1 413"), "before the body was sent");
    // What follows is body, whatever it looks like.
    stream.write_all(b"GET /health HTTP/1.1\r\n\r\n").expect("the server still takes it");
    stream.shutdown(std::net::Shutdown::Write).expect("an open connection");
    assert_eq!(stream.read_to_end(&mut Vec::new()).expect("the end"), 0);

    let large = "x".repeat((1 << 20) - 100);
    let task = server.task("large", &format!(r#""description": "{large}""#));
    assert_eq!(task.text("description").len(), large.len(), "a little less is not too long");

    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--max-body", "200"]);
    assert_eq!(server.task("a", "").status, 201);
    let body = format!(r#"{{"title": "{}", "project_id": 1}}"#, "x".repeat(200));
    assert_eq!(server.call("POST", "/v1/workspaces/1/tasks", &body).status, 413);
}

#[test]
fn a_chunked_body_is_a_body() {
    let server = Server::new();
    let mut stream = server.connect();
    let body = r#"{"title": "in pieces", "project_id": 1}"#;
    let (left, right) = body.split_at(7);
    let request = format!(
        "POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{left}\r\n{:x}\r\n{right}\r\n0\r\n\r\n",
        left.len(),
        right.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    assert!(read_answer(&mut stream).starts_with("HTTP/1.1 201"));
}

#[test]
fn what_is_no_request_is_400_and_the_server_goes_on() {
    let server = Server::new();
    for (text, status) in [
        ("nonsense\r\n\r\n".to_string(), "400"),
        ("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_string(), "400"),
        (format!("GET /health HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(100_000)), "431"),
        ("GET http://elsewhere/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_string(), "200"),
        ("GET /health HTTP/1.0\r\n\r\n".to_string(), "200"),
    ] {
        let mut stream = server.connect();
        stream.write_all(text.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer and the end");
        assert_eq!(answer.get(9..12), Some(status), "{answer}");
    }
    assert_eq!(server.get("/v1/auth").status, 200);
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let server = Server::new();
    let mut stream = server.connect();
    let body = r#"{"title": "asked", "project_id": 1}"#;
    let head = format!(
        "POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a head");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("an interim answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).expect("a body");
    assert!(read_answer(&mut stream).starts_with("HTTP/1.1 201"));
}

#[test]
fn running_out_of_file_descriptors_passes() {
    let server = Server::with_descriptors(64);
    // More than it can take; the rest wait in the kernel's queue.
    let idle: Vec<TcpStream> = (0..80).map(|_| server.connect()).collect();
    drop(idle);
    assert_eq!(server.get("/v1/auth").status, 200);
}

#[test]
fn a_kill_loses_no_write_that_was_answered() {
    let mut folder = Folder::new();
    let mut answered = Vec::new();
    let rounds = std::env::var("KILL_ROUNDS").map_or(20, |rounds| rounds.parse().expect("KILL_ROUNDS is a number"));
    for round in 0..rounds {
        let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            for writer in 0..20 {
                let (server, sender) = (&server, sender.clone());
                scope.spawn(move || {
                    for index in 0.. {
                        let title = format!("{round}-{writer}-{index}");
                        let body = format!(r#"{{"title": "{title}", "project_id": 1}}"#);
                        match server.attempt("POST", "/v1/workspaces/1/tasks", &[("X-API-Key", TOKEN)], &body) {
                            Some(reply) if reply.status == 201 => sender.send(title).expect("the test listens"),
                            _ => return,
                        }
                    }
                });
            }
            drop(sender);
            answered.extend(receiver.iter().take(100));
            server.signal(rustix::process::Signal::KILL);
            answered.extend(receiver.iter());
        });
        folder = server.kill();
    }
    let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
    let mut kept = std::collections::BTreeSet::new();
    for offset in (0..).step_by(100) {
        let page = server.get(&format!("/v1/workspaces/1/tasks?limit=100&offset={offset}"));
        kept.extend(page.column("items", "title"));
        if page.len("items") == 0 {
            break;
        }
    }
    assert!(answered.len() >= rounds * 100, "{}", answered.len());
    for title in answered {
        assert!(kept.contains(&title), "{title} was answered and is gone");
    }
}

#[test]
fn framing_that_can_be_read_in_two_ways_is_refused() {
    let server = Server::new();
    let body = r#"{"title": "smuggled", "project_id": 1}"#;
    let length = body.len();
    for head in [
        "Transfer-Encoding:\x0bchunked".to_string(),
        "Transfer-Encoding: chunked, identity".to_string(),
        "Transfer-Encoding: xchunked".to_string(),
        format!("Content-Length: +{length}"),
        format!("Content-Length: {length}, {length}1"),
        format!("Content-Length: {length}\r\nContent-Length: 0"),
        format!("Content-Length : {length}"),
        format!("X-A: b\rc\r\nContent-Length: {length}"),
        format!("X-A: b\0c\r\nContent-Length: {length}"),
        format!("X-A: b\r\n folded\r\nContent-Length: {length}"),
    ] {
        let mut stream = server.connect();
        let request =
            format!("POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\n{head}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer and the end");
        assert_eq!(answer.get(9..12), Some("400"), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{head:?}: {answer}");
    }
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 0);
}

/// Chunks count (RFC 9112, 6.3), and what follows is no second request: the connection ends.
#[test]
fn a_length_beside_chunks_does_not_smuggle() {
    let server = Server::new();
    for framing in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"]
    {
        let mut stream = server.connect();
        let hidden = format!("DELETE /v1/workspaces/1 HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\n\r\n");
        let request =
            format!("GET /v1/auth HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer and the end");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert_eq!(server.get("/v1/workspaces/1").status, 200);
}

#[test]
fn a_request_names_one_host() {
    let server = Server::new();
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host:\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: u@a\r\n"] {
        let mut stream = server.connect();
        let request = format!("GET /health HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n");
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer and the end");
        let reply = Reply::parse(&answer).expect("an answer");
        assert!(reply.status == 400 && reply.text("detail").contains("Host"), "{hosts:?}: {answer}");
    }
}

#[test]
fn a_body_is_read_only_after_authentication() {
    let server = Server::new();
    for (credential, status) in [("", "401"), ("X-API-Key: wrong\r\n", "401")] {
        let mut stream = server.connect();
        let head =
            format!("POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\n{credential}Content-Length: 1000\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("a head");
        let answer = read_answer(&mut stream);
        assert_eq!(answer.get(9..12), Some(status), "before the body was sent: {answer}");
        assert!(answer.contains("Connection: close"), "{answer}");
    }
    let mut stream = server.connect();
    let head =
        "POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("a head");
    assert_eq!(read_answer(&mut stream).get(9..12), Some("401"), "nobody is asked for a body that is not read");
}

#[test]
fn hundreds_of_slow_connections_hold_up_nobody() {
    let server = Server::new();
    let slow: Vec<TcpStream> = (0..600)
        .map(|number| {
            let mut stream = server.connect();
            let start: &[u8] =
                if number % 2 == 0 { b"G" } else { b"POST /v1/auth HTTP/1.1\r\nContent-Length: 9\r\n\r\nx" };
            stream.write_all(start).expect("the server accepts it");
            stream
        })
        .collect();
    let started = Instant::now();
    for number in 0..20 {
        server.task(&number.to_string(), "");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(slow);
}

#[test]
fn one_address_has_so_many_connections() {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--max-connections", "5"]);
    let mut held: Vec<TcpStream> = (0..5).map(|_| server.connect()).collect();
    for stream in &mut held {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").expect("the server reads");
        assert!(read_answer(stream).starts_with("HTTP/1.1 200"));
    }
    let mut sixth = server.connect();
    let _ = sixth.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut answer = String::new();
    let _ = sixth.read_to_string(&mut answer);
    assert_eq!(answer, "", "closed unanswered");
    held.truncate(1);
    // The places of the others come back as soon as the server has seen them go.
    let deadline = Instant::now() + PATIENCE;
    while server.attempt("GET", "/health", &[], "").is_none() {
        assert!(Instant::now() < deadline, "no place came back");
    }
    held[0].write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").expect("it was left alone");
    assert!(read_answer(&mut held[0]).starts_with("HTTP/1.1 200"));
}

#[test]
fn what_a_path_allows_and_what_it_asks_for_is_in_the_head() {
    let server = Server::new();
    for (method, path, allowed) in [
        ("POST", "/health", "GET, HEAD"),
        ("PUT", "/v1/workspaces/1/tasks", "GET, HEAD, POST"),
        ("POST", "/v1/workspaces/1/tasks/DEV-1", "GET, HEAD, PATCH, DELETE"),
        ("GET", "/v1/workspaces/1/bulk-tasks", "PATCH"),
    ] {
        let reply = server.call(method, path, "{}");
        assert_eq!((reply.status, reply.header("Allow")), (405, Some(allowed)), "{method} {path}");
    }
    let reply = server.raw("GET", "/v1/workspaces", &[], "");
    assert_eq!((reply.status, reply.header("WWW-Authenticate")), (401, Some("Bearer realm=\"anyt-server\"")));
}

/// Buffers are made when somebody asks for something.
#[test]
fn a_silent_connection_costs_next_to_nothing() {
    let server = Server::new();
    server.task("warm", "");
    let before = server.memory();
    let silent: Vec<TcpStream> = (0..800).map(|_| server.connect()).collect();
    // They are accepted in turn: this one is the last.
    server.task("more", "");
    let each = server.memory().saturating_sub(before) / silent.len() as u64;
    assert!(each < 7_000, "{each} bytes each");
}
