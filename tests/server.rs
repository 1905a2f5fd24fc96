//! `anyt-server` from outside: the real binary, raw HTTP, each test with a server of its own on a free port.
#![cfg(feature = "server")]

#[path = "server/harness.rs"]
mod harness;

#[path = "server/admin.rs"]
mod admin;
#[path = "server/caching.rs"]
mod caching;
#[path = "server/care.rs"]
mod care;
#[path = "server/contract.rs"]
mod contract;
#[path = "server/contract_rows.rs"]
mod contract_rows;
#[path = "server/ending.rs"]
mod ending;
#[path = "server/fuzz.rs"]
mod fuzz;
#[path = "server/idempotency.rs"]
mod idempotency;
#[path = "server/limits.rs"]
mod limits;
#[path = "server/observing.rs"]
mod observing;
#[path = "server/packaging.rs"]
mod packaging;
#[path = "server/people.rs"]
mod people;
#[path = "server/relations.rs"]
mod relations;
#[path = "server/roles.rs"]
mod roles;
#[path = "server/starting.rs"]
mod starting;
#[path = "server/task_lists.rs"]
mod task_lists;
#[path = "server/tasks.rs"]
mod tasks;
#[path = "server/transport.rs"]
mod transport;
