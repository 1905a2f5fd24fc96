//! Writing answers.

use super::Response;
use anyt::time::Timestamp;
use std::io::{Result, Write};
use std::net::TcpStream;

/// What a client may rely on, on every answer: for how many seconds an `Idempotency-Key` is kept; `If-Match`; deleted tasks
/// in lists (`include_deleted`); `updated_after`, and sorting by what it filters; and that no change ever gets an earlier
/// `updated_at` than one that was visible before it.
pub const CAPABILITIES: &str = "keys=2592000, if-match, tombstones, updated-after, sort=updated_at, consistent";

/// Head and body in one write. `bare` leaves the body out (HEAD).
pub fn response(mut stream: &TcpStream, response: &Response, bare: bool, keep: bool) -> Result<()> {
    let mut out = format!(
        "HTTP/1.1 {} {}\r\nDate: {}\r\n",
        response.status,
        reason(response.status),
        http_date(Timestamp::now())
    );
    out += &format!("AnyTask-Capabilities: {CAPABILITIES}\r\n");
    // What clients older than that header look for before they repeat a POST whose answer they did not get.
    out += "Idempotency-Key-Honoured: true\r\n";
    if response.status != 204 {
        out += &format!("Content-Type: {}\r\nContent-Length: {}\r\n", response.media_type, response.body.len());
    }
    out += if keep { "\r\n" } else { "Connection: close\r\n\r\n" };
    if !bare {
        out += &response.body;
    }
    stream.write_all(out.as_bytes())
}

/// The words for a status, in answers and in problem documents.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
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
