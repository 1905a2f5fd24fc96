//! Whole lists, page by page (api.md 1.5). No total is believed alone: a list ends when a page brings nothing new, or
//! is shorter than the page size that the server itself states and nothing is missing from the total. A row that cannot
//! be read costs that row.

use super::Http;
use super::transport::Call;
use super::wire::{self, Read};
use crate::model::Listed;
use crate::sync::remote::{RemoteError, RemoteResult};
use miniserde::json::Value;
use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;
use ureq::http::Method;

/// Rows asked for at a time: more is not known to work (api.md 4.9).
const PAGE: usize = 100;
/// A server that always has something new to tell is broken.
const MOST_PAGES: usize = 10_000;

/// The two ways of asking for a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Paging {
    /// `page` from 1 and `per_page`: workspaces, projects, members.
    Numbered,
    /// `limit` and `offset`: labels, and projects of 0.6.0.
    Offset,
    /// Not at all.
    Whole,
}

impl Paging {
    /// The query for what comes after `seen` rows; `page` counts from 1.
    fn query(self, page: usize, seen: usize) -> String {
        match self {
            Paging::Numbered => format!("?page={page}&per_page={PAGE}"),
            Paging::Offset => format!("?limit={PAGE}&offset={seen}"),
            Paging::Whole => String::new(),
        }
    }

    /// How a list goes on, by the words around its first page.
    fn after(self, page: &wire::Page) -> Paging {
        let says = |name| page.says(name).is_some();
        match self {
            _ if page.around.is_none() => Paging::Whole,
            Paging::Numbered if !says("page") && says("offset") => Paging::Offset,
            Paging::Offset if !says("offset") && says("page") => Paging::Numbered,
            kept => kept,
        }
    }
}

type Reader<'a, T> = Box<dyn Fn(&Value) -> Read<T> + 'a>;

/// What one kind of list needs to be read.
pub(super) struct List<'a, T, K> {
    /// Path without a query.
    pub(super) path: String,
    pub(super) paging: Paging,
    pub(super) read: Reader<'a, T>,
    /// Tells one row from another.
    pub(super) key: fn(&T) -> K,
}

impl Http {
    pub(super) fn list<T, K: Eq + Hash>(&self, list: List<'_, T, K>) -> RemoteResult<Listed<T>> {
        let (mut rows, mut broken, mut known) = (Vec::new(), BTreeSet::new(), HashSet::new());
        let mut paging = list.paging;
        for number in 1..=MOST_PAGES {
            let answer = match self
                .read(&Call::new(Method::GET, list.path.clone() + &paging.query(number, rows.len() + broken.len())))
            {
                // A server that does not like the size or the words of the question may still give the list.
                Err(RemoteError::Refused { status: 400 | 422, .. }) if number == 1 && paging != Paging::Whole => {
                    paging = Paging::Whole;
                    self.read(&Call::new(Method::GET, list.path.clone()))?
                }
                answer => answer?,
            };
            let page = wire::page(&answer, &[]).map_err(|words| self.malformed(&words))?;
            let before = rows.len() + broken.len();
            for item in page.items.iter() {
                match (list.read)(item) {
                    Ok(row) if known.insert((list.key)(&row)) => rows.push(row),
                    Ok(_) => {}
                    Err(words) => drop(broken.insert(words)),
                }
            }
            let count = rows.len() + broken.len();
            paging = paging.after(&page);
            let size = page.says("per_page").or_else(|| page.says("limit"));
            // A server may repeat the size it was asked for and give fewer all the same: its total has a say too.
            let missing = page.says("total").is_some_and(|total| (count as i64) < total);
            let short = !missing && size.is_some_and(|size| (page.items.len() as i64) < size);
            if paging == Paging::Whole || short || count == before {
                return Ok(Listed { items: rows, broken: broken.into_iter().collect() });
            }
        }
        Err(self.malformed(&format!("the list at {} does not end", list.path)))
    }
}
