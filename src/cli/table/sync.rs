//! `anyt sync`: reconciling, and everything about what is queued, waiting, or discarded.

use super::{FORCE, YES};
use crate::cli::command::{Accepts, Argument, Command, Example, Flag, Id, Needed};

const IDS: Argument = Argument {
    name: "ID",
    help: "The operations: numbers from 'anyt sync queue', or tasks",
    many: true,
    completes: "operations",
    ..Argument::NONE
};

pub const SYNC: Command = Command {
    id: Some(Id::Sync),
    name: "sync",
    summary: "Fetch what is new and send what is queued",
    description: "\
        Pulls, then pushes. Changes of different fields are merged and reported. When both sides changed the same \
        field, it asks; without anybody to ask, the conflict waits in the inbox and the exit code is 3. Everything a sync \
        changes in the cache is one transaction: all of it or nothing.",
    flags: &[
        Flag { long: "pull", help: "Only fetch", ..Flag::SWITCH },
        Flag { long: "push", help: "Only send", ..Flag::SWITCH },
        Flag {
            long: "full",
            help: "Read everything again, also what has not changed; repairs a cache that differs from the server",
            not_with: &["push"],
            ..Flag::SWITCH
        },
        Flag {
            long: "force",
            help: "Make the cache equal to the server; what is queued is kept for 'anyt sync restore'",
            not_with: &["push", "dry-run", "resolve", "no-merge"],
            ..Flag::SWITCH
        },
        YES,
        Flag { long: "dry-run", help: "Show what would happen; change nothing on either side", ..Flag::SWITCH },
        Flag {
            long: "wait",
            value: "SECONDS",
            accepts: Accepts::Number,
            help: "Wait this long for another sync to end, or for a server that asks to come back later",
            ..Flag::VALUE
        },
        Flag {
            long: "no-merge",
            help: "Ask at every version difference, also when different fields changed",
            ..Flag::SWITCH
        },
        Flag {
            long: "resolve",
            value: "HOW",
            accepts: Accepts::OneOf(&["local", "remote", "skip"]),
            help: "Settle conflicts this way instead of asking; what loses is kept",
            ..Flag::VALUE
        },
        Flag {
            long: "all-environments",
            help: "Sync each environment in turn, with a line about each; the highest exit code counts",
            not_with: &["force", "dry-run", "env", "api-url"],
            ..Flag::SWITCH
        },
        Flag {
            long: "accept-deletes",
            help: "Remove also when more than half of a workspace is gone from the server",
            ..Flag::SWITCH
        },
    ],
    examples: &[
        Example { what: "Both ways", line: "anyt sync" },
        Example { what: "From cron: silent, never asking", line: "anyt sync -q --no-input" },
        Example { what: "What would happen", line: "anyt sync --dry-run" },
        Example { what: "Start over from the server's state", line: "anyt sync --force" },
    ],
    subcommands: &[STATUS, LOG, QUEUE, CONFLICTS, RESOLVE, RESTORE],
    sections: &[
        (
            "CONFLICTS",
            "The prompt shows base, local and remote value of each field in conflict and takes: 1 keep local \
            changes, 2 accept remote changes, 3 edit manually, 1! and 2! the same for all that remain, d the full difference, s \
            skip for now, q stop and roll the pull back. Answers are read from standard input, so they can be piped. \
            At the end of input, with --no-input, or after three invalid answers, the conflict goes to the inbox: \
            'anyt sync conflicts' lists it, 'anyt sync resolve' settles it, the next sync sends the result.\n\n\
            Ctrl-C at the prompt ends the sync with exit code 130 and the cache as it was. An editor gets the \
            Ctrl-C itself; if it ends by that, the prompt comes back.\n\n\
            Whatever loses is written to discarded.jsonl first, and so is a text that an editor left and that cannot be \
            used; 'anyt sync restore' brings it back.",
        ),
        (
            "CRON, HOOKS AND PROMPTS",
            "'anyt sync -q --no-input' prints nothing when all is well and never waits for anybody. 'anyt sync status \
            --max-age 1h --max-pending 0 --offline' opens no socket and answers by its exit code: 0 when the last sync \
            is young enough and the queue short enough, 1 when not.",
        ),
    ],
    data: true,
    destroys: "yes",
    ..Command::NONE
};

const STATUS: Command = Command {
    id: Some(Id::SyncStatus),
    name: "status",
    summary: "Show what is queued, when the last sync was, whether the server answers",
    description: "With --max-age or --max-pending the exit code says whether the limits are kept: 0 yes, 1 no.",
    flags: &[
        Flag {
            long: "max-age",
            value: "SPAN",
            accepts: Accepts::Span,
            help: "The last good sync is at most this old: 90s, 15m, 2h, 7d",
            ..Flag::VALUE
        },
        Flag {
            long: "max-pending",
            value: "N",
            accepts: Accepts::Number,
            help: "At most N operations are queued",
            ..Flag::VALUE
        },
        Flag { long: "offline", help: "Do not ask the server whether it is there", ..Flag::SWITCH },
    ],
    examples: &[Example { what: "For a monitor", line: "anyt sync status --max-age 1h --max-pending 0 --offline -q" }],
    data: true,
    ..Command::NONE
};

const LOG: Command = Command {
    id: Some(Id::SyncLog),
    name: "log",
    summary: "Show past syncs; -v also what each decided",
    flags: &[Flag {
        short: Some('n'),
        long: "limit",
        value: "N",
        accepts: Accepts::Number,
        default: Some("20"),
        help: "At most the last N",
        ..Flag::VALUE
    }],
    data: true,
    ..Command::NONE
};

const QUEUE: Command = Command {
    id: Some(Id::SyncQueue),
    name: "queue",
    summary: "List the queued operations, or act on them",
    description: "\
        An operation that the server refuses stays queued with the server's message: no sync sends it again until it is \
        retried. Fix the cause, then retry it or drop it; or change it with 'anyt task update', and that is sent instead. \
        The rest of the queue goes on; what needs it waits.",
    examples: &[
        Example { what: "What waits, and what was refused", line: "anyt sync queue" },
        Example { what: "Send the refused ones again with the next sync", line: "anyt sync queue retry --all" },
        Example { what: "Drop one; it is kept for 'anyt sync restore'", line: "anyt sync queue drop 3" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::SyncQueueShow),
            name: "show",
            summary: "Show an operation with its values and the server's message",
            arguments: &[Argument {
                help: "The operation: its number from 'anyt sync queue', or its task",
                many: false,
                ..IDS
            }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::SyncQueueRetry),
            name: "retry",
            summary: "Send refused operations again with the next sync",
            arguments: &[Argument { needed: Needed::Unless("all"), not_with: &["all"], ..IDS }],
            flags: &[Flag { long: "all", help: "All that were refused", ..Flag::SWITCH }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::SyncQueueDrop),
            name: "drop",
            summary: "Drop operations; they are kept for 'anyt sync restore'",
            arguments: &[Argument { needed: Needed::Unless("all"), not_with: &["all"], ..IDS }],
            flags: &[Flag { long: "all", help: "The whole queue", ..Flag::SWITCH }, FORCE],
            data: true,
            destroys: "force",
            ..Command::NONE
        },
    ],
    data: true,
    ..Command::NONE
};

const CONFLICTS: Command = Command {
    id: Some(Id::SyncConflicts),
    name: "conflicts",
    summary: "List the conflicts that wait for a decision",
    data: true,
    ..Command::NONE
};

const RESOLVE: Command = Command {
    id: Some(Id::SyncResolve),
    name: "resolve",
    summary: "Settle waiting conflicts, also without a network",
    description: "Asks as 'anyt sync' does unless a flag says how. The next sync sends the result.",
    arguments: &[Argument {
        name: "ID",
        help: "The tasks; without one each waiting conflict in turn",
        needed: Needed::No,
        many: true,
        completes: "conflicts",
        not_with: &["all"],
    }],
    flags: &[
        Flag { long: "local", help: "Keep our values", not_with: &["remote", "edit"], ..Flag::SWITCH },
        Flag { long: "remote", help: "Take the server's values", not_with: &["local", "edit"], ..Flag::SWITCH },
        Flag { long: "edit", help: "Write the result in an editor", not_with: &["local", "remote"], ..Flag::SWITCH },
        Flag {
            long: "all",
            help: "All waiting conflicts, when --local or --remote decides without asking",
            ..Flag::SWITCH
        },
    ],
    examples: &[
        Example { what: "One after the other", line: "anyt sync resolve" },
        Example { what: "Keep ours of one task", line: "anyt sync resolve DEV-42 --local" },
        Example { what: "Take the server's of all", line: "anyt sync resolve --remote --all" },
    ],
    data: true,
    ..Command::NONE
};

const RESTORE: Command = Command {
    id: Some(Id::SyncRestore),
    name: "restore",
    summary: "Queue discarded operations again",
    description: "\
        Every edit that a force sync, a resolution or 'queue drop' discarded is an entry of discarded.jsonl, and so is \
        a text that was typed about a conflict and could not be used, which is shown instead of queued.",
    arguments: &[Argument {
        name: "N",
        help: "An entry's number from --list",
        needed: Needed::No,
        not_with: &["last", "list"],
        ..Argument::NONE
    }],
    flags: &[
        Flag { long: "last", help: "The newest entry that was not restored yet", not_with: &["list"], ..Flag::SWITCH },
        Flag { long: "list", help: "List the entries and what is in them", ..Flag::SWITCH },
    ],
    examples: &[Example { what: "Undo the last force sync", line: "anyt sync restore --last && anyt sync" }],
    data: true,
    ..Command::NONE
};
