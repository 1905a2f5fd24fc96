//! The kind `task` (api.md 3.3), and its fields under the names that the commands use.

use super::kind::{Kind, Place, Type, fields};
use super::{Row, Value};

/// Task statuses in the order of a task's life (api.md 3.14, generations C and D).
pub const STATUSES: [&str; 7] = ["backlog", "todo", "active", "blocked", "done", "canceled", "archived"];

/// The statuses of a task that goes well, in their order: whoever finishes a task has begun it.
const COURSE: [&str; 4] = ["backlog", "todo", "active", "done"];

/// A task with one of these is no longer worked on.
pub const FINISHED: [&str; 3] = ["done", "canceled", "archived"];

/// Lowest and highest priority (api.md 3.14).
pub const PRIORITIES: std::ops::RangeInclusive<i64> = -2..=2;

/// One word for each status, whatever generation of server it came from: `inprogress` and `in_progress` are `active`,
/// `cancelled` is `canceled`. Words that no generation knows stay as they are: a newer server is no error.
pub fn canonical_status(word: &str) -> &str {
    match word {
        "inprogress" | "in_progress" => "active",
        "cancelled" => "canceled",
        other => other,
    }
}

pub static TASK: Kind = Kind {
    name: "task",
    table: "tasks",
    place: Place::Numbered,
    ends: "task",
    fields: &FIELDS,
    defaults,
    versions: true,
    collection: "tasks",
    by_uid: Some("/v1/t"),
    ..Kind::PLAIN
};

fn defaults(row: &mut Row) {
    let given = [
        (TITLE, Value::Text(String::new())),
        (STATUS, Value::Text(STATUSES[0].into())),
        (PRIORITY, Value::Int(0)),
        (PROJECT, Value::Int(0)),
        (LABELS, Value::Set(Vec::new())),
    ];
    for (field, value) in given {
        if matches!(row.get(field), Value::Null) {
            row.set(field, value);
        }
    }
}

// The order is the one people are shown the fields in. A new field goes to the end of its group, with a migration.
fields! {
    0 TITLE "title" "title" "title" Type::Text, Whole, Filled;
    1 STATUS "status" "status" "status" Type::Text, Course(&COURSE), Filled;
    2 PRIORITY "priority" "priority" "priority" Type::Int, Whole, Filled;
    3 OWNER "owner_id" "assignee_id" "owner" Type::Text, Whole, Free;
    4 LABELS "labels" "labels" "labels" Type::Words, Set, Free;
    5 PHASE "phase" "phase" "phase" Type::Text, Whole, Free;
    6 ESTIMATE "estimate" "estimate" "estimate" Type::Number, Whole, Filled;
    7 PARENT "parent_id" "parent_id" "parent" Type::Reference("task"), Whole, Filled;
    8 PROJECT "project_id" "project_id" "project" Type::Reference("project"), Whole, Needed;
    9 ASSIGNEE_TYPE "assignee_type" "assignee_type" "assignee type" Type::Text, Whole, Free;
    10 CODING_AGENT "assigned_coding_agent" "assigned_coding_agent" "coding agent" Type::Text, Whole, UpdateOnly;
    11 DESCRIPTION "description" "description" "description" Type::Text, Lines, Free;
    12 PLAN "implementation_plan" "implementation_plan" "plan" Type::Text, Lines, Free;
    13 CHECKLIST "checklist" "checklist" "checklist" Type::Text, Lines, Free;
    14 GOAL "goal_id" "goal_id" "goal" Type::Int, Whole, Never;
    15 CREATOR "creator_id" "creator_id" "creator" Type::Text, Whole, Never;
    16 STARTED "started_at" "started_at" "started" Type::Time, Whole, Never;
    17 COMPLETED "completed_at" "completed_at" "completed" Type::Time, Whole, Never;
    18 CANCELED "canceled_at" "canceled_at" "canceled" Type::Time, Whole, Never;
    19 ARCHIVED "archived_at" "archived_at" "archived" Type::Time, Whole, Never;
}

/// A task's fields by their names, for the commands.
impl Row {
    pub fn title(&self) -> &str {
        self.text(TITLE).unwrap_or_default()
    }

    pub fn status(&self) -> &str {
        self.text(STATUS).unwrap_or_default()
    }

    pub fn priority(&self) -> i64 {
        self.int(PRIORITY).unwrap_or(0)
    }

    pub fn owner(&self) -> Option<&str> {
        self.text(OWNER)
    }

    pub fn labels(&self) -> &[String] {
        match self.get(LABELS) {
            Value::Set(labels) => labels,
            _ => &[],
        }
    }

    pub fn description(&self) -> Option<&str> {
        self.text(DESCRIPTION)
    }

    pub fn project_id(&self) -> i64 {
        self.int(PROJECT).unwrap_or(0)
    }

    pub fn parent_id(&self) -> Option<i64> {
        self.int(PARENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_they_say() {
        for (at, field) in TASK.fields.iter().enumerate() {
            assert_eq!(field.at, at, "{}", field.name);
            assert_eq!(TASK.field(field.name), Some(field));
        }
    }
}
