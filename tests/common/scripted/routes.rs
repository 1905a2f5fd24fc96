//! Which request means what to the scripted server, and who may make it.

use super::super::http::{self, Message};
use super::super::json::{self, Look, Object, Value};
use super::quirks::{Quirks, Shape};
use super::shapes::{self, Window};
use super::world::{Selection, WORKSPACE, World};
use anyt::time::Timestamp;

/// Query parameters of a task list (api.md 2.5).
const TASK_PARAMETERS: [&str; 17] = [
    "project",
    "status",
    "priority",
    "priority_gte",
    "priority_lte",
    "owner",
    "creator",
    "labels",
    "parent",
    "created_after",
    "updated_after",
    "completed_after",
    "completed_before",
    "limit",
    "offset",
    "sort_by",
    "order",
];

type Query = Vec<(String, String)>;

pub fn answer(world: &mut World, request: &Message) -> Message {
    let path = request.target().split('?').next().unwrap_or_default().to_string();
    if path == "/health" || path == "/v1/health" {
        let now = json::string(world.clock.rfc3339());
        let text = ["healthy", "1", "ok"].map(json::string);
        let [status, version, database] = text;
        let members = [("status", status), ("timestamp", now), ("version", version), ("database", database)];
        return Message::json(200, &json::object(members));
    }
    if let Some(refused) = turn_away(world, request) {
        return refused;
    }
    let key = request.header("Idempotency-Key").filter(|_| request.method() == "POST").map(str::to_string);
    if let Some((status, body)) = key.as_ref().and_then(|key| world.answered.get(key)) {
        return Message::json(*status, body);
    }
    let reply = route(world, request, &path);
    if let Some(key) = key.filter(|_| world.quirks.idempotency && reply.status() < 300) {
        world.answered.insert(key, (reply.status(), json::parse(&reply.text())));
    }
    reply
}

/// Throttling, outages, and 401.
fn turn_away(world: &mut World, request: &Message) -> Option<Message> {
    if let Some(status) = world.quirks.always {
        return Some(shapes::refusal(&world.quirks, status, "so it was scripted"));
    }
    if let Some((left @ 1.., form)) = &mut world.quirks.throttle {
        *left -= 1;
        let wait = shapes::retry_after(*form);
        return Some(shapes::refusal(&world.quirks, 429, "slow down").with_header("Retry-After", &wait));
    }
    let bearer = request.header("Authorization").and_then(|value| value.strip_prefix("Bearer "));
    let credential = request.header("X-API-Key").or(bearer).unwrap_or_default();
    let known = world.quirks.tokens.iter().any(|token| token == credential);
    (!known).then(|| shapes::refusal(&world.quirks, 401, "not authenticated"))
}

fn route(world: &mut World, request: &Message, path: &str) -> Message {
    let query = http::query(request.target());
    let steps: Vec<String> = path.split('/').filter(|step| !step.is_empty()).map(http::decoded).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let [first, rest @ ..] = &steps[..] else { return Message::json(200, &json::object([])) };
    match (*first, rest) {
        ("v1", ["auth"]) if world.quirks.auth => Message::json(
            200,
            &json::object([
                ("user_id", json::string("alice")),
                ("email", Value::Null),
                ("role", json::string("contributor")),
                ("authenticated", Value::Bool(true)),
            ]),
        ),
        ("v1", ["workspaces"]) if request.method() == "GET" => {
            let items = vec![shapes::workspace(world)];
            paged(&world.quirks, world.quirks.workspaces, items, &query)
        }
        ("v1", ["workspaces", id, rest @ ..]) if *id == WORKSPACE.to_string() => {
            in_workspace(world, request, rest, &query)
        }
        _ => not_found(&world.quirks),
    }
}

fn in_workspace(world: &mut World, request: &Message, rest: &[&str], query: &Query) -> Message {
    let quirks = world.quirks.clone();
    match (request.method(), rest) {
        ("GET", []) => Message::json(200, &shapes::workspace(world)),
        ("GET", ["members"]) => match quirks.members {
            Some(shape) => paged(&quirks, shape, vec![shapes::member()], query),
            None => not_found(&quirks),
        },
        (_, ["projects", rest @ ..]) => named(world, request, "projects", quirks.projects, rest, query),
        (_, ["labels", rest @ ..]) => match quirks.labels {
            Some(shape) => named(world, request, "labels", shape, rest, query),
            None => not_found(&quirks),
        },
        ("GET", ["dependency-graph"]) if quirks.graph => Message::json(200, &shapes::graph(world)),
        (_, ["comments", id]) if quirks.comments && quirks.generation == super::quirks::Generation::C => {
            one_comment(world, request, id)
        }
        (_, ["attempts", id, rest @ ..]) if quirks.attempts => one_attempt(world, request, id, rest),
        ("GET", ["tasks"]) => list_tasks(world, query),
        ("POST", ["tasks"]) => create_task(world, request),
        (_, ["tasks", identifier, rest @ ..]) => match world.find(identifier) {
            Some(id) => one_task(world, request, id, rest),
            None => not_found(&quirks),
        },
        _ => not_found(&quirks),
    }
}

/// Projects and labels.
fn named(
    world: &mut World,
    request: &Message,
    collection: &str,
    shape: Shape,
    rest: &[&str],
    query: &Query,
) -> Message {
    let quirks = world.quirks.clone();
    let shown = |one: &Object| shapes::named(&quirks, one);
    let body = || match json::try_parse(&request.text()) {
        Some(Value::Object(fields)) => fields,
        _ => Object::new(),
    };
    let answer = |found: Option<Object>| match found {
        Some(one) => Message::json(200, &shown(&one)),
        None => not_found(&quirks),
    };
    match (request.method(), rest) {
        ("GET", []) => paged(&quirks, shape, world.all_named(collection).iter().map(shown).collect(), query),
        ("POST", []) => Message::json(201, &shown(&world.add_named(collection, &body()))),
        // No client has read a label alone since 0.2.0 (api.md 2.7).
        ("GET", [id]) if collection == "projects" => {
            let found = world.projects.iter().find(|one| json::as_int(&one["id"]) == id.parse().ok());
            answer(found.cloned())
        }
        ("PATCH", [id]) => answer(world.change_named(collection, id, &body())),
        ("DELETE", [id]) => match world.delete_named(collection, id) {
            Some(_) if collection == "labels" => Message::reply(204, "application/json", ""),
            Some(gone) => {
                let counts = [("tasks_deleted", json::int(0)), ("failed_tasks", json::int(0))];
                let told = [("deleted", Value::Bool(true)), ("project_id", gone["id"].clone())];
                Message::json(200, &json::object(told.into_iter().chain(counts).collect::<Vec<_>>()))
            }
            None => not_found(&quirks),
        },
        _ => not_found(&quirks),
    }
}

fn list_tasks(world: &World, query: &Query) -> Message {
    let quirks = &world.quirks;
    let foreign = query.iter().find(|(name, _)| !TASK_PARAMETERS.contains(&name.as_str()));
    if let Some((name, _)) = foreign.filter(|_| quirks.refuses_unknown_query) {
        return shapes::refusal(quirks, 422, &format!("unknown query parameter {name}"));
    }
    let words: Vec<String> =
        value(query, "status").map(|all| all.split(',').map(str::to_string).collect()).unwrap_or_default();
    if let Some(word) = words.iter().find(|word| !knows_status(quirks, word)) {
        return shapes::refusal(quirks, 422, &format!("{word} is no status"));
    }
    let updated_after = match value(query, "updated_after").map(|text| (text, Timestamp::parse(text))) {
        Some((text, None)) => return shapes::refusal(quirks, 422, &format!("{text} is no time")),
        parsed => parsed.and_then(|(_, instant)| instant),
    };
    let selection = Selection {
        status: words.iter().map(|word| anyt::model::task::canonical_status(word).to_string()).collect(),
        updated_after,
        sort_by: value(query, "sort_by").unwrap_or("id").into(),
        descending: value(query, "order") == Some("desc"),
    };
    let items = world.select(&selection).into_iter().map(|stored| shapes::task(quirks, stored)).collect();
    paged(quirks, Shape::ItemsTotal, items, query)
}

/// A window of a list by `limit`/`offset` or `page`/`per_page`, whichever the shape has.
fn paged(quirks: &Quirks, shape: Shape, items: Vec<Value>, query: &Query) -> Message {
    let number = |name: &str| value(query, name).and_then(|text| text.parse::<usize>().ok());
    let size = if shape == Shape::Pages { number("per_page") } else { number("limit") };
    if quirks.limit_bound.is_some_and(|bound| size.unwrap_or(0) > bound) {
        return shapes::refusal(quirks, 422, "limit is too large");
    }
    let limit = size.unwrap_or(50);
    let cut = limit.min(quirks.page_cap.unwrap_or(usize::MAX));
    let offset = match shape {
        Shape::Pages => number("page").unwrap_or(1).saturating_sub(1) * cut,
        // A bare array never comes in pages.
        Shape::Array => return Message::json(200, &json::array(items)),
        _ => number("offset").unwrap_or(0),
    };
    Message::json(200, &shapes::list(quirks, shape, items, &Window { limit, offset }))
}

fn create_task(world: &mut World, request: &Message) -> Message {
    let quirks = world.quirks.clone();
    let fields = match fields(&quirks, request) {
        Ok(fields) => fields,
        Err(refused) => return refused,
    };
    if !matches!(fields.get("title"), Some(Value::String(_))) || !fields.contains_key("project_id") {
        return shapes::refusal(&quirks, 422, "title and project_id are required");
    }
    let id = world.create(&fields);
    Message::json(201, &shapes::task(&quirks, &world.tasks[&id]))
}

fn one_task(world: &mut World, request: &Message, id: i64, rest: &[&str]) -> Message {
    let quirks = world.quirks.clone();
    match (request.method(), rest) {
        ("GET", []) => Message::json(200, &shapes::task(&quirks, &world.tasks[&id])),
        ("PATCH", []) => {
            let current = json::as_int(&world.tasks[&id]["version"]).unwrap_or(0);
            let provided = request.header("If-Match").and_then(|text| text.parse::<i64>().ok());
            if let Some(stale) = provided.filter(|version| !quirks.ignores_if_match && *version != current) {
                return shapes::version_conflict(&quirks, current, stale);
            }
            match fields(&quirks, request) {
                Ok(fields) => world.update(id, &fields),
                Err(refused) => return refused,
            }
            Message::json(200, &shapes::task(&quirks, &world.tasks[&id]))
        }
        ("DELETE", []) => {
            world.delete(id);
            Message::reply(204, "application/json", "")
        }
        (method, ["comments", rest @ ..]) if quirks.comments => {
            let task = Value::Object(world.tasks[&id].clone()).text("identifier").to_string();
            match (method, rest) {
                ("GET", []) => {
                    let all = world.comments.iter().filter(|one| json::as_text(&one["task_id"]) == Some(&task));
                    let all: Vec<Value> = all.cloned().map(Value::Object).collect();
                    let total = json::int(all.len() as i64);
                    Message::json(200, &json::object([("comments", json::array(all)), ("total", total)]))
                }
                ("POST", []) => {
                    let body = json::try_parse(&request.text()).unwrap_or(Value::Null);
                    let comment = world.comment(&task, "alice", body.at("content").clone());
                    Message::json(201, &Value::Object(comment))
                }
                (_, [id]) if quirks.generation == super::quirks::Generation::D => one_comment(world, request, id),
                _ => not_found(&quirks),
            }
        }
        ("GET", ["attempts"]) if quirks.attempts => Message::json(200, &below(&world.attempts, "task_id", id)),
        ("POST", ["attempts", "start"]) if quirks.attempts => {
            let body = json::try_parse(&request.text()).unwrap_or(Value::Null);
            let attempt = world.attempt(id, body.at("notes").clone());
            Message::json(201, &Value::Object(attempt))
        }
        (method, ["dependencies", rest @ ..]) => dependencies(world, request, method, id, rest),
        _ => not_found(&quirks),
    }
}

/// Those that have this id in a field, as a list, the newest first.
fn below(all: &[Object], field: &str, id: i64) -> Value {
    let found = all.iter().rev().filter(|one| json::as_int(&one[field]) == Some(id));
    let items: Vec<Value> = found.cloned().map(Value::Object).collect();
    let total = json::int(items.len() as i64);
    json::object([("items", json::array(items)), ("total", total)])
}

fn one_attempt(world: &mut World, request: &Message, id: &str, rest: &[&str]) -> Message {
    let quirks = world.quirks.clone();
    let body = json::try_parse(&request.text()).unwrap_or(Value::Null);
    let id = id.parse().ok();
    let Some(at) = world.attempts.iter().position(|one| json::as_int(&one["id"]) == id) else {
        return not_found(&quirks);
    };
    let (id, Value::Object(fields)) = (id.unwrap_or(0), &body) else {
        return match (request.method(), rest) {
            ("GET", []) => Message::json(200, &Value::Object(world.attempts[at].clone())),
            ("GET", ["artifacts"]) => Message::json(200, &below(&world.artifacts, "attempt_id", id.unwrap_or(0))),
            _ => not_found(&quirks),
        };
    };
    match (request.method(), rest) {
        ("PATCH", []) => {
            let attempt = &mut world.attempts[at];
            attempt.extend(fields.clone());
            Message::json(200, &Value::Object(attempt.clone()))
        }
        ("POST", ["artifacts"]) => Message::json(201, &Value::Object(world.artifact(id, fields))),
        _ => not_found(&quirks),
    }
}

fn one_comment(world: &mut World, request: &Message, id: &str) -> Message {
    let quirks = world.quirks.clone();
    match request.method() {
        "PATCH" => {
            let body = json::try_parse(&request.text()).unwrap_or(Value::Null);
            match world.edit_comment(id, body.at("content").clone()) {
                Some(comment) => Message::json(200, &Value::Object(comment)),
                None => not_found(&quirks),
            }
        }
        "DELETE" => {
            let before = world.comments.len();
            world.comments.retain(|comment| json::as_int(&comment["id"]) != id.parse().ok());
            if world.comments.len() == before {
                not_found(&quirks)
            } else {
                Message::reply(204, "application/json", "")
            }
        }
        _ => not_found(&quirks),
    }
}

fn dependencies(world: &mut World, request: &Message, method: &str, id: i64, rest: &[&str]) -> Message {
    let quirks = world.quirks.clone();
    let task = Value::Object(world.tasks[&id].clone()).text("identifier").to_string();
    match (method, rest) {
        ("GET", []) => {
            let on = world.edges.iter().filter(|(from, _)| *from == task).filter_map(|(_, to)| world.find(to));
            Message::json(200, &json::array(on.map(|id| shapes::task(&quirks, &world.tasks[&id]))))
        }
        ("POST", []) => {
            let body = json::try_parse(&request.text()).unwrap_or(Value::Null);
            let on = json::as_text(body.at("depends_on")).unwrap_or_default().to_string();
            if world.find(&on).is_none() {
                return not_found(&quirks);
            }
            let edge = (task.clone(), on.clone());
            if world.edges.contains(&edge) || world.edges.contains(&(on.clone(), task.clone())) {
                return shapes::refusal(&quirks, 409, "the dependency exists or would be circular");
            }
            world.edges.push(edge);
            let members = [
                ("task_id", json::string(task)),
                ("depends_on", json::string(on)),
                ("blocked_by_status", json::string("backlog")),
                ("created_at", json::string(shapes::time(quirks.times, world.clock))),
            ];
            Message::json(201, &json::object(members))
        }
        ("DELETE", [on]) => match world.edges.iter().position(|edge| *edge == (task.clone(), on.to_string())) {
            Some(at) => {
                world.edges.remove(at);
                Message::reply(204, "application/json", "")
            }
            None => not_found(&quirks),
        },
        _ => not_found(&quirks),
    }
}

/// A body's fields, or why it is refused.
fn fields(quirks: &Quirks, request: &Message) -> Result<Object, Message> {
    let Some(Value::Object(mut fields)) = json::try_parse(&request.text()) else {
        return Err(shapes::refusal(quirks, 422, "the body is no JSON object"));
    };
    let status = fields.get("status").and_then(json::as_text).map(str::to_string);
    if let Some(word) = status {
        if !knows_status(quirks, &word) {
            return Err(shapes::refusal(quirks, 422, &format!("{word} is no status")));
        }
        fields.insert("status".into(), json::string(anyt::model::task::canonical_status(&word)));
    }
    let unknown: &[&str] = match quirks.generation {
        super::quirks::Generation::C => &shapes::ONLY_D,
        super::quirks::Generation::D => &shapes::ONLY_C,
    };
    if let Some(name) = unknown.iter().find(|name| quirks.refuses_unknown_fields && fields.contains_key(**name)) {
        return Err(shapes::refusal(quirks, 422, &format!("unknown field {name}")));
    }
    Ok(fields.into_iter().filter(|(name, _)| !unknown.contains(&name.as_str())).collect())
}

fn knows_status(quirks: &Quirks, word: &str) -> bool {
    match word {
        "active" => !quirks.inprogress,
        "inprogress" => quirks.inprogress,
        other => anyt::model::task::STATUSES.contains(&other),
    }
}

fn value<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn not_found(quirks: &Quirks) -> Message {
    shapes::refusal(quirks, 404, "no such thing")
}
