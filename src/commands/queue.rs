//! `anyt sync queue`: looking at what waits to be sent, and acting on it.

use super::Session;
use super::confirm::confirm;
use super::context::EnvContext;
use super::describe::{any_operation, describe, one_line, orphaned, state, title, to_json};
use super::reporter::{plural, them};
use crate::document::{integer, list as list_of, object, text};
use crate::error::{Error, Result};
use crate::gather::Gather;
use crate::lock::OTHER_COMMAND;
use crate::model::task::TASK;
use crate::model::{Kind, Operation, State};
use crate::names::{Known, Name};
use crate::sync::drop_plan::{DropPlan, Rows, drop_planned};
use crate::sync::edits;
use crate::time::Timestamp;
use crate::ui::{Column, Table};
use miniserde::json::Value;
use std::collections::BTreeSet;

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open(session)?;
    let waiting = ctx.store.waiting()?;
    session.item(|| to_json(&any_operation()));
    session.answer(
        || list_of(waiting.iter().map(to_json).collect()),
        |out| {
            if waiting.is_empty() {
                return out.line("Nothing waits to be sent");
            }
            let mut table = Table::new([
                Column::right("#").whole(),
                Column::left("OPERATION").max(60),
                Column::left("TITLE").optional(),
                Column::left("QUEUED").optional(),
                Column::left("STATE").max(80),
            ]);
            for operation in &waiting {
                let when = Timestamp::on_screen(&operation.created_at);
                let (number, title) = (operation.seq.to_string(), title(&ctx.store, operation));
                table.row([number.as_str(), &describe(operation), &title, &when, &state(operation)]);
            }
            table.print(out)
        },
    )
}

pub fn show(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open(session)?;
    let chosen = choose(session, &ctx, ctx.store.waiting()?)?;
    session.answer(
        || list_of(chosen.iter().map(to_json).collect()),
        |out| {
            for operation in &chosen {
                out.line(&format!("#{} {}", operation.seq, describe(operation)))?;
                out.line(&format!("  State: {}", state(operation)))?;
                out.line(&format!("  Queued: {}", Timestamp::with_age(&operation.created_at)))?;
                out.line(&format!("  Operation id: {}", operation.op_id))?;
                if operation.seen_version > 0 {
                    out.line(&format!("  Made on version: {}", operation.seen_version))?;
                }
                if let Some(version) = operation.condition.as_ref().and_then(|condition| condition.version) {
                    out.line(&format!("  Only if still at version: {version}"))?;
                }
                let names = Known { store: &ctx.store, workspace_id: operation.workspace_id };
                for (field, value) in &operation.set {
                    let line = |value| one_line(field, value, &names);
                    let before =
                        operation.base.get(field).map_or_else(String::new, |base| format!("{} → ", line(base)));
                    out.line(&format!("  {field}: {before}{}", line(value)))?;
                }
            }
            Ok(())
        },
    )
}

/// The operations that the arguments name: queue numbers, operation ids, or tasks.
fn choose(session: &Session, ctx: &EnvContext, waiting: Vec<Operation>) -> Result<Vec<Operation>> {
    let mut chosen: Vec<Operation> = Vec::new();
    for typed in session.call.arguments() {
        let named: Vec<&Operation> = match typed.trim_start_matches('#').parse::<i64>() {
            Ok(number) => waiting.iter().filter(|one| one.seq == number).collect(),
            Err(_) => {
                let task = Name::parse(typed).filter(|name| name.prefix.is_some());
                let task = task.and_then(|_| ctx.task(session, typed).ok()).map(|found| found.row.id);
                let concerns = |one: &&Operation| {
                    one.op_id == *typed
                        || one.name.eq_ignore_ascii_case(typed)
                        || task.is_some_and(|id| is_about(ctx, one, &TASK, id))
                };
                waiting.iter().filter(concerns).collect()
            }
        };
        if named.is_empty() {
            return Err(Error::not_found(format!("nothing queued is called '{typed}'")).hint("see: anyt sync queue"));
        }
        for operation in named {
            if !chosen.iter().any(|known| known.op_id == operation.op_id) {
                chosen.push(operation.clone());
            }
        }
    }
    Ok(chosen)
}

fn is_about(ctx: &EnvContext, operation: &Operation, kind: &'static Kind, row_id: i64) -> bool {
    let row = || ctx.store.row_of(kind, &operation.target).is_ok_and(|row| row.is_some_and(|row| row.id == row_id));
    operation.kind.ends == kind.name && row()
}

/// Clears the server's refusal; the next sync sends the operation again. Of a create whose lost answer may have made one
/// of several tasks this says that it has not.
pub fn retry(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open(session)?;
    let _held = ctx.lock()?.hold(OTHER_COMMAND)?;
    let is_rejected = |one: &Operation| matches!(one.state, State::Rejected(_));
    let waiting = ctx.store.waiting()?;
    let chosen: Vec<Operation> = match session.call.has("all") {
        true => waiting.into_iter().filter(is_rejected).collect(),
        false => choose(session, &ctx, waiting)?,
    };
    let conflicts = ctx.store.conflicts()?;
    let undecided = |one: &Operation| conflicts.iter().any(|conflict| is_about(&ctx, one, conflict.kind, conflict.id));
    let mut op_ids = BTreeSet::new();
    for operation in &chosen {
        if undecided(operation) {
            let name = &operation.name;
            session.out.warn(&format!("{}: waits for a decision: anyt sync resolve {name}", describe(operation)))?;
        } else if is_rejected(operation) {
            op_ids.insert(operation.op_id.clone());
        } else {
            session.out.warn(&format!("{} was not refused; it is {}", describe(operation), state(operation)))?;
        }
    }
    edits::retry(&mut ctx.store, &op_ids)?;
    let count = op_ids.len();
    let said = match count {
        0 => "Nothing was refused that could be sent again".to_string(),
        _ => format!("✓ {count} {} will be sent with the next sync", plural(count, "operation")),
    };
    session.answer(|| object([("retried", integer(count as i64))]), |out| out.say(&said))
}

/// Takes operations out of the queue, after writing them to discarded.jsonl. What was queued on top of a task that was
/// never created goes with it, and is a parent no longer.
pub fn drop_operations(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open(session)?;
    let _held = ctx.lock()?.hold(OTHER_COMMAND)?;
    let waiting = ctx.store.waiting()?;
    let chosen = match session.call.has("all") {
        true => waiting.clone(),
        false => choose(session, &ctx, waiting.clone())?,
    };
    let op_ids = chosen.into_iter().map(|operation| operation.op_id).gather();
    let plan = DropPlan::of(&waiting, &op_ids, &Rows::of(&ctx.store)?)?;
    if plan.operations.is_empty() {
        return Err(Error::failure("nothing waits to be sent"));
    }
    let dropped = plan.operations.iter().map(describe);
    dropped.chain(plan.orphans.iter().map(orphaned)).try_for_each(|line| session.out.say(&format!("  {line}")))?;
    let count = plan.operations.len();
    let question = format!("Drop {count} {}?", plural(count, "operation"));
    confirm(session, &[], &question, "nothing was dropped")?;
    let number = drop_planned(&mut ctx.store, &plan)?;
    let orphans = plan.orphans.iter().map(|orphan| text(&orphan.name)).collect();
    let entry = number.map_or(Value::Null, integer);
    session.answer(
        || object([("dropped", integer(count as i64)), ("orphaned", Value::Array(orphans)), ("entry", entry)]),
        |out| {
            let back = |number| format!("; bring {} back: anyt sync restore {number}", them(count));
            let back = number.map_or_else(String::new, back);
            out.say(&format!("✓ Dropped {count} {}{back}", plural(count, "operation")))
        },
    )
}
