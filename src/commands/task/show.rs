//! `task show`: everything about one task, from the cache; with `--remote` from the server.

use crate::commands::comment::print;
use crate::commands::context::{EnvContext, Found};
use crate::commands::session::Effort;
use crate::commands::{Session, attempt};
use crate::document::{object, optional, shown_row, text};
use crate::error::{Error, Result};
use crate::model::attempt::ATTEMPT;
use crate::model::comment::COMMENT;
use crate::model::label::{COLOR, LABEL};
use crate::model::task::{CHECKLIST, CODING_AGENT, COMPLETED, CREATOR, ESTIMATE, PHASE, PLAN, TASK};
use crate::model::{Field, Row, Value as FieldValue, folded};
use crate::store::ShownRow;
use crate::sync::pull_lists;
use crate::sync::remote::{Remote, to_error};
use crate::time::Timestamp;
use crate::ui::{Output, Style, browse, markdown, sanitise};
use miniserde::json::Value;

/// Comments and attempts that are shown where nobody asks for all.
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
    let creator = row.text(CREATOR).map(|id| person(&ctx, id)).transpose()?;
    let labels = ctx.store.named_rows(&LABEL, row.workspace_id)?;
    let url = row.uid.as_ref().and_then(|uid| ctx.env.web_page(uid));
    let comments = ctx.store.below(&COMMENT, row.id)?;
    let unread = !pull_lists::is_read(&ctx.store, &COMMENT, &row)?
        && !pull_lists::has_none(&ctx.store, &COMMENT, row.workspace_id)?;
    let all = comments.len();
    let attempts = ctx.store.below(&ATTEMPT, row.id)?;
    let project = ctx.store.projects(row.workspace_id)?.into_iter().find(|project| project.id == row.project_id());
    let shown = match session.call.has("comments") {
        true => comments.clone(),
        false => comments[all.saturating_sub(LAST)..].to_vec(),
    };
    session.answer(
        || {
            let mut document = shown_row(&row, pending);
            if let Value::Object(members) = &mut document {
                let names = |rows: &[Row]| Value::Array(rows.iter().map(|row| text(&row.name)).collect());
                members.insert("depends_on".into(), names(&needs));
                members.insert("blocks".into(), names(&blocks));
                members.insert("url".into(), optional(&url));
                let one = |shown: &ShownRow| shown_row(&shown.row, shown.pending);
                members.insert("comments".into(), Value::Array(comments.iter().map(one).collect()));
                members.insert("attempts".into(), Value::Array(attempts.iter().map(one).collect()));
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
            labelled(out, &row, &labels)?;
            field(out, "Project", project.as_ref().map(|project| project.name.as_str()))?;
            field(out, "Phase", row.text(PHASE))?;
            field(out, "Estimate", content(ESTIMATE).map(|hours| format!("{hours} h")).as_deref())?;
            field(out, "Agent", row.text(CODING_AGENT))?;
            field(out, "Parent", parent.as_ref().map(|row| format!("{} {}", row.name, row.title())).as_deref())?;
            related(out, "Depends on", &needs)?;
            related(out, "Blocks", &blocks)?;
            let by = creator.as_ref().map_or_else(String::new, |name| format!(" by {name}"));
            field(out, "Created", Some(&(Timestamp::with_age(&row.created_at) + &by)))?;
            field(out, "Updated", Some(&Timestamp::with_age(&row.updated_at)))?;
            field(out, "Completed", row.text(COMPLETED).map(Timestamp::with_age).as_deref())?;
            field(out, "Web", url.as_deref())?;
            field(out, "Version", (row.version > 0).then(|| row.version.to_string()).as_deref())?;
            prose(out, None, row.description())?;
            prose(out, Some("Implementation plan"), row.text(PLAN))?;
            prose(out, Some("Checklist"), row.text(CHECKLIST))?;
            if !attempts.is_empty() {
                let last = &attempts[attempts.len().saturating_sub(LAST)..];
                section(out, "Attempts", attempts.len(), last.len(), &format!("anyt attempt list {}", row.name))?;
                attempt::print(out, last)?;
            }
            if unread {
                out.line("")?;
                return out.line("Comments: not read yet; run: anyt sync");
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
    section(out, "Comments", all, shown.len(), "--comments")?;
    print(out, shown)
}

/// The heading of things of which the last ones are shown; `whole` shows all.
fn section(out: &mut Output, what: &str, all: usize, shown: usize, whole: &str) -> Result<()> {
    let how_many = if shown < all { format!("last {shown} of {all}; all: {whole}") } else { all.to_string() };
    let heading = out.paint(Style::Bold, &format!("{what} ({how_many})"));
    out.raw(&format!("\n{heading}\n\n"))
}

/// Somebody by name, where the cache knows one: `Ada Lovelace (u17)`.
fn person(ctx: &EnvContext, id: &str) -> Result<String> {
    let name = ctx.store.person(id)?.filter(|name| name != id);
    Ok(name.map_or_else(|| id.to_string(), |name| format!("{name} ({id})")))
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

/// The labels, each in its colour.
fn labelled(out: &mut Output, row: &Row, known: &[ShownRow]) -> Result<()> {
    let painted = |label: &String| {
        let of = known.iter().find(|one| folded(&one.row.name) == folded(label));
        match of.and_then(|one| Style::of_color(one.row.text(COLOR)?)) {
            Some(style) => out.paint(style, label),
            None => sanitise::line(label).into_owned(),
        }
    };
    let labels: Vec<String> = row.labels().iter().map(painted).collect();
    if labels.is_empty() { Ok(()) } else { out.raw(&format!("Labels: {}\n", labels.join(", "))) }
}

/// The page of a task, opened or printed.
pub fn open(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let row = ctx.task_or_picked(session, typed)?.row;
    let Some(uid) = &row.uid else {
        return Err(Error::failure(format!("{} is not on the server yet", row.name)).hint("send it first: anyt sync"));
    };
    let url = ctx.env.web_page(uid).ok_or_else(|| {
        let name = &ctx.env.name;
        Error::failure(format!("no web address is known for the tasks of {}", ctx.env.origin))
            .hint(format!("set \"web_url\" of environment {name} in config.json, for example \"https://anyt.dev\""))
    })?;
    let opened = !session.call.has("print") && !session.out.is_json() && browse(&url);
    session.answer(
        || object([("identifier", text(&row.name)), ("url", text(&url))]),
        |out| if opened { out.say(&format!("✓ Opened {url}")) } else { out.line(&url) },
    )
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
