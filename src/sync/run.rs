//! One run's state.

use super::breaker::Breaker;
use super::candidates::Found;
use super::observe::Epoch;
use super::plan::Plan;
use super::remote::Capabilities;
use super::report::Summary;
use super::transitions::Seen;
use crate::error::Error;
use crate::model::{Kind, Row, State};
use crate::store::End;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One run's state beside the plan.
#[derive(Default)]
pub(super) struct Run {
    pub plan: Plan,
    pub end: End,
    pub summary: Summary,
    pub caps: Capabilities,
    pub account: Option<String>,
    pub breaker: Breaker,
    /// Rows that merges and conflicts report on their own.
    pub reported: BTreeSet<(&'static str, i64)>,
    /// What was found for creates whose answer was lost, by operation: when the search began, and what it found.
    pub searches: BTreeMap<usize, (Timestamp, Found)>,
    /// Questions that were put to a person, of how many before the push.
    pub questions: (usize, usize),
    /// Of links that were sent: what the server shows.
    pub links: BTreeMap<usize, Seen>,
    pub epoch: Epoch,
    /// What an operation was before the request that is under way.
    pub before: BTreeMap<usize, State>,
    /// Rows read one by one, by kind and id; `None`: gone.
    pub read: BTreeMap<(&'static str, i64), (&'static Kind, Option<Row>)>,
    /// Per kind and workspace the highest number known when the push began.
    pub highest: BTreeMap<(&'static str, i64), i64>,
    /// When the server lets us come back, where it said so with a lost answer.
    pub next_allowed: Option<Timestamp>,
    /// Answers that were lost, by operation: what the run ends with, though it went on, if one is not settled by then.
    pub lost: BTreeMap<usize, Error>,
    /// Operations that the server has just carried out, until that is written down.
    pub taken: usize,
    /// Rows of which a write was answered that they are gone.
    pub said_gone: BTreeSet<(&'static str, i64)>,
    /// Rows that could not be read, by id: they are there.
    pub unreadable: BTreeSet<i64>,
    /// With `--force`: the operations to be set aside in the end.
    pub force: Option<BTreeSet<String>>,
    /// Per kind and workspace: when its lists were last read to find lost creates.
    pub listed: BTreeMap<(&'static str, i64), Timestamp>,
    /// Per kind and workspace the rows of our account that the pull brought, for creates that may have been sent before.
    pub recent: BTreeMap<(&'static str, i64), Vec<Row>>,
}

impl Run {
    pub(super) fn new(plan: Plan) -> Run {
        Run { plan, ..Run::default() }
    }
}
