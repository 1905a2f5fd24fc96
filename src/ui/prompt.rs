//! Answers. They are read from stdin whether or not it is a terminal, so that they can be piped; a person may think as
//! long as they like, everything else has a deadline, and where no answer can come none is waited for (P6).
//! Bytes that are not part of an answer stay in stdin for whoever reads it next.

use crate::error::Error;
use crate::secret::Secret;
use crate::ui::{Output, hidden, interrupt, sanitise};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::stdin;
use rustix::termios::isatty;
#[cfg(test)]
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Bytes of the longest answer; a stdin that sends more without a newline holds no answers.
const LONGEST: usize = 1 << 16;

/// How long a pipe may keep us waiting for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Without its line end; invalid UTF-8 replaced.
    Line(String),
    /// There is no answer and there will be none.
    End,
}

enum Source {
    /// A person.
    Terminal,
    /// A pipe, a file, /dev/null.
    Piped,
    /// What a test says, and whether the pipe stays open after it.
    #[cfg(test)]
    Given(VecDeque<u8>, Next),
}

/// What comes from stdin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Byte(u8),
    /// The end of input.
    End,
    /// Nothing before the deadline: nobody knows what would still have come.
    Late,
    /// Ctrl-C.
    Interrupt,
}

/// stdin as a source of answers. There is one of it.
pub struct Input {
    source: Source,
    no_input: bool,
    /// No question is asked any more.
    ended: bool,
}

impl Input {
    /// `no_input` is `--no-input`: every question is answered by `Answer::End`.
    pub fn new(no_input: bool) -> Input {
        let terminal = isatty(stdin());
        let ended = no_input || (terminal && !hidden::in_foreground(stdin()));
        Input { source: if terminal { Source::Terminal } else { Source::Piped }, no_input, ended }
    }

    /// An input that says `text` as a pipe would.
    #[cfg(test)]
    pub(super) fn given(text: impl Into<Vec<u8>>) -> Input {
        Input { source: Source::Given(text.into().into(), Next::End), no_input: false, ended: false }
    }

    /// Whether it makes sense to ask: not after the end of input, not under `--no-input`, not a person who cannot see
    /// the question because it goes to a file.
    pub fn can_answer(&self, out: &Output) -> bool {
        !self.ended && (out.shows_questions() || !matches!(self.source, Source::Terminal))
    }

    /// Prints `prompt` without a newline and reads one line. What did not come from a terminal is echoed, so that a
    /// piped transcript reads like a typed one. `Error::Interrupted` for Ctrl-C at a terminal.
    pub fn ask(&mut self, out: &mut Output, prompt: &str) -> Result<Answer, Error> {
        if !self.can_answer(out) {
            return Ok(Answer::End);
        }
        // A person may interrupt as soon as they see the question; then the command that asked says what it has kept.
        let caught = matches!(self.source, Source::Terminal).then(interrupt::catch);
        let caught = caught.transpose().map_err(hidden::failed)?;
        out.question(&sanitise::line(prompt))?;
        let answer = self.read_line(caught.as_ref().map(|caught| caught.waker.as_fd()));
        if let Some(caught) = caught {
            caught.release();
        }
        match &answer {
            Ok(Answer::Line(_)) if matches!(self.source, Source::Terminal) => {}
            Ok(Answer::Line(line)) => out.question(&format!("{}\n", sanitise::line(line)))?,
            Ok(Answer::End) | Err(_) => out.question("\n")?,
        }
        answer
    }

    /// `<question> [y/N]: `. Every line but a yes is a no; `None` when nobody answers.
    pub fn confirm(&mut self, out: &mut Output, question: &str) -> Result<Option<bool>, Error> {
        Ok(match self.ask(out, &format!("{question} [y/N]: "))? {
            Answer::Line(line) => Some(["y", "yes"].contains(&line.trim().to_lowercase().as_str())),
            Answer::End => None,
        })
    }

    /// A line typed on the terminal without echo, whatever stdin is; `None` under `--no-input`, without a terminal, or
    /// when the person gives none. `Error::Interrupted` for Ctrl-C.
    pub fn secret(&mut self, out: &mut Output, prompt: &str) -> Result<Option<Secret>, Error> {
        if self.no_input {
            return Ok(None);
        }
        out.flush()?;
        hidden::ask(prompt)
    }

    /// `waker` can be read once a signal has come.
    fn read_line(&mut self, waker: Option<BorrowedFd<'_>>) -> Result<Answer, Error> {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let mut line = Vec::new();
        loop {
            match self.next(deadline, waker) {
                Next::Byte(b'\n') => break,
                Next::Byte(byte) if line.len() < LONGEST => line.push(byte),
                // A last line needs no line end.
                Next::End if !line.is_empty() => {
                    self.ended = true;
                    break;
                }
                // Half an answer is none.
                Next::Byte(_) | Next::End | Next::Late => {
                    self.ended = true;
                    return Ok(Answer::End);
                }
                Next::Interrupt => return Err(Error::interrupted()),
            }
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Answer::Line(String::from_utf8_lossy(&line).into_owned()))
    }

    /// A stdin that cannot be read has ended.
    fn next(&mut self, deadline: Instant, waker: Option<BorrowedFd<'_>>) -> Next {
        let deadline = match &mut self.source {
            #[cfg(test)]
            Source::Given(bytes, then) => return bytes.pop_front().map_or(*then, Next::Byte),
            Source::Terminal => None,
            Source::Piped => Some(deadline),
        };
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
            let mut waited = [readable(stdin()), readable(waker.unwrap_or(stdin()))];
            match poll(&mut waited, timeout.as_ref()) {
                Ok(0) => return Next::Late,
                Ok(_) if waker.is_some() && !waited[1].revents().is_empty() => return Next::Interrupt,
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return Next::End,
            }
            let mut byte = [0];
            match rustix::io::read(stdin(), &mut byte) {
                Ok(1) => return Next::Byte(byte[0]),
                // Somebody else may have made stdin non-blocking, and taken the byte that poll saw.
                Err(Errno::INTR | Errno::AGAIN) => {}
                _ => return Next::End,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::output::tests::captured;

    #[test]
    fn answers_are_echoed_and_inert() {
        let (mut out, stdout, _) = captured(Default::default());
        let mut input = Input::given(*b"2\r\n\x1b[31m\xff\nlast");
        assert_eq!(input.ask(&mut out, "Choice: ").unwrap(), Answer::Line("2".into()));
        assert_eq!(input.ask(&mut out, "Choice: ").unwrap(), Answer::Line("\x1b[31m\u{fffd}".into()));
        assert_eq!(input.ask(&mut out, "Choice: ").unwrap(), Answer::Line("last".into()));
        assert_eq!(input.ask(&mut out, "Choice: ").unwrap(), Answer::End);
        assert_eq!(stdout.text(), "Choice: 2\nChoice: \\x1b[31m\u{fffd}\nChoice: last\n");
    }

    #[test]
    fn a_line_without_end_is_no_answer() {
        let (mut out, _, _) = captured(Default::default());
        let mut input = Input::given(vec![b'y'; LONGEST + 10]);
        assert_eq!(input.ask(&mut out, "? ").unwrap(), Answer::End);
        assert!(!input.can_answer(&out));
    }

    /// `1` on a pipe that then stalls may have been the beginning of `1!` or of a ref list.
    #[test]
    fn half_an_answer_is_none() {
        let (mut out, _, _) = captured(Default::default());
        let stalled = Source::Given(b"first\n1".to_vec().into(), Next::Late);
        let mut input = Input { source: stalled, no_input: false, ended: false };
        assert_eq!(input.ask(&mut out, "? ").unwrap(), Answer::Line("first".into()));
        assert_eq!(input.ask(&mut out, "? ").unwrap(), Answer::End);
        assert!(!input.can_answer(&out));
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        let (mut out, stdout, _) = captured(Default::default());
        let (yes, no) = (Some(true), Some(false));
        for (given, expected) in [("y\n", yes), (" YES \n", yes), ("n\n", no), ("\n", no), ("", None), ("yep\n", no)] {
            assert_eq!(Input::given(given).confirm(&mut out, "Continue?").unwrap(), expected, "{given:?}");
        }
        assert!(stdout.text().starts_with("Continue? [y/N]: y\n"));
    }

    #[test]
    fn without_input_nothing_is_printed() {
        let (mut out, stdout, _) = captured(Default::default());
        let mut input = Input::new(true);
        assert_eq!(input.ask(&mut out, "? ").unwrap(), Answer::End);
        assert_eq!(input.secret(&mut out, "? ").unwrap(), None);
        out.flush().unwrap();
        assert_eq!(stdout.text(), "");
    }
}
