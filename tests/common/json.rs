//! JSON as tests want it: parse or fail with the text, look things up by path, compare.

pub use miniserde::json::{Array, Number, Object, Value, to_string};

static NOTHING: Value = Value::Null;

/// Parses, or fails the test showing what was no JSON.
pub fn parse(text: &str) -> Value {
    try_parse(text).unwrap_or_else(|| panic!("this is no JSON: {text:?}"))
}

pub fn try_parse(text: &str) -> Option<Value> {
    miniserde::json::from_str(text).ok()
}

/// A string as a JSON string, quotes included.
pub fn quoted(text: &str) -> String {
    to_string(&text)
}

pub fn string(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

pub fn int(number: i64) -> Value {
    Value::Number(Number::I64(number))
}

pub fn array(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(items.into_iter().collect())
}

pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(self::members(members))
}

pub fn members<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Object {
    members.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Members have an order of their own in miniserde (a BTreeMap), so equal text is equal JSON.
pub fn same(a: &Value, b: &Value) -> bool {
    to_string(a) == to_string(b)
}

/// Finding one's way in an answer. Paths are dotted names and list positions: `data.items.0.title`.
pub trait Look {
    /// What is there; `null` when there is nothing.
    fn at(&self, path: &str) -> &Value;

    /// The text there; fails the test when it is something else.
    fn text(&self, path: &str) -> &str;

    fn int(&self, path: &str) -> i64;

    fn items(&self, path: &str) -> &[Value];
}

impl Look for Value {
    fn at(&self, path: &str) -> &Value {
        path.split('.').filter(|step| !step.is_empty()).fold(self, |value, step| match value {
            Value::Object(members) => members.get(step).unwrap_or(&NOTHING),
            Value::Array(items) => step.parse().ok().and_then(|n: usize| items.get(n)).unwrap_or(&NOTHING),
            _ => &NOTHING,
        })
    }

    fn text(&self, path: &str) -> &str {
        match self.at(path) {
            Value::String(text) => text,
            _ => panic!("no text at {path:?} in {}", to_string(self)),
        }
    }

    fn int(&self, path: &str) -> i64 {
        as_int(self.at(path)).unwrap_or_else(|| panic!("no whole number at {path:?} in {}", to_string(self)))
    }

    fn items(&self, path: &str) -> &[Value] {
        match self.at(path) {
            Value::Array(items) => items,
            _ => panic!("no list at {path:?} in {}", to_string(self)),
        }
    }
}

pub fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(Number::I64(number)) => Some(*number),
        Value::Number(Number::U64(number)) => i64::try_from(*number).ok(),
        _ => None,
    }
}

pub fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
