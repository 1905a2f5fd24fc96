//! Tokens: where they are kept, how they are found, and what never sees them. `Vault` is the way in; `keyring` and `file`
//! are the two stores behind one trait; `migrate` empties config.json of plain text. A token is bound to the origin
//! (`scheme://host:port`) it was stored for; one from an environment variable is bound to nothing.

mod copies;
mod file;
mod guard;
mod key;
mod keyring;
mod migrate;
mod place;
mod seal;
mod session_keyring;
mod store;
mod vault;

pub use crate::secret::Secret;
pub use key::{Ask, KeySource};
pub use place::Place;
pub use store::{Kind, Store, StoreError, Stored};
pub use vault::{Forgotten, Found, Kept, Status, StoreChoice, Vault};

use crate::error::{Error, Result};

/// The service name that every client of the specification uses in a keyring.
pub const SERVICE: &str = "anyt-cli";

/// What people typed or piped as a token: one line end behind it is taken off, and it must be one line of text. The error
/// does not show it.
pub fn clean(text: &str) -> Result<Secret> {
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.trim().is_empty() {
        return Err(Error::usage("the token is empty"));
    }
    if line.contains(['\r', '\n', '\0']) {
        return Err(Error::usage("the token has a line break or a NUL inside").hint("a token is one line"));
    }
    Ok(Secret::new(line))
}

/// Keeps the memory of this process out of core files. Called by `main` before it reads anything.
pub fn forbid_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // A system that forbids even this leaves things as they were.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line() {
        for (text, expected) in [("t", "t"), ("t\n", "t"), ("t\r\n", "t"), (" t ", " t ")] {
            assert_eq!(clean(text).unwrap().expose(), expected);
        }
        for bad in ["", "\n", "  \n", "canary\n\n", "can\rary", "can\0ary", "can\nary"] {
            let error = clean(bad).unwrap_err();
            assert!(!error.to_string().contains("can"), "{error}");
        }
    }
}
