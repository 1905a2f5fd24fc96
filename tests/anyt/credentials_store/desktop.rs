//! A session bus with a Secret Service on it (gnome-keyring), without a desktop; or with less than that.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::home::Home;
use crate::common::skip::skip;

pub struct Desktop {
    pub home: Home,
    bus: Child,
    keyring: Option<Child>,
}

/// A bus without activation: what is not started is not there.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=SOCKET</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#;

impl Desktop {
    /// An unlocked keyring; `None`, with a line that says so, where the programs are not installed.
    pub fn with_keyring() -> Option<Desktop> {
        let mut desktop = Desktop::with_bus()?;
        desktop.start_keyring(&["--unlock"]);
        wait_for("the collection", || desktop.call_service("ReadAlias", "string:default").contains("/collection/"));
        Some(desktop)
    }

    /// A Secret Service that has never been given a password: it has no collection.
    pub fn with_empty_keyring() -> Option<Desktop> {
        let mut desktop = Desktop::with_bus()?;
        desktop.start_keyring(&[]);
        Some(desktop)
    }

    fn start_keyring(&mut self, arguments: &[&str]) {
        let mut keyring = self
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets"])
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        keyring.stdin.take().unwrap().write_all(b"test").unwrap();
        self.keyring = Some(keyring);
        let owned =
            ["org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"];
        wait_for("the Secret Service", || self.call(owned[0], owned[1], owned[2], owned[3]).contains("boolean true"));
    }

    /// A bus with nobody on it.
    pub fn with_bus() -> Option<Desktop> {
        let programs = ["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"];
        if let Some(missing) = programs.iter().find(|program| !is_installed(program)) {
            let required = std::env::var("ANYT_TEST_REQUIRE_SECRET_SERVICE").is_ok_and(|value| value == "1");
            assert!(!required, "{missing} is not installed, and ANYT_TEST_REQUIRE_SECRET_SERVICE=1");
            skip(&format!("{missing} is not installed"));
            return None;
        }
        let home = Home::new();
        let socket = home.root().join("bus");
        let config = home.root().join("bus.conf");
        std::fs::write(&config, BUS.replace("SOCKET", socket.to_str().unwrap())).unwrap();
        let bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile"])
            .env("HOME", home.root())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the bus", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        Some(Desktop { home, bus, keyring: None })
    }

    pub fn address(&self) -> String {
        format!("unix:path={}", self.home.root().join("bus").display())
    }

    /// A program on this desktop, silent.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_remove("DISPLAY")
            .env("HOME", self.home.root())
            .env("XDG_RUNTIME_DIR", self.home.root())
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// What a program prints.
    pub fn output(&self, program: &str, arguments: &[&str]) -> String {
        let output =
            self.command(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// An item as Python's keyring makes it. With `application` it does not replace ours but stands beside it.
    pub fn store_as_python(&self, user: &str, secret: &str) {
        self.store_with(user, secret, &["application", "Python keyring library"]);
    }

    /// An item of another program's, with attributes of its own.
    pub fn store_with(&self, user: &str, secret: &str, attributes: &[&str]) {
        let mut tool = self
            .command("secret-tool")
            .args(["store", "--label=test", "service", "anyt-cli", "username", user])
            .args(attributes)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        tool.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success());
    }

    /// Everything of ours that the service holds.
    pub fn everything(&self) -> String {
        self.output("secret-tool", &["search", "--all", "service", "anyt-cli"])
    }

    pub fn lock(&self) {
        let locked = self.call_service("Lock", "array:objpath:/org/freedesktop/secrets/collection/login");
        assert!(locked.contains("collection/login"), "{locked}");
    }

    /// Stops the daemon as a debugger would: it has its connection and says nothing.
    pub fn stop_keyring(&self) {
        let pid = self.keyring.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
    }

    pub fn step(&self, words: &str) -> (i32, String) {
        self.step_with(words, &[])
    }

    /// A step on this desktop. None may take longer than the keyring is waited for and what a busy machine adds, whatever
    /// the keyring does.
    pub fn step_with(&self, words: &str, variables: &[(&str, &str)]) -> (i32, String) {
        let (address, started) = (self.address(), Instant::now());
        let mut all = vec![("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
        all.extend(variables);
        let outcome = self.home.step(words, &all);
        assert!(started.elapsed() < Duration::from_secs(10), "{words}: {:?}, {}", started.elapsed(), outcome.1);
        outcome
    }

    fn call_service(&self, method: &str, argument: &str) -> String {
        let method = format!("org.freedesktop.Secret.Service.{method}");
        self.call("org.freedesktop.secrets", "/org/freedesktop/secrets", &method, argument)
    }

    fn call(&self, destination: &str, object: &str, method: &str, argument: &str) -> String {
        self.output(
            "dbus-send",
            &["--session", "--print-reply", &format!("--dest={destination}"), object, method, argument],
        )
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn is_installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| Path::new(&folder).join(program).is_file())
}

pub fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_there() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}
