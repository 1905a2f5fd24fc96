//! After a crash: folds the journal into the cache. Runs before any command uses the cache, unless a sync is at work
//! (it will commit by itself). Doing it twice, or dying in the middle, changes nothing more.

use super::journal::{Entry, Journal};
use crate::cache::{ACCOUNT, Answer, Cache, Change, SERVER};
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::{Operation, Task, Uncertain};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What the journal says of one operation.
#[derive(Default)]
struct Story {
    queued: Option<Operation>,
    sending: Option<Uncertain>,
    answered: Option<Option<Task>>,
    dropped: bool,
}

/// What a recovery did, for `-v` and for a hint to the user.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Operations that were only in the journal: the cache had been lost.
    pub restored: usize,
    /// Operations the server had accepted before the crash.
    pub answered: usize,
}

/// The cache is new, or the journal tells of an interrupted run.
pub fn is_needed(cache: &Cache, journal: &Journal) -> Result<bool> {
    Ok(cache.is_fresh()? || journal.tells_of_a_run()?)
}

/// Folds the journal in, if there is anything to fold. The caller holds the environment's lock. The journal is held
/// throughout: an operation that is being queued is either in it by then, or goes into a cache that has folded.
pub fn recover(cache: &mut Cache, journal: &Journal) -> Result<Recovered> {
    if !is_needed(cache, journal)? {
        return Ok(Recovered::default());
    }
    let held = journal.hold()?;
    if !cache.is_in_place() {
        return Ok(Recovered::default());
    }
    let entries = journal.read()?;
    remember_identity(cache, &entries)?;
    let (order, mut stories) = stories(entries);
    let mut restored = Vec::new();
    for op_id in &order {
        let story = &stories[op_id];
        if let Some(operation) = &story.queued
            && !story.dropped
            && !cache.knows(op_id)?
        {
            restored.push(operation.clone());
        }
    }
    let count = restored.len();
    cache.queue(|_| Ok(Change { put: restored, removed: Vec::new() }))?;
    hit("recover.restored");

    let mut answers = Vec::new();
    for operation in cache.pending()? {
        if let Some(task) = stories.get_mut(&operation.op_id).and_then(|story| story.answered.take()) {
            answers.push(Answer { operation, task });
        }
    }
    cache.fold_answers(&answers, &Timestamp::now().rfc3339())?;
    hit("recover.folded");
    // Read anew: what the answers created has got its server id in the operations that wait.
    let (mut changed, mut dropped) = (Vec::new(), Vec::new());
    for mut operation in cache.pending()? {
        let Some(story) = stories.get_mut(&operation.op_id) else { continue };
        if story.dropped {
            dropped.push(operation);
        } else if story.sending.is_some() {
            // Later than what the row says: the journal is shortened with every commit.
            operation.uncertain = story.sending.take();
            changed.push(operation);
        }
    }
    cache.queue(|_| Ok(Change { put: changed, removed: dropped }))?;
    hit("recover.marked");
    cache.set_folded()?;
    // A journal that cannot be shortened is folded again by the next command, which changes nothing more.
    let _ = held.replace(&what_waits(cache)?);
    Ok(Recovered { restored: count, answered: answers.len() })
}

/// A new cache does not know yet what the queue that it gets back is meant for.
fn remember_identity(cache: &Cache, entries: &[Entry]) -> Result<()> {
    if let Some(Entry::Meant { server, account }) = entries.iter().find(|entry| entry.op_id().is_none())
        && cache.is_fresh()?
    {
        cache.set_metadata(SERVER, server)?;
        if let Some(account) = account {
            cache.set_metadata(ACCOUNT, account)?;
        }
    }
    Ok(())
}

/// Shortens the journal to the operations that still wait. Where the cache was removed under this process, the journal
/// stays as it is: what it tells is for the cache that took the other's place.
pub fn compact(cache: &Cache, journal: &Journal) -> Result<()> {
    let held = journal.hold()?;
    if !cache.is_in_place() {
        return Ok(());
    }
    // Read while the journal is held: an operation queued meanwhile is either seen here or appended afterwards.
    held.replace(&what_waits(cache)?)
}

fn what_waits(cache: &Cache) -> Result<Vec<Entry>> {
    let waiting: Vec<Entry> = cache.pending()?.into_iter().map(Entry::Queued).collect();
    Ok(if waiting.is_empty() { waiting } else { meant_for(cache)?.into_iter().chain(waiting).collect() })
}

/// The line that says what a cache's queue is meant for; `None` while no server is known.
pub(super) fn meant_for(cache: &Cache) -> Result<Option<Entry>> {
    let account = cache.metadata(ACCOUNT)?;
    Ok(cache.metadata(SERVER)?.map(|server| Entry::Meant { server, account }))
}

/// The stories by operation, and the operations in the order they were first queued.
fn stories(entries: Vec<Entry>) -> (Vec<String>, BTreeMap<String, Story>) {
    let mut order = Vec::new();
    let mut stories: BTreeMap<String, Story> = BTreeMap::new();
    for entry in entries {
        let Some(op_id) = entry.op_id().map(String::from) else { continue };
        let story = stories.entry(op_id.clone()).or_default();
        match entry {
            Entry::Queued(operation) => {
                if story.queued.replace(operation).is_none() {
                    order.push(op_id);
                }
                // Brought back after it was given up.
                story.dropped = false;
            }
            Entry::Sending { uncertain, .. } => story.sending = Some(uncertain),
            Entry::Answered { task, .. } => story.answered = Some(task.map(|task| *task)),
            Entry::Dropped { .. } => story.dropped = true,
            Entry::Meant { .. } => {}
        }
    }
    (order, stories)
}
