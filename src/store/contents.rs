//! Contents that were read from the server once (artifacts'): kept, so that they are there without a network, up to a bound.
//! They are copies, and are the first to go.

use super::open::BUSY_TIMEOUT;
use super::{Result, Store, run};
use crate::model::Row;
use crate::model::artifact::SIZE;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;

/// Bytes of all contents together.
const BOUND: i64 = 16 << 20;

impl Store {
    /// The content of a row, where it was kept. A row that a put-back server has made under the same id is another one.
    pub fn content(&self, row: &Row) -> Result<Option<String>> {
        self.db
            .prepare_cached("SELECT content FROM contents WHERE id = :id AND created_us = :created")
            .and_then(|mut query| {
                let by = named_params! {":id": row.id, ":created": created_us(row)};
                query.query_row(by, |found| found.get(0)).optional()
            })
            .map_err(|e| self.error(e))
    }

    /// Keeps the content of a row, if it is what the server says of its size. What was kept longest ago makes room for it,
    /// and what belongs to no row any more goes.
    ///
    /// # Errors
    /// Somebody else writes at the moment: nothing is waited for.
    pub fn keep_content(&mut self, row: &Row, content: &str) -> Result<()> {
        if row.int(SIZE) != Some(content.len() as i64) || content.len() as i64 > BOUND {
            return Ok(());
        }
        self.wait_for_others(Duration::ZERO)?;
        let kept = self.write(|db| put(db, row, content));
        self.wait_for_others(BUSY_TIMEOUT)?;
        kept
    }

    fn wait_for_others(&self, time: Duration) -> Result<()> {
        self.db.busy_timeout(time).map_err(|e| self.error(e))
    }
}

fn put(db: &Connection, row: &Row, content: &str) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT OR REPLACE INTO contents (id, created_us, kept_us, content) VALUES (:id, :created, :now, :content)",
        named_params! {
            ":id": row.id, ":created": created_us(row), ":now": Timestamp::now().0, ":content": content,
        },
    )?;
    run(db, "DELETE FROM contents WHERE id NOT IN (SELECT id FROM artifacts)", [])?;
    let mut sizes = db.prepare_cached("SELECT id, octet_length(content) FROM contents ORDER BY kept_us DESC, id")?;
    let sizes: Vec<(i64, i64)> =
        sizes.query_map([], |size| Ok((size.get(0)?, size.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut all = 0;
    for (id, size) in sizes {
        all += size;
        if all > BOUND {
            run(db, "DELETE FROM contents WHERE id = :id", named_params! {":id": id})?;
        }
    }
    Ok(())
}

fn created_us(row: &Row) -> i64 {
    Timestamp::parse(&row.created_at).map_or(0, |at| at.0)
}
