//! The server's data: all SQL is below here. A request is one transaction: it is committed before its answer is
//! written, or rolled back when the answer is a problem.

pub mod clock;
pub mod comments;
pub mod dependencies;
pub mod idempotency;
pub mod import;
pub mod labels;
pub mod members;
pub mod preferences;
pub mod projects;
pub mod schema;
pub mod secrets;
pub mod task_list;
pub mod tasks;
pub mod workspaces;

use crate::problem::{Outcome, Problem};
use anyt::error::Result;
use rusqlite::{Connection, TransactionBehavior};
use std::sync::{Mutex, PoisonError};

pub struct Store {
    /// One connection for all: transactions take a millisecond or so, and nobody holds it while talking to a client.
    connection: Mutex<Connection>,
}

impl Store {
    pub fn open(location: &schema::Location) -> Result<Store> {
        Ok(Store { connection: Mutex::new(schema::open(location)?) })
    }

    /// Runs a request that only reads: one consistent view.
    pub fn read<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        self.run(TransactionBehavior::Deferred, work)
    }

    /// Runs a request that may write: all of it is kept, or on an error none.
    pub fn write<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        self.run(TransactionBehavior::Immediate, work)
    }

    fn run<T, E: From<rusqlite::Error>>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        // A thread that panicked left its transaction rolled back, so the connection is still good.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(behavior)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
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
