//! The command line, the first start, restarts, imports, and every way not to start.

use crate::harness::*;
use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

fn refused(arguments: &[&str], folder: &Folder) -> (i32, String) {
    let output = run(folder, arguments);
    assert!(output.stdout.is_empty(), "{output:?}");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(message.lines().count(), 1, "{message}");
    (output.status.code().expect("an exit code"), message)
}

#[test]
fn a_first_start_makes_the_workspace_and_a_project() {
    let server = Server::new();
    let workspaces = server.get("/v1/workspaces");
    assert_eq!(
        (workspaces.text("items.0.identifier"), workspaces.text("items.0.name")),
        ("DEV".into(), "development".into())
    );
    let projects = server.get("/v1/workspaces/1/projects");
    assert_eq!((projects.len("items"), projects.text("items.0.status")), (1, "active".into()));
    assert_eq!(server.get("/v1/workspaces/current").int("id"), 1);
    assert_eq!(server.get("/v1/workspaces/1/projects/current").int("id"), 1);
}

#[test]
fn every_token_user_is_a_member() {
    let server =
        Server::with(&["--db", ":memory:", "--token", TOKEN, "--token", "bob=b1", "--token", "bob=anyt_agent_b2"]);
    let members = server.get("/v1/workspaces/1/members");
    let mut users = members.column("items", "user_id");
    users.sort();
    assert_eq!(users, ["bob", "user"]);
    for (header, value) in [("Authorization", "Bearer b1"), ("X-API-Key", "anyt_agent_b2")] {
        assert_eq!(server.raw("GET", "/v1/auth", &[(header, value)], "").text("user_id"), "bob");
    }
}

#[test]
fn a_token_is_made_once_and_printed_once() {
    let mut server = Server::with(&[]);
    let line = server.next_line();
    let token = line.trim().strip_prefix("token: anyt_").map(|rest| format!("anyt_{rest}")).expect("a second line");
    assert!(token.len() > 40, "{token}");
    let bearer = format!("Bearer {token}");
    assert_eq!(server.raw("GET", "/v1/auth", &[("Authorization", &bearer)], "").status, 200);
    let folder = server.kill();
    let database = std::fs::read(folder.path().join("anyt-server.db")).expect("the default database");
    assert!(!database.windows(token.len()).any(|bytes| bytes == token.as_bytes()), "the token itself is not kept");
    let server = Server::start(folder, &[]);
    assert_eq!(server.raw("GET", "/v1/auth", &[("Authorization", &bearer)], "").status, 200);
    let mut server = Server::start(server.kill(), &["--token", TOKEN]);
    assert_eq!(server.get("/v1/auth").status, 200);
    server = Server::start(server.kill(), &[]);
    assert_eq!(server.get("/v1/auth").status, 401, "a token of the command line is good for that run only");
}

#[test]
fn the_database_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::with(&["--db", "d.db", "--token", TOKEN]);
    server.task("a", "");
    for name in ["d.db", "d.db-wal"] {
        let mode = std::fs::metadata(server.folder.path().join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_restart_keeps_everything() {
    let server = Server::with(&["--db", "d.db", "--token", TOKEN, "--workspace", "ops"]);
    server.task("a", r#""labels": ["x"], "description": "é 🎉""#);
    server.call("DELETE", "/v1/workspaces/1/tasks/OPS-1", "");
    server.task("b", "");
    let before = server.get("/v1/workspaces/1/tasks?include_deleted=true");
    let server = Server::start(server.kill(), &["--db", "d.db", "--token", TOKEN]);
    assert_eq!(server.get("/v1/workspaces/1/tasks?include_deleted=true").body, before.body);
    assert_eq!(server.get("/v1/workspaces").len("items"), 1, "no second workspace DEV");
    assert_eq!(server.task("c", "").text("identifier"), "OPS-3", "numbers are not used again");
}

#[test]
fn wrong_usage_is_exit_2() {
    let folder = Folder::new();
    for (arguments, word) in [
        (&["--bogus"][..], "--bogus"),
        (&["--token"], "--token"),
        (&["--token", "bob="], "[USER=]TOKEN"),
        (&["--listen", "nowhere"], "nowhere"),
        (&["--workspace", "D-1"], "D-1"),
        (&["surplus"], "surplus"),
    ] {
        let (code, message) = refused(arguments, &folder);
        assert_eq!(code, 2, "{message}");
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing was made");
}

#[test]
fn a_taken_port_is_exit_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let (code, message) = refused(&["--db", ":memory:", "--listen", &address], &Folder::new());
    assert_eq!(code, 1);
    assert!(message.contains(&address), "{message}");
}

#[test]
fn a_file_that_is_not_ours_is_exit_1_and_untouched() {
    let folder = Folder::new();
    let text = folder.write("notes.txt", &"no database ".repeat(500));
    let (code, message) = refused(&["--db", &text], &folder);
    assert_eq!(code, 1);
    assert!(message.contains("not a database"), "{message}");
    assert_eq!(std::fs::read_to_string(&text).expect("the file"), "no database ".repeat(500));

    let other = folder.path().join("other.db").display().to_string();
    rusqlite::Connection::open(&other).and_then(|db| db.execute_batch("CREATE TABLE t (a)")).expect("a database");
    let (code, message) = refused(&["--db", &other], &folder);
    assert!(code == 1 && message.contains("another program"), "{message}");

    let (code, message) = refused(&["--db", "absent/folder.db"], &folder);
    assert!(code == 1 && message.contains("absent/folder.db"), "{message}");
}

#[test]
fn a_database_of_a_newer_server_is_exit_1() {
    let folder = Server::with(&["--db", "d.db"]).kill();
    let path = folder.path().join("d.db");
    rusqlite::Connection::open(path).and_then(|db| db.execute_batch("PRAGMA user_version = 99")).expect("a database");
    let (code, message) = refused(&["--db", "d.db"], &folder);
    assert_eq!(code, 1);
    assert!(message.contains("newer"), "{message}");
}

#[test]
fn help_and_version_need_nothing() {
    let folder = Folder::new();
    let help = run(&folder, &["--help"]);
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    for flag in ["--listen", "--db", "--token", "--workspace", "--import", "--help", "--version"] {
        assert!(help.contains(flag), "{flag}");
    }
    let version = run(&folder, &["--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), format!("anyt-server {}\n", env!("CARGO_PKG_VERSION")));
}

const LINES: &str = r#"{"number": 7, "title": "a", "description": null, "status": "done", "priority": 2, "labels": ["x", "y"], "owner": "ann", "depends_on": [9], "created_at": "2025-11-02T21:58:07.295058-08:00", "updated_at": "2025-11-03T20:56:22.7-08:00", "completed_at": "2025-11-03T20:56:22Z", "deleted_at": null}
{"number": 9, "title": "b", "status": "inprogress", "created_at": "2025-11-02", "depends_on": [12]}

{"number": 12, "title": "gone", "status": "canceled", "created_at": "2025-11-02", "updated_at": "2025-11-04", "deleted_at": "2025-11-04T00:00:00"}
"#;

#[test]
fn an_import_brings_numbers_times_people_and_tombstones() {
    let folder = Folder::new();
    let file = folder.write("tasks.jsonl", LINES);
    let server = Server::start(folder, &["--db", ":memory:", "--token", TOKEN, "--import", &file]);
    let task = server.get("/v1/workspaces/1/tasks/DEV-7");
    assert_eq!(task.text("created_at"), "2025-11-03T05:58:07.295058Z");
    assert_eq!(task.text("updated_at"), "2025-11-04T04:56:22.700000Z");
    assert_eq!(task.text("completed_at"), "2025-11-03T20:56:22.000000Z");
    assert_eq!((task.text("labels"), task.text("owner_id")), (r#"["x","y"]"#.into(), "ann".into()));
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-9").text("status"), "active");
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-12").status, 404);
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 2);
    assert_eq!(server.get("/v1/workspaces/1/tasks?include_deleted=true").int("total"), 3);
    assert_eq!(server.get("/v1/workspaces/1/dependency-graph").len("edges"), 1, "not the one on a deleted task");
    assert!(server.get("/v1/workspaces/1/members").column("items", "user_id").contains(&"ann".to_string()));
    assert_eq!(server.get("/v1/workspaces/1").int("task_counter"), 12);
    assert_eq!(server.task("next", "").text("identifier"), "DEV-13");
}

#[test]
fn a_bad_line_imports_nothing() {
    let good = r#"{"number": 1, "title": "a", "created_at": "2025-11-02"}"#;
    for (bad, word) in [
        ("{", "JSON"),
        (r#"{"number": 1, "title": "again", "created_at": "2025-11-02"}"#, "number 1"),
        (r#"{"number": 2, "title": " ", "created_at": "2025-11-02"}"#, "title"),
        (r#"{"number": 2, "title": "b", "created_at": "soon"}"#, "soon"),
        (r#"{"number": 2, "title": "b", "created_at": "2025-11-02", "status": "later"}"#, "later"),
        (r#"{"number": 2, "title": "b", "created_at": "2025-11-02", "priority": 3}"#, "priority"),
        (r#"{"number": 2, "title": "b", "created_at": "2025-11-02", "depends_on": [5]}"#, "5"),
        (r#"{"number": 2, "title": "b", "created_at": "2025-11-02", "depends_on": [2]}"#, "itself"),
    ] {
        let folder = Folder::new();
        let file = folder.write("tasks.jsonl", &format!("{good}\n{bad}\n"));
        let (code, message) = refused(&["--db", "d.db", "--import", &file], &folder);
        assert_eq!(code, 1);
        assert!(message.contains("line 2") && message.contains(word), "{message}");
        let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
        assert_eq!(server.get("/v1/workspaces/1/tasks?include_deleted=true").int("total"), 0, "{bad}");
    }
}

/// The token of a fresh database is printed once; a first start that fails at its import must not swallow it.
#[test]
fn a_bad_import_does_not_lock_the_door() {
    for line in ["{", "nope"] {
        let folder = Folder::new();
        let file = if line == "{" { folder.write("tasks.jsonl", line) } else { "nope".to_string() };
        refused(&["--db", "d.db", "--import", &file], &folder);
        let mut server = Server::start(folder, &["--db", "d.db"]);
        assert!(server.next_line().contains("token: anyt_"), "{line}: the token was never printed");
    }
}

#[test]
fn an_import_into_a_used_workspace_is_refused() {
    let server = Server::with(&["--db", "d.db", "--token", TOKEN]);
    server.task("a", "");
    let folder = server.kill();
    let file = folder.write("tasks.jsonl", LINES);
    let (code, message) = refused(&["--db", "d.db", "--import", &file], &folder);
    assert!(code == 1 && message.contains("has tasks already"), "{message}");
}

/// The backlog next to the repository, or where ANYT_TEST_DATA says.
fn backlog() -> Option<Vec<u8>> {
    let data = std::env::var("ANYT_TEST_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data").to_string());
    let file = std::path::Path::new(&data).join("backlog.jsonl.gz");
    if !file.exists() {
        // Past the capture of the test harness: a test is never skipped in silence.
        let _ = writeln!(std::io::stderr(), "skipped: the real backlog, {} is not there", file.display());
        return None;
    }
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(&file).output().expect("gzip runs");
    assert!(unpacked.status.success());
    Some(unpacked.stdout)
}

#[test]
fn the_real_backlog_arrives_whole_through_standard_input() {
    let Some(lines) = backlog() else { return };
    let folder = Folder::new();
    let mut feeder = command(&folder, &["--db", "d.db", "--import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("anyt-server starts");
    feeder.stdin.take().expect("a pipe").write_all(&lines).expect("it reads all lines");
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(feeder.stdout.take().expect("a pipe")), &mut first)
        .expect("its first line");
    feeder.kill().and_then(|()| feeder.wait()).expect("it was running");

    let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
    let count = |query: &str| server.get(&format!("/v1/workspaces/1/tasks?limit=1&{query}")).int("total");
    assert_eq!(count(""), 2_403);
    assert_eq!(count("include_deleted=true"), 5_722);
    for limit in [100, 97] {
        let mut seen = std::collections::BTreeSet::new();
        for offset in (0..5_722).step_by(limit) {
            let path = format!(
                "/v1/workspaces/1/tasks?include_deleted=true&sort_by=updated_at&order=asc&limit={limit}&offset={offset}"
            );
            seen.extend(server.get(&path).column("items", "identifier"));
        }
        assert_eq!(seen.len(), 5_722, "pages of {limit} neither skip nor repeat");
    }
    assert_eq!(server.get("/v1/workspaces/1").int("task_counter"), 5_722);
}
