//! What a server may refuse or forget (issue 3 "Poison operations", "Pull under fire"): operations it will not take, a
//! credential it no longer takes, a pause it asks for, a past it was put back to, another one in its place.

use crate::common::http::Message;
use crate::common::json::Look;
use crate::common::proxy::{Gate, Proxy, Seen, What, When};
use crate::common::run::TIMEOUT;
use crate::common::skip::skip;
use crate::common::synced::{assert_converged, titles};
use crate::common::{ALICE, BOB, Sandbox, Server, synced};

/// A person who has synced three tasks through a proxy.
fn stage() -> (Server, Proxy, Sandbox) {
    synced(&["One", "Two", "Three"])
}

fn refusal(status: u16) -> What {
    let body =
        format!(r#"{{"type":"about:blank","title":"Refused","status":{status},"detail":"poison is not allowed"}}"#);
    What::Answer(Message::reply(status, "application/problem+json", body))
}

fn mentions(method: &'static str, word: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.method == method && seen.request.text().contains(word)
}

/// Parked with the server's words; what needs it waits; the rest goes on; exit 6.
#[test]
fn refused_operations_hold_up_nothing_but_what_needs_them() {
    for status in [400, 404, 422] {
        let (server, proxy, sandbox) = stage();
        sandbox.anyt(&["task", "create", "Poison", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-4", "--priority", "2", "--offline"]).ok();
        sandbox.anyt(&["task", "dep", "add", "DEV-4", "--on", "DEV-1", "--offline"]).ok();
        sandbox.anyt(&["task", "create", "Child", "--parent", "DEV-4", "--offline"]).ok();
        sandbox.anyt(&["task", "create", "Good", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-1", "--title", "One, changed", "--offline"]).ok();
        proxy.fault(When::is(mentions("POST", "Poison")).always(), refusal(status));

        let run = sandbox.anyt(&["sync", "--no-input"]).code(6);
        assert!(run.stderr.contains("poison is not allowed"), "{run}");
        assert_eq!(titles(&server.alice().all_tasks()), ["Good", "One, changed", "Three", "Two"]);
        assert_eq!(sandbox.pending(), 4, "the refused one and the three that need it");
        let queue = sandbox.anyt(&["sync", "queue"]).ok();
        assert!(queue.stdout.contains("refused: ") && queue.stdout.contains("poison is not allowed"), "{queue}");
        sandbox.anyt(&["sync", "queue", "show", "1"]).ok().says("poison is not allowed");
        sandbox.anyt(&["sync", "--no-input"]).code(6);

        sandbox.anyt(&["sync", "queue", "retry", "--all"]).ok();
        proxy.reset();
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(titles(&server.alice().all_tasks()), ["Child", "Good", "One, changed", "Poison", "Three", "Two"]);
        assert_eq!(sandbox.pending(), 0);
        assert_converged(&server, &sandbox);
    }
}

/// What was refused is changed, not repeated: the creation is sent as the task looks now, also where changes wait behind it.
#[test]
fn a_refused_create_is_mended_by_an_update() {
    for online in [false, true] {
        let (server, proxy, sandbox) = stage();
        sandbox.anyt(&["task", "create", "Poison", "-d", "text", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-4", "--title", "Poison, too", "-p", "2", "--offline"]).ok();
        proxy.fault(When::is(mentions("POST", "Poison")).always(), refusal(422));
        sandbox.anyt(&["sync", "--no-input"]).code(6);
        // No sync that runs writes what it knows over it.
        let gate = Gate::new();
        proxy.fault(When::ending("GET", "/workspaces"), What::StallReply(gate.clone()));
        let syncing = sandbox.anyt(&["sync", "--no-input"]).spawn();
        gate.wait_for_somebody();
        sandbox.anyt(&["task", "update", "DEV-4", "--phase", "one", "--offline"]).ok();
        gate.open();
        syncing.wait(std::time::Duration::from_secs(30)).code(6);
        // A create that was refused takes what is changed since.
        assert_eq!(sandbox.pending(), 2);
        if online {
            let run = sandbox.anyt(&["task", "update", "DEV-4", "--title", "Poison still"]).code(1);
            assert!(run.stderr.contains("poison is not allowed") && run.stderr.contains("it stays queued"), "{run}");
            assert_eq!(sandbox.pending(), 2);
            sandbox.anyt(&["task", "update", "DEV-4", "--title", "Good"]).ok().says("  Create: DEV-4 was refused");
        } else {
            sandbox.anyt(&["task", "update", "DEV-4", "--title", "Good", "--offline"]).ok().says("Create: DEV-4 was");
            assert_eq!(sandbox.pending(), 2);
            std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("queue.jsonl has it too");
        }
        assert_eq!(sandbox.cached_task("DEV-4").text("title"), "Good");
        sandbox.anyt(&["sync", "--no-input"]).ok();
        let task = server.alice().task("DEV-4").expect("it was created");
        let texts = ["title", "description", "phase"].map(|field| task.text(field).to_string());
        assert_eq!((texts, task.int("priority")), (["Good", "text", "one"].map(String::from), 2));
        assert_converged(&server, &sandbox);
    }
}

/// A change of the same field takes the place of what was refused; one of another field goes without it.
#[test]
fn a_refused_update_is_mended_by_an_update_of_the_same() {
    for flags in [&["--offline"][..], &[]] {
        let (server, proxy, sandbox) = stage();
        let update = |args: &[&str]| sandbox.anyt(&[&["task", "update", "DEV-1"], args, flags].concat());
        sandbox.anyt(&["task", "update", "DEV-1", "--title", "Poison", "--offline"]).ok();
        proxy.fault(When::is(mentions("PATCH", "Poison")).always(), refusal(422));
        sandbox.anyt(&["sync", "--no-input"]).code(6);
        let sent = proxy.writes().len();
        update(&["-p", "1"]).ok();
        let later = proxy.writes().split_off(sent);
        assert_eq!(later.len(), usize::from(flags.is_empty()), "only what was asked for: {later:?}");
        update(&["--title", "Good"]).ok().says("  Update: DEV-1 (title) was refused; it is sent as it is now");
        sandbox.anyt(&["sync", "--no-input"]).ok();
        let task = server.alice().task("DEV-1").expect("it is there");
        assert_eq!((task.text("title"), task.int("priority")), ("Good", 1));
        assert_converged(&server, &sandbox);
    }
}

/// A retry says of each operation what is true, and changes nothing where the queue is not any more.
#[test]
fn a_retry_promises_only_what_the_next_sync_does() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Poison", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-2", "--title", "Mine", "--offline"]).ok();
    server.bob().edit_task("DEV-2", r#"{"title":"Theirs"}"#);
    proxy.fault(When::is(mentions("PATCH", "Poison")).always(), refusal(422));
    sandbox.anyt(&["sync", "--no-input"]).run();
    sandbox.anyt(&["task", "update", "DEV-3", "-p", "2", "--offline"]).ok();
    let run = sandbox.anyt(&["sync", "queue", "retry", "2", "3"]).ok();
    assert!(!run.stdout.contains("will be sent"), "{run}");
    run.warns("Update: DEV-3 (priority) was not refused; it is waiting").warns("anyt sync resolve DEV-2");
    let run = sandbox.anyt(&["sync", "queue", "retry", "1", "2"]).ok();
    assert_eq!(run.stdout, "✓ 1 operation will be sent with the next sync\n");
    // The spare copy has it too; without the cache nobody knows that it was refused, so that it is looked for first.
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("it is there");
    let queue = sandbox.anyt(&["sync", "queue", "--json"]).ok().json();
    assert_eq!(queue.text("data.items.0.state"), "sent, answer unknown; checked at the next sync");
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    assert_eq!(server.alice().task("DEV-1").expect("it is there").text("title"), "Poison");
}

/// What needs something that was refused does not send that again by the way, and says what it waits for.
#[test]
fn what_is_in_the_way_is_named() {
    let (_server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Poison", "--offline"]).ok();
    proxy.fault(When::is(mentions("POST", "Poison")).always(), refusal(422));
    sandbox.anyt(&["sync", "--no-input"]).code(6);
    let sent = proxy.writes().len();
    let run = sandbox.anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-4"]).code(1);
    for words in [
        "it depends on a refused operation, DEV-4: poison is not allowed",
        "anyt sync queue retry DEV-4, or drop DEV-4",
    ] {
        assert!(run.stderr.contains(words), "{run}");
    }
    assert_eq!((proxy.writes().len(), sandbox.pending()), (sent, 1));
}

/// Updates, deletes and dependencies that are refused stay too, each with its own words.
#[test]
fn every_kind_of_operation_can_be_refused() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "update", "DEV-1", "--title", "Changed", "--offline"]).ok();
    sandbox.anyt(&["task", "rm", "DEV-2", "--force", "--offline"]).ok();
    sandbox.anyt(&["task", "dep", "add", "DEV-3", "--on", "DEV-1", "--offline"]).ok();
    proxy.fault(When::is(|seen| seen.method != "GET").always(), refusal(422));
    sandbox.anyt(&["sync", "--no-input"]).code(6);
    assert_eq!(titles(&server.alice().all_tasks()), ["One", "Three", "Two"]);
    assert_eq!(sandbox.pending(), 3);
    let queue = sandbox.anyt(&["sync", "queue", "--json"]).ok().json();
    assert!(queue.items("data.items").iter().all(|item| item.text("error").contains("poison is not allowed")));
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).code(6);
    assert_eq!(proxy.writes().len(), 0, "what was refused is parked");
    sandbox.anyt(&["sync", "queue", "retry", "--all"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server.alice().all_tasks()), ["Changed", "Three"]);
    assert_converged(&server, &sandbox);
}

/// Dropped with what needs it, kept in a file, and brought back whole.
#[test]
fn what_is_dropped_can_be_restored() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Poison", "--offline"]).ok();
    sandbox.anyt(&["task", "update", "DEV-4", "--priority", "2", "--offline"]).ok();
    sandbox.anyt(&["task", "dep", "add", "DEV-4", "--on", "DEV-1", "--offline"]).ok();
    sandbox.anyt(&["task", "create", "Good", "--offline"]).ok();
    proxy.fault(When::is(mentions("POST", "Poison")).always(), refusal(422));
    sandbox.anyt(&["sync", "--no-input"]).code(6);
    sandbox.anyt(&["sync", "queue", "drop", "1"]).code(1);
    assert_eq!(sandbox.pending(), 3, "nobody said yes");
    sandbox.anyt(&["sync", "queue", "drop", "1", "--yes"]).ok();
    assert_eq!(sandbox.pending(), 0);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_converged(&server, &sandbox);

    proxy.reset();
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    assert_eq!(sandbox.pending(), 3);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server.alice().all_tasks()), ["Good", "One", "Poison", "Three", "Two"]);
    let poison = sandbox.cached_tasks().into_iter().find(|task| task.text("title") == "Poison").expect("it is there");
    assert_eq!(poison.int("priority"), 2);
    assert_eq!(sandbox.cached_task(poison.text("identifier")).items("depends_on").len(), 1);
    assert_converged(&server, &sandbox);
}

/// Real validation rather than an injected one: a parent that somebody deleted meanwhile.
#[test]
fn a_parent_that_is_gone() {
    let (server, _proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Child", "--parent", "DEV-1", "--offline"]).ok();
    sandbox.anyt(&["task", "create", "Good", "--offline"]).ok();
    server.bob().delete(&server.bob().tasks("DEV-1"));
    let run = sandbox.anyt(&["sync", "--no-input"]).code(6);
    assert!(run.stderr.contains("was not sent: DEV-1 is gone\n"), "{run}");
    assert_eq!(titles(&server.alice().all_tasks()), ["Good", "Three", "Two"]);
    assert_eq!(sandbox.pending(), 1);
}

/// With refused operations too, stdout is one document.
#[test]
fn a_refusal_as_json_is_one_document() {
    let (_server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Poison", "--offline"]).ok();
    proxy.fault(When::is(mentions("POST", "Poison")).always(), refusal(422));
    let run = sandbox.anyt(&["sync", "--no-input", "--json"]).code(6);
    assert_eq!(run.stdout_lines().len(), 1, "{run}");
    assert_eq!(run.json().int("data.refused"), 1);
}

#[test]
fn a_credential_that_expires_during_a_push() {
    // A 401 is about the credential; a 403 about the operation, which is refused until somebody says otherwise.
    for (status, code, writes) in [(401, 4, 2), (403, 6, 3)] {
        let (server, proxy, sandbox) = stage();
        for title in ["First", "Second", "Last"] {
            sandbox.anyt(&["task", "create", title, "--offline"]).ok();
        }
        proxy.fault(When::ending("POST", "/tasks").after(1).always(), refusal(status));
        sandbox.anyt(&["sync", "--no-input"]).code(code);
        assert_eq!(titles(&server.alice().all_tasks()), ["First", "One", "Three", "Two"]);
        assert_eq!(proxy.writes().len(), writes, "sent in spite of a {status}");
        assert_eq!(sandbox.pending(), 2);
        proxy.reset();
        if status == 403 {
            sandbox.anyt(&["sync", "queue", "retry", "--all"]).ok();
        }
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(titles(&server.alice().all_tasks()), ["First", "Last", "One", "Second", "Three", "Two"]);
        assert_converged(&server, &sandbox);
    }
}

/// An hour asked for in either form holds for later runs, whatever this machine's clock says, and ends.
#[test]
fn a_pause_the_server_asks_for_holds_for_later_runs() {
    if !cfg!(feature = "failpoints") {
        skip("the clock can be set wrong only with --features failpoints");
        return;
    }
    let now = anyt::time::Timestamp::now();
    let http_date = |after: i64| {
        let text = anyt::time::Timestamp(now.0 + after * 1_000_000).rfc3339();
        let (year, month, day) = (&text[..4], &text[5..7], &text[8..10]);
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = months[month.parse::<usize>().expect("a month") - 1];
        format!("Sun, {day} {month} {year} {} GMT", &text[11..19])
    };
    for (status, pause, skew) in [
        (429, "3600".to_string(), 0),
        (503, "3600".to_string(), 0),
        (429, http_date(3600), 0),
        (503, http_date(3600), 86_400),
        (503, http_date(3600), -86_400),
        (429, "3600".to_string(), -86_400),
    ] {
        let (_server, proxy, sandbox) = stage();
        let clock = |after: i64| (skew + after).to_string();
        let date = http_date(0);
        sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
        proxy.fault(When::is(|_| true), What::status(status, &[("Retry-After", &pause), ("Date", &date)]));
        let run = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_CLOCK_SKEW", &clock(0)).code(5);
        let requests = proxy.log().len();
        for after in [0, 60, 3000] {
            let again = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_CLOCK_SKEW", &clock(after)).code(5);
            assert_eq!(proxy.log().len(), requests, "{status} {pause} skew {skew}\n{run}\n{again}");
        }
        sandbox.anyt(&["task", "create", "Meanwhile", "--offline"]).ok();
        sandbox.anyt(&["sync", "--no-input"]).env("ANYT_CLOCK_SKEW", &clock(3700)).ok();
        assert_eq!(sandbox.pending(), 0);
    }
}

/// A queue is never sent to another account or server than it was made for; without a queue the cache is replaced.
#[test]
fn another_account_or_server_behind_the_environment() {
    let (server, proxy, sandbox) = stage();
    let elsewhere = Server::start();
    elsewhere.bob().add_task("Elsewhere");
    let other = Proxy::before(&elsewhere);
    let move_to = |from: &str, to: &str| {
        let config = sandbox.read("config/anyt/config.json");
        assert!(config.contains(from), "{config}");
        sandbox.write("config/anyt/config.json", config.replace(from, to));
        // The folder is tied to its server, which origins.rs is about.
        let folder = sandbox.read("work/.anyt/anyt.json");
        sandbox.write("work/.anyt/anyt.json", folder.replace(from, to));
    };
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    let refused = |writes: &Proxy| {
        let before = titles(&sandbox.cached_tasks());
        for args in [&["sync", "--no-input"][..], &["sync", "--no-input", "--push"], &["task", "create", "x"]] {
            let run = sandbox.anyt(args).code(1);
            let why = ["queued operation", "another server or account"].iter().any(|words| run.stderr.contains(words));
            assert!(why, "{run}");
        }
        assert_eq!(writes.writes().len(), 0);
        assert_eq!((sandbox.pending(), titles(&sandbox.cached_tasks())), (1, before));
    };
    sandbox.set_env("ANYT_AUTH_TOKEN", BOB);
    refused(&proxy);
    sandbox.set_env("ANYT_AUTH_TOKEN", ALICE);
    move_to(&proxy.url(), &other.url());
    refused(&other);
    assert_eq!(titles(&elsewhere.alice().all_tasks()), ["Elsewhere"]);

    move_to(&other.url(), &proxy.url());
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server.alice().all_tasks()), ["Mine", "One", "Three", "Two"]);

    sandbox.set_env("ANYT_AUTH_TOKEN", BOB);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_converged(&server, &sandbox);
    move_to(&proxy.url(), &other.url());
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&sandbox.cached_tasks()), ["Elsewhere"]);
}

/// A sync is at work, so that what was refused cannot be mended or taken back at once: it is at the next occasion.
#[test]
fn what_was_refused_is_no_dead_end_after_a_sync_was_in_the_way() {
    for mends in [true, false] {
        let (server, proxy, sandbox) = stage();
        sandbox.anyt(&["task", "create", "Poison", "--offline"]).ok();
        proxy.fault(When::is(mentions("POST", "Poison")).always(), refusal(422));
        sandbox.anyt(&["sync", "--no-input"]).code(6);
        let gate = Gate::new();
        proxy.fault(When::ending("GET", "/workspaces"), What::StallReply(gate.clone()));
        let sync = sandbox.anyt(&["sync", "--no-input"]).spawn();
        gate.wait_for_somebody();
        let change: &[&str] =
            if mends { &["task", "update", "DEV-4", "--title", "Good"] } else { &["task", "rm", "DEV-4", "--force"] };
        sandbox.anyt(&[change, &["--offline"]].concat()).ok();
        gate.open();
        sync.wait(TIMEOUT);
        if mends {
            sandbox.anyt(&[change, &["--offline"]].concat()).ok();
        }
        let run = sandbox.anyt(&["sync", "--no-input"]).ok();
        let wanted: &[&str] = if mends { &["Good", "One", "Three", "Two"] } else { &["One", "Three", "Two"] };
        assert_eq!(titles(&server.alice().all_tasks()), wanted, "{run}");
        assert_eq!(sandbox.pending(), 0, "{run}");
    }
}

/// Lost once, then refused: neither request has made the task, and it can be mended.
#[test]
fn a_create_that_was_lost_and_then_refused_can_be_mended() {
    for hidden in [true, false] {
        let (server, proxy, sandbox) = stage();
        if hidden {
            proxy.hide_idempotency();
        }
        sandbox.anyt(&["task", "create", "Poison", "--offline"]).ok();
        proxy.fault(When::ending("POST", "/tasks").times(9), What::ResetAfterRequestBytes(40));
        sandbox.anyt(&["sync", "--no-input"]).code(5);
        proxy.forget_faults();
        proxy.fault(When::is(mentions("POST", "Poison")).always(), refusal(422));
        sandbox.anyt(&["sync", "--no-input"]).code(6);
        sandbox.anyt(&["task", "update", "DEV-4", "--title", "Good", "--offline"]).ok();
        let run = sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(titles(&server.alice().all_tasks()), ["Good", "One", "Three", "Two"], "{run}");
        assert_eq!(sandbox.pending(), 0, "{run}");
    }
}

/// The sync that has sent it is killed while a delete of the task waits for its turn: the delete is for the server.
#[test]
fn a_create_that_a_killed_sync_has_sent_is_not_taken_back_unsent() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    let (sent, asked) = (Gate::new(), Gate::new());
    proxy.fault(When::ending("POST", "/tasks"), What::StallReply(sent.clone()));
    let sync = sandbox.anyt(&["sync", "--no-input"]).spawn();
    sent.wait_for_somebody();
    proxy.fault(When::ending("GET", "/v1/auth"), What::StallReply(asked.clone()));
    let delete = sandbox.anyt(&["task", "rm", "DEV-4", "--force"]).spawn();
    asked.wait_for_somebody();
    sync.kill();
    asked.open();
    delete.wait(TIMEOUT);
    sent.open();
    let run = sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&server.alice().all_tasks()), ["One", "Three", "Two"], "{run}");
    assert_eq!(sandbox.pending(), 0, "{run}");
}
