//! What `anyt label` and `anyt project` have in common: rows that people know by a name, made, changed and deleted here and
//! on the server.

use super::Session;
use super::confirm::confirm;
use super::context::EnvContext;
use super::deliver::write_mode;
use super::report::{bring, delete, report};
use super::typed::typed_text;
use crate::error::{Error, Result};
use crate::model::kind::Place;
use crate::model::{Field, Kind, Patch, Row, Value, Workspace, folded};
use crate::sync::edits;
use crate::sync::pull_lists;

/// The row of this id or name. Two projects may have one name.
pub fn find(ctx: &EnvContext, kind: &'static Kind, workspace: &Workspace, typed: &str) -> Result<Row> {
    let known: Vec<Row> = ctx.store.named_rows(kind, workspace.id)?.into_iter().map(|shown| shown.row).collect();
    let exact = known.iter().find(|row| row.name == typed || row.id.to_string() == typed);
    let found = exact.or_else(|| known.iter().find(|row| folded(&row.name).eq_ignore_ascii_case(&folded(typed))));
    found.cloned().ok_or_else(|| {
        let names: Vec<String> = known.iter().map(|row| row.name.clone()).collect();
        let hint = if names.is_empty() { "run: anyt sync".into() } else { format!("there are: {}", names.join(", ")) };
        Error::failure(format!("there is no {} '{typed}' in {}", kind.name, workspace.identifier)).hint(hint)
    })
}

/// The given flags as values. An empty one clears its field.
pub fn from_flags(session: &Session, flags: &[(&str, Field)]) -> Result<Patch> {
    let mut set = Patch::new();
    for (flag, field) in flags {
        if let Some(given) = session.call.given(flag) {
            let text = typed_text(session, given)?;
            set.insert(field, if text.is_empty() { Value::Null } else { Value::Text(text) });
        }
    }
    Ok(set)
}

/// Makes a row with the name that is the first argument, or `--name`.
pub fn create(session: &mut Session, kind: &'static Kind, mut set: Patch) -> Result<u8> {
    let Place::Named(field) = kind.place else { return Err(Error::failure("it has no name")) };
    let given = session.call.arguments().first().map(String::as_str).or(session.call.given("name"));
    let name = given.unwrap_or_default().trim().to_string();
    refuse_empty(kind, &name)?;
    let mut ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    if pull_lists::has_none(&ctx.store, kind, workspace.id)? {
        return Err(Error::failure(format!("{} has no {}", ctx.env.origin, kind.collection)));
    }
    if kind.unique && ctx.store.row_named(kind, workspace.id, &name)?.is_some() {
        return Err(Error::failure(format!("there is a {} '{name}' in {} already", kind.name, workspace.identifier))
            .hint(format!("change it: anyt {} update", kind.name)));
    }
    set.retain(|_, value| *value != Value::Null);
    set.insert(field, Value::Text(name));
    let mode = write_mode(session, &ctx)?;
    ctx.remember_workspace(&workspace)?;
    let queued = edits::create(&mut ctx.store, kind, workspace.id, &set)?;
    let change = bring(session, &mut ctx, &mode, "Created", None, &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

fn refuse_empty(kind: &Kind, name: &str) -> Result<()> {
    if name.trim().is_empty() { Err(Error::usage(format!("the name of the {} is empty", kind.name))) } else { Ok(()) }
}

/// Changes the row that the first argument names.
pub fn update(session: &mut Session, kind: &'static Kind, set: Patch) -> Result<u8> {
    let Place::Named(field) = kind.place else { return Err(Error::failure("it has no name")) };
    if set.is_empty() {
        return Err(Error::usage("nothing to change was named").hint(format!("see: anyt help {} update", kind.name)));
    }
    if let Some(name) = set.get(field) {
        refuse_empty(kind, &if *name == Value::Null { String::new() } else { name.to_string() })?;
    }
    let (mut ctx, row) = named(session, kind)?;
    let mode = write_mode(session, &ctx)?;
    let queued = edits::update(&mut ctx.store, &row, None, |_| Ok(set.clone()))?;
    let change = bring(session, &mut ctx, &mode, "Updated", Some(&row), &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

/// Deletes the row that the first argument names. `what`: of what it is that goes, for the question.
pub fn remove(
    session: &mut Session,
    kind: &'static Kind,
    what: impl FnOnce(&EnvContext, &Row) -> Result<String>,
) -> Result<u8> {
    let (mut ctx, row) = named(session, kind)?;
    let what = what(&ctx, &row)?;
    confirm(session, &[], &format!("Delete {what}?"), "nothing was deleted")?;
    let mode = write_mode(session, &ctx)?;
    let change = delete(session, &mut ctx, &mode, &row)?;
    report(session, &ctx, vec![change], Vec::new())
}

fn named(session: &mut Session, kind: &'static Kind) -> Result<(EnvContext, Row)> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let row = find(&ctx, kind, &workspace, &session.call.arguments()[0])?;
    Ok((ctx, row))
}
