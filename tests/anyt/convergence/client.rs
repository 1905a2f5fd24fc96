//! A person's machine and the bad luck that befalls it.

use super::dice::Dice;
use super::ledger::tokens;
use super::sorts::FILE;
use crate::common::deadline::wait_until;
use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::proxy::{Gate, Proxy, What, When};
use crate::common::run::{Running, TIMEOUT};
use crate::common::{Exit, Run, Sandbox, Server};
use rustix::process::{Pid, Signal, kill_process};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

const FAILPOINTS: [&str; 16] = [
    "store.change.applied",
    "store.change.commit",
    "store.change.committed",
    "store.spare.appended",
    "store.spare.rewritten",
    "store.spare.reconciled",
    "store.discarded.appended",
    "store.staged",
    "store.answers.settled",
    "store.end.applied",
    "store.end.commit",
    "store.end.committed",
    "push.request.before",
    "push.request.after",
    "push.answered",
    "pull.page.staged",
];

pub struct Client {
    pub name: &'static str,
    pub sandbox: Sandbox,
    pub proxy: Proxy,
    /// Seconds by which its clock is wrong.
    skew: i64,
}

impl Client {
    pub fn new(name: &'static str, token: &str, server: &Server, dice: &mut Dice) -> Client {
        let proxy = Proxy::before(server);
        if dice.chance(50) {
            proxy.hide("Idempotency-Key");
            proxy.hide("Idempotency-Key-Honoured");
        }
        let sandbox = Sandbox::new();
        sandbox.sign_in_at(&proxy.url(), token);
        let page_size = *dice.pick(&[1, 2, 3, 5, 100]);
        sandbox.configure("sync", json::object([("page_size", json::int(page_size))]));
        sandbox.set_env("ANYT_TIMEOUT", "1");
        let skew = *dice.pick(&[0, 86_400, -86_400]);
        sandbox.set_env("ANYT_CLOCK_SKEW", &skew.to_string());
        sandbox.write(&format!("work/{FILE}"), "what it said\n");
        sandbox.anyt(&["sync"]).ok();
        Client { name, sandbox, proxy, skew }
    }

    /// Runs a command. With `trouble`, the network or the process may fail on the way.
    pub fn run(&self, args: &[&str], trouble: bool, dice: &mut Dice) -> Run {
        let online = !args.contains(&"--offline");
        if trouble && online && dice.chance(40) {
            for _ in 0..=dice.roll(2) {
                let luck = bad_luck(dice);
                // Reads are many and writes are few, and it is the writes that can go wrong for good.
                let when = match dice.chance(50) {
                    true => When::is(|seen| seen.method != "GET").after(dice.roll(3)),
                    false => When::is(|_| true).after(dice.roll(14)),
                };
                self.proxy.fault(when, luck);
            }
        }
        let run = match dice.roll(100) {
            0..10 if trouble && online => self.run_killed_at_request(args, dice),
            10..25 if trouble => {
                let place = format!("{}:{}", dice.pick(&FAILPOINTS), 1 + dice.roll(3));
                self.sandbox.anyt(args).env("ANYT_FAILPOINT", &place).run()
            }
            _ => self.sandbox.anyt(args).run(),
        };
        self.proxy.come_back();
        self.proxy.forget_faults();
        assert!(!run.stderr.contains("panicked"), "{run}");
        let codes = [
            Exit::Code(75),
            Exit::Code(0),
            Exit::Code(1),
            Exit::Code(3),
            Exit::Code(5),
            Exit::Code(6),
            Exit::Signal(9),
        ];
        assert!(codes.contains(&run.exit), "an exit code that was not expected\n{run}");
        run
    }

    /// kill -9 at the very moment in which a request arrives, before or after the server gets it.
    fn run_killed_at_request(&self, args: &[&str], dice: &mut Dice) -> Run {
        let (sender, pid) = mpsc::channel::<u32>();
        let what = if dice.chance(50) { What::DropReply } else { What::ResetAfterRequestBytes(0) };
        let only_writes = dice.chance(60);
        let (after, arrived) = (dice.roll(if only_writes { 3 } else { 14 }), Cell::new(0));
        let when = When::is(move |seen| {
            if only_writes && seen.method == "GET" {
                return false;
            }
            arrived.set(arrived.get() + 1);
            // The request may be faster than the news of its process.
            let pid = (arrived.get() == after + 1).then(|| pid.recv().ok()).flatten();
            let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
            pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
        });
        self.proxy.fault(when, what);
        let running = self.sandbox.anyt(args).spawn();
        let _ = sender.send(running.pid());
        drop(sender);
        running.wait(TIMEOUT)
    }

    /// A sync under way: its n-th request stands at the gate, or it came to its end without one.
    pub fn sync_until_request(&self, n: usize) -> (Running, Gate) {
        let (gate, before) = (Gate::pause(Duration::from_secs(5)), self.proxy.log().len());
        self.proxy.fault(When::is(|_| true).after(n), What::StallReply(gate.clone()));
        let syncing =
            self.sandbox.anyt(&["sync", "--no-input", "--resolve", "local"]).env("ANYT_TIMEOUT", "10").spawn();
        let process = format!("/proc/{}", syncing.pid());
        wait_until("the request came or the sync ended", TIMEOUT, || {
            self.proxy.log().len() > before + n || !Path::new(&process).exists()
        });
        (syncing, gate)
    }

    /// A day has passed, and the night's sync lists everything: of a server that says nothing of itself, what is below
    /// tasks comes with their changes, and else only so.
    pub fn wait_a_day(&mut self) {
        self.skew += 90_000;
        self.sandbox.set_env("ANYT_CLOCK_SKEW", &self.skew.to_string());
    }

    pub fn wipe_cache(&self) {
        let _ = std::fs::remove_dir_all(self.sandbox.path("cache/anyt"));
    }

    /// What `task list --all` shows.
    pub fn tasks(&self) -> Vec<Value> {
        self.sandbox.cached_tasks()
    }

    /// Pairs of identifiers: task, and what it depends on.
    pub fn edges(&self) -> BTreeSet<(String, String)> {
        let cache = rusqlite::Connection::open(self.sandbox.cache_db()).expect("the cache is there");
        let sql = "SELECT a.identifier, b.identifier FROM task_dependencies d \
                   JOIN tasks a ON a.id = d.task_id JOIN tasks b ON b.id = d.depends_on_id";
        let mut statement = cache.prepare(sql).expect("the tables of the specification");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("a plain query");
        rows.collect::<rusqlite::Result<_>>().expect("texts")
    }

    /// Everything that was thrown away by a decision, as text.
    pub fn discarded(&self) -> String {
        std::fs::read_to_string(self.sandbox.path("state/anyt/dev/discarded.jsonl")).unwrap_or_default()
    }

    /// Operation ids of the creations that were sent, with the mark of the task in them.
    pub fn sent_creations(&self) -> Vec<(String, String)> {
        let creates = self.proxy.log().into_iter().filter(|one| one.method == "POST" && one.target.ends_with("/tasks"));
        creates
            .filter_map(|one| {
                let mark = tokens(&String::from_utf8_lossy(&one.body), 'c').into_iter().next()?;
                Some((mark, one.header("Idempotency-Key").unwrap_or_default().to_string()))
            })
            .collect()
    }

    /// Gives up what the server has refused. Gives the number of operations.
    pub fn drop_refused(&self) -> usize {
        let queue = self.sandbox.anyt(&["sync", "queue", "--json"]).ok().json();
        let refused: Vec<&str> = queue
            .items("data.items")
            .iter()
            .filter(|operation| json::as_text(operation.at("error")).is_some())
            .map(|operation| operation.text("op_id"))
            .collect();
        if !refused.is_empty() {
            let args: Vec<&str> =
                ["sync", "queue", "drop", "--yes"].into_iter().chain(refused.iter().copied()).collect();
            self.sandbox.anyt(&args).ok();
        }
        refused.len()
    }
}

fn bad_luck(dice: &mut Dice) -> What {
    match dice.roll(30) {
        0..5 => What::DropReply,
        5..8 => What::ResetAfterRequestBytes(dice.roll(400)),
        8..11 => What::ResetAfterReplyBytes(dice.roll(400)),
        11 => What::status(500, &[]),
        12 => What::status(502, &[]),
        13 => What::status(503, &[("Retry-After", "0")]),
        14 => What::status(429, &[("Retry-After", "0")]),
        15 => What::status(503, &[]),
        16..19 => What::AnswerAfter(Message::reply(502, "text/html", "<html>Bad gateway</html>")),
        19..21 => What::TruncatedBody,
        21 => What::WrongLength,
        22 => What::Html,
        23 => What::DuplicateReply,
        24 => What::PageSkips,
        25 => What::PageRepeats,
        26..28 => What::GoDown,
        28 => What::StallRequest(Gate::pause(Duration::from_millis(1500))),
        _ => What::StallReply(Gate::pause(Duration::from_millis(1500))),
    }
}
