//! Asked once, before anything else: which server and account is it, and what can it do? Whether it was put back to a
//! backup shows in the list of workspaces, with which the pull begins (`counters_fell`).

use super::Engine;
use super::observe::MAX_LAG;
use super::remote::{Capabilities, RemoteResult, to_error};
use crate::error::{Error, Result};
use crate::model::Workspace;
use crate::origin::is_same_server;
use crate::store::{ACCOUNT, SERVER};
use std::time::Duration;

/// Metadata key: what the server can do.
pub const CAPABILITIES: &str = "capabilities";

/// What a run knows before its first step.
pub(super) struct Door {
    pub(super) capabilities: Capabilities,
    pub(super) account: Option<String>,
    /// The cache is of another server or account, and nothing waits: it is made anew.
    pub(super) afresh: bool,
    /// For the end transaction.
    pub(super) metadata: Vec<(String, String)>,
}

pub(super) fn to_text(capabilities: &Capabilities) -> String {
    capabilities.to_text()
}

impl Engine<'_> {
    pub(super) fn door(&mut self) -> Result<Door> {
        let origin = self.remote().origin();
        let account = match self.account.take() {
            Some(account) => account,
            None => self.asked(|remote| remote.account())?,
        };
        let account = account.map(|account| account.user_id);
        let afresh = self.is_another(&origin, account.as_deref())?;
        let capabilities = self.capabilities(afresh)?;
        let mut metadata = vec![(SERVER.to_string(), origin)];
        metadata.extend(account.clone().map(|account| (ACCOUNT.to_string(), account)));
        Ok(Door { capabilities, account, afresh, metadata })
    }

    /// What is known of the server by now. It has answered, be it to the command that starts the run.
    pub(super) fn capabilities(&self, afresh: bool) -> Result<Capabilities> {
        let kept = if afresh { None } else { self.store.metadata(CAPABILITIES)? };
        let remembered = kept.map(|text| Capabilities::parse(&text)).unwrap_or_default();
        Ok(known(self.remote().declared(), remembered))
    }

    /// Whether the cache is of another server or account.
    ///
    /// # Errors
    /// Where something is queued that is meant for it, or where this run does not fill the cache.
    fn is_another(&self, origin: &str, account: Option<&str>) -> Result<bool> {
        let (known_origin, known_account) = (self.store.metadata(SERVER)?, self.store.metadata(ACCOUNT)?);
        let other_server = known_origin.as_deref().is_some_and(|known| !is_same_server(known, origin));
        let other_account = known_account.as_deref().zip(account).is_some_and(|(known, account)| known != account);
        if !other_server && !other_account {
            return Ok(false);
        }
        let waiting = self.store.count_waiting()?;
        if waiting > 0 {
            return Err(other_identity(waiting, known_origin.as_deref(), known_account.as_deref(), origin, account));
        }
        if !self.options.mode.pulls() || self.options.dry_run {
            return Err(Error::failure("the cache was filled from another server or account").hint("run: anyt sync"));
        }
        Ok(true)
    }

    /// A read whose failure ends the run.
    pub(super) fn asked<T>(&self, read: impl FnOnce(&dyn super::remote::Remote) -> RemoteResult<T>) -> Result<T> {
        read(self.remote()).map_err(|error| to_error(error, &self.remote().origin()))
    }
}

/// What a server can do: as it declares; else as was learned of it. One that declared something once and now does
/// not is another program at the same place: nothing that it declared is believed.
fn known(declared: Option<Capabilities>, remembered: Capabilities) -> Capabilities {
    match declared {
        Some(declared) => {
            let max_page = if declared.max_page > 0 { declared.max_page } else { remembered.max_page };
            Capabilities { max_page, ..declared }
        }
        None if remembered.is_declared() => Capabilities::default(),
        None => remembered,
    }
}

/// A workspace counts its rows up and never down: a lower number is of a backup, or of a replica that is behind what was
/// read a moment ago. Then the higher one stays, and the next pull asks again. `known_for`: how long ago that was, on a
/// server whose reads may be older.
pub(super) fn counters_fell(known: &[Workspace], now: &mut [Workspace], known_for: Option<Duration>) -> bool {
    let may_lag = known_for.is_some_and(|ago| ago <= MAX_LAG);
    let mut fell = false;
    for workspace in now {
        let Some(before) = known.iter().find(|known| known.id == workspace.id) else { continue };
        if workspace.task_counter.is_some() && workspace.task_counter < before.task_counter {
            fell |= !may_lag;
            workspace.task_counter = if may_lag { before.task_counter } else { workspace.task_counter };
        }
    }
    fell
}

fn other_identity(
    waiting: usize,
    known_origin: Option<&str>,
    known_account: Option<&str>,
    origin: &str,
    account: Option<&str>,
) -> Error {
    let who = |origin: &str, account: Option<&str>| match account {
        Some(account) => format!("{origin} as {account}"),
        None => origin.to_string(),
    };
    let before = who(known_origin.unwrap_or("another server"), known_account);
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
    fn a_lower_count_is_of_a_backup_unless_it_may_be_of_a_replica() {
        let with = |counter| Workspace {
            id: 1,
            identifier: "DEV".into(),
            name: "Dev".into(),
            description: None,
            task_counter: counter,
            state: None,
            created_at: String::new(),
            updated_at: String::new(),
        };
        let (now, long_ago) = (Some(Duration::from_secs(1)), Some(MAX_LAG * 2));
        for (counter, known_for, fell, kept) in [
            (Some(6), None, false, Some(6)),
            (Some(4), None, true, Some(4)),
            (Some(4), long_ago, true, Some(4)),
            (Some(4), now, false, Some(5)),
            (None, None, false, None),
        ] {
            let mut listed = [with(counter)];
            assert_eq!(counters_fell(&[with(Some(5))], &mut listed, known_for), fell, "{counter:?} {known_for:?}");
            assert_eq!(listed[0].task_counter, kept);
        }
    }

    #[test]
    fn what_is_declared_outranks_what_is_remembered() {
        let all =
            Capabilities { keys: Some(Duration::from_secs(60)), if_match: true, sorted: true, ..Default::default() };
        let learned = Capabilities { sorted: true, max_page: 50, ..Default::default() };
        let with_page = Capabilities { max_page: 50, ..all.clone() };
        assert_eq!(known(Some(all.clone()), learned.clone()), with_page);
        assert_eq!(known(None, learned.clone()), learned);
        assert_eq!(known(None, all), Capabilities::default());
    }

    #[test]
    fn capabilities_survive_being_written_down() {
        let all = Capabilities {
            keys: Some(Duration::from_secs(60)),
            if_match: true,
            tombstones: true,
            updated_after: true,
            sorted: true,
            consistent: true,
            max_page: 7,
        };
        for capabilities in [all, Capabilities::default(), Capabilities { sorted: true, ..Default::default() }] {
            assert_eq!(Capabilities::parse(&capabilities.to_text()), capabilities);
        }
    }
}
