//! Turns flags into values of task fields.

use crate::commands::Session;
use crate::commands::workbench::Workbench;
use crate::error::{Error, Result};
use crate::model::{Field, Patch, Task, Value, Workspace};
use std::io::Read;

/// Longer text is refused here rather than by a server: it was read from the wrong file.
const LONGEST_TEXT: u64 = 1024 * 1024;

/// The fields that the flags of `task create` and `task update` name. Values with a fixed list were checked by the
/// parser.
pub fn from_flags(session: &Session, bench: &Workbench, workspace: &Workspace) -> Result<Patch> {
    let mut patch = Patch::new();
    let mut texts = |field, flag| -> Result<()> {
        if let Some(given) = session.call.given(flag) {
            patch.insert(field, Value::Text(typed_text(given)?));
        }
        Ok(())
    };
    texts(Field::Title, "title")?;
    texts(Field::Description, "description")?;
    texts(Field::Plan, "plan")?;
    texts(Field::Phase, "phase")?;
    texts(Field::Status, "status")?;
    if let Some(owner) = session.call.given("owner") {
        patch.insert(Field::Owner, Value::Text(user(bench, owner)?));
    }
    if let Some(priority) = session.call.given("priority").and_then(|text| text.parse().ok()) {
        patch.insert(Field::Priority, Value::Int(priority));
    }
    if let Some(hours) = session.call.given("estimate") {
        patch.insert(Field::Estimate, estimate(hours)?);
    }
    if let Some(labels) = session.call.items("labels") {
        patch.insert(Field::Labels, Value::Set(unique(labels)));
    }
    if let Some(parent) = session.call.given("parent") {
        let parent = if parent.is_empty() { Value::Null } else { Value::Int(bench.task(session, parent)?.0.id) };
        patch.insert(Field::Parent, parent);
    }
    if let Some(project) = session.call.given("project") {
        patch.insert(Field::Project, Value::Int(bench.project_named(workspace, project)?.id));
    }
    check(&patch)?;
    Ok(patch)
}

/// What no server would take.
pub fn check(patch: &Patch) -> Result<()> {
    if let Some(Value::Text(title)) = patch.get(&Field::Title)
        && title.trim().is_empty()
    {
        return Err(Error::usage("the title is empty"));
    }
    for field in [Field::Parent, Field::Estimate] {
        if patch.get(&field).is_some_and(|value| matches!(value, Value::Null)) {
            return Err(Error::usage(format!("the API has no way to clear the {}", field.word())));
        }
    }
    Ok(())
}

/// `--add-labels` and `--remove-labels`, on top of what the task has.
pub fn changed_labels(session: &Session, task: &Task) -> Option<Value> {
    let (added, removed) = (session.call.items("add-labels"), session.call.items("remove-labels"));
    if added.is_none() && removed.is_none() {
        return None;
    }
    let (added, removed) = (added.unwrap_or_default(), removed.unwrap_or_default());
    let mut labels: Vec<&str> = task.labels.iter().map(String::as_str).collect();
    labels.retain(|label| !removed.contains(label));
    labels.extend(added);
    Some(Value::Set(unique(labels)))
}

/// `-` is standard input, as the published clients have it for a plan.
pub fn typed_text(given: &str) -> Result<String> {
    if given != "-" {
        return Ok(given.to_string());
    }
    let mut content = String::new();
    std::io::stdin()
        .take(LONGEST_TEXT + 1)
        .read_to_string(&mut content)
        .map_err(|error| Error::failure(format!("cannot read the text from standard input: {error}")))?;
    if content.len() as u64 > LONGEST_TEXT {
        return Err(Error::usage("the text on standard input is longer than 1 MiB"));
    }
    Ok(content.strip_suffix('\n').unwrap_or(&content).to_string())
}

/// A user id; `me` is the account of the last sync.
pub fn user(bench: &Workbench, given: &str) -> Result<String> {
    if given != "me" {
        return Ok(given.to_string());
    }
    bench
        .cache
        .metadata("account")?
        .ok_or_else(|| Error::failure("who 'me' is, is not known here yet").hint("run: anyt sync"))
}

fn estimate(hours: &str) -> Result<Value> {
    if hours.is_empty() {
        return Ok(Value::Null);
    }
    match hours.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Value::Number(number)),
        _ => Err(Error::usage(format!("'{hours}' is no number of hours")).hint("for example: 1.5")),
    }
}

fn unique(labels: Vec<&str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for label in labels.into_iter().filter(|label| !label.is_empty()) {
        if !kept.iter().any(|known| known == label) {
            kept.push(label.to_string());
        }
    }
    kept
}
