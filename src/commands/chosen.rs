//! Parts of the document of `--json`: the members that `--fields` names, the lines of `--jsonl`.

use crate::document::text;
use crate::error::{Error, Result};
use miniserde::json::{Object, Value};

/// The document with the named members alone; of a list, each item's. `item`: one as the list would have it.
///
/// # Errors
/// Nothing in it has such a member.
pub fn members(data: Value, names: &[&str], item: Option<&Value>) -> Result<Value> {
    match data {
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().cloned().collect();
            Ok(Value::Array(of_each(items, names, item)?.into_iter().collect()))
        }
        Value::Object(mut object) if is_list(&object) => {
            if let Some(Value::Array(items)) = object.remove("items") {
                let items: Vec<Value> = items.iter().cloned().collect();
                object.insert("items".into(), Value::Array(of_each(items, names, item)?.into_iter().collect()));
            }
            Ok(Value::Object(object))
        }
        one => Ok(of_each(vec![one], names, None)?.remove(0)),
    }
}

fn of_each(items: Vec<Value>, names: &[&str], item: Option<&Value>) -> Result<Vec<Value>> {
    for name in names {
        let has = |item: &Value| matches!(item, Value::Object(members) if members.contains_key(*name));
        let first = items.first().or(item).filter(|_| !items.iter().chain(item).any(has));
        if let Some(Value::Object(first)) = first {
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

/// The items of a list; those of all lists that it has as members, each with the `list` that it is of; else the document
/// itself.
pub fn items(data: Value) -> Vec<Value> {
    match data {
        Value::Array(items) => items.iter().cloned().collect(),
        Value::Object(mut object) if is_list(&object) => object.remove("items").map_or_else(Vec::new, items),
        Value::Object(object) if object.values().any(has_items) => {
            let lists = object.into_iter().filter(|(_, list)| has_items(list));
            lists.flat_map(|(name, list)| items(list).into_iter().map(move |item| of_list(item, &name))).collect()
        }
        one => vec![one],
    }
}

fn is_list(object: &Object) -> bool {
    matches!(object.get("items"), Some(Value::Array(_)))
}

fn has_items(value: &Value) -> bool {
    matches!(value, Value::Object(object) if is_list(object))
}

/// An item with the name of the list that it is of.
pub fn of_list(mut item: Value, name: &str) -> Value {
    if let Value::Object(members) = &mut item {
        members.insert("list".into(), text(name));
    }
    item
}
