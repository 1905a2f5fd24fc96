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

/// What came of one operation so far.
#[derive(Default)]
pub(super) struct Came {
    /// Of a create whose answer was lost: when the search for it began, and what it found.
    pub search: Option<(Timestamp, Found)>,
    /// Of a link that was sent: what the server shows.
    pub link: Option<Seen>,
    /// What it was before the request that is under way.
    pub before: Option<State>,
    /// With what its answer was lost: the run ends with that, though it went on, if it is not settled by then.
    pub lost_answer: Option<Error>,
}

/// One run's state beside the plan.
#[derive(Default)]
pub(super) struct Run {
    pub plan: Plan,
    /// What came of operations, by their places in the plan.
    pub came: BTreeMap<usize, Came>,
    pub end: End,
    pub summary: Summary,
    pub caps: Capabilities,
    pub account: Option<String>,
    pub breaker: Breaker,
    /// Rows that merges and conflicts report on their own.
    pub reported: BTreeSet<(&'static str, i64)>,
    /// Questions that were put to a person, of how many before the push.
    pub questions: (usize, usize),
    pub epoch: Epoch,
    /// Rows read one by one, by kind and id; `None`: gone.
    pub read: BTreeMap<(&'static str, i64), (&'static Kind, Option<Row>)>,
    /// Per kind and workspace the highest number known when the push began.
    pub highest: BTreeMap<(&'static str, i64), i64>,
    /// When the server lets us come back, where it said so with a lost answer.
    pub next_allowed: Option<Timestamp>,
    /// Operations that the server has just carried out, until that is written down.
    pub taken: usize,
    /// Rows of which a write was answered that they are gone.
    pub said_gone: BTreeSet<(&'static str, i64)>,
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

    pub(super) fn came(&self, index: usize) -> Option<&Came> {
        self.came.get(&index)
    }

    pub(super) fn came_of(&mut self, index: usize) -> &mut Came {
        self.came.entry(index).or_default()
    }

    /// The error with which an answer was lost, of an operation that is still in doubt.
    pub(super) fn first_unsettled(&mut self) -> Option<Error> {
        let lost =
            |(index, came): &(&usize, &mut Came)| came.lost_answer.is_some() && self.plan.ops[**index].state.waits();
        self.came.iter_mut().find(lost)?.1.lost_answer.take()
    }
}
