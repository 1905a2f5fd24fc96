//! `anyt init`: ties a directory to a workspace and a project. Asks the server for both, and remembers them.

use super::Session;
use super::context::EnvContext;
use super::places::{find_project, workspace_named};
use super::session::Effort;
use crate::config::Environment;
use crate::directory::{Directory, Settings};
use crate::error::{Error, Result};
use crate::model::{Project, Workspace};
use crate::origin::is_same_server;
use crate::sync::remote::{Remote, to_error};
use crate::time::Timestamp;
use crate::ui::Answer;
use std::path::Path;

pub fn run(session: &mut Session) -> Result<()> {
    let folder = Path::new(session.call.value("dir").unwrap_or("."));
    if !folder.is_dir() {
        return Err(Error::usage(format!("{} is not a directory", folder.display())));
    }
    let directory = Directory::at(folder);
    let existing = directory.load()?;
    let env = session.environment()?;
    refuse_other_server(session, folder, existing.as_ref(), &env)?;
    let secret = session.token(&env)?;
    let http = session.http(&env, Some(secret), Effort::Write)?;
    let fatal = |error| to_error(error, &env.origin);
    let workspaces = http.workspaces().map_err(fatal)?.items;
    let wanted = session.call.given("identifier").or(session.call.given("workspace")).map(str::to_string);
    let workspace = choose_workspace(session, &workspaces, wanted.as_deref(), existing.as_ref())?;
    let rows = http
        .named(&crate::model::project::PROJECT, workspace.id)
        .map_err(fatal)?
        .map_or_else(Vec::new, |list| list.items);
    let projects: Vec<Project> = rows.iter().map(Project::of).collect();
    let project = choose_project(session, &projects, existing.as_ref(), &workspace)?;
    let mut ctx = EnvContext::open(session)?;
    ctx.store.remember(&workspaces, &rows, &Timestamp::now().rfc3339())?;
    tie(&directory, &env.api_url, &workspace, project.as_ref())?;
    let project = project.map_or_else(String::new, |project| format!(", project {}", project.name));
    session.out.say(&format!("✓ Using workspace {} ({}){project}", workspace.identifier, workspace.name))?;
    session.out.say("  Next: anyt sync")
}

/// A directory that is tied to a server is tied to another one only if a flag names it.
fn refuse_other_server(session: &Session, folder: &Path, existing: Option<&Settings>, env: &Environment) -> Result<()> {
    let tied = existing.and_then(|settings| settings.api_url.as_deref());
    let is_named = ["env", "api-url"].iter().any(|flag| session.call.given(flag).is_some());
    match tied.filter(|url| !is_named && !is_same_server(url, &env.origin)) {
        None => Ok(()),
        Some(url) => {
            let (folder, Environment { name, origin, .. }) = (folder.display(), env);
            Err(Error::failure(format!("{folder} is tied to {url}, and environment {name} is {origin}"))
                .hint(format!("nothing was changed; tie it to {name}: anyt init --env {name}")))
        }
    }
}

/// Writes `.anyt/anyt.json`.
pub fn tie(directory: &Directory, api_url: &str, workspace: &Workspace, project: Option<&Project>) -> Result<()> {
    directory.write_init(&Settings {
        workspace_id: Some(workspace.id),
        workspace_name: Some(workspace.name.clone()),
        workspace_identifier: Some(workspace.identifier.clone()),
        api_url: Some(api_url.to_string()),
        current_project_id: project.map(|project| project.id),
    })
}

/// The named one, the one already tied, the only one, or the one a person chooses from a list.
pub fn choose_workspace(
    session: &mut Session,
    known: &[Workspace],
    wanted: Option<&str>,
    existing: Option<&Settings>,
) -> Result<Workspace> {
    if let Some(wanted) = wanted {
        return workspace_named(known, wanted);
    }
    let tied = existing.and_then(|settings| settings.workspace_id);
    if let Some(found) = known.iter().find(|workspace| Some(workspace.id) == tied).filter(|_| !session.call.has("yes"))
    {
        return Ok(found.clone());
    }
    match known {
        [] => {
            Err(Error::failure("this account has no workspace").hint("ask for an invitation, or create one on the web"))
        }
        [only] => Ok(only.clone()),
        [first, ..] if session.call.has("yes") => Ok(first.clone()),
        _ => {
            for (number, workspace) in known.iter().enumerate() {
                session.out.line(&format!("  {}. {} ({})", number + 1, workspace.identifier, workspace.name))?;
            }
            let prompt = format!("Workspace [1-{}]: ", known.len());
            let chosen = match session.input.ask(&mut session.out, &prompt)? {
                Answer::Line(line) => {
                    line.trim().parse::<usize>().ok().and_then(|n| known.get(n.checked_sub(1)?)).cloned()
                }
                Answer::End => None,
            };
            chosen.ok_or_else(|| Error::usage("no workspace was chosen").hint("name one: anyt init -i WS"))
        }
    }
}

fn choose_project(
    session: &Session,
    known: &[Project],
    existing: Option<&Settings>,
    workspace: &Workspace,
) -> Result<Option<Project>> {
    if let Some(wanted) = session.call.given("project") {
        return find_project(known, wanted).map(Some).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|project| project.name.as_str()).collect();
            Error::not_found(format!("there is no project '{wanted}' in {}", workspace.identifier))
                .hint(format!("there are: {}", names.join(", ")))
        });
    }
    let tied = existing.filter(|settings| settings.workspace_id == Some(workspace.id));
    let tied = tied.and_then(|settings| settings.current_project_id);
    Ok(known.iter().find(|project| Some(project.id) == tied).or(known.first()).cloned())
}
