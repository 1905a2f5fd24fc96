//! A page of rows, cut into rows of which each is read alone, without a tree of the page: a broken one is named and left
//! out. A list in a form that is not cut is read as a whole.

use super::members::Members;
use super::wire::{self, Read};
use super::{document, generation, json_text, parse};
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

/// Where the rows may be in an answer: below these keys, or at the top (api.md 1.5).
fn places(collection: &str) -> [Vec<&str>; 6] {
    [vec!["items"], vec![collection], vec!["data", "items"], vec!["data", collection], vec!["data"], vec![]]
}

impl Reader<'_> {
    /// The row that is an answer's object.
    pub(super) fn answer(&self, value: &Value) -> Read<Row> {
        self.row(&wire::members(value, self.kind.name)?)
    }

    fn row(&self, members: &Members) -> Read<Row> {
        if generation::says_older_word(members) {
            self.older_words.set(true);
        }
        let mut row = wire::row(self.kind, members, self.workspace_id)?;
        if let (Some(field), Some((id, name))) = (self.kind.below(), self.below) {
            row.set(field, model::Value::Int(id));
            row.name = row.kind.name_below(name, row.id);
        }
        Ok(row)
    }

    pub(super) fn page(&self, body: &[u8]) -> Read<Page> {
        let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
        match json_text(&text).ok().and_then(|text| self.cut(text)) {
            Some((cut, total)) => {
                let escapes = text.contains("\\u");
                let mut page = Page { total, ..Page::default() };
                for element in cut.elements {
                    self.take(&mut page, element, escapes, matches!(text, Cow::Owned(_)));
                }
                Ok(page)
            }
            None => self.whole(&document(body)?),
        }
    }

    /// The list of an answer, and the total that it tells; `None` where it has another form, or is no JSON.
    fn cut<'a>(&self, text: &'a str) -> Option<(json::Cut<'a>, Option<i64>)> {
        let cut = places(self.kind.collection).iter().find_map(|path| json::cut(text, path))?;
        let around = parse(&cut.around).ok()?;
        let list = wire::page(&around, &[self.kind.collection]).ok()?;
        list.items.is_empty().then(|| (cut, list.says("total")))
    }

    /// A list in a form that is not cut.
    fn whole(&self, answer: &Value) -> Read<Page> {
        let list = wire::page(answer, &[self.kind.collection])?;
        let mut page = Page { total: list.says("total"), ..Page::default() };
        for item in list.items.iter() {
            match self.answer(item) {
                Ok(row) => page.items.push(row),
                Err(message) => {
                    page.unreadable.push(Unreadable { id: wire::member(item, "id").and_then(wire::int), message });
                }
            }
        }
        Ok(page)
    }

    /// `escapes`: there are such of single characters on the page, of which a half one is damaged, also in a member that is
    /// not asked for; `damaged`: it is no UTF-8.
    fn take(&self, page: &mut Page, element: json::Element, escapes: bool, damaged: bool) {
        let raw = element.raw;
        let members = Members::cut(element.members);
        let row = self.row(&members);
        let is_damaged = damaged && raw.contains(char::REPLACEMENT_CHARACTER)
            || escapes && !element.too_deep && miniserde::json::from_str::<Value>(raw).is_err();
        if element.too_deep || is_damaged || members.is_broken() || !raw.starts_with('{') {
            page.unreadable.push(self.broken(raw, element.too_deep));
            return;
        }
        match row {
            Ok(row) => page.items.push(row),
            Err(message) => {
                page.unreadable.push(Unreadable { id: members.get("id").and_then(|id| wire::int(&id)), message });
            }
        }
    }

    /// What is no row that can be read.
    fn broken(&self, raw: &str, too_deep: bool) -> Unreadable {
        let kind = self.kind.name;
        if !raw.starts_with('{') {
            return Unreadable { id: None, message: wire::nothing(kind) };
        }
        let word = |name: &str| {
            let raw = json::raw_member(raw, name)?;
            json::string(raw).or_else(|| Some(raw.to_string()))
        };
        let id = word("id").and_then(|id| id.trim().parse().ok());
        let name = word("identifier").or_else(|| word("id")).unwrap_or_else(|| "without a name".into());
        let fault = if too_deep { "is nested too deeply" } else { "holds text that is damaged (half a character)" };
        Unreadable { id, message: format!("{kind} {name} {fault}") }
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

    /// Damage in a name would make the member absent: a title gone, a status back to the first one.
    #[test]
    fn a_page_that_is_no_json_is_not_believed_wherever_the_damage_is() {
        let whole = task(1, "one");
        for (sound, damaged) in [
            ("\"title\"", "\"ti\\qtle\""),
            ("\"title\"", "\"ti\ntle\""),
            ("\"id\"", "\"i\u{1}d\""),
            ("{\"id\"", "{\"workspace\":tru,\"id\""),
        ] {
            let body = format!("[{},{}]", task(2, "two"), whole.replacen(sound, damaged, 1));
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }

    /// Who reads a tree calls itself for each level.
    #[test]
    fn a_row_that_is_nested_too_deeply_costs_that_row() {
        let deep = format!(r#"{{"odd":{}1{},"id":"#, "[".repeat(100_000), "]".repeat(100_000));
        let page = read(format!("[{},{}]", task(1, "one"), task(2, "two").replacen(r#"{"id":"#, &deep, 1)).as_bytes());
        let page = page.expect("a page");
        assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), [1]);
        assert_eq!(page.unreadable, [Unreadable { id: Some(2), message: "task DEV-2 is nested too deeply".into() }]);
        assert!(document(deep.replace(r#","id":"#, "}").as_bytes()).is_err_and(|words| words.contains("too deeply")));
    }

    #[test]
    fn unknown_members_are_kept_however_many() {
        let many: String = (0..20_000).map(|number| format!(r#""odd{number}":{number},"#)).collect();
        let page =
            read(format!("[{}]", task(1, "one").replacen('{', &format!("{{{many}"), 1)).as_bytes()).expect("a page");
        assert!(page.items[0].unknown.as_ref().is_some_and(|unknown| unknown.contains(r#""odd19999":19999"#)));
    }

    #[test]
    fn a_list_in_another_form_is_read_too() {
        let row = task(1, "one");
        for body in [
            format!(r#"{{"\u0069tems":[{row}]}}"#),
            format!(r#"{{"items":[],"items":[{row}]}}"#),
            format!(r#"{{"data":{{"data":{{"items":[{row}]}}}}}}"#),
            format!(r#"{{"tasks":[],"data":[{row}]}}"#),
        ] {
            let page = read(body.as_bytes()).expect(&body);
            assert_eq!((page.items.len(), page.unreadable.len()), (1, 0), "{body}");
        }
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
