//! Who may do what: every route, asked by every role. The routes and the role each needs come from the program itself
//! (`anyt-server generate routes`), so that a new one cannot be forgotten here.

use crate::harness::*;

const RANKS: [&str; 4] = ["viewer", "member", "admin", "owner"];

/// Method, path, weakest role.
fn routes() -> Vec<(String, String, String)> {
    let text = administer(&Folder::new(), &["generate", "routes"]);
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[0].to_string(), words[1].to_string(), words[2].to_string())
    };
    text.lines().map(line).collect()
}

/// The workspace is the first; everything else is something that is not there.
fn filled(path: &str) -> String {
    path.replacen("{}", "1", 1).replace("{}", "999")
}

fn token(user: &str) -> String {
    format!("{user}_token_0123456789")
}

/// `owner`, `admin`, `member`, `viewer` are what they are called; `stranger` is a user and no member.
fn staffed() -> Server {
    let server = Server::with(&["--db", "d.db", "--no-token"]);
    let folder = server.kill();
    let tokens: Vec<String> = ["owner", "admin", "member", "viewer", "stranger"]
        .iter()
        .map(|user| format!("{user}={}", token(user)))
        .collect();
    let mut arguments = vec!["--db", "d.db"];
    tokens.iter().for_each(|token| arguments.extend(["--token", token]));
    let server = Server::start(folder, &arguments);
    let owner = |method: &str, path: &str, body: &str| server.by(&token("owner"), method, path, body).status;
    for role in ["admin", "viewer"] {
        let path = format!("/v1/workspaces/1/members/{role}");
        assert_eq!(owner("PATCH", &path, &format!(r#"{{"role": "{role}"}}"#)), 200);
    }
    assert_eq!(owner("DELETE", "/v1/workspaces/1/members/stranger", ""), 204);
    server
}

#[test]
fn every_route_asks_for_its_role() {
    let server = staffed();
    let mut routes = routes();
    // What ends the workspace ends the test.
    routes.sort_by_key(|(method, path, _)| method == "DELETE" && path == "/v1/workspaces/{}");
    let mut asked = 0;
    for (method, path, least) in &routes {
        let target = filled(path);
        let Some(least) = RANKS.iter().position(|rank| rank == least) else {
            assert!(!path.starts_with("/v1/workspaces/{}"), "{method} {path} asks for no role");
            continue;
        };
        assert!(method == "GET" || least > 0, "{method} {path}: a viewer changes nothing");
        let status = |user: &str| server.by(&token(user), method, &target, "{}").status;
        assert_eq!(status("stranger"), 404, "{method} {target} by a stranger");
        assert_eq!(server.raw(method, &target, &[], "{}").status, 401, "{method} {target} by nobody");
        for (rank, user) in RANKS.iter().enumerate() {
            let is_forbidden = status(user) == 403;
            assert_eq!(is_forbidden, rank < least, "{method} {target} by {user}");
        }
        asked += 1;
    }
    assert!(asked > 40, "{asked} routes");
    assert_eq!(server.by(&token("owner"), "GET", "/v1/workspaces/1", "").status, 404, "the owner has deleted it");
}

#[test]
fn a_refusal_names_the_role_that_would_do() {
    let server = staffed();
    let refused = server.by(&token("viewer"), "POST", "/v1/workspaces/1/tasks", r#"{"title": "a", "project_id": 1}"#);
    assert_eq!((refused.status, refused.text("detail")), (403, "this takes the role member; yours is viewer".into()));
    let refused = server.by(&token("admin"), "DELETE", "/v1/workspaces/1", "");
    assert_eq!((refused.status, refused.text("detail")), (403, "this takes the role owner; yours is admin".into()));
    assert_eq!(server.by(&token("owner"), "GET", "/v1/workspaces/1/tasks", "").int("total"), 0);
}

#[test]
fn owners_alone_decide_about_owners() {
    let server = staffed();
    let set = |by: &str, user: &str, role: &str| {
        let path = format!("/v1/workspaces/1/members/{user}");
        server.by(&token(by), "PATCH", &path, &format!(r#"{{"role": "{role}"}}"#)).status
    };
    assert_eq!(set("admin", "admin", "owner"), 403);
    assert_eq!(set("admin", "owner", "viewer"), 403);
    assert_eq!(server.by(&token("admin"), "DELETE", "/v1/workspaces/1/members/owner", "").status, 403);
    assert_eq!(set("admin", "member", "admin"), 200);
    assert_eq!((set("owner", "owner", "member"), set("owner", "owner", "czar")), (409, 422), "the last owner stays");
    assert_eq!((set("owner", "admin", "owner"), set("admin", "owner", "member")), (200, 200));
    assert_eq!(server.by(&token("admin"), "GET", "/v1/workspaces/1", "").text("owner_id"), "admin");
}

/// An answer that is kept for an Idempotency-Key is for those who may still ask.
#[test]
fn a_kept_answer_is_not_for_those_who_were_removed() {
    let server = staffed();
    let bearer = format!("Bearer {}", token("member"));
    let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", "k")];
    let ask = || server.raw("POST", "/v1/workspaces/1/tasks", &headers, r#"{"title": "a", "project_id": 1}"#).status;
    assert_eq!((ask(), ask()), (201, 201));
    server.by(&token("owner"), "DELETE", "/v1/workspaces/1/members/member", "");
    assert_eq!(ask(), 404);
}
