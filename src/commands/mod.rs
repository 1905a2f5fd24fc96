//! One file per command group: read the arguments, call down, print. No SQL, no HTTP.

mod artifact;
mod attempt;
mod auth;
mod below;
mod chosen;
mod comment;
mod complete;
mod config;
mod confirm;
mod conflicts;
mod context;
mod deliver;
mod describe;
mod doctor;
mod env;
mod health;
mod init;
mod label;
mod login;
mod member;
mod named;
mod places;
mod project;
mod prompter;
mod queue;
mod rate_limit;
mod report;
mod reporter;
mod restore;
mod session;
mod status;
mod sync;
mod task;
mod typed;
mod undo;
mod workspace;

pub use session::{Session, failed};

use crate::cli::{self, Id, Invocation};
use crate::error::{Error, Result};
use std::path::Path;

/// Runs one command. The number is the exit code of one that did what was asked.
pub fn run(call: &Invocation) -> Result<u8> {
    let mut session = Session::new(call)?;
    if call.reads() {
        session.out.hold();
    }
    let done = dispatch(&mut session).and_then(|code| session.succeed(code));
    let _ = session.say_faults();
    let paged = done.is_ok() && !call.has("no-pager");
    match (done, session.out.end(paged)) {
        (Ok(code), Ok(())) => Ok(code),
        (Ok(_), Err(error)) | (Err(error), _) => session.fail(error),
    }
}

fn dispatch(session: &mut Session) -> Result<u8> {
    match session.call.id() {
        Id::Help => session.out.raw(&cli::help_text(session.call.arguments(), session.out.columns())?)?,
        Id::Version => session.out.line(cli::version_text().trim_end())?,
        Id::Usage => return usage(session),
        Id::Completion => session.out.raw(&cli::completion(&session.call.arguments()[0])?)?,
        Id::Man => session.out.raw(&cli::page(session.call.arguments().first().map_or("anyt", String::as_str))?)?,
        Id::Complete => complete::run(session)?,
        Id::Generate => cli::write_documents(Path::new(&session.call.arguments()[0]))?,
        Id::EnvList => env::list(session)?,
        Id::EnvAdd => env::add(session)?,
        Id::EnvSwitch => env::switch(session)?,
        Id::EnvShow => env::show(session)?,
        Id::EnvRemove => env::remove(session)?,
        Id::ConfigList => config::list(session)?,
        Id::ConfigGet => config::get(session)?,
        Id::ConfigSet | Id::ConfigUnset => config::set(session)?,
        Id::AuthLogin => auth::login(session)?,
        Id::AuthLogout => auth::logout(session)?,
        Id::AuthWhoami => auth::whoami(session)?,
        Id::AuthStatus => auth::status(session)?,
        Id::Login => return login::run(session),
        Id::Init => init::run(session)?,
        Id::WorkspaceList => workspace::list(session)?,
        Id::WorkspaceShow => workspace::show(session)?,
        Id::WorkspaceCreate => workspace::create(session)?,
        Id::WorkspaceUse => workspace::use_(session)?,
        Id::WorkspaceCurrent => workspace::current(session)?,
        Id::WorkspaceSwitch => workspace::switch(session)?,
        Id::ProjectList => project::list(session)?,
        Id::ProjectUse => project::use_(session)?,
        Id::ProjectCurrent => project::current(session)?,
        Id::ProjectCreate => return project::create(session),
        Id::ProjectShow => project::show(session)?,
        Id::ProjectUpdate => return project::update(session),
        Id::ProjectRm => return project::remove(session),
        Id::LabelList => label::list(session)?,
        Id::LabelCreate => return label::create(session),
        Id::LabelUpdate => return label::update(session),
        Id::LabelRm => return label::remove(session),
        Id::MemberList => member::list(session)?,
        Id::Doctor => return doctor::run(session),
        Id::Health => health::run(session)?,
        Id::TaskCreate => return task::create(session),
        Id::TaskUpdate => return task::update(session),
        Id::TaskEdit => return task::edit(session),
        Id::TaskDone => return task::done(session),
        Id::TaskNote => return task::note(session),
        Id::TaskRm => return task::remove(session),
        Id::TaskList => task::list(session)?,
        Id::TaskShow => task::show(session)?,
        Id::TaskOpen => task::open(session)?,
        Id::TaskPlanSubmit => task::submit(session)?,
        Id::TaskPlanApprove => task::approve(session)?,
        Id::TaskPlanRequestChanges => task::request_changes(session)?,
        Id::TaskDepAdd => return task::depend(session, true),
        Id::TaskDepRm => return task::depend(session, false),
        Id::TaskDepList => task::dependencies(session)?,
        Id::CommentAdd => return comment::add(session),
        Id::CommentList => comment::list(session)?,
        Id::CommentEdit => return comment::edit(session),
        Id::CommentRm => return comment::remove(session),
        Id::AttemptRun => return attempt::run(session),
        Id::AttemptStart => return attempt::start(session),
        Id::AttemptFinish => return attempt::finish(session),
        Id::AttemptList => attempt::list(session)?,
        Id::AttemptShow => attempt::show(session)?,
        Id::ArtifactAdd => return artifact::add(session),
        Id::ArtifactList => artifact::list(session)?,
        Id::ArtifactShow => artifact::show(session)?,
        Id::ArtifactGet => artifact::get(session)?,
        Id::TaskPick => return task::pick(session),
        Id::TaskUnpick => task::unpick(session)?,
        Id::Active => task::active(session)?,
        Id::Next => task::next(session)?,
        Id::Summary => task::summary(session)?,
        Id::Board => task::board(session)?,
        Id::Log => undo::log(session)?,
        Id::Undo => return undo::undo(session),
        Id::Sync => return sync::run(session),
        Id::SyncStatus => return status::run(session),
        Id::SyncLog => status::log(session)?,
        Id::SyncQueue => queue::list(session)?,
        Id::SyncQueueShow => queue::show(session)?,
        Id::SyncQueueRetry => queue::retry(session)?,
        Id::SyncQueueDrop => queue::drop_operations(session)?,
        Id::SyncConflicts => conflicts::list(session)?,
        Id::SyncResolve => return conflicts::resolve(session),
        Id::SyncRestore => restore::run(session)?,
    }
    Ok(0)
}

/// A group named alone: its help, as an error.
fn usage(session: &mut Session) -> Result<u8> {
    if session.out.is_json() {
        let path = session.call.arguments().join(" ");
        return Err(Error::usage(format!("'anyt {path}' needs a command")).hint(format!("see: anyt {path} --help")));
    }
    let help = cli::help_text(session.call.arguments(), session.out.columns())?;
    session.out.usage(&help);
    Ok(2)
}
