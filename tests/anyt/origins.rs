//! A token goes to the server it was stored for and to nobody else, whatever redirects, addresses, proxies, flags,
//! variables and files say. Listeners that should hear nothing keep what they hear.

use crate::common;
use crate::common::faults::{What, When};
use crate::common::http::Message;
use crate::common::stranger::Stranger;
use crate::common::{ALICE, Proxy, Sandbox, Server};

/// Signed in on `dev` with the token in a store, and synced.
fn signed_in(url: &str) -> Sandbox {
    let person = Sandbox::new();
    person.anyt(&["env", "add", "dev", url]).ok();
    person.anyt(&["auth", "login"]).stdin(ALICE).ok();
    person.anyt(&["init"]).ok();
    person.anyt(&["sync"]).ok();
    person
}

/// Fails when ureq may follow by itself (`max_redirects` in api/agent.rs). That `Transport` goes nowhere else is its
/// shape: it keeps one origin and adds paths to it.
#[test]
fn a_redirect_to_another_server_is_not_followed() {
    let server = Server::start();
    let stranger = Stranger::start();
    let proxy = Proxy::before(&server);
    let person = signed_in(&proxy.url());
    let port = stranger.port();
    let places = [
        stranger.url(),
        format!("http://localhost:{port}/v1/auth"),
        format!("//127.0.0.1:{port}/v1"),
        format!("https://127.0.0.1:{port}/v1"),
        format!("http://{}@127.0.0.1:{port}/", server.address()),
        format!("http:\\\\127.0.0.1:{port}/"),
    ];
    for status in [301, 302, 303, 307, 308] {
        for place in &places {
            let case = format!("{status} to {place}");
            let away = What::Answer(Message::reply(status, "text/html", "").with_header("Location", place));
            proxy.fault(When::first("", "/").always(), away);
            let sync = person.anyt(&["sync"]).run();
            assert_ne!(sync.exit, common::Exit::Code(0), "{case}\n{sync}");
            person.anyt(&["auth", "whoami"]).run();
            person.anyt(&["task", "create", "Never told to strangers", "--no-queue"]).run();
            proxy.reset();
            stranger.assert_heard_nothing(&case);
        }
    }
    // Within the server a redirect is followed, token included.
    let here =
        What::Answer(Message::reply(307, "text/html", "").with_header("Location", &format!("{}/v1/auth", proxy.url())));
    proxy.fault(When::first("GET", "/v1/auth"), here);
    person.anyt(&["auth", "whoami"]).ok().says("alice");
}

#[test]
fn addresses_that_only_look_like_this_machine_get_nothing() {
    let stranger = Stranger::start();
    let port = stranger.port();
    let person = Sandbox::new();
    for url in [
        format!("http://localhost.evil:{port}"),
        format!("http://127.0.0.1.evil:{port}"),
        format!("http://127.0.0.1@evil:{port}"),
        format!("http://evil@127.0.0.1:{port}"),
        format!("http://me:pw@127.0.0.1:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://[::ffff:7f00:1]:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://127.1:{port}"),
        format!("http://0x7f.0.0.1:{port}"),
        format!("http://0.0.0.0:{port}"),
        format!("http://127.0.0.1:{port}\\@evil"),
        format!("http://evil\\@127.0.0.1:{port}"),
        format!("http://127.0.0.1\t:{port}"),
        format!("http://127.0.0.1:{port}\r\nX: y"),
        format!("HTTP://LOCALHOST.:{port}"),
        format!("ftp://127.0.0.1:{port}"),
        format!("//127.0.0.1:{port}"),
    ] {
        for proxy in ["", &stranger.url()] {
            let anyt = |args: &[&str]| {
                person.anyt(args).env("ANYT_AUTH_TOKEN", ALICE).env("HTTP_PROXY", proxy).env("ALL_PROXY", proxy).run()
            };
            for args in
                [&["sync", "--api-url", &url][..], &["auth", "whoami", "--api-url", &url], &["env", "add", "x", &url]]
            {
                let run = anyt(args);
                assert_ne!(run.exit, common::Exit::Code(0), "{run}");
                assert!(!run.stderr.contains("pw@") && !run.stderr.contains(ALICE), "{run}");
            }
            let login = person.anyt(&["auth", "login", "--api-url", &url]).stdin(ALICE).env("HTTP_PROXY", proxy).run();
            assert_ne!(login.exit, common::Exit::Code(0), "{login}");
            stranger.assert_heard_nothing(&url);
        }
    }
    assert!(!person.path("config/anyt/config.json").exists(), "no such environment was added");
    assert!(person.snapshot().files_containing(ALICE).is_empty());
}

/// Fails without `origin.is_loopback()` in `proxy::url_for`.
#[test]
fn a_proxy_never_sees_what_goes_to_this_machine() {
    let server = Server::start();
    let stranger = Stranger::start();
    let person = signed_in(&server.url());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        person.anyt(&["sync"]).env(name, &stranger.url()).ok();
        person.anyt(&["auth", "whoami"]).env(name, &stranger.url()).ok().says("alice");
    }
    stranger.assert_heard_nothing("through a proxy");
    // For https elsewhere the proxy is asked for a tunnel, and gets no token.
    let run = person
        .anyt(&["auth", "whoami", "--api-url", "https://api.invalid"])
        .env("ANYT_AUTH_TOKEN", ALICE)
        .env("HTTPS_PROXY", &stranger.url())
        .run();
    assert_ne!(run.exit, common::Exit::Code(0), "{run}");
    let heard = stranger.heard();
    assert!(heard.iter().any(|request| request.start.starts_with("CONNECT api.invalid:443")), "{heard:?}");
    assert!(heard.iter().all(|request| !format!("{request:?}").contains(ALICE)), "{heard:?}");
}

/// Fails without `check_origin` in credentials/vault.rs.
#[test]
fn a_stored_token_stays_with_its_server() {
    let server = Server::start();
    let stranger = Stranger::start();
    let person = signed_in(&server.url());
    let elsewhere = stranger.url();
    let was = format!("was stored for {}", server.url());
    person.anyt(&["--env", "dev", "--api-url", &elsewhere, "sync"]).code(4).warns(&was).warns("it was not sent");
    person.anyt(&["--api-url", &elsewhere, "sync"]).code(4).warns("not signed in to");
    person.anyt(&["sync"]).env("ANYT_API_URL", &elsewhere).code(4).warns("not signed in to");
    person.anyt(&["auth", "whoami"]).env("ANYT_API_URL", &elsewhere).code(4);

    let config = person.read("config/anyt/config.json");
    person.write("config/anyt/config.json", config.replace(&server.url(), &elsewhere));
    for args in [&["sync"][..], &["auth", "whoami"], &["workspace", "list", "--remote"], &["health"]] {
        let run = person.anyt(args).run();
        assert!(!run.stderr.contains(ALICE), "{run}");
    }
    let refused = person.anyt(&["sync"]).code(4).warns(&was).warns("if that is right: anyt auth login --env dev");
    assert!(refused.stderr.contains(&elsewhere), "{refused}");
    let create = ["task", "create", "Said to nobody", "--no-queue"];
    person.anyt(&create).code(1).warns("is tied to");
    person.anyt(&[&["--env", "dev"], &create[..]].concat()).code(4);
    let status = person.anyt(&["auth", "status"]).ok();
    assert!(status.stdout.contains(&format!("It was stored for {}", server.url())), "{status}");
    person.write("config/anyt/config.json", &config);
    person.anyt(&["sync"]).ok();

    // A folder somebody else prepared names its own server.
    let settings = person.read("work/.anyt/anyt.json").replace(&server.url(), &elsewhere);
    person.write("work/.anyt/anyt.json", settings);
    person.anyt(&["sync"]).run();
    person.anyt(&["auth", "whoami"]).ok();

    person.anyt(&["env", "remove", "dev", "--yes"]).ok();
    person.anyt(&["env", "add", "dev", &elsewhere]).ok();
    person.anyt(&["sync"]).code(4);
    for request in stranger.heard() {
        let credential = request.header("Authorization").or(request.header("X-API-Key"));
        assert_eq!(credential, None, "{}", request.start);
    }
}
