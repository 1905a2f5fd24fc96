//! `anyt-server`: a self-hosted AnyTask server (api.md) on one SQLite file. Starting up is here; everything else is
//! options → store → http → routes → resources → store.
//!
//! It may be killed at any time: a request is one transaction, committed before its answer is written.
#![forbid(unsafe_code)]

mod auth;
mod health;
mod http;
mod import;
mod input;
mod limits;
mod log;
mod metrics;
mod options;
mod problem;
mod resources;
mod routes;
mod store;
mod wire;

use anyt::error::Result;
use auth::{AGENT_PREFIX, Caller, Tokens};
use options::{Options, USER, Wish};
use problem::Problem;
use resources::users::default_project;
use routes::Service;
use rusqlite::Connection;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use store::Store;
use store::workspaces::Workspace;
use store::{clock, members, projects, secrets, workspaces};

fn main() -> ExitCode {
    let done = match options::parse(std::env::args_os()) {
        Ok(Wish::Help) => say(options::HELP),
        Ok(Wish::Version) => say(concat!("anyt-server ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Wish::Serve(options)) => serve(options),
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

fn serve(options: Options) -> Result<()> {
    let store = Store::open(&options.location)?;
    // Before the import: a taken port should not cost a minute, nor leave a filled database behind.
    let listener = http::Listener::bind(options.listen)?;
    let mut lines = options.import.as_deref().map(import::open).transpose()?;
    // One step: an import that fails keeps no token either, which nobody would have been shown.
    let (tokens, made) = store
        .write(|connection| -> std::result::Result<_, import::Fault> {
            let admitted = admit(connection, &options)?;
            if let Some(lines) = &mut lines {
                import_lines(connection, &options, &mut **lines)?;
            }
            Ok(admitted)
        })
        .map_err(|fault| fault.into_error(options.import.as_deref()))?;
    if !listener.address.ip().is_loopback() {
        log::event(&format!("warning: {} is reachable from other machines, without TLS", listener.address));
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

/// The tokens that are good from now on, and the one that was made just now, if one was. Everybody with a token is a
/// member of the workspace.
fn admit(connection: &Connection, options: &Options) -> Result<(Tokens, Option<String>), Problem> {
    let mut tokens = Tokens::new(secrets::salt(connection, &random_bytes::<16>()?)?);
    let mut made = None;
    if options.tokens.is_empty() && secrets::made_token(connection)?.is_none() {
        let token = format!("anyt_{}", hex(&random_bytes::<24>()?));
        secrets::keep_token(connection, &tokens.digest(&token), USER, clock::tick(connection)?)?;
        made = Some(token);
    }
    let kept = secrets::made_token(connection)?;
    let users: Vec<&str> = options
        .tokens
        .iter()
        .map(|(user, _)| user.as_str())
        .chain(kept.as_ref().map(|(_, user)| user.as_str()))
        .collect();
    let workspace = workspace(connection, options, users.first().copied().unwrap_or(USER))?;
    for user in users {
        members::ensure(connection, workspace.id, user, members::ROLE)?;
    }
    for (user, token) in &options.tokens {
        let is_agent = token.starts_with(AGENT_PREFIX);
        tokens.admit(tokens.digest(token), Caller { user_id: user.clone(), is_agent });
    }
    if let Some((digest, user_id)) = kept {
        tokens.admit(digest, Caller { user_id, is_agent: false });
    }
    Ok((tokens, made))
}

/// The workspace of `--workspace`, else the oldest; made, with a project, if there is none.
fn workspace(connection: &Connection, options: &Options, owner: &str) -> Result<Workspace, Problem> {
    let present = match &options.workspace {
        Some(identifier) => workspaces::by_identifier(connection, identifier)?,
        None => workspaces::oldest(connection)?,
    };
    if let Some(workspace) = present {
        return Ok(workspace);
    }
    let identifier = options.workspace.as_deref().unwrap_or("DEV");
    let name = if identifier == "DEV" { "development" } else { identifier };
    let workspace = workspaces::create(connection, identifier, name, None, owner)?;
    projects::create(connection, workspace.id, &default_project(name))?;
    Ok(workspace)
}

fn import_lines(
    connection: &Connection,
    options: &Options,
    lines: &mut dyn std::io::BufRead,
) -> Result<usize, import::Fault> {
    let workspace = workspace(connection, options, USER)?;
    let project = match projects::oldest(connection, workspace.id)? {
        Some(project) => project,
        None => projects::create(connection, workspace.id, &default_project(&workspace.name))?,
    };
    import::run(connection, &workspace, project.id, &workspace.owner_id, lines)
}

fn random_bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Problem::new(500, format!("no random numbers: {error}")))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
