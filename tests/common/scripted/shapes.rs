//! How the scripted server words what it knows: task fields by generation, list wrappings, times, errors.

use super::super::http::Message;
use super::super::json::{self, Look, Object, Value};
use super::quirks::{Errors, Generation, Quirks, RetryAfter, Shape, Times, Total};
use super::world::{WORKSPACE, World};
use anyt::time::Timestamp;
use std::time::Duration;

/// Fields that generation C has and D has not, and the reverse (api.md 3.3).
pub const ONLY_C: [&str; 3] = ["labels", "estimate", "goal_id"];
pub const ONLY_D: [&str; 1] = ["checklist"];

pub fn task(quirks: &Quirks, stored: &Object) -> Value {
    let hidden: &[&str] = if quirks.generation == Generation::C { &ONLY_D } else { &ONLY_C };
    let mut shown = stored.clone();
    hidden.iter().for_each(|name| drop(shown.remove(*name)));
    if quirks.inprogress && json::as_text(&shown["status"]) == Some("active") {
        shown.insert("status".into(), json::string("inprogress"));
    }
    finished(quirks, shown)
}

/// Times in the server's form, and optional members left out where that is its way.
pub fn finished(quirks: &Quirks, mut members: Object) -> Value {
    for (name, value) in members.iter_mut().filter(|(name, _)| name.ends_with("_at")) {
        if let Some(instant) = json::as_text(value).and_then(Timestamp::parse) {
            let _ = name;
            *value = json::string(time(quirks.times, instant));
        }
    }
    if quirks.omits_optional {
        let is_default = |name: &str, value: &Value| match (name, value) {
            (_, Value::Null) => true,
            ("status", Value::String(word)) => word == "backlog",
            ("assignee_type", Value::String(word)) => word == "human",
            ("priority", value) => json::as_int(value) == Some(0),
            ("labels", Value::Array(labels)) => labels.is_empty(),
            _ => false,
        };
        members = members.into_iter().filter(|(name, value)| !is_default(name, value)).collect();
    }
    Value::Object(members)
}

pub fn time(form: Times, instant: Timestamp) -> String {
    let zulu = instant.rfc3339();
    let bare = zulu.trim_end_matches('Z');
    match form {
        Times::Zulu => zulu,
        Times::NoZone => bare.into(),
        Times::Millis => format!("{}Z", &bare[..23]),
        Times::Offset => {
            let there = instant.plus(Duration::from_secs(2 * 3600)).rfc3339();
            format!("{}+02:00", there.trim_end_matches('Z'))
        }
    }
}

pub fn workspace(world: &World) -> Value {
    let members = json::object([
        ("id", json::int(WORKSPACE)),
        ("name", json::string("Scripted")),
        ("identifier", json::string("DEV")),
        ("description", Value::Null),
        ("owner_id", json::string("alice")),
        ("task_counter", json::int(world.counter)),
        ("created_at", json::string("2025-01-01T00:00:00Z")),
        ("updated_at", json::string("2025-01-01T00:00:00Z")),
        ("deleted_at", Value::Null),
    ]);
    finished_value(&world.quirks, members)
}

/// A project or a label.
pub fn named(quirks: &Quirks, stored: &Object) -> Value {
    match (finished(quirks, stored.clone()), quirks.omits_optional) {
        (Value::Object(mut members), true) => {
            members.remove("status");
            Value::Object(members)
        }
        (members, _) => members,
    }
}

pub fn member() -> Value {
    json::object([
        ("workspace_id", json::int(WORKSPACE)),
        ("user_id", json::string("alice")),
        ("role", json::string("maintainer")),
        ("created_at", json::string("2025-01-01T00:00:00Z")),
    ])
}

fn finished_value(quirks: &Quirks, members: Value) -> Value {
    match members {
        Value::Object(members) => finished(quirks, members),
        other => other,
    }
}

/// What part of a list is asked for.
pub struct Window {
    pub limit: usize,
    pub offset: usize,
}

/// A list in its wrapping, cut to the window and the server's own cap.
pub fn list(quirks: &Quirks, shape: Shape, items: Vec<Value>, window: &Window) -> Value {
    let all = items.len();
    let limit = window.limit.min(quirks.page_cap.unwrap_or(usize::MAX));
    let page: Vec<Value> = items.into_iter().skip(window.offset).take(limit).collect();
    let total = if quirks.total == Total::AllMatches { all } else { page.len() };
    let number = |count: usize| json::int(i64::try_from(count).unwrap_or(i64::MAX));
    let mut members = vec![("total", number(total))];
    match shape {
        Shape::Array => return json::array(page),
        Shape::ItemsTotal => {}
        Shape::LimitOffset => members.extend([("limit", number(limit)), ("offset", number(window.offset))]),
        Shape::Pages => members.extend([
            ("page", number(window.offset / limit.max(1) + 1)),
            ("per_page", number(limit)),
            ("total_pages", number(total.div_ceil(limit.max(1)))),
        ]),
    }
    members.push(("items", json::array(page)));
    json::object(members)
}

/// A refusal in the server's wording.
pub fn refusal(quirks: &Quirks, status: u16, detail: &str) -> Message {
    let title = json::string(format!("Status {status}"));
    let text = json::string(detail);
    let number = json::int(i64::from(status));
    match quirks.errors {
        Errors::Problem => {
            let members =
                [("type", json::string("about:blank")), ("title", title), ("status", number), ("detail", text)];
            Message::reply(status, "application/problem+json", json::to_string(&json::object(members)))
        }
        Errors::FastApi if status == 422 => {
            let location = json::array([json::string("body"), json::int(0)]);
            let error = json::object([("loc", location), ("msg", text), ("type", json::string("value_error"))]);
            Message::json(status, &json::object([("detail", json::array([error]))]))
        }
        Errors::FastApi => Message::json(status, &json::object([("detail", text)])),
        Errors::Older => {
            let members = [("error", title), ("message", text), ("code", json::string("REFUSED"))];
            Message::json(status, &json::object(members))
        }
        Errors::Html => Message::reply(status, "text/html", format!("<html><body>{status}: {detail}</body></html>")),
    }
}

/// 409 for a version that is not the current one.
pub fn version_conflict(quirks: &Quirks, current: i64, provided: i64) -> Message {
    let mut reply = refusal(quirks, 409, "the task was changed meanwhile");
    if quirks.errors == Errors::Problem
        && let Value::Object(mut members) = json::parse(&reply.text())
    {
        let more = [("current_version", json::int(current)), ("provided_version", json::int(provided))];
        members.extend(more.map(|(name, value)| (name.to_string(), value)));
        members.insert("conflicts".into(), Value::Null);
        reply.body = json::to_string(&Value::Object(members)).into_bytes();
    }
    reply
}

pub fn retry_after(form: RetryAfter) -> String {
    match form {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Date(seconds) => http_date(Timestamp::now().plus(Duration::from_secs(seconds.into()))),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(instant: Timestamp) -> String {
    let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = instant.rfc3339();
    let weekday = usize::try_from(instant.0.div_euclid(86_400_000_000).rem_euclid(7)).expect("0 to 6");
    let month = text[5..7].parse::<usize>().expect("a month is a number");
    format!("{}, {} {} {} {} GMT", days[weekday], &text[8..10], months[month - 1], &text[..4], &text[11..19])
}

/// An answer of `GET …/dependency-graph`.
pub fn graph(world: &World) -> Value {
    let live = world.tasks.values().filter(|stored| super::world::is_live(stored));
    let nodes = live.map(|stored| {
        let shown = Value::Object(stored.clone());
        json::object([
            ("id", json::string(shown.text("identifier"))),
            ("title", json::string(shown.text("title"))),
            ("status", json::string(shown.text("status"))),
            ("priority", json::int(shown.int("priority"))),
        ])
    });
    let edges = world.edges.iter().map(|(task, on)| {
        let members =
            [("from_task", json::string(task)), ("to_task", json::string(on)), ("blocking", Value::Bool(true))];
        json::object(members)
    });
    json::object([("nodes", json::array(nodes)), ("edges", json::array(edges))])
}
