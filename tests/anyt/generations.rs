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
        server.world().labels = ["a", "b", "c", "d", "e"].map(String::from).to_vec();
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
