//! What man pages tell besides commands and flags: exit codes (those of `Error::exit_code`),
//! environment variables and files.

/// Code and meaning.
pub const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "Done."),
    ("1", "Failure."),
    ("2", "The command line was wrong."),
    ("3", "Conflicts are waiting for a decision; see 'anyt sync conflicts'."),
    ("4", "Not signed in, or not allowed."),
    ("5", "The server could not be reached: a sync, or a change with --no-queue. A change without it is queued: 0."),
    ("6", "The server refused operations, which stay queued (see 'anyt sync queue'), or rows could not be read."),
    ("7", "A condition (--if-match) did not hold; nothing was changed."),
    ("75", "Another anyt is syncing this environment; try again."),
    ("130", "Interrupted."),
];

/// A variable or file, what it is for, and the command groups whose man pages mention it; none: all. The page of anyt
/// itself mentions every one.
pub struct Entry {
    pub name: &'static str,
    pub text: &'static str,
    pub groups: &'static [&'static str],
}

/// Flags win over variables, variables over config.json.
pub const ENVIRONMENT: &[Entry] = &[
    Entry { name: "ANYT_ENV", text: "The environment to use, as --env.", groups: &[] },
    Entry { name: "ANYT_API_URL", text: "The server to use, as --api-url.", groups: &[] },
    Entry { name: "ANYT_AUTH_TOKEN", text: "A user's token; wins over what is stored.", groups: &[] },
    Entry { name: "ANYT_AGENT_KEY", text: "An agent's key; wins over what is stored.", groups: &[] },
    Entry { name: "ANYT_API_KEY", text: "A token or a key, as later clients name it.", groups: &[] },
    Entry { name: "ANYT_CONFIG_DIR", text: "Where config.json is, instead of $XDG_CONFIG_HOME/anyt.", groups: &[] },
    Entry {
        name: "CREDENTIALS_DIRECTORY",
        text: "Set by systemd; the file anyt.key in it is the key of the encrypted token file.",
        groups: &["auth"],
    },
    Entry {
        name: "ANYT_PASSPHRASE_FILE",
        text: "A file, readable by nobody else, with the passphrase of the encrypted token file.",
        groups: &["auth"],
    },
    Entry {
        name: "ANYT_PASSPHRASE",
        text: "The passphrase itself. Programs that run as you can read it; prefer the file.",
        groups: &["auth"],
    },
    Entry { name: "ANYT_TIMEOUT", text: "Seconds one request may take; 30 by default.", groups: &["sync", "task"] },
    Entry {
        name: "XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME, XDG_DATA_HOME",
        text: "Where files go; ~/.config, ~/.cache, ~/.local/state and ~/.local/share by default.",
        groups: &[],
    },
    Entry { name: "VISUAL, EDITOR", text: "The editor, in this order.", groups: &["sync"] },
    Entry {
        name: "BROWSER",
        text: "The browser of 'anyt task open'; several are separated by colons.",
        groups: &["task"],
    },
    Entry {
        name: "ANYT_PAGER, PAGER",
        text: "Shows what does not fit on the terminal, the first that is set; else less. Empty or cat: none.",
        groups: &["task", "sync"],
    },
    Entry {
        name: "TZ",
        text: "The time zone of times on screen; under --json they are UTC.",
        groups: &["task", "sync"],
    },
    Entry {
        name: "LC_ALL, LC_CTYPE, LANG",
        text: "Where the first that is set names no UTF-8, our own signs on a terminal are ASCII.",
        groups: &[],
    },
    Entry { name: "NO_COLOR", text: "When set and not empty, --color auto means never.", groups: &["task", "sync"] },
    Entry {
        name: "CLICOLOR_FORCE, CLICOLOR",
        text: "Without NO_COLOR: colours also in a pipe when the first is set and not 0; none when the second is 0.",
        groups: &["task", "sync"],
    },
    Entry {
        name: "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
        text: "Proxies, and the hosts that need none. This machine itself is never reached through one.",
        groups: &["sync", "env"],
    },
    Entry { name: "SSL_CERT_FILE", text: "CA certificates to trust, as --ca-file.", groups: &["env"] },
];

pub const FILES: &[Entry] = &[
    Entry {
        name: "$XDG_CONFIG_HOME/anyt/config.json",
        text: "The environments. No secrets; those of older clients are moved to the keyring at the first use.",
        groups: &["env", "auth", "workspace", "project"],
    },
    Entry {
        name: "$XDG_CACHE_HOME/anyt/ENV/cache.db",
        text: "The tasks, the queue and the log of an environment; SQLite. May be deleted: the next sync fills it.",
        groups: &["sync", "task"],
    },
    Entry { name: "$XDG_STATE_HOME/anyt/ENV/sync.lock", text: "Held while a sync runs.", groups: &["sync"] },
    Entry {
        name: "$XDG_STATE_HOME/anyt/ENV/queue.jsonl",
        text: "A copy of what waits to be sent, which outlives the cache.",
        groups: &["sync"],
    },
    Entry {
        name: "$XDG_STATE_HOME/anyt/ENV/discarded.jsonl",
        text: "Every edit that was discarded or could not be used; 'anyt sync restore' brings one back.",
        groups: &["sync"],
    },
    Entry {
        name: "$XDG_DATA_HOME/anyt/credentials/*.cred",
        text: "Encrypted tokens, where there is no keyring.",
        groups: &["auth"],
    },
    Entry {
        name: "$XDG_STATE_HOME/anyt/key",
        text: "The random key of those files when there is no passphrase.",
        groups: &["auth"],
    },
    Entry {
        name: ".anyt/anyt.json",
        text: "The directory's workspace and project, found from any directory below.",
        groups: &["workspace", "project", "task"],
    },
    Entry { name: ".anyt/active_task.json", text: "The directory's picked task.", groups: &["task"] },
];
