//! The kind `attempt` (api.md 3.7): one try of a person, an agent or a command at a task, with what it cost and how it ended.
//! Nobody deletes one.

use super::kind::{Kind, Place, Type, fields};
use super::{Row, Shape, Value};

/// Attempt statuses (api.md 3.14); the first one is that of an attempt that goes on.
pub const STATUSES: [&str; 4] = ["running", "success", "failed", "aborted"];

/// Why attempts fail (api.md 3.14).
pub const FAILURES: [&str; 7] =
    ["test_fail", "tool_error", "context_limit", "rate_limit", "permission", "timeout", "unknown"];

/// Agents that every server with attempts knows (api.md 3.14).
pub const AGENTS: [&str; 4] = ["claude_code", "codex", "gemini_cli", "cursor"];

pub static ATTEMPT: Kind = Kind {
    name: "attempt",
    table: "attempts",
    place: Place::Below(TASK, "@"),
    ends: "attempt",
    fields: &FIELDS,
    defaults,
    collection: "attempts",
    made_at: "/start",
    stands_alone: true,
    shapes: &[Shape::Create, Shape::Update],
    ..Kind::PLAIN
};

fn defaults(row: &mut Row) {
    if matches!(row.get(STATUS), Value::Null) {
        row.set(STATUS, Value::Text(STATUSES[0].into()));
    }
}

fields! {
    0 STATUS "status" "status" "status" Type::Text, Whole, UpdateOnly;
    1 FAILURE "failure_class" "failure_type" "failure" Type::Text, Whole, UpdateOnly;
    2 MESSAGE "failure_message" "failure_message" "failure's message" Type::Text, Whole, UpdateOnly;
    3 TOKENS "cost_tokens" "cost_tokens" "tokens" Type::Int, Whole, UpdateOnly;
    4 TIME "wall_clock_ms" "wall_clock_ms" "time" Type::Int, Whole, UpdateOnly;
    5 NOTES "notes" "notes" "notes" Type::Text, Lines, Free;
    6 AGENT "executed_by_coding_agent" "executed_by_coding_agent" "agent" Type::Text, Whole, Filled;
    7 TASK "task_id" "task_id" "task" Type::Reference("task"), Whole, Placed;
    8 ACTOR "actor_id" "actor_id" "actor" Type::Text, Whole, Never;
    9 ACTOR_TYPE "actor_type" "actor_type" "actor's type" Type::Text, Whole, Never;
    10 STARTED "started_at" "started_at" "started" Type::Time, Whole, Never;
    11 ENDED "ended_at" "ended_at" "ended" Type::Time, Whole, Never;
    12 ARTIFACTS "artifacts_count" "artifacts_count" "artifacts" Type::Int, Whole, Never;
}

impl Row {
    /// It has not ended.
    pub fn is_running(&self) -> bool {
        self.text(STATUS) == Some(STATUSES[0])
    }
}
