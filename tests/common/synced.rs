//! The usual first scene: somebody has synced a few tasks through the proxy.

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
