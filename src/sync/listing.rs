//! Is it enough to ask a workspace for what changed, or is everything to be listed? Pure.

use crate::time::Timestamp;
use std::time::Duration;

/// A workspace is listed in full after this long: a server whose clock was set back has changes before the cursor.
const LISTED_EVERY: Duration = Duration::from_secs(86_400);

/// A server's clock may be ahead of ours by so much.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_secs(600);

/// What is known of a workspace before it is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    pub cursor: Option<Timestamp>,
    /// When everything was listed last.
    pub listed: Option<Timestamp>,
    /// The state token that the server gave with the last pull, and the one it gives now.
    pub state: Option<String>,
    pub state_now: Option<String>,
    /// The counter of task numbers fell: the server was put back to a backup.
    pub counter_fell: bool,
    /// The workspace's prefix changed, and with it every name.
    pub renamed: bool,
    /// `--force`, or a cache that is made anew.
    pub anew: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// The server says that nothing has changed.
    Nothing,
    /// What changed since the cursor.
    Changes(Timestamp),
    Everything,
}

/// First row that matches.
pub(super) fn listing(marks: &Marks, now: Timestamp) -> Listing {
    if marks.anew || marks.counter_fell || marks.renamed {
        return Listing::Everything;
    }
    let Some(cursor) = marks.cursor else { return Listing::Everything };
    if !marks.listed.is_some_and(|listed| is_within(listed, LISTED_EVERY, now)) {
        return Listing::Everything;
    }
    match (&marks.state, &marks.state_now) {
        (Some(before), Some(state)) if before == state => Listing::Nothing,
        _ => Listing::Changes(cursor),
    }
}

/// The mark was set at most so long ago. One that lies in the future was set by a clock that was wrong.
pub(super) fn is_within(mark: Timestamp, span: Duration, now: Timestamp) -> bool {
    mark <= now.plus(CLOCKS_DIFFER) && mark.age(now) < span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let now = Timestamp(1_000_000_000_000_000);
        let ago = |seconds| Some(now.minus(Duration::from_secs(seconds)));
        let state = |text: &str| Some(text.to_string());
        let known = Marks { cursor: ago(60), listed: ago(3_600), ..Marks::default() };
        let changes = Listing::Changes(now.minus(Duration::from_secs(60)));
        for (marks, expected) in [
            (Marks::default(), Listing::Everything),
            (known.clone(), changes),
            (Marks { listed: ago(90_000), ..known.clone() }, Listing::Everything),
            (Marks { listed: Some(now.plus(Duration::from_secs(3_600))), ..known.clone() }, Listing::Everything),
            (Marks { counter_fell: true, ..known.clone() }, Listing::Everything),
            (Marks { renamed: true, ..known.clone() }, Listing::Everything),
            (Marks { anew: true, ..known.clone() }, Listing::Everything),
            (Marks { state: state("a"), state_now: state("a"), ..known.clone() }, Listing::Nothing),
            (Marks { state: state("a"), state_now: state("b"), ..known.clone() }, changes),
            (Marks { state: state("a"), state_now: None, ..known.clone() }, changes),
            (
                Marks { state: state("a"), state_now: state("a"), counter_fell: true, ..known.clone() },
                Listing::Everything,
            ),
        ] {
            assert_eq!(listing(&marks, now), expected, "{marks:?}");
        }
    }
}
