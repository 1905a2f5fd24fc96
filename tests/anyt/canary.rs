//! A token is in memory, in its store and in requests to its server, and nowhere else: not on screen at `-vv`, not in any
//! file, not in what a child is given, whatever a server echoes.

use crate::common::faults::{Gate, What, When};
use crate::common::http::Message;
use crate::common::json::{self, Look};
use crate::common::{ALICE, Proxy, Run, Sandbox, Server};

/// Enough of the token to know it by, were it cut somewhere.
const NEEDLE: &str = "alice_tok";

#[track_caller]
fn clean(run: Run) -> Run {
    assert!(!run.stdout.contains(NEEDLE) && !run.stderr.contains(NEEDLE), "{run}");
    run
}

#[track_caller]
fn assert_in_no_file(person: &Sandbox) {
    assert_eq!(person.snapshot().files_containing(NEEDLE), [""; 0]);
}

/// Signed in with the token in the encrypted file, or else in a variable, and synced.
fn signed_in(url: &str, stored: bool) -> Sandbox {
    let person = Sandbox::new();
    person.set_env("RUST_BACKTRACE", "full");
    person.anyt(&["env", "add", "dev", url]).ok();
    match stored {
        true => drop(clean(person.anyt(&["auth", "login", "-vv"]).stdin(ALICE).ok())),
        false => person.set_env("ANYT_AUTH_TOKEN", ALICE),
    }
    clean(person.anyt(&["init", "-vv"]).ok());
    clean(person.anyt(&["sync", "-vv"]).ok());
    person
}

/// What a server may say that was sent these headers.
fn echoes(status: u16) -> Vec<Message> {
    let headers = format!("Authorization: Bearer {ALICE}\nX-API-Key: {ALICE}");
    let quoted = json::quoted(&headers);
    let escaped: String = ALICE.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let problem = |body: String| Message::reply(status, "application/problem+json", body);
    vec![
        problem(format!(r#"{{"title":{quoted},"status":{status},"detail":{quoted}}}"#)),
        problem(format!(r#"{{"detail":[{{"loc":["header",{quoted}],"msg":{quoted},"type":"x"}}]}}"#)),
        problem(format!(r#"{{"error":"E","message":{quoted},"details":[{{"field":{quoted},"message":{quoted}}}]}}"#)),
        problem(format!(r#"{{"detail":"Bearer {escaped}"}}"#)),
        problem(format!(r#"{{"detail":"{}{ALICE}"}}"#, "x".repeat(295))),
        Message::reply(
            status,
            "application/json",
            format!(r#"{{"headers":{{"authorization":{quoted}}},"error":{quoted}}}"#),
        ),
        Message::reply(status, "text/plain", headers.clone()),
        Message::reply(status, "text/html", format!("<html>{headers}</html>")),
        Message::reply(status, "text/html", "").with_header("Location", &format!("https://evil.invalid/?t={ALICE}")),
    ]
}

/// Fails without the `scrub` in `Transport::judge` of api/transport.rs.
#[test]
fn a_server_that_echoes_the_token() {
    let server = Server::start();
    let proxy = Proxy::before(&server);
    for stored in [true, false] {
        let person = signed_in(&proxy.url(), stored);
        clean(person.anyt(&["task", "create", "First"]).ok());
        for status in [200, 302, 400, 401, 403, 404, 409, 422, 500] {
            for echo in echoes(status) {
                clean(person.anyt(&["task", "update", "DEV-1", "--title", &format!("At {status}"), "--offline"]).ok());
                proxy.fault(When::first("", "/").always(), What::Answer(echo));
                for args in [
                    &["sync", "-vv"][..],
                    &["auth", "whoami", "-vv"],
                    &["task", "create", "Echo", "--no-queue", "-vv", "--json"],
                ] {
                    clean(person.anyt(args).run());
                }
                proxy.reset();
            }
            clean(person.anyt(&["health", "-vv"]).run());
            clean(person.anyt(&["auth", "login", "-vv", "--json"]).stdin(ALICE).run());
        }
        for args in
            [&["sync", "log", "-vv"][..], &["sync", "queue"], &["sync", "status", "--json"], &["auth", "status"]]
        {
            clean(person.anyt(args).run());
        }
        assert_in_no_file(&person);
    }
}

/// One operation after the other is refused with the token in the refusal, which is kept beside it in the queue.
#[test]
fn refusals_that_are_kept() {
    let server = Server::start();
    let proxy = Proxy::before(&server);
    let person = signed_in(&proxy.url(), true);
    for echo in echoes(422) {
        clean(person.anyt(&["task", "create", "Refused", "--offline"]).ok());
        proxy.fault(When::first("POST", "/"), What::Answer(echo));
        clean(person.anyt(&["sync", "-vv"]).run());
        for args in [&["sync", "queue", "-vv"][..], &["sync", "queue", "--json"], &["sync", "log", "--json"]] {
            clean(person.anyt(args).ok());
        }
        assert_in_no_file(&person);
        proxy.reset();
    }
    clean(person.anyt(&["sync", "--force", "--yes", "-vv"]).run());
    assert_in_no_file(&person);
}

/// What a proxy or a framework makes of a header that it logs into its answer. Fails where only the token as it stands is
/// looked for.
#[test]
fn a_server_that_echoes_the_token_in_another_spelling() {
    let server = Server::start();
    let proxy = Proxy::before(&server);
    let person = signed_in(&proxy.url(), true);
    let spelled = |form: fn(char) -> String| ALICE.chars().map(form).collect::<String>();
    let base64 = "YW55dF9hbGljZV90b2tlbg==";
    for (echo, needle) in [
        (spelled(|c| format!("%{:02X}", u32::from(c))), "%6C%69%63%65"),
        (spelled(|c| format!("{:02x}", u32::from(c))), "616c696365"),
        (spelled(|c| format!("\\u{:04x}", u32::from(c))), "u0061"),
        (ALICE.to_uppercase(), "ALICE"),
        (base64.to_string(), "bGljZV90b2"),
    ] {
        clean(person.anyt(&["task", "create", "Refused", "--offline"]).ok());
        // Not JSON, so that nothing takes the escapes away.
        let answer = Message::reply(422, "text/plain", format!("{{\"detail\": \"no such token: {echo}"));
        proxy.fault(When::first("", "/").always(), What::Answer(answer));
        for args in [&["sync", "-vv"][..], &["auth", "whoami", "-vv"], &["sync", "queue"], &["sync", "log", "--json"]] {
            let run = person.anyt(args).run();
            assert!(!run.stdout.contains(needle) && !run.stderr.contains(needle), "{run}");
        }
        assert_eq!(person.snapshot().files_containing(needle), [""; 0]);
        proxy.reset();
        proxy.fault(When::first("POST", "/"), What::Answer(Message::reply(422, "text/plain", format!("token {echo}"))));
        let refused = person.anyt(&["sync"]).run();
        assert!(refused.stderr.contains("(redacted)"), "{refused}");
        let queue = person.anyt(&["sync", "queue"]).ok();
        assert!(!queue.stdout.contains(needle), "{queue}");
        assert_eq!(person.snapshot().files_containing(needle), [""; 0]);
        proxy.reset();
    }
}

/// The files of a sync under way, and those that one leaves which is killed: staged rows, queue.jsonl, lock, -wal.
#[test]
fn in_the_middle_of_a_sync() {
    let server = Server::start();
    let proxy = Proxy::before(&server);
    for stored in [true, false] {
        let person = signed_in(&proxy.url(), stored);
        clean(person.anyt(&["task", "create", "On its way", "--offline"]).ok());
        for (method, target) in [("GET", "/v1/workspaces"), ("POST", "/v1/workspaces/")] {
            let gate = Gate::new();
            proxy.fault(When::first(method, target), What::StallReply(gate.clone()));
            let sync = person.anyt(&["sync", "-vv"]).spawn();
            gate.wait_for_somebody();
            assert_in_no_file(&person);
            let argv = std::fs::read_to_string(format!("/proc/{}/cmdline", sync.pid())).unwrap_or_default();
            assert!(!argv.contains(NEEDLE), "{argv}");
            clean(sync.kill());
            assert_in_no_file(&person);
            proxy.reset();
        }
        clean(person.anyt(&["sync", "-vv"]).ok());
        assert_in_no_file(&person);
    }
}

/// An editor is given a file and an environment; both, and the command lines of it and of what started it, are kept.
/// Fails without the `env_remove` in ui/editor.rs.
#[test]
fn what_an_editor_is_given() {
    let server = Server::start();
    let name = server.alice().add_task("A title");
    for stored in [true, false] {
        let person = signed_in(&server.url(), stored);
        for (other, value) in [("ANYT_API_KEY", ALICE), ("ANYT_PASSPHRASE", "not the alice_token either")] {
            person.set_env(other, value);
        }
        clean(person.anyt(&["task", "update", &name, "--title", "Ours", "--offline"]).ok());
        server.alice().edit_task(&name, r#"{"title":"Theirs"}"#);
        let kept = person.path("work/kept");
        let script = format!(
            "#!/bin/sh\n{{ env; cat \"$1\"; tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$PPID/cmdline; ls -la /proc/$$/fd; }} >{}\n\
             printf 'title: Both\\n' >\"$1\"\n",
            kept.display()
        );
        let editor = person.write("work/editor", script);
        let editor = format!("sh {}", editor.display());
        let sync = person.anyt(&["sync", "-vv"]).env("VISUAL", &editor).stdin("3\n");
        clean(sync.run());
        let kept = person.read("work/kept");
        assert!(kept.contains("HOME=") && kept.contains("Theirs"), "the editor ran: {kept}");
        assert!(!kept.contains("ANYT_AUTH_TOKEN") && !kept.contains("ANYT_PASSPHRASE="), "{kept}");
        assert_in_no_file(&person);
        assert_eq!(server.alice().task(&name).unwrap().text("title"), "Both");
    }
}
