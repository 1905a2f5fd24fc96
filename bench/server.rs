//! What `anyt-server` takes: pages, writes, both at once, memory.

use crate::common::http::{self, Message};
use crate::common::json::{self, Look};
use crate::common::{ALICE, Server};
use crate::measure::{median, percentile};
use crate::table::{Table, mebibytes, time};
use crate::{Scale, backlog};
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The keys by which clients sort.
const SORT_KEYS: [&str; 4] = ["id", "updated_at", "created_at", "priority"];
const WRITERS: usize = 20;
const READERS: usize = 16;
const PAGE: usize = 100;

/// One connection, kept.
struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    fn to(server: &Server) -> Line {
        let stream = TcpStream::connect(server.address()).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Line { stream: BufReader::new(stream) }
    }

    /// How long an answer takes, which has to have this status.
    fn ask(&mut self, method: &str, target: &str, body: &str, status: u16) -> Duration {
        let headers =
            [("Host", "bench"), ("Authorization", &format!("Bearer {ALICE}")), ("Content-Type", "application/json")];
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_string())).to_vec();
        let request = Message { start: format!("{method} {target} HTTP/1.1"), headers, body: body.into() };
        let began = Instant::now();
        self.stream.get_mut().write_all(&request.bytes()).expect("the server reads");
        let answer = http::read(&mut self.stream).expect("the server answers").expect("the server answers");
        let taken = began.elapsed();
        assert_eq!(answer.status(), status, "{method} {target}: {}", answer.text());
        taken
    }
}

fn create(server: &Server) -> String {
    json::to_string(&json::object([
        ("title", json::string("Task of a writer, as long as a title is")),
        ("project_id", json::int(server.alice().project())),
    ]))
}

pub fn at_a_hundred_thousand(table: &mut Table, scale: &Scale) {
    let count = scale.of(100_000);
    let pages = format!("server: page of {PAGE} of {count}");
    let mixed = format!("server: create while {READERS} clients list {count}");
    let memory = format!("server: memory at rest with {count}");
    if !table.wants_any(&[&pages, &mixed, &memory]) {
        return;
    }
    let mut server = backlog::server(count);
    if table.wants(&memory) {
        // What the import took does not count.
        server.restart();
        server.alice().project();
        table.alone(&memory, &mebibytes(resident(server.pid())), "–", "≤ 40 MiB");
    }
    if table.wants(&pages) {
        for key in SORT_KEYS {
            page(table, &format!("{pages} by {key}"), &server, key, count);
        }
    }
    if table.wants(&mixed) {
        reading_and_writing(table, &mixed, &server, scale);
    }
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|size| size.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn page(table: &mut Table, work: &str, server: &Server, key: &str, count: usize) {
    let mut line = Line::to(server);
    let tasks = server.alice().tasks("");
    let mut at = |offset: usize| {
        let target = format!("{tasks}?limit={PAGE}&offset={offset}&sort_by={key}&order=asc");
        median((0..21).map(|_| line.ask("GET", &target, "", 200)))
    };
    let (first, last) = (at(0), at(count.saturating_sub(PAGE)));
    let ours = format!("{}; at the end {}", time(first), time(last));
    table.alone(work, &ours, "–", "≤ 2 ms; at the end ≤ 3 × the first");
}

fn reading_and_writing(table: &mut Table, work: &str, server: &Server, scale: &Scale) {
    let (done, tasks, body) = (AtomicBool::new(false), server.alice().tasks(""), create(server));
    let writes: Vec<Duration> = std::thread::scope(|scope| {
        for reader in 0..READERS {
            let (done, tasks) = (&done, &tasks);
            scope.spawn(move || {
                let mut line = Line::to(server);
                let key = SORT_KEYS[reader % SORT_KEYS.len()];
                let mut offset = 0;
                while !done.load(Ordering::Relaxed) {
                    line.ask("GET", &format!("{tasks}?limit={PAGE}&offset={offset}&sort_by={key}&order=asc"), "", 200);
                    offset = (offset + PAGE) % 10_000;
                }
            });
        }
        let mut line = Line::to(server);
        let writes = (0..scale.of(500)).map(|_| line.ask("POST", &tasks, &body, 201)).collect();
        done.store(true, Ordering::Relaxed);
        writes
    });
    let ours = time(percentile(writes.into_iter(), 99)) + " p99";
    table.alone(work, &ours, "–", "≤ 50 ms p99");
}

pub fn writing(table: &mut Table, scale: &Scale) {
    let work = format!("server: creates with {WRITERS} writers");
    if !table.wants(&work) {
        return;
    }
    let server = Server::start();
    let (tasks, body, each) = (server.alice().tasks(""), create(&server), scale.of(500));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let mut line = Line::to(&server);
                for _ in 0..each {
                    line.ask("POST", &tasks, &body, 201);
                }
            });
        }
    });
    let rate = (WRITERS * each) as f64 / began.elapsed().as_secs_f64();
    let there = server.alice().get(&format!("{tasks}?limit=1")).1.int("total");
    assert_eq!(usize::try_from(there).ok(), Some(WRITERS * each));
    table.alone(&work, &format!("{rate:.0} a second"), "–", "≥ 1,500 a second");
}
