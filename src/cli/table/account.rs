//! `anyt env` and `anyt auth`: which servers there are and how one signs in.

use super::FORCE;
use crate::cli::command::{Accepts, Argument, Command, Example, Flag, Id, Needed, Refused};

const NAME: Argument =
    Argument { name: "NAME", help: "The environment's name", completes: "environments", ..Argument::NONE };

const URL: Argument =
    Argument { name: "URL", help: "The server, for example https://tasks.example.com", ..Argument::NONE };

pub const ENV: Command = Command {
    name: "env",
    summary: "Name servers and choose between them",
    description: "\
        An environment is a name for a server. Each one has its own token, its own cache and its own queue, so that \
        nothing meant for one server ever reaches another. Names are made of letters, digits, '-', '_' and '.'.",
    examples: &[
        Example {
            what: "Add a server and make it the active one",
            line: "anyt env add prod https://tasks.example.com --active",
        },
        Example { what: "Use another environment for one command", line: "anyt --env dev task list" },
        Example { what: "Use another environment from now on", line: "anyt env switch dev" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::EnvList),
            name: "list",
            aliases: &["ls"],
            summary: "List the environments",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::EnvAdd),
            name: "add",
            summary: "Add an environment",
            description: "\
                The first environment becomes the active one. A name that exists gets the new URL; when changes wait to \
                be sent to the old one, it asks first.",
            arguments: &[NAME, URL],
            flags: &[Flag { long: "active", help: "Make it the active environment", ..Flag::SWITCH }, FORCE],
            destroys: "force",
            examples: &[Example {
                what: "A server on this machine",
                line: "anyt env add dev http://localhost:8000 --active",
            }],
            ..Command::NONE
        },
        Command {
            id: Some(Id::EnvSwitch),
            name: "switch",
            aliases: &["use"],
            summary: "Make an environment the active one",
            arguments: &[NAME],
            ..Command::NONE
        },
        Command {
            id: Some(Id::EnvShow),
            name: "show",
            summary: "Show an environment",
            arguments: &[Argument {
                help: "The environment's name; without it the active one",
                needed: Needed::No,
                ..NAME
            }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::EnvRemove),
            name: "remove",
            aliases: &["rm"],
            summary: "Remove an environment and its token",
            description: "Asks first, and says how many queued changes would never be sent.",
            arguments: &[NAME],
            flags: &[FORCE],
            destroys: "force",
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

const KEY: Argument = Argument { name: "KEY", help: "The setting; 'anyt config list' shows all", ..Argument::NONE };

pub const CONFIG: Command = Command {
    name: "config",
    summary: "Show and change settings",
    description: "\
        The settings in config.json that are habits; 'anyt env', 'anyt auth' and 'anyt workspace' write the rest of it. A \
        setting that is not what it should be is named in a warning, and counts as absent.",
    examples: &[
        Example { what: "All of them, with their meaning", line: "anyt config list" },
        Example { what: "Never ask in a sync", line: "anyt config set sync.resolve skip" },
        Example { what: "As it was", line: "anyt config unset sync.resolve" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::ConfigList),
            name: "list",
            aliases: &["ls"],
            summary: "List the settings with value and meaning",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ConfigGet),
            name: "get",
            summary: "Print a setting, or what counts without it",
            arguments: &[KEY],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ConfigSet),
            name: "set",
            summary: "Change a setting",
            arguments: &[KEY, Argument { name: "VALUE", help: "Its new value", ..Argument::NONE }],
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::ConfigUnset),
            name: "unset",
            summary: "Take a setting out of config.json",
            arguments: &[KEY],
            data: true,
            ..Command::NONE
        },
    ],
    ..Command::NONE
};

const IN_SIGHT: &str = "other users of this machine can read a command line";
const INSTEAD: &str =
    "type it at the prompt of 'anyt auth login', pipe it in, name a --token-file, or set ANYT_AUTH_TOKEN";
const NO_TOKEN_IN_ARGV: &[Refused] = &[
    Refused { long: "token-value", because: IN_SIGHT, instead: INSTEAD },
    Refused { long: "token", because: IN_SIGHT, instead: INSTEAD },
    Refused {
        long: "agent-key-value",
        because: IN_SIGHT,
        instead: "pipe it into 'anyt auth login --agent-key', name a --token-file, or set ANYT_AGENT_KEY",
    },
];

const TOKEN_FILE: Flag = Flag {
    long: "token-file",
    value: "FILE",
    accepts: Accepts::File,
    help: "Read the token from this file; - is standard input",
    ..Flag::VALUE
};
const AGENT_KEY: Flag = Flag { long: "agent-key", help: "It is an agent's key, not a user's token", ..Flag::SWITCH };
const STORE: Flag = Flag {
    long: "store",
    value: "WHERE",
    accepts: Accepts::OneOf(&["keyring", "file"]),
    help: "Keep it there or fail, instead of choosing what works",
    ..Flag::VALUE
};

pub const LOGIN: Command = Command {
    id: Some(Id::Login),
    name: "login",
    summary: "Name a server, sign in, and fetch what it has",
    description: "\
        What 'anyt env add', 'anyt auth login', 'anyt workspace use' and 'anyt sync' do, one after the other. A server that \
        does not answer is not added. A token that is there already and accepted is kept; else it is asked for, or read from \
        --token-file or a pipe. Where no token is taken, a new name is not kept and a known one stays as it was; where a \
        later step fails, the steps before it stay done: type it again. 'anyt init' ties a directory to a workspace.",
    arguments: &[
        Argument { not_with: &["api-url"], ..URL },
        Argument { help: "What to call it; without it the server's name", needed: Needed::No, ..NAME },
    ],
    flags: &[
        TOKEN_FILE,
        AGENT_KEY,
        STORE,
        Flag { long: "offline", help: "Name it and keep the token; ask the server nothing", ..Flag::SWITCH },
    ],
    examples: &[
        Example { what: "The token is asked for and not shown", line: "anyt login https://tasks.example.com" },
        Example {
            what: "From a pipe, as 'prod'",
            line: "pass show anytask | anyt login https://tasks.example.com prod",
        },
    ],
    refused: NO_TOKEN_IN_ARGV,
    secretive: true,
    ..Command::NONE
};

pub const AUTH: Command = Command {
    name: "auth",
    summary: "Sign in and out",
    description: "\
        A token is kept in the operating system's keyring or, where there is none, in an encrypted file; never in \
        config.json. ANYT_AUTH_TOKEN, ANYT_AGENT_KEY and ANYT_API_KEY always win over what is stored. A token is sent \
        to the server it was stored for and to no other.",
    examples: &[
        Example { what: "Sign in; the token is asked for and not shown", line: "anyt auth login" },
        Example { what: "Sign in from a file or a pipe", line: "pass show anytask | anyt auth login" },
        Example { what: "See who you are and where the token is kept", line: "anyt auth whoami; anyt auth status" },
    ],
    subcommands: &[
        Command {
            id: Some(Id::AuthLogin),
            name: "login",
            summary: "Check a token with the server and keep it",
            description: "\
                The token comes from --token-file, from standard input when that is no terminal, or from a prompt that \
                does not show it; never from the command line, which other users can read.",
            flags: &[
                TOKEN_FILE,
                AGENT_KEY,
                Flag { long: "offline", help: "Keep it without asking the server whether it is valid", ..Flag::SWITCH },
                STORE,
            ],
            examples: &[
                Example { what: "From a file", line: "anyt auth login --token-file ~/token.txt" },
                Example {
                    what: "An agent's key from a pipe, in the encrypted file",
                    line: "anyt auth login --agent-key --store file < key.txt",
                },
            ],
            refused: NO_TOKEN_IN_ARGV,
            secretive: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::AuthLogout),
            name: "logout",
            summary: "Forget the environment's token, wherever it is kept",
            flags: &[Flag {
                long: "all",
                help: "Forget the tokens of all environments",
                not_with: &["env"],
                ..Flag::SWITCH
            }],
            ..Command::NONE
        },
        Command {
            id: Some(Id::AuthWhoami),
            name: "whoami",
            summary: "Ask the server who the token belongs to",
            data: true,
            ..Command::NONE
        },
        Command {
            id: Some(Id::AuthStatus),
            name: "status",
            summary: "Show where the token is kept and what that protects against",
            data: true,
            ..Command::NONE
        },
    ],
    sections: &[
        (
            "WHO CAN READ THE TOKEN",
            "Keyring (Secret Service, Keychain, Credential Manager): encrypted on the disk, unlocked when you log in. \
        Programs that run as you can ask the unlocked keyring for it, as anyt does. Other users, a stolen disk and a \
        copied home directory do not give it away.\n\n\
        Encrypted file with a passphrase (ANYT_PASSPHRASE_FILE, ANYT_PASSPHRASE, a prompt, or a systemd credential): \
        whoever has the file and the passphrase. A passphrase in the environment or in a file can be read by programs \
        that run as you. On Linux one that was typed stays in the kernel's session keyring for 15 minutes after its last \
        use, for programs of the same login session; 'anyt auth logout' and --no-cache keep none.\n\n\
        Encrypted file with a random key (neither keyring nor passphrase): the key lies in the state directory, mode \
        0600, next door to the file. This protects against leaking one directory, such as a dotfiles repository or a \
        partial backup, and against nothing more: whoever can read all your files can read the token.\n\n\
        Environment variables: whoever can read the process's environment, which is you and root, and whatever starts \
        anyt. root can read the token under every store.\n\n\
        When a token may have been seen by others, revoke it on the server; deleting files does not undo that.",
        ),
        (
            "WHERE THE TOKEN GOES",
            "A token is bound to the server (scheme, host and port) it was stored for. It is not sent to another one: not \
        after a redirect, not when config.json, --api-url or ANYT_API_URL points elsewhere (exit code 4), and not \
        through a proxy to a server on this machine. A token from an environment variable is bound to nothing: it goes \
        to the server of the command. Plain http is refused beyond 127.0.0.0/8, ::1 and localhost without \
        --allow-insecure-http, which 'anyt login' and 'anyt env add' remember for that address.\n\n\
        Without --store the keyring is used where one is in reach, else the encrypted file. A keyring that is locked or \
        does not answer within 3 seconds (60 while you sign in at a terminal) is an error and never a reason to fall \
        back. A token that an older client left in config.json is moved out by the first command that needs it; copies \
        of that file are named, not deleted.",
        ),
    ],
    ..Command::NONE
};
