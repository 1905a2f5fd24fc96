//! Keychain and Credential Manager, through the crate's plain entries. They keep no attributes of ours, so the origin a
//! token is bound to is an entry of its own beside it (`<user>:origin`), written first: a crash in between leaves an
//! origin without a token.

use keyring::{Entry, Error};

use crate::vars::Vars;

/// These systems have no bus that could be missing.
pub const ABSENT: &[&str] = &[];

pub fn absence(_vars: &Vars) -> Option<String> {
    None
}

pub fn read(service: &str, user: &str) -> Result<Option<(String, Option<String>)>, Error> {
    let Some(secret) = found(entry(service, user)?.get_password())? else { return Ok(None) };
    let origin = found(entry(service, &beside(user))?.get_password())?;
    Ok(Some((secret, origin)))
}

pub fn prove_access(_service: &str, _user: &str) -> Result<(), Error> {
    Ok(())
}

pub fn write(service: &str, user: &str, secret: &str, origin: &str) -> Result<(), Error> {
    entry(service, &beside(user))?.set_password(origin)?;
    entry(service, user)?.set_password(secret)
}

/// The token goes first: without its origin it would be anybody's.
pub fn erase(service: &str, user: &str) -> Result<bool, Error> {
    let any = found(entry(service, user)?.delete_credential())?.is_some();
    found(entry(service, &beside(user))?.delete_credential())?;
    Ok(any)
}

pub fn pin(service: &str, user: &str, origin: &str) -> Result<(), Error> {
    match read(service, user)? {
        Some((_, None)) => entry(service, &beside(user))?.set_password(origin),
        _ => Ok(()),
    }
}

fn beside(user: &str) -> String {
    format!("{user}:origin")
}

/// On Windows the crate's own target name differs from that of Python's keyring.
fn entry(service: &str, user: &str) -> Result<Entry, Error> {
    if cfg!(windows) {
        Entry::new_with_target(&format!("{user}@{service}"), service, user)
    } else {
        Entry::new(service, user)
    }
}

fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}
