//! Brings a change to the server at once, through the queue: it is queued first, sent by the same engine as a sync, and
//! stays queued when the server is out of reach. So a command's own write and a sync cannot differ in what they promise.

use crate::api::Http;
use crate::cache::{ACCOUNT, SERVER};
use crate::commands::Session;
use crate::commands::asker::Asker;
use crate::commands::patience::{remember_wait, wait_allowed};
use crate::commands::screen::{Mode, Screen};
use crate::commands::session::Effort;
use crate::commands::sync::follow_picked;
use crate::commands::workbench::Workbench;
use crate::error::{Error, Result};
use crate::model::{Account, Operation};
use crate::sync::local::{self, Queued};
use crate::sync::loss::Loss;
use crate::sync::recover::recover;
use crate::sync::remote::{Remote, RemoteError, to_error};
use crate::sync::{Engine, Options};
use crate::ui::Editor;
use std::cell::RefCell;
use std::time::Duration;

/// How a command's change travels.
pub enum Road {
    /// `--offline`: into the queue, no socket.
    Queue,
    /// To the server now.
    Server(Box<Server>),
    /// The server is out of reach: into the queue, and the exit code says so.
    Unreachable(Error),
}

pub struct Server {
    http: Http,
    account: Option<Account>,
}

/// What became of a change.
pub enum Delivery {
    /// The server has it.
    Sent,
    /// It waits in the queue.
    Queued,
    /// It waits in the queue because another anyt is at work.
    Busy,
    /// It undid what waited in the queue: there is nothing left to send.
    Cancelled,
    /// A person chose the server's version over it.
    Withdrawn,
    /// It waits for a person's decision.
    Conflict(usize),
}

/// Finds out how the change will travel, before anything is changed: a credential that is missing or not accepted, and
/// an unreachable server under `--no-queue`, end the command here.
pub fn road(session: &mut Session, bench: &Workbench) -> Result<Road> {
    if session.call.has("offline") {
        return Ok(Road::Queue);
    }
    let secret = session.token(&bench.env)?;
    match wait_allowed(bench) {
        Err(error) if session.call.has("no-queue") => return Err(error),
        Err(error) => return Ok(Road::Unreachable(error)),
        Ok(()) => {}
    }
    let http = session.http(&bench.env, Some(secret), Effort::Write)?;
    match http.account() {
        Ok(account) => {
            check_identity(bench, &http, account.as_ref())?;
            Ok(Road::Server(Box::new(Server { http, account })))
        }
        Err(error @ (RemoteError::Unauthorized(_) | RemoteError::Forbidden(_) | RemoteError::Malformed(_))) => {
            Err(to_error(error, &bench.env.origin))
        }
        Err(error) => {
            let error = to_error(error, &bench.env.origin);
            remember_wait(&bench.cache, &error)?;
            if session.call.has("no-queue") { Err(error) } else { Ok(Road::Unreachable(error)) }
        }
    }
}

/// A change is never sent to another server or account than the cache was filled from.
fn check_identity(bench: &Workbench, http: &Http, account: Option<&Account>) -> Result<()> {
    let (server, user) = (bench.cache.metadata(SERVER)?, bench.cache.metadata(ACCOUNT)?);
    let same_user = user.is_none() || account.is_none_or(|account| user.as_deref() == Some(&account.user_id));
    if server.is_none_or(|server| server == http.origin()) && same_user {
        return Ok(());
    }
    Err(Error::failure("the cache was filled from another server or account; nothing was changed")
        .hint("make it this one's: anyt sync"))
}

/// Sends what was queued, if the road leads to the server.
///
/// # Errors
/// `Unreachable` when the change is queued because the server went away. A change the server refuses is taken back.
pub fn deliver(session: &mut Session, bench: &mut Workbench, road: &Road, queued: &Queued) -> Result<Delivery> {
    match road {
        Road::Server(server) if !queued.operations.is_empty() => send(session, bench, server, queued),
        _ => Ok(Delivery::Queued),
    }
}

fn send(session: &mut Session, bench: &mut Workbench, server: &Server, queued: &Queued) -> Result<Delivery> {
    // A short patience: another command's own write is over in a moment, a sync may take long.
    // Until what was refused is taken back: somebody else would send it meanwhile.
    let _held = match bench.lock()?.hold(Duration::from_secs(1)) {
        Ok(held) => held,
        Err(Error::Busy { .. }) => return Ok(Delivery::Busy),
        Err(error) => return Err(error),
    };
    let drafts = session.paths()?.drafts_dir(&bench.env.name);
    let editor = Editor::new(session.config()?.editor.as_deref(), drafts);
    let habits = session.config()?.sync;
    let out = RefCell::new(&mut session.out);
    let mut screen = Screen::new(&out, Mode::Write);
    let mut asker = Asker { out: &out, input: &mut session.input, editor, edit_first: false };
    let options = Options {
        pull: false,
        merge: habits.merge.unwrap_or(true),
        only: Some(queued.operations.iter().map(|operation| operation.op_id.clone()).collect()),
        ..Options::default()
    };
    let ran = Engine {
        cache: &mut bench.cache,
        journal: &bench.journal,
        discard: &bench.discard,
        remote: &server.http,
        prompter: &mut asker,
        reporter: &mut screen,
        account: Some(server.account.clone()),
        options,
    }
    .run();
    let summary = match ran {
        Ok(summary) => summary,
        Err(error) => {
            // What was sent before it failed is known to the journal alone; it must not be taken back.
            if recover(&mut bench.cache, &bench.journal).is_err() {
                return Err(error);
            }
            let error = take_back(bench, queued, error)?;
            let stays = if queued.mended { "is queued as it is now" } else { "stays as it was" };
            return Err(error.if_interrupted(format!("{} {stays}", queued.operations[0].identifier)));
        }
    };
    screen.close(&summary)?;
    follow_picked(bench);
    if summary.waiting > 0 {
        return Ok(Delivery::Conflict(summary.waiting));
    }
    if summary.accepted_remote > 0 && summary.pushed == 0 {
        return Ok(Delivery::Withdrawn);
    }
    let refusal = (summary.failed > 0).then(|| summary.first_error.clone().unwrap_or_default());
    match (summary.stopped, refusal) {
        (None, None) if summary.held > 0 => Ok(Delivery::Queued),
        (None, None) => Ok(Delivery::Sent),
        (Some(error @ (Error::Unreachable { .. } | Error::Wait { .. })), _) => {
            remember_wait(&bench.cache, &error)?;
            still_queued(session, bench, queued, error)
        }
        (Some(error), _) => Err(take_back(bench, queued, error)?),
        (None, Some(message)) => {
            let error = refusal_of(bench, queued, &message)?;
            Err(take_back(bench, queued, error)?)
        }
    }
}

/// What was refused is the command's own change, or something that it needs. `message` begins with the name of its task.
fn refusal_of(bench: &Workbench, queued: &Queued, message: &str) -> Result<Error> {
    let own = bench.cache.pending()?.iter().any(|now| now.error.is_some() && queued.has(now));
    if own {
        return Ok(Error::failure(format!("{} refused it: {message}", bench.env.origin)));
    }
    let (name, _) = message.split_once(':').unwrap_or((message, ""));
    Ok(Error::failure(format!("it needs what was refused, {message}; nothing was changed"))
        .hint(format!("send that again or give it up first: anyt sync queue retry {name}, or drop {name}")))
}

/// The server went away in the middle. Under `--no-queue` the change is taken back, unless it may have arrived.
fn still_queued(session: &Session, bench: &mut Workbench, queued: &Queued, error: Error) -> Result<Delivery> {
    let arrived = bench.cache.pending()?.iter().any(|now| now.uncertain.is_some() && queued.has(now));
    if session.call.has("no-queue") && !arrived {
        return Err(take_back(bench, queued, error)?);
    }
    Err(queued_for_later(error))
}

/// Takes the operations of this command out of the queue again: nothing was changed. What may have reached the server
/// stays, and so does what others have built on meanwhile, and what was queued before the command.
fn take_back(bench: &mut Workbench, queued: &Queued, error: Error) -> Result<Error> {
    if queued.mended {
        return Ok(advised(error, "it stays queued as it is now; change it again, or see: anyt sync queue"));
    }
    let pending = bench.cache.pending()?;
    let refused = pending.iter().filter(|operation| queued.has(operation) && operation.uncertain.is_none());
    let refused: Vec<Operation> = refused.cloned().collect();
    let loss = Loss::of(&pending, &refused)?;
    if loss.operations.len() > refused.len() || !loss.orphans.is_empty() {
        return Ok(advised(error, "it stays queued with what was queued for it meanwhile: anyt sync queue"));
    }
    if !refused.is_empty() {
        local::give_up(&mut bench.cache, &bench.journal, &loss)?;
    }
    Ok(error)
}

/// The error with a hint, unless it has one already.
fn advised(error: Error, advice: &str) -> Error {
    if error.advice().is_some() { error } else { error.hint(advice) }
}

/// The error of a change that is safe in the queue.
pub fn queued_for_later(error: Error) -> Error {
    match error {
        Error::Unreachable { message, .. } | Error::Wait { message, .. } => {
            Error::Unreachable { message, queued: true }
        }
        other => other,
    }
}
