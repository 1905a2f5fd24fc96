//! Changes made here: checked and queued in one transaction with their effect on what is shown. No network. Base values,
//! numbers and refusals (cycles, conditions) are decided inside the transaction that queues.

use super::amend::amend_rejected;
use super::drop_plan::{DropPlan, Rows};
use crate::error::{Error, Result};
use crate::gather::Gather;
use crate::model::dependency::DEPENDENCY;
use crate::model::kind::Type;
use crate::model::task::PARENT;
use crate::model::{
    self, Condition, Field, Kind, Operation, Patch, Row, SendReply, Shape, State, Target, Value, new_op_id,
};
use crate::store::{ACCOUNT, Change, Queueing, SERVER, Store};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// What a command has queued.
#[derive(Debug, Clone, Default)]
pub struct Queued {
    pub operations: Vec<Operation>,
    /// They were rejected before and are sent as they are now.
    pub amended: bool,
}

impl Queued {
    fn new(operations: Vec<Operation>) -> Queued {
        Queued { operations, amended: false }
    }

    pub fn op_ids(&self) -> BTreeSet<String> {
        self.operations.iter().map(|operation| operation.op_id.clone()).gather()
    }
}

/// What a delete became.
pub enum Deletion {
    Queued(Queued),
    /// The row was never sent: it and everything queued for it are gone, and no request will be made.
    Cancelled(DropPlan),
}

/// Queues the creation of a row.
pub fn create(store: &mut Store, kind: &'static Kind, workspace_id: i64, set: &Patch) -> Result<Queued> {
    create_as(store, new_op_id()?, kind, workspace_id, set)
}

/// The same under an id that is known before.
pub fn create_as(
    store: &mut Store,
    op_id: String,
    kind: &'static Kind,
    workspace_id: i64,
    set: &Patch,
) -> Result<Queued> {
    let mut operation = Operation { op_id, ..blank(store, kind, Shape::Create)? };
    operation.workspace_id = workspace_id;
    operation.target = Target::MadeBy(operation.op_id.clone());
    let change = store.change(|queue| {
        operation.set = references(queue, kind, set)?;
        Ok(Change { put: vec![operation], ..Change::default() })
    })?;
    Ok(Queued::new(change.put))
}

/// Queues an update with the fields that differ from what is shown; nothing when none does. `make` sees the row as it is
/// in the transaction that queues. A change of what the server rejected is written into the rejected operations.
pub fn update(
    store: &mut Store,
    row: &Row,
    condition: Option<Condition>,
    make: impl Fn(&Row) -> Result<Patch>,
) -> Result<Queued> {
    Ok(update_all(store, &[row], condition.as_ref(), &make)?.pop().unwrap_or_default())
}

/// The same for several rows, all of them or none. Gives what was queued of each, in their order.
pub fn update_all(
    store: &mut Store,
    rows: &[&Row],
    condition: Option<&Condition>,
    make: &dyn Fn(&Row) -> Result<Patch>,
) -> Result<Vec<Queued>> {
    let blanks = rows.iter().map(|row| blank(store, row.kind, Shape::Update)).collect::<Result<Vec<_>>>()?;
    let seen = rows.iter().map(|row| LookedUp::of(store, row)).collect::<Result<Vec<_>>>()?;
    let mut counts = Vec::new();
    let change = store.change(|queue| {
        let mut change = Change::default();
        for (operation, seen) in blanks.into_iter().zip(&seen) {
            let (amended, operations) = updated(queue, &seen.live(queue)?, operation, condition, make)?;
            counts.push((amended, operations.len()));
            if amended { &mut change.amended } else { &mut change.put }.extend(operations);
        }
        Ok(change)
    })?;
    let (mut put, mut amended) = (change.put.into_iter(), change.amended.into_iter());
    let taken = |(is_amended, count): (bool, usize)| {
        let from = if is_amended { &mut amended } else { &mut put };
        Queued { operations: from.take(count).collect(), amended: is_amended }
    };
    Ok(counts.into_iter().map(taken).collect())
}

/// The operations that change a row so, and whether they were rejected before.
fn updated(
    queue: &Queueing,
    row: &Row,
    mut operation: Operation,
    condition: Option<&Condition>,
    make: &dyn Fn(&Row) -> Result<Patch>,
) -> Result<(bool, Vec<Operation>)> {
    let given = make(row)?;
    refuse_cycle(queue, row, &given)?;
    let target = queue.target(row)?;
    // Also what the row shows already: it may wait behind what was rejected.
    let wanted = references(queue, row.kind, &given)?;
    if condition.is_none()
        && queue.has_rejected(row.kind, &target)?
        && let Some(operations) = amend_rejected(&queue.waiting_of(row.kind, &target)?, row, &wanted)
    {
        return Ok((true, operations));
    }
    let changed = |field: &Field| given.get(field).is_some_and(|value| row.get(field) != value);
    operation.set = wanted.into_iter().filter(|(field, _)| changed(field)).gather();
    if operation.set.is_empty() {
        return Ok((false, Vec::new()));
    }
    let before = operation.set.keys().map(|field| (*field, row.get(field).clone())).gather();
    operation.base = references(queue, row.kind, &before)?;
    operation.condition = condition.cloned();
    Ok((false, vec![aimed_at(operation, row, target)]))
}

/// Queues a delete. A row whose create was certainly never carried out cancels out: a sync that is about to send it finds
/// that it is dropped.
pub fn delete(store: &mut Store, row: &Row) -> Result<Deletion> {
    let seen = LookedUp::of(store, row)?;
    let rows = Rows::of(store)?;
    let is_linked = row.kind.name == DEPENDENCY.ends;
    let (needs, blocks) = if is_linked { store.dependencies_of(row.id)? } else { Default::default() };
    let mut operation = blank(store, row.kind, Shape::Delete)?;
    let mut cancelled = None;
    let change = store.change(|queue| {
        let row = seen.live(queue)?;
        let target = queue.target(&row)?;
        let waiting = queue.waiting_of(row.kind, &target)?;
        if let Some(create) = waiting.iter().find(|one| one.shape == Shape::Create && was_not_carried_out(one)) {
            let plan = DropPlan::of(&queue.waiting()?, &BTreeSet::from([create.op_id.clone()]), &rows)?;
            let change = plan.change("deleted before it was sent");
            cancelled = Some(plan);
            return Ok(change);
        }
        operation.base = references(queue, row.kind, &row.changeable())?;
        for (side, rows) in operation.links.iter_mut().zip([&needs, &blocks]) {
            *side = rows.iter().map(|row| queue.target(row)).collect::<Result<_>>()?;
        }
        Ok(Change { put: vec![aimed_at(operation, &row, target)], ..Change::default() })
    })?;
    Ok(cancelled.map_or(Deletion::Queued(Queued::new(change.put)), Deletion::Cancelled))
}

/// Queues the adding or removing of a dependency.
pub fn link(store: &mut Store, row: &Row, on: &Row, add: bool) -> Result<Queued> {
    let shape = if add { Shape::Link } else { Shape::Unlink };
    let (from, to) = (LookedUp::of(store, row)?, LookedUp::of(store, on)?);
    let mut operation = blank(store, &DEPENDENCY, shape)?;
    let change = store.change(|queue| {
        let (row, on) = (from.live(queue)?, to.live(queue)?);
        if row.id == on.id {
            return Err(Error::usage(format!("{} cannot depend on itself", row.name)));
        }
        if add && queue.reaches(&DEPENDENCY, on.id, row.id)? {
            let (row, on) = (row.name, on.name);
            return Err(Error::failure(format!("{on} depends on {row} already, itself or through others"))
                .hint(format!("a circle would never end; see: anyt task dep list {on}")));
        }
        operation.other = Some(queue.target(&on)?);
        operation.other_name = Some(on.name);
        let target = queue.target(&row)?;
        Ok(Change { put: vec![aimed_at(operation, &row, target)], ..Change::default() })
    })?;
    Ok(Queued::new(change.put))
}

/// Lets rejected operations be sent again, as they wait now. Of a create it is said that it was not carried out.
pub fn retry(store: &mut Store, op_ids: &BTreeSet<String>) -> Result<()> {
    store
        .change(|queue| {
            let mut amended = queue.waiting()?;
            amended.retain(|one| op_ids.contains(&one.op_id) && matches!(one.state, State::Rejected(_)));
            amended.iter_mut().for_each(|operation| operation.state = State::Queued);
            Ok(Change { amended, ..Change::default() })
        })
        .map(drop)
}

/// Takes a command's own operations out of the queue again, because they were rejected or its server was out of reach.
/// What may have arrived stays, and so does everything that others have built on meanwhile: then nothing is taken. Gives
/// those that stay.
pub fn take_back(store: &mut Store, queued: &Queued, why: &str) -> Result<Vec<Operation>> {
    let rows = Rows::of(store)?;
    let own = queued.op_ids();
    let mut stay = Vec::new();
    store.change(|queue| {
        let waiting = queue.waiting()?;
        let (go, sent): (Vec<_>, Vec<_>) =
            waiting.iter().filter(|one| own.contains(&one.op_id)).partition(|one| one.state != State::Sent);
        let chosen: BTreeSet<String> = go.iter().map(|one| one.op_id.clone()).gather();
        let plan = DropPlan::of(&waiting, &chosen, &rows)?;
        if plan.operations.len() > chosen.len() || !plan.orphans.is_empty() {
            stay = sent.into_iter().chain(go).cloned().collect();
            return Ok(Change::default());
        }
        stay = sent.into_iter().cloned().collect();
        let left = |one: &Operation| {
            waiting
                .iter()
                .any(|other| (other.kind, &other.target) == (one.kind, &one.target) && !chosen.contains(&other.op_id))
        };
        let settled = plan.operations.iter().filter(|one| !left(one)).filter_map(server_row).collect();
        Ok(Change { settled, ..plan.change(why) })
    })?;
    Ok(stay)
}

fn was_not_carried_out(operation: &Operation) -> bool {
    operation.sends.iter().all(|send| matches!(send.reply, Some(SendReply::Refused(_) | SendReply::NotDone)))
        && operation.state != State::Sent
}

fn server_row(operation: &Operation) -> Option<(&'static Kind, i64)> {
    match operation.target {
        Target::Server(id) => Some((operation.kind, id)),
        Target::MadeBy(_) => None,
    }
}

/// A row as the command looked it up, outside of the transaction.
struct LookedUp<'a> {
    row: &'a Row,
    /// Of a provisional one: what makes it. It may be sent meanwhile; its id is then free, or another's.
    made_by: Option<Target>,
}

impl LookedUp<'_> {
    fn of<'a>(store: &Store, row: &'a Row) -> Result<LookedUp<'a>> {
        let chain = if row.is_provisional() { store.waiting_of(row.kind, row.id)? } else { Vec::new() };
        let create = chain.into_iter().find(|operation| operation.shape == Shape::Create);
        Ok(LookedUp { row, made_by: create.map(|create| create.target) })
    }

    /// The row as it is now.
    fn live(&self, queue: &Queueing) -> Result<Row> {
        let kind = self.row.kind;
        let found = match &self.made_by {
            Some(target) => queue.row_of(kind, target)?,
            None => {
                let same = |row: &Row| !row.is_provisional() || row.created_at == self.row.created_at;
                queue.row(kind, self.row.id)?.filter(same)
            }
        };
        found
            .filter(Row::is_live)
            .ok_or_else(|| Error::failure(format!("{} was deleted meanwhile; nothing was changed", self.row.name)))
    }
}

/// Values as they are queued: a reference to a row that was made here names the create that makes it.
fn references(queue: &Queueing, kind: &'static Kind, values: &Patch) -> Result<Patch> {
    let mut queued = values.clone();
    for (field, value) in &mut queued {
        if let (Type::Reference(name), Value::Int(id)) = (field.ty, &*value)
            && *id < 0
            && let Some(of) = model::kind(name)
        {
            let row = queue.row(of, *id)?.ok_or_else(|| {
                Error::failure(format!(
                    "the {} of this {} was deleted meanwhile; nothing was changed",
                    field.word, kind.name
                ))
            })?;
            *value = queue.target(&row)?.to_value();
        }
    }
    Ok(queued)
}

/// A task below itself is a circle, in which nothing is ever the whole.
fn refuse_cycle(queue: &Queueing, row: &Row, set: &Patch) -> Result<()> {
    let Some(Value::Int(parent)) = set.get(&PARENT) else { return Ok(()) };
    if *parent == row.id {
        return Err(Error::usage(format!("{} cannot be its own parent", row.name)));
    }
    if !queue.reaches(row.kind, *parent, row.id)? {
        return Ok(());
    }
    let parent = queue.row(row.kind, *parent)?.map_or_else(|| "the parent".into(), |row| row.name);
    Err(Error::failure(format!("{parent} is below {} already; a circle of parents has no top", row.name)))
}

pub(super) fn aimed_at(operation: Operation, row: &Row, target: Target) -> Operation {
    Operation { workspace_id: row.workspace_id, target, name: row.name.clone(), seen_version: row.version, ..operation }
}

/// An operation without target and values, meant for the server and account that the store is filled from.
pub(super) fn blank(store: &Store, kind: &'static Kind, shape: Shape) -> Result<Operation> {
    Ok(Operation {
        op_id: new_op_id()?,
        created_at: Timestamp::now().rfc3339(),
        server: store.metadata(SERVER)?,
        account: store.metadata(ACCOUNT)?,
        ..Operation::new(kind, shape)
    })
}
