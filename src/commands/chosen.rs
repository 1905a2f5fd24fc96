//! Parts of the document of `--json`: the members that `--fields` names, the lines of `--jsonl`.

use crate::error::{Error, Result};
use miniserde::json::{Object, Value};

/// The document with the named members alone; of a list, each item's.
///
/// # Errors
/// Nothing in it has such a member.
pub fn members(data: Value, names: &[&str]) -> Result<Value> {
    match data {
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().cloned().collect();
            Ok(Value::Array(of_each(items, names)?.into_iter().collect()))
        }
        Value::Object(mut object) if matches!(object.get("items"), Some(Value::Array(_))) => {
            if let Some(Value::Array(items)) = object.remove("items") {
                let items: Vec<Value> = items.iter().cloned().collect();
                object.insert("items".into(), Value::Array(of_each(items, names)?.into_iter().collect()));
            }
            Ok(Value::Object(object))
        }
        one => Ok(of_each(vec![one], names)?.remove(0)),
    }
}

fn of_each(items: Vec<Value>, names: &[&str]) -> Result<Vec<Value>> {
    for name in names {
        let has = |item: &Value| matches!(item, Value::Object(members) if members.contains_key(*name));
        if let Some(Value::Object(first)) = items.first().filter(|_| !items.iter().any(has)) {
            let known: Vec<&str> = first.keys().map(String::as_str).collect();
            return Err(
                Error::usage(format!("there is no field '{name}'")).hint(format!("there are: {}", known.join(", ")))
            );
        }
    }
    let only = |item: Value| match item {
        Value::Object(mut members) => {
            let mut chosen = Object::new();
            for name in names {
                chosen.extend(members.remove(*name).map(|value| (name.to_string(), value)));
            }
            Value::Object(chosen)
        }
        other => other,
    };
    Ok(items.into_iter().map(only).collect())
}

/// The items of a list; else the document itself.
pub fn items(data: Value) -> Vec<Value> {
    match data {
        Value::Array(items) => items.iter().cloned().collect(),
        Value::Object(mut object) if matches!(object.get("items"), Some(Value::Array(_))) => {
            object.remove("items").map_or_else(Vec::new, items)
        }
        one => vec![one],
    }
}
