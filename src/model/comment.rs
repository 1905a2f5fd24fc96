//! The kind `comment` (api.md 3.9): what somebody said about a task. Only its author may change it, and it has no version.

use super::Row;
use super::kind::{Kind, Place, Type, fields};

pub static COMMENT: Kind = Kind {
    name: "comment",
    table: "comments",
    place: Place::Below(TASK, "#"),
    ends: "comment",
    fields: &FIELDS,
    collection: "comments",
    ..Kind::PLAIN
};

fields! {
    0 CONTENT "content" "content" "text" Type::Text, Lines, Filled;
    1 TASK "task_id" "task_id" "task" Type::Reference("task"), Whole, Placed;
    2 AUTHOR "author_id" "author_id" "author" Type::Text, Whole, Never;
    3 AUTHOR_NAME "author_name" "author_name" "author's name" Type::Text, Whole, Never;
    4 MENTIONED "mentioned_users" "mentioned_users" "mentioned" Type::Words, Set, Never;
}

/// A comment's fields by their names, for the commands.
impl Row {
    pub fn content(&self) -> &str {
        self.text(CONTENT).unwrap_or_default()
    }

    /// The name of its author, or the id where there is no name.
    pub fn author(&self) -> Option<&str> {
        self.text(AUTHOR_NAME).or(self.text(AUTHOR))
    }
}
