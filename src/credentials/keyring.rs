//! The OS keyring: Secret Service, Keychain, Credential Manager. Items are named as the specification names them: service
//! `anyt-cli`, user `<env>:auth_token` or `<env>:agent_key`.
//!
//! Every call runs on a thread of its own under a deadline, because a keyring can hang: a prompt nobody answers, a daemon
//! that is stopped, a bus that accepts and says nothing. A thread that is given up ends with the process; what a write
//! on it did is unknown.

#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
use secret_service as system;

#[cfg(not(target_os = "linux"))]
mod entry;
#[cfg(not(target_os = "linux"))]
use entry as system;

use std::sync::mpsc::channel;
use std::time::Duration;

use crate::error::Error;
use crate::paths::EnvName;
use crate::vars::Vars;

use super::store::{Kind, Store, StoreError, Stored};
use super::{SERVICE, Secret};

/// A keyring that seems to be there.
pub struct Keyring {
    patience: Duration,
}

impl Keyring {
    /// `StoreError::Absent` at once where there is none, without a thread and without a call that could hang.
    pub fn reach(vars: &Vars, patience: Duration) -> Result<Keyring, StoreError> {
        match system::absence(vars) {
            Some(reason) => Err(StoreError::Absent(reason)),
            None => Ok(Keyring { patience }),
        }
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, keyring::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = channel();
        let thread = std::thread::Builder::new().name("keyring".into()).spawn(move || {
            // Nobody listens any more when the deadline has passed.
            let _ = answer.send(work());
        });
        thread.map_err(|_| StoreError::Failed(Error::failure("no thread for the keyring could be started")))?;
        match answered.recv_timeout(self.patience) {
            Ok(answer) => answer.map_err(|error| self.classify(error)),
            Err(_) => Err(StoreError::TimedOut(self.patience)),
        }
    }

    /// The crate tells apart little; the rest is in the text of what the system said. No text here comes from an item.
    fn classify(&self, error: keyring::Error) -> StoreError {
        let text = match error {
            keyring::Error::NoStorageAccess(_) => return StoreError::Locked,
            keyring::Error::PlatformFailure(error) => error.to_string(),
            keyring::Error::BadEncoding(_) => "what it holds is no text".into(),
            keyring::Error::TooLong(..) => "the token is longer than it takes".into(),
            _ => "it refused the request".into(),
        };
        let says = |words: &[&str]| words.iter().any(|word| text.to_lowercase().contains(word));
        if says(&["did not receive a reply", "timeout", "timed out"]) {
            StoreError::TimedOut(self.patience)
        } else if says(&["locked", "prompt was dismissed"]) {
            StoreError::Locked
        } else if says(system::ABSENT) {
            StoreError::Absent(text)
        } else {
            StoreError::Failed(Error::failure(format!("the keyring failed: {text}")))
        }
    }
}

/// `<env>:auth_token` or `<env>:agent_key`.
fn user(env: &EnvName, kind: Kind) -> String {
    format!("{env}:{}", kind.name())
}

impl Store for Keyring {
    fn get(&self, env: &EnvName) -> Result<Vec<Stored>, StoreError> {
        let users = Kind::ALL.map(|kind| (kind, user(env, kind)));
        self.call(move || {
            let mut credentials = Vec::new();
            for (kind, user) in &users {
                if let Some((secret, origin)) = system::read(SERVICE, user)? {
                    credentials.push(Stored { kind: *kind, secret: Secret::new(secret), origin });
                }
            }
            if credentials.is_empty() {
                system::prove_access(SERVICE, &users[0].1)?;
            }
            Ok(credentials)
        })
    }

    fn set(&self, env: &EnvName, credentials: &[Stored]) -> Result<(), StoreError> {
        let users = Kind::ALL.map(|kind| user(env, kind));
        let named: Vec<(String, Stored)> = credentials.iter().map(|new| (user(env, new.kind), new.clone())).collect();
        self.call(move || {
            // An item of another program's would stay beside ours and win or lose by chance.
            for user in &users {
                system::erase(SERVICE, user)?;
            }
            named.iter().try_for_each(|(user, new)| {
                system::write(SERVICE, user, new.secret.expose(), new.origin.as_deref().unwrap_or_default())
            })
        })
    }

    fn delete_all(&self, env: &EnvName) -> Result<bool, StoreError> {
        let users = Kind::ALL.map(|kind| user(env, kind));
        self.call(move || {
            let mut any = false;
            for user in &users {
                any |= system::erase(SERVICE, user)?;
            }
            if !any {
                system::prove_access(SERVICE, &users[0])?;
            }
            Ok(any)
        })
    }

    fn pin(&self, env: &EnvName, origin: &str) -> Result<(), StoreError> {
        let (users, origin) = (Kind::ALL.map(|kind| user(env, kind)), origin.to_string());
        self.call(move || users.iter().try_for_each(|user| system::pin(SERVICE, user, &origin)))
    }
}
