//! `task create`, `update`, `done`, `note`, `rm`.

use super::deliver::{Delivery, Road, deliver, queued_for_later, road};
use super::{fields, to_json};
use crate::commands::Session;
use crate::commands::screen::{describe, orphaned};
use crate::commands::workbench::Workbench;
use crate::directory::{ActiveTask, Directory};
use crate::document::{integer, object, text};
use crate::error::{Error, Result};
use crate::model::{Field, Operation, Patch, Task, Value};
use crate::notes;
use crate::sync::local::{self, Deletion, Queued};
use crate::sync::recover::recover;
use crate::time::Timestamp;
use miniserde::json;
use std::io::IsTerminal;
use std::ops::ControlFlow;

/// What a command reports about one task.
struct Change {
    /// `Created`, `Updated`, `Deleted`.
    verb: &'static str,
    identifier: String,
    task_id: i64,
    delivery: Delivery,
    hint: Option<String>,
}

pub fn create(session: &mut Session) -> Result<u8> {
    let mut bench = Workbench::open(session)?;
    let workspace = bench.workspace(session)?;
    let project = bench.project(session, &workspace)?;
    let mut set = fields::from_flags(session, &bench, &workspace)?;
    set.insert(Field::Title, Value::Text(session.call.arguments()[0].trim().to_string()));
    set.insert(Field::Project, Value::Int(project));
    set.entry(Field::Status).or_insert_with(|| Value::Text("backlog".into()));
    set.entry(Field::Priority).or_insert(Value::Int(0));
    set.insert(Field::AssigneeType, Value::Text("human".into()));
    set.retain(|field, value| *field == Field::Title || *value != Value::Null);
    fields::check(&set)?;
    let road = road(session, &bench)?;
    let queued = local::create(&mut bench.cache, &bench.journal, workspace.id, &workspace.identifier, &set)?;
    let change = finish(session, &mut bench, &road, "Created", queued, None)?;
    report(session, &bench, road, vec![change], Vec::new())
}

pub fn update(session: &mut Session) -> Result<u8> {
    let if_match = session.call.number("if-match");
    let fields_given = |session: &Session| {
        let flags = [
            "title",
            "description",
            "project",
            "priority",
            "status",
            "owner",
            "labels",
            "add-labels",
            "remove-labels",
            "phase",
            "estimate",
            "parent",
            "plan",
        ];
        flags.iter().any(|flag| session.call.given(flag).is_some())
    };
    if !fields_given(session) {
        return Err(
            Error::usage("nothing to change was named").hint("for example: anyt task update DEV-42 --status done")
        );
    }
    // Read once: `-` is standard input, which cannot be read for each task.
    let bench = Workbench::open(session)?;
    let workspace = bench.workspace(session);
    let set = match workspace {
        Ok(workspace) => fields::from_flags(session, &bench, &workspace)?,
        Err(error) if session.call.given("project").is_some() => return Err(error),
        Err(_) => fields::from_flags(session, &bench, &no_workspace())?,
    };
    each(session, bench, "Updated", |session, task| {
        if let Some(wanted) = if_match
            && i64::try_from(wanted) != Ok(task.version)
        {
            return Err(Error::failure(format!("{} is at version {}, not {wanted}", task.identifier, task.version))
                .hint(format!("look at it first: anyt task show {}", task.identifier)));
        }
        let mut set = set.clone();
        if let Some(labels) = fields::changed_labels(session, task) {
            set.insert(Field::Labels, labels);
        }
        Ok(set)
    })
}

pub fn done(session: &mut Session) -> Result<u8> {
    let note = session.call.given("note").map(fields::typed_text).transpose()?;
    let bench = Workbench::open(session)?;
    each(session, bench, "Updated", |_, task| {
        let mut set = Patch::from([(Field::Status, Value::Text("done".into()))]);
        if let Some(note) = &note {
            set.insert(Field::Description, with_note(task, "Completed", note));
        }
        Ok(set)
    })
}

pub fn note(session: &mut Session) -> Result<u8> {
    let message = fields::typed_text(session.call.given("message").unwrap_or_default())?;
    if message.trim().is_empty() {
        return Err(Error::usage("the note is empty"));
    }
    let bench = Workbench::open(session)?;
    each(session, bench, "Updated", |_, task| {
        Ok(Patch::from([(Field::Description, with_note(task, "Note", &message))]))
    })
}

pub fn remove(session: &mut Session) -> Result<u8> {
    let mut bench = Workbench::open(session)?;
    let tasks = named_tasks(session, &bench)?;
    if !session.call.has("force") && std::io::stdin().is_terminal() && session.input.can_answer(&session.out) {
        let names: Vec<&str> = tasks.iter().map(|(task, _)| task.identifier.as_str()).collect();
        if !session.input.confirm(&mut session.out, &format!("Delete {}?", names.join(", ")))? {
            return Err(Error::failure("nothing was deleted"));
        }
    }
    let road = road(session, &bench)?;
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    for (task, hint) in tasks {
        // Held so that no sync starts to send what is being cancelled.
        let held = bench.lock()?.try_hold()?;
        if held.is_some() {
            // A sync that was killed since may have sent it.
            recover(&mut bench.cache, &bench.journal)?;
        }
        let deletion = local::delete(&mut bench.cache, &bench.journal, &task, held.is_none())?;
        drop(held);
        unpick(&bench, &task);
        let changed = match deletion {
            Deletion::Queued(queued) => finish(session, &mut bench, &road, "Deleted", queued, hint),
            Deletion::Cancelled(loss) => {
                loss.orphans.iter().try_for_each(|orphan| session.out.say(&format!("  {}", orphaned(orphan))))?;
                let (identifier, task_id) = (task.identifier, task.id);
                Ok(Change { verb: "Deleted", identifier, task_id, delivery: Delivery::Cancelled, hint })
            }
        };
        if collect(changed, &mut changes, &mut errors).is_break() {
            break;
        }
    }
    report(session, &bench, road, changes, errors)
}

/// A task that is deleted is nobody's next one, and its name may be given again. A damaged file is for the commands that
/// need it to complain about.
fn unpick(bench: &Workbench, task: &Task) {
    let is_it =
        |active: &ActiveTask| active.identifier == task.identifier && active.workspace_id == Some(task.workspace_id);
    if bench.picked().is_ok_and(|active| active.as_ref().is_some_and(is_it))
        && let Some(directory) = Directory::find()
    {
        let _ = directory.clear_active();
    }
}

/// Changes each named task by what `make` gives for it, at first for a check and then where it is queued.
fn each(
    session: &mut Session,
    mut bench: Workbench,
    verb: &'static str,
    make: impl Fn(&Session, &Task) -> Result<Patch>,
) -> Result<u8> {
    // Everything is looked up and checked before the first change.
    let mut planned = Vec::new();
    for (task, hint) in named_tasks(session, &bench)? {
        make(session, &task)?;
        planned.push((task, hint));
    }
    let road = road(session, &bench)?;
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    for (task, hint) in planned {
        let queued = queue_update(session, &mut bench, &task, &make)?;
        if queued.operations.is_empty() {
            let (identifier, task_id) = (task.identifier, task.id);
            changes.push(Change { verb: "Unchanged", identifier, task_id, delivery: Delivery::Queued, hint });
            continue;
        }
        let changed = finish(session, &mut bench, &road, verb, queued, hint);
        if collect(changed, &mut changes, &mut errors).is_break() {
            break;
        }
    }
    report(session, &bench, road, changes, errors)
}

/// Queues what `make` gives, and says what was refused before and goes with it.
fn queue_update(
    session: &mut Session,
    bench: &mut Workbench,
    task: &Task,
    make: &impl Fn(&Session, &Task) -> Result<Patch>,
) -> Result<Queued> {
    let refused = bench.cache.pending_of(task.id)?.iter().any(Operation::is_parked);
    // Held so that no sync starts to send what is being mended.
    let held = if refused { bench.lock()?.try_hold()? } else { None };
    if held.is_some() {
        recover(&mut bench.cache, &bench.journal)?;
    }
    let make = |task: &Task| make(session, task);
    let queued = local::update(&mut bench.cache, &bench.journal, task, held.is_some(), make)?;
    drop(held);
    if queued.mended {
        for operation in &queued.operations {
            session.out.say(&format!("  {} was refused; it is sent as it is now", describe(operation)))?;
        }
    }
    Ok(queued)
}

/// Keeps what came of one task. An interruption ends the command; every other failure leaves the next task its turn.
fn collect(changed: Result<Change>, changes: &mut Vec<Change>, errors: &mut Vec<Error>) -> ControlFlow<()> {
    let interrupted = matches!(changed, Err(Error::Interrupted { .. }));
    match changed {
        Ok(change) => changes.push(change),
        Err(error) => errors.push(error),
    }
    if interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn named_tasks(session: &Session, bench: &Workbench) -> Result<Vec<(Task, Option<String>)>> {
    match session.call.arguments() {
        [] => Ok(vec![bench.task_or_picked(session, None)?]),
        names => names.iter().map(|name| bench.task(session, name)).collect(),
    }
}

/// Sends or leaves queued, and looks up what the task is called now.
fn finish(
    session: &mut Session,
    bench: &mut Workbench,
    road: &Road,
    verb: &'static str,
    queued: Queued,
    hint: Option<String>,
) -> Result<Change> {
    let first = queued.operations.first().cloned();
    let delivery = deliver(session, bench, road, &queued)?;
    let Some(first) = first else {
        return Err(Error::failure("nothing was queued"));
    };
    // Others may have sent and renamed tasks meanwhile: the operation knows its own.
    let named = bench.cache.task_of_operation(&first.op_id)?;
    let (task_id, identifier) = named.unwrap_or((first.task_id, first.identifier));
    Ok(Change { verb, identifier, task_id, delivery, hint })
}

/// Prints one line for each change, or the tasks as `--json`, and gives the exit code.
fn report(
    session: &mut Session,
    bench: &Workbench,
    road: Road,
    changes: Vec<Change>,
    errors: Vec<Error>,
) -> Result<u8> {
    let mut conflicts = 0;
    for change in &changes {
        let name = &change.identifier;
        let line = match (&change.delivery, change.verb) {
            (_, "Unchanged") => format!("{name} is like that already; nothing was changed"),
            (Delivery::Sent, verb) => format!("✓ {verb} {name}"),
            (Delivery::Queued, verb) => format!("✓ {verb} {name} (queued for sync)"),
            (Delivery::Busy, verb) => format!("✓ {verb} {name} (queued for sync: another anyt is at work)"),
            (Delivery::Cancelled, verb) => format!("✓ {verb} {name} (it was never sent)"),
            (Delivery::Withdrawn, _) => format!("{name} stays as it is on the server"),
            (Delivery::Conflict(waiting), verb) => {
                conflicts += waiting;
                format!("{verb} {name} here; the conflict waits for a decision")
            }
        };
        session.out.say(&line)?;
        if let Some(hint) = &change.hint {
            session.out.warn(hint)?;
        }
    }
    if session.out.is_json() && !changes.is_empty() {
        let document = documents(bench, &changes)?;
        session.answer(|| document, |_| Ok(()))?;
    }
    let mut errors = errors.into_iter();
    if let Some(first) = errors.next() {
        for error in errors {
            session.out.error(&error)?;
        }
        return Err(first);
    }
    if conflicts > 0 {
        return Err(Error::Conflicts { waiting: conflicts });
    }
    match road {
        Road::Unreachable(error) => Err(queued_for_later(error)),
        _ => Ok(0),
    }
}

/// One task as itself, several as `items`.
fn documents(bench: &Workbench, changes: &[Change]) -> Result<json::Value> {
    let mut documents = Vec::new();
    for change in changes {
        documents.push(match current(bench, change)? {
            Some(task) => {
                let pending = task.is_provisional() || !bench.cache.pending_of(task.id)?.is_empty();
                to_json(&task, pending)
            }
            None => object([("identifier", text(&change.identifier)), ("deleted", json::Value::Bool(true))]),
        });
    }
    Ok(match <[json::Value; 1]>::try_from(documents) {
        Ok([only]) => only,
        Err(documents) => {
            let count = integer(documents.len() as i64);
            object([("items", json::Value::Array(documents.into_iter().collect())), ("count", count)])
        }
    })
}

/// The changed task as it is now: a created one has another id once the server has it.
fn current(bench: &Workbench, change: &Change) -> Result<Option<Task>> {
    if change.verb == "Deleted" {
        return Ok(None);
    }
    if let Some(task) = bench.cache.task(change.task_id)? {
        return Ok(Some(task));
    }
    for workspace in bench.cache.workspaces()? {
        if let Some(task) = bench.cache.task_named(workspace.id, &change.identifier)? {
            return Ok(Some(task));
        }
    }
    Ok(None)
}

fn with_note(task: &Task, what: &str, note: &str) -> Value {
    let description = task.description.as_deref().unwrap_or_default();
    Value::Text(notes::add(description, &Timestamp::now().minute(), what, note))
}

fn no_workspace() -> crate::model::Workspace {
    crate::model::Workspace {
        id: 0,
        identifier: String::new(),
        name: String::new(),
        description: None,
        task_counter: None,
        created_at: String::new(),
        updated_at: String::new(),
    }
}
