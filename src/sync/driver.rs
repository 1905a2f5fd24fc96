//! The driver: executes the steps that `next` gives and commits each transition before and after a request (docs/sync.md).
//! Dry run, push, write, resolve and force are sets of steps it may execute.

use super::breaker::Breaker;
use super::candidates::Found;
use super::next::{Conditioned, Needs, Outcome, Seen, Situation, Stage, Step, Why, next};
use super::observe::Epoch;
use super::plan::{Look, Meant, Plan};
use super::relate::{Related, relate};
use super::remote::{Capabilities, Remote, RemoteError, to_error};
use super::report::{Event, Summary};
use super::{Engine, Mode};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::{Kind, Operation, Row, SendReply, Shape, State, Target};
use crate::origin::is_same_server;
use crate::store::End;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often one operation is sent in one run, and how often its row is looked at.
const SENDS: u32 = 2;
const LOOKS: u32 = 5;

/// A request that left may arrive for so long; at most as long again as an answer is waited for.
pub(super) const IN_FLIGHT: Duration = Duration::from_secs(10);

/// One run's state beside the plan.
#[derive(Default)]
pub(super) struct Run {
    pub plan: Plan,
    pub end: End,
    pub summary: Summary,
    pub caps: Capabilities,
    pub account: Option<String>,
    pub breaker: Breaker,
    /// Rows that merges and conflicts report on their own.
    pub reported: BTreeSet<i64>,
    /// What was found for creates whose answer was lost, by operation: when the search began, and what it found.
    pub searches: BTreeMap<usize, (Timestamp, Found)>,
    /// Of links that were sent: what the server shows.
    pub links: BTreeMap<usize, Seen>,
    pub epoch: Epoch,
    /// What an operation was before the request that is under way.
    pub before: BTreeMap<usize, State>,
    /// Rows read one by one, by kind and id; `None`: gone.
    pub read: BTreeMap<(&'static str, i64), (&'static Kind, Option<Row>)>,
    /// Per workspace the highest number known when the push began.
    pub highest: BTreeMap<i64, i64>,
    /// When the server lets us come back, where it said so with a lost answer.
    pub next_allowed: Option<Timestamp>,
    /// Answers that were lost, by operation: what the run ends with, though it went on, if one is not settled by then.
    pub lost: BTreeMap<usize, Error>,
    /// Operations that the server has just carried out, until that is written down.
    pub taken: usize,
    /// Rows of which a write was answered that they are gone.
    pub said_gone: BTreeSet<(&'static str, i64)>,
    /// Rows that could not be read, by id: they are there.
    pub unreadable: BTreeSet<i64>,
    /// With `--force`: the operations to be set aside in the end.
    pub force: Option<BTreeSet<String>>,
    /// Per workspace: when its lists were last read to find lost creates.
    pub listed: BTreeMap<i64, Timestamp>,
    /// Per workspace the rows of our account that the pull brought, for creates that may have been sent before.
    pub recent: BTreeMap<i64, Vec<Row>>,
}

impl Run {
    pub(super) fn new(plan: Plan) -> Run {
        Run { plan, ..Run::default() }
    }
}

/// What one operation came to in this pass.
enum Pass {
    Settled,
    /// A sent create: nothing can be said before this time.
    Wait(Timestamp),
    /// It needs what may still be made.
    Later,
    /// The run ends.
    Stop,
}

impl Engine<'_> {
    pub(super) fn remote(&self) -> &dyn Remote {
        self.remote.expect("only Mode::Resolve runs without a server, and asks it nothing")
    }

    /// Sends the queue in order, each operation until it is settled; those that have to wait come last, with what waits for
    /// an operation that is not settled.
    pub(super) fn push(&mut self, run: &mut Run) -> Result<()> {
        let (mut until, mut later) = (Timestamp(0), Vec::new());
        let mut index = 0;
        // Decisions add operations at the end, so the length is looked at anew.
        while index < run.plan.ops.len() {
            match self.push_one(run, index, true)? {
                Pass::Settled => {}
                Pass::Wait(time) => {
                    until = until.max(time);
                    later.push(index);
                }
                Pass::Later => later.push(index),
                Pass::Stop => return Ok(()),
            }
            index += 1;
        }
        if later.is_empty() {
            return Ok(());
        }
        self.sleep_until(run, until);
        for index in later {
            if let Pass::Stop = self.push_one(run, index, false)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn sleep_until(&mut self, run: &mut Run, until: Timestamp) {
        let left = Timestamp::now().age(until);
        if !left.is_zero() {
            let seconds = left.as_secs() + 1;
            self.note(run, format!("what was sent before may still arrive; looking again in {seconds} s"));
            crate::time::sleep(left);
        }
    }

    /// Executes steps for one operation until it is settled or held. `again`: there is a second pass, for what waits for a
    /// row that may still be made.
    fn push_one(&mut self, run: &mut Run, index: usize, again: bool) -> Result<Pass> {
        let (mut sends, mut looks) = (0, 0);
        loop {
            let op = &run.plan.ops[index];
            if !op.state.waits() || !run.plan.is_in_scope(index) || self.is_left_out(run, index) {
                return Ok(Pass::Settled);
            }
            let entity = run.plan.entity_of(index).clone();
            if self.is_meant_elsewhere(run, index)
                || run.plan.is_held(&entity)
                || run.plan.waits_behind_rejected(&entity, index)
            {
                self.held(run, index);
                return Ok(Pass::Settled);
            }
            self.find_pulled(run, index)?;
            let sighting = self.sighting(run, index)?;
            let (_, step) = next(&sighting.situation);
            match step {
                Step::Send if self.options.dry_run => {
                    self.would_send(run, index);
                    return Ok(Pass::Settled);
                }
                Step::Send if sends == SENDS => {
                    self.put_off(run, index);
                    return Ok(Pass::Settled);
                }
                Step::Send if self.hold_made_already(run, index)? => return Ok(Pass::Settled),
                Step::Send => {
                    sends += 1;
                    if self.send(run, index, sighting)? {
                        return Ok(Pass::Stop);
                    }
                    if matches!(run.plan.ops[index].state, State::Rejected(_)) {
                        return Ok(Pass::Settled);
                    }
                }
                Step::Fetch | Step::Search if looks == LOOKS => {
                    self.put_off(run, index);
                    return Ok(Pass::Settled);
                }
                Step::Fetch => {
                    looks += 1;
                    if let Err(error) = self.fetch(run, index, &sighting)? {
                        return Ok(self.stop_at(run, error));
                    }
                }
                Step::Search => {
                    looks += 1;
                    match self.search(run, index)? {
                        Ok(()) => {}
                        Err(error) => return Ok(self.stop_at(run, error)),
                    }
                }
                Step::Wait if matches!(self.options.mode, Mode::Write(_)) || self.options.dry_run => {
                    return Ok(Pass::Settled);
                }
                Step::Wait => return Ok(Pass::Wait(sighting.settled_at)),
                Step::Ask(cause) => {
                    if !self.ask_while_pushing(run, &entity, cause, &sighting)? {
                        return Ok(Pass::Stop);
                    }
                }
                Step::Hold(Why::Waits) if again => return Ok(Pass::Later),
                Step::Hold(why) => {
                    match why {
                        Why::Rejected => self.rejected_before(run, index),
                        Why::Waits => self.held(run, index),
                    }
                    return Ok(Pass::Settled);
                }
                Step::Finish(outcome) => {
                    self.finish(run, index, outcome, &sighting)?;
                    return Ok(Pass::Settled);
                }
            }
        }
    }

    /// A create that was never sent, and whose row the pull has brought all the same: a home was put back whole. True: it is
    /// held and named.
    fn hold_made_already(&mut self, run: &mut Run, index: usize) -> Result<bool> {
        let Some(row) = self.made_already(run, index)? else { return Ok(false) };
        let message = format!(
            "the server has {} with the same words, made after this was queued: if it is that one: anyt sync queue drop, else: anyt sync queue retry",
            row.name
        );
        self.reject(run, index, message)?;
        Ok(true)
    }

    /// Everything `next` asks about an operation, with what a request will need.
    fn sighting(&self, run: &Run, index: usize) -> Result<Sighting> {
        let op = &run.plan.ops[index];
        let mut sighting = Sighting::new(op, self.settled_at(run, op));
        sighting.situation.if_match = run.caps.if_match;
        sighting.situation.refused = op.sends.iter().any(|send| matches!(send.reply, Some(SendReply::Refused(_))));
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
                Meant::Server { id, name } if self.is_gone(run, kind, id)? => sighting.needs(Needs::Gone, name),
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
        !self.options.mode.pulls()
            && crate::model::kind(kind).is_some_and(|kind| !run.plan.looks.contains_key(&(kind.name, id)))
    }

    /// A row that this run has found to be gone.
    fn is_gone(&self, run: &Run, kind: &'static str, id: i64) -> Result<bool> {
        let Some(kind) = crate::model::kind(kind) else { return Ok(false) };
        match run.plan.looks.get(&(kind.name, id)) {
            Some(look) => Ok(look.row.is_none()),
            None if self.options.mode.pulls() => {
                let staged = self.store.staged_row(kind, id)?;
                let gone = staged.map(|row| Ok::<_, Error>(self.believed(row, id)?.is_none())).transpose()?;
                Ok(gone.unwrap_or(self.store.is_staged_gone(kind, id)?))
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
        if let Some((began, found)) = run.searches.get(&index) {
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
        if let Some(seen) = run.links.get(&index) {
            sighting.situation.seen = *seen;
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
        sighting.ours = look.undisputed;
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

    /// What is known of a row in this run: looked at, staged by the pull, or, where If-Match guards the request, cached.
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
        let Some(last) = op.last_send() else { return Timestamp(0) };
        let lag = if run.caps.consistent { Duration::ZERO } else { super::observe::MAX_LAG };
        let in_flight = self.remote.map_or(IN_FLIGHT, |remote| IN_FLIGHT.min(remote.time_limit() * 2));
        // A clock that was set back since must not make anybody wait for ever.
        let last = last.at.min(Timestamp::now());
        last.plus(crate::failpoint::bound(in_flight + lag))
    }

    /// Reads the row, or the links, that an operation is about, or a row that it names.
    fn fetch(&mut self, run: &mut Run, index: usize, sighting: &Sighting) -> Result<Result<(), RemoteError>> {
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
        let (workspace, name) = known.as_ref().map_or((workspace_id, name), |row| (row.workspace_id, &row.name));
        let row = match self.remote().row(kind, workspace, name) {
            Ok(Some(row)) if row.id != id && row.name != *name => return Ok(Err(about_another(&row, name))),
            Ok(row) => row.filter(|row| row.id == id && row.is_live()),
            Err(error) => return Ok(Err(error)),
        };
        hit("push.looked");
        self.saw(run, kind, id, row, before)?;
        Ok(Ok(()))
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
        run.links.insert(index, seen);
        Ok(Ok(()))
    }

    /// The names of a link's ends as the server has them.
    pub(super) fn ends(&self, run: &Run, op: &Operation) -> Result<(String, String)> {
        let name = |target: &Target, known: &str| -> Result<String> {
            Ok(match run.plan.meant(self.store, op.kind.ends, target, known)? {
                Meant::Server { id, name } => self.pulled_name(op.kind.ends, id)?.unwrap_or(name),
                Meant::Pending(name) | Meant::Gone(name) => name,
            })
        };
        let other = op.other.as_ref().map(|other| name(other, op.other_name.as_deref().unwrap_or_default()));
        Ok((name(&op.target, &op.name)?, other.transpose()?.unwrap_or_default()))
    }

    /// The name that the pull of this run has brought: the prefix of a workspace may have changed.
    fn pulled_name(&self, kind: &'static str, id: i64) -> Result<Option<String>> {
        match crate::model::kind(kind) {
            Some(kind) if self.options.mode.pulls() => Ok(self.store.staged_row(kind, id)?.map(|row| row.name)),
            _ => Ok(None),
        }
    }

    fn is_left_out(&self, run: &Run, index: usize) -> bool {
        let workspace = run.plan.ops[index].workspace_id;
        run.end.left_out.contains(&workspace) || run.breaker.leaves_out(workspace)
    }

    fn stop_at(&mut self, run: &mut Run, error: RemoteError) -> Pass {
        let error = to_error(error, &self.remote().origin());
        run.summary.first_error.get_or_insert_with(|| error.to_string());
        run.summary.stopped = Some(error);
        Pass::Stop
    }

    /// Nothing more is sent for the row in this run. The run ends with what was lost, or says that the row kept changing.
    fn put_off(&mut self, run: &mut Run, index: usize) {
        let name = run.plan.ops[index].name.clone();
        let message = format!("{name} kept changing on the server; it is sent again with the next sync");
        run.lost.entry(index).or_insert_with(|| Error::unreachable(message));
        run.plan.hold(run.plan.entity_of(index).clone());
    }

    /// An operation that was meant for another server or account waits until that is there again.
    fn is_meant_elsewhere(&self, run: &Run, index: usize) -> bool {
        let op = &run.plan.ops[index];
        let other_server = op.server.as_ref().is_some_and(|server| !is_same_server(server, &self.remote().origin()));
        let other_account = op.account.as_ref().zip(run.account.as_ref()).is_some_and(|(meant, here)| meant != here);
        other_server || other_account
    }

    fn would_send(&mut self, run: &mut Run, index: usize) {
        let op = run.plan.ops[index].clone();
        run.plan.assume(index);
        self.reporter.tell(Event::WouldSend(Box::new(op.clone())));
        run.summary.would_send.push(op);
    }

    pub(super) fn note(&mut self, _run: &mut Run, note: String) {
        self.reporter.tell(Event::Note(note));
    }

    fn held(&mut self, run: &mut Run, index: usize) {
        // What waits for a decision is reported as that.
        if !run.plan.is_undecided(index) {
            run.summary.held += 1;
            let identifier = run.plan.ops[index].name.clone();
            self.reporter.tell(Event::Held { identifier });
        }
    }

    /// What the server said no to in an earlier run is not sent again until somebody says so, or amends it.
    fn rejected_before(&mut self, run: &mut Run, index: usize) {
        let op = &run.plan.ops[index];
        let State::Rejected(message) = &op.state else { return };
        let (identifier, message) = (op.name.clone(), message.clone());
        self.tell_rejected(run, identifier, message);
    }

    pub(super) fn tell_rejected(&mut self, run: &mut Run, identifier: String, message: String) {
        run.summary.failed += 1;
        run.summary.first_error.get_or_insert_with(|| format!("{identifier}: {message}"));
        self.reporter.tell(Event::Refused { identifier, message });
    }

    /// Commits what an operation came to without a request.
    fn finish(&mut self, run: &mut Run, index: usize, outcome: Outcome, sighting: &Sighting) -> Result<()> {
        let op = run.plan.ops[index].clone();
        match outcome {
            Outcome::Done => {
                let row = sighting.row.clone().map(Box::new);
                let group = if op.shape == Shape::Update { sighting.group.clone() } else { vec![index] };
                for at in &group {
                    self.becomes(run, *at, State::Answered(row.clone()))?;
                }
                if let (Shape::Update, Some(row)) = (op.shape, &row) {
                    self.pass_on(run, &group, &Default::default(), row)?;
                }
                if !self.options.dry_run {
                    self.tell_done(run, &op, row.as_deref());
                }
                Ok(())
            }
            Outcome::Cancelled => self.cancel(run, index),
            Outcome::ConditionFailed => {
                let row = sighting.row.as_ref();
                let found = row.map_or_else(String::new, |row| format!("version {}", row.version));
                let why = format!("the condition does not hold: the server has {found}");
                let identifier = op.name.clone();
                run.summary.conditions_failed += 1;
                run.summary.first_error.get_or_insert_with(|| format!("{identifier}: {why}"));
                self.becomes(run, index, State::Dropped(why.clone()))?;
                self.reporter.tell(Event::Refused { identifier, message: why });
                Ok(())
            }
            Outcome::MayHaveBecome => {
                let names = &sighting.names;
                let message = format!(
                    "its answer was lost, and it may have become {names}: if so: anyt sync queue drop, else: anyt sync queue retry"
                );
                self.reject(run, index, message)
            }
            Outcome::NeedIsGone => self.reject(run, index, format!("{} is gone", sighting.need)),
            Outcome::Refused => {
                let said = op.sends.iter().rev().find_map(|send| match &send.reply {
                    Some(SendReply::Refused(message)) => Some(message.clone()),
                    _ => None,
                });
                self.reject(run, index, said.unwrap_or_else(|| "the server refused it".into()))
            }
        }
    }

    pub(super) fn reject(&mut self, run: &mut Run, index: usize, message: String) -> Result<()> {
        self.becomes(run, index, State::Rejected(message.clone()))?;
        let identifier = run.plan.ops[index].name.clone();
        self.tell_rejected(run, identifier, message);
        Ok(())
    }

    /// A transition without a request, committed and then told to the plan.
    pub(super) fn becomes(&mut self, run: &mut Run, index: usize, state: State) -> Result<()> {
        let op = &run.plan.ops[index];
        if !self.options.dry_run && !self.store.settle(&op.op_id, &op.state, &state)? {
            return Err(changed_meanwhile(op));
        }
        if let (Shape::Create, State::Answered(Some(row))) = (op.shape, &state) {
            let op_id = op.op_id.clone();
            run.plan.made(&op_id, row);
        }
        run.plan.ops[index].state = state;
        Ok(())
    }

    /// A create that certainly made nothing, and whose row is deleted in the end: everything about it goes.
    fn cancel(&mut self, run: &mut Run, index: usize) -> Result<()> {
        let op_id = run.plan.ops[index].op_id.clone();
        let mut goes = run.plan.all_of(&run.plan.entity_of(index).clone());
        goes.extend(run.plan.links_to(&op_id));
        for at in goes {
            self.becomes(run, at, State::Dropped("it was deleted before it was sent".into()))?;
        }
        Ok(())
    }
}

/// The answer to another request: nothing that this connection says can be believed.
fn about_another(row: &Row, name: &str) -> RemoteError {
    RemoteError::OutOfReach(format!("asked for {name}, the server answered about {}", row.name))
}

/// Somebody else changed an operation that this run holds: only possible while the lock was not held.
pub(super) fn changed_meanwhile(op: &Operation) -> Error {
    Error::failure(format!("{} was changed by another process meanwhile", op.name)).hint("run it again: anyt sync")
}

/// What is known about one operation when its next step is asked for.
pub(super) struct Sighting {
    pub situation: Situation,
    /// The server's row: of the update or delete, or the one a lost create has made.
    pub row: Option<Row>,
    /// Of an update: the operations that go as one request, the values to send, whose value each field has.
    pub group: Vec<usize>,
    pub set: crate::model::Patch,
    pub merged: Vec<(crate::model::Field, super::relate::Side)>,
    /// The row is our own answer, or one that was merged before.
    pub ours: bool,
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
            ours: false,
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
