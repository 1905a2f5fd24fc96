//! The caller, preferences, members, workspaces and projects (api.md 2.1 to 2.4, 2.8, 2.9).

use crate::harness::*;

#[test]
fn the_caller_is_known() {
    let server = Server::new();
    for path in ["/v1/auth", "/api/v1/auth"] {
        let auth = server.get(path);
        assert_eq!((auth.text("user_id"), auth.text("authenticated")), ("user".into(), "true".into()));
        assert!(auth.has("email") && auth.has("role"));
    }
    let me = server.get("/v1/users/me");
    assert_eq!((me.text("id"), me.has("email"), me.has("created_at")), ("user".into(), true, true));
}

#[test]
fn init_makes_what_is_missing_once() {
    let server = Server::new();
    let first = server.call("POST", "/v1/users/init", "");
    assert_eq!((first.text("is_new_setup"), first.text("workspace.identifier")), ("false".into(), "DEV".into()));
    assert_eq!(server.call("DELETE", "/v1/workspaces/1", "").status, 204);
    assert_eq!(server.get("/v1/workspaces/current").status, 404);
    let made = server.call("POST", "/v1/users/init", "");
    assert_eq!((made.status, made.text("is_new_setup")), (200, "true".into()));
    assert_eq!(made.text("project.workspace_id"), made.text("workspace.id"));
    let again = server.call("POST", "/v1/users/init", "");
    assert_eq!((again.text("is_new_setup"), again.text("workspace")), ("false".into(), made.text("workspace")));
}

#[test]
fn preferences_decide_what_is_current() {
    let server = Server::new();
    let preferences = "/v1/users/me/preferences";
    assert_eq!((server.get(preferences).status, server.get(preferences).body.as_str()), (200, "null"));
    server.call("POST", "/v1/workspaces", r#"{"name": "Second", "identifier": "SEC"}"#);
    server.call("POST", "/v1/workspaces/2/projects", r#"{"name": "p"}"#);
    server.call("POST", "/v1/workspaces/2/projects", r#"{"name": "q"}"#);
    let set = server.call("PUT", &format!("{preferences}/project"), r#"{"workspace_id": 2, "project_id": 3}"#);
    assert_eq!((set.status, set.int("current_workspace_id"), set.int("current_project_id")), (200, 2, 3));
    assert_eq!(server.get("/v1/workspaces/current").int("id"), 2);
    assert_eq!(server.get("/v1/workspaces/2/projects/current").int("id"), 3);
    assert_eq!(server.get("/v1/workspaces/1/projects/current").int("id"), 1);
    let kept = server.call("PATCH", &format!("{preferences}/workspace"), r#"{"workspace_id": 2}"#);
    assert_eq!(kept.int("current_project_id"), 3);
    let moved = server.call("PUT", &format!("{preferences}/workspace"), r#"{"workspace_id": 1}"#);
    assert_eq!((moved.int("current_workspace_id"), moved.text("current_project_id")), (1, "null".into()));
    assert_eq!(server.call("PUT", &format!("{preferences}/workspace"), r#"{"workspace_id": 9}"#).status, 404);
    assert_eq!(
        server.call("PUT", &format!("{preferences}/project"), r#"{"workspace_id": 1, "project_id": 3}"#).status,
        404
    );
    assert_eq!(server.call("PUT", &format!("{preferences}/project"), r#"{"workspace_id": 1}"#).status, 422);
    assert_eq!(server.call("DELETE", preferences, "").status, 204);
    assert_eq!(server.get(preferences).body, "null");
}

#[test]
fn members_come_and_go() {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN]);
    let members = "/v1/workspaces/1/members";
    let made = server.call("POST", members, r#"{"user_id": "ann", "role": "viewer"}"#);
    assert_eq!((made.status, made.text("user_id"), made.text("role")), (201, "ann".into(), "viewer".into()));
    assert_eq!(server.call("POST", members, r#"{"user_id": "ann", "role": "viewer"}"#).status, 409);
    assert_eq!(server.call("POST", members, r#"{"role": "viewer"}"#).status, 422);
    assert_eq!(server.call("PATCH", &format!("{members}/ann"), r#"{"role": "maintainer"}"#).text("role"), "admin");
    assert_eq!(server.call("PATCH", &format!("{members}/eve"), r#"{"role": "viewer"}"#).status, 404);
    assert_eq!(server.get("/v1/workspaces/1/assignees").column("users", "id"), ["user", "ann"]);
    assert_eq!(server.call("DELETE", &format!("{members}/ann"), "").status, 204);
    assert_eq!(server.call("DELETE", &format!("{members}/ann"), "").status, 404);
    assert_eq!(server.call("DELETE", &format!("{members}/user"), "").status, 409, "the owner stays");
}

#[test]
fn workspaces_and_projects_change() {
    let server = Server::new();
    let workspace =
        server.call("PATCH", "/v1/workspaces/1", r#"{"name": "New", "description": null, "identifier": "X"}"#);
    assert_eq!((workspace.text("name"), workspace.text("identifier")), ("New".into(), "DEV".into()));
    assert_eq!(server.call("PATCH", "/v1/workspaces/1", r#"{"name": ""}"#).status, 422);
    let project = server.call(
        "PATCH",
        "/v1/workspaces/1/projects/1",
        r##"{"name": "P", "color": "#fff", "status": "completed", "lead_id": null}"##,
    );
    assert_eq!(
        (project.text("name"), project.text("color"), project.text("status")),
        ("P".into(), "#fff".into(), "completed".into())
    );
    assert_eq!(server.get("/v1/workspaces/1/projects?status=active").int("total"), 0);
    assert_eq!(server.call("PATCH", "/v1/workspaces/1/projects/1", r#"{"status": "odd"}"#).status, 422);
    assert_eq!(server.call("POST", "/v1/workspaces/1/projects", r#"{"description": "nameless"}"#).status, 422);
    server.call("POST", "/v1/workspaces", r#"{"name": "Second", "identifier": "SEC"}"#);
    assert_eq!(server.get("/v1/workspaces").column("items", "identifier"), ["DEV", "SEC"], "oldest first");
    assert_eq!(server.get("/v1/workspaces?page=2&per_page=1").column("items", "identifier"), ["SEC"]);
    server.call("DELETE", "/v1/workspaces/2", "");
    assert_eq!(server.call("POST", "/v1/workspaces", r#"{"name": "Again", "identifier": "SEC"}"#).status, 409);
}

#[test]
fn a_task_link_of_others_is_forbidden() {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--token", "bob=b1"]);
    server.call("POST", "/v1/workspaces", r#"{"name": "Second", "identifier": "SEC"}"#);
    server.call("POST", "/v1/workspaces/2/projects", r#"{"name": "p"}"#);
    let task = server.call("POST", "/v1/workspaces/2/tasks", r#"{"title": "secret", "project_id": 2}"#);
    let link = format!("/v1/t/{}", task.text("uid"));
    assert_eq!(server.get(&link).status, 200);
    assert_eq!(server.raw("GET", &link, &[("X-API-Key", "b1")], "").status, 403);
    assert_eq!(server.get("/v1/t/t_zzz").status, 404);
    assert_eq!(server.get("/v1/t/nonsense").status, 404);
}
