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

/// A kind below tasks or attempts: what is asked on both sides, and the members that have to be the same: ours, theirs.
struct Below {
    word: &'static str,
    list: &'static str,
    members: &'static [(&'static str, &'static str)],
}

const BELOW: [Below; 3] = [
    Below {
        word: "comment",
        list: "comments",
        members: &[
            ("id", "id"),
            ("author_id", "author_id"),
            ("author_name", "author_name"),
            ("content", "content"),
            ("mentioned_users", "mentioned_users"),
            ("created_at", "created_at"),
        ],
    },
    Below {
        word: "attempt",
        list: "attempts",
        members: &[
            ("id", "id"),
            ("task_id", "task_id"),
            ("actor_id", "actor_id"),
            ("actor_type", "actor_type"),
            ("started_at", "started_at"),
            ("ended_at", "ended_at"),
            ("status", "status"),
            ("failure_class", "failure_class"),
            ("failure_message", "failure_message"),
            ("cost_tokens", "cost_tokens"),
            ("wall_clock_ms", "wall_clock_ms"),
            ("notes", "extra_metadata.notes"),
            ("executed_by_coding_agent", "executed_by_coding_agent"),
            ("artifacts_count", "artifacts_count"),
            ("created_at", "created_at"),
            ("updated_at", "updated_at"),
        ],
    },
    Below {
        word: "artifact",
        list: "artifacts",
        members: &[
            ("id", "id"),
            ("attempt_id", "attempt_id"),
            ("type", "type"),
            ("name", "name"),
            ("uri", "uri"),
            ("size_bytes", "size_bytes"),
            ("mime_type", "mime_type"),
            ("preview", "preview"),
            ("created_at", "created_at"),
        ],
    },
];

impl Below {
    /// The rows below one are the same on both sides; theirs. `name` is what people type, `path` where the server has it.
    #[track_caller]
    fn assert_same(&self, sandbox: &Sandbox, server: &Server, name: &str, path: &str) -> Vec<Value> {
        let cached = sandbox.anyt(&[self.word, "list", name, "--json"]).ok().json();
        let by_id =
            |rows: &[Value]| -> BTreeMap<i64, Value> { rows.iter().map(|row| (row.int("id"), row.clone())).collect() };
        let (_, page) = server.alice().get(&format!("{path}/{}?limit=100", self.list));
        let theirs = page.items(if self.list == "comments" { "comments" } else { "items" });
        let (ours, theirs) = (by_id(cached.items("data.items")), by_id(theirs));
        assert!(ours.keys().eq(theirs.keys()), "{} of {name}: {} and {}", self.list, ours.len(), theirs.len());
        for (id, row) in &ours {
            for (our, their) in self.members {
                let (our_value, their_value) = (row.at(our), theirs[id].at(their));
                let both = || format!("{} / {}", json::to_string(our_value), json::to_string(their_value));
                assert!(json::same(our_value, their_value), "{} {id} of {name}, {our}: {}", self.word, both());
            }
        }
        theirs.into_values().collect()
    }
}

/// Every so many tasks have something below them.
const EVERY: usize = 20;

/// Comments, attempts and artifacts with the texts of the tasks that they are below.
fn widen(server: &Server, tasks: &[Value]) {
    for (at, task) in tasks.iter().enumerate() {
        let user = if at % 2 == 0 { server.alice() } else { server.bob() };
        let (name, text) = (task.text("identifier"), json::as_text(task.at("description")).unwrap_or(""));
        user.comment(name, task.text("title"));
        if !text.trim().is_empty() {
            user.comment(name, text);
        }
        let notes = json::object([("notes", json::string(task.text("title")))]);
        let started = user.post(&format!("{}/attempts/start", user.tasks(name)), &notes).1.int("id");
        let attempt = format!("{}/attempts/{started}", user.workspace());
        let artifact =
            [("type", "log"), ("name", task.text("title")), ("content", text), ("mime_type", "text/markdown")];
        let artifact = artifact.map(|(member, value)| (member, json::string(value)));
        assert_eq!(user.post(&format!("{attempt}/artifacts"), &json::object(artifact)).0, 201);
        let ended = match at % 4 {
            0 => continue,
            1 => json::parse(r#"{"status":"success","wall_clock_ms":95000}"#),
            2 => json::parse(r#"{"status":"failed","failure_class":"timeout","failure_message":"späť 🚧"}"#),
            _ => json::object([("status", json::string("aborted")), ("cost_tokens", json::int(at as i64 * 1_000_003))]),
        };
        assert_eq!(user.patch(&attempt, &ended).0, 200);
    }
}

/// The backlog widened by comments, attempts and artifacts of others, and by ours, made without a network.
#[test]
fn what_is_below_the_tasks_is_the_servers_field_by_field() {
    let Some((server, proxy, sandbox)) = stage() else { return };
    let tasks: Vec<Value> = server.alice().all_tasks().into_iter().step_by(EVERY).collect();
    widen(&server, &tasks);
    sandbox.anyt(&["sync"]).ok();
    sandbox.write("work/log", "ours ✓\n");
    for task in tasks.iter().step_by(10) {
        let name = task.text("identifier");
        sandbox.anyt(&["comment", "add", name, "-m", "ours ✓", "--offline"]).ok();
        sandbox.anyt(&["attempt", "start", name, "--notes", "ours ✓", "--offline"]).ok();
        sandbox.anyt(&["artifact", "add", name, "log", "--offline"]).ok();
        sandbox.anyt(&["attempt", "finish", name, "--failure", "timeout", "--cost-tokens", "9", "--offline"]).ok();
    }
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["sync"]).ok();
    let mut counts = [0; 3];
    for task in &tasks {
        let name = task.text("identifier");
        let path = server.alice().tasks(name);
        counts[0] += BELOW[0].assert_same(&sandbox, &server, name, &path).len();
        for attempt in BELOW[1].assert_same(&sandbox, &server, name, &path) {
            let id = attempt.int("id");
            let path = format!("{}/attempts/{id}", server.alice().workspace());
            counts[1] += 1;
            counts[2] += BELOW[2].assert_same(&sandbox, &server, &format!("{name}@{id}"), &path).len();
        }
    }
    let ours = tasks.len().div_ceil(10);
    assert_eq!(counts[1..], [tasks.len() + ours; 2]);
    assert!(counts[0] > tasks.len() + ours, "{counts:?}");
    let content = sandbox.anyt(&["artifact", "get", "1"]).ok().stdout;
    assert_eq!(content, json::as_text(tasks[0].at("description")).unwrap_or(""));
    proxy.reset();
    sandbox.anyt(&["sync"]).ok();
    assert!(proxy.log().len() <= 4, "a sync without news: {:?}", proxy.log());
}
