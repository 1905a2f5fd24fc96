//! Tasks (api.md 2.5). This server's own choices where the contract leaves it open: `include_deleted=true` lists
//! tombstones too, otherwise a deleted task is nowhere; a change that changes nothing keeps version and `updated_at`;
//! `DELETE` takes `If-Match` as well; time filters are inclusive.

use crate::http::Response;
use crate::input::{Body, whole_number};
use crate::limits;
use crate::model::{self, Patch};
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::task_input;
use crate::routes::Call;
use crate::store::dependencies;
use crate::store::task_list::{self, Filter, Sort};
use crate::store::tasks::{self as stored, Review, Task};
use crate::store::workspaces::Workspace;
use crate::wire::{self, Json, Members, object};
use anyt::time::Timestamp;
use miniserde::json::{self, Value};

const LIMIT: i64 = 50;
const MOST: i64 = limits::ROWS;

/// Every field of api.md 3.3, whatever client asks: further fields are ignored, missing ones are fatal.
pub fn write(row: &Task, out: &mut String) {
    let (task, review) = (&row.task, &row.review);
    Members::write(out, |members| {
        members.add("id", task.id);
        members.add("workspace_id", task.workspace_id);
        members.add("project_id", task.project_id);
        members.add("number", task.number);
        members.add("identifier", &task.identifier);
        members.add("uid", &task.uid);
        members.add("title", &task.title);
        members.add("description", &task.description);
        members.add("phase", &task.phase);
        members.add("status", &task.status);
        members.add("priority", task.priority);
        members.add("owner_id", &task.owner_id);
        members.add("assignee_type", &task.assignee_type);
        members.add("assigned_coding_agent", &task.assigned_coding_agent);
        members.add("labels", &task.labels);
        members.add("estimate", &task.estimate);
        members.add("parent_id", &task.parent_id);
        members.add("goal_id", &task.goal_id);
        members.add("creator_id", &task.creator_id);
        members.add("version", task.version);
        members.add("implementation_plan", &task.implementation_plan);
        members.add("checklist", &task.checklist);
        members.add("plan_review_status", &review.status);
        members.add("plan_reviewed_at", &review.at);
        members.add("plan_reviewed_by", &review.by);
        members.add("started_at", &task.started_at);
        members.add("completed_at", &task.completed_at);
        members.add("canceled_at", &task.canceled_at);
        members.add("archived_at", &task.archived_at);
        members.add("created_at", &task.created_at);
        members.add("updated_at", &task.updated_at);
        members.add("deleted_at", &task.deleted_at);
        members.add_object("workspace", |inner| {
            inner.add("id", task.workspace_id);
            inner.add("name", &row.workspace_name);
            inner.add("identifier", &row.workspace_identifier);
        });
        members.add_object("project", |inner| {
            inner.add("id", task.project_id);
            inner.add("name", &row.project_name);
            inner.add("color", &row.project_color);
            inner.add("icon", &row.project_icon);
        });
    });
}

pub fn answer(status: u16, row: &Task) -> Response {
    let mut body = String::new();
    write(row, &mut body);
    Response::written(status, body)
}

pub fn list(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let part = call.query.page(LIMIT, MOST)?;
    let filter = filter(call, &workspace)?;
    let (items, total) = task_list::list(call.connection, workspace.id, &filter, order(call)?, part)?;
    Ok(Response::written(200, wire::written_page(&items, write, total, part)))
}

fn filter(call: &Call, workspace: &Workspace) -> Outcome<Filter> {
    let query = &call.query;
    let person =
        |name: &str| query.text(name).map(|id| if id == "me" { call.user().to_string() } else { id.to_string() });
    let words = |name: &str| query.list(name);
    let statuses: Option<Vec<&str>> =
        words("status").map(|words| words.into_iter().map(task_input::status).collect::<Outcome<_>>()).transpose()?;
    let priorities: Option<Vec<i64>> = words("priority")
        .map(|words| words.into_iter().map(|word| whole_number("priority", word)).collect::<Outcome<_>>())
        .transpose()?;
    Ok(Filter {
        project: match query.int("project")? {
            Some(project) => Some(project),
            None => query.int("project_id")?,
        },
        status: statuses.map(|words| json::to_string(&words)),
        priority: priorities.map(|numbers| json::to_string(&numbers)),
        priority_gte: query.int("priority_gte")?,
        priority_lte: query.int("priority_lte")?,
        owner: person("owner"),
        creator: person("creator"),
        labels: {
            let names = words("labels").unwrap_or_default();
            limits::count("labels", names.len(), limits::LABELS)?;
            names.into_iter().map(str::to_string).collect()
        },
        // A parent that does not exist has no children: no task has id 0.
        parent: query
            .text("parent")
            .map(|name| stored::get(call.connection, workspace, name).map_or(0, |found| found.task.id)),
        has_subtasks: query.bool("has_subtasks")?,
        agent: query.text("assigned_coding_agent").map(str::to_string),
        created_after: query.instant("created_after")?,
        updated_after: query.instant("updated_after")?,
        completed_after: query.instant("completed_after")?,
        completed_before: query.instant("completed_before")?,
        include_deleted: query.bool("include_deleted")?.unwrap_or(false),
        ..Filter::default()
    })
}

/// Newest first unless asked otherwise.
fn order(call: &Call) -> Outcome<(Sort, bool)> {
    let sort = match call.query.text("sort_by") {
        None => Sort::Id,
        Some(name) => {
            Sort::from_name(name).ok_or_else(|| Problem::invalid("sort_by", format!("cannot sort by '{name}'")))?
        }
    };
    match call.query.text("order").map(str::to_ascii_lowercase).as_deref() {
        None | Some("desc") => Ok((sort, true)),
        Some("asc") => Ok((sort, false)),
        Some(other) => Err(Problem::invalid("order", format!("'{other}' is neither asc nor desc"))),
    }
}

pub fn create(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    body.name("title")?;
    body.required_int("project_id")?;
    let mut task = model::Task {
        workspace_id: workspace.id,
        status: "backlog".into(),
        assignee_type: Some("human".into()),
        ..model::Task::default()
    };
    let patch = task_input::patch(call.connection, &task, &body)?;
    let targets = depends_on(call, &workspace, &body)?;
    task.apply(&patch);
    task.goal_id = task_input::goal(call.connection, workspace.id, &body)?;
    task_input::stamp(&mut task, &Timestamp::now().rfc3339());
    let id = stored::create(call.connection, &task, call.user())?;
    let created = stored::by_id(call.connection, id)?;
    for target in &targets {
        dependencies::add(call.connection, &created.task, target)?;
    }
    let note = Note::of_task(id, "created").with("identifier", created.task.identifier.as_str().json());
    note.with("title", created.task.title.as_str().json()).write(call, workspace.id)?;
    Ok(answer(201, &created))
}

/// The tasks of the `depends_on` list, each once.
fn depends_on(call: &Call, workspace: &Workspace, body: &Body) -> Outcome<Vec<model::Task>> {
    let mut targets: Vec<model::Task> = Vec::new();
    for name in body.texts("depends_on")?.unwrap_or_default() {
        let target = stored::get(call.connection, workspace, &name)
            .map_err(|_| Problem::invalid("depends_on", format!("the workspace has no task {name}")))?
            .task;
        if targets.iter().all(|known| known.id != target.id) {
            targets.push(target);
        }
    }
    Ok(targets)
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(answer(200, &stored::get(call.connection, &call.workspace()?, call.argument(1))?))
}

/// The task's link: 403 for who is no member of its workspace (api.md 1.2).
pub fn by_uid(call: &Call) -> Outcome<Response> {
    let uid = call.argument(0);
    let id = stored::id_of_uid(uid).ok_or_else(|| Problem::missing("task", uid))?;
    let row = stored::by_id(call.connection, id).map_err(|_| Problem::missing("task", uid))?;
    call.workspace_of(row.task.workspace_id)
        .map_err(|_| Problem::new(403, "you are no member of this task's workspace"))?;
    Ok(answer(200, &row))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let row = stored::get(call.connection, &call.workspace()?, call.argument(1))?;
    let body = call.body()?;
    let patch = task_input::patch(call.connection, &row.task, &body)?;
    check_version(call, &row.task, &patch)?;
    Ok(answer(200, &change(call, row, &patch, &body)?))
}

/// Stores the changes, if there are any.
fn change(call: &Call, row: Task, patch: &Patch, body: &Body) -> Outcome<Task> {
    let mut new = row.clone();
    new.task.apply(patch);
    new.task.goal_id = task_input::goal(call.connection, row.task.workspace_id, body)?.or(row.task.goal_id);
    if new.task.implementation_plan != row.task.implementation_plan && row.review.status.is_some() {
        new.review = Review { status: Some("pending".into()), ..Review::default() };
    }
    new.review = task_input::review(new.review, body)?;
    if new == row {
        return Ok(row);
    }
    if new.task.status != row.task.status {
        task_input::stamp(&mut new.task, &Timestamp::now().rfc3339());
    }
    stored::save(call.connection, &new)?;
    note_of(&row, &new, patch).write(call, row.task.workspace_id)?;
    stored::by_id(call.connection, row.task.id)
}

fn note_of(old: &Task, new: &Task, patch: &Patch) -> Note<'static> {
    let event = if old.task.status == new.task.status { "updated" } else { "status_changed" };
    let mut note = Note::of_task(old.task.id, event);
    for field in patch.keys().filter(|field| old.task.get(**field) != new.task.get(**field)) {
        note = note.change(field.name(), old.task.get(*field).to_json(), new.task.get(*field).to_json());
    }
    if old.review.status != new.review.status {
        let word = |row: &Task| row.review.status.clone().json();
        note = note.change("plan_review_status", word(old), word(new));
    }
    if old.task.goal_id != new.task.goal_id {
        note = note.change("goal_id", old.task.goal_id.json(), new.task.goal_id.json());
    }
    note
}

/// `If-Match` is the version, with or without quotes; `*` is any.
fn check_version(call: &Call, task: &model::Task, patch: &Patch) -> Outcome<()> {
    let Some(given) = call.request.header("If-Match").map(|text| text.trim_matches('"')) else { return Ok(()) };
    if given == "*" || given.is_empty() {
        return Ok(());
    }
    let provided = whole_number("If-Match", given)?;
    if provided == task.version {
        return Ok(());
    }
    let conflicts = patch
        .iter()
        .filter(|(field, value)| task.get(**field) != **value)
        .map(|(field, value)| {
            object([
                ("field", field.name().json()),
                ("current", task.get(*field).to_json()),
                ("provided", value.to_json()),
            ])
        })
        .collect();
    Err(Problem::version_conflict(task.version, provided, conflicts))
}

pub fn delete(call: &Call) -> Outcome<Response> {
    let task = stored::get(call.connection, &call.workspace()?, call.argument(1))?.task;
    check_version(call, &task, &Patch::new())?;
    stored::delete(call.connection, task.id)?;
    Note::of_task(task.id, "deleted").write(call, task.workspace_id)?;
    Ok(Response::no_content())
}

/// Each task by itself: some may fail while others change (api.md 3.3, bulk result).
pub fn update_many(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let body = call.body()?;
    let names = body.texts("task_ids")?.ok_or_else(|| Problem::invalid("task_ids", "is required"))?;
    let updates = body.get("updates").and_then(Body::from_value);
    let updates = updates.ok_or_else(|| Problem::invalid("updates", "must be an object"))?;
    let (mut results, mut succeeded) = (Vec::new(), 0);
    for name in &names {
        let done = stored::get(call.connection, &workspace, name).and_then(|row| {
            let patch = task_input::patch(call.connection, &row.task, &updates)?;
            change(call, row, &patch, &updates)
        });
        if let Err(problem) = &done
            && problem.status >= 500
        {
            return done.map(|_| Response::no_content());
        }
        succeeded += i64::from(done.is_ok());
        results.push(result_of(name, done));
    }
    let total = names.len() as i64;
    let body = object([
        ("results", results.json()),
        ("updated", succeeded.json()),
        ("total", total.json()),
        ("succeeded", succeeded.json()),
        ("failed", (total - succeeded).json()),
    ]);
    Ok(Response::json(200, &body))
}

fn result_of(name: &str, done: Outcome<Task>) -> Value {
    let (task, error) = match done {
        Ok(row) => (Some(row.task), None),
        Err(problem) => (None, Some(problem.detail)),
    };
    object([
        ("identifier", task.as_ref().map_or(name, |task| &task.identifier).json()),
        ("task_id", task.as_ref().map(|task| task.id.to_string()).json()),
        ("success", task.is_some().json()),
        ("message", task.map(|_| "updated").json()),
        ("error", error.json()),
    ])
}
