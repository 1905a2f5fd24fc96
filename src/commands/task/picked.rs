//! `task pick`, `task unpick`, `active`: the task this directory is about.

use super::to_json;
use crate::commands::Session;
use crate::commands::context::{EnvContext, Found};
use crate::directory::{ActiveTask, Directory};
use crate::document::object;
use crate::error::{Error, Result};
use crate::model::task::PROJECT;
use miniserde::json::Value;
use std::path::Path;

pub fn pick(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let Found { row, hint, .. } = ctx.task(session, &session.call.arguments()[0])?;
    let directory = Directory::find().unwrap_or_else(|| Directory::at(Path::new(".")));
    directory.set_active(&ActiveTask {
        identifier: row.name.clone(),
        title: row.title().to_string(),
        workspace_id: Some(row.workspace_id),
        project_id: row.int(PROJECT),
    })?;
    let pending = ctx.store.is_pending(row.kind, row.id)?;
    session.answer(|| to_json(&row, pending), |out| out.say(&format!("✓ Picked {}: {}", row.name, row.title())))?;
    hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}

pub fn unpick(session: &mut Session) -> Result<()> {
    let cleared = Directory::find().map(|directory| directory.clear_active()).transpose()?.unwrap_or(false);
    session.answer(
        || object([("cleared", Value::Bool(cleared))]),
        |out| out.say(if cleared { "✓ No task is picked now" } else { "No task was picked" }),
    )
}

pub fn active(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let Some(picked) = ctx.picked()? else {
        return Err(Error::failure("no task is picked here").hint("pick one: anyt task pick DEV-42"));
    };
    let Found { row, hint, .. } = ctx.task(session, &picked.identifier)?;
    let pending = ctx.store.is_pending(row.kind, row.id)?;
    session.answer(
        || to_json(&row, pending),
        |out| out.line(&format!("{}: {} ({})", row.name, row.title(), row.status())),
    )?;
    hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}
