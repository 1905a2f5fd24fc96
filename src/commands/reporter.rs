//! `ConsoleReporter`, the engine's `Reporter`: the lines a sync prints, in the words of the specification's transcripts.
//!
//! The two headings appear when there is something below them, as in the transcripts; `--pull`, `--push` and `--force`
//! say theirs at once and sum up in one line.

use super::describe::describe;
use crate::error::Result;
use crate::model::kind::Identity;
use crate::model::{Kind, Shape};
use crate::sync::report::{Event, Reporter, Resolution, Summary, Totals, sides};
use crate::ui::Output;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// What is over sooner needs no line about how far it is.
const PROGRESS_AFTER: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Full,
    Pull,
    Push,
    Force,
    DryRun,
    /// A command's own write: only what the person must know beside the command's own line.
    Write,
}

pub struct ConsoleReporter<'a> {
    pub out: &'a RefCell<&'a mut Output>,
    mode: Mode,
    fetching: bool,
    pushing: bool,
    /// The pull is over; what is asked or merged now came up while sending.
    sending: bool,
    began: Instant,
    /// A closed pipe must not end a sync; it is remembered for the end.
    broken: Option<crate::error::Error>,
}

impl<'a> ConsoleReporter<'a> {
    pub fn new(out: &'a RefCell<&'a mut Output>, mode: Mode) -> ConsoleReporter<'a> {
        ConsoleReporter {
            out,
            mode,
            fetching: false,
            pushing: false,
            sending: false,
            began: Instant::now(),
            broken: None,
        }
    }

    fn say(&mut self, text: &str) {
        let said = self.out.borrow_mut().say(text);
        self.keep(said);
    }

    fn warn(&mut self, text: &str) {
        let said = self.out.borrow_mut().warn(text);
        self.keep(said);
    }

    fn keep(&mut self, said: Result<()>) {
        if let Err(error) = said {
            self.broken.get_or_insert(error);
        }
    }

    fn fetch_heading(&mut self) {
        if !self.fetching && self.mode != Mode::Write {
            self.fetching = true;
            self.say("↓ Fetching remote changes...");
        }
    }

    fn push_heading(&mut self) {
        if !self.pushing && self.mode != Mode::Write {
            self.pushing = true;
            self.say("↑ Pushing local changes...");
        }
    }

    fn heading(&mut self) {
        if self.sending { self.push_heading() } else { self.fetch_heading() }
    }

    fn pulled(&mut self, kind: &Kind, totals: Totals) {
        if !matches!(self.mode, Mode::Full | Mode::DryRun) {
            return;
        }
        for (count, what) in [(totals.updated, "updated"), (totals.new, "new"), (totals.deleted, "deleted")] {
            if count > 0 {
                self.fetch_heading();
                self.say(&format!("  - Pulled {count} {what} {}", plural(count, kind.name)));
            }
        }
    }

    fn pushed(&mut self, line: &str) {
        self.push_heading();
        if self.mode == Mode::Full {
            self.say(&format!("  - {line}"));
        }
    }

    /// What got another name is said also where the rest is only counted.
    fn pushed_renamed(&mut self, line: &str) {
        self.pushed(line);
        if self.mode == Mode::Push {
            self.say(&format!("  - {line}"));
        }
    }

    /// The closing line, and the error of a broken pipe, if there was one.
    pub fn close(mut self, summary: &Summary) -> Result<()> {
        self.out.borrow_mut().no_progress();
        let line = match self.mode {
            Mode::Write | Mode::DryRun => None,
            Mode::Pull => {
                let changes = summary.pulled.changes() + summary.accepted_remote;
                Some(format!("✓ Pulled {changes} {}", plural(changes, "change")))
            }
            Mode::Push => Some(format!("✓ Pushed {} {}", summary.pushed, plural(summary.pushed, "change"))),
            Mode::Force => {
                let tasks = summary.fetched;
                Some(format!("✓ Force synced {tasks} {}", plural(tasks, "task")))
            }
            Mode::Full => Some(full_line(summary)),
        };
        if let Some(line) = line.filter(|_| summary.stopped.is_none() || summary.synced() > 0) {
            self.say(&line);
        }
        self.broken.map_or(Ok(()), Err)
    }
}

/// Counts tasks when something came from the server, operations when things only went there (spec transcripts).
fn full_line(summary: &Summary) -> String {
    let synced = summary.synced();
    if synced == 0 {
        let open = summary.waiting + summary.failed + summary.held > 0;
        format!("✓ Synced 0 tasks{}", if open { "" } else { " (already up to date)" })
    } else if synced == summary.pushed && summary.resolved == 0 {
        format!("✓ Synced {synced} {}", plural(synced, "operation"))
    } else {
        let word = if summary.pulled_others { "change" } else { "task" };
        format!("✓ Synced {synced} {}", plural(synced, word))
    }
}

impl Reporter for ConsoleReporter<'_> {
    fn tell(&mut self, event: Event) {
        match event {
            Event::Fetching => {
                if matches!(self.mode, Mode::Pull | Mode::Force) {
                    self.fetch_heading();
                }
            }
            Event::Progress { sending, done, of } => {
                if self.began.elapsed() >= PROGRESS_AFTER {
                    let what = if sending { "Sending changes" } else { "Fetching tasks" };
                    let whole = if of > done { format!(" of {}", thousands(of)) } else { String::new() };
                    self.out.borrow_mut().progress(&format!("{what} {}{whole}", thousands(done)));
                }
            }
            Event::Asking => self.heading(),
            Event::Pulled(kind, totals) => self.pulled(kind, totals),
            Event::Pushing => {
                self.sending = true;
                if self.mode == Mode::Push {
                    self.push_heading();
                }
            }
            Event::Pushed { kind, shape, name, other, was } => {
                // Nobody knows a row that is only here by such a name.
                let was = was.filter(|_| kind.below().is_none());
                let line = sent(kind, shape, &kind.called(&name), other.as_deref());
                match was {
                    None => self.pushed(&line),
                    Some(was) => self.pushed_renamed(&format!("{line} (was {was})")),
                }
            }
            Event::Renumbered { from, to } => self.say(&format!("  {from} is now {to}, until it is sent")),
            Event::Merged { identifier, fields } => {
                self.heading();
                self.say(&format!("✓ Merged {identifier} ({})", sides(&fields)));
            }
            Event::Resolved(resolution) => self.say(match resolution {
                Resolution::KeptLocal => "✓ Resolved conflict (kept local)",
                Resolution::AcceptedRemote => "✓ Resolved conflict (accepted remote)",
                Resolution::Edited => "✓ Resolved conflict (edited)",
            }),
            Event::Waiting { identifier } => {
                self.warn(&format!("{identifier}: the conflict waits for a decision: anyt sync resolve {identifier}"));
            }
            Event::Refused { identifier, message } => {
                if self.mode != Mode::Write {
                    self.warn(&format!("{identifier} was not sent: {message}"));
                }
            }
            Event::Held { identifier } => {
                self.warn(&format!("{identifier} waits for an operation that was not sent"));
            }
            Event::WouldSend(operation) => {
                self.push_heading();
                self.say(&format!("  - Would send: {}", describe(&operation)));
            }
            Event::WouldAdopt { operation, name } => {
                self.push_heading();
                let other = if name == operation.name { String::new() } else { format!(" (as {name})") };
                self.say(&format!("  - Would find done: {}{other}", describe(&operation)));
            }
            Event::WouldAsk { identifier } => {
                self.fetch_heading();
                self.say(&format!("  - Would ask about: {identifier}"));
            }
            Event::Note(note) => self.warn(&note),
        }
    }
}

/// What the server has taken.
fn sent(kind: &Kind, shape: Shape, name: &str, other: Option<&str>) -> String {
    match (kind.identity, shape, other) {
        (Identity::Pair, Shape::Link, Some(other)) => format!("Added dependency: {name} on {other}"),
        (Identity::Pair, _, Some(other)) => format!("Removed dependency: {name} on {other}"),
        (_, Shape::Create | Shape::Link, _) => format!("Created: {name}"),
        (_, Shape::Delete | Shape::Unlink, _) => format!("Deleted: {name}"),
        (_, Shape::Update, _) => format!("Updated: {name}"),
    }
}

/// `1,200`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `2 tasks`.
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_string() } else { format!("{word}s") }
}

pub fn them(count: usize) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn large_numbers_are_readable() {
        for (number, text) in [(0, "0"), (999, "999"), (1_200, "1,200"), (123_456, "123,456"), (1_234_567, "1,234,567")]
        {
            assert_eq!(thousands(number), text);
        }
    }
}
