//! `anyt attempt` and `anyt artifact`: tries at tasks, and what they leave.

use super::task::{ID, ID_OR_PICKED, REMOTE};
use super::{NO_QUEUE, OFFLINE};
use crate::cli::command::{Accepts, Argument, Command, Example, Flag, Id};
use crate::model::attempt::{AGENTS, FAILURES, STATUSES};

const WHICH: Argument = Argument {
    name: "ATTEMPT",
    help: "As 'list' shows it: DEV-42@7, or @7; of a task, DEV-42, the one that goes on, else the newest",
    completes: "tasks",
    ..Argument::NONE
};
const ARTIFACT_ID: Argument =
    Argument { name: "ARTIFACT", help: "As 'list' shows it: DEV-42@7/3, or 3", ..Argument::NONE };
const NOTES: Flag =
    Flag { long: "notes", value: "TEXT", help: "Notes on it; - reads them from standard input", ..Flag::VALUE };
const AGENT: Flag =
    Flag { long: "agent", value: "NAME", accepts: Accepts::OneOf(&AGENTS), help: "The agent at work", ..Flag::VALUE };
const FAILURE: Flag =
    Flag { long: "failure", value: "CLASS", accepts: Accepts::OneOf(&FAILURES), help: "Why it failed", ..Flag::VALUE };
const NAME: Flag = Flag { long: "name", value: "NAME", help: "What it is called; else as the file", ..Flag::VALUE };

pub const ATTEMPT: Command = Command {
    name: "attempt",
    summary: "Record attempts at tasks, and run commands as attempts",
    description: "\
        An attempt is one try at a task: who made it, how it ended, what it cost. Attempts come with 'anyt sync' and are \
        read from the cache; yours go to the server at once, or wait for the next sync, also those at a task that exists \
        only here. Attempts cannot be deleted. A server without attempts refuses them at once.",
    examples: &[
        Example { what: "Run the tests as an attempt", line: "anyt attempt run DEV-42 -- make test" },
        Example { what: "Begin one by hand", line: "anyt attempt start DEV-42 --agent codex" },
        Example {
            what: "And end it",
            line: "anyt attempt finish DEV-42 --failure test_fail --cost-tokens 12000 --wall-clock-ms 90000",
        },
    ],
    subcommands: &[
        Command {
            id: Some(Id::AttemptRun),
            name: "run",
            summary: "Run a command as an attempt",
            description: "\
                Starts an attempt, runs the command with your terminal, and finishes the attempt: success when the \
                command ends with 0, aborted when a signal ended it, else failed; with the time that it took. The last 64 \
                KiB of its output become an artifact, 'log'. The exit code is the command's, 128 and the signal's number \
                if one ended it, 127 if it could not be started. The command waits for the server for 2 seconds at most; \
                what was not sent by then is sent at its end. SIGTERM, SIGHUP, SIGINT and SIGQUIT are passed on. If \
                anyt itself is killed, the next 'anyt attempt run' finishes the attempt as aborted. With --json the \
                command's output goes to stderr.",
            arguments: &[
                ID,
                Argument {
                    name: "COMMAND",
                    help: "The command and its arguments, behind --",
                    many: true,
                    ..Argument::NONE
                },
            ],
            flags: &[
                NOTES,
                AGENT,
                Flag { help: "Why it failed, if the command fails", ..FAILURE },
                Flag { long: "no-log", help: "Keep nothing of its output", ..Flag::SWITCH },
                OFFLINE,
                NO_QUEUE,
            ],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::AttemptStart),
            name: "start",
            summary: "Start an attempt at a task",
            arguments: &[ID_OR_PICKED],
            flags: &[NOTES, AGENT, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::AttemptFinish),
            name: "finish",
            summary: "Say how an attempt ended, and what it cost",
            description: "It also corrects an attempt that has ended.",
            arguments: &[WHICH],
            flags: &[
                Flag {
                    long: "status",
                    value: "STATUS",
                    accepts: Accepts::OneOf(&[STATUSES[1], STATUSES[2], STATUSES[3]]),
                    help: "How it ended; success where nothing says otherwise",
                    ..Flag::VALUE
                },
                Flag { help: "Why it failed; it has then failed", ..FAILURE },
                Flag { long: "message", short: Some('m'), value: "TEXT", help: "The failure in words", ..Flag::VALUE },
                Flag {
                    long: "cost-tokens",
                    value: "N",
                    accepts: Accepts::Number,
                    help: "Tokens that it took",
                    ..Flag::VALUE
                },
                Flag {
                    long: "wall-clock-ms",
                    value: "MS",
                    accepts: Accepts::Number,
                    help: "Time that it took, in milliseconds",
                    ..Flag::VALUE
                },
                NOTES,
                OFFLINE,
                NO_QUEUE,
            ],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::AttemptList),
            name: "list",
            aliases: &["ls"],
            summary: "List the attempts at a task, oldest first",
            arguments: &[ID_OR_PICKED],
            flags: &[REMOTE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::AttemptShow),
            name: "show",
            summary: "Show an attempt and its artifacts",
            arguments: &[WHICH],
            data: true,
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

pub const ARTIFACT: Command = Command {
    name: "artifact",
    summary: "What attempts leave: logs, diffs, reports",
    description: "\
        An artifact is a text below an attempt. It is made once and never changed or deleted. A sync brings what is known \
        of it; the content is fetched when it is first asked for, and kept for later, up to 16 MiB in all.",
    examples: &[
        Example { what: "Add a diff", line: "git diff | anyt artifact add DEV-42 - --type diff --name change.diff" },
        Example { what: "Read a log", line: "anyt artifact get DEV-42@7/3" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::ArtifactAdd),
            name: "add",
            summary: "Add a text to an attempt",
            arguments: &[
                WHICH,
                Argument { name: "FILE", help: "The text, in UTF-8; - for standard input", ..Argument::NONE },
            ],
            flags: &[
                Flag {
                    long: "type",
                    value: "TYPE",
                    default: Some("file"),
                    help: "What it is: log, diff, test_results, ... or any other word",
                    ..Flag::VALUE
                },
                NAME,
                Flag { long: "mime-type", value: "TYPE", help: "For example text/x-diff", ..Flag::VALUE },
                OFFLINE,
                NO_QUEUE,
            ],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ArtifactList),
            name: "list",
            aliases: &["ls"],
            summary: "List the artifacts of an attempt",
            arguments: &[WHICH],
            flags: &[REMOTE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ArtifactShow),
            name: "show",
            summary: "Show what is known of an artifact, and how it begins",
            arguments: &[ARTIFACT_ID],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ArtifactGet),
            name: "get",
            aliases: &["download"],
            summary: "Print the content of an artifact",
            description: "On a terminal, characters that act on it are shown instead of acting.",
            arguments: &[ARTIFACT_ID],
            flags: &[Flag {
                short: Some('o'),
                long: "output",
                value: "FILE",
                accepts: Accepts::File,
                help: "Write it to this file instead",
                ..Flag::VALUE
            }],
            data: true,
            ..Command::NONE
        },
    ],
    ..Command::NONE
};
