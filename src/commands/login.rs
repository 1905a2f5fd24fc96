//! `anyt login`: an environment, a token, a workspace and the first sync. Each step is another command's; what was done
//! stays done, so that the same line goes on from there.

use super::Session;
use super::context::EnvContext;
use super::init::choose_workspace;
use super::places::workspace_names;
use super::session::Effort;
use super::{auth, sync, workspace};
use crate::config::{self, Config, Configured, Environment};
use crate::document::{object, text};
use crate::error::{Error, Result};
use crate::origin::{Base, Origin, is_same_server, origin};
use crate::paths::EnvName;
use crate::sync::remote::{RemoteError, to_error};
use std::io::IsTerminal;

pub fn run(session: &mut Session) -> Result<u8> {
    let url = session.call.arguments()[0].clone();
    let clear_text = session.call.has("allow-insecure-http");
    let typed = session.call.arguments().get(1).map(String::as_str).or(session.call.given("env"));
    let config = session.config()?;
    let name = name(&config, &url, typed)?;
    session.chosen = Some(name.to_string());
    // As it will be once a token is taken for it.
    let configured =
        config.environment(name.as_str()).map(|known| Configured { api_url: url.clone(), ..known.clone() });
    let is_new = configured.is_none();
    let env = Environment { name: name.clone(), api_url: url.clone(), origin: origin(&url)?, configured };
    Base::parse(&url)?.refuse_clear_text(clear_text || env.allows_clear_text())?;
    if !session.call.has("offline") {
        reach(session, &env).map_err(|error| error.hint("nothing was changed; try again, or correct the address"))?;
    }
    let paths = session.paths()?;
    if is_new {
        config::add_environment(&paths, &name, &url, clear_text)?;
    }
    let mut is_signed_in = false;
    rest(session, &env, &mut is_signed_in).map_err(|error| {
        let is_refused = matches!(error, Error::SignIn { .. } | Error::Interrupted { .. });
        // A name for which no token was taken is of no use; of other failures it is not known whether one was.
        let is_undone = !is_signed_in
            && (is_refused || matches!(error, Error::Usage { .. }))
            && (!is_new || config::remove_environment(&paths, name.as_str()).is_ok());
        let stays = match (is_undone, is_signed_in) {
            (true, _) => "nothing was changed; try again".to_string(),
            (false, true) => format!("environment {name} is there, you are signed in; go on with"),
            (false, false) => format!("environment {name} is there; go on with"),
        };
        let next = format!("{stays}: anyt login {url} {name}");
        let error = error.if_interrupted(next.clone());
        match session.variable() {
            Some(variable) if is_undone => {
                error.hint(format!("the credential came from {variable}: correct it, or unset it")).add_hint(&next)
            }
            None if is_undone && is_refused => error.hint(next),
            _ => error.add_hint(&next),
        }
    })
}

/// The typed name; else that of the environment with this address, else the host's.
fn name(config: &Config, url: &str, typed: Option<&str>) -> Result<EnvName> {
    let address = origin(url)?;
    let is_it = |known: &str| is_same_server(known, &address);
    let named = config.environments.iter().find(|known| typed.is_none() && is_it(&known.api_url));
    let host = Origin::parse(url)?.host().trim_matches(['[', ']']).replace(':', "-");
    let name = EnvName::parse(named.map(|known| known.name.as_str()).or(typed).unwrap_or(&host))?;
    match config.environment(name.as_str()).filter(|known| !is_it(&known.api_url)) {
        Some(other) => Err(Error::failure(format!("environment {name} is {} already", other.api_url))
            .hint(format!("nothing was changed; choose another name: anyt login {url} NAME"))),
        None => Ok(name),
    }
}

/// Whether AnyTask, or anything that may be it, is there.
fn reach(session: &Session, env: &Environment) -> Result<()> {
    match session.http(env, None, Effort::Write)?.health() {
        Err(error @ (RemoteError::OutOfReach(_) | RemoteError::Unavailable(_) | RemoteError::Malformed(_))) => {
            Err(to_error(error, &env.origin))
        }
        _ => Ok(()),
    }
}

/// The environment has this address, and is used from here on, once its token is taken: until then it stays as it was,
/// for its token is bound to the address that it has.
fn rest(session: &mut Session, env: &Environment, has_token: &mut bool) -> Result<u8> {
    if !is_signed_in(session, env)? {
        auth::sign_in(session, env)?;
    }
    *has_token = true;
    let clear_text = session.call.has("allow-insecure-http");
    config::add_environment(&session.paths()?, &env.name, &env.api_url, clear_text)?;
    session
        .answer(|| object([("environment", text(env.name.as_str())), ("api_url", text(&env.api_url))]), |_| Ok(()))?;
    config::switch(&session.paths()?, env.name.as_str())?;
    session.out.say(&format!("✓ Using environment {} ({})", env.name, env.api_url))?;
    if session.call.has("offline") {
        return Ok(0);
    }
    workspace_to_use(session)?;
    let code = sync::run(session)?;
    session.out.say("  Next: anyt task list; tie a directory to a workspace: anyt init")?;
    Ok(code)
}

/// Whether a token is there and the server takes it. One from a variable is not replaced by another one.
fn is_signed_in(session: &mut Session, env: &Environment) -> Result<bool> {
    let paths = session.paths()?;
    let another = ["token-file", "agent-key", "store"].iter().any(|flag| session.call.has(flag));
    let status = session.with_vault(&paths, |vault| vault.status(env))?;
    if another || status.place.is_none() || status.elsewhere || session.call.has("offline") {
        return Ok(false);
    }
    let token = session.token(env);
    let verified = token.and_then(|secret| auth::verify(&session.http(env, Some(secret), Effort::Write)?));
    let account = match verified {
        Err(Error::SignIn { .. }) if session.variable().is_none() => return Ok(false),
        verified => verified?,
    };
    let who = account.map_or_else(String::new, |account| format!(" as {}", account.user_id));
    session.out.say(&format!("✓ Signed in to {} already{who}", env.name))?;
    Ok(true)
}

/// Where there are several workspaces and none is chosen, asks for one; without anybody to ask it says how to choose.
fn workspace_to_use(session: &mut Session) -> Result<()> {
    let mut ctx = EnvContext::open(session)?;
    let known = workspace::known(session, &mut ctx)?;
    let wanted = session.call.given("workspace").map(str::to_string);
    if wanted.is_none() && (known.len() < 2 || ctx.env.default_workspace().is_some()) {
        return Ok(());
    }
    if wanted.is_none() && !(std::io::stdin().is_terminal() && session.input.can_answer(&session.out)) {
        return session
            .out
            .warn(&format!("there are workspaces {}; choose one: anyt workspace use WS", workspace_names(&known)));
    }
    let chosen = choose_workspace(session, &known, wanted.as_deref(), None)?;
    workspace::use_from_now_on(session, &ctx.env, &known, &chosen)
}
