//! The kind `dependency`: one task waits for another. It has no id, no version and no fields; the pair is all of it.

use super::kind::{Identity, Kind, Place};

pub static DEPENDENCY: Kind = Kind {
    name: "dependency",
    table: "task_dependencies",
    identity: Identity::Pair,
    place: Place::Between,
    ends: "task",
    fields: &[],
    defaults: |_| {},
    versions: false,
    collection: "dependencies",
    by_uid: None,
};
