//! `task list`: from the cache; with `--remote` the server's own tasks under the same filters.

use super::{fields, to_json};
use crate::cache::{Filter, Sort, TaskRow};
use crate::commands::Session;
use crate::commands::session::Effort;
use crate::commands::workbench::Workbench;
use crate::document::{integer, object};
use crate::error::Result;
use crate::model::Workspace;
use crate::sync::remote::{Remote, TaskQuery, to_error};
use crate::ui::{Column, Output, Table};
use miniserde::json::Value;

pub fn list(session: &mut Session) -> Result<()> {
    let bench = Workbench::open(session)?;
    let workspace = bench.workspace(session)?;
    let filter = filter(session, &bench, &workspace)?;
    let (rows, total) = if session.call.has("remote") {
        from_server(session, &bench, &workspace, &filter)?
    } else {
        let rows = bench.cache.list_tasks(&filter)?;
        // The whole, which takes longer than its page, is only counted where that is shown and the page may not be all of it.
        let full = rows.len() as u64 == u64::from(filter.limit);
        let shown = session.out.is_json() || session.out.columns().is_some();
        let end = i64::from(filter.offset) + rows.len() as i64;
        (rows, if full && shown { bench.cache.count_tasks(&filter)? } else { end })
    };
    let synced = bench.cache.metadata("last_sync")?.is_some_and(|at| !at.is_empty());
    session.answer(
        || {
            let items: Vec<Value> = rows.iter().map(|row| to_json(&row.task, row.pending)).collect();
            object([
                ("count", integer(items.len() as i64)),
                ("total", integer(total)),
                ("items", Value::Array(items.into_iter().collect())),
            ])
        },
        |out| print(out, &rows, total, synced),
    )
}

fn print(out: &mut Output, rows: &[TaskRow], total: i64, synced: bool) -> Result<()> {
    if rows.is_empty() {
        return out.warn(if synced { "no task matches" } else { "no task is known here yet; run: anyt sync" });
    }
    let mut table = Table::new([
        Column::left("ID"),
        Column::left(""),
        Column::left("STATUS"),
        Column::right("PRI"),
        Column::left("TITLE").max(72),
        Column::left("OWNER").max(16),
        Column::left("LABELS").max(24),
    ]);
    for TaskRow { task, pending } in rows {
        let labels = task.labels.join(",");
        let mark = if *pending { "*" } else { "" };
        let owner = task.owner_id.as_deref().unwrap_or("");
        table.row([&task.identifier, mark, &task.status, &task.priority.to_string(), &task.title, owner, &labels]);
    }
    table.print(out)?;
    if (rows.len() as i64) < total && out.columns().is_some() {
        out.say(&format!("{} of {total} tasks; all of them: --limit 0", rows.len()))?;
    }
    Ok(())
}

fn filter(session: &Session, bench: &Workbench, workspace: &Workspace) -> Result<Filter> {
    let call = session.call;
    let owner = if call.has("mine") { Some("me") } else { call.given("owner") };
    let words = |flag| call.items(flag).map(|items| items.into_iter().map(str::to_string).collect::<Vec<_>>());
    let (sort, ascending) = match call.value("sort") {
        Some("updated_at") => (Sort::Updated, false),
        Some("created_at") => (Sort::Created, false),
        Some("status") => (Sort::Status, true),
        Some("identifier") => (Sort::Number, true),
        Some("title") => (Sort::Title, true),
        _ => (Sort::Priority, false),
    };
    let number = |flag| call.number(flag).and_then(|number| u32::try_from(number).ok());
    Ok(Filter {
        workspace_id: Some(workspace.id),
        project_id: call.given("project").map(|p| bench.project_named(workspace, p)).transpose()?.map(|p| p.id),
        statuses: words("status").unwrap_or_default(),
        open_only: call.given("status").is_none() && !call.has("all"),
        priority: call.given("priority").and_then(|text| text.parse().ok()),
        owner: owner.map(|owner| fields::user(bench, owner)).transpose()?,
        labels: words("labels").unwrap_or_default(),
        phase: call.given("phase").map(str::to_string),
        parent_id: call.given("parent").map(|name| bench.task(session, name)).transpose()?.map(|(task, _)| task.id),
        search: call.given("search").map(str::to_string),
        pending: call.has("pending"),
        sort,
        ascending: call.given("order").map_or(ascending, |order| order == "asc"),
        limit: match number("limit") {
            Some(0) | None => u32::MAX,
            Some(limit) => limit,
        },
        offset: number("offset").unwrap_or(0),
    })
}

/// Pages through the server's tasks and filters here: which filters a server honours is unknown (api.md 7).
fn from_server(
    session: &mut Session,
    bench: &Workbench,
    workspace: &Workspace,
    filter: &Filter,
) -> Result<(Vec<TaskRow>, i64)> {
    let secret = session.token(&bench.env)?;
    let http = session.http(&bench.env, Some(secret), Effort::Write)?;
    let mut rows: Vec<TaskRow> = Vec::new();
    let mut query = TaskQuery { limit: 100, ..TaskQuery::default() };
    loop {
        let page = http.tasks(workspace.id, &query).map_err(|e| to_error(e, &bench.env.origin))?;
        query.offset += page.items.len() as u32;
        let before = rows.len();
        for task in page.items {
            if !rows.iter().any(|row| row.task.id == task.id) {
                rows.push(TaskRow { task, pending: false });
            }
        }
        if rows.len() == before {
            break;
        }
    }
    rows.retain(|row| filter.matches(&row.task));
    filter.sort_rows(&mut rows);
    let total = rows.len() as i64;
    Ok((rows.into_iter().skip(filter.offset as usize).take(filter.limit as usize).collect(), total))
}
