//! Comparing texts line by line, within bounds: what two of them have in common, and the three-way merge (diff3). Pure.
//!
//! Finding the best way between texts of n lines takes n² steps where most lines differ, and a text may have as many
//! lines as a server cares to send. So what is the same at both ends is set aside first, a long rest is cut at the lines
//! that every text has once, and a piece that is still longer than `MOST` lines is not looked into: merged, it is one
//! dispute; compared, it is too long to show.

use diffy::{DiffOptions, Line, MergeOptions};
use std::collections::HashMap;
use std::ops::Range;

/// Lines on a side of a piece that is looked into.
const MOST: usize = 2_000;

/// Steps that the search in one text may take: pieces of `MOST` lines, or many more shorter ones.
const BUDGET: usize = 2 * MOST * MOST;

/// Changed lines that anybody would read.
const MOST_SHOWN: usize = 10_000;

/// Lines around a change that are shown with it.
const CONTEXT: usize = 1;

/// A piece of a three-way merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// One side's change, both sides' change, or what nobody touched.
    Agreed(String),
    /// Lines that both sides changed, differently.
    Dispute { base: String, local: String, remote: String },
}

/// A line of a comparison, with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The three-way merge of texts whose last lines end.
pub fn merge(base: &str, local: &str, remote: &str) -> Vec<Piece> {
    let texts = [base, local, remote].map(split);
    let mut pieces = Vec::new();
    let mut budget = BUDGET;
    for section in sections(&texts) {
        match section {
            Section::Same([at, ..]) => push_agreed(&mut pieces, &texts[0][at].concat()),
            Section::Differs(at) => {
                merge_section(&mut pieces, &mut budget, std::array::from_fn(|n| &texts[n][at[n].clone()]));
            }
        }
    }
    pieces
}

/// The changed lines and what stands next to them, or `None` where that is too long to show.
pub fn changes<'a>(from: &'a str, to: &'a str) -> Option<Vec<Change<'a>>> {
    let (all, searched) = compare_all(&[from, to].map(split));
    let is_change = |change: &Change<'_>| !matches!(change, Change::Same(_));
    if !searched || all.iter().filter(|change| is_change(change)).count() > MOST_SHOWN {
        return None;
    }
    let near = |at: usize| all[at.saturating_sub(CONTEXT)..all.len().min(at + CONTEXT + 1)].iter().any(is_change);
    Some((0..all.len()).filter(|at| near(*at)).map(|at| all[at]).collect())
}

/// The lines that `to` has beside those of `from`; `None` where it lacks one, or where that is too long to search.
pub fn added(from: &str, to: &str) -> Option<Vec<String>> {
    let (all, searched) = compare_all(&[from, to].map(split));
    let added = all.into_iter().filter(|change| !matches!(change, Change::Same(_)));
    let added = added.map(|change| if let Change::New(line) = change { Some(line.to_string()) } else { None });
    added.collect::<Option<Vec<String>>>().filter(|_| searched)
}

/// For each line of `to`, where `from` has it. What is too long to be searched has no partners.
pub fn partners(from: &str, to: &str) -> Vec<Option<usize>> {
    let (mut at, mut partners) = (0, Vec::new());
    for change in compare_all(&[from, to].map(split)).0 {
        match change {
            Change::Same(_) => partners.push(Some(at)),
            Change::New(_) => partners.push(None),
            Change::Gone(_) => {}
        }
        at += usize::from(!matches!(change, Change::New(_)));
    }
    partners
}

/// Every line of both texts, and whether all of them could be looked into.
fn compare_all<'a>(texts: &[Vec<&'a str>; 2]) -> (Vec<Change<'a>>, bool) {
    let (mut all, mut budget, mut searched) = (Vec::new(), BUDGET, true);
    for section in sections(texts) {
        match section {
            Section::Same([at, _]) => all.extend(texts[0][at].iter().map(|line| Change::Same(line))),
            Section::Differs([old, new]) => {
                let (old, new) = (&texts[0][old], &texts[1][new]);
                // A side without lines needs no search.
                if !old.is_empty() && !new.is_empty() && affordable(&mut budget, &[old, new]) {
                    compare(&mut all, old, new);
                } else {
                    searched &= old.is_empty() || new.is_empty();
                    let gone = old.iter().map(|line| Change::Gone(line));
                    all.extend(gone.chain(new.iter().map(|line| Change::New(line))));
                }
            }
        }
    }
    (all, searched)
}

fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Lines of each of N texts.
enum Section<const N: usize> {
    Same([Range<usize>; N]),
    Differs([Range<usize>; N]),
}

/// The texts cut so that no piece that differs is longer than it need be.
fn sections<const N: usize>(texts: &[Vec<&str>; N]) -> Vec<Section<N>> {
    let shortest = texts.iter().map(Vec::len).min().unwrap_or(0);
    let all_have =
        |line: &dyn Fn(&Vec<&str>) -> usize| texts.iter().all(|text| text[line(text)] == texts[0][line(&texts[0])]);
    let head = (0..shortest).take_while(|at| all_have(&|_| *at)).count();
    let tail = (0..shortest - head).take_while(|at| all_have(&|text| text.len() - 1 - at)).count();
    let ends: [usize; N] = std::array::from_fn(|n| texts[n].len() - tail);
    let mut sections = vec![Section::Same(std::array::from_fn(|_| 0..head))];
    let mut from = [head; N];
    let long = (0..N).any(|n| ends[n] - head > MOST);
    let anchors = if long { anchors(texts, head, &ends) } else { Vec::new() };
    for to in anchors {
        sections.push(Section::Differs(std::array::from_fn(|n| from[n]..to[n])));
        sections.push(Section::Same(std::array::from_fn(|n| to[n]..to[n] + 1)));
        from = to.map(|at| at + 1);
    }
    sections.push(Section::Differs(std::array::from_fn(|n| from[n]..ends[n])));
    sections.push(Section::Same(std::array::from_fn(|n| ends[n]..texts[n].len())));
    sections
}

/// Where the lines stand that every text has once, in an order that all of them keep.
fn anchors<const N: usize>(texts: &[Vec<&str>; N], head: usize, ends: &[usize; N]) -> Vec<[usize; N]> {
    // How often each text has a line of the first one, and where it had it last.
    let mut known: HashMap<&str, [(usize, usize); N]> =
        texts[0][head..ends[0]].iter().map(|line| (*line, [(0, 0); N])).collect();
    for (n, text) in texts.iter().enumerate() {
        for (at, line) in text[..ends[n]].iter().enumerate().skip(head) {
            if let Some(places) = known.get_mut(line) {
                places[n] = (places[n].0 + 1, at);
            }
        }
    }
    let mut next = [head; N];
    let mut anchors = Vec::new();
    for line in &texts[0][head..ends[0]] {
        let places = known[line];
        let at = places.map(|(_, at)| at);
        if places.iter().all(|(count, _)| *count == 1) && (0..N).all(|n| at[n] >= next[n]) {
            anchors.push(at);
            next = at.map(|at| at + 1);
        }
    }
    anchors
}

fn push_agreed(pieces: &mut Vec<Piece>, more: &str) {
    match pieces.last_mut() {
        _ if more.is_empty() => {}
        Some(Piece::Agreed(text)) => text.push_str(more),
        _ => pieces.push(Piece::Agreed(more.to_string())),
    }
}

/// Whether a piece may be looked into; takes what that costs.
fn affordable(budget: &mut usize, lines: &[&[&str]]) -> bool {
    let longest = lines.iter().map(|lines| lines.len()).max().unwrap_or(0);
    let left = budget.checked_sub(longest * longest).filter(|_| longest <= MOST);
    *budget = left.unwrap_or(*budget);
    left.is_some()
}

fn merge_section(pieces: &mut Vec<Piece>, budget: &mut usize, lines: [&[&str]; 3]) {
    let [base, local, remote] = lines.map(<[&str]>::concat);
    if local == remote || remote == base {
        push_agreed(pieces, &local);
    } else if local == base {
        push_agreed(pieces, &remote);
    } else if affordable(budget, &lines) {
        merge_lines(pieces, &base, &local, &remote);
    } else {
        pieces.push(Piece::Dispute { base, local, remote });
    }
}

/// diff3. Its marks are longer than anything in the texts that looks like one.
fn merge_lines(pieces: &mut Vec<Piece>, base: &str, local: &str, remote: &str) {
    let run = |line: &str| {
        let first = line.chars().next().filter(|first| "<|=>".contains(*first));
        first.map_or(0, |first| line.chars().take_while(|c| *c == first).count())
    };
    let longest = [base, local, remote].into_iter().flat_map(str::lines).map(run).max().unwrap_or(0);
    let merged = MergeOptions::new().set_conflict_marker_length(longest + 1).merge(base, local, remote);
    let marked = match merged {
        Ok(merged) => return push_agreed(pieces, &merged),
        Err(marked) => marked,
    };
    let is_mark = |line: &str, mark: char| run(line) > longest && line.starts_with(mark);
    let mut lines = marked.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !is_mark(line, '<') {
            push_agreed(pieces, line);
            continue;
        }
        let mut until = |mark| lines.by_ref().take_while(|line| !is_mark(line, mark)).collect::<String>();
        let (local, base, remote) = (until('|'), until('='), until('>'));
        pieces.push(Piece::Dispute { base, local, remote });
    }
}

/// Appends what became of `old`, line by line.
fn compare<'a>(all: &mut Vec<Change<'a>>, old: &[&'a str], new: &[&'a str]) {
    let (from, to) = (old.concat(), new.concat());
    let mut options = DiffOptions::new();
    let patch = options.set_context_len(old.len() + new.len()).create_patch(&from, &to);
    let (mut gone, mut came) = (old.iter(), new.iter());
    let before = all.len();
    for line in patch.hunks().iter().flat_map(|hunk| hunk.lines()) {
        let change = match line {
            Line::Context(_) => gone.next().zip(came.next()).map(|(line, _)| Change::Same(line)),
            Line::Delete(_) => gone.next().map(|line| Change::Gone(line)),
            Line::Insert(_) => came.next().map(|line| Change::New(line)),
        };
        all.extend(change);
    }
    // Without a difference there is no hunk.
    if all.len() == before {
        all.extend(old.iter().map(|line| Change::Same(line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn agreed(text: &str) -> Piece {
        Piece::Agreed(text.into())
    }

    fn numbered(word: &str, count: usize) -> String {
        (0..count).map(|n| format!("{word} {n}\n")).collect()
    }

    #[test]
    fn what_one_side_changed_is_agreed_and_what_both_changed_is_not() {
        let pieces = merge("a\nb\nc\nd\n", "A\nb\nc\nlocal\n", "a\nb\nc\nremote\n");
        let dispute = Piece::Dispute { base: "d\n".into(), local: "local\n".into(), remote: "remote\n".into() };
        assert_eq!(pieces, [agreed("A\nb\nc\n"), dispute]);
        assert_eq!(merge("a\n", "a\nb\n", "a\nb\n"), [agreed("a\nb\n")]);
        assert_eq!(merge("", "", ""), []);
    }

    /// A line that looks like a mark of a merge is a line: each side's pieces are its text.
    #[test]
    fn no_line_forges_a_mark() {
        let marks = "<<<<<<< ours\n||||||| original\n=======\n>>>>>>> theirs\n";
        let [local, remote] = ["ours", "theirs"].map(|word| format!("{marks}{word}\n{marks}"));
        let mut sides = [String::new(), String::new()];
        for piece in merge("x\n", &local, &remote) {
            let both = match piece {
                Piece::Agreed(text) => [text.clone(), text],
                Piece::Dispute { local, remote, .. } => [local, remote],
            };
            sides.iter_mut().zip(both).for_each(|(side, text)| side.push_str(&text));
        }
        assert_eq!(sides, [local, remote]);
    }

    #[test]
    fn a_long_text_with_few_changes_merges_as_a_short_one() {
        let base = numbered("line", 20_000);
        let local = base.replace("line 7\n", "mine\n").replace("line 15000\n", "mine too\nand more\n");
        let remote = base.replace("line 3\n", "").replace("line 9000\n", "theirs\n").replace("line 19999\n", "end\n");
        let wanted = local.replace("line 3\n", "").replace("line 9000\n", "theirs\n").replace("line 19999\n", "end\n");
        assert_eq!(merge(&base, &local, &remote), [agreed(&wanted)]);
        assert_eq!(changes(&base, &local).map(|lines| lines.len()), Some(9));
    }

    #[test]
    fn rewritten_texts_take_no_time() {
        let texts = ["base", "mine", "theirs"].map(|word| format!("same\n{}end\n", numbered(word, 60_000)));
        let merged = in_no_time(&texts);
        assert!(matches!(&merged[..], [Piece::Agreed(_), Piece::Dispute { .. }, Piece::Agreed(_)]));
        // The longest piece that is still looked into, and many of them.
        in_no_time(&["base", "mine", "theirs"].map(|word| numbered(word, MOST)));
        let piece = |word: &str, at: usize| format!("same {at}\n{}", numbered(&format!("{word} {at}"), MOST));
        in_no_time(&["base", "mine", "theirs"].map(|word| (0..40).map(|at| piece(word, at)).collect::<String>()));
    }

    fn in_no_time(texts: &[String; 3]) -> Vec<Piece> {
        let began = Instant::now();
        let merged = merge(&texts[0], &texts[1], &texts[2]);
        changes(&texts[1], &texts[2]);
        // 0.3 s on a machine with nothing else to do; minutes where the search has no bounds.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        merged
    }

    #[test]
    fn a_comparison_shows_changes_and_what_is_next_to_them() {
        use Change::{Gone, New, Same};
        assert_eq!(
            changes("a\nb\nc\nd\ne\n", "a\nb\nC\nd\ne\n"),
            Some(vec![Same("b\n"), Gone("c\n"), New("C\n"), Same("d\n")])
        );
        assert_eq!(partners("a\nb\nc\n", "b\nx\nc\n"), [Some(1), None, Some(2)]);
        assert_eq!(changes("a\n", "a\n"), Some(vec![]));
        assert_eq!(changes("", "a\nb\n"), Some(vec![New("a\n"), New("b\n")]));
        assert_eq!(changes(&numbered("x", 5_000), "").map(|lines| lines.len()), Some(5_000));
    }
}
