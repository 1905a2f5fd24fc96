//! What is tried again and what is not, and what a server's "not now" becomes.

use super::*;
use crate::sync::remote::RemoteError;
use crate::time::Timestamp;

const HONOURS: &str = "Idempotency-Key-Honoured: true\r\n";

#[test]
fn reads_are_tried_again() {
    let flaky = [
        Reply::Close,
        Reply::Reset,
        json(502, ""),
        json(503, ""),
        json(504, "<html>"),
        json(408, ""),
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()),
    ];
    for fault in flaky {
        let server = Server::play(vec![fault, json(200, TASK)]);
        let task = get(&patient(&server)).expect("the second try");
        assert_eq!(task.map(|task| task.id), Some(7));
        assert_eq!(server.seen().len(), 2);
    }
}

#[test]
fn what_will_not_change_is_not_tried_again() {
    for status in [400, 401, 403, 404, 409, 422, 500] {
        let server = Server::answers(&[(status, "{}"), (200, TASK)]);
        assert!(!matches!(get(&patient(&server)), Ok(Some(_))), "{status}");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
    let page = Server::answers(&[(200, "<html>"), (200, TASK)]);
    assert!(get(&patient(&page)).is_err());
    assert_eq!(page.seen().len(), 1);
}

#[test]
fn tries_are_counted() {
    let server = Server::answers(&[(503, "{}"), (503, "{}"), (503, "{}"), (200, TASK)]);
    let error = get(&patient(&server)).expect_err("three tries");
    assert!(matches!(error, RemoteError::Unavailable(_)), "{error:?}");
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_write_in_doubt_has_one_try() {
    // "Try again later" is what gateways say, also when the server behind them has done it.
    let later = || Reply::Bytes(answer(503, "Retry-After: 0\r\n", ""));
    for fault in [Reply::Close, Reply::Reset, json(500, ""), json(502, ""), json(503, ""), later(), json(408, "")] {
        let server = Server::play(vec![fault, json(201, TASK)]);
        let said = post(&patient(&server));
        assert!(is_lost(&said), "{said:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_write_is_tried_again_when_nothing_was_done() {
    let busy = Reply::Bytes(answer(429, "Retry-After: 0\r\n", ""));
    let server = Server::play(vec![busy, json(201, TASK)]);
    assert!(is_done(&post(&patient(&server))));
    assert_eq!(server.seen().len(), 2);
    let server = Server::answers(&[(429, ""), (204, "")]);
    assert_eq!(delete(&patient(&server)), Said::Done(None));
}

#[test]
fn a_refused_connection_is_tried_again_for_a_write() {
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let lines = Arc::new(Mutex::new(Vec::new()));
    let noted = lines.clone();
    let patience = Patience { tries: 3, total: Duration::from_secs(5) };
    let verbose: Box<dyn Fn(&str)> = Box::new(move |line| noted.lock().expect("not poisoned").push(line.to_string()));
    let http = open(Options { patience, verbose: Some(verbose), ..options(&format!("http://{gone}")) });
    let said = post(&http);
    assert!(matches!(said, Said::OutOfReach(_)), "{said:?}");
    let lines = lines.lock().expect("not poisoned");
    assert_eq!(lines.iter().filter(|line| line.starts_with("POST http://127.0.0.1:")).count(), 2, "{lines:?}");
}

#[test]
fn a_keyed_post_is_repeated_on_a_server_that_honours_the_key() {
    let hello = Reply::Bytes(answer(200, HONOURS, TASK));
    let server = Server::play(vec![hello, Reply::Close, json(201, TASK)]);
    let http = patient(&server);
    get(&http).expect("the server says hello");
    assert!(is_done(&post(&http)), "the second try");
    let seen = server.seen();
    let keys = seen.iter().filter(|request| request.contains("\r\nidempotency-key: 8c5f4f0e-0001\r\n"));
    assert_eq!((seen.len(), keys.count()), (3, 2));
    assert!(seen[1] == seen[2]);
}

#[test]
fn a_patch_and_a_delete_are_not_repeated_even_there() {
    let hello = || Reply::Bytes(answer(200, HONOURS, TASK));
    for write in [|http: &Http| patch(http, &title("x")), |http: &Http| delete(http)] {
        let server = Server::play(vec![hello(), Reply::Close, json(200, TASK)]);
        let http = patient(&server);
        get(&http).expect("the server says hello");
        assert!(is_lost(&write(&http)));
        assert_eq!(server.seen().len(), 2);
    }
}

#[test]
fn doubt_is_settled_by_a_success_only() {
    let hello = Reply::Bytes(answer(200, HONOURS, TASK));
    // The answer to the first POST is lost; then the server wants a pause, then it is gone.
    let busy = Reply::Bytes(answer(429, "Retry-After: 0\r\n", ""));
    let server = Server::play(vec![hello, Reply::Close, busy]);
    let http = patient(&server);
    get(&http).expect("the server says hello");
    assert!(is_lost(&post(&http)));
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn more_patience_than_this_run_has() {
    let now = Timestamp::now();
    let dates = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:51:37 GMT\r\n";
    for (status, headers) in [(429, "Retry-After: 120\r\n"), (503, "Retry-After: 120\r\n"), (429, dates)] {
        // A write that a gateway puts off may have been done.
        for write in if status == 429 { &[false, true][..] } else { &[false] } {
            let server = Server::play(vec![Reply::Bytes(answer(status, headers, r#"{"detail":"slow down"}"#))]);
            let http = patient(&server);
            let (until, message) = if *write {
                let said = delete(&http);
                let Said::Limited { until, message } = said else { panic!("{status} {headers}: {said:?}") };
                (until, message)
            } else {
                let error = get(&http).expect_err("busy");
                let RemoteError::Limited { until, message } = error else { panic!("{status} {headers}: {error:?}") };
                (until, message)
            };
            assert_eq!(message, "slow down");
            let seconds = now.age(until).as_secs();
            assert!((118..=125).contains(&seconds), "{seconds} s");
            assert_eq!(server.seen().len(), 1);
        }
    }
}

#[test]
fn too_many_requests_without_a_time_end_in_a_wait() {
    let server = Server::answers(&[(429, ""), (429, ""), (429, "")]);
    let error = get(&patient(&server)).expect_err("busy");
    assert!(matches!(error, RemoteError::Limited { .. }), "{error:?}");
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_pause_that_fits_is_waited_for() {
    let server = Server::play(vec![Reply::Bytes(answer(503, "Retry-After: 1\r\n", "")), json(200, TASK)]);
    let started = Instant::now();
    assert!(get(&patient(&server)).is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn all_tries_together_end_in_time() {
    let server = Server::play(vec![Reply::Silence]);
    let patience = Patience { tries: 50, total: Duration::from_secs(1) };
    let http = open(Options { patience, timeout: Duration::from_secs(2), ..options(&server.url) });
    let result = within(Duration::from_secs(4), || get(&http));
    assert!(matches!(result, Err(RemoteError::Unavailable(_))), "{result:?}");
}

/// A gateway that is down answers each of a hundred writes so: one repeat each at most, and that under a key.
#[test]
fn repeats_of_a_write_do_not_multiply() {
    let hello = Reply::Bytes(answer(200, HONOURS, TASK));
    let server = Server::play(vec![hello, json(502, ""), json(502, ""), json(201, TASK)]);
    let http =
        open(Options { patience: Patience { tries: 9, total: Duration::from_secs(20) }, ..options(&server.url) });
    get(&http).expect("the server says hello");
    assert!(is_lost(&post(&http)));
    assert_eq!(server.seen().len(), 3);
}
