//! What a request says: path segments, query parameters, the JSON body. Names that a handler does not ask for are passed
//! over, and so is `null`: clients send it for everything they were not told (api.md 1.6).

use crate::limits;
use crate::problem::{Outcome, Problem};
use crate::wire::Page;
use anyt::time::Timestamp;
use miniserde::json::{self, Number, Object, Value};
use std::sync::Arc;

/// The parameters of a query string, decoded, in their order.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        });
        Query(pairs.collect())
    }

    /// The first value of that name that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of that name, given by commas, by repetition, or both.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        let values: Vec<&str> = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect();
        (!values.is_empty()).then_some(values)
    }

    pub fn int(&self, name: &str) -> Outcome<Option<i64>> {
        self.text(name).map(|text| whole_number(name, text)).transpose()
    }

    pub fn bool(&self, name: &str) -> Outcome<Option<bool>> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(Problem::invalid(name, format!("'{other}' is neither true nor false"))),
        }
    }

    /// Microseconds since 1970.
    pub fn instant(&self, name: &str) -> Outcome<Option<i64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // The plus of an offset that nobody encoded arrives as a blank.
        let repaired = text.rsplit_once(' ').map(|(start, zone)| format!("{start}+{zone}"));
        Timestamp::parse(text)
            .or_else(|| Timestamp::parse(&repaired?))
            .map(|at| Some(at.0))
            .ok_or_else(|| Problem::invalid(name, format!("'{text}' is not an ISO 8601 time")))
    }

    /// `limit` and `offset`, or `page` (from 1) and `per_page`. A limit above `most` is cut to it.
    pub fn page(&self, default: i64, most: i64) -> Outcome<Page> {
        let limit = match self.int("limit")? {
            Some(limit) => limit,
            None => self.int("per_page")?.unwrap_or(default),
        };
        let limit = at_least("limit", limit, 0)?.min(most);
        let page = at_least("page", self.int("page")?.unwrap_or(1), 1)?;
        let offset = self.int("offset")?.unwrap_or((page - 1).saturating_mul(limit));
        Ok(Page { limit, offset: at_least("offset", offset, 0)? })
    }
}

fn at_least(name: &str, number: i64, least: i64) -> Outcome<i64> {
    if number < least { Err(Problem::invalid(name, format!("must be at least {least}"))) } else { Ok(number) }
}

/// Digits, perhaps with a minus before them; the plus that Rust would take is no part of a number in JSON either.
pub fn whole_number(name: &str, text: &str) -> Outcome<i64> {
    let digits = text.trim();
    let number = if digits.starts_with('+') { None } else { digits.parse().ok() };
    number.ok_or_else(|| Problem::invalid(name, format!("'{text}' is not a whole number")))
}

/// Percent-decoding; what is no valid escape stays as it is.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| {
            let digit = |offset: usize| bytes.get(at + offset).and_then(|byte| (*byte as char).to_digit(16));
            Some((digit(1)? * 16 + digit(2)?) as u8)
        });
        match escaped.flatten() {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A JSON object from a request, or from one line of an import. Strings and lists in it are within `limits`.
#[derive(Debug, Clone)]
pub struct Body(Arc<Object>);

impl Body {
    /// An absent body reads as an empty object. 422 for what is no JSON object.
    pub fn parse(bytes: &[u8]) -> Outcome<Body> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Body(Arc::default()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Problem::invalid("body", "is not UTF-8"))?;
        limits::shape(bytes)?;
        match json::from_str(text) {
            Ok(Value::Object(object)) => Ok(Body(Arc::new(object))),
            Ok(_) => Err(Problem::invalid("body", "is not a JSON object")),
            Err(_) => Err(Problem::invalid("body", "is not valid JSON")),
        }
    }

    pub fn from_value(value: &Value) -> Option<Body> {
        match value {
            Value::Object(object) => Some(Body(Arc::new(object.clone()))),
            _ => None,
        }
    }

    /// The member's value unless it is `null`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !matches!(value, Value::Null))
    }

    pub fn text(&self, name: &str) -> Outcome<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => limits::text(name, text).map(Some),
            Some(_) => Err(Problem::invalid(name, "must be a string")),
        }
    }

    /// A short text: a description, a colour, a date of a project and the like.
    pub fn about(&self, name: &str) -> Outcome<Option<&str>> {
        self.text(name)?.map(|text| limits::about(name, text)).transpose()
    }

    /// A string of the given ones.
    pub fn word(&self, name: &str, words: &[&str]) -> Outcome<Option<&str>> {
        self.text(name)?.map(|word| one_of(name, word, words)).transpose()
    }

    /// A title or name that is there and not blank.
    pub fn name(&self, name: &str) -> Outcome<&str> {
        self.new_name(name)?.ok_or_else(|| Problem::invalid(name, "is required"))
    }

    /// A title or name that may be absent but not blank.
    pub fn new_name(&self, name: &str) -> Outcome<Option<&str>> {
        self.new_content(name)?.map(|text| limits::title(name, text)).transpose()
    }

    /// A text of any length that is there and not blank.
    pub fn content(&self, name: &str) -> Outcome<&str> {
        self.new_content(name)?.ok_or_else(|| Problem::invalid(name, "is required"))
    }

    /// A text of any length that may be absent but not blank.
    pub fn new_content(&self, name: &str) -> Outcome<Option<&str>> {
        self.text(name)?.map(|text| not_blank(name, text)).transpose()
    }

    pub fn int(&self, name: &str) -> Outcome<Option<i64>> {
        let wrong = || Problem::invalid(name, "must be a whole number");
        self.get(name).map(|value| whole(value).ok_or_else(wrong)).transpose()
    }

    pub fn ints(&self, name: &str) -> Outcome<Option<Vec<i64>>> {
        let wrong = || Problem::invalid(name, "must be a list of whole numbers");
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(|item| whole(item).ok_or_else(wrong)).collect::<Outcome<_>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    pub fn required_int(&self, name: &str) -> Outcome<i64> {
        self.int(name)?.ok_or_else(|| Problem::invalid(name, "is required"))
    }

    /// A finite number.
    pub fn number(&self, name: &str) -> Outcome<Option<f64>> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(Number::I64(number))) => *number as f64,
            Some(Value::Number(Number::U64(number))) => *number as f64,
            Some(Value::Number(Number::F64(number))) => *number,
            Some(_) => f64::NAN,
        };
        if number.is_finite() { Ok(Some(number)) } else { Err(Problem::invalid(name, "must be a number")) }
    }

    /// A whole number that is not negative.
    pub fn amount(&self, name: &str) -> Outcome<Option<i64>> {
        self.int(name)?.map(|number| at_least(name, number, 0)).transpose()
    }

    pub fn bool(&self, name: &str) -> Outcome<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(Problem::invalid(name, "must be true or false")),
        }
    }

    /// A JSON object of any members.
    pub fn object(&self, name: &str) -> Outcome<Option<&Object>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(Problem::invalid(name, "must be an object")),
        }
    }

    pub fn instant(&self, name: &str) -> Outcome<Option<Timestamp>> {
        let wrong = |text: &str| Problem::invalid(name, format!("'{text}' is not an ISO 8601 time"));
        self.text(name)?.map(|text| Timestamp::parse(text).ok_or_else(|| wrong(text))).transpose()
    }

    pub fn texts(&self, name: &str) -> Outcome<Option<Vec<String>>> {
        let wrong = || Problem::invalid(name, "must be a list of strings");
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                limits::count(name, items.len(), limits::ITEMS)?;
                let text = |item: &Value| match item {
                    Value::String(text) => limits::title(name, text).map(str::to_string),
                    _ => Err(wrong()),
                };
                items.iter().map(text).collect::<Outcome<_>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(Number::I64(number)) => Some(*number),
        Value::Number(Number::U64(number)) => i64::try_from(*number).ok(),
        _ => None,
    }
}

pub fn one_of<'a>(name: &str, word: &'a str, words: &[&str]) -> Outcome<&'a str> {
    if words.contains(&word) {
        return Ok(word);
    }
    Err(Problem::invalid(name, format!("'{word}' is none of {}", words.join(", "))))
}

fn not_blank<'a>(name: &str, text: &'a str) -> Outcome<&'a str> {
    if text.trim().is_empty() { Err(Problem::invalid(name, "must not be blank")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_by_commas_and_by_repetition() {
        let query = Query::parse("status=todo%2Cactive&labels=a&labels=b,c&owner=&x");
        assert_eq!(query.list("status"), Some(vec!["todo", "active"]));
        assert_eq!(query.list("labels"), Some(vec!["a", "b", "c"]));
        assert_eq!((query.list("owner"), query.text("owner"), query.text("x")), (None, None, None));
    }

    #[test]
    fn an_unencoded_plus_of_an_offset_is_read() {
        let at = |text: &str| Query::parse(text).instant("t").ok().flatten();
        assert_eq!(at("t=2025-10-16T10:00:00+02:00"), at("t=2025-10-16T08:00:00Z"));
        assert_eq!(at("t=2025-10-16 10:00"), at("t=2025-10-16T10:00:00Z"));
        assert_eq!(at("t=yesterday"), None);
    }

    #[test]
    fn pages_of_both_kinds() {
        let page = |text: &str| Query::parse(text).page(100, 500).ok();
        assert_eq!(page(""), Some(Page { limit: 100, offset: 0 }));
        assert_eq!(page("page=3&per_page=20"), Some(Page { limit: 20, offset: 40 }));
        assert_eq!(page("limit=900&offset=7"), Some(Page { limit: 500, offset: 7 }));
        assert_eq!((page("limit=-1"), page("page=0"), page("offset=x")), (None, None, None));
    }

    #[test]
    fn decoding_keeps_what_is_no_escape() {
        assert_eq!(decode("a%20b%2c%C3%BC%zz%4"), "a b,ü%zz%4");
    }

    #[test]
    fn null_is_absent() {
        let body = Body::parse(br#"{"a": null, "b": "x", "c": 3, "d": ["e"]}"#).unwrap();
        assert_eq!(body.text("a").unwrap(), None);
        assert_eq!(body.int("c").unwrap(), Some(3));
        assert_eq!(body.texts("d").unwrap(), Some(vec!["e".to_string()]));
        assert!(body.text("c").is_err() && body.int("b").is_err() && body.texts("b").is_err());
        assert!(Body::parse(b"[1]").is_err() && Body::parse(b"{").is_err() && Body::parse(b" ").is_ok());
    }
}
