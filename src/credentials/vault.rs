//! The way in: finds the token of an environment, stores one, forgets one, says where it is.
//!
//! Read: environment variables, then the encrypted file if there is one, then the keyring, then config.json in plain text
//! (migrated on the way). Written: to the keyring, or to the file where no keyring is in reach; what the other one had is
//! removed, so that there is one token. A keyring that is locked or hangs is not one that is absent.

mod keep;

use std::time::Duration;

pub(super) use keep::{Chosen, LEFT, STORED, flagged, scrubbed};
pub use keep::{Forgotten, Kept, StoreChoice};

use crate::config::{Configured, Environment};
use crate::directory::{Directory, has_member};
use crate::error::{Error, Result};
use crate::origin::origin;
use crate::paths::{EnvName, Paths};
use crate::vars::Vars;

use super::file::FileStore;
use super::key::{Ask, Keys};
use super::keyring::Keyring;
use super::store::{Store, StoreError, Stored};
use super::{Place, Secret, clean, migrate};

/// How long a keyring may take when nobody sits there, and when somebody may have to type a password.
const PATIENCE: Duration = Duration::from_secs(3);
const PATIENCE_WITH_A_PERSON: Duration = Duration::from_secs(60);

/// All that finding and storing tokens needs to know.
pub struct Vault<'a> {
    pub(super) paths: &'a Paths,
    vars: &'a Vars,
    keys: Keys<'a>,
    patience: Duration,
}

/// A token that was found. `notices` are lines for stderr.
#[derive(Debug)]
pub struct Found {
    pub secret: Secret,
    pub place: Place,
    pub notices: Vec<String>,
}

/// What is stored for an environment, as far as it can be told without decrypting anything.
#[derive(Debug, Default)]
pub struct Status {
    /// Where the token that would be used is.
    pub place: Option<Place>,
    /// The origin it is bound to; `None` for a variable, or one not yet bound.
    pub origin: Option<String>,
    /// The environment points elsewhere: it would not be sent.
    pub elsewhere: bool,
    /// Why it is kept there, or why there is none.
    pub why: String,
}

impl<'a> Vault<'a> {
    /// For a command that asks nobody anything.
    pub fn new(paths: &'a Paths, vars: &'a Vars) -> Vault<'a> {
        Vault { paths, vars, keys: Keys::new(vars, paths, None), patience: PATIENCE }
    }

    /// For a command that may ask for a passphrase. `ask` reads a line without echo.
    pub fn asking(paths: &'a Paths, vars: &'a Vars, ask: Ask<'a>) -> Vault<'a> {
        Vault { keys: Keys::new(vars, paths, Some(ask)), ..Vault::new(paths, vars) }
    }

    /// For a person whose passphrase stays for the next commands of the login session.
    pub fn keeping(self) -> Vault<'a> {
        Vault { keys: self.keys.keeping(), ..self }
    }

    /// For somebody who signs in at a terminal, and may have a keyring to unlock first.
    pub fn patient(self) -> Vault<'a> {
        Vault { patience: PATIENCE_WITH_A_PERSON, ..self }
    }

    /// The token for a request to this environment. `Error::SignIn` if there is none or if it was stored for another
    /// origin; a keyring that is locked or hangs is an error of its own, never "there is none".
    pub fn find(&self, env: &Environment) -> Result<Found> {
        if let Some((name, secret)) = self.vars.credential() {
            let secret =
                clean(secret.expose()).map_err(|error| Error::sign_in(format!("{name}: {error}")).of_variable(name))?;
            return Ok(Found { secret, place: Place::Variable(name), notices: Vec::new() });
        }
        match env.configured.as_ref().filter(|configured| configured.has_plaintext()) {
            Some(configured) => self.find_with_plaintext(env, configured),
            None => self.stored(env)?.ok_or_else(|| self.nothing(env)),
        }
    }

    /// Moves the plain text out of config.json first. That it cannot be moved is no reason to fail: it is used.
    fn find_with_plaintext(&self, env: &Environment, configured: &Configured) -> Result<Found> {
        let moved = migrate::migrate(self);
        if moved.store_answered
            && let Some(mut found) = self.stored(env)?
        {
            found.notices.splice(..0, moved.notices);
            return Ok(found);
        }
        self.check_origin(env, &origin(&configured.api_url)?)?;
        let plaintext = configured.agent_key.as_ref().or(configured.auth_token.as_ref());
        let secret = clean(plaintext.map(Secret::expose).unwrap_or_default())?;
        Ok(Found { secret, place: Place::Config, notices: moved.notices })
    }

    /// The token in a store, checked against the origin it was stored for. Nothing is called missing before it was looked
    /// for twice: somebody who signs in meanwhile may have moved it from where was looked last to where was looked first.
    fn stored(&self, env: &Environment) -> Result<Option<Found>> {
        match self.stored_now(env)? {
            None => self.stored_now(env),
            found => Ok(found),
        }
    }

    fn stored_now(&self, env: &Environment) -> Result<Option<Found>> {
        if let Some((source, ..)) = self.file().describe(&env.name)? {
            let credentials = self.file().get(&env.name).map_err(StoreError::into_error)?;
            let found =
                |stored: Stored| Found { secret: stored.secret, place: Place::File(source), notices: Vec::new() };
            return Ok(self.bound(env, credentials)?.map(found));
        }
        let keyring = match self.reach() {
            Ok(keyring) => keyring,
            Err(absent) => return self.without_keyring(env, absent),
        };
        match keyring.get(&env.name) {
            Ok(credentials) => {
                let Some(stored) = self.bound(env, credentials)? else { return Ok(None) };
                let mut notices = Vec::new();
                // Unbound, it works as it did for its own program; the next use tries again.
                if stored.origin.is_none()
                    && let Err(error) = keyring.pin(&env.name, &stored, &env.origin)
                {
                    notices.push(format!("the token could not be bound to {}: {}", env.origin, error.reason()));
                }
                Ok(Some(Found { secret: stored.secret, place: Place::Keyring, notices }))
            }
            Err(error @ StoreError::Absent(_)) => self.without_keyring(env, error),
            Err(error) => Err(error.into_error()),
        }
    }

    /// No keyring in reach means no token, unless config.json says that one is stored.
    fn without_keyring<T>(&self, env: &Environment, absent: StoreError) -> Result<Option<T>> {
        if !env.configured.as_ref().is_some_and(|configured| configured.stored) {
            return Ok(None);
        }
        let message = format!("the token of '{}' is in a keyring, and {}", env.name, absent.reason());
        Err(Error::sign_in(message).hint("set ANYT_AUTH_TOKEN or ANYT_AGENT_KEY, or: anyt auth login --store file"))
    }

    /// The first credential that may be sent to the environment's origin. An error if there are only others.
    fn bound(&self, env: &Environment, credentials: Vec<Stored>) -> Result<Option<Stored>> {
        let mut refusal = None;
        for stored in credentials {
            match self.check_stored(env, &stored) {
                Ok(()) => return Ok(Some(stored)),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        refusal.map_or(Ok(None), Err)
    }

    /// What another program stored belongs to the configured address, wherever a flag points now.
    fn check_stored(&self, env: &Environment, stored: &Stored) -> Result<()> {
        if let Some(bound) = &stored.origin {
            return self.check_origin(env, bound);
        }
        let Some(configured) = &env.configured else {
            let message = format!(
                "another program stored the token of '{}', and config.json has no address for it: it was not sent",
                env.name
            );
            let hint = format!("if it belongs to {0}: anyt env add {1} {0}", env.api_url, env.name);
            return Err(Error::sign_in(message).hint(hint));
        };
        self.check_origin(env, &origin(&configured.api_url)?)
    }

    fn check_origin(&self, env: &Environment, bound: &str) -> Result<()> {
        if bound == env.origin {
            return Ok(());
        }
        let message = format!(
            "the token of '{}' was stored for {bound}, and the environment now points to {}: it was not sent",
            env.name, env.origin
        );
        Err(Error::sign_in(message).hint(format!("if that is right: anyt auth login --env {}", env.name)))
    }

    fn nothing(&self, env: &Environment) -> Error {
        let which = match env.configured {
            Some(_) => format!("--env {}", env.name),
            None => format!("--api-url {}", env.api_url),
        };
        Error::sign_in(format!("not signed in to '{}' ({})", env.name, env.origin)).hint(
            match self.of_other_clients() {
                Some(place) => {
                    format!("another client's key is there, as {place}; give it to: anyt auth login {which}")
                }
                None => format!("anyt auth login {which}, or set ANYT_AUTH_TOKEN or ANYT_AGENT_KEY"),
            },
        )
    }

    /// Where a published client keeps a key (docs/api.md 5.2, 5.4). It is not taken: nobody knows which server it is for.
    fn of_other_clients(&self) -> Option<String> {
        let folder = self.vars.anyt_config_dir.clone().or_else(|| Some(self.vars.home.as_ref()?.join(".anyt")));
        let file = folder?.join("auth.json");
        if has_member(&file, "api_key") {
            return Some(format!("api_key in {}", file.display()));
        }
        Some(format!("agent_key in {}", Directory::find()?.with_agent_key()?.display()))
    }

    /// Where the token is and why, for `anyt auth status`. Asks nobody and decrypts nothing. A store of which nothing can
    /// be known (a locked keyring) is the error that `find` would give, not an absence.
    pub fn status(&self, env: &Environment) -> Result<Status> {
        if let Some((name, _)) = self.vars.credential() {
            let why = "a variable goes before every store".into();
            return Ok(Status { place: Some(Place::Variable(name)), why, ..Status::default() });
        }
        let stored = self.stored_status(env);
        if env.configured.as_ref().is_some_and(|configured| configured.has_plaintext())
            && !stored.as_ref().is_ok_and(|status| status.place.is_some())
        {
            let why = stored.map_or_else(|error| error.reason(), |status| status.why);
            let why = format!("not moved yet: {why}");
            return Ok(Status { place: Some(Place::Config), why, ..Status::default() });
        }
        let mut status = match stored {
            Ok(status) => status,
            Err(absent @ StoreError::Absent(_)) => {
                let why = absent.reason();
                self.without_keyring::<()>(env, absent)?;
                Status { why, ..Status::default() }
            }
            Err(error) => return Err(error.into_error()),
        };
        status.elsewhere = status.origin.as_ref().is_some_and(|bound| *bound != env.origin);
        Ok(status)
    }

    fn stored_status(&self, env: &Environment) -> Result<Status, StoreError> {
        if let Some((source, bound, mismatched)) = self.file().describe(&env.name)? {
            let why = match self.reach() {
                _ if mismatched => "a passphrase is given now, which does not open it".into(),
                Ok(_) => "an encrypted file goes before the keyring".into(),
                Err(absent) => absent.reason(),
            };
            return Ok(Status { place: Some(Place::File(source)), origin: Some(bound), why, elsewhere: false });
        }
        Ok(match self.reach()?.get(&env.name)?.into_iter().next() {
            Some(first) => {
                let why = "the keyring is in reach".into();
                Status { place: Some(Place::Keyring), origin: first.origin, why, elsewhere: false }
            }
            None => Status { why: "no token is stored".into(), ..Status::default() },
        })
    }

    fn reach(&self) -> Result<Keyring, StoreError> {
        Keyring::reach(self.vars, self.patience)
    }

    pub(super) fn file(&self) -> FileStore<'_> {
        FileStore::new(self.paths, &self.keys)
    }

    fn place_of_file(&self, env: &EnvName) -> Result<Place> {
        let (source, ..) = self.file().describe(env)?.ok_or_else(|| Error::failure("the encrypted file is gone"))?;
        Ok(Place::File(source))
    }
}
