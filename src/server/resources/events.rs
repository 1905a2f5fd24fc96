//! Events, history, timeline (api.md 2.13). Choices where the contract leaves it open: `entity_id` is the int id as a
//! string; lists are newest first, the timeline oldest first; long texts in changes are cut.

use crate::http::Response;
use crate::problem::Outcome;
use crate::resources::stored_json;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::events::{self as stored, Event, Filter};
use crate::store::tasks;
use crate::wire::{Json, Page, object};
use anyt::model;
use miniserde::json::{Object, Value};

/// Characters of a text that an event keeps.
const LONGEST: usize = 500;

/// Events of one timeline; the newest ones.
const TIMELINE: i64 = 1_000;

/// A note of what a request does, for the events of its workspace.
pub struct Note<'a> {
    entity: (&'static str, String),
    event_type: &'static str,
    task_id: Option<i64>,
    changes: Object,
    metadata: Object,
    coding_agent: Option<&'a str>,
}

impl<'a> Note<'a> {
    pub fn new(entity_type: &'static str, id: impl ToString, event_type: &'static str) -> Note<'a> {
        Note {
            entity: (entity_type, id.to_string()),
            event_type,
            task_id: None,
            changes: Object::new(),
            metadata: Object::new(),
            coding_agent: None,
        }
    }

    /// Of a task itself.
    pub fn of_task(task_id: i64, event_type: &'static str) -> Note<'a> {
        Note::new("task", task_id, event_type).on_task(task_id)
    }

    /// It belongs to this task's history.
    pub fn on_task(self, task_id: i64) -> Note<'a> {
        Note { task_id: Some(task_id), ..self }
    }

    pub fn by_coding_agent(self, agent: Option<&'a str>) -> Note<'a> {
        Note { coding_agent: agent, ..self }
    }

    pub fn change(mut self, field: &str, old: Value, new: Value) -> Note<'a> {
        self.changes.insert(field.into(), object([("old", cut(old)), ("new", cut(new))]));
        self
    }

    pub fn with(mut self, name: &str, value: Value) -> Note<'a> {
        self.metadata.insert(name.into(), cut(value));
        self
    }

    pub fn write(self, call: &Call, workspace_id: i64) -> Outcome<()> {
        let some = |object: Object| if object.is_empty() { None } else { Some(Value::Object(object)) };
        let (changes, metadata) = (some(self.changes), some(self.metadata));
        stored::record(
            call.connection,
            &stored::New {
                workspace_id,
                task_id: self.task_id,
                actor: (call.user(), call.caller.kind()),
                entity: (self.entity.0, &self.entity.1),
                event_type: self.event_type,
                changes: changes.as_ref(),
                extra_metadata: metadata.as_ref(),
                coding_agent: self.coding_agent,
            },
        )
    }
}

fn cut(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST && text.chars().count() > LONGEST => {
            Value::String(text.chars().take(LONGEST - 1).chain(['…']).collect())
        }
        other => other,
    }
}

fn to_json(event: Event) -> Value {
    object([
        ("id", event.id.json()),
        ("workspace_id", event.workspace_id.json()),
        ("actor_id", event.actor_id.json()),
        ("actor_type", event.actor_type.json()),
        ("entity_type", event.entity_type.json()),
        ("entity_id", event.entity_id.json()),
        ("event_type", event.event_type.json()),
        ("changes", stored_json(event.changes)),
        ("extra_metadata", stored_json(event.extra_metadata)),
        ("generated_by_coding_agent", event.coding_agent.json()),
        ("ts", event.created_at.json()),
        ("created_at", event.created_at.json()),
    ])
}

fn pagination(total: i64, page: Page, shown: usize) -> Value {
    object([
        ("total", total.json()),
        ("limit", page.limit.json()),
        ("offset", page.offset.json()),
        ("has_more", (page.offset.saturating_add(shown as i64) < total).json()),
    ])
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let query = &call.query;
    let page = query.page(PER_PAGE, MOST_PER_PAGE)?;
    let text = |name: &str| query.text(name).map(str::to_string);
    let filter = Filter {
        entity_type: text("entity_type"),
        entity_id: text("entity_id"),
        event_type: text("event_type"),
        actor_id: query.text("actor_id").map(|id| if id == "me" { call.user().into() } else { id.to_string() }),
        coding_agent: text("generated_by_coding_agent"),
        since: query.instant("since")?,
        until: query.instant("until")?,
    };
    let (events, total) = stored::list(call.connection, workspace.id, &filter, page)?;
    let pagination = pagination(total, page, events.len());
    let events: Vec<Value> = events.into_iter().map(to_json).collect();
    Ok(Response::json(200, &object([("events", events.json()), ("pagination", pagination)])))
}

pub fn get(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    Ok(Response::json(200, &to_json(stored::get(call.connection, workspace.id, call.id(1, "event")?)?)))
}

fn task(call: &Call) -> Outcome<model::Task> {
    Ok(tasks::get(call.connection, &call.workspace()?, call.argument(1))?.task)
}

pub fn history(call: &Call) -> Outcome<Response> {
    let task = task(call)?;
    let page = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let (events, total) = stored::of_task(call.connection, task.id, page)?;
    let pagination = pagination(total, page, events.len());
    let events: Vec<Value> = events.into_iter().map(to_json).collect();
    let body = object([
        ("task_id", task.identifier.json()),
        ("events", events.json()),
        ("total", total.json()),
        ("pagination", pagination),
    ]);
    Ok(Response::json(200, &body))
}

pub fn timeline(call: &Call) -> Outcome<Response> {
    let task = task(call)?;
    let (events, _) = stored::of_task(call.connection, task.id, Page { limit: TIMELINE, offset: 0 })?;
    let items: Vec<Value> = events.into_iter().rev().map(item).collect();
    Ok(Response::json(200, &object([("task_id", task.identifier.json()), ("items", items.json())])))
}

fn item(event: Event) -> Value {
    let changes = match stored_json(event.changes) {
        Value::Object(changes) => changes,
        _ => Object::new(),
    };
    let summary = summary(&event.entity_type, &event.event_type, &changes);
    let fields: Vec<Value> = changes.into_iter().map(|(field, change)| field_change(field, change)).collect();
    let owner = object([
        ("id", event.actor_id.as_str().json()),
        ("type", event.actor_type.json()),
        ("name", event.actor_id.json()),
    ]);
    let kind = format!("{}.{}", event.entity_type, event.event_type);
    let details = object([
        ("event_id", event.id.json()),
        ("kind", kind.json()),
        ("field_changes", if fields.is_empty() { Value::Null } else { fields.json() }),
    ]);
    object([
        ("type", event.event_type.json()),
        ("ts", event.created_at.json()),
        ("summary", summary.json()),
        ("owner", owner),
        ("details", details),
    ])
}

fn field_change(field: String, change: Value) -> Value {
    let Value::Object(mut change) = change else { return Value::Null };
    let mut take = |name: &str| change.remove(name).unwrap_or(Value::Null);
    object([("old_value", take("old")), ("new_value", take("new")), ("field", field.json())])
}

/// `task status_changed: status, title`.
fn summary(entity: &str, event: &str, changes: &Object) -> String {
    let fields: Vec<&str> = changes.keys().map(String::as_str).collect();
    let subject = format!("{entity} {}", event.replace('_', " "));
    if fields.is_empty() { subject } else { format!("{subject}: {}", fields.join(", ")) }
}
