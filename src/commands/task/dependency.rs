//! `task dep`: which tasks wait for which.

use crate::commands::Session;
use crate::commands::context::EnvContext;
use crate::commands::deliver::{Delivery, deliver, write_mode};
use crate::commands::report::say_out_of_reach;
use crate::document::{object, text};
use crate::error::{Error, Result};
use crate::model::Row;
use crate::sync::edits;
use crate::ui::{Column, Table};
use miniserde::json::Value;

pub fn depend(session: &mut Session, add: bool) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let row = ctx.task_or_picked_to_change(session, typed)?.row;
    let mut targets = Vec::new();
    for name in session.call.items("on").unwrap_or_default() {
        let target = ctx.task_to_change(session, name)?.row;
        if target.id == row.id {
            return Err(Error::usage(format!("{} cannot depend on itself", row.name)));
        }
        targets.push(target);
    }
    let (present, _) = ctx.store.dependencies_of(row.id)?;
    let mode = write_mode(session, &ctx)?;
    // All are queued before the first is sent: a server that goes away meanwhile takes none of them with it.
    let mut queued = Vec::new();
    for target in targets {
        let exists = present.iter().any(|known| known.id == target.id);
        if exists == add {
            let state = if add { "depends on" } else { "does not depend on" };
            session.out.say(&format!("{} {state} {} already", row.name, target.name))?;
            continue;
        }
        let operations = edits::link(&mut ctx.store, &row, &target, add)?;
        queued.push((target, operations));
    }
    let (mut failure, mut deliveries) = (None, Vec::new());
    for (target, operations) in queued {
        let delivery = match deliver(session, &mut ctx, &mode, &operations) {
            Ok(delivery) => delivery,
            Err(error) => {
                if let Some(earlier) = failure.replace(error) {
                    session.out.error(&earlier)?;
                }
                continue;
            }
        };
        let state = if add { "depends on" } else { "no longer depends on" };
        session.out.say(&format!("✓ {} {state} {}{}", row.name, target.name, how(&delivery)))?;
        deliveries.push(delivery);
    }
    say_out_of_reach(session, deliveries.iter())?;
    if let Some(error) = failure {
        return Err(error);
    }
    if session.out.is_json() {
        let queued = deliveries.iter().any(Delivery::is_queued);
        let mut document = document(&ctx, &row)?;
        if let Value::Object(members) = &mut document {
            members.insert("queued".into(), Value::Bool(queued));
        }
        session.answer(|| document, |_| Ok(()))?;
    }
    Ok(0)
}

fn how(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Sent => "",
        Delivery::OutOfReach(_) => " (queued for sync: the server is out of reach)",
        Delivery::Busy => " (queued for sync: another anyt is at work)",
        _ => " (queued for sync)",
    }
}

fn document(ctx: &EnvContext, row: &Row) -> Result<Value> {
    let (needs, blocks) = ctx.store.dependencies_of(row.id)?;
    Ok(object([("identifier", text(&row.name)), ("depends_on", list(&needs)), ("blocks", list(&blocks))]))
}

pub fn dependencies(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let found = ctx.task_or_picked(session, typed)?;
    let row = found.row;
    let (needs, blocks) = ctx.store.dependencies_of(row.id)?;
    let document = document(&ctx, &row)?;
    session.answer(
        || document,
        |out| {
            if needs.is_empty() && blocks.is_empty() {
                return out.line(&format!("{} depends on nothing, and nothing waits for it", row.name));
            }
            let mut table = Table::new([
                Column::left(""),
                Column::left("ID"),
                Column::left("STATUS"),
                Column::left("TITLE").max(72),
            ]);
            for (what, rows) in [("depends on", &needs), ("blocks", &blocks)] {
                for other in rows {
                    table.row([what, &other.name, other.status(), other.title()]);
                }
            }
            table.print(out)
        },
    )?;
    found.hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}

fn list(rows: &[Row]) -> Value {
    let one = |row: &Row| {
        object([("identifier", text(&row.name)), ("title", text(row.title())), ("status", text(row.status()))])
    };
    Value::Array(rows.iter().map(one).collect())
}
