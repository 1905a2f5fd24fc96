//! `anyt env`: named servers.

use super::Session;
use super::confirm::confirm;
use super::context::files;
use super::reporter::plural;
use crate::config::{self, Configured};
use crate::document::{list as list_of, object, optional, text};
use crate::error::Result;
use crate::origin::{Base, is_same_server};
use crate::paths::{EnvName, Paths};
use crate::store::Store;
use crate::ui::{Column, Table};
use miniserde::json::Value;

pub fn list(session: &mut Session) -> Result<()> {
    let config = session.config()?;
    let current = config.current_environment.clone();
    let is_current = |env: &Configured| current.as_deref() == Some(env.name.as_str());
    session.item(|| to_json(&Configured::default(), false));
    session.answer(
        || list_of(config.environments.iter().map(|env| to_json(env, is_current(env))).collect()),
        |out| {
            if config.environments.is_empty() {
                return out.say("No environments yet. Sign in to a server: anyt login URL");
            }
            let mut table = Table::new([Column::left(""), Column::left("NAME"), Column::left("URL")]);
            for env in &config.environments {
                table.row([if is_current(env) { "*" } else { "" }, &env.name, &env.api_url]);
            }
            table.print(out)
        },
    )
}

fn to_json(env: &Configured, current: bool) -> Value {
    object([
        ("name", text(&env.name)),
        ("api_url", text(&env.api_url)),
        ("current", Value::Bool(current)),
        ("default_workspace", optional(&env.default_workspace)),
    ])
}

pub fn add(session: &mut Session) -> Result<()> {
    let [name, url] = session.call.arguments() else { unreachable!("the table asks for two arguments") };
    let name = EnvName::parse(name)?;
    let clear_text = session.call.has("allow-insecure-http");
    Base::parse(url)?.refuse_clear_text(clear_text)?;
    let paths = session.paths()?;
    let before = session.config()?.environment(name.as_str()).map(|env| env.api_url.clone()).filter(|was| was != url);
    if let Some(was) = &before {
        let waiting = waiting(&paths, &name)?;
        if waiting > 0 {
            let what = plural(waiting, "change");
            let line = format!("{waiting} queued {what} for {was} will not be sent to {url}");
            confirm(session, &[line], &format!("Point {name} to {url}?"), &format!("{name} is still {was}"))?;
        }
    }
    config::add_environment(&paths, &name, url, clear_text)?;
    if session.call.has("active") {
        config::switch(&paths, name.as_str())?;
    }
    match before {
        None => session.out.say(&format!("✓ Added environment {name} ({url})")),
        Some(was) => session.out.warn(&format!("environment {name} was {was} before; it is {url} now")),
    }
}

/// Operations of an environment that were not sent yet.
fn waiting(paths: &Paths, name: &EnvName) -> Result<usize> {
    if paths.cache_db(name).exists() { Ok(Store::open(&files(paths, name))?.count_waiting()?) } else { Ok(0) }
}

pub fn switch(session: &mut Session) -> Result<()> {
    let name = &session.call.arguments()[0];
    config::switch(&session.paths()?, name)?;
    session.out.say(&format!("✓ Using environment {name}"))?;
    // Where a directory is tied to another server, that one counts.
    let tied = session.directory().ok().flatten().and_then(|(_, settings)| settings.api_url);
    let is_it = |url: &String| {
        session.config().is_ok_and(|c| c.environment(name).is_some_and(|env| is_same_server(&env.api_url, url)))
    };
    match tied.filter(|url| !is_it(url)) {
        Some(url) => {
            session.out.warn(&format!("this directory is tied to {url}: here it is not used without --env {name}"))
        }
        None => Ok(()),
    }
}

pub fn show(session: &mut Session) -> Result<()> {
    let config = session.config()?;
    let env = match session.call.arguments() {
        [name, ..] => config.environment(name).cloned().ok_or_else(|| config::unknown(&config, name))?,
        [] => {
            let env = session.environment()?;
            env.configured.clone().unwrap_or(Configured {
                name: env.name.to_string(),
                api_url: env.api_url.clone(),
                ..Configured::default()
            })
        }
    };
    let current = config.current_environment.as_deref() == Some(env.name.as_str());
    session.answer(
        || to_json(&env, current),
        |out| {
            out.line(&format!("Environment: {}{}", env.name, if current { " (in use)" } else { "" }))?;
            out.line(&format!("URL: {}", env.api_url))?;
            out.line(&format!("Workspace: {}", env.default_workspace.as_deref().unwrap_or("-")))
        },
    )
}

/// Removes the name and its token; the store stays, and queued work would be sent again if it were added
/// again. A token that cannot be removed keeps the name, by which it can still be found.
pub fn remove(session: &mut Session) -> Result<()> {
    let typed = &session.call.arguments()[0];
    let config = session.config()?;
    if config.environment(typed).is_none() {
        return Err(config::unknown(&config, typed));
    }
    let paths = session.paths()?;
    let waiting = EnvName::parse(typed).map_or(Ok(0), |name| waiting(&paths, &name))?;
    let line = (waiting > 0).then(|| format!("{waiting} queued {} will not be sent", plural(waiting, "change")));
    let lines: Vec<String> = line.into_iter().collect();
    confirm(
        session,
        &lines,
        &format!("Remove environment {typed} and its token?"),
        &format!("{typed} was not removed"),
    )?;
    if let Ok(name) = EnvName::parse(typed) {
        session.with_vault(&paths, |vault| vault.forget(&name).failure().map_or(Ok(()), Err))?;
    }
    config::remove_environment(&paths, typed)?;
    session.out.say(&format!("✓ Removed environment {typed}"))?;
    let Ok(name) = EnvName::parse(typed) else { return Ok(()) };
    let folders = [paths.cache_dir(&name), paths.state_dir(&name)].into_iter().filter(|folder| folder.exists());
    let folders: Vec<String> = folders.map(|folder| folder.display().to_string()).collect();
    if folders.is_empty() {
        return Ok(());
    }
    session.out.say(&format!("  What was fetched and queued stays in {}", folders.join(" and ")))
}
