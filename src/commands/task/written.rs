//! Tasks that are written as a whole: `task edit` and `task create` in the person's editor, or from a file.

use super::change::{changes_a_field, condition, create_with, each, say_owner, update};
use super::fields;
use crate::commands::Session;
use crate::commands::context::EnvContext;
use crate::commands::typed::file_text;
use crate::error::{Error, Result};
use crate::model::task::{LABELS, OWNER, TASK, TITLE};
use crate::model::{Patch, Row, Value, Workspace};
use crate::names::Known;
use crate::ui::form::Form;
use std::io::IsTerminal;

/// `task edit`: the editor, or the file of `-F`, on one task; with the flags of `task update` that.
pub fn edit(session: &mut Session) -> Result<u8> {
    if changes_a_field(session) {
        return update(session);
    }
    if session.call.arguments().len() > 1 || session.call.has("where") {
        return Err(Error::usage("an editor or a file changes one task at a time"));
    }
    let ctx = EnvContext::open_here(session)?;
    let typed = session.call.arguments().first().cloned();
    let row = ctx.task_or_picked_to_change(session, typed.as_deref())?.row;
    let names = Known { store: &ctx.store, workspace_id: row.workspace_id };
    let form = Form { row: &row, names: &names };
    let set = bring(session, &ctx, &row.name, &form, None)?;
    say_owner(session, &ctx, row.workspace_id, &set)?;
    let condition = condition(session);
    each(session, ctx, condition, &|_, now| {
        // What came meanwhile was not seen by who wrote this.
        match set.keys().find(|field| now.get(field) != row.get(field)) {
            None => Ok(set.clone()),
            Some(field) => Err(Error::failure(format!("the {} of {} was changed meanwhile", field.word, now.name))
                .hint(format!("nothing was changed; write it anew: anyt task edit {}", now.name))),
        }
    })
}

/// `task create` without a title, or from the file of `-F`.
pub fn create(session: &mut Session) -> Result<u8> {
    create_with(session, &|session, ctx, workspace, set| {
        let mut row = Row::new(&TASK);
        row.workspace_id = workspace.id;
        let title = session.call.arguments().first().map(|title| (TITLE, Value::Text(title.trim().into())));
        set.extend(title);
        set.iter().for_each(|(field, value)| row.set(field, value.clone()));
        let names = Known { store: &ctx.store, workspace_id: workspace.id };
        let form = Form { row: &row, names: &names };
        set.extend(bring(session, ctx, "a new task", &form, Some(workspace))?);
        Ok(())
    })
}

/// What a person changes in the form. A text that cannot be used may be mended at a terminal; else it is kept.
fn bring(session: &mut Session, ctx: &EnvContext, name: &str, form: &Form, new: Option<&Workspace>) -> Result<Patch> {
    let start = form.text();
    let from_file = session.call.given("file").is_some();
    let read = |text: &str| {
        let patch = form.read(text, from_file)?;
        let untitled = new.is_some() && patch.get(TITLE).unwrap_or(form.row.get(TITLE)) == &Value::Null;
        if untitled { Err("the title is empty".to_string()) } else { Ok(patch) }
    };
    let mut text = start.clone();
    if let Some(path) = session.call.given("file") {
        text = file_text(session, path)?;
        return read(&text)
            .map_err(|why| Error::usage(format!("{path}: {why}")))
            .and_then(|set| settled(session, ctx, set));
    }
    let mut editor = session.editor(&ctx.env)?;
    loop {
        let help = "or give a file: -F FILE; -F - reads standard input";
        text = editor.write(name, &text).map_err(|reason| Error::failure(reason).hint(help))?;
        if text.is_empty() || (new.is_some() && text.trim_end() == start.trim_end()) {
            let what = if new.is_some() { "no task was created" } else { "nothing was changed" };
            return Err(Error::failure("nothing was written").hint(what));
        }
        let why = match read(&text) {
            Ok(set) => {
                session.piped.replace(Some(text));
                return settled(session, ctx, set);
            }
            Err(why) => why,
        };
        session.out.warn(&why)?;
        let again =
            std::io::stdin().is_terminal() && session.input.confirm(&mut session.out, "Edit it again?")? == Some(true);
        if !again {
            session.piped.replace(Some(text));
            let hint = "nothing was changed; print the kept text into a file, mend it, and give it with -F FILE";
            return Err(Error::usage(why).hint(hint));
        }
    }
}

/// Words that stand for something else, as the flags have them.
fn settled(session: &Session, ctx: &EnvContext, mut set: Patch) -> Result<Patch> {
    if let Some(Value::Text(owner)) = set.get(OWNER) {
        set.insert(OWNER, Value::Text(fields::user(ctx, &owner.clone())?));
    }
    if let Some(Value::Set(labels)) = set.get(LABELS) {
        let spelled = fields::spelled(&ctx.label_names(session), labels.iter().map(String::as_str).collect());
        set.insert(LABELS, Value::Set(spelled));
    }
    fields::check(&set)?;
    Ok(set)
}
