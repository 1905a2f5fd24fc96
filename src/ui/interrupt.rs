//! Ctrl-C. Everything anyt does may be cut short at any instant (the states of operations and the one transaction see to that), so
//! SIGINT simply ends the process with 130. Two moments differ: while an editor runs the key belongs to the editor, and
//! a signal that would end us has to end it first; and while an answer is typed its command has something to say first,
//! and a terminal that shows no secret has to be put right. A sync says first what it has kept (`explain`, on a thread that only
//! waits for the key). No async-signal code of our own.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH, SIGXFSZ};
use signal_hook::{SigId, flag, low_level};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What ends a process from outside and can be put off until the terminal is right again.
const OTHERS: [i32; 3] = [SIGTERM, SIGHUP, SIGQUIT];

/// How long a child that was asked to end may take for it.
const GRACE: Duration = Duration::from_secs(3);

/// True while SIGINT (and the others, once one was caught) ends the process.
fn armed() -> &'static Arc<AtomicBool> {
    static ARMED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    ARMED.get_or_init(|| Arc::new(AtomicBool::new(true)))
}

/// How many cannot be ended now, and when the last of them let go.
static CAUGHT: Mutex<(usize, Option<Instant>)> = Mutex::new((0, None));

/// One more who cannot be ended now, or one less.
fn disarm(more: bool) {
    let mut caught = CAUGHT.lock().unwrap_or_else(PoisonError::into_inner);
    caught.0 = if more { caught.0 + 1 } else { caught.0.saturating_sub(1) };
    if !more {
        caught.1 = Some(Instant::now());
    }
    armed().store(caught.0 == 0, Ordering::SeqCst);
}

/// A key that comes so soon after a question or an editor was meant for it.
const THEIRS: Duration = Duration::from_millis(200);

/// From now on Ctrl-C says these words and then ends the process, unless a question or an editor has the key.
pub fn explain(words: &'static str) {
    let Ok(mut caught) = catch() else { return };
    let watch = move || {
        loop {
            caught.wait(None);
            let (count, let_go) = *CAUGHT.lock().unwrap_or_else(PoisonError::into_inner);
            let signal = caught.signal.load(Ordering::SeqCst);
            let is_ours = count == 1 && let_go.is_none_or(|at| at.elapsed() > THEIRS);
            if usize::try_from(SIGINT) == Ok(signal) && is_ours {
                let start = if io::stderr().is_terminal() { "\n" } else { "" };
                let _ = writeln!(io::stderr(), "{start}anyt: interrupted ({words})");
                std::process::exit(130);
            } else if usize::try_from(SIGINT) != Ok(signal) && count == 1 {
                return caught.release();
            }
        }
    };
    // Without a thread Ctrl-C ends the process as before.
    let _ = std::thread::Builder::new().spawn(watch);
}

/// From now on SIGINT ends the process at once with exit code 130, and a file at its size limit (`ulimit -f`) is an
/// error of the write, as a full disk is, not the end of the process. Calling it again changes nothing.
pub fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // Fails only for signals that cannot be handled; then Ctrl-C keeps its default, which ends us too.
        let _ = flag::register_conditional_shutdown(SIGINT, 130, armed().clone());
        let _ = flag::register(SIGXFSZ, Arc::default());
    });
}

/// Runs a child that has the terminal, an editor. Ctrl-C is its own while it runs. SIGTERM and SIGHUP, which may have
/// come to us alone, are passed on; `obey` ends us of them once what the child left has been put away. `None` when it
/// was asked to end so and still runs.
pub fn run(command: &mut Command) -> io::Result<Option<ExitStatus>> {
    run_fed(command, None)
}

/// The same, with a text on its standard input. A child that leaves before it has read all of it takes no harm.
pub(super) fn run_fed(command: &mut Command, text: Option<String>) -> io::Result<Option<ExitStatus>> {
    let mut caught = catch_all(&[SIGTERM, SIGHUP], &[SIGTERM, SIGHUP, SIGCHLD])?;
    let mut child = command.spawn()?;
    if let (Some(text), Some(mut pipe)) = (text, child.stdin.take()) {
        // A pager reads as far as somebody looks.
        std::thread::spawn(move || pipe.write_all(text.as_bytes()));
    }
    let mut end: Option<Instant> = None;
    loop {
        // Every signal has been noted before it wakes us, so that none falls between the two.
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        match end {
            None => end = caught.pass_on(&child).then(|| Instant::now() + GRACE),
            Some(end) if Instant::now() >= end => return Ok(None),
            Some(_) => {}
        }
        caught.wait(end);
    }
}

/// A signal came while the last child ran.
pub(super) fn is_due() -> bool {
    POSTPONED.load(Ordering::SeqCst) != 0
}

/// Ends the process as the signal would have that came while a child ran, if one came.
pub fn obey() {
    if let Ok(signal) = i32::try_from(POSTPONED.swap(0, Ordering::SeqCst))
        && signal != 0
    {
        // Here and now, whoever else has caught it.
        let _ = low_level::emulate_default_handler(signal);
    }
}

/// The signal that ended, or should have ended, the last child.
static POSTPONED: AtomicUsize = AtomicUsize::new(0);

/// While it lives, the signals it was made for do nothing but wake whoever polls `waker`.
pub(super) struct Caught {
    pub waker: UnixStream,
    signal: Arc<AtomicUsize>,
    registered: Vec<SigId>,
    /// It is counted in `disarm`.
    holds: bool,
}

/// SIGINT and SIGTERM.
pub(super) fn catch() -> io::Result<Caught> {
    let all = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];
    catch_all(&all, &all)
}

/// The same, woken as well when a child has ended, and when the terminal has another size.
pub(super) fn catch_with_child() -> io::Result<Caught> {
    let all = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];
    catch_all(&all, &[SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGWINCH])
}

/// `noted` are remembered, `waking` wake; SIGINT does nothing beside that.
fn catch_all(noted: &[i32], waking: &[i32]) -> io::Result<Caught> {
    // signal-hook never gives a signal its default action back, so those that end us get a handler that imitates it.
    static TERMINATES: OnceLock<()> = OnceLock::new();
    install();
    TERMINATES.get_or_init(|| {
        for signal in OTHERS {
            let _ = flag::register_conditional_default(signal, armed().clone());
        }
    });
    let (waker, wake) = UnixStream::pair()?;
    let mut caught = Caught { waker, signal: Arc::default(), registered: Vec::new(), holds: false };
    for signal in noted {
        let number = usize::try_from(*signal).expect("signal numbers are positive");
        caught.registered.push(flag::register_usize(*signal, caught.signal.clone(), number)?);
    }
    for signal in waking {
        caught.registered.push(low_level::pipe::register(*signal, wake.try_clone()?)?);
    }
    // Last: a signal that comes before this line ends the process, and nothing has been changed yet.
    disarm(true);
    caught.holds = true;
    Ok(caught)
}

impl Caught {
    /// Sends the child the signal that came for us, and remembers it. False when none came.
    fn pass_on(&self, child: &Child) -> bool {
        let signal = self.signal.load(Ordering::SeqCst);
        POSTPONED.store(signal, Ordering::SeqCst);
        let known = [(SIGTERM, Signal::TERM), (SIGHUP, Signal::HUP)];
        let signal = known.into_iter().find(|(number, _)| usize::try_from(*number) == Ok(signal));
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let (Some((_, signal)), Some(pid)) = (signal, pid) {
            // It is not waited for yet, so the number is still its own; one that has ended takes no harm.
            let _ = kill_process(pid, signal);
        }
        signal.is_some()
    }

    /// The signal that came last, once.
    pub fn take(&self) -> i32 {
        i32::try_from(self.signal.swap(0, Ordering::SeqCst)).unwrap_or(0)
    }

    /// What has woken us has been seen. The waker must be readable.
    pub fn clear(&mut self) {
        let _ = self.waker.read(&mut [0; 64]);
    }

    /// Until a signal comes, or `end`.
    fn wait(&mut self, end: Option<Instant>) {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        if poll(&mut [PollFd::new(&self.waker, PollFlags::IN)], timeout.as_ref()).is_ok_and(|ready| ready > 0) {
            let _ = self.waker.read(&mut [0; 64]);
        }
    }

    /// Lets go and, if one of the others was what came, dies of it now, as it would have without us.
    pub fn release(self) {
        let signal = self.signal.load(Ordering::SeqCst);
        drop(self);
        if let Some(signal) = OTHERS.into_iter().find(|other| usize::try_from(*other) == Ok(signal)) {
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        if self.holds {
            disarm(false);
        }
        for id in self.registered.drain(..) {
            low_level::unregister(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test for both, because the flag belongs to the process. Run unprotected, either would end the test runner.
    #[test]
    fn a_signal_is_survived_while_a_child_runs_or_it_is_caught() {
        let mut child = Command::new("sh");
        child.args(["-c", "kill -INT $PPID; exit 3"]);
        assert_eq!(run(&mut child).unwrap().unwrap().code(), Some(3));
        let mut caught = catch().unwrap();
        low_level::raise(SIGINT).unwrap();
        caught.waker.read_exact(&mut [0]).unwrap();
        assert_eq!(caught.signal.load(Ordering::SeqCst), SIGINT as usize);
    }
}
