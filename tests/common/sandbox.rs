//! A person's machine: a home of its own with all XDG folders below it, an environment with nothing of the tester's in
//! it, and a working directory.

use super::json::{self, Look, Value};
use super::run::Invocation;
use super::server::{ALICE, Server};
use super::tempdir::TempDir;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The environment name that `sign_in` configures.
pub const ENV: &str = "dev";

pub struct Sandbox {
    root: TempDir,
    env: RefCell<BTreeMap<String, String>>,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        let root = TempDir::new("home");
        let sandbox = Sandbox { root, env: RefCell::new(BTreeMap::new()) };
        for folder in ["home", "config", "cache", "state", "data", "run", "tmp", "work"] {
            std::fs::create_dir(sandbox.path(folder)).expect("a fresh folder takes folders");
        }
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(sandbox.path("run"), private).expect("our own folder");
        let folders = [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ];
        for (name, folder) in folders {
            sandbox.set_env(name, &sandbox.path(folder).to_string_lossy());
        }
        sandbox.set_env("PATH", &std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".into()));
        sandbox.set_env("LANG", "C.UTF-8");
        sandbox.set_env("TERM", "dumb");
        sandbox
    }

    /// Another machine with the same files and environment, as if this one had been copied a moment ago.
    pub fn twin(&self) -> Sandbox {
        let twin = Sandbox::new();
        let from = self.path(".");
        let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(twin.path("")).status();
        assert!(copied.is_ok_and(|status| status.success()), "cp copies a folder of ours");
        let (here, there) = (self.path(""), twin.path(""));
        for (name, value) in self.env() {
            twin.set_env(&name, &value.replace(&*here.to_string_lossy(), &there.to_string_lossy()));
        }
        twin
    }

    /// A place in the sandbox: `config/anyt/config.json`, `work/notes.md`.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside)
    }

    /// For all runs from now on.
    pub fn set_env(&self, name: &str, value: &str) {
        self.env.borrow_mut().insert(name.into(), value.into());
    }

    pub fn env(&self) -> BTreeMap<String, String> {
        self.env.borrow().clone()
    }

    pub fn anyt(&self, args: &[&str]) -> Invocation {
        self.program(Path::new(env!("CARGO_BIN_EXE_anyt")), args)
    }

    /// Another program as the same person.
    pub fn program(&self, program: &Path, args: &[&str]) -> Invocation {
        Invocation::new(program, args, self.env(), &self.path("work"))
    }

    /// As Alice, on environment `dev`, in its first workspace, with the token in the environment. Nothing is synced yet.
    pub fn sign_in(&self, server: &Server) {
        self.sign_in_at(&server.url(), ALICE);
    }

    /// The same with any address (a proxy's, a scripted server's) and token.
    pub fn sign_in_at(&self, url: &str, token: &str) {
        self.anyt(&["env", "add", ENV, url]).ok();
        self.anyt(&["env", "switch", ENV]).ok();
        self.set_env("ANYT_AUTH_TOKEN", token);
        self.anyt(&["init"]).ok();
    }

    pub fn cache_db(&self) -> PathBuf {
        self.path("cache/anyt").join(ENV).join("cache.db")
    }

    pub fn config_json(&self) -> PathBuf {
        self.path("config/anyt/config.json")
    }

    pub fn queue_file(&self) -> PathBuf {
        self.path("state/anyt").join(ENV).join("queue.jsonl")
    }

    /// Sets a member of config.json's outermost object.
    pub fn configure(&self, name: &str, value: Value) {
        let Value::Object(mut members) = json::parse(&self.read("config/anyt/config.json")) else {
            panic!("config.json is no object");
        };
        members.insert(name.into(), value);
        self.write("config/anyt/config.json", json::to_string(&Value::Object(members)));
    }

    /// Every task of the cache, as `task list --json` gives them.
    pub fn cached_tasks(&self) -> Vec<Value> {
        let list = self.anyt(&["task", "list", "--all", "--limit", "0", "--json"]).ok().json();
        list.items("data.items").to_vec()
    }

    /// The comments on a task as the cache has them: number, author and text of each.
    pub fn comments(&self, identifier: &str) -> Vec<String> {
        let list = self.anyt(&["comment", "list", identifier, "--json"]).ok().json();
        let number = |one: &Value| one.text("identifier").rsplit_once('#').map(|(_, id)| id.to_string());
        let author = |one: &Value| json::as_text(one.at("author_id")).unwrap_or("-").to_string();
        let line =
            |one: &Value| format!("#{} {}: {}", number(one).unwrap_or_default(), author(one), one.text("content"));
        list.items("data.items").iter().map(line).collect()
    }

    pub fn cached_task(&self, identifier: &str) -> Value {
        self.anyt(&["task", "show", identifier, "--json"]).ok().json().at("data").clone()
    }

    /// How many operations wait, as `sync status` counts them without asking the server.
    pub fn pending(&self) -> usize {
        let status = self.anyt(&["sync", "status", "--offline"]).ok();
        let counted = status.stdout.lines().find_map(|line| line.strip_prefix("Pending operations: "));
        counted
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or_else(|| panic!("no count of operations\n{status}"))
    }

    pub fn write(&self, inside: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(inside);
        let folder = path.parent().expect("it is inside the sandbox");
        std::fs::create_dir_all(folder).expect("the sandbox takes folders");
        std::fs::write(&path, content).expect("the sandbox takes files");
        path
    }

    pub fn read(&self, inside: &str) -> String {
        let path = self.path(inside);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
    }

    /// Every file and link with its content, to compare before and after.
    pub fn snapshot(&self) -> Snapshot {
        let mut files = BTreeMap::new();
        collect(self.root.path(), self.root.path(), &mut files);
        Snapshot { files }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("a listed file has a type");
        let name = path.strip_prefix(root).expect("it is below the root").to_path_buf();
        if kind.is_dir() {
            collect(root, &path, files);
        } else if kind.is_symlink() {
            let target = std::fs::read_link(&path).map(|target| target.into_os_string().into_encoded_bytes());
            files.insert(name, target.unwrap_or_default());
        } else if kind.is_file() {
            files.insert(name, std::fs::read(&path).unwrap_or_default());
        }
    }
}

pub struct Snapshot {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Snapshot {
    /// The files that were made, changed or removed since, by name.
    pub fn changed_since(&self, earlier: &Snapshot) -> Vec<String> {
        let differs = |name: &&PathBuf| self.files.get(*name) != earlier.files.get(*name);
        let mut names: Vec<_> = self.files.keys().chain(earlier.files.keys()).filter(differs).collect();
        names.sort();
        names.dedup();
        names.into_iter().map(|name| name.display().to_string()).collect()
    }

    /// Whether any file contains these bytes: for secrets that must be nowhere.
    pub fn files_containing(&self, needle: &str) -> Vec<String> {
        let holds = |content: &&Vec<u8>| content.windows(needle.len()).any(|window| window == needle.as_bytes());
        let hits = self.files.iter().filter(|(_, content)| holds(content));
        hits.map(|(name, _)| name.display().to_string()).collect()
    }
}
