//! P2 and P4 after an answer was lost, on servers that do not know `Idempotency-Key`: what may have arrived is looked for
//! by what servers and colleagues leave of it, and where that is in doubt somebody is asked. Nothing is sent a second time
//! on a guess, and what a colleague took back is not done again.

use crate::common::deadline::wait_until;
use crate::common::http::Message;
use crate::common::json::Look;
use crate::common::proxy::{Gate, Proxy, What, When};
use crate::common::run::TIMEOUT;
use crate::common::{ALICE, Exit, Sandbox, Server, synced};

const LONG: &str = "A title so long that a server of another make would cut the end of it off, as some of them do";

fn stage() -> (Server, Proxy, Sandbox) {
    let server = Server::start();
    server.bob().add_task("One");
    let proxy = Proxy::before(&server);
    proxy.hide_idempotency();
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    proxy.reset();
    (server, proxy, sandbox)
}

/// A create of `LONG` whose answer is lost, and nobody looks at once.
fn lose_a_create(proxy: &Proxy, sandbox: &Sandbox) {
    lose(proxy, sandbox, &["task", "create", LONG, "-d", "What it is\nabout", "--offline"]);
}

fn lose(proxy: &Proxy, sandbox: &Sandbox, create: &[&str]) {
    sandbox.anyt(create).ok();
    let run = sandbox.anyt(&["sync", "--push", "--no-input"]).env("ANYT_FAILPOINT", "push.request.after").run();
    assert_eq!(run.exit, Exit::Signal(9), "{run}");
    proxy.reset();
}

/// What colleagues and servers do to a task of whose existence we do not know. `None`: it is not recognised as ours for
/// certain, so somebody has to say.
#[test]
fn a_create_whose_task_was_changed_since_is_not_sent_again_on_a_guess() {
    for (change, adopted) in [
        (
            r#"{"title":"A title so long that a server of another make would cut the end of it off, as some of them do ","description":"What it is\r\nabout"}"#,
            true,
        ),
        (r#"{"title":"A title so long that a server of another make would cut"}"#, false),
        (r#"{"title":"Another title"}"#, false),
        (r#"{"description":"Another description"}"#, false),
    ] {
        let (server, proxy, sandbox) = stage();
        lose_a_create(&proxy, &sandbox);
        server.bob().edit_task("DEV-2", change);
        let run = sandbox.anyt(&["sync", "--no-input"]).code(if adopted { 0 } else { 6 });
        assert_eq!(server.bob().all_tasks().len(), 2, "{change}\n{run}");
        if adopted {
            assert_eq!(sandbox.pending(), 0, "{change}\n{run}");
            continue;
        }
        assert!(run.stderr.contains("it may have become DEV-2"), "{change}\n{run}");
        sandbox.anyt(&["sync", "--no-input"]).code(6);
        assert_eq!(server.bob().all_tasks().len(), 2, "{change}: asked again");
        if change.contains("Another title") {
            sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
            sandbox.anyt(&["sync", "--no-input"]).ok();
            assert_eq!(server.bob().all_tasks().len(), 2, "it was the one");
        } else {
            sandbox.anyt(&["sync", "queue", "retry", "--all"]).ok();
            sandbox.anyt(&["sync", "--no-input"]).ok();
            assert_eq!(server.bob().all_tasks().len(), 3, "it was not");
        }
    }
}

/// A slow server, or a gateway on the way, is still at a create when nobody waits for it any more: the run has given up, or
/// was killed. Whoever has to know waits, and the task is not made a second time. (Found by tests/anyt/convergence.rs, seed 20588.)
#[test]
fn a_create_that_arrives_late_is_one_task() {
    for killed in [true, false] {
        let (server, proxy, sandbox) = stage();
        sandbox.set_env("ANYT_TIMEOUT", if killed { "8" } else { "4" });
        sandbox.anyt(&["task", "create", "Late", "--offline"]).ok();
        let gate = Gate::new();
        proxy.fault(When::ending("POST", "/tasks"), What::StallRequest(gate.clone()));
        let first = sandbox.anyt(&["sync", "--no-input"]).spawn();
        gate.wait_for_somebody();
        let waiting = if killed {
            first.kill();
            sandbox.anyt(&["sync", "--no-input"]).spawn()
        } else {
            first
        };
        wait_until("it waits", TIMEOUT, || waiting.stderr_so_far().contains("may still arrive"));
        gate.open();
        let run = waiting.wait(TIMEOUT).code(0);
        assert_eq!(server.bob().all_tasks().len(), 2, "killed: {killed}\n{run}");
        assert_eq!(sandbox.pending(), 0, "{run}");
    }
}

/// Servers compose accents and escape what HTML has a meaning for. The task is not made a second time for that.
#[test]
fn a_create_whose_title_the_server_wrote_anew_is_not_sent_again_on_a_guess() {
    let (server, proxy, sandbox) = stage();
    lose(&proxy, &sandbox, &["task", "create", "Cafe\u{301} & \"the\u{301}\"", "--offline"]);
    server.bob().edit_task("DEV-2", r#"{"title":"Café &amp; &quot;thé&quot;"}"#);
    let run = sandbox.anyt(&["sync", "--no-input"]).code(6);
    assert!(run.stderr.contains("it may have become DEV-2"), "{run}");
    assert_eq!(server.bob().all_tasks().len(), 2, "{run}");
}

/// The ids and numbers that the cache knows were handed out by a server that has forgotten them, and hands them out again:
/// what is made now has a smaller one. Whether the cache has followed before the create is sent, or not.
#[test]
fn a_create_that_arrived_on_a_restored_server_is_found_below_the_old_numbers() {
    for followed in [true, false] {
        let (mut server, proxy, sandbox) = stage();
        let backup = server.remember();
        (0..4).for_each(|n| drop(server.bob().add_task(&format!("Since {n}"))));
        sandbox.anyt(&["sync"]).ok();
        server.go_back(&backup);
        if followed {
            sandbox.anyt(&["sync", "--no-input", "--pull"]).ok();
        }
        lose_a_create(&proxy, &sandbox);
        assert_eq!(server.bob().all_tasks().len(), 2);
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!((server.bob().all_tasks().len(), sandbox.pending()), (2, 0), "followed: {followed}");
    }
}

#[test]
fn a_create_whose_task_was_deleted_since_is_not_made_again() {
    let (server, proxy, sandbox) = stage();
    lose_a_create(&proxy, &sandbox);
    let bob = server.bob();
    assert_eq!(bob.delete(&bob.tasks("DEV-2")).0, 204);
    let run = sandbox.anyt(&["sync", "--no-input"]).code(6);
    assert!(run.stderr.contains("it may have become DEV-2"), "{run}");
    assert_eq!(bob.all_tasks().len(), 1);
}

/// Given up by a force sync that pulled it, and then restored as its message says: still one task.
#[test]
fn a_lost_create_that_is_given_up_and_restored_is_one_task() {
    for hidden in [true, false] {
        for give_up in [&["sync", "--force", "--yes"][..], &["sync", "queue", "drop", "--all", "--yes"]] {
            let (server, proxy, sandbox) = stage();
            if !hidden {
                // The same over a door through which the key passes.
                sandbox.anyt(&["env", "add", "direct", &server.url()]).ok();
                sandbox.anyt(&["env", "switch", "direct"]).ok();
                sandbox.anyt(&["sync"]).ok();
            }
            lose_a_create(&proxy, &sandbox);
            sandbox.anyt(give_up).ok();
            sandbox.anyt(&["sync", "restore", "--last"]).ok().says("✓ Queued 1 operation again");
            sandbox.anyt(&["sync", "--no-input"]).ok();
            assert_eq!(server.bob().all_tasks().len(), 2, "key hidden: {hidden}, {give_up:?}");
        }
    }
}

/// Two machines of one account make a task of the same name. What the one made is not taken for what the other sent.
#[test]
fn a_twin_is_not_adopted() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Weekly report", "-p", "2", "--offline"]).ok();
    sandbox.set_env("ANYT_TEST_SETTLE_MS", "50");
    proxy.fault(When::ending("POST", "/tasks").always(), What::ResetAfterRequestBytes(40));
    sandbox.anyt(&["sync", "--no-input"]).code(5);
    proxy.reset();
    server.alice().add_task("Weekly report");
    let run = sandbox.anyt(&["sync", "--no-input"]).code(6);
    assert!(run.stderr.contains("it may have become DEV-2"), "{run}");
    sandbox.anyt(&["sync", "queue", "retry", "--all"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(server.bob().all_tasks().len(), 3);
}

/// A server that honours the key and answers a create with nothing: the task that it makes is found.
#[test]
fn an_empty_answer_does_not_keep_a_create_queued_for_ever() {
    let (server, proxy, sandbox) = synced(&["One"]);
    let empty = Message::reply(201, "application/json", "").with_header("Idempotency-Key-Honoured", "true");
    proxy.fault(When::ending("POST", "/tasks").always(), What::AnswerAfter(empty));
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).code(5);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!((server.bob().all_tasks().len(), sandbox.pending()), (2, 0));
}

/// The update arrived, its answer did not, and a colleague set the field back. Doing it again is for Alice to say.
#[test]
fn what_a_colleague_took_back_is_not_done_again() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "update", "DEV-1", "--status", "active", "--offline"]).ok();
    let run = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", "push.request.after").run();
    assert_eq!(run.exit, Exit::Signal(9), "{run}");
    proxy.reset();
    assert_eq!(server.bob().task("DEV-1").expect("live").text("status"), "active");
    server.bob().edit_task("DEV-1", r#"{"status":"backlog"}"#);
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    assert_eq!(server.bob().task("DEV-1").expect("live").text("status"), "backlog");
    sandbox.anyt(&["sync", "resolve", "DEV-1", "--local"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(server.bob().task("DEV-1").expect("live").text("status"), "active");
    assert_eq!(sandbox.pending(), 0);
}

/// The same where no answer came and nothing had arrived: the decision is about the present, not about what was sent once.
#[test]
fn a_decision_is_not_taken_for_what_was_sent_before_it() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "update", "DEV-1", "--status", "active", "--offline"]).ok();
    proxy.fault(When::first("PATCH", "").always(), What::ResetAfterRequestBytes(40));
    sandbox.anyt(&["sync", "--no-input"]).code(5);
    proxy.reset();
    server.bob().edit_task("DEV-1", r#"{"status":"done"}"#);
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    let editor = sandbox.write("work/editor", "echo 'status: blocked' > \"$1\"\n");
    sandbox.set_env("VISUAL", &format!("sh {}", editor.display()));
    sandbox.anyt(&["sync", "resolve", "DEV-1", "--edit"]).ok();
    server.bob().edit_task("DEV-1", r#"{"status":"active"}"#);
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    assert_eq!(sandbox.pending(), 1, "blocked was typed and is neither sent nor thrown away");
}

/// Killed after it sent what it had merged: that has arrived, and the queue still has the unmerged form. Sent again, it
/// would take the colleague's part away (found by tests/anyt/convergence.rs, seed 781).
#[test]
fn what_was_merged_and_arrived_is_not_sent_unmerged() {
    let (server, proxy, sandbox) = stage();
    server.bob().edit_task("DEV-1", r#"{"description":"Old text"}"#);
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "note", "DEV-1", "-m", "Mine", "--offline"]).ok();
    server.bob().edit_task("DEV-1", r#"{"description":"Bob's text"}"#);
    let run = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", "push.request.after").run();
    assert_eq!(run.exit, Exit::Signal(9), "{run}");
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    let text = server.bob().task("DEV-1").expect("live").text("description").to_string();
    assert!(text.starts_with("Bob's text\n") && text.matches("- Mine").count() == 1, "{text}");
    assert_eq!(sandbox.pending(), 0);
}

/// A 409 is an answer. What is edited by hand after it is not taken for what was sent before.
#[test]
fn a_refused_version_is_no_lost_answer() {
    let (server, _proxy, sandbox) = stage();
    sandbox.anyt(&["task", "update", "DEV-1", "--status", "active", "--offline"]).ok();
    server.bob().edit_task("DEV-1", r#"{"status":"done"}"#);
    sandbox.anyt(&["sync", "--push", "--no-input"]).code(3);
    let queue = sandbox.anyt(&["sync", "queue"]).ok();
    assert!(!queue.stdout.contains("answer unknown"), "{queue}");
    let editor = sandbox.write("work/editor", "echo 'status: blocked' > \"$1\"\n");
    sandbox.set_env("VISUAL", &format!("sh {}", editor.display()));
    sandbox.anyt(&["sync", "resolve", "DEV-1", "--edit"]).ok();
    server.bob().edit_task("DEV-1", r#"{"status":"active"}"#);
    sandbox.anyt(&["sync", "--no-input"]).code(3);
    assert_eq!(sandbox.pending(), 1, "blocked was typed and is neither sent nor thrown away");
}

fn conflict() -> Message {
    Message::reply(
        409,
        "application/problem+json",
        r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"taken"}"#,
    )
}

/// A server, or what stands before it, that carries a create out and answers that it could not. Which of the two it was is
/// found out with two requests, not by reading the lists again.
#[test]
fn a_create_that_was_carried_out_and_refused_is_one_task() {
    for keys in [false, true] {
        for command in [&["task", "create", "New"][..], &["task", "create", "New", "--offline"]] {
            let (server, proxy, sandbox) = if keys { synced(&["One"]) } else { stage() };
            proxy.fault(When::ending("POST", "/tasks"), What::AnswerAfter(conflict()));
            sandbox.anyt(command).ok();
            let run = sandbox.anyt(&["sync"]).ok();
            assert_eq!(server.bob().all_tasks().len(), 2, "{keys} {command:?}\n{run}");
            assert_eq!(sandbox.pending(), 0, "{keys} {command:?}\n{run}");
        }
    }
}

/// One that was not carried out is rejected in the server's words, and made once when it is sent again.
#[test]
fn a_create_that_was_refused_with_409_is_rejected() {
    let (server, proxy, sandbox) = stage();
    proxy.fault(When::ending("POST", "/tasks"), What::Answer(conflict()));
    sandbox.anyt(&["task", "create", "New", "--offline"]).ok();
    let run = sandbox.anyt(&["sync"]).code(6);
    assert!(run.stderr.contains("taken"), "{run}");
    let log = proxy.log();
    let after = log.iter().skip_while(|exchange| exchange.method != "POST").skip(1).count();
    assert!(after <= 2, "{after} requests after it\n{run}");
    sandbox.anyt(&["sync", "queue", "retry", "DEV-2"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!((server.bob().all_tasks().len(), sandbox.pending()), (2, 0));
}

/// A colleague has made a task of the same title meanwhile: what the server said is said, and no lost answer is.
#[test]
fn a_create_that_was_refused_beside_a_twin_is_told_in_the_servers_words() {
    let (server, proxy, sandbox) = stage();
    server.bob().add_task("New");
    proxy.fault(When::ending("POST", "/tasks"), What::Answer(conflict()));
    let create = sandbox.anyt(&["task", "create", "New"]).run();
    assert!(create.stderr.contains("taken; it may have become DEV-2: if so: "), "{create}");
    sandbox.anyt(&["task", "create", "New", "--offline"]).ok();
    server.bob().add_task("New");
    proxy.fault(When::ending("POST", "/tasks"), What::Answer(conflict()));
    let sync = sandbox.anyt(&["sync", "--push"]).code(6);
    for run in [create, sync] {
        assert!(!run.stderr.contains("answer was lost"), "{run}");
    }
    assert_eq!(server.bob().all_tasks().len(), 3);
}

/// What was made long before the request was not made by it, though nobody here has seen it yet.
#[test]
fn an_old_task_of_the_same_title_is_not_taken_for_a_new_one() {
    let mut server = Server::start();
    server.alice().add_task("Weekly report");
    server.age_tasks();
    let proxy = Proxy::before(&server);
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    proxy.fault(When::ending("POST", "/tasks"), What::Answer(conflict()));
    let run = sandbox.anyt(&["task", "create", "Weekly report", "--priority", "2"]).code(1);
    assert!(run.stderr.contains("taken"), "{run}");
}
