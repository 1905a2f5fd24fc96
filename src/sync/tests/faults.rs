//! Kinds of faults that broke other sync tools, and this one once: each has its row in the tables.

use super::lab::{Lab, text};
use crate::model::task::{DESCRIPTION, STATUS, TITLE};
use crate::model::{Patch, Shape, State};
use crate::sync::Policy;
use crate::sync::fake::{FakeRemote, Fault};
use crate::sync::report::Event;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// C2, C3: a key is believed only as long as it is declared to live; then the create is looked for.
#[test]
fn a_key_that_has_ended_is_not_believed() {
    let mut lab = Lab::new(FakeRemote::full(), 3);
    lab.create("made on a train");
    lab.server.fail_always(|call| call.shape == Some(Shape::Create), Fault::LostAfter);
    lab.sync();
    assert_eq!(lab.count("made on a train"), 1);
    lab.server.heal();
    lab.advance(31 * DAY);
    lab.sync();
    assert_eq!((lab.count("made on a train"), lab.waiting().len()), (1, 0));
}

/// O5, O8: what a server put back to a backup has lost is kept and said.
#[test]
fn a_server_put_back_takes_nothing_in_silence() {
    let mut lab = Lab::new(FakeRemote::full(), 30);
    let backup = lab.server.backup();
    lab.create("made today");
    lab.update("DEV-1", [(DESCRIPTION, "rewritten today")]);
    lab.sync();
    lab.server.restore(&backup);
    lab.advance(Duration::from_secs(3600));
    lab.reporter.events.clear();
    lab.sync();
    let kept = lab.store.discarded().expect("readable");
    let titles: Vec<&str> = kept.iter().filter_map(|entry| entry.row.as_ref()).map(|row| row.title()).collect();
    assert!(titles.contains(&"made today"), "{titles:?}");
    assert!(titles.contains(&"t 0"), "{titles:?}");
    assert!(!lab.reporter.notes().is_empty(), "it is said");
}

/// R1: a text that the server cut is said, and what was typed can be restored.
#[test]
fn a_cut_text_is_noticed() {
    let mut lab = Lab::new(FakeRemote::full(), 1);
    lab.server.behave(|behaviour| behaviour.cut_texts = Some(255));
    let long = "a line of my report\n".repeat(100);
    lab.update("DEV-1", [(DESCRIPTION, &long)]);
    lab.sync();
    assert!(lab.reporter.notes().iter().any(|note| note.contains("did not take the description")));
    let kept = lab.store.discarded().expect("readable");
    let typed = kept[0].operations[0].set.get(DESCRIPTION);
    assert!(typed.is_some_and(|typed| typed.same(&text(&long))));
}

/// R5: one 403 concerns its operation; the rest goes.
#[test]
fn one_forbidden_operation_holds_up_nothing() {
    let mut lab = Lab::new(FakeRemote::full(), 3);
    lab.server.fail_always(|call| call.is_write() && call.name == "DEV-1", Fault::Forbidden);
    lab.update("DEV-1", [(TITLE, "x")]);
    for number in 0..5 {
        lab.create(&format!("later {number}"));
    }
    let summary = lab.sync();
    assert_eq!((summary.pushed, summary.failed), (5, 1));
    assert!(lab.reporter.has(|event| matches!(event, Event::Refused { identifier, .. } if identifier == "DEV-1")));
}

/// R6: a sign-in page in the middle of a push is no verdict.
#[test]
fn what_is_out_of_reach_waits() {
    let mut lab = Lab::new(FakeRemote::full(), 1);
    for number in 0..6 {
        lab.create(&format!("n {number}"));
    }
    lab.server
        .fail_always(|call| call.shape == Some(Shape::Create) && call.set[TITLE] == text("n 3"), Fault::OutOfReach);
    let summary = lab.sync();
    assert_eq!((summary.pushed, summary.failed), (3, 0));
    assert!(lab.waiting().iter().all(|op| op.state == State::Queued));
    lab.server.heal();
    assert_eq!(lab.sync().pushed, 3);
}

/// O7: a task that was moved is the same task.
#[test]
fn a_moved_task_is_followed() {
    let mut lab = Lab::new(FakeRemote::full(), 6);
    let ops = lab.server.workspace("OPS");
    lab.sync();
    lab.update("DEV-3", [(TITLE, "edited offline")]);
    let mut row = lab.server.task(lab.dev, "DEV-3").expect("there");
    let id = row.id;
    (row.workspace_id, row.name, row.version) = (ops, "OPS-1".into(), row.version + 1);
    lab.server.put(row);
    lab.sync_with(Policy::Local);
    assert_eq!(lab.server.titles(ops), ["edited offline"]);
    assert!(lab.count("edited offline") == 0 && lab.waiting().is_empty());
    let shown = lab.store.row(&crate::model::task::TASK, id).expect("readable").expect("still here");
    assert_eq!(shown.name, "OPS-1");
}

/// O3: an answer outranks older reads.
#[test]
fn a_read_behind_a_replica_is_not_believed() {
    // Also where the server declares that there is no such thing: it may stand behind something that keeps answers.
    behind_a_replica(FakeRemote::plain());
    behind_a_replica(FakeRemote::full());
}

fn behind_a_replica(server: FakeRemote) {
    let mut lab = Lab::new(server, 6);
    lab.server.behave(|behaviour| {
        behaviour.list_lag = Duration::from_secs(6);
        behaviour.read_lag = Duration::from_secs(6);
    });
    lab.create("X");
    lab.update("DEV-1", [(TITLE, "b")]);
    lab.sync();
    let created = lab.shown("DEV-7").expect("shown");
    assert_eq!(created.title(), "X");
    lab.sync();
    assert_eq!(lab.title("DEV-1"), "b", "an older read undid it");
    assert_eq!(lab.title("DEV-7"), "X", "an older read removed it");
    lab.update("DEV-7", [(TITLE, "X edited")]);
    lab.sync_with(Policy::Local);
    assert_eq!(lab.count("X") + lab.count("X edited"), 1);
}

/// U3, R1: without If-Match the row is read before it is written; what still slips in is said.
#[test]
fn a_colleague_is_not_overwritten_unseen() {
    let mut lab = Lab::new(FakeRemote::plain(), 1);
    let dev = lab.dev;
    lab.update("DEV-1", [(TITLE, "mine")]);
    lab.server.before(
        |call| call.line == "GET DEV-1",
        move |server| {
            let set = Patch::from([(TITLE, text("theirs"))]);
            let mut write = crate::sync::fake::Write::to(Shape::Update, dev, "DEV-1");
            write.set = set;
            server.carry_out(&write);
        },
    );
    let summary = lab.sync();
    assert_eq!((summary.waiting, lab.count("theirs")), (1, 1));
}

#[test]
fn a_version_that_jumped_is_said() {
    let mut lab = Lab::new(FakeRemote::plain(), 1);
    let dev = lab.dev;
    lab.update("DEV-1", [(TITLE, "mine")]);
    lab.server.before(
        |call| call.shape == Some(Shape::Update),
        move |server| {
            let mut write = crate::sync::fake::Write::to(Shape::Update, dev, "DEV-1");
            write.set = Patch::from([(DESCRIPTION, text("theirs"))]);
            server.carry_out(&write);
        },
    );
    lab.sync();
    assert!(lab.reporter.notes().iter().any(|note| note.contains("somebody else")), "{:?}", lab.reporter.notes());
}

/// C5–C7: a create whose answer was lost is looked for when it can no longer arrive and lists no longer lag.
#[test]
fn a_late_create_is_not_made_twice() {
    for late in [2, 9, 15] {
        let mut lab = Lab::new(FakeRemote::plain(), 1);
        lab.server.behave(|behaviour| behaviour.list_lag = Duration::from_secs(2));
        lab.create("late");
        lab.server.fail(|call| call.shape == Some(Shape::Create), Fault::Late(Duration::from_secs(late)));
        lab.sync();
        lab.advance(Duration::from_secs(20));
        lab.sync();
        assert_eq!((lab.count("late"), lab.waiting().len()), (1, 0), "{late} s");
    }
}

/// G4: a link of a row that is gone is gone.
#[test]
fn a_removed_dependency_of_a_deleted_task_is_done() {
    let mut lab = Lab::new(FakeRemote::full(), 2);
    lab.server.link(lab.dev, "DEV-1", "DEV-2");
    lab.sync();
    let (one, two) = (lab.shown("DEV-1").expect("there"), lab.shown("DEV-2").expect("there"));
    crate::sync::edits::link(&mut lab.store, &one, &two, false).expect("queued");
    lab.server.delete(lab.dev, "DEV-2");
    let summary = lab.sync();
    assert_eq!((summary.failed, summary.held, lab.waiting().len()), (0, 0, 0));
}

/// R9: a few failures of one kind in a row end the run.
#[test]
fn retries_do_not_multiply() {
    let mut lab = Lab::new(FakeRemote::full(), 1);
    for number in 0..20 {
        lab.create(&format!("n {number}"));
    }
    lab.server.fail_always(|call| call.shape == Some(Shape::Create), Fault::LostBefore);
    lab.sync();
    assert!(lab.server.writes().len() <= 6, "{} requests", lab.server.writes().len());
}

/// 3.2.7: successive edits of the same fields are one request.
#[test]
fn many_notes_are_one_request() {
    let mut lab = Lab::new(FakeRemote::full(), 1);
    let mut notes = String::new();
    for number in 0..50 {
        notes += &format!("note {number}\n");
        lab.update("DEV-1", [(DESCRIPTION, &notes)]);
    }
    lab.update("DEV-1", [(STATUS, "active")]);
    lab.update("DEV-1", [(STATUS, "done")]);
    lab.sync();
    assert_eq!(lab.server.writes(), ["PATCH DEV-1", "PATCH DEV-1", "PATCH DEV-1"]);
    assert_eq!(lab.waiting().len(), 0);
}
