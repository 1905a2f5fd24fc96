//! `task pick`, `task unpick`, `active`: the task this directory is about.

use crate::commands::Session;
use crate::commands::context::{EnvContext, Found};
use crate::commands::deliver::write_mode;
use crate::commands::report::{Changed, report, written};
use crate::directory::{ActiveTask, Directory};
use crate::document::{object, shown_row};
use crate::error::{Error, Result};
use crate::model::task::{ASSIGNEE_TYPE, FINISHED, PROJECT, STATUS};
use crate::model::{Field, Patch, Value};
use crate::sync::edits::{self, Queued};
use miniserde::json;
use std::path::Path;

/// What the published clients set of a task that is picked (docs/api.md 8.2).
const BEGUN: [(Field, &str); 2] = [(STATUS, "active"), (ASSIGNEE_TYPE, "agent")];

pub fn pick(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let Found { row, hint, .. } = ctx.task_to_change(session, &session.call.arguments()[0])?;
    let directory = Directory::find().unwrap_or_else(|| Directory::at(Path::new(".")));
    let mode = write_mode(session, &ctx)?;
    directory.set_active(&ActiveTask {
        identifier: row.name.clone(),
        title: row.title().to_string(),
        workspace_id: Some(row.workspace_id),
        project_id: row.int(PROJECT),
    })?;
    session.out.say(&format!("✓ Picked {}: {}", row.name, row.title()))?;
    let set = Patch::from(BEGUN.map(|(field, word)| (field, Value::Text(word.into()))));
    let queued = match FINISHED.contains(&row.status()) {
        true => Queued::default(),
        false => edits::update(&mut ctx.store, &row, None, |_| Ok(set.clone()))?,
    };
    if queued.operations.is_empty() {
        let pending = ctx.store.is_pending(row.kind, row.id)?;
        session.answer(|| shown_row(&row, pending), |_| Ok(()))?;
        return hint.map_or(Ok(()), |hint| session.out.warn(&hint)).map(|()| 0);
    }
    let change = written(session, &mut ctx, &mode, "Began", Some(&row), &queued)?;
    report(session, &ctx, vec![Changed { hint, ..change }], Vec::new())
}

pub fn unpick(session: &mut Session) -> Result<()> {
    let cleared = Directory::find().map(|directory| directory.clear_active()).transpose()?.unwrap_or(false);
    session.answer(
        || object([("cleared", json::Value::Bool(cleared))]),
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
        || shown_row(&row, pending),
        |out| out.line(&format!("{}: {} ({})", row.name, row.title(), row.status())),
    )?;
    hint.map_or(Ok(()), |hint| session.out.warn(&hint))
}
