//! The one writer. stdout carries results and questions, stderr everything else; a reader that went away is
//! `Error::ClosedPipe` (a quiet exit 0), a full disk is a failure, and neither is ever a panic.
//!
//! Text handed to `line`, `say`, `warn`, `detail` and `error` is sanitised here and becomes exactly one line.
//! `raw` prints as it is: its callers sanitise, or print nothing that came from outside.

use crate::error::Error;
use crate::ui::{pager, sanitise};
use miniserde::json;
use rustix::fs::FileType;
use std::borrow::Cow;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;

/// When to colour: `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// As `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR` have it; else on a terminal whose `TERM` is not `dumb`.
    #[default]
    Auto,
    Always,
    Never,
}

/// The flags that decide what is printed.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputOptions {
    /// `-q`: no success chatter.
    pub quiet: bool,
    /// `--json`: stdout carries one document and nothing else.
    pub json: bool,
    pub color: ColorChoice,
    /// How often `-v` was given.
    pub verbose: u8,
}

/// A way of showing text; nothing may depend on it, because there may be no colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    /// One of the 216 colours that a terminal of 256 has beside its own.
    Palette(u8),
}

impl Style {
    /// Parameters of the SGR sequence (ECMA-48).
    fn code(self) -> Cow<'static, str> {
        match self {
            Style::Bold => "1".into(),
            Style::Dim => "2".into(),
            Style::Red => "31".into(),
            Style::Green => "32".into(),
            Style::Yellow => "33".into(),
            Style::Palette(number) => format!("38;5;{number}").into(),
        }
    }

    /// The nearest one to `#d73a4a`; `None` for anything else.
    pub fn of_color(text: &str) -> Option<Style> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        let level = |shift: u32| ((value >> shift & 0xFF) * 5 + 127) / 255;
        u8::try_from(16 + 36 * level(16) + 6 * level(8) + level(0)).ok().map(Style::Palette)
    }
}

/// stdout and stderr of this process. There is one of it.
pub struct Output {
    options: OutputOptions,
    hushed: bool,
    stdout: BufWriter<Box<dyn Write>>,
    stderr: Box<dyn Write>,
    colored: bool,
    /// Width of the terminal in columns; `None` when stdout is none.
    columns: Option<usize>,
    /// Somebody may be looking at where questions go.
    shows_questions: bool,
    /// stderr is a terminal that can take a line back.
    takes_back: bool,
    /// A line about how far something is stands there.
    has_progress: bool,
    /// What is for a pager, if it does not fit: stdout and what follows it on stderr.
    held: Option<(String, String)>,
    /// The locale has no UTF-8, and this stream is a terminal: stdout, stderr.
    ascii: (bool, bool),
}

impl Output {
    pub fn new(options: OutputOptions) -> Output {
        let terminal = io::stdout().is_terminal();
        let mut output = Output::onto(options, Box::new(Descriptor::Stdout), Box::new(Descriptor::Stderr));
        output.colored = match options.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => environment_wants_colors(terminal, &|name| std::env::var(name).ok()),
        };
        output.takes_back = io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        output.columns = terminal.then(terminal_columns);
        let ascii = !locale_has_utf8(&|name| std::env::var(name).ok());
        output.ascii = (ascii && terminal, ascii && io::stderr().is_terminal());
        output.shows_questions = if options.json { is_watched(io::stderr()) } else { is_watched(io::stdout()) };
        output
    }

    /// An output onto any two writers, as if neither were a terminal: what tests look at.
    pub fn onto(options: OutputOptions, stdout: Box<dyn Write>, stderr: Box<dyn Write>) -> Output {
        let stdout = BufWriter::with_capacity(1 << 16, stdout);
        Output {
            options,
            hushed: false,
            stdout,
            stderr,
            colored: options.color == ColorChoice::Always,
            columns: None,
            shows_questions: true,
            takes_back: false,
            has_progress: false,
            held: None,
            ascii: (false, false),
        }
    }

    /// Leaves success chatter out for a while, beside what `-q` leaves out.
    pub fn hush(&mut self, hushed: bool) {
        self.hushed = hushed;
    }

    fn is_quiet(&self) -> bool {
        self.options.quiet || self.options.json || self.hushed
    }

    /// From here on output is collected; at `end` a pager shows it if it is longer than the terminal.
    pub fn hold(&mut self) {
        if self.columns.is_some() && !self.options.json {
            self.held = Some(Default::default());
        }
    }

    /// Shows what was collected: in the pager if it does not fit and `paged`, else as it is.
    pub fn end(&mut self, paged: bool) -> Result<(), Error> {
        if let Some((text, after)) = self.held.take() {
            let rows = rustix::termios::tcgetwinsize(io::stdout()).map_or(usize::MAX, |size| usize::from(size.ws_row));
            if !(paged && text.lines().count() >= rows && pager::show(&text)) {
                self.stdout.write_all(text.as_bytes()).map_err(stdout_error)?;
            }
            self.flush()?;
            self.complain(&after);
        }
        self.flush()
    }

    pub fn is_json(&self) -> bool {
        self.options.json
    }

    /// Columns of the terminal that stdout is; `None` when it is a pipe or a file, where nothing is cut or wrapped.
    pub fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// False when a question would end in a file, unread.
    pub fn shows_questions(&self) -> bool {
        self.shows_questions
    }

    /// A line of the result: also under `-q`.
    pub fn line(&mut self, text: &str) -> Result<(), Error> {
        self.write(&sanitise::line(text))?;
        self.write("\n")
    }

    /// A line of success chatter or progress: silent under `-q` and `--json`, on screen at once otherwise.
    pub fn say(&mut self, text: &str) -> Result<(), Error> {
        if self.is_quiet() {
            return Ok(());
        }
        self.line(text)?;
        self.flush()
    }

    /// Text as it is, without a newline of its own: what `paint`, `sanitise::text` or we ourselves made.
    pub fn raw(&mut self, text: &str) -> Result<(), Error> {
        self.write(text)
    }

    /// One JSON document and a newline, with every character that could act on a terminal escaped.
    pub fn json(&mut self, document: &json::Value) -> Result<(), Error> {
        self.write(&sanitise::json(&json::to_string(document)))?;
        self.write("\n")
    }

    /// Part of a question, as it is: on stdout, or on stderr under `--json`. On screen at once.
    pub fn question(&mut self, text: &str) -> Result<(), Error> {
        if self.options.json {
            self.complain(text);
            return Ok(());
        }
        // Who is asked has to see what it is about.
        self.end(false)?;
        self.write(text)?;
        self.flush()
    }

    /// `anyt: warning: …` on stderr, also under `-q`.
    pub fn warn(&mut self, text: &str) -> Result<(), Error> {
        self.flush()?;
        self.complain(&format!("anyt: warning: {}\n", sanitise::line(text)));
        Ok(())
    }

    /// A line about the result, on stderr: silent under `-q` and `--json`.
    pub fn note(&mut self, text: &str) -> Result<(), Error> {
        if self.is_quiet() {
            return Ok(());
        }
        self.flush()?;
        self.complain(&format!("{}\n", sanitise::line(text)));
        Ok(())
    }

    /// How far something is: a line on stderr that the next one, or anything else, takes the place of. On a terminal only.
    pub fn progress(&mut self, text: &str) {
        if !self.takes_back || self.options.quiet || self.options.json || self.options.verbose > 0 {
            return;
        }
        let width = self.columns.unwrap_or(80).saturating_sub(1);
        let line = format!("\r{}\x1b[K", crate::ui::width::truncate(&sanitise::line(text), width));
        self.has_progress = false;
        self.complain(&line);
        self.has_progress = true;
    }

    /// It is over.
    pub fn no_progress(&mut self) {
        if std::mem::take(&mut self.has_progress) {
            let _ = self.stderr.write_all(b"\r\x1b[K").and_then(|()| self.stderr.flush());
        }
    }

    /// A line on stderr for those who gave `-v` at least `level` times.
    pub fn detail(&mut self, level: u8, text: &str) -> Result<(), Error> {
        if self.options.verbose < level {
            return Ok(());
        }
        self.flush()?;
        self.complain(&format!("{}\n", sanitise::line(text)));
        Ok(())
    }

    /// Help for a command line that was not complete, on stderr as it is: it is our own text.
    pub fn usage(&mut self, help: &str) {
        self.complain(help);
    }

    /// `anyt: <message> (<advice>)`, one line on stderr; nothing for a reader that went away.
    pub fn error(&mut self, error: &Error) -> Result<(), Error> {
        if matches!(error, Error::ClosedPipe) {
            return Ok(());
        }
        // The message matters more than what stdout may have lost: that is reported by the caller's own flush.
        let flushed = self.end(false);
        let message = match error.advice() {
            Some(advice) => format!("{error} ({advice})"),
            None => error.to_string(),
        };
        self.complain(&format!("anyt: {}\n", sanitise::line(&message)));
        flushed
    }

    /// Pushes out what is buffered. `main` calls it last, because only then is it known whether stdout took it all.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.stdout.flush().map_err(stdout_error)
    }

    /// `text`, sanitised, in a style if this output has colours. For `raw`.
    pub fn paint(&self, style: Style, text: &str) -> String {
        let text = sanitise::line(text);
        if self.colored { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.into_owned() }
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.no_progress();
        let text = if self.ascii.0 { &ascii(text) } else { text };
        if let Some((held, _)) = &mut self.held {
            held.push_str(text);
            return Ok(());
        }
        self.stdout.write_all(text.as_bytes()).map_err(stdout_error)
    }

    /// A stderr that cannot be written to is nobody's failure: there is nowhere left to say it.
    fn complain(&mut self, text: &str) {
        self.no_progress();
        let text = if self.ascii.1 { &ascii(text) } else { text };
        if let Some((_, held)) = &mut self.held {
            held.push_str(text);
            return;
        }
        let _ = self.stderr.write_all(text.as_bytes()).and_then(|()| self.stderr.flush());
    }
}

fn stdout_error(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Error::ClosedPipe,
        _ => Error::failure(format!("cannot write to standard output: {error}"))
            .hint("only what it says is lost: what it has queued or changed stays so"),
    }
}

/// `NO_COLOR` (<https://no-color.org>) goes before `CLICOLOR_FORCE` and `CLICOLOR` (<https://bixense.com/clicolors>).
fn environment_wants_colors(terminal: bool, lookup: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name| lookup(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    terminal && set("CLICOLOR").is_none_or(|value| value != "0") && set("TERM").is_some_and(|term| term != "dumb")
}

/// `LC_ALL`, `LC_CTYPE`, `LANG`: the first that is set decides.
fn locale_has_utf8(lookup: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| lookup(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Our own signs in ASCII, each as wide as it was. What people wrote stays as they wrote it.
fn ascii(text: &str) -> String {
    let sign = |sign| match sign {
        '✓' => '+',
        '✗' => 'x',
        '⚠' => '!',
        '↓' => '<',
        '↑' | '→' => '>',
        '…' => '~',
        other => other,
    };
    text.chars().map(sign).collect()
}

/// `COLUMNS` if the user exports it, else what the terminal says, else 80.
fn terminal_columns() -> usize {
    let exported = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let asked = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    exported.or_else(asked).filter(|columns| *columns > 0).unwrap_or(80)
}

/// A terminal, or a pipe whose other end may show it on one (`anyt sync | tee log`).
fn is_watched(stream: impl AsFd + IsTerminal) -> bool {
    let kind = || rustix::fs::fstat(&stream).map(|stat| FileType::from_raw_mode(stat.st_mode));
    stream.is_terminal() || matches!(kind(), Ok(FileType::Fifo | FileType::Socket))
}

/// stdout and stderr without the line buffer of `std`, which would cost a system call more for every listing.
enum Descriptor {
    Stdout,
    Stderr,
}

impl Write for Descriptor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let to = match self {
            Descriptor::Stdout => rustix::stdio::stdout(),
            Descriptor::Stderr => rustix::stdio::stderr(),
        };
        Ok(rustix::io::write(to, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// A writer whose content can be looked at while an `Output` holds it.
    #[derive(Clone, Default)]
    pub struct Page(Rc<RefCell<Vec<u8>>>);

    impl Page {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).expect("we write UTF-8")
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output whose stdout and stderr can be read afterwards; flush first.
    pub fn captured(options: OutputOptions) -> (Output, Page, Page) {
        let (out, err) = (Page::default(), Page::default());
        (Output::onto(options, Box::new(out.clone()), Box::new(err.clone())), out, err)
    }

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn quiet_and_json_silence_the_chatter_only() {
        for (quiet, json, expected) in
            [(false, false, "chatter\nresult\n"), (true, false, "result\n"), (false, true, "result\n")]
        {
            let (mut out, stdout, _) = captured(OutputOptions { quiet, json, ..Default::default() });
            out.say("chatter").unwrap();
            out.line("result").unwrap();
            out.flush().unwrap();
            assert_eq!(stdout.text(), expected);
        }
    }

    #[test]
    fn lines_are_inert() {
        let (mut out, stdout, stderr) = captured(OutputOptions { verbose: 1, ..Default::default() });
        out.line("a\x1b[2Jb\nc").unwrap();
        out.warn("w\r").unwrap();
        out.detail(1, "d\n").unwrap();
        out.detail(2, "not seen").unwrap();
        out.error(&Error::failure("bad\nanyt: forged").hint("run: anyt sync")).unwrap();
        assert_eq!(stdout.text(), "a\\x1b[2Jb\\nc\n");
        assert_eq!(stderr.text(), "anyt: warning: w\\r\nd\\n\nanyt: bad\\nanyt: forged (run: anyt sync)\n");
    }

    #[test]
    fn json_is_one_inert_line() {
        let (mut out, stdout, _) = captured(OutputOptions { json: true, ..Default::default() });
        out.json(&json::Value::String("a\x1b\u{9b}\u{202e}\n".into())).unwrap();
        out.flush().unwrap();
        assert!(!stdout.text().trim_end().contains(|c: char| c.is_control() || c == '\u{202e}'), "{}", stdout.text());
        let back: json::Value = json::from_str(&stdout.text()).unwrap();
        assert!(matches!(back, json::Value::String(text) if text == "a\x1b\u{9b}\u{202e}\n"));
    }

    #[test]
    fn variables_that_want_colors_or_none() {
        let wants = |terminal: bool, variables: &[(&str, &str)]| {
            let known = |name: &str| variables.iter().find(|one| one.0 == name).map(|one| one.1.to_string());
            environment_wants_colors(terminal, &known)
        };
        assert!(wants(true, &[("TERM", "xterm")]) && !wants(false, &[("TERM", "xterm")]));
        for no in [("TERM", "dumb"), ("NO_COLOR", "1"), ("CLICOLOR", "0")] {
            assert!(!wants(true, &[no, ("TERM", "xterm")]), "{no:?}");
        }
        assert!(wants(true, &[("TERM", "xterm"), ("NO_COLOR", ""), ("CLICOLOR", "1"), ("CLICOLOR_FORCE", "0")]));
        assert!(wants(false, &[("CLICOLOR_FORCE", "1")]) && !wants(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!wants(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("TERM", "xterm")]));
    }

    #[test]
    fn a_locale_without_utf8_has_signs_of_its_own() {
        let utf8 = |variables: &[(&str, &str)]| {
            let known = |name: &str| variables.iter().find(|one| one.0 == name).map(|one| one.1.to_string());
            locale_has_utf8(&known)
        };
        assert!(utf8(&[("LANG", "de_DE.UTF-8")]) && utf8(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!utf8(&[]) && !utf8(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")]) && !utf8(&[("LANG", "de_DE@euro")]));
        assert_eq!(ascii("✓ ⚠ a → b… Äpfel"), "+ ! a > b~ Äpfel");
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        for (kind, code) in [(ErrorKind::BrokenPipe, 0), (ErrorKind::StorageFull, 1)] {
            let mut out = Output::onto(OutputOptions::default(), Box::new(Failing(kind)), Box::new(io::sink()));
            out.line("x").unwrap();
            assert_eq!(out.flush().unwrap_err().exit_code(), code);
        }
    }

    #[test]
    fn paint_is_plain_without_colors_and_always_inert() {
        let (out, _, _) = captured(OutputOptions::default());
        assert_eq!(out.paint(Style::Bold, "x\x1b"), "x\\x1b");
        let (out, _, _) = captured(OutputOptions { color: ColorChoice::Always, ..Default::default() });
        assert_eq!(out.paint(Style::Bold, "x\x1b"), "\x1b[1mx\\x1b\x1b[0m");
    }
}
