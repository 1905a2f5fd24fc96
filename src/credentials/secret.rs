//! A token in memory: it cannot be printed by accident.

use std::fmt;

/// A user token or an agent key. Debug says `(redacted)` and there is no Display; `expose` is for the request header
/// and for the store, nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is; `credentials::clean` trims and checks what people typed.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Agent keys go into `X-API-Key`, everything else into `Authorization` (api.md 1.2). The longer prefix decides,
    /// because `anyt_agent_` also begins with `anyt_`.
    pub fn is_agent_key(&self) -> bool {
        self.0.starts_with("anyt_agent_")
    }

    /// `text` with every occurrence of this secret replaced, for error messages and `-v` lines.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_string() } else { text.replace(&self.0, "(redacted)") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}
