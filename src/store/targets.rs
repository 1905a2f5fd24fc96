//! What operations call the rows that they are about, and which rows these are by now.

use super::lists::waiting;
use super::queue::{resolve, waiting_of};
use super::{Resolved, Result, Store};
use crate::model::kind::{Identity, Kind};
use crate::model::{Operation, Row, Target};
use rusqlite::{Connection, OptionalExtension};

/// What operations call a row that is shown: its server id, or the create that makes it.
pub(super) fn target(db: &Connection, kind: &'static Kind, id: i64) -> rusqlite::Result<Option<Target>> {
    if id > 0 {
        return Ok(Some(Target::Server(id)));
    }
    let made_by: Option<Option<String>> = db
        .prepare_cached(&format!("SELECT made_by FROM {} WHERE id = ?1", kind.table))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(made_by.flatten().map(Target::MadeBy))
}

/// The same of a target that an operation was made for earlier: a row that was made since has its server id.
pub(super) fn target_now(db: &Connection, kind: &'static Kind, earlier: &Target) -> rusqlite::Result<Target> {
    Ok(match (earlier, kind.identity) {
        (Target::MadeBy(_), Identity::Id) => match local_id(db, kind, earlier)? {
            Some(id) if id > 0 => Target::Server(id),
            _ => earlier.clone(),
        },
        _ => earlier.clone(),
    })
}

/// The id under which a row is kept here.
pub(super) fn local_id(db: &Connection, kind: &Kind, target: &Target) -> rusqlite::Result<Option<i64>> {
    if let Target::MadeBy(op_id) = target {
        let provisional: Option<i64> = db
            .prepare_cached(&format!("SELECT id FROM {} WHERE made_by = ?1", kind.table))?
            .query_row([op_id], |row| row.get(0))
            .optional()?;
        if provisional.is_some() {
            return Ok(provisional);
        }
    }
    Ok(match resolve(db, kind.name, target)? {
        Resolved::Server { id, .. } => Some(id),
        Resolved::Pending { op_id, .. } if matches!(target, Target::Server(_)) => db
            .prepare_cached(&format!("SELECT id FROM {} WHERE made_by = ?1", kind.table))?
            .query_row([op_id], |row| row.get(0))
            .optional()?,
        _ => None,
    })
}

impl Store {
    /// The waiting creates, updates and deletes of a row as shown, oldest first.
    pub fn waiting_of(&self, kind: &'static Kind, id: i64) -> Result<Vec<Operation>> {
        let of = || {
            let target = target(&self.db, kind, id)?;
            target.map_or(Ok(Vec::new()), |target| waiting_of(&self.db, kind, &target))
        };
        of().map_err(|e| self.error(e))
    }

    /// Whether changes of a row wait, or of what is below it or linked to it: as lists mark it.
    pub fn is_pending(&self, kind: &'static Kind, id: i64) -> Result<bool> {
        if self.count_waiting()? == 0 {
            return Ok(false);
        }
        self.db
            .prepare_cached(&format!("SELECT 1 FROM {} WHERE id = ?1 AND id IN ({})", kind.table, waiting(kind)))
            .and_then(|mut query| query.exists([id]))
            .map_err(|e| self.error(e))
    }

    /// What a row is called in operations.
    pub fn target_of(&self, row: &Row) -> Result<Target> {
        let found = target(&self.db, row.kind, row.id).map_err(|e| self.error(e))?;
        Ok(found.unwrap_or(Target::Server(row.id)))
    }
}
