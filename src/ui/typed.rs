//! What a person typed for a field that is no long text, as its value.

use crate::model::{Field, PRIORITIES, STATUSES, Value, canonical_status};
use crate::names::Names;
use crate::ui::conflict::FieldDifference;
use crate::ui::original::Escapes;
use crate::ui::sanitise;

/// `given`, or what is wrong with it.
pub(super) fn value(difference: &FieldDifference, given: &str, names: &dyn Names) -> Result<Value, String> {
    let FieldDifference { field, base, local, remote } = difference;
    let escapes = Escapes::of([base, local, remote], sanitise::line);
    let nothing = given.is_empty() || given == "-";
    match *field {
        Field::Title | Field::Status | Field::Priority | Field::Project if nothing => {
            Err(format!("{} must not be empty", field.word()))
        }
        Field::Status => match canonical_status(given) {
            known if STATUSES.contains(&known) => Ok(Value::Text(known.to_string())),
            _ => Err(format!("`{given}` is no status; one of {}", STATUSES.join(", "))),
        },
        Field::Priority => match given.parse() {
            Ok(priority) if PRIORITIES.contains(&priority) => Ok(Value::Int(priority)),
            _ => Err(format!("`{given}` is no priority; {} to {}", PRIORITIES.start(), PRIORITIES.end())),
        },
        Field::Labels if nothing => Ok(Value::Set(Vec::new())),
        Field::Labels => Ok(Value::Set(labels(given)?.iter().map(|label| escapes.undo(label)).collect())),
        _ if nothing => Ok(Value::Null),
        Field::Estimate => match given.parse::<f64>() {
            Ok(hours) if hours.is_finite() && hours >= 0.0 => Ok(Value::Number(hours)),
            _ => Err(format!("`{given}` is no number of hours")),
        },
        Field::Parent => match names.id(*field, given) {
            Some(id) => Ok(Value::Int(id)),
            None => Err(format!("`{given}` is no task that is known here; for example DEV-42")),
        },
        Field::Project => match names.id(*field, given) {
            Some(id) => Ok(Value::Int(id)),
            None => Err(format!("`{given}` is no project that is known here; its name or id")),
        },
        _ => Ok(Value::Text(escapes.undo(given))),
    }
}

/// What a server cannot be asked for. What it has already needs no asking.
pub(super) fn refuse_unsendable(difference: &FieldDifference, value: &Value) -> Result<(), String> {
    let field = difference.field;
    let stays = matches!(field, Field::Estimate | Field::Parent | Field::Priority | Field::Project);
    if stays && *value == Value::Null && difference.remote != Value::Null {
        return Err(format!("the API has no way to clear the {}", field.word()));
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
    use crate::names::tests::Few;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn typed(field: Field, given: &str) -> Result<Value, String> {
        let (base, local, remote) = (Value::Null, Value::Null, Value::Null);
        value(&FieldDifference { field, base, local, remote }, given, &Few)
    }

    #[test]
    fn values_are_checked_by_their_field() {
        for (field, given, value) in [
            (Field::Priority, "2", Some(Value::Int(2))),
            (Field::Priority, "3", None),
            (Field::Priority, "high", None),
            (Field::Status, "in_progress", Some(text("active"))),
            (Field::Labels, "a, b,", Some(Value::Set(vec!["a".into(), "b".into()]))),
            (Field::Labels, "-", Some(Value::Set(vec![]))),
            (Field::Labels, "a \"b", Some(Value::Set(vec!["a \"b".into()]))),
            (Field::Labels, "\"a", None),
            (Field::Labels, "\"a\" b", None),
            (Field::Estimate, "1.5", Some(Value::Number(1.5))),
            (Field::Estimate, "NaN", None),
            (Field::Estimate, "", Some(Value::Null)),
            (Field::Parent, "DEV-4", Some(Value::Int(17))),
            (Field::Parent, "4", Some(Value::Int(17))),
            (Field::Parent, "17", None),
            (Field::Parent, "-7", None),
            (Field::Project, "Web", Some(Value::Int(3))),
            (Field::Project, "4", None),
            (Field::Project, "-", None),
            (Field::Owner, "ann: the first", Some(text("ann: the first"))),
            (Field::Title, "", None),
        ] {
            assert_eq!(typed(field, given).ok(), value, "{field:?} {given:?}");
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
        let differs =
            |remote| FieldDifference { field: Field::Estimate, base: Value::Null, local: Value::Null, remote };
        assert!(refuse_unsendable(&differs(Value::Number(1.0)), &Value::Null).is_err());
        assert!(refuse_unsendable(&differs(Value::Number(1.0)), &Value::Number(2.0)).is_ok());
        assert!(refuse_unsendable(&differs(Value::Null), &Value::Null).is_ok());
    }
}
