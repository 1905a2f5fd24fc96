//! Where the credential goes, and that it goes nowhere else: headers, redirects, proxies, messages.

use super::*;
use crate::sync::remote::RemoteError;

fn head(request: &str) -> String {
    request.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase()
}

fn redirect(status: u16, location: &str) -> Reply {
    Reply::Bytes(answer(status, &format!("Location: {location}\r\n"), ""))
}

#[test]
fn a_token_is_a_bearer_and_an_agent_key_is_not() {
    for (secret, header) in [
        ("anyt_canary", "\r\nauthorization: bearer anyt_canary\r\n"),
        ("aaa.bbb.ccc", "\r\nauthorization: bearer aaa.bbb.ccc\r\n"),
        ("anyt_agent_0123456789", "\r\nx-api-key: anyt_agent_0123456789\r\n"),
    ] {
        let server = Server::answers(&[(200, TASK)]);
        let http = open(Options { secret: Some(Secret::new(secret)), ..options(&server.url) });
        get(&http).expect("a task");
        let seen = head(&server.seen()[0]) + "\r\n";
        assert!(seen.contains(header), "{seen}");
        assert_eq!(seen.matches("anyt_").count() + seen.matches("aaa").count(), 1, "{seen}");
    }
}

#[test]
fn requests_carry_what_api_md_asks_for_and_nothing_more() {
    let server = Server::answers(&[(200, TASK), (201, TASK), (200, TASK), (204, "")]);
    let http = client(&server);
    get(&http).expect("a task");
    assert!(is_done(&post(&http)), "a create");
    assert!(is_done(&patch(&http, &title("Fix"))), "an update");
    assert!(is_done(&delete(&http)), "a delete");
    let seen = server.seen();
    let heads: Vec<String> = seen.iter().map(|request| head(request) + "\r\n").collect();
    for head in &heads {
        assert!(head.contains("\r\naccept: application/json\r\n"), "{head}");
        assert!(head.contains(concat!("\r\nuser-agent: anyt/", env!("CARGO_PKG_VERSION"), "\r\n")), "{head}");
        assert!(!head.contains("expect:") && !head.contains("accept-encoding") && !head.contains("cookie"), "{head}");
    }
    assert!(heads[0].starts_with("get /v1/workspaces/1/tasks/dev-42 http/1.1\r\n"), "{}", heads[0]);
    assert!(
        heads[1].contains("\r\nidempotency-key: 8c5f4f0e-0001\r\n")
            && heads[1].contains("\r\ncontent-type: application/json\r\n")
    );
    assert!(heads[2].starts_with("patch ") && heads[2].contains("\r\nif-match: 5\r\n"), "{}", heads[2]);
    assert!(seen[2].ends_with(r#"{"project_id":2,"title":"Fix"}"#), "{}", seen[2]);
    assert!(heads[3].starts_with("delete ") && !heads[3].contains("content-type"), "{}", heads[3]);
}

#[test]
fn health_is_asked_without_a_credential() {
    let server = Server::answers(&[(404, ""), (200, r#"{"status":"healthy","timestamp":"x","version":"1"}"#)]);
    let health = client(&server).health().expect("health");
    assert_eq!((health.status.as_str(), health.version.as_deref()), ("healthy", Some("1")));
    let seen = server.seen();
    assert!(seen[0].starts_with("GET /health ") && seen[1].starts_with("GET /v1/health "));
    assert!(!seen.concat().contains("canary"));
}

#[test]
fn a_redirect_within_the_server_is_followed() {
    let server = Server::play(vec![redirect(307, "/v1/slash/"), json(201, TASK)]);
    assert!(is_done(&post(&client(&server))), "the same POST again");
    let seen = server.seen();
    assert!(seen[1].starts_with("POST /v1/slash/ ") && seen[1].contains("anyt_canary"), "{}", seen[1]);
    assert_eq!(seen[0].split_once("\r\n").map(|rest| rest.1), seen[1].split_once("\r\n").map(|rest| rest.1));

    for status in [301, 302, 303, 307, 308] {
        let server = Server::play(vec![redirect(status, "elsewhere"), json(200, TASK)]);
        assert!(get(&client(&server)).is_ok(), "{status}");
        assert!(server.seen()[1].starts_with("GET /v1/workspaces/1/tasks/elsewhere "));
    }
}

#[test]
fn a_redirect_elsewhere_carries_no_credential() {
    for secret in ["anyt_canary", "anyt_agent_canary"] {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = Server::play(vec![json(200, TASK)]);
            for target in [format!("{}/v1", elsewhere.url), elsewhere.url.replace("http:", ""), "ftp://x".into()] {
                let server = Server::play(vec![redirect(status, &target), redirect(status, &target)]);
                let http = open(Options { secret: Some(Secret::new(secret)), ..options(&server.url) });
                let read = get(&http).expect_err("a redirect");
                let write = post(&http);
                let words = match (&read, &write) {
                    (RemoteError::OutOfReach(read), Said::OutOfReach(write)) => read.clone() + write,
                    // An address that is none.
                    (RemoteError::Refused { .. }, Said::Refused { .. }) if target == "ftp://x" => String::new(),
                    other => panic!("{other:?}"),
                };
                assert!(target == "ftp://x" || words.contains(&elsewhere.url), "{words}");
            }
            assert!(elsewhere.seen().is_empty());
        }
    }
}

#[test]
fn a_redirected_write_is_not_turned_into_a_read() {
    for status in [301, 302] {
        let server = Server::play(vec![redirect(status, "/login"), json(200, TASK)]);
        let said = post(&client(&server));
        assert!(matches!(said, Said::Refused { .. }), "{said:?}");
        assert_eq!(server.seen().len(), 1);
    }
    let server = Server::play(vec![redirect(303, "/done"), json(200, TASK)]);
    assert!(is_lost(&post(&client(&server))));
}

#[test]
fn redirects_do_not_go_on_for_ever() {
    let server = Server::play((0..5).map(|_| redirect(307, "/again")).collect());
    let error = get(&client(&server)).expect_err("circles");
    assert!(matches!(error, RemoteError::Refused { .. }), "{error:?}");
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_proxy_in_the_environment_is_ignored_for_loopback() {
    let proxy = Server::play(vec![Reply::Close]);
    let server = Server::answers(&[(200, TASK)]);
    let everything = proxy.url.clone();
    let http = Http::with_env(options(&server.url), &|name| name.ends_with("PROXY").then(|| everything.clone()));
    assert!(get(&http.expect("a server")).is_ok());
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_proxy_sees_a_tunnel_and_a_refusing_one_sees_no_credential() {
    let behind = |script| {
        let proxy = Server::play(script);
        let url = proxy.url.clone();
        let far = Options { allow_insecure_http: true, ..options("http://anyt.invalid:8000") };
        let env = |name: &str| (name == "HTTP_PROXY").then(|| url.clone());
        (Http::with_env(far, &env).expect("a server"), proxy)
    };
    let tunnel = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let (http, proxy) = behind(vec![Reply::KeepAlive(vec![tunnel, kept(200, TASK)])]);
    assert!(get(&http).is_ok());
    drop(http);
    let seen = proxy.seen();
    assert!(seen[0].starts_with("CONNECT anyt.invalid:8000 ") && !seen[0].contains("canary"), "{}", seen[0]);
    assert!(seen[1].starts_with("GET ") && seen[1].contains("canary"), "{}", seen[1]);

    let (http, proxy) = behind(vec![Reply::Bytes(answer(407, "", "")), Reply::Close]);
    for _ in 0..2 {
        let said = post(&http);
        assert!(matches!(said, Said::OutOfReach(_)), "{said:?}");
    }
    assert_eq!(proxy.seen().len(), 2);
    assert!(!proxy.seen().concat().contains("canary"));
}

#[test]
fn an_echoed_token_is_scrubbed() {
    let lines = Arc::new(Mutex::new(String::new()));
    let noted = lines.clone();
    let echo = r#"{"detail":"bad token anyt_canary","title":"anyt_canary"}"#;
    let server = Server::play(vec![json(401, echo), redirect(302, "http://anyt_canary.evil/anyt_canary")]);
    let verbose: Box<dyn Fn(&str)> = Box::new(move |line| *noted.lock().expect("not poisoned") += line);
    let http = open(Options { verbose: Some(verbose), ..options(&server.url) });
    let first = get(&http).expect_err("401");
    assert_eq!(first, RemoteError::Unauthorized("bad token (redacted)".into()));
    let second = get(&http).expect_err("302");
    assert!(!format!("{second:?}").contains("canary"), "{second:?}");
    let lines = lines.lock().expect("not poisoned");
    assert!(lines.contains("GET http://127.0.0.1:") && !lines.contains("canary"), "{lines}");
}

#[test]
fn a_token_that_no_header_can_carry_is_never_sent() {
    let server = Server::play(Vec::new());
    let http = open(Options { secret: Some(Secret::new("anyt_a\r\nX-Evil: 1")), ..options(&server.url) });
    let error = get(&http).expect_err("no header");
    assert!(!format!("{error:?}").contains("Evil"), "{error:?}");
}

#[test]
fn clear_text_to_another_machine_is_refused_before_anything_is_opened() {
    for url in ["http://localhost.evil", "http://127.0.0.1.evil:8000", "http://[::ffff:127.0.0.1]:8000"] {
        assert!(Http::with_env(options(url), &|_| None).is_err(), "{url}");
    }
}
