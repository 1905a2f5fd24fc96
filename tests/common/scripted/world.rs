//! What the scripted server knows: one workspace, its project, tasks and dependencies, in memory, on a clock that moves
//! one second with every change.

use super::super::json::{self, Look, Object, Value};
use super::quirks::{Bound, Order, Quirks};
use anyt::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

pub const WORKSPACE: i64 = 7;
pub const PROJECT: i64 = 70;

#[derive(Clone)]
pub struct World {
    pub quirks: Quirks,
    /// All there ever were, deleted ones too, by id.
    pub tasks: BTreeMap<i64, Object>,
    /// Dependent task, task depended on.
    pub edges: Vec<(String, String)>,
    /// Those that were not deleted, oldest first.
    pub labels: Vec<Object>,
    pub projects: Vec<Object>,
    /// Those that were not deleted, oldest first, as they are answered.
    pub comments: Vec<Object>,
    /// Oldest first, as they are answered.
    pub attempts: Vec<Object>,
    pub artifacts: Vec<Object>,
    pub clock: Timestamp,
    /// Replies by `Idempotency-Key`.
    pub answered: BTreeMap<String, (u16, Value)>,
    /// The last number given to a task. Turned back, it lets a task appear late, below numbers already seen.
    pub counter: i64,
    /// The next project's or label's id.
    named: i64,
}

/// What a task list is asked for.
#[derive(Default)]
pub struct Selection {
    pub status: Vec<String>,
    pub updated_after: Option<Timestamp>,
    pub sort_by: String,
    pub descending: bool,
}

impl World {
    pub fn new(quirks: Quirks) -> World {
        let mut world = World {
            quirks,
            tasks: BTreeMap::new(),
            edges: Vec::new(),
            labels: Vec::new(),
            projects: Vec::new(),
            comments: Vec::new(),
            attempts: Vec::new(),
            artifacts: Vec::new(),
            clock: Timestamp::parse("2025-10-16T10:00:00Z").expect("a time"),
            answered: BTreeMap::new(),
            counter: 0,
            named: PROJECT,
        };
        let start = world.clock;
        world.add_named("projects", &json::members([("name", json::string("Main"))]));
        world.clock = start;
        world
    }

    /// A new project or label.
    pub fn add_named(&mut self, collection: &str, fields: &Object) -> Object {
        let optional: &[&str] = match collection {
            "projects" => &["description", "lead_id", "start_date", "target_date", "color", "icon"],
            _ => &["description", "color", "updated_at"],
        };
        let mut made: Object = optional.iter().map(|name| (name.to_string(), Value::Null)).collect();
        let now = self.tick();
        made.extend(json::members([
            ("id", json::int(self.named)),
            ("workspace_id", json::int(WORKSPACE)),
            ("name", json::string("")),
            ("created_at", now.clone()),
        ]));
        if collection == "projects" {
            made.extend(json::members([("status", json::string("active")), ("updated_at", now)]));
        }
        apply(&mut made, fields);
        self.named += 1;
        self.all_named(collection).push(made.clone());
        made
    }

    pub fn change_named(&mut self, collection: &str, id: &str, fields: &Object) -> Option<Object> {
        let now = self.tick();
        let found = self.all_named(collection).iter_mut().find(|one| has_id(one, id))?;
        apply(found, fields);
        found.insert("updated_at".into(), now);
        Some(found.clone())
    }

    /// A project's tasks go with it.
    pub fn delete_named(&mut self, collection: &str, id: &str) -> Option<Object> {
        let all = self.all_named(collection);
        let gone = all.iter().position(|one| has_id(one, id)).map(|at| all.remove(at))?;
        let below = |task: &&Object| collection == "projects" && json::same(&task["project_id"], &gone["id"]);
        let tasks: Vec<i64> = self.tasks.values().filter(below).filter_map(|task| json::as_int(&task["id"])).collect();
        tasks.into_iter().for_each(|id| self.delete(id));
        Some(gone)
    }

    pub fn all_named(&mut self, collection: &str) -> &mut Vec<Object> {
        if collection == "projects" { &mut self.projects } else { &mut self.labels }
    }

    fn tick(&mut self) -> Value {
        self.clock = self.clock.plus(Duration::from_secs(1));
        json::string(self.clock.rfc3339())
    }

    /// A new comment; its task's `updated_at` stays as it is.
    pub fn comment(&mut self, task: &str, author: &str, content: Value) -> Object {
        self.counter += 1;
        let members = [
            ("id", json::int(self.counter)),
            ("task_id", json::string(task)),
            ("author_id", json::string(author)),
            ("content", content),
            ("mentioned_users", json::array([])),
            ("created_at", self.tick()),
            ("updated_at", Value::Null),
            ("is_edited", Value::Bool(false)),
            ("is_own", Value::Bool(author == "alice")),
        ];
        let Value::Object(comment) = json::object(members) else { unreachable!("it was made as one") };
        self.comments.push(comment.clone());
        comment
    }

    /// A new attempt; its task's `updated_at` stays as it is.
    pub fn attempt(&mut self, task: i64, notes: Value) -> Object {
        self.counter += 1;
        let now = self.tick();
        let members = [
            ("id", json::int(self.counter)),
            ("task_id", json::int(task)),
            ("actor_id", json::string("alice")),
            ("actor_type", json::string("user")),
            ("started_at", now.clone()),
            ("status", json::string("running")),
            ("extra_metadata", json::object([("model_used", Value::Null), ("notes", notes)])),
            ("created_at", now),
            ("artifacts_count", json::int(0)),
        ];
        let Value::Object(attempt) = json::object(members) else { unreachable!("it was made as one") };
        self.attempts.push(attempt.clone());
        attempt
    }

    pub fn artifact(&mut self, attempt: i64, fields: &Object) -> Object {
        self.counter += 1;
        let members = [
            ("id", json::int(self.counter)),
            ("attempt_id", json::int(attempt)),
            ("uri", json::string(format!("s3://artifacts/{}", self.counter))),
            ("created_at", self.tick()),
        ];
        let Value::Object(mut artifact) = json::object(members) else { unreachable!("it was made as one") };
        artifact.extend(fields.clone().into_iter().filter(|(name, _)| name != "content"));
        self.artifacts.push(artifact.clone());
        let count = self.artifacts.iter().filter(|one| json::as_int(&one["attempt_id"]) == Some(attempt)).count();
        if let Some(above) = self.attempts.iter_mut().find(|one| json::as_int(&one["id"]) == Some(attempt)) {
            above.insert("artifacts_count".into(), json::int(count as i64));
        }
        artifact
    }

    pub fn edit_comment(&mut self, id: &str, content: Value) -> Option<Object> {
        let now = self.tick();
        let known = self.comments.iter_mut().find(|comment| json::as_int(&comment["id"]) == id.parse().ok())?;
        known.insert("content".into(), content);
        known.insert("updated_at".into(), now);
        Some(known.clone())
    }

    /// A new task of the given fields; everything else as api.md 4.7 says.
    pub fn create(&mut self, fields: &Object) -> i64 {
        self.counter += 1;
        let (number, now) = (self.counter, self.tick());
        let id = 1000 + number;
        let nothing = [
            "description",
            "phase",
            "owner_id",
            "estimate",
            "parent_id",
            "goal_id",
            "assigned_coding_agent",
            "implementation_plan",
            "checklist",
            "started_at",
            "completed_at",
            "canceled_at",
            "archived_at",
            "deleted_at",
        ];
        let mut task: Object = nothing.iter().map(|name| (name.to_string(), Value::Null)).collect();
        let given = [
            ("id", json::int(id)),
            ("number", json::int(number)),
            ("identifier", json::string(format!("DEV-{number}"))),
            ("uid", json::string(format!("t_{number}"))),
            ("workspace_id", json::int(WORKSPACE)),
            ("project_id", json::int(PROJECT)),
            ("title", json::string("")),
            ("creator_id", json::string("alice")),
            ("status", json::string("backlog")),
            ("priority", json::int(0)),
            ("assignee_type", json::string("human")),
            ("labels", json::array([])),
            ("version", json::int(1)),
            ("created_at", now.clone()),
            ("updated_at", now),
        ];
        task.extend(given.map(|(name, value)| (name.to_string(), value)));
        apply(&mut task, fields);
        self.tasks.insert(id, task);
        id
    }

    /// Changes fields, raises the version and the time.
    pub fn update(&mut self, id: i64, fields: &Object) {
        let now = self.tick();
        let task = self.tasks.get_mut(&id).expect("only known tasks are updated");
        apply(task, fields);
        raise_version(task);
        task.insert("updated_at".into(), now);
    }

    pub fn delete(&mut self, id: i64) {
        let now = self.tick();
        let task = self.tasks.get_mut(&id).expect("only known tasks are deleted");
        raise_version(task);
        task.insert("deleted_at".into(), now.clone());
        task.insert("updated_at".into(), now);
    }

    /// A live task's id by its identifier.
    pub fn find(&self, identifier: &str) -> Option<i64> {
        let is_it = |task: &&Object| is_live(task) && json::as_text(&task["identifier"]) == Some(identifier);
        self.tasks.values().find(is_it).and_then(|task| json::as_int(&task["id"]))
    }

    /// All that match, in the order that the quirks allow, not yet paged.
    pub fn select(&self, wanted: &Selection) -> Vec<&Object> {
        let listed = |task: &&Object| self.quirks.lists_tombstones || is_live(task);
        let matches = |task: &&Object| self.quirks.ignores_filters || self.matches(task, wanted);
        let mut found: Vec<&Object> = self.tasks.values().filter(listed).filter(matches).collect();
        match self.quirks.order {
            Order::IdDescending => found.reverse(),
            Order::Scrambled => found.sort_by_key(|task| json::as_int(&task["id"]).map(|id| id * 7919 % 1009)),
            Order::AsAsked => {
                found.sort_by_key(|task| sort_key(task, &wanted.sort_by));
                if wanted.descending {
                    found.reverse();
                }
            }
        }
        found
    }

    fn matches(&self, task: &Object, wanted: &Selection) -> bool {
        let status = json::as_text(&task["status"]).unwrap_or_default();
        let status_fits = wanted.status.is_empty() || wanted.status.iter().any(|one| one == status);
        let updated = json::as_text(&task["updated_at"]).and_then(Timestamp::parse);
        let new_enough = wanted.updated_after.is_none_or(|after| match self.quirks.updated_after {
            Bound::Inclusive => updated >= Some(after),
            Bound::Exclusive => updated > Some(after),
            Bound::Ignored => true,
        });
        status_fits && new_enough
    }
}

fn has_id(one: &Object, id: &str) -> bool {
    json::as_int(&one["id"]) == id.parse().ok()
}

pub fn is_live(task: &Object) -> bool {
    matches!(task["deleted_at"], Value::Null)
}

/// `null` leaves a field as it is (api.md 1.6).
fn apply(task: &mut Object, fields: &Object) {
    for (name, value) in fields.iter().filter(|(_, value)| !matches!(value, Value::Null)) {
        if task.contains_key(name) {
            task.insert(name.clone(), value.clone());
        }
    }
}

fn raise_version(task: &mut Object) {
    let version = json::as_int(&task["version"]).unwrap_or(0);
    task.insert("version".into(), json::int(version + 1));
}

/// Numbers sort as numbers; ties by id.
fn sort_key(task: &Object, field: &str) -> (i64, String, i64) {
    let value = task.get(field).unwrap_or(&Value::Null);
    let text = json::as_text(value).unwrap_or_default().to_string();
    (json::as_int(value).unwrap_or(0), text, Value::Object(task.clone()).int("id"))
}
