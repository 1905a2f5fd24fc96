//! What an operation goes through. `next`: its step, by its state, what was seen and what the server can do. `after_reply`:
//! its state after a request, by what came back (docs/sync.md has the rows of both). Pure.

use super::remote::Reply;
use super::report::Cause;
use crate::model::Shape;

/// The state of an operation as `next` asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Queued,
    Sent,
    Rejected,
}

/// What is known of the row, or of the rows a create may have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Unknown,
    Absent,
    Ready,
    Holds,
    Clashes,
    Several,
    /// Of a link: the server shows no links.
    Hidden,
}

/// The rows an operation needs: its own create, the other end, a parent. `Pending`: a create that is queued, sent or
/// rejected. `Gone`: a create that was dropped, or a row that is absent; of an update or a delete an absent row of its own
/// is no need but `Seen::Absent`, which is asked about. `Unseen`: a row that this run has not read; a server that was put
/// back may have given its name to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Met,
    Unseen,
    Pending,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditioned {
    None,
    Holds,
    Fails,
}

/// Everything that `next` looks at.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    pub shape: Shape,
    pub stage: Stage,
    pub needs: Needs,
    pub seen: Seen,
    /// Read after the last request and the last answer about the row, in this run. Of a sent create: the search began
    /// when the request could no longer arrive and lists could no longer lag.
    pub fresh: bool,
    pub condition: Conditioned,
    /// Of a sent create: now is later than that.
    pub settled: bool,
    /// Of a sent create: its key is declared to live, and less than half of that has passed since the first request.
    pub key_lives: bool,
    /// The server is known to honour If-Match.
    pub if_match: bool,
    /// G1: the row's create was certainly never carried out, and a delete of it waits.
    pub cancels: bool,
    /// L4, K2: a request was answered 409 or 4xx. C8: the last one was answered 409.
    pub refused: bool,
    /// A delete of the same row waits behind this update.
    pub delete_follows: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Fetch,
    Search,
    Wait,
    Send,
    Ask(Cause),
    Hold(Why),
    Finish(Outcome),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Rejected,
    Waits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// G1
    Cancelled,
    /// G6, exit code 7
    ConditionFailed,
    /// C4
    MayHaveBecome,
    /// G5
    NeedIsGone,
    /// L4, C8: with the server's words
    Refused,
}

/// The first row of the table that matches, and its name (`C2`, `U3`), for tests. A combination that cannot occur
/// is held (`-`): nothing is sent on a guess.
pub fn next(situation: &Situation) -> (&'static str, Step) {
    general(situation).unwrap_or_else(|| match situation.shape {
        Shape::Create => create(situation),
        Shape::Link => link(situation),
        Shape::Unlink => unlink(situation),
        Shape::Update => update(situation),
        Shape::Delete => delete(situation),
    })
}

const IMPOSSIBLE: (&str, Step) = ("-", Step::Hold(Why::Waits));

const NEED_IS_GONE: (&str, Step) = ("G5", Step::Finish(Outcome::NeedIsGone));

fn general(s: &Situation) -> Option<(&'static str, Step)> {
    let sent_create = s.shape == Shape::Create && s.stage == Stage::Sent;
    Some(match s.needs {
        _ if s.cancels => ("G1", Step::Finish(Outcome::Cancelled)),
        _ if s.stage == Stage::Rejected => ("G2", Step::Hold(Why::Rejected)),
        Needs::Pending => ("G3", Step::Hold(Why::Waits)),
        Needs::Unseen => ("G7", Step::Fetch),
        // A link of a row that is gone is gone.
        Needs::Gone if s.shape == Shape::Unlink => ("G4", Step::Finish(Outcome::Done)),
        // What a sent create has made is looked for first.
        Needs::Gone if !sent_create => NEED_IS_GONE,
        _ => return None,
    })
}

fn create(s: &Situation) -> (&'static str, Step) {
    match s.seen {
        _ if s.stage == Stage::Queued => ("C1", Step::Send),
        _ if s.key_lives && s.needs == Needs::Met && !s.refused => ("C2", Step::Send),
        Seen::Holds => ("C3", Step::Finish(Outcome::Done)),
        Seen::Several => ("C4", Step::Finish(Outcome::MayHaveBecome)),
        Seen::Absent if !s.fresh && !s.settled => ("C6", Step::Wait),
        Seen::Unknown => ("C5", Step::Search),
        Seen::Absent if !s.fresh => ("C5", Step::Search),
        Seen::Absent if s.refused => ("C8", Step::Finish(Outcome::Refused)),
        Seen::Absent if s.needs == Needs::Gone => NEED_IS_GONE,
        Seen::Absent => ("C7", Step::Send),
        Seen::Ready | Seen::Clashes | Seen::Hidden => IMPOSSIBLE,
    }
}

fn link(s: &Situation) -> (&'static str, Step) {
    match s.seen {
        _ if s.stage == Stage::Queued => ("L1", Step::Send),
        Seen::Unknown => ("L2", Step::Fetch),
        Seen::Holds => ("L3", Step::Finish(Outcome::Done)),
        Seen::Absent | Seen::Hidden if s.refused => ("L4", Step::Finish(Outcome::Refused)),
        Seen::Absent | Seen::Hidden => ("L5", Step::Send),
        Seen::Ready | Seen::Clashes | Seen::Several => IMPOSSIBLE,
    }
}

fn unlink(s: &Situation) -> (&'static str, Step) {
    match s.seen {
        _ if s.stage == Stage::Queued => ("K2", Step::Send),
        Seen::Absent => ("K1", Step::Finish(Outcome::Done)),
        // A refusal is believed once the links have been looked at: some servers refuse to remove what is not there.
        Seen::Unknown if s.refused => ("K3", Step::Fetch),
        _ if s.refused => ("K2", Step::Finish(Outcome::Refused)),
        _ => ("K2", Step::Send),
    }
}

fn update(s: &Situation) -> (&'static str, Step) {
    match s.seen {
        _ if condition_failed(s) => ("G6", Step::Finish(Outcome::ConditionFailed)),
        Seen::Ready if (s.fresh || s.if_match) && s.condition != Conditioned::Fails => ("U1", Step::Send),
        Seen::Holds => ("U2", Step::Finish(Outcome::Done)),
        _ if s.seen == Seen::Unknown || !s.fresh => ("U3", Step::Fetch),
        Seen::Clashes if s.delete_follows => ("U4", Step::Ask(Cause::DeletedHere)),
        Seen::Clashes => ("U4", Step::Ask(Cause::Changed)),
        Seen::Absent if s.delete_follows => ("U5", Step::Finish(Outcome::Done)),
        Seen::Absent => ("U5", Step::Ask(Cause::DeletedThere)),
        Seen::Unknown | Seen::Ready | Seen::Several | Seen::Hidden => IMPOSSIBLE,
    }
}

fn delete(s: &Situation) -> (&'static str, Step) {
    match s.seen {
        _ if condition_failed(s) => ("G6", Step::Finish(Outcome::ConditionFailed)),
        Seen::Absent => ("D1", Step::Finish(Outcome::Done)),
        _ if s.seen == Seen::Unknown || !s.fresh => ("D2", Step::Fetch),
        Seen::Clashes => ("D3", Step::Ask(Cause::DeletedHere)),
        Seen::Ready => ("D4", Step::Send),
        Seen::Unknown | Seen::Holds | Seen::Several | Seen::Hidden => IMPOSSIBLE,
    }
}

/// G6. An update that arrived has itself changed what its condition was about (the version): it is done.
fn condition_failed(s: &Situation) -> bool {
    let arrived = s.stage == Stage::Sent && s.seen == Seen::Holds;
    let judged = matches!(s.seen, Seen::Ready | Seen::Holds | Seen::Clashes);
    s.fresh && s.condition == Conditioned::Fails && judged && !arrived
}

/// What becomes of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    Done,
    Rejected,
    /// Stays sent; the server's message is kept where it said something.
    Sent,
    /// As it was before the request, which was certainly not carried out.
    Before,
    /// As before, and the row is to be read again (404, 409 to an update; 409 to a delete that tells another version).
    LookAgain,
}

/// What becomes of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    GoOn,
    /// Counted: three of a kind in a row end the run (403 those of one workspace).
    Count,
    Stop,
}

/// 45 cells, and one for deletes of a row that changed meanwhile. "As before" is exact: an earlier request without an answer
/// keeps the operation sent.
pub fn after_reply(shape: Shape, came: &Reply) -> (Becomes, Effect) {
    match came {
        // R1
        Reply::Done(_) => (Becomes::Done, Effect::GoOn),
        // R2
        Reply::Gone(_) => (gone(shape), Effect::GoOn),
        // R3
        Reply::Conflict { current_version: Some(_), .. } if shape == Shape::Delete => {
            (Becomes::LookAgain, Effect::GoOn)
        }
        Reply::Conflict { .. } => (conflict(shape), Effect::GoOn),
        // R4
        Reply::Refused { .. } => (refused(shape), Effect::GoOn),
        // R5
        Reply::Forbidden(_) => (Becomes::Rejected, Effect::Count),
        // R6, R7, R8
        Reply::OutOfReach(_) | Reply::Limited { .. } | Reply::Unauthorized(_) => (Becomes::Before, Effect::Stop),
        // R9
        Reply::Lost { .. } => (Becomes::Sent, Effect::Count),
    }
}

fn gone(shape: Shape) -> Becomes {
    match shape {
        Shape::Create | Shape::Link => Becomes::Rejected,
        Shape::Unlink | Shape::Delete => Becomes::Done,
        Shape::Update => Becomes::LookAgain,
    }
}

/// Of a create and a link 409 may mean that it is as wanted, by this request or by another: that is looked for.
fn conflict(shape: Shape) -> Becomes {
    match shape {
        Shape::Create | Shape::Link | Shape::Unlink => Becomes::Sent,
        Shape::Update => Becomes::LookAgain,
        Shape::Delete => Becomes::Rejected,
    }
}

fn refused(shape: Shape) -> Becomes {
    match shape {
        Shape::Create | Shape::Update | Shape::Delete => Becomes::Rejected,
        Shape::Link | Shape::Unlink => Becomes::Sent,
    }
}

#[cfg(test)]
mod tests;
