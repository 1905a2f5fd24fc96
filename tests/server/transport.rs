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
        "POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        17 << 20
    );
    stream.write_all(head.as_bytes()).expect("a head");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer before the body was sent");
    assert_eq!(&answer, b"HTTP/1.1 413");

    let large = "x".repeat(1 << 20);
    assert_eq!(server.task(&large, "").text("title").len(), large.len(), "1 MiB is not too long");
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
fn a_kill_loses_no_write_that_was_answered() {
    let mut folder = Folder::new();
    let mut answered = Vec::new();
    for round in 0..3 {
        let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            for writer in 0..4 {
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
            answered.extend(receiver.iter().take(40));
            server.signal_kill();
            answered.extend(receiver.iter());
        });
        folder = server.kill();
    }
    let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
    let mut kept = std::collections::BTreeSet::new();
    for offset in (0..).step_by(500) {
        let page = server.get(&format!("/v1/workspaces/1/tasks?limit=500&offset={offset}"));
        kept.extend(page.column("items", "title"));
        if page.len("items") == 0 {
            break;
        }
    }
    assert!(answered.len() >= 120, "{}", answered.len());
    for title in answered {
        assert!(kept.contains(&title), "{title} was answered and is gone");
    }
}
