//! What `anyt comment`, `attempt` and `artifact` have in common: rows that are below another row, found by the names that
//! lists show, and listed from the cache or the server.

use super::Session;
use super::context::EnvContext;
use super::session::Effort;
use crate::document::{list as list_of, shown_row};
use crate::error::{Error, Result};
use crate::model::{Kind, Row};
use crate::store::ShownRow;
use crate::sync::pull_lists;
use crate::sync::remote::to_error;
use crate::ui::Output;

/// # Errors
/// The server is known not to have such things: what would be queued would wait for nothing.
pub fn refuse_absent(ctx: &EnvContext, kind: &Kind, workspace_id: i64) -> Result<()> {
    match pull_lists::has_none(&ctx.store, kind, workspace_id)? {
        true => Err(Error::failure(format!("{} has no {}", ctx.env.origin, kind.collection))),
        false => Ok(()),
    }
}

/// The rows of a kind below `above`: the cache's, or with `--remote` the server's.
pub fn rows(session: &mut Session, ctx: &EnvContext, kind: &'static Kind, above: &Row) -> Result<Vec<ShownRow>> {
    if !session.call.has("remote") || above.is_provisional() {
        return ctx.store.below(kind, above.id);
    }
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    let (origin, name) = (&ctx.env.origin, &above.name);
    let found = pull_lists::rows_below(&http, kind, above.workspace_id, &(above.id, name.clone()));
    let rows = found.map_err(|error| to_error(error, origin))?;
    let rows = rows.ok_or_else(|| Error::failure(format!("{origin} has no {} on {name}", kind.collection)))?;
    Ok(rows.items.into_iter().map(ShownRow::settled).collect())
}

/// Lists them.
pub fn list(
    session: &mut Session,
    ctx: &EnvContext,
    kind: &'static Kind,
    above: &Row,
    print: impl FnOnce(&mut Output, &[ShownRow]) -> Result<()>,
) -> Result<()> {
    let rows = rows(session, ctx, kind, above)?;
    let known = session.call.has("remote") || pull_lists::is_read(&ctx.store, kind, above)?;
    let none = match pull_lists::has_none(&ctx.store, kind, above.workspace_id)? {
        true => format!("the server has no {}", kind.collection),
        false if !known => format!("the {} on {} were not read yet; run: anyt sync", kind.collection, above.name),
        false => format!("there is no {} on {}", kind.name, above.name),
    };
    session.item(|| shown_row(&Row::new(kind), false));
    session.answer(
        || list_of(rows.iter().map(|shown| shown_row(&shown.row, shown.pending)).collect()),
        |out| if rows.is_empty() { out.warn(&none) } else { print(out, &rows) },
    )
}

/// What follows the mark in a row's name: `7`, `new-1`.
pub fn number(row: &Row) -> &str {
    row.name.rsplit_once(row.kind.mark()).map_or(&row.name, |(_, number)| number)
}

/// The live row of this number below `above`.
pub fn numbered(ctx: &EnvContext, kind: &'static Kind, above: &Row, typed: &str) -> Result<Row> {
    let rows = ctx.store.below(kind, above.id)?;
    let found = rows.into_iter().map(|shown| shown.row).find(|row| number(row) == typed);
    found.ok_or_else(|| {
        Error::not_found(format!("there is no {} {}{typed} on {}", kind.name, kind.mark(), above.name))
            .hint(format!("see: anyt {} list {}", kind.name, above.name))
    })
}

/// The live row with this id of the server.
pub fn by_id(ctx: &EnvContext, kind: &'static Kind, typed: &str) -> Result<Option<Row>> {
    let id = typed.trim_start_matches(kind.mark()).parse().ok().filter(|id: &i64| *id > 0);
    let Some(id) = id else { return Ok(None) };
    let row = ctx.store.row(kind, id)?.filter(Row::is_live);
    row.map(Some).ok_or_else(|| {
        Error::not_found(format!("there is no {} {id} here", kind.name)).hint("fetch what the server has: anyt sync")
    })
}
