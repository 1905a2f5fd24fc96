//! The client at a terminal: a pseudo-terminal of 24 x 80 as its controlling one, keys typed when the text they answer
//! has appeared. Python's `pty` does the forking, which no safe Rust can.

use super::run::Exit;
use super::sandbox::Sandbox;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// How long one expected text, or the end, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Its stdout is the terminal's; what stdin brings is typed. Its last line on stderr is the verdict.
const SCRIPT: &str = r#"
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
watched = [terminal, 0]
while True:
    ready = select.select(watched, [], [])[0]
    if 0 in ready:
        keys = os.read(0, 4096)
        if keys:
            os.write(terminal, keys)
        else:
            watched.remove(0)
    if terminal in ready:
        try:
            text = os.read(terminal, 4096)
        except OSError:
            text = b""
        if not text:
            break
        os.write(1, text)
status = os.waitpid(pid, 0)[1]
flags = termios.tcgetattr(terminal)[3]
sane = bool(flags & termios.ECHO) and bool(flags & termios.ICANON)
kind, number = ("signal", os.WTERMSIG(status)) if os.WIFSIGNALED(status) else ("code", os.WEXITSTATUS(status))
print(kind, number, "sane" if sane else "raw", file=sys.stderr)
"#;

pub struct Terminal {
    child: Child,
    keys: ChildStdin,
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
        let script = ["-c", SCRIPT, env!("CARGO_BIN_EXE_anyt")];
        let args: Vec<&str> = script.iter().chain(args).copied().collect();
        Terminal::start(sandbox, &args)
    }

    /// Any program, by its full path.
    pub fn program(sandbox: &Sandbox, words: &[&str]) -> Terminal {
        let args: Vec<&str> = ["-c", SCRIPT].iter().chain(words).copied().collect();
        Terminal::start(sandbox, &args)
    }

    fn start(sandbox: &Sandbox, args: &[&str]) -> Terminal {
        let mut command = sandbox.program(Path::new("python3"), args).env("TERM", "xterm").command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("tests at a terminal need python3");
        let keys = child.stdin.take().expect("it was piped");
        let mut stdout = child.stdout.take().expect("it was piped");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                let _ = sender.send(buffer[..count].to_vec());
            }
        });
        Terminal { child, keys, output, seen: Vec::new(), read: 0 }
    }

    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
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
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("the terminal takes keys");
        self
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn end(mut self) -> Session {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(more) => self.seen.extend(more),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("still running; the terminal shows:\n{}", self.screen()),
            }
        }
        let mut verdict = String::new();
        let stderr = self.child.stderr.as_mut().expect("it was piped");
        stderr.read_to_string(&mut verdict).expect("the script's own words are UTF-8");
        let words: Vec<&str> = verdict.split_whitespace().collect();
        let exit = match words[..] {
            ["code", number, _] => Exit::Code(number.parse().expect("a code is a number")),
            ["signal", number, _] => Exit::Signal(number.parse().expect("a signal is a number")),
            _ => panic!("the terminal failed: {verdict}"),
        };
        Session { exit, screen: self.screen(), restored: words[2] == "sane" }
    }
}

impl Drop for Terminal {
    /// Ends the script; the hang-up of its terminal ends the program.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
