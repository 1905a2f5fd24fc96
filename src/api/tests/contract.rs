//! The shapes and habits of the generations C and D (and B's envelope), and of servers that lack something.

use super::*;
use crate::model::comment::{self, COMMENT};
use crate::model::dependency::DEPENDENCY;
use crate::model::label::LABEL;
use crate::model::project::{self, PROJECT};
use crate::model::task::{PARENT, STATUS};
use crate::model::{Edge, Kind};
use crate::sync::remote::{Query, RemoteError};

fn label(id: u32) -> String {
    format!(r#"{{"id":{id},"workspace_id":1,"name":"l{id}","created_at":"2025-10-16T10:00:00Z"}}"#)
}

fn workspace(id: u32) -> String {
    format!(r#"{{"id":"{id}","identifier":"W{id}","name":"n","created_at":"x","updated_at":"y"}}"#)
}

fn targets(server: &Server) -> Vec<String> {
    server.seen().iter().filter_map(|request| request.split(' ').nth(1).map(str::to_string)).collect()
}

#[test]
fn a_numbered_list_ends_when_nothing_new_comes() {
    // `total` lies, `per_page` is not told: only a page without news ends it.
    let page = |items: &[u32]| {
        let items = items.iter().map(|id| workspace(*id)).collect::<Vec<_>>().join(",");
        format!(r#"{{"items":[{items}],"total":1,"page":1}}"#)
    };
    let server = Server::answers(&[(200, &page(&[1, 2])), (200, &page(&[2, 3])), (200, &page(&[2, 3]))]);
    let ids: Vec<i64> =
        client(&server).workspaces().expect("a list").items.iter().map(|workspace| workspace.id).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(targets(&server)[2], "/v1/workspaces?page=3&per_page=100");
}

#[test]
fn a_short_page_by_the_servers_own_size_is_the_last() {
    let body = format!(r#"{{"items":[{}],"total":1,"page":1,"per_page":50,"total_pages":1}}"#, workspace(1));
    let server = Server::answers(&[(200, &body)]);
    assert_eq!(client(&server).workspaces().expect("a list").items.len(), 1);
}

#[test]
fn a_size_that_is_only_repeated_does_not_end_a_list() {
    let body = |id| format!(r#"{{"items":[{}],"total":2,"page":{id},"per_page":100}}"#, workspace(id));
    let server = Server::answers(&[(200, &body(1)), (200, &body(2))]);
    assert_eq!(client(&server).workspaces().expect("a list").items.len(), 2);
}

#[test]
fn lists_switch_to_the_paging_the_server_speaks() {
    let project = |id: u32| format!(r#"{{"id":{id},"name":"p"}}"#);
    let body = |id| format!(r#"{{"items":[{}],"total":2,"limit":1,"offset":0}}"#, project(id));
    let server = Server::answers(&[(200, &body(1)), (200, &body(2)), (200, r#"{"items":[],"limit":1,"offset":2}"#)]);
    assert_eq!(client(&server).named(&PROJECT, 1).expect("a list").map(|list| list.items.len()), Some(2));
    assert_eq!(targets(&server)[1], "/v1/workspaces/1/projects?limit=100&offset=1");
}

#[test]
fn labels_come_as_an_array_an_object_or_not_at_all() {
    let array = format!("[{},{}]", label(1), label(2));
    let server = Server::answers(&[(200, &array)]);
    assert_eq!(client(&server).named(&LABEL, 1).expect("labels").map(|labels| labels.items.len()), Some(2));

    let paged = |id| format!(r#"{{"items":[{}],"total":2,"limit":1,"offset":0}}"#, label(id));
    let server =
        Server::answers(&[(200, &paged(1)), (200, &paged(2)), (200, r#"{"items":[],"total":2,"limit":1,"offset":2}"#)]);
    assert_eq!(client(&server).named(&LABEL, 1).expect("labels").map(|labels| labels.items.len()), Some(2));

    for status in [404, 405, 410] {
        let server = Server::answers(&[(status, ""), (status, ""), (status, ""), (status, "")]);
        let http = client(&server);
        assert_eq!(http.named(&LABEL, 1), Ok(None));
        assert_eq!(http.members(1), Ok(None));
        assert_eq!(http.links(&DEPENDENCY, 1), Ok(None));
        assert_eq!(http.account(), Ok(None));
    }
}

#[test]
fn a_server_that_refuses_the_paging_is_asked_without() {
    let server = Server::answers(&[(422, r#"{"detail":"per_page"}"#), (200, &format!("[{}]", workspace(1)))]);
    assert_eq!(client(&server).workspaces().expect("a list").items.len(), 1);
    assert_eq!(targets(&server)[1], "/v1/workspaces");
}

#[test]
fn envelopes_of_generation_b_are_opened() {
    let enveloped = |data: &str| format!(r#"{{"success":true,"data":{data},"message":null,"request_id":"r"}}"#);
    let (task, list) = (enveloped(TASK), enveloped(&format!("[{}]", workspace(1))));
    let server = Server::answers(&[(200, &task), (200, &list), (201, &task)]);
    let http = client(&server);
    assert_eq!(get(&http).expect("a task").map(|task| task.id), Some(7));
    assert_eq!(http.workspaces().expect("a list").items.len(), 1);
    let said = post(&http);
    assert!(matches!(&said, Said::Done(Some(row)) if row.id == 7), "{said:?}");
}

#[test]
fn tasks_are_asked_for_in_the_order_of_their_changes() {
    let body = format!(r#"{{"items":[{TASK}],"total":7}}"#);
    let server = Server::answers(&[(200, &body), (200, &body)]);
    let http = client(&server);
    let query = Query {
        below: None,
        updated_after: Some("2025-10-16T10:00:00+02:00".into()),
        limit: 7,
        offset: 3,
        include_deleted: true,
    };
    let page = http.rows(&TASKS, 1, &query).expect("a page");
    assert_eq!((page.items.len(), page.total), (1, Some(7)));
    http.rows(&TASKS, 1, &Query { limit: 100, ..Query::default() }).expect("a page");
    let plain = "/v1/workspaces/1/tasks?limit=7&offset=3&sort_by=updated_at&order=asc";
    let after = "&updated_after=2025-10-16T10%3A00%3A00%2B02%3A00&include_deleted=true";
    assert_eq!(targets(&server)[0], format!("{plain}{after}"));
    assert_eq!(targets(&server)[1], "/v1/workspaces/1/tasks?limit=100&offset=0&sort_by=updated_at&order=asc");
}

#[test]
fn include_deleted_is_dropped_for_good_where_it_is_refused() {
    for status in [400, 422] {
        let body = format!(r#"{{"items":[{TASK}],"total":1}}"#);
        let server = Server::answers(&[(status, "{}"), (200, &body), (200, &body)]);
        let http = client(&server);
        let query = Query { limit: 5, include_deleted: true, ..Query::default() };
        http.rows(&TASKS, 1, &query).expect("a page");
        http.rows(&TASKS, 1, &query).expect("a page");
        let asked: Vec<bool> = targets(&server).iter().map(|target| target.contains("include_deleted")).collect();
        assert_eq!(asked, [true, false, false], "{status}");
    }
}

#[test]
fn a_row_that_lacks_a_field_is_left_out_and_named() {
    let broken = TASK.replace(r#""title":"Fix","#, "");
    let server = Server::answers(&[(200, &format!(r#"{{"items":[{TASK},{broken}],"total":2}}"#))]);
    let page = client(&server).rows(&TASKS, 1, &Query::default()).expect("a page");
    assert_eq!(page.items.len(), 1);
    assert_eq!((page.unreadable[0].id, page.unreadable[0].message.as_str()), (Some(7), "task DEV-42 has no 'title'"));
}

#[test]
fn the_older_word_for_active_is_learnt_from_an_answer() {
    let older = TASK.replace(r#""todo""#, r#""inprogress""#);
    let server = Server::answers(&[(200, &older), (200, &older)]);
    let http = client(&server);
    let task = get(&http).expect("a task").expect("it is there");
    assert_eq!(task.status(), "active");
    let set = Patch::from([(STATUS, Value::Text("active".into()))]);
    assert!(matches!(patch(&http, &set), Said::Done(Some(row)) if row.status() == "active"));
    assert!(server.seen()[1].ends_with(r#"{"status":"inprogress"}"#), "{}", server.seen()[1]);
}

#[test]
fn the_older_word_for_active_is_tried_once_after_a_422() {
    let set = Patch::from([(STATUS, Value::Text("active".into()))]);
    let server = Server::answers(&[(422, r#"{"detail":"status"}"#), (200, TASK), (200, TASK)]);
    let http = client(&server);
    assert!(is_done(&patch(&http, &set)), "the older word");
    assert!(is_done(&patch(&http, &set)), "remembered");
    assert_eq!(server.seen().iter().filter(|request| request.contains("inprogress")).count(), 2);

    let server = Server::answers(&[(422, r#"{"detail":"first"}"#), (422, r#"{"detail":"second"}"#)]);
    let said = patch(&client(&server), &set);
    assert_eq!(said, Said::Refused { status: 422, message: "first".into() });

    let server = Server::answers(&[(422, r#"{"detail":"title"}"#), (200, TASK)]);
    assert!(!is_done(&patch(&client(&server), &title("x"))));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn what_the_api_cannot_clear_is_refused_without_a_request() {
    let server = Server::play(Vec::new());
    let error = patch(&client(&server), &Patch::from([(PARENT, Value::Null)]));
    assert_eq!(error, Said::Refused { status: 422, message: "the API has no way to clear parent".into() });
}

#[test]
fn dependencies() {
    let graph = r#"{"nodes":[{"id":"DEV-1"}],"edges":[{"from_task":"DEV-2","to_task":"DEV-1","blocking":true}]}"#;
    let made = r#"{"task_id":"DEV-2","depends_on":"DEV-1","blocked_by_status":"todo","created_at":"x"}"#;
    let server = Server::answers(&[
        (200, graph),
        (201, made),
        (204, ""),
        (200, r#"[{"id":1,"identifier":"DEV-1"}]"#),
        (404, "{}"),
    ]);
    let http = client(&server);
    let edge = Edge { task: "DEV-2".into(), depends_on: "DEV-1".into() };
    let link = |shape, other| {
        let (kind, set) = (&DEPENDENCY, &Patch::new());
        http.send(&Request {
            kind,
            shape,
            op_id: "x",
            workspace_id: 1,
            name: "DEV-2",
            other,
            set,
            version: None,
            id: 0,
            below: None,
        })
    };
    assert_eq!(http.links(&DEPENDENCY, 1), Ok(Some(vec![edge].into())));
    assert_eq!(link(Shape::Link, "DEV-1"), Said::Done(None));
    assert_eq!(link(Shape::Unlink, "A/../B"), Said::Done(None));
    assert_eq!(http.links_of(&DEPENDENCY, 1, "DEV-2"), Ok(Some(vec!["DEV-1".into()])));
    assert_eq!(http.links_of(&DEPENDENCY, 1, "DEV-2"), Ok(None));
    assert!(server.seen()[1].ends_with(r#"{"depends_on":"DEV-1"}"#));
    assert_eq!(targets(&server)[2], "/v1/workspaces/1/tasks/DEV-2/dependencies/A%2F..%2FB");
}

/// A workspace may have a word that changes with everything in it; a server may say what it honours.
#[test]
fn states_and_capabilities() {
    let list = r#"[{"id":1,"identifier":"A","name":"a","state":"17"},{"id":2,"identifier":"B","name":"b"}]"#;
    let headers = "AnyTask-Capabilities: keys=60, if-match\r\nIdempotency-Key-Honoured: true\r\n";
    let server = Server::play(vec![Reply::Bytes(answer(200, headers, list)), json(200, TASK)]);
    let http = client(&server);
    assert_eq!(http.declared(), None);
    let states: Vec<_> =
        http.workspaces().expect("a list").items.into_iter().map(|workspace| workspace.state).collect();
    assert_eq!(states, [Some("17".into()), None]);
    get(&http).expect("an answer that says nothing of it");
    let declared = http.declared().expect("it was said before");
    assert_eq!((declared.keys, declared.if_match, declared.sorted), (Some(Duration::from_secs(60)), true, false));

    // The word alone may be of somebody on the way.
    let server =
        Server::play(vec![Reply::Bytes(answer(200, "AnyTask-Capabilities: keys=60, Consistent,,x=1\r\n", TASK))]);
    let http = client(&server);
    get(&http).expect("a task");
    assert_eq!(http.declared(), None);
}

#[test]
fn accounts() {
    let server = Server::answers(&[
        (200, r#"{"user_id":"u1","email":null,"role":"user","authenticated":true}"#),
        (200, r#"{"user_id":"u1","email":null,"role":"user","authenticated":false}"#),
    ]);
    let http = client(&server);
    assert_eq!(http.account().expect("an account").map(|account| account.user_id), Some("u1".into()));
    assert!(matches!(http.account(), Err(RemoteError::Unauthorized(_))));
}

fn request<'a>(kind: &'static Kind, shape: Shape, set: &'a Patch, below: Option<(i64, &'a str)>) -> Request<'a> {
    Request { kind, shape, op_id: "key-1", workspace_id: 1, name: "n", id: 7, below, other: "", set, version: None }
}

/// Kinds known by names are written by their ids.
#[test]
fn projects_and_labels_are_written() {
    let project = r#"{"id":3,"name":"P","workspace_id":1,"created_at":"x","updated_at":"y"}"#;
    let label = r#"{"id":4,"name":"bug","workspace_id":1,"created_at":"x"}"#;
    let server =
        Server::answers(&[(201, project), (201, label), (200, label), (204, ""), (200, r#"{"deleted":true}"#)]);
    let http = client(&server);
    let name = |field, text: &str| Patch::from([(field, Value::Text(text.into()))]);
    let (rocket, bug, none) = (name(project::NAME, "P"), name(crate::model::label::NAME, "bug"), Patch::new());
    let Said::Done(Some(row)) = http.send(&request(&PROJECT, Shape::Create, &rocket, None)) else { panic!("made") };
    assert_eq!((row.id, row.name.as_str(), row.text(project::STATUS)), (3, "P", Some("active")));
    let Said::Done(Some(row)) = http.send(&request(&LABEL, Shape::Create, &bug, None)) else { panic!("made") };
    assert_eq!((row.id, row.name.as_str(), row.updated_at.as_str()), (4, "bug", "x"));
    assert!(matches!(http.send(&request(&LABEL, Shape::Update, &bug, None)), Said::Done(Some(_))));
    assert_eq!(http.send(&request(&LABEL, Shape::Delete, &none, None)), Said::Done(None));
    assert_eq!(http.send(&request(&PROJECT, Shape::Delete, &none, None)), Said::Done(None));
    assert!(server.seen()[0].contains("\r\nidempotency-key: key-1\r\n"));
    assert!(server.seen()[0].ends_with(r#"{"name":"P"}"#));
    assert!(server.seen()[1].ends_with(r#"{"name":"bug","workspace_id":1}"#));
    let paths = ["projects", "labels", "labels/7", "labels/7", "projects/7"];
    assert_eq!(targets(&server), paths.map(|path| format!("/v1/workspaces/1/{path}")));
}

/// Comments are below their task; older servers change them below the workspace.
#[test]
fn comments_are_written_where_a_server_has_them() {
    let made = r#"{"id":7,"task_id":"DEV-2","author_id":"u1","content":"hi","created_at":"2025-10-16T10:00:00Z"}"#;
    let server = Server::answers(&[(201, made), (404, "{}"), (200, made), (404, "{}"), (404, "{}")]);
    let http = client(&server);
    let set = Patch::from([(comment::CONTENT, Value::Text("hi".into())), (comment::TASK, Value::Int(5))]);
    let text = Patch::from([(comment::CONTENT, Value::Text("hi".into()))]);
    let below = Some((5, "DEV-9"));
    let Said::Done(Some(row)) = http.send(&request(&COMMENT, Shape::Create, &set, below)) else { panic!("made") };
    assert_eq!((row.name.as_str(), row.int(comment::TASK), row.version), ("DEV-9#7", Some(5), 0));
    assert!(server.seen()[0].ends_with(r#"{"content":"hi"}"#));
    assert!(matches!(http.send(&request(&COMMENT, Shape::Update, &text, below)), Said::Done(Some(_))));
    assert!(matches!(http.send(&request(&COMMENT, Shape::Delete, &Patch::new(), below)), Said::Gone(_)));
    let (task, workspace) = ("/v1/workspaces/1/tasks/DEV-9/comments", "/v1/workspaces/1/comments/7");
    let one = format!("{task}/7");
    assert_eq!(targets(&server), [task, &one, workspace, &one, workspace]);
}
