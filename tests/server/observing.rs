//! The server seen from outside: its log, its metrics, its health.

use crate::harness::*;

/// The log line of the request that this answer belongs to; waits for it.
fn line_of(server: &Server, reply: &Reply) -> String {
    let id = format!("request={}", reply.header("X-Request-Id").expect("every answer has one"));
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let log = server.log();
        if let Some(line) = log.lines().find(|line| line.split(' ').any(|word| word == id)) {
            return line.to_string();
        }
        assert!(std::time::Instant::now() < deadline, "{id} is not in\n{log}");
        std::thread::yield_now();
    }
}

#[test]
fn every_request_is_a_line_and_no_token_is_in_it() {
    let server = Server::new();
    let reply = server.task("a", "");
    let line = line_of(&server, &reply);
    for part in ["method=POST", "path=/v1/workspaces/1/tasks", "status=201", "user=user", "from=127.0.0.1", "ms="] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(line.contains(&format!("bytes={}", reply.body.len())), "{line}");
    let line = line_of(&server, &server.get("/v1/workspaces/1/tasks?labels=secret"));
    assert!(line.contains("path=/v1/workspaces/1/tasks status=200"), "no query: {line}");
    let line = line_of(&server, &server.raw("GET", "/v1/auth", &[("X-Request-Id", "from-the-proxy")], ""));
    assert!(line.ends_with("request=from-the-proxy sign-in=failed reason=no-token"), "{line}");
    let wrong = "anyt_wrong_token_0123456789";
    let line = line_of(&server, &server.raw("GET", "/v1/auth", &[("X-API-Key", wrong)], ""));
    assert!(line.contains("status=401") && line.ends_with("reason=unknown-token"), "{line}");
    let pasted = server.raw("GET", &format!("/v1/workspaces/{wrong}"), &[("X-Request-Id", wrong)], "");
    assert!(line_of(&server, &pasted).contains("path=/v1/workspaces/(token) "));
    assert!(!server.log().contains(wrong) && !server.log().contains(TOKEN));
}

#[test]
fn metrics_are_for_those_with_a_token() {
    let server = Server::new();
    server.task("a", "");
    assert_eq!(server.raw("GET", "/metrics", &[], "").status, 401);
    let reply = server.get("/metrics");
    assert!(reply.status == 200 && reply.header("Content-Type").is_some_and(|kind| kind.starts_with("text/plain")));
    for line in [
        r#"anyt_server_requests_total{method="POST",route="/v1/workspaces/{}/tasks",status="201"} 1"#,
        r#"anyt_server_request_seconds_count{method="POST"} 1"#,
        "anyt_server_failed_sign_ins_total 1",
        "anyt_server_panics_total 0",
        "anyt_server_healthy 1",
    ] {
        assert!(reply.body.lines().any(|found| found == line), "{line} is not in\n{}", reply.body);
    }
    for line in reply.body.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.rsplit_once(' ').is_some_and(|(_, number)| number.parse::<f64>().is_ok()), "{line}");
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    for script in ["exec \"$0\" \"$@\" 2>/dev/full", "exec \"$0\" \"$@\" 2>&-"] {
        let mut server = Server::in_shell(script);
        for number in 0..20 {
            server.task(&number.to_string(), "");
        }
        assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 20, "{script}");
        assert!(server.is_running());
        server.end(rustix::process::Signal::TERM);
    }
    let mut server = Server::with_log_nobody_reads();
    // Far more than a pipe holds.
    for _ in 0..1_500 {
        assert_eq!(server.raw("GET", "/health", &[], "").status, 200);
    }
    assert!(server.is_running());
}

#[test]
fn health_tells_the_truth_about_the_disk() {
    // No file may grow beyond 1,200 KiB: to the server that is a disk without room.
    let server = Server::in_shell("trap '' XFSZ; ulimit -f 1200; exec \"$0\" \"$@\"");
    assert_eq!(server.raw("GET", "/v1/health", &[], "").text("database"), "healthy");
    let body = format!(r#"{{"title": "a", "project_id": 1, "description": "{}"}}"#, "x".repeat(20_000));
    let mut kept = 0;
    let refused = loop {
        let reply = server.call("POST", "/v1/workspaces/1/tasks", &body);
        if reply.status != 201 {
            break reply;
        }
        kept += 1;
        assert!(kept < 1_000, "the limit was never met");
    };
    assert!([500, 507].contains(&refused.status), "{}", refused.body);
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let health = server.raw("GET", "/v1/health", &[], "");
        if health.status == 503 {
            assert_eq!(
                (health.text("status"), health.text("database")),
                ("unhealthy".into(), "cannot be written".into())
            );
            break;
        }
        server.call("POST", "/v1/workspaces/1/tasks", &body);
        assert!(std::time::Instant::now() < deadline, "it still calls itself {}", health.body);
    }
    assert_eq!(server.raw("GET", "/health", &[], "").status, 200);
    assert!(server.get("/v1/workspaces/1/tasks").int("total") >= kept, "what was kept can be read");
}

#[test]
fn health_tells_the_truth_about_the_database() {
    let server = Server::with(&["--db", "d.db", "--token", TOKEN]);
    assert_eq!(server.raw("GET", "/v1/health", &[], "").status, 200);
    std::fs::remove_file(server.folder.path().join("d.db")).expect("it was there");
    let deadline = std::time::Instant::now() + PATIENCE;
    while server.raw("GET", "/v1/health", &[], "").status != 503 {
        assert!(std::time::Instant::now() < deadline, "it has not noticed");
    }
    assert_eq!(server.raw("GET", "/v1/health", &[], "").text("database"), "cannot be read");
}
