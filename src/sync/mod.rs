//! The engine: pull, decide, push, merge (design.md "The sync", docs/sync.md). It knows a `Remote`, the `Store`, a
//! `Prompter` and a `Reporter`; it knows no terminal, no HTTP and no SQL.
//!
//! What to do is decided by pure functions without I/O: `observe`, `relate`, `candidates`, `next`, `reply`, `choose`. The
//! driver executes the steps and commits each transition before and after a request.

pub mod candidates;
pub mod choose;
pub mod edits;
#[cfg(test)]
pub mod fake;
pub mod next;
pub mod observe;
pub mod relate;
pub mod remote;
pub mod reply;
pub mod report;

use crate::error::Result;
use crate::model::{Account, Kind};
use crate::store::Store;
use remote::Remote;
use report::{Prompter, Reporter, Summary};
use std::collections::BTreeSet;

/// Which steps the driver may execute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// Pull, then push.
    #[default]
    Sync,
    Pull,
    Push,
    /// A command's own write: these operations (op_ids) and what they need, without a pull.
    Write(BTreeSet<String>),
    /// Settle these conflicts of the inbox, without a server.
    Resolve(Vec<(&'static Kind, i64)>),
    /// Drop the queue (kept in discarded.jsonl) and make the cache equal the server. `None`: all that waits; else only
    /// these op_ids.
    Force(Option<BTreeSet<String>>),
}

/// Who decides a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    #[default]
    Ask,
    Local,
    Remote,
    /// Into the inbox.
    Skip,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub mode: Mode,
    /// Merge changes to different fields without asking.
    pub merge: bool,
    pub policy: Policy,
    /// Believe a listing that lacks more than half of a workspace.
    pub accept_deletes: bool,
    /// Rows asked for at a time.
    pub page_size: u32,
    /// Show what would happen; change nothing on either side.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mode: Mode::Sync,
            merge: true,
            policy: Policy::Ask,
            accept_deletes: false,
            page_size: 100,
            dry_run: false,
        }
    }
}

/// One run's collaborators. The caller holds the environment's lock.
pub struct Engine<'a> {
    pub store: &'a mut Store,
    /// `None` only for `Mode::Resolve`.
    pub remote: Option<&'a dyn Remote>,
    pub prompter: &'a mut dyn Prompter,
    pub reporter: &'a mut dyn Reporter,
    /// Whose credential it is, where the caller has asked already.
    pub account: Option<Option<Account>>,
    pub options: Options,
}

impl Engine<'_> {
    /// Runs once. What the server accepted is in the store even when an error is in the summary (`stopped`). What became
    /// of an operation is its state in the store.
    ///
    /// # Errors
    /// A pull that failed, a refused identity, a person who stopped: the rows are as they were.
    pub fn run(&mut self) -> Result<Summary> {
        todo!()
    }
}
