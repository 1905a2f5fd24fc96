//! `task pick`, `task unpick`, `active`: the task this directory is about.

use super::to_json;
use crate::commands::Session;
use crate::commands::workbench::Workbench;
use crate::directory::{ActiveTask, Directory};
use crate::document::object;
use crate::error::{Error, Result};
use miniserde::json::Value;
use std::path::Path;

pub fn pick(session: &mut Session) -> Result<()> {
    let bench = Workbench::open(session)?;
    let (task, hint) = bench.task(session, &session.call.arguments()[0])?;
    let directory = Directory::find().unwrap_or_else(|| Directory::at(Path::new(".")));
    directory.set_active(&ActiveTask {
        identifier: task.identifier.clone(),
        title: task.title.clone(),
        workspace_id: Some(task.workspace_id),
        project_id: Some(task.project_id),
    })?;
    let pending = !bench.cache.pending_of(task.id)?.is_empty();
    session
        .answer(|| to_json(&task, pending), |out| out.say(&format!("✓ Picked {}: {}", task.identifier, task.title)))?;
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
    let bench = Workbench::open(session)?;
    let Some(picked) = bench.picked()? else {
        return Err(Error::failure("no task is picked here").hint("pick one: anyt task pick DEV-42"));
    };
    let (task, hint) = bench.task(session, &picked.identifier)?;
    let pending = !bench.cache.pending_of(task.id)?.is_empty();
    session.answer(
        || to_json(&task, pending),
        |out| out.line(&format!("{}: {} ({})", task.identifier, task.title, task.status)),
    )?;
    hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}
