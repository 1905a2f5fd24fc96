//! What is shown: a row is the server's row with the waiting operations laid over it. While operations wait, the column
//! `remote` keeps the server's row, so the picture can be made anew from the two at any time. A row that exists only here
//! has a negative id, and `made_by` names the create that makes it.

use super::queue::{self, unsettled_of};
use super::rows::{self, by_id, document, insert_row, lay, renew, rows_of, statements};
use super::run;
use super::targets::local_id;
use crate::model::kind::{Identity, Kind, Place, Type};
use crate::model::{Operation, Row, Shape, State, Target, number_of};
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

/// Shows the row, or the link, that an operation is about as it is to be shown now.
pub(super) fn renew_for(db: &Connection, op: &Operation) -> rusqlite::Result<()> {
    match op.kind.identity {
        Identity::Pair => renew_link(db, op),
        Identity::Id => match &op.target {
            Target::Server(id) => renew(db, op.kind, *id),
            Target::MadeBy(create) => renew_provisional(db, op.kind, create),
        },
    }
}

/// Shows one more operation, the newest on its row: what is shown has the earlier ones.
pub(super) fn add(db: &Connection, op: &Operation) -> rusqlite::Result<()> {
    if op.kind.identity != Identity::Id || op.shape == Shape::Create {
        return renew_for(db, op);
    }
    let shown = match local_id(db, op.kind, &op.target)? {
        Some(id) => by_id(db, op.kind, id)?,
        None => None,
    };
    let Some(mut shown) = shown else { return Ok(()) };
    let (remote, made_by): (Option<String>, Option<String>) = db
        .prepare_cached(&format!("SELECT remote, made_by FROM {} WHERE id = ?1", op.kind.table))?
        .query_row([shown.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let is_first = remote.is_none() && !shown.is_provisional();
    let remote = if is_first { Some(document(&shown)) } else { remote };
    lay(db, &mut shown, op)?;
    insert_row(db, &statements(op.kind).put, &shown, &Timestamp::now().rfc3339())?;
    run(
        db,
        &format!("UPDATE {} SET remote = ?2, made_by = ?3 WHERE id = ?1", op.kind.table),
        rusqlite::params![shown.id, remote, made_by],
    )
    .map(drop)
}

/// A row that exists only here, made anew from its create and what came after it; it goes when the create is gone.
fn renew_provisional(db: &Connection, kind: &'static Kind, create: &str) -> rusqlite::Result<()> {
    let target = Target::MadeBy(create.to_string());
    let ops = unsettled_of(db, kind, &target)?;
    let id: Option<i64> = db
        .prepare_cached(&format!("SELECT id FROM {} WHERE made_by = ?1", kind.table))?
        .query_row([create], |row| row.get(0))
        .optional()?;
    let Some(first) = ops.first().filter(|op| op.shape == Shape::Create) else {
        return id.map_or(Ok(()), |id| remove_row(db, kind, id));
    };
    let id = match id {
        Some(id) => id,
        None => next_id(db, kind)?,
    };
    let mut row = Row {
        id,
        workspace_id: first.workspace_id,
        name: first.name.clone(),
        created_at: first.created_at.clone(),
        updated_at: first.created_at.clone(),
        ..Row::new(kind)
    };
    for op in &ops {
        lay(db, &mut row, op)?;
    }
    (kind.defaults)(&mut row);
    insert_row(db, &statements(kind).put, &row, &Timestamp::now().rfc3339())?;
    run(db, &format!("UPDATE {} SET made_by = ?2 WHERE id = ?1", kind.table), rusqlite::params![id, create]).map(drop)
}

/// The id of the next row that exists only here.
pub(super) fn next_id(db: &Connection, kind: &Kind) -> rusqlite::Result<i64> {
    db.prepare_cached(&format!("SELECT min(0, coalesce(min(id), 0)) - 1 FROM {}", kind.table))?
        .query_row([], |row| row.get(0))
}

/// Removes a row and what is only known with it.
pub(super) fn remove_row(db: &Connection, kind: &'static Kind, id: i64) -> rusqlite::Result<()> {
    let params = named_params! {":id": id};
    // A person who types this name again means the row that had it last, not one that was once shown under it.
    if matches!(kind.place, Place::Numbered) {
        run(
            db,
            &format!(
                "DELETE FROM renames WHERE (workspace_id, old_identifier) IN \
                 (SELECT workspace_id, identifier FROM {} WHERE id = :id AND id > 0)",
                kind.table
            ),
            params,
        )?;
        run(db, "DELETE FROM task_dependencies WHERE task_id = :id OR depends_on_id = :id", params)?;
        // A provisional id is given again, and must not bring the names of this row along.
        run(db, "DELETE FROM renames WHERE task_id = :id AND task_id < 0", params)?;
    }
    run(db, &format!("DELETE FROM {} WHERE id = :id", kind.table), params)?;
    // What is below it goes with it, but for what somebody wrote here that still waits.
    for (below, column) in rows_of().filter_map(|below| Some((below, below.below()?.column))) {
        if below.parent() == Some(kind) {
            let sql = format!("SELECT id FROM {} WHERE {column} = ?1 AND id > 0 AND remote IS NULL", below.table);
            let ids: Vec<i64> =
                db.prepare_cached(&sql)?.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            ids.into_iter().try_for_each(|id| remove_row(db, below, id))?;
        }
    }
    run(
        db,
        "DELETE FROM conflicts WHERE entity_type = :kind AND entity_id = :id",
        named_params! {":kind": kind.name, ":id": id},
    )
    .map(drop)
}

/// Shows a link as the newest unsettled operation on it wants it. Where none is left, the one that was given up left the
/// opposite of what was there: what is given up is renewed from the newest on.
fn renew_link(db: &Connection, op: &Operation) -> rusqlite::Result<()> {
    let kind = crate::model::kind(op.kind.ends).unwrap_or(op.kind);
    let Some(other) = &op.other else { return Ok(()) };
    let ends = (local_id(db, kind, &op.target)?, local_id(db, kind, other)?);
    let (Some(from), Some(to)) = ends else { return Ok(()) };
    let newest: Option<String> = db
        .prepare_cached(
            "SELECT operation FROM sync_queue WHERE synced = 0 AND entity_type = :kind AND entity_id = :target \
             AND other = :other ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            named_params! {":kind": op.kind.name, ":target": op.target.to_text(), ":other": other.to_text()},
            |row| row.get(0),
        )
        .optional()?;
    let wanted = match newest {
        Some(word) => word == Shape::Link.word(),
        None if matches!(op.state, State::Done | State::Answered(_)) => op.shape == Shape::Link,
        None => op.shape != Shape::Link,
    };
    set_link(db, from, to, wanted, &op.created_at)
}

pub(super) fn set_link(db: &Connection, from: i64, to: i64, wanted: bool, now: &str) -> rusqlite::Result<()> {
    let sql = if wanted {
        "INSERT OR IGNORE INTO task_dependencies (task_id, depends_on_id, created_at, synced_at) \
         VALUES (:from, :to, :now, :now)"
    } else {
        "DELETE FROM task_dependencies WHERE task_id = :from AND depends_on_id = :to AND :now = :now"
    };
    run(db, sql, named_params! {":from": from, ":to": to, ":now": now}).map(drop)
}

/// A provisional row became a server row: what pointed at its negative id follows.
pub(super) fn give_server_id(db: &Connection, kind: &'static Kind, old: i64, row: &Row) -> rusqlite::Result<()> {
    let moved = named_params! {":old": old, ":new": row.id};
    // The cache may hold the row already: a pull brought it before its lost answer was understood.
    if by_id(db, kind, row.id)?.is_some() {
        run(db, &format!("DELETE FROM {} WHERE id = :old", kind.table), named_params! {":old": old})?;
    } else {
        run(db, &format!("UPDATE {} SET id = :new, made_by = NULL WHERE id = :old", kind.table), moved)?;
    }
    for of in rows_of() {
        for field in of.fields.iter().filter(|field| field.ty == Type::Reference(kind.name)) {
            let sql = format!("UPDATE {} SET {column} = :new WHERE {column} = :old", of.table, column = field.column);
            run(db, &sql, moved)?;
        }
    }
    if !matches!(kind.place, Place::Numbered) {
        return Ok(());
    }
    run(db, "UPDATE OR REPLACE task_dependencies SET task_id = :new WHERE task_id = :old", moved)?;
    run(db, "UPDATE OR REPLACE task_dependencies SET depends_on_id = :new WHERE depends_on_id = :old", moved)?;
    run(db, "UPDATE OR REPLACE renames SET task_id = :new WHERE task_id = :old", moved).map(drop)
}

pub(super) fn remember_name(
    db: &Connection,
    workspace: i64,
    old: &str,
    id: i64,
    new: &str,
    now: &str,
) -> rusqlite::Result<()> {
    if old == new {
        return Ok(());
    }
    run(
        db,
        "INSERT OR REPLACE INTO renames (workspace_id, old_identifier, task_id, renamed_at) \
         VALUES (:workspace, :old, :id, :now)",
        named_params! {":workspace": workspace, ":old": old, ":id": id, ":now": now},
    )
    .map(drop)
}

/// The name operations show people follows their row's.
pub(super) fn rename_operations(db: &Connection, op_id: &str, name: &str) -> rusqlite::Result<()> {
    let params = named_params! {":op_id": op_id, ":name": name};
    run(db, "UPDATE sync_queue SET identifier = :name WHERE synced = 0 AND entity_id = :op_id", params)?;
    run(db, "UPDATE sync_queue SET other_name = :name WHERE synced = 0 AND other = :op_id", params).map(drop)
}

/// Gives provisional rows whose name the server, or an earlier one of them, has taken the next free numbers: old and new names.
pub(super) fn renumber(db: &Connection, now: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let taken: Vec<(i64, i64, String, Option<String>)> = db
        .prepare_cached(
            "SELECT p.id, p.workspace_id, p.identifier, p.made_by FROM tasks p JOIN tasks s \
             ON s.workspace_id = p.workspace_id AND s.identifier = p.identifier AND (s.id > 0 OR s.id > p.id) \
             WHERE p.id < 0 ORDER BY p.number",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut renumbered = Vec::new();
    for (id, workspace, old, made_by) in taken {
        let new = rows::next_name(db, workspace, &old)?;
        let params = named_params! {":id": id, ":name": new, ":number": number_of(&new)};
        run(db, "UPDATE tasks SET identifier = :name, number = :number WHERE id = :id", params)?;
        if let Some(made_by) = made_by {
            rename_operations(db, &made_by, &new)?;
        }
        remember_name(db, workspace, &old, id, &new, now)?;
        renumbered.push((old, new));
    }
    Ok(renumbered)
}

/// Lays every unsettled operation over its row, and shows rows without any as the server has them.
pub(super) fn renew_all(db: &Connection) -> rusqlite::Result<()> {
    let mut done = std::collections::BTreeSet::new();
    let ops = queue::waiting(db)?;
    for op in &ops {
        if op.kind.identity == Identity::Pair || done.insert((op.kind.name, op.target.clone())) {
            renew_for(db, op)?;
        }
    }
    for kind in rows_of() {
        let settled: Vec<i64> = db
            .prepare_cached(&format!(
                "SELECT id FROM {} t WHERE remote IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sync_queue q \
                 WHERE q.synced = 0 AND q.entity_id = CAST(t.id AS TEXT) AND q.entity_type = '{}')",
                kind.table, kind.name
            ))?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        settled.into_iter().try_for_each(|id| renew(db, kind, id))?;
    }
    Ok(())
}
