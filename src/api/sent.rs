//! Whether any byte of a request left this machine, and on what kind of connection: measured at the socket, not guessed from an error's kind. A reset
//! during a TLS handshake and a reset after a POST look the same to the caller and mean opposite things: the first may
//! be repeated, the second must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// What is known of the request under way; cleared before the next one.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    sent: AtomicBool,
    connected: AtomicBool,
}

impl Mark {
    pub(super) fn clear(&self) {
        self.0.sent.store(false, Ordering::Relaxed);
        self.0.connected.store(false, Ordering::Relaxed);
    }

    /// Writing the request has begun.
    pub(super) fn sent(&self) -> bool {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// A connection was opened for it, rather than taken from those that were kept.
    pub(super) fn connected(&self) -> bool {
        self.0.connected.load(Ordering::Relaxed)
    }
}

/// The last link of ureq's chain of connectors: it sees requests, after any proxy's CONNECT and any TLS handshake.
#[derive(Debug)]
pub(super) struct Marking {
    pub(super) mark: Mark,
    /// `host:port` of the server: ureq runs the chain for the proxy too, whose CONNECT is no request of ours.
    pub(super) authority: String,
}

impl<In: Transport> Connector<In> for Marking {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let to_the_server = details.uri.authority().is_some_and(|authority| authority.as_str() == self.authority);
        Ok(chained.map(|inner| -> Box<dyn Transport> {
            if !to_the_server {
                return Box::new(inner);
            }
            self.mark.0.connected.store(true, Ordering::Relaxed);
            Box::new(Marked { inner, mark: self.mark.clone() })
        }))
    }
}

#[derive(Debug)]
struct Marked<In> {
    inner: In,
    mark: Mark,
}

impl<In: Transport> Transport for Marked<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.mark.0.sent.store(true, Ordering::Relaxed);
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
