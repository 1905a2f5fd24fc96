//! What the engine says while it works, what it asks, and what it sums up. The words on the screen are elsewhere.

use super::choose::Choice;
use super::relate::{Difference, Side};
use crate::error::{Error, Result};
use crate::model::{Field, Kind, Operation, Shape};
use crate::names::Names;
pub use crate::store::Totals;

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Fetching,
    /// So many rows were fetched, or operations sent, of so many, as far as that is known. Comes often.
    Progress {
        sending: bool,
        done: usize,
        of: usize,
    },
    /// A question about a conflict comes next.
    Asking,
    Pulled(&'static Kind, Totals),
    Pushing,
    /// The server took an operation. `name`: the row's name now; `was`: the provisional one, where the server gave another;
    /// `other`: of a link, the other end.
    Pushed {
        kind: &'static Kind,
        shape: Shape,
        name: String,
        other: Option<String>,
        was: Option<String>,
    },
    /// A provisional task had to give up its number.
    Renumbered {
        from: String,
        to: String,
    },
    Merged {
        identifier: String,
        fields: Vec<(Field, Side)>,
    },
    Resolved(Resolution),
    /// A conflict went to the inbox.
    Waiting {
        identifier: String,
    },
    /// The server refused an operation; it stays queued.
    Refused {
        identifier: String,
        message: String,
    },
    /// An operation waits for another one.
    Held {
        identifier: String,
    },
    WouldSend(Box<Operation>),
    /// It was sent before, and the server has it, under this name.
    WouldAdopt {
        operation: Box<Operation>,
        name: String,
    },
    /// A real run would ask about it, or put it into the inbox.
    WouldAsk {
        identifier: String,
    },
    /// A word of caution that is no error.
    Note(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    KeptLocal,
    AcceptedRemote,
    Edited,
}

pub trait Reporter {
    fn tell(&mut self, event: Event);
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Both sides changed the same fields.
    Changed,
    /// Changed here, deleted there.
    DeletedThere,
    /// Deleted here, changed there.
    DeletedHere,
}

pub struct Question<'a> {
    pub identifier: &'a str,
    pub title: &'a str,
    /// When the server's row was changed last; RFC 3339, empty where that is not known.
    pub changed_at: &'a str,
    pub cause: Cause,
    pub local_version: i64,
    pub remote_version: i64,
    pub differences: &'a [Difference],
    /// What only the server changed, where that is asked about too (`--no-merge`): its local value is the base.
    pub beside: &'a [Difference],
    /// Which one of how many questions it is, from 1; zeros where nobody knows.
    pub place: (usize, usize),
    /// What the ids among the values are called.
    pub names: &'a dyn Names,
}

pub struct Decision {
    pub choice: Choice,
    /// The same for every conflict that remains.
    pub for_all: bool,
}

pub trait Prompter {
    /// Never waits without somebody to answer: then the choice is `Skip`.
    fn conflict(&mut self, question: &Question) -> Result<Decision>;
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Summary {
    pub pulled: Totals,
    /// Rows of other kinds than tasks are among them.
    pub pulled_others: bool,
    /// Tasks a forced sync holds now.
    pub fetched: usize,
    /// Operations the server accepted.
    pub pushed: usize,
    /// Conflicts settled in this run.
    pub resolved: usize,
    /// Of those, tasks that took the remote's side.
    pub accepted_remote: usize,
    /// Conflicts that went, or stayed, in the inbox.
    pub waiting: usize,
    /// Operations the server refused, and those that wait for them.
    pub failed: usize,
    pub held: usize,
    /// Of a dry run: what a real one would send now.
    pub would_send: Vec<Operation>,
    /// Of a dry run: what a real one would find there already.
    pub would_adopt: Vec<Operation>,
    pub first_error: Option<String>,
    /// Why the run ended early, after which nothing more was sent.
    pub stopped: Option<Error>,
    /// Identifiers that changed: provisional name, final name.
    pub renames: Vec<(String, String)>,
    /// The entry of discarded.jsonl that keeps the queue a force sync set aside, and how many operations that were.
    pub discarded: Option<(i64, usize)>,
    /// A question was put: time has passed since the pull.
    pub asked: bool,
    /// What a policy decided.
    pub notes: Vec<String>,
    /// Rows that could not be read and were left out: what is wrong with each.
    pub unreadable: Vec<String>,
    /// Operations whose condition did not hold; they were dropped.
    pub conditions_failed: usize,
}

impl Summary {
    /// Tasks and operations that were synced.
    pub fn synced(&self) -> usize {
        self.pulled.changes() + self.accepted_remote + self.pushed
    }

    /// What an earlier run of the same command did goes on top.
    pub fn add(&mut self, earlier: &Summary) {
        self.pulled.add(earlier.pulled);
        self.pulled_others |= earlier.pulled_others;
        self.pushed += earlier.pushed;
        self.resolved += earlier.resolved;
        self.accepted_remote += earlier.accepted_remote;
        self.renames.extend(earlier.renames.iter().cloned());
        self.discarded = self.discarded.or(earlier.discarded);
    }

    /// The error a run ends with although it did what it could.
    pub fn into_error(self) -> Option<Error> {
        if let Some(error) = self.stopped {
            return Some(error);
        }
        let (unreadable, conditions) = (self.unreadable.len(), self.conditions_failed);
        match (self.waiting, self.failed, self.held) {
            (0, 0, 0) if unreadable > 0 => Some(Error::Unreadable { rows: unreadable }),
            (0, 0, 0) if conditions > 0 => Some(Error::Condition { message: conditions_failed(conditions) }),
            (0, 0, 0) => None,
            (0, refused, held) => Some(Error::Refused { refused, held }),
            (waiting, ..) => Some(Error::Conflicts { waiting }),
        }
    }
}

fn conditions_failed(count: usize) -> String {
    let changes = if count == 1 { "1 change was" } else { &format!("{count} changes were") };
    format!("{changes} not sent: a condition no longer held")
}

/// `title yours, priority theirs`.
pub fn sides(fields: &[(Field, Side)]) -> String {
    let word = |side| match side {
        Side::Yours => "yours",
        Side::Theirs => "theirs",
        Side::Both => "both",
    };
    fields.iter().map(|(field, side)| format!("{} {}", field.word, word(*side))).collect::<Vec<_>>().join(", ")
}
