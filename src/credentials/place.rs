//! Where a credential is kept, in words: for `anyt auth status` and the messages of the others.

use std::fmt;

use super::KeySource;

/// Where a credential came from or went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An environment variable, by name.
    Variable(&'static str),
    Keyring,
    File(KeySource),
    /// config.json, in plain text: not migrated, or not possible.
    Config,
}

impl Place {
    /// A stable word for `--json`.
    pub fn code(&self) -> &'static str {
        match self {
            Place::Variable(_) => "environment",
            Place::Keyring => "keyring",
            Place::File(_) => "file",
            Place::Config => "config",
        }
    }

    /// What this protects against, and what it does not, in one line.
    pub fn protects(&self) -> &'static str {
        match self {
            Place::Variable(_) => "nothing is stored; every program run by this user with this environment can read it",
            Place::Keyring => {
                "protects the token on a disk that is lost or copied; programs of yours can read it while the keyring is unlocked"
            }
            Place::File(KeySource::KeyFile(_)) => {
                "protects against the leak of one folder (dotfiles, a partial backup), for its key is in another; \
                 whoever reads all your files can read the token"
            }
            Place::File(_) => {
                "protects the token on a disk that is lost or copied, as far as the passphrase is good and is not beside it"
            }
            Place::Config => {
                "protects against nothing but other users of this machine, and only as far as the file's mode does"
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Variable(name) => write!(f, "the environment variable {name}"),
            Place::Keyring => f.write_str(KEYRING),
            Place::File(source) => write!(f, "encrypted file, key from {source}"),
            Place::Config => f.write_str("config.json, in plain text"),
        }
    }
}

const KEYRING: &str = if cfg!(target_os = "macos") {
    "Keychain"
} else if cfg!(windows) {
    "Credential Manager"
} else {
    "Secret Service"
};
