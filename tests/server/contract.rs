//! What holds for every path: credentials, slashes, status codes, problem documents, list shapes (api.md 1, 4.11).

use crate::harness::*;

#[test]
fn health_needs_no_credential() {
    let server = Server::new();
    for path in ["/health", "/v1/health", "/v1/health/", "/", "/ping", "/v1/coding-agents", "/v1/templates"] {
        assert_eq!(server.raw("GET", path, &[], "").status, 200, "{path}");
    }
    let health = server.raw("GET", "/health", &[("X-API-Key", "wrong")], "");
    assert!(health.status == 200 && health.text("status") == "healthy" && health.has("timestamp"));
    let health = server.raw("GET", "/v1/health", &[], "");
    assert!(["status", "timestamp", "version", "database"].iter().all(|name| health.has(name)), "{}", health.body);
}

#[test]
fn everything_else_needs_one() {
    let server = Server::new();
    for path in ["/v1/workspaces", "/v1/workspaces/1/tasks", "/v1/auth", "/v1/t/t_1", "/v1/nothing", "/v2"] {
        for headers in
            [&[][..], &[("Authorization", "Bearer wrong")], &[("X-API-Key", "")], &[("Authorization", TOKEN)]]
        {
            let reply = server.raw("GET", path, headers, "");
            assert_eq!((reply.status, reply.int("status")), (401, 401), "{path} {headers:?}");
        }
    }
    assert_eq!(server.raw("POST", "/v1/workspaces/1/tasks", &[], r#"{"title": "x", "project_id": 1}"#).status, 401);
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 0);
}

#[test]
fn the_api_key_comes_first_and_placeholders_are_passed_over() {
    let server = Server::with(&["--db", ":memory:", "--token", "ann=a1", "--token", "bob=anyt_agent_b1"]);
    let who = |headers: &[(&str, &str)]| server.raw("GET", "/v1/auth", headers, "").text("user_id");
    for placeholder in ["Bearer agent_auth", "Bearer None", "Bearer a1"] {
        assert_eq!(who(&[("Authorization", placeholder), ("X-API-Key", "anyt_agent_b1")]), "bob");
    }
    assert_eq!(who(&[("Authorization", "bearer a1")]), "ann");
    assert_eq!(who(&[("Authorization", "Bearer a1"), ("X-Test-User-Id", "Agent")]), "ann");
    assert_eq!(server.raw("GET", "/v1/auth", &[("X-API-Key", "anyt_agent_b1")], "").text("role"), "agent");
}

#[test]
fn paths_answer_with_and_without_a_slash() {
    let server = Server::new();
    server.task("a", "");
    for path in ["/v1/workspaces", "/v1/workspaces/1", "/v1/workspaces/1/tasks", "/v1/workspaces/1/tasks/DEV-1"] {
        assert_eq!(server.get(path).status, 200);
        assert_eq!(server.get(&format!("{path}/")).body, server.get(path).body);
    }
    let body = r#"{"title": "b", "project_id": 1}"#;
    assert_eq!(server.call("POST", "/v1/workspaces/1/tasks/", body).status, 201);
}

#[test]
fn success_has_exactly_one_status() {
    let server = Server::new();
    let workspace = "/v1/workspaces/1";
    let post = |path: &str, body: &str| server.call("POST", &format!("{workspace}{path}"), body).status;
    assert_eq!(post("/tasks", r#"{"title": "a", "project_id": 1}"#), 201);
    assert_eq!(post("/tasks", r#"{"title": "b", "project_id": 1}"#), 201);
    assert_eq!(post("/tasks/DEV-1/dependencies", r#"{"depends_on": "DEV-2"}"#), 201);
    assert_eq!(post("/tasks/DEV-1/comments", r#"{"content": "c"}"#), 201);
    assert_eq!(post("/labels", r#"{"name": "l"}"#), 201);
    assert_eq!(post("/members", r#"{"user_id": "ann", "role": "viewer"}"#), 201);
    assert_eq!(post("/projects", r#"{"name": "p"}"#), 201);
    assert_eq!(server.call("POST", "/v1/users/init", "").status, 200);
    assert_eq!(server.patch("DEV-1", r#"{"status": "done"}"#).status, 200);
    for path in ["/tasks/DEV-1/dependencies/DEV-2", "/tasks/DEV-1", "/labels/1", "/members/ann", "/comments/1"] {
        let path = format!("{workspace}{path}");
        let reply = server.call("DELETE", &path, "");
        // The comment went with its task.
        let expected = if path.ends_with("comments/1") { 404 } else { 204 };
        assert_eq!(reply.status, expected, "{path}");
        assert!(expected == 404 || reply.body.is_empty());
    }
    let project = server.call("DELETE", "/v1/workspaces/1/projects/1", "");
    assert_eq!((project.status, project.int("tasks_deleted"), project.int("failed_tasks")), (200, 1, 0));
    assert_eq!((project.text("deleted"), project.int("project_id")), ("true".into(), 1));
    assert_eq!(server.call("DELETE", workspace, "").status, 204);
}

#[test]
fn errors_are_problem_documents() {
    let server = Server::new();
    server.task("a", "");
    for (method, path, body, status) in [
        ("GET", "/v1/nothing", "", 404),
        ("GET", "/v1/workspaces/2", "", 404),
        ("GET", "/v1/workspaces/x", "", 404),
        ("GET", "/v1/workspaces/1/tasks/DEV-9", "", 404),
        ("PUT", "/v1/workspaces/1/tasks/DEV-1", "{}", 405),
        ("POST", "/health", "{}", 405),
        ("POST", "/v1/workspaces/1/tasks", "{", 422),
        ("POST", "/v1/workspaces/1/tasks", "[]", 422),
        ("POST", "/v1/workspaces/1/tasks", "", 422),
        ("POST", "/v1/workspaces", r#"{"name": "x", "identifier": "A1"}"#, 422),
        ("POST", "/v1/workspaces", r#"{"name": "x", "identifier": "dev"}"#, 409),
    ] {
        let reply = server.call(method, path, body);
        assert_eq!((reply.status, reply.int("status")), (status, i64::from(status)), "{method} {path} {body}");
        assert_eq!(reply.header("Content-Type"), Some("application/problem+json"));
        for member in ["type", "title", "detail", "instance"] {
            assert!(!reply.text(member).is_empty() && reply.has(member), "{}", reply.body);
        }
    }
}

#[test]
fn lists_carry_the_keys_of_every_generation() {
    let server = Server::new();
    server.task("a", r#""labels": ["l"]"#);
    for path in [
        "/v1/workspaces",
        "/v1/workspaces/1/projects",
        "/v1/workspaces/1/members",
        "/v1/workspaces/1/labels",
        "/v1/workspaces/1/tasks",
    ] {
        let reply = server.get(path);
        for key in ["items", "total", "limit", "offset", "page", "per_page", "total_pages"] {
            assert!(reply.has(key), "{path} {key}");
        }
        assert_eq!((reply.int("total"), reply.len("items"), reply.int("page")), (1, 1, 1), "{path}");
        assert!(reply.int("per_page") >= if path.ends_with("tasks") { 50 } else { 100 });
    }
}

#[test]
fn a_workspace_of_others_does_not_exist() {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--token", "bob=b1"]);
    let made = server.call("POST", "/v1/workspaces", r#"{"name": "mine", "identifier": "own", "description": null}"#);
    assert_eq!((made.status, made.text("identifier")), (201, "OWN".into()));
    let bob = |method: &str, path: &str| server.raw(method, path, &[("Authorization", "Bearer b1")], "{}").status;
    for path in ["", "/tasks", "/projects", "/members", "/labels", "/dependency-graph"] {
        assert_eq!(server.get(&format!("/v1/workspaces/2{path}")).status, 200);
        assert_eq!(bob("GET", &format!("/v1/workspaces/2{path}")), 404, "{path}");
    }
    assert_eq!(bob("DELETE", "/v1/workspaces/2"), 404);
    assert_eq!(bob("DELETE", "/v1/workspaces/1"), 403, "a member who is not the owner");
}

#[test]
fn what_the_server_honours_is_on_every_answer() {
    let server = Server::new();
    for reply in [server.get("/v1/workspaces"), server.get("/v1/nothing"), server.raw("GET", "/health", &[], "")] {
        assert_eq!(
            reply.header("AnyTask-Capabilities"),
            Some("keys=2592000, if-match, tombstones, updated-after, sort=updated_at, consistent")
        );
        assert_eq!(reply.header("Idempotency-Key-Honoured"), Some("true"));
        assert!(reply.header("Date").is_some());
    }
    let head = server.call("HEAD", "/v1/workspaces", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

/// Every route that is there, by the program's own list.
#[test]
fn no_route_answers_without_a_valid_credential() {
    let listing = administer(&Folder::new(), &["generate", "routes"]);
    let server = Server::new();
    for line in listing.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let path = words[1].replace("{}", "1");
        for headers in [&[][..], &[("X-API-Key", "anyt_agent_wrong"), ("Authorization", "Bearer agent_auth")]] {
            let reply = server.raw(words[0], &path, headers, "");
            assert_eq!(
                (reply.status, reply.header("WWW-Authenticate")),
                (401, Some("Bearer realm=\"anyt-server\"")),
                "{line}"
            );
            assert_eq!(reply.header("Content-Type"), Some("application/problem+json"), "{line}");
        }
    }
}
