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
    assert!(!server.log().contains(wrong) && !server.log().contains(TOKEN));
}
