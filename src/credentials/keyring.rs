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

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use system::System;

use crate::error::Error;
use crate::paths::EnvName;
use crate::vars::Vars;

use super::Secret;
use super::store::{Kind, Store, StoreError, Stored};

/// How often a call is begun again because an item went away under it: somebody else signs in or out.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(20);

/// A keyring that has not answered will not: whatever else this process wants of it fails at once.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// An error of the bus that comes sooner than this is no time-out, whatever it is called.
const SOON: Duration = Duration::from_secs(1);

/// A keyring that seems to be there.
pub struct Keyring {
    patience: Duration,
}

/// What a system's keyring can have.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only a bus can be missing, fall silent or lose an item")
)]
enum Trouble {
    /// Nobody is there.
    Absent(String),
    /// It is there and does not open.
    Locked,
    /// No answer, or none any more.
    Silent(String),
    /// An item was found and had gone when it was looked at.
    Vanished,
    Other(String),
}

impl Keyring {
    /// `StoreError::Absent` at once where there is none, without a thread and without a call that could hang.
    pub fn reach(vars: &Vars, patience: Duration) -> Result<Keyring, StoreError> {
        match system::absence(vars) {
            Some(reason) => Err(StoreError::Absent(reason)),
            None => Ok(Keyring { patience }),
        }
    }

    /// The environments that have an item, as far as the system can list them.
    pub fn environments(&self) -> Result<Vec<EnvName>, StoreError> {
        Ok(self.call(System::users)?.iter().filter_map(|user| env_of(user)).collect())
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&System) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        if GIVEN_UP.load(Ordering::Relaxed) {
            return Err(StoreError::TimedOut(self.patience));
        }
        let (answer, answered) = channel();
        let started = Instant::now();
        let thread = std::thread::Builder::new().name("keyring".into()).spawn(move || {
            // Nobody listens any more when the deadline has passed.
            let _ = answer.send(steadily(&work));
        });
        thread.map_err(|_| StoreError::Failed(Error::failure("no thread for the keyring could be started")))?;
        let outcome = match answered.recv_timeout(self.patience) {
            Ok(answer) => answer.map_err(|trouble| self.classify(trouble, started.elapsed())),
            Err(_) => Err(StoreError::TimedOut(self.patience)),
        };
        if matches!(outcome, Err(StoreError::TimedOut(_))) {
            GIVEN_UP.store(true, Ordering::Relaxed);
        }
        outcome
    }

    fn classify(&self, trouble: Trouble, elapsed: Duration) -> StoreError {
        let failed = |text| StoreError::Failed(Error::failure(format!("the keyring failed: {text}")));
        match trouble {
            Trouble::Absent(why) => StoreError::Absent(why),
            Trouble::Locked => StoreError::Locked,
            Trouble::Silent(_) if elapsed >= SOON => StoreError::TimedOut(self.patience),
            Trouble::Silent(text) | Trouble::Other(text) => failed(text),
            Trouble::Vanished => failed("its items change faster than they can be read".into()),
        }
    }
}

/// That an item is gone says nothing about the others: the work is done again from its first search on.
fn steadily<T>(work: &dyn Fn(&System) -> Result<T, Trouble>) -> Result<T, Trouble> {
    let mut outcome = Err(Trouble::Vanished);
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        outcome = System::connect().and_then(|system| work(&system));
        if !matches!(outcome, Err(Trouble::Vanished)) {
            break;
        }
    }
    outcome
}

/// `<env>:auth_token` or `<env>:agent_key`.
fn user(env: &EnvName, kind: Kind) -> String {
    format!("{env}:{}", kind.name())
}

/// The environment of a name that `user` made.
fn env_of(user: &str) -> Option<EnvName> {
    let (env, kind) = user.rsplit_once(':')?;
    Kind::ALL.iter().find(|known| known.name() == kind).and_then(|_| EnvName::parse(env).ok())
}

impl Store for Keyring {
    fn get(&self, env: &EnvName) -> Result<Vec<Stored>, StoreError> {
        let users = Kind::ALL.map(|kind| (kind, user(env, kind)));
        self.call(move |system| {
            let mut credentials = Vec::new();
            for (kind, user) in &users {
                if let Some((secret, origin)) = system.read(user)? {
                    credentials.push(Stored { kind: *kind, secret: Secret::new(secret), origin });
                }
            }
            if credentials.is_empty() {
                system.prove_access()?;
            }
            Ok(credentials)
        })
    }

    fn put(&self, env: &EnvName, credentials: &[Stored]) -> Result<(), StoreError> {
        let named: Vec<(String, Stored)> = credentials.iter().map(|new| (user(env, new.kind), new.clone())).collect();
        self.call(move |system| {
            named.iter().try_for_each(|(user, new)| system.write(user, new.secret.expose(), new.origin.as_deref()))
        })
    }

    fn remove(&self, env: &EnvName, kind: Kind) -> Result<(), StoreError> {
        let user = user(env, kind);
        self.call(move |system| system.erase(&user).map(|_| ()))
    }

    fn delete_all(&self, env: &EnvName) -> Result<bool, StoreError> {
        let users = Kind::ALL.map(|kind| user(env, kind));
        self.call(move |system| {
            // One that stays is no reason to leave the other.
            let [first, second] = users.each_ref().map(|user| system.erase(user));
            let any = first? | second?;
            if !any {
                system.prove_access()?;
            }
            Ok(any)
        })
    }

    fn pin(&self, env: &EnvName, used: &Stored, origin: &str) -> Result<(), StoreError> {
        let (user, secret, origin) = (user(env, used.kind), used.secret.clone(), origin.to_string());
        self.call(move |system| system.pin(&user, secret.expose(), &origin))
    }
}
