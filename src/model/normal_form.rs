//! Unicode's composed normal form (NFC, UAX 15): one spelling of characters that can be written in several ways. The
//! tables are written by build.rs.

include!(concat!(env!("OUT_DIR"), "/normal_form.rs"));

/// Hangul syllables are made by counting: 28 finals for each of 21 vowels for each of 19 initials.
const SYLLABLE: u32 = 0xac00;
const INITIAL: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
/// One before the first: number 0 is a syllable without a final.
const FINAL: u32 = 0x11a7;
const INITIALS: u32 = 19;
const VOWELS: u32 = 21;
const FINALS: u32 = 28;

/// A character behind its combining class. Class 0 starts a character as people see it.
type Classed = (u8, char);

/// The text with its characters composed.
pub fn composed(text: &str) -> String {
    let mut parts = Vec::with_capacity(text.len());
    text.chars().for_each(|c| take_apart(c, &mut parts));
    parts.chunk_by_mut(|one, next| one.0 > 0 && next.0 > 0).for_each(put_in_order);
    put_together(parts).into_iter().map(|(_, c)| c).collect()
}

fn take_apart(c: char, to: &mut Vec<Classed>) {
    if let Ok(at) = SINGLE.binary_search_by_key(&c, |row| row.0) {
        return take_apart(SINGLE[at].1, to);
    }
    if let Ok(at) = PAIRS.binary_search_by_key(&c, |row| row.0) {
        take_apart(PAIRS[at].1, to);
        return take_apart(PAIRS[at].2, to);
    }
    match (c as u32).checked_sub(SYLLABLE).filter(|number| *number < INITIALS * VOWELS * FINALS) {
        None => to.push((class(c), c)),
        Some(number) => {
            let letters =
                [INITIAL + number / FINALS / VOWELS, VOWEL + number / FINALS % VOWELS, FINAL + number % FINALS];
            to.extend(letters.into_iter().filter(|letter| *letter != FINAL).filter_map(char::from_u32).map(|c| (0, c)));
        }
    }
}

/// Marks of one class stay as they came. There are 255 classes at most: nothing here needs a sort.
fn put_in_order(marks: &mut [Classed]) {
    if marks.is_sorted_by_key(|mark| mark.0) {
        return;
    }
    let found = marks.to_vec();
    let ordered = (1..=u8::MAX).flat_map(|class| found.iter().filter(move |mark| mark.0 == class));
    for (place, mark) in marks.iter_mut().zip(ordered) {
        *place = *mark;
    }
}

fn class(c: char) -> u8 {
    MARKS.binary_search(&c).map_or(0, |at| CLASSES[at])
}

/// Each mark goes into the last character that starts one, if the two have a composed form and no mark of the same class
/// stands between them.
fn put_together(parts: Vec<Classed>) -> Vec<Classed> {
    let mut whole: Vec<Classed> = Vec::with_capacity(parts.len());
    let mut start = None;
    for (class, c) in parts {
        let reached = |at: &usize| *at + 1 == whole.len() || whole.last().is_some_and(|(before, _)| *before < class);
        if let Some(at) = start.filter(reached)
            && let Some(both) = pair(whole[at].1, c)
        {
            whole[at].1 = both;
            continue;
        }
        if class == 0 {
            start = Some(whole.len());
        }
        whole.push((class, c));
    }
    whole
}

fn pair(first: char, second: char) -> Option<char> {
    let row = |at: &u16| PAIRS[usize::from(*at)];
    match COMPOSED.binary_search_by_key(&(first, second), |at| (row(at).1, row(at).2)) {
        Ok(at) => Some(row(&COMPOSED[at]).0),
        Err(_) => syllable(first as u32, second as u32).and_then(char::from_u32),
    }
}

/// An initial and a vowel, or a syllable without a final and a final.
fn syllable(first: u32, second: u32) -> Option<u32> {
    let number = |c: u32, from: u32, count: u32| c.checked_sub(from).filter(|number| *number < count);
    if let (Some(initial), Some(vowel)) = (number(first, INITIAL, INITIALS), number(second, VOWEL, VOWELS)) {
        return Some(SYLLABLE + (initial * VOWELS + vowel) * FINALS);
    }
    let open = number(first, SYLLABLE, INITIALS * VOWELS * FINALS).filter(|number| number % FINALS == 0)?;
    number(second, FINAL, FINALS).filter(|last| *last > 0).map(|last| SYLLABLE + open + last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    fn check(text: &str) {
        assert_eq!(composed(text), text.nfc().collect::<String>(), "{:?}", text.escape_unicode().to_string());
    }

    /// Each alone, taken apart, and with marks of two classes behind it.
    #[test]
    fn every_character_is_composed_as_unicode_says() {
        for c in '\0'..='\u{2ffff}' {
            let text = c.to_string();
            let apart: String = text.nfd().collect();
            check(&text);
            if apart != text {
                check(&apart);
                check(&format!("{apart}\u{301}\u{323}"));
            }
        }
        check(&('\u{30000}'..=char::MAX).collect::<String>());
    }

    /// Marks in every order, letters of syllables that do not fit together, and starters that compose with each other.
    #[test]
    fn every_sequence_of_four_is_composed_as_unicode_says() {
        let letters = [
            'a', 's', '\u{e9}', '\u{1e63}', '\u{301}', '\u{308}', '\u{323}', '\u{327}', '\u{345}', '\u{1100}',
            '\u{1161}', '\u{11a7}', '\u{11a8}', '\u{ac00}', '\u{ac01}', '\u{9c7}', '\u{9be}', '\u{5e9}', '\u{5bc}',
            '\u{5c1}',
        ];
        for number in 0..letters.len().pow(4) {
            let at = |place: u32| letters[number / letters.len().pow(place) % letters.len()];
            check(&(0..4).map(at).collect::<String>());
        }
    }
}
