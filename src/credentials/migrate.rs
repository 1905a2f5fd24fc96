//! Moves plain-text tokens out of config.json: lock → read again → store → read back → take them out of the file. A crash
//! anywhere leaves a token in two places, never in none, and the next run finishes.

use std::path::Path;

use crate::config::{self, Config, Configured};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::json::Fault;
use crate::origin::origin;
use crate::paths::EnvName;

use super::clean;
use super::store::{Kind, StoreError, Stored};
use super::vault::{Chosen, StoreChoice, Vault, marked};

/// What came of it. Nothing here is fatal: where a token stays in config.json, it is used from there.
pub struct Moved {
    /// Lines for stderr; at most one for what failed.
    pub notices: Vec<String>,
    /// A store could be read: if not, looking there again is a waste of time.
    pub store_answered: bool,
}

/// What is to be done with one environment's plain text.
enum Verdict {
    /// It is stored and was read back.
    Stored,
    /// It stays, for a reason that concerns this environment alone.
    Stays(String),
}

/// Moves all environments' tokens.
pub fn migrate(vault: &Vault<'_>) -> Moved {
    let mut moved = Moved { notices: Vec::new(), store_answered: false };
    let mut scrubbed = Vec::new();
    let rewritten = config::edit(vault.paths, |text, config| {
        failpoint::hit("migrate.locked");
        let edited = store_all(vault, text, config, &mut moved, &mut scrubbed)?;
        failpoint::hit("migrate.all_stored");
        Ok(edited)
    });
    failpoint::hit("migrate.rewritten");
    match rewritten {
        Ok(()) => {
            for configured in &scrubbed {
                moved.notices.push(format!("the token of '{}' was moved out of config.json", configured.name));
            }
            moved.notices.extend(copies(&vault.paths.config_file(), &scrubbed));
        }
        Err(error) => moved.notices.push(format!("the token stays in config.json: {error}")),
    }
    moved
}

/// Stores what can be stored, and gives the text without it; the unchanged text if a store fails.
fn store_all(
    vault: &Vault<'_>,
    text: &str,
    config: &Config,
    moved: &mut Moved,
    scrubbed: &mut Vec<Configured>,
) -> Result<String, Fault> {
    let mut edited = text.to_string();
    for configured in config.environments.iter().filter(|configured| configured.has_plaintext()) {
        match store_one(vault, configured) {
            Ok(Verdict::Stored) => {
                edited = marked(&edited, &configured.name, true)?;
                scrubbed.push(configured.clone());
            }
            Ok(Verdict::Stays(why)) => moved.notices.push(why),
            Err(error) => {
                moved.notices.push(format!("the token stays in config.json: {}", error.reason()));
                moved.store_answered = false;
                scrubbed.clear();
                return Ok(text.to_string());
            }
        }
        moved.store_answered = true;
    }
    Ok(edited)
}

fn store_one(vault: &Vault<'_>, configured: &Configured) -> Result<Verdict, StoreError> {
    let name = &configured.name;
    let (env, wanted) = match plaintext(configured) {
        Ok(plaintext) => plaintext,
        Err(error) => return Ok(Verdict::Stays(format!("the token of '{name}' stays in config.json: {error}"))),
    };
    // The file is what is read first, so that is where a token belongs that has one.
    let choice = vault.file().exists(&env).then_some(StoreChoice::File);
    let (chosen, _) = vault.choose(&env, choice)?;
    let old = chosen.store().get(&env)?;
    let one_origin = matches!(chosen, Chosen::File(_));
    if old.iter().any(|old| clashes(old, &wanted, one_origin)) {
        let why = format!(
            "'{name}' has one token in config.json and another one stored; both were kept, the stored one is used"
        );
        return Ok(Verdict::Stays(format!("{why} (end this with: anyt auth login --env {name})")));
    }
    if !wanted.iter().all(|new| old.contains(new)) {
        chosen.store().put(&env, &wanted)?;
    }
    failpoint::hit("migrate.stored");
    let fresh = match chosen {
        Chosen::Keyring(_) => vault.choose(&env, Some(StoreChoice::Keyring))?.0,
        Chosen::File(_) => Chosen::File(vault.file()),
    };
    let back = fresh.store().get(&env)?;
    if !wanted.iter().all(|new| back.contains(new)) {
        return Err(StoreError::Failed(Error::failure("what was stored did not come back")));
    }
    failpoint::hit("migrate.read_back");
    Ok(Verdict::Stored)
}

/// An environment's tokens as they are to be stored, bound to its configured address.
fn plaintext(configured: &Configured) -> Result<(EnvName, Vec<Stored>)> {
    let env = EnvName::parse(&configured.name)?;
    let origin = origin(&configured.api_url)?;
    let members = [(Kind::AgentKey, &configured.agent_key), (Kind::AuthToken, &configured.auth_token)];
    let mut wanted = Vec::new();
    for (kind, secret) in members {
        if let Some(secret) = secret {
            wanted.push(Stored { kind, secret: clean(secret.expose())?, origin: Some(origin.clone()) });
        }
    }
    Ok((env, wanted))
}

/// Whether storing `wanted` would lose what is stored: another secret of the same kind, or, in a store that has one origin
/// for all it holds, one that is bound to another.
fn clashes(old: &Stored, wanted: &[Stored], one_origin: bool) -> bool {
    match wanted.iter().find(|new| new.kind == old.kind) {
        Some(new) => new.secret != old.secret,
        None => one_origin && wanted.iter().any(|new| new.origin != old.origin),
    }
}

/// Copies of config.json beside it (editors' and people's backups) that still hold a token: named, never deleted.
fn copies(config_file: &Path, scrubbed: &[Configured]) -> Vec<String> {
    let folder = config_file.parent().unwrap_or(Path::new("."));
    let secrets: Vec<&[u8]> = scrubbed
        .iter()
        .flat_map(|configured| [&configured.auth_token, &configured.agent_key])
        .filter_map(|secret| secret.as_ref().map(|secret| secret.expose().as_bytes()))
        .collect();
    let holds = |path: &Path| {
        let small = std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() < 1 << 20);
        let content = if small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
        secrets.iter().any(|secret| content.windows(secret.len()).any(|window| window == *secret))
    };
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut held: Vec<_> = files.filter(|path| path != config_file && holds(path)).collect();
    held.sort();
    let notice = |path: std::path::PathBuf| {
        format!("{} still holds a token: remove it, and rotate the token if it was ever copied", path.display())
    };
    held.into_iter().map(notice).collect()
}
