//! What a server that was put back to a backup has lost, as entries of discarded.jsonl that bring it back.

use super::{End, staging};
use crate::gather::Gather;
use crate::model::kind::{Change, FieldDef};
use crate::model::{Kept, Operation, Row, Shape, Target, Value};
use crate::time::Timestamp;
use rusqlite::Connection;

/// What the server has lost, each with what brings it back: of a row that it has in an older version the values that it
/// lost, else the whole row.
pub(super) fn lost(db: &Connection, end: &End) -> rusqlite::Result<Vec<Kept>> {
    let mut lost = Vec::new();
    for row in &end.lost {
        let read = end.read.iter().find(|read| read.id == row.id && read.kind == row.kind);
        let now = match read {
            Some(read) => Some(read.clone()),
            None => staging::staged_row(db, row.kind, row.id)?,
        };
        match now.filter(|now| now.is_live() && !now.is_another_than(row)) {
            Some(now) => lost.extend(lost_values(row, &now)),
            None => lost.push(lost_row(row)),
        }
    }
    Ok(lost)
}

fn lost_values(row: &Row, now: &Row) -> Option<Kept> {
    let differs = |field: &&'static FieldDef| !row.get(field).same(now.get(field));
    let may_be_set = |field: &&'static FieldDef| field.change != Change::Filled || *row.get(field) != Value::Null;
    let fields: Vec<_> = row.kind.changeable().filter(differs).filter(may_be_set).collect();
    let of = |row: &Row| fields.iter().map(|field| (*field, row.get(field).clone())).gather();
    let (base, set) = (of(now), of(row));
    let update = Operation {
        shape: Shape::Update,
        target: Target::Server(row.id),
        name: now.name.clone(),
        workspace_id: now.workspace_id,
        seen_version: now.version,
        base,
        set,
        ..bring_back(row)
    };
    (!fields.is_empty()).then(|| Kept { reason: LOST, row: Some(row.clone()), operations: vec![update] })
}

const LOST: &str = "lost by the server";

fn lost_row(row: &Row) -> Kept {
    Kept { reason: LOST, row: Some(row.clone()), operations: vec![bring_back(row)] }
}

/// The create that makes a row as it was.
fn bring_back(row: &Row) -> Operation {
    let mut set = row.changeable();
    set.retain(|field, value| *value != Value::Null && field.change != Change::UpdateOnly);
    Operation {
        workspace_id: row.workspace_id,
        target: Target::MadeBy(String::new()),
        name: row.name.clone(),
        set,
        created_at: Timestamp::now().rfc3339(),
        ..Operation::new(row.kind, Shape::Create)
    }
}
