//! One store: `cache.db` holds the server's rows as last seen, the operations with their states, and the rows as shown
//! (operations laid over); `queue.jsonl` and `discarded.jsonl` are the copies that outlive it (design.md "One store").
//! All SQL of the client is below here. It knows no server and no terminal.

mod stub_ui;
use crate::error::Result;
use crate::model::Edge;
use crate::model::{
    Field, Kind, Label, Member, Operation, Patch, Project, Row, Send, SendReply, State, Target, Workspace,
};
use crate::sync::choose::Kept;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;
pub use stub_ui::*;

/// Where an environment's files are.
#[derive(Debug, Clone)]
pub struct Files {
    pub cache: PathBuf,
    pub queue: PathBuf,
    pub discarded: PathBuf,
    /// Files of anyt 0.1.0, moved over at the first start.
    pub old_journal: PathBuf,
    pub old_discarded: PathBuf,
    pub old_drafts: PathBuf,
}

/// What opening a store has to tell a person, once.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Mark and queue.jsonl differed: so many operations were taken from the file. All that waits counts as sent.
    Restored(usize),
    /// Lines of queue.jsonl that could not be read, set aside in this file.
    SetAside(usize, PathBuf),
    /// The damaged cache was moved to this file and made anew.
    Damaged(PathBuf),
    /// An older anyt's journal and discarded edits were moved over.
    MovedOver { queued: usize, discarded: usize },
}

pub struct Store {}

/// Metadata keys: which server and account filled the cache.
pub const SERVER: &str = "server";
pub const ACCOUNT: &str = "account";

/// A row as lists show it.
#[derive(Debug, Clone)]
pub struct ShownRow {
    pub row: Row,
    /// Operations on it wait.
    pub pending: bool,
}

/// A row whose waiting operations wait for a person's decision. Base and local values are in the operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    pub kind: &'static Kind,
    /// The row's id as the server has it (conflicts are about rows the server had).
    pub id: i64,
    pub workspace_id: i64,
    pub name: String,
    /// `None`: deleted there.
    pub remote: Option<Row>,
    /// RFC 3339, this machine's clock.
    pub found_at: String,
}

/// Counts of what the staged rows change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub new: usize,
    pub updated: usize,
    pub deleted: usize,
}

impl Totals {
    pub fn changes(&self) -> usize {
        self.new + self.updated + self.deleted
    }
}

/// What a local write changes: carried out in one transaction with what is shown, and in queue.jsonl.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// New operations, in order. A create gets its provisional name (prefix of the workspace and the next free number) and
    /// row here.
    pub put: Vec<Operation>,
    /// Operations written over their rows; each names in `state` what it becomes.
    pub amended: Vec<Operation>,
    /// Given up: op_id and why.
    pub dropped: Vec<(String, String)>,
    /// Written to discarded.jsonl, flushed, before the commit.
    pub kept: Vec<Kept>,
    /// Rows to remove from what is shown (accepted deletions): kind and id.
    pub removed_rows: Vec<(&'static Kind, i64)>,
    /// Conflicts that go to the inbox, and rows whose conflict is settled.
    pub conflicts: Vec<Conflict>,
    pub settled: Vec<(&'static Kind, i64)>,
    /// Server rows to know and show (taken instead of ours).
    pub rows: Vec<Row>,
}

/// The store as seen from inside the transaction that queues something: what it reads stays true until the commit.
pub struct Queueing {}

impl Queueing {
    /// As shown.
    pub fn row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        let _ = (kind, id);
        todo!()
    }
    /// What a row is called in operations: its server id, or the create that makes it.
    pub fn target(&self, row: &Row) -> Result<Target> {
        let _ = row;
        todo!()
    }
    /// The row that a target means now: a create may have been carried out since.
    pub fn row_of(&self, kind: &'static Kind, target: &Target) -> Result<Option<Row>> {
        let _ = (kind, target);
        todo!()
    }
    /// Waiting operations, oldest first.
    pub fn waiting(&self) -> Result<Vec<Operation>> {
        todo!()
    }
    /// Waiting creates, updates and deletes of one row, oldest first.
    pub fn waiting_of(&self, kind: &'static Kind, target: &Target) -> Result<Vec<Operation>> {
        let _ = (kind, target);
        todo!()
    }
    /// Waiting operations on other rows that name this one.
    pub fn dependants(&self, target: &Target) -> Result<Vec<Operation>> {
        let _ = target;
        todo!()
    }
    pub fn knows(&self, op_id: &str) -> Result<bool> {
        let _ = op_id;
        todo!()
    }
    /// Whether a path of links (or parents) leads from `from` to `to`: for cycles.
    pub fn reaches(&self, kind: &'static Kind, from: i64, to: i64) -> Result<bool> {
        let _ = (kind, from, to);
        todo!()
    }
}

/// How far a workspace's walk through its lists has come; kept with what was staged, so that an interrupted run goes on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Walk {
    /// RFC 3339 of this machine: when it began.
    pub began: String,
    /// The listing is of everything, not of changes.
    pub everything: bool,
    /// Asked for from here on (RFC 3339, the server's words), rows passed over, rows asked for at a time.
    pub from: Option<String>,
    pub offset: u32,
    pub page: u32,
    /// The walk came to its end.
    pub done: bool,
}

impl Walk {
    /// Rows that were asked for by name: they say nothing of how far a listing has come.
    pub fn one_by_one() -> Walk {
        Walk { done: true, ..Walk::default() }
    }
}

/// What one workspace's pull brought beside its staged rows.
#[derive(Debug, Default)]
pub struct Pulled {
    pub workspace_id: i64,
    /// `None`: the server has no such kind, or nothing changed; what is cached stays.
    pub projects: Option<Vec<Project>>,
    pub members: Option<Vec<Member>>,
    pub labels: Option<Vec<Label>>,
    /// The links were fetched and are staged whole.
    pub links: bool,
    /// The workspace's rows were listed in full, at this time (RFC 3339), and these ids exist though no list has them.
    pub listed: Option<(String, Vec<i64>)>,
    /// The new cursor: the largest `updated_at` received and the row that had it.
    pub cursor: Option<(String, i64)>,
    /// The workspace's state token, where the server gives one (api: `state`).
    pub state: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct LogRow {
    pub changes: usize,
    pub conflicts: usize,
    pub errors: usize,
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Pull,
    Push,
}

/// All that a run's end transaction applies. What was answered is in the store already.
#[derive(Debug, Default)]
pub struct End {
    pub workspaces: Vec<Workspace>,
    pub pulled: Vec<Pulled>,
    /// Workspaces that could not be read: their staged rows stay staged.
    pub left_out: Vec<i64>,
    /// Workspaces that are gone, with all their rows.
    pub left: Vec<i64>,
    /// Remove every server row of the pulled workspaces that is not staged (`sync --force`).
    pub exactly: bool,
    /// Forget what another server told first.
    pub afresh: bool,
    /// Rows read one by one in this run (looks before a write), newer than what was staged.
    pub read: Vec<Row>,
    /// Rows that are gone, found one by one.
    pub gone: Vec<(&'static Kind, i64)>,
    /// Rows that a server put back to a backup no longer has: kept in discarded.jsonl first.
    pub lost: Vec<Row>,
    /// Creates whose provisional name nobody has seen: no alias is remembered.
    pub unannounced: BTreeSet<String>,
    pub metadata: Vec<(String, String)>,
    pub logs: Vec<(Direction, LogRow)>,
}

/// A line of discarded.jsonl.
#[derive(Debug, Clone, PartialEq)]
pub struct Discarded {
    /// Its number, for `sync restore N`.
    pub number: i64,
    pub at: String,
    pub reason: String,
    pub server: Option<String>,
    pub account: Option<String>,
    pub row: Option<Row>,
    pub operations: Vec<Operation>,
    /// RFC 3339: when it was restored.
    pub restored: Option<String>,
}

impl Store {
    /// Opens an environment's store: makes or migrates cache.db, compares its mark with queue.jsonl, moves an older anyt's
    /// files over. Takes no lock but SQLite's own.
    pub fn open(files: &Files) -> Result<Store> {
        let _ = files;
        todo!()
    }
    pub fn notices(&mut self) -> Vec<Notice> {
        todo!()
    }
    /// The file that was opened is still the one that others find.
    pub fn is_in_place(&self) -> bool {
        todo!()
    }

    // ---- reading (rows.rs, lists.rs, entities.rs) ----
    /// A row as shown, also one whose delete is queued.
    pub fn row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        let _ = (kind, id);
        todo!()
    }
    /// The server's row, without what is queued.
    pub fn server_row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        let _ = (kind, id);
        todo!()
    }
    /// What a row is called, as shown or as the server has it; cheaper than the row.
    pub fn name_of(&self, kind: &'static Kind, id: i64) -> Result<Option<String>> {
        let _ = (kind, id);
        todo!()
    }
    pub fn row_named(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> Result<Option<Row>> {
        let _ = (kind, workspace_id, name);
        todo!()
    }
    /// The row that was called `name` before it got another one, later than `after` (RFC 3339; empty: ever).
    pub fn renamed(&self, workspace_id: i64, name: &str, after: &str) -> Result<Option<Row>> {
        let _ = (workspace_id, name, after);
        todo!()
    }
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        todo!()
    }
    pub fn projects(&self, workspace_id: i64) -> Result<Vec<Project>> {
        let _ = workspace_id;
        todo!()
    }
    pub fn metadata(&self, key: &str) -> Result<Option<String>> {
        let _ = key;
        todo!()
    }
    pub fn set_metadata(&self, key: &str, value: &str) -> Result<()> {
        let _ = (key, value);
        todo!()
    }
    pub fn highest_number(&self, workspace_id: i64) -> Result<i64> {
        let _ = workspace_id;
        todo!()
    }
    pub fn count_server_rows(&self, kind: &'static Kind, workspace_id: i64) -> Result<i64> {
        let _ = (kind, workspace_id);
        todo!()
    }

    // ---- the queue (queue.rs) ----
    /// Every waiting operation (queued, sent, rejected), oldest first, with its sends.
    pub fn waiting(&self) -> Result<Vec<Operation>> {
        todo!()
    }
    pub fn count_waiting(&self) -> Result<usize> {
        todo!()
    }
    pub fn waiting_of(&self, kind: &'static Kind, id: i64) -> Result<Vec<Operation>> {
        let _ = (kind, id);
        todo!()
    }
    /// Also one that is settled.
    pub fn operation(&self, op_id: &str) -> Result<Option<Operation>> {
        let _ = op_id;
        todo!()
    }
    /// What a target means: the server's id, where it has one by now (a create done or answered; a row made again).
    pub fn resolve(&self, target: &Target) -> Result<Resolved> {
        let _ = target;
        todo!()
    }
    pub fn conflicts(&self) -> Result<Vec<Conflict>> {
        todo!()
    }
    /// A local write (durable: FULL). `make` runs once the write lock is held.
    pub fn change(&mut self, make: impl FnOnce(&Queueing) -> Result<Change>) -> Result<Change> {
        let _ = make;
        todo!()
    }

    // ---- the driver's transitions (sends.rs); each one short transaction ----
    /// Commits `sent` and a row of `sends` for each operation before the first byte leaves. False: an operation's state was
    /// another one by now; nothing was written. `durable`: FULL, where a repeat is not harmless.
    pub fn sent(&mut self, op_ids: &[&str], send: &Send, durable: bool) -> Result<bool> {
        let _ = (op_ids, send, durable);
        todo!()
    }
    /// Commits what the last request of each operation came to, and the operation's new state.
    pub fn replied(&mut self, op_ids: &[&str], reply: Option<&SendReply>, state: &State) -> Result<()> {
        let _ = (op_ids, reply, state);
        todo!()
    }
    /// A transition without a request, from the state it saw. False: it was another one by now.
    pub fn settle(&mut self, op_id: &str, from: &State, to: &State) -> Result<bool> {
        let _ = (op_id, from, to);
        todo!()
    }
    /// Base values of the next waiting operation of a chain where the server did not take what was sent (R1).
    pub fn rebase(&mut self, op_id: &str, base: &Patch, seen_version: i64) -> Result<()> {
        let _ = (op_id, base, seen_version);
        todo!()
    }
    /// When the server last answered a write of ours about the row.
    pub fn answered_at(&self, kind: &'static Kind, id: i64) -> Result<Option<Timestamp>> {
        let _ = (kind, id);
        todo!()
    }
    /// Server ids that creates of ours were answered with.
    pub fn taken_ids(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<i64>> {
        let _ = (kind, workspace_id);
        todo!()
    }

    // ---- staging (staging.rs): short transactions, synchronous NORMAL ----
    pub fn walk(&self, workspace_id: i64) -> Result<Option<Walk>> {
        let _ = workspace_id;
        todo!()
    }
    /// Begins (and forgets what was staged of the workspace before) or moves on: rows and walk in one transaction. Gives
    /// the number of rows that were not staged before in the same version.
    pub fn stage(&mut self, workspace_id: i64, rows: &[Row], walk: &Walk) -> Result<usize> {
        let _ = (workspace_id, rows, walk);
        todo!()
    }
    pub fn unstage(&mut self, workspace_id: i64) -> Result<()> {
        let _ = workspace_id;
        todo!()
    }
    pub fn stage_links(&mut self, kind: &'static Kind, workspace_id: i64, edges: &[Edge]) -> Result<()> {
        let _ = (kind, workspace_id, edges);
        todo!()
    }
    /// A row that the server said is gone.
    pub fn stage_gone(&mut self, kind: &'static Kind, id: i64) -> Result<()> {
        let _ = (kind, id);
        todo!()
    }
    pub fn staged_row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        let _ = (kind, id);
        todo!()
    }
    pub fn is_staged_gone(&self, kind: &'static Kind, id: i64) -> Result<bool> {
        let _ = (kind, id);
        todo!()
    }
    /// Takes one row out again (a read that is not believed).
    pub fn unstage_row(&mut self, kind: &'static Kind, id: i64) -> Result<()> {
        let _ = (kind, id);
        todo!()
    }
    pub fn count_staged_live(&self) -> Result<usize> {
        todo!()
    }
    /// Live rows the cache of a workspace will hold once what is staged is applied.
    pub fn expected_total(&self, kind: &'static Kind, workspace_id: i64) -> Result<i64> {
        let _ = (kind, workspace_id);
        todo!()
    }
    /// Server rows of the cache that a full listing, now staged, did not bring: id and name.
    pub fn missing_from_staging(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<(i64, String)>> {
        let _ = (kind, workspace_id);
        todo!()
    }
    /// Staged rows that the cache has in a higher version, or in the same with another time: what the server went back on.
    pub fn staged_behind(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<(Row, Row)>> {
        let _ = (kind, workspace_id);
        todo!()
    }
    pub fn newest_staged(
        &self,
        kind: &'static Kind,
        workspace_id: i64,
        until: Timestamp,
    ) -> Result<Option<(String, i64)>> {
        let _ = (kind, workspace_id, until);
        todo!()
    }
    pub fn highest_known_number(&self, workspace_id: i64) -> Result<i64> {
        let _ = workspace_id;
        todo!()
    }
    /// Server rows that may have been made since `number` was the highest: staged or cached.
    pub fn rows_made_after(&self, kind: &'static Kind, workspace_id: i64, number: i64) -> Result<Vec<Row>> {
        let _ = (kind, workspace_id, number);
        todo!()
    }
    /// Staged rows that were made on the server at or after `since` (its clock).
    pub fn staged_since(&self, kind: &'static Kind, workspace_id: i64, since: Timestamp) -> Result<Vec<Row>> {
        let _ = (kind, workspace_id, since);
        todo!()
    }
    /// What the staged rows will change. Rows in `reported` are announced elsewhere and not counted.
    pub fn count_staged(&self, reported: &BTreeSet<i64>, exactly: &[i64]) -> Result<Totals> {
        let _ = (reported, exactly);
        todo!()
    }

    // ---- the end (end.rs) ----
    /// One transaction: staged rows, answers, cursors, logs; what still waits is laid over; settled rows bounded; then
    /// queue.jsonl rewritten and the mark set, staging cleared. Gives the provisional rows that had to give up their
    /// number: old and new name.
    pub fn end(&mut self, end: &End, now: &str) -> Result<Vec<(String, String)>> {
        let _ = (end, now);
        todo!()
    }
    /// Applies what a dead run left answered (the holder of the sync lock calls it first).
    pub fn settle_answers(&mut self, now: &str) -> Result<usize> {
        let _ = now;
        todo!()
    }
    /// A sync that failed before it could change anything.
    pub fn log_failure(&mut self, direction: Direction, now: &str, error: &str) -> Result<()> {
        let _ = (direction, now, error);
        todo!()
    }

    // ---- discarded.jsonl (discarded.rs) ----
    /// Newest first.
    pub fn discarded(&self) -> Result<Vec<Discarded>> {
        todo!()
    }
    pub fn discard(&mut self, kept: &[Kept]) -> Result<Vec<i64>> {
        let _ = kept;
        todo!()
    }
    pub fn mark_restored(&mut self, numbers: &[i64]) -> Result<()> {
        let _ = numbers;
        todo!()
    }
}

/// What a target means now.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// The server's id, and the name it is known by here.
    Server { id: i64, name: String },
    /// Its create waits; the provisional name.
    Pending { op_id: String, name: String },
    /// Its create was dropped, or never known here.
    Gone { name: String },
}

fn unused(_: Field) {}
