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

/// The key that a member makes for itself, with these permissions.
fn key(server: &Server, user: &str, permissions: &str) -> (String, i64) {
    let body = format!(r#"{{"name": "agent", "permissions": {permissions}}}"#);
    let made = server.by(&token(user), "POST", "/v1/workspaces/1/api-keys", &body);
    assert_eq!(made.status, 201, "{}", made.body);
    (made.text("key"), made.int("api_key.id"))
}

fn with_key(server: &Server, key: &str, method: &str, path: &str, body: &str) -> u16 {
    let headers = [("X-API-Key", key), ("Authorization", "Bearer agent_auth")];
    server.raw(method, path, &headers, body).status
}

#[test]
fn an_api_key_is_shown_once_and_has_every_field() {
    let server = staffed();
    let headers = [("Authorization", &*format!("Bearer {}", token("member"))), ("Idempotency-Key", "k")];
    let body = r#"{"name": "ci", "permissions": ["write", "read", "write"], "expires_at": "2999-01-01T00:00:00Z"}"#;
    let made = server.raw("POST", "/v1/workspaces/1/api-keys", &headers, body);
    let key = made.text("key");
    assert!(made.status == 201 && key.starts_with("anyt_agent_") && key.len() > 40, "{}", made.body);
    let list = server.by(&token("member"), "GET", "/v1/workspaces/1/api-keys", "");
    assert_eq!(list.text("0"), made.text("api_key"));
    for (field, value) in [
        ("name", "ci"),
        ("permissions", r#"["read","write"]"#),
        ("is_active", "true"),
        ("last_used_at", "null"),
        ("expires_at", "2999-01-01T00:00:00.000000Z"),
        ("created_by", "member"),
        ("workspace_id", "1"),
    ] {
        assert_eq!(made.text(&format!("api_key.{field}")), value, "{field}");
    }
    assert!(key.starts_with(&made.text("api_key.key_prefix")) && !list.body.contains(&key), "{}", list.body);
    let bytes: Vec<u8> = ["d.db", "d.db-wal"]
        .iter()
        .flat_map(|name| std::fs::read(server.folder.path().join(name)).unwrap_or_default())
        .collect();
    assert!(!bytes.windows(key.len()).any(|part| part == key.as_bytes()), "also not as a kept answer");
    for wrong in [
        r#"{"permissions": ["read"]}"#,
        r#"{"name": "x", "permissions": ["all"]}"#,
        r#"{"name": "x", "permissions": []}"#,
        r#"{"name": "x", "expires_at": "2001-01-01"}"#,
        r#"{"name": "x", "expires_at": "soon"}"#,
    ] {
        assert_eq!(server.by(&token("member"), "POST", "/v1/workspaces/1/api-keys", wrong).status, 422, "{wrong}");
    }
}

#[test]
fn a_key_does_what_it_is_permitted_and_never_more_than_its_user() {
    let server = staffed();
    let (reader, _) = key(&server, "owner", r#"["read"]"#);
    let (writer, _) = key(&server, "owner", r#"["read", "write"]"#);
    let (tasks, task) = ("/v1/workspaces/1/tasks", r#"{"title": "a", "project_id": 1}"#);
    assert_eq!(with_key(&server, &reader, "GET", tasks, ""), 200);
    assert_eq!(with_key(&server, &reader, "POST", tasks, task), 403);
    assert_eq!(with_key(&server, &writer, "POST", tasks, task), 201);
    for (method, path) in [
        ("DELETE", "/v1/workspaces/1/projects/1"),
        ("POST", "/v1/workspaces/1/members"),
        ("DELETE", "/v1/workspaces/1"),
        ("GET", "/v1/workspaces/1/api-keys"),
        ("POST", "/v1/workspaces"),
    ] {
        let body = r#"{"name": "x", "identifier": "XX", "user_id": "x"}"#;
        assert_eq!(with_key(&server, &writer, method, path, body), 403, "{method} {path}");
    }
    let (members, _) = key(&server, "member", r#"["read", "write"]"#);
    let demote = r#"{"role": "viewer"}"#;
    assert_eq!(server.by(&token("owner"), "PATCH", "/v1/workspaces/1/members/member", demote).status, 200);
    assert_eq!(with_key(&server, &members, "POST", tasks, task), 403, "its user is a viewer now");
    server.by(&token("owner"), "DELETE", "/v1/workspaces/1/members/member", "");
    assert_eq!(with_key(&server, &members, "GET", tasks, ""), 404);
}

#[test]
fn a_key_knows_one_workspace() {
    let server = staffed();
    let second = server.by(&token("owner"), "POST", "/v1/workspaces", r#"{"name": "S", "identifier": "SEC"}"#);
    server.by(&token("owner"), "POST", "/v1/workspaces/2/projects", r#"{"name": "p"}"#);
    let task = server.by(&token("owner"), "POST", "/v1/workspaces/2/tasks", r#"{"title": "s", "project_id": 2}"#);
    assert_eq!((second.int("id"), task.status), (2, 201));
    let (key, _) = key(&server, "owner", r#"["read", "write"]"#);
    assert_eq!(with_key(&server, &key, "GET", "/v1/workspaces/2/tasks", ""), 403);
    assert_eq!(with_key(&server, &key, "GET", &format!("/v1/t/{}", task.text("uid")), ""), 403);
    let chosen = r#"{"workspace_id": 2}"#;
    assert_eq!(with_key(&server, &key, "PUT", "/v1/users/me/preferences/workspace", chosen), 403);
    server.by(&token("owner"), "PUT", "/v1/users/me/preferences/workspace", chosen);
    let get = |path: &str| server.raw("GET", path, &[("X-API-Key", &key)], "");
    assert_eq!(get("/v1/workspaces").column("items", "identifier"), ["DEV"]);
    assert_eq!(get("/v1/workspaces/current").text("identifier"), "DEV");
}

#[test]
fn a_key_ends_with_its_user_its_time_or_its_revocation() {
    let server = staffed();
    let (own, own_id) = key(&server, "member", r#"["read"]"#);
    let (other, other_id) = key(&server, "admin", r#"["read"]"#);
    let revoke =
        |by: &str, id: i64| server.by(&token(by), "DELETE", &format!("/v1/workspaces/1/api-keys/{id}"), "").status;
    let count = |by: &str| server.by(&token(by), "GET", "/v1/workspaces/1/api-keys", "").len("");
    assert_eq!((count("member"), count("admin")), (1, 2));
    assert_eq!((revoke("member", other_id), revoke("admin", own_id), revoke("admin", own_id)), (404, 204, 404));
    assert_eq!(with_key(&server, &own, "GET", "/v1/auth", ""), 401);
    assert_eq!(with_key(&server, &other, "GET", "/v1/auth", ""), 200);
    let database = rusqlite::Connection::open(server.folder.path().join("d.db")).expect("our own file");
    database.execute("UPDATE api_keys SET expires_at = 1000", []).expect("the server's schema");
    assert_eq!(with_key(&server, &other, "GET", "/v1/auth", ""), 401);
    database.execute("UPDATE api_keys SET expires_at = NULL", []).expect("the server's schema");
    assert_eq!(with_key(&server, &other, "GET", "/v1/auth", ""), 200);
    administer(&server.folder, &["user", "remove", "admin"]);
    assert_eq!(with_key(&server, &other, "GET", "/v1/auth", ""), 401);
}

/// To the minute, so that reading is no writing; and what others have in their caches stays good.
#[test]
fn it_is_kept_when_a_key_was_used() {
    let server = staffed();
    let (member, keys) = (token("member"), "/v1/workspaces/1/api-keys");
    let key = server.by(&member, "POST", keys, r#"{"name": "ci"}"#).text("key");
    let headers = [("Authorization", &*format!("Bearer {member}"))];
    let tag =
        |server: &Server| server.raw("GET", "/v1/workspaces/1/tasks", &headers, "").header("ETag").map(str::to_string);
    assert_eq!(server.by(&member, "GET", keys, "").text("0.last_used_at"), "null");
    let before = tag(&server);
    assert_eq!(with_key(&server, &key, "GET", "/v1/workspaces/1/tasks", ""), 200);
    // A write goes through the same queue: afterwards the use is kept.
    let used = || {
        server.by(&member, "PATCH", "/v1/workspaces/1/projects/999", "{}");
        server.by(&member, "GET", keys, "").text("0.last_used_at")
    };
    let first = used();
    assert_ne!(first, "null");
    assert_eq!(tag(&server), before, "nothing that others see has changed");
    for _ in 0..5 {
        assert_eq!(with_key(&server, &key, "GET", "/v1/workspaces/1/tasks", ""), 200);
    }
    assert_eq!(used(), first, "one write a minute");
}

/// Making what is missing is making: not for viewers, and no workspace for a key.
#[test]
fn setting_up_bypasses_no_role() {
    let server = staffed();
    let init = |token: &str| server.by(token, "POST", "/v1/users/init", "");
    assert_eq!(server.by(&token("owner"), "DELETE", "/v1/workspaces/1/projects/1", "").status, 200);
    assert_eq!(init(&token("viewer")).status, 403);
    assert_eq!(server.by(&token("owner"), "GET", "/v1/workspaces/1/projects", "").int("total"), 0);
    let (secret, _) = key(&server, "member", r#"["read", "write"]"#);
    assert_eq!(server.by(&token("owner"), "DELETE", "/v1/workspaces/1/members/member", "").status, 204);
    assert_eq!(with_key(&server, &secret, "POST", "/v1/users/init", ""), 403);
    assert_eq!(server.by(&token("member"), "GET", "/v1/workspaces", "").int("total"), 0);
    assert_eq!(init(&token("member")).text("workspace.identifier"), "PER");
}
