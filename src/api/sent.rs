//! Whether any byte of a request left this machine: measured at the socket, not guessed from an error's kind. A reset
//! during a TLS handshake and a reset after a POST look the same to the caller and mean opposite things: the first may
//! be repeated, the second must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// Set from the first attempt to write a request; cleared before the next one.
#[derive(Debug, Clone, Default)]
pub(super) struct SentMark(Arc<AtomicBool>);

impl SentMark {
    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The last link of ureq's chain of connectors: it sees requests, after any proxy's CONNECT and any TLS handshake.
#[derive(Debug)]
pub(super) struct Marking {
    pub(super) mark: SentMark,
    /// `host:port` of the server: ureq runs the chain for the proxy too, whose CONNECT is no request of ours.
    pub(super) authority: String,
}

impl<In: Transport> Connector<In> for Marking {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let to_the_server = details.uri.authority().is_some_and(|authority| authority.as_str() == self.authority);
        Ok(chained.map(|inner| -> Box<dyn Transport> {
            if to_the_server { Box::new(Marked { inner, mark: self.mark.clone() }) } else { Box::new(inner) }
        }))
    }
}

#[derive(Debug)]
struct Marked<In> {
    inner: In,
    mark: SentMark,
}

impl<In: Transport> Transport for Marked<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.mark.0.store(true, Ordering::Relaxed);
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
