//! A page of rows, of which one may be broken: that one is named and left out, the others are read. A page that is JSON as
//! a whole is read as a whole; else it is cut into rows, and each is read alone.

use super::wire::{self, Read};
use super::{document, generation};
use crate::json;
use crate::model::{self, Kind, Row};
use crate::sync::remote::{Page, Unreadable};
use miniserde::json::Value;
use std::borrow::Cow;
use std::cell::Cell;

/// What a row needs to be read.
pub(super) struct Reader<'a> {
    pub(super) kind: &'static Kind,
    pub(super) workspace_id: i64,
    /// The row that the rows are below, where one was asked for: id and name.
    pub(super) below: Option<(i64, &'a str)>,
    /// Set when a row has the older words.
    pub(super) older_words: &'a Cell<bool>,
}

impl Reader<'_> {
    pub(super) fn row(&self, value: &Value) -> Read<Row> {
        if generation::says_older_word(value) {
            self.older_words.set(true);
        }
        let mut row = wire::row(self.kind, value, self.workspace_id)?;
        if let (Some(field), Some((id, name))) = (self.kind.below(), self.below) {
            row.set(field, model::Value::Int(id));
            row.name = row.kind.name_below(name, row.id);
        }
        Ok(row)
    }

    pub(super) fn page(&self, body: &[u8]) -> Read<Page> {
        match document(body) {
            Ok(value) => self.whole(&value),
            Err(words) => self.cut(body).unwrap_or(Err(words)),
        }
    }

    fn whole(&self, value: &Value) -> Read<Page> {
        let list = wire::page(value, &[self.kind.collection])?;
        let mut page = Page { total: list.says("total"), ..Page::default() };
        for item in list.items.iter() {
            self.take(&mut page, item);
        }
        Ok(page)
    }

    fn take(&self, page: &mut Page, item: &Value) {
        match self.row(item) {
            Ok(row) => page.items.push(row),
            Err(message) => {
                page.unreadable.push(Unreadable { id: wire::member(item, "id").and_then(wire::int), message })
            }
        }
    }

    /// Row by row. `None` where not even a list can be made out.
    fn cut(&self, body: &[u8]) -> Option<Read<Page>> {
        let text = String::from_utf8_lossy(body);
        let damaged = matches!(text, Cow::Owned(_));
        let text = text.trim_start_matches('\u{feff}').trim();
        let own = [&[self.kind.collection][..]];
        let (path, rows) =
            own.iter().chain(&wire::PLACES).find_map(|path| Some((*path, json::elements(text, path).ok()??)))?;
        let around = if path.is_empty() { "[]".into() } else { json::set_member(text, path, "[]").ok()? };
        let around: Value = miniserde::json::from_str(&around).ok()?;
        let total = match wire::page(&around, &[self.kind.collection]) {
            Ok(list) => list.says("total"),
            Err(words) => return Some(Err(words)),
        };
        let mut page = Page { total, ..Page::default() };
        for raw in rows {
            match miniserde::json::from_str::<Value>(raw) {
                Ok(item) if !damaged || !raw.contains('\u{fffd}') => self.take(&mut page, &item),
                _ => page.unreadable.push(self.broken(raw)),
            }
        }
        Some(Ok(page))
    }

    fn broken(&self, raw: &str) -> Unreadable {
        let word = |name: &str| {
            let raw = json::get(raw, &[name]).ok()??;
            json::string(raw).or_else(|| Some(raw.to_string()))
        };
        let id = word("id").and_then(|id| id.trim().parse().ok());
        let name = word("identifier").or_else(|| word("id")).unwrap_or_else(|| "without a name".into());
        let message = format!("{} {name} holds text that is damaged (half a character)", self.kind.name);
        Unreadable { id, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::TASK;

    fn task(number: i64, title: &str) -> String {
        format!(
            r#"{{"id":{number},"project_id":2,"identifier":"DEV-{number}","title":"{title}","updated_at":"2025-10-16T10:00:00Z"}}"#
        )
    }

    fn read(body: &[u8]) -> Read<Page> {
        Reader { kind: &TASK, workspace_id: 1, below: None, older_words: &Cell::new(false) }.page(body)
    }

    /// In every shape of a list (api.md 1.5).
    #[test]
    fn half_a_character_costs_one_row() {
        let rows = [task(1, "one"), task(2, r"cut \ud83d"), task(3, r"whole \ud83d\ude00")].join(",");
        for body in [
            format!("[{rows}]"),
            format!(r#"{{"items":[{rows}],"total":7}}"#),
            format!(r#"{{"success":true,"data":[{rows}]}}"#),
            format!(r#"{{"success":true,"data":{{"items":[{rows}],"pagination":{{"total":7}}}}}}"#),
        ] {
            let page = read(body.as_bytes()).expect(&body);
            assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 3], "{body}");
            let message = "task DEV-2 holds text that is damaged (half a character)".to_string();
            assert_eq!(page.unreadable, [Unreadable { id: Some(2), message }], "{body}");
            assert_eq!(page.total, body.contains("total").then_some(7));
        }
    }

    #[test]
    fn a_row_that_lacks_something_is_named() {
        let nameless = task(2, "x").replace(r#""identifier":"DEV-2","#, "");
        let page = read(format!("[{},{nameless},7]", task(1, "one")).as_bytes()).expect("a page");
        assert_eq!(page.items.len(), 1);
        assert_eq!(page.unreadable[0], Unreadable { id: Some(2), message: "task 2 has no 'identifier'".into() });
        assert_eq!(page.unreadable[1].id, None);
    }

    #[test]
    fn bytes_that_are_no_text_cost_one_row() {
        let mut body = format!("[{},", task(1, "one")).into_bytes();
        body.extend(task(2, "x#y").replace('#', "\u{1}").into_bytes());
        body.push(b']');
        let at = body.iter().position(|byte| *byte == 1).expect("the mark");
        body[at] = 0xff;
        let page = read(&body).expect("a page");
        assert_eq!((page.items.len(), page.unreadable.len()), (1, 1));
    }

    #[test]
    fn what_is_cut_off_is_no_page() {
        let whole = format!(r#"{{"items":[{},{}],"total":2}}"#, task(1, "one"), task(2, r"\ud83d"));
        for end in 0..whole.len() {
            assert!(read(&whole.as_bytes()[..end]).is_err(), "{}", &whole[..end]);
        }
        assert!(read(br#"{"success":false,"data":[],"message":"\ud83d"}"#).is_err());
    }
}
