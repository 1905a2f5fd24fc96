//! `anyt comment`: what people say about a task, read from the cache and changed here and on the server.

use super::confirm::confirm;
use super::context::EnvContext;
use super::deliver::write_mode;
use super::report::{deleted, report, written};
use super::typed::typed_text;
use super::{Session, below};
use crate::error::{Error, Result};
use crate::model::comment::{AUTHOR, COMMENT, CONTENT, TASK};
use crate::model::{Patch, Row, Value};
use crate::store::{ACCOUNT, ShownRow};
use crate::sync::edits;
use crate::time::Timestamp;
use crate::ui::{Output, Style, markdown, sanitise};

pub fn add(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().cloned();
    let task = ctx.task_or_picked_to_change(session, typed.as_deref())?.row;
    below::refuse_absent(&ctx, &COMMENT, task.workspace_id)
        .map_err(|error| error.hint("a note in the task's description: anyt task note"))?;
    let content = content(session, &ctx, &task.name, "")?;
    let mode = write_mode(session, &ctx)?;
    let set = Patch::from([(CONTENT, Value::Text(content)), (TASK, Value::Int(task.id))]);
    let queued = edits::create(&mut ctx.store, &COMMENT, task.workspace_id, &set)?;
    let change = written(session, &mut ctx, &mode, "Created", None, &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().cloned();
    let found = ctx.task_or_picked(session, typed.as_deref())?;
    below::list(session, &ctx, &COMMENT, &found.row, print)?;
    found.hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}

/// The comments, one below the other, each with its number.
pub fn print(out: &mut Output, rows: &[ShownRow]) -> Result<()> {
    for (at, ShownRow { row, pending, .. }) in rows.iter().enumerate() {
        if at > 0 {
            out.raw("\n")?;
        }
        let number = out.paint(Style::Bold, &format!("#{}", sanitise::line(below::number(row))));
        let author = sanitise::line(row.author().unwrap_or("you"));
        let when = Timestamp::on_screen(&row.created_at);
        let edited = if row.updated_at == row.created_at { "" } else { ", edited" };
        let mark = if *pending { " (waits for sync)" } else { "" };
        out.raw(&format!("{number} {author}, {}{edited}{mark}\n", sanitise::line(&when)))?;
        markdown::print(out, row.content())?;
    }
    Ok(())
}

pub fn edit(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let row = named(session, &ctx)?;
    let content = content(session, &ctx, &row.name, row.content())?;
    let mode = write_mode(session, &ctx)?;
    let set = Patch::from([(CONTENT, Value::Text(content))]);
    let queued = edits::update(&mut ctx.store, &row, None, |_| Ok(set.clone()))?;
    let change = written(session, &mut ctx, &mode, "Updated", Some(&row), &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

pub fn remove(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let row = named(session, &ctx)?;
    confirm(session, &[], &format!("Delete the comment {}?", row.name), "nothing was deleted")?;
    let mode = write_mode(session, &ctx)?;
    let change = deleted(session, &mut ctx, &mode, &row)?;
    report(session, &ctx, vec![change], Vec::new())
}

/// The comment of a task by its number, to be changed.
fn named(session: &Session, ctx: &EnvContext) -> Result<Row> {
    let arguments = session.call.arguments();
    let task = ctx.task_to_change(session, &arguments[0])?.row;
    let row = below::numbered(ctx, &COMMENT, &task, arguments[1].trim_start_matches('#'))?;
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
