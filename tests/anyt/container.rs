//! Places with nothing in them: the static binary in a root file system that holds /etc/hosts and nothing else, and a
//! cron job's environment. The static one is `$ANYT_STATIC` or what `make static` built.

use crate::common;
use crate::common::skip::skip;
use crate::common::{ALICE, Sandbox, Server};
use std::path::{Path, PathBuf};

fn static_binary() -> Option<PathBuf> {
    // Where `make static` puts it, beside the folder of the binary under test.
    let target = Path::new(env!("CARGO_BIN_EXE_anyt")).ancestors().nth(2).unwrap_or(Path::new("target"));
    let built = target.join("x86_64-unknown-linux-musl/static/anyt");
    let found = std::env::var_os("ANYT_STATIC").map(PathBuf::from).unwrap_or(built);
    if !found.exists() {
        skip("there is no static binary; make static builds it, or name one with ANYT_STATIC");
        return None;
    }
    Some(found)
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("only root can chroot");
    }
    root
}

#[test]
fn a_static_binary_syncs_where_nothing_else_is() {
    let Some(binary) = static_binary() else { return };
    if !is_root() {
        return;
    }
    let server = Server::start();
    let name = server.alice().add_task("Seen from a container");
    let person = Sandbox::new();
    let root = person.path("root");
    person.write("root/etc/hosts", "127.0.0.1 localhost\n");
    // By another process: what is open for writing here, and so for a moment in what other tests start, is not run.
    person.program("cp".as_ref(), &[binary.to_str().unwrap(), root.join("anyt").to_str().unwrap()]).ok();
    let url = format!("ANYT_API_URL=http://localhost:{}", server.address().port());
    let token = format!("ANYT_AUTH_TOKEN={ALICE}");
    let run = |args: &[&str]| {
        let words = ["-i", "HOME=/home", &url, &token, "/usr/sbin/chroot", root.to_str().unwrap(), "/anyt"];
        person.program("env".as_ref(), &[&words[..], args].concat())
    };
    run(&["sync"]).ok();
    run(&["task", "show", &name]).ok().says("Seen from a container");
    run(&["task", "create", "Made in a container", "--offline"]).ok();
    run(&["sync", "-q", "--no-input"]).ok();
    assert!(
        server.alice().all_tasks().iter().any(|task| common::json::to_string(task).contains("Made in a container"))
    );
    assert!(person.snapshot().files_containing(ALICE).is_empty());
}

/// What cron gives a job: a home, and neither a bus nor a terminal nor a token.
fn works_like_cron(binary: &Path) {
    let server = Server::start();
    server.alice().add_task("Seen by cron");
    let person = Sandbox::new();
    let home = format!("HOME={}", person.path("home").display());
    let cron = |args: &[&str]| {
        let words = [&["-i", &home, binary.to_str().unwrap()][..], args].concat();
        person.program("env".as_ref(), &words)
    };
    cron(&["env", "add", "dev", &server.url()]).ok();
    cron(&["auth", "login"]).stdin(ALICE).ok().says("Stored in: encrypted file, key from ");
    let quiet = cron(&["sync", "-q", "--no-input"]).stdin_silent().ok();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""), "silent on success");
    cron(&["task", "list"]).ok().says("Seen by cron");
    cron(&["sync", "-q", "--no-input"]).stdin_closed().ok();
    assert!(person.snapshot().files_containing(ALICE).is_empty());
}

#[test]
fn cron_reads_the_encrypted_file_without_a_prompt() {
    works_like_cron(Path::new(env!("CARGO_BIN_EXE_anyt")));
}

#[test]
fn cron_with_the_static_binary() {
    if let Some(binary) = static_binary() {
        works_like_cron(&binary);
    }
}
