//! Everything again (`sync --full`), and everywhere (`sync --all-environments`).

use crate::common::json::{Look, Value};
use crate::common::{ALICE, BOB, Dispute, Proxy, Run, Sandbox, Server};
use rusqlite::Connection;

/// What nobody's change can have done to a cache. Its rows have the versions that the server has, so that no listing of
/// changes brings them.
const DRIFT: &str = "UPDATE tasks SET title = 'Drifted', priority = 2 WHERE identifier = 'DEV-1'; \
                     DELETE FROM tasks WHERE identifier = 'DEV-2'; UPDATE comments SET content = 'Drifted'; \
                     INSERT INTO task_dependencies (task_id, depends_on_id, created_at, synced_at) \
                     SELECT id, project_id, created_at, synced_at FROM tasks WHERE identifier = 'DEV-3'; \
                     UPDATE projects SET name = 'Drifted'; DELETE FROM members";

#[test]
fn full_repairs_what_drifted() {
    let dispute = Dispute::about(4);
    dispute.bob().comment("DEV-3", "Theirs");
    dispute.sync(&[]).ok();
    let whole = dispute.cache();
    Connection::open(dispute.alice.cache_db()).and_then(|db| db.execute_batch(DRIFT)).expect("the tables are these");
    // Work that waits is not drift.
    dispute.mine("DEV-4", &["--title", "Mine"]);
    dispute.sync(&["--pull"]).ok();
    assert_eq!(dispute.alice.cached_task("DEV-1").text("title"), "Drifted", "a cheap pull does not see it");
    dispute.sync(&["--full", "--pull"]).ok();
    assert_eq!((dispute.alice.pending(), dispute.alice.cached_task("DEV-4").text("title")), (1, "Mine"));
    dispute.sync(&[]).ok();
    dispute.assert_settled();
    // When something was asked for is no content, and DEV-4 is another one now.
    let rows = |dump: &str| -> Vec<String> {
        let is_content = |line: &&str| {
            !["sync_metadata:", "sync_queue:", "sends:"].iter().any(|table| line.starts_with(table))
                && !line.contains("DEV-4")
        };
        dump.lines().filter(is_content).map(str::to_string).collect()
    };
    let differs: Vec<String> = rows(&dispute.cache()).into_iter().filter(|row| !rows(&whole).contains(row)).collect();
    assert!(differs.is_empty(), "{differs:#?}");
    assert_eq!(rows(&dispute.cache()).len(), rows(&whole).len());
}

/// Three servers, somebody signed in to each; the second is behind a proxy.
struct Stage {
    servers: [Server; 3],
    proxy: Proxy,
    person: Sandbox,
}

impl Stage {
    fn new() -> Stage {
        let servers = [Server::start(), Server::start(), Server::start()];
        servers.iter().for_each(|server| drop(server.bob().add_task("Theirs")));
        let proxy = Proxy::before(&servers[1]);
        let person = Sandbox::new();
        let urls = [servers[0].url(), proxy.url(), servers[2].url()];
        for (name, url) in ["one", "two", "three"].iter().zip(urls) {
            person.anyt(&["env", "add", name, &url]).ok();
            person.anyt(&["auth", "login", "--env", name]).stdin(ALICE).ok();
        }
        Stage { servers, proxy, person }
    }

    fn sync(&self, flags: &[&str]) -> Run {
        self.person.anyt(&[&["sync", "--all-environments", "--no-input"], flags].concat()).run()
    }
}

#[test]
fn each_environment_has_its_turn_and_its_line() {
    let stage = Stage::new();
    let run = stage.sync(&[]).ok();
    assert_eq!(run.stdout, "✓ one: pulled 1, pushed 0\n✓ two: pulled 1, pushed 0\n✓ three: pulled 1, pushed 0\n");
    stage.person.anyt(&["task", "create", "Mine", "--offline", "--env", "three"]).ok();
    assert_eq!(stage.sync(&["-q"]).ok().stdout, "");
    assert!(stage.servers[2].bob().all_tasks().iter().any(|task| task.text("title") == "Mine"));
}

/// One that cannot be reached does not stop the others; one in conflict neither; the highest code counts.
#[test]
fn what_fails_is_said_and_stops_nobody() {
    let stage = Stage::new();
    stage.sync(&[]).ok();
    stage.person.anyt(&["task", "update", "DEV-1", "--title", "Mine", "--offline", "--env", "one"]).ok();
    stage.servers[0].bob().edit_task("DEV-1", r#"{"title":"Other"}"#);
    stage.servers[2].bob().add_task("Newer");
    stage.proxy.go_down();
    let run = stage.sync(&[]).code(5);
    assert_eq!(run.stdout, "⚠ one: pulled 0, pushed 0, 1 conflict\n✓ three: pulled 1, pushed 0\n", "{run}");
    let errors = run.stderr_lines();
    assert!(errors.len() == 3 && errors[0].contains("DEV-1: the conflict waits"), "{run}");
    assert!(errors[1].starts_with("anyt: one: 1 conflict") && errors[2].starts_with("anyt: two: "), "{run}");
    let json = stage.sync(&["--json"]).code(5).json();
    let items = json.items("data.items");
    let told: Vec<(&str, bool, &str)> = items
        .iter()
        .map(|one| {
            let code = crate::common::json::as_text(one.at("error.code")).unwrap_or("");
            (one.text("environment"), matches!(one.at("success"), Value::Bool(true)), code)
        })
        .collect();
    assert_eq!(told, [("one", false, "conflicts"), ("two", false, "unreachable"), ("three", true, "")]);
    assert_eq!((items[2].int("pulled_new"), json.text("error.code")), (0, "unreachable"));
}

/// A remedy for an environment that is not in use names it.
#[test]
fn doctor_looks_at_each_environment() {
    let stage = Stage::new();
    stage.person.anyt(&["sync", "--env", "one"]).ok();
    let run = stage.person.anyt(&["doctor", "--all-environments", "--json"]).ok().json();
    let of = |name: &str| {
        let is_it = |one: &&Value| crate::common::json::as_text(one.at("environment")) == Some(name);
        let found = run.items("data.items").iter().filter(is_it);
        found.map(|one| (one.text("check").to_string(), one.clone())).collect::<Vec<_>>()
    };
    for (name, cache, remedy) in [("one", "ok", None), ("two", "warn", Some("anyt --env two sync"))] {
        let checks = of(name);
        let checked: Vec<&str> = checks.iter().map(|(check, _)| check.as_str()).collect();
        assert!(checked.starts_with(&["environment", "folders", "token", "server"]), "{name} {checked:?}");
        let (_, found) = checks.iter().find(|(check, _)| check == "cache").expect("it is checked");
        assert_eq!((found.text("state"), crate::common::json::as_text(found.at("remedy"))), (cache, remedy));
    }
    let lines = stage.person.anyt(&["doctor"]).ok().says("environment one (http://");
    assert!(lines.stdout.contains("); of all: --all-environments\n"), "{lines}");
    let named = stage.person.anyt(&["doctor", "--env", "three"]).ok();
    assert!(named.stdout.contains("nothing was fetched yet (anyt --env three sync)"), "{named}");
    // The worst of them counts.
    stage.proxy.go_down();
    let down = stage.person.anyt(&["doctor", "--all-environments"]).code(5);
    assert!(down.stdout.contains("environment three"), "{down}");
    stage.person.set_env("ANYT_AUTH_TOKEN", BOB);
    stage.person.anyt(&["doctor", "--all-environments"]).code(2).warns("would go to several servers");
}

/// A token from a variable belongs to one server, and nobody has said to which.
#[test]
fn one_token_does_not_go_to_several_servers() {
    let stage = Stage::new();
    stage.person.set_env("ANYT_AUTH_TOKEN", BOB);
    let run = stage.sync(&[]).code(2).warns("the token of ANYT_AUTH_TOKEN would go to several servers");
    assert!(run.stdout.is_empty() && stage.proxy.writes().is_empty());
    stage.person.anyt(&["env", "remove", "two", "--yes"]).ok();
    stage.person.anyt(&["env", "remove", "three", "--yes"]).ok();
    stage.sync(&[]).ok();
    for command in ["sync", "doctor"] {
        let both = stage.person.anyt(&[command, "--all-environments", "--env", "one"]).code(2);
        both.warns("--all-environments and --env contradict each other").is_one_line_of_error();
    }
}
