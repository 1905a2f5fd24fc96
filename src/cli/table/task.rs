//! `anyt task` and `anyt active`: reading and changing tasks.

use super::{FORCE, NO_QUEUE, NOT_OFFLINE, OFFLINE};
use crate::cli::command::{Accepts, Argument, Command, Example, Flag, Id, Needed};

pub(super) const ID: Argument =
    Argument { name: "ID", help: "The task, for example DEV-42 or 42", completes: "tasks", ..Argument::NONE };
pub(super) const ID_OR_PICKED: Argument =
    Argument { help: "The task; without it the picked one", needed: Needed::No, ..ID };
const IDS_OR_PICKED: Argument = Argument { help: "The tasks; without one the picked task", many: true, ..ID_OR_PICKED };

const PRIORITY: Flag = Flag {
    short: Some('p'),
    long: "priority",
    value: "N",
    accepts: Accepts::OneOf(&["-2", "-1", "0", "1", "2"]),
    help: "From -2 (lowest) to 2 (highest)",
    ..Flag::VALUE
};
const DESCRIPTION: Flag = Flag {
    short: Some('d'),
    long: "description",
    value: "TEXT",
    help: "Markdown; - reads it from standard input",
    ..Flag::VALUE
};
const PROJECT: Flag =
    Flag { long: "project", value: "P", help: "The project: its id or name", completes: "projects", ..Flag::VALUE };
const STATUS: Flag =
    Flag { long: "status", value: "STATUS", accepts: Accepts::Status, help: "Where it stands", ..Flag::VALUE };
const OWNER: Flag =
    Flag { long: "owner", value: "USER", help: "Who does it: a user id or 'me'", completes: "owners", ..Flag::VALUE };
const LABELS: Flag = Flag {
    long: "labels",
    value: "A,B",
    accepts: Accepts::List,
    help: "Its labels, separated by commas",
    completes: "labels",
    ..Flag::VALUE
};
const PHASE: Flag =
    Flag { long: "phase", value: "TEXT", help: "The phase it belongs to, for example T3", ..Flag::VALUE };
const ESTIMATE: Flag = Flag {
    long: "estimate",
    value: "HOURS",
    accepts: Accepts::Hours,
    help: "Estimated effort in hours",
    ..Flag::VALUE
};
const PARENT: Flag =
    Flag { long: "parent", value: "ID", help: "The task it is a part of", completes: "tasks", ..Flag::VALUE };
const PLAN: Flag = Flag { long: "plan", value: "TEXT", help: "How it is to be done; Markdown", ..Flag::VALUE };
pub(super) const REMOTE: Flag = Flag { long: "remote", help: "Ask the server instead of the cache", ..Flag::SWITCH };
const ON: Flag = Flag {
    long: "on",
    value: "A,B",
    accepts: Accepts::List,
    completes: "tasks",
    help: "The tasks it depends on, separated by commas",
    required: true,
    ..Flag::VALUE
};

const FILE: Flag = Flag {
    short: Some('F'),
    long: "file",
    value: "FILE",
    accepts: Accepts::File,
    help: "Fields and description from this file, as in the editor; or a description alone; - is standard input",
    ..Flag::VALUE
};
const WHERE: Flag = Flag {
    long: "where",
    value: "FILTER",
    help: "All tasks that match: flags of 'task list' as words, for example status=todo,label=old,mine",
    ..Flag::VALUE
};

pub const TASK: Command = Command {
    name: "task",
    summary: "Create, list, show and change tasks",
    description: "\
        Reading is done from the cache and needs no network; --remote asks the server. A change goes to the server at \
        once and then into the cache. With --offline, or when the server is out of reach, it is queued, which is a \
        success: 'anyt sync' sends it.\n\n\
        The picked task (see 'anyt task pick') is meant wherever an ID may be left out.",
    examples: &[
        Example { what: "What is mine and not done", line: "anyt task list --mine --status todo,active" },
        Example { what: "Create a task without a network", line: "anyt task create \"Fix bug\" -p 1 --offline" },
        Example { what: "Finish one with a note", line: "anyt task done DEV-42 -n \"Fixed by the new parser\"" },
    ],
    subcommands: &[CREATE, UPDATE, EDIT, LIST, SHOW, OPEN, DONE, RM, NOTE, DEP, PLAN_REVIEW, PICK, UNPICK],
    ..Command::NONE
};

const CREATE: Command = Command {
    id: Some(Id::TaskCreate),
    name: "create",
    aliases: &["add"],
    summary: "Create a task",
    description: "\
        Without a title, at a terminal, the editor opens on a form. A task created offline shows the next free number; if \
        the server gives it another one, sync says so.",
    arguments: &[Argument {
        name: "TITLE",
        help: "The title, in quotes when it has spaces",
        needed: Needed::No,
        ..Argument::NONE
    }],
    flags: &[
        DESCRIPTION,
        Flag { not_with: &["description"], ..FILE },
        PROJECT,
        Flag { default: Some("0"), ..PRIORITY },
        Flag { default: Some("backlog"), ..STATUS },
        OWNER,
        LABELS,
        PHASE,
        ESTIMATE,
        PARENT,
        PLAN,
        OFFLINE,
        NO_QUEUE,
    ],
    examples: &[
        Example { what: "With a priority and labels", line: "anyt task create \"Fix login\" -p 2 --labels bug,auth" },
        Example {
            what: "With a description from a file",
            line: "anyt task create \"Write the report\" -d - < report.md",
        },
        Example {
            what: "Below another task, without a network",
            line: "anyt task create \"Add tests\" --parent DEV-42 --offline",
        },
    ],
    data: true,
    ..Command::NONE
};

const UPDATE: Command = Command {
    id: Some(Id::TaskUpdate),
    name: "update",
    summary: "Change fields of tasks",
    description: "\
        Only the named fields change. An empty value ('') clears a field that may be empty. With --where it shows the tasks \
        and asks first; where nobody can answer it needs --force.",
    arguments: &[Argument {
        help: "The tasks, for example DEV-42 43",
        many: true,
        needed: Needed::Unless("where"),
        not_with: &["where"],
        ..ID
    }],
    flags: &[
        WHERE,
        FORCE,
        FILE,
        Flag { long: "title", value: "TEXT", help: "The title", ..Flag::VALUE },
        DESCRIPTION,
        PROJECT,
        PRIORITY,
        STATUS,
        OWNER,
        Flag { help: "Exactly these labels, separated by commas", ..LABELS },
        Flag { long: "add-labels", help: "These labels too", not_with: &["labels"], ..LABELS },
        Flag { long: "remove-labels", help: "Not these labels", not_with: &["labels"], ..LABELS },
        PHASE,
        ESTIMATE,
        PARENT,
        PLAN,
        Flag {
            long: "if-match",
            value: "N",
            accepts: Accepts::Number,
            help: "Only if the task is still at version N on the server; else exit code 7",
            ..Flag::VALUE
        },
        OFFLINE,
        NO_QUEUE,
    ],
    examples: &[
        Example { what: "Start on it", line: "anyt task update DEV-42 --status active --owner me" },
        Example { what: "Two tasks at once, lowest priority", line: "anyt task update 42 43 -p -2" },
        Example {
            what: "Exchange a label without a network",
            line: "anyt task update 42 --add-labels ui --remove-labels api --offline",
        },
        Example { what: "All that match", line: "anyt task update --where status=todo,label=old --add-labels new" },
    ],
    data: true,
    destroys: "force",
    ..Command::NONE
};

const EDIT: Command = Command {
    id: Some(Id::TaskEdit),
    name: "edit",
    summary: "Change a task in an editor",
    description: "\
        Opens VISUAL, EDITOR, the editor of config.json or vi on the task's fields and its description. What is changed \
        there is sent, and nothing else. A text that cannot be used is kept. With flags that name fields it is 'anyt task \
        update'.",
    arguments: &[Argument { not_with: &["where"], ..IDS_OR_PICKED }],
    examples: &[
        Example { what: "In the editor", line: "anyt task edit 42" },
        Example { what: "From a file, without a network", line: "anyt task edit 42 -F task.md --offline" },
    ],
    ..UPDATE
};

const LIST: Command = Command {
    id: Some(Id::TaskList),
    name: "list",
    aliases: &["ls"],
    summary: "List tasks from the cache",
    description: "\
        Tasks that are done, canceled or archived are left out unless --all or --status asks for them. Marks: * a change \
        of the task, of its comments, attempts or links was not sent yet, ! it depends on an open task. A search folds upper and lower case and \
        composed characters.",
    flags: &[
        Flag { accepts: Accepts::Statuses, value: "A,B", help: "Only these statuses, separated by commas", ..STATUS },
        Flag { help: "Only this priority", ..PRIORITY },
        Flag { help: "Only this user's tasks; 'me' is you", ..OWNER },
        Flag { long: "mine", help: "Only my tasks: --owner me", not_with: &["owner"], ..Flag::SWITCH },
        Flag { help: "Only tasks with all of these labels", ..LABELS },
        Flag { help: "Only this project: its id or name", ..PROJECT },
        Flag { long: "all", help: "Also the tasks that are done, canceled or archived", ..Flag::SWITCH },
        Flag { help: "Only this phase", ..PHASE },
        Flag { help: "Only the parts of this task", ..PARENT },
        Flag {
            long: "search",
            value: "WORDS",
            help: "Only tasks with each of these words in their title or description",
            ..Flag::VALUE
        },
        Flag {
            long: "ready",
            help: "Only tasks that can be worked on: open, and all that they depend on is done",
            not_with: &["blocked", "remote"],
            ..Flag::SWITCH
        },
        Flag {
            long: "blocked",
            help: "Only tasks that are blocked or depend on an open task",
            not_with: &["remote"],
            ..Flag::SWITCH
        },
        Flag { long: "unassigned", help: "Only tasks that nobody owns", not_with: &["owner", "mine"], ..Flag::SWITCH },
        Flag {
            long: "updated-since",
            value: "SPAN",
            accepts: Accepts::Span,
            help: "Only tasks that changed in this time: 90s, 15m, 2h, 7d",
            ..Flag::VALUE
        },
        Flag {
            long: "pending",
            help: "Only tasks with changes, comments or attempts that were not sent yet",
            not_with: &["remote"],
            ..Flag::SWITCH
        },
        Flag {
            long: "sort",
            value: "BY",
            accepts: Accepts::OneOf(&["priority", "updated_at", "created_at", "status", "identifier", "title"]),
            default: Some("priority"),
            help: "Sort by this",
            ..Flag::VALUE
        },
        Flag {
            long: "order",
            value: "ORDER",
            accepts: Accepts::OneOf(&["asc", "desc"]),
            help: "Ascending or descending; by default what suits --sort",
            ..Flag::VALUE
        },
        Flag {
            long: "limit",
            value: "N",
            accepts: Accepts::Number,
            default: Some("50"),
            help: "At most N tasks; 0 is all",
            ..Flag::VALUE
        },
        Flag {
            long: "offset",
            value: "N",
            accepts: Accepts::Number,
            default: Some("0"),
            help: "Leave out the first N",
            ..Flag::VALUE
        },
        Flag {
            long: "columns",
            value: "A,B",
            help: "Show these columns, for example id,status,title,updated; an unknown one lists all",
            ..Flag::VALUE
        },
        Flag { long: "no-header", help: "Leave the header out", ..Flag::SWITCH },
        Flag { long: "csv", help: "Print comma-separated values", not_with: &["json"], ..Flag::SWITCH },
        REMOTE,
    ],
    examples: &[
        Example { what: "The newest changes", line: "anyt task list --sort updated_at --limit 10" },
        Example { what: "What can be worked on and is nobody's", line: "anyt task list --ready --unassigned" },
        Example { what: "What waits to be sent", line: "anyt task list --pending --all" },
        Example { what: "For a script", line: "anyt task list --status blocked --json" },
    ],
    data: true,
    ..Command::NONE
};

const SHOW: Command = Command {
    id: Some(Id::TaskShow),
    name: "show",
    summary: "Show a task with all it has",
    description: "Shows the last five comments.",
    arguments: &[ID_OR_PICKED],
    flags: &[Flag { long: "comments", help: "Show all comments", ..Flag::SWITCH }, REMOTE],
    data: true,
    ..Command::NONE
};

const OPEN: Command = Command {
    id: Some(Id::TaskOpen),
    name: "open",
    summary: "Open the page of a task in the browser",
    description: "\
        In the browser of the variable BROWSER, else in the desktop's; where there is none, the address is printed. Of a server \
        other than the hosted one, \"web_url\" of the environment in config.json says where its pages are.",
    arguments: &[ID_OR_PICKED],
    flags: &[Flag { long: "print", help: "Print the address instead", ..Flag::SWITCH }],
    data: true,
    ..Command::NONE
};

const DONE: Command = Command {
    id: Some(Id::TaskDone),
    name: "done",
    summary: "Mark tasks as done",
    arguments: &[Argument { not_with: &["where"], ..IDS_OR_PICKED }],
    flags: &[
        WHERE,
        FORCE,
        Flag { short: Some('n'), long: "note", value: "TEXT", help: "Add this note", ..Flag::VALUE },
        OFFLINE,
        NO_QUEUE,
    ],
    data: true,
    destroys: "force",
    ..Command::NONE
};

const RM: Command = Command {
    id: Some(Id::TaskRm),
    name: "rm",
    aliases: &["delete"],
    summary: "Delete tasks",
    arguments: &[Argument { not_with: &["where"], ..IDS_OR_PICKED }],
    description: "Asks first. Where nobody can be asked, without a terminal or with --no-input, it needs --force.",
    flags: &[WHERE, FORCE, OFFLINE, NO_QUEUE],
    data: true,
    destroys: "force",
    ..Command::NONE
};

const NOTE: Command = Command {
    id: Some(Id::TaskNote),
    name: "note",
    summary: "Add a note to a task",
    description: "The note is added to the description under the day's date.",
    arguments: &[ID_OR_PICKED],
    flags: &[
        Flag {
            short: Some('m'),
            long: "message",
            value: "TEXT",
            help: "The note; - reads it from standard input",
            required: true,
            ..Flag::VALUE
        },
        OFFLINE,
        NO_QUEUE,
    ],
    examples: &[Example { what: "On the picked task", line: "anyt task note -m \"Waiting for the vendor\"" }],
    data: true,
    ..Command::NONE
};

const DEP: Command = Command {
    name: "dep",
    summary: "Say which tasks a task depends on",
    examples: &[Example {
        what: "DEV-42 has to wait for two others",
        line: "anyt task dep add DEV-42 --on DEV-40,DEV-41",
    }],
    subcommands: &[
        Command {
            id: Some(Id::TaskDepAdd),
            name: "add",
            summary: "Add dependencies",
            arguments: &[ID_OR_PICKED],
            flags: &[ON, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::TaskDepRm),
            name: "rm",
            summary: "Remove dependencies",
            arguments: &[ID_OR_PICKED],
            flags: &[ON, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::TaskDepList),
            name: "list",
            aliases: &["ls"],
            summary: "List what a task depends on and what waits for it",
            arguments: &[ID_OR_PICKED],
            data: true,
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

const FEEDBACK: Flag = Flag {
    long: "feedback",
    value: "TEXT",
    help: "What to say to it, as a comment; - reads it from standard input",
    ..Flag::VALUE
};

const PLAN_REVIEW: Command = Command {
    name: "plan",
    summary: "Have the implementation plan of a task reviewed",
    description: "The server keeps reviews, where it has them: nothing of this is queued.",
    subcommands: &[
        Command {
            id: Some(Id::TaskPlanSubmit),
            name: "submit",
            summary: "Submit a plan for review",
            arguments: &[ID_OR_PICKED],
            flags: &[
                Flag { help: "The plan; Markdown; - reads it from standard input; without it the task's", ..PLAN },
                NOT_OFFLINE,
            ],
            examples: &[Example { what: "From a file", line: "anyt task plan submit DEV-42 --plan - < plan.md" }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::TaskPlanApprove),
            name: "approve",
            summary: "Approve a plan",
            arguments: &[ID_OR_PICKED],
            flags: &[FEEDBACK, NOT_OFFLINE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::TaskPlanRequestChanges),
            name: "request-changes",
            summary: "Ask for another plan",
            arguments: &[ID_OR_PICKED],
            flags: &[Flag { required: true, ..FEEDBACK }, NOT_OFFLINE],
            data: true,
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

const PICK: Command = Command {
    id: Some(Id::TaskPick),
    name: "pick",
    summary: "Begin a task, and make it the picked one of this directory",
    description: "\
        Writes .anyt/active_task.json, and sets the task's status to active and its assignee type to agent, as the \
        published clients do. A task that is done, canceled or archived is picked as it is.",
    arguments: &[ID],
    flags: &[OFFLINE, NO_QUEUE],
    data: true,
    ..Command::NONE
};

const UNPICK: Command = Command {
    id: Some(Id::TaskUnpick),
    name: "unpick",
    summary: "Forget the picked task",
    data: true,
    ..Command::NONE
};

pub const ACTIVE: Command =
    Command { id: Some(Id::Active), name: "active", summary: "Show the picked task", data: true, ..Command::NONE };

const SHOWN: Flag = Flag {
    short: Some('n'),
    long: "limit",
    value: "N",
    accepts: Accepts::Number,
    default: Some("5"),
    help: "At most N tasks; 0 is all",
    ..Flag::VALUE
};

pub const NEXT: Command = Command {
    id: Some(Id::Next),
    name: "next",
    summary: "Show what to work on next, and why",
    description: "\
        Open tasks of yours and of nobody that depend on nothing open: what you have begun, then by priority, then by how \
        many tasks wait for it.",
    flags: &[SHOWN, Flag { help: "For this user; 'me' is you", ..OWNER }],
    examples: &[Example { what: "Begin with the first", line: "anyt next -n 1 --json" }],
    data: true,
    ..Command::NONE
};

pub const SUMMARY: Command = Command {
    id: Some(Id::Summary),
    name: "summary",
    summary: "Show what was done, what is active, blocked and next",
    description: "A digest of the workspace from the cache: the last 24 hours and 7 days, and what comes now.",
    flags: &[
        Flag { help: "At most N tasks of each; 0 is all", ..SHOWN },
        Flag { help: "Whose next tasks; 'me' is you", ..OWNER },
    ],
    data: true,
    ..Command::NONE
};

pub const BOARD: Command = Command {
    id: Some(Id::Board),
    name: "board",
    summary: "Show the tasks by status, side by side",
    description: "Of what is done, what changed in the last 7 days. A task marked ! depends on an open one.",
    flags: &[Flag { default: Some("15"), help: "At most N tasks of each; 0 is all", ..SHOWN }],
    data: true,
    ..Command::NONE
};

pub const LOG: Command = Command {
    id: Some(Id::Log),
    name: "log",
    summary: "List what was changed from this machine, and what can be undone",
    description: "Newest first; of a task where one is named. What syncs did is listed by 'anyt sync log'.",
    arguments: &[Argument { help: "The task; without it all", needed: Needed::No, ..ID }],
    flags: &[Flag { default: Some("20"), help: "At most N operations; 0 is all", ..SHOWN }],
    data: true,
    ..Command::NONE
};

pub const UNDO: Command = Command {
    id: Some(Id::Undo),
    name: "undo",
    summary: "Undo what was changed from this machine",
    description: "\
        Without N the newest operation that was not undone yet. What was not sent is dropped. What was sent is followed by \
        its inverse: values return to what they were where nobody has changed them since, else there is a question as for \
        every conflict; a task that was created is deleted, after a question; one that was deleted is created again. An \
        undo is undone by its own number.",
    arguments: &[Argument {
        name: "N",
        help: "The operation: its number from 'anyt log', or its id",
        completes: "log",
        needed: Needed::No,
        ..Argument::NONE
    }],
    flags: &[FORCE, OFFLINE, NO_QUEUE],
    examples: &[Example { what: "What can be undone", line: "anyt log" }],
    data: true,
    destroys: "force",
    ..Command::NONE
};
