//! What the engine says while it works, what it asks, and what it sums up. The words on the screen are elsewhere.

use super::merge::{Difference, Side};
use crate::error::{Error, Result};
use crate::model::{Field, Operation, Patch};
use crate::names::Names;
use std::path::PathBuf;

pub use crate::cache::Totals;

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Fetching,
    /// A question about a conflict comes next.
    Asking,
    Pulled(Totals),
    Pushing,
    /// `was` is the provisional identifier, where the server gave another.
    Created {
        identifier: String,
        was: Option<String>,
    },
    Updated {
        identifier: String,
    },
    Deleted {
        identifier: String,
    },
    DependencyAdded {
        identifier: String,
        depends_on: String,
    },
    DependencyRemoved {
        identifier: String,
        depends_on: String,
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

/// What kind of conflict a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
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
    pub clash: Clash,
    pub local_version: i64,
    pub remote_version: i64,
    pub differences: &'a [Difference],
    /// What only the server changed, where that is asked about too (`--no-merge`): its local value is the base.
    pub beside: &'a [Difference],
    /// What the ids among the values are called.
    pub names: &'a dyn Names,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Local,
    Remote,
    /// Values for the differing fields.
    Edited(Patch),
    /// Into the inbox.
    Skip,
    /// End the run; nothing is changed.
    Stop,
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
    pub first_error: Option<String>,
    /// Why the run ended early, after which nothing more was sent.
    pub stopped: Option<Error>,
    /// Identifiers that changed: provisional name, final name.
    pub renames: Vec<(String, String)>,
    /// Where a force sync put the queue, and how many operations that were.
    pub discarded: Option<(PathBuf, usize)>,
    /// A question was put: time has passed since the pull.
    pub asked: bool,
    /// What a policy decided.
    pub notes: Vec<String>,
}

impl Summary {
    /// Tasks and operations that were synced.
    pub fn synced(&self) -> usize {
        self.pulled.changes() + self.accepted_remote + self.pushed
    }

    /// The error a run ends with although it did what it could.
    pub fn into_error(self) -> Option<Error> {
        if let Some(error) = self.stopped {
            return Some(error);
        }
        match (self.waiting, self.failed, self.held) {
            (0, 0, 0) => None,
            (0, refused, held) => Some(Error::Refused { refused, held }),
            (waiting, ..) => Some(Error::Conflicts { waiting }),
        }
    }
}
