//! Filling a tree one by one. Their own `collect` sorts first, and each call brings another copy of the sort into the
//! program, 2 KB of it, for sets that have a handful of members.

/// `collect` for a `BTreeSet` or a `BTreeMap`.
pub trait Gather: Iterator + Sized {
    fn gather<T: Default + Extend<Self::Item>>(self) -> T {
        let mut all = T::default();
        all.extend(self);
        all
    }
}

impl<I: Iterator> Gather for I {}
