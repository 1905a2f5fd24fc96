//! The members of an object that a server sent, each read when it is asked for: of the thousands of rows of a first sync,
//! half the text is not, and a tree of all of it would cost more than what is made of it.

use crate::json::RawMember;
use miniserde::json::{self, Value};
use std::borrow::Cow;
use std::cell::Cell;

pub(super) struct Members<'a> {
    members: Vec<(Cow<'a, str>, Source<'a>)>,
    /// One that was asked for is no JSON.
    broken: Cell<bool>,
}

enum Source<'a> {
    Text(&'a str),
    Value(&'a Value),
}

impl<'a> Members<'a> {
    /// Those of a text that was cut.
    pub(super) fn cut(members: &[RawMember<'a>]) -> Members<'a> {
        let named = |(key, value): &RawMember<'a>| (name(key), Source::Text(value));
        Members { members: members.iter().map(named).collect(), broken: Cell::new(false) }
    }

    /// Those of a value that was read before; `None` where it is no object.
    pub(super) fn of(value: &'a Value) -> Option<Members<'a>> {
        let Value::Object(object) = value else { return None };
        let members = object.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), Source::Value(value)));
        Some(Members { members: members.collect(), broken: Cell::new(false) })
    }

    /// `None` when it is absent or `null`. The last one of repeated names counts.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let (_, source) = self.members.iter().rfind(|(known, _)| known == name)?;
        let read = match source {
            Source::Text("null") | Source::Value(Value::Null) => return None,
            Source::Text(text) => json::from_str(text).ok(),
            Source::Value(value) => Some((*value).clone()),
        };
        self.broken.set(self.broken.get() || read.is_none());
        read
    }

    /// One is this very word.
    pub(super) fn says(&self, name: &str, word: &str) -> bool {
        let found = self.members.iter().rfind(|(known, _)| known == name);
        found.is_some_and(|(_, source)| match source {
            Source::Text(text) => text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) == Some(word),
            Source::Value(value) => matches!(value, Value::String(text) if text == word),
        })
    }

    /// The names of those that say something.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let says = |source: &Source| !matches!(source, Source::Text("null") | Source::Value(Value::Null));
        self.members.iter().filter(move |(_, source)| says(source)).map(|(name, _)| name.as_ref())
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }
}

/// A key as it is written between its quotes.
fn name(key: &str) -> Cow<'_, str> {
    match key.contains('\\').then(|| json::from_str(&format!("\"{key}\""))) {
        Some(Ok(name)) => Cow::Owned(name),
        _ => Cow::Borrowed(key),
    }
}
