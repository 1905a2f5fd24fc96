//! `task list`: from the cache; with `--remote` the server's own tasks under the same filters.

use super::{fields, to_json};
use crate::commands::Session;
use crate::commands::context::EnvContext;
use crate::commands::session::Effort;
use crate::document::{integer, object};
use crate::error::Result;
use crate::model::Workspace;
use crate::model::task::TASK;
use crate::store::{Filter, ShownRow, Sort};
use crate::sync::remote::{Query, Remote, to_error};
use crate::ui::{Column, Output, Table};
use miniserde::json::Value;

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let filter = filter(session, &ctx, &workspace)?;
    let (rows, total) = if session.call.has("remote") {
        from_server(session, &ctx, &workspace, &filter)?
    } else {
        let rows = ctx.store.list_tasks(&filter)?;
        // The whole, which takes longer than its page, is only counted where that is shown and the page may not be all of it.
        let full = rows.len() as u64 == u64::from(filter.limit);
        let shown = session.out.is_json() || session.out.columns().is_some();
        let end = i64::from(filter.offset) + rows.len() as i64;
        (rows, if full && shown { ctx.store.count_tasks(&filter)? } else { end })
    };
    let synced = ctx.store.metadata("last_sync")?.is_some_and(|at| !at.is_empty());
    session.answer(
        || {
            let items: Vec<Value> = rows.iter().map(|row| to_json(&row.row, row.pending)).collect();
            object([
                ("count", integer(items.len() as i64)),
                ("total", integer(total)),
                ("items", Value::Array(items.into_iter().collect())),
            ])
        },
        |out| print(out, &rows, total, synced),
    )
}

fn print(out: &mut Output, rows: &[ShownRow], total: i64, synced: bool) -> Result<()> {
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
    for ShownRow { row, pending } in rows {
        let labels = row.labels().join(",");
        let mark = if *pending { "*" } else { "" };
        let (priority, owner) = (row.priority().to_string(), row.owner().unwrap_or(""));
        table.row([&row.name, mark, row.status(), &priority, row.title(), owner, &labels]);
    }
    table.print(out)?;
    if (rows.len() as i64) < total && out.columns().is_some() {
        out.say(&format!("{} of {total} tasks; all of them: --limit 0", rows.len()))?;
    }
    Ok(())
}

fn filter(session: &Session, ctx: &EnvContext, workspace: &Workspace) -> Result<Filter> {
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
        project_id: call.given("project").map(|p| ctx.project_named(workspace, p)).transpose()?.map(|p| p.id),
        statuses: words("status").unwrap_or_default(),
        open_only: call.given("status").is_none() && !call.has("all"),
        priority: call.given("priority").and_then(|text| text.parse().ok()),
        owner: owner.map(|owner| fields::user(ctx, owner)).transpose()?,
        labels: call
            .items("labels")
            .map(|labels| fields::spelled(&ctx.label_names(session), labels))
            .unwrap_or_default(),
        phase: call.given("phase").map(str::to_string),
        parent_id: call.given("parent").map(|name| ctx.task(session, name)).transpose()?.map(|found| found.row.id),
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
    ctx: &EnvContext,
    workspace: &Workspace,
    filter: &Filter,
) -> Result<(Vec<ShownRow>, i64)> {
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let mut rows: Vec<ShownRow> = Vec::new();
    let mut query = Query { limit: 100, ..Query::default() };
    loop {
        let page = http.rows(&TASK, workspace.id, &query).map_err(|e| to_error(e, &ctx.env.origin))?;
        query.offset += page.items.len() as u32;
        let before = rows.len();
        for row in page.items.into_iter().filter(|row| row.is_live()) {
            if !rows.iter().any(|known| known.row.id == row.id) {
                rows.push(ShownRow { row, pending: false });
            }
        }
        if rows.len() == before {
            break;
        }
    }
    rows.retain(|row| filter.matches(&row.row));
    filter.sort_rows(&mut rows);
    let total = rows.len() as i64;
    Ok((rows.into_iter().skip(filter.offset as usize).take(filter.limit as usize).collect(), total))
}
