//! Cuts a text at an array of objects without reading what is in them: neither their depth nor a fault in one of them
//! matters. Who reads the members and what is around the array finds out whether they are JSON.

/// An array and what it is in.
pub struct Cut<'a> {
    pub elements: Vec<Element<'a>>,
    /// The text with `[]` in the array's place.
    pub around: String,
}

/// One element: its text, and where it is an object its members.
pub struct Element<'a> {
    pub raw: &'a str,
    pub members: Vec<RawMember<'a>>,
}

/// A key as it is written between its quotes, and the text of its value.
pub type RawMember<'a> = (&'a str, &'a str);

/// Cuts the array that is the value at a path of keys, the first of repeated ones; `[]` is the whole text. `None` if there
/// is none.
pub fn cut<'a>(text: &'a str, path: &[&str]) -> Option<Cut<'a>> {
    let mut at = space(text, 0);
    for key in path {
        at = value_of(text, at, key)?;
    }
    let mut elements = Vec::new();
    let end = each(text, at, b'[', b']', &mut |from| {
        let mut members = Vec::new();
        let end = match byte(text, from)? {
            b'{' => each(text, from, b'{', b'}', &mut |from| {
                let (key, value) = key(text, from)?;
                let end = skip(text, value)?;
                members.push((key, &text[value..end]));
                Some(end)
            })?,
            _ => skip(text, from)?,
        };
        elements.push(Element { raw: &text[from..end], members });
        Some(end)
    })?;
    Some(Cut { elements, around: [&text[..at], "[]", &text[end..]].concat() })
}

/// Where the value of a key begins in the object that begins here.
fn value_of(text: &str, at: usize, wanted: &str) -> Option<usize> {
    let mut found = None;
    each(text, at, b'{', b'}', &mut |from| {
        let (key, value) = key(text, from)?;
        found = (key == wanted).then_some(value);
        if found.is_some() { None } else { skip(text, value) }
    });
    found
}

/// The key that begins here, and where its value does.
fn key(text: &str, from: usize) -> Option<(&str, usize)> {
    let end = if byte(text, from)? == b'"' { skip(text, from)? } else { return None };
    let colon = space(text, end);
    (byte(text, colon)? == b':').then(|| (&text[from + 1..end - 1], space(text, colon + 1)))
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

/// Where the value that begins here ends.
fn skip(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (from, 0_usize);
    loop {
        match *bytes.get(at)? {
            b'{' | b'[' => depth += 1,
            b'"' => at = closing_quote(bytes, at + 1)?,
            b'}' | b']' if depth > 0 => depth -= 1,
            // What comes after a word or a number.
            b'}' | b']' | b',' | b':' if depth == 0 => {
                let end = from + text[from..at].trim_ascii_end().len();
                return (end > from).then_some(end);
            }
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

fn closing_quote(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
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
        assert_eq!(parts(" [1, 2]\n", &[]), Some((vec!["1".into(), "2".into()], " []\n".into())));
    }

    #[test]
    fn objects_come_with_their_members() {
        let cut = cut(r#"[{"a" : "x\"y" , "b":{"c":[1]}, "d": null },{},7 ]"#, &[]).expect("a list");
        assert_eq!(cut.elements[0].members, [("a", r#""x\"y""#), ("b", r#"{"c":[1]}"#), ("d", "null")]);
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
        let deep = format!("[{}1{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parts(&deep, &[]).map(|cut| cut.0.len()), Some(1));
        for text in ["", "[", "[1,", "[,]", "{", r#"{"items":}"#, r#"{"items" 1}"#, r#"["\"#, "]"] {
            assert!(parts(text, &[]).is_none() && parts(text, &["items"]).is_none(), "{text}");
        }
    }
}
