//! The server's own time line. Clients pull by `updated_at`, so no two changes may share one and none may lie before an
//! earlier one, even when the machine's clock is set back.

use anyt::time::Timestamp;
use rusqlite::{Connection, named_params};

/// The next instant: now, or a microsecond after the last one given out.
pub fn tick(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("UPDATE clock SET last = max(last + 1, :now) RETURNING last")?
        .query_row(named_params! { ":now": Timestamp::now().0 }, |row| row.get(0))
}

/// The last instant given out. Every change to the database takes one, so this stands for its state.
pub fn last(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT last FROM clock")?.query_row([], |row| row.get(0))
}

/// Everything after this call is later than `instant`: imported rows bring times of their own.
pub fn pass(connection: &Connection, instant: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE clock SET last = max(last, :instant)")?
        .execute(named_params! { ":instant": instant })
        .map(drop)
}
