//! `Idempotency-Key`, and many writers at once.

use crate::harness::*;

const TASKS: &str = "/v1/workspaces/1/tasks";

fn post(server: &Server, token: &str, key: &str, path: &str, body: &str) -> Reply {
    server.raw("POST", path, &[("X-API-Key", token), ("Idempotency-Key", key)], body)
}

#[test]
fn a_repeat_gets_the_first_answer_and_has_no_effect() {
    let server = Server::with(&["--db", "d.db", "--token", TOKEN, "--token", "bob=b1"]);
    let body = r#"{"title": "once", "project_id": 1}"#;
    let first = post(&server, TOKEN, "k1", TASKS, body);
    server.patch("DEV-1", r#"{"title": "changed since"}"#);
    let again = post(&server, TOKEN, "k1", &format!("{TASKS}/"), body);
    assert_eq!((again.status, &again.body), (201, &first.body));
    let folder = server.kill();
    let server = Server::start(folder, &["--db", "d.db", "--token", TOKEN, "--token", "bob=b1"]);
    assert_eq!(post(&server, TOKEN, "k1", TASKS, body).body, first.body, "also after a restart");
    assert_eq!(server.get(TASKS).int("total"), 1);
    assert_eq!(post(&server, "b1", "k1", TASKS, body).text("identifier"), "DEV-2", "keys belong to users");
    assert_eq!(post(&server, TOKEN, "k2", TASKS, body).text("identifier"), "DEV-3");
}

#[test]
fn a_key_is_for_one_request() {
    let server = Server::new();
    let body = r#"{"title": "once", "project_id": 1}"#;
    post(&server, TOKEN, "k", TASKS, body);
    assert_eq!(post(&server, TOKEN, "k", TASKS, r#"{"title": "other", "project_id": 1}"#).status, 422);
    assert_eq!(post(&server, TOKEN, "k", "/v1/workspaces/1/labels", body).status, 422);
    assert_eq!(post(&server, TOKEN, &"k".repeat(300), TASKS, body).status, 422);
    assert_eq!(server.get(TASKS).int("total"), 1);
}

#[test]
fn a_refusal_uses_no_key_up() {
    let server = Server::new();
    assert_eq!(post(&server, TOKEN, "k", TASKS, r#"{"title": "", "project_id": 1}"#).status, 422);
    assert_eq!(post(&server, TOKEN, "k", TASKS, r#"{"title": "mended", "project_id": 1}"#).status, 201);
}

#[test]
fn every_post_honours_it() {
    let server = Server::new();
    server.task("a", "");
    server.task("b", "");
    for (path, body) in [
        ("/v1/workspaces", r#"{"name": "w", "identifier": "WWW"}"#),
        ("/v1/workspaces/1/projects", r#"{"name": "p"}"#),
        ("/v1/workspaces/1/labels", r#"{"name": "l"}"#),
        ("/v1/workspaces/1/members", r#"{"user_id": "ann", "role": "viewer"}"#),
        ("/v1/workspaces/1/tasks/DEV-1/dependencies", r#"{"depends_on": "DEV-2"}"#),
        ("/v1/workspaces/1/tasks/DEV-1/comments", r#"{"content": "c"}"#),
    ] {
        let (first, again) = (post(&server, TOKEN, path, path, body), post(&server, TOKEN, path, path, body));
        assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body), "{path}");
    }
    assert_eq!(server.get("/v1/workspaces/1/tasks/DEV-1/comments").int("total"), 1);
}

#[test]
fn one_key_from_eight_threads_makes_one_task() {
    let server = Server::new();
    let body = r#"{"title": "once", "project_id": 1}"#;
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| post(&server, TOKEN, "k", TASKS, body))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == replies[0].body));
    assert_eq!(server.get(TASKS).int("total"), 1);
}

#[test]
fn eight_threads_get_distinct_consecutive_numbers_and_instants() {
    let server = Server::new();
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..25).map(|index| server.task(&index.to_string(), "")).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("answers")).collect()
    });
    let mut numbers: Vec<i64> = replies.iter().map(|reply| reply.int("number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    let instants: std::collections::BTreeSet<String> = replies.iter().map(|reply| reply.text("updated_at")).collect();
    assert_eq!(instants.len(), 200);
}
