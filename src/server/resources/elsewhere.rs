//! What published clients know and this server has not got: it speaks to no code host, asks no model and runs no worker.
//! 501 with words where that would be needed; an empty answer where there is nothing to show.

use crate::dispatch::Service;
use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::routes::Call;
use crate::wire::{Json, Page, page};
use miniserde::json::Value;

fn without(what: &str) -> Outcome<Response> {
    Err(Problem { kind: "not-implemented", ..Problem::new(501, what) })
}

pub fn code_host(_: &Call) -> Outcome<Response> {
    without("this server has no connection to GitHub: it makes, links and clones no repositories")
}

pub fn model(_: &Call) -> Outcome<Response> {
    without("this server asks no language model: it fills in, breaks down and sums up nothing")
}

pub fn worker(_: &Call) -> Outcome<Response> {
    without("this server runs no workers of its own; a client's worker works with its user's key")
}

pub fn demo(_: &Call) -> Outcome<Response> {
    without("this server has no demo projects: they are copies of a repository at GitHub")
}

pub fn agents(_: &Call) -> Outcome<Response> {
    without("this server keeps no agents of its own: an API key is all that an agent needs")
}

pub fn templates(_: &Call) -> Outcome<Response> {
    without("this server has no templates: they are repositories at GitHub")
}

/// Nothing is installed there.
pub fn null(_: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &Value::Null))
}

/// The workspace has none of these.
pub fn nothing(call: &Call) -> Outcome<Response> {
    call.workspace()?;
    Ok(Response::json(200, &Vec::<String>::new().json()))
}

pub fn no_items(_: &Call) -> Outcome<Response> {
    Ok(Response::json(200, &page(Vec::new(), 0, Page { limit: 100, offset: 0 })))
}

pub fn no_template(_: &Service) -> Response {
    Problem::new(404, "this server has no templates").into_response("/v1/templates")
}

pub fn no_agent(call: &Call) -> Outcome<Response> {
    call.workspace()?;
    Err(Problem::missing("agent", call.argument(1)))
}

/// No project has a repository (api.md 2.4).
pub fn no_repository(call: &Call) -> Outcome<Response> {
    let project = super::projects::named(call)?;
    Err(Problem::new(404, format!("project {} has no linked repository", project.id)))
}
