//! What started the tests may have had signals ignored: a shell has SIGINT ignored in what it runs in the background,
//! `nohup` SIGHUP; and what is ignored stays ignored in every child. A person's shell starts a program with none ignored.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

/// Children started from now on have each signal's default, whatever this process was given.
pub fn inherit_none() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| ignored().into_iter().for_each(handle));
}

/// A signal that has a handler has its default again after exec. A handler that does nothing is, here, like ignoring.
fn handle(signal: i32) {
    let _ = signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)));
}

/// SIGPIPE is ignored in every Rust program and set back by `Command`.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let is_ignored = |signal: &i32| mask & (1 << (signal - 1)) != 0;
    (1..=31).filter(is_ignored).filter(|signal| *signal != signal_hook::consts::SIGPIPE).collect()
}
