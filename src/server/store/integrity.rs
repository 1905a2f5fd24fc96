//! Is the database whole?

use rusqlite::{Connection, ErrorCode};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Faults that are named; more say nothing new.
const MOST: usize = 10;

#[derive(Debug, PartialEq)]
pub enum State {
    Whole,
    /// It took longer than it may.
    Unknown,
    Damaged(String),
}

/// Looks at every page, not at every index entry, and not for longer than `limit`.
pub fn quick(connection: &Connection, limit: Duration) -> rusqlite::Result<State> {
    let handle = connection.get_interrupt_handle();
    let (done, is_done) = channel::<()>();
    let watch = std::thread::spawn(move || {
        if is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            handle.interrupt();
        }
    });
    let state = state_of(connection, "PRAGMA quick_check(1)");
    drop(done);
    let _ = watch.join();
    state
}

/// Looks at everything, however long it takes: pages, indexes, references.
pub fn full(connection: &Connection) -> rusqlite::Result<State> {
    let state = state_of(connection, "PRAGMA integrity_check(10)")?;
    if state != State::Whole {
        return Ok(state);
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    while let Some(row) = rows.next()? {
        if faults.len() < MOST {
            let (table, target): (String, String) = (row.get(0)?, row.get(2)?);
            faults.push(format!("a row of {table} refers to a row of {target} that is not there"));
        }
    }
    Ok(if faults.is_empty() { State::Whole } else { State::Damaged(faults.join("; ")) })
}

fn state_of(connection: &Connection, pragma: &str) -> rusqlite::Result<State> {
    let lines = connection.prepare(pragma).and_then(|mut statement| {
        statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()
    });
    match lines {
        Ok(lines) if lines == ["ok"] => Ok(State::Whole),
        Ok(lines) => Ok(State::Damaged(lines.join("; "))),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(State::Unknown),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(State::Damaged(error.to_string())),
            _ => Err(error),
        },
    }
}
