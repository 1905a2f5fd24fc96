//! Every statement of the store finds its rows by an index, apart from those that are meant to go through everything.

use super::home::{
    DEV, Home, a_send, create, drop_ops, link, now, operation, pull, queue, server_row, update, workspace,
};
use crate::model::dependency::DEPENDENCY;
use crate::model::task::TASK;
use crate::model::{Edge, SendReply, Shape, State, Target};
use crate::store::{End, Filter, Pulled, Sort, Walk};
use crate::time::Timestamp;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static STATEMENTS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Writes down the statements that this thread runs on the connection.
pub fn trace(db: &Connection) {
    db.trace_v2(
        TraceEventCodes::SQLITE_TRACE_STMT,
        Some(|event| {
            if let TraceEvent::Stmt(statement, _) = event {
                let sql = statement.sql().into_owned();
                STATEMENTS.with_borrow_mut(|statements| statements.insert(sql));
            }
        }),
    );
}

/// Statements that go through all rows on purpose: parts of their texts.
const SCANS: [&str; 9] = [
    // Once a sync, over what it has staged or over the whole cache.
    "staged_",
    "DELETE FROM sync_metadata WHERE key LIKE",
    "sync_queue SET identifier = coalesce",
    "DELETE FROM sends WHERE op_id NOT IN",
    "FROM conflicts",
    // For a hint about a name that does not exist.
    "ORDER BY abs(number - :number)",
    // A person's search or a sort without an index of its own.
    "instr(lower(title)",
    "FROM sqlite_schema",
    "FROM workspaces ORDER BY id",
];

#[test]
fn every_statement_has_an_index() {
    let home = Home::new();
    let mut store = home.open();
    trace(&store.db);
    everything(&mut store);
    let statements = STATEMENTS.take();
    assert!(statements.len() > 80, "only {} statements were seen", statements.len());
    let mut slow = Vec::new();
    for sql in statements.iter().filter(|sql| !SCANS.iter().any(|part| sql.contains(part))) {
        let Ok(mut plan) = store.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) else { continue };
        let steps: Vec<String> = plan
            .query([])
            .and_then(|rows| rusqlite::fallible_iterator::FallibleIterator::collect(rows.map(|row| row.get(3))))
            .unwrap_or_default();
        for step in steps.iter().filter(|step| step.starts_with("SCAN ")) {
            let is_table =
                ["json_each", "CONSTANT", "path", "VIRTUAL", "(subquery"].iter().all(|word| !step.contains(word));
            if is_table && !step.contains("INDEX") {
                slow.push(format!("{step}: {sql}"));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

/// Every call of the store at least once.
fn everything(store: &mut crate::store::Store) {
    pull(store, &(1..=20).map(|id| server_row(id, "from the server")).collect::<Vec<_>>());
    let ops = queue(
        store,
        &[
            create("new"),
            update(Target::Server(1), "changed"),
            link(Target::Server(1), Target::Server(2)),
            operation(&TASK, Shape::Delete, Target::Server(3)),
            create("dropped"),
        ],
    );
    let made = Target::MadeBy(ops[0].op_id.clone());
    queue(store, &[update(made.clone(), "newer"), link(made.clone(), Target::Server(4))]);
    let mut again = create("again");
    again.replaces = Some(9);
    queue(store, &[again]);
    drop_ops(store, &[&ops[4].op_id]);
    store
        .change(|queue| {
            queue.knows("x")?;
            queue.waiting_of(&TASK, &made)?;
            queue.row_of(&TASK, &made)?;
            queue.reaches(&DEPENDENCY, 1, 2)?;
            queue.reaches(&TASK, 1, 2)?;
            let kept = vec![crate::model::Kept { reason: "resolved", row: None, operations: Vec::new() }];
            let conflict = crate::store::Conflict {
                kind: &TASK,
                id: 1,
                workspace_id: DEV,
                name: "DEV-1".into(),
                remote: None,
                found_at: now(),
            };
            Ok(crate::store::Change {
                kept,
                conflicts: vec![conflict],
                settled: vec![(&TASK, 2)],
                removed_rows: vec![(&TASK, 5)],
                rows: vec![server_row(6, "theirs")],
                ..Default::default()
            })
        })
        .expect("changed");
    for op in &ops[..4] {
        store.commit_sent(&[&op.op_id], &a_send(op), true).expect("written");
    }
    let answered = State::Answered(Some(Box::new(server_row(30, "new"))));
    store.commit_reply(&[&ops[0].op_id], Some(&SendReply::Done), &answered).expect("written");
    store
        .commit_reply(&[&ops[1].op_id], Some(&SendReply::Refused("no".into())), &State::Rejected("no".into()))
        .expect("ok");
    store.commit_reply(&[&ops[2].op_id], Some(&SendReply::Done), &State::Answered(None)).expect("written");
    store.commit_transition(&ops[3].op_id, &State::Sent, &State::Answered(None)).expect("written");
    store.rebase(&ops[1].op_id, &ops[1].base, 2).expect("written");
    read(store, &ops[0].op_id);
    let walk = Walk { began: now(), done: true, ..Walk::default() };
    store.stage(DEV, &[server_row(1, "from the server"), server_row(2, "renamed")], &walk).expect("staged");
    let edges = [Edge { task: "DEV-1".into(), depends_on: "DEV-2".into() }];
    store.stage_links(&DEPENDENCY, DEV, &edges).expect("staged");
    store.stage_gone(&TASK, 8).expect("staged");
    store.unstage_row(&TASK, 2).expect("unstaged");
    let pulled = Pulled {
        below: Vec::new(),
        workspace_id: DEV,
        members: Some(Vec::new().into()),
        named: true,
        links: Some(true),
        listed: Some((now(), vec![7])),
        cursor: Some((now(), 1)),
        state: Some("s".into()),
    };
    let log = (crate::store::Direction::Pull, crate::store::LogRow::default());
    let end = End {
        workspaces: vec![workspace()],
        pulled: vec![pulled],
        exactly: true,
        read: vec![server_row(7, "read")],
        gone: vec![(&TASK, 10)],
        lost: vec![server_row(11, "lost")],
        metadata: vec![("key".into(), "value".into())],
        logs: vec![log],
        ..End::default()
    };
    store.end(&end, &now()).expect("applied");
    store.settle_answers(&now()).expect("nothing");
    store.end(&End { left: vec![DEV], afresh: true, ..End::default() }, &now()).expect("applied");
    store.log_failure(crate::store::Direction::Push, &now(), "no").expect("written");
}

fn read(store: &crate::store::Store, op_id: &str) {
    for sort in [Sort::Priority, Sort::Updated, Sort::Status, Sort::Number] {
        let filter = Filter { workspace_id: Some(DEV), sort, limit: 50, ..Filter::default() };
        store.list_tasks(&filter).and_then(|_| store.count_tasks(&filter)).expect("readable");
        store.count_up_to(&filter, 9).expect("readable");
    }
    store.nearest(DEV, 5, 3).expect("readable");
    store.dependencies_of(1).expect("readable");
    store.row_named(&TASK, DEV, "DEV-1").and_then(|_| store.has_name(&TASK, DEV, "DEV-1")).expect("readable");
    store.row_by_uid(&TASK, "t_1").expect("readable");
    store.renamed(DEV, "DEV-1", "").expect("readable");
    store.server_row(&TASK, 1).and_then(|_| store.name_of(&TASK, 1)).expect("readable");
    store.workspaces().and_then(|_| store.projects(DEV)).expect("readable");
    store.members(DEV).and_then(|_| store.label_names(DEV)).expect("readable");
    store.highest_number(DEV).and_then(|_| store.highest_known_number(&TASK, DEV)).expect("readable");
    store.count_server_rows(&TASK, DEV).expect("readable");
    store.waiting().and_then(|_| store.count_waiting()).expect("readable");
    store.operations(10).and_then(|_| store.operation_numbered(1)).expect("readable");
    let op = store.operation(op_id).expect("readable").expect("it is known");
    store.made_later(&op).and_then(|_| store.operations_of(&TASK, &op.target, 30)).expect("readable");
    store.tasks_beginning(DEV, "", 9).and_then(|_| store.tasks_beginning(DEV, "DEV-1", 9)).expect("readable");
    store.blocked([1, 2].into_iter()).and_then(|_| store.waiting_for([1, 2].into_iter())).expect("readable");
    for filter in [
        Filter { ready: true, owner_or_nobody: Some("a".into()), ..Filter::default() },
        Filter { blocked: true, updated_since: Some(Timestamp(0)), unassigned: true, ..Filter::default() },
        Filter { pending: true, ..Filter::default() },
    ] {
        let filter = Filter { workspace_id: Some(DEV), limit: 50, ..filter };
        store.list_tasks(&filter).and_then(|_| store.count_tasks(&filter)).expect("readable");
    }
    store.waiting_of(&TASK, 1).and_then(|_| store.operation(op_id)).expect("readable");
    store
        .resolve("task", &Target::Server(9))
        .and_then(|_| store.resolve("task", &Target::MadeBy(op_id.into())))
        .expect("readable");
    store.answered_at(&TASK, 30).and_then(|_| store.taken_ids(&TASK, DEV)).expect("readable");
    store.conflicts().and_then(|_| store.log(10)).expect("readable");
    store.walk(DEV).and_then(|_| store.staged_row(&TASK, 1)).expect("readable");
    store.expected_total(&TASK, DEV).and_then(|_| store.missing_from_staging(&TASK, DEV)).expect("readable");
    store.staged_behind(&TASK, DEV).and_then(|_| store.rows_made_after(&TASK, DEV, 3)).expect("readable");
    store.staged_since(&TASK, DEV, Timestamp(0)).and_then(|_| store.unlisted(&TASK, DEV)).expect("readable");
    store.newest_staged(&TASK, DEV, Timestamp::now()).expect("readable");
    store.count_staged(&TASK, &BTreeSet::new(), &[DEV]).expect("readable");
}
