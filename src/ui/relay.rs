//! A command that is run in our place: it has the person's terminal, what it writes passes through, and the end of that is
//! kept. Where stdout is a terminal, the command writes to one too (a pseudo-terminal of the same size, which changes
//! nothing on the way), so that its colours and progress are as without us; its stdin is ours as it is.

use super::interrupt::{Caught, catch_with_child};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{OptionalActions, OutputModes, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Bytes of the output that are kept, from its end.
const KEPT: usize = 64 << 10;

/// A command that has ended.
pub struct Ran {
    pub status: ExitStatus,
    /// A signal came that was to end it, or the person's terminal sent one.
    pub asked_to_end: bool,
    tail: VecDeque<u8>,
    left_out: usize,
}

impl Ran {
    /// The end of its output, from the beginning of a line, with what was left out before it.
    pub fn log(self) -> String {
        let bytes: Vec<u8> = self.tail.into();
        let text = String::from_utf8_lossy(&bytes).replace('\0', "");
        if self.left_out == 0 {
            return text;
        }
        let start = text.find('\n').map_or(0, |at| at + 1);
        format!("[{} bytes before this are left out]\n{}", self.left_out + start, &text[start..])
    }
}

/// Something that the command writes to, and where it goes.
struct Source {
    from: OwnedFd,
    to: BorrowedFd<'static>,
}

/// Runs the command to its end. With `aside` what it writes goes to stderr.
///
/// # Errors
/// It cannot be started.
pub fn run(command: &mut Command, aside: bool) -> io::Result<Ran> {
    let mut caught = catch_with_child()?;
    let mut terminal = None;
    let mut sources = Vec::new();
    if !aside && isatty(stdout()) {
        let (master, slave) = pseudo_terminal()?;
        if isatty(stderr()) {
            command.stderr(slave.try_clone()?);
        } else {
            sources.push(piped(stderr(), |writer| _ = command.stderr(writer))?);
        }
        command.stdout(slave);
        terminal = Some(master.try_clone()?);
        sources.push(Source { from: master, to: stdout() });
    } else {
        let to = if aside { stderr() } else { stdout() };
        sources.push(piped(to, |writer| _ = command.stdout(writer))?);
        sources.push(piped(stderr(), |writer| _ = command.stderr(writer))?);
    }
    let mut child = command.spawn()?;
    // Our copies of its ends go, else there is no end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (mut tail, mut left_out, mut status, mut asked_to_end) = (VecDeque::new(), 0, None, false);
    loop {
        // What it has left in the pipes is taken; what a program that outlives it writes later is not waited for.
        let timeout = status.is_some().then_some(Timespec { tv_sec: 0, tv_nsec: 0 });
        let (woken, ready) = wait(&caught, &sources, timeout.as_ref())?;
        if woken {
            caught.clear();
        }
        asked_to_end |= forward(&caught, &child);
        if let Some(terminal) = &terminal {
            let _ = tcgetwinsize(stdout()).and_then(|size| tcsetwinsize(terminal, size));
        }
        let mut open = ready.iter();
        sources.retain(|source| !open.next().is_some_and(|ready| *ready) || pass(source, &mut tail, &mut left_out));
        if status.is_none() {
            status = child.try_wait()?;
        } else if !ready.contains(&true) {
            break;
        }
    }
    let status = status.map_or_else(|| child.wait(), Ok)?;
    Ok(Ran { status, asked_to_end, tail, left_out })
}

/// Until something came, or a signal: whether one did, and which of the sources have something, or are at their end.
fn wait(caught: &Caught, sources: &[Source], timeout: Option<&Timespec>) -> io::Result<(bool, Vec<bool>)> {
    let mut all = vec![PollFd::new(&caught.waker, PollFlags::IN)];
    all.extend(sources.iter().map(|source| PollFd::new(&source.from, PollFlags::IN)));
    match poll(&mut all, timeout) {
        Ok(_) => {
            let mut ready = all.iter().map(|one| !one.revents().is_empty());
            Ok((ready.next().unwrap_or(false), ready.collect()))
        }
        Err(Errno::INTR) => Ok((false, vec![false; sources.len()])),
        Err(error) => Err(error.into()),
    }
}

/// Passes on what is there. False: that was all, or nobody takes it any more.
fn pass(source: &Source, tail: &mut VecDeque<u8>, left_out: &mut usize) -> bool {
    let mut buffer = [0; 16 << 10];
    let count = match rustix::io::read(&source.from, &mut buffer) {
        Ok(count @ 1..) => count,
        Err(Errno::INTR | Errno::AGAIN) => return true,
        // A pseudo-terminal that nobody has open any more says EIO.
        Ok(_) | Err(_) => return false,
    };
    tail.extend(&buffer[..count]);
    let surplus = tail.len().saturating_sub(KEPT);
    tail.drain(..surplus);
    *left_out += surplus;
    let mut left = &buffer[..count];
    while !left.is_empty() {
        match rustix::io::write(source.to, left) {
            Ok(written) => left = &left[written..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Passes on the signal that came. What the terminal sends has reached the command already.
fn forward(caught: &Caught, child: &Child) -> bool {
    let signal = caught.take();
    let known = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];
    let Some(signal) = known.into_iter().find(|known| known.as_raw() == signal) else { return false };
    let of_the_terminal = matches!(signal, Signal::INT | Signal::QUIT) && isatty(stdin());
    if let (Some(pid), false) = (i32::try_from(child.id()).ok().and_then(Pid::from_raw), of_the_terminal) {
        let _ = kill_process(pid, signal);
    }
    true
}

fn piped(to: BorrowedFd<'static>, give: impl FnOnce(io::PipeWriter)) -> io::Result<Source> {
    let (reader, writer) = io::pipe()?;
    give(writer);
    Ok(Source { from: reader.into(), to })
}

/// Both ends of a pseudo-terminal of our terminal's size. It leaves what is written as it is: ours does what is to be done.
fn pseudo_terminal() -> io::Result<(OwnedFd, File)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let path = std::path::Path::new(std::ffi::OsStr::new(name.to_str().map_err(io::Error::other)?));
    let flags = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap_or(0);
    let slave = {
        use std::os::unix::fs::OpenOptionsExt;
        OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?
    };
    let mut modes = tcgetattr(&slave)?;
    modes.output_modes.remove(OutputModes::OPOST);
    tcsetattr(&slave, OptionalActions::Now, &modes)?;
    let _ = tcgetwinsize(stdout()).and_then(|size| tcsetwinsize(slave.as_fd(), size));
    Ok((master, slave))
}
