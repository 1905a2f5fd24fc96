//! Notes on a task: entries of a log at the end of its description, as the published clients write them (api.md 6.3).
//!
//! ```text
//! What the task is about.
//!
//! ## Events
//!
//! ### 2025-10-16 10:00 - Note
//! - Seen on the staging machine too
//! ```
//!
//! Pure text; knows no task and no clock.

use std::collections::HashSet;

const HEADING: &str = "## Events";

/// How an entry begins; `d` is a digit.
const FORM: &[u8] = b"### dddd-dd-dd dd:dd - ";

/// The description with a note at its end. `minute` is `2025-10-16 10:00`, `what` is `Note` or `Completed`.
pub fn add(description: &str, minute: &str, what: &str, note: &str) -> String {
    let mut text = closed(description);
    if split(&text).is_none() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(HEADING);
        text.push('\n');
    }
    text + &format!("\n### {minute} - {what}\n- {}\n", note.trim())
}

/// The notes of both sides, where all that they did to the notes was to add some: `base` with everybody's, in the order
/// of their times, whichever side is called which. `merge` brings the three texts before the notes together. `None`
/// when nobody added one, when old ones were changed, or when `merge` cannot.
pub fn merge(
    base: &str,
    local: &str,
    remote: &str,
    merge: impl FnOnce(&str, &str, &str) -> Option<String>,
) -> Option<String> {
    let [local, remote] = [local, remote].map(|text| split(text).ok_or(text));
    let gap = [&local, &remote].into_iter().flatten().map(|parts| parts.gap).max()?;
    let whole = |parts: Result<Parts<'_>, &str>| match parts {
        Ok(parts) => (parts.before.to_string(), closed(parts.notes)),
        Err(text) => (text.trim_end_matches('\n').to_string(), String::new()),
    };
    let (before_base, old) = whole(split(base).ok_or(base));
    let (before_local, local) = whole(local);
    let (before_remote, remote) = whole(remote);
    let added = by_time(entries(local.strip_prefix(&old)?)?, entries(remote.strip_prefix(&old)?)?);
    if added.is_empty() {
        return None;
    }
    let before = merge(&before_base, &before_local, &before_remote)?;
    let gap = if gap.is_empty() && !before.is_empty() { "\n\n" } else { gap };
    let added: String = added.iter().map(|entry| format!("\n{entry}\n")).collect();
    Some(format!("{before}{gap}{HEADING}\n{old}{added}"))
}

/// A description cut at the heading of its notes.
struct Parts<'a> {
    before: &'a str,
    /// Line ends between what stands before and the heading.
    gap: &'a str,
    /// All lines behind the heading.
    notes: &'a str,
}

/// `None` for a text without notes.
fn split(text: &str) -> Option<Parts<'_>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == HEADING {
            let before = text[..at].trim_end_matches('\n');
            return Some(Parts { before, gap: &text[before.len()..at], notes: &text[at + line.len()..] });
        }
        at += line.len();
    }
    None
}

/// The entries that a text consists of, without the blank lines around them. `None` if there is anything else in it.
fn entries(text: &str) -> Option<Vec<&str>> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if is_head(line) {
            starts.push(at);
        } else if starts.is_empty() && !line.trim().is_empty() {
            return None;
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    Some(starts.iter().zip(ends).map(|(start, end)| text[*start..end].trim_end_matches('\n')).collect())
}

/// Both lists in one, each in its own order, an entry that both have once.
fn by_time<'a>(one: Vec<&'a str>, other: Vec<&'a str>) -> Vec<&'a str> {
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    let mut all: Vec<&str> = Vec::new();
    let mut known = HashSet::new();
    loop {
        let next = match (one.peek(), other.peek()) {
            // The minute first; within it anything will do that does not depend on who is who.
            (Some(a), Some(b)) if (&a[..FORM.len()], a) <= (&b[..FORM.len()], b) => one.next(),
            (Some(_), None) => one.next(),
            _ => other.next(),
        };
        let Some(next) = next else { return all };
        if known.insert(next) {
            all.push(next);
        }
    }
}

/// `### 2025-10-16 10:00 - Note`. A note may have headings of its own, so it is the time that tells.
fn is_head(line: &str) -> bool {
    let fits = |(form, byte): (&u8, &u8)| if *form == b'd' { byte.is_ascii_digit() } else { form == byte };
    line.len() >= FORM.len() && FORM.iter().zip(line.as_bytes()).all(fits)
}

/// The text with its last line ended. An empty text has no line.
fn closed(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_string() } else { format!("{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(base: &str, local: &str, remote: &str) -> Option<String> {
        match (local == base, remote == base || remote == local) {
            (_, true) => Some(local.into()),
            (true, _) => Some(remote.into()),
            _ => None,
        }
    }

    fn both(base: &str, local: &str, remote: &str) -> Option<String> {
        let merged = merge(base, local, remote, same);
        assert_eq!(merged, merge(base, remote, local, same), "whichever side is called which");
        merged
    }

    #[test]
    fn a_note_goes_under_one_heading() {
        let first = add("About", "2025-10-16 10:00", "Note", " one\n");
        assert_eq!(first, "About\n\n## Events\n\n### 2025-10-16 10:00 - Note\n- one\n");
        let second = add(&first, "2025-10-16 10:01", "Completed", "two");
        assert_eq!(second, format!("{first}\n### 2025-10-16 10:01 - Completed\n- two\n"));
        assert_eq!(add("", "2025-10-16 10:00", "Note", "x"), "## Events\n\n### 2025-10-16 10:00 - Note\n- x\n");
    }

    #[test]
    fn notes_of_both_sides_are_kept_in_the_order_of_time() {
        let note = |text: &str, minute: &str, note: &str| add(text, &format!("2025-10-16 {minute}"), "Note", note);
        let (mine, yours) = (note("", "10:00", "z"), note("", "10:00", "m"));
        let (mine, yours) =
            (add(&mine, "2025-10-16 10:00", "Completed", "a"), add(&yours, "2025-10-16 10:01", "Note", "a"));
        let merged = both("", &mine, &yours).expect("only notes were added");
        let order: Vec<&str> = merged.lines().filter(|line| line.starts_with("- ")).collect();
        assert_eq!(order, ["- m", "- z", "- a", "- a"], "each side's order is kept within a minute");
        for base in ["", "About", "About\n", &note("About", "09:00", "old")] {
            let (local, remote) = (note(base, "10:02", "ours"), note(base, "10:01", "theirs"));
            let wanted = note(&note(base, "10:01", "theirs"), "10:02", "ours");
            assert_eq!(both(base, &local, &remote).as_deref(), Some(&*wanted), "{base:?}");
            let more = note(&local, "10:03", "### a heading\n## Events\n\n- of its own");
            let wanted = note(&wanted, "10:03", "### a heading\n## Events\n\n- of its own");
            assert_eq!(both(base, &more, &remote).as_deref(), Some(&*wanted), "{base:?}");
        }
    }

    #[test]
    fn a_note_and_a_change_before_it() {
        let local = add("About", "2025-10-16 10:00", "Note", "ours");
        let wanted = add("More about", "2025-10-16 10:00", "Note", "ours");
        assert_eq!(both("About", &local, "More about").as_deref(), Some(&*wanted));
        let noted = add("", "2025-10-16 10:00", "Note", "ours");
        let wanted_first = add("Theirs", "2025-10-16 10:00", "Note", "ours");
        assert_eq!(both("", &noted, "Theirs").as_deref(), Some(&*wanted_first));
        let theirs = add("Less about", "2025-10-16 10:00", "Note", "theirs");
        let wanted = add(&wanted.replace("More", "Less"), "2025-10-16 10:00", "Note", "theirs");
        assert_eq!(both("About", &local, &theirs).as_deref(), Some(&*wanted));
    }

    #[test]
    fn thousands_of_notes_take_no_time() {
        let notes = |side: &str| -> String {
            (0..60_000).map(|n| format!("\n### 2025-10-16 10:{:02} - Note\n- {side} {n}\n", n / 1000)).collect()
        };
        let [mine, theirs] = ["mine", "theirs"].map(|side| format!("{HEADING}\n{}", notes(side)));
        let began = std::time::Instant::now();
        let merged = both("", &mine, &theirs).expect("only notes were added");
        assert_eq!(merged.matches("\n- ").count(), 120_000);
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }

    #[test]
    fn what_is_no_addition_is_left_to_others() {
        let base = add("About", "2025-10-16 10:00", "Note", "old");
        let ours = add(&base, "2025-10-16 10:01", "Note", "ours");
        for remote in [
            base.replace("old", "changed"),
            format!("{base}\nfree text behind it\n"),
            base.replace("### 2025-10-16 10:00 - Note\n- old\n", ""),
            "Other".into(),
        ] {
            assert_eq!(both(&base, &ours, &remote), None, "{remote:?}");
        }
        assert_eq!(both("About", "Ours", "Theirs"), None);
    }
}
