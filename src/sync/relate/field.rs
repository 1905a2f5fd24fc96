//! The merge of one field: plain values, sets, and texts line by line. Values are compared by `Value::same`; what comes out
//! is written as one of the sides has typed it.

use crate::lines::{self, Piece};
use crate::model::kind::Merge;
use crate::model::{Field, Value, folded};
use crate::notes;
use std::borrow::Cow;

/// What became of one field.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sync) enum Merged {
    /// Ours stands: the server has what we saw.
    Ours,
    /// The server has our value already, or has changed what we left as it was.
    Theirs,
    /// Both changes fit into one value.
    Both(Value),
    Conflict,
}

/// Never invents a value: the result is one of the two sides, or for sets and prose a union of their changes.
pub(in crate::sync) fn merge(field: Field, base: &Value, local: &Value, remote: &Value) -> Merged {
    if remote.same(base) {
        Merged::Ours
    } else if remote.same(local) || local.same(base) {
        Merged::Theirs
    } else {
        match (field.merge, local, remote) {
            (Merge::Set, ..) => Merged::Both(sets(base, local, remote)),
            (Merge::Lines, Value::Text(local), Value::Text(remote)) => prose(base, local, remote),
            (Merge::Course(steps), ..) => next_step(steps, base, local, remote),
            _ => Merged::Conflict,
        }
    }
}

/// The remote has what was typed. Servers write line ends, blanks and normal forms in their own way; where these are all
/// that was changed, they count.
pub(in crate::sync) fn reached(base: &Value, local: &Value, remote: &Value) -> bool {
    remote == local || (remote.same(local) && !local.same(base))
}

/// The text that was sent only added lines, and the remote has all of them in their order.
pub(in crate::sync) fn has_added(field: Field, base: &Value, sent: &Value, remote: &Value) -> bool {
    let (Merge::Lines, Value::Text(sent), Value::Text(remote)) = (field.merge, sent, remote) else { return false };
    let base = if let Value::Text(text) = base { text.as_str() } else { "" };
    let [base, sent, remote] = [base, sent, remote].map(|text| plain(text));
    let Some(added) = lines::added(&closed(&base), &closed(&sent)) else { return false };
    let mut has = remote.lines();
    let mut worded = added.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).peekable();
    worded.peek().is_some() && worded.all(|line| has.any(|other| other.trim_end() == line))
}

/// Ours stands where it is the step after theirs, and both went forward.
fn next_step(steps: &[&str], base: &Value, local: &Value, remote: &Value) -> Merged {
    let [base, local, remote] = [base, local, remote].map(|value| match value {
        Value::Text(word) => steps.iter().position(|step| step == word),
        _ => None,
    });
    match (base, local, remote) {
        (Some(base), Some(local), Some(remote)) if base < remote && remote + 1 == local => Merged::Ours,
        _ => Merged::Conflict,
    }
}

/// What one side removed goes, what one side added comes. The remote's order first.
fn sets(base: &Value, local: &Value, remote: &Value) -> Value {
    let [base, local, remote] = [base, local, remote].map(words);
    let has = |set: &[(String, &String)], key: &String| set.iter().any(|(other, _)| other == key);
    let kept = remote.iter().filter(|(key, _)| has(&local, key) || !has(&base, key));
    let added = local.iter().filter(|(key, _)| !has(&base, key) && !has(&remote, key));
    Value::Set(kept.chain(added).map(|(_, word)| (*word).clone()).collect())
}

/// The words of a set, each with the form it is compared in.
fn words(value: &Value) -> Vec<(String, &String)> {
    match value {
        Value::Set(words) => words.iter().map(|word| (folded(word), word)).collect(),
        _ => Vec::new(),
    }
}

/// Notes that both sides added are both kept; everything else merges line by line (diff3). Overlapping changes are a
/// conflict.
fn prose(base: &Value, local: &str, remote: &str) -> Merged {
    let base = if let Value::Text(text) = base { text.as_str() } else { "" };
    let [plain_base, plain_local, plain_remote] = [base, local, remote].map(plain);
    let merged = notes::merge(&plain_base, &plain_local, &plain_remote, by_line)
        .or_else(|| by_line(&plain_base, &plain_local, &plain_remote));
    let Some(merged) = merged else { return Merged::Conflict };
    let as_it_was = plain_local == local && plain_remote == remote;
    Merged::Both(Value::Text(if as_it_was { merged } else { as_typed(&merged, local, remote) }))
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

/// The text with its last line ended, so that appending after it does not count as changing that line. An empty text has
/// no line.
fn closed(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') { text.into() } else { format!("{text}\n").into() }
}

/// The text with each line as it is compared: no line is a change because of its end, blanks behind it, or its normal form;
/// nor are blank lines at the end.
fn plain(text: &str) -> Cow<'_, str> {
    let is_plain = |line: &str| line.is_ascii() && !line.ends_with(|c: char| c.is_ascii_whitespace());
    if text.split('\n').all(|line| line.is_empty() || is_plain(line)) && !text.ends_with("\n\n") {
        return text.into();
    }
    let mut lines = text.trim_end().split('\n').map(plain_line).collect::<Vec<_>>().join("\n");
    if text.ends_with('\n') && !lines.is_empty() {
        lines.push('\n');
    }
    lines.into()
}

/// `folded`, but for blanks before the first word, which say how deep a line stands.
fn plain_line(line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    if start == line.len() { String::new() } else { format!("{}{}", &line[..start], folded(line)) }
}

/// A merge of plain texts with each line as it was typed: ours where we have it, else theirs with our kind of line end.
fn as_typed(merged: &str, local: &str, remote: &str) -> String {
    let end = if local.contains("\r\n") { "\r\n" } else { "\n" };
    let closed_merge = closed(merged);
    let origins = [local, remote].map(|side| {
        let typed: Vec<&str> = side.split_inclusive('\n').collect();
        (lines::partners(&closed(&plain(side)), &closed_merge), typed)
    });
    let mut text = String::with_capacity(merged.len());
    for (at, line) in closed_merge.split_inclusive('\n').enumerate() {
        let from = |(partners, typed): &(Vec<Option<usize>>, Vec<_>)| {
            partners.get(at).copied().flatten().and_then(|at| typed.get(at).copied())
        };
        let (ours, theirs) = (from(&origins[0]), from(&origins[1]));
        match ours {
            Some(ours) if ours.ends_with('\n') => text.push_str(ours),
            _ => {
                let line = ours.or(theirs).unwrap_or(line);
                text.push_str(line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line)));
                text.push_str(end);
            }
        }
    }
    if !merged.ends_with('\n') {
        let open = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text).len());
        text.truncate(open.unwrap_or(text.len()));
    }
    text
}
