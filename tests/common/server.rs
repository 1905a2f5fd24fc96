//! The real `anyt-server`, on a port of its own and a database file that outlives its restarts.

use super::http;
use super::json::{self, Look, Value};
use super::tempdir::TempDir;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

pub const ALICE: &str = "anyt_alice_token";
pub const BOB: &str = "anyt_bob_token";

/// Importing the real backlog is part of a start.
const START: Duration = Duration::from_secs(120);
const GREETING: &str = "anyt-server listening on http://";

pub struct Server {
    folder: TempDir,
    child: Child,
    address: SocketAddr,
    /// Seconds by which its clock is ahead.
    ahead: u32,
}

impl Server {
    /// Workspace `DEV`, empty, with Alice and Bob in it.
    pub fn start() -> Server {
        Server::start_with(&[], Stdio::null())
    }

    /// The same with these JSON lines (data/README.md) in the workspace.
    pub fn start_importing(lines: impl Into<Stdio>) -> Server {
        Server::start_with(&["--import", "-"], lines.into())
    }

    pub fn start_with(args: &[&str], stdin: Stdio) -> Server {
        let folder = TempDir::new("server");
        let (child, address) = launch(folder.path(), "127.0.0.1:0", args, stdin, 0);
        Server { folder, child, address, ahead: 0 }
    }

    /// kill -9 and a new start on the same database and port.
    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn resume(&mut self) {
        let listen = self.address.to_string();
        (self.child, self.address) = launch(self.folder.path(), &listen, &[], Stdio::null(), self.ahead);
    }

    /// A restart so many seconds later.
    pub fn restart_later(&mut self, seconds: u32) {
        self.ahead += seconds;
        self.restart();
    }

    /// Its database as it is now, to come back to with `go_back`.
    pub fn remember(&mut self) -> Database {
        self.stop();
        let files = std::fs::read_dir(self.folder.path()).expect("our own folder").flatten();
        let files = files.map(|file| file.path()).filter(|path| is_database(path));
        let files = files.map(|path| (path.clone(), std::fs::read(path).expect("our own file"))).collect();
        self.resume();
        Database { files }
    }

    /// A restart on the database as it was.
    pub fn go_back(&mut self, to: &Database) {
        self.stop();
        let now = std::fs::read_dir(self.folder.path()).expect("our own folder").flatten();
        for path in now.map(|file| file.path()).filter(|path| is_database(path)) {
            std::fs::remove_file(path).expect("our own file");
        }
        for (path, content) in &to.files {
            std::fs::write(path, content).expect("our own folder");
        }
        self.resume();
    }

    /// A restart, with another prefix for the names of all tasks.
    pub fn rename_workspace(&mut self, prefix: &str) {
        self.stop();
        let connection = rusqlite::Connection::open(self.folder.path().join("server.db")).expect("our own file");
        connection
            .execute("UPDATE workspaces SET identifier = ?1 WHERE id = 1", [prefix])
            .expect("the server's schema");
        drop(connection);
        self.resume();
    }

    /// A restart, with every task made in 2020.
    pub fn age_tasks(&mut self) {
        self.stop();
        let connection = rusqlite::Connection::open(self.folder.path().join("server.db")).expect("our own file");
        connection.execute("UPDATE tasks SET created_at = 1577836800000000", []).expect("the server's schema");
        drop(connection);
        self.resume();
    }

    /// Asked for by `make bench` only.
    #[allow(dead_code)]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn user(&self, token: &str) -> User {
        User { address: self.address, token: token.into() }
    }

    pub fn alice(&self) -> User {
        self.user(ALICE)
    }

    pub fn bob(&self) -> User {
        self.user(BOB)
    }
}

/// A server's database at some moment.
pub struct Database {
    files: Vec<(PathBuf, Vec<u8>)>,
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("server.db"))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            let mut complaints = String::new();
            let log = File::open(self.folder.path().join("stderr"));
            let _ = log.and_then(|mut log| log.read_to_string(&mut complaints));
            eprintln!("--- anyt-server's stderr\n{complaints}");
        }
    }
}

fn launch(folder: &Path, listen: &str, args: &[&str], stdin: Stdio, ahead: u32) -> (Child, SocketAddr) {
    let Some(program) = option_env!("CARGO_BIN_EXE_anyt-server") else {
        panic!("these tests need: cargo test --features server");
    };
    let log = File::options().create(true).append(true).open(folder.join("stderr")).expect("our own folder");
    let mut child = Command::new(program)
        .args(["--listen", listen, "--workspace", "DEV"])
        .args(["--token", &format!("alice={ALICE}"), "--token", &format!("bob={BOB}")])
        .arg("--db")
        .arg(folder.join("server.db"))
        .args(args)
        .env_clear()
        .env("ANYT_CLOCK_SKEW", ahead.to_string())
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("anyt-server was built with the tests");
    let stdout = child.stdout.take().expect("it was piped");
    let (sender, first_line) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let Ok(line) = first_line.recv_timeout(START) else {
        let _ = child.kill();
        let complaints = std::fs::read_to_string(folder.join("stderr")).unwrap_or_default();
        panic!("anyt-server did not greet\n--- its stderr\n{complaints}");
    };
    let address = line.strip_prefix(GREETING).and_then(|address| address.parse().ok());
    (child, address.unwrap_or_else(|| panic!("anyt-server's first line is not its address: {line:?}")))
}

/// Somebody's direct line to a server, past the client under test.
pub struct User {
    pub address: SocketAddr,
    pub token: String,
}

impl User {
    pub fn get(&self, target: &str) -> (u16, Value) {
        http::call(self.address, &self.token, "GET", target, None)
    }

    pub fn post(&self, target: &str, body: &Value) -> (u16, Value) {
        http::call(self.address, &self.token, "POST", target, Some(body))
    }

    pub fn patch(&self, target: &str, body: &Value) -> (u16, Value) {
        http::call(self.address, &self.token, "PATCH", target, Some(body))
    }

    pub fn delete(&self, target: &str) -> (u16, Value) {
        http::call(self.address, &self.token, "DELETE", target, None)
    }
}

/// What tests do as a colleague.
impl User {
    /// Path of the only workspace: `/v1/workspaces/1`.
    pub fn workspace(&self) -> String {
        format!("/v1/workspaces/{}", self.get("/v1/workspaces").1.int("items.0.id"))
    }

    pub fn project(&self) -> i64 {
        self.get(&format!("{}/projects", self.workspace())).1.int("items.0.id")
    }

    /// Path of its tasks, or of one of them.
    pub fn tasks(&self, identifier: &str) -> String {
        let slash = if identifier.is_empty() { "" } else { "/" };
        format!("{}/tasks{slash}{identifier}", self.workspace())
    }

    /// Adds a comment and gives its number.
    pub fn comment(&self, identifier: &str, content: &str) -> i64 {
        let body = json::object([("content", json::string(content))]);
        let (status, comment) = self.post(&format!("{}/comments", self.tasks(identifier)), &body);
        assert_eq!(status, 201, "{}", json::to_string(&comment));
        comment.int("id")
    }

    /// The comments on a task: number, author and text of each.
    pub fn comments(&self, identifier: &str) -> Vec<String> {
        let (status, list) = self.get(&format!("{}/comments", self.tasks(identifier)));
        assert_eq!(status, 200, "{}", json::to_string(&list));
        let line = |one: &Value| format!("#{} {}: {}", one.int("id"), one.text("author_id"), one.text("content"));
        list.items("comments").iter().map(line).collect()
    }

    pub fn add_task(&self, title: &str) -> String {
        let body = json::object([("title", json::string(title)), ("project_id", json::int(self.project()))]);
        let (status, task) = self.post(&self.tasks(""), &body);
        assert_eq!(status, 201, "creating {title:?}: {}", json::to_string(&task));
        task.text("identifier").into()
    }

    /// `fields` as JSON text.
    pub fn edit_task(&self, identifier: &str, fields: &str) -> Value {
        let (status, task) = self.patch(&self.tasks(identifier), &json::parse(fields));
        assert_eq!(status, 200, "changing {identifier}: {}", json::to_string(&task));
        task
    }

    pub fn task(&self, identifier: &str) -> Option<Value> {
        let (status, task) = self.get(&self.tasks(identifier));
        (status == 200).then_some(task)
    }

    /// All live tasks, in the order of their ids.
    pub fn all_tasks(&self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let query = format!("?limit=100&offset={}&sort_by=id&order=asc", all.len());
            let (status, page) = self.get(&(self.tasks("") + &query));
            assert_eq!(status, 200, "{}", json::to_string(&page));
            if page.items("items").is_empty() {
                return all;
            }
            all.extend_from_slice(page.items("items"));
        }
    }
}
