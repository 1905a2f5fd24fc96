//! What a listing of changes tells about itself: did it bring what it must have, or was the server put back to a backup?

use super::Engine;
use super::listing::{Brought, CursorRow, Marks};
use super::observe::{Epoch, Fact, Read, observe};
use super::pull::{LISTED, PullState};
use super::remote::{Capabilities, Query};
use crate::error::Result;

impl Engine<'_> {
    /// What a listing of changes tells about itself. The server is asked for its count only where it does not tell what
    /// was deleted.
    pub(super) fn brought(
        &mut self,
        workspace_id: i64,
        marks: &Marks,
        caps: &Capabilities,
        seen: &mut PullState,
    ) -> Result<Brought> {
        self.find_written(workspace_id, marks, caps, seen)?;
        let cursor_row = self.cursor_row(marks, seen)?;
        if cursor_row == CursorRow::Older {
            seen.epoch = Epoch::WentBack;
        }
        let mut brought = Brought { cursor_row, tombstones: caps.tombstones, expected: 0, total: None };
        if !caps.tombstones && cursor_row == CursorRow::Came {
            brought.expected = self.store.expected_total(LISTED, workspace_id)?;
            // Rows that are there and that no list has are known one by one.
            brought.expected -= self.store.unlisted(LISTED, workspace_id)?.len() as i64;
            brought.total = self.live_total(workspace_id)?;
        }
        Ok(brought)
    }

    /// Rows that this client has written since the last pull come with the changes: one that does not, and that is there in
    /// an older version or not at all, tells that the server was put back to before it.
    fn find_written(
        &mut self,
        workspace_id: i64,
        marks: &Marks,
        caps: &Capabilities,
        seen: &mut PullState,
    ) -> Result<()> {
        let Some((cursor, _)) = marks.cursor.filter(|_| marks.written) else { return Ok(()) };
        for (id, name) in self.store.written_since(LISTED, workspace_id, cursor)? {
            if seen.epoch == Epoch::WentBack {
                break;
            }
            if seen.behind.contains(&id) || seen.is_unreadable(id) || self.store.staged_row(LISTED, id)?.is_some() {
                continue;
            }
            if self.look_for(workspace_id, id, &name, seen)? == Fact::Absent && caps.tombstones {
                seen.epoch = Epoch::WentBack;
            }
        }
        Ok(())
    }

    fn cursor_row(&self, marks: &Marks, seen: &PullState) -> Result<CursorRow> {
        let Some((_, id)) = marks.cursor else { return Ok(CursorRow::Missing) };
        if seen.behind.contains(&id) || seen.is_unreadable(id) {
            return Ok(CursorRow::Came);
        }
        let Some(row) = self.store.staged_row(LISTED, id)? else { return Ok(CursorRow::Missing) };
        let known = self.store.server_row(LISTED, id)?;
        let older = known.is_some_and(|known| {
            matches!(observe(Some(&known), Read::Row(&row), None, Epoch::WentBack), Fact::WentBack | Fact::Other)
        });
        Ok(if older { CursorRow::Older } else { CursorRow::Came })
    }

    /// The server's count of live rows.
    pub(super) fn live_total(&self, workspace_id: i64) -> Result<Option<i64>> {
        let query = Query { limit: 1, ..Query::default() };
        Ok(self.asked(|remote| remote.rows(LISTED, workspace_id, &query))?.total)
    }
}
