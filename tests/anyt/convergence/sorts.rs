//! The kinds of things beside tasks and dependencies, as a table: what is typed to make, change and delete one, and what must
//! be the same on both sides.

use super::client::Client;
use super::ledger::tokens;
use crate::common::json::{self, Look, Value};
use crate::common::server::User;
use std::collections::BTreeMap;

/// What a new row hangs on.
#[derive(Clone, Copy, PartialEq)]
pub enum Above {
    Nothing,
    Task,
    Attempt,
}

type Words = Vec<String>;

/// One kind.
pub struct Sort {
    /// Its table in the cache, and the last word of its path.
    pub table: &'static str,
    /// Columns of the cache and the members of the server's rows that hold the same.
    pub fields: &'static [(&'static str, &'static str)],
    pub above: Above,
    /// The row above, a mark, a token.
    pub create: fn(&str, &str, &str) -> Words,
    /// The row's name, its mark, a token.
    pub update: Option<fn(&str, &str, &str) -> Words>,
    pub delete: Option<fn(&str) -> Words>,
}

fn words<const N: usize>(words: [&str; N]) -> Words {
    words.map(String::from).into()
}

/// `DEV-1 7` of `DEV-1#7`.
fn numbered(name: &str, mark: char) -> [&str; 2] {
    name.rsplit_once(mark).map_or([name, ""], |(above, number)| [above, number])
}

/// A file that every machine has, for artifacts.
pub const FILE: &str = "output";

pub const SORTS: &[Sort] = &[
    Sort {
        table: "comments",
        fields: &[("content", "content"), ("author_id", "author_id")],
        above: Above::Task,
        create: |task, mark, token| words(["comment", "add", task, "-m", &format!("{mark} {token}")]),
        update: Some(|name, mark, token| {
            let [task, number] = numbered(name, '#');
            words(["comment", "edit", task, number, "-m", &format!("{mark} {token}")])
        }),
        delete: Some(|name| {
            let [task, number] = numbered(name, '#');
            words(["comment", "rm", task, number, "--force"])
        }),
    },
    Sort {
        table: "labels",
        fields: &[("name", "name"), ("description", "description")],
        above: Above::Nothing,
        // Several people mean the same label: its name is one of three.
        create: |_, mark, token| {
            let name = format!("shared{}", mark.len() + mark.bytes().map(usize::from).sum::<usize>() % 3);
            words(["label", "create", &name, "-d", &format!("{mark} {token}")])
        },
        update: Some(|name, mark, token| words(["label", "update", name, "-d", &format!("{mark} {token}")])),
        delete: Some(|name| words(["label", "rm", name, "--force"])),
    },
    Sort {
        table: "projects",
        fields: &[("name", "name"), ("description", "description"), ("status", "status")],
        above: Above::Nothing,
        create: |_, mark, token| words(["project", "create", &format!("{mark} project"), "-d", token]),
        update: Some(|name, _, token| words(["project", "update", name, "-d", token])),
        // Deleting one deletes its tasks: none of these has any.
        delete: Some(|name| words(["project", "rm", name, "--force"])),
    },
    Sort {
        table: "attempts",
        fields: &[
            ("task_id", "task_id"),
            ("status", "status"),
            ("failure_type", "failure_class"),
            ("failure_message", "failure_message"),
            ("cost_tokens", "cost_tokens"),
            ("notes", "extra_metadata.notes"),
            ("artifacts_count", "artifacts_count"),
        ],
        above: Above::Task,
        create: |task, mark, token| words(["attempt", "start", task, "--notes", &format!("{mark} {token}")]),
        update: Some(|name, _, token| {
            words(["attempt", "finish", name, "--status", "failed", "-m", token, "--cost-tokens", &token[1..]])
        }),
        delete: None,
    },
    Sort {
        table: "artifacts",
        fields: &[("attempt_id", "attempt_id"), ("name", "name"), ("type", "type"), ("size_bytes", "size_bytes")],
        above: Above::Attempt,
        create: |attempt, mark, token| {
            words(["artifact", "add", attempt, FILE, "--name", &format!("{mark} {token}"), "--type", "log"])
        },
        update: None,
        delete: None,
    },
];

/// A live row of a cache: its name and all that it says.
#[derive(Debug, Clone)]
pub struct Shown {
    pub name: String,
    pub said: String,
}

impl Shown {
    pub fn mark(&self) -> Option<String> {
        tokens(&self.said, 'c').into_iter().next()
    }
}

impl Sort {
    /// The live rows of a client's cache, by id.
    pub fn cached(&self, client: &Client) -> BTreeMap<i64, Shown> {
        let columns: Vec<String> = self.fields.iter().map(|(column, _)| format!("ifnull({column}, '')")).collect();
        let sql = format!(
            "SELECT id, identifier, {} FROM {} WHERE deleted_at IS NULL",
            columns.join(" || ' ' || "),
            self.table
        );
        // It may have been wiped a moment ago.
        let Ok(cache) = rusqlite::Connection::open(client.sandbox.cache_db()) else { return BTreeMap::new() };
        let Ok(mut query) = cache.prepare(&sql) else { return BTreeMap::new() };
        let shown = |row: &rusqlite::Row| Ok((row.get(0)?, Shown { name: row.get(1)?, said: row.get(2)? }));
        query.query_map([], shown).expect("a plain query").map(|row| row.expect("texts")).collect()
    }

    /// The live rows of the server, by id.
    pub fn served(&self, user: &User) -> BTreeMap<i64, String> {
        let mut rows = BTreeMap::new();
        loop {
            let path = format!("{}/{}", user.workspace(), self.table);
            let (status, page) = user.get(&format!(
                "{path}?limit=100&offset={0}&page={1}&per_page=100",
                rows.len(),
                1 + rows.len() / 100
            ));
            assert_eq!(status, 200, "{path}: {}", json::to_string(&page));
            let list = if self.table == "comments" { page.items("comments") } else { page.items("items") };
            let before = rows.len();
            rows.extend(list.iter().map(|row| (row.int("id"), self.said(row))));
            if rows.len() == before || list.len() < 100 {
                return rows;
            }
        }
    }

    fn said(&self, row: &Value) -> String {
        let text = |member: &str| match row.at(member) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => json::to_string(other),
        };
        self.fields.iter().map(|(_, member)| text(member)).collect::<Vec<_>>().join(" ")
    }
}
