//! The Secret Service of Linux desktops. The origin a token is bound to is an attribute of its item, written with it in
//! one step: whoever can change config.json cannot change that.
//!
//! Items are searched for by service and user only. Ours also carry `target` and `application`, as the published clients'
//! do; those of `secret-tool` and of Python's keyring do not, and a search that names these would see one of two and
//! delete one of two.

use std::collections::HashMap;
use std::path::Path;

use dbus_secret_service::{EncryptionType, Error, Item, SecretService};

use super::Trouble;
use crate::credentials::SERVICE;
use crate::failpoint;
use crate::vars::Vars;

/// The attribute that binds an item to an origin.
const ORIGIN: &str = "anyt-origin";

/// What every client that is built on the keyring crate writes into its items.
const OURS: [(&str, &str); 2] = [("target", "default"), ("application", "rust-keyring")];

/// What the bus says (in lower case) when nobody is there to connect to, rather than somebody who fails.
const ABSENT: &[&str] = &[
    "no dbus session",
    "was not provided by any",
    "failed to connect to socket",
    "unable to autolaunch",
    "using x11 for dbus-daemon autolaunch",
    "no such interface",
    "failed to execute program",
    "address does not contain",
];

/// What an object that has gone away is answered with. The last is what GLib says of a property of such an object, and we
/// send no arguments that could be invalid.
const GONE: &[&str] = &["UnknownObject", "NoSuchObject", "UnknownMethod", "UnknownInterface", "InvalidArgs"];

/// Why there can be no Secret Service, as far as that is known at once. Nothing is connected to: that can wait for ever.
pub fn absence(vars: &Vars) -> Option<String> {
    let unset = "no session bus (DBUS_SESSION_BUS_ADDRESS is not set)";
    match &vars.session_bus {
        Some(address) => {
            let socket = path_of(address)?;
            (!Path::new(socket).exists()).then(|| format!("the session bus is gone ({socket})"))
        }
        None => match &vars.runtime_dir {
            Some(folder) if folder.join("bus").exists() => None,
            _ => Some(unset.into()),
        },
    }
}

/// The socket of an address like `unix:path=/run/user/1000/bus,guid=…`, if it is the only one and a path.
fn path_of(address: &str) -> Option<&str> {
    let path = address.strip_prefix("unix:path=")?;
    (!path.contains([';', '%'])).then(|| path.split(',').next().unwrap_or(path))
}

/// A connection to the service.
pub struct System {
    service: SecretService,
}

/// The item that counts among those of one user.
struct Newest<'a> {
    item: Item<'a>,
    secret: String,
    origin: Option<String>,
}

impl System {
    /// Only here is anything called absent: who has answered once is there, whatever becomes of an item.
    pub fn connect() -> Result<System, Trouble> {
        let service = SecretService::connect(EncryptionType::Dh).map_err(|error| {
            let text = said(&error);
            let lower = text.to_lowercase();
            match ABSENT.iter().any(|words| lower.contains(words)) {
                true => Trouble::Absent(text),
                false => trouble(error),
            }
        })?;
        Ok(System { service })
    }

    /// The secret and its origin. Of several items the one changed last counts, and among those of the same second one
    /// that is not ours: ours were the only ones when they were written.
    pub fn read(&self, user: &str) -> Result<Option<(String, Option<String>)>, Trouble> {
        Ok(self.newest(user)?.map(|newest| (newest.secret, newest.origin)))
    }

    /// One that goes away meanwhile does not count, but if all do there may be another by now.
    fn newest(&self, user: &str) -> Result<Option<Newest<'_>>, Trouble> {
        let items = self.search(user)?;
        if items.is_empty() {
            return Ok(None);
        }
        let mut found = Vec::new();
        for item in items {
            match item.get_attributes().map_err(trouble) {
                Ok(attributes) => {
                    let foreign = attributes.get("application").is_none_or(|name| name != "rust-keyring");
                    found.push(((age(&item), foreign), item, attributes));
                }
                Err(Trouble::Vanished) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let (_, item, mut attributes) = found.into_iter().max_by_key(|(age, ..)| *age).ok_or(Trouble::Vanished)?;
        let secret = String::from_utf8(item.get_secret().map_err(trouble)?)
            .map_err(|_| Trouble::Other("what it holds is no text".into()))?;
        Ok(Some(Newest { item, secret, origin: attributes.remove(ORIGIN) }))
    }

    /// Nothing was found: fails if that is because nothing can be looked at.
    pub fn prove_access(&self) -> Result<(), Trouble> {
        self.service.get_default_collection().map(|_| ()).map_err(trouble)
    }

    /// The new item is there before the old ones go: whoever reads meanwhile, and whenever this is killed, there is one.
    /// Only what was there before goes, so that of two who write at once neither removes what the other wrote.
    pub fn write(&self, user: &str, secret: &str, origin: Option<&str>) -> Result<(), Trouble> {
        let before = self.search(user)?;
        let mut attributes = HashMap::from(OURS);
        attributes.extend([("service", SERVICE), ("username", user)]);
        attributes.extend(origin.map(|origin| (ORIGIN, origin)));
        let collection = self.service.get_default_collection().map_err(trouble)?;
        collection.ensure_unlocked().map_err(trouble)?;
        // Replaces an item with the same attributes in its place.
        let new = collection
            .create_item(&format!("AnyTask {user}"), attributes, secret.as_bytes(), true, "text/plain")
            .map_err(trouble)?;
        failpoint::hit("keyring.written");
        delete(before.into_iter().filter(|old| old.path != new.path))
    }

    /// Removes every match until a search finds none; says whether there was one.
    pub fn erase(&self, user: &str) -> Result<bool, Trouble> {
        for round in 0..8 {
            let items = self.search(user)?;
            if items.is_empty() {
                return Ok(round > 0);
            }
            delete(items)?;
        }
        Err(Trouble::Other("items keep coming back".into()))
    }

    /// Binds the item that `read` finds, if it is this one and has no origin. Only that one: a change makes an item the
    /// newest.
    pub fn pin(&self, user: &str, secret: &str, origin: &str) -> Result<(), Trouble> {
        let Some(newest) = self.newest(user)? else { return Ok(()) };
        if newest.secret != secret || newest.origin.is_some() {
            return Ok(());
        }
        let mut attributes = newest.item.get_attributes().map_err(trouble)?;
        attributes.insert(ORIGIN.into(), origin.into());
        let attributes = attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        newest.item.set_attributes(attributes).map_err(trouble)
    }

    /// The user of every item of the service. Nothing is unlocked for that: one that hides its name is the error.
    pub fn users(&self) -> Result<Vec<String>, Trouble> {
        let found = self.service.search_items(HashMap::from([("service", SERVICE)])).map_err(trouble)?;
        let mut users = Vec::new();
        for item in found.unlocked.iter().chain(&found.locked) {
            match item.get_attributes().map_err(trouble) {
                Ok(mut attributes) => match attributes.remove("username") {
                    None if found.locked.iter().any(|locked| locked.path == item.path) => return Err(Trouble::Locked),
                    user => users.extend(user),
                },
                Err(Trouble::Vanished) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(users)
    }

    /// Everything that answers to service and user, unlocked.
    fn search(&self, user: &str) -> Result<Vec<Item<'_>>, Trouble> {
        let wanted = HashMap::from([("service", SERVICE), ("username", user)]);
        let found = self.service.search_items(wanted).map_err(trouble)?;
        if !found.locked.is_empty() {
            self.service.unlock_all(&found.locked.iter().collect::<Vec<_>>()).map_err(trouble)?;
        }
        Ok(found.unlocked.into_iter().chain(found.locked).collect())
    }
}

/// When it was changed, in seconds. One without times is as good as an old one.
fn age(item: &Item<'_>) -> u64 {
    item.get_modified().unwrap_or(0)
}

/// The oldest first: whoever reads meanwhile and misses one has not got an older one instead. That somebody else was
/// faster is no failure.
fn delete<'a>(items: impl IntoIterator<Item = Item<'a>>) -> Result<(), Trouble> {
    let mut items: Vec<Item<'a>> = items.into_iter().collect();
    items.sort_by_cached_key(age);
    items.iter().try_for_each(|item| match item.delete().map_err(trouble) {
        Err(Trouble::Vanished) => Ok(()),
        outcome => outcome,
    })
}

fn trouble(error: Error) -> Trouble {
    let text = said(&error);
    let Error::Dbus(bus) = error else {
        return match error {
            Error::Locked | Error::NoResult | Error::Prompt => Trouble::Locked,
            _ => Trouble::Other(text),
        };
    };
    // `org.freedesktop.DBus.Error.NoReply` and the like.
    let name = bus.name().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    if ["NoReply", "Timeout", "TimedOut", "Disconnected"].contains(&name) {
        Trouble::Silent(text)
    } else if name == "IsLocked" || text.to_lowercase().contains("locked") {
        Trouble::Locked
    } else if GONE.contains(&name) {
        Trouble::Vanished
    } else {
        Trouble::Other(text)
    }
}

/// In the service's words. No text here comes from an item.
fn said(error: &Error) -> String {
    match error {
        Error::Dbus(bus) => bus.message().unwrap_or("it gave no reason").to_string(),
        other => other.to_string(),
    }
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
