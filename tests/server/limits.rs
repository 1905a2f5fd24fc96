//! How large things may be; what is larger is refused with words, and costs nobody else anything.

use crate::harness::*;
use std::io::Write;

const TASKS: &str = "/v1/workspaces/1/tasks";
const BULK: &str = "/v1/workspaces/1/bulk-tasks";

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

#[test]
fn a_deeply_nested_body_is_refused_before_it_is_parsed() {
    let server = Server::new();
    server.task("a", "");
    for (method, path) in [("PATCH", BULK), ("POST", TASKS), ("PATCH", "/v1/workspaces/1/tasks/DEV-1")] {
        for depth in [128, 20_000] {
            let body = format!(r#"{{"task_ids": ["DEV-1"], "title": "x", "updates": {}}}"#, nested(depth));
            let reply = server.call(method, path, &body);
            assert_eq!((reply.status, reply.text("errors.0.field")), (422, "body".into()), "{method} {path} {depth}");
            let array = format!(r#"{{"updates": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
            assert_eq!(server.call(method, path, &array).status, 422);
        }
    }
    let body = format!(r#"{{"task_ids": ["DEV-1"], "updates": {}}}"#, nested(127));
    assert_eq!(server.call("PATCH", BULK, &body).status, 200, "128 levels are possible");
    let brackets = format!(r#""description": "{}""#, "[{".repeat(5_000));
    assert_eq!(server.task("b", &brackets).status, 201, "in a string they are text");
    assert_eq!(server.get("/v1/auth").status, 200);
}

#[test]
fn titles_and_names_have_500_characters() {
    let server = Server::new();
    let (longest, longer) = ("é".repeat(500), "é".repeat(501));
    assert_eq!(server.task(&longest, "").text("title"), longest);
    for (method, path, name) in [
        ("POST", TASKS, "title"),
        ("PATCH", "/v1/workspaces/1/tasks/DEV-1", "title"),
        ("POST", "/v1/workspaces/1/projects", "name"),
        ("POST", "/v1/workspaces/1/labels", "name"),
    ] {
        let reply = server.call(method, path, &format!(r#"{{"{name}": "{longer}", "project_id": 1}}"#));
        assert_eq!((reply.status, reply.text("errors.0.field")), (422, name.to_string()), "{method} {path}");
        assert!(reply.text("detail").contains("500 characters"), "{}", reply.body);
    }
    let reply = server.patch("DEV-1", &format!(r#"{{"labels": ["{longer}"]}}"#));
    assert_eq!(reply.status, 422, "a label's name");
}

#[test]
fn texts_have_a_mebibyte() {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--max-body", "4000000"]);
    server.task("a", "");
    let (longest, longer) = ("x".repeat(1 << 20), "x".repeat((1 << 20) + 1));
    assert_eq!(server.patch("DEV-1", &format!(r#"{{"description": "{longest}"}}"#)).status, 200);
    assert_eq!(server.patch("DEV-1", &format!(r#"{{"description": "{longer}"}}"#)).status, 422);
    let comments = "/v1/workspaces/1/tasks/DEV-1/comments";
    assert_eq!(server.call("POST", comments, &format!(r#"{{"content": "{longest}"}}"#)).status, 201);
    assert_eq!(server.call("POST", comments, &format!(r#"{{"content": "{longer}"}}"#)).status, 422);
}

#[test]
fn a_task_has_100_labels_and_a_bulk_500_ids() {
    let server = Server::new();
    let list = |count: usize, prefix: &str| {
        (1..=count).map(|number| format!(r#""{prefix}{number}""#)).collect::<Vec<_>>().join(",")
    };
    server.task("a", &format!(r#""labels": [{}]"#, list(100, "l")));
    for (count, field) in [(101, "labels"), (15_000, "labels"), (60_000, "body")] {
        let reply = server.patch("DEV-1", &format!(r#"{{"labels": [{}]}}"#, list(count, "l")));
        assert_eq!((reply.status, reply.text("errors.0.field")), (422, field.into()));
    }
    let bulk = |count: usize| {
        server.call("PATCH", BULK, &format!(r#"{{"task_ids": [{}], "updates": {{}}}}"#, list(count, "DEV-")))
    };
    assert_eq!((bulk(500).status, bulk(500).int("total")), (200, 500));
    assert_eq!((bulk(501).status, bulk(50_000).status), (422, 422));
}

#[test]
fn a_page_has_100_rows() {
    let server = Server::new();
    for path in [TASKS, "/v1/workspaces", "/v1/workspaces/1/projects", "/v1/workspaces/1/members"] {
        assert_eq!(server.get(&format!("{path}?limit=1000000")).int("limit"), 100, "{path}");
    }
}

#[test]
fn a_plus_is_no_part_of_a_number() {
    let server = Server::new();
    server.task("a", "");
    for path in
        ["/v1/workspaces/+1", "/v1/workspaces/%2B1/tasks", "/v1/workspaces/1/tasks/+1", "/v1/workspaces/1/tasks/DEV-+1"]
    {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    assert_eq!(server.get(&format!("{TASKS}?limit=%2B1")).status, 422);
    assert_eq!(server.get(&format!("{TASKS}/1")).status, 200);
}

/// A hundred texts of a mebibyte are no answer of a hundred mebibytes: pages are shorter, and nothing is left out.
#[test]
fn a_page_of_long_texts_has_fewer_rows() {
    let server = Server::new();
    let text = "x".repeat(900_000);
    for number in 0..12 {
        server.task(&format!("t{number}"), &format!(r#""description": "{text}""#));
        let comment = format!(r#"{{"content": "{number} {text}"}}"#);
        assert_eq!(server.call("POST", "/v1/workspaces/1/tasks/DEV-1/comments", &comment).status, 201);
    }
    for (list, key, member) in
        [("tasks?sort_by=id&order=asc", "items", "title"), ("tasks/DEV-1/comments?", "comments", "content")]
    {
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = server.get(&format!("/v1/workspaces/1/{list}&limit=100&offset={}", seen.len()));
            assert!(page.body.len() < 5 << 20, "{} bytes", page.body.len());
            assert_eq!(page.int("total"), 12);
            if page.len(key) == 0 {
                break;
            }
            seen.extend(page.column(key, member).into_iter().map(|text| text.chars().take(3).collect::<String>()));
            pages += 1;
        }
        assert_eq!((seen.len(), pages), (12, 3), "{list}");
        assert!(seen.iter().collect::<std::collections::BTreeSet<_>>().len() == 12, "{seen:?}");
    }
    // The longest row is a page of its own.
    let long = "y".repeat(1 << 20 >> 1);
    for field in ["description", "implementation_plan", "checklist"] {
        assert_eq!(server.patch("DEV-1", &format!(r#"{{"{field}": "{long}{}"}}"#, "z".repeat(500_000))).status, 200);
    }
    assert_eq!(server.get("/v1/workspaces/1/tasks?sort_by=id&order=asc").text("items.0.title"), "t0");
}

/// Lists that are paged by number cannot have shorter pages: what is said about their rows is short.
#[test]
fn what_is_said_about_a_project_is_short() {
    let server = Server::new();
    let text = "x".repeat((64 << 10) + 1);
    let body = format!(r#"{{"name": "n", "description": "{text}"}}"#);
    for path in ["/v1/workspaces/1/projects", "/v1/workspaces/1/labels", "/v1/workspaces"] {
        let body = if path == "/v1/workspaces" {
            body.replace("\"n\"", "\"n\", \"identifier\": \"NN\"")
        } else {
            body.clone()
        };
        assert_eq!(server.call("POST", path, &body).status, 422, "{path}");
        assert_eq!(server.call("POST", path, &body.replace("xx\"", "x\"")).status, 201, "{path}");
    }
}

/// Who asks for long pages and reads none of them fills no memory, and holds up nobody.
#[test]
fn answers_that_nobody_takes_are_not_piled_up() {
    let server = Server::new();
    let text = "x".repeat(1_000_000);
    for number in 0..4 {
        server.task(&number.to_string(), &format!(r#""description": "{text}""#));
    }
    let before = server.memory();
    let ask = format!("GET /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let connections: Vec<_> = (0..60)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(ask.as_bytes()).expect("an open connection");
            stream
        })
        .collect();
    // All have been answered, one way or another, when all have got their first bytes.
    let refused = connections.iter().filter(|stream| {
        let mut head = [0; 12];
        // A child of another test that ends interrupts it.
        let peeked = std::iter::repeat_with(|| stream.peek(&mut head)).find(|peeked| !is_interrupted(peeked));
        peeked.expect("it repeats").expect("an answer") == 12 && head.ends_with(b"503")
    });
    let refused = refused.count();
    let more = server.memory().saturating_sub(before);
    assert!(refused > 5 && more < 150 << 20, "{refused} were refused, {more} bytes more");
    assert_eq!(server.get("/v1/workspaces/1/projects").status, 200, "short answers are not concerned");
    drop(connections);
    let deadline = std::time::Instant::now() + PATIENCE;
    while server.get("/v1/workspaces/1/tasks").status != 200 {
        assert!(std::time::Instant::now() < deadline, "there is room again");
    }
}

/// A small value takes a hundred times its bytes once it is parsed.
#[test]
fn many_values_are_refused_and_large_requests_wait_for_each_other() {
    let server = Server::new();
    let body = |objects: usize| {
        let values = vec![r#"{"":0}"#; objects].join(",");
        format!(r#"{{"title": "a", "project_id": 1, "more": [{values}]}}"#)
    };
    let refused = server.call("POST", TASKS, &body(100_000));
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("has more than 20000 values"), "{}", refused.body);
    let (before, large) = (server.memory(), body(9_900));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| assert_eq!(server.call("POST", TASKS, &large).status, 201));
        }
    });
    let more = server.peak_memory().saturating_sub(before);
    assert!(more < 350 << 20, "{more} bytes more");
}

#[test]
fn bodies_that_never_end_are_not_piled_up() {
    let server = Server::new();
    let before = server.memory();
    let head =
        format!("POST {TASKS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1048576\r\n\r\n");
    let start = format!("{head}{}", "x".repeat(1 << 20)).into_bytes();
    let half = |_| {
        let mut stream = server.connect();
        // One byte is missing; who was refused may find the connection closed.
        stream.write_all(&start[..start.len() - 1]).ok().map(|()| stream)
    };
    let mut connections: Vec<_> = (0..150).filter_map(half).collect();
    // All bodies that fit have come when one more does not.
    let deadline = std::time::Instant::now() + PATIENCE;
    let body = format!(r#"{{"title": "a", "project_id": 1, "description": "{}"}}"#, "x".repeat(900_000));
    while server
        .attempt("POST", TASKS, &[("Authorization", &format!("Bearer {TOKEN}"))], &body)
        .is_none_or(|reply| reply.status != 503)
    {
        assert!(std::time::Instant::now() < deadline, "all were taken");
        // Bodies that were refused half-way leave room that one of this size fits into.
        connections.extend((0..10).filter_map(half));
    }
    assert_eq!(server.get("/v1/workspaces/1/projects").status, 200, "who sends no body is not concerned");
    let more = server.peak_memory().saturating_sub(before);
    assert!(more < 150 << 20, "{more} bytes more");
    drop(connections);
    while server
        .attempt("POST", TASKS, &[("Authorization", &format!("Bearer {TOKEN}"))], &body)
        .is_none_or(|reply| reply.status != 201)
    {
        assert!(std::time::Instant::now() < deadline, "there is room again");
    }
}

fn is_interrupted<T>(result: &std::io::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::Interrupted)
}
