//! JSON out: how values become JSON, and the shapes of lists (api.md 1.5). Objects of one resource are written
//! beside its handlers.

use anyt::time::Timestamp;
use miniserde::json::{self, Number, Value};

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
    let numbers = numbers(total, part).map(|(name, number)| (name, number.json()));
    object([("items", items.json())].into_iter().chain(numbers))
}

/// The same as text; `write` writes each item.
pub fn written_page<T>(items: &[T], write: impl Fn(&T, &mut String), total: i64, part: Page) -> String {
    let mut out = String::with_capacity(items.len() * 1_024);
    out.push_str("{\"items\":");
    write_list(items, write, &mut out);
    for (name, number) in numbers(total, part) {
        out.push_str(&format!(",\"{name}\":{number}"));
    }
    out.push('}');
    out
}

fn numbers(total: i64, part: Page) -> [(&'static str, i64); 6] {
    let size = part.limit.max(1);
    [
        ("total", total),
        ("limit", part.limit),
        ("offset", part.offset),
        ("page", part.offset / size + 1),
        ("per_page", part.limit),
        ("total_pages", (total + size - 1) / size),
    ]
}

/// A JSON object that is written member by member. A list of a hundred tasks has thousands of members: to make a value of
/// each takes longer than to read them from the database.
pub struct Members<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl Members<'_> {
    /// Writes an object with what `add` adds.
    pub fn write(out: &mut String, add: impl FnOnce(&mut Members)) {
        out.push('{');
        add(&mut Members { out, is_empty: true });
        out.push('}');
    }

    pub fn add(&mut self, name: &'static str, value: impl Written) {
        self.name(name);
        value.write(self.out);
    }

    /// A value that something else writes.
    pub fn add_written(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        self.name(name);
        write(self.out);
    }

    pub fn add_object(&mut self, name: &'static str, add: impl FnOnce(&mut Members)) {
        self.name(name);
        Members::write(self.out, add);
    }

    /// `name` needs no escapes.
    fn name(&mut self, name: &'static str) {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }
}

/// A value that can be written as JSON.
pub trait Written {
    fn write(self, out: &mut String);
}

impl Written for &str {
    fn write(self, out: &mut String) {
        if self.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
            out.push_str(&json::to_string(self));
            return;
        }
        out.push('"');
        out.push_str(self);
        out.push('"');
    }
}

impl Written for &String {
    fn write(self, out: &mut String) {
        self.as_str().write(out);
    }
}

impl Written for i64 {
    fn write(self, out: &mut String) {
        out.push_str(&json::to_string(&self));
    }
}

impl Written for f64 {
    fn write(self, out: &mut String) {
        out.push_str(&json::to_string(&self));
    }
}

impl Written for bool {
    fn write(self, out: &mut String) {
        out.push_str(if self { "true" } else { "false" });
    }
}

impl Written for Timestamp {
    fn write(self, out: &mut String) {
        self.rfc3339().as_str().write(out);
    }
}

impl<'a, T> Written for &'a Option<T>
where
    &'a T: Written,
{
    fn write(self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
}

impl Written for &i64 {
    fn write(self, out: &mut String) {
        (*self).write(out);
    }
}

impl Written for &f64 {
    fn write(self, out: &mut String) {
        (*self).write(out);
    }
}

impl Written for &Timestamp {
    fn write(self, out: &mut String) {
        (*self).write(out);
    }
}

impl Written for &Vec<String> {
    fn write(self, out: &mut String) {
        write_list(self, Written::write, out);
    }
}

/// An array; `write` writes each item.
pub fn write_list<'a, T>(items: &'a [T], write: impl Fn(&'a T, &mut String), out: &mut String) {
    out.push('[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_counts_itself() {
        let text = miniserde::json::to_string(&page(vec![], 101, Page { limit: 50, offset: 50 }));
        assert_eq!(text, r#"{"items":[],"limit":50,"offset":50,"page":2,"per_page":50,"total":101,"total_pages":3}"#);
    }

    #[test]
    fn what_is_written_reads_as_what_is_meant() {
        let mut out = String::new();
        let texts = ["plain \u{e9}", "\"quoted\" \\", "\u{0}\n\u{7f}\u{2028}"].map(str::to_string).to_vec();
        Members::write(&mut out, |members| {
            members.add("texts", &texts);
            members.add("none", &None::<String>);
            members.add_object("inner", |inner| inner.add("number", &Some(-1.5)));
            members.add("flag", true);
            members.add("at", Timestamp(0));
        });
        let at = Timestamp(0).rfc3339().json();
        let inner = object([("number", (-1.5).json())]);
        let wanted = object([
            ("texts", texts.json()),
            ("none", Value::Null),
            ("inner", inner),
            ("flag", true.json()),
            ("at", at),
        ]);
        let read: Value = json::from_str(&out).expect("JSON");
        assert_eq!(json::to_string(&read), json::to_string(&wanted));
        let page = written_page(&[&out], |item, page| page.push_str(item), 3, Page { limit: 2, offset: 2 });
        assert_eq!(
            page,
            format!(r#"{{"items":[{out}],"total":3,"limit":2,"offset":2,"page":2,"per_page":2,"total_pages":2}}"#)
        );
    }
}
