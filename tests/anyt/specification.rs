//! Each line of the specification's "Local Cache" and "Acceptance Criteria", in its words above the test that has its name.
//! Its transcripts, character by character, are in `transcripts`.

use crate::common::faults::{What, When};
use crate::common::json::{self, Look};
use crate::common::{ALICE, Dispute, Exit, Sandbox, Server};
use crate::credentials_store::desktop::Desktop;
use rusqlite::Connection;

fn cache(sandbox: &Sandbox) -> Connection {
    Connection::open(sandbox.cache_db()).expect("the cache is there")
}

/// The first column of the first row.
fn one(sandbox: &Sandbox, sql: &str) -> String {
    let value: rusqlite::types::Value = cache(sandbox).query_row(sql, [], |row| row.get(0)).expect(sql);
    match value {
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// A server that has one of everything, and somebody whose cache was filled from it.
fn mirrored() -> Dispute {
    let dispute = Dispute::about(2);
    dispute.alice.write("work/note.txt", "what it left");
    for args in [
        &["task", "dep", "add", "DEV-1", "--on", "DEV-2"][..],
        &["label", "create", "bug", "--color-code", "#d73a4a"],
        &["attempt", "start", "DEV-1", "--notes", "first try"],
        &["artifact", "add", "DEV-1", "note.txt", "--type", "log"],
        &["attempt", "finish", "DEV-1", "--failure", "test_fail", "--cost-tokens", "12"],
    ] {
        dispute.alice.anyt(args).ok();
    }
    std::fs::remove_dir_all(dispute.alice.path("cache/anyt")).expect("it is ours");
    dispute.sync(&[]).ok();
    dispute
}

/// "Tasks, projects, workspaces"
#[test]
fn local_cache_tasks_projects_workspaces() {
    let dispute = mirrored();
    let sql = "SELECT t.identifier || ' ' || t.title || ' ' || t.status || ' v' || t.version || ' in ' || p.name || ' of ' || \
               w.identifier FROM tasks t JOIN projects p ON p.id = t.project_id JOIN workspaces w ON w.id = t.workspace_id \
               WHERE t.identifier = 'DEV-2'";
    let project = dispute.alice.anyt(&["project", "list", "--json"]).ok().json().text("data.items.0.name").to_string();
    assert_eq!(one(&dispute.alice, sql), format!("DEV-2 Task 2 backlog v1 in {project} of DEV"));
}

/// "Task dependencies"
#[test]
fn local_cache_task_dependencies() {
    let dispute = mirrored();
    let sql = "SELECT t.identifier || ' on ' || n.identifier FROM task_dependencies d JOIN tasks t ON t.id = d.task_id \
               JOIN tasks n ON n.id = d.depends_on_id";
    assert_eq!(one(&dispute.alice, sql), "DEV-1 on DEV-2");
}

/// "Attempts and artifacts"
#[test]
fn local_cache_attempts_and_artifacts() {
    let dispute = mirrored();
    let sql = "SELECT a.status || ' ' || a.failure_type || ' ' || a.cost_tokens || ' at ' || t.identifier || ' left ' || \
               f.type FROM attempts a JOIN tasks t ON t.id = a.task_id JOIN artifacts f ON f.attempt_id = a.id";
    assert_eq!(one(&dispute.alice, sql), "failed test_fail 12 at DEV-1 left log");
}

/// "Workspace members"
#[test]
fn local_cache_workspace_members() {
    let dispute = mirrored();
    assert_eq!(
        one(&dispute.alice, "SELECT group_concat(user_id) FROM (SELECT user_id FROM members ORDER BY 1)"),
        "alice,bob"
    );
}

/// "Labels"
#[test]
fn local_cache_labels() {
    let dispute = mirrored();
    assert_eq!(one(&dispute.alice, "SELECT name || ' ' || color FROM labels"), "bug #d73a4a");
}

/// "SQLite cache database created at `~/.cache/anyt/<env>/cache.db`"
#[test]
fn acceptance_cache_database_created_at_its_place() {
    let server = Server::start();
    let sandbox = Sandbox::new();
    ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"].iter().for_each(|name| sandbox.set_env(name, ""));
    sandbox.sign_in(&server);
    sandbox.anyt(&["sync"]).ok();
    let bytes = std::fs::read(sandbox.path("home/.cache/anyt/dev/cache.db")).expect("it is there");
    assert!(bytes.starts_with(b"SQLite format 3\0"));
}

/// The tables of the specification's "Cache Schema" with their columns, as they stand there.
const SCHEMA: [(&str, &str); 8] = [
    ("workspaces", "id identifier name description created_at updated_at synced_at"),
    ("projects", "id workspace_id name description status created_at updated_at synced_at"),
    (
        "tasks",
        "id project_id workspace_id identifier title description status priority assignee_id version created_at updated_at \
         synced_at",
    ),
    ("task_dependencies", "id task_id depends_on_id created_at synced_at"),
    ("attempts", "id task_id status failure_type cost_tokens wall_clock_ms created_at updated_at synced_at"),
    ("sync_queue", "id operation entity_type entity_id remote_id payload created_at synced synced_at error"),
    ("sync_log", "id direction synced_at changes conflicts errors"),
    ("sync_metadata", "key value"),
];

/// "Cache schema includes all core entities (tasks, projects, workspaces, etc.)"
#[test]
fn acceptance_cache_schema_includes_all_core_entities() {
    let dispute = Dispute::about(1);
    let db = cache(&dispute.alice);
    for (table, columns) in SCHEMA {
        let mut query = db.prepare("SELECT name FROM pragma_table_info(?1)").expect("SQL");
        let there: Vec<String> = query.query_map([table], |row| row.get(0)).expect("SQL").map(Result::unwrap).collect();
        let missing: Vec<&str> =
            columns.split_whitespace().filter(|column| !there.iter().any(|name| name == column)).collect();
        assert!(missing.is_empty(), "{table} lacks {missing:?}");
    }
}

/// "`anyt sync` performs bi-directional sync"
#[test]
fn acceptance_sync_performs_bidirectional_sync() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--status", "active"]);
    dispute.theirs("DEV-2", r#"{"title":"Theirs"}"#);
    dispute.sync(&[]).ok();
    assert_eq!(dispute.served("DEV-1").text("status"), "active");
    assert_eq!(dispute.alice.cached_task("DEV-2").text("title"), "Theirs");
    dispute.assert_settled();
}

/// "`anyt sync --pull` fetches remote changes only"
#[test]
fn acceptance_sync_pull_fetches_remote_changes_only() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--status", "active"]);
    dispute.theirs("DEV-2", r#"{"title":"Theirs"}"#);
    dispute.sync(&["--pull"]).ok();
    assert_eq!((dispute.proxy.writes().len(), dispute.alice.pending()), (0, 1));
    assert_eq!(dispute.alice.cached_task("DEV-2").text("title"), "Theirs");
}

/// "`anyt sync --push` sends local changes only"
#[test]
fn acceptance_sync_push_sends_local_changes_only() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--status", "active"]);
    dispute.theirs("DEV-2", r#"{"title":"Theirs"}"#);
    dispute.sync(&["--push"]).ok();
    assert_eq!((dispute.served("DEV-1").text("status"), dispute.alice.pending()), ("active", 0));
    assert_eq!(dispute.alice.cached_task("DEV-2").text("title"), "Task 2");
}

/// "Sync queue tracks pending operations"
#[test]
fn acceptance_sync_queue_tracks_pending_operations() {
    let dispute = Dispute::about(1);
    dispute.alice.anyt(&["task", "create", "New", "--offline"]).ok();
    dispute.mine("DEV-1", &["--status", "done"]);
    let sql = "SELECT group_concat(operation || ' ' || entity_type || ' ' || synced || ' ' || coalesce(error, '-'), ', ') \
               FROM sync_queue";
    assert_eq!(one(&dispute.alice, sql), "create task 0 -, update task 0 -");
    let payload = json::parse(&one(&dispute.alice, "SELECT payload FROM sync_queue WHERE operation = 'update'"));
    assert_eq!(payload.text("set.status"), "done");
    dispute.sync(&[]).ok();
    assert_eq!(one(&dispute.alice, sql), "create task 1 -, update task 1 -");
    let remote = one(&dispute.alice, "SELECT remote_id FROM sync_queue WHERE operation = 'create'");
    assert_eq!(remote, dispute.served("DEV-2").int("id").to_string());
    assert_eq!(one(&dispute.alice, "SELECT count(*) FROM sync_queue WHERE synced_at IS NULL"), "0");
}

/// "Conflict resolution prompts user with options"
#[test]
fn acceptance_conflict_resolution_prompts_user_with_options() {
    for (answer, title) in [("1\n", "Mine"), ("2\n", "Theirs"), ("3\n", "Edited")] {
        let dispute = Dispute::over_a_title();
        let editor = dispute.alice.write("editor", "#!/bin/sh\nsed -i '/^[<=>]/d; /Theirs/d; s/Mine/Edited/' \"$1\"\n");
        dispute.alice.set_env("EDITOR", &format!("sh {}", editor.display()));
        let run = dispute.sync(&[]).stdin(answer).ok();
        for option in [
            "1. Keep local changes (overwrite remote)",
            "2. Accept remote changes (overwrite local)",
            "3. Edit manually",
        ] {
            assert!(run.stdout.contains(&format!("\n  {option}\n")), "{run}");
        }
        assert_eq!(dispute.both("DEV-1", "title"), (title.into(), title.into()), "{run}");
    }
}

/// "Offline task creation queued for later sync"
#[test]
fn acceptance_offline_task_creation_queued_for_later_sync() {
    let dispute = Dispute::about(1);
    dispute.proxy.go_down();
    dispute.alice.anyt(&["task", "create", "Made offline", "--offline"]).ok().says("(queued for sync)");
    assert_eq!((dispute.alice.pending(), dispute.bob().all_tasks().len()), (1, 1));
    dispute.proxy.come_back();
    dispute.sync(&[]).ok().says("  - Created: DEV-2");
    assert_eq!(dispute.served("DEV-2").text("title"), "Made offline");
}

/// "Sync log records all sync operations"
#[test]
fn acceptance_sync_log_records_all_sync_operations() {
    let dispute = Dispute::over_a_title();
    dispute.sync(&[]).stdin("2\n").ok();
    dispute.mine("DEV-2", &["--status", "active"]);
    dispute.sync(&["--push"]).ok();
    dispute.proxy.go_down();
    dispute.sync(&["--pull"]).code(5);
    let last = "SELECT direction || ' changes ' || changes || ' conflicts ' || conflicts || ' errors ' || errors FROM sync_log \
                WHERE direction = '";
    let newest = |direction: &str, before: u32| {
        one(&dispute.alice, &format!("{last}{direction}' ORDER BY id DESC LIMIT 1 OFFSET {before}"))
    };
    assert_eq!(newest("push", 0), "push changes 1 conflicts 0 errors 0");
    assert_eq!(newest("pull", 0), "pull changes 0 conflicts 0 errors 1");
    assert_eq!(newest("pull", 1), "pull changes 1 conflicts 1 errors 0");
}

/// "Keyring library integrated for secure credential storage"
#[test]
fn acceptance_keyring_integrated_for_secure_credential_storage() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = Sandbox::new();
    person.sign_in(&server);
    person.set_env("ANYT_AUTH_TOKEN", "");
    person.set_env("DBUS_SESSION_BUS_ADDRESS", &desktop.address());
    person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    let looked_up = ["lookup", "service", "anyt-cli", "username", "dev:auth_token"];
    assert_eq!(desktop.output("secret-tool", &looked_up), ALICE);
    person.anyt(&["sync"]).ok();
    assert_eq!(person.snapshot().files_containing(ALICE), Vec::<String>::new());
}

/// "Credentials migrated from plaintext to keyring". The file is the specification's "Before" and "After", with our address.
#[test]
fn acceptance_credentials_migrated_from_plaintext() {
    let server = Server::start();
    let config = |token: &str| {
        format!(
            "{{\n  \"environments\": {{\n    \"dev\": {{\n      \"api_url\": \"{}\",\n      {token}\n    }}\n  }}\n}}\n",
            server.url()
        )
    };
    let desktop = Desktop::with_keyring();
    let person = Sandbox::new();
    if let Some(desktop) = &desktop {
        person.set_env("DBUS_SESSION_BUS_ADDRESS", &desktop.address());
    }
    person.write("config/anyt/config.json", config(&format!("\"auth_token\": \"{ALICE}\"")));
    person.anyt(&["sync"]).ok();
    assert_eq!(person.read("config/anyt/config.json"), config("\"auth_token_stored\": true"));
    assert_eq!(person.snapshot().files_containing(ALICE), Vec::<String>::new());
    person.anyt(&["auth", "whoami"]).ok().says("alice");
}

/// "Fallback to encrypted file if keyring unavailable"
#[test]
fn acceptance_fallback_to_encrypted_file_if_keyring_unavailable() {
    let server = Server::start();
    let person = Sandbox::new();
    person.sign_in(&server);
    person.set_env("ANYT_AUTH_TOKEN", "");
    person.anyt(&["auth", "login"]).stdin(ALICE).ok().says("encrypted file");
    person.anyt(&["sync"]).ok();
    let snapshot = person.snapshot();
    assert_eq!(snapshot.files_containing(ALICE), Vec::<String>::new());
    assert!(person.path("data/anyt/credentials").exists());
}

/// "Sync works across multiple environments (separate caches)"
#[test]
fn acceptance_sync_works_across_multiple_environments() {
    let (one, two) = (Server::start(), Server::start());
    one.bob().add_task("Of one");
    two.bob().add_task("Of two");
    let person = Sandbox::new();
    person.set_env("ANYT_AUTH_TOKEN", ALICE);
    for (name, server) in [("one", &one), ("two", &two)] {
        person.anyt(&["env", "add", name, &server.url()]).ok();
        person.anyt(&["sync", "--env", name]).ok();
        assert!(person.path(&format!("cache/anyt/{name}/cache.db")).exists());
    }
    let title = |name: &str| {
        person.anyt(&["task", "show", "DEV-1", "--env", name, "--json"]).ok().json().text("data.title").to_string()
    };
    assert_eq!((title("one"), title("two")), ("Of one".into(), "Of two".into()));
    person.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--offline", "--env", "two"]).ok();
    assert_eq!((title("one"), title("two")), ("Of one".into(), "Mine".into()));
}

/// "Error handling for network failures during sync", and "Implement exponential backoff for sync retries on network errors".
#[test]
fn acceptance_error_handling_for_network_failures_during_sync() {
    let dispute = Dispute::about(2);
    dispute.mine("DEV-1", &["--status", "done"]);
    dispute.theirs("DEV-2", r#"{"title":"Theirs"}"#);
    let before = dispute.cache();
    dispute.proxy.go_down();
    let run = dispute.sync(&[]).code(5);
    run.is_one_line_of_error();
    assert!(run.stderr.contains("1 change waits and is kept"), "{run}");
    assert_eq!(dispute.cache(), before, "a failed pull changes nothing");
    dispute.proxy.come_back();
    // One that fails and then answers is asked again.
    dispute.proxy.fault(When::ending("GET", "/workspaces"), What::status(503, &[]));
    dispute.sync(&[]).ok();
    assert_eq!(dispute.served("DEV-1").text("status"), "done");
    dispute.assert_settled();
}

/// "Sync status command shows pending operations and last sync time"
#[test]
fn acceptance_sync_status_shows_pending_operations_and_last_sync() {
    let dispute = Dispute::about(1);
    dispute.mine("DEV-1", &["--status", "done"]);
    let status = dispute.alice.anyt(&["sync", "status"]).run();
    assert_eq!(status.exit, Exit::Code(0), "{status}");
    assert_eq!(&status.stdout_lines()[..2], ["Pending operations: 1", "  - Update: DEV-1 (status)"]);
    assert!(status.stdout.contains("\nLast sync: ") && status.stdout.contains("Connection: Online ✓"), "{status}");
}
