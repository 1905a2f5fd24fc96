//! The data outlives what happens to it: deletions, upgrades, damage, full disks, two servers, and those who restore.

use crate::harness::*;
use std::path::Path;

fn served() -> Server {
    Server::with(&["--db", "d.db", "--token", TOKEN])
}

/// Something of every kind.
fn fill(server: &Server) {
    for number in 0..30 {
        server.task(&format!("task {number} é 🎉"), r#""labels": ["x", "y"], "estimate": 2.5, "description": "long""#);
    }
    server.call("POST", "/v1/workspaces/1/tasks/DEV-2/dependencies", r#"{"depends_on": [1]}"#);
    server.call("POST", "/v1/workspaces/1/tasks/DEV-1/comments", r#"{"content": "a comment"}"#);
    server.call("PATCH", "/v1/workspaces/1/labels/1", r##"{"color": "#ff0000"}"##);
    server.call("POST", "/v1/workspaces/1/members", r#"{"user_id": "ann", "role": "viewer"}"#);
    server.call("POST", "/v1/workspaces/1/projects", r#"{"name": "Second"}"#);
    server.patch("DEV-3", r#"{"implementation_plan": "first this, then that"}"#);
    server.call("DELETE", "/v1/workspaces/1/tasks/DEV-4", "");
}

/// What clients can see of it.
fn seen(server: &Server) -> String {
    [
        "tasks?include_deleted=true&limit=100",
        "labels",
        "members",
        "projects",
        "tasks/DEV-1/comments",
        "dependency-graph",
    ]
    .map(|path| server.get(&format!("/v1/workspaces/1/{path}")).body)
    .join("\n")
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).expect("a file").permissions()) & 0o777
}

#[test]
fn a_deleted_workspace_comes_back() {
    let server = served();
    fill(&server);
    let before = seen(&server);
    assert!(administer_in_vain(&server.folder, &["restore", "workspace", "DEV"]).contains("not deleted"));
    assert_eq!(server.call("DELETE", "/v1/workspaces/1", "").status, 204);
    assert_eq!(server.get("/v1/workspaces/1").status, 404);
    assert_eq!(administer(&server.folder, &["restore", "workspace", "dev"]), "workspace DEV is back\n");
    assert_eq!(seen(&server), before);
    assert!(administer_in_vain(&server.folder, &["restore", "workspace", "nope"]).contains("NOPE"));
}

#[test]
fn a_deleted_project_comes_back_with_its_tasks_and_no_others() {
    let server = served();
    for title in ["stays", "goes before", "goes with it"] {
        server.task(title, "");
    }
    server.call("DELETE", "/v1/workspaces/1/tasks/DEV-2", "");
    server.call("DELETE", "/v1/workspaces/1/projects/1", "");
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("total"), 0);
    let words = administer(&server.folder, &["restore", "project", "development", "--workspace", "DEV"]);
    assert_eq!(words, "project 1 (development) of DEV is back, with 2 of its tasks\n");
    assert_eq!(server.get("/v1/workspaces/1/tasks?sort_by=id&order=asc").titles(), "stays goes with it");
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-1").int("version"), 3, "deleted and restored");
    assert!(administer_in_vain(&server.folder, &["restore", "project", "1"]).contains("no deleted project"));

    for _ in 0..2 {
        let made = server.call("POST", "/v1/workspaces/1/projects", r#"{"name": "twin"}"#);
        server.call("DELETE", &format!("/v1/workspaces/1/projects/{}", made.int("id")), "");
    }
    assert!(administer_in_vain(&server.folder, &["restore", "project", "twin"]).contains("2 (twin, in DEV), 3 (twin"));
    assert!(administer(&server.folder, &["restore", "project", "3"]).contains("project 3"));
}

/// Seen: the next start exited with "DEV is taken", or made every --token user a member of somebody's private workspace.
#[test]
fn after_deleting_the_workspace_the_next_start_works_and_opens_no_private_one() {
    let private = r#"{"name": "Private", "identifier": "PER"}"#;
    for arguments in
        [&["--db", "d.db", "--token", TOKEN][..], &["--db", "d.db", "--token", TOKEN, "--workspace", "DEV"]]
    {
        for has_private in [false, true] {
            let server = Server::with(arguments);
            if has_private {
                assert_eq!(server.call("POST", "/v1/workspaces", private).status, 201);
            }
            assert_eq!(server.call("DELETE", "/v1/workspaces/1", "").status, 204);
            let more = [arguments, &["--token", "bob=bobs_own_token"]].concat();
            let server = Server::start(server.kill(), &more);
            assert_eq!(server.get("/v1/workspaces").int("total"), i64::from(has_private));
            assert_eq!(server.by("bobs_own_token", "GET", "/v1/workspaces", "").int("total"), 0);
            assert!(server.log().contains("restore workspace"), "{}", server.log());
            administer(&server.folder, &["restore", "workspace", "DEV"]);
            let server = Server::start(server.kill(), &more);
            let bobs = server.by("bobs_own_token", "GET", "/v1/workspaces", "");
            assert_eq!(bobs.column("items", "identifier"), ["DEV"]);
        }
    }
}

#[test]
fn a_backup_under_load_is_whole_private_and_comes_back() {
    let server = served();
    fill(&server);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut count = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                server.task("while it is copied", "");
                count += 1;
            }
            count
        });
        for number in 0..5 {
            let name = format!("b{number}");
            let words = administer(&server.folder, &["backup", &name]);
            assert!(words.contains("verified"), "{words}");
            assert_eq!(mode(&server.folder.path().join(&name)), 0o600);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(writer.join().expect("it wrote") > 0);
    });
    assert!(administer_in_vain(&server.folder, &["backup", "b0"]).contains("exists already"));
    let before = seen(&server);
    administer(&server.folder, &["backup", "last"]);
    server.task("after the backup", "");

    assert!(administer_in_vain(&server.folder, &["restore", "backup", "last"]).contains("another anyt-server has it"));
    let folder = server.kill();
    let words = administer(&folder, &["restore", "backup", "last"]);
    assert!(words.contains("d.db.replaced-1"), "{words}");
    let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
    assert_eq!(seen(&server), before);
    assert_eq!(mode(&server.folder.path().join("d.db")), 0o600);
    let folder = server.kill();
    administer(&folder, &["--db", "d.db.replaced-1", "check"]);
    let server = Server::start(folder, &["--db", "d.db.replaced-1", "--token", TOKEN]);
    assert!(server.get("/v1/workspaces/1/tasks?limit=100&sort_by=id&order=desc").titles().contains("after the backup"));
}

#[test]
fn what_is_no_backup_takes_no_place() {
    let server = served();
    fill(&server);
    let before = seen(&server);
    administer(&server.folder, &["backup", "b"]);
    let folder = server.kill();
    let whole = std::fs::read(folder.path().join("b")).expect("the backup");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2 / 4096 * 4096;
    damaged[middle..middle + 4096].fill(0x5a);
    std::fs::write(folder.path().join("damaged"), &damaged).expect("our own folder");
    std::fs::write(folder.path().join("half"), &whole[..whole.len() / 2]).expect("our own folder");
    folder.write("text", "no database");
    for name in ["damaged", "half", "text", "absent"] {
        administer_in_vain(&folder, &["restore", "backup", name]);
    }
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains(".part")), "{names:?}");
    assert_eq!(seen(&Server::start(folder, &["--db", "d.db", "--token", TOKEN])), before);
}

/// Every row of every table, through a file and through pipes, and on into a server.
#[test]
fn an_export_loses_nothing() {
    let server = served();
    fill(&server);
    administer(&server.folder, &["token", "create", "user"]);
    let before = seen(&server);
    administer(&server.folder, &["export", "e.jsonl"]);
    let text = administer(&server.folder, &["export", "-"]);
    assert_eq!(text, std::fs::read_to_string(server.folder.path().join("e.jsonl")).expect("the export"));
    assert_eq!(mode(&server.folder.path().join("e.jsonl")), 0o600);
    let head = text.lines().next().expect("a first line");
    assert!(head.contains("anyt_server_export"), "{head}");
    assert!(administer_in_vain(&server.folder, &["import", "e.jsonl"]).contains("another anyt-server has it"));

    let folder = server.kill();
    assert!(administer_in_vain(&folder, &["import", "e.jsonl"]).contains("exists already"));
    administer(&folder, &["--db", "new.db", "import", "e.jsonl"]);
    assert_eq!(mode(&folder.path().join("new.db")), 0o600);
    assert_eq!(administer(&folder, &["--db", "new.db", "export", "-"]), text);
    let server = Server::start(folder, &["--db", "new.db", "--token", TOKEN]);
    assert_eq!(seen(&server), before);
    assert_eq!(server.task("next", "").text("identifier"), "DEV-31");
    let folder = server.kill();
    let half: String = text.lines().take(20).map(|line| format!("{line}\n")).collect();
    folder.write("half.jsonl", &half);
    let words = administer_in_vain(&folder, &["--db", "other.db", "import", "half.jsonl"]);
    assert!(words.contains("cut off"), "{words}");
    assert!(!folder.path().join("other.db").exists(), "a failed import leaves no database");
}

/// Schema 1 as the server of that time has left it. A step for a later schema adds a file to tests/server/data.
fn old(version: i64, folder: &Folder) {
    let path = format!("{}/tests/server/data/schema-{version}.sql", env!("CARGO_MANIFEST_DIR"));
    let sql = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{path} is missing"));
    let database = rusqlite::Connection::open(folder.path().join("d.db")).expect("our own folder");
    database.execute_batch(&sql).expect("SQL of the fixture");
}

#[test]
fn a_database_of_schema_1_is_brought_up_to_date() {
    let folder = Folder::new();
    old(1, &folder);
    let key = [("X-API-Key", "anyt_31e09a472d73f1d554780c329a15126ed3f6f79a06d543f8")];
    for arguments in [&["user", "list"][..], &["token", "list"], &["user", "add", "ann"]] {
        assert!(administer_in_vain(&folder, arguments).contains("the server upgrades it when it starts"));
    }
    administer(&folder, &["backup", "before"]);
    administer(&folder, &["export", "before.jsonl"]);

    let server = Server::start(folder, &["--db", "d.db"]);
    let get = |path: &str| server.raw("GET", path, &key, "");
    assert_eq!(get("/v1/auth").text("user_id"), "user", "the token of the first start is good");
    let members = get("/v1/workspaces/1/members");
    assert_eq!(members.column("items", "user_id"), ["user", "ann", "bob", "eve", "odd"]);
    assert_eq!(members.column("items", "role"), ["owner", "admin", "member", "viewer", "member"]);
    let task = get("/v1/workspaces/1/tasks/DEV-1");
    assert_eq!((task.text("title"), task.text("labels")), ("old é 🎉".into(), r#"["x","y"]"#.into()));
    assert_eq!(get("/v1/workspaces/1/tasks/DEV-1/comments").text("comments.0.content"), "a comment");
    assert_eq!(get("/v1/workspaces/1/labels/1").text("color"), "#ff0000");
    assert_eq!(get("/v1/workspaces").column("items", "identifier"), ["DEV", "PER"]);
    assert!(administer(&server.folder, &["token", "list"]).contains("first start"));
    let seen = get("/v1/workspaces/1/tasks?include_deleted=true").body;

    // An old export and an old backup lead to the same.
    let folder = server.kill();
    administer(&folder, &["--db", "imported.db", "import", "before.jsonl"]);
    administer(&folder, &["restore", "backup", "before"]);
    let mut folder = folder;
    for name in ["imported.db", "d.db"] {
        let server = Server::start(folder, &["--db", name]);
        assert_eq!(server.raw("GET", "/v1/workspaces/1/tasks?include_deleted=true", &key, "").body, seen, "{name}");
        folder = server.kill();
    }
}

/// What schema 5 did not count or keep: carriers of labels, the use of keys.
#[test]
fn a_database_of_schema_5_is_brought_up_to_date() {
    let folder = Folder::new();
    old(5, &folder);
    administer(&folder, &["export", "before.jsonl"]);
    administer(&folder, &["--db", "imported.db", "import", "before.jsonl"]);
    let mut folder = folder;
    for name in ["d.db", "imported.db"] {
        let server = Server::start(folder, &["--db", name, "--no-token"]);
        let key = [("X-API-Key", "anyt_agent_0af892562e02a4010df5b9a0ab82cbf5092edeacf6998bf6")];
        let get = |path: &str| server.raw("GET", &format!("/v1/workspaces/1/{path}"), &key, "");
        for (query, total) in
            [("labels=x", 2), ("labels=y", 1), ("labels=x&status=todo", 1), ("labels=x&include_deleted=true", 3)]
        {
            let list = get(&format!("tasks?{query}"));
            assert_eq!((list.int("total"), list.len("items")), (total, total as usize), "{query}");
        }
        for (path, text) in [("tasks/DEV-1/comments", "a comment"), ("goals", "a goal"), ("tasks/DEV-1", "a plan")] {
            assert!(get(path).body.contains(text), "{path}");
        }
        folder = server.end(rustix::process::Signal::TERM);
        let used = rusqlite::Connection::open(folder.path().join(name)).expect("our own file");
        let used: Option<i64> = used.query_row("SELECT last_used_at FROM api_keys", [], |row| row.get(0)).expect("SQL");
        assert!(used.is_some(), "the key was used");
    }
}

/// An older server holds no lock of ours; what it has open is not changed under it.
#[test]
fn an_upgrade_needs_the_database_alone() {
    let folder = Folder::new();
    old(1, &folder);
    let other = rusqlite::Connection::open(folder.path().join("d.db")).expect("our own file");
    other.execute_batch("PRAGMA journal_mode = WAL; SELECT count(*) FROM tasks").expect("SQL");
    let refused = run(&folder, &["--db", "d.db"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("needs it alone"), "{refused:?}");
    let version: i64 = other.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("SQL");
    assert_eq!(version, 1);
    drop(other);
    Server::start(folder, &["--db", "d.db"]);
}

#[test]
fn two_servers_on_one_file_are_refused() {
    let server = served();
    std::os::unix::fs::symlink("d.db", server.folder.path().join("link.db")).expect("our own folder");
    for name in ["d.db", "./d.db", "link.db"] {
        let refused = run(&server.folder, &["--db", name, "--token", TOKEN]);
        let message = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{message}");
        assert!(message.contains("another anyt-server has it, process"), "{message}");
    }
    assert_eq!(server.task("still", "").status, 201);
    let folder = server.kill();
    Server::start(folder, &["--db", "link.db", "--token", TOKEN]);
}

#[test]
fn a_damaged_database_is_not_served() {
    let server = served();
    fill(&server);
    administer(&server.folder, &["check"]);
    administer(&server.folder, &["backup", "b"]);
    let folder = server.kill();
    administer(&folder, &["restore", "backup", "b"]);
    let path = folder.path().join("d.db");
    let mut bytes = std::fs::read(&path).expect("the database");
    let tasks = bytes.windows(6).position(|part| part == b"task 7").expect("a task") / 4096 * 4096;
    bytes[tasks..tasks + 200].fill(0x5a);
    std::fs::write(&path, &bytes).expect("our own file");
    let refused = run(&folder, &["--db", "d.db", "--token", TOKEN]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("damaged"), "{refused:?}");
    assert!(administer_in_vain(&folder, &["check"]).contains("damaged"));
    administer(&folder, &["restore", "backup", "b"]);
    Server::start(folder, &["--db", "d.db", "--token", TOKEN]);
}

/// A disk of 4 MiB with the database and the log on it, most of which is taken until the file `go` appears.
const SMALL_DISK: &str = "mkdir full && mount -t tmpfs -o size=4m none full && cd full && head -c 2500000 /dev/zero >taken \
    && { (while [ ! -e ../go ]; do sleep 0.02; done; rm taken) & exec \"$0\" \"$@\" 2>log; }";

#[test]
fn a_full_disk_refuses_writes_loses_nothing_and_passes() {
    let may_mount = std::process::Command::new("unshare").args(["-rm", "true"]).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        // Past the capture of the test harness: a test is never skipped in silence.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: a full disk, nobody may mount one here\n");
        return;
    }
    let quoted = SMALL_DISK.replace('\'', "'\\''");
    let server = Server::in_shell(&format!("exec unshare -rm sh -c '{quoted}' \"$0\" \"$@\""));
    let body = format!(r#"{{"title": "a", "project_id": 1, "description": "{}"}}"#, "x".repeat(30_000));
    let create = || server.call("POST", "/v1/workspaces/1/tasks", &body);
    let mut kept = 0;
    let refused = loop {
        let reply = create();
        if reply.status != 201 {
            break reply;
        }
        kept += 1;
        assert!(kept < 1_000, "the disk was never full");
    };
    assert_eq!(refused.status, 507, "{}", refused.body);
    for _ in 0..20 {
        create();
    }
    let present = server.get("/v1/workspaces/1/tasks").int("total");
    assert!(present >= kept, "{kept} were answered, {present} are there");
    server.folder.write("go", "");
    let deadline = std::time::Instant::now() + PATIENCE;
    while create().status != 201 {
        assert!(std::time::Instant::now() < deadline, "there is room again");
    }
    assert!(server.get("/v1/workspaces/1/tasks").int("total") > present);
}

/// No half a backup stays behind, and the next one has its name.
#[test]
fn a_backup_that_does_not_fit_leaves_nothing() {
    let server = served();
    fill(&server);
    let script = "trap '' XFSZ; ulimit -f 20; exec \"$0\" --db d.db backup b";
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_anyt-server")])
        .current_dir(server.folder.path())
        .output()
        .expect("sh runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!server.folder.path().join("b").exists() && !server.folder.path().join("b.part").exists());
    administer(&server.folder, &["backup", "b"]);
}
