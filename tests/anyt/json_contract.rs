//! docs/json.md: one document in one form, whatever happens, with codes that tell failures apart.

use crate::common::faults::{What, When};
use crate::common::json::{self, Look};
use crate::common::{Dispute, Exit, synced};

#[test]
fn failures_have_codes() {
    let dispute = Dispute::about(2);
    dispute.alice.anyt(&["task", "create", "Waits", "--offline"]).ok();
    for (args, code, exit) in [
        (&["task", "show", "DEV-99"][..], "not_found", 1),
        (&["task", "show", "OPS-1"], "not_found", 1),
        (&["-w", "OPS", "task", "list"], "not_found", 1),
        (&["--env", "prod", "task", "list"], "not_found", 1),
        (&["task", "create", "x", "--project", "none"], "not_found", 1),
        (&["undo", "99"], "not_found", 1),
        (&["sync", "restore", "99"], "not_found", 1),
        (&["sync", "queue", "show", "99"], "not_found", 1),
        (&["task", "rm", "DEV-1"], "unconfirmed", 1),
        (&["task", "lits"], "usage", 2),
        (&["task", "create"], "usage", 2),
        (&["task", "list", "--fields", "colour"], "usage", 2),
    ] {
        let run = dispute.alice.anyt(&[&["--json"], args].concat()).code(exit);
        let document = run.json();
        assert_eq!(
            (document.text("error.code"), json::to_string(document.at("success"))),
            (code, "false".into()),
            "{run}"
        );
        assert!(!document.text("error.message").is_empty() && run.stderr_lines().len() == 1, "{run}");
    }
    let failing = |args: &[&str], code: &str| {
        let run = dispute.alice.anyt(&[args, &["--json"]].concat()).run();
        assert_eq!(run.json().text("error.code"), code, "{run}");
        run.exit
    };
    dispute.proxy.fault(When::first("PATCH", "").always(), What::status(422, &[]));
    assert_eq!(failing(&["task", "update", "1", "--title", "x"], "refused"), Exit::Code(1));
    dispute.proxy.reset();
    dispute.proxy.go_down();
    assert_eq!(failing(&["sync"], "unreachable"), Exit::Code(5));
}

#[test]
fn fields_and_lines() {
    let dispute = Dispute::about(3);
    let list =
        |args: &[&str]| dispute.alice.anyt(&[&["task", "list", "--sort", "identifier"], args].concat()).ok().stdout;
    let page = list(&["--fields", "identifier,title", "--limit", "1"]);
    assert!(page.contains(r#""items":[{"identifier":"DEV-1","title":"Task 1"}]"#), "{page}");
    assert_eq!(json::parse(&page).int("data.total"), 3);
    assert_eq!(
        list(&["--jsonl", "--fields", "identifier"]),
        "{\"identifier\":\"DEV-1\"}\n{\"identifier\":\"DEV-2\"}\n{\"identifier\":\"DEV-3\"}\n"
    );
    assert_eq!(list(&["--jsonl"]).lines().count(), 3);
    let one = dispute.alice.anyt(&["task", "show", "2", "--jsonl", "--fields", "status,identifier"]).ok();
    assert_eq!(json::parse(&one.stdout).text("identifier"), "DEV-2");
    let unknown = dispute.alice.anyt(&["task", "list", "--fields", "colour"]).code(2);
    assert!(unknown.stderr.contains("there is no field 'colour' (there are: "), "{unknown}");
}

/// A script that misspells a field is told so on the day on which there is nothing to list, too.
#[test]
fn an_unknown_field_of_an_empty_list_is_refused() {
    let dispute = Dispute::about(1);
    for list in [
        &["task", "list", "--status", "blocked"][..],
        &["next"],
        &["comment", "list", "1"],
        &["attempt", "list", "1"],
        &["label", "list"],
        &["project", "list"],
    ] {
        for form in ["--jsonl", "--json"] {
            let run = dispute.alice.anyt(&[list, &[form, "--fields", "identifier,nope"]].concat()).code(2);
            assert!(run.stderr.contains("there is no field 'nope' (there are: "), "{run}");
            assert!(run.stderr.contains("identifier"), "{run}");
        }
        dispute.alice.anyt(&[list, &["--jsonl", "--fields", "identifier"]].concat()).ok();
    }
    let newcomer = synced(&[]).2;
    for (list, member) in [
        (&["sync", "queue"][..], "number"),
        (&["sync", "conflicts"], "found_at"),
        (&["sync", "restore", "--list"], "reason"),
        (&["log"], "undo"),
        (&["member", "list"], "role"),
        (&["workspace", "list"], "name"),
        (&["env", "list"], "api_url"),
        (&["sync", "log"], "direction"),
    ] {
        let fields = |names: &str| newcomer.anyt(&[list, &["--jsonl", "--fields", names]].concat());
        fields("nope").code(2).warns("there is no field 'nope'").warns(member);
        fields(member).ok();
    }
    for several in ["board", "summary", "next"] {
        newcomer.anyt(&[several, "--jsonl", "--fields", "identifier,nope"]).code(2).warns("there is no field 'nope'");
        let known = if several == "next" { "identifier,unblocks" } else { "identifier,list" };
        assert_eq!(newcomer.anyt(&[several, "--jsonl", "--fields", known]).ok().stdout, "");
    }
    let none = ["task", "list", "--status", "blocked", "--jsonl", "--fields", "blocked,pending,title"];
    assert_eq!(dispute.alice.anyt(&none).ok().stdout, "");
}

/// One operation or several: a list.
#[test]
fn queue_show_gives_a_list() {
    let dispute = Dispute::about(2);
    let alice = &dispute.alice;
    alice.anyt(&["task", "update", "1", "-p", "1", "--offline"]).ok();
    alice.anyt(&["task", "dep", "add", "1", "--on", "2", "--offline"]).ok();
    for (named, count) in [("1", 1), ("DEV-1", 2)] {
        let run = alice.anyt(&["sync", "queue", "show", named, "--json"]).ok();
        let document = run.json();
        assert_eq!((document.int("data.count"), document.items("data.items").len()), (count as i64, count), "{run}");
        let lines = alice.anyt(&["sync", "queue", "show", named, "--jsonl"]).ok();
        assert_eq!(lines.stdout.lines().count(), count, "{lines}");
    }
}

/// Whatever is undone, the document is that of its kind.
#[test]
fn undo_gives_the_document_of_its_kind() {
    let dispute = Dispute::about(2);
    let alice = &dispute.alice;
    for (act, offline) in [(&[][..], false), (&["--offline"][..], true)] {
        for (what, members) in [
            (&["task", "update", "1", "-p", "1"][..], &["identifier", "title", "status", "pending", "queued"][..]),
            (&["task", "create", "Made"], &["identifier", "deleted", "queued"]),
            (&["task", "dep", "add", "1", "--on", "2"], &["identifier", "title", "status", "queued"]),
            (&["comment", "add", "1", "-m", "Said"], &["identifier", "deleted", "queued"]),
            (&["label", "create", "ours"], &["identifier", "deleted", "queued"]),
            (&["label", "create", "kept"], &["identifier", "deleted", "queued"]),
            (&["project", "create", "Ours"], &["identifier", "deleted", "queued"]),
        ] {
            alice.anyt(&[what, act].concat()).ok();
            let run = alice.anyt(&[&["undo", "--json", "--force"], act].concat()).ok();
            let document = run.json();
            for member in members {
                assert!(
                    !matches!(document.at("data").at(member), json::Value::Null),
                    "{what:?} {offline}: no {member}\n{run}"
                );
            }
        }
    }
}
