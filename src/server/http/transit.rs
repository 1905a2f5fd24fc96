//! Answers on their way. A client that asks for long pages and reads none of them leaves them in memory until the time
//! for it is over; all clients together may leave so much there.

use hyper::body::Bytes;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Shorter answers are not counted: there is one for each connection.
const SMALL: usize = 64 << 10;

/// In bytes.
const MOST: usize = 64 << 20;

static ON_ITS_WAY: AtomicUsize = AtomicUsize::new(0);

/// A body that is counted until the last byte of it has been handed on.
struct Counted(Bytes);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ON_ITS_WAY.fetch_sub(self.0.len(), Ordering::Relaxed);
    }
}

/// Counts a body. `None` when there are too many long ones, unless this one has to go whatever there is: it tells of
/// something that was done.
pub fn send(body: Bytes, must: bool) -> Option<Bytes> {
    if body.len() < SMALL {
        return Some(body);
    }
    let before = ON_ITS_WAY.fetch_add(body.len(), Ordering::Relaxed);
    let counted = Counted(body);
    if must || before == 0 || before + counted.0.len() <= MOST { Some(Bytes::from_owner(counted)) } else { None }
}
