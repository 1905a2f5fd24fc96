//! Comments: below the task, and by workspace as older clients ask (api.md 2.10).

use crate::http::Response;
use crate::model;
use crate::problem::{Outcome, Problem};
use crate::resources::events::Note;
use crate::resources::workspaces::{MOST_PER_PAGE, PER_PAGE};
use crate::routes::Call;
use crate::store::comments::{self as stored, Comment};
use crate::store::tasks;
use crate::wire::{Json, object};
use miniserde::json::Value;

fn to_json(comment: Comment, reader: &str) -> Value {
    object([
        ("id", comment.id.json()),
        ("task_id", comment.task_identifier.json()),
        ("is_own", (comment.author_id == reader).json()),
        ("author_name", comment.author_id.as_str().json()),
        ("author_id", comment.author_id.json()),
        ("author_avatar", Value::Null),
        ("content", comment.content.json()),
        ("mentioned_users", comment.mentioned_users.json()),
        ("created_at", comment.created_at.json()),
        ("is_edited", comment.updated_at.is_some().json()),
        ("updated_at", comment.updated_at.json()),
    ])
}

fn task(call: &Call) -> Outcome<model::Task> {
    Ok(tasks::get(call.connection, &call.workspace()?, call.argument(1))?.task)
}

pub fn list(call: &Call) -> Outcome<Response> {
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let (items, total) = stored::list(call.connection, task(call)?.id, part)?;
    let items: Vec<Value> = items.into_iter().map(|comment| to_json(comment, call.user())).collect();
    Ok(Response::json(200, &object([("comments", items.json()), ("total", total.json())])))
}

/// Those of a whole workspace, by what changed: no published client asks for it. `updated_at` is the time of the last
/// change, deletion included, and the task is named by its id as well.
pub fn list_of_workspace(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let part = call.query.page(PER_PAGE, MOST_PER_PAGE)?;
    let since = call.query.instant("updated_after")?.unwrap_or(i64::MIN);
    let deleted = call.query.bool("include_deleted")?.unwrap_or(false);
    let (items, total) = stored::changed(call.connection, workspace.id, since, deleted, part)?;
    let items: Vec<Value> = items.into_iter().map(|comment| to_json_by_change(comment, call.user())).collect();
    Ok(Response::json(200, &object([("comments", items.json()), ("total", total.json())])))
}

fn to_json_by_change(comment: Comment, reader: &str) -> Value {
    let (task, deleted_at) = (comment.task_id, comment.deleted_at);
    let changed = deleted_at.or(comment.updated_at).unwrap_or(comment.created_at);
    let mut value = to_json(comment, reader);
    if let Value::Object(members) = &mut value {
        members.insert("updated_at".into(), changed.json());
        members.insert("deleted_at".into(), deleted_at.json());
        members.insert("task".into(), object([("id", task.json())]));
    }
    value
}

pub fn create(call: &Call) -> Outcome<Response> {
    let task = task(call)?;
    let body = call.body()?;
    let mentioned = body.texts("mentioned_users")?.unwrap_or_default();
    let parent = body.int("parent_id")?;
    let content = body.content("content")?;
    if let Some(parent) = parent {
        let known = stored::get(call.connection, task.workspace_id, parent);
        if !known.is_ok_and(|comment| comment.task_id == task.id) {
            return Err(Problem::invalid("parent_id", format!("{} has no comment {parent}", task.identifier)));
        }
    }
    let id = stored::create(call.connection, task.id, call.user(), content, &mentioned, parent)?;
    Note::new("comment", id, "created").on_task(task.id).write(call, task.workspace_id)?;
    Ok(Response::json(201, &to_json(stored::get(call.connection, task.workspace_id, id)?, call.user())))
}

pub fn stats(call: &Call) -> Outcome<Response> {
    let task = task(call)?;
    let (total, last) = stored::summary(call.connection, task.id)?;
    let body = object([
        ("task_id", task.identifier.json()),
        ("total_comments", total.json()),
        // The server does not know who has read what.
        ("unread_mentions", 0.json()),
        ("last_comment_at", last.json()),
    ]);
    Ok(Response::json(200, &body))
}

/// The comment whose id is the path's argument at `position`.
fn named(call: &Call, position: usize) -> Outcome<Comment> {
    stored::get(call.connection, call.workspace()?.id, call.id(position, "comment")?)
}

fn named_below_task(call: &Call) -> Outcome<Comment> {
    let comment = named(call, 2)?;
    if comment.task_id != task(call)?.id {
        return Err(Problem::missing("comment", call.argument(2)));
    }
    Ok(comment)
}

fn own(call: &Call, comment: Comment) -> Outcome<Comment> {
    if comment.author_id != call.user() {
        return Err(Problem::new(403, "only its author may change a comment"));
    }
    Ok(comment)
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(named(call, 1)?, call.user())))
}

pub fn update(call: &Call) -> Outcome<Response> {
    change(call, named(call, 1)?)
}

pub fn update_below_task(call: &Call) -> Outcome<Response> {
    change(call, named_below_task(call)?)
}

fn change(call: &Call, comment: Comment) -> Outcome<Response> {
    let comment = own(call, comment)?;
    let body = call.body()?;
    let (content, mentioned) = (body.new_content("content")?, body.texts("mentioned_users")?);
    stored::update(call.connection, comment.id, content, mentioned.as_ref())?;
    let workspace = call.workspace()?.id;
    Note::new("comment", comment.id, "updated").on_task(comment.task_id).write(call, workspace)?;
    Ok(Response::json(200, &to_json(stored::get(call.connection, workspace, comment.id)?, call.user())))
}

pub fn delete(call: &Call) -> Outcome<Response> {
    discard(call, named(call, 1)?)
}

pub fn delete_below_task(call: &Call) -> Outcome<Response> {
    discard(call, named_below_task(call)?)
}

fn discard(call: &Call, comment: Comment) -> Outcome<Response> {
    let comment = own(call, comment)?;
    stored::delete(call.connection, comment.id)?;
    Note::new("comment", comment.id, "deleted").on_task(comment.task_id).write(call, call.workspace()?.id)?;
    Ok(Response::no_content())
}
