//! Saved views (api.md 2.18). A view is the caller's own: the `user_id` of the body is passed over, and nobody else sees it.

use crate::http::Response;
use crate::problem::Outcome;
use crate::resources::stored_json;
use crate::routes::Call;
use crate::store::task_views::{self as stored, Fields, TaskView};
use crate::wire::{Json, object};
use miniserde::json::{self, Value};

fn to_json(view: TaskView) -> Value {
    let fields = view.fields;
    object([
        ("id", view.id.json()),
        ("workspace_id", view.workspace_id.json()),
        ("user_id", view.user_id.json()),
        ("name", fields.name.json()),
        ("description", fields.description.json()),
        ("filters", stored_json(Some(fields.filters))),
        ("is_default", fields.is_default.json()),
        ("display_order", fields.display_order.json()),
        ("created_at", view.created_at.json()),
        ("updated_at", view.updated_at.json()),
    ])
}

pub fn list(call: &Call) -> Outcome<Response> {
    let views = stored::list(call.connection, call.workspace()?.id, call.user())?;
    Ok(Response::json(200, &views.into_iter().map(to_json).collect::<Vec<_>>().json()))
}

pub fn default(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(stored::default(call.connection, call.workspace()?.id, call.user())?)))
}

fn named(call: &Call) -> Outcome<TaskView> {
    stored::get(call.connection, call.workspace()?.id, call.user(), call.id(1, "task view")?)
}

pub fn get(call: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &to_json(named(call)?)))
}

pub fn create(call: &Call) -> Outcome<Response> {
    let workspace = call.workspace()?.id;
    let fresh = Fields {
        name: call.body()?.name("name")?.into(),
        description: None,
        filters: "{}".into(),
        is_default: false,
        display_order: 0,
    };
    let fields = changed(call, fresh)?;
    Ok(Response::json(201, &to_json(stored::save(call.connection, workspace, call.user(), None, &fields)?)))
}

pub fn update(call: &Call) -> Outcome<Response> {
    let view = named(call)?;
    let (id, fields) = (Some(view.id), changed(call, view.fields)?);
    let saved = stored::save(call.connection, view.workspace_id, call.user(), id, &fields)?;
    Ok(Response::json(200, &to_json(saved)))
}

fn changed(call: &Call, fields: Fields) -> Outcome<Fields> {
    let body = call.body()?;
    let filters = body.object("filters")?.map(|filters| json::to_string(&Value::Object(filters.clone())));
    Ok(Fields {
        name: body.new_name("name")?.map_or(fields.name, str::to_string),
        description: body.about("description")?.map(str::to_string).or(fields.description),
        filters: filters.unwrap_or(fields.filters),
        is_default: body.bool("is_default")?.unwrap_or(fields.is_default),
        display_order: body.int("display_order")?.unwrap_or(fields.display_order),
    })
}

pub fn delete(call: &Call) -> Outcome<Response> {
    stored::delete(call.connection, named(call)?.id)?;
    Ok(Response::no_content())
}
