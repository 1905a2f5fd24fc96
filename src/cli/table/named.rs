//! What a workspace has beside tasks: `anyt project`, `anyt label`, `anyt member`.

use super::{FORCE, NO_QUEUE, OFFLINE};
use crate::cli::command::{Accepts, Argument, Command, Example, Flag, Id, Needed};
use crate::model::project::STATUSES;

const NAME: Argument = Argument { name: "NAME", help: "The name", needed: Needed::Unless("name"), ..Argument::NONE };
const GIVEN_NAME: Flag =
    Flag { short: Some('n'), long: "name", value: "NAME", help: "The name, as other clients take it", ..Flag::VALUE };
const NEW_NAME: Flag = Flag { help: "Another name", ..GIVEN_NAME };
const DESCRIPTION: Flag = Flag {
    short: Some('d'),
    long: "description",
    value: "TEXT",
    help: "What it is about; - reads it from standard input",
    ..Flag::VALUE
};
const COLOR: Flag = Flag { long: "color-code", value: "#RRGGBB", help: "Its colour", ..Flag::VALUE };

const P: Argument =
    Argument { name: "P", help: "The project: its id or name", completes: "projects", ..Argument::NONE };
const STATUS: Flag = Flag {
    long: "status",
    value: "STATUS",
    accepts: Accepts::OneOf(&STATUSES),
    help: "Where it stands",
    ..Flag::VALUE
};
const LEAD: Flag = Flag { long: "lead", value: "USER", help: "Who leads it: a user id", ..Flag::VALUE };
const START: Flag =
    Flag { long: "start", value: "DATE", help: "When it begins, for example 2026-01-31", ..Flag::VALUE };
const TARGET: Flag = Flag { long: "target", value: "DATE", help: "When it is to be done", ..Flag::VALUE };

pub const PROJECT: Command = Command {
    name: "project",
    summary: "List projects, choose, create or change one",
    description: "\
        New tasks go to the project of --project, else to the directory's, else to the one chosen with \
        'anyt project use'. Projects are read from the cache and changed as tasks are: at once, or with the next sync.",
    examples: &[
        Example { what: "What there is in a workspace", line: "anyt project list -w DEV" },
        Example { what: "Use one from now on", line: "anyt project use Backend" },
        Example { what: "Create one", line: "anyt project create Backend -d \"API and workers\"" },
        Example {
            what: "It is over, without a network",
            line: "anyt project update Backend --status completed --offline",
        },
    ],
    subcommands: &[
        Command {
            id: Some(Id::ProjectList),
            name: "list",
            aliases: &["ls"],
            summary: "List the workspace's projects",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ProjectShow),
            name: "show",
            summary: "Show a project",
            arguments: &[Argument {
                help: "The project: its id or name; else the one in use",
                needed: Needed::No,
                ..P
            }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ProjectUse),
            name: "use",
            summary: "Use a project from now on",
            arguments: &[P],
            ..Command::NONE
        },
        Command {
            id: Some(Id::ProjectCurrent),
            name: "current",
            summary: "Show the project in use and why",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ProjectCreate),
            name: "create",
            summary: "Create a project",
            description: "A task can be created in it before the server has it: --project NAME.",
            arguments: &[NAME],
            flags: &[GIVEN_NAME, DESCRIPTION, STATUS, LEAD, START, TARGET, COLOR, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ProjectUpdate),
            name: "update",
            aliases: &["edit"],
            summary: "Change a project",
            arguments: &[P],
            flags: &[NEW_NAME, DESCRIPTION, STATUS, LEAD, START, TARGET, COLOR, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ProjectRm),
            name: "rm",
            aliases: &["delete"],
            summary: "Delete a project with its tasks",
            arguments: &[P],
            flags: &[FORCE, OFFLINE, NO_QUEUE],
            data: true,
            destroys: "force",
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

const L: Argument =
    Argument { name: "LABEL", help: "The label: its name or id", completes: "labels", ..Argument::NONE };

pub const LABEL: Command = Command {
    name: "label",
    summary: "List, create and change labels",
    description: "\
        A label that a task names is made by the server when the task is. These commands give it a colour, another name, \
        or take it away from every task.",
    examples: &[
        Example { what: "What there is", line: "anyt label list" },
        Example {
            what: "With a colour, without a network",
            line: "anyt label create bug --color-code '#d73a4a' --offline",
        },
        Example { what: "By another name on every task", line: "anyt label update bug --name defect" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::LabelList),
            name: "list",
            aliases: &["ls"],
            summary: "List the workspace's labels",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::LabelCreate),
            name: "create",
            aliases: &["add"],
            summary: "Create a label",
            arguments: &[NAME],
            flags: &[GIVEN_NAME, COLOR, DESCRIPTION, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::LabelUpdate),
            name: "update",
            aliases: &["edit"],
            summary: "Change a label",
            arguments: &[L],
            flags: &[NEW_NAME, COLOR, DESCRIPTION, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::LabelRm),
            name: "rm",
            aliases: &["delete"],
            summary: "Delete a label",
            arguments: &[L],
            flags: &[FORCE, OFFLINE, NO_QUEUE],
            data: true,
            destroys: "force",
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

pub const MEMBER: Command = Command {
    name: "member",
    summary: "List the members of a workspace",
    subcommands: &[Command {
        id: Some(Id::MemberList),
        name: "list",
        aliases: &["ls"],
        summary: "List who is in the workspace, and as what",
        data: true,
        ..Command::NONE
    }],
    examples: &[
        Example { what: "Who can be an owner", line: "anyt member list" },
        Example { what: "Of another workspace", line: "anyt member list -w OPS" },
        Example { what: "For a script", line: "anyt member list --json" },
    ],
    ..Command::NONE
};
