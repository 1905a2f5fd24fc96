//! The machines that people really have: a dead proxy, no home of one's own, a home that cannot be written, sudo. Each works
//! or names the way out.

use crate::common::run::Invocation;
use crate::common::skip::skip;
use crate::common::{Dispute, Sandbox};
use std::os::unix::fs::PermissionsExt;

/// Nobody's number.
const SOMEBODY: &str = "12345";

#[test]
fn a_dead_proxy_is_named_without_its_password() {
    let person = Sandbox::new();
    person.set_env("HTTPS_PROXY", "http://me:proxy_canary@127.0.0.1:9");
    let run = person.anyt(&["health", "--api-url", "https://tasks.invalid"]).code(5);
    assert!(run.stderr.contains("through the proxy 127.0.0.1:9: connection refused"), "{run}");
    assert!(!run.stderr.contains("proxy_canary"), "{run}");
    person.set_env("NO_PROXY", "192.0.2.0/24,*.invalid");
    let direct = person.anyt(&["health", "--api-url", "https://tasks.invalid"]).code(5);
    assert!(!direct.stderr.contains("proxy"), "{direct}");
}

/// anyt as another user, who has what is in the sandbox. `None` where that cannot be had.
fn as_somebody(person: &Sandbox, args: &[&str]) -> Option<Invocation> {
    if !rustix::process::geteuid().is_root() || !std::path::Path::new("/usr/bin/setpriv").exists() {
        skip("only root can be somebody else, with setpriv");
        return None;
    }
    // Where the program is built others may not look.
    let program = person.path("anyt");
    if !program.exists() {
        person.program("cp".as_ref(), &[env!("CARGO_BIN_EXE_anyt"), program.to_str().unwrap()]).ok();
        std::fs::set_permissions(person.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let words = ["--reuid", SOMEBODY, "--regid", SOMEBODY, "--clear-groups", program.to_str().unwrap()];
    Some(person.program("/usr/bin/setpriv".as_ref(), &[&words[..], args].concat()))
}

fn give_to_somebody(person: &Sandbox, folders: &[&str]) {
    for folder in folders {
        let path = person.path(folder);
        person.program("chown".as_ref(), &["-R", SOMEBODY, path.to_str().unwrap()]).ok();
    }
}

#[test]
fn a_user_without_a_home_is_told_which_folders_to_name() {
    let person = Sandbox::new();
    let homeless = |run: Invocation| {
        let xdg = ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"];
        xdg.into_iter().fold(run.env("HOME", "/"), |run, name| run.without_env(name))
    };
    let Some(run) = as_somebody(&person, &["env", "add", "dev", "http://127.0.0.1:9"]) else { return };
    homeless(run).code(1).warns("XDG_CONFIG_HOME").is_one_line_of_error();
    let run = as_somebody(&person, &["--api-url", "http://127.0.0.1:9", "task", "list"]).unwrap();
    homeless(run).code(1).warns("XDG_CACHE_HOME").is_one_line_of_error();
    // With them it works.
    give_to_somebody(&person, &["config", "cache", "state", "data"]);
    as_somebody(&person, &["env", "add", "dev", "http://127.0.0.1:9"]).unwrap().env("HOME", "/").ok();
    as_somebody(&person, &["log"]).unwrap().env("HOME", "/").ok();
}

#[test]
fn a_home_that_cannot_be_written_can_be_read() {
    let dispute = Dispute::about(2);
    let alice = &dispute.alice;
    // Root's files, which everybody may read.
    alice.program("chmod".as_ref(), &["-R", "a+rX", alice.path("").to_str().unwrap()]).ok();
    for args in [&["task", "list"][..], &["task", "show", "1"], &["next"], &["log"], &["sync", "status", "--offline"]] {
        let Some(run) = as_somebody(alice, args) else { return };
        run.ok();
    }
    let before = alice.snapshot();
    as_somebody(alice, &["task", "update", "1", "-p", "1", "--offline"]).unwrap().code(1).warns("nothing was changed");
    as_somebody(alice, &["sync"]).unwrap().code(1).is_one_line_of_error();
    let doctor = as_somebody(alice, &["doctor"]).unwrap().code(1);
    assert!(doctor.stdout.contains("cannot be written, it belongs to user 0; reading works"), "{doctor}");
    assert_eq!(alice.snapshot().changed_since(&before), Vec::<String>::new());
}

/// What root makes in somebody's home the somebody cannot write afterwards.
#[test]
fn a_first_run_under_sudo_makes_nothing() {
    let person = Sandbox::new();
    if as_somebody(&person, &["version"]).is_none() {
        return;
    }
    give_to_somebody(&person, &["home"]);
    let sudo = |args: &[&str]| {
        let xdg = ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"];
        xdg.into_iter().fold(person.anyt(args), |run, name| run.without_env(name))
    };
    let before = person.snapshot();
    for args in [&["env", "add", "dev", "http://127.0.0.1:9"][..], &["--api-url", "http://127.0.0.1:9", "task", "list"]]
    {
        sudo(args).code(1).warns("run it without sudo").is_one_line_of_error();
    }
    assert_eq!(person.snapshot().changed_since(&before), Vec::<String>::new());
    assert!(std::fs::read_dir(person.path("home")).unwrap().next().is_none());
    sudo(&["env", "add", "dev", "http://127.0.0.1:9"]).env("HOME", person.path("tmp").to_str().unwrap()).ok();
}
