//! A server that asked to be left alone (`Retry-After`) is left alone by the next commands too, also by cron's.

use super::workbench::Workbench;
use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::time::Timestamp;
use std::time::Duration;

const NEXT_ALLOWED: &str = "next_allowed_at";

/// A clock that was set back must not shut the door for days.
const LONGEST: Duration = Duration::from_secs(86_400);

/// `Error::Unreachable` until the time has come.
pub fn wait_allowed(bench: &Workbench) -> Result<()> {
    let until = bench.cache.metadata(NEXT_ALLOWED)?.and_then(|text| Timestamp::parse(&text));
    let now = Timestamp::now();
    match until {
        Some(until) if until > now && until < now.plus(LONGEST) => Err(Error::unreachable(format!(
            "{} asked to be left alone until {} UTC; nothing was sent",
            bench.env.origin,
            until.minute()
        ))),
        _ => Ok(()),
    }
}

/// Remembers what the server asked for, if that is what the error is.
pub fn remember_wait(cache: &Cache, error: &Error) -> Result<()> {
    match error {
        Error::Wait { until, .. } => cache.set_metadata(NEXT_ALLOWED, &until.rfc3339()),
        _ => Ok(()),
    }
}
