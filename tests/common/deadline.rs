//! Waiting for something to become true. The only place in the tests that pauses and looks again; everything that
//! can be waited for directly (a line, an exit, a condition variable) is.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(5);

/// Returns as soon as `holds` does; fails the test, naming `what`, when that takes longer than `limit`.
pub fn wait_until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < end, "still not so after {limit:?}: {what}");
        std::thread::sleep(PAUSE);
    }
}
