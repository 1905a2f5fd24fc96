//! What chains and rows come to, case by case, and properties over random ones (deterministic dice).

use super::field::{Merged, merge as merge_field};
use super::*;
use crate::model::kind::Merge;
use crate::model::task::*;
use crate::model::{Condition, Send, SendReply, Target, folded};
use crate::sync::choose::{Choice, choose};
use crate::sync::report::Cause;
use crate::time::Timestamp;
use std::collections::BTreeSet;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn set(words: &[&str]) -> Value {
    Value::Set(words.iter().map(ToString::to_string).collect())
}

fn operation(op_id: &str, shape: Shape) -> Operation {
    Operation {
        op_id: op_id.into(),
        workspace_id: 1,
        target: Target::Server(7),
        name: "DEV-7".into(),
        seen_version: 1,
        ..Operation::new(&TASK, shape)
    }
}

/// An update of fields with their values before and after.
fn update<const N: usize>(changes: [(Field, Value, Value); N]) -> Operation {
    let mut update = operation("op", Shape::Update);
    for (field, base, value) in changes {
        update.base.insert(field, base);
        update.set.insert(field, value);
    }
    update
}

fn delete(row: &Row) -> Operation {
    Operation { base: row.changeable(), ..operation("del", Shape::Delete) }
}

fn sent(operation: Operation, version: i64) -> Operation {
    let sent = operation.set.clone();
    let send = Send { at: Timestamp(5), sent, version, highest_number: 0, reply: None };
    Operation { state: State::Sent, sends: vec![send], ..operation }
}

fn row<const N: usize>(version: i64, values: [(Field, Value); N]) -> Row {
    let mut row = Row::new(&TASK);
    (row.id, row.workspace_id, row.name, row.version) = (7, 1, "DEV-7".into(), version);
    row.apply(&Patch::from([(TITLE, text("old")), (STATUS, text("todo")), (PROJECT, Value::Int(3))]));
    row.apply(&Patch::from(values));
    row
}

fn retitle(from: &str, to: &str) -> Operation {
    update([(TITLE, text(from), text(to))])
}

fn ready(chain: &[Operation], group: usize, row: &Row) -> Patch {
    match relate(chain, group, row, true) {
        Related::Ready { set, .. } => set,
        other => panic!("{other:?}"),
    }
}

fn fields(related: &Related) -> Vec<&str> {
    match related {
        Related::Clashes(differences) => differences.iter().map(|difference| difference.field.name).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn u1_what_the_other_side_left_alone_is_sent() {
    let theirs = row(2, [(STATUS, text("done")), (LABELS, set(&["x"]))]);
    assert_eq!(ready(&[retitle("old", "new")], 1, &theirs), Patch::from([(TITLE, text("new"))]));
    let chain = [update([(TITLE, text("old"), text("new")), (LABELS, set(&["a"]), set(&["a", "b"]))])];
    let related = relate(&chain, 1, &row(2, [(TITLE, text("new")), (LABELS, set(&["a", "c"]))]), true);
    let merged = vec![(TITLE, Side::Theirs), (LABELS, Side::Both)];
    assert_eq!(related, Related::Ready { set: Patch::from([(LABELS, set(&["a", "b", "c"]))]), merged });
}

#[test]
fn u2_holds_what_was_sent_or_is_wanted() {
    assert_eq!(relate(&[retitle("old", "new")], 1, &row(2, [(TITLE, text("new"))]), true), Related::Holds);
    // What was sent was a merge: the row has that, not the operation's own value.
    let mut merged = sent(update([(LABELS, set(&["a"]), set(&["a", "b"]))]), 2);
    merged.sends[0].sent = Patch::from([(LABELS, set(&["a", "b", "c"]))]);
    let holds = row(3, [(LABELS, set(&["c", "b", "a"]))]);
    assert_eq!(relate(std::slice::from_ref(&merged), 1, &holds, true), Related::Holds);
    // Everything that is left of it is on the server.
    let union = row(3, [(LABELS, set(&["a", "b", "x"]))]);
    assert_eq!(relate(&[update([(LABELS, set(&["a"]), set(&["a", "b"]))])], 1, &union, true), Related::Holds);
    // There and back: nothing is to be said, also when the group has two.
    let back = [retitle("old", "new"), retitle("new", "old")];
    assert_eq!(relate(&back, 2, &row(1, []), true), Related::Holds);
    assert_eq!(relate(&back, 2, &row(2, [(TITLE, text("theirs"))]), true), Related::Holds);
    assert_eq!(relate(&[], 1, &row(2, []), true), Related::Holds);
}

/// What arrived is not a change of the other side against the operations behind it.
#[test]
fn u2_the_rest_of_a_chain_stands_on_what_arrived() {
    let chain = [sent(retitle("old", "one"), 1), retitle("one", "two")];
    let arrived = row(2, [(TITLE, text("one"))]);
    assert_eq!(relate(&chain, 1, &arrived, true), Related::Holds);
    assert_eq!(ready(&chain, 2, &arrived), Patch::from([(TITLE, text("two"))]));
    assert_eq!(fields(&relate(&chain, 2, &row(2, [(TITLE, text("theirs"))]), true)), ["title"]);
}

#[test]
fn u4_both_changed_the_same_field() {
    let theirs = row(2, [(TITLE, text("theirs"))]);
    let related = relate(&[retitle("old", "new")], 1, &theirs, true);
    let (base, local, remote) = (text("old"), text("new"), text("theirs"));
    assert_eq!(related, Related::Clashes(vec![Difference { field: TITLE, base, local, remote }]));
    // The whole chain is looked at before its first operation is sent.
    let chain = [update([(STATUS, text("todo"), text("done"))]), retitle("old", "new")];
    assert_eq!(fields(&relate(&chain, 1, &theirs, true)), ["title"]);
}

#[test]
fn u4_a_request_without_an_answer_may_have_been_taken_back() {
    let lost = sent(retitle("old", "new"), 3);
    let unchanged = row(3, []);
    assert_eq!(ready(std::slice::from_ref(&lost), 1, &unchanged), Patch::from([(TITLE, text("new"))]));
    let moved = row(5, []);
    assert_eq!(fields(&relate(std::slice::from_ref(&lost), 1, &moved, true)), ["title"]);
    // Not where the version was not known, nor where the request certainly did nothing.
    let unknown = sent(retitle("old", "new"), 0);
    assert_eq!(ready(&[unknown], 1, &moved), Patch::from([(TITLE, text("new"))]));
    let mut turned_away = lost.clone();
    turned_away.sends[0].reply = Some(SendReply::NotDone);
    assert_eq!(ready(&[turned_away], 1, &moved), Patch::from([(TITLE, text("new"))]));
    // Decided once, it is not asked again.
    let related = relate(std::slice::from_ref(&lost), 1, &moved, true);
    let Related::Clashes(differences) = related else { panic!("{related:?}") };
    let chosen = choose(Cause::Changed, &[lost], Some(&moved), &differences, &Choice::Local);
    assert_eq!(ready(&chosen.amended, 1, &moved), Patch::from([(TITLE, text("new"))]));
}

#[test]
fn d3_d4_what_changed_since_it_was_deleted_here() {
    let seen = row(1, [(LABELS, set(&["a"]))]);
    let chain = [delete(&seen)];
    assert_eq!(ready(&chain, 1, &seen), Patch::new());
    // Fields of the server alone are no reason to ask.
    assert_eq!(ready(&chain, 1, &row(2, [(LABELS, set(&["a"])), (COMPLETED, Value::Text("t".into()))])), Patch::new());
    let related = relate(&chain, 1, &row(2, [(LABELS, set(&["a"])), (TITLE, text("theirs"))]), true);
    let (base, local, remote) = (text("old"), text("old"), text("theirs"));
    assert_eq!(related, Related::Clashes(vec![Difference { field: TITLE, base, local, remote }]));
    // An own change before the delete is no change of theirs.
    let mut shown = seen.clone();
    shown.set(TITLE, text("mine"));
    let chain = [retitle("old", "mine"), delete(&shown)];
    assert_eq!(ready(&chain, 1, &seen), Patch::from([(TITLE, text("mine"))]));
    assert_eq!(relate(&chain, 1, &row(2, [(LABELS, set(&["a"])), (TITLE, text("mine"))]), true), Related::Holds);
    assert_eq!(fields(&relate(&chain, 1, &row(2, [(LABELS, set(&["a"])), (TITLE, text("x"))]), true)), ["title"]);
}

#[test]
fn no_merge_asks_at_every_version_difference() {
    let chain = [update([(TITLE, text("old"), text("new")), (LABELS, set(&["a"]), set(&["a", "b"]))])];
    let labelled = |version| row(version, [(LABELS, set(&["a"]))]);
    assert!(matches!(relate(&chain, 1, &labelled(1), false), Related::Ready { .. }));
    assert_eq!(fields(&relate(&chain, 1, &labelled(2), false)), ["title", "labels"]);
    let both = row(2, [(TITLE, text("new")), (LABELS, set(&["a", "c"]))]);
    assert_eq!(fields(&relate(&chain, 1, &both, false)), ["labels"], "what both say alike is none");
    let related = relate(&chain, 1, &labelled(2), false);
    let Related::Clashes(differences) = related else { panic!("{related:?}") };
    let chosen = choose(Cause::Changed, &chain, Some(&labelled(2)), &differences, &Choice::Local);
    assert!(matches!(relate(&chosen.amended, 1, &labelled(2), false), Related::Ready { .. }));
}

#[test]
fn a_group_sends_its_last_values_and_the_rest_waits() {
    let chain = [
        update([(DESCRIPTION, text("a\n"), text("a\nb\n"))]),
        update([(DESCRIPTION, text("a\nb\n"), text("a\nb\nc\n"))]),
        update([(DESCRIPTION, text("a\nb\nc\n"), text("a\nb\nc\nd\n")), (TITLE, text("old"), text("new"))]),
    ];
    assert_eq!(group(&chain), 2);
    let theirs = row(2, [(DESCRIPTION, text("0\na\n"))]);
    assert_eq!(ready(&chain, 2, &theirs), Patch::from([(DESCRIPTION, text("0\na\nb\nc\n"))]));
    let answered = row(3, [(DESCRIPTION, text("0\na\nb\nc\n"))]);
    let rest = Patch::from([(DESCRIPTION, text("0\na\nb\nc\nd\n")), (TITLE, text("new"))]);
    assert_eq!(ready(&chain[2..], 1, &answered), rest);
}

#[test]
fn groups_are_of_like_updates_only() {
    let note = |from, to| update([(DESCRIPTION, text(from), text(to))]);
    let status = |from, to| update([(STATUS, text(from), text(to))]);
    let conditioned = Operation { condition: Some(Condition::default()), ..note("b", "c") };
    let parent = |value| update([(PARENT, Value::Null, value)]);
    let rejected = Operation { state: State::Rejected(String::new()), ..note("b", "c") };
    let later = |operation: Operation| {
        let mut operation = sent(operation, 2);
        operation.sends[0].at = Timestamp(9);
        operation
    };
    let cases: Vec<(Vec<Operation>, usize)> = vec![
        (vec![], 1),
        (vec![note("a", "b"), note("b", "c"), note("c", "d")], 3),
        (vec![note("a", "b"), retitle("a", "b"), note("b", "c")], 1),
        (vec![status("a", "b"), status("b", "c")], 1),
        (vec![note("a", "b"), conditioned.clone()], 1),
        (vec![conditioned, note("c", "d")], 1),
        (vec![note("a", "b"), rejected], 1),
        (vec![note("a", "b"), delete(&row(1, []))], 1),
        (vec![delete(&row(1, []))], 1),
        (vec![parent(Value::Int(1)), parent(Value::MadeBy("p".into()))], 1),
        (vec![sent(note("a", "b"), 1), sent(note("b", "c"), 1)], 2),
        (vec![sent(note("a", "b"), 1), later(note("b", "c"))], 1),
        (vec![sent(note("a", "b"), 1), note("b", "c")], 1),
    ];
    for (chain, size) in cases {
        assert_eq!(group(&chain), size, "{chain:#?}");
    }
}

/// A field that its group does not send is to the operations behind it as if the group had not changed it.
#[test]
fn bases_are_carried_down_where_nothing_was_sent() {
    let named = |op_id: &str, operation: Operation| Operation { op_id: op_id.into(), ..operation };
    let done = update([(STATUS, text("todo"), text("done"))]);
    let back = update([(STATUS, text("done"), text("todo"))]);
    let chain = [named("1", done), named("2", back)];
    let theirs = row(2, [(STATUS, text("done"))]);
    assert_eq!(relate(&chain, 1, &theirs, true), Related::Holds);
    let carried = carried_down(&chain, 1, &Patch::new());
    assert_eq!(carried, [("2".to_string(), Patch::from([(STATUS, text("todo"))]))]);
    let rest = Operation { base: carried[0].1.clone(), ..chain[1].clone() };
    assert_eq!(relate(&[rest], 1, &theirs, true), Related::Holds, "they stand: ours came to nothing");
    // What was sent is the base already.
    let on = [named("1", retitle("old", "one")), named("2", retitle("one", "two"))];
    assert_eq!(carried_down(&on, 1, &on[0].set), []);
}

/// A step that would be in dispute alone is not sent where the chain as a whole is not.
#[test]
fn a_step_does_not_overrule_what_the_chain_agrees_to() {
    let [base, mine, both] = ["a\nb\nc", "MINE\nb\nc", "THEIRS\nb\nC"].map(text);
    let first = Operation { op_id: "1".into(), ..update([(DESCRIPTION, base.clone(), mine.clone())]) };
    let second = update([(DESCRIPTION, mine, both.clone()), (TITLE, text("old"), text("new"))]);
    let second = Operation { op_id: "2".into(), ..second };
    let chain = [first, second];
    let theirs = row(2, [(DESCRIPTION, text("THEIRS\nb\nc"))]);
    assert_eq!(relate(&chain, 1, &theirs, true), Related::Holds, "nothing is sent for the first");
    let carried = carried_down(&chain, 1, &Patch::new());
    assert_eq!(carried, [("2".to_string(), Patch::from([(DESCRIPTION, base)]))]);
    let mut rest = chain[1].clone();
    rest.base.extend(carried[0].1.clone());
    assert_eq!(ready(&[rest], 1, &theirs), Patch::from([(DESCRIPTION, both), (TITLE, text("new"))]));
}

#[test]
fn r1_fields_that_were_not_taken() {
    let sent = Patch::from([(TITLE, text("caf\u{e9}")), (DESCRIPTION, text("a\nb")), (PLAN, text("long text"))]);
    let has = row(2, [(TITLE, text("cafe\u{301}")), (DESCRIPTION, text("a\r\nb\r\n")), (PLAN, text("long"))]);
    assert_eq!(not_taken(&sent, &has), [(PLAN, text("long text"), text("long"))]);
}

#[test]
fn beside_and_all_lost_name_the_rest() {
    let known = row(1, []);
    let now = row(2, [(TITLE, text("theirs")), (STATUS, text("done"))]);
    let lost = all_lost(&[retitle("old", "new")]);
    let (base, local) = (text("old"), text("new"));
    assert_eq!(lost, [Difference { field: TITLE, base, local, remote: Value::Null }]);
    let names = |differences: Vec<Difference>| differences.iter().map(|d| d.field.name).collect::<Vec<_>>();
    assert_eq!(names(beside(&known, &now, &lost)), ["status"]);
    assert_eq!(names(beside(&known, &now, &[])), ["title", "status"]);
}

// ---- one field ----

/// Fault `crlf`: a web form's line ends change no line, and ours are sent as they were typed.
#[test]
fn line_ends_and_normal_forms_change_no_line() {
    let merge =
        |base: &str, local: &str, remote: &str| merge_field(DESCRIPTION, &text(base), &text(local), &text(remote));
    let both = |text: &str| Merged::Both(Value::Text(text.into()));
    assert_eq!(merge("a\nb\nc\n", "a\nB\nc\n", "a\r\nb\r\nc\r\n"), Merged::Ours);
    assert_eq!(merge("a\nb\nc\n", "a\r\nb\r\nc", "a\nb\nC\n"), Merged::Theirs);
    assert_eq!(merge("a\nb\nc\n", "A\nb\nc\n", "a\r\nb\r\nC\r\n"), both("A\nb\nC\n"));
    assert_eq!(merge("a\nb\nc\n", "A\r\nb\r\nc\r\n", "a\nb\nC\n"), both("A\r\nb\r\nC\r\n"));
    assert_eq!(merge("a\r\nb\r\nc", "A\nb  \nc", "a\r\nb\r\nC"), both("A\nb  \nC"), "blanks that were typed stay");
    assert_eq!(merge("e\u{301}\nb\nc\nd", "\u{e9}\nB\nc\nd", "e\u{301}\nb\nc\nD"), both("\u{e9}\nB\nc\nD"));
    assert_eq!(merge("  a\nb\nc", "  a\nB\nc", "a\nb\nc\nd"), Merged::Conflict);
    assert_eq!(merge("a\nb", "a\nB", "a\nX"), Merged::Conflict);
    assert_eq!(merge("", "mine", "theirs"), Merged::Conflict);
}

#[test]
fn notes_of_both_sides_are_kept_through_other_line_ends() {
    let base = "About.\n\n## Events\n\n### 2025-10-16 10:00 - Note\n- first\n";
    let local = format!("{base}\n### 2025-10-16 10:05 - Note\n- mine\n");
    let remote = format!("{base}\n### 2025-10-16 10:03 - Note\n- theirs\n").replace('\n', "\r\n");
    let merged = merge_field(DESCRIPTION, &text(base), &text(&local), &text(&remote));
    let wanted = format!("{base}\n### 2025-10-16 10:03 - Note\n- theirs\n\n### 2025-10-16 10:05 - Note\n- mine\n");
    assert_eq!(merged, Merged::Both(Value::Text(wanted)));
}

#[test]
fn labels_in_another_normal_form_are_the_same_labels() {
    let merged = merge_field(LABELS, &set(&["\u{e9}", "a"]), &set(&["e\u{301}", "b"]), &set(&["\u{e9}", "a", "c"]));
    assert_eq!(merged, Merged::Both(set(&["\u{e9}", "c", "b"])));
}

#[test]
fn a_step_goes_through_the_one_before_it() {
    let merge = |base: &str, local: &str, remote: &str| merge_field(STATUS, &text(base), &text(local), &text(remote));
    assert_eq!(merge("backlog", "done", "active"), Merged::Ours);
    assert_eq!(merge("todo", "done", "active"), Merged::Ours);
    for (base, local, remote) in [
        ("active", "done", "todo"),
        ("backlog", "active", "done"),
        ("backlog", "done", "todo"),
        ("active", "todo", "done"),
        ("todo", "blocked", "done"),
        ("todo", "done", "canceled"),
    ] {
        assert_eq!(merge(base, local, remote), Merged::Conflict, "{base}: {local} / {remote}");
    }
    let chain = [update([(STATUS, text("backlog"), text("done"))])];
    let theirs = row(2, [(STATUS, text("active"))]);
    assert!(matches!(relate(&chain, 1, &theirs, true), Related::Ready { .. }));
    assert!(matches!(relate(&chain, 1, &theirs, false), Related::Clashes(_)), "asked for, it is asked about");
}

/// Every combination of (base, local, remote) over three values and none, per kind of field.
#[test]
fn every_combination_of_a_plain_field() {
    let texts = [Value::Null, text("a"), text("b"), text("c")];
    let whole = [Value::Null, Value::Int(-2), Value::Int(0), Value::Int(2)];
    let broken = [Value::Null, Value::Number(0.0), Value::Number(0.5), Value::Number(8.0)];
    for field in TASK.fields.iter().filter(|field| field.merge == Merge::Whole) {
        let values = match field.ty {
            crate::model::kind::Type::Text | crate::model::kind::Type::Time => &texts,
            crate::model::kind::Type::Number => &broken,
            _ => &whole,
        };
        for base in values {
            for local in values {
                for remote in values {
                    let expected = match () {
                        () if remote == base => Merged::Ours,
                        () if local == remote || local == base => Merged::Theirs,
                        () => Merged::Conflict,
                    };
                    assert_eq!(merge_field(field, base, local, remote), expected, "{field} {base} {local} {remote}");
                }
            }
        }
    }
}

// ---- properties ----

/// xorshift64*: enough chance for test cases, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const WORDS: [&str; 8] = ["a", "b", "c", "\u{fc}n\u{ef}", "漢字", "🦀 crab", "", "## Events"];

fn some_lines(dice: &mut Dice) -> Vec<String> {
    (0..dice.below(7)).map(|_| dice.pick(&WORDS).to_string()).collect()
}

/// A value such as this field may have, from so few that sides often agree.
fn some_value(dice: &mut Dice, of: Field) -> Value {
    use crate::model::kind::Type;
    match of.ty {
        Type::Words => Value::Set(WORDS[..6].iter().filter(|_| dice.below(2) == 0).map(|w| w.to_string()).collect()),
        Type::Int => Value::Int(dice.below(3) as i64),
        _ if dice.below(4) == 0 && ![TITLE, STATUS, PROJECT].contains(&of) => Value::Null,
        Type::Number => Value::Number(dice.below(3) as f64 / 2.0),
        Type::Reference(_) => Value::Int(dice.below(3) as i64 + 1),
        _ if of.is_prose() => Value::Text(some_lines(dice).join("\n")),
        _ => Value::Text(dice.pick(&WORDS[..4]).to_string()),
    }
}

/// A text near another one: some lines changed, added or gone.
fn near(dice: &mut Dice, text: &Value) -> Value {
    let Value::Text(text) = text else { return Value::Text(some_lines(dice).join("\n")) };
    let mut changed = Vec::new();
    for line in text.split('\n') {
        match dice.below(6) {
            0 => {}
            1 => changed.push(dice.pick(&WORDS).to_string()),
            2 => changed.extend([line.to_string(), dice.pick(&WORDS).to_string()]),
            _ => changed.push(line.to_string()),
        }
    }
    Value::Text(changed.join("\n"))
}

/// As another program may write the same: other line ends, other normal form, blanks at line ends.
fn rewritten(dice: &mut Dice, value: &Value) -> Value {
    use unicode_normalization::UnicodeNormalization;
    let Value::Text(text) = value else { return value.clone() };
    let text = if dice.below(2) == 0 { text.nfd().collect() } else { text.clone() };
    Value::Text(match dice.below(4) {
        0 => text,
        1 => text.replace('\n', "\r\n"),
        2 => text.replace('\n', "  \n"),
        _ => format!("{text}\n"),
    })
}

fn triple(dice: &mut Dice, of: Field) -> (Value, Value, Value) {
    let base = some_value(dice, of);
    if of.is_prose() && dice.below(3) > 0 {
        return (base.clone(), near(dice, &base), near(dice, &base));
    }
    (base, some_value(dice, of), some_value(dice, of))
}

/// What the field has afterwards; `None` when somebody must be asked.
fn result(of: Field, base: &Value, local: &Value, remote: &Value) -> Option<Value> {
    match merge_field(of, base, local, remote) {
        Merged::Ours => Some(local.clone()),
        Merged::Theirs => Some(remote.clone()),
        Merged::Both(value) => Some(value),
        Merged::Conflict => None,
    }
}

/// Words of a set, or lines of a long text, as they are compared.
fn members(of: Field, value: &Value) -> BTreeSet<String> {
    match value {
        Value::Set(labels) => labels.iter().map(|label| folded(label)).collect(),
        Value::Text(text) if of.is_prose() => text.lines().map(folded).filter(|line| !line.is_empty()).collect(),
        _ => BTreeSet::new(),
    }
}

fn same(one: &Option<Value>, other: &Option<Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.same(other),
        _ => one.is_none() && other.is_none(),
    }
}

fn cases(mut check: impl FnMut(&mut Dice, Field, &Value, &Value, &Value)) {
    let mut dice = Dice(0x5EED_0004);
    for of in TASK.changeable() {
        for _ in 0..if of.is_prose() { 2000 } else { 300 } {
            let (base, local, remote) = triple(&mut dice, of);
            check(&mut dice, of, &base, &local, &remote);
        }
    }
}

#[test]
fn whichever_side_syncs_first() {
    cases(|_, of, base, local, remote| {
        let (one, other) = (result(of, base, local, remote), result(of, base, remote, local));
        assert!(same(&one, &other), "{of}: {base:?} / {local:?} / {remote:?}: {one:?} {other:?}");
    });
}

#[test]
fn nothing_is_invented_and_nothing_added_is_lost() {
    let mut merged_texts = 0;
    cases(|_, of, base, local, remote| {
        let Some(merged) = result(of, base, local, remote) else { return };
        let case = format!("{of}: {base:?} / {local:?} / {remote:?} → {merged:?}");
        if merged.same(local) || merged.same(remote) {
            return;
        }
        assert!(of.merge != Merge::Whole, "{case}");
        merged_texts += usize::from(of.is_prose());
        let count = |value: &Value, item: &str| match value {
            Value::Text(text) => text.lines().filter(|line| folded(line) == item).count(),
            _ => 1,
        };
        let once = |item: &&String| [base, local, remote].iter().all(|value| count(value, item) == 1);
        let [base, local, remote, merged] = [base, local, remote, &merged].map(|value| members(of, value));
        assert!(merged.iter().all(|item| local.contains(item) || remote.contains(item)), "{case}");
        for side in [&local, &remote] {
            assert!(side.difference(&base).all(|item| merged.contains(item)), "{case}");
        }
        // What both sides kept stays: of a line that a text has twice, each side may have removed another one.
        let kept = base.iter().filter(|item| local.contains(*item) && remote.contains(*item));
        assert!(kept.filter(|item| once(item)).all(|item| merged.contains(item)), "{case}");
    });
    assert!(merged_texts > 100, "{merged_texts} texts were merged line by line: too few to say anything");
}

/// Who changed nothing gets the other's value; who changed the same is not asked.
#[test]
fn one_sided_changes_and_agreement_are_no_conflict() {
    cases(|_, of, base, local, remote| {
        for (mine, theirs, wanted) in [(base, remote, remote), (local, base, local), (local, local, local)] {
            let merged = result(of, base, mine, theirs);
            assert!(same(&merged, &Some(wanted.clone())), "{of}: {base:?} / {mine:?} / {theirs:?}");
        }
    });
}

/// However a server or an editor writes the same text: the outcome is the same, and no line becomes a change by it.
#[test]
fn other_spellings_of_a_text_change_no_outcome() {
    let mut merged_texts = 0;
    cases(|dice, of, base, local, remote| {
        let plain = result(of, base, local, remote);
        let [base, local, remote] = [base, local, remote].map(|value| rewritten(dice, value));
        let merged = result(of, &base, &local, &remote);
        assert!(same(&plain, &merged), "{of}: {base:?} / {local:?} / {remote:?}: {plain:?} {merged:?}");
        let (Some(Value::Text(merged)), Value::Text(local)) = (merged, &local) else { return };
        let kept = plain.is_some_and(|plain| !plain.same(&remote)) && of.is_prose();
        if kept {
            merged_texts += 1;
            // Lines that only we have are ours letter by letter.
            let ends = |line: &str| line.trim_end_matches(['\r', '\n']).to_string();
            let typed: BTreeSet<String> = local.split_inclusive('\n').map(ends).collect();
            let theirs = members(of, &remote);
            for line in merged.split_inclusive('\n').map(ends) {
                if line.trim().is_empty() || theirs.contains(&folded(&line)) {
                    continue;
                }
                assert!(typed.contains(&line), "{line:?} of {merged:?} is not in {local:?}");
            }
        }
    });
    assert!(merged_texts > 100, "{merged_texts}");
}

/// A merge of a merge with one of its sides brings nothing new.
#[test]
fn merging_again_changes_nothing() {
    cases(|_, of, base, local, remote| {
        let Some(merged) = result(of, base, local, remote) else { return };
        for side in [local, remote] {
            let again = result(of, side, side, &merged);
            assert!(same(&again, &Some(merged.clone())), "{of}: {base:?} / {local:?} / {remote:?}");
        }
        // Sent, and read back: ours stands on theirs, and there is nothing more to say.
        assert!(same(&result(of, remote, &merged, &merged), &Some(merged.clone())));
    });
}

/// Two people edit a long text at places with an untouched line between them: the merge has both edits and no other.
#[test]
fn edits_that_do_not_touch_are_both_applied() {
    let mut dice = Dice(0x5EED_0005);
    for round in 0..500 {
        let count = if round % 50 == 0 { 400 } else { 12 + dice.below(20) };
        let base: Vec<String> = (0..count).map(|n| format!("{n}: {} ünï 漢字", dice.pick(&WORDS))).collect();
        // One kind of edit per line; every second line stays as it is.
        let edits: Vec<usize> = (0..count).map(|n| if n % 2 == 0 { dice.below(8) } else { 0 }).collect();
        let apply = |sides: [bool; 2]| -> Value {
            let mut text = Vec::new();
            for (line, edit) in base.iter().zip(&edits) {
                match edit {
                    1 if sides[0] => text.push(format!("{line} mine")),
                    2 if sides[0] => text.extend([line.clone(), format!("after {line} mine")]),
                    3 if sides[0] => {}
                    4 if sides[1] => text.push(format!("{line} theirs")),
                    5 if sides[1] => text.extend([line.clone(), format!("after {line} theirs")]),
                    6 if sides[1] => {}
                    _ => text.push(line.clone()),
                }
            }
            Value::Text(text.join("\n"))
        };
        let (local, remote) = (apply([true, false]), apply([false, true]));
        let merged = result(DESCRIPTION, &Value::Text(base.join("\n")), &local, &remote);
        assert_eq!(merged, Some(apply([true, true])), "round {round}: {edits:?}");
    }
}

/// Notes that both sides append are all there, in the order of their times, each once.
#[test]
fn appended_notes_are_kept_by_chains() {
    let mut dice = Dice(0x5EED_0007);
    for round in 0..300 {
        let mut base = String::from("What it is about.\n");
        for n in 0..dice.below(3) {
            base = crate::notes::add(&base, &format!("2025-10-16 10:{n:02}"), "Note", &format!("old {n}"));
        }
        let (mut remote, mut chain, mut shown) = (base.clone(), Vec::new(), base.clone());
        let (mine, theirs) = (1 + dice.below(3), dice.below(3));
        for n in 0..theirs {
            remote =
                crate::notes::add(&remote, &format!("2025-10-16 10:{:02}", 20 + 3 * n), "Note", &format!("their {n}"));
        }
        for n in 0..mine {
            let next =
                crate::notes::add(&shown, &format!("2025-10-16 10:{:02}", 20 + 2 * n), "Note", &format!("my {n}"));
            chain.push(update([(DESCRIPTION, text(&shown), text(&next))]));
            shown = next;
        }
        let remote = if dice.below(2) == 0 { remote.replace('\n', "\r\n") } else { remote };
        let theirs_row = row(2, [(DESCRIPTION, text(&remote))]);
        assert_eq!(group(&chain), mine);
        let set = ready(&chain, mine, &theirs_row);
        let Some(Value::Text(merged)) = set.get(&DESCRIPTION) else { panic!("{set:?}") };
        let wanted = (0..mine).map(|n| format!("- my {n}")).chain((0..theirs).map(|n| format!("- their {n}")));
        for note in wanted {
            assert_eq!(merged.matches(&note).count(), 1, "round {round}: {note} in {merged}");
        }
    }
}

/// A chain of edits on a row, and the row as a colleague has changed it.
fn story(dice: &mut Dice) -> (Vec<Operation>, Row) {
    let mut seen = row(1, []);
    for of in TASK.changeable() {
        let value = some_value(dice, of);
        seen.set(of, value);
    }
    let (mut shown, mut chain) = (seen.clone(), Vec::new());
    for at in 0..1 + dice.below(3) {
        let mut operation = operation(&format!("op{at}"), Shape::Update);
        for of in TASK.changeable() {
            let new =
                if of.is_prose() && dice.below(2) == 0 { near(dice, shown.get(of)) } else { some_value(dice, of) };
            if dice.below(4) == 0 && !shown.get(of).same(&new) {
                operation.base.insert(of, shown.get(of).clone());
                operation.set.insert(of, new);
            }
        }
        shown.apply(&operation.set);
        if !operation.set.is_empty() {
            chain.push(operation);
        }
    }
    let mut remote = seen;
    remote.version = 2;
    for of in TASK.changeable() {
        if dice.below(4) == 0 {
            let new = if of.is_prose() { near(dice, remote.get(of)) } else { some_value(dice, of) };
            remote.set(of, new);
        }
    }
    (chain, remote)
}

/// Sends a chain to a server that takes everything, as the driver does: a group at a time, against the newest row.
fn sent_through(mut chain: Vec<Operation>, mut row: Row) -> Option<Row> {
    for _ in 0..20 {
        if chain.is_empty() {
            return Some(row);
        }
        let size = group(&chain);
        let set = match relate(&chain, size, &row, true) {
            Related::Ready { set, .. } => set,
            Related::Holds => Patch::new(),
            // Line merges of several steps are not the line merge of all of them: rarely a step has to ask.
            Related::Clashes(differences) => {
                assert!(differences.iter().all(|difference| difference.field.is_prose()), "{differences:#?}");
                return None;
            }
        };
        for (op_id, bases) in carried_down(&chain, size, &set) {
            let next = chain.iter_mut().find(|operation| operation.op_id == op_id).unwrap();
            next.base.extend(bases);
        }
        row.apply(&set);
        row.version += i64::from(!set.is_empty());
        chain.drain(..size);
    }
    panic!("it does not end");
}

/// Whole chains on whole rows: without a question each field ends as the merge of that field alone says; with one, each
/// choice ends as it says, and a settled question is not asked again.
#[test]
fn chains_end_as_their_fields_do() {
    let mut dice = Dice(0x5EED_0006);
    let (mut asked, mut merged, mut in_the_middle) = (0, 0, 0);
    for _ in 0..2000 {
        let (chain, remote) = story(&mut dice);
        if chain.is_empty() {
            continue;
        }
        let changed: Vec<_> = changes(&chain).into_iter().map(|c| (c.field, c.base, c.local)).collect();
        let differences = match relate(&chain, chain.len(), &remote, true) {
            Related::Clashes(differences) => differences,
            _ => Vec::new(),
        };
        let disputed = |of: Field| differences.iter().find(|difference| difference.field == of);
        for (of, base, local) in &changed {
            assert_eq!(disputed(of).is_some(), result(of, base, local, remote.get(of)).is_none(), "{of}");
        }
        let wanted = |of: Field, mine: bool| match changed.iter().find(|(field, ..)| *field == of) {
            None => remote.get(of).clone(),
            Some((_, base, local)) => match result(of, base, local, remote.get(of)) {
                Some(value) => value,
                None if mine => (*local).clone(),
                None => remote.get(of).clone(),
            },
        };
        let choices = if differences.is_empty() { vec![None] } else { vec![Some(Choice::Local), Some(Choice::Remote)] };
        for choice in choices {
            let mut settled = chain.clone();
            if let Some(choice) = &choice {
                asked += 1;
                let chosen = choose(Cause::Changed, &chain, Some(&remote), &differences, choice);
                settled.retain(|operation| chosen.dropped.iter().all(|(op_id, _)| *op_id != operation.op_id));
                for operation in &mut settled {
                    if let Some(amended) = chosen.amended.iter().find(|amended| amended.op_id == operation.op_id) {
                        *operation = amended.clone();
                    }
                }
                let again = relate(&settled, settled.len(), &remote, true);
                assert!(!matches!(again, Related::Clashes(_)), "asked again: {again:#?}");
            } else {
                merged += 1;
            }
            let Some(end) = sent_through(settled, remote.clone()) else {
                in_the_middle += 1;
                continue;
            };
            for of in TASK.changeable() {
                let wanted = wanted(of, choice != Some(Choice::Remote));
                let steps: Vec<_> = chain.iter().filter_map(|op| Some((op.base.get(of)?, op.set.get(of)?))).collect();
                let (ours, theirs) = (end.get(of), remote.get(of));
                let case = format!("{of}: {ours:?} is not {wanted:?}: {steps:?} / {theirs:?} {choice:?}");
                if of.merge == Merge::Whole || steps.len() < 2 {
                    assert!(ours.same(&wanted), "{case}");
                    continue;
                }
                // Step by step something may come or go that the chain as a whole leaves alone: what is missing was removed
                // by a step, what is there is somebody's.
                let [end, wanted, theirs] = [ours, &wanted, theirs].map(|value| members(of, value));
                let removed = |item: &String| {
                    steps.iter().any(|(base, set)| members(of, base).contains(item) && !members(of, set).contains(item))
                };
                assert!(wanted.difference(&end).all(removed), "{case}");
                let mine: BTreeSet<String> = steps.iter().flat_map(|(_, set)| members(of, set)).collect();
                assert!(end.iter().all(|item| mine.contains(item) || theirs.contains(item)), "{case}");
            }
        }
    }
    println!("{asked} choices, {merged} merges, {in_the_middle} questions in the middle");
    assert!(asked > 500 && merged > 100 && in_the_middle * 50 < asked, "{asked} {merged} {in_the_middle}");
}
