//! `anyt sync conflicts` and `anyt sync resolve`: the inbox of conflicts that wait for a decision. No network: base and
//! local values are in the queue, the server's row was stored with the conflict.

use super::Session;
use super::context::EnvContext;
use super::describe::one_line;
use super::prompter::ConsolePrompter;
use super::reporter::{ConsoleReporter, Mode as Report};
use crate::document::{integer, list as list_of, object, text};
use crate::error::{Error, Result};
use crate::lock::OTHER_COMMAND;
use crate::model::task::{TASK, TITLE};
use crate::model::{Operation, Target};
use crate::names::{Known, Name};
use crate::store::{Conflict, Resolved};
use crate::sync::decide::describe_conflict;
use crate::sync::relate::Difference;
use crate::sync::report::Cause;
use crate::sync::report::Summary;
use crate::sync::{Engine, Mode, Options, Policy};
use miniserde::json::Value;
use std::cell::RefCell;

pub fn list(session: &mut Session) -> Result<()> {
    let ctx = EnvContext::open(session)?;
    let mut items = Vec::new();
    for conflict in ctx.store.conflicts()? {
        let (cause, differences) =
            describe_conflict(&ctx.store.waiting_of(conflict.kind, conflict.id)?, conflict.remote.as_ref());
        items.push((conflict, cause, differences));
    }
    session.item(|| {
        let (name, found_at) = Default::default();
        let conflict = Conflict { kind: &TASK, id: 0, workspace_id: 0, name, remote: None, found_at };
        to_json(&conflict, Cause::Changed, &[])
    });
    session.answer(
        || list_of(items.iter().map(|(conflict, cause, differences)| to_json(conflict, *cause, differences)).collect()),
        |out| {
            if items.is_empty() {
                return out.line("No conflict is waiting");
            }
            for (conflict, cause, differences) in &items {
                let what = match cause {
                    Cause::Changed => "changed on both sides",
                    Cause::DeletedThere => "changed here, deleted on the server",
                    Cause::DeletedHere => "deleted here, changed on the server",
                };
                // A title in dispute is shown below.
                let shown = ctx.store.row(conflict.kind, conflict.id)?.or_else(|| conflict.remote.clone());
                let shown = shown.filter(|_| differences.iter().all(|one| one.field != TITLE));
                let title = shown.map(|row| format!(": {}", row.title()));
                out.line(&format!("{}: {what}{}", conflict.name, title.unwrap_or_default()))?;
                let names = Known { store: &ctx.store, workspace_id: conflict.workspace_id };
                for Difference { field, base, local, remote } in differences {
                    let [base, local, remote] = [base, local, remote].map(|value| one_line(field, value, &names));
                    out.line(&format!("  {}: {base} → local {local}, remote {remote}", field.word))?;
                }
            }
            out.say("Settle them: anyt sync resolve")
        },
    )
}

fn to_json(conflict: &Conflict, cause: Cause, differences: &[Difference]) -> Value {
    let fields = differences
        .iter()
        .map(|difference| {
            object([
                ("field", text(difference.field.name)),
                ("base", difference.base.to_json()),
                ("local", difference.local.to_json()),
                ("remote", difference.remote.to_json()),
            ])
        })
        .collect();
    object([
        ("identifier", text(&conflict.name)),
        ("remote_version", conflict.remote.as_ref().map_or(Value::Null, |task| integer(task.version))),
        ("deleted_on_server", Value::Bool(cause == Cause::DeletedThere)),
        ("deleted_here", Value::Bool(cause == Cause::DeletedHere)),
        ("found_at", text(&conflict.found_at)),
        ("fields", Value::Array(fields)),
    ])
}

pub fn resolve(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open(session)?;
    let call = session.call;
    let policy = match (call.has("local"), call.has("remote")) {
        (true, _) => Policy::Local,
        (_, true) => Policy::Remote,
        _ => Policy::Ask,
    };
    let wanted = wanted(session, &ctx, policy)?;
    if wanted.is_empty() {
        session.answer(|| counts(&Summary::default()), |out| out.say("No conflict is waiting"))?;
        return Ok(0);
    }
    let _held = ctx.lock()?.hold(OTHER_COMMAND)?;
    let editor = session.editor(&ctx.env)?;
    let merge = session.config()?.sync.merge.unwrap_or(true);
    let before = ctx.store.waiting()?;
    let out = RefCell::new(&mut session.out);
    let mut reporter = ConsoleReporter::new(&out, Report::Write);
    let mut prompter = ConsolePrompter { out: &out, input: &mut session.input, editor, edit_first: call.has("edit") };
    let mode = Mode::Resolve(wanted.iter().map(|conflict| (conflict.kind, conflict.id)).collect());
    let summary: Summary = Engine {
        store: &mut ctx.store,
        remote: None,
        prompter: &mut prompter,
        reporter: &mut reporter,
        account: None,
        options: Options { mode, merge, policy, ..Options::default() },
    }
    .run()
    .map_err(|error| error.if_interrupted("nothing was changed; the conflicts wait: anyt sync resolve"))?;
    reporter.close(&summary)?;
    if summary.resolved > 0 && is_something_to_send(&ctx, &wanted, &before)? {
        session.out.say("  The next sync sends the result: anyt sync")?;
    }
    session.answer(|| counts(&summary), |_| Ok(()))?;
    summary.into_error().map_or(Ok(0), Err)
}

fn counts(summary: &Summary) -> Value {
    object([("resolved", integer(summary.resolved as i64)), ("waiting", integer(summary.waiting as i64))])
}

/// What was decided has left operations in the queue: those of a row that waits no longer, or new ones.
fn is_something_to_send(ctx: &EnvContext, wanted: &[Conflict], before: &[Operation]) -> Result<bool> {
    let undecided = ctx.store.conflicts()?;
    for operation in ctx.store.waiting()? {
        let id = match (ctx.store.resolve(operation.kind.ends, &operation.target)?, &operation.target) {
            (Resolved::Server { id, .. }, _) => Some(id),
            (_, Target::Server(id)) => Some(*id),
            _ => None,
        };
        let is_one_of = |conflicts: &[Conflict]| {
            conflicts.iter().any(|one| one.kind.name == operation.kind.ends && Some(one.id) == id)
        };
        let is_new = before.iter().all(|known| known.op_id != operation.op_id);
        if !is_one_of(&undecided) && (is_new || is_one_of(wanted)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `DEV-42`, `dev42` and `42` mean the task of a conflict as they mean a task.
fn is_called(conflict: &Conflict, typed: &str) -> bool {
    if conflict.kind != &TASK {
        return conflict.name.eq_ignore_ascii_case(typed);
    }
    let name = |text: &str| Name::parse(text);
    let (Some(typed), Some(known)) = (name(typed), name(&conflict.name)) else { return false };
    typed.number == known.number && (typed.prefix.is_none() || typed.prefix == known.prefix)
}

/// The conflicts that the arguments name; all of them without arguments, where a flag decides only with `--all`.
fn wanted(session: &Session, ctx: &EnvContext, policy: Policy) -> Result<Vec<Conflict>> {
    let known = ctx.store.conflicts()?;
    let names = session.call.arguments();
    if names.is_empty() {
        if policy != Policy::Ask && !session.call.has("all") && !known.is_empty() {
            return Err(Error::usage("no conflict was named").hint("name them, or give --all"));
        }
        return Ok(known);
    }
    let mut wanted = Vec::new();
    for name in names {
        // By its own name first: a task that was deleted here is no longer found among the tasks.
        if let Some(found) = known.iter().find(|conflict| is_called(conflict, name)) {
            wanted.push(found.clone());
            continue;
        }
        let row = ctx.task(session, name)?.row;
        let found = known.iter().find(|conflict| conflict.kind == row.kind && conflict.id == row.id).cloned();
        wanted.push(found.ok_or_else(|| {
            Error::not_found(format!("no conflict of {} is waiting", row.name)).hint("see: anyt sync conflicts")
        })?);
    }
    Ok(wanted)
}
