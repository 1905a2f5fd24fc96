//! A pager for what does not fit on the terminal: `ANYT_PAGER`, `PAGER`, else less where there is one.

use crate::ui::{interrupt, launch};
use std::process::Stdio;

/// Shows the text. False where there is no pager, or it did not start: then nothing was shown.
pub(super) fn show(text: &str) -> bool {
    let chosen = ["ANYT_PAGER", "PAGER"].into_iter().find_map(|name| std::env::var(name).ok());
    let Some(command) = chosen.or_else(|| is_there("less").then(|| "less".into())) else { return false };
    if ["", "cat"].contains(&command.trim()) {
        return false;
    }
    let mut pager = launch::with_shell(&command);
    if std::env::var_os("LESS").is_none() {
        // Leave when it fits after all, show colours, leave the text on screen.
        pager.env("LESS", "FRX");
    }
    let ran = interrupt::run_fed(pager.stdin(Stdio::piped()), Some(text.to_string()));
    interrupt::obey();
    // 126 and 127 are a shell's words for a command that it could not start.
    ran.is_ok_and(|status| status.is_none_or(|status| !matches!(status.code(), Some(126 | 127))))
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
