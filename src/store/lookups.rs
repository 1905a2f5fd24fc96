//! Rows as shown, found by their ids, names and uids, and by what operations call them.

use super::rows::{by_id, highest_number, known_rows, server_row, statements};
use super::targets::local_id;
use super::{Result, Store};
use crate::model::kind::{Identity, Kind};
use crate::model::{Row, Target, task};
use miniserde::json;
use rusqlite::{OptionalExtension, named_params};

impl Store {
    /// A row as shown, also one whose delete is queued.
    pub fn row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        by_id(&self.db, kind, id).map_err(|e| self.error(e))
    }

    /// The server's row, without what is queued.
    pub fn server_row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        server_row(&self.db, kind, id).map_err(|e| self.error(e))
    }

    /// The server's rows with the ids of `like`; with `staged`, before them those that are staged.
    pub fn known_rows(&self, kind: &'static Kind, like: &[Row], staged: bool) -> Result<Vec<Row>> {
        let ids = json::to_string(&like.iter().map(|row| row.id).collect::<Vec<_>>());
        known_rows(&self.db, kind, &ids, staged).map_err(|e| self.error(e))
    }

    /// What a row is called, as shown; cheaper than the row.
    pub fn name_of(&self, kind: &'static Kind, id: i64) -> Result<Option<String>> {
        if kind.identity != Identity::Id {
            return Ok(None);
        }
        self.db
            .prepare_cached(&format!("SELECT identifier FROM {} WHERE id = ?1", kind.table))
            .and_then(|mut query| query.query_row([id], |row| row.get(0)).optional())
            .map_err(|e| self.error(e))
    }

    /// A live row by its exact name.
    pub fn row_named(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> Result<Option<Row>> {
        let statements = statements(kind);
        let sql = format!(
            "SELECT {} FROM {} WHERE workspace_id = :workspace AND identifier = :name AND deleted_at IS NULL \
             ORDER BY id DESC LIMIT 1",
            statements.columns, kind.table
        );
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| {
                query
                    .query_row(named_params! {":workspace": workspace_id, ":name": name}, |row| statements.read(row))
                    .optional()
            })
            .map_err(|e| self.error(e))
    }

    /// Some row has this name, also one whose delete is queued.
    pub fn has_name(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> Result<bool> {
        let sql = format!("SELECT 1 FROM {} WHERE workspace_id = :workspace AND identifier = :name", kind.table);
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| query.exists(named_params! {":workspace": workspace_id, ":name": name}))
            .map_err(|e| self.error(e))
    }

    /// A live row by its server uid (`t_…`).
    pub fn row_by_uid(&self, kind: &'static Kind, uid: &str) -> Result<Option<Row>> {
        let statements = statements(kind);
        let sql = format!("SELECT {} FROM {} WHERE uid = ?1 AND deleted_at IS NULL", statements.columns, kind.table);
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| query.query_row([uid], |row| statements.read(row)).optional())
            .map_err(|e| self.error(e))
    }

    /// The row that was called `name` before it got another one, later than `after` (RFC 3339; empty: ever).
    pub fn renamed(&self, workspace_id: i64, name: &str, after: &str) -> Result<Option<Row>> {
        let id: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT task_id FROM renames WHERE workspace_id = :workspace AND old_identifier = :name \
                 AND renamed_at > :after ORDER BY renamed_at DESC LIMIT 1",
            )
            .and_then(|mut query| {
                query
                    .query_row(named_params! {":workspace": workspace_id, ":name": name, ":after": after}, |row| {
                        row.get(0)
                    })
                    .optional()
            })
            .map_err(|e| self.error(e))?;
        id.map_or(Ok(None), |id| self.row(&task::TASK, id))
    }

    /// The highest task number known in a workspace, 0 when there is none: numbers are never given twice (api.md 4.2).
    pub fn highest_number(&self, workspace_id: i64) -> Result<i64> {
        highest_number(&self.db, workspace_id).map_err(|e| self.error(e))
    }

    /// Rows of a workspace that the server has.
    pub fn count_server_rows(&self, kind: &'static Kind, workspace_id: i64) -> Result<i64> {
        self.db
            .prepare_cached(&format!("SELECT count(*) FROM {} WHERE workspace_id = ?1 AND id > 0", kind.table))
            .and_then(|mut query| query.query_row([workspace_id], |row| row.get(0)))
            .map_err(|e| self.error(e))
    }

    /// The row as shown that a target means.
    pub fn row_of(&self, kind: &'static Kind, target: &Target) -> Result<Option<Row>> {
        local_id(&self.db, kind, target)
            .and_then(|id| id.map_or(Ok(None), |id| by_id(&self.db, kind, id)))
            .map_err(|e| self.error(e))
    }
}
