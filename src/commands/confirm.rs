//! The one question before something is destroyed. Every command of the table that `destroys` asks it; where nobody can
//! answer, it refuses and names the flag that answers in advance.

use super::Session;
use crate::cli::Id;
use crate::error::{Error, Result};
use std::io::IsTerminal;

/// Asks `question` below `lines`, unless the command's flag has answered. True when somebody was asked. `kept` is what the
/// error says: `nothing was deleted`.
///
/// # Errors
/// The answer is no, or nobody can answer.
pub fn confirm(session: &mut Session, lines: &[String], question: &str, kept: &str) -> Result<bool> {
    let flag = session.call.destroys();
    if session.call.has(flag) {
        return Ok(false);
    }
    // Only a sync reads answers from a pipe: what is piped into any other command is somebody else's data.
    let terminal = std::io::stdin().is_terminal();
    let mut answer = None;
    if (terminal || session.call.id() == Id::Sync) && session.input.can_answer(&session.out) {
        // A question is seen under --quiet too, and so is what it is about.
        lines.iter().try_for_each(|line| session.out.question(&format!("{line}\n")))?;
        answer = session.input.confirm(&mut session.out, question)?;
    }
    match answer {
        Some(true) => Ok(true),
        Some(false) if terminal => Err(Error::failure(kept)),
        _ => Err(Error::failure(format!("{kept}; there is no terminal to ask '{question}' at"))
            .hint(format!("do it without a question: --{flag}"))
            .coded("unconfirmed")),
    }
}
