//! `anyt`: an offline-first client for AnyTask. `main.rs` is the program; this library is its house, in the order
//! of who may call whom: cli → commands → sync → {cache, api, credentials} → model.
#![forbid(unsafe_code)]

pub mod api;
pub mod credentials;
pub mod error;
pub mod model;
pub mod sync;
pub mod time;
