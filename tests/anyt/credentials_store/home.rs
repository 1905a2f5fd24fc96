//! A home of its own for a test, and steps in processes that see nothing else.

use crate::common::skip::skip;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Home {
    root: PathBuf,
}

/// A step that runs.
pub struct Step {
    child: Child,
    started: Instant,
}

impl Home {
    pub fn new() -> Home {
        let mut random = [0; 6];
        getrandom::fill(&mut random).unwrap();
        // Short: the path of a socket in it has 108 bytes.
        let name = random.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let root = std::env::temp_dir().join(format!("anyt-{name}"));
        std::fs::create_dir_all(root.join(".config/anyt")).unwrap();
        Home { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn config_path(&self) -> PathBuf {
        self.root.join(".config/anyt/config.json")
    }

    pub fn config(&self, text: &str) {
        std::fs::write(self.config_path(), text).unwrap();
    }

    pub fn read_config(&self) -> String {
        std::fs::read_to_string(self.config_path()).unwrap()
    }

    pub fn start(&self, words: &str, variables: &[(&str, &str)]) -> Step {
        self.spawn(Command::new(std::env::current_exe().unwrap()), words, variables)
    }

    /// A step behind mounts of its own; `None`, with a line that says so, where those are not allowed.
    pub fn step_behind_mounts(&self, mounts: &str, words: &str) -> Option<(i32, String)> {
        let allowed = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
        if !allowed.is_ok_and(|status| status.success()) {
            skip("no mounts of one's own here (unshare -rm)");
            return None;
        }
        let mut unshare = Command::new("unshare");
        unshare.args(["-rm", "sh", "-ec", &format!("PATH=/usr/sbin:/usr/bin:/sbin:/bin; {mounts}; exec \"$@\""), "sh"]);
        unshare.arg(std::env::current_exe().unwrap()).current_dir(self.config_path().parent().unwrap());
        Some(self.spawn(unshare, words, &[]).end())
    }

    fn spawn(&self, mut command: Command, words: &str, variables: &[(&str, &str)]) -> Step {
        let child = command
            .args(["--exact", "credentials_store::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env_clear()
            .env("HOME", &self.root)
            .env("ANYT_TEST_STEP", words)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Step { child, started: Instant::now() }
    }

    /// Runs a step to its end: the exit code a command would have, and what it said.
    pub fn step(&self, words: &str, variables: &[(&str, &str)]) -> (i32, String) {
        self.start(words, variables).end()
    }

    /// A step that a failpoint may kill: whether it was.
    #[cfg(feature = "failpoints")]
    pub fn is_killed(&self, words: &str, variables: &[(&str, &str)]) -> bool {
        let status = self.start(words, variables).child.wait_with_output().unwrap().status;
        status.signal() == Some(9)
    }
}

impl Step {
    pub fn end(self) -> (i32, String) {
        let started = self.started;
        let output = self.child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("STEP "));
        let Some((code, said)) = line.and_then(|line| line.split_once(' ')) else {
            let errors = String::from_utf8_lossy(&output.stderr);
            panic!("the step said nothing (signal {:?}): {text} {errors}", output.status.signal());
        };
        // Twenty of them share the cores with other tests: it is a hang that is looked for.
        assert!(started.elapsed() < Duration::from_secs(90), "{said}");
        (code.parse().unwrap(), said.to_string())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}
