//! The command table: every word of the command line, once. What is not here does not exist; what is here is parsed,
//! explained, documented and completed. Texts are ASCII and end without a full stop unless they are sentences.

mod account;
mod attempt;
mod comment;
mod named;
mod place;
pub mod reference;
mod sync;
mod task;

use super::command::{Accepts, Argument, Command, Example, Flag, Id, Needed};

pub static ROOT: Command = Command {
    name: "anyt",
    summary: "Offline-first client for AnyTask",
    description: "\
        anyt keeps a full copy of a team's tasks on this machine. Reading needs no network; what you change without \
        one is queued, and 'anyt sync' reconciles both sides: it pulls, merges, and pushes. It asks only when two people \
        really changed the same thing.\n\n\
        An id may be written DEV-42, dev-42, dev42 or 42. Results go to stdout, everything else to stderr.",
    examples: &[
        Example { what: "Sign in to a server and fetch what it has", line: "anyt login https://tasks.example.com" },
        Example { what: "Fetch what is new, send what is queued", line: "anyt sync" },
        Example {
            what: "Note an idea without a network",
            line: "anyt task create \"Try a bigger page size\" --offline",
        },
    ],
    subcommands: &[
        sync::SYNC,
        task::TASK,
        task::NEXT,
        task::SUMMARY,
        task::BOARD,
        task::LOG,
        task::UNDO,
        task::ACTIVE,
        comment::COMMENT,
        attempt::ATTEMPT,
        attempt::ARTIFACT,
        place::INIT,
        place::WORKSPACE,
        named::PROJECT,
        named::LABEL,
        named::MEMBER,
        account::LOGIN,
        account::ENV,
        account::AUTH,
        account::CONFIG,
        place::HEALTH,
        place::DOCTOR,
        HELP,
        COMPLETION,
        MAN,
        VERSION,
        COMPLETE,
        GENERATE,
    ],
    ..Command::NONE
};

const HELP: Command = Command {
    id: Some(Id::Help),
    name: "help",
    summary: "Explain a command",
    arguments: &[Argument {
        name: "COMMAND",
        help: "The command, word by word",
        needed: Needed::No,
        many: true,
        ..Argument::NONE
    }],
    examples: &[Example { what: "The flags of a command", line: "anyt help task create" }],
    ..Command::NONE
};

const VERSION: Command =
    Command { id: Some(Id::Version), name: "version", summary: "Print the version", ..Command::NONE };

const COMPLETION: Command = Command {
    id: Some(Id::Completion),
    name: "completion",
    summary: "Print the completion script of a shell",
    description: "For those who have only the program; 'make install' puts the scripts where shells find them.",
    arguments: &[Argument { name: "SHELL", help: "bash, zsh or fish", ..Argument::NONE }],
    examples: &[
        Example { what: "In ~/.bashrc", line: "source <(anyt completion bash)" },
        Example { what: "In fish", line: "anyt completion fish | source" },
    ],
    ..Command::NONE
};

const MAN: Command = Command {
    id: Some(Id::Man),
    name: "man",
    summary: "Print a man page",
    description: "As roff, for those who have only the program: anyt's own, or that of a group of commands.",
    arguments: &[Argument {
        name: "PAGE",
        help: "A group of commands, for example sync or task",
        needed: Needed::No,
        ..Argument::NONE
    }],
    examples: &[Example { what: "Read one", line: "anyt man task | man -l -" }],
    ..Command::NONE
};

const COMPLETE: Command = Command {
    id: Some(Id::Complete),
    name: "complete",
    summary: "Print the names that begin so, for completions",
    arguments: &[
        Argument { name: "WHAT", help: "tasks, environments, workspaces, ...", ..Argument::NONE },
        Argument { name: "WORD", help: "What was typed", needed: Needed::No, ..Argument::NONE },
    ],
    hidden: true,
    ..Command::NONE
};

const GENERATE: Command = Command {
    id: Some(Id::Generate),
    name: "generate",
    summary: "Write the man pages and completions",
    arguments: &[Argument { name: "DIR", help: "Where man/ and completions/ are", ..Argument::NONE }],
    hidden: true,
    ..Command::NONE
};

/// Flags of every command, before or after its name.
pub const GLOBAL: &[Flag] = &[
    Flag {
        long: "env",
        value: "NAME",
        help: "Use this environment instead of the active one",
        completes: "environments",
        ..Flag::VALUE
    },
    Flag { long: "api-url", value: "URL", help: "Use this server instead of the environment's", ..Flag::VALUE },
    Flag {
        short: Some('w'),
        long: "workspace",
        value: "WS",
        help: "Use this workspace: its id or identifier",
        completes: "workspaces",
        ..Flag::VALUE
    },
    Flag { short: Some('q'), long: "quiet", help: "Print nothing when all went well", ..Flag::SWITCH },
    Flag { short: Some('v'), long: "verbose", help: "Say more: each request and how long it took", ..Flag::SWITCH },
    JSON,
    FIELDS,
    JSONL,
    Flag { long: "no-input", help: "Never ask; what needs an answer waits or fails", ..Flag::SWITCH },
    Flag {
        long: "color",
        value: "WHEN",
        accepts: Accepts::OneOf(&["auto", "always", "never"]),
        default: Some("auto"),
        help: "Use colour",
        ..Flag::VALUE
    },
    Flag { long: "no-pager", help: "Print at once what does not fit on the terminal", ..Flag::SWITCH },
    Flag { long: "allow-insecure-http", help: "Send the token over plain http beyond this machine", ..Flag::SWITCH },
    Flag {
        long: "ca-file",
        value: "FILE",
        accepts: Accepts::File,
        help: "Trust the CA certificates in this PEM file",
        ..Flag::VALUE
    },
    Flag { long: "no-cache", help: "Ask for the token's passphrase; neither use nor keep a typed one", ..Flag::SWITCH },
    Flag { short: Some('h'), long: "help", help: "Explain the command", ..Flag::SWITCH },
    Flag { short: Some('V'), long: "version", help: "Print the version", ..Flag::SWITCH },
];

/// Accepted everywhere, shown with the commands that print data.
pub const JSON: Flag = Flag { long: "json", help: "Print one JSON document", ..Flag::SWITCH };

/// The same.
pub const FIELDS: Flag = Flag {
    long: "fields",
    value: "A,B",
    accepts: Accepts::List,
    help: "Print only these members of each item; implies --json",
    ..Flag::VALUE
};
pub const JSONL: Flag = Flag { long: "jsonl", help: "Print a line of JSON for each item", ..Flag::SWITCH };

// Flags that several commands share.
const OFFLINE: Flag =
    Flag { long: "offline", help: "Queue the change for the next sync; open no socket", ..Flag::SWITCH };
/// Of a write that only the server can do.
const NOT_OFFLINE: Flag = Flag { help: "Refused: this cannot be queued", ..OFFLINE };
const NO_QUEUE: Flag = Flag {
    long: "no-queue",
    help: "Fail with exit code 5 instead of queueing when the server is out of reach",
    not_with: &["offline"],
    ..Flag::SWITCH
};
/// For a command that destroys something and asks before.
const FORCE: Flag =
    Flag { short: Some('f'), long: "force", alias: "yes", help: "Do not ask for confirmation", ..Flag::SWITCH };
const YES: Flag = Flag { short: Some('y'), long: "yes", help: "Do not ask for confirmation", ..Flag::SWITCH };
