//! What the end of a try means, be it an answer, a redirect or nothing at all: sorted by what may be done next.

use super::{Call, Transport};
use crate::api::answer::{Answer, Fault, Kind};
use crate::api::backoff::Again;
use crate::api::trouble::Trouble;
use crate::api::{problem, proxy};
use crate::origin::Origin;
use crate::time::Timestamp;
use std::time::Duration;

/// How long to leave a server alone that answers 429 without a `Retry-After`, once the patience is over.
const PAUSE: Duration = Duration::from_secs(60);

/// A failed try: what to report, and whether another one is safe.
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    pub(super) again: Again,
}

impl Transport {
    /// A try that brought no answer.
    pub(super) fn failed(&self, call: &Call, fault: Fault) -> Failure {
        let origin = &self.base.origin;
        let through = self.proxy.as_deref().map(proxy::authority);
        let through = through.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
        let said = if fault.sent { format!("{origin}: ") } else { format!("cannot reach {origin}{through}: ") };
        let message = problem::one_line(&self.scrub(&(said + &fault.message)));
        let again = if fault.permanent { Again::Never } else { Again::Backoff };
        let trouble = match (fault.sent, call.is_read()) {
            (false, _) => Trouble::OutOfReach(message),
            (true, false) => return self.lost(call, message, None),
            (true, true) => match fault.kind {
                Kind::Garbled => Trouble::Malformed(message),
                Kind::TooLong => Trouble::TooLarge(message),
                Kind::Silence | Kind::HungUp => Trouble::Unavailable(message),
            },
        };
        Failure { trouble, again }
    }

    /// A write of which nobody here knows whether it was done. `pause` is what the server asked for.
    fn lost(&self, call: &Call, message: String, pause: Option<Duration>) -> Failure {
        let harmless = call.key.is_some() && self.honours_keys.get();
        let again = if harmless { pause.map_or(Again::Backoff, Again::After) } else { Again::Never };
        let until = pause.map(|pause| Timestamp::now().plus(pause));
        Failure { trouble: Trouble::Lost { message, until }, again }
    }

    /// An answer other than a redirect (docs/sync.md "reply"). `redirected`: it is of another place of the same server.
    pub(super) fn judge(&self, call: &Call, answer: Answer, redirected: bool) -> Result<Answer, Failure> {
        let status = answer.status;
        let message = || problem::message(status, &answer.body, &|text| self.scrub(text));
        let failed = || format!("{} answered: {}", self.base.origin, message());
        let never = |trouble| Failure { trouble, again: Again::Never };
        let is_page = problem::is_page(&answer.body);
        Err(match status {
            // Somebody on the way wants a person to sign in. Of a write nobody knows whether it went on before that.
            200..300 if is_page && call.is_read() => never(Trouble::OutOfReach(self.sign_in_page())),
            200..300 if is_page && redirected => never(Trouble::OutOfReach(self.sign_in_page())),
            200..300 => return Ok(answer),
            401 => never(Trouble::Unauthorized(message())),
            403 => never(Trouble::Forbidden(message())),
            404 | 410 if is_page && call.is_read() => never(Trouble::Page(message())),
            404 | 410 if is_page => self.lost(call, message(), None),
            404 | 410 => never(Trouble::NotFound(message())),
            407 | 511 => never(Trouble::OutOfReach(format!(
                "cannot reach {}: something on the way wants a sign-in ({})",
                self.base.origin,
                problem::status_line(status)
            ))),
            409 => {
                never(Trouble::Conflict { current_version: problem::current_version(&answer.body), message: message() })
            }
            429 => limited(&answer, message()),
            // To a read. A gateway says this of writes too that the server behind it may have carried out.
            503 if answer.retry_after().is_some() && call.is_read() => limited(&answer, message()),
            408 | 500.. if !call.is_read() => self.lost(call, failed(), answer.retry_after()),
            408 | 502..=504 => Failure { trouble: Trouble::Unavailable(failed()), again: Again::Backoff },
            500.. => never(Trouble::Unavailable(failed())),
            _ => never(Trouble::Refused { status, message: message() }),
        })
    }

    fn sign_in_page(&self) -> String {
        format!("{} answers with a web page, not with AnyTask's words (a login page on the way?)", self.base.origin)
    }

    /// Where a redirect leads, if it may be followed: within the server only, because every request carries the
    /// credential, and with the same method only.
    pub(super) fn redirected(&self, call: &Call, target: &str, answer: &Answer) -> Result<String, Failure> {
        let status = answer.status;
        let refuse = |words: String| refused(status, problem::one_line(&self.scrub(&words)));
        let location = answer.location.as_deref().ok_or_else(|| refuse(problem::status_line(status)))?;
        let (origin, next) = resolve(&self.base.origin, target, location)
            .ok_or_else(|| refuse("it redirects to something that is no address".into()))?;
        if origin != self.base.origin {
            let words =
                format!("{} redirects to another server, {origin}; no credential is sent there", self.base.origin);
            let message = problem::one_line(&self.scrub(&words));
            return Err(Failure { trouble: Trouble::OutOfReach(message), again: Again::Never });
        }
        match status {
            307 | 308 => Ok(next),
            301..=303 if call.is_read() => Ok(next),
            // "See other" is how some servers say that a form was taken.
            303 => {
                Err(self.lost(call, refuse("it answers with a redirect".into()).trouble.message().to_string(), None))
            }
            _ => Err(refuse(format!("it redirects {} requests ({})", call.method, problem::status_line(status)))),
        }
    }
}

pub(super) fn refused(status: u16, message: String) -> Failure {
    Failure { trouble: Trouble::Refused { status, message }, again: Again::Never }
}

/// The server asks for a pause, or has had too many requests without saying how long.
fn limited(answer: &Answer, message: String) -> Failure {
    let asked = answer.retry_after();
    let until = Timestamp::now().plus(asked.unwrap_or(PAUSE));
    Failure { trouble: Trouble::Limited { until, message }, again: asked.map_or(Again::Backoff, Again::After) }
}

/// A `Location` against the request it answers: its origin, and path and query there.
fn resolve(origin: &Origin, target: &str, location: &str) -> Option<(Origin, String)> {
    let location = location.split('#').next()?.trim();
    let absolute = if let Some(rest) = location.strip_prefix("//") {
        Some(format!("{}://{rest}", origin.scheme().word()))
    } else if location.find("://").is_some_and(|at| !location[..at].contains(['/', '?'])) {
        Some(location.to_string())
    } else {
        None
    };
    let (origin, next) = match &absolute {
        Some(url) => Origin::split(url).ok().map(|(origin, rest)| (origin, rest.to_string()))?,
        None if location.starts_with('/') => (origin.clone(), location.to_string()),
        None => {
            let path = target.split('?').next()?;
            let folder = &path[..path.rfind('/')? + 1];
            (origin.clone(), format!("{folder}{location}"))
        }
    };
    let next = if next.starts_with('/') { next } else { format!("/{next}") };
    next.parse::<ureq::http::uri::PathAndQuery>().ok()?;
    Some((origin, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_resolve_like_links() {
        let here = Origin::parse("http://127.0.0.1:8000").expect("origin");
        let at = |location: &str| {
            resolve(&here, "/v1/tasks?limit=1", location).map(|(origin, next)| format!("{origin}{next}"))
        };
        for (location, whole) in [
            ("/v1/tasks/?limit=1", "http://127.0.0.1:8000/v1/tasks/?limit=1"),
            ("http://127.0.0.1:8000/x#y", "http://127.0.0.1:8000/x"),
            ("HTTP://127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("tasks/", "http://127.0.0.1:8000/v1/tasks/"),
            ("/login?next=http://a.b/", "http://127.0.0.1:8000/login?next=http://a.b/"),
            ("//evil/v1", "http://evil/v1"),
            ("https://127.0.0.1:8000/v1", "https://127.0.0.1:8000/v1"),
            ("http://127.0.0.1:8001/v1", "http://127.0.0.1:8001/v1"),
        ] {
            assert_eq!(at(location).as_deref(), Some(whole), "{location}");
        }
        for location in ["ftp://a.b/", "http://127.0.0.1:8000@evil/", "http:// /", "/a b"] {
            assert_eq!(at(location), None, "{location}");
        }
    }
}
