//! Turns flags into values of task fields.

use crate::cli::Id;
use crate::commands::Session;
use crate::commands::context::EnvContext;
use crate::commands::typed::typed_text;
use crate::error::{Error, Result};
use crate::model::task::{DESCRIPTION, ESTIMATE, LABELS, OWNER, PARENT, PHASE, PLAN, PRIORITY, PROJECT, STATUS, TITLE};
use crate::model::{Patch, Row, Value, Workspace, folded};
use crate::store::ACCOUNT;

/// The fields that the flags of `task create` and `task update` name. Values with a fixed list were checked by the
/// parser. Without a workspace no project can be named.
pub fn from_flags(session: &Session, ctx: &EnvContext, workspace: Option<&Workspace>) -> Result<Patch> {
    let mut patch = Patch::new();
    let mut texts = |field, flag| -> Result<()> {
        if let Some(given) = session.call.given(flag) {
            patch.insert(field, Value::Text(typed_text(session, given)?));
        }
        Ok(())
    };
    texts(TITLE, "title")?;
    texts(DESCRIPTION, "description")?;
    texts(PLAN, "plan")?;
    texts(PHASE, "phase")?;
    texts(STATUS, "status")?;
    if let Some(owner) = session.call.given("owner") {
        patch.insert(OWNER, Value::Text(user(ctx, owner)?));
    }
    if let Some(priority) = session.call.given("priority").and_then(|text| text.parse().ok()) {
        patch.insert(PRIORITY, Value::Int(priority));
    }
    if let Some(hours) = session.call.given("estimate") {
        patch.insert(ESTIMATE, estimate(hours)?);
    }
    if let Some(labels) = session.call.items("labels") {
        let known = ctx.label_names(session);
        labels.iter().try_for_each(|label| refuse_sign(session, &known, label))?;
        patch.insert(LABELS, Value::Set(spelled(&known, labels)));
    }
    if let Some(parent) = session.call.given("parent") {
        let parent =
            if parent.is_empty() { Value::Null } else { Value::Int(ctx.task_to_change(session, parent)?.row.id) };
        patch.insert(PARENT, parent);
    }
    if let (Some(project), Some(workspace)) = (session.call.given("project"), workspace) {
        patch.insert(PROJECT, Value::Int(ctx.project_named(workspace, project)?.id));
    }
    check(&patch)?;
    Ok(patch)
}

/// `--labels +bug`, as other tools have it, would leave the task this label alone.
fn refuse_sign(session: &Session, known: &[String], label: &str) -> Result<()> {
    let sign = [('+', "add"), ('-', "remove")].into_iter().find(|(sign, _)| label.starts_with(*sign));
    let Some((sign, verb)) = sign.filter(|_| !known.iter().any(|one| one == label)) else { return Ok(()) };
    let name = Some(label.trim_start_matches(sign)).filter(|name| !name.is_empty()).unwrap_or("NAME");
    let flag = if session.call.id() == Id::TaskCreate { "labels".into() } else { format!("{verb}-labels") };
    Err(Error::usage(format!("'{label}' is not a label")).hint(format!("to {verb} one: --{flag} {name}")))
}

/// What no server would take.
pub fn check(patch: &Patch) -> Result<()> {
    if let Some(Value::Text(title)) = patch.get(TITLE)
        && title.trim().is_empty()
    {
        return Err(Error::usage("the title is empty"));
    }
    for field in [PARENT, ESTIMATE] {
        if patch.get(field).is_some_and(|value| matches!(value, Value::Null)) {
            return Err(Error::usage(format!("the API has no way to clear the {}", field.word)));
        }
    }
    Ok(())
}

/// `--add-labels` and `--remove-labels`, on top of what the task has.
pub fn changed_labels(session: &Session, known: &[String], row: &Row) -> Option<Value> {
    let (added, removed) = (session.call.items("add-labels"), session.call.items("remove-labels"));
    if added.is_none() && removed.is_none() {
        return None;
    }
    let removed: Vec<String> = removed.unwrap_or_default().into_iter().map(folded).collect();
    let mut labels: Vec<String> = row.labels().to_vec();
    labels.retain(|label| !removed.contains(&folded(label)));
    for label in spelled(known, added.unwrap_or_default()) {
        if !labels.iter().any(|one| folded(one) == folded(&label)) {
            labels.push(label);
        }
    }
    Some(Value::Set(labels))
}

/// The labels without repetitions, each as the workspace spells it: one name may be typed with composed characters or
/// without.
pub fn spelled(known: &[String], labels: Vec<&str>) -> Vec<String> {
    let mut spelled: Vec<String> = Vec::new();
    for label in labels.into_iter().filter(|label| !label.is_empty()) {
        let label = known.iter().find(|one| folded(one) == folded(label)).map_or(label, String::as_str);
        if !spelled.iter().any(|one| folded(one) == folded(label)) {
            spelled.push(label.to_string());
        }
    }
    spelled
}

/// A user id; `me` is the account of the last sync.
pub fn user(ctx: &EnvContext, given: &str) -> Result<String> {
    if given != "me" {
        return Ok(given.to_string());
    }
    ctx.store
        .metadata(ACCOUNT)?
        .ok_or_else(|| Error::failure("the account of 'me' is not known here yet").hint("run: anyt sync"))
}

fn estimate(hours: &str) -> Result<Value> {
    if hours.is_empty() {
        return Ok(Value::Null);
    }
    match hours.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Value::Number(number)),
        _ => Err(Error::usage(format!("'{hours}' is not a number of hours")).hint("for example: 1.5")),
    }
}
