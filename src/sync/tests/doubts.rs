//! What a client cannot know for certain: whether a request arrived, whether a row is gone or elsewhere, whether a server
//! was put back or a replica is behind. Nothing of it may be taken for the easier of the two.

use super::lab::{Lab, text};
use crate::model::task::{DESCRIPTION, PARENT, PHASE, TASK, TITLE};
use crate::model::{Row, Shape, Value};
use crate::sync::fake::{FakeRemote, Fault};
use crate::sync::report::Summary;
use crate::sync::restore::restore;
use crate::sync::{Mode, Options, Policy, edits};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn push(lab: &mut Lab, policy: Policy) -> Summary {
    lab.run(Options { mode: Mode::Push, policy, ..Options::default() }).expect("a push")
}

/// A colleague's move of DEV-3 to another workspace, which no pull has seen.
fn move_away(lab: &Lab) -> i64 {
    let ops = lab.server.workspace("OPS");
    let mut row = lab.server.task(lab.dev, "DEV-3").expect("there");
    (row.workspace_id, row.name, row.version) = (ops, "OPS-1".into(), row.version + 1);
    lab.server.put(row);
    ops
}

/// A 404 by name is no deletion: the row is asked for by its uid.
#[test]
fn a_task_that_was_moved_is_written_where_it_is() {
    let mut lab = Lab::new(FakeRemote::full(), 6);
    let ops = move_away(&lab);
    lab.update("DEV-3", [(TITLE, "mine")]);
    push(&mut lab, Policy::Local);
    assert_eq!((lab.server.titles(ops), lab.count("mine"), lab.waiting().len()), (vec!["mine".into()], 0, 0));
}

#[test]
fn a_task_that_was_moved_is_not_deleted_unasked() {
    let mut lab = Lab::new(FakeRemote::full(), 6);
    let ops = lab.server.workspace("OPS");
    lab.delete("DEV-3");
    let mut row = lab.server.task(lab.dev, "DEV-3").expect("there");
    (row.workspace_id, row.name, row.version) = (ops, "OPS-1".into(), row.version + 1);
    row.set(TITLE, text("rewritten there"));
    lab.server.put(row);
    push(&mut lab, Policy::Skip);
    assert_eq!((lab.server.titles(ops), lab.waiting().len()), (vec!["rewritten there".into()], 1));
}

/// A workspace that is no longer ours answers 404 for all that is in it: nothing in it was deleted.
#[test]
fn a_workspace_that_was_taken_away_deletes_nothing() {
    for mode in [Mode::Sync, Mode::Push] {
        let mut lab = Lab::new(FakeRemote::full(), 2);
        let ops = lab.server.workspace("OPS");
        lab.server.create(ops, "theirs");
        lab.sync();
        let row = lab.store.row_named(&TASK, ops, "OPS-1").expect("readable").expect("pulled");
        edits::update(&mut lab.store, &row, None, |_| Ok([(TITLE, text("mine"))].into())).expect("queued");
        let before = lab.server.backup();
        lab.server.server.borrow_mut().data.workspaces.retain(|workspace| workspace.id != ops);
        lab.server.fail_always(move |call| call.workspace_id == ops, Fault::Gone);
        lab.run(Options { mode: mode.clone(), policy: Policy::Local, ..Options::default() }).expect("a run");
        assert_eq!(lab.waiting().len(), 1, "{mode:?}");
        assert!(lab.reporter.notes().iter().any(|note| note.contains("no longer yours")), "{mode:?}");
        lab.server.restore(&before);
        lab.server.heal();
        lab.sync_with(Policy::Local);
        assert_eq!((lab.server.titles(ops), lab.waiting().len()), (vec!["mine".into()], 0), "{mode:?}");
    }
}

/// The server was put back to before an edit of ours that no pull has seen: the daily listing is not waited for.
#[test]
fn an_own_edit_that_a_backup_lost_is_noticed_and_comes_back_as_an_edit() {
    for server in [FakeRemote::full(), FakeRemote::plain()] {
        let mut lab = Lab::new(server, 3);
        lab.advance(HOUR);
        lab.server.edit(lab.dev, "DEV-3", [(TITLE, text("newer"))]);
        lab.sync();
        let backup = lab.server.backup();
        lab.update("DEV-1", [(DESCRIPTION, "a day of work")]);
        lab.sync();
        lab.server.restore(&backup);
        lab.advance(HOUR);
        lab.sync();
        assert_eq!(lab.shown("DEV-1").expect("shown").text(DESCRIPTION), None);
        let kept = lab.store.discarded().expect("readable");
        let [operation] = &kept[0].operations[..] else { panic!("{kept:?}") };
        assert_eq!((operation.shape, operation.set.len()), (Shape::Update, 1), "the row is there: it is no create");
        restore(&mut lab.store, &kept[0]).expect("restored");
        lab.sync();
        assert_eq!(lab.server.task(lab.dev, "DEV-1").expect("there").text(DESCRIPTION), Some("a day of work"));
        assert_eq!(lab.count("t 0"), 1);
    }
}

/// A replica that is behind shows a lower count of tasks for a moment; a backup goes on doing so.
#[test]
fn a_count_that_falls_for_a_moment_is_no_backup() {
    let mut lab = Lab::new(FakeRemote::plain(), 3);
    let behind = lab.server.backup();
    lab.create("X");
    lab.sync();
    lab.sync();
    let ahead = lab.server.backup();
    lab.server.restore(&behind);
    lab.sync();
    assert_eq!(lab.title("DEV-4"), "X", "an older read removed it");
    assert_eq!(lab.store.discarded().expect("readable").len(), 0);
    lab.server.restore(&ahead);
    lab.sync();
    assert_eq!(lab.title("DEV-4"), "X");
    lab.server.restore(&behind);
    lab.advance(HOUR);
    lab.sync();
    assert!(lab.shown("DEV-4").is_none());
    assert_eq!(lab.store.discarded().expect("readable").len(), 1, "what the backup lost is kept");
}

/// A note whose answer was lost, and below which a colleague has written since.
#[test]
fn a_note_that_arrived_is_not_added_again() {
    for theirs in ["l1\nl2\nMINE\nTHEIRS\n", "l0\nl1\nl2\nMINE\nTHEIRS\n"] {
        let mut lab = Lab::new(FakeRemote::full(), 1);
        lab.server.edit(lab.dev, "DEV-1", [(DESCRIPTION, text("l1\nl2\n"))]);
        lab.sync();
        lab.update("DEV-1", [(DESCRIPTION, "l1\nl2\nMINE\n")]);
        lab.server.fail(|call| call.shape == Some(Shape::Update), Fault::LostAfter);
        lab.server.fail_always(|call| call.name == "DEV-1", Fault::OutOfReach);
        let _ = lab.run(Options::default());
        lab.server.heal();
        lab.server.edit(lab.dev, "DEV-1", [(DESCRIPTION, text(theirs))]);
        lab.sync();
        let found = lab.server.task(lab.dev, "DEV-1").expect("there");
        assert_eq!((found.text(DESCRIPTION), lab.waiting().len()), (Some(theirs), 0));
    }
}

/// The delete arrived, its answer did not, and a colleague has brought the row back.
#[test]
fn a_delete_that_was_undone_is_asked_about() {
    let mut lab = Lab::new(FakeRemote::full(), 2);
    lab.delete("DEV-1");
    lab.server.fail(|call| call.shape == Some(Shape::Delete), Fault::LostAfter);
    let cut = Rc::new(Cell::new(false));
    let cuts = Rc::clone(&cut);
    lab.server.before(|call| call.shape == Some(Shape::Delete), move |_| cuts.set(true));
    lab.server.fail_always(move |call| call.name == "DEV-1" && cut.get(), Fault::OutOfReach);
    let _ = lab.run(Options::default());
    lab.server.heal();
    let dead = lab.server.server.borrow().tasks(lab.dev, Duration::ZERO)[0].clone();
    assert!(!dead.is_live(), "it arrived");
    lab.server.put(Row { deleted_at: None, version: dead.version + 1, ..dead });
    lab.sync_with(Policy::Skip);
    assert_eq!((lab.count("t 0"), lab.waiting().len()), (1, 1));
    // Whoever answers the question decides.
    lab.sync_with(Policy::Local);
    assert_eq!((lab.count("t 0"), lab.waiting().len()), (0, 0));
}

/// A task that a colleague deleted is made again: what names it, made here meanwhile, means the new one.
#[test]
fn what_names_a_task_that_is_made_again_follows_it() {
    for in_two_syncs in [false, true] {
        let mut lab = Lab::new(FakeRemote::full(), 2);
        let parent = lab.shown("DEV-1").expect("there");
        lab.update("DEV-1", [(DESCRIPTION, "typed")]);
        let kid = lab.create("kid");
        let kid = lab.store.row_named(&TASK, lab.dev, &kid.name).expect("readable").expect("shown");
        edits::update(&mut lab.store, &kid, None, |_| Ok([(PARENT, Value::Int(parent.id))].into())).expect("queued");
        let two = lab.shown("DEV-2").expect("there");
        edits::link(&mut lab.store, &two, &parent, true).expect("queued");
        lab.server.delete(lab.dev, "DEV-1");
        if in_two_syncs {
            lab.sync_with(Policy::Skip);
        }
        lab.sync_with(Policy::Local);
        lab.sync();
        let rows = lab.server.live(lab.dev);
        let again = rows.iter().find(|row| row.title() == "t 0").expect("made again");
        let kid = rows.iter().find(|row| row.title() == "kid").expect("made");
        assert_eq!((kid.int(PARENT), lab.waiting().len()), (Some(again.id), 0), "{in_two_syncs}");
        assert_eq!(lab.server.edges(lab.dev)[0].depends_on, again.name);
    }
}

/// Blanks at line ends are Markdown: an update that changes nothing else is sent.
#[test]
fn a_change_of_blanks_alone_is_sent() {
    let mut lab = Lab::new(FakeRemote::full(), 1);
    lab.server.edit(lab.dev, "DEV-1", [(DESCRIPTION, text("a\nb"))]);
    lab.sync();
    lab.update("DEV-1", [(DESCRIPTION, "a  \nb")]);
    lab.sync();
    let found = lab.server.task(lab.dev, "DEV-1").expect("there");
    assert_eq!((found.text(DESCRIPTION), lab.waiting().len()), (Some("a  \nb"), 0));
    // Where the server writes texts in its own way, it is not sent for ever.
    lab.server.behave(|behaviour| behaviour.crlf = true);
    lab.update("DEV-1", [(DESCRIPTION, "a\nb  ")]);
    lab.sync();
    lab.server.forget_log();
    lab.sync();
    assert_eq!((lab.server.writes().len(), lab.waiting().len()), (0, 0));
}

/// What an interrupted pull has staged before the server was put back is not gone on with.
#[test]
fn what_was_staged_before_a_backup_came_back_is_forgotten() {
    for (server, again) in
        [(FakeRemote::full(), 1), (FakeRemote::plain(), 1), (FakeRemote::full(), 2), (FakeRemote::plain(), 2)]
    {
        let mut lab = Lab::new(server, 3);
        lab.advance(HOUR);
        let backup = lab.server.backup();
        lab.server.edit(lab.dev, "DEV-1", [(TITLE, text("newer"))]);
        lab.server.create(lab.dev, "made later");
        lab.server.create(lab.dev, "made last");
        lab.server.fail(|call| call.line.contains("dependencies"), Fault::Malformed);
        lab.run(Options::default()).expect_err("an interrupted pull");
        // The counter is higher than the cache's all the same, and the ids that were staged may be there again.
        lab.server.restore(&backup);
        lab.advance(HOUR);
        (0..again).for_each(|_| drop(lab.server.create(lab.dev, "made on the backup")));
        lab.sync();
        let titles: Vec<String> = (1..=5).map(|number| lab.title(&format!("DEV-{number}"))).collect();
        let made = ["made on the backup", if again == 2 { "made on the backup" } else { "" }];
        assert_eq!(titles, ["t 0", "t 1", "t 2", made[0], made[1]]);
    }
}

/// The row by which a pull tells that a server was put back was staged before that by an interrupted one.
#[test]
fn a_row_staged_before_a_backup_came_back_hides_nothing() {
    for server in [FakeRemote::full(), FakeRemote::plain()] {
        let mut lab = Lab::new(server, 3);
        let backup = lab.server.backup();
        lab.advance(HOUR);
        lab.server.edit(lab.dev, "DEV-1", [(DESCRIPTION, text("a day of work"))]);
        lab.server.edit(lab.dev, "DEV-3", [(TITLE, text("newest"))]);
        lab.sync();
        lab.server.edit(lab.dev, "DEV-3", [(TITLE, text("newer still"))]);
        lab.server.fail(|call| call.line.contains("dependencies"), Fault::Malformed);
        lab.run(Options::default()).expect_err("an interrupted pull");
        lab.server.restore(&backup);
        lab.advance(HOUR);
        lab.server.create(lab.dev, "made on the backup");
        lab.sync();
        assert_eq!([lab.title("DEV-3"), lab.title("DEV-4")], ["t 2", "made on the backup"]);
        let kept = lab.store.discarded().expect("readable");
        let texts =
            kept.iter().flat_map(|entry| &entry.operations).filter_map(|operation| operation.set.get(DESCRIPTION));
        assert!(texts.into_iter().any(|kept| *kept == text("a day of work")), "{kept:?}");
    }
}

/// Others write on what a server was put back to, before this client meets it: the version is higher, and a note is gone.
#[test]
fn what_a_backup_lost_below_newer_edits_is_kept() {
    let mut lab = Lab::new(FakeRemote::full(), 2);
    let backup = lab.server.backup();
    lab.update("DEV-1", [(DESCRIPTION, "a day of work")]);
    lab.create("counts");
    lab.sync();
    lab.sync();
    lab.server.restore(&backup);
    lab.advance(HOUR);
    for title in ["one", "two", "three"] {
        lab.server.edit(lab.dev, "DEV-1", [(TITLE, text(title))]);
    }
    lab.sync();
    let kept = lab.store.discarded().expect("readable");
    let texts = kept.iter().flat_map(|entry| &entry.operations).filter_map(|operation| operation.set.get(DESCRIPTION));
    assert!(texts.into_iter().any(|kept| *kept == text("a day of work")), "{kept:?}");
}

/// A create is given the id of a row that the server has lost with its backup, moments after it was made, and is then lost by
/// another one: neither is given up in silence.
#[test]
fn what_two_backups_lost_of_one_id_is_kept() {
    for server in [FakeRemote::full(), FakeRemote::plain()] {
        let mut lab = Lab::new(server, 1);
        let backup = lab.server.backup();
        lab.create("first");
        lab.sync();
        lab.update("DEV-2", [(TITLE, "first, edited")]);
        lab.sync();
        lab.server.restore(&backup);
        let operation = lab.create("second");
        lab.write(&operation);
        assert_eq!(lab.title("DEV-2"), "second", "what was made is shown");
        lab.server.restore(&backup);
        lab.server.create(lab.dev, "theirs");
        lab.server.create(lab.dev, "theirs too");
        lab.advance(HOUR);
        lab.sync();
        assert_eq!(lab.title("DEV-2"), "theirs");
        let kept = lab.store.discarded().expect("readable");
        let mut titles: Vec<&str> = kept.iter().filter_map(|kept| Some(kept.row.as_ref()?.title())).collect();
        titles.sort();
        assert_eq!(titles, ["first, edited", "second"]);
    }
}

/// A change that may have arrived and is not there, and a later one of the same field behind it, are decided about together:
/// what is kept is the later one.
#[test]
fn what_is_kept_of_a_change_in_doubt_is_the_latest() {
    for policy in [Policy::Local, Policy::Remote] {
        let mut lab = Lab::new(FakeRemote::plain(), 1);
        let before = lab.clone_files();
        lab.update("DEV-1", [(DESCRIPTION, "a note")]);
        lab.update("DEV-1", [(TITLE, "first")]);
        // What waits in queue.jsonl alone may have been sent.
        lab.put_back_cache(&before);
        lab.update("DEV-1", [(TITLE, "second")]);
        lab.server.edit(lab.dev, "DEV-1", [(PHASE, text("theirs"))]);
        lab.sync_with(policy);
        let shown = lab.server.task(lab.dev, "DEV-1").expect("there");
        let kept = format!("{:?}", lab.store.discarded().expect("readable"));
        let is_ours = policy == Policy::Local;
        assert_eq!(shown.text(TITLE), Some(if is_ours { "second" } else { "t 0" }), "{kept}");
        assert!(is_ours || kept.contains("second"), "{kept}");
    }
}
