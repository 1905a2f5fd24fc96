//! A secret typed without echo. The terminal's settings are restored on every way out: an answer, Ctrl-C, a signal
//! from outside, a vanished terminal, an error.

use crate::error::Error;
use crate::secret::Secret;
use crate::ui::{interrupt, sanitise};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::io::Errno;
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes; nothing that people type or paste is longer.
const LONGEST: usize = 1 << 16;

/// How long a key is waited for when stdin is not the terminal: somebody may be there, or nobody (P6).
const ANSWER_TIMEOUT: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CTRL_U: u8 = 0x15;
const CTRL_BACKSLASH: u8 = 0x1c;
const DELETE: u8 = 0x7f;

/// Shows `prompt` on the terminal and reads a line there. `None` without a terminal, in the background, and when the
/// person ends the input (Ctrl-D) or does not come.
pub(super) fn ask(prompt: &str) -> Result<Option<Secret>, Error> {
    let Some(terminal) = terminal() else { return Ok(None) };
    let caught = interrupt::catch().map_err(failed)?;
    let typed = {
        let _quiet = Quiet::new(terminal.as_fd()).map_err(failed)?;
        // Only now: who sees the prompt may type at once and it will not be echoed.
        write(&terminal, &sanitise::line(prompt));
        let typed = read(&terminal, caught.waker.as_fd());
        write(&terminal, "\n");
        typed
    };
    caught.release();
    match typed? {
        Some(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(_) => Err(Error::failure("what was typed is not UTF-8")),
        },
        None => Ok(None),
    }
}

/// A terminal that this process may read, if there is one.
fn terminal() -> Option<OwnedFd> {
    let unusable_stdin =
        !isatty(stdin()) && fstat(stdin()).is_ok_and(|s| FileType::from_raw_mode(s.st_mode).is_char_device());
    if unusable_stdin {
        // /dev/null, which is also what a closed stdin is: nobody is meant to be asked.
        return None;
    }
    rustix::fs::open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
        .ok()
        .or_else(|| stdin().try_clone_to_owned().ok())
        .filter(|fd| isatty(fd) && in_foreground(fd.as_fd()))
}

/// A job in the background that touches the terminal is stopped by the kernel and would wait for ever.
pub(super) fn in_foreground(terminal: BorrowedFd<'_>) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == rustix::process::getpgrp())
}

/// A terminal that hands over every byte and shows none, until it is dropped.
struct Quiet<'a> {
    terminal: BorrowedFd<'a>,
    before: Termios,
}

impl Quiet<'_> {
    fn new(terminal: BorrowedFd<'_>) -> rustix::io::Result<Quiet<'_>> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
        // Flush: what was typed before was echoed and is no secret.
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Quiet { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
}

fn read(terminal: &OwnedFd, waker: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Error> {
    let timeout = (!isatty(stdin())).then_some(&ANSWER_TIMEOUT);
    let mut typed = Vec::new();
    while typed.len() < LONGEST {
        let mut waited = [PollFd::new(terminal, PollFlags::IN), PollFd::new(&waker, PollFlags::IN)];
        match poll(&mut waited, timeout) {
            Ok(0) => return Ok(None),
            Ok(_) if !waited[1].revents().is_empty() => return Err(Error::interrupted()),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(failed(error)),
        }
        let mut byte = [0];
        match rustix::io::read(terminal, &mut byte) {
            Ok(1) => {}
            Ok(_) | Err(Errno::IO) => return Ok(None),
            Err(Errno::INTR | Errno::AGAIN) => continue,
            Err(error) => return Err(failed(error)),
        }
        match key(&mut typed, byte[0]) {
            Key::More => {}
            Key::Done => return Ok(Some(typed)),
            Key::End => return Ok(None),
            Key::Interrupt => return Err(Error::interrupted()),
        }
    }
    Err(Error::failure("that is too long for a secret"))
}

#[derive(Debug, PartialEq)]
enum Key {
    More,
    Done,
    End,
    Interrupt,
}

/// What a byte does to the line typed so far: the editing that the terminal's own line mode would have done.
fn key(typed: &mut Vec<u8>, byte: u8) -> Key {
    match byte {
        b'\n' | b'\r' => return Key::Done,
        CTRL_D if typed.is_empty() => return Key::End,
        CTRL_D => return Key::Done,
        CTRL_C | CTRL_BACKSLASH => return Key::Interrupt,
        CTRL_U => typed.clear(),
        BACKSPACE | DELETE => {
            // The continuation bytes of a UTF-8 character, then its first byte.
            while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
        }
        other => typed.push(other),
    }
    Key::More
}

/// A terminal that takes no prompt may still give an answer, or end the reading by itself.
fn write(terminal: &OwnedFd, text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match rustix::io::write(terminal, rest) {
            Ok(count) => rest = &rest[count..],
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

pub(super) fn failed(error: impl std::fmt::Display) -> Error {
    Error::failure(format!("cannot read from the terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_all(bytes: &[u8]) -> (Vec<u8>, Key) {
        let mut typed = Vec::new();
        for byte in bytes {
            match key(&mut typed, *byte) {
                Key::More => {}
                last => return (typed, last),
            }
        }
        (typed, Key::More)
    }

    #[test]
    fn keys_edit_the_line() {
        for (keys, line, last) in [
            ("secret\n", "secret", Key::Done),
            ("secret\r", "secret", Key::Done),
            ("ab\x7f\x7f\x7fcd\x08\n", "c", Key::Done),
            ("aé日\x7f\x7f\n", "a", Key::Done),
            ("wrong\x15right\n", "right", Key::Done),
            ("\x04", "", Key::End),
            ("ab\x04", "ab", Key::Done),
            ("ab\x03", "ab", Key::Interrupt),
        ] {
            assert_eq!(type_all(keys.as_bytes()), (line.as_bytes().to_vec(), last), "{keys:?}");
        }
    }
}
