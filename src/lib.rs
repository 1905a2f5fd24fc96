//! `anyt`: an offline-first client for AnyTask. `main.rs` is the program; this library is its house, in the order
//! of who may call whom: cli → commands → {sync, ui, api} → {store, credentials} → model.
#![forbid(unsafe_code)]

pub mod api;
pub mod cli;
pub mod commands;
pub mod config;
pub mod credentials;
pub mod directory;
pub mod document;
pub mod error;
pub mod failpoint;
pub mod gather;
pub mod json;
pub mod lines;
pub mod lock;
pub mod model;
pub mod names;
pub mod notes;
pub mod origin;
pub mod paths;
pub mod pipe;
pub mod replace;
pub mod secret;
pub mod store;
pub mod sync;
pub mod time;
pub mod ui;
pub mod vars;
pub mod zone;

#[cfg(test)]
mod testing;
