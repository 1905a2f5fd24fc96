//! What anyt writes is for its user alone, under the usual umask 022 and under none at all.

use crate::common;
use crate::common::faults::{Gate, What, When};
use crate::common::{ALICE, Proxy, Sandbox, Server};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Every file of a sandbox that anyt made, below its four folders, with its mode.
fn modes(person: &Sandbox) -> Vec<(String, u32, bool)> {
    let mut found = Vec::new();
    for folder in ["config/anyt", "cache/anyt", "state/anyt", "data/anyt"] {
        collect(&person.path(folder), &mut found);
    }
    found
}

fn collect(path: &Path, found: &mut Vec<(String, u32, bool)>) {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return };
    found.push((path.display().to_string(), metadata.permissions().mode() & 0o7777, metadata.is_dir()));
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        collect(&entry.path(), found);
    }
}

#[track_caller]
fn assert_private(person: &Sandbox, expected: &[&str]) {
    let found = modes(person);
    for (path, mode, is_folder) in &found {
        assert_eq!(*mode, if *is_folder { 0o700 } else { 0o600 }, "{path} has mode {mode:04o}");
    }
    for name in expected {
        assert!(
            found.iter().any(|(path, _, _)| path.ends_with(name) || path.contains(&format!("{name}/"))),
            "no {name} in {found:?}"
        );
    }
}

/// Fails without the mode that `cache::open` and `replace` give what they make.
#[test]
fn files_are_private_whatever_the_umask() {
    let server = Server::start();
    let proxy = Proxy::before(&server);
    for umask in ["022", "000"] {
        let person = Sandbox::new();
        let anyt = |line: &str| {
            let script = format!("umask {umask}; exec \"$0\" {line}");
            person.program("/bin/sh".as_ref(), &["-c", &script, env!("CARGO_BIN_EXE_anyt")])
        };
        anyt(&format!("env add dev {}", proxy.url())).ok();
        anyt("auth login").stdin(ALICE).ok();
        anyt("init").ok();
        anyt("sync").ok();
        let name = server.alice().add_task("Ours and theirs");
        anyt("sync").ok();
        anyt(&format!("task update {name} --title Ours --offline")).ok();
        server.alice().edit_task(&name, r#"{"title":"Theirs"}"#);
        anyt("sync --resolve remote").ok();
        anyt("task create Waiting --offline").ok();
        let gate = Gate::new();
        proxy.fault(When::first("POST", "/v1/"), What::StallReply(gate.clone()));
        let sync = anyt("sync").spawn();
        gate.wait_for_somebody();
        assert_private(
            &person,
            &[
                "config.json",
                "cache.db",
                "cache.db-wal",
                "cache.db-shm",
                "dev/sync.lock",
                "queue.jsonl",
                "discarded.jsonl",
                "646576.cred",
                "anyt/key",
            ],
        );
        proxy.reset();
        sync.wait(common::run::TIMEOUT).ok();
        assert_private(&person, &["config.json", "cache.db"]);
    }
}

/// A cache that somebody else's umask, or a copy, has left open.
#[test]
fn a_cache_of_ours_that_others_may_read_is_made_private() {
    let server = Server::start();
    let person = Sandbox::new();
    person.sign_in(&server);
    person.anyt(&["sync"]).ok();
    std::fs::set_permissions(person.cache_db(), std::fs::Permissions::from_mode(0o666)).unwrap();
    person.anyt(&["task", "list"]).ok();
    assert_eq!(std::fs::metadata(person.cache_db()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Fails without O_NOFOLLOW: the lock would be made, or held, in whatever place the link names.
#[test]
fn a_lock_is_not_looked_for_behind_a_link() {
    let person = Sandbox::new();
    std::fs::create_dir_all(person.path("config/anyt")).unwrap();
    std::os::unix::fs::symlink(person.path("work/elsewhere"), person.path("config/anyt/config.json.lock")).unwrap();
    person.anyt(&["env", "add", "dev", "http://localhost:8000"]).code(1).warns("config.json.lock");
    assert!(!person.path("work/elsewhere").exists() && !person.config_json().exists());
}
