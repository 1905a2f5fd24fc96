//! How many terminal columns text takes, and cutting, padding and wrapping by columns instead of characters.
//! Works on clusters, so that an emoji made of five characters or a letter with its accents is never torn apart.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const JOINER: char = '\u{200d}';

/// Columns that sanitised text takes on a terminal.
pub fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// `text` in at most `max` columns; what had to be cut is shown by `…`.
pub fn truncate(text: &str, max: usize) -> String {
    if columns(text) <= max {
        return text.to_string();
    }
    if max == 0 {
        return String::new();
    }
    let (mut used, mut end) = (0, 0);
    for cluster in clusters(text) {
        used += columns(cluster);
        if used >= max {
            break;
        }
        end += cluster.len();
    }
    format!("{}…", text[..end].trim_end())
}

/// `text` broken between words into lines of at most `max` columns. A word longer than that (a URL) has a line of its
/// own and is not broken. The first line is never missing.
pub fn wrap(text: &str, max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let wide = columns(word);
        if used > 0 && used + 1 + wide > max {
            lines.push(String::new());
            used = 0;
        }
        let line = lines.last_mut().expect("there is always a line");
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += wide;
    }
    lines
}

/// What a person sees as one character: a base with its marks, selectors, skin tones and joined parts.
fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut before = None;
        let end = rest
            .char_indices()
            .find(|(_, character)| {
                let continues = before.is_none_or(|b| b == JOINER) || extends(*character);
                before = Some(*character);
                !continues
            })
            .map_or(rest.len(), |(at, _)| at);
        let (cluster, after) = rest.split_at(end);
        rest = after;
        (!cluster.is_empty()).then_some(cluster)
    })
}

fn extends(character: char) -> bool {
    character.width() == Some(0) || ('\u{1f3fb}'..='\u{1f3ff}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_columns() {
        for (text, expected) in [("abc", 3), ("日本", 4), ("e\u{301}", 1), ("👩‍👩‍👧‍👦", 2), ("👍🏽", 2), ("❤\u{fe0f}", 2)]
        {
            assert_eq!(columns(text), expected, "{text}");
        }
    }

    #[test]
    fn truncates_by_columns_and_never_inside_a_character() {
        assert_eq!(truncate("abcdef", 6), "abcdef");
        assert_eq!(truncate("abcdef", 4), "abc…");
        assert_eq!(truncate("ab cdef", 4), "ab…");
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 3), "👩‍👩‍👧‍👦…");
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(truncate("abc", 0), "");
        for max in 0..12 {
            assert!(columns(&truncate("a👍🏽日e\u{301}❤\u{fe0f}🇩🇪 words", max)) <= max);
        }
    }

    #[test]
    fn wraps_between_words() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(
            wrap("see https://example.org/very/long for more", 12),
            ["see", "https://example.org/very/long", "for more"]
        );
        assert_eq!(wrap("", 10), [""]);
    }
}
