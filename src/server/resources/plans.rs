//! Reviews of implementation plans (api.md 2.5, client 0.9.1). Choices where the contract leaves it open: feedback becomes
//! a comment on the task, so that every client shows it; a plan that changes otherwise waits for a review again if it had
//! one; there is nothing to review in a task without a plan (409).

use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::tasks::answer;
use crate::routes::Call;
use crate::store::tasks::{self as stored, Review, Task};
use crate::store::{clock, comments};
use crate::wire::Json;
use anyt::time::Timestamp;

pub const STATUSES: [&str; 3] = ["pending", "approved", "changes_requested"];

fn named(call: &Call) -> Outcome<Task> {
    stored::get(call.connection, &call.workspace()?, call.argument(1))
}

pub fn submit(call: &Call) -> Outcome<Response> {
    let mut row = named(call)?;
    let body = call.body()?;
    row.task.implementation_plan = Some(body.content("implementation_plan")?.into());
    row.review = match body.bool("auto_approve")? {
        Some(true) => verdict(call, "approved")?,
        _ => Review { status: Some("pending".into()), ..Review::default() },
    };
    finish(call, row, "plan_submitted", None)
}

pub fn approve(call: &Call) -> Outcome<Response> {
    let feedback = call.body()?;
    review(call, "approved", "plan_approved", feedback.text("feedback")?)
}

pub fn request_changes(call: &Call) -> Outcome<Response> {
    let feedback = call.body()?;
    review(call, "changes_requested", "plan_changes_requested", Some(feedback.content("feedback")?))
}

fn review(call: &Call, status: &str, event: &'static str, feedback: Option<&str>) -> Outcome<Response> {
    let mut row = named(call)?;
    if row.task.implementation_plan.as_deref().is_none_or(str::is_empty) {
        return Err(Problem::conflict("no-plan", format!("{} has no implementation plan", row.task.identifier)));
    }
    row.review = verdict(call, status)?;
    finish(call, row, event, feedback.filter(|text| !text.trim().is_empty()))
}

fn verdict(call: &Call, status: &str) -> Outcome<Review> {
    let now = Timestamp(clock::tick(call.connection)?);
    Ok(Review { status: Some(status.into()), at: Some(now), by: Some(call.user().into()) })
}

fn finish(call: &Call, row: Task, event: &'static str, feedback: Option<&str>) -> Outcome<Response> {
    let task = &row.task;
    stored::save(call.connection, &row)?;
    let mut note = Note::of_task(task.id, event);
    if let Some(feedback) = feedback {
        comments::create(call.connection, task.id, call.user(), feedback, &Vec::new(), None)?;
        note = note.with("feedback", feedback.json());
    }
    note.write(call, task.workspace_id)?;
    Ok(answer(200, &stored::by_id(call.connection, task.id)?))
}
