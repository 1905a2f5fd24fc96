//! `anyt project`: the projects of a workspace.

use super::Session;
use super::context::EnvContext;
use super::init::tie;
use super::session::Effort;
use crate::config;
use crate::document::{integer, object, optional, text};
use crate::error::Result;
use crate::model::{Project, Workspace, new_op_id};
use crate::sync::remote::{Remote, to_error};
use crate::time::Timestamp;
use crate::ui::{Column, Table};
use miniserde::json::Value;

pub fn list(session: &mut Session) -> Result<()> {
    let (mut ctx, workspace) = open(session)?;
    let mut known = ctx.store.projects(workspace.id)?;
    if known.is_empty() {
        let secret = session.token(&ctx.env)?;
        let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
        known = http.projects(workspace.id).map_err(|e| to_error(e, &ctx.env.origin))?.items;
        ctx.store.remember(&[], &known, &Timestamp::now().rfc3339())?;
    }
    let current = ctx.project(session, &workspace).ok();
    session.answer(
        || object([("items", Value::Array(known.iter().map(to_json).collect()))]),
        |out| {
            let mut table =
                Table::new([Column::left(""), Column::left("ID"), Column::left("NAME"), Column::left("STATUS")]);
            for project in &known {
                let mark = if current == Some(project.id) { "*" } else { "" };
                table.row([mark, &project.id.to_string(), &project.name, &project.status]);
            }
            table.print(out)
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

pub fn create(session: &mut Session) -> Result<()> {
    let name = session.call.arguments().first().cloned().or(session.call.given("name").map(str::to_string));
    let name = name.unwrap_or_default();
    let (mut ctx, workspace) = open(session)?;
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let project = http
        .create_project(workspace.id, &name, session.call.given("description"), &new_op_id()?)
        .map_err(|e| to_error(e, &ctx.env.origin))?;
    ctx.store.remember(&[], std::slice::from_ref(&project), &Timestamp::now().rfc3339())?;
    session.answer(|| to_json(&project), |out| out.say(&format!("✓ Created project {} ({})", project.name, project.id)))
}
