//! The stage itself: a fault that does not happen, or a comparison that always agrees, would make every other test
//! worthless.

mod common;

use common::deadline::wait_until;
use common::http::{self, Message};
use common::json::{self, Look, Value};
use common::proxy::{Gate, What, When};
use common::pty::Terminal;
use common::scripted::{Bound, Errors, Order, Quirks, RetryAfter, Scripted, Shape, Times, Total};
use common::transcript::{Extra, assert_shows};
use common::{ALICE, Exit, Proxy, Sandbox, Server};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
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

#[test]
fn the_scripted_server_locks_and_deletes_as_api_md_says() {
    let server = Scripted::start(Quirks::c());
    let call = |method: &str, target: &str, body: &str| {
        let mut message = request(method, target, body).with_header("Connection", "close");
        message.headers.push(("If-Match".into(), "1".into()));
        let reply = http::exchange(server.address(), &message).unwrap();
        (reply.status(), json::try_parse(&reply.text()).unwrap_or_default())
    };
    let (status, task) = call("POST", TASKS, r#"{"title":"a","project_id":70,"labels":["x"],"description":null}"#);
    assert_eq!((status, task.text("identifier"), task.int("version")), (201, "DEV-1", 1));
    let one = format!("{TASKS}/DEV-1");
    let (status, task) = call("PATCH", &one, r#"{"status":"active","title":null}"#);
    assert_eq!((status, task.text("title"), task.text("status"), task.int("version")), (200, "a", "active", 2));
    let (status, problem) = call("PATCH", &one, r#"{"title":"late"}"#);
    assert_eq!((status, problem.int("current_version"), problem.int("provided_version")), (409, 2, 1));
    assert_eq!(call("DELETE", &one, "").0, 204);
    assert_eq!(call("GET", &one, "").0, 404);
    assert_eq!(call("GET", TASKS, "").1.int("total"), 0);
    assert_eq!(http::call(server.address(), "wrong", "GET", TASKS, None).0, 401);
}

#[test]
fn the_scripted_server_keeps_dependencies() {
    let (server, _proxy) = stage();
    let body = json::parse(r#"{"depends_on":"DEV-2"}"#);
    let dependencies = format!("{TASKS}/DEV-1/dependencies");
    assert_eq!(http::call(server.address(), ALICE, "POST", &dependencies, Some(&body)).0, 201);
    assert_eq!(http::call(server.address(), ALICE, "POST", &dependencies, Some(&body)).0, 409);
    let graph = get(server.address(), "/v1/workspaces/7/dependency-graph").1;
    assert_eq!((graph.text("edges.0.from_task"), graph.text("edges.0.to_task")), ("DEV-1", "DEV-2"));
    assert_eq!(get(server.address(), &dependencies).1.text("0.identifier"), "DEV-2");
    assert_eq!(http::call(server.address(), ALICE, "DELETE", &format!("{dependencies}/DEV-2"), None).0, 204);
    assert_eq!(http::call(server.address(), ALICE, "DELETE", &format!("{dependencies}/DEV-2"), None).0, 404);
}

/// The answer to a list request under one quirk.
fn listed(change: impl FnOnce(&mut Quirks), target: &str) -> (u16, Value) {
    let mut quirks = Quirks::c();
    change(&mut quirks);
    let server = Scripted::start(quirks);
    for title in ["one", "two", "three"] {
        server.add_task(&json::object([("title", json::string(title))]));
    }
    server.delete_task("DEV-2");
    server.world().labels.push("bug".into());
    get(server.address(), target)
}

#[test]
fn each_quirk_shows() {
    let total = |list: &Value| list.int("total");
    let labels = "/v1/workspaces/7/labels";
    assert_eq!(listed(|q| q.labels = None, labels).0, 404);
    assert_eq!(listed(|q| q.labels = Some(Shape::Array), labels).1.text("0.name"), "bug");
    assert_eq!(listed(|_| {}, labels).1.int("limit"), 50);
    let workspaces = "/v1/workspaces";
    assert_eq!(listed(|_| {}, workspaces).1.int("total_pages"), 1);
    assert_eq!(listed(|q| q.workspaces = Shape::Array, workspaces).1.text("0.identifier"), "DEV");
    assert_eq!(listed(|q| q.auth = false, "/v1/auth").0, 404);
    assert_eq!(total(&listed(|q| q.lists_tombstones = true, TASKS).1), 3);
    let page = listed(|q| q.page_cap = Some(1), &format!("{TASKS}?limit=100&offset=1")).1;
    assert_eq!((titles(&page), total(&page)), (vec!["three"], 2));
    let page_only = |q: &mut Quirks| (q.page_cap, q.total) = (Some(1), Total::PageOnly);
    assert_eq!(total(&listed(page_only, TASKS).1), 1);
    assert_eq!(listed(|q| q.limit_bound = Some(100), &format!("{TASKS}?limit=101")).0, 422);
    assert_eq!(titles(&listed(|q| q.order = Order::IdDescending, TASKS).1), ["three", "one"]);
    assert_eq!(listed(|q| q.refuses_unknown_query = true, &format!("{TASKS}?include_deleted=true")).0, 422);
    assert_eq!(listed(|_| {}, &format!("{TASKS}?include_deleted=true")).0, 200);
    assert_eq!(listed(|q| q.inprogress = true, &format!("{TASKS}?status=active")).0, 422);
    let since = format!("{TASKS}?updated_after=2025-10-16T10%3A00%3A03Z");
    assert_eq!(titles(&listed(|_| {}, &since).1), ["three"]);
    assert_eq!(titles(&listed(|q| q.updated_after = Bound::Exclusive, &since).1), Vec::<&str>::new());
    assert_eq!(titles(&listed(|q| q.ignores_filters = true, &since).1), ["one", "three"]);
    let created = |times| listed(|q| q.times = times, TASKS).1.text("items.0.created_at").to_string();
    assert_eq!(created(Times::NoZone), "2025-10-16T10:00:01.000000");
    assert_eq!(created(Times::Offset), "2025-10-16T12:00:01.000000+02:00");
    assert_eq!(created(Times::Millis), "2025-10-16T10:00:01.000Z");
    let bare = listed(|q| q.omits_optional = true, TASKS).1;
    assert!(["status", "priority", "labels", "description"].iter().all(|name| {
        matches!(bare.at(&format!("items.0.{name}")), Value::Null) && !json::to_string(&bare).contains(name)
    }));
    assert!(!json::to_string(&listed(|q| *q = Quirks::d(), TASKS).1).contains("\"labels\""));
    let throttled = listed(|q| q.throttle = Some((1, RetryAfter::Seconds(3))), TASKS);
    assert_eq!((throttled.0, throttled.1.int("status")), (429, 429));
    assert_eq!(
        listed(|q| (q.always, q.errors) = (Some(403), Errors::FastApi), TASKS).1.text("detail"),
        "so it was scripted"
    );
}

#[test]
fn a_post_repeated_with_its_key_has_one_effect_where_the_server_says_so() {
    for (honours, tasks) in [(true, 1), (false, 2)] {
        let server = Scripted::start(Quirks { idempotency: honours, ..Quirks::c() });
        let post = request("POST", TASKS, r#"{"title":"a","project_id":70}"#)
            .with_header("Idempotency-Key", "k")
            .with_header("Connection", "close");
        for _ in 0..2 {
            assert_eq!(http::exchange(server.address(), &post).unwrap().status(), 201);
        }
        assert_eq!(server.live_tasks().len(), tasks);
    }
}

#[test]
fn a_retry_date_is_an_http_date() {
    let server = Scripted::start(Quirks { throttle: Some((1, RetryAfter::Date(60))), ..Quirks::c() });
    let reply = http::exchange(server.address(), &request("GET", TASKS, "")).unwrap();
    let date = reply.header("retry-after").and_then(anyt::time::Timestamp::parse_http_date).expect("it is one");
    let ahead = date.0 - anyt::time::Timestamp::now().0;
    assert!((50_000_000..=60_000_000).contains(&ahead), "{ahead} µs ahead");
}

fn sh(sandbox: &Sandbox, script: &str) -> common::run::Invocation {
    sandbox.program(Path::new("/bin/sh"), &["-c", script])
}

#[test]
fn a_run_has_nothing_of_the_testers_environment() {
    let sandbox = Sandbox::new();
    sandbox.set_env("MORE", "1");
    let run = sh(&sandbox, "env").ok();
    let mut names: Vec<_> = run.stdout.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    let wanted =
        "HOME LANG MORE PATH TERM TMPDIR XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR XDG_STATE_HOME";
    assert_eq!(names.join(" "), wanted);
}

#[test]
fn runs_are_fed_timed_and_killed() {
    let sandbox = Sandbox::new();
    assert_eq!(sh(&sandbox, "cat").stdin("a\nb\n").ok().stdout_lines(), ["a", "b"]);
    assert_eq!(sh(&sandbox, "cat").ok().stdout, "");
    assert_eq!(sh(&sandbox, "head -n 2").stdin_endless("2").ok().stdout, "2\n2\n");
    assert_eq!(sh(&sandbox, "cat 2>/dev/null").stdin_closed().run().exit, Exit::Code(1));
    assert_eq!(sh(&sandbox, "echo a; echo b >&2; echo c").merged().ok().stdout, "a\nb\nc\n");
    assert_eq!(sh(&sandbox, "exit 3").code(3).exit, Exit::Code(3));
    let running = sh(&sandbox, "echo here; exec cat").stdin_silent().spawn();
    wait_until("it has started", Duration::from_secs(10), || running.stdout_so_far() == "here\n");
    assert_eq!(running.kill().exit, Exit::Signal(9));
}

#[test]
#[should_panic(expected = "`sh -c cat` was still running after 50ms and was killed")]
fn a_run_that_hangs_fails_the_test_by_name() {
    let sandbox = Sandbox::new();
    sh(&sandbox, "cat").stdin_silent().timeout(Duration::from_millis(50)).run();
}

#[test]
fn a_snapshot_tells_what_changed() {
    let sandbox = Sandbox::new();
    sandbox.write("work/a", "1");
    sandbox.write("work/b", "1");
    let before = sandbox.snapshot();
    assert_eq!(sandbox.snapshot().changed_since(&before), Vec::<String>::new());
    sandbox.write("work/a", "2");
    sandbox.write("cache/new", "secret");
    std::fs::remove_file(sandbox.path("work/b")).unwrap();
    let after = sandbox.snapshot();
    assert_eq!(after.changed_since(&before), ["cache/new", "work/a", "work/b"]);
    assert_eq!(after.files_containing("secret"), ["cache/new"]);
}

#[test]
fn a_sandbox_is_gone_afterwards() {
    let sandbox = Sandbox::new();
    let root = sandbox.path("");
    assert!(root.exists());
    drop(sandbox);
    assert!(!root.exists());
}

const TRANDEVIPT: &str = "
⚠ This will overwrite local changes
Continue? [y/N]: y
✓ Force synced 15 tasks
";

#[test]
fn a_transcript_agrees_with_and_without_echo() {
    for shown in [
        "⚠ This will overwrite local changes\nContinue? [y/N]: y\n✓ Force synced 15 tasks\n",
        "⚠ This will overwrite local changes\nContinue? [y/N]: \n✓ Force synced 15 tasks\n",
        "⚠ This will overwrite local changes\nContinue? [y/N]: ✓ Force synced 15 tasks\n",
        "⚠ This will overwrite local changes\r\nContinue? [y/N]: y\r\n✓ Force synced 15 tasks\r\n",
    ] {
        assert_shows(shown, TRANDEVIPT, Extra::Nothing);
    }
    assert_shows("a\n    title  x → y\nb\n", "\na\nb\n", Extra::IndentedLines);
}

#[test]
fn a_transcript_disagrees_when_a_line_is_missing_changed_added_or_moved() {
    for shown in ["a\n", "a\nB\n", "a\nx\nb\n", "b\na\n", "a\nb\nb\n", ""] {
        let disagrees = std::panic::catch_unwind(|| assert_shows(shown, "\na\nb\n", Extra::IndentedLines));
        assert!(disagrees.is_err(), "{shown:?} was taken for it");
    }
}

#[test]
fn a_terminal_is_one_and_types_what_it_is_told() {
    let sandbox = Sandbox::new();
    let script =
        "test -t 0 && test -t 1 && stty size </dev/tty; printf 'Name: '; read name; echo \"Hello, $name.\"; exit 5";
    let mut terminal = Terminal::program(&sandbox, &["/bin/sh", "-c", script]);
    terminal.expect("24 80").expect("Name: ").send("Ada\r").expect("Hello, Ada.");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(5), true));
}

#[test]
fn a_terminal_interrupts_and_tells_when_it_is_left_raw() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::program(&sandbox, &["/bin/sh", "-c", "echo ready; exec cat"]);
    terminal.expect("ready").send("\x03");
    assert_eq!(terminal.end().exit, Exit::Signal(2));
    let terminal = Terminal::program(&sandbox, &["/bin/sh", "-c", "stty -echo"]);
    assert!(!terminal.end().restored);
}

#[test]
fn the_real_server_keeps_its_port_and_its_data_over_a_kill() {
    let mut server = Server::start();
    let (status, workspaces) = server.alice().get("/v1/workspaces");
    assert_eq!((status, workspaces.text("items.0.identifier")), (200, "DEV"));
    let workspace = workspaces.int("items.0.id");
    let project = server.alice().get(&format!("/v1/workspaces/{workspace}/projects")).1.int("items.0.id");
    let tasks = format!("/v1/workspaces/{workspace}/tasks");
    let body = json::object([("title", json::string("kept")), ("project_id", json::int(project))]);
    assert_eq!(server.alice().post(&tasks, &body).0, 201);
    let address = server.address();
    server.restart();
    assert_eq!(server.address(), address);
    assert_eq!(titles(&server.bob().get(&tasks).1), ["kept"]);
    assert_eq!(server.user("anyt_nobody").get(&tasks).0, 401);
}
