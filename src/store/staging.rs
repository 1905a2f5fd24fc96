//! Where a pull puts what it fetched until the sync's end: tables of their own in the cache, filled in short transactions
//! that are not flushed. They survive an interrupted run, with the walk that says how far it came.

use super::rows::{insert_row, rows_of, statements};
use super::{Result, Store, Totals, Walk, run};
use crate::document::{self, as_integer, as_text, integer, member, object, optional, text};
use crate::failpoint::hit;
use crate::model::{Edge, Kind, Row};
use crate::time::Timestamp;
use miniserde::json::{self, Value};
use rusqlite::{Connection, OptionalExtension, named_params};
use std::collections::BTreeSet;

fn walk_to_json(walk: &Walk) -> String {
    json::to_string(&object([
        ("began", text(&walk.began)),
        ("everything", Value::Bool(walk.everything)),
        ("from", optional(&walk.from)),
        ("offset", integer(i64::from(walk.offset))),
        ("page", integer(i64::from(walk.page))),
        ("row", walk.row.map_or(Value::Null, integer)),
        ("done", Value::Bool(walk.done)),
    ]))
}

fn walk_from_json(text: &str) -> Walk {
    let value = document::parse(text);
    let get = |name| member(&value, name);
    let is = |name| matches!(get(name), Some(Value::Bool(true)));
    let number = |name| as_integer(get(name)).and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    Walk {
        began: as_text(get("began")).unwrap_or_default(),
        everything: is("everything"),
        from: as_text(get("from")),
        offset: number("offset"),
        page: number("page"),
        row: as_integer(get("row")),
        done: is("done"),
    }
}

/// The ids of a kind's rows that are gone, as a subquery.
fn gone(kind: &Kind) -> String {
    format!("SELECT id FROM staged_gone WHERE kind = '{}'", kind.name)
}

/// Nothing is staged of a kind: most syncs bring nothing of most kinds, and longer statements take time to prepare.
pub(super) fn is_empty(db: &Connection, kind: &Kind) -> rusqlite::Result<bool> {
    let (table, gone) = (kind.table, gone(kind));
    db.prepare_cached(&format!("SELECT NOT EXISTS (SELECT 1 FROM staged_{table}) AND NOT EXISTS ({gone})"))?
        .query_row([], |row| row.get(0))
}

pub(super) fn staged_row(db: &Connection, kind: &'static Kind, id: i64) -> rusqlite::Result<Option<Row>> {
    let statements = statements(kind);
    db.prepare_cached(&statements.staged_by_id)?.query_row([id], |row| statements.read(row)).optional()
}

impl Store {
    /// How far an interrupted walk through a workspace came.
    pub fn walk(&self, workspace_id: i64) -> Result<Option<Walk>> {
        self.db
            .prepare_cached("SELECT walk FROM staged_walks WHERE workspace_id = ?1")
            .and_then(|mut query| query.query_row([workspace_id], |row| row.get::<_, String>(0)).optional())
            .map(|found| found.map(|text| walk_from_json(&text)))
            .map_err(|e| self.error(e))
    }

    /// Stages rows and says how far the walk is, in one transaction.
    pub fn stage(&mut self, workspace_id: i64, rows: &[Row], walk: &Walk) -> Result<()> {
        self.set_durable(false)?;
        let now = Timestamp::now().rfc3339();
        self.write(|db| {
            for row in rows {
                insert_row(db, &statements(row.kind).stage, row, &now)?;
            }
            if *walk != Walk::one_by_one() {
                run(
                    db,
                    "INSERT OR REPLACE INTO staged_walks (workspace_id, walk) VALUES (?1, ?2)",
                    rusqlite::params![workspace_id, walk_to_json(walk)],
                )?;
            }
            Ok(())
        })?;
        hit("store.staged");
        Ok(())
    }

    /// Forgets what is staged of a workspace.
    pub fn unstage(&mut self, workspace_id: i64) -> Result<()> {
        self.set_durable(false)?;
        self.write(|db| forget(db, workspace_id))
    }

    /// Forgets what is staged of one kind in a workspace.
    pub fn unstage_kind(&mut self, kind: &'static Kind, workspace_id: i64) -> Result<()> {
        self.set_durable(false)?;
        self.write(|db| forget_kind(db, kind, workspace_id))
    }

    pub fn stage_links(&mut self, kind: &'static Kind, workspace_id: i64, edges: &[Edge]) -> Result<()> {
        self.set_durable(false)?;
        self.write(|db| {
            run(
                db,
                "DELETE FROM staged_links WHERE workspace_id = ?1 AND kind = ?2",
                rusqlite::params![workspace_id, kind.name],
            )?;
            let mut insert = db.prepare_cached(
                "INSERT OR IGNORE INTO staged_links (workspace_id, kind, name, other) VALUES (?1, ?2, ?3, ?4)",
            )?;
            edges.iter().try_for_each(|edge| {
                insert.execute(rusqlite::params![workspace_id, kind.name, edge.task, edge.depends_on]).map(drop)
            })
        })
    }

    /// Calls the staged rows of a kind that is below another by the names of the rows above: not every list says these.
    pub fn name_staged(&mut self, kind: &'static Kind, workspace_id: i64) -> Result<()> {
        let Some((below, parent)) = kind.below().zip(kind.parent()) else { return Ok(()) };
        let (table, parents, column, mark) = (kind.table, parent.table, below.column, kind.mark());
        self.set_durable(false)?;
        self.write(|db| {
            run(
                db,
                &format!(
                    "UPDATE staged_{table} AS c SET identifier = coalesce( \
                     (SELECT identifier FROM staged_{parents} WHERE id = c.{column}), \
                     (SELECT identifier FROM {parents} WHERE id = c.{column}), '') || '{mark}' || id \
                     WHERE workspace_id = ?1"
                ),
                [workspace_id],
            )
            .map(drop)
        })
    }

    /// How many rows of a kind are below a row, as the row's own count has it, staged or else cached.
    pub fn counted_below(&self, kind: &'static Kind, id: i64) -> Result<Option<i64>> {
        let (Some(count), Some(parent)) = (kind.counted, kind.parent()) else { return Ok(None) };
        let row = match self.staged_row(parent, id)? {
            Some(row) => Some(row),
            None => self.row(parent, id)?,
        };
        Ok(row.and_then(|row| row.int(count)))
    }

    /// A row that the server said is gone.
    pub fn stage_gone(&mut self, kind: &'static Kind, id: i64) -> Result<()> {
        self.set_durable(false)?;
        self.write(|db| {
            run(db, "INSERT OR IGNORE INTO staged_gone (kind, id) VALUES (?1, ?2)", rusqlite::params![kind.name, id])
                .map(drop)
        })
    }

    pub fn staged_row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        staged_row(&self.db, kind, id).map_err(|e| self.error(e))
    }

    pub fn is_staged_gone(&self, kind: &'static Kind, id: i64) -> Result<bool> {
        self.db
            .prepare_cached("SELECT 1 FROM staged_gone WHERE kind = ?1 AND id = ?2")
            .and_then(|mut query| query.exists(rusqlite::params![kind.name, id]))
            .map_err(|e| self.error(e))
    }

    /// Takes one row out again: a read that is not believed.
    pub fn unstage_row(&mut self, kind: &'static Kind, id: i64) -> Result<()> {
        self.set_durable(false)?;
        self.write(|db| run(db, &format!("DELETE FROM staged_{} WHERE id = ?1", kind.table), [id]).map(drop))
    }

    pub fn count_staged_live(&self, kind: &'static Kind) -> Result<usize> {
        let sql = format!("SELECT count(*) FROM staged_{} WHERE deleted_at IS NULL", kind.table);
        self.number(&sql, 0).map(|count| count.max(0) as usize)
    }

    /// Live rows the cache of a workspace will hold once what is staged is applied.
    pub fn expected_total(&self, kind: &'static Kind, workspace_id: i64) -> Result<i64> {
        let (table, gone) = (kind.table, gone(kind));
        self.number(
            &format!(
                "SELECT (SELECT count(*) FROM staged_{table} WHERE workspace_id = :workspace AND deleted_at IS NULL \
                         AND id NOT IN ({gone})) \
                      + (SELECT count(*) FROM {table} WHERE workspace_id = :workspace AND id > 0 \
                         AND id NOT IN (SELECT id FROM staged_{table}) AND id NOT IN ({gone}))"
            ),
            workspace_id,
        )
    }

    /// Server rows of the cache that a full listing, now staged, did not bring: id and name.
    pub fn missing_from_staging(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<(i64, String)>> {
        let sql = format!(
            "SELECT id, identifier FROM {table} WHERE workspace_id = :workspace AND id > 0 \
             AND id NOT IN (SELECT id FROM staged_{table}) AND id NOT IN ({gone}) ORDER BY id",
            table = kind.table,
            gone = gone(kind)
        );
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| {
                query
                    .query_map(named_params! {":workspace": workspace_id}, |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Staged rows that the cache has in a higher version, or in the same with another time: cached and staged row.
    pub fn staged_behind(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<(Row, Row)>> {
        let ids: Vec<i64> = self
            .db
            .prepare_cached(&format!(
                "SELECT s.id FROM staged_{table} s JOIN {table} t ON t.id = s.id WHERE s.workspace_id = ?1 \
                 AND (t.version > s.version OR (t.version = s.version AND t.updated_at <> s.updated_at))",
                table = kind.table
            ))
            .and_then(|mut query| query.query_map([workspace_id], |row| row.get(0))?.collect())
            .map_err(|e| self.error(e))?;
        let mut behind = Vec::new();
        for id in ids {
            if let (Some(known), Some(staged)) = (self.server_row(kind, id)?, self.staged_row(kind, id)?) {
                behind.push((known, staged));
            }
        }
        Ok(behind)
    }

    /// Rows that the server has and did not list when it listed everything, and that the cache still has.
    pub fn unlisted(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<i64>> {
        let text = self.metadata(&format!("unlisted:{workspace_id}"))?.unwrap_or_default();
        let ids: Vec<i64> = json::from_str(&text).unwrap_or_default();
        let mut known = Vec::new();
        for id in ids {
            if self.staged_row(kind, id)?.is_none() && !self.is_staged_gone(kind, id)? && self.row(kind, id)?.is_some()
            {
                known.push(id);
            }
        }
        Ok(known)
    }

    /// Rows of the server, with their names, that are newer in the cache than `cursor`: written by this client. Those that
    /// the server lists never are not among them.
    pub fn written_since(
        &self,
        kind: &'static Kind,
        workspace_id: i64,
        cursor: Timestamp,
    ) -> Result<Vec<(i64, String)>> {
        let newer: Vec<i64> = self
            .db
            .prepare_cached(&format!(
                "SELECT id FROM {} WHERE workspace_id = ?1 AND updated_us > ?2 AND id > 0 AND deleted_at IS NULL",
                kind.table
            ))
            .and_then(|mut query| query.query_map([workspace_id, cursor.0], |row| row.get(0))?.collect())
            .map_err(|e| self.error(e))?;
        let unlisted = if newer.is_empty() { Vec::new() } else { self.unlisted(kind, workspace_id)? };
        let mut written = Vec::new();
        for id in newer.into_iter().filter(|id| !unlisted.contains(id)) {
            // A row that is changed here shows when that was; what counts is the server's.
            let row = self.server_row(kind, id)?;
            let is_newer = |row: &Row| Timestamp::parse(&row.updated_at).is_some_and(|at| at > cursor);
            written.extend(row.filter(is_newer).map(|row| (id, row.name)));
        }
        Ok(written)
    }

    /// The lists below a row were read since it changed last.
    pub fn is_read_below(&self, row: &Row) -> Result<bool> {
        let sql = format!("SELECT count(*) FROM {} WHERE id = :workspace AND below_read IS NOT NULL", row.kind.table);
        Ok(self.number(&sql, row.id)? > 0)
    }

    /// Live rows of a workspace whose lists below them are to be read: first those that are new or have changed since, the
    /// newest first; with `again` also the rest, that was read longest ago first. Id and name.
    pub fn to_read_below(
        &self,
        kind: &'static Kind,
        workspace_id: i64,
        again: bool,
        limit: u32,
    ) -> Result<Vec<(i64, String)>> {
        let (table, gone, same) = (kind.table, gone(kind), &statements(kind).same_content);
        let sql = format!(
            "SELECT id, identifier FROM ( \
             SELECT s.id, s.identifier, s.updated_us, (SELECT t.below_read FROM {table} t WHERE t.id = s.id \
             AND t.version = s.version AND t.updated_at = s.updated_at AND (t.remote IS NOT NULL OR ({same}))) AS at \
             FROM staged_{table} s \
             WHERE s.workspace_id = :workspace AND s.deleted_at IS NULL AND s.id NOT IN ({gone}) UNION ALL \
             SELECT id, identifier, updated_us, below_read FROM {table} WHERE workspace_id = :workspace AND id > 0 \
             AND id NOT IN (SELECT id FROM staged_{table}) AND id NOT IN ({gone})) \
             WHERE at IS NULL OR :again ORDER BY at IS NOT NULL, at, updated_us DESC LIMIT :limit"
        );
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| {
                let params = named_params! {":workspace": workspace_id, ":again": again, ":limit": limit};
                query.query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(|e| self.error(e))
    }

    /// The newest staged row of a workspace that is not newer than `until`: its `updated_at` as the server wrote it, and
    /// its id.
    pub fn newest_staged(
        &self,
        kind: &'static Kind,
        workspace_id: i64,
        until: Timestamp,
    ) -> Result<Option<(String, i64)>> {
        self.db
            .prepare_cached(&format!(
                "SELECT updated_at, id FROM staged_{} WHERE workspace_id = ?1 AND updated_us <= ?2 \
                 ORDER BY updated_us DESC, id DESC LIMIT 1",
                kind.table
            ))
            .and_then(|mut query| {
                query
                    .query_row(rusqlite::params![workspace_id, until.0], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(|e| self.error(e))
    }

    /// The highest number of a kind in a workspace, as far as what is staged and cached tells: rows that the server no longer
    /// has do not count, because one that was put back to a backup hands their numbers out again.
    pub fn highest_known_number(&self, kind: &'static Kind, workspace_id: i64) -> Result<i64> {
        let (table, gone) = (kind.table, gone(kind));
        let staged = self.number(
            &format!("SELECT coalesce(max(number), 0) FROM staged_{table} WHERE workspace_id = :workspace"),
            workspace_id,
        )?;
        let cached = self.number(
            &format!(
                "SELECT coalesce(max(number), 0) FROM {table} WHERE workspace_id = :workspace AND id > 0 \
                 AND id NOT IN (SELECT id FROM staged_{table}) AND id NOT IN ({gone})"
            ),
            workspace_id,
        )?;
        Ok(staged.max(cached))
    }

    /// Server rows that may have been made since `number` was the highest one, staged (also as deleted) or cached: those
    /// with a higher number, and those the cache has never seen, because a server that was put back to a backup hands
    /// out numbers and ids again.
    pub fn rows_made_after(&self, kind: &'static Kind, workspace_id: i64, number: i64) -> Result<Vec<Row>> {
        let statements = statements(kind);
        let sql = format!(
            "SELECT {columns} FROM staged_{table} AS staged WHERE workspace_id = :workspace AND (number > :number \
             OR NOT EXISTS (SELECT 1 FROM {table} AS cached WHERE cached.id = staged.id \
              AND cached.created_at = staged.created_at)) UNION ALL SELECT {columns} FROM {table} \
             WHERE workspace_id = :workspace AND number > :number AND id > 0 AND id NOT IN (SELECT id FROM staged_{table})",
            columns = statements.columns,
            table = kind.table
        );
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| {
                query
                    .query_map(named_params! {":workspace": workspace_id, ":number": number}, |row| {
                        statements.read(row)
                    })?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Staged rows that were made on the server at or after `since` (its clock).
    pub fn staged_since(&self, kind: &'static Kind, workspace_id: i64, since: Timestamp) -> Result<Vec<Row>> {
        let statements = statements(kind);
        let sql = format!(
            "SELECT {} FROM staged_{} WHERE workspace_id = ?1 AND created_us >= ?2",
            statements.columns, kind.table
        );
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| {
                query.query_map(rusqlite::params![workspace_id, since.0], |row| statements.read(row))?.collect()
            })
            .map_err(|e| self.error(e))
    }

    /// What the staged rows will change. Rows in `reported` are announced elsewhere and not counted. `exactly`: the
    /// workspaces whose server rows go that are not staged.
    pub fn count_staged(&self, kind: &'static Kind, reported: &BTreeSet<i64>, exactly: &[i64]) -> Result<Totals> {
        count(&self.db, kind, reported, exactly).map_err(|e| self.error(e))
    }

    fn number(&self, sql: &str, workspace_id: i64) -> Result<i64> {
        let query = |db: &Connection| {
            let mut query = db.prepare_cached(sql)?;
            if query.parameter_count() == 0 {
                return query.query_row([], |row| row.get(0));
            }
            query.query_row(named_params! {":workspace": workspace_id}, |row| row.get(0))
        };
        query(&self.db).map_err(|e| self.error(e))
    }
}

fn forget_kind(db: &Connection, kind: &Kind, workspace_id: i64) -> rusqlite::Result<()> {
    let (table, name) = (kind.table, kind.name);
    // Asked row by row of the few that are gone, not of all that there are.
    let gone = format!(
        "DELETE FROM staged_gone AS g WHERE kind = '{name}' \
         AND EXISTS (SELECT 1 FROM {table} WHERE id = g.id AND workspace_id = ?1)"
    );
    run(db, &gone, [workspace_id])?;
    run(db, &format!("DELETE FROM staged_{table} WHERE workspace_id = ?1"), [workspace_id]).map(drop)
}

pub(super) fn forget(db: &Connection, workspace_id: i64) -> rusqlite::Result<()> {
    rows_of().try_for_each(|kind| forget_kind(db, kind, workspace_id))?;
    for sql in ["DELETE FROM staged_links WHERE workspace_id = ?1", "DELETE FROM staged_walks WHERE workspace_id = ?1"]
    {
        run(db, sql, [workspace_id])?;
    }
    Ok(())
}

fn count(db: &Connection, kind: &'static Kind, reported: &BTreeSet<i64>, exactly: &[i64]) -> rusqlite::Result<Totals> {
    if exactly.is_empty() && is_empty(db, kind)? {
        return Ok(Totals::default());
    }
    let reported = json::to_string(&reported.iter().copied().collect::<Vec<i64>>());
    let number = |row: &rusqlite::Row| row.get::<_, i64>(0).map(|count| count.max(0) as usize);
    let count = |sql: &str| db.prepare_cached(sql)?.query_row(named_params! {":reported": reported}, number);
    let (table, gone, same) = (kind.table, gone(kind), &statements(kind).same_content);
    const REPORTED: &str = "SELECT value FROM json_each(:reported)";
    let new = count(&format!(
        "SELECT count(*) FROM staged_{table} s WHERE s.deleted_at IS NULL AND s.id NOT IN (SELECT id FROM {table}) \
         AND s.id NOT IN ({REPORTED}) AND s.id NOT IN ({gone})",
    ))?;
    // A row with operations waiting shows theirs: its server row is compared by version and time.
    let updated = count(&format!(
        "SELECT count(*) FROM staged_{table} s JOIN {table} t ON t.id = s.id WHERE s.deleted_at IS NULL \
         AND (t.version <> s.version OR t.updated_at <> s.updated_at OR (t.remote IS NULL AND NOT ({same}))) \
         AND s.id NOT IN ({REPORTED}) AND s.id NOT IN ({gone})"
    ))?;
    let deleted = count(&format!(
        "SELECT count(*) FROM {table} WHERE (id IN (SELECT id FROM staged_{table} WHERE deleted_at IS NOT NULL) \
         OR id IN ({gone})) AND id NOT IN ({REPORTED})",
    ))?;
    let absent = db
        .prepare_cached(&format!(
            "SELECT count(*) FROM {table} WHERE id > 0 AND workspace_id IN (SELECT value FROM json_each(:exactly)) \
             AND id NOT IN (SELECT id FROM staged_{table}) AND id NOT IN ({gone}) AND id NOT IN ({REPORTED})",
        ))?
        .query_row(named_params! {":reported": reported, ":exactly": json::to_string(exactly)}, number)?;
    Ok(Totals { new, updated, deleted: deleted + absent })
}
