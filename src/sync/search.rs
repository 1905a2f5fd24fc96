//! Looks for the row that a create has made whose answer was lost: in the lists, then by the next names.

use super::Engine;
use super::candidates::{Found, made_before, made_by};
use super::remote::{RemoteError, RemoteResult};
use super::run::Run;
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::kind::Place;
use crate::model::{Operation, Row, Shape, State, Target};
use crate::store::Walk;
use crate::time::Timestamp;
use std::time::Duration;

/// So many names behind the highest known number are asked for.
const NAMES: i64 = 20;

/// Clocks of this machine and the server may differ by so much.
const CLOCKS_DIFFER: Duration = Duration::from_secs(600);

impl Engine<'_> {
    /// Searches for what a sent create has made. What it finds, with the time it began, is kept for `next`.
    pub(super) fn search(&mut self, run: &mut Run, index: usize) -> Result<RemoteResult<()>> {
        let began = Timestamp::now();
        let op = run.plan.ops[index].clone();
        if !matches!(op.kind.place, Place::Numbered) {
            return self.search_list(run, index, op);
        }
        // The lists are read once for all creates that wait for the same thing.
        let newest = run.listed.get(&(op.kind.name, op.workspace_id)).copied();
        let settled = op.last_send().map_or(began, |send| send.at);
        let listed = newest.filter(|at| *at > settled && self.is_listed_late_enough(run, index, *at));
        // What was answered each time, if only by 409, would be among the newest rows.
        let answered = op.sends.iter().all(|send| send.reply.is_some());
        if listed.is_none() && !answered {
            match self.list_until_found(run, &op)? {
                Ok(true) => {}
                Ok(false) => drop(run.listed.insert((op.kind.name, op.workspace_id), began)),
                Err(error) => return Ok(Err(error)),
            }
        }
        let began = listed.unwrap_or(began);
        let mut found = self.look_through(run, &op)?;
        if found == Found::None && listed.is_none() {
            if let Err(error) = self.ask_by_names(run, &op)? {
                return Ok(Err(error));
            }
            found = self.look_through(run, &op)?;
        }
        hit("push.searched");
        run.came_of(index).search = Some((began, found));
        Ok(Ok(()))
    }

    /// Reads what is new, and everything unless that has it. True: found.
    fn list_until_found(&mut self, run: &Run, op: &Operation) -> Result<RemoteResult<bool>> {
        for everything in [false, true] {
            if let Err(error) = self.list_again(run, op.workspace_id, everything)? {
                return Ok(Err(error));
            }
            if self.look_through(run, op)? != Found::None {
                return Ok(Ok(true));
            }
        }
        Ok(Ok(false))
    }

    /// A row without a number can be in one list only.
    fn search_list(&mut self, run: &mut Run, index: usize, op: Operation) -> Result<RemoteResult<()>> {
        let began = Timestamp::now();
        let op = self.with_ids(run, op)?;
        let below = op.kind.below().and_then(|field| Target::of_value(op.set.get(field)?));
        let rows = match self.ask_list(run, op.kind, op.workspace_id, below.as_ref())? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        if let (Place::Named(name), true) = (op.kind.place, op.kind.unique) {
            // Whoever made it: there is no second one.
            let is_it = |row: &Row| op.set.get(name).is_some_and(|wanted| row.get(name).same(wanted));
            let found = rows.into_iter().find(is_it).map_or(Found::None, |row| Found::One(Box::new(row)));
            hit("push.searched");
            run.came_of(index).search = Some((began, found));
            return Ok(Ok(()));
        }
        let after = op.sends.first().map_or(0, |send| send.highest_number);
        let mut taken = self.store.taken_ids(op.kind, op.workspace_id)?;
        taken.extend(run.plan.made_ids(op.kind));
        let since = self.sent_since(&op);
        let later: Vec<Row> =
            rows.into_iter().filter(|row| row.number() > after && is_made_since(row, since)).collect();
        let found = made_by(&op, &later, &taken, run.account.as_deref());
        hit("push.searched");
        run.came_of(index).search = Some((began, found));
        Ok(Ok(()))
    }

    /// A moment of this machine's clock, which may be wrong by days, as the server's clock had it.
    fn on_their_clock(&self, at: Timestamp) -> Timestamp {
        let differ = self.remote().clocks().map_or(0, |(theirs, ours)| theirs.0.saturating_sub(ours.0));
        Timestamp(at.0.saturating_add(differ))
    }

    /// Nothing that a create has made is older, by the server's clock.
    fn sent_since(&self, op: &Operation) -> Timestamp {
        self.on_their_clock(op.sends.first().map_or_else(Timestamp::now, |send| send.at)).minus(CLOCKS_DIFFER)
    }

    /// The lists that were read at `at` tell of this create what a new reading would.
    fn is_listed_late_enough(&self, run: &Run, index: usize, at: Timestamp) -> bool {
        at >= self.settled_at(run, &run.plan.ops[index])
    }

    fn look_through(&self, run: &Run, op: &Operation) -> Result<Found> {
        let after = op.sends.first().map_or(0, |send| send.highest_number);
        let mut rows = self.store.rows_made_after(op.kind, op.workspace_id, after)?;
        // By a clock that is not known nothing is old.
        if self.remote().clocks().is_some() {
            let since = self.sent_since(op);
            rows.retain(|row| is_made_since(row, since));
        }
        let mut taken = self.store.taken_ids(op.kind, op.workspace_id)?;
        taken.extend(run.plan.made_ids(op.kind));
        Ok(made_by(op, &rows, &taken, run.account.as_deref()))
    }

    /// A list may lag behind; a row asked for by name mostly does not.
    fn ask_by_names(&mut self, run: &Run, op: &Operation) -> Result<RemoteResult<()>> {
        let workspace = op.workspace_id;
        let known = self.store.highest_known_number(op.kind, workspace)?;
        let highest = known.max(run.plan.highest_made(op.kind, workspace));
        let Some((prefix, _)) = op.name.rsplit_once('-') else { return Ok(Ok(())) };
        let mut missing = 0;
        for number in highest + 1..=highest + NAMES {
            match self.remote().row(op.kind, op.workspace_id, &format!("{prefix}-{number}")) {
                Ok(Some(row)) => {
                    missing = 0;
                    self.store.stage(op.workspace_id, &[row], &Walk::one_by_one())?;
                }
                // Numbers are given without gaps, or nearly: what was refused may have used one up.
                Ok(None) if missing == 1 => break,
                Ok(None) => missing += 1,
                Err(error @ (RemoteError::Forbidden(_) | RemoteError::Page(_))) => return Ok(Err(error)),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    /// Before a create is sent the first time: the pull may have brought what it makes already, when a home was put back
    /// whole. Costs no request.
    pub(super) fn made_already(&mut self, run: &mut Run, index: usize) -> Result<Option<Row>> {
        let op = &run.plan.ops[index];
        if op.shape != Shape::Create || op.state != State::Queued || !op.sends.is_empty() || op.kind.unique {
            return Ok(None);
        }
        let created = Timestamp::parse(&op.created_at).unwrap_or(Timestamp(0));
        // A key that is sure to live answers the same question without a doubt.
        if run.caps.keys.is_some_and(|life| created.age(Timestamp::now()) < life / 2) {
            return Ok(None);
        }
        self.pulled_like(run, index)
    }

    /// A sent create whose row the pull has just brought, the same in every field, needs no second request, whatever the
    /// server has promised of its keys.
    pub(super) fn find_pulled(&mut self, run: &mut Run, index: usize) -> Result<()> {
        let op = &run.plan.ops[index];
        if op.shape != Shape::Create
            || op.state != State::Sent
            || run.came(index).is_some_and(|came| came.search.is_some())
        {
            return Ok(());
        }
        if let Some(row) = self.pulled_like(run, index)? {
            run.came_of(index).search = Some((Timestamp::now(), Found::One(Box::new(row))));
        }
        Ok(())
    }

    /// The row that the pull has brought, of our account, made after the create was queued, that says all that it says.
    fn pulled_like(&mut self, run: &mut Run, index: usize) -> Result<Option<Row>> {
        if !self.options.mode.pulls() {
            return Ok(None);
        }
        let workspace = run.plan.ops[index].workspace_id;
        let kind = run.plan.ops[index].kind;
        let key = (kind.name, workspace);
        if !run.recent.contains_key(&key) {
            let of_it = |op: &&Operation| op.kind == kind && op.workspace_id == workspace;
            let creates = run.plan.ops.iter().filter(|op| op.shape == Shape::Create).filter(of_it);
            let oldest = creates.filter_map(|op| Timestamp::parse(&op.created_at)).min();
            let since = oldest.unwrap_or_else(Timestamp::now).minus(CLOCKS_DIFFER);
            let rows = self.store.staged_since(kind, workspace, since)?;
            run.recent.insert(key, rows);
        }
        let rows = &run.recent[&key];
        if rows.is_empty() {
            return Ok(None);
        }
        let op = self.with_ids(run, run.plan.ops[index].clone())?;
        let mut taken = self.store.taken_ids(op.kind, workspace)?;
        taken.extend(run.plan.made_ids(op.kind));
        Ok(made_before(&op, rows, &taken, run.account.as_deref()).cloned())
    }
}

fn is_made_since(row: &Row, since: Timestamp) -> bool {
    Timestamp::parse(&row.created_at).is_none_or(|at| at >= since)
}
