//! The real backlog through the real binaries: 2,403 live tasks, whatever the page size; every field as the server has
//! it; text that renders.

use crate::common::json::{self, Look, Value};
use crate::common::proxy::Proxy;
use crate::common::{ALICE, Sandbox, Server, backlog};
use std::collections::BTreeMap;

/// Fields of a task that have to be the server's (api.md 3.3).
const FIELDS: [&str; 22] = [
    "id",
    "workspace_id",
    "project_id",
    "identifier",
    "number",
    "uid",
    "title",
    "description",
    "status",
    "priority",
    "owner_id",
    "assignee_type",
    "labels",
    "estimate",
    "parent_id",
    "creator_id",
    "version",
    "created_at",
    "updated_at",
    "started_at",
    "completed_at",
    "deleted_at",
];

/// The imported server behind a proxy that counts, and a person signed in there; `None` when there is no backlog.
fn stage() -> Option<(Server, Proxy, Sandbox)> {
    let server = Server::start_importing(backlog::stream()?);
    let proxy = Proxy::before(&server);
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    Some((server, proxy, sandbox))
}

fn by_identifier(tasks: Vec<Value>) -> BTreeMap<String, Value> {
    tasks.into_iter().map(|task| (task.text("identifier").to_string(), task)).collect()
}

/// Fails naming the first field of the first task that differs.
#[track_caller]
fn assert_same_task(cached: &Value, server: &Value) {
    for field in FIELDS {
        let (ours, theirs) = (cached.at(field), server.at(field));
        let identifier = server.text("identifier");
        let both = || format!("{identifier} {field}: {} / {}", json::to_string(ours), json::to_string(theirs));
        assert!(json::same(ours, theirs), "{}", both());
    }
}

#[track_caller]
fn assert_cache_equals_server(sandbox: &Sandbox, server: &Server) {
    let (cached, live) = (by_identifier(sandbox.cached_tasks()), by_identifier(server.alice().all_tasks()));
    assert!(cached.keys().eq(live.keys()), "{} cached, {} live", cached.len(), live.len());
    cached.iter().for_each(|(identifier, task)| assert_same_task(task, &live[identifier]));
}

#[test]
fn a_sync_pulls_every_live_task_and_a_second_one_nothing() {
    let Some((server, _proxy, sandbox)) = stage() else { return };
    assert_eq!(server.alice().all_tasks().len(), backlog::LIVE, "the server's own count");
    let first = sandbox.anyt(&["sync"]).ok();
    let pulled = format!("Pulled {} new tasks", backlog::LIVE);
    let first = first.says(&pulled);
    assert!(first.stdout.contains(&format!("Synced {} tasks", backlog::LIVE)), "{first}");
    assert_cache_equals_server(&sandbox, &server);
    let before = sandbox.cached_tasks();
    let second = sandbox.anyt(&["sync"]).ok();
    assert!(!second.stdout.contains("Pulled"), "{second}");
    assert!(before.iter().zip(&sandbox.cached_tasks()).all(|(a, b)| json::same(a, b)));
}

/// 1,649 rows share one `updated_at`, more than any page holds.
#[test]
fn the_page_size_does_not_matter() {
    let Some((server, proxy, _)) = stage() else { return };
    for size in [100, 7] {
        let sandbox = Sandbox::new();
        sandbox.sign_in_at(&proxy.url(), ALICE);
        sandbox.configure("sync", json::object([("page_size", json::int(size))]));
        proxy.reset();
        sandbox.anyt(&["sync"]).ok();
        let pages = proxy.count_requests("GET", &server.alice().tasks(""));
        let fewest = backlog::LIVE.div_ceil(usize::try_from(size).unwrap());
        assert!(pages >= fewest, "pages of {size} were asked for: {pages} requests, not {fewest}");
        assert_cache_equals_server(&sandbox, &server);
        assert!(!sandbox.anyt(&["sync"]).ok().stdout.contains("Pulled"));
    }
}

#[test]
fn every_dependency_between_live_tasks_arrives() {
    let Some((server, _proxy, sandbox)) = stage() else { return };
    sandbox.anyt(&["sync"]).ok();
    let graph = server.alice().get(&format!("{}/dependency-graph", server.alice().workspace())).1;
    let mut theirs: Vec<(String, String)> = graph
        .items("edges")
        .iter()
        .map(|edge| (edge.text("from_task").to_string(), edge.text("to_task").to_string()))
        .collect();
    let cache = rusqlite::Connection::open(sandbox.cache_db()).unwrap();
    let query = "SELECT a.identifier, b.identifier FROM task_dependencies d
                 JOIN tasks a ON a.id = d.task_id JOIN tasks b ON b.id = d.depends_on_id";
    let mut statement = cache.prepare(query).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut ours: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    assert!(!theirs.is_empty());
    theirs.sort();
    ours.sort();
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(ours, theirs);
}

/// No line break but `\n`, nothing that moves a cursor (P8).
#[track_caller]
fn assert_inert(text: &str) {
    let active = text.chars().find(|c| c.is_control() && *c != '\n');
    assert!(active.is_none(), "{active:?} in the output");
}

#[test]
fn lists_render() {
    let Some((_server, _proxy, sandbox)) = stage() else { return };
    sandbox.anyt(&["sync"]).ok();
    let list = sandbox.anyt(&["task", "list", "--all", "--limit", "0"]).ok();
    assert_inert(&list.stdout);
    assert!(list.stdout_lines().len() >= backlog::LIVE, "{} lines", list.stdout_lines().len());
    let tasks = sandbox.cached_tasks();
    for task in &tasks {
        let identifier = task.text("identifier");
        let is_row = |line: &&str| line.split_whitespace().any(|word| word == identifier);
        let rows = list.stdout.lines().filter(is_row).count();
        assert!(rows >= 1, "{identifier} is not in the list");
    }
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

/// The longest descriptions, and those with emoji: all of the text is there, in its order, however it is laid out.
#[test]
fn tasks_render_and_show_the_servers_fields() {
    let Some((server, _proxy, sandbox)) = stage() else { return };
    sandbox.anyt(&["sync"]).ok();
    let mut tasks = server.alice().all_tasks();
    let length = |task: &Value| json::as_text(task.at("description")).map_or(0, str::len);
    tasks.sort_by_key(|task| std::cmp::Reverse(length(task)));
    let (longest, rest) = tasks.split_at(20);
    let emoji = rest.iter().filter(|task| task.text("title").chars().any(|c| u32::from(c) > 0x2000)).take(20);
    for task in longest.iter().chain(emoji) {
        let identifier = task.text("identifier");
        let shown = sandbox.anyt(&["task", "show", identifier]).ok();
        assert_inert(&shown.stdout);
        let text = without_spaces(&shown.stdout);
        assert!(text.contains(&without_spaces(task.text("title"))), "the title of {identifier}\n{shown}");
        let description = json::as_text(task.at("description")).unwrap_or_default();
        assert!(text.contains(&without_spaces(description)), "the description of {identifier}\n{shown}");
        assert_same_task(&sandbox.cached_task(identifier), task);
    }
}
