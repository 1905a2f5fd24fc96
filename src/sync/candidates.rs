//! Which of the rows that a search brought has a lost create made? (docs/sync.md C3 to C7)

use crate::model::kind::{Change, Type};
use crate::model::{Field, Operation, Patch, Row, Value, folded};
use crate::time::Timestamp;
use std::ops::RangeInclusive;

#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    None,
    One(Box<Row>),
    /// Several are what it asked for, or some only look alike: their names.
    Several(Vec<String>),
}

/// Fields that a create's row is known by: nobody changes them in the moments after it was made.
const TELLING: [&str; 6] = ["title", "name", "description", "content", "notes", "project_id"];

/// Fields that a row of version 1 has as they were sent.
const UNTOUCHED: [&str; 2] = ["status", "priority"];

/// Fields that say who made a row.
const MAKERS: [&str; 3] = ["creator_id", "author_id", "actor_id"];

/// Characters that a text has at least whose rest a server has cut off.
const CUT_AT: usize = 40;

/// What servers write for characters that a skeleton is without.
const ESCAPES: [&str; 8] = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#34;", "&#39;", "&#x27;"];

/// Marks that Unicode normalisation joins with the letter before them.
const COMBINING: RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// `rows`: those of the kind and workspace that may have been made since the create's first request. `taken`: server ids
/// that other creates of ours were answered with. `account`: ours, where it is known.
pub fn made_by(create: &Operation, rows: &[Row], taken: &[i64], account: Option<&str>) -> Found {
    // What was sent has the server's ids for references.
    let set =
        create.last_send().map_or(&create.set, |send| if send.sent.is_empty() { &create.set } else { &send.sent });
    let free = rows.iter().filter(|row| !taken.contains(&row.id));
    let ours: Vec<&Row> = free.clone().filter(|row| is_made_of(row, set, account)).collect();
    let names = |rows: &[&Row]| rows.iter().map(|row| row.name.clone()).collect();
    match &ours[..] {
        [one] => Found::One(Box::new((*one).clone())),
        [] => {
            let alike: Vec<&Row> = free.filter(|row| is_alike(row, set)).collect();
            if alike.is_empty() { Found::None } else { Found::Several(names(&alike)) }
        }
        several => Found::Several(names(several)),
    }
}

/// Before a create is sent the first time: the row that says the same in every sent field, of our account, made after the
/// create was queued. It guards a home that was put back whole.
pub fn made_before<'a>(create: &Operation, rows: &'a [Row], taken: &[i64], account: Option<&str>) -> Option<&'a Row> {
    let queued = Timestamp::parse(&create.created_at)?;
    let later = |row: &Row| Timestamp::parse(&row.created_at).is_some_and(|made| made >= queued);
    let sent = || create.set.iter().filter(|(field, _)| field.change != Change::Unread);
    let has_all = |row: &Row| sent().all(|(field, value)| row.get(field).same(value));
    rows.iter()
        .find(|row| row.is_live() && !taken.contains(&row.id) && later(row) && is_of(row, account) && has_all(row))
}

/// Made by the account; where a server or we do not know by whom, it may have been.
fn is_of(row: &Row, account: Option<&str>) -> bool {
    let creator = MAKERS.iter().find_map(|name| row.text(row.kind.field(name)?));
    creator.is_none() || account.is_none() || creator == account
}

/// The row is what the create asked for, as far as a server may write texts in its own way.
fn is_made_of(row: &Row, set: &Patch, account: Option<&str>) -> bool {
    let same = |field: Field| row.get(field).same(set.get(&field).unwrap_or(&Value::Null));
    // A project that was not given is the server's choice.
    let given = |field: &Field| {
        (set.contains_key(field) || !matches!(field.ty, Type::Reference(_))) && field.change != Change::Unread
    };
    let told = TELLING.iter().filter_map(|name| row.kind.field(name)).filter(given).all(same);
    // Another machine of the account may have made one of the same name. Nobody has changed it yet.
    let differs = |field: Field| set.get(&field).is_some_and(|value| !row.get(field).same(value));
    let twin = row.version <= 1 && UNTOUCHED.iter().filter_map(|name| row.kind.field(name)).any(differs);
    is_of(row, account) && !twin && row.is_live() && told
}

/// It may be that row all the same: cut, rewritten by the server, changed or deleted by somebody since, made under another
/// name of the account.
fn is_alike(row: &Row, set: &Patch) -> bool {
    let alike = |field: Field| {
        let (here, there) = (skeleton(set.get(&field)), skeleton(Some(row.get(field))));
        let length = here.len().min(there.len());
        length > 0 && (here == there || (length >= CUT_AT && here[..length] == there[..length]))
    };
    let texts = |field: &Field| field.ty == Type::Text;
    TELLING.iter().filter_map(|name| row.kind.field(name)).filter(texts).any(alike)
}

/// What servers leave of a text: its ASCII letters and digits, in lower case. Not those that carry a combining mark, which
/// Unicode normalisation makes one character of.
fn skeleton(value: Option<&Value>) -> Vec<u8> {
    let Some(Value::Text(text)) = value else { return Vec::new() };
    // Some servers escape what has a meaning in HTML.
    let text = &ESCAPES.iter().fold(text.clone(), |text, escape| text.replace(escape, " "));
    let mut next = text.chars().skip(1);
    let is_bare =
        |letter: &char| !next.next().is_some_and(|mark| COMBINING.contains(&mark)) && letter.is_ascii_alphanumeric();
    let kept: Vec<u8> = text.chars().filter(is_bare).map(|letter| letter.to_ascii_lowercase() as u8).collect();
    // Nothing to compare in other scripts; then everything is.
    if kept.is_empty() { folded(text).split_whitespace().collect::<String>().into_bytes() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{CREATOR, DESCRIPTION, LABELS, PRIORITY, PROJECT, STATUS, TASK, TITLE};
    use crate::model::{Send, Shape, State, Target};

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn create(set: impl Into<Patch>) -> Operation {
        Operation {
            op_id: "c".into(),
            seq: 1,
            kind: &TASK,
            shape: Shape::Create,
            workspace_id: 1,
            target: Target::MadeBy("c".into()),
            other: None,
            name: "DEV-5".into(),
            other_name: None,
            seen_version: 0,
            base: Patch::new(),
            set: set.into(),
            condition: None,
            links: Default::default(),
            replaces: None,
            created_at: "2025-10-16T10:00:00Z".into(),
            server: None,
            account: None,
            state: State::Sent,
            sends: Vec::new(),
        }
    }

    fn row(number: i64, set: impl Into<Patch>) -> Row {
        let mut row = Row::new(&TASK);
        (row.id, row.version, row.name) = (number, 1, format!("DEV-{number}"));
        row.created_at = "2025-10-16T10:00:05Z".into();
        row.apply(&Patch::from([(STATUS, text("backlog")), (PRIORITY, Value::Int(0)), (PROJECT, Value::Int(3))]));
        row.values[CREATOR.at] = text("u1");
        row.apply(&set.into());
        row
    }

    fn buy() -> Operation {
        create([(TITLE, text("Buy milk")), (PROJECT, Value::Int(3)), (STATUS, text("backlog"))])
    }

    fn milk(number: i64) -> Row {
        row(number, [(TITLE, text("Buy milk"))])
    }

    fn names(found: &Found) -> Vec<&str> {
        match found {
            Found::None => vec![],
            Found::One(row) => vec![&row.name],
            Found::Several(names) => names.iter().map(String::as_str).collect(),
        }
    }

    #[test]
    fn c3_one_row_is_what_was_asked_for() {
        let others = [row(6, [(TITLE, text("Buy bread"))]), milk(7)];
        assert_eq!(made_by(&buy(), &others, &[], Some("u1")), Found::One(Box::new(milk(7))));
        // Changed since in what nobody needs to have left alone.
        let mut labelled = row(7, [(TITLE, text("Buy milk")), (LABELS, Value::Set(vec!["x".into()]))]);
        labelled.version = 2;
        labelled.set(STATUS, text("done"));
        assert!(matches!(made_by(&buy(), &[labelled], &[], Some("u1")), Found::One(_)));
        let asked = create([(TITLE, text("Caf\u{e9}")), (DESCRIPTION, text("a\nb"))]);
        let written = row(7, [(TITLE, text("Cafe\u{301}")), (DESCRIPTION, text("a\r\nb\r\n"))]);
        assert!(matches!(made_by(&asked, &[written], &[], None), Found::One(_)));
    }

    #[test]
    fn c4_several_or_only_alike_are_named() {
        assert_eq!(names(&made_by(&buy(), &[milk(6), milk(7)], &[], Some("u1"))), ["DEV-6", "DEV-7"]);
        let long = "0123456789".repeat(9);
        let cut = row(7, [(TITLE, text(&long[..40]))]);
        let asked = create([(TITLE, text(&long))]);
        assert_eq!(made_by(&asked, std::slice::from_ref(&cut), &[], None), Found::Several(vec!["DEV-7".into()]));
        let cut_shorter = row(7, [(TITLE, text(&long[..39]))]);
        assert_eq!(made_by(&asked, &[cut_shorter], &[], None), Found::None);
        let rewritten = row(7, [(TITLE, text("buy  MILK!"))]);
        assert!(matches!(made_by(&buy(), &[rewritten], &[], None), Found::Several(_)));
        // By another name of the account, deleted since, or made by another machine with another priority.
        let mut theirs = milk(7);
        theirs.values[CREATOR.at] = text("u2");
        let mut deleted = milk(8);
        deleted.deleted_at = Some("2025-10-16T10:01:00Z".into());
        let twin = row(9, [(TITLE, text("Buy milk")), (STATUS, text("todo"))]);
        for row in [theirs, deleted, twin] {
            let name = row.name.clone();
            assert_eq!(made_by(&buy(), &[row], &[], Some("u1")), Found::Several(vec![name]));
        }
    }

    #[test]
    fn c7_nothing_was_made() {
        assert_eq!(made_by(&buy(), &[], &[], Some("u1")), Found::None);
        assert_eq!(made_by(&buy(), &[row(6, [(TITLE, text("Buy bread"))])], &[], Some("u1")), Found::None);
        assert_eq!(made_by(&buy(), &[milk(7)], &[7], Some("u1")), Found::None, "another create's");
    }

    #[test]
    fn a_create_is_known_by_what_was_sent() {
        let mut asked = create([(TITLE, text("Buy milk")), (PROJECT, Value::MadeBy("p".into()))]);
        assert_eq!(names(&made_by(&asked, &[milk(7)], &[], None)), ["DEV-7"]);
        assert!(matches!(made_by(&asked, &[milk(7)], &[], None), Found::Several(_)));
        let sent = Patch::from([(TITLE, text("Buy milk")), (PROJECT, Value::Int(3))]);
        asked.sends = vec![Send { at: Timestamp(0), sent, version: 0, highest_number: 4, reply: None }];
        assert!(matches!(made_by(&asked, &[milk(7)], &[], None), Found::One(_)));
    }

    #[test]
    fn before_its_first_sending_a_create_may_be_there() {
        let mut asked = buy();
        asked.state = State::Queued;
        let before = |row: Row, taken: &[i64], account| made_before(&asked, &[row], taken, account).is_some();
        assert!(before(milk(7), &[], Some("u1")));
        assert!(!before(milk(7), &[7], Some("u1")), "another create's");
        assert!(!before(milk(7), &[], Some("u2")), "another account's");
        assert!(!before(row(7, [(TITLE, text("Buy milk")), (STATUS, text("todo"))]), &[], None), "a field differs");
        let mut earlier = milk(7);
        earlier.created_at = "2025-10-16T09:59:59Z".into();
        assert!(!before(earlier, &[], Some("u1")), "made before it was queued");
        let mut deleted = milk(7);
        deleted.deleted_at = Some(String::new());
        assert!(!before(deleted, &[], Some("u1")));
    }

    /// What servers were seen to make of a text, and what they leave.
    #[test]
    fn a_text_is_known_by_what_no_server_changes() {
        let bones = |text: &str| String::from_utf8(skeleton(Some(&Value::Text(text.into())))).unwrap();
        assert_eq!(bones("Café größer"), bones("Cafe\u{301} gro\u{308}ßer"));
        assert_eq!(bones("R&D; a & b &"), "rdab");
        assert_eq!(bones("R&amp;D; a &lt; &#39;b&#39; &quot;"), "rdab");
        assert_eq!(bones("日本 語"), "日本語");
    }
}
