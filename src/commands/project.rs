//! `anyt project`: the projects of a workspace.

use super::Session;
use super::init::tie;
use super::session::Effort;
use super::workbench::Workbench;
use crate::config;
use crate::document::{integer, object, optional, text};
use crate::error::Result;
use crate::model::{Project, Workspace};
use crate::sync::local::new_op_id;
use crate::sync::remote::{Remote, to_error};
use crate::time::Timestamp;
use crate::ui::{Column, Table};
use miniserde::json::Value;

pub fn list(session: &mut Session) -> Result<()> {
    let (mut bench, workspace) = open(session)?;
    let mut known = bench.cache.projects(workspace.id)?;
    if known.is_empty() {
        let secret = session.token(&bench.env)?;
        let http = session.http(&bench.env, Some(secret), Effort::Write)?;
        known = http.projects(workspace.id).map_err(|e| to_error(e, &bench.env.origin))?;
        bench.cache.remember(&[], &known, &Timestamp::now().rfc3339())?;
    }
    let current = bench.project(session, &workspace).ok();
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

fn open(session: &mut Session) -> Result<(Workbench, Workspace)> {
    let bench = Workbench::open(session)?;
    let workspace = bench.workspace(session)?;
    Ok((bench, workspace))
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
    let (bench, workspace) = open(session)?;
    let project = bench.project_named(&workspace, &session.call.arguments()[0])?;
    let here = session
        .directory()?
        .filter(|(_, settings)| bench.is_of_this_server(settings) && settings.workspace_id == Some(workspace.id));
    let place = match here {
        Some((directory, _)) => {
            tie(&directory, &bench.env.api_url, &workspace, Some(&project))?;
            "in this directory".to_string()
        }
        None => {
            let id = project.id.to_string();
            config::set_default_project(&session.paths()?, bench.env.name.as_str(), Some(&id))?;
            format!("in environment {}", bench.env.name)
        }
    };
    session.out.say(&format!("✓ Using project {} {place}", project.name))
}

pub fn current(session: &mut Session) -> Result<()> {
    let (bench, workspace) = open(session)?;
    let id = bench.project(session, &workspace)?;
    let project = bench.project_named(&workspace, &id.to_string())?;
    session.answer(
        || to_json(&project),
        |out| out.line(&format!("{} ({}) in workspace {}", project.name, project.id, workspace.identifier)),
    )
}

pub fn create(session: &mut Session) -> Result<()> {
    let name = session.call.arguments().first().cloned().or(session.call.given("name").map(str::to_string));
    let name = name.unwrap_or_default();
    let (mut bench, workspace) = open(session)?;
    let secret = session.token(&bench.env)?;
    let http = session.http(&bench.env, Some(secret), Effort::Write)?;
    let project = http
        .create_project(workspace.id, &name, session.call.given("description"), &new_op_id()?)
        .map_err(|e| to_error(e, &bench.env.origin))?;
    bench.cache.remember(&[], std::slice::from_ref(&project), &Timestamp::now().rfc3339())?;
    session.answer(|| to_json(&project), |out| out.say(&format!("✓ Created project {} ({})", project.name, project.id)))
}
