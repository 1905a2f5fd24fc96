//! Attempts and artifacts: pulled, shown, recorded here and there, with and without a network; servers that list them task by
//! task, or have none. `attempt_run` is about a command that is run as one.

use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::proxy::{Proxy, What, When};
use crate::common::scripted::{Quirks, Scripted};
use crate::common::server::User;
use crate::common::{ALICE, Exit, Sandbox, Server, synced};
use std::time::Duration;

/// The attempts at a task as the server has them: id, status, tokens.
pub fn served(user: &User, task: &str) -> Vec<String> {
    let (status, list) = user.get(&format!("{}/attempts", user.tasks(task)));
    assert_eq!(status, 200, "{}", json::to_string(&list));
    lines(list.items("items"))
}

pub fn cached(sandbox: &Sandbox, task: &str) -> Vec<String> {
    lines(sandbox.anyt(&["attempt", "list", task, "--json"]).ok().json().items("data.items"))
}

fn lines(items: &[Value]) -> Vec<String> {
    let tokens = |one: &Value| json::as_int(one.at("cost_tokens")).unwrap_or(0);
    let line = |one: &Value| format!("@{} {} {}", one.int("id"), one.text("status"), tokens(one));
    let mut lines: Vec<String> = items.iter().map(line).collect();
    lines.sort();
    lines
}

/// The artifacts of an attempt as the server has them, with their contents.
pub fn artifacts(user: &User, attempt: i64) -> Vec<(String, String)> {
    let (_, list) = user.get(&format!("{}/attempts/{attempt}/artifacts", user.workspace()));
    let content = |one: &Value| {
        let (status, content) = user.get(&format!("{}/artifacts/{}/download", user.workspace(), one.int("id")));
        assert_eq!(status, 200);
        json::as_text(&content).unwrap_or_default().to_string()
    };
    list.items("items").iter().map(|one| (one.text("name").to_string(), content(one))).collect()
}

/// Both sides have the same attempts at a task, nothing waits, and one more sync changes nothing.
#[track_caller]
pub fn assert_same(server: &Server, proxy: &Proxy, sandbox: &Sandbox, task: &str) {
    // An artifact of ours has changed its attempt, which counts it.
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(cached(sandbox, task), served(&server.alice(), task), "the cache and the server");
    assert_eq!(sandbox.pending(), 0, "operations left");
    proxy.reset();
    let run = sandbox.anyt(&["sync", "--no-input"]).ok();
    assert!(proxy.writes().is_empty() && !run.stdout.contains("Pulled"), "{run}");
}

fn start_there(user: &User, task: &str) -> i64 {
    let (status, attempt) = user.post(&format!("{}/attempts/start", user.tasks(task)), &json::object([]));
    assert_eq!(status, 201);
    attempt.int("id")
}

fn change_there(user: &User, id: i64, fields: &str) {
    assert_eq!(user.patch(&format!("{}/attempts/{id}", user.workspace()), &json::parse(fields)).0, 200);
}

#[test]
fn what_colleagues_try_comes_with_a_sync() {
    let (server, proxy, sandbox) = synced(&["One", "Two"]);
    let (bob, id) = (server.bob(), start_there(&server.bob(), "DEV-1"));
    sandbox.anyt(&["sync"]).ok().says("  - Pulled 1 new attempt");
    assert_eq!(cached(&sandbox, "DEV-1"), ["@1 running 0"]);
    change_there(
        &bob,
        id,
        r#"{"status":"failed","failure_class":"test_fail","cost_tokens":12000,"wall_clock_ms":95000}"#,
    );
    let body = json::parse(r#"{"type":"log","name":"run.log","content":"line\n"}"#);
    assert_eq!(bob.post(&format!("{}/attempts/{id}/artifacts", bob.workspace()), &body).0, 201);
    sandbox.anyt(&["sync"]).ok().says("  - Pulled 1 updated attempt").says("  - Pulled 1 new artifact");
    assert_same(&server, &proxy, &sandbox, "DEV-1");
    let shown = sandbox.anyt(&["task", "show", "DEV-1"]).ok();
    assert!(shown.stdout.contains("Attempts (1)") && shown.stdout.contains("1 m 35 s  12,000  bob"), "{shown}");
    let shown = sandbox.anyt(&["attempt", "show", "DEV-1"]).ok();
    assert!(shown.stdout.contains("DEV-1@1: failed") && shown.stdout.contains("DEV-1@1/1"), "{shown}");
    sandbox.anyt(&["artifact", "list", "DEV-1@1"]).ok().says("DEV-1@1/1  ");
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-1@1/1"]).ok().stdout, "line\n");
    sandbox.anyt(&["artifact", "get", "1", "-o", "log"]).ok();
    assert_eq!(sandbox.read("work/log"), "line\n");
    sandbox.anyt(&["artifact", "show", "1"]).ok().says("DEV-1@1/1: run.log\n");
    sandbox.anyt(&["sync"]).ok();
    proxy.reset();
    sandbox.anyt(&["sync"]).ok();
    assert!(proxy.log().len() <= 4, "a sync without news: {:?}", proxy.log());
    // They go with their task.
    assert_eq!(bob.delete(&bob.tasks("DEV-1")).0, 204);
    sandbox.anyt(&["sync"]).ok();
    let left = |table: &str| -> i64 {
        let db = rusqlite::Connection::open(sandbox.cache_db()).expect("the cache");
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a number")
    };
    assert_eq!((left("attempts"), left("artifacts")), (0, 0));
}

/// On screens the zone is this machine's, in documents it is UTC.
#[test]
fn times_are_shown_in_the_zone_of_the_screen() {
    let (_server, _proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["attempt", "start", "DEV-1"]).ok();
    let show = |args: &[&str]| sandbox.anyt(&[&["attempt"], args].concat()).env("TZ", "<+0545>-5:45").ok().stdout;
    let document = json::parse(&show(&["show", "DEV-1@1", "--json"]));
    let started = document.text("data.started_at");
    assert!(started.ends_with('Z'));
    assert_eq!(json::parse(&show(&["list", "DEV-1", "--json"])).text("data.items.0.started_at"), started);
    let minutes = |time: &str| -> i64 {
        let part = |at: std::ops::Range<usize>| time[at].parse::<i64>().expect("digits");
        part(11..13) * 60 + part(14..16)
    };
    let day = 24 * 60;
    let local = (minutes(started) + 5 * 60 + 45) % day;
    let wanted = format!(" {:02}:{:02}", local / 60, local % 60);
    for (screen, before) in
        [(show(&["list", "DEV-1"]), "running  "), (show(&["show", "DEV-1@1"]), "Started: just now (")]
    {
        assert!(screen.contains(before) && screen.contains(&wanted), "{wanted} {started}: {screen}");
    }
}

#[test]
fn a_content_that_was_read_is_there_without_a_network() {
    let (server, proxy, sandbox) = synced(&["One"]);
    let bob = server.bob();
    let id = start_there(&bob, "DEV-1");
    let add = |name: &str, content: &str| {
        let body = json::parse(&format!(r#"{{"type":"log","name":"{name}","content":"{content}"}}"#));
        assert_eq!(bob.post(&format!("{}/attempts/{id}/artifacts", bob.workspace()), &body).0, 201);
    };
    add("first", "one");
    add("second", "two");
    sandbox.anyt(&["sync"]).ok();
    proxy.fault(When::ending("GET", "/download"), What::GoDown);
    sandbox.anyt(&["artifact", "get", "DEV-1@1/1"]).code(5).warns("is not in the cache");
    proxy.come_back();
    sandbox.anyt(&["attempt", "show", "@x"]).code(2).warns("'@x' names no attempt");
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-1@1/1"]).ok().stdout, "one");
    proxy.reset();
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-1@1/1"]).ok().stdout, "one");
    assert!(proxy.log().is_empty(), "{:?}", proxy.log());
    let db = rusqlite::Connection::open(sandbox.cache_db()).expect("the cache");
    // Another size than the server has told is of no content, and is not kept; nor is anybody waited for.
    proxy.fault(When::ending("GET", "/download"), What::Answer(Message::reply(200, "text/plain", "o")));
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-1@1/2"]).ok().stdout, "o");
    db.execute_batch("BEGIN IMMEDIATE").expect("SQL");
    let began = std::time::Instant::now();
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-1@1/2"]).ok().stdout, "two");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    db.execute_batch("ROLLBACK").expect("SQL");
    // No more than the bound: what was kept longest ago goes first. What belongs to nothing goes too.
    let large = "x".repeat(16 << 20);
    db.execute("UPDATE contents SET content = ?1", [&large]).expect("SQL");
    db.execute("INSERT INTO contents VALUES (77, 0, 0, 'of no row')", []).expect("SQL");
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-1@1/2"]).ok().stdout, "two");
    let kept: String =
        db.query_row("SELECT group_concat(id || content) FROM contents", [], |row| row.get(0)).expect("SQL");
    assert_eq!(kept, "2two");
    // Another row under the same id, as a server makes it that was put back.
    db.execute("UPDATE contents SET created_us = created_us - 1", []).expect("SQL");
    proxy.reset();
    assert_eq!(sandbox.anyt(&["artifact", "get", "2"]).ok().stdout, "two");
    assert_eq!(proxy.log().len(), 1);
}

#[test]
fn started_finished_and_documented_at_once() {
    let (server, proxy, sandbox) = synced(&["One"]);
    sandbox
        .anyt(&["attempt", "start", "DEV-1", "--notes", "first", "--agent", "codex"])
        .ok()
        .says("✓ Started attempt DEV-1@1\n");
    sandbox.write("work/change.diff", "--- a\n+++ b\n");
    sandbox
        .anyt(&["artifact", "add", "DEV-1", "change.diff", "--type", "diff"])
        .ok()
        .says("✓ Added artifact DEV-1@1/1\n");
    sandbox
        .anyt(&["artifact", "add", "DEV-1@1", "-", "--name", "out"])
        .stdin("from a pipe\r\n")
        .ok()
        .says("✓ Added artifact DEV-1@1/2\n");
    let finish = ["attempt", "finish", "DEV-1", "--failure", "test_fail", "-m", "2 of 7", "--cost-tokens", "12"];
    sandbox.anyt(&finish).ok().says("✓ Finished attempt DEV-1@1\n");
    assert_eq!(served(&server.bob(), "DEV-1"), ["@1 failed 12"]);
    let texts = artifacts(&server.bob(), 1);
    assert_eq!(texts, [("change.diff".into(), "--- a\n+++ b\n".into()), ("out".into(), "from a pipe\r\n".into())]);
    let (_, attempt) = server.bob().get(&format!("{}/attempts/1", server.bob().workspace()));
    assert_eq!((attempt.text("extra_metadata.notes"), attempt.text("executed_by_coding_agent")), ("first", "codex"));
    assert_eq!(attempt.text("failure_message"), "2 of 7");
    // Corrected afterwards; what is as it was is no change.
    sandbox.anyt(&["attempt", "finish", "DEV-1@1", "--status", "success", "--notes", "again"]).ok();
    sandbox.anyt(&["attempt", "finish", "@1", "--notes", "again"]).ok().says("nothing was changed");
    sandbox.anyt(&["attempt", "finish", "1"]).code(2).warns("DEV-1@1 has ended");
    let made = sandbox.anyt(&["attempt", "start", "DEV-1", "--json"]).ok().json();
    assert_eq!((made.text("data.identifier"), made.text("data.status")), ("DEV-1@2", "running"));
    sandbox.anyt(&["attempt", "finish", "DEV-1", "--status", "aborted"]).ok().says("DEV-1@2");
    assert_same(&server, &proxy, &sandbox, "DEV-1");
    sandbox.write("work/picture", "\u{0}");
    std::fs::write(sandbox.path("work/picture"), [0xff, 0xfe]).expect("our own file");
    let bytes = sandbox.anyt(&["artifact", "add", "DEV-1", "picture"]).code(1);
    assert!(bytes.stderr.contains("picture is not text in UTF-8"), "{bytes}");
    std::fs::write(sandbox.path("work/long"), "\"".repeat(600_000)).expect("our own file");
    let long = sandbox.anyt(&["artifact", "add", "DEV-1", "long", "--offline"]).code(1);
    assert!(long.stderr.contains("takes 1200002 bytes as JSON"), "{long}");
    let undo = sandbox.anyt(&["undo", "1", "--force"]).code(1);
    assert!(undo.stderr.contains("the API has no way to delete an attempt"), "{undo}");
}

#[test]
fn without_a_network_they_wait_and_are_sent_once() {
    let (server, proxy, sandbox) = synced(&["One"]);
    proxy.go_down();
    sandbox.anyt(&["task", "create", "Two", "--offline"]).ok();
    sandbox.anyt(&["attempt", "start", "DEV-2", "--offline"]).ok().says("attempt DEV-2@new-1 (queued for sync)");
    sandbox.anyt(&["artifact", "add", "DEV-2", "-", "--offline"]).stdin("text").ok().says("DEV-2@new-1/new-1");
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-2@new-1/new-1"]).ok().stdout, "text");
    sandbox.anyt(&["attempt", "finish", "DEV-2@new-1", "--cost-tokens", "5"]).ok().says("the server is out of reach");
    sandbox.anyt(&["attempt", "finish", "DEV-2@new-1", "--cost-tokens", "7", "--offline"]).ok();
    proxy.come_back();
    server.bob().add_task("Taken");
    let run = sandbox.anyt(&["sync"]).ok();
    for line in ["Created: attempt DEV-3@1", "Created: artifact DEV-3@1/1", "Updated: attempt DEV-3@1"] {
        assert!(run.stdout.contains(line), "{run}");
    }
    assert_eq!(served(&server.bob(), "DEV-3"), ["@1 success 7"]);
    assert_eq!(artifacts(&server.bob(), 1), [("stdin".into(), "text".into())]);
    assert_eq!(sandbox.anyt(&["artifact", "get", "DEV-3@1/1"]).ok().stdout, "text");
    assert_same(&server, &proxy, &sandbox, "DEV-3");
}

/// The answer is lost, or the process dies with the request: one row, with and without `Idempotency-Key`.
#[test]
fn what_was_sent_without_an_answer_is_sent_once() {
    for (keys, killed) in [(true, true), (true, false), (false, true), (false, false)] {
        for (collection, nth) in [("/start", 1), ("/artifacts", 2)] {
            let (server, proxy, sandbox) = synced(&["One"]);
            if !keys {
                proxy.hide_idempotency();
            }
            sandbox.anyt(&["attempt", "start", "DEV-1", "--offline"]).ok();
            sandbox.anyt(&["artifact", "add", "DEV-1", "-", "--offline"]).stdin("text").ok();
            if killed {
                let place = format!("push.request.after:{nth}");
                let run = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", &place).run();
                assert_eq!(run.exit, Exit::Signal(9), "{run}");
            } else {
                proxy.fault(When::ending("POST", collection), What::DropReply);
                drop(sandbox.anyt(&["sync", "--no-input"]).run());
            }
            sandbox.anyt(&["sync", "--no-input"]).ok();
            let case = format!("keys {keys}, killed {killed}, {collection}");
            assert_eq!(served(&server.bob(), "DEV-1"), ["@1 running 0"], "{case}");
            assert_eq!(artifacts(&server.bob(), 1), [("stdin".into(), "text".into())], "{case}");
            assert_same(&server, &proxy, &sandbox, "DEV-1");
        }
    }
}

/// What the server refused of the start waits with all that hangs on it; the end of it is no part of the start.
#[test]
fn a_refused_start_holds_back_what_hangs_on_it() {
    let stage = || {
        let (server, proxy, sandbox) = synced(&["One"]);
        sandbox.anyt(&["attempt", "start", "DEV-1", "--offline"]).ok();
        sandbox.anyt(&["artifact", "add", "DEV-1", "-", "--offline"]).stdin("text").ok();
        proxy.fault(When::ending("POST", "/start"), What::status(422, &[]));
        let run = sandbox.anyt(&["sync"]).code(6);
        assert!(run.stderr.contains("DEV-1@new-1/new-1 waits for an operation that was not sent"), "{run}");
        sandbox.anyt(&["attempt", "finish", "DEV-1", "--cost-tokens", "3", "--offline"]).ok();
        assert_eq!(sandbox.pending(), 3);
        (server, proxy, sandbox)
    };
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["sync", "queue", "retry", "DEV-1@new-1"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(served(&server.bob(), "DEV-1"), ["@1 success 3"]);
    assert_same(&server, &proxy, &sandbox, "DEV-1");
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["sync", "queue", "drop", "DEV-1@new-1", "--yes"]).ok();
    assert_same(&server, &proxy, &sandbox, "DEV-1");
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(served(&server.bob(), "DEV-1"), ["@1 success 3"]);
    assert_eq!(artifacts(&server.bob(), 1), [("stdin".into(), "text".into())]);
    assert_same(&server, &proxy, &sandbox, "DEV-1");
}

/// The task is deleted there while its attempt is finished here: the end of it can be let go, and is kept.
#[test]
fn an_attempt_whose_task_is_deleted_there() {
    for flag in ["remote", "local"] {
        let (server, proxy, sandbox) = synced(&["One", "Two"]);
        sandbox.anyt(&["attempt", "start", "DEV-1"]).ok();
        sandbox.anyt(&["attempt", "finish", "DEV-1", "--offline"]).ok();
        assert_eq!(server.bob().delete(&server.bob().tasks("DEV-1")).0, 204);
        sandbox.anyt(&["sync", "--no-input"]).code(3);
        let run = sandbox.anyt(&["sync", "--no-input", "--resolve", flag]).run();
        if flag == "local" {
            // There is nothing that it could be made again below.
            assert_eq!(run.exit, Exit::Code(6), "{run}");
            sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
        }
        assert!(sandbox.anyt(&["sync", "restore", "--list"]).ok().stdout.contains("DEV-1@"), "{flag}");
        assert_same(&server, &proxy, &sandbox, "DEV-2");
    }
}

/// Two machines finish one attempt: neither is lost unseen.
#[test]
fn both_finish_one() {
    for (flag, wanted) in [("--local", "@1 success 0"), ("--remote", "@1 failed 0")] {
        let (server, proxy, sandbox) = synced(&["One"]);
        sandbox.anyt(&["attempt", "start", "DEV-1"]).ok();
        sandbox.anyt(&["attempt", "finish", "DEV-1", "--offline"]).ok();
        change_there(&server.bob(), 1, r#"{"status":"failed"}"#);
        let run = sandbox.anyt(&["sync", "--no-input"]).code(3);
        assert!(run.stderr.contains("DEV-1@1: the conflict waits for a decision"), "{run}");
        sandbox.anyt(&["sync", "resolve", "DEV-1@1", flag]).ok();
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(served(&server.bob(), "DEV-1"), [wanted]);
        assert_same(&server, &proxy, &sandbox, "DEV-1");
    }
    // Different fields are no conflict.
    let (server, proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["attempt", "start", "DEV-1"]).ok();
    sandbox.anyt(&["attempt", "finish", "DEV-1", "--offline"]).ok();
    change_there(&server.bob(), 1, r#"{"cost_tokens":9}"#);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(served(&server.bob(), "DEV-1"), ["@1 success 9"]);
    assert_same(&server, &proxy, &sandbox, "DEV-1");
}

fn scripted(quirks: Quirks) -> (Scripted, Sandbox) {
    let server = Scripted::start(quirks);
    for title in ["One", "Two"] {
        server.add_task(&json::object([("title", json::string(title))]));
    }
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&server.url(), ALICE);
    (server, sandbox)
}

/// Requests for attempts and artifacts.
fn asked(server: &Scripted) -> Vec<String> {
    let about = |target: &&str| target.contains("/attempts") || target.contains("/artifacts");
    let requests = server.requests();
    requests.iter().map(|request| request.target()).filter(about).map(str::to_string).collect()
}

/// Generation C lists attempts task by task and artifacts attempt by attempt, and says of neither when it was changed.
#[test]
fn a_server_that_lists_them_task_by_task() {
    let (server, sandbox) = scripted(Quirks { attempts: true, comments: true, ..Quirks::c() });
    let one = 1001;
    let first = server.world().attempt(one, json::string("theirs"));
    let Value::Object(log) = json::parse(r#"{"type":"log","name":"run.log"}"#) else { panic!("an object") };
    server.world().artifact(Value::Object(first).int("id"), &log);
    server.world().attempt(one, Value::Null);
    server.world().comment("DEV-1", "bob", json::string("So?"));
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(cached(&sandbox, "DEV-1"), ["@3 running 0", "@5 running 0"]);
    sandbox.anyt(&["artifact", "list", "DEV-1@3"]).ok().says("DEV-1@3/4");
    assert_eq!(sandbox.comments("DEV-1").len(), 1);
    assert_eq!(
        asked(&server).len(),
        3,
        "an attempt that counts no artifacts is not asked for them: {:?}",
        asked(&server)
    );
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(asked(&server).len(), 3, "nothing has changed: {:?}", asked(&server));
    // What is new comes with the next change of the task.
    server.world().artifact(5, &log);
    server.change_task("DEV-1", &json::parse(r#"{"priority":1}"#));
    sandbox.anyt(&["attempt", "finish", "DEV-1@3", "--failure", "timeout", "--notes", "slow", "--offline"]).ok();
    sandbox.anyt(&["attempt", "start", "DEV-2", "--notes", "ours", "--offline"]).ok();
    sandbox.anyt(&["artifact", "add", "DEV-2", "-", "--offline"]).stdin("text").ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(cached(&sandbox, "DEV-1"), ["@3 failed 0", "@5 running 0"]);
    sandbox.anyt(&["artifact", "list", "DEV-1@5"]).ok().says("DEV-1@5/7");
    let attempts = server.world().attempts.clone();
    let said = |at: usize| Value::Object(attempts[at].clone());
    assert_eq!((said(0).text("failure_class"), said(0).text("extra_metadata.notes")), ("timeout", "slow"));
    assert_eq!((said(2).int("task_id"), said(2).text("extra_metadata.notes")), (1002, "ours"));
    assert_eq!(Value::Object(server.world().artifacts[2].clone()).text("name"), "stdin");
    assert_eq!(sandbox.pending(), 0);
}

/// No attempts, no words about it, no request once that is known, and no at once.
#[test]
fn a_server_without_attempts_is_asked_once() {
    let (server, sandbox) = scripted(Quirks::d());
    let run = sandbox.anyt(&["sync"]).ok();
    assert!(run.stderr.is_empty(), "{run}");
    assert_eq!(asked(&server).len(), 1, "{:?}", asked(&server));
    server.change_task("DEV-1", &json::parse(r#"{"priority":1}"#));
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(asked(&server).len(), 1, "{:?}", asked(&server));
    for command in [&["attempt", "start", "DEV-1", "--offline"][..], &["attempt", "run", "DEV-1", "--", "echo", "ran"]]
    {
        let refused = sandbox.anyt(command).code(1);
        assert!(refused.stderr.contains("has no attempts") && refused.stdout.is_empty(), "{refused}");
    }
    sandbox.anyt(&["attempt", "list", "DEV-1"]).ok().warns("the server has no attempts");
    assert_eq!(sandbox.pending(), 0, "nothing is queued");
}
