//! One run of a program: how it is started, fed and timed, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::dispositions;
use super::json::{self, Value};

/// A run that takes longer than this is killed and fails the test, unless the test says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
enum Stdin {
    /// `/dev/null`.
    Null,
    /// No descriptor 0 at all.
    Closed,
    Text(Vec<u8>),
    /// The same line for as long as it is read, like `yes`.
    Endless(String),
    /// A pipe on which nothing ever comes and whose end never comes either.
    Silent,
}

/// A run to be: chain what it needs, then `run` (or `ok`, `code`) or `spawn`.
#[must_use]
pub struct Invocation {
    program: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    stdin: Stdin,
    merged: bool,
    timeout: Duration,
}

impl Invocation {
    pub fn new(program: &Path, args: &[&str], env: BTreeMap<String, String>, cwd: &Path) -> Invocation {
        let args = args.iter().map(|arg| arg.to_string()).collect();
        let (program, cwd) = (program.into(), cwd.into());
        Invocation { program, args, env, cwd, stdin: Stdin::Null, merged: false, timeout: TIMEOUT }
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Invocation {
        self.stdin = Stdin::Text(text.into());
        self
    }

    pub fn stdin_closed(mut self) -> Invocation {
        self.stdin = Stdin::Closed;
        self
    }

    /// `yes LINE |`
    pub fn stdin_endless(mut self, line: &str) -> Invocation {
        self.stdin = Stdin::Endless(line.into());
        self
    }

    pub fn stdin_silent(mut self) -> Invocation {
        self.stdin = Stdin::Silent;
        self
    }

    /// stderr goes where stdout goes, in the order of their writing: what a person sees.
    pub fn merged(mut self) -> Invocation {
        self.merged = true;
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Invocation {
        self.env.insert(name.into(), value.into());
        self
    }

    pub fn without_env(mut self, name: &str) -> Invocation {
        self.env.remove(name);
        self
    }

    pub fn timeout(mut self, limit: Duration) -> Invocation {
        self.timeout = limit;
        self
    }

    /// Runs it to its end; killed and a failed test when it takes too long.
    pub fn run(self) -> Run {
        let timeout = self.timeout;
        self.spawn().wait(timeout)
    }

    /// `run` and `Run::ok` in one.
    pub fn ok(self) -> Run {
        self.run().ok()
    }

    /// `run` and `Run::code` in one.
    pub fn code(self, code: i32) -> Run {
        self.run().code(code)
    }

    /// The process description, for a stage of its own (the pseudo-terminal).
    pub fn command(&self) -> Command {
        dispositions::inherit_none();
        let input = if matches!(self.stdin, Stdin::Closed) { "<&-" } else { "" };
        let output = if self.merged { "2>&1" } else { "" };
        let mut command = Command::new(&self.program);
        if !input.is_empty() || self.merged {
            command = Command::new("/bin/sh");
            command.args(["-c", &format!("exec \"$@\" {input} {output}"), "sh"]).arg(&self.program);
        }
        command.args(&self.args).env_clear().envs(&self.env).current_dir(&self.cwd);
        command
    }

    /// Starts it and goes on.
    pub fn spawn(self) -> Running {
        let mut command = self.command();
        let input = if matches!(self.stdin, Stdin::Null | Stdin::Closed) { Stdio::null() } else { Stdio::piped() };
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {:?}: {error}", self.program));
        let silent = feed(&mut child, self.stdin);
        let stdout = Stream::collect(child.stdout.take().expect("it was piped"));
        let stderr = Stream::collect(child.stderr.take().expect("it was piped"));
        let pid = child.id();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = sender.send((child.wait(), started.elapsed()));
        });
        let name = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let command = [name].into_iter().chain(self.args).collect::<Vec<_>>().join(" ");
        Running { command, pid, ended, stdout, stderr, _silent: silent }
    }
}

/// Gives the child its input on a thread. What a child does not read is no error. A silent pipe is given back open.
fn feed(child: &mut Child, stdin: Stdin) -> Option<std::process::ChildStdin> {
    let mut pipe = child.stdin.take()?;
    match stdin {
        Stdin::Silent => return Some(pipe),
        Stdin::Text(text) => drop(std::thread::spawn(move || pipe.write_all(&text))),
        Stdin::Endless(line) => {
            let line = format!("{line}\n").into_bytes();
            drop(std::thread::spawn(move || while pipe.write_all(&line).is_ok() {}));
        }
        Stdin::Null | Stdin::Closed => {}
    }
    None
}

/// What a stream has brought so far.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    end: mpsc::Receiver<()>,
}

impl Stream {
    fn collect(mut from: impl Read + Send + 'static) -> Stream {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (sender, end) = mpsc::channel();
        let into = text.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                into.lock().expect("no thread panics holding it").extend_from_slice(&buffer[..count]);
            }
            let _ = sender.send(());
        });
        Stream { text, end }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("no thread panics holding it")).into_owned()
    }

    /// All of it. A grandchild that holds the stream open is not waited for longer than a moment.
    fn whole(&self) -> String {
        let _ = self.end.recv_timeout(Duration::from_secs(5));
        self.so_far()
    }
}

/// A process under way.
pub struct Running {
    command: String,
    pid: u32,
    ended: mpsc::Receiver<(std::io::Result<ExitStatus>, Duration)>,
    stdout: Stream,
    stderr: Stream,
    _silent: Option<std::process::ChildStdin>,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn stdout_so_far(&self) -> String {
        self.stdout.so_far()
    }

    pub fn stderr_so_far(&self) -> String {
        self.stderr.so_far()
    }

    /// SIGKILL: what `kill -9` and a power cut do.
    pub fn kill(self) -> Run {
        self.signal(rustix::process::Signal::KILL);
        self.wait(TIMEOUT)
    }

    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// A process that is already gone cannot be signalled: no error.
    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        let _ = rustix::process::kill_process(pid.expect("a child has a pid"), signal);
    }

    pub fn wait(self, limit: Duration) -> Run {
        let (status, elapsed) = match self.ended.recv_timeout(limit) {
            Ok((status, elapsed)) => (status.expect("a child can be waited for"), elapsed),
            Err(_) => {
                self.signal(rustix::process::Signal::KILL);
                panic!(
                    "`{}` was still running after {limit:?} and was killed\n--- stdout\n{}\n--- stderr\n{}",
                    self.command,
                    self.stdout.so_far(),
                    self.stderr.so_far()
                );
            }
        };
        let exit = exit_of(status);
        Run { command: self.command, exit, stdout: self.stdout.whole(), stderr: self.stderr.whole(), elapsed }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

pub fn exit_of(status: ExitStatus) -> Exit {
    match status.code() {
        Some(code) => Exit::Code(code),
        None => Exit::Signal(status.signal().unwrap_or(0)),
    }
}

/// What came of a run. Its `Display` shows all of it, for assertion messages.
#[derive(Debug, Clone)]
pub struct Run {
    pub command: String,
    pub exit: Exit,
    pub stdout: String,
    pub stderr: String,
    /// From the start to the exit as the tests' process saw it.
    pub elapsed: Duration,
}

impl Run {
    /// It exited with 0.
    #[track_caller]
    pub fn ok(self) -> Run {
        self.code(0)
    }

    #[track_caller]
    pub fn code(self, code: i32) -> Run {
        assert!(self.exit == Exit::Code(code), "expected exit code {code}\n{self}");
        self
    }

    pub fn stdout_lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// What went wrong is said in one line, for people.
    #[track_caller]
    pub fn is_one_line_of_error(&self) {
        let errors = self.stderr.lines().filter(|line| line.starts_with("anyt: ")).count();
        assert!(errors == 1 && self.stderr_lines().len() == 1, "not one line of error\n{self}");
        assert!(!self.stderr.contains("Os {") && !self.stderr.contains("Error {"), "Debug text\n{self}");
        let clauses = self.stderr.trim().trim_end_matches(')').replace(" (", "; ");
        let clauses: Vec<&str> = clauses.split("; ").collect();
        let is_said_again =
            |(at, clause): (usize, &&str)| clauses[at + 1..].iter().any(|other| other.starts_with(clause));
        assert!(!clauses.iter().enumerate().any(is_said_again), "the same is said twice\n{self}");
    }

    pub fn stderr_lines(&self) -> Vec<&str> {
        self.stderr.lines().collect()
    }

    /// stdout as the one JSON document it must be under `--json`.
    #[track_caller]
    pub fn json(&self) -> Value {
        json::try_parse(&self.stdout).unwrap_or_else(|| panic!("stdout is no JSON document\n{self}"))
    }

    /// Some line of stdout contains `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Run {
        assert!(self.stdout.contains(text), "stdout does not say {text:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn warns(self, text: &str) -> Run {
        assert!(self.stderr.contains(text), "stderr does not say {text:?}\n{self}");
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { command, exit, stdout, stderr, elapsed } = self;
        write!(f, "$ {command}\n{exit:?} after {elapsed:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
