//! What the server counts, as Prometheus reads it. Counting waits for nobody but other counting.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub static METRICS: Metrics = Metrics::new();

/// A number that grows, or goes up and down.
pub struct Count(AtomicU64);

impl Count {
    const fn new() -> Count {
        Count(AtomicU64::new(0))
    }

    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn take(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper ends of the buckets of request times, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

#[derive(Default, Clone, Copy)]
struct Times {
    /// One for each bucket: requests that took no longer than its end and longer than the one before.
    counts: [u64; BUCKETS.len()],
    total: u64,
    seconds: f64,
}

/// Method, route as in the table of routes, status.
type Kind = (&'static str, &'static str, u16);

pub struct Metrics {
    requests: Mutex<BTreeMap<Kind, Times>>,
    pub in_flight: Count,
    pub connections: Count,
    pub connections_refused: Count,
    pub failed_sign_ins: Count,
    pub panics: Count,
    pub writes: Count,
    pub commits: Count,
    pub lines_lost: Count,
}

impl Metrics {
    const fn new() -> Metrics {
        Metrics {
            requests: Mutex::new(BTreeMap::new()),
            in_flight: Count::new(),
            connections: Count::new(),
            connections_refused: Count::new(),
            failed_sign_ins: Count::new(),
            panics: Count::new(),
            writes: Count::new(),
            commits: Count::new(),
            lines_lost: Count::new(),
        }
    }

    pub fn request(&self, kind: Kind, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let times = requests.entry(kind).or_default();
        if let Some(bucket) = BUCKETS.iter().position(|end| seconds <= *end) {
            times.counts[bucket] += 1;
        }
        times.total += 1;
        times.seconds += seconds;
    }

    /// The text of `/metrics`; `gauges` are further numbers, with what they are.
    pub fn text(&self, gauges: &[(&str, &str, f64)]) -> String {
        let mut out = String::new();
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        request_counts(&mut out, &requests);
        request_times(&mut out, &requests);
        for (name, help, count) in [
            ("connections_refused_total", "Connections closed because there were too many.", &self.connections_refused),
            ("failed_sign_ins_total", "Requests without a valid token.", &self.failed_sign_ins),
            ("panics_total", "Requests that failed by a fault in the server.", &self.panics),
            ("writes_total", "Requests that went to the writer.", &self.writes),
            ("commits_total", "Transactions of the writer, each with one or more requests.", &self.commits),
            ("log_lines_lost_total", "Lines that the log could not take.", &self.lines_lost),
        ] {
            number(&mut out, name, help, "counter", count.get() as f64);
        }
        number(&mut out, "connections", "Connections now.", "gauge", self.connections.get() as f64);
        number(&mut out, "requests_in_flight", "Requests being answered now.", "gauge", self.in_flight.get() as f64);
        for (name, help, value) in gauges {
            number(&mut out, name, help, "gauge", *value);
        }
        out
    }
}

fn heading(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = write!(out, "# HELP anyt_server_{name} {help}\n# TYPE anyt_server_{name} {kind}\n");
}

fn number(out: &mut String, name: &str, help: &str, kind: &str, value: f64) {
    heading(out, name, help, kind);
    let _ = writeln!(out, "anyt_server_{name} {value}");
}

fn request_counts(out: &mut String, requests: &BTreeMap<Kind, Times>) {
    heading(out, "requests_total", "Requests answered.", "counter");
    for ((method, route, status), times) in requests {
        let labels = format!(r#"method="{method}",route="{route}",status="{status}""#);
        let _ = writeln!(out, "anyt_server_requests_total{{{labels}}} {}", times.total);
    }
}

fn request_times(out: &mut String, requests: &BTreeMap<Kind, Times>) {
    heading(out, "request_seconds", "From the end of a request's head to its answer.", "histogram");
    let mut by_method: BTreeMap<&str, Times> = BTreeMap::new();
    for ((method, ..), times) in requests {
        let sum = by_method.entry(method).or_default();
        sum.counts.iter_mut().zip(times.counts).for_each(|(sum, count)| *sum += count);
        sum.total += times.total;
        sum.seconds += times.seconds;
    }
    for (method, times) in by_method {
        let mut below = 0;
        for (end, count) in BUCKETS.iter().zip(times.counts) {
            below += count;
            let _ = writeln!(out, "anyt_server_request_seconds_bucket{{method=\"{method}\",le=\"{end}\"}} {below}");
        }
        let total = times.total;
        let _ = writeln!(out, "anyt_server_request_seconds_bucket{{method=\"{method}\",le=\"+Inf\"}} {total}");
        let _ = writeln!(out, "anyt_server_request_seconds_sum{{method=\"{method}\"}} {}", times.seconds);
        let _ = writeln!(out, "anyt_server_request_seconds_count{{method=\"{method}\"}} {total}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_everything_below_their_end() {
        let metrics = Metrics::new();
        for millis in [1, 4, 4, 60_000] {
            metrics.request(("GET", "/ping", 200), Duration::from_millis(millis));
        }
        let text = metrics.text(&[("size", "A size.", 7.5)]);
        for line in [
            r#"anyt_server_requests_total{method="GET",route="/ping",status="200"} 4"#,
            r#"anyt_server_request_seconds_bucket{method="GET",le="0.0025"} 1"#,
            r#"anyt_server_request_seconds_bucket{method="GET",le="10"} 3"#,
            r#"anyt_server_request_seconds_bucket{method="GET",le="+Inf"} 4"#,
            "anyt_server_size 7.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
