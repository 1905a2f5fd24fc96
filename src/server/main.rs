//! `anyt-server`: a self-hosted AnyTask server (api.md) on one SQLite file. Starting up is here; everything else is
//! cli → options → store → http → dispatch → routes → resources → store, or cli → admin → store.
//!
//! It may be killed at any time: a request is one transaction, committed before its answer is written.
#![forbid(unsafe_code)]

mod admin;
mod admission;
mod auth;
mod cli;
mod dispatch;
mod health;
mod http;
mod import;
mod input;
mod limits;
mod log;
mod metrics;
mod once;
mod options;
mod problem;
mod resources;
mod routes;
mod store;
mod token;
mod wire;

use anyt::error::{Error, Result};
use cli::table::Id;
use cli::{Line, Wish};
use dispatch::Service;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use store::integrity::{self, State};
use store::lock::Lock;

/// What the start may spend on looking at the database; a hundred thousand tasks take a small part of it.
const LONGEST_CHECK: Duration = Duration::from_secs(5);

const WITHOUT_TLS: &str = " is reachable from other machines and speaks plain HTTP: whoever sees the traffic on its way \
    reads every token and every task. Put a TLS proxy in front and listen on 127.0.0.1 (see: man anyt-server, TLS)";

fn main() -> ExitCode {
    let done = match cli::parse(std::env::args_os()) {
        Ok(Wish::Say(text)) => say(&text),
        Ok(Wish::Do(line)) if line.id == Id::Serve => serve(&line),
        Ok(Wish::Do(line)) => admin::run(&line),
        Err(error) => Err(error),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    match error.advice() {
        Some(advice) => log::event(&format!("{error} ({advice})")),
        None => log::event(&error.to_string()),
    }
    ExitCode::from(error.exit_code())
}

/// Whoever started the server may have closed its standard output; that is no reason to stop serving.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(())
}

fn serve(line: &Line) -> Result<()> {
    let options = options::read(line, std::env::var(options::TOKEN_VARIABLE).ok().as_deref())?;
    let _lock = Lock::take(&options.location)?;
    let store = Store::open(&options.location)?;
    check(&store)?;
    // Before the import: a taken port should not cost a minute, nor leave a filled database behind.
    let listener = http::Listener::bind(options.listen)?;
    let mut lines = options.import.as_deref().map(import::open).transpose()?;
    // One step: an import that fails keeps no token either, which nobody would have been shown.
    let (tokens, made) = store
        .write(|connection| -> std::result::Result<_, import::Fault> {
            let admitted = admission::admit(connection, &options)?;
            if let Some(lines) = &mut lines {
                admission::import_lines(connection, &options, &mut **lines)?;
            }
            Ok(admitted)
        })
        .map_err(|fault| fault.into_error(options.import.as_deref()))?;
    if !listener.address.ip().is_loopback() {
        log::event(&format!("warning: {}{}", listener.address, WITHOUT_TLS));
    }
    if cfg!(panic = "abort") {
        log::event("warning: built with panic=abort, a fault in one request ends the server (see Cargo.toml)");
    }
    let address = listener.address;
    let ready = listener.ready()?;
    log::start();
    let service = Arc::new(Service::start(store, tokens)?);
    say(&format!("anyt-server listening on http://{address}\n"))?;
    if let Some(token) = made {
        say(&format!("token: {token}\n"))?;
    }
    ready.serve(Arc::clone(&service), http::Limits { body: options.max_body, per_address: options.per_address });
    service.stop();
    log::flush();
    Ok(())
}

/// Refuses to serve a damaged database: writing to one makes it worse.
fn check(store: &Store) -> Result<()> {
    let state = store.look_up(|connection| integrity::quick(connection, LONGEST_CHECK));
    match state.map_err(|error| Error::failure(format!("cannot check the database: {error}")))? {
        State::Whole => Ok(()),
        State::Unknown => {
            log::event("the check of the database was left after 5 s (the whole one: anyt-server check)");
            Ok(())
        }
        State::Damaged(faults) => Err(Error::failure(format!("the database is damaged: {faults}"))
            .hint("see: man anyt-server, BACKUP AND RESTORE")),
    }
}
