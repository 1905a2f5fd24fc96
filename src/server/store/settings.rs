//! What the server remembers about itself.

use crate::store::found;
use rusqlite::{Connection, named_params};

/// The workspace of `--token` users: the one made by the first start, also after it was deleted.
pub fn default_workspace(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    found(connection.query_row("SELECT value FROM settings WHERE name = 'default_workspace'", [], |row| row.get(0)))
}

pub fn set_default_workspace(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO settings (name, value) VALUES ('default_workspace', :id)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            named_params! { ":id": id },
        )
        .map(drop)
}
