//! `anyt`: an offline-first client for AnyTask. `main.rs` is the program; this library is its house, in the order
//! of who may call whom: cli → commands → sync → {cache, api, credentials} → model.
#![forbid(unsafe_code)]

pub mod config;
pub mod credentials;
pub mod directory;
pub mod error;
pub mod failpoint;
pub mod json;
pub mod model;
pub mod origin;
pub mod paths;
pub mod replace;
pub mod sync;
#[cfg(test)]
mod testing;
pub mod time;
pub mod vars;
