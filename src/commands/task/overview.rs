//! `anyt next`, `anyt summary`, `anyt board`: what to do, what was done, where everything stands. From the cache alone.

use super::fields;
use super::table::style_of;
use super::{any_task, shown_to_json};
use crate::commands::Session;
use crate::commands::chosen::of_list;
use crate::commands::context::EnvContext;
use crate::commands::reporter::plural;
use crate::document::{integer, list as list_of, object, text};
use crate::error::Result;
use crate::model::Row;
use crate::model::task::{COMPLETED, STATUSES, TASK};
use crate::store::{ACCOUNT, Filter, ShownRow, Sort};
use crate::time::Timestamp;
use crate::ui::{Column, Output, Table};
use miniserde::json::Value;
use std::time::Duration;

/// Of so many tasks of the highest priority the next ones are chosen.
const CANDIDATES: u32 = 200;

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// A task that can be worked on, and what speaks for it.
struct Candidate {
    shown: ShownRow,
    is_mine: bool,
    /// Open tasks that depend on it.
    unblocks: i64,
}

impl Candidate {
    fn why(&self) -> String {
        let tasks = plural(self.unblocks as usize, "task");
        let reasons = [
            (self.shown.row.status() == "active").then(|| "begun".to_string()),
            self.is_mine.then(|| "yours".to_string()),
            (self.unblocks > 0)
                .then(|| format!("{} {tasks} wait{} for it", self.unblocks, if self.unblocks == 1 { "s" } else { "" })),
        ];
        reasons.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn to_json(&self) -> Value {
        let mut document = shown_to_json(&self.shown);
        if let Value::Object(members) = &mut document {
            members.insert("mine".into(), Value::Bool(self.is_mine));
            members.insert("unblocks".into(), integer(self.unblocks));
        }
        document
    }
}

fn limit(session: &Session) -> usize {
    match session.call.number("limit").and_then(|number| usize::try_from(number).ok()) {
        Some(0) | None => usize::MAX,
        Some(limit) => limit,
    }
}

/// Open tasks of this account and of nobody that depend on nothing open: begun ones first, then by priority, then by how
/// many tasks wait for them.
fn candidates(session: &Session, ctx: &EnvContext, workspace_id: i64) -> Result<Vec<Candidate>> {
    let owner = match session.call.given("owner") {
        Some(owner) => Some(fields::user(ctx, owner)?),
        None => ctx.store.metadata(ACCOUNT)?,
    };
    let filter = Filter {
        workspace_id: Some(workspace_id),
        open_only: true,
        ready: true,
        owner_or_nobody: owner.clone(),
        sort: Sort::Priority,
        limit: CANDIDATES,
        ..Filter::default()
    };
    let rows = ctx.store.list_tasks(&filter)?;
    let waiting = ctx.store.waiting_for(rows.iter().map(|shown| shown.row.id))?;
    let mut found: Vec<Candidate> = rows
        .into_iter()
        .map(|shown| Candidate {
            is_mine: owner.is_some() && shown.row.owner() == owner.as_deref(),
            unblocks: waiting.get(&shown.row.id).copied().unwrap_or(0),
            shown,
        })
        .collect();
    found.sort_by_key(|one| {
        let begun = one.shown.row.status() == "active" && one.is_mine;
        (!begun, -one.shown.row.priority(), -one.unblocks, !one.is_mine)
    });
    Ok(found)
}

pub fn next(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let mut found = candidates(session, &ctx, workspace.id)?;
    found.truncate(limit(session));
    session.item(|| {
        let shown = ShownRow::settled(Row::new(&TASK));
        Candidate { shown, is_mine: false, unblocks: 0 }.to_json()
    });
    session.answer(|| list_of(found.iter().map(Candidate::to_json).collect()), |out| print_next(out, &found))
}

fn print_next(out: &mut Output, found: &[Candidate]) -> Result<()> {
    if found.is_empty() {
        return out.warn("no task is ready; see the blocked ones: anyt task list --blocked");
    }
    let mut table = Table::new([
        Column::left("ID").whole(),
        Column::right("PRI").whole(),
        Column::left("STATUS"),
        Column::left("TITLE"),
        Column::left("WHY").max(40).optional(),
    ]);
    for one in found {
        let row = &one.shown.row;
        table.row([&row.name, row.priority().to_string().as_str(), row.status(), row.title(), &one.why()]);
        if let Some(style) = style_of(row.status()) {
            table.style(2, style);
        }
    }
    table.print(out)
}

/// One part of the summary.
struct Part {
    name: &'static str,
    heading: String,
    count: i64,
    rows: Vec<ShownRow>,
}

pub fn summary(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let limit = limit(session);
    let base = Filter { workspace_id: Some(workspace.id), limit: u32::MAX, ..Filter::default() };
    let now = Timestamp::now();
    let done = done_since(&ctx, &base, now.minus(WEEK))?;
    let since = |span: Duration| {
        let rows = done.iter().filter(|(at, _)| *at >= now.minus(span)).map(|(_, shown)| shown.clone());
        rows.collect::<Vec<_>>()
    };
    let page = |filter: Filter| -> Result<(i64, Vec<ShownRow>)> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        Ok((ctx.store.count_tasks(&filter)?, ctx.store.list_tasks(&Filter { limit, ..filter })?))
    };
    let (today, week) = (since(DAY), since(WEEK));
    let (active, active_rows) = page(Filter { statuses: vec!["active".into()], ..base.clone() })?;
    let (blocked, blocked_rows) = page(Filter { open_only: true, blocked: true, ..base.clone() })?;
    let next: Vec<ShownRow> = candidates(session, &ctx, workspace.id)?
        .into_iter()
        .map(|one| one.shown)
        .filter(|shown| shown.row.status() != "active")
        .collect();
    let part = |name, heading: &str, count: i64, rows| Part { name, heading: heading.to_string(), count, rows };
    let parts = [
        part("done_today", "Done in the last 24 hours", today.len() as i64, today),
        part("done_this_week", "Done in the last 7 days", week.len() as i64, week),
        part("active", "Active", active, active_rows),
        part("blocked", "Blocked", blocked, blocked_rows),
        part("next", "Next", next.len() as i64, next),
    ];
    let open = ctx.store.count_tasks(&Filter { open_only: true, ..base })?;
    let waiting = ctx.store.count_waiting()?;
    let last = ctx.store.metadata("last_sync")?.and_then(|text| Timestamp::parse(&text));
    session.item(|| of_list(any_task(), ""));
    session.answer(
        || {
            let documents = parts.iter().map(|part| {
                let rows = part.rows.iter().take(limit).map(shown_to_json).collect();
                (part.name.to_string(), object([("count", integer(part.count)), ("items", Value::Array(rows))]))
            });
            let mut all = object([
                ("workspace", text(&workspace.identifier)),
                ("open", integer(open)),
                ("pending", integer(waiting as i64)),
                ("last_sync", last.map_or(Value::Null, |last| text(last.rfc3339()))),
            ]);
            if let Value::Object(members) = &mut all {
                members.extend(documents);
            }
            all
        },
        |out| {
            let synced = last.map_or_else(|| "never synced".to_string(), |last| format!("synced {}", last.ago(now)));
            let (tasks, changes) = (plural(open as usize, "task"), plural(waiting, "change"));
            out.line(&format!("{}: {open} open {tasks}, {waiting} {changes} to send, {synced}", workspace.identifier))?;
            parts.iter().try_for_each(|part| print_part(out, part, limit))
        },
    )
}

/// When it was done and the task, newest first. Nothing was done later than it was changed.
fn done_since(ctx: &EnvContext, base: &Filter, since: Timestamp) -> Result<Vec<(Timestamp, ShownRow)>> {
    let filter =
        Filter { statuses: vec!["done".into()], updated_since: Some(since), sort: Sort::Updated, ..base.clone() };
    let when = |shown: ShownRow| {
        let at = shown.row.text(COMPLETED).and_then(Timestamp::parse);
        let at = at.or_else(|| Timestamp::parse(&shown.row.updated_at)).unwrap_or(Timestamp(0));
        (at, shown)
    };
    let found = ctx.store.list_tasks(&filter)?.into_iter().map(when).filter(|(at, _)| *at >= since);
    Ok(found.collect())
}

fn print_part(out: &mut Output, part: &Part, limit: usize) -> Result<()> {
    out.raw("\n")?;
    out.line(&format!("{}: {}", part.heading, part.count))?;
    let mut table = Table::new([Column::left("").whole(), Column::left("")]);
    table.no_header();
    for shown in part.rows.iter().take(limit) {
        table.row([&format!("  {}", shown.row.name), shown.row.title()]);
    }
    table.print(out)
}

pub fn board(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let limit = limit(session);
    let since = Timestamp::now().minus(WEEK);
    let mut columns = Vec::new();
    for status in STATUSES.iter().take(5) {
        let filter = Filter {
            workspace_id: Some(workspace.id),
            statuses: vec![status.to_string()],
            updated_since: (*status == "done").then_some(since),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            ..Filter::default()
        };
        columns.push((*status, ctx.store.count_tasks(&filter)?, ctx.store.list_tasks(&filter)?));
    }
    session.item(|| of_list(any_task(), ""));
    session.answer(
        || {
            let document = |(status, count, rows): &(&'static str, i64, Vec<ShownRow>)| {
                let rows = rows.iter().map(shown_to_json).collect();
                (status.to_string(), object([("count", integer(*count)), ("items", Value::Array(rows))]))
            };
            Value::Object(columns.iter().map(document).collect())
        },
        |out| print_board(out, &columns),
    )
}

fn print_board(out: &mut Output, columns: &[(&'static str, i64, Vec<ShownRow>)]) -> Result<()> {
    let mut table = Table::new(columns.iter().map(|(status, ..)| Column::left(status)).collect::<Vec<_>>());
    let counts: Vec<String> = columns.iter().map(|(_, count, _)| format!("({count})")).collect();
    table.row(counts.iter().map(String::as_str));
    for at in 0..columns.iter().map(|(.., rows)| rows.len()).max().unwrap_or(0) {
        let cell = |rows: &[ShownRow]| {
            rows.get(at).map_or_else(String::new, |shown| {
                let mark = if shown.blocked { "! " } else { "" };
                format!("{mark}{} {}", shown.row.name, shown.row.title())
            })
        };
        let cells: Vec<String> = columns.iter().map(|(.., rows)| cell(rows)).collect();
        table.row(cells.iter().map(String::as_str));
    }
    table.print(out)?;
    let longer = columns.iter().any(|(_, count, rows)| *count > rows.len() as i64);
    if longer { out.note("there are more; all of them: --limit 0") } else { Ok(()) }
}
