//! Ten times the work costs at most twelve times as much: what waits for one row, what is in conflict, what hangs together.

use super::lab::{Lab, text};
use crate::model::task::{DESCRIPTION, PARENT, STATUS, TASK, TITLE};
use crate::model::{Kind, Operation, Patch, Value};
use crate::sync::fake::FakeRemote;
use crate::sync::{Mode, Options, Policy, drop_plan, edits};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const FEW: usize = 100;
const MANY: usize = 1_000;

/// Twelve is promised; the rest is what others at work on the machine, and caches that are too small, add. A square would be
/// a hundred.
const TIMES: u32 = 16;

/// What this thread has cost so far; where the system does not tell, the time.
fn cost(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|told| told.split_whitespace().next()?.parse().ok());
    told.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// `work` is given a client in which `prepare` has been done so many times, and is what is measured. The small one is
/// measured three times: the first is colder.
fn assert_linear(prepare: impl Fn(&mut Lab, usize), work: impl Fn(&mut Lab, usize)) {
    let began = Instant::now();
    let measure = |count: usize| {
        let mut lab = Lab::new(FakeRemote::full(), 0);
        prepare(&mut lab, count);
        let before = cost(began);
        work(&mut lab, count);
        cost(began).saturating_sub(before)
    };
    let few = (0..3).map(|_| measure(FEW)).max().unwrap_or_default();
    // Caches are shared with whoever else is at work here: once more, if need be.
    let measured = [measure(MANY), measure(MANY)];
    let many = measured.into_iter().min().unwrap_or_default();
    assert!(many < few * TIMES, "{FEW} cost {few:?}, {MANY} cost {measured:?}");
}

fn settled(lab: &mut Lab) {
    lab.sync();
    assert_eq!(lab.waiting().len(), 0);
}

/// Every title was changed here and there.
fn conflicts(lab: &mut Lab, count: usize) {
    for number in 0..count {
        lab.server.create(lab.dev, &format!("t {number}"));
    }
    lab.sync();
    for number in 1..=count {
        lab.update(&format!("DEV-{number}"), [(TITLE, "mine")]);
        lab.server.edit(lab.dev, &format!("DEV-{number}"), Patch::from([(TITLE, text("theirs"))]));
    }
}

fn in_the_inbox(lab: &mut Lab, count: usize) {
    conflicts(lab, count);
    let summary = lab.sync_with(Policy::Skip);
    assert_eq!(summary.waiting, count);
}

fn resolve(lab: &mut Lab, policy: Policy) {
    let waiting = lab.store.conflicts().expect("readable");
    let wanted: Vec<(&'static Kind, i64)> = waiting.iter().map(|conflict| (conflict.kind, conflict.id)).collect();
    lab.run(Options { mode: Mode::Resolve(wanted), policy, ..Options::default() }).expect("ran");
    assert_eq!(lab.store.conflicts().expect("readable").len(), 0);
}

#[test]
fn changes_of_one_row() {
    let prepare = |lab: &mut Lab, count: usize| {
        lab.server.create(lab.dev, "one");
        lab.sync();
        for number in 0..count {
            // Two fields in turn: nothing goes with what was before it.
            let (field, value) = if number % 2 == 0 { (TITLE, "a") } else { (DESCRIPTION, "b") };
            lab.update("DEV-1", [(field, &format!("{value} {number}"))]);
        }
    };
    assert_linear(prepare, |lab, _| settled(lab));
}

#[test]
fn notes_on_one_task() {
    let prepare = |lab: &mut Lab, count: usize| {
        lab.server.create(lab.dev, "one");
        lab.sync();
        for number in 0..count {
            lab.update("DEV-1", [(DESCRIPTION, &format!("note {number}"))]);
        }
    };
    assert_linear(prepare, |lab, _| settled(lab));
}

#[test]
fn queuing_changes_of_one_row() {
    let prepare = |lab: &mut Lab, _: usize| {
        lab.server.create(lab.dev, "one");
        lab.sync();
    };
    assert_linear(prepare, |lab, count| {
        for number in 0..count {
            lab.update("DEV-1", [(STATUS, if number % 2 == 0 { "active" } else { "todo" })]);
        }
    });
}

#[test]
fn creates() {
    let prepare = |lab: &mut Lab, count: usize| (0..count).for_each(|number| drop(lab.create(&format!("n {number}"))));
    assert_linear(prepare, |lab, _| settled(lab));
}

/// Each is the parent of the next one.
#[test]
fn creates_that_hang_together() {
    let prepare = |lab: &mut Lab, count: usize| {
        let mut parent: Option<Operation> = None;
        for number in 0..count {
            let mut set = Patch::from([(TITLE, text(&format!("n {number}")))]);
            if let Some(parent) = &parent {
                let row = lab.store.row_named(&TASK, lab.dev, &parent.name).expect("readable").expect("queued");
                set.insert(PARENT, Value::Int(row.id));
            }
            set.insert(crate::model::task::PROJECT, Value::Int(lab.server.server.borrow().project(lab.dev)));
            let queued = edits::create(&mut lab.store, &TASK, lab.dev, &set).expect("queued");
            parent = queued.operations.into_iter().next();
        }
    };
    assert_linear(prepare, |lab, _| settled(lab));
}

#[test]
fn conflicts_that_a_policy_decides() {
    for policy in [Policy::Remote, Policy::Local] {
        assert_linear(conflicts, |lab, _| {
            lab.sync_with(policy);
            assert_eq!(lab.waiting().len(), 0);
        });
    }
}

#[test]
fn conflicts_that_go_to_the_inbox() {
    assert_linear(conflicts, |lab, count| assert_eq!(lab.sync_with(Policy::Skip).waiting, count));
}

#[test]
fn conflicts_of_the_inbox() {
    for policy in [Policy::Remote, Policy::Local] {
        assert_linear(in_the_inbox, |lab, _| resolve(lab, policy));
    }
}

#[test]
fn dropping_all() {
    assert_linear(in_the_inbox, |lab, _| {
        let all: BTreeSet<String> = lab.waiting().into_iter().map(|operation| operation.op_id).collect();
        drop_plan::drop_operations(&mut lab.store, "dropped", &all).expect("dropped");
        assert_eq!(lab.waiting().len(), 0);
    });
}
