//! What is on its way holds memory: bodies that arrive slowly, answers that nobody takes. All clients together may hold so
//! much of either; what goes beyond is answered 503.

use hyper::body::Bytes;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Shorter answers are not counted: there is one for each connection.
const SMALL: usize = 64 << 10;

/// Bodies and answers each, in bytes.
const MOST: usize = 64 << 20;

static BODIES: AtomicUsize = AtomicUsize::new(0);
static ANSWERS: AtomicUsize = AtomicUsize::new(0);

/// Bytes that are counted until this is dropped.
pub struct Share {
    of: &'static AtomicUsize,
    bytes: usize,
}

impl Share {
    /// Of a body that begins to arrive.
    pub fn of_body() -> Share {
        Share { of: &BODIES, bytes: 0 }
    }

    /// Whether so much more fits. One that is alone always does.
    pub fn grow(&mut self, more: usize) -> bool {
        self.bytes += more;
        let all = self.of.fetch_add(more, Ordering::Relaxed) + more;
        all <= MOST || all == self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An answer's body that is counted until the last byte of it has been handed on.
struct Counted {
    body: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// Counts an answer's body. `None` when there are too many long ones, unless this one has to go whatever there is: it
/// tells of something that was done.
pub fn send(body: Bytes, must: bool) -> Option<Bytes> {
    if body.len() < SMALL {
        return Some(body);
    }
    let mut share = Share { of: &ANSWERS, bytes: 0 };
    let fits = share.grow(body.len());
    (fits || must).then(|| Bytes::from_owner(Counted { body, _share: share }))
}
