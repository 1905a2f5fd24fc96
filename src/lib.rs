//! `anyt`: an offline-first client for AnyTask. `main.rs` is the program; this library is its house, in the order
//! of who may call whom: cli → commands → sync → {cache, api, credentials} → model.
#![forbid(unsafe_code)]

pub mod api;
pub mod cache;
pub mod cli;
pub mod credentials;
pub mod document;
pub mod error;
pub mod failpoint;
pub mod lock;
pub mod model;
pub mod sync;
pub mod time;
pub mod ui;
