//! Pull requests (api.md 2.15): below the task, and by workspace as client 0.9.1 asks. The server asks no code host: it
//! keeps what it is told.

use crate::http::Response;
use crate::input::{Body, one_of};
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::stored_json;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::pull_requests::{self as stored, PullRequest, State};
use crate::store::{attempts, tasks};
use crate::wire::{Json, object};
use anyt::model;
use anyt::time::Timestamp;
use miniserde::json::{self, Value};

const STATUSES: [&str; 4] = ["draft", "open", "merged", "closed"];
const REVIEWS: [&str; 4] = ["pending", "approved", "changes_requested", "dismissed"];
const CI: [&str; 4] = ["pending", "success", "failure", "error"];
const CONCLUSIONS: [&str; 7] =
    ["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"];

fn to_json(request: PullRequest) -> Value {
    let state = request.state;
    object([
        ("id", request.id.json()),
        ("task_id", request.task_id.json()),
        ("attempt_id", request.attempt_id.json()),
        ("workspace_id", request.workspace_id.json()),
        ("project_id", request.project_id.json()),
        ("pr_number", request.number.json()),
        ("pr_url", request.url.json()),
        ("head_branch", request.head_branch.json()),
        ("base_branch", request.base_branch.json()),
        ("head_sha", state.head_sha.json()),
        ("pr_status", state.status.json()),
        ("review_status", state.review_status.json()),
        ("review_count", state.review_count.json()),
        ("approved_count", state.approved_count.json()),
        ("changes_requested_count", state.changes_requested_count.json()),
        ("ci_status", state.ci_status.json()),
        ("ci_conclusion", state.ci_conclusion.json()),
        ("ci_check_runs_total", state.ci_check_runs_total.json()),
        ("ci_check_runs_completed", state.ci_check_runs_completed.json()),
        ("ci_check_runs_failed", state.ci_check_runs_failed.json()),
        ("mergeable", state.mergeable.json()),
        ("mergeable_state", state.mergeable_state.json()),
        ("merge_commit_sha", state.merge_commit_sha.json()),
        ("extra_metadata", stored_json(state.extra_metadata)),
        ("opened_at", request.opened_at.json()),
        ("merged_at", request.merged_at.json()),
        ("closed_at", request.closed_at.json()),
        ("created_at", request.created_at.json()),
        ("updated_at", request.updated_at.json()),
    ])
}

fn array(requests: Vec<PullRequest>) -> Response {
    Response::json(200, &requests.into_iter().map(to_json).collect::<Vec<_>>().json())
}

fn task(call: &Call) -> Outcome<model::Task> {
    Ok(tasks::get(call.connection, &call.workspace()?, call.argument(1))?.task)
}

pub fn of_task(call: &Call) -> Outcome<Response> {
    Ok(array(stored::of_task(call.connection, task(call)?.id)?))
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let page = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let status = call.query.text("pr_status").map(|word| one_of("pr_status", word, &STATUSES)).transpose()?;
    let project = call.query.int("project_id")?;
    Ok(array(stored::list(call.connection, workspace.id, (status, project), page)?))
}

pub fn create(call: &Call) -> Outcome<Response> {
    let task = task(call)?;
    let body = call.body()?;
    let number = body.required_int("pr_number")?;
    if number < 1 {
        return Err(Problem::invalid("pr_number", "must be at least 1"));
    }
    let attempt_id = body.int("attempt_id")?;
    if let Some(id) = attempt_id {
        let known = attempts::get(call.connection, task.workspace_id, id);
        if !known.is_ok_and(|attempt| attempt.task_id == task.id) {
            return Err(Problem::invalid("attempt_id", format!("{} has no attempt {id}", task.identifier)));
        }
    }
    let (none, status) = (Timestamp(0), body.word("pr_status", &STATUSES)?.unwrap_or("open"));
    let new = PullRequest {
        id: 0,
        task_id: task.id,
        attempt_id,
        workspace_id: task.workspace_id,
        project_id: task.project_id,
        number,
        url: body.content("pr_url")?.into(),
        head_branch: body.name("head_branch")?.into(),
        base_branch: body.name("base_branch")?.into(),
        opened_at: none,
        merged_at: None,
        closed_at: None,
        created_at: none,
        updated_at: none,
        state: State { head_sha: body.name("head_sha")?.into(), status: status.into(), ..State::default() },
    };
    let id = stored::create(call.connection, &new)?;
    let note = Note::new("pull_request", id, "registered").on_task(task.id).with("pr_url", new.url.json());
    note.write(call, task.workspace_id)?;
    Ok(Response::json(201, &to_json(stored::get(call.connection, task.workspace_id, id)?)))
}

fn named(call: &Call, position: usize) -> Outcome<PullRequest> {
    stored::get(call.connection, call.workspace()?.id, call.id(position, "pull request")?)
}

pub fn update(call: &Call) -> Outcome<Response> {
    change(call, named(call, 1)?)
}

pub fn update_below_task(call: &Call) -> Outcome<Response> {
    let request = named(call, 2)?;
    if request.task_id != task(call)?.id {
        return Err(Problem::missing("pull request", call.argument(2)));
    }
    change(call, request)
}

fn change(call: &Call, request: PullRequest) -> Outcome<Response> {
    let old = &request.state;
    let new = changed(old.clone(), &call.body()?)?;
    if new != *old {
        stored::save(call.connection, request.id, &new)?;
        let mut note = Note::new("pull_request", request.id, "updated").on_task(request.task_id);
        for (field, old, new) in [
            ("pr_status", &old.status, &new.status),
            ("review_status", &old.review_status, &new.review_status),
            ("ci_status", &old.ci_status, &new.ci_status),
            ("head_sha", &old.head_sha, &new.head_sha),
        ] {
            if old != new {
                note = note.change(field, old.as_str().json(), new.as_str().json());
            }
        }
        note.write(call, request.workspace_id)?;
    }
    Ok(Response::json(200, &to_json(stored::get(call.connection, request.workspace_id, request.id)?)))
}

fn changed(mut state: State, body: &Body) -> Outcome<State> {
    let set = |place: &mut String, given: Option<&str>| {
        if let Some(given) = given {
            *place = given.into();
        }
    };
    let set_maybe = |place: &mut Option<String>, given: Option<&str>| {
        if let Some(given) = given {
            *place = Some(given.into());
        }
    };
    set(&mut state.head_sha, body.new_name("head_sha")?);
    set(&mut state.status, body.word("pr_status", &STATUSES)?);
    set(&mut state.review_status, body.word("review_status", &REVIEWS)?);
    set(&mut state.ci_status, body.word("ci_status", &CI)?);
    set_maybe(&mut state.ci_conclusion, body.word("ci_conclusion", &CONCLUSIONS)?);
    set_maybe(&mut state.mergeable_state, body.text("mergeable_state")?);
    set_maybe(&mut state.merge_commit_sha, body.text("merge_commit_sha")?);
    for (name, place) in [
        ("review_count", &mut state.review_count),
        ("approved_count", &mut state.approved_count),
        ("changes_requested_count", &mut state.changes_requested_count),
        ("ci_check_runs_total", &mut state.ci_check_runs_total),
        ("ci_check_runs_completed", &mut state.ci_check_runs_completed),
        ("ci_check_runs_failed", &mut state.ci_check_runs_failed),
    ] {
        *place = body.amount(name)?.unwrap_or(*place);
    }
    state.mergeable = body.bool("mergeable")?.or(state.mergeable);
    if let Some(object) = body.object("extra_metadata")? {
        state.extra_metadata = Some(json::to_string(&Value::Object(object.clone())));
    }
    Ok(state)
}
