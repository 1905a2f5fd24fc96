//! The scripted server is as odd as it is told to be, and otherwise what api.md describes.

use crate::common::ALICE;
use crate::common::http::{self, Message};
use crate::common::json::{self, Look, Value};
use crate::common::scripted::{Bound, Errors, Order, Quirks, RetryAfter, Scripted, Shape, Times, Total};
use std::net::SocketAddr;

const TASKS: &str = "/v1/workspaces/7/tasks";

fn get(to: SocketAddr, target: &str) -> (u16, Value) {
    http::call(to, ALICE, "GET", target, None)
}

fn request(method: &str, target: &str, body: &str) -> Message {
    let headers = [("Host", "x"), ("Authorization", &format!("Bearer {ALICE}"))];
    Message {
        start: format!("{method} {target} HTTP/1.1"),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_string())).to_vec(),
        body: body.into(),
    }
}

fn titles(list: &Value) -> Vec<&str> {
    list.items("items").iter().map(|task| task.text("title")).collect()
}

#[test]
fn the_scripted_server_locks_and_deletes_as_api_md_says() {
    let server = Scripted::start(Quirks::c());
    let call = |method: &str, target: &str, body: &str| {
        let mut message = request(method, target, body).with_header("Connection", "close");
        message.headers.push(("If-Match".into(), "1".into()));
        let reply = http::exchange(server.address(), &message).unwrap();
        (reply.status(), json::try_parse(&reply.text()).unwrap_or_default())
    };
    let (status, task) = call("POST", TASKS, r#"{"title":"a","project_id":70,"labels":["x"],"description":null}"#);
    assert_eq!((status, task.text("identifier"), task.int("version")), (201, "DEV-1", 1));
    let one = format!("{TASKS}/DEV-1");
    let (status, task) = call("PATCH", &one, r#"{"status":"active","title":null}"#);
    assert_eq!((status, task.text("title"), task.text("status"), task.int("version")), (200, "a", "active", 2));
    let (status, problem) = call("PATCH", &one, r#"{"title":"late"}"#);
    assert_eq!((status, problem.int("current_version"), problem.int("provided_version")), (409, 2, 1));
    assert_eq!(call("DELETE", &one, "").0, 204);
    assert_eq!(call("GET", &one, "").0, 404);
    assert_eq!(call("GET", TASKS, "").1.int("total"), 0);
    assert_eq!(http::call(server.address(), "wrong", "GET", TASKS, None).0, 401);
}

#[test]
fn the_scripted_server_keeps_dependencies() {
    let server = Scripted::start(Quirks::c());
    for title in ["one", "two"] {
        server.add_task(&json::object([("title", json::string(title))]));
    }
    let body = json::parse(r#"{"depends_on":"DEV-2"}"#);
    let dependencies = format!("{TASKS}/DEV-1/dependencies");
    assert_eq!(http::call(server.address(), ALICE, "POST", &dependencies, Some(&body)).0, 201);
    assert_eq!(http::call(server.address(), ALICE, "POST", &dependencies, Some(&body)).0, 409);
    let graph = get(server.address(), "/v1/workspaces/7/dependency-graph").1;
    assert_eq!((graph.text("edges.0.from_task"), graph.text("edges.0.to_task")), ("DEV-1", "DEV-2"));
    assert_eq!(get(server.address(), &dependencies).1.text("0.identifier"), "DEV-2");
    assert_eq!(http::call(server.address(), ALICE, "DELETE", &format!("{dependencies}/DEV-2"), None).0, 204);
    assert_eq!(http::call(server.address(), ALICE, "DELETE", &format!("{dependencies}/DEV-2"), None).0, 404);
}

/// The answer to a list request under one quirk.
fn listed(change: impl FnOnce(&mut Quirks), target: &str) -> (u16, Value) {
    let mut quirks = Quirks::c();
    change(&mut quirks);
    let server = Scripted::start(quirks);
    for title in ["one", "two", "three"] {
        server.add_task(&json::object([("title", json::string(title))]));
    }
    server.delete_task("DEV-2");
    server.world().add_named("labels", &json::members([("name", json::string("bug"))]));
    get(server.address(), target)
}

#[test]
fn each_quirk_shows() {
    let total = |list: &Value| list.int("total");
    let labels = "/v1/workspaces/7/labels";
    assert_eq!(listed(|q| q.labels = None, labels).0, 404);
    assert_eq!(listed(|q| q.labels = Some(Shape::Array), labels).1.text("0.name"), "bug");
    assert_eq!(listed(|_| {}, labels).1.int("limit"), 50);
    let workspaces = "/v1/workspaces";
    assert_eq!(listed(|_| {}, workspaces).1.int("total_pages"), 1);
    assert_eq!(listed(|q| q.workspaces = Shape::Array, workspaces).1.text("0.identifier"), "DEV");
    assert_eq!(listed(|q| q.auth = false, "/v1/auth").0, 404);
    assert_eq!(total(&listed(|q| q.lists_tombstones = true, TASKS).1), 3);
    let page = listed(|q| q.page_cap = Some(1), &format!("{TASKS}?limit=100&offset=1")).1;
    assert_eq!((titles(&page), total(&page)), (vec!["three"], 2));
    let page_only = |q: &mut Quirks| (q.page_cap, q.total) = (Some(1), Total::PageOnly);
    assert_eq!(total(&listed(page_only, TASKS).1), 1);
    assert_eq!(listed(|q| q.limit_bound = Some(100), &format!("{TASKS}?limit=101")).0, 422);
    assert_eq!(titles(&listed(|q| q.order = Order::IdDescending, TASKS).1), ["three", "one"]);
    assert_eq!(listed(|q| q.refuses_unknown_query = true, &format!("{TASKS}?include_deleted=true")).0, 422);
    assert_eq!(listed(|_| {}, &format!("{TASKS}?include_deleted=true")).0, 200);
    assert_eq!(listed(|q| q.inprogress = true, &format!("{TASKS}?status=active")).0, 422);
    let since = format!("{TASKS}?updated_after=2025-10-16T10%3A00%3A03Z");
    assert_eq!(titles(&listed(|_| {}, &since).1), ["three"]);
    assert_eq!(titles(&listed(|q| q.updated_after = Bound::Exclusive, &since).1), Vec::<&str>::new());
    assert_eq!(titles(&listed(|q| q.ignores_filters = true, &since).1), ["one", "three"]);
    let created = |times| listed(|q| q.times = times, TASKS).1.text("items.0.created_at").to_string();
    assert_eq!(created(Times::NoZone), "2025-10-16T10:00:01.000000");
    assert_eq!(created(Times::Offset), "2025-10-16T12:00:01.000000+02:00");
    assert_eq!(created(Times::Millis), "2025-10-16T10:00:01.000Z");
    let bare = listed(|q| q.omits_optional = true, TASKS).1;
    assert!(["status", "priority", "labels", "description"].iter().all(|name| {
        matches!(bare.at(&format!("items.0.{name}")), Value::Null) && !json::to_string(&bare).contains(name)
    }));
    assert!(!json::to_string(&listed(|q| *q = Quirks::d(), TASKS).1).contains("\"labels\""));
    let throttled = listed(|q| q.throttle = Some((1, RetryAfter::Seconds(3))), TASKS);
    assert_eq!((throttled.0, throttled.1.int("status")), (429, 429));
    assert_eq!(
        listed(|q| (q.always, q.errors) = (Some(403), Errors::FastApi), TASKS).1.text("detail"),
        "so it was scripted"
    );
}

#[test]
fn a_post_repeated_with_its_key_has_one_effect_where_the_server_says_so() {
    for (honours, tasks) in [(true, 1), (false, 2)] {
        let server = Scripted::start(Quirks { idempotency: honours, ..Quirks::c() });
        let post = request("POST", TASKS, r#"{"title":"a","project_id":70}"#)
            .with_header("Idempotency-Key", "k")
            .with_header("Connection", "close");
        for _ in 0..2 {
            assert_eq!(http::exchange(server.address(), &post).unwrap().status(), 201);
        }
        assert_eq!(server.live_tasks().len(), tasks);
    }
}

#[test]
fn a_retry_date_is_an_http_date() {
    let server = Scripted::start(Quirks { throttle: Some((1, RetryAfter::Date(60))), ..Quirks::c() });
    let reply = http::exchange(server.address(), &request("GET", TASKS, "")).unwrap();
    let date = reply.header("retry-after").and_then(anyt::time::Timestamp::parse_http_date).expect("it is one");
    let ahead = date.0 - anyt::time::Timestamp::now().0;
    assert!((50_000_000..=60_000_000).contains(&ahead), "{ahead} µs ahead");
}
