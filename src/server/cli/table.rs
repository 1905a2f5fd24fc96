//! Every word of the command line, once: what is parsed, explained and completed. man/anyt-server.1 is written by hand; a
//! test sees that nothing of this is missing there.

#[derive(Debug, PartialEq)]
pub struct Flag {
    /// Without the dashes.
    pub long: &'static str,
    /// The value's name; empty for a switch.
    pub value: &'static str,
    /// The value is a path.
    pub is_path: bool,
    pub help: &'static str,
    pub default: &'static str,
}

const fn switch(long: &'static str, help: &'static str) -> Flag {
    Flag { long, value: "", is_path: false, help, default: "" }
}

const fn flag(long: &'static str, value: &'static str, help: &'static str, default: &'static str) -> Flag {
    Flag { long, value, is_path: false, help, default }
}

const fn path(long: &'static str, help: &'static str, default: &'static str) -> Flag {
    Flag { long, value: "FILE", is_path: true, help, default }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    Serve,
    UserAdd,
    UserList,
    UserRemove,
    TokenCreate,
    TokenList,
    TokenRevoke,
    Backup,
    RestoreBackup,
    RestoreWorkspace,
    RestoreProject,
    Export,
    Import,
    Check,
    /// Hidden: `make docs` calls it.
    Generate,
}

#[derive(Debug, PartialEq)]
pub struct Command {
    pub id: Id,
    /// `user add`; empty for serving.
    pub words: &'static str,
    /// Its arguments' names; each is needed.
    pub arguments: &'static [&'static str],
    /// An imperative without a full stop.
    pub help: &'static str,
    pub flags: &'static [Flag],
}

pub const DB: Flag = path("db", "The database, or :memory: while serving", "anyt-server.db");
pub const HELP: Flag = switch("help", "Explain the command");
pub const VERSION: Flag = switch("version", "Print the version");

/// Flags of every command.
pub const EVERYWHERE: &[Flag] = &[DB, HELP, VERSION];

pub const SERVE: Command = Command {
    id: Id::Serve,
    words: "",
    arguments: &[],
    help: "Serve until SIGTERM or SIGINT",
    flags: &[
        flag("listen", "ADDRESS", "Listen there; port 0 picks a free one", "127.0.0.1:8000"),
        flag("token", "[USER=]TOKEN", "Let USER in with TOKEN while this server runs; may be repeated", "USER: user"),
        path("token-file", "The same, from the lines of a file", ""),
        switch("no-token", "Make no token on a first start; 'anyt-server user add' and 'token create' do"),
        flag(
            "workspace",
            "ID",
            "The workspace of --token users and --import; made if there is none",
            "the one of the first start, DEV in a fresh database",
        ),
        flag("max-body", "BYTES", "Refuse longer request bodies", "1048576"),
        flag("max-connections", "N", "From one address at a time", "256, from this machine no limit"),
        path("import", "Load a backlog from JSON lines before listening; - is standard input", ""),
    ],
};

pub const COMMANDS: &[Command] = &[
    SERVE,
    Command {
        id: Id::UserAdd,
        words: "user add",
        arguments: &["USER"],
        help: "Add a user, or give one a role in a workspace",
        flags: &[
            flag("workspace", "ID", "The workspace; made, with USER as its owner, if there is none", "as above"),
            flag("role", "ROLE", "owner, admin, member or viewer", "member"),
        ],
    },
    Command { id: Id::UserList, words: "user list", arguments: &[], help: "List users and their roles", flags: &[] },
    Command {
        id: Id::UserRemove,
        words: "user remove",
        arguments: &["USER"],
        help: "Shut a user out: revoke its tokens and keys, end its memberships",
        flags: &[],
    },
    Command {
        id: Id::TokenCreate,
        words: "token create",
        arguments: &["USER"],
        help: "Make a token and print it, once",
        flags: &[
            flag("name", "NAME", "What the token is for", ""),
            flag("expires", "WHEN", "A date (2027-01-31) or a span from now (90d)", "never"),
        ],
    },
    Command {
        id: Id::TokenList,
        words: "token list",
        arguments: &[],
        help: "List tokens, by their first letters",
        flags: &[],
    },
    Command {
        id: Id::TokenRevoke,
        words: "token revoke",
        arguments: &["ID"],
        help: "Make a token good for nothing",
        flags: &[],
    },
    Command {
        id: Id::Backup,
        words: "backup",
        arguments: &["FILE"],
        help: "Write a verified copy of the database to a new file; the server may run",
        flags: &[],
    },
    Command {
        id: Id::RestoreBackup,
        words: "restore backup",
        arguments: &["FILE"],
        help: "Put a backup in the place of the database; the server must not run",
        flags: &[],
    },
    Command {
        id: Id::RestoreWorkspace,
        words: "restore workspace",
        arguments: &["ID"],
        help: "Take the deletion of a workspace back",
        flags: &[],
    },
    Command {
        id: Id::RestoreProject,
        words: "restore project",
        arguments: &["NAME"],
        help: "Take the deletion of a project and its tasks back",
        flags: &[flag("workspace", "ID", "The workspace it was in", "any")],
    },
    Command {
        id: Id::Export,
        words: "export",
        arguments: &["FILE"],
        help: "Write everything as JSON lines to a new file, or to standard output (-)",
        flags: &[],
    },
    Command {
        id: Id::Import,
        words: "import",
        arguments: &["FILE"],
        help: "Make a new database of an export; - is standard input",
        flags: &[],
    },
    Command {
        id: Id::Check,
        words: "check",
        arguments: &[],
        help: "Check the whole database; the server may run",
        flags: &[],
    },
    GENERATE,
];

const GENERATE: Command =
    Command { id: Id::Generate, words: "generate", arguments: &["WHAT"], help: "Print a document", flags: &[] };

impl Command {
    /// Not in help and completions.
    pub fn is_hidden(&self) -> bool {
        self.id == Id::Generate
    }

    /// Its own flags, then those of every command.
    pub fn all_flags(&self) -> impl Iterator<Item = &'static Flag> + use<> {
        self.flags.iter().chain(EVERYWHERE)
    }

    /// `anyt-server user add [OPTIONS] USER`.
    pub fn usage(&self) -> String {
        let words = [self.words, "[OPTIONS]"].into_iter().chain(self.arguments.iter().copied());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        format!("anyt-server {}", words.join(" "))
    }
}

impl Flag {
    /// `-h, --help`, `--db FILE`.
    pub fn usage(&self) -> String {
        let short =
            if self.short().is_some() { format!("-{}, ", self.long[..1].to_uppercase()) } else { String::new() };
        let short = if self.long == HELP.long { short.to_lowercase() } else { short };
        let value = if self.value.is_empty() { String::new() } else { format!(" {}", self.value) };
        format!("{short}--{}{value}", self.long)
    }

    pub fn short(&self) -> Option<char> {
        match self.long {
            "help" => Some('h'),
            "version" => Some('V'),
            _ => None,
        }
    }
}
