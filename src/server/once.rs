//! The promise of `Idempotency-Key`: the same request of a user has one effect, and the same answer again.

use crate::auth::{self, Digest};
use crate::http::{Request, Response};
use crate::problem::{Outcome, Problem};
use crate::store::{clock, idempotency};
use rusqlite::Connection;

/// A request that carries a key.
pub struct Once {
    key: String,
    /// Of the request that the key is for.
    digest: Digest,
}

impl Once {
    /// `None` for a request without a key, or one that is no POST.
    pub fn of(request: &Request) -> Outcome<Option<Once>> {
        let key = request.header("Idempotency-Key").filter(|key| !key.is_empty() && request.method == "POST");
        let Some(key) = key else { return Ok(None) };
        if key.len() > 255 {
            return Err(Problem::invalid("Idempotency-Key", "is longer than 255 bytes"));
        }
        let path = request.path.strip_suffix('/').unwrap_or(&request.path);
        let whole = [request.method.as_bytes(), path.as_bytes(), &request.body].join(&0);
        Ok(Some(Once { key: key.to_string(), digest: auth::digest(b"idempotency-key-", &whole) }))
    }

    /// One transaction from the question to the answer: two requests with one key cannot both find it unused.
    pub fn run(
        &self,
        connection: &Connection,
        user_id: &str,
        work: impl FnOnce() -> Outcome<Response>,
    ) -> Outcome<Response> {
        match idempotency::answered(connection, user_id, &self.key)? {
            Some((first, response)) if first == self.digest => Ok(response),
            Some(_) => Err(Problem::invalid("Idempotency-Key", "was used for a different request")),
            None => {
                let response = work()?;
                let now = clock::tick(connection)?;
                idempotency::keep(connection, user_id, &self.key, &self.digest, &response, now)?;
                Ok(response)
            }
        }
    }
}
