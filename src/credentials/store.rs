//! What a place for tokens must be able to do, and how it can fail. A store holds what one environment has: at most one
//! user token and one agent key.

use std::time::Duration;

use crate::error::Error;
use crate::paths::EnvName;

use super::Secret;

/// The two credentials an environment can have; the names of the keyring's items and of config.json's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    AgentKey,
    AuthToken,
}

impl Kind {
    /// In the order in which they are looked for, as the published clients do.
    pub const ALL: [Kind; 2] = [Kind::AgentKey, Kind::AuthToken];

    pub fn of(secret: &Secret) -> Kind {
        if secret.is_agent_key() { Kind::AgentKey } else { Kind::AuthToken }
    }

    /// `auth_token` or `agent_key`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::AgentKey => "agent_key",
            Kind::AuthToken => "auth_token",
        }
    }
}

/// One credential in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub kind: Kind,
    pub secret: Secret,
    /// The origin it was stored for; `None` for one that another program put there.
    pub origin: Option<String>,
}

/// A place that keeps tokens.
pub trait Store {
    /// All that the environment has, in the order of `Kind::ALL`; empty if nothing.
    fn get(&self, env: &EnvName) -> Result<Vec<Stored>, StoreError>;
    /// Puts each of these in the place of the one of its kind; the other kind stays. Whoever reads meanwhile, and whatever
    /// is left when this is killed, has the old one or the new one.
    fn put(&self, env: &EnvName, credentials: &[Stored]) -> Result<(), StoreError>;
    /// Removes the credential of one kind, every duplicate of it; none is no error.
    fn remove(&self, env: &EnvName, kind: Kind) -> Result<(), StoreError>;
    /// Removes all that the environment has, every duplicate of it; says whether there was anything.
    fn delete_all(&self, env: &EnvName) -> Result<bool, StoreError>;
    /// Binds a credential that another program stored to the origin of its first use.
    fn pin(&self, _env: &EnvName, _used: &Stored, _origin: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Why a store did not do it. The first three are the keyring's.
#[derive(Debug)]
pub enum StoreError {
    /// There is no such store here; another one may be used. Holds the reason.
    Absent(String),
    /// It is there and does not open: nothing is known about what it holds.
    Locked,
    /// No answer in time. What a write did is unknown.
    TimedOut(Duration),
    /// Anything else.
    Failed(Error),
}

impl StoreError {
    /// For a message: what is the matter, without advice.
    pub fn reason(&self) -> String {
        match self {
            StoreError::Absent(why) => format!("there is no keyring in reach: {why}"),
            StoreError::Locked => "the keyring is locked".into(),
            StoreError::TimedOut(patience) => {
                format!("the keyring did not answer within {} s", patience.as_secs())
            }
            StoreError::Failed(error) => error.to_string(),
        }
    }

    /// The program's error for a read: exit 4 for a keyring that is locked, 1 for one that hangs or fails.
    pub fn into_error(self) -> Error {
        let reason = self.reason();
        match self {
            StoreError::Failed(error) => error,
            StoreError::Locked => Error::sign_in(reason).hint("unlock it, or set ANYT_AUTH_TOKEN or ANYT_AGENT_KEY"),
            _ => Error::failure(reason).hint("set ANYT_AUTH_TOKEN or ANYT_AGENT_KEY, or: anyt auth login --store file"),
        }
    }

    /// The program's error for a write.
    pub fn into_write_error(self) -> Error {
        let reason = self.reason();
        match self {
            StoreError::Failed(error) => error,
            StoreError::TimedOut(_) => Error::failure(format!("{reason}; whether it did as asked is unknown"))
                .hint("see: anyt auth status; or use --store file"),
            StoreError::Locked => Error::sign_in(reason).hint("unlock it, or use --store file"),
            StoreError::Absent(_) => Error::failure(reason).hint("use --store file"),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        StoreError::Failed(error)
    }
}
