//! Rows of the kinds' tables: one place writes the statements from the descriptions, and turns rows to columns and back.

use super::{Result, Store, run};
use crate::document;
use crate::model::kind::{Field, Identity, Kind, Type};
use crate::model::{KINDS, Row, Value, task};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::types::{ToSqlOutput, Value as Sql};
use rusqlite::{Connection, OptionalExtension, ToSql, named_params, params_from_iter};
use std::sync::OnceLock;

/// Columns that every kind with ids has, before its fields.
const COMMON: &str = "id, workspace_id, identifier, number, uid, version, created_at, updated_at, deleted_at, created_us, \
                      updated_us, unknown";
const COMMON_COUNT: usize = 12;

/// The statements of one kind. Only names from the descriptions are in them, never values.
pub(super) struct Statements {
    kind: &'static Kind,
    /// Every column of a row, in the order of `read`.
    pub columns: String,
    /// `SELECT … FROM table WHERE id = ?1`, of the table and of its staging table.
    pub by_id: String,
    pub staged_by_id: String,
    /// `INSERT OR REPLACE`; the last parameter is `synced_at`.
    pub put: String,
    pub stage: String,
    /// Version and time of a staged row.
    pub staged_stamp: String,
    /// The staged row says the same as the cached one, in every column.
    pub same_content: String,
}

pub(super) fn statements(kind: &'static Kind) -> &'static Statements {
    static ALL: OnceLock<Vec<Statements>> = OnceLock::new();
    let all = ALL.get_or_init(|| KINDS.into_iter().map(Statements::of).collect());
    // A kind that is not in KINDS has no table either.
    all.iter().find(|statements| statements.kind == kind).unwrap_or(&all[0])
}

/// The kinds that have rows of their own.
pub(super) fn rows_of() -> impl Iterator<Item = &'static Kind> {
    KINDS.into_iter().filter(|kind| kind.identity == Identity::Id)
}

impl Statements {
    fn of(kind: &'static Kind) -> Statements {
        let table = kind.table;
        let fields = || kind.fields.iter().map(|field| field.column);
        let columns = [COMMON].into_iter().chain(fields()).collect::<Vec<_>>().join(", ");
        let marks = vec!["?"; COMMON_COUNT + kind.fields.len() + 1].join(", ");
        let common = ["workspace_id", "identifier", "uid", "version", "created_at", "updated_at"];
        let same = common.into_iter().chain(fields()).map(|column| format!("t.{column} IS s.{column}"));
        Statements {
            kind,
            by_id: format!("SELECT {columns} FROM {table} WHERE id = ?1"),
            staged_by_id: format!("SELECT {columns} FROM staged_{table} WHERE id = ?1"),
            put: format!("INSERT OR REPLACE INTO {table} ({columns}, synced_at) VALUES ({marks})"),
            stage: format!("INSERT OR REPLACE INTO staged_{table} ({columns}, synced_at) VALUES ({marks})"),
            staged_stamp: format!("SELECT version, updated_at FROM staged_{table} WHERE id = ?1"),
            same_content: same.collect::<Vec<_>>().join(" AND "),
            columns,
        }
    }

    /// A column as a row read with `columns` has it.
    pub fn read(&self, row: &rusqlite::Row) -> rusqlite::Result<Row> {
        let mut read = Row {
            id: row.get(0)?,
            workspace_id: row.get(1)?,
            name: row.get(2)?,
            uid: row.get(4)?,
            version: row.get(5)?,
            created_at: row.get(6)?,
            updated_at: row.get(7)?,
            deleted_at: row.get(8)?,
            unknown: row.get(11)?,
            ..Row::new(self.kind)
        };
        for field in self.kind.fields {
            read.values[field.at] = from_sql(field, row.get(COMMON_COUNT + field.at)?);
        }
        Ok(read)
    }
}

fn from_sql(field: Field, value: Sql) -> Value {
    match (value, field.ty) {
        (Sql::Text(text), Type::Words) if text == "[]" => Value::Set(Vec::new()),
        (Sql::Text(text), Type::Words) => Value::Set(json::from_str(&text).unwrap_or_default()),
        (Sql::Text(text), _) => Value::Text(text),
        (Sql::Integer(number), Type::Number) => Value::Number(number as f64),
        (Sql::Integer(number), _) => Value::Int(number),
        (Sql::Real(number), _) => Value::Number(number),
        (Sql::Null | Sql::Blob(_), _) => Value::Null,
    }
}

/// One column's value, borrowed from the row where it can be.
enum Column<'a> {
    Text(&'a str),
    Owned(String),
    Int(i64),
    Number(f64),
    Null,
}

impl ToSql for Column<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Column::Text(text) => text.to_sql(),
            Column::Owned(text) => text.to_sql(),
            Column::Int(number) => number.to_sql(),
            Column::Number(number) => number.to_sql(),
            Column::Null => rusqlite::types::Null.to_sql(),
        }
    }
}

fn column(field: Field, value: &Value) -> Column<'_> {
    match value {
        Value::Text(text) if field == task::STATUS => Column::Text(task::canonical_status(text)),
        Value::Text(text) => Column::Text(text),
        Value::Int(number) => Column::Int(*number),
        Value::Number(number) => Column::Number(*number),
        Value::Set(words) if words.is_empty() => Column::Text("[]"),
        Value::Set(words) => Column::Owned(json::to_string(words)),
        Value::Null if field.ty == Type::Words => Column::Text("[]"),
        Value::Null | Value::MadeBy(_) => Column::Null,
    }
}

/// Runs a `put` or `stage` statement.
pub(super) fn write(db: &Connection, sql: &str, row: &Row, synced_at: &str) -> rusqlite::Result<()> {
    let instant = |text: &str| Column::Int(Timestamp::parse(text).map_or(0, |time| time.0));
    let some = |text: &'_ Option<String>| text.clone().map_or(Column::Null, Column::Owned);
    let common = [
        Column::Int(row.id),
        Column::Int(row.workspace_id),
        Column::Text(&row.name),
        Column::Int(row.number()),
        some(&row.uid),
        Column::Int(row.version),
        Column::Text(&row.created_at),
        Column::Text(&row.updated_at),
        some(&row.deleted_at),
        instant(&row.created_at),
        instant(&row.updated_at),
        some(&row.unknown),
    ];
    let fields = row.kind.fields.iter().map(|field| column(field, row.get(field)));
    let all = common.into_iter().chain(fields).chain([Column::Text(synced_at)]);
    run(db, sql, params_from_iter(all)).map(drop)
}

/// The row as shown.
pub(super) fn by_id(db: &Connection, kind: &'static Kind, id: i64) -> rusqlite::Result<Option<Row>> {
    let statements = statements(kind);
    db.prepare_cached(&statements.by_id)?.query_row([id], |row| statements.read(row)).optional()
}

/// The server's row, without what waits.
pub(super) fn server_row(db: &Connection, kind: &'static Kind, id: i64) -> rusqlite::Result<Option<Row>> {
    if id < 0 || kind.identity != Identity::Id {
        return Ok(None);
    }
    let remote: Option<Option<String>> = db
        .prepare_cached(&format!("SELECT remote FROM {} WHERE id = ?1", kind.table))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    match remote {
        None => Ok(None),
        Some(Some(text)) => Ok(document::row_from_json(kind, &document::parse(&text))),
        Some(None) => by_id(db, kind, id),
    }
}

/// The next free name of a workspace, with the prefix of `like`.
pub(super) fn next_name(db: &Connection, workspace_id: i64, like: &str) -> rusqlite::Result<String> {
    let prefix = like.rsplit_once('-').map_or(like, |(prefix, _)| prefix);
    Ok(format!("{prefix}-{}", highest_number(db, workspace_id)? + 1))
}

pub(super) fn highest_number(db: &Connection, workspace_id: i64) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "SELECT max(coalesce((SELECT max(number) FROM tasks WHERE workspace_id = :workspace), 0), \
         coalesce((SELECT task_counter FROM workspaces WHERE id = :workspace), 0))",
    )?
    .query_row(named_params! {":workspace": workspace_id}, |row| row.get(0))
}

impl Store {
    /// A row as shown, also one whose delete is queued.
    pub fn row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        by_id(&self.db, kind, id).map_err(|e| self.error(e))
    }

    /// The server's row, without what is queued.
    pub fn server_row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        server_row(&self.db, kind, id).map_err(|e| self.error(e))
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
}
