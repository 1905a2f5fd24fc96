//! `anyt project`: the projects of a workspace.

use super::context::EnvContext;
use super::init::tie;
use super::session::Effort;
use super::{Session, named};
use crate::config;
use crate::document::{integer, list as list_of, object, optional, shown_row, text};
use crate::error::{Error, Result};
use crate::model::project::{COLOR, DESCRIPTION, ICON, LEAD, NAME, PROJECT, START, STATUS, TARGET};
use crate::model::{Patch, Project, Row, Value as FieldValue, Workspace};
use crate::store::{Filter, ShownRow};
use crate::sync::remote::{Remote, to_error};
use crate::time::Timestamp;
use crate::ui::{Column, Table, markdown};
use miniserde::json::Value;

pub fn list(session: &mut Session) -> Result<()> {
    let (mut ctx, workspace) = open(session)?;
    let mut known = ctx.store.named_rows(&PROJECT, workspace.id)?;
    if known.is_empty() {
        let secret = session.token(&ctx.env)?;
        let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
        let listed = http.named(&PROJECT, workspace.id).map_err(|e| to_error(e, &ctx.env.origin))?;
        let rows = listed.map_or_else(Vec::new, |list| list.items);
        ctx.store.remember(&[], &rows, &Timestamp::now().rfc3339())?;
        known = rows.into_iter().map(ShownRow::settled).collect();
    }
    let current = ctx.project(session, &workspace).ok();
    session.item(|| shown_row(&Row::new(&PROJECT), false));
    session.answer(
        || list_of(known.iter().map(|shown| shown_row(&shown.row, shown.pending)).collect()),
        |out| {
            let mut table =
                Table::new([Column::left(""), Column::left("ID"), Column::left("NAME"), Column::left("STATUS")]);
            for ShownRow { row, pending, .. } in &known {
                let mark = if current == Some(row.id) { "*" } else { "" };
                let status = row.text(STATUS).unwrap_or("");
                // A number that a server has not given yet means nothing to anybody.
                let id = if row.is_provisional() { String::from("-") } else { row.id.to_string() };
                let waits = if *pending { format!("{status} (waits for sync)") } else { status.to_string() };
                table.row([mark, &id, &row.name, &waits]);
            }
            table.print(out)
        },
    )
}

pub fn show(session: &mut Session) -> Result<()> {
    let (ctx, workspace) = open(session)?;
    let row = match session.call.arguments().first() {
        Some(typed) => named::find(&ctx, &PROJECT, &workspace, typed)?,
        None => {
            let id = ctx.project(session, &workspace)?;
            named::find(&ctx, &PROJECT, &workspace, &id.to_string())?
        }
    };
    let pending = row.is_provisional() || ctx.store.is_pending(row.kind, row.id)?;
    let open = ctx.store.count_tasks(&Filter { project_id: Some(row.id), open_only: true, ..Filter::default() })?;
    let all = ctx.store.count_tasks(&Filter { project_id: Some(row.id), ..Filter::default() })?;
    session.answer(
        || {
            let mut document = shown_row(&row, pending);
            if let Value::Object(members) = &mut document {
                members.insert("tasks".into(), integer(all));
                members.insert("open_tasks".into(), integer(open));
            }
            document
        },
        |out| {
            let mark = if pending { " (changes wait for sync)" } else { "" };
            out.line(&format!("{}{mark}", row.name))?;
            for field in [STATUS, LEAD, START, TARGET, COLOR, ICON] {
                if let Some(value) = row.text(field) {
                    out.line(&format!("{}: {value}", field.word))?;
                }
            }
            out.line(&format!("tasks: {all}, {open} of them open"))?;
            match row.text(DESCRIPTION).filter(|text| !text.trim().is_empty()) {
                Some(description) => {
                    out.raw("\n")?;
                    markdown::print(out, description)
                }
                None => Ok(()),
            }
        },
    )
}

fn open(session: &mut Session) -> Result<(EnvContext, Workspace)> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    Ok((ctx, workspace))
}

fn to_json(project: &Project) -> Value {
    object([
        ("id", integer(project.id)),
        ("workspace_id", integer(project.workspace_id)),
        ("name", text(&project.name)),
        ("description", optional(&project.description)),
        ("status", text(&project.status)),
    ])
}

/// In a tied directory the directory's project changes, elsewhere the environment's.
pub fn use_(session: &mut Session) -> Result<()> {
    let (ctx, workspace) = open(session)?;
    let project = ctx.project_named(&workspace, &session.call.arguments()[0])?;
    if project.id < 0 {
        return Err(
            Error::failure(format!("{} is not on the server yet", project.name)).hint("send it first: anyt sync")
        );
    }
    let here = session
        .directory()?
        .filter(|(_, settings)| ctx.is_of_this_server(settings) && settings.workspace_id == Some(workspace.id));
    let place = match here {
        Some((directory, _)) => {
            tie(&directory, &ctx.env.api_url, &workspace, Some(&project))?;
            "in this directory".to_string()
        }
        None => {
            let id = project.id.to_string();
            config::set_default_project(&session.paths()?, ctx.env.name.as_str(), Some(&id))?;
            format!("in environment {}", ctx.env.name)
        }
    };
    session.out.say(&format!("✓ Using project {} {place}", project.name))
}

pub fn current(session: &mut Session) -> Result<()> {
    let (ctx, workspace) = open(session)?;
    let id = ctx.project(session, &workspace)?;
    let project = ctx.project_named(&workspace, &id.to_string())?;
    session.answer(
        || to_json(&project),
        |out| out.line(&format!("{} ({}) in workspace {}", project.name, project.id, workspace.identifier)),
    )
}

pub fn create(session: &mut Session) -> Result<u8> {
    let mut set = given(session)?;
    // As the published clients do (docs/api.md 8.2).
    set.entry(STATUS).or_insert_with(|| FieldValue::Text("active".into()));
    named::create(session, &PROJECT, set)
}

pub fn update(session: &mut Session) -> Result<u8> {
    let set = given(session)?;
    named::update(session, &PROJECT, set)
}

pub fn remove(session: &mut Session) -> Result<u8> {
    named::remove(session, &PROJECT, |ctx, row| {
        let tasks = ctx.store.count_tasks(&Filter { project_id: Some(row.id), ..Filter::default() })?;
        Ok(format!("the project {} and its {tasks} tasks", row.name))
    })
}

fn given(session: &Session) -> Result<Patch> {
    let flags = [
        ("name", NAME),
        ("description", DESCRIPTION),
        ("status", STATUS),
        ("lead", LEAD),
        ("start", START),
        ("target", TARGET),
        ("color-code", COLOR),
    ];
    named::from_flags(session, &flags)
}
