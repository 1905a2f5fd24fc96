//! Issue 3 point 3: a server that asks to be left alone is, by this run and by the next ones, whoever runs them.

use crate::common::faults::{What, When};
use crate::common::{ALICE, Proxy, Run, Sandbox, Server, synced};

fn stage() -> (Server, Proxy, Sandbox) {
    synced(&["One"])
}

/// Nothing is sent, what was written is queued, and the time is named.
#[track_caller]
fn assert_left_alone(proxy: &Proxy, sandbox: &Sandbox) {
    proxy.reset();
    let queued = sandbox.pending();
    let told = |run: Run| assert!(run.stderr.contains("asked to wait until"), "{run}");
    told(sandbox.anyt(&["sync", "-q", "--no-input"]).code(5));
    told(sandbox.anyt(&["task", "create", "Written meanwhile"]).ok().warns("what is queued is sent by: anyt sync"));
    told(sandbox.anyt(&["task", "create", "Not written", "--no-queue"]).code(5));
    sandbox.anyt(&["task", "list"]).ok();
    assert_eq!(proxy.log().len(), 0, "{:?}", proxy.log());
    assert_eq!(sandbox.pending(), queued + 1);
}

/// A clock two hours on: the time has come.
#[track_caller]
fn assert_comes_back(server: &Server, sandbox: &Sandbox, tasks: usize) {
    sandbox.set_env("ANYT_CLOCK_SKEW", "7200");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!((server.alice().all_tasks().len(), sandbox.pending()), (tasks, 0));
}

#[test]
fn retry_after_holds_for_the_next_run() {
    for fault in [What::status(429, &[("Retry-After", "3600")]), What::status(503, &[("Retry-After", "3600")])] {
        let (server, proxy, sandbox) = stage();
        proxy.fault(When::ending("GET", "/workspaces"), fault);
        let run = sandbox.anyt(&["sync", "--no-input"]).code(5);
        assert!(run.stderr.contains("asks to wait until"), "{run}");
        assert_left_alone(&proxy, &sandbox);
        assert_comes_back(&server, &sandbox, 2);
    }
}

/// The same when a command's own write is told so, before it is made or instead of it.
#[test]
fn a_write_that_is_put_off_holds_for_the_next_run() {
    for (method, place) in [("GET", "/auth"), ("POST", "/tasks")] {
        let (server, proxy, sandbox) = stage();
        proxy.fault(When::ending(method, place), What::status(429, &[("Retry-After", "3600")]));
        sandbox.anyt(&["task", "create", "Put off"]).ok().warns("what is queued is sent by: anyt sync");
        assert_left_alone(&proxy, &sandbox);
        assert_comes_back(&server, &sandbox, 3);
    }
}

/// Nobody is shut out for days by one header, or for ever by a clock that was set back.
#[test]
fn an_absurd_pause_ends() {
    let (server, proxy, sandbox) = stage();
    let absurd = What::status(429, &[("Retry-After", "99999999999999")]);
    proxy.fault(When::ending("GET", "/workspaces"), absurd);
    sandbox.anyt(&["sync", "--no-input"]).code(5);
    proxy.reset();
    sandbox.anyt(&["sync", "--no-input"]).code(5);
    sandbox.set_env("ANYT_CLOCK_SKEW", "-172800");
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_eq!(server.alice().all_tasks().len(), 1);
}

/// `--wait`: the run is left alone as long as the server asks for it and goes on where it stopped: no page is asked for
/// twice. Without the flag the next run does the same.
#[test]
fn who_waits_goes_on_where_the_server_stopped_him() {
    let server = Server::start();
    (0..250).for_each(|number| drop(server.bob().add_task(&format!("Task {number}"))));
    for waits in [true, false] {
        let proxy = Proxy::before(&server);
        let sandbox = Sandbox::new();
        sandbox.sign_in_at(&proxy.url(), ALICE);
        let page = When::is(|seen| seen.method == "GET" && seen.target.contains("/tasks?"));
        // As often as one request is tried in one run.
        proxy.fault(page.after(2).times(5), What::status(429, &[("Retry-After", "1")]));
        let run = if waits {
            sandbox.anyt(&["sync", "--no-input", "--wait", "60"]).ok().warns("this sync goes on after that")
        } else {
            sandbox.anyt(&["sync", "--no-input"]).code(5);
            assert_eq!(
                sandbox.anyt(&["task", "list"]).ok().stdout_lines().len(),
                0,
                "nothing is shown before all is there"
            );
            std::thread::sleep(std::time::Duration::from_millis(1_100));
            sandbox.anyt(&["sync", "--no-input"]).ok()
        };
        assert_eq!(sandbox.cached_tasks().len(), 250, "{run}");
        let log = proxy.log();
        let mut pages: Vec<&str> =
            log.iter().map(|one| one.target.as_str()).filter(|to| to.contains("/tasks?")).collect();
        let asked = pages.len();
        pages.sort_unstable();
        pages.dedup();
        assert!(pages.len() <= 4 && asked <= pages.len() + 5, "{asked}: {pages:?}");
    }
}
