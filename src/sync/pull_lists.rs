//! Kinds that are not listed by what changed: those known by names, whose short list is read whole; and those whose rows
//! are below rows of another kind (comments below tasks), pulled the cheapest way that a server has: one
//! list of the whole workspace by what changed, else the lists of those rows that have changed since theirs was read,
//! a few in a run.

use super::Engine;
use super::listing::{CLOCKS_DIFFER, OVERLAP};
use super::observe::{Fact, Read};
use super::pages::Way;
use super::pull::PullState;
use super::remote::{Capabilities, Query, Remote, RemoteError, RemoteResult};
use crate::error::Result;
use crate::gather::Gather;
use crate::model::kind::Place;
use crate::model::{KINDS, Kind, Listed, Row};
use crate::store::{Pulled, PulledBelow, Store, Walk};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Lists of single rows that one pull of a workspace reads: the rest has its turn with the next ones.
const LISTS: u32 = 50;

/// The same where a workspace was listed in full, which is once a day.
const LISTS_IN_FULL: u32 = 100;

/// Rows asked for at a time: more is not known to work (docs/api.md 4.9).
const PAGE: u32 = 100;

/// A list that always has something new to tell is broken.
const PAGES: u32 = 1_000;

impl Engine<'_> {
    /// Stages the rows of every such kind. `everything`: the workspace's rows were listed in full.
    pub(super) fn pull_below(
        &mut self,
        pulled: &mut Pulled,
        everything: bool,
        caps: &mut Capabilities,
        seen: &mut PullState,
    ) -> Result<()> {
        for kind in KINDS.into_iter().filter(|kind| matches!(kind.place, Place::Below(..))) {
            let workspace_id = pulled.workspace_id;
            self.store.unstage_kind(kind, workspace_id)?;
            // Only of a server that says what it can do: to others it is a path that they never had.
            let by_changes = caps.tombstones && !self.is_absent(kind.collection, workspace_id, seen)?;
            let below = match by_changes {
                true => self.pull_changes(kind, workspace_id, everything, caps, seen)?,
                false => None,
            };
            let below = match below {
                Some(below) => Some(below),
                None => self.pull_lists(kind, workspace_id, everything, seen)?,
            };
            self.store.name_staged(kind, workspace_id)?;
            pulled.below.extend(below);
        }
        pulled.read_together();
        Ok(())
    }

    /// One list for all of them. `None`: this server has none.
    fn pull_changes(
        &mut self,
        kind: &'static Kind,
        workspace_id: i64,
        everything: bool,
        caps: &mut Capabilities,
        seen: &mut PullState,
    ) -> Result<Option<PulledBelow>> {
        let cursor = self.store.metadata(&format!("cursor:{}:{workspace_id}", kind.collection))?;
        let cursor = cursor.and_then(|at| Timestamp::parse(&at)).filter(|_| !everything);
        let way = Way { from: cursor.map(|at| at.minus(OVERLAP)), resume: None, keep: false };
        match self.page_through(kind, workspace_id, &way, caps, seen)? {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_) | RemoteError::Refused { status: 405, .. }) => {
                self.is_there(kind.collection, workspace_id, false)?;
                return Ok(None);
            }
            listed => listed.map_err(|error| self.fatal(error))?,
        };
        self.is_there(kind.collection, workspace_id, true)?;
        if cursor.is_none() {
            let missing = self.store.missing_from_staging(kind, workspace_id)?;
            let cached = self.store.count_server_rows(kind, workspace_id)?.max(0) as usize;
            self.refuse_mass_delete(kind, missing.len(), cached)?;
            self.are_gone(kind, missing.into_iter().map(|(id, _)| id), seen)?;
        }
        let newest = self.store.newest_staged(kind, workspace_id, Timestamp::now().plus(CLOCKS_DIFFER))?;
        Ok(Some(PulledBelow { kind, cursor: newest.map(|(at, _)| at), read: None }))
    }

    /// The list of each row that has changed since its list was read, and of those whose list was read longest ago.
    fn pull_lists(
        &mut self,
        kind: &'static Kind,
        workspace_id: i64,
        everything: bool,
        seen: &mut PullState,
    ) -> Result<Option<PulledBelow>> {
        let Some(parent) = kind.parent() else { return Ok(None) };
        let key = key(parent, kind);
        if self.is_absent(&key, workspace_id, seen)? {
            return Ok(None);
        }
        let lists = match everything {
            true if self.options.full => u32::MAX,
            true => LISTS_IN_FULL,
            false => LISTS,
        };
        let (mut read, mut is_there) = (Vec::new(), false);
        for (id, name) in self.store.to_read_below(parent, workspace_id, everything, lists)? {
            if self.store.counted_below(kind, id)? == Some(0) {
                read.push(id);
                continue;
            }
            let list = match self.rows_below(kind, workspace_id, &(id, name)) {
                // It was listed a moment ago: what is not there is the list.
                Ok(None) => {
                    self.is_there(&key, workspace_id, false)?;
                    return Ok(None);
                }
                // What was read stays; the rest has its turn when the server lets us come back.
                Err(RemoteError::Limited { .. }) => break,
                Err(RemoteError::Forbidden(_)) => continue,
                list => list.map_err(|error| self.fatal(error))?,
            };
            let Some(list) = list else { break };
            if !std::mem::replace(&mut is_there, true) {
                self.is_there(&key, workspace_id, true)?;
            }
            seen.left_out(&Some(Listed { items: Vec::<Row>::new(), broken: list.broken.clone() }));
            let there: BTreeSet<i64> = list.items.iter().map(|row| row.id).gather();
            let known = self.store.below(kind, id)?;
            let missing = known.into_iter().map(|shown| shown.row.id).filter(|id| *id > 0 && !there.contains(id));
            if list.is_whole() {
                self.are_gone(kind, missing, seen)?;
            }
            self.stage_believed(workspace_id, list.items, &Walk::one_by_one(), seen)?;
            read.push(id);
        }
        Ok(Some(PulledBelow { kind, cursor: None, read: Some(read) }))
    }

    /// Stages a list that was read at once. What it does not have is gone, if it is whole.
    pub(super) fn stage_named(
        &mut self,
        kind: &'static Kind,
        workspace_id: i64,
        list: Option<Listed<Row>>,
        seen: &mut PullState,
    ) -> Result<()> {
        // What an interrupted run staged is older than this list, and may be gone.
        self.store.unstage_kind(kind, workspace_id)?;
        let Some(list) = list else { return Ok(()) };
        let whole = list.is_whole();
        let there: BTreeSet<i64> = list.items.iter().map(|row| row.id).gather();
        self.stage_believed(workspace_id, list.items, &Walk::one_by_one(), seen)?;
        if !whole {
            return Ok(());
        }
        let missing = self.store.missing_from_staging(kind, workspace_id)?;
        let mut gone = Vec::new();
        for (id, _) in missing.into_iter().filter(|(id, _)| !there.contains(id)) {
            // Rows shift from page to page while others are made and deleted: one list alone deletes nothing.
            match self.remote().row(kind, workspace_id, &id.to_string()) {
                Ok(Some(row)) if row.kind == kind && row.id == id && row.is_live() => {}
                Ok(_) | Err(RemoteError::Refused { .. } | RemoteError::Malformed(_)) => gone.push(id),
                Err(error) => return Err(self.fatal(error)),
            }
        }
        self.are_gone(kind, gone.into_iter(), seen)
    }

    /// What a list that is whole does not have, unless this client was told otherwise a moment ago.
    fn are_gone(&mut self, kind: &'static Kind, ids: impl Iterator<Item = i64>, seen: &mut PullState) -> Result<()> {
        for id in ids {
            let known = self.store.server_row(kind, id)?;
            if self.fact(kind, known.as_ref(), Read::Absent, id, seen)? == Fact::Absent {
                self.goes(kind, id, seen)?;
            }
        }
        Ok(())
    }

    pub(super) fn rows_below(
        &self,
        kind: &'static Kind,
        workspace_id: i64,
        below: &(i64, String),
    ) -> RemoteResult<Option<Listed<Row>>> {
        rows_below(self.remote(), kind, workspace_id, below)
    }
}

/// The name under which it is remembered whether a server has lists of a kind below rows of another.
fn key(parent: &Kind, kind: &Kind) -> String {
    format!("{}/{}", parent.collection, kind.collection)
}

/// The server is known not to have such a kind of thing.
pub fn has_none(store: &Store, kind: &Kind, workspace_id: i64) -> Result<bool> {
    if let Some(parent) = kind.parent().filter(|parent| parent.below().is_some())
        && has_none(store, parent, workspace_id)?
    {
        return Ok(true);
    }
    let key = kind.parent().map_or_else(|| kind.collection.to_string(), |parent| key(parent, kind));
    let absent = |name: &str| Ok(store.metadata(&format!("absent:{name}:{workspace_id}"))?.is_some());
    let present = store.metadata(&format!("present:{}:{workspace_id}", kind.collection))?.is_some();
    Ok(!present && absent(&key)?)
}

/// What is below the row has been read.
pub fn is_read(store: &Store, kind: &'static Kind, row: &Row) -> Result<bool> {
    let present = store.metadata(&format!("present:{}:{}", kind.collection, row.workspace_id))?.is_some();
    Ok(present || row.is_provisional() || store.is_read_below(row)?)
}

/// All rows of a kind that are below one row. `None`: the server has no such list, or not that row.
pub fn rows_below(
    remote: &dyn Remote,
    kind: &'static Kind,
    workspace_id: i64,
    below: &(i64, String),
) -> RemoteResult<Option<Listed<Row>>> {
    let mut listed = Listed::from(Vec::<Row>::new());
    let mut known = BTreeSet::new();
    for _ in 0..PAGES {
        let offset = (listed.items.len() + listed.broken.len()) as u32;
        let query = Query { limit: PAGE, offset, below: Some(below.clone()), ..Query::default() };
        let page = match remote.rows(kind, workspace_id, &query) {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_)) if offset == 0 => return Ok(None),
            page => page?,
        };
        let came = page.items.len() + page.unreadable.len();
        let fresh = page.items.into_iter().filter(|row| known.insert(row.id));
        let before = listed.items.len() + listed.broken.len();
        listed.items.extend(fresh);
        listed.broken.extend(page.unreadable.into_iter().map(|row| row.message));
        let count = listed.items.len() + listed.broken.len();
        let missing = page.total.is_some_and(|total| (count as i64) < total);
        if count == before || (!missing && came < PAGE as usize) {
            break;
        }
    }
    listed.items.retain(Row::is_live);
    Ok(Some(listed))
}
