//! P5 for whole workspaces: one that was deleted, or is no longer this account's, leaves the cache too, but only when the
//! server says so twice, never with work that waits, and never in bulk without a word.

use crate::common::faults::{Gate, What, When};
use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::run::TIMEOUT;
use crate::common::{ALICE, Proxy, Run, Sandbox, Server, synced};

/// Alice in sync with `DEV` (one task) and a workspace `OPS` of her own.
struct Stage {
    server: Server,
    proxy: Proxy,
    sandbox: Sandbox,
    ops: String,
}

impl Stage {
    fn with(tasks: usize) -> Stage {
        let server = Server::start();
        let proxy = Proxy::before(&server);
        let sandbox = Sandbox::new();
        sandbox.sign_in_at(&proxy.url(), ALICE);
        let alice = server.alice();
        alice.add_task("In DEV");
        let made = |target: &str, body: &str| -> Value {
            let (status, answer) = alice.post(target, &json::parse(body));
            assert_eq!(status, 201, "{target}: {}", json::to_string(&answer));
            answer
        };
        let workspace = made("/v1/workspaces", r#"{"name":"Operations","identifier":"OPS"}"#);
        let ops = format!("/v1/workspaces/{}", workspace.int("id"));
        let project = made(&format!("{ops}/projects"), r#"{"name":"Machines"}"#).int("id");
        for n in 1..=tasks {
            made(&format!("{ops}/tasks"), &format!(r#"{{"title":"In OPS {n}","project_id":{project}}}"#));
        }
        sandbox.anyt(&["sync"]).ok();
        let stage = Stage { server, proxy, sandbox, ops };
        assert_eq!(stage.shown("OPS"), tasks);
        stage
    }

    fn shown(&self, workspace: &str) -> usize {
        let list = ["task", "list", "--all", "--limit", "0", "--json", "--workspace", workspace];
        self.sandbox.anyt(&list).ok().json().items("data.items").len()
    }

    fn workspaces(&self) -> String {
        self.sandbox.anyt(&["workspace", "list"]).ok().stdout
    }

    fn delete_ops(&self) {
        assert_eq!(self.server.alice().delete(&self.ops).0, 204);
    }

    fn sync(&self, flags: &[&str]) -> Run {
        let args: Vec<&str> = ["sync", "--no-input"].iter().chain(flags).copied().collect();
        self.sandbox.anyt(&args).run()
    }

    #[track_caller]
    fn assert_gone(&self) {
        assert!(!self.workspaces().contains("OPS"), "{}", self.workspaces());
        let cache = rusqlite::Connection::open(self.sandbox.cache_db()).expect("the cache is there");
        for table in ["tasks", "projects", "labels", "members", "workspaces"] {
            let column = if table == "workspaces" { "id" } else { "workspace_id" };
            let sql = format!("SELECT count(*) FROM {table} WHERE '/v1/workspaces/' || {column} = ?1");
            let left: i64 = cache.query_row(&sql, [&self.ops], |row| row.get(0)).expect("a count");
            assert_eq!(left, 0, "{table}");
        }
        assert_eq!(self.shown("DEV"), 1);
    }
}

#[test]
fn a_deleted_workspace_leaves_the_cache() {
    let stage = Stage::with(3);
    stage.delete_ops();
    let run = stage.sync(&[]).code(0);
    assert!(run.stdout.contains("  - Pulled 3 deleted tasks\n"), "{run}");
    stage.assert_gone();
    let again = stage.sync(&[]).code(0);
    assert!(again.stdout.contains("already up to date"), "{again}");
}

#[test]
fn many_tasks_at_once_are_asked_about() {
    let stage = Stage::with(11);
    stage.delete_ops();
    let run = stage.sync(&[]).code(1);
    assert!(run.stderr.contains("no longer lists 11 of 11 tasks; nothing was changed"), "{run}");
    assert_eq!(stage.shown("OPS"), 11);
    stage.sync(&["--accept-deletes"]).code(0);
    stage.assert_gone();
}

/// A list that lacks it is not enough. Fails without the question by id in `workspaces_left`.
#[test]
fn a_list_alone_removes_nothing() {
    let stage = Stage::with(3);
    let all = stage.server.alice().get("/v1/workspaces").1;
    let dev: Vec<Value> = all.items("items").iter().filter(|one| one.text("identifier") == "DEV").cloned().collect();
    let Value::Object(mut list) = all else { panic!("a list") };
    list.insert("items".into(), Value::Array(dev.into_iter().collect()));
    let short = Message::json(200, &Value::Object(list));
    stage.proxy.fault(When::ending("GET", "/workspaces").always(), What::Answer(short));
    stage.sync(&[]).code(0);
    assert_eq!(stage.shown("OPS"), 3);
    stage.proxy.reset();
    stage.sync(&[]).code(0);
    assert_eq!(stage.shown("OPS"), 3);
}

#[test]
fn what_is_queued_for_it_is_not_thrown_away() {
    let stage = Stage::with(2);
    stage.sandbox.anyt(&["task", "update", "OPS-1", "--title", "Ours", "--offline"]).ok();
    stage.delete_ops();
    let run = stage.sync(&[]);
    assert!(run.stderr.contains("OPS is no longer yours on the server; what is queued for it stays"), "{run}");
    assert_eq!(stage.sandbox.pending(), 1, "{run}");
    assert_eq!(stage.shown("OPS"), 2);
    stage.sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
    stage.sync(&[]).code(0);
    stage.assert_gone();

    let stage = Stage::with(12);
    stage.sandbox.anyt(&["task", "update", "OPS-1", "--title", "Ours", "--offline"]).ok();
    stage.delete_ops();
    stage.sandbox.anyt(&["sync", "--force", "--yes"]).ok();
    stage.assert_gone();
    let kept = stage.sandbox.anyt(&["sync", "restore", "--list"]).ok();
    assert!(kept.stdout.contains("Update: OPS-1 (title)"), "{kept}");
}

/// `--force` makes exact what it could read. Of the rest it neither removes nor reports anything.
#[test]
fn what_force_cannot_read_it_does_not_count_as_deleted() {
    let stage = Stage::with(3);
    let ops = stage.ops.clone();
    stage.proxy.fault(When::is(move |seen| seen.target.starts_with(&ops)).always(), What::status(403, &[]));
    let run = stage.sync(&["--force", "--yes"]);
    assert!(!run.stdout.contains("Force synced"), "{run}");
    let log = stage.sandbox.anyt(&["sync", "log", "--json"]).ok().json();
    assert_eq!(log.items("data.items")[0].int("changes"), 0, "{}", json::to_string(&log));
    assert_eq!(stage.shown("OPS"), 3);
}

/// api.md knows no way to change a workspace's prefix, and whoever runs a server finds one. What is queued under the old
/// names is for the same tasks.
#[test]
fn what_is_queued_follows_a_new_prefix() {
    let (mut server, proxy, sandbox) = synced(&["One", "Two", "Three", "Four"]);
    for command in [
        &["task", "rm", "DEV-1", "--force"][..],
        &["task", "update", "DEV-2", "--status", "active"],
        &["task", "dep", "add", "DEV-3", "--on", "DEV-2"],
        &["task", "create", "Five", "--parent", "DEV-4"],
    ] {
        sandbox.anyt(&[command, &["--offline"]].concat()).ok();
    }
    server.rename_workspace("ENG");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    let bob = server.bob();
    assert!(bob.task("ENG-1").is_none(), "it was to be deleted");
    assert_eq!(bob.task("ENG-2").expect("live").text("status"), "active");
    assert_eq!(bob.task("ENG-5").expect("live").text("title"), "Five");
    let edges = bob.get(&(bob.tasks("ENG-3") + "/dependencies")).1;
    assert!(json::to_string(&edges).contains("ENG-2"), "{}", json::to_string(&edges));
    assert_eq!(sandbox.pending(), 0);
    let names: Vec<String> = sandbox.cached_tasks().iter().map(|task| task.text("identifier").to_string()).collect();
    assert!(names.len() == 4 && names.iter().all(|name| name.starts_with("ENG-")), "{names:?}");
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(proxy.writes().len(), 0);

    // Queued while the sync runs that brings the next one.
    server.rename_workspace("OPS");
    let gate = Gate::new();
    proxy.fault(When::ending("GET", "/dependency-graph"), What::StallReply(gate.clone()));
    let sync = sandbox.anyt(&["sync", "--no-input"]).spawn();
    gate.wait_for_somebody();
    sandbox.anyt(&["task", "rm", "ENG-3", "--force", "--offline"]).ok();
    gate.open();
    sync.wait(TIMEOUT).code(0);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert!(server.bob().task("OPS-3").is_none() && sandbox.pending() == 0);
}

/// Two workspaces may share a prefix (api.md 7): `--workspace` says which of the two tasks is meant, and without it nothing
/// is guessed.
#[test]
fn a_shared_prefix_is_never_guessed_at() {
    let stage = Stage::with(1);
    let cache = rusqlite::Connection::open(stage.sandbox.cache_db()).expect("it is there");
    let rename = "UPDATE workspaces SET identifier = 'DEV'; UPDATE tasks SET identifier = 'DEV-' || number;";
    cache.execute_batch(rename).expect("the tables of the specification");
    drop(cache);
    // Nothing says which of them this directory is about.
    std::fs::remove_dir_all(stage.sandbox.path("work/.anyt")).expect("it was tied");
    let update = ["task", "update", "DEV-1", "--phase", "x", "--offline"];
    let refused = stage.sandbox.anyt(&update).code(2);
    assert!(refused.stderr.contains("2 workspaces DEV") && refused.stderr.contains("--workspace 1 or 2"), "{refused}");
    stage.sandbox.anyt(&[&update[..], &["--workspace", "DEV"]].concat()).code(2);
    for (n, workspace) in ["2", "1"].into_iter().enumerate() {
        stage.sandbox.anyt(&[&update[..], &["--workspace", workspace]].concat()).ok();
        let queue = stage.sandbox.anyt(&["sync", "queue", "--json"]).ok().json();
        let queued = &queue.items("data.items")[n];
        assert_eq!(queued.int("workspace_id").to_string(), workspace, "{}", json::to_string(queued));
    }
}
