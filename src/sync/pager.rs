//! Which page of a list to ask for next: in the order of changes, moving the lower bound rather than an offset through
//! rows that are being changed meanwhile (keyset paging); an offset is used inside a run of equal times, and where a
//! server does not sort or filter as asked. A walk that moved the bound ends with the question whether there is more than
//! it brought. Knows nothing about where pages come from.

use super::remote::{Page, Query};
use crate::model::Row;
use crate::store::Walk;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// The smallest step of a server's clock that we can name.
const INSTANT: Duration = Duration::from_micros(1);

/// The state of one walk through a list.
pub(super) struct Pager {
    from: Option<Timestamp>,
    after: Option<Timestamp>,
    limit: u32,
    offset: u32,
    /// The server sorts by `updated_at` and filters by `updated_after`, as far as its pages show.
    keyset: bool,
    /// `total` was seen to count only the page.
    page_totals: bool,
    /// What `total` must be at least if the server sorts as asked: the rows at or behind the new lower bound.
    total_at_least: Option<i64>,
    /// The bound was moved on the word of pages that were in order. One page may be by accident.
    moved: bool,
    /// The server is known to sort and filter as asked: no question whether there is more.
    trusted: bool,
    /// The page that was asked for is the one behind all that came.
    asks_for_more: bool,
    ids: BTreeSet<i64>,
    /// The ids of the page that came first. A server that passes over the offset gives it again.
    first: Vec<i64>,
    rows: usize,
    idle: usize,
    done: bool,
}

impl Pager {
    /// `trusted`: the server is known to sort and filter as asked.
    pub(super) fn new(from: Option<Timestamp>, limit: u32, trusted: bool) -> Pager {
        Pager {
            trusted,
            from,
            after: from,
            limit,
            offset: 0,
            keyset: true,
            page_totals: false,
            total_at_least: None,
            moved: false,
            asks_for_more: false,
            ids: BTreeSet::new(),
            first: Vec::new(),
            rows: 0,
            idle: 0,
            done: false,
        }
    }

    /// Goes on where an interrupted walk came to. What came before it is staged; that it was all is not asked again.
    pub(super) fn resume(walk: &Walk, from: Option<Timestamp>) -> Pager {
        let after = walk.from.as_deref().and_then(Timestamp::parse);
        Pager { after, offset: walk.offset, ..Pager::new(from, walk.page.max(1), true) }
    }

    /// Where the walk is, to be kept with what was staged.
    pub(super) fn walk(&self, began: &str, everything: bool) -> Walk {
        Walk {
            began: began.to_string(),
            everything,
            from: self.after.map(Timestamp::rfc3339),
            offset: self.offset,
            page: self.limit,
            done: self.done,
        }
    }

    /// The pages were in order, and there were enough of them to tell.
    pub(super) fn was_sorted(&self) -> bool {
        self.keyset && self.moved
    }

    /// A server may refuse a limit above its own (api.md 7). False when there is nothing smaller to try.
    pub(super) fn ask_for_less(&mut self) -> bool {
        self.limit /= 2;
        self.limit > 0
    }

    /// The coming question is only whether there is more. A server may refuse it instead of answering with nothing.
    pub(super) fn asks_for_more(&self) -> bool {
        self.asks_for_more
    }

    pub(super) fn next(&self) -> Option<Query> {
        (!self.done).then(|| Query {
            updated_after: self.after.map(Timestamp::rfc3339),
            limit: self.limit,
            offset: self.offset,
            // Tombstones matter only to those who may hold the task already.
            include_deleted: self.from.is_some(),
        })
    }

    /// Takes note of a page, of which `fresh` rows were not known before. An error names a server whose list never ends.
    pub(super) fn took(&mut self, page: &Page, fresh: usize) -> Result<(), &'static str> {
        let count = page.items.len();
        let Some((first, last)) = self.bounds(&page.items) else {
            self.end();
            return Ok(());
        };
        let ids: Vec<i64> = page.items.iter().map(|task| task.id).collect();
        // Nobody who looks at the offset gives the same again.
        let known = self.keyset && self.offset > 0 && ids.iter().all(|id| self.ids.contains(id));
        let given_again = if self.asks_for_more { ids == self.first } else { known };
        if given_again {
            self.end();
            return Ok(());
        }
        if self.asks_for_more || (self.moved && !self.keyset) {
            self.begin_again();
            return Ok(());
        }
        if !self.trusted {
            self.ids.extend(&ids);
        }
        if self.first.is_empty() {
            self.first = ids;
        }
        self.rows += fresh;
        self.idle = if fresh == 0 { self.idle + 1 } else { 0 };
        if self.idle > 50 + self.rows / count.max(1) {
            return Err("the list of tasks never ends");
        }
        let total = page.total.filter(|total| *total > count as i64);
        self.page_totals |= self.offset > 0 && page.total == Some(count as i64);
        let unsorted = self.total_at_least.take().is_some_and(|least| page.total.is_some_and(|total| total < least));
        if self.keyset && (unsorted || self.after.is_some_and(|after| first < after)) {
            self.begin_again();
            return Ok(());
        }
        let end = i64::from(self.offset) + count as i64;
        let perhaps_whole = page.total == Some(count as i64) && !self.page_totals;
        let next_key = last.minus(INSTANT);
        if self.keyset && total.is_some_and(|total| end >= total) {
            self.end();
        } else if self.moves_bound(count, fresh, perhaps_whole, next_key) {
            let before = page.items.iter().filter(|task| instant(task) < last).count() as i64;
            self.total_at_least = total.map(|total| total - i64::from(self.offset) - before);
            (self.after, self.offset) = (Some(next_key), 0);
            self.moved = true;
        } else {
            self.offset += count as u32;
        }
        Ok(())
    }

    /// Nothing more came. If the bound was moved, that may be because the rest lies before it.
    fn end(&mut self) {
        self.done = !self.moved || self.asks_for_more || self.trusted;
        self.asks_for_more = true;
        (self.after, self.offset) = (self.from, self.ids.len() as u32);
    }

    /// Rows were passed over, or the filter is: goes through all of them by offset.
    fn begin_again(&mut self) {
        (self.keyset, self.moved, self.asks_for_more) = (false, false, false);
        (self.after, self.offset) = (self.from, 0);
    }

    /// A single row shows no order, and a page that may be the last one is cheaper to follow by offset.
    fn moves_bound(&self, count: usize, fresh: usize, perhaps_whole: bool, next_key: Timestamp) -> bool {
        let forward = self.after.is_none_or(|after| next_key > after);
        self.keyset && count > 1 && fresh > 0 && !perhaps_whole && forward
    }

    /// Smallest and largest `updated_at` of a page; turns keyset paging off when the page is not in order.
    fn bounds(&mut self, items: &[Row]) -> Option<(Timestamp, Timestamp)> {
        let times: Vec<Timestamp> = items.iter().map(instant).collect();
        self.keyset &= times.is_sorted();
        Some((*times.iter().min()?, *times.iter().max()?))
    }
}

fn instant(row: &Row) -> Timestamp {
    Timestamp::parse(&row.updated_at).unwrap_or(Timestamp(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// How a server that api.md leaves open may behave.
    #[derive(Clone, Copy, Default)]
    struct Quirks {
        inclusive: bool,
        cap: u32,
        ignores_filter: bool,
        ignores_sort: bool,
        page_totals: bool,
        no_totals: bool,
    }

    fn row(id: i64, time: i64) -> Row {
        Row { id, updated_at: Timestamp(time).rfc3339(), ..Row::new(&crate::model::task::TASK) }
    }

    fn page(rows: &[(i64, i64)], query: &Query, quirks: Quirks) -> Page {
        let after = query.updated_after.as_deref().and_then(Timestamp::parse).filter(|_| !quirks.ignores_filter);
        let mut rows: Vec<(i64, i64)> = rows.to_vec();
        if quirks.ignores_sort {
            rows.sort_by_key(|(id, _)| (id * 7919) % 101);
        } else {
            rows.sort_by_key(|(id, time)| (*time, *id));
        }
        let matching: Vec<(i64, i64)> = rows
            .into_iter()
            .filter(|(_, time)| {
                after.is_none_or(|after| if quirks.inclusive { *time >= after.0 } else { *time > after.0 })
            })
            .collect();
        let limit = query.limit.min(if quirks.cap == 0 { u32::MAX } else { quirks.cap });
        let items: Vec<Row> = matching
            .iter()
            .skip(query.offset as usize)
            .take(limit as usize)
            .map(|(id, time)| row(*id, *time))
            .collect();
        let total = if quirks.page_totals { items.len() } else { matching.len() } as i64;
        Page { items, total: (!quirks.no_totals).then_some(total), ..Page::default() }
    }

    fn collect(
        rows: &[(i64, i64)],
        limit: u32,
        from: Option<Timestamp>,
        quirks: Quirks,
    ) -> (BTreeMap<i64, String>, usize) {
        let mut pager = Pager::new(from, limit, false);
        let (mut got, mut requests) = (BTreeMap::new(), 0);
        while let Some(query) = pager.next() {
            let page = page(rows, &query, quirks);
            let fresh = page.items.iter().filter(|task| got.insert(task.id, task.updated_at.clone()).is_none()).count();
            pager.took(&page, fresh).expect("ends");
            requests += 1;
            assert!(requests < 5_000, "never ends");
        }
        (got, requests)
    }

    /// Runs of equal times longer than a page, every page size, every unknown of api.md 7 that touches paging.
    #[test]
    fn brings_every_row_whatever_the_server_does() {
        let rows: Vec<(i64, i64)> =
            (1..=120).map(|id| (id, if id < 60 { 1_000_000 } else { id * 10_000_000 })).collect();
        for limit in [1, 7, 100, 500] {
            for bits in 0..64_u32 {
                let quirks = Quirks {
                    inclusive: bits & 1 != 0,
                    cap: if bits & 2 != 0 { 5 } else { 0 },
                    ignores_filter: bits & 4 != 0,
                    ignores_sort: bits & 8 != 0,
                    page_totals: bits & 16 != 0,
                    no_totals: bits & 32 != 0,
                };
                let (got, _) = collect(&rows, limit, None, quirks);
                assert_eq!(got.len(), rows.len(), "limit {limit}, quirks {bits:06b}");
                let (got, _) = collect(&rows, limit, Some(Timestamp(1_150_000_000)), quirks);
                assert!((115..=120).all(|id| id == 115 || got.contains_key(&id)), "limit {limit}, quirks {bits:06b}");
            }
        }
    }

    /// A server that sorts by id, whose first page happens to be in the order asked for.
    #[test]
    fn an_order_that_only_looks_right_loses_nothing() {
        let rows: Vec<(i64, i64)> =
            (1..=120).map(|id| (id, if id == 100 { 9_000_000_000 } else { id * 10_000_000 })).collect();
        let mut pager = Pager::new(None, 100, false);
        let mut got = BTreeMap::new();
        while let Some(query) = pager.next() {
            let after = query.updated_after.as_deref().and_then(Timestamp::parse);
            let matching: Vec<&(i64, i64)> =
                rows.iter().filter(|(_, time)| after.is_none_or(|after| *time >= after.0)).collect();
            let items: Vec<Row> =
                matching.iter().skip(query.offset as usize).take(100).map(|(id, time)| row(*id, *time)).collect();
            let page = Page { total: Some(matching.len() as i64), items, ..Page::default() };
            let fresh = page.items.iter().filter(|task| got.insert(task.id, ()).is_none()).count();
            pager.took(&page, fresh).expect("ends");
        }
        assert_eq!(got.len(), 120);
    }

    /// Servers that do not sort as asked and give no total worth the name, whose first page happens to be in order.
    #[test]
    fn one_page_in_order_is_no_proof() {
        type Row = (i64, i64);
        type Order = fn(&Row) -> i64;
        let by_id = |row: &Row| row.0;
        let newest_first = |row: &Row| -row.1;
        let edited_last = |id: i64| (id, if id == 100 { 9_000_000_000 } else { id * 10_000_000 });
        let shuffled_later = |id: i64| (id, if id < 120 { id * 10_000_000 } else { (300 - id) * 10_000_000 });
        let imported = |id: i64| (id, if id > 50 { 5_000_000_000 } else { id * 10_000_000 });
        let lists: [(Vec<Row>, Order); 3] = [
            ((1..=150).map(edited_last).collect(), by_id),
            ((1..=150).map(shuffled_later).collect(), by_id),
            ((1..=150).map(imported).collect(), newest_first),
        ];
        for (mut rows, order) in lists {
            rows.sort_by_key(order);
            for total in ["none", "of the page", "of everything"] {
                let (mut pager, mut got) = (Pager::new(None, 100, false), BTreeMap::new());
                while let Some(query) = pager.next() {
                    let after = query.updated_after.as_deref().and_then(Timestamp::parse);
                    let matching = rows.iter().filter(|(_, time)| after.is_none_or(|after| *time >= after.0));
                    let items: Vec<crate::model::Row> =
                        matching.skip(query.offset as usize).take(100).map(|(id, time)| row(*id, *time)).collect();
                    let total = match total {
                        "none" => None,
                        "of the page" => Some(items.len() as i64),
                        _ => Some(150),
                    };
                    let fresh = items.iter().filter(|task| got.insert(task.id, ()).is_none()).count();
                    pager.took(&Page { items, total, ..Page::default() }, fresh).expect("ends");
                }
                assert_eq!(got.len(), 150, "{total}");
            }
        }
    }

    /// Its bound is enough for one that sorts as asked.
    #[test]
    fn a_server_that_passes_over_the_offset() {
        let rows: Vec<(i64, i64)> = (1..=250).map(|id| (id, id * 10_000_000)).collect();
        for no_totals in [true, false] {
            let quirks = Quirks { no_totals, ..Quirks::default() };
            let (mut pager, mut got) = (Pager::new(None, 100, false), BTreeMap::new());
            while let Some(query) = pager.next() {
                let page = page(&rows, &Query { offset: 0, ..query }, quirks);
                let fresh = page.items.iter().filter(|task| got.insert(task.id, ()).is_none()).count();
                pager.took(&page, fresh).expect("ends");
            }
            assert_eq!(got.len(), 250);
        }
    }

    #[test]
    fn an_idle_sync_asks_once_or_twice() {
        let rows: Vec<(i64, i64)> = (1..=120).map(|id| (id, id * 10_000_000)).collect();
        let (got, requests) = collect(&rows, 100, Some(Timestamp(1_190_000_000)), Quirks::default());
        assert_eq!((got.len(), requests), (1, 2));
        let (_, requests) = collect(&rows, 100, Some(Timestamp(1_200_000_000)), Quirks::default());
        assert_eq!(requests, 1);
    }

    #[test]
    fn a_list_without_end_is_given_up() {
        let mut pager = Pager::new(None, 10, false);
        let rows: Vec<(i64, i64)> = (1..=10).map(|id| (id, id)).collect();
        let mut result = Ok(());
        for round in 0..1_000 {
            let same =
                page(&rows, &Query { limit: 10, ..Query::default() }, Quirks { no_totals: true, ..Quirks::default() });
            result = pager.took(&same, if round == 0 { 10 } else { 0 });
            if result.is_err() {
                break;
            }
        }
        assert!(result.is_err());
    }
}
