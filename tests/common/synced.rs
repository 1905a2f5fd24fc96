//! The usual first scene: somebody has synced a few tasks through the proxy.

use super::json::{Look, Value};
use super::{ALICE, Proxy, Sandbox, Server};

/// Alice has synced these tasks of Bob's through a proxy, whose log is empty again.
pub fn synced(titles: &[&str]) -> (Server, Proxy, Sandbox) {
    let server = Server::start();
    for title in titles {
        server.bob().add_task(title);
    }
    let proxy = Proxy::before(&server);
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&proxy.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    proxy.reset();
    (server, proxy, sandbox)
}

/// In alphabetical order.
pub fn titles(tasks: &[Value]) -> Vec<String> {
    let mut titles: Vec<String> = tasks.iter().map(|task| task.text("title").to_string()).collect();
    titles.sort();
    titles
}

/// Names, versions and titles in Alice's cache are the server's.
#[track_caller]
pub fn assert_converged(server: &Server, sandbox: &Sandbox) {
    let name = |tasks: &[Value]| -> Vec<String> {
        let line =
            |task: &Value| format!("{} v{} {}", task.text("identifier"), task.int("version"), task.text("title"));
        let mut lines: Vec<String> = tasks.iter().map(line).collect();
        lines.sort();
        lines
    };
    assert_eq!(name(&sandbox.cached_tasks()), name(&server.alice().all_tasks()), "the cache and the server");
}
