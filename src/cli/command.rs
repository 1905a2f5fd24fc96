//! What a line of the command table says: the structs that `table/` fills in and every reader of the table speaks.
//! No parsing, no printing.

use crate::model::task::{STATUSES, canonical_status};
use crate::time::parse_span;

/// One per command that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id {
    EnvList,
    EnvAdd,
    EnvSwitch,
    EnvShow,
    EnvRemove,
    ConfigList,
    ConfigGet,
    ConfigSet,
    ConfigUnset,
    Login,
    AuthLogin,
    AuthLogout,
    AuthWhoami,
    AuthStatus,
    Init,
    WorkspaceList,
    WorkspaceShow,
    WorkspaceCreate,
    WorkspaceUse,
    WorkspaceCurrent,
    WorkspaceSwitch,
    ProjectList,
    ProjectUse,
    ProjectCurrent,
    ProjectCreate,
    Health,
    Doctor,
    TaskCreate,
    TaskUpdate,
    TaskEdit,
    TaskList,
    TaskShow,
    TaskOpen,
    TaskPlanSubmit,
    TaskPlanApprove,
    TaskPlanRequestChanges,
    TaskDone,
    TaskRm,
    TaskNote,
    TaskDepAdd,
    TaskDepRm,
    TaskDepList,
    ProjectShow,
    ProjectUpdate,
    ProjectRm,
    LabelList,
    LabelCreate,
    LabelUpdate,
    LabelRm,
    MemberList,
    CommentAdd,
    CommentList,
    CommentEdit,
    CommentRm,
    AttemptRun,
    AttemptStart,
    AttemptFinish,
    AttemptList,
    AttemptShow,
    ArtifactAdd,
    ArtifactList,
    ArtifactShow,
    ArtifactGet,
    TaskPick,
    TaskUnpick,
    Active,
    Next,
    Summary,
    Board,
    Log,
    Undo,
    Sync,
    SyncStatus,
    SyncLog,
    SyncQueue,
    SyncQueueShow,
    SyncQueueRetry,
    SyncQueueDrop,
    SyncConflicts,
    SyncResolve,
    SyncRestore,
    /// `anyt help …` or `--help`: `Invocation::arguments` is the path of the command asked about.
    Help,
    Version,
    Completion,
    Man,
    /// Hidden: completions call it.
    Complete,
    /// Hidden: `make docs` calls it.
    Generate,
    /// A group was named without a command (`anyt`, `anyt task`): its help belongs on stderr, with exit code 2.
    Usage,
}

/// A command or a group of commands. A command with subcommands takes no arguments of its own.
#[derive(Debug)]
pub struct Command {
    /// What to run; `None` for a group that only holds others.
    pub id: Option<Id>,
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// One line without a full stop, an imperative.
    pub summary: &'static str,
    /// Paragraphs separated by an empty line; may be empty.
    pub description: &'static str,
    pub arguments: &'static [Argument],
    pub flags: &'static [Flag],
    pub examples: &'static [Example],
    pub subcommands: &'static [Command],
    /// Flags that do not exist on purpose.
    pub refused: &'static [Refused],
    /// Extra sections of a group's man page: title and paragraphs.
    pub sections: &'static [(&'static str, &'static str)],
    /// It prints data: its help shows `--json`.
    pub data: bool,
    /// It destroys something and asks before: the long name of the flag that says yes in advance. Empty: it destroys nothing.
    pub destroys: &'static str,
    /// What is typed too much may be a secret: it is not repeated in the error.
    pub secretive: bool,
    /// Not in help, man pages and completions.
    pub hidden: bool,
}

impl Command {
    /// The blank that table entries fill in.
    pub const NONE: Command = Command {
        id: None,
        name: "",
        aliases: &[],
        summary: "",
        description: "",
        arguments: &[],
        flags: &[],
        examples: &[],
        subcommands: &[],
        refused: &[],
        sections: &[],
        data: false,
        destroys: "",
        secretive: false,
        hidden: false,
    };

    /// Its name, then its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        [self.name].into_iter().chain(self.aliases.iter().copied())
    }

    pub fn answers_to(&self, word: &str) -> bool {
        self.name == word || self.aliases.contains(&word)
    }

    pub fn subcommand(&self, word: &str) -> Option<&'static Command> {
        self.subcommands.iter().find(|command| command.answers_to(word))
    }

    /// The subcommands people are shown.
    pub fn shown(&self) -> impl Iterator<Item = &'static Command> + use<> {
        self.subcommands.iter().filter(|command| !command.hidden)
    }
}

/// A word of the command line that is no flag.
#[derive(Debug)]
pub struct Argument {
    pub name: &'static str,
    pub help: &'static str,
    pub needed: Needed,
    /// Takes all words that are left.
    pub many: bool,
    /// What `anyt complete` offers for it; empty: nothing.
    pub completes: &'static str,
    /// Long names of flags that contradict it.
    pub not_with: &'static [&'static str],
}

impl Argument {
    pub const NONE: Argument =
        Argument { name: "", help: "", needed: Needed::Yes, many: false, completes: "", not_with: &[] };

    /// `TITLE`, `[ID...]`.
    pub fn usage(&self) -> String {
        let dots = if self.many { "..." } else { "" };
        match self.needed {
            Needed::Yes => format!("{}{dots}", self.name),
            Needed::No => format!("[{}{dots}]", self.name),
            Needed::Unless(flag) => format!("{}{dots}|--{flag}", self.name),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    Yes,
    No,
    /// The named flag says the same in another way.
    Unless(&'static str),
}

#[derive(Debug)]
pub struct Flag {
    pub short: Option<char>,
    /// Without the dashes.
    pub long: &'static str,
    /// Another long name, whose first letter is a short one; empty for none.
    pub alias: &'static str,
    /// The value's name in help texts; empty for a switch.
    pub value: &'static str,
    pub accepts: Accepts,
    pub default: Option<&'static str>,
    pub help: &'static str,
    /// What `anyt complete` offers for its value; empty: nothing.
    pub completes: &'static str,
    pub required: bool,
    /// Long names of flags that contradict it.
    pub not_with: &'static [&'static str],
}

impl Flag {
    /// The blank for a switch.
    pub const SWITCH: Flag = Flag {
        short: None,
        long: "",
        alias: "",
        value: "",
        accepts: Accepts::Nothing,
        default: None,
        help: "",
        completes: "",
        required: false,
        not_with: &[],
    };

    /// The blank for a flag with a value.
    pub const VALUE: Flag = Flag { accepts: Accepts::Text, ..Flag::SWITCH };

    pub fn is_switch(&self) -> bool {
        matches!(self.accepts, Accepts::Nothing)
    }

    pub fn answers_to(&self, long: &str) -> bool {
        self.long == long || (self.alias == long && !long.is_empty())
    }

    /// `-d, --description TEXT`.
    pub fn usage(&self) -> String {
        let short = self.short.map_or(String::from("    "), |short| format!("-{short}, "));
        let value = if self.is_switch() { String::new() } else { format!(" {}", self.value) };
        format!("{short}--{}{value}", self.long)
    }

    /// The help text with what the table knows besides: the choices and the default.
    pub fn full_help(&self) -> String {
        let mut text = String::from(self.help);
        if self.required {
            text.push_str(" [required]");
        }
        if !self.accepts.choices().is_empty() {
            text.push_str(&format!(" [one of: {}]", self.accepts.choices().join(", ")));
        }
        if let Some(default) = self.default {
            text.push_str(&format!(" [default: {default}]"));
        }
        if !self.alias.is_empty() {
            text.push_str(&format!(" [alias: -{}, --{}]", &self.alias[..1], self.alias));
        }
        text
    }
}

/// What a flag's value may be.
#[derive(Debug, Clone, Copy)]
pub enum Accepts {
    /// A switch.
    Nothing,
    Text,
    File,
    Folder,
    /// A whole number from 0 on.
    Number,
    /// Hours, 0 or more, with a fraction if need be; empty: none.
    Hours,
    /// `90s`, `15m`, `2h`, `7d`.
    Span,
    OneOf(&'static [&'static str]),
    /// A task status in any generation's spelling; the value becomes the canonical one.
    Status,
    /// Statuses separated by commas.
    Statuses,
    /// Names separated by commas.
    List,
}

impl Accepts {
    /// Several values separated by commas.
    pub fn is_list(&self) -> bool {
        matches!(self, Accepts::Statuses | Accepts::List)
    }

    /// The fixed values, for help and completions.
    pub fn choices(&self) -> &'static [&'static str] {
        match self {
            Accepts::OneOf(choices) => choices,
            Accepts::Status | Accepts::Statuses => &STATUSES,
            _ => &[],
        }
    }

    /// The value as commands get it, or the offending word and what would have been right.
    pub fn check(&self, value: &str) -> Result<String, (String, String)> {
        let wrong = |word: &str, right: String| Err((word.to_string(), right));
        let one_of = |word: &str| match self.choices().contains(&word) {
            true => Ok(word.to_string()),
            false => wrong(word, format!("one of: {}", self.choices().join(", "))),
        };
        match self {
            Accepts::OneOf(_) => one_of(value),
            Accepts::Status => one_of(canonical_status(value)),
            Accepts::Statuses => {
                let words = value.split(',').map(|word| one_of(canonical_status(word.trim())));
                Ok(words.collect::<Result<Vec<_>, _>>()?.join(","))
            }
            Accepts::Number if value.parse::<u64>().is_err() => wrong(value, "a whole number, 0 or more".into()),
            Accepts::Hours if !is_hours(value) => wrong(value, "hours, for example 2 or 0.5".into()),
            Accepts::Span if parse_span(value).is_none() => {
                wrong(value, "a time span such as 90s, 15m, 2h or 7d".into())
            }
            _ => Ok(value.to_string()),
        }
    }
}

fn is_hours(value: &str) -> bool {
    value.is_empty() || value.parse::<f64>().is_ok_and(|hours| hours.is_finite() && hours >= 0.0)
}

#[derive(Debug)]
pub struct Example {
    /// What one wants, without a full stop.
    pub what: &'static str,
    /// What one types.
    pub line: &'static str,
}

/// A flag other clients have and this one refuses, with the reason.
#[derive(Debug)]
pub struct Refused {
    pub long: &'static str,
    pub because: &'static str,
    pub instead: &'static str,
}
