//! The rows of one page, as far as they fit into one answer. A page that ends early is a shorter page: its `total` tells
//! that there is more, and the next one begins where it ended. Without this, a hundred tasks with a mebibyte of text each
//! would be read into memory for every request that asks for them.

use crate::limits;
use rusqlite::{Row, Statement, ToSql};

/// What is left of an answer.
pub struct Room {
    left: usize,
    is_empty: bool,
}

impl Room {
    pub fn new() -> Room {
        Room { left: limits::PAGE_TEXT, is_empty: true }
    }

    /// Whether this row fits; the first one always does. The texts of a row are nearly all of its size.
    pub fn takes(&mut self, row: &Row) -> bool {
        let columns = 0..row.as_ref().column_count();
        let size = columns.filter_map(|at| row.get_ref(at).ok()?.as_bytes().ok()).map(<[u8]>::len).sum::<usize>();
        let fits = self.is_empty || size <= self.left;
        self.is_empty = false;
        self.left = if fits { self.left.saturating_sub(size) } else { 0 };
        fits
    }
}

/// The rows of the statement, up to the first that does not fit.
pub fn rows<T>(
    statement: &mut Statement,
    values: &[(&str, &dyn ToSql)],
    from_row: impl Fn(&Row) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let (mut room, mut items) = (Room::new(), Vec::new());
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        if !room.takes(row) {
            break;
        }
        items.push(from_row(row)?);
    }
    Ok(items)
}
