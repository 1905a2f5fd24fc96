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
use crate::wire::{Members, Page};
use miniserde::json;

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
    let mut written = String::new();
    for row in &chosen {
        if !written.is_empty() {
            written.push(',');
        }
        write(call, row, &mut written)?;
    }
    let ready = total - blocked;
    let body = format!(r#"{{"suggestions":[{written}],"total_ready":{ready},"total_blocked":{blocked}}}"#);
    Ok(Response::written(200, body))
}

fn write(call: &Call, row: &Task, out: &mut String) -> Outcome<()> {
    let blockers = dependencies::of(call.connection, row.task.id)?.into_iter().filter(|end| end.status != "done");
    let blockers: Vec<String> = blockers.map(|end| end.identifier).collect();
    let blocks = dependencies::on(call.connection, row.task.id)?;
    Members::write(out, |members| {
        members.add("is_ready", blockers.is_empty());
        members.add("blocked_by", &blockers);
        members.add("blocks", &blocks.into_iter().map(|end| end.identifier).collect::<Vec<_>>());
        members.add_written("task", |out| tasks::write(row, out));
    });
    Ok(())
}
