//! The Secret Service of Linux desktops. The origin a token is bound to is an attribute of its item, written with it in
//! one step: whoever can change config.json cannot change that.
//!
//! Items are searched for by service and user only. Ours also carry `target`, those of `secret-tool` and of Python's
//! keyring do not; a search that names it would see one of two and delete one of two.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;

use keyring::Error;
use keyring::credential::CredentialApi;
use keyring::secret_service::{SsCredential, decode_error, delete_item, get_item_password, update_item_attributes};

use crate::vars::Vars;

/// The attribute that binds an item to an origin.
const ORIGIN: &str = "anyt-origin";

/// What the bus says (in lower case) when nobody is there, rather than somebody who fails.
pub const ABSENT: &[&str] = &[
    "no dbus session",
    "was not provided by any",
    "failed to connect to socket",
    "unable to autolaunch",
    "using x11 for dbus-daemon autolaunch",
    "no such interface",
    "failed to execute program",
    "address does not contain",
];

/// Why there can be no Secret Service, as far as that is known at once.
pub fn absence(vars: &Vars) -> Option<String> {
    let socket = match &vars.session_bus {
        Some(address) => path_of(address)?,
        None => match vars.runtime_dir.as_ref().map(|folder| folder.join("bus")) {
            Some(socket) if socket.exists() => socket.to_string_lossy().into_owned(),
            _ => return Some("no session bus (DBUS_SESSION_BUS_ADDRESS is not set)".into()),
        },
    };
    // Connecting to a local socket does not wait, except behind a full backlog: then the deadline of the real call counts.
    let error = UnixStream::connect(&socket).err()?;
    use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
    let dead = matches!(error.kind(), NotFound | ConnectionRefused | PermissionDenied);
    dead.then(|| format!("the session bus is gone ({socket}: {error})"))
}

/// The socket of an address like `unix:path=/run/user/1000/bus,guid=…`, if it is the only one and a path.
fn path_of(address: &str) -> Option<String> {
    let path = address.strip_prefix("unix:path=")?;
    (!path.contains([';', '%'])).then(|| path.split(',').next().unwrap_or(path).to_string())
}

/// The secret and its origin. Of several items the one changed last counts, and among those of the same second one that
/// is not ours: ours were the only ones when they were written.
pub fn read(service: &str, user: &str) -> Result<Option<(String, Option<String>)>, Error> {
    let mut items = every(service, user)?.map_matching_items(
        |item| {
            let mut attributes = item.get_attributes().map_err(decode_error)?;
            let foreign = attributes.get("application").is_none_or(|name| name != "rust-keyring");
            // An item without times is as good as an old one.
            let changed = item.get_modified().unwrap_or(0);
            Ok(((changed, foreign), get_item_password(item)?, attributes.remove(ORIGIN)))
        },
        false,
    )?;
    items.sort_by_key(|(age, _, _)| *age);
    Ok(items.pop().map(|(_, secret, origin)| (secret, origin)))
}

/// Nothing was found: fails if that is because nothing can be looked at. The search of the crate's own kind of entry ends
/// in the default collection, and says so if there is none.
pub fn prove_access(service: &str, user: &str) -> Result<(), Error> {
    match SsCredential::new_with_target(None, service, user)?.get_secret() {
        Err(Error::NoEntry) | Ok(_) | Err(Error::Ambiguous(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

pub fn write(service: &str, user: &str, secret: &str, origin: &str) -> Result<(), Error> {
    let mut entry = SsCredential::new_with_target(None, service, user)?;
    entry.attributes.insert(ORIGIN.into(), origin.into());
    entry.label = format!("AnyTask {user}");
    entry.set_password(secret)
}

/// Removes every match until a search finds none; says whether there was one.
pub fn erase(service: &str, user: &str) -> Result<bool, Error> {
    let entry = every(service, user)?;
    for round in 0..8 {
        if entry.map_matching_items(delete_item, false)?.is_empty() {
            return Ok(round > 0);
        }
    }
    Err(Error::Invalid("user".into(), "items keep coming back".into()))
}

/// Binds the items that have no origin yet.
pub fn pin(service: &str, user: &str, origin: &str) -> Result<(), Error> {
    let bound = HashMap::from([(ORIGIN, origin)]);
    every(service, user)?.map_matching_items(
        |item| match item.get_attributes().map_err(decode_error)?.contains_key(ORIGIN) {
            true => Ok(()),
            false => update_item_attributes(item, &bound),
        },
        false,
    )?;
    Ok(())
}

fn every(service: &str, user: &str) -> Result<SsCredential, Error> {
    SsCredential::new_with_no_target(service, user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_that_cannot_be_there_is_known_at_once() {
        assert!(absence(&Vars::default()).unwrap().contains("no session bus"));
        let gone = Vars { session_bus: Some("unix:path=/nonexistent/bus,guid=1".into()), ..Vars::default() };
        assert!(absence(&gone).unwrap().contains("/nonexistent/bus"));
        let unknown = Vars { session_bus: Some("unix:abstract=/tmp/x".into()), ..Vars::default() };
        assert_eq!(absence(&unknown), None);
    }
}
