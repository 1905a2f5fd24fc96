//! `anyt login`: everything between a URL and a first listing, in one line that can be typed again after every failure.

use crate::common::faults::{What, When};
use crate::common::json::{self, Look};
use crate::common::pty::Terminal;
use crate::common::{ALICE, Exit, Proxy, Sandbox, Server};

fn served(titles: &[&str]) -> (Server, Proxy) {
    let server = Server::start();
    titles.iter().for_each(|title| drop(server.bob().add_task(title)));
    let proxy = Proxy::before(&server);
    (server, proxy)
}

#[test]
fn one_line_names_signs_in_and_fetches() {
    let (_server, proxy) = served(&["First", "Second"]);
    let person = Sandbox::new();
    let run = person.anyt(&["login", &proxy.url(), "prod"]).stdin(format!("{ALICE}\n")).ok();
    for said in ["✓ Using environment prod (http://", "✓ Signed in to prod as alice", "✓ Synced 2 tasks"] {
        assert!(run.stdout.contains(said), "{said}\n{run}");
    }
    person.anyt(&["task", "list"]).ok().says("Second");
    // Again: nothing is asked for, and nothing is on standard input.
    let again = person.anyt(&["login", &proxy.url()]).ok().says("✓ Signed in to prod already as alice");
    assert!(again.stdout.contains("(already up to date)"), "{again}");
    // Another token takes the place of the first one only where it is named.
    person.write("work/token", "anyt_wrong_canary");
    person.anyt(&["login", &proxy.url(), "--token-file", "token"]).code(4);
    person.anyt(&["auth", "whoami"]).ok().says("alice");
}

#[test]
fn json_is_one_document_of_all_steps() {
    let (_server, proxy) = served(&["First"]);
    let person = Sandbox::new();
    let document = person.anyt(&["login", &proxy.url(), "--json"]).stdin(ALICE).ok().json();
    assert_eq!((document.text("data.environment"), document.text("data.user_id")), ("127.0.0.1", "alice"));
    assert_eq!((document.text("data.store"), document.int("data.pulled_new")), ("file", 1));
    let signed_in = Sandbox::new();
    signed_in.set_env("ANYT_AUTH_TOKEN", ALICE);
    assert_eq!(signed_in.anyt(&["login", &proxy.url(), "--json"]).ok().json().int("data.pulled_new"), 1);
    assert!(signed_in.snapshot().files_containing(ALICE).is_empty());
}

#[test]
fn a_server_that_is_not_there_is_not_added() {
    let person = Sandbox::new();
    let before = person.snapshot();
    let run = person.anyt(&["login", "http://127.0.0.1:9"]).stdin(ALICE).code(5).warns("nothing was changed");
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    for url in ["https://a:b@c", "ftp://x", "http://anyt.invalid", "nothing"] {
        person.anyt(&["login", url]).stdin(ALICE).run().is_one_line_of_error();
    }
    assert_eq!(person.snapshot().changed_since(&before), Vec::<String>::new());
}

#[test]
fn a_step_that_fails_says_what_is_done_and_the_same_line_goes_on() {
    let (_server, proxy) = served(&["First"]);
    let person = Sandbox::new();
    let url = proxy.url();
    // A new name is given up with the token that is not taken; one that was there stays.
    let again = format!("nothing was changed; try again: anyt login {url} 127.0.0.1)");
    let refused = person.anyt(&["login", &url]).stdin("anyt_wrong").code(4).warns(&again);
    assert_eq!(refused.stderr_lines().len(), 1, "{refused}");
    person.anyt(&["login", &url]).code(2).warns(&again).warns("pipe it in");
    let variable = person.anyt(&["login", &url]).env("ANYT_AUTH_TOKEN", "anyt_wrong").code(4).warns(&again);
    assert!(variable.stderr.contains("(the credential came from ANYT_AUTH_TOKEN: "), "{variable}");
    assert_eq!(person.anyt(&["env", "list", "--json"]).ok().json().int("data.count"), 0);
    person.anyt(&["env", "add", "127.0.0.1", &url]).ok();
    person.anyt(&["login", &url]).stdin("anyt_wrong").code(4).warns(&again);
    assert_eq!(person.anyt(&["env", "list", "--json"]).ok().json().int("data.count"), 1);
    // The token is kept when the first sync fails, and not asked for again.
    proxy.fault(When::ending("GET", "/tasks").always(), What::status(422, &[]));
    let half = person.anyt(&["login", &url, "--json"]).stdin(ALICE).code(1);
    assert!(half.json().text("error.hint").contains("you are signed in; go on with"), "{half}");
    assert_eq!(half.json().text("data.user_id"), "alice");
    proxy.reset();
    person.anyt(&["login", &url]).ok().says("✓ Synced 1 task");
}

/// Its token is bound to the address as it was: under another spelling of it nobody would be signed in.
#[test]
fn a_login_that_fails_leaves_the_environment_as_it_was() {
    let (_server, proxy) = served(&["First"]);
    let person = Sandbox::new();
    person.anyt(&["login", &proxy.url(), "prod"]).stdin(ALICE).ok();
    let before = person.read("config/anyt/config.json");
    let spelled = proxy.url().replace("127.0.0.1", "localhost");
    for url in [&spelled, &format!("{}/", proxy.url())] {
        let wrong = ["login", url, "--allow-insecure-http", "--token-file", "-"];
        person.anyt(&wrong).stdin("anyt_wrong").code(4).warns("(nothing was changed; try again: anyt login ");
        person.anyt(&wrong).stdin("").code(2).warns("nothing was changed; try again: anyt login ");
        assert_eq!(person.read("config/anyt/config.json"), before, "{url}");
        person.anyt(&["auth", "whoami"]).ok().says("alice");
    }
    // One that is taken brings its spelling along.
    person.anyt(&["login", &spelled]).stdin(ALICE).ok().says("Using environment prod (http://localhost");
    person.anyt(&["auth", "whoami"]).ok().says("on http://localhost");
}

#[test]
fn a_name_that_means_another_server_is_left_alone() {
    let (_server, proxy) = served(&[]);
    let person = Sandbox::new();
    person.anyt(&["env", "add", "prod", "https://tasks.example.com"]).ok();
    let before = person.snapshot();
    let taken = person.anyt(&["login", &proxy.url(), "prod"]).stdin(ALICE).code(1);
    assert!(taken.stderr.contains("prod is https://tasks.example.com already"), "{taken}");
    assert_eq!(person.snapshot().changed_since(&before), Vec::<String>::new());
    person.anyt(&["login", &proxy.url(), "--api-url", "http://x"]).code(2);
    person.anyt(&["login", &proxy.url(), "own", "--offline"]).stdin(ALICE).ok();
    person.anyt(&["env", "list"]).ok().says("*  own");
    assert_eq!(proxy.log().len(), 0, "--offline asks nobody");
}

#[test]
fn at_a_terminal_it_asks_for_the_token_and_the_workspace() {
    let (server, proxy) = served(&["First"]);
    let ops = json::parse(r#"{"name":"Operations","identifier":"OPS"}"#);
    assert_eq!(server.alice().post("/v1/workspaces", &ops).0, 201);
    let person = Sandbox::new();
    person.set_env("ANYT_PASSPHRASE", "correct horse");
    let mut terminal = Terminal::anyt(&person, &["login", &proxy.url(), "prod"]);
    terminal.expect("Token: ").send(&format!("{ALICE}\r")).expect("Workspace [1-2]: ").send("2\r");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(0), true), "{}", session.screen);
    assert!(!session.screen.contains(ALICE), "{}", session.screen);
    person.anyt(&["workspace", "current"]).ok().says("OPS");
    // Ctrl-C keeps what was done, and says so.
    let other = Sandbox::new();
    let mut terminal = Terminal::anyt(&other, &["login", &proxy.url(), "prod"]);
    terminal.expect("Token: ").send("\x03");
    let session = terminal.end();
    assert_eq!(session.exit, Exit::Code(130), "{}", session.screen);
    assert!(session.screen.contains("nothing was changed; try again: anyt login http"), "{}", session.screen);
    // Without anybody to ask it says how to choose, and goes on.
    let piped = other.anyt(&["login", &proxy.url()]).stdin(ALICE).ok();
    assert!(piped.stderr.contains("anyt workspace use WS") && piped.stdout.contains("✓ Synced 1 task"), "{piped}");
}

#[test]
fn leave_for_plain_http_is_given_once_for_one_address() {
    let person = Sandbox::new();
    let far = "http://anyt.invalid:8000";
    person.anyt(&["login", far, "far", "--offline"]).stdin(ALICE).code(1).warns("--allow-insecure-http");
    person.anyt(&["login", far, "far", "--offline", "--allow-insecure-http"]).stdin(ALICE).ok();
    let is_refused = |args: &[&str]| person.anyt(args).run().stderr.contains("would send the token unencrypted");
    assert!(!is_refused(&["auth", "whoami"]));
    assert!(!is_refused(&["login", far]), "the name and the leave are known");
    assert!(is_refused(&["health", "--env", "far", "--api-url", "http://other.invalid:8000"]));
    person.anyt(&["env", "add", "far", "https://anyt.invalid"]).ok();
    person.anyt(&["env", "add", "far", far]).code(1).warns("--allow-insecure-http");
    assert!(!person.read("config/anyt/config.json").contains("allow_insecure_http"));
}
