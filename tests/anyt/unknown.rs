//! What a later server says of its rows, and this version does not know: it is kept and shown to programs, it survives what
//! is done here, and it is never sent.

use crate::common::json::{self, Look, Value};
use crate::common::scripted::{Quirks, Scripted};
use crate::common::{ALICE, Sandbox};

fn risk(level: i64) -> Value {
    json::object([("level", json::int(level)), ("words", json::string("über \u{1b}[31m"))])
}

fn set(server: &Scripted, name: &str, value: Value) {
    let mut world = server.world();
    let id = world.find("DEV-1").expect("it is there");
    world.tasks.get_mut(&id).expect("it is there").insert(name.into(), value);
}

#[test]
fn members_of_a_later_server_are_kept_and_shown() {
    let server = Scripted::start(Quirks { comments: true, ..Quirks::c() });
    server.add_task(&json::object([("title", json::string("One"))]));
    set(&server, "risk", risk(3));
    set(&server, "nothing", Value::Null);
    let mut comment = server.world().comment("DEV-1", "alice", json::string("Text"));
    comment.insert("reactions".into(), json::array([json::string("+1")]));
    server.world().comments = vec![comment];
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&server.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    let shown = || sandbox.cached_task("DEV-1");
    assert!(json::same(shown().at("risk"), &risk(3)), "{}", json::to_string(&shown()));
    assert!(!json::to_string(&shown()).contains("nothing"));
    let raw = sandbox.anyt(&["task", "show", "DEV-1", "--json"]).ok();
    assert!(!raw.stdout.contains('\u{1b}'), "{raw}");
    let comments = sandbox.anyt(&["comment", "list", "DEV-1", "--json"]).ok().json();
    assert_eq!(comments.text("data.items.0.reactions.0"), "+1");
    assert!(json::same(sandbox.cached_tasks()[0].at("risk"), &risk(3)));

    // It stays through work that waits, and is not sent with it.
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--offline"]).ok();
    assert!(json::same(shown().at("risk"), &risk(3)));
    sandbox.anyt(&["sync"]).ok();
    assert!(json::same(shown().at("risk"), &risk(3)) && shown().text("title") == "Mine");
    let sent = server.requests().into_iter().filter(|request| request.method() == "PATCH");
    assert!(sent.map(|request| request.text()).all(|body| !body.contains("risk")));

    // With a change of the row another value comes; without one it comes with a listing of everything, and is no news.
    server.change_task("DEV-1", &json::parse(r#"{"risk":{"level":4}}"#));
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(shown().int("risk.level"), 4);
    set(&server, "risk", risk(5));
    let full = sandbox.anyt(&["sync", "--full"]).ok();
    assert_eq!(shown().int("risk.level"), 5);
    assert!(!full.stdout.contains("Pulled"), "{full}");
    set(&server, "risk", Value::Null);
    sandbox.anyt(&["sync", "--full"]).ok();
    assert!(matches!(shown().at("risk"), Value::Null));
}

/// What every server that is known says beside the fields costs no byte: a null, the workspace and the project once more.
#[test]
fn a_server_without_them_costs_nothing() {
    let (_server, _proxy, sandbox) = crate::common::synced(&["One", "Two"]);
    let cache = rusqlite::Connection::open(sandbox.cache_db()).expect("the cache");
    let kept: i64 = cache.query_row("SELECT count(unknown) FROM tasks", [], |row| row.get(0)).expect("SQL");
    assert_eq!(kept, 0);
}
