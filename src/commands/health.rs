//! `anyt health`: is the server there, and well.

use super::Session;
use super::session::Effort;
use crate::document::{object, optional, text};
use crate::error::Result;
use crate::sync::remote::to_error;

pub fn run(session: &mut Session) -> Result<()> {
    let env = session.environment()?;
    let http = session.http(&env, None, Effort::Write)?;
    let health = http.health().map_err(|e| to_error(e, &env.origin))?;
    session.answer(
        || {
            object([
                ("status", text(&health.status)),
                ("timestamp", optional(&health.timestamp)),
                ("version", optional(&health.version)),
                ("database", optional(&health.database)),
                ("api_url", text(&env.api_url)),
            ])
        },
        |out| {
            let details = [("version", &health.version), ("database", &health.database)];
            let details: Vec<String> =
                details.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect();
            let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
            out.line(&format!("{} is {}{details}", env.api_url, health.status))
        },
    )
}
