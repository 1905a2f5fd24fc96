//! Back from what was shown to what it was: a value is shown on one line with its control and bidirectional characters as
//! escapes (P8); those that stand in what somebody typed around them mean the characters again.

use crate::model::Value;
use crate::ui::sanitise;

/// The characters of some values that are shown as escapes, to be found again in a line that was changed around them.
pub(super) struct Escapes(Vec<(String, char)>);

impl Escapes {
    pub fn of(values: [&Value; 3]) -> Escapes {
        let texts = values.map(Value::to_string);
        let shown = texts.each_ref().map(|text| sanitise::line(text));
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

    #[test]
    fn escapes_mean_the_characters_unless_somebody_wrote_them() {
        let undo = |value: &str, typed: &str| {
            let (value, nothing) = (Value::Text(value.into()), Value::Null);
            Escapes::of([&nothing, &value, &nothing]).undo(typed)
        };
        assert_eq!(undo("x\u{202e}y", "x\\u{202e}Y"), "x\u{202e}Y");
        assert_eq!(undo("a\u{200f}b \\u{200f}", "A\\u{200f}b \\u{200f}"), "A\\u{200f}b \\u{200f}");
        assert_eq!(undo("plain", "\\n and \\r"), "\\n and \\r");
    }
}
