//! Is a row that was read believed, against what is known of it and what this client was told?

use super::Engine;
use super::observe::{Epoch, Fact, Read, observe};
use super::pull::PullState;
use crate::error::Result;
use crate::model::{Kind, Row};
use crate::store::Walk;
use crate::time::Timestamp;

impl Engine<'_> {
    /// Stages what is believed of rows of one kind that were read, and says how far the walk is. Gives how many those are.
    pub(super) fn stage_believed(
        &mut self,
        workspace_id: i64,
        rows: Vec<Row>,
        walk: &Walk,
        seen: &mut PullState,
    ) -> Result<usize> {
        let known = match rows.first() {
            Some(row) if !seen.afresh => self.store.known_rows(row.kind, &rows, seen.staged_before)?,
            _ => Vec::new(),
        };
        let mut believed = Vec::with_capacity(rows.len());
        for row in rows {
            let known = known.iter().find(|known| known.id == row.id).cloned();
            if self.believes(&row, known, seen)? {
                believed.push(row);
            }
        }
        self.store.stage(workspace_id, &believed, walk)?;
        Ok(believed.len())
    }

    /// A row that was read, against what is known of it. False: it is older than what this client was told.
    fn believes(&mut self, row: &Row, known: Option<Row>, seen: &mut PullState) -> Result<bool> {
        if seen.afresh {
            return Ok(true);
        }
        match self.fact(row.kind, known.as_ref(), Read::Row(row), row.id, seen)? {
            Fact::Behind => {
                if row.kind.versions {
                    seen.behind.insert(row.id);
                }
                return Ok(false);
            }
            // Servers do not agree on when such a row was changed: an older time says nothing of the whole server.
            _ if !row.kind.versions => return Ok(true),
            Fact::WentBack | Fact::Other => {
                seen.epoch = Epoch::WentBack;
                seen.lose(known);
            }
            Fact::Absent if seen.epoch == Epoch::WentBack => seen.lose(known.filter(Row::is_live)),
            // Others have written since it was put back: what of the known row is not in theirs may have been lost before.
            Fact::Newer | Fact::Moved | Fact::Rewritten if seen.epoch == Epoch::WentBack => seen.lose(known),
            _ => {}
        }
        seen.behind.remove(&row.id);
        Ok(true)
    }

    /// When the server answered us about the row is asked for only where it matters. Also of a server that says its reads
    /// are never older: something in front of it may keep what it has read.
    pub(super) fn fact(
        &self,
        kind: &'static Kind,
        known: Option<&Row>,
        read: Read,
        id: i64,
        seen: &mut PullState,
    ) -> Result<Fact> {
        let fact = observe(known, read, None, seen.epoch);
        if !matches!(fact, Fact::WentBack | Fact::Absent) {
            return Ok(fact);
        }
        let answered = self.store.answered_at(kind, id)?.map(|at| at.age(Timestamp::now()));
        let told = observe(known, read, answered, seen.epoch);
        if told != Fact::WentBack {
            return Ok(told);
        }
        // Another read of a moment ago may have met a replica that is ahead of this one.
        let doubted = observe(known, read, seen.known_for, seen.epoch);
        seen.doubted |= doubted == Fact::Behind;
        Ok(doubted)
    }

    /// A staged row that is live and the one that is known: on a restored server an id may mean another row.
    pub(super) fn believed(&self, staged: Row, id: i64) -> Result<Option<Row>> {
        let known = self.store.server_row(staged.kind, id)?;
        Ok(Some(staged).filter(|row| row.is_live() && !known.is_some_and(|known| row.is_another_than(&known))))
    }
}
