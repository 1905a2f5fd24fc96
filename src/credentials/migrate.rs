//! Moves plain-text tokens out of config.json: lock → read again → store → read back → take them out of the file. A crash
//! anywhere leaves a token in two places, never in none, and the next run finishes.

use crate::config::{self, Config, Configured};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::origin::origin;
use crate::paths::{EnvName, Paths};
use crate::replace::if_free;

use super::store::{Kind, StoreError, Stored};
use super::vault::{Chosen, LEFT, STORED, StoreChoice, Vault, flagged, scrubbed};
use super::{Secret, clean, copies};

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
    Stored(Move),
    /// It stays, for a reason that concerns this environment alone.
    Stays(String),
}

/// A move that has only to be finished in config.json.
struct Move {
    /// As it was when it was stored.
    known: Configured,
    /// It went to the file while a keyring out of reach may have an older token.
    left: bool,
}

/// Moves all environments' tokens, unless somebody else is at it: then the plain text is used and nothing said. The lock
/// of config.json is taken only to rewrite it, for nobody else's change should wait for a keyring.
pub fn migrate(vault: &Vault<'_>) -> Moved {
    let mut moved = Moved { notices: Vec::new(), store_answered: false };
    let outcome = if_free(&vault.paths.migration_lock_file(), || {
        failpoint::hit("migrate.locked");
        let stored = store_all(vault, &Config::load(vault.paths)?, &mut moved);
        failpoint::hit("migrate.all_stored");
        let scrubbed = scrub(vault.paths, &stored)?;
        failpoint::hit("migrate.rewritten");
        Ok(scrubbed)
    });
    match outcome {
        Ok(scrubbed) => tell(vault.paths, &scrubbed.unwrap_or_default(), &mut moved.notices),
        Err(error) => moved.notices.push(format!("the token stays in config.json: {error}")),
    }
    moved
}

fn tell(paths: &Paths, scrubbed: &[Configured], notices: &mut Vec<String>) {
    let names: Vec<&str> = scrubbed.iter().map(|configured| configured.name.as_str()).collect();
    notices.extend(names.iter().map(|name| format!("the token of '{name}' was moved out of config.json")));
    let secrets: Vec<&Secret> =
        scrubbed.iter().flat_map(|known| known.auth_token.iter().chain(&known.agent_key)).collect();
    notices.extend(copies::named(&paths.config_file(), &names, &secrets));
}

/// Stores what can be stored, and says of which environments all is; none if a store fails.
fn store_all(vault: &Vault<'_>, config: &Config, moved: &mut Moved) -> Vec<Move> {
    let mut stored = Vec::new();
    for configured in config.environments.iter().filter(|configured| configured.has_plaintext()) {
        match store_one(vault, configured) {
            Ok(Verdict::Stored(done)) => stored.push(done),
            Ok(Verdict::Stays(why)) => moved.notices.push(why),
            Err(error) => {
                moved.notices.push(format!("the token stays in config.json: {}", error.reason()));
                moved.store_answered = false;
                return Vec::new();
            }
        }
        moved.store_answered = true;
    }
    stored
}

/// Takes out of config.json what is stored, and says of which environments; one that somebody has changed meanwhile keeps
/// what it has, for the next run.
fn scrub(paths: &Paths, stored: &[Move]) -> Result<Vec<Configured>> {
    let mut unchanged = Vec::new();
    config::edit(paths, |text, config| {
        let is_unchanged = |done: &&Move| config.environment(&done.known.name) == Some(&done.known);
        unchanged = stored.iter().filter(is_unchanged).collect();
        unchanged.iter().try_fold(text.to_string(), |text, done| {
            let name = &done.known.name;
            let marked = flagged(&flagged(&text, name, STORED, true)?, name, LEFT, done.left)?;
            scrubbed(&marked, name)
        })
    })?;
    Ok(unchanged.into_iter().map(|done| done.known.clone()).collect())
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
    // Asked before there is a file.
    let left = vault.in_keyring(&env, configured) && matches!(chosen, Chosen::File(_));
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
    Ok(Verdict::Stored(Move { known: configured.clone(), left }))
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
