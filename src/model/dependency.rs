//! The kind `dependency`: one task waits for another. It has no id, no version and no fields; the pair is all of it.

use super::Shape;
use super::kind::{Identity, Kind};

pub static DEPENDENCY: Kind = Kind {
    name: "dependency",
    table: "task_dependencies",
    identity: Identity::Pair,
    ends: "task",
    collection: "dependencies",
    shapes: &[Shape::Link, Shape::Unlink],
    ..Kind::PLAIN
};
