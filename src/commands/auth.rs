//! `anyt auth`: signing in and out, and who one is.

use super::Session;
use super::session::Effort;
use crate::config::Environment;
use crate::credentials::{Forgotten, StoreChoice, clean};
use crate::document::{object, optional, text};
use crate::error::{Error, Result};
use crate::model::Account;
use crate::paths::{EnvName, Paths};
use crate::pipe::{self, Patience};
use crate::secret::Secret;
use crate::sync::remote::{Remote, to_error};
use miniserde::json::Value;
use std::io::IsTerminal;
use std::time::Duration;

/// No token is longer; a file that is was named by mistake.
const LONGEST: usize = 64 * 1024;

/// For a token that comes from a pipe: somebody may have to unlock what it comes from.
const TOKEN_FILE_TIMEOUT: Duration = Duration::from_secs(60);

pub fn login(session: &mut Session) -> Result<()> {
    let env = session.environment()?;
    sign_in(session, &env)
}

/// The token is read, verified and stored; until it is verified nothing is changed.
pub(super) fn sign_in(session: &mut Session, env: &Environment) -> Result<()> {
    let choice = session.call.given("store").map(StoreChoice::parse).transpose()?;
    let secret = read_token(session)?;
    if session.call.has("agent-key") && !secret.is_agent_key() {
        return Err(Error::usage("this is not an agent key: agent keys begin with anyt_agent_"));
    }
    let account = if session.call.has("offline") {
        None
    } else {
        let http = session.http(env, Some(secret.clone()), Effort::Write)?;
        verify(&http)?
    };
    let paths = session.paths()?;
    let kept = session.with_vault(&paths, |vault| {
        let vault = if std::io::stdin().is_terminal() { vault.patient() } else { vault };
        vault.store(env, &secret, choice)
    })?;
    session.forget_token();
    for notice in &kept.notices {
        session.out.warn(notice)?;
    }
    session.answer(
        || {
            object([
                ("environment", text(env.name.to_string())),
                ("user_id", account.as_ref().map_or(Value::Null, |account| text(&account.user_id))),
                ("store", text(kept.place.code())),
                ("stored_in", text(kept.place.to_string())),
            ])
        },
        |out| {
            let who = account.as_ref().map_or_else(String::new, |account| format!(" as {}", account.user_id));
            out.say(&format!("✓ Signed in to {}{who}", env.name))?;
            out.say(&format!("  Stored in: {}", kept.place))
        },
    )
}

/// A server without `/v1/auth` is asked for its workspaces instead: they need a valid credential too.
pub(super) fn verify(http: &impl Remote) -> Result<Option<Account>> {
    let account = http.account().map_err(|e| to_error(e, &http.origin()))?;
    if account.is_none() {
        http.workspaces().map_err(|e| to_error(e, &http.origin()))?;
    }
    Ok(account)
}

/// From `--token-file`, from a pipe, or from a prompt without echo. Never from the command line.
fn read_token(session: &mut Session) -> Result<Secret> {
    match session.call.given("token-file") {
        Some("-") => from_stdin(),
        Some(path) => {
            let for_a_writer = if session.call.has("no-input") { Duration::ZERO } else { TOKEN_FILE_TIMEOUT };
            from_text(pipe::read(path.as_ref(), LONGEST, Patience { for_a_writer, for_all: TOKEN_FILE_TIMEOUT })?, path)
        }
        None if !std::io::stdin().is_terminal() => from_stdin(),
        None => match session.input.secret(&mut session.out, "Token: ")? {
            Some(secret) => clean(secret.expose()),
            None => Err(Error::usage("no token was given").hint("pipe it in, or give --token-file FILE")),
        },
    }
}

fn from_stdin() -> Result<Secret> {
    let content = pipe::stdin(LONGEST, TOKEN_FILE_TIMEOUT)?;
    if content.is_empty() {
        let error = Error::usage("no token came on standard input");
        return Err(error.hint("pipe it in, give --token-file FILE, or type it at a terminal"));
    }
    from_text(content, "standard input")
}

fn from_text(content: Vec<u8>, source: &str) -> Result<Secret> {
    let text = String::from_utf8(content)
        .map_err(|_| Error::failure(format!("cannot read the token from {source}: it is not UTF-8")))?;
    clean(&text)
}

pub fn logout(session: &mut Session) -> Result<()> {
    let paths = session.paths()?;
    let (outcomes, unlisted) = if session.call.has("all") {
        session.with_vault(&paths, |vault| Ok(vault.forget_all()))?
    } else {
        (vec![forget(session, &paths)?], None)
    };
    let mut failures = Vec::new();
    for (name, forgotten) in outcomes {
        told(session, &name, &forgotten)?;
        let failed = forgotten.failure();
        failures
            .extend(failed.map(|error| if session.call.has("all") { error.of(&format!("{name}: ")) } else { error }));
    }
    // What kept an environment's token kept us from the list of them, too: it has been said.
    let failures = if failures.is_empty() { unlisted.into_iter().collect() } else { failures };
    Error::all(failures).map_or(Ok(()), Err)
}

/// The chosen environment's token. A name that config.json does not have is one all the same if something is stored for it.
fn forget(session: &mut Session, paths: &Paths) -> Result<(EnvName, Forgotten)> {
    let (name, unknown) = match session.environment() {
        Ok(env) => (env.name, None),
        Err(error) => match session.call.given("env").or(session.vars.env.as_deref()).map(EnvName::parse) {
            Some(Ok(name)) => (name, Some(error)),
            _ => return Err(error),
        },
    };
    let forgotten = session.with_vault(paths, |vault| Ok(vault.forget(&name)))?;
    match unknown {
        Some(error) if forgotten.from.is_empty() && forgotten.failures.is_empty() => Err(error),
        _ => Ok((name, forgotten)),
    }
}

fn told(session: &mut Session, name: &EnvName, forgotten: &Forgotten) -> Result<()> {
    let places = forgotten.from.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (forgotten.failures.is_empty(), forgotten.from.is_empty()) {
        (true, true) => session.out.say(&format!("No token was stored for {name}"))?,
        (true, false) => session.out.say(&format!("✓ Signed out of {name} (removed from {places})"))?,
        (false, true) => {}
        (false, false) => session.out.say(&format!("The token of {name} was removed from {places}"))?,
    }
    forgotten.notices.iter().try_for_each(|notice| session.out.warn(notice))
}

pub fn whoami(session: &mut Session) -> Result<()> {
    let env = session.environment()?;
    let secret = session.token(&env)?;
    let http = session.http(&env, Some(secret), Effort::Write)?;
    let account = verify(&http)?;
    session.answer(
        || match &account {
            Some(account) => object([
                ("user_id", text(&account.user_id)),
                ("email", optional(&account.email)),
                ("role", optional(&account.role)),
                ("environment", text(env.name.to_string())),
            ]),
            None => object([("user_id", Value::Null), ("environment", text(env.name.to_string()))]),
        },
        |out| match &account {
            Some(account) => {
                let email = account.email.as_ref().map_or_else(String::new, |email| format!(" <{email}>"));
                out.line(&format!("{}{email} on {}", account.user_id, env.api_url))
            }
            None => out.line(&format!("signed in on {}, which does not tell names", env.api_url)),
        },
    )
}

pub fn status(session: &mut Session) -> Result<()> {
    let env = session.environment()?;
    let paths = session.paths()?;
    let status = session.with_vault(&paths, |vault| vault.status(&env))?;
    session.answer(
        || {
            object([
                ("environment", text(env.name.to_string())),
                ("api_url", text(&env.api_url)),
                ("signed_in", Value::Bool(status.place.is_some())),
                ("store", status.place.as_ref().map_or(Value::Null, |place| text(place.code()))),
                ("stored_in", status.place.as_ref().map_or(Value::Null, |place| text(place.to_string()))),
                ("protects", status.place.as_ref().map_or(Value::Null, |place| text(place.protects()))),
                ("bound_to", optional(&status.origin)),
                ("elsewhere", Value::Bool(status.elsewhere)),
                ("why", text(&status.why)),
            ])
        },
        |out| {
            out.line(&format!("Environment: {} ({})", env.name, env.api_url))?;
            let Some(place) = &status.place else {
                out.line("Stored in: nowhere")?;
                out.line(&format!("Reason: {}", status.why))?;
                return out.line("Sign in: anyt auth login");
            };
            out.line(&format!("Stored in: {place}"))?;
            out.line(&format!("Reason: {}", status.why))?;
            out.line(&format!("Protection: {}", place.protects()))?;
            if status.elsewhere {
                let origin = status.origin.as_deref().unwrap_or("another server");
                out.line(&format!("It was stored for {origin} and is not sent to {}", env.origin))?;
            }
            Ok(())
        },
    )
}
