//! Users and tokens, given and taken while the server runs; tokens from files and the environment.

use crate::harness::*;
use std::io::{Read, Write};

fn served() -> Server {
    Server::with(&["--db", "d.db", "--token", TOKEN])
}

fn status(server: &Server, token: &str) -> u16 {
    server.by(token, "GET", "/v1/workspaces/1", "").status
}

#[test]
fn a_user_gets_a_token_and_loses_it_while_the_server_runs() {
    let server = served();
    let folder = &server.folder;
    assert!(administer_in_vain(folder, &["token", "create", "ann"]).contains("anyt-server user add ann"));
    assert_eq!(administer(folder, &["user", "add", "ann"]), "ann is member of DEV\n");
    let made = administer(folder, &["token", "create", "ann", "--name", "laptop"]);
    let token = made.trim();
    assert!(token.starts_with("anyt_") && token.len() > 40 && made.lines().count() == 1, "{made}");
    assert_eq!((status(&server, token), status(&server, &token[1..])), (200, 401));
    assert_eq!(server.by(token, "GET", "/v1/auth", "").text("user_id"), "ann");

    let list = administer(folder, &["token", "list"]);
    assert!(list.contains("laptop") && list.contains("good") && list.contains(&token[..12]), "{list}");
    assert!(!list.contains(&token[..14]), "only its first letters: {list}");
    let other = administer(folder, &["token", "create", "ann"]);
    assert_eq!(administer(folder, &["token", "revoke", "1"]), "token 1 of ann is good for nothing now\n");
    assert_eq!((status(&server, token), status(&server, other.trim())), (401, 200), "one token, not the other");
    assert!(administer(folder, &["token", "list"]).contains("revoked"));
    assert!(administer_in_vain(folder, &["token", "revoke", "9"]).contains("no token 9"));
    let wrong = admin(folder, &["token", "revoke", other.trim()]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains(other.trim()), "a token is not repeated");

    let bytes: Vec<u8> = ["d.db", "d.db-wal", "log"]
        .iter()
        .flat_map(|name| std::fs::read(folder.path().join(name)).unwrap_or_default())
        .collect();
    for secret in [token, other.trim()] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "only a digest is kept");
    }
}

#[test]
fn a_token_ends_when_it_was_said_to() {
    let server = served();
    let folder = &server.folder;
    administer(folder, &["user", "add", "ann"]);
    let token = administer(folder, &["token", "create", "ann", "--expires", "2d"]);
    assert_eq!(status(&server, token.trim()), 200);
    let far = administer(folder, &["token", "create", "ann", "--expires", "2999-01-31"]);
    assert!(administer(folder, &["token", "list"]).contains("2999-01-31 00:00"));
    let database = rusqlite::Connection::open(folder.path().join("d.db")).expect("our own file");
    database.execute("UPDATE tokens SET expires_at = 1000 WHERE id = 1", []).expect("the server's schema");
    assert_eq!((status(&server, token.trim()), status(&server, far.trim())), (401, 200));
    assert!(administer(folder, &["token", "list"]).contains("expired"));
    for wrong in ["2001-01-31", "soon", "90", "-1d"] {
        assert_eq!(admin(folder, &["token", "create", "ann", "--expires", wrong]).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn a_removed_user_is_shut_out_and_what_it_wrote_stays() {
    let arguments = ["--db", "d.db", "--token", TOKEN, "--token", "bob=bobs_own_token"];
    let server = Server::with(&arguments);
    let folder = &server.folder;
    let token = administer(folder, &["token", "create", "bob"]);
    let task = server.by("bobs_own_token", "POST", "/v1/workspaces/1/tasks", r#"{"title": "b", "project_id": 1}"#);
    assert_eq!((task.status, status(&server, token.trim())), (201, 200));
    administer(folder, &["user", "remove", "bob"]);
    assert_eq!((status(&server, token.trim()), status(&server, "bobs_own_token")), (401, 401));
    assert_eq!(server.get("/v1/workspaces/1/members").column("items", "user_id"), ["user"]);
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-1").text("creator_id"), "bob");
    assert!(administer_in_vain(folder, &["user", "remove", "bob"]).contains("already"));

    let server = Server::start(server.kill(), &arguments);
    assert_eq!(status(&server, "bobs_own_token"), 401, "also after a restart that names it");
    assert!(server.log().contains("bob was removed"), "{}", server.log());
    assert_eq!(administer(&server.folder, &["user", "add", "bob", "--role", "viewer"]), "bob is viewer of DEV\n");
    assert_eq!((status(&server, "bobs_own_token"), status(&server, token.trim())), (200, 401));
}

/// Seen: a restart with --token made a member again who had been removed from the workspace.
#[test]
fn a_removed_member_stays_removed() {
    let arguments = ["--db", "d.db", "--token", TOKEN, "--token", "bob=bobs_own_token"];
    let server = Server::with(&arguments);
    assert_eq!(status(&server, "bobs_own_token"), 200);
    assert_eq!(server.call("DELETE", "/v1/workspaces/1/members/bob", "").status, 204);
    assert_eq!(status(&server, "bobs_own_token"), 404);
    let server = Server::start(server.kill(), &arguments);
    assert_eq!(status(&server, "bobs_own_token"), 404);
    assert_eq!(server.by("bobs_own_token", "GET", "/v1/auth", "").status, 200, "it is a user all the same");
    assert_eq!(server.call("POST", "/v1/workspaces/1/members", r#"{"user_id": "bob"}"#).text("role"), "member");
    let server = Server::start(server.kill(), &arguments);
    assert_eq!(status(&server, "bobs_own_token"), 200);
}

#[test]
fn a_workspace_with_members_keeps_an_owner() {
    let server = Server::with(&["--db", "d.db", "--token", TOKEN, "--token", "bob=bobs_own_token"]);
    let folder = &server.folder;
    assert!(administer_in_vain(folder, &["user", "remove", "user"]).contains("last owner of DEV"));
    assert!(administer_in_vain(folder, &["user", "add", "user", "--role", "viewer"]).contains("last owner"));
    administer(folder, &["user", "add", "bob", "--role", "owner"]);
    administer(folder, &["user", "remove", "user"]);
    let workspace = server.by("bobs_own_token", "GET", "/v1/workspaces/1", "");
    assert_eq!(workspace.text("owner_id"), "bob");
    let list = administer(folder, &["user", "list"]);
    assert!(list.lines().any(|line| line.starts_with("bob") && line.ends_with("DEV:owner")), "{list}");
}

#[test]
fn a_first_user_owns_the_workspace_of_a_server_without_tokens() {
    let mut server = Server::with(&["--db", "d.db", "--no-token"]);
    assert_eq!(administer(&server.folder, &["user", "add", "ann"]), "ann is owner of DEV\n");
    assert_eq!(administer(&server.folder, &["user", "add", "bob", "--workspace", "ops"]), "bob is owner of OPS\n");
    let token = administer(&server.folder, &["token", "create", "ann"]);
    assert_eq!(server.by(token.trim(), "POST", "/v1/users/init", "").text("workspace.identifier"), "DEV");
    assert_eq!(server.by(token.trim(), "GET", "/v1/workspaces", "").column("items", "identifier"), ["DEV"]);
    server.signal(rustix::process::Signal::KILL);
    assert_eq!(server.next_line(), "", "it printed no token");
}

#[test]
fn tokens_come_from_a_file_and_the_environment() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let file = folder.write("tokens", "# people\nann=anns_token_0123456789\n\n  0123456789abcdefghij\n");
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("our own file");
    let arguments = ["--db", "d.db", "--token-file", "tokens"];
    mode(0o644);
    let refused = run(&folder, &arguments);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("chmod 600"), "{refused:?}");
    mode(0o600);
    let mut command = command(&folder, &arguments);
    command.env("ANYT_SERVER_TOKEN", "bob=bobs_token_0123456789 eve=eves_token_0123456789");
    let server = Server::start_as(folder, command);
    for (token, user) in [
        ("anns_token_0123456789", "ann"),
        ("0123456789abcdefghij", "user"),
        ("bobs_token_0123456789", "bob"),
        ("eves_token_0123456789", "eve"),
    ] {
        assert_eq!(server.by(token, "GET", "/v1/auth", "").text("user_id"), user);
    }
    let folder = server.kill();
    for short in ["ann=short", "nineteen_characters"] {
        folder.write("tokens", short);
        let refused = run(&folder, &arguments);
        let message = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{message}");
        assert!(message.contains("20 characters") && !message.contains(short), "{message}");
    }
}

#[test]
fn administration_needs_a_database_that_is_there() {
    let folder = Folder::new();
    for arguments in [&["user", "list"][..], &["token", "list"], &["backup", "b"], &["export", "-"], &["check"]] {
        assert!(administer_in_vain(&folder, arguments).contains("d.db"), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing was made");
    assert_eq!(admin(&folder, &["--db", ":memory:", "user", "list"]).status.code(), Some(2));
}

#[test]
fn listening_to_others_without_tls_is_called_what_it_is() {
    let mut open = std::process::Command::new(env!("CARGO_BIN_EXE_anyt-server"));
    let folder = Folder::new();
    open.args(["--listen", "0.0.0.0:0", "--db", "d.db", "--token", "bob=20_characters_long__"]);
    open.current_dir(folder.path());
    let server = Server::start_as(folder, open);
    let log = server.log();
    assert!(log.contains("without") || log.contains("plain HTTP"), "{log}");
    assert!(log.contains("reads every token") && log.contains("TLS proxy"), "{log}");
    let refused = run(&Folder::new(), &["--listen", "0.0.0.0:0", "--db", "d.db", "--token", "short"]);
    assert_eq!(refused.status.code(), Some(2));
}

/// A body may take a minute to arrive. What was good at its head and is not at its end changes nothing.
#[test]
fn a_token_that_is_taken_while_a_body_arrives_is_good_for_nothing() {
    let server = served();
    let folder = &server.folder;
    administer(folder, &["user", "add", "ann"]);
    for (number, take) in [&["token", "revoke", "1"][..], &["user", "remove", "ann"]].iter().enumerate() {
        let token = administer(folder, &["token", "create", "ann"]);
        let body = format!(r#"{{"title": "late {number}", "project_id": 1}}"#);
        let (start, rest) = body.split_at(10);
        let mut stream = server.connect();
        let head = format!(
            "POST /v1/workspaces/1/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            token.trim(),
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a head");
        let mut told = [0; 25];
        stream.read_exact(&mut told).expect("it was admitted");
        assert!(told.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&told));
        stream.write_all(start.as_bytes()).expect("half a body");
        administer(folder, take);
        stream.write_all(rest.as_bytes()).expect("the rest");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 0);
}
