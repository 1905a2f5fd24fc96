//! How the server holds up: `load SERVER-BINARY TASKS` starts it on a database of so many tasks and prints what a page
//! takes, creates a second of 20 writers, what a POST takes beside 16 clients that list, and what `/health` takes beside 5,000 idle
//! connections. Nothing but sockets, so that the client costs little.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const TOKEN: &str = "anyt_bench_token_0123456789";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("the server's binary");
    let tasks: usize = arguments.next().map_or(10_000, |text| text.parse().expect("a number of tasks"));
    let folder = std::env::temp_dir().join(format!("anyt-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let lines = folder.join("tasks.jsonl");
    let text: String = (1..=tasks).map(|number| line(number) + "\n").collect();
    std::fs::write(&lines, text).expect("a file");
    let (mut child, address) = start(&program, &folder, &lines);
    println!("{tasks} tasks, at rest: {}", memory(&child));
    pages(&address, tasks);
    writers(&address);
    listing(&address);
    idle(&address, &child);
    println!("afterwards: {}", memory(&child));
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    let started = Instant::now();
    let status = child.wait().expect("it ends");
    println!("SIGTERM: {status} after {:?}", started.elapsed());
    let _ = std::fs::remove_dir_all(&folder);
}

fn line(number: usize) -> String {
    let priority = number % 5;
    format!(
        r#"{{"number": {number}, "title": "Task number {number} of the load test", "status": "todo",
         "priority": {}, "labels": ["all", "l{}"{}], "created_at": "2025-11-02T00:00:{:02}Z"}}"#,
        priority as i64 - 2,
        number % 7,
        if number % 1_000 == 0 { r#", "rare""# } else { "" },
        number % 60
    )
    .replace('\n', " ")
}

fn start(program: &str, folder: &std::path::Path, lines: &std::path::Path) -> (Child, String) {
    let log = std::fs::File::create(folder.join("log")).expect("a log");
    let mut child = Command::new(program)
        .args(["--listen", "127.0.0.1:0", "--token", TOKEN, "--db"])
        .arg(folder.join("load.db"))
        .arg("--import")
        .arg(lines)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the server starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut first).expect("its first line");
    let address = first.trim().rsplit('/').next().expect("an address").to_string();
    (child, address)
}

fn memory(child: &Child) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: &str) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an open connection");
        Client(BufReader::new(stream))
    }

    /// Status and body.
    fn call(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).expect("an open connection");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("an answer");
            let line = line.trim_end();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().expect("a status");
            } else if let Some(rest) = line.strip_prefix("Content-Length: ") {
                length = rest.parse().expect("a length");
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        (status, body)
    }

    fn create(&mut self) {
        let body = r#"{"title": "made by the load test", "project_id": 1, "labels": ["l1"]}"#;
        assert_eq!(self.call("POST", "/v1/workspaces/1/tasks", body).0, 201);
    }
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("{} times, p50 {:?}, p99 {:?}, most {:?}", times.len(), at(0.5), at(0.99), at(1.0))
}

fn writers(address: &str) {
    let end = Instant::now() + Duration::from_secs(5);
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(move || {
                    let (mut client, mut times) = (Client::new(address), Vec::new());
                    while Instant::now() < end {
                        let started = Instant::now();
                        client.create();
                        times.push(started.elapsed());
                    }
                    times
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("times")).collect()
    });
    println!("20 writers: {:.0} creates a second, {}", times.len() as f64 / 5.0, percentiles(times));
}

fn listing(address: &str) {
    for (name, query) in [
        ("by updated_at", "?limit=100&sort_by=updated_at&order=asc"),
        ("by priority", "?limit=100&sort_by=priority&order=desc"),
    ] {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let listers: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut client, mut count) = (Client::new(address), 0_usize);
                        while !done.load(Ordering::Relaxed) {
                            let (status, _) = client.call("GET", &format!("/v1/workspaces/1/tasks{query}"), "");
                            assert_eq!(status, 200);
                            count += 1;
                        }
                        count
                    })
                })
                .collect();
            let (mut client, mut times) = (Client::new(address), Vec::new());
            let end = Instant::now() + Duration::from_secs(5);
            while Instant::now() < end {
                let started = Instant::now();
                client.create();
                times.push(started.elapsed());
            }
            done.store(true, Ordering::Relaxed);
            let lists: usize = listers.into_iter().map(|thread| thread.join().expect("a count")).sum();
            println!("16 clients listing {name} ({} a second), POST: {}", lists / 5, percentiles(times));
        });
    }
}

/// Pages of 100 with nobody else there: each order, from both ends, and with filters. All are asked in turn, so that a
/// cold cache and a busy moment of the machine are shared by all.
fn pages(address: &str, tasks: usize) {
    let (mut client, end) = (Client::new(address), tasks - tasks.min(100));
    let mut queries = Vec::new();
    for order in ["id", "number", "created_at", "updated_at", "priority", "status", "title", "completed_at"] {
        queries.push(format!("sort_by={order}&order=asc"));
        queries.push(format!("sort_by={order}&order=asc&offset={end}"));
    }
    for filter in ["labels=all", "labels=l1", "labels=rare", "labels=all&labels=l1", "labels=none", "labels=all&status=done"] {
        queries.push(format!("sort_by=priority&order=desc&{filter}"));
        queries.push(format!("sort_by=updated_at&order=desc&{filter}"));
    }
    queries.push("updated_after=2025-11-03T00:00:00Z&include_deleted=true&sort_by=updated_at&order=asc".into());
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); queries.len()];
    for round in 0..60 {
        for (query, times) in queries.iter().zip(&mut times) {
            let started = Instant::now();
            let (status, _) = client.call("GET", &format!("/v1/workspaces/1/tasks?limit=100&{query}"), "");
            assert_eq!(status, 200, "{query}");
            if round >= 10 {
                times.push(started.elapsed());
            }
        }
    }
    for (query, times) in queries.iter().zip(times) {
        println!("a page of 100 {query}: {}", percentiles(times));
    }
}

fn idle(address: &str, child: &Child) {
    let mut open = Vec::new();
    for number in 0..5_000 {
        let mut stream = TcpStream::connect(address).expect("a connection");
        // Half of them have said something.
        if number % 2 == 0 {
            stream.write_all(b"G").expect("an open connection");
        }
        open.push(stream);
    }
    let mut times = Vec::new();
    let mut client = Client::new(address);
    for path in ["/health", "/v1/health"].iter().cycle().take(4_000) {
        let started = Instant::now();
        assert_eq!(client.call("GET", path, "").0, 200);
        times.push(started.elapsed());
    }
    for _ in 0..200 {
        let started = Instant::now();
        assert_eq!(Client::new(address).call("GET", "/health", "").0, 200);
        times.push(started.elapsed());
    }
    println!("{} idle connections, /health: {}", open.len(), percentiles(times));
    let metrics = client.call("GET", "/metrics", "").1;
    let metrics = String::from_utf8_lossy(&metrics);
    let number = metrics.lines().find(|line| line.starts_with("anyt_server_connections "));
    println!("{}", number.unwrap_or_default());
    println!("with them: {}", memory(child));
}
