//! One store: `cache.db` holds the server's rows as last seen, the operations with their states, and the rows as shown
//! (operations laid over); `queue.jsonl` and `discarded.jsonl` are the copies that outlive it (docs/architecture.md). All
//! SQL of the client is below here. It knows no server and no terminal.

mod changes;
mod conflicts;
mod contents;
mod discarded;
mod end;
mod entities;
mod lists;
mod log;
mod lookups;
mod lost;
mod moved;
mod open;
mod overlay;
mod queue;
mod rows;
mod schema;
mod sends;
mod spare;
mod staging;
mod targets;
#[cfg(test)]
mod tests;
mod types;

pub use changes::Queueing;
pub use lists::{Filter, Sort, searched};
pub use log::LogEntry;
pub use types::*;

use crate::error::{Error, Result};
use rusqlite::{Connection, OptionalExtension, Params, TransactionBehavior, named_params};
use spare::MARK;
use std::path::{Path, PathBuf};

pub struct Store {
    db: Connection,
    path: PathBuf,
    /// Device and number of the file that was opened.
    inode: (u64, u64),
    files: Files,
    notices: Vec<Notice>,
    /// What `PRAGMA synchronous` is set to: commits are flushed.
    is_durable: bool,
}

/// Metadata keys: which server and account filled the cache, or its queue is meant for.
pub const SERVER: &str = "server";
pub const ACCOUNT: &str = "account";

impl Store {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn metadata(&self, key: &str) -> Result<Option<String>> {
        metadata(&self.db, key).map_err(|e| self.error(e))
    }

    pub fn set_metadata(&self, key: &str, value: &str) -> Result<()> {
        set_metadata(&self.db, key, value).map_err(|e| self.error(e))
    }

    fn error(&self, error: rusqlite::Error) -> Error {
        open::sqlite_error(&self.path, error)
    }

    /// Whether the next commits are flushed to the disk: what a person asked for is.
    fn set_durable(&mut self, durable: bool) -> Result<()> {
        if self.is_durable != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            self.db.execute_batch(&format!("PRAGMA synchronous = {level}")).map_err(|e| self.error(e))?;
            self.is_durable = durable;
        }
        Ok(())
    }

    /// Runs `work` in one write transaction: all of it or nothing.
    fn write<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.transact(|db| work(db).map_err(Stopped::Failed))
    }

    /// The same of work that may refuse.
    fn transact<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, Stopped>) -> Result<T> {
        let run = |db: &mut Connection| -> Result<T, Stopped> {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run(&mut self.db).map_err(|stopped| match stopped {
            Stopped::Refused(error) => error,
            Stopped::Failed(error) => open::sqlite_error(&self.path, error),
        })
    }
}

/// Why a transaction was rolled back: its work refused, or SQLite failed.
enum Stopped {
    Refused(Error),
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Stopped {
        Stopped::Failed(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Refused(error)
    }
}

/// Carries out a statement that changes rows, and gives their number.
fn run(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    db.prepare_cached(sql)?.execute(params)
}

fn metadata(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT value FROM sync_metadata WHERE key = :key")?
        .query_row(named_params! {":key": key}, |row| row.get(0))
        .optional()
}

fn set_metadata(db: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO sync_metadata (key, value) VALUES (:key, :value) ON CONFLICT(key) DO UPDATE SET value = :value",
        named_params! {":key": key, ":value": value},
    )
    .map(drop)
}
