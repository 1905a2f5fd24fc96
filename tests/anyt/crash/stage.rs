//! One scenario on one kind of server: prepared once, rehearsed once to find where it can be killed and what it leads
//! to, then played from the same beginning for every case.

use super::picture::Picture;
use super::scenarios::Scenario;
use crate::common::faults::{Gate, What, When};
use crate::common::server::Database;
use crate::common::{ALICE, Exit, Proxy, Run, Sandbox, Server};
use std::collections::BTreeMap;
use std::fmt;

/// Where the client dies.
#[derive(Debug, Clone, PartialEq)]
pub enum Death {
    /// It lives: what it said it did must outlive a wiped cache.
    None,
    /// At the n-th passing of a failpoint, from 1.
    At { point: String, nth: usize },
    /// While the answer to its n-th write, from 0, is under way: the server has carried it out.
    InFlight(usize),
}

/// Where both sides must end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// Where the uninterrupted run ended.
    Done,
    /// Where they would be had the command never been typed.
    Untouched,
}

pub struct Case {
    death: Death,
    /// `~/.cache` is removed after the death.
    wiped: bool,
    end: End,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.death {
            Death::None => f.write_str("not killed")?,
            Death::At { point, nth } => write!(f, "{point}:{nth}")?,
            Death::InFlight(n) => write!(f, "write {n} in flight")?,
        }
        f.write_str(if self.wiped { " / wiped" } else { " / kept" })
    }
}

pub struct Stage {
    scenario: &'static Scenario,
    server: Server,
    proxy: Proxy,
    database: Database,
    prepared: Sandbox,
    /// The server honours `Idempotency-Key`.
    keys: bool,
    done: Picture,
    untouched: Picture,
    /// The cache before and after a command that changes it in one transaction.
    whole: Option<[Picture; 2]>,
}

impl Stage {
    /// Four tasks, one dependency, a person who has synced them, and what the scenario adds.
    pub fn new(scenario: &'static Scenario, keys: bool) -> Stage {
        let armed = cfg!(feature = "failpoints");
        assert!(armed, "these tests need: cargo test --features server,failpoints");
        let mut server = Server::start();
        let bob = server.bob();
        for title in ["One", "Two", "Three", "Four"] {
            bob.add_task(title);
        }
        let edge = crate::common::json::parse(r#"{"depends_on":"DEV-3"}"#);
        assert_eq!(bob.post(&(bob.tasks("DEV-4") + "/dependencies"), &edge).0, 201);
        let proxy = Proxy::before(&server);
        if !keys {
            proxy.hide_idempotency();
        }
        let prepared = Sandbox::new();
        prepared.sign_in_at(&proxy.url(), ALICE);
        // So long may a create that was sent by a killed run still arrive, and the next one waits for it.
        prepared.set_env("ANYT_TIMEOUT", "2");
        // Nothing is on its way any more when the killed run is looked at.
        prepared.set_env("ANYT_TEST_SETTLE_MS", "0");
        prepared.anyt(&["sync"]).ok();
        (scenario.prepare)(&prepared, &server);
        let database = server.remember();
        let (done, untouched) = (Picture::default(), Picture::default());
        Stage { scenario, server, proxy, database, prepared, keys, done, untouched, whole: None }
    }

    /// Both sides as they were when everything was prepared.
    fn again(&mut self) -> Sandbox {
        self.proxy.reset();
        self.server.go_back(&self.database);
        self.prepared.twin()
    }

    /// Plays it uninterrupted, remembers where that leads, and gives a case for every place it passed.
    pub fn rehearse(&mut self) -> Vec<Case> {
        let sandbox = self.again();
        let story = self.heal(&sandbox, "without the command".into());
        self.untouched = self.look(&sandbox, &story);
        let sandbox = self.again();
        let trace = sandbox.path("trace");
        let act = sandbox.anyt(self.scenario.act).env("ANYT_FAILPOINT_TRACE", &trace.to_string_lossy());
        act.run().code(self.scenario.code);
        let after = Picture::of_cache(&sandbox);
        let writes = self.proxy.writes().len();
        let story = self.heal(&sandbox, "uninterrupted".into());
        let keyed = self.proxy.writes().iter().any(|write| write.header("Idempotency-Key").is_some());
        self.done = self.look(&sandbox, &story);
        // Without a key in any request the two kinds of server are one.
        if !self.keys && !keyed {
            return Vec::new();
        }
        let trace = std::fs::read_to_string(trace).expect("an uninterrupted run passes failpoints");
        let trace: Vec<&str> = trace.lines().collect();
        let is_commit = |point: &&&str| ["store.change.committed", "store.end.committed"].contains(*point);
        // One that was wiped has no picture from before.
        if trace.iter().filter(is_commit).count() == 1 && self.prepared.cache_db().exists() {
            self.whole = Some([Picture::of_cache(&self.prepared), after]);
        }
        self.cases(&trace, writes)
    }

    fn cases(&self, trace: &[&str], writes: usize) -> Vec<Case> {
        let first = |name: &str| trace.iter().position(|passed| *passed == name).unwrap_or(trace.len());
        let (appended, committed) = (first("store.spare.appended"), first("store.change.committed"));
        // What the cache knows as dropped is not taken from queue.jsonl alone.
        let confirmed = if self.scenario.puts_back { committed } else { appended.min(committed) };
        let written = appended.min(first("store.spare.rewritten"));
        let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
        let mut cases = Vec::new();
        for (index, point) in trace.iter().enumerate() {
            let nth = passed.entry(point).or_default();
            *nth += 1;
            // Two deaths between which only the cache changed are one when the cache is wiped.
            let outside = ["store.spare.", "push.", "store.discarded."].iter().any(|place| point.starts_with(place));
            for wiped in [false, true].into_iter().filter(|wiped| !wiped || outside) {
                // A command that dies before it has queued anything has done nothing, and said nothing.
                let begun = index >= if wiped { written } else { confirmed };
                let end = if self.scenario.queues && !begun { End::Untouched } else { End::Done };
                cases.push(Case { death: Death::At { point: point.to_string(), nth: *nth }, wiped, end });
            }
        }
        let in_flight = (0..writes).flat_map(|n| [false, true].map(|wiped| (Death::InFlight(n), wiped)));
        let rest = in_flight.chain([(Death::None, true)]);
        cases.extend(rest.map(|(death, wiped)| Case { death, wiped, end: End::Done }));
        cases
    }

    /// Plays one case; fails by panicking.
    pub fn play(&mut self, case: &Case) {
        let sandbox = self.again();
        let died = self.act(&sandbox, &case.death);
        self.proxy.reset();
        if case.wiped {
            std::fs::remove_dir_all(sandbox.path("cache")).expect("our own folder");
        } else if let Some(whole) = &self.whole {
            let seen = Picture::of_cache(&sandbox);
            let [before, after] = whole.each_ref().map(|whole| seen.difference(whole));
            let half = !before.is_empty() && !after.is_empty();
            assert!(!half, "half a change in the cache; to before: {before}\nto after: {after}\nafter {died}");
        }
        let story = self.heal(&sandbox, died.to_string());
        let mut picture = self.look(&sandbox, &story);
        let wanted = if case.end == End::Done { &self.done } else { &self.untouched };
        if case.wiped {
            picture.forget_more_discarded(wanted);
        }
        assert!(picture == *wanted, "{}\nfirst there was {story}", picture.difference(wanted));
    }

    fn act(&self, sandbox: &Sandbox, death: &Death) -> Run {
        let act = sandbox.anyt(self.scenario.act);
        let run = match death {
            Death::None => return act.run().code(self.scenario.code),
            Death::At { point, nth } => act.env("ANYT_FAILPOINT", &format!("{point}:{nth}")).run(),
            Death::InFlight(n) => {
                let gate = Gate::new();
                let nth_write = When::is(|seen| seen.method != "GET").after(*n);
                self.proxy.fault(nth_write, What::StallReply(gate.clone()));
                let running = act.spawn();
                gate.wait_for_somebody();
                running.kill()
            }
        };
        assert_eq!(run.exit, Exit::Signal(9), "it was to be killed\n{run}");
        run
    }

    /// Runs what a person or cron runs next, until everything is settled. Takes and gives the story so far.
    fn heal(&self, sandbox: &Sandbox, mut story: String) -> String {
        for (args, codes) in self.scenario.heal {
            let run = sandbox.anyt(args).run();
            story += &format!("\nthen there was {run}");
            assert!(
                codes.iter().any(|code| run.exit == Exit::Code(*code)),
                "expected one of {codes:?}\nfirst: {story}"
            );
        }
        story
    }

    /// Where both sides are. A further sync has nothing to send and changes nothing.
    fn look(&self, sandbox: &Sandbox, story: &str) -> Picture {
        let settled = Picture::of(sandbox, &self.server.alice());
        self.proxy.reset();
        let further = sandbox.anyt(&["sync", "--no-input"]).run();
        assert_eq!(further.exit, Exit::Code(self.scenario.settled), "a further sync: {further}\nfirst: {story}");
        let sent: Vec<String> =
            self.proxy.writes().iter().map(|one| format!("{} {}", one.method, one.target)).collect();
        assert!(sent.is_empty(), "a further sync sent {sent:?}\nfirst: {story}");
        let later = Picture::of(sandbox, &self.server.alice());
        assert!(later == settled, "a further sync changed this: {}\nfirst: {story}", later.difference(&settled));
        settled
    }
}
