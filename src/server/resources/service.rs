//! What anybody may ask: is the server well (api.md 2.1). And the collections that it has none of.

use crate::http::Response;
use crate::problem::Outcome;
use crate::wire::{Json, Page, object, page};
use anyt::time::Timestamp;
use rusqlite::Connection;

pub fn root(_: &Connection) -> Outcome<Response> {
    let body = object([("name", "anyt-server".json()), ("version", env!("CARGO_PKG_VERSION").json())]);
    Ok(Response::json(200, &body))
}

pub fn health(_: &Connection) -> Outcome<Response> {
    let body = object([("status", "healthy".json()), ("timestamp", Timestamp::now().json())]);
    Ok(Response::json(200, &body))
}

/// Answers only if the database does.
pub fn health_with_database(connection: &Connection) -> Outcome<Response> {
    connection.query_row("SELECT last FROM clock", [], |_| Ok(()))?;
    let body = object([
        ("status", "healthy".json()),
        ("timestamp", Timestamp::now().json()),
        ("version", env!("CARGO_PKG_VERSION").json()),
        ("database", "healthy".json()),
    ]);
    Ok(Response::json(200, &body))
}

pub fn ping(_: &Connection) -> Outcome<Response> {
    let body = object([("message", "pong".json()), ("timestamp", Timestamp::now().json())]);
    Ok(Response::json(200, &body))
}

pub fn nothing(_: &Connection) -> Outcome<Response> {
    Ok(Response::json(200, &Vec::<String>::new().json()))
}

pub fn no_items(_: &Connection) -> Outcome<Response> {
    Ok(Response::json(200, &page(Vec::new(), 0, Page { limit: 100, offset: 0 })))
}
