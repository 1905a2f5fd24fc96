//! `token create`, `token list`, `token revoke`.

use super::{change, columns};
use crate::admission;
use crate::cli::Line;
use crate::say;
use crate::store::{tokens, users};
use crate::token;
use anyt::error::{Error, Result};
use anyt::time::{Timestamp, parse_span};

/// Prints the token alone, so that it can be piped to where it is needed.
pub fn create(line: &Line) -> Result<()> {
    let user = line.argument_text()?;
    let expires = line.text("expires")?.map(end).transpose()?;
    let name = line.text("name")?.unwrap_or_default();
    let made = change(line, |connection| {
        if users::get(connection, user)?.is_none_or(|user| user.removed_at.is_some()) {
            let message = format!("there is no user {user}");
            return Err(Error::failure(message).hint(format!("run: anyt-server user add {user}")).into());
        }
        let made = token::make()?;
        let digest = admission::open(connection)?.digest(&made);
        tokens::create(connection, user, name, (token::prefix(&made), &digest), expires)?;
        Ok(made)
    })?;
    say(&format!("{made}\n"))
}

/// A date or an instant to come, or a span from now.
fn end(text: &str) -> Result<Timestamp> {
    let now = Timestamp::now();
    // A bare number would be seconds, and is more likely a mistake.
    let span = text.ends_with(|letter: char| letter.is_ascii_alphabetic()).then(|| parse_span(text)).flatten();
    let at = span.map(|span| now.plus(span)).or_else(|| Timestamp::parse(text));
    let at =
        at.ok_or_else(|| Error::usage(format!("--expires takes a date (2027-01-31) or a span (90d), not '{text}'")))?;
    if at <= now { Err(Error::usage(format!("--expires: {text} is over"))) } else { Ok(at) }
}

pub fn list(line: &Line) -> Result<()> {
    let now = Timestamp::now();
    let minute = |at: Option<Timestamp>| at.map_or(String::from("-"), Timestamp::minute);
    let word = |text: String| if text.is_empty() { String::from("-") } else { text };
    let rows = change(line, |connection| Ok(tokens::list(connection)?))?.into_iter().map(|token| {
        let state = token.state(now).to_string();
        let (created, expires) = (token.created_at.minute(), minute(token.expires_at));
        [token.id.to_string(), token.user_id, word(token.prefix), created, expires, state, word(token.name)]
    });
    say(&columns(["ID", "USER", "BEGINS WITH", "MADE", "EXPIRES", "STATE", "NAME"], rows.collect()))
}

pub fn revoke(line: &Line) -> Result<()> {
    let id = line.argument_text()?;
    let id: i64 = id.parse().map_err(|_| {
        Error::usage("token revoke takes the number of a token, not the token itself")
            .hint("see: anyt-server token list")
    })?;
    let token = change(line, |connection| Ok(tokens::revoke(connection, id)?))?;
    let token = token.ok_or_else(|| Error::failure(format!("there is no token {id}")))?;
    say(&format!("token {id} of {} is good for nothing now\n", token.user_id))
}
