//! `task create`, `update`, `done`, `note`, `rm`.

use super::fields;
use super::list::{matching, say_unknown_owner};
use crate::commands::Session;
use crate::commands::confirm::confirm;
use crate::commands::context::{EnvContext, Found};
use crate::commands::deliver::{Delivery, write_mode};
use crate::commands::describe::describe;
use crate::commands::report::{Changed, bring, delete, report};
use crate::commands::reporter::plural;
use crate::commands::typed::typed_text;
use crate::directory::{ActiveTask, Directory};
use crate::error::{Error, Result};
use crate::model::task::{ASSIGNEE_TYPE, DESCRIPTION, LABELS, OWNER, PRIORITY, PROJECT, STATUS, TASK, TITLE};
use crate::model::{Condition, Patch, Row, Value, Workspace};
use crate::notes;
use crate::sync::edits::{self, Queued};
use crate::time::Timestamp;
use crate::ui::width;
use std::io::IsTerminal;
use std::ops::ControlFlow;

pub fn create(session: &mut Session) -> Result<u8> {
    let is_written = session.call.has("file")
        || (session.call.arguments().is_empty()
            && std::io::stdin().is_terminal()
            && session.input.can_answer(&session.out));
    if is_written {
        return super::written::create(session);
    }
    let Some(title) = session.call.arguments().first() else {
        return Err(Error::usage("the title is missing")
            .hint("anyt task create TITLE, or a file with title and text: -F FILE; at a terminal an editor opens"));
    };
    let title = Value::Text(title.trim().to_string());
    create_with(session, &|_, _, _, set| {
        set.insert(TITLE, title.clone());
        Ok(())
    })
}

/// Creates a task of what the flags name, and of what `write` adds.
pub(super) fn create_with(
    session: &mut Session,
    write: &dyn Fn(&mut Session, &EnvContext, &Workspace, &mut Patch) -> Result<()>,
) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let workspace = ctx.workspace(session)?;
    let project = ctx.project(session, &workspace)?;
    let mut set = fields::from_flags(session, &ctx, Some(&workspace))?;
    set.insert(PROJECT, Value::Int(project));
    set.entry(STATUS).or_insert_with(|| Value::Text("backlog".into()));
    set.entry(PRIORITY).or_insert(Value::Int(0));
    set.insert(ASSIGNEE_TYPE, Value::Text("human".into()));
    write(session, &ctx, &workspace, &mut set)?;
    set.retain(|field, value| *field == TITLE || *value != Value::Null);
    fields::check(&set)?;
    say_owner(session, &ctx, workspace.id, &set)?;
    let mode = write_mode(session, &ctx)?;
    ctx.remember_workspace(&workspace)?;
    let queued = edits::create(&mut ctx.store, &TASK, workspace.id, &set)?;
    let change = bring(session, &mut ctx, &mode, "Created", None, &queued)?;
    report(session, &ctx, vec![change], Vec::new())
}

/// Warns of a new owner that no member of the workspace is called.
pub(super) fn say_owner(session: &mut Session, ctx: &EnvContext, workspace_id: i64, set: &Patch) -> Result<()> {
    let Some(Value::Text(owner)) = set.get(OWNER) else { return Ok(()) };
    let workspace = ctx.store.workspaces()?.into_iter().find(|known| known.id == workspace_id);
    workspace.map_or(Ok(()), |workspace| say_unknown_owner(session, ctx, &workspace, owner))
}

/// A flag names a field to change.
pub(super) fn changes_a_field(session: &Session) -> bool {
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
}

/// `--if-match`.
pub(super) fn condition(session: &Session) -> Option<Condition> {
    let version = session.call.number("if-match").and_then(|version| i64::try_from(version).ok());
    version.map(|version| Condition { version: Some(version), ..Condition::default() })
}

pub fn update(session: &mut Session) -> Result<u8> {
    let has_file = session.call.has("file");
    if has_file && changes_a_field(session) {
        return Err(Error::usage("-F and a flag that names a field contradict each other").hint("give one of them"));
    }
    if has_file {
        return super::written::edit(session);
    }
    if !changes_a_field(session) {
        return Err(Error::usage("nothing to change was named")
            .hint("for example: anyt task update DEV-42 --status done; in an editor: anyt task edit DEV-42"));
    }
    // Read once: `-` is standard input, which cannot be read for each task.
    let ctx = EnvContext::open_here(session)?;
    let set = match ctx.workspace(session) {
        Ok(workspace) => {
            let set = fields::from_flags(session, &ctx, Some(&workspace))?;
            say_owner(session, &ctx, workspace.id, &set)?;
            set
        }
        Err(error) if session.call.given("project").is_some() => return Err(error),
        Err(_) => fields::from_flags(session, &ctx, None)?,
    };
    let condition = condition(session);
    let known = ctx.label_names(session);
    each(session, ctx, condition, &|session, row| {
        let mut set = set.clone();
        if let Some(labels) = fields::changed_labels(session, &known, row) {
            set.insert(LABELS, labels);
        }
        Ok(set)
    })
}

pub fn done(session: &mut Session) -> Result<u8> {
    let note = session.call.given("note").map(|note| typed_text(session, note)).transpose()?;
    let ctx = EnvContext::open_here(session)?;
    each(session, ctx, None, &|_, row| {
        let mut set = Patch::from([(STATUS, Value::Text("done".into()))]);
        if let Some(note) = &note {
            set.insert(DESCRIPTION, with_note(row, "Completed", note));
        }
        Ok(set)
    })
}

pub fn note(session: &mut Session) -> Result<u8> {
    let message = typed_text(session, session.call.given("message").unwrap_or_default())?;
    if message.trim().is_empty() {
        return Err(Error::usage("the note is empty"));
    }
    let ctx = EnvContext::open_here(session)?;
    each(session, ctx, None, &|_, row| Ok(Patch::from([(DESCRIPTION, with_note(row, "Note", &message))])))
}

pub fn remove(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let tasks = named_tasks(session, &ctx, "Delete")?;
    let question = match &tasks[..] {
        // They were asked about already.
        _ if session.call.has("where") => String::new(),
        [one] => format!("Delete {} '{}'?", one.row.name, width::truncate(one.row.title(), 60)),
        several => {
            let names: Vec<&str> = several.iter().map(|found| found.row.name.as_str()).collect();
            format!("Delete {}?", names.join(", "))
        }
    };
    if !question.is_empty() {
        confirm(session, &[], &question, "nothing was deleted")?;
    }
    let mode = write_mode(session, &ctx)?;
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    for Found { row, hint, .. } in tasks {
        let changed = delete(session, &mut ctx, &mode, &row);
        unpick(&ctx, &row);
        let changed = changed.map(|changed| Changed { hint, ..changed });
        if collect(changed, &mut changes, &mut errors).is_break() {
            break;
        }
    }
    report(session, &ctx, changes, errors)
}

/// A task that is deleted is nobody's next one, and its name may be given again. A damaged file is for the commands that
/// need it to complain about.
fn unpick(ctx: &EnvContext, row: &Row) {
    let is_it = |active: &ActiveTask| active.identifier == row.name && active.workspace_id == Some(row.workspace_id);
    if ctx.picked().is_ok_and(|active| active.as_ref().is_some_and(is_it))
        && let Some(directory) = Directory::find()
    {
        let _ = directory.clear_active();
    }
}

/// Changes each named task by what `make` gives for it, at first for a check and then where it is queued.
pub(super) fn each(
    session: &mut Session,
    mut ctx: EnvContext,
    condition: Option<Condition>,
    make: &dyn Fn(&Session, &Row) -> Result<Patch>,
) -> Result<u8> {
    // Everything is looked up and checked before the first change.
    let tasks = named_tasks(session, &ctx, "Change")?;
    for found in &tasks {
        make(session, &found.row)?;
        refuse_known_failure(session, condition.as_ref(), &found.row)?;
    }
    let mode = write_mode(session, &ctx)?;
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    // All are queued, in one transaction, before the first is sent: a row that is made by that has another id afterwards, and a server that goes
    // away meanwhile takes none of them with it.
    let rows: Vec<&Row> = tasks.iter().map(|found| &found.row).collect();
    let queued = edits::update_all(&mut ctx.store, &rows, condition.as_ref(), &|row| make(session, row))?;
    let mut all = tasks.into_iter().zip(queued);
    while let Some((Found { row, hint, .. }, queued)) = all.next() {
        if queued.operations.is_empty() {
            let holds = condition.as_ref().is_none_or(|condition| condition.holds(&row));
            let unchanged = if holds {
                Ok(Changed { hint, ..Changed::same("Updated", &row, Delivery::Unchanged) })
            } else {
                Err(other_version(&row))
            };
            let _ = collect(unchanged, &mut changes, &mut errors);
            continue;
        }
        say_amended(session, &queued)?;
        let changed = bring(session, &mut ctx, &mode, "Updated", Some(&row), &queued);
        let changed = changed.map(|changed| Changed { hint, ..changed });
        if collect(changed, &mut changes, &mut errors).is_break() {
            // What was not begun is taken back.
            for (_, queued) in all.by_ref().filter(|(_, queued)| !queued.amended) {
                edits::take_back(&mut ctx.store, &queued, "interrupted")?;
            }
        }
    }
    report(session, &ctx, changes, errors)
}

/// A condition holds or fails where the change is sent. Without a network the cache is what there is to compare with.
fn refuse_known_failure(session: &Session, condition: Option<&Condition>, row: &Row) -> Result<()> {
    match condition {
        Some(condition) if session.call.has("offline") && !condition.holds(row) => Err(other_version(row)),
        _ => Ok(()),
    }
}

fn other_version(row: &Row) -> Error {
    Error::Condition { message: format!("{} is at version {} here", row.name, row.version) }
}

/// Says what was rejected before and goes with the change.
fn say_amended(session: &mut Session, queued: &Queued) -> Result<()> {
    let amended = queued.operations.iter().filter(|_| queued.amended);
    amended.into_iter().try_for_each(|operation| {
        session.out.say(&format!("  {} was refused; it is sent as it is now", describe(operation)))
    })
}

/// Keeps what came of one task. An interruption ends the command; every other failure leaves the next task its turn.
fn collect(changed: Result<Changed>, changes: &mut Vec<Changed>, errors: &mut Vec<Error>) -> ControlFlow<()> {
    let interrupted = matches!(changed, Err(Error::Interrupted { .. }));
    match changed {
        Ok(change) => changes.push(change),
        Err(error) => errors.push(error),
    }
    if interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Tasks listed in a question before the rest is only counted.
const LISTED: usize = 20;

/// The tasks that the command is about: those named, the picked one, or those of `--where`, about which is asked: `verb` them?
fn named_tasks(session: &mut Session, ctx: &EnvContext, verb: &str) -> Result<Vec<Found>> {
    let Some(given) = session.call.given("where") else {
        return match session.call.arguments() {
            [] => Ok(vec![ctx.task_or_picked_to_change(session, None)?]),
            names => names.iter().map(|name| ctx.task_to_change(session, name)).collect(),
        };
    };
    let rows = matching(session, ctx, given)?;
    if rows.is_empty() {
        session.out.warn("no task matches")?;
        return Ok(Vec::new());
    }
    let mut lines: Vec<String> =
        rows.iter().take(LISTED).map(|row| format!("  {} {}", row.name, width::truncate(row.title(), 60))).collect();
    if rows.len() > LISTED {
        lines.push(format!("  ... and {} more: anyt task list", rows.len() - LISTED));
    }
    let question = format!("{verb} {} {}?", rows.len(), plural(rows.len(), "task"));
    confirm(session, &lines, &question, "nothing was changed")?;
    Ok(rows.into_iter().map(|row| Found { row, hint: None, other: None }).collect())
}

fn with_note(row: &Row, what: &str, note: &str) -> Value {
    Value::Text(notes::add(row.description().unwrap_or_default(), &Timestamp::now().minute(), what, note))
}
