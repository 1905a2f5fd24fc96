//! One broken row costs that row: it is named, everything else is synced, and the run says so with exit code 6.

use crate::common::faults::{What, When};
use crate::common::http::Message;
use crate::common::json::{self, Look, Value};
use crate::common::{Dispute, Run};

/// From now on lists of this kind are the server's own with one text replaced by another, on one page.
fn rewrite(dispute: &Dispute, kind: &'static str, text: &str, by: &str) {
    let list = format!("{}{kind}", dispute.bob().workspace());
    let own = dispute.bob().get(&list).1;
    let whole = json::to_string(&own);
    assert!(whole.contains(text), "{whole}");
    let Value::Object(mut end) = own else { panic!("a list") };
    end.insert("items".into(), json::array([]));
    let of = move |first: bool| {
        let is_first = |target: &str| !target.contains("offset=") || target.contains("offset=0");
        When::is(move |seen| {
            let path = seen.target.split('?').next().unwrap_or_default();
            seen.method == "GET" && path.ends_with(kind) && is_first(seen.target) == first
        })
    };
    let broken = Message::reply(200, "application/json", whole.replace(text, by));
    dispute.proxy.fault(of(true).always(), What::Answer(broken));
    dispute.proxy.fault(of(false).always(), What::Answer(Message::json(200, &Value::Object(end))));
}

#[track_caller]
fn assert_rest_is_synced(dispute: &Dispute, run: &Run) {
    assert_eq!(dispute.both("DEV-1", "title"), ("Theirs".into(), "Theirs".into()), "{run}");
    assert!(dispute.bob().all_tasks().iter().any(|task| task.text("title") == "Mine"), "{run}");
    assert_eq!(dispute.alice.pending(), 0, "{run}");
}

#[test]
fn a_broken_task_costs_that_task() {
    for by in [r#""title":"half \ud83d""#, r#""title":null"#, r#""titel":"Broken""#] {
        let dispute = Dispute::about(3);
        dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
        dispute.theirs("DEV-2", r#"{"title":"Broken"}"#);
        dispute.alice.anyt(&["task", "create", "Mine", "--offline"]).ok();
        rewrite(&dispute, "/tasks", r#""title":"Broken""#, by);
        let run = dispute.sync(&["--no-input"]).code(6);
        assert!(
            run.stderr.contains("1 row of the server could not be read") && run.to_string().contains("DEV-2"),
            "{run}"
        );
        assert_rest_is_synced(&dispute, &run);
        assert_eq!(dispute.alice.cached_task("DEV-2").text("title"), "Task 2", "{run}");
        let document = dispute.sync(&["--no-input", "--json"]).code(6);
        assert!(document.to_string().contains("DEV-2"), "{document}");
        // The server has the row, whatever is wrong with it: the cache keeps what it knows, also where it becomes the server's.
        let run = dispute.sync(&["--no-input", "--force", "--yes"]).code(6);
        assert_eq!(dispute.alice.cached_task("DEV-2").text("title"), "Task 2", "{run}");
        dispute.proxy.reset();
        dispute.theirs("DEV-2", r#"{"title":"Mended"}"#);
        dispute.sync(&["--no-input"]).ok();
        assert_eq!(dispute.both("DEV-2", "title").1, "Mended");
        dispute.assert_settled();
    }
}

/// What is only shown, and never sent back, is shown as well as it can be.
#[test]
fn half_a_character_in_a_name_is_no_reason_to_sync_nothing() {
    for (kind, make) in [("/projects", r#"{"name":"Broken"}"#), ("/labels", r#"{"name":"Broken"}"#)] {
        let dispute = Dispute::about(1);
        let path = format!("{}{kind}", dispute.bob().workspace());
        assert_eq!(dispute.server.alice().post(&path, &json::parse(make)).0, 201);
        dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
        dispute.alice.anyt(&["task", "create", "Mine", "--offline"]).ok();
        rewrite(&dispute, kind, "Broken", r"half \ud83d");
        let run = dispute.sync(&["--no-input"]).ok();
        assert_rest_is_synced(&dispute, &run);
        if kind == "/projects" {
            dispute.alice.anyt(&["project", "list"]).ok().says("half \u{fffd}");
        }
    }
}

/// A broken row of any list: what is cached of it stays, and the rest is synced.
#[test]
fn a_broken_project_member_label_or_link_costs_that_row() {
    for (kind, text, by) in [
        ("/projects", r#""name":"Broken""#, r#""name":null"#),
        ("/labels", r#""name":"Broken""#, r#""name":null"#),
        ("/members", r#""user_id":"bob""#, r#""user_id":{}"#),
        ("/dependency-graph", r#""to_task":"DEV-3""#, r#""to_task":null"#),
    ] {
        let dispute = Dispute::about(3);
        for (kind, make) in [("/projects", r#"{"name":"Broken"}"#), ("/labels", r#"{"name":"Broken"}"#)] {
            let path = format!("{}{kind}", dispute.bob().workspace());
            assert_eq!(dispute.server.alice().post(&path, &json::parse(make)).0, 201);
        }
        dispute.alice.anyt(&["task", "dep", "add", "DEV-2", "--on", "DEV-3"]).ok();
        dispute.sync(&["--no-input"]).ok();
        dispute.theirs("DEV-1", r#"{"title":"Theirs"}"#);
        dispute.alice.anyt(&["task", "create", "Mine", "--offline"]).ok();
        rewrite(&dispute, kind, text, by);
        let run = dispute.sync(&["--no-input"]).code(6);
        assert!(run.stderr.contains("could not be read"), "{run}");
        assert_rest_is_synced(&dispute, &run);
        dispute.alice.anyt(&["project", "list"]).ok().says("Broken");
        dispute.alice.anyt(&["task", "dep", "list", "DEV-2"]).ok().says("DEV-3");
    }
}
