use super::*;
use crate::model::dependency::DEPENDENCY;
use crate::model::task::{DESCRIPTION, TASK, TITLE};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn post<'a>(workspace_id: i64, op_id: &'a str, set: &'a Patch) -> Request<'a> {
    Request {
        kind: &TASK,
        shape: Shape::Create,
        op_id,
        workspace_id,
        name: "",
        other: "",
        set,
        version: None,
        id: 0,
        below: None,
    }
}

fn patch<'a>(workspace_id: i64, name: &'a str, set: &'a Patch, version: Option<i64>) -> Request<'a> {
    Request {
        kind: &TASK,
        shape: Shape::Update,
        op_id: "",
        workspace_id,
        name,
        other: "",
        set,
        version,
        id: 0,
        below: None,
    }
}

#[test]
fn a_key_makes_one_task_while_it_lives() {
    let remote = FakeRemote::full();
    let dev = remote.workspace("DEV");
    let set = Patch::from([(TITLE, text("one"))]);
    remote.fail(Call::is_write, Fault::LostAfter);
    assert!(matches!(remote.send(&post(dev, "k", &set)), Reply::Lost { .. }));
    assert!(matches!(remote.send(&post(dev, "k", &set)), Reply::Done(Some(row)) if row.name == "DEV-1"));
    assert_eq!(remote.titles(dev), ["one"]);
    remote.advance(Duration::from_secs(2_592_001));
    remote.send(&post(dev, "k", &set));
    assert_eq!(remote.titles(dev), ["one", "one"]);
    assert_eq!(remote.writes(), ["POST tasks"; 3]);
}

#[test]
fn if_match_is_honoured_or_not() {
    let remote = FakeRemote::full();
    let dev = remote.workspace("DEV");
    remote.create(dev, "one");
    let set = Patch::from([(TITLE, text("two"))]);
    remote.before(Call::is_write, move |server| {
        let set = Patch::from([(TITLE, text("theirs"))]);
        server.carry_out(&Write { set, ..Write::to(Shape::Update, dev, "DEV-1") });
    });
    let reply = remote.send(&patch(dev, "DEV-1", &set, Some(1)));
    assert!(matches!(reply, Reply::Conflict { current_version: Some(2), .. }), "{reply:?}");
    remote.behave(|behaviour| behaviour.honours.if_match = false);
    assert!(matches!(remote.send(&patch(dev, "DEV-1", &set, Some(1))), Reply::Done(Some(row)) if row.version == 3));
}

#[test]
fn lists_lag_requests_arrive_late_and_backups_come_back() {
    let remote = FakeRemote::full();
    let dev = remote.workspace("DEV");
    let list = || remote.rows(&TASK, dev, &Query { limit: 50, ..Query::default() }).unwrap().items.len();
    let backup = remote.backup();
    remote.create(dev, "one");
    remote.behave(|behaviour| behaviour.list_lag = Duration::from_secs(2));
    assert_eq!(list(), 0);
    remote.advance(Duration::from_secs(3));
    assert_eq!(list(), 1);
    let set = Patch::from([(TITLE, text("late"))]);
    remote.fail(Call::is_write, Fault::Late(Duration::from_secs(5)));
    remote.send(&post(dev, "k", &set));
    assert_eq!(remote.titles(dev), ["one"]);
    remote.advance(Duration::from_secs(6));
    assert_eq!(remote.titles(dev), ["one", "late"]);
    remote.restore(&backup);
    assert_eq!(remote.titles(dev), [""; 0]);
}

#[test]
fn texts_are_cut_and_fields_passed_over() {
    let remote = FakeRemote::plain();
    let dev = remote.workspace("DEV");
    remote.create(dev, "one");
    remote.behave(|behaviour| {
        behaviour.cut_texts = Some(3);
        behaviour.ignores.insert(TITLE);
    });
    let row = remote.edit(dev, "DEV-1", [(DESCRIPTION, text("longer")), (TITLE, text("two"))]);
    assert_eq!((row.title(), row.description()), ("one", Some("lon")));
}

#[test]
fn links_are_pairs_without_circles() {
    let remote = FakeRemote::full();
    let dev = remote.workspace("DEV");
    remote.create(dev, "one");
    remote.create(dev, "two");
    remote.link(dev, "DEV-1", "DEV-2");
    let link = |name, other| {
        let set = Patch::new();
        let (kind, shape, op_id) = (&DEPENDENCY, Shape::Link, "");
        remote.send(&Request {
            kind,
            shape,
            op_id,
            workspace_id: dev,
            name,
            other,
            set: &set,
            version: None,
            id: 0,
            below: None,
        })
    };
    assert!(matches!(link("DEV-1", "DEV-2"), Reply::Conflict { .. }));
    assert!(matches!(link("DEV-2", "DEV-1"), Reply::Conflict { .. }));
    assert_eq!(remote.links_of(&DEPENDENCY, dev, "DEV-1").unwrap(), Some(vec!["DEV-2".into()]));
    remote.delete(dev, "DEV-2");
    assert_eq!(remote.edges(dev), []);
    assert_eq!(remote.row(&TASK, dev, "DEV-2").unwrap(), None);
    assert_eq!(remote.writes()[0], "POST DEV-1/dependencies DEV-2");
}
