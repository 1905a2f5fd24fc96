//! Reads for the push: the row or the links that an operation is about, or a row that it names.

use super::Engine;
use super::observe::{Fact, Read, observe};
use super::plan::{Look, Meant};
use super::remote::{RemoteError, RemoteResult};
use super::report::Event;
use super::run::Run;
use super::sighting::Sighting;
use super::transitions::{Needs, Seen};
use crate::error::Result;
use crate::failpoint::hit;
use crate::model::kind::Place;
use crate::model::{Kind, Operation, Row, Shape, Target};
use crate::time::Timestamp;
use std::time::{Duration, Instant};

impl Engine<'_> {
    /// Reads the row, or the links, that an operation is about, or a row that it names.
    pub(super) fn fetch(
        &mut self,
        run: &mut Run,
        index: usize,
        sighting: &Sighting,
    ) -> Result<Result<(), RemoteError>> {
        let op = run.plan.ops[index].clone();
        if let (Needs::Unseen, Some((kind, id, name))) = (sighting.situation.needs, &sighting.unseen) {
            return self.fetch_row(run, kind, *id, name, op.workspace_id);
        }
        if matches!(op.shape, Shape::Link | Shape::Unlink) {
            return self.fetch_links(run, index, &op);
        }
        let Meant::Server { id, name } = run.plan.meant(self.store, op.kind.ends, &op.target, &op.name)? else {
            return Ok(Ok(()));
        };
        self.fetch_row(run, op.kind, id, &name, op.workspace_id)
    }

    /// `name` and `workspace_id`: what is taken where nothing is known of the row.
    fn fetch_row(
        &mut self,
        run: &mut Run,
        kind: &'static Kind,
        id: i64,
        name: &str,
        workspace_id: i64,
    ) -> Result<Result<(), RemoteError>> {
        let before = self.look(run, kind, id)?;
        // The row may have been moved, or its workspace renamed: it is asked for where it is, under the name it has now.
        let known = match before.as_ref().and_then(|look| look.row.clone()) {
            Some(row) => Some(row),
            None => self.store.server_row(kind, id)?,
        };
        if !matches!(kind.place, Place::Numbered) {
            let below = match known.as_ref().zip(kind.below()) {
                Some((known, field)) => Target::of_value(known.get(field)),
                None => None,
            };
            let row = match self.ask_list(run, kind, workspace_id, below.as_ref())? {
                Ok(rows) => rows.into_iter().find(|row| row.id == id),
                Err(error) => return Ok(Err(error)),
            };
            hit("push.looked");
            self.saw(run, kind, id, row, before)?;
            return Ok(Ok(()));
        }
        let (workspace, name) = known.as_ref().map_or((workspace_id, name), |row| (row.workspace_id, &row.name));
        let row = match self.remote().row(kind, workspace, name) {
            Ok(Some(row)) if row.id != id && row.name != *name => return Ok(Err(about_another(&row, name))),
            Ok(row) => row.filter(|row| row.id == id && row.is_live()),
            Err(error) => return Ok(Err(error)),
        };
        let row = match (row, &known) {
            (None, Some(known)) => match self.elsewhere(run, known) {
                Ok(row) => row,
                Err(error) => return Ok(Err(error)),
            },
            (row, _) => row,
        };
        if run.end.left_out.contains(&workspace) {
            return Ok(Ok(()));
        }
        hit("push.looked");
        self.saw(run, kind, id, row, before)?;
        Ok(Ok(()))
    }

    /// A row that is not found under its name may have been moved, its prefix changed, or its workspace taken from this
    /// account, since it was pulled: a 404 by name alone is not believed.
    fn elsewhere(&mut self, run: &mut Run, known: &Row) -> RemoteResult<Option<Row>> {
        if let Some(uid) = &known.uid
            && let Some(row) = self.remote().row_by_uid(known.kind, uid)?
        {
            return Ok(Some(row).filter(|row| row.id == known.id && row.is_live()));
        }
        if !self.options.mode.pulls() && !self.remote().has_workspace(known.workspace_id)? {
            run.end.left_out.push(known.workspace_id);
            self.tell_not_ours(&known.name);
        }
        Ok(None)
    }

    /// What waits for a workspace that is no longer this account's is not sent, and not given up.
    pub(super) fn tell_not_ours(&mut self, name: &str) {
        let note = format!("{name}: its workspace is no longer yours on the server; what is queued for it stays");
        self.reporter.tell(Event::Note(note));
    }

    /// The list in which a row without a number is: not every server gives it alone (docs/api.md 2.7, 2.10). `below`: the row
    /// that it is below, of such a kind.
    pub(super) fn ask_list(
        &self,
        run: &Run,
        kind: &'static Kind,
        workspace_id: i64,
        below: Option<&Target>,
    ) -> Result<Result<Vec<Row>, RemoteError>> {
        let listed = match (kind.place, below) {
            (Place::Below(..), Some(target)) => match self.below(run, kind, target)? {
                Some(below) => self.rows_below(kind, workspace_id, &below),
                None => Ok(None),
            },
            (Place::Named(_), _) => self.remote().named(kind, workspace_id),
            _ => Ok(None),
        };
        Ok(listed.map(|list| list.map_or_else(Vec::new, |list| list.items)))
    }

    fn fetch_links(&mut self, run: &mut Run, index: usize, op: &Operation) -> Result<Result<(), RemoteError>> {
        let (name, other) = self.ends(run, op)?;
        let shown = match self.remote().links_of(op.kind, op.workspace_id, &name) {
            Ok(Some(names)) => Some(names.contains(&other)),
            Ok(None) => match self.remote().links(op.kind, op.workspace_id) {
                Ok(edges) => edges.and_then(|edges| {
                    let there = edges.items.iter().any(|edge| edge.task == name && edge.depends_on == other);
                    (there || edges.is_whole()).then_some(there)
                }),
                Err(error) => return Ok(Err(error)),
            },
            Err(error) => return Ok(Err(error)),
        };
        let seen = shown.map_or(Seen::Hidden, |there| if there { Seen::Holds } else { Seen::Absent });
        run.came_of(index).link = Some(seen);
        Ok(Ok(()))
    }

    /// Keeps what was read of a row, if it can be believed.
    pub(super) fn saw(
        &mut self,
        run: &mut Run,
        kind: &'static Kind,
        id: i64,
        read: Option<Row>,
        before: Option<Look>,
    ) -> Result<()> {
        let known = match &before {
            Some(look) if look.row.is_some() => look.row.clone(),
            _ => self.store.server_row(kind, id)?,
        };
        let said_gone = run.said_gone.contains(&(kind.name, id));
        let answered = if said_gone { None } else { self.answered(kind, id)? };
        let seen = read.as_ref().map_or(Read::Absent, Read::Row);
        let fact = observe(known.as_ref(), seen, answered, run.epoch);
        let row = match fact {
            Fact::Behind => known.clone(),
            Fact::Other | Fact::Absent => None,
            _ => read,
        };
        if fact == Fact::WentBack
            && let Some(known) = &known
        {
            run.end.lost.push(known.clone());
        }
        let unchanged = |look: &Look| match (&look.row, &row) {
            (Some(before), Some(now)) => before.version == now.version && before.updated_at == now.updated_at,
            _ => false,
        };
        let undisputed = before.as_ref().is_some_and(|look| look.undisputed && unchanged(look));
        run.read.insert((kind.name, id), (kind, row.clone()));
        run.plan.saw(kind, id, Look { row, fetched: Some(Instant::now()), undisputed });
        Ok(())
    }

    /// How long ago the server answered a write of ours about the row. Also of a server that says its reads are never
    /// older: something in front of it may keep what it has read.
    pub(super) fn answered(&self, kind: &'static Kind, id: i64) -> Result<Option<Duration>> {
        Ok(self.store.answered_at(kind, id)?.map(|at| at.age(Timestamp::now())))
    }
}

/// The answer to another request: nothing that this connection says can be believed.
fn about_another(row: &Row, name: &str) -> RemoteError {
    RemoteError::OutOfReach(format!("asked for {name}, the server answered about {}", row.name))
}
