//! Every row read from a server goes through here, once: what is it against what was known? (decision table 2.2)

use crate::model::Row;
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
/// is remembered.
pub fn observe(known: Option<&Row>, read: Read, answered: Option<Duration>, epoch: Epoch) -> Fact {
    let _ = (known, read, answered, epoch);
    todo!()
}
