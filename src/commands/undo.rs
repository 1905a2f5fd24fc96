//! `anyt log` and `anyt undo`: what this machine did, and taking it back.

use super::Session;
use super::confirm::confirm;
use super::context::EnvContext;
use super::deliver::{Delivery, write_mode};
use super::describe::{any_operation, describe, orphaned, state, title, to_json};
use super::report::{Changed, bring, report};
use crate::document::{list as list_of, text};
use crate::error::{Error, Result};
use crate::lock::OTHER_COMMAND;
use crate::model::task::TASK;
use crate::model::{Operation, State, kind};
use crate::sync::undo::{Inverse, carry_out, inverse, mark, undone, unmark};
use crate::time::Timestamp;
use crate::ui::{Column, Table};
use miniserde::json::Value;
use std::collections::BTreeSet;

/// The newest so many operations are looked through for one that can be undone.
const LOOKED_THROUGH: u32 = 200;

/// What can be done about an operation: a stable word for `--json`.
fn can_undo(ctx: &EnvContext, op: &Operation, undone: &BTreeSet<String>) -> (&'static str, String) {
    if undone.contains(&op.op_id) {
        return ("done", "undone".into());
    }
    // What waits can be given up; what else goes with it is looked for when it is.
    if matches!(op.state, State::Queued | State::Rejected(_)) {
        return ("possible", "yes".into());
    }
    match inverse(&ctx.store, op, undone) {
        Ok(_) => ("possible", "yes".into()),
        Err(error) => ("impossible", format!("no: {error}")),
    }
}

pub fn log(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let mut operations = match session.call.arguments() {
        [] => ctx.store.operations(limit(session))?,
        [name, ..] => {
            let row = ctx.task(session, name)?.row;
            let target = ctx.store.target_of(&row)?;
            let mut all = ctx.store.operations_of(row.kind, &target, row.id)?;
            all.reverse();
            all
        }
    };
    operations.truncate(limit(session) as usize);
    let undone = undone(&ctx.store)?;
    let listed: Vec<_> = operations.iter().map(|op| (op, can_undo(&ctx, op, &undone))).collect();
    let document = |op: &Operation, word: &str| {
        let mut document = to_json(op);
        if let Value::Object(members) = &mut document {
            members.insert("undo".into(), text(word));
        }
        document
    };
    session.item(|| document(&any_operation(), ""));
    session.answer(
        || list_of(listed.iter().map(|(op, (word, _))| document(op, word)).collect()),
        |out| {
            if listed.is_empty() {
                return out.line("Nothing was changed from here");
            }
            let mut table = Table::new([
                Column::right("#").whole(),
                Column::left("WHEN"),
                Column::left("OPERATION"),
                Column::left("TITLE").optional(),
                Column::left("STATE").max(40),
                Column::left("UNDO").max(60).optional(),
            ]);
            let now = Timestamp::now();
            for (op, (_, undo)) in &listed {
                let when = Timestamp::parse(&op.created_at).map_or_else(String::new, |at| at.ago(now));
                let (number, title) = (op.seq.to_string(), title(&ctx.store, op));
                table.row([number.as_str(), &when, &describe(op), &title, &state(op), undo]);
            }
            table.print(out)
        },
    )
}

fn limit(session: &Session) -> u32 {
    match session.call.number("limit").and_then(|limit| u32::try_from(limit).ok()) {
        Some(0) | None => u32::MAX,
        Some(limit) => limit,
    }
}

/// The operation that is meant: by its number or id, else the newest that can be undone.
fn chosen(session: &Session, ctx: &EnvContext, undone: &BTreeSet<String>) -> Result<Operation> {
    if let Some(typed) = session.call.arguments().first() {
        let found = match typed.trim_start_matches('#').parse::<i64>() {
            Ok(number) => ctx.store.operation_numbered(number)?,
            Err(_) => ctx.store.operation(typed)?,
        };
        return found.ok_or_else(|| {
            Error::not_found(format!("there is no operation '{typed}'")).hint("what was done from here: anyt log")
        });
    }
    let dropped = |op: &Operation| matches!(op.state, State::Dropped(_));
    let newest = ctx.store.operations(LOOKED_THROUGH)?;
    newest
        .into_iter()
        .find(|op| !undone.contains(&op.op_id) && !dropped(op))
        .ok_or_else(|| Error::failure("there is nothing to undo").hint("what was done from here: anyt log"))
}

/// Where no operation was named and the newest cannot be undone: the newest that can.
fn possible(session: &Session, ctx: &EnvContext, stuck: &Operation, undone: &BTreeSet<String>) -> Option<String> {
    let newest = session.call.arguments().is_empty().then(|| ctx.store.operations(LOOKED_THROUGH).ok())??;
    let other = newest.iter().find(|op| op.seq < stuck.seq && can_undo(ctx, op, undone).0 == "possible")?;
    Some(format!("one before it can: anyt undo {} ({})", other.seq, describe(other)))
}

pub fn undo(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let already = undone(&ctx.store)?;
    let op = chosen(session, &ctx, &already)?;
    let (number, what) = (op.seq, describe(&op));
    let explained = |error: Error| {
        let hint = possible(session, &ctx, &op, &already).or(error.advice());
        let error = hint.into_iter().fold(error, Error::hint);
        error.of(&format!("operation {number} ({what}) cannot be undone: "))
    };
    let inverse = inverse(&ctx.store, &op, &already).map_err(explained)?;
    let lost = match &inverse {
        Inverse::Again(..) if op.kind.name == TASK.name => "; its comments and attempts do not come back",
        _ => "",
    };
    session.out.say(&format!("Undoing operation {number}: {what}{lost}"))?;
    let kept = "nothing was undone";
    let verb = match &inverse {
        Inverse::Cancel(plan) => return cancel(session, ctx, &op, plan),
        Inverse::Delete { row, .. } => {
            let title = crate::ui::width::truncate(row.title(), 60);
            confirm(session, &[], &format!("Delete {} '{title}'?", row.name), kept)?;
            "Deleted"
        }
        Inverse::Again(..) => "Created",
        Inverse::Update { .. } | Inverse::Link { .. } => "Updated",
    };
    let mode = write_mode(session, &ctx)?;
    let queued = carry_out(&mut ctx.store, inverse)?;
    // An undo is undone by its number alone. Marked first: a command that is killed must not lead to the undo of an undo.
    let both: Vec<String> = queued.operations.iter().chain([&op]).map(|one| one.op_id.clone()).collect();
    mark(&ctx.store, &both)?;
    match bring(session, &mut ctx, &mode, verb, None, &queued) {
        Ok(change) => report(session, &ctx, vec![change], Vec::new()),
        Err(error) => {
            unmark(&ctx.store, &both)?;
            Err(error)
        }
    }
}

/// Gives up what waits; it is in discarded.jsonl then.
fn cancel(
    session: &mut Session,
    ctx: EnvContext,
    op: &Operation,
    plan: &crate::sync::drop_plan::DropPlan,
) -> Result<u8> {
    let mut ctx = ctx;
    let _held = ctx.lock()?.hold(OTHER_COMMAND)?;
    let others = plan.operations.iter().filter(|other| other.op_id != op.op_id).map(describe);
    let lines: Vec<String> = others.chain(plan.orphans.iter().map(orphaned)).map(|line| format!("  {line}")).collect();
    if !lines.is_empty() {
        confirm(session, &lines, "Undo these with it?", "nothing was undone")?;
    }
    carry_out(&mut ctx.store, Inverse::Cancel(plan.clone()))?;
    let name = op.name.clone();
    // A link is told as the row that it begins at.
    let kind = kind(op.kind.ends).unwrap_or(op.kind);
    let id = ctx.store.row_of(kind, &op.target)?.map_or(0, |row| row.id);
    let gone = Changed { kind, verb: "Undone:", name, id, delivery: Delivery::Cancelled, hint: None };
    report(session, &ctx, vec![gone], Vec::new())
}
