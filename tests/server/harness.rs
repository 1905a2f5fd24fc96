//! Starting a server in a folder of its own, and talking to it with nothing but a socket.

use miniserde::json::{self, Number, Value};
use rustix::process::Signal;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub const TOKEN: &str = "anyt_test_token";
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A folder that goes away with its owner.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("anyt-server-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file for the test");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anyt-server"));
    command.args(["--listen", "127.0.0.1:0"]).args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command
}

fn in_shell(folder: &Folder, script: &str, database: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_anyt-server"), "--listen", "127.0.0.1:0"]);
    command.args(["--db", database, "--token", TOKEN]).current_dir(folder.path()).stdin(Stdio::null());
    command
}

/// Runs a server that is expected to end by itself.
pub fn run(folder: &Folder, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("anyt-server runs")
}

/// Runs a command of administration on `d.db`.
pub fn admin(folder: &Folder, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anyt-server"));
    command.args(["--db", "d.db"]).args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command.output().expect("anyt-server runs")
}

/// The same, which has to succeed; its standard output.
pub fn administer(folder: &Folder, arguments: &[&str]) -> String {
    let output = admin(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The same, which has to fail with exit code 1 and change nothing; its one line.
pub fn administer_in_vain(folder: &Folder, arguments: &[&str]) -> String {
    let output = admin(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((message.lines().count(), output.stdout.len()), (1, 0), "{message}");
    message
}

pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    pub address: String,
    pub folder: Folder,
}

impl Server {
    /// One user, `user`, whose token is `TOKEN`; data in memory.
    pub fn new() -> Server {
        Server::with(&["--db", ":memory:", "--token", TOKEN])
    }

    pub fn with(arguments: &[&str]) -> Server {
        Server::start(Folder::new(), arguments)
    }

    /// Like `new`, with a limit on open files.
    pub fn with_descriptors(limit: u32) -> Server {
        let folder = Folder::new();
        let command = in_shell(&folder, &format!("ulimit -n {limit}; exec \"$0\" \"$@\""), ":memory:");
        Server::spawn(folder, command)
    }

    /// Started by `script`, with the data in `d.db`; `"$0" "$@"` is the server with its arguments.
    pub fn in_shell(script: &str) -> Server {
        let folder = Folder::new();
        let command = in_shell(&folder, script, "d.db");
        Server::spawn(folder, command)
    }

    /// Its standard error is a pipe that fills up.
    pub fn with_log_nobody_reads() -> Server {
        let folder = Folder::new();
        let mut command = command(&folder, &["--db", ":memory:", "--token", TOKEN]);
        Server::spawn_with(folder, command.stderr(Stdio::piped()))
    }

    pub fn start(folder: Folder, arguments: &[&str]) -> Server {
        let command = command(&folder, arguments);
        Server::spawn(folder, command)
    }

    /// With a command line of the caller's.
    pub fn start_as(folder: Folder, command: Command) -> Server {
        Server::spawn(folder, command)
    }

    fn spawn(folder: Folder, mut command: Command) -> Server {
        let log = File::options().create(true).append(true).open(folder.path().join("log")).expect("our own folder");
        Server::spawn_with(folder, command.stderr(log))
    }

    fn spawn_with(folder: Folder, command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("anyt-server starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("anyt-server listening on http://").unwrap_or_else(|| panic!("{line}"));
        Server { child, out, address: address.to_string(), folder }
    }

    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("its next line");
        line
    }

    /// What it has said on standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("our own file")
    }

    /// SIGKILL, in the middle of whatever it is doing; the folder stays.
    pub fn kill(mut self) -> Folder {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ends");
        std::mem::replace(&mut self.folder, Folder(PathBuf::new()))
    }

    /// A signal while others still talk to it.
    pub fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).expect("a running process");
        rustix::process::kill_process(pid, signal).expect("it was running");
    }

    /// Waits for it to end by itself, with success; the folder stays.
    pub fn wait(mut self) -> Folder {
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}: {}", self.log());
        std::mem::replace(&mut self.folder, Folder(PathBuf::new()))
    }

    /// An orderly end.
    pub fn end(self, signal: Signal) -> Folder {
        self.signal(signal);
        self.wait()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        self.kilobytes("VmRSS:") * 1_024
    }

    /// The most that it ever was.
    pub fn peak_memory(&self) -> u64 {
        self.kilobytes("VmHWM:") * 1_024
    }

    fn kilobytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a running process");
        let line = status.lines().find(|line| line.starts_with(name)).expect("its memory");
        line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("kilobytes")
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out above zero");
        stream
    }

    /// One request on a connection of its own, with exactly these headers.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.attempt(method, path, headers, body).expect("an answer")
    }

    /// `None` when the server died before it answered.
    pub fn attempt(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Reply::parse(&answer)
    }

    /// An answer whose body is no text: its head, and the body.
    pub fn bytes(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (String, Vec<u8>) {
        let mut stream = self.connect();
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        stream.write_all((text + "\r\n").as_bytes()).expect("an open connection");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
        (String::from_utf8(answer[..end].to_vec()).expect("UTF-8"), answer[end + 4..].to_vec())
    }

    /// A request of `user`.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Reply {
        self.raw(method, path, &[("Authorization", &format!("Bearer {TOKEN}"))], body)
    }

    /// A request with this token.
    pub fn by(&self, token: &str, method: &str, path: &str, body: &str) -> Reply {
        self.raw(method, path, &[("Authorization", &format!("Bearer {token}"))], body)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.call("GET", path, "")
    }

    /// A task of workspace 1 and project 1 with these further members (`"priority": 1`).
    pub fn task(&self, title: &str, members: &str) -> Reply {
        let more = if members.is_empty() { String::new() } else { format!(", {members}") };
        let body = format!(r#"{{"title": "{title}", "project_id": 1{more}}}"#);
        let reply = self.call("POST", "/v1/workspaces/1/tasks", &body);
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply
    }

    pub fn patch(&self, task: &str, body: &str) -> Reply {
        self.call("PATCH", &format!("/v1/workspaces/1/tasks/{task}"), body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
    value: Value,
}

impl Reply {
    pub fn parse(text: &str) -> Option<Reply> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let value = json::from_str(body).unwrap_or(Value::Null);
        Some(Reply { status, head: head.to_string(), body: body.to_string(), value })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The value at a path as `items.0.id`; `null` where there is none.
    pub fn at(&self, path: &str) -> &Value {
        static NULL: Value = Value::Null;
        path.split('.').filter(|step| !step.is_empty()).fold(&self.value, |value, step| match value {
            Value::Object(object) => object.get(step).unwrap_or(&NULL),
            Value::Array(items) => step.parse().ok().and_then(|index: usize| items.get(index)).unwrap_or(&NULL),
            _ => &NULL,
        })
    }

    pub fn has(&self, name: &str) -> bool {
        matches!(&self.value, Value::Object(object) if object.contains_key(name))
    }

    /// The value as compact JSON, strings without their quotes.
    pub fn text(&self, path: &str) -> String {
        match self.at(path) {
            Value::String(text) => text.clone(),
            other => json::to_string(other),
        }
    }

    pub fn int(&self, path: &str) -> i64 {
        match self.at(path) {
            Value::Number(Number::I64(number)) => *number,
            Value::Number(Number::U64(number)) => *number as i64,
            other => panic!("{path} is {} in {}", json::to_string(other), self.body),
        }
    }

    pub fn len(&self, path: &str) -> usize {
        match self.at(path) {
            Value::Array(items) => items.len(),
            other => panic!("{path} is {} in {}", json::to_string(other), self.body),
        }
    }

    /// One member of each item of a list.
    pub fn column(&self, path: &str, member: &str) -> Vec<String> {
        (0..self.len(path)).map(|index| self.text(&format!("{path}.{index}.{member}"))).collect()
    }

    pub fn titles(&self) -> String {
        self.column("items", "title").join(" ")
    }
}
