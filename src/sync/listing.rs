//! What of a workspace is to be listed: nothing, what changed, or everything? Pure. An incremental listing is cheap and can
//! be wrong: a server without tombstones does not tell what was deleted, one that was put back to a backup has an older
//! past. Each reason to list everything is a row of `TABLE` in the tests.

use super::observe::Epoch;
use crate::time::Timestamp;
use std::time::Duration;

/// Everything is listed once a day: a server whose clock was set back has changes before the cursor, and a label that was
/// renamed changes rows without a new version.
const LISTED_EVERY: Duration = Duration::from_secs(86_400);

/// Read again before the cursor: rows of one instant, and transactions that commit late (docs/sync.md).
pub(super) const OVERLAP: Duration = Duration::from_secs(30);

/// A server's clock may be ahead of ours by so much.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_secs(600);

/// What earlier pulls have left about a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Marks {
    /// The newest `updated_at` that was received, and the row that had it.
    pub(super) cursor: Option<(Timestamp, i64)>,
    /// When it was listed in full, by our clock.
    pub(super) listed: Option<Timestamp>,
    /// The workspace's `state` when it was pulled last.
    pub(super) state: Option<String>,
    /// This client has written rows since. The server's `state` is then another one, unless it was put back to before that.
    pub(super) written: bool,
}

/// What the door and the list of workspaces tell before anything is asked for.
#[derive(Debug, Clone)]
pub(super) struct Situation<'a> {
    pub(super) marks: &'a Marks,
    /// The workspace's `state` now.
    pub(super) state: Option<&'a str>,
    /// `--force`, or the cache is of another server.
    pub(super) anew: bool,
    /// `--full`.
    pub(super) full: bool,
    pub(super) epoch: Epoch,
    /// The workspace's prefix is another one: every row has another name, without a new version.
    pub(super) renamed: bool,
    pub(super) now: Timestamp,
    /// What the listing of changes brought, once it did.
    pub(super) brought: Option<Brought>,
}

/// What a listing of changes tells about itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Brought {
    pub(super) cursor_row: CursorRow,
    /// The server tells what was deleted.
    pub(super) tombstones: bool,
    /// Live rows that the cache would hold, those that no list has left out.
    pub(super) expected: i64,
    /// As the server counts them.
    pub(super) total: Option<i64>,
}

/// The row that set the cursor lies in the overlap, or was changed since: either way it must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CursorRow {
    Came,
    /// Deleted, moved, or unknown to a server that was put back.
    Missing,
    /// In an older version than was known.
    Older,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Listing {
    /// Nothing has changed since.
    Nothing,
    /// From here on.
    Changes(Timestamp),
    /// The changes that were listed are all there is to know.
    Enough,
    Everything(Why),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Anew,
    Asked,
    WentBack,
    Renamed,
    NoCursor,
    Daily,
    CursorRow,
    Total,
}

pub(super) fn listing(situation: &Situation) -> Listing {
    let Situation { marks, state, now, .. } = *situation;
    if situation.anew {
        return Listing::Everything(Why::Anew);
    }
    if situation.full {
        return Listing::Everything(Why::Asked);
    }
    if situation.epoch == Epoch::WentBack {
        return Listing::Everything(Why::WentBack);
    }
    if situation.renamed {
        return Listing::Everything(Why::Renamed);
    }
    let Some((cursor, _)) = marks.cursor else { return untold(marks, state, Why::NoCursor) };
    if let Some(brought) = &situation.brought {
        return whole(brought);
    }
    if !marks.listed.is_some_and(|last| is_within(last, LISTED_EVERY, now)) {
        return Listing::Everything(Why::Daily);
    }
    if state.is_some() && state == marks.state.as_deref() && !marks.written {
        return Listing::Nothing;
    }
    Listing::Changes(cursor.minus(OVERLAP))
}

/// A workspace without a row has no cursor, and may be unchanged all the same.
fn untold(marks: &Marks, state: Option<&str>, why: Why) -> Listing {
    if state.is_some() && state == marks.state.as_deref() { Listing::Nothing } else { Listing::Everything(why) }
}

fn whole(brought: &Brought) -> Listing {
    match brought.cursor_row {
        CursorRow::Older => Listing::Everything(Why::WentBack),
        CursorRow::Missing => Listing::Everything(Why::CursorRow),
        // Whether `total` counts all matches is unknown (api.md 7): one that counts the page differs here, always.
        CursorRow::Came if !brought.tombstones && brought.total != Some(brought.expected) => {
            Listing::Everything(Why::Total)
        }
        CursorRow::Came => Listing::Enough,
    }
}

/// The mark was set at most so long ago. One that lies in the future was set by a clock that was wrong.
pub(super) fn is_within(mark: Timestamp, span: Duration, now: Timestamp) -> bool {
    mark <= now.plus(CLOCKS_DIFFER) && mark.age(now) < span
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000_000);
    const CURSOR: Timestamp = Timestamp(999_000_000_000);

    fn marks() -> Marks {
        let listed = Some(NOW.minus(Duration::from_secs(3600)));
        Marks { cursor: Some((CURSOR, 7)), listed, state: Some("17".into()), written: false }
    }

    fn situation(marks: &Marks) -> Situation<'_> {
        Situation {
            marks,
            state: Some("18"),
            anew: false,
            full: false,
            epoch: Epoch::Continuous,
            renamed: false,
            now: NOW,
            brought: None,
        }
    }

    fn brought(cursor_row: CursorRow, tombstones: bool, total: Option<i64>) -> Option<Brought> {
        Some(Brought { cursor_row, tombstones, expected: 5, total })
    }

    #[test]
    fn before_anything_is_asked_for() {
        let marks = marks();
        let before = situation(&marks);
        let changes = Listing::Changes(CURSOR.minus(OVERLAP));
        assert_eq!(listing(&before), changes);
        assert_eq!(listing(&Situation { state: Some("17"), ..before.clone() }), Listing::Nothing);
        assert_eq!(listing(&Situation { state: None, ..before.clone() }), changes);
        let anew = Situation { anew: true, state: Some("17"), ..before.clone() };
        assert_eq!(listing(&anew), Listing::Everything(Why::Anew));
        let full = Situation { full: true, state: Some("17"), ..before.clone() };
        assert_eq!(listing(&full), Listing::Everything(Why::Asked));
        let back = Situation { epoch: Epoch::WentBack, state: Some("17"), ..before.clone() };
        assert_eq!(listing(&back), Listing::Everything(Why::WentBack));
        let renamed = Situation { renamed: true, ..before };
        assert_eq!(listing(&renamed), Listing::Everything(Why::Renamed));
    }

    #[test]
    fn by_the_marks() {
        let day = Duration::from_secs(86_400);
        for (marks, expected) in [
            (Marks { cursor: None, ..marks() }, Listing::Everything(Why::NoCursor)),
            (Marks { cursor: None, state: Some("18".into()), ..marks() }, Listing::Nothing),
            (Marks { listed: None, ..marks() }, Listing::Everything(Why::Daily)),
            (Marks { listed: Some(NOW.minus(day)), ..marks() }, Listing::Everything(Why::Daily)),
            (
                Marks { listed: Some(NOW.minus(day)), state: Some("18".into()), ..marks() },
                Listing::Everything(Why::Daily),
            ),
            // A clock that was wrong.
            (Marks { listed: Some(NOW.plus(day)), ..marks() }, Listing::Everything(Why::Daily)),
            (
                Marks { listed: Some(NOW.plus(Duration::from_secs(60))), ..marks() },
                Listing::Changes(CURSOR.minus(OVERLAP)),
            ),
        ] {
            assert_eq!(listing(&situation(&marks)), expected, "{marks:?}");
        }
    }

    #[test]
    fn by_what_came() {
        let marks = marks();
        for (came, tombstones, total, expected) in [
            (CursorRow::Came, true, None, Listing::Enough),
            (CursorRow::Came, true, Some(4), Listing::Enough),
            (CursorRow::Came, false, Some(5), Listing::Enough),
            (CursorRow::Came, false, Some(4), Listing::Everything(Why::Total)),
            (CursorRow::Came, false, Some(6), Listing::Everything(Why::Total)),
            (CursorRow::Came, false, None, Listing::Everything(Why::Total)),
            (CursorRow::Missing, true, Some(5), Listing::Everything(Why::CursorRow)),
            (CursorRow::Older, true, Some(5), Listing::Everything(Why::WentBack)),
        ] {
            let after = Situation { brought: brought(came, tombstones, total), ..situation(&marks) };
            assert_eq!(listing(&after), expected, "{came:?} {tombstones} {total:?}");
        }
    }
}
