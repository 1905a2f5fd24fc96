//! The beginning of a run: which server and account, and what the server can do. Asked once.

use super::Engine;
use super::remote::{Capabilities, to_error};
use crate::document::{self, as_integer, integer, member, object};
use crate::error::{Error, Result};
use crate::store::{ACCOUNT, SERVER};
use miniserde::json::{self, Value};
use std::time::Duration;

/// Metadata key: what the server can do, as it was learned or declared.
pub(super) const CAPABILITIES: &str = "capabilities";

pub(super) struct Door {
    pub capabilities: Capabilities,
    /// Whose credential it is.
    pub account: Option<String>,
    /// The cache was filled from another server or account: its rows are forgotten.
    pub afresh: bool,
    pub metadata: Vec<(String, String)>,
}

impl Engine<'_> {
    /// The cache remembers which server and account filled it. Another one behind the same environment gets a cache of
    /// its own, made with the run's end, but never the operations that were meant for the first.
    pub(super) fn door(&mut self) -> Result<Door> {
        let origin = self.remote().origin();
        let account = match self.account.take() {
            Some(account) => account,
            None => self.remote().account().map_err(|e| to_error(e, &origin))?,
        };
        let account = account.map(|account| account.user_id);
        let known_origin = self.store.metadata(SERVER)?;
        let known_account = self.store.metadata(ACCOUNT)?;
        let other_server = known_origin.as_ref().is_some_and(|known| *known != origin);
        let other_account = known_account.is_some() && account.is_some() && known_account != account;
        let afresh = other_server || other_account;
        if afresh {
            let waiting = self.store.count_waiting()?;
            if waiting > 0 {
                return Err(other_identity(waiting, known_origin, known_account, &origin, account.as_deref()));
            }
            if !self.options.mode.pulls() || self.options.dry_run {
                return Err(
                    Error::failure("the cache was filled from another server or account").hint("run: anyt sync")
                );
            }
        }
        let mut metadata = vec![(SERVER.to_string(), origin)];
        metadata.extend(account.clone().map(|account| (ACCOUNT.to_string(), account)));
        let capabilities = self.capabilities(afresh)?;
        Ok(Door { capabilities, account, afresh, metadata })
    }

    /// Declared by this server's answers; else what was learned of it. What was declared once and is not any more does
    /// not hold: another program may answer now.
    pub(super) fn capabilities(&self, afresh: bool) -> Result<Capabilities> {
        if let Some(declared) = self.remote().declared() {
            return Ok(declared);
        }
        let kept = if afresh { None } else { self.store.metadata(CAPABILITIES)? };
        let learned = kept.map(|text| from_text(&text)).unwrap_or_default();
        let Capabilities { sorted, updated_after, max_page, .. } = learned;
        Ok(Capabilities { sorted, updated_after, max_page, ..Capabilities::default() })
    }
}

pub(super) fn to_text(caps: &Capabilities) -> String {
    json::to_string(&object([
        ("keys", caps.keys.map_or(Value::Null, |life| integer(life.as_secs() as i64))),
        ("if_match", Value::Bool(caps.if_match)),
        ("tombstones", Value::Bool(caps.tombstones)),
        ("updated_after", Value::Bool(caps.updated_after)),
        ("sorted", Value::Bool(caps.sorted)),
        ("consistent", Value::Bool(caps.consistent)),
        ("max_page", integer(i64::from(caps.max_page))),
    ]))
}

fn from_text(text: &str) -> Capabilities {
    let value = document::parse(text);
    let is = |name| matches!(member(&value, name), Some(Value::Bool(true)));
    Capabilities {
        keys: as_integer(member(&value, "keys")).map(|seconds| Duration::from_secs(seconds.max(0) as u64)),
        if_match: is("if_match"),
        tombstones: is("tombstones"),
        updated_after: is("updated_after"),
        sorted: is("sorted"),
        consistent: is("consistent"),
        max_page: as_integer(member(&value, "max_page")).and_then(|rows| u32::try_from(rows).ok()).unwrap_or(0),
    }
}

fn other_identity(
    waiting: usize,
    known_origin: Option<String>,
    known_account: Option<String>,
    origin: &str,
    account: Option<&str>,
) -> Error {
    let who = |origin: &str, account: Option<&str>| match account {
        Some(account) => format!("{origin} as {account}"),
        None => origin.to_string(),
    };
    let before = who(known_origin.as_deref().unwrap_or("another server"), known_account.as_deref());
    Error::failure(format!(
        "{waiting} queued operation{} meant for {before}, but this environment is now {}; nothing was sent",
        if waiting == 1 { " was" } else { "s were" },
        who(origin, account)
    ))
    .hint("go back to that server or account, or set the queue aside: anyt sync queue drop --all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_come_back_as_they_were_kept() {
        let caps = Capabilities {
            keys: Some(Duration::from_secs(60)),
            if_match: true,
            max_page: 50,
            ..Capabilities::default()
        };
        assert_eq!(from_text(&to_text(&caps)), caps);
    }
}
