//! How large things may be. What is larger is refused with words (413, 422), before it costs anybody else anything.

use crate::problem::{Outcome, Problem};

/// The longest request body in bytes, unless `--max-body` says otherwise.
pub const BODY: usize = 1 << 20;

/// How deep arrays and objects of a request may be nested.
pub const JSON_DEPTH: usize = 128;

/// Values in one request, roughly. A value of a few bytes may take hundreds once it is parsed.
pub const JSON_VALUES: usize = 20_000;

/// A title or a name, in characters.
pub const TITLE: usize = 500;

/// A description, a plan, a comment: any string, in bytes.
pub const TEXT: usize = 1 << 20;

/// What is said about a project, a workspace or a label: any string, in bytes. Their lists are paged by number, where a page
/// that ends early would lose rows.
pub const ABOUT: usize = 64 << 10;

/// The texts of one page, in bytes. A list with longer ones has fewer rows a page; one row always fits.
pub const PAGE_TEXT: usize = 4 << 20;

/// Strings in one list: the ids of a bulk update.
pub const ITEMS: usize = 500;

/// Labels of one task.
pub const LABELS: usize = 100;

/// Rows of one page. Whoever asks for more gets this many.
pub const ROWS: i64 = 100;

pub fn title<'a>(field: &str, text: &'a str) -> Outcome<&'a str> {
    // Every character has at least one byte, so that most texts need no counting.
    if text.len() > TITLE && text.chars().count() > TITLE {
        return Err(Problem::invalid(field, format!("is longer than {TITLE} characters")));
    }
    Ok(text)
}

pub fn text<'a>(field: &str, text: &'a str) -> Outcome<&'a str> {
    if text.len() > TEXT {
        return Err(Problem::invalid(field, format!("is longer than {TEXT} bytes")));
    }
    Ok(text)
}

pub fn about<'a>(field: &str, text: &'a str) -> Outcome<&'a str> {
    if text.len() > ABOUT {
        return Err(Problem::invalid(field, format!("is longer than {ABOUT} bytes")));
    }
    Ok(text)
}

pub fn count(field: &str, number: usize, most: usize) -> Outcome<()> {
    if number > most {
        return Err(Problem::invalid(field, format!("has {number} entries; at most {most} are possible")));
    }
    Ok(())
}

/// Refuses what is nested too deeply, and what has too many values, by looking at brackets and commas outside strings only:
/// the parser, and whatever walks its result, may recurse.
pub fn shape(json: &[u8]) -> Outcome<()> {
    let (mut depth, mut values, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b',' => values += 1,
            b'[' | b'{' => {
                values += 1;
                depth += 1;
                if depth > JSON_DEPTH {
                    return Err(Problem::invalid("body", format!("is nested more than {JSON_DEPTH} levels deep")));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if values > JSON_VALUES {
        return Err(Problem::invalid("body", format!("has more than {JSON_VALUES} values")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(shape(nested(JSON_DEPTH).as_bytes()).is_ok());
        assert!(shape(nested(JSON_DEPTH + 1).as_bytes()).is_err());
        assert!(shape(format!(r#"{{"a\"{}": "\\"}}"#, "[".repeat(1_000)).as_bytes()).is_ok());
        assert!(shape(format!("[{}]", "[],".repeat(1_000)).as_bytes()).is_ok());
    }

    #[test]
    fn values_are_counted_outside_strings() {
        assert!(shape(format!("[{}1]", "1,".repeat(JSON_VALUES - 1)).as_bytes()).is_ok());
        assert!(shape(format!("[{}1]", "1,".repeat(JSON_VALUES)).as_bytes()).is_err());
        assert!(shape(format!("[{}]", "{}".repeat(JSON_VALUES)).as_bytes()).is_err());
        assert!(shape(format!("[\"{}\"]", ",".repeat(100_000)).as_bytes()).is_ok());
    }

    #[test]
    fn titles_are_counted_in_characters() {
        assert!(title("title", &"é".repeat(TITLE)).is_ok());
        assert!(title("title", &"é".repeat(TITLE + 1)).is_err());
    }
}
