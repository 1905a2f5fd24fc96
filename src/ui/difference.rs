//! What differs between base, local and remote, for eyes: a short form inside the conflict question and a full one for
//! its `d`. Everything here comes from a server or a person and is sanitised line by line.

use crate::error::Error;
use crate::lines::{self, Change};
use crate::model::Value;
use crate::names::shown;
use crate::sync::relate::Difference;
use crate::sync::report::Cause;
use crate::sync::report::Question;
use crate::ui::width::{columns, truncate};
use crate::ui::{Output, Style, sanitise};

/// Lines of long text in the short form; `d` shows the rest.
const SHORT: usize = 10;

/// Columns of a value or a line in the short form.
const VALUE: usize = 60;
const LINE: usize = 100;

/// The short form: one line, or for prose a heading and at most ten lines. Ends with a newline.
pub(super) fn summary(out: &Output, difference: &Difference, question: &Question<'_>) -> String {
    let Difference { field, base, local, remote } = difference;
    let cause = question.cause;
    let short = |value| truncate(&sanitise::line(&shown(field, value, question.names)), VALUE);
    if field.is_prose() {
        let (from, to, signs) = match cause {
            Cause::Changed => (local, remote, "- local, + remote"),
            Cause::DeletedThere => (base, local, "- before, + local"),
            Cause::DeletedHere => (base, remote, "- before, + remote"),
        };
        let lines = changes(out, &prose(from), &prose(to), Some(LINE));
        let more = lines.len().saturating_sub(SHORT);
        let mut text = format!("    {} ({signs}):\n", field.word);
        lines.iter().take(SHORT).for_each(|line| text.push_str(&format!("      {line}\n")));
        if more > 0 {
            text.push_str(&format!("      … {more} more {}, d shows all\n", if more == 1 { "line" } else { "lines" }));
        }
        return text;
    }
    // Long values stand below each other.
    if cause == Cause::Changed && [base, local, remote].iter().any(|value| columns(&short(value)) > 24) {
        let line = |name: &str, value| format!("      {name:7} {}\n", short(value));
        return format!(
            "    {}:\n{}{}{}",
            field.word,
            line("before", base),
            line("local", local),
            line("remote", remote)
        );
    }
    let sides = match cause {
        Cause::Changed => format!("local {}, remote {}", short(local), short(remote)),
        Cause::DeletedThere => format!("local {}", short(local)),
        Cause::DeletedHere => format!("remote {}", short(remote)),
    };
    format!("    {}: {} → {sides}\n", field.word, short(base))
}

/// One line for what only the server changed. Ends with a newline.
pub(super) fn beside(difference: &Difference, question: &Question<'_>) -> String {
    let Difference { field, base, remote, .. } = difference;
    let short = |value| truncate(&sanitise::line(&shown(field, value, question.names)), VALUE);
    let change =
        if field.is_prose() { "changed there".into() } else { format!("{} → remote {}", short(base), short(remote)) };
    format!("    {}: {change} (stays either way)\n", field.word)
}

/// The full form of every field, nothing cut, as part of a question.
pub(super) fn print(out: &mut Output, question: &Question<'_>) -> Result<(), Error> {
    for Difference { field, base, local, remote } in question.differences {
        let mut text = format!("\n  {}\n", field.word);
        if field.is_prose() {
            for (name, side) in [("local", local), ("remote", remote)] {
                text.push_str(&format!("    base → {name}:\n"));
                for line in changes(out, &prose(base), &prose(side), None) {
                    text.push_str(&format!("      {line}\n"));
                }
            }
        } else {
            for (name, value) in [("base:  ", base), ("local: ", local), ("remote:", remote)] {
                text.push_str(&format!("    {name} {}\n", sanitise::line(&shown(field, value, question.names))));
            }
        }
        out.question(&text)?;
    }
    out.question("\n")
}

/// A value as lines that all end, the last one too; nothing is no line.
pub(super) fn prose(value: &Value) -> String {
    match value {
        Value::Text(text) if !text.is_empty() => format!("{text}\n"),
        _ => String::new(),
    }
}

/// The changed lines with a line of context around them, each with its sign, inert, at most `max` columns wide.
fn changes(out: &Output, from: &str, to: &str, max: Option<usize>) -> Vec<String> {
    let Some(changes) = lines::changes(from, to) else {
        let counts = [from, to].map(|text| text.lines().count());
        return vec![format!("({} lines and {}: too long to show line by line)", counts[0], counts[1])];
    };
    let shown = changes.into_iter().map(|change| {
        let (sign, style, text) = match change {
            Change::Same(text) => (' ', Style::Dim, text),
            Change::Gone(text) => ('-', Style::Red, text),
            Change::New(text) => ('+', Style::Green, text),
        };
        let line = format!("{sign} {}", sanitise::line(text.trim_end_matches(['\r', '\n'])));
        out.paint(style, truncate(&line, max.unwrap_or(usize::MAX)).trim_end())
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{DESCRIPTION, LABELS, PARENT};
    use crate::ui::conflict::tests::question;
    use crate::ui::output::tests::captured;

    fn description(base: &str, local: &str, remote: &str) -> Difference {
        let text = |text: &str| Value::Text(text.into());
        Difference { field: DESCRIPTION, base: text(base), local: text(local), remote: text(remote) }
    }

    #[test]
    fn prose_is_shown_by_its_changed_lines() {
        let (out, _, _) = captured(Default::default());
        let difference = description("a\nb\nc\nd", "a\nB1\nc\nd", "a\nB2\x1b[2J\nc\nd\n");
        assert_eq!(
            summary(&out, &difference, &question(&[])),
            "    description (- local, + remote):\n        a\n      - B1\n      + B2\\x1b[2J\n        c\n        d\n      +\n"
        );
    }

    #[test]
    fn the_short_form_is_short_and_the_full_form_full() {
        let (mut out, stdout, _) = captured(Default::default());
        let long: String = (0..50).map(|n| format!("line {n} {}\n", "x".repeat(200))).collect();
        let difference = description("", "mine", &long);
        let short = summary(&out, &difference, &question(&[]));
        assert_eq!(short.lines().count(), 12);
        assert!(short.ends_with(" more lines, d shows all\n"), "{short}");
        assert!(short.lines().all(|line| line.chars().count() <= LINE + 6));
        print(&mut out, &question(&[difference])).unwrap();
        assert!(stdout.text().contains(&format!("      + line 49 {}\n", "x".repeat(200))));
        assert!(stdout.text().contains("    base → local:\n      + mine\n"));
    }

    #[test]
    fn ids_have_names() {
        let (mut out, stdout, _) = captured(Default::default());
        let (base, local, remote) = (Value::Null, Value::Int(17), Value::Int(4));
        let parent = Difference { field: PARENT, base, local, remote };
        assert_eq!(summary(&out, &parent, &question(&[])), "    parent: - → local DEV-4, remote id 4\n");
        print(&mut out, &question(&[parent])).unwrap();
        assert_eq!(stdout.text(), "\n  parent\n    base:   -\n    local:  DEV-4\n    remote: id 4\n\n");
    }

    #[test]
    fn values_are_one_line() {
        let (mut out, stdout, _) = captured(Default::default());
        let labels = Difference {
            field: LABELS,
            base: Value::Null,
            local: Value::Set(vec!["a".into(), "b".into()]),
            remote: Value::Set(vec!["x\n  Choice [1-3]: 1".into()]),
        };
        assert_eq!(
            summary(&out, &labels, &question(&[])),
            "    labels: - → local a, b, remote x\\n  Choice [1-3]: 1\n"
        );
        print(&mut out, &question(&[labels])).unwrap();
        assert_eq!(stdout.text(), "\n  labels\n    base:   -\n    local:  a, b\n    remote: x\\n  Choice [1-3]: 1\n\n");
    }
}
