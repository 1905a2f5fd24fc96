//! `EnvContext`: an environment's store and lock, opened together, and the names people type found in it.

use super::Session;
use super::places::{ambiguous, find_project, of_directory, workspace_named, workspace_names};
use crate::config::Environment;
use crate::directory::{ActiveTask, Directory, Settings};
use crate::error::{Error, Result};
use crate::lock::LockFile;
use crate::model::task::TASK;
use crate::model::{Project, Row, Workspace};
use crate::names::Name;
use crate::origin::is_same_server;
use crate::paths::{EnvName, Paths, create_private_dir};
use crate::store::{Files, SERVER, Store};
use crate::time::Timestamp;
use crate::ui::width;
use std::path::PathBuf;

pub struct EnvContext {
    pub env: Environment,
    pub store: Store,
    paths: Paths,
}

impl EnvContext {
    /// Opens the environment's store, and says what opening it has found.
    pub fn open(session: &mut Session) -> Result<EnvContext> {
        let env = session.environment()?;
        let paths = session.paths()?;
        let mut ctx = EnvContext { store: Store::open(&files(&paths, &env.name))?, env, paths };
        for notice in ctx.store.notices() {
            session.out.warn(&notice.to_string())?;
        }
        if ctx.store.metadata(SERVER)?.is_none() {
            // A cache that cannot be written takes no work either.
            let _ = ctx.store.set_metadata(SERVER, &ctx.env.origin);
        }
        Ok(ctx)
    }

    /// The same for a command that is about the directory's workspace, project or picked task.
    ///
    /// # Errors
    /// The directory is tied to another server, and no flag said which one is meant.
    pub fn open_here(session: &mut Session) -> Result<EnvContext> {
        let ctx = EnvContext::open(session)?;
        let is_named = ["env", "api-url"].iter().any(|flag| session.call.given(flag).is_some());
        if let Some((directory, settings)) = session.directory()?
            && !is_named
            && !ctx.is_of_this_server(&settings)
        {
            return Err(ctx.foreign_directory(&directory, &settings));
        }
        Ok(ctx)
    }

    /// The labels of the workspace that the command is about, as they are spelled there.
    pub fn label_names(&self, session: &Session) -> Vec<String> {
        let workspace = self.workspace(session).ok();
        workspace.and_then(|workspace| self.store.label_names(workspace.id).ok()).unwrap_or_default()
    }

    /// Makes the store know a workspace that only the directory's file names; provisional names begin with its prefix.
    pub fn remember_workspace(&mut self, workspace: &Workspace) -> Result<()> {
        if self.store.workspaces()?.iter().any(|known| known.id == workspace.id) {
            return Ok(());
        }
        self.store.remember(std::slice::from_ref(workspace), &[], &Timestamp::now().rfc3339())
    }

    fn foreign_directory(&self, directory: &Directory, settings: &Settings) -> Error {
        let (root, url) = (directory.root().display(), settings.api_url.as_deref().unwrap_or_default());
        let Environment { name, origin, .. } = &self.env;
        Error::failure(format!("{root} is tied to {url}, and environment {name} is {origin}; nothing was done")).hint(
            format!("name the directory's server: anyt env add NAME {url}; or say which one you mean: --env {name}"),
        )
    }

    pub fn lock(&self) -> Result<LockFile> {
        create_private_dir(&self.paths.state_dir(&self.env.name))?;
        LockFile::open(&self.paths.lock_file(&self.env.name))
    }

    /// Where the runs of attempts are marked.
    pub fn runs_dir(&self) -> PathBuf {
        self.paths.state_dir(&self.env.name).join("runs")
    }

    /// The workspace a command is about: `--workspace`, else the directory's, else the environment's default, else the
    /// only one there is.
    pub fn workspace(&self, session: &Session) -> Result<Workspace> {
        let known = self.store.workspaces()?;
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
            _ => Err(Error::usage(format!("no workspace was named; there are {}", workspace_names(&known)))
                .hint("give --workspace, or tie this directory to one: anyt init -i WS")),
        }
    }

    /// A directory's file may belong to another environment's server.
    pub fn is_of_this_server(&self, settings: &Settings) -> bool {
        settings.api_url.as_deref().is_none_or(|url| is_same_server(url, &self.env.origin))
    }

    /// The project new tasks go to: `--project`, else the directory's, else the environment's default, else the first.
    pub fn project(&self, session: &Session, workspace: &Workspace) -> Result<i64> {
        let known = self.store.projects(workspace.id)?;
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
        let known = self.store.projects(workspace.id)?;
        find_project(&known, wanted).ok_or_else(|| {
            let names = known.iter().map(|p| format!("{} ({})", p.name, p.id)).collect::<Vec<_>>().join(", ");
            Error::not_found(format!("there is no project '{wanted}' in {}", workspace.identifier))
                .hint(if names.is_empty() { "run: anyt sync".into() } else { format!("there are: {names}") })
        })
    }

    /// Finds the task that somebody typed: `DEV-42`, `dev-42`, `dev42`, `DEV 42`, `42`, `#42`, or a uid (`t_…`).
    pub fn task(&self, session: &Session, typed: &str) -> Result<Found> {
        if typed.starts_with("t_")
            && let Some(row) = self.store.row_by_uid(&TASK, typed)?
        {
            return Ok(Found { row, hint: None, other: None });
        }
        let Some(name) = Name::parse(typed) else {
            return Err(
                Error::usage(format!("'{typed}' is not a task identifier")).hint("for example: DEV-42, dev42 or 42")
            );
        };
        let workspace = self.workspace_of(session, &name)?;
        let identifier = format!("{}-{}", workspace.identifier, name.number);
        let renamed = self.store.renamed(workspace.id, &identifier, "")?;
        match (self.store.row_named(&TASK, workspace.id, &identifier)?, renamed) {
            (Some(row), Some(other)) if other.id != row.id => {
                let hint = format!("the task created here as {identifier} is now {}", other.name);
                Ok(Found { row, hint: Some(hint), other: Some(other).filter(Row::is_live) })
            }
            (Some(row), _) => Ok(Found { row, hint: None, other: None }),
            // Not where a task of that very name was deleted here: nobody who means that one means another.
            (None, Some(other)) if other.is_live() && !self.store.has_name(&TASK, workspace.id, &identifier)? => {
                let hint = format!("{identifier} is now {}", other.name);
                Ok(Found { row: other, hint: Some(hint), other: None })
            }
            (None, _) => Err(self.no_such_task(&workspace, &identifier, name.number)?),
        }
    }

    /// The same for a change.
    ///
    /// # Errors
    /// The name means a task of the server, and this machine gave it to another one: both are named.
    pub fn task_to_change(&self, session: &Session, typed: &str) -> Result<Found> {
        let found = self.task(session, typed)?;
        let Some(other) = &found.other else { return Ok(found) };
        let Row { name, uid, .. } = &found.row;
        let (title, theirs) = (short(found.row.title()), short(other.title()));
        let message = format!(
            "{name} names two tasks: '{title}' on the server, and '{theirs}', created here as {name} and now {}; \
             nothing was changed",
            other.name
        );
        let server = uid.as_ref().map_or_else(String::new, |uid| format!("; the server's is {uid}"));
        Err(Error::failure(message).hint(format!("yours is {}{server}", other.name)))
    }

    /// The task of an optional argument: the typed one, or the one picked in this directory.
    pub fn task_or_picked(&self, session: &Session, typed: Option<&str>) -> Result<Found> {
        match typed {
            Some(typed) => self.task(session, typed),
            None => self.task(session, &self.named_by_pick()?),
        }
    }

    /// The same for a change. A picked task has followed its renames.
    pub fn task_or_picked_to_change(&self, session: &Session, typed: Option<&str>) -> Result<Found> {
        match typed {
            Some(typed) => self.task_to_change(session, typed),
            None => self.task(session, &self.named_by_pick()?),
        }
    }

    fn named_by_pick(&self) -> Result<String> {
        let picked = self.picked()?.ok_or_else(|| {
            Error::usage("no task was named and none is picked here")
                .hint("name one, for example DEV-42, or pick one: anyt task pick DEV-42")
        })?;
        Ok(picked.identifier)
    }

    /// The picked task's name follows. A damaged file is for the commands that need it to complain about.
    pub fn follow_picked(&self) {
        let _ = self.picked();
    }

    /// The task picked in this directory. One that got another name since it was picked is written down under that.
    pub fn picked(&self) -> Result<Option<ActiveTask>> {
        let Some(directory) = Directory::find() else { return Ok(None) };
        let Some(active) = directory.active()? else { return Ok(None) };
        let here = directory.load()?.is_none_or(|settings| self.is_of_this_server(&settings));
        let Some(workspace) = active.workspace_id.filter(|_| here) else { return Ok(Some(active)) };
        let since = directory.picked_at().map_or_else(String::new, Timestamp::rfc3339);
        let Some(task) = self.store.renamed(workspace, &active.identifier, &since)? else {
            return Ok(Some(active));
        };
        let active = ActiveTask { identifier: task.name, ..active };
        // The name is right whether or not it can be written down.
        let _ = directory.set_active(&active);
        Ok(Some(active))
    }

    /// The workspace of a task's name: the one with its prefix. Two may share one (api.md 7); then it is the one that the
    /// command is about.
    fn workspace_of(&self, session: &Session, name: &Name) -> Result<Workspace> {
        let Some(prefix) = &name.prefix else { return self.workspace(session) };
        let known = self.store.workspaces()?;
        let has_prefix = |workspace: &&Workspace| workspace.identifier.eq_ignore_ascii_case(prefix);
        let found: Vec<&Workspace> = known.iter().filter(has_prefix).collect();
        match &found[..] {
            [one] => Ok((*one).clone()),
            [] => match self.workspace(session)? {
                // Tied to this directory, and never synced here.
                workspace if has_prefix(&&workspace) => Ok(workspace),
                _ => Err(Error::not_found(format!("there is no workspace {}", prefix.to_ascii_uppercase()))
                    .hint(format!("there are: {}", workspace_names(&known)))),
            },
            several => match self.workspace(session) {
                Ok(workspace) if several.iter().any(|one| one.id == workspace.id) => Ok(workspace),
                _ => Err(ambiguous(prefix, several)),
            },
        }
    }

    fn no_such_task(&self, workspace: &Workspace, identifier: &str, number: i64) -> Result<Error> {
        let nearest = self.store.nearest(workspace.id, number, 3)?;
        let error = Error::not_found(format!("there is no task {identifier} here"));
        Ok(if nearest.is_empty() {
            error.hint("fetch what the server has: anyt sync")
        } else {
            let names = nearest.iter().map(|(name, title)| format!("{name} '{}'", short(title)));
            error.hint(format!("nearest: {}; newer ones come with: anyt sync", names.collect::<Vec<_>>().join(", ")))
        })
    }
}

/// A task that was found by its name.
pub struct Found {
    pub row: Row,
    /// For people: the name means another task than it did when they last saw it.
    pub hint: Option<String>,
    /// The task that this machine gave the name to, where that is another one.
    pub other: Option<Row>,
}

/// Where an environment's store is, and what anyt 0.1.0 left beside it.
pub fn files(paths: &Paths, env: &EnvName) -> Files {
    let state = paths.state_dir(env);
    Files {
        cache: paths.cache_db(env),
        queue: state.join("queue.jsonl"),
        discarded: state.join("discarded.jsonl"),
        old_journal: state.join("journal.jsonl"),
        old_discarded: state.join("discarded"),
        old_drafts: state.join("drafts"),
    }
}

fn short(title: &str) -> String {
    width::truncate(title, 30).to_string()
}
