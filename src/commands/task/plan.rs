//! `task plan`: an implementation plan that somebody reviews before the work begins. The server keeps the review, so that
//! nothing of this is queued.

use crate::commands::Session;
use crate::commands::context::EnvContext;
use crate::commands::session::{Effort, refuse_offline};
use crate::commands::typed::typed_text;
use crate::document::{shown_row, text};
use crate::error::{Error, Result};
use crate::model::Row;
use crate::model::task::{PLAN, TASK};
use crate::sync::remote::{Remote, to_error, to_write_error};
use crate::time::Timestamp;
use miniserde::json::Value;

pub fn submit(session: &mut Session) -> Result<()> {
    refuse_offline(session, "the server passes a plan on to those who review it")?;
    let given = session.call.given("plan").map(|given| typed_text(session, given)).transpose()?;
    let (ctx, row) = named(session)?;
    let plan = given.or_else(|| row.text(PLAN).map(str::to_string)).filter(|plan| !plan.trim().is_empty());
    let plan = plan.ok_or_else(|| {
        Error::usage(format!("{} has no plan", row.name)).hint("give it with --plan; --plan - reads standard input")
    })?;
    review(session, ctx, row, "submit", Some(("implementation_plan", text(plan))), "Submitted the plan of")
}

pub fn approve(session: &mut Session) -> Result<()> {
    judge(session, "approve", "Approved the plan of")
}

pub fn request_changes(session: &mut Session) -> Result<()> {
    judge(session, "request-changes", "Requested changes to the plan of")
}

fn judge(session: &mut Session, action: &str, done: &str) -> Result<()> {
    refuse_offline(session, "a review is about the plan that the server has now")?;
    let feedback = session.call.given("feedback").map(|given| typed_text(session, given)).transpose()?;
    let (ctx, row) = named(session)?;
    review(session, ctx, row, action, feedback.map(|feedback| ("feedback", text(feedback))), done)
}

fn named(session: &mut Session) -> Result<(EnvContext, Row)> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let row = ctx.task_or_picked_to_change(session, typed)?.row;
    if row.is_provisional() {
        return Err(Error::failure(format!("{} is not on the server yet", row.name)).hint("send it first: anyt sync"));
    }
    Ok((ctx, row))
}

fn review(
    session: &mut Session,
    mut ctx: EnvContext,
    row: Row,
    action: &str,
    given: Option<(&str, Value)>,
    done: &str,
) -> Result<()> {
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let look = format!("anyt sync, then anyt task show {}", row.name);
    let answer = http
        .act(&TASK, row.workspace_id, &row.name, &format!("plan/{action}"), given)
        .map_err(|error| to_write_error(error, &ctx.env.origin, &look))?;
    let Some(row) = answer else {
        // The same answer for a task that is gone and for a server that knows no reviews.
        let found = http.row(&TASK, row.workspace_id, &row.name);
        let is_there = found.map_err(|error| to_error(error, &ctx.env.origin))?.is_some();
        return Err(Error::failure(match is_there {
            true => format!("{} has no reviews of plans", ctx.env.origin),
            false => format!("{} is no longer on the server", row.name),
        }));
    };
    ctx.store.remember(&[], std::slice::from_ref(&row), &Timestamp::now().rfc3339())?;
    session.answer(|| shown_row(&row, false), |out| out.say(&format!("✓ {done} {}", row.name)))
}
