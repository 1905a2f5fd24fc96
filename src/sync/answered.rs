//! What follows from an answer: it is compared with what was sent, told, and passed on to what waits behind it.

use super::Engine;
use super::plan::Look;
use super::relate::{carried_down, not_taken};
use super::run::Run;
use super::sighting::Sighting;
use crate::error::Result;
use crate::gather::Gather;
use crate::model::{Kept, Operation, Patch, Row, Shape, State, Target};

impl Engine<'_> {
    /// R1: the server carried it out. What it answered is compared with what was sent.
    pub(super) fn done(
        &mut self,
        run: &mut Run,
        group: &[usize],
        op: &Operation,
        set: &Patch,
        sighting: &Sighting,
        state: &State,
    ) -> Result<()> {
        let State::Answered(row) = state else { return Ok(()) };
        let row = row.as_deref();
        if let (Shape::Create, Some(row)) = (op.shape, row) {
            run.plan.made(&op.op_id, row);
            // A server that was put back gives the id of a row that it has lost: that is known only here now. What the
            // cache had before the create was sent for the first time is never the row that it made.
            let first = op.sends.len() == 1 && op.kind.versions;
            let known = self.store.server_row(op.kind, row.id)?;
            run.end.lost.extend(known.filter(|known| first || row.is_another_than(known)));
        }
        self.tell_done(run, op, row);
        match (op.shape, row) {
            (Shape::Create | Shape::Update, Some(row)) => {
                self.compare_answer(op, set, row)?;
                self.tell_jump(op, sighting.row.as_ref(), row);
                // The answer is newer than what was read, and is in the store.
                run.read.remove(&(op.kind.name, row.id));
                run.plan.saw(op.kind, row.id, Look { row: Some(row.clone()), fetched: None, undisputed: true });
                self.pass_on(run, group, set, row)?;
            }
            (Shape::Delete, _) => {
                if let Some(row) = &sighting.row {
                    run.plan.saw(op.kind, row.id, Look { row: None, fetched: None, undisputed: true });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A field that the server did not take, cut or rewrote is said, and what was typed is kept.
    pub(super) fn compare_answer(&mut self, op: &Operation, set: &Patch, row: &Row) -> Result<()> {
        let differs = not_taken(set, row);
        if differs.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = differs.iter().map(|(field, ..)| field.word).collect();
        let typed: Patch = differs.iter().map(|(field, typed, _)| (*field, typed.clone())).gather();
        let base: Patch = differs.iter().map(|(field, _, has)| (*field, has.clone())).gather();
        let bring_back = Operation {
            shape: Shape::Update,
            target: Target::Server(row.id),
            name: row.name.clone(),
            seen_version: row.version,
            op_id: String::new(),
            base,
            set: typed,
            condition: None,
            links: Default::default(),
            replaces: None,
            state: State::Queued,
            sends: Vec::new(),
            ..op.clone()
        };
        let kept = Kept { reason: "not taken", row: None, operations: vec![bring_back] };
        let number = self.store.discard(&[kept])?.first().copied().unwrap_or(0);
        let what = words.join(", ");
        let note = format!(
            "{}: the server did not take the {what} as it was sent; what you wrote is kept: anyt sync restore {number}",
            row.name
        );
        self.note(note);
        Ok(())
    }

    /// The waiting operations behind a finished group stand on what became of its fields: on what the server made of values
    /// that it did not take as they were sent, and on the group's own base where nothing was sent.
    pub(super) fn pass_on(&mut self, run: &mut Run, group: &[usize], sent: &Patch, row: &Row) -> Result<()> {
        let differs = not_taken(sent, row);
        if differs.is_empty() && sent.len() >= run.plan.ops[group[0]].set.len() {
            return Ok(());
        }
        let last = group.last().copied().unwrap_or_default();
        let mut behind = run.plan.chain_from(group[0]);
        behind.retain(|at| *at > last);
        if behind.is_empty() {
            return Ok(());
        }
        for (field, _, has) in differs {
            let next = behind.iter().copied().find(|at| run.plan.ops[*at].base.contains_key(field));
            if let Some(at) = next {
                self.rebase(run, at, Patch::from([(field, has)]), row.version)?;
            }
        }
        if sent.len() < run.plan.ops[group[0]].set.len() {
            let chain: Vec<usize> = group.iter().copied().chain(behind.iter().copied()).collect();
            let carried = carried_down(&run.plan.operations(&chain), group.len(), sent);
            for (op_id, bases) in carried {
                if let Some(at) = behind.iter().copied().find(|at| run.plan.ops[*at].op_id == op_id) {
                    self.rebase(run, at, bases, row.version)?;
                }
            }
        }
        Ok(())
    }

    fn rebase(&mut self, run: &mut Run, at: usize, bases: Patch, version: i64) -> Result<()> {
        let op = &mut run.plan.ops[at];
        op.base.extend(bases);
        if self.options.dry_run {
            return Ok(());
        }
        self.store.rebase(&op.op_id, &op.base, version)
    }
}
