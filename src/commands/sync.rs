//! `anyt sync`: pull, then push.

use super::Session;
use super::confirm::confirm;
use super::context::EnvContext;
use super::describe::to_json as operation_to_json;
use super::prompter::ConsolePrompter;
use super::rate_limit::{remember_wait, sleep_until_allowed, wait_allowed};
use super::reporter::{ConsoleReporter, Mode as Report, plural, them};
use super::session::{Effort, error_to_json};
use crate::api::Http;
use crate::config::none_configured;
use crate::document::{integer, object, text};
use crate::error::{Error, Result};
use crate::gather::Gather;
use crate::origin::is_same_server;
use crate::sync::report::Summary;
use crate::sync::{Engine, Mode, Options, Policy};
use crate::time::Timestamp;
use crate::ui::interrupt;
use miniserde::json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

/// Tasks asked for at a time. More than 100 is not known to work (api.md 4.9).
const PAGE_SIZE: u32 = 100;

pub fn run(session: &mut Session) -> Result<u8> {
    interrupt::explain("what was fetched is kept, what waits stays queued; go on: anyt sync");
    let kept = "nothing was changed; what is queued stays: anyt sync";
    match session.call.has("all-environments") {
        true => all(session).map_err(|error| error.if_interrupted(kept)),
        false => sync(session).map_err(|error| error.if_interrupted(kept)),
    }
}

fn sync(session: &mut Session) -> Result<u8> {
    let (ctx, summary, dry_run) = pull_and_push(session)?;
    finish(session, &ctx, summary, dry_run)
}

/// Each environment in turn, with a line about each. One that fails leaves the next its turn; the highest exit code counts.
fn all(session: &mut Session) -> Result<u8> {
    let names = one_secret_each(session)?;
    let (mut items, mut worst) = (Vec::new(), None::<Error>);
    for name in names {
        session.chosen = Some(name.clone());
        session.out.hush(true);
        let ran = pull_and_push(session);
        session.out.hush(false);
        let (mut document, failed) = match ran {
            Ok((ctx, summary, _)) => {
                session.out.say(&line(&name, &summary))?;
                if let Some(error) = &summary.stopped {
                    remember_wait(&ctx.store, error)?;
                }
                (to_json(&summary, false), summary.into_error())
            }
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => (object([]), Some(error)),
        };
        let failed = failed.map(|error| error.of(&format!("{name}: ")));
        if let Value::Object(members) = &mut document {
            members.insert("environment".into(), text(&name));
            members.insert("success".into(), Value::Bool(failed.is_none()));
            members.insert("error".into(), failed.as_ref().map_or(Value::Null, error_to_json));
        }
        items.push(document);
        let Some(failed) = failed else { continue };
        let (said, kept) = match worst.take() {
            Some(before) if before.exit_code() >= failed.exit_code() => (Some(failed), before),
            before => (before, failed),
        };
        said.iter().try_for_each(|error| session.out.error(error))?;
        worst = Some(kept);
    }
    let count = integer(items.len() as i64);
    session.answer(|| object([("count", count), ("items", Value::Array(items.into_iter().collect()))]), |_| Ok(()))?;
    worst.map_or(Ok(0), Err)
}

/// The environments that there are. A token from a variable is nobody's word that it may go to several servers.
pub(super) fn one_secret_each(session: &Session) -> Result<Vec<String>> {
    let config = session.config()?;
    let known = &config.environments;
    let several = known.iter().any(|one| !is_same_server(&one.api_url, &known[0].api_url));
    match (known.is_empty(), session.vars.credential()) {
        (true, _) => Err(none_configured()),
        (false, Some((name, _))) if several => {
            Err(Error::usage(format!("the token of {name} would go to several servers"))
                .hint("unset it, and sign in to each: anyt auth login --env NAME"))
        }
        _ => Ok(known.iter().map(|one| one.name.clone()).collect()),
    }
}

/// `✓ dev: pulled 3, pushed 1, 2 conflicts wait`.
fn line(name: &str, summary: &Summary) -> String {
    let waits =
        [(summary.waiting, "conflict"), (summary.failed, "refused operation"), (summary.held, "held operation")];
    let waits = waits.iter().filter(|(count, _)| *count > 0);
    let waits: String = waits.map(|(count, what)| format!(", {count} {}", plural(*count, what))).collect();
    let mark = if summary.stopped.is_none() && waits.is_empty() { "✓" } else { "⚠" };
    format!("{mark} {name}: pulled {}, pushed {}{waits}", summary.pulled.changes(), summary.pushed)
}

/// Pulls and pushes as the flags say. Whether it was a dry run is told too.
fn pull_and_push(session: &mut Session) -> Result<(EnvContext, Summary, bool)> {
    let mut ctx = EnvContext::open(session)?;
    let mut options = options(session)?;
    let secret = session.token(&ctx.env)?;
    let http = session.http(&ctx.env, Some(secret), Effort::Sync)?;
    // For another sync to end, and for a server that asks to wait.
    let deadline = Timestamp::now().plus(Duration::from_secs(session.call.number("wait").unwrap_or(0)));
    loop {
        match wait_allowed(&ctx) {
            Err(error) if say_and_sleep(session, &error, deadline)? => {}
            allowed => break allowed?,
        }
    }
    if options.mode == Mode::Force(None) && !options.dry_run {
        options.mode = Mode::Force(confirm_force(session, &ctx)?);
    }
    let ran = run_until_through(session, &mut ctx, &http, &options, deadline).map_err(|error| kept_queue(&ctx, error));
    ran.map(|summary| (ctx, summary, options.dry_run))
}

/// What became of the queue when the server was out of reach, and what to type next.
fn kept_queue(ctx: &EnvContext, error: Error) -> Error {
    match (&error, ctx.store.count_waiting()) {
        (Error::Unreachable { hint: None, .. }, Ok(0)) => error.hint("nothing waits to be sent; try again: anyt sync"),
        (Error::Unreachable { hint: None, .. }, Ok(1)) => {
            error.hint("1 change waits and is kept; send it later: anyt sync")
        }
        (Error::Unreachable { hint: None, .. }, Ok(count)) => {
            error.hint(format!("{count} changes wait and are kept; send them later: anyt sync"))
        }
        _ => error,
    }
}

/// Runs until it is through, as long as the server only asks to wait and there is time.
fn run_until_through(
    session: &mut Session,
    ctx: &mut EnvContext,
    http: &Http,
    options: &Options,
    deadline: Timestamp,
) -> Result<Summary> {
    let mut earlier = Summary::default();
    loop {
        let ran = once(session, ctx, http, options, deadline);
        let limited = match &ran {
            Ok(summary) => summary.stopped.as_ref(),
            Err(error) => Some(error),
        };
        if let Some(error) = limited {
            remember_wait(&ctx.store, error)?;
            if say_and_sleep(session, error, deadline)? {
                if let Ok(summary) = &ran {
                    earlier.add(summary);
                }
                continue;
            }
        }
        let mut summary = ran?;
        summary.add(&earlier);
        return Ok(summary);
    }
}

/// Waits for the server where that is what the error is about and there is time.
fn say_and_sleep(session: &mut Session, error: &Error, deadline: Timestamp) -> Result<bool> {
    if let Error::Wait { until, .. } = error
        && *until <= deadline
    {
        session.out.warn(&format!("{error}; this sync goes on after that"))?;
        session.out.flush()?;
    }
    Ok(sleep_until_allowed(error, deadline))
}

fn once(
    session: &mut Session,
    ctx: &mut EnvContext,
    http: &Http,
    options: &Options,
    deadline: Timestamp,
) -> Result<Summary> {
    let _held = ctx.lock()?.hold(Timestamp::now().age(deadline))?;
    let editor = session.editor(&ctx.env)?;
    let out = RefCell::new(&mut session.out);
    let mut reporter = ConsoleReporter::new(&out, report_mode(options));
    let mut prompter = ConsolePrompter { out: &out, input: &mut session.input, editor, edit_first: false };
    let summary = Engine {
        store: &mut ctx.store,
        remote: Some(http),
        prompter: &mut prompter,
        reporter: &mut reporter,
        account: None,
        options: options.clone(),
    }
    .run()?;
    reporter.close(&summary)?;
    ctx.follow_picked();
    Ok(summary)
}

fn report_mode(options: &Options) -> Report {
    match options.mode {
        _ if options.dry_run => Report::DryRun,
        Mode::Force(_) => Report::Force,
        Mode::Pull => Report::Pull,
        Mode::Push => Report::Push,
        _ => Report::Full,
    }
}

fn finish(session: &mut Session, ctx: &EnvContext, summary: Summary, dry_run: bool) -> Result<u8> {
    if let Some((number, count)) = &summary.discarded {
        let what = plural(*count, "operation");
        session
            .out
            .say(&format!("  {count} {what} discarded; bring {} back: anyt sync restore {number}", them(*count)))?;
    }
    if session.out.is_json() {
        let document = to_json(&summary, dry_run);
        session.answer(|| document, |_| Ok(()))?;
    }
    if let Some(error) = &summary.stopped {
        remember_wait(&ctx.store, error)?;
    }
    summary.into_error().map_or(Ok(0), Err)
}

fn options(session: &Session) -> Result<Options> {
    let habits = session.config()?.sync;
    let call = session.call;
    let policy = match call.given("resolve").or(habits.resolve.as_deref()) {
        Some("local") => Policy::Local,
        Some("remote") => Policy::Remote,
        Some("skip") => Policy::Skip,
        _ => Policy::Ask,
    };
    let mode = match (call.has("force"), call.has("pull"), call.has("push")) {
        (true, ..) => Mode::Force(None),
        (_, true, false) => Mode::Pull,
        (_, false, true) => Mode::Push,
        _ => Mode::Sync,
    };
    Ok(Options {
        mode,
        merge: !call.has("no-merge") && habits.merge.unwrap_or(true),
        policy,
        full: call.has("full"),
        accept_deletes: call.has("accept-deletes"),
        page_size: habits.page_size.unwrap_or(PAGE_SIZE),
        dry_run: call.has("dry-run"),
    })
}

/// A force sync is asked about; without anybody to ask it needs `--yes`. Gives the operations that were agreed to be set
/// aside: what somebody queues while the question stands is not among them. All there are, if nobody was asked.
fn confirm_force(session: &mut Session, ctx: &EnvContext) -> Result<Option<BTreeSet<String>>> {
    let queued: BTreeSet<String> = ctx.store.waiting()?.into_iter().map(|operation| operation.op_id).gather();
    let mut lines = vec!["⚠ This will overwrite local changes".to_string()];
    if !queued.is_empty() {
        let (count, what, them) = (queued.len(), plural(queued.len(), "operation"), them(queued.len()));
        lines.push(format!("  {count} queued {what} will be discarded; anyt sync restore brings {them} back"));
    }
    if confirm(session, &lines, "Continue?", "nothing was overwritten")? {
        return Ok(Some(queued));
    }
    lines.iter().try_for_each(|line| session.out.say(line))?;
    Ok(None)
}

fn to_json(summary: &Summary, dry_run: bool) -> Value {
    let count = |number: usize| integer(number as i64);
    let renames = summary.renames.iter().map(|(from, to)| object([("from", text(from)), ("to", text(to))])).collect();
    let mut document = object([
        ("pulled_new", count(summary.pulled.new)),
        ("pulled_updated", count(summary.pulled.updated)),
        ("pulled_deleted", count(summary.pulled.deleted)),
        ("pushed", count(summary.pushed)),
        ("resolved", count(summary.resolved)),
        ("conflicts_waiting", count(summary.waiting)),
        ("refused", count(summary.failed)),
        ("held", count(summary.held)),
        ("unreadable", count(summary.unreadable.len())),
        ("renamed", Value::Array(renames)),
    ]);
    if let Value::Object(members) = &mut document
        && dry_run
    {
        let operations = summary.would_send.iter().map(operation_to_json).collect();
        members.insert("would_send".into(), Value::Array(operations));
        let there = summary.would_adopt.iter().map(operation_to_json).collect();
        members.insert("would_adopt".into(), Value::Array(there));
    }
    document
}
