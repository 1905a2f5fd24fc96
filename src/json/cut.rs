//! Cuts a text at an array, so that its elements can be read one by one, each from its own text. All of them are JSON; one
//! that is nested too deeply costs that one.

use super::scan::{Inside, Member, Scanner, TOO_DEEP};

/// An array and what it is in.
pub struct Cut<'a> {
    pub elements: Vec<Element<'a>>,
    /// The text with `[]` in the array's place.
    pub around: String,
}

/// One element: its text, and its members where it is an object.
pub struct Element<'a> {
    pub raw: &'a str,
    /// Names without escapes, values as they are written.
    pub members: Vec<(String, &'a str)>,
    /// It is nested too deeply to be read.
    pub too_deep: bool,
}

/// Cuts the array that is the value at a path of keys, the first of repeated ones; `[]` is the whole text. `None` if there
/// is none, or something in it is no JSON; of what is around it nothing is known.
pub fn cut<'a>(text: &'a str, path: &[&str]) -> Option<Cut<'a>> {
    let mut at = space(text, 0);
    for key in path {
        at = value_of(text, at, key)?;
    }
    let mut elements = Vec::new();
    let end = each(text, at, b'[', b']', &mut |from| {
        let (element, end) = element(text, from)?;
        elements.push(element);
        Some(end)
    })?;
    Some(Cut { elements, around: [&text[..at], "[]", &text[end..]].concat() })
}

/// The element that begins here, and where it ends.
fn element(text: &str, from: usize) -> Option<(Element<'_>, usize)> {
    let (members, end, too_deep) = match Scanner::new(text, from).value() {
        Ok(value) => match value.inside {
            Inside::Members(members) => (members, value.at.end, false),
            Inside::Nothing => (Vec::new(), value.at.end, false),
        },
        Err(fault) if fault.what == TOO_DEEP => (Vec::new(), skip(text, from)?, true),
        Err(_) => return None,
    };
    let named = |member: Member| (member.key, &text[member.value.at]);
    let members = members.into_iter().map(named).collect();
    Some((Element { raw: &text[from..end], members, too_deep }, end))
}

/// Where the value of a key begins in the object that begins here.
fn value_of(text: &str, at: usize, wanted: &str) -> Option<usize> {
    let mut found = None;
    each(text, at, b'{', b'}', &mut |from| {
        let end = if byte(text, from)? == b'"' { skip(text, from)? } else { return None };
        let colon = space(text, end);
        let value = (byte(text, colon)? == b':').then(|| space(text, colon + 1))?;
        found = (text[from + 1..end - 1] == *wanted).then_some(value);
        if found.is_some() { None } else { skip(text, value) }
    });
    found
}

/// The raw value of a member, the first of repeated ones, whatever else is in the object.
pub fn raw_member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let from = value_of(text, 0, key)?;
    Some(text[from..skip(text, from)?].trim_ascii_end())
}

/// Calls `one` with the beginning of each part of an array or an object that begins here; it gives the part's end. Gives
/// where the whole ends.
fn each(text: &str, at: usize, open: u8, close: u8, one: &mut dyn FnMut(usize) -> Option<usize>) -> Option<usize> {
    if byte(text, at)? != open {
        return None;
    }
    let mut at = space(text, at + 1);
    if byte(text, at)? == close {
        return Some(at + 1);
    }
    loop {
        at = space(text, one(at)?);
        match byte(text, at)? {
            b',' => at = space(text, at + 1),
            end => return (end == close).then_some(at + 1),
        }
    }
}

/// Where the value that begins here ends, however deep it is and whatever is in it.
fn skip(text: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    loop {
        match byte(text, at)? {
            b'{' | b'[' => depth += 1,
            b'"' => at = closing_quote(text, at + 1)?,
            b'}' | b']' if depth > 0 => depth -= 1,
            // What comes after a word or a number.
            b'}' | b']' | b',' | b':' if depth == 0 => return (at > from).then_some(at),
            _ => {
                at += 1;
                continue;
            }
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn closing_quote(text: &str, mut at: usize) -> Option<usize> {
    loop {
        match byte(text, at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn space(text: &str, mut at: usize) -> usize {
    while matches!(byte(text, at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// Whether the text is nested deeper than it could be read: who reads or copies a tree calls itself for each level.
pub fn is_too_deep(text: &str) -> bool {
    matches!(super::check(text.as_bytes()), Err(fault) if fault.what == TOO_DEEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, path: &[&str]) -> Option<(Vec<String>, String)> {
        cut(text, path).map(|cut| (cut.elements.iter().map(|one| one.raw.to_string()).collect(), cut.around))
    }

    #[test]
    fn elements_come_raw() {
        let text = r#" { "total" : 3, "items" : [ {"a":"]},\"{"} , [[1],{}],-1.5e3,"x" ] , "z":null} "#;
        let (elements, around) = parts(text, &["items"]).expect("a list");
        assert_eq!(elements, [r#"{"a":"]},\"{"}"#, "[[1],{}]", "-1.5e3", r#""x""#]);
        assert_eq!(around, r#" { "total" : 3, "items" : [] , "z":null} "#);
        assert_eq!(parts("[]", &[]), Some((vec![], "[]".into())));
        assert_eq!(parts(" [1, 2 ]\n", &[]), Some((vec!["1".into(), "2".into()], " []\n".into())));
    }

    #[test]
    fn objects_come_with_their_members() {
        let cut = cut(r#"[{"a" : "x\\"y" , "\u0062":{"c":[1]}, "d": null },{},7 ]"#, &[]);
        assert!(cut.is_none(), "a quote that is not escaped");
        let text = r#"[{"a" : "x\"y" , "\u0062":{"c":[1]}, "d": null },{},7 ]"#;
        let cut = super::cut(text, &[]).expect("a list");
        let members: Vec<_> = cut.elements[0].members.iter().map(|(name, raw)| (name.as_str(), *raw)).collect();
        assert_eq!(members, [("a", r#""x\"y""#), ("b", r#"{"c":[1]}"#), ("d", "null")]);
        assert!(cut.elements[1].members.is_empty() && cut.elements[2].members.is_empty());
    }

    #[test]
    fn an_array_is_found_by_its_path() {
        let (elements, around) = parts(r#"{"a":[1],"a":[2,3]}"#, &["a"]).expect("a list");
        assert_eq!((elements.len(), around.as_str()), (1, r#"{"a":[],"a":[2,3]}"#));
        assert_eq!(parts(r#"{"data":{"items":[7]},"items":3}"#, &["data", "items"]).map(|cut| cut.0.len()), Some(1));
        assert_eq!(parts(r#"{"items":3}"#, &["items"]), None);
        assert_eq!(parts(r#"{"items":[1]}"#, &["data", "items"]), None);
    }

    #[test]
    fn what_is_cut_off_or_deep_does_no_harm() {
        let text = r#"{"items":[{"a":"b\"c"},[1,{}]],"total":2}"#;
        for end in 0..text.len() {
            let cut = parts(&text[..end], &["items"]);
            assert!(cut.is_none_or(|(_, around)| crate::json::check(around.as_bytes()).is_err()), "{}", &text[..end]);
        }
        let deep = format!("[1,{}1{},2]", "[".repeat(100_000), "]".repeat(100_000));
        let cut = cut(&deep, &[]).expect("a list");
        assert_eq!(cut.elements.iter().map(|one| one.too_deep).collect::<Vec<_>>(), [false, true, false]);
        assert!(is_too_deep(&deep) && !is_too_deep(text) && !is_too_deep("[["));
    }

    /// A list of which a part is no JSON is no list, wherever that is.
    #[test]
    fn what_is_no_json_is_not_cut() {
        for text in ["", "[", "[1,", "[,]", "[1 2]", "{", r#"{"items":}"#, r#"{"items" 1}"#, r#"["\"#, "]"] {
            assert!(parts(text, &[]).is_none() && parts(text, &["items"]).is_none(), "{text}");
        }
        let words = ["tru", "01", "1.", r#""\q""#, "[}", "/*c*/1", "\"\u{1}\"", "\"a\nb\"", r#"{"a" 1}"#, "{1:2}"];
        for word in words {
            assert!(parts(&format!(r#"[{{"id":1,"workspace":{word}}}]"#), &[]).is_none(), "{word}");
        }
        for key in [r"des\qcription", "sta\ttus", "created\u{1}_at", r"\u00"] {
            assert!(parts(&format!(r#"[{{"id":1,"{key}":1}}]"#), &[]).is_none(), "{key}");
        }
    }
}
