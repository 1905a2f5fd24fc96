//! Named points at which a test may kill this process (cargo feature `failpoints`; an empty function otherwise).
//!
//! `ANYT_FAILPOINT=name` or `name:N` kills at the N-th time (from 1) this process comes to that point;
//! `ANYT_FAILPOINT_TRACE=FILE` appends every point that is passed, so that a test can find them all.

#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(_name: &str) {}

#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    use std::collections::HashMap;
    use std::io::Write;
    use std::sync::Mutex;
    static PASSED: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);

    if let Ok(file) = std::env::var("ANYT_FAILPOINT_TRACE")
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(file)
    {
        let _ = writeln!(file, "{name}");
    }
    let Ok(wanted) = std::env::var("ANYT_FAILPOINT") else { return };
    let (wanted, nth) = wanted.rsplit_once(':').map_or((wanted.as_str(), 1), |(n, k)| (n, k.parse().unwrap_or(1)));
    if wanted != name {
        return;
    }
    let mut passed = PASSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let count = passed.get_or_insert_with(HashMap::new).entry(name.to_string()).or_insert(0);
    *count += 1;
    if *count == nth {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
