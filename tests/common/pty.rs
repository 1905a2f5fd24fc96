//! The client at a terminal: a pseudo-terminal of 24 x 80 as its controlling one, keys typed when the text they answer
//! has appeared. `setsid` (util-linux, busybox) makes it the controlling one: between fork and exec that takes unsafe code.

use super::run::{Exit, exit_of};
use super::sandbox::Sandbox;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long one expected text, or the end, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

pub struct Terminal {
    child: Child,
    /// The person's end.
    keyboard: File,
    /// The program's end, open here as well, so that its settings can still be seen when the program has gone.
    line: File,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    /// Up to here `expect` has found what it waited for.
    read: usize,
}

/// What came of a run at a terminal.
#[derive(Debug)]
pub struct Session {
    pub exit: Exit,
    /// All that the terminal showed, `\r\n` and control sequences as they came.
    pub screen: String,
    /// Echo and line editing were on again when the program had ended.
    pub restored: bool,
}

impl Terminal {
    /// `anyt ARGS` as the sandbox's person, at a terminal that understands colours.
    pub fn anyt(sandbox: &Sandbox, args: &[&str]) -> Terminal {
        Terminal::program(sandbox, &[&[env!("CARGO_BIN_EXE_anyt")], args].concat())
    }

    /// Any program, by its full path.
    pub fn program(sandbox: &Sandbox, words: &[&str]) -> Terminal {
        Terminal::wide(sandbox, 80, words)
    }

    /// The same at a terminal of so many columns.
    pub fn wide(sandbox: &Sandbox, columns: u16, words: &[&str]) -> Terminal {
        let (keyboard, line) = open();
        tcsetwinsize(&line, Winsize { ws_col: columns, ..SIZE }).expect("it is a terminal");
        let own = |file: &File| file.try_clone().expect("a descriptor more");
        // A child is no leader of a group, so setsid does not fork: the program has the child's number.
        let args = [&["-c"], words].concat();
        let mut command = sandbox.program(Path::new("setsid"), &args).env("TERM", "xterm").command();
        command.stdin(Stdio::from(own(&line))).stdout(own(&line)).stderr(own(&line));
        let child = command.spawn().expect("tests at a terminal need setsid");
        // The command holds three copies of the program's end.
        drop(command);
        let (sender, output) = mpsc::channel();
        let mut screen = own(&keyboard);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is the end: nobody has the other end open any more.
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                let _ = sender.send(buffer[..count].to_vec());
            }
        });
        Terminal { child, keyboard, line, output, seen: Vec::new(), read: 0 }
    }

    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Whether what is typed now is shown.
    pub fn echoes(&self) -> bool {
        self.modes().contains(LocalModes::ECHO)
    }

    fn modes(&self) -> LocalModes {
        tcgetattr(&self.line).expect("it is a terminal").local_modes
    }

    /// Waits until `text` appears after what was expected before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Terminal {
        let end = Instant::now() + PATIENCE;
        loop {
            let fresh = &self.seen[self.read..];
            if let Some(at) = fresh.windows(text.len()).position(|window| window == text.as_bytes()) {
                self.read += at + text.len();
                return self;
            }
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(more) => self.seen.extend(more),
                Err(_) => panic!("the terminal never showed {text:?}; it showed:\n{}", self.screen()),
            }
        }
    }

    /// Types. `\r` is the return key, `\x03` is ctrl-C, `\x04` is ctrl-D.
    pub fn send(&mut self, keys: &str) -> &mut Terminal {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self
    }

    /// Sends the program a signal that does not come from the keyboard.
    pub fn signal(&mut self, signal: Signal) -> &mut Terminal {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a child has a pid"), signal).expect("the program runs");
        self
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn end(mut self) -> Session {
        let exit = exit_of(self.wait());
        let restored = self.modes().contains(LocalModes::ECHO | LocalModes::ICANON);
        self.hang_up();
        let end = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(more) => self.seen.extend(more),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("something holds the terminal; it shows:\n{}", self.screen()),
            }
        }
        Session { exit, screen: self.screen(), restored }
    }

    /// Reads the screen for as long as the program runs: one that nobody reads would stop.
    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < end, "still running; the terminal shows:\n{}", self.screen());
            if let Ok(more) = self.output.recv_timeout(Duration::from_millis(5)) {
                self.seen.extend(more);
            }
        }
    }

    /// Closes our copy of the program's end.
    fn hang_up(&mut self) {
        self.line = File::open("/dev/null").expect("there is /dev/null");
    }
}

/// A new pseudo-terminal: the person's end and the program's.
fn open() -> (File, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pseudo-terminal");
    grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a pseudo-terminal of ours");
    let name = ptsname(&keyboard, Vec::new()).expect("it has a name").into_string().expect("its name is a path");
    let no_control = i32::try_from(OpenptFlags::NOCTTY.bits()).expect("a small number");
    let line = File::options().read(true).write(true).custom_flags(no_control).open(PathBuf::from(name));
    let line = line.expect("the other end of the pseudo-terminal");
    tcsetwinsize(&line, SIZE).expect("terminals have sizes");
    (File::from(keyboard), line)
}

impl Drop for Terminal {
    /// Ends the program; the loss of its terminal ends what it has started.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
