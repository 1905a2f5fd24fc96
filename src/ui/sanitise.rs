//! Makes text from servers, files and people inert (docs/promises.md P8, docs/credentials.md "hygiene" 6): what could move the
//! cursor, colour the terminal, reorder a line or forge one becomes visible. Everything that people write with stays:
//! emoji with their joiners and variation selectors, combining marks, CJK, right-to-left letters.
//!
//! The result is for eyes. A backslash in the input stays a backslash, so it cannot be turned back.

use std::borrow::Cow;
use std::fmt::Write;

/// One line: control characters, newlines and tabs included, become `\n`, `\t`, `\x1b`, `\u{202e}`.
/// No input can produce a second line. Borrows when there is nothing to do.
pub fn line(text: &str) -> Cow<'_, str> {
    if is_inert(text) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push(&mut clean, character);
    }
    Cow::Owned(clean)
}

/// Several lines: keeps `\n` and tabs, turns `\r\n` into `\n`, shows everything else as `line` does, a lone `\r`
/// included (it would let the rest of a line overwrite its beginning).
pub fn text(text: &str) -> Cow<'_, str> {
    if is_inert(text) || !text.contains(|c: char| is_active(c) && c != '\n' && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => clean.push(character),
            '\r' if characters.peek() == Some(&'\n') => {}
            other => push(&mut clean, other),
        }
    }
    Cow::Owned(clean)
}

/// JSON text with everything that `line` would show as an escape written as `\uXXXX`, so that a document printed on a
/// terminal is inert and still means the same. `json` must be serialised already: such characters then occur inside
/// strings only, because our serialiser writes no whitespace.
pub fn json(json: &str) -> Cow<'_, str> {
    if is_inert(json) {
        return Cow::Borrowed(json);
    }
    let mut clean = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_active(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(clean, "\\u{unit:04x}").expect("a String takes everything");
            }
        } else {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

fn push(clean: &mut String, character: char) {
    match character {
        '\n' => clean.push_str("\\n"),
        '\r' => clean.push_str("\\r"),
        '\t' => clean.push_str("\\t"),
        c if !is_active(c) => clean.push(c),
        c if c <= '\u{ff}' => write!(clean, "\\x{:02x}", u32::from(c)).expect("a String takes everything"),
        c => write!(clean, "\\u{{{:x}}}", u32::from(c)).expect("a String takes everything"),
    }
}

/// Whether nothing acts. Bytes tell it of nearly every text, and much is printed: only the few bytes that a character of
/// `is_active` begins with need a closer look.
fn is_inert(text: &str) -> bool {
    let looks_active = |byte| matches!(byte, ..b' ' | b'\x7f' | 0xc2 | 0xd8 | 0xe2 | 0xef | 0xf3);
    !text.bytes().any(looks_active) || !text.contains(is_active)
}

/// Characters that act instead of being seen.
pub(super) fn is_active(character: char) -> bool {
    match character {
        // C0, DEL, C1 (`\u{9b}` is CSI in one character).
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        // Bidirectional controls: marks, embeddings, overrides, isolates (CVE-2021-42574, "Trojan Source").
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Line and paragraph separator: a new line to some terminals and to most log readers.
        '\u{2028}' | '\u{2029}' => true,
        // Byte order mark and tag characters: invisible carriers of text.
        '\u{feff}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acting_characters_become_visible() {
        let table = [
            ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
            ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
            ("\u{9b}2J", "\\x9b2J"),
            ("a\0b\x7fc\x08", "a\\x00b\\x7fc\\x08"),
            ("✓ done\n✗ forged", "✓ done\\n✗ forged"),
            ("col\tumn\r\n", "col\\tumn\\r\\n"),
            ("abc\u{202e}fdp.exe", "abc\\u{202e}fdp.exe"),
            ("\u{2066}x\u{2069}\u{200e}\u{200f}\u{61c}", "\\u{2066}x\\u{2069}\\u{200e}\\u{200f}\\u{61c}"),
            ("a\u{2028}b\u{2029}c\u{85}d", "a\\u{2028}b\\u{2029}c\\x85d"),
            ("\u{feff}\u{e0041}", "\\u{feff}\\u{e0041}"),
        ];
        for (given, shown) in table {
            assert_eq!(line(given), shown);
        }
    }

    #[test]
    fn no_acting_character_survives() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| is_active(*c)) {
            let given = format!("a{character}b");
            assert!(!is_inert(&given), "{character:?}");
            assert!(!line(&given).contains(is_active), "{character:?}");
            assert!(!text(&given).contains(|c: char| is_active(c) && c != '\n' && c != '\t'), "{character:?}");
            assert!(!json(&given).contains(is_active), "{character:?}");
        }
    }

    #[test]
    fn what_people_write_is_borrowed_as_it_is() {
        for given in [
            "",
            "Fix login",
            "👩‍👩‍👧‍👦 family, ❤️ and 👍🏽",
            "e\u{301}tude, नि, ไทย",
            "日本語のタイトル",
            "שלום עולם العربية",
            "می\u{200c}خواهم",
            "C:\\temp\\x1b",
        ] {
            assert!(matches!(line(given), Cow::Borrowed(same) if same == given), "{given}");
            assert!(matches!(text(given), Cow::Borrowed(same) if same == given), "{given}");
        }
    }

    #[test]
    fn text_keeps_its_lines() {
        assert!(matches!(text("# a\n\n\t- b\n"), Cow::Borrowed(_)));
        assert_eq!(text("a\r\nb\rc\r\n"), "a\nb\\rc\n");
        assert_eq!(text("a\r\r\nb\x1b"), "a\\r\nb\\x1b");
    }

    #[test]
    fn json_stays_the_same_document() {
        assert_eq!(json("{\"a\":\"\u{9b}\u{202e}\u{e0041}\"}"), r#"{"a":"\u009b\u202e\udb40\udc41"}"#);
    }
}
