//! Walks through a workspace's list, page by page, into staging: of what changed, or of everything.

use super::Engine;
use super::listing::{Listing, OVERLAP, Situation, Why, is_within, listing};
use super::observe::Epoch;
use super::pager::{Came, Known, Pager};
use super::pull::{LISTED, PullState};
use super::remote::{Capabilities, Page, RemoteError, RemoteResult, Unreadable};
use super::report::Event;
use super::run::Run;
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::Kind;
use crate::store::Walk;
use crate::time::Timestamp;
use std::time::Duration;

/// An interrupted listing is gone on with for so long.
const RESUMED_FOR: Duration = Duration::from_secs(86_400);

/// How a walk through a workspace's pages is to be made.
pub(super) struct Way {
    pub(super) from: Option<Timestamp>,
    /// Goes on with what an earlier run began.
    pub(super) resume: Option<Walk>,
    /// The walk is written down, for a later run to go on with.
    pub(super) keep: bool,
}

impl Engine<'_> {
    /// A walk that an earlier run began and that can be gone on with.
    fn walk_to_resume(&self, workspace_id: i64, now: Timestamp) -> Result<Option<Walk>> {
        let recent = |walk: &Walk| Timestamp::parse(&walk.began).is_some_and(|at| is_within(at, RESUMED_FOR, now));
        Ok(self.store.walk(workspace_id)?.filter(recent))
    }

    /// Forgets what is staged, or, where that is gone on with, what has become old meanwhile by this client's own writes.
    fn begin(&mut self, workspace_id: i64, resumed: bool) -> Result<()> {
        if !resumed {
            return self.store.unstage(workspace_id);
        }
        for (_, staged) in self.store.staged_behind(LISTED, workspace_id)? {
            self.store.unstage_row(staged.kind, staged.id)?;
        }
        Ok(())
    }

    /// Stages what changed since `from`, and judges the server by it. Gives what is to be listed then.
    pub(super) fn list_changes(
        &mut self,
        workspace_id: i64,
        from: Timestamp,
        situation: &mut Situation,
        caps: &mut Capabilities,
        seen: &mut PullState,
    ) -> Result<Listing> {
        let resume = self.walk_to_resume(workspace_id, situation.now)?;
        if resume.as_ref().is_some_and(|walk| walk.everything) {
            return Ok(Listing::Everything(Why::Daily));
        }
        self.begin(workspace_id, resume.is_some())?;
        seen.staged_before = resume.is_some();
        let way = Way { from: Some(from), resume, keep: true };
        self.page_through(LISTED, workspace_id, &way, caps, seen)?.map_err(|error| self.fatal(error))?;
        situation.brought = Some(self.brought(workspace_id, situation.marks, caps, seen)?);
        situation.epoch = seen.epoch;
        Ok(listing(situation))
    }

    pub(super) fn list_everything(
        &mut self,
        workspace_id: i64,
        situation: &Situation,
        caps: &mut Capabilities,
        seen: &mut PullState,
    ) -> Result<()> {
        let went_on = !situation.anew && !situation.renamed && situation.epoch == Epoch::Continuous;
        let resume = self.walk_to_resume(workspace_id, situation.now)?.filter(|walk| walk.everything && went_on);
        let resumed = resume.is_some();
        // What a listing of changes has just brought stays; but not what an earlier run may have staged before the server
        // was put back.
        let goes_on = situation.brought.is_some() && situation.epoch == Epoch::Continuous;
        if !goes_on || resumed {
            self.begin(workspace_id, resumed)?;
        }
        seen.staged_before = resumed || goes_on;
        let way = Way { from: None, resume, keep: true };
        let doubtful = self.page_through(LISTED, workspace_id, &way, caps, seen)?.map_err(|error| self.fatal(error))?;
        if doubtful && self.lacks_rows(workspace_id)? {
            self.store.unstage(workspace_id)?;
            let way = Way { from: None, resume: None, keep: true };
            self.page_through(LISTED, workspace_id, &way, caps, seen)?.map_err(|error| self.fatal(error))?;
        }
        seen.staged_before = false;
        Ok(())
    }

    /// The server counts more live rows than the cache would hold.
    fn lacks_rows(&self, workspace_id: i64) -> Result<bool> {
        let expected = self.store.expected_total(LISTED, workspace_id)?;
        Ok(self.live_total(workspace_id)?.is_some_and(|total| total > expected))
    }

    /// Stages a workspace's rows again, while the push looks for what a lost create has made: what changed since the
    /// cursor, or everything.
    pub(super) fn list_again(&mut self, run: &Run, workspace_id: i64, everything: bool) -> Result<RemoteResult<()>> {
        let marks = self.marks(workspace_id)?;
        let from = marks.cursor.filter(|_| !everything).map(|(at, _)| at.minus(OVERLAP));
        let way = Way { from, resume: None, keep: false };
        let mut seen = self.seen(run)?;
        seen.staged_before = true;
        Ok(self.page_through(LISTED, workspace_id, &way, &mut run.caps.clone(), &mut seen)?.map(drop))
    }

    /// Stages a workspace's rows page by page. Gives whether rows may have been passed over.
    pub(super) fn page_through(
        &mut self,
        kind: &'static Kind,
        workspace_id: i64,
        way: &Way,
        caps: &mut Capabilities,
        seen: &mut PullState,
    ) -> Result<RemoteResult<bool>> {
        let limit = match caps.max_page {
            0 => self.options.page_size,
            most => self.options.page_size.min(most),
        };
        let declared = self.remote().declared().is_some_and(|declared| declared.sorted);
        let known = Known { sorted: caps.sorted || declared, declared };
        let resumed = way.resume.as_ref().and_then(|walk| Pager::resume(walk, way.from, limit, known));
        if way.resume.is_some() && resumed.is_none() {
            self.store.unstage(workspace_id)?;
        }
        let mut pager = resumed.unwrap_or_else(|| Pager::new(way.from, limit, known));
        let walk = |pager: &Pager| if way.keep { pager.walk() } else { Walk::one_by_one() };
        let (mut done, mut of) = (0, 0);
        while pager.next().is_some() {
            let page = match self.ask_page(kind, workspace_id, &mut pager, caps) {
                Ok(page) => page,
                Err(error) => {
                    self.store.stage(workspace_id, &[], &walk(&pager))?;
                    return Ok(Err(error));
                }
            };
            // The total of a later page is what is left of all, or the page alone.
            of = of.max(done + page.total.map_or(0, |total| usize::try_from(total).unwrap_or(0)));
            done += page.items.len();
            self.reporter.tell(Event::Progress { sending: false, done, of });
            seen.could_not_read(&page.unreadable);
            let walked = walk(&pager);
            if let Err(what) = pager.took(&Came::of(&page)) {
                return Ok(Err(RemoteError::Malformed(what.into())));
            }
            if let Some(next) = pager.next() {
                self.remote().prefetch(kind, workspace_id, &next);
            }
            self.stage_believed(workspace_id, page.items, &walked, seen)?;
            hit("pull.page.staged");
        }
        if pager.lost_its_place() {
            self.store.unstage(workspace_id)?;
            return self.page_through(kind, workspace_id, &Way { resume: None, ..*way }, caps, seen);
        }
        caps.sorted |= pager.learned_order();
        self.store.stage(workspace_id, &[], &walk(&pager))?;
        Ok(Ok(pager.is_doubtful()))
    }

    /// The pager's next page. One that is too large for the server, or for us, is asked for again with fewer rows.
    fn ask_page(
        &self,
        kind: &'static Kind,
        workspace_id: i64,
        pager: &mut Pager,
        caps: &mut Capabilities,
    ) -> RemoteResult<Page> {
        let mut refused = false;
        loop {
            let Some(query) = pager.next() else { return Ok(Page::default()) };
            let page = match self.remote().rows(kind, workspace_id, &query) {
                Err(RemoteError::Refused { .. } | RemoteError::NotFound(_) | RemoteError::Page(_))
                    if pager.asks_for_more() =>
                {
                    Page::default()
                }
                Err(RemoteError::Refused { status: 400 | 422, .. }) if pager.ask_for_less() => {
                    refused = true;
                    continue;
                }
                Err(RemoteError::TooLarge(_)) if pager.ask_for_less() => continue,
                // That one row is too long.
                Err(RemoteError::TooLarge(message)) => {
                    Page { unreadable: vec![Unreadable { id: None, message }], ..Page::default() }
                }
                page => page?,
            };
            if refused {
                caps.max_page = pager.limit();
            }
            return Ok(page);
        }
    }
}
