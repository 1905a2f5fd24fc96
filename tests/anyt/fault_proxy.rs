//! The fault proxy does what its faults say: a fault that does not happen would make every test of one worthless.

use crate::common::ALICE;
use crate::common::http::{self, Message};
use crate::common::json::{self, Look, Value};
use crate::common::proxy::{Gate, Proxy, What, When};
use crate::common::scripted::{Quirks, Scripted};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TASKS: &str = "/v1/workspaces/7/tasks";

fn get(to: SocketAddr, target: &str) -> (u16, Value) {
    http::call(to, ALICE, "GET", target, None)
}

fn request(method: &str, target: &str, body: &str) -> Message {
    let headers = [("Host", "x"), ("Authorization", &format!("Bearer {ALICE}"))];
    Message {
        start: format!("{method} {target} HTTP/1.1"),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_string())).to_vec(),
        body: body.into(),
    }
}

/// A scripted server with two tasks behind a proxy.
fn stage() -> (Scripted, Proxy) {
    let server = Scripted::start(Quirks::c());
    for title in ["one", "two"] {
        server.add_task(&json::object([("title", json::string(title))]));
    }
    let proxy = Proxy::before_address(server.address());
    (server, proxy)
}

fn titles(list: &Value) -> Vec<&str> {
    list.items("items").iter().map(|task| task.text("title")).collect()
}

#[test]
fn the_proxy_forwards_and_keeps_a_log() {
    let (_server, proxy) = stage();
    let (status, list) = get(proxy.address(), TASKS);
    assert_eq!((status, titles(&list)), (200, vec!["one", "two"]));
    let body = json::parse(r#"{"title":"three","project_id":70}"#);
    assert_eq!(http::call(proxy.address(), ALICE, "POST", TASKS, Some(&body)).0, 201);
    let log = proxy.log();
    let seen: Vec<_> = log.iter().map(|one| (one.n, one.method.as_str(), one.upstream, one.status)).collect();
    assert_eq!(seen, [(0, "GET", Some(200), Some(200)), (1, "POST", Some(201), Some(201))]);
    assert_eq!(log[1].body, json::to_string(&body).into_bytes());
    assert_eq!(log[1].header("authorization"), Some(format!("Bearer {ALICE}").as_str()));
    assert_eq!((proxy.writes().len(), proxy.count_requests("GET", TASKS)), (1, 1));
}

#[test]
fn the_proxy_serves_several_requests_on_one_connection() {
    let (_server, proxy) = stage();
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap());
    for _ in 0..3 {
        stream.write_all(&request("GET", TASKS, "").bytes()).unwrap();
        assert_eq!(http::read(&mut replies).unwrap().unwrap().status(), 200);
    }
    assert_eq!(proxy.log().len(), 3);
}

/// What a client sees of a reply that is cut: the bytes that came and how it ended.
fn raw_reply(to: SocketAddr, message: &Message) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(&message.bytes()).unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).err().map(|error| error.kind());
    (bytes, end)
}

#[test]
fn a_reset_request_never_reaches_the_server() {
    let (server, proxy) = stage();
    proxy.fault(When::at(0), What::ResetAfterRequestBytes(20));
    let post = request("POST", TASKS, r#"{"title":"lost","project_id":70}"#);
    assert_eq!(raw_reply(proxy.address(), &post), (vec![], Some(ErrorKind::ConnectionReset)));
    assert_eq!(server.live_tasks().len(), 2);
    assert_eq!((proxy.log()[0].upstream, proxy.log()[0].status), (None, None));
}

#[test]
fn a_reset_reply_was_processed_and_comes_cut() {
    let (server, proxy) = stage();
    proxy.fault(When::first("POST", TASKS), What::ResetAfterReplyBytes(15));
    let post = request("POST", TASKS, r#"{"title":"lost","project_id":70}"#);
    let (bytes, end) = raw_reply(proxy.address(), &post);
    assert_eq!((bytes.as_slice(), end), (&b"HTTP/1.1 201 Cr"[..], Some(ErrorKind::ConnectionReset)));
    assert_eq!(server.live_tasks().len(), 3);
    assert_eq!((proxy.log()[0].upstream, proxy.log()[0].status), (Some(201), None));
}

#[test]
fn a_dropped_reply_was_processed() {
    let (server, proxy) = stage();
    proxy.fault(When::ending("POST", "/tasks"), What::DropReply);
    let post = request("POST", TASKS, r#"{"title":"lost","project_id":70}"#);
    assert_eq!(raw_reply(proxy.address(), &post), (vec![], None));
    assert_eq!(server.live_tasks().len(), 3);
}

#[test]
fn a_proxy_that_is_down_refuses_until_it_comes_back() {
    let (_server, proxy) = stage();
    proxy.go_down();
    let refused = |address| TcpStream::connect(address).err().map(|error| error.kind());
    assert_eq!(refused(proxy.address()), Some(ErrorKind::ConnectionRefused));
    proxy.come_back();
    assert_eq!(get(proxy.address(), TASKS).0, 200);
    proxy.fault(When::at(1), What::GoDown);
    assert!(http::exchange(proxy.address(), &request("GET", TASKS, "")).is_err());
    assert_eq!(refused(proxy.address()), Some(ErrorKind::ConnectionRefused));
    proxy.come_back();
    assert_eq!(get(proxy.address(), TASKS).0, 200);
}

#[test]
fn a_stall_holds_one_request_and_lets_others_pass() {
    let (server, proxy) = stage();
    for (what, arrived) in [(What::StallRequest as fn(Gate) -> What, 0), (What::StallReply, 1)] {
        proxy.reset();
        let before = server.requests().len();
        let gate = Gate::new();
        proxy.fault(When::first("GET", TASKS), what(gate.clone()));
        let address = proxy.address();
        let held = std::thread::spawn(move || get(address, TASKS).0);
        gate.wait_for_somebody();
        assert_eq!(server.requests().len() - before, arrived, "the server has seen it before the stall or not");
        assert_eq!(get(proxy.address(), "/health").0, 200);
        assert!(!held.is_finished());
        gate.open();
        assert_eq!(held.join().unwrap(), 200);
    }
}

#[test]
fn answers_of_our_own_with_and_without_the_server() {
    let (server, proxy) = stage();
    proxy.fault(When::at(0), What::status(429, &[("Retry-After", "7")]));
    let gateway = Message::reply(502, "text/html", "<html>bad gateway</html>");
    proxy.fault(When::at(1), What::AnswerAfter(gateway));
    let post = request("POST", TASKS, r#"{"title":"lost","project_id":70}"#).with_header("Connection", "close");
    let reply = http::exchange(proxy.address(), &post).unwrap();
    assert_eq!((reply.status(), reply.header("retry-after")), (429, Some("7")));
    assert_eq!(server.live_tasks().len(), 2);
    assert_eq!(http::exchange(proxy.address(), &post).unwrap().status(), 502);
    assert_eq!(server.live_tasks().len(), 3);
    let log = proxy.log();
    assert_eq!((log[1].upstream, log[1].status), (Some(201), Some(502)));
}

#[test]
fn bodies_that_are_cut_or_foreign() {
    let (_server, proxy) = stage();
    let whole = http::exchange(proxy.address(), &request("GET", TASKS, "")).unwrap().body;
    proxy.fault(When::at(1), What::TruncatedBody).fault(When::at(2), What::WrongLength).fault(When::at(3), What::Html);
    let get = request("GET", TASKS, "").with_header("Connection", "close");
    assert_eq!(http::exchange(proxy.address(), &get).err().map(|e| e.kind()), Some(ErrorKind::UnexpectedEof));
    let short = http::exchange(proxy.address(), &get).unwrap().body;
    assert_eq!(short, whole[..whole.len() / 2]);
    let page = http::exchange(proxy.address(), &get).unwrap();
    assert_eq!((page.status(), page.header("content-type")), (200, Some("text/html; charset=utf-8")));
}

#[test]
fn a_duplicated_reply_comes_twice() {
    let (_server, proxy) = stage();
    proxy.fault(When::at(0), What::DuplicateReply);
    let get = request("GET", TASKS, "").with_header("Connection", "close");
    let (bytes, _) = raw_reply(proxy.address(), &get);
    let (first, second) = bytes.split_at(bytes.len() / 2);
    assert_eq!(first, second);
    assert!(first.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn shifted_pages_skip_or_repeat() {
    let (_server, proxy) = stage();
    proxy.fault(When::at(0), What::PageSkips).fault(When::at(1), What::PageRepeats);
    assert_eq!(titles(&get(proxy.address(), TASKS).1), ["two"]);
    assert_eq!(titles(&get(proxy.address(), TASKS).1), ["one", "one", "two"]);
    assert_eq!(titles(&get(proxy.address(), TASKS).1), ["one", "two"]);
}

#[test]
fn a_fault_happens_when_it_was_told_to() {
    let (_server, proxy) = stage();
    proxy.fault(When::first("GET", TASKS).after(1).times(2), What::status(500, &[]));
    let statuses: Vec<u16> = (0..5).map(|_| get(proxy.address(), TASKS).0).collect();
    assert_eq!(statuses, [200, 500, 500, 200, 200]);
    proxy.reset();
    proxy.fault(When::ending("", "/tasks").always(), What::status(503, &[]));
    let statuses = ["/v1/auth", "/v1/workspaces/7/tasks?limit=1", TASKS].map(|target| get(proxy.address(), target).0);
    assert_eq!(statuses, [200, 503, 503]);
}
