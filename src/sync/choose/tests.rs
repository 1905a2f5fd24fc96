//! Q1 to Q5 for the three causes: what goes back into the queue, what goes, and what can be restored.

use super::*;
use crate::model::Send;
use crate::model::task::{CODING_AGENT, DESCRIPTION, LABELS, PRIORITY, PROJECT, STATUS, TASK, TITLE};
use crate::sync::relate::{Related, all_lost, relate};
use crate::time::Timestamp;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn row<const N: usize>(version: i64, values: [(Field, Value); N]) -> Row {
    let mut row = Row::new(&TASK);
    (row.id, row.workspace_id, row.name, row.version) = (7, 1, "DEV-7".into(), version);
    row.apply(&Patch::from([(TITLE, text("old")), (STATUS, text("todo")), (PROJECT, Value::Int(3))]));
    row.apply(&Patch::from(values));
    row
}

fn update<const N: usize>(op_id: &str, changes: [(Field, Value, Value); N]) -> Operation {
    let mut update = blank(Shape::Update, Target::Server(7), &row(1, []), &[]);
    (update.op_id, update.server) = (op_id.into(), Some("http://s".into()));
    for (field, base, value) in changes {
        update.base.insert(field, base);
        update.set.insert(field, value);
    }
    update
}

fn rejected(operation: Operation) -> Operation {
    Operation { state: State::Rejected("no".into()), ..operation }
}

fn sent(operation: Operation) -> Operation {
    let sent = operation.set.clone();
    let send = Send { at: Timestamp(1), sent, version: 1, highest_number: 0, reply: None };
    Operation { state: State::Sent, sends: vec![send], ..operation }
}

fn delete(base: &Row) -> Operation {
    Operation { shape: Shape::Delete, base: base.changeable(), ..update("del", []) }
}

/// Title in dispute, labels merge, priority is ours alone; in two steps, the second rejected, the first in doubt.
fn changed() -> (Vec<Operation>, Row, Vec<Difference>) {
    let labels = |words: &[&str]| Value::Set(words.iter().map(ToString::to_string).collect());
    let one = update("1", [(TITLE, text("old"), text("one")), (LABELS, labels(&["a"]), labels(&["a", "b"]))]);
    let two = update("2", [(TITLE, text("one"), text("two")), (PRIORITY, Value::Int(0), Value::Int(2))]);
    let chain = vec![sent(one), rejected(two)];
    let theirs = row(5, [(TITLE, text("theirs")), (LABELS, labels(&["a", "c"])), (PRIORITY, Value::Int(0))]);
    let differences = match relate(&chain, 1, &theirs, true) {
        Related::Clashes(differences) => differences,
        other => panic!("{other:?}"),
    };
    assert_eq!(differences.len(), 1);
    (chain, theirs, differences)
}

fn dropped(chosen: &Chosen) -> Vec<&str> {
    chosen.dropped.iter().map(|(op_id, _)| op_id.as_str()).collect()
}

fn is_clean(operations: &[Operation]) -> bool {
    operations.iter().all(|operation| operation.state == State::Queued && operation.sends.is_empty())
}

#[test]
fn q1_both_changed_ours() {
    let (chain, theirs, differences) = changed();
    let chosen = choose(Cause::Changed, &chain, Some(&theirs), &differences, &Choice::Local);
    let [one, two] = &chosen.amended[..] else { panic!("{chosen:#?}") };
    assert!(is_clean(&chosen.amended), "a rejection and a doubt are cleared");
    assert!(!one.set.contains_key(TITLE), "earlier steps are forgotten");
    assert_eq!((&two.base[TITLE], &two.set[TITLE]), (&text("theirs"), &text("two")));
    assert_eq!(one.seen_version, 5);
    // What merges goes on doing so, and nothing is asked again.
    assert!(matches!(relate(&chosen.amended, 2, &theirs, true), Related::Ready { set, .. } if set.len() == 3));
    let [kept] = &chosen.kept[..] else { panic!("{chosen:#?}") };
    assert_eq!((kept.reason, kept.row.as_ref()), ("overruled", Some(&theirs)));
    let [back] = &kept.operations[..] else { panic!("{kept:#?}") };
    assert_eq!((back.shape, &back.target, back.op_id.as_str()), (Shape::Update, &Target::Server(7), ""));
    assert_eq!(back.set, Patch::from([(TITLE, text("theirs"))]));
    assert_eq!(back.base, Patch::from([(TITLE, text("two"))]));
    assert_eq!(back.server, chain[0].server);
    assert!(chosen.create.is_none() && !chosen.remove_row && !chosen.wait && chosen.dropped.is_empty());
}

#[test]
fn q1_an_operation_of_which_nothing_is_left_goes() {
    let chain = [update("1", [(TITLE, text("old"), text("one"))]), update("2", [(TITLE, text("one"), text("two"))])];
    let theirs = row(2, [(TITLE, text("theirs"))]);
    let differences = [Difference { field: TITLE, base: text("old"), local: text("two"), remote: text("theirs") }];
    let chosen = choose(Cause::Changed, &chain, Some(&theirs), &differences, &Choice::Local);
    assert_eq!(dropped(&chosen), ["1"]);
    assert_eq!(chosen.amended.len(), 1);
}

#[test]
fn q2_both_changed_edited() {
    let (chain, theirs, differences) = changed();
    let edited = Choice::Edited(Patch::from([(TITLE, text("both"))]));
    let chosen = choose(Cause::Changed, &chain, Some(&theirs), &differences, &edited);
    let two = chosen.amended.iter().find(|operation| operation.op_id == "2").unwrap();
    assert_eq!((&two.base[TITLE], &two.set[TITLE]), (&text("theirs"), &text("both")));
    let reasons: Vec<_> = chosen.kept.iter().map(|kept| kept.reason).collect();
    assert_eq!(reasons, ["overruled", "resolved"], "theirs and ours can both be restored");
    assert_eq!(chosen.kept[0].operations[0].base[TITLE], text("both"));
    let titles: Vec<_> = chosen.kept[1].operations.iter().map(|operation| &operation.set[TITLE]).collect();
    assert_eq!(titles, [&text("one"), &text("two")]);
    // What was edited to the server's value, or not written at all, is the server's.
    for values in [Patch::from([(TITLE, text("theirs"))]), Patch::new()] {
        let chosen = choose(Cause::Changed, &chain, Some(&theirs), &differences, &Choice::Edited(values));
        assert!(chosen.amended.iter().all(|operation| !operation.set.contains_key(TITLE)));
    }
}

#[test]
fn q3_both_changed_theirs() {
    let (chain, theirs, differences) = changed();
    let chosen = choose(Cause::Changed, &chain, Some(&theirs), &differences, &Choice::Remote);
    let sets: Vec<Vec<&str>> =
        chosen.amended.iter().map(|operation| operation.set.keys().map(|field| field.name).collect()).collect();
    assert_eq!(sets, [["labels"], ["priority"]], "what merged stays");
    assert!(is_clean(&chosen.amended) && chosen.dropped.is_empty());
    let [kept] = &chosen.kept[..] else { panic!("{chosen:#?}") };
    assert_eq!((kept.reason, &kept.row, kept.operations.len()), ("resolved", &None, 2));
    assert!(is_clean(&kept.operations));
    assert_eq!(kept.operations[0].base, Patch::from([(TITLE, text("old"))]));
    let alone = [update("1", [(TITLE, text("old"), text("one"))])];
    let chosen = choose(Cause::Changed, &alone, Some(&theirs), &differences, &Choice::Remote);
    assert_eq!((dropped(&chosen), chosen.amended.len()), (vec!["1"], 0));
}

#[test]
fn q1_q2_deleted_there_makes_the_row_again() {
    let (chain, _, _) = changed();
    let known = row(4, [(DESCRIPTION, text("kept")), (CODING_AGENT, text("x"))]);
    let lost = all_lost(&chain);
    let chosen = choose(Cause::DeletedThere, &chain, Some(&known), &lost, &Choice::Local);
    assert_eq!(dropped(&chosen), ["1", "2"]);
    let create = chosen.create.as_ref().unwrap();
    assert_eq!((create.shape, create.replaces, create.op_id.as_str()), (Shape::Create, Some(7), ""));
    assert_eq!(create.server, chain[0].server);
    let expect = [(TITLE, "two"), (STATUS, "todo"), (DESCRIPTION, "kept")];
    assert!(expect.iter().all(|(field, value)| create.set[field] == text(value)));
    assert!(!create.set.contains_key(CODING_AGENT), "a create does not take it");
    assert!(create.set.values().all(|value| *value != Value::Null));
    assert!(chosen.remove_row && chosen.kept.is_empty());

    let edited = Choice::Edited(Patch::from([(TITLE, text("typed"))]));
    let chosen = choose(Cause::DeletedThere, &chain, Some(&known), &lost, &edited);
    assert_eq!(chosen.create.unwrap().set[TITLE], text("typed"));
    assert_eq!(chosen.kept[0].operations.len(), 2, "ours is kept too");
}

#[test]
fn q3_deleted_there_is_accepted() {
    let (chain, _, _) = changed();
    let known = row(4, [(DESCRIPTION, text("kept"))]);
    let chosen = choose(Cause::DeletedThere, &chain, Some(&known), &all_lost(&chain), &Choice::Remote);
    assert_eq!((dropped(&chosen), chosen.remove_row), (vec!["1", "2"], true));
    let [kept] = &chosen.kept[..] else { panic!("{chosen:#?}") };
    let [whole] = &kept.operations[..] else { panic!("{kept:#?}") };
    assert_eq!((kept.reason, &kept.row, whole.shape), ("resolved", &Some(known), Shape::Create));
    assert_eq!((&whole.set[DESCRIPTION], &whole.set[TITLE]), (&text("kept"), &text("two")));
    // Where the row is not known, what is known of it is.
    let chosen = choose(Cause::DeletedThere, &chain, None, &all_lost(&chain), &Choice::Remote);
    assert_eq!(chosen.kept[0].operations.len(), 2);
    assert!(is_clean(&chosen.kept[0].operations));
}

#[test]
fn q1_deleted_here_all_the_same() {
    let seen = row(1, []);
    let mut shown = seen.clone();
    shown.set(TITLE, text("mine"));
    let chain = [update("1", [(TITLE, text("old"), text("mine"))]), rejected(delete(&shown))];
    let theirs = row(3, [(TITLE, text("theirs")), (DESCRIPTION, text("new"))]);
    let Related::Clashes(differences) = relate(&chain, 1, &theirs, true) else { panic!("no clash") };
    let chosen = choose(Cause::DeletedHere, &chain, Some(&theirs), &differences, &Choice::Local);
    assert_eq!(dropped(&chosen), ["1"]);
    let [delete] = &chosen.amended[..] else { panic!("{chosen:#?}") };
    assert_eq!((&delete.base, delete.seen_version), (&theirs.changeable(), 3));
    assert!(is_clean(&chosen.amended));
    assert!(matches!(relate(&chosen.amended, 1, &theirs, true), Related::Ready { .. }), "it is not asked again");
    let [kept] = &chosen.kept[..] else { panic!("{chosen:#?}") };
    assert_eq!((kept.reason, kept.row.as_ref()), ("overruled", Some(&theirs)));
    let [back] = &kept.operations[..] else { panic!("{kept:#?}") };
    assert_eq!((back.shape, back.replaces, &back.set[TITLE]), (Shape::Create, Some(7), &text("theirs")));
    assert_eq!(back.server, chain[0].server);
}

#[test]
fn q3_deleted_here_and_the_row_is_kept() {
    let chain = [delete(&row(1, []))];
    let theirs = row(3, [(TITLE, text("theirs"))]);
    let Related::Clashes(differences) = relate(&chain, 1, &theirs, true) else { panic!("no clash") };
    for choice in [Choice::Remote, Choice::Edited(Patch::new())] {
        let chosen = choose(Cause::DeletedHere, &chain, Some(&theirs), &differences, &choice);
        assert_eq!((dropped(&chosen), chosen.remove_row), (vec!["del"], false));
        assert_eq!(chosen.kept[0].operations[0].shape, Shape::Delete);
    }
}

#[test]
fn q4_skip_or_a_row_that_is_not_known_waits() {
    let (chain, theirs, differences) = changed();
    let waits = Chosen { wait: true, ..Chosen::default() };
    for cause in [Cause::Changed, Cause::DeletedThere, Cause::DeletedHere] {
        assert_eq!(choose(cause, &chain, Some(&theirs), &differences, &Choice::Skip), waits);
        assert_eq!(choose(cause, &chain, None, &differences, &Choice::Local), waits);
    }
    let homeless = row(4, [(PROJECT, Value::Int(0))]);
    let mut unplaced = homeless.clone();
    unplaced.set(PROJECT, Value::Null);
    for known in [homeless, unplaced] {
        assert_eq!(choose(Cause::DeletedThere, &chain, Some(&known), &differences, &Choice::Local), waits);
    }
}

#[test]
fn q5_stop_changes_nothing() {
    let (chain, theirs, differences) = changed();
    for cause in [Cause::Changed, Cause::DeletedThere, Cause::DeletedHere] {
        assert_eq!(choose(cause, &chain, Some(&theirs), &differences, &Choice::Stop), Chosen::default());
    }
}
