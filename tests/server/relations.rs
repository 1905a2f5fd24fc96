//! Dependencies and their graph, labels, comments, pull requests (api.md 2.6, 2.7, 2.10, 2.15).

use crate::harness::*;

fn depend(server: &Server, task: &str, on: &str) -> Reply {
    let body = format!(r#"{{"depends_on": "{on}"}}"#);
    server.call("POST", &format!("/v1/workspaces/1/tasks/{task}/dependencies"), &body)
}

#[test]
fn dependencies_show_on_both_ends() {
    let server = Server::new();
    server.task("a", "");
    server.task("b", r#""status": "todo", "priority": 1"#);
    let made = depend(&server, "dev-1", "dev-2");
    assert_eq!((made.status, made.text("task_id"), made.text("depends_on")), (201, "DEV-1".into(), "DEV-2".into()));
    assert_eq!(made.text("blocked_by_status"), "todo");
    let of = server.get("/v1/workspaces/1/tasks/DEV-1/dependencies");
    assert_eq!(of.body, r#"[{"id":2,"identifier":"DEV-2","priority":1,"status":"todo","title":"b"}]"#);
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-2/dependents").column("", "identifier"), ["DEV-1"]);
    let graph = server.get("/v1/workspaces/1/dependency-graph");
    assert_eq!(graph.column("nodes", "id"), ["DEV-1", "DEV-2"]);
    assert_eq!(graph.text("edges"), r#"[{"blocking":true,"from_task":"DEV-1","to_task":"DEV-2"}]"#);
    let path = "/v1/workspaces/1/tasks/DEV-1/dependencies/DEV-2";
    assert_eq!((server.call("DELETE", path, "").status, server.call("DELETE", path, "").status), (204, 404));
    assert_eq!(server.get("/v1/workspaces/1/dependency-graph").len("edges"), 0);
}

#[test]
fn impossible_dependencies_are_refused() {
    let server = Server::new();
    for title in ["a", "b", "c"] {
        server.task(title, "");
    }
    assert_eq!(depend(&server, "DEV-1", "DEV-2").status, 201);
    assert_eq!(depend(&server, "DEV-2", "DEV-3").status, 201);
    for (task, on, status, kind) in [
        ("DEV-1", "dev-1", 400, "urn:anyt:problem:self-dependency"),
        ("DEV-1", "DEV-2", 409, "urn:anyt:problem:dependency-exists"),
        ("DEV-3", "DEV-1", 409, "urn:anyt:problem:circular-dependency"),
        ("DEV-1", "DEV-9", 404, "about:blank"),
        ("DEV-9", "DEV-1", 404, "about:blank"),
        ("DEV-1", " ", 422, "urn:anyt:problem:validation"),
    ] {
        let reply = depend(&server, task, on);
        assert_eq!((reply.status, reply.text("type").as_str()), (status, kind), "{task} on {on}");
    }
}

#[test]
fn the_graph_shows_what_lives() {
    let server = Server::new();
    for title in ["a", "b", "c"] {
        server.task(title, "");
    }
    depend(&server, "DEV-1", "DEV-2");
    depend(&server, "DEV-2", "DEV-3");
    server.call("DELETE", "/v1/workspaces/1/tasks/DEV-3", "");
    let graph = server.get("/v1/workspaces/1/dependency-graph?project_id=1");
    assert_eq!((graph.len("nodes"), graph.column("edges", "to_task")), (2, vec!["DEV-2".to_string()]));
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-2/dependencies").body, "[]");
    assert_eq!(server.get("/v1/workspaces/1/dependency-graph?project_id=7").status, 404);
}

#[test]
fn labels_live_and_change_their_tasks() {
    let server = Server::new();
    let labels = "/v1/workspaces/1/labels";
    let made =
        server.call("POST", labels, r##"{"name": "bug", "color": "#ff0000", "description": null, "workspace_id": 1}"##);
    assert_eq!((made.status, made.text("color"), made.text("description")), (201, "#ff0000".into(), "null".into()));
    assert_eq!(server.call("POST", labels, r#"{"name": "bug"}"#).status, 409);
    assert_eq!(server.call("POST", labels, r#"{"name": ""}"#).status, 422);
    let task = server.task("a", r#""labels": ["bug", "ui"]"#);
    assert_eq!(server.call("PATCH", "/v1/workspaces/1/labels/1", r#"{"name": "ui"}"#).status, 409);
    assert_eq!(
        server.call("PATCH", "/v1/workspaces/1/labels/1", r#"{"name": "defect", "color": null}"#).text("color"),
        "#ff0000"
    );
    let renamed = server.get("/v1/workspaces/1/tasks/DEV-1");
    assert_eq!((renamed.text("labels"), renamed.int("version")), (r#"["defect","ui"]"#.into(), 2));
    assert!(renamed.text("updated_at") > task.text("updated_at"));
    assert_eq!(server.call("DELETE", "/v1/workspaces/1/labels/2", "").status, 204);
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-1").text("labels"), r#"["defect"]"#);
    assert_eq!(server.get("/v1/workspaces/1/labels/2").status, 404);
    assert_eq!(server.get("/v1/workspaces/1/labels/1").text("name"), "defect");
}

#[test]
fn comments_answer_in_both_places() {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--token", "bob=b1"]);
    server.task("a", "");
    server.task("b", "");
    let below = "/v1/workspaces/1/tasks/DEV-1/comments";
    let made = server.call("POST", below, r#"{"content": "hi", "mentioned_users": null, "parent_id": null}"#);
    assert_eq!((made.status, made.text("task_id"), made.text("mentioned_users")), (201, "DEV-1".into(), "[]".into()));
    assert_eq!(
        (made.text("is_own"), made.text("is_edited"), made.text("updated_at")),
        ("true".into(), "false".into(), "null".into())
    );
    server.raw(
        "POST",
        below,
        &[("X-API-Key", "b1")],
        r#"{"content": "yes", "mentioned_users": ["user"], "parent_id": 1}"#,
    );
    let list = server.get(below);
    assert_eq!((list.column("comments", "content").join(" "), list.int("total")), ("hi yes".into(), 2));
    assert_eq!(list.column("comments", "is_own"), ["true", "false"]);
    assert_eq!(server.get(&format!("{below}/stats")).int("total_comments"), 2);
    assert_eq!(server.call("POST", below, r#"{"content": " "}"#).status, 422);
    assert_eq!(server.call("POST", below, r#"{"content": "x", "parent_id": 9}"#).status, 422);

    let edited =
        server.call("PATCH", "/v1/workspaces/1/comments/1", r#"{"content": "hello", "mentioned_users": null}"#);
    assert_eq!((edited.text("content"), edited.text("is_edited")), ("hello".into(), "true".into()));
    assert_eq!(server.call("PATCH", &format!("{below}/1"), r#"{"content": "hello!"}"#).text("content"), "hello!");
    assert_eq!(server.get("/v1/workspaces/1/comments/1").text("content"), "hello!");
    assert_eq!(server.call("PATCH", &format!("{below}/2"), r#"{"content": "mine"}"#).status, 403);
    assert_eq!(server.call("DELETE", "/v1/workspaces/1/tasks/DEV-2/comments/1", "").status, 404);
    assert_eq!(server.call("DELETE", &format!("{below}/1"), "").status, 204);
    assert_eq!(server.get(below).int("total"), 1);
}

#[test]
fn there_are_no_pull_requests() {
    let server = Server::new();
    server.task("a", "");
    for path in ["tasks/DEV-1/pull-requests", "pull-requests/tasks/DEV-1/pull-requests"] {
        assert_eq!(server.get(&format!("/v1/workspaces/1/{path}")).body, "[]");
    }
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-9/pull-requests").status, 404);
}

/// A graph of many tasks shows those that have to do with each other.
#[test]
fn a_large_graph_has_no_single_nodes() {
    let folder = Folder::new();
    let lines: String = (1..=1_001)
        .map(|number| {
            format!(
                r#"{{"number": {number}, "title": "t", "created_at": "2026-01-01T00:00:00Z", "depends_on": [{}]}}"#,
                { if number == 7 { "9, 1001" } else { "" } }
            ) + "\n"
        })
        .collect();
    let path = folder.write("tasks.jsonl", &lines);
    let server = Server::start(folder, &["--db", ":memory:", "--token", TOKEN, "--import", &path]);
    let graph = server.get("/v1/workspaces/1/dependency-graph");
    assert_eq!(graph.column("nodes", "id"), ["DEV-7", "DEV-9", "DEV-1001"]);
    assert_eq!(graph.column("edges", "to_task"), ["DEV-9", "DEV-1001"]);
    server.call("DELETE", "/v1/workspaces/1/tasks/DEV-9", "");
    let graph = server.get("/v1/workspaces/1/dependency-graph?project_id=1");
    assert_eq!((graph.len("nodes"), graph.len("edges")), (1_000, 1), "1,000 tasks are few enough");
}
