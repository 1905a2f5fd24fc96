//! A home of anyt 0.1.0 is opened: its queue, doubtful requests, conflicts and discarded edits are all there.

use super::home::{DEV, Home, server_row, titles};
use crate::document;
use crate::model::task::{DESCRIPTION, PARENT, TASK};
use crate::model::{State, Target, Value};
use crate::store::moved::crc32;
use crate::store::schema::{MIGRATIONS, TABLES};
use crate::store::{ACCOUNT, Notice, SERVER, Store};
use miniserde::json;
use rusqlite::{Connection, named_params};
use std::path::Path;

/// What a 0.1.0 that was killed in the middle of a sync leaves behind.
fn old_home() -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.folder.path("cache")).expect("ours");
    let db = Connection::open(&home.files.cache).expect("ours");
    db.execute_batch(include_str!("first.sql")).and_then(|()| db.execute_batch(MIGRATIONS[0])).expect("0.1.0's tables");
    db.pragma_update(None, "user_version", 2).expect("ours");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF;
         INSERT INTO workspaces VALUES (1, 'DEV', 'Development', NULL, '2026', '2026', '2026', NULL);
         INSERT INTO sync_metadata VALUES ('server', 'https://one'), ('account', 'u1'), ('journal_folded', '1'),
           ('unlisted:1', '3');",
    )
    .expect("ours");
    for (id, name, title, remote) in [
        (1, "DEV-1", "mine", Some(row_json(1, "theirs"))),
        (2, "DEV-2", "two", None),
        (-1, "DEV-3", "parent", None),
        (-2, "DEV-4", "child", None),
    ] {
        db.execute(
            "INSERT INTO tasks (id, project_id, workspace_id, identifier, title, status, priority, version, created_at, \
             updated_at, synced_at, number, created_us, updated_us, remote) VALUES (:id, 0, 1, :name, :title, 'backlog', 0, 1, \
             '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026', 1, 1, 1, :remote)",
            named_params! {":id": id, ":name": name, ":title": title, ":remote": remote},
        )
        .expect("ours");
    }
    for row in QUEUE {
        db.execute(
            "INSERT INTO sync_queue (op_id, operation, entity_type, entity_id, identifier, depends_on_id, depends_on, payload, \
             uncertain, error, workspace_id, created_at, synced, remote_id) VALUES (:op_id, :operation, :kind, :id, :name, \
             :on_id, :on, :payload, :uncertain, :error, 1, '2026-03-01T00:00:00.000000Z', :synced, :remote)",
            named_params! {
                ":op_id": row.op_id, ":operation": row.operation, ":kind": row.kind, ":id": row.id.to_string(),
                ":name": row.name, ":on_id": row.on.map(|on| on.0), ":on": row.on.map(|on| on.1),
                ":payload": row.payload(), ":uncertain": row.uncertain, ":error": row.error,
                ":synced": row.op_id == "d0", ":remote": (row.op_id == "d0").then_some(2),
            },
        )
        .expect("ours");
    }
    db.execute(
        "INSERT INTO conflicts VALUES (1, 1, 'DEV-1', :remote, '2026-03-02T00:00:00Z')",
        named_params! {":remote": row_json(1, "theirs")},
    )
    .expect("ours");
    drop(db);
    write_state(&home);
    home
}

struct Queued {
    op_id: &'static str,
    operation: &'static str,
    kind: &'static str,
    id: i64,
    name: &'static str,
    on: Option<(i64, &'static str)>,
    set: &'static str,
    uncertain: Option<&'static str>,
    error: Option<&'static str>,
}

impl Queued {
    fn payload(&self) -> String {
        format!(r#"{{"base_version":1,"base":{{}},"set":{}}}"#, self.set)
    }

    fn line(&self) -> String {
        let on = self.on.map_or("\"depends_on_id\":null,\"depends_on\":null".to_string(), |(id, name)| {
            format!("\"depends_on_id\":{id},\"depends_on\":\"{name}\"")
        });
        let text = |text: Option<&str>| text.map_or("null".to_string(), |text| format!("\"{text}\""));
        journal_line(&format!(
            r#"{{"kind":"queued","at":"2026","operation":{{"op_id":"{}","operation":"{}","entity_type":"{}","workspace_id":1,"task_id":{},"identifier":"{}",{on},"payload":{},"created_at":"2026-03-01T00:00:00.000000Z","uncertain":{},"error":{}}}}}"#,
            self.op_id,
            self.operation,
            self.kind,
            self.id,
            self.name,
            self.payload(),
            self.uncertain.unwrap_or("null"),
            text(self.error),
        ))
    }
}

const PLAIN: Queued = Queued {
    op_id: "",
    operation: "update",
    kind: "task",
    id: 1,
    name: "DEV-1",
    on: None,
    set: r#"{"title":"mine"}"#,
    uncertain: None,
    error: None,
};

const QUEUE: [Queued; 8] = [
    Queued { op_id: "d0", id: 2, name: "DEV-2", ..PLAIN },
    Queued { op_id: "a1", ..PLAIN },
    Queued { op_id: "a2", operation: "create", id: -1, name: "DEV-3", set: r#"{"title":"parent"}"#, ..PLAIN },
    Queued {
        op_id: "a3",
        operation: "create",
        id: -2,
        name: "DEV-4",
        set: r#"{"title":"child","parent_id":-1}"#,
        uncertain: Some(
            r#"{"after_number":2,"version":0,"set":{"title":"child"},"until":"2026-03-01T00:00:20.000000Z"}"#,
        ),
        ..PLAIN
    },
    Queued { op_id: "a4", kind: "dependency", operation: "create", on: Some((-1, "DEV-3")), set: "{}", ..PLAIN },
    Queued {
        op_id: "a5",
        id: -1,
        name: "DEV-3",
        set: r#"{"title":"parent again"}"#,
        error: Some("no such thing"),
        ..PLAIN
    },
    Queued { op_id: "a6", id: 2, name: "DEV-2", set: r#"{"title":"answered"}"#, ..PLAIN },
    Queued { op_id: "a7", id: 2, name: "DEV-2", set: r#"{"title":"dropped"}"#, ..PLAIN },
];

/// Only in the journal: the cache is an older one.
const LATER: Queued =
    Queued { op_id: "b1", operation: "create", id: -3, name: "DEV-5", set: r#"{"title":"later"}"#, ..PLAIN };

fn journal_line(entry: &str) -> String {
    format!("{{\"crc\":{},\"entry\":{entry}}}\n", crc32(entry.as_bytes()))
}

fn row_json(id: i64, title: &str) -> String {
    json::to_string(&json::Value::Object(document::row_to_json(&server_row(id, title))))
}

fn write_state(home: &Home) {
    let mut journal = journal_line(r#"{"kind":"meant","at":"2026","server":"https://one","account":"u1"}"#);
    QUEUE[1..].iter().for_each(|row| journal.push_str(&row.line()));
    journal.push_str(&LATER.line());
    journal.push_str(&journal_line(
        r#"{"kind":"sending","at":"2026","op_id":"a1","uncertain":{"after_number":0,"version":1,"set":{"title":"mine"},"until":null}}"#,
    ));
    journal.push_str(&journal_line(&format!(
        r#"{{"kind":"answered","at":"2026","op_id":"a6","task":{}}}"#,
        row_json(2, "answered")
    )));
    journal.push_str(&journal_line(r#"{"kind":"dropped","at":"2026","op_id":"a7"}"#));
    journal.push_str("{\"crc\":1,\"entry\":{\"damaged\":1}}\n{\"crc\":77,\"entry\":{\"kind\":\"queu");
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("ours");
        std::fs::write(path, text).expect("ours");
    };
    write(&home.files.old_journal, &journal);
    write(&home.files.old_journal.with_extension("lock"), "");
    let operation = |row: &Queued| {
        let line = row.line();
        let (_, rest) = line.split_once("\"operation\":").expect("a queued line");
        rest.trim_end().trim_end_matches('}').to_string() + "}"
    };
    let discarded = |reason: &str, remote: &str, made_by: &str, row: &Queued| {
        format!(
            "{{\"at\":\"2026-02-01T00:00:00Z\",\"reason\":\"{reason}\",\"server\":\"https://one\",\"account\":\"u1\",\"remote\":{remote},\"made_by\":{made_by},\"operation\":{}}}\n",
            operation(row)
        )
    };
    let create =
        Queued { op_id: "c1", operation: "create", id: -9, name: "DEV-9", set: r#"{"title":"given up"}"#, ..PLAIN };
    let orphan = Queued { op_id: "c2", id: 2, name: "DEV-2", set: r#"{"parent_id":-9}"#, ..PLAIN };
    let restored = Queued { op_id: "c3", ..PLAIN };
    let overruled = Queued { op_id: "c4", ..PLAIN };
    let file = |name: &str, text: &str| write(&home.files.old_discarded.join(name), text);
    let orphans = discarded("orphaned", "null", r#"{"-9":"c1"}"#, &orphan);
    file("20260201-dropped-0.jsonl", &(discarded("dropped", "null", "{}", &create) + &orphans));
    file(
        "20260202-resolved-0.jsonl",
        &(discarded("resolved", "null", "{}", &restored) + "{\"restored\":\"2026-02-03T00:00:00Z\"}\n"),
    );
    file("20260203-overruled-0.jsonl", &discarded("overruled", &row_json(1, "overruled"), "{}", &overruled));
    file("20260204-broken-0.jsonl", "no line of ours\n");
    write(&home.files.old_drafts.join("DEV-1-0123456789abcdef.md"), "typed\n");
}

/// Everything that the move is to bring, in words.
fn picture(home: &Home, store: &Store) -> String {
    let mut lines = Vec::new();
    for op in store.waiting().expect("readable") {
        let set = json::to_string(&crate::model::patch_to_json(&op.set));
        let other = op.other.as_ref().map(Target::to_text);
        lines.push(format!(
            "{} {:?} {} {:?} {set} {} sends {:?} {:?}",
            op.op_id,
            op.state,
            op.target.to_text(),
            other,
            op.sends.len(),
            op.server,
            op.account
        ));
    }
    for op_id in ["a6", "a7", "d0"] {
        lines.push(format!("{op_id} {}", store.operation(op_id).expect("readable").expect("known").state.word()));
    }
    lines.extend(titles(store));
    lines.extend(store.conflicts().expect("readable").iter().map(|conflict| format!("conflict {}", conflict.name)));
    for entry in store.discarded().expect("readable") {
        let ops: Vec<String> = entry
            .operations
            .iter()
            .map(|op| format!("{} {} {:?}", op.op_id, op.target.to_text(), op.set.get(PARENT)))
            .collect();
        let row = entry
            .row
            .as_ref()
            .map(|row| (row.name.clone(), row.title().to_string(), row.text(DESCRIPTION).map(String::from)));
        lines.push(format!("{} {} {:?} {ops:?} {row:?}", entry.number, entry.reason, entry.restored));
    }
    lines.push(format!("{} lines", home.queue_text().lines().count()));
    let mut files: Vec<String> = std::fs::read_dir(home.folder.path("state"))
        .expect("there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    lines.push(format!("{files:?}"));
    lines.join("\n")
}

/// `schema.sql` and the migrations say the same.
#[test]
fn a_new_file_has_the_tables_of_one_that_was_moved() {
    let tables = |statements: &[&str]| {
        let db = Connection::open_in_memory().expect("memory");
        statements.iter().try_for_each(|sql| db.execute_batch(sql)).expect("tables");
        let mut query = db
            .prepare(
                "SELECT m.type, m.tbl_name, m.name, coalesce(c.cid, 0), coalesce(c.name, ''), coalesce(c.type, ''),
                 coalesce(c.\"notnull\", 0), coalesce(c.dflt_value, ''), coalesce(c.pk, 0), iif(m.type = 'index', m.sql, '')
                 FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c ORDER BY 1, 2, 3, 4",
            )
            .expect("SQL");
        let words = |row: &rusqlite::Row| (0..10).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect();
        let read = query.query_map([], words).expect("rows");
        read.collect::<rusqlite::Result<Vec<Vec<_>>>>().expect("rows")
    };
    let moved = [&[include_str!("first.sql")], &MIGRATIONS[..]].concat();
    let (new, moved) = (tables(&[TABLES]), tables(&moved));
    assert!(new.len() > 300);
    for (new, moved) in new.iter().zip(&moved) {
        assert_eq!(new, moved);
    }
    assert_eq!(new.len(), moved.len());
}

#[test]
fn everything_is_there() {
    let home = old_home();
    let mut store = home.open();
    let notices = store.notices();
    assert!(
        matches!(
            notices[..],
            [Notice::Unreadable(1, _), Notice::SetAside(1, _), Notice::MovedOver { queued: 6, discarded: 4 }]
        ),
        "{notices:?}"
    );
    let seen = picture(&home, &store);
    let expected = [
        r#"a1 Sent 1 None {"title":"mine"} 1 sends Some("https://one") Some("u1")"#,
        r#"a2 Queued a2 None {"title":"parent"} 0 sends Some("https://one") Some("u1")"#,
        r#"a3 Sent a3 None {"title":"child","parent_id":{"made_by":"a2"}} 1 sends Some("https://one") Some("u1")"#,
        r#"a4 Queued 1 Some("a2") {} 0 sends Some("https://one") Some("u1")"#,
        r#"a5 Rejected("no such thing") a2 None {"title":"parent again"} 0 sends Some("https://one") Some("u1")"#,
        r#"b1 Queued b1 None {"title":"later"} 0 sends Some("https://one") Some("u1")"#,
        "a6 answered",
        "a7 dropped",
        "d0 done",
        "DEV-1 mine",
        "DEV-2 two",
        "DEV-3 parent again",
        "DEV-4 child",
        "DEV-5 later",
        "conflict DEV-1",
        r#"4 edited None [] Some(("DEV-1", "", Some("typed\n")))"#,
        r#"3 overruled None ["c4 1 None"] Some(("DEV-1", "overruled", None))"#,
        r#"2 resolved Some("2026-02-03T00:00:00Z") ["c3 1 None"] None"#,
        r#"1 dropped None ["c1 c1 None", "c2 2 Some(MadeBy(\"c1\"))"] None"#,
        "6 lines",
        r#"["discarded.jsonl", "discarded.old", "queue.jsonl", "queue.jsonl.damaged"]"#,
    ];
    let order = |text: &str| {
        text.replace(
            r#"{"parent_id":{"made_by":"a2"},"title":"child"}"#,
            r#"{"title":"child","parent_id":{"made_by":"a2"}}"#,
        )
    };
    assert_eq!(order(&seen), expected.join("\n"));
    let child = store.row_named(&TASK, DEV, "DEV-4").expect("readable").expect("there");
    let parent = store.row_named(&TASK, DEV, "DEV-3").expect("readable").expect("there");
    assert_eq!(child.get(PARENT), &Value::Int(parent.id));
    let send = &store.operation("a3").expect("readable").expect("known").sends[0];
    assert_eq!((&*send.at.rfc3339(), send.highest_number), ("2026-03-01T00:00:10.000000Z", 2));
    assert_eq!(store.settle_answers(&super::home::now()).expect("laid"), 1);
    assert_eq!(store.row(&TASK, 2).expect("readable").expect("there").title(), "answered");
    drop(store);
    let mut store = home.open();
    assert_eq!((store.notices(), store.count_waiting().expect("readable")), (vec![], 6), "moved once");
}

/// The cache is gone: all that the journal knows comes back, for the server that it was meant for.
#[test]
fn a_journal_without_its_cache() {
    let home = old_home();
    home.remove("cache");
    let store = home.open();
    let ops: Vec<_> = store.waiting().expect("readable").into_iter().map(|op| (op.op_id, op.state.word())).collect();
    let expected =
        [("a1", "sent"), ("a2", "queued"), ("a3", "sent"), ("a4", "queued"), ("a5", "rejected"), ("b1", "queued")];
    assert_eq!(ops, expected.map(|(op_id, state)| (op_id.to_string(), state)));
    assert_eq!(store.metadata(SERVER).expect("readable").as_deref(), Some("https://one"));
    assert_eq!(store.metadata(ACCOUNT).expect("readable").as_deref(), Some("u1"));
    assert_eq!(home.queue_text().lines().count(), 6);
    assert!(!home.files.old_journal.exists() && !home.files.old_drafts.exists());
}

/// The journal is gone: the cache has rows to move all the same, and no copy of them.
#[test]
fn a_cache_without_its_journal() {
    let home = old_home();
    home.remove("state");
    let mut store = home.open();
    assert_eq!(store.notices(), [Notice::MovedOver { queued: 7, discarded: 0 }]);
    assert_eq!(home.queue_text().lines().count(), 7);
    let states: Vec<State> = store.waiting().expect("readable").into_iter().map(|op| op.state).collect();
    assert_eq!(states.iter().filter(|state| **state == State::Queued).count(), 5, "it counts as what it was");
}

/// What a 0.1.0 that was still running writes after the move.
#[test]
fn lines_that_come_after_the_move() {
    let home = old_home();
    drop(home.open());
    let late = journal_line(&format!(
        r#"{{"kind":"answered","at":"2026","op_id":"a2","task":{}}}"#,
        row_json(8, "parent")
    )) + &journal_line(
        r#"{"kind":"sending","at":"2026","op_id":"b1","uncertain":{"after_number":4,"version":0,"set":{},"until":null}}"#,
    );
    std::fs::write(&home.files.old_journal, late).expect("ours");
    let store = home.open();
    let state = |op_id: &str| store.operation(op_id).expect("readable").expect("known");
    assert_eq!((state("a2").state.word(), state("b1").state.word(), state("b1").sends.len()), ("answered", "sent", 1));
    assert!(!home.files.old_journal.exists());
}

/// An older anyt refuses the moved cache by its version, and finds no journal to fold.
#[test]
fn an_older_anyt_is_told_by_the_version() {
    let home = old_home();
    drop(home.open());
    let db = Connection::open(&home.files.cache).expect("there");
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("readable");
    assert!(version > 2);
    assert!(!home.files.old_journal.exists());
}

#[cfg(feature = "failpoints")]
mod killed {
    use super::super::home::{child, files, is_child};
    use super::{old_home, picture};
    use crate::store::Store;

    #[test]
    fn one_that_moves() {
        let Some(root) = is_child() else { return };
        drop(Store::open(&files(&root)).expect("a usable store"));
    }

    const CHILD: &str = "store::tests::moving::killed::one_that_moves";

    #[test]
    fn killed_at_each_step_it_is_completed_by_the_next_start() {
        let whole = old_home();
        let expected = picture(&whole, &whole.open());
        let traced = old_home();
        let trace = traced.folder.path("trace");
        assert!(child(CHILD, traced.folder.root(), &[("ANYT_FAILPOINT_TRACE", &trace.to_string_lossy())]).success());
        let hits = std::fs::read_to_string(&trace).expect("failpoints were hit");
        assert!(hits.lines().filter(|name| name.starts_with("store.move.")).count() >= 6, "{hits}");
        for name in hits.lines() {
            let home = old_home();
            assert!(!child(CHILD, home.folder.root(), &[("ANYT_FAILPOINT", name)]).success(), "{name} was not hit");
            let store = home.open();
            assert_eq!(picture(&home, &store), expected, "{name}");
        }
    }
}
