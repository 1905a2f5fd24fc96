//! The engine: pull, decide, push, merge (docs/sync.md). It knows a `Remote`, the `Store`, a
//! `Prompter` and a `Reporter`; it knows no terminal, no HTTP and no SQL.
//!
//! What to do is decided by pure functions without I/O: `observe`, `relate`, `candidates`, `next`, `after_reply`, `choose`. The
//! driver executes the steps and commits each transition before and after a request.

mod amend;
mod answered;
mod believe;
mod breaker;
mod brought;
pub mod candidates;
pub mod choose;
pub mod decide;
mod door;
mod driver;
pub mod drop_plan;
pub mod edits;
#[cfg(test)]
pub mod fake;
mod fetch;
mod finish;
mod ids;
mod listing;
mod missing;
pub mod observe;
mod pager;
mod pages;
mod plan;
mod pull;
pub mod pull_lists;
pub mod relate;
pub mod remote;
pub mod report;
pub mod restore;
mod run;
mod search;
mod send;
mod sighting;
mod tell;
#[cfg(test)]
mod tests;
mod transitions;
pub mod undo;

use crate::model::{Account, Kind};
use crate::store::Store;
use remote::Remote;
use report::{Prompter, Reporter};
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

impl Mode {
    pub(super) fn pulls(&self) -> bool {
        matches!(self, Mode::Sync | Mode::Pull | Mode::Force(_))
    }

    pub(super) fn pushes(&self) -> bool {
        matches!(self, Mode::Sync | Mode::Push | Mode::Write(_))
    }

    /// The cache is to equal the server, whatever it holds.
    pub(super) fn is_force(&self) -> bool {
        matches!(self, Mode::Force(_))
    }
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
    /// List everything, also what has not changed since it was listed.
    pub full: bool,
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
            full: false,
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

/// Metadata key: RFC 3339, when the server lets us come back.
pub const NEXT_ALLOWED: &str = "next_allowed_at";
