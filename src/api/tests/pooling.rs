//! What ureq does with a connection that it has kept, and what follows for writes. Each test here states a fact about
//! the library; one that fails after an update of ureq says that the reasoning in `agent.rs` must be looked at again.

use super::*;
use crate::api::agent::{Line, Setup};
use crate::sync::remote::RemoteError;

/// The library itself: a POST into a kept connection that dies is an error and is not sent a second time.
#[test]
fn ureq_does_not_repeat_a_post_by_itself() {
    let server = Server::play(vec![Reply::KeepAlive(vec![kept(200, "{}")]), json(200, "{}")]);
    let setup = Setup { authority: "x".into(), proxy: None, ca_file: None, timeout: Duration::from_secs(2) };
    let agent = Line::build(&setup).unwrap_or_else(|words| panic!("{words}")).agent;
    agent.get(&server.url).call().and_then(|mut answer| answer.body_mut().read_to_vec()).expect("a first answer");
    assert!(agent.post(&server.url).send("{}").is_err(), "the connection was closed under the POST");
    let seen = server.seen();
    assert_eq!(seen.iter().filter(|request| request.starts_with("POST")).count(), 1, "{seen:?}");
}

/// Reads share a connection; a read into one that dies is read again at once, without a try being spent.
#[test]
fn reads_keep_a_connection() {
    let kept = vec![kept(200, TASK), kept(200, TASK)];
    let server = Server::play(vec![Reply::KeepAlive(kept), json(200, TASK)]);
    let http = client(&server);
    for _ in 0..3 {
        get(&http).expect("a task");
    }
    // Two answers and the request that met the hang-up on the first connection, its repetition on the second.
    assert_eq!(server.seen().len(), 4);
}

/// Reads and writes of all sorts go through one connection.
#[test]
fn a_run_has_one_connection() {
    let answers = [kept(200, TASK), kept(201, TASK), kept(204, ""), kept(404, "{}"), kept(409, "{}"), kept(200, TASK)];
    let server = Server::play(vec![Reply::KeepAlive(answers.to_vec())]);
    let http = client(&server);
    get(&http).expect("a task");
    assert!(is_done(&post(&http)));
    assert_eq!(delete(&http), Said::Done(None));
    assert_eq!(get(&http), Ok(None));
    assert!(matches!(patch(&http, &title("x")), Said::Conflict { .. }));
    assert!(is_done(&patch(&http, &title("x"))));
    assert_eq!(server.seen().len(), 6);
}

/// A kept connection that ends under a write leaves a doubt: nobody here knows how far the server read. One that ended
/// before is seen, and another is opened.
#[test]
fn a_kept_connection_that_ends() {
    let server = Server::play(vec![Reply::KeepAlive(vec![kept(200, TASK)]), json(201, TASK)]);
    let http = client(&server);
    get(&http).expect("a task");
    assert!(is_lost(&post(&http)));
    assert_eq!(server.seen().len(), 2);
    let closing = format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{TASK}", TASK.len()).into_bytes();
    let server = Server::play(vec![Reply::Bytes(closing), json(201, TASK)]);
    let http = client(&server);
    get(&http).expect("a task");
    // Until the end of the connection is here: the server closes it right behind the answer.
    server.until_closed(1);
    assert!(is_done(&post(&http)));
}

/// Interim answers are passed over, with or without a body in the request.
#[test]
fn interim_answers_are_passed_over() {
    let hint = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    let server = Server::play(vec![Reply::Bytes([hint, answer(201, "", TASK)].concat())]);
    let said = post(&client(&server));
    assert!(is_done(&said), "{said:?}");
}

/// Compression is neither asked for nor understood: a body that is compressed all the same is no JSON.
#[test]
fn a_compressed_answer_is_malformed() {
    let server = Server::play(vec![Reply::Bytes(answer(200, "Content-Encoding: gzip\r\n", "\u{1f}\u{8}"))]);
    assert!(matches!(get(&client(&server)), Err(RemoteError::Malformed(_))));
}
