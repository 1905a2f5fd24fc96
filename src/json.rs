//! What miniserde lacks for files that people and older clients share with us: faults with a line and a column, and edits
//! of one member that leave every other byte as it was: key order, the spelling of numbers, CRLF, a byte order mark,
//! indentation. Writing whole documents is miniserde's work. And `cut`: a long list is cut into elements and members, each
//! to be read on its own.
//!
//! Keys may repeat in what others wrote. The last one counts when reading, as everywhere; removing removes them all, so
//! that nothing stays behind in the shadow of a second key.

mod cut;
mod scan;

use std::fmt;
use std::ops::Range;

pub use cut::{Cut, Element, cut, is_too_deep, raw_member};
use scan::{Inside, Member, Scanner, Value};

/// Where a text stops being JSON. Line and column count from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub column: usize,
    pub what: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

impl Fault {
    /// A fault at a byte of the text.
    fn at(text: &[u8], offset: usize, what: &'static str) -> Fault {
        let before = &text[..offset.min(text.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(&before[line_start..]).trim_start_matches(BOM).chars().count() + 1;
        Fault { line, column, what }
    }
}

const BOM: char = '\u{feff}';

/// Whether the bytes are one JSON value in UTF-8 (a byte order mark before it is accepted) and nothing else.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    let text = std::str::from_utf8(bytes).map_err(|bad| Fault::at(bytes, bad.valid_up_to(), "this is not UTF-8"))?;
    root(text).map(|_| ())
}

/// The text without a leading byte order mark, which miniserde refuses.
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// A text that is read once, for those who ask it several things.
pub struct Document<'a> {
    text: &'a str,
    root: Value,
}

impl<'a> Document<'a> {
    pub fn parse(text: &'a str) -> Result<Document<'a>, Fault> {
        Ok(Document { text, root: root(text)? })
    }

    /// The value at a path of keys (`[]` is the whole document), the last of repeated keys.
    fn find(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.root, |value, key| {
            members(value)?.iter().rfind(|member| member.key == *key).map(|member| &member.value)
        })
    }

    /// The raw text of the value at a path; `None` if there is no such member.
    pub fn get(&self, path: &[&str]) -> Option<&'a str> {
        self.find(path).map(|value| &self.text[value.at.clone()])
    }

    /// The keys of the object at a path, each once, in the order of their first appearance; `None` if there is no such
    /// member or it is no object.
    pub fn keys(&self, path: &[&str]) -> Option<Vec<&str>> {
        let mut keys: Vec<&str> = Vec::new();
        for member in members(self.find(path)?)? {
            if !keys.contains(&member.key.as_str()) {
                keys.push(&member.key);
            }
        }
        Some(keys)
    }

    /// A fault of meaning rather than of grammar ("text is expected here"), placed at a member's value, or at the start of
    /// the document if there is no such member.
    pub fn fault(&self, path: &[&str], what: &'static str) -> Fault {
        Fault::at(self.text.as_bytes(), self.find(path).map_or(0, |value| value.at.start), what)
    }
}

/// The members of an object.
fn members(value: &Value) -> Option<&[Member]> {
    match &value.inside {
        Inside::Members(members) => Some(members),
        _ => None,
    }
}

/// The raw text of the value at a path of keys (`[]` is the whole document); `None` if there is no such member.
pub fn get<'a>(text: &'a str, path: &[&str]) -> Result<Option<&'a str>, Fault> {
    Ok(Document::parse(text)?.get(path))
}

/// The raw text of every value at a path, in the shadow of repeated keys too, in the order of the text.
pub fn get_all<'a>(text: &'a str, path: &[&str]) -> Result<Vec<&'a str>, Fault> {
    let root = root(text)?;
    let mut values = vec![&root];
    for key in path {
        let below = values.into_iter().filter_map(members).flatten();
        values = below.filter(|member| member.key == *key).map(|member| &member.value).collect();
    }
    Ok(values.into_iter().map(|value| &text[value.at.clone()]).collect())
}

/// The text that a raw value stands for, if it is a string. Lone surrogates become U+FFFD.
pub fn string(raw: &str) -> Option<String> {
    raw.starts_with('"').then(|| scan::unescape(raw))
}

/// `text` as a JSON string, quotes included.
pub fn quote(text: &str) -> String {
    miniserde::json::to_string(text)
}

/// Gives the member at `path` the raw JSON `value`. A missing member is appended in the file's own style, missing objects
/// on the way to it are made. Every other byte stays. A fault if the text is no JSON or something on the way is no object.
pub fn set_member(text: &str, path: &[&str], value: &str) -> Result<String, Fault> {
    check(value.as_bytes())?;
    let document = Document::parse(text)?;
    let edited = match document.find(path) {
        Some(known) => splice(text, known.at.clone(), value),
        None => insert(&document, path, value)?,
    };
    verified(edited, path, Some(value))
}

/// The text without any member at `path`, repeated keys included; unchanged if there is none.
pub fn remove_member(text: &str, path: &[&str]) -> Result<String, Fault> {
    let mut edited = text.to_string();
    while let Some(cut) = first_cut(&root(&edited)?, path) {
        edited.replace_range(cut, "");
    }
    verified(edited, path, None)
}

/// The text with U+FFFD in the place of each escaped surrogate that has no partner; miniserde reads no text with one.
pub fn with_whole_characters(text: &str) -> String {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut whole, mut from, mut at) = (String::with_capacity(text.len()), 0, 0);
    while let Some(found) = text[at..].find('\\') {
        let escape = at + found;
        let units = (unit(escape), unit(escape + 6));
        at = match units {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => escape + 12,
            (Some(0xD800..=0xDFFF), _) => {
                whole += &text[from..escape];
                whole += "\\ufffd";
                from = escape + 6;
                from
            }
            // What is escaped is no beginning of an escape.
            _ => text[escape + 1..].chars().next().map_or(text.len(), |c| escape + 1 + c.len_utf8()),
        };
    }
    whole + &text[from..]
}

/// JSON for a terminal: DEL, C1 and bidirectional controls (and the two Unicode line ends) written as `\uXXXX`, so that
/// it is inert there and still says the same. The text must be JSON, which has C0 controls in no string.
pub fn escape_for_output(json_text: &str) -> String {
    let mut inert = String::with_capacity(json_text.len());
    for c in json_text.chars() {
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | BOM => inert.push_str(&format!("\\u{:04x}", c as u32)),
            '\r' => {}
            c => inert.push(c),
        }
    }
    inert
}

/// The whole document's value.
fn root(text: &str) -> Result<Value, Fault> {
    let mut scanner = Scanner::new(text, text.len() - without_bom(text).len());
    let value = scanner.value()?;
    scanner.end()?;
    Ok(value)
}

fn splice(text: &str, range: Range<usize>, replacement: &str) -> String {
    [&text[..range.start], replacement, &text[range.end..]].concat()
}

/// Proves an edit: still JSON, and the member is what it should be.
fn verified(edited: String, path: &[&str], expected: Option<&str>) -> Result<String, Fault> {
    if get(&edited, path)? == expected {
        return Ok(edited);
    }
    Err(Document::parse(&edited)?.fault(path, "the edit of this member did not hold"))
}

/// Adds a member that is not there yet.
fn insert(document: &Document, path: &[&str], value: &str) -> Result<String, Fault> {
    let text = document.text;
    let Some((key, parents)) = path.split_last() else { return Ok(value.to_string()) };
    let Some(object) = document.find(parents) else {
        let with_parent = set_member(text, parents, "{}")?;
        return insert(&Document::parse(&with_parent)?, path, value);
    };
    let Some(members) = members(object) else { return Err(document.fault(parents, "an object is expected here")) };
    let key = quote(key);
    match members.last() {
        Some(last) => {
            let lead = &text[lead_of(text, members)];
            let (colon, end) = (&text[last.key_end..last.value.at.start], last.value.at.end);
            Ok(splice(text, end..end, &[",", lead, &key, colon, value].concat()))
        }
        None => Ok(splice(text, object.at.clone(), &only_member(text, object.at.start, &key, value))),
    }
}

/// The white space before the last member's key, back to its comma or brace.
fn lead_of(text: &str, members: &[Member]) -> Range<usize> {
    let key_start = members.last().map_or(0, |last| last.start);
    let before = text[..key_start].trim_end_matches([' ', '\t', '\r', '\n']);
    before.len()..key_start
}

/// An object with one member where an empty one stood, indented as the rest of the document is.
fn only_member(text: &str, brace: usize, key: &str, value: &str) -> String {
    let style = Style::of(text);
    if !style.broken {
        return format!("{{{key}:{}{value}}}", style.space);
    }
    let line_start = text[..brace].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].trim_start_matches(BOM);
    let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let (newline, unit) = (style.newline, &style.unit);
    format!("{{{newline}{indent}{unit}{key}: {value}{newline}{indent}}}")
}

/// How a document is laid out, as far as its first member tells.
struct Style {
    broken: bool,
    newline: &'static str,
    unit: String,
    space: &'static str,
}

impl Style {
    fn of(text: &str) -> Style {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let space = if text.contains("\":\"") || text.contains("\":{") { "" } else { " " };
        let inside = without_bom(text).trim_start().strip_prefix('{').unwrap_or("");
        let lead = &inside[..inside.len() - inside.trim_start().len()];
        let unit = match lead.rsplit_once('\n') {
            Some((_, unit)) if !inside.trim_start().starts_with('}') => unit,
            _ => "  ",
        };
        let empty = inside.trim_start().starts_with('}');
        Style { broken: empty || lead.contains('\n'), newline, unit: unit.to_string(), space }
    }
}

/// What to cut to remove the first member at `path`, looked for below every repeated key.
fn first_cut(object: &Value, path: &[&str]) -> Option<Range<usize>> {
    let (key, rest) = path.split_first()?;
    let members = members(object)?;
    let mut named = members.iter().enumerate().filter(|(_, member)| member.key == *key);
    named.find_map(|(index, member)| match rest {
        [] => Some(cut_of(&object.at, members, index)),
        rest => first_cut(&member.value, rest),
    })
}

/// A member with one of its commas: the one before it, or, for the first, the one behind it.
fn cut_of(object: &Range<usize>, members: &[Member], index: usize) -> Range<usize> {
    match (index.checked_sub(1), members.get(index + 1)) {
        (Some(before), _) => members[before].value.at.end..members[index].value.at.end,
        (None, Some(next)) => members[index].start..next.start,
        (None, None) => object.start + 1..object.end - 1,
    }
}

#[cfg(test)]
mod tests;
