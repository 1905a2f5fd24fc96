//! A server that asked to be left alone (`Retry-After`) is left alone by the next commands too, also by cron's.

use super::context::EnvContext;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::sync::NEXT_ALLOWED;
use crate::time::Timestamp;
use std::time::Duration;

/// A clock that was set back must not shut the door for days.
const LONGEST: Duration = Duration::from_secs(86_400);

/// `Error::Wait` until the time has come.
pub fn wait_allowed(ctx: &EnvContext) -> Result<()> {
    let until = ctx.store.metadata(NEXT_ALLOWED)?.and_then(|text| Timestamp::parse(&text));
    let now = Timestamp::now();
    match until {
        Some(until) if until > now && until < now.plus(LONGEST) => {
            let (origin, minute) = (&ctx.env.origin, until.minute());
            let message = format!("{origin} asked to wait until {minute} UTC; nothing was sent");
            Err(Error::Wait { until, message })
        }
        _ => Ok(()),
    }
}

/// Remembers what the server asked for, if that is what the error is.
pub fn remember_wait(store: &Store, error: &Error) -> Result<()> {
    match error {
        Error::Wait { until, .. } => store.set_metadata(NEXT_ALLOWED, &until.rfc3339()),
        _ => Ok(()),
    }
}

/// Sleeps until the server may be asked again, if that is what the error is about and it is before `deadline`. False: it
/// is not.
pub fn sleep_until_allowed(error: &Error, deadline: Timestamp) -> bool {
    match error {
        Error::Wait { until, .. } if *until <= deadline => {
            std::thread::sleep(Timestamp::now().age(*until));
            true
        }
        _ => false,
    }
}
