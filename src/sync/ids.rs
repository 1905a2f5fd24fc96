//! The server's ids and names of the rows that an operation is about.

use super::Engine;
use super::plan::Meant;
use super::run::Run;
use crate::error::Result;
use crate::model::kind::Type;
use crate::model::{Kind, Operation, Target, Value};

impl Engine<'_> {
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

    /// The row that rows of a kind are below: its id, and its name as the server has it.
    pub(super) fn below(&self, run: &Run, kind: &'static Kind, target: &Target) -> Result<Option<(i64, String)>> {
        let Some(parent) = kind.parent() else { return Ok(None) };
        Ok(match run.plan.meant(self.store, parent.name, target, "")? {
            Meant::Server { id, name } => Some((id, self.pulled_name(parent.name, id)?.unwrap_or(name))),
            Meant::Pending(_) | Meant::Gone(_) => None,
        })
    }

    /// The name that the pull of this run has brought: the prefix of a workspace may have changed.
    fn pulled_name(&self, kind: &'static str, id: i64) -> Result<Option<String>> {
        match crate::model::kind(kind) {
            Some(kind) if self.options.mode.pulls() => Ok(self.store.staged_row(kind, id)?.map(|row| row.name)),
            _ => Ok(None),
        }
    }

    /// An operation with the server's ids in its reference fields, as far as they are known.
    pub(super) fn with_ids(&self, run: &Run, mut op: Operation) -> Result<Operation> {
        for patch in [&mut op.base, &mut op.set] {
            for (field, value) in patch {
                // Also of a row of the server: it may have been made again.
                let (Type::Reference(kind), Some(target)) = (field.ty, Target::of_value(value)) else { continue };
                if let Meant::Server { id, .. } = run.plan.meant(self.store, kind, &target, "")? {
                    *value = Value::Int(id);
                }
            }
        }
        Ok(op)
    }

    /// Operations as they are compared with a row.
    pub(super) fn operations(&self, run: &Run, indices: &[usize]) -> Result<Vec<Operation>> {
        run.plan.operations(indices).into_iter().map(|op| self.with_ids(run, op)).collect()
    }
}
