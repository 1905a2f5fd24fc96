//! What was confirmed on screen, kept beside the programs under test. Every written value carries a token of its own
//! (`v17`), every task a mark that its title keeps (`c3`), so that at the end each can be asked for: where are you?

use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Ledger {
    tokens: usize,
    /// Confirmed values, and the command that wrote each.
    pub written: BTreeMap<String, String>,
    /// Values that a later write, which had seen them, replaced; or may have, when it was killed.
    pub replaced: BTreeSet<String>,
    /// Marks of confirmed creations.
    pub created: BTreeMap<String, String>,
    /// Marks of tasks that somebody has deleted, or may have.
    pub deleted: BTreeSet<String>,
    /// Of the mark of a thing: that of the task or the attempt that it is below.
    pub above: BTreeMap<String, String>,
    /// Of a value: the mark of the thing that it was written into.
    pub within: BTreeMap<String, String>,
    /// Confirmed dependencies between marks.
    pub linked: BTreeMap<(String, String), String>,
    /// Dependencies that somebody has taken away, or may have.
    pub unlinked: BTreeSet<(String, String)>,
}

impl Ledger {
    pub fn token(&mut self) -> String {
        self.tokens += 1;
        format!("v{}", self.tokens)
    }

    /// The thing with this mark, or one that it is below, is deleted, or may be.
    pub fn is_gone(&self, mark: &str) -> bool {
        self.deleted.contains(mark) || self.above.get(mark).is_some_and(|above| self.is_gone(above))
    }

    pub fn mark(&mut self) -> String {
        self.tokens += 1;
        format!("c{}", self.tokens)
    }
}

/// The tokens in a text; those of values begin with `v`, those of tasks with `c`.
pub fn tokens(text: &str, kind: char) -> BTreeSet<String> {
    let is_token = |word: &&str| {
        word.strip_prefix(kind).is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_token).map(str::to_string).collect()
}
