//! https for real: a server behind a certificate of a private authority. Who it trusts, what it says when it does not, and
//! that nothing a token was stored for over TLS is ever said without it (credentials.md "Network and terminal hygiene").

use crate::common::faults::{What, When};
use crate::common::http::Message;
use crate::common::skip::skip;
use crate::common::stranger::Stranger;
use crate::common::tls::{Certificate, TlsDoor};
use crate::common::{ALICE, Exit, Proxy, Run, Sandbox, Server};
use std::net::ToSocketAddrs;

/// A server behind a fault proxy behind TLS.
struct Stage {
    server: Server,
    proxy: Proxy,
    door: TlsDoor,
    certificate: Certificate,
}

impl Stage {
    /// With a certificate for these names. `None`, after saying so, where not even localhost has an address.
    fn new(names: &[&str]) -> Option<Stage> {
        if let Err(error) = ("localhost", 0).to_socket_addrs() {
            skip(&format!("localhost has no address here: {error}"));
            return None;
        }
        let certificate = Certificate::of(names);
        let server = Server::start();
        server.alice().add_task("Behind TLS");
        let proxy = Proxy::before(&server);
        let door = TlsDoor::before(proxy.address(), &certificate);
        Some(Stage { server, proxy, door, certificate })
    }

    fn ca(&self) -> String {
        self.certificate.file().display().to_string()
    }

    /// Signed in over TLS, with the authority in the environment, and synced.
    fn signed_in(&self) -> Sandbox {
        let person = Sandbox::new();
        person.set_env("SSL_CERT_FILE", &self.ca());
        person.anyt(&["env", "add", "dev", &self.door.url()]).ok();
        person.anyt(&["auth", "login"]).stdin(ALICE).ok();
        person.anyt(&["init"]).ok();
        person.anyt(&["sync"]).ok();
        person
    }
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let Some(stage) = Stage::new(&["localhost", "127.0.0.1"]) else { return };
    let person = stage.signed_in();
    person.anyt(&["task", "create", "Made over TLS"]).ok();
    assert_eq!(stage.server.alice().all_tasks().len(), 2);
    let by_address = format!("https://127.0.0.1:{}", stage.door.port());
    let other = Sandbox::new();
    other.set_env("ANYT_AUTH_TOKEN", ALICE);
    other.anyt(&["sync", "--api-url", &by_address, "--ca-file", &stage.ca()]).ok();
    assert!(stage.door.heard().iter().all(|request| request.header("Authorization").is_some()));
}

/// Nothing is sent to a server whose certificate proves nothing, and the next step is named.
#[track_caller]
fn assert_untrusted(stage: &Stage, run: Run) {
    assert_eq!(run.exit, Exit::Code(5), "{run}");
    assert!(run.stderr.contains("no secure connection"), "{run}");
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    assert!(!run.stderr.contains(ALICE), "{run}");
    assert!(stage.door.heard().is_empty(), "a request came through: {:?}", stage.door.heard());
}

#[test]
fn an_unknown_authority_and_another_name_are_refused() {
    let Some(stage) = Stage::new(&["localhost", "127.0.0.1"]) else { return };
    let person = Sandbox::new();
    person.set_env("ANYT_AUTH_TOKEN", ALICE);
    let unknown = person.anyt(&["sync", "--api-url", &stage.door.url()]).run();
    assert!(unknown.stderr.contains("--ca-file"), "{unknown}");
    assert_untrusted(&stage, unknown);

    let Some(elsewhere) = Stage::new(&["tasks.example.com"]) else { return };
    let run = person.anyt(&["sync", "--api-url", &elsewhere.door.url(), "--ca-file", &elsewhere.ca()]).run();
    assert_untrusted(&elsewhere, run);
}

/// The token goes over TLS or not at all: not after a redirect, not after config.json says http.
#[test]
fn a_token_of_https_is_never_said_over_http() {
    let Some(stage) = Stage::new(&["localhost"]) else { return };
    let person = stage.signed_in();
    let stranger = Stranger::start();
    let (port, there) = (stranger.port(), stage.proxy.address().port());
    // The same server without TLS, another port of the same name, and the door's own port without TLS.
    for place in [
        format!("http://localhost:{there}/v1/auth"),
        format!("http://localhost:{port}/v1/auth"),
        format!("http://localhost:{}/v1/auth", stage.door.port()),
        format!("https://localhost:{port}/v1/auth"),
        format!("https://127.0.0.1:{}/v1/auth", stage.door.port()),
    ] {
        for status in [301, 302, 303, 307, 308] {
            stage.proxy.reset();
            let away = What::Answer(Message::reply(status, "text/html", "").with_header("Location", &place));
            stage.proxy.fault(When::first("", "/").always(), away);
            let heard = stage.door.heard().len();
            for args in [&["sync"][..], &["auth", "whoami"], &["task", "create", "Said to nobody", "--no-queue"]] {
                let run = person.anyt(args).run();
                assert_ne!(run.exit, Exit::Code(0), "{status} to {place}\n{run}");
            }
            let through_the_door = stage.door.heard().len() - heard;
            assert_eq!(stage.proxy.log().len(), through_the_door, "{status} to {place}: somebody came without TLS");
            stranger.assert_heard_nothing(&place);
        }
    }
    stage.proxy.reset();
    let config = person.read("config/anyt/config.json");
    person.write("config/anyt/config.json", config.replace(&stage.door.url(), &stranger.url()));
    person.anyt(&["sync"]).code(4).warns("it was not sent");
    stranger.assert_heard_nothing("config.json says http");
}
