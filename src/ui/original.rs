//! Back from what was shown to what it was. An editor gets inert text (no control or bidirectional characters, no CRLF);
//! a line that comes back as it was shown is the very line of the version that it stood in, bytes and line end included.

use crate::lines;
use crate::model::Value;
use crate::ui::difference::prose;
use crate::ui::sanitise;
use std::borrow::Cow;
use std::collections::HashMap;

/// A version's line. `end` is `None` for the last one, which has none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line<'a> {
    text: &'a str,
    end: Option<&'a str>,
}

/// A text and how it was shown.
struct Version<'a> {
    lines: Vec<Line<'a>>,
    shown: String,
}

impl<'a> Version<'a> {
    fn new(value: &'a Value) -> Version<'a> {
        let mut lines: Vec<Line<'_>> = Vec::new();
        if let Value::Text(text) = value {
            for line in text.split_inclusive('\n') {
                let plain = line.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                let text = plain.unwrap_or(line);
                lines.push(Line { text, end: plain.map(|plain| &line[plain.len()..]) });
            }
            // As it is shown: what stands behind the last line end is a line.
            if text.ends_with('\n') {
                lines.push(Line { text: "", end: None });
            }
        }
        Version { lines, shown: sanitise::text(&prose(value)).into_owned() }
    }
}

/// The text that `edited` (lines without ends) stands for, made of lines of the versions where it has them.
pub(super) fn text([base, local, remote]: [&Value; 3], edited: &[&str]) -> String {
    let escapes = Escapes::of([base, local, remote], sanitise::text);
    let versions = [base, remote, local].map(Version::new);
    // By content, for lines that were moved: ours last, so that it is the one that stays.
    let moved: HashMap<&str, Line<'_>> =
        versions.iter().flat_map(|version| version.shown.lines().zip(version.lines.iter().copied())).collect();
    let whole = edited.iter().fold(String::new(), |whole, line| whole + line + "\n");
    let partners = versions.each_ref().map(|version| lines::partners(&version.shown, &whole));
    let [_, theirs, ours] = versions.each_ref().map(|version| version.lines.first().and_then(|line| line.end));
    let mut end = ours.or(theirs).unwrap_or("\n");
    let mut text = String::new();
    for (at, typed) in edited.iter().enumerate() {
        let [base, remote, local] =
            [0, 1, 2].map(|n| partners[n].get(at).copied().flatten().and_then(|at| versions[n].lines.get(at).copied()));
        // The line in three versions is merged like anything else: ours, unless only theirs changed.
        let known = match (local, remote) {
            (Some(local), Some(remote)) if Some(local) == base => Some(remote),
            (local, remote) => local.or(remote).or(base).or_else(|| moved.get(typed).copied()),
        };
        match known {
            Some(line) => text.push_str(line.text),
            None => text.push_str(&escapes.undo(typed)),
        }
        end = known.and_then(|line| line.end).unwrap_or(end);
        if at + 1 < edited.len() {
            text.push_str(end);
        }
    }
    text
}

/// The characters of some values that are shown as escapes, to be found again in a line that was changed around them.
pub(super) struct Escapes(Vec<(String, char)>);

impl Escapes {
    /// `show` is how the values were shown.
    pub fn of(values: [&Value; 3], show: fn(&str) -> Cow<'_, str>) -> Escapes {
        let texts = values.map(Value::to_string);
        let shown = texts.each_ref().map(|text| show(text));
        let mut escapes: Vec<(String, char)> = Vec::new();
        for character in texts.iter().flat_map(|text| text.chars()).filter(|c| sanitise::is_active(*c)) {
            if !escapes.iter().any(|(_, known)| *known == character) {
                escapes.push((sanitise::line(character.encode_utf8(&mut [0; 4])).into_owned(), character));
            }
        }
        // Somebody may have written an escape as text; then nobody can tell which is which.
        let within = |texts: &[&str], escape: &str| texts.iter().any(|text| text.contains(escape));
        escapes.retain(|(escape, _)| {
            within(&shown.each_ref().map(AsRef::as_ref), escape)
                && !within(&texts.each_ref().map(AsRef::as_ref), escape)
        });
        Escapes(escapes)
    }

    pub fn undo(&self, typed: &str) -> String {
        let undo = |text: String, (escape, character): &(String, char)| text.replace(escape, &character.to_string());
        if typed.contains('\\') { self.0.iter().fold(typed.to_string(), undo) } else { typed.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(versions: [&str; 3], edit: impl Fn(String) -> String) -> String {
        let [base, local, remote] = versions.map(|text| Value::Text(text.into()));
        let shown = edit(sanitise::text(&prose(&local)).into_owned());
        text([&base, &local, &remote], &shown.lines().collect::<Vec<_>>())
    }

    #[test]
    fn a_line_that_was_not_touched_keeps_its_bytes() {
        for (mine, find, typed, wanted) in [
            ("שלום\u{200f} (v2)\nsecond", "second", "SECOND", "שלום\u{200f} (v2)\nSECOND"),
            ("one\r\ntwo\r\nthree", "three", "THREE", "one\r\ntwo\r\nTHREE"),
            ("one\r\ntwo\r\nthree", "three\n", "three\nfour\n", "one\r\ntwo\r\nthree\r\nfour"),
            ("one\r\ntwo\r\nthree", "three\n", "", "one\r\ntwo"),
            ("one\r\ntwo\nthree\r\n", "one", "ONE", "ONE\r\ntwo\nthree\r\n"),
            ("\u{feff}a\rb\nlast\r", "last", "first\nlast", "\u{feff}a\rb\nfirst\nlast\r"),
            ("x\u{202e}y\nz", "y", "Y", "x\u{202e}Y\nz"),
            ("a\u{200f}\na\nb", "b", "c", "a\u{200f}\na\nc"),
            ("one\r\ntwo", "two", "\\n and \\r", "one\r\n\\n and \\r"),
        ] {
            assert_eq!(edited(["base", mine, "theirs"], |shown| shown.replacen(find, typed, 1)), wanted, "{mine:?}");
        }
        assert_eq!(
            edited(["", "a\u{200f}b\n\\u{200f}", ""], |shown| shown.replacen('a', "A", 1)),
            "A\\u{200f}b\n\\u{200f}"
        );
    }

    #[test]
    fn line_ends_that_only_they_changed_are_theirs() {
        assert_eq!(edited(["a\nb\nc", "a\nb\nC", "a\r\nb\r\nc"], |shown| shown.replace('C', "D")), "a\r\nb\r\nD");
        assert_eq!(edited(["a\nb\nc", "a\r\nb\r\nC", "a\nb\nc"], |shown| shown.replace('C', "D")), "a\r\nb\r\nD");
    }
}
