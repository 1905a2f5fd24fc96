//! Fetches what changed into the staging tables, workspace by workspace (docs/sync.md). Nothing here changes what is shown; a
//! failure anywhere leaves it as it was, and what was staged stays staged for the next run.

use super::Engine;
use super::driver::Run;
use super::listing::{CLOCKS_DIFFER, Listing, Marks, is_within, listing};
use super::observe::{Epoch, Fact, Read, observe};
use super::pager::Pager;
use super::remote::{Page, RemoteError, RemoteResult, to_error};
use super::report::Event;
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::dependency::DEPENDENCY;
use crate::model::task::TASK;
use crate::model::{Row, Workspace};
use crate::store::{Pulled, Walk};
use crate::time::Timestamp;
use std::time::Duration;

/// Read again before the cursor: rows of one instant, and transactions that commit late.
const OVERLAP: Duration = Duration::from_secs(30);

/// A kind the server never had is looked for again after this long.
const ABSENT_FOR: Duration = Duration::from_secs(7 * 86_400);

/// An interrupted walk is gone on with for so long.
const RESUMED_FOR: Duration = Duration::from_secs(6 * 3_600);

/// Of so many missing rows none may be found before a list is taken for wrong.
const SAMPLE: usize = 20;

/// A reconciliation may remove this many rows without asking, or half of a workspace if that is more.
const DELETES_WITHOUT_ASKING: usize = 10;

impl Engine<'_> {
    /// Stages what every workspace has to tell. A workspace that this account may not read is left out, and the refusal
    /// is given, where there are others.
    pub(super) fn pull(&mut self, run: &mut Run) -> Result<Option<Error>> {
        let workspaces = self.remote().workspaces().map_err(|e| self.fatal(e))?;
        run.caps = self.capabilities(run.end.afresh)?;
        let believed = run.end.afresh || self.options.accept_deletes;
        if workspaces.is_empty() && !believed && !self.store.workspaces()?.is_empty() {
            return Err(Error::failure(format!(
                "{} lists no workspace at all, which is never read as deletions; nothing was changed",
                self.remote().origin()
            ))
            .hint("check the account: anyt auth whoami; if they really are gone: anyt sync --accept-deletes"));
        }
        let mut refusal = None;
        let mut listed = Vec::new();
        for workspace in &workspaces {
            match self.pull_workspace(run, workspace) {
                Ok((pulled, everything)) => {
                    if everything {
                        listed.push(workspace.id);
                    }
                    run.end.pulled.push(pulled);
                }
                Err(error @ Error::SignIn { .. }) if workspaces.len() > 1 => {
                    self.store.unstage(workspace.id)?;
                    run.end.left_out.push(workspace.id);
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if run.end.pulled.is_empty()
            && let Some(refusal) = refusal
        {
            return Err(refusal);
        }
        // Only now: what one workspace lacks may have been moved to another.
        for id in listed {
            self.confirm_missing(run, id)?;
        }
        for id in run.end.pulled.iter().map(|pulled| pulled.workspace_id).collect::<Vec<_>>() {
            self.judge_staged(run, id)?;
        }
        if !run.end.afresh {
            run.end.left = self.workspaces_left(&workspaces)?;
        }
        run.end.workspaces = workspaces;
        Ok(refusal)
    }

    fn fatal(&self, error: RemoteError) -> Error {
        to_error(error, &self.remote().origin())
    }

    /// Workspaces of the cache that are deleted, or no longer this account's: the server does not list them, and says so
    /// when asked for each. One for which something is queued stays, until that is sent or given up.
    fn workspaces_left(&mut self, listed: &[Workspace]) -> Result<Vec<i64>> {
        let mut left = Vec::new();
        for cached in self.store.workspaces()? {
            let id = cached.id;
            if listed.iter().any(|workspace| workspace.id == id)
                || self.remote().has_workspace(id).map_err(|e| self.fatal(e))?
            {
                continue;
            }
            let queued = self.store.waiting()?.iter().any(|operation| operation.workspace_id == id);
            if queued && !self.is_forced() {
                let note =
                    format!("{} is no longer yours on the server; what is queued for it stays", cached.identifier);
                self.reporter.tell(Event::Note(note));
                continue;
            }
            let rows = self.store.missing_from_staging(&TASK, id)?;
            if !self.is_forced() {
                self.refuse_mass_delete(rows.len(), rows.len())?;
            }
            for (row, _) in rows {
                self.store.stage_gone(&TASK, row)?;
            }
            left.push(id);
        }
        Ok(left)
    }

    fn is_forced(&self) -> bool {
        matches!(self.options.mode, super::Mode::Force(_))
    }

    /// A list that lacks more than half of a workspace is believed only when somebody says so.
    fn refuse_mass_delete(&self, missing: usize, cached: usize) -> Result<()> {
        if missing <= DELETES_WITHOUT_ASKING || missing * 2 <= cached || self.options.accept_deletes {
            return Ok(());
        }
        Err(Error::failure(format!(
            "{} no longer lists {missing} of {cached} tasks; nothing was changed",
            self.remote().origin()
        ))
        .hint("if they really are gone: anyt sync --accept-deletes"))
    }

    /// Stages one workspace. True beside it: everything was listed.
    fn pull_workspace(&mut self, run: &mut Run, workspace: &Workspace) -> Result<(Pulled, bool)> {
        let id = workspace.id;
        let marks = self.marks(run, workspace)?;
        let chosen = listing(&marks, Timestamp::now());
        let unfinished = self.unfinished(id, run.end.afresh)?;
        if chosen == Listing::Nothing && unfinished.is_none() {
            return Ok((Pulled { workspace_id: id, ..Pulled::default() }, false));
        }
        if marks.counter_fell {
            run.epoch = Epoch::WentBack;
        }
        let projects = match self.remote().projects(id) {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_)) => None,
            projects => Some(projects.map_err(|e| self.fatal(e))?),
        };
        let members = self.kind(run, "members", id, |engine| engine.remote().members(id))?;
        let labels = self.kind(run, "labels", id, |engine| engine.remote().labels(id))?;
        let everything = self.stage_rows(run, id, chosen, unfinished)?;
        let cursor = self.store.newest_staged(&TASK, id, Timestamp::now().plus(CLOCKS_DIFFER))?;
        let edges = self.kind(run, "dependencies", id, |engine| engine.remote().links(&DEPENDENCY, id))?;
        if let Some(edges) = &edges {
            self.store.stage_links(&DEPENDENCY, id, edges)?;
        }
        let listed = everything.then(|| (Timestamp::now().rfc3339(), Vec::new()));
        let links = edges.is_some();
        let state = workspace.state.clone();
        Ok((Pulled { workspace_id: id, projects, members, labels, links, listed, cursor, state }, everything))
    }

    fn marks(&self, run: &Run, workspace: &Workspace) -> Result<Marks> {
        let id = workspace.id;
        let cached = self.store.workspaces()?.into_iter().find(|cached| cached.id == id);
        let time = |key: &str| -> Result<Option<Timestamp>> {
            Ok(self.store.metadata(&format!("{key}:{id}"))?.and_then(|text| Timestamp::parse(&text)))
        };
        let counters = cached.as_ref().and_then(|cached| cached.task_counter.zip(workspace.task_counter));
        Ok(Marks {
            cursor: time("cursor")?,
            listed: time("listed")?,
            state: self.store.metadata(&format!("state:{id}"))?,
            state_now: workspace.state.clone(),
            counter_fell: counters.is_some_and(|(before, now)| now < before),
            renamed: cached.is_some_and(|cached| cached.identifier != workspace.identifier),
            anew: self.is_forced() || run.end.afresh,
        })
    }

    /// A walk that an earlier run did not finish.
    fn unfinished(&self, workspace_id: i64, afresh: bool) -> Result<Option<Walk>> {
        let now = Timestamp::now();
        let usable = |walk: &Walk| {
            !walk.done && Timestamp::parse(&walk.began).is_some_and(|began| is_within(began, RESUMED_FOR, now))
        };
        Ok(self.store.walk(workspace_id)?.filter(|walk| usable(walk) && !afresh && !self.is_forced()))
    }

    /// Stages a workspace's rows: goes on with an interrupted walk, asks for changes, or lists everything. True: it was
    /// everything.
    fn stage_rows(&mut self, run: &mut Run, id: i64, chosen: Listing, unfinished: Option<Walk>) -> Result<bool> {
        if let Some(walk) = unfinished {
            self.page_through(run, id, None, Some(walk.clone())).map_err(|e| self.fatal(e))?;
            return Ok(walk.everything);
        }
        self.store.unstage(id)?;
        if let Listing::Changes(cursor) = chosen {
            self.page_through(run, id, Some(cursor.minus(OVERLAP)), None).map_err(|e| self.fatal(e))?;
            if self.is_whole(run, id)? {
                return Ok(false);
            }
        }
        self.page_through(run, id, None, None).map_err(|e| self.fatal(e))?;
        Ok(true)
    }

    /// What was staged since the cursor is everything that changed, as far as can be told: the row that set the cursor is
    /// where it must be, and as many live rows are known as the server counts.
    fn is_whole(&mut self, run: &mut Run, id: i64) -> Result<bool> {
        let row = self.store.metadata(&format!("cursor_task:{id}"))?.and_then(|id| id.parse().ok());
        // The row that set the cursor lies in the overlap, or was changed since: either way it must be there.
        let Some(now) = row.map_or(Ok(None), |row| self.store.staged_row(&TASK, row))? else {
            run.epoch = Epoch::WentBack;
            return Ok(false);
        };
        let before = self.store.server_row(&TASK, now.id)?;
        if before.is_some_and(|before| went_back(&before, &now)) {
            let answered = self.store.answered_at(&TASK, now.id)?.map(|at| at.age(Timestamp::now()));
            if answered.is_none_or(|age| age > super::observe::MAX_LAG) {
                run.epoch = Epoch::WentBack;
            }
            return Ok(false);
        }
        if run.caps.tombstones && run.caps.updated_after {
            return Ok(true);
        }
        // Ids, not a number: rows that exist and are never listed are known one by one.
        let unlisted = self.store.unlisted(&TASK, id)?;
        let expected = self.store.expected_total(&TASK, id)? - unlisted.len() as i64;
        let query = super::remote::Query { limit: 1, ..Default::default() };
        let total = self.remote().rows(&TASK, id, &query).map_err(|e| self.fatal(e))?.total;
        Ok(total == Some(expected))
    }

    /// Fetches a kind of thing that not every server has. One that is absent is remembered and passed over for a while.
    fn kind<T>(
        &mut self,
        run: &Run,
        name: &str,
        workspace_id: i64,
        fetch: impl FnOnce(&Self) -> RemoteResult<Option<T>>,
    ) -> Result<Option<T>> {
        let (absent, present) = (format!("absent:{name}:{workspace_id}"), format!("present:{name}:{workspace_id}"));
        let now = Timestamp::now();
        let absent_since = self.store.metadata(&absent)?.and_then(|text| Timestamp::parse(&text));
        let anew = self.is_forced() || run.end.afresh;
        if absent_since.is_some_and(|since| is_within(since, ABSENT_FOR, now)) && !anew {
            return Ok(None);
        }
        let found = match fetch(self) {
            // Not for this account: what is cached stays, and the next pull asks again.
            Err(RemoteError::Forbidden(_)) => return Ok(None),
            found => found.map_err(|e| self.fatal(e))?,
        };
        // What was there once is asked for each time: that it is gone may be a word of a program on the way.
        if !self.options.dry_run && self.store.metadata(&present)?.is_none() {
            self.store.set_metadata(if found.is_some() { &present } else { &absent }, &now.rfc3339())?;
        }
        Ok(found)
    }

    /// Stages a workspace's rows page by page: those changed after `from`, or all of them; or goes on with a walk.
    fn page_through(
        &mut self,
        run: &mut Run,
        workspace_id: i64,
        from: Option<Timestamp>,
        walk: Option<Walk>,
    ) -> RemoteResult<()> {
        let began = walk.as_ref().map_or_else(|| Timestamp::now().rfc3339(), |walk| walk.began.clone());
        let everything = walk.as_ref().map_or(from.is_none(), |walk| walk.everything);
        let limit = match run.caps.max_page {
            0 => self.options.page_size,
            most => self.options.page_size.min(most),
        };
        let trusted = run.caps.sorted && run.caps.updated_after;
        let mut pager = match &walk {
            Some(walk) => Pager::resume(walk, from),
            None => Pager::new(from, limit, trusted),
        };
        while let Some(query) = pager.next() {
            let page = match self.remote().rows(&TASK, workspace_id, &query) {
                Err(RemoteError::Refused { .. } | RemoteError::NotFound(_) | RemoteError::Page(_))
                    if pager.asks_for_more() =>
                {
                    Page::default()
                }
                Err(RemoteError::Refused { status: 400 | 422, .. } | RemoteError::TooLarge(_))
                    if pager.ask_for_less() =>
                {
                    run.caps.max_page = query.limit / 2;
                    continue;
                }
                page => page?,
            };
            for row in &page.unreadable {
                if !run.summary.unreadable.contains(&row.message) {
                    run.summary.unreadable.push(row.message.clone());
                    self.reporter.tell(Event::Note(format!("left out, because it cannot be read: {}", row.message)));
                }
                run.unreadable.extend(row.id);
            }
            // Counted as new, so that a page of which nothing could be read does not look like a list without end.
            let new = |store: &mut crate::store::Store, walk: &Walk| store.stage(workspace_id, &page.items, walk);
            let fresh = new(self.store, &pager.walk(&began, everything)).map_err(local)?;
            pager
                .took(&page, fresh + page.unreadable.len())
                .map_err(|what| RemoteError::Malformed(format!("{}: {what}", self.remote().origin())))?;
            self.store.stage(workspace_id, &[], &pager.walk(&began, everything)).map_err(local)?;
            hit("pull.page.staged");
        }
        if pager.was_sorted() && from.is_none() {
            run.caps.sorted = true;
        }
        Ok(())
    }

    /// Reads a workspace's lists again, for a create whose answer was lost: what changed, or everything.
    pub(super) fn list_again(&mut self, run: &mut Run, workspace_id: i64, everything: bool) -> RemoteResult<()> {
        let cursor = self.store.metadata(&format!("cursor:{workspace_id}")).map_err(local)?;
        let from = cursor.and_then(|cursor| Timestamp::parse(&cursor)).map(|cursor| cursor.minus(OVERLAP));
        if everything || from.is_none() {
            return self.page_through(run, workspace_id, None, None);
        }
        self.page_through(run, workspace_id, from, None)
    }

    /// Asks by name for each row of the cache that a full listing did not bring; absence alone deletes nothing. The ids of
    /// those that are there all the same are remembered: a server may leave archived ones out.
    fn confirm_missing(&mut self, run: &mut Run, workspace_id: i64) -> Result<()> {
        if self.is_forced() || run.end.afresh {
            return Ok(());
        }
        let mut missing = self.store.missing_from_staging(&TASK, workspace_id)?;
        missing.retain(|(id, _)| !run.unreadable.contains(id));
        let cached = self.store.count_server_rows(&TASK, workspace_id)?.max(0) as usize;
        if self.refuse_mass_delete(missing.len(), cached).is_err() {
            // Before thousands are asked for: are any of them there?
            let step = missing.len().div_ceil(SAMPLE).max(1);
            let mut found = false;
            for (id, name) in missing.iter().step_by(step) {
                found |= self.is_there(run, workspace_id, *id, name)?;
            }
            if !found {
                self.refuse_mass_delete(missing.len(), cached)?;
            }
        }
        let (mut gone, mut unlisted) = (Vec::new(), Vec::new());
        for (id, name) in &missing {
            if self.store.staged_row(&TASK, *id)?.is_some() || self.is_there(run, workspace_id, *id, name)? {
                unlisted.push(*id);
            } else {
                gone.push(*id);
            }
        }
        self.refuse_mass_delete(gone.len(), cached)?;
        for id in gone {
            if run.epoch == Epoch::WentBack {
                run.end.lost.extend(self.store.server_row(&TASK, id)?);
            }
            self.store.stage_gone(&TASK, id)?;
        }
        let listed = run.end.pulled.iter_mut().find(|pulled| pulled.workspace_id == workspace_id);
        if let Some((_, ids)) = listed.and_then(|pulled| pulled.listed.as_mut()) {
            *ids = unlisted;
        }
        Ok(())
    }

    /// Stages the row if the server has it. Its name may have gone to another one when the server was restored.
    fn is_there(&mut self, run: &Run, workspace_id: i64, id: i64, name: &str) -> Result<bool> {
        let row = match self.remote().row(&TASK, workspace_id, name) {
            // It is there, whatever is wrong with it.
            Err(RemoteError::Malformed(_) | RemoteError::TooLarge(_)) => return Ok(true),
            row => row.map_err(|e| self.fatal(e))?,
        };
        if let Some(row) = row.filter(|row| row.id == id && row.is_live()) {
            self.store.stage(workspace_id, &[row], &Walk::one_by_one())?;
            return Ok(true);
        }
        // Within the lag of an answer a 404 says nothing.
        let known = self.store.server_row(&TASK, id)?;
        let answered = self.answered(run, &TASK, id)?;
        Ok(observe(known.as_ref(), Read::Absent, answered, run.epoch) == Fact::Behind)
    }

    /// Staged rows that are older than what is known: a read behind an answer is not believed; what a restored server has
    /// lost is kept.
    fn judge_staged(&mut self, run: &mut Run, workspace_id: i64) -> Result<()> {
        for (known, staged) in self.store.staged_behind(&TASK, workspace_id)? {
            let answered = self.answered(run, &TASK, known.id)?;
            let read = if staged.is_live() { Read::Row(&staged) } else { Read::Absent };
            match observe(Some(&known), read, answered, run.epoch) {
                Fact::Behind => self.store.unstage_row(&TASK, known.id)?,
                Fact::WentBack => {
                    run.epoch = Epoch::WentBack;
                    run.end.lost.push(known);
                }
                Fact::Other if run.epoch == Epoch::WentBack => run.end.lost.push(known),
                _ => {}
            }
        }
        Ok(())
    }

    /// A staged row that is live and the one that is known: an id may mean another row on a restored server.
    pub(super) fn believed(&self, staged: Row, id: i64) -> Result<Option<Row>> {
        let known = self.store.server_row(staged.kind, id)?;
        Ok(Some(staged).filter(|row| row.is_live() && !known.is_some_and(|known| row.is_another_than(&known))))
    }
}

/// An error of this machine on the way through a walk.
fn local(error: Error) -> RemoteError {
    RemoteError::Malformed(error.to_string())
}

/// The server has an older row than the one we have seen: it was restored from a backup, or this is another row.
fn went_back(before: &Row, now: &Row) -> bool {
    let time = |row: &Row| Timestamp::parse(&row.updated_at);
    let earlier = time(before).zip(time(now)).is_some_and(|(before, now)| now.0 + 1_000_000 < before.0);
    now.version < before.version || (now.version == before.version && earlier) || now.is_another_than(before)
}
