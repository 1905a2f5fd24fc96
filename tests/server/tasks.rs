//! Single tasks: fields, versions, times, deletion (api.md 1.6, 1.10, 3.3, 4.2 to 4.8).

use crate::harness::*;

const FIELDS: &str = "title description phase status priority owner_id assignee_type labels estimate parent_id goal_id id \
    workspace_id project_id number identifier uid creator_id version started_at completed_at canceled_at archived_at \
    created_at updated_at deleted_at workspace project assigned_coding_agent implementation_plan plan_review_status \
    plan_reviewed_at plan_reviewed_by checklist";

#[test]
fn every_field_is_filled_for_every_client() {
    let server = Server::new();
    let task = server.task("a", "");
    for field in FIELDS.split_whitespace() {
        assert!(task.has(field), "{field}");
    }
    assert_eq!((task.text("labels"), task.text("status"), task.int("priority")), ("[]".into(), "backlog".into(), 0));
    assert_eq!((task.text("assignee_type"), task.text("creator_id")), ("human".into(), "user".into()));
    assert_eq!((task.text("workspace.identifier"), task.int("project.id")), ("DEV".into(), 1));
    assert_eq!((task.text("identifier"), task.int("version")), ("DEV-1".into(), 1));
    assert_eq!(task.text("created_at").len(), "2025-10-16T10:00:00.000000Z".len());
    assert_eq!(server.get("/v1/workspaces/1/tasks").text("items.0"), task.text(""));
    assert_eq!(server.get(&format!("/v1/t/{}", task.text("uid"))).body, task.body);
}

#[test]
fn what_is_given_at_creation_is_kept() {
    let server = Server::new();
    server.task("parent", "");
    let task = server.task(
        "b",
        r##""description": "# ü\n🎉", "phase": "P1", "status": "todo", "priority": -2, "owner_id": "u9", "assignee_type":
        "agent", "labels": ["x", "y", "x"], "estimate": 1.5, "parent_id": 1, "depends_on": ["dev-1", "DEV-1"],
        "implementation_plan": "p", "checklist": "c", "assigned_coding_agent": "codex", "unknown": {"a": [1]}"##,
    );
    for (field, value) in [
        ("description", "# ü\n🎉"),
        ("phase", "P1"),
        ("status", "todo"),
        ("priority", "-2"),
        ("owner_id", "u9"),
        ("assignee_type", "agent"),
        ("labels", r#"["x","y"]"#),
        ("estimate", "1.5"),
        ("parent_id", "1"),
        ("implementation_plan", "p"),
        ("checklist", "c"),
        ("assigned_coding_agent", "codex"),
    ] {
        assert_eq!(task.text(field), value, "{field}");
    }
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-2/dependencies").column("", "identifier"), ["DEV-1"]);
    assert_eq!(server.get("/v1/workspaces/1/labels").column("items", "name"), ["x", "y"]);
}

#[test]
fn invalid_values_are_422_and_change_nothing() {
    let server = Server::new();
    server.task("a", r#""labels": ["kept"]"#);
    let before = server.get("/v1/workspaces/1/tasks/DEV-1").body;
    for (field, value) in [
        ("title", r#"" ""#),
        ("title", "7"),
        ("status", r#""later""#),
        ("priority", "3"),
        ("priority", r#""1""#),
        ("priority", "0.5"),
        ("assignee_type", r#""robot""#),
        ("assigned_coding_agent", r#""cursor""#),
        ("labels", r#""a""#),
        ("labels", r#"[""]"#),
        ("estimate", r#""long""#),
        ("estimate", "-1"),
        ("parent_id", "99"),
        ("parent_id", "1"),
        ("project_id", "99"),
    ] {
        let reply = server.patch("DEV-1", &format!(r#"{{"description": "new", "{field}": {value}}}"#));
        assert_eq!((reply.status, reply.text("errors.0.field")), (422, field.into()), "{field} {value} {}", reply.body);
    }
    for body in [
        r#"{"project_id": 1}"#,
        r#"{"title": "x"}"#,
        r#"{"title": "x", "project_id": 9}"#,
        r#"{"title": "x", "project_id": 1, "depends_on": ["DEV-9"]}"#,
    ] {
        assert_eq!(server.call("POST", "/v1/workspaces/1/tasks", body).status, 422, "{body}");
    }
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-1").body, before);
    assert_eq!(server.task("next", "").int("number"), 2, "a refused task takes no number");
}

#[test]
fn null_leaves_a_field_as_it_is() {
    let server = Server::new();
    server.task("a", r#""description": "d", "owner_id": "u", "labels": ["l"], "estimate": 3"#);
    let nulls: Vec<String> =
        FIELDS.split_whitespace().filter(|f| *f != "status").map(|f| format!(r#""{f}": null"#)).collect();
    let task = server.patch("DEV-1", &format!(r#"{{"status": "done", {}}}"#, nulls.join(", ")));
    assert_eq!(task.status, 200);
    for (field, value) in [
        ("title", "a"),
        ("description", "d"),
        ("owner_id", "u"),
        ("labels", r#"["l"]"#),
        ("estimate", "3.0"),
        ("status", "done"),
    ] {
        assert_eq!(task.text(field), value);
    }
    let cleared = server.patch("DEV-1", r#"{"description": "", "owner_id": "", "labels": []}"#);
    assert_eq!(
        (cleared.text("owner_id"), cleared.text("labels"), cleared.text("description")),
        ("null".into(), "[]".into(), "".into())
    );
}

#[test]
fn every_change_raises_version_and_updated_at() {
    let server = Server::new();
    let mut last = server.task("a", "");
    for (version, body) in
        [(2, r#"{"title": "b"}"#), (3, r#"{"labels": ["x"]}"#), (4, r#"{"priority": 2, "status": "todo"}"#)]
    {
        let next = server.patch("DEV-1", body);
        assert_eq!(next.int("version"), version);
        assert!(next.text("updated_at") > last.text("updated_at"));
        assert_eq!(next.text("created_at"), last.text("created_at"));
        last = next;
    }
    assert_eq!(server.patch("DEV-1", r#"{"priority": 2, "labels": ["x"]}"#).body, last.body, "nothing changed");
    assert_eq!(server.patch("DEV-1", "{}").body, last.body);
}

#[test]
fn if_match_guards_an_update() {
    let server = Server::new();
    server.task("a", "");
    server.patch("DEV-1", r#"{"title": "theirs"}"#);
    let with = |version: &str, body: &str| {
        let headers = [("X-API-Key", TOKEN), ("If-Match", version)];
        server.raw("PATCH", "/v1/workspaces/1/tasks/DEV-1", &headers, body)
    };
    let refused = with("1", r#"{"title": "ours", "priority": 0}"#);
    assert_eq!(refused.status, 409);
    assert_eq!((refused.int("current_version"), refused.int("provided_version")), (2, 1));
    assert_eq!(refused.column("conflicts", "field"), ["title"]);
    assert_eq!(
        (refused.text("conflicts.0.current"), refused.text("conflicts.0.provided")),
        ("theirs".into(), "ours".into())
    );
    assert_eq!(with("x", "{}").status, 422);
    assert_eq!(with("2", r#"{"title": "ours"}"#).int("version"), 3);
    assert_eq!(with("\"3\"", r#"{"title": "quoted"}"#).int("version"), 4);
    assert_eq!(with("*", r#"{"title": "any"}"#).int("version"), 5);
    let delete = |version: &str| {
        let headers = [("X-API-Key", TOKEN), ("If-Match", version)];
        server.raw("DELETE", "/v1/workspaces/1/tasks/DEV-1", &headers, "").status
    };
    assert_eq!((delete("4"), delete("5")), (409, 204));
}

#[test]
fn deleting_leaves_a_tombstone() {
    let server = Server::new();
    let before = server.task("a", "");
    assert_eq!(server.call("DELETE", "/v1/workspaces/1/tasks/dev-1", "").status, 204);
    for (method, path) in [("GET", "DEV-1"), ("PATCH", "DEV-1"), ("DELETE", "DEV-1"), ("GET", "1")] {
        assert_eq!(server.call(method, &format!("/v1/workspaces/1/tasks/{path}"), "{}").status, 404);
    }
    assert_eq!(server.get(&format!("/v1/t/{}", before.text("uid"))).status, 404);
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 0);
    let list = server.get("/v1/workspaces/1/tasks?include_deleted=true");
    assert_eq!((list.int("total"), list.int("items.0.version")), (1, 2));
    assert_eq!(list.text("items.0.deleted_at"), list.text("items.0.updated_at"));
    assert!(list.text("items.0.updated_at") > before.text("updated_at"));
    assert_eq!(server.task("b", "").text("identifier"), "DEV-2");
}

#[test]
fn deleting_a_project_deletes_its_tasks() {
    let server = Server::new();
    server.task("a", "");
    server.task("b", "");
    let other =
        server.call("POST", "/v1/workspaces/1/projects", r#"{"name": "p2", "lead_id": null, "status": "paused"}"#);
    assert_eq!((other.status, other.text("status")), (201, "paused".into()));
    assert_eq!(server.patch("DEV-2", r#"{"project_id": 2}"#).text("project.name"), "p2");
    assert_eq!(server.call("DELETE", "/v1/workspaces/1/projects/1", "").int("tasks_deleted"), 1);
    assert_eq!(server.get("/v1/workspaces/1/tasks").titles(), "b");
    assert_eq!(server.get("/v1/workspaces/1/projects").column("items", "name"), ["p2"]);
    assert_eq!(server.get("/v1/workspaces/1/projects/1").status, 404);
}

#[test]
fn times_follow_the_status() {
    let server = Server::new();
    server.task("a", "");
    let set = |status: &str| {
        let task = server.patch("DEV-1", &format!(r#"{{"status": "{status}"}}"#));
        ["started_at", "completed_at", "canceled_at", "archived_at"].map(|name| task.text(name) != "null")
    };
    assert_eq!(set("inprogress"), [true, false, false, false]);
    assert_eq!(set("done"), [true, true, false, false]);
    assert_eq!(set("archived"), [true, true, false, true]);
    assert_eq!(set("todo"), [false, false, false, false]);
    assert_eq!(set("canceled"), [false, false, true, false]);
    assert_eq!(server.patch("DEV-1", r#"{"status": "in_progress"}"#).text("status"), "active");
}

#[test]
fn tasks_answer_to_their_names() {
    let server = Server::new();
    server.task("a", "");
    for name in ["DEV-1", "dev-1", "Dev%2D1", "1"] {
        assert_eq!(server.get(&format!("/v1/workspaces/1/tasks/{name}")).status, 200, "{name}");
    }
    for name in ["OPS-1", "DEV-", "DEV-x", "-1", "DEV-01x", "%00", "2"] {
        assert_eq!(server.get(&format!("/v1/workspaces/1/tasks/{name}")).status, 404, "{name}");
    }
}

#[test]
fn a_bulk_update_may_succeed_in_part() {
    let server = Server::new();
    server.task("a", "");
    server.task("b", "");
    let path = "/v1/workspaces/1/bulk-tasks";
    let reply = server.call(
        "PATCH",
        path,
        r#"{"task_ids": ["DEV-1", "DEV-9", "dev-2"], "updates": {"status": "done", "title": null}}"#,
    );
    assert_eq!(
        (reply.status, reply.int("updated"), reply.int("total"), reply.int("succeeded"), reply.int("failed")),
        (200, 2, 3, 2, 1)
    );
    assert_eq!(reply.column("results", "success"), ["true", "false", "true"]);
    assert_eq!(reply.column("results", "identifier"), ["DEV-1", "DEV-9", "DEV-2"]);
    assert!(reply.text("results.1.error").contains("DEV-9"));
    assert_eq!(server.get("/v1/workspaces/1/tasks?status=done").int("total"), 2);
    for body in ["{}", r#"{"task_ids": ["DEV-1"]}"#, r#"{"task_ids": "DEV-1", "updates": {}}"#] {
        assert_eq!(server.call("PATCH", path, body).status, 422, "{body}");
    }
}

#[test]
fn a_task_is_never_below_itself() {
    let server = Server::new();
    server.task("a", "");
    server.task("b", r#""parent_id": 1"#);
    server.task("c", r#""parent_id": 2"#);
    assert_eq!(server.patch("DEV-1", r#"{"parent_id": 3}"#).status, 422);
    assert_eq!(server.patch("DEV-3", r#"{"parent_id": 1}"#).status, 200);
}

/// What was written by a clock that was ahead is not overtaken by one that is right: clients pull by `updated_at`.
#[test]
fn a_clock_that_is_set_back_moves_no_change_back() {
    let folder = Folder::new();
    let line = r#"{"number": 1, "title": "t", "created_at": "2990-01-01T00:00:00Z"}"#;
    let path = folder.write("tasks.jsonl", line);
    let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN, "--import", &path]);
    let tag = |server: &Server| server.get("/v1/workspaces/1/tasks").header("ETag").map(str::to_string);
    let before = tag(&server);
    let changed = server.patch("DEV-1", r#"{"priority": 1}"#).text("updated_at");
    assert!(changed.starts_with("2990-01-01T00:00:00.0000"), "{changed}");
    assert_ne!(tag(&server), before);
    let made = server.task("later", "").text("updated_at");
    assert!(made > changed, "{made} {changed}");
    let server = Server::start(server.kill(), &["--db", "d.db", "--token", TOKEN]);
    let pulled = server.get(&format!("/v1/workspaces/1/tasks?updated_after={made}&sort_by=updated_at&order=asc"));
    assert_eq!(pulled.titles(), "later");
    assert!(server.patch("DEV-1", r#"{"priority": 2}"#).text("updated_at") > made);
}
