//! What the server says about its work, on standard error: a line for each request, and events. Lines wait in a short
//! queue for a thread of their own, so that a full disk, a closed pipe or a reader that stands still costs no request
//! anything; what the queue cannot hold is counted and left out. No token ever comes here.

use crate::metrics::METRICS;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines that may wait.
const LONGEST_QUEUE: usize = 4_096;

/// How long the last lines may take when the server ends.
const LAST_LINES: Duration = Duration::from_secs(2);

enum Entry {
    Line(String),
    /// Everything before it has been written.
    Mark(SyncSender<()>),
}

static QUEUE: OnceLock<SyncSender<Entry>> = OnceLock::new();

/// From now on lines are written by a thread, and a panic is one of them.
pub fn start() {
    std::panic::set_hook(Box::new(|fault| event(&format!("a fault in the server: {fault}").replace('\n', " "))));
    let (sender, receiver) = sync_channel(LONGEST_QUEUE);
    let started = std::thread::Builder::new().name("log".into()).spawn(move || write_all(&receiver));
    if started.is_ok() {
        let _ = QUEUE.set(sender);
    }
}

/// A line about something other than a request.
pub fn event(text: &str) {
    line(format!("anyt-server: {text}"));
}

pub fn line(mut text: String) {
    text.push('\n');
    match QUEUE.get() {
        Some(queue) => {
            if queue.try_send(Entry::Line(text)).is_err() {
                METRICS.lines_lost.add(1);
            }
        }
        None => write(&text),
    }
}

/// Waits until what was said before is written, but not for ever.
pub fn flush() {
    let (sender, written) = sync_channel(1);
    if let Some(queue) = QUEUE.get()
        && queue.try_send(Entry::Mark(sender)).is_ok()
    {
        let _ = written.recv_timeout(LAST_LINES);
    }
}

fn write_all(entries: &Receiver<Entry>) {
    for entry in entries {
        match entry {
            Entry::Line(text) => write(&text),
            Entry::Mark(written) => drop(written.try_send(())),
        }
    }
}

fn write(text: &str) {
    // `eprintln!` would end the thread when nobody can read it.
    if std::io::stderr().lock().write_all(text.as_bytes()).is_err() {
        METRICS.lines_lost.add(1);
    }
}
