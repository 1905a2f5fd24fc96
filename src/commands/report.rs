//! What a writing command says about each of its rows, and the document of `--json`.

use super::Session;
use super::context::EnvContext;
use super::deliver::{Delivery, WriteMode, deliver};
use super::describe::orphaned;
use crate::document::{list as list_of, object, shown_row, text};
use crate::error::{Error, Result};
use crate::model::{Kind, Row};
use crate::sync::edits::{self, Deletion, Queued};
use miniserde::json::Value;

/// What a command reports about one row.
pub struct Changed {
    /// `Created`, `Updated`, `Deleted`.
    pub verb: &'static str,
    pub kind: &'static Kind,
    pub name: String,
    pub id: i64,
    pub delivery: Delivery,
    pub hint: Option<String>,
}

impl Changed {
    /// What became of a row that was changed by what was queued, under the name that it has now.
    pub fn of(ctx: &EnvContext, verb: &'static str, queued: &Queued, delivery: Delivery) -> Result<Changed> {
        let first = queued.operations.first().ok_or_else(|| Error::failure("nothing was queued"))?;
        // Others may have sent and renamed rows meanwhile: the operation knows its own.
        let ends = crate::model::kind(first.kind.ends).unwrap_or(first.kind);
        let row = ctx.store.row_of(ends, &first.target)?;
        let (id, name) = row.map_or_else(|| (0, first.name.clone()), |row| (row.id, row.name));
        Ok(Changed { kind: ends, verb, name, id, delivery, hint: None })
    }

    /// What became of a row that has the name and id which it had before.
    pub fn same(verb: &'static str, row: &Row, delivery: Delivery) -> Changed {
        Changed { kind: row.kind, verb, name: row.name.clone(), id: row.id, delivery, hint: None }
    }
}

/// Brings what was queued for one row to the server. `row`: as it was, where there was one.
pub fn bring(
    session: &mut Session,
    ctx: &mut EnvContext,
    mode: &WriteMode,
    verb: &'static str,
    row: Option<&Row>,
    queued: &Queued,
) -> Result<Changed> {
    let delivery = deliver(session, ctx, mode, queued)?;
    match row {
        Some(row) if queued.operations.is_empty() => Ok(Changed::same(verb, row, delivery)),
        _ => Changed::of(ctx, verb, queued, delivery),
    }
}

/// Deletes a row, here and on the server.
pub fn delete(session: &mut Session, ctx: &mut EnvContext, mode: &WriteMode, row: &Row) -> Result<Changed> {
    let delivery = match edits::delete(&mut ctx.store, row)? {
        Deletion::Cancelled(plan) => {
            plan.orphans.iter().try_for_each(|orphan| session.out.say(&format!("  {}", orphaned(orphan))))?;
            Delivery::Cancelled
        }
        Deletion::Queued(queued) => deliver(session, ctx, mode, &queued)?,
    };
    Ok(Changed::same("Deleted", row, delivery))
}

/// Prints one line for each change, or the tasks as `--json`, and gives the exit code.
pub fn report(session: &mut Session, ctx: &EnvContext, changes: Vec<Changed>, errors: Vec<Error>) -> Result<u8> {
    let mut conflicts = 0;
    for change in &changes {
        session.out.say(&line(change))?;
        if let Some(hint) = &change.hint {
            session.out.warn(hint)?;
        }
        if let Delivery::Conflict(waiting) = change.delivery {
            conflicts += waiting;
        }
    }
    say_out_of_reach(session, changes.iter().map(|change| &change.delivery))?;
    if session.out.is_json() && !changes.is_empty() {
        let document = documents(ctx, &changes)?;
        session.answer(|| document, |_| Ok(()))?;
    }
    let mut errors = errors.into_iter();
    if let Some(first) = errors.next() {
        for error in errors {
            session.out.error(&error)?;
        }
        return Err(first);
    }
    if conflicts > 0 { Err(Error::Conflicts { waiting: conflicts }) } else { Ok(0) }
}

/// Verbs of what was done as it was to be, and yet is not what anybody wanted.
const NOT_WELL: [&str; 2] = ["Failed", "Aborted"];

/// What became of a row, for people.
pub fn line(change: &Changed) -> String {
    let verb = change.verb;
    let mark = if NOT_WELL.contains(&verb) { "✗" } else { "✓" };
    let name = &change.kind.called(&change.name);
    match &change.delivery {
        Delivery::Unchanged => format!("{name} is like that already; nothing was changed"),
        Delivery::Sent => format!("{mark} {verb} {name}"),
        Delivery::Queued => format!("{mark} {verb} {name} (queued for sync)"),
        Delivery::OutOfReach(_) => format!("{mark} {verb} {name} (queued for sync: the server is out of reach)"),
        Delivery::Busy => format!("{mark} {verb} {name} (queued for sync: another anyt is at work)"),
        Delivery::Cancelled => format!("{mark} {verb} {name} (it was never sent)"),
        Delivery::Withdrawn => format!("{name} stays as it is on the server"),
        Delivery::Conflict(_) => format!("{verb} {name} here; the conflict waits for a decision"),
    }
}

/// One line on standard error for all of a command's changes that wait because of it.
pub fn say_out_of_reach<'a>(session: &mut Session, deliveries: impl Iterator<Item = &'a Delivery>) -> Result<()> {
    let mut said = Vec::new();
    for delivery in deliveries {
        if let Delivery::OutOfReach(message) = delivery
            && !said.contains(&message)
        {
            session.out.warn(&format!("{message} (what is queued is sent by: anyt sync)"))?;
            said.push(message);
        }
    }
    Ok(())
}

/// One task as itself, several as `items`.
pub fn documents(ctx: &EnvContext, changes: &[Changed]) -> Result<Value> {
    let mut documents = Vec::new();
    for change in changes {
        let mut document = match current(ctx, change)? {
            Some(row) => {
                let pending = row.is_provisional() || ctx.store.is_pending(row.kind, row.id)?;
                shown_row(&row, pending)
            }
            None => object([("identifier", text(&change.name)), ("deleted", Value::Bool(true))]),
        };
        if let Value::Object(members) = &mut document {
            members.insert("queued".into(), Value::Bool(change.delivery.is_queued()));
        }
        documents.push(document);
    }
    Ok(match <[Value; 1]>::try_from(documents) {
        Ok([only]) => only,
        Err(documents) => list_of(documents),
    })
}

/// The changed row as it is now: a created one has another id once the server has it.
fn current(ctx: &EnvContext, change: &Changed) -> Result<Option<Row>> {
    if change.verb == "Deleted" {
        return Ok(None);
    }
    if let Some(row) = ctx.store.row(change.kind, change.id)? {
        return Ok(Some(row));
    }
    for workspace in ctx.store.workspaces()? {
        if let Some(row) = ctx.store.row_named(change.kind, workspace.id, &change.name)? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
