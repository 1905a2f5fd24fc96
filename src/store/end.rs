//! Everything a sync changes, in one transaction: it happened or it did not (docs/sync.md).

use super::entities::{forget_server, forget_workspace, put_workspace, replace_members};
use super::overlay::{give_server_id, remember_name, remove_row, rename_operations, renew_all, renumber, set_link};
use super::queue::{answered, transition, unsettled_of};
use super::rows::{put_server_row, rows_of, statements};
use super::targets::local_id;
use super::{
    End, Pulled, Result, Store, conflicts, discarded, log, lost, open, queue, run, set_metadata, spare, staging,
};
use crate::failpoint::hit;
use crate::gather::Gather;
use crate::model::kind::{Place, Type};
use crate::model::{Kind, Operation, Row, Shape, State, Target, Value};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// How long, and how many, settled operations stay as history. But for the newest their texts went when they were settled
/// (`queue::settle`), so that the rest is less than 4 MiB.
const HISTORY: Duration = Duration::from_secs(30 * 86_400);
const HISTORY_ROWS: i64 = 4_000;

impl Store {
    /// One transaction: staged rows, answers, cursors, logs; what still waits is laid over; settled rows bounded; then
    /// queue.jsonl rewritten and the mark set, staging cleared. Gives the provisional rows that had to give up their
    /// number: old and new name.
    pub fn end(&mut self, end: &End, now: &str) -> Result<Vec<(String, String)>> {
        // Everything it applies is on the server, or in the store already; what is confirmed later is flushed then.
        self.set_durable(false)?;
        let files = self.files.clone();
        let (path, inode) = (self.path.clone(), self.inode);
        let mut notices = Vec::new();
        let renumbered = self.transact(|db| {
            // What is in a file that nobody finds is compared by whoever opens the other one.
            if !open::inode(&path).is_ok_and(|found| found == inode) {
                return Err(open::removed_meanwhile().into());
            }
            notices = spare::agree(db, &files.queue)?;
            discarded::keep(db, &files.discarded, &lost::lost(db, end)?)?;
            let renumbered = apply(db, end, now)?;
            hit("store.end.applied");
            notices.extend(spare::shorten(db, &files.queue)?);
            hit("store.end.commit");
            Ok(renumbered)
        })?;
        hit("store.end.committed");
        self.notices.extend(notices);
        Ok(renumbered)
    }

    /// Applies what a dead run left answered (the holder of the sync lock calls it first).
    pub fn settle_answers(&mut self, now: &str) -> Result<usize> {
        self.open_again_if_replaced()?;
        if answered(&self.db).map_err(|e| self.error(e))?.is_empty() {
            return Ok(0);
        }
        let queue = self.files.queue.clone();
        self.set_durable(false)?;
        let mut notices = Vec::new();
        let count = self.transact(|db| {
            notices = spare::agree(db, &queue)?;
            let count = apply_answers(db, &End::default(), now)?;
            renumber(db, now)?;
            renew_all(db)?;
            follow_names(db)?;
            notices.extend(spare::shorten(db, &queue)?);
            hit("store.answers.settled");
            Ok(count)
        })?;
        self.notices.extend(notices);
        Ok(count)
    }
}

fn apply(db: &Connection, end: &End, now: &str) -> rusqlite::Result<Vec<(String, String)>> {
    if end.afresh {
        forget_server(db)?;
    }
    for workspace in &end.workspaces {
        put_workspace(db, workspace, now)?;
    }
    end.left.iter().try_for_each(|workspace| forget_workspace(db, *workspace))?;
    let mut read_again = BTreeSet::new();
    for kind in rows_of() {
        read_again.extend(apply_staged(db, kind, end, now)?);
    }
    hit("store.end.rows");
    for row in &end.read {
        put_server_row(db, row, now)?;
    }
    for (kind, id) in &end.gone {
        remove_if_settled(db, kind, *id)?;
    }
    end.pulled.iter().try_for_each(|pulled| apply_kinds(db, pulled, now))?;
    read_again.into_iter().try_for_each(|workspace| forget_marks(db, workspace))?;
    hit("store.end.kinds");
    apply_answers(db, end, now)?;
    hit("store.end.answers");
    conflicts::forget_settled(db)?;
    let renumbered = renumber(db, now)?;
    renew_all(db)?;
    follow_names(db)?;
    take_names(db)?;
    for (key, value) in &end.metadata {
        set_metadata(db, key, value)?;
    }
    for (direction, row) in &end.logs {
        log::append(db, *direction, now, row)?;
    }
    for pulled in &end.pulled {
        staging::forget(db, pulled.workspace_id)?;
    }
    end.left.iter().try_for_each(|workspace| staging::forget(db, *workspace))?;
    if !end.pulled.is_empty() {
        db.execute("DELETE FROM staged_gone", [])?;
    }
    forget_settled(db, now)?;
    Ok(renumbered)
}

/// Moves a kind's staged rows over. A row with operations waiting keeps them: only its server row changes. Gives the
/// workspaces of rows that could not be moved.
fn apply_staged(db: &Connection, kind: &'static Kind, end: &End, now: &str) -> rusqlite::Result<BTreeSet<i64>> {
    let mut left = BTreeSet::new();
    if end.pulled.is_empty() && end.left.is_empty() || !end.exactly && staging::is_empty(db, kind)? {
        return Ok(left);
    }
    let (table, statements) = (kind.table, statements(kind));
    // Rows of workspaces that could not be read whole stay staged.
    let pulled = json::to_string(&end.pulled.iter().map(|pulled| pulled.workspace_id).collect::<Vec<_>>());
    let held: Vec<Row> = db
        .prepare_cached(&format!(
            "SELECT {} FROM staged_{table} WHERE deleted_at IS NULL AND id IN (SELECT id FROM {table} WHERE remote IS NOT NULL) \
             AND workspace_id IN (SELECT value FROM json_each(?1))",
            statements.columns
        ))?
        .query_map([&pulled], |row| statements.read(row))?
        .collect::<rusqlite::Result<_>>()?;
    for row in &held {
        if is_in_the_way(db, row)? {
            left.insert(row.workspace_id);
        } else {
            put_server_row(db, row, now)?;
        }
    }
    run(
        db,
        &format!(
            "INSERT OR REPLACE INTO {table} ({columns}, synced_at) SELECT {columns}, synced_at FROM staged_{table} s \
         WHERE s.deleted_at IS NULL AND s.workspace_id IN (SELECT value FROM json_each(?1)) \
         AND s.id NOT IN (SELECT id FROM staged_gone WHERE kind = ?2) AND NOT EXISTS \
         (SELECT 1 FROM {table} t WHERE t.id = s.id AND (t.remote IS NOT NULL OR ({same} AND t.unknown IS s.unknown)))",
            columns = statements.columns,
            same = statements.same_content
        ),
        [pulled.as_str(), kind.name],
    )?;
    let mut gone: Vec<i64> = db
        .prepare_cached(&format!(
            "SELECT id FROM {table} WHERE id IN (SELECT id FROM staged_{table} WHERE deleted_at IS NOT NULL \
             AND workspace_id IN (SELECT value FROM json_each(?1))) \
             OR id IN (SELECT id FROM staged_gone WHERE kind = ?2)"
        ))?
        .query_map(rusqlite::params![pulled, kind.name], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // Of the other kinds it is known row by row.
    if end.exactly && matches!(kind.place, Place::Numbered) {
        let absent = db
            .prepare_cached(&format!(
                "SELECT id FROM {table} WHERE id > 0 AND id NOT IN (SELECT id FROM staged_{table}) \
                 AND workspace_id IN (SELECT value FROM json_each(?1))"
            ))?
            .query_map([&pulled], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        gone.extend(absent.into_iter().filter(|id| !end.unreadable.contains(id)));
    }
    gone.into_iter().try_for_each(|id| remove_if_settled(db, kind, id))?;
    Ok(left)
}

/// The server gave the id of a row that it has lost to another one, while edits of the lost row wait for a decision: they
/// keep their row in sight, and the other one comes with the sync after that.
fn is_in_the_way(db: &Connection, row: &Row) -> rusqlite::Result<bool> {
    let known = super::rows::server_row(db, row.kind, row.id)?;
    Ok(known.is_some_and(|known| row.is_another_than(&known))
        && !unsettled_of(db, row.kind, &Target::Server(row.id))?.is_empty())
}

/// The next pull reads the whole workspace.
pub(super) fn forget_marks(db: &Connection, workspace_id: i64) -> rusqlite::Result<()> {
    let below = rows_of().filter(|kind| kind.below().is_some()).map(|kind| format!("cursor:{}", kind.collection));
    let keys = ["cursor", "cursor_task", "listed", "state", "unlisted"].map(String::from).into_iter().chain(below);
    for key in keys {
        run(db, "DELETE FROM sync_metadata WHERE key = ?1", [format!("{key}:{workspace_id}")])?;
    }
    Ok(())
}

/// An edit that waits for its conflict's decision keeps its row in sight.
fn remove_if_settled(db: &Connection, kind: &'static Kind, id: i64) -> rusqlite::Result<()> {
    if unsettled_of(db, kind, &Target::Server(id))?.is_empty() { remove_row(db, kind, id) } else { Ok(()) }
}

fn apply_kinds(db: &Connection, pulled: &Pulled, now: &str) -> rusqlite::Result<()> {
    let workspace = pulled.workspace_id;
    if let Some(members) = &pulled.members {
        replace_members(db, workspace, members, now)?;
    }
    if let Some(whole) = pulled.links {
        replace_links(db, workspace, whole, now)?;
    }
    if let Some((at, unlisted)) = &pulled.listed {
        set_metadata(db, &format!("listed:{workspace}"), at)?;
        set_metadata(db, &format!("unlisted:{workspace}"), &json::to_string(unlisted))?;
    }
    if let Some((updated_at, row)) = &pulled.cursor {
        set_metadata(db, &format!("cursor:{workspace}"), updated_at)?;
        set_metadata(db, &format!("cursor_task:{workspace}"), &row.to_string())?;
    }
    for below in &pulled.below {
        if let Some(at) = &below.cursor {
            set_metadata(db, &format!("cursor:{}:{workspace}", below.kind.collection), at)?;
        }
        let parents = below.kind.parent().map_or("", |parent| parent.table);
        if let Some(read) = &below.read {
            run(
                db,
                &format!("UPDATE {parents} SET below_read = ?2 WHERE id IN (SELECT value FROM json_each(?1))"),
                rusqlite::params![json::to_string(read), Timestamp::parse(now).map_or(0, |now| now.0)],
            )?;
        }
    }
    if let Some(state) = &pulled.state {
        set_metadata(db, &format!("state:{workspace}"), state)?;
    }
    Ok(())
}

/// Makes the links between a workspace's server rows those of the staged graph; rows that stay are not touched.
fn replace_links(db: &Connection, workspace_id: i64, whole: bool, now: &str) -> rusqlite::Result<()> {
    let params = named_params! {":workspace": workspace_id, ":now": now};
    const STAGED: &str = "SELECT a.id AS task_id, b.id AS depends_on_id FROM staged_links e \
         JOIN tasks a ON a.workspace_id = e.workspace_id AND a.identifier = e.name AND a.id > 0 \
         JOIN tasks b ON b.workspace_id = e.workspace_id AND b.identifier = e.other AND b.id > 0 \
         WHERE e.workspace_id = :workspace AND :now = :now";
    if whole {
        run(
            db,
            &format!(
                "DELETE FROM task_dependencies AS d WHERE depends_on_id > 0 AND EXISTS \
             (SELECT 1 FROM tasks WHERE id = d.task_id AND id > 0 AND workspace_id = :workspace) \
             AND (task_id, depends_on_id) NOT IN ({STAGED})"
            ),
            params,
        )?;
    }
    run(
        db,
        &format!(
            "INSERT OR IGNORE INTO task_dependencies (task_id, depends_on_id, created_at, synced_at) \
         SELECT task_id, depends_on_id, :now, :now FROM ({STAGED})"
        ),
        params,
    )
    .map(drop)
}

/// What the server has said to operations, oldest first: the rows it made get their ids, and each answer is laid.
fn apply_answers(db: &Connection, end: &End, now: &str) -> rusqlite::Result<usize> {
    let ops = answered(db)?;
    let mut made_now = BTreeMap::new();
    // Of many updates of one row only the newest answer is laid.
    let row_of = |op: &Operation| match (&op.state, op.shape) {
        (State::Answered(Some(row)), Shape::Update) => Some((row.kind.name, row.id)),
        _ => None,
    };
    let newest: HashMap<_, usize> = ops.iter().enumerate().filter_map(|(at, op)| Some((row_of(op)?, at))).collect();
    for (at, op) in ops.iter().enumerate() {
        hit("store.end.answer");
        transition(db, &op.op_id, &op.state, &State::Done)?;
        let State::Answered(row) = &op.state else { continue };
        let row = row.as_deref();
        match op.shape {
            Shape::Create => {
                if let Some(row) = row {
                    made(db, op, row, end, now)?;
                    made_now.insert(op.op_id.clone(), row.id);
                }
            }
            Shape::Update => {
                if let Some(row) = row.filter(|row| newest.get(&(row.kind.name, row.id)) == Some(&at)) {
                    put_server_row(db, row, now)?;
                }
            }
            Shape::Delete => {
                if let Some(id) = local_id(db, op.kind, &op.target)? {
                    remove_row(db, op.kind, id)?;
                }
            }
            Shape::Link | Shape::Unlink => lay_link(db, op, now)?,
        }
    }
    name_by_ids(db, &made_now)?;
    Ok(ops.len())
}

fn made(db: &Connection, op: &Operation, row: &Row, end: &End, now: &str) -> rusqlite::Result<()> {
    let old: Option<i64> = db
        .prepare_cached(&format!("SELECT id FROM {} WHERE made_by = ?1", op.kind.table))?
        .query_row([&op.op_id], |found| found.get(0))
        .optional()?;
    // A repeated create under a key gets its first answer again: what the pull has brought since is newer. One that had the
    // id before is not.
    let lost = end.lost.iter().any(|lost| lost.kind == row.kind && lost.id == row.id);
    let pulled = super::rows::server_row(db, op.kind, row.id)?
        .filter(|known| known.is_newer_than(row) && !lost && !row.is_another_than(known));
    let row = pulled.as_ref().unwrap_or(row);
    if let Some(old) = old {
        give_server_id(db, op.kind, old, row)?;
    }
    // What waits for the row now finds it under its server id.
    run(
        db,
        "UPDATE sync_queue SET entity_id = :id WHERE synced = 0 AND entity_id = :op_id AND entity_type = :kind",
        named_params! {":id": row.id.to_string(), ":op_id": op.op_id, ":kind": op.kind.name},
    )?;
    rename_operations(db, &op.op_id, &row.name)?;
    run(db, "UPDATE sync_queue SET identifier = ?2 WHERE op_id = ?1", rusqlite::params![op.op_id, row.name])?;
    if let Some(replaced) = op.replaces {
        run(
            db,
            "UPDATE sync_queue SET entity_id = :id WHERE synced = 0 AND entity_id = :old AND entity_type = :kind",
            named_params! {":id": row.id.to_string(), ":old": replaced.to_string(), ":kind": op.kind.name},
        )?;
        name_anew(db, op.kind, replaced, row.id)?;
        remove_row(db, op.kind, replaced)?;
    }
    put_server_row(db, row, now)?;
    if is_staged_dead(db, row)? {
        return remove_if_settled(db, op.kind, row.id);
    }
    if !end.unannounced.contains(&op.op_id) && matches!(op.kind.place, Place::Numbered) {
        remember_name(db, row.workspace_id, &op.name, row.id, &row.name, now)?;
    }
    Ok(())
}

/// What waits and names a row that was made names it by its id from now on: queue.jsonl has the create no longer, and must
/// make sense without the cache.
fn name_by_ids(db: &Connection, made: &BTreeMap<String, i64>) -> rusqlite::Result<()> {
    if made.is_empty() {
        return Ok(());
    }
    for (op_id, id) in made {
        db.prepare_cached("UPDATE sync_queue SET other = ?2 WHERE synced = 0 AND other = ?1")?
            .execute(rusqlite::params![op_id, id.to_string()])?;
    }
    let naming: Vec<(i64, String)> = db
        .prepare_cached("SELECT id, payload FROM sync_queue WHERE synced = 0 AND instr(payload, ?1) > 0")?
        .query_map([MADE_BY], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (seq, payload) in naming {
        db.prepare_cached("UPDATE sync_queue SET payload = ?2 WHERE id = ?1")?
            .execute(rusqlite::params![seq, with_ids(&payload, made)])?;
    }
    Ok(())
}

/// What waits and names a row that was made again means the new one.
fn name_anew(db: &Connection, kind: &'static Kind, old: i64, new: i64) -> rusqlite::Result<()> {
    for mut op in queue::waiting(db)? {
        if !op.needs().contains(&(kind.name, Target::Server(old))) {
            continue;
        }
        if op.other == Some(Target::Server(old)) {
            op.other = Some(Target::Server(new));
        }
        for (field, value) in op.set.iter_mut().chain(&mut op.base) {
            if field.ty == Type::Reference(kind.name) && *value == Value::Int(old) {
                *value = Value::Int(new);
            }
        }
        db.prepare_cached("UPDATE sync_queue SET other = ?2, payload = ?3 WHERE op_id = ?1")?.execute(
            rusqlite::params![
                op.op_id,
                op.other.as_ref().map(Target::to_text),
                json::to_string(&crate::document::payload_to_json(&op))
            ],
        )?;
    }
    Ok(())
}

/// How a reference to a row that is still to be made begins in a payload (`Value::MadeBy`).
const MADE_BY: &str = "{\"made_by\":\"";

fn with_ids(payload: &str, made: &BTreeMap<String, i64>) -> String {
    let mut parts = payload.split(MADE_BY);
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        match part.split_once("\"}").and_then(|(op_id, rest)| Some((made.get(op_id)?, rest))) {
            Some((id, rest)) => text += &format!("{id}{rest}"),
            None => text = text + MADE_BY + part,
        }
    }
    text
}

/// The pull of this run has brought its tombstone.
fn is_staged_dead(db: &Connection, row: &Row) -> rusqlite::Result<bool> {
    let table = row.kind.table;
    db.prepare_cached(&format!(
        "SELECT 1 FROM staged_{table} WHERE id = ?1 AND deleted_at IS NOT NULL AND version > ?2"
    ))?
    .exists([row.id, row.version])
}

fn lay_link(db: &Connection, op: &Operation, now: &str) -> rusqlite::Result<()> {
    let kind = crate::model::kind(op.kind.ends).unwrap_or(op.kind);
    let Some(other) = &op.other else { return Ok(()) };
    if let (Some(from), Some(to)) = (local_id(db, kind, &op.target)?, local_id(db, kind, other)?) {
        set_link(db, from, to, op.shape == Shape::Link, now)?;
    }
    Ok(())
}

/// Names that operations show people follow the rows', also where a workspace's prefix was changed.
fn take_names(db: &Connection) -> rusqlite::Result<()> {
    for kind in crate::model::KINDS {
        let Some(rows) = crate::model::kind(kind.ends) else { continue };
        let (name, table) = (kind.name, rows.table);
        db.execute(
            &format!(
                "UPDATE sync_queue SET identifier = coalesce((SELECT identifier FROM {table} t \
                 WHERE t.id = CAST(entity_id AS INTEGER)), identifier) WHERE synced = 0 AND entity_type = '{name}' \
                 AND CAST(entity_id AS INTEGER) > 0 AND entity_id NOT LIKE '%-%'"
            ),
            [],
        )?;
        if rows.below().is_some() {
            db.execute(
                &format!(
                    "UPDATE sync_queue SET identifier = coalesce((SELECT identifier FROM {table} t \
                     WHERE t.made_by = entity_id), identifier) WHERE synced = 0 AND entity_type = '{name}'"
                ),
                [],
            )?;
        }
    }
    Ok(())
}

/// Rows that are below others are called by those: where such a name has changed, theirs follow.
fn follow_names(db: &Connection) -> rusqlite::Result<()> {
    for kind in rows_of() {
        let Some((below, parent)) = kind.below().zip(kind.parent()) else { continue };
        let (table, column, parents) = (kind.table, below.column, parent.table);
        let name = format!("p.identifier || '{}' || CASE WHEN c.id > 0 THEN c.id ELSE 'new' || c.id END", kind.mark());
        // Few of them are only here; those of the server get their names with what a pull has brought.
        run(
            db,
            &format!(
                "UPDATE {table} AS c SET identifier = {name} FROM {parents} p WHERE p.id = c.{column} \
                 AND c.identifier <> {name} AND c.id IN (SELECT id FROM {table} WHERE id < 0 \
                 UNION ALL SELECT id FROM {table} WHERE remote IS NOT NULL \
                 UNION ALL SELECT id FROM {table} WHERE {column} IN (SELECT task_id FROM renames))"
            ),
            [],
        )?;
    }
    Ok(())
}

/// Settled operations are history, bounded by age and number; one that something waiting refers to stays.
fn forget_settled(db: &Connection, now: &str) -> rusqlite::Result<()> {
    let Some(now) = Timestamp::parse(now) else { return Ok(()) };
    let oldest = now.minus(HISTORY).rfc3339();
    let old = named_params! {":oldest": oldest, ":rows": HISTORY_ROWS};
    const BEYOND: &str = "synced = 1 AND (id <= (SELECT id FROM sync_queue WHERE synced = 1 ORDER BY id DESC LIMIT 1 \
         OFFSET :rows) OR id < coalesce((SELECT id FROM sync_queue WHERE synced = 1 AND synced_at >= :oldest ORDER BY id LIMIT 1), id + 1))";
    let some = format!("SELECT 1 FROM sync_queue WHERE {BEYOND} LIMIT 1");
    if !db.prepare_cached(&some)?.exists(old)? {
        return Ok(());
    }
    let referred = json::to_string(&referred_to(db)?.into_iter().collect::<Vec<String>>());
    run(
        db,
        &format!("DELETE FROM sync_queue WHERE {BEYOND} AND op_id NOT IN (SELECT value FROM json_each(:referred))"),
        named_params! {":oldest": oldest, ":rows": HISTORY_ROWS, ":referred": referred},
    )?;
    db.execute("DELETE FROM sends WHERE op_id NOT IN (SELECT op_id FROM sync_queue)", []).map(drop)
}

/// The creates that waiting operations name.
fn referred_to(db: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let needs = queue::waiting(db)?.into_iter().flat_map(|op| op.needs());
    Ok(needs
        .filter_map(|(_, target)| match target {
            Target::MadeBy(op_id) => Some(op_id),
            Target::Server(_) => None,
        })
        .gather())
}
