//! `task list`: from the cache; with `--remote` the server's own tasks under the same filters.

use super::table::Columns;
use super::{any_task, fields, shown_to_json};
use crate::cli::{self, Invocation};
use crate::commands::Session;
use crate::commands::context::EnvContext;
use crate::commands::session::Effort;
use crate::document::{integer, object};
use crate::error::{Error, Result};
use crate::model::task::TASK;
use crate::model::{Row, Workspace, folded};
use crate::store::{Filter, ShownRow, Sort, searched};
use crate::sync::remote::{Query, Remote, to_error};
use crate::time::{Timestamp, parse_span};
use miniserde::json::Value;

/// So many tasks are counted where the number is only said.
const COUNTED: u32 = 500;

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let columns = Columns::named(session.call.items("columns"))?;
    let mut filter = filter(session.call, session, &ctx, &workspace)?;
    filter.fields = (!session.out.is_json()).then(|| columns.fields());
    let (rows, total) = if session.call.has("remote") {
        from_server(session, &ctx, &workspace, &filter)?
    } else {
        let rows = ctx.store.list_tasks(&filter)?;
        // The whole is only counted where that is said and the page may not be all of it.
        let full = rows.len() as u64 == u64::from(filter.limit) && !session.call.has("quiet");
        let end = i64::from(filter.offset) + rows.len() as i64;
        let total = match full {
            false => end,
            true if session.out.is_json() => ctx.store.count_tasks(&filter)?,
            true => ctx.store.count_up_to(&filter, COUNTED + 1)?,
        };
        (rows, total)
    };
    let none = if rows.is_empty() { Some(nothing(&ctx, &workspace, &filter)?) } else { None };
    if rows.is_empty() {
        say_unknown(session, &ctx, &workspace, &filter)?;
    }
    let synced = ctx.store.metadata("last_sync")?.is_some_and(|at| !at.is_empty());
    let call = session.call;
    session.item(any_task);
    session.answer(
        || {
            let items: Vec<Value> = rows.iter().map(shown_to_json).collect();
            object([
                ("count", integer(items.len() as i64)),
                ("total", integer(total)),
                ("items", Value::Array(items.into_iter().collect())),
            ])
        },
        |out| {
            let header = !call.has("no-header");
            match &none {
                None => {}
                _ if !synced => out.warn("no task is known here yet; run: anyt sync")?,
                Some(line) if line.is_empty() => out.warn("no task matches")?,
                Some(line) => out.note(line)?,
            }
            if call.has("csv") {
                columns.print_csv(out, &ctx, &rows, header)?;
            } else {
                columns.print(out, &ctx, &rows, header)?;
            }
            if !rows.is_empty() && (rows.len() as i64) < total {
                let all = if total > i64::from(COUNTED) { format!("more than {COUNTED}") } else { total.to_string() };
                out.note(&format!("{} of {all} tasks (--limit 0 shows all)", rows.len()))?;
            }
            Ok(())
        },
    )
}

/// Why a list is empty, where that is not its filter's doing.
fn nothing(ctx: &EnvContext, workspace: &Workspace, filter: &Filter) -> Result<String> {
    let all = Filter { workspace_id: Some(workspace.id), ..Filter::default() };
    let place = &workspace.identifier;
    Ok(if ctx.store.count_up_to(&all, 1)? == 0 {
        format!("No tasks in {place} yet. Create one: anyt task create TITLE")
    } else if filter.open_only && ctx.store.count_up_to(&Filter { open_only: true, ..all }, 1)? == 0 {
        format!("No open tasks in {place}. All of them: anyt task list --all")
    } else {
        String::new()
    })
}

/// A filter that finds nothing because it names what there is not.
fn say_unknown(session: &mut Session, ctx: &EnvContext, workspace: &Workspace, filter: &Filter) -> Result<()> {
    if let Some(owner) = &filter.owner {
        say_unknown_owner(session, ctx, workspace, owner)?;
    }
    let known = ctx.label_names(session);
    for label in &filter.labels {
        let one = Filter { labels: vec![label.clone()], ..Filter::default() };
        if !known.iter().any(|name| folded(name) == folded(label)) && !anywhere(ctx, workspace, one)? {
            let place = &workspace.identifier;
            session.out.warn(&format!("no label '{label}' is known in {place}{}", listed(&known)))?;
        }
    }
    Ok(())
}

/// Says that nobody here is called so. It may be an agent, of which the lists of members say nothing: no error. Where no
/// members are known nobody is unknown.
pub fn say_unknown_owner(session: &mut Session, ctx: &EnvContext, workspace: &Workspace, owner: &str) -> Result<()> {
    let members: Vec<String> = ctx.store.members(workspace.id)?.into_iter().map(|one| one.user_id).collect();
    let owned = Filter { owner: Some(owner.to_string()), ..Filter::default() };
    if owner.is_empty()
        || members.is_empty()
        || members.iter().any(|one| one == owner)
        || anywhere(ctx, workspace, owned)?
    {
        return Ok(());
    }
    session.out.warn(&format!("no member '{owner}' is known in {}{}", workspace.identifier, listed(&members)))
}

fn anywhere(ctx: &EnvContext, workspace: &Workspace, filter: Filter) -> Result<bool> {
    Ok(ctx.store.count_tasks(&Filter { workspace_id: Some(workspace.id), ..filter })? > 0)
}

fn listed(known: &[String]) -> String {
    match known.len() {
        0 => String::new(),
        1..=12 => format!("; there are: {}", known.join(", ")),
        count => format!("; there are {count}: {}, ...", known[..12].join(", ")),
    }
}

/// The flags of `task list` that `--where` has as words.
const FILTERS: [&str; 14] = [
    "status",
    "priority",
    "owner",
    "mine",
    "label",
    "project",
    "all",
    "phase",
    "parent",
    "search",
    "ready",
    "blocked",
    "unassigned",
    "updated-since",
];

/// The tasks of `--where`: `status=todo,label=old,mine`, as `task list` would list them.
pub fn matching(session: &Session, ctx: &EnvContext, given: &str) -> Result<Vec<Row>> {
    let mut words = vec!["task".to_string(), "list".to_string()];
    for part in given.split(',').map(str::trim) {
        let name = part.split('=').next().unwrap_or_default();
        if !FILTERS.contains(&name) {
            return Err(Error::usage(format!("'{part}' is not a filter"))
                .hint(format!("for example --where status=todo,label=old; there are: {}", FILTERS.join(", "))));
        }
        words.push(format!("--{}", part.replacen("label=", "labels=", 1)));
    }
    let call = cli::parse(words.into_iter().map(Into::into))?;
    let workspace = ctx.workspace(session)?;
    let filter = Filter { limit: u32::MAX, ..filter(&call, session, ctx, &workspace)? };
    Ok(ctx.store.list_tasks(&filter)?.into_iter().map(|shown| shown.row).collect())
}

fn filter(call: &Invocation, session: &Session, ctx: &EnvContext, workspace: &Workspace) -> Result<Filter> {
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
        open_only: call.given("status").is_none() && (!call.has("all") || call.has("ready") || call.has("blocked")),
        priority: call.given("priority").and_then(|text| text.parse().ok()),
        owner: owner.map(|owner| fields::user(ctx, owner)).transpose()?,
        labels: call
            .items("labels")
            .map(|labels| fields::spelled(&ctx.label_names(session), labels))
            .unwrap_or_default(),
        phase: call.given("phase").map(str::to_string),
        parent_id: call.given("parent").map(|name| ctx.task(session, name)).transpose()?.map(|found| found.row.id),
        words: call.values("search").flat_map(searched).collect(),
        pending: call.has("pending"),
        ready: call.has("ready"),
        blocked: call.has("blocked"),
        unassigned: call.has("unassigned"),
        updated_since: call.given("updated-since").and_then(parse_span).map(|span| Timestamp::now().minus(span)),
        sort,
        ascending: call.given("order").map_or(ascending, |order| order == "asc"),
        limit: match number("limit") {
            Some(0) | None => u32::MAX,
            Some(limit) => limit,
        },
        offset: number("offset").unwrap_or(0),
        ..Filter::default()
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
                rows.push(ShownRow::settled(row));
            }
        }
        if rows.len() == before {
            break;
        }
    }
    rows.retain(|row| filter.matches(&row.row));
    let blocked = ctx.store.blocked(rows.iter().map(|row| row.row.id))?;
    rows.iter_mut().for_each(|row| row.blocked = blocked.contains(&row.row.id));
    filter.sort_rows(&mut rows);
    let total = rows.len() as i64;
    Ok((rows.into_iter().skip(filter.offset as usize).take(filter.limit as usize).collect(), total))
}
