//! Requests that no client would send. Whatever comes: no 5xx, no hang, no growth, and the next request is answered.
//! `make fuzz-server N=…` sends more.

use crate::harness::*;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.roll(of.len())]
    }
}

const METHODS: [&str; 9] = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "get", "PROPFIND"];

const PATHS: [&str; 22] = [
    "/v1/workspaces/1/tasks",
    "/v1/workspaces/1/tasks/DEV-1",
    "/v1/workspaces/1/tasks/DEV-1/comments",
    "/v1/workspaces/1/tasks/DEV-1/dependencies",
    "/v1/workspaces/1/bulk-tasks",
    "/v1/workspaces/1/labels",
    "/v1/workspaces/1/members",
    "/v1/workspaces/1/projects/1",
    "/v1/workspaces/99999999999999999999/tasks",
    "/v1/workspaces/-1",
    "/v1/workspaces/+1",
    "/v1/workspaces/%00/tasks",
    "/v1/workspaces/1/tasks/%ff%fe",
    "/v1/t/t_zzzzzzzzzzzzzzzzzz",
    "/v1/users/init",
    "/v1/users/me/preferences/project",
    "/v1/workspaces/1/tasks/suggest?limit=-5",
    "/v1/workspaces/1/tasks?limit=9223372036854775807&offset=9223372036854775807",
    "/v1/workspaces/1/tasks?labels=%27%22,&sort_by=id;drop&updated_after=9999-99-99",
    "//v1//workspaces",
    "/../../etc/passwd",
    "*",
];

const HEADERS: [&str; 20] = [
    "Content-Length: 5",
    "Content-Length: 0005",
    "Content-Length: -1",
    "Content-Length: +1",
    "Content-Length: 99999999999999999999999",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, identity",
    "Host: y",
    "Host:",
    "Expect: 100-continue",
    "If-Match: \"nonsense\"",
    "If-None-Match: W/\"",
    "Idempotency-Key: \u{1}",
    "X-A: b\r c",
    "X-A: b\0c",
    " folded: line",
    "X-A : b",
    "Accept-Encoding: gzip;q=nan, *;q=0",
];

fn value(dice: &mut Dice, depth: usize) -> String {
    match dice.roll(if depth == 0 { 12 } else { 15 }) {
        0 => "null".into(),
        1 => "true".into(),
        2 => "-9223372036854775809".into(),
        3 => "18446744073709551615".into(),
        4 => "1e999".into(),
        5 => "\"\"".into(),
        6 => "\"\\u0000\\ud800\"".into(),
        7 => format!("\"{}\"", "é".repeat(dice.roll(2_000))),
        8 => "\"DEV-1\"".into(),
        9 => "\"active\"".into(),
        10 => "1".into(),
        11 => "{".repeat(dice.roll(400)),
        12 => {
            let most = if dice.roll(6) == 0 { 700 } else { 6 };
            format!("[{}]", vec![value(dice, depth - 1); dice.roll(most)].join(","))
        }
        13 => format!("{}1{}", "[".repeat(300), "]".repeat(300)),
        _ => body(dice, depth - 1),
    }
}

fn body(dice: &mut Dice, depth: usize) -> String {
    const NAMES: [&str; 22] = [
        "title",
        "project_id",
        "name",
        "identifier",
        "status",
        "priority",
        "labels",
        "depends_on",
        "task_ids",
        "updates",
        "content",
        "mentioned_users",
        "parent_id",
        "estimate",
        "owner_id",
        "user_id",
        "role",
        "description",
        "workspace_id",
        "color",
        "assignee_type",
        "implementation_plan",
    ];
    let members: Vec<String> =
        (0..dice.roll(8)).map(|_| format!("\"{}\": {}", dice.pick(&NAMES), value(dice, depth))).collect();
    format!("{{{}}}", members.join(", "))
}

/// A request that is whole, or nearly so.
fn request(dice: &mut Dice) -> Vec<u8> {
    let (mut method, mut path) = (dice.pick(&METHODS), dice.pick(&PATHS));
    let body = match dice.roll(6) {
        0 | 1 => value(dice, 2),
        2 => {
            (method, path) = ("POST", PATHS[0]);
            format!(r#"{{"title": "x", "project_id": 1, "{}": null}}"#, dice.roll(1_000))
        }
        _ => body(dice, 2),
    };
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n");
    if dice.roll(8) > 0 {
        text += &format!("X-API-Key: {TOKEN}\r\n");
    }
    for _ in 0..dice.roll(3) {
        if dice.roll(3) == 0 {
            text += dice.pick(&HEADERS);
            text += "\r\n";
        }
    }
    if dice.roll(10) > 0 {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text += "\r\n";
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body.as_bytes());
    // Now and then a byte is another, or the end is missing.
    if dice.roll(4) == 0 {
        let at = dice.roll(bytes.len().min(400));
        bytes[at] = dice.roll(256) as u8;
    }
    if dice.roll(10) == 0 {
        bytes.truncate(dice.roll(bytes.len()));
    }
    bytes
}

/// The status of the last answer, if there was one. That the connection ends at all is part of the test.
fn send(server: &Server, bytes: &[u8]) -> Option<u16> {
    let mut stream: TcpStream = server.connect();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        let waited = matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
        assert!(!waited, "no end after {PATIENCE:?}: {:?}", String::from_utf8_lossy(bytes));
    }
    let text = String::from_utf8_lossy(&answer);
    let start = text.rfind("HTTP/1.1 ").or_else(|| text.rfind("HTTP/1.0 "))?;
    text.get(start + 9..start + 12)?.parse().ok()
}

#[test]
fn no_request_is_the_servers_fault() {
    let rounds: usize = match std::env::var("FUZZ_REQUESTS") {
        Ok(text) => text.parse().expect("FUZZ_REQUESTS is a number"),
        Err(_) => 1_500,
    };
    let mut server = Server::with(&["--db", "d.db", "--token", TOKEN, "--max-body", "100000"]);
    server.task("a", "");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut statuses = std::collections::BTreeMap::new();
    let mut settled = 0;
    for round in 0..rounds {
        let bytes = request(&mut dice);
        let status = send(&server, &bytes);
        *statuses.entry(status).or_insert(0) += 1;
        let fault = status.is_some_and(|status| status >= 500);
        assert!(!fault, "{status:?} for {:?}\n{}", String::from_utf8_lossy(&bytes), server.log());
        if round == rounds / 3 {
            settled = server.memory();
        }
    }
    for expected in [200, 201, 400, 401, 404, 405, 422] {
        assert!(statuses.contains_key(&Some(expected)), "{expected} never came: the dice are loaded: {statuses:?}");
    }
    assert!(server.is_running(), "{}", server.log());
    assert_eq!(server.raw("GET", "/v1/health", &[], "").status, 200);
    let now = server.memory();
    assert!(now < settled * 2 + (16 << 20), "it grew from {settled} to {now} bytes");
}
