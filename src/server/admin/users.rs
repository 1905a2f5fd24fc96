//! `user add`, `user list`, `user remove`.

use super::{Refusal, change, columns};
use crate::admission;
use crate::cli::Line;
use crate::options;
use crate::say;
use crate::store::roles::Role;
use crate::store::workspaces::Workspace;
use crate::store::{members, users, workspaces};
use anyt::error::{Error, Result};
use anyt::time::Timestamp;
use rusqlite::Connection;

fn name(line: &Line) -> Result<&str> {
    let name = line.argument_text()?;
    if options::is_name(name) {
        return Ok(name);
    }
    Err(Error::usage(format!("'{name}' is no name: 1 to 100 printable ASCII characters without blanks and '='")))
}

/// Makes the user known, also again after a removal, and a member of one workspace.
pub fn add(line: &Line) -> Result<()> {
    let (user, wanted) = (name(line)?, options::workspace(line)?);
    let role = line.text("role")?.map(role).transpose()?;
    let (member, workspace) = change(line, |connection| {
        users::ensure(connection, user)?;
        users::readmit(connection, user)?;
        let workspace = admission::workspace(connection, wanted.as_deref(), user)?.ok_or_else(|| {
            let which = wanted.as_deref().unwrap_or("of the first start");
            Error::failure(format!("the workspace {which} is deleted"))
                .hint("name another with --workspace, or see: anyt-server restore workspace")
        })?;
        members::ensure(connection, workspace.id, user, role.unwrap_or(Role::Member))?;
        let member = match role {
            Some(role) => members::set_role(connection, workspace.id, user, role)?,
            None => members::get(connection, workspace.id, user)?,
        };
        Ok((member, workspace))
    })?;
    say(&format!("{user} is {} of {}\n", member.role.word(), workspace.identifier))
}

fn role(word: &str) -> Result<Role> {
    Role::parse(word).ok_or_else(|| Error::usage(format!("--role takes owner, admin, member or viewer, not '{word}'")))
}

pub fn list(line: &Line) -> Result<()> {
    let rows = change(line, |connection| {
        let spaces = workspaces::all(connection)?;
        let row = |user: users::User| -> std::result::Result<_, Refusal> {
            let state = user.removed_at.map_or(String::from("-"), Timestamp::minute);
            Ok([user.id.clone(), user.created_at.minute(), state, roles(connection, &spaces, &user.id)?])
        };
        users::list(connection)?.into_iter().map(row).collect::<std::result::Result<Vec<_>, _>>()
    })?;
    say(&columns(["USER", "SINCE", "REMOVED", "ROLES"], rows))
}

/// `DEV:owner OPS:member`.
fn roles(connection: &Connection, spaces: &[(Workspace, bool)], user: &str) -> rusqlite::Result<String> {
    let mut roles = Vec::new();
    for (workspace, _) in spaces {
        if let Some(role) = members::role_in(connection, workspace.id, user)? {
            roles.push(format!("{}:{}", workspace.identifier, role.word()));
        }
    }
    Ok(if roles.is_empty() { String::from("-") } else { roles.join(" ") })
}

/// Shuts the user out everywhere. A workspace with other members keeps an owner.
pub fn remove(line: &Line) -> Result<()> {
    let user = name(line)?;
    change(line, |connection| {
        match users::get(connection, user)? {
            None => return Err(Error::failure(format!("there is no user {user}")).into()),
            Some(known) if known.removed_at.is_some() => {
                return Err(Error::failure(format!("{user} was removed already")).into());
            }
            Some(_) => {}
        }
        if let Some(workspace) = members::last_owned(connection, user)? {
            let message = format!("{user} is the last owner of {workspace}, which has other members");
            let hint = format!("first: anyt-server user add SOMEBODY --workspace {workspace} --role owner");
            return Err(Error::failure(message).hint(hint).into());
        }
        Ok(users::remove(connection, user)?)
    })?;
    say(&format!("{user} is removed; what {user} wrote stays\n"))
}
