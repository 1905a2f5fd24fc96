//! What is queued for one server or account is never pushed to another one, also when the cache
//! that knew it was lost, and when there was no sync yet.

use crate::common;
use crate::common::json::Look;
use crate::common::{ALICE, BOB, Sandbox, Server};

/// Two servers with tasks of the same names, and Alice on the first one.
fn stage(synced: bool) -> (Server, Server, Sandbox) {
    let (one, two) = (Server::start(), Server::start());
    for title in ["First", "Second"] {
        one.bob().add_task(&format!("{title} of one"));
        two.bob().add_task(&format!("{title} of two"));
    }
    let sandbox = Sandbox::new();
    sandbox.sign_in(&one);
    if synced {
        sandbox.anyt(&["sync"]).ok();
    }
    (one, two, sandbox)
}

/// The environment's address becomes the other server's, as by hand in config.json.
fn move_to(sandbox: &Sandbox, from: &Server, to: &Server) {
    let config = sandbox.read("config/anyt/config.json");
    sandbox.write("config/anyt/config.json", config.replace(&from.url(), &to.url()));
}

fn titles(server: &Server) -> Vec<String> {
    let mut titles: Vec<String> = server.bob().all_tasks().iter().map(|task| task.text("title").to_string()).collect();
    titles.sort();
    titles
}

#[test]
fn a_queue_never_goes_to_another_server() {
    for (synced, wiped) in [(true, false), (true, true), (false, false), (false, true)] {
        let (one, two, sandbox) = stage(synced);
        sandbox.anyt(&["task", "create", "For one only", "--offline"]).ok();
        if synced {
            sandbox.anyt(&["task", "rm", "DEV-2", "--force", "--offline"]).ok();
            sandbox.anyt(&["task", "done", "DEV-1", "--offline"]).ok();
        }
        if wiped {
            std::fs::remove_dir_all(sandbox.path("cache")).expect("our own folder");
        }
        move_to(&sandbox, &one, &two);
        for args in [&["sync", "--no-input"][..], &["sync", "--push", "--no-input"], &["task", "create", "New"]] {
            let run = sandbox.anyt(args).run();
            assert_ne!(run.exit, common::Exit::Code(0), "synced {synced}, wiped {wiped}\n{run}");
            assert_eq!(titles(&two), ["First of two", "Second of two"], "synced {synced}, wiped {wiped}\n{run}");
        }
        let refused = sandbox.anyt(&["sync", "--no-input"]).code(1);
        assert!(refused.stderr.contains(&format!("meant for {}", one.url())), "{refused}");
        move_to(&sandbox, &two, &one);
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert!(titles(&one).contains(&"For one only".to_string()));
        assert_eq!(sandbox.pending(), 0);
    }
}

#[test]
fn a_queue_never_goes_to_another_account() {
    for wiped in [false, true] {
        let (one, _two, sandbox) = stage(true);
        sandbox.anyt(&["task", "create", "As Alice", "--offline"]).ok();
        if wiped {
            std::fs::remove_dir_all(sandbox.path("cache")).expect("our own folder");
        }
        sandbox.set_env("ANYT_AUTH_TOKEN", BOB);
        let refused = sandbox.anyt(&["sync", "--no-input"]).code(1);
        assert!(refused.stderr.contains("as alice"), "{refused}");
        assert_eq!(titles(&one).len(), 2);
        sandbox.set_env("ANYT_AUTH_TOKEN", ALICE);
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(titles(&one).len(), 3);
    }
}

/// What the refusal advises, followed to its end: the discarded work does not come back on the wrong side either.
#[test]
fn what_was_set_aside_is_not_restored_elsewhere() {
    let (one, two, sandbox) = stage(true);
    sandbox.anyt(&["task", "create", "For one only", "--offline"]).ok();
    sandbox.anyt(&["task", "done", "DEV-1", "--offline"]).ok();
    move_to(&sandbox, &one, &two);
    sandbox.anyt(&["sync", "--no-input"]).code(1).warns("queue drop --all");
    sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    let refused = sandbox.anyt(&["sync", "restore", "--last"]).code(1);
    assert!(refused.stderr.contains(&format!("made for {}", one.url())), "{refused}");
    assert_eq!(sandbox.pending(), 0);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&two), ["First of two", "Second of two"]);
    move_to(&sandbox, &two, &one);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(titles(&one), ["First of one", "For one only", "Second of one"]);
}
