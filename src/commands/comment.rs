//! `anyt comment`: what people say about a task, read from the cache and changed here and on the server.

use super::Session;
use super::confirm::confirm;
use super::context::EnvContext;
use super::session::Effort;
use super::task::deliver::{Delivery, deliver, write_mode};
use super::task::fields::typed_text;
use super::task::report::{Changed, report};
use super::task::to_json;
use crate::document::{integer, object};
use crate::error::{Error, Result};
use crate::model::comment::{AUTHOR, COMMENT, CONTENT, TASK};
use crate::model::{Patch, Row, Value};
use crate::store::{ACCOUNT, ShownRow};
use crate::sync::edits::{self, Deletion};
use crate::sync::pull_lists;
use crate::sync::remote::to_error;
use crate::time::Timestamp;
use crate::ui::{Output, Style, markdown, sanitise};
use miniserde::json;

pub fn add(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().cloned();
    let task = ctx.task_or_picked_to_change(session, typed.as_deref())?.row;
    if pull_lists::has_none(&ctx.store, &COMMENT, task.workspace_id)? {
        return Err(Error::failure(format!("{} has no comments", ctx.env.origin))
            .hint("a note in the task's description: anyt task note"));
    }
    let content = content(session, &ctx, &task.name, "")?;
    let mode = write_mode(session, &ctx)?;
    let set = Patch::from([(CONTENT, Value::Text(content)), (TASK, Value::Int(task.id))]);
    let queued = edits::create(&mut ctx.store, &COMMENT, task.workspace_id, &set)?;
    let delivery = deliver(session, &mut ctx, &mode, &queued)?;
    let change = Changed::of(&ctx, "Created", &queued, delivery)?;
    report(session, &ctx, vec![change], Vec::new())
}

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().cloned();
    let found = ctx.task_or_picked(session, typed.as_deref())?;
    let task = found.row;
    let rows = match session.call.has("remote") && !task.is_provisional() {
        true => from_server(session, &ctx, &task)?,
        false => ctx.store.below(&COMMENT, task.id)?,
    };
    let known = session.call.has("remote") || pull_lists::is_read(&ctx.store, &COMMENT, &task)?;
    let none = match pull_lists::has_none(&ctx.store, &COMMENT, task.workspace_id)? {
        true => "the server has no comments".to_string(),
        false if !known => format!("the comments on {} were not read yet; run: anyt sync", task.name),
        false => format!("there is no comment on {}", task.name),
    };
    session.answer(
        || {
            let items = rows.iter().map(|shown| to_json(&shown.row, shown.pending)).collect();
            object([("count", integer(rows.len() as i64)), ("items", json::Value::Array(items))])
        },
        |out| if rows.is_empty() { out.warn(&none) } else { print(out, &rows) },
    )?;
    found.hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}

fn from_server(session: &mut Session, ctx: &EnvContext, task: &Row) -> Result<Vec<ShownRow>> {
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let below = (task.id, task.name.clone());
    let found = pull_lists::rows_below(&http, &COMMENT, task.workspace_id, &below);
    let rows = found.map_err(|error| to_error(error, &ctx.env.origin))?;
    let rows = rows.ok_or_else(|| Error::failure(format!("{} has no comments on {}", ctx.env.origin, task.name)))?;
    Ok(rows.items.into_iter().map(|row| ShownRow { row, pending: false, blocked: false }).collect())
}

/// The comments, one below the other, each with its number.
pub fn print(out: &mut Output, rows: &[ShownRow]) -> Result<()> {
    for (at, ShownRow { row, pending, .. }) in rows.iter().enumerate() {
        if at > 0 {
            out.raw("\n")?;
        }
        let number = out.paint(Style::Bold, &sanitise::line(number(row)));
        let author = sanitise::line(row.author().unwrap_or("you"));
        let when = Timestamp::parse(&row.created_at).map_or_else(|| row.created_at.clone(), Timestamp::local_minute);
        let edited = if row.updated_at == row.created_at { "" } else { ", edited" };
        let mark = if *pending { " (waits for sync)" } else { "" };
        out.raw(&format!("{number} {author}, {}{edited}{mark}\n", sanitise::line(&when)))?;
        markdown::print(out, row.content())?;
    }
    Ok(())
}

/// `#7` of `DEV-42#7`.
fn number(row: &Row) -> &str {
    row.name.find('#').map_or(&row.name, |at| &row.name[at..])
}

pub fn edit(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let row = named(session, &ctx)?;
    let content = content(session, &ctx, &row.name, row.content())?;
    let mode = write_mode(session, &ctx)?;
    let set = Patch::from([(CONTENT, Value::Text(content))]);
    let queued = edits::update(&mut ctx.store, &row, None, |_| Ok(set.clone()))?;
    let delivery = deliver(session, &mut ctx, &mode, &queued)?;
    let change = match queued.operations.is_empty() {
        true => Changed { kind: &COMMENT, verb: "Updated", name: row.name, id: row.id, delivery, hint: None },
        false => Changed::of(&ctx, "Updated", &queued, delivery)?,
    };
    report(session, &ctx, vec![change], Vec::new())
}

pub fn remove(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let row = named(session, &ctx)?;
    confirm(session, &[], &format!("Delete the comment {}?", row.name), "nothing was deleted")?;
    let mode = write_mode(session, &ctx)?;
    let (name, id) = (row.name.clone(), row.id);
    let delivery = match edits::delete(&mut ctx.store, &row)? {
        Deletion::Cancelled(_) => Delivery::Cancelled,
        Deletion::Queued(queued) => deliver(session, &mut ctx, &mode, &queued)?,
    };
    let change = Changed { kind: &COMMENT, verb: "Deleted", name, id, delivery, hint: None };
    report(session, &ctx, vec![change], Vec::new())
}

/// The comment of a task by its number, to be changed.
fn named(session: &Session, ctx: &EnvContext) -> Result<Row> {
    let arguments = session.call.arguments();
    let task = ctx.task_to_change(session, &arguments[0])?.row;
    let typed = arguments[1].trim_start_matches('#');
    let rows = ctx.store.below(&COMMENT, task.id)?;
    let found = rows.into_iter().find(|shown| number(&shown.row).trim_start_matches('#') == typed);
    let Some(ShownRow { row, .. }) = found else {
        return Err(Error::failure(format!("there is no comment #{typed} on {}", task.name))
            .hint(format!("see: anyt comment list {}", task.name)));
    };
    // A server refuses it; what is queued would wait for nothing.
    let account = ctx.store.metadata(ACCOUNT)?;
    match (row.text(AUTHOR), account.as_deref()) {
        (Some(author), Some(account)) if author != account => {
            Err(Error::failure(format!("{} is by {author}; only its author may change a comment", row.name)))
        }
        _ => Ok(row),
    }
}

/// The text that was given, or that is written in the person's editor, beginning with `start`.
fn content(session: &Session, ctx: &EnvContext, name: &str, start: &str) -> Result<String> {
    let content = match session.call.given("message") {
        Some(given) => typed_text(session, given)?,
        None if session.call.has("no-input") => {
            return Err(Error::usage("the comment has no text").hint("give it with -m, or -m - for standard input"));
        }
        None => session.editor(&ctx.env)?.write(name, start).map_err(|reason| {
            Error::failure(reason).hint("or give the text with -m; -m - reads it from standard input")
        })?,
    };
    match content.trim().is_empty() {
        true => Err(Error::usage("the comment is empty")),
        false => Ok(content),
    }
}
