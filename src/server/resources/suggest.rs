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
    let filter = Filter { project, status: Some(json::to_string(&statuses)), ..Filter::default() };
    let everything = Page { limit: -1, offset: 0 };
    let (candidates, _) = task_list::list(call.connection, workspace.id, &filter, (Sort::Priority, true), everything)?;

    let (mut suggestions, mut ready, mut blocked) = (Vec::new(), 0, 0);
    for row in candidates.into_iter().filter(|row| include_assigned || is_free(row)) {
        let blockers: Vec<String> = dependencies::of(call.connection, row.task.id)?
            .into_iter()
            .filter(|end| end.status != "done")
            .map(|end| end.identifier)
            .collect();
        *(if blockers.is_empty() { &mut ready } else { &mut blocked }) += 1;
        if (suggestions.len() as i64) < most {
            let blocks = dependencies::on(call.connection, row.task.id)?;
            suggestions.push(object([
                ("is_ready", blockers.is_empty().json()),
                ("blocked_by", blockers.json()),
                ("blocks", blocks.into_iter().map(|end| end.identifier).collect::<Vec<_>>().json()),
                ("task", tasks::to_json(row)),
            ]));
        }
    }
    let body = object([
        ("suggestions", suggestions.json()),
        ("total_ready", i64::json(ready)),
        ("total_blocked", i64::json(blocked)),
    ]);
    Ok(Response::json(200, &body))
}

fn is_free(row: &Task) -> bool {
    row.task.owner_id.is_none() && row.task.assigned_coding_agent.is_none()
}
