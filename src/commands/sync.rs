//! `anyt sync`: pull, then push.

use super::Session;
use super::asker::Asker;
use super::patience::{remember_wait, wait_allowed};
use super::screen::{Mode, Screen, described, plural};
use super::session::Effort;
use super::workbench::Workbench;
use crate::document::{integer, object, text};
use crate::error::{Error, Result};
use crate::model::{Field, Value as FieldValue};
use crate::names::{Names, shown};
use crate::sync::report::Summary;
use crate::sync::{Engine, Options, Policy};
use crate::ui::{Editor, sanitise, width};
use miniserde::json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

/// Tasks asked for at a time. More than 100 is not known to work (api.md 4.9).
const PAGE_SIZE: u32 = 100;

pub fn run(session: &mut Session) -> Result<u8> {
    sync(session).map_err(|error| error.if_interrupted("nothing was changed; what is queued stays: anyt sync"))
}

fn sync(session: &mut Session) -> Result<u8> {
    let mut bench = Workbench::open(session)?;
    let mut options = options(session)?;
    let secret = session.token(&bench.env)?;
    let http = session.http(&bench.env, Some(secret), Effort::Sync)?;
    wait_allowed(&bench)?;
    if options.force && !options.dry_run {
        options.set_aside = confirm_force(session, &bench)?;
    }
    let patience = Duration::from_secs(session.call.number("wait").unwrap_or(0));
    let held = bench.lock()?.hold(patience)?;
    let drafts = session.paths()?.drafts_dir(&bench.env.name);
    let editor = Editor::new(session.config()?.editor.as_deref(), drafts);
    let out = RefCell::new(&mut session.out);
    let mode = match &options {
        options if options.dry_run => Mode::DryRun,
        options if options.force => Mode::Force,
        options if !options.push => Mode::Pull,
        options if !options.pull => Mode::Push,
        _ => Mode::Full,
    };
    let mut screen = Screen::new(&out, mode);
    let mut asker = Asker { out: &out, input: &mut session.input, editor, edit_first: false };
    let ran = Engine {
        cache: &mut bench.cache,
        journal: &bench.journal,
        discard: &bench.discard,
        remote: &http,
        prompter: &mut asker,
        reporter: &mut screen,
        account: None,
        options,
    }
    .run();
    let summary = ran.inspect_err(|error| drop(remember_wait(&bench.cache, error)))?;
    let closed = screen.close(&summary);
    drop(held);
    follow_picked(&bench);
    if let Some((path, count)) = &summary.discarded {
        let what = plural(*count, "operation");
        session.out.say(&format!("  {count} {what} set aside in {}; anyt sync restore --last", path.display()))?;
    }
    if session.out.is_json() {
        let document = to_json(&summary, mode == Mode::DryRun);
        session.answer(|| document, |_| Ok(()))?;
    }
    closed?;
    if let Some(error) = &summary.stopped {
        remember_wait(&bench.cache, error)?;
    }
    summary.into_error().map_or(Ok(0), Err)
}

fn options(session: &Session) -> Result<Options> {
    let habits = session.config()?.sync;
    let call = session.call;
    let policy = match call.given("resolve").or(habits.resolve.as_deref()) {
        None => Policy::Ask,
        Some("local") => Policy::Local,
        Some("remote") => Policy::Remote,
        Some("skip") => Policy::Skip,
        Some(word) => {
            return Err(Error::usage(format!("sync.resolve in config.json is '{word}'")).hint("local, remote or skip"));
        }
    };
    let (pull, push) = (call.has("pull"), call.has("push"));
    Ok(Options {
        pull: pull || !push || call.has("force"),
        push: push || !pull,
        force: call.has("force"),
        merge: !call.has("no-merge") && habits.merge.unwrap_or(true),
        policy,
        accept_deletes: call.has("accept-deletes"),
        page_size: habits.page_size.unwrap_or(PAGE_SIZE),
        dry_run: call.has("dry-run"),
        ..Options::default()
    })
}

/// A force sync is asked about; without anybody to ask it needs `--yes`. Gives the operations that were agreed to be set
/// aside: what somebody queues while the question stands is not among them. All there are, if nobody was asked.
fn confirm_force(session: &mut Session, bench: &Workbench) -> Result<Option<BTreeSet<String>>> {
    let queued: BTreeSet<String> = bench.cache.pending()?.into_iter().map(|operation| operation.op_id).collect();
    let mut lines = vec!["⚠ This will overwrite local changes".to_string()];
    if !queued.is_empty() {
        let them = if queued.len() == 1 { "it" } else { "them" };
        let (count, what) = (queued.len(), plural(queued.len(), "operation"));
        lines.push(format!("  {count} queued {what} will be set aside; anyt sync restore brings {them} back"));
    }
    if session.call.has("yes") {
        lines.iter().try_for_each(|line| session.out.say(line))?;
        return Ok(None);
    }
    if session.input.can_answer(&session.out) {
        // A question is seen under --quiet too, and so is what it is about.
        lines.iter().try_for_each(|line| session.out.question(&format!("{line}\n")))?;
    }
    if session.input.confirm(&mut session.out, "Continue?")? {
        return Ok(Some(queued));
    }
    Err(Error::failure("nothing was overwritten").hint("without a terminal: anyt sync --force --yes"))
}

/// The picked task's name follows. A damaged file is for the commands that need it to complain about.
pub fn follow_picked(bench: &Workbench) {
    let _ = bench.picked();
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
        ("renamed", Value::Array(renames)),
    ]);
    if let Value::Object(members) = &mut document
        && dry_run
    {
        let operations = summary.would_send.iter().map(described).collect();
        members.insert("would_send".into(), Value::Array(operations));
    }
    document
}

/// Shows a value of a field on one line.
pub fn one_line(field: Field, value: &FieldValue, names: &dyn Names) -> String {
    width::truncate(&sanitise::line(&shown(field, value, names)), 60)
}
