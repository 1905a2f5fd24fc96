//! What to do next (api.md 2.14, 4.10): open tasks by priority, with what blocks them and what they block. Only `done`
//! satisfies a dependency.

use crate::http::Response;
use crate::problem::Outcome;
use crate::resources::{projects, task_input, tasks};
use crate::routes::Call;
use crate::store::dependencies;
use crate::store::task_list::{self, Filter, Sort};
use crate::store::tasks::Task;
use crate::store::workspaces::Workspace;
use crate::wire::{Json, Page, object};
use miniserde::json::{self, Value};

const SUGGESTIONS: i64 = 10;
const MOST_SUGGESTIONS: i64 = 50;

pub fn in_workspace(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let project = call.query.int("project_id")?;
    suggest(call, &workspace, project)
}

pub fn in_project(call: &Call) -> Outcome<Response> {
    let project = projects::named(call)?;
    suggest(call, &call.workspace()?, Some(project.id))
}

fn suggest(call: &Call, workspace: &Workspace, project: Option<i64>) -> Outcome<Response> {
    let query = &call.query;
    let most = query.int("max_suggestions")?.unwrap_or(SUGGESTIONS).clamp(0, MOST_SUGGESTIONS);
    let include_assigned = query.bool("include_assigned")?.unwrap_or(false);
    let statuses = query.list("status").unwrap_or_else(|| vec!["todo", "backlog"]);
    let statuses: Vec<&str> = statuses.into_iter().map(task_input::status).collect::<Outcome<_>>()?;
    let filter =
        Filter { project, status: Some(json::to_string(&statuses)), is_free: !include_assigned, ..Filter::default() };
    let (first, page) = ((Sort::Priority, true), Page { limit: most, offset: 0 });
    let (chosen, total) = task_list::list(call.connection, workspace.id, &filter, first, page)?;
    let blocked = task_list::count(call.connection, workspace.id, &Filter { is_blocked: true, ..filter })?;
    let suggestions: Vec<Value> = chosen.into_iter().map(|row| suggestion(call, row)).collect::<Outcome<_>>()?;
    let body = object([
        ("suggestions", suggestions.json()),
        ("total_ready", (total - blocked).json()),
        ("total_blocked", blocked.json()),
    ]);
    Ok(Response::json(200, &body))
}

fn suggestion(call: &Call, row: Task) -> Outcome<Value> {
    let blockers = dependencies::of(call.connection, row.task.id)?.into_iter().filter(|end| end.status != "done");
    let blockers: Vec<String> = blockers.map(|end| end.identifier).collect();
    let blocks = dependencies::on(call.connection, row.task.id)?;
    Ok(object([
        ("is_ready", blockers.is_empty().json()),
        ("blocked_by", blockers.json()),
        ("blocks", blocks.into_iter().map(|end| end.identifier).collect::<Vec<_>>().json()),
        ("task", tasks::to_json(row)),
    ]))
}
