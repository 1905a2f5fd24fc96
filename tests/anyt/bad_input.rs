//! Issue 2 "Bad input": every one a clear one-line error on stderr, the right exit code, and no change to any file.

use crate::common::http::Message;
use crate::common::json::{self, Look};
use crate::common::proxy::{Proxy, What, When};
use crate::common::run::Invocation;
use crate::common::sandbox::ENV;
use crate::common::scripted::{Errors, Quirks, Scripted};
use crate::common::skip::skip;
use crate::common::{ALICE, Exit, Run, Sandbox, Server};
use std::path::Path;

/// Runs what must fail and checks what all failures have in common.
#[track_caller]
fn fails(sandbox: &Sandbox, invocation: Invocation, codes: &[i32]) -> Run {
    let before = sandbox.snapshot();
    let run = invocation.run();
    assert!(codes.iter().any(|code| run.exit == Exit::Code(*code)), "expected exit code {codes:?}\n{run}");
    let lines = run.stderr_lines();
    assert!(lines.len() == 1 && lines[0].starts_with("anyt: "), "not one line of error\n{run}");
    assert_eq!(run.stdout, "", "nothing on stdout\n{run}");
    assert!(!run.stderr.contains("Error {") && !run.stderr.contains("Os {"), "Debug text\n{run}");
    let changed = sandbox.snapshot().changed_since(&before);
    assert!(changed.is_empty(), "changed: {changed:?}\n{run}");
    run
}

#[track_caller]
fn assert_names(run: &Run, words: &[&str]) {
    for word in words {
        assert!(run.stderr.contains(word), "the error does not name {word:?}\n{run}");
    }
}

/// A person who has synced three tasks.
fn stage() -> (Server, Sandbox) {
    let server = Server::start();
    for title in ["One", "Two", "Three"] {
        server.bob().add_task(title);
    }
    let sandbox = Sandbox::new();
    sandbox.sign_in(&server);
    sandbox.anyt(&["sync"]).ok();
    (server, sandbox)
}

#[test]
fn no_environment_configured() {
    let sandbox = Sandbox::new();
    for args in [&["sync"][..], &["task", "list"], &["task", "create", "x", "--offline"], &["sync", "status"]] {
        let run = fails(&sandbox, sandbox.anyt(args), &[1]);
        assert_names(&run, &["anyt login URL"]);
    }
}

#[test]
fn an_unknown_environment() {
    let (_server, sandbox) = stage();
    for args in
        [&["--env", "prod", "task", "list"][..], &["env", "switch", "prod"], &["env", "remove", "prod", "--yes"]]
    {
        let run = fails(&sandbox, sandbox.anyt(args), &[1, 2]);
        assert_names(&run, &["prod", ENV]);
    }
    let run = fails(&sandbox, sandbox.anyt(&["task", "list"]).env("ANYT_ENV", "prod"), &[1, 2]);
    assert_names(&run, &["prod"]);
}

#[test]
fn an_environment_name_that_is_no_file_name() {
    let sandbox = Sandbox::new();
    sandbox.anyt(&["env", "add", "good-1.x_Y", "http://127.0.0.1:1"]).ok();
    for name in ["..", ".", "a/b", "../../x", "", "a b", "a\nb"] {
        fails(&sandbox, sandbox.anyt(&["env", "add", name, "http://127.0.0.1:1"]), &[1, 2]);
    }
}

#[test]
fn a_url_that_is_none() {
    let sandbox = Sandbox::new();
    sandbox.anyt(&["env", "add", "good", "http://127.0.0.1:1"]).ok();
    for url in ["localhost", "ftp://x", "http://", "http:///x", "http://a b/"] {
        fails(&sandbox, sandbox.anyt(&["env", "add", "dev", url]), &[1, 2]);
    }
}

/// A failed pull changes nothing but a row of sync_log (docs/sync.md), so files of the cache may differ and
/// what they hold may not.
#[track_caller]
fn fails_to_sync(sandbox: &Sandbox, codes: &[i32]) -> Run {
    let tasks = sandbox.anyt(&["task", "list", "--all", "--json"]).ok().stdout;
    let before = sandbox.snapshot();
    let run = sandbox.anyt(&["sync"]).run();
    assert!(codes.iter().any(|code| run.exit == Exit::Code(*code)), "expected exit code {codes:?}\n{run}");
    let errors: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("anyt: ")).collect();
    assert_eq!(errors.len(), 1, "one line of error\n{run}");
    let changed = sandbox.snapshot().changed_since(&before);
    let foreign: Vec<_> = changed.iter().filter(|name| !name.starts_with("cache/anyt/dev/")).collect();
    assert!(foreign.is_empty(), "changed: {foreign:?}\n{run}");
    assert_eq!(sandbox.anyt(&["task", "list", "--all", "--json"]).ok().stdout, tasks, "the cache changed\n{run}");
    run
}

#[test]
fn a_server_that_is_down() {
    let (mut server, sandbox) = stage();
    server.stop();
    let run = fails_to_sync(&sandbox, &[5]);
    assert_names(&run, &[&server.url()]);
    fails(&sandbox, sandbox.anyt(&["task", "create", "x", "--no-queue"]), &[5]);
    fails(&sandbox, sandbox.anyt(&["task", "update", "DEV-1", "--title", "x", "--no-queue"]), &[5]);
    fails(&sandbox, sandbox.anyt(&["health"]), &[5]);
    fails(&sandbox, sandbox.anyt(&["task", "list", "--remote"]), &[5]);
}

#[test]
fn a_write_to_a_server_that_is_down_is_queued() {
    let (mut server, sandbox) = stage();
    server.stop();
    sandbox.anyt(&["task", "create", "Kept"]).ok().warns("queued");
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Kept too"]).ok().warns("queued");
    assert_eq!(sandbox.pending(), 2);
    server.resume();
    sandbox.anyt(&["sync"]).ok();
    let titles: Vec<String> = sandbox.cached_tasks().iter().map(|task| task.text("title").into()).collect();
    assert!(titles.contains(&"Kept".into()) && titles.contains(&"Kept too".into()), "{titles:?}");
    assert_eq!(sandbox.pending(), 0);
}

#[test]
fn not_signed_in_or_not_allowed() {
    let (server, sandbox) = stage();
    sandbox.set_env("ANYT_AUTH_TOKEN", "anyt_nobody");
    assert_names(&fails_to_sync(&sandbox, &[4]), &["anyt auth login"]);
    let run = fails(&sandbox, sandbox.anyt(&["task", "create", "x", "--no-queue"]), &[4]);
    assert_names(&run, &["anyt auth login"]);
    fails(&sandbox, sandbox.anyt(&["auth", "whoami"]), &[4]);
    fails(&sandbox, sandbox.anyt(&["auth", "whoami"]).without_env("ANYT_AUTH_TOKEN"), &[4]);
    drop(server);
}

/// 401 and 403 in every wording of api.md 1.7: the server's own words reach the person, without its markup.
#[test]
fn refusals_in_every_wording() {
    for errors in [Errors::Problem, Errors::FastApi, Errors::Older, Errors::Html] {
        for status in [401, 403] {
            let server = Scripted::start(Quirks { errors, ..Quirks::c() });
            let sandbox = Sandbox::new();
            sandbox.sign_in_at(&server.url(), ALICE);
            sandbox.anyt(&["sync"]).ok();
            server.world().quirks.always = Some(status);
            assert_names(&fails_to_sync(&sandbox, &[4]), &["anyt auth login"]);
        }
    }
}

/// Every request of a sync in turn gets an answer that is not what api.md describes.
#[test]
fn html_or_cut_off_json_instead_of_an_answer() {
    let (server, _) = stage();
    let not_json = Message::reply(200, "application/json", "{\"items\": [{\"id\": 1, ");
    let empty = Message::reply(200, "application/json", "");
    let foreign = Message::reply(200, "application/json", "\"hello\"");
    let faults = [
        What::Html,
        What::Answer(not_json),
        What::Answer(empty),
        What::Answer(foreign),
        What::TruncatedBody,
        What::WrongLength,
    ];
    for what in faults {
        let proxy = Proxy::before(&server);
        let sandbox = Sandbox::new();
        sandbox.sign_in_at(&proxy.url(), ALICE);
        sandbox.anyt(&["sync"]).ok();
        proxy.reset();
        proxy.fault(When::is(|seen| seen.target.starts_with("/v1")).always(), what);
        fails_to_sync(&sandbox, &[1, 5]);
    }
}

#[test]
fn a_server_in_trouble() {
    let (server, _) = stage();
    let proxy = Proxy::before(&server);
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    proxy.fault(When::first("", "/").always(), What::status(500, &[]));
    fails_to_sync(&sandbox, &[1, 5]);
    proxy.reset();
    proxy.fault(When::first("", "/").always(), What::status(503, &[("Retry-After", "3600")]));
    fails_to_sync(&sandbox, &[5]);
}

#[test]
fn a_task_that_does_not_exist() {
    let (_server, sandbox) = stage();
    for args in [
        &["task", "show", "DEV-33"][..],
        &["task", "update", "DEV-33", "--title", "x", "--offline"],
        &["task", "rm", "DEV-33", "--force", "--offline"],
        &["task", "done", "DEV-33", "--offline"],
        &["task", "note", "DEV-33", "-m", "x", "--offline"],
        &["task", "dep", "add", "DEV-1", "--on", "DEV-33", "--offline"],
    ] {
        let run = fails(&sandbox, sandbox.anyt(args), &[1]);
        assert_names(&run, &["DEV-33", "DEV-3"]);
        assert!(run.stderr.replace("DEV-33", "").contains("DEV-3"), "the nearest task is named\n{run}");
    }
    for word in ["DEV-", "-42", "DEV-99999999999999999999", "💥", "DEV-1; DROP TABLE tasks", "../1"] {
        fails(&sandbox, sandbox.anyt(&["task", "show", "--", word]), &[1, 2]);
    }
}

#[test]
fn an_invalid_status_or_priority() {
    let (_server, sandbox) = stage();
    let statuses = ["backlog", "todo", "active", "blocked", "done", "canceled", "archived"];
    for args in [
        &["task", "create", "x", "--status", "doing", "--offline"][..],
        &["task", "update", "DEV-1", "--status", "doing", "--offline"],
        &["task", "list", "--status", "doing"],
    ] {
        assert_names(&fails(&sandbox, sandbox.anyt(args), &[2]), &statuses);
    }
    for priority in ["3", "-3", "high", ""] {
        let args = ["task", "create", "x", "-p", priority, "--offline"];
        assert_names(&fails(&sandbox, sandbox.anyt(&args), &[2]), &["-2", "2"]);
    }
    for estimate in ["-1", "soon", "NaN", "inf", "1e400"] {
        fails(&sandbox, sandbox.anyt(&["task", "create", "x", "--estimate", estimate, "--offline"]), &[2]);
    }
    for title in ["", "   "] {
        fails(&sandbox, sandbox.anyt(&["task", "create", title, "--offline"]), &[1, 2]);
    }
}

#[test]
fn a_command_line_that_is_wrong() {
    let sandbox = Sandbox::new();
    let wrong: [(&[&str], &[&str]); 8] = [
        (&["task", "list", "--statsu", "todo"], &["--statsu", "--status"]),
        (&["task", "create", "x", "--priority"], &["--priority"]),
        (&["sync", "now"], &["now"]),
        (&["task", "create", "one", "two"], &["two"]),
        (&["task", "create"], &["TITLE"]),
        (&["tsk", "list"], &["tsk", "task"]),
        (&["task", "lst"], &["lst", "list"]),
        (&["sync", "--pull=yes"], &["--pull"]),
    ];
    for (args, words) in wrong {
        assert_names(&fails(&sandbox, sandbox.anyt(args), &[2]), words);
    }
}

#[test]
fn a_damaged_config() {
    let (_server, sandbox) = stage();
    for damage in ["", "{", "nonsense", "{\"environments\": 7}", "{\"environments\": {\"dev\": {}}}"] {
        sandbox.write("config/anyt/config.json", damage);
        for args in [&["task", "list"][..], &["sync"], &["env", "add", "more", "http://127.0.0.1:1"]] {
            let run = fails(&sandbox, sandbox.anyt(args), &[1]);
            assert_names(&run, &["config.json"]);
        }
    }
}

#[test]
fn a_cache_that_is_no_database() {
    let (_server, sandbox) = stage();
    let cache = sandbox.cache_db();
    let whole = std::fs::read(&cache).unwrap();
    let mut torn = whole.clone();
    torn[..200].fill(b'x');
    for damage in [b"This is no database, but long enough for a header of one.".repeat(40), torn] {
        std::fs::write(&cache, damage).unwrap();
        for args in [&["task", "list"][..], &["task", "create", "x", "--offline"], &["sync", "status", "--offline"]] {
            let run = fails(&sandbox, sandbox.anyt(args), &[1]);
            assert_names(&run, &["cache.db"]);
        }
    }
}

#[test]
fn a_cache_of_a_newer_anyt() {
    let (_server, sandbox) = stage();
    let cache = rusqlite::Connection::open(sandbox.cache_db()).unwrap();
    cache.pragma_update(None, "user_version", 9999).unwrap();
    drop(cache);
    for args in [&["task", "list"][..], &["task", "create", "x", "--offline"]] {
        let run = fails(&sandbox, sandbox.anyt(args), &[1]);
        assert_names(&run, &["newer"]);
    }
}

/// SQLite's own side files come and go with a connection; on a full disk they may be left, empty.
#[track_caller]
fn fails_without_room(sandbox: &Sandbox, args: &[&str], wrapper: &str) {
    let before = sandbox.snapshot();
    let anyt = env!("CARGO_BIN_EXE_anyt");
    let words: Vec<&str> = ["-c", wrapper, "sh", anyt].iter().chain(args).copied().collect();
    let run = sandbox.program(Path::new("/bin/sh"), &words).run();
    assert_eq!(run.exit, Exit::Code(1), "{run}");
    let lines = run.stderr_lines();
    assert!(lines.len() == 1 && lines[0].starts_with("anyt: "), "not one line of error\n{run}");
    let changed = sandbox.snapshot().changed_since(&before);
    let real: Vec<_> = changed.iter().filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
    assert!(real.is_empty(), "changed: {real:?}\n{run}");
    sandbox.anyt(&["task", "list"]).ok();
    assert_eq!(sandbox.pending(), 0, "a failed write queues nothing");
}

/// A file-size limit of nothing stands for a full disk: every write to a file fails.
#[test]
fn a_full_disk() {
    let (_server, sandbox) = stage();
    let full = "ulimit -f 0; exec \"$@\"";
    fails_without_room(&sandbox, &["task", "create", "x", "--offline"], full);
    fails_without_room(&sandbox, &["task", "update", "DEV-1", "--title", "x", "--offline"], full);
    fails_without_room(&sandbox, &["env", "add", "more", "http://127.0.0.1:1"], full);
}

/// Root writes where the mode bits forbid it, so the sandbox is mounted read-only, in a mount space of its own.
#[test]
fn a_read_only_disk() {
    let (_server, sandbox) = stage();
    let root = sandbox.path("");
    let mount = format!("mount --bind '{0}' '{0}' && mount -o remount,ro,bind '{0}'", root.display());
    let probe = sandbox.program(Path::new("unshare"), &["-m", "sh", "-c", &mount]).run();
    if probe.exit != Exit::Code(0) {
        skip(&format!("no private mounts here: {}", probe.stderr.trim()));
        return;
    }
    // The working directory was entered through the old mount; it is entered again.
    let inside = format!("{mount} && cd '{}' && exec \"$@\"", sandbox.path("work").display()).replace('\'', "\"");
    let read_only = format!("exec unshare -m sh -c '{inside}' sh \"$@\"");
    fails_without_room(&sandbox, &["task", "create", "x", "--offline"], &read_only);
    fails_without_room(&sandbox, &["env", "add", "more", "http://127.0.0.1:1"], &read_only);
}

#[test]
fn no_home() {
    let sandbox = Sandbox::new();
    let names = ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"];
    let homeless = names.iter().fold(sandbox.anyt(&["task", "list"]), |run, name| run.without_env(name));
    assert_names(&fails(&sandbox, homeless, &[1]), &["HOME"]);
}

/// With `--json` the error is on stdout too, as one document (api.md 6.5).
#[test]
fn errors_as_json() {
    let (_server, sandbox) = stage();
    let run = sandbox.anyt(&["task", "show", "DEV-33", "--json"]).code(1);
    let document = run.json();
    let members = ["success", "error.code", "error.message"].map(|path| document.at(path).clone());
    assert!(matches!(members[0], json::Value::Bool(false)), "{run}");
    assert!(members[1..].iter().all(|member| json::as_text(member).is_some_and(|text| !text.is_empty())), "{run}");
}

/// There is nothing to do, or it is done already: the answer is one document all the same.
#[test]
fn nothing_to_do_as_json() {
    let (_server, sandbox) = stage();
    for (args, code) in [
        (&["sync"][..], 0),
        (&["sync", "--dry-run"], 0),
        (&["sync", "resolve"], 0),
        (&["sync", "resolve", "--all", "--local"], 0),
        (&["sync", "status", "--max-age", "1h"], 0),
        (&["sync", "status", "--max-age", "1h", "--max-pending", "0", "-q"], 0),
        (&["sync", "queue"], 0),
        (&["sync", "queue", "retry", "--all"], 0),
        (&["sync", "queue", "drop", "--all", "--yes"], 1),
        (&["sync", "queue", "show", "1"], 1),
        (&["sync", "conflicts"], 0),
        (&["sync", "restore"], 0),
        (&["sync", "restore", "--last"], 1),
        (&["sync", "log"], 0),
        (&["active"], 1),
        (&["task", "unpick"], 0),
        (&["task", "dep", "list", "DEV-1"], 0),
        (&["task", "dep", "rm", "DEV-1", "--on", "DEV-2", "--offline"], 0),
        (&["task", "dep", "add", "DEV-1", "--on", "DEV-2,DEV-3", "--offline"], 0),
        (&["task", "dep", "add", "DEV-1", "--on", "DEV-2,DEV-3", "--offline"], 0),
        (&["task", "update", "DEV-1", "--title", "One", "--offline"], 0),
        (&["task", "done", "DEV-1", "DEV-2", "--offline"], 0),
        (&["task", "done", "DEV-1", "DEV-2"], 0),
        (&["task", "create", "Never sent", "--offline"], 0),
        (&["task", "create", "Never sent either", "--offline"], 0),
        (&["task", "rm", "DEV-4", "--force", "--offline"], 0),
        (&["task", "rm", "DEV-3", "DEV-5", "--force"], 0),
        (&["sync", "status", "--max-pending", "0"], 1),
        (&["sync", "queue", "drop", "--all", "--yes"], 0),
        (&["task", "list", "--search", "nothing of the kind"], 0),
        (&["workspace", "list"], 0),
        (&["workspace", "current"], 0),
        (&["project", "list"], 0),
        (&["project", "current"], 0),
        (&["env", "list"], 0),
        (&["env", "show"], 0),
        (&["auth", "status"], 0),
        (&["auth", "whoami"], 0),
        (&["health"], 0),
    ] {
        let words: Vec<&str> = args.iter().chain(&["--json"]).copied().collect();
        let run = sandbox.anyt(&words).code(code);
        let success = matches!(run.json().at("success"), json::Value::Bool(true));
        assert_eq!(success, code == 0, "{run}");
        assert_eq!(run.stdout_lines().len(), 1, "{run}");
    }
}

#[test]
fn help_and_version_need_nothing() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    for args in [&["--help"][..], &["task", "--help"], &["task", "create", "--help"], &["--version"], &["help", "sync"]]
    {
        let names = ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"];
        let run = names.iter().fold(sandbox.anyt(args), |run, name| run.without_env(name)).ok();
        assert!(!run.stdout.is_empty() && run.stderr.is_empty(), "{run}");
    }
    assert!(sandbox.snapshot().changed_since(&before).is_empty());
}

/// A pipe where a file should be is waited for by nobody, or only so long.
#[test]
fn a_pipe_in_the_place_of_a_file() {
    let (_server, sandbox) = stage();
    let in_place_of = |path: &Path| {
        let kept = path.with_extension("kept");
        std::fs::rename(path, &kept).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        kept
    };
    sandbox.anyt(&["task", "create", "Waits", "--offline"]).ok();
    for path in [sandbox.config_json(), sandbox.queue_file()] {
        let kept = in_place_of(&path);
        for args in [&["sync"][..], &["task", "create", "x", "--offline"]] {
            let run = sandbox.anyt(args).timeout(std::time::Duration::from_secs(5)).code(1);
            assert_names(&run, &[path.to_str().unwrap(), "not a regular file"]);
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&kept, &path).unwrap();
    }
    let ca = sandbox.write("work/ca", "");
    in_place_of(&ca);
    let args = ["auth", "whoami", "--api-url", "https://localhost:9", "--ca-file", ca.to_str().unwrap()];
    let run = sandbox.anyt(&args).timeout(std::time::Duration::from_secs(20)).code(5);
    assert_names(&run, &["the CA file", "nobody writes to the pipe"]);
}

/// A name given a second time may be a slip. The old address is on screen, from where it can be given back.
#[test]
fn an_environment_that_gets_another_address() {
    let sandbox = Sandbox::new();
    for (url, warning) in [("http://127.0.0.1:1", ""), ("http://127.0.0.1:1", ""), ("http://127.0.0.1:2", "was http")] {
        let run = sandbox.anyt(&["env", "add", "work", url, "-q"]).ok();
        assert!(run.stderr.is_empty() == warning.is_empty() && run.stderr.contains(warning), "{run}");
    }
}
