//! A directory belongs to its server: `.anyt/anyt.json` says which one, and no command does there what was meant for
//! another.

use crate::common::json::{self, Look};
use crate::common::{ALICE, Sandbox, Server, synced};

/// Two servers with a task of the same name; the directory is tied to the first, and the second is the one in use.
struct Stage {
    one: Server,
    two: Server,
    sandbox: Sandbox,
}

impl Stage {
    fn new() -> Stage {
        let (one, two) = (Server::start(), Server::start());
        one.bob().add_task("Of one");
        two.bob().add_task("Of two");
        let sandbox = Sandbox::new();
        sandbox.set_env("ANYT_AUTH_TOKEN", ALICE);
        for (name, server) in [("one", &one), ("two", &two)] {
            sandbox.anyt(&["env", "add", name, &server.url()]).ok();
            sandbox.anyt(&["sync", "--env", name]).ok();
        }
        sandbox.anyt(&["init", "--env", "one"]).ok();
        sandbox.anyt(&["env", "switch", "two"]).ok();
        Stage { one, two, sandbox }
    }

    fn status(server: &Server) -> String {
        server.bob().task("DEV-1").expect("it is there").text("status").to_string()
    }
}

#[test]
fn the_environment_of_the_directorys_server_is_used() {
    let stage = Stage::new();
    stage.sandbox.anyt(&["task", "done", "DEV-1"]).ok();
    stage.sandbox.anyt(&["task", "create", "New"]).ok();
    stage.sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!((Stage::status(&stage.one), Stage::status(&stage.two)), ("done".into(), "backlog".into()));
    assert_eq!((stage.one.bob().all_tasks().len(), stage.two.bob().all_tasks().len()), (2, 1));
    // A flag is an answer to the question which one is meant.
    stage.sandbox.anyt(&["task", "done", "DEV-1", "--env", "two"]).ok();
    assert_eq!(Stage::status(&stage.two), "done");
}

#[test]
fn without_such_an_environment_both_are_named() {
    let stage = Stage::new();
    stage.sandbox.anyt(&["env", "remove", "one", "--yes"]).ok();
    for args in [
        &["task", "done", "DEV-1"][..],
        &["task", "create", "New"],
        &["task", "create", "New", "--offline"],
        &["task", "list"],
        &["project", "list"],
        &["workspace", "switch", "DEV"],
        &["init"],
    ] {
        let run = stage.sandbox.anyt(args).code(1);
        assert!(run.stderr.contains(&stage.one.url()) && run.stderr.contains(&stage.two.url()), "{args:?}\n{run}");
    }
    assert_eq!((stage.two.bob().all_tasks().len(), Stage::status(&stage.two)), (1, "backlog".into()));
    let tied = json::parse(&stage.sandbox.read("work/.anyt/anyt.json"));
    assert_eq!(tied.text("api_url"), stage.one.url());
    // Asked for, it is tied to the other one.
    stage.sandbox.anyt(&["init", "--env", "two"]).ok();
    stage.sandbox.anyt(&["task", "done", "DEV-1"]).ok();
    assert_eq!(Stage::status(&stage.two), "done");
}

/// A variable that chose the environment is no answer to what the directory says.
#[test]
fn a_variable_does_not_override_the_directory() {
    let stage = Stage::new();
    let run = stage.sandbox.anyt(&["task", "done", "DEV-1"]).env("ANYT_ENV", "two").code(1);
    assert!(run.stderr.contains(&stage.one.url()) && run.stderr.contains(&stage.two.url()), "{run}");
    assert_eq!(Stage::status(&stage.two), "backlog");
}

#[test]
fn this_machine_has_one_name() {
    let server = Server::start();
    server.bob().add_task("One");
    let sandbox = Sandbox::new();
    sandbox.sign_in(&server);
    sandbox.anyt(&["sync"]).ok();
    let config = sandbox.read("config/anyt/config.json");
    sandbox.write("config/anyt/config.json", config.replace("127.0.0.1", "localhost"));
    sandbox.anyt(&["task", "done", "DEV-1"]).ok();
    assert_eq!(Stage::status(&server), "done");
    sandbox.anyt(&["sync", "--no-input"]).ok();
}

/// A repository can bring anything in its `.anyt`: what is no file, or has no end, is refused at once, and nothing is queued
/// as if the directory were not tied.
#[test]
fn what_is_no_file_is_refused() {
    let (_server, _proxy, sandbox) = synced(&["One"]);
    std::fs::create_dir_all(sandbox.path("work/.anyt")).expect("our own folder");
    drop(std::fs::remove_file(sandbox.path("work/.anyt/anyt.json")));
    for name in ["anyt.json", "active_task.json"] {
        let place = sandbox.path("work/.anyt").join(name);
        std::os::unix::fs::symlink("/dev/zero", &place).expect("our own folder");
        for args in [&["active"][..], &["task", "pick", "DEV-1"], &["task", "done", "--offline"]] {
            let run = sandbox.anyt(args).code(1);
            assert!(run.stderr.contains("is not a regular file"), "{run}");
        }
        assert_eq!(sandbox.pending(), 0);
        std::fs::remove_file(&place).expect("our own link");
        sandbox.write(&format!("work/.anyt/{name}"), " ".repeat((1 << 20) + 1));
        let run = sandbox.anyt(&["active"]).code(1);
        assert!(run.stderr.contains("is larger than 1 MiB"), "{run}");
        std::fs::remove_file(&place).expect("our own file");
    }
}
