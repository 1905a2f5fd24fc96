//! Brings a change to the server at once, through the queue: it is queued first, sent by the same engine as a sync, and
//! stays queued when the server is out of reach. So a command's own write and a sync cannot differ in what they promise.

use super::Session;
use super::context::EnvContext;
use super::prompter::ConsolePrompter;
use super::rate_limit::{remember_wait, wait_allowed};
use super::reporter::{ConsoleReporter, Mode as Report};
use super::session::Effort;
use crate::api::Http;
use crate::error::{Error, Result};
use crate::lock::OTHER_COMMAND;
use crate::model::task::TITLE;
use crate::model::{Account, Kept, Operation, State};
use crate::origin::is_same_server;
use crate::store::{ACCOUNT, SERVER};
use crate::sync::edits::{Queued, take_back};
use crate::sync::remote::{Remote, RemoteError, to_error};
use crate::sync::report::Summary;
use crate::sync::{Engine, Mode, Options, Policy};
use std::cell::RefCell;
use std::io::IsTerminal;

/// How a command's change travels.
pub enum WriteMode {
    /// `--offline`: into the queue, no socket.
    Offline,
    /// To the server now.
    Server(Box<Server>),
    /// The server is out of reach: into the queue, and it is said.
    OutOfReach(Error),
}

pub struct Server {
    http: Http,
    account: Option<Account>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The server has it.
    Sent,
    /// It waits in the queue, as asked, or for something that was not sent.
    Queued,
    /// It waits in the queue because the server was out of reach, or its answer was lost: in these words.
    OutOfReach(String),
    /// It waits in the queue because another anyt is at work.
    Busy,
    /// It undid what waited in the queue: there is nothing left to send.
    Cancelled,
    /// A person chose the server's version over it.
    Withdrawn,
    /// It waits for a person's decision.
    Conflict(usize),
    /// There was nothing to change.
    Unchanged,
}

impl Delivery {
    pub fn is_queued(&self) -> bool {
        matches!(self, Delivery::Queued | Delivery::OutOfReach(_) | Delivery::Busy | Delivery::Conflict(_))
    }
}

/// Finds out how the change will travel, before anything is changed: a credential that is missing or not accepted, and
/// an unreachable server under `--no-queue`, end the command here.
pub fn write_mode(session: &mut Session, ctx: &EnvContext) -> Result<WriteMode> {
    if session.call.has("offline") {
        return Ok(WriteMode::Offline);
    }
    let secret = session.token(&ctx.env)?;
    match wait_allowed(ctx) {
        Err(error) if session.call.has("no-queue") => return Err(error),
        Err(error) => return Ok(WriteMode::OutOfReach(error)),
        Ok(()) => {}
    }
    let http = session.http(&ctx.env, Some(secret), Effort::Write)?;
    match http.account() {
        Ok(account) => {
            check_identity(ctx, &http, account.as_ref())?;
            Ok(WriteMode::Server(Box::new(Server { http, account })))
        }
        Err(error @ (RemoteError::Unauthorized(_) | RemoteError::Forbidden(_) | RemoteError::Malformed(_))) => {
            Err(to_error(error, &ctx.env.origin))
        }
        Err(error) => {
            let error = to_error(error, &ctx.env.origin);
            remember_wait(&ctx.store, &error)?;
            if session.call.has("no-queue") { Err(error) } else { Ok(WriteMode::OutOfReach(error)) }
        }
    }
}

/// A change is never sent to another server or account than the cache was filled from.
fn check_identity(ctx: &EnvContext, http: &Http, account: Option<&Account>) -> Result<()> {
    let (server, user) = (ctx.store.metadata(SERVER)?, ctx.store.metadata(ACCOUNT)?);
    let same_user = user.is_none() || account.is_none_or(|account| user.as_deref() == Some(&account.user_id));
    if server.is_none_or(|server| is_same_server(&server, &http.origin())) && same_user {
        return Ok(());
    }
    Err(Error::failure("the cache was filled from another server or account; nothing was changed")
        .hint("make it this one's: anyt sync"))
}

/// Sends what was queued, if that is how it travels.
///
/// # Errors
/// The server rejected it, a condition did not hold, or with `--no-queue` it could not be sent: it is out of the queue
/// again, unless it may have arrived, waited before, or others have built on it meanwhile.
pub fn deliver(session: &mut Session, ctx: &mut EnvContext, mode: &WriteMode, queued: &Queued) -> Result<Delivery> {
    match mode {
        _ if queued.operations.is_empty() => Ok(Delivery::Unchanged),
        WriteMode::Server(server) => send(session, ctx, server, queued),
        WriteMode::OutOfReach(error) => Ok(Delivery::OutOfReach(error.to_string())),
        WriteMode::Offline => Ok(Delivery::Queued),
    }
}

fn send(session: &mut Session, ctx: &mut EnvContext, server: &Server, queued: &Queued) -> Result<Delivery> {
    // Until what was rejected is taken back: somebody else would send it meanwhile.
    let _held = match ctx.lock().and_then(|lock| lock.hold(OTHER_COMMAND)) {
        Ok(held) => held,
        Err(error @ Error::Busy { .. }) if session.call.has("no-queue") => {
            return Err(withdraw(session, ctx, queued, error)?);
        }
        Err(Error::Busy { .. }) => return Ok(Delivery::Busy),
        Err(error) => return Err(withdraw(session, ctx, queued, error)?),
    };
    let delivered = match run(session, ctx, server, queued) {
        Ok(summary) => {
            ctx.follow_picked();
            judge(session, ctx, queued, summary)
        }
        Err(error) => Err(withdraw(session, ctx, queued, error)?),
    };
    let stays = if queued.amended { "is queued as it is now" } else { "stays as it was" };
    delivered.map_err(|error| error.if_interrupted(format!("{} {stays}", queued.operations[0].name)))
}

fn run(session: &mut Session, ctx: &mut EnvContext, server: &Server, queued: &Queued) -> Result<Summary> {
    let editor = session.editor(&ctx.env)?;
    let merge = session.config()?.sync.merge.unwrap_or(true);
    // Whatever is piped into a command that writes is somebody else's data, and no answer.
    let policy = if std::io::stdin().is_terminal() { Policy::Ask } else { Policy::Skip };
    let out = RefCell::new(&mut session.out);
    let mut reporter = ConsoleReporter::new(&out, Report::Write);
    let mut prompter = ConsolePrompter { out: &out, input: &mut session.input, editor, edit_first: false };
    let summary = Engine {
        store: &mut ctx.store,
        remote: Some(&server.http),
        prompter: &mut prompter,
        reporter: &mut reporter,
        account: Some(server.account.clone()),
        options: Options { mode: Mode::Write(queued.op_ids()), merge, policy, ..Options::default() },
    }
    .run()?;
    reporter.close(&summary)?;
    Ok(summary)
}

/// What became of the command's operations, by their states.
fn judge(session: &Session, ctx: &mut EnvContext, queued: &Queued, mut summary: Summary) -> Result<Delivery> {
    let no_queue = session.call.has("no-queue");
    let mut own = Vec::new();
    for operation in &queued.operations {
        own.extend(ctx.store.operation(&operation.op_id)?);
    }
    let failed = |one: &Operation| one.condition.is_some() && matches!(one.state, State::Dropped(_));
    if let Some(one) = own.iter().find(|one| failed(one)) {
        return Err(condition_failed(one));
    }
    // Dropped, and not by this run: a sync of this home had it first.
    if summary.accepted_remote == 0
        && let Some((name, why)) = own.iter().find_map(dropped)
    {
        return Err(Error::failure(format!("{name}: it was dropped by another anyt meanwhile: {why}"))
            .hint("see: anyt sync restore --list"));
    }
    if summary.waiting > 0 {
        let waiting = summary.waiting;
        return match no_queue {
            true => Err(withdraw(session, ctx, queued, Error::Conflicts { waiting: 0 })?),
            false => Ok(Delivery::Conflict(waiting)),
        };
    }
    let stopped = summary.stopped.take();
    let rejected = own.iter().find_map(|one| match &one.state {
        State::Rejected(message) => Some(format!("{} refused it: {}: {message}", ctx.env.origin, one.name)),
        _ => None,
    });
    if let Some(message) = rejected {
        return Err(withdraw(session, ctx, queued, Error::failure(message).coded("refused"))?);
    }
    if own.iter().all(|one| !one.state.waits()) {
        let withdrawn = summary.accepted_remote > 0 && summary.pushed == 0;
        return Ok(if withdrawn { Delivery::Withdrawn } else { Delivery::Sent });
    }
    match stopped {
        Some(error @ (Error::Unreachable { .. } | Error::Wait { .. })) => {
            remember_wait(&ctx.store, &error)?;
            let arrived = own.iter().any(|one| one.state == State::Sent);
            if no_queue {
                return Err(withdraw(session, ctx, queued, error)?);
            }
            let doubt = if arrived { "; it may have arrived, which the next sync finds out" } else { "" };
            Ok(Delivery::OutOfReach(format!("{error}{doubt}")))
        }
        Some(error) => Err(withdraw(session, ctx, queued, error)?),
        None if summary.failed > 0 => {
            let error = needs_rejected(summary.first_error.as_deref().unwrap_or_default());
            Err(withdraw(session, ctx, queued, error)?)
        }
        None if no_queue => {
            let error = Error::unreachable("it waits for an operation that was not sent").hint("see: anyt sync queue");
            Err(withdraw(session, ctx, queued, error)?)
        }
        None => Ok(Delivery::Queued),
    }
}

fn dropped(operation: &Operation) -> Option<(&str, &str)> {
    match &operation.state {
        State::Dropped(why) => Some((&operation.name, why)),
        _ => None,
    }
}

pub fn condition_failed(operation: &Operation) -> Error {
    let name = &operation.name;
    let message = match operation.condition.as_ref().and_then(|condition| condition.version) {
        Some(version) => format!("{name} is not at version {version} on the server"),
        None => format!("{name} is not as it was expected on the server"),
    };
    Error::Condition { message }
}

/// Something that the change needs was rejected. `message` begins with the name of its row.
fn needs_rejected(message: &str) -> Error {
    let (name, _) = message.split_once(':').unwrap_or((message, ""));
    Error::failure(format!("it depends on a refused operation, {message}; nothing was changed"))
        .hint(format!("send that again or drop it first: anyt sync queue retry {name}, or drop {name}"))
}

/// Takes the command's operations out of the queue again, and says with the error what stays all the same. What was typed is
/// kept first: where it cannot be, it stays queued.
fn withdraw(session: &Session, ctx: &mut EnvContext, queued: &Queued, error: Error) -> Result<Error> {
    if queued.amended {
        return Ok(advised(error, "it stays queued as it is now; change it again, or see: anyt sync queue"));
    }
    let taken = keep_typed(ctx, queued).and_then(|kept| {
        let stay = take_back(&mut ctx.store, queued, &error.to_string())?;
        Ok((kept, stay))
    });
    let Ok((kept, stay)) = taken else {
        // Its own hint would say that nothing was changed.
        return Ok(
            Error::failure(error.to_string()).hint("it stays queued, and may have arrived; see: anyt sync queue")
        );
    };
    session.piped.take();
    Ok(if stay.is_empty() {
        match kept {
            Some(number) => advised(error, &format!("what you wrote is kept: anyt sync restore {number}")),
            None => error,
        }
    } else if stay.iter().all(|one| one.state == State::Sent) {
        error.hint("it may have arrived, so it is kept; the next sync finds out: anyt sync")
    } else {
        advised(error, "it stays queued with what was queued for it meanwhile: anyt sync queue")
    })
}

/// Writes what was typed to discarded.jsonl before it goes: a command that fails loses no text. Gives the entry's number.
fn keep_typed(ctx: &mut EnvContext, queued: &Queued) -> Result<Option<i64>> {
    let is_text = |one: &Operation| one.set.keys().any(|field| field.is_prose() || *field == TITLE);
    if !queued.operations.iter().any(is_text) {
        return Ok(None);
    }
    let kept = Kept { reason: "refused", row: None, operations: queued.operations.clone() };
    Ok(ctx.store.discard(&[kept])?.first().copied())
}

/// The error with a hint, unless it has one already.
fn advised(error: Error, advice: &str) -> Error {
    if error.advice().is_some() { error } else { error.hint(advice) }
}
