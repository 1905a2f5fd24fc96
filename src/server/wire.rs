//! JSON out: how values become JSON, and the shapes of lists (api.md 1.5). Objects of one resource are written
//! beside its handlers.

use anyt::time::Timestamp;
use miniserde::json::{Number, Value};

/// A value that has a JSON form.
pub trait Json {
    fn json(self) -> Value;
}

impl Json for Value {
    fn json(self) -> Value {
        self
    }
}

impl Json for &str {
    fn json(self) -> Value {
        Value::String(self.to_string())
    }
}

impl Json for String {
    fn json(self) -> Value {
        Value::String(self)
    }
}

impl Json for i64 {
    fn json(self) -> Value {
        Value::Number(Number::I64(self))
    }
}

impl Json for f64 {
    fn json(self) -> Value {
        Value::Number(Number::F64(self))
    }
}

impl Json for bool {
    fn json(self) -> Value {
        Value::Bool(self)
    }
}

impl Json for Timestamp {
    fn json(self) -> Value {
        Value::String(self.rfc3339())
    }
}

impl<T: Json> Json for Option<T> {
    fn json(self) -> Value {
        self.map_or(Value::Null, Json::json)
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(self) -> Value {
        Value::Array(self.into_iter().map(Json::json).collect())
    }
}

pub fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

/// Which part of a list was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Page {
    pub limit: i64,
    pub offset: i64,
}

/// A list with every paging key that any client generation requires (api.md 4.11).
pub fn page(items: Vec<Value>, total: i64, part: Page) -> Value {
    let size = part.limit.max(1);
    object([
        ("items", items.json()),
        ("total", total.json()),
        ("limit", part.limit.json()),
        ("offset", part.offset.json()),
        ("page", (part.offset / size + 1).json()),
        ("per_page", part.limit.json()),
        ("total_pages", ((total + size - 1) / size).json()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_counts_itself() {
        let text = miniserde::json::to_string(&page(vec![], 101, Page { limit: 50, offset: 50 }));
        assert_eq!(text, r#"{"items":[],"limit":50,"offset":50,"page":2,"per_page":50,"total":101,"total_pages":3}"#);
    }
}
