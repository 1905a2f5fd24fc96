//! `task show`: everything about one task, from the cache; with `--remote` from the server.

use super::to_json;
use crate::commands::Session;
use crate::commands::session::Effort;
use crate::commands::workbench::Workbench;
use crate::document::text;
use crate::error::{Error, Result};
use crate::model::Task;
use crate::sync::remote::{Remote, to_error};
use crate::ui::{Output, Style, markdown, sanitise};
use miniserde::json::Value;

pub fn show(session: &mut Session) -> Result<()> {
    let bench = Workbench::open(session)?;
    let typed = session.call.arguments().first().map(String::as_str);
    let (mut task, hint) = bench.task_or_picked(session, typed)?;
    if session.call.has("remote") && !task.is_provisional() {
        let secret = session.token(&bench.env)?;
        let http = session.http(&bench.env, Some(secret), Effort::Write)?;
        let found = http.task(task.workspace_id, &task.identifier).map_err(|e| to_error(e, &bench.env.origin))?;
        task = found.ok_or_else(|| Error::failure(format!("{} is no longer on the server", task.identifier)))?;
    }
    let pending = !bench.cache.pending_of(task.id)?.is_empty();
    let (needs, blocks) = bench.cache.dependencies_of(task.id)?;
    let parent = task.parent_id.map(|id| bench.cache.task(id)).transpose()?.flatten();
    let project = bench.cache.projects(task.workspace_id)?.into_iter().find(|project| project.id == task.project_id);
    session.answer(
        || {
            let mut document = to_json(&task, pending);
            if let Value::Object(members) = &mut document {
                let names = |tasks: &[Task]| Value::Array(tasks.iter().map(|task| text(&task.identifier)).collect());
                members.insert("depends_on".into(), names(&needs));
                members.insert("blocks".into(), names(&blocks));
            }
            document
        },
        |out| {
            heading(out, &task, pending)?;
            field(out, "Status", Some(&task.status))?;
            field(out, "Priority", Some(&task.priority.to_string()))?;
            field(out, "Owner", task.owner_id.as_deref())?;
            field(out, "Labels", Some(task.labels.join(", ").as_str()).filter(|labels| !labels.is_empty()))?;
            field(out, "Project", project.as_ref().map(|project| project.name.as_str()))?;
            field(out, "Phase", task.phase.as_deref())?;
            field(out, "Estimate", task.estimate.map(|hours| format!("{hours} h")).as_deref())?;
            field(out, "Agent", task.assigned_coding_agent.as_deref())?;
            field(
                out,
                "Parent",
                parent.as_ref().map(|parent| format!("{} {}", parent.identifier, parent.title)).as_deref(),
            )?;
            related(out, "Depends on", &needs)?;
            related(out, "Blocks", &blocks)?;
            field(out, "Created", Some(&task.created_at))?;
            field(out, "Updated", Some(&task.updated_at))?;
            field(out, "Completed", task.completed_at.as_deref())?;
            field(out, "Version", (task.version > 0).then(|| task.version.to_string()).as_deref())?;
            prose(out, None, task.description.as_deref())?;
            prose(out, Some("Implementation plan"), task.implementation_plan.as_deref())?;
            prose(out, Some("Checklist"), task.checklist.as_deref())
        },
    )?;
    hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}

fn heading(out: &mut Output, task: &Task, pending: bool) -> Result<()> {
    let name = out.paint(Style::Bold, &sanitise::line(&task.identifier));
    let title = out.paint(Style::Bold, &sanitise::line(&task.title));
    let mark = if pending { " (changes wait for sync)" } else { "" };
    out.raw(&format!("{name}: {title}{mark}\n"))
}

fn field(out: &mut Output, name: &str, value: Option<&str>) -> Result<()> {
    value.filter(|value| !value.is_empty()).map_or(Ok(()), |value| out.line(&format!("{name}: {value}")))
}

fn related(out: &mut Output, name: &str, tasks: &[Task]) -> Result<()> {
    tasks.iter().try_for_each(|task| out.line(&format!("{name}: {} ({}) {}", task.identifier, task.status, task.title)))
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
