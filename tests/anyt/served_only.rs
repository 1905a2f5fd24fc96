//! What only the server can do, and is not queued: a new workspace, the review of a plan. And what is seen of a task: people,
//! labels, its page.

use crate::common::faults::{What, When};
use crate::common::json::{self, Look, Value};
use crate::common::scripted::{Quirks, Scripted};
use crate::common::{ALICE, Dispute, Sandbox};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_workspace_is_made_on_the_server_and_used() {
    let dispute = Dispute::about(1);
    let anyt = |args: &[&str]| dispute.alice.anyt(args);
    let create = ["workspace", "create", "Operations", "-i", "ops", "-d", "Machines"];
    let refused = anyt(&[&create[..], &["--offline"]].concat()).code(2);
    assert!(refused.stderr.contains("this cannot be queued: only the server knows whether"), "{refused}");
    assert!(dispute.proxy.writes().is_empty());
    anyt(&create).ok().says("✓ Created workspace OPS (Operations)\n  Use it: anyt workspace use OPS\n");
    anyt(&["workspace", "list"]).ok().says("OPS");
    let taken = anyt(&create).code(1);
    assert!(taken.stderr.contains("(409)"), "{taken}");
    anyt(&["workspace", "create", "Odd", "-i", "d-1"]).code(1).warns("(422)");
    let shown = anyt(&["workspace", "show", "OPS", "--json"]).ok().json();
    assert_eq!((shown.text("data.description"), shown.int("data.tasks")), ("Machines", 0));
    let shown = anyt(&["workspace", "show"]).ok();
    assert!(shown.stdout.contains("members: 2\ntasks: 1, 1 of them open\n"), "{shown}");
    dispute.proxy.go_down();
    let away = anyt(&["workspace", "create", "More", "-i", "MORE"]).code(5);
    assert!(away.stderr.contains("(nothing was sent; try again)"), "{away}");
    dispute.proxy.come_back();
    // An answer that is lost is not a second workspace: the key is the same in each try, the name is taken in the next.
    dispute.proxy.fault(When::ending("POST", "/workspaces"), What::DropReply);
    anyt(&["workspace", "create", "Lost", "-i", "LOST"]).run();
    let list = dispute.alice.anyt(&["sync"]).ok();
    let names = anyt(&["workspace", "list"]).ok().stdout;
    assert_eq!(names.matches("LOST").count(), 1, "{list}{names}");
}

#[test]
fn a_plan_is_submitted_and_judged() {
    let dispute = Dispute::about(2);
    let anyt = |args: &[&str]| dispute.alice.anyt(args);
    anyt(&["task", "plan", "submit", "DEV-1", "--plan", "first", "--offline"]).code(2).warns("this cannot be queued");
    anyt(&["task", "plan", "submit", "DEV-1"]).code(2).warns("DEV-1 has no plan");
    anyt(&["task", "plan", "approve", "DEV-1"]).code(1).warns("(409)");
    anyt(&["task", "plan", "submit", "DEV-1", "--plan", "-"])
        .stdin("# How\n")
        .ok()
        .says("✓ Submitted the plan of DEV-1");
    let served = dispute.served("DEV-1");
    assert_eq!((served.text("implementation_plan"), served.text("plan_review_status")), ("# How", "pending"));
    assert_eq!(dispute.alice.cached_task("DEV-1").text("implementation_plan"), "# How");
    anyt(&["task", "plan", "request-changes", "DEV-1", "--feedback", "Shorter"]).ok();
    assert_eq!(dispute.served("DEV-1").text("plan_review_status"), "changes_requested");
    // Done, and nobody here knows it.
    for lost in [What::DropReply, What::TruncatedBody, What::status(502, &[])] {
        dispute.proxy.fault(When::ending("POST", "/plan/approve"), lost);
        let run = anyt(&["task", "plan", "approve", "DEV-1"]).code(5);
        let look = "(it may have been carried out; see: anyt sync, then anyt task show DEV-1)";
        assert!(run.stderr.contains(look) && !run.stderr.contains("nothing was changed"), "{run}");
    }
    anyt(&["task", "plan", "approve", "DEV-1"]).ok().says("✓ Approved the plan of DEV-1");
    assert_eq!(dispute.served("DEV-1").text("plan_review_status"), "approved");
    dispute.sync(&[]).ok();
    assert_eq!(dispute.alice.comments("DEV-1").len(), 1, "the feedback");
    // What waits here for the same task stays laid over it.
    dispute.mine("DEV-2", &["--title", "Mine"]);
    anyt(&["task", "plan", "submit", "DEV-2", "--plan", "x"]).ok();
    assert_eq!((dispute.alice.cached_task("DEV-2").text("title"), dispute.alice.pending()), ("Mine", 1));
    dispute.sync(&[]).ok();
    dispute.assert_settled();
}

#[test]
fn a_server_without_reviews_says_so_at_once() {
    let server = Scripted::start(Quirks::d());
    server.add_task(&json::object([("title", json::string("One"))]));
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&server.url(), ALICE);
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["task", "plan", "approve", "DEV-1"]).code(1).warns("has no reviews of plans");
    assert_eq!(sandbox.pending(), 0);
}

#[test]
fn a_task_shows_people_labels_and_its_page() {
    let dispute = Dispute::about(3);
    let anyt = |args: &[&str]| dispute.alice.anyt(args);
    anyt(&["label", "create", "bug", "--color-code", "#ff0000"]).ok();
    anyt(&["task", "update", "DEV-1", "--labels", "bug,other", "--owner", "bob"]).ok();
    anyt(&["task", "dep", "add", "DEV-1", "--on", "DEV-2"]).ok();
    anyt(&["task", "dep", "add", "DEV-3", "--on", "DEV-1"]).ok();
    let shown = anyt(&["task", "show", "DEV-1", "--color", "always"]).ok();
    assert!(shown.stdout.contains("Labels: \x1b[38;5;196mbug\x1b[0m, other\n"), "{shown}");
    for line in ["Owner: bob", "Depends on: DEV-2 (backlog) Task 2", "Blocks: DEV-3 (backlog) Task 3"] {
        assert!(shown.stdout.contains(&format!("{line}\n")), "{line}\n{shown}");
    }
    assert!(shown.stdout.lines().any(|line| line.starts_with("Created: ") && line.ends_with(" by bob")), "{shown}");
    // Nobody has said where this server's pages are.
    anyt(&["task", "open", "DEV-1"]).code(1).warns("\"web_url\" of environment dev");
    let config = dispute.alice.read("config/anyt/config.json");
    let with_pages = config.replacen("\"api_url\"", "\"web_url\": \"https://pages.example/\", \"api_url\"", 1);
    dispute.alice.write("config/anyt/config.json", with_pages);
    let uid = dispute.served("DEV-1").text("uid").to_string();
    let url = format!("https://pages.example/t/{uid}");
    anyt(&["task", "show", "DEV-1"]).ok().says(&format!("Web: {url}\n"));
    // No browser, and no desktop to have one.
    assert_eq!(anyt(&["task", "open", "DEV-1"]).ok().stdout, format!("{url}\n"));
    assert_eq!(anyt(&["task", "open", "DEV-1", "--json"]).ok().json().text("data.url"), url);
    // One that never ends holds nobody up, and sees no token.
    let script = "#!/bin/sh\nprintf '%s %s' \"$1\" \"${ANYT_AUTH_TOKEN-none}\" >\"$HOME/new\" && mv \"$HOME/new\" \"$HOME/opened\"\nexec sleep 20\n";
    let browser = dispute.alice.write("browser", script);
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    dispute.alice.set_env("BROWSER", &browser.to_string_lossy());
    anyt(&["task", "open", "DEV-1", "--print"]).ok().says(&url);
    assert!(!dispute.alice.path("home/opened").exists());
    anyt(&["task", "open", "DEV-1"]).ok().says(&format!("✓ Opened {url}"));
    let opened = dispute.alice.path("home/opened");
    crate::common::deadline::wait_until("it was opened", std::time::Duration::from_secs(10), || opened.exists());
    assert_eq!(dispute.alice.read("home/opened"), format!("{url} none"));
    assert!(matches!(anyt(&["task", "show", "DEV-1", "--json"]).ok().json().at("data.url"), Value::String(_)));
}
