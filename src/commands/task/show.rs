//! `task show`: everything about one task, from the cache; with `--remote` from the server.

use super::to_json;
use crate::commands::Session;
use crate::commands::comment::print;
use crate::commands::context::{EnvContext, Found};
use crate::commands::session::Effort;
use crate::document::text;
use crate::error::{Error, Result};
use crate::model::comment::COMMENT;
use crate::model::task::{CHECKLIST, CODING_AGENT, COMPLETED, ESTIMATE, PHASE, PLAN, TASK};
use crate::model::{Field, Row, Value as FieldValue};
use crate::store::ShownRow;
use crate::sync::pull_lists;
use crate::sync::remote::{Remote, to_error};
use crate::time::Timestamp;
use crate::ui::{Output, Style, markdown, sanitise};
use miniserde::json::Value;

/// Comments that are shown where nobody asks for all.
const LAST: usize = 5;

pub fn show(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let Found { mut row, hint, .. } = ctx.task_or_picked(session, typed)?;
    if session.call.has("remote") && !row.is_provisional() {
        let secret = session.token(&ctx.env)?;
        let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
        let found = http.row(&TASK, row.workspace_id, &row.name).map_err(|e| to_error(e, &ctx.env.origin))?;
        row = found.ok_or_else(|| Error::failure(format!("{} is no longer on the server", row.name)))?;
    }
    let pending = ctx.store.is_pending(row.kind, row.id)?;
    let (needs, blocks) = ctx.store.dependencies_of(row.id)?;
    let parent = row.parent_id().map(|id| ctx.store.row(&TASK, id)).transpose()?.flatten();
    let owner = row.owner().map(|id| person(&ctx, id)).transpose()?;
    let comments = ctx.store.below(&COMMENT, row.id)?;
    let unread = !pull_lists::is_read(&ctx.store, &COMMENT, &row)?
        && !pull_lists::has_none(&ctx.store, &COMMENT, row.workspace_id)?;
    let all = comments.len();
    let project = ctx.store.projects(row.workspace_id)?.into_iter().find(|project| project.id == row.project_id());
    let shown = match session.call.has("comments") {
        true => comments.clone(),
        false => comments[all.saturating_sub(LAST)..].to_vec(),
    };
    session.answer(
        || {
            let mut document = to_json(&row, pending);
            if let Value::Object(members) = &mut document {
                let names = |rows: &[Row]| Value::Array(rows.iter().map(|row| text(&row.name)).collect());
                members.insert("depends_on".into(), names(&needs));
                members.insert("blocks".into(), names(&blocks));
                let one = |shown: &ShownRow| to_json(&shown.row, shown.pending);
                members.insert("comments".into(), Value::Array(comments.iter().map(one).collect()));
            }
            document
        },
        |out| {
            let content = |of: Field| match row.get(of) {
                FieldValue::Null => None,
                value => Some(value.to_string()),
            };
            heading(out, &row, pending)?;
            field(out, "Status", Some(row.status()))?;
            field(out, "Priority", Some(&row.priority().to_string()))?;
            field(out, "Owner", owner.as_deref())?;
            field(out, "Labels", Some(&row.labels().join(", ")))?;
            field(out, "Project", project.as_ref().map(|project| project.name.as_str()))?;
            field(out, "Phase", row.text(PHASE))?;
            field(out, "Estimate", content(ESTIMATE).map(|hours| format!("{hours} h")).as_deref())?;
            field(out, "Agent", row.text(CODING_AGENT))?;
            field(out, "Parent", parent.as_ref().map(|row| format!("{} {}", row.name, row.title())).as_deref())?;
            related(out, "Depends on", &needs)?;
            related(out, "Blocks", &blocks)?;
            field(out, "Created", Some(&when(&row.created_at)))?;
            field(out, "Updated", Some(&when(&row.updated_at)))?;
            field(out, "Completed", row.text(COMPLETED).map(when).as_deref())?;
            field(out, "Version", (row.version > 0).then(|| row.version.to_string()).as_deref())?;
            prose(out, None, row.description())?;
            prose(out, Some("Implementation plan"), row.text(PLAN))?;
            prose(out, Some("Checklist"), row.text(CHECKLIST))?;
            if unread {
                return out.line("\nComments: not read yet; run: anyt sync");
            }
            talk(out, all, &shown)
        },
    )?;
    hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}

/// The comments, the newest last.
fn talk(out: &mut Output, all: usize, shown: &[ShownRow]) -> Result<()> {
    if shown.is_empty() {
        return Ok(());
    }
    let how_many =
        if shown.len() < all { format!("last {} of {all}; all: --comments", shown.len()) } else { all.to_string() };
    let heading = out.paint(Style::Bold, &format!("Comments ({how_many})"));
    out.raw(&format!("\n{heading}\n\n"))?;
    print(out, shown)
}

/// Somebody by name, where the cache knows one: `Ada Lovelace (u17)`.
fn person(ctx: &EnvContext, id: &str) -> Result<String> {
    let name = ctx.store.person(id)?.filter(|name| name != id);
    Ok(name.map_or_else(|| id.to_string(), |name| format!("{name} ({id})")))
}

/// `2 hours ago (2026-11-29 10:00)`, in this machine's zone; a time that cannot be read as it came.
fn when(text: &str) -> String {
    let shown = |at: Timestamp| format!("{} ({})", at.ago(Timestamp::now()), at.local_minute());
    Timestamp::parse(text).map_or_else(|| text.to_string(), shown)
}

fn heading(out: &mut Output, row: &Row, pending: bool) -> Result<()> {
    let name = out.paint(Style::Bold, &sanitise::line(&row.name));
    let title = out.paint(Style::Bold, &sanitise::line(row.title()));
    let mark = if pending { " (changes wait for sync)" } else { "" };
    out.raw(&format!("{name}: {title}{mark}\n"))
}

fn field(out: &mut Output, name: &str, value: Option<&str>) -> Result<()> {
    value.filter(|value| !value.is_empty()).map_or(Ok(()), |value| out.line(&format!("{name}: {value}")))
}

fn related(out: &mut Output, name: &str, rows: &[Row]) -> Result<()> {
    rows.iter().try_for_each(|row| out.line(&format!("{name}: {} ({}) {}", row.name, row.status(), row.title())))
}

fn prose(out: &mut Output, heading: Option<&str>, content: Option<&str>) -> Result<()> {
    let Some(content) = content.filter(|content| !content.trim().is_empty()) else { return Ok(()) };
    out.raw("\n")?;
    if let Some(heading) = heading {
        let painted = out.paint(Style::Bold, heading);
        out.raw(&format!("{painted}\n\n"))?;
    }
    markdown::print(out, content)
}
