//! Text that a command takes from its arguments, a file or standard input.

use super::Session;
use crate::error::{Error, Result};
use crate::pipe::{self, Patience};
use std::time::Duration;

/// Longer text is refused here rather than by a server: it was read from the wrong file.
pub const LONGEST_TEXT: usize = 1024 * 1024;

/// How long the program that writes the text may say nothing.
pub const SILENCE: Duration = Duration::from_secs(300);

/// The text of a file; `-` is standard input.
pub fn file_text(session: &Session, path: &str) -> Result<String> {
    if path == "-" {
        return typed_text(session, path);
    }
    let patience = Patience { for_a_writer: SILENCE, for_all: SILENCE };
    plain(pipe::read(path.as_ref(), LONGEST_TEXT, patience)?, path)
}

/// Text as editors and other systems write it, as we have it: without a byte order mark, and with plain line ends.
fn plain(content: Vec<u8>, source: &str) -> Result<String> {
    let content = String::from_utf8(content).map_err(|_| Error::failure(format!("{source} is not UTF-8")))?;
    let text = content.strip_prefix('\u{feff}').unwrap_or(&content).replace("\r\n", "\n");
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_string())
}

/// `-` is standard input, as the published clients have it for a plan. The text is kept if the command fails.
pub fn typed_text(session: &Session, given: &str) -> Result<String> {
    if given != "-" {
        return Ok(given.to_string());
    }
    let text = plain(pipe::stdin(LONGEST_TEXT, SILENCE)?, "the text on standard input")?;
    *session.piped.borrow_mut() = Some(text.clone());
    Ok(text)
}
