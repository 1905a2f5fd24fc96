//! An environment's cache, journal, discarded edits and lock, opened together; and the names people type found in it.

use super::Session;
use super::screen::plural;
use crate::cache::{Cache, SERVER};
use crate::config::Environment;
use crate::directory::{ActiveTask, Directory, Settings};
use crate::error::{Error, Result};
use crate::lock::LockFile;
use crate::model::{Project, Task, Workspace, number_of};
pub use crate::names::Name;
use crate::origin::origin;
use crate::paths::{Paths, create_private_dir};
use crate::sync::discard::Discard;
use crate::sync::journal::Journal;
use crate::sync::recover::{Recovered, is_needed, recover};
use crate::time::Timestamp;

pub struct Workbench {
    pub env: Environment,
    pub cache: Cache,
    pub journal: Journal,
    pub discard: Discard,
    paths: Paths,
}

impl Workbench {
    /// Opens the environment's cache. What an interrupted run left in the journal is folded in first, unless a sync is
    /// at work: it will do that itself.
    pub fn open(session: &mut Session) -> Result<Workbench> {
        let env = session.environment()?;
        let paths = session.paths()?;
        let mut bench = Workbench {
            cache: Cache::open(&paths.cache_db(&env.name))?,
            journal: Journal::at(&paths.journal(&env.name)),
            discard: Discard::at(&paths.discarded_dir(&env.name)),
            env,
            paths,
        };
        if is_needed(&bench.cache, &bench.journal)?
            && let Some(_held) = bench.lock()?.try_hold()?
        {
            let Recovered { restored, answered, damaged } = recover(&mut bench.cache, &bench.journal)?;
            if damaged > 0 {
                let aside = bench.journal.path().with_extension("jsonl.damaged");
                let what = format!("{damaged} {} of the journal could not be read", plural(damaged, "line"));
                session.out.warn(&format!("{what}; kept in {}", aside.display()))?;
            }
            if restored > 0 {
                let verb = if restored == 1 { "was" } else { "were" };
                let what = format!("{restored} queued {} {verb} restored", plural(restored, "operation"));
                session.out.warn(&format!("the cache was gone or an older one; {what} from the journal"))?;
            }
            session.out.detail(1, &format!("journal folded in: {restored} restored, {answered} answered"))?;
        }
        if bench.cache.metadata(SERVER)?.is_none() {
            // A cache that cannot be written takes no work either.
            let _ = bench.cache.set_metadata(SERVER, &bench.env.origin);
        }
        Ok(bench)
    }

    pub fn lock(&self) -> Result<LockFile> {
        create_private_dir(&self.paths.state_dir(&self.env.name))?;
        LockFile::open(&self.paths.lock_file(&self.env.name))
    }

    /// The workspace a command is about: `--workspace`, else the directory's, else the environment's default, else the
    /// only one there is.
    pub fn workspace(&self, session: &Session) -> Result<Workspace> {
        let known = self.cache.workspaces()?;
        if let Some(wanted) = session.call.given("workspace") {
            return workspace_named(&known, wanted);
        }
        if let Some((_, settings)) = session.directory()?
            && self.is_of_this_server(&settings)
            && let Some(found) = of_directory(&known, &settings)
        {
            return Ok(found);
        }
        if let Some(wanted) = self.env.default_workspace() {
            return workspace_named(&known, wanted);
        }
        match &known[..] {
            [only] => Ok(only.clone()),
            [] => Err(Error::failure("no workspace is known here yet").hint("run: anyt sync")),
            _ => Err(Error::usage(format!("which workspace? There are {}", workspace_names(&known)))
                .hint("give --workspace, or tie this directory to one: anyt init -i WS")),
        }
    }

    /// A directory's file may belong to another environment's server.
    pub fn is_of_this_server(&self, settings: &Settings) -> bool {
        settings.api_url.as_deref().is_none_or(|url| origin(url).is_ok_and(|found| found == self.env.origin))
    }

    /// The project new tasks go to: `--project`, else the directory's, else the environment's default, else the first.
    pub fn project(&self, session: &Session, workspace: &Workspace) -> Result<i64> {
        let known = self.cache.projects(workspace.id)?;
        if let Some(wanted) = session.call.given("project") {
            return self.project_named(workspace, wanted).map(|project| project.id);
        }
        if let Some((_, settings)) = session.directory()?
            && self.is_of_this_server(&settings)
            && settings.workspace_id.is_none_or(|id| id == workspace.id)
            && let Some(id) = settings.current_project_id
        {
            return Ok(id);
        }
        if let Some(wanted) = self.env.default_project()
            && let Some(project) = find_project(&known, wanted)
        {
            return Ok(project.id);
        }
        known.first().map(|project| project.id).ok_or_else(|| {
            Error::failure(format!("workspace {} has no project that is known here", workspace.identifier))
                .hint("run: anyt sync; or create one: anyt project create NAME")
        })
    }

    pub fn project_named(&self, workspace: &Workspace, wanted: &str) -> Result<Project> {
        let known = self.cache.projects(workspace.id)?;
        find_project(&known, wanted).ok_or_else(|| {
            let names = known.iter().map(|p| format!("{} ({})", p.name, p.id)).collect::<Vec<_>>().join(", ");
            Error::failure(format!("there is no project '{wanted}' in {}", workspace.identifier))
                .hint(if names.is_empty() { "run: anyt sync".into() } else { format!("there are: {names}") })
        })
    }

    /// Finds the task that somebody typed: `DEV-42`, `dev-42`, `dev42`, `DEV 42`, `42`, `#42`, or a uid (`t_…`).
    /// The second value is a hint, when the name means another task than it did when the asker last saw it.
    pub fn task(&self, session: &Session, typed: &str) -> Result<(Task, Option<String>)> {
        if typed.starts_with("t_")
            && let Some(task) = self.cache.task_by_uid(typed)?
        {
            return Ok((task, None));
        }
        let Some(name) = Name::parse(typed) else {
            return Err(
                Error::usage(format!("'{typed}' is no task identifier")).hint("for example: DEV-42, dev42 or 42")
            );
        };
        let workspace = self.workspace_of(session, &name)?;
        let identifier = format!("{}-{}", workspace.identifier, name.number);
        let renamed = self.cache.renamed_task(workspace.id, &identifier, "")?;
        match (self.cache.task_named(workspace.id, &identifier)?, renamed) {
            (Some(task), Some(other)) if other.id != task.id => {
                let hint = format!("the task created here as {identifier} is now {}", other.identifier);
                Ok((task, Some(hint)))
            }
            (Some(task), _) => Ok((task, None)),
            // Not where a task of that very name was deleted here: nobody who means that one means another.
            (None, Some(other)) if other.deleted_at.is_none() && !self.cache.has_name(workspace.id, &identifier)? => {
                let hint = format!("{identifier} is now {}", other.identifier);
                Ok((other, Some(hint)))
            }
            (None, _) => Err(self.no_such_task(&workspace, &identifier, name.number)?),
        }
    }

    /// The task of an optional argument: the typed one, or the one picked in this directory.
    pub fn task_or_picked(&self, session: &Session, typed: Option<&str>) -> Result<(Task, Option<String>)> {
        match typed {
            Some(typed) => self.task(session, typed),
            None => {
                let picked = self.picked()?.ok_or_else(|| {
                    Error::usage("no task was named and none is picked here")
                        .hint("name one, for example DEV-42, or pick one: anyt task pick DEV-42")
                })?;
                self.task(session, &picked.identifier)
            }
        }
    }

    /// The task picked in this directory. One that got another name since it was picked is written down under that.
    pub fn picked(&self) -> Result<Option<ActiveTask>> {
        let Some(directory) = Directory::find() else { return Ok(None) };
        let Some(active) = directory.active()? else { return Ok(None) };
        let here = directory.load()?.is_none_or(|settings| self.is_of_this_server(&settings));
        let Some(workspace) = active.workspace_id.filter(|_| here) else { return Ok(Some(active)) };
        let since = directory.picked_at().map_or_else(String::new, Timestamp::rfc3339);
        let Some(task) = self.cache.renamed_task(workspace, &active.identifier, &since)? else {
            return Ok(Some(active));
        };
        let active = ActiveTask { identifier: task.identifier, ..active };
        // The name is right whether or not it can be written down.
        let _ = directory.set_active(&active);
        Ok(Some(active))
    }

    /// The workspace of a task's name: the one with its prefix. Two may share one (api.md 7); then it is the one that the
    /// command is about.
    fn workspace_of(&self, session: &Session, name: &Name) -> Result<Workspace> {
        let Some(prefix) = &name.prefix else { return self.workspace(session) };
        let known = self.cache.workspaces()?;
        let has_prefix = |workspace: &&Workspace| workspace.identifier.eq_ignore_ascii_case(prefix);
        let found: Vec<&Workspace> = known.iter().filter(has_prefix).collect();
        match &found[..] {
            [one] => Ok((*one).clone()),
            [] => match self.workspace(session)? {
                // Tied to this directory, and never synced here.
                workspace if has_prefix(&&workspace) => Ok(workspace),
                _ => Err(Error::failure(format!("there is no workspace {}", prefix.to_ascii_uppercase()))
                    .hint(format!("there are: {}", workspace_names(&known)))),
            },
            several => match self.workspace(session) {
                Ok(workspace) if several.iter().any(|one| one.id == workspace.id) => Ok(workspace),
                _ => Err(ambiguous(prefix, several)),
            },
        }
    }

    fn no_such_task(&self, workspace: &Workspace, identifier: &str, number: i64) -> Result<Error> {
        let nearest = self.cache.nearest_tasks(workspace.id, number, 3)?;
        let error = Error::failure(format!("there is no task {identifier} here"));
        Ok(if nearest.is_empty() {
            error.hint("fetch what the server has: anyt sync")
        } else {
            let shorten = |title: &str| crate::ui::width::truncate(title, 30).to_string();
            let names = nearest.iter().map(|(name, title)| format!("{name} '{}'", shorten(title)));
            error.hint(format!("nearest: {}; newer ones come with: anyt sync", names.collect::<Vec<_>>().join(", ")))
        })
    }
}

/// The workspace with this id or identifier.
pub fn workspace_named(known: &[Workspace], wanted: &str) -> Result<Workspace> {
    let by_id = known.iter().find(|workspace| workspace.id.to_string() == wanted);
    let by_name = known.iter().filter(|workspace| workspace.identifier.eq_ignore_ascii_case(wanted));
    match (by_id, &by_name.collect::<Vec<_>>()[..]) {
        (Some(found), _) | (None, &[found]) => Ok(found.clone()),
        (None, []) if known.is_empty() => {
            Err(Error::failure(format!("there is no workspace '{wanted}' here")).hint("run: anyt sync"))
        }
        (None, []) => Err(Error::failure(format!("there is no workspace '{wanted}' here"))
            .hint(format!("there are: {}", workspace_names(known)))),
        (None, several) => Err(ambiguous(wanted, several)),
    }
}

fn ambiguous(name: &str, workspaces: &[&Workspace]) -> Error {
    let ids: Vec<String> = workspaces.iter().map(|workspace| workspace.id.to_string()).collect();
    Error::usage(format!("there are {} workspaces {}", ids.len(), name.to_ascii_uppercase()))
        .hint(format!("say which one by its id: --workspace {}", ids.join(" or ")))
}

fn workspace_names(known: &[Workspace]) -> String {
    known.iter().map(|workspace| workspace.identifier.as_str()).collect::<Vec<_>>().join(", ")
}

pub fn find_project(known: &[Project], wanted: &str) -> Option<Project> {
    let by_id = known.iter().find(|project| project.id.to_string() == wanted);
    by_id.or_else(|| known.iter().find(|project| project.name.eq_ignore_ascii_case(wanted))).cloned()
}

/// The workspace a directory names. One that was never synced here is taken from the file itself.
fn of_directory(known: &[Workspace], settings: &Settings) -> Option<Workspace> {
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
        created_at: String::new(),
        updated_at: String::new(),
    })
}
