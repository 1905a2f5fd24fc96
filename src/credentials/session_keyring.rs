//! A passphrase that was typed, for the next commands of the same login session: a key of the kernel's session keyring (of
//! the user's, where the session has none of its own; session-keyring(7)), which only processes that have this keyring may
//! read, and which goes after `LIFETIME`. Where there is no such keyring, or the kernel refuses, nothing is kept.

use std::path::Path;

use super::Secret;

/// Seconds from the last use on.
#[cfg(target_os = "linux")]
const LIFETIME: usize = 15 * 60;

/// What was typed for this file.
#[cfg(target_os = "linux")]
pub fn get(file: &Path) -> Option<Secret> {
    String::from_utf8(key(file)?.read_to_vec().ok()?).ok().map(Secret::new)
}

/// Keeps it, or keeps it for longer.
#[cfg(target_os = "linux")]
pub fn put(file: &Path, passphrase: &Secret) {
    use linux_keyutils::{KeyPermissionsBuilder, Permission};
    let only_possessor = KeyPermissionsBuilder::builder().posessor(Permission::ALL).build();
    let Some(Ok(key)) = keyring().map(|keyring| keyring.add_key(&name(file), passphrase.expose())) else { return };
    // One that would stay for ever, or for others, does not stay.
    if key.set_timeout(LIFETIME).and_then(|()| key.set_perms(only_possessor)).is_err() {
        let _ = key.invalidate();
    }
}

#[cfg(target_os = "linux")]
pub fn forget(file: &Path) {
    if let Some(key) = key(file) {
        let _ = key.invalidate();
    }
}

/// Not made: the kernel would make one that ends with this process, instead of taking the user's.
#[cfg(target_os = "linux")]
fn keyring() -> Option<linux_keyutils::KeyRing> {
    linux_keyutils::KeyRing::from_special_id(linux_keyutils::KeyRingIdentifier::Session, false).ok()
}

#[cfg(target_os = "linux")]
fn key(file: &Path) -> Option<linux_keyutils::Key> {
    keyring()?.search(&name(file)).ok()
}

/// A session keyring is inherited by what `su` starts: the user is in the name.
#[cfg(target_os = "linux")]
fn name(file: &Path) -> String {
    format!("anyt:{}:{}", rustix::process::geteuid().as_raw(), file.display())
}

#[cfg(not(target_os = "linux"))]
pub fn get(_: &Path) -> Option<Secret> {
    None
}

#[cfg(not(target_os = "linux"))]
pub fn put(_: &Path, _: &Secret) {}

#[cfg(not(target_os = "linux"))]
pub fn forget(_: &Path) {}
