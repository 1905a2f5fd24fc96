//! The whole database as JSON lines and back. What there is to write comes from the schema itself, so that no table and
//! no column can be forgotten: a first line with the schema's number, a line for each row, and a last line that counts
//! them, without which an export is cut off.

use super::migrations;
use anyt::error::{Error, Result};
use miniserde::json::{self, Number, Object, Value};
use rusqlite::types::{ToSql, ToSqlOutput, Value as Plain, ValueRef};
use rusqlite::{Connection, params_from_iter};
use std::collections::HashMap;
use std::io::{BufRead, Write};

const FORMAT: i64 = 1;

/// The tables that hold data, by name. `sqlite_sequence` says which ids were given out, and is the last one: filling the
/// others writes to it.
const TABLES: &str = "
    SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_sequence')
    ORDER BY name = 'sqlite_sequence', name";

/// Writes one state of the database, whatever else goes on, and returns how many rows.
pub fn write(connection: &mut Connection, out: &mut dyn Write) -> Result<usize> {
    let view = connection.transaction().map_err(failed)?;
    let schema: i64 = view.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let head = object([
        ("anyt_server_export", int(FORMAT)),
        ("schema", int(schema)),
        ("program", Value::String(env!("CARGO_PKG_VERSION").into())),
    ]);
    line(out, &head)?;
    let mut count = 0;
    for table in texts(&view, TABLES).map_err(failed)? {
        count += write_table(&view, &table, out)?;
    }
    line(out, &object([("end", object([("rows", int(count as i64))]))]))?;
    out.flush().map_err(|error| Error::failure(format!("cannot write: {error}")))?;
    Ok(count)
}

fn write_table(connection: &Connection, table: &str, out: &mut dyn Write) -> Result<usize> {
    let columns = columns(connection, table).map_err(failed)?;
    let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let sql = format!("SELECT {} FROM {}", names.join(", "), quoted(table));
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        let mut cells = Object::new();
        for (index, column) in columns.iter().enumerate() {
            cells.insert(column.clone(), to_json(row.get_ref(index).map_err(failed)?));
        }
        line(out, &object([("table", Value::String(table.into())), ("row", Value::Object(cells))]))?;
        count += 1;
    }
    Ok(count)
}

/// Fills an empty database with an export, of this program or of an older one, and returns how many rows. The caller
/// throws the database away if this fails.
pub fn read(connection: &Connection, lines: &mut dyn BufRead) -> Result<usize> {
    let mut lines = lines.split(b'\n').enumerate().map(|(index, line)| (index + 1, line));
    let first = lines.next().and_then(|(_, line)| parse(&line.ok()?));
    let head = first.ok_or_else(|| Error::failure("it is no export of anyt-server"))?;
    let schema = match (number(&head, "anyt_server_export"), number(&head, "schema")) {
        (Some(FORMAT), Some(schema)) if schema <= migrations::newest() && schema > 0 => schema,
        (Some(_), Some(_)) => return Err(Error::failure("it was written by a newer anyt-server")),
        _ => return Err(Error::failure("it is no export of anyt-server")),
    };
    connection.execute_batch("PRAGMA foreign_keys = OFF").map_err(failed)?;
    migrations::run(connection, schema).map_err(failed)?;
    connection.execute_batch("BEGIN").map_err(failed)?;
    let triggers = take_triggers(connection).map_err(failed)?;
    for table in texts(connection, TABLES).map_err(failed)? {
        connection.execute_batch(&format!("DELETE FROM {}", quoted(&table))).map_err(failed)?;
    }
    let mut tables = HashMap::new();
    let mut count = 0;
    let mut end = None;
    for (number, line) in lines {
        let at = |reason: String| Error::failure(format!("line {number}: {reason}"));
        let line = line.map_err(|error| at(error.to_string()))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if end.is_some() {
            return Err(at("there is something after the end".into()));
        }
        let entry = parse(&line).ok_or_else(|| at("it is not JSON".into()))?;
        match entry.get("end") {
            Some(Value::Object(totals)) => end = Some(self::number(totals, "rows")),
            _ => {
                insert(connection, &mut tables, &entry).map_err(at)?;
                count += 1;
            }
        }
    }
    if end != Some(Some(count as i64)) {
        return Err(Error::failure(format!("it is cut off after {count} rows")));
    }
    for trigger in triggers {
        connection.execute_batch(&trigger).map_err(failed)?;
    }
    connection.execute_batch("COMMIT").map_err(failed)?;
    migrations::run(connection, migrations::newest()).map_err(failed)?;
    Ok(count)
}

/// The statements that make the triggers, which are gone now: rows arrive as they were.
fn take_triggers(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let statements = texts(connection, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'")?;
    for name in texts(connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")? {
        connection.execute_batch(&format!("DROP TRIGGER {}", quoted(&name)))?;
    }
    Ok(statements)
}

/// `tables` keeps the columns of those that were seen before.
fn insert(
    connection: &Connection,
    tables: &mut HashMap<String, Vec<String>>,
    entry: &Object,
) -> std::result::Result<(), String> {
    let (Some(Value::String(table)), Some(Value::Object(cells))) = (entry.get("table"), entry.get("row")) else {
        return Err("it has no table and row".into());
    };
    let known = match tables.get(table) {
        Some(known) => known,
        None => {
            let known = columns(connection, table).map_err(|error| error.to_string())?;
            if known.is_empty() {
                return Err(format!("there is no table {table}"));
            }
            if table == "sqlite_sequence" {
                connection.execute_batch("DELETE FROM sqlite_sequence").map_err(|error| error.to_string())?;
            }
            tables.entry(table.clone()).or_insert(known)
        }
    };
    if let Some(column) = cells.keys().find(|column| !known.contains(column)) {
        return Err(format!("the table {table} has no column {column}"));
    }
    let names: Vec<String> = cells.keys().map(|column| quoted(column)).collect();
    let marks = vec!["?"; cells.len()].join(", ");
    let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", quoted(table), names.join(", "));
    let values =
        cells.values().map(from_json).collect::<Option<Vec<Cell>>>().ok_or("it has an unknown kind of value")?;
    let done = connection.prepare_cached(&sql).and_then(|mut statement| statement.execute(params_from_iter(values)));
    done.map(drop).map_err(|error| error.to_string())
}

/// Those that hold data: generated ones follow from them.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

fn texts(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// A name of the schema in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn to_json(cell: ValueRef) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => int(number),
        ValueRef::Real(number) if number.is_finite() => Value::Number(Number::F64(number)),
        ValueRef::Real(number) => object([("real", Value::String(number.to_string()))]),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::String(text.into()),
            Err(_) => object([("text", Value::String(hex(bytes)))]),
        },
        ValueRef::Blob(bytes) => object([("blob", Value::String(hex(bytes)))]),
    }
}

/// What a row holds in one column.
enum Cell {
    Plain(Plain),
    /// Text that is not UTF-8, which the API cannot make and SQLite keeps.
    RawText(Vec<u8>),
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Cell::Plain(value) => value.to_sql(),
            Cell::RawText(bytes) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(bytes))),
        }
    }
}

fn from_json(value: &Value) -> Option<Cell> {
    Some(Cell::Plain(match value {
        Value::Null => Plain::Null,
        Value::Number(Number::I64(number)) => Plain::Integer(*number),
        Value::Number(Number::U64(number)) => Plain::Integer(i64::try_from(*number).ok()?),
        Value::Number(Number::F64(number)) => Plain::Real(*number),
        Value::String(text) => Plain::Text(text.clone()),
        Value::Object(object) => match object.iter().next()? {
            (kind, Value::String(digits)) if kind == "blob" => Plain::Blob(unhex(digits)?),
            (kind, Value::String(number)) if kind == "real" => Plain::Real(number.parse().ok()?),
            (kind, Value::String(digits)) if kind == "text" => return Some(Cell::RawText(unhex(digits)?)),
            _ => return None,
        },
        _ => return None,
    }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn int(number: i64) -> Value {
    Value::Number(Number::I64(number))
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

fn number(object: &Object, name: &str) -> Option<i64> {
    match object.get(name)? {
        Value::Number(Number::I64(number)) => Some(*number),
        Value::Number(Number::U64(number)) => i64::try_from(*number).ok(),
        _ => None,
    }
}

fn parse(line: &[u8]) -> Option<Object> {
    match json::from_str(std::str::from_utf8(line).ok()?) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

fn line(out: &mut dyn Write, value: &Value) -> Result<()> {
    writeln!(out, "{}", json::to_string(value)).map_err(|error| Error::failure(format!("cannot write: {error}")))
}

fn failed(error: rusqlite::Error) -> Error {
    Error::failure(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table and a trigger that no code knows of, with every kind of value.
    #[test]
    fn everything_in_the_schema_comes_through() {
        let mut first = Connection::open_in_memory().expect("memory");
        migrations::run(&first, migrations::newest()).expect("the schema");
        let odd = "CREATE TABLE IF NOT EXISTS \"od\"\"d\" (a, b REAL, c INTEGER PRIMARY KEY AUTOINCREMENT, d AS (a));";
        first
            .execute_batch(
                "UPDATE clock SET last = 42;
                 INSERT INTO users VALUES ('ann', 1, NULL);
                 INSERT INTO tokens (user_id, name, prefix, digest, created_at) VALUES ('ann', 'n', '', x'00ff', 3);
                 DELETE FROM tokens;
                 INSERT INTO secrets VALUES ('salt', x'0102');",
            )
            .expect("rows");
        let rows = |connection: &mut Connection| {
            let mut out = Vec::new();
            write(connection, &mut out).expect("written");
            String::from_utf8(out).expect("UTF-8")
        };
        let text = rows(&mut first);
        assert!(text.contains(r#"{"row":{"name":"tokens","seq":1},"table":"sqlite_sequence"}"#), "{text}");
        let mut second = Connection::open_in_memory().expect("memory");
        read(&second, &mut text.as_bytes()).expect("read");
        assert_eq!(rows(&mut second), text);

        first.execute_batch(odd).expect("a table");
        first
            .execute(
                "INSERT INTO \"od\"\"d\" (a, b) VALUES (?, ?), (?, ?), (NULL, 1), ('x' || char(0) || 'é', 0.1), (1e999, 2.5)",
                rusqlite::params![i64::MAX, 1e300, vec![0u8, 255], 5e-324],
            )
            .expect("rows");
        let text = rows(&mut first);
        assert_eq!(text.matches(r#""table":"od\"d""#).count(), 5, "{text}");
        let mut third = Connection::open_in_memory().expect("memory");
        third.execute_batch(odd).expect("a table");
        read(&third, &mut text.as_bytes()).expect("read");
        let sorted = |text: String| text.lines().map(str::to_string).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(sorted(rows(&mut third)), sorted(text));
    }

    #[test]
    fn what_is_cut_off_or_strange_is_refused() {
        let mut first = Connection::open_in_memory().expect("memory");
        migrations::run(&first, migrations::newest()).expect("the schema");
        let mut out = Vec::new();
        write(&mut first, &mut out).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        let (head, rest) = text.split_once('\n').expect("lines");
        for (wrong, word) in [
            (head.to_string(), "cut off"),
            (text.replace("\"rows\":2", "\"rows\":3"), "cut off"),
            (rest.to_string(), "no export"),
            (format!("{head}\n{{\"table\":\"nope\",\"row\":{{}}}}\n"), "line 2: there is no table nope"),
            (format!("{head}\n{{\"table\":\"clock\",\"row\":{{\"x\":1}}}}\n"), "no column x"),
            (head.replace("\"schema\":", "\"schema\":9"), "newer"),
        ] {
            let empty = Connection::open_in_memory().expect("memory");
            let message = read(&empty, &mut wrong.as_bytes()).expect_err(&wrong).to_string();
            assert!(message.contains(word), "{message}");
        }
    }
}
