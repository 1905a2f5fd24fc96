//! Where a pull puts what it fetched until the sync commits: a scratch database beside the cache, attached to the same
//! connection. A file of our own rather than SQLite's temporary one, because a container may have no /tmp; attached,
//! because then one transaction moves everything over. Filling it takes no lock on the cache.

use super::Cache;
use super::tasks::{columns, read, write, write_into};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Edge, Task};
use crate::time::Timestamp;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, named_params};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const TABLES: &str = "
CREATE TABLE staging.tasks (
  id INTEGER PRIMARY KEY, project_id INTEGER, workspace_id INTEGER, identifier TEXT, title TEXT, description TEXT,
  status TEXT, priority INTEGER, assignee_id TEXT, version INTEGER, created_at TEXT, updated_at TEXT, synced_at TEXT,
  number INTEGER, uid TEXT, assignee_type TEXT, assigned_coding_agent TEXT, labels TEXT, phase TEXT, estimate REAL,
  parent_id INTEGER, goal_id INTEGER, implementation_plan TEXT, checklist TEXT, creator_id TEXT, started_at TEXT,
  completed_at TEXT, canceled_at TEXT, archived_at TEXT, deleted_at TEXT, created_us INTEGER, updated_us INTEGER
);
CREATE TABLE staging.gone (id INTEGER PRIMARY KEY);
CREATE TABLE staging.edges (workspace_id INTEGER, task TEXT, depends_on TEXT, PRIMARY KEY (workspace_id, task, depends_on))
  WITHOUT ROWID;
CREATE TABLE staging.edge_ids (task_id INTEGER, depends_on_id INTEGER, PRIMARY KEY (task_id, depends_on_id)) WITHOUT ROWID;
";

/// A path as SQLite takes it: its bytes, which need not be UTF-8.
fn name(path: &Path) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(path.as_os_str().as_bytes()))
}

impl Cache {
    /// Attaches an empty staging area. What an earlier, killed sync left is thrown away; the caller holds the
    /// environment's lock, so nobody else is using it.
    pub fn begin_staging(&mut self) -> Result<()> {
        self.end_staging();
        let path = self.staging_path();
        super::create_private(&path)?;
        self.db
            .prepare("ATTACH DATABASE :path AS staging")
            .and_then(|mut attach| attach.execute(named_params! {":path": name(&path)}))
            .and_then(|_| {
                self.db.execute_batch("PRAGMA staging.journal_mode = OFF; PRAGMA staging.synchronous = OFF")?;
                self.db.execute_batch(TABLES)
            })
            .map_err(|e| self.error(e))?;
        hit("staging.begun");
        Ok(())
    }

    /// Detaches the staging area and removes its file.
    pub fn end_staging(&mut self) {
        // Not attached is the ordinary case at the start, and a leftover file does no harm.
        let _ = self.db.execute_batch("DETACH DATABASE staging");
        hit("staging.detached");
        let _ = std::fs::remove_file(self.staging_path());
    }

    fn staging_path(&self) -> std::path::PathBuf {
        self.path.with_file_name("staging.db")
    }

    /// Stages one page. Gives the number of rows that were not staged before in the same version.
    pub fn stage_tasks(&mut self, tasks: &[Task], now: &str) -> Result<usize> {
        let stage = || -> rusqlite::Result<usize> {
            // Deferred: touches the staging file only, so the cache stays unlocked.
            let transaction = self.db.unchecked_transaction()?;
            let mut fresh = 0;
            for task in tasks {
                let known: Option<(i64, String)> = transaction
                    .prepare_cached("SELECT version, updated_at FROM staging.tasks WHERE id = :id")?
                    .query_row(named_params! {":id": task.id}, |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                if known.is_none_or(|(version, updated)| version != task.version || updated != task.updated_at) {
                    fresh += 1;
                    write(&transaction, write_into!("staging.tasks"), task, now)?;
                }
            }
            transaction.commit()?;
            Ok(fresh)
        };
        stage().map_err(|e| self.error(e))
    }

    /// Takes a workspace's tasks out again: not all of them came.
    pub fn unstage(&mut self, workspace_id: i64) -> Result<()> {
        self.db
            .prepare_cached("DELETE FROM staging.tasks WHERE workspace_id = :workspace")
            .and_then(|mut delete| delete.execute(named_params! {":workspace": workspace_id}))
            .map(drop)
            .map_err(|e| self.error(e))
    }

    pub fn stage_edges(&mut self, workspace_id: i64, edges: &[Edge]) -> Result<()> {
        let stage = || -> rusqlite::Result<()> {
            let transaction = self.db.unchecked_transaction()?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR IGNORE INTO staging.edges (workspace_id, task, depends_on) VALUES (:workspace, :task, :on)",
                )?;
                for edge in edges {
                    insert.execute(
                        named_params! {":workspace": workspace_id, ":task": edge.task, ":on": edge.depends_on},
                    )?;
                }
            }
            transaction.commit()
        };
        stage().map_err(|e| self.error(e))
    }

    /// A task that the server said is gone (404, 410).
    pub fn stage_gone(&mut self, task_id: i64) -> Result<()> {
        self.db
            .prepare_cached("INSERT OR IGNORE INTO staging.gone (id) VALUES (:id)")
            .and_then(|mut insert| insert.execute(named_params! {":id": task_id}))
            .map(drop)
            .map_err(|e| self.error(e))
    }

    /// Every task of a workspace that is gone.
    pub fn stage_workspace_gone(&mut self, workspace_id: i64) -> Result<()> {
        self.db
            .prepare_cached(
                "INSERT OR IGNORE INTO staging.gone (id) SELECT id FROM main.tasks WHERE workspace_id = :workspace AND id > 0",
            )
            .and_then(|mut insert| insert.execute(named_params! {":workspace": workspace_id}))
            .map(drop)
            .map_err(|e| self.error(e))
    }

    pub fn staged_task(&self, id: i64) -> Result<Option<Task>> {
        self.db
            .prepare_cached(concat!("SELECT ", columns!(), " FROM staging.tasks WHERE id = :id"))
            .and_then(|mut query| query.query_row(named_params! {":id": id}, read).optional())
            .map_err(|e| self.error(e))
    }

    pub fn is_staged_gone(&self, id: i64) -> Result<bool> {
        self.db
            .prepare_cached("SELECT 1 FROM staging.gone WHERE id = :id")
            .and_then(|mut query| query.exists(named_params! {":id": id}))
            .map_err(|e| self.error(e))
    }

    /// Live tasks that are staged, of all workspaces.
    pub fn count_staged_live(&self) -> Result<usize> {
        self.db
            .query_row("SELECT count(*) FROM staging.tasks WHERE deleted_at IS NULL", [], |row| row.get::<_, i64>(0))
            .map(|count| count.max(0) as usize)
            .map_err(|e| self.error(e))
    }

    /// Live tasks the cache of a workspace will hold once what is staged is applied.
    pub fn expected_total(&self, workspace_id: i64) -> Result<i64> {
        self.count(
            "SELECT (SELECT count(*) FROM staging.tasks WHERE workspace_id = :workspace AND deleted_at IS NULL \
                     AND id NOT IN (SELECT id FROM staging.gone)) \
                  + (SELECT count(*) FROM main.tasks WHERE workspace_id = :workspace AND id > 0 \
                     AND id NOT IN (SELECT id FROM staging.tasks) AND id NOT IN (SELECT id FROM staging.gone))",
            workspace_id,
        )
    }

    /// Server tasks of the cache that a full listing, now staged, did not bring: id and identifier.
    pub fn missing_from_staging(&self, workspace_id: i64) -> Result<Vec<(i64, String)>> {
        self.db
            .prepare_cached(
                "SELECT id, identifier FROM main.tasks WHERE workspace_id = :workspace AND id > 0 \
                 AND id NOT IN (SELECT id FROM staging.tasks) AND id NOT IN (SELECT id FROM staging.gone) ORDER BY id",
            )
            .and_then(|mut query| {
                query
                    .query_map(named_params! {":workspace": workspace_id}, |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }

    /// The newest staged row of a workspace that is not newer than `until`: its `updated_at` as the server wrote it, and
    /// its id.
    pub fn newest_staged(&self, workspace_id: i64, until: Timestamp) -> Result<Option<(String, i64)>> {
        self.db
            .prepare_cached(
                "SELECT updated_at, id FROM staging.tasks WHERE workspace_id = :workspace AND updated_us <= :until \
                 ORDER BY updated_us DESC, id DESC LIMIT 1",
            )
            .and_then(|mut query| {
                query
                    .query_row(named_params! {":workspace": workspace_id, ":until": until.0}, |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()
            })
            .map_err(|e| self.error(e))
    }

    /// The highest task number of a workspace, as far as what is staged and cached tells: rows that the server no longer
    /// has do not count, because one that was put back to a backup hands their numbers out again.
    pub fn highest_known_number(&self, workspace_id: i64) -> Result<i64> {
        let staged = self.count(
            "SELECT coalesce(max(number), 0) FROM staging.tasks WHERE workspace_id = :workspace",
            workspace_id,
        )?;
        let cached = self.count(
            "SELECT coalesce(max(number), 0) FROM main.tasks WHERE workspace_id = :workspace AND id > 0 \
             AND id NOT IN (SELECT id FROM staging.tasks) AND id NOT IN (SELECT id FROM staging.gone)",
            workspace_id,
        )?;
        Ok(staged.max(cached))
    }

    /// Server tasks that may have been made since `number` was the highest one, staged (also as deleted) or cached: those
    /// with a higher number, and those the cache has never seen, because a server that was put back to a backup hands
    /// out numbers and ids again.
    pub fn tasks_made_after(&self, workspace_id: i64, number: i64) -> Result<Vec<Task>> {
        self.db
            .prepare_cached(concat!(
                "SELECT ",
                columns!(),
                " FROM staging.tasks AS staged WHERE workspace_id = :workspace AND (number > :number OR NOT EXISTS \
                 (SELECT 1 FROM main.tasks AS cached WHERE cached.id = staged.id \
                  AND (cached.created_at = staged.created_at OR cached.title = staged.title))) UNION ALL SELECT ",
                columns!(),
                " FROM main.tasks WHERE workspace_id = :workspace AND number > :number AND id > 0 \
                 AND id NOT IN (SELECT id FROM staging.tasks)"
            ))
            .and_then(|mut query| {
                query.query_map(named_params! {":workspace": workspace_id, ":number": number}, read)?.collect()
            })
            .map_err(|e| self.error(e))
    }

    fn count(&self, sql: &str, workspace_id: i64) -> Result<i64> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row(named_params! {":workspace": workspace_id}, |row| row.get(0)))
            .map_err(|e: rusqlite::Error| -> Error { self.error(e) })
    }
}
