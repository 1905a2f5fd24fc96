//! Points in time: parsing what servers send (api.md 1.8), ordering it, writing RFC 3339, and words for people.
//! Times from a server are kept as the text they came in; this type is for comparing and counting.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Timestamp {
    /// This machine's clock. Never a sync cursor: cursors come from the server (docs/promises.md).
    pub fn now() -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX).saturating_add(skew()))
    }

    /// ISO 8601 as servers write it: `T` or a space, `Z`, a numeric offset or no zone (read as UTC), any number of
    /// fractional digits (those beyond microseconds are cut off), or a date alone. `None` for anything else.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        let (date, rest) = text.split_at_checked(10)?;
        let days = parse_date(date)?;
        if rest.is_empty() {
            return Some(Timestamp(days * DAY * SECOND));
        }
        let rest = rest.strip_prefix(['T', 't', ' '])?;
        let is_zone = |byte: &u8| matches!(byte, b'Z' | b'z' | b'+' | b'-');
        let zone_at = rest.as_bytes().iter().position(is_zone).unwrap_or(rest.len());
        let (clock, zone) = rest.split_at(zone_at);
        let micros = parse_clock(clock)?;
        let offset = parse_zone(zone)?;
        (days * DAY * SECOND).checked_add(micros)?.checked_sub(offset * SECOND).map(Timestamp)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the form RFC 9110 asks for in `Date` and `Retry-After`.
    pub fn parse_http_date(text: &str) -> Option<Timestamp> {
        let mut words = text.split_once(", ")?.1.split(' ');
        let day: i64 = words.next()?.parse().ok()?;
        let month_name = words.next()?;
        let month = MONTHS.iter().position(|m| *m == month_name)? as i64 + 1;
        let year: i64 = words.next()?.parse().ok()?;
        let clock = parse_clock(words.next()?)?;
        (words.next()? == "GMT" && valid_date(year, month, day))
            .then(|| Timestamp(days_from_civil(year, month, day) * DAY * SECOND + clock))
    }

    /// `2025-10-16T10:00:00.000000Z`.
    pub fn rfc3339(self) -> String {
        let (days, second_of_day) = (self.0.div_euclid(DAY * SECOND), self.0.rem_euclid(DAY * SECOND));
        let (year, month, day) = civil_from_days(days);
        let (seconds, micros) = (second_of_day / SECOND, second_of_day % SECOND);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{micros:06}Z",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    /// `2025-10-16 10:00`, UTC: for what is stored and sent.
    pub fn minute(self) -> String {
        let text = self.rfc3339();
        format!("{} {}", &text[..10], &text[11..16])
    }

    /// The same in the zone of this machine's user: for screens.
    pub fn local_minute(self) -> String {
        Timestamp(self.0.saturating_add(crate::zone::offset(self.0.div_euclid(SECOND)) * SECOND)).minute()
    }

    /// A time of RFC 3339 as screens show it; one that cannot be read as it came.
    pub fn on_screen(text: &str) -> String {
        Timestamp::parse(text).map_or_else(|| text.to_string(), Timestamp::local_minute)
    }

    /// The same with its age: `2 hours ago (2026-11-29 10:00)`.
    pub fn with_age(text: &str) -> String {
        let shown = |at: Timestamp| format!("{} ({})", at.ago(Timestamp::now()), at.local_minute());
        Timestamp::parse(text).map_or_else(|| text.to_string(), shown)
    }

    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long ago this was, zero when it lies in the future.
    pub fn age(self, now: Timestamp) -> Duration {
        Duration::from_micros(now.0.saturating_sub(self.0).max(0) as u64)
    }

    /// `just now`, `5 minutes ago`, `2 hours ago`, `3 days ago`.
    pub fn ago(self, now: Timestamp) -> String {
        let seconds = self.age(now).as_secs();
        let (count, unit) = match seconds {
            0..=59 => return "just now".into(),
            60..=3_599 => (seconds / 60, "minute"),
            3_600..=86_399 => (seconds / 3_600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
    }
}

/// Waits. In the unit tests the test's clock goes on instead.
pub fn sleep(span: Duration) {
    #[cfg(test)]
    testing::advance(span);
    #[cfg(not(test))]
    std::thread::sleep(span);
}

/// A clock of its own for each test's thread.
#[cfg(test)]
pub mod testing {
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        static AHEAD: Cell<i64> = const { Cell::new(0) };
    }

    /// Lets time pass for `Timestamp::now` on this thread.
    pub fn advance(span: Duration) {
        AHEAD.with(|ahead| ahead.set(ahead.get() + span.as_micros() as i64));
    }

    pub(super) fn ahead() -> i64 {
        AHEAD.with(Cell::get)
    }
}

#[cfg(test)]
fn skew() -> i64 {
    testing::ahead()
}

#[cfg(all(not(test), not(feature = "failpoints")))]
#[inline(always)]
fn skew() -> i64 {
    0
}

/// In test builds `ANYT_CLOCK_SKEW=SECONDS` sets this process's clock wrong, as a machine's may be.
#[cfg(all(not(test), feature = "failpoints"))]
fn skew() -> i64 {
    let seconds = std::env::var("ANYT_CLOCK_SKEW").ok().and_then(|given| given.parse::<i64>().ok());
    seconds.map_or(0, |seconds| seconds.saturating_mul(SECOND))
}

/// `90`, `90s`, `15m`, `2h`, `7d`: a span as flags take it. A bare number is seconds.
pub fn parse_span(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u64 = digits.parse().ok()?;
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(factor)?))
}

/// Digits alone, nine at most.
fn number(digits: &[u8]) -> Option<i64> {
    let digit = |number: i64, byte: &u8| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'));
    if (1..=9).contains(&digits.len()) { digits.iter().try_fold(0, digit) } else { None }
}

/// `YYYY-MM-DD` to days since 1970-01-01.
fn parse_date(text: &str) -> Option<i64> {
    let (year, rest) = text.as_bytes().split_at_checked(4)?;
    let [b'-', m, n, b'-', d, e] = *rest else { return None };
    let (year, month, day) = (number(year)?, number(&[m, n])?, number(&[d, e])?);
    valid_date(year, month, day).then(|| days_from_civil(year, month, day))
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff…` to microseconds of the day.
fn parse_clock(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    let point = text.iter().position(|byte| matches!(byte, b'.' | b',')).unwrap_or(text.len());
    let mut parts = text[..point].split(|byte| *byte == b':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = parts.next().map_or(Some(0), number)?;
    // 23:59:60 is a leap second; it reads as the first instant of the next minute.
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = text.get(point + 1..).unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let micros = (0..6).fold(0, |micros, at| micros * 10 + fraction.get(at).map_or(0, |byte| i64::from(byte - b'0')));
    Some((hour * 3600 + minute * 60 + second) * SECOND + micros)
}

/// A zone to seconds east of Greenwich.
fn parse_zone(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    // A server may write anything here, also what is four bytes long and cannot be cut in two.
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = match minutes.len() {
        0 => 0,
        2 => number(minutes.as_bytes())?,
        _ => return None,
    };
    let hours = number(hours.as_bytes())?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn valid_date(year: i64, month: i64, day: i64) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=9999).contains(&year) && (1..=last).contains(&day)
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of `days_from_civil`.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by the fuzz target `words`: it ended the process.
    #[test]
    fn a_zone_of_any_characters_is_no_zone() {
        for zone in ["+8\u{31a}\0", "+\u{31a}\u{31a}", "-1é", "+🦀", "+0200🦀", "+é"] {
            assert_eq!(Timestamp::parse(&format!("2025-10-16T10:00:00{zone}")), None, "{zone:?}");
        }
        assert_eq!(Timestamp::parse("2025-10-16T10:00:00+02:30"), Timestamp::parse("2025-10-16T07:30:00Z"));
        assert_eq!(Timestamp::parse("2025-10-16T10:00:00-02"), Timestamp::parse("2025-10-16T12:00:00Z"));
    }

    #[test]
    fn reads_every_form_of_api_md_1_8() {
        let same = [
            "2025-10-16T10:00:00Z",
            "2025-10-16T10:00:00",
            "2025-10-16 10:00:00.000",
            "2025-10-16T12:00:00+02:00",
            "2025-10-16T05:30:00-0430",
            "2025-10-16T10:00:00.0000001234Z",
        ];
        for text in same {
            assert_eq!(
                Timestamp::parse(text).map(Timestamp::rfc3339).as_deref(),
                Some("2025-10-16T10:00:00.000000Z"),
                "{text}"
            );
        }
        assert_eq!(
            Timestamp::parse("2024-02-29").map(Timestamp::rfc3339).as_deref(),
            Some("2024-02-29T00:00:00.000000Z")
        );
        assert_eq!(Timestamp::parse("1969-12-31T23:59:59.5Z"), Some(Timestamp(-500_000)));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "now",
            "2025-13-01",
            "2025-02-29",
            "2025-10-16T25:00",
            "2025-10-16T10:00:00+1",
            "2025-10-16T10:00:00.x",
            "２０２５-10-16",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_http_dates() {
        let date = Timestamp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.map(Timestamp::rfc3339).as_deref(), Some("1994-11-06T08:49:37.000000Z"));
        assert_eq!(Timestamp::parse_http_date("120"), None);
    }

    #[test]
    fn says_how_long_ago() {
        let now = Timestamp(10 * DAY * SECOND);
        assert_eq!(now.minus(Duration::from_secs(7_300)).ago(now), "2 hours ago");
        assert_eq!(now.minus(Duration::from_secs(60)).ago(now), "1 minute ago");
        assert_eq!(now.plus(Duration::from_secs(60)).ago(now), "just now");
    }

    #[test]
    fn reads_spans() {
        assert_eq!(parse_span("15m"), Some(Duration::from_secs(900)));
        assert_eq!(parse_span("90"), Some(Duration::from_secs(90)));
        assert_eq!(parse_span("m"), None);
        assert_eq!(parse_span("1y"), None);
    }
}
