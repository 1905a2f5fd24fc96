//! Who is calling. Tokens are kept as digests only: in memory those of the command line, in the database all others. The
//! database is asked for every request, so that what an administrator changes counts at once. Comparing digests tells
//! nothing about a token by the time it takes.

use crate::http::Request;
use crate::problem::{Outcome, Problem};
use crate::store::roles::Right;
use crate::store::{api_keys, tokens, users};
use anyt::time::Timestamp;
use argon2::{Algorithm, Argon2, Params, Version};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Agent keys are told from user tokens by their first letters (api.md 1.2).
pub const AGENT_PREFIX: &str = "anyt_agent_";

/// A shorter token could be guessed.
pub const SHORTEST: usize = 20;

/// How often it is kept that an API key is in use.
const USE_INTERVAL: Duration = Duration::from_secs(60);

pub type Digest = [u8; 32];

#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    pub user_id: String,
    /// It came with an agent key.
    pub is_agent: bool,
    /// What an API key may do; `None` for a token, which may do whatever its user may.
    pub key: Option<Key>,
    /// Of what it came with.
    digest: Digest,
}

impl Caller {
    /// The clients' word for what kind of actor it is.
    pub fn kind(&self) -> &'static str {
        if self.is_agent { "agent" } else { "user" }
    }

    /// 403 for an API key without the permission that this takes.
    pub fn key_allows(&self, right: Right) -> Outcome<()> {
        let Some(key) = &self.key else { return Ok(()) };
        match right.permission() {
            Some(word) if key.permissions.iter().any(|given| given == word) => Ok(()),
            Some(word) => Err(Problem::new(403, format!("this API key lacks the permission '{word}'"))),
            None => Err(Problem::new(403, "no API key may do this; it takes a user's token")),
        }
    }

    /// 403 for an API key of another workspace.
    pub fn key_reaches(&self, workspace_id: i64) -> Outcome<()> {
        match &self.key {
            Some(key) if key.workspace_id != workspace_id => {
                Err(Problem::new(403, "this API key belongs to another workspace"))
            }
            _ => Ok(()),
        }
    }
}

/// An API key belongs to one workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub id: i64,
    pub workspace_id: i64,
    pub permissions: Vec<String>,
}

pub struct Tokens {
    salt: Vec<u8>,
    /// Users by the digests of the command line's tokens.
    users: HashMap<Digest, String>,
    /// When the use of an API key was last given out to be kept.
    uses: Mutex<HashMap<i64, Timestamp>>,
}

impl Tokens {
    /// `salt` is the database's own.
    pub fn new(salt: Vec<u8>) -> Tokens {
        Tokens { salt, users: HashMap::new(), uses: Mutex::default() }
    }

    pub fn digest(&self, token: &str) -> Digest {
        digest(&self.salt, token.as_bytes())
    }

    /// Lets the user in with this token as long as this server runs.
    pub fn admit(&mut self, token: &str, user_id: &str) {
        self.users.insert(self.digest(token), user_id.to_string());
    }

    /// `X-API-Key` first, then `Authorization`. A value that is no known token is passed over rather than refused,
    /// because clients send placeholders there (`Bearer agent_auth`, `Bearer None`).
    pub fn caller(&self, connection: &Connection, request: &Request) -> Outcome<Option<Caller>> {
        let bearer = request.header("Authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        for token in [request.header("X-API-Key"), bearer].into_iter().flatten() {
            let is_agent = token.starts_with(AGENT_PREFIX);
            if let Some(caller) = self.holder(connection, self.digest(token), is_agent)? {
                return Ok(Some(caller));
            }
        }
        Ok(None)
    }

    /// Whether this use of an API key is to be kept: one a minute is, because keeping it is a write.
    pub fn is_use_to_keep(&self, key_id: i64, now: Timestamp) -> bool {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        match uses.get(&key_id) {
            // Whichever way the clock was set meanwhile.
            Some(last) if now.0.abs_diff(last.0) < USE_INTERVAL.as_micros() as u64 => false,
            _ => {
                uses.insert(key_id, now);
                true
            }
        }
    }

    /// 401 when what the caller came with is no longer good: a body may arrive long after its head.
    pub fn check_again(&self, connection: &Connection, caller: &Caller) -> Outcome<()> {
        let now = self.holder(connection, caller.digest, caller.is_agent)?;
        if now.as_ref() == Some(caller) { Ok(()) } else { Err(Problem::unknown_caller()) }
    }

    fn holder(&self, connection: &Connection, digest: Digest, is_agent: bool) -> Outcome<Option<Caller>> {
        let now = Timestamp::now();
        let user_id = match self.users.get(&digest) {
            Some(user) if users::is_removed(connection, user)? => return Ok(None),
            Some(user) => Some(user.clone()),
            None => tokens::user_of(connection, &digest, now)?,
        };
        if let Some(user_id) = user_id {
            return Ok(Some(Caller { user_id, is_agent, key: None, digest }));
        }
        let key = api_keys::good(connection, &digest, now)?;
        Ok(key.map(|key| Caller {
            user_id: key.user_id,
            is_agent: true,
            key: Some(Key { id: key.id, workspace_id: key.workspace_id, permissions: key.permissions }),
            digest,
        }))
    }
}

/// Argon2 at its lowest cost: here it is a keyed hash, not a guard against guessing. A token made by the server has 192
/// bits; one that a person chose is as good as that choice.
pub fn digest(salt: &[u8], bytes: &[u8]) -> Digest {
    let params = Params::new(Params::MIN_M_COST, 1, 1, Some(32)).expect("the lowest cost is a valid cost");
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(bytes, salt, &mut out)
        .expect("the salt has 16 bytes and the input fewer than 4 GiB");
    out
}
