//! Every combination that can occur, the invariants, each row hit, and the walk: every path of an operation ends.

use super::*;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

const STAGES: [Stage; 3] = [Stage::Queued, Stage::Sent, Stage::Rejected];
const NEEDS: [Needs; 4] = [Needs::Met, Needs::Unseen, Needs::Pending, Needs::Gone];
const SEEN: [Seen; 7] =
    [Seen::Unknown, Seen::Absent, Seen::Ready, Seen::Holds, Seen::Clashes, Seen::Several, Seen::Hidden];
const CONDITIONS: [Conditioned; 3] = [Conditioned::None, Conditioned::Holds, Conditioned::Fails];
const BOTH: [bool; 2] = [false, true];

fn situation(shape: Shape, stage: Stage) -> Situation {
    Situation {
        shape,
        stage,
        needs: Needs::Met,
        seen: Seen::Unknown,
        fresh: false,
        condition: Conditioned::None,
        settled: true,
        key_lives: false,
        if_match: false,
        cancels: false,
        refused: false,
        delete_follows: false,
    }
}

/// The 20,160 combinations of the table's nine columns.
fn formal() -> Vec<Situation> {
    let mut all = Vec::new();
    for shape in Shape::ALL {
        for stage in STAGES {
            for needs in NEEDS {
                for seen in SEEN {
                    for condition in CONDITIONS {
                        for bits in 0..16 {
                            let [fresh, key_lives, if_match, settled] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
                            let all_of = situation(shape, stage);
                            all.push(Situation {
                                needs,
                                seen,
                                condition,
                                fresh,
                                key_lives,
                                if_match,
                                settled,
                                ..all_of
                            });
                        }
                    }
                }
            }
        }
    }
    all
}

/// What relate, the links and the candidates give for a shape.
fn sightings(shape: Shape) -> &'static [Seen] {
    use Seen::*;
    match shape {
        Shape::Create => &[Unknown, Absent, Holds, Several],
        Shape::Link => &[Unknown, Absent, Holds, Hidden],
        Shape::Unlink => &[Unknown, Absent, Ready, Hidden],
        Shape::Update => &[Unknown, Absent, Ready, Holds, Clashes],
        Shape::Delete => &[Unknown, Absent, Ready, Clashes],
    }
}

/// The table's "cannot occur", clause by clause.
fn can_occur(s: &Situation) -> bool {
    let sent_create = s.shape == Shape::Create && s.stage == Stage::Sent;
    let has_row = matches!(s.shape, Shape::Update | Shape::Delete);
    let judged = !matches!(s.seen, Seen::Unknown | Seen::Absent);
    sightings(s.shape).contains(&s.seen)
        && (sent_create || (!s.key_lives && s.settled))
        && (has_row || s.condition == Conditioned::None)
        && (judged || s.condition != Conditioned::Fails)
        && !(s.seen == Seen::Unknown && s.fresh)
        && !(sent_create && s.fresh && !s.settled)
        && (has_row || s.stage != Stage::Queued || s.seen == Seen::Unknown)
        && (!s.if_match || s.shape == Shape::Update)
        && !(has_row && s.needs == Needs::Pending && s.seen != Seen::Unknown)
        && !(s.needs == Needs::Pending && s.stage == Stage::Sent && s.shape != Shape::Create)
        && !(s.needs == Needs::Unseen && (s.shape == Shape::Delete || s.seen != Seen::Unknown))
}

/// With what else the log knows: G1, L4, and a delete behind an update.
fn occurring() -> Vec<Situation> {
    let mut all = Vec::new();
    for s in formal().into_iter().filter(can_occur) {
        let pair = matches!(s.shape, Shape::Link | Shape::Unlink);
        let sent_create = s.shape == Shape::Create && s.stage == Stage::Sent;
        for cancels in BOTH.into_iter().filter(|cancels| !cancels || !sent_create) {
            let may_be_refused = pair && s.stage == Stage::Sent || sent_create && s.settled;
            for refused in BOTH.into_iter().filter(|refused| !refused || may_be_refused) {
                for delete_follows in BOTH.into_iter().filter(|follows| !follows || s.shape == Shape::Update) {
                    all.push(Situation { cancels, refused, delete_follows, ..s });
                }
            }
        }
    }
    all
}

#[test]
fn combinations_are_those_of_the_table() {
    assert_eq!(formal().len(), 20_160);
    let count = formal().iter().filter(|s| can_occur(s)).count();
    println!("{count} of 20,160 can occur; with the log's facts {}", occurring().len());
    assert_eq!(count, OCCURRING);
}

/// 574 without `Needs::Unseen`.
const OCCURRING: usize = 598;

#[test]
fn invariants_hold_for_every_combination() {
    for s in occurring() {
        let (row, step) = next(&s);
        assert_ne!(row, "-", "{s:?}");
        if step != Step::Send {
            continue;
        }
        assert_ne!(s.stage, Stage::Rejected, "{row}: what is rejected is not sent: {s:?}");
        assert_eq!(s.needs, Needs::Met, "{row}: what waits is not sent: {s:?}");
        assert_ne!(s.condition, Conditioned::Fails, "{row}: {s:?}");
        match s.shape {
            Shape::Create if s.stage == Stage::Sent => {
                assert!(!s.refused, "{row}: the name is taken: {s:?}");
                assert!(s.key_lives || (s.seen == Seen::Absent && s.fresh), "{row}: repeated unsearched: {s:?}");
            }
            Shape::Update => assert!(s.seen == Seen::Ready && (s.fresh || s.if_match), "{row}: PATCH unseen: {s:?}"),
            Shape::Delete => assert!(s.seen == Seen::Ready && s.fresh, "{row}: DELETE unseen: {s:?}"),
            Shape::Create | Shape::Link | Shape::Unlink => {}
        }
    }
}

#[test]
fn each_row_is_hit() {
    let hit: BTreeSet<&str> = occurring().iter().map(|s| next(s).0).collect();
    let rows = [
        "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "D1", "D2", "D3", "D4", "G1", "G2", "G3", "G4", "G5", "G6",
        "G7", "K1", "K2", "K3", "L1", "L2", "L3", "L4", "L5", "U1", "U2", "U3", "U4", "U5",
    ];
    assert_eq!(hit, BTreeSet::from(rows));
}

/// One or more cases per row: the row's own conditions and the step it gives.
#[test]
fn rows_give_their_steps() {
    use Outcome::*;
    use Shape::*;
    use Stage::{Queued, Rejected, Sent};
    let queued = |shape| situation(shape, Queued);
    let sent = |shape| situation(shape, Sent);
    let seen = |s: Situation, seen| Situation { seen, fresh: true, ..s };
    let stale = |s: Situation, seen| Situation { seen, ..s };
    let fails = |s: Situation| Situation { condition: Conditioned::Fails, ..s };
    let refused = |s: Situation| Situation { refused: true, ..s };
    let gone = |s: Situation| Situation { needs: Needs::Gone, ..s };
    let pending = |s: Situation| Situation { needs: Needs::Pending, ..s };
    let unseen = |s: Situation| Situation { needs: Needs::Unseen, ..s };
    let follows = |s: Situation| Situation { delete_follows: true, ..s };
    let key = |s: Situation| Situation { key_lives: true, ..s };
    let matching = |s: Situation| Situation { if_match: true, ..s };
    let unsettled = |s: Situation| Situation { settled: false, ..s };
    let cancels = |s: Situation| Situation { cancels: true, ..s };
    let cases = [
        ("G1", cancels(queued(Create)), Step::Finish(Cancelled)),
        ("G1", cancels(situation(Create, Rejected)), Step::Finish(Cancelled)),
        ("G1", cancels(pending(queued(Delete))), Step::Finish(Cancelled)),
        ("G2", situation(Update, Rejected), Step::Hold(Why::Rejected)),
        ("G2", gone(situation(Create, Rejected)), Step::Hold(Why::Rejected)),
        ("G3", pending(queued(Link)), Step::Hold(Why::Waits)),
        ("G3", key(pending(sent(Create))), Step::Hold(Why::Waits)),
        ("G4", gone(queued(Unlink)), Step::Finish(Done)),
        ("G4", gone(refused(sent(Unlink))), Step::Finish(Done)),
        ("G5", gone(queued(Create)), Step::Finish(NeedIsGone)),
        ("G5", gone(queued(Link)), Step::Finish(NeedIsGone)),
        ("G5", gone(queued(Update)), Step::Finish(NeedIsGone)),
        ("G5", gone(seen(sent(Create), Seen::Absent)), Step::Finish(NeedIsGone)),
        ("G7", unseen(queued(Create)), Step::Fetch),
        ("G7", unseen(queued(Link)), Step::Fetch),
        ("G7", unseen(sent(Unlink)), Step::Fetch),
        ("C1", queued(Create), Step::Send),
        ("C2", key(sent(Create)), Step::Send),
        ("C2", key(unsettled(stale(sent(Create), Seen::Absent))), Step::Send),
        ("C3", seen(sent(Create), Seen::Holds), Step::Finish(Done)),
        ("C3", gone(key(seen(sent(Create), Seen::Holds))), Step::Finish(Done)),
        ("C4", seen(sent(Create), Seen::Several), Step::Finish(MayHaveBecome)),
        ("C6", unsettled(stale(sent(Create), Seen::Absent)), Step::Wait),
        ("C6", gone(unsettled(stale(sent(Create), Seen::Absent))), Step::Wait),
        ("C5", sent(Create), Step::Search),
        ("C5", unsettled(sent(Create)), Step::Search),
        ("C5", stale(sent(Create), Seen::Absent), Step::Search),
        ("C5", gone(key(sent(Create))), Step::Search),
        ("C7", seen(sent(Create), Seen::Absent), Step::Send),
        ("C5", refused(key(sent(Create))), Step::Search),
        ("C3", refused(seen(sent(Create), Seen::Holds)), Step::Finish(Done)),
        ("C8", refused(seen(sent(Create), Seen::Absent)), Step::Finish(Refused)),
        ("L1", queued(Link), Step::Send),
        ("L2", sent(Link), Step::Fetch),
        ("L2", refused(sent(Link)), Step::Fetch),
        ("L3", refused(seen(sent(Link), Seen::Holds)), Step::Finish(Done)),
        ("L4", refused(seen(sent(Link), Seen::Absent)), Step::Finish(Refused)),
        ("L4", refused(seen(sent(Link), Seen::Hidden)), Step::Finish(Refused)),
        ("L5", seen(sent(Link), Seen::Absent), Step::Send),
        ("L5", seen(sent(Link), Seen::Hidden), Step::Send),
        ("K1", refused(seen(sent(Unlink), Seen::Absent)), Step::Finish(Done)),
        ("K3", refused(sent(Unlink)), Step::Fetch),
        ("K2", queued(Unlink), Step::Send),
        // Refused once, and queued again by hand.
        ("K2", refused(queued(Unlink)), Step::Send),
        ("L1", refused(queued(Link)), Step::Send),
        ("K2", sent(Unlink), Step::Send),
        ("K2", seen(sent(Unlink), Seen::Ready), Step::Send),
        ("K2", refused(seen(sent(Unlink), Seen::Ready)), Step::Finish(Refused)),
        ("K2", refused(seen(sent(Unlink), Seen::Hidden)), Step::Finish(Refused)),
        ("G6", fails(seen(queued(Update), Seen::Ready)), Step::Finish(ConditionFailed)),
        ("G6", fails(seen(queued(Update), Seen::Holds)), Step::Finish(ConditionFailed)),
        ("G6", fails(seen(sent(Update), Seen::Clashes)), Step::Finish(ConditionFailed)),
        ("G6", fails(seen(queued(Delete), Seen::Ready)), Step::Finish(ConditionFailed)),
        ("U1", seen(queued(Update), Seen::Ready), Step::Send),
        ("U1", matching(stale(queued(Update), Seen::Ready)), Step::Send),
        ("U1", seen(sent(Update), Seen::Ready), Step::Send),
        ("U2", fails(seen(sent(Update), Seen::Holds)), Step::Finish(Done)),
        ("U2", stale(queued(Update), Seen::Holds), Step::Finish(Done)),
        ("U3", queued(Update), Step::Fetch),
        ("U3", stale(queued(Update), Seen::Ready), Step::Fetch),
        ("U3", stale(queued(Update), Seen::Absent), Step::Fetch),
        ("U3", stale(queued(Update), Seen::Clashes), Step::Fetch),
        ("U3", matching(fails(stale(queued(Update), Seen::Ready))), Step::Fetch),
        ("U4", seen(queued(Update), Seen::Clashes), Step::Ask(Cause::Changed)),
        ("U4", follows(seen(queued(Update), Seen::Clashes)), Step::Ask(Cause::DeletedHere)),
        ("U5", seen(queued(Update), Seen::Absent), Step::Ask(Cause::DeletedThere)),
        ("U5", follows(seen(queued(Update), Seen::Absent)), Step::Finish(Done)),
        ("D1", stale(queued(Delete), Seen::Absent), Step::Finish(Done)),
        ("D2", queued(Delete), Step::Fetch),
        ("D2", stale(sent(Delete), Seen::Ready), Step::Fetch),
        ("D3", seen(queued(Delete), Seen::Clashes), Step::Ask(Cause::DeletedHere)),
        ("D4", seen(queued(Delete), Seen::Ready), Step::Send),
    ];
    for (row, s, step) in cases {
        assert!(s.cancels || can_occur(&s), "{row}: {s:?}");
        assert_eq!(next(&s), (row, step), "{s:?}");
    }
}

/// A driver in miniature: what a run does with one operation, with every reply and every sighting.
#[derive(Debug, Clone, Copy)]
struct Run {
    s: Situation,
    sends: usize,
    looks: usize,
    waits: usize,
    asks: usize,
}

fn replies() -> [Reply; 9] {
    let text = String::new;
    [
        Reply::Done(None),
        Reply::Gone(text()),
        Reply::Conflict { current_version: None, message: text() },
        Reply::Refused { status: 422, message: text() },
        Reply::Forbidden(text()),
        Reply::OutOfReach(text()),
        Reply::Limited { until: Timestamp(0), message: text() },
        Reply::Unauthorized(text()),
        Reply::Lost { message: text(), until: None },
    ]
}

impl Run {
    fn sees(self, seen: Seen, fresh: bool) -> Run {
        // A condition is judged by what was seen; what was not seen does not fail.
        let condition = match self.s.condition {
            Conditioned::Fails if matches!(seen, Seen::Unknown | Seen::Absent) => Conditioned::Holds,
            other => other,
        };
        Run { s: Situation { seen, fresh, condition, ..self.s }, ..self }
    }

    /// What may come after the step; nothing where the run has done with the operation.
    fn after(self, step: Step) -> Vec<Run> {
        let s = self.s;
        match step {
            Step::Hold(_) | Step::Finish(_) => Vec::new(),
            Step::Send if self.sends == 2 => Vec::new(),
            Step::Fetch | Step::Search if self.looks == 5 => Vec::new(),
            Step::Send => replies().iter().filter_map(|answer| self.answered(answer)).collect(),
            Step::Fetch if s.needs == Needs::Unseen => {
                let found = |needs| Run { s: Situation { needs, ..s }, looks: self.looks + 1, ..self };
                vec![found(Needs::Met), found(Needs::Gone)]
            }
            Step::Fetch | Step::Search => {
                let looked = Run { looks: self.looks + 1, ..self };
                let sightings = sightings(s.shape).iter().filter(|seen| **seen != Seen::Unknown);
                let runs: Vec<Run> = sightings.map(|seen| looked.sees(*seen, s.settled)).collect();
                // A condition that held may fail now.
                let conditioned = s.condition != Conditioned::None;
                let judged = |run: &&Run| conditioned && run.s.seen != Seen::Absent;
                let failing: Vec<Run> = runs
                    .iter()
                    .filter(judged)
                    .map(|run| Run { s: Situation { condition: Conditioned::Fails, ..run.s }, ..*run })
                    .collect();
                runs.into_iter().chain(failing).collect()
            }
            Step::Wait => vec![Run { s: Situation { settled: true, ..s }, waits: self.waits + 1, ..self }],
            // Whatever is chosen: the operation goes, is held, or goes on against the row that was seen.
            Step::Ask(_) => vec![Run { asks: self.asks + 1, ..self.sees(Seen::Ready, s.fresh) }],
        }
    }

    fn answered(self, answer: &Reply) -> Option<Run> {
        let (becomes, effect) = reply(self.s.shape, answer);
        if effect == Effect::Stop {
            return None;
        }
        let create = self.s.shape == Shape::Create;
        let kept = !matches!(answer, Reply::Lost { .. });
        let run = Run { sends: self.sends + 1, ..self.sees(Seen::Unknown, false) };
        match becomes {
            Becomes::Done | Becomes::Rejected => None,
            Becomes::Sent => {
                let settled = !create || kept;
                let refused = kept || (self.s.refused && !create);
                Some(Run { s: Situation { stage: Stage::Sent, settled, refused, ..run.s }, ..run })
            }
            Becomes::Before | Becomes::LookAgain => Some(run),
        }
    }
}

#[test]
fn every_path_ends_within_two_sends_and_five_looks() {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut longest = 0;
    for s in occurring() {
        let run = Run { s, sends: 0, looks: 0, waits: 0, asks: 0 };
        longest = longest.max(walk(run, &mut known, &mut Vec::new()));
    }
    println!("{} states, longest path {longest} steps", known.len());
    assert!(longest <= 14, "{longest}");
}

/// Steps of the longest path from here.
fn walk(run: Run, known: &mut BTreeMap<String, usize>, path: &mut Vec<String>) -> usize {
    let name = format!("{run:?}");
    if let Some(steps) = known.get(&name) {
        return *steps;
    }
    assert!(!path.contains(&name), "a circle: {path:#?}");
    assert!(run.sends <= 2 && run.looks <= 5, "{run:?}");
    assert!(run.waits <= run.sends + 1, "one wait for each request: {run:?}");
    let (row, step) = next(&run.s);
    assert_ne!(row, "-", "{run:?}");
    path.push(name.clone());
    let after = run.after(step).into_iter().map(|next| walk(next, known, path)).max().unwrap_or(0);
    path.pop();
    known.insert(name, after + 1);
    after + 1
}

/// The table of docs/sync.md "reply", a row per reply, its columns in the order of `Shape::ALL`.
#[test]
fn r1_to_r9_cell_by_cell() {
    use Becomes::{Before, Done, LookAgain, Rejected, Sent};
    use Effect::{Count, GoOn, Stop};
    let text = || String::from("m");
    let rows = [
        ("R1", Reply::Done(None), [Done; 5], GoOn),
        ("R2", Reply::Gone(text()), [Rejected, Rejected, Done, LookAgain, Done], GoOn),
        (
            "R3",
            Reply::Conflict { current_version: None, message: text() },
            [Sent, Sent, Sent, LookAgain, Rejected],
            GoOn,
        ),
        ("R4", Reply::Refused { status: 422, message: text() }, [Rejected, Sent, Sent, Rejected, Rejected], GoOn),
        ("R5", Reply::Forbidden(text()), [Rejected; 5], Count),
        ("R6", Reply::OutOfReach(text()), [Before; 5], Stop),
        ("R7", Reply::Limited { until: Timestamp(0), message: text() }, [Before; 5], Stop),
        ("R8", Reply::Unauthorized(text()), [Before; 5], Stop),
        ("R9", Reply::Lost { message: text(), until: None }, [Sent; 5], Count),
    ];
    let order = [Shape::Create, Shape::Link, Shape::Unlink, Shape::Update, Shape::Delete];
    let mut cells = 0;
    for (name, given, becomes, effect) in rows {
        for (shape, becomes) in order.into_iter().zip(becomes) {
            assert_eq!(reply(shape, &given), (becomes, effect), "{name} {shape:?}");
            cells += 1;
        }
    }
    assert_eq!(cells, 45);
    let changed = Reply::Conflict { current_version: Some(2), message: text() };
    for (shape, becomes) in order.into_iter().zip([Sent, Sent, Sent, LookAgain, LookAgain]) {
        assert_eq!(reply(shape, &changed), (becomes, GoOn), "R3 {shape:?}, another version");
    }
}
