//! Fetches what changed into the staging area, workspace by workspace (docs/sync.md). Nothing here changes the rows; a
//! failure anywhere leaves them as they were, and what was staged is gone on with by the next run.

use super::Engine;
use super::door::counters_fell;
use super::listing::{CLOCKS_DIFFER, Listing, Marks, Situation, is_within, listing};
use super::observe::Epoch;
use super::remote::{Capabilities, RemoteError, RemoteResult, Unreadable, to_error};
use super::report::Event;
use super::run::Run;
use crate::error::{Error, Result};
use crate::model::kind::{Identity, Place};
use crate::model::task::TASK;
use crate::model::{KINDS, Kind, Listed, Row, Workspace};
use crate::store::Pulled;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The kind that is listed by its changes.
pub(super) const LISTED: &Kind = &TASK;

/// A kind of thing the server never had is looked for again after this long.
const ABSENT_FOR: Duration = Duration::from_secs(7 * 86_400);

/// A reconciliation may remove this many rows without asking, or half of a workspace if that is more.
const DELETES_WITHOUT_ASKING: usize = 10;

/// Rows that cannot be read are named one by one up to this number.
const NAMED: usize = 10;

/// Metadata key: when rows were read last.
const LAST_PULL: &str = "last_pull";

/// Metadata key: a write without a pull has found that the server was put back to a backup.
pub(super) const WENT_BACK: &str = "went_back";

/// Metadata key: the workspace that a rate limit kept from being pulled; the next pull begins with it.
const NEXT_WORKSPACE: &str = "next_workspace";

/// What one run of pages has brought, beside what is staged.
#[derive(Default)]
pub(super) struct PullState {
    pub(super) epoch: Epoch,
    /// The cache is of another server: nothing in it is known here.
    pub(super) afresh: bool,
    /// How long ago the rows of the cache were read, at least.
    pub(super) known_for: Option<Duration>,
    /// Rows may be staged already, newer than those of the cache.
    pub(super) staged_before: bool,
    /// Reads that are older than an answer to this client: the rows stay as they are.
    pub(super) behind: BTreeSet<i64>,
    /// What a server that was put back no longer has, by kind, id and version: it may be listed twice.
    pub(super) lost: BTreeMap<(&'static str, i64, i64), Row>,
    pub(super) unreadable: BTreeSet<(String, Option<i64>)>,
    /// Rows older than those of the last pull were passed over only because that was a moment ago: everything is listed
    /// again by the next one.
    pub(super) doubted: bool,
}

impl PullState {
    pub(super) fn lose(&mut self, row: Option<Row>) {
        self.lost.extend(row.map(|row| ((row.kind.name, row.id, row.version), row)));
    }

    pub(super) fn could_not_read(&mut self, rows: &[Unreadable]) {
        self.unreadable.extend(rows.iter().map(|row| (row.message.clone(), row.id)));
    }

    pub(super) fn left_out<T>(&mut self, list: &Option<Listed<T>>) {
        let broken = list.iter().flat_map(|list| &list.broken);
        self.unreadable.extend(broken.map(|message| (message.clone(), None)));
    }

    pub(super) fn is_unreadable(&self, id: i64) -> bool {
        self.unreadable.iter().any(|(_, known)| *known == Some(id))
    }
}

/// A workspace whose rows were listed in full: what the cache has beside them is to be asked for.
pub(super) struct Full {
    pub(super) workspace_id: i64,
    /// The row that had set the cursor.
    pub(super) cursor_row: Option<i64>,
}

/// A short list that was read whole; `None`: the server has no such things.
type NamedList = (&'static Kind, Option<Listed<Row>>);

impl Engine<'_> {
    /// Stages what every workspace has to tell. A workspace that this account may not read is left out, and the refusal
    /// is given, where there are others; so are those behind a rate limit, where some were read.
    pub(super) fn pull(&mut self, run: &mut Run) -> Result<Option<Error>> {
        let Listed { items: mut workspaces, broken } = self.asked(|remote| remote.workspaces())?;
        let afresh = run.end.afresh;
        run.caps = self.capabilities(afresh)?;
        let cached = self.store.workspaces()?;
        self.refuse_empty_list(&workspaces, &cached, afresh)?;
        let mut seen = self.seen(run)?;
        if afresh {
            cached.iter().try_for_each(|workspace| self.store.unstage(workspace.id))?;
        } else if counters_fell(&cached, &mut workspaces, seen.known_for.filter(|_| !run.caps.consistent)) {
            (run.epoch, seen.epoch) = (Epoch::WentBack, Epoch::WentBack);
        }
        seen.unreadable.extend(broken.into_iter().map(|message| (message, None)));
        let mut full = Vec::new();
        let refusal = self.pull_each(&workspaces, &cached, run, &mut seen, &mut full)?;
        let limited = matches!(refusal, Some(Error::Wait { .. }));
        for full in full {
            self.confirm_missing(&full, run, &mut seen, limited)?;
        }
        if !afresh && !limited {
            run.end.left = self.workspaces_left(&workspaces, &cached, run, &mut seen)?;
        }
        if seen.doubted {
            let marks = run.end.pulled.iter().map(|pulled| (format!("listed:{}", pulled.workspace_id), String::new()));
            run.end.metadata.extend(marks);
        } else {
            run.end.metadata.push((LAST_PULL.into(), Timestamp::now().rfc3339()));
            run.end.metadata.push((WENT_BACK.into(), String::new()));
        }
        run.epoch = seen.epoch;
        run.end.lost.extend(std::mem::take(&mut seen.lost).into_values());
        self.tell_unreadable(&seen, run);
        run.end.workspaces = workspaces;
        match refusal {
            Some(refusal) if run.end.pulled.is_empty() => Err(refusal),
            refusal => Ok(refusal),
        }
    }

    pub(super) fn seen(&self, run: &Run) -> Result<PullState> {
        let last = self.store.metadata(LAST_PULL)?.and_then(|at| Timestamp::parse(&at));
        let known_for = last.map(|at| at.age(Timestamp::now()));
        let told = self.store.metadata(WENT_BACK)?.is_some_and(|told| !told.is_empty());
        let (epoch, afresh) = (if told { Epoch::WentBack } else { run.epoch }, run.end.afresh);
        Ok(PullState { epoch, afresh, known_for, ..PullState::default() })
    }

    fn refuse_empty_list(&self, listed: &[Workspace], cached: &[Workspace], afresh: bool) -> Result<()> {
        let believed = afresh || self.options.accept_deletes;
        if !listed.is_empty() || believed || cached.is_empty() {
            return Ok(());
        }
        Err(Error::failure(format!(
            "{} lists no workspace at all, which is never read as deletions; nothing was changed",
            self.remote().origin()
        ))
        .hint("check the account: anyt auth whoami; if they really are gone: anyt sync --accept-deletes"))
    }

    fn pull_each(
        &mut self,
        workspaces: &[Workspace],
        cached: &[Workspace],
        run: &mut Run,
        seen: &mut PullState,
        full: &mut Vec<Full>,
    ) -> Result<Option<Error>> {
        let mut order: Vec<&Workspace> = workspaces.iter().collect();
        let next = self.store.metadata(NEXT_WORKSPACE)?.and_then(|id| id.parse::<i64>().ok());
        let first = order.iter().position(|workspace| Some(workspace.id) == next).unwrap_or(0);
        order.rotate_left(first);
        let (mut refusal, mut by_changes) = (None, Vec::new());
        for (at, workspace) in order.iter().copied().enumerate() {
            let known = cached.iter().find(|known| known.id == workspace.id);
            let before = full.len();
            match self.pull_workspace(workspace, known, &mut run.caps, seen, full) {
                Ok(pulled) => run.end.pulled.push(pulled),
                Err(error @ Error::SignIn { .. }) if workspaces.len() > 1 => {
                    self.store.unstage(workspace.id)?;
                    run.end.left_out.push(workspace.id);
                    refusal.get_or_insert(error);
                    continue;
                }
                // What was read whole is not thrown away: else many workspaces behind a rate limit never arrive.
                Err(error @ Error::Wait { .. }) if !run.end.pulled.is_empty() => {
                    run.end.left_out.extend(order[at..].iter().map(|workspace| workspace.id));
                    run.end.metadata.push((NEXT_WORKSPACE.into(), workspace.id.to_string()));
                    return Ok(Some(error));
                }
                Err(error) => return Err(error),
            }
            if full.len() == before {
                by_changes.push((workspace, known));
            }
        }
        if next.is_some() {
            run.end.metadata.push((NEXT_WORKSPACE.into(), String::new()));
        }
        // One workspace that went back to a backup tells it of all; those before it were listed by their changes only.
        if seen.epoch == Epoch::WentBack {
            for (workspace, known) in by_changes {
                let pulled = self.pull_workspace(workspace, known, &mut run.caps, seen, full)?;
                run.end.pulled.retain(|earlier| earlier.workspace_id != pulled.workspace_id);
                run.end.pulled.push(pulled);
            }
        }
        Ok(refusal)
    }

    /// Workspaces of the cache that are deleted, or no longer this account's: the server does not list them, and says so
    /// when asked for each. One for which something is queued stays, until that is sent or given up.
    fn workspaces_left(
        &mut self,
        listed: &[Workspace],
        cached: &[Workspace],
        run: &mut Run,
        seen: &mut PullState,
    ) -> Result<Vec<i64>> {
        let mut left = Vec::new();
        for workspace in cached {
            let id = workspace.id;
            if listed.iter().any(|listed| listed.id == id) || self.asked(|remote| remote.has_workspace(id))? {
                continue;
            }
            let force = self.options.mode.is_force();
            let queued = self.store.waiting()?.iter().any(|operation| operation.workspace_id == id);
            if queued && !force {
                let name = &workspace.identifier;
                let note = format!("{name} is no longer yours on the server; what is queued for it stays");
                self.reporter.tell(Event::Note(note));
                run.end.left_out.push(id);
                continue;
            }
            let rows = self.store.count_server_rows(LISTED, id)?.max(0) as usize;
            if !force {
                self.refuse_mass_delete(LISTED, rows, rows)?;
            }
            self.store.unstage(id)?;
            for (row, _) in self.store.missing_from_staging(LISTED, id)? {
                self.goes(LISTED, row, seen)?;
            }
            left.push(id);
        }
        Ok(left)
    }

    /// A list that lacks more than half of a workspace is believed only when somebody says so.
    pub(super) fn refuse_mass_delete(&self, kind: &Kind, missing: usize, cached: usize) -> Result<()> {
        if missing <= DELETES_WITHOUT_ASKING || missing * 2 <= cached || self.options.accept_deletes {
            return Ok(());
        }
        Err(Error::failure(format!(
            "{} no longer lists {missing} of {cached} {}; nothing was changed",
            self.remote().origin(),
            kind.collection
        ))
        .hint("if they really are gone: anyt sync --accept-deletes"))
    }

    fn pull_workspace(
        &mut self,
        workspace: &Workspace,
        known: Option<&Workspace>,
        caps: &mut Capabilities,
        seen: &mut PullState,
        full: &mut Vec<Full>,
    ) -> Result<Pulled> {
        let id = workspace.id;
        let marks = if seen.afresh { Marks::default() } else { self.marks(id)? };
        // Only of a server that says what it can do: else the word may mean anything.
        let state = workspace.state.clone().filter(|_| caps.tombstones);
        let mut pulled = Pulled { workspace_id: id, state: state.clone(), ..Pulled::default() };
        let mut situation = Situation {
            marks: &marks,
            state: state.as_deref(),
            anew: self.options.mode.is_force() || seen.afresh,
            full: self.options.full,
            epoch: seen.epoch,
            renamed: known.is_some_and(|known| known.identifier != workspace.identifier),
            now: Timestamp::now(),
            brought: None,
        };
        let mut wanted = listing(&situation);
        if wanted == Listing::Nothing {
            self.store.unstage(id)?;
            return Ok(pulled);
        }
        let unreadable = seen.unreadable.len();
        let named = self.ask_named(id, seen)?;
        pulled.named = named.iter().all(|(_, list)| list.as_ref().is_some_and(Listed::is_whole));
        pulled.members = self.kind("members", id, seen, |engine| engine.remote().members(id))?;
        if let Listing::Changes(from) = wanted {
            wanted = self.list_changes(id, from, &mut situation, caps, seen)?;
        }
        if let Listing::Everything(_) = wanted {
            self.list_everything(id, &situation, caps, seen)?;
            full.push(Full { workspace_id: id, cursor_row: marks.cursor.map(|(_, row)| row) });
        }
        // Of the rows that were listed, because by it the next pull tells whether a list can be trusted; never this
        // machine's clock. A row from the future (the server's clock was wrong for a while) would hide every later change.
        pulled.cursor = self.store.newest_staged(LISTED, id, Timestamp::now().plus(CLOCKS_DIFFER))?;
        for (kind, list) in named {
            self.stage_named(kind, id, list, seen)?;
        }
        self.pull_below(&mut pulled, matches!(wanted, Listing::Everything(_)), caps, seen)?;
        pulled.links = self.pull_links(id, seen)?;
        if !pulled.is_whole() || seen.unreadable.len() > unreadable {
            // The next pull asks again for what this one was not given.
            pulled.state = None;
        }
        Ok(pulled)
    }

    /// The short lists of a workspace that are read whole, as far as the server has them.
    fn ask_named(&mut self, workspace_id: i64, seen: &mut PullState) -> Result<Vec<NamedList>> {
        let kinds = KINDS.into_iter().filter(|kind| matches!(kind.place, Place::Named(_)));
        let mut ask = |kind: &'static Kind| {
            let ask = |engine: &Self| engine.remote().named(kind, workspace_id);
            self.kind(kind.collection, workspace_id, seen, ask)
        };
        kinds.map(|kind| Ok((kind, ask(kind)?))).collect()
    }

    /// Stages the links of a workspace. Whether they are all of them; `None`: they were not told.
    fn pull_links(&mut self, workspace_id: i64, seen: &mut PullState) -> Result<Option<bool>> {
        let mut whole = None;
        for links in KINDS.into_iter().filter(|kind| kind.identity == Identity::Pair) {
            let ask = |engine: &Self| engine.remote().links(links, workspace_id);
            if let Some(edges) = self.kind(links.collection, workspace_id, seen, ask)? {
                self.store.stage_links(links, workspace_id, &edges.items)?;
                whole = Some(edges.is_whole());
            }
        }
        Ok(whole)
    }

    pub(super) fn marks(&self, workspace_id: i64) -> Result<Marks> {
        let text = |key: &str| self.store.metadata(&format!("{key}:{workspace_id}"));
        let time = |key: &str| Ok::<_, Error>(text(key)?.and_then(|at| Timestamp::parse(&at)));
        let row = text("cursor_task")?.and_then(|id| id.parse().ok());
        let cursor = time("cursor")?.zip(row);
        let written = match cursor {
            Some((at, _)) => !self.store.written_since(LISTED, workspace_id, at)?.is_empty(),
            None => false,
        };
        Ok(Marks { cursor, listed: time("listed")?, state: text("state")?, written })
    }

    /// Fetches a kind of thing that not every server has. One that is absent is remembered and passed over for a while.
    fn kind<T>(
        &mut self,
        name: &str,
        workspace_id: i64,
        seen: &mut PullState,
        fetch: impl FnOnce(&Self) -> RemoteResult<Option<Listed<T>>>,
    ) -> Result<Option<Listed<T>>> {
        if self.is_absent(name, workspace_id, seen)? {
            return Ok(None);
        }
        let found = match fetch(self) {
            // Not for this account: what is cached stays, and the next pull asks again.
            Err(RemoteError::Forbidden(_)) => return Ok(None),
            found => found.map_err(|error| self.fatal(error))?,
        };
        seen.left_out(&found);
        self.is_there(name, workspace_id, found.is_some())?;
        Ok(found)
    }

    /// A kind of thing that this server was found not to have, not long ago.
    pub(super) fn is_absent(&self, name: &str, workspace_id: i64, seen: &PullState) -> Result<bool> {
        let since = self.store.metadata(&format!("absent:{name}:{workspace_id}"))?;
        let since = since.and_then(|text| Timestamp::parse(&text));
        let anew = self.options.mode.is_force() || self.options.full || seen.afresh;
        Ok(since.is_some_and(|since| is_within(since, ABSENT_FOR, Timestamp::now())) && !anew)
    }

    /// Remembers whether the server has a kind of thing. What was there once is asked for each time: that it is gone may
    /// be a word of somebody on the way.
    pub(super) fn is_there(&self, name: &str, workspace_id: i64, found: bool) -> Result<()> {
        let (absent, present) = (format!("absent:{name}:{workspace_id}"), format!("present:{name}:{workspace_id}"));
        if !self.options.dry_run && self.store.metadata(&present)?.is_none() {
            self.store.set_metadata(if found { &present } else { &absent }, &Timestamp::now().rfc3339())?;
        }
        Ok(())
    }

    fn tell_unreadable(&mut self, seen: &PullState, run: &mut Run) {
        for (message, _) in seen.unreadable.iter().take(NAMED) {
            self.reporter.tell(Event::Note(format!("left out, because it cannot be read: {message}")));
        }
        run.summary.unreadable.extend(seen.unreadable.iter().map(|(message, _)| message.clone()));
        run.end.unreadable.extend(seen.unreadable.iter().filter_map(|(_, id)| *id));
    }

    pub(super) fn fatal(&self, error: RemoteError) -> Error {
        to_error(error, &self.remote().origin())
    }
}
