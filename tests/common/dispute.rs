//! Two people about one task: Alice has synced and works offline with the client under test, Bob changes the server
//! meanwhile. All of Alice's requests pass a proxy.

use super::json::{self, Look, Value};
use super::proxy::Proxy;
use super::run::Invocation;
use super::sandbox::Sandbox;
use super::server::{ALICE, Server, User};
use rusqlite::types::Value as Cell;

pub struct Dispute {
    pub server: Server,
    pub proxy: Proxy,
    pub alice: Sandbox,
}

impl Dispute {
    /// `tasks` tasks, `DEV-1` and on, titled `Task 1` and on, and Alice in sync with them.
    pub fn about(tasks: usize) -> Dispute {
        let server = Server::start();
        (1..=tasks).for_each(|number| drop(server.bob().add_task(&format!("Task {number}"))));
        let proxy = Proxy::before(&server);
        let alice = Sandbox::new();
        alice.sign_in_at(&proxy.url(), ALICE);
        alice.anyt(&["sync"]).ok();
        proxy.reset();
        Dispute { server, proxy, alice }
    }

    /// The same with one conflict over a title: `Mine` here, `Theirs` there, on `DEV-1`.
    pub fn over_a_title() -> Dispute {
        let dispute = Dispute::about(3);
        dispute.over_titles(&[1]);
        dispute
    }

    /// Makes titles differ: `Mine` here, `Theirs` there.
    pub fn over_titles(&self, numbers: &[usize]) {
        for number in numbers {
            let name = format!("DEV-{number}");
            self.mine(&name, &["--title", "Mine"]);
            self.theirs(&name, r#"{"title":"Theirs"}"#);
        }
    }

    /// Alice changes a task offline.
    pub fn mine(&self, identifier: &str, flags: &[&str]) {
        let args: Vec<&str> = ["task", "update", identifier, "--offline"].iter().chain(flags).copied().collect();
        self.alice.anyt(&args).ok();
    }

    /// Bob changes it on the server; `fields` is JSON text.
    pub fn theirs(&self, identifier: &str, fields: &str) {
        self.bob().edit_task(identifier, fields);
    }

    pub fn bob(&self) -> User {
        self.server.bob()
    }

    pub fn sync(&self, flags: &[&str]) -> Invocation {
        let args: Vec<&str> = ["sync"].iter().chain(flags).copied().collect();
        self.alice.anyt(&args)
    }

    /// A task as the server has it.
    #[track_caller]
    pub fn served(&self, identifier: &str) -> Value {
        self.bob().task(identifier).unwrap_or_else(|| panic!("the server has no {identifier}"))
    }

    /// A text field of a task, on the server and in the cache: `(served, cached)`.
    #[track_caller]
    pub fn both(&self, identifier: &str, field: &str) -> (String, String) {
        let text = |task: &Value| json::as_text(task.at(field)).unwrap_or_default().to_string();
        (text(&self.served(identifier)), text(&self.alice.cached_task(identifier)))
    }

    /// Nothing waits, the cache equals the server, and one more sync changes and sends nothing.
    #[track_caller]
    pub fn assert_settled(&self) {
        assert_eq!(self.alice.pending(), 0, "operations left");
        let fields = ["identifier", "title", "status", "description", "labels", "priority", "version", "parent_id"];
        let looks = |tasks: Vec<Value>| -> Vec<String> {
            let mut rows: Vec<String> =
                tasks.iter().map(|task| fields.map(|field| json::to_string(task.at(field))).join(" ")).collect();
            rows.sort();
            rows
        };
        assert_eq!(looks(self.alice.cached_tasks()), looks(self.bob().all_tasks()), "cache and server");
        self.proxy.reset();
        self.sync(&["--no-input"]).ok();
        assert_eq!(self.proxy.writes().len(), 0, "sent again: {:?}", self.proxy.writes());
    }

    /// Every operation that discarded.jsonl keeps, oldest first, with its entry's `reason` and the server's row (`remote`).
    pub fn discarded(&self) -> Vec<Value> {
        let file = self.alice.path("state/anyt/dev/discarded.jsonl");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let entries = text.lines().map(json::parse).filter(|line| matches!(line.at("operations"), Value::Array(_)));
        let mut kept = Vec::new();
        for entry in entries {
            let of = |operation: Value| {
                let (reason, remote) = (entry.at("reason").clone(), entry.at("row").clone());
                json::object([("reason", reason), ("remote", remote), ("operation", operation)])
            };
            match entry.items("operations") {
                [] => kept.push(of(Value::Null)),
                operations => kept.extend(operations.iter().cloned().map(of)),
            }
        }
        kept
    }

    /// The names of tasks that wait in the inbox, as `sync conflicts` and `sync status` give them.
    #[track_caller]
    pub fn inbox(&self) -> Vec<String> {
        let listed = self.alice.anyt(&["sync", "conflicts", "--json"]).ok().json();
        let names = |items: &[Value], path: &str| -> Vec<String> {
            items.iter().map(|item| json::as_text(item.at(path)).unwrap_or_default().to_string()).collect()
        };
        let conflicts = names(listed.items("data.items"), "identifier");
        let status = self.alice.anyt(&["sync", "status", "--offline", "--json"]).ok().json();
        assert_eq!(conflicts, names(status.items("data.conflicts"), ""), "sync conflicts and sync status");
        conflicts
    }

    /// Everything the cache holds beside its log, to compare before and after.
    pub fn cache(&self) -> String {
        let db = rusqlite::Connection::open(self.alice.cache_db()).expect("the cache is there");
        let mut tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").expect("SQL");
        let names: Vec<String> =
            tables.query_map([], |row| row.get(0)).expect("SQL").collect::<Result<_, _>>().expect("names are text");
        let mut dump = String::new();
        // What was fetched stays for the next run, also of a run that was stopped; nobody is shown it.
        let is_shown =
            |name: &&String| *name != "sync_log" && !name.starts_with("sqlite_") && !name.starts_with("staged_");
        for name in names.iter().filter(is_shown) {
            let mut rows = db.prepare(&format!("SELECT * FROM {name} ORDER BY 1, 2")).expect("SQL");
            // When a row was last written is no part of what it says.
            let columns: Vec<usize> =
                (0..rows.column_count()).filter(|n| rows.column_name(*n) != Ok("synced_at")).collect();
            let mut rows = rows.query([]).expect("SQL");
            while let Some(row) = rows.next().expect("SQL") {
                let cells: Vec<String> =
                    columns.iter().map(|n| format!("{:?}", row.get::<_, Cell>(*n).expect("any value"))).collect();
                dump += &format!("{name}: {}\n", cells.join(" | "));
            }
        }
        dump
    }
}
