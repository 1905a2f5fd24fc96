//! Who is calling. Tokens are kept as digests only: in memory those of the command line, in the database the one the
//! server made itself. Comparing digests tells nothing about a token by the time it takes.

use crate::http::Request;
use argon2::{Algorithm, Argon2, Params, Version};
use std::collections::HashMap;

/// Agent keys are told from user tokens by their first letters (api.md 1.2).
pub const AGENT_PREFIX: &str = "anyt_agent_";

pub type Digest = [u8; 32];

#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    pub user_id: String,
    /// It came with an agent key. Agents may do what their user may; the difference is shown, not enforced.
    pub is_agent: bool,
}

pub struct Tokens {
    salt: Vec<u8>,
    callers: HashMap<Digest, Caller>,
}

impl Tokens {
    /// `salt` is the database's own.
    pub fn new(salt: Vec<u8>) -> Tokens {
        Tokens { salt, callers: HashMap::new() }
    }

    pub fn digest(&self, token: &str) -> Digest {
        digest(&self.salt, token.as_bytes())
    }

    pub fn admit(&mut self, digest: Digest, caller: Caller) {
        self.callers.insert(digest, caller);
    }

    /// `X-API-Key` first, then `Authorization`. A value that is no known token is passed over rather than refused,
    /// because clients send placeholders there (`Bearer agent_auth`, `Bearer None`).
    pub fn caller(&self, request: &Request) -> Option<&Caller> {
        let bearer = request.header("Authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        [request.header("X-API-Key"), bearer]
            .into_iter()
            .flatten()
            .find_map(|token| self.callers.get(&self.digest(token)))
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
