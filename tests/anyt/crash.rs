//! The crash matrix (issue 3): the client is killed at every write of queue.jsonl, request, answer, statement group and
//! commit that it has, run again, and both sides must be as if nothing had happened (P1, P2, P3).
//!
//! Nothing lists the places by hand: an uninterrupted run of each scenario is traced, and every place it passed, each
//! time it passed it, is one case (`stage`). Each case is run on a server that honours `Idempotency-Key` and on one that
//! does not, with the cache kept and with `~/.cache` wiped after the kill. Every write is also killed while the server
//! has carried it out and its answer is under way.
//!
//! To see it fail, remove one of these lines:
//! * P1, in `store/spare.rs`, `write`: `file.write_all(text.as_bytes())`, and what waits is not what
//!   queue.jsonl has.
//! * P2, in `sync/send.rs`, `send`: `self.write_down(..)`, and the next run does not know what was sent.
//! * P3, in `store/open.rs`, `locked`: the transaction; `store::tests::kills` sees half of an end.
//!
//! `ANYT_CRASH=TEXT` runs only the cases whose name, as a failure prints it, contains TEXT.

mod picture;
mod scenarios;
mod stage;

use crate::common;
use scenarios::Scenario;
use stage::Stage;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a worker found: cases per scenario, and what went wrong.
#[derive(Default)]
struct Tally {
    cases: BTreeMap<&'static str, usize>,
    /// The case's name and what was seen.
    failures: Vec<(String, String)>,
}

/// A scenario on one kind of server. The cases of one unit share a server and are run one after the other.
type Unit = (&'static Scenario, bool);

#[test]
fn killed_anywhere_the_next_run_ends_where_the_uninterrupted_one_did() {
    let only = std::env::var("ANYT_CRASH").unwrap_or_default();
    let units: Vec<Unit> = scenarios::ALL.iter().flat_map(|scenario| [(scenario, true), (scenario, false)]).collect();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    // A case waits for processes most of its time.
    let workers = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                common::tempdir::in_memory();
                while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run_unit(*unit, &only, &tally);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no worker panics");
    for (name, cases) in &tally.cases {
        println!("{cases:5} {name}");
    }
    let total: usize = tally.cases.values().sum();
    println!("{total:5} crashes in all, {} not survived", tally.failures.len());
    for (name, _) in &tally.failures {
        println!("not survived: {name}");
    }
    let shown = tally.failures.iter().take(5).map(|(name, why)| format!("{name}: {why}\n")).collect::<String>();
    assert!(tally.failures.is_empty(), "{} of {total} cases failed\n{shown}", tally.failures.len());
    assert!(!only.is_empty() || total > 500, "the places to crash at were not found: {total}");
}

fn run_unit((scenario, keys): Unit, only: &str, tally: &Mutex<Tally>) {
    let fail = |name: &str, why: String| {
        tally.lock().expect("no worker panics holding it").failures.push((name.to_string(), why));
    };
    let unit = format!("{} / {}", scenario.name, if keys { "keys" } else { "no keys" });
    let prepared = caught(|| {
        let mut stage = Stage::new(scenario, keys);
        let cases = stage.rehearse();
        (stage, cases)
    });
    let (mut stage, cases) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return fail(&unit, why),
    };
    for case in cases {
        let name = format!("{unit} / {case}");
        if !name.contains(only) {
            continue;
        }
        *tally.lock().expect("no worker panics holding it").cases.entry(scenario.name).or_default() += 1;
        if let Err(why) = caught(|| stage.play(&case)) {
            fail(&name, why);
        }
    }
}

/// Runs something that fails by panicking.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}
