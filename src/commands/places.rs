//! Workspaces and projects by the names people type.

use crate::directory::Settings;
use crate::error::{Error, Result};
use crate::model::{Project, Workspace, number_of};

/// The workspace with this id or identifier.
pub fn workspace_named(known: &[Workspace], wanted: &str) -> Result<Workspace> {
    let by_id = known.iter().find(|workspace| workspace.id.to_string() == wanted);
    let by_name = known.iter().filter(|workspace| workspace.identifier.eq_ignore_ascii_case(wanted));
    match (by_id, &by_name.collect::<Vec<_>>()[..]) {
        (Some(found), _) | (None, &[found]) => Ok(found.clone()),
        (None, []) if known.is_empty() => {
            Err(Error::not_found(format!("there is no workspace '{wanted}' here")).hint("run: anyt sync"))
        }
        (None, []) => Err(Error::not_found(format!("there is no workspace '{wanted}' here"))
            .hint(format!("there are: {}", workspace_names(known)))),
        (None, several) => Err(ambiguous(wanted, several)),
    }
}

pub(super) fn ambiguous(name: &str, workspaces: &[&Workspace]) -> Error {
    let ids: Vec<String> = workspaces.iter().map(|workspace| workspace.id.to_string()).collect();
    Error::usage(format!("there are {} workspaces {}", ids.len(), name.to_ascii_uppercase()))
        .hint(format!("say which one by its id: --workspace {}", ids.join(" or ")))
}

pub(super) fn workspace_names(known: &[Workspace]) -> String {
    known.iter().map(|workspace| workspace.identifier.as_str()).collect::<Vec<_>>().join(", ")
}

pub fn find_project(known: &[Project], wanted: &str) -> Option<Project> {
    let by_id = known.iter().find(|project| project.id.to_string() == wanted);
    by_id.or_else(|| known.iter().find(|project| project.name.eq_ignore_ascii_case(wanted))).cloned()
}

/// The workspace a directory names. One that was never synced here is taken from the file itself.
pub(super) fn of_directory(known: &[Workspace], settings: &Settings) -> Option<Workspace> {
    let id = settings.workspace_id?;
    if let Some(found) = known.iter().find(|workspace| workspace.id == id) {
        return Some(found.clone());
    }
    let identifier = settings.workspace_identifier.clone().filter(|name| number_of(name) == 0)?;
    Some(Workspace {
        id,
        name: settings.workspace_name.clone().unwrap_or_else(|| identifier.clone()),
        identifier,
        description: None,
        task_counter: None,
        state: None,
        created_at: String::new(),
        updated_at: String::new(),
    })
}
