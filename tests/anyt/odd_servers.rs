//! What servers do beside what they are asked (api.md 7), and the corners of one that are closed to an account: the rest
//! of a sync goes on, nothing is taken for a deletion that is none, and what was not taken is said.

use crate::common;
use crate::common::faults::{What, When};
use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::{Proxy, Sandbox, Server, synced};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn stage(tasks: usize) -> (Server, Proxy, Sandbox) {
    let titles: Vec<String> = (1..=tasks).map(|n| format!("Task {n}")).collect();
    synced(&titles.iter().map(String::as_str).collect::<Vec<_>>())
}

/// From now on every list of tasks is this one, which has a single page.
fn answer_lists(proxy: &Proxy, which: &'static str, list: Value) {
    let Value::Object(mut end) = list.clone() else { panic!("a list") };
    end.insert("items".into(), json::array([]));
    let of = move |first: bool| {
        When::is(move |seen| {
            let tasks = seen.target.split('?').next().is_some_and(|path| path.ends_with("/tasks"));
            tasks && seen.target.contains(which) && seen.target.contains("offset=0") == first
        })
    };
    proxy.fault(of(true).always(), What::Answer(Message::json(200, &list)));
    proxy.fault(of(false).always(), What::Answer(Message::json(200, &Value::Object(end))));
}

/// Labels, members or dependencies that this account may not see are no reason to see no task.
#[test]
fn a_forbidden_kind_leaves_the_rest() {
    for kind in ["/members", "/labels", "/dependency-graph"] {
        let (server, proxy, sandbox) = stage(1);
        proxy.fault(When::ending("GET", kind).always(), What::status(403, &[]));
        server.bob().add_task("New");
        sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!((sandbox.cached_tasks().len(), sandbox.pending()), (3, 0), "{kind}");
    }
}

/// That a dependency is there already and that it would be circular are the same answer. Either list of what there is
/// tells them apart.
#[test]
fn a_dependency_that_is_there_is_done_whichever_list_shows_it() {
    for hidden in ["/dependency-graph", "/dependencies"] {
        let (server, proxy, sandbox) = stage(2);
        sandbox.anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-2", "--offline"]).ok();
        let body = json::object([("depends_on", json::string("DEV-2"))]);
        let task = format!("{}/tasks/DEV-1/dependencies", server.bob().workspace());
        assert_eq!(server.bob().post(&task, &body).0, 201);
        proxy.fault(When::ending("GET", hidden).always(), What::status(404, &[]));
        sandbox.anyt(&["sync", "--push", "--no-input"]).ok();
        assert_eq!(sandbox.pending(), 0, "{hidden}");
    }
}

/// A workspace that may not be read: the others are synced, it is said, and nothing of it is sent or removed.
#[test]
fn a_forbidden_workspace_leaves_the_others() {
    let (server, proxy, sandbox) = stage(1);
    let made = server.alice().post("/v1/workspaces", &json::parse(r#"{"name":"Ops","identifier":"OPS"}"#)).1;
    let ops = format!("/v1/workspaces/{}", made.int("id"));
    let project = server.alice().post(&format!("{ops}/projects"), &json::parse(r#"{"name":"Machines"}"#)).1.int("id");
    let task = format!(r#"{{"title":"In OPS","project_id":{project}}}"#);
    assert_eq!(server.alice().post(&format!("{ops}/tasks"), &json::parse(&task)).0, 201);
    sandbox.anyt(&["sync"]).ok();
    proxy.fault(When::is(move |seen| seen.target.starts_with(&ops)).always(), What::status(403, &[]));
    sandbox.anyt(&["task", "update", "OPS-1", "--title", "Ours", "--offline"]).ok();
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    server.bob().add_task("New");
    let run = sandbox.anyt(&["sync", "--no-input"]).code(4);
    assert!(run.stderr.contains("does not allow this") && run.stderr.contains("auth whoami"), "{run}");
    assert_eq!(server.bob().all_tasks().len(), 3, "what is for DEV was sent\n{run}");
    assert_eq!((sandbox.cached_tasks().len(), sandbox.pending()), (3, 1), "{run}");
    assert_eq!(sandbox.cached_task("OPS-1").text("title"), "Ours");
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(sandbox.pending(), 0);
}

/// A server that leaves archived tasks out of its lists still has them. They are asked for once, not at every sync.
#[test]
fn tasks_that_are_not_listed_are_not_deleted() {
    let (server, proxy, sandbox) = stage(16);
    proxy.hide("AnyTask-Capabilities");
    for n in 1..=12 {
        server.bob().edit_task(&format!("DEV-{n}"), r#"{"status":"archived"}"#);
    }
    sandbox.anyt(&["sync"]).ok();
    let list =
        server.alice().get(&format!("{}/tasks?limit=100&sort_by=updated_at&order=asc", server.alice().workspace()));
    let (Value::Object(mut short), items) = (list.1.clone(), list.1.items("items")) else { panic!("a list") };
    let live: Vec<Value> = items.iter().filter(|task| task.text("status") != "archived").cloned().collect();
    short.insert("total".into(), json::int(live.len() as i64));
    short.insert("items".into(), Value::Array(live.into_iter().collect()));
    proxy.reset();
    answer_lists(&proxy, "", Value::Object(short));
    let asked = || proxy.log().iter().filter(|one| one.target.contains("/tasks/DEV-")).count();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(sandbox.cached_tasks().len(), 16);
    assert!(asked() >= 12, "{}", asked());
    let before = asked();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!((sandbox.cached_tasks().len(), asked()), (16, before));
}

/// A colleague's change from before the cursor, because the server's clock was set back: found within a day.
#[test]
fn a_change_behind_the_cursor_is_found() {
    let (server, proxy, sandbox) = stage(3);
    let list =
        server.alice().get(&format!("{}/tasks?limit=100&sort_by=updated_at&order=asc", server.alice().workspace()));
    let changed = |task: &Value| -> Value {
        let Value::Object(mut task) = task.clone() else { panic!("a task") };
        task.insert("title".into(), json::string("Changed while the clock was wrong"));
        task.insert("version".into(), json::int(2));
        Value::Object(task)
    };
    let items = list.1.items("items").iter();
    let items = items.map(|task| if task.text("title") == "Task 2" { changed(task) } else { task.clone() });
    let Value::Object(mut all) = list.1.clone() else { panic!("a list") };
    let mut newer = all.clone();
    all.insert("items".into(), json::array(items));
    // By the cursor only what is newer comes: the row that set it, without the changed one.
    let newest: Vec<Value> = list.1.items("items").iter().rev().take(1).cloned().collect();
    newer.insert("items".into(), Value::Array(newest.into_iter().collect()));
    answer_lists(&proxy, "updated_after", Value::Object(newer));
    answer_lists(&proxy, "", Value::Object(all));
    let title = || sandbox.cached_task("DEV-2").text("title").to_string();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(title(), "Task 2", "not by the cursor");
    sandbox.set_env("ANYT_CLOCK_SKEW", "90000");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(title(), "Changed while the clock was wrong");
}

/// Several at once to a server that goes away: all are queued, and the words are true.
#[test]
fn several_dependencies_are_all_queued() {
    let (server, proxy, sandbox) = stage(4);
    proxy.fault(When::is(|seen| !seen.target.ends_with("/auth")).always(), What::GoDown);
    let run = sandbox.anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-2,DEV-3,DEV-4"]).ok();
    assert!(run.stderr.contains("what is queued is sent by: anyt sync"), "{run}");
    assert_eq!(sandbox.pending(), 3, "{run}");
    proxy.come_back();
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(sandbox.cached_task("DEV-1").items("depends_on").len(), 3);
    drop(server);
}

/// What a server passes over in silence is not.
#[test]
fn a_field_that_was_not_taken_is_named() {
    let (server, proxy, sandbox) = stage(1);
    let Value::Object(mut task) = server.bob().task("DEV-1").expect("live") else { panic!("a task") };
    task.insert("version".into(), json::int(2));
    let answer = Message::json(200, &Value::Object(task));
    proxy.fault(When::first("PATCH", ""), What::Answer(answer));
    let run = sandbox.anyt(&["task", "update", "DEV-1", "--labels", "bug", "--estimate", "3"]).code(0);
    assert!(run.stderr.contains("DEV-1: the server did not take the labels, estimate"), "{run}");
}

/// The answer to a create may have its time from another clock than the lists have.
#[test]
fn a_time_that_differs_a_little_is_the_same_task() {
    let (server, proxy, sandbox) = stage(1);
    let made = server.alice().post(&server.alice().tasks(""), &json::parse(r#"{"title":"Made","project_id":1}"#));
    drop(made);
    sandbox.anyt(&["sync"]).ok();
    let cache = rusqlite::Connection::open(sandbox.cache_db()).expect("the cache is there");
    let moved = "UPDATE tasks SET uid = NULL, created_at = replace(created_at, 'Z', '1Z') WHERE id > 0";
    cache.execute(moved, []).expect("a plain statement");
    let sooner = "UPDATE tasks SET created_at = substr(created_at, 1, 17) || '00Z'";
    cache.execute(sooner, []).expect("a plain statement");
    drop(cache);
    sandbox.anyt(&["task", "done", "DEV-1"]).ok();
    assert_eq!(server.bob().task("DEV-1").expect("live").text("status"), "done");
    drop(proxy);
}

/// Two operations that a server always fails at, one after the other, hold up nothing that comes after them.
#[test]
fn two_that_always_fail_do_not_hold_up_the_rest() {
    let (server, proxy, sandbox) = stage(3);
    for name in ["DEV-1", "DEV-2"] {
        sandbox.anyt(&["task", "update", name, "--title", "Never", "--offline"]).ok();
    }
    sandbox.anyt(&["task", "done", "DEV-3", "--offline"]).ok();
    for path in ["/tasks/DEV-1", "/tasks/DEV-2"] {
        proxy.fault(When::ending("PATCH", path).always(), What::status(500, &[]));
    }
    sandbox.anyt(&["sync", "--no-input"]).code(5);
    assert_eq!(server.bob().task("DEV-3").expect("live").text("status"), "done");
    assert_eq!(sandbox.pending(), 2);
}

/// During a redeploy a proxy on the way answers 404 with a page of its own. That is no word of the API: nothing is taken for
/// gone, and what was to be deleted is deleted.
#[test]
fn a_web_page_deletes_nothing() {
    let page = || What::Answer(Message::reply(404, "text/html", "<html>404 Not Found</html>"));
    for (method, path) in [("DELETE", "/tasks/DEV-1"), ("DELETE", "/dependencies/DEV-3"), ("PATCH", "/tasks/DEV-3")] {
        let (server, proxy, sandbox) = stage(3);
        sandbox.anyt(&["task", "dep", "add", "DEV-2", "--on", "DEV-3"]).ok();
        sandbox.anyt(&["task", "dep", "rm", "DEV-2", "--on", "DEV-3", "--offline"]).ok();
        sandbox.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-3", "--status", "active", "--offline"]).ok();
        proxy.fault(When::ending(method, path), page());
        let run = sandbox.anyt(&["sync", "--no-input", "--resolve", "local"]).ok();
        let bob = server.bob();
        assert!(bob.task("DEV-1").is_none(), "{method}: it was to be deleted\n{run}");
        assert_eq!(bob.task("DEV-3").expect("live").text("status"), "active", "{method}\n{run}");
        let edges = bob.get(&(bob.tasks("DEV-2") + "/dependencies")).1;
        assert!(!json::to_string(&edges).contains("DEV-3"), "{method}: {}", json::to_string(&edges));
        assert_eq!((bob.all_tasks().len(), sandbox.pending()), (2, 0), "{method}\n{run}");
    }
    // All of the API is away, from the first write on.
    let (server, proxy, sandbox) = stage(1);
    sandbox.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
    let away = Arc::new(AtomicBool::new(false));
    let is_away = away.clone();
    proxy.fault(
        When::is(move |seen| {
            is_away.fetch_or(seen.method == "DELETE", Ordering::SeqCst);
            is_away.load(Ordering::SeqCst)
        })
        .always(),
        page(),
    );
    sandbox.anyt(&["sync", "--no-input"]).code(5);
    assert!(server.bob().task("DEV-1").is_some() && away.load(Ordering::SeqCst));
    assert_eq!(sandbox.pending(), 1, "the delete still waits");
    // A server that says so itself in pages is believed when the rest of it answers.
    let (server, proxy, sandbox) = stage(1);
    sandbox.anyt(&["task", "rm", "DEV-1", "--force", "--offline"]).ok();
    server.bob().delete(&server.bob().tasks("DEV-1"));
    proxy.fault(When::is(|seen| seen.target.ends_with("/tasks/DEV-1")).always(), page());
    sandbox.anyt(&["sync", "--push", "--no-input"]).ok();
    assert_eq!(sandbox.pending(), 0);
}

/// What was there once is asked for again at the next sync, not in a week.
#[test]
fn a_kind_that_was_there_is_not_given_up() {
    let (server, proxy, sandbox) = stage(2);
    let body = json::object([("depends_on", json::string("DEV-2"))]);
    assert_eq!(server.bob().post(&(server.bob().tasks("DEV-1") + "/dependencies"), &body).0, 201);
    proxy.fault(When::ending("GET", "/dependency-graph"), What::status(404, &[]));
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(sandbox.cached_task("DEV-1").items("depends_on").len(), 0);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(sandbox.cached_task("DEV-1").items("depends_on").len(), 1);
}

/// Synced once with a clock far ahead: the daily listing is due all the same when the clock is right again.
#[test]
fn a_mark_from_a_clock_that_was_ahead_has_expired() {
    let (_server, proxy, sandbox) = stage(2);
    sandbox.anyt(&["sync", "--no-input", "--force", "--yes"]).env("ANYT_CLOCK_SKEW", "34560000").ok();
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    let full = |one: &&common::proxy::Exchange| one.target.contains("/tasks?") && !one.target.contains("updated_after");
    assert_eq!(proxy.log().iter().filter(full).count(), 1, "not listed in full");
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(proxy.log().iter().filter(full).count(), 0);
}

/// Behind the end of a list some servers have no empty page but a refusal. There is no more, then.
#[test]
fn a_refused_offset_is_the_end() {
    for status in [422, 404] {
        let (_server, proxy, sandbox) = stage(25);
        proxy.hide("AnyTask-Capabilities");
        sandbox.configure("sync", json::object([("page_size", json::int(10))]));
        let behind = |target: &str| target.contains("offset=25") && !target.contains("updated_after");
        proxy.fault(When::is(move |seen| behind(seen.target)).always(), What::status(status, &[]));
        sandbox.anyt(&["sync", "--no-input", "--force", "--yes"]).ok();
        assert!(proxy.log().iter().any(|one| behind(&one.target)), "the question was not asked");
        assert_eq!(sandbox.cached_tasks().len(), 25, "{status}");
    }
}
