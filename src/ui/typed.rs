//! What a person typed for a field that is no long text, as its value.

use crate::model::Value;
use crate::model::kind::{Change, Type};
use crate::model::task::{PRIORITIES, PRIORITY, PROJECT, STATUS, STATUSES, TITLE, canonical_status};
use crate::names::Names;
use crate::sync::relate::Difference;
use crate::ui::escapes::Escapes;

/// `given`, or what is wrong with it.
pub(super) fn value(difference: &Difference, given: &str, names: &dyn Names) -> Result<Value, String> {
    let Difference { field, base, local, remote } = difference;
    let escapes = Escapes::of([base, local, remote]);
    let nothing = given.is_empty() || given == "-";
    if nothing && [TITLE, STATUS, PRIORITY, PROJECT].contains(field) {
        return Err(format!("{field} must not be empty"));
    }
    match field.ty {
        Type::Words if nothing => Ok(Value::Set(Vec::new())),
        Type::Words => Ok(Value::Set(labels(given)?.iter().map(|label| escapes.undo(label)).collect())),
        _ if nothing => Ok(Value::Null),
        Type::Text if *field == STATUS => match canonical_status(given) {
            known if STATUSES.contains(&known) => Ok(Value::Text(known.to_string())),
            _ => Err(format!("`{given}` is no status; one of {}", STATUSES.join(", "))),
        },
        Type::Int if *field == PRIORITY => match given.parse() {
            Ok(priority) if PRIORITIES.contains(&priority) => Ok(Value::Int(priority)),
            _ => Err(format!("`{given}` is no priority; {} to {}", PRIORITIES.start(), PRIORITIES.end())),
        },
        Type::Int => given.parse().map(Value::Int).map_err(|_| format!("`{given}` is no whole number")),
        Type::Number => match given.parse::<f64>() {
            Ok(hours) if hours.is_finite() && hours >= 0.0 => Ok(Value::Number(hours)),
            _ => Err(format!("`{given}` is no number of hours")),
        },
        Type::Reference(kind) => names.value(field, given).ok_or_else(|| {
            let example = if kind == "task" { "for example DEV-42" } else { "its name or id" };
            format!("`{given}` is no {kind} that is known here; {example}")
        }),
        Type::Text | Type::Time => Ok(Value::Text(escapes.undo(given))),
    }
}

/// What a server cannot be asked for. What it has already needs no asking.
pub(super) fn refuse_unsendable(difference: &Difference, value: &Value) -> Result<(), String> {
    let Difference { field, remote, .. } = difference;
    if matches!(field.change, Change::Filled | Change::Needed) && *value == Value::Null && *remote != Value::Null {
        return Err(format!("the API has no way to clear the {field}"));
    }
    Ok(())
}

/// Labels with commas between them; one in quotes may have a comma in it, and a quote that is written twice.
fn labels(given: &str) -> Result<Vec<String>, String> {
    let mut labels: Vec<String> = Vec::new();
    let mut rest = given.trim_start();
    while !rest.is_empty() {
        let label;
        (label, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted).ok_or_else(|| format!("a quote is not closed in `{given}`"))?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim().to_string(), &rest[end..])
            }
        };
        rest = match rest.trim_start().strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.trim().is_empty() => "",
            None => return Err(format!("a comma is missing before `{}`", rest.trim())),
        };
        if !label.is_empty() && !labels.contains(&label) {
            labels.push(label);
        }
    }
    Ok(labels)
}

/// What stands before the closing quote, and what stands behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut label = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        label.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                label.push('"');
                rest = more;
            }
            None => return Some((label, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Field;
    use crate::model::task::{ESTIMATE, LABELS, OWNER, PARENT};
    use crate::names::tests::Few;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn typed(field: Field, given: &str) -> Result<Value, String> {
        let (base, local, remote) = (Value::Null, Value::Null, Value::Null);
        value(&Difference { field, base, local, remote }, given, &Few)
    }

    #[test]
    fn values_are_checked_by_their_field() {
        for (field, given, value) in [
            (PRIORITY, "2", Some(Value::Int(2))),
            (PRIORITY, "3", None),
            (PRIORITY, "high", None),
            (STATUS, "in_progress", Some(text("active"))),
            (LABELS, "a, b,", Some(Value::Set(vec!["a".into(), "b".into()]))),
            (LABELS, "-", Some(Value::Set(vec![]))),
            (LABELS, "a \"b", Some(Value::Set(vec!["a \"b".into()]))),
            (LABELS, "\"a", None),
            (LABELS, "\"a\" b", None),
            (ESTIMATE, "1.5", Some(Value::Number(1.5))),
            (ESTIMATE, "NaN", None),
            (ESTIMATE, "", Some(Value::Null)),
            (PARENT, "DEV-4", Some(Value::Int(17))),
            (PARENT, "4", Some(Value::Int(17))),
            (PARENT, "17", None),
            (PARENT, "-7", None),
            (PROJECT, "Web", Some(Value::Int(3))),
            (PROJECT, "4", None),
            (PROJECT, "-", None),
            (OWNER, "ann: the first", Some(text("ann: the first"))),
            (TITLE, "", None),
        ] {
            assert_eq!(typed(field, given).ok(), value, "{field} {given:?}");
        }
    }

    #[test]
    fn labels_are_read_as_they_are_written() {
        for labels in [
            &["a", "b c"][..],
            &["needs review, urgent", "x"],
            &["-"],
            &["\"quoted\"", "in \"the\" middle", "a, \"b\""],
            &[" blank "],
        ] {
            let written = Value::Set(labels.iter().map(ToString::to_string).collect()).to_string();
            assert_eq!(super::labels(&written), Ok(labels.iter().map(ToString::to_string).collect()), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let differs = |remote| Difference { field: ESTIMATE, base: Value::Null, local: Value::Null, remote };
        assert!(refuse_unsendable(&differs(Value::Number(1.0)), &Value::Null).is_err());
        assert!(refuse_unsendable(&differs(Value::Number(1.0)), &Value::Number(2.0)).is_ok());
        assert!(refuse_unsendable(&differs(Value::Null), &Value::Null).is_ok());
    }
}
