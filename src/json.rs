//! What miniserde lacks for files that people and older clients share with us: faults with a line and a column, and edits
//! of one member that leave every other byte as it was: key order, the spelling of numbers, CRLF, a byte order mark,
//! indentation. Writing whole documents is miniserde's work.
//!
//! Keys may repeat in what others wrote. The last one counts when reading, as everywhere; removing removes them all, so
//! that nothing stays behind in the shadow of a second key.

mod scan;

use std::fmt;
use std::ops::Range;

use scan::{Member, Scanner};

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

/// The raw text of the value at a path of keys (`[]` is the whole document); `None` if there is no such member.
pub fn get<'a>(text: &'a str, path: &[&str]) -> Result<Option<&'a str>, Fault> {
    Ok(find(text, path)?.map(|range| &text[range]))
}

/// The raw text of every value at a path, in the shadow of repeated keys too, in the order of the text.
pub fn get_all<'a>(text: &'a str, path: &[&str]) -> Result<Vec<&'a str>, Fault> {
    let mut ranges = vec![root(text)?];
    for key in path {
        let mut below = Vec::new();
        for range in ranges.into_iter().filter(|range| text[range.clone()].starts_with('{')) {
            let members = Scanner::new(text, range.start).object()?;
            below.extend(members.into_iter().filter(|member| member.key == *key).map(|member| member.value));
        }
        ranges = below;
    }
    Ok(ranges.into_iter().map(|range| &text[range]).collect())
}

/// The raw text of each element of the array at a path; `None` if there is no such member or it is no array.
pub fn elements<'a>(text: &'a str, path: &[&str]) -> Result<Option<Vec<&'a str>>, Fault> {
    let Some(range) = find(text, path)? else { return Ok(None) };
    if !text[range.clone()].starts_with('[') {
        return Ok(None);
    }
    let elements = Scanner::new(text, range.start).array()?;
    Ok(Some(elements.into_iter().map(|range| &text[range]).collect()))
}

/// The keys of the object at a path, each once, in the order of their first appearance; `None` if there is no such
/// member or it is no object.
pub fn keys(text: &str, path: &[&str]) -> Result<Option<Vec<String>>, Fault> {
    let Some(range) = find(text, path)? else { return Ok(None) };
    if !text[range.clone()].starts_with('{') {
        return Ok(None);
    }
    let mut keys: Vec<String> = Vec::new();
    for member in Scanner::new(text, range.start).object()? {
        if !keys.contains(&member.key) {
            keys.push(member.key);
        }
    }
    Ok(Some(keys))
}

/// A fault of meaning rather than of grammar ("text is expected here"), placed at a member's value, or at the start of
/// the document if there is no such member.
pub fn fault(text: &str, path: &[&str], what: &'static str) -> Fault {
    let offset = find(text, path).ok().flatten().map_or(0, |range| range.start);
    Fault::at(text.as_bytes(), offset, what)
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
    let edited = match find(text, path)? {
        Some(range) => splice(text, range, value),
        None => insert(text, path, value)?,
    };
    verified(edited, path, Some(value))
}

/// The text without any member at `path`, repeated keys included; unchanged if there is none.
pub fn remove_member(text: &str, path: &[&str]) -> Result<String, Fault> {
    let mut edited = text.to_string();
    while let Some(cut) = first_cut(&edited, root(&edited)?, path)? {
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
fn root(text: &str) -> Result<Range<usize>, Fault> {
    let mut scanner = Scanner::new(text, text.len() - without_bom(text).len());
    let range = scanner.value()?;
    scanner.end()?;
    Ok(range)
}

/// The value at a path, the last of repeated keys.
fn find(text: &str, path: &[&str]) -> Result<Option<Range<usize>>, Fault> {
    let mut range = root(text)?;
    for key in path {
        if !text[range.clone()].starts_with('{') {
            return Ok(None);
        }
        let members = Scanner::new(text, range.start).object()?;
        match members.into_iter().rfind(|member| member.key == *key) {
            Some(member) => range = member.value,
            None => return Ok(None),
        }
    }
    Ok(Some(range))
}

fn splice(text: &str, range: Range<usize>, replacement: &str) -> String {
    [&text[..range.start], replacement, &text[range.end..]].concat()
}

/// Proves an edit: still JSON, and the member is what it should be.
fn verified(edited: String, path: &[&str], expected: Option<&str>) -> Result<String, Fault> {
    if get(&edited, path)? == expected {
        return Ok(edited);
    }
    Err(fault(&edited, path, "the edit of this member did not hold"))
}

/// Adds a member that is not there yet.
fn insert(text: &str, path: &[&str], value: &str) -> Result<String, Fault> {
    let Some((key, parents)) = path.split_last() else { return Ok(value.to_string()) };
    let Some(object) = find(text, parents)? else {
        let with_parent = set_member(text, parents, "{}")?;
        return insert(&with_parent, path, value);
    };
    if !text[object.clone()].starts_with('{') {
        return Err(fault(text, parents, "an object is expected here"));
    }
    let members = Scanner::new(text, object.start).object()?;
    let key = quote(key);
    match members.last() {
        Some(last) => {
            let lead = &text[lead_of(text, &members)];
            let colon = &text[last.key_end..last.value.start];
            Ok(splice(text, last.value.end..last.value.end, &[",", lead, &key, colon, value].concat()))
        }
        None => Ok(splice(text, object.clone(), &only_member(text, object.start, &key, value))),
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
fn first_cut(text: &str, object: Range<usize>, path: &[&str]) -> Result<Option<Range<usize>>, Fault> {
    let Some((key, rest)) = path.split_first() else { return Ok(None) };
    if !text[object.clone()].starts_with('{') {
        return Ok(None);
    }
    let members = Scanner::new(text, object.start).object()?;
    for (index, member) in members.iter().enumerate().filter(|(_, member)| member.key == *key) {
        if rest.is_empty() {
            return Ok(Some(cut_of(object, &members, index)));
        }
        if let Some(cut) = first_cut(text, member.value.clone(), rest)? {
            return Ok(Some(cut));
        }
    }
    Ok(None)
}

/// A member with one of its commas: the one before it, or, for the first, the one behind it.
fn cut_of(object: Range<usize>, members: &[Member], index: usize) -> Range<usize> {
    match (index.checked_sub(1), members.get(index + 1)) {
        (Some(before), _) => members[before].value.end..members[index].value.end,
        (None, Some(next)) => members[index].start..next.start,
        (None, None) => object.start + 1..object.end - 1,
    }
}

#[cfg(test)]
mod tests;
