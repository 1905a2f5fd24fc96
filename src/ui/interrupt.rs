//! Ctrl-C. Everything anyt does may be cut short at any instant (the journal and the one transaction see to that), so
//! SIGINT simply ends the process with 130. Two moments differ: while an editor runs the key belongs to the editor,
//! and while a secret is typed the terminal has to be put right first. No thread, no async-signal code of our own.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{SigId, flag, low_level};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// What ends a process from outside and can be put off until the terminal is right again.
const OTHERS: [i32; 3] = [SIGTERM, SIGHUP, SIGQUIT];

/// True while SIGINT (and the others, once `catch` has been called) ends the process.
fn armed() -> &'static Arc<AtomicBool> {
    static ARMED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    ARMED.get_or_init(|| Arc::new(AtomicBool::new(true)))
}

/// From now on SIGINT ends the process at once with exit code 130. Calling it again changes nothing.
pub fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // Fails only for signals that cannot be handled; then Ctrl-C keeps its default, which ends us too.
        let _ = flag::register_conditional_shutdown(SIGINT, 130, armed().clone());
    });
}

/// Runs `work` with SIGINT ignored in this process. A child started meanwhile gets the default action back at its
/// exec, because a handler is not inherited.
pub fn while_ignored<T>(work: impl FnOnce() -> T) -> T {
    install();
    let before = armed().swap(false, Ordering::SeqCst);
    let result = work();
    armed().store(before, Ordering::SeqCst);
    result
}

/// While it lives, SIGINT and the others do nothing but wake whoever polls `waker`.
pub(super) struct Caught {
    pub waker: UnixStream,
    signal: Arc<AtomicUsize>,
    registered: Vec<SigId>,
}

pub(super) fn catch() -> io::Result<Caught> {
    // signal-hook never gives a signal its default action back, so the others get a handler that imitates it.
    static TERMINATES: OnceLock<()> = OnceLock::new();
    install();
    TERMINATES.get_or_init(|| {
        for signal in OTHERS {
            let _ = flag::register_conditional_default(signal, armed().clone());
        }
    });
    let (waker, wake) = UnixStream::pair()?;
    let mut caught = Caught { waker, signal: Arc::default(), registered: Vec::new() };
    for signal in [SIGINT].into_iter().chain(OTHERS) {
        let number = usize::try_from(signal).expect("signal numbers are positive");
        caught.registered.push(flag::register_usize(signal, caught.signal.clone(), number)?);
        caught.registered.push(low_level::pipe::register(signal, wake.try_clone()?)?);
    }
    // Last: a signal that comes before this line ends the process, and nothing has been changed yet.
    armed().store(false, Ordering::SeqCst);
    Ok(caught)
}

impl Caught {
    /// Lets go and, if one of the others was what came, dies of it now, as it would have without us.
    pub fn release(self) {
        let signal = self.signal.load(Ordering::SeqCst);
        drop(self);
        if let Some(signal) = OTHERS.into_iter().find(|other| usize::try_from(*other) == Ok(signal)) {
            let _ = low_level::raise(signal);
        }
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        armed().store(true, Ordering::SeqCst);
        for id in self.registered.drain(..) {
            low_level::unregister(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// One test for both, because the flag belongs to the process. Run unprotected, either would end the test runner.
    #[test]
    fn a_signal_is_survived_while_ignored_or_caught() {
        while_ignored(|| low_level::raise(SIGINT)).unwrap();
        let mut caught = catch().unwrap();
        low_level::raise(SIGINT).unwrap();
        caught.waker.read_exact(&mut [0]).unwrap();
        assert_eq!(caught.signal.load(Ordering::SeqCst), SIGINT as usize);
    }
}
