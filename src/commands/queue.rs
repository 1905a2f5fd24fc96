//! `anyt sync queue`: looking at what waits to be sent, and acting on it.

use super::Session;
use super::screen::{describe, described, orphaned, plural};
use super::sync::one_line;
use super::workbench::{Name, Workbench};
use crate::document::{integer, object, text};
use crate::error::{Error, Result};
use crate::model::Operation;
use crate::names::Known;
use crate::sync::local;
use crate::sync::loss::Loss;
use crate::ui::{Column, Table};
use miniserde::json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

pub fn list(session: &mut Session) -> Result<()> {
    let bench = Workbench::open(session)?;
    let pending = bench.cache.pending()?;
    session.answer(
        || {
            let items = pending.iter().enumerate().map(|(index, operation)| to_json(index + 1, operation)).collect();
            object([("items", Value::Array(items)), ("count", integer(pending.len() as i64))])
        },
        |out| {
            if pending.is_empty() {
                return out.line("Nothing waits to be sent");
            }
            let mut table = Table::new([
                Column::right("#"),
                Column::left("OPERATION").max(60),
                Column::left("QUEUED (UTC)"),
                Column::left("STATE").max(80),
            ]);
            for (index, operation) in pending.iter().enumerate() {
                let when = operation.created_at.get(..16).unwrap_or("").replace('T', " ");
                table.row([(index + 1).to_string().as_str(), &describe(operation), &when, &state(operation)]);
            }
            table.print(out)
        },
    )
}

fn state(operation: &Operation) -> String {
    match (&operation.error, &operation.uncertain) {
        (Some(error), _) => format!("refused: {error}"),
        (None, Some(_)) => "sent, answer unknown; checked at the next sync".into(),
        (None, None) => "waiting".into(),
    }
}

fn to_json(number: usize, operation: &Operation) -> Value {
    let mut document = described(operation);
    if let Value::Object(members) = &mut document {
        members.insert("number".into(), integer(number as i64));
        members.insert("state".into(), text(state(operation)));
    }
    document
}

pub fn show(session: &mut Session) -> Result<()> {
    let bench = Workbench::open(session)?;
    let pending = bench.cache.pending()?;
    let chosen = choose(session, &bench, &pending)?;
    session.answer(
        || Value::Array(chosen.iter().map(|(number, operation)| to_json(*number, operation)).collect()),
        |out| {
            for (number, operation) in &chosen {
                out.line(&format!("#{number} {}", describe(operation)))?;
                out.line(&format!("  State: {}", state(operation)))?;
                out.line(&format!("  Queued: {}", operation.created_at))?;
                out.line(&format!("  Operation id: {}", operation.op_id))?;
                if operation.base_version > 0 {
                    out.line(&format!("  Made on version: {}", operation.base_version))?;
                }
                let names = Known { cache: &bench.cache, workspace_id: operation.workspace_id };
                for (field, value) in &operation.set {
                    let line = |value| one_line(*field, value, &names);
                    let before =
                        operation.base.get(field).map_or_else(String::new, |base| format!("{} → ", line(base)));
                    out.line(&format!("  {}: {before}{}", field.word(), line(value)))?;
                }
            }
            Ok(())
        },
    )
}

/// The operations that the arguments name: queue numbers, operation ids, or tasks.
fn choose(session: &Session, bench: &Workbench, pending: &[Operation]) -> Result<Vec<(usize, Operation)>> {
    let mut chosen: Vec<(usize, Operation)> = Vec::new();
    for typed in session.call.arguments() {
        let number: Option<usize> = typed.parse().ok();
        let task =
            || Name::parse(typed).filter(|name| name.prefix.is_some()).and_then(|_| bench.task(session, typed).ok());
        let named: Vec<usize> = if let Some(number) = number {
            (1..=pending.len()).filter(|index| *index == number).collect()
        } else {
            let task = task().map(|(task, _)| task.id);
            let concerns = |operation: &Operation| {
                operation.op_id == *typed
                    || Some(operation.task_id) == task
                    || operation.identifier.eq_ignore_ascii_case(typed)
            };
            (1..=pending.len()).filter(|index| concerns(&pending[index - 1])).collect()
        };
        if named.is_empty() {
            return Err(Error::failure(format!("nothing queued is called '{typed}'")).hint("see: anyt sync queue"));
        }
        for index in named {
            if !chosen.iter().any(|(known, _)| *known == index) {
                chosen.push((index, pending[index - 1].clone()));
            }
        }
    }
    Ok(chosen)
}

/// Clears the server's refusal; the next sync sends the operation again. Of a create whose lost answer may have made one
/// of several tasks this says that it has not.
pub fn retry(session: &mut Session) -> Result<()> {
    let mut bench = Workbench::open(session)?;
    let _held = bench.lock()?.hold(Duration::from_secs(1))?;
    let pending = bench.cache.pending()?;
    let chosen: Vec<Operation> = if session.call.has("all") {
        pending.into_iter().filter(|operation| operation.error.is_some()).collect()
    } else {
        choose(session, &bench, &pending)?.into_iter().map(|(_, operation)| operation).collect()
    };
    let (refused, others): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|operation| operation.error.is_some());
    let undecided: BTreeSet<i64> = bench.cache.conflicts()?.iter().map(|conflict| conflict.task_id).collect();
    for operation in refused.iter().chain(&others) {
        if undecided.contains(&operation.task_id) {
            let name = &operation.identifier;
            session.out.warn(&format!("{}: waits for a decision: anyt sync resolve {name}", describe(operation)))?;
        } else if operation.error.is_none() {
            session.out.warn(&format!("{} was not refused; it is {}", describe(operation), state(operation)))?;
        }
    }
    let count = refused.iter().filter(|operation| !undecided.contains(&operation.task_id)).count();
    local::retry(&mut bench.cache, &bench.journal, refused)?;
    let said = match count {
        0 => "Nothing was refused that could be sent again".to_string(),
        _ => format!("✓ {count} {} will be sent with the next sync", plural(count, "operation")),
    };
    session.answer(|| object([("retried", integer(count as i64))]), |out| out.say(&said))
}

/// Takes operations out of the queue, after writing them to `discarded/`. What was queued on top of a task that was
/// never created goes with it, and is a parent no longer.
pub fn drop_operations(session: &mut Session) -> Result<()> {
    let mut bench = Workbench::open(session)?;
    let _held = bench.lock()?.hold(Duration::from_secs(1))?;
    let pending = bench.cache.pending()?;
    let chosen: Vec<Operation> = if session.call.has("all") {
        pending.clone()
    } else {
        choose(session, &bench, &pending)?.into_iter().map(|(_, operation)| operation).collect()
    };
    let loss = Loss::of(&pending, &chosen)?;
    if loss.operations.is_empty() {
        return Err(Error::failure("nothing waits to be sent"));
    }
    let given_up = loss.operations.iter().map(describe);
    given_up.chain(loss.orphans.iter().map(orphaned)).try_for_each(|line| session.out.say(&format!("  {line}")))?;
    let count = loss.operations.len();
    let question = format!("Give up {count} {}?", plural(count, "operation"));
    if !session.call.has("yes") && !session.input.confirm(&mut session.out, &question)? {
        return Err(Error::failure("nothing was dropped").hint("without a terminal: give --yes"));
    }
    let path = bench.discard.loss("dropped", &bench.cache, &loss)?;
    local::give_up(&mut bench.cache, &bench.journal, &loss)
        .inspect_err(|_| bench.discard.release(std::slice::from_ref(&path)))?;
    let orphans = loss.orphans.iter().map(|orphan| text(&orphan.identifier)).collect();
    let shown = path.display().to_string();
    session.answer(
        || object([("dropped", integer(count as i64)), ("orphaned", Value::Array(orphans)), ("file", text(&shown))]),
        |out| out.say(&format!("✓ Dropped {count} {}; kept in {shown}", plural(count, "operation"))),
    )
}
