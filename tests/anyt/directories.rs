//! A directory belongs to its server: `.anyt/anyt.json` says which one, and no command does there what was meant for
//! another.

use crate::common::json::{self, Look};
use crate::common::{ALICE, Dispute, Sandbox, Server, synced};

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

/// As client 0.9.1 sends it (docs/api.md 8.3): every field, with nulls for what it leaves alone.
const PICKED_THERE: &str = r#"{"title":null,"description":null,"phase":null,"status":"active","priority":null,"owner_id":null,
    "assignee_type":"agent","assigned_coding_agent":null,"project_id":null,"labels":null,"estimate":null,"parent_id":null,
    "goal_id":null,"implementation_plan":null,"plan_review_status":null,"plan_reviewed_at":null,"plan_reviewed_by":null}"#;

/// The file that it writes with that.
const ACTIVE_TASK: &str = r#"{"identifier":"DEV-1","title":"Task 1","picked_at":"2026-01-31T12:34:56.123456Z",
    "workspace_id":1,"project_id":1,"local_path":".anyt/tasks/DEV-1/"}"#;

fn begun(dispute: &Dispute, name: &str) -> (String, String) {
    let task = dispute.served(name);
    (task.text("status").into(), task.text("assignee_type").into())
}

#[test]
fn what_a_published_client_picked_is_finished_here_without_a_conflict() {
    for offline in [&["--offline"][..], &[]] {
        let dispute = Dispute::about(2);
        dispute.theirs("DEV-1", PICKED_THERE);
        dispute.alice.write("work/.anyt/active_task.json", ACTIVE_TASK);
        dispute.alice.anyt(&[&["task", "done"], offline].concat()).ok();
        dispute.sync(&["--no-input"]).ok();
        assert_eq!(begun(&dispute, "DEV-1"), ("done".into(), "agent".into()));
        dispute.assert_settled();
    }
}

/// The one that is further stands, whoever it is; and what is no step forward is asked about.
#[test]
fn a_pick_here_is_what_the_published_clients_set() {
    let dispute = Dispute::about(5);
    let pick = |name: &str, flags: &[&str]| dispute.alice.anyt(&[&["task", "pick", name], flags].concat()).ok();
    pick("DEV-1", &[]).says("✓ Picked DEV-1: Task 1\n✓ Began DEV-1\n");
    assert_eq!(begun(&dispute, "DEV-1"), ("active".into(), "agent".into()));
    for name in ["DEV-2", "DEV-3", "DEV-4"] {
        pick(name, &["--offline"]).says("(queued for sync)");
    }
    dispute.theirs("DEV-2", PICKED_THERE);
    dispute.theirs("DEV-3", r#"{"status":"done"}"#);
    dispute.theirs("DEV-4", r#"{"status":"todo"}"#);
    // What somebody has finished meanwhile is asked about.
    dispute.sync(&["--no-input"]).code(3);
    assert_eq!(dispute.inbox(), ["DEV-3"]);
    dispute.alice.anyt(&["sync", "resolve", "DEV-3", "--remote"]).ok();
    dispute.sync(&["--no-input"]).ok();
    let stands = ["active", "done", "active"].map(String::from);
    assert_eq!(["DEV-2", "DEV-3", "DEV-4"].map(|name| begun(&dispute, name).0), stands);
    dispute.assert_settled();
    // Nothing that is finished is begun again by a look at it.
    pick("DEV-3", &[]);
    assert_eq!((begun(&dispute, "DEV-3").0.as_str(), dispute.alice.pending()), ("done", 0));
    pick("DEV-5", &["--offline"]);
    dispute.theirs("DEV-5", r#"{"status":"canceled"}"#);
    dispute.sync(&["--no-input"]).code(3);
    assert_eq!(dispute.inbox(), ["DEV-5"]);
}

/// Their keys survive in our files, and ours are the ones that they require (docs/api.md 5.4, 5.5).
#[test]
fn the_files_are_those_of_the_published_clients() {
    let dispute = Dispute::about(2);
    let theirs = r#"{"workspace_id":1,"name":"Dev","api_url":"URL","last_sync":"2026-01-31 12:34:56",
        "current_project_id":null,"workspace_identifier":"DEV","installed_agents":["claude"],"agent_key":null}"#;
    dispute.alice.write("work/.anyt/anyt.json", theirs.replace("URL", &dispute.proxy.url()));
    dispute.alice.write("work/.anyt/active_task.json", ACTIVE_TASK);
    dispute.alice.anyt(&["active"]).ok().says("DEV-1: Task 1 (backlog)");
    dispute.alice.anyt(&["init"]).ok();
    let settings = json::parse(&dispute.alice.read("work/.anyt/anyt.json"));
    assert_eq!((settings.int("workspace_id"), settings.text("installed_agents.0")), (1, "claude"));
    assert!(["name", "api_url", "last_sync"].iter().all(|key| !settings.text(key).is_empty()));
    dispute.alice.anyt(&["task", "pick", "DEV-2", "--offline"]).ok();
    let active = json::parse(&dispute.alice.read("work/.anyt/active_task.json"));
    assert_eq!((active.text("identifier"), active.text("title"), active.int("workspace_id")), ("DEV-2", "Task 2", 1));
    assert!(active.text("picked_at").ends_with('Z') && active.int("project_id") > 0);
    assert!(matches!(active.at("local_path"), json::Value::Null), "it is of the other task");
}

/// A key of theirs is named, and not taken: it is nobody's word which server it is for.
#[test]
fn keys_of_other_clients_are_named() {
    let dispute = Dispute::about(1);
    dispute.alice.set_env("ANYT_AUTH_TOKEN", "");
    let advice = |key: &str, place: &str| {
        let run = dispute.alice.anyt(&["sync"]).code(4);
        let named = run.stderr.contains(&format!("as {key} in ")) && run.stderr.contains(place);
        assert!(
            named && run.stderr.contains("anyt auth login --env dev") && !run.stderr.contains("anyt_agent_"),
            "{run}"
        );
    };
    let tied = dispute.alice.read("work/.anyt/anyt.json");
    let with_key = tied.replacen('{', r#"{"agent_key":"anyt_agent_one","#, 1);
    dispute.alice.write("work/.anyt/anyt.json", with_key);
    advice("agent_key", "work/.anyt/anyt.json");
    dispute.alice.write("home/.anyt/auth.json", r#"{"api_key":"anyt_agent_two"}"#);
    advice("api_key", "home/.anyt/auth.json");
    assert!(dispute.proxy.writes().is_empty());
}
