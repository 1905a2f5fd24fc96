//! `anyt member`: who is in a workspace.

use super::Session;
use super::context::EnvContext;
use crate::document::{list as list_of, object, optional, text};
use crate::error::Result;
use crate::model::Member;
use crate::ui::{Column, Table};

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let mut members = Vec::new();
    for member in ctx.store.members(workspace.id)? {
        let name = ctx.store.person(&member.user_id)?;
        members.push((member, name));
    }
    let document = |(member, name): &(Member, Option<String>)| {
        object([
            ("user_id", text(&member.user_id)),
            ("name", optional(name)),
            ("role", text(&member.role)),
            ("created_at", text(&member.created_at)),
        ])
    };
    session.item(|| document(&Default::default()));
    session.answer(
        || list_of(members.iter().map(document).collect()),
        |out| {
            if members.is_empty() {
                return out.warn("no member is known here; run: anyt sync");
            }
            let mut table = Table::new([Column::left("USER"), Column::left("NAME"), Column::left("ROLE")]);
            for (member, name) in &members {
                table.row([&member.user_id, name.as_deref().unwrap_or(""), &member.role]);
            }
            table.print(out)
        },
    )
}
