//! Answers to POSTs that carried an `Idempotency-Key`. An answer is stored in the transaction of its effect, so there is
//! never one without the other; only successes are stored, because a refused request had no effect to protect.

use crate::auth::Digest;
use crate::http::Response;
use crate::store::found;
use rusqlite::{Connection, named_params};

/// How long an answer is kept: 30 days, as `AnyTask-Capabilities` says.
pub const KEPT_SECONDS: i64 = 30 * 86_400;

/// The first answer to this user's request of that key, with the digest of the request it was for.
pub fn answered(connection: &Connection, user_id: &str, key: &str) -> rusqlite::Result<Option<(Digest, Response)>> {
    found(
        connection
            .prepare_cached("SELECT request, status, body FROM idempotency WHERE user_id = :user AND key = :key")?
            .query_row(named_params! { ":user": user_id, ":key": key }, |row| {
                let (status, body) = (row.get(1)?, row.get(2)?);
                Ok((row.get(0)?, Response { status, body, ..Response::no_content() }))
            }),
    )
}

/// Keeps an answer, and forgets those that are too old.
pub fn keep(
    connection: &Connection,
    user_id: &str,
    key: &str,
    request: &Digest,
    response: &Response,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM idempotency WHERE created_at < :oldest")?
        .execute(named_params! { ":oldest": now - KEPT_SECONDS * 1_000_000 })?;
    connection
        .prepare_cached(
            "INSERT INTO idempotency (user_id, key, request, status, body, created_at)
             VALUES (:user, :key, :request, :status, :body, :now)",
        )?
        .execute(named_params! {
            ":user": user_id, ":key": key, ":request": request,
            ":status": response.status, ":body": response.body, ":now": now,
        })
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::CAPABILITIES;

    #[test]
    fn keys_are_kept_as_long_as_clients_are_told() {
        assert!(CAPABILITIES.contains(&format!("keys={KEPT_SECONDS},")));
    }
}
