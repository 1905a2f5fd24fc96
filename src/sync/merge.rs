//! Three-way merge of one task's queued updates with the server's row. Pure: no I/O, no clock.
//!
//! The queued updates on a task form a chain: the first one that sets a field holds the field's base, the last one its
//! local value. `rebase` moves a chain onto a newer server row; what neither side can give up is a difference, for a
//! person or a policy to decide, and `settle` writes that decision into the chain.

use crate::lines::{self, Piece};
use crate::model::{Field, Kind, Operation, Patch, Task, Value};
use crate::notes;

/// A field that both sides changed, differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub field: Field,
    pub base: Value,
    pub local: Value,
    pub remote: Value,
}

/// Where the value of a merged field came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Yours,
    Theirs,
    /// Both changed it and both changes are in it.
    Both,
}

/// What became of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    /// Ours stands: the server did not change it, or what it has is what we saw.
    Ours,
    /// The server already has our value, or has changed what we left as it was.
    Theirs,
    /// Both changes fit into one value.
    Both(Value),
    Conflict,
}

/// Merges one field. Never invents a value: the result is one of the two sides, or for labels and prose a union of
/// their changes.
pub fn field(field: Field, base: &Value, local: &Value, remote: &Value) -> Merged {
    if remote == base {
        Merged::Ours
    } else if remote == local || local == base {
        Merged::Theirs
    } else {
        match (field, base, local, remote) {
            (Field::Labels, ..) => Merged::Both(labels(base, local, remote)),
            (_, base, Value::Text(local), Value::Text(remote)) if field.is_prose() => prose(base, local, remote),
            _ => Merged::Conflict,
        }
    }
}

/// Sets: what one side removed goes, what one side added comes. The remote's order first.
fn labels(base: &Value, local: &Value, remote: &Value) -> Value {
    let set = |value: &Value| match value {
        Value::Set(labels) => labels.clone(),
        _ => Vec::new(),
    };
    let (base, local, remote) = (set(base), set(local), set(remote));
    let mut merged: Vec<String> =
        remote.iter().filter(|label| local.contains(label) || !base.contains(label)).cloned().collect();
    let added: Vec<String> =
        local.into_iter().filter(|label| !base.contains(label) && !merged.contains(label)).collect();
    merged.extend(added);
    Value::Set(merged)
}

/// Notes that both sides added are both kept; everything else merges line by line (diff3). Overlapping changes are a
/// conflict.
fn prose(base: &Value, local: &str, remote: &str) -> Merged {
    let base = if let Value::Text(text) = base { text.as_str() } else { "" };
    let merged = notes::merge(base, local, remote, by_line).or_else(|| by_line(base, local, remote));
    merged.map_or(Merged::Conflict, |text| Merged::Both(Value::Text(text)))
}

fn by_line(base: &str, local: &str, remote: &str) -> Option<String> {
    if local == base || local == remote {
        return Some(remote.to_string());
    }
    if remote == base {
        return Some(local.to_string());
    }
    // Two texts written into an empty field have no common lines to order them by.
    if base.is_empty() {
        return None;
    }
    let pieces = lines::merge(&closed(base), &closed(local), &closed(remote));
    let merged = pieces.into_iter().map(|piece| match piece {
        Piece::Agreed(text) => Some(text),
        Piece::Dispute { .. } => None,
    });
    let merged = merged.collect::<Option<String>>()?;
    let open = !local.ends_with('\n') && !remote.ends_with('\n');
    Some(if open { merged.trim_end_matches('\n').to_string() } else { merged })
}

/// The text with its last line ended, so that appending after it does not count as changing that line. An empty text
/// has no line.
fn closed(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_string() } else { format!("{text}\n") }
}

/// A chain moved onto a server row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rebased {
    /// The chain's updates. One whose `set` is empty has nothing left to say.
    pub chain: Vec<Operation>,
    pub differences: Vec<Difference>,
    /// Per field that either side changed since the base: whose value it has now.
    pub merged: Vec<(Field, Side)>,
}

/// Moves a chain of updates onto `remote`. With `merge` false every field that both the chain and the server changed is
/// a difference, and so is a field only the server changed when anything is queued: every version difference is asked
/// about (`--no-merge`).
pub fn rebase(chain: &[Operation], remote: &Task, merge: bool) -> Rebased {
    let mut rebased = Rebased { chain: chain.to_vec(), ..Rebased::default() };
    let doubtful = in_doubt(chain, remote);
    for (field, base, local) in changes(chain) {
        let theirs = remote.get(field);
        let outcome = match self::field(field, &base, &local, &theirs) {
            Merged::Both(_) | Merged::Ours if !merge => Merged::Conflict,
            Merged::Ours if doubtful.contains(&field) => Merged::Conflict,
            other => other,
        };
        match outcome {
            Merged::Ours => rebased.merged.push((field, Side::Yours)),
            Merged::Theirs => {
                rebased.merged.push((field, Side::Theirs));
                take_theirs(&mut rebased.chain, field);
            }
            Merged::Both(value) => {
                rebased.merged.push((field, Side::Both));
                take_value(&mut rebased.chain, field, value, &theirs);
            }
            Merged::Conflict => {
                rebased.differences.push(Difference { field, base, local, remote: theirs });
            }
        }
    }
    raise(&mut rebased.chain, remote);
    rebased
}

/// Fields of an update whose answer was lost, where the task has changed since: it may have arrived, and somebody may
/// have taken it back.
fn in_doubt(chain: &[Operation], remote: &Task) -> Vec<Field> {
    let unseen = chain.iter().filter(|operation| operation.base_version != remote.version);
    let sent = unseen.filter_map(|operation| operation.uncertain.as_ref());
    let moved = sent.filter(|sent| sent.version > 0 && sent.version != remote.version);
    moved.flat_map(|sent| sent.set.keys().copied()).collect()
}

/// Writes a decision about differences into a chain that was rebased onto the same `remote`. `values` holds the value
/// to keep for each differing field; a field that is not in it takes the remote's.
pub fn settle(chain: &mut [Operation], differences: &[Difference], values: &Patch) {
    for difference in differences {
        match values.get(&difference.field) {
            Some(value) if *value != difference.remote => {
                take_value(chain, difference.field, value.clone(), &difference.remote);
            }
            _ => take_theirs(chain, difference.field),
        }
    }
}

/// What a chain says of the differing fields alone.
pub fn only(chain: &[Operation], differences: &[Difference]) -> Vec<Operation> {
    let differs = |field: &Field| differences.iter().any(|difference| difference.field == *field);
    let restricted = chain.iter().cloned().map(|mut operation| {
        operation.set.retain(|field, _| differs(field));
        operation.base.retain(|field, _| differs(field));
        operation
    });
    restricted.filter(|operation| !operation.set.is_empty()).collect()
}

/// The server still has what the chain was made on.
pub fn stands_on(chain: &[Operation], remote: &Task) -> bool {
    changes(chain).into_iter().all(|(field, base, _)| remote.get(field) == base)
        && since_deleted(chain, remote).is_empty()
}

/// What the server changed after we deleted: our base (the whole task) against its row.
pub fn since_deleted(chain: &[Operation], remote: &Task) -> Vec<Difference> {
    let Some(delete) = chain.iter().find(|operation| operation.kind == Kind::DeleteTask) else { return Vec::new() };
    Field::ALL
        .into_iter()
        .filter_map(|field| {
            let local = delete.base.get(&field)?.clone();
            // A field that the chain itself had set before the delete is compared with what it was before that.
            let base = changes(chain).into_iter().find(|(name, ..)| *name == field).map(|(_, base, _)| base);
            let base = base.unwrap_or_else(|| local.clone());
            let remote = remote.get(field);
            (remote != base && remote != local).then_some(Difference { field, base, local, remote })
        })
        .collect()
}

/// Field, base and local value of everything the chain sets, in the order people are shown fields.
pub fn changes(chain: &[Operation]) -> Vec<(Field, Value, Value)> {
    Field::ALL
        .into_iter()
        .filter_map(|field| {
            let mut setting = chain.iter().filter(|operation| operation.set.contains_key(&field));
            let first = setting.next()?;
            let last = setting.next_back().unwrap_or(first);
            let base = first.base.get(&field).cloned().unwrap_or(Value::Null);
            Some((field, base, last.set[&field].clone()))
        })
        .collect()
}

/// Every change of a chain whose task is gone on the server, as differences.
pub fn all_lost(chain: &[Operation]) -> Vec<Difference> {
    let lost = |(field, base, local)| Difference { field, base, local, remote: Value::Null };
    changes(chain).into_iter().map(lost).collect()
}

fn take_theirs(chain: &mut [Operation], field: Field) {
    for operation in chain {
        operation.set.remove(&field);
        operation.base.remove(&field);
    }
}

/// The last operation that sets the field sets `value`; earlier steps are forgotten.
fn take_value(chain: &mut [Operation], field: Field, value: Value, remote: &Value) {
    let last = chain.iter().rposition(|operation| operation.set.contains_key(&field));
    take_theirs(chain, field);
    if let Some(last) = last {
        chain[last].set.insert(field, value);
        chain[last].base.insert(field, remote.clone());
    }
}

/// Says that the chain has seen `remote`: its bases are the remote's values, its version the remote's, and a request whose
/// answer was lost had not arrived by then.
fn raise(chain: &mut [Operation], remote: &Task) {
    let mut seen = remote.clone();
    for operation in chain.iter_mut().filter(|operation| operation.kind == Kind::UpdateTask) {
        operation.base_version = remote.version;
        operation.uncertain = None;
        for (field, base) in &mut operation.base {
            *base = seen.get(*field);
        }
        seen.apply(&operation.set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn set(labels: &[&str]) -> Value {
        Value::Set(labels.iter().map(ToString::to_string).collect())
    }

    fn update(base: &[(Field, Value)], set: &[(Field, Value)]) -> Operation {
        Operation {
            op_id: "op".into(),
            kind: Kind::UpdateTask,
            workspace_id: 1,
            task_id: 1,
            identifier: "DEV-1".into(),
            depends_on: None,
            base_version: 1,
            base: base.iter().cloned().collect(),
            set: set.iter().cloned().collect(),
            created_at: String::new(),
            uncertain: None,
            error: None,
        }
    }

    /// Every combination of (base, local, remote) over three values and none, per kind of field.
    #[test]
    fn every_combination_of_a_plain_field() {
        let texts = [Value::Null, words("a"), words("b"), words("c")];
        let whole = [Value::Null, Value::Int(-2), Value::Int(0), Value::Int(2)];
        let broken = [Value::Null, Value::Number(0.0), Value::Number(0.5), Value::Number(8.0)];
        let plain = Field::ALL.into_iter().filter(|name| *name != Field::Labels && !name.is_prose());
        for name in plain {
            let values = match name {
                Field::Priority | Field::Project | Field::Parent => &whole,
                Field::Estimate => &broken,
                _ => &texts,
            };
            for base in values {
                for local in values {
                    for remote in values {
                        let expected = match () {
                            () if remote == base => Merged::Ours,
                            () if local == remote || local == base => Merged::Theirs,
                            () => Merged::Conflict,
                        };
                        let merged = field(name, base, local, remote);
                        assert_eq!(merged, expected, "{name:?} {base:?} {local:?} {remote:?}");
                    }
                }
            }
        }
    }

    /// The same for prose, over texts that touch the same line, another one, and none.
    #[test]
    fn every_combination_of_a_long_text() {
        let texts = ["", "one\ntwo\nthree", "ONE\ntwo\nthree", "one\ntwo\nTHREE", "1\ntwo\nthree", "other"].map(words);
        let mut both = 0;
        for base in &texts {
            for local in &texts {
                for remote in &texts {
                    let merged = field(Field::Description, base, local, remote);
                    let expected = match () {
                        () if remote == base => Merged::Ours,
                        () if local == remote || local == base => Merged::Theirs,
                        () if *base == texts[1] => {
                            let sides = [local, remote];
                            let changes = |text: &Value| sides.contains(&text);
                            match () {
                                () if changes(&texts[3]) && changes(&texts[2]) => {
                                    Merged::Both(words("ONE\ntwo\nTHREE"))
                                }
                                () if changes(&texts[3]) && changes(&texts[4]) => Merged::Both(words("1\ntwo\nTHREE")),
                                () => Merged::Conflict,
                            }
                        }
                        // From a text that has one end changed to texts that have the other one, or both, changed back.
                        () if merged != Merged::Conflict => {
                            let Merged::Both(Value::Text(text)) = &merged else { panic!("{merged:?}") };
                            let lines = |value: &Value| value.to_string().lines().map(String::from).collect::<Vec<_>>();
                            let (ours, theirs) = (lines(local), lines(remote));
                            assert!(text.lines().all(|line| ours.iter().chain(&theirs).any(|known| known == line)));
                            merged.clone()
                        }
                        () => Merged::Conflict,
                    };
                    both += usize::from(matches!(merged, Merged::Both(_)));
                    assert_eq!(merged, expected, "{base:?} {local:?} {remote:?}");
                    let swapped = field(Field::Description, base, remote, local);
                    assert_eq!(matches!(swapped, Merged::Both(_)), matches!(merged, Merged::Both(_)), "{base:?}");
                }
            }
        }
        assert!(both >= 4, "nothing was merged by line");
    }

    #[test]
    fn labels_merge_as_sets_whichever_side_is_first() {
        let universe = ["a", "b", "c"];
        let subsets: Vec<Vec<&str>> =
            (0..8).map(|mask| (0..3).filter(|bit| mask & (1 << bit) != 0).map(|bit| universe[bit]).collect()).collect();
        for base in &subsets {
            for local in &subsets {
                for remote in &subsets {
                    let merged = labels(&set(base), &set(local), &set(remote));
                    assert_eq!(merged, labels(&set(base), &set(remote), &set(local)));
                    for label in universe {
                        let (b, l, r) = (base.contains(&label), local.contains(&label), remote.contains(&label));
                        let expected = if l == r { l } else { !b };
                        let Value::Set(found) = &merged else { panic!("a set") };
                        assert_eq!(found.iter().any(|found| found == label), expected, "{base:?} {local:?} {remote:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn prose_merges_by_line_and_overlaps_conflict() {
        let base = words("one\ntwo\nthree\nfour\nfive");
        let merged = field(
            Field::Description,
            &base,
            &words("ONE\ntwo\nthree\nfour\nfive"),
            &words("one\ntwo\nthree\nfour\nFIVE"),
        );
        assert_eq!(merged, Merged::Both(words("ONE\ntwo\nthree\nfour\nFIVE")));
        let clash =
            field(Field::Description, &base, &words("1\ntwo\nthree\nfour\nfive"), &words("I\ntwo\nthree\nfour\nfive"));
        assert_eq!(clash, Merged::Conflict);
        assert_eq!(field(Field::Description, &Value::Null, &words("x"), &words("y")), Merged::Conflict);
    }

    #[test]
    fn a_chain_keeps_what_does_not_overlap() {
        let chain = [
            update(&[(Field::Status, words("todo"))], &[(Field::Status, words("active"))]),
            update(
                &[(Field::Status, words("active")), (Field::Priority, Value::Int(0))],
                &[(Field::Status, words("done")), (Field::Priority, Value::Int(2))],
            ),
        ];
        let remote = Task { version: 6, status: "todo".into(), title: "theirs".into(), ..Task::default() };
        let rebased = rebase(&chain, &remote, true);
        assert!(rebased.differences.is_empty());
        assert_eq!(rebased.chain[0].base_version, 6);
        assert_eq!(rebased.chain[1].set[&Field::Status], words("done"));
        assert_eq!(rebased.chain[1].base[&Field::Status], words("active"));
    }

    #[test]
    fn a_conflict_is_settled_either_way() {
        let chain = [update(&[(Field::Status, words("todo"))], &[(Field::Status, words("active"))])];
        let remote = Task { version: 6, status: "done".into(), ..Task::default() };
        let rebased = rebase(&chain, &remote, true);
        assert_eq!(rebased.differences.len(), 1);
        let mut kept = rebased.chain.clone();
        settle(&mut kept, &rebased.differences, &Patch::from([(Field::Status, words("active"))]));
        assert_eq!(
            (kept[0].set[&Field::Status].clone(), kept[0].base[&Field::Status].clone()),
            (words("active"), words("done"))
        );
        assert_eq!(rebase(&kept, &remote, true).differences, [], "a settled question is not asked twice");
        let mut gone = rebased.chain.clone();
        settle(&mut gone, &rebased.differences, &Patch::new());
        assert!(gone[0].set.is_empty());
    }
}
