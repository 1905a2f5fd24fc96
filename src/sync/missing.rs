//! Rows of the cache that a full listing does not bring: each is asked for by name before it is taken for deleted.

use super::Engine;
use super::listing::OVERLAP;
use super::observe::{Epoch, Fact, Read};
use super::pull::{Full, LISTED, PullState};
use super::remote::{Query, RemoteError, Unreadable};
use super::run::Run;
use crate::error::Result;
use crate::model::{Kind, Row};
use crate::store::Walk;
use crate::time::Timestamp;

/// Of so many missing rows none may be found before a list is taken for wrong.
const SAMPLE: usize = 20;

/// Rows asked for to see whether one of them was deleted; more than 100 is not known to work (docs/api.md 4.9).
const TOMBSTONES: u32 = 100;

impl Engine<'_> {
    /// Asks by name for each row of the cache that a full listing did not bring; absence alone deletes nothing. Those that
    /// are there all the same are remembered: a server may leave archived ones out. A row that another workspace has
    /// brought is staged, and not missing. `limited`: others could not be listed, and may have it.
    pub(super) fn confirm_missing(
        &mut self,
        full: &Full,
        run: &mut Run,
        seen: &mut PullState,
        limited: bool,
    ) -> Result<()> {
        let workspace_id = full.workspace_id;
        let mut missing = self.store.missing_from_staging(LISTED, workspace_id)?;
        missing.retain(|(id, _)| !seen.behind.contains(id) && !seen.is_unreadable(*id));
        if self.options.mode.is_force() || seen.afresh {
            if seen.epoch == Epoch::WentBack && !seen.afresh {
                for (id, _) in &missing {
                    seen.lose(self.store.server_row(LISTED, *id)?);
                }
            }
            return self.is_listed(run, workspace_id, Vec::new());
        }
        if limited && !missing.is_empty() {
            run.end.pulled.retain(|pulled| pulled.workspace_id != workspace_id);
            run.end.left_out.push(workspace_id);
            return Ok(());
        }
        let cached = self.store.count_server_rows(LISTED, workspace_id)?.max(0) as usize;
        self.refuse_by_sample(workspace_id, &missing, cached, seen)?;
        let (mut gone, mut unlisted) = (Vec::new(), Vec::new());
        for (id, name) in &missing {
            match self.look_for(workspace_id, *id, name, seen)? {
                Fact::Absent => gone.push(*id),
                Fact::Behind => {}
                _ => unlisted.push(*id),
            }
        }
        self.refuse_mass_delete(LISTED, gone.len(), cached)?;
        // A server that tells of deletions, and does not know the newest row that it gave, has forgotten it.
        if run.caps.tombstones && full.cursor_row.is_some_and(|row| gone.contains(&row)) {
            seen.epoch = Epoch::WentBack;
        }
        gone.into_iter().try_for_each(|id| self.goes(LISTED, id, seen))?;
        self.is_listed(run, workspace_id, unlisted)
    }

    pub(super) fn is_listed(&mut self, run: &mut Run, workspace_id: i64, unlisted: Vec<i64>) -> Result<()> {
        if let Some(pulled) = run.end.pulled.iter_mut().find(|pulled| pulled.workspace_id == workspace_id) {
            pulled.listed = Some((Timestamp::now().rfc3339(), unlisted));
        }
        Ok(())
    }

    /// Before thousands are asked for: are any of them there?
    fn refuse_by_sample(
        &mut self,
        workspace_id: i64,
        missing: &[(i64, String)],
        cached: usize,
        seen: &mut PullState,
    ) -> Result<()> {
        let Err(refusal) = self.refuse_mass_delete(LISTED, missing.len(), cached) else { return Ok(()) };
        let step = missing.len().div_ceil(SAMPLE).max(1);
        for (id, name) in missing.iter().step_by(step) {
            if self.look_for(workspace_id, *id, name, seen)? != Fact::Absent {
                return Ok(());
            }
        }
        Err(refusal)
    }

    /// Asks for a row by its name and stages it if the server has it. The name may have gone to another row when the server
    /// was put back.
    pub(super) fn look_for(&mut self, workspace_id: i64, id: i64, name: &str, seen: &mut PullState) -> Result<Fact> {
        if self.store.staged_row(LISTED, id)?.is_some() {
            return Ok(Fact::Same);
        }
        let row = match self.remote().row(LISTED, workspace_id, name) {
            // It is there, whatever is wrong with it.
            Err(RemoteError::Malformed(message) | RemoteError::TooLarge(message)) => {
                seen.could_not_read(&[Unreadable { id: Some(id), message }]);
                return Ok(Fact::Same);
            }
            row => row.map_err(|error| self.fatal(error))?,
        };
        let Some(row) = row.filter(|row| row.id == id && row.is_live()) else {
            let known = self.store.server_row(LISTED, id)?;
            let fact = self.fact(LISTED, known.as_ref(), Read::Absent, id, seen)?;
            let told = fact == Fact::Behind && known.is_some_and(|known| self.has_tombstone(workspace_id, &known));
            return Ok(if told { Fact::Absent } else { fact });
        };
        let believed = self.stage_believed(workspace_id, vec![row], &Walk::one_by_one(), seen)?;
        Ok(if believed == 0 { Fact::Behind } else { Fact::Same })
    }

    /// Whether the server lists the row as deleted: a tombstone is no older read, though a 404 may be one. A server that
    /// keeps none, or cannot be asked, has not.
    fn has_tombstone(&self, workspace_id: i64, known: &Row) -> bool {
        let since = Timestamp::parse(&known.updated_at).unwrap_or(Timestamp(0)).minus(OVERLAP);
        let query = Query {
            updated_after: Some(since.rfc3339()),
            limit: TOMBSTONES,
            include_deleted: true,
            ..Query::default()
        };
        let page = self.remote().rows(LISTED, workspace_id, &query).unwrap_or_default();
        page.items.iter().any(|row| row.id == known.id && !row.is_live() && row.version >= known.version)
    }

    /// The server no longer has the row; what a backup has lost is kept.
    pub(super) fn goes(&mut self, kind: &'static Kind, id: i64, seen: &mut PullState) -> Result<()> {
        if seen.epoch == Epoch::WentBack {
            seen.lose(self.store.server_row(kind, id)?);
        }
        self.store.stage_gone(kind, id)
    }
}
