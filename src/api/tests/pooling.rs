//! What ureq does with a connection that it has kept, and what follows for writes. Each test here states a fact about
//! the library; one that fails after an update of ureq says that the reasoning in `agent.rs` must be looked at again.

use super::*;
use crate::api::agent::{Agents, Setup};
use crate::sync::remote::{Remote, RemoteError};

/// The library itself: a POST into a kept connection that dies is an error and is not sent a second time.
#[test]
fn ureq_does_not_repeat_a_post_by_itself() {
    let server = Server::play(vec![Reply::KeepAlive(vec![answer(200, "", "{}")]), json(200, "{}")]);
    let setup = Setup { authority: "x".into(), proxy: None, ca_file: None, timeout: Duration::from_secs(2) };
    let agent = Agents::build(&setup).unwrap_or_else(|words| panic!("{words}")).reads;
    agent.get(&server.url).call().and_then(|mut answer| answer.body_mut().read_to_vec()).expect("a first answer");
    assert!(agent.post(&server.url).send("{}").is_err(), "the connection was closed under the POST");
    let seen = server.seen();
    assert_eq!(seen.iter().filter(|request| request.starts_with("POST")).count(), 1, "{seen:?}");
}

/// Reads share a connection; a read into one that dies is simply read again.
#[test]
fn reads_keep_a_connection() {
    let kept = vec![answer(200, "", TASK), answer(200, "", TASK)];
    let server = Server::play(vec![Reply::KeepAlive(kept), json(200, TASK)]);
    let http = patient(&server);
    for _ in 0..3 {
        http.task(1, "DEV-42").expect("a task");
    }
    // Two answers and the request that met the hang-up on the first connection, its repetition on the second.
    assert_eq!(server.seen().len(), 4);
}

/// A write never meets a connection that is about to be closed: it has its own.
#[test]
fn a_write_has_a_fresh_connection() {
    let server = Server::play(vec![Reply::KeepAlive(vec![answer(200, "", TASK)]), json(204, ""), json(201, TASK)]);
    let http = client(&server);
    http.task(1, "DEV-42").expect("a task");
    assert_eq!(http.delete_task(1, "DEV-42"), Ok(()));
    assert!(http.create_task(&operation(), &title("Fix")).is_ok());
}

/// Interim answers are passed over, with or without a body in the request.
#[test]
fn interim_answers_are_passed_over() {
    let hint = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    let server = Server::play(vec![Reply::Bytes([hint, answer(201, "", TASK)].concat())]);
    let task = client(&server).create_task(&operation(), &title("Fix"));
    assert!(task.is_ok(), "{task:?}");
}

/// Compression is neither asked for nor understood: a body that is compressed all the same is no JSON.
#[test]
fn a_compressed_answer_is_malformed() {
    let server = Server::play(vec![Reply::Bytes(answer(200, "Content-Encoding: gzip\r\n", "\u{1f}\u{8}"))]);
    assert!(matches!(client(&server).task(1, "DEV-42"), Err(RemoteError::Malformed(_))));
}
