//! `anyt workspace`: the workspaces of an environment, from the cache; before the first sync from the server.

use super::Session;
use super::context::EnvContext;
use super::init::{choose_workspace, tie};
use super::places::workspace_named;
use super::session::{Effort, refuse_offline};
use super::typed::typed_text;
use crate::config::{self, Environment};
use crate::directory::Directory;
use crate::document::{integer, list as list_of, object, optional, text};
use crate::error::{Error, Result};
use crate::model::{Workspace, new_op_id};
use crate::store::Filter;
use crate::sync::remote::{Remote, to_error, to_write_error};
use crate::time::Timestamp;
use crate::ui::{Column, Table, markdown};
use miniserde::json::Value;
use std::path::Path;

pub fn list(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open_here(session)?;
    let known = known(session, &mut ctx)?;
    let current = ctx.workspace(session).ok().map(|workspace| workspace.id);
    session.item(|| to_json(&Workspace::default()));
    session.answer(
        || list_of(known.iter().map(to_json).collect()),
        |out| {
            let mut table =
                Table::new([Column::left(""), Column::left("ID"), Column::left("IDENTIFIER"), Column::left("NAME")]);
            for workspace in &known {
                let mark = if current == Some(workspace.id) { "*" } else { "" };
                table.row([mark, &workspace.id.to_string(), &workspace.identifier, &workspace.name]);
            }
            table.print(out)
        },
    )
}

pub fn show(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open_here(session)?;
    let known = known(session, &mut ctx)?;
    let workspace = match session.call.arguments().first() {
        Some(typed) => workspace_named(&known, typed)?,
        None => ctx.workspace(session)?,
    };
    let tasks =
        |open_only| ctx.store.count_tasks(&Filter { workspace_id: Some(workspace.id), open_only, ..Filter::default() });
    let counts = [
        ("projects", ctx.store.projects(workspace.id)?.len() as i64),
        ("members", ctx.store.members(workspace.id)?.len() as i64),
        ("tasks", tasks(false)?),
        ("open_tasks", tasks(true)?),
    ];
    session.answer(
        || {
            let mut document = to_json(&workspace);
            if let Value::Object(members) = &mut document {
                members.extend(counts.map(|(name, count)| (name.to_string(), integer(count))));
            }
            document
        },
        |out| {
            out.line(&format!("{}: {}", workspace.identifier, workspace.name))?;
            let [(_, projects), (_, members), (_, tasks), (_, open)] = counts;
            for line in [
                format!("projects: {projects}"),
                format!("members: {members}"),
                format!("tasks: {tasks}, {open} of them open"),
            ] {
                out.line(&line)?;
            }
            match workspace.description.as_deref().filter(|text| !text.trim().is_empty()) {
                Some(description) => {
                    out.raw("\n")?;
                    markdown::print(out, description)
                }
                None => Ok(()),
            }
        },
    )
}

/// Makes a workspace on the server. Not queued: whether its identifier is free is for the server to say, and every task in
/// it would be named after it.
pub fn create(session: &mut Session) -> Result<()> {
    refuse_offline(session, "only the server knows whether the identifier of a workspace is free")?;
    let name = session.call.arguments()[0].trim().to_string();
    let identifier = session.call.given("identifier").unwrap_or_default().trim().to_ascii_uppercase();
    if name.is_empty() || identifier.is_empty() {
        return Err(Error::usage("a workspace has a name and an identifier")
            .hint("for example: anyt workspace create Operations -i OPS"));
    }
    let description = session.call.given("description").map(|given| typed_text(session, given)).transpose()?;
    let mut ctx = EnvContext::open(session)?;
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let made = http
        .create_workspace(new_op_id()?, &name, &identifier, description.as_deref())
        .map_err(|error| to_write_error(error, &ctx.env.origin, "anyt sync, then anyt workspace list"))?;
    ctx.store.remember(std::slice::from_ref(&made), &[], &Timestamp::now().rfc3339())?;
    session.answer(
        || to_json(&made),
        |out| {
            out.say(&format!("✓ Created workspace {} ({})", made.identifier, made.name))?;
            out.say(&format!("  Use it: anyt workspace use {}", made.identifier))
        },
    )
}

fn to_json(workspace: &Workspace) -> Value {
    object([
        ("id", integer(workspace.id)),
        ("identifier", text(&workspace.identifier)),
        ("name", text(&workspace.name)),
        ("description", optional(&workspace.description)),
    ])
}

/// What the cache knows; what the server says where the cache knows nothing yet.
pub fn known(session: &mut Session, ctx: &mut EnvContext) -> Result<Vec<Workspace>> {
    let cached = ctx.store.workspaces()?;
    if !cached.is_empty() {
        return Ok(cached);
    }
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let found = http.workspaces().map_err(|e| to_error(e, &ctx.env.origin))?.items;
    ctx.store.remember(&found, &[], &Timestamp::now().rfc3339())?;
    Ok(found)
}

pub fn use_(session: &mut Session) -> Result<()> {
    let wanted = session.call.arguments()[0].clone();
    let mut ctx = EnvContext::open_here(session)?;
    let known = known(session, &mut ctx)?;
    let workspace = workspace_named(&known, &wanted)?;
    use_from_now_on(session, &ctx.env, &known, &workspace)
}

/// Makes it the environment's workspace.
pub fn use_from_now_on(
    session: &mut Session,
    env: &Environment,
    known: &[Workspace],
    workspace: &Workspace,
) -> Result<()> {
    // Two may share an identifier (api.md 7).
    let alone = workspace_named(known, &workspace.identifier).is_ok();
    let name = if alone { workspace.identifier.clone() } else { workspace.id.to_string() };
    config::set_default_workspace(&session.paths()?, env.name.as_str(), Some(&name))?;
    session.out.say(&format!("✓ Using workspace {} in environment {}", workspace.identifier, env.name))
}

pub fn current(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let why = why(session, &ctx)?;
    session.answer(
        || to_json(&workspace),
        |out| out.line(&format!("{} ({}), {why}", workspace.identifier, workspace.name)),
    )
}

fn why(session: &Session, ctx: &EnvContext) -> Result<&'static str> {
    Ok(if session.call.given("workspace").is_some() {
        "named by --workspace"
    } else if session.directory()?.is_some_and(|(_, settings)| ctx.is_of_this_server(&settings)) {
        "tied to this directory"
    } else if ctx.env.default_workspace().is_some() {
        "chosen with anyt workspace use"
    } else {
        "the only one there is"
    })
}

pub fn switch(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open_here(session)?;
    let known = known(session, &mut ctx)?;
    let wanted = session.call.arguments().first().cloned();
    let workspace = choose_workspace(session, &known, wanted.as_deref(), None)?;
    let projects = ctx.store.projects(workspace.id)?;
    let directory = Directory::find().unwrap_or_else(|| Directory::at(Path::new(".")));
    tie(&directory, &ctx.env.api_url, &workspace, projects.first())?;
    session.out.say(&format!("✓ This directory uses workspace {} ({})", workspace.identifier, workspace.name))
}
