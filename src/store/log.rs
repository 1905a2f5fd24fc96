//! `sync_log`: one row for each direction of each sync, also of those that failed.

use super::{Direction, LogRow, Result, Store, run};
use rusqlite::{Connection, named_params};

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Direction::Pull => "pull",
            Direction::Push => "push",
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct LogEntry {
    /// `pull` or `push`.
    pub direction: String,
    pub synced_at: String,
    pub changes: i64,
    pub conflicts: i64,
    pub errors: i64,
    /// The first error, or what a policy decided.
    pub detail: Option<String>,
}

impl Store {
    /// Newest first.
    pub fn log(&self, limit: u32) -> Result<Vec<LogEntry>> {
        self.db
            .prepare_cached(
                "SELECT direction, synced_at, changes, conflicts, errors, detail FROM sync_log ORDER BY id DESC LIMIT :limit",
            )
            .and_then(|mut query| {
                query
                    .query_map(named_params! {":limit": limit}, |row| {
                        Ok(LogEntry {
                            direction: row.get(0)?,
                            synced_at: row.get(1)?,
                            changes: row.get(2)?,
                            conflicts: row.get(3)?,
                            errors: row.get(4)?,
                            detail: row.get(5)?,
                        })
                    })?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Records a sync that failed before it could change anything.
    pub fn log_failure(&mut self, direction: Direction, now: &str, error: &str) -> Result<()> {
        let row = LogRow { errors: 1, detail: Some(error.to_string()), ..LogRow::default() };
        self.write(|db| append(db, direction, now, &row))
    }
}

/// The log keeps its newest thousand rows.
pub(super) fn append(db: &Connection, direction: Direction, now: &str, row: &LogRow) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO sync_log (direction, synced_at, changes, conflicts, errors, detail) \
         VALUES (:direction, :now, :changes, :conflicts, :errors, :detail)",
        named_params! {
            ":direction": direction.word(), ":now": now, ":changes": row.changes as i64,
            ":conflicts": row.conflicts as i64, ":errors": row.errors as i64, ":detail": row.detail,
        },
    )?;
    run(db, "DELETE FROM sync_log WHERE id <= (SELECT max(id) FROM sync_log) - 1000", []).map(drop)
}
