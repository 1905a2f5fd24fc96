//! Whole runs: what is sent, in which order, what stays, and what a second run does.

use super::lab::{Lab, patch, text};
use crate::model::task::{DESCRIPTION, LABELS, PARENT, STATUS, TITLE};
use crate::model::{Condition, Patch, Shape, State, Value};
use crate::sync::choose::Choice;
use crate::sync::edits;
use crate::sync::fake::{FakeRemote, Fault};
use crate::sync::report::Cause;
use crate::sync::{Mode, Options, Policy};

/// The same on a server that honours everything and on one that honours nothing.
fn on_both(test: impl Fn(fn() -> FakeRemote)) {
    test(FakeRemote::full);
    test(FakeRemote::plain);
}

#[test]
fn a_server_that_honours_everything_needs_one_request_an_operation() {
    let mut lab = Lab::new(FakeRemote::full(), 2);
    lab.create("new");
    lab.update("DEV-1", [(TITLE, "changed")]);
    lab.run(Options { mode: Mode::Push, ..Options::default() }).expect("pushed");
    let lines = lab.server.lines();
    let of_tasks: Vec<&String> = lines.iter().filter(|line| line.contains("tasks") || line.contains("DEV-")).collect();
    assert_eq!(of_tasks, ["POST tasks", "PATCH DEV-1"]);
}

#[test]
fn a_sync_with_nothing_to_do_changes_nothing() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 5);
        let summary = lab.sync();
        assert_eq!((summary.synced(), summary.failed, summary.waiting), (0, 0, 0));
        assert_eq!(lab.server.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_chain_made_offline_arrives_in_order() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 1);
        let parent = lab.create("parent");
        let child = lab.create("child");
        let row = lab.shown(&child.name).expect("shown");
        let target = lab.shown(&parent.name).expect("shown");
        edits::update(&mut lab.store, &row, None, |_| Ok(Patch::from([(PARENT, Value::Int(target.id))])))
            .expect("queued");
        let (row, target) = (lab.shown(&child.name).expect("shown"), lab.shown("DEV-1").expect("shown"));
        edits::link(&mut lab.store, &row, &target, true).expect("queued");
        let summary = lab.sync();
        assert_eq!((summary.failed, summary.held, lab.waiting().len()), (0, 0, 0));
        let made = lab.server.live(lab.dev);
        let parent = made.iter().find(|row| row.title() == "parent").expect("made");
        let child = made.iter().find(|row| row.title() == "child").expect("made");
        assert_eq!(child.parent_id(), Some(parent.id));
        assert_eq!(lab.server.edges(lab.dev).len(), 1);
        assert_eq!(lab.shown(&child.name).and_then(|row| row.parent_id()), Some(parent.id));
    });
}

#[test]
fn different_fields_merge_and_the_same_field_is_asked_about() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 2);
        lab.update("DEV-1", [(STATUS, "active")]);
        lab.server.edit(lab.dev, "DEV-1", patch([(DESCRIPTION, "theirs")]));
        lab.update("DEV-2", [(TITLE, "mine")]);
        lab.server.edit(lab.dev, "DEV-2", patch([(TITLE, "theirs")]));
        lab.answer(Choice::Local);
        let summary = lab.sync();
        assert_eq!((summary.resolved, summary.waiting), (1, 0));
        assert_eq!(lab.prompter.asked.len(), 1);
        assert_eq!(lab.prompter.asked[0].cause, Cause::Changed);
        let row = lab.server.task(lab.dev, "DEV-1").expect("there");
        assert_eq!((row.status(), row.description()), ("active", Some("theirs")));
        assert_eq!(lab.server.task(lab.dev, "DEV-2").expect("there").title(), "mine");
        let kept = lab.store.discarded().expect("readable");
        assert_eq!(kept.len(), 1, "the overruled version is kept");
    });
}

#[test]
fn a_conflict_waits_in_the_inbox_and_is_settled_without_a_server() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 1);
        lab.update("DEV-1", [(TITLE, "mine")]);
        lab.server.edit(lab.dev, "DEV-1", patch([(TITLE, "theirs")]));
        assert_eq!(lab.sync().waiting, 1);
        assert_eq!(lab.server.writes(), Vec::<String>::new());
        let conflicts = lab.store.conflicts().expect("readable");
        let wanted = vec![(conflicts[0].kind, conflicts[0].id)];
        let options = Options { mode: Mode::Resolve(wanted), policy: Policy::Local, ..Options::default() };
        assert_eq!(lab.run(options).expect("resolved").resolved, 1);
        assert_eq!(lab.store.conflicts().expect("readable").len(), 0);
        lab.sync();
        assert_eq!((lab.count("mine"), lab.waiting().len(), lab.prompter.asked.len()), (1, 0, 1));
    });
}

#[test]
fn stop_takes_the_decisions_back() {
    let mut lab = Lab::new(FakeRemote::full(), 2);
    for name in ["DEV-1", "DEV-2"] {
        lab.update(name, [(TITLE, "mine")]);
        lab.server.edit(lab.dev, name, patch([(TITLE, "theirs")]));
    }
    lab.answer(Choice::Remote);
    lab.answer(Choice::Stop);
    assert!(lab.run(Options::default()).is_err());
    assert_eq!(lab.waiting().len(), 2);
    assert_eq!(lab.title("DEV-1"), "mine");
}

#[test]
fn edited_here_deleted_there() {
    on_both(|server| {
        for (choice, left) in [(Choice::Local, 1), (Choice::Remote, 0)] {
            let mut lab = Lab::new(server(), 2);
            lab.update("DEV-1", [(TITLE, "mine")]);
            lab.server.delete(lab.dev, "DEV-1");
            lab.answer(choice);
            lab.sync();
            assert_eq!(lab.prompter.asked[0].cause, Cause::DeletedThere);
            assert_eq!((lab.count("mine"), lab.waiting().len()), (left, 0));
            assert!(lab.shown("DEV-1").is_none());
            // A second sync finds nothing to do.
            assert_eq!(lab.sync().synced(), 0);
        }
    });
}

#[test]
fn deleted_here_edited_there() {
    on_both(|server| {
        for (choice, left) in [(Choice::Local, 0), (Choice::Remote, 1)] {
            let mut lab = Lab::new(server(), 2);
            lab.delete("DEV-1");
            lab.server.edit(lab.dev, "DEV-1", patch([(TITLE, "theirs")]));
            lab.answer(choice);
            lab.sync();
            assert_eq!(lab.prompter.asked[0].cause, Cause::DeletedHere);
            assert_eq!((lab.count("theirs"), lab.waiting().len()), (left, 0));
        }
    });
}

#[test]
fn both_deleted_is_done() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 2);
        lab.delete("DEV-1");
        lab.server.delete(lab.dev, "DEV-1");
        let summary = lab.sync();
        assert_eq!((summary.failed, summary.waiting, lab.waiting().len()), (0, 0, 0));
    });
}

#[test]
fn a_create_that_is_deleted_before_it_was_sent_makes_no_request() {
    let mut lab = Lab::new(FakeRemote::full(), 1);
    let op = lab.create("never");
    lab.delete(&op.name);
    lab.sync();
    assert_eq!(lab.server.writes(), Vec::<String>::new());
    assert!(lab.waiting().is_empty());
}

#[test]
fn what_the_server_rejects_stays_with_its_words_and_what_needs_it_waits() {
    let mut lab = Lab::new(FakeRemote::full(), 1);
    let op = lab.create("bad");
    lab.update(&op.name, [(DESCRIPTION, "more")]);
    lab.create("good");
    lab.server.fail(|call| call.shape == Some(Shape::Create), Fault::Refused(422));
    let summary = lab.sync();
    assert_eq!((summary.pushed, summary.failed, summary.held), (1, 1, 1));
    assert!(matches!(&lab.waiting()[0].state, State::Rejected(message) if message == "scripted"));
    // It is not sent again by itself.
    lab.server.forget_log();
    lab.sync();
    assert_eq!(lab.server.writes(), Vec::<String>::new());
}

#[test]
fn a_lost_answer_to_an_update_is_looked_at() {
    on_both(|server| {
        for fault in [Fault::LostAfter, Fault::LostBefore] {
            let mut lab = Lab::new(server(), 1);
            lab.update("DEV-1", [(TITLE, "mine")]);
            lab.server.fail(|call| call.shape == Some(Shape::Update), fault.clone());
            lab.sync();
            assert_eq!((lab.count("mine"), lab.waiting().len()), (1, 0), "{fault:?}");
            assert_eq!(lab.server.task(lab.dev, "DEV-1").expect("there").version, 2, "{fault:?}: once");
        }
    });
}

#[test]
fn a_lost_answer_to_a_create_makes_one_task() {
    on_both(|server| {
        for fault in [Fault::LostAfter, Fault::LostBefore] {
            let mut lab = Lab::new(server(), 1);
            lab.create("mine");
            lab.server.fail(|call| call.shape == Some(Shape::Create), fault.clone());
            lab.sync();
            lab.advance(std::time::Duration::from_secs(30));
            lab.sync();
            assert_eq!((lab.count("mine"), lab.waiting().len()), (1, 0), "{fault:?}");
        }
    });
}

#[test]
fn a_condition_that_does_not_hold_leaves_nothing_queued() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 1);
        let row = lab.shown("DEV-1").expect("shown");
        let condition = Condition { version: Some(row.version), ..Condition::default() };
        edits::update(&mut lab.store, &row, Some(condition), |_| Ok(patch([(TITLE, "mine")]))).expect("queued");
        lab.server.edit(lab.dev, "DEV-1", patch([(DESCRIPTION, "theirs")]));
        let summary = lab.run(Options { mode: Mode::Push, ..Options::default() }).expect("ran");
        assert_eq!((summary.conditions_failed, lab.waiting().len(), lab.count("mine")), (1, 0, 0));
        assert_eq!(lab.title("DEV-1"), "t 0");
    });
}

#[test]
fn labels_of_both_sides_are_kept() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 1);
        let labels = |words: &[&str]| Value::Set(words.iter().map(ToString::to_string).collect());
        let row = lab.shown("DEV-1").expect("shown");
        edits::update(&mut lab.store, &row, None, |_| Ok(Patch::from([(LABELS, labels(&["mine"]))]))).expect("queued");
        lab.server.edit(lab.dev, "DEV-1", Patch::from([(LABELS, labels(&["theirs"]))]));
        lab.sync();
        assert!(lab.server.task(lab.dev, "DEV-1").expect("there").get(LABELS).same(&labels(&["mine", "theirs"])));
    });
}

#[test]
fn a_dry_run_changes_nothing_on_either_side() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 2);
        lab.create("new");
        lab.update("DEV-1", [(TITLE, "mine")]);
        lab.server.edit(lab.dev, "DEV-1", patch([(TITLE, "theirs")]));
        let summary = lab.run(Options { dry_run: true, ..Options::default() }).expect("ran");
        assert_eq!(summary.would_send.len(), 1);
        assert_eq!(lab.server.writes(), Vec::<String>::new());
        assert_eq!((lab.title("DEV-1").as_str(), lab.waiting().len()), ("mine", 2));
    });
}

#[test]
fn force_sets_the_queue_aside() {
    let mut lab = Lab::new(FakeRemote::full(), 2);
    lab.create("new");
    lab.update("DEV-1", [(TITLE, "mine")]);
    let summary = lab.run(Options { mode: Mode::Force(None), ..Options::default() }).expect("ran");
    assert_eq!(summary.discarded.map(|(_, count)| count), Some(2));
    assert_eq!((lab.title("DEV-1").as_str(), lab.waiting().len()), ("t 0", 0));
    let kept = lab.store.discarded().expect("readable");
    assert!(kept.iter().any(|entry| entry.operations.iter().any(|op| op.set.get(TITLE) == Some(&text("mine")))));
}

/// A home that was put back whole; nothing is wrong with its files.
#[test]
fn a_home_put_back_whole_makes_nothing_twice() {
    on_both(|server| {
        let mut lab = Lab::new(server(), 1);
        lab.create("once");
        let copy = lab.clone_files();
        lab.sync();
        assert_eq!(lab.count("once"), 1);
        lab.put_back(&copy);
        lab.sync();
        assert_eq!(lab.count("once"), 1);
    });
}
