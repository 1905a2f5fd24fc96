//! What goes in and out of the store.

use crate::model::{Kept, Kind, Listed, Member, Operation, Row, Workspace};
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

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
    /// Files of an older anyt's discarded edits that could not be read, in this folder.
    Unreadable(usize, PathBuf),
    /// queue.jsonl keeps lines of what is settled, because it cannot be replaced.
    NotShortened(String),
    /// queue.jsonl, the spare copy of what waits, can be neither compared nor written.
    NoSpareCopy(String),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: usize| if count == 1 { "" } else { "s" };
        match self {
            Notice::Restored(count) => write!(
                f,
                "the cache was gone or an older one; {count} queued operation{} {} restored from queue.jsonl",
                many(*count),
                if *count == 1 { "was" } else { "were" }
            ),
            Notice::SetAside(count, path) => {
                write!(f, "{count} line{} of queue.jsonl could not be read; kept in {}", many(*count), path.display())
            }
            Notice::Unreadable(count, path) => write!(
                f,
                "{count} discarded edit{} of an older anyt could not be read; kept in {}",
                many(*count),
                path.display()
            ),
            Notice::Damaged(path) => {
                write!(f, "the cache was damaged and is made anew; the old one is {}; run: anyt sync", path.display())
            }
            Notice::NoSpareCopy(why) => {
                write!(f, "the spare copy of what waits cannot be used, so nothing can be changed: {why}")
            }
            Notice::MovedOver { queued, discarded } => write!(
                f,
                "moved over from an older anyt: {queued} queued operation{} and {discarded} discarded edit{}",
                many(*queued),
                many(*discarded)
            ),
            Notice::NotShortened(error) => {
                write!(f, "queue.jsonl could not be shortened; the next sync tries again: {error}")
            }
        }
    }
}

/// A row as lists show it.
#[derive(Debug, Clone)]
pub struct ShownRow {
    pub row: Row,
    /// Operations on it wait.
    pub pending: bool,
    /// It depends on an open task.
    pub blocked: bool,
}

impl ShownRow {
    /// A row of which nothing waits, and which waits for nothing.
    pub fn settled(row: Row) -> ShownRow {
        ShownRow { row, pending: false, blocked: false }
    }
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
    pub fn add(&mut self, more: Totals) {
        self.new += more.new;
        self.updated += more.updated;
        self.deleted += more.deleted;
    }

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
    /// The id of the row that came last: where the walk is gone on with, it must come again.
    pub row: Option<i64>,
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
    pub members: Option<Listed<Member>>,
    /// The kinds known by names were all there, and are staged with every row.
    pub named: bool,
    /// The kinds below others that were read.
    pub below: Vec<PulledBelow>,
    /// The links were fetched and are staged; whether all of them.
    pub links: Option<bool>,
    /// The workspace's rows were listed in full, at this time (RFC 3339), and these ids exist though no list has them.
    pub listed: Option<(String, Vec<i64>)>,
    /// The new cursor: the largest `updated_at` received and the row that had it.
    pub cursor: Option<(String, i64)>,
    /// The workspace's state token, where the server gives one (api: `state`).
    pub state: Option<String>,
}

/// What a pull of one kind below another brought beside its staged rows.
#[derive(Debug)]
pub struct PulledBelow {
    pub kind: &'static Kind,
    /// Where all were listed by what changed: the largest `updated_at` received.
    pub cursor: Option<String>,
    /// Else the rows whose lists were read, by id.
    pub read: Option<Vec<i64>>,
}

impl Pulled {
    /// A row counts as read where the lists of every kind below it were, as far as they are read row by row.
    pub fn read_together(&mut self) {
        for at in 0..self.below.len() {
            let parent = self.below[at].kind.parent();
            let beside = self.below.iter().filter(|other| other.kind.parent() == parent);
            let lists: Vec<Vec<i64>> = beside.filter_map(|other| other.read.clone()).collect();
            if let Some(read) = &mut self.below[at].read {
                read.retain(|id| lists.iter().all(|list| list.contains(id)));
            }
        }
    }

    /// Every kind was there to be read, with every row.
    pub fn is_whole(&self) -> bool {
        self.named && self.members.as_ref().is_some_and(Listed::is_whole) && self.links == Some(true)
    }
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
    /// Rows that could not be read, by id: they are there.
    pub unreadable: BTreeSet<i64>,
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
#[derive(Debug, Clone, Default, PartialEq)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::artifact::ARTIFACT;
    use crate::model::attempt::ATTEMPT;
    use crate::model::comment::COMMENT;

    /// A server stopped us between the comments of a task and its attempts: both lists are read again.
    #[test]
    fn a_row_counts_as_read_with_all_that_is_below_it() {
        let of = |kind, read: Option<&[i64]>| PulledBelow { kind, cursor: None, read: read.map(<[i64]>::to_vec) };
        let read_of = |below: Vec<PulledBelow>| {
            let mut pulled = Pulled { below, ..Pulled::default() };
            pulled.read_together();
            pulled.below.into_iter().map(|below| below.read).collect::<Vec<_>>()
        };
        let lists = vec![of(&COMMENT, Some(&[1, 2, 3])), of(&ATTEMPT, Some(&[1, 2])), of(&ARTIFACT, Some(&[9]))];
        assert_eq!(read_of(lists), [Some(vec![1, 2]), Some(vec![1, 2]), Some(vec![9])]);
        // A kind that is listed by its changes has no say.
        assert_eq!(read_of(vec![of(&COMMENT, None), of(&ATTEMPT, Some(&[1, 2]))]), [None, Some(vec![1, 2])]);
    }
}
