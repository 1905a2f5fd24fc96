//! The client against servers of generations C and D of api.md, one oddity at a time: it pulls all there is, pulls
//! nothing twice, and its edits arrive once, on every one of them.

use crate::common::json::{self, Look, Value};
use crate::common::scripted::{Bound, Errors, Order, Quirks, RetryAfter, Scripted, Shape, Times, Total};
use crate::common::{ALICE, Sandbox};
use std::collections::BTreeMap;

/// More than one page of 50 or 100, so that paging is part of every test.
const TASKS: usize = 120;

fn stage(quirks: Quirks) -> (Scripted, Sandbox) {
    let server = Scripted::start(quirks);
    for number in 1..=TASKS {
        let priority = i64::try_from(number % 5).unwrap() - 2;
        let fields = [("title", json::string(format!("Task {number}"))), ("priority", json::int(priority))];
        server.add_task(&json::object(fields));
    }
    server.change_task("DEV-3", &json::parse(r#"{"status":"active","description":"Zeile eins\nline two 🦀"}"#));
    server.delete_task("DEV-4");
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&server.url(), ALICE);
    (server, sandbox)
}

#[track_caller]
fn assert_same(server: &Scripted, sandbox: &Sandbox) {
    let named = |tasks: Vec<Value>| -> BTreeMap<String, Value> {
        tasks.into_iter().map(|task| (task.text("identifier").to_string(), task)).collect()
    };
    let (cached, live) = (named(sandbox.cached_tasks()), named(server.live_tasks()));
    let missing: Vec<_> = live.keys().filter(|name| !cached.contains_key(*name)).collect();
    let surplus: Vec<_> = cached.keys().filter(|name| !live.contains_key(*name)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:?}, surplus {surplus:?}");
    for (identifier, task) in &live {
        for field in ["id", "number", "title", "description", "status", "priority", "version"] {
            let (ours, theirs) = (cached[identifier].at(field), task.at(field));
            let both = format!("{identifier} {field}: {} / {}", json::to_string(ours), json::to_string(theirs));
            assert!(json::same(ours, theirs), "{both}");
        }
    }
}

/// Pull, quiet, edit offline, push, a colleague's change, a colleague's deletion; equal after each.
#[track_caller]
fn works_with(quirks: Quirks) -> (Scripted, Sandbox) {
    let (server, sandbox) = stage(quirks);
    sandbox.anyt(&["sync"]).ok();
    assert_same(&server, &sandbox);
    let quiet = sandbox.anyt(&["sync"]).ok();
    assert!(!quiet.stdout.contains("Pulled") && !quiet.stdout.contains("Updated"), "{quiet}");

    sandbox.anyt(&["task", "create", "Made offline", "-p", "1", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-1", "--status", "active", "--offline"]).ok();
    sandbox.anyt(&["task", "rm", "DEV-2", "--force", "--offline"]).ok();
    sandbox.anyt(&["sync"]).ok();
    let made = server.live_tasks().iter().filter(|task| task.text("title") == "Made offline").count();
    assert_eq!(made, 1, "the task was created {made} times");
    assert_eq!(server.task("DEV-1").expect("it is there").text("status"), "active");
    assert!(server.task("DEV-2").is_none());
    assert_same(&server, &sandbox);

    server.change_task("DEV-5", &json::parse(r#"{"title":"Changed there"}"#));
    server.delete_task("DEV-6");
    sandbox.anyt(&["sync"]).ok();
    assert_same(&server, &sandbox);
    assert_eq!(sandbox.pending(), 0);
    (server, sandbox)
}

#[test]
fn generation_c() {
    works_with(Quirks::c());
}

#[test]
fn generation_d_without_labels() {
    let (_server, sandbox) = works_with(Quirks::d());
    let log = sandbox.anyt(&["sync"]).ok();
    assert!(log.stderr.is_empty(), "a kind the server does not have is skipped quietly\n{log}");
}

#[test]
fn generation_d_that_refuses_fields_it_does_not_know() {
    works_with(Quirks { refuses_unknown_fields: true, ..Quirks::d() });
}

#[test]
fn lists_as_bare_arrays() {
    let shape = Shape::Array;
    works_with(Quirks { workspaces: shape, projects: shape, members: Some(shape), labels: Some(shape), ..Quirks::c() });
}

#[test]
fn lists_with_limit_and_offset() {
    let shape = Shape::LimitOffset;
    works_with(Quirks { workspaces: shape, projects: shape, members: Some(shape), labels: Some(shape), ..Quirks::c() });
}

#[test]
fn lists_with_items_and_total_only() {
    let shape = Shape::ItemsTotal;
    works_with(Quirks { workspaces: shape, projects: shape, members: Some(shape), labels: Some(shape), ..Quirks::c() });
}

#[test]
fn lists_with_pages() {
    let shape = Shape::Pages;
    works_with(Quirks { labels: Some(shape), page_cap: Some(3), ..Quirks::c() });
}

#[test]
fn labels_arrive_from_pages_of_any_shape() {
    for shape in [Shape::Array, Shape::LimitOffset, Shape::Pages, Shape::ItemsTotal] {
        let (server, sandbox) = stage(Quirks { labels: Some(shape), page_cap: Some(2), ..Quirks::c() });
        for name in ["a", "b", "c", "d", "e"] {
            server.world().add_named("labels", &json::members([("name", json::string(name))]));
        }
        sandbox.anyt(&["sync"]).ok();
        let cache = rusqlite::Connection::open(sandbox.cache_db()).unwrap();
        let count: i64 = cache.query_row("SELECT count(*) FROM labels", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 5, "{shape:?}");
    }
}

#[test]
fn times_without_a_zone() {
    works_with(Quirks { times: Times::NoZone, ..Quirks::c() });
}

#[test]
fn times_with_an_offset() {
    works_with(Quirks { times: Times::Offset, ..Quirks::c() });
}

#[test]
fn times_in_milliseconds() {
    works_with(Quirks { times: Times::Millis, ..Quirks::c() });
}

#[test]
fn the_status_word_inprogress() {
    works_with(Quirks { inprogress: true, ..Quirks::c() });
}

#[test]
fn small_pages_cut_in_silence() {
    works_with(Quirks { page_cap: Some(10), ..Quirks::c() });
}

#[test]
fn large_limits_refused() {
    works_with(Quirks { limit_bound: Some(20), ..Quirks::c() });
}

#[test]
fn a_total_that_counts_the_page_only() {
    works_with(Quirks { total: Total::PageOnly, page_cap: Some(10), ..Quirks::c() });
}

#[test]
fn filters_and_sorting_ignored() {
    works_with(Quirks { ignores_filters: true, order: Order::IdDescending, ..Quirks::c() });
}

#[test]
fn lists_in_no_order() {
    works_with(Quirks { order: Order::Scrambled, page_cap: Some(10), ..Quirks::c() });
}

#[test]
fn updated_after_exclusive() {
    works_with(Quirks { updated_after: Bound::Exclusive, page_cap: Some(10), ..Quirks::c() });
}

#[test]
fn updated_after_ignored() {
    works_with(Quirks { updated_after: Bound::Ignored, ..Quirks::c() });
}

#[test]
fn tombstones_in_lists() {
    works_with(Quirks { lists_tombstones: true, ..Quirks::c() });
}

#[test]
fn optional_fields_left_out() {
    works_with(Quirks { omits_optional: true, ..Quirks::c() });
    works_with(Quirks { omits_optional: true, ..Quirks::d() });
}

#[test]
fn unknown_query_parameters_refused() {
    works_with(Quirks { refuses_unknown_query: true, ..Quirks::c() });
}

#[test]
fn no_auth_no_members_no_graph() {
    works_with(Quirks { auth: false, members: None, graph: false, ..Quirks::d() });
}

#[test]
fn if_match_not_looked_at() {
    works_with(Quirks { ignores_if_match: true, ..Quirks::c() });
}

#[test]
fn idempotency_keys_honoured() {
    works_with(Quirks { idempotency: true, ..Quirks::c() });
}

#[test]
fn errors_in_every_wording() {
    for errors in [Errors::Problem, Errors::FastApi, Errors::Older, Errors::Html] {
        works_with(Quirks { errors, labels: None, ..Quirks::c() });
    }
}

#[test]
fn retry_after_in_both_forms_is_waited_for() {
    for form in [RetryAfter::Seconds(1), RetryAfter::Date(1)] {
        let (server, sandbox) = stage(Quirks::c());
        server.world().quirks.throttle = Some((2, form));
        sandbox.anyt(&["sync"]).ok();
        assert_same(&server, &sandbox);
    }
}

/// Labels of a task are a matter between us and a server that has them.
#[test]
fn labels_of_a_task_go_out_and_come_back() {
    let (server, sandbox) = stage(Quirks::c());
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "update", "DEV-1", "--labels", "bug,ui", "--offline"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(json::to_string(server.task("DEV-1").expect("it is there").at("labels")), r#"["bug","ui"]"#);
    server.change_task("DEV-1", &json::parse(r#"{"labels":["api"]}"#));
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(json::to_string(sandbox.cached_task("DEV-1").at("labels")), r#"["api"]"#);
}

#[test]
fn a_dependency_arrives_and_leaves() {
    let (server, sandbox) = stage(Quirks::c());
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-3", "--offline"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(server.world().edges, [("DEV-1".to_string(), "DEV-3".to_string())]);
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "dep", "rm", "DEV-1", "--on", "DEV-3", "--offline"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(server.world().edges, []);
}

/// The servers of three published clients (docs/api.md 2.19).
fn published() -> [(&'static str, Quirks); 3] {
    [("0.5.0", Quirks::v0_5()), ("0.9.1", Quirks::v0_9_1()), ("0.11.3", Quirks::v0_11_3())]
}

#[test]
fn the_servers_of_three_published_clients() {
    for (_, quirks) in published() {
        works_with(quirks);
    }
}

/// Name and description of each, by name, on the server and in the cache.
fn named(server: &Scripted, sandbox: &Sandbox, word: &str, collection: &str) -> (Vec<String>, Vec<String>) {
    let lines = |all: Vec<Value>| {
        let text = |one: &Value| json::as_text(one.at("description")).unwrap_or("").to_string();
        let mut lines: Vec<String> = all.iter().map(|one| format!("{}: {}", one.text("name"), text(one))).collect();
        lines.sort();
        lines
    };
    let served = server.world().all_named(collection).iter().cloned().map(Value::Object).collect();
    let cached = sandbox.anyt(&[word, "list", "--json"]).ok().json().items("data.items").to_vec();
    (lines(served), lines(cached))
}

fn id_of(server: &Scripted, collection: &str, name: &str) -> String {
    let mut world = server.world();
    let found = world.all_named(collection).iter().find(|one| json::as_text(&one["name"]) == Some(name));
    json::as_int(&found.expect("it is there")["id"]).expect("a number").to_string()
}

/// Theirs comes, ours goes, changes go both ways, deletes too; after each both sides are the same, and a quiet sync is one.
#[track_caller]
fn names_work(server: &Scripted, sandbox: &Sandbox, word: &str, collection: &str) {
    let synced = |wanted: &[&str]| {
        sandbox.anyt(&["sync"]).ok();
        let (served, cached) = named(server, sandbox, word, collection);
        let main = |line: &&String| !line.starts_with("Main");
        assert_eq!(served, cached, "{word}");
        assert_eq!(served.iter().filter(main).collect::<Vec<_>>(), wanted, "{word}");
    };
    let fields = |name: &str, text: &str| json::members([(name, json::string(text))]);
    server.world().add_named(collection, &fields("name", "Theirs"));
    server.world().add_named(collection, &fields("name", "Short-lived"));
    synced(&["Short-lived: ", "Theirs: "]);
    sandbox.anyt(&[word, "create", "Ours", "--offline"]).ok();
    sandbox.anyt(&[word, "update", "Theirs", "--description", "by us", "--offline"]).ok();
    synced(&["Ours: ", "Short-lived: ", "Theirs: by us"]);
    let id = id_of(server, collection, "Ours");
    server.world().change_named(collection, &id, &fields("description", "by them")).expect("it is there");
    synced(&["Ours: by them", "Short-lived: ", "Theirs: by us"]);
    // Not one that we wrote a moment ago: a list may be behind by seconds, and is not believed so soon (O3).
    let id = id_of(server, collection, "Short-lived");
    server.world().delete_named(collection, &id).expect("it is there");
    for name in ["Theirs", "Ours"] {
        sandbox.anyt(&[word, "rm", name, "--force", "--offline"]).ok();
    }
    synced(&[]);
    let quiet = sandbox.anyt(&["sync"]).ok();
    assert!(!quiet.stdout.contains("Pulled") && quiet.stderr.is_empty(), "{quiet}");
}

/// The same of comments, which come with a change of their task.
#[track_caller]
fn comments_work(server: &Scripted, sandbox: &Sandbox) {
    let synced = |wanted: &[&str]| {
        sandbox.anyt(&["sync"]).ok();
        let line = |one: &json::Object| {
            let text = |name: &str| json::as_text(&one[name]).unwrap_or_default().to_string();
            format!("#{} {}: {}", json::as_int(&one["id"]).expect("a number"), text("author_id"), text("content"))
        };
        let served: Vec<String> = server.world().comments.iter().map(line).collect();
        let contents = |line: &String| line.split_once(' ').map_or_else(String::new, |(_, rest)| rest.to_string());
        assert_eq!(served, sandbox.comments("DEV-1"));
        assert_eq!(served.iter().map(contents).collect::<Vec<_>>(), wanted);
    };
    let number = |at: usize| json::as_int(&server.world().comments[at]["id"]).expect("a number").to_string();
    server.world().comment("DEV-1", "bob", json::string("Theirs"));
    server.world().comment("DEV-1", "bob", json::string("Short-lived"));
    server.change_task("DEV-1", &json::parse(r#"{"priority":1}"#));
    synced(&["bob: Theirs", "bob: Short-lived"]);
    sandbox.anyt(&["comment", "add", "DEV-1", "-m", "Ours", "--offline"]).ok();
    sandbox.anyt(&["comment", "add", "DEV-1", "-m", "Ours too", "--offline"]).ok();
    synced(&["bob: Theirs", "bob: Short-lived", "alice: Ours", "alice: Ours too"]);
    sandbox.anyt(&["comment", "edit", "DEV-1", &number(2), "-m", "Changed", "--offline"]).ok();
    sandbox.anyt(&["comment", "rm", "DEV-1", &number(3), "--force", "--offline"]).ok();
    synced(&["bob: Theirs", "bob: Short-lived", "alice: Changed"]);
    let first = number(0);
    server.world().edit_comment(&first, json::string("Theirs, changed")).expect("it is there");
    server.world().comments.remove(1);
    server.change_task("DEV-1", &json::parse(r#"{"priority":2}"#));
    synced(&["bob: Theirs, changed", "alice: Changed"]);
}

#[test]
fn projects_labels_and_comments_on_the_servers_of_three_published_clients() {
    for (version, quirks) in published() {
        let has_labels = quirks.labels.is_some();
        let (server, sandbox) = stage(quirks);
        sandbox.anyt(&["sync"]).ok();
        names_work(&server, &sandbox, "project", "projects");
        comments_work(&server, &sandbox);
        if has_labels {
            names_work(&server, &sandbox, "label", "labels");
            continue;
        }
        // What it lacks is refused at once, asked for no more, and not spoken of.
        let asked = || server.requests().iter().filter(|request| request.target().contains("/labels")).count();
        let before = asked();
        sandbox.anyt(&["label", "create", "bug", "--offline"]).code(1).warns("has no labels");
        let run = sandbox.anyt(&["sync"]).ok();
        assert!(run.stderr.is_empty() && asked() == before && sandbox.pending() == 0, "{version}\n{run}");
    }
}
