//! Named places at which a test can end the process, as a power cut would. Without the cargo feature `failpoints` nothing
//! of this is in the program.

#[cfg(not(feature = "failpoints"))]
use std::time::Duration;

/// Marks a place. With the feature: `ANYT_FAILPOINT_TRACE=FILE` appends the name to FILE, and `ANYT_FAILPOINT=NAME` (or
/// `NAME:N` for the N-th time in this process, from 1) kills the process here with SIGKILL.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(_name: &str) {}

/// A time that is waited for. With the feature, `ANYT_TEST_SETTLE_MS` is the most that tests wait for it.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn bound(time: Duration) -> Duration {
    time
}

#[cfg(feature = "failpoints")]
pub use armed::{bound, hit};

#[cfg(feature = "failpoints")]
mod armed {
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::sync::Mutex;
    use std::time::Duration;

    static HITS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

    pub fn hit(name: &str) {
        if let Some(trace) = std::env::var_os("ANYT_FAILPOINT_TRACE")
            && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(trace)
        {
            let _ = writeln!(file, "{name}");
        }
        let Ok(wanted) = std::env::var("ANYT_FAILPOINT") else { return };
        let hits = count(name);
        let (wanted_name, wanted_hit) = match wanted.rsplit_once(':') {
            Some((name, number)) => (name, number.parse().unwrap_or(0)),
            None => (wanted.as_str(), 1),
        };
        if wanted_name == name && wanted_hit == hits {
            die();
        }
    }

    pub fn bound(time: Duration) -> Duration {
        let most = std::env::var("ANYT_TEST_SETTLE_MS").ok().and_then(|text| text.parse().ok());
        most.map_or(time, |most| time.min(Duration::from_millis(most)))
    }

    fn count(name: &str) -> u64 {
        let mut hits = HITS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let entry = hits.entry(name.to_string()).or_insert(0);
        *entry += 1;
        *entry
    }

    #[cfg(unix)]
    fn die() {
        use rustix::process::{Signal, getpid, kill_process};
        let _ = kill_process(getpid(), Signal::KILL);
    }

    #[cfg(not(unix))]
    fn die() {
        std::process::abort();
    }
}
