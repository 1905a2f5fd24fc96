//! Which page of a list to ask for next: in the order of changes, moving the lower bound rather than an offset through
//! rows that are being changed meanwhile (keyset paging); an offset is used inside a run of equal times, and where a
//! server does not sort or filter as asked. Where its order is not known, a walk that moved the bound ends with the
//! question whether there is more than it brought; what that tells about the server is remembered. A walk can be gone on
//! with by another run. Knows nothing about where pages come from.

use super::remote::{Page, Query};
use crate::model::Row;
use crate::store::Walk;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// The smallest step of a server's clock that we can name.
const INSTANT: Duration = Duration::from_micros(1);

/// A list that is longer is not one of tasks.
const MOST_ROWS: usize = 5_000_000;

/// What is known of the server's lists.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// They come in the order asked for.
    pub(super) sorted: bool,
    /// The server says so itself; then its `total` counts all that matches.
    pub(super) declared: bool,
}

/// A page as the pager looks at it.
#[derive(Debug, Default)]
pub(super) struct Came {
    rows: Vec<(i64, Timestamp)>,
    /// Rows that could not be read: they count for an offset.
    broken: usize,
    total: Option<i64>,
}

impl Came {
    pub(super) fn of(page: &Page) -> Came {
        let rows = page.items.iter().map(|row| (row.id, instant(row))).collect();
        Came { rows, broken: page.unreadable.len(), total: page.total }
    }
}

/// The state of one walk through a list.
pub(super) struct Pager {
    from: Option<Timestamp>,
    after: Option<Timestamp>,
    limit: u32,
    offset: u32,
    known: Known,
    /// When the walk began, by our clock; for whoever goes on with it.
    began: String,
    /// It was begun by another run, of whose pages nothing is known here.
    resumed: bool,
    /// The row with which that run stopped.
    place: Option<i64>,
    /// The row that came last.
    last: Option<i64>,
    /// The server sorts by `updated_at` and filters by `updated_after`, as far as its pages show.
    keyset: bool,
    /// `total` was seen to count only the page.
    page_totals: bool,
    /// What `total` must be at least if the server sorts as asked: the rows at or behind the new lower bound.
    total_at_least: Option<i64>,
    /// The bound was moved on the word of pages that were in order. One page may be by accident.
    moved: bool,
    /// The newest bound that came in order: a walk that is done is gone on with from here.
    reached: Option<Timestamp>,
    /// Ids went down and up while the times went up: the order is no accident.
    ids_fell: bool,
    ids_rose: bool,
    /// The page that was asked for is the one behind all that came.
    asks_for_more: bool,
    /// It was asked, and there was no more.
    proved: bool,
    /// The rows that came, each with its time.
    ids: BTreeMap<i64, Timestamp>,
    /// The ids of the page that came first. A server that passes over the offset gives it again.
    first: Vec<i64>,
    rows: usize,
    idle: usize,
    done: bool,
}

impl Pager {
    pub(super) fn new(from: Option<Timestamp>, limit: u32, known: Known) -> Pager {
        Pager {
            from,
            after: from,
            limit,
            offset: 0,
            known,
            began: Timestamp::now().rfc3339(),
            resumed: false,
            place: None,
            last: None,
            keyset: true,
            page_totals: false,
            total_at_least: None,
            moved: false,
            reached: None,
            ids_fell: false,
            ids_rose: false,
            asks_for_more: false,
            proved: false,
            ids: BTreeMap::new(),
            first: Vec::new(),
            rows: 0,
            idle: 0,
            done: false,
        }
    }

    /// Goes on with a walk that an earlier run began. `None` where it cannot be: by offset through rows that have changed
    /// since, one that had ended.
    pub(super) fn resume(walk: &Walk, from: Option<Timestamp>, limit: u32, known: Known) -> Option<Pager> {
        let after = walk.from.as_deref().and_then(Timestamp::parse);
        if walk.done && after.is_none() {
            return None;
        }
        let moved = after != from;
        // By offset, rows that went meanwhile have moved the others: some are read again. Where the order is not known, an
        // offset from the beginning is of a walk that found out that it must go by offset.
        let by_offset = !moved && walk.offset > 0 && !known.sorted;
        let again = if by_offset { limit / 4 } else { 1 };
        Some(Pager {
            after,
            offset: if walk.done { 0 } else { walk.offset.saturating_sub(again) },
            limit: if walk.page == 0 { limit } else { walk.page.min(limit) },
            began: walk.began.clone(),
            resumed: true,
            place: walk.row,
            last: walk.row,
            keyset: !by_offset,
            moved,
            reached: after.filter(|_| moved),
            ..Pager::new(from, limit, known)
        })
    }

    /// For another run to go on with.
    pub(super) fn walk(&self) -> Walk {
        let (from, offset) = if self.done { (self.reached, 0) } else { (self.after, self.offset) };
        Walk {
            began: self.began.clone(),
            everything: self.from.is_none(),
            from: from.map(Timestamp::rfc3339),
            offset,
            page: self.limit,
            row: self.last,
            done: self.done,
        }
    }

    /// A server may refuse a limit above its own (api.md 7), or have rows that make a page too long to be read. False when
    /// there is nothing smaller to try.
    pub(super) fn ask_for_less(&mut self) -> bool {
        let less = self.limit > 1;
        self.limit = (self.limit / 2).max(1);
        less
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// The coming question is only whether there is more. A server may refuse it instead of answering with nothing.
    pub(super) fn asks_for_more(&self) -> bool {
        self.asks_for_more
    }

    /// The server was seen to sort as asked: by more than one page, and in an order that is not that of the ids.
    pub(super) fn learned_order(&self) -> bool {
        self.proved && self.ids_fell && self.ids_rose
    }

    /// Rows may have been passed over: pages of another run were taken for in order, and nobody asked whether there is more.
    pub(super) fn is_doubtful(&self) -> bool {
        self.resumed && !(self.known.sorted && self.keyset)
    }

    /// The row with which another run stopped did not come again: it is gone, or the server was put back meanwhile to before
    /// what was staged.
    pub(super) fn lost_its_place(&self) -> bool {
        self.place.is_some_and(|id| !self.ids.contains_key(&id))
    }

    pub(super) fn next(&self) -> Option<Query> {
        (!self.done).then(|| Query {
            below: None,
            updated_after: self.after.map(Timestamp::rfc3339),
            limit: self.limit,
            offset: self.offset,
            // Tombstones matter only to those who may hold the row already.
            include_deleted: self.from.is_some() || self.resumed,
        })
    }

    /// Takes note of a page. An error names a server whose list never ends.
    pub(super) fn took(&mut self, page: &Came) -> Result<(), &'static str> {
        let count = page.rows.len() + page.broken;
        let Some((first, last)) = self.bounds(page) else {
            // Nothing that could be read: what lies behind it may be.
            self.offset += count as u32;
            self.idle += 1;
            if count == 0 || self.asks_for_more {
                self.end();
            }
            return self.check_progress(count);
        };
        let ids: Vec<i64> = page.rows.iter().map(|(id, _)| *id).collect();
        // Nobody who looks at the offset gives the same again.
        let known = self.keyset && self.offset > 0 && ids.iter().all(|id| self.ids.contains_key(id));
        let given_again = if self.asks_for_more { ids == self.first } else { known };
        if given_again {
            self.end();
            return Ok(());
        }
        if self.asks_for_more || (self.moved && !self.keyset) {
            self.begin_again();
            return Ok(());
        }
        let fresh = page.rows.iter().filter(|(id, at)| self.ids.insert(*id, *at) != Some(*at)).count();
        self.last = ids.last().copied();
        if self.first.is_empty() {
            self.first = ids;
        }
        self.rows += fresh;
        self.idle = if fresh == 0 { self.idle + 1 } else { 0 };
        self.check_progress(count)?;
        let total = page.total.filter(|total| *total > count as i64);
        self.page_totals |= self.offset > 0 && page.total == Some(count as i64);
        let unsorted = self.total_at_least.take().is_some_and(|least| page.total.is_some_and(|total| total < least));
        if self.keyset && (unsorted || self.after.is_some_and(|after| first < after)) {
            self.begin_again();
            return Ok(());
        }
        let end = i64::from(self.offset) + count as i64;
        let perhaps_whole = page.total == Some(count as i64) && !self.page_totals;
        let whole = self.known.declared && page.total == Some(end) && count < self.limit as usize;
        let next_key = last.minus(INSTANT);
        if self.keyset {
            self.reached = self.reached.max(Some(next_key));
        }
        if self.keyset && (whole || total.is_some_and(|total| end >= total)) {
            self.end();
        } else if self.moves_bound(count, fresh, perhaps_whole, next_key) {
            let before = page.rows.iter().filter(|(_, at)| *at < last).count() + page.broken;
            self.total_at_least = total.map(|total| total - i64::from(self.offset) - before as i64);
            (self.after, self.offset) = (Some(next_key), 0);
            self.moved = true;
        } else {
            self.offset += count as u32;
        }
        Ok(())
    }

    fn check_progress(&self, count: usize) -> Result<(), &'static str> {
        let endless = self.idle > 50 + self.rows / count.max(1) || self.rows > MOST_ROWS;
        if endless { Err("the list of rows never ends") } else { Ok(()) }
    }

    /// Nothing more came. If the bound was moved, that may be because the rest lies before it.
    fn end(&mut self) {
        self.proved |= self.asks_for_more;
        // How many rows an earlier run has brought is not known here: then `is_doubtful` says that nobody asked.
        let certain = self.known.sorted || self.resumed;
        self.done = !self.moved || self.asks_for_more || certain;
        self.asks_for_more = true;
        (self.after, self.offset) = (self.from, self.ids.len() as u32);
    }

    /// Rows were passed over, or the filter is: goes through all of them by offset.
    fn begin_again(&mut self) {
        (self.keyset, self.moved, self.asks_for_more, self.resumed) = (false, false, false, false);
        (self.after, self.offset, self.reached) = (self.from, 0, None);
    }

    /// A single row shows no order, and a page that may be the last one is cheaper to follow by offset.
    fn moves_bound(&self, count: usize, fresh: usize, perhaps_whole: bool, next_key: Timestamp) -> bool {
        let forward = self.after.is_none_or(|after| next_key > after);
        self.keyset && count > 1 && fresh > 0 && !perhaps_whole && forward
    }

    /// Smallest and largest `updated_at` of a page; turns keyset paging off when the page is not in order.
    fn bounds(&mut self, page: &Came) -> Option<(Timestamp, Timestamp)> {
        self.keyset &= page.rows.is_sorted_by_key(|(_, at)| *at);
        for pair in page.rows.windows(2) {
            self.ids_rose |= pair[0].0 < pair[1].0;
            self.ids_fell |= pair[0].0 > pair[1].0;
        }
        let times = page.rows.iter().map(|(_, at)| *at);
        Some((times.clone().min()?, times.max()?))
    }
}

fn instant(row: &Row) -> Timestamp {
    Timestamp::parse(&row.updated_at).unwrap_or(Timestamp(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::TASK;
    use std::collections::BTreeSet;

    fn row(id: i64, time: i64) -> Row {
        Row { id, updated_at: Timestamp(time).rfc3339(), ..Row::new(&TASK) }
    }

    fn plain(from: Option<Timestamp>, limit: u32) -> Pager {
        Pager::new(from, limit, Known::default())
    }

    fn full_page(items: Vec<Row>, total: Option<i64>) -> Page {
        Page { items, total, ..Page::default() }
    }

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
        full_page(items, (!quirks.no_totals).then_some(total))
    }

    fn collect(
        rows: &[(i64, i64)],
        limit: u32,
        from: Option<Timestamp>,
        quirks: Quirks,
    ) -> (BTreeMap<i64, String>, usize) {
        let mut pager = plain(from, limit);
        let (mut got, mut requests) = (BTreeMap::new(), 0);
        while let Some(query) = pager.next() {
            let page = page(rows, &query, quirks);
            got.extend(page.items.iter().map(|row| (row.id, row.updated_at.clone())));
            pager.took(&Came::of(&page)).expect("ends");
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
        let mut pager = plain(None, 100);
        let mut got = BTreeMap::new();
        while let Some(query) = pager.next() {
            let after = query.updated_after.as_deref().and_then(Timestamp::parse);
            let matching: Vec<&(i64, i64)> =
                rows.iter().filter(|(_, time)| after.is_none_or(|after| *time >= after.0)).collect();
            let items: Vec<Row> =
                matching.iter().skip(query.offset as usize).take(100).map(|(id, time)| row(*id, *time)).collect();
            let page = full_page(items, Some(matching.len() as i64));
            got.extend(page.items.iter().map(|row| (row.id, ())));
            pager.took(&Came::of(&page)).expect("ends");
        }
        assert_eq!(got.len(), 120);
    }

    /// Servers that do not sort as asked and give no total worth the name, whose first page happens to be in order.
    #[test]
    fn one_page_in_order_is_no_proof() {
        type Pair = (i64, i64);
        type Order = fn(&Pair) -> i64;
        let by_id = |row: &Pair| row.0;
        let newest_first = |row: &Pair| -row.1;
        let edited_last = |id: i64| (id, if id == 100 { 9_000_000_000 } else { id * 10_000_000 });
        let shuffled_later = |id: i64| (id, if id < 120 { id * 10_000_000 } else { (300 - id) * 10_000_000 });
        let imported = |id: i64| (id, if id > 50 { 5_000_000_000 } else { id * 10_000_000 });
        let lists: [(Vec<Pair>, Order); 3] = [
            ((1..=150).map(edited_last).collect(), by_id),
            ((1..=150).map(shuffled_later).collect(), by_id),
            ((1..=150).map(imported).collect(), newest_first),
        ];
        for (mut rows, order) in lists {
            rows.sort_by_key(order);
            for total in ["none", "of the page", "of everything"] {
                let (mut pager, mut got) = (plain(None, 100), BTreeMap::new());
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
                    got.extend(items.iter().map(|row| (row.id, ())));
                    pager.took(&Came::of(&full_page(items, total))).expect("ends");
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
            let (mut pager, mut got) = (plain(None, 100), BTreeMap::new());
            while let Some(query) = pager.next() {
                let page = page(&rows, &Query { offset: 0, ..query }, quirks);
                got.extend(page.items.iter().map(|row| (row.id, ())));
                pager.took(&Came::of(&page)).expect("ends");
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
        let mut pager = plain(None, 10);
        let rows: Vec<(i64, i64)> = (1..=10).map(|id| (id, id)).collect();
        let mut result = Ok(());
        for _ in 0..1_000 {
            let same =
                page(&rows, &Query { limit: 10, ..Query::default() }, Quirks { no_totals: true, ..Quirks::default() });
            result = pager.took(&Came::of(&same));
            if result.is_err() {
                break;
            }
        }
        assert!(result.is_err());
    }

    /// Every walk that stops after some pages and is gone on with by new runs, each with a few pages.
    #[test]
    fn a_walk_is_gone_on_with() {
        let rows: Vec<(i64, i64)> =
            (1..=120).map(|id| (id, if id < 30 { 1_000_000 } else { (id * 37 % 121) * 10_000_000 })).collect();
        for known in [Known::default(), Known { sorted: true, declared: true }] {
            for bits in 0..4_u32 {
                let quirks = Quirks { inclusive: bits & 1 != 0, no_totals: bits & 2 != 0, ..Quirks::default() };
                let (mut got, mut walk, mut runs) = (BTreeMap::new(), None::<Walk>, 0);
                loop {
                    let fresh = Pager::new(None, 10, known);
                    let mut pager =
                        walk.as_ref().and_then(|walk| Pager::resume(walk, None, 10, known)).unwrap_or(fresh);
                    for _ in 0..3 {
                        let Some(query) = pager.next() else { break };
                        let page = page(&rows, &query, quirks);
                        got.extend(page.items.iter().map(|row| (row.id, ())));
                        pager.took(&Came::of(&page)).expect("ends");
                    }
                    runs += 1;
                    let stopped = pager.walk();
                    assert!(stopped.everything);
                    if stopped.done {
                        assert_eq!(pager.is_doubtful(), !known.sorted && runs > 1);
                        break;
                    }
                    walk = Some(stopped);
                    assert!(runs < 50, "no progress");
                }
                assert_eq!(got.len(), 120, "{known:?} {bits:02b}");
            }
        }
    }

    /// A walk that had ended when its run failed costs one request more, and brings what was changed since.
    #[test]
    fn a_walk_that_had_ended_brings_what_came_since() {
        let known = Known { sorted: true, declared: true };
        let mut rows: Vec<(i64, i64)> = (1..=120).map(|id| (id, id * 10_000_000)).collect();
        let mut pager = Pager::new(None, 50, known);
        while let Some(query) = pager.next() {
            let page = page(&rows, &query, Quirks::default());
            pager.took(&Came::of(&page)).expect("ends");
        }
        rows[3].1 = 5_000_000_000;
        let mut pager = Pager::resume(&pager.walk(), None, 50, known).expect("it can be");
        let mut got = Vec::new();
        while let Some(query) = pager.next() {
            let page = page(&rows, &query, Quirks::default());
            got.extend(page.items.iter().map(|row| row.id));
            pager.took(&Came::of(&page)).expect("ends");
        }
        assert_eq!(got, [120, 4]);
    }

    /// No question whether there is more, and none for a page that says that it is all.
    #[test]
    fn a_declared_order_is_believed() {
        let rows: Vec<(i64, i64)> = (1..=120).map(|id| (id, id * 10_000_000)).collect();
        let known = Known { sorted: true, declared: true };
        let requests = |rows: &[(i64, i64)]| {
            let (mut pager, mut requests) = (Pager::new(None, 100, known), 0);
            while let Some(query) = pager.next() {
                let page = page(rows, &query, Quirks::default());
                pager.took(&Came::of(&page)).expect("ends");
                requests += 1;
            }
            requests
        };
        assert_eq!((requests(&rows), requests(&rows[..40]), requests(&[])), (2, 1, 1));
    }

    /// Times that rise while ids do not: such an order is no accident.
    #[test]
    fn an_order_is_learned() {
        for (step, learned) in [(1, false), (37, true)] {
            let rows: Vec<(i64, i64)> = (1..=120).map(|id| (id, (id * step % 121) * 10_000_000)).collect();
            let mut pager = plain(None, 50);
            while let Some(query) = pager.next() {
                let page = page(&rows, &query, Quirks::default());
                pager.took(&Came::of(&page)).expect("ends");
            }
            assert_eq!(pager.learned_order(), learned, "{step}");
        }
    }

    /// Rows that cannot be read count for the offset, and end nothing.
    #[test]
    fn broken_rows_are_passed_over() {
        let rows: Vec<(i64, i64)> = (1..=60).map(|id| (id, 1_000_000)).collect();
        for limit in [3, 10, 100] {
            let (mut pager, mut got) = (plain(None, limit), BTreeSet::new());
            while let Some(query) = pager.next() {
                let mut page = page(&rows, &query, Quirks::default());
                let broken: Vec<Row> = page.items.extract_if(.., |row| (20..30).contains(&row.id)).collect();
                page.unreadable = broken
                    .iter()
                    .map(|row| crate::sync::remote::Unreadable { id: Some(row.id), message: String::new() })
                    .collect();
                got.extend(page.items.iter().map(|row| row.id));
                pager.took(&Came::of(&page)).expect("ends");
            }
            assert_eq!(got.len(), 50, "limit {limit}");
        }
    }
}
