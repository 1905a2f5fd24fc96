//! P1, P2, P3 and P5 on a hostile network (issue 3 "Fault proxy"): each fault at each request of a sync, on servers with
//! and without `Idempotency-Key`. Whatever happens in between, in the end every edit is on the server once, the cache
//! equals the server, and a further sync has nothing to send.

use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::proxy::{Gate, Proxy, What, When};
use crate::common::scripted::{Quirks, Scripted, World};
use crate::common::{ALICE, Exit, Sandbox};
use std::collections::BTreeMap;
use std::time::Duration;

/// A person with four operations queued, a colleague's change to pull, and the world as it was then.
struct Stage {
    server: Scripted,
    proxy: Proxy,
    prepared: Sandbox,
    world: World,
}

impl Stage {
    fn new(idempotency: bool) -> Stage {
        let server = Scripted::start(Quirks { idempotency, ..Quirks::c() });
        for title in ["One", "Two", "Three"] {
            server.add_task(&json::object([("title", json::string(title))]));
        }
        let proxy = Proxy::before_address(server.address());
        let prepared = Sandbox::new();
        prepared.sign_in_at(&proxy.url(), ALICE);
        prepared.set_env("ANYT_TIMEOUT", "1");
        prepared.anyt(&["sync"]).ok();
        prepared.anyt(&["task", "create", "Mine", "-d", "made offline", "--offline"]).ok();
        prepared.anyt(&["task", "update", "DEV-1", "--priority", "2", "--offline"]).ok();
        prepared.anyt(&["task", "rm", "DEV-2", "--force", "--offline"]).ok();
        prepared.anyt(&["task", "dep", "add", "DEV-3", "--on", "DEV-1", "--offline"]).ok();
        server.change_task("DEV-3", &json::parse(r#"{"title":"Theirs"}"#));
        let world = server.world().clone();
        Stage { server, proxy, prepared, world }
    }

    /// The world and the person as they were when everything was prepared.
    fn again(&self) -> Sandbox {
        self.proxy.reset();
        *self.server.world() = self.world.clone();
        self.prepared.twin()
    }

    /// Requests of a sync in which nothing goes wrong.
    fn requests(&self) -> usize {
        let sandbox = self.again();
        sandbox.anyt(&["sync"]).ok();
        self.assert_settled(&sandbox, "without any fault");
        self.proxy.log().len()
    }

    #[track_caller]
    fn assert_settled(&self, sandbox: &Sandbox, case: &str) {
        let titles = |tasks: &[Value]| -> BTreeMap<String, String> {
            tasks.iter().map(|task| (task.text("identifier").to_string(), task.text("title").to_string())).collect()
        };
        let live = self.server.live_tasks();
        let wanted = [("DEV-1", "One"), ("DEV-3", "Theirs"), ("DEV-4", "Mine")];
        let wanted = wanted.map(|(identifier, title)| (identifier.to_string(), title.to_string()));
        assert_eq!(titles(&live), BTreeMap::from(wanted), "the server {case}");
        assert_eq!(self.server.task("DEV-1").expect("it is live").int("priority"), 2, "the update {case}");
        let edges = self.server.world().edges.clone();
        assert_eq!(edges, [("DEV-3".to_string(), "DEV-1".to_string())], "the dependency {case}");
        let cached = sandbox.cached_tasks();
        assert_eq!(titles(&cached), titles(&live), "the cache {case}");
        for task in &cached {
            let theirs = self.server.task(task.text("identifier")).expect("it is live");
            assert_eq!(task.int("version"), theirs.int("version"), "{} {case}", task.text("identifier"));
            assert_eq!(task.int("priority"), theirs.int("priority"), "{} {case}", task.text("identifier"));
        }
        assert_eq!(sandbox.pending(), 0, "operations left {case}");
    }
}

/// One fault at every request in turn, on both kinds of server.
fn at_every_request(fault: impl Fn() -> What) {
    for idempotency in [true, false] {
        let stage = Stage::new(idempotency);
        for n in 0..stage.requests() {
            let sandbox = stage.again();
            stage.proxy.fault(When::at(n), fault());
            let hurt = sandbox.anyt(&["sync", "--no-input"]).run();
            let case = format!("after {:?} at request {n}, Idempotency-Key {idempotency}\n{hurt}", fault());
            assert!(matches!(hurt.exit, Exit::Code(0 | 1 | 5 | 6)), "{case}");
            // A reset of the proxy forgets the faults and lets go of what they hold.
            stage.proxy.reset();
            stage.proxy.come_back();
            let healed = sandbox.anyt(&["sync", "--no-input"]).run();
            assert_eq!(healed.exit, Exit::Code(0), "{case}\n{healed}");
            stage.assert_settled(&sandbox, &case);
            stage.proxy.reset();
            sandbox.anyt(&["sync", "--no-input"]).ok();
            assert_eq!(stage.proxy.writes().len(), 0, "sent again {case}");
        }
    }
}

#[test]
fn connections_are_refused() {
    at_every_request(|| What::GoDown);
}

#[test]
fn the_request_is_reset() {
    at_every_request(|| What::ResetAfterRequestBytes(40));
}

#[test]
fn the_reply_is_reset_before_its_first_byte() {
    at_every_request(|| What::ResetAfterReplyBytes(0));
}

#[test]
fn the_reply_is_reset_in_its_head() {
    at_every_request(|| What::ResetAfterReplyBytes(20));
}

#[test]
fn the_reply_is_dropped() {
    at_every_request(|| What::DropReply);
}

#[test]
fn the_request_stalls() {
    at_every_request(|| What::StallRequest(Gate::pause(Duration::from_secs(3))));
}

#[test]
fn the_reply_stalls() {
    at_every_request(|| What::StallReply(Gate::pause(Duration::from_secs(3))));
}

#[test]
fn the_server_is_busy() {
    at_every_request(|| What::status(429, &[("Retry-After", "0")]));
}

#[test]
fn the_server_fails_before_it_does_anything() {
    at_every_request(|| What::status(500, &[]));
    at_every_request(|| What::status(503, &[]));
}

#[test]
fn the_gateway_loses_an_answer() {
    at_every_request(|| What::AnswerAfter(Message::reply(502, "text/html", "<html>Bad gateway</html>")));
}

#[test]
fn the_body_is_truncated() {
    at_every_request(|| What::TruncatedBody);
}

#[test]
fn the_body_has_the_wrong_length() {
    at_every_request(|| What::WrongLength);
}

#[test]
fn a_login_page_answers() {
    at_every_request(|| What::Html);
}

#[test]
fn the_reply_comes_twice() {
    at_every_request(|| What::DuplicateReply);
}

#[test]
fn pages_shift_while_they_are_read() {
    at_every_request(|| What::PageSkips);
    at_every_request(|| What::PageRepeats);
}

/// Retries do not multiply: twenty creates at a gateway that always fails are a few requests.
#[test]
fn a_gateway_that_always_fails_is_asked_a_few_times() {
    let dispute = crate::common::Dispute::about(1);
    dispute.alice.set_env("ANYT_TEST_SETTLE_MS", "100");
    for number in 0..20 {
        dispute.alice.anyt(&["task", "create", &format!("New {number}"), "--offline"]).ok();
    }
    dispute.proxy.fault(When::ending("POST", "/tasks").always(), What::status(502, &[]));
    dispute.sync(&["--no-input"]).code(5);
    let (posts, all) = (dispute.proxy.writes().len(), dispute.proxy.log().len());
    assert!(posts <= 12 && all <= 60, "{posts} of {all}");
    assert_eq!(dispute.alice.pending(), 20);
    dispute.proxy.reset();
    dispute.sync(&["--no-input"]).ok();
    assert_eq!(dispute.bob().all_tasks().len(), 21);
    dispute.assert_settled();
}
