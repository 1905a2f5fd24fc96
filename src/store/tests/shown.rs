//! What is shown: server rows with what waits laid over, provisional rows with their names, links.

use super::home::{
    DEV, Home, a_send, create, drop_ops, link, now, operation, pull, queue, server_row, text, titles, update, workspace,
};
use crate::model::task::{LABELS, PARENT, STATUS, TASK, TITLE};
use crate::model::{Row, SendReply, Shape, State, Target, Value};
use crate::store::rows::renew;
use crate::store::{End, Filter, Pulled, Resolved, Store};

fn row(store: &Store, id: i64) -> Row {
    store.row(&TASK, id).expect("readable").expect("it is there")
}

fn id_of(store: &Store, name: &str) -> i64 {
    store.row_named(&TASK, DEV, name).expect("readable").expect("it is there").id
}

#[test]
fn a_create_gets_the_next_free_number_and_gives_it_up_to_the_server() {
    let home = Home::synced(&[1, 2]);
    let mut store = home.open();
    let ops = queue(&mut store, &[create("mine"), create("too")]);
    assert_eq!([&*ops[0].name, &*ops[1].name], ["DEV-3", "DEV-4"]);
    let renumbered = pull(&mut store, &[server_row(3, "theirs")]);
    assert_eq!(renumbered, [("DEV-3".to_string(), "DEV-5".to_string())]);
    assert_eq!(
        titles(&store),
        ["DEV-1 from the server", "DEV-2 from the server", "DEV-3 theirs", "DEV-4 too", "DEV-5 mine"]
    );
    let renamed = store.renamed(DEV, "DEV-3", "").expect("readable").expect("an alias");
    assert_eq!(renamed.name, "DEV-5");
    assert_eq!(store.operation(&ops[0].op_id).expect("readable").expect("known").name, "DEV-5");
}

#[test]
fn references_show_the_ids_under_which_rows_are_kept() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let parent = queue(&mut store, &[create("parent")]).remove(0);
    let made = Target::MadeBy(parent.op_id.clone());
    let mut child = create("child");
    child.set.insert(PARENT, made.to_value());
    queue(&mut store, &[child, link(Target::Server(1), made.clone())]);
    let (parent_id, child_id) = (id_of(&store, "DEV-2"), id_of(&store, "DEV-3"));
    assert!(parent_id < 0 && child_id < parent_id);
    assert_eq!(row(&store, child_id).parent_id(), Some(parent_id));
    assert_eq!(store.dependencies_of(1).expect("readable").0[0].id, parent_id);

    store.commit_sent(&[&parent.op_id], &a_send(&parent), false).expect("written");
    let answer = State::Answered(Some(Box::new(server_row(7, "parent"))));
    store.commit_reply(&[&parent.op_id], Some(&SendReply::Done), &answer).expect("written");
    assert_eq!(
        store.resolve("task", &made).expect("readable"),
        Resolved::Server { id: 7, name: "DEV-2".into() },
        "at once, also before the end"
    );
    store.end(&End::default(), &now()).expect("applied");
    assert_eq!(row(&store, child_id).parent_id(), Some(7));
    assert_eq!(store.dependencies_of(1).expect("readable").0[0].id, 7);
    assert_eq!(store.renamed(DEV, "DEV-2", "").expect("readable").expect("an alias").id, 7);
    assert!(store.answered_at(&TASK, 7).expect("readable").is_some());
    assert_eq!(store.taken_ids(&TASK, DEV).expect("readable"), [7]);
}

#[test]
fn a_row_with_waiting_operations_keeps_them_over_the_new_server_row() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let op = queue(&mut store, &[update(Target::Server(1), "mine")]).remove(0);
    let mut theirs = server_row(1, "theirs");
    (theirs.version, theirs.updated_at) = (2, "2026-02-01T00:00:00Z".into());
    theirs.set(LABELS, Value::Set(vec!["bug".into()]));
    pull(&mut store, &[theirs.clone()]);
    assert_eq!((row(&store, 1).title(), row(&store, 1).labels()), ("mine", &["bug".to_string()][..]));
    assert_eq!(store.server_row(&TASK, 1).expect("readable").expect("kept").title(), "theirs");
    drop_ops(&mut store, &[&op.op_id]);
    assert_eq!(row(&store, 1), theirs);
    assert!(!store.list_tasks(&Filter { limit: 9, ..Filter::default() }).expect("readable")[0].pending);
}

#[test]
fn one_more_operation_shows_what_all_of_them_laid_again_show() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    for number in 0..5 {
        let mut op = update(Target::Server(1), &format!("title {number}"));
        op.set.insert(LABELS, Value::Set(vec![number.to_string()]));
        queue(&mut store, &[op]);
        let shown = row(&store, 1);
        renew(&store.db, &TASK, 1).expect("laid");
        assert_eq!(row(&store, 1), shown);
    }
    let made = Target::MadeBy(queue(&mut store, &[create("new")])[0].op_id.clone());
    queue(&mut store, &[update(made.clone(), "newer")]);
    assert_eq!(titles(&store), ["DEV-1 title 4", "DEV-2 newer"]);
    queue(&mut store, &[operation(&TASK, Shape::Delete, made)]);
    assert_eq!(titles(&store), ["DEV-1 title 4"]);
    store.end(&End::default(), &now()).expect("applied");
    assert_eq!(titles(&store), ["DEV-1 title 4"]);
}

#[test]
fn a_row_that_is_gone_stays_in_sight_while_something_waits_for_it() {
    let home = Home::synced(&[1, 2]);
    let mut store = home.open();
    queue(&mut store, &[update(Target::Server(1), "mine")]);
    let tombstone = |id| Row { deleted_at: Some(now()), version: 2, ..server_row(id, "gone") };
    pull(&mut store, &[tombstone(1), tombstone(2)]);
    assert_eq!(titles(&store), ["DEV-1 mine"]);
}

#[test]
fn a_label_renamed_without_a_new_version_is_seen_and_the_same_content_is_not_written() {
    let home = Home::synced(&[1, 2]);
    let mut store = home.open();
    store.db.execute_batch("UPDATE tasks SET synced_at = 'before'").expect("ours");
    let mut renamed = server_row(1, "from the server");
    renamed.set(LABELS, Value::Set(vec!["renamed".into()]));
    pull(&mut store, &[renamed, server_row(2, "from the server")]);
    assert_eq!(row(&store, 1).labels(), ["renamed"]);
    let synced_at = |id: i64| -> String {
        store.db.query_row("SELECT synced_at FROM tasks WHERE id = ?1", [id], |row| row.get(0)).expect("there")
    };
    assert_ne!(synced_at(1), "before");
    assert_eq!(synced_at(2), "before");
}

#[test]
fn a_row_that_moved_keeps_its_id_and_its_operations() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    queue(&mut store, &[update(Target::Server(1), "mine")]);
    let moved = Row { workspace_id: 2, name: "OPS-9".into(), version: 2, ..server_row(1, "theirs") };
    store.stage(2, &[moved], &crate::store::Walk { done: true, ..Default::default() }).expect("staged");
    let pulled = [DEV, 2].map(|workspace_id| Pulled { workspace_id, ..Pulled::default() });
    store
        .end(&End { workspaces: vec![workspace()], pulled: pulled.into(), ..End::default() }, &now())
        .expect("applied");
    let shown = row(&store, 1);
    assert_eq!((shown.workspace_id, &*shown.name, shown.title()), (2, "OPS-9", "mine"));
    assert_eq!(store.waiting_of(&TASK, 1).expect("readable")[0].name, "OPS-9", "people see its new name");
}

#[test]
fn a_row_made_again_takes_over_what_names_the_old_one() {
    let home = Home::synced(&[1, 2]);
    let mut store = home.open();
    let mut again = create("again");
    again.replaces = Some(1);
    let again = queue(&mut store, &[again]).remove(0);
    queue(&mut store, &[link(Target::Server(2), Target::Server(1))]);
    assert!(matches!(store.resolve("task", &Target::Server(1)).expect("readable"), Resolved::Pending { .. }));
    store.commit_sent(&[&again.op_id], &a_send(&again), false).expect("written");
    let answer = State::Answered(Some(Box::new(server_row(5, "again"))));
    store.commit_reply(&[&again.op_id], Some(&SendReply::Done), &answer).expect("written");
    store.end(&End::default(), &now()).expect("applied");
    assert_eq!(titles(&store), ["DEV-2 from the server", "DEV-5 again"]);
    assert_eq!(store.dependencies_of(2).expect("readable").0[0].id, 5);
}

#[test]
fn a_dropped_link_leaves_what_was_there() {
    let home = Home::synced(&[1, 2]);
    let mut store = home.open();
    let linked = |store: &Store| !store.dependencies_of(1).expect("readable").0.is_empty();
    let op = queue(&mut store, &[link(Target::Server(1), Target::Server(2))]).remove(0);
    assert!(linked(&store));
    drop_ops(&mut store, &[&op.op_id]);
    assert!(!linked(&store));
}

#[test]
fn a_change_can_be_refused_from_inside() {
    let home = Home::synced(&[1]);
    let mut store = home.open();
    let before = home.queue_text();
    let refused = store.change(|queue| {
        let row = queue.row(&TASK, 1)?.expect("there");
        assert_eq!(queue.target(&row)?, Target::Server(1));
        Err(crate::error::Error::failure("no"))
    });
    assert!(refused.is_err() && store.count_waiting().expect("readable") == 0);
    assert_eq!(home.queue_text(), before);
    assert_eq!(row(&store, 1).get(TITLE), &text("from the server"));
}

/// What is open is counted as what is not closed; a status that nobody knows is open.
#[test]
fn open_tasks_are_counted_as_they_are_listed() {
    let home = Home::new();
    let mut store = home.open();
    let words = ["todo", "done", "on_hold", "canceled", "archived", "active", "done", "backlog", "blocked"];
    let row = |(id, status): (i64, &str)| {
        let mut row = server_row(id, "a");
        row.set(STATUS, Value::Text(status.into()));
        row
    };
    pull(&mut store, &(1..).zip(words).map(row).collect::<Vec<_>>());
    for filter in [
        Filter { open_only: true, ..Filter::default() },
        Filter { open_only: true, priority: Some(0), ..Filter::default() },
        Filter { open_only: true, workspace_id: Some(DEV + 1), ..Filter::default() },
        Filter::default(),
    ] {
        let filter = Filter { workspace_id: filter.workspace_id.or(Some(DEV)), limit: 99, ..filter };
        let listed = store.list_tasks(&filter).expect("readable").len() as i64;
        assert_eq!(store.count_tasks(&filter).expect("readable"), listed, "{filter:?}");
        assert_eq!(store.count_up_to(&filter, 99).expect("readable"), listed, "{filter:?}");
    }
    let open = Filter { open_only: true, workspace_id: Some(DEV), ..Filter::default() };
    assert_eq!(store.count_tasks(&open).expect("readable"), 5);
}
