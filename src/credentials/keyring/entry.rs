//! Keychain and Credential Manager, through the plain entries of the keyring crate. They keep no attributes of ours, so the
//! origin a token is bound to is an entry of its own beside it (`<user>:origin`), written first: a crash in between leaves
//! an origin without a token. An entry is overwritten in its place, so that a reader finds the old token or the new one.

use keyring::{Entry, Error};

use super::Trouble;
use crate::credentials::SERVICE;
use crate::failpoint;
use crate::vars::Vars;

/// These systems have no bus that could be missing.
pub fn absence(_vars: &Vars) -> Option<String> {
    None
}

/// Nothing to hold: every entry finds its own way.
pub struct System;

impl System {
    pub fn connect() -> Result<System, Trouble> {
        Ok(System)
    }

    pub fn read(&self, user: &str) -> Result<Option<(String, Option<String>)>, Trouble> {
        let Some(secret) = found(entry(user)?.get_password())? else { return Ok(None) };
        let origin = found(entry(&beside(user))?.get_password())?;
        Ok(Some((secret, origin)))
    }

    pub fn prove_access(&self) -> Result<(), Trouble> {
        Ok(())
    }

    pub fn write(&self, user: &str, secret: &str, origin: Option<&str>) -> Result<(), Trouble> {
        if let Some(origin) = origin {
            entry(&beside(user))?.set_password(origin).map_err(trouble)?;
        }
        entry(user)?.set_password(secret).map_err(trouble)?;
        failpoint::hit("keyring.written");
        Ok(())
    }

    /// The token goes first: without its origin it would be anybody's.
    pub fn erase(&self, user: &str) -> Result<bool, Trouble> {
        let any = found(entry(user)?.delete_credential())?.is_some();
        found(entry(&beside(user))?.delete_credential())?;
        Ok(any)
    }

    /// These systems are asked for one entry at a time.
    pub fn users(&self) -> Result<Vec<String>, Trouble> {
        Ok(Vec::new())
    }

    pub fn pin(&self, user: &str, secret: &str, origin: &str) -> Result<(), Trouble> {
        match self.read(user)? {
            Some((held, None)) if held == secret => entry(&beside(user))?.set_password(origin).map_err(trouble),
            _ => Ok(()),
        }
    }
}

fn beside(user: &str) -> String {
    format!("{user}:origin")
}

/// On Windows the crate's own target name differs from that of Python's keyring.
fn entry(user: &str) -> Result<Entry, Trouble> {
    let entry = if cfg!(windows) {
        Entry::new_with_target(&format!("{user}@{SERVICE}"), SERVICE, user)
    } else {
        Entry::new(SERVICE, user)
    };
    entry.map_err(trouble)
}

fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Trouble> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(trouble(error)),
    }
}

fn trouble(error: Error) -> Trouble {
    match error {
        Error::NoStorageAccess(_) => Trouble::Locked,
        Error::PlatformFailure(error) => Trouble::Other(error.to_string()),
        Error::BadEncoding(_) => Trouble::Other("what it holds is no text".into()),
        Error::TooLong(..) => Trouble::Other("the token is longer than it takes".into()),
        _ => Trouble::Other("it refused the request".into()),
    }
}
