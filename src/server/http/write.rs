//! The heads of answers.

use super::Response;
use anyt::time::Timestamp;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::HeaderValue;

/// What a client may rely on, on every answer: for how many seconds an `Idempotency-Key` is kept; `If-Match`; deleted tasks
/// in lists (`include_deleted`); `updated_after`, and sorting by what it filters; and that no change ever gets an earlier
/// `updated_at` than one that was visible before it.
pub const CAPABILITIES: &str = "keys=2592000, if-match, tombstones, updated-after, sort=updated_at, consistent";

/// The answer to a request of that name; `is_last` closes the connection after it.
pub fn response(response: Response, body: Bytes, id: &str, is_last: bool) -> hyper::Response<Full<Bytes>> {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut out = hyper::Response::new(Full::new(body));
    *out.status_mut() = status;
    let mut add = |name: &'static str, value: &str| {
        // What is no header value cannot be said in a header.
        if let Ok(value) = HeaderValue::from_str(value) {
            out.headers_mut().append(hyper::http::HeaderName::from_bytes(name.as_bytes()).expect("a constant"), value);
        }
    };
    add("Date", &http_date(Timestamp::now()));
    add("AnyTask-Capabilities", CAPABILITIES);
    // What clients older than that header look for before they repeat a POST whose answer they did not get.
    add("Idempotency-Key-Honoured", "true");
    add("X-Request-Id", id);
    if !matches!(response.status, 204 | 304) {
        add("Content-Type", response.media_type);
    }
    for (name, value) in &response.headers {
        add(name, value);
    }
    if is_last {
        add("Connection", "close");
    }
    out
}

/// The words for a status, in answers and in problem documents.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        507 => "Insufficient Storage",
        _ => "Internal Server Error",
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // 1970-01-01 was a Thursday.
    let weekday = DAYS[at.0.div_euclid(86_400_000_000).rem_euclid(7) as usize];
    let text = at.rfc3339();
    let month = text[5..7].parse::<usize>().map_or("Jan", |month| MONTHS[(month - 1) % 12]);
    format!("{weekday}, {} {month} {} {} GMT", &text[8..10], &text[..4], &text[11..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_rfc_9110() {
        let at = Timestamp::parse("1994-11-06T08:49:37Z").unwrap();
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(Timestamp::parse_http_date(&http_date(at)), Some(at));
    }
}
