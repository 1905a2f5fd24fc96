//! Fetches what changed into the staging area, workspace by workspace (design.md "Pull"). Nothing here changes the
//! cache; a failure anywhere leaves it as it was.
//!
//! An incremental pull asks for what changed since the cursor, less an overlap. A full one lists everything. The full
//! one is taken when there is no cursor, when the row that set the cursor is not where it must be (the server was
//! restored from a backup), and when the count of live tasks differs from the server's (something was deleted).

use super::Engine;
use super::pager::Pager;
use super::remote::{RemoteError, TaskPage, TaskQuery};
use super::report::Event;
use crate::cache::{Listing, Outcome, Pulled};
use crate::error::{Error, Result};
use crate::model::{Task, Workspace};
use crate::time::Timestamp;
use std::time::Duration;

/// Read again before the cursor: rows of one instant, and transactions that commit late (design.md "Pull").
const OVERLAP: Duration = Duration::from_secs(30);

/// A server's clock may be ahead of ours by so much.
const CLOCKS_DIFFER: Duration = Duration::from_secs(600);

/// A kind the server never had is looked for again after this long.
const ABSENT_FOR: Duration = Duration::from_secs(7 * 86_400);

/// A workspace is listed in full after this long.
const LISTED_EVERY: Duration = Duration::from_secs(86_400);

/// Microseconds within which two writings of one time may differ.
const SAME_SECOND: u64 = 1_000_000;

/// Of so many missing tasks none may be found before a list is taken for wrong.
const SAMPLE: usize = 20;

/// A reconciliation may remove this many tasks without asking, or half of a workspace if that is more.
const DELETES_WITHOUT_ASKING: usize = 10;

/// The `updated_at` of the newest row, as the server wrote it, and its task.
type Cursor = (String, i64);

impl Engine<'_> {
    /// Stages what every workspace has to tell. A workspace that this account may not read is left out, and the refusal
    /// is given, where there are others.
    pub(super) fn pull(&mut self, outcome: &mut Outcome) -> Result<Option<Error>> {
        let workspaces = self.remote.workspaces().map_err(|e| self.fatal(e))?;
        let believed = self.options.afresh || self.options.accept_deletes;
        if workspaces.is_empty() && !believed && !self.cache.workspaces()?.is_empty() {
            return Err(Error::failure(format!(
                "{} lists no workspace at all, which is never read as deletions; nothing was changed",
                self.remote.origin()
            ))
            .hint("check the account: anyt auth whoami; if they really are gone: anyt sync --accept-deletes"));
        }
        let mut refusal = None;
        for workspace in &workspaces {
            match self.pull_workspace(workspace) {
                Ok(pulled) => outcome.pulled.push(pulled),
                Err(error @ Error::SignIn { .. }) if workspaces.len() > 1 => {
                    self.cache.unstage(workspace.id)?;
                    outcome.left_out.push(workspace.id);
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if outcome.pulled.is_empty()
            && let Some(refusal) = refusal
        {
            return Err(refusal);
        }
        if !self.options.afresh {
            outcome.left = self.workspaces_left(&workspaces)?;
        }
        outcome.workspaces = workspaces;
        Ok(refusal)
    }

    /// Workspaces of the cache that are deleted, or no longer this account's: the server does not list them, and says so
    /// when asked for each. One for which something is queued stays, until that is sent or given up.
    fn workspaces_left(&mut self, listed: &[Workspace]) -> Result<Vec<i64>> {
        let mut left = Vec::new();
        for cached in self.cache.workspaces()? {
            let id = cached.id;
            if listed.iter().any(|workspace| workspace.id == id)
                || self.remote.has_workspace(id).map_err(|e| self.fatal(e))?
            {
                continue;
            }
            let queued = self.cache.pending()?.iter().any(|operation| operation.workspace_id == id);
            if queued && !self.options.force {
                let note =
                    format!("{} is no longer yours on the server; what is queued for it stays", cached.identifier);
                self.reporter.tell(Event::Note(note));
                continue;
            }
            let tasks = self.cache.count_server_tasks(id)?.max(0) as usize;
            if !self.options.force {
                self.refuse_mass_delete(tasks, tasks)?;
            }
            self.cache.stage_workspace_gone(id)?;
            left.push(id);
        }
        Ok(left)
    }

    /// A list that lacks more than half of a workspace is believed only when somebody says so.
    fn refuse_mass_delete(&self, missing: usize, cached: usize) -> Result<()> {
        if missing <= DELETES_WITHOUT_ASKING || missing * 2 <= cached || self.options.accept_deletes {
            return Ok(());
        }
        Err(Error::failure(format!(
            "{} no longer lists {missing} of {cached} tasks; nothing was changed",
            self.remote.origin()
        ))
        .hint("if they really are gone: anyt sync --accept-deletes"))
    }

    fn pull_workspace(&mut self, workspace: &Workspace) -> Result<Pulled> {
        let id = workspace.id;
        let projects = match self.remote.projects(id) {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_)) => self.cache.projects(id)?,
            projects => projects.map_err(|e| self.fatal(e))?,
        };
        let members = self.kind("members", id, |engine| engine.remote.members(id))?;
        let labels = self.kind("labels", id, |engine| engine.remote.labels(id))?;
        let (listing, cursor) = self.pull_tasks(workspace)?;
        let edges = self.kind("dependencies", id, |engine| engine.remote.dependencies(id))?;
        if let Some(edges) = &edges {
            self.cache.stage_edges(id, edges)?;
        }
        Ok(Pulled { workspace_id: id, projects, members, labels, dependencies: edges.is_some(), cursor, listing })
    }

    /// Fetches a kind of thing that not every server has. One that is absent is remembered and passed over for a while.
    fn kind<T>(
        &mut self,
        name: &str,
        workspace_id: i64,
        fetch: impl FnOnce(&Self) -> super::remote::RemoteResult<Option<T>>,
    ) -> Result<Option<T>> {
        let (absent, present) = (format!("absent:{name}:{workspace_id}"), format!("present:{name}:{workspace_id}"));
        let now = Timestamp::now();
        let absent_since = self.cache.metadata(&absent)?.and_then(|text| Timestamp::parse(&text));
        let anew = self.options.force || self.options.afresh;
        if absent_since.is_some_and(|since| is_within(since, ABSENT_FOR, now)) && !anew {
            return Ok(None);
        }
        let found = match fetch(self) {
            // Not for this account: what is cached stays, and the next pull asks again.
            Err(RemoteError::Forbidden(_)) => return Ok(None),
            found => found.map_err(|e| self.fatal(e))?,
        };
        // What was there once is asked for each time: that it is gone may be a word of somebody on the way.
        if !self.options.dry_run && self.cache.metadata(&present)?.is_none() {
            self.cache.set_metadata(if found.is_some() { &present } else { &absent }, &now.rfc3339())?;
        }
        Ok(found)
    }

    /// Stages what is to be known of a workspace's tasks. Gives the full listing, if it was one, and the new cursor: of
    /// the rows that were listed, because by it the next pull tells whether a list can be trusted.
    fn pull_tasks(&mut self, workspace: &Workspace) -> Result<(Option<Listing>, Option<Cursor>)> {
        let id = workspace.id;
        let anew = self.options.force || self.options.afresh || self.is_made_anew(workspace)?;
        if !anew && !self.is_listing_due(id)? && self.stage_changes(id)? {
            let expected = self.cache.expected_total(id)?;
            let unlisted = self.cache.metadata(&format!("unlisted:{id}"))?.and_then(|n| n.parse::<i64>().ok());
            let total = self.live_total(id)?;
            if total == Some(expected) || total == unlisted.map(|unlisted| expected - unlisted) {
                return Ok((None, self.next_cursor(id)?));
            }
        }
        self.page_through(id, None)?;
        let cursor = self.next_cursor(id)?;
        let confirm = !self.options.force && !self.options.afresh;
        let unlisted = if confirm { self.confirm_missing(id)? } else { 0 };
        Ok((Some(Listing { at: Timestamp::now().rfc3339(), unlisted }), cursor))
    }

    /// Everything is listed once a day: a server whose clock was set back has changes before the cursor.
    fn is_listing_due(&self, workspace_id: i64) -> Result<bool> {
        let last = self.cache.metadata(&format!("listed:{workspace_id}"))?.and_then(|at| Timestamp::parse(&at));
        Ok(!last.is_some_and(|last| is_within(last, LISTED_EVERY, Timestamp::now())))
    }

    /// Stages what changed since the cursor, or everything where there is no cursor to trust.
    pub(super) fn stage_all_changes(&mut self, workspace_id: i64) -> Result<()> {
        if self.stage_changes(workspace_id)? { Ok(()) } else { self.page_through(workspace_id, None) }
    }

    /// Stages what changed since the cursor. False when that cannot be trusted to be everything.
    fn stage_changes(&mut self, workspace_id: i64) -> Result<bool> {
        let Some(cursor) = self.cache.metadata(&format!("cursor:{workspace_id}"))? else { return Ok(false) };
        let Some(after) = Timestamp::parse(&cursor) else { return Ok(false) };
        self.page_through(workspace_id, Some(after.minus(OVERLAP)))?;
        let row = self.cache.metadata(&format!("cursor_task:{workspace_id}"))?.and_then(|id| id.parse().ok());
        // The row that set the cursor lies in the overlap, or was changed since: either way it must be there.
        let Some(now) = row.map_or(Ok(None), |row| self.cache.staged_task(row))? else { return Ok(false) };
        let before = self.cache.server_task(now.id)?;
        Ok(before.is_none_or(|before| !went_back(&before, &now)))
    }

    /// The workspace's tasks may be others, or have other names, without one having been changed: a server restored from a
    /// backup hands out numbers it has handed out before, and with the prefix every task's name changes.
    fn is_made_anew(&self, workspace: &Workspace) -> Result<bool> {
        let Some(cached) = self.cache.workspaces()?.into_iter().find(|cached| cached.id == workspace.id) else {
            return Ok(false);
        };
        let counters = cached.task_counter.zip(workspace.task_counter);
        Ok(cached.identifier != workspace.identifier || counters.is_some_and(|(before, now)| now < before))
    }

    /// The server's count of live tasks. Whether `total` counts all matches is unknown (api.md 7): a server that counts
    /// the page differs from our count here, and is listed in full.
    fn live_total(&self, workspace_id: i64) -> Result<Option<i64>> {
        let query = TaskQuery { limit: 1, ..TaskQuery::default() };
        Ok(self.remote.tasks(workspace_id, &query).map_err(|e| self.fatal(e))?.total)
    }

    /// Stages a workspace's tasks page by page, those changed after `from` or all of them.
    pub(super) fn page_through(&mut self, workspace_id: i64, from: Option<Timestamp>) -> Result<()> {
        let now = Timestamp::now().rfc3339();
        let mut pager = Pager::new(from, self.options.page_size);
        while let Some(query) = pager.next() {
            let page = match self.remote.tasks(workspace_id, &query) {
                Err(RemoteError::Refused { .. } | RemoteError::NotFound(_) | RemoteError::Page(_))
                    if pager.asks_for_more() =>
                {
                    TaskPage::default()
                }
                Err(RemoteError::Refused { status: 400 | 422, .. }) if pager.ask_for_less() => continue,
                page => page.map_err(|e| self.fatal(e))?,
            };
            let fresh = self.cache.stage_tasks(&page.items, &now)?;
            crate::failpoint::hit("pull.page.staged");
            pager
                .took(&page, fresh)
                .map_err(|what| Error::failure(format!("{}: {what}; nothing was changed", self.remote.origin())))?;
        }
        Ok(())
    }

    /// Asks by name for each task of the cache that a full listing did not bring; absence alone deletes nothing. Gives the
    /// number of those that are there all the same: a server may leave archived ones out.
    fn confirm_missing(&mut self, workspace_id: i64) -> Result<usize> {
        let missing = self.cache.missing_from_staging(workspace_id)?;
        let cached = self.cache.count_server_tasks(workspace_id)?.max(0) as usize;
        if self.refuse_mass_delete(missing.len(), cached).is_err() {
            // Before thousands are asked for: are any of them there?
            let step = missing.len().div_ceil(SAMPLE).max(1);
            let mut found = false;
            for (id, identifier) in missing.iter().step_by(step) {
                found |= self.is_there(workspace_id, *id, identifier)?;
            }
            if !found {
                self.refuse_mass_delete(missing.len(), cached)?;
            }
        }
        let mut gone = Vec::new();
        for (id, identifier) in &missing {
            if self.cache.staged_task(*id)?.is_none() && !self.is_there(workspace_id, *id, identifier)? {
                gone.push(*id);
            }
        }
        self.refuse_mass_delete(gone.len(), cached)?;
        gone.iter().try_for_each(|id| self.cache.stage_gone(*id))?;
        Ok(missing.len() - gone.len())
    }

    /// Stages the task if the server has it. Its name may have gone to another one when the server was restored.
    fn is_there(&mut self, workspace_id: i64, task_id: i64, identifier: &str) -> Result<bool> {
        let task = self.remote.task(workspace_id, identifier).map_err(|e| self.fatal(e))?;
        let Some(task) = task.filter(|task| task.id == task_id && task.deleted_at.is_none()) else { return Ok(false) };
        self.cache.stage_tasks(&[task], &Timestamp::now().rfc3339())?;
        Ok(true)
    }

    /// The cursor after this pull: the newest row received, never this machine's clock. A row from the future (the
    /// server's clock was wrong for a while) would hide every later change; without it more is read again, that is all.
    fn next_cursor(&self, workspace_id: i64) -> Result<Option<Cursor>> {
        self.cache.newest_staged(workspace_id, Timestamp::now().plus(CLOCKS_DIFFER))
    }
}

/// The mark was set at most so long ago. One that lies in the future was set by a clock that was wrong.
fn is_within(mark: Timestamp, span: Duration, now: Timestamp) -> bool {
    mark <= now.plus(CLOCKS_DIFFER) && mark.age(now) < span
}

/// The server has an older form of the task than was known, or another one under the same version: it was put back to a
/// backup.
fn went_back(before: &Task, now: &Task) -> bool {
    let times = Timestamp::parse(&before.updated_at).zip(Timestamp::parse(&now.updated_at));
    let another = times.is_some_and(|(before, now)| before.0.abs_diff(now.0) >= SAME_SECOND);
    now.version < before.version || (now.version == before.version && another)
}
