//! What a run tells: to the reporter, in its summary, and in the log of syncs.

use super::pull::{LISTED, WENT_BACK};
use super::relate::Side;
use super::report::{Event, sides};
use super::run::Run;
use super::{Engine, Mode};
use crate::error::Result;
use crate::gather::Gather;
use crate::model::kind::Identity;
use crate::model::{Field, KINDS, Operation, Row, Shape, State, Value};
use crate::store::{Direction, LogRow, Totals};
use crate::time::Timestamp;
use std::collections::BTreeSet;

impl Engine<'_> {
    /// What the pull has brought, kind by kind.
    pub(super) fn tell_pulled(&mut self, run: &mut Run) -> Result<()> {
        run.summary.fetched = self.store.count_staged_live(LISTED)?;
        let exactly: Vec<i64> = match run.end.exactly {
            true => run.end.pulled.iter().map(|pulled| pulled.workspace_id).collect(),
            false => Vec::new(),
        };
        let at_first = run.end.afresh || self.store.metadata("last_sync")?.is_none_or(|at| at.is_empty());
        for kind in KINDS.into_iter().filter(|kind| kind.identity == Identity::Id) {
            let of_it = run.reported.iter().filter(|(name, _)| *name == kind.name);
            let reported: BTreeSet<i64> = of_it.map(|(_, id)| *id).gather();
            let totals = match (kind == LISTED, run.end.afresh) {
                (true, true) => Totals { new: run.summary.fetched, ..Totals::default() },
                (true, false) => self.store.count_staged(kind, &reported, &exactly)?,
                // At first everything is new, and tasks are what is counted.
                (false, _) if at_first => Totals::default(),
                (false, _) => self.store.count_staged(kind, &reported, &[])?,
            };
            run.summary.pulled.add(totals);
            run.summary.pulled_others |= kind != LISTED && totals.changes() > 0;
            self.reporter.tell(Event::Pulled(kind, totals));
        }
        Ok(())
    }

    pub(super) fn note(&mut self, note: String) {
        self.reporter.tell(Event::Note(note));
    }

    pub(super) fn held(&mut self, run: &mut Run, index: usize) {
        // What waits for a decision is reported as that.
        if !run.plan.is_undecided(index) {
            run.summary.held += 1;
            let identifier = run.plan.ops[index].name.clone();
            self.reporter.tell(Event::Held { identifier });
        }
    }

    /// What the server said no to in an earlier run is not sent again until somebody says so, or amends it.
    pub(super) fn rejected_before(&mut self, run: &mut Run, index: usize) {
        let op = &run.plan.ops[index];
        let State::Rejected(message) = &op.state else { return };
        let message = message.clone();
        self.tell_rejected(run, index, message);
    }

    pub(super) fn tell_rejected(&mut self, run: &mut Run, index: usize, message: String) {
        let op = &run.plan.ops[index];
        run.summary.failed += 1;
        run.summary.first_error.get_or_insert_with(|| format!("{}: {message}", op.name));
        // The number of a new row may be another's by now, in this very run.
        let identifier = match op.set.values().next() {
            Some(Value::Text(words)) if op.shape == Shape::Create => format!("the new {} '{words}'", op.kind.name),
            _ => op.name.clone(),
        };
        self.reporter.tell(Event::Refused { identifier, message });
    }

    pub(super) fn would_send(&mut self, run: &mut Run, index: usize) {
        let op = run.plan.ops[index].clone();
        run.plan.assume(index);
        self.reporter.tell(Event::WouldSend(Box::new(op.clone())));
        run.summary.would_send.push(op);
    }

    pub(super) fn tell_done(&mut self, run: &mut Run, op: &Operation, row: Option<&Row>) {
        run.summary.pushed += 1;
        let name = row.map_or_else(|| op.name.clone(), |row| row.name.clone());
        let was = (op.shape == Shape::Create && name != op.name).then(|| op.name.clone());
        run.summary.renames.extend(was.clone().map(|was| (was, name.clone())));
        let (name, other) = match self.ends(run, op) {
            Ok((name, other)) if matches!(op.shape, Shape::Link | Shape::Unlink) => (name, Some(other)),
            _ => (name, None),
        };
        self.reporter.tell(Event::Pushed { kind: op.kind, shape: op.shape, name, other, was });
    }

    /// Somebody wrote between what was seen and what was sent.
    pub(super) fn tell_jump(&mut self, op: &Operation, seen: Option<&Row>, row: &Row) {
        if let Some(seen) = seen
            && op.shape == Shape::Update
            && row.version > seen.version + 1
            && seen.version > 0
        {
            let note = format!(
                "{}: the server went from version {} to {} with this change; somebody else changed it in the same moment",
                row.name, seen.version, row.version
            );
            self.reporter.tell(Event::Note(note));
        }
    }

    /// Says once of a row that both sides changed whose value each field has, where nothing had to be asked.
    pub(super) fn tell_merged(&mut self, run: &mut Run, row: &Row, mut fields: Vec<(Field, Side)>) -> Result<()> {
        let Some(known) = self.store.server_row(row.kind, row.id)? else { return Ok(()) };
        let theirs = row.kind.changeable().filter(|field| !known.get(field).same(row.get(field)));
        for field in theirs {
            if !fields.iter().any(|(named, _)| *named == field) {
                fields.push((field, Side::Theirs));
            }
        }
        let both = fields.iter().any(|(_, side)| *side != Side::Yours);
        if both && run.reported.insert((row.kind.name, row.id)) {
            run.summary.notes.push(format!("{}: merged ({})", row.name, sides(&fields)));
            self.reporter.tell(Event::Merged { identifier: row.name.clone(), fields });
        }
        Ok(())
    }

    /// A server that was put back to a backup has lost rows that this cache still had.
    pub(super) fn tell_lost(&mut self, run: &mut Run) {
        let count = run.end.lost.len();
        if count > 0 {
            if !self.options.mode.pulls() {
                run.end.metadata.push((WENT_BACK.into(), Timestamp::now().rfc3339()));
            }
            let what =
                if count == 1 { "a row that it has lost is" } else { &format!("{count} rows that it has lost are") };
            let note =
                format!("the server was put back to an earlier state: {what} kept here: anyt sync restore --list");
            self.note(note);
        }
    }

    /// One row of `sync_log` a direction; a command's own write is no sync.
    pub(super) fn logs(&self, run: &Run) -> Vec<(Direction, LogRow)> {
        let summary = &run.summary;
        let conflicts = summary.resolved + summary.waiting;
        let detail = (!summary.notes.is_empty()).then(|| summary.notes.join("; "));
        let mut logs = Vec::new();
        let pulls = self.options.mode.pulls();
        if pulls {
            let changes = summary.pulled.changes() + summary.accepted_remote;
            let errors = summary.unreadable.len();
            logs.push((Direction::Pull, LogRow { changes, conflicts, errors, detail: detail.clone() }));
        }
        let pushed = summary.pushed + summary.failed > 0 || self.options.mode == Mode::Push;
        if pushed && matches!(self.options.mode, Mode::Sync | Mode::Push) {
            let row = LogRow {
                changes: summary.pushed,
                // The pull's row tells of them where there is one.
                conflicts: if pulls { 0 } else { conflicts },
                errors: summary.failed + usize::from(summary.stopped.is_some()),
                detail: summary.first_error.clone().or(detail.filter(|_| !pulls)),
            };
            logs.push((Direction::Push, row));
        }
        logs
    }
}
