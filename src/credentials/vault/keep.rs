//! Storing a token and forgetting one: the writing half of the vault.

use crate::gather::Gather;
use std::collections::BTreeSet;

use crate::config::{self, Config, Configured, Environment};
use crate::error::{Error, Result};
use crate::json::{self, Fault};
use crate::paths::EnvName;

use super::super::file::FileStore;
use super::super::key::KeySource;
use super::super::keyring::Keyring;
use super::super::store::{Kind, Store, StoreError, Stored};
use super::super::{Place, Secret, copies};
use super::Vault;

/// What `store` did. `notices` are lines for stderr.
#[derive(Debug)]
pub struct Kept {
    pub place: Place,
    /// Why there.
    pub why: String,
    pub notices: Vec<String>,
}

/// What `forget` did, and what it could not do.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// Empty if there was nothing.
    pub from: Vec<Place>,
    pub notices: Vec<String>,
    /// Why a token may still be there.
    pub failures: Vec<Error>,
}

impl Forgotten {
    /// All that failed, as one error.
    pub fn failure(self) -> Option<Error> {
        Error::all(self.failures)
    }
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
            _ => Err(Error::usage(format!("'{word}' is not a store")).hint("keyring or file")),
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
        let in_keyring = self.in_keyring(&env.name, &env.configured.clone().unwrap_or_default());
        let new = Stored { kind: Kind::of(secret), secret: secret.clone(), origin: Some(env.origin.clone()) };
        let (chosen, why) = self.choose(&env.name, choice).map_err(StoreError::into_write_error)?;
        replace_all(chosen.store(), &env.name, new).map_err(StoreError::into_write_error)?;
        let mut notices = Vec::new();
        let (place, left) = match chosen {
            Chosen::Keyring(_) => {
                self.file().delete_all(&env.name).map_err(StoreError::into_write_error)?;
                (Place::Keyring, None)
            }
            Chosen::File(_) => (self.place_of_file(&env.name)?, self.empty_keyring(&env.name, in_keyring)),
        };
        if key_is_new && matches!(place, Place::File(KeySource::KeyFile(_))) {
            notices.push(format!("the key is in {}: this {}", self.paths.key_file().display(), place.protects()));
        }
        if let Err(error) = self.mark(&env.name, left.is_some()) {
            notices.push(format!("the token is stored; config.json does not say so: {error}"));
        }
        notices.extend(left);
        notices.extend(copies::named(&self.paths.config_file(), &[env.name.as_str()], &[secret]));
        Ok(Kept { place, why, notices })
    }

    /// Removes every token of the environment, duplicates and plain text included. Nothing that fails keeps the rest from
    /// being done; it is told at the end: a logout that leaves a token behind has not logged out.
    pub fn forget(&self, env: &EnvName) -> Forgotten {
        let mut forgotten = Forgotten::default();
        let config = Config::load(self.paths);
        let known =
            config.as_ref().ok().and_then(|config| config.environment(env.as_str()).cloned()).unwrap_or_default();
        let in_keyring = self.in_keyring(env, &known);
        self.forget_file(env, &mut forgotten);
        let left = self.forget_keyring(env, in_keyring, &mut forgotten);
        match config {
            Ok(_) => self.forget_plaintext(env, left && in_keyring, &mut forgotten),
            Err(damaged) => forgotten.failures.push(damaged),
        }
        if let Some((name, _)) = self.vars.credential() {
            forgotten.notices.push(format!("{name} is still set and will be used"));
        }
        let secrets: Vec<&Secret> = known.auth_token.iter().chain(&known.agent_key).collect();
        forgotten.notices.extend(copies::named(&self.paths.config_file(), &[env.as_str()], &secrets));
        forgotten
    }

    /// config.json says so, as far as it can know: of a token in the keyring, or of one that may be left there.
    pub(in super::super) fn in_keyring(&self, env: &EnvName, known: &Configured) -> bool {
        known.keyring_left || (known.stored && !self.file().exists(env))
    }

    fn forget_file(&self, env: &EnvName, forgotten: &mut Forgotten) {
        if !self.file().exists(env) {
            return;
        }
        let place = self.place_of_file(env).unwrap_or(Place::File(KeySource::Prompt));
        match self.file().delete_all(env) {
            Ok(_) => forgotten.from.push(place),
            Err(error) => forgotten.failures.push(told(&error)),
        }
    }

    /// Whether one may be left. A keyring that is absent is a failure only where one is known to have a token.
    fn forget_keyring(&self, env: &EnvName, expected: bool, forgotten: &mut Forgotten) -> bool {
        match self.reach().and_then(|keyring| keyring.delete_all(env)) {
            Ok(any) => {
                forgotten.from.extend(any.then_some(Place::Keyring));
                false
            }
            Err(StoreError::Absent(_)) if !expected => false,
            Err(error) => {
                let message = format!("{}: a token in it was not removed", error.reason());
                let hint = "unlock or start the keyring and run it again; then rotate the token";
                forgotten.failures.push(Error::failure(message).hint(hint));
                true
            }
        }
    }

    /// Takes every token of the environment out of config.json, those in the shadow of a repeated key too, and, unless the
    /// keyring has `left` one, what it says of a store.
    fn forget_plaintext(&self, env: &EnvName, left: bool, forgotten: &mut Forgotten) {
        let mut had_any = false;
        let env = env.as_str();
        let edited = config::edit(self.paths, |text, config| {
            let known = config.environment(env).cloned().unwrap_or_default();
            had_any = has_plaintext(text, env)?;
            match had_any || known.stored || known.keyring_left {
                true if left => scrubbed(text, env),
                true => flagged(&flagged(&scrubbed(text, env)?, env, STORED, false)?, env, LEFT, false),
                false => Ok(text.to_string()),
            }
        });
        match edited {
            Ok(()) => forgotten.from.extend(had_any.then_some(Place::Config)),
            Err(error) => forgotten.failures.push(Error::failure(error.to_string())),
        }
    }

    /// `forget` for every environment that config.json, an encrypted file or the keyring names; one that fails stops no
    /// other. Then what kept us from knowing all names.
    pub fn forget_all(&self) -> (Vec<(EnvName, Forgotten)>, Option<Error>) {
        let mut failures = Vec::new();
        let files = std::fs::read_dir(self.paths.credentials_dir()).into_iter().flatten().flatten();
        let mut names: BTreeSet<EnvName> =
            files.filter_map(|file| self.paths.env_of_credential_file(&file.path())).gather();
        match Config::load(self.paths) {
            Ok(config) => names.extend(config.environments.iter().filter_map(|known| EnvName::parse(&known.name).ok())),
            Err(damaged) => failures.push(damaged),
        }
        match self.reach().and_then(|keyring| keyring.environments()) {
            Ok(more) => names.extend(more),
            Err(StoreError::Absent(_)) => {}
            Err(error) => failures.push(told(&error)),
        }
        let outcomes = names.into_iter().map(|env| (env.clone(), self.forget(&env))).collect();
        (outcomes, Error::all(failures))
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

    /// After a token went to the file. It goes first when reading, so that one left in a keyring does no harm here; but
    /// where the keyring is in reach it would be used once the file is gone, so it is told and remembered.
    fn empty_keyring(&self, env: &EnvName, expected: bool) -> Option<String> {
        match self.reach().and_then(|keyring| keyring.delete_all(env)) {
            Ok(_) => None,
            Err(StoreError::Absent(_)) if !expected => None,
            Err(error) => {
                let reason = error.reason();
                Some(format!(
                    "an older token in the keyring, if there is one, stays there until you sign out: {reason}"
                ))
            }
        }
    }

    /// Says in config.json that a token is stored, and whether an older one may be left in the keyring, and takes the plain
    /// text out. Nothing happens for an environment that is not in the file.
    fn mark(&self, env: &EnvName, left: bool) -> Result<()> {
        let env = env.as_str();
        config::edit(self.paths, |text, config| match config.environment(env) {
            Some(_) => scrubbed(&flagged(&flagged(text, env, STORED, true)?, env, LEFT, left)?, env),
            None => Ok(text.to_string()),
        })
    }
}

/// `auth_token_stored: true`: a store has the token.
pub(in super::super) const STORED: &str = "auth_token_stored";

/// `keyring_left: true`: the keyring may have an older token than the file.
pub(in super::super) const LEFT: &str = "keyring_left";

/// A failure without the advice that it changed nothing: by the end something else may have been.
fn told(error: &StoreError) -> Error {
    Error::failure(error.reason())
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

/// The text of config.json with or without a member of an environment that is `true`.
pub(in super::super) fn flagged(text: &str, env: &str, key: &str, on: bool) -> Result<String, Fault> {
    let member = ["environments", env, key];
    if on { json::set_member(text, &member, "true") } else { json::remove_member(text, &member) }
}

/// The text of config.json without the plain text of an environment, wherever repeated keys have it.
pub(in super::super) fn scrubbed(text: &str, env: &str) -> Result<String, Fault> {
    Kind::ALL
        .into_iter()
        .try_fold(text.to_string(), |text, kind| json::remove_member(&text, &["environments", env, kind.name()]))
}

fn has_plaintext(text: &str, env: &str) -> Result<bool, Fault> {
    for kind in Kind::ALL {
        let values = json::get_all(text, &["environments", env, kind.name()])?;
        if values.into_iter().filter_map(json::string).any(|value| !value.trim().is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}
