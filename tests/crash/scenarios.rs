//! What people do when the power goes. Before each one Alice has synced DEV-1 to DEV-4 (DEV-4 depends on DEV-3).

use crate::common::{Proxy, Sandbox, Server};

/// A command line and the exit codes it may have.
type Step = (&'static [&'static str], &'static [i32]);

pub struct Scenario {
    pub name: &'static str,
    /// What happened before: on Alice's machine, and on the server.
    pub prepare: fn(&Sandbox, &Server, &Proxy),
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
}

const SYNC: &[&str] = &["sync", "--no-input"];

/// The blank that the table fills in: work is queued, and the sync that sends it is killed.
const NONE: Scenario =
    Scenario { name: "", prepare: |_, _, _| {}, act: SYNC, code: 0, heal: &[(SYNC, &[0])], settled: 0, queues: false };

/// A command that queues something, killed.
const WRITE: Scenario = Scenario { queues: true, ..NONE };

/// Runs commands of Alice's, all of which succeed.
fn do_all(alice: &Sandbox, commands: &[&[&str]]) {
    commands.iter().for_each(|args| drop(alice.anyt(args).ok()));
}

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "create",
        prepare: |alice, _, _| do_all(alice, &[&["task", "create", "Mine", "-d", "made offline", "--offline"]]),
        ..NONE
    },
    Scenario {
        name: "update",
        prepare: |alice, _, _| {
            do_all(alice, &[&["task", "update", "DEV-1", "--title", "Ours", "--priority", "2", "--offline"]])
        },
        ..NONE
    },
    Scenario {
        name: "delete",
        prepare: |alice, _, _| do_all(alice, &[&["task", "rm", "DEV-2", "--force", "--offline"]]),
        ..NONE
    },
    Scenario {
        name: "dependency add",
        prepare: |alice, _, _| do_all(alice, &[&["task", "dep", "add", "DEV-3", "--on", "DEV-1", "--offline"]]),
        ..NONE
    },
    Scenario {
        name: "dependency rm",
        prepare: |alice, _, _| do_all(alice, &[&["task", "dep", "rm", "DEV-4", "--on", "DEV-3", "--offline"]]),
        ..NONE
    },
];
