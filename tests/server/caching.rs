//! Answers that a client has already, and compressed ones.

use crate::harness::*;
use std::io::Write;

const TASKS: &str = "/v1/workspaces/1/tasks";

fn again(server: &Server, path: &str, tag: &str) -> Reply {
    server.raw("GET", path, &[("X-API-Key", TOKEN), ("If-None-Match", tag)], "")
}

fn tag(reply: &Reply) -> String {
    reply.header("ETag").unwrap_or_else(|| panic!("no ETag: {}", reply.head)).to_string()
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    for database in [":memory:", "d.db"] {
        let server = Server::with(&["--db", database, "--token", TOKEN]);
        server.task("a", "");
        let paths = [
            TASKS,
            "/v1/workspaces/1/tasks/DEV-1",
            "/v1/workspaces",
            "/v1/workspaces/1",
            "/v1/workspaces/1/projects",
            "/v1/workspaces/1/labels",
            "/v1/workspaces/1/members",
            "/v1/workspaces/1/tasks/DEV-1/comments",
            "/v1/workspaces/1/dependency-graph",
        ];
        for path in paths {
            let first = server.get(path);
            let same = again(&server, path, &tag(&first));
            assert_eq!((same.status, same.body.as_str()), (304, ""), "{path}");
            assert_eq!(tag(&same), tag(&first));
            for other in ["\"x\"", &tag(&first).replace('-', "-0")] {
                assert_eq!(again(&server, path, other).body, first.body, "{path}");
            }
            let listed = format!("\"x\", {}", tag(&first));
            assert_eq!((again(&server, path, &listed).status, again(&server, path, "*").status), (304, 304));
        }
        assert!(server.get(&format!("{TASKS}/DEV-9")).header("ETag").is_none());
        assert_ne!(tag(&server.get(TASKS)), tag(&server.get(&format!("{TASKS}?limit=1"))));
    }
}

#[test]
fn every_change_makes_another_validator() {
    let server = Server::with(&["--db", "d.db", "--token", TOKEN]);
    server.task("a", "");
    server.task("b", "");
    let workspace = "/v1/workspaces/1";
    for (method, path, body, shown) in [
        ("POST", "/tasks", r#"{"title": "c", "project_id": 1}"#, "/tasks"),
        ("PATCH", "/tasks/DEV-1", r#"{"title": "changed"}"#, "/tasks"),
        ("PATCH", "/projects/1", r#"{"name": "renamed"}"#, "/tasks/DEV-1"),
        ("POST", "/labels", r#"{"name": "l"}"#, "/labels"),
        ("PATCH", "/labels/1", r#"{"color": "red"}"#, "/labels"),
        ("POST", "/tasks/DEV-1/comments", r#"{"content": "c"}"#, "/tasks/DEV-1/comments"),
        ("PATCH", "/comments/1", r#"{"content": "d"}"#, "/comments/1"),
        ("POST", "/tasks/DEV-1/dependencies", r#"{"depends_on": "DEV-2"}"#, "/dependency-graph"),
        ("POST", "/members", r#"{"user_id": "ann", "role": "viewer"}"#, "/members"),
        ("DELETE", "/members/ann", "", "/members"),
        ("DELETE", "/labels/1", "", "/labels"),
        ("DELETE", "/tasks/DEV-2", "", "/tasks"),
    ] {
        let shown = format!("{workspace}{shown}");
        let before = server.get(&shown);
        let done = server.call(method, &format!("{workspace}{path}"), body);
        assert!(done.status < 300, "{method} {path}: {}", done.body);
        let after = again(&server, &shown, &tag(&before));
        assert_eq!(after.status, 200, "{method} {path}");
        assert_ne!(after.body, before.body, "{method} {path}");
    }
}

#[test]
fn a_validator_is_for_one_user() {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--token", "bob=b1"]);
    let mine = tag(&server.get("/v1/workspaces"));
    let reply = server.raw("GET", "/v1/workspaces", &[("X-API-Key", "b1"), ("If-None-Match", &mine)], "");
    assert_eq!(reply.status, 200);
    assert_eq!(server.raw("GET", "/v1/workspaces", &[("If-None-Match", &mine)], "").status, 401);
}

#[test]
fn a_validator_outlives_the_server() {
    let server = Server::with(&["--db", "d.db", "--token", TOKEN]);
    server.task("a", "");
    let before = tag(&server.get(TASKS));
    let server = Server::start(server.kill(), &["--db", "d.db", "--token", TOKEN]);
    assert_eq!(again(&server, TASKS, &before).status, 304);
}

#[test]
fn long_answers_are_compressed_for_those_who_ask() {
    let server = Server::new();
    for number in 0..20 {
        server.task(&format!("task {number}"), "");
    }
    let plain = server.get(TASKS);
    assert_eq!((plain.header("Content-Encoding"), plain.header("Vary")), (None, Some("Accept-Encoding")));
    let (head, body) = server.bytes("GET", TASKS, &[("X-API-Key", TOKEN), ("Accept-Encoding", "br, gzip")]);
    assert!(head.to_ascii_lowercase().contains("content-encoding: gzip"), "{head}");
    assert!(body.len() * 4 < plain.body.len(), "{} of {}", body.len(), plain.body.len());
    let mut gzip = std::process::Command::new("gzip")
        .arg("-dc")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("gzip runs");
    gzip.stdin.take().expect("a pipe").write_all(&body).expect("gzip reads");
    assert_eq!(gzip.wait_with_output().expect("gzip ends").stdout, plain.body.as_bytes());
    for header in ["gzip;q=0", "identity"] {
        let refused = server.raw("GET", TASKS, &[("X-API-Key", TOKEN), ("Accept-Encoding", header)], "");
        assert_eq!(refused.body, plain.body, "{header}");
    }
    let short = server.raw("GET", "/health", &[("Accept-Encoding", "gzip")], "");
    assert_eq!(short.header("Content-Encoding"), None);
}
