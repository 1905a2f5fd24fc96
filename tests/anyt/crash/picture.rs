//! Everything that must be the same after a crash as without one: the server's tasks and dependencies, the cache, the
//! queue, the inbox, the spare copy, what was set aside, and the files that lie about. Times are left out, and the
//! random ids; versions are not, because an update that was sent twice would show in them.

use crate::common::Sandbox;
use crate::common::json::{self, Look, Value};
use crate::common::sandbox::ENV;
use crate::common::server::User;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;

/// One line for each thing.
#[derive(Debug, Default, PartialEq)]
pub struct Picture {
    lines: BTreeSet<String>,
}

/// Members that differ from run to run.
const PASSING: [&str; 17] = [
    "created_at",
    "updated_at",
    "started_at",
    "ended_at",
    "completed_at",
    "canceled_at",
    "archived_at",
    "synced_at",
    "uid",
    "at",
    "op_id",
    "uncertain",
    "base",
    "line",
    "number",
    "sends",
    "state",
];

/// Queries on the cache, whose tables are the specification's.
const CACHE: [(&str, &str); 10] = [
    (
        "cached",
        "SELECT identifier, id, version, project_id, title, description, status, priority, assignee_id, assignee_type, \
         labels, phase, estimate, parent_id, creator_id, deleted_at IS NULL FROM tasks",
    ),
    ("cached comment", "SELECT identifier, id, task_id, content, author_id, deleted_at IS NULL FROM comments"),
    (
        "cached attempt",
        "SELECT identifier, id, task_id, status, failure_type, cost_tokens, wall_clock_ms, notes, actor_id FROM attempts",
    ),
    ("cached artifact", "SELECT identifier, id, attempt_id, type, name, size_bytes, content, preview FROM artifacts"),
    ("cached label", "SELECT name, id, color, description, deleted_at IS NULL FROM labels"),
    ("cached project", "SELECT name, id, status, description, deleted_at IS NULL FROM projects"),
    ("cached edge", "SELECT task_id, depends_on_id FROM task_dependencies"),
    (
        "queued",
        "SELECT operation, entity_type, identifier, other_name, payload, error FROM sync_queue WHERE synced = 0",
    ),
    ("inbox", "SELECT identifier, remote IS NULL FROM conflicts"),
    ("identity", "SELECT key FROM sync_metadata WHERE key IN ('server', 'account')"),
];

impl Picture {
    pub fn of(sandbox: &Sandbox, user: &User) -> Picture {
        let mut picture = Picture::default();
        picture.take_server(user);
        picture.take_cache(sandbox);
        picture.take_spare(sandbox);
        picture.take_discarded(sandbox);
        picture.take_leftovers(sandbox);
        picture
    }

    /// The cache alone.
    pub fn of_cache(sandbox: &Sandbox) -> Picture {
        let mut picture = Picture::default();
        picture.take_cache(sandbox);
        picture
    }

    /// Without the cache less is known of what is set aside a second time: that it was set aside once as it was is enough.
    pub fn forget_more_discarded(&mut self, wanted: &Picture) {
        self.lines.retain(|line| !line.starts_with("discarded") || wanted.lines.contains(line));
    }

    /// What is in one and not in the other.
    pub fn difference(&self, wanted: &Picture) -> String {
        let surplus = self.lines.difference(&wanted.lines).map(|line| format!("\n  + {line}"));
        let missing = wanted.lines.difference(&self.lines).map(|line| format!("\n  - {line}"));
        surplus.chain(missing).collect()
    }

    fn line(&mut self, what: &str, said: impl std::fmt::Display) {
        self.lines.insert(format!("{what}: {said}"));
    }

    fn take_server(&mut self, user: &User) {
        for task in user.all_tasks() {
            self.line("server", lasting(&task));
            let name = task.text("identifier");
            user.comments(name)
                .into_iter()
                .for_each(|comment| self.line("server comment", format!("{name} {comment}")));
        }
        for kind in ["labels", "projects", "attempts", "artifacts"] {
            let (_, list) = user.get(&format!("{}/{kind}", user.workspace()));
            list.items("items").iter().for_each(|one| self.line("server", lasting(one)));
        }
        let (status, graph) = user.get(&format!("{}/dependency-graph", user.workspace()));
        assert_eq!(status, 200, "{}", json::to_string(&graph));
        for edge in graph.items("edges") {
            self.line("server edge", lasting(edge));
        }
    }

    fn take_cache(&mut self, sandbox: &Sandbox) {
        let db = Connection::open_with_flags(sandbox.cache_db(), OpenFlags::SQLITE_OPEN_READ_WRITE).expect("a cache");
        for (what, sql) in CACHE {
            let mut query = db.prepare(sql).expect("the specification's tables");
            let width = query.column_count();
            let mut rows = query.query([]).expect("no parameters");
            while let Some(row) = rows.next().expect("a sound database") {
                let cells: Vec<String> = (0..width).map(|at| shown(row.get_ref(at).expect("a cell"))).collect();
                self.line(what, cells.join(" "));
            }
        }
        let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a number");
        let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("a word");
        self.line("cache.db", format!("{version} {mode}"));
    }

    /// What the spare copy says that waits.
    fn take_spare(&mut self, sandbox: &Sandbox) {
        let text = std::fs::read_to_string(sandbox.queue_file()).unwrap_or_default();
        for line in text.lines() {
            self.line("spare", lasting(&json::parse(line)));
        }
    }

    /// What was set aside; the same thing twice is no harm. Whether it was restored the cache knows, where a run that was
    /// killed had no time to say so in the file.
    fn take_discarded(&mut self, sandbox: &Sandbox) {
        let file = sandbox.path("state/anyt").join(ENV).join("discarded.jsonl");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for line in text.lines().map(json::parse).filter(|line| matches!(line.at("restored"), Value::Null)) {
            self.line("discarded", lasting(&line));
        }
    }

    /// Files that no finished run leaves.
    fn take_leftovers(&mut self, sandbox: &Sandbox) {
        let known = ["cache.db", "cache.db-wal", "cache.db-shm", "sync.lock", "queue.jsonl", "discarded.jsonl"];
        for place in ["state/anyt", "cache/anyt"] {
            for file in std::fs::read_dir(sandbox.path(place).join(ENV)).into_iter().flatten().flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                if !known.contains(&name.as_str()) {
                    self.line("left over", format!("{place} {name}"));
                }
            }
        }
    }
}

fn is_passing(name: &str) -> bool {
    PASSING.contains(&name)
}

/// A cell for people.
fn shown(cell: ValueRef) -> String {
    match cell {
        ValueRef::Null => "-".into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    }
}

/// A JSON value without what differs from run to run.
fn lasting(value: &Value) -> String {
    fn strip(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let kept = members.iter().filter(|(name, value)| !is_passing(name) && !matches!(value, Value::Null));
                Value::Object(kept.map(|(name, value)| (name.clone(), strip(value))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(strip).collect()),
            other => other.clone(),
        }
    }
    json::to_string(&strip(value))
}
