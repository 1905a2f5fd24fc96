//! Labels and projects: pulled, shown, made, changed and deleted, here and there, with and without a network. Members.

use crate::common::json::{self, Look};
use crate::common::proxy::{Proxy, What, When};
use crate::common::scripted::{Quirks, Scripted};
use crate::common::server::User;
use crate::common::{ALICE, Exit, Sandbox, Server, synced};

/// What is the same of both kinds: the word of the command, the collection, a field beside the name, and its flag.
struct Sort {
    word: &'static str,
    collection: &'static str,
    field: &'static str,
    flag: &'static str,
}

const SORTS: [Sort; 2] = [
    Sort { word: "label", collection: "labels", field: "description", flag: "--description" },
    Sort { word: "project", collection: "projects", field: "description", flag: "--description" },
];

impl Sort {
    fn path(&self, user: &User) -> String {
        format!("{}/{}", user.workspace(), self.collection)
    }

    fn add(&self, user: &User, name: &str) -> i64 {
        let (status, made) = user.post(&self.path(user), &json::object([("name", json::string(name))]));
        assert_eq!(status, 201, "{}", json::to_string(&made));
        made.int("id")
    }

    fn change(&self, user: &User, id: i64, field: &str, value: &str) {
        let body = json::object([(field, json::string(value))]);
        assert_eq!(user.patch(&format!("{}/{id}", self.path(user)), &body).0, 200);
    }

    fn delete(&self, user: &User, id: i64) {
        assert!(user.delete(&format!("{}/{id}", self.path(user))).0 < 300);
    }

    /// Name and description of each, by name.
    fn served(&self, user: &User) -> Vec<String> {
        let (_, list) = user.get(&self.path(user));
        self.lines(list.items("items"))
    }

    fn cached(&self, sandbox: &Sandbox) -> Vec<String> {
        let list = sandbox.anyt(&[self.word, "list", "--json"]).ok().json();
        self.lines(list.items("data.items"))
    }

    fn lines(&self, items: &[json::Value]) -> Vec<String> {
        let text = |one: &json::Value| json::as_text(one.at(self.field)).unwrap_or("").to_string();
        let mut lines: Vec<String> = items.iter().map(|one| format!("{} {}", one.text("name"), text(one))).collect();
        lines.retain(|line| !line.starts_with("development"));
        lines.sort();
        lines
    }

    #[track_caller]
    fn assert_same(&self, server: &Server, proxy: &Proxy, sandbox: &Sandbox) {
        assert_eq!(self.cached(sandbox), self.served(&server.alice()), "the cache and the server");
        assert_eq!(sandbox.pending(), 0, "operations left");
        proxy.reset();
        let run = sandbox.anyt(&["sync", "--no-input"]).ok();
        assert!(proxy.writes().is_empty() && !run.stdout.contains("Pulled"), "{run}");
    }
}

/// One of Bob's, which Alice has; its id.
fn stage(sort: &Sort) -> (Server, Proxy, Sandbox, i64) {
    let (server, proxy, sandbox) = synced(&["One"]);
    let id = sort.add(&server.bob(), "Old");
    sandbox.anyt(&["sync"]).ok();
    proxy.reset();
    (server, proxy, sandbox, id)
}

#[test]
fn what_colleagues_make_change_and_delete_comes_with_a_sync() {
    for sort in &SORTS {
        let (server, proxy, sandbox, id) = stage(sort);
        assert_eq!(sort.cached(&sandbox), ["Old "]);
        sort.add(&server.bob(), "New");
        sort.change(&server.bob(), id, "name", "Older");
        let run = sandbox.anyt(&["sync"]).ok();
        assert!(run.stdout.contains(&format!("  - Pulled 1 new {}\n", sort.word)), "{run}");
        assert!(run.stdout.contains(&format!("  - Pulled 1 updated {}\n", sort.word)), "{run}");
        assert_eq!(sort.cached(&sandbox), ["New ", "Older "]);
        sort.delete(&server.alice(), id);
        sandbox.anyt(&["sync"]).ok().says(&format!("  - Pulled 1 deleted {}\n", sort.word));
        sort.assert_same(&server, &proxy, &sandbox);
        sandbox.anyt(&["sync"]).ok();
        proxy.reset();
        sandbox.anyt(&["sync"]).ok();
        assert!(proxy.log().len() <= 4, "a sync without news: {:?}", proxy.log());
    }
}

#[test]
fn made_changed_and_deleted_at_once() {
    for sort in &SORTS {
        let (server, proxy, sandbox, _) = stage(sort);
        let word = sort.word;
        sandbox.anyt(&[word, "create", "Mine", "-d", "one"]).ok().says(&format!("✓ Created {word} Mine\n"));
        sandbox.anyt(&[word, "update", "mine", "--name", "Ours", sort.flag, "two"]).ok().says(&format!("{word} Ours"));
        assert_eq!(sort.served(&server.bob()), ["Old ", "Ours two"]);
        sandbox.anyt(&[word, "update", "Ours", "--name", "Ours"]).ok().says("nothing was changed");
        sandbox.anyt(&[word, "update", "Ours", sort.flag, ""]).ok();
        sandbox.anyt(&[word, "rm", "Old", "--force"]).ok().says(&format!("✓ Deleted {word} Old\n"));
        assert_eq!(sort.served(&server.bob()), ["Ours "]);
        sort.assert_same(&server, &proxy, &sandbox);
        let made = sandbox.anyt(&[word, "create", "Third", "--json"]).ok().json();
        assert_eq!((made.text("data.name"), made.text("data.identifier")), ("Third", "Third"));
        let missing = sandbox.anyt(&[word, "update", "Nothing", "--name", "x"]).code(1);
        assert!(missing.stderr.contains(&format!("there is no {word} 'Nothing' in DEV")), "{missing}");
        sandbox.anyt(&[word, "create", " "]).code(2);
        let again = sandbox.anyt(&[word, "create", "Third"]).run();
        assert_eq!(again.stderr.contains("there is a label 'Third' in DEV already"), word == "label", "{again}");
        sandbox.anyt(&[word, "update", "Ours"]).code(2);
    }
}

#[test]
fn without_a_network_it_waits_and_is_sent_once() {
    for sort in &SORTS {
        let (server, proxy, sandbox, _) = stage(sort);
        let word = sort.word;
        proxy.go_down();
        sandbox.anyt(&[word, "create", "Mine", "--offline"]).ok().says("(queued for sync)");
        sandbox.anyt(&[word, "update", "Mine", "--name", "Ours", "--offline"]).ok();
        sandbox.anyt(&[word, "update", "Old", sort.flag, "Changed", "--offline"]).ok();
        sandbox.anyt(&[word, "create", "Never", "--offline"]).ok();
        sandbox.anyt(&[word, "rm", "Never", "--offline", "--force"]).ok().says("(it was never sent)");
        assert_eq!(sort.cached(&sandbox), ["Old Changed", "Ours "]);
        proxy.come_back();
        sandbox.anyt(&["sync"]).ok().says(&format!("  - Created: {word} Mine"));
        assert_eq!(sort.served(&server.bob()), ["Old Changed", "Ours "]);
        sandbox.anyt(&[word, "rm", "Old", "--offline", "--force"]).ok();
        assert_eq!(sort.cached(&sandbox), ["Ours "]);
        sandbox.anyt(&["sync"]).ok().says(&format!("  - Deleted: {word} Old"));
        sort.assert_same(&server, &proxy, &sandbox);
    }
}

#[test]
fn both_change_one() {
    for sort in &SORTS {
        for (flag, wanted, lost) in [("--local", "Mine", "Theirs"), ("--remote", "Theirs", "Mine")] {
            let (server, proxy, sandbox, id) = stage(sort);
            sandbox.anyt(&[sort.word, "update", "Old", "--name", "Mine", "--offline"]).ok();
            sort.change(&server.bob(), id, "name", "Theirs");
            sandbox.anyt(&["sync", "--no-input"]).code(3);
            let inbox = sandbox.anyt(&["sync", "conflicts"]).ok();
            assert!(inbox.stdout.contains("  name: Old → local Mine, remote Theirs"), "{inbox}");
            sandbox.anyt(&["sync", "resolve", "--all", flag]).ok();
            sandbox.anyt(&["sync", "--no-input"]).ok();
            assert_eq!(sort.served(&server.bob()), [format!("{wanted} ")]);
            sort.assert_same(&server, &proxy, &sandbox);
            sandbox.anyt(&["sync", "restore", "--last"]).ok();
            sandbox.anyt(&["sync", "--resolve", "local"]).ok();
            assert_eq!(sort.served(&server.bob()), [format!("{lost} ")]);
            sort.assert_same(&server, &proxy, &sandbox);
        }
        // Different fields are no conflict.
        let (server, proxy, sandbox, id) = stage(sort);
        sandbox.anyt(&[sort.word, "update", "Old", "--name", "Mine", "--offline"]).ok();
        sort.change(&server.bob(), id, sort.field, "Theirs");
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(sort.served(&server.bob()), ["Mine Theirs"]);
        sort.assert_same(&server, &proxy, &sandbox);
    }
}

#[test]
fn one_side_deletes_what_the_other_changes() {
    for sort in &SORTS {
        for (flag, wanted) in [("local", vec!["Mine "]), ("remote", vec![])] {
            let (server, proxy, sandbox, id) = stage(sort);
            sandbox.anyt(&[sort.word, "update", "Old", "--name", "Mine", "--offline"]).ok();
            sort.delete(&server.alice(), id);
            sandbox.anyt(&["sync", "--no-input"]).code(3);
            sandbox.anyt(&["sync", "--no-input", "--resolve", flag]).ok();
            assert_eq!(sort.served(&server.bob()), wanted, "{} {flag}", sort.word);
            sort.assert_same(&server, &proxy, &sandbox);
        }
        for (flag, wanted) in [("local", vec![]), ("remote", vec!["Theirs "])] {
            let (server, proxy, sandbox, id) = stage(sort);
            sandbox.anyt(&[sort.word, "rm", "Old", "--force", "--offline"]).ok();
            sort.change(&server.bob(), id, "name", "Theirs");
            sandbox.anyt(&["sync", "--no-input"]).code(3);
            sandbox.anyt(&["sync", "--no-input", "--resolve", flag]).ok();
            assert_eq!(sort.served(&server.bob()), wanted, "{} {flag}", sort.word);
            sort.assert_same(&server, &proxy, &sandbox);
        }
        let (server, proxy, sandbox, id) = stage(sort);
        sandbox.anyt(&[sort.word, "rm", "Old", "--force", "--offline"]).ok();
        sort.delete(&server.alice(), id);
        sandbox.anyt(&["sync", "--no-input"]).ok();
        sort.assert_same(&server, &proxy, &sandbox);
    }
}

#[test]
fn a_lost_answer_is_one_row() {
    for sort in &SORTS {
        for (keys, killed) in [(true, true), (true, false), (false, true), (false, false)] {
            let (server, proxy, sandbox, _) = stage(sort);
            if !keys {
                proxy.hide_idempotency();
            }
            sandbox.anyt(&[sort.word, "create", "Once", "--offline"]).ok();
            if killed {
                let run = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", "push.request.after").run();
                assert_eq!(run.exit, Exit::Signal(9), "{run}");
            } else {
                proxy.fault(When::ending("POST", sort.collection), What::DropReply);
                drop(sandbox.anyt(&["sync", "--no-input"]).run());
            }
            sandbox.anyt(&["sync", "--no-input"]).ok();
            assert_eq!(sort.served(&server.bob()), ["Old ", "Once "], "{} keys {keys}, killed {killed}", sort.word);
            sort.assert_same(&server, &proxy, &sandbox);
        }
    }
}

/// A project, a task in it, a label on it, a comment, an attempt with an artifact, a dependency between two such tasks: made without a network, and all there
/// after one sync, under the ids of the server.
#[test]
fn a_chain_made_offline_arrives_whole() {
    let (server, proxy, sandbox) = synced(&["One"]);
    sandbox.write("work/log", "what it said\n");
    for command in [
        &["project", "create", "Rocket", "-d", "To the moon", "--offline"][..],
        &["label", "create", "urgent", "--color-code", "#ff0000", "--offline"],
        &["task", "create", "Engine", "--project", "Rocket", "--labels", "urgent", "--offline"],
        &["task", "create", "Fuel", "--project", "rocket", "--parent", "DEV-2", "--offline"],
        &["task", "dep", "add", "DEV-2", "--on", "DEV-3", "--offline"],
        &["comment", "add", "DEV-3", "-m", "Kerosene", "--offline"],
        &["attempt", "start", "DEV-3", "--notes", "First", "--offline"],
        &["artifact", "add", "DEV-3", "log", "--offline"],
        &["attempt", "finish", "DEV-3", "--cost-tokens", "5", "--offline"],
        &["task", "update", "DEV-1", "--project", "Rocket", "--offline"],
    ] {
        sandbox.anyt(command).ok();
    }
    let shown = sandbox.anyt(&["task", "show", "DEV-3"]).ok();
    assert!(shown.stdout.contains("Project: Rocket") && shown.stdout.contains("Kerosene"), "{shown}");
    sandbox.anyt(&["project", "use", "Rocket"]).code(1).warns("not on the server yet");
    server.bob().add_task("Taken");
    sandbox.anyt(&["sync"]).ok();
    let (bob, projects) = (server.bob(), SORTS[1].path(&server.bob()));
    let rocket =
        bob.get(&projects).1.items("items").iter().find(|one| one.text("name") == "Rocket").map(|one| one.int("id"));
    for name in ["DEV-1", "DEV-3", "DEV-4"] {
        assert_eq!(Some(bob.task(name).expect("it is there").int("project_id")), rocket, "{name}");
    }
    assert_eq!(bob.task("DEV-4").expect("there").int("parent_id"), bob.task("DEV-3").expect("there").int("id"));
    assert_eq!(bob.comments("DEV-4"), ["#1 alice: Kerosene"]);
    assert_eq!(bob.task("DEV-3").expect("there").items("labels").len(), 1);
    let one = |path: &str| bob.get(&format!("{}/{path}", bob.workspace())).1;
    let (attempt, artifact) = (one("attempts/1"), one("artifacts/1"));
    assert_eq!((attempt.text("task_identifier"), attempt.text("status")), ("DEV-4", "success"));
    assert_eq!((attempt.int("cost_tokens"), artifact.int("attempt_id"), artifact.text("name")), (5, 1, "log"));
    sandbox.anyt(&["artifact", "show", "DEV-4@1/1"]).ok().says("what it said");
    SORTS.iter().for_each(|sort| sort.assert_same(&server, &proxy, &sandbox));
    crate::common::synced::assert_converged(&server, &sandbox);
}

/// The first of a chain is rejected: the rest waits, and goes with it or is sent once it is mended.
#[test]
fn a_rejected_project_holds_its_tasks_back() {
    let stage = || {
        let (server, proxy, sandbox) = synced(&["One"]);
        sandbox.anyt(&["project", "create", "Rocket", "--offline"]).ok();
        sandbox.anyt(&["task", "create", "Engine", "--project", "Rocket", "--offline"]).ok();
        sandbox.anyt(&["comment", "add", "DEV-2", "-m", "Big", "--offline"]).ok();
        sandbox.anyt(&["attempt", "start", "DEV-2", "--offline"]).ok();
        sandbox.anyt(&["artifact", "add", "DEV-2", "-", "--offline"]).stdin("text").ok();
        sandbox.anyt(&["attempt", "finish", "DEV-2", "--offline"]).ok();
        sandbox.anyt(&["task", "update", "DEV-1", "--project", "Rocket", "--offline"]).ok();
        proxy.fault(When::ending("POST", "/projects"), What::status(422, &[]));
        let run = sandbox.anyt(&["sync"]).code(6);
        for name in ["DEV-2", "DEV-2#new-1", "DEV-2@new-1", "DEV-2@new-1/new-1"] {
            assert!(run.stderr.contains(&format!("{name} waits for an operation that was not sent")), "{run}");
        }
        (server, proxy, sandbox)
    };
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["project", "update", "Rocket", "--name", "Rockets"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(server.bob().all_tasks().len(), 2);
    assert_eq!(server.bob().comments("DEV-2"), ["#1 alice: Big"]);
    let attempts = |count: usize| {
        let list = server.bob().get(&format!("{}/attempts", server.bob().workspace())).1;
        let lines: Vec<&str> = list.items("items").iter().map(|one| one.text("status")).collect();
        assert_eq!(lines, vec!["success"; count]);
    };
    attempts(1);
    sandbox.anyt(&["sync"]).ok();
    SORTS[1].assert_same(&server, &proxy, &sandbox);

    let (server, proxy, sandbox) = stage();
    let dropped = sandbox.anyt(&["sync", "queue", "drop", "Rocket", "--yes"]).ok();
    assert!(dropped.to_string().contains("DEV-1 loses its project"), "{dropped}");
    assert_eq!(sandbox.pending(), 0, "{dropped}");
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(server.bob().all_tasks().len(), 1);
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    sandbox.anyt(&["sync"]).ok();
    let names: Vec<i64> = server.bob().all_tasks().iter().map(|task| task.int("project_id")).collect();
    assert!(names.len() == 2 && names[0] == names[1], "{names:?}");
    SORTS[1].assert_same(&server, &proxy, &sandbox);
}

/// Deleting a project deletes its tasks, here as there.
#[test]
fn a_project_goes_with_its_tasks() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["project", "create", "Rocket"]).ok();
    sandbox.anyt(&["task", "create", "Engine", "--project", "Rocket"]).ok();
    let shown = sandbox.anyt(&["project", "show", "Rocket"]).ok();
    assert!(shown.stdout.contains("tasks: 1, 1 of them open"), "{shown}");
    sandbox.anyt(&["project", "rm", "Rocket", "--force", "--offline"]).ok();
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!((server.bob().all_tasks().len(), sandbox.cached_tasks().len()), (1, 1));
}

#[test]
fn renaming_and_removing_a_label_reaches_the_tasks() {
    let (server, proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["task", "update", "DEV-1", "--labels", "bug,ui"]).ok();
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["label", "update", "bug", "--name", "defect", "--offline"]).ok();
    sandbox.anyt(&["label", "rm", "ui", "--force", "--offline"]).ok();
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["sync"]).ok();
    let labels = |task: json::Value| json::to_string(task.at("labels"));
    assert_eq!(labels(sandbox.cached_task("DEV-1")), "[\"defect\"]");
    assert_eq!(labels(server.bob().task("DEV-1").expect("there")), "[\"defect\"]");
    SORTS[0].assert_same(&server, &proxy, &sandbox);
    sandbox.anyt(&["label", "create", "x", "--color-code", "red"]).code(2);
}

/// A task names a label that its own create brings into being: the create of that label, behind it, means the same one.
#[test]
fn a_label_that_a_task_brings_into_being_is_the_label_made_here() {
    for keys in [true, false] {
        let (server, proxy, sandbox) = synced(&["One"]);
        if !keys {
            proxy.hide_idempotency();
        }
        sandbox.anyt(&["task", "create", "Two", "--labels", "urgent", "--offline"]).ok();
        sandbox.anyt(&["label", "create", "urgent", "--color-code", "#ff0000", "-d", "Now", "--offline"]).ok();
        sandbox.anyt(&["label", "update", "urgent", "-d", "At once", "--offline"]).ok();
        let run = sandbox.anyt(&["sync", "--no-input"]).ok();
        assert!(!run.stderr.contains("refused") && !run.stderr.contains("kept"), "{run}");
        assert_eq!(SORTS[0].served(&server.bob()), ["urgent At once"]);
        let (_, labels) = server.bob().get(&SORTS[0].path(&server.bob()));
        assert_eq!(labels.text("items.0.color"), "#ff0000");
        SORTS[0].assert_same(&server, &proxy, &sandbox);
    }
}

/// Two machines make the same label without a network. There is one; the last writer's color is its color, and the other one
/// is kept.
#[test]
fn two_machines_make_the_same_label() {
    for killed in ["", "push.answered", "store.change.committed", "push.searched", "push.request.after"] {
        let (server, proxy, sandbox) = synced(&["One"]);
        let other = Sandbox::new();
        other.sign_in_at(&server.url(), crate::common::server::BOB);
        other.anyt(&["sync"]).ok();
        other.anyt(&["label", "create", "bug", "--color-code", "#0000ff", "-d", "Theirs", "--offline"]).ok();
        sandbox.anyt(&["label", "create", "bug", "--color-code", "#ff0000", "--offline"]).ok();
        other.anyt(&["sync"]).ok();
        if !killed.is_empty() {
            let run = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", killed).run();
            assert_eq!(run.exit, Exit::Signal(9), "{run}");
        }
        sandbox.anyt(&["sync", "--no-input"]).ok();
        let colors = || {
            let (_, labels) = server.bob().get(&SORTS[0].path(&server.bob()));
            labels.items("items").iter().map(|one| one.text("color").to_string()).collect::<Vec<_>>()
        };
        assert_eq!(colors(), ["#0000ff"], "{killed}: what was there first stands");
        assert_eq!(SORTS[0].served(&server.bob()), ["bug Theirs"], "{killed}");
        SORTS[0].assert_same(&server, &proxy, &sandbox);
        sandbox.anyt(&["sync", "restore", "--last"]).ok();
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(colors(), ["#ff0000"], "{killed}");
        other.anyt(&["sync"]).ok();
        assert_eq!(SORTS[0].cached(&other), ["bug Theirs"]);
    }
}

/// What was dropped comes back also where the cache is gone and knows no project yet.
#[test]
fn a_task_is_restored_without_the_cache() {
    let (server, _proxy, sandbox) = synced(&["One"]);
    sandbox.anyt(&["task", "create", "Two", "--offline"]).ok();
    sandbox.anyt(&["sync", "queue", "drop", "--all", "--yes"]).ok();
    std::fs::remove_dir_all(sandbox.path("cache/anyt")).expect("our own folder");
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(server.bob().all_tasks().len(), 2);
    crate::common::synced::assert_converged(&server, &sandbox);
}

#[test]
fn members_are_listed() {
    let (_server, _proxy, sandbox) = synced(&[]);
    let list = sandbox.anyt(&["member", "list", "--json"]).ok().json();
    let users: Vec<&str> = list.items("data.items").iter().map(|one| one.text("user_id")).collect();
    assert_eq!(users, ["alice", "bob"]);
    sandbox.anyt(&["member", "list"]).ok().says("alice");
}

/// A server without labels is asked once, and says no at once.
#[test]
fn a_server_without_labels() {
    let server = Scripted::start(Quirks::d());
    server.add_task(&json::object([("title", json::string("One"))]));
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&server.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    let asked = || server.requests().iter().filter(|request| request.target().contains("/labels")).count();
    let before = asked();
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(asked(), before);
    let refused = sandbox.anyt(&["label", "create", "bug", "--offline"]).code(1);
    assert!(refused.stderr.contains("has no labels"), "{refused}");
    sandbox.anyt(&["label", "list"]).ok().warns("the server has no labels");
}
