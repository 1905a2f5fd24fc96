//! `task dep`: which tasks wait for which.

use super::deliver::{Delivery, Road, deliver, queued_for_later, road};
use crate::commands::Session;
use crate::commands::workbench::Workbench;
use crate::document::{object, text};
use crate::error::{Error, Result};
use crate::model::Task;
use crate::sync::local;
use crate::ui::{Column, Table};
use miniserde::json::Value;

pub fn depend(session: &mut Session, add: bool) -> Result<u8> {
    let mut bench = Workbench::open(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let (task, _) = bench.task_or_picked(session, typed)?;
    let mut targets = Vec::new();
    for name in session.call.items("on").unwrap_or_default() {
        let (target, _) = bench.task(session, name)?;
        if target.id == task.id {
            return Err(Error::usage(format!("{} cannot depend on itself", task.identifier)));
        }
        targets.push(target);
    }
    let (present, _) = bench.cache.dependencies_of(task.id)?;
    let road = road(session, &bench)?;
    // All are queued before the first is sent: a server that goes away meanwhile takes none of them with it.
    let mut queued = Vec::new();
    for target in targets {
        let exists = present.iter().any(|known| known.id == target.id);
        if exists == add {
            let state = if add { "depends on" } else { "does not depend on" };
            session.out.say(&format!("{} {state} {} already", task.identifier, target.identifier))?;
            continue;
        }
        let operations = local::depend(&mut bench.cache, &bench.journal, &task, &target, add)?;
        queued.push((target, operations));
    }
    let mut failure = None;
    for (target, operations) in queued {
        let delivery = match deliver(session, &mut bench, &road, &operations) {
            Ok(delivery) => delivery,
            Err(error) => {
                if let Some(earlier) = failure.replace(error) {
                    session.out.error(&earlier)?;
                }
                continue;
            }
        };
        let state = if add { "depends on" } else { "no longer depends on" };
        let queued = if matches!(delivery, Delivery::Sent) { "" } else { " (queued for sync)" };
        session.out.say(&format!("✓ {} {state} {}{queued}", task.identifier, target.identifier))?;
    }
    if let Some(error) = failure {
        return Err(error);
    }
    if session.out.is_json() {
        dependencies(session)?;
    }
    match road {
        Road::Unreachable(error) => Err(queued_for_later(error)),
        _ => Ok(0),
    }
}

pub fn dependencies(session: &mut Session) -> Result<()> {
    let bench = Workbench::open(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let (task, _) = bench.task_or_picked(session, typed)?;
    let (needs, blocks) = bench.cache.dependencies_of(task.id)?;
    session.answer(
        || object([("identifier", text(&task.identifier)), ("depends_on", list(&needs)), ("blocks", list(&blocks))]),
        |out| {
            if needs.is_empty() && blocks.is_empty() {
                return out.line(&format!("{} depends on nothing, and nothing waits for it", task.identifier));
            }
            let mut table = Table::new([
                Column::left(""),
                Column::left("ID"),
                Column::left("STATUS"),
                Column::left("TITLE").max(72),
            ]);
            for (what, tasks) in [("depends on", &needs), ("blocks", &blocks)] {
                for other in tasks {
                    table.row([what, &other.identifier, &other.status, &other.title]);
                }
            }
            table.print(out)
        },
    )
}

fn list(tasks: &[Task]) -> Value {
    let one = |task: &Task| {
        object([("identifier", text(&task.identifier)), ("title", text(&task.title)), ("status", text(&task.status))])
    };
    Value::Array(tasks.iter().map(one).collect())
}
