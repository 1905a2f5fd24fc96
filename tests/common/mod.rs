//! The stage on which the real binaries are tested: a sandboxed home, `anyt-server`, a fault proxy, a scripted server,
//! a pseudo-terminal and the real backlog. It knows the contract (docs/promises.md, docs/api.md) and none of the client's code.

pub mod accept;
pub mod backlog;
pub mod deadline;
pub mod dispositions;
pub mod dispute;
pub mod faults;
pub mod http;
pub mod json;
pub mod proxy;
pub mod pty;
pub mod run;
pub mod sandbox;
pub mod scripted;
pub mod server;
pub mod skip;
pub mod stranger;
pub mod synced;
pub mod tempdir;
pub mod tls;
pub mod transcript;

pub use dispute::Dispute;
pub use proxy::Proxy;
pub use run::{Exit, Run};
pub use sandbox::Sandbox;
pub use server::{ALICE, BOB, Server};
pub use synced::synced;
