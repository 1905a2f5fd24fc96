//! The one error type of the program. Each variant knows its exit code (docs/reference.md "Exit codes") and
//! the line of advice that goes with it; `main` prints both once. Nothing below `main` prints errors.

use crate::time::Timestamp;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Error {
    /// The command line was wrong: exit 2.
    Usage { message: String, hint: Option<String> },
    /// Anything that has no exit code of its own: 1. `code` is the word of `--json`.
    Failure { message: String, hint: Option<String>, code: &'static str },
    /// A file could not be read or written: exit 1.
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    /// Conflicts wait for a person: exit 3. None: a write that was not to be queued met one, and was dropped.
    Conflicts { waiting: usize },
    /// No credential, or one the server does not accept or that is not allowed to do this: exit 4.
    SignIn { message: String, hint: Option<String> },
    /// The server could not be reached: exit 5.
    Unreachable { message: String, hint: Option<String> },
    /// The server asked us to come back later (`Retry-After`): exit 5, and the next run keeps to it.
    Wait { until: Timestamp, message: String },
    /// The server refused operations, and others wait for them; all stay queued: exit 6.
    Refused { refused: usize, held: usize },
    /// Rows of the server could not be read and were left out: exit 6.
    Unreadable { rows: usize },
    /// A condition (`--if-match`) did not hold; nothing was changed and nothing stays queued: exit 7.
    Condition { message: String },
    /// Another anyt holds the environment's lock: exit 75.
    Busy { pid: Option<u32>, age: Option<Duration> },
    /// SIGINT, or `q` at a prompt: exit 130. `kept` says what became of what was asked for, and what to type next;
    /// `None`: nothing was changed.
    Interrupted { kept: Option<String> },
    /// The reader of our output went away (`anyt task list | head`): a quiet exit 0.
    ClosedPipe,
    /// An error with words before its message: what it is about, where that is one of several.
    Of { subject: String, error: Box<Error> },
}

impl Error {
    pub fn usage(message: impl Into<String>) -> Error {
        Error::Usage { message: message.into(), hint: None }
    }

    pub fn failure(message: impl Into<String>) -> Error {
        Error::Failure { message: message.into(), hint: None, code: "failure" }
    }

    /// What was named does not exist here.
    pub fn not_found(message: impl Into<String>) -> Error {
        Error::failure(message).coded("not_found")
    }

    /// A failure with another word for `--json`.
    pub fn coded(self, code: &'static str) -> Error {
        match self {
            Error::Failure { message, hint, .. } => Error::Failure { message, hint, code },
            other => other,
        }
    }

    pub fn sign_in(message: impl Into<String>) -> Error {
        Error::SignIn { message: message.into(), hint: Some("run: anyt auth login".into()) }
    }

    /// The same where the credential came from a variable, which a login would not change.
    pub fn of_variable(self, name: &str) -> Error {
        match self {
            Error::SignIn { message, hint: Some(hint) } if hint.contains("anyt auth login") => {
                // A 403 asks first whether it is the right account.
                let asks = hint.split_once("another one: ").map_or("", |(asks, _)| asks);
                let hint =
                    format!("{asks}the credential came from {name}: correct it, or unset it and run: anyt auth login");
                Error::SignIn { message, hint: Some(hint) }
            }
            other => other,
        }
    }

    pub fn unreachable(message: impl Into<String>) -> Error {
        Error::Unreachable { message: message.into(), hint: None }
    }

    pub fn interrupted() -> Error {
        Error::Interrupted { kept: None }
    }

    /// `doing` is a verb phrase: "read", "write", "create the folder".
    pub fn io(doing: &'static str, path: &Path, source: std::io::Error) -> Error {
        Error::Io { doing, path: path.to_path_buf(), source }
    }

    /// The same error with a line of advice: what to type next.
    pub fn hint(self, advice: impl Into<String>) -> Error {
        let advice = Some(advice.into());
        match self {
            Error::Usage { message, .. } => Error::Usage { message, hint: advice },
            Error::Failure { message, code, .. } => Error::Failure { message, hint: advice, code },
            Error::SignIn { message, .. } => Error::SignIn { message, hint: advice },
            Error::Unreachable { message, .. } => Error::Unreachable { message, hint: advice },
            other => other,
        }
    }

    /// The same error with more advice behind its own. What the new one says again, or says more of, is said once.
    pub fn add_hint(self, more: &str) -> Error {
        let own = self.advice().unwrap_or_default();
        let is_new = |clause: &&str| !more.split("; ").any(|said| said.starts_with(clause));
        let clauses = own.split("; ").filter(is_new).chain([more]);
        self.hint(clauses.collect::<Vec<_>>().join("; "))
    }

    /// An interruption says what was kept, unless it does so already; every other error stays as it is.
    pub fn if_interrupted(self, kept: impl Into<String>) -> Error {
        match self {
            Error::Interrupted { kept: None } => Error::Interrupted { kept: Some(kept.into()) },
            other => other,
        }
    }

    /// The same error with words before its message.
    pub fn of(self, subject: &str) -> Error {
        Error::Of { subject: subject.into(), error: Box::new(self) }
    }

    /// Several as one: all messages, and the first advice. One alone stays as it is.
    pub fn all(mut errors: Vec<Error>) -> Option<Error> {
        if errors.len() < 2 {
            return errors.pop();
        }
        let message = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Some(Error::Failure { message, hint: errors.iter().find_map(Error::advice), code: errors[0].code() })
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage { .. } => 2,
            Error::Failure { .. } | Error::Io { .. } => 1,
            Error::Conflicts { .. } => 3,
            Error::SignIn { .. } => 4,
            Error::Unreachable { .. } | Error::Wait { .. } => 5,
            Error::Refused { .. } | Error::Unreadable { .. } => 6,
            Error::Condition { .. } => 7,
            Error::Busy { .. } => 75,
            Error::Interrupted { .. } => 130,
            Error::ClosedPipe => 0,
            Error::Of { error, .. } => error.exit_code(),
        }
    }

    /// A stable word for `--json` answers.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Usage { .. } => "usage",
            Error::Failure { code, .. } => code,
            Error::Io { .. } => "io",
            Error::Conflicts { .. } => "conflicts",
            Error::SignIn { .. } => "sign_in",
            Error::Unreachable { .. } => "unreachable",
            Error::Wait { .. } => "wait",
            Error::Refused { .. } => "refused",
            Error::Unreadable { .. } => "unreadable",
            Error::Condition { .. } => "condition",
            Error::Busy { .. } => "busy",
            Error::Interrupted { .. } => "interrupted",
            Error::ClosedPipe => "closed_pipe",
            Error::Of { error, .. } => error.code(),
        }
    }

    /// The advice that follows the message in parentheses, if there is any.
    pub fn advice(&self) -> Option<String> {
        match self {
            Error::Usage { hint, .. }
            | Error::Failure { hint, .. }
            | Error::SignIn { hint, .. }
            | Error::Unreachable { hint, .. } => hint.clone(),
            Error::Of { error, .. } => error.advice(),
            Error::Conflicts { waiting: 0 } => Some("fetch what the other side changed: anyt sync".into()),
            Error::Conflicts { .. } => Some("see them: anyt sync conflicts; settle them: anyt sync resolve".into()),
            Error::Refused { .. } => Some("see them: anyt sync queue".into()),
            Error::Wait { .. } => Some("what waits is kept; send it then: anyt sync".into()),
            Error::Condition { .. } => Some("nothing of it was changed, and nothing of it is queued".into()),
            Error::Interrupted { kept } => Some(kept.clone().unwrap_or_else(|| "nothing was changed".into())),
            Error::Busy { .. } => Some("try again, or wait for it: anyt sync --wait 60".into()),
            Error::Io { doing: "create the folder", .. } => {
                Some("nothing was changed; name other folders: XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME".into())
            }
            Error::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull => Some("nothing was changed; make room and run it again".into()),
                std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                    Some("nothing was changed".into())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    /// One line, without the advice. Text that came from a server is sanitised by the printer, not here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage { message, .. }
            | Error::Failure { message, .. }
            | Error::SignIn { message, .. }
            | Error::Unreachable { message, .. }
            | Error::Condition { message }
            | Error::Wait { message, .. } => f.write_str(message),
            Error::Io { doing, path, source } => write!(f, "cannot {doing} {}: {source}", path.display()),
            Error::Conflicts { waiting: 0 } => f.write_str("both sides changed it; nothing was changed"),
            Error::Unreadable { rows: 1 } => f.write_str("1 row of the server could not be read and was left out"),
            Error::Unreadable { rows } => write!(f, "{rows} rows of the server could not be read and were left out"),
            Error::Conflicts { waiting: 1 } => f.write_str("1 conflict is waiting for a decision"),
            Error::Conflicts { waiting } => write!(f, "{waiting} conflicts are waiting for a decision"),
            Error::Refused { refused, held } => f.write_str(&unsent(*refused, *held)),
            Error::Busy { pid, age } => {
                f.write_str("another anyt is syncing this environment")?;
                match (pid, age) {
                    (Some(pid), Some(age)) => write!(f, " (pid {pid}, for {} s)", age.as_secs()),
                    (Some(pid), None) => write!(f, " (pid {pid})"),
                    _ => Ok(()),
                }
            }
            Error::Interrupted { .. } => f.write_str("interrupted"),
            Error::ClosedPipe => f.write_str("the output was closed"),
            Error::Of { subject, error } => write!(f, "{subject}{error}"),
        }
    }
}

/// What was refused and what waits for it, in one sentence.
fn unsent(refused: usize, held: usize) -> String {
    let operations = |count| if count == 1 { "1 operation".to_string() } else { format!("{count} operations") };
    let stay = if refused + held == 1 { "it stays queued" } else { "they stay queued" };
    let wait = if held == 1 { "waits" } else { "wait" };
    match (refused, held) {
        (refused, 0) => format!("the server refused {}; {stay}", operations(refused)),
        (0, held) => format!("{} {wait} for one that was not sent; {stay}", operations(held)),
        _ => format!("the server refused {}, and {} {wait} for that; {stay}", operations(refused), operations(held)),
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hints_say_nothing_twice() {
        let next = "nothing was changed; try again: anyt login URL";
        for (own, both) in [
            (None, next),
            (Some("nothing was changed; try again"), next),
            (Some("try again"), next),
            (Some("it was left alone"), "it was left alone; nothing was changed; try again: anyt login URL"),
        ] {
            let error = own.into_iter().fold(Error::failure("no"), Error::hint);
            assert_eq!(error.add_hint(next).advice().as_deref(), Some(both));
        }
    }

    #[test]
    fn what_was_refused_and_what_waits_are_two_numbers() {
        for (refused, held, message) in [
            (1, 0, "the server refused 1 operation; it stays queued"),
            (2, 0, "the server refused 2 operations; they stay queued"),
            (1, 1, "the server refused 1 operation, and 1 operation waits for that; they stay queued"),
            (0, 2, "2 operations wait for one that was not sent; they stay queued"),
        ] {
            assert_eq!(Error::Refused { refused, held }.to_string(), message);
        }
    }
}
