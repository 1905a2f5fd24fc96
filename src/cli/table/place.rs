//! Where one works: `anyt init`, `anyt workspace`; and `anyt health`.

use super::{NOT_OFFLINE, YES};
use crate::cli::command::{Accepts, Argument, Command, Example, Flag, Id, Needed};

pub const INIT: Command = Command {
    id: Some(Id::Init),
    name: "init",
    summary: "Tie a directory to a workspace and a project",
    description: "\
        Writes .anyt/anyt.json. Commands find it from the directory they are started in, or from any one above it.",
    flags: &[
        Flag {
            short: Some('d'),
            long: "dir",
            value: "DIR",
            accepts: Accepts::Folder,
            default: Some("."),
            help: "The directory",
            ..Flag::VALUE
        },
        Flag {
            short: Some('i'),
            long: "identifier",
            value: "WS",
            help: "The workspace, for example DEV; asked for when there are several",
            ..Flag::VALUE
        },
        Flag { long: "project", value: "P", help: "The project new tasks go to: its id or name", ..Flag::VALUE },
        Flag { help: "Take the first workspace without asking; replace an older .anyt/anyt.json", ..YES },
    ],
    examples: &[
        Example { what: "Choose from a list", line: "anyt init" },
        Example { what: "Without questions", line: "anyt init -i DEV --project Backend --yes" },
    ],
    ..Command::NONE
};

const WS: Argument =
    Argument { name: "WS", help: "The workspace: its id or identifier", completes: "workspaces", ..Argument::NONE };

pub const WORKSPACE: Command = Command {
    name: "workspace",
    aliases: &["ws"],
    summary: "List, create and choose workspaces",
    description: "\
        The workspace of a command is the one of --workspace, else the directory's (see 'anyt init'), else the one \
        chosen with 'anyt workspace use'.",
    examples: &[
        Example { what: "What there is", line: "anyt workspace list" },
        Example { what: "Use one wherever no directory says otherwise", line: "anyt workspace use DEV" },
        Example { what: "Tie this directory to another one", line: "anyt workspace switch OPS" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::WorkspaceList),
            name: "list",
            aliases: &["ls"],
            summary: "List the workspaces",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::WorkspaceShow),
            name: "show",
            summary: "Show a workspace with what it has",
            arguments: &[Argument { help: "The workspace; without it the one in use", needed: Needed::No, ..WS }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::WorkspaceCreate),
            name: "create",
            summary: "Create a workspace on the server",
            description: "The identifier begins the names of its tasks. The server says whether it is free.",
            arguments: &[Argument { name: "NAME", help: "What people call it", ..Argument::NONE }],
            flags: &[
                Flag {
                    short: Some('i'),
                    long: "identifier",
                    value: "WS",
                    help: "Up to ten letters, for example DEV",
                    required: true,
                    ..Flag::VALUE
                },
                Flag { short: Some('d'), long: "description", value: "TEXT", help: "What it is for", ..Flag::VALUE },
                NOT_OFFLINE,
            ],
            examples: &[Example {
                what: "And use it",
                line: "anyt workspace create Operations -i OPS && anyt ws use OPS",
            }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::WorkspaceUse),
            name: "use",
            summary: "Use a workspace in this environment from now on",
            arguments: &[WS],
            ..Command::NONE
        },
        Command {
            id: Some(Id::WorkspaceCurrent),
            name: "current",
            summary: "Show the workspace in use and why",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::WorkspaceSwitch),
            name: "switch",
            summary: "Tie this directory to another workspace",
            arguments: &[Argument { help: "The workspace; asked for when it is missing", needed: Needed::No, ..WS }],
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

pub const DOCTOR: Command = Command {
    id: Some(Id::Doctor),
    name: "doctor",
    summary: "Look at everything, and say what to do where something is wrong",
    description: "\
        config.json, the folders, the token, the server and its clock, cache, queue, conflicts, lock, log, completion and \
        git hooks: a line each with ok, warn or fail, for the active environment. Changes nothing and asks nobody. Exit code 0 \
        when nothing failed, else that of the worst failure.",
    flags: &[
        Flag { long: "offline", help: "Look only at what is here; open no socket", ..Flag::SWITCH },
        Flag {
            long: "all-environments",
            help: "Look at each environment in turn",
            not_with: &["env", "api-url"],
            ..Flag::SWITCH
        },
    ],
    data: true,
    ..Command::NONE
};

pub const HEALTH: Command = Command {
    id: Some(Id::Health),
    name: "health",
    summary: "Check that the server is up",
    description: "Needs no token. Exit code 5 when the server does not answer.",
    data: true,
    ..Command::NONE
};
