//! The server's data: all SQL is below here. A request is one transaction: it is committed before its answer is
//! written, or rolled back when the answer is a problem.
//!
//! One connection writes, a few read; the write-ahead log keeps them out of each other's way. `workers` runs requests on
//! them; `write` here is for what happens before and beside serving.

pub mod agent_configs;
pub mod api_keys;
pub mod artifacts;
pub mod attempts;
pub mod clock;
pub mod comments;
pub mod dependencies;
pub mod dump;
pub mod events;
pub mod goals;
pub mod idempotency;
pub mod import;
pub mod integrity;
pub mod labels;
pub mod lock;
pub mod members;
mod migrations;
mod page;
pub mod preferences;
pub mod projects;
pub mod pull_requests;
pub mod roles;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod task_list;
pub mod task_views;
pub mod tasks;
pub mod tokens;
pub mod users;
pub mod workers;
pub mod workspaces;

use crate::problem::{Outcome, Problem};
use anyt::error::Result;
use rusqlite::{Connection, TransactionBehavior};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub struct Store {
    location: schema::Location,
    writer: Mutex<Connection>,
    /// None for a database in memory: a second connection would see another, empty one.
    readers: Vec<Mutex<Connection>>,
    /// For the short look at who is calling; `None` as above.
    doorkeeper: Option<Mutex<Connection>>,
}

impl Store {
    pub fn open(location: &schema::Location) -> Result<Store> {
        let writer = schema::open(location, schema::Age::Any)?;
        let wanted = if *location == schema::Location::Memory { 0 } else { reader_count() };
        let readers = (0..wanted).map(|_| schema::open_reader(location).map(Mutex::new)).collect::<Result<_>>()?;
        let doorkeeper = match location {
            schema::Location::Memory => None,
            schema::Location::File(_) => Some(Mutex::new(schema::open_reader(location)?)),
        };
        Ok(Store { location: location.clone(), writer: Mutex::new(writer), readers, doorkeeper })
    }

    /// Runs a look-up of some microseconds, without a queue.
    pub fn look_up<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&held(self.doorkeeper.as_ref().unwrap_or(&self.writer)))
    }

    /// A database that a server may be using: for one more process beside it, which writes.
    pub fn open_beside(location: &schema::Location) -> Result<Store> {
        let writer = schema::open(location, schema::Age::Newest)?;
        Ok(Store { location: location.clone(), writer: Mutex::new(writer), readers: Vec::new(), doorkeeper: None })
    }

    pub fn location(&self) -> &schema::Location {
        &self.location
    }

    /// Runs what may write: all of it is kept, or on an error none.
    pub fn write<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let mut connection = held(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = transaction.total_changes();
        let done = work(&transaction)?;
        count_change(&transaction, before)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Moves everything from the write-ahead log into the one file and empties the log. The connections of the readers
    /// must be idle.
    pub fn checkpoint(&self) -> rusqlite::Result<()> {
        held(&self.writer).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

/// A few: the disk and the processors are shared by all of them.
fn reader_count() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8))
}

/// A thread that panicked left its transaction rolled back, so the connection is still good.
fn held(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what only reads: one consistent view.
fn read<T, E: From<rusqlite::Error>>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Moves the clock if anything was changed since `before` (`total_changes`), so that `clock::last` stands for the state
/// of the whole database: the validators of answers (`ETag`) are made of it.
fn count_change(connection: &Connection, before: u64) -> rusqlite::Result<()> {
    if connection.total_changes() != before {
        clock::tick(connection)?;
    }
    Ok(())
}

/// `None` instead of "no rows".
pub fn found<T>(result: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match result {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        other => other.map(Some),
    }
}

/// 404 instead of "no rows".
pub fn existing<T>(result: rusqlite::Result<T>, what: &str, name: impl ToString) -> Outcome<T> {
    found(result)?.ok_or_else(|| Problem::missing(what, &name.to_string()))
}
