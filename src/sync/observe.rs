//! Every row read from a server goes through here, once: what is it against what was known? (docs/sync.md "observe")

use crate::model::Row;
use crate::time::Timestamp;
use std::cmp::Ordering;
use std::time::Duration;

/// Was the server put back to a backup? Asked once, at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Epoch {
    #[default]
    Continuous,
    WentBack,
}

#[derive(Debug, Clone, Copy)]
pub enum Read<'a> {
    Row(&'a Row),
    /// 404 or 410 by name, a tombstone, or missing from a full listing and confirmed.
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// O1
    New,
    /// O2
    Same,
    /// O3: older than an answer this client was given; not believed.
    Behind,
    /// O4: the same version with other content.
    Rewritten,
    /// O5: the known row is one the server has lost.
    WentBack,
    /// O6: the id means another row now; the known one is gone.
    Other,
    /// O7: in another workspace, project or under another name.
    Moved,
    /// O8
    Absent,
    /// O11
    Newer,
}

/// For so long reads may be older than an answer (replicas): added to the time in which a request may still arrive.
pub const MAX_LAG: Duration = Duration::from_secs(8);

/// `answered`: how long ago the server answered a write of this client about the row; `None`: not at all, or longer than
/// is remembered. The first of O1, O8, O6, O3/O5 (older), O7, O11 (newer), O5 (same version, other time), O4, O2 that fits.
/// O9 and O10 are no facts: what cannot be read never comes here.
pub fn observe(known: Option<&Row>, read: Read, answered: Option<Duration>, epoch: Epoch) -> Fact {
    let may_lag = epoch == Epoch::Continuous && answered.is_some_and(|ago| ago <= MAX_LAG);
    match (known, read) {
        (known, Read::Absent) => absent(known, may_lag),
        (known, Read::Row(row)) if !row.is_live() => tombstone(known, row, may_lag),
        (None, Read::Row(_)) => Fact::New,
        (Some(known), Read::Row(row)) => compared(known, row, may_lag),
    }
}

/// A row that this client has just made or changed is not gone because a replica does not have it yet; one that it has
/// just deleted is.
fn absent(known: Option<&Row>, may_lag: bool) -> Fact {
    if may_lag && known.is_some_and(Row::is_live) { Fact::Behind } else { Fact::Absent }
}

/// A tombstone carries a version: only one that is older than the answer is not believed.
fn tombstone(known: Option<&Row>, row: &Row, may_lag: bool) -> Fact {
    let older = known.is_some_and(|known| known.is_live() && age(known, row) == Ordering::Less);
    if may_lag && older { Fact::Behind } else { Fact::Absent }
}

fn compared(known: &Row, row: &Row, may_lag: bool) -> Fact {
    if row.is_another_than(known) {
        return Fact::Other;
    }
    match age(known, row) {
        Ordering::Less if may_lag => Fact::Behind,
        Ordering::Less => Fact::WentBack,
        _ if has_moved(known, row) => Fact::Moved,
        Ordering::Greater => Fact::Newer,
        // A server that was put back gives a version twice.
        Ordering::Equal if !same_time(known, row) => Fact::WentBack,
        Ordering::Equal if known.is_live() != row.is_live() || row.values != known.values => Fact::Rewritten,
        Ordering::Equal => Fact::Same,
    }
}

/// The row's age against the known one's: by version; by time for kinds that have none.
fn age(known: &Row, row: &Row) -> Ordering {
    if row.kind.versions {
        return row.version.cmp(&known.version);
    }
    let times = Timestamp::parse(&known.updated_at).zip(Timestamp::parse(&row.updated_at));
    times.map_or(Ordering::Equal, |(known, row)| row.cmp(&known))
}

/// Servers write one time in several forms, with and without the parts of a second.
fn same_time(known: &Row, row: &Row) -> bool {
    match (Timestamp::parse(&known.updated_at), Timestamp::parse(&row.updated_at)) {
        (Some(known), Some(row)) => known.0.abs_diff(row.0) < 1_000_000,
        _ => known.updated_at == row.updated_at,
    }
}

fn has_moved(known: &Row, row: &Row) -> bool {
    let project = row.kind.field("project_id");
    row.workspace_id != known.workspace_id
        || row.name != known.name
        || project.is_some_and(|project| !row.get(project).same(known.get(project)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{LABELS, PROJECT, TASK, TITLE};
    use crate::model::{Field, Value};

    const NOW: Option<Duration> = Some(Duration::from_secs(1));
    const LONG_AGO: Option<Duration> = Some(Duration::from_secs(9));

    fn row(version: i64) -> Row {
        let mut row = Row::new(&TASK);
        (row.id, row.workspace_id, row.name, row.version) = (7, 1, "DEV-7".into(), version);
        row.uid = Some("t_00112233445566778899".into());
        row.created_at = "2025-10-16T10:00:00Z".into();
        row.updated_at = format!("2025-10-16T10:00:{version:02}Z");
        row.values[TITLE.at] = Value::Text("one".into());
        row.values[PROJECT.at] = Value::Int(3);
        row
    }

    fn with(version: i64, field: Field, value: Value) -> Row {
        let mut row = row(version);
        row.set(field, value);
        row
    }

    fn changed(version: i64, change: impl FnOnce(&mut Row)) -> Row {
        let mut row = row(version);
        change(&mut row);
        row
    }

    fn dead(version: i64) -> Row {
        changed(version, |row| row.deleted_at = Some("2025-10-16T11:00:00Z".into()))
    }

    #[test]
    fn o1_to_o11() {
        use Epoch::{Continuous, WentBack};
        let other_time = changed(4, |row| row.updated_at = "2025-10-17T00:00:00Z".into());
        let label = with(4, LABELS, Value::Set(vec!["renamed".into()]));
        let other_uid = changed(4, |row| row.uid = Some("t_99887766554433221100".into()));
        let made_later = changed(5, |row| {
            row.uid = None;
            row.created_at = "2025-10-16T10:11:00Z".into();
        });
        let renamed = changed(4, |row| row.name = "OPS-7".into());
        let elsewhere = changed(5, |row| row.workspace_id = 2);
        let known = row(4);
        let cases = [
            ("O1", None, Read::Row(&known), None, Continuous, Fact::New),
            ("O1", None, Read::Row(&known), NOW, WentBack, Fact::New),
            ("O2", Some(&known), Read::Row(&known), None, Continuous, Fact::Same),
            ("O2", Some(&known), Read::Row(&known), NOW, WentBack, Fact::Same),
            ("O4", Some(&known), Read::Row(&label), None, Continuous, Fact::Rewritten),
            ("O5 time", Some(&known), Read::Row(&other_time), None, Continuous, Fact::WentBack),
            ("O5 time", Some(&known), Read::Row(&other_time), NOW, Continuous, Fact::WentBack),
            ("O6", Some(&known), Read::Row(&other_uid), NOW, Continuous, Fact::Other),
            ("O6", Some(&known), Read::Row(&made_later), None, Continuous, Fact::Other),
            ("O7 name", Some(&known), Read::Row(&renamed), None, Continuous, Fact::Moved),
            ("O7 workspace", Some(&known), Read::Row(&elsewhere), None, Continuous, Fact::Moved),
            ("O8", Some(&known), Read::Absent, None, Continuous, Fact::Absent),
            ("O8", Some(&known), Read::Absent, LONG_AGO, Continuous, Fact::Absent),
            ("O8", Some(&known), Read::Absent, NOW, WentBack, Fact::Absent),
            ("O8", None, Read::Absent, NOW, Continuous, Fact::Absent),
            ("O3 for a 404", Some(&known), Read::Absent, NOW, Continuous, Fact::Behind),
        ];
        for (name, known, read, answered, epoch, fact) in cases {
            assert_eq!(observe(known, read, answered, epoch), fact, "{name}");
        }
    }

    #[test]
    fn o3_o5_o11_by_version_answer_and_epoch() {
        let known = row(4);
        for version in 1..=7 {
            for answered in [None, NOW, Some(MAX_LAG), LONG_AGO] {
                for epoch in [Epoch::Continuous, Epoch::WentBack] {
                    let lags = epoch == Epoch::Continuous && answered.is_some_and(|ago| ago <= MAX_LAG);
                    let wanted = match (version, lags) {
                        (1..4, true) => Fact::Behind,
                        (1..4, false) => Fact::WentBack,
                        (4, _) => Fact::Same,
                        _ => Fact::Newer,
                    };
                    let fact = observe(Some(&known), Read::Row(&row(version)), answered, epoch);
                    assert_eq!(fact, wanted, "{version} {answered:?} {epoch:?}");
                }
            }
        }
    }

    #[test]
    fn o7_of_an_older_row_is_o3_and_of_another_project_moved() {
        let known = row(4);
        let older = changed(3, |row| row.name = "OLD-7".into());
        assert_eq!(observe(Some(&known), Read::Row(&older), NOW, Epoch::Continuous), Fact::Behind);
        let project = with(5, PROJECT, Value::Int(4));
        assert_eq!(observe(Some(&known), Read::Row(&project), None, Epoch::Continuous), Fact::Moved);
    }

    #[test]
    fn o8_a_tombstone_is_believed_unless_it_is_older_than_the_answer() {
        let known = row(4);
        for (version, fact) in [(3, Fact::Behind), (4, Fact::Absent), (5, Fact::Absent)] {
            assert_eq!(observe(Some(&known), Read::Row(&dead(version)), NOW, Epoch::Continuous), fact);
        }
        assert_eq!(observe(Some(&known), Read::Row(&dead(3)), None, Epoch::Continuous), Fact::Absent);
        // Deleted here a moment ago: a 404 is what was asked for.
        assert_eq!(observe(Some(&dead(5)), Read::Absent, NOW, Epoch::Continuous), Fact::Absent);
    }

    #[test]
    fn one_time_in_two_forms_is_one_time() {
        let known = row(4);
        let written = changed(4, |row| row.updated_at = "2025-10-16 12:00:04.000+02:00".into());
        assert_eq!(observe(Some(&known), Read::Row(&written), None, Epoch::Continuous), Fact::Same);
    }
}
