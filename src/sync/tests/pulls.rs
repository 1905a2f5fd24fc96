//! What a pull asks for, what it believes, and how it goes on after it was interrupted.

use super::lab::Lab;
use crate::error::Error;
use crate::model::task::{LABELS, TASK, TITLE};
use crate::model::{Row, Value};
use crate::store::Store;
use crate::sync::Options;
use crate::sync::fake::{FakeRemote, Fault};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const SERVERS: [fn() -> FakeRemote; 2] = [FakeRemote::full, FakeRemote::plain];

fn cached(store: &Store, workspace_id: i64) -> i64 {
    store.count_server_rows(&TASK, workspace_id).expect("readable")
}

/// Answers 429 after so many requests, until `next` is called.
struct Allowance {
    most: usize,
    used: Rc<Cell<usize>>,
}

impl Allowance {
    fn of(lab: &Lab, most: usize) -> Allowance {
        let used = Rc::new(Cell::new(0));
        let count = used.clone();
        let over = move |_: &crate::sync::fake::Call| {
            count.set(count.get() + 1);
            count.get() > most
        };
        lab.server.fail_always(over, Fault::Limited(Duration::from_secs(60)));
        Allowance { most, used }
    }

    /// Syncs until nothing stops it; how many runs that took.
    fn syncs(&self, lab: &mut Lab) -> usize {
        for run in 1..50 {
            self.used.set(0);
            lab.advance(Duration::from_secs(70));
            match lab.run(Options::default()) {
                Ok(summary) if summary.stopped.is_none() => return run,
                Ok(_) | Err(Error::Wait { .. }) => {}
                Err(other) => panic!("{other}"),
            }
            assert!(self.used.get() <= self.most + 2, "{} requests in one run", self.used.get());
        }
        panic!("no progress");
    }
}

/// Fault "no progress under a limit": what was staged is gone on with.
#[test]
fn a_rate_limit_only_takes_longer() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 0);
        for number in 0..1_500 {
            lab.server.create(lab.dev, &format!("t {number}"));
        }
        let allowance = Allowance::of(&lab, 12);
        let runs = allowance.syncs(&mut lab);
        assert!((2..=5).contains(&runs), "{runs} runs");
        assert_eq!(cached(&lab.store, lab.dev), 1_500);
    }
}

/// What changed on both sides between two runs of one listing.
#[test]
fn a_walk_in_pieces_sees_what_changed_meanwhile() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 3);
        for number in 0..900 {
            lab.server.create(lab.dev, &format!("u {number}"));
        }
        let allowance = Allowance::of(&lab, 9);
        assert!(lab.run(Options::default()).is_err());
        // A row that is staged already is edited, another deleted, one is made.
        lab.server.edit(lab.dev, "DEV-5", super::lab::patch([(TITLE, "edited")]));
        lab.server.delete(lab.dev, "DEV-6");
        lab.server.create(lab.dev, "late");
        allowance.syncs(&mut lab);
        lab.server.heal();
        lab.sync();
        assert_eq!(lab.title("DEV-5"), "edited");
        assert_eq!(lab.title("DEV-904"), "late");
        assert!(lab.shown("DEV-6").is_none());
        assert_eq!(cached(&lab.store, lab.dev), 903);
    }
}

/// Workspaces that were read whole are applied; the next run begins with the one that was not.
#[test]
fn many_workspaces_behind_a_rate_limit_arrive() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 1);
        let others: Vec<i64> = ["A", "B", "C", "D", "E"].map(|name| lab.server.workspace(name)).to_vec();
        for other in &others {
            lab.server.create(*other, "x");
        }
        let allowance = Allowance::of(&lab, 14);
        for _ in 0..8 {
            allowance.used.set(0);
            lab.advance(Duration::from_secs(70));
            let _ = lab.run(Options::default());
        }
        assert!(others.iter().all(|other| cached(&lab.store, *other) == 1));
    }
}

/// A workspace that says that nothing has changed is not asked.
#[test]
fn nothing_to_do_costs_two_requests() {
    let mut lab = Lab::new(FakeRemote::full(), 5);
    let state = |lab: &Lab, word: &str| lab.server.server.borrow_mut().data.workspaces[0].state = Some(word.into());
    state(&lab, "1");
    lab.sync();
    lab.server.forget_log();
    lab.sync();
    assert_eq!(lab.server.lines(), ["GET auth", "GET workspaces"]);
    lab.server.edit(lab.dev, "DEV-1", super::lab::patch([(TITLE, "theirs")]));
    state(&lab, "2");
    lab.sync();
    assert_eq!(lab.title("DEV-1"), "theirs");
}

/// Whichever of the two workspaces is listed first.
#[test]
fn a_moved_row_is_not_a_deleted_one() {
    for server in SERVERS {
        for to_the_second in [true, false] {
            let mut lab = Lab::new(server(), 4);
            let ops = lab.server.workspace("OPS");
            lab.server.create(ops, "o");
            lab.sync();
            let (from, to, name) = if to_the_second { (lab.dev, ops, "DEV-2") } else { (ops, lab.dev, "OPS-1") };
            let row = lab.server.task(from, name).expect("there");
            let moved = Row { workspace_id: to, name: "NEW-9".into(), version: row.version + 1, ..row.clone() };
            let updated_at = lab.server.server.borrow().now.rfc3339();
            lab.server.put(Row { updated_at, ..moved });
            let summary = lab.sync();
            assert_eq!(summary.pulled.deleted, 0);
            let shown = lab.store.row(&TASK, row.id).expect("readable").expect("still here");
            assert_eq!((shown.name.as_str(), shown.workspace_id), ("NEW-9", to));
        }
    }
}

/// O10: the row is named, the others and the push go on, and what is cached of it stays.
#[test]
fn a_row_that_cannot_be_read_costs_that_row() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 4);
        let row = lab.server.edit(lab.dev, "DEV-2", super::lab::patch([(TITLE, "broken")]));
        lab.server.behave(|behaviour| behaviour.broken.extend([row.id]));
        lab.server.edit(lab.dev, "DEV-3", super::lab::patch([(TITLE, "theirs")]));
        lab.create("mine");
        for _ in 0..2 {
            let summary = lab.sync();
            assert_eq!(summary.unreadable, ["DEV-2 is broken"]);
            assert_eq!((summary.failed, summary.pulled.deleted), (0, 0));
            lab.advance(Duration::from_secs(90_000));
        }
        assert_eq!((lab.title("DEV-2").as_str(), lab.title("DEV-3").as_str()), ("t 1", "theirs"));
        assert_eq!(lab.count("mine"), 1);
        assert!(lab.reporter.notes().iter().any(|note| note.contains("DEV-2")));
    }
}

/// Fault "counts for identities": a row that lists leave out and a deletion make the numbers equal.
#[test]
fn rows_that_no_list_has_are_known_one_by_one() {
    let mut lab = Lab::new(FakeRemote::plain(), 6);
    let archived = lab.server.task(lab.dev, "DEV-2").expect("there");
    lab.server.behave(|behaviour| behaviour.unlisted.extend([archived.id]));
    lab.sync();
    assert_eq!(cached(&lab.store, lab.dev), 6, "it is there, though no list has it");
    lab.server.forget_log();
    lab.sync();
    assert!(!lab.server.lines().iter().any(|line| line == "GET DEV-2"), "and is not asked for again");
    // It comes back to the lists while another goes.
    lab.server.behave(|behaviour| behaviour.unlisted.clear());
    lab.server.edit(lab.dev, "DEV-2", super::lab::patch([(TITLE, "back")]));
    lab.server.delete(lab.dev, "DEV-5");
    lab.sync();
    assert!(lab.shown("DEV-5").is_none());
    assert_eq!((lab.title("DEV-2").as_str(), cached(&lab.store, lab.dev)), ("back", 5));
}

/// O5, O8: a server that was put back and whose counters were mended by hand.
#[test]
fn a_lower_version_tells_of_a_backup() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 12);
        let mut backup = lab.server.backup();
        lab.server.edit(lab.dev, "DEV-1", super::lab::patch([(TITLE, "rewritten")]));
        lab.server.create(lab.dev, "new");
        lab.sync();
        backup.workspaces[0].task_counter = Some(50);
        lab.server.restore(&backup);
        lab.advance(Duration::from_secs(3_600));
        lab.sync();
        let kept = lab.store.discarded().expect("readable");
        let titles: Vec<&str> = kept.iter().filter_map(|entry| entry.row.as_ref()).map(Row::title).collect();
        assert!(titles.contains(&"rewritten") && titles.contains(&"new"), "{titles:?}");
        assert_eq!((lab.title("DEV-1").as_str(), cached(&lab.store, lab.dev)), ("t 0", 12));
        // Once.
        lab.advance(Duration::from_secs(3_600));
        lab.sync();
        assert_eq!(lab.store.discarded().expect("readable").len(), kept.len());
    }
}

/// Fault "a stamp believed": the daily listing compares content.
#[test]
fn what_changed_without_a_version_is_seen_within_a_day() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 3);
        let mut row = lab.server.task(lab.dev, "DEV-2").expect("there");
        row.set(LABELS, Value::Set(vec!["renamed".into()]));
        lab.server.put(row);
        lab.advance(Duration::from_secs(90_000));
        lab.sync();
        assert_eq!(lab.shown("DEV-2").expect("shown").labels(), ["renamed"]);
    }
}

#[test]
fn a_page_that_is_too_long_is_halved() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 0);
        for number in 0..60 {
            lab.server.create(lab.dev, &format!("t {number}"));
        }
        let long = |call: &crate::sync::fake::Call| call.query.as_ref().is_some_and(|query| query.limit > 20);
        lab.server.fail_always(long, Fault::TooLarge);
        lab.sync();
        assert_eq!(cached(&lab.store, lab.dev), 60);
        // The size that was found is kept for the pages that follow.
        let limits: Vec<u32> =
            lab.server.log.borrow().iter().filter_map(|call| call.query.as_ref().map(|query| query.limit)).collect();
        assert_eq!(limits[..3], [100, 50, 25]);
        assert!(limits[3..].iter().all(|limit| [12, 1].contains(limit)), "{limits:?}");
    }
}

/// A row that makes even a page of one too long is left out.
#[test]
fn a_row_that_is_too_long_costs_that_row() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 0);
        for number in 0..6 {
            lab.server.create(lab.dev, &format!("t {number}"));
        }
        let long = lab.server.task(lab.dev, "DEV-3").expect("there");
        lab.server.behave(|behaviour| behaviour.too_long.extend([long.id]));
        lab.create("mine");
        let summary = lab.sync();
        assert_eq!((summary.unreadable.len(), summary.failed, lab.count("mine")), (1, 0, 1));
        assert_eq!(cached(&lab.store, lab.dev), 6);
        assert!(lab.shown("DEV-3").is_none());
    }
}

#[test]
fn a_workspace_that_is_not_ours_is_left_out() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 2);
        let ops = lab.server.workspace("OPS");
        lab.server.create(ops, "o");
        lab.server.behave(|behaviour| behaviour.forbidden.extend([ops]));
        lab.server.edit(lab.dev, "DEV-1", super::lab::patch([(TITLE, "theirs")]));
        let summary = lab.sync();
        assert!(matches!(summary.stopped, Some(Error::SignIn { .. })));
        assert_eq!(lab.title("DEV-1"), "theirs");
    }
}

/// A list that has lost most of a workspace is not believed.
#[test]
fn mass_deletions_are_asked_about() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 30);
        let names: Vec<String> = (1..=25).map(|number| format!("DEV-{number}")).collect();
        let dead = "2026-01-01T00:00:00Z";
        for name in &names {
            // Gone without a tombstone.
            let row = lab.server.task(lab.dev, name).expect("there");
            lab.server.put(Row { workspace_id: 999, deleted_at: Some(dead.into()), ..row });
        }
        lab.advance(Duration::from_secs(90_000));
        assert!(lab.run(Options::default()).is_err());
        assert_eq!(cached(&lab.store, lab.dev), 30);
        lab.run(Options { accept_deletes: true, ..Options::default() }).expect("agreed to");
        assert_eq!(cached(&lab.store, lab.dev), 5);
    }
}

/// Values of rows that are staged and those of the cache are told apart by what the server answered last.
#[test]
fn an_answer_outranks_what_was_staged_before_it() {
    for server in SERVERS {
        let mut lab = Lab::new(server(), 400);
        for number in 0..600 {
            lab.server.create(lab.dev, &format!("u {number}"));
        }
        let allowance = Allowance::of(&lab, 9);
        assert!(lab.run(Options::default()).is_err());
        lab.server.heal();
        // A command's own write of a row that an interrupted pull has staged.
        let op = lab.update("DEV-3", [(TITLE, "mine")]);
        lab.write(&op);
        drop(allowance);
        lab.sync();
        assert_eq!((lab.title("DEV-3").as_str(), lab.count("mine")), ("mine", 1));
        assert_eq!(lab.store.discarded().expect("readable").len(), 0);
        assert_eq!(cached(&lab.store, lab.dev), 1_000);
    }
}
