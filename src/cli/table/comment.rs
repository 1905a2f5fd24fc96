//! `anyt comment`: what people say about tasks.

use super::task::{ID, ID_OR_PICKED, REMOTE};
use super::{FORCE, NO_QUEUE, OFFLINE};
use crate::cli::command::{Argument, Command, Example, Flag, Id};

const NUMBER: Argument = Argument { name: "N", help: "The comment's number, as 'list' shows it", ..Argument::NONE };
const MESSAGE: Flag = Flag {
    short: Some('m'),
    long: "message",
    value: "TEXT",
    help: "The text; - reads it from standard input. Without it your editor asks for it",
    ..Flag::VALUE
};

pub const COMMENT: Command = Command {
    name: "comment",
    summary: "Comment on tasks",
    description: "\
        Comments come with 'anyt sync' and are read from the cache. A comment of your own goes to the server at once, or \
        waits for the next sync, as every change does; also one on a task that exists only here. Only its author may \
        change a comment. Comments have no versions: where two machines of one person change the same one, that is a \
        conflict like any other when a sync sees both; between its look and its write the last writer wins.\n\n\
        A server without a list of all comments is asked for those of the tasks that changed, at most 50 in a sync.",
    examples: &[
        Example { what: "Say something", line: "anyt comment add DEV-42 -m \"Do not ship before Monday\"" },
        Example { what: "Write it in your editor, without a network", line: "anyt comment add DEV-42 --offline" },
        Example { what: "What was said", line: "anyt comment list DEV-42" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::CommentAdd),
            name: "add",
            summary: "Add a comment to a task",
            arguments: &[ID_OR_PICKED],
            flags: &[MESSAGE, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::CommentList),
            name: "list",
            aliases: &["ls"],
            summary: "List a task's comments, oldest first",
            arguments: &[ID_OR_PICKED],
            flags: &[REMOTE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::CommentEdit),
            name: "edit",
            summary: "Change the text of a comment",
            arguments: &[ID, NUMBER],
            flags: &[MESSAGE, OFFLINE, NO_QUEUE],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::CommentRm),
            name: "rm",
            aliases: &["delete"],
            summary: "Delete a comment",
            arguments: &[ID, NUMBER],
            flags: &[FORCE, OFFLINE, NO_QUEUE],
            data: true,
            destroys: "force",
            ..Command::NONE
        },
    ],
    ..Command::NONE
};
