//! A folder of a test's own: gone when the test is through, kept and named when it failed.

use std::cell::Cell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static IN_MEMORY: Cell<bool> = const { Cell::new(false) };
}

/// From now on this thread's folders are made in memory where the system has a place for that: for tests that start hundreds of
/// programs, none of which outlives the kernel, and would otherwise wait for the disk's flushes.
pub fn in_memory() {
    IN_MEMORY.set(true);
}

fn parent() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if IN_MEMORY.get() && memory.is_dir() { memory } else { std::env::temp_dir() }
}

pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// `what` becomes part of the name, so that a folder left behind tells where it came from.
    pub fn new(what: &str) -> TempDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let next = || COUNT.fetch_add(1, Ordering::Relaxed);
        let path = || parent().join(format!("anyt-test-{}-{}-{what}", std::process::id(), next()));
        // A folder that was kept has the name already when the system gives the process's number again.
        let taken = |path: &PathBuf| std::fs::create_dir(path).is_err_and(|e| e.kind() == ErrorKind::AlreadyExists);
        let path = std::iter::repeat_with(path).find(|path| !taken(path)).expect("numbers enough");
        assert!(path.is_dir(), "cannot make {}", path.display());
        TempDir { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for inspection: {}", self.path.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
