//! Rows of the kinds' tables: one place writes the statements from the descriptions, and turns rows to columns and back.

use super::ShownRow;
use super::queue::unsettled_of;
use super::run;
use super::targets::local_id;
use crate::document;
use crate::model::kind::{Field, Identity, Kind, Type};
use crate::model::{KINDS, Operation, Row, Shape, Target, Value, task};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::types::{ToSqlOutput, Value as Sql};
use rusqlite::{Connection, OptionalExtension, ToSql, named_params, params_from_iter};
use std::sync::OnceLock;

/// Columns that every kind with ids has, before its fields.
pub(super) const COMMON: &str = "id, workspace_id, identifier, number, uid, version, created_at, updated_at, deleted_at, created_us, \
                      updated_us, unknown";
pub(super) const COMMON_COUNT: usize = 12;

/// The ids that one parameter holds.
const IDS: &str = "(SELECT value FROM json_each(?1))";

/// The statements of one kind. Only names from the descriptions are in them, never values.
pub(super) struct Statements {
    kind: &'static Kind,
    /// Every column of a row, in the order of `read`.
    pub columns: String,
    /// `SELECT … FROM table WHERE id = ?1`, of the table and of its staging table.
    pub by_id: String,
    pub staged_by_id: String,
    /// The same with `remote` behind them, of one row and of those whose ids are in a JSON array.
    server_by_id: String,
    server_by_ids: String,
    staged_by_ids: String,
    /// `INSERT OR REPLACE`; the last parameter is `synced_at`. The columns that only this machine has (`remote`, `made_by`,
    /// `below_read`) are empty then.
    pub put: String,
    pub stage: String,
    /// The staged row says the same as the cached one, in every column.
    pub same_content: String,
}

/// Written when they are first asked for: a command needs those of a kind or two.
pub(super) fn statements(kind: &'static Kind) -> &'static Statements {
    static ALL: [OnceLock<Statements>; KINDS.len()] = [const { OnceLock::new() }; KINDS.len()];
    // A kind that is not in KINDS has no table either.
    let at = KINDS.into_iter().position(|one| one == kind).unwrap_or(0);
    ALL[at].get_or_init(|| Statements::of(KINDS[at]))
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
            server_by_id: format!("SELECT {columns}, remote FROM {table} WHERE id = ?1"),
            server_by_ids: format!("SELECT {columns}, remote FROM {table} WHERE id > 0 AND id IN {IDS}"),
            staged_by_ids: format!("SELECT {columns}, NULL FROM staged_{table} WHERE id IN {IDS}"),
            put: format!("INSERT OR REPLACE INTO {table} ({columns}, synced_at) VALUES ({marks})"),
            stage: format!("INSERT OR REPLACE INTO staged_{table} ({columns}, synced_at) VALUES ({marks})"),
            same_content: same.collect::<Vec<_>>().join(" AND "),
            columns,
        }
    }

    /// A row that was read with `columns`.
    pub fn read(&self, row: &rusqlite::Row) -> rusqlite::Result<Row> {
        self.read_some(row, &mut self.kind.fields.iter())
    }

    /// A row of which only what all have and some fields were read, in this order.
    fn read_some(
        &self,
        row: &rusqlite::Row,
        fields: &mut dyn ExactSizeIterator<Item = Field>,
    ) -> rusqlite::Result<Row> {
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
        for (at, field) in fields.enumerate() {
            read.values[field.at] = from_sql(field, row.get(COMMON_COUNT + at)?);
        }
        Ok(read)
    }

    /// The server's row where the column after those is `remote`; `None` if that cannot be read.
    fn read_server(&self, row: &rusqlite::Row) -> rusqlite::Result<Option<Row>> {
        Ok(match row.get::<_, Option<String>>(COMMON_COUNT + self.kind.fields.len())? {
            Some(text) => document::row_from_json(self.kind, &document::parse(&text)),
            None => Some(self.read(row)?),
        })
    }

    /// A row as shown where the column after those is whether an operation waits on the row.
    pub fn read_shown(&self, row: &rusqlite::Row) -> rusqlite::Result<ShownRow> {
        self.read_some_shown(row, &mut self.kind.fields.iter())
    }

    /// The same of some fields.
    pub fn read_some_shown(
        &self,
        row: &rusqlite::Row,
        fields: &mut dyn ExactSizeIterator<Item = Field>,
    ) -> rusqlite::Result<ShownRow> {
        let pending = row.get(COMMON_COUNT + fields.len())?;
        Ok(ShownRow { row: self.read_some(row, fields)?, pending, blocked: false })
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
pub(super) fn insert_row(db: &Connection, sql: &str, row: &Row, synced_at: &str) -> rusqlite::Result<()> {
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
    let statements = statements(kind);
    let found = db.prepare_cached(&statements.server_by_id)?.query_row([id], |row| statements.read_server(row));
    Ok(found.optional()?.flatten())
}

/// The server's rows with some ids (a JSON array); with `staged`, those that are staged as they are there.
pub(super) fn known_rows(db: &Connection, kind: &'static Kind, ids: &str, staged: bool) -> rusqlite::Result<Vec<Row>> {
    let statements = statements(kind);
    let mut known = Vec::new();
    // What is staged comes first, and counts.
    let all = [staged.then_some(&statements.staged_by_ids), Some(&statements.server_by_ids)];
    for sql in all.into_iter().flatten() {
        let mut query = db.prepare_cached(sql)?;
        let mut rows = query.query([ids])?;
        while let Some(row) = rows.next()? {
            known.extend(statements.read_server(row)?);
        }
    }
    Ok(known)
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

/// Lays what waits over a server row.
pub(super) fn renew(db: &Connection, kind: &'static Kind, id: i64) -> rusqlite::Result<()> {
    let Some(server) = server_row(db, kind, id)? else { return Ok(()) };
    let ops = unsettled_of(db, kind, &Target::Server(id))?;
    show(db, &server, &ops)
}

/// Makes a server row known, and shows it with what waits for it.
pub(super) fn put_server_row(db: &Connection, row: &Row, now: &str) -> rusqlite::Result<()> {
    let ops = unsettled_of(db, row.kind, &Target::Server(row.id))?;
    if ops.is_empty() { insert_row(db, &statements(row.kind).put, row, now) } else { show(db, row, &ops) }
}

fn show(db: &Connection, server: &Row, ops: &[Operation]) -> rusqlite::Result<()> {
    let mut shown = server.clone();
    for op in ops {
        lay(db, &mut shown, op)?;
    }
    insert_row(db, &statements(server.kind).put, &shown, &Timestamp::now().rfc3339())?;
    if !ops.is_empty() {
        let remote = to_text(server);
        run(
            db,
            &format!("UPDATE {} SET remote = ?2 WHERE id = ?1", server.kind.table),
            rusqlite::params![server.id, remote],
        )?;
    }
    Ok(())
}

pub(super) fn to_text(row: &Row) -> String {
    json::to_string(&json::Value::Object(document::row_to_json(row)))
}

/// Lays one operation over a row: references become the ids under which the rows are kept here.
pub(super) fn lay(db: &Connection, row: &mut Row, op: &Operation) -> rusqlite::Result<()> {
    if op.shape == Shape::Delete {
        row.deleted_at = Some(op.created_at.clone());
        return Ok(());
    }
    for (field, value) in &op.set {
        let value = match (field.ty, Target::of_value(value)) {
            (Type::Reference(kind), Some(target @ Target::MadeBy(_))) => {
                let id = crate::model::kind(kind).map_or(Ok(None), |kind| local_id(db, kind, &target))?;
                id.map_or(Value::Null, Value::Int)
            }
            _ => value.clone(),
        };
        row.set(field, value);
    }
    Ok(())
}
