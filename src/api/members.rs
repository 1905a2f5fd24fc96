//! The members of an object that a server sent, each read when it is asked for: of the thousands of rows of a first sync,
//! half the text is not, and a tree of all of it would cost more than what is made of it.

use miniserde::json::{self, Object, Value};
use std::borrow::Cow;
use std::cell::Cell;

pub(super) struct Members<'a> {
    members: Vec<(Cow<'a, str>, Source<'a>)>,
    /// One that was asked for cannot be read.
    broken: Cell<bool>,
}

enum Source<'a> {
    /// JSON.
    Text(&'a str),
    Value(&'a Value),
}

impl Source<'_> {
    fn is_null(&self) -> bool {
        matches!(self, Source::Text("null") | Source::Value(Value::Null))
    }
}

impl<'a> Members<'a> {
    /// Those of a text that was cut.
    pub(super) fn cut(members: Vec<(String, &'a str)>) -> Members<'a> {
        let named = |(name, value)| (Cow::Owned(name), Source::Text(value));
        Members { members: members.into_iter().map(named).collect(), broken: Cell::new(false) }
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
        if source.is_null() { None } else { self.read(source) }
    }

    fn read(&self, source: &Source) -> Option<Value> {
        let read = match source {
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

    /// Those that say something and are not known.
    pub(super) fn others(&self, is_known: &dyn Fn(&str) -> bool) -> Object {
        let mut others = Object::new();
        for (name, source) in self.members.iter().filter(|(name, _)| !is_known(name)) {
            match source.is_null() {
                true => drop(others.remove(name.as_ref())),
                false => others.extend(self.read(source).map(|value| (name.to_string(), value))),
            }
        }
        others
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }
}
