//! The end of a server that is told to end: what was asked is answered, and the one file is the whole database.

use crate::harness::*;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const TASKS: &str = "/v1/workspaces/1/tasks";
const OPTIONS: [&str; 4] = ["--db", "d.db", "--token", TOKEN];

#[test]
fn the_one_file_is_the_whole_database() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::with(&OPTIONS);
        server.task("kept", "");
        let folder = server.end(signal);
        let log = folder.path().join("d.db-wal");
        assert!(std::fs::metadata(log).map_or(0, |file| file.len()) == 0, "the log is empty or gone");
        let copy = Folder::new();
        std::fs::copy(folder.path().join("d.db"), copy.path().join("d.db")).expect("a copy");
        let server = Server::start(copy, &OPTIONS);
        assert_eq!(server.get(TASKS).titles(), "kept");
    }
}

#[test]
fn a_signal_under_load_cuts_no_answer() {
    let server = Server::with(&OPTIONS);
    let stopping = AtomicBool::new(false);
    let (answered, cut) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (server, stopping) = (&server, &stopping);
                scope.spawn(move || {
                    let (mut answered, mut cut) = (Vec::new(), 0);
                    for index in 0.. {
                        let title = format!("{writer}-{index}");
                        let body = format!(r#"{{"title": "{title}", "project_id": 1}}"#);
                        match one(server, &body) {
                            Sent::Answered => answered.push(title),
                            Sent::NotTaken => break,
                            Sent::Cut => {
                                cut += 1;
                                break;
                            }
                        }
                        assert!(index < 100_000 || stopping.load(Ordering::Relaxed), "the server did not stop");
                    }
                    (answered, cut)
                })
            })
            .collect();
        while server.get(TASKS).int("total") < 100 {}
        server.signal(Signal::TERM);
        stopping.store(true, Ordering::Relaxed);
        let all = writers.into_iter().map(|writer| writer.join().expect("a writer"));
        all.fold((Vec::new(), 0), |(mut titles, cut), (more, more_cut)| {
            titles.extend(more);
            (titles, cut + more_cut)
        })
    });
    assert_eq!(cut, 0, "a request was taken and not answered whole");
    let server = Server::start(server.wait(), &OPTIONS);
    assert_eq!(server.get(TASKS).int("total"), answered.len() as i64, "what was answered, and nothing else");
}

enum Sent {
    Answered,
    /// The connection was refused, or closed before it was taken.
    NotTaken,
    Cut,
}

fn one(server: &Server, body: &str) -> Sent {
    let Ok(mut stream) = TcpStream::connect(&server.address) else { return Sent::NotTaken };
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out above zero");
    let request = format!(
        "POST {TASKS} HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    match Reply::parse(&answer) {
        Some(reply) if reply.status == 201 && reply.has("id") => Sent::Answered,
        // Still in the kernel's queue when the listener was closed.
        None if answer.is_empty() => Sent::NotTaken,
        _ => {
            eprintln!("{sent:?} {answer}");
            Sent::Cut
        }
    }
}

#[test]
fn idle_and_slow_clients_do_not_hold_up_the_end() {
    let server = Server::with(&OPTIONS);
    let idle: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    let mut used = server.connect();
    used.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").expect("an open connection");
    used.read_exact(&mut [0; 15]).expect("an answer");
    let mut slow = server.connect();
    let head = format!("POST {TASKS} HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nContent-Length: 100\r\n\r\n{{");
    slow.write_all(head.as_bytes()).expect("an open connection");
    let started = Instant::now();
    let folder = server.end(Signal::TERM);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    drop((idle, used, slow));
    let server = Server::start(folder, &OPTIONS);
    assert_eq!(server.get(TASKS).int("total"), 0);
}

#[test]
fn a_body_on_its_way_is_waited_for() {
    let server = Server::with(&OPTIONS);
    let mut stream = server.connect();
    let body = r#"{"title": "late", "project_id": 1}"#;
    let head = format!(
        "POST {TASKS} HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("an open connection");
    stream.read_exact(&mut [0; 25]).expect("the server has the head and wants the body");
    server.signal(Signal::TERM);
    while TcpStream::connect(&server.address).is_ok() {}
    stream.write_all(body.as_bytes()).expect("still open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer and the end");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let server = Server::start(server.wait(), &OPTIONS);
    assert_eq!(server.get(TASKS).titles(), "late");
}
