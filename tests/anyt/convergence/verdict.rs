//! The end: everybody syncs in peace until nobody has anything to send or to fetch, then caches and ledger are compared
//! with the server.

use super::Stage;
use super::client::Client;
use super::ledger::tokens;
use super::sorts::SORTS;
use crate::common::http;
use crate::common::json::{self, Look, Value};
use crate::common::{ALICE, Exit};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of syncs after which a stage that still moves never comes to rest.
const ROUNDS: usize = 15;

impl Stage {
    pub fn settle(&mut self) {
        let policies: Vec<&str> = self.clients.iter().map(|_| *self.dice.pick(&["local", "remote"])).collect();
        for round in 0..ROUNDS {
            let mut still = true;
            self.clients.iter_mut().for_each(Client::wait_a_day);
            for (client, policy) in self.clients.iter().zip(&policies) {
                let before = client.proxy.writes().len();
                let args = ["sync", "--no-input", "--json", "--resolve", policy];
                let run = client.sandbox.anyt(&args).run();
                let words = (run.stdout.clone() + &run.stderr).trim().replace('\n', " | ");
                self.history.push(format!("settling {round}: {}: {policy} → {:?} {words}", client.name, run.exit));
                let moved = client.proxy.writes().len() > before;
                let fetched = json::try_parse(&run.stdout).is_none_or(|result| {
                    ["pulled_new", "pulled_updated", "pulled_deleted"]
                        .iter()
                        .any(|kind| json::as_int(result.at(&format!("data.{kind}"))) != Some(0))
                });
                still &= run.exit == Exit::Code(0) && !moved && !fetched;
                assert!(matches!(run.exit, Exit::Code(0 | 3 | 6)), "a sync without any trouble failed\n{run}");
                // A row that is gone, of which a lost cache knew more than the edit: it cannot be made again here. A person
                // lets it go; the edit is kept.
                if run.exit == Exit::Code(3) {
                    client.sandbox.anyt(&["sync", "resolve", "--all", "--remote"]).ok();
                }
                // Refused: what it needs was deleted by somebody else. A person looks at it and gives it up.
                if run.exit == Exit::Code(6) {
                    let dropped = client.drop_refused();
                    self.history.push(format!("settling {round}: {}: {dropped} refused were dropped", client.name));
                }
            }
            if still {
                return;
            }
        }
        panic!("{ROUNDS} rounds of syncs did not come to rest");
    }

    pub fn judge(&self) {
        let live = self.server.alice().all_tasks();
        for client in &self.clients {
            self.assert_equal(client.name, &client.tasks(), &live);
            for sort in SORTS {
                let cached =
                    sort.cached(client).into_iter().map(|(id, row)| (id, row.said)).collect::<BTreeMap<_, _>>();
                assert_eq!(
                    cached,
                    sort.served(&self.server.alice()),
                    "{}'s {} and the server's",
                    client.name,
                    sort.table
                );
            }
            assert_eq!(client.edges(), self.server_edges(), "{}'s dependencies and the server's", client.name);
            assert_eq!(client.sandbox.pending(), 0, "{}'s queue", client.name);
            let spare = std::fs::read_to_string(client.sandbox.queue_file()).unwrap_or_default();
            assert_eq!(spare, "", "{}'s queue.jsonl, with nothing queued", client.name);
        }
        self.assert_nothing_twice();
        self.assert_nothing_lost(&live);
    }

    /// Every member of every cached task is the server's.
    fn assert_equal(&self, who: &str, cached: &[Value], live: &[Value]) {
        let by_name = |tasks: &[Value]| -> BTreeMap<String, Value> {
            tasks.iter().map(|task| (task.text("identifier").to_string(), task.clone())).collect()
        };
        let (cached, live) = (by_name(cached), by_name(live));
        let names = |tasks: &BTreeMap<String, Value>| tasks.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&cached), names(&live), "{who}'s tasks and the server's");
        for (name, task) in &cached {
            let Value::Object(members) = task else { panic!("a task is an object") };
            for (member, value) in
                members.iter().filter(|(member, _)| !["pending", "blocked"].contains(&member.as_str()))
            {
                let theirs = live[name].at(member);
                assert!(
                    json::same(value, theirs),
                    "{who}'s {name}: {member} is {} and the server's is {}",
                    json::to_string(value),
                    json::to_string(theirs)
                );
            }
        }
    }

    fn server_edges(&self) -> BTreeSet<(String, String)> {
        let alice = self.server.alice();
        let (status, graph) = alice.get(&format!("{}/dependency-graph", alice.workspace()));
        assert_eq!(status, 200);
        let edges = graph.items("edges").iter();
        edges.map(|edge| (edge.text("from_task").to_string(), edge.text("to_task").to_string())).collect()
    }

    /// All tasks that ever were, tombstones included.
    fn all_ever(&self) -> Vec<Value> {
        let alice = self.server.alice();
        let mut all = Vec::new();
        loop {
            let query = format!("?limit=100&offset={}&sort_by=id&order=asc&include_deleted=true", all.len());
            let (status, page) = http::call(alice.address, ALICE, "GET", &(alice.tasks("") + &query), None);
            assert_eq!(status, 200);
            if page.items("items").is_empty() {
                return all;
            }
            all.extend_from_slice(page.items("items"));
        }
    }

    /// P2: not more tasks than creations that were queued, whatever was repeated.
    fn assert_nothing_twice(&self) {
        let mut operations: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (mark, operation) in self.clients.iter().flat_map(|client| client.sent_creations()) {
            operations.entry(mark).or_default().insert(operation);
        }
        let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for task in self.all_ever() {
            // An edit of a task that was deleted there, kept after the cache was lost, makes it again without the title
            // that nobody knows any more: such a task has no mark.
            let Some(mark) = tokens(task.text("title"), 'c').into_iter().next() else { continue };
            made.entry(mark).or_default().push(task.text("identifier").to_string());
        }
        for (mark, identifiers) in made.iter().filter(|(mark, _)| !self.given.contains(*mark)) {
            let count = operations.get(mark).map_or(0, BTreeSet::len);
            assert!(identifiers.len() <= count, "{mark} was created as {identifiers:?} by {count} operations");
        }
    }

    /// P1 and P4: what was confirmed is on the server, or was replaced by somebody who had seen it, or was thrown away
    /// by a decision that kept it.
    fn assert_nothing_lost(&self, live: &[Value]) {
        let mut server: String = live.iter().map(|task| json::to_string(task) + "\n").collect();
        for sort in SORTS {
            let rows = sort.served(&self.server.alice());
            let mut marks: Vec<String> = rows.values().flat_map(|said| tokens(said, 'c')).collect();
            marks.sort();
            let twice = marks.windows(2).find(|pair| pair[0] == pair[1]);
            assert!(twice.is_none(), "two {} of one creation: {twice:?}", sort.table);
            server.extend(rows.into_values().map(|said| said + "\n"));
        }
        let kept: String = self.clients.iter().map(|client| client.discarded()).collect();
        let (there, kept_values) = (tokens(&server, 'v'), tokens(&kept, 'v'));
        for (token, command) in &self.ledger.written {
            let accounted =
                there.contains(token) || self.ledger.replaced.contains(token) || kept_values.contains(token);
            let accounted = accounted || self.ledger.within.get(token).is_some_and(|mark| self.ledger.is_gone(mark));
            assert!(accounted, "{token} is lost; it was confirmed by: {command}");
        }
        let (marks, kept_marks) = (tokens(&server, 'c'), tokens(&kept, 'c'));
        for (mark, command) in &self.ledger.created {
            let accounted = marks.contains(mark) || self.ledger.is_gone(mark) || kept_marks.contains(mark);
            assert!(accounted, "{mark} is lost; it was confirmed by: {command}");
        }
        self.assert_links(live, &kept);
    }

    fn assert_links(&self, live: &[Value], kept: &str) {
        let edges = self.server_edges();
        let name = |mark: &str| {
            let found = live.iter().find(|task| tokens(task.text("title"), 'c').contains(mark));
            found.map(|task| task.text("identifier").to_string())
        };
        for ((from, to), command) in &self.ledger.linked {
            let gone = [from, to].iter().any(|mark| self.ledger.deleted.contains(*mark));
            let taken = self.ledger.unlinked.contains(&(from.clone(), to.clone()));
            if gone || taken || kept.contains(r#""entity_type":"dependency""#) {
                continue;
            }
            let ends = name(from).zip(name(to));
            assert!(ends.is_some_and(|ends| edges.contains(&ends)), "{from} → {to} is lost: {command}");
        }
    }
}
