//! Everything that `next` asks about an operation, and what a request for it will need.

use super::Engine;
use super::candidates::Found;
use super::plan::{Look, Meant};
use super::relate::{Related, relate};
use super::run::Run;
use super::transitions::{Conditioned, Needs, Seen, Situation, Stage};
use crate::error::{Error, Result};
use crate::model::kind::Place;
use crate::model::{Kind, Operation, Row, Send, SendReply, Shape, State};
use crate::time::Timestamp;
use std::time::Duration;

/// A request that left may arrive for so long; at most as long again as an answer is waited for.
pub(super) const IN_FLIGHT: Duration = Duration::from_secs(10);

/// What is known about one operation when its next step is asked for.
pub(super) struct Sighting {
    pub situation: Situation,
    /// The server's row: of the update or delete, or the one a lost create has made.
    pub row: Option<Row>,
    /// Of an update: the operations that go as one request, the values to send, whose value each field has.
    pub group: Vec<usize>,
    pub set: crate::model::Patch,
    pub merged: Vec<(crate::model::Field, super::relate::Side)>,
    /// As in `Look`.
    pub undisputed: bool,
    pub differences: Vec<super::relate::Difference>,
    /// What it waits for, or what is gone.
    pub need: String,
    /// A row that it names and that is to be read first: kind, id, name.
    pub unseen: Option<(&'static Kind, i64, String)>,
    /// Rows that a lost create may have made.
    pub names: String,
    pub settled_at: Timestamp,
}

impl Sighting {
    fn new(op: &Operation, settled_at: Timestamp) -> Sighting {
        Sighting {
            situation: Situation {
                shape: op.shape,
                stage: match op.state {
                    State::Sent => Stage::Sent,
                    State::Rejected(_) => Stage::Rejected,
                    _ => Stage::Queued,
                },
                needs: Needs::Met,
                seen: Seen::Unknown,
                fresh: false,
                condition: Conditioned::None,
                settled: true,
                key_lives: false,
                if_match: false,
                cancels: false,
                refused: false,
                delete_follows: false,
            },
            row: None,
            group: Vec::new(),
            set: Default::default(),
            merged: Vec::new(),
            undisputed: false,
            differences: Vec::new(),
            need: String::new(),
            unseen: None,
            names: String::new(),
            settled_at,
        }
    }

    /// What is gone outweighs what waits, and that what is to be read.
    fn needs(&mut self, needs: Needs, name: String) {
        if needs > self.situation.needs {
            self.situation.needs = needs;
            self.need = name;
        }
    }
}

/// All rows of the kind are listed by a pull.
fn is_numbered(kind: &Kind) -> bool {
    matches!(kind.place, Place::Numbered)
}

impl Engine<'_> {
    /// Everything `next` asks about an operation, with what a request will need.
    pub(super) fn sighting(&self, run: &Run, index: usize) -> Result<Sighting> {
        let op = &run.plan.ops[index];
        let mut sighting = Sighting::new(op, self.settled_at(run, op));
        // Without versions there is nothing to match.
        sighting.situation.if_match = run.caps.if_match && op.kind.versions;
        let is_refused = |send: &Send| matches!(send.reply, Some(SendReply::Refused(_)));
        sighting.situation.refused = match op.shape {
            // A create that was refused once and queued again is like any other.
            Shape::Create => op.state == State::Sent && op.sends.last().is_some_and(is_refused),
            _ => op.sends.iter().any(is_refused),
        };
        self.see_needs(run, op, &mut sighting)?;
        match op.shape {
            Shape::Create => self.see_create(run, index, &mut sighting),
            Shape::Link | Shape::Unlink => self.see_link(run, index, &mut sighting),
            Shape::Update | Shape::Delete => self.see_row(run, index, &mut sighting)?,
        }
        Ok(sighting)
    }

    /// The rows it needs: is each there, does its create wait, or is it gone?
    fn see_needs(&self, run: &Run, op: &Operation, sighting: &mut Sighting) -> Result<()> {
        let own = matches!(op.shape, Shape::Update | Shape::Delete);
        for (kind, target) in op.needs() {
            let is_own = own && target == op.target;
            let name = if Some(&target) == op.other.as_ref() { op.other_name.as_deref() } else { None };
            let name = name.unwrap_or(if target == op.target { &op.name } else { "" });
            match run.plan.meant(self.store, kind, &target, name)? {
                Meant::Pending(name) => sighting.needs(Needs::Pending, name),
                Meant::Gone(name) => sighting.needs(Needs::Gone, name),
                Meant::Server { .. } if is_own => {}
                // Whether it is made again is decided with the changes that wait for it.
                Meant::Server { id, name } if self.is_gone(run, kind, id)? => {
                    let needs = if run.plan.is_changed(kind, id) { Needs::Pending } else { Needs::Gone };
                    sighting.needs(needs, name);
                }
                Meant::Server { id, name } => {
                    if self.is_unseen(run, kind, id) {
                        sighting.needs(Needs::Unseen, name.clone());
                        sighting.unseen = crate::model::kind(kind).map(|kind| (kind, id, name));
                    }
                }
            }
        }
        Ok(())
    }

    /// A row that is about to be named without having been read in this run. A pull has read them all.
    fn is_unseen(&self, run: &Run, kind: &'static str, id: i64) -> bool {
        // Nobody takes a project for another one by its number.
        !self.options.mode.pulls()
            && crate::model::kind(kind)
                .filter(|kind| is_numbered(kind))
                .is_some_and(|kind| !run.plan.looks.contains_key(&(kind.name, id)))
    }

    /// A row that this run has found to be gone.
    fn is_gone(&self, run: &Run, kind: &'static str, id: i64) -> Result<bool> {
        let Some(kind) = crate::model::kind(kind) else { return Ok(false) };
        match run.plan.looks.get(&(kind.name, id)) {
            Some(look) => Ok(look.row.is_none()),
            None if self.options.mode.pulls() => {
                let staged = self.store.staged_row(kind, id)?;
                let gone = staged.map(|row| Ok::<_, Error>(self.believed(row, id)?.is_none())).transpose()?;
                // A dry run has no id for what it would make.
                let unknown = || Ok::<_, Error>(is_numbered(kind) && id > 0 && self.store.row(kind, id)?.is_none());
                Ok(match gone {
                    Some(gone) => gone,
                    None => self.store.is_staged_gone(kind, id)? || (!run.end.unreadable.contains(&id) && unknown()?),
                })
            }
            None => Ok(false),
        }
    }

    fn see_create(&self, run: &Run, index: usize, sighting: &mut Sighting) {
        let op = &run.plan.ops[index];
        let waiting = run.plan.all_of(run.plan.entity_of(index));
        let deleted = waiting.iter().any(|at| run.plan.ops[*at].shape == Shape::Delete);
        let never_made = op.sends.iter().all(|send| send.reply.is_some() && send.reply != Some(SendReply::Done));
        sighting.situation.cancels = deleted && never_made && op.state != State::Sent;
        let now = Timestamp::now();
        sighting.situation.settled = now >= sighting.settled_at;
        let first = op.sends.iter().find(|send| send.reply != Some(SendReply::NotDone));
        sighting.situation.key_lives =
            run.caps.keys.zip(first).is_some_and(|(life, first)| first.at <= now && first.at.age(now) < life / 2);
        if let Some((began, found)) = run.came(index).and_then(|came| came.search.as_ref()) {
            sighting.situation.fresh = *began >= sighting.settled_at;
            sighting.situation.seen = match found {
                Found::None => Seen::Absent,
                Found::One(row) => {
                    sighting.situation.key_lives = false;
                    sighting.row = Some((**row).clone());
                    Seen::Holds
                }
                Found::Several(names) => {
                    sighting.names = names.join(", ");
                    Seen::Several
                }
            };
        }
    }

    fn see_link(&self, run: &Run, index: usize, sighting: &mut Sighting) {
        if let Some(seen) = run.came(index).and_then(|came| came.link) {
            sighting.situation.seen = seen;
            sighting.situation.fresh = true;
        }
    }

    /// The server's row of an update or a delete, and what its chain comes to with it.
    fn see_row(&self, run: &Run, index: usize, sighting: &mut Sighting) -> Result<()> {
        let op = &run.plan.ops[index];
        let is_update = op.shape == Shape::Update;
        sighting.situation.delete_follows = is_update && run.plan.delete_follows(index);
        sighting.group = if is_update { run.plan.group_from(index) } else { vec![index] };
        let Meant::Server { id, .. } = run.plan.meant(self.store, op.kind.ends, &op.target, &op.name)? else {
            return Ok(());
        };
        let Some(look) = self.look(run, op.kind, id)? else { return Ok(()) };
        sighting.situation.fresh = look.fetched.is_some() || (look.row.is_none() && self.options.mode.pulls());
        let Some(row) = look.row else {
            sighting.situation.seen = Seen::Absent;
            return Ok(());
        };
        if let Some(condition) = &op.condition {
            let holds = condition.holds(&row);
            sighting.situation.condition = if holds { Conditioned::Holds } else { Conditioned::Fails };
        }
        sighting.undisputed = look.undisputed;
        let considered = if look.undisputed { sighting.group.clone() } else { run.plan.chain_from(index) };
        let operations = self.operations(run, &considered)?;
        let merge = self.options.merge || look.undisputed;
        match relate(&operations, sighting.group.len(), &row, merge) {
            Related::Ready { set, merged } => {
                (sighting.set, sighting.merged) = (set, merged);
                sighting.situation.seen = Seen::Ready;
            }
            Related::Holds => sighting.situation.seen = Seen::Holds,
            Related::Clashes(differences) => {
                sighting.differences = differences;
                sighting.situation.seen = Seen::Clashes;
            }
        }
        sighting.row = Some(row);
        Ok(())
    }

    /// What is known of a row in this run: looked at, staged by the pull, or else cached. A cached row is looked at before a
    /// request that If-Match does not guard: `next` sees to that.
    pub(super) fn look(&self, run: &Run, kind: &'static Kind, id: i64) -> Result<Option<Look>> {
        if run.plan.is_unknown(kind, id) {
            return Ok(None);
        }
        if let Some(look) = run.plan.looks.get(&(kind.name, id)) {
            return Ok(Some(look.clone()));
        }
        let look = |row| Some(Look { row, fetched: None, undisputed: false });
        if self.options.mode.pulls() {
            if self.store.is_staged_gone(kind, id)? {
                return Ok(look(None));
            }
            if let Some(row) = self.store.staged_row(kind, id)? {
                return Ok(look(self.believed(row, id)?));
            }
        }
        Ok(self.store.server_row(kind, id)?.and_then(|row| look(Some(row))))
    }

    /// Of a sent create: from then on its request can no longer arrive, and no list can be without its row.
    pub(super) fn settled_at(&self, run: &Run, op: &Operation) -> Timestamp {
        // What was answered has arrived, or never will.
        let Some(last) = op.sends.iter().rfind(|send| send.reply.is_none()) else { return Timestamp(0) };
        let lag = if run.caps.consistent { Duration::ZERO } else { super::observe::MAX_LAG };
        let in_flight = self.remote.map_or(IN_FLIGHT, |remote| IN_FLIGHT.min(remote.time_limit() * 2));
        // A clock that was set back since must not make anybody wait for ever.
        let last = last.at.min(Timestamp::now());
        last.plus(crate::failpoint::bound(in_flight + lag))
    }
}
