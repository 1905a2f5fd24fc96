//! What people do when the power goes. Before each one Alice has synced DEV-1 to DEV-4 (DEV-4 depends on DEV-3).

use crate::common::{Exit, Sandbox, Server};

/// A command line and the exit codes it may have.
type Step = (&'static [&'static str], &'static [i32]);

pub struct Scenario {
    pub name: &'static str,
    /// What happened before: on Alice's machine, and on the server.
    pub prepare: fn(&Sandbox, &Server),
    /// The command that is killed.
    pub act: &'static [&'static str],
    /// Its exit code when it is not.
    pub code: i32,
    /// What is run afterwards until everything is settled.
    pub heal: &'static [Step],
    /// Exit code of every further sync.
    pub settled: i32,
    /// The command queues something itself: killed before that, it has done nothing.
    pub queues: bool,
    /// What it queues had been dropped: it is queued once the cache says so.
    pub puts_back: bool,
}

const SYNC: &[&str] = &["sync", "--no-input"];

/// The blank that the table fills in: work is queued, and the sync that sends it is killed.
const NONE: Scenario = Scenario {
    name: "",
    prepare: |_, _| {},
    act: SYNC,
    code: 0,
    heal: &[(SYNC, &[0])],
    settled: 0,
    queues: false,
    puts_back: false,
};

/// A command that queues something, killed.
const WRITE: Scenario = Scenario { queues: true, ..NONE };

const LOCAL: &[&str] = &["sync", "--no-input", "--resolve", "local"];
const REMOTE: &[&str] = &["sync", "--no-input", "--resolve", "remote"];
const SKIP: &[&str] = &["sync", "--no-input", "--resolve", "skip"];
const FORCE: &[&str] = &["sync", "--force", "--yes"];
const DROP_ALL: &[&str] = &["sync", "queue", "drop", "--all", "--yes"];
const DROP_PARENT: &[&str] = &["sync", "queue", "drop", "DEV-5", "--yes"];
const RESOLVE_LOCAL: &[&str] = &["sync", "resolve", "--local", "--all"];
const RESOLVE_REMOTE: &[&str] = &["sync", "resolve", "--remote", "--all"];

/// A sync that dies at `place`.
fn die_at(alice: &Sandbox, place: &str) {
    let died = alice.anyt(SYNC).env("ANYT_FAILPOINT", place).run();
    assert_eq!(died.exit, Exit::Signal(9), "{died}");
}

/// Alice changes a title, Bob changes it too.
fn both_change(alice: &Sandbox, server: &Server) {
    do_all(alice, &[&["task", "update", "DEV-1", "--title", "Ours", "--priority", "2", "--offline"]]);
    server.bob().edit_task("DEV-1", r#"{"title":"Theirs"}"#);
}

/// Alice changes a task that Bob deletes.
fn changed_here_deleted_there(alice: &Sandbox, server: &Server) {
    do_all(alice, &[&["task", "update", "DEV-2", "--title", "Ours", "--offline"]]);
    let bob = server.bob();
    assert_eq!(bob.delete(&bob.tasks("DEV-2")).0, 204);
}

/// A conflict in the inbox.
fn undecided(alice: &Sandbox, server: &Server) {
    both_change(alice, server);
    drop(alice.anyt(SKIP).code(3));
}

/// A queue in which everything hangs together: two new tasks, one below the other and waiting for it, edits of both, and
/// an edit of an old task. Meanwhile Bob takes the first one's number.
fn family(alice: &Sandbox, server: &Server) {
    do_all(
        alice,
        &[
            &["task", "create", "Parent", "--offline"],
            &["task", "create", "Child", "--parent", "DEV-5", "--offline"],
            &["task", "update", "DEV-5", "--priority", "2", "--offline"],
            &["task", "dep", "add", "DEV-6", "--on", "DEV-5", "--offline"],
            &["task", "dep", "add", "DEV-1", "--on", "DEV-6", "--offline"],
            &["task", "done", "DEV-6", "--offline"],
            &["task", "update", "DEV-2", "--parent", "DEV-5", "--offline"],
        ],
    );
    server.bob().add_task("Bob's");
}

/// A comment is changed and another one deleted; one waits on an old task, one on a new task, whose number Bob takes.
fn comments(alice: &Sandbox, server: &Server) {
    server.alice().comment("DEV-1", "One");
    server.alice().comment("DEV-2", "Two");
    // Where a server says nothing of itself, the comments of those tasks are read that have changed.
    server.bob().edit_task("DEV-1", r#"{"priority":1}"#);
    server.bob().edit_task("DEV-2", r#"{"priority":1}"#);
    do_all(
        alice,
        &[
            SYNC,
            &["comment", "edit", "DEV-1", "1", "-m", "Changed", "--offline"],
            &["comment", "rm", "--force", "DEV-2", "2", "--offline"],
            &["comment", "add", "DEV-3", "-m", "Three", "--offline"],
            &["task", "create", "Mine", "--offline"],
            &["comment", "add", "DEV-5", "-m", "On five", "--offline"],
        ],
    );
    server.bob().add_task("Bob's");
}

/// A label and a project of each fate: made, changed, deleted; and a task in the project that is still to be made.
fn named(alice: &Sandbox, _: &Server) {
    do_all(
        alice,
        &[
            &["label", "create", "old"],
            &["label", "create", "bad"],
            &["project", "create", "Old"],
            &["project", "create", "Bad"],
            &["label", "update", "old", "--name", "older", "--offline"],
            &["label", "rm", "bad", "--force", "--offline"],
            &["label", "create", "new", "-d", "made offline", "--offline"],
            &["project", "update", "Old", "--status", "completed", "--offline"],
            &["project", "rm", "Bad", "--force", "--offline"],
            &["project", "create", "New", "--offline"],
            &["task", "create", "Mine", "--project", "New", "--offline"],
            &["task", "update", "DEV-1", "--project", "New", "--offline"],
        ],
    );
}

/// An attempt of each fate, and artifacts: started before and finished, started on an old task and on a new one, whose number
/// Bob takes.
fn attempts(alice: &Sandbox, server: &Server) {
    alice.write("work/log", "what it said\n");
    do_all(
        alice,
        &[
            &["attempt", "start", "DEV-1"],
            &["artifact", "add", "DEV-1", "log"],
            SYNC,
            &["attempt", "finish", "DEV-1", "--failure", "test_fail", "--cost-tokens", "5", "--offline"],
            &["artifact", "add", "DEV-1", "log", "--name", "more", "--offline"],
            &["attempt", "start", "DEV-3", "--notes", "Three", "--offline"],
            &["task", "create", "Mine", "--offline"],
            &["attempt", "start", "DEV-5", "--offline"],
            &["artifact", "add", "DEV-5", "log", "--offline"],
            &["attempt", "finish", "DEV-5", "--wall-clock-ms", "7", "--offline"],
        ],
    );
    server.bob().add_task("Bob's");
}

/// One thing of every kind, each hanging on the one before.
fn chain(alice: &Sandbox, server: &Server) {
    alice.write("work/log", "what it said\n");
    do_all(
        alice,
        &[
            &["project", "create", "Rocket", "--offline"],
            &["task", "create", "Engine", "--project", "Rocket", "--labels", "hot", "--offline"],
            &["label", "create", "hot", "--color-code", "#ff0000", "--offline"],
            &["task", "create", "Fuel", "--project", "Rocket", "--parent", "DEV-5", "--offline"],
            &["task", "dep", "add", "DEV-5", "--on", "DEV-6", "--offline"],
            &["comment", "add", "DEV-6", "-m", "Kerosene", "--offline"],
            &["attempt", "start", "DEV-6", "--notes", "First", "--offline"],
            &["artifact", "add", "DEV-6", "log", "--offline"],
            &["attempt", "finish", "DEV-6", "--cost-tokens", "5", "--offline"],
        ],
    );
    server.bob().add_task("Bob's");
}

/// One of each.
fn mixed(alice: &Sandbox) {
    do_all(
        alice,
        &[
            &["task", "create", "Mine", "-d", "made offline", "--offline"],
            &["task", "update", "DEV-1", "--title", "Ours", "--offline"],
            &["task", "rm", "DEV-2", "--force", "--offline"],
            &["task", "dep", "add", "DEV-3", "--on", "DEV-5", "--offline"],
        ],
    );
}

/// Runs commands of Alice's, all of which succeed.
fn do_all(alice: &Sandbox, commands: &[&[&str]]) {
    commands.iter().for_each(|args| drop(alice.anyt(args).ok()));
}

pub const ALL: &[Scenario] = &[
    // A queue is sent.
    Scenario {
        name: "create",
        prepare: |alice, _| do_all(alice, &[&["task", "create", "Mine", "-d", "made offline", "--offline"]]),
        ..NONE
    },
    Scenario {
        name: "update",
        prepare: |alice, _| {
            do_all(alice, &[&["task", "update", "DEV-1", "--title", "Ours", "--priority", "2", "--offline"]])
        },
        ..NONE
    },
    Scenario {
        name: "delete",
        prepare: |alice, _| do_all(alice, &[&["task", "rm", "DEV-2", "--force", "--offline"]]),
        ..NONE
    },
    Scenario {
        name: "dependency add",
        prepare: |alice, _| do_all(alice, &[&["task", "dep", "add", "DEV-3", "--on", "DEV-1", "--offline"]]),
        ..NONE
    },
    Scenario {
        name: "dependency rm",
        prepare: |alice, _| do_all(alice, &[&["task", "dep", "rm", "DEV-4", "--on", "DEV-3", "--offline"]]),
        ..NONE
    },
    Scenario { name: "family", prepare: family, ..NONE },
    Scenario { name: "comments", prepare: comments, ..NONE },
    Scenario { name: "labels and projects", prepare: named, ..NONE },
    Scenario { name: "attempts and artifacts", prepare: attempts, ..NONE },
    Scenario { name: "chain of every kind", prepare: chain, ..NONE },
    Scenario { name: "attempt, queued", act: &["attempt", "start", "DEV-1", "--notes", "Mine", "--offline"], ..WRITE },
    Scenario { name: "attempt, sent", act: &["attempt", "start", "DEV-1", "--notes", "Mine"], ..WRITE },
    Scenario {
        name: "artifact, sent",
        prepare: |alice, _| {
            alice.write("work/log", "what it said\n");
            do_all(alice, &[&["attempt", "start", "DEV-1"]]);
        },
        act: &["artifact", "add", "DEV-1", "log"],
        ..WRITE
    },
    Scenario { name: "project, queued", act: &["project", "create", "Rocket", "-d", "Mine", "--offline"], ..WRITE },
    Scenario { name: "label, sent", act: &["label", "create", "bug", "-d", "Mine"], ..WRITE },
    Scenario { name: "comment, queued", act: &["comment", "add", "DEV-1", "-m", "Mine", "--offline"], ..WRITE },
    Scenario { name: "comment, sent", act: &["comment", "add", "DEV-1", "-m", "Mine"], ..WRITE },
    Scenario {
        name: "push only",
        prepare: |alice, _| mixed(alice),
        act: &["sync", "--push"],
        heal: &[(&["sync", "--push"], &[0]), (SYNC, &[0])],
        ..NONE
    },
    // Others were at work too.
    Scenario {
        name: "merge",
        prepare: |alice, server| {
            do_all(alice, &[&["task", "update", "DEV-1", "--title", "Ours", "--offline"]]);
            server.bob().edit_task("DEV-1", r#"{"priority":1}"#);
        },
        ..NONE
    },
    Scenario { name: "conflict, local", prepare: both_change, act: LOCAL, heal: &[(LOCAL, &[0])], ..NONE },
    Scenario { name: "conflict, remote", prepare: both_change, act: REMOTE, heal: &[(REMOTE, &[0])], ..NONE },
    Scenario {
        name: "conflict, skip",
        prepare: both_change,
        act: SKIP,
        code: 3,
        heal: &[(SKIP, &[3])],
        settled: 3,
        ..NONE
    },
    Scenario {
        name: "deleted there, local",
        prepare: changed_here_deleted_there,
        act: LOCAL,
        // With the cache the rest of the task is lost; it takes two runs to know where to make it again.
        heal: &[(LOCAL, &[0, 3]), (LOCAL, &[0])],
        ..NONE
    },
    Scenario {
        name: "deleted there, remote",
        prepare: changed_here_deleted_there,
        act: REMOTE,
        heal: &[(REMOTE, &[0])],
        ..NONE
    },
    Scenario {
        name: "resolve local",
        prepare: undecided,
        act: RESOLVE_LOCAL,
        heal: &[(SKIP, &[0, 3]), (RESOLVE_LOCAL, &[0]), (SYNC, &[0])],
        ..NONE
    },
    Scenario {
        name: "resolve remote",
        prepare: undecided,
        act: RESOLVE_REMOTE,
        heal: &[(SKIP, &[0, 3]), (RESOLVE_REMOTE, &[0]), (SYNC, &[0])],
        ..NONE
    },
    // A queue is given up.
    Scenario { name: "force", prepare: |alice, _| mixed(alice), act: FORCE, heal: &[(FORCE, &[0])], ..NONE },
    Scenario {
        name: "queue drop",
        prepare: |alice, _| mixed(alice),
        act: DROP_ALL,
        heal: &[(DROP_ALL, &[0, 1]), (SYNC, &[0])],
        ..NONE
    },
    Scenario {
        name: "queue drop of a parent",
        prepare: |alice, _| {
            do_all(
                alice,
                &[
                    &["task", "create", "Parent", "--offline"],
                    &["task", "create", "Child", "--parent", "DEV-5", "--offline"],
                    &["task", "update", "DEV-1", "--parent", "DEV-5", "-p", "2", "--offline"],
                ],
            )
        },
        act: DROP_PARENT,
        heal: &[(DROP_PARENT, &[0, 1]), (SYNC, &[0])],
        ..NONE
    },
    // A crash is recovered from, and that is killed.
    Scenario {
        name: "recovery of answers",
        prepare: |alice, _| {
            mixed(alice);
            die_at(alice, "store.end.commit");
        },
        ..NONE
    },
    Scenario {
        name: "recovery of a lost answer",
        prepare: |alice, _| {
            mixed(alice);
            die_at(alice, "push.request.after");
        },
        ..NONE
    },
    Scenario {
        name: "recovery of a task deleted meanwhile",
        prepare: |alice, _| {
            do_all(alice, &[&["task", "create", "Mine", "--offline"]]);
            die_at(alice, "push.request.after");
            do_all(alice, &[&["task", "rm", "DEV-5", "--force", "--offline"]]);
        },
        ..NONE
    },
    Scenario {
        name: "recovery of a wiped cache",
        prepare: |alice, _| {
            mixed(alice);
            std::fs::remove_dir_all(alice.path("cache")).expect("our own folder");
        },
        ..NONE
    },
    // A command queues something, offline.
    Scenario {
        name: "offline create",
        prepare: |_, _| {},
        act: &["task", "create", "Mine", "-d", "made offline", "--offline"],
        ..WRITE
    },
    Scenario {
        name: "offline update",
        prepare: |_, _| {},
        act: &["task", "update", "DEV-1", "--title", "Ours", "--priority", "2", "--offline"],
        ..WRITE
    },
    Scenario {
        name: "offline delete",
        prepare: |_, _| {},
        act: &["task", "rm", "DEV-2", "--force", "--offline"],
        ..WRITE
    },
    Scenario {
        name: "offline delete of a new task",
        prepare: |alice, _| {
            do_all(
                alice,
                &[
                    &["task", "create", "Mine", "--offline"],
                    &["task", "dep", "add", "DEV-1", "--on", "DEV-5", "--offline"],
                ],
            )
        },
        act: &["task", "rm", "DEV-5", "--force", "--offline"],
        ..WRITE
    },
    Scenario {
        name: "offline dependency add",
        prepare: |_, _| {},
        act: &["task", "dep", "add", "DEV-3", "--on", "DEV-1", "--offline"],
        ..WRITE
    },
    Scenario {
        name: "offline dependency rm",
        prepare: |_, _| {},
        act: &["task", "dep", "rm", "DEV-4", "--on", "DEV-3", "--offline"],
        ..WRITE
    },
    Scenario {
        name: "restore",
        prepare: |alice, _| {
            mixed(alice);
            do_all(alice, &[DROP_ALL]);
        },
        act: &["sync", "restore", "--last"],
        puts_back: true,
        ..WRITE
    },
    // A command queues something and sends it at once.
    Scenario {
        name: "online create",
        prepare: |_, _| {},
        act: &["task", "create", "Mine", "-d", "made online"],
        ..WRITE
    },
    Scenario {
        name: "online update",
        prepare: |_, _| {},
        act: &["task", "update", "DEV-1", "--title", "Ours", "--priority", "2"],
        ..WRITE
    },
    Scenario { name: "online delete", prepare: |_, _| {}, act: &["task", "rm", "DEV-2", "--force"], ..WRITE },
    Scenario {
        name: "online dependency add",
        prepare: |_, _| {},
        act: &["task", "dep", "add", "DEV-3", "--on", "DEV-1"],
        ..WRITE
    },
    Scenario {
        name: "online dependency rm",
        prepare: |_, _| {},
        act: &["task", "dep", "rm", "DEV-4", "--on", "DEV-3"],
        ..WRITE
    },
];
