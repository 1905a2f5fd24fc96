//! Local writes: what is queued and what is shown change in one transaction, with the spare copy in queue.jsonl.

use super::overlay::{self, remove_row, renew_for};
use super::queue::{self, by_op_id, put, waiting_of};
use super::rows::{by_id, put_server_row};
use super::targets::{local_id, target, target_now};
use super::{Change, Conflict, Result, Stopped, Store, conflicts, spare};
use crate::error::Error;
use crate::failpoint::hit;
use crate::model::kind::{Identity, Place, Type};
use crate::model::{Kind, Operation, Row, Shape, State, Target};
use crate::time::Timestamp;
use rusqlite::{Connection, named_params};
use std::collections::BTreeMap;
use std::path::Path;

/// The store as seen from inside the transaction that queues something: what it reads stays true until the commit.
pub struct Queueing<'a> {
    db: &'a Connection,
}

impl Queueing<'_> {
    /// As shown.
    pub fn row(&self, kind: &'static Kind, id: i64) -> Result<Option<Row>> {
        by_id(self.db, kind, id).map_err(|e| self.error(e))
    }

    /// What a row is called in operations: its server id, or the create that makes it.
    pub fn target(&self, row: &Row) -> Result<Target> {
        let found = target(self.db, row.kind, row.id).map_err(|e| self.error(e))?;
        found.ok_or_else(|| Error::failure(format!("{} was removed meanwhile; nothing was changed", row.name)))
    }

    /// The row that a target means now: a create may have been carried out since.
    pub fn row_of(&self, kind: &'static Kind, target: &Target) -> Result<Option<Row>> {
        let find = || local_id(self.db, kind, target)?.map_or(Ok(None), |id| by_id(self.db, kind, id));
        find().map_err(|e| self.error(e))
    }

    /// Waiting operations, oldest first.
    pub fn waiting(&self) -> Result<Vec<Operation>> {
        queue::waiting(self.db).map_err(|e| self.error(e))
    }

    /// Waiting creates, updates and deletes of one row, oldest first.
    pub fn waiting_of(&self, kind: &'static Kind, target: &Target) -> Result<Vec<Operation>> {
        let find = || waiting_of(self.db, kind, &target_now(self.db, kind, target)?);
        find().map_err(|e| self.error(e))
    }

    pub fn has_rejected(&self, kind: &'static Kind, target: &Target) -> Result<bool> {
        queue::has_rejected(self.db, kind, target).map_err(|e| self.error(e))
    }

    pub fn operation(&self, op_id: &str) -> Result<Option<Operation>> {
        by_op_id(self.db, op_id).map_err(|e| self.error(e))
    }

    pub fn knows(&self, op_id: &str) -> Result<bool> {
        queue::knows(self.db, op_id).map_err(|e| self.error(e))
    }

    /// Whether a path of links leads from one row to another, as shown; of a kind with ids, a path of its parents.
    pub fn reaches(&self, kind: &'static Kind, from: i64, to: i64) -> Result<bool> {
        let parent = kind.fields.iter().find(|field| field.ty == Type::Reference(kind.name));
        let (table, near, far) = match (kind.identity, parent) {
            (Identity::Pair, _) => (kind.table, "task_id", "depends_on_id"),
            (Identity::Id, Some(parent)) => (kind.table, "id", parent.column),
            (Identity::Id, None) => return Ok(false),
        };
        let sql = format!(
            "WITH RECURSIVE path(id) AS (SELECT :from UNION SELECT t.{far} FROM {table} t JOIN path ON t.{near} = path.id \
             WHERE t.{far} IS NOT NULL) SELECT 1 FROM path WHERE id = :to"
        );
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| query.exists(named_params! {":from": from, ":to": to}))
            .map_err(|e| self.error(e))
    }

    fn error(&self, error: rusqlite::Error) -> Error {
        super::open::sqlite_error(Path::new(self.db.path().unwrap_or("cache.db")), error)
    }
}

/// What a local write makes of what it sees. Boxed: the transaction around it is compiled once, not once for each.
type Make<'a> = Box<dyn FnOnce(&Queueing) -> Result<Change> + 'a>;

impl Store {
    /// A local write. `make` runs once the write lock is held. What it gives back has its places in the order, its op_ids
    /// and names.
    ///
    /// # Errors
    /// Those of `make`, and files that cannot be written: nothing was changed.
    pub fn change(&mut self, make: impl FnOnce(&Queueing) -> Result<Change>) -> Result<Change> {
        self.change_by(Box::new(make))
    }

    fn change_by(&mut self, make: Make) -> Result<Change> {
        let change = self.write_change(make)?;
        // ~/.cache may be wiped at any time: what was written into a file that nobody finds is written once more.
        for _ in 0..3 {
            if self.is_in_place() {
                return Ok(change);
            }
            self.open_again()?;
            let again = change.clone();
            self.write_change(Box::new(|queueing| {
                let mut again = again;
                let mut put = Vec::new();
                for op in again.put {
                    if !queueing.knows(&op.op_id)? {
                        put.push(op);
                    }
                }
                again.put = put;
                again.kept.clear();
                Ok(again)
            }))?;
        }
        Err(Error::failure(format!("{} is removed again and again", self.path.display()))
            .hint("what was queued is kept in queue.jsonl beside the lock; run: anyt sync"))
    }

    fn write_change(&mut self, make: Make) -> Result<Change> {
        self.set_durable(true)?;
        let files = self.files.clone();
        let (mut notices, mut appended) = (Vec::new(), None);
        let done = self.transact(|db| {
            notices = spare::agree(db, &files.queue)?;
            let mut change = make(&Queueing { db })?;
            if change == Change::default() {
                return Ok(change);
            }
            super::discarded::keep(db, &files.discarded, &change.kept)?;
            apply(db, &mut change)?;
            hit("store.change.applied");
            appended = Some(spare::append(db, &files.queue, &change)?);
            hit("store.change.commit");
            Ok(change)
        });
        match (&done, appended) {
            (Ok(_), _) => hit("store.change.committed"),
            // The file must not tell of what the cache has not taken.
            (Err(_), Some(appended)) => appended.cut_back(),
            (Err(_), None) => {}
        }
        let change = done?;
        self.notices.extend(notices);
        Ok(change)
    }
}

/// Writes a change into the tables.
fn apply(db: &Connection, change: &mut Change) -> Result<(), Stopped> {
    let (server, account) = (super::metadata(db, super::SERVER)?, super::metadata(db, super::ACCOUNT)?);
    let mut touched: Vec<Operation> = Vec::new();
    let mut created: BTreeMap<Target, String> = BTreeMap::new();
    for (op_id, why) in &change.dropped {
        let Some(op) = by_op_id(db, op_id)?.filter(|op| op.state.waits()) else { continue };
        let to = State::Dropped(why.clone());
        if queue::transition(db, op_id, &op.state, &to)? {
            touched.push(op);
        }
    }
    // What is given up is renewed from the newest on.
    touched.reverse();
    for op in &mut change.amended {
        op.seq = put(db, op)?;
        touched.push(op.clone());
    }
    for op in &mut change.put {
        if op.op_id.is_empty() {
            op.op_id = crate::model::new_op_id()?;
        }
        op.server = op.server.take().or_else(|| server.clone());
        op.account = op.account.take().or_else(|| account.clone());
        if op.shape == Shape::Create {
            op.target = Target::MadeBy(op.op_id.clone());
            op.name = provisional_name(db, op)?;
            created.insert(op.target.clone(), op.name.clone());
        }
        // What was given up before its row had a server id, and comes back, is queued with what waits for that now.
        op.target = target_now(db, op.kind, &op.target)?;
        // What comes back with its create goes by the name that this one got.
        if let Some(name) = created.get(&op.target) {
            op.name = name.clone();
        }
        if let Some(name) = op.other.as_ref().and_then(|other| created.get(other)) {
            op.other_name = Some(name.clone());
        }
        queue::forget_dropped(db, &op.op_id)?;
        op.seq = put(db, op)?;
        queue::put_sends(db, op)?;
        // The next create's number counts on this one's row.
        overlay::add(db, op)?;
    }
    touched.iter().try_for_each(|op| renew_for(db, op))?;
    touched.iter().try_for_each(|op| conflicts::forget_if_settled(db, op))?;
    let now = Timestamp::now().rfc3339();
    for row in &change.rows {
        put_server_row(db, row, &now)?;
    }
    for (kind, id) in &change.removed_rows {
        if queue::unsettled_of(db, kind, &Target::Server(*id))?.is_empty() {
            remove_row(db, kind, *id)?;
        }
    }
    for (kind, id) in &change.settled {
        conflicts::remove(db, kind, *id)?;
    }
    change.conflicts.iter().try_for_each(|conflict: &Conflict| conflicts::put(db, conflict))?;
    Ok(())
}

/// What a row that is made here is called until the server has it: of a kind with numbers the next free one with the
/// workspace's prefix.
fn provisional_name(db: &Connection, op: &Operation) -> rusqlite::Result<String> {
    if let Some((field, parent)) = op.kind.below().zip(op.kind.parent()) {
        let target = op.set.get(field).and_then(Target::of_value);
        let id = target.map_or(Ok(None), |target| local_id(db, parent, &target))?;
        let above = id.map_or(Ok(None), |id| by_id(db, parent, id))?;
        let above = above.map_or_else(String::new, |row| row.name);
        return Ok(op.kind.name_below(&above, overlay::next_id(db, op.kind)?));
    }
    if let Place::Named(field) = op.kind.place {
        return Ok(op.set.get(field).map_or_else(|| op.name.clone(), ToString::to_string));
    }
    let identifier: Option<String> = rusqlite::OptionalExtension::optional(
        db.prepare_cached("SELECT identifier FROM workspaces WHERE id = ?1")?
            .query_row([op.workspace_id], |row| row.get(0)),
    )?;
    let prefix = identifier.unwrap_or_else(|| op.name.rsplit_once('-').map_or(&*op.name, |(prefix, _)| prefix).into());
    super::rows::next_name(db, op.workspace_id, &format!("{prefix}-0"))
}
