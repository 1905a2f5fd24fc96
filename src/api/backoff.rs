//! When to try again: exponential backoff with full jitter, and what `Retry-After` asks for. Pure arithmetic over a
//! clock; the request loop sleeps.

use super::Patience;
use crate::time::Timestamp;
use std::time::{Duration, Instant};

const BASE: Duration = Duration::from_millis(200);
const CAP: Duration = Duration::from_secs(5);
/// A server cannot silence a client for longer than this with one header.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// What a failed try says about another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Again {
    Never,
    Backoff,
    /// The server named a pause.
    After(Duration),
}

/// What is left of the patience for one request.
pub(super) struct Budget {
    started: Instant,
    patience: Patience,
    tries: u32,
}

impl Budget {
    pub(super) fn new(patience: Patience) -> Budget {
        Budget { started: Instant::now(), patience, tries: 1 }
    }

    /// The time for the coming try: all of `timeout` for the first, and for others no more than the patience has left.
    pub(super) fn limit(&self, timeout: Duration) -> Duration {
        if self.tries == 1 { timeout } else { timeout.min(self.left()) }
    }

    /// The pause before another try, or `None` when there is to be none.
    pub(super) fn pause(&mut self, again: Again) -> Option<Duration> {
        let pause = match again {
            Again::Never => return None,
            Again::Backoff => jittered(self.tries, random()),
            Again::After(pause) => pause,
        };
        if self.tries >= self.patience.tries || pause >= self.left() {
            return None;
        }
        self.tries += 1;
        Some(pause)
    }

    fn left(&self) -> Duration {
        self.patience.total.saturating_sub(self.started.elapsed())
    }
}

/// A pause between nothing and 200 ms × 2^(tries-1), capped at 5 s; `dice` from 0 to 1 says where.
fn jittered(tries: u32, dice: f64) -> Duration {
    BASE.saturating_mul(2u32.saturating_pow(tries.saturating_sub(1))).min(CAP).mul_f64(dice)
}

/// Clients that failed together must not come back together. Without randomness the longest pause is taken.
fn random() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

/// `Retry-After` in either form (RFC 9110 10.2.3). A date is read against the answer's own `Date` where there is one,
/// because this machine's clock may be a day off. At most a day; `None` when it is neither form.
pub(super) fn retry_after(header: &str, date: Option<&str>) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        return Some(header.parse().map_or(LONGEST_WAIT, Duration::from_secs).min(LONGEST_WAIT));
    }
    let until = Timestamp::parse_http_date(header)?;
    let now = date.and_then(|date| Timestamp::parse_http_date(date.trim())).unwrap_or_else(Timestamp::now);
    Some(now.age(until).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let longest: Vec<u128> = (1..8).map(|tries| jittered(tries, 1.0).as_millis()).collect();
        assert_eq!(longest, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(jittered(3, 0.0), Duration::ZERO);
        assert_eq!(jittered(u32::MAX, 1.0), CAP);
        assert!((0.0..=1.0).contains(&random()));
    }

    #[test]
    fn tries_and_time_both_bound_it() {
        let mut budget = Budget::new(Patience { tries: 3, total: Duration::from_secs(60) });
        assert!(budget.pause(Again::Backoff).is_some());
        assert!(budget.pause(Again::After(Duration::from_secs(2))).is_some());
        assert_eq!(budget.pause(Again::Backoff), None);

        let mut budget = Budget::new(Patience { tries: 9, total: Duration::from_secs(5) });
        assert_eq!(budget.limit(Duration::from_secs(30)), Duration::from_secs(30));
        assert_eq!(budget.pause(Again::After(Duration::from_secs(6))), None);
        assert_eq!(budget.pause(Again::Never), None);
        assert_eq!(budget.pause(Again::After(Duration::from_secs(1))), Some(Duration::from_secs(1)));
        assert!(budget.limit(Duration::from_secs(30)) <= Duration::from_secs(5));
    }

    #[test]
    fn retry_after_has_two_forms() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(retry_after("120", None), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:07 GMT", date), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", date), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999999", None), Some(LONGEST_WAIT));
        assert_eq!(retry_after("soon", None), None);
        assert_eq!(retry_after("-1", None), None);
        assert_eq!(retry_after("", None), None);
    }
}
