//! Storing a token and forgetting one: the writing half of the vault.

use std::collections::BTreeSet;

use crate::config::{self, Config, Environment};
use crate::error::{Error, Result};
use crate::json::{self, Fault};
use crate::paths::EnvName;

use super::super::file::FileStore;
use super::super::key::KeySource;
use super::super::keyring::Keyring;
use super::super::store::{Kind, Store, StoreError, Stored};
use super::super::{Place, Secret};
use super::Vault;

/// What `store` did. `notices` are lines for stderr.
#[derive(Debug)]
pub struct Kept {
    pub place: Place,
    /// Why there.
    pub why: String,
    pub notices: Vec<String>,
}

/// What `forget` did.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// Empty if there was nothing.
    pub from: Vec<Place>,
    pub notices: Vec<String>,
}

/// `--store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreChoice {
    Keyring,
    File,
}

impl StoreChoice {
    pub fn parse(word: &str) -> Result<StoreChoice> {
        match word {
            "keyring" => Ok(StoreChoice::Keyring),
            "file" => Ok(StoreChoice::File),
            _ => Err(Error::usage(format!("'{word}' is no store")).hint("keyring or file")),
        }
    }
}

/// The store that a new token goes to.
pub(in super::super) enum Chosen<'a> {
    Keyring(Keyring),
    File(FileStore<'a>),
}

impl Chosen<'_> {
    pub fn store(&self) -> &dyn Store {
        match self {
            Chosen::Keyring(keyring) => keyring,
            Chosen::File(file) => file,
        }
    }
}

impl Vault<'_> {
    /// Puts this token in the place of all that the environment had, wherever it was, and binds it to the environment's
    /// origin. A refused explicit choice is an error; so is a keyring that is there and does not open.
    pub fn store(&self, env: &Environment, secret: &Secret, choice: Option<StoreChoice>) -> Result<Kept> {
        let key_is_new = !self.paths.key_file().exists();
        let new = Stored { kind: Kind::of(secret), secret: secret.clone(), origin: Some(env.origin.clone()) };
        let (chosen, why) = self.choose(&env.name, choice).map_err(StoreError::into_write_error)?;
        replace_all(chosen.store(), &env.name, new).map_err(StoreError::into_write_error)?;
        let mut notices = Vec::new();
        let place = match chosen {
            Chosen::Keyring(_) => {
                self.file().delete_all(&env.name).map_err(StoreError::into_write_error)?;
                Place::Keyring
            }
            Chosen::File(_) => {
                notices.extend(self.empty_keyring(&env.name));
                self.place_of_file(&env.name)?
            }
        };
        if key_is_new && matches!(place, Place::File(KeySource::KeyFile(_))) {
            notices.push(format!("the key is in {}: this {}", self.paths.key_file().display(), place.protects()));
        }
        if let Err(error) = self.mark(&env.name, true) {
            notices.push(format!("the token is stored; config.json does not say so: {error}"));
        }
        Ok(Kept { place, why, notices })
    }

    /// Removes every token of the environment, duplicates and plain text included. What could not be reached is an error
    /// after everything else is done: a logout that leaves a token behind has not logged out.
    pub fn forget(&self, env: &EnvName) -> Result<Forgotten> {
        let config = Config::load(self.paths);
        let configured = config.as_ref().ok().and_then(|config| config.environment(env.as_str()));
        let (marked, plaintext) = configured.map_or((false, false), |known| (known.stored, known.has_plaintext()));
        let mut forgotten = Forgotten::default();
        if self.file().exists(env) {
            forgotten.from.push(self.place_of_file(env).unwrap_or(Place::File(KeySource::Prompt)));
            self.file().delete_all(env).map_err(StoreError::into_write_error)?;
        }
        let expected_in_keyring = marked && forgotten.from.is_empty();
        let left = match self.reach().and_then(|keyring| keyring.delete_all(env)) {
            Ok(any) => {
                forgotten.from.extend(any.then_some(Place::Keyring));
                None
            }
            Err(StoreError::Absent(_)) if !expected_in_keyring => None,
            Err(error) => Some(error),
        };
        if plaintext {
            forgotten.from.push(Place::Config);
        }
        if plaintext || marked {
            self.mark(env, left.is_some() && expected_in_keyring)?;
        }
        if let Some(error) = left {
            let message = format!("{}: a token in it was not removed", error.reason());
            return Err(
                Error::failure(message).hint("unlock or start the keyring and run it again; then rotate the token")
            );
        }
        config?;
        if let Some((name, _)) = self.variable() {
            forgotten.notices.push(format!("{name} is still set and will be used"));
        }
        Ok(forgotten)
    }

    /// `forget` for every environment that config.json or an encrypted file names; one that fails stops no other.
    pub fn forget_all(&self) -> Vec<(EnvName, Result<Forgotten>)> {
        let forget = |env: EnvName| {
            let outcome = self.forget(&env);
            (env, outcome)
        };
        self.known_names().into_iter().map(forget).collect()
    }

    /// A damaged config.json hides no file from a logout; `forget` says that it is damaged.
    fn known_names(&self) -> BTreeSet<EnvName> {
        let configured = Config::load(self.paths).map(|config| config.environments).unwrap_or_default();
        let files = std::fs::read_dir(self.paths.credentials_dir()).into_iter().flatten().flatten();
        let filed = files.filter_map(|file| self.paths.env_of_credential_file(&file.path()));
        configured.iter().filter_map(|known| EnvName::parse(&known.name).ok()).chain(filed).collect()
    }

    /// The store for a new token, and why that one. Without a choice: the keyring, or the file where no keyring is in
    /// reach; a keyring that is locked or hangs is an error.
    pub(in super::super) fn choose(
        &self,
        env: &EnvName,
        choice: Option<StoreChoice>,
    ) -> Result<(Chosen<'_>, String), StoreError> {
        match choice {
            Some(StoreChoice::File) => Ok((Chosen::File(self.file()), "it was asked for".into())),
            Some(StoreChoice::Keyring) => Ok((Chosen::Keyring(self.reach()?), "it was asked for".into())),
            None => match self.reach().and_then(|keyring| keyring.get(env).map(|_| keyring)) {
                Ok(keyring) => Ok((Chosen::Keyring(keyring), "the keyring is in reach".into())),
                Err(absent @ StoreError::Absent(_)) => Ok((Chosen::File(self.file()), absent.reason())),
                Err(error) => Err(error),
            },
        }
    }

    /// After a token went to the file. It goes first when reading, so that one left in a keyring does no harm.
    fn empty_keyring(&self, env: &EnvName) -> Option<String> {
        match self.reach().and_then(|keyring| keyring.delete_all(env)) {
            Ok(_) | Err(StoreError::Absent(_)) => None,
            Err(error) => {
                Some(format!("an older token in the keyring, if there is one, stays there: {}", error.reason()))
            }
        }
    }

    /// Says in config.json whether a token is stored, and takes the plain text out. Nothing happens for an environment
    /// that is not in the file.
    fn mark(&self, env: &EnvName, stored: bool) -> Result<()> {
        if Config::load(self.paths)?.environment(env.as_str()).is_none() {
            return Ok(());
        }
        config::edit(self.paths, |text, config| match config.environment(env.as_str()) {
            Some(_) => marked(text, env.as_str(), stored),
            None => Ok(text.to_string()),
        })
    }
}

/// The new one first, then the other kind goes: at no instant is there none.
fn replace_all(store: &dyn Store, env: &EnvName, new: Stored) -> Result<(), StoreError> {
    store.put(env, std::slice::from_ref(&new))?;
    if !store.get(env)?.contains(&new) {
        let error = Error::failure("the store did not keep the token").hint("see: anyt auth status");
        return Err(StoreError::Failed(error));
    }
    Kind::ALL.into_iter().filter(|kind| *kind != new.kind).try_for_each(|kind| store.remove(env, kind))
}

/// The text of config.json without the plain text of an environment, and with or without `auth_token_stored: true`.
pub(in super::super) fn marked(text: &str, env: &str, stored: bool) -> Result<String, Fault> {
    let member = |key| ["environments", env, key];
    let mut text = match stored {
        true => json::set_member(text, &member("auth_token_stored"), "true")?,
        false => json::remove_member(text, &member("auth_token_stored"))?,
    };
    for kind in Kind::ALL {
        text = json::remove_member(&text, &member(kind.name()))?;
    }
    Ok(text)
}
