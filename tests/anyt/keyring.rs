//! The real binary and a real Secret Service: one process signs in, others use the token; and every way in which a
//! keyring can fail has its own words and exit code within four seconds, while whatever needs no token never notices.

use crate::credentials_store::{self, desktop::Desktop};

use crate::common::json::Look;
use crate::common::{ALICE, Run, Sandbox, Server};
use std::os::unix::net::UnixListener;
use std::time::Duration;

/// Three seconds for the keyring, one for everything else.
const LIMIT: Duration = Duration::from_secs(4);

/// Somebody on this bus, on environment `dev` with a cache, not signed in.
fn on_bus(server: &Server, address: &str) -> Sandbox {
    let person = Sandbox::new();
    person.sign_in(server);
    person.anyt(&["sync"]).ok();
    person.set_env("ANYT_AUTH_TOKEN", "");
    person.set_env("DBUS_SESSION_BUS_ADDRESS", address);
    person
}

fn lookup(desktop: &Desktop, kind: &str) -> String {
    desktop.output("secret-tool", &["lookup", "service", "anyt-cli", "username", &format!("dev:{kind}")])
}

#[track_caller]
fn in_time(run: Run) -> Run {
    assert!(run.elapsed < LIMIT, "too slow\n{run}");
    run
}

/// A keyring in this state: reads fail with `code`, signing in with `login`, each in these words and in time; what needs
/// no token works and does not touch the keyring, which would take it seconds where the keyring is mute.
fn assert_contained(person: &Sandbox, code: i32, words: &str) {
    for args in [&["sync"][..], &["auth", "status"], &["auth", "whoami"]] {
        in_time(person.anyt(args).code(code).warns(words));
    }
    let json = in_time(person.anyt(&["auth", "status", "--json"]).code(code)).json();
    assert!(json.text("error.message").contains(words));
    assert_untouched(person);
}

fn assert_untouched(person: &Sandbox) {
    for args in [
        &["task", "list"][..],
        &["task", "create", "Written all the same", "--offline"],
        &["task", "update", "DEV-1", "--priority", "1", "--offline"],
        &["task", "show", "DEV-1"],
        &["sync", "status", "--offline"],
        &["sync", "queue"],
    ] {
        let trace = person.path("trace");
        let traced = ["-f", "-e", "trace=connect", "-o", trace.to_str().unwrap(), env!("CARGO_BIN_EXE_anyt")];
        let run = match has_strace() {
            true => person.program("strace".as_ref(), &[&traced[..], args].concat()).ok(),
            false => in_time(person.anyt(args).ok()),
        };
        let connects = std::fs::read_to_string(&trace).unwrap_or_default();
        assert!(!connects.contains("connect("), "{run}\n{connects}");
    }
}

fn has_strace() -> bool {
    let asked = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    asked.is_ok_and(|status| status.success())
}

#[test]
fn one_process_signs_in_and_another_syncs() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    let login = person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    assert!(login.stdout.contains("Stored in: Secret Service"), "{login}");
    person.anyt(&["sync"]).ok();
    assert_eq!(lookup(&desktop, "auth_token"), ALICE);
    let status = person.anyt(&["auth", "status"]).ok().says("Stored in: Secret Service").says("Protection: ");
    assert!(status.stdout.contains("the keyring is in reach"), "{status}");
    assert!(person.snapshot().files_containing(ALICE).is_empty());
    assert!(!person.path("data/anyt").exists(), "no file where the keyring has it");

    desktop.store_as_python("dev:auth_token", ALICE);
    assert_eq!(desktop.everything().matches("secret = ").count(), 2, "the duplicate is there");
    person.anyt(&["auth", "logout"]).ok().says("removed from Secret Service");
    assert_eq!(desktop.everything(), "");
    person.anyt(&["sync"]).code(4).warns("not signed in to 'dev'");
    assert_untouched(&person);
}

#[test]
fn a_token_of_secret_tool_is_used() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    desktop.store_as_python("dev:auth_token", ALICE);
    person.anyt(&["sync"]).ok();
    person.anyt(&["env", "remove", "dev", "--yes"]).ok();
    assert_eq!(desktop.everything(), "");
}

#[test]
fn plain_text_moves_into_the_keyring() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    let plain = person
        .read("config/anyt/config.json")
        .replace("\"api_url\"", &format!("\"auth_token\": \"{ALICE}\", \"api_url\""));
    person.write("config/anyt/config.json", &plain);
    person.anyt(&["sync"]).ok().warns("was moved out of config.json");
    assert!(person.read("config/anyt/config.json").contains("\"auth_token_stored\": true"));
    assert_eq!(lookup(&desktop, "auth_token"), ALICE);
    person.anyt(&["sync"]).ok();
}

#[test]
fn a_locked_keyring() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    desktop.lock();
    assert_contained(&person, 4, "the keyring is locked");
    in_time(person.anyt(&["auth", "login"]).stdin(ALICE).code(4).warns("the keyring is locked").warns("--store file"));
    in_time(person.anyt(&["auth", "logout"]).code(1).warns("was not removed"));
}

#[test]
fn no_bus() {
    let server = Server::start();
    let person = on_bus(&server, "");
    for args in [&["sync"][..], &["auth", "whoami"]] {
        in_time(person.anyt(args).code(4).warns("not signed in to 'dev'"));
    }
    in_time(person.anyt(&["auth", "status"]).ok().says("no session bus"));
    assert_untouched(&person);
    // A token that went into a keyring is not called absent where the bus is missing, as in cron.
    let stored =
        person.read("config/anyt/config.json").replace("\"api_url\"", "\"auth_token_stored\": true, \"api_url\"");
    person.write("config/anyt/config.json", stored);
    assert_contained(&person, 4, "the token of 'dev' is in a keyring, and there is no keyring in reach");
}

#[test]
fn a_bus_without_a_keyring() {
    let Some(desktop) = Desktop::with_bus() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    in_time(person.anyt(&["sync"]).code(4).warns("not signed in to 'dev'"));
    in_time(person.anyt(&["auth", "login", "--store", "keyring"]).stdin(ALICE).code(1).warns("no keyring in reach"));
    in_time(person.anyt(&["auth", "login"]).stdin(ALICE).ok().says("Stored in: encrypted file"));
    person.anyt(&["sync"]).ok();
}

#[test]
fn a_mute_bus() {
    let server = Server::start();
    let folder = credentials_store::home::Home::new();
    let socket = folder.root().join("mute");
    let _listener = UnixListener::bind(&socket).unwrap();
    let person = on_bus(&server, &format!("unix:path={}", socket.display()));
    assert_contained(&person, 1, "the keyring did not answer within 3 s");
    let login = in_time(person.anyt(&["auth", "login"]).stdin(ALICE).code(1).warns("did not answer within 3 s"));
    assert!(login.stderr.contains("--store file"), "{login}");
}

/// A bus that accepts and says nothing: whoever needs a token waits for it, whoever does not is not kept waiting by them,
/// nobody waits twice, and no core file is left of any that is killed.
#[test]
fn a_mute_bus_holds_up_nothing_but_what_needs_it_and_that_once() {
    let server = Server::start();
    let folder = credentials_store::home::Home::new();
    let socket = folder.root().join("mute");
    let _listener = UnixListener::bind(&socket).unwrap();
    let person = on_bus(&server, &format!("unix:path={}", socket.display()));
    let plain = person
        .read("config/anyt/config.json")
        .replace("\"api_url\"", &format!("\"auth_token\": \"{ALICE}\", \"api_url\""));
    person.write("config/anyt/config.json", plain);

    let readers: Vec<_> = (0..4).map(|_| person.anyt(&["auth", "whoami"]).spawn()).collect();
    let first = Duration::from_millis(300);
    std::thread::sleep(first);
    let add = person.anyt(&["env", "add", "other", &server.url()]).ok();
    assert!(add.elapsed < Duration::from_secs(2), "{add}");
    let runs: Vec<Run> =
        readers.into_iter().map(|reader| in_time(reader.wait(LIMIT + first).ok().says("alice"))).collect();
    let warned = runs.iter().filter(|run| run.stderr.contains("stays in config.json")).count();
    assert_eq!(warned, 1, "one tries, the others use the token in silence");

    for args in [&["auth", "logout"][..], &["auth", "status"], &["env", "remove", "other", "--yes"]] {
        let running = person.anyt(args).spawn();
        credentials_store::desktop::wait_for("the limit on core files", || {
            let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.pid())).unwrap_or_default();
            let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default();
            core.split_whitespace().skip(4).take(2).collect::<Vec<_>>() == ["0", "0"]
        });
        running.kill();
    }

    let all = in_time(person.anyt(&["auth", "logout", "--all"]).code(1));
    for name in ["dev", "other"] {
        assert!(all.stderr.contains(&format!("{name}: the keyring did not answer within 3 s")), "{all}");
    }
    assert!(!person.read("config/anyt/config.json").contains(ALICE), "what is in reach goes");
}

/// What one stored where the keyring was, and another time where it was not, is not forgotten about.
#[test]
fn a_token_that_may_be_left_in_a_keyring_out_of_reach_is_told_and_remembered() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    let away = |args: &[&str]| person.anyt(args).without_env("DBUS_SESSION_BUS_ADDRESS");
    let login = away(&["auth", "login"]).stdin(ALICE).ok().says("Stored in: encrypted file");
    assert!(login.stderr.contains("an older token in the keyring"), "{login}");
    for all in [&["auth", "logout"][..], &["auth", "logout", "--all"]] {
        away(all).code(1).warns("a token in it was not removed");
    }
    assert_eq!(lookup(&desktop, "auth_token"), ALICE);
    person.anyt(&["auth", "logout"]).ok().says("removed from Secret Service");
    assert_eq!(desktop.everything(), "");
    let config = person.read("config/anyt/config.json");
    assert!(!config.contains("keyring_left") && !config.contains("auth_token_stored"), "{config}");
    away(&["auth", "logout"]).ok().says("No token was stored for dev");

    // The same where another client has left plain text beside the mark.
    person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    let config = person.read("config/anyt/config.json");
    let plain = config.replace("\"api_url\"", &format!("\"auth_token\": \"{ALICE}\", \"api_url\""));
    person.write("config/anyt/config.json", plain);
    away(&["auth", "whoami"]).ok().warns("was moved out of config.json");
    away(&["auth", "logout"]).code(1).warns("a token in it was not removed");
    person.anyt(&["auth", "logout"]).ok();
    assert_eq!(desktop.everything(), "");
}

#[test]
fn a_store_that_fails_keeps_a_logout_from_no_other() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    person.write("data/anyt/credentials/646576.cred/in the way", "");
    let plain = person
        .read("config/anyt/config.json")
        .replace("\"api_url\"", &format!("\"auth_token\": \"{ALICE}\", \"api_url\""));
    person.write("config/anyt/config.json", plain);
    let run = person.anyt(&["auth", "logout"]).code(1).warns("646576.cred");
    assert!(run.stdout.contains("The token of dev was removed from Secret Service, config.json"), "{run}");
    assert!(!run.stderr.contains("nothing was changed"), "{run}");
    assert_eq!(desktop.everything(), "");
    assert!(person.snapshot().files_containing(ALICE).is_empty());
}

#[test]
fn a_token_of_an_environment_that_only_the_keyring_knows_goes_too() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    person.anyt(&["--api-url", &server.url().replace("127.0.0.1", "localhost"), "auth", "login"]).stdin(ALICE).ok();
    assert!(desktop.everything().contains("url-localhost-"));
    person.anyt(&["auth", "logout", "--all"]).ok().says("Signed out of url-localhost-");
    assert_eq!(desktop.everything(), "");
    desktop.store_as_python("gone:auth_token", ALICE);
    person.anyt(&["auth", "logout", "--env", "gone"]).ok().says("Signed out of gone");
    assert_eq!(desktop.everything(), "");
    person.anyt(&["auth", "logout", "--env", "gone"]).code(1).warns("there is no environment 'gone'");
}

/// A bus that hangs up at once has not kept anybody waiting for 3 s, and is not one that is missing either.
#[test]
fn a_bus_that_hangs_up() {
    let server = Server::start();
    let folder = credentials_store::home::Home::new();
    let socket = folder.root().join("bus");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let person = on_bus(&server, &format!("unix:path={}", socket.display()));
    let run = in_time(person.anyt(&["auth", "whoami"]).code(1).warns("the keyring failed"));
    assert!(!run.stderr.contains("within 3 s"), "{run}");
}

#[test]
fn a_stopped_daemon() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    let server = Server::start();
    let person = on_bus(&server, &desktop.address());
    person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    desktop.stop_keyring();
    assert_contained(&person, 1, "the keyring did not answer within 3 s");
    in_time(person.anyt(&["auth", "login"]).stdin(ALICE).code(1).warns("did not answer within 3 s"));
}
