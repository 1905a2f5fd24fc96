//! The kind `project` (api.md 3.2): what tasks belong to. Deleting one deletes its tasks.

use super::kind::{Kind, Place, Type, fields};
use super::{Row, Value};

/// Project statuses (api.md 3.14).
pub const STATUSES: [&str; 4] = ["active", "paused", "completed", "canceled"];

pub static PROJECT: Kind = Kind {
    name: "project",
    table: "projects",
    place: Place::Named(NAME),
    ends: "project",
    fields: &FIELDS,
    defaults,
    collection: "projects",
    ..Kind::PLAIN
};

/// As every server does (api.md 3.2).
fn defaults(row: &mut Row) {
    if matches!(row.get(STATUS), Value::Null) {
        row.set(STATUS, Value::Text("active".into()));
    }
}

fields! {
    0 NAME "name" "name" "name" Type::Text, Whole, Filled;
    1 DESCRIPTION "description" "description" "description" Type::Text, Lines, Free;
    2 STATUS "status" "status" "status" Type::Text, Whole, Filled;
    3 LEAD "lead_id" "lead_id" "lead" Type::Text, Whole, Free;
    4 START "start_date" "start_date" "start date" Type::Text, Whole, Free;
    5 TARGET "target_date" "target_date" "target date" Type::Text, Whole, Free;
    6 COLOR "color" "color" "color" Type::Text, Whole, Free;
    7 ICON "icon" "icon" "icon" Type::Text, Whole, Free;
}

/// A project as commands speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: i64,
    pub workspace_id: i64,
    pub name: String,
    pub description: Option<String>,
    pub status: String,
}

impl Project {
    pub fn of(row: &Row) -> Project {
        Project {
            id: row.id,
            workspace_id: row.workspace_id,
            name: row.name.clone(),
            description: row.text(DESCRIPTION).map(str::to_string),
            status: row.text(STATUS).unwrap_or_default().to_string(),
        }
    }
}
