//! Who is let in when the server starts: the users of `--token`, and on a first start without one a user with a token
//! that the server makes. And the workspace they share.

use crate::auth::Tokens;
use crate::import;
use crate::options::{Options, USER};
use crate::problem::Problem;
use crate::resources::users::default_project;
use crate::store::roles::Role;
use crate::store::workspaces::Workspace;
use crate::store::{members, projects, secrets, settings, tokens, users, workspaces};
use crate::{log, token};
use rusqlite::Connection;

/// The tokens that are good from now on, and the one that was made just now, if one was.
pub fn admit(connection: &Connection, options: &Options) -> Result<(Tokens, Option<String>), Problem> {
    let mut good = open(connection)?;
    let mut made = None;
    let mut people: Vec<&str> = options.tokens.iter().map(|(user, _)| user.as_str()).collect();
    if people.is_empty() && options.make_token && !tokens::any(connection)? {
        people.push(USER);
        made = Some(token::make()?);
    }
    for user in &people {
        users::ensure(connection, user)?;
    }
    if let Some(first) = people.first() {
        share(connection, options.workspace.as_deref(), first, &people)?;
    }
    for (user, token) in &options.tokens {
        if users::is_removed(connection, user)? {
            log::event(&format!("warning: the user {user} was removed, its token is not good"));
        }
        good.admit(token, user);
    }
    if let Some(token) = &made {
        let kept = (token::prefix(token), &good.digest(token));
        tokens::create(connection, USER, "first start", kept, None)?;
    }
    Ok((good, made))
}

/// The tokens that the database knows.
pub fn open(connection: &Connection) -> Result<Tokens, Problem> {
    Ok(Tokens::new(secrets::salt(connection, &token::random_bytes::<16>()?)?))
}

/// Makes everybody a member of the workspace who never was one: a removed member stays removed.
fn share(connection: &Connection, wanted: Option<&str>, owner: &str, people: &[&str]) -> Result<(), Problem> {
    let Some(workspace) = workspace(connection, wanted, owner)? else {
        let which = wanted.map_or(String::from("the default workspace"), |name| format!("workspace {name}"));
        log::event(&format!("{which} is deleted: nobody new becomes a member (see: anyt-server restore workspace)"));
        return Ok(());
    };
    for user in people {
        let is_new = members::role_in(connection, workspace.id, user)?.is_none();
        if is_new && !members::was_removed(connection, workspace.id, user)? {
            members::ensure(connection, workspace.id, user, Role::Member)?;
        }
    }
    Ok(())
}

/// The workspace of that identifier, else the default one; made, with a project, if there never was one. `None` when it
/// is deleted. What users have made for themselves is never the default.
pub fn workspace(connection: &Connection, wanted: Option<&str>, owner: &str) -> Result<Option<Workspace>, Problem> {
    let default = settings::default_workspace(connection)?;
    let present = match (wanted, default) {
        (Some(identifier), _) => workspaces::by_identifier(connection, identifier)?,
        (None, Some(id)) => workspaces::by_id(connection, id)?,
        (None, None) => None,
    };
    if let Some((workspace, is_deleted)) = present {
        return Ok((!is_deleted).then_some(workspace));
    }
    let identifier = wanted.unwrap_or("DEV");
    // Somebody has made it for themself.
    if wanted.is_none() && workspaces::by_identifier(connection, identifier)?.is_some() {
        return Ok(None);
    }
    let name = if identifier == "DEV" { "development" } else { identifier };
    let workspace = workspaces::create(connection, identifier, name, None, owner)?;
    projects::create(connection, workspace.id, &default_project(name))?;
    if default.is_none() {
        settings::set_default_workspace(connection, workspace.id)?;
    }
    Ok(Some(workspace))
}

/// `--import`, into the workspace of `--workspace` or the default one.
pub fn import_lines(
    connection: &Connection,
    options: &Options,
    lines: &mut dyn std::io::BufRead,
) -> Result<usize, import::Fault> {
    let deleted = || Problem::new(409, "the workspace is deleted");
    let workspace = workspace(connection, options.workspace.as_deref(), USER)?.ok_or_else(deleted)?;
    let project = match projects::oldest(connection, workspace.id)? {
        Some(project) => project,
        None => projects::create(connection, workspace.id, &default_project(&workspace.name))?,
    };
    import::run(connection, &workspace, project.id, &workspace.owner_id, lines)
}
