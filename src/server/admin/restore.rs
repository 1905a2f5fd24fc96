//! `restore backup|workspace|project`.

use super::install::{self, Half};
use super::{change, file};
use crate::cli::Line;
use crate::options;
use crate::say;
use crate::store::lock::Lock;
use crate::store::schema::Location;
use crate::store::{projects, workspaces};
use anyt::error::{Error, Result};
use std::path::Path;

/// Puts a verified copy of the backup in the place of the database; the backup stays what it is.
pub fn backup(line: &Line) -> Result<()> {
    let (database, backup) = (file(line)?, Path::new(line.argument()));
    let _lock = Lock::take(&Location::File(database.clone()))?;
    let half = Half::begin(&database)?;
    copy(backup, half.path())?;
    install::verify(half.path()).map_err(|error| error.of(&format!("{}: ", backup.display())))?;
    let old = install::replace_database(half, &database)?;
    let kept = old.map_or(String::new(), |old| format!("; the database that was there is {} now", old.display()));
    say(&format!("{} is the database{kept}\n", backup.display()))
}

/// Into a file that is there and private.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut source = std::fs::File::open(from).map_err(|error| Error::io("read", from, error))?;
    let mut target = std::fs::File::options().write(true).open(to).map_err(|error| Error::io("write", to, error))?;
    std::io::copy(&mut source, &mut target).map(drop).map_err(|error| Error::io("copy", from, error))
}

pub fn workspace(line: &Line) -> Result<()> {
    let identifier = options::identifier("restore workspace", line.argument_text()?)?;
    change(line, |connection| match workspaces::by_identifier(connection, &identifier)? {
        None => Err(Error::failure(format!("there is no workspace {identifier}")).into()),
        Some((_, false)) => Err(Error::failure(format!("the workspace {identifier} is not deleted")).into()),
        Some((workspace, true)) => Ok(workspaces::restore(connection, workspace.id)?),
    })?;
    say(&format!("workspace {identifier} is back\n"))
}

pub fn project(line: &Line) -> Result<()> {
    let (name, wanted) = (line.argument_text()?, options::workspace(line)?);
    let (project, tasks) = change(line, |connection| {
        let workspace = match &wanted {
            None => None,
            Some(identifier) => match workspaces::by_identifier(connection, identifier)? {
                Some((workspace, _)) => Some(workspace.id),
                None => return Err(Error::failure(format!("there is no workspace {identifier}")).into()),
            },
        };
        let mut found = projects::deleted(connection, name, workspace)?;
        if found.len() > 1 {
            let names = found.iter().map(|(id, name, workspace)| format!("{id} ({name}, in {workspace})"));
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(Error::failure(format!("several deleted projects are meant by '{name}': {names}"))
                .hint("name one by its number")
                .into());
        }
        let project = found.pop().ok_or_else(|| Error::failure(format!("no deleted project is called '{name}'")))?;
        let tasks = projects::restore(connection, project.0)?;
        Ok((project, tasks))
    })?;
    let (id, name, workspace) = project;
    say(&format!("project {id} ({name}) of {workspace} is back, with {tasks} of its tasks\n"))
}
