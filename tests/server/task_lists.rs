//! The task list: filters, order, pages (api.md 2.5, 4.9).

use crate::harness::*;

/// Five tasks that differ in everything one can filter by.
fn filled() -> Server {
    let server = Server::with(&["--db", ":memory:", "--token", TOKEN, "--token", "bob=b1"]);
    server.call("POST", "/v1/workspaces/1/projects", r#"{"name": "second"}"#);
    server.task("a", r#""status": "todo", "priority": 2, "labels": ["x", "y"], "owner_id": "user""#);
    server.task("b", r#""status": "active", "priority": 1, "labels": ["x"], "owner_id": "bob", "parent_id": 1"#);
    server.task("c", r#""status": "done", "priority": 0, "assigned_coding_agent": "codex""#);
    server.task("d", r#""status": "backlog", "priority": -1, "labels": ["y"]"#);
    let body = r#"{"title": "e", "project_id": 2, "priority": -2}"#;
    server.raw("POST", "/v1/workspaces/1/tasks", &[("X-API-Key", "b1")], body);
    server
}

#[test]
fn filters_choose() {
    let server = filled();
    for (query, titles) in [
        ("", "a b c d e"),
        ("project=2", "e"),
        ("status=todo", "a"),
        ("status=todo%2Cactive", "a b"),
        ("status=todo&status=done,active", "a b c"),
        ("status=inprogress", "b"),
        ("priority=1", "b"),
        ("priority=1,2", "a b"),
        ("priority_gte=1", "a b"),
        ("priority_lte=-1", "d e"),
        ("priority_gte=0&priority_lte=1", "b c"),
        ("owner=bob", "b"),
        ("owner=me", "a"),
        ("owner=nobody", ""),
        ("creator=bob", "e"),
        ("creator=me", "a b c d"),
        ("labels=x", "a b"),
        ("labels=x,y", "a"),
        ("labels=x&labels=y", "a"),
        ("labels=z", ""),
        ("parent=1", "b"),
        ("parent=dev-1", "b"),
        ("parent=DEV-99", ""),
        ("has_subtasks=true", "a"),
        ("has_subtasks=false", "b c d e"),
        ("assigned_coding_agent=codex", "c"),
        ("completed_after=2020-01-01", "c"),
        ("completed_before=2020-01-01", ""),
        ("unknown=1&phase=x&owner=", "a b c d e"),
        ("status=todo&labels=x&priority_gte=2", "a"),
    ] {
        let reply = server.get(&format!("/v1/workspaces/1/tasks?sort_by=id&order=asc&{query}"));
        assert_eq!(reply.titles(), titles, "{query}");
        assert_eq!(reply.int("total") as usize, reply.len("items"), "{query}");
    }
}

#[test]
fn time_filters_are_inclusive_and_take_every_form() {
    let server = filled();
    let all = server.get("/v1/workspaces/1/tasks?sort_by=id&order=asc");
    let third = all.text("items.2.updated_at");
    let local = third.replace('Z', "");
    let offset = third.replace('Z', "%2B00:00");
    let bare_plus = third.replace('Z', "+00:00");
    for time in [&third, &local, &offset, &bare_plus, &third.replace('T', "%20")] {
        for filter in ["updated_after", "created_after"] {
            let reply = server.get(&format!("/v1/workspaces/1/tasks?sort_by=id&order=asc&{filter}={time}"));
            assert_eq!(reply.titles(), "c d e", "{filter}={time}");
        }
    }
    for query in ["updated_after=yesterday", "created_after=2025-13-01", "completed_before=x"] {
        assert_eq!(server.get(&format!("/v1/workspaces/1/tasks?{query}")).status, 422, "{query}");
    }
}

#[test]
fn every_order_is_total() {
    let server = filled();
    let titles = |query: &str| server.get(&format!("/v1/workspaces/1/tasks?{query}")).titles();
    assert_eq!(titles(""), "e d c b a", "newest first unless asked otherwise");
    assert_eq!(titles("sort_by=priority&order=desc"), "a b c d e");
    assert_eq!(titles("sort_by=status&order=asc"), "d e a b c");
    assert_eq!(titles("sort_by=title&order=desc"), "e d c b a");
    server.patch("DEV-1", r#"{"title": "A"}"#);
    assert_eq!(titles("sort_by=updated_at&order=asc"), "b c d e A");
    assert_eq!(titles("sort_by=created_at&order=asc"), "A b c d e");
    for query in ["sort_by=colour", "order=up", "limit=x", "limit=-1", "offset=-1", "priority=high", "status=later"] {
        assert_eq!(server.get(&format!("/v1/workspaces/1/tasks?{query}")).status, 422, "{query}");
    }
}

#[test]
fn pages_neither_skip_nor_repeat() {
    let server = Server::new();
    for index in 0..23 {
        server.task(&index.to_string(), "");
    }
    for sort in ["priority", "status", "completed_at", "id"] {
        let mut seen = Vec::new();
        for offset in (0..23).step_by(7) {
            let page = server.get(&format!("/v1/workspaces/1/tasks?sort_by={sort}&order=asc&limit=7&offset={offset}"));
            assert_eq!((page.int("total"), page.int("offset"), page.int("limit")), (23, offset, 7));
            seen.extend(page.column("items", "title"));
        }
        assert_eq!(seen, (0..23).map(|index| index.to_string()).collect::<Vec<_>>(), "{sort}");
    }
    let cut = server.get("/v1/workspaces/1/tasks?limit=100000");
    assert_eq!((cut.int("limit"), cut.len("items")), (100, 23));
    assert_eq!(server.get("/v1/workspaces/1/tasks").int("limit"), 50);
}

#[test]
fn suggestions_are_open_free_and_by_priority() {
    let server = Server::new();
    server.task("low", r#""status": "todo""#);
    server.task("high", r#""status": "todo", "priority": 2, "depends_on": ["DEV-1"]"#);
    server.task("taken", r#""owner_id": "bob""#);
    server.task("over", r#""status": "done""#);
    let reply =
        server.get("/v1/workspaces/1/tasks/suggest?max_suggestions=10&status=todo%2Cbacklog&include_assigned=false");
    assert_eq!(reply.column("suggestions", "task.title"), ["high", "low"]);
    assert_eq!(reply.column("suggestions", "is_ready"), ["false", "true"]);
    assert_eq!(reply.column("suggestions", "blocked_by"), [r#"["DEV-1"]"#, "[]"]);
    assert_eq!(reply.column("suggestions", "blocks"), ["[]", r#"["DEV-2"]"#]);
    assert_eq!((reply.int("total_ready"), reply.int("total_blocked")), (1, 1));
    let one = server.get("/v1/workspaces/1/projects/1/tasks/suggest?max_suggestions=1&include_assigned=true");
    assert_eq!((one.len("suggestions"), one.int("total_ready"), one.int("total_blocked")), (1, 2, 1));
    assert_eq!(server.get("/v1/workspaces/1/projects/9/tasks/suggest").status, 404);
}

/// What `labels` chooses, found by looking at each task: titles by priority, and how many.
fn carriers(server: &Server, labels: &[&str], more: &str) -> (Vec<String>, i64) {
    let all = server.get(&format!("/v1/workspaces/1/tasks?sort_by=priority&order=asc&limit=100{more}"));
    let has = |index: usize| {
        labels.iter().all(|label| all.text(&format!("items.{index}.labels")).contains(&format!("\"{label}\"")))
    };
    let titles: Vec<String> = (0..all.len("items"))
        .filter(|index| has(*index))
        .map(|index| all.text(&format!("items.{index}.title")))
        .collect();
    let count = titles.len() as i64;
    (titles, count)
}

/// From the label, and along the order that is asked for; whatever happened to tasks and labels.
#[test]
fn a_list_by_label_is_the_same_whichever_way_it_is_found() {
    let server = Server::new();
    for number in 0..60 {
        let rare = if number % 20 == 7 { r#", "rare""# } else { "" };
        let labels = format!(r#""labels": ["all", "l{}"{rare}], "priority": {}"#, number % 3, number % 5 - 2);
        server.task(&format!("t{number}"), &labels);
    }
    let check = || {
        for labels in
            [&["all"][..], &["rare"], &["l1"], &["all", "l2"], &["l1", "rare"], &["nobody"], &["all", "nobody"]]
        {
            for more in ["", "&status=todo", "&include_deleted=true", "&project=1", "&priority_gte=1", "&status=done"] {
                let (titles, count) = carriers(&server, labels, more);
                let query = format!("sort_by=priority&order=asc&labels={}{more}", labels.join(","));
                let list = server.get(&format!("/v1/workspaces/1/tasks?{query}&limit=100"));
                assert_eq!((list.column("items", "title"), list.int("total")), (titles.clone(), count), "{query}");
                for offset in [0, 3, count - 5, count] {
                    let list = server.get(&format!("/v1/workspaces/1/tasks?{query}&limit=2&offset={}", offset.max(0)));
                    let wanted: Vec<String> = titles.iter().skip(offset.max(0) as usize).take(2).cloned().collect();
                    assert_eq!((list.column("items", "title"), list.int("total")), (wanted, count), "{query} {offset}");
                }
            }
        }
    };
    check();
    for number in 1..=20 {
        let task = format!("DEV-{}", number * 3 - 1);
        match number % 5 {
            0 => assert_eq!(server.call("DELETE", &format!("/v1/workspaces/1/tasks/{task}"), "").status, 204),
            1 => assert_eq!(server.patch(&task, r#"{"status": "done"}"#).status, 200),
            2 => assert_eq!(server.patch(&task, r#"{"labels": ["l2", "all"]}"#).status, 200),
            3 => assert_eq!(server.patch(&task, r#"{"labels": [], "status": "todo"}"#).status, 200),
            _ => assert_eq!(server.patch(&task, r#"{"status": "todo", "labels": ["rare"]}"#).status, 200),
        }
    }
    check();
    let labels = server.get("/v1/workspaces/1/labels");
    let id = |name: &str| {
        let at = labels.column("items", "name").iter().position(|label| label == name).expect("a label");
        labels.int(&format!("items.{at}.id"))
    };
    server.call("PATCH", &format!("/v1/workspaces/1/labels/{}", id("rare")), r#"{"name": "nobody"}"#);
    assert_eq!(server.call("DELETE", &format!("/v1/workspaces/1/labels/{}", id("l1")), "").status, 204);
    check();
}
