//! `anyt sync conflicts` and `anyt sync resolve`: the inbox of conflicts that wait for a decision. No network: base and
//! local values are in the queue, the server's row was stored with the conflict.

use super::Session;
use super::asker::Asker;
use super::screen::{Mode, Screen};
use super::sync::one_line;
use super::workbench::{Name, Workbench};
use crate::cache::StoredConflict;
use crate::document::{integer, object, text};
use crate::error::{Error, Result};
use crate::model::Operation;
use crate::names::Known;
use crate::sync::Policy;
use crate::sync::merge;
use crate::sync::report::{Clash, Summary};
use crate::sync::settle::{Settler, describe_conflict};
use crate::ui::Editor;
use miniserde::json::Value;
use std::cell::RefCell;
use std::time::Duration;

pub fn list(session: &mut Session) -> Result<()> {
    let bench = Workbench::open(session)?;
    let mut items = Vec::new();
    for conflict in bench.cache.conflicts()? {
        let (clash, differences) = describe_conflict(&bench.cache, &conflict)?;
        items.push((conflict, clash, differences));
    }
    session.answer(
        || {
            let documents =
                items.iter().map(|(conflict, clash, differences)| to_json(conflict, *clash, differences)).collect();
            object([("items", Value::Array(documents)), ("count", integer(items.len() as i64))])
        },
        |out| {
            if items.is_empty() {
                return out.line("No conflict is waiting");
            }
            for (conflict, clash, differences) in &items {
                let what = match clash {
                    Clash::Changed => "changed on both sides",
                    Clash::DeletedThere => "changed here, deleted on the server",
                    Clash::DeletedHere => "deleted here, changed on the server",
                };
                out.line(&format!("{}: {what}", conflict.identifier))?;
                let names = Known { cache: &bench.cache, workspace_id: conflict.workspace_id };
                for merge::Difference { field, base, local, remote } in differences {
                    let [base, local, remote] = [base, local, remote].map(|value| one_line(*field, value, &names));
                    out.line(&format!("  {}: {base} → local {local}, remote {remote}", field.word()))?;
                }
            }
            out.say("Settle them: anyt sync resolve")
        },
    )
}

fn to_json(conflict: &StoredConflict, clash: Clash, differences: &[merge::Difference]) -> Value {
    let fields = differences
        .iter()
        .map(|difference| {
            object([
                ("field", text(difference.field.name())),
                ("base", difference.base.to_json()),
                ("local", difference.local.to_json()),
                ("remote", difference.remote.to_json()),
            ])
        })
        .collect();
    object([
        ("identifier", text(&conflict.identifier)),
        ("remote_version", conflict.remote.as_ref().map_or(Value::Null, |task| integer(task.version))),
        ("deleted_on_server", Value::Bool(clash == Clash::DeletedThere)),
        ("deleted_here", Value::Bool(clash == Clash::DeletedHere)),
        ("found_at", text(&conflict.found_at)),
        ("fields", Value::Array(fields)),
    ])
}

pub fn resolve(session: &mut Session) -> Result<u8> {
    let mut bench = Workbench::open(session)?;
    let call = session.call;
    let policy = match (call.has("local"), call.has("remote")) {
        (true, _) => Policy::Local,
        (_, true) => Policy::Remote,
        _ => Policy::Ask,
    };
    let wanted = wanted(session, &bench, policy)?;
    if wanted.is_empty() {
        session.answer(|| counts(&Summary::default()), |out| out.say("No conflict is waiting"))?;
        return Ok(0);
    }
    let _held = bench.lock()?.hold(Duration::from_secs(1))?;
    let drafts = session.paths()?.drafts_dir(&bench.env.name);
    let editor = Editor::new(session.config()?.editor.as_deref(), drafts);
    let merge = session.config()?.sync.merge.unwrap_or(true);
    let before = bench.cache.pending()?;
    let out = RefCell::new(&mut session.out);
    let mut screen = Screen::new(&out, Mode::Write);
    let mut asker = Asker { out: &out, input: &mut session.input, editor, edit_first: call.has("edit") };
    let summary: Summary = Settler {
        cache: &mut bench.cache,
        journal: &bench.journal,
        discard: &bench.discard,
        prompter: &mut asker,
        reporter: &mut screen,
        policy,
        merge,
    }
    .settle(&wanted)
    .map_err(|error| error.if_interrupted("nothing was changed; the conflicts wait: anyt sync resolve"))?;
    screen.close(&summary)?;
    if summary.resolved > 0 && is_something_to_send(&bench, &wanted, &before)? {
        session.out.say("  The next sync sends the result: anyt sync")?;
    }
    session.answer(|| counts(&summary), |_| Ok(()))?;
    summary.into_error().map_or(Ok(0), Err)
}

fn counts(summary: &Summary) -> Value {
    object([("resolved", integer(summary.resolved as i64)), ("waiting", integer(summary.waiting as i64))])
}

/// What was decided has left operations in the queue: those of a task that waits no longer, or new ones.
fn is_something_to_send(bench: &Workbench, wanted: &[StoredConflict], before: &[Operation]) -> Result<bool> {
    let waiting = bench.cache.conflicts()?;
    let waits = |task_id| waiting.iter().any(|conflict| conflict.task_id == task_id);
    let was_asked = |task_id| wanted.iter().any(|conflict| conflict.task_id == task_id);
    let is_new = |operation: &Operation| before.iter().all(|known| known.op_id != operation.op_id);
    let pending = bench.cache.pending()?;
    Ok(pending.iter().any(|one| !waits(one.task_id) && (was_asked(one.task_id) || is_new(one))))
}

/// `DEV-42`, `dev42` and `42` mean the task of a conflict as they mean a task.
fn is_called(conflict: &StoredConflict, typed: &str) -> bool {
    let name = |text: &str| Name::parse(text);
    let (Some(typed), Some(known)) = (name(typed), name(&conflict.identifier)) else { return false };
    typed.number == known.number && (typed.prefix.is_none() || typed.prefix == known.prefix)
}

/// The conflicts that the arguments name; all of them without arguments, where a flag decides only with `--all`.
fn wanted(session: &Session, bench: &Workbench, policy: Policy) -> Result<Vec<StoredConflict>> {
    let known = bench.cache.conflicts()?;
    let names = session.call.arguments();
    if names.is_empty() {
        if policy != Policy::Ask && !session.call.has("all") && !known.is_empty() {
            return Err(Error::usage("which conflicts?").hint("name the tasks, or give --all"));
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
        let (task, _) = bench.task(session, name)?;
        let found = known.iter().find(|conflict| conflict.task_id == task.id).cloned();
        wanted.push(found.ok_or_else(|| {
            Error::failure(format!("no conflict of {} is waiting", task.identifier)).hint("see: anyt sync conflicts")
        })?);
    }
    Ok(wanted)
}
