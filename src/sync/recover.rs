//! After a crash: folds the journal into the cache. Runs before any command uses the cache, unless a sync is at work
//! (it will commit by itself). Doing it twice, or dying in the middle, changes nothing more.

use super::journal::{Entry, Journal};
use crate::cache::{ACCOUNT, Answer, Cache, Change, SERVER};
use crate::error::{Error, Result};
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
    /// Lines of the journal that could not be read, and were set aside.
    pub damaged: usize,
}

/// The cache is new or an older one, or the journal tells of an interrupted run. A quick look, because every command
/// takes it.
pub fn is_needed(cache: &Cache, journal: &Journal) -> Result<bool> {
    Ok(cache.is_fresh()? || journal.tells_of_a_run()? || (!journal.is_empty() && cache.count_pending()? == 0))
}

/// Folds the journal in, if there is anything to fold. The caller holds the environment's lock. The journal is held
/// throughout: an operation that is being queued is either in it by then, or goes into a cache that has folded. A cache
/// that was removed since it was opened, perhaps while its opener waited for the lock, is opened again: what was in it
/// may have been sent by then.
pub fn recover(cache: &mut Cache, journal: &Journal) -> Result<Recovered> {
    if !cache.is_in_place() {
        *cache = Cache::open(cache.path())?;
    }
    if !is_needed(cache, journal)? && only_here(cache, &stories(journal.read()?))?.is_empty() {
        return Ok(Recovered::default());
    }
    let held = journal.hold()?;
    if !cache.is_in_place() {
        return Err(removed_meanwhile());
    }
    let entries = journal.read()?;
    remember_identity(cache, &entries)?;
    let mut stories = stories(entries);
    let restored = only_here(cache, &stories)?;
    let count = restored.len();
    cache.queue(|_| Ok(Change { put: restored, removed: Vec::new() }))?;
    hit("recover.restored");

    let mut answers = Vec::new();
    for operation in cache.pending()? {
        if let Some(task) = stories.by_id.get_mut(&operation.op_id).and_then(|story| story.answered.take()) {
            answers.push(Answer { operation, task });
        }
    }
    cache.fold_answers(&answers, &Timestamp::now().rfc3339())?;
    hit("recover.folded");
    // Read anew: what the answers created has got its server id in the operations that wait.
    let (mut changed, mut dropped) = (Vec::new(), Vec::new());
    for mut operation in cache.pending()? {
        let Some(story) = stories.by_id.get_mut(&operation.op_id) else { continue };
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
    let damaged = held.replace(&what_waits(cache, &[])?).unwrap_or(0);
    Ok(Recovered { restored: count, answered: answers.len(), damaged })
}

/// Whoever finds that changes nothing: the cache that took the place of this one knows better.
pub(super) fn removed_meanwhile() -> Error {
    Error::failure("the cache was removed meanwhile; nothing was changed").hint("run it again")
}

/// What waits according to the journal, and is not known to the cache: it was lost, or an older one was put back.
fn only_here(cache: &Cache, stories: &Stories) -> Result<Vec<Operation>> {
    let mut found = Vec::new();
    for op_id in &stories.order {
        let story = &stories.by_id[op_id];
        if let Some(operation) = story.queued.as_ref().filter(|_| !story.dropped)
            && !cache.knows(op_id)?
        {
            found.push(operation.clone());
        }
    }
    Ok(found)
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

/// Shortens the journal to the operations that still wait, those that only it knows of too. Where the cache was removed
/// under this process, the journal stays as it is: what it tells is for the cache that took the other's place.
pub fn compact(cache: &Cache, journal: &Journal) -> Result<()> {
    let held = journal.hold()?;
    if !cache.is_in_place() {
        return Ok(());
    }
    // Read while the journal is held: an operation queued meanwhile is either seen here or appended afterwards.
    let stories = stories(journal.read()?);
    let mut only_here = only_here(cache, &stories)?;
    only_here.retain(|operation| stories.by_id[&operation.op_id].answered.is_none());
    held.replace(&what_waits(cache, &only_here)?).map(drop)
}

fn what_waits(cache: &Cache, only_here: &[Operation]) -> Result<Vec<Entry>> {
    let waiting: Vec<Entry> = only_here.iter().cloned().chain(cache.pending()?).map(Entry::Queued).collect();
    Ok(if waiting.is_empty() { waiting } else { meant_for(cache)?.into_iter().chain(waiting).collect() })
}

/// The line that says what a cache's queue is meant for; `None` while no server is known.
pub(super) fn meant_for(cache: &Cache) -> Result<Option<Entry>> {
    let account = cache.metadata(ACCOUNT)?;
    Ok(cache.metadata(SERVER)?.map(|server| Entry::Meant { server, account }))
}

struct Stories {
    by_id: BTreeMap<String, Story>,
    /// As they were first queued.
    order: Vec<String>,
}

fn stories(entries: Vec<Entry>) -> Stories {
    let mut stories = Stories { by_id: BTreeMap::new(), order: Vec::new() };
    for entry in entries {
        let Some(op_id) = entry.op_id().map(String::from) else { continue };
        let story = stories.by_id.entry(op_id.clone()).or_default();
        match entry {
            Entry::Queued(operation) => {
                if story.queued.replace(operation).is_none() {
                    stories.order.push(op_id);
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
    stories
}
