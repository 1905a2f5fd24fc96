//! Which of the rows that a search brought has a lost create made? (decision table: `match()`)

use crate::model::{Operation, Row};

#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    None,
    One(Box<Row>),
    /// Several are what it asked for, or some only look alike: their names.
    Several(Vec<String>),
}

/// `rows`: those of the kind and workspace that may have been made since the create's first request. `taken`: server ids
/// that other creates of ours were answered with. `account`: ours, where it is known.
pub fn made_by(create: &Operation, rows: &[Row], taken: &[i64], account: Option<&str>) -> Found {
    let _ = (create, rows, taken, account);
    todo!()
}

/// Before a create is sent the first time: the row that says the same in every sent field, of our account, made after the
/// create was queued. It guards a home that was put back whole.
pub fn made_before<'a>(create: &Operation, rows: &'a [Row], taken: &[i64], account: Option<&str>) -> Option<&'a Row> {
    let _ = (create, rows, taken, account);
    todo!()
}
