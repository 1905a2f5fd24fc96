//! The step that every change of the queue takes: into the journal and into the cache, so that neither says what the
//! other will deny. The journal is held throughout: a sync that runs meanwhile finds the line of each row it sends.
//!
//! What is only added is written to the journal after its commit, into room made before it: a command that dies in
//! between has queued nothing twice, and a full disk is noticed while nothing is changed. What changes operations or takes
//! them out is written before its commit, whole and flushed: a later run completes it (`recover`), also without the cache.

use super::journal::{Entry, Journal, Writer};
use super::recover;
use super::report::{Event, Reporter};
use crate::cache::{Cache, Change, Outcome, Queueing};
use crate::error::Result;
use crate::model::Operation;

/// Changes the queue as `make` decides (see `Cache::queue`). Gives what was changed.
///
/// # Errors
/// Those of `make`, and a cache or a journal that cannot be written: nothing was changed.
pub fn record(cache: &mut Cache, journal: &Journal, make: impl FnOnce(&Queueing) -> Result<Change>) -> Result<Change> {
    let mut journal = journal.hold()?;
    if !cache.is_in_place() {
        return Err(recover::removed_meanwhile());
    }
    let meant = if journal.says_what_it_is_meant_for() { None } else { recover::meant_for(cache)? };
    let mut room = None;
    let queued = cache.queue(|queue| {
        let change = make(queue)?;
        let mut entries: Vec<Entry> = change.put.iter().cloned().map(Entry::Queued).collect();
        if !entries.is_empty() {
            entries.splice(..0, meant);
        }
        if change.removed.is_empty() && !queue.has_one_of(&change.put)? {
            room = Some(journal.make_room(&entries)?);
        } else {
            entries.extend(farewell(&change.removed));
            journal.append(&entries, true)?;
        }
        Ok(change)
    });
    let change = queued.inspect_err(|_| journal.take_back())?;
    if let Some(room) = room
        && let Err(error) = journal.fill(&room)
    {
        let removed = change.put;
        cache.queue(|_| Ok(Change { put: Vec::new(), removed }))?;
        return Err(error);
    }
    Ok(change)
}

/// Applies a sync's or a settlement's outcome in one transaction, and shortens the journal. What is dropped is written to
/// the journal first, so that a cache lost at this very moment does not bring it back. Gives the provisional tasks that
/// were renumbered: old and new identifier. `held` is the journal, taken before the queue was last looked at.
///
/// Shortening is housekeeping: a journal that stays as it is says nothing that the cache does not know, so what keeps it
/// from being shortened is told and is no failure of what was applied.
pub(super) fn apply(
    cache: &mut Cache,
    journal: &Journal,
    mut held: Writer,
    reporter: &mut dyn Reporter,
    outcome: &Outcome,
    now: &str,
) -> Result<Vec<(String, String)>> {
    if !outcome.dropped.is_empty() {
        held.append(&farewell(&outcome.dropped), true)?;
    }
    let renumbered = cache.apply(outcome, now).inspect_err(|_| held.take_back())?;
    drop(held);
    if let Err(error) = recover::compact(cache, journal) {
        reporter.tell(Event::Note(format!("the journal could not be shortened; the next sync tries again: {error}")));
    }
    Ok(renumbered)
}

fn farewell(operations: &[Operation]) -> Vec<Entry> {
    operations.iter().map(|operation| Entry::Dropped { op_id: operation.op_id.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::lock::LockFile;
    use crate::model::Patch;
    use crate::sync::local::{creation, name_provisional};

    /// A sync that took a row before its line was written would shorten the journal first; the line would come behind,
    /// and a cache lost then would send the operation again.
    #[test]
    fn nobody_sees_the_row_before_its_line() {
        let folder = std::env::temp_dir().join(format!("anyt-record-{}", std::process::id()));
        let mut cache = Cache::open(&folder.join("cache.db")).expect("a new cache");
        let journal = Journal::at(&folder.join("journal.jsonl"));
        let mut held = false;
        let change = record(&mut cache, &journal, |queue| {
            held = LockFile::open(&folder.join("journal.lock"))?.try_hold()?.is_none();
            let operation = name_provisional(queue, creation(1, &Patch::new())?, "DEV")?;
            Ok(Change { put: vec![operation], removed: Vec::new() })
        });
        assert!(held, "the journal could be taken while the row was written");
        assert_eq!(journal.read().expect("readable"), [Entry::Queued(change.expect("queued").put.remove(0))]);

        let refused = record(&mut cache, &journal, |_| Err(Error::failure("no")));
        assert!(refused.is_err());
        assert_eq!(journal.read().expect("readable").len(), 1);

        std::fs::remove_file(folder.join("cache.db")).expect("it is ours");
        let gone = record(&mut cache, &journal, |_| panic!("nothing may be queued into a file nobody finds"));
        assert!(gone.is_err_and(|error| error.to_string().contains("removed")));
        let _ = std::fs::remove_dir_all(folder);
    }
}
