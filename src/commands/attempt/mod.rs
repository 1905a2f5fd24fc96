//! `anyt attempt`: tries at tasks, read from the cache and recorded here and on the server.

mod marker;
mod run;

pub use run::run;

use super::context::EnvContext;
use super::deliver::write_mode;
use super::report::{report, written};
use super::reporter::thousands;
use super::typed::typed_text;
use super::{Session, artifact, below};
use crate::document::shown_row;
use crate::error::{Error, Result};
use crate::model::artifact::ARTIFACT;
use crate::model::attempt::{
    ACTOR, AGENT, ATTEMPT, ENDED, FAILURE, MESSAGE, NOTES, STARTED, STATUS, STATUSES, TASK, TIME, TOKENS,
};
use crate::model::{Patch, Row, Value};
use crate::store::ShownRow;
use crate::sync::edits;
use crate::time::Timestamp;
use crate::ui::{Column, Output, Table, markdown};
use miniserde::json;

pub fn start(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().cloned();
    let task = ctx.task_or_picked_to_change(session, typed.as_deref())?.row;
    below::refuse_absent(&ctx, &ATTEMPT, task.workspace_id)?;
    let set = begun(session, &task)?;
    let mode = write_mode(session, &ctx)?;
    let queued = edits::create(&mut ctx.store, &ATTEMPT, task.workspace_id, &set)?;
    let change = written(session, &mut ctx, &mode, "Started", None, &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

/// The values of a new attempt, as the flags have them.
fn begun(session: &Session, task: &Row) -> Result<Patch> {
    let mut set = Patch::from([(TASK, Value::Int(task.id))]);
    if let Some(given) = session.call.given("notes") {
        set.insert(NOTES, Value::Text(typed_text(session, given)?));
    }
    set.extend(session.call.given("agent").map(|agent| (AGENT, Value::Text(agent.to_string()))));
    Ok(set)
}

pub fn finish(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments()[0].clone();
    let row = attempt_named(session, &ctx, &typed)?;
    let set = ended(session, &row)?;
    let mode = write_mode(session, &ctx)?;
    let queued = edits::update(&mut ctx.store, &row, None, |_| Ok(set.clone()))?;
    let change = written(session, &mut ctx, &mode, "Finished", Some(&row), &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

/// What the flags say of how it ended.
fn ended(session: &Session, row: &Row) -> Result<Patch> {
    let call = session.call;
    let text = |flag: &str| call.given(flag).map(|given| Value::Text(given.to_string()));
    let number = |flag: &str| call.number(flag).and_then(|number| i64::try_from(number).ok()).map(Value::Int);
    let (failure, message) = (text("failure"), text("message"));
    let failed = failure.is_some() || message.is_some();
    let status = match call.given("status") {
        Some("success") if failed => {
            return Err(Error::usage("an attempt that succeeded has no failure"));
        }
        Some(status) => Some(status),
        None if failed => Some(STATUSES[2]),
        None if row.is_running() => Some(STATUSES[1]),
        None => None,
    };
    let mut set = Patch::new();
    set.extend(status.map(|status| (STATUS, Value::Text(status.into()))));
    let given =
        [(FAILURE, failure), (MESSAGE, message), (TOKENS, number("cost-tokens")), (TIME, number("wall-clock-ms"))];
    set.extend(given.into_iter().filter_map(|(field, value)| Some((field, value?))));
    if let Some(given) = call.given("notes") {
        set.insert(NOTES, Value::Text(typed_text(session, given)?));
    }
    match set.is_empty() {
        true => Err(Error::usage(format!("{} has ended; nothing to change was named", row.name))
            .hint("see: anyt help attempt finish")),
        false => Ok(set),
    }
}

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().cloned();
    let found = ctx.task_or_picked(session, typed.as_deref())?;
    below::list(session, &ctx, &ATTEMPT, &found.row, print)?;
    found.hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}

/// The attempts, a line each, with what they cost.
pub fn print(out: &mut Output, rows: &[ShownRow]) -> Result<()> {
    let mut table = Table::new([
        Column::left("ATTEMPT").whole(),
        Column::left(""),
        Column::left("STATUS"),
        Column::left("STARTED").optional(),
        Column::right("TIME"),
        Column::right("TOKENS"),
        Column::left("BY").optional(),
        Column::left("FAILURE").max(40).optional(),
    ]);
    for ShownRow { row, pending, .. } in rows {
        let started = Timestamp::on_screen(row.text(STARTED).unwrap_or(&row.created_at));
        let by = row.text(AGENT).or(row.text(ACTOR)).unwrap_or("you");
        let failure = row.text(FAILURE).or(row.text(MESSAGE)).unwrap_or("");
        let (time, tokens) = (took(row), tokens(row));
        let mark = if *pending { "*" } else { "" };
        table.row([&row.name, mark, row.text(STATUS).unwrap_or(""), &started, &time, &tokens, by, failure]);
    }
    table.print(out)
}

/// `1.5 s`, `2 m 5 s`, `1 h 3 m`; nothing where it is not known.
fn took(row: &Row) -> String {
    let Some(ms) = row.int(TIME) else { return String::new() };
    let seconds = ms / 1000;
    match seconds {
        0..=59 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..=3_599 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn tokens(row: &Row) -> String {
    row.int(TOKENS).and_then(|tokens| usize::try_from(tokens).ok()).map_or_else(String::new, thousands)
}

pub fn show(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments()[0].clone();
    let row = attempt_named(session, &ctx, &typed)?;
    let pending = ctx.store.is_pending(row.kind, row.id)?;
    let artifacts = ctx.store.below(&ARTIFACT, row.id)?;
    session.answer(
        || {
            let mut document = shown_row(&row, pending);
            if let json::Value::Object(members) = &mut document {
                let one = |shown: &ShownRow| shown_row(&shown.row, shown.pending);
                members.insert("artifacts".into(), json::Value::Array(artifacts.iter().map(one).collect()));
            }
            document
        },
        |out| {
            let mark = if pending { " (changes wait for sync)" } else { "" };
            out.line(&format!("{}: {}{mark}", row.name, row.text(STATUS).unwrap_or("")))?;
            let text = |field| row.text(field).unwrap_or("").to_string();
            let time = |field| row.text(field).map_or_else(String::new, Timestamp::with_age);
            let said = [
                ("By", text(ACTOR)),
                ("Agent", text(AGENT)),
                ("Started", time(STARTED)),
                ("Ended", time(ENDED)),
                ("Time", took(&row)),
                ("Tokens", tokens(&row)),
                ("Failure", text(FAILURE)),
                ("Message", text(MESSAGE)),
            ];
            let mut said = said.iter().filter(|(_, value)| !value.is_empty());
            said.try_for_each(|(name, value)| out.line(&format!("{name}: {value}")))?;
            if let Some(notes) = row.text(NOTES).filter(|notes| !notes.is_empty()) {
                out.raw("\n")?;
                markdown::print(out, notes)?;
            }
            if artifacts.is_empty() {
                return Ok(());
            }
            out.raw("\n")?;
            artifact::print(out, &artifacts)
        },
    )
}

/// `DEV-42@7`, `@7`, or a task (`DEV-42`, 42): the newest of its attempts that go on, else the newest.
pub fn attempt_named(session: &Session, ctx: &EnvContext, typed: &str) -> Result<Row> {
    // A number alone is a task, as everywhere.
    if typed.starts_with(ATTEMPT.mark()) {
        let none = || Error::usage(format!("'{typed}' names no attempt")).hint("for example: DEV-42@7");
        return below::by_id(ctx, &ATTEMPT, typed)?.ok_or_else(none);
    }
    if let Some((task, number)) = typed.rsplit_once(ATTEMPT.mark()) {
        let task = ctx.task_to_change(session, task)?.row;
        return below::numbered(ctx, &ATTEMPT, &task, number);
    }
    let task = ctx.task_to_change(session, typed)?.row;
    let mut rows: Vec<Row> = ctx.store.below(&ATTEMPT, task.id)?.into_iter().map(|shown| shown.row).collect();
    let newest = rows.iter().rposition(Row::is_running).or(rows.len().checked_sub(1));
    newest.map(|at| rows.swap_remove(at)).ok_or_else(|| {
        Error::not_found(format!("there is no attempt on {}", task.name))
            .hint(format!("start one: anyt attempt start {}", task.name))
    })
}
