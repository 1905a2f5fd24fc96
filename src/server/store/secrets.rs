//! The salt of the token digests.

use rusqlite::{Connection, named_params};

/// The database's salt; `fresh` becomes it on first use.
pub fn salt(connection: &Connection, fresh: &[u8]) -> rusqlite::Result<Vec<u8>> {
    connection.execute(
        "INSERT INTO secrets (name, value) VALUES ('salt', :fresh) ON CONFLICT DO NOTHING",
        named_params! { ":fresh": fresh },
    )?;
    connection.query_row("SELECT value FROM secrets WHERE name = 'salt'", [], |row| row.get(0))
}
