//! Why a request did not do what was asked, before it is known whether it was a read or a write that asked.

use crate::sync::remote::{RemoteError, Reply};
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// Nothing of AnyTask was reached.
    OutOfReach(String),
    Unauthorized(String),
    Forbidden(String),
    /// 404 or 410 as a problem document.
    NotFound(String),
    /// 404 or 410 to a read, on a web page.
    Page(String),
    Conflict {
        current_version: Option<i64>,
        message: String,
    },
    Refused {
        status: u16,
        message: String,
    },
    Limited {
        until: Timestamp,
        message: String,
    },
    /// A read: 5xx, or no answer.
    Unavailable(String),
    /// A write that may have been carried out.
    Lost {
        message: String,
        until: Option<Timestamp>,
    },
    TooLarge(String),
    Malformed(String),
}

impl Trouble {
    pub(super) fn message(&self) -> &str {
        match self {
            Trouble::OutOfReach(message)
            | Trouble::Unauthorized(message)
            | Trouble::Forbidden(message)
            | Trouble::NotFound(message)
            | Trouble::Page(message)
            | Trouble::Conflict { message, .. }
            | Trouble::Refused { message, .. }
            | Trouble::Limited { message, .. }
            | Trouble::Unavailable(message)
            | Trouble::Lost { message, .. }
            | Trouble::TooLarge(message)
            | Trouble::Malformed(message) => message,
        }
    }
}

impl From<Trouble> for RemoteError {
    fn from(trouble: Trouble) -> RemoteError {
        match trouble {
            Trouble::OutOfReach(message) => RemoteError::OutOfReach(message),
            Trouble::Unauthorized(message) => RemoteError::Unauthorized(message),
            Trouble::Forbidden(message) => RemoteError::Forbidden(message),
            Trouble::NotFound(message) => RemoteError::NotFound(message),
            Trouble::Page(message) => RemoteError::Page(message),
            Trouble::Conflict { message, .. } => RemoteError::Refused { status: 409, message },
            Trouble::Refused { status, message } => RemoteError::Refused { status, message },
            Trouble::Limited { until, message } => RemoteError::Limited { until, message },
            Trouble::Unavailable(message) | Trouble::Lost { message, .. } => RemoteError::Unavailable(message),
            Trouble::TooLarge(message) => RemoteError::TooLarge(message),
            Trouble::Malformed(message) => RemoteError::Malformed(message),
        }
    }
}

impl From<Trouble> for Reply {
    fn from(trouble: Trouble) -> Reply {
        match trouble {
            Trouble::OutOfReach(message) => Reply::OutOfReach(message),
            Trouble::Unauthorized(message) => Reply::Unauthorized(message),
            Trouble::Forbidden(message) => Reply::Forbidden(message),
            Trouble::NotFound(message) => Reply::Gone(message),
            Trouble::Conflict { current_version, message } => Reply::Conflict { current_version, message },
            Trouble::Refused { status, message } => Reply::Refused { status, message },
            Trouble::Limited { until, message } => Reply::Limited { until, message },
            Trouble::Lost { message, until } => Reply::Lost { message, until },
            Trouble::Page(message)
            | Trouble::Unavailable(message)
            | Trouble::TooLarge(message)
            | Trouble::Malformed(message) => Reply::Lost { message, until: None },
        }
    }
}
