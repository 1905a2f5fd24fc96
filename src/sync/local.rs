//! Changes made here: queued in one transaction with their effect on what is shown, and written to the journal
//! (`record`). No network. The caller has checked the values.

use super::discard::Kept;
use super::journal::Journal;
use super::loss::Loss;
use super::mend::mended;
use super::merge::Difference;
use super::record::record;
use crate::cache::{ACCOUNT, Cache, Change, Queueing, SERVER};
use crate::error::{Error, Result};
use crate::model::{Field, Kind, Operation, Patch, Task, Value};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// What a command is to bring to the server.
pub struct Queued {
    pub operations: Vec<Operation>,
    /// They waited before, and stay whatever becomes of them now.
    pub mended: bool,
}

impl Queued {
    /// The command's own.
    pub fn new(operations: Vec<Operation>) -> Queued {
        Queued { operations, mended: false }
    }

    /// `operation` is one of them, whatever has changed about it.
    pub fn has(&self, operation: &Operation) -> bool {
        self.operations.iter().any(|queued| queued.op_id == operation.op_id)
    }
}

/// What a delete became.
pub enum Deletion {
    Queued(Queued),
    /// The task was never sent: it and everything queued for it are gone, and no request will be made.
    Cancelled(Loss),
}

/// Queues the creation of a task. `prefix` is the workspace's identifier, which the provisional name begins with.
pub fn create(cache: &mut Cache, journal: &Journal, workspace_id: i64, prefix: &str, set: &Patch) -> Result<Queued> {
    let operation = creation(workspace_id, set)?;
    let change = record(cache, journal, |queue| {
        Ok(Change { put: vec![name_provisional(queue, operation, prefix)?], removed: Vec::new() })
    })?;
    Ok(Queued::new(change.put))
}

/// Queues an update with the fields that differ from what is shown; nothing when none does. `make` sees the task as it
/// is in the transaction that queues the update: what it derives from the task nobody changes in between. With `mend` the
/// change goes into operations about the same that the server refused: no sync is at work that knows them as they were.
pub fn update(
    cache: &mut Cache,
    journal: &Journal,
    task: &Task,
    mend: bool,
    make: impl FnOnce(&Task) -> Result<Patch>,
) -> Result<Queued> {
    let mut operation = blank(Kind::UpdateTask)?;
    let mut mends = false;
    let change = record(cache, journal, |queue| {
        let task = live_task(queue, task)?;
        let set = make(&task)?;
        // Also what the task shows already: it may wait behind what was refused.
        if mend && let Some(put) = mended(&queue.pending_of(task.id)?, &task, &set) {
            mends = true;
            return Ok(Change { put, removed: Vec::new() });
        }
        operation.set = set.iter().filter(|(field, value)| task.get(**field) != **value).map(clone_pair).collect();
        if operation.set.is_empty() {
            return Ok(Change::default());
        }
        operation.base = operation.set.keys().map(|field| (*field, task.get(*field))).collect();
        Ok(Change { put: vec![aimed_at(operation, &task)], removed: Vec::new() })
    })?;
    Ok(Queued { operations: change.put, mended: mends })
}

/// Queues a delete. A task that was never sent cancels out, unless `sending`: a sync is at work and may be sending it.
pub fn delete(cache: &mut Cache, journal: &Journal, task: &Task, sending: bool) -> Result<Deletion> {
    let mut operation = blank(Kind::DeleteTask)?;
    let mut cancelled = None;
    let change = record(cache, journal, |queue| {
        let task = live_task(queue, task)?;
        let mut created = queue.pending_of(task.id)?;
        created.retain(|operation| operation.kind == Kind::CreateTask && operation.uncertain.is_none());
        if !created.is_empty() && !sending {
            let loss = cancelled.insert(Loss::of(&queue.pending()?, &created)?);
            return Ok(loss.change.clone());
        }
        operation.base = Field::ALL.into_iter().map(|field| (field, task.get(field))).collect();
        Ok(Change { put: vec![aimed_at(operation, &task)], removed: Vec::new() })
    })?;
    Ok(cancelled.map_or(Deletion::Queued(Queued::new(change.put)), Deletion::Cancelled))
}

/// Queues the adding or removing of a dependency.
pub fn depend(cache: &mut Cache, journal: &Journal, task: &Task, on: &Task, add: bool) -> Result<Queued> {
    let mut operation = blank(if add { Kind::AddDependency } else { Kind::RemoveDependency })?;
    let change = record(cache, journal, |queue| {
        let (task, target) = (live_task(queue, task)?, live_task(queue, on)?);
        operation.depends_on = Some((target.id, target.identifier));
        Ok(Change { put: vec![aimed_at(operation, &task)], removed: Vec::new() })
    })?;
    Ok(Queued::new(change.put))
}

/// Queues operations that were thrown away before. Those that are queued again or were sent already are passed over.
///
/// # Errors
/// They were made for another server or account, or name a task that is gone: nothing is restored.
pub fn restore(cache: &mut Cache, journal: &Journal, kept: Vec<Kept>) -> Result<Vec<Operation>> {
    refuse_strangers(cache, &kept)?;
    let mut fresh = Vec::new();
    for kept in kept {
        if !cache.knows(&kept.operation.op_id)? {
            fresh.push(Kept { operation: as_new(kept.operation)?, ..kept });
        }
    }
    let change = record(cache, journal, |queue| {
        let mut moved = Vec::new();
        for Kept { operation, .. } in &mut fresh {
            if operation.kind == Kind::CreateTask {
                let old = operation.task_id;
                let prefix = operation.identifier.rsplit_once('-').map_or("", |(prefix, _)| prefix).to_string();
                let taken = moved.len() as i64;
                *operation = name_provisional(queue, operation.clone(), &prefix)?;
                operation.task_id -= taken;
                operation.identifier = bump(&operation.identifier, taken);
                moved.push((old, operation.task_id, operation.identifier.clone()));
            }
        }
        let mut put = Vec::new();
        for mut kept in fresh {
            match find_again(queue, &mut kept, &moved) {
                Ok(()) => put.push(kept.operation),
                // Only the parent comes back; nobody gave up the task that is gone with this file.
                Err(_) if kept.is_orphan => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Change { put, removed: Vec::new() })
    })?;
    Ok(change.put)
}

/// What was made for one server or account says nothing that another one should be told.
fn refuse_strangers(cache: &Cache, kept: &[Kept]) -> Result<()> {
    let (server, account) = (cache.metadata(SERVER)?, cache.metadata(ACCOUNT)?);
    for Kept { server: meant, account: whose, .. } in kept {
        for (then, now) in [(meant, &server), (whose, &account)] {
            if let (Some(then), Some(now)) = (then, now)
                && then != now
            {
                return Err(Error::failure(format!(
                    "these changes were made for {then}, and this environment is {now} now; nothing was restored"
                )));
            }
        }
    }
    Ok(())
}

/// The operation as it is queued again. A creation that may have reached the server keeps what it is known by, so that
/// it is checked before it is sent; another operation is repeated under a new id.
fn as_new(mut operation: Operation) -> Result<Operation> {
    if operation.kind != Kind::CreateTask && operation.uncertain.take().is_some() {
        operation.op_id = new_op_id()?;
    }
    operation.error = None;
    operation.created_at = Timestamp::now().rfc3339();
    Ok(operation)
}

/// The same operations under new ids: what becomes of the old ones says nothing about these.
pub(super) fn renewed(mut operations: Vec<Operation>) -> Result<Vec<Operation>> {
    for operation in &mut operations {
        operation.op_id = new_op_id()?;
        operation.uncertain = None;
    }
    Ok(operations)
}

/// Lets operations that were refused be sent again, as they wait now. Of a create it is said that it was not done.
pub fn retry(cache: &mut Cache, journal: &Journal, refused: Vec<Operation>) -> Result<()> {
    let ids: BTreeSet<String> = refused.into_iter().map(|operation| operation.op_id).collect();
    record(cache, journal, |queue| {
        let mut put = queue.pending()?;
        put.retain(|operation| ids.contains(&operation.op_id));
        for operation in &mut put {
            operation.error = None;
            if operation.kind == Kind::CreateTask {
                operation.uncertain = None;
            }
        }
        Ok(Change { put, removed: Vec::new() })
    })
    .map(drop)
}

/// Takes out of the queue what is lost with some operations. They are in `discarded/` already, or were refused before the
/// command that made them ended.
///
/// # Errors
/// Something was queued for them, or they changed, since `loss` was found: nothing is given up.
pub fn give_up(cache: &mut Cache, journal: &Journal, loss: &Loss) -> Result<()> {
    // Shortening the journal must not forget what a run that was killed a moment ago was told.
    super::recover::recover(cache, journal)?;
    record(cache, journal, |queue| {
        let now = Loss::of(&queue.pending()?, &loss.operations)?;
        if now.change != loss.change {
            return Err(Error::failure("what is to be dropped was changed meanwhile; nothing was dropped")
                .hint("see what it is now: anyt sync queue"));
        }
        Ok(now.change)
    })?;
    // They are given up by now. A journal that cannot be shortened says so too, at greater length.
    let _ = super::recover::compact(cache, journal);
    Ok(())
}

/// The update that gives `remote`'s values back to a task where others were `decided`.
pub(super) fn giving_back(remote: &Task, differences: &[Difference], decided: &Patch) -> Result<Operation> {
    let mut operation = aimed_at(blank(Kind::UpdateTask)?, remote);
    for Difference { field, remote, .. } in differences {
        operation.base.insert(*field, decided.get(field).unwrap_or(remote).clone());
        operation.set.insert(*field, remote.clone());
    }
    Ok(operation)
}

/// A create operation without a name yet.
pub(super) fn creation(workspace_id: i64, set: &Patch) -> Result<Operation> {
    Ok(Operation { workspace_id, set: set.clone(), ..blank(Kind::CreateTask)? })
}

/// Gives a create operation a provisional id and the next free number.
pub(super) fn name_provisional(queue: &Queueing, operation: Operation, prefix: &str) -> Result<Operation> {
    let task_id = queue.provisional_id()?;
    let identifier = format!("{prefix}-{}", queue.next_number(operation.workspace_id)?);
    Ok(Operation { task_id, identifier, ..operation })
}

/// The task as it is now. A provisional one may have been sent since the command looked it up; its id is then free, or
/// another's.
fn live_task(queue: &Queueing, seen: &Task) -> Result<Task> {
    let same = |task: &Task| !task.is_provisional() || task.created_at == seen.created_at;
    let found = match queue.task(seen.id)?.filter(same) {
        None if seen.is_provisional() => queue.task_once_called(seen.workspace_id, &seen.identifier)?,
        found => found,
    };
    found
        .filter(|task| task.deleted_at.is_none())
        .ok_or_else(|| Error::failure("the task was deleted meanwhile; nothing was changed"))
}

fn aimed_at(operation: Operation, task: &Task) -> Operation {
    Operation {
        workspace_id: task.workspace_id,
        task_id: task.id,
        identifier: task.identifier.clone(),
        base_version: task.version,
        ..operation
    }
}

fn clone_pair((field, value): (&Field, &Value)) -> (Field, Value) {
    (*field, value.clone())
}

fn blank(kind: Kind) -> Result<Operation> {
    Ok(Operation {
        op_id: new_op_id()?,
        kind,
        workspace_id: 0,
        task_id: 0,
        identifier: String::new(),
        depends_on: None,
        base_version: 0,
        base: Patch::new(),
        set: Patch::new(),
        created_at: Timestamp::now().rfc3339(),
        uncertain: None,
        error: None,
    })
}

/// `DEV-43` and 2 give `DEV-45`.
fn bump(identifier: &str, by: i64) -> String {
    let prefix = identifier.rsplit_once('-').map_or(identifier, |(prefix, _)| prefix);
    format!("{prefix}-{}", crate::model::number_of(identifier) + by)
}

/// Points an operation on tasks that were provisional when it was thrown away at what those are now: created again with it
/// (`moved`: id then, id and name now), or found by the operation that made them. Their ids and names are given again, so
/// neither of these tells.
fn find_again(queue: &Queueing, kept: &mut Kept, moved: &[(i64, i64, String)]) -> Result<()> {
    let Kept { operation, made_by, .. } = kept;
    let find = |id: i64| -> Result<(i64, String)> {
        if let Some((_, id, name)) = moved.iter().find(|(old, ..)| *old == id) {
            return Ok((*id, name.clone()));
        }
        let made = made_by.get(&id).map_or(Ok(None), |op_id| queue.task_made_by(op_id))?;
        let gone = || Error::failure("a task that these changes are about is no longer here; nothing was restored");
        made.filter(|task| task.deleted_at.is_none()).map(|task| (task.id, task.identifier)).ok_or_else(gone)
    };
    if operation.kind != Kind::CreateTask && operation.task_id < 0 {
        (operation.task_id, operation.identifier) = find(operation.task_id)?;
    }
    if let Some(target) = operation.depends_on.as_mut().filter(|(id, _)| *id < 0) {
        *target = find(target.0)?;
    }
    if let Some(Value::Int(parent)) = operation.set.get_mut(&Field::Parent)
        && *parent < 0
    {
        *parent = find(*parent)?.0;
    }
    Ok(())
}

/// A random UUID (RFC 9562, version 4).
///
/// # Errors
/// The operating system has no random numbers to give.
pub fn new_op_id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::failure(format!("no random numbers from the system: {e}")))?;
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
