//! `anyt label`: the labels of a workspace.

use super::context::EnvContext;
use super::{Session, named};
use crate::document::{list as list_of, shown_row};
use crate::error::{Error, Result};
use crate::model::label::{COLOR, DESCRIPTION, LABEL, NAME};
use crate::model::{Patch, Row, Value};
use crate::sync::pull_lists;
use crate::ui::{Column, Table};

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let rows = ctx.store.named_rows(&LABEL, workspace.id)?;
    let none = match pull_lists::has_none(&ctx.store, &LABEL, workspace.id)? {
        true => "the server has no labels".to_string(),
        false => format!("there is no label in {}", workspace.identifier),
    };
    session.item(|| shown_row(&Row::new(&LABEL), false));
    session.answer(
        || list_of(rows.iter().map(|shown| shown_row(&shown.row, shown.pending)).collect()),
        |out| {
            if rows.is_empty() {
                return out.warn(&none);
            }
            let mut table = Table::new([
                Column::left("NAME"),
                Column::left(""),
                Column::left("COLOR"),
                Column::left("DESCRIPTION").max(72),
            ]);
            for shown in &rows {
                let mark = if shown.pending { "*" } else { "" };
                let text = |field| shown.row.text(field).unwrap_or("");
                table.row([&shown.row.name, mark, text(COLOR), text(DESCRIPTION).lines().next().unwrap_or("")]);
            }
            table.print(out)
        },
    )
}

pub fn create(session: &mut Session) -> Result<u8> {
    let set = given(session)?;
    named::create(session, &LABEL, set)
}

pub fn update(session: &mut Session) -> Result<u8> {
    let set = given(session)?;
    named::update(session, &LABEL, set)
}

pub fn remove(session: &mut Session) -> Result<u8> {
    named::remove(session, &LABEL, |_, row| Ok(format!("the label {} and take it off all tasks", row.name)))
}

fn given(session: &Session) -> Result<Patch> {
    let set = named::from_flags(session, &[("name", NAME), ("color-code", COLOR), ("description", DESCRIPTION)])?;
    if let Some(Value::Text(color)) = set.get(COLOR) {
        let digits = color.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Error::usage(format!("'{color}' is not a colour")).hint("for example: --color-code '#d73a4a'"));
        }
    }
    Ok(set)
}
