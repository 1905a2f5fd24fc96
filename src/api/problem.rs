//! What a server says when it refuses: any of the bodies of api.md 1.7 as one line for people, written to read well
//! after "the server said: ".

use super::wire;
use miniserde::json::{self, Value};

/// Characters of a message; a server may echo a whole description back.
const LONGEST: usize = 300;
/// Complaints about single fields that are listed.
const MOST_COMPLAINTS: usize = 3;
/// And of those that are looked at.
const MOST_LOOKED_AT: usize = 30;

/// The server's words in one bounded line, or the status where it had none (HTML, an empty body). `scrub` is applied
/// before the text is cut, so that no half of a secret survives.
pub(super) fn message(status: u16, body: &[u8], scrub: &dyn Fn(&str) -> String) -> String {
    let text = String::from_utf8_lossy(body);
    let words = match parse(body) {
        Some(value) => words(&value),
        None if is_page(body) => None,
        None => Some(text.into_owned()),
    };
    let line = words.map(|words| one_line(&scrub(&words))).filter(|line| !line.is_empty());
    line.unwrap_or_else(|| status_line(status))
}

/// A web page rather than a word of the API.
pub(super) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// `current_version` of a conflict problem.
pub(super) fn current_version(body: &[u8]) -> Option<i64> {
    let problem = parse(body)?;
    let of = |value: &Value| wire::int(wire::member(value, "current_version")?);
    of(&problem).or_else(|| of(wire::member(&problem, "detail")?))
}

/// `404 Not Found`.
pub(super) fn status_line(status: u16) -> String {
    let reason = ureq::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    format!("{status} {}", reason.unwrap_or("(a status without a name)"))
}

/// White space and control characters become single blanks; cut to `LONGEST` characters.
pub(super) fn one_line(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    let line = text.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn parse(body: &[u8]) -> Option<Value> {
    json::from_str(std::str::from_utf8(body).ok()?).ok()
}

/// The most telling text of an error document, then its complaints about fields.
fn words(value: &Value) -> Option<String> {
    let said = match value {
        Value::String(text) => return Some(text.clone()),
        Value::Array(_) => None,
        _ => ["detail", "message", "title", "error"].iter().find_map(|name| match wire::member(value, name)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            nested @ Value::Object(_) => words(nested),
            _ => None,
        }),
    };
    let mut complaints = complaints(value);
    // Some say in one sentence what they then say field by field.
    let said = said.filter(|said| !complaints.iter().any(|complaint| complaint.ends_with(&format!(": {said}"))));
    let told = complaints.len();
    complaints.retain(|complaint| said.as_ref().is_none_or(|said| !said.contains(complaint)));
    let then = if complaints.len() < told { "; " } else { ": " };
    let complaints = complaints.into_iter().take(MOST_COMPLAINTS).collect::<Vec<_>>().join("; ");
    match (said, complaints.is_empty()) {
        (said, true) => said,
        (None, false) => Some(complaints),
        (Some(said), false) => Some(format!("{said}{then}{complaints}")),
    }
}

fn complaints(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Array(list) => Some(list),
        _ => ["detail", "errors", "details"].iter().find_map(|name| match wire::member(value, name)? {
            Value::Array(list) => Some(list),
            _ => None,
        }),
    };
    list.into_iter().flat_map(|list| list.iter()).filter_map(complaint).take(MOST_LOOKED_AT).collect()
}

/// `loc: msg` of FastAPI, `field: message` of the others.
fn complaint(value: &Value) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text.clone());
    }
    let text = |name: &str| wire::member(value, name).and_then(wire::text);
    let what = text("msg").or_else(|| text("message")).or_else(|| text("detail")).or_else(|| text("error"))?;
    let place = match wire::member(value, "loc") {
        Some(Value::Array(path)) => {
            // `body` and `query` only say which part of the request it was.
            let steps = path.iter().filter_map(wire::text).filter(|step| step != "body" && step != "query");
            steps.collect::<Vec<_>>().join(".")
        }
        _ => text("field").or_else(|| text("name")).unwrap_or_default(),
    };
    Some(if place.is_empty() { what } else { format!("{place}: {what}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> String {
        message(status, body.as_bytes(), &str::to_string)
    }

    #[test]
    fn every_body_of_api_md_1_7() {
        for (body, line) in [
            (r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no task DEV-9"}"#, "no task DEV-9"),
            (r#"{"title":"Not Found","status":404,"detail":null}"#, "Not Found"),
            (r#"{"title":"Conflict","status":409,"current_version":7,"provided_version":5}"#, "Conflict"),
            (
                r#"{"title":"Invalid","status":422,"errors":[{"field":"title","message":"too long"}]}"#,
                "Invalid: title: too long",
            ),
            (
                r#"{"detail":"parent_id: no such task","errors":[{"field":"parent_id","message":"no such task"}]}"#,
                "parent_id: no such task",
            ),
            (
                r#"{"detail":"no such task","errors":[{"field":"parent_id","message":"no such task"}]}"#,
                "parent_id: no such task",
            ),
            (
                r#"{"detail":"title: long","errors":[{"field":"title","message":"long"},{"field":"phase","message":"x"}]}"#,
                "title: long; phase: x",
            ),
            (
                r#"{"detail":[{"loc":["body","priority"],"msg":"must be <= 2","type":"x"},{"loc":["body","labels",0],"msg":"bad"}]}"#,
                "priority: must be <= 2; labels.0: bad",
            ),
            (r#"{"detail":"Not authenticated"}"#, "Not authenticated"),
            (
                r#"{"error":"NotFoundError","message":"Task not found","code":"TASK_NOT_FOUND","request_id":"r"}"#,
                "Task not found",
            ),
            (
                r#"{"error":"Validation Error","message":"Bad","details":[{"field":"identifier","message":"long","code":"c"}]}"#,
                "Bad: identifier: long",
            ),
            (r#"{"error":"NotFoundError"}"#, "NotFoundError"),
            (r#"{"error":{"message":"nested"}}"#, "nested"),
            (r#""just words""#, "just words"),
            ("upstream\r\n  down\u{1b}[31m\n", "upstream down [31m"),
            ("<html><body>login</body></html>", "404 Not Found"),
            ("", "404 Not Found"),
            ("{}", "404 Not Found"),
            ("[]", "404 Not Found"),
            (r#"{"detail":{"current_version":3}}"#, "404 Not Found"),
        ] {
            assert_eq!(said(404, body), line, "{body}");
        }
        assert_eq!(said(599, ""), "599 (a status without a name)");
    }

    #[test]
    fn messages_are_bounded_and_scrubbed_first() {
        let long = said(400, &"é".repeat(5_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
        let secret = "anyt_canary_canary";
        let echo = format!("{}{secret}", "x".repeat(LONGEST - 5));
        let line = message(400, echo.as_bytes(), &|text| text.replace(secret, "(redacted)"));
        assert!(!line.contains("anyt_"), "{line}");
    }

    #[test]
    fn the_conflict_tells_the_version() {
        assert_eq!(current_version(br#"{"status":409,"current_version":7}"#), Some(7));
        assert_eq!(current_version(br#"{"detail":{"current_version":"8"}}"#), Some(8));
        assert_eq!(current_version(br#"{"detail":"exists"}"#), None);
        assert_eq!(current_version(b"<html>"), None);
    }
}
