//! The salt of the token digests, and the one token the server makes itself (as a digest: it is shown once).

use crate::auth::Digest;
use crate::store::found;
use rusqlite::{Connection, named_params};

/// The database's salt; `fresh` becomes it on first use.
pub fn salt(connection: &Connection, fresh: &[u8]) -> rusqlite::Result<Vec<u8>> {
    connection.execute(
        "INSERT INTO secrets (name, value) VALUES ('salt', :fresh) ON CONFLICT DO NOTHING",
        named_params! { ":fresh": fresh },
    )?;
    connection.query_row("SELECT value FROM secrets WHERE name = 'salt'", [], |row| row.get(0))
}

/// The token made on an earlier start and whose it is.
pub fn made_token(connection: &Connection) -> rusqlite::Result<Option<(Digest, String)>> {
    found(connection.query_row("SELECT digest, user_id FROM tokens ORDER BY created_at LIMIT 1", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    }))
}

pub fn keep_token(connection: &Connection, digest: &Digest, user_id: &str, now: i64) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO tokens (digest, user_id, created_at) VALUES (:digest, :user, :now)",
            named_params! { ":digest": digest, ":user": user_id, ":now": now },
        )
        .map(drop)
}
