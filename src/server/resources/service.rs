//! What anybody may ask: is the server well (api.md 2.1). And the collections that it has none of. These handlers know no
//! database: they answer at once, whatever else is going on.

use crate::dispatch::Service;
use crate::http::Response;
use crate::metrics::METRICS;
use crate::wire::{Json, Page, object, page};
use anyt::time::Timestamp;

pub fn root(_: &Service) -> Response {
    let body = object([("name", "anyt-server".json()), ("version", env!("CARGO_PKG_VERSION").json())]);
    Response::json(200, &body)
}

/// The server is there and answers.
pub fn health(_: &Service) -> Response {
    let body = object([("status", "healthy".json()), ("timestamp", Timestamp::now().json())]);
    Response::json(200, &body)
}

/// Whether the database can be read and written and the disk has room; 503 if not.
pub fn health_with_database(service: &Service) -> Response {
    let report = service.health.report();
    let is_healthy = report.is_healthy();
    let body = object([
        ("status", if is_healthy { "healthy" } else { "unhealthy" }.json()),
        ("timestamp", Timestamp::now().json()),
        ("version", env!("CARGO_PKG_VERSION").json()),
        ("database", report.database.json()),
        ("disk", report.disk.json()),
        ("disk_free_bytes", report.room.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)).json()),
    ]);
    Response::json(if is_healthy { 200 } else { 503 }, &body)
}

pub fn ping(_: &Service) -> Response {
    let body = object([("message", "pong".json()), ("timestamp", Timestamp::now().json())]);
    Response::json(200, &body)
}

pub fn no_items(_: &Service) -> Response {
    Response::json(200, &page(Vec::new(), 0, Page { limit: 100, offset: 0 }))
}

/// For Prometheus.
pub fn metrics(service: &Service) -> Response {
    let report = service.health.report();
    let (reads, writes) = service.workers.waiting();
    let mut gauges = vec![
        ("healthy", "Whether /v1/health says so.", f64::from(u8::from(report.is_healthy()))),
        ("reads_waiting", "Requests waiting for a connection that reads.", reads as f64),
        ("writes_waiting", "Requests waiting for the writer.", writes as f64),
    ];
    if let Some(bytes) = report.room {
        gauges.push(("disk_free_bytes", "Room on the disk of the database.", bytes as f64));
    }
    Response::text("text/plain; version=0.0.4; charset=utf-8", METRICS.text(&gauges))
}
