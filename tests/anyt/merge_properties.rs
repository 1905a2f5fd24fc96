//! Issue 4 "Prove": whatever base, local and remote are, merging is the same whichever side syncs first, never invents a
//! value, and with no overlapping change equals applying both. Random cases from a fixed seed, so that a failure comes
//! again; its values are in the message.

use anyt::model::{Field, Kind, Operation, Patch, Task, Value};
use anyt::sync::merge::{self, Merged, Side, field};
use std::collections::BTreeSet;

/// xorshift64*: enough chance for test cases, and the same on every machine.
struct Chance(u64);

impl Chance {
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

const WORDS: [&str; 8] = ["a", "b", "c", "ünï", "漢字", "🦀 crab", "", "## Events"];

fn lines(chance: &mut Chance) -> Vec<String> {
    (0..chance.below(7)).map(|_| chance.pick(&WORDS).to_string()).collect()
}

/// A value such as this field may have, from so few that sides often agree.
fn value(chance: &mut Chance, of: Field) -> Value {
    match of {
        Field::Labels => {
            Value::Set(WORDS[..6].iter().filter(|_| chance.below(2) == 0).map(|w| w.to_string()).collect())
        }
        Field::Priority | Field::Project => Value::Int(chance.below(3) as i64),
        _ if chance.below(4) == 0 && of != Field::Title && of != Field::Status => Value::Null,
        Field::Estimate => Value::Number(chance.below(3) as f64 / 2.0),
        Field::Parent => Value::Int(chance.below(3) as i64 + 1),
        _ if of.is_prose() => Value::Text(lines(chance).join("\n")),
        _ => Value::Text(chance.pick(&WORDS[..4]).to_string()),
    }
}

/// A text near another one: some lines changed, added or gone.
fn near(chance: &mut Chance, text: &Value) -> Value {
    let Value::Text(text) = text else { return Value::Text(lines(chance).join("\n")) };
    let mut changed = Vec::new();
    for line in text.split('\n') {
        match chance.below(6) {
            0 => {}
            1 => changed.push(chance.pick(&WORDS).to_string()),
            2 => changed.extend([line.to_string(), chance.pick(&WORDS).to_string()]),
            _ => changed.push(line.to_string()),
        }
    }
    Value::Text(changed.join("\n"))
}

fn triple(chance: &mut Chance, of: Field) -> (Value, Value, Value) {
    let base = value(chance, of);
    if of.is_prose() && chance.below(3) > 0 {
        return (base.clone(), near(chance, &base), near(chance, &base));
    }
    (base, value(chance, of), value(chance, of))
}

/// What the field has afterwards; `None` when somebody must be asked.
fn result(of: Field, base: &Value, local: &Value, remote: &Value) -> Option<Value> {
    match field(of, base, local, remote) {
        Merged::Ours => Some(local.clone()),
        Merged::Theirs => Some(remote.clone()),
        Merged::Both(value) => Some(value),
        Merged::Conflict => None,
    }
}

fn members(of: Field, value: &Value) -> BTreeSet<String> {
    match value {
        Value::Set(labels) => labels.iter().cloned().collect(),
        Value::Text(text) if of.is_prose() => text.lines().map(String::from).collect(),
        _ => BTreeSet::new(),
    }
}

fn cases(mut check: impl FnMut(Field, &Value, &Value, &Value)) {
    let mut chance = Chance(0x5EED_0004);
    for of in Field::ALL {
        for _ in 0..if of.is_prose() { 6000 } else { 1000 } {
            let (base, local, remote) = triple(&mut chance, of);
            check(of, &base, &local, &remote);
        }
    }
}

#[test]
fn whichever_side_syncs_first() {
    cases(|of, base, local, remote| {
        let (one, other) = (result(of, base, local, remote), result(of, base, remote, local));
        assert_eq!(one, other, "{of:?}: {base:?} / {local:?} / {remote:?}");
    });
}

#[test]
fn nothing_is_invented_and_nothing_added_is_lost() {
    let mut merged_texts = 0;
    cases(|of, base, local, remote| {
        let Some(merged) = result(of, base, local, remote) else { return };
        let case = format!("{of:?}: {base:?} / {local:?} / {remote:?} → {merged:?}");
        if merged == *local || merged == *remote {
            return;
        }
        assert!(of == Field::Labels || of.is_prose(), "{case}");
        merged_texts += usize::from(of.is_prose());
        let [base, local, remote, merged] = [base, local, remote, &merged].map(|value| members(of, value));
        assert!(merged.iter().all(|item| local.contains(item) || remote.contains(item)), "{case}");
        for side in [&local, &remote] {
            assert!(side.difference(&base).all(|item| merged.contains(item)), "{case}");
        }
    });
    assert!(merged_texts > 300, "{merged_texts} texts were merged line by line: too few to say anything");
}

/// Who changed nothing gets the other's value; who changed the same is not asked.
#[test]
fn one_sided_changes_and_agreement_are_no_conflict() {
    cases(|of, base, local, remote| {
        for (mine, theirs, wanted) in [(base, remote, remote), (local, base, local), (local, local, local)] {
            assert_eq!(
                result(of, base, mine, theirs).as_ref(),
                Some(wanted),
                "{of:?}: {base:?} / {mine:?} / {theirs:?}"
            );
        }
    });
}

/// Two people edit a long text at places with an untouched line between them: the merge has both edits and no other.
#[test]
fn edits_that_do_not_touch_are_both_applied() {
    let mut chance = Chance(0x5EED_0005);
    for round in 0..500 {
        let count = if round % 50 == 0 { 400 } else { 12 + chance.below(20) };
        let base: Vec<String> = (0..count).map(|n| format!("{n}: {} ünï 漢字", chance.pick(&WORDS))).collect();
        // One kind of edit per line; every second line stays as it is.
        let edits: Vec<usize> = (0..count).map(|n| if n % 2 == 0 { chance.below(8) } else { 0 }).collect();
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
        let merged = result(Field::Description, &Value::Text(base.join("\n")), &local, &remote);
        assert_eq!(merged, Some(apply([true, true])), "round {round}: {edits:?}");
    }
}

fn task(chance: &mut Chance, version: i64) -> Task {
    let mut task = Task { id: 7, workspace_id: 1, identifier: "DEV-7".into(), version, ..Task::default() };
    for of in Field::ALL {
        let value = value(chance, of);
        task.set(of, &value);
    }
    task
}

fn update(task: &Task, set: Patch) -> Operation {
    Operation {
        op_id: "op".into(),
        kind: Kind::UpdateTask,
        workspace_id: 1,
        task_id: 7,
        identifier: "DEV-7".into(),
        depends_on: None,
        base_version: task.version,
        base: set.keys().map(|field| (*field, task.get(*field))).collect(),
        set,
        created_at: String::new(),
        uncertain: None,
        error: None,
    }
}

/// Whole chains of edits on whole tasks: each field ends as the merge of that field alone says, a chain that was moved
/// once does not move again, and settling leaves nothing to ask.
#[test]
fn chains_end_as_their_fields_do() {
    let mut chance = Chance(0x5EED_0006);
    for _ in 0..2000 {
        let base = task(&mut chance, 1);
        let (mut shown, mut chain) = (base.clone(), Vec::new());
        for _ in 0..1 + chance.below(3) {
            let mut set = Patch::new();
            for of in Field::ALL {
                let new = value(&mut chance, of);
                if chance.below(4) == 0 && shown.get(of) != new {
                    set.insert(of, new);
                }
            }
            chain.push(update(&shown, set.clone()));
            shown.apply(&set);
        }
        let mut remote = base.clone();
        remote.version = 2;
        for of in Field::ALL {
            if chance.below(4) == 0 {
                let new = value(&mut chance, of);
                remote.set(of, &new);
            }
        }
        let rebased = merge::rebase(&chain, &remote, true);
        let after = |chain: &[Operation]| {
            let mut task = remote.clone();
            chain.iter().for_each(|operation| task.apply(&operation.set));
            task
        };
        let mut settled = rebased.chain.clone();
        let mine: Patch = rebased.differences.iter().map(|d| (d.field, d.local.clone())).collect();
        merge::settle(&mut settled, &rebased.differences, &mine);
        for (of, from, to) in merge::changes(&chain) {
            let wanted = result(of, &from, &to, &remote.get(of)).unwrap_or(to);
            assert_eq!(after(&settled).get(of), wanted, "{of:?}\n{chain:#?}\n{remote:#?}");
        }
        let untouched = |of: &Field| !chain.iter().any(|operation| operation.set.contains_key(of));
        for of in Field::ALL.into_iter().filter(untouched) {
            assert_eq!(after(&settled).get(of), remote.get(of), "{of:?} is theirs");
        }
        let again = merge::rebase(&settled, &remote, true);
        assert_eq!(again.differences, [], "a settled question is not asked twice");
        assert_eq!(after(&again.chain), after(&settled));
        let mut let_go = rebased.chain.clone();
        merge::settle(&mut let_go, &rebased.differences, &Patch::new());
        for difference in &rebased.differences {
            assert_eq!(after(&let_go).get(difference.field), difference.remote, "{:?}", difference.field);
        }
        assert!(rebased.merged.iter().all(|(of, side)| *side != Side::Both || *of == Field::Labels || of.is_prose()));
    }
}
