//! The encrypted file: one per environment, holding what that environment has. A file that does not open is never
//! overwritten, regenerated or deleted, except by a logout.

use std::path::Path;

use crate::error::{Error, Result};
use crate::json;
use crate::paths::{EnvName, Paths, create_private_dir};
use crate::replace::{clear_leftovers, exclusively, replace_checked, sync_folder};

use super::Secret;
use super::guard::{self, Guard};
use super::key::{KeySource, Keys};
use super::seal::{self, Broken, Key};
use super::session_keyring;
use super::store::{Kind, Store, StoreError, Stored};

pub struct FileStore<'a> {
    paths: &'a Paths,
    keys: &'a Keys<'a>,
}

impl<'a> FileStore<'a> {
    pub fn new(paths: &'a Paths, keys: &'a Keys<'a>) -> FileStore<'a> {
        FileStore { paths, keys }
    }

    /// Whether there is something in the file's place, even if it cannot be read.
    pub fn exists(&self, env: &EnvName) -> bool {
        std::fs::symlink_metadata(self.paths.credential_file(env)).is_ok()
    }

    /// Where the key comes from, the origin that the file claims, and whether a key is given that does not open it; nothing
    /// is decrypted. `None` if there is no file.
    pub fn describe(&self, env: &EnvName) -> Result<Option<(KeySource, String, bool)>> {
        let path = self.paths.credential_file(env);
        let Some(bytes) = guard::read(&path, Guard::Ciphertext)? else { return Ok(None) };
        let header = seal::header(&bytes).map_err(|broken| unreadable(&path, broken))?;
        Ok(Some((self.keys.source_for(&header), header.origin.clone(), self.keys.is_mismatched(&header))))
    }

    fn open(&self, env: &EnvName) -> Result<Option<(Vec<Stored>, Key)>> {
        let path = self.paths.credential_file(env);
        let Some(bytes) = guard::read(&path, Guard::Ciphertext)? else { return Ok(None) };
        let header = seal::header(&bytes).map_err(|broken| unreadable(&path, broken))?;
        let (key, text) = loop {
            let (source, key) = self.keys.to_open(&path, &header)?;
            let is_typed = source == KeySource::Prompt;
            match seal::open(&bytes, env.as_str(), &key) {
                Ok(text) => {
                    if is_typed {
                        self.keys.keep_typed(&path);
                    }
                    break (key, text);
                }
                // A person who mistyped it types it again.
                Err(Broken::WrongKeyOrDamaged) if is_typed && self.keys.forget_typed(&path) => {}
                Err(broken) => return Err(unreadable(&path, broken)),
            }
        };
        let credentials = decode(&text, &header.origin);
        Ok(Some((credentials.ok_or_else(|| unreadable(&path, Broken::WrongKeyOrDamaged))?, key)))
    }

    fn write(&self, env: &EnvName, credentials: &[Stored], key: &Key) -> Result<()> {
        let path = self.paths.credential_file(env);
        clear_leftovers(&path);
        let text = encode(credentials);
        let origin = credentials.iter().find_map(|stored| stored.origin.as_deref()).unwrap_or_default();
        let sealed = seal::seal(text.as_bytes(), env.as_str(), origin, key)
            .ok_or_else(|| Error::failure("the token could not be encrypted: no random numbers or no memory"))?;
        replace_checked(&path, &sealed, |temporary| {
            let written = guard::read(temporary, Guard::Key)?.unwrap_or_default();
            match seal::open(&written, env.as_str(), key) {
                Ok(back) if back == text.as_bytes() => Ok(()),
                _ => Err(Error::failure(format!("{} did not keep what was written", temporary.display()))),
            }
        })
    }

    fn exclusively<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        exclusively(&self.paths.credentials_dir().join("lock"), work)
    }
}

impl Store for FileStore<'_> {
    fn get(&self, env: &EnvName) -> Result<Vec<Stored>, StoreError> {
        Ok(self.open(env)?.map(|(credentials, _)| credentials).unwrap_or_default())
    }

    /// A file has one origin: a credential of the other kind that was bound to another one does not stay in it.
    fn put(&self, env: &EnvName, credentials: &[Stored]) -> Result<(), StoreError> {
        create_private_dir(&self.paths.credentials_dir())?;
        Ok(self.exclusively(|| {
            let (old, key) = match self.open(env)? {
                Some(opened) => opened,
                None => (Vec::new(), self.keys.to_seal()?.1),
            };
            let stays = |old: &Stored| credentials.iter().all(|new| new.kind != old.kind && new.origin == old.origin);
            let others = old.into_iter().filter(stays);
            self.write(env, &credentials.iter().cloned().chain(others).collect::<Vec<_>>(), &key)
        })?)
    }

    fn remove(&self, env: &EnvName, kind: Kind) -> Result<(), StoreError> {
        Ok(self.exclusively(|| match self.open(env)? {
            Some((old, key)) if old.iter().any(|old| old.kind == kind) => {
                let others = old.into_iter().filter(|old| old.kind != kind).collect::<Vec<_>>();
                self.write(env, &others, &key)
            }
            _ => Ok(()),
        })?)
    }

    /// Removes the file, whether or not it opens: that is what a logout asks for. Its passphrase goes with it.
    fn delete_all(&self, env: &EnvName) -> Result<bool, StoreError> {
        let path = self.paths.credential_file(env);
        session_keyring::forget(&path);
        if !self.exists(env) {
            return Ok(false);
        }
        Ok(self.exclusively(|| {
            clear_leftovers(&path);
            std::fs::remove_file(&path).map_err(|source| Error::io("remove", &path, source))?;
            sync_folder(&path).map(|()| true)
        })?)
    }
}

/// The plain text: a JSON object of the kinds that are there.
fn encode(credentials: &[Stored]) -> String {
    let member = |stored: &Stored| format!("\"{}\":{}", stored.kind.name(), json::quote(stored.secret.expose()));
    format!("{{{}}}", credentials.iter().map(member).collect::<Vec<_>>().join(","))
}

fn decode(text: &[u8], origin: &str) -> Option<Vec<Stored>> {
    let text = std::str::from_utf8(text).ok()?;
    json::check(text.as_bytes()).ok()?;
    let stored = |kind: Kind| {
        let secret = Secret::new(json::string(json::get(text, &[kind.name()]).ok()??)?);
        Some(Stored { kind, secret, origin: Some(origin.to_string()) })
    };
    Some(Kind::ALL.into_iter().filter_map(stored).collect())
}

fn unreadable(path: &Path, broken: Broken) -> Error {
    let path = path.display();
    match broken {
        Broken::Truncated => Error::sign_in(format!("{path} is truncated: its end is missing"))
            .hint("it was left alone; start over with: anyt auth logout, then anyt auth login"),
        Broken::Version(version) => {
            Error::sign_in(format!("{path} has version {version}, which this anyt does not know"))
                .hint("it was left alone; use the newer anyt that wrote it")
        }
        Broken::WrongKeyOrDamaged => Error::sign_in(format!(
            "{path} does not open: the key is wrong or the file is damaged"
        ))
        .hint("it was left alone; check the passphrase, or start over with: anyt auth logout, then anyt auth login"),
        Broken::OtherKind { passphrase: true } => Error::sign_in(format!("{path} needs a passphrase"))
            .hint("set ANYT_PASSPHRASE_FILE, or run anyt in a terminal"),
        Broken::OtherKind { passphrase: false } => {
            Error::sign_in(format!("{path} was sealed with the random key, and a passphrase is given now"))
                .hint("take ANYT_PASSPHRASE and ANYT_PASSPHRASE_FILE away, or: anyt auth logout, then anyt auth login")
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
