//! Taking connections until somebody ends the server, and its orderly end: no more connections, what was asked is
//! answered, idle connections are closed.

use super::connection::{self, Shared};
use super::places::Places;
use super::{Application, exchange};
use crate::log;
use crate::metrics::METRICS;
use anyt::error::{Error, Result};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Connections that wait in the kernel until they are taken.
const BACKLOG: i32 = 4_096;

/// Threads that move bytes. The work is done elsewhere.
const THREADS: usize = 2;

/// Threads for what takes a processor longer than others should wait: large bodies, in either direction.
const ASIDE: usize = 2;

/// How long requests whose bytes are still on their way may go on arriving when the server ends, and how long those that
/// are being answered may take.
const ARRIVALS: Duration = Duration::from_secs(3);
const ANSWERS: Duration = Duration::from_secs(35);

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// Connections of one address; `None` is the default of `Places`.
    pub per_address: Option<usize>,
}

pub struct Listener {
    listener: TcpListener,
    pub address: SocketAddr,
}

/// A listener that will end in order when it is told to.
pub struct Ready {
    listener: tokio::net::TcpListener,
    signals: [Signal; 2],
    runtime: Runtime,
}

impl Listener {
    /// Binds the address; clients wait in the kernel until the server is ready.
    pub fn bind(address: SocketAddr) -> Result<Listener> {
        let cannot = |error: std::io::Error| Error::failure(format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).map_err(cannot)?;
        rustix::net::listen(&listener, BACKLOG).map_err(|error| cannot(error.into()))?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Listener { listener, address })
    }

    /// From here on SIGTERM and SIGINT end the server in order.
    pub fn ready(self) -> Result<Ready> {
        let cannot = |error: std::io::Error| Error::failure(format!("cannot serve: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(ASIDE)
            .enable_all()
            .build()
            .map_err(cannot)?;
        let inside = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(self.listener).map_err(cannot)?;
        let signals =
            [signal(SignalKind::terminate()).map_err(cannot)?, signal(SignalKind::interrupt()).map_err(cannot)?];
        drop(inside);
        Ok(Ready { listener, signals, runtime })
    }
}

impl Ready {
    /// Answers until a signal comes; then everything that was asked is answered.
    pub fn serve(self, application: Arc<impl Application>, limits: Limits) {
        let Ready { listener, mut signals, runtime } = self;
        runtime.block_on(async {
            let (stop, stopping) = watch::channel(false);
            // Every connection holds a sender: the receiver sees the end of the last one.
            let (open, mut closed) = mpsc::channel::<()>(1);
            let shared = Arc::new(Shared { application, body_limit: limits.body });
            let places = Places::new(limits.per_address);
            while let Some(taken) = next(&listener, &mut signals, &places).await {
                let (stream, address) = match taken {
                    Ok(taken) => taken,
                    Err(error) => {
                        pause_after(&error).await;
                        continue;
                    }
                };
                let Some(place) = places.take(address.ip()) else { continue };
                let (shared, stopping, open) = (Arc::clone(&shared), stopping.clone(), open.clone());
                runtime.spawn(async move {
                    connection::converse(stream, address.ip(), shared, stopping).await;
                    drop((place, open));
                });
            }
            drop((listener, open));
            let _ = stop.send(true);
            end_of_all(&mut closed, &mut signals).await;
        });
        // Connections that are still there had their time.
        runtime.shutdown_timeout(exchange::LAST_WORDS);
    }
}

/// Waits for the last connection to end, as long as that may take; a second signal ends the waiting.
async fn end_of_all(closed: &mut mpsc::Receiver<()>, signals: &mut [Signal; 2]) {
    let started = Instant::now();
    loop {
        let over = poll_fn(|context| {
            let is_over = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if is_over { Poll::Ready(None) } else { closed.poll_recv(context) }
        });
        let waited = started.elapsed();
        if tokio::time::timeout(Duration::from_millis(50), over).await.is_ok()
            || waited > ANSWERS
            || (waited > ARRIVALS && METRICS.in_flight.get() == 0)
        {
            return;
        }
    }
}

/// The next connection; `None` when a signal has come. While all places are taken, clients wait in the kernel.
async fn next(
    listener: &tokio::net::TcpListener,
    signals: &mut [Signal; 2],
    places: &Places,
) -> Option<std::io::Result<(tokio::net::TcpStream, SocketAddr)>> {
    loop {
        let are_full = places.are_full();
        let next = poll_fn(|context| {
            if signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
                return Poll::Ready(None);
            }
            if are_full { Poll::Pending } else { listener.poll_accept(context).map(Some) }
        });
        if !are_full {
            return next.await;
        }
        if let Ok(ended) = tokio::time::timeout(Duration::from_millis(20), next).await {
            return ended;
        }
    }
}

/// A client that gave up while it waited is nothing; else (no descriptors, no memory) some connection must end first.
async fn pause_after(error: &std::io::Error) {
    if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) {
        log::event(&format!("cannot take a connection: {error}"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
