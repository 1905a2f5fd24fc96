//! The move from anyt 0.1.0: its queue (rows of cache.db in the old columns, and journal.jsonl), the folders discarded/ and
//! drafts/ become rows with states, queue.jsonl and entries of discarded.jsonl. The old files are removed last: a move that
//! was interrupted anywhere is completed by the next start. It holds the old journal's lock, so that an older anyt that is
//! still running does not append meanwhile; what such a one leaves behind afterwards is moved by the next start.

mod files;
mod journal;
mod operation;
mod queue;

#[cfg(test)]
pub(super) use journal::crc32;

use super::{Files, MARK, Notice, Result, metadata, open, spare};
use crate::error::Error;
use crate::failpoint::hit;
use crate::lock::{Held, LockFile};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The `queue_mark` of a cache whose rows are still in the old columns (`schema::V3`).
pub(super) const UNMOVED: &str = "v2";

/// How long an append of an older anyt may take.
const JOURNAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Old files are there. Three looks, because every command takes them.
pub(super) fn is_needed(files: &Files) -> bool {
    [&files.old_journal, &files.old_discarded, &files.old_drafts].iter().any(|path| path.symlink_metadata().is_ok())
}

/// Takes the old journal. An older anyt takes it before its cache, so this must come before the cache's write lock.
pub(super) fn hold(files: &Files) -> Result<Option<Held>> {
    if !files.old_journal.exists() {
        return Ok(None);
    }
    LockFile::open(&lock_of(files))?.hold(JOURNAL_TIMEOUT).map(Some)
}

fn lock_of(files: &Files) -> PathBuf {
    files.old_journal.with_extension("lock")
}

/// Moves everything over, in the caller's write transaction; the old files stay. Doing it twice changes nothing more.
pub(super) fn move_over(db: &Connection, files: &Files) -> Result<Vec<Notice>> {
    let failed = |error| open::sqlite_error(&files.cache, error);
    let mark = metadata(db, MARK).map_err(failed)?.unwrap_or_default();
    let agreed = mark == spare::tail(&files.queue)?;
    let mut notices = Vec::new();

    let (discarded, unreadable) = files::move_over(db, files)?;
    if unreadable > 0 {
        notices.push(Notice::Unreadable(unreadable, files::left_in(&files.old_discarded)));
    }
    hit("store.move.discarded");

    let journal = journal::read(&files.old_journal)?;
    if !journal.damaged.is_empty() {
        let aside = spare::set_aside(&files.queue, &journal.damaged)?;
        notices.push(Notice::SetAside(journal.damaged.len(), aside));
    }
    let queued = queue::move_over(db, journal).map_err(failed)?;
    hit("store.move.queue");

    if mark == UNMOVED {
        // An interrupted move wrote the file already; or it is of a newer anyt whose cache was lost.
        notices.extend(spare::take_unknown(db, &files.queue)?);
        spare::rewrite(db, &files.queue)?;
    } else if agreed {
        spare::rewrite(db, &files.queue)?;
    } else {
        notices.extend(spare::reconcile(db, &files.queue)?);
    }
    if queued + discarded > 0 {
        notices.push(Notice::MovedOver { queued, discarded });
    }
    hit("store.move.commit");
    Ok(notices)
}

/// Removes the old files, once everything is committed.
pub(super) fn clean_up(files: &Files) -> Result<()> {
    hit("store.move.committed");
    files::remove_moved(files)?;
    hit("store.move.discarded.removed");
    let _ = std::fs::remove_file(files.cache.with_file_name("staging.db"));
    let _ = std::fs::remove_file(files.old_journal.with_extension("jsonl.new"));
    remove(&lock_of(files))?;
    remove(&files.old_journal)?;
    hit("store.move.journal.removed");
    crate::replace::sync_folder(&files.old_journal).or_else(|error| if_gone(error, ()))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// A folder that was never made needs nothing.
fn if_gone<T>(error: Error, value: T) -> Result<T> {
    match error {
        Error::Io { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => Ok(value),
        error => Err(error),
    }
}
