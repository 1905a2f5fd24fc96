//! A typed passphrase stays in the kernel's session keyring: it is asked for once, and not kept where it must not be. Each
//! test's key is named after its own home, and goes with `auth logout` or after a quarter of an hour.

use crate::common::pty::{Session, Terminal};
use crate::common::skip::skip;
use crate::common::{ALICE, Exit, Sandbox, Server};
use linux_keyutils::{Key, KeyRing, KeyRingIdentifier};

const ASKED: &str = "Passphrase of the encrypted token: ";
const NEEDED: &str = "needs its passphrase";
const WHOAMI: &[&str] = &["auth", "whoami"];

/// The session keyring of this process, which the programs that it starts inherit.
fn keyring() -> KeyRing {
    KeyRing::from_special_id(KeyRingIdentifier::Session, false).expect("has_keyring was asked")
}

/// A kernel without keyrings, or one that a container keeps us from, is no failure of ours.
fn has_keyring() -> bool {
    let probe = || keyring().add_key("anyt-test-probe", "x")?.invalidate();
    let has = KeyRing::from_special_id(KeyRingIdentifier::Session, false).and_then(|_| probe()).is_ok();
    if !has {
        skip("this kernel lends no session keyring");
    }
    has
}

fn name(person: &Sandbox) -> String {
    let file = person.path("data/anyt/credentials/646576.cred");
    format!("anyt:{}:{}", rustix::process::geteuid().as_raw(), file.display())
}

fn kept(person: &Sandbox) -> Option<Key> {
    keyring().search(&name(person)).ok()
}

/// How long it stays, as the kernel writes it: `14m`, `50s`, `perm`.
fn life(person: &Sandbox) -> String {
    let keys = std::fs::read_to_string("/proc/keys").expect("a kernel with keyrings lists them");
    let line = keys.lines().find(|line| line.contains(&name(person))).expect("a key of ours is listed");
    line.split_whitespace().nth(3).expect("its fourth column").to_string()
}

fn is_fresh(person: &Sandbox) -> bool {
    ["14m", "15m"].contains(&&*life(person))
}

/// Somebody who has signed in at a terminal and chosen a passphrase.
fn signed_in(server: &Server, flags: &[&str]) -> Sandbox {
    let person = Sandbox::new();
    person.anyt(&["env", "add", "dev", &server.url()]).ok();
    let mut terminal = Terminal::anyt(&person, &[&["auth", "login"], flags].concat());
    terminal.expect("Token: ").send(&format!("{ALICE}\r"));
    terminal.expect("New passphrase").send("right\r").expect("Repeat passphrase: ").send("right\r");
    assert_eq!(terminal.end().exit, Exit::Code(0));
    person
}

/// Runs at a terminal, where this is typed in answer to these questions.
#[track_caller]
fn answered(person: &Sandbox, words: &[&str], dialogue: &[(&str, &str)]) -> Session {
    let mut terminal = Terminal::program(person, words);
    for (question, answer) in dialogue {
        terminal.expect(question).send(&format!("{answer}\r"));
    }
    let session = terminal.end();
    assert_eq!(session.exit, Exit::Code(0), "{}", session.screen);
    assert!(session.screen.contains("alice"), "{}", session.screen);
    session
}

#[test]
fn a_passphrase_is_typed_once_a_session() {
    if !has_keyring() {
        return;
    }
    let server = Server::start();
    let person = signed_in(&server, &[]);
    // Also where nobody could be asked.
    person.anyt(WHOAMI).ok();
    person.anyt(&["auth", "whoami", "--no-input"]).ok();
    let key = kept(&person).expect("kept");
    let about = key.metadata().expect("ours to see");
    assert_eq!(about.get_perms().bits(), 0x3f00_0000, "for the possessor alone");
    assert!(is_fresh(&person), "it goes by itself: {}", life(&person));
    // `--no-cache` neither uses it nor lengthens its life; its use does.
    key.set_timeout(50).expect("ours");
    person.anyt(&["auth", "whoami", "--no-cache"]).code(4).warns(NEEDED);
    answered(&person, &[env!("CARGO_BIN_EXE_anyt"), "auth", "whoami", "--no-cache"], &[(ASKED, "right")]);
    assert!(life(&person).ends_with('s'), "{}", life(&person));
    person.anyt(WHOAMI).ok();
    assert!(is_fresh(&person), "{}", life(&person));
    // The doctor looks with it, and a passphrase that is given goes before it.
    person.anyt(&["doctor"]).run().says("token");
    person.anyt(WHOAMI).env("ANYT_PASSPHRASE", "wrong").code(4).warns("does not open");
    person.anyt(&["auth", "logout"]).ok();
    assert!(kept(&person).is_none(), "signing out forgets it");
}

#[test]
fn who_wants_none_kept_is_asked_each_time() {
    if !has_keyring() {
        return;
    }
    let server = Server::start();
    let person = signed_in(&server, &["--no-cache"]);
    assert!(kept(&person).is_none());
    person.anyt(WHOAMI).code(4).warns(NEEDED);
    let anyt = [&[env!("CARGO_BIN_EXE_anyt")], WHOAMI].concat();
    answered(&person, &anyt, &[(ASKED, "wrong"), ("Wrong passphrase; type it again: ", "right")]);
    person.anyt(WHOAMI).ok();
    person.anyt(&["auth", "logout"]).ok();
}

#[test]
fn a_kept_passphrase_that_does_not_open_it_is_forgotten() {
    if !has_keyring() {
        return;
    }
    let server = Server::start();
    let person = signed_in(&server, &["--no-cache"]);
    let plant = || keyring().add_key(&name(&person), "of last week").and_then(|key| key.set_timeout(60)).expect("ours");
    plant();
    person.anyt(WHOAMI).code(4).warns(NEEDED);
    assert!(kept(&person).is_none());
    plant();
    let anyt = [&[env!("CARGO_BIN_EXE_anyt")], WHOAMI].concat();
    let dialogue = [(ASKED, "one"), ("Wrong passphrase; type it again: ", "two"), ("again: ", "right")];
    answered(&person, &anyt, &dialogue);
    assert_eq!(kept(&person).and_then(|key| key.read_to_vec().ok()).as_deref(), Some(&b"right"[..]));
    person.anyt(&["auth", "logout"]).ok();
}

#[test]
fn without_a_kernel_keyring_nothing_changes_and_nothing_is_said() {
    let server = Server::start();
    let person = signed_in(&server, &["--no-cache"]);
    let refused = "inject=keyctl,add_key:error=EPERM";
    let strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=keyctl,add_key", "-e", refused];
    let works = std::process::Command::new(strace[0]).args(&strace[1..]).arg("true").output();
    if !works.is_ok_and(|output| output.status.success()) {
        return skip("there is no strace here that refuses calls");
    }
    let anyt = [&strace[..], &[env!("CARGO_BIN_EXE_anyt")], WHOAMI].concat();
    for _ in 0..2 {
        let session = answered(&person, &anyt, &[(ASKED, "right")]);
        assert_eq!(session.screen.lines().count(), 2, "{}", session.screen);
    }
}
