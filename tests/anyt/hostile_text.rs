//! Text of others is data: nothing that a server, a colleague or a file says moves the cursor, colours the terminal,
//! reorders a line or forges one, in any command; and nothing of it is lost in `--json` and in the cache.

use crate::common;
use crate::common::faults::{What, When};
use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::pty::Terminal;
use crate::common::scripted::{Quirks, Scripted};
use crate::common::{ALICE, Proxy, Run, Sandbox, Server};

/// Clears the screen in two ways, writes the clipboard, forges lines in three, and hides text in four.
const HOSTILE: &str = "Q\u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{9b}2J\r✓ FORGED\n✓ FORGED\u{2028}✓ FORGED\u{202e}\u{2066}\u{200e}\u{e0041}\u{8}\u{7f}\u{200b}z";

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Nothing acts, and no line begins with what only we say at its beginning.
#[track_caller]
fn assert_inert(shown: &str, run: &dyn std::fmt::Display) {
    for line in shown.lines() {
        assert!(!line.contains(acts), "{line:?} acts\n{run}");
        assert!(!line.starts_with("✓ FORGED"), "a forged line\n{run}");
    }
}

#[track_caller]
fn inert(run: Run) -> Run {
    assert_inert(&run.stdout, &run);
    assert_inert(&run.stderr, &run);
    run
}

fn fields(names: &[&str]) -> Value {
    json::object(names.iter().map(|name| (*name, json::string(HOSTILE))))
}

const READING: [&[&str]; 17] = [
    &["task", "list"],
    &["task", "list", "--all", "--limit", "0", "--color", "never"],
    &["task", "show", "DEV-1"],
    &["task", "show", "DEV-2"],
    &["task", "dep", "list", "DEV-1"],
    &["task", "show", "DEV-999"],
    &["task", "pick", "DEV-1"],
    &["active"],
    &["workspace", "list"],
    &["workspace", "current"],
    &["project", "list"],
    &["project", "current"],
    &["sync", "status"],
    &["sync", "log"],
    &["sync", "queue"],
    &["sync", "conflicts"],
    &["auth", "whoami"],
];

#[track_caller]
fn read_all(person: &Sandbox) {
    for args in READING {
        inert(person.anyt(args).run());
        let json = inert(person.anyt(&[args, &["--json"]].concat()).run());
        assert!(json::try_parse(&json.stdout).is_some(), "{json}");
    }
}

/// Fails without `sanitise::line` in any of `Output::line`, `Table` and the conflict's `summary`.
#[test]
fn from_a_colleague() {
    let server = Server::start();
    let (alice, bob) = (server.alice(), server.bob());
    let workspace = alice.workspace();
    assert_eq!(alice.patch(&workspace, &fields(&["name", "description"])).0, 200);
    let project = format!("{workspace}/projects/{}", alice.project());
    assert_eq!(alice.patch(&project, &fields(&["name", "description"])).0, 200);
    let name = bob.add_task(HOSTILE);
    let Value::Object(mut all) = fields(&["title", "description", "phase", "implementation_plan"]) else {
        unreachable!()
    };
    all.insert("labels".into(), json::array([json::string(HOSTILE)]));
    bob.edit_task(&name, &json::to_string(&Value::Object(all)));
    let second = bob.add_task(&format!("{HOSTILE} second"));
    let depends = json::object([("depends_on", json::array([json::string(second.as_str())]))]);
    bob.post(&format!("{}/dependencies", bob.tasks(&name)), &depends);

    let person = Sandbox::new();
    person.anyt(&["env", "add", "dev", &server.url()]).ok();
    person.set_env("ANYT_AUTH_TOKEN", ALICE);
    inert(person.anyt(&["init"]).ok());
    inert(person.anyt(&["sync", "-vv"]).ok());
    read_all(&person);

    // Whole in --json and in the cache.
    let shown = person.anyt(&["task", "show", &name, "--json"]).ok().json();
    for field in ["title", "description", "phase", "implementation_plan", "labels.0"] {
        assert_eq!(shown.text(&format!("data.{field}")), HOSTILE, "{field}");
    }
    let cache = rusqlite::Connection::open(person.cache_db()).unwrap();
    let kept: (String, String) = cache
        .query_row("SELECT title, description FROM tasks WHERE identifier = 'DEV-1'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(kept, (HOSTILE.to_string(), HOSTILE.to_string()));
    drop(cache);

    // Writing, online and queued.
    for flags in [&[][..], &["--offline"]] {
        let title = format!("{HOSTILE} mine");
        inert(person.anyt(&[&["task", "create", &title, "-d", HOSTILE][..], flags].concat()).run());
        inert(person.anyt(&[&["task", "update", &name, "--phase", HOSTILE, "-p", "1"][..], flags].concat()).run());
        inert(person.anyt(&[&["task", "update", &name, "--status", HOSTILE][..], flags].concat()).code(2));
        inert(person.anyt(&[&["task", "note", &name, HOSTILE][..], flags].concat()).run());
        inert(person.anyt(&[&["task", "done", &second][..], flags].concat()).run());
        read_all(&person);
    }
    inert(person.anyt(&["sync", "--dry-run"]).run());
    inert(person.anyt(&["sync"]).run());

    // A conflict: asked about, looked at in full, kept for later, and settled.
    inert(
        person
            .anyt(&[
                "task",
                "update",
                &name,
                "--title",
                &format!("{HOSTILE} ours"),
                "-d",
                &format!("{HOSTILE}\nours"),
                "--offline",
            ])
            .ok(),
    );
    let theirs = json::object([
        ("title", json::string(format!("{HOSTILE} theirs"))),
        ("description", json::string(format!("{HOSTILE}\ntheirs"))),
    ]);
    bob.edit_task(&name, &json::to_string(&theirs));
    inert(person.anyt(&["sync"]).stdin("d\nx\ns\n").code(3));
    read_all(&person);
    inert(person.anyt(&["sync", "resolve", &name]).stdin("d\ns\n").run());
    inert(person.anyt(&["sync", "resolve", &name, "--remote"]).run());
    inert(person.anyt(&["sync", "restore"]).run());
    inert(person.anyt(&["sync"]).run());
    inert(person.anyt(&["task", "rm", &second, "-f"]).run());
}

/// At a terminal our own colours are the only sequences there.
#[test]
fn at_a_terminal() {
    let server = Server::start();
    let name = server.bob().add_task(HOSTILE);
    server.bob().edit_task(&name, &json::to_string(&fields(&["description"])));
    let person = Sandbox::new();
    person.sign_in(&server);
    person.anyt(&["sync"]).ok();
    for args in [&["task", "list"][..], &["task", "show", &name], &["sync", "status"]] {
        let session = Terminal::anyt(&person, args).end();
        let plain = without_colours(&session.screen);
        for line in plain.split("\r\n") {
            assert!(!line.contains(acts) && !line.starts_with("✓ FORGED"), "{line:?} in {args:?}");
        }
    }
}

/// Without `ESC [ digits ; m`.
fn without_colours(screen: &str) -> String {
    let mut parts = screen.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(part.len());
        match part[end..].strip_prefix('m') {
            Some(rest) => plain += rest,
            None => plain += &format!("\u{1b}[{part}"),
        }
    }
    plain
}

/// A server that puts it where no server should: identifiers, ids of people, states, times.
#[test]
fn from_a_server_that_means_ill() {
    for field in [
        "identifier",
        "uid",
        "owner_id",
        "creator_id",
        "status",
        "assignee_type",
        "updated_at",
        "completed_at",
        "assigned_coding_agent",
    ] {
        let server = Scripted::start(Quirks::c());
        server.add_task(&json::object([("title", json::string("first"))]));
        server.add_task(&json::object([("title", json::string("second")), (field, json::string(HOSTILE))]));
        let person = Sandbox::new();
        person.sign_in_at(&server.url(), ALICE);
        inert(person.anyt(&["sync", "-vv"]).run());
        read_all(&person);
    }
}

#[test]
fn in_errors() {
    let server = Server::start();
    let proxy = Proxy::before(&server);
    let person = Sandbox::new();
    person.sign_in_at(&proxy.url(), ALICE);
    person.anyt(&["sync"]).ok();
    let quoted = json::quoted(HOSTILE);
    for status in [400, 401, 403, 404, 409, 422, 429, 500] {
        for body in [
            format!(r#"{{"title":{quoted},"detail":{quoted},"status":{status}}}"#),
            format!(r#"{{"detail":[{{"loc":["body",{quoted}],"msg":{quoted}}}]}}"#),
            format!(r#"{{"error":{quoted}}}"#),
            HOSTILE.to_string(),
        ] {
            proxy.fault(When::first("", "/").always(), What::Answer(Message::reply(status, "application/json", body)));
            for args in [&["sync"][..], &["task", "create", "x", "--no-queue"], &["auth", "whoami", "-vv"], &["health"]]
            {
                inert(person.anyt(args).run());
                inert(person.anyt(&[args, &["--json"]].concat()).run());
            }
            proxy.reset();
        }
    }
    for args in [&["sync", "queue"][..], &["sync", "log"], &["sync", "status"]] {
        inert(person.anyt(args).run());
    }
    for args in [
        &["task", "show", HOSTILE][..],
        &[HOSTILE],
        &["task", HOSTILE],
        &["--env", HOSTILE, "sync"],
        &["env", "add", HOSTILE, "http://localhost:1"],
        &["env", "add", "x", HOSTILE],
        &["env", "switch", HOSTILE],
        &["--workspace", HOSTILE, "task", "list"],
        &["task", "create", "x", "--project", HOSTILE, "--offline"],
        &["auth", "login", "--token-file", HOSTILE],
        &["sync", "--resolve", HOSTILE],
        &["task", "list", "--no-such-flag", HOSTILE],
    ] {
        let run = inert(person.anyt(args).run());
        assert_ne!(run.exit, common::Exit::Code(0), "{run}");
    }
}

#[test]
fn in_files_somebody_else_wrote() {
    let server = Server::start();
    let person = Sandbox::new();
    person.sign_in(&server);
    person.anyt(&["sync"]).ok();
    let quoted = json::quoted(HOSTILE);
    let config = person.read("config/anyt/config.json");
    let url = server.url();
    person.write(
        "config/anyt/config.json",
        format!(r#"{{"environments": {{{quoted}: {{"api_url": {quoted}, "default_workspace": {quoted}}}, "dev": {{"api_url": "{url}"}}}}, "current_environment": {quoted}}}"#),
    );
    for args in [
        &["env", "list"][..],
        &["env", "show"],
        &["env", "list", "--json"],
        &["sync"],
        &["auth", "status"],
        &["env", "remove", HOSTILE],
    ] {
        inert(person.anyt(args).run());
    }
    person.write("config/anyt/config.json", config);
    person.write("work/.anyt/active_task.json", format!(r#"{{"identifier": {quoted}, "title": {quoted}, "picked_at": {quoted}, "workspace_id": 1, "project_id": 1}}"#));
    person.write("work/.anyt/anyt.json", format!(r#"{{"workspace_id": 77, "name": {quoted}, "workspace_name": {quoted}, "workspace_identifier": {quoted}, "api_url": {quoted}}}"#));
    read_all(&person);
    person.write(
        "work/.anyt/anyt.json",
        format!(r#"{{"workspace_id": 77, "name": {quoted}, "workspace_identifier": {quoted}, "api_url": "{url}"}}"#),
    );
    read_all(&person);
    person.write("work/.anyt/anyt.json", HOSTILE);
    person.write("work/.anyt/active_task.json", HOSTILE);
    read_all(&person);
}
